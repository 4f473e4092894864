//! Registration by the state of the served group (rule S13). Its Proxy Set is probed by OPTIONS
//! each minute; on the way back it takes two answers, 10 s apart.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{ByServedStatus, KeepAlive};
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        it_is_held_until_the_first_verdict,
        a_served_group_that_is_offline_from_the_start_keeps_it_held,
        offline_unregisters_and_online_registers,
        a_register_in_flight_is_undone_when_it_is_answered,
        an_unregister_in_flight_is_followed_by_a_register,
        what_an_operator_says_while_it_is_held,
        an_operators_unregister_holds_when_the_group_comes_back,
        an_operators_register_counts_when_the_group_comes_back,
        a_stop_while_it_is_held_sends_nothing,
        a_verdict_after_the_stop_sends_nothing,
        a_binding_of_the_run_before_stands_until_the_verdict,
        a_binding_of_the_run_before_is_removed_by_the_verdict_offline,
        register_always_does_not_care,
        two_accounts_of_one_served_group_are_held_together,
    ]
}

const PBX: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5090);

fn heeding(account: AccountSetup) -> AccountSetup {
    let status = ByServedStatus::OnlyIfOnline;
    account
        .served_at(&[PBX])
        .served_set(|set| {
            set.keep_alive = KeepAlive::Options;
            set.failure_detection_retransmissions = Some(0);
        })
        .options(move |account| account.register_by_served_ip_group_status = status)
}

fn setup() -> Setup {
    Setup::new().account(heeding(AccountSetup::new("main")))
}

fn begin(setup: Setup) -> World {
    super::world(setup, Behaviour::open())
}

fn close(world: &mut World, is_closed: bool) {
    world.network().link(PBX).closed = is_closed;
}

/// Registered at 0.040; the served group is gone at 30, which is seen at 60.010.
fn left_alone() -> World {
    let mut world = begin(setup());
    world.skip_until("30");
    world.expect_phase("main", Phase::Registered);
    close(&mut world, true);
    world
}

