//! Losses of many Accounts are one message (rule T3).

use std::collections::BTreeMap;
use std::sync::Arc;

use libtest_mimic::Trial;
use regent::config::{Alert, Stickiness, TimeLimit};
use regent::effect::NoticeKind::{self, Lost, Resolved, TimedOut};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at};
use regent::time::{Duration, Instant};

use super::{Y, begin, good_again, ops, refused, silent, watched};
use crate::harness::LONG;

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        a_registrars_death_is_one_message_for_a_hundred_accounts,
        a_hundred_alerts_time_out_in_one_message,
        a_hundred_accounts_that_move_in_time_raise_nothing,
        losses_within_ten_seconds_are_one_message_and_their_ends_too,
        losses_at_two_registrars_are_two_messages,
        a_message_waits_for_those_that_are_still_checked,
        who_is_back_before_the_message_leaves_is_not_in_it,
        time_outs_within_ten_seconds_are_one_message,
        a_stop_tells_what_waits,
        a_restart_keeps_what_belongs_together,
    ];
    trials.extend(trials![[LONG];
        ten_thousand_accounts_are_one_message,
    ]);
    trials
}

fn hundred(count: u32) -> Setup {
    Setup::many(count).alert(brief()).set(watched)
}

fn brief() -> Alert {
    Alert {
        time_limit: TimeLimit::Hour,
        ..ops()
    }
}

/// How many Accounts were in each notice: when, what about.
fn counts(world: &World) -> Vec<(Instant, NoticeKind, usize)> {
    let notices = world.notices();
    let counted = notices.map(|(when, it)| (when, it.kind, it.accounts.len()));
    counted.collect()
}

/// How often each Account was in a notice of this kind.
fn told(world: &World, kind: NoticeKind) -> BTreeMap<Arc<str>, u32> {
    let mut told = BTreeMap::new();
    for (_, notice) in world.notices().filter(|(_, it)| it.kind == kind) {
        for account in &notice.accounts {
            *told.entry(Arc::clone(&account.account)).or_default() += 1;
        }
    }
    told
}

// rules T2, T3
fn a_registrars_death_is_one_message_for_a_hundred_accounts() {
    death(100);
}

fn ten_thousand_accounts_are_one_message() {
    death(10_000);
}

fn death(count: u32) {
    let mut world = begin(hundred(count));
    silent(&mut world, REGISTRAR, "95", "300");
    let count = count as usize;
    world.run_until(at("299"));
    assert_eq!(counts(&world), [(at("190.500"), Lost, count)]);
    let (_, notice) = world.notices().next().expect("a notice");
    let names: Vec<_> = notice.accounts.iter().map(|it| &it.account).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(world.alerts().len(), count);
    world.run_until(at("600"));
    let counts = counts(&world);
    assert!((2..=3).contains(&counts.len()), "{counts:?}");
    assert!(counts[1..].iter().all(|(_, kind, _)| *kind == Resolved));
    let resolved = told(&world, Resolved);
    assert_eq!(resolved.len(), count);
    assert!(resolved.values().all(|times| *times == 1));
    assert_eq!(world.alerts().len(), 0);
}

// rule T3
fn a_hundred_alerts_time_out_in_one_message() {
    let mut world = begin(hundred(100));
    silent(&mut world, REGISTRAR, "95", "9000");
    world.run_until(at("9100"));
    let wanted = [(at("190.500"), Lost, 100), (at("3790.500"), TimedOut, 100)];
    assert_eq!(counts(&world), wanted);
}

// rules T2, S14
fn a_hundred_accounts_that_move_in_time_raise_nothing() {
    let mut setup = Setup::new().alert(ops()).set(watched);
    for number in 0..100 {
        let account = AccountSetup::new(&format!("a{number:02}")).or_at(Y);
        let sticky = account.options(|it| it.registrar_stickiness = Stickiness::Enable);
        setup = setup.account(sticky);
    }
    let mut world = begin(setup);
    world.registrar_at(Y).behave(Behaviour::open());
    silent(&mut world, REGISTRAR, "95", "1000");
    world.expect_notices("900", &[]);
    assert_eq!(world.member(Y).accounts_bound, 100);
}

fn few(names: &[&str]) -> Setup {
    let accounts = names.iter().map(|name| AccountSetup::new(name));
    accounts.fold(Setup::new().alert(brief()), Setup::account)
}

