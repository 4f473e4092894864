//! What else a restart keeps, beside the binding (rule L8): whom an Account avoids, who has asked
//! for patience or for longer times, and an operator's word about one that is not registered. The
//! disk takes 5 ms.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{Account, KeepAlive, ProxySet, Redundancy, SearchMode, Stickiness};
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        avoidance_goes_on,
        avoidance_goes_on_while_the_clock_was_set,
        an_expired_binding_is_avoided_all_the_same,
        the_patience_that_was_asked_for_is_kept,
        patience_at_one_registrar_leaves_the_other_free,
        a_minimum_that_was_learned_is_asked_for_at_once,
        an_unregister_that_was_not_answered_is_kept,
        the_granted_time_is_kept,
        what_was_scheduled_as_a_retry_is_due_at_the_start,
    ]
}

const X: SocketAddr = REGISTRAR;
const Y: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);
const DISK: Duration = Duration::from_millis(5);

fn avoiding(account: &mut Account) {
    account.registrar_stickiness = Stickiness::Enable;
    account.registrar_search_mode = SearchMode::Avoid;
}

fn homing(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.redundancy = Redundancy::Homing;
    set.failure_detection_retransmissions = Some(0);
}

/// X until 0.025 for 480 s; it is down from 30 to 250; Y since 240.025. So X is avoided until
/// 660.025.
fn moved() -> World {
    let account = AccountSetup::new("main").or_at(Y).options(avoiding);
    let setup = Setup::new()
        .account(account.set(homing))
        .registration(|it| it.registration_time_secs = 480)
        .store(DISK);
    let mut world = super::world(setup, Behaviour::open());
    world.registrar_at(Y).behave(Behaviour::open());
    world.skip_until("30");
    world.network().link(X).closed = true;
    world.skip_until("250");
    world.network().link(X).closed = false;
    assert_eq!(world.status("main").registrar, Some(Y));
    world.skip_until("400");
    world
}

/// Every REGISTER from now on: when it left, and where to.
fn next_registers(world: &mut World, until: &str) -> Vec<(String, SocketAddr)> {
    let place = world.transcript().lines().len();
    world.skip_until(until);
    let sent = world.transcript().sent(place);
    let registers = sent.filter(|(_, line, _)| line.account.is_some());
    registers
        .map(|(_, line, packet)| (line.at.to_string(), packet.remote))
        .collect()
}

// rules L8, S8
fn avoidance_goes_on() {
    let mut undisturbed = moved();
    let expected = next_registers(&mut undisturbed, "700");
    assert_eq!(expected.last().map(|(_, to)| *to), Some(X), "{expected:?}");
    let mut world = moved();
    let before = world.status("main").avoided;
    assert_eq!(before.len(), 1);
    world.kill();
    world.skip_until("410");
    world.start();
    world.run_until(at("411"));
    assert_eq!(world.status("main").avoided, before);
    assert_eq!(next_registers(&mut world, "700"), expected);
}

// rules L8, S8
fn avoidance_goes_on_while_the_clock_was_set() {
    for by_ms in [-86_400_000, 86_400_000] {
        let mut world = moved();
        world.kill();
        world.set_clock(by_ms);
        world.skip_until("410");
        world.start();
        world.skip_until("1300");
        let status = world.status("main");
        assert_eq!(status.phase, Phase::Registered, "{by_ms}");
        assert_eq!(
            status.registrar,
            Some(X),
            "no registrar is avoided for ever"
        );
    }
}

// rules L8, S8
fn an_expired_binding_is_avoided_all_the_same() {
    let mut world = moved();
    world.registrar_at(Y).behave(Behaviour::silence());
    world.kill();
    // Y is down, and X is avoided until 660.025.
    world.network().link(Y).closed = true;
    world.skip_until("655");
    world.start();
    world.skip_until("655.1");
    let registers = next_registers(&mut world, "720");
    let first = registers.iter().find(|(_, to)| *to == X);
    assert!(first.is_some(), "{registers:?}");
    let early = registers
        .iter()
        .find(|(_, to)| *to == X)
        .map(|(when, _)| when.clone());
    assert!(early >= Some("+660.025s".to_owned()), "{registers:?}");
}

// rules L8, L3
fn the_patience_that_was_asked_for_is_kept() {
    let busy = Behaviour::refusing(486).with("Retry-After", "100");
    let mut world = super::world(Setup::one().store(DISK), busy);
    world.expect_at("0.005", sent("REGISTER"));
    world.run_until(at("10"));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.run_until(at("21"));
    assert_eq!(
        world.status("main").retry_after_until,
        Some(world.unix(at("100.025")))
    );
    let ticket = world.register("main");
    let outcome = world.outcome(ticket);
    assert!(
        matches!(outcome, Some(Outcome::NotSent { .. })),
        "{outcome:?}"
    );
    world.expect_at("100.025", sent("REGISTER"));
}

// rules L8, L3
fn patience_at_one_registrar_leaves_the_other_free() {
    let setup = Setup::new()
        .account(AccountSetup::new("main").or_at(Y))
        .store(DISK);
    let busy = Behaviour::refusing(503).with("Retry-After", "100");
    let mut world = super::world(setup, busy);
    world.registrar_at(Y).behave(Behaviour::open());
    world.expect_at("0.005", sent("REGISTER").to(X));
    world.run_until(at("10"));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_at("20.005", sent("REGISTER").to(Y));
    world.run_until(at("21"));
    world.expect_phase("main", Phase::Registered);
}

// rule L8
fn a_minimum_that_was_learned_is_asked_for_at_once() {
    let setup = Setup::one().store(DISK);
    let mut world = super::world(setup, Behaviour::open().min_expires(600));
    world.expect_at("0.005", sent("REGISTER").asking(180));
    world.expect_at("0.025", sent("REGISTER").asking(600));
    world.run_until(at("10"));
    world.kill();
    world.run_until(at("2000"));
    world.start();
    world.expect_at("2000.005", sent("REGISTER").asking(600));
}

// rules L8, I8
fn an_unregister_that_was_not_answered_is_kept() {
    let mut world = super::world(Setup::one().store(DISK), Behaviour::open());
    world.skip_until("10");
    world.registrar().behave(Behaviour::silence());
    world.unregister("main");
    world.skip_until("11");
    world.kill();
    world.registrar().behave(Behaviour::open());
    world.run_until(at("20"));
    world.start();
    // The binding still stands: it is removed now, and nothing else is sent.
    world.expect_at("20.005", sent("REGISTER").removing());
    world.expect_phase_at("20.025", "main", Phase::Unregistered);
    world.expect_silence_until("1000");
}

// rules L8, L2
fn the_granted_time_is_kept() {
    let mut world = super::world(Setup::one().store(DISK), Behaviour::open().grants(100));
    world.skip_until("10");
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.run_until(at("21"));
    let status = world.status("main");
    assert_eq!(status.granted, Some(100));
    assert_eq!(status.binding_until, Some(world.unix(at("100.025"))));
    world.expect_at("50.025", sent("REGISTER").asking(180));
}

// rule L8
fn what_was_scheduled_as_a_retry_is_due_at_the_start() {
    let mut world = super::world(Setup::one().store(DISK), Behaviour::refusing(404));
    world.expect_at("0.005", sent("REGISTER"));
    world.run_until(at("10"));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_at("20.005", sent("REGISTER"));
}
