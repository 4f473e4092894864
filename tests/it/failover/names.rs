//! Registrars by name, from a name server on loopback whose records change while the daemon runs
//! (rules P1, P2, S5).

use std::net::SocketAddr;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use super::{Plan, seconds_since, wait_registered_at};
use crate::harness::{
    Config, Daemon, KAMAILIO, Kamailio, Mood, NameServer, SLACK, SOON, Sandbox, Settings,
    free_udp_addresses, holds_for, wait_for,
};
use jiff::Timestamp;

pub(super) fn trials() -> Vec<Trial> {
    trials![[KAMAILIO];
        an_account_follows_the_records_of_its_provider,
        a_name_server_that_falls_silent_leaves_its_answers_in_use,
    ]
}

/// Two lookups of a name are so far apart at least, and these records are good for less.
const APART: Duration = Duration::from_secs(5);
const TTL: u32 = 1;
const SERVICE: &str = "_sip._udp.carrier.test";

/// Three registrars: `x`, `y` and `z`, at one port.
fn three(sandbox: &Sandbox) -> [Kamailio; 3] {
    let settings = Settings::default();
    free_udp_addresses::<3>().map(|address| Kamailio::start_at(sandbox, address, &settings))
}

/// What the daemon says of its Proxy Set.
#[track_caller]
fn set(daemon: &Daemon<'_>) -> Value {
    let said = daemon.tell(&["status", "proxies", "carrier", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut json: Value = serde_json::from_str(&said.out).expect("JSON");
    json["proxy_sets"][0].take()
}

/// The addresses of its members, in the set's order.
fn members(set: &Value) -> Vec<String> {
    let members = set["members"].as_array().into_iter().flatten();
    let text = |member: &Value| member["address"].as_str().unwrap_or_default().to_owned();
    members.map(text).collect()
}

#[track_caller]
fn wait_members(daemon: &Daemon<'_>, expected: &[SocketAddr]) {
    let expected: Vec<String> = expected.iter().map(SocketAddr::to_string).collect();
    wait_for(APART + SOON, "the new list", || {
        (members(&set(daemon)) == expected).then_some(())
    });
}

fn start<'s>(sandbox: &'s Sandbox, server: &NameServer, method: &str, proxy: &str) -> Daemon<'s> {
    let agent = format!("dns_servers = [\"{}\"]", server.address());
    let method = format!("dns_resolve_method = \"{method}\"");
    let plan = Plan {
        agent: &agent,
        set: &method,
        proxies: vec![format!("{{ address = \"{proxy}\" }}")],
        account: "registrar_stickiness = \"enable\"",
        ..Plan::at(&[])
    };
    Daemon::start_text(sandbox, &plan.text())
}

// rules P1, P2, S5, I10
fn an_account_follows_the_records_of_its_provider() {
    let sandbox = Sandbox::new();
    let kamailios = three(&sandbox);
    let [x, y, z] = [0, 1, 2].map(|at: usize| kamailios[at].address());
    let server = NameServer::start();
    let servers = |names: &[&str]| {
        let priorities = 1..;
        let servers = names.iter().zip(priorities);
        let servers: Vec<_> = servers
            .map(|(name, priority)| (priority, 0, x.port(), *name))
            .collect();
        server.servers(SERVICE, TTL, &servers);
    };
    server.services("carrier.test", TTL, &[(10, 10, "s", "SIP+D2U", SERVICE)]);
    servers(&["x.carrier.test", "y.carrier.test"]);
    server.addresses("x.carrier.test", TTL, &["127.0.0.1"]);
    server.addresses("y.carrier.test", TTL, &["127.0.0.2"]);
    let daemon = start(&sandbox, &server, "naptr", "carrier.test");
    wait_registered_at(&daemon, x, SOON);
    assert_eq!(members(&set(&daemon)), [x, y].map(|it| it.to_string()));

    // The registrar that holds the binding is no longer a server of the service.
    servers(&["y.carrier.test"]);
    moves(&daemon, &kamailios[0], &kamailios[1]);
    // The server is, but at another address.
    server.addresses("y.carrier.test", TTL, &["127.0.0.3"]);
    moves(&daemon, &kamailios[1], &kamailios[2]);

    // A better one is none of its business while it holds a binding.
    servers(&["x.carrier.test", "y.carrier.test"]);
    wait_members(&daemon, &[x, z]);
    let before = kamailios[0].transcript().registers().len();
    holds_for(Duration::from_millis(500), "it stays where it is", || {
        daemon.status().registrar() == z.to_string()
    });
    assert_eq!(kamailios[0].transcript().registers().len(), before);
    assert_eq!(before, 2, "nobody un-registered there (rule I10)");
    daemon.stop();
}

/// The records have just been changed: the binding is at another registrar as soon as DNS is asked
/// again, long before the refresh.
#[track_caller]
fn moves(daemon: &Daemon<'_>, from: &Kamailio, to: &Kamailio) {
    let changed = Timestamp::now();
    let due = daemon
        .status()
        .refresh_due()
        .expect("a binding is refreshed");
    wait_registered_at(daemon, to.address(), APART + SOON);
    assert!(seconds_since(changed) < APART.as_secs_f64() + SLACK);
    let [before, after] = [from, to].map(Kamailio::transcript);
    let [old, new] = [before.registers()[0], after.registers()[0]];
    assert!(new.at < due, "not with the refresh");
    assert_eq!(old.header("Call-ID"), new.header("Call-ID"));
    assert_eq!(after.codes(), [401, 200], "{after}");
    assert_eq!(to.bindings(Config::CONTACT_USER).len(), 1);
    assert_eq!(from.bindings(Config::CONTACT_USER).len(), 1, "rule I10");
}

// rule P2
fn a_name_server_that_falls_silent_leaves_its_answers_in_use() {
    let sandbox = Sandbox::new();
    let kamailios = three(&sandbox);
    let [x, y, _] = [0, 1, 2].map(|at: usize| kamailios[at].address());
    let server = NameServer::start();
    server.addresses("x.carrier.test", TTL, &["127.0.0.1"]);
    let proxy = format!("x.carrier.test:{}", x.port());
    let daemon = start(&sandbox, &server, "a-record", &proxy);
    wait_registered_at(&daemon, x, SOON);
    assert_eq!(set(&daemon)["trouble"], Value::Null);

    server.mood(Mood::Silent);
    server.addresses("x.carrier.test", TTL, &["127.0.0.2"]);
    // It is asked when the answer is 5 s old, and given up 5 s later.
    let trouble = wait_for(Duration::from_secs(15), "a word of the trouble", || {
        set(&daemon)["trouble"].as_str().map(str::to_owned)
    });
    assert!(trouble.starts_with("x.carrier.test: "), "{trouble}");
    assert_eq!(members(&set(&daemon)), [x.to_string()]);
    // Nobody waits for DNS: a question is open most of the time now.
    for _ in 0..3 {
        let said = daemon.tell(&["refresh", Config::ACCOUNT]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.took < SOON, "{said:?}");
    }
    let transcript = kamailios[0].transcript();
    assert_eq!(
        transcript.codes(),
        [401, 200, 200, 200, 200],
        "{transcript}"
    );

    // It is asked every 10 s, so it is heard soon.
    server.mood(Mood::Answers);
    wait_registered_at(&daemon, y, Duration::from_secs(10) + SOON);
    assert_eq!(members(&set(&daemon)), [y.to_string()]);
    assert_eq!(set(&daemon)["trouble"], Value::Null);
    daemon.stop();
}
