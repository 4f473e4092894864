//! Registration synchronisation: one Account of a serving group probes a registrar that fails, and
//! the others wait for it (rule S12).
//!
//! Three Accounts of one group are registered at 0.020 for 100, 120 and 140 s, so that their
//! refreshes are due at 50.020, 60.020 and 70.020. A REGISTER leaves once and fails half a second
//! later.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{ByServedStatus, KeepAlive, PortsMode, SyncMode};
use regent::effect::{Outcome, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_first_failure_probes_and_the_others_wait_until_it_is_answered,
        those_that_fail_together_leave_one_prober,
        whoever_stands_in_line_waits_too,
        they_go_on_in_the_order_in_which_they_were_due,
        a_408_a_5xx_and_a_refused_datagram_stop_the_others_too,
        a_rejection_stops_nobody,
        any_failure_stops_the_others_where_that_is_configured,
        any_answer_but_a_failure_lets_them_go,
        a_prober_that_is_unregistered_hands_over,
        a_prober_that_is_removed_hands_over,
        a_prober_whose_served_group_is_offline_hands_over,
        a_prober_without_a_port_hands_over,
        who_is_unregistered_in_flight_probes_for_nobody,
        an_unregister_is_never_held,
        the_answer_to_an_unregister_lets_them_go,
        an_operator_is_told_why_nothing_is_sent,
        a_waiting_account_that_is_removed_waits_no_more,
        an_attempt_that_goes_on_elsewhere_stops_nobody,
        groups_do_not_wait_for_each_other,
        without_the_mode_nobody_waits,
        a_reload_that_ends_the_mode_lets_all_go,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);
const PBX: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5090);
const NAMES: [&str; 3] = ["a0000", "a0001", "a0002"];

fn three(mode: SyncMode) -> Setup {
    Setup::many(3).registration(|it| {
        it.registration_sync_mode = mode;
        it.sip_max_rtx = 1;
    })
}

/// All three are registered, and the registrar behaves so from now on.
fn begin(setup: Setup, then: &Behaviour) -> World {
    let mut world = super::world(setup, Behaviour::open());
    for (name, granted) in NAMES.iter().zip([100, 120, 140]) {
        let aor = format!("{name}@sim.example");
        let grants = Behaviour::open().grants(granted);
        world.registrar().behave_for(&aor, grants);
    }
    world.skip_until("1");
    all(&mut world, then);
    world
}

/// Towards all three.
fn all(world: &mut World, behaviour: &Behaviour) {
    for name in NAMES {
        let aor = format!("{name}@sim.example");
        world.registrar().behave_for(&aor, behaviour.clone());
    }
}

/// `a0000` has failed at 50.520 and will try again at 80.520; the others wait since 60.020 and
/// 70.020.
fn waiting(setup: Setup) -> World {
    let mut world = begin(setup, &Behaviour::silence());
    world.expect_at("50.020", sent("REGISTER").by("a0000"));
    world.expect_silence_until("75");
    world.run_until(at("75"));
    world
}

// rule S12: the standing binding stays registered until it expires
fn the_first_failure_probes_and_the_others_wait_until_it_is_answered() {
    let mut world = waiting(three(SyncMode::Enable));
    for name in NAMES {
        world.expect_phase(name, Phase::Registered);
    }
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
    world.expect_phase_at("100.020", "a0000", Phase::WaitingToRetry);
    world.expect_at("111.020", sent("REGISTER").by("a0000"));
    world.run_until(at("120.019999"));
    world.expect_phase("a0001", Phase::Registered);
    world.expect_phase_at("120.020", "a0001", Phase::WaitingForAnotherAccount);
    world.run_until(at("139"));
    world.expect_phase("a0002", Phase::Registered);
    all(&mut world, &Behaviour::open());
    world.expect_phase_at("140.020", "a0002", Phase::WaitingForAnotherAccount);
    assert_eq!(world.status("a0001").failures, 0);
    world.expect_at("141.520", sent("REGISTER").by("a0000"));
    world.expect_at("141.540", sent("REGISTER").by("a0001"));
    world.expect_at("141.540", sent("REGISTER").by("a0002"));
    for name in NAMES {
        world.run_until(at("141.560"));
        world.expect_phase(name, Phase::Registered);
    }
    world.expect_silence_until("231.540");
}

