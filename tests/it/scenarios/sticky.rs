//! Which registrar a refresh goes to, and what becomes of an Account whose registrar is lost (rules
//! S1–S6, S11, S14, P6).

use std::net::{IpAddr, SocketAddr};

use libtest_mimic::Trial;
use regent::config::{KeepAlive, LoadBalancing, MoveWhenLost, ProxyAddress, ProxySet, Redundancy};
use regent::effect::Phase;
use regent::sim::{AccountSetup, Behaviour, Setup, World, at};
use regent::time::Duration;

use super::members::{
    MODES, Mode, X, Y, Z, alone, begin, behaves, closes, falls_silent, invite_fails, line, probed,
    swapping, then, three,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_refresh_goes_to_the_current_member_or_to_the_bound_one,
        load_balancing_chooses_for_those_that_follow_no_binding,
        homing_goes_back_and_parking_stays,
        homing_takes_options,
        accounts_of_one_set_share_its_current_member,
        an_offline_registrar_is_left_as_the_mode_has_it,
        an_offline_registrar_is_left_as_the_setting_has_it,
        a_registrar_without_answer_is_left_as_the_mode_has_it,
        a_registrar_that_fails_is_left_as_the_mode_has_it,
        a_rejection_moves_an_account_as_the_mode_has_it,
        refused_credentials_and_6xx_move_nobody_but_in_mode_ims,
        a_registrar_that_left_the_list_is_left_as_the_mode_has_it,
        who_could_not_leave_with_the_list_does_so_when_one_comes_back,
        nobody_goes_at_once_to_one_that_is_offline_but_in_mode_ims,
        when_one_comes_back_it_is_gone_to_at_once,
        a_registrar_that_answers_again_is_not_left,
        one_that_falls_silent_on_its_way_back_is_left,
        at_once_is_never_at_the_one_that_failed,
        the_binding_stands_while_another_member_answers,
        the_binding_stands_while_nobody_answers_and_then_ends,
        a_rejection_ends_the_binding_while_another_member_answers,
        a_refresh_waits_for_no_retry_after_where_it_has_another,
        a_failed_invite_registers_anew,
        the_registrar_where_the_invite_failed_comes_last_with_hot_swap,
        a_failed_invite_is_heeded_only_where_it_should_be,
    ]
}

fn refusing(code: u16) -> Behaviour {
    Behaviour::refusing(code)
}

fn homing(set: &mut ProxySet) {
    probed(set);
    set.redundancy = Redundancy::Homing;
}

/// Each mode does as this says, in the order of `MODES`: disable, enable-for-non-register, enable,
/// ims, avoid.
#[track_caller]
fn each(
    wanted: [&str; 5],
    until: &str,
    setup: impl Fn(Setup) -> Setup,
    change: impl Fn(&mut World),
) {
    for (mode, wanted) in MODES.into_iter().zip(wanted) {
        let mut world = begin(setup(three(mode)));
        change(&mut world);
        assert_eq!(line(&mut world, until), wanted, "{mode:?}");
    }
}

/// X is away at first, and back when the refresh at Y is due.
fn x_comes_back(world: &mut World) {
    closes(world, "0", X, true);
    closes(world, "40", X, false);
}

// rules S2, S3, S4, S8
fn a_refresh_goes_to_the_current_member_or_to_the_bound_one() {
    let wanted = [
        "0 X, 30 Y, 120 X, 210 X",
        "0 X, 30 Y, 120 X, 210 X",
        "0 X, 30 Y, 120 Y, 210 Y",
        "0 X Y, 90 Y, 180 Y",
        "0 X, 30 Y, 120 X, 210 X",
    ];
    each(wanted, "210", |setup| setup.set(homing), x_comes_back);
}

