//! Many Accounts at one registrar (rule L6).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::time::{Duration, Instant};

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_cold_start_begins_with_32_and_costs_two_requests_each,
        the_window_grows_by_one_for_each_full_window_answered,
        a_503_halves_the_window_once,
        silence_shrinks_the_window_to_one,
        a_registrar_that_comes_back_gets_everybody_back,
        the_receive_buffer_bounds_the_window,
        the_receive_buffer_bounds_the_sum_of_the_windows,
        a_binding_that_ends_soon_goes_before_what_is_due_longer,
        of_two_bindings_that_end_soon_the_earlier_end_goes_first,
        what_is_due_goes_in_order_of_its_time,
        refreshes_of_all_at_once_are_paced_and_none_is_sent_twice,
        one_bad_account_among_a_thousand_disturbs_nobody,
    ]
}

fn a_cold_start_begins_with_32_and_costs_two_requests_each() {
    let mut world = world(Setup::many(1_000), Behaviour::digest());
    world.run_until(Instant::ZERO);
    assert_eq!(world.in_flight(REGISTRAR), 32);
    world.run_until(at("5"));
    let counts = world.registrar().counts();
    assert_eq!((counts.registers, counts.retransmissions), (2_000, 0));
    assert_eq!((counts.challenged, counts.accepted), (1_000, 1_000));
    assert!(world.peak(REGISTRAR) <= 256);
    for nth in 0..1_000 {
        world.expect_phase(&format!("a{nth:04}"), Phase::Registered);
    }
}

fn the_window_grows_by_one_for_each_full_window_answered() {
    let mut world = world(Setup::many(200), Behaviour::open());
    world.run_until(at("1"));
    let times = ["0", "0.020", "0.040", "0.060", "0.080", "0.100"];
    let sends = times.map(|when| sends_at(&world, when));
    assert_eq!(sends, [32, 33, 34, 35, 36, 30]);
}

fn a_503_halves_the_window_once() {
    let mut world = world(Setup::many(200), Behaviour::refusing(503));
    world.run_until(at("0.019"));
    world.reset_peak();
    world.run_until(at("0.079"));
    let sends = ["0.020", "0.040", "0.060"].map(|when| sends_at(&world, when));
    // The first of 32 halves it to 16; a full window of answers, 503 or not, adds one.
    assert!(
        sends.iter().all(|sends| (16..=19).contains(sends)),
        "{sends:?}"
    );
    world.reset_peak();
    world.run_until(at("40"));
    assert!(
        world.peak(REGISTRAR) >= 8,
        "halved at most once in 32 s: {}",
        world.peak(REGISTRAR)
    );
}

fn silence_shrinks_the_window_to_one() {
    let mut world = world(Setup::many(40), Behaviour::silence());
    world.run_until(at("31.999"));
    assert_eq!(world.in_flight(REGISTRAR), 32);
    world.run_until(at("33"));
    world.reset_peak();
    world.run_until(at("60"));
    assert!(world.peak(REGISTRAR) <= 16);
    world.run_until(at("2000"));
    world.reset_peak();
    world.run_until(at("3000"));
    assert_eq!(world.peak(REGISTRAR), 1);
}

fn a_registrar_that_comes_back_gets_everybody_back() {
    let mut world = world(Setup::many(300), Behaviour::digest());
    world.run_until(at("10"));
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("1000"));
    world.registrar().behave(Behaviour::digest());
    world.run_until(at("1200"));
    for nth in 0..300 {
        world.expect_phase(&format!("a{nth:04}"), Phase::Registered);
    }
}

// Effective receive buffer / 4 KiB.
fn the_receive_buffer_bounds_the_window() {
    let mut world = world(
        Setup::many(200).receive_buffer(64 << 10),
        Behaviour::digest(),
    );
    world.run_until(at("5"));
    assert_eq!(world.peak(REGISTRAR), 16);
    assert_eq!(world.registrar().counts().accepted, 200);
    assert_eq!(world.registrar().counts().registers, 400);
}

// The windows that share a socket sum to at most that.
fn the_receive_buffer_bounds_the_sum_of_the_windows() {
    let addresses = ["10.0.0.1:5060", "10.0.0.7:5060", "10.0.0.8:5060"].map(address);
    let mut setup = Setup::new().receive_buffer(48 << 10);
    for nth in 0..90 {
        let account = AccountSetup::new(&format!("a{nth:04}"));
        setup = setup.account(account.at(addresses[nth % 3]));
    }
    let mut world = World::new(setup, 1);
    let mut most = 0;
    while world.now() < at("5") && world.step() {
        let all = addresses.map(|address| world.in_flight(address));
        most = most.max(all.iter().sum());
    }
    assert!((1..=12).contains(&most), "{most} in flight");
    for registrar in addresses {
        assert_eq!(world.registrar_at(registrar).counts().accepted, 30);
    }
}