// rule S12: nobody was registered before
fn those_that_fail_together_leave_one_prober() {
    let mut world = super::world(three(SyncMode::Enable), Behaviour::silence());
    for name in NAMES {
        world.expect_at("0", sent("REGISTER").by(name));
    }
    world.run_until(at("1"));
    for name in NAMES {
        world.expect_phase(name, Phase::WaitingToRetry);
    }
    world.expect_at("30.5", sent("REGISTER").by("a0000"));
    world.run_until(at("30.5"));
    world.expect_phase("a0001", Phase::WaitingForAnotherAccount);
    world.expect_phase("a0002", Phase::WaitingForAnotherAccount);
    assert_eq!(world.status("a0001").failures, 1);
    for when in ["61", "91.5", "122", "152.5"] {
        world.expect_at(when, sent("REGISTER").by("a0000"));
    }
    assert_eq!(world.status("a0001").failures, 1);
}

// rule S12: a place in the registrar's line is no leave to send
fn whoever_stands_in_line_waits_too() {
    let setup = three(SyncMode::Enable).receive_buffer(4_096);
    let mut world = super::world(setup, Behaviour::silence());
    world.expect_at("0", sent("REGISTER").by("a0000"));
    world.run_until(at("0.4"));
    world.expect_phase("a0001", Phase::Registering);
    world.expect_silence_until("30.5");
    world.expect_phase("a0001", Phase::WaitingForAnotherAccount);
    world.expect_at("30.5", sent("REGISTER").by("a0000"));
    world.run_until(at("40"));
    world.registrar().behave(Behaviour::open());
    world.expect_at("61", sent("REGISTER").by("a0000"));
    world.expect_at("61.020", sent("REGISTER").by("a0001"));
    world.expect_at("61.040", sent("REGISTER").by("a0002"));
}

// rule S12, L6
fn they_go_on_in_the_order_in_which_they_were_due() {
    let mut world = begin(three(SyncMode::Enable), &Behaviour::silence());
    // Now a0002 is due before a0001.
    let aor = "a0002@sim.example";
    world
        .registrar()
        .behave_for(aor, Behaviour::open().grants(108));
    world.run_until(at("2"));
    world.refresh("a0002");
    world.expect_at("2", sent("REGISTER").by("a0002"));
    world.expect_at("50.020", sent("REGISTER").by("a0000"));
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
    world.expect_at("111.020", sent("REGISTER").by("a0000"));
    world.run_until(at("130"));
    all(&mut world, &Behaviour::open());
    world.expect_at("141.520", sent("REGISTER").by("a0000"));
    world.expect_at("141.540", sent("REGISTER").by("a0002"));
    world.expect_at("141.540", sent("REGISTER").by("a0001"));
}

// rule S12
fn a_408_a_5xx_and_a_refused_datagram_stop_the_others_too() {
    for code in [408, 500, 503] {
        let mut world = begin(three(SyncMode::Enable), &Behaviour::refusing(code));
        world.expect_at("50.020", sent("REGISTER").by("a0000"));
        world.expect_silence_until("80.040");
        world.expect_at("80.040", sent("REGISTER").by("a0000"));
    }
    let mut world = begin(three(SyncMode::Enable), &Behaviour::open());
    world.network().link(REGISTRAR).closed = true;
    world.expect_at("50.020", sent("REGISTER").by("a0000"));
    world.expect_silence_until("80.030");
    world.expect_at("80.030", sent("REGISTER").by("a0000"));
}

// rule S12
fn a_rejection_stops_nobody() {
    for code in [403, 404, 486, 600] {
        let mut world = begin(three(SyncMode::Enable), &Behaviour::refusing(code));
        world.expect_at("50.020", sent("REGISTER").by("a0000"));
        world.expect_at("60.020", sent("REGISTER").by("a0001"));
        world.expect_at("70.020", sent("REGISTER").by("a0002"));
    }
}

// rule S12
fn any_failure_stops_the_others_where_that_is_configured() {
    let mut world = begin(three(SyncMode::AnyFailure), &Behaviour::refusing(404));
    world.expect_at("50.020", sent("REGISTER").by("a0000"));
    world.expect_silence_until("80.040");
    world.expect_at("80.040", sent("REGISTER").by("a0000"));
    world.run_until(at("81"));
    world.expect_phase("a0000", Phase::WaitingToRetry);
    all(&mut world, &Behaviour::open());
    world.expect_at("110.060", sent("REGISTER").by("a0000"));
    world.expect_at("110.080", sent("REGISTER").by("a0001"));
    world.expect_at("110.080", sent("REGISTER").by("a0002"));
}

