//! A local port for each Account, as registrars and the system see it (rules U1 to U4).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use libtest_mimic::Trial;

use super::Plan;
use crate::harness::{
    Daemon, Registrar, SOON, Sandbox, assert_due, free_udp_ports, wait_for, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_hundred_and_two_accounts_have_ports_that_are_always_open,
        a_hundred_and_two_accounts_have_ports_that_are_open_when_used,
        a_range_that_is_too_small_leaves_the_rest_without_a_port,
        a_port_that_another_program_frees_is_found_with_the_next_try,
        a_port_that_is_taken_while_it_rests_is_replaced_by_the_next,
    ]
}

/// All that the default limits allow.
const ALL: u16 = 102;

fn plan(registrar: SocketAddr, ports: &str, count: u16) -> String {
    let interface = format!("udp_port = 0\n{ports}");
    let plan = Plan {
        registration: "registration_time_secs = 10\nregistration_retry_secs = 10",
        interface: &interface,
        account: "udp_port_assignment = true",
        count: count.into(),
        ..Plan::at(&[registrar])
    };
    plan.text()
}

fn range(first: u16, count: u16, mode: &str) -> String {
    format!(
        "additional_udp_ports = \"{first}-{}\"\nadditional_udp_ports_mode = \"{mode}\"",
        first + count - 1
    )
}

fn a_hundred_and_two_accounts_have_ports_that_are_always_open() {
    everybody("always-open");
}

fn a_hundred_and_two_accounts_have_ports_that_are_open_when_used() {
    everybody("open-when-used");
}

// rules U1, U2, U4
fn everybody(mode: &str) {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(10);
    let first = free_udp_ports(ALL);
    let ports = range(first, ALL, mode);
    let daemon = Daemon::start_text(&sandbox, &plan(registrar.address(), &ports, ALL));
    // The first registration, and a refresh at half of what was granted.
    let seen = wait_for(Duration::from_secs(20), "two registrations of each", || {
        let seen = seen(&registrar);
        let is_whole =
            seen.len() == usize::from(ALL) && seen.values().all(|seen| seen.granted >= 2);
        is_whole.then_some(seen)
    });
    let mut ports: Vec<u16> = seen.values().map(|seen| seen.port()).collect();
    ports.sort_unstable();
    let range: Vec<u16> = (first..first + ALL).collect();
    assert_eq!(ports, range, "each has its own, and keeps it");

    let names = (0..usize::from(ALL)).map(Plan::name);
    let named = names.clone().map(|name| (daemon.account(&name), name));
    for (status, name) in named.step_by(17) {
        let local = SocketAddr::from((Ipv4Addr::LOCALHOST, seen[status.aor()].port()));
        assert_eq!(status.local(), local.to_string(), "{name}: {status}");
    }
    requests_find_their_port(&registrar, &daemon, first);
    rest(&daemon, mode);
    daemon.stop();
}

/// What a registrar has seen of an address-of-record.
#[derive(Default)]
struct Seen {
    ports: Vec<u16>,
    granted: usize,
}

impl Seen {
    /// The only port that it ever came from.
    #[track_caller]
    fn port(&self) -> u16 {
        assert_eq!(self.ports.len(), 1, "more than one port: {:?}", self.ports);
        self.ports[0]
    }
}

/// By address-of-record. The Contact is where the REGISTER came from.
#[track_caller]
fn seen(registrar: &Registrar) -> BTreeMap<String, Seen> {
    let mut all: BTreeMap<String, Seen> = BTreeMap::new();
    for (from, message) in registrar.heard_from() {
        if !message.is_register() {
            continue;
        }
        let aor = message.header("To");
        let aor = aor.trim_start_matches('<').trim_end_matches('>').to_owned();
        let contact = message.header("Contact");
        assert!(
            contact.contains(&format!("@{from}")),
            "{contact} from {from}"
        );
        let seen = all.entry(aor).or_default();
        if !seen.ports.contains(&from.port()) {
            seen.ports.push(from.port());
        }
        seen.granted += usize::from(message.credentials().is_some());
    }
    all
}

// rule U4: at an Account's own port a request is that Account's; elsewhere there is no such user
#[track_caller]
fn requests_find_their_port(registrar: &Registrar, daemon: &Daemon<'_>, first: u16) {
    let own = listening(daemon).expect("the interface has a port");
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let user = Plan::user(7);
    let port = daemon
        .account(&Plan::name(7))
        .local()
        .rsplit(':')
        .next()
        .map(str::to_owned);
    let port: u16 = port.and_then(|port| port.parse().ok()).expect("a port");
    assert_ne!(first, port, "not that of the first Account");
    for (nth, (to, code)) in [(at(port), 200), (own, 404), (at(first), 200)]
        .into_iter()
        .enumerate()
    {
        let call = format!("call-{nth}");
        registrar.send(to, &options(registrar.address(), (&user, to), &call));
        let answer = wait_for(SOON, "an answer to OPTIONS", || {
            let heard = registrar.heard().0;
            let mut answers = heard.into_iter().filter(|message| message.code().is_some());
            answers.find(|message| message.header("Call-ID") == call)
        });
        assert_eq!(answer.code(), Some(code), "{to}: {}", answer.text());
    }
}

