//! What alerts do with what they are told, without a world around them.

use std::net::SocketAddr;
use std::sync::Arc;

use super::*;
use crate::config::{Account, Alert, Covered, TimeLimit, load};
use crate::effect::StoredAlertState;

pub(super) fn config(alerts: &[Alert]) -> Config {
    let text = include_str!("../../conf/minimal.toml");
    let config = load("t", text).config.expect("the smallest useful file");
    let named = |name: &str| Account {
        name: name.into(),
        ..(*config.accounts[0]).clone()
    };
    Config {
        alerts: alerts.iter().cloned().map(Arc::new).collect(),
        accounts: ["main", "other"].map(|it| Arc::new(named(it))).into(),
        ..config
    }
}

pub(super) fn at(seconds: u64) -> Clock {
    Clock {
        now: Instant::from_secs(seconds),
        unix_ms_at_zero: 1_000_000,
    }
}

pub(super) fn registrar(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

pub(super) fn loss(port: u16) -> Loss {
    Loss {
        identity: "sip:main@carrier.example".into(),
        source: None,
        registrar: registrar(port),
        server: Some("Sim/1.0".into()),
        user_agent: "regent".into(),
    }
}

fn main() -> Arc<str> {
    "main".into()
}

/// All checks up to this second fail.
fn fail_until(alerts: &mut Alerts, seconds: u64) {
    while let Some(due) = alerts.deadline().filter(|due| *due <= at(seconds).now) {
        let clock = Clock { now: due, ..at(0) };
        while let Some(account) = alerts.next_check(clock) {
            alerts.on_check(&account, false, clock);
        }
        alerts.settle(true, clock);
    }
}

fn kinds(alerts: &mut Alerts) -> Vec<(String, NoticeKind, usize)> {
    let notices = std::iter::from_fn(|| alerts.next_notice());
    notices
        .map(|it| (it.subscription.to_string(), it.kind, it.accounts.len()))
        .collect()
}

pub(super) fn ops() -> Alert {
    Alert::new("ops", Some("ops@example.net"), None)
}

// rule T2
#[test]
fn who_is_registered_takes_no_room() {
    let mut alerts = Alerts::new(&config(&[ops()]));
    assert!(alerts.is_empty() && alerts.deadline().is_none());
    assert!(alerts.on_loss(&main(), loss(5060), at(100)));
    assert_eq!(alerts.deadline(), Some(at(130).now));
    let account = alerts.next_check(at(130)).expect("a check");
    assert!(!alerts.on_check(&account, true, at(130)));
    assert!(alerts.is_empty() && alerts.deadline().is_none());
    let (removed, kept) = alerts.take_unsaved(at(130));
    assert_eq!((removed.len(), kept.len()), (1, 0));
    assert!(!alerts.is_unsaved());
}

// rule T3
#[test]
fn nobody_is_looked_at_for_whom_nobody_asked() {
    let named = Alert {
        accounts: Covered::named(["other", "another", "other"]),
        ..ops()
    };
    let mut alerts = Alerts::new(&config(&[named]));
    assert!(!alerts.on_loss(&main(), loss(5060), at(100)));
    assert!(alerts.covers("another") && alerts.covers("other"));
    assert!(alerts.is_empty());
}

// rule T2: a loss that is told twice is one loss.
#[test]
fn a_loss_begins_once() {
    let mut alerts = Alerts::new(&config(&[ops()]));
    assert!(alerts.on_loss(&main(), loss(5060), at(100)));
    assert!(!alerts.on_loss(&main(), loss(5062), at(110)));
    fail_until(&mut alerts, 1_000);
    assert_eq!(
        kinds(&mut alerts),
        [("ops".to_owned(), NoticeKind::Lost, 1)]
    );
    assert!(!alerts.on_loss(&main(), loss(5060), at(1_000)));
    assert_eq!(alerts.ongoing().count(), 1);
}

// rule T2: whoever slept over a check looks again, and does not raise an alert from that.
#[test]
fn a_check_that_comes_late_counts_once() {
    let mut alerts = Alerts::new(&config(&[ops()]));
    alerts.on_loss(&main(), loss(5060), at(100));
    let late = at(5_000);
    let account = alerts.next_check(late).expect("a check");
    assert!(alerts.on_check(&account, false, late));
    assert_eq!(alerts.next_check(late), None);
    assert_eq!(alerts.deadline(), Some(at(5_030).now));
}

// rule T3: each subscription has its limit, and hears of it apart from the others.
#[test]
fn subscriptions_end_apart() {
    let quick = Alert {
        time_limit: TimeLimit::Hour,
        ..Alert::new("quick", None, Some("http://127.0.0.1/"))
    };
    let silent = Alert {
        time_limit: TimeLimit::TwoHours,
        send_timeout: false,
        ..Alert::new("silent", None, Some("http://127.0.0.1/"))
    };
    let mut alerts = Alerts::new(&config(&[quick, silent, ops()]));
    alerts.on_loss(&main(), loss(5060), at(0));
    fail_until(&mut alerts, 3_689);
    assert_eq!((kinds(&mut alerts).len(), alerts.ongoing().count()), (3, 3));
    fail_until(&mut alerts, 3_690);
    let out = [("quick".to_owned(), NoticeKind::TimedOut, 1)];
    assert_eq!(kinds(&mut alerts), out);
    fail_until(&mut alerts, 8_000);
    assert_eq!((kinds(&mut alerts).len(), alerts.ongoing().count()), (0, 1));
    alerts.on_standing("main", Standing::Registered(registrar(5060)), at(8_001));
    alerts.settle(true, at(8_001));
    let back = [("ops".to_owned(), NoticeKind::Resolved, 1)];
    assert_eq!(kinds(&mut alerts), back);
    assert!(alerts.is_empty());
}

// rule T3: a notice that waits for others leaves before the next loss of its Account.
#[test]
fn a_new_loss_does_not_swallow_the_end_of_the_one_before() {
    let mut alerts = Alerts::new(&config(&[ops()]));
    for account in ["main", "other"] {
        alerts.on_loss(&account.into(), loss(5060), at(100));
    }
    fail_until(&mut alerts, 200);
    kinds(&mut alerts);
    alerts.on_standing("main", Standing::Registered(registrar(5060)), at(300));
    alerts.settle(true, at(300));
    assert_eq!(kinds(&mut alerts), [], "it waits for the other one");
    assert_eq!(alerts.ongoing().count(), 1);
    assert!(alerts.on_loss(&main(), loss(5060), at(305)));
    let back = [("ops".to_owned(), NoticeKind::Resolved, 1)];
    assert_eq!(kinds(&mut alerts), back);
    fail_until(&mut alerts, 400);
    let again = [("ops".to_owned(), NoticeKind::Lost, 1)];
    assert_eq!(kinds(&mut alerts), again);
}

// rule T3
#[test]
fn what_is_stored_comes_back_as_it_was() {
    let config = config(&[ops()]);
    let mut alerts = Alerts::new(&config);
    alerts.on_loss(&main(), loss(5060), at(100));
    alerts.on_loss(&"other".into(), loss(5060), at(150));
    fail_until(&mut alerts, 200);
    let (_, stored) = alerts.take_unsaved(at(200));
    assert_eq!(stored.len(), 2);
    let raised = |one: &&StoredAlertState| matches!(one, StoredAlertState::Raised { .. });
    let states: Vec<_> = stored.iter().map(|one| &one.state).collect();
    assert_eq!(states.iter().filter(|one| raised(one)).count(), 1);
    // The clock of another run, that started at second 150 of this one.
    let later = |seconds| Clock {
        now: Instant::from_secs(seconds),
        unix_ms_at_zero: 1_150_000,
    };
    let mut again = Alerts::new(&config);
    let known = |name: &str| Some(Arc::from(name));
    again.restore(stored.clone(), known, later(59));
    assert!(!again.is_unsaved(), "the store knows all of it");
    let rows = |alerts: &Alerts, clock| {
        let rows = alerts.ongoing();
        let shown = rows.map(|it| (it.lost_unix_ms(clock), it.started_unix_ms(clock)));
        shown.collect::<Vec<_>>()
    };
    assert_eq!(rows(&again, later(59)), rows(&alerts, at(209)));
    fail_until(&mut again, 100);
    let second = [("ops".to_owned(), NoticeKind::Lost, 1)];
    assert_eq!(kinds(&mut again), second, "the first was told before");
    // Who is not known any more is forgotten by the store as well.
    let mut third = Alerts::new(&config);
    third.restore(stored, |_| None, later(59));
    assert!(third.is_empty());
    assert_eq!(third.take_unsaved(later(59)).0.len(), 2);
}

/// `main` and `other` are lost, and `main` is back, which waits for `other`.
fn half_back(subscriptions: &[Alert]) -> Alerts {
    let mut alerts = Alerts::new(&config(subscriptions));
    for account in ["main", "other"] {
        alerts.on_loss(&account.into(), loss(5060), at(100));
    }
    fail_until(&mut alerts, 200);
    let told = kinds(&mut alerts);
    assert_eq!(told.len(), subscriptions.len());
    alerts.on_standing("main", Standing::Registered(registrar(5060)), at(300));
    alerts.settle(true, at(300));
    assert_eq!(kinds(&mut alerts), [], "it waits");
    alerts.take_changed();
    alerts
}

fn listed(alerts: &Alerts) -> String {
    let rows = alerts.ongoing();
    let rows = rows.map(|row| format!("{}/{}", row.account, row.subscription.name));
    rows.collect::<Vec<_>>().join(" ")
}

pub(super) fn hook(name: &str) -> Alert {
    Alert::new(name, None, Some("http://127.0.0.1/"))
}

// rules T3, G2: what waits, what goes on and what is listed belongs to a subscription and not to
// its place.
#[test]
fn subscriptions_that_change_places_stay_who_they_are() {
    let mut alerts = half_back(&[ops(), hook("gone"), hook("quiet")]);
    assert_eq!(listed(&alerts), "other/ops other/gone other/quiet");
    let quiet = Alert {
        send_resolution: false,
        ..hook("quiet")
    };
    alerts.reconfigure(&config(&[hook("new"), quiet, ops()]));
    assert_eq!(listed(&alerts), "other/quiet other/ops");
    assert_eq!(alerts.take_changed(), [main(), "other".into()]);
    let (_, stored) = alerts.take_unsaved(at(300));
    let open = stored.iter().map(|it| match &it.state {
        StoredAlertState::Raised { open, .. } => open.len(),
        StoredAlertState::Checking { .. } => 0,
    });
    assert_eq!(open.collect::<Vec<_>>(), [2, 2]);
    alerts.on_standing("other", Standing::Registered(registrar(5060)), at(305));
    alerts.settle(true, at(305));
    // `quiet` wanted to know of the first one when that was back.
    let back = [
        ("quiet".to_owned(), NoticeKind::Resolved, 1),
        ("ops".to_owned(), NoticeKind::Resolved, 2),
    ];
    assert_eq!(kinds(&mut alerts), back);
    assert!(alerts.is_empty() && alerts.deadline().is_none());
}

// rules T3, G2: nobody waits for what a subscription is not about any more.
#[test]
fn a_subscription_that_is_about_fewer_waits_for_those_only() {
    let mut alerts = half_back(&[hook("one"), ops()]);
    let fewer = Alert {
        accounts: Covered::named(["main"]),
        ..ops()
    };
    alerts.reconfigure(&config(&[fewer.clone(), hook("one")]));
    assert_eq!(listed(&alerts), "other/one");
    alerts.settle(true, at(301));
    let back = [("ops".to_owned(), NoticeKind::Resolved, 1)];
    assert_eq!(kinds(&mut alerts), back, "nobody else can join it");
    alerts.reconfigure(&config(&[fewer]));
    assert_eq!(listed(&alerts), "");
    alerts.settle(true, at(302));
    assert_eq!(kinds(&mut alerts), []);
    assert!(alerts.is_empty() && alerts.deadline().is_none());
}

// rule T3: a loss hastens what is told of its own Account, and nothing else.
#[test]
fn a_new_loss_leaves_the_others_waiting() {
    let mut alerts = Alerts::new(&config(&[ops()]));
    for (account, port) in [("a", 5060), ("b", 5060), ("c", 5062), ("d", 5062)] {
        alerts.on_loss(&account.into(), loss(port), at(100));
    }
    fail_until(&mut alerts, 200);
    kinds(&mut alerts);
    for (account, port) in [("a", 5060), ("c", 5062)] {
        let back = Standing::Registered(registrar(port));
        alerts.on_standing(account, back, at(300));
    }
    alerts.settle(true, at(300));
    assert_eq!(alerts.deadline(), Some(at(310).now));
    alerts.on_loss(&"a".into(), loss(5060), at(305));
    let back = [("ops".to_owned(), NoticeKind::Resolved, 1)];
    assert_eq!(kinds(&mut alerts), back);
    alerts.settle(true, at(310));
    assert_eq!(kinds(&mut alerts), back);
}
