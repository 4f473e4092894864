//! After a failed attempt: the wait, the back-off, and Retry-After (rule L3).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::effect::{Failure, Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::status::StatusWord;
use regent::time::{Duration, Instant};

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_failed_attempt_is_repeated_after_30_seconds,
        the_retry_time_is_a_setting,
        silence_counts_from_the_end_of_the_transaction,
        the_back_off_doubles_and_is_drawn_from_its_upper_half,
        the_back_off_starts_anew_after_a_200,
        the_draws_differ_between_accounts,
        jitter_adds_up_to_its_share,
        retry_after_in_seconds_is_a_lower_bound,
        retry_after_may_be_a_date,
        an_absurd_retry_after_is_bounded_and_shown,
        a_retry_after_that_is_none_is_ignored,
        retry_after_counts_on_4xx_and_6xx_too,
        retry_after_outlasts_the_back_off,
        the_bound_of_retry_after_is_a_setting,
        on_a_5xx_retry_after_binds_that_registrar,
        on_a_4xx_retry_after_binds_the_account,
        when_all_registrars_ask_for_patience_the_first_end_counts,
        no_state_is_final,
    ]
}

fn a_failed_attempt_is_repeated_after_30_seconds() {
    let mut world = world(Setup::one(), Behaviour::refusing(500));
    world.expect_at("0", sent("REGISTER"));
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    let status = world.status("main");
    assert_eq!(
        (status.status, status.failures),
        (StatusWord::Error(500), 1)
    );
    assert_eq!(status.next_try, Some(world.unix(at("30.020"))));
    assert_eq!(status.temporary, Some(true));
    world.expect_silence_until("30.020");
    world.expect_at("30.020", sent("REGISTER"));
    world.expect_phase("main", Phase::Registering);
    world.expect_silence_until("60.040");
    world.expect_at("60.040", sent("REGISTER"));
    world.expect_phase_at("60.060", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").failures, 3);
    assert_eq!(
        world.status("main").down_since,
        Some(world.unix(Instant::ZERO)),
        "no attempt begins it anew"
    );
    world.registrar().behave(Behaviour::open());
    world.expect_at("90.060", sent("REGISTER"));
    world.expect_phase_at("90.080", "main", Phase::Registered);
    let status = world.status("main");
    assert_eq!(
        (status.failures, status.last_error, status.next_try),
        (0, None, None)
    );
}

fn the_retry_time_is_a_setting() {
    let setup = Setup::one().registration(|it| it.registration_retry_secs = 77);
    let mut world = world(setup, Behaviour::refusing(500));
    world.expect_at("0", sent("REGISTER"));
    world.expect_silence_until("77.020");
    world.expect_at("77.020", sent("REGISTER"));
}

fn silence_counts_from_the_end_of_the_transaction() {
    let mut world = world(Setup::one(), Behaviour::silence());
    world.skip_until("31.999999");
    world.expect_phase("main", Phase::Registering);
    world.expect_phase_at("32", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").status, StatusWord::Error(408));
    world.expect_silence_until("62");
    world.expect_at("62", sent("REGISTER"));
    let ticket = world.register("main");
    world.skip_until("94");
    let outcome = Outcome::Failed {
        failure: Failure::TimedOut,
    };
    world.expect_reply_at("94", ticket, &outcome);
}

// u = min(max_backoff, retry · 2^failures), drawn from [½·u, u].
fn the_back_off_doubles_and_is_drawn_from_its_upper_half() {
    let mut longest = Duration::ZERO;
    let mut shortest = Duration::MAX;
    for seed in 0..40 {
        let setup = Setup::one().registration(|it| it.max_registration_backoff_secs = 600);
        let mut world = World::new(setup, seed);
        world.registrar().behave(Behaviour::refusing(500));
        let waits = waits(&mut world, 7);
        for (nth, (wait, u)) in waits
            .iter()
            .zip([60, 120, 240, 480, 600, 600, 600])
            .enumerate()
        {
            let upper = Duration::from_secs(u);
            assert!(
                (upper / 2..=upper).contains(wait),
                "seed {seed}, wait {nth}: {wait:?}"
            );
        }
        longest = longest.max(waits[0]);
        shortest = shortest.min(waits[0]);
    }
    assert!(
        longest > Duration::from_secs(55),
        "the draw reaches up: {longest:?}"
    );
    assert!(
        shortest < Duration::from_secs(35),
        "the draw reaches down: {shortest:?}"
    );
}

fn the_back_off_starts_anew_after_a_200() {
    let setup = Setup::one().registration(|it| it.max_registration_backoff_secs = 3_600);
    let mut world = world(setup, Behaviour::open());
    let refuse = || std::iter::repeat_n(Behaviour::refusing(500), 4);
    world.registrar().script(refuse());
    world.skip_until("5000");
    world.expect_phase("main", Phase::Registered);
    world.registrar().behave(Behaviour::refusing(500));
    let from = world.now();
    world.skip_until("5400");
    let times: Vec<Instant> = sends(&world).into_iter().filter(|at| *at > from).collect();
    let wait = times[1] - (times[0] + Duration::from_millis(20));
    let upper = Duration::from_secs(60);
    assert!((upper / 2..=upper).contains(&wait), "{wait:?}");
}

// house 8.8: an Account's chance is its own.
fn the_draws_differ_between_accounts() {
    let setup = Setup::many(3).registration(|it| it.max_registration_backoff_secs = 3_600);
    let mut world = world(setup, Behaviour::refusing(500));
    world.skip_until("0.020");
    let next = |world: &mut World, name| world.status(name).next_try.expect("a next try");
    let times = ["a0000", "a0001", "a0002"].map(|name| next(&mut world, name));
    assert!(times[0] != times[1] && times[1] != times[2], "{times:?}");
}

fn jitter_adds_up_to_its_share() {
    let mut waited = Vec::new();
    for seed in 0..40 {
        let setup = Setup::one().registration(|it| it.retry_jitter_percent = 50);
        let mut world = World::new(setup, seed);
        world.registrar().behave(Behaviour::refusing(500));
        waited.extend(waits(&mut world, 1));
    }
    let (low, high) = (Duration::from_secs(30), Duration::from_secs(45));
    assert!(
        waited.iter().all(|wait| (low..=high).contains(wait)),
        "{waited:?}"
    );
    assert!(
        waited.iter().any(|wait| *wait > Duration::from_secs(40)),
        "{waited:?}"
    );
}

fn retry_after_in_seconds_is_a_lower_bound() {
    assert_retry(503, "7", "30.020");
    assert_retry(503, "100", "100.020");
    assert_retry(503, "120 (maintenance);duration=60", "120.020");
}

fn retry_after_may_be_a_date() {
    assert_retry(503, "Thu, 01 Jan 2026 00:02:00 GMT", "120");
    assert_retry(503, "Thu, 01 Jan 2026 00:00:07 GMT", "30.020");
    assert_retry(503, "Wed, 31 Dec 2025 23:00:00 GMT", "30.020");
}

fn an_absurd_retry_after_is_bounded_and_shown() {
    assert_retry(503, "86400", "3600.020");
    assert_retry(503, "99999999999999999999999", "3600.020");
    assert_retry(503, "Fri, 01 Jan 2106 00:00:00 GMT", "3600.020");
    let mut world = world(
        Setup::one(),
        Behaviour::refusing(503).with("Retry-After", "86400"),
    );
    world.skip_until("1");
    let status = world.status("main");
    assert_eq!(status.retry_after_until, Some(world.unix(at("3600.020"))));
    assert_eq!(status.next_try, status.retry_after_until);
}

fn a_retry_after_that_is_none_is_ignored() {
    for value in ["", "soon", "-5", "1e9", "Thu, 41 Jan 2026 00:02:00 GMT"] {
        assert_retry(503, value, "30.020");
    }
}

fn retry_after_counts_on_4xx_and_6xx_too() {
    assert_retry(480, "100", "100.020");
    assert_retry(404, "100", "100.020");
    assert_retry(600, "100", "100.020");
    assert_retry(500, "100", "100.020");
}

fn retry_after_outlasts_the_back_off() {
    let setup = Setup::one().registration(|it| it.max_registration_backoff_secs = 60);
    let mut world = world(setup, Behaviour::refusing(503).with("Retry-After", "200"));
    world.expect_at("0", sent("REGISTER"));
    world.expect_silence_until("200.020");
    world.expect_at("200.020", sent("REGISTER"));
}

fn the_bound_of_retry_after_is_a_setting() {
    let setup = Setup::one().registration(|it| it.retry_after_max_secs = 90);
    let mut world = world(setup, Behaviour::refusing(503).with("Retry-After", "200"));
    world.expect_at("0", sent("REGISTER"));
    world.expect_silence_until("90.020");
    world.expect_at("90.020", sent("REGISTER"));
}

fn on_a_5xx_retry_after_binds_that_registrar() {
    let mut world = two_members(Behaviour::refusing(503).with("Retry-After", "100"));
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_silence_until("30.020");
    world.expect_at("30.020", sent("REGISTER").to(second()).bare());
    world.expect_at("30.040", sent("REGISTER").to(second()).nc(1));
    world.expect_phase_at("30.060", "main", Phase::Registered);
    let status = world.status("main");
    assert_eq!((status.registrar, status.rank), (Some(second()), Some(2)));
    assert!(status.backup_registrar_used);
}

fn on_a_4xx_retry_after_binds_the_account() {
    let mut world = two_members(Behaviour::refusing(480).with("Retry-After", "100"));
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_silence_until("100.020");
    world.expect_at("100.020", sent("REGISTER"));
}

fn when_all_registrars_ask_for_patience_the_first_end_counts() {
    let mut world = two_members(Behaviour::refusing(503).with("Retry-After", "100"));
    let other = Behaviour::refusing(503).with("Retry-After", "200");
    world.registrar_at(second()).behave(other);
    world.expect_at("0", sent("REGISTER").to(REGISTRAR));
    world.expect_at("30.020", sent("REGISTER").to(second()));
    world.expect_phase_at("30.040", "main", Phase::WaitingToRetry);
    world.expect_silence_until("100.020");
    world.expect_at("100.020", sent("REGISTER").to(REGISTRAR));
}

/// `main` at a set of two, of which the first behaves like this.
fn two_members(first: Behaviour) -> World {
    let account = AccountSetup::new("main").or_at(second());
    world(Setup::new().account(account), first)
}

fn second() -> SocketAddr {
    "10.0.0.7:5060".parse().expect("an address")
}

// "No state is final without an operator's word."
fn no_state_is_final() {
    for code in [
        300, 400, 403, 404, 410, 416, 489, 500, 503, 600, 604, 606, 699,
    ] {
        let mut world = registered(Setup::one());
        world.registrar().behave(Behaviour::refusing(code));
        world.skip_until("5000");
        world.registrar().behave(Behaviour::digest());
        world.skip_until("10000");
        world.expect_phase("main", Phase::Registered);
    }
}

/// After this answer with this Retry-After, the next REGISTER leaves then and not before.
#[track_caller]
fn assert_retry(code: u16, retry_after: &str, when: &str) {
    let refusing = Behaviour::refusing(code).with("Retry-After", retry_after);
    let mut world = world(Setup::one(), refusing);
    world.expect_at("0", sent("REGISTER"));
    world.expect_silence_until(when);
    world.expect_at(when, sent("REGISTER"));
}

/// The first waits, each from the arrival of an answer to the next request.
fn waits(world: &mut World, count: usize) -> Vec<Duration> {
    world.skip_until("10000");
    let times = sends(world);
    let answered = |at: &Instant| *at + Duration::from_millis(20);
    let pairs = times.iter().zip(&times[1..]).take(count);
    pairs
        .map(|(before, after)| *after - answered(before))
        .collect()
}

fn sends(world: &World) -> Vec<Instant> {
    world
        .transcript()
        .sent(0)
        .map(|(_, line, _)| line.at)
        .collect()
}