fn options(from: SocketAddr, (user, to): (&str, SocketAddr), call: &str) -> Vec<u8> {
    format!(
        "OPTIONS sip:{user}@{to} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {from};branch=z9hG4bK{call};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:carrier@{from}>;tag=1\r\nTo: <sip:{user}@{to}>\r\n\
         Call-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// Where the interface itself listens: the log says so.
fn listening(daemon: &Daemon<'_>) -> Option<SocketAddr> {
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("listening"))?;
    let (_, local) = line.split_once("local=")?;
    local.split_whitespace().next()?.parse().ok()
}

// rule U2: the binding has ended
#[track_caller]
fn rest(daemon: &Daemon<'_>, mode: &str) {
    let name = Plan::name(3);
    let before = daemon.account(&name);
    let is_free = || UdpSocket::bind(before.local()).is_ok();
    assert!(!is_free(), "it is in use");
    let said = daemon.tell(&["unregister", &name]);
    assert_eq!(said.code, Some(0), "{said:?}");
    if mode == "always-open" {
        assert!(!is_free(), "it stays open");
    } else {
        wait_until(SOON, "the port to be closed", is_free);
    }
    let said = daemon.tell(&["register", &name]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(daemon.account(&name).local(), before.local(), "it was kept");
    assert!(!is_free());
}

// rules U1, U3
fn a_range_that_is_too_small_leaves_the_rest_without_a_port() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let ports = range(free_udp_ports(2), 2, "open-when-used");
    let daemon = Daemon::start_text(&sandbox, &plan(registrar.address(), &ports, 3));
    let [one, other, rest] = [0, 1, 2].map(Plan::name);
    for name in [&one, &other] {
        wait_until(SOON, "two of three", || {
            daemon.account(name).is_registered()
        });
    }
    let status = wait_for(SOON, "the third to give up", || {
        Some(daemon.account(&rest)).filter(|status| status.phase() == "no-port")
    });
    assert_eq!(status.failures(), 1, "{status}");
    assert!(status.next_try().is_some(), "{status}");
    assert_eq!(seen(&registrar).len(), 2, "nothing of it is sent");
    // An operator is told why. Who is un-registered keeps the port, for it may come back.
    let said = daemon.tell(&["unregister", &one]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = daemon.tell(&["register", &rest]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.output.contains("no local port"), "{said:?}");
    let said = daemon.tell(&["register", &one]);
    assert_eq!(said.code, Some(0), "{said:?}");
    daemon.stop();
}

// rule U3: a refused bind takes the next; the one that frees up is found by the retry of L3
fn a_port_that_another_program_frees_is_found_with_the_next_try() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let first = free_udp_ports(3);
    let ports = range(first, 3, "open-when-used");
    let foreign = UdpSocket::bind((Ipv4Addr::LOCALHOST, first)).expect("a free port");
    let daemon = Daemon::start_text(&sandbox, &plan(registrar.address(), &ports, 3));
    let names = [0, 1, 2].map(Plan::name);
    let (with, without) = wait_for(SOON, "two with a port and one without", || {
        let all = names.iter().map(|name| (name, daemon.account(name)));
        let (with, rest): (Vec<_>, Vec<_>) = all.partition(|(_, status)| status.is_registered());
        let is_settled = with.len() == 2 && rest.iter().all(|(_, it)| it.phase() == "no-port");
        is_settled.then_some((with, rest))
    });
    let mut locals: Vec<&str> = with.iter().map(|(_, status)| status.local()).collect();
    locals.sort_unstable();
    let expected = [1, 2].map(|more| format!("127.0.0.1:{}", first + more));
    assert_eq!(locals, expected);
    let (name, status) = &without[0];
    let due = status.next_try().expect("it tries again");

    drop(foreign);
    let status = wait_for(
        Duration::from_secs(15),
        "the third to be registered",
        || Some(daemon.account(name)).filter(|status| status.is_registered()),
    );
    assert_eq!(status.local(), format!("127.0.0.1:{first}"));
    let since = status.registered_since().expect("it is registered");
    assert_due(since.duration_since(due).as_secs_f64(), 0.0);
    daemon.stop();
}

// rules U1, U3
fn a_port_that_is_taken_while_it_rests_is_replaced_by_the_next() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let first = free_udp_ports(2);
    let ports = range(first, 2, "open-when-used");
    let daemon = Daemon::start_text(&sandbox, &plan(registrar.address(), &ports, 1));
    let name = Plan::name(0);
    let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    assert_eq!(daemon.wait_registered(SOON).local(), at(first).to_string());
    let tell = |order: &str| {
        let said = daemon.tell(&[order, &name]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    tell("unregister");
    let foreign = wait_for(SOON, "the port to be closed", || {
        UdpSocket::bind(at(first)).ok()
    });
    tell("register");
    assert_eq!(daemon.status().local(), at(first + 1).to_string());
    // It is the Account's own from now on, also when the other is free again.
    drop(foreign);
    tell("unregister");
    tell("register");
    assert_eq!(daemon.status().local(), at(first + 1).to_string());
    daemon.stop();
}
