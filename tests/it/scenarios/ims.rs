//! Search mode ims: through the list in order, and refreshes that a call brings about (rule S7).

use std::net::IpAddr;

use libtest_mimic::Trial;
use regent::config::ProxyAddress;
use regent::effect::{Phase, Trigger};
use regent::locate::RecordKind;
use regent::sim::{Behaviour, Setup, Shows, World, at};

use super::members::{
    Mode, X, Y, Z, alone, begin, behaves, closes, every_send, falls_silent, invite_fails, line,
    probed, swapping, then, three,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        each_member_has_three_transmissions_and_then_the_next_one_its_turn,
        any_failure_goes_to_the_next_at_once,
        members_that_are_offline_are_asked_too,
        a_registration_goes_on_where_it_was_granted,
        a_registrar_whose_refresh_failed_comes_last,
        it_never_comes_right_behind_its_own_failure,
        a_refresh_has_all_the_patience,
        after_a_pass_comes_the_longest_wait_and_then_the_first_again,
        refused_credentials_make_the_wait_of_the_whole_pass,
        a_member_under_a_retry_after_is_left_out,
        a_new_registration_asks_dns_anew_and_a_refresh_does_not,
        an_invite_that_fails_refreshes_at_the_bound_registrar,
        an_invite_from_elsewhere_does_too,
        a_link_that_comes_up_again_does_too,
        triggers_that_come_too_soon_are_dropped,
        triggers_while_a_register_is_under_way_are_dropped,
        other_modes_have_no_such_triggers,
    ]
}

fn ims() -> Setup {
    three(Mode::Ims)
}

fn refusing(code: u16) -> Behaviour {
    Behaviour::refusing(code)
}

// rules S7, X1
fn each_member_has_three_transmissions_and_then_the_next_one_its_turn() {
    let mut world = begin(ims());
    for member in [X, Y, Z] {
        falls_silent(&mut world, "0", member);
    }
    assert_eq!(
        every_send(&mut world, "40.5"),
        "0 X, 0.5 X, 1.5 X, 3.5 Y, 4 Y, 5 Y, 7 Z, 7.5 Z, 8.5 Z, 40.5 X"
    );
    assert_eq!(world.status("main").failures, 1, "a pass is one attempt");
}

// rule S7, table A
fn any_failure_goes_to_the_next_at_once() {
    let answers = [
        302, 400, 403, 404, 408, 420, 423, 480, 486, 500, 503, 600, 603,
    ];
    let mut failures: Vec<(String, Behaviour)> = Vec::new();
    for code in answers {
        failures.push((code.to_string(), refusing(code)));
    }
    failures.push((
        "nothing granted".to_owned(),
        Behaviour::open().grants(0).shows(Shows::Header),
    ));
    failures.push(("401 without a challenge".to_owned(), refusing(401)));
    for (name, failure) in failures {
        let mut world = begin(ims());
        world.registrar_at(X).behave(failure);
        assert_eq!(line(&mut world, "90"), "0 X Y, 90 Y", "{name}");
    }
    // The repeat with credentials is X's too.
    let mut world = begin(ims());
    let refuses = Behaviour::digest().refuse(403).once_authenticated();
    world.registrar_at(X).behave(refuses);
    assert_eq!(line(&mut world, "90"), "0 X X Y, 90 Y");
}

// rules S7, P4: strictly in order, online or not
fn members_that_are_offline_are_asked_too() {
    let mut world = begin(ims().set(probed));
    closes(&mut world, "0", X, true);
    behaves(&mut world, "80", Y, refusing(403));
    // The refresh at Y is rejected; Z is next, and X, which is offline, before it.
    assert_eq!(line(&mut world, "90"), "0 X Y, 90 Y X Z");
}

// rules S7, S3
fn a_registration_goes_on_where_it_was_granted() {
    let mut world = begin(ims());
    closes(&mut world, "0", X, true);
    closes(&mut world, "1", X, false);
    assert_eq!(line(&mut world, "270"), "0 X Y, 90 Y, 180 Y, 270 Y");
}

