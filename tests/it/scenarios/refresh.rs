//! When a binding is refreshed, and what it costs.

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{Behaviour, Setup, World, at, sent};
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_refresh_leaves_at_half_of_what_was_granted_and_costs_one_round_trip,
        a_later_share_counts,
        the_margin_of_32_seconds_bounds_a_late_share,
        the_threshold_counts_back_from_the_end,
        a_threshold_that_is_not_before_the_share_does_not_count,
        halves_of_a_second_are_kept,
        the_time_counts_from_the_arrival_of_the_answer,
        a_longer_grant_is_used_and_does_not_become_what_is_asked,
        a_refresh_does_not_leave_registered,
    ]
}

// rule L1, A1
fn a_refresh_leaves_at_half_of_what_was_granted_and_costs_one_round_trip() {
    let mut world = registered(Setup::one());
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").by("main").nc(2).asking(180));
    world.expect_silence_until("180.060");
    world.expect_at("180.060", sent("REGISTER").by("main").nc(3).asking(180));
    world.expect_silence_until("270.080");
    let counts = world.registrar().counts();
    assert_eq!(
        (counts.registers, counts.challenged, counts.nc_replays),
        (4, 1, 0)
    );
}

// rule L1: t = granted · refresh_percent / 100.
fn a_later_share_counts() {
    assert_refresh(3_600, 90, 0, "3240.040");
    assert_refresh(180, 60, 0, "108.040");
}

// rule L1: t = min(t, max(granted / 2, granted − 32 s)).
fn the_margin_of_32_seconds_bounds_a_late_share() {
    assert_refresh(180, 100, 0, "148.040");
    assert_refresh(3_600, 100, 0, "3568.040");
    assert_refresh(60, 90, 0, "30.040");
    assert_refresh(20, 70, 0, "10.040");
}

// rule L1: if 0 < threshold < t: t = granted − threshold.
fn the_threshold_counts_back_from_the_end() {
    assert_refresh(180, 50, 60, "120.040");
    assert_refresh(3_600, 50, 600, "3000.040");
    assert_refresh(180, 50, 10, "148.040");
}

// rule L1
fn a_threshold_that_is_not_before_the_share_does_not_count() {
    assert_refresh(180, 50, 90, "90.040");
    assert_refresh(180, 50, 170, "90.040");
}

// rule L1: intervals are never rounded.
fn halves_of_a_second_are_kept() {
    assert_refresh(45, 50, 0, "22.540");
    assert_refresh(75, 77, 0, "43.040");
    assert_refresh(1_001, 67, 0, "670.710");
}

// rule L1: counted from the arrival of the 2xx.
fn the_time_counts_from_the_arrival_of_the_answer() {
    let late = Behaviour::open().late(Duration::from_millis(300));
    let mut world = world(Setup::one(), late);
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.320", "main", Phase::Registered);
    world.expect_silence_until("90.320");
    world.expect_at("90.320", sent("REGISTER"));
}

// rule L2: asked and granted never become each other.
fn a_longer_grant_is_used_and_does_not_become_what_is_asked() {
    let mut world = world(Setup::one(), Behaviour::open().grants(7_200));
    world.expect_at("0", sent("REGISTER").asking(180));
    world.expect_silence_until("3600.020");
    world.expect_at("3600.020", sent("REGISTER").asking(180));
    world.run_until(at("4000"));
    world.registrar().behave(Behaviour::open().grants(20));
    world.expect_at("7200.040", sent("REGISTER").asking(180));
    world.expect_at("7210.060", sent("REGISTER").asking(180));
    let status = world.status("main");
    assert_eq!((status.asked, status.granted), (180, Some(20)));
}

// rule L4
fn a_refresh_does_not_leave_registered() {
    let mut world = registered(Setup::one());
    world.expect_at("90.040", sent("REGISTER"));
    world.expect_phase("main", Phase::Registered);
    world.skip_until("1000");
    assert_eq!(world.phases("main").len(), 1);
    let since = world.unix(at("0.040"));
    assert_eq!(world.status("main").registered_since, Some(since));
}

/// With this grant, share and threshold, the refresh leaves then and not before.
#[track_caller]
fn assert_refresh(granted: u32, percent: u8, threshold: u32, when: &str) {
    let setup = Setup::one().registration(|parameters| {
        parameters.refresh_percent = percent;
        parameters.refresh_threshold_secs = threshold;
    });
    let mut world: World = world(setup, Behaviour::digest().grants(granted));
    world.skip_until("0.040");
    world.expect_silence_until(when);
    world.expect_at(when, sent("REGISTER").nc(2));
}
