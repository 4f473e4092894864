//! What a restart keeps (rule L8). The disk takes 5 ms, so the first REGISTER leaves at 0.005, the
//! account is registered at 0.045, and its refresh is due at 90.045.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{ProxyAddress, Stickiness};
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_first_register_leaves_when_its_limit_is_on_disk,
        new_accounts_are_written_in_one_batch,
        very_many_new_accounts_are_written_in_batches_of_4096,
        after_a_kill_the_binding_goes_on,
        a_kill_right_after_a_start_loses_no_instant,
        a_refresh_that_was_missed_is_due_at_once,
        a_binding_that_ended_meanwhile_is_made_anew,
        after_a_clean_stop_cseq_goes_on_by_one,
        an_unregister_holds_over_a_restart,
        a_register_after_the_hold_is_remembered_too,
        a_lost_batch_costs_one_refresh_with_the_same_identity,
        limits_are_raised_before_they_are_reached,
        a_slow_disk_delays_no_refresh,
        without_a_store_a_restart_begins_anew,
        several_restarts_never_repeat_a_cseq,
        an_answer_to_the_run_before_changes_nothing,
        a_registrar_that_left_the_list_between_the_runs_is_left_at_once,
        without_stickiness_it_is_left_with_the_next_refresh,
        a_name_that_moved_is_followed_whatever_is_known_first,
    ]
}

fn the_first_register_leaves_when_its_limit_is_on_disk() {
    let mut world = stored();
    world.expect_silence_until("0.005");
    world.expect_at("0.005", sent("REGISTER").bare());
    let record = world.stored("main").expect("a record");
    assert!(record.cseq_limit >= 256, "256 ahead: {record:?}");
    assert_eq!(
        (record.binding.is_some(), record.unregistered, record.epoch),
        (false, false, 0)
    );
    world.expect_at("0.025", sent("REGISTER").nc(1));
    world.expect_phase_at("0.045", "main", Phase::Registered);
    world.run_until(at("0.150"));
    let record = world.stored("main").expect("a record");
    let binding = record.binding.as_ref().expect("a binding within 100 ms");
    assert_eq!(binding.granted, 180);
    assert_eq!(binding.refreshed_unix_ms, world.unix(at("0.045")).0);
    assert_eq!(binding.since_unix_ms, world.unix(at("0.045")).0);
    assert_eq!(binding.due_unix_ms, world.unix(at("90.045")).0);
    assert!(!record.clean);
}

fn new_accounts_are_written_in_one_batch() {
    let setup = Setup::many(1_000).store(Duration::from_millis(5));
    let mut world = world(setup, Behaviour::digest());
    world.run_until(at("0.005"));
    assert_eq!(world.batches(), [(at("0"), 1_000)]);
    world.run_until(at("10"));
    assert_eq!(world.registrar().counts().accepted, 1_000);
    let batches = world.batches().len();
    assert!(batches < 50, "batches, not one write each: {batches}");
}

// rule L8: what is on its way to the disk is bounded, and who comes later waits for no pause
fn very_many_new_accounts_are_written_in_batches_of_4096() {
    let setup = Setup::many(10_000).store(Duration::from_millis(5));
    let mut world = world(setup, Behaviour::digest());
    world.run_until(at("0.004"));
    assert_eq!(world.batches(), [(at("0"), 4_096)]);
    world.run_until(at("0.010"));
    let limits = [(at("0"), 4_096), (at("0.005"), 4_096), (at("0.010"), 1_808)];
    assert_eq!(world.batches(), limits);
    world.run_until(at("30"));
    assert_eq!(world.registrar().counts().accepted, 10_000);
}