/// `a` is lost at 100.020, `b` at 105.020, `c` at 110.020, `d` at 110.021. Each is tried again
/// 30 s after its last answer.
fn spread() -> World {
    let mut world = begin(few(&["a", "b", "c", "d"]));
    for (when, account) in [
        ("100", &["a"]),
        ("105", &["b"]),
        ("110", &["c"]),
        ("110.001", &["d"]),
    ] {
        refused(&mut world, when, account);
    }
    world
}

// rule T3
fn losses_within_ten_seconds_are_one_message_and_their_ends_too() {
    let mut world = spread();
    world.expect_alerts("190.020", "a/ops");
    world.expect_alerts("195.020", "a/ops b/ops");
    world.expect_notices("200.019999", &[]);
    good_again(&mut world, "300");
    world.expect_notices(
        "500",
        &[
            ("200.020", Lost, "ops", "a b c"),
            ("200.021", Lost, "ops", "d"),
            // Back at 310.160, 315.160, 320.160 and 320.161.
            ("320.160", Resolved, "ops", "a b c"),
            ("320.161", Resolved, "ops", "d"),
        ],
    );
}

// rule T3
fn losses_at_two_registrars_are_two_messages() {
    let other = AccountSetup::new("other").at(Y);
    let mut world = begin(Setup::one().account(other).alert(ops()).set(watched));
    world.registrar_at(Y).behave(Behaviour::open());
    silent(&mut world, REGISTRAR, "95", "1000");
    silent(&mut world, Y, "95", "1000");
    world.run_until(at("900"));
    let told: Vec<_> = world
        .notices()
        .map(|(when, it)| (when, it.registrar, it.accounts.len()))
        .collect();
    assert_eq!(told, [(at("190.500"), REGISTRAR, 1), (at("190.500"), Y, 1)]);
}

// rule T3
fn a_message_waits_for_those_that_are_still_checked() {
    // `b` is back at 165.060: after its second check, and before its third at 195.020.
    let mut world = begin(few(&["a", "b"]));
    refused(&mut world, "100", &["a"]);
    refused(&mut world, "105", &["b"]);
    world.at(at("140"), |world| {
        let aor = "b@sim.example";
        world.registrar().behave_for(aor, Behaviour::open());
    });
    world.expect_notices("300", &[("195.020", Lost, "ops", "a")]);
    // Nobody waits for one that is not checked any more.
    let mut world = begin(few(&["a", "b"]));
    refused(&mut world, "100", &["a"]);
    refused(&mut world, "105", &["b"]);
    world.at(at("140"), |world| {
        world.unregister("b");
    });
    world.expect_notices("300", &[("190.020", Lost, "ops", "a")]);
}

// rule T3
fn who_is_back_before_the_message_leaves_is_not_in_it() {
    // `a` is raised at 190.020 and back at 190.080; the message waits for `b` until 199.020.
    let mut world = begin(few(&["a", "b"]));
    refused(&mut world, "100", &["a"]);
    refused(&mut world, "109", &["b"]);
    world.at(at("190.030"), |world| {
        let aor = "a@sim.example";
        world.registrar().behave_for(aor, Behaviour::open());
    });
    world.expect_alerts("190.020", "a/ops");
    world.expect_alerts("191", "");
    world.expect_notices("1000", &[("199.020", Lost, "ops", "b")]);
}

// rule T3
fn time_outs_within_ten_seconds_are_one_message() {
    let mut world = spread();
    // Raised at 190.020, 195.020, 200.020 and 200.021: the last is not within 10 s of the first.
    world.run_until(at("4000"));
    let outs: Vec<_> = world
        .notices()
        .filter(|(_, it)| it.kind == TimedOut)
        .map(|(when, it)| (when, it.accounts.len()))
        .collect();
    assert_eq!(outs, [(at("3800.020"), 3), (at("3800.021"), 1)]);
}

// rule T3
fn a_stop_tells_what_waits() {
    let mut world = spread();
    good_again(&mut world, "300");
    world.at(at("312"), |world| {
        world.shutdown();
    });
    world.expect_notices(
        "400",
        &[
            ("200.020", Lost, "ops", "a b c"),
            ("200.021", Lost, "ops", "d"),
            ("312.020", Resolved, "ops", "a"),
        ],
    );
}

// rule T3
fn a_restart_keeps_what_belongs_together() {
    let setup = few(&["a", "b"]).store(Duration::from_millis(5));
    let mut world = begin(setup);
    refused(&mut world, "100", &["a"]);
    refused(&mut world, "105", &["b"]);
    // `a` is raised, and nobody was told of it.
    world.at(at("192"), World::kill);
    world.at(at("193"), World::start);
    world.expect_notices("300", &[("195.020", Lost, "ops", "a b")]);
}
