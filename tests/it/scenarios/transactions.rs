//! When a request is sent again, and when it has failed (rules X1, X2).

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::sim::{Behaviour, Path, REGISTRAR, Setup, World, again, at, sent};
use regent::time::Duration;

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_silent_registrar_gets_eleven_sends_in_32_seconds,
        three_sends_fail_when_the_fourth_would_have_left,
        seven_sends_fail_when_the_eighth_would_have_left,
        one_send_fails_after_t1,
        t1_and_t2_are_settings,
        an_answer_ends_the_retransmissions,
        a_provisional_answer_slows_them_to_t2,
        a_late_answer_to_an_abandoned_transaction_changes_nothing,
        an_answer_that_comes_twice_counts_once,
        a_challenge_that_comes_twice_is_answered_once,
        a_lost_answer_is_had_by_the_retransmission,
        doubled_and_reordered_wires_change_nothing,
        a_closed_port_fails_at_once,
        an_icmp_error_that_quotes_too_little_is_not_trusted,
        an_icmp_error_for_an_answered_request_changes_nothing,
    ]
}

fn a_silent_registrar_gets_eleven_sends_in_32_seconds() {
    let times = ["0.500", "1.500", "3.500", "7.500", "11.500", "15.500"];
    let mut world = world(Setup::one(), Behaviour::silence());
    world.expect_at("0", sent("REGISTER"));
    for when in times
        .into_iter()
        .chain(["19.500", "23.500", "27.500", "31.500"])
    {
        world.expect_silence_until(when);
        world.expect_at(when, again("REGISTER"));
    }
    world.expect_phase("main", Phase::Registering);
    world.expect_phase_at("32", "main", Phase::WaitingToRetry);
    world.expect_silence_until("62");
    world.expect_at("62", sent("REGISTER"));
}

fn three_sends_fail_when_the_fourth_would_have_left() {
    assert_schedule(3, &["0.500", "1.500"], "3.500", "33.500");
}

fn seven_sends_fail_when_the_eighth_would_have_left() {
    let times = ["0.500", "1.500", "3.500", "7.500", "11.500", "15.500"];
    assert_schedule(7, &times, "19.500", "49.500");
}

fn one_send_fails_after_t1() {
    assert_schedule(1, &[], "0.500", "30.500");
}

fn t1_and_t2_are_settings() {
    let setup = Setup::one().registration(|it| {
        it.sip_t1_ms = 100;
        it.sip_t2_ms = 1_000;
    });
    let mut world = world(setup, Behaviour::silence());
    world.expect_at("0", sent("REGISTER"));
    for when in [
        "0.100", "0.300", "0.700", "1.500", "2.500", "3.500", "4.500", "5.500",
    ] {
        world.expect_silence_until(when);
        world.expect_at(when, again("REGISTER"));
    }
    world.expect_silence_until("6.400");
    world.expect_phase_at("6.400", "main", Phase::WaitingToRetry);
}

fn an_answer_ends_the_retransmissions() {
    let late = Behaviour::open().late(Duration::from_secs(2));
    let mut world = world(Setup::one(), late);
    world.expect_at("0", sent("REGISTER"));
    world.expect_at("0.500", again("REGISTER"));
    world.expect_at("1.500", again("REGISTER"));
    world.expect_phase_at("2.020", "main", Phase::Registered);
    world.expect_silence_until("92.020");
}

// RFC 3261 §17.1.2.2: timer E fires in Proceeding and is set to T2.
fn a_provisional_answer_slows_them_to_t2() {
    let late = Behaviour::open().trying().late(Duration::from_secs(10));
    let mut world = world(Setup::one(), late);
    world.expect_at("0", sent("REGISTER"));
    for when in ["0.500", "4.500", "8.500"] {
        world.expect_silence_until(when);
        world.expect_at(when, again("REGISTER"));
    }
    world.expect_phase_at("10.020", "main", Phase::Registered);
    world.expect_silence_until("100.020");
}

fn a_late_answer_to_an_abandoned_transaction_changes_nothing() {
    let setup = Setup::one().registration(|it| it.sip_max_rtx = 3);
    let mut world = world(setup, Behaviour::open().late(Duration::from_secs(5)));
    world.expect_at("0", sent("REGISTER"));
    world.skip_until("5.020");
    world.expect_phase("main", Phase::WaitingToRetry);
    assert_eq!(world.phases("main").len(), 1);
    world.registrar().behave(Behaviour::open());
    world.expect_silence_until("33.500");
    world.expect_at("33.500", sent("REGISTER"));
    world.expect_phase_at("33.520", "main", Phase::Registered);
}

