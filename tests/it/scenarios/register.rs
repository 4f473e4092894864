//! From nothing to registered.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, LOCAL, Link, REGISTRAR, Setup, Text, World, at, sent};
use regent::status::StatusWord;
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        an_account_registers_with_one_challenge,
        an_open_registrar_costs_one_request,
        a_register_says_who_we_are,
        call_id_and_tag_stay_and_cseq_rises_by_one,
        the_status_tells_all_of_a_registration,
        a_nat_shows_in_the_status,
        the_address_that_requests_leave_from_is_published,
        authentication_only_sends_nothing,
        a_silent_registrar_does_not_touch_the_accounts_of_another,
        slow_wires_only_shift_the_timeline,
    ]
}

// rule A, L4
fn an_account_registers_with_one_challenge() {
    let mut world = World::new(Setup::one(), 1);
    world.expect_at(
        "0",
        sent("REGISTER").by("main").to(REGISTRAR).bare().asking(180),
    );
    world.expect_phase("main", Phase::Registering);
    world.expect_at(
        "0.020",
        sent("REGISTER").by("main").to(REGISTRAR).nc(1).asking(180),
    );
    world.expect_phase_at("0.040", "main", Phase::Registered);
    world.expect_silence_until("90.040");
    assert_eq!(world.phases("main"), [(at("0.040"), Phase::Registered)]);
    let now = world.now();
    let bindings = world.registrar().bindings_of("main@sim.example", now);
    let ends: Vec<_> = bindings.iter().map(|binding| binding.expires_at).collect();
    assert_eq!(ends, [at("180.030")]);
}

// rule A
fn an_open_registrar_costs_one_request() {
    let mut world = world(Setup::one(), Behaviour::open());
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_phase_at("0.020", "main", Phase::Registered);
    world.expect_silence_until("90.020");
    world.expect_at("90.020", sent("REGISTER").bare());
}

// rule I1, I2, I3, I5
fn a_register_says_who_we_are() {
    let mut world = World::new(Setup::one(), 1);
    world.expect_at("0", sent("REGISTER"));
    let text = last_text(&world);
    assert_eq!(text.request(), Some(("REGISTER", "sip:sim.example")));
    assert_eq!(text.header("to"), Some("<sip:main@sim.example>"));
    let from = text.header("from").expect("a From");
    assert!(from.starts_with("<sip:main@sim.example>;tag="), "{from}");
    let contact = text.contacts().next().expect("a Contact");
    assert!(
        contact.uri.starts_with("sip:main@10.0.0.2:5060;"),
        "no mark of ours: {contact:?}"
    );
    assert_eq!((contact.expires(), text.expires()), (Some(180), Some(180)));
    assert_eq!(text.header("max-forwards"), Some("70"));
    assert_eq!(text.header("user-agent"), Some("regent/sim"));
    assert!(text.header("allow").is_some());
    assert!(
        text.header("supported")
            .is_some_and(|it| it.contains("path"))
    );
    let via = text.header("via").expect("a Via");
    assert!(via.starts_with("SIP/2.0/UDP 10.0.0.2:5060;"), "{via}");
    assert!(
        via.contains(";rport") && via.contains("branch=z9hG4bK"),
        "{via}"
    );
    assert_eq!(text.header("content-length"), Some("0"));
}

// rule I4
fn call_id_and_tag_stay_and_cseq_rises_by_one() {
    let mut world = World::new(Setup::one(), 1);
    let mut seen = Vec::new();
    for when in ["0", "0.020", "90.040", "180.060", "270.080"] {
        world.expect_at(when, sent("REGISTER"));
        let text = last_text(&world);
        let same = ["call-id", "from", "contact"].map(|name| text.header(name).map(str::to_owned));
        seen.push((text.cseq().map(|(number, _)| number), same));
    }
    let first = seen[0].0.expect("a CSeq");
    let numbers: Vec<_> = seen.iter().map(|(cseq, _)| cseq.expect("a CSeq")).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4].map(|more| first + more));
    assert!(seen.iter().all(|(_, same)| *same == seen[0].1), "{seen:#?}");
}

