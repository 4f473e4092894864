//! Random losses, returns, changes of subscriptions and restarts: what is found by an index is what
//! a look at everything finds, and nobody is told twice.

use std::collections::BTreeMap;

use super::tests::{at, config, hook, loss, ops, registrar};
use super::*;
use crate::config::{Account, Alert, Covered, TimeLimit};
use crate::effect::StoredAlert;

const ACCOUNTS: [&str; 5] = ["main", "other", "a", "b", "c"];

/// Chance that a seed repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        let place = usize::try_from(self.below(of.len() as u64)).unwrap();
        of[place].clone()
    }
}

struct Play {
    chance: Chance,
    now: Instant,
    config: Config,
    alerts: Alerts,
    store: BTreeMap<String, StoredAlert>,
    /// Of what an Account was told last to a subscription.
    told: BTreeMap<(Arc<str>, Arc<str>), NoticeKind>,
    /// Of which losses, by Account, subscription and time: that they are, and that they are over.
    once: BTreeSet<(Arc<str>, Arc<str>, i64, bool)>,
    notices: usize,
}

impl Play {
    fn new(seed: u64) -> Self {
        let config = some_config(&[ops()]);
        Self {
            chance: Chance(seed),
            now: at(1_000).now,
            alerts: Alerts::new(&config),
            config,
            store: BTreeMap::new(),
            told: BTreeMap::new(),
            once: BTreeSet::new(),
            notices: 0,
        }
    }

    fn clock(&self) -> Clock {
        Clock {
            now: self.now,
            ..at(0)
        }
    }

    fn step(&mut self) {
        let clock = self.clock();
        let account: Arc<str> = self.chance.one(&ACCOUNTS).into();
        let port = self.chance.one(&[5060, 5062]);
        match self.chance.below(12) {
            0..4 => {
                self.alerts.on_loss(&account, loss(port), clock);
            }
            4..6 => {
                let back = Standing::Registered(registrar(port));
                let known = [back, Standing::Lost, Standing::Paused, Standing::Dismissed];
                let standing = self.chance.one(&known);
                self.alerts.on_standing(&account, standing, clock);
            }
            6 => {
                self.config = some_config(&self.subscriptions());
                self.alerts.reconfigure(&self.config);
                let names = self.config.alerts.iter().map(|it| &it.name);
                let names: BTreeSet<&Arc<str>> = names.collect();
                self.told
                    .retain(|(_, subscription), _| names.contains(subscription));
            }
            7 => {
                self.alerts = Alerts::new(&self.config);
                let stored = self.store.values().cloned().collect();
                self.alerts.restore(stored, |name| Some(name.into()), clock);
            }
            8 => self.pass(3_600),
            _ => self.pass(25),
        }
        self.alerts.settle(self.chance.below(2) == 0, self.clock());
        self.take();
        hold(&self.alerts);
    }

    /// Any of them, in any order, each about all or some.
    fn subscriptions(&mut self) -> Vec<Alert> {
        let mut all = Vec::new();
        for name in ["ops", "one", "two", "three"] {
            let some = [self.chance.one(&ACCOUNTS), self.chance.one(&ACCOUNTS)];
            let alert = Alert {
                accounts: self.chance.one(&[Covered::All, Covered::named(some)]),
                send_resolution: self.chance.below(4) > 0,
                send_timeout: self.chance.below(4) > 0,
                time_limit: self.chance.one(&[TimeLimit::Hour, TimeLimit::TwoHours]),
                ..hook(name)
            };
            let place = self.chance.below(all.len() as u64 + 1);
            if self.chance.below(4) > 0 {
                all.insert(usize::try_from(place).unwrap(), alert);
            }
        }
        all
    }

    /// So many seconds at most, with all that is due in them.
    fn pass(&mut self, most: u64) {
        let end = self.now + Duration::from_millis(self.chance.below(most * 1_000));
        while let Some(due) = self.alerts.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            let clock = self.clock();
            while let Some(account) = self.alerts.next_check(clock) {
                let is_back = self.chance.below(8) == 0;
                self.alerts.on_check(&account, is_back, clock);
            }
            self.alerts.settle(true, clock);
            self.take();
            hold(&self.alerts);
        }
        self.now = end;
    }

    /// What is told, and what is to be saved with it.
    fn take(&mut self) {
        while let Some(notice) = self.alerts.next_notice() {
            self.notices += 1;
            for it in &notice.accounts {
                let pair = (Arc::clone(&it.account), Arc::clone(&notice.subscription));
                let is_over = notice.kind != NoticeKind::Lost;
                let once = (
                    Arc::clone(&pair.0),
                    Arc::clone(&pair.1),
                    it.lost_unix_ms,
                    is_over,
                );
                assert!(self.once.insert(once), "told twice: {notice:?}");
                let before = self.told.insert(pair, notice.kind);
                if is_over {
                    assert_eq!(before, Some(NoticeKind::Lost), "{notice:?}");
                }
            }
        }
        let (removed, alerts) = self.alerts.take_unsaved(self.clock());
        for name in removed {
            self.store.remove(&*name);
        }
        for alert in alerts {
            self.store.insert(alert.account.clone(), alert);
        }
    }
}

fn some_config(subscriptions: &[Alert]) -> Config {
    let config = config(subscriptions);
    let named = |name: &str| Account {
        name: name.into(),
        ..(*config.accounts[0]).clone()
    };
    Config {
        accounts: ACCOUNTS.map(|name| Arc::new(named(name))).into(),
        ..config
    }
}

/// Every index says what there is.
#[track_caller]
fn hold(alerts: &Alerts) {
    let entries: Vec<&Entry> = alerts.entries.iter().collect();
    let due = entries
        .iter()
        .filter_map(|it| Some((it.due()?, &it.account)));
    assert_eq!(
        alerts.entries.first_due().map(|it| it.0),
        due.map(|it| it.0).min()
    );
    let mut open = BTreeMap::new();
    for entry in &entries {
        let items = entry.items();
        assert!(items.is_sorted_by(|a, b| a.subscription < b.subscription));
        for item in items {
            let subscription = alerts.subscriptions.get(item.subscription);
            assert!(subscription.is_some_and(|it| it.covers(&entry.account)));
            if item.is_open() {
                let place = (item.subscription, entry.loss.registrar);
                *open.entry((place, entry.until(item))).or_insert(0) += 1;
            }
        }
    }
    alerts.bundles.hold(&open, &entries);
    let checked = entries
        .iter()
        .filter(|it| matches!(it.state, State::Checking { .. }));
    assert_eq!(alerts.waves.checked(), checked.count());
}

// rules T2, T3
#[test]
fn whatever_happens_the_indices_hold_and_nobody_is_told_twice() {
    let mut notices = 0;
    for seed in 0..300 {
        let mut play = Play::new(seed);
        for _ in 0..120 {
            play.step();
        }
        play.alerts.finish(play.clock());
        play.take();
        notices += play.notices;
    }
    assert!(notices > 5_000, "only {notices} notices");
}