// rules S2, S3, S4, P6
fn load_balancing_chooses_for_those_that_follow_no_binding() {
    let round = |setup: Setup| setup.set(|set| set.load_balancing = LoadBalancing::RoundRobin);
    let wanted = [
        "0 X, 90 Y, 180 Z, 270 X",
        "0 X, 90 Y, 180 Z, 270 X",
        "0 X, 90 X, 180 X, 270 X",
        "0 X, 90 X, 180 X, 270 X",
        "0 X, 90 X, 180 X, 270 X",
    ];
    each(wanted, "270", round, |_| {});
}

// rule P6
fn homing_goes_back_and_parking_stays() {
    let with = |set: fn(&mut ProxySet)| {
        let mut world = begin(three(Mode::Disable).set(set));
        x_comes_back(&mut world);
        closes(&mut world, "130", Y, true);
        line(&mut world, "390")
    };
    // X is back at 70: its probe of 60 was good, and the one after it.
    assert_eq!(with(homing), "0 X, 30 Y, 120 X, 210 X, 300 X, 390 X");
    // Y's probe of 180 has failed.
    assert_eq!(with(probed), "0 X, 30 Y, 120 Y, 210 X, 300 X, 390 X");
}

// rule P6: with any other keep-alive it parks
fn homing_takes_options() {
    for keep_alive in [KeepAlive::Disable, KeepAlive::FakeRegister] {
        let setup = three(Mode::Disable).set(homing);
        let mut world = begin(setup.set(move |set| set.keep_alive = keep_alive));
        x_comes_back(&mut world);
        assert_eq!(line(&mut world, "210"), "0 X, 30 Y, 120 Y, 210 Y");
    }
}

// rules S1, S2, S3: where one Account has found that a member is silent, the others need not
fn accounts_of_one_set_share_its_current_member() {
    let other = AccountSetup::new("other").or_at(Y).or_at(Z);
    let mut world = begin(three(Mode::Enable).account(other));
    falls_silent(&mut world, "80", X);
    then(&mut world, "80", |world| {
        world.refresh("other");
    });
    // The refresh of `main` at 90 is bound to X, and gets no answer until 122.
    assert_eq!(line(&mut world, "122"), "0 X, 90 X, 122 Y");
    world.run_until(at("142"));
    assert_eq!(world.status("other").registrar, Some(Y));
}

// rules S14, P4: the probe of 60 is refused; refreshes are due at 90
fn an_offline_registrar_is_left_as_the_mode_has_it() {
    let wanted = [
        "0 X, 90 Y",
        "0 X, 90 Y",
        "0 X, 60 Y",
        "0 X, 60 Y",
        "0 X, 90 Y",
    ];
    let away = |world: &mut World| closes(world, "20", X, true);
    each(wanted, "149", |setup| setup.set(probed), away);
    // Hot swap changes nothing about that.
    let swapped = |setup: Setup| setup.set(probed).set(swapping);
    each(wanted, "149", swapped, away);
}

// rule S14: a registration in mode ims begins with the first in the order, even so (rule S7)
fn an_offline_registrar_is_left_as_the_setting_has_it() {
    let later = "0 X, 90 Y";
    for (when, wanted) in [
        (MoveWhenLost::AtOnce, ["0 X, 60 Y"; 5]),
        (
            MoveWhenLost::NextRegister,
            [later, later, later, "0 X, 90 X Y", later],
        ),
    ] {
        let setup = |setup: Setup| {
            let setup = setup.set(probed);
            setup.registration(move |it| it.move_when_registrar_lost = when)
        };
        let away = |world: &mut World| closes(world, "20", X, true);
        each(wanted, "149", setup, away);
    }
}

// rules S14, X1
fn a_registrar_without_answer_is_left_as_the_mode_has_it() {
    let silent = |world: &mut World| falls_silent(world, "80", X);
    let wanted = [
        "0 X, 90 X, 152 Y",
        "0 X, 90 X, 152 Y",
        "0 X, 90 X, 122 Y",
        "0 X, 90 X, 122 Y",
        "0 X, 90 X, 122 Y",
    ];
    each(wanted, "200", |setup| setup, silent);
    let wanted = [
        "0 X, 90 X, 93.5 Y",
        "0 X, 90 X, 93.5 Y",
        "0 X, 90 X, 93.5 Y",
        "0 X, 90 X, 93.5 Y",
        "0 X, 90 X, 122 Y",
    ];
    each(wanted, "183", |setup| setup.set(swapping), silent);
}

