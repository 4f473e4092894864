//! Probes and their verdicts (rules P3, P4).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{KeepAlive, ProxySet};
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, Link, REGISTRAR, Setup, World, again, at, sent};
use regent::status::Health;
use regent::time::{Duration, Instant};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        options_go_to_every_member_at_once_and_each_minute,
        a_probe_says_who_it_is_and_nothing_more,
        a_silent_member_is_offline_when_its_probe_has_failed,
        two_probes_of_one_member_are_never_in_flight,
        retransmissions_of_a_probe_are_counted_by_their_own_option,
        more_retransmissions_than_a_request_has_are_possible,
        a_member_comes_back_after_the_answers_that_are_wanted,
        a_silence_on_the_way_back_begins_anew,
        some_answers_count_as_none_and_any_other_is_life,
        a_probe_without_answer_counts_for_nothing_where_registers_are_answered,
        a_port_where_nobody_listens_is_offline_at_once,
        the_silence_of_a_register_makes_a_member_offline,
        the_answer_to_a_register_begins_the_way_back,
        options_on_active_go_to_the_current_member_alone,
        all_are_probed_when_none_is_online,
        mode_register_probes_the_current_member_each_registration_time,
        fake_registers_go_to_every_member_and_answer_no_challenge,
        one_register_at_a_time_tries_a_dead_registrar,
        without_keep_alive_nothing_is_probed_and_nobody_is_offline,
        a_program_that_stops_probes_nobody,
        nothing_is_probed_before_the_store_has_spoken,
        the_set_is_online_with_its_first_answer,
        the_set_is_offline_when_all_members_are,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

