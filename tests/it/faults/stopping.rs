//! Signals at the worst time, and sockets that a daemon has left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;

use crate::harness::{
    Config, Daemon, Many, Piped, Registrar, SLACK, SOON, Sandbox, User, accept, holds_for, regent,
    usual, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_storm_of_a_thousand_accounts_stops_in_time,
        a_second_signal_ends_it_at_once,
        who_waits_when_the_daemon_ends_is_told_so,
        the_socket_of_a_dead_daemon_is_replaced,
        the_socket_of_a_living_daemon_is_left_alone,
    ]
}

const ACCOUNTS: usize = 1_000;

// rule L7: leaving ends 4 s after the last un-REGISTER that was done
fn a_storm_of_a_thousand_accounts_stops_in_time() {
    let sandbox = Sandbox::new();
    // Half of them are registered, with a binding to remove, when the registrar falls silent.
    let mut left = ACCOUNTS / 2;
    let registrar = Registrar::start(move |message| {
        let is_answered = left > 0;
        left = left.saturating_sub(1);
        match is_answered {
            true => vec![accept(message, 60)],
            false => Vec::new(),
        }
    });
    let config = Many::new(ACCOUNTS, registrar.address()).leaving();
    let daemon = Daemon::start_text(&sandbox, &config.text());
    wait_until(SOON, "the storm", || {
        registrar.heard().0.len() > ACCOUNTS / 2
    });
    let log = daemon.stop_within(Duration::from_secs(6));
    assert!(log.contains("left=500"), "says what it left behind: {log}");
    let heard = registrar.heard().0.len();
    holds_for(Duration::from_millis(200), "nothing is sent", || {
        registrar.heard().0.len() == heard
    });
}

// rule L7
fn a_second_signal_ends_it_at_once() {
    let sandbox = Sandbox::new();
    let is_silent = Arc::new(AtomicBool::new(false));
    let mute = Arc::clone(&is_silent);
    let registrar = Registrar::start(move |message| match mute.load(Ordering::Relaxed) {
        true => Vec::new(),
        false => usual(message, 60),
    });
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()).leaving());
    daemon.wait_registered(SOON);
    is_silent.store(true, Ordering::Relaxed);
    daemon.signal(Signal::SIGTERM);
    wait_until(SOON, "an un-REGISTER", || {
        let heard = registrar.heard();
        heard.registers().iter().any(|last| last.expires() == 0)
    });
    // It waits for the answer, so that there is something to cut short.
    let log = daemon.stop_within(Duration::from_secs_f64(SLACK));
    assert!(log.contains("left=1"), "says what it left behind: {log}");
}

fn who_waits_when_the_daemon_ends_is_told_so() {
    let registrar = Registrar::start(|_| Vec::new());
    let config = Config::new(registrar.address()).leaving();
    for (signal, last) in [
        (Signal::SIGTERM, "error: the daemon stops\n"),
        (
            Signal::SIGKILL,
            "error: the daemon has ended\nhint: its log says why; what it was doing may be done or not\n",
        ),
    ] {
        // An operator's word holds over a restart, and each of them begins anew.
        let sandbox = Sandbox::new();
        let daemon = Daemon::start(&sandbox, &config);
        let socket = daemon.socket().to_string_lossy().into_owned();
        let mut watching = Piped::start(&["status", "--watch", "--socket", &socket]);
        assert!(watching.line().contains("registering"));
        let mut waiting = Piped::start(&["unregister", Config::ACCOUNT, "--socket", &socket]);
        while !watching.line().contains("unregistering") {}
        daemon.signal(signal);
        if signal == Signal::SIGTERM {
            wait_until(SOON, "the first word to be heard", || {
                daemon.log().contains("stopping")
            });
            daemon.signal(signal);
        }
        for command in [&mut waiting, &mut watching] {
            let (ended, complaint) = command.end();
            assert_eq!((ended.code(), complaint.as_str()), (Some(3), last));
        }
    }
}

fn the_socket_of_a_dead_daemon_is_replaced() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let first = Daemon::start(&sandbox, &config);
    let socket = first.socket().to_owned();
    first.kill();
    assert!(socket.exists(), "a crash leaves it behind");
    let said = regent(
        &sandbox,
        User::Same,
        &["status", "--socket", &socket.to_string_lossy()],
    );
    assert_eq!(said.code, Some(3), "nobody is there: {said:?}");
    let second = Daemon::start(&sandbox, &config);
    second.wait_registered(SOON);
    second.stop();
    assert!(!socket.exists(), "and it goes with an orderly end");
}

fn the_socket_of_a_living_daemon_is_left_alone() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let first = Daemon::start(&sandbox, &config);
    first.wait_registered(SOON);
    let heard = registrar.heard().0.len();
    let said = first.tell(&["run", "--config", "regent.toml"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let wanted = format!("another daemon listens on {}", first.socket().display());
    assert!(said.output.contains(&wanted), "{said:?}");
    assert!(said.output.contains("hint: "), "{said:?}");
    assert!(first.status().is_registered());
    assert_eq!(
        registrar.heard().0.len(),
        heard,
        "the second one sent nothing"
    );
    first.stop();
}
