//! A registrar that is offline: one Account at a time probes it with its REGISTER, and the others
//! stay due (rule P4).
//!
//! OPTIONS leave once and each minute; a REGISTER leaves once and fails half a second later.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{KeepAlive, Redundancy};
use regent::effect::{Failure, Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        one_probes_and_the_others_are_due,
        the_first_answer_lets_all_go,
        an_answer_to_a_probe_lets_all_go_too,
        unregisters_end_within_one_transaction,
        an_unregister_does_not_wait_for_the_prober,
        who_is_behind_goes_to_another_registrar_when_one_is_online,
        who_stood_in_line_when_it_went_down_is_shown_as_waiting,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

fn probed(setup: Setup) -> Setup {
    setup
        .set(|set| {
            set.keep_alive = KeepAlive::Options;
            set.failure_detection_retransmissions = Some(0);
        })
        .registration(|it| it.sip_max_rtx = 3)
}

/// Three Accounts have failed at 3.5, and their registrar is offline since 0.5.
fn down(setup: Setup) -> World {
    let mut world = super::world(setup, Behaviour::silence());
    world.skip_until("33");
    for name in ["a0000", "a0001", "a0002"] {
        world.expect_phase(name, Phase::WaitingToRetry);
        assert_eq!(world.status(name).failures, 1);
    }
    world
}

fn failures(world: &mut World) -> Vec<u32> {
    let names = ["a0000", "a0001", "a0002"];
    names.map(|name| world.status(name).failures).to_vec()
}

// rule P4
fn one_probes_and_the_others_are_due() {
    let mut world = down(probed(Setup::many(3)));
    world.expect_at("33.5", sent("REGISTER").by("a0000"));
    world.run_until(at("33.6"));
    world.expect_phase("a0000", Phase::Registering);
    for name in ["a0001", "a0002"] {
        world.expect_phase(name, Phase::WaitingForAnotherAccount);
        assert!(
            !world
                .phases(name)
                .contains(&(at("33.5"), Phase::Registering))
        );
    }
    assert_eq!(failures(&mut world), [1, 1, 1]);
    world.skip_until("36.999999");
    assert_eq!(world.in_flight(REGISTRAR), 1);
    world.expect_at("37", sent("REGISTER").by("a0001"));
    world.run_until(at("37"));
    assert_eq!(failures(&mut world), [2, 1, 1]);
    world.expect_phase("a0000", Phase::WaitingToRetry);
    world.expect_phase("a0001", Phase::Registering);
    world.expect_phase("a0002", Phase::WaitingForAnotherAccount);
    world.skip_until("40.499999");
    world.expect_at("40.5", sent("REGISTER").by("a0002"));
    assert_eq!(failures(&mut world), [2, 2, 1]);
}

// rule P4
fn the_first_answer_lets_all_go() {
    let mut world = down(probed(Setup::many(3)));
    world.registrar().behave(Behaviour::open());
    world.expect_at("33.5", sent("REGISTER").by("a0000"));
    world.expect_at("33.520", sent("REGISTER").by("a0001"));
    world.expect_at("33.520", sent("REGISTER").by("a0002"));
    world.run_until(at("34"));
    assert_eq!(failures(&mut world), [0, 0, 0]);
}

// rule P4
fn an_answer_to_a_probe_lets_all_go_too() {
    let mut world = down(probed(Setup::many(3)));
    world.skip_until("59.9");
    let silent = Behaviour::silence();
    for name in ["a0000", "a0001", "a0002"] {
        let aor = format!("{name}@sim.example");
        world.registrar().behave_for(&aor, silent.clone());
    }
    world.registrar().behave(Behaviour::open());
    assert_eq!(world.in_flight(REGISTRAR), 0);
    world.expect_at("60", sent("OPTIONS"));
    // They were behind each other, by turns: due at 67, 70.5 and 74, and now nothing holds them.
    for (when, name) in [("67", "a0000"), ("70.5", "a0001"), ("74", "a0002")] {
        world.skip_until(when);
        world.expect_phase(name, Phase::Registering);
    }
}

// rules P4, I8: two leave at once, and when they get no answer nobody else will
fn unregisters_end_within_one_transaction() {
    let mut world = super::world(probed(Setup::many(4)), Behaviour::open());
    world.skip_until("10");
    world.registrar().behave(Behaviour::silence());
    world.skip_until("60.6");
    let names = ["a0000", "a0001", "a0002", "a0003"];
    let tickets = names.map(|name| world.unregister(name));
    world.expect_at("60.6", sent("REGISTER").by("a0000").removing());
    world.expect_at("60.6", sent("REGISTER").by("a0001").removing());
    world.run_until(at("61"));
    world.expect_phase("a0003", Phase::Unregistering);
    world.skip_until("64.099999");
    assert!(tickets.iter().all(|it| world.outcome(*it).is_none()));
    world.run_until(at("64.1"));
    for (name, ticket) in names.into_iter().zip(tickets) {
        let failure = Failure::TimedOut;
        let outcome = Some(&Outcome::Failed { failure });
        assert_eq!(world.outcome(ticket), outcome, "{name}");
        world.expect_phase(name, Phase::Unregistered);
        let status = world.status(name);
        assert_eq!(status.last_answer.map(|it| it.code), Some(408), "{name}");
        let detail = status.detail.expect("what may be left");
        assert!(detail.contains("may hold the binding until"), "{detail}");
    }
    world.skip_until("119.9");
    world.expect_at("120", sent("OPTIONS"));
}

// rules P4, I8
fn an_unregister_does_not_wait_for_the_prober() {
    let mut world = super::world(probed(Setup::many(3)), Behaviour::open());
    world.skip_until("10");
    world.registrar().behave(Behaviour::silence());
    world.skip_until("60.6");
    world.refresh("a0000");
    world.expect_at("60.6", sent("REGISTER").by("a0000").asking(180));
    world.run_until(at("61"));
    let ticket = world.unregister("a0001");
    world.expect_at("61", sent("REGISTER").by("a0001").removing());
    world.refresh("a0002");
    world.registrar().behave(Behaviour::open());
    world.skip_until("61.6");
    assert_eq!(world.outcome(ticket), Some(&Outcome::Unregistered));
}

// rules P4, P6
fn who_is_behind_goes_to_another_registrar_when_one_is_online() {
    let mut setup = probed(Setup::many(3)).set(|set| {
        set.redundancy = Redundancy::Homing;
        set.success_detection_interval_secs = 5;
    });
    for name in ["a0000", "a0001", "a0002"] {
        setup = setup.change(name, |it: AccountSetup| it.or_at(SECOND));
    }
    let mut world = super::world(setup, Behaviour::silence());
    world.registrar_at(SECOND).behave(Behaviour::silence());
    world.skip_until("59.9");
    world.registrar_at(SECOND).behave(Behaviour::open());
    let second_is_online = "65.020";
    world.skip_until(second_is_online);
    world.skip_until("100");
    for name in ["a0000", "a0001", "a0002"] {
        let status = world.status(name);
        assert_eq!(
            (status.phase, status.registrar),
            (Phase::Registered, Some(SECOND))
        );
    }
}

// rules P4, L4
fn who_stood_in_line_when_it_went_down_is_shown_as_waiting() {
    let setup = probed(Setup::many(3)).receive_buffer(4_096);
    let mut world = super::world(setup, Behaviour::silence());
    world.skip_until("0.4");
    world.expect_phase("a0001", Phase::Registering);
    world.expect_phase_at("0.5", "a0001", Phase::WaitingForAnotherAccount);
    world.expect_phase("a0000", Phase::Registering);
    world.expect_phase("a0002", Phase::WaitingForAnotherAccount);
    world.skip_until("3.499999");
    world.expect_at("3.5", sent("REGISTER").by("a0001"));
    world.expect_phase("a0001", Phase::Registering);
}
