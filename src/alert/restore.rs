//! What the store keeps of losses and alerts, and how they go on after a restart (rule T3).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::clock::{Clock, Moment};
use super::entry::{Entry, Item, Loss, Stage, State};
use super::subscriptions::Subscriptions;
use super::{Alerts, CHECK_DISTANCE, CHECKS};
use crate::config::TimeLimit;
use crate::effect::{StoredAlert, StoredAlertState, StoredOpen};

impl Alerts {
    /// Goes on with what the store held, as far as it is still wanted; `account` gives the name of
    /// an Account that is meant to be registered. Whether somebody is back is found out when the
    /// Accounts go on.
    pub fn restore(
        &mut self,
        mut stored: Vec<StoredAlert>,
        account: impl Fn(&str) -> Option<Arc<str>>,
        clock: Clock,
    ) {
        // In the order in which they were lost they fall into the same waves.
        stored.sort_by_key(|alert| alert.lost_unix_us);
        for alert in stored {
            match account(&alert.account) {
                Some(name) if self.covers(&name) => self.restore_one(&name, alert, clock),
                Some(_) | None => {
                    self.entries.mark(alert.account.into());
                }
            }
        }
    }

    fn restore_one(&mut self, account: &Arc<str>, stored: StoredAlert, clock: Clock) {
        // A clock that was set back between the runs must not make an alert last for ever.
        let now = Moment::of(clock.now);
        let moment = |unix_us| Moment::from_unix_us(unix_us, clock).min(now);
        let lost = moment(stored.lost_unix_us);
        let registrar = stored.registrar;
        let wave = self.waves.join(registrar, lost);
        let state = match stored.state {
            StoredAlertState::Checking {
                failed,
                due_unix_us,
            } => {
                // Nobody has looked while the program stood still, so that a check that fell into
                // that time is made anew.
                let due = Moment::from_unix_us(due_unix_us, clock).instant();
                let latest = clock.now + CHECK_DISTANCE;
                State::Checking {
                    failed: failed.min(CHECKS - 1),
                    due: if due > clock.now {
                        due.min(latest)
                    } else {
                        latest
                    },
                    wave,
                }
            }
            StoredAlertState::Raised {
                started_unix_us,
                open,
            } => State::Raised {
                started: moment(started_unix_us),
                items: self.items(&open),
            },
        };
        let loss = Loss {
            identity: stored.identity.into(),
            source: stored.source,
            registrar,
            server: stored.server.map(Arc::from),
            user_agent: stored.user_agent.into(),
        };
        let entry = Entry::new(account, loss, lost, state);
        if matches!(entry.state, State::Raised { .. }) {
            self.waves.on_raised(wave, account);
            self.changed.push(Arc::clone(account));
            self.bundles.open(&entry);
        }
        if entry.is_done() {
            self.entries.mark(Arc::clone(account));
            return;
        }
        self.entries.enter(entry);
    }

    /// Those of the subscriptions that there are still.
    fn items(&self, open: &[StoredOpen]) -> Vec<Item> {
        let item = |stored: &StoredOpen| {
            let id = self.subscriptions.find(&stored.subscription)?;
            let own = self.subscriptions.get(id)?.time_limit;
            let limit = TimeLimit::of_hours(stored.limit_hours).unwrap_or(own);
            Some(Item {
                stage: if stored.is_told {
                    Stage::Told
                } else {
                    Stage::Untold
                },
                ..Item::new(id, limit)
            })
        };
        let mut items: Vec<Item> = open.iter().filter_map(item).collect();
        items.sort_by_key(|item| item.subscription);
        items.dedup_by_key(|item| item.subscription);
        items
    }

    /// Whether the store does not know all as it is.
    pub fn is_unsaved(&self) -> bool {
        self.entries.is_unsaved()
    }

    /// There is no store that would want to know.
    pub fn skip_saving(&mut self) {
        self.entries.take_unsaved();
    }

    /// What the store does not know: of whom nothing is to be kept, and what of whom. It counts as
    /// known from now on.
    pub fn take_unsaved(&mut self, clock: Clock) -> (Vec<Arc<str>>, Vec<StoredAlert>) {
        let unsaved = self.entries.take_unsaved();
        let (mut removed, mut alerts) = (Vec::new(), Vec::new());
        for account in unsaved {
            match self.entries.get(&account) {
                Some(entry) => alerts.push(entry.stored(&self.subscriptions, clock)),
                None => removed.push(account),
            }
        }
        (removed, alerts)
    }

    /// The store could not write these.
    pub fn on_save_failed(&mut self, accounts: BTreeSet<Arc<str>>) {
        accounts.into_iter().for_each(|it| self.entries.mark(it));
    }
}

impl Entry {
    /// What the store keeps of it. A notice that waits for others counts as not given: it is found
    /// again from what is so after a restart.
    fn stored(&self, subscriptions: &Subscriptions, clock: Clock) -> StoredAlert {
        let state = match &self.state {
            State::Checking { failed, due, .. } => StoredAlertState::Checking {
                failed: *failed,
                due_unix_us: Moment::of(*due).unix_us(clock),
            },
            State::Raised { started, items } => StoredAlertState::Raised {
                started_unix_us: started.unix_us(clock),
                open: items
                    .iter()
                    .filter_map(|it| stored_open(it, subscriptions))
                    .collect(),
            },
        };
        StoredAlert {
            account: self.account.to_string(),
            identity: self.loss.identity.to_string(),
            source: self.loss.source,
            registrar: self.loss.registrar,
            server: self.loss.server.as_deref().map(str::to_owned),
            user_agent: self.loss.user_agent.to_string(),
            lost_unix_us: self.lost.unix_us(clock),
            state,
        }
    }
}

fn stored_open(item: &Item, subscriptions: &Subscriptions) -> Option<StoredOpen> {
    let subscription = subscriptions.get(item.subscription)?;
    Some(StoredOpen {
        subscription: subscription.name.to_string(),
        limit_hours: item.limit.hours(),
        is_told: item.stage != Stage::Untold,
    })
}
