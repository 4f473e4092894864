//! The words for members, and when they are told (rule P5).

use libtest_mimic::Trial;
use regent::config::{KeepAlive, ProbeUnknown, ProxySet};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::status::Health;
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_late_answer_is_lagged_and_a_quick_one_is_ok_again,
        the_answers_to_registers_count_too,
        after_an_hour_a_member_is_unknown_and_probed_every_ten_minutes,
        an_unknown_member_is_not_probed_when_that_is_configured,
        an_unknown_member_that_answers_comes_back,
        the_status_of_a_set_is_told_every_200_ms_at_most_but_a_word_at_once,
        a_clock_that_is_set_is_told,
        bindings_are_counted_where_they_are,
    ]
}

fn single(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Setup {
    let account = AccountSetup::new("main").credentials_only();
    Setup::new().account(account).set(change)
}

fn brief(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.failure_detection_retransmissions = Some(0);
}

// rule P5
fn a_late_answer_is_lagged_and_a_quick_one_is_ok_again() {
    let mut world = World::new(single(|set| set.keep_alive = KeepAlive::Options), 1);
    world.expect_health("0.020", REGISTRAR, Health::Ok, "0.020");
    assert_eq!(world.member(REGISTRAR).rtt_us, Some(20_000));
    let late = |millis| Behaviour::open().late(Duration::from_millis(millis));
    world.registrar().behave(late(1_980));
    world.expect_health("62", REGISTRAR, Health::Ok, "0.020");
    assert_eq!(world.member(REGISTRAR).rtt_us, Some(2_000_000));
    world.registrar().behave(late(1_981));
    world.expect_health("122.001", REGISTRAR, Health::Lagged, "122.001");
    world.registrar().behave(Behaviour::open());
    world.expect_health("180.019999", REGISTRAR, Health::Lagged, "122.001");
    world.expect_health("180.020", REGISTRAR, Health::Ok, "180.020");
}

// rule P5
fn the_answers_to_registers_count_too() {
    let setup = Setup::one().set(|set| set.keep_alive = KeepAlive::OptionsOnActive);
    let mut world = World::new(setup, 1);
    let registrar = world.registrar();
    registrar.behave_to_probes(Behaviour::silence());
    registrar.behave(Behaviour::open().late(Duration::from_millis(100)));
    world.expect_health("0.120", REGISTRAR, Health::Ok, "0.120");
    assert_eq!(world.member(REGISTRAR).rtt_us, Some(120_000));
}

// rule P5
fn after_an_hour_a_member_is_unknown_and_probed_every_ten_minutes() {
    let mut world = World::new(single(brief), 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_health("3600.499999", REGISTRAR, Health::Unreachable, "0.5");
    world.expect_health("3600.5", REGISTRAR, Health::Unknown, "3600.5");
    world.skip_until("3601");
    for when in ["4200", "4800", "5400"] {
        world.expect_silence_until(when);
        world.expect_at(when, sent("OPTIONS").probing());
    }
}

// rule P5
fn an_unknown_member_is_not_probed_when_that_is_configured() {
    let setup = single(brief).registration(|it| it.probe_unknown = ProbeUnknown::Stop);
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::silence());
    world.skip_until("3600.5");
    world.expect_health("3600.5", REGISTRAR, Health::Unknown, "3600.5");
    world.expect_silence_until("20000");
}

// rules P4, P5
fn an_unknown_member_that_answers_comes_back() {
    let mut world = World::new(single(brief), 1);
    world.registrar().behave(Behaviour::silence());
    world.skip_until("4000");
    world.registrar().behave(Behaviour::open());
    world.expect_at("4200", sent("OPTIONS"));
    world.expect_at("4210", sent("OPTIONS"));
    world.expect_health("4210.020", REGISTRAR, Health::Ok, "4210.020");
    world.expect_at("4270", sent("OPTIONS"));
}

// rule P5
fn the_status_of_a_set_is_told_every_200_ms_at_most_but_a_word_at_once() {
    let setup = Setup::many(600).set(|set| set.keep_alive = KeepAlive::Options);
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::open());
    world.run_until(at("30"));
    let (told, set) = world.published_set(REGISTRAR).expect("a status");
    assert_eq!(set.members[0].health, Health::Ok);
    // At 0 it is first seen, at 0.020 it is OK; what follows is bindings and round trips.
    let instants: Vec<u64> = told.iter().map(|at| at.as_millis()).collect();
    assert_eq!(instants, [0, 20, 220, 420]);
}

// rule P5
fn a_clock_that_is_set_is_told() {
    let mut world = World::new(single(|set| set.keep_alive = KeepAlive::Options), 1);
    world.run_until(at("10"));
    world.set_clock(60_000);
    let (told, _) = world.published_set(REGISTRAR).expect("a status");
    assert_eq!(told.last(), Some(&at("10")));
}

// rule P5
fn bindings_are_counted_where_they_are() {
    let mut world = World::new(Setup::many(5), 1);
    world.run_until(at("10"));
    assert_eq!(world.member(REGISTRAR).accounts_bound, 5);
    world.unregister("a0002");
    world.run_until(at("11"));
    assert_eq!(world.member(REGISTRAR).accounts_bound, 4);
    // Those of the others end without a word, at 180.040 at the latest.
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("181"));
    assert_eq!(world.member(REGISTRAR).accounts_bound, 0);
    let (_, told) = world.published_set(REGISTRAR).expect("a status");
    assert_eq!(told.members[0].accounts_bound, 0);
}
