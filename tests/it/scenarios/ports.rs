//! A local port per Account (rules U1–U4).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{Ports, PortsMode};
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, LOCAL, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        each_account_has_a_port_of_its_own,
        always_open_binds_the_range_at_the_start,
        open_when_used_binds_with_the_first_register_and_closes_with_the_binding,
        a_register_during_an_unregister_keeps_the_port_open,
        a_refused_bind_takes_the_next_port,
        a_port_that_was_refused_at_the_start_is_left_out,
        without_a_port_nothing_is_sent_until_one_is_free,
        without_a_port_the_wait_grows_where_that_is_configured,
        without_a_port_an_operator_is_told_so,
        an_account_keeps_its_port_over_refreshes_and_registrations,
        an_account_keeps_its_port_when_others_come_and_go,
        an_account_keeps_its_port_when_it_is_configured_otherwise,
        a_port_of_a_removed_account_is_free_for_another,
        after_a_restart_the_port_is_the_same_and_bound_at_once,
        after_a_restart_nobody_else_takes_the_port,
        a_port_that_is_taken_at_the_restart_is_replaced_at_once,
        a_port_outside_the_range_of_now_is_replaced,
        a_request_at_another_port_is_404,
        a_request_at_the_accounts_port_is_its_own,
    ]
}

const FIRST: u16 = 6_000;

fn local(port: u16) -> SocketAddr {
    SocketAddr::new(LOCAL.ip(), port)
}

fn range(setup: Setup, last: u16, mode: PortsMode) -> Setup {
    setup.interface(move |it| {
        let first = FIRST;
        it.additional_udp_ports = Some(Ports { first, last });
        it.additional_udp_ports_mode = mode;
    })
}

fn own(name: &str) -> AccountSetup {
    AccountSetup::new(name).options(|account| account.udp_port_assignment = true)
}

fn one(mode: PortsMode) -> Setup {
    range(Setup::new().account(own("main")), 6_003, mode)
}

fn begin(setup: Setup) -> World {
    super::world(setup, Behaviour::open())
}

/// The port that the Contact of the packet that was expected last shows.
fn contact_port(world: &World) -> u16 {
    let text = world.last_packet().text().expect("SIP");
    let contact = text.contacts().next().expect("a Contact");
    let (_, host) = contact.uri.split_once('@').expect("a user");
    let host = host.split(';').next().unwrap_or_default();
    host.parse::<SocketAddr>().expect("an address").port()
}

fn extra(world: &World) -> Vec<u16> {
    let bound = world.bound().into_iter().map(|local| local.port());
    bound.filter(|port| *port != LOCAL.port()).collect()
}

const USED: PortsMode = PortsMode::OpenWhenUsed;
const ALWAYS: PortsMode = PortsMode::AlwaysOpen;

// rules U1, U2
fn each_account_has_a_port_of_its_own() {
    for mode in [USED, ALWAYS] {
        let setup = Setup::new().account(own("one")).account(own("two"));
        let setup = setup.account(AccountSetup::new("three"));
        let mut world = begin(range(setup, 6_003, mode));
        world.expect_at("0", sent("REGISTER").by("three").from(LOCAL.port()));
        for (name, port) in [("one", FIRST), ("two", 6_001)] {
            world.expect_at("0", sent("REGISTER").by(name).from(port));
            assert_eq!(contact_port(&world), port);
            let via = world.last_packet().text().expect("SIP");
            let via = via.header("via").expect("a Via").to_owned();
            assert!(via.contains(&format!(":{port};")), "{via}");
        }
        world.run_until(at("1"));
        for (name, port) in [("one", FIRST), ("two", 6_001), ("three", LOCAL.port())] {
            world.expect_phase(name, Phase::Registered);
            assert_eq!(world.status(name).local, Some(local(port)));
        }
    }
}

// rule U2
fn always_open_binds_the_range_at_the_start() {
    let mut world = begin(one(ALWAYS));
    world.run_until(at("0"));
    assert_eq!(extra(&world), [6_000, 6_001, 6_002, 6_003]);
    world.expect_at("0", sent("REGISTER").from(FIRST));
    world.run_until(at("10"));
    world.unregister("main");
    world.expect_at("10", sent("REGISTER").from(FIRST).removing());
    world.run_until(at("11"));
    assert_eq!(extra(&world), [6_000, 6_001, 6_002, 6_003]);
}

