//! Hot swap: a REGISTER that fails goes to the next online member at once (rule P7).

use libtest_mimic::Trial;
use regent::config::Codes;
use regent::effect::{Outcome, Phase};
use regent::sim::{Behaviour, Setup, World};
use regent::time::Duration;

use super::members::{
    Mode, X, Y, Z, alone, begin, behaves, closes, every_send, falls_silent, line, probed, swapping,
    then, three,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        without_it_the_next_attempt_goes_to_the_current_member,
        after_three_transmissions_it_is_the_next_ones_turn,
        the_number_of_transmissions_is_a_setting,
        what_cannot_be_delivered_goes_on_at_once,
        these_codes_swap_and_others_do_not,
        the_codes_are_a_setting,
        each_member_once_in_a_pass,
        a_member_that_is_offline_is_left_out,
        one_member_alone_has_all_the_patience,
        a_late_answer_to_what_was_given_up_changes_nothing,
        a_challenge_is_answered_where_it_was_made,
        refused_credentials_are_not_carried_about,
        an_unregister_goes_nowhere_else,
        a_retry_after_leaves_a_member_out,
        when_all_have_asked_for_patience_the_first_end_is_waited_for,
    ]
}

fn swap() -> Setup {
    three(Mode::Disable).set(swapping)
}

fn refusing(code: u16) -> Behaviour {
    Behaviour::refusing(code)
}

/// X behaves so from the start.
fn with_x(setup: Setup, how: Behaviour) -> World {
    let mut world = begin(setup);
    world.registrar_at(X).behave(how);
    world
}

// rules P7, P4: off
fn without_it_the_next_attempt_goes_to_the_current_member() {
    let mut world = with_x(three(Mode::Disable), refusing(503));
    assert_eq!(line(&mut world, "89"), "0 X, 30 X, 60 X");
    // A member that gave no answer is not the current one any more.
    let mut world = with_x(three(Mode::Disable), Behaviour::silence());
    assert_eq!(line(&mut world, "62"), "0 X, 62 Y");
}

// rule P7
fn after_three_transmissions_it_is_the_next_ones_turn() {
    let mut world = with_x(swap(), Behaviour::silence());
    assert_eq!(every_send(&mut world, "93.499"), "0 X, 0.5 X, 1.5 X, 3.5 Y");
    assert_eq!(
        every_send(&mut world, "93.5"),
        "0 X, 0.5 X, 1.5 X, 3.5 Y, 93.5 Y",
        "X is suspect (rule P4)"
    );
}

// rule P7
fn the_number_of_transmissions_is_a_setting() {
    let with = |count| swap().registration(move |it| it.hot_swap_transmissions = count);
    let mut world = with_x(with(1), Behaviour::silence());
    assert_eq!(every_send(&mut world, "90"), "0 X, 0.5 Y");
    let mut world = with_x(with(5), Behaviour::silence());
    assert_eq!(
        every_send(&mut world, "90"),
        "0 X, 0.5 X, 1.5 X, 3.5 X, 7.5 X, 11.5 Y"
    );
}

// rules P7, X2
fn what_cannot_be_delivered_goes_on_at_once() {
    let mut world = begin(swap());
    closes(&mut world, "0", X, true);
    closes(&mut world, "0", Y, true);
    assert_eq!(line(&mut world, "89"), "0 X Y Z");
}

// rule P7, table A
fn these_codes_swap_and_others_do_not() {
    for code in [408, 500, 503, 504, 599] {
        let mut world = with_x(swap(), refusing(code));
        assert_eq!(line(&mut world, "29"), "0 X Y", "{code}");
    }
    for code in [302, 400, 403, 404, 480, 486, 600, 603] {
        let mut world = with_x(swap(), refusing(code));
        assert_eq!(line(&mut world, "31"), "0 X, 30 X", "{code}");
    }
}

// rule P7
fn the_codes_are_a_setting() {
    let codes = [Codes::One(403), Codes::Class(6)];
    let setup = swap().registration(move |it| it.failover_codes = codes.into());
    for (code, wanted) in [(403, "0 X Y"), (603, "0 X Y"), (503, "0 X"), (404, "0 X")] {
        let mut world = with_x(setup.clone(), refusing(code));
        assert_eq!(line(&mut world, "29"), wanted, "{code}");
    }
    // No answer is no code.
    let mut world = with_x(setup, Behaviour::silence());
    assert_eq!(line(&mut world, "29"), "0 X, 3.5 Y");
}

// rules P7, L3: the pass is over when nobody is left
fn each_member_once_in_a_pass() {
    let mut world = begin(swap());
    for member in [X, Y, Z] {
        world.registrar_at(member).behave(refusing(503));
    }
    assert_eq!(line(&mut world, "89"), "0 X Y Z, 30 X Y Z, 60 X Y Z");
    assert_eq!(world.status("main").failures, 3, "a pass is one attempt");
    world.expect_phase("main", Phase::WaitingToRetry);
}

