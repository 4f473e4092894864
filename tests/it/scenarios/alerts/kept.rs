//! What a restart keeps of lost registrations (rule T3). The disk takes 5 ms, so that an Account is
//! registered at 0.025.

use libtest_mimic::Trial;
use regent::config::{Alert, TimeLimit};
use regent::effect::NoticeKind::{Lost, Resolved, TimedOut};
use regent::effect::{Phase, StoredAlertState};
use regent::sim::{REGISTRAR, Setup, World, at};
use regent::status::Health;
use regent::time::Duration;

use super::{begin, good_again, lost, ops, refused, silent, watched};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_loss_is_checked_on_after_a_restart,
        a_check_that_fell_into_the_standstill_is_made_anew,
        an_alert_goes_on_after_a_restart_and_is_told_once,
        who_is_back_before_the_restart_is_resolved_after_it,
        an_alert_that_ran_out_meanwhile_times_out_at_the_start,
        who_was_registered_before_the_restart_is_armed,
        a_registrar_that_is_away_still_resolves_nothing,
        a_registrar_that_came_back_meanwhile_resolves,
        a_clean_stop_keeps_alerts_too,
        what_is_not_configured_any_more_is_dropped,
        a_disk_that_fails_for_a_while_loses_nothing,
        a_clock_that_was_set_back_makes_no_alert_last,
    ]
}

const MAIN: (&str, regent::effect::NoticeKind, &str, &str) = ("190.020", Lost, "ops", "main");

fn stored() -> Setup {
    Setup::one().alert(ops()).store(Duration::from_millis(5))
}

fn brief() -> Alert {
    Alert {
        time_limit: TimeLimit::Hour,
        ..ops()
    }
}

fn stands_still(world: &mut World, from: &str, until: &str) {
    world.at(at(from), World::kill);
    world.at(at(until), World::start);
}

fn a_loss_is_checked_on_after_a_restart() {
    let mut world = lost(stored());
    stands_still(&mut world, "140", "145");
    world.run_until(at("142"));
    let kept = world.stored_alert("main").expect("a record");
    assert_eq!(kept.registrar, REGISTRAR);
    let lost_at = world.unix(at("100.020")).0 * 1_000;
    assert_eq!(kept.lost_unix_us, lost_at);
    let checking = StoredAlertState::Checking {
        failed: 1,
        due_unix_us: lost_at + 60_000_000,
    };
    assert_eq!(kept.state, checking);
    world.expect_notices("190.019999", &[]);
    world.expect_notices("500", &[MAIN]);
    let (_, notice) = world.notices().next().expect("a notice");
    assert_eq!(notice.accounts[0].lost_unix_ms, lost_at / 1_000);
    assert_eq!(&*notice.accounts[0].identity, "sip:main@sim.example");
}

fn a_check_that_fell_into_the_standstill_is_made_anew() {
    // One has failed; the second is made 30 s after the start, and the third 30 s later.
    let mut world = lost(stored());
    stands_still(&mut world, "140", "170");
    world.expect_notices("500", &[("230", Lost, "ops", "main")]);
    // Whoever is back by then is not missed.
    let mut world = lost(stored());
    stands_still(&mut world, "140", "170");
    good_again(&mut world, "169");
    world.expect_notices("500", &[]);
    assert_eq!(world.stored_alert("main"), None);
}

fn an_alert_goes_on_after_a_restart_and_is_told_once() {
    let mut world = lost(stored());
    world.expect_notices("300", &[MAIN]);
    let before = world.alerts();
    stands_still(&mut world, "300", "400");
    world.expect_notices("900", &[MAIN]);
    let after = world.alerts();
    assert_eq!(after, before, "the same list");
    good_again(&mut world, "900");
    world.run_until(at("1000"));
    let kinds: Vec<_> = world.notices().map(|(_, notice)| notice.kind).collect();
    assert_eq!(kinds, [Lost, Resolved]);
    assert_eq!(world.stored_alert("main"), None);
    stands_still(&mut world, "1000", "1010");
    world.run_until(at("2000"));
    assert_eq!(world.notices().count(), 2);
}

