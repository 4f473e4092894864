//! What registers an Account anew although nothing is due: calls that fail, calls from elsewhere, a
//! link that comes up, a connection that is lost (rules S7, S11, N2).
//!
//! The Account is registered at 0.020, and its refresh is due at 90.020.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{Account, Codes, KeepAlive, SearchMode, Stickiness};
use regent::effect::{Phase, Trigger};
use regent::sim::{AccountSetup, Behaviour, LOCAL, REGISTRAR, Setup, World, at, sent};
use regent::time::Duration;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        in_mode_ims_a_failed_invite_refreshes_at_the_bound_registrar,
        other_codes_and_other_modes_do_nothing,
        in_mode_ims_an_invite_from_elsewhere_refreshes,
        a_link_that_comes_up_refreshes_in_mode_ims_alone,
        a_link_that_comes_up_registers_who_was_lost_to_silence,
        a_link_that_comes_up_ends_no_other_wait,
        a_trigger_waits_for_no_less_than_a_retry_after,
        a_trigger_soon_after_another_is_dropped,
        a_trigger_while_a_register_is_in_flight_is_dropped,
        who_is_not_registered_heeds_no_call,
        a_failed_invite_registers_anew_where_that_is_configured,
        a_failed_invite_is_chosen_like_an_initial_registration,
        the_registrar_of_the_failed_invite_comes_last,
        without_probes_or_hot_swap_it_does_not_come_last,
        a_failed_attempt_after_a_trigger_waits_as_any_other,
        mode_ims_goes_before_re_registration_on_failure,
        a_lost_connection_refreshes_at_once,
        a_lost_connection_is_not_counted_among_the_triggers,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

fn ims(account: &mut Account) {
    account.registrar_stickiness = Stickiness::Enable;
    account.registrar_search_mode = SearchMode::Ims;
}

fn heeding(account: &mut Account) {
    account.re_register_on_invite_failure = true;
}

fn failed(code: u16) -> Trigger {
    let registrar = Some(REGISTRAR);
    Trigger::InviteFailed { code, registrar }
}

fn from(address: SocketAddr) -> Trigger {
    Trigger::InviteFrom { from: address }
}

/// `main` with two members is registered at the first; it is 10 o'clock, in seconds.
fn begin(account: AccountSetup) -> World {
    begin_with(Setup::new().account(account.or_at(SECOND)))
}

fn begin_with(setup: Setup) -> World {
    let mut world = super::world(setup, Behaviour::open());
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.skip_until("10");
    world.expect_phase("main", Phase::Registered);
    world
}

fn main() -> AccountSetup {
    AccountSetup::new("main")
}

// rule S7
fn in_mode_ims_a_failed_invite_refreshes_at_the_bound_registrar() {
    for code in [403, 408, 480] {
        let mut world = begin(main().options(ims));
        world.trigger("main", failed(code));
        world.expect_at("10", sent("REGISTER").to(REGISTRAR).asking(180));
        world.expect_phase("main", Phase::Registered);
        world.expect_silence_until("100.020");
        world.expect_at("100.020", sent("REGISTER").to(REGISTRAR));
    }
}

// rules S7, S11
fn other_codes_and_other_modes_do_nothing() {
    let mut world = begin(main().options(ims));
    for code in [404, 486, 500, 600] {
        world.trigger("main", failed(code));
    }
    world.expect_silence_until("90.020");
    let mut world = begin(main());
    for trigger in [failed(403), failed(408), from(SECOND), Trigger::LinkUp] {
        world.trigger("main", trigger);
    }
    world.expect_silence_until("90.020");
}

// rule S7
fn in_mode_ims_an_invite_from_elsewhere_refreshes() {
    let mut world = begin(main().options(ims));
    world.trigger("main", from(REGISTRAR));
    world.expect_silence_until("20");
    world.run_until(at("20"));
    world.trigger("main", from(SECOND));
    world.expect_at("20", sent("REGISTER").to(REGISTRAR).asking(180));
    world.expect_silence_until("110.020");
}

// rule S7: even with keep-alive disabled, as it is here
fn a_link_that_comes_up_refreshes_in_mode_ims_alone() {
    let setup = Setup::new()
        .account(main().options(ims))
        .account(AccountSetup::new("second"));
    let mut world = begin_with(setup);
    world.link_up(&["192.0.2.7".parse().expect("an address")]);
    world.expect_silence_until("20");
    world.run_until(at("20"));
    world.link_up(&[LOCAL.ip()]);
    world.expect_at("20", sent("REGISTER").by("main").to(REGISTRAR));
    world.expect_silence_until("90.020");
    world.expect_at("90.020", sent("REGISTER").by("second"));
    world.expect_silence_until("110.020");
}