// rules P7, P4
fn a_member_that_is_offline_is_left_out() {
    let mut world = begin(swap().set(probed));
    closes(&mut world, "10", Y, true);
    behaves(&mut world, "70", X, refusing(503));
    // Y's probe of 60 has told.
    assert_eq!(line(&mut world, "100"), "0 X, 90 X Z");
}

// rule P7: fewer transmissions only where another usable member is left
fn one_member_alone_has_all_the_patience() {
    let mut world = begin(alone(Mode::Disable).set(swapping));
    falls_silent(&mut world, "0", X);
    assert_eq!(
        every_send(&mut world, "62"),
        "0 X, 0.5 X, 1.5 X, 3.5 X, 7.5 X, 11.5 X, 15.5 X, 19.5 X, 23.5 X, 27.5 X, 31.5 X, 62 X"
    );
    let mut world = begin(swap());
    for member in [X, Y, Z] {
        falls_silent(&mut world, "0", member);
    }
    assert_eq!(line(&mut world, "69"), "0 X, 3.5 Y, 7 Z, 69 X");
}

// rules P7, X1: X answers 4 s after the request; by then Y has it
fn a_late_answer_to_what_was_given_up_changes_nothing() {
    let mut world = with_x(swap(), Behaviour::open().late(Duration::from_secs(4)));
    behaves(
        &mut world,
        "0",
        Y,
        Behaviour::open().late(Duration::from_secs(1)),
    );
    assert_eq!(line(&mut world, "4.499"), "0 X, 3.5 Y");
    assert_eq!(world.status("main").registrar, Some(Y), "asked, not bound");
    world.expect_phase("main", Phase::Registering);
    assert_eq!(line(&mut world, "94.499"), "0 X, 3.5 Y");
    assert_eq!(world.status("main").registrar, Some(Y));
    // It tells that X lives, but the set has parked at Y.
    assert_eq!(line(&mut world, "94.5"), "0 X, 3.5 Y, 94.5 Y");
}

// rules P7, A1: in each registrar's own time
fn a_challenge_is_answered_where_it_was_made() {
    let mut world = with_x(swap(), Behaviour::digest().refuse(503).once_authenticated());
    world.registrar_at(Y).behave(Behaviour::digest());
    assert_eq!(line(&mut world, "29"), "0 X X Y Y");
    world.expect_phase("main", Phase::Registered);
}

// rules P7, L3
fn refused_credentials_are_not_carried_about() {
    let mut world = with_x(swap(), Behaviour::digest().refuse(403).once_authenticated());
    assert_eq!(line(&mut world, "600"), "0 X X, 600 X X");
}

// rules P7, I8
fn an_unregister_goes_nowhere_else() {
    let mut world = begin(swap());
    falls_silent(&mut world, "10", X);
    world.skip_until("20");
    let ticket = world.unregister("main");
    assert_eq!(line(&mut world, "52"), "0 X, 20 X (0)");
    assert!(
        matches!(world.outcome(ticket), Some(Outcome::Failed { .. })),
        "after the whole transaction"
    );
    assert_eq!(line(&mut world, "300"), "0 X, 20 X (0)");
}

// rule L3: with a 5xx it binds that registrar for this Account
fn a_retry_after_leaves_a_member_out() {
    let patient = || refusing(503).with("Retry-After", "100");
    // Without hot swap the Account goes on at another, since it may.
    let mut world = with_x(three(Mode::Disable), patient());
    assert_eq!(line(&mut world, "60"), "0 X, 30 Y");
    // With it, at once, and in the next pass X is still left out.
    let mut world = with_x(swap(), patient());
    for member in [Y, Z] {
        world.registrar_at(member).behave(refusing(503));
    }
    assert_eq!(
        line(&mut world, "120"),
        "0 X Y Z, 30 Y Z, 60 Y Z, 90 Y Z, 120 X Y Z"
    );
    // With a 4xx it binds the Account.
    let busy = refusing(486).with("Retry-After", "100");
    let mut world = with_x(swap(), busy);
    assert_eq!(line(&mut world, "100"), "0 X, 100 X");
}

// rule L3
fn when_all_have_asked_for_patience_the_first_end_is_waited_for() {
    let mut world = begin(swap());
    for (member, secs) in [(X, "100"), (Y, "50"), (Z, "200")] {
        let patient = refusing(503).with("Retry-After", secs);
        world.registrar_at(member).behave(patient);
    }
    then(&mut world, "40", |world| {
        world.registrar_at(Y).behave(Behaviour::open());
    });
    assert_eq!(line(&mut world, "139"), "0 X Y Z, 50 Y");
    // The 200 has ended all of them.
    assert_eq!(line(&mut world, "140"), "0 X Y Z, 50 Y, 140 X Y");
}
