//! What alerts cost the engine: as much as there are pairs of a subscription and an Account of
//! which something changes, however many there are of either (rules T2, T3).
//!
//! Costs are CPU time of the thread, and two of them are compared that were taken in turn, so that
//! neither a slow machine nor a busy one makes a difference.

use std::net::SocketAddr;
use std::sync::Arc;

use libtest_mimic::Trial;
use nix::time::{ClockId, clock_gettime};
use regent::alert::{Alerts, Clock, Loss, Standing};
use regent::config::{Account, Alert, Config, Covered, TimeLimit, load};
use regent::effect::NoticeKind;
use regent::time::{Duration, Instant};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        ten_times_the_subscriptions_cost_ten_times_as_much,
        subscriptions_to_one_account_each_cost_what_those_to_many_do,
        ten_times_the_registrars_cost_ten_times_as_much,
    ]
}

/// Accounts, subscriptions and registrars, and what is made of them.
struct Case {
    config: Config,
    accounts: Vec<Arc<str>>,
    registrars: u16,
}

impl Case {
    fn new(accounts: u16, alerts: impl IntoIterator<Item = Alert>) -> Self {
        let config = load("t", include_str!("../../../../conf/minimal.toml"));
        let config = config.config.expect("the smallest useful file");
        let accounts: Vec<Arc<str>> = (0..accounts).map(|it| account(it).into()).collect();
        let named = |name: &Arc<str>| Account {
            name: Arc::clone(name),
            ..(*config.accounts[0]).clone()
        };
        let config = Config {
            alerts: alerts.into_iter().map(Arc::new).collect(),
            accounts: accounts.iter().map(|it| Arc::new(named(it))).collect(),
            ..config
        };
        Self {
            config,
            accounts,
            registrars: 1,
        }
    }

    fn registrar(&self, number: usize) -> SocketAddr {
        let number = u16::try_from(number / 2).unwrap() % self.registrars;
        ([192, 0, 2, 1], 5060 + number).into()
    }

    /// All of them are lost, and told of. Every second one is back, and lost again while its
    /// message waits for the others, which stay away. Nobody is back in time. Returns how often an
    /// Account was told of.
    fn play(&self) -> usize {
        let mut alerts = Alerts::new(&self.config);
        let mut told = 0;
        self.lose(&mut alerts, at(100_000));
        checks_until(&mut alerts, at(200_000));
        told += count(&mut alerts, NoticeKind::Lost);
        for (number, account) in self.accounts.iter().enumerate().step_by(2) {
            let clock = at(300_000 + number as u64 * 4);
            let back = Standing::Registered(self.registrar(number));
            alerts.on_standing(account, back, clock);
            alerts.settle(true, clock);
            alerts.deadline();
        }
        self.lose(&mut alerts, at(305_000));
        told += count(&mut alerts, NoticeKind::Resolved);
        checks_until(&mut alerts, at(400_000));
        told += count(&mut alerts, NoticeKind::Lost);
        assert_eq!(alerts.ongoing().count() * 2, told);
        alerts.reconfigure(&self.config);
        checks_until(&mut alerts, at(400_000 + 3_600_000));
        told += count(&mut alerts, NoticeKind::TimedOut);
        alerts.take_unsaved(at(5_000_000));
        told
    }

    fn lose(&self, alerts: &mut Alerts, clock: Clock) {
        for (number, account) in self.accounts.iter().enumerate() {
            let loss = Loss {
                identity: Arc::clone(account),
                source: None,
                registrar: self.registrar(number),
                server: None,
                user_agent: "regent".into(),
            };
            alerts.on_loss(account, loss, clock);
            alerts.settle(false, clock);
        }
    }
}

fn account(number: u16) -> String {
    format!("account {number:05}")
}

fn at(ms: u64) -> Clock {
    Clock {
        now: Instant::ZERO + Duration::from_millis(ms),
        unix_ms_at_zero: 1_795_341_600_000,
    }
}

/// All checks fail that are due by then.
fn checks_until(alerts: &mut Alerts, end: Clock) {
    while let Some(due) = alerts.deadline().filter(|due| *due <= end.now) {
        let clock = Clock { now: due, ..end };
        while let Some(account) = alerts.next_check(clock) {
            alerts.on_check(&account, false, clock);
        }
        alerts.settle(true, clock);
        for account in alerts.take_changed() {
            alerts.ongoing_of(&account).count();
        }
    }
}

/// How often an Account stands in the notices, all of which are of this kind.
fn count(alerts: &mut Alerts, kind: NoticeKind) -> usize {
    let notices = std::iter::from_fn(|| alerts.next_notice());
    let lines = notices.map(|notice| {
        assert_eq!(notice.kind, kind);
        notice.accounts.len()
    });
    lines.sum()
}

fn everybody(count: u16) -> impl Iterator<Item = Alert> {
    (0..count).map(|number| Alert {
        time_limit: TimeLimit::Hour,
        ..Alert::new(
            &format!("subscription {number}"),
            Some("a@example.net"),
            None,
        )
    })
}

/// CPU time of this thread.
fn spent() -> Duration {
    let spent = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock");
    spent.into()
}

/// How much more the second one costs: the least of three ratios.
fn ratio(small: &Case, large: &Case) -> f64 {
    let cost = |case: &Case| {
        let before = spent();
        let told = case.play();
        let after = spent();
        let pairs = case.accounts.iter().map(|account| {
            let covering = case.config.alerts.iter().filter(|it| it.covers(account));
            covering.count()
        });
        assert_eq!(told, 3 * pairs.sum::<usize>());
        (after - before).as_micros() as f64
    };
    let ratios = (0..3).map(|_| {
        let (small, large) = (cost(small), cost(large));
        large / small
    });
    ratios.fold(f64::INFINITY, f64::min)
}

// rule T3
fn ten_times_the_subscriptions_cost_ten_times_as_much() {
    let few = Case::new(200, everybody(10));
    let many = Case::new(200, everybody(100));
    let ratio = ratio(&few, &many);
    assert!(
        ratio < 20.0,
        "ten times as many cost {ratio:.1} times as much"
    );
}

// rule T3
fn subscriptions_to_one_account_each_cost_what_those_to_many_do() {
    let about = |each: u16| {
        let alerts = everybody(1_000 / each).zip(0_u16..);
        let alerts = alerts.map(move |(alert, number)| {
            let names: Vec<String> = (0..each).map(|it| account(number * each + it)).collect();
            Alert {
                accounts: Covered::named(names.iter().map(String::as_str)),
                ..alert
            }
        });
        Case::new(1_000, alerts)
    };
    let ratio = ratio(&about(100), &about(1));
    assert!(
        ratio < 5.0,
        "the same number of pairs cost {ratio:.1} times as much"
    );
}

// rule T3
fn ten_times_the_registrars_cost_ten_times_as_much() {
    let apart = |count: u16| Case {
        registrars: count / 2,
        ..Case::new(count, everybody(3))
    };
    let ratio = ratio(&apart(100), &apart(1_000));
    assert!(
        ratio < 20.0,
        "ten times as many cost {ratio:.1} times as much"
    );
}