// rule S12
fn any_answer_but_a_failure_lets_them_go() {
    let mut world = waiting(three(SyncMode::Enable));
    all(&mut world, &Behaviour::refusing(403));
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
    world.expect_at("80.540", sent("REGISTER").by("a0001"));
    world.expect_at("80.540", sent("REGISTER").by("a0002"));
}

// rule S12, I8: the earliest due takes over
fn a_prober_that_is_unregistered_hands_over() {
    let mut world = waiting(three(SyncMode::Enable));
    world.unregister("a0000");
    world.expect_at("75", sent("REGISTER").by("a0000").removing());
    world.expect_at("75", sent("REGISTER").by("a0001"));
    world.expect_silence_until("105.5");
    world.expect_at("105.5", sent("REGISTER").by("a0001"));
    world.unregister("a0002");
    world.expect_at("105.5", sent("REGISTER").by("a0002").removing());
    world.expect_at("136", sent("REGISTER").by("a0001"));
}

// rule S12, G2
fn a_prober_that_is_removed_hands_over() {
    let mut world = waiting(three(SyncMode::Enable));
    world.reload(three(SyncMode::Enable).without("a0000"));
    world.expect_at("75", sent("REGISTER").by("a0000").removing());
    world.expect_at("75", sent("REGISTER").by("a0001"));
    world.expect_silence_until("105.5");
    world.expect_at("105.5", sent("REGISTER").by("a0001"));
}

// rules S12, S13
fn a_prober_whose_served_group_is_offline_hands_over() {
    let setup = three(SyncMode::Enable).change("a0000", |it| {
        let status = ByServedStatus::OnlyIfOnline;
        it.served_at(&[PBX])
            .served_set(|set| {
                set.keep_alive = KeepAlive::Options;
                set.keep_alive_secs = 74;
            })
            .options(move |account| account.register_by_served_ip_group_status = status)
    });
    let mut world = begin(setup, &Behaviour::silence());
    world.expect_at("50.040", sent("REGISTER").by("a0000"));
    world.network().link(PBX).closed = true;
    world.expect_at("74", sent("OPTIONS").to(PBX));
    world.expect_at("74.010", sent("REGISTER").by("a0000").removing());
    world.expect_at("74.010", sent("REGISTER").by("a0001"));
    world.expect_at("104.510", sent("REGISTER").by("a0001"));
}

// rules S12, U3
fn a_prober_without_a_port_hands_over() {
    let setup = three(SyncMode::Enable)
        .interface(|it| {
            let (first, last) = (6_000, 6_000);
            it.additional_udp_ports = Some(regent::config::Ports { first, last });
            it.additional_udp_ports_mode = PortsMode::OpenWhenUsed;
        })
        .change("a0000", |it| {
            it.options(|account| account.udp_port_assignment = true)
        });
    let mut world = waiting(setup);
    world.expect_at("80.520", sent("REGISTER").by("a0000").from(6_000));
    world.run_until(at("105"));
    let own = SocketAddr::new(regent::sim::LOCAL.ip(), 6_000);
    assert!(!world.bound().contains(&own), "the binding has ended");
    world.take_address(own, true);
    world.expect_at("111.020", sent("REGISTER").by("a0001"));
    world.expect_phase("a0000", Phase::NoPort);
    world.expect_silence_until("141.520");
    world.expect_at("141.520", sent("REGISTER").by("a0001"));
}

// rule S12
fn who_is_unregistered_in_flight_probes_for_nobody() {
    let mut world = begin(three(SyncMode::Enable), &Behaviour::silence());
    world.expect_at("50.020", sent("REGISTER").by("a0000"));
    world.run_until(at("50.200"));
    world.unregister("a0000");
    world.expect_at("50.520", sent("REGISTER").by("a0000").removing());
    world.expect_at("60.020", sent("REGISTER").by("a0001"));
    world.expect_silence_until("90.520");
}