// rule S7
fn a_registrar_whose_refresh_failed_comes_last() {
    let mut world = begin(ims());
    closes(&mut world, "0", X, true);
    closes(&mut world, "1", X, false);
    for member in [X, Y, Z] {
        behaves(&mut world, "80", member, refusing(503));
    }
    assert_eq!(line(&mut world, "119"), "0 X Y, 90 Y X Z Y");
    // In the next pass it is one of all again; the binding of 0 stands until 180 (rule L5).
    assert_eq!(line(&mut world, "149"), "0 X Y, 90 Y X Z Y, 120 X Y Z");
    world.expect_phase("main", Phase::Registered);
    world.run_until(at("180"));
    world.expect_phase("main", Phase::WaitingToRetry);
}

// rule S7
fn it_never_comes_right_behind_its_own_failure() {
    let mut world = begin(alone(Mode::Ims));
    behaves(&mut world, "80", X, refusing(503));
    assert_eq!(line(&mut world, "149"), "0 X, 90 X, 120 X");
}

// rules S7, P7: the patience of a refresh is hot swap's to shorten
fn a_refresh_has_all_the_patience() {
    let mut world = begin(ims());
    falls_silent(&mut world, "80", X);
    assert_eq!(line(&mut world, "122"), "0 X, 90 X, 122 Y");
    let mut world = begin(ims().set(swapping));
    falls_silent(&mut world, "80", X);
    assert_eq!(line(&mut world, "94"), "0 X, 90 X, 93.5 Y");
}

// rules S7, L3
fn after_a_pass_comes_the_longest_wait_and_then_the_first_again() {
    let patient = |secs| refusing(503).with("Retry-After", secs);
    for (waits, next) in [
        (["0", "0", "0"], "30"),
        (["100", "0", "0"], "100"),
        (["0", "150", "100"], "150"),
    ] {
        let mut world = begin(ims());
        for (member, secs) in [X, Y, Z].into_iter().zip(waits) {
            world.registrar_at(member).behave(patient(secs));
        }
        assert_eq!(line(&mut world, next), format!("0 X Y Z, {next} X Y Z"));
    }
    // A Retry-After with a 4xx counts as any other, and does not end the pass.
    let mut world = begin(ims());
    let busy = refusing(486).with("Retry-After", "70");
    world.registrar_at(X).behave(busy);
    for member in [Y, Z] {
        world.registrar_at(member).behave(refusing(403));
    }
    assert_eq!(line(&mut world, "70"), "0 X Y Z, 70 X Y Z");
}

// rules S7, L3: credentials have a wait of their own, doubled each time
fn refused_credentials_make_the_wait_of_the_whole_pass() {
    let mut world = begin(ims());
    world.registrar_at(X).behave(refusing(401));
    for member in [Y, Z] {
        world.registrar_at(member).behave(refusing(503));
    }
    assert_eq!(line(&mut world, "1800"), "0 X Y Z, 600 X Y Z, 1800 X Y Z");
}

// rules S7, L3, L10
fn a_member_under_a_retry_after_is_left_out() {
    let mut world = begin(ims());
    let patient = refusing(503).with("Retry-After", "100");
    world.registrar_at(X).behave(patient);
    for member in [Y, Z] {
        world.registrar_at(member).behave(refusing(503));
    }
    then(&mut world, "10", |world| {
        world.register("main");
    });
    then(&mut world, "20", |world| {
        world.register_by_force("main");
    });
    assert_eq!(line(&mut world, "119"), "0 X Y Z, 10 Y Z, 20 X Y Z");
}