// rule S7: the link was down for longer than the binding
fn a_link_that_comes_up_registers_who_was_lost_to_silence() {
    let setup = Setup::new()
        .account(main().options(ims))
        .registration(|it| it.sip_max_rtx = 1);
    let mut world = begin_with(setup);
    world.registrar().behave(Behaviour::silence());
    world.skip_until("190");
    world.expect_phase("main", Phase::WaitingToRetry);
    world.registrar().behave(Behaviour::open());
    world.link_up(&[LOCAL.ip()]);
    world.expect_at("190", sent("REGISTER").by("main").asking(180));
    world.expect_phase_at("190.020", "main", Phase::Registered);
}

// rules S7, L3
fn a_link_that_comes_up_ends_no_other_wait() {
    let setup = Setup::new().account(main().options(ims));
    let mut world = super::world(setup, Behaviour::refusing(404));
    world.expect_at("0", sent("REGISTER"));
    world.run_until(at("10"));
    world.link_up(&[LOCAL.ip()]);
    world.expect_at("30.020", sent("REGISTER"));
}

// rules S7, L3
fn a_trigger_waits_for_no_less_than_a_retry_after() {
    let setup = Setup::new().account(main().options(ims));
    let mut world = super::world(setup, Behaviour::open());
    world.skip_until("10");
    let busy = Behaviour::refusing(503).with("Retry-After", "60");
    world.registrar().behave(busy);
    world.expect_at("90.020", sent("REGISTER"));
    world.run_until(at("120"));
    world.link_up(&[LOCAL.ip()]);
    world.expect_silence_until("150.040");
}

// rules S7, S11
fn a_trigger_soon_after_another_is_dropped() {
    for change in [ims as fn(&mut Account), heeding] {
        let mut world = begin(main().options(change));
        world.trigger("main", failed(403));
        world.expect_at("10", sent("REGISTER"));
        world.run_until(at("19.999999"));
        world.trigger("main", failed(403));
        world.expect_silence_until("20");
        world.run_until(at("20"));
        world.trigger("main", failed(403));
        world.expect_at("20", sent("REGISTER"));
        world.expect_silence_until("110.020");
    }
    let setup = Setup::new()
        .account(main().options(ims))
        .registration(|it| it.invite_trigger_min_secs = 3);
    let mut world = begin_with(setup);
    for when in ["10", "13"] {
        world.run_until(at(when));
        world.trigger("main", failed(403));
        world.expect_at(when, sent("REGISTER"));
    }
}

// rule S7
fn a_trigger_while_a_register_is_in_flight_is_dropped() {
    for change in [ims as fn(&mut Account), heeding] {
        let mut world = begin(main().options(change));
        world.expect_at("90.020", sent("REGISTER"));
        world.run_until(at("90.030"));
        for trigger in [failed(403), from(SECOND), Trigger::LinkUp] {
            world.trigger("main", trigger);
        }
        world.expect_silence_until("180.040");
    }
}

// rules S7, I8
fn who_is_not_registered_heeds_no_call() {
    for change in [ims as fn(&mut Account), heeding] {
        let mut world = begin(main().options(change));
        world.unregister("main");
        world.expect_at("10", sent("REGISTER").removing());
        world.run_until(at("20"));
        for trigger in [
            failed(403),
            from(SECOND),
            Trigger::LinkUp,
            Trigger::ConnectionLost,
        ] {
            world.trigger("main", trigger);
        }
        world.expect_silence_until("1000");
    }
}

// rule S11
fn a_failed_invite_registers_anew_where_that_is_configured() {
    for code in [403, 408, 480] {
        let mut world = begin(main().options(heeding));
        world.trigger("main", failed(code));
        world.expect_at("10", sent("REGISTER").to(REGISTRAR).asking(180));
        world.expect_phase("main", Phase::Registered);
        assert_eq!(world.phases("main").len(), 1);
    }
    let codes = [Codes::One(503)];
    let setup = Setup::new()
        .account(main().options(heeding))
        .registration(move |it| it.account_invite_failure_trigger_codes = codes.into());
    let mut world = begin_with(setup);
    world.trigger("main", failed(403));
    world.expect_silence_until("20");
    world.run_until(at("20"));
    world.trigger("main", failed(503));
    world.expect_at("20", sent("REGISTER"));
}