fn who_is_back_before_the_restart_is_resolved_after_it() {
    let mut world = lost(stored());
    stands_still(&mut world, "300", "400");
    good_again(&mut world, "350");
    world.expect_notices("500", &[MAIN, ("400.025", Resolved, "ops", "main")]);
}

fn an_alert_that_ran_out_meanwhile_times_out_at_the_start() {
    let setup = Setup::one().alert(brief());
    let mut world = lost(setup.store(Duration::from_millis(5)));
    stands_still(&mut world, "300", "5000");
    world.expect_notices("5100", &[MAIN, ("5000", TimedOut, "ops", "main")]);
    world.expect_alerts("5100", "");
}

fn who_was_registered_before_the_restart_is_armed() {
    let mut world = begin(stored());
    stands_still(&mut world, "50", "55");
    refused(&mut world, "70", &["main"]);
    world.expect_notices("500", &[("160.020", Lost, "ops", "main")]);
}

/// Raised at 190.500, while the binding stands.
fn away(until: &str) -> World {
    let setup = stored().set(watched);
    let mut world = begin(setup.registration(|rules| rules.registration_time_secs = 3_600));
    silent(&mut world, REGISTRAR, "95", until);
    stands_still(&mut world, "200", "205");
    world
}

fn a_registrar_that_is_away_still_resolves_nothing() {
    let mut world = away("400");
    let first = ("190.500", Lost, "ops", "main");
    world.run_until(at("205.100"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.member(REGISTRAR).health, Health::NoStatus);
    world.expect_notices("400", &[first]);
    world.expect_alerts("400", "main/ops");
    // Probed every 10 s from 205 on.
    world.expect_notices("500", &[first, ("415.020", Resolved, "ops", "main")]);
}

fn a_registrar_that_came_back_meanwhile_resolves() {
    let mut world = away("203");
    let first = ("190.500", Lost, "ops", "main");
    world.expect_notices("500", &[first, ("205.020", Resolved, "ops", "main")]);
}

fn a_clean_stop_keeps_alerts_too() {
    let mut world = lost(stored());
    world.run_until(at("190.050"));
    world.shutdown();
    world.run_until(at("190.100"));
    stands_still(&mut world, "191", "200");
    world.expect_notices("300", &[MAIN]);
    world.expect_alerts("300", "main/ops");
}

fn what_is_not_configured_any_more_is_dropped() {
    for setup in [
        stored().without_alert("ops"),
        stored().without("main"),
        stored().change("main", |account| account.credentials_only()),
    ] {
        let mut world = lost(stored());
        world.run_until(at("300"));
        assert!(world.stored_alert("main").is_some());
        world.kill();
        world.configure(setup);
        world.start();
        world.expect_notices("5000", &[MAIN]);
        world.expect_alerts("5000", "");
        assert_eq!(world.stored_alert("main"), None);
    }
}

fn a_disk_that_fails_for_a_while_loses_nothing() {
    let mut world = lost(stored());
    world.at(at("100"), |world| world.store_fails(true));
    world.at(at("250"), |world| world.store_fails(false));
    world.expect_notices("251", &[MAIN]);
    stands_still(&mut world, "252", "260");
    world.expect_notices("500", &[MAIN]);
    world.expect_alerts("500", "main/ops");
}

fn a_clock_that_was_set_back_makes_no_alert_last() {
    let setup = Setup::one().alert(brief());
    let mut world = lost(setup.store(Duration::from_millis(5)));
    world.at(at("300"), World::kill);
    world.at(at("301"), |world| {
        world.set_clock(-1_000_000_000);
        world.start();
    });
    // It cannot have begun later than now.
    world.expect_alerts("3900", "main/ops");
    world.expect_alerts("3901", "");
}