fn after_a_kill_the_binding_goes_on() {
    let mut world = stored();
    world.skip_until("10");
    let before = identity(&world);
    world.kill();
    world.run_until(at("20"));
    let limit = world.stored("main").expect("a record").cseq_limit;
    world.start();
    assert_eq!(
        world.phases("main").last(),
        Some(&(at("20"), Phase::Registered))
    );
    world.run_until(at("20.005"));
    let status = world.status("main");
    assert_eq!(status.registered_since, Some(world.unix(at("0.045"))));
    assert_eq!(status.binding_until, Some(world.unix(at("180.045"))));
    assert_eq!(status.refresh_due, Some(world.unix(at("90.045"))));
    world.expect_silence_until("90.045");
    world.expect_at("90.045", sent("REGISTER").bare());
    let after = identity(&world);
    assert_eq!(
        (&before.0, &before.1),
        (&after.0, &after.1),
        "same Call-ID and Contact"
    );
    assert!(
        after.2 > limit,
        "{} is not above the limit {limit}",
        after.2
    );
    world.expect_at("90.065", sent("REGISTER").nc(1));
    world.run_until(at("90.085"));
    world.expect_phase("main", Phase::Registered);
    let now = world.now();
    assert_eq!(
        world.registrar().bindings(now).count(),
        1,
        "the same binding"
    );
    world.expect_silence_until("180.085");
}

// The first that a run writes of an Account is a limit, and that before its work begins.
fn a_kill_right_after_a_start_loses_no_instant() {
    let mut world = stored();
    world.skip_until("10");
    for (start, kill) in [("20", "20.006"), ("30", "30.050"), ("40", "40.004")] {
        world.kill();
        world.run_until(at(start));
        world.start();
        world.expect_silence_until(kill);
        let record = world.stored("main").expect("a record");
        let binding = record.binding.as_ref().expect("the binding");
        assert_eq!(binding.due_unix_ms, world.unix(at("90.045")).0, "{start}");
    }
    world.kill();
    world.run_until(at("50"));
    world.start();
    world.expect_silence_until("90.045");
    world.expect_at("90.045", sent("REGISTER").bare());
}

fn a_refresh_that_was_missed_is_due_at_once() {
    let mut world = stored();
    world.skip_until("10");
    world.kill();
    world.skip_until("120");
    world.start();
    world.expect_within("120", "120.005", sent("REGISTER").bare());
    world.expect_phase("main", Phase::Registered);
    world.run_until(at("121"));
    world.expect_phase("main", Phase::Registered);
    assert_eq!(
        world.status("main").registered_since,
        Some(world.unix(at("0.045")))
    );
}

fn a_binding_that_ended_meanwhile_is_made_anew() {
    let mut world = stored();
    world.skip_until("10");
    world.kill();
    world.skip_until("300");
    world.start();
    world.expect_within("300", "300.005", sent("REGISTER").bare());
    world.expect_phase("main", Phase::Registering);
    world.skip_until("301");
    world.expect_phase("main", Phase::Registered);
    let since = world.status("main").registered_since.expect("a time");
    assert!(since >= world.unix(at("300")));
}

fn after_a_clean_stop_cseq_goes_on_by_one() {
    let mut world = stored();
    world.skip_until("10");
    let before = identity(&world);
    let ticket = world.shutdown();
    world.run_until(at("10.100"));
    assert!(matches!(
        world.outcome(ticket),
        Some(Outcome::Stopped { .. })
    ));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_silence_until("90.045");
    world.expect_at("90.045", sent("REGISTER").bare());
    let after = identity(&world);
    assert_eq!(after, (before.0, before.1, before.2 + 1));
}

// rule I8: it holds, over restarts.
fn an_unregister_holds_over_a_restart() {
    let mut world = stored();
    world.skip_until("10");
    let ticket = world.unregister("main");
    world.skip_until("11");
    assert_eq!(world.outcome(ticket), Some(&Outcome::Unregistered));
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_silence_until("10000");
    world.expect_phase("main", Phase::Unregistered);
    world.register("main");
    world.skip_until("10001");
    world.expect_phase("main", Phase::Registered);
}

