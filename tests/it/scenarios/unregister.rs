//! Removing a binding by an operator's word (rule I8).

use libtest_mimic::Trial;
use regent::config::UnregistrationMode;
use regent::effect::{Failure, Outcome, Phase};
use regent::sim::{Behaviour, REGISTRAR, Setup, again, at, sent};
use regent::status::StatusWord;
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        our_own_contact_is_removed_and_the_account_holds,
        every_contact_is_removed_in_mode_all,
        codes_404_and_481_count_as_done,
        a_challenge_is_answered,
        silence_ends_it_and_the_status_says_until_when_the_binding_may_live,
        a_closed_port_ends_it_at_once,
        it_waits_for_a_register_in_flight,
        it_waits_for_a_first_registration_and_then_removes_it,
        a_refresh_that_times_out_before_it_is_told,
        a_first_registration_that_times_out_leaves_nothing_to_remove,
        without_a_binding_nothing_is_sent,
        an_expired_binding_is_not_removed,
        register_ends_the_hold,
        a_second_word_joins_the_first,
        a_silent_registrar_is_left_within_one_transaction,
    ]
}

fn our_own_contact_is_removed_and_the_account_holds() {
    let mut world = registered(Setup::one());
    world.expect_silence_until("10");
    world.run_until(at("10"));
    let ticket = world.unregister("main");
    world.expect_at(
        "10",
        sent("REGISTER").by("main").to(REGISTRAR).nc(2).removing(),
    );
    world.expect_phase("main", Phase::Unregistering);
    world.expect_reply_at("10.020", ticket, &Outcome::Unregistered);
    world.expect_phase_at("10.020", "main", Phase::Unregistered);
    let status = world.status("main");
    assert_eq!(
        (status.status, status.granted),
        (StatusWord::NotRegistered, None)
    );
    assert_eq!(
        (status.next_try, status.refresh_due, status.detail),
        (None, None, None)
    );
    assert_eq!(world.registrar().bindings(at("10.020")).count(), 0);
    world.expect_silence_until("1000000");
}

fn every_contact_is_removed_in_mode_all() {
    let all =
        |setup: Setup| setup.registration(|it| it.unregistration_mode = UnregistrationMode::All);
    let mut world = registered(all(Setup::one()));
    world.run_until(at("10"));
    let ticket = world.unregister("main");
    world.expect_at("10", sent("REGISTER").nc(2).removing_all());
    world.expect_reply_at("10.020", ticket, &Outcome::Unregistered);
    world.expect_silence_until("1000000");
}

fn codes_404_and_481_count_as_done() {
    for code in [404, 481] {
        let mut world = registered(Setup::one());
        world.registrar().behave(Behaviour::refusing(code));
        world.run_until(at("10"));
        let ticket = world.unregister("main");
        world.expect_at("10", sent("REGISTER").removing());
        world.expect_reply_at("10.020", ticket, &Outcome::Unregistered);
        world.expect_phase_at("10.020", "main", Phase::Unregistered);
        assert_eq!(world.status("main").detail, None, "nothing is left");
        world.expect_silence_until("1000000");
    }
}

// Through the same machine: challenges too.
fn a_challenge_is_answered() {
    let short = Behaviour::digest().nonce_lifetime(Duration::from_secs(5));
    let mut world = world(Setup::one(), short);
    world.skip_until("10");
    let ticket = world.unregister("main");
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.expect_at("10.020", sent("REGISTER").nc(1).removing());
    world.expect_reply_at("10.040", ticket, &Outcome::Unregistered);
    world.expect_silence_until("1000000");
}

fn silence_ends_it_and_the_status_says_until_when_the_binding_may_live() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("10"));
    let ticket = world.unregister("main");
    world.expect_at("10", sent("REGISTER").removing());
    for when in [
        "10.500", "11.500", "13.500", "17.500", "21.500", "25.500", "29.500",
    ] {
        world.expect_at(when, again("REGISTER").removing());
    }
    for when in ["33.500", "37.500", "41.500"] {
        world.expect_at(when, again("REGISTER").removing());
    }
    let timed_out = Outcome::Failed {
        failure: Failure::TimedOut,
    };
    world.expect_reply_at("42", ticket, &timed_out);
    world.expect_phase_at("42", "main", Phase::Unregistered);
    let detail = world.status("main").detail.expect("a detail");
    let until = world.unix(at("180.040")).to_string();
    assert!(detail.contains(&until), "{detail} does not say {until}");
    world.expect_silence_until("1000000");
}

// rule X2
fn a_closed_port_ends_it_at_once() {
    let mut world = registered(Setup::one());
    world.network().link(REGISTRAR).closed = true;
    world.run_until(at("10"));
    let ticket = world.unregister("main");
    world.expect_at("10", sent("REGISTER").removing());
    let unreachable = Outcome::Failed {
        failure: Failure::Unreachable,
    };
    world.expect_reply_at("10.010", ticket, &unreachable);
    world.expect_phase_at("10.010", "main", Phase::Unregistered);
    world.expect_silence_until("1000000");
}