fn not_online(world: &World, ticket: regent::effect::Ticket) {
    let outcome = world.outcome(ticket);
    let Some(Outcome::NotSent { why }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(why.contains("served group"), "{why}");
}

// rule S13
fn it_is_held_until_the_first_verdict() {
    let mut world = begin(setup());
    world.expect_at("0", sent("OPTIONS").to(PBX));
    world.run_until(at("0.019999"));
    world.expect_phase("main", Phase::Held);
    world.expect_at("0.020", sent("REGISTER").by("main"));
    world.expect_phase_at("0.040", "main", Phase::Registered);
    world.expect_silence_until("60");
}

// rule S13
fn a_served_group_that_is_offline_from_the_start_keeps_it_held() {
    let mut world = begin(setup());
    close(&mut world, true);
    for when in ["0", "60", "120"] {
        world.expect_at(when, sent("OPTIONS").to(PBX));
        world.expect_phase("main", Phase::Held);
    }
    close(&mut world, false);
    world.expect_at("180", sent("OPTIONS"));
    world.expect_at("190", sent("OPTIONS"));
    world.expect_phase("main", Phase::Held);
    world.expect_at("190.020", sent("REGISTER").by("main"));
    world.expect_phase_at("190.040", "main", Phase::Registered);
}

// rule S13
fn offline_unregisters_and_online_registers() {
    let mut world = left_alone();
    world.expect_at("60", sent("OPTIONS"));
    world.expect_at("60.010", sent("REGISTER").by("main").removing());
    world.expect_phase("main", Phase::Unregistering);
    world.expect_phase_at("60.030", "main", Phase::Held);
    assert_eq!(world.status("main").binding_until, None);
    world.run_until(at("100"));
    close(&mut world, false);
    world.expect_at("120", sent("OPTIONS"));
    world.expect_at("130", sent("OPTIONS"));
    world.expect_at("130.020", sent("REGISTER").by("main").asking(180));
    world.expect_phase_at("130.040", "main", Phase::Registered);
    world.expect_silence_until("190");
}

// rules S13, I8
fn a_register_in_flight_is_undone_when_it_is_answered() {
    let mut world = begin(setup());
    world
        .registrar()
        .behave(Behaviour::open().late(Duration::from_secs(70)));
    world.expect_at("0", sent("OPTIONS"));
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0.020", sent("REGISTER"));
    close(&mut world, true);
    world.skip_until("61");
    world.expect_phase("main", Phase::Held);
    world.expect_silence_until("120");
}

// rules S13, I8
fn an_unregister_in_flight_is_followed_by_a_register() {
    let mut world = left_alone();
    world
        .registrar()
        .behave(Behaviour::open().late(Duration::from_secs(80)).trying());
    world.expect_at("60", sent("OPTIONS"));
    world.expect_at("60.010", sent("REGISTER").removing());
    close(&mut world, false);
    world.registrar().behave(Behaviour::silence());
    world.skip_until("92");
    world.expect_phase("main", Phase::Unregistering);
    world.skip_until("93");
    world.expect_phase("main", Phase::Held);
}

// rules S13, L10
fn what_an_operator_says_while_it_is_held() {
    let mut world = left_alone();
    world.skip_until("70");
    let tickets = [
        world.register("main"),
        world.register_by_force("main"),
        world.refresh("main"),
    ];
    for ticket in tickets {
        not_online(&world, ticket);
    }
    let gone = world.unregister("main");
    assert_eq!(world.outcome(gone), Some(&Outcome::Unregistered));
    world.expect_phase("main", Phase::Unregistered);
    world.expect_silence_until("120");
}

// rules S13, I8
fn an_operators_unregister_holds_when_the_group_comes_back() {
    let mut world = left_alone();
    world.skip_until("70");
    world.unregister("main");
    close(&mut world, false);
    world.expect_at("120", sent("OPTIONS"));
    world.expect_at("130", sent("OPTIONS"));
    world.expect_at("190", sent("OPTIONS"));
    world.expect_phase("main", Phase::Unregistered);
    world.register("main");
    world.expect_at("190", sent("REGISTER").by("main"));
}

// rules S13, L10
fn an_operators_register_counts_when_the_group_comes_back() {
    let mut world = left_alone();
    world.skip_until("50");
    world.unregister("main");
    world.expect_at("50", sent("REGISTER").removing());
    world.expect_at("60", sent("OPTIONS"));
    world.run_until(at("70"));
    world.expect_phase("main", Phase::Unregistered);
    let ticket = world.register("main");
    not_online(&world, ticket);
    world.expect_phase("main", Phase::Held);
    close(&mut world, false);
    world.expect_at("120", sent("OPTIONS"));
    world.expect_at("130", sent("OPTIONS"));
    world.expect_at("130.020", sent("REGISTER").by("main"));
}

// rules S13, L7
fn a_stop_while_it_is_held_sends_nothing() {
    let mut world = left_alone();
    world.skip_until("70");
    let ticket = world.shutdown();
    assert_eq!(world.outcome(ticket), Some(&Outcome::Stopped { left: 0 }));
    world.expect_silence_until("1000");
}

fn stored() -> World {
    let mut world = begin(setup().store(Duration::from_millis(5)));
    world.skip_until("30");
    world.expect_phase("main", Phase::Registered);
    world.kill();
    world
}

// rules S13, L8
fn a_binding_of_the_run_before_stands_until_the_verdict() {
    let mut world = stored();
    world.run_until(at("40"));
    world.start();
    world.expect_at("40", sent("OPTIONS"));
    world.run_until(at("40.010"));
    world.expect_phase("main", Phase::Registered);
    world.expect_at("90.040", sent("REGISTER").by("main").asking(180));
}

// rules S13, L8
fn a_binding_of_the_run_before_is_removed_by_the_verdict_offline() {
    let mut world = stored();
    close(&mut world, true);
    world.run_until(at("40"));
    world.start();
    world.expect_at("40", sent("OPTIONS"));
    world.expect_at("40.010", sent("REGISTER").by("main").removing());
    world.expect_phase_at("40.030", "main", Phase::Held);
}

// rule S13
fn register_always_does_not_care() {
    let always = ByServedStatus::Always;
    let setup = setup().change("main", |it| {
        it.options(move |account| account.register_by_served_ip_group_status = always)
    });
    let mut world = begin(setup);
    close(&mut world, true);
    world.expect_at("0", sent("OPTIONS"));
    world.expect_at("0", sent("REGISTER").by("main"));
    world.expect_at("60", sent("OPTIONS"));
    world.expect_at("90.020", sent("REGISTER").by("main"));
}

// rule S13
fn two_accounts_of_one_served_group_are_held_together() {
    let second = heeding(AccountSetup::new("second")).groups(Some("PBX"), None);
    let first = heeding(AccountSetup::new("main")).groups(Some("PBX"), None);
    let mut world = begin(Setup::new().account(first).account(second));
    world.expect_at("0", sent("OPTIONS"));
    world.expect_at("0.020", sent("REGISTER").by("main"));
    world.expect_at("0.020", sent("REGISTER").by("second"));
    world.run_until(at("30"));
    close(&mut world, true);
    world.expect_at("60", sent("OPTIONS"));
    world.expect_at("60.010", sent("REGISTER").by("main").removing());
    world.expect_at("60.010", sent("REGISTER").by("second").removing());
    world.expect_silence_until("120");
}

// rules S13, L8: the last CSeq is written by then
fn a_verdict_after_the_stop_sends_nothing() {
    let mut world = begin(setup().store(Duration::from_millis(5)));
    close(&mut world, true);
    world.expect_at("0", sent("OPTIONS"));
    world.run_until(at("59"));
    close(&mut world, false);
    world.expect_at("60", sent("OPTIONS"));
    world.expect_at("70", sent("OPTIONS"));
    world.run_until(at("70.010"));
    world.shutdown();
    world.expect_silence_until("200");
}