// Order: bindings that end within 64 s, by their end; then due time.
fn a_binding_that_ends_soon_goes_before_what_is_due_longer() {
    let mut world = one_by_one(["bound", "new", "slow"]);
    let registrar = world.registrar();
    registrar.behave_for("bound@sim.example", Behaviour::open().grants(62));
    registrar.behave_for("new@sim.example", Behaviour::refusing(500));
    registrar.behave_for("slow@sim.example", Behaviour::open().grants(56));
    world.expect_at("0", sent("REGISTER").by("bound"));
    world.expect_at("0.020", sent("REGISTER").by("new"));
    world.expect_at("0.040", sent("REGISTER").by("slow"));
    world.run_until(at("1"));
    let late = Behaviour::open().late(Duration::from_secs(5));
    world.registrar().behave_for("slow@sim.example", late);
    world.expect_at("28.060", sent("REGISTER").by("slow"));
    // `new` is due at 30.040, `bound` at 31.020 with an end at 62.020; the place is free at 33.080.
    world.skip_until("33.079");
    world.expect_at("33.080", sent("REGISTER").by("bound"));
    world.expect_silence_until("33.100");
    world.expect_at("33.100", sent("REGISTER").by("new"));
}

fn of_two_bindings_that_end_soon_the_earlier_end_goes_first() {
    let mut world = one_by_one(["longer", "sooner", "slow"]);
    let registrar = world.registrar();
    registrar.behave_for("longer@sim.example", Behaviour::open().grants(60));
    registrar.behave_for("sooner@sim.example", Behaviour::open().grants(44));
    registrar.behave_for("slow@sim.example", Behaviour::open().grants(56));
    world.run_until(at("10"));
    world.refresh("sooner");
    let late = Behaviour::open().late(Duration::from_secs(5));
    world.registrar().behave_for("slow@sim.example", late);
    // `longer` is due at 30.020 and ends at 60.020, `sooner` is due at 32.020 and ends at 54.020.
    world.skip_until("33.079");
    world.expect_at("33.080", sent("REGISTER").by("sooner"));
    world.expect_silence_until("33.100");
    world.expect_at("33.100", sent("REGISTER").by("longer"));
}

fn what_is_due_goes_in_order_of_its_time() {
    let mut world = one_by_one(["first", "second", "slow"]);
    world.registrar().behave(Behaviour::refusing(500));
    world.expect_at("0", sent("REGISTER").by("first"));
    world.expect_at("0.020", sent("REGISTER").by("second"));
    world.expect_at("0.040", sent("REGISTER").by("slow"));
    world.run_until(at("1"));
    let silent = Behaviour::silence();
    world.registrar().behave_for("slow@sim.example", silent);
    world.registrar().behave(Behaviour::open());
    world.skip_until("10");
    world.register("slow");
    world.skip_until("10");
    // Due at 30.020 and 30.040; a place is free when `slow` has timed out, at 42.
    world.skip_until("41.999999");
    world.expect_at("42", sent("REGISTER").by("first"));
    world.expect_at("42.020", sent("REGISTER").by("second"));
}

fn refreshes_of_all_at_once_are_paced_and_none_is_sent_twice() {
    let setup = Setup::many(1_000).registration(|it| it.refresh_spread_percent = 0);
    let mut world = world(setup, Behaviour::digest());
    world.run_until(at("60"));
    world.reset_peak();
    let before = world.registrar().counts();
    world.run_until(at("150"));
    let after = world.registrar().counts();
    assert_eq!(after.registers - before.registers, 1_000);
    assert_eq!((after.retransmissions, after.challenged), (0, 1_000));
    assert!(
        (32..=256).contains(&world.peak(REGISTRAR)),
        "{}",
        world.peak(REGISTRAR)
    );
}

// rule P4, as far as one registrar goes.
fn one_bad_account_among_a_thousand_disturbs_nobody() {
    let mut world = world(Setup::many(1_000), Behaviour::digest());
    world
        .registrar()
        .behave_for("a0500@sim.example", Behaviour::silence());
    world.run_until(at("5"));
    let registered = |world: &mut World| {
        let names = (0..1_000).map(|nth| format!("a{nth:04}"));
        names
            .filter(|name| world.status(name).phase == Phase::Registered)
            .count()
    };
    assert_eq!(registered(&mut world), 999);
    world.run_until(at("400"));
    assert_eq!(registered(&mut world), 999);
    let counts = world.registrar().counts();
    assert_eq!((counts.retransmissions, counts.cseq_not_rising), (0, 0));
    for nth in (0..1_000).filter(|nth| *nth != 500) {
        let name = format!("a{nth:04}");
        assert_eq!(
            world.phases(&name).len(),
            1,
            "{name} was never anything but registered"
        );
    }
    assert!(
        world.peak(REGISTRAR) > 32,
        "the window went on growing: {}",
        world.peak(REGISTRAR)
    );
}

/// Three Accounts of which one at a time may have a REGISTER in flight.
fn one_by_one(names: [&str; 3]) -> World {
    let mut setup = Setup::new().receive_buffer(4 << 10);
    for name in names {
        setup = setup.account(AccountSetup::new(name));
    }
    World::new(setup, 1)
}

fn sends_at(world: &World, when: &str) -> usize {
    let instant = at(when);
    let sent = world.transcript().sent(0);
    sent.filter(|(_, line, packet)| line.at == instant && packet.repeat == 0)
        .count()
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}