// rule T1
fn the_status_tells_all_of_a_registration() {
    let mut world = registered(Setup::one());
    let status = world.status("main");
    assert_eq!(&*status.name, "main");
    assert_eq!(&*status.aor, "sip:main@sim.example");
    assert_eq!(status.status, StatusWord::Registered);
    assert_eq!(status.registrar, Some(REGISTRAR));
    assert_eq!(
        (status.rank, status.backup_registrar_used),
        (Some(1), false)
    );
    assert_eq!((status.asked, status.granted), (180, Some(180)));
    assert_eq!(status.registered_since, Some(world.unix(at("0.040"))));
    assert_eq!(status.binding_until, Some(world.unix(at("180.040"))));
    assert_eq!(status.refresh_due, Some(world.unix(at("90.040"))));
    assert_eq!(status.last_answer.as_ref().map(|last| last.code), Some(200));
    assert_eq!(
        (status.failures, status.last_error, status.next_try),
        (0, None, None)
    );
    assert_eq!(
        status.public_address,
        Some("10.0.0.2:5060".parse().expect("an address"))
    );
    assert_eq!(status.local, status.public_address);
    assert_eq!(status.algorithm.as_deref(), Some("MD5"));
    assert_eq!(status.rtt_us, Some(20_000));
    assert_eq!(world.published("main"), Some(&status));
}

// rule T1
fn a_nat_shows_in_the_status() {
    let mut world = World::new(Setup::one(), 1);
    world
        .network()
        .put_behind_nat("203.0.113.9".parse().expect("an address"));
    world.skip_until("0.040");
    let status = world.status("main");
    assert_eq!(
        status.public_address,
        Some("203.0.113.9:40001".parse().expect("an address"))
    );
    assert_eq!(status.phase, Phase::Registered);
}

// rule T1: with or without a REGISTER.
fn the_address_that_requests_leave_from_is_published() {
    for account in [
        AccountSetup::new("main"),
        AccountSetup::new("main").credentials_only(),
    ] {
        let mut world = World::new(Setup::new().account(account), 1);
        world.skip_until("1");
        let published = world.published("main").expect("a status");
        assert_eq!(published.local, Some(LOCAL), "{:?}", published.phase);
    }
}

// rule L4
fn authentication_only_sends_nothing() {
    let setup = Setup::new().account(AccountSetup::new("main").credentials_only());
    let mut world = World::new(setup, 1);
    world.expect_silence_until("5");
    world.expect_phase("main", Phase::AuthenticationOnly);
    let ticket = world.register("main");
    assert!(matches!(
        world.outcome(ticket),
        Some(Outcome::NotSent { .. })
    ));
    world.expect_silence_until("100000");
}

// rule L6: the window is per registrar.
fn a_silent_registrar_does_not_touch_the_accounts_of_another() {
    let other: SocketAddr = "10.0.0.9:5060".parse().expect("an address");
    let setup = Setup::new()
        .account(AccountSetup::new("deaf").at(other))
        .account(AccountSetup::new("main"));
    let mut world = World::new(setup, 1);
    world.registrar_at(other).behave(Behaviour::silence());
    world.skip_until("0");
    assert_eq!((world.in_flight(other), world.in_flight(REGISTRAR)), (1, 1));
    world.expect_at("0.020", sent("REGISTER").by("main").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    world.expect_phase("deaf", Phase::Registering);
    world.skip_until("90.039");
    world.expect_at("90.040", sent("REGISTER").by("main").nc(2));
    assert_eq!(world.phases("main").len(), 1);
}

// rule L1
fn slow_wires_only_shift_the_timeline() {
    let mut world = World::new(Setup::one(), 1);
    *world.network().usual() = Link {
        out: slow(150),
        back: slow(100),
        closed: false,
    };
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.250", sent("REGISTER").nc(1));
    world.expect_phase_at("0.500", "main", Phase::Registered);
    assert_eq!(world.status("main").rtt_us, Some(250_000));
    world.expect_silence_until("90.500");
    world.expect_at("90.500", sent("REGISTER").nc(2));
}

fn slow(millis: u64) -> regent::sim::Path {
    regent::sim::Path {
        latency: Duration::from_millis(millis),
        ..regent::sim::Path::default()
    }
}

fn last_text(world: &World) -> Text {
    world.last_packet().text().expect("a message")
}
