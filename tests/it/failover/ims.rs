//! Search mode ims against three Kamailios: one pass through the set's order (rules S7, X1, X2).

use libtest_mimic::Trial;

use std::time::Duration;

use jiff::Timestamp;

use super::{Plan, wait_registered_at};
use crate::harness::{
    Config, Daemon, KAMAILIO, Kamailio, SLACK, SOON, Sandbox, Settings, assert_due,
    free_udp_addresses, holds_for, wait_for,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[KAMAILIO];
        a_closed_port_and_a_refusal_are_passed_over_at_once,
        a_silence_is_passed_over_after_three_sends,
        a_bound_registrar_that_dies_is_left_in_the_refresh,
    ]
}

const IMS: &str = "registrar_stickiness = \"enable\"\nregistrar_search_mode = \"ims\"";

/// The first is ordinary, the second refuses everybody, the third is ordinary.
fn three(sandbox: &Sandbox, max_expires: u32) -> [Kamailio; 3] {
    let [x, y, z] = free_udp_addresses();
    let usual = Settings::granting(max_expires);
    let refusing = Settings {
        refuse: 403,
        ..Settings::default()
    };
    [(x, &usual), (y, &refusing), (z, &usual)]
        .map(|(address, settings)| Kamailio::start_at(sandbox, address, settings))
}

fn start<'s>(sandbox: &'s Sandbox, kamailios: &[Kamailio; 3]) -> Daemon<'s> {
    let addresses = [0, 1, 2].map(|at| kamailios[at].address());
    let plan = Plan {
        account: IMS,
        ..Plan::at(&addresses)
    };
    Daemon::start_text(sandbox, &plan.text())
}

/// The second registrar was asked once, the third at once after its refusal, and has the binding.
/// Returns when the second was asked.
#[track_caller]
fn assert_pass(
    daemon: &Daemon<'_>,
    [_, second, third]: &[Kamailio; 3],
    within: Duration,
) -> Timestamp {
    wait_registered_at(daemon, third.address(), within);
    let [passed, bound] = [second, third].map(|kamailio| {
        wait_for(SOON, "the last answer", || {
            let transcript = kamailio.transcript();
            let is_whole = transcript.registers().len() == transcript.answers().len();
            is_whole.then_some(transcript)
        })
    });
    assert_eq!(passed.codes(), [403], "{passed}");
    assert_eq!(bound.codes(), [401, 200], "{bound}");
    let [asked, refused, next] = [
        passed.registers()[0],
        passed.answers()[0],
        bound.registers()[0],
    ];
    assert!(next.seconds_after(refused) < SLACK, "at once");
    let status = daemon.status();
    assert_eq!(
        status.failures(),
        0,
        "one attempt, and it went well: {status}"
    );
    assert_eq!(next.header("Call-ID"), asked.header("Call-ID"));
    assert!(next.cseq() > asked.cseq());
    assert_eq!(third.bindings(Config::CONTACT_USER).len(), 1);
    asked.at
}

// rules S7, X2
fn a_closed_port_and_a_refusal_are_passed_over_at_once() {
    let sandbox = Sandbox::new();
    let mut kamailios = three(&sandbox, 60);
    kamailios[0].kill();
    let before = Timestamp::now();
    let daemon = start(&sandbox, &kamailios);
    let ready = Timestamp::now().duration_since(before).as_secs_f64();
    let asked = assert_pass(&daemon, &kamailios, SOON);
    let after = asked.duration_since(before).as_secs_f64();
    // No timer ran: the second was asked before the daemon answered commands, or just then.
    assert!(after < ready + SLACK, "{after} s after the start");
    assert!(kamailios[0].transcript().registers().is_empty());
    daemon.stop();
}

// rules S7, X1: three sends, and the end where the fourth would have left
fn a_silence_is_passed_over_after_three_sends() {
    let sandbox = Sandbox::new();
    let kamailios = three(&sandbox, 60);
    kamailios[0].freeze();
    let before = Timestamp::now();
    let daemon = start(&sandbox, &kamailios);
    let ready = Timestamp::now().duration_since(before).as_secs_f64();
    let asked = assert_pass(&daemon, &kamailios, SOON + SOON);
    let after = asked.duration_since(before).as_secs_f64();
    assert!(
        (3.5..ready + 3.5 + SLACK).contains(&after),
        "{after} s after the start"
    );
    // What it could not read then it reads now: one request, sent three times, and no more.
    kamailios[0].thaw();
    let late = wait_for(SOON, "what was sent to the first", || {
        let transcript = kamailios[0].transcript();
        (transcript.registers().len() >= 3).then_some(transcript)
    });
    let branches: Vec<String> = late.registers().iter().map(|it| it.header("Via")).collect();
    assert_eq!(branches.len(), 3, "{late}");
    assert!(branches.iter().all(|branch| *branch == branches[0]));
    // A late answer changes nothing (rule X1).
    holds_for(Duration::from_secs(1), "the binding stays", || {
        daemon.status().registrar() == kamailios[2].address().to_string()
    });
    assert_eq!(kamailios[0].transcript().registers().len(), 3);
    daemon.stop();
}

// rules S7, S14
fn a_bound_registrar_that_dies_is_left_in_the_refresh() {
    let sandbox = Sandbox::new();
    let mut kamailios = three(&sandbox, 6);
    let daemon = start(&sandbox, &kamailios);
    wait_registered_at(&daemon, kamailios[0].address(), SOON);
    let granted = kamailios[0].transcript();
    let granted = *granted.answers().last().expect("a 200");
    let (granted, first) = (granted.at, granted.header("Call-ID"));
    kamailios[0].kill();
    // It comes last, and nobody waits: refusal and new binding are due with the refresh, at half.
    let asked = assert_pass(&daemon, &kamailios, SOON + SOON);
    assert_due(asked.duration_since(granted).as_secs_f64(), 3.0);
    let bound = kamailios[2].transcript();
    assert_eq!(bound.registers()[0].header("Call-ID"), first);
    daemon.stop();
}
