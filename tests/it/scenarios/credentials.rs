//! Wrong passwords, stale nonces, and registrars that never have enough of challenges.

use libtest_mimic::Trial;
use regent::effect::{Event, Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, Challenge, PASSWORD, Setup, World, at, sent};
use regent::sip::Algorithm;
use regent::status::StatusWord;
use regent::time::Duration;

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_wrong_password_is_tried_once_per_challenge_and_waits_ten_minutes,
        refused_credentials_wait_twice_as_long_each_time_up_to_a_day,
        the_first_wait_is_a_setting,
        a_403_to_credentials_is_refused_credentials,
        a_403_without_credentials_is_a_rejection,
        an_operator_ends_the_wait_and_the_doubling,
        a_stale_nonce_is_answered_at_once,
        a_refresh_with_a_stale_nonce_costs_one_more_round_trip,
        stale_is_believed_twice_in_a_row,
        four_authenticated_repeats_are_the_limit,
        a_challenge_without_credentials_waits_and_says_so,
        credentials_of_the_serving_group_answer_when_the_account_has_none,
        the_group_does_not_answer_for_an_account_with_its_own,
        a_password_that_is_right_again_is_found_out,
    ]
}

// table A: one authenticated try; rule L3: its own back-off.
fn a_wrong_password_is_tried_once_per_challenge_and_waits_ten_minutes() {
    let mut world = world(wrong(), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::WaitingToRetry);
    let status = world.status("main");
    assert_eq!(status.status, StatusWord::Error(401));
    assert_eq!(status.temporary, Some(false), "somebody must act");
    assert_eq!(status.next_try, Some(world.unix(at("600.040"))));
    assert!(
        status.detail.is_some_and(|it| it.contains("credentials")),
        "it says why"
    );
    world.expect_silence_until("600.040");
    world.expect_at("600.040", sent("REGISTER"));
    assert!(world.registrar().counts().wrong_credentials <= 2);
}

fn refused_credentials_wait_twice_as_long_each_time_up_to_a_day() {
    let mut world = world(wrong(), Behaviour::digest());
    let waits = [
        600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 86_400, 86_400,
    ];
    world.run_for(Duration::from_secs(1));
    for wait in waits {
        world.expect_phase("main", Phase::WaitingToRetry);
        let refused = world.status("main").last_answer.expect("an answer").at;
        let next = world.status("main").next_try.expect("a next try");
        assert_eq!(
            next.0 - refused.0,
            wait * 1_000,
            "{world}",
            world = world.transcript()
        );
        world.run_until(at_unix(&world, next.0 + 1_000));
    }
}

fn the_first_wait_is_a_setting() {
    let setup = wrong().registration(|it| it.credentials_retry_secs = 60);
    let mut world = world(setup, Behaviour::digest());
    world.skip_until("0.040");
    world.expect_silence_until("60.040");
    world.expect_at("60.040", sent("REGISTER"));
}

fn a_403_to_credentials_is_refused_credentials() {
    let mut world = world(wrong(), Behaviour::digest().wrong_credentials(403));
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::WaitingToRetry);
    assert_eq!(world.status("main").status, StatusWord::Error(403));
    assert_eq!(world.status("main").temporary, Some(false));
    world.expect_silence_until("600.040");
    world.expect_at("600.040", sent("REGISTER"));
}

fn a_403_without_credentials_is_a_rejection() {
    let mut world = world(Setup::one(), Behaviour::refusing(403));
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    world.expect_silence_until("30.020");
    world.expect_at("30.020", sent("REGISTER").bare());
}

// rule L10
fn an_operator_ends_the_wait_and_the_doubling() {
    let mut world = world(wrong(), Behaviour::digest());
    world.skip_until("700");
    let ticket = world.register("main");
    world.skip_until("701");
    assert!(matches!(world.outcome(ticket), Some(Outcome::Rejected(answer)) if answer.code == 401));
    let last = world.status("main").last_answer.expect("an answer").at;
    let next = world.status("main").next_try.expect("a next try");
    assert_eq!(next.0 - last.0, 600_000);
}

fn a_stale_nonce_is_answered_at_once() {
    let mut world = world(Setup::one(), Behaviour::digest().stale(1));
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_at("0.040", sent("REGISTER").nc(1));
    world.expect_phase_at("0.060", "main", Phase::Registered);
}

