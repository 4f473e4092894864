//! What ends *registered*, and what does not (rules L5, S14).

use libtest_mimic::Trial;
use regent::effect::{Event, Outcome, Phase};
use regent::sim::{Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::status::StatusWord;
use regent::time::Duration;

use super::registered;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_refresh_that_fails_once_leaves_the_account_registered_and_says_so,
        a_silent_registrar_leaves_the_account_registered_until_the_binding_ends,
        a_closed_port_leaves_the_account_registered_until_the_binding_ends,
        the_binding_ends_while_waiting,
        a_rejected_refresh_ends_registered,
        refused_credentials_on_a_refresh_end_registered,
        a_binding_that_ends_in_the_middle_of_a_refresh_is_had_back_by_its_answer,
        a_registrar_that_was_restarted_without_its_table_is_told_again,
    ]
}

fn a_refresh_that_fails_once_leaves_the_account_registered_and_says_so() {
    for code in [408, 500, 503, 504] {
        let mut world = registered(Setup::one());
        world.registrar().behave(Behaviour::refusing(code));
        world.expect_silence_until("90.040");
        world.expect_at("90.040", sent("REGISTER").nc(2));
        world.run_until(at("90.060"));
        let status = world.status("main");
        assert_eq!(
            (status.phase, status.status),
            (Phase::Registered, StatusWord::Registered)
        );
        assert_eq!((status.last_error, status.failures), (Some(code), 1));
        assert_eq!(status.binding_until, Some(world.unix(at("180.040"))));
        assert_eq!(status.next_try, Some(world.unix(at("120.060"))));
        let detail = status.detail.expect("a detail");
        assert!(detail.contains("refresh failing"), "{detail}");
        assert_eq!(failures(&world), [at("90.060")]);
        world.registrar().behave(Behaviour::digest());
        world.expect_silence_until("120.060");
        world.expect_at("120.060", sent("REGISTER").nc(3));
        world.run_until(at("120.080"));
        let status = world.status("main");
        assert_eq!(
            (status.last_error, status.failures, status.detail),
            (None, 0, None)
        );
        assert_eq!(status.registered_since, Some(world.unix(at("0.040"))));
        assert_eq!(world.phases("main").len(), 1, "it never left registered");
    }
}

fn a_silent_registrar_leaves_the_account_registered_until_the_binding_ends() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::silence());
    world.skip_until("122.040");
    world.expect_phase("main", Phase::Registered);
    assert_eq!(failures(&world), [at("122.040")]);
    world.expect_silence_until("152.040");
    world.expect_at("152.040", sent("REGISTER"));
    world.skip_until("180.039999");
    world.expect_phase("main", Phase::Registered);
    world.expect_phase_at("180.040", "main", Phase::Registering);
    world.expect_phase_at("184.040", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").status, StatusWord::Error(408));
    world.skip_until("214.039999");
    world.expect_at("214.040", sent("REGISTER"));
}

// rule X2
fn a_closed_port_leaves_the_account_registered_until_the_binding_ends() {
    let mut world = registered(Setup::one());
    world.network().link(REGISTRAR).closed = true;
    world.expect_at("90.040", sent("REGISTER"));
    world.run_until(at("90.050"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(failures(&world), [at("90.050")]);
    for when in ["120.050", "150.060", "180.070"] {
        world.expect_silence_until(when);
        world.expect_at(when, sent("REGISTER"));
    }
    let ended = (at("180.040"), Phase::WaitingToRetry);
    assert!(
        world.phases("main").contains(&ended),
        "{:?}",
        world.phases("main")
    );
}

fn the_binding_ends_while_waiting() {
    let mut world = registered(Setup::one());
    world
        .registrar()
        .behave(Behaviour::refusing(503).with("Retry-After", "300"));
    world.expect_at("90.040", sent("REGISTER"));
    world.run_until(at("180.039999"));
    world.expect_phase("main", Phase::Registered);
    world.expect_phase_at("180.040", "main", Phase::WaitingToRetry);
    let status = world.status("main");
    assert_eq!(
        (status.status, status.binding_until),
        (StatusWord::Error(503), None)
    );
    assert_eq!(status.down_since, Some(world.unix(at("180.040"))));
    world.registrar().behave(Behaviour::digest());
    world.expect_silence_until("390.060");
    world.expect_at("390.060", sent("REGISTER"));
    world.expect_phase_at("390.080", "main", Phase::Registered);
    assert_eq!(
        world.status("main").registered_since,
        Some(world.unix(at("390.080")))
    );
    assert_eq!(world.status("main").down_since, None);
}

// A 3xx not followed, a 4xx that is not handled, 6xx.
fn a_rejected_refresh_ends_registered() {
    for code in [302, 400, 403, 404, 423, 480, 600, 603] {
        let mut world = registered(Setup::one());
        world.registrar().behave(Behaviour::refusing(code));
        world.expect_silence_until("90.040");
        world.expect_at("90.040", sent("REGISTER"));
        world.expect_phase_at("90.060", "main", Phase::WaitingToRetry);
        let status = world.status("main");
        assert_eq!(status.status, StatusWord::Error(code));
        assert_eq!((status.granted, status.refresh_due), (None, None));
        assert_eq!(failures(&world), [], "{code}: the phase says it");
    }
}

fn refused_credentials_on_a_refresh_end_registered() {
    let mut world = registered(Setup::one());
    world.registrar().user("main", "another password");
    world.expect_at("90.040", sent("REGISTER").nc(2));
    world.expect_at("90.060", sent("REGISTER").nc(1));
    world.expect_phase_at("90.080", "main", Phase::WaitingToRetry);
    world.expect_silence_until("690.080");
    world.expect_at("690.080", sent("REGISTER"));
}

// rule L5: a newer 200 counts, whenever it comes.
fn a_binding_that_ends_in_the_middle_of_a_refresh_is_had_back_by_its_answer() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::refusing(500));
    world.skip_until("175");
    let late = Behaviour::digest().late(Duration::from_secs(2));
    world.registrar().behave(late);
    let ticket = world.refresh("main");
    world.skip_until("175");
    world.run_until(at("177.020"));
    let granted = Outcome::Registered {
        registrar: REGISTRAR,
        granted: 180,
    };
    world.expect_reply_at("177.020", ticket, &granted);
    world
        .registrar()
        .behave(Behaviour::digest().late(Duration::from_secs(20)));
    world.skip_until("1000");
    assert_eq!(world.phases("main").len(), 1, "{:?}", world.phases("main"));
}

fn a_registrar_that_was_restarted_without_its_table_is_told_again() {
    let mut world = registered(Setup::one());
    world.skip_until("50");
    world.registrar().forget();
    assert_eq!(world.registrar().bindings(at("50")).count(), 0);
    world.expect_at("90.040", sent("REGISTER").nc(2));
    world.expect_at("90.060", sent("REGISTER").nc(1));
    world.run_until(at("91"));
    assert_eq!(world.registrar().bindings(at("91")).count(), 1);
    world.expect_phase("main", Phase::Registered);
}

/// When a refresh was said to fail.
fn failures(world: &World) -> Vec<regent::time::Instant> {
    let failed = world
        .events_of("main")
        .filter_map(|(at, event)| matches!(event, Event::RefreshFailed { .. }).then_some(at));
    failed.collect()
}