// rule S14: 408 and 5xx
fn a_registrar_that_fails_is_left_as_the_mode_has_it() {
    for code in [408, 500, 503, 599] {
        let failing = |world: &mut World| behaves(world, "80", X, refusing(code));
        let wanted = [
            "0 X, 90 X, 120 X, 150 X",
            "0 X, 90 X, 120 X, 150 X",
            "0 X, 90 X Y",
            "0 X, 90 X Y",
            "0 X, 90 X Y",
        ];
        each(wanted, "179", |setup| setup, failing);
        each(
            ["0 X, 90 X Y"; 5],
            "179",
            |setup| setup.set(swapping),
            failing,
        );
    }
}

// rules S14, L5
fn a_rejection_moves_an_account_as_the_mode_has_it() {
    for code in [302, 400, 403, 404, 480, 486] {
        let rejecting = |world: &mut World| behaves(world, "80", X, refusing(code));
        let wanted = [
            "0 X, 90 X, 120 X, 150 X",
            "0 X, 90 X, 120 X, 150 X",
            "0 X, 90 X Y",
            "0 X, 90 X Y",
            "0 X, 90 X Y",
        ];
        each(wanted, "179", |setup| setup, rejecting);
        each(wanted, "179", |setup| setup.set(swapping), rejecting);
    }
}

// rules S14, S7, L3
fn refused_credentials_and_6xx_move_nobody_but_in_mode_ims() {
    let stays = "0 X, 90 X, 120 X, 150 X";
    let wanted = [stays, stays, stays, "0 X, 90 X Y", stays];
    each(
        wanted,
        "179",
        |setup| setup.set(swapping),
        |world| {
            behaves(world, "80", X, refusing(603));
        },
    );
    let stays = "0 X, 90 X, 690 X";
    let wanted = [stays, stays, stays, "0 X, 90 X Y", stays];
    let until = |mode| if mode == Mode::Ims { "179" } else { "690" };
    for (mode, wanted) in MODES.into_iter().zip(wanted) {
        let mut world = begin(three(mode).set(swapping));
        // A challenge that nobody can answer.
        behaves(&mut world, "80", X, refusing(401));
        assert_eq!(line(&mut world, until(mode)), wanted, "{mode:?}");
    }
}

