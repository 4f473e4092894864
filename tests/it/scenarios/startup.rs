//! What starts removes every Contact first (rule I9).

use libtest_mimic::Trial;
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, Setup, World, again, at, sent};
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        all_contacts_are_removed_and_then_it_registers_a_second_later,
        no_answer_delays_it_by_a_transaction,
        a_rejection_does_not_matter,
        it_is_done_once,
        what_a_reload_adds_does_not_do_it,
        an_operators_words_in_between,
        after_a_restart_a_standing_binding_is_removed_too,
        who_was_unregistered_stays_away,
    ]
}

fn clearing(setup: Setup) -> Setup {
    setup.registration(|it| it.unregister_on_startup = true)
}

fn begin(behaviour: Behaviour) -> World {
    super::world(clearing(Setup::one()), behaviour)
}

// rules I9, A1
fn all_contacts_are_removed_and_then_it_registers_a_second_later() {
    let mut world = begin(Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare().removing_all());
    world.expect_phase("main", Phase::Registering);
    world.expect_at("0.020", sent("REGISTER").nc(1).removing_all());
    world.expect_silence_until("1.040");
    world.expect_phase("main", Phase::Registering);
    world.expect_at("1.040", sent("REGISTER").nc(2).asking(180));
    world.expect_phase_at("1.060", "main", Phase::Registered);
    world.expect_silence_until("91.060");
}

// rules I9, X1
fn no_answer_delays_it_by_a_transaction() {
    let mut world = begin(Behaviour::silence());
    world.expect_at("0", sent("REGISTER").removing_all());
    for when in [
        "0.5", "1.5", "3.5", "7.5", "11.5", "15.5", "19.5", "23.5", "27.5", "31.5",
    ] {
        world.expect_at(when, again("REGISTER").removing_all());
    }
    world.run_until(at("32.5"));
    assert_eq!(world.status("main").failures, 0);
    world.registrar().behave(Behaviour::open());
    world.expect_at("33", sent("REGISTER").asking(180));
    world.expect_phase_at("33.020", "main", Phase::Registered);
}

// rule I9
fn a_rejection_does_not_matter() {
    for code in [403, 404, 481, 500, 600] {
        let mut world = begin(Behaviour::refusing(code));
        world.expect_at("0", sent("REGISTER").removing_all());
        world.run_until(at("0.5"));
        world.registrar().behave(Behaviour::open());
        world.expect_at("1.020", sent("REGISTER").asking(180));
    }
}

// rule I9
fn it_is_done_once() {
    let mut world = begin(Behaviour::refusing(404));
    world.expect_at("0", sent("REGISTER").removing_all());
    for when in ["1.020", "31.040", "61.060"] {
        world.expect_at(when, sent("REGISTER").asking(180));
    }
}

// rules I9, G2
fn what_a_reload_adds_does_not_do_it() {
    let mut world = begin(Behaviour::open());
    world.skip_until("10");
    let second = AccountSetup::new("second");
    world.reload(clearing(Setup::one().account(second)));
    world.expect_at("10", sent("REGISTER").by("second").asking(180));
    world.expect_silence_until("91.040");
}

// rules I9, L10, I8
fn an_operators_words_in_between() {
    let mut world = begin(Behaviour::open());
    world.expect_at("0", sent("REGISTER").removing_all());
    world.run_until(at("0.010"));
    let first = world.register("main");
    world.run_until(at("0.5"));
    assert_eq!(world.outcome(first), None);
    let second = world.register("main");
    world.expect_at("0.5", sent("REGISTER").asking(180));
    world.run_until(at("0.520"));
    for ticket in [first, second] {
        let outcome = world.outcome(ticket);
        assert!(
            matches!(outcome, Some(Outcome::Registered { .. })),
            "{outcome:?}"
        );
    }
    let mut world = begin(Behaviour::open());
    world.expect_at("0", sent("REGISTER").removing_all());
    world.run_until(at("0.010"));
    let ticket = world.unregister("main");
    world.expect_reply_at("0.020", ticket, &Outcome::Unregistered);
    world.expect_phase("main", Phase::Unregistered);
    world.expect_silence_until("1000");
}

// rules I9, L8
fn after_a_restart_a_standing_binding_is_removed_too() {
    let setup = clearing(Setup::one().store(Duration::from_millis(5)));
    let mut world = super::world(setup, Behaviour::open());
    world.skip_until("10");
    world.expect_phase("main", Phase::Registered);
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_at("20.005", sent("REGISTER").removing_all());
    world.expect_at("21.025", sent("REGISTER").asking(180));
    world.expect_phase_at("21.045", "main", Phase::Registered);
}

// rules I9, I8
fn who_was_unregistered_stays_away() {
    let setup = clearing(Setup::one().store(Duration::from_millis(5)));
    let mut world = super::world(setup, Behaviour::open());
    world.skip_until("10");
    world.unregister("main");
    world.skip_until("11");
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_silence_until("1000");
    world.expect_phase("main", Phase::Unregistered);
}