// rule I4: never two in flight.
fn it_waits_for_a_register_in_flight() {
    let mut world = registered(Setup::one());
    world
        .registrar()
        .behave(Behaviour::digest().late(Duration::from_secs(2)));
    world.expect_at("90.040", sent("REGISTER").nc(2).asking(180));
    world.expect_at("90.540", again("REGISTER"));
    world.run_until(at("91"));
    let ticket = world.unregister("main");
    world.expect_at("91.540", again("REGISTER"));
    world.expect_silence_until("92.060");
    world.registrar().behave(Behaviour::digest());
    world.expect_at("92.060", sent("REGISTER").nc(3).removing());
    world.expect_reply_at("92.080", ticket, &Outcome::Unregistered);
    world.expect_silence_until("1000000");
    assert_eq!(world.registrar().bindings(at("93")).count(), 0);
}

// rule T1: the world compares what is published with what is so.
fn a_refresh_that_times_out_before_it_is_told() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::silence());
    world.expect_at("90.040", sent("REGISTER").asking(180));
    world.run_until(at("91"));
    world.unregister("main");
    world.skip_until("122.039999");
    world.registrar().behave(Behaviour::digest());
    world.expect_at("122.040", sent("REGISTER").removing());
    assert_eq!(world.status("main").last_error, Some(408));
    world.expect_phase_at("122.060", "main", Phase::Unregistered);
    world.expect_silence_until("1000000");
}

fn it_waits_for_a_first_registration_and_then_removes_it() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.expect_at("0", sent("REGISTER").bare());
    world.run_until(at("0.025"));
    world.expect_at("0.020", sent("REGISTER").nc(1));
    let ticket = world.unregister("main");
    world.expect_at("0.040", sent("REGISTER").nc(2).removing());
    world.expect_reply_at("0.060", ticket, &Outcome::Unregistered);
    world.expect_silence_until("1000000");
}

fn a_first_registration_that_times_out_leaves_nothing_to_remove() {
    let mut world = world(Setup::one(), Behaviour::silence());
    world.skip_until("31.9");
    let ticket = world.unregister("main");
    world.expect_silence_until("32");
    world.run_until(at("32"));
    assert!(
        world.outcome(ticket).is_some(),
        "answered when the transaction ends"
    );
    world.expect_phase_at("32", "main", Phase::Unregistered);
    world.expect_silence_until("1000000");
}

fn without_a_binding_nothing_is_sent() {
    let mut world = world(Setup::one(), Behaviour::refusing(500));
    world.skip_until("10");
    let ticket = world.unregister("main");
    assert!(world.outcome(ticket).is_some(), "answered at once");
    world.expect_phase_at("10", "main", Phase::Unregistered);
    world.expect_silence_until("1000000");
}

fn an_expired_binding_is_not_removed() {
    let mut world = registered(Setup::one());
    world
        .registrar()
        .behave(Behaviour::refusing(503).with("Retry-After", "3000"));
    world.skip_until("200");
    let ticket = world.unregister("main");
    assert!(world.outcome(ticket).is_some(), "answered at once");
    world.expect_phase("main", Phase::Unregistered);
    world.expect_silence_until("1000000");
}

fn register_ends_the_hold() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.unregister("main");
    world.skip_until("1000");
    let ticket = world.register("main");
    world.expect_at("1000", sent("REGISTER").asking(180));
    let granted = Outcome::Registered {
        registrar: REGISTRAR,
        granted: 180,
    };
    world.expect_reply_at("1000.020", ticket, &granted);
    world.expect_phase_at("1000.020", "main", Phase::Registered);
    world.expect_silence_until("1090.020");
    world.expect_at("1090.020", sent("REGISTER"));
}

// rule L10
fn a_second_word_joins_the_first() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    let first = world.unregister("main");
    let second = world.unregister("main");
    world.expect_at("10", sent("REGISTER").removing());
    world.expect_reply_at("10.020", first, &Outcome::Unregistered);
    world.expect_reply_at("10.020", second, &Outcome::Unregistered);
    world.expect_silence_until("1000000");
}

// rule I8: without probes the window lets 32 leave; the others do not wait for windows of silence
fn a_silent_registrar_is_left_within_one_transaction() {
    let mut world = world(Setup::many(100), Behaviour::open());
    world.skip_until("10");
    world.registrar().behave(Behaviour::silence());
    let names: Vec<String> = (0..100).map(|nth| format!("a{nth:04}")).collect();
    let tickets: Vec<_> = names.iter().map(|name| world.unregister(name)).collect();
    world.skip_until("41.999999");
    assert_eq!(world.unanswered().len(), 100);
    let most = world.in_flight(REGISTRAR);
    assert!((32..100).contains(&most), "{most}");
    world.run_until(at("42"));
    let failure = Failure::TimedOut;
    for ticket in tickets {
        assert_eq!(world.outcome(ticket), Some(&Outcome::Failed { failure }));
    }
    for name in &names {
        world.expect_phase(name, Phase::Unregistered);
    }
    world.expect_silence_until("1000");
}
