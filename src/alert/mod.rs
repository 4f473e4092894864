//! Who has lost its registration, and who is told of it (rules T2, T3).
//!
//! It is told what becomes of Accounts, by name and only when something is wrong: one that is
//! registered takes no room here. It says when a loss becomes an alert, which notices leave and
//! when, and which alerts go on; delivering is for others. Its invariant: of one loss a
//! subscription gets at most one first notice for an Account, and after that at most one that it
//! is over.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod bundle;
mod clock;
mod entries;
mod entry;
#[cfg(test)]
mod random_tests;
mod restore;
mod subscriptions;
#[cfg(test)]
mod tests;
mod wave;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

pub use clock::Clock;
pub use entry::{Loss, Ongoing};

use crate::config::Config;
use crate::effect::{Notice, NoticeKind};
use crate::time::{Duration, Instant};
use bundle::{Bundles, Key, Line};
use clock::Moment;
use entries::Entries;
use entry::{Entry, Item, Stage, State};
use subscriptions::{SubscriptionId, Subscriptions};
use wave::Waves;

/// Whoever was registered for so long is missed (rule T2).
pub const ARMED_AFTER: Duration = Duration::from_secs(60);
/// From the loss to the first check, and from one check to the next.
pub const CHECK_DISTANCE: Duration = Duration::from_secs(30);
/// So many failed checks raise an alert.
const CHECKS: u8 = 3;

/// What an Account that was lost is now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is registered, here.
    Registered(SocketAddr),
    /// It is not, or nobody can tell.
    Lost,
    /// It is not meant to be for a while.
    Paused,
    /// It is not meant to be, by its operator's word.
    Dismissed,
}

/// All losses that are looked at, and all alerts that go on.
#[derive(Debug)]
pub struct Alerts {
    subscriptions: Subscriptions,
    user_agent: Arc<str>,
    entries: Entries,
    waves: Waves,
    bundles: Bundles,
    notices: VecDeque<Notice>,
    /// Those whose ongoing alerts are others.
    changed: Vec<Arc<str>>,
}

impl Alerts {
    /// Nothing is lost yet.
    pub fn new(config: &Config) -> Self {
        Self {
            subscriptions: Subscriptions::new(&config.alerts),
            user_agent: Arc::clone(&config.agent.user_agent),
            entries: Entries::default(),
            waves: Waves::default(),
            bundles: Bundles::default(),
            notices: VecDeque::new(),
            changed: Vec::new(),
        }
    }

    /// Whether nobody wants to be told anything, and nothing is left to say.
    pub fn is_idle(&self) -> bool {
        self.subscriptions.is_empty() && !self.is_unsaved() && self.changed.is_empty()
    }

    /// Whether any subscription is about the Account of this name.
    pub fn covers(&self, account: &str) -> bool {
        self.subscriptions.covers(account)
    }

    /// When the loss of an Account began that is looked at, or has raised an alert, in microseconds
    /// from instant zero, which may lie after it; and the registrar that held its binding.
    pub fn loss(&self, account: &str) -> Option<(i64, SocketAddr)> {
        let entry = self.entries.get(account)?;
        Some((entry.lost.0, entry.loss.registrar))
    }

    /// Whether no Account is lost.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An Account that was armed has lost its registration. Whether it will be checked for that.
    pub fn on_loss(&mut self, account: &Arc<str>, loss: Loss, clock: Clock) -> bool {
        if !self.covers(account) {
            return false;
        }
        if let Some(entry) = self.entries.get(account) {
            if !entry.is_over() {
                return false;
            }
            // What is still to be told of the loss before leaves now.
            for item in entry.items() {
                if let Stage::Ended(kind) = item.stage {
                    self.bundles.hasten(Key {
                        subscription: item.subscription,
                        registrar: entry.loss.registrar,
                        kind,
                    });
                }
            }
            self.settle(false, clock);
        }
        let lost = Moment::of(clock.now);
        let state = State::Checking {
            failed: 0,
            due: clock.now + CHECK_DISTANCE,
            wave: self.waves.join(loss.registrar, lost),
        };
        self.entries.enter(Entry::new(account, loss, lost, state));
        self.entries.mark(Arc::clone(account));
        true
    }

    /// Something has happened to an Account that was lost. A check finds out by itself whether it
    /// is back.
    pub fn on_standing(&mut self, account: &str, standing: Standing, clock: Clock) {
        let Some(entry) = self.entries.get(account) else {
            return;
        };
        let is_raised = matches!(entry.state, State::Raised { .. });
        match standing {
            Standing::Registered(at) if is_raised => self.resolve(account, at, clock),
            Standing::Registered(_) | Standing::Lost => {}
            Standing::Paused if is_raised => {}
            Standing::Paused | Standing::Dismissed => self.close(account),
        }
    }