// rule U2
fn open_when_used_binds_with_the_first_register_and_closes_with_the_binding() {
    let mut world = begin(one(USED));
    world.expect_at("0", sent("REGISTER").from(FIRST));
    world.run_until(at("10"));
    assert_eq!(extra(&world), [FIRST]);
    world.unregister("main");
    world.expect_at("10", sent("REGISTER").from(FIRST).removing());
    world.run_until(at("10.019999"));
    assert_eq!(extra(&world), [FIRST]);
    world.run_until(at("10.020"));
    assert!(extra(&world).is_empty());
    assert_eq!(world.status("main").local, None);
    world.register("main");
    world.expect_at("10.020", sent("REGISTER").from(FIRST));
    world.run_until(at("11"));
    // The binding ends by itself, while no REGISTER is answered.
    world.registrar().behave(Behaviour::refusing(500));
    world.skip_until("190.039999");
    assert_eq!(extra(&world), [FIRST]);
    world.skip_until("190.040");
    assert!(extra(&world).is_empty());
    world.expect_at("190.100", sent("REGISTER").from(FIRST));
}

// rules U2, I8: closing and opening in one input is neither
fn a_register_during_an_unregister_keeps_the_port_open() {
    let mut world = begin(one(USED));
    world.expect_at("0", sent("REGISTER").from(FIRST));
    world.run_until(at("10"));
    world.unregister("main");
    world.expect_at("10", sent("REGISTER").from(FIRST).removing());
    world.run_until(at("10.010"));
    world.register("main");
    world.expect_at("10.020", sent("REGISTER").from(FIRST).asking(180));
    world.run_until(at("11"));
    assert_eq!(extra(&world), [FIRST]);
    world.expect_phase("main", Phase::Registered);
}

// rule U3
fn a_refused_bind_takes_the_next_port() {
    let mut world = begin(one(USED));
    world.take_address(local(6_000), true);
    world.take_address(local(6_001), true);
    world.expect_at("0", sent("REGISTER").from(6_002));
    assert_eq!(contact_port(&world), 6_002);
    world.expect_at("90.020", sent("REGISTER").from(6_002));
}

// rules U2, U3
fn a_port_that_was_refused_at_the_start_is_left_out() {
    let mut world = begin(one(ALWAYS));
    world.take_address(local(6_000), true);
    world.expect_at("0", sent("REGISTER").from(6_001));
    world.run_until(at("1"));
    assert_eq!(extra(&world), [6_001, 6_002, 6_003]);
}

fn crowded() -> Setup {
    let setup = Setup::new().account(own("main")).account(own("second"));
    range(setup, FIRST, USED)
}

// rules U3, L3
fn without_a_port_nothing_is_sent_until_one_is_free() {
    let mut world = begin(crowded());
    world.expect_at("0", sent("REGISTER").by("main").from(FIRST));
    world.expect_phase("second", Phase::NoPort);
    assert_eq!(world.status("second").temporary, Some(true));
    world.expect_silence_until("90");
    assert_eq!(world.status("second").failures, 3);
    world.expect_at("90.020", sent("REGISTER").by("main").from(FIRST));
    world.run_until(at("100"));
    world.reload(crowded().without("main"));
    world.expect_at("100", sent("REGISTER").by("main").removing());
    world.expect_at("120", sent("REGISTER").by("second").from(FIRST));
    world.expect_phase_at("120.020", "second", Phase::Registered);
    assert_eq!(world.status("second").failures, 0);
}

// rules U3, L3
fn without_a_port_the_wait_grows_where_that_is_configured() {
    let setup = one(USED).registration(|it| it.max_registration_backoff_secs = 3_600);
    let mut world = begin(setup);
    for port in 6_000..=6_003 {
        world.take_address(local(port), true);
    }
    world.expect_silence_until("10000");
    world.expect_phase("main", Phase::NoPort);
    let failures = world.status("main").failures;
    assert!((6..=12).contains(&failures), "{failures}");
    for port in 6_000..=6_003 {
        world.take_address(local(port), false);
    }
    world.expect_within("10000", "13600", sent("REGISTER").from(FIRST));
}

