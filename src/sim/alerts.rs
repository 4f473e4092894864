//! Lost registrations in the simulated world: what the disk keeps of them, what is told, and what
//! is listed (rules T2, T3).

use std::sync::Arc;

use super::{Happening, What, World, at};
use crate::effect::{BatchId, Input, Notice, NoticeKind, StoredAlert};
use crate::status::{self, AlertStatus};
use crate::time::Instant;

/// What a batch does to what the disk keeps of lost registrations.
pub(super) struct WrittenAlerts {
    pub(super) removed: Vec<Arc<str>>,
    pub(super) alerts: Vec<StoredAlert>,
}

impl World {
    pub(super) fn save_alerts(&mut self, batch: BatchId, written: WrittenAlerts) {
        let Some(delay) = self.setup.store else {
            panic!("{}: lost registrations are saved without a store", self.now);
        };
        let run = self.runs;
        self.plan(
            self.now + delay,
            Happening::Action(Box::new(move |world: &mut Self| {
                world.alerts_written(run, batch, written);
            })),
        );
    }

    fn alerts_written(&mut self, run: u64, batch: BatchId, written: WrittenAlerts) {
        if !self.is_current(run) {
            return;
        }
        if self.store.fails {
            return self.handle(Input::SaveFailed { batch });
        }
        for name in written.removed {
            self.store.alerts.remove(&*name);
        }
        for alert in written.alerts {
            self.store.alerts.insert(alert.account.clone(), alert);
        }
        self.handle(Input::Saved { batch });
    }

    /// What the disk holds of the lost registration of an Account.
    pub fn stored_alert(&self, name: &str) -> Option<&StoredAlert> {
        self.store.alerts.get(name)
    }

    /// Publishes the ongoing alerts of an Account, as the daemon does.
    pub(super) fn alerts_changed(&mut self, account: Arc<str>) {
        if let Some(run) = &mut self.run {
            let alerts = status::alerts_of(&run.engine, &account);
            run.published_alerts.insert(account, alerts);
        }
    }

    pub(super) fn notice(&mut self, notice: Notice) {
        self.log(None, What::Notice(notice));
    }

    /// Every notice so far, and when it was given.
    pub fn notices(&self) -> impl Iterator<Item = (Instant, &Notice)> {
        let lines = self.transcript.lines().iter();
        lines.filter_map(|line| Some((line.at, line.notice()?)))
    }

    /// Runs to this instant; the notices so far are these: when, what about, to which subscription,
    /// and of whom, apart by blanks.
    #[track_caller]
    pub fn expect_notices(&mut self, until: &str, wanted: &[(&str, NoticeKind, &str, &str)]) {
        self.run_until(at(until));
        let told = self.notices().map(|(when, notice)| {
            let accounts = notice.accounts.iter().map(|it| &*it.account);
            let accounts: Vec<&str> = accounts.collect();
            let subscription = notice.subscription.to_string();
            (when, notice.kind, subscription, accounts.join(" "))
        });
        let told: Vec<_> = told.collect();
        let wanted = wanted.iter().map(|(when, kind, subscription, accounts)| {
            let subscription = (*subscription).to_owned();
            (at(when), *kind, subscription, (*accounts).to_owned())
        });
        let wanted: Vec<_> = wanted.collect();
        if told != wanted {
            self.fail(&format!("told: {told:#?}\nshould be: {wanted:#?}"));
        }
    }

    /// The ongoing alerts as they were published. They must be what is so: a change that is not
    /// announced is a fault.
    #[track_caller]
    pub fn alerts(&self) -> Vec<AlertStatus> {
        let Some(run) = &self.run else {
            self.fail("the engine does not run");
        };
        let current = status::alerts(&run.engine);
        let published: Vec<AlertStatus> =
            run.published_alerts.values().flatten().cloned().collect();
        if published != current {
            self.fail(&format!(
                "the alerts changed without a word\npublished: {published:#?}\nare: {current:#?}"
            ));
        }
        current
    }

    /// Runs to this instant; alerts go on for these Accounts and subscriptions, no other:
    /// `main/ops`, apart by blanks.
    #[track_caller]
    pub fn expect_alerts(&mut self, until: &str, wanted: &str) {
        self.run_until(at(until));
        let alerts = self.alerts();
        let names = alerts
            .iter()
            .map(|alert| format!("{}/{}", alert.label, alert.subscription));
        let names = names.collect::<Vec<_>>().join(" ");
        if names != wanted {
            self.fail(&format!("at {until}: {names:?} go on, not {wanted:?}"));
        }
    }
}
