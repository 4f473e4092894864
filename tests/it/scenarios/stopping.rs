//! The daemon stops (rule L7).

use libtest_mimic::Trial;
use regent::effect::{Outcome, Phase};
use regent::sim::{Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        without_a_store_stopping_removes_the_binding,
        a_silent_registrar_does_not_hold_the_stop_up,
        stopping_goes_on_while_it_makes_headway,
        stopping_ends_after_30_seconds_whatever_headway_it_makes,
        without_bindings_stopping_is_immediate,
        a_registration_in_flight_is_removed_when_it_succeeds,
        many_bindings_are_removed_in_their_windows,
        with_a_store_bindings_are_left,
        with_a_store_and_the_option_bindings_are_removed,
        commands_after_the_stop_send_nothing,
        with_a_store_who_waits_makes_no_event_at_the_stop,
    ]
}

/// No operator and no init system waits longer than this.
const BOUND: Duration = Duration::from_secs(10);

fn without_a_store_stopping_removes_the_binding() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    let ticket = world.shutdown();
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.expect_reply_at("10.020", ticket, &Outcome::Stopped { left: 0 });
    world.expect_silence_until("1000000");
    assert_eq!(world.registrar().bindings(at("11")).count(), 0);
}

fn a_silent_registrar_does_not_hold_the_stop_up() {
    let mut world = registered(Setup::one());
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("10"));
    let ticket = world.shutdown();
    world.expect_at("10", sent("REGISTER").removing());
    world.run_for(BOUND);
    assert_eq!(world.outcome(ticket), Some(&Outcome::Stopped { left: 1 }));
}

/// So many Accounts, registered one after the other since the window is one, and a registrar that
/// is working on each un-REGISTER for three seconds.
fn slow(accounts: u32) -> World {
    let setup = Setup::many(accounts).receive_buffer(4 << 10);
    let mut world = world(setup, Behaviour::open());
    world.skip_until("10");
    assert_eq!(
        world.registrar().bindings(at("10")).count(),
        accounts as usize
    );
    let late = Behaviour::open().late(Duration::from_secs(3)).trying();
    world.registrar().behave(late);
    world
}

fn stopping_goes_on_while_it_makes_headway() {
    let mut world = slow(5);
    let ticket = world.shutdown();
    // Five times the way there, three seconds, and the way back.
    world.skip_until("25.099999");
    assert_eq!(world.outcome(ticket), None);
    world.expect_reply_at("25.100", ticket, &Outcome::Stopped { left: 0 });
}

fn stopping_ends_after_30_seconds_whatever_headway_it_makes() {
    let mut world = slow(12);
    let ticket = world.shutdown();
    world.skip_until("39.999999");
    assert_eq!(world.outcome(ticket), None);
    // The tenth answer would come at 30.2 s after the order.
    world.expect_reply_at("40", ticket, &Outcome::Stopped { left: 3 });
    world.skip_until("41");
    world.expect_silence_until("1000000");
}

fn without_bindings_stopping_is_immediate() {
    let mut world = world(Setup::one(), Behaviour::refusing(500));
    world.skip_until("10");
    let ticket = world.shutdown();
    world.expect_reply_at("10", ticket, &Outcome::Stopped { left: 0 });
    world.expect_silence_until("1000000");
}

fn a_registration_in_flight_is_removed_when_it_succeeds() {
    let mut world = registered(Setup::one());
    world
        .registrar()
        .behave(Behaviour::digest().late(Duration::from_millis(300)));
    world.expect_at("90.040", sent("REGISTER").nc(2).asking(180));
    world.run_until(at("90.100"));
    let ticket = world.shutdown();
    world.registrar().behave(Behaviour::digest());
    world.expect_at("90.360", sent("REGISTER").nc(3).removing());
    world.expect_reply_at("90.380", ticket, &Outcome::Stopped { left: 0 });
    world.expect_silence_until("1000000");
}

fn many_bindings_are_removed_in_their_windows() {
    let mut world = world(Setup::many(500), Behaviour::digest());
    world.skip_until("5");
    assert_eq!(world.registrar().bindings(at("5")).count(), 500);
    world.reset_peak();
    let ticket = world.shutdown();
    world.run_for(BOUND);
    assert_eq!(world.outcome(ticket), Some(&Outcome::Stopped { left: 0 }));
    let now = world.now();
    assert_eq!(world.registrar().bindings(now).count(), 0);
    assert_eq!(
        world.registrar().counts().registers,
        1_500,
        "one REGISTER each"
    );
    assert!(world.peak(REGISTRAR) <= 256, "{}", world.peak(REGISTRAR));
}

fn with_a_store_bindings_are_left() {
    let mut world = registered_with_store(Setup::one());
    let ticket = world.shutdown();
    world.run_until(at("10.010"));
    assert!(matches!(
        world.outcome(ticket),
        Some(Outcome::Stopped { .. })
    ));
    world.expect_silence_until("170");
    world.run_until(at("170"));
    assert_eq!(world.registrar().bindings(at("170")).count(), 1);
    let record = world.stored("main").expect("a record");
    assert!(record.clean && record.binding.is_some(), "{record:?}");
    assert_eq!(record.cseq, 2);
    world.expect_silence_until("1000000");
}

fn with_a_store_and_the_option_bindings_are_removed() {
    let setup = Setup::one().registration(|it| it.unregister_on_shutdown = true);
    let mut world = registered_with_store(setup);
    let ticket = world.shutdown();
    world.expect_at("10", sent("REGISTER").nc(2).removing());
    world.expect_reply_at("10.020", ticket, &Outcome::Stopped { left: 0 });
    world.skip_until("11");
    let record = world.stored("main").expect("a record");
    assert_eq!(
        (record.binding.is_some(), record.unregistered),
        (false, false)
    );
}

fn commands_after_the_stop_send_nothing() {
    let mut world = registered(Setup::one());
    world.run_until(at("10"));
    world.shutdown();
    world.skip_until("11");
    let (register, refresh) = (world.register("main"), world.refresh("main"));
    let (remove, stop) = (world.unregister("main"), world.shutdown());
    world.expect_silence_until("1000");
    for ticket in [register, refresh, remove, stop] {
        assert!(world.outcome(ticket).is_some(), "{ticket} is answered");
    }
}

// rule L7
fn with_a_store_who_waits_makes_no_event_at_the_stop() {
    let setup = Setup::one().store(Duration::from_millis(5));
    let mut world = world(setup, Behaviour::refusing(500));
    world.skip_until("10");
    world.expect_phase("main", Phase::WaitingToRetry);
    let told = world.events_of("main").count();
    let ticket = world.shutdown();
    world.run_until(at("10.010"));
    let outcome = world.outcome(ticket);
    assert_eq!(outcome, Some(&Outcome::Stopped { left: 0 }));
    world.expect_silence_until("1000000");
    let events: Vec<_> = world.events_of("main").skip(told).collect();
    assert!(events.is_empty(), "{events:?}");
}

/// `main`, registered at 0.045 with a disk that takes 5 ms; the world stands at 10.
fn registered_with_store(setup: Setup) -> World {
    let mut world = world(setup.store(Duration::from_millis(5)), Behaviour::digest());
    world.skip_until("10");
    world.expect_phase("main", Phase::Registered);
    world
}