    /// The next Account whose check is due by now; alerts that time out do so. Answered by
    /// [`Alerts::on_check`].
    pub fn next_check(&mut self, clock: Clock) -> Option<Arc<str>> {
        loop {
            let (due, entry) = self.entries.first_due()?;
            if due > clock.now {
                return None;
            }
            let account = Arc::clone(&entry.account);
            match entry.state {
                State::Checking { .. } => return Some(account),
                State::Raised { .. } => self.time_out(&account, clock),
            }
        }
    }

    /// Whether the Account is registered at its check. Whether it is to be checked again.
    pub fn on_check(&mut self, account: &str, is_registered: bool, clock: Clock) -> bool {
        let Some(entry) = self.entries.get(account) else {
            return false;
        };
        let State::Checking { failed, due, .. } = entry.state else {
            return false;
        };
        if is_registered {
            self.close(account);
            return false;
        }
        if failed + 1 == CHECKS {
            self.raise(account, clock);
            return false;
        }
        // Whoever slept through a check has not found anything in it.
        let next = due + CHECK_DISTANCE;
        let next = if next > clock.now {
            next
        } else {
            clock.now + CHECK_DISTANCE
        };
        self.entries.change(account, |entry| {
            if let State::Checking { failed, due, .. } = &mut entry.state {
                (*failed, *due) = (*failed + 1, next);
            }
        });
        true
    }

    fn raise(&mut self, account: &str, clock: Clock) {
        let covering = self.subscriptions.of(account).into_iter();
        let items = covering.filter_map(|id| {
            let subscription = self.subscriptions.get(id)?;
            Some(Item::new(id, subscription.time_limit))
        });
        let items: Vec<Item> = items.collect();
        let started = Moment::of(clock.now);
        let raised = self.entries.change(account, |entry| {
            let State::Checking { wave, .. } = entry.state else {
                return None;
            };
            entry.state = State::Raised { started, items };
            Some((Arc::clone(&entry.account), wave))
        });
        if let Some((account, wave)) = raised.flatten() {
            self.waves.on_raised(wave, &account);
            if let Some(entry) = self.entries.get(&account) {
                self.bundles.open(entry);
            }
            self.changed.push(account);
        }
    }

    /// The alert is over for every subscription that was told of it.
    fn resolve(&mut self, account: &str, at: SocketAddr, clock: Clock) {
        let ends = |_: Instant| true;
        self.end(account, ends, (NoticeKind::Resolved, Some(at)), clock);
    }

    fn time_out(&mut self, account: &str, clock: Clock) {
        let ends = |until: Instant| until <= clock.now;
        self.end(account, ends, (NoticeKind::TimedOut, None), clock);
    }

    /// Ends the alert of an Account for some subscriptions: those that want to know it will be
    /// told.
    fn end(
        &mut self,
        account: &str,
        ends: impl Fn(Instant) -> bool,
        (kind, at): (NoticeKind, Option<SocketAddr>),
        clock: Clock,
    ) {
        let Some(entry) = self.entries.get(account) else {
            return;
        };
        let ends = |item: &Item| item.is_open() && ends(entry.until(item));
        if !entry.items().iter().any(ends) {
            return;
        }
        let registrar = entry.loss.registrar;
        let line = entry.line(Some(clock), at, clock);
        let mut left = Vec::with_capacity(entry.items().len());
        for item in entry.items() {
            if !ends(item) {
                left.push(*item);
                continue;
            }
            self.bundles
                .shut(item.subscription, registrar, entry.until(item));
            let subscription = self.subscriptions.get(item.subscription);
            let is_wanted = subscription.is_some_and(|it| match kind {
                NoticeKind::Resolved => it.send_resolution,
                NoticeKind::Lost | NoticeKind::TimedOut => it.send_timeout,
            });
            // Who was not told of the loss need not know that it is over.
            if is_wanted && item.stage == Stage::Told {
                let key = Key {
                    subscription: item.subscription,
                    registrar,
                    kind,
                };
                self.bundles.add(key, line.clone(), clock.now);
                left.push(Item {
                    stage: Stage::Ended(kind),
                    ..*item
                });
            }
        }
        self.changed.push(Arc::clone(&entry.account));
        self.entries.change(account, |entry| {
            if let Some(items) = entry.items_mut() {
                *items = left;
            }
        });
    }

    /// Nothing more is told of an Account.
    fn close(&mut self, account: &str) {
        let Some(entry) = self.entries.remove(account) else {
            return;
        };
        match &entry.state {
            State::Checking { wave, .. } => self.waves.on_left(*wave),
            State::Raised { .. } => {
                self.bundles.shut_all(&entry);
                self.changed.push(entry.account);
            }
        }
    }

    /// Gives the notices of losses that nobody else can join any more. Called when all that has
    /// happened was told, and before alerts time out.
    pub fn tell_of_losses(&mut self, clock: Clock) {
        while let Some((registrar, mut accounts)) = self.waves.next_complete() {
            accounts.sort_unstable();
            let mut told: BTreeMap<SubscriptionId, Vec<Line>> = BTreeMap::new();
            for account in accounts {
                let outcome = self.entries.change(&account, |entry| {
                    let subscriptions = entry.on_told();
                    (entry.line(None, None, clock), subscriptions)
                });
                let Some((line, subscriptions)) = outcome else {
                    continue;
                };
                for id in subscriptions {
                    told.entry(id).or_default().push(line.clone());
                }
            }
            for (id, lines) in told {
                self.tell(id, (NoticeKind::Lost, registrar), lines, clock);
            }
        }
    }