fn a_refresh_with_a_stale_nonce_costs_one_more_round_trip() {
    let behaviour = Behaviour::digest().nonce_lifetime(Duration::from_secs(60));
    let mut world = world(Setup::one(), behaviour);
    world.skip_until("0.040");
    world.expect_silence_until("90.040");
    world.expect_at("90.040", sent("REGISTER").nc(2));
    world.expect_at("90.060", sent("REGISTER").nc(1));
    world.expect_silence_until("180.080");
    world.expect_at("180.080", sent("REGISTER").nc(2));
    world.expect_at("180.100", sent("REGISTER").nc(1));
    assert_eq!(world.registrar().counts().stale, 2);
    world.expect_phase("main", Phase::Registered);
}

// table A: at most 2 in a row.
fn stale_is_believed_twice_in_a_row() {
    let mut two = world(Setup::one(), Behaviour::digest().stale(2));
    two.skip_until("0.040");
    two.expect_at("0.060", sent("REGISTER").nc(1));
    two.expect_phase_at("0.080", "main", Phase::Registered);

    let mut three = world(Setup::one(), Behaviour::digest().stale(3));
    three.expect_at("0", sent("REGISTER").bare());
    for when in ["0.020", "0.040", "0.060"] {
        three.expect_at(when, sent("REGISTER").nc(1));
    }
    three.expect_phase_at("0.080", "main", Phase::WaitingToRetry);
    three.expect_silence_until("600.080");
    three.expect_at("600.080", sent("REGISTER"));
}

// table A: at most 4 authenticated repeats per registrar and attempt.
fn four_authenticated_repeats_are_the_limit() {
    let challenges = |count: u32| {
        (0..count).fold(Behaviour::open(), |behaviour, nth| {
            let challenge = Challenge::www(Algorithm::Md5, Some("auth"));
            behaviour.challenge(challenge.realm(&format!("realm {nth}")))
        })
    };
    let mut four = world(Setup::one(), challenges(4));
    four.expect_at("0", sent("REGISTER").bare());
    for when in ["0.020", "0.040", "0.060", "0.080"] {
        four.expect_at(when, sent("REGISTER").auth());
    }
    four.expect_phase_at("0.100", "main", Phase::Registered);

    let mut five = world(Setup::one(), challenges(5));
    five.skip_until("0.080");
    five.expect_phase_at("0.100", "main", Phase::WaitingToRetry);
    assert_eq!(five.registrar().counts().registers, 5);
    five.expect_silence_until("30.100");
}

// rule A3
fn a_challenge_without_credentials_waits_and_says_so() {
    let setup = Setup::new().account(AccountSetup::new("main").without_credentials());
    let mut world = world(setup, Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_phase_at("0.020", "main", Phase::WaitingToRetry);
    let detail = world.status("main").detail.expect("a detail");
    assert!(detail.contains("no credentials"), "{detail}");
    world.expect_silence_until("600.020");
    world.expect_at("600.020", sent("REGISTER").bare());
    world.expect_silence_until("1800.040");
}

// rule A3
fn credentials_of_the_serving_group_answer_when_the_account_has_none() {
    let account = AccountSetup::new("main").without_credentials();
    let setup = Setup::new().account(account.group_credentials("trunk", PASSWORD));
    let mut world = world(setup, Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    assert!(authorization(&world).contains("username=\"trunk\""));
}

// rule A3
fn the_group_does_not_answer_for_an_account_with_its_own() {
    let account = AccountSetup::new("main").group_credentials("trunk", PASSWORD);
    let mut world = world(Setup::new().account(account), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.expect_at("0.020", sent("REGISTER").nc(1));
    assert!(authorization(&world).contains("username=\"main\""));
}

fn a_password_that_is_right_again_is_found_out() {
    let mut world = world(wrong(), Behaviour::digest());
    world.skip_until("100");
    world.registrar().user("main", "open says me");
    world.skip_until("600.039999");
    world.run_until(at("600.080"));
    world.expect_phase("main", Phase::Registered);
    let failed = |(_, event): &(_, &Event)| matches!(event, Event::RefreshFailed { .. });
    assert_eq!(world.events_of("main").filter(failed).count(), 0);
}

fn wrong() -> Setup {
    Setup::new().account(AccountSetup::new("main").password("open says me"))
}

fn authorization(world: &World) -> String {
    let text = world.last_packet().text().expect("a message");
    text.header("authorization")
        .expect("credentials")
        .to_owned()
}

/// The instant of a wall-clock time.
fn at_unix(world: &World, millis: i64) -> regent::time::Instant {
    let zero = world.unix(regent::time::Instant::ZERO).0;
    regent::time::Instant::from_millis(u64::try_from(millis - zero).expect("not before the start"))
}