/// Two members, and nobody who registers at them.
fn quiet(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Setup {
    let account = AccountSetup::new("main").or_at(SECOND).credentials_only();
    Setup::new().account(account).set(change)
}

/// The same with one member.
fn single(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Setup {
    let account = AccountSetup::new("main").credentials_only();
    Setup::new().account(account).set(change)
}

fn options(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
}

/// OPTIONS that leave once: a silent member is offline half a second later.
fn brief(set: &mut ProxySet) {
    options(set);
    set.failure_detection_retransmissions = Some(0);
}

fn probe() -> regent::sim::Expected {
    sent("OPTIONS").probing()
}

fn is_online(world: &World, member: SocketAddr) -> bool {
    !matches!(
        world.member(member).health,
        Health::Unreachable | Health::Unknown
    )
}

// rule P3
fn options_go_to_every_member_at_once_and_each_minute() {
    let mut world = World::new(quiet(options), 1);
    for when in ["0", "60", "120"] {
        world.expect_silence_until(when);
        world.expect_at(when, probe().to(REGISTRAR));
        world.expect_at(when, probe().to(SECOND));
    }
    world.expect_silence_until("180");
    assert_eq!(world.registrar().counts().probes, 3);
}

// rule P3
fn a_probe_says_who_it_is_and_nothing_more() {
    let mut world = World::new(
        quiet(|set| {
            options(set);
            set.keep_alive_user = Some("ping".into());
        }),
        1,
    );
    let mut seen = Vec::new();
    for when in ["0", "60"] {
        for member in [REGISTRAR, SECOND] {
            world.expect_at(when, probe().to(member));
            let text = world.last_packet().text().expect("SIP");
            let (_, uri) = text.request().expect("a request");
            assert!(uri.starts_with("sip:ping@10.0.0.1"), "{uri}");
            assert_eq!(text.header("to"), Some("<sip:ping@10.0.0.1>"));
            assert_eq!(text.header("max-forwards"), Some("70"));
            assert!(text.header("contact").is_none());
            let call = text.header("call-id").expect("a Call-ID").to_owned();
            seen.push((call, text.cseq().map(|(number, _)| number)));
        }
    }
    assert_eq!((&seen[0].0, &seen[1].0), (&seen[2].0, &seen[3].0));
    assert_ne!(seen[0].0, seen[1].0);
    let numbers: Vec<_> = seen.iter().map(|(_, cseq)| *cseq).collect();
    assert_eq!(numbers, [Some(1), Some(1), Some(2), Some(2)]);
}

// rule P4, X1
fn a_silent_member_is_offline_when_its_probe_has_failed() {
    let mut world = World::new(single(options), 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", probe());
    for when in [
        "0.5", "1.5", "3.5", "7.5", "11.5", "15.5", "19.5", "23.5", "27.5", "31.5",
    ] {
        world.expect_at(when, again("OPTIONS").probing());
    }
    world.expect_health("31.999999", REGISTRAR, Health::NoStatus, "0");
    world.expect_health("32", REGISTRAR, Health::Unreachable, "32");
    world.expect_silence_until("60");
    world.expect_at("60", probe());
}

// rule P3
fn two_probes_of_one_member_are_never_in_flight() {
    let setup = single(|set| {
        options(set);
        set.keep_alive_secs = 5;
        set.failure_detection_retransmissions = Some(3);
    });
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::silence());
    for start in ["0", "7.5", "15"] {
        world.expect_at(start, probe());
        let base = at(start) - Instant::ZERO;
        for more in [500, 1_500, 3_500] {
            let when = base + Duration::from_millis(more);
            let when = format!("{}.{:06}", when.as_secs(), when.subsec_micros());
            world.expect_at(&when, again("OPTIONS"));
        }
    }
}

// rule P4
fn retransmissions_of_a_probe_are_counted_by_their_own_option() {
    let setup = single(|set| {
        options(set);
        set.failure_detection_retransmissions = Some(2);
    });
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", probe());
    world.expect_at("0.5", again("OPTIONS"));
    world.expect_at("1.5", again("OPTIONS"));
    world.expect_health("3.499999", REGISTRAR, Health::NoStatus, "0");
    world.expect_health("3.5", REGISTRAR, Health::Unreachable, "3.5");
    world.expect_silence_until("60");
}

// rule P4
fn more_retransmissions_than_a_request_has_are_possible() {
    let setup = single(|set| {
        options(set);
        set.failure_detection_retransmissions = Some(2);
    });
    let mut world = World::new(setup.registration(|it| it.sip_max_rtx = 1), 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", probe());
    world.expect_at("0.5", again("OPTIONS"));
    world.expect_at("1.5", again("OPTIONS"));
    world.expect_health("3.5", REGISTRAR, Health::Unreachable, "3.5");
}

// rule P4
fn a_member_comes_back_after_the_answers_that_are_wanted() {
    let setup = single(|set| {
        brief(set);
        set.success_detection_retries = 3;
        set.success_detection_interval_secs = 5;
    });
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", probe());
    world.expect_health("0.5", REGISTRAR, Health::Unreachable, "0.5");
    world.run_until(at("10"));
    world.registrar().behave(Behaviour::open());
    world.expect_at("60", probe());
    world.expect_at("65", probe());
    world.expect_at("70", probe());
    world.expect_at("75", probe());
    world.expect_health("75.019999", REGISTRAR, Health::Unreachable, "0.5");
    world.expect_health("75.020", REGISTRAR, Health::Ok, "75.020");
    world.expect_silence_until("135");
    world.expect_at("135", probe());
}

// rule P4
fn a_silence_on_the_way_back_begins_anew() {
    let mut world = World::new(single(brief), 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", probe());
    world.run_until(at("10"));
    world.registrar().behave(Behaviour::open());
    world.expect_at("60", probe());
    world.run_until(at("61"));
    world.registrar().behave(Behaviour::silence());
    world.expect_at("70", probe());
    world.run_until(at("71"));
    world.registrar().behave(Behaviour::open());
    world.expect_at("130", probe());
    world.expect_at("140", probe());
    world.expect_health("140.020", REGISTRAR, Health::Ok, "140.020");
}

// rule P3
fn some_answers_count_as_none_and_any_other_is_life() {
    let setup = quiet(|set| {
        options(set);
        set.keep_alive_failure_responses = vec![503, 404];
    });
    let mut world = World::new(setup, 1);
    let refusing = |code| Behaviour::refusing(code);
    world.registrar().behave_to_probes(refusing(503));
    world.registrar_at(SECOND).behave_to_probes(refusing(500));
    world.expect_health("0.020", REGISTRAR, Health::Unreachable, "0.020");
    world.expect_health("0.020", SECOND, Health::Ok, "0.020");
}

// rule P4
fn a_probe_without_answer_counts_for_nothing_where_registers_are_answered() {
    let mut world = World::new(Setup::one().set(options), 1);
    let registrar = world.registrar();
    registrar.behave(Behaviour::open());
    registrar.behave_to_probes(Behaviour::silence());
    // The REGISTER of 0 and its refresh of 90.020 are answered while a probe waits; the probe of
    // 120 is over before the next refresh.
    for when in ["32", "92", "120", "151.999999"] {
        world.run_until(at(when));
        assert!(is_online(&world, REGISTRAR), "at {when}");
    }
    world.expect_health("152", REGISTRAR, Health::Unreachable, "152");
}

// rule P4, X2
fn a_port_where_nobody_listens_is_offline_at_once() {
    let mut world = World::new(quiet(options), 1);
    *world.network().link(SECOND) = Link {
        closed: true,
        ..Link::default()
    };
    world.expect_health("0.009999", SECOND, Health::NoStatus, "0");
    world.expect_health("0.010", SECOND, Health::Unreachable, "0.010");
    world.run_until(at("0.020"));
    assert!(is_online(&world, REGISTRAR));
}

// rule P4
fn the_silence_of_a_register_makes_a_member_offline() {
    let setup = Setup::one().set(options).registration(|it| {
        it.registration_time_secs = 400;
        it.sip_max_rtx = 3;
    });
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::open());
    world.run_until(at("190"));
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("200"));
    world.refresh("main");
    // The REGISTER of 200 fails at 203.5, long before the probe of 240.
    world.expect_health("203.499999", REGISTRAR, Health::Ok, "0.020");
    world.expect_health("203.5", REGISTRAR, Health::Unreachable, "203.5");
    world.expect_phase("main", Phase::Registered);
}

// rule P4
fn the_answer_to_a_register_begins_the_way_back() {
    let mut world = World::new(Setup::one().set(brief), 1);
    let registrar = world.registrar();
    registrar.behave(Behaviour::silence());
    world.expect_at("0", probe());
    world.expect_at("0", sent("REGISTER").by("main"));
    world.run_until(at("5"));
    assert!(!is_online(&world, REGISTRAR));
    world.registrar().behave(Behaviour::open());
    // The REGISTER that left first at 0 is answered at 7.520: one good answer more is wanted, 10 s
    // after that.
    world.skip_until("7.520");
    world.expect_phase("main", Phase::Registered);
    world.expect_silence_until("10");
    world.expect_at("10", probe());
    world.expect_health("10.019999", REGISTRAR, Health::Unreachable, "0.5");
    world.expect_health("10.020", REGISTRAR, Health::Ok, "10.020");
    world.expect_at("70", probe());
}

// rule P3
fn options_on_active_go_to_the_current_member_alone() {
    let mut world = World::new(
        quiet(|set| {
            brief(set);
            set.keep_alive = KeepAlive::OptionsOnActive;
        }),
        1,
    );
    world.expect_at("0", probe().to(REGISTRAR));
    world.expect_at("60", probe().to(REGISTRAR));
    world.run_until(at("61"));
    world.registrar().behave(Behaviour::silence());
    world.expect_at("120", probe().to(REGISTRAR));
    assert!(world.member(REGISTRAR).is_current);
    world.expect_at("120.5", probe().to(SECOND));
    assert!(world.member(SECOND).is_current);
    world.expect_at("180.5", probe().to(SECOND));
    world.expect_silence_until("240.5");
}

// rule P3
fn all_are_probed_when_none_is_online() {
    let mut world = World::new(
        quiet(|set| {
            brief(set);
            set.keep_alive = KeepAlive::OptionsOnActive;
        }),
        1,
    );
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", probe().to(REGISTRAR));
    world.expect_at("0.5", probe().to(SECOND));
    world.run_until(at("1"));
    world.registrar_at(SECOND).behave(Behaviour::silence());
    world.expect_at("60.5", probe().to(SECOND));
    // At 61 none is online; the first was probed more than a minute ago.
    world.expect_at("61", probe().to(REGISTRAR));
    world.expect_at("120.5", probe().to(SECOND));
    world.run_until(at("120.6"));
    world.registrar().behave(Behaviour::open());
    world.expect_at("121", probe().to(REGISTRAR));
    world.expect_at("131", probe().to(REGISTRAR));
    world.expect_health("131.020", REGISTRAR, Health::Ok, "131.020");
    assert!(world.member(REGISTRAR).is_current);
    world.expect_at("191", probe().to(REGISTRAR));
}

// rule P3
fn mode_register_probes_the_current_member_each_registration_time() {
    let mut world = World::new(quiet(|set| set.keep_alive = KeepAlive::Register), 1);
    world.registrar().behave(Behaviour::digest());
    let probe = || sent("REGISTER").probing();
    world.expect_at("0", probe().to(REGISTRAR));
    world.expect_silence_until("180");
    world.expect_at("180", probe().to(REGISTRAR));
    world.expect_silence_until("360");
    assert_eq!(world.registrar().counts().challenged, 2);
    assert!(is_online(&world, REGISTRAR));
}

// rule P3
fn fake_registers_go_to_every_member_and_answer_no_challenge() {
    let mut world = World::new(quiet(|set| set.keep_alive = KeepAlive::FakeRegister), 1);
    world.registrar().behave(Behaviour::digest());
    world.registrar_at(SECOND).behave(Behaviour::open());
    for when in ["0", "60"] {
        for member in [REGISTRAR, SECOND] {
            world.expect_at(when, sent("REGISTER").probing().to(member));
            let text = world.last_packet().text().expect("SIP");
            assert_eq!(text.header("to"), Some("<sip:keep-alive@10.0.0.1>"));
            assert!(text.header("expires").is_none());
        }
    }
    world.expect_silence_until("120");
    assert!(is_online(&world, REGISTRAR) && is_online(&world, SECOND));
    let now = world.now();
    assert_eq!(world.registrar_at(SECOND).bindings(now).count(), 0);
}

// rule P4
fn one_register_at_a_time_tries_a_dead_registrar() {
    let mut world = World::new(Setup::many(60).set(brief), 1);
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("0.4"));
    assert_eq!(world.in_flight(REGISTRAR), 32);
    world.run_until(at("32"));
    world.reset_peak();
    world.run_until(at("150"));
    assert_eq!(world.peak(REGISTRAR), 1);
    world.registrar().behave(Behaviour::open());
    world.run_until(at("200"));
    assert_eq!(world.registrar().counts().accepted, 60);
}

// rule P4
fn without_keep_alive_nothing_is_probed_and_nobody_is_offline() {
    let mut world = World::new(Setup::one(), 1);
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("300"));
    assert_eq!(world.registrar().counts().probes, 0);
    world.expect_health("300", REGISTRAR, Health::Unmonitored, "0");
    assert_eq!(world.set_at(REGISTRAR).is_online, None);
}