// rules U3, L10
fn without_a_port_an_operator_is_told_so() {
    let mut world = begin(crowded());
    world.skip_until("1");
    let ticket = world.register("second");
    let outcome = world.outcome(ticket);
    let Some(Outcome::NotSent { why }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("no local port"), "{why}");
    let ticket = world.unregister("second");
    assert_eq!(world.outcome(ticket), Some(&Outcome::Unregistered));
    world.expect_phase("second", Phase::Unregistered);
}

// rule U1
fn an_account_keeps_its_port_over_refreshes_and_registrations() {
    let setup = range(
        Setup::new().account(own("main")).account(own("second")),
        6_003,
        USED,
    );
    let mut world = begin(setup);
    world.expect_at("0", sent("REGISTER").by("main").from(6_000));
    world.expect_at("0", sent("REGISTER").by("second").from(6_001));
    world.run_until(at("10"));
    for name in ["main", "second"] {
        world.unregister(name);
    }
    world.skip_until("20");
    // The lowest one is not simply given to whoever comes first.
    world.register("second");
    world.expect_at("20", sent("REGISTER").by("second").from(6_001));
    world.register("main");
    world.expect_at("20", sent("REGISTER").by("main").from(6_000));
    world.expect_at("110.020", sent("REGISTER").by("second").from(6_001));
}

// rules U1, G2
fn an_account_keeps_its_port_when_others_come_and_go() {
    let setup = range(
        Setup::new().account(own("main")).account(own("second")),
        6_003,
        USED,
    );
    let mut world = begin(setup.clone());
    world.skip_until("10");
    let setup = setup.without("main").account(own("third"));
    world.reload(setup.clone());
    world.expect_at("10", sent("REGISTER").by("main").from(6_000).removing());
    world.expect_at("10", sent("REGISTER").by("third").from(6_002));
    world.run_until(at("20"));
    world.reload(setup.account(own("fourth")));
    world.expect_at("20", sent("REGISTER").by("fourth").from(6_000));
    world.expect_at("90.020", sent("REGISTER").by("second").from(6_001));
}

// rules U1, G2
fn an_account_keeps_its_port_when_it_is_configured_otherwise() {
    let setup = range(
        Setup::new().account(own("main")).account(own("second")),
        6_003,
        USED,
    );
    let mut world = begin(setup.clone());
    world.skip_until("10");
    world.reload(setup.clone().without("main"));
    world.expect_at("10", sent("REGISTER").by("main").removing());
    world.run_until(at("20"));
    let setup = setup
        .without("main")
        .change("second", |it| it.contact_user(Some("other")));
    world.reload(setup);
    world.expect_at("20", sent("REGISTER").by("second").from(6_001).removing());
    world.expect_at("20.020", sent("REGISTER").by("second").from(6_001));
}

// rules U1, G2
fn a_port_of_a_removed_account_is_free_for_another() {
    let mut world = begin(crowded());
    world.skip_until("10");
    let ticket = world.unregister("main");
    world.expect_at("10", sent("REGISTER").by("main").removing());
    world.run_until(at("29"));
    assert_eq!(world.outcome(ticket), Some(&Outcome::Unregistered));
    // It keeps the port while it lives, though it does not use it.
    world.expect_silence_until("59");
    world.run_until(at("59"));
    world.reload(crowded().without("main"));
    world.expect_at("60", sent("REGISTER").by("second").from(FIRST));
}

fn stored(setup: Setup) -> World {
    let mut world = begin(setup.store(Duration::from_millis(5)));
    world.skip_until("10");
    world.kill();
    world.run_until(at("20"));
    world
}

// rules U1, U2, L8
fn after_a_restart_the_port_is_the_same_and_bound_at_once() {
    let setup = range(
        Setup::new().account(own("main")).account(own("second")),
        6_003,
        USED,
    );
    let mut world = stored(setup.without("main").account(own("main")));
    world.start();
    world.run_until(at("20.1"));
    assert_eq!(extra(&world), [6_000, 6_001]);
    assert_eq!(world.status("second").local, Some(local(6_000)));
    assert_eq!(world.status("main").local, Some(local(6_001)));
    world.expect_at("90.025", sent("REGISTER").by("second").from(6_000));
    world.expect_at("90.025", sent("REGISTER").by("main").from(6_001));
}