    /// Gives all notices that nobody else can join any more. Those whose time has come leave when
    /// all that is due has happened: `is_all`.
    pub fn settle(&mut self, is_all: bool, clock: Clock) {
        self.tell_of_losses(clock);
        let due = if is_all { clock.now } else { Instant::ZERO };
        for (key, lines) in self.bundles.ripe(due) {
            for line in &lines {
                self.entries.forget(&line.told.account, key.subscription);
            }
            self.tell(key.subscription, (key.kind, key.registrar), lines, clock);
        }
    }

    fn tell(
        &mut self,
        subscription: SubscriptionId,
        (kind, registrar): (NoticeKind, SocketAddr),
        mut lines: Vec<Line>,
        clock: Clock,
    ) {
        let Some(subscription) = self.subscriptions.get(subscription) else {
            return;
        };
        lines.sort_by(|one, other| one.told.account.cmp(&other.told.account));
        let server = lines.iter().find_map(|line| line.server.clone());
        self.notices.push_back(Notice {
            subscription: Arc::clone(&subscription.name),
            email: subscription.email.clone(),
            webhook: subscription.webhook.clone(),
            kind,
            at_unix_ms: Moment::of(clock.now).unix_ms(clock),
            registrar,
            server,
            user_agent: Arc::clone(&self.user_agent),
            accounts: lines.into_iter().map(|line| line.told).collect(),
        });
    }

    /// Nothing more will happen: what waits for others is told as it is.
    pub fn finish(&mut self, clock: Clock) {
        self.bundles.hasten_all();
        self.settle(true, clock);
    }

    /// When it wants to be asked for checks again, or to settle.
    pub fn deadline(&self) -> Option<Instant> {
        let due = self.entries.first_due().map(|(due, _)| due);
        due.into_iter().chain(self.bundles.deadline()).min()
    }

    /// The next notice.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// The Accounts whose ongoing alerts are others since the last call, each once.
    pub fn take_changed(&mut self) -> Vec<Arc<str>> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// All ongoing alerts: by Account, and then as the subscriptions stand in the configuration.
    pub fn ongoing(&self) -> impl Iterator<Item = Ongoing<'_>> {
        let entries = self.entries.iter();
        entries.flat_map(|entry| entry.rows(&self.subscriptions))
    }

    /// The ongoing alerts of one Account.
    pub fn ongoing_of(&self, account: &str) -> impl Iterator<Item = Ongoing<'_>> {
        let entry = self.entries.get(account).into_iter();
        entry.flat_map(|entry| entry.rows(&self.subscriptions))
    }

    /// Another configuration is in force. What nobody wants to know any more, and what is not
    /// configured, is closed. An alert keeps the limit that it began with.
    pub fn reconfigure(&mut self, config: &Config) {
        self.user_agent = Arc::clone(&config.agent.user_agent);
        let subscriptions = Subscriptions::new(&config.alerts);
        let before = std::mem::replace(&mut self.subscriptions, subscriptions);
        if self.entries.is_empty() && self.bundles.is_empty() {
            return;
        }
        let is_other = before != self.subscriptions;
        if is_other {
            self.bundles
                .renumber(|id| before.in_other(id, &self.subscriptions));
        }
        let registering = config.accounts.iter();
        let registering = registering.filter(|it| it.register != crate::config::Register::No);
        let known: BTreeSet<&str> = registering.map(|account| &*account.name).collect();
        let accounts = self.entries.iter().map(|entry| Arc::clone(&entry.account));
        let accounts: Vec<Arc<str>> = accounts.collect();
        for account in accounts {
            if is_other {
                self.renumber(&account, &before);
                self.changed.push(Arc::clone(&account));
            }
            if !known.contains(&*account) || !self.covers(&account) {
                self.close(&account);
            }
        }
    }

    /// The items of an Account have other ids than before. It closes its alert for subscriptions
    /// that are not about it any more.
    fn renumber(&mut self, account: &str, before: &Subscriptions) {
        let Self {
            subscriptions,
            bundles,
            entries,
            ..
        } = self;
        entries.change(account, |entry| {
            let mut left = Vec::with_capacity(entry.items().len());
            for item in entry.items() {
                // What waited for one that is gone went with it.
                let Some(subscription) = before.in_other(item.subscription, subscriptions) else {
                    continue;
                };
                if subscriptions
                    .get(subscription)
                    .is_some_and(|it| it.covers(account))
                {
                    left.push(Item {
                        subscription,
                        ..*item
                    });
                } else if item.is_open() {
                    bundles.shut(subscription, entry.loss.registrar, entry.until(item));
                }
            }
            left.sort_unstable_by_key(|item| item.subscription);
            if let Some(items) = entry.items_mut() {
                *items = left;
            }
        });
    }
}