// rule L7
fn a_program_that_stops_probes_nobody() {
    let mut world = World::new(quiet(options), 1);
    world.expect_at("0", probe().to(REGISTRAR));
    world.expect_at("0", probe().to(SECOND));
    world.run_until(at("30"));
    world.shutdown();
    world.expect_silence_until("300");
}

// rule L8
fn nothing_is_probed_before_the_store_has_spoken() {
    let setup = quiet(options).store(Duration::from_millis(50));
    let mut world = World::new(setup, 1);
    world.expect_at("0", probe().to(REGISTRAR));
    world.expect_at("0", probe().to(SECOND));
}

// rules P6, S13
fn the_set_is_online_with_its_first_answer() {
    let mut world = World::new(quiet(options), 1);
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("0.019999"));
    assert_eq!(world.set_at(REGISTRAR).is_online, None);
    world.run_until(at("0.020"));
    assert_eq!(world.set_at(REGISTRAR).is_online, Some(true));
    world.run_until(at("100"));
    assert_eq!(world.set_at(REGISTRAR).is_online, Some(true));
}

// rules P6, S13
fn the_set_is_offline_when_all_members_are() {
    let mut world = World::new(quiet(brief), 1);
    world.registrar().behave(Behaviour::silence());
    world.registrar_at(SECOND).behave(Behaviour::silence());
    world.run_until(at("0.499999"));
    assert_eq!(world.set_at(REGISTRAR).is_online, None);
    world.run_until(at("0.5"));
    assert_eq!(world.set_at(REGISTRAR).is_online, Some(false));
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.run_until(at("70.019999"));
    assert_eq!(world.set_at(REGISTRAR).is_online, Some(false));
    world.run_until(at("70.020"));
    assert_eq!(world.set_at(REGISTRAR).is_online, Some(true));
}
