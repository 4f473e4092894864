//! Nobody is there: a closed port, silence, and a port of our own that somebody else has.

use std::net::UdpSocket;
use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::Trial;

use crate::harness::{
    Config, Daemon, Registrar, SLACK, SOON, Sandbox, accept, assert_due, free_udp_address,
    holds_for, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_closed_port_is_noticed_at_once,
        silence_is_noticed_by_the_timers,
        a_port_that_somebody_has_is_said_and_tried_again,
    ]
}

// rule X: ICMP ends a transaction
fn a_closed_port_is_noticed_at_once() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start(&sandbox, &Config::new(free_udp_address()));
    let said = daemon.tell(&["register", Config::ACCOUNT]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.output, "main: the registrar cannot be reached\n");
    assert!(said.took.as_secs_f64() < SLACK, "{said:?}");
    let status = daemon.status();
    assert!(status.is_waiting(), "{status}");
    assert_eq!(status.status(), "408", "{status}");
    assert!(
        status.detail().contains("not reachable"),
        "says why: {status}"
    );
    daemon.stop();
}

// rule X: with sip_max_rtx = 3 a request leaves at 0, 0.5 and 1.5 s and is given up at 3.5 s
fn silence_is_noticed_by_the_timers() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|_| Vec::new());
    let config = Config::new(registrar.address()).set("sip_max_rtx", 3);
    let daemon = Daemon::start(&sandbox, &config);
    let said = daemon.tell(&["register", Config::ACCOUNT]);
    let over = Timestamp::now();
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.output, "main: no answer from the registrar\n");
    let heard = registrar.heard();
    let [first, second, third] = &heard.registers()[..] else {
        panic!("three sends of one request, not\n{heard}")
    };
    assert_due(second.seconds_after(first), 0.5);
    assert_due(third.seconds_after(first), 1.5);
    assert_due(over.duration_since(first.at).as_secs_f64(), 3.5);
    assert_eq!(first.text(), third.text(), "a retransmission is the same");
    let status = daemon.status();
    assert!(status.is_waiting(), "{status}");
    assert_eq!(status.last_code(), Some(408), "{status}");
    daemon.stop();
}

fn a_port_that_somebody_has_is_said_and_tried_again() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|message| vec![accept(message, 60)]);
    let config = Config::new(registrar.address());
    let local = config.local();
    let somebody = UdpSocket::bind(local).expect("the port is free");
    let daemon = Daemon::start(&sandbox, &config);
    let wanted = format!("cannot listen on {local}: Address already in use");
    wait_until(SOON, "a word about the port", || {
        daemon.log().contains(&wanted)
    });
    assert_eq!(daemon.status().status(), "Not Registered");
    let nothing_is_sent = || registrar.heard().0.is_empty();
    holds_for(
        Duration::from_millis(300),
        "nothing is sent",
        nothing_is_sent,
    );
    drop(somebody);
    // It is tried every five seconds.
    let status = daemon.wait_registered(Duration::from_secs(7));
    assert_eq!(status.local(), local.to_string());
    daemon.stop();
}
