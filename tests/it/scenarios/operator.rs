//! `register`, `register --force`, `refresh` (rule L10), and their outcomes.

use libtest_mimic::Trial;
use regent::effect::{AccountId, Command, Outcome, Phase};
use regent::sim::{Behaviour, REGISTRAR, Setup, at, sent};
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        register_joins_the_attempt_in_flight,
        register_ends_a_wait,
        register_refreshes_a_binding,
        register_does_not_end_a_retry_after,
        register_by_force_ends_a_retry_after,
        register_clears_the_back_off,
        refresh_sends_now_to_the_bound_registrar,
        refresh_without_a_binding_says_why_nothing_is_sent,
        refresh_joins_the_one_in_flight,
        a_rejection_is_told,
        an_account_that_is_not_there_is_gone,
        commands_before_the_first_send_are_answered_too,
        register_during_an_unregister_comes_after_it,
    ]
}

fn register_joins_the_attempt_in_flight() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.run_until(at("0.010"));
    let first = world.register("main");
    world.expect_at("0.020", sent("REGISTER").nc(1));
    world.run_until(at("0.030"));
    let second = world.register("main");
    world.expect_reply_at("0.040", first, &granted());
    world.expect_reply_at("0.040", second, &granted());
    world.expect_silence_until("90.040");
}

fn register_ends_a_wait() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.registrar().script([Behaviour::refusing(500)]);
    world.skip_until("5");
    let ticket = world.register("main");
    world.expect_at("5", sent("REGISTER").bare());
    world.expect_at("5.020", sent("REGISTER").nc(1));
    world.expect_reply_at("5.040", ticket, &granted());
    world.expect_silence_until("95.040");
}

fn register_refreshes_a_binding() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    let ticket = world.register("main");
    world.expect_at("10", sent("REGISTER").nc(2).asking(180));
    world.expect_reply_at("10.020", ticket, &granted());
    world.expect_silence_until("100.020");
    world.expect_at("100.020", sent("REGISTER").nc(3));
    assert_eq!(world.phases("main").len(), 1);
}

fn register_does_not_end_a_retry_after() {
    let mut world = world(
        Setup::one(),
        Behaviour::refusing(503).with("Retry-After", "100"),
    );
    world.skip_until("5");
    let ticket = world.register("main");
    let Some(Outcome::NotSent { why }) = world.outcome(ticket) else {
        panic!("{:?}", world.outcome(ticket));
    };
    assert!(why.contains("Retry-After"), "{why}");
    world.expect_silence_until("100.020");
    world.expect_at("100.020", sent("REGISTER"));
}

fn register_by_force_ends_a_retry_after() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world
        .registrar()
        .script([Behaviour::refusing(503).with("Retry-After", "100")]);
    world.skip_until("5");
    let ticket = world.register_by_force("main");
    world.expect_at("5", sent("REGISTER").bare());
    world.expect_at("5.020", sent("REGISTER").nc(1));
    world.expect_reply_at("5.040", ticket, &granted());
    assert_eq!(world.status("main").retry_after_until, None);
    world.expect_silence_until("95.040");
}

fn register_clears_the_back_off() {
    let setup = Setup::one().registration(|it| it.max_registration_backoff_secs = 3_600);
    let mut world = world(setup, Behaviour::refusing(500));
    world.skip_until("5000");
    assert!(world.status("main").failures >= 4);
    world.register("main");
    world.skip_until("5000.020");
    let next = world.status("main").next_try.expect("a next try");
    let wait = next.0 - world.unix(at("5000.020")).0;
    assert!((30_000..=60_000).contains(&wait), "{wait} ms");
}

fn refresh_sends_now_to_the_bound_registrar() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    let ticket = world.refresh("main");
    world.expect_at("10", sent("REGISTER").to(REGISTRAR).nc(2).asking(180));
    world.expect_reply_at("10.020", ticket, &granted());
    world.expect_silence_until("100.020");
    world.expect_at("100.020", sent("REGISTER").nc(3));
}

fn refresh_without_a_binding_says_why_nothing_is_sent() {
    let mut world = world(Setup::one(), Behaviour::refusing(500));
    world.skip_until("5");
    let ticket = world.refresh("main");
    assert!(matches!(
        world.outcome(ticket),
        Some(Outcome::NotSent { .. })
    ));
    world.expect_silence_until("30.020");
}

fn refresh_joins_the_one_in_flight() {
    let mut world = registered(Setup::one());
    world.expect_at("90.040", sent("REGISTER").nc(2));
    world.run_until(at("90.050"));
    let (first, second) = (world.refresh("main"), world.register("main"));
    world.expect_reply_at("90.060", first, &granted());
    world.expect_reply_at("90.060", second, &granted());
    world.expect_silence_until("180.060");
}

fn a_rejection_is_told() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::refusing(404));
    world.run_until(at("10"));
    let ticket = world.refresh("main");
    world.run_until(at("11"));
    let told = world.outcome(ticket);
    assert!(
        matches!(told, Some(Outcome::Rejected(answer)) if answer.code == 404),
        "{told:?}"
    );
}

fn an_account_that_is_not_there_is_gone() {
    let mut world = registered(Setup::one());
    for (slot, generation) in [(1, 0), (0, 1), (u32::MAX, u32::MAX)] {
        let account = AccountId { slot, generation };
        let ticket = world.command(Command::Unregister { account });
        assert_eq!(world.outcome(ticket), Some(&Outcome::Gone));
    }
    world.expect_silence_until("90.040");
}

fn commands_before_the_first_send_are_answered_too() {
    let setup = Setup::many(2).receive_buffer(4 << 10);
    let mut world = world(setup, Behaviour::digest().late(Duration::from_millis(80)));
    world.expect_at("0", sent("REGISTER").by("a0000"));
    world.run_until(at("0.050"));
    let ticket = world.register("a0001");
    world.skip_until("0.399999");
    assert_eq!(world.outcome(ticket), None);
    world.expect_reply_at("0.400", ticket, &granted());
}

// rule I4, I8
fn register_during_an_unregister_comes_after_it() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    let removed = world.unregister("main");
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.run_until(at("10.010"));
    let ticket = world.register("main");
    world.expect_at("10.020", sent("REGISTER").nc(3).asking(180));
    world.expect_reply_at("10.020", removed, &Outcome::Unregistered);
    world.expect_reply_at("10.040", ticket, &granted());
    world.expect_phase("main", Phase::Registered);
    world.expect_silence_until("100.040");
}

fn granted() -> Outcome {
    Outcome::Registered {
        registrar: REGISTRAR,
        granted: 180,
    }
}