/// `main` is bound at the second member, and the first is the current one again.
fn bound_at_the_second(change: fn(&mut Account)) -> World {
    let account = main().or_at(SECOND).options(change).set(|set| {
        set.keep_alive = KeepAlive::Options;
        set.redundancy = regent::config::Redundancy::Homing;
        set.failure_detection_retransmissions = Some(0);
    });
    let mut world = super::world(Setup::new().account(account), Behaviour::open());
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.network().link(REGISTRAR).closed = true;
    world.skip_until("31");
    assert_eq!(world.status("main").registrar, Some(SECOND));
    world.network().link(REGISTRAR).closed = false;
    world.skip_until("75");
    world
}

// rule S11: the binding is not followed
fn a_failed_invite_is_chosen_like_an_initial_registration() {
    let mut world = bound_at_the_second(|account| {
        heeding(account);
        account.registrar_stickiness = Stickiness::Enable;
    });
    world.trigger("main", failed(480));
    world.expect_at("75", sent("REGISTER").by("main").to(REGISTRAR));
    world.run_until(at("76"));
    assert_eq!(world.status("main").registrar, Some(REGISTRAR));
    assert_eq!(world.status("main").phase, Phase::Registered);
}

// rule S11
fn the_registrar_of_the_failed_invite_comes_last() {
    for keep_alive in [
        KeepAlive::Options,
        KeepAlive::OptionsOnActive,
        KeepAlive::Register,
    ] {
        let account = main().options(heeding).set(move |set| {
            set.keep_alive = keep_alive;
            set.hot_swap = true;
        });
        let mut world = begin(account);
        world.registrar_at(SECOND).behave(Behaviour::refusing(500));
        world.trigger("main", failed(480));
        world.expect_at("10", sent("REGISTER").by("main").to(SECOND));
        world.expect_at("10.020", sent("REGISTER").by("main").to(REGISTRAR));
        world.run_until(at("11"));
        assert_eq!(world.status("main").registrar, Some(REGISTRAR));
    }
}

// rule S11
fn without_probes_or_hot_swap_it_does_not_come_last() {
    for (keep_alive, hot_swap) in [
        (KeepAlive::Disable, true),
        (KeepAlive::FakeRegister, true),
        (KeepAlive::Options, false),
    ] {
        let account = main().options(heeding).set(move |set| {
            set.keep_alive = keep_alive;
            set.hot_swap = hot_swap;
        });
        let mut world = begin(account);
        world.trigger("main", failed(480));
        world.expect_at("10", sent("REGISTER").by("main").to(REGISTRAR));
    }
}

// rules S11, L3, L5
fn a_failed_attempt_after_a_trigger_waits_as_any_other() {
    let mut world = begin(main().options(heeding));
    world.registrar().behave(Behaviour::refusing(500));
    world.trigger("main", failed(403));
    world.expect_at("10", sent("REGISTER"));
    world.expect_silence_until("40.020");
    world.expect_phase("main", Phase::Registered);
    world.expect_at("40.020", sent("REGISTER"));
}

// rules S7, S11
fn mode_ims_goes_before_re_registration_on_failure() {
    let setup = Setup::new()
        .account(main().or_at(SECOND).options(|account| {
            ims(account);
            heeding(account);
        }))
        .registration(|it| it.account_invite_failure_trigger_codes = [Codes::One(503)].into());
    let mut world = begin_with(setup);
    world.trigger("main", failed(503));
    world.expect_silence_until("20");
    world.run_until(at("20"));
    world.trigger("main", failed(403));
    world.expect_at("20", sent("REGISTER").to(REGISTRAR));
}

// rule N2
fn a_lost_connection_refreshes_at_once() {
    let mut world = begin(main());
    world.trigger("main", Trigger::ConnectionLost);
    world.expect_at("10", sent("REGISTER").to(REGISTRAR).asking(180));
    world.expect_silence_until("100.020");
    let setup = Setup::new()
        .account(main())
        .registration(|it| it.re_register_on_connection_failure = false);
    let mut world = begin_with(setup);
    world.trigger("main", Trigger::ConnectionLost);
    world.expect_silence_until("90.020");
}

// rules N2, S7
fn a_lost_connection_is_not_counted_among_the_triggers() {
    let mut world = begin(main().options(ims));
    world.trigger("main", failed(403));
    world.expect_at("10", sent("REGISTER"));
    for second in 11..15 {
        world.run_until(at("0") + Duration::from_secs(second));
        world.trigger("main", Trigger::ConnectionLost);
        world.expect_at(&second.to_string(), sent("REGISTER").to(REGISTRAR));
    }
}
