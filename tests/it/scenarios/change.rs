//! Another configuration, and another time of day, while everything runs (rules G2, T1).

use libtest_mimic::Trial;
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, Setup, World, at, sent};
use regent::time::Duration;

use super::registered;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_same_configuration_again_changes_nothing,
        an_added_account_registers_and_nobody_else_moves,
        a_removed_account_is_unregistered_and_gone,
        an_account_that_is_removed_and_added_again_begins_anew,
        another_contact_user_moves_the_binding,
        commands_for_a_removed_account_are_answered,
        timers_of_another_configuration_count_from_the_next_arming,
        the_wall_clock_moves_times_but_not_timers,
        a_clock_that_is_set_back_between_two_runs_does_not_put_an_account_to_sleep,
    ]
}

fn the_same_configuration_again_changes_nothing() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one());
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").nc(2));
    assert_eq!(world.phases("main").len(), 1);
}

fn an_added_account_registers_and_nobody_else_moves() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one().account(AccountSetup::new("second")));
    world.expect_at("10", sent("REGISTER").by("second").bare());
    world.expect_at("10.020", sent("REGISTER").by("second").nc(1));
    world.expect_phase_at("10.040", "second", Phase::Registered);
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").by("main").nc(2));
    world.expect_silence_until("100.040");
}

fn a_removed_account_is_unregistered_and_gone() {
    let two = Setup::one().account(AccountSetup::new("second"));
    let mut world = World::new(two.clone(), 1);
    world.skip_until("10");
    world.reload(two.without("second"));
    world.expect_at("10", sent("REGISTER").by("second").nc(2).removing());
    world.expect_silence_until("90.040");
    assert_eq!(world.published("second"), None);
    world.expect_at("90.040", sent("REGISTER").by("main").nc(2));
    assert_eq!(
        world
            .registrar()
            .bindings_of("second@sim.example", at("90"))
            .len(),
        0
    );
    world.expect_silence_until("180.060");
}

fn an_account_that_is_removed_and_added_again_begins_anew() {
    let mut world = registered(Setup::one());
    let first = call_id(&world);
    world.run_until(at("10"));
    world.reload(Setup::one().without("main"));
    world.expect_at("10", sent("REGISTER").removing());
    world.run_until(at("20"));
    world.reload(Setup::one());
    world.expect_at("20", sent("REGISTER").bare());
    assert_ne!(call_id(&world), first, "another Call-ID");
    world.expect_at("20.020", sent("REGISTER").nc(1));
    world.expect_phase_at("20.040", "main", Phase::Registered);
}

// AOR or Contact user: un-REGISTER the old binding with the old values, then register.
fn another_contact_user_moves_the_binding() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one().change("main", |it| it.contact_user(Some("moved"))));
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    let to = |world: &World| world.last_packet().text().and_then(|it| it.aor());
    assert_eq!(to(&world).as_deref(), Some("main@sim.example"));
    world.expect_at("10.020", sent("REGISTER").asking(180));
    assert_eq!(to(&world).as_deref(), Some("moved@sim.example"));
    world.skip_until("11");
    world.expect_phase("main", Phase::Registered);
    let now = world.now();
    assert_eq!(
        world.registrar().bindings_of("main@sim.example", now).len(),
        0
    );
    assert_eq!(
        world
            .registrar()
            .bindings_of("moved@sim.example", now)
            .len(),
        1
    );
}

fn commands_for_a_removed_account_are_answered() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("10"));
    let ticket = world.refresh("main");
    world.run_until(at("11"));
    world.reload(Setup::one().without("main"));
    world.run_until(at("200"));
    assert!(world.outcome(ticket).is_some(), "the one that waited");
    assert_ne!(world.outcome(ticket), Some(&Outcome::Unregistered));
    assert!(world.unanswered().is_empty());
}

fn timers_of_another_configuration_count_from_the_next_arming() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.reload(Setup::one().registration(|it| it.refresh_percent = 70));
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER"));
    world.expect_silence_until("216.060");
    world.expect_at("216.060", sent("REGISTER"));
}

fn the_wall_clock_moves_times_but_not_timers() {
    for by_ms in [3_600_000, -3_600_000] {
        let mut world = registered(Setup::one());
        let before = world.status("main");
        world.run_until(at("10"));
        world.set_clock(by_ms);
        let after = world.published("main").cloned().expect("a status");
        let moved = |time: Option<regent::status::UnixMs>| time.map(|it| it.0 + by_ms);
        assert_eq!(after.refresh_due.map(|it| it.0), moved(before.refresh_due));
        assert_eq!(
            after.binding_until.map(|it| it.0),
            moved(before.binding_until)
        );
        world.expect_silence_until("90.040");
        world.expect_at("90.040", sent("REGISTER").nc(2));
        world.expect_phase("main", Phase::Registered);
    }
}

// rule L8: neither a clock from the future nor one from the past stops the refreshes.
fn a_clock_that_is_set_back_between_two_runs_does_not_put_an_account_to_sleep() {
    for by_ms in [-86_400_000, 86_400_000, -60_000, 60_000] {
        let setup = Setup::one().store(Duration::from_millis(5));
        let mut world = super::world(setup, Behaviour::digest());
        world.run_until(at("10"));
        world.kill();
        world.set_clock(by_ms);
        world.run_until(at("20"));
        world.start();
        world.run_until(at("200"));
        world.expect_phase("main", Phase::Registered);
        let now = world.now();
        assert_eq!(world.registrar().bindings(now).count(), 1);
        let refreshed = world.transcript().sent(0);
        let refreshed = refreshed.filter(|(_, line, _)| line.at > at("20") && line.at < at("180"));
        assert!(
            refreshed.count() >= 1,
            "{by_ms} ms: the binding was refreshed in time"
        );
    }
}

fn call_id(world: &World) -> String {
    world.last_packet().summary.call_id.clone()
}