// rules U1, L8
fn after_a_restart_nobody_else_takes_the_port() {
    let both = |first: &str, second: &str| {
        let setup = Setup::new().account(own(first)).account(own(second));
        range(setup, 6_003, USED).store(Duration::from_millis(5))
    };
    let mut world = begin(both("main", "second"));
    world.take_address(local(6_000), true);
    world.expect_at("0.005", sent("REGISTER").by("second").from(6_001));
    world.expect_at("0.005", sent("REGISTER").by("main").from(6_002));
    world.run_until(at("10"));
    world.kill();
    world.take_address(local(6_000), false);
    world.run_until(at("300"));
    // Whoever comes first would take 6000, then 6001.
    world.configure(
        both("main", "second")
            .without("second")
            .account(own("third")),
    );
    world.start();
    world.expect_at("300.005", sent("REGISTER").by("main").from(6_002));
    world.expect_at("300.005", sent("REGISTER").by("third").from(6_000));
}

// rules U3, L8
fn a_port_that_is_taken_at_the_restart_is_replaced_at_once() {
    let mut world = stored(one(USED));
    world.take_address(local(FIRST), true);
    world.start();
    world.expect_at("20.005", sent("REGISTER").by("main").from(6_001));
    world.expect_phase("main", Phase::Registered);
}

// rules U1, L8
fn a_port_outside_the_range_of_now_is_replaced() {
    let mut world = stored(one(USED));
    let setup = Setup::new().account(own("main")).interface(|it| {
        let (first, last) = (7_000, 7_003);
        it.additional_udp_ports = Some(Ports { first, last });
    });
    world.configure(setup.store(Duration::from_millis(5)));
    world.start();
    world.expect_at("20.005", sent("REGISTER").by("main").from(7_000));
}

/// A request from the serving group for this user at this port, and the code of the answer.
fn ask(world: &mut World, port: u16, user: &str, method: &str) -> Option<u16> {
    let text = format!(
        "{method} sip:{user}@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP {REGISTRAR};branch=z9hG4bKq\r\n\
         Max-Forwards: 70\r\nFrom: <sip:a@sim.example>;tag=1\r\nTo: <sip:{user}@sim.example>\r\n\
         Call-ID: q\r\nCSeq: 1 {method}\r\nContact: <sip:a@{REGISTRAR}>\r\n\
         Content-Length: 0\r\n\r\n"
    );
    let place = world.transcript().lines().len();
    world.inject_at(local(port), REGISTRAR, text.as_bytes());
    let (_, _, packet) = world.transcript().sent(place).next()?;
    assert_eq!(
        packet.local,
        local(port),
        "the answer leaves from there too"
    );
    packet.summary.code()
}

// rules U4, C5
fn a_request_at_another_port_is_404() {
    let setup = Setup::new()
        .account(own("main"))
        .account(AccountSetup::new("second"));
    let mut world = begin(range(setup, 6_003, ALWAYS));
    world.run_until(at("1"));
    for port in [LOCAL.port(), 6_001] {
        for method in ["INVITE", "MESSAGE"] {
            assert_eq!(ask(&mut world, port, "main", method), Some(404), "{port}");
        }
    }
    assert_eq!(ask(&mut world, LOCAL.port(), "second", "INVITE"), Some(480));
    assert_eq!(
        ask(&mut world, LOCAL.port(), "stranger", "INVITE"),
        Some(480)
    );
}

// rule U4: whatever its user
fn a_request_at_the_accounts_port_is_its_own() {
    let setup = Setup::new().account(own("main")).account(own("second"));
    let mut world = begin(range(setup, 6_003, USED));
    world.run_until(at("1"));
    for user in ["main", "second", "stranger"] {
        assert_eq!(ask(&mut world, FIRST, user, "INVITE"), Some(480), "{user}");
        assert_eq!(ask(&mut world, FIRST, user, "OPTIONS"), Some(200), "{user}");
    }
    assert_eq!(
        ask(&mut world, 6_003, "main", "INVITE"),
        None,
        "nobody is there"
    );
}