// rule S12
fn an_unregister_is_never_held() {
    let mut world = waiting(three(SyncMode::Enable));
    let ticket = world.unregister("a0001");
    world.expect_at("75", sent("REGISTER").by("a0001").removing());
    world.run_until(at("76"));
    assert_eq!(world.unanswered(), []);
    assert!(world.outcome(ticket).is_some());
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
    world.expect_phase("a0001", Phase::Unregistered);
    world.run_until(at("90"));
    all(&mut world, &Behaviour::open());
    world.unregister("a0002");
    world.expect_at("90", sent("REGISTER").by("a0002").removing());
    world.expect_at("111.020", sent("REGISTER").by("a0000"));
}

// rule S12: an answer to it is an answer too
fn the_answer_to_an_unregister_lets_them_go() {
    let mut world = waiting(three(SyncMode::Enable));
    all(&mut world, &Behaviour::open());
    world.unregister("a0001");
    world.expect_at("75", sent("REGISTER").by("a0001").removing());
    world.expect_at("75.020", sent("REGISTER").by("a0002"));
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
}

// rules S12, L10
fn an_operator_is_told_why_nothing_is_sent() {
    let mut world = waiting(three(SyncMode::Enable));
    let tickets = [
        world.register("a0001"),
        world.register_by_force("a0001"),
        world.refresh("a0001"),
        world.refresh("a0002"),
    ];
    for ticket in tickets {
        let outcome = world.outcome(ticket);
        let Some(Outcome::NotSent { why }) = outcome else {
            panic!("{ticket}: {outcome:?}");
        };
        assert!(why.contains("another Account probes"), "{why}");
    }
    // The prober itself is free to try, and an answer frees the others, in their order.
    all(&mut world, &Behaviour::open());
    world.register("a0000");
    world.expect_at("75", sent("REGISTER").by("a0000"));
    world.expect_at("75.020", sent("REGISTER").by("a0001"));
    world.expect_at("75.020", sent("REGISTER").by("a0002"));
}

// rule S12, G2
fn a_waiting_account_that_is_removed_waits_no_more() {
    let setup = three(SyncMode::Enable);
    let mut world = waiting(setup.clone());
    world.reload(setup.without("a0001"));
    world.expect_at("75", sent("REGISTER").by("a0001").removing());
    world.run_until(at("76"));
    all(&mut world, &Behaviour::open());
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
    world.expect_at("80.540", sent("REGISTER").by("a0002"));
    world.expect_silence_until("170");
}

// rules S12, P7: only the end of an attempt makes a prober
fn an_attempt_that_goes_on_elsewhere_stops_nobody() {
    let mut setup = three(SyncMode::Enable).set(|set| set.hot_swap = true);
    for name in NAMES {
        setup = setup.change(name, |it| it.or_at(SECOND));
    }
    let mut world = begin(setup, &Behaviour::silence());
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.expect_at("50.020", sent("REGISTER").by("a0000").to(REGISTRAR));
    world.expect_at("50.520", sent("REGISTER").by("a0000").to(SECOND));
    world.expect_at("60.020", sent("REGISTER").by("a0001").to(SECOND));
    world.expect_at("70.020", sent("REGISTER").by("a0002").to(SECOND));
}

// rule S12
fn groups_do_not_wait_for_each_other() {
    let other = AccountSetup::new("other").groups(None, Some("another group"));
    let mut world = waiting(three(SyncMode::Enable).account(other));
    world.expect_at("80.520", sent("REGISTER").by("a0000"));
    world.expect_at("90.020", sent("REGISTER").by("other"));
    world.expect_at("111.020", sent("REGISTER").by("a0000"));
}

// rule S12
fn without_the_mode_nobody_waits() {
    let mut world = begin(three(SyncMode::Disable), &Behaviour::silence());
    for (when, name) in ["50.020", "60.020", "70.020", "80.520"]
        .into_iter()
        .zip(["a0000", "a0001", "a0002", "a0000"])
    {
        world.expect_at(when, sent("REGISTER").by(name));
    }
}

// rules S12, G2
fn a_reload_that_ends_the_mode_lets_all_go() {
    let mut world = waiting(three(SyncMode::Enable));
    world.reload(three(SyncMode::Disable));
    world.expect_at("75", sent("REGISTER").by("a0001"));
    world.expect_at("75", sent("REGISTER").by("a0002"));
}