/// `main` at a name of its own for each member; X's is Y's from 40 on, which is found out at 60.
fn x_leaves(mode: Mode, change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> World {
    let names = ["x.example", "y.example", "z.example"];
    let setup = three(mode).set(move |set| {
        set.proxies = names.map(|name| ProxyAddress::named(name, None)).into();
        change(set);
    });
    let mut world = begin(setup);
    let hosts = [1, 2, 3].map(|last| IpAddr::from([10, 0, 1, last]));
    for (name, host) in names.iter().zip(hosts) {
        world.dns().addresses(name, 60, &[host]);
        let registrar = world.registrar_at(SocketAddr::new(host, 5060));
        registrar.behave(Behaviour::open());
    }
    then(&mut world, "40", move |world| {
        world.dns().addresses("x.example", 60, &[hosts[1]]);
    });
    world
}

// rules S5, S14, L5
fn a_registrar_that_left_the_list_is_left_as_the_mode_has_it() {
    for (mode, when) in MODES.into_iter().zip(["90", "60", "60", "60", "60"]) {
        let mut world = x_leaves(mode, |_| {});
        let y = SocketAddr::new([10, 0, 1, 2].into(), 5060);
        let late = Behaviour::open().late(Duration::from_secs(1));
        world.registrar_at(y).behave(late);
        world.run_until(at(when));
        let bound = |world: &mut World| world.status("main").registrar;
        assert_ne!(bound(&mut world), Some(y), "{mode:?}");
        world.expect_phase("main", Phase::Registered);
        world.run_until(at(when) + Duration::from_millis(999));
        assert_eq!(world.registrar_at(y).counts().registers, 1, "{mode:?}");
        world.run_until(at(when) + Duration::from_secs(1));
        assert_eq!(bound(&mut world), Some(y), "{mode:?}");
        let phases = world.phases("main");
        assert_eq!(phases.len(), 1, "{mode:?}: {phases:?}");
    }
}

// rules S5, S14: X leaves at 60, while nobody else is there; the probes of 120 and 130 find Y back
fn who_could_not_leave_with_the_list_does_so_when_one_comes_back() {
    let mut world = x_leaves(Mode::Enable, probed);
    let [x, y, z] = [1, 2, 3].map(|last| SocketAddr::new([10, 0, 1, last].into(), 5060));
    let long = Behaviour::open().grants(900);
    world.registrar_at(x).behave(long);
    for member in [y, z] {
        closes(&mut world, "0", member, true);
    }
    closes(&mut world, "100", y, false);
    world.run_until(at("129.999"));
    assert_eq!(world.status("main").registrar, Some(x));
    world.run_until(at("130"));
    assert_eq!(world.status("main").registrar, Some(y));
}

// rule S14: the probes of 60 are refused, X's first
fn nobody_goes_at_once_to_one_that_is_offline_but_in_mode_ims() {
    let away = |world: &mut World| {
        for member in [Z, Y] {
            closes(world, "70", member, true);
        }
        closes(world, "130", X, true);
    };
    // At 120 Y and Z are offline; X is found to be at 180, when its refresh is under way as well:
    // by its probe, so that it is left, and does not come last in the pass (rule S7).
    let wanted = [
        "0 X, 90 X, 180 X, 210 X",
        "0 X, 90 X, 180 X, 210 X",
        "0 X, 90 X, 180 X, 210 X",
        "0 X, 90 X, 180 X Y Z, 210 X Y Z",
        "0 X, 90 X, 180 X Y, 210 Z",
    ];
    let setup = |setup: Setup| setup.set(probed);
    each(wanted, "239", setup, away);
}

// rules S14, P4
fn when_one_comes_back_it_is_gone_to_at_once() {
    let mut world = begin(three(Mode::Enable).set(probed));
    for member in [X, Y, Z] {
        closes(&mut world, "20", member, true);
    }
    closes(&mut world, "150", Z, false);
    // X is left for Y, before Y's probe has come back. Y fails, so X and Y are tried in turn; Z's
    // probes of 180 and 190 are good.
    assert_eq!(
        line(&mut world, "279"),
        "0 X, 60 Y, 90 X, 120 Y, 150 Z, 240 Z"
    );
    let mut world = begin(three(Mode::Enable).set(probed));
    for member in [Y, Z] {
        closes(&mut world, "20", member, true);
    }
    closes(&mut world, "100", X, true);
    closes(&mut world, "130", Z, false);
    // The probe of X fails at 120, when nobody else is online; Z is at 190.
    assert_eq!(line(&mut world, "279"), "0 X, 90 X, 180 X, 190 Z");
}

// rules S14, P4: Z has answered at 150, and counts as offline until its probe of 160
fn a_registrar_that_answers_again_is_not_left() {
    let mut world = begin(three(Mode::Enable).set(probed));
    for member in [X, Y, Z] {
        closes(&mut world, "20", member, true);
    }
    for member in [X, Y, Z] {
        closes(&mut world, "149", member, false);
    }
    // X and Y are online at 190.
    assert_eq!(line(&mut world, "239"), "0 X, 60 Y, 90 X, 120 Y, 150 Z");
}

// rules S14, P4: X is online at 210, after four good probes. Y has answered at 200 and is not left
// for it, until its probe of 220 is refused
fn one_that_falls_silent_on_its_way_back_is_left() {
    let setup = three(Mode::Enable).set(|set| {
        probed(set);
        set.success_detection_retries = 3;
    });
    let mut world = begin(setup.registration(|it| it.registration_retry_secs = 70));
    for member in [X, Y, Z] {
        closes(&mut world, "20", member, true);
    }
    closes(&mut world, "150", X, false);
    closes(&mut world, "190", Y, false);
    closes(&mut world, "215", Y, true);
    assert_eq!(line(&mut world, "309"), "0 X, 60 Y, 130 X, 200 Y, 220 X");
}

// rule S14: never at once at the one that failed
fn at_once_is_never_at_the_one_that_failed() {
    for mode in MODES {
        for code in [408, 403, 503] {
            let mut world = begin(alone(mode).set(swapping));
            behaves(&mut world, "80", X, refusing(code));
            assert_eq!(
                line(&mut world, "149"),
                "0 X, 90 X, 120 X",
                "{mode:?} {code}"
            );
        }
    }
}

// rules L5, S14: X is silent from 80 on; Y takes five seconds
fn the_binding_stands_while_another_member_answers() {
    let mut world = begin(three(Mode::Enable));
    falls_silent(&mut world, "80", X);
    behaves(
        &mut world,
        "80",
        Y,
        Behaviour::open().late(Duration::from_secs(5)),
    );
    world.run_until(at("126.999"));
    let status = world.status("main");
    assert_eq!(
        (status.phase, status.registrar),
        (Phase::Registered, Some(X))
    );
    assert_eq!(status.binding_until, Some(world.unix(at("180"))));
    world.run_until(at("127"));
    let status = world.status("main");
    assert_eq!(
        (status.phase, status.registrar),
        (Phase::Registered, Some(Y))
    );
    assert_eq!(status.binding_until, Some(world.unix(at("307"))));
    assert_eq!(world.phases("main"), [(at("0"), Phase::Registered)]);
    assert!(status.backup_registrar_used);
}

// rules L5, S14
fn the_binding_stands_while_nobody_answers_and_then_ends() {
    let mut world = begin(three(Mode::Enable));
    for member in [X, Y, Z] {
        behaves(&mut world, "80", member, refusing(503));
    }
    assert_eq!(line(&mut world, "149"), "0 X, 90 X Y, 120 X");
    world.expect_phase("main", Phase::Registered);
    world.expect_phase_at("180", "main", Phase::WaitingToRetry);
}

// rules L5, S14: the rejection ends the binding, Y's 200 begins another one
fn a_rejection_ends_the_binding_while_another_member_answers() {
    let mut world = begin(three(Mode::Enable));
    behaves(&mut world, "80", X, refusing(403));
    behaves(
        &mut world,
        "80",
        Y,
        Behaviour::open().late(Duration::from_secs(1)),
    );
    assert_eq!(line(&mut world, "91"), "0 X, 90 X Y");
    let phases = [
        (at("0"), Phase::Registered),
        (at("90"), Phase::Registering),
        (at("91"), Phase::Registered),
    ];
    assert_eq!(world.phases("main"), phases);
}

// rule L3: a 5xx binds the registrar; the Account waits only where it has no other
fn a_refresh_waits_for_no_retry_after_where_it_has_another() {
    let patient = || refusing(503).with("Retry-After", "100");
    let wanted = [
        "0 X, 90 X, 120 Y, 210 X",
        "0 X, 90 X, 120 Y, 210 X",
        "0 X, 90 X Y, 180 Y",
        "0 X, 90 X Y, 180 Y",
        "0 X, 90 X Y, 180 Y",
    ];
    for (mode, wanted) in MODES.into_iter().zip(wanted) {
        let mut world = begin(three(mode));
        behaves(&mut world, "80", X, patient());
        behaves(&mut world, "200", X, Behaviour::open());
        assert_eq!(line(&mut world, "210"), wanted, "{mode:?}");
        let mut world = begin(alone(mode));
        behaves(&mut world, "80", X, patient());
        assert_eq!(line(&mut world, "190"), "0 X, 90 X, 190 X", "{mode:?}");
    }
}

fn re_registering(mode: Mode) -> Setup {
    three(mode).change("main", |account| {
        account.options(|account| account.re_register_on_invite_failure = true)
    })
}

// rules S11, L5: as an initial registration, and registered meanwhile
fn a_failed_invite_registers_anew() {
    for mode in [Mode::Disable, Mode::NonRegister, Mode::Enable, Mode::Avoid] {
        for code in [403, 408, 480] {
            let mut world = begin(re_registering(mode));
            behaves(
                &mut world,
                "1",
                X,
                Behaviour::open().late(Duration::from_secs(1)),
            );
            invite_fails(&mut world, "20", X, code);
            assert_eq!(line(&mut world, "21"), "0 X, 20 X", "{mode:?}");
            assert_eq!(world.phases("main"), [(at("0"), Phase::Registered)]);
            assert_eq!(line(&mut world, "111"), "0 X, 20 X, 111 X", "{mode:?}");
        }
    }
    // It does not follow the binding: X is back, and the current one by homing.
    let mut world = begin(re_registering(Mode::Enable).set(homing));
    x_comes_back(&mut world);
    invite_fails(&mut world, "80", Y, 408);
    assert_eq!(line(&mut world, "170"), "0 X, 30 Y, 80 X, 170 X");
}

// rule S11: by hot swap and these kinds of keep-alive; not in mode avoid
fn the_registrar_where_the_invite_failed_comes_last_with_hot_swap() {
    let keep_alives = [
        (KeepAlive::Disable, false),
        (KeepAlive::Options, true),
        (KeepAlive::OptionsOnActive, true),
        (KeepAlive::Register, true),
        (KeepAlive::FakeRegister, false),
    ];
    for (keep_alive, tells) in keep_alives {
        for (mode, swaps) in [
            (Mode::Disable, true),
            (Mode::NonRegister, true),
            (Mode::Enable, true),
            (Mode::Enable, false),
            (Mode::Avoid, true),
        ] {
            let setup = re_registering(mode).set(move |set| {
                (set.keep_alive, set.hot_swap) = (keep_alive, swaps);
            });
            let mut world = begin(setup);
            for member in [Y, Z] {
                world.registrar_at(member).behave(refusing(503));
            }
            invite_fails(&mut world, "20", X, 408);
            let is_last = tells && swaps && mode != Mode::Avoid;
            let wanted = if is_last {
                "0 X, 20 Y Z X"
            } else {
                "0 X, 20 X"
            };
            let line = line(&mut world, "49");
            assert_eq!(line, wanted, "{mode:?}, {keep_alive:?}, swaps: {swaps}");
        }
    }
}

// rule S11
fn a_failed_invite_is_heeded_only_where_it_should_be() {
    let with = |setup: Setup, codes: &[(&'static str, u16)]| {
        let mut world = begin(setup);
        for (when, code) in codes {
            invite_fails(&mut world, when, X, *code);
        }
        line(&mut world, "89")
    };
    let setup = || re_registering(Mode::Enable);
    assert_eq!(with(three(Mode::Enable), &[("20", 408)]), "0 X", "off");
    assert_eq!(with(setup(), &[("20", 486), ("21", 500)]), "0 X");
    let too_soon = [("20", 408), ("29.999", 408), ("30", 408)];
    assert_eq!(with(setup(), &too_soon), "0 X, 20 X, 30 X");
    let codes = [regent::config::Codes::Class(5)];
    let setup = setup().registration(move |it| {
        it.account_invite_failure_trigger_codes = codes.into();
    });
    assert_eq!(with(setup, &[("20", 408), ("21", 500)]), "0 X, 21 X");
}