fn a_register_after_the_hold_is_remembered_too() {
    let mut world = stored();
    world.skip_until("10");
    world.unregister("main");
    world.skip_until("11");
    world.register("main");
    world.skip_until("12");
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.skip_until("20.005");
    world.expect_phase("main", Phase::Registered);
    world.expect_silence_until("101");
}

fn a_lost_batch_costs_one_refresh_with_the_same_identity() {
    let mut world = stored();
    world.skip_until("0.046");
    world.expect_phase("main", Phase::Registered);
    let before = identity(&world);
    world.kill();
    world.run_until(at("1"));
    world.start();
    world.expect_within("1", "1.005", sent("REGISTER").bare());
    let after = identity(&world);
    assert_eq!((before.0, before.1), (after.0, after.1));
    assert!(after.2 > before.2);
    world.skip_until("2");
    let now = world.now();
    assert_eq!(
        world.registrar().bindings(now).count(),
        1,
        "the same binding"
    );
}

// 256 ahead, raised by 256 while 64 remain; the world checks each CSeq against the disk.
fn limits_are_raised_before_they_are_reached() {
    let mut world = stored();
    world.registrar().behave(Behaviour::digest().grants(20));
    world.skip_until("0.045");
    let mut due = at("10.045");
    for _ in 0..700 {
        world.run_until(due.back(Duration::from_micros(1)));
        let when = format!("{}.{:06}", due.as_secs(), due.as_micros() % 1_000_000);
        world.expect_silence_until(&when);
        world.expect_at(&when, sent("REGISTER").auth());
        due += Duration::from_millis(10_020);
    }
    let record = world.stored("main").expect("a record");
    assert!((512..=1_280).contains(&record.cseq_limit), "{record:?}");
}

fn a_slow_disk_delays_no_refresh() {
    let setup = Setup::one().store(Duration::from_secs(3));
    let mut world = world(setup, Behaviour::digest().grants(20));
    world.expect_silence_until("3");
    world.expect_at("3", sent("REGISTER").bare());
    world.expect_at("3.020", sent("REGISTER").nc(1));
    world.skip_until("5000");
    let counts = world.registrar().counts();
    assert_eq!((counts.accepted, counts.retransmissions), (499, 0));
    assert_eq!(world.phases("main").len(), 1);
}

fn without_a_store_a_restart_begins_anew() {
    let mut world = world(Setup::one(), Behaviour::digest());
    world.skip_until("10");
    let before = identity(&world);
    world.kill();
    world.run_until(at("20"));
    world.start();
    world.expect_at("20", sent("REGISTER").bare());
    let after = identity(&world);
    assert_ne!(before.0, after.0, "a new Call-ID, since CSeq begins anew");
}

fn several_restarts_never_repeat_a_cseq() {
    let mut world = stored();
    for life in 1..20_u64 {
        world.run_until(at("0") + Duration::from_millis(life * 97_013));
        world.kill();
        world.run_for(Duration::from_millis(life * 7_001));
        world.start();
    }
    world.run_for(Duration::from_secs(200));
    world.expect_phase("main", Phase::Registered);
    let now = world.now();
    assert_eq!(world.registrar().counts().cseq_not_rising, 0);
    assert_eq!(
        world.registrar().bindings(now).count(),
        1,
        "one binding all along"
    );
}