fn an_answer_that_comes_twice_counts_once() {
    let mut world = world(Setup::one(), Behaviour::open().copies(5));
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.020", "main", Phase::Registered);
    world.expect_silence_until("90.020");
    world.expect_at("90.020", sent("REGISTER"));
    world.expect_silence_until("180.040");
}

fn a_challenge_that_comes_twice_is_answered_once() {
    let mut world = world(Setup::one(), Behaviour::digest().copies(3));
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    world.expect_silence_until("90.040");
}

fn a_lost_answer_is_had_by_the_retransmission() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.network().link(REGISTRAR).back = Path {
        cut: true,
        ..Path::default()
    };
    world.expect_at("0", sent("REGISTER").bare());
    world.run_until(at("0.400"));
    world.network().link(REGISTRAR).back.cut = false;
    world.expect_at("0.500", again("REGISTER").bare());
    world.expect_at("0.520", sent("REGISTER").nc(1));
    world.expect_phase_at("0.540", "main", Phase::Registered);
    world.expect_silence_until("90.540");
    assert_eq!(world.registrar().counts().retransmissions, 1);
}

fn doubled_and_reordered_wires_change_nothing() {
    for seed in 0..50 {
        let mut world = World::new(Setup::one(), seed);
        let link = world.network().link(REGISTRAR);
        for path in [&mut link.out, &mut link.back] {
            path.duplicate_percent = 60;
            path.reorder_percent = 40;
            path.jitter = Duration::from_millis(90);
        }
        world.run_until(at("1000"));
        world.expect_phase("main", Phase::Registered);
        assert_eq!(world.phases("main").len(), 1, "{}", world.transcript());
        let counts = world.registrar().counts();
        assert_eq!(
            (counts.challenged, counts.cseq_not_rising, counts.nc_replays),
            (1, 0, 0)
        );
    }
}

fn a_closed_port_fails_at_once() {
    let mut world = world(Setup::one(), Behaviour::open());
    world.network().link(REGISTRAR).closed = true;
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.010", "main", Phase::WaitingToRetry);
    world.expect_silence_until("30.010");
    world.expect_at("30.010", sent("REGISTER"));
    world.network().link(REGISTRAR).closed = false;
    world.expect_at("60.020", sent("REGISTER"));
    world.expect_phase_at("60.040", "main", Phase::Registered);
}

// Rule X2 speaks of an error that quotes a pending request: eight bytes of it name nobody.
fn an_icmp_error_that_quotes_too_little_is_not_trusted() {
    let mut world = world(Setup::one(), Behaviour::open());
    world.quote_at_most(8);
    world.network().link(REGISTRAR).closed = true;
    world.expect_at("0", sent("REGISTER"));
    world.expect_at("0.500", again("REGISTER"));
    world.expect_phase_at("32", "main", Phase::WaitingToRetry);
}

fn an_icmp_error_for_an_answered_request_changes_nothing() {
    let mut world = world(
        Setup::one(),
        Behaviour::open().late(Duration::from_millis(600)),
    );
    world.expect_at("0", sent("REGISTER"));
    world.run_until(at("0.300"));
    let link = world.network().link(REGISTRAR);
    link.closed = true;
    link.out.latency = Duration::from_millis(200);
    world.expect_at("0.500", again("REGISTER"));
    world.expect_phase_at("0.620", "main", Phase::Registered);
    world.run_until(at("1"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(world.status("main").failures, 0);
    world.expect_silence_until("90.620");
}

/// With this many sends: the retransmissions, the failure, the next attempt.
#[track_caller]
fn assert_schedule(sends: u8, repeats: &[&str], fails: &str, next: &str) {
    let setup = Setup::one().registration(|it| it.sip_max_rtx = sends);
    let mut world = world(setup, Behaviour::silence());
    world.expect_at("0", sent("REGISTER"));
    for when in repeats {
        world.expect_silence_until(when);
        world.expect_at(when, again("REGISTER"));
    }
    world.expect_silence_until(fails);
    world.expect_phase("main", Phase::Registering);
    world.expect_phase_at(fails, "main", Phase::WaitingToRetry);
    world.expect_silence_until(next);
    world.expect_at(next, sent("REGISTER"));
}