// rule S7
fn a_new_registration_asks_dns_anew_and_a_refresh_does_not() {
    let setup = ims().set(|set| set.proxies = vec![ProxyAddress::named("carrier.example", None)]);
    let setup = setup.registration(|it| it.dns_refresh_secs = 86_400);
    let mut world = begin(setup);
    let host: IpAddr = [10, 0, 1, 1].into();
    world.dns().addresses("carrier.example", 86_400, &[host]);
    let member = (host, 5060).into();
    world.registrar_at(member).behave(Behaviour::open());
    let mut asked = |until: &str| {
        world.run_until(at(until));
        if until == "200" {
            world.registrar_at(member).behave(refusing(403));
        }
        world.dns().asked("carrier.example", RecordKind::A)
    };
    assert_eq!(
        [asked("1"), asked("200")],
        [1, 1],
        "refreshed at 90 and 180"
    );
    assert_eq!([asked("299"), asked("300")], [1, 2], "rejected at 270");
    assert_eq!([asked("329"), asked("330")], [2, 3], "and again");
}

/// Registered at Y, since X was away at first.
fn at_y(setup: Setup) -> World {
    let mut world = begin(setup);
    closes(&mut world, "0", X, true);
    closes(&mut world, "1", X, false);
    world
}

// rule S7; no answer is 408
fn an_invite_that_fails_refreshes_at_the_bound_registrar() {
    for code in [403, 408, 480] {
        let mut world = at_y(ims());
        invite_fails(&mut world, "20", Y, code);
        assert_eq!(line(&mut world, "110"), "0 X Y, 20 Y, 110 Y", "{code}");
    }
    for code in [404, 486, 500, 503, 600] {
        let mut world = at_y(ims());
        invite_fails(&mut world, "20", Y, code);
        assert_eq!(line(&mut world, "90"), "0 X Y, 90 Y", "{code}");
    }
}

// rule S7
fn an_invite_from_elsewhere_does_too() {
    for (from, wanted) in [(X, "0 X Y, 20 Y"), (Y, "0 X Y"), (Z, "0 X Y, 20 Y")] {
        let mut world = at_y(ims());
        then(&mut world, "20", move |world| {
            world.trigger("main", Trigger::InviteFrom { from });
        });
        assert_eq!(line(&mut world, "89"), wanted);
    }
}

// rule S7: even though nobody is probed
fn a_link_that_comes_up_again_does_too() {
    let mut world = at_y(ims());
    then(&mut world, "20", |world| {
        world.trigger("main", Trigger::LinkUp)
    });
    assert_eq!(line(&mut world, "89"), "0 X Y, 20 Y");
}

// rule S7
fn triggers_that_come_too_soon_are_dropped() {
    let mut world = at_y(ims());
    for when in ["20", "25", "29.999", "30", "35"] {
        invite_fails(&mut world, when, Y, 408);
    }
    assert_eq!(line(&mut world, "119"), "0 X Y, 20 Y, 30 Y");
    let mut world = at_y(ims().registration(|it| it.invite_trigger_min_secs = 0));
    for when in ["20", "20.5"] {
        invite_fails(&mut world, when, Y, 408);
    }
    assert_eq!(line(&mut world, "89"), "0 X Y, 20 Y, 20.5 Y");
}

// rules S7, I4
fn triggers_while_a_register_is_under_way_are_dropped() {
    let mut world = at_y(ims());
    falls_silent(&mut world, "80", Y);
    invite_fails(&mut world, "100", Y, 408);
    assert_eq!(line(&mut world, "121"), "0 X Y, 90 Y");
}

// rules S7, S11
fn other_modes_have_no_such_triggers() {
    for mode in [Mode::Disable, Mode::NonRegister, Mode::Enable, Mode::Avoid] {
        let mut world = begin(three(mode));
        invite_fails(&mut world, "20", X, 408);
        then(&mut world, "40", |world| {
            world.trigger("main", Trigger::InviteFrom { from: Z });
            world.trigger("main", Trigger::LinkUp);
        });
        assert_eq!(line(&mut world, "89"), "0 X", "{mode:?}");
    }
}