fn an_answer_to_the_run_before_changes_nothing() {
    let mut world = stored();
    world.skip_until("50");
    world
        .registrar()
        .behave(Behaviour::refusing(600).late(Duration::from_secs(3)));
    world.expect_at("90.045", sent("REGISTER"));
    world.run_until(at("91"));
    world.kill();
    world.registrar().behave(Behaviour::digest());
    world.start();
    world.skip_until("93.1");
    world.expect_phase("main", Phase::Registered);
    world.run_until(at("1000"));
    world.expect_phase("main", Phase::Registered);
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

/// Bound at the first registrar until 180.045, and started again at 20 with only the second one.
fn moved(stickiness: Stickiness) -> World {
    let at_both = |account: AccountSetup| {
        account.or_at(SECOND).options(move |it| {
            it.registrar_stickiness = stickiness;
        })
    };
    let setup = Setup::one()
        .change("main", at_both)
        .store(Duration::from_millis(5));
    let mut world = world(setup.clone(), Behaviour::digest());
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.skip_until("10");
    assert_eq!(world.status("main").registrar, Some(REGISTRAR));
    world.kill();
    world.run_until(at("20"));
    world.configure(setup.change("main", |it| it.at(SECOND)));
    world.start();
    world
}

// rules S5, L5, L8
fn a_registrar_that_left_the_list_between_the_runs_is_left_at_once() {
    for stickiness in [Stickiness::Enable, Stickiness::EnableForNonRegister] {
        let mut world = moved(stickiness);
        world.expect_silence_until("20.005");
        world.expect_at("20.005", sent("REGISTER").to(SECOND).asking(180));
        // The old binding stands until then.
        world.expect_phase("main", Phase::Registered);
        assert_eq!(world.status("main").registrar, Some(REGISTRAR));
        world.run_until(at("20.025"));
        assert_eq!(world.status("main").registrar, Some(SECOND));
        stays_registered(&world);
        world.expect_silence_until("110.025");
    }
}

// rules S2, S14, L8
fn without_stickiness_it_is_left_with_the_next_refresh() {
    let mut world = moved(Stickiness::Disable);
    world.expect_silence_until("90.045");
    world.expect_at("90.045", sent("REGISTER").to(SECOND).asking(180));
    world.run_until(at("91"));
    assert_eq!(world.status("main").registrar, Some(SECOND));
}

// rules S5, L8: DNS answers before the limits are on disk, or after them
fn a_name_that_moved_is_followed_whatever_is_known_first() {
    const NAME: &str = "pool.example";
    for (disk, dns) in [(2, 5), (9, 5)] {
        let setup = Setup::one()
            .set(|set| set.proxies = vec![ProxyAddress::named(NAME, Some(5060))])
            .change("main", |it| {
                it.options(|account| account.registrar_stickiness = Stickiness::Enable)
            })
            .store(Duration::from_millis(disk));
        let other = SocketAddr::from(([10, 0, 0, 9], 5060));
        let mut world = world(setup, Behaviour::open());
        world.registrar_at(other).behave(Behaviour::open());
        world.dns().addresses(NAME, 3_600, &[REGISTRAR.ip()]);
        world.skip_until("10");
        assert_eq!(world.status("main").registrar, Some(REGISTRAR));
        world.kill();
        world.dns().addresses(NAME, 3_600, &[other.ip()]);
        world.run_until(at("20"));
        world.start();
        let known = format!("20.{:03}", disk.max(dns));
        world.expect_silence_until(&known);
        world.expect_at(&known, sent("REGISTER").to(other).asking(180));
        world.run_for(Duration::from_millis(20));
        assert_eq!(world.status("main").registrar, Some(other));
        stays_registered(&world);
    }
}

fn stored() -> World {
    world(
        Setup::one().store(Duration::from_millis(5)),
        Behaviour::digest(),
    )
}

/// It was never anything else, in either run.
#[track_caller]
fn stays_registered(world: &World) {
    let phases = world.phases("main");
    let is_registered = |(_, phase): &(_, Phase)| *phase == Phase::Registered;
    assert!(phases.iter().all(is_registered), "{phases:?}");
}

/// Call-ID, Contact and CSeq of the last packet.
fn identity(world: &World) -> (String, String, u32) {
    let text = world.last_packet().text().expect("a message");
    let contact = text.contacts().next().expect("a Contact").uri.to_owned();
    let call_id = text.header("call-id").expect("a Call-ID").to_owned();
    (call_id, contact, text.cseq().expect("a CSeq").0)
}
