//! The Accounts that have lost their registration, and when each of them is due.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::entry::Entry;
use super::subscriptions::SubscriptionId;
use crate::time::Instant;

/// All entries, by the name of their Account.
#[derive(Default, Debug)]
pub(super) struct Entries {
    all: BTreeMap<Arc<str>, Entry>,
    /// When each of them wants to be looked at.
    due: BTreeSet<(Instant, Arc<str>)>,
    /// Those that the store does not know as they are.
    unsaved: BTreeSet<Arc<str>>,
}

impl Entries {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn get(&self, account: &str) -> Option<&Entry> {
        self.all.get(account)
    }

    /// All of them, by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.all.values()
    }

    /// The one that is due first.
    pub(super) fn first_due(&self) -> Option<(Instant, &Entry)> {
        let (due, account) = self.due.first()?;
        Some((*due, self.all.get(account)?))
    }

    /// Takes one in that its Account has none of.
    pub(super) fn enter(&mut self, entry: Entry) {
        let account = Arc::clone(&entry.account);
        if let Some(due) = entry.due() {
            self.due.insert((due, Arc::clone(&account)));
        }
        self.all.insert(account, entry);
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, account: &str) -> Option<Entry> {
        let entry = self.all.remove(account)?;
        if let Some(due) = entry.due() {
            self.due.remove(&(due, Arc::clone(&entry.account)));
        }
        self.unsaved.insert(Arc::clone(&entry.account));
        Some(entry)
    }

    /// Changes one, and what follows from it: when it is due, what the store does not know, and
    /// that it goes when nobody waits for anything of it.
    pub(super) fn change<R>(
        &mut self,
        account: &str,
        change: impl FnOnce(&mut Entry) -> R,
    ) -> Option<R> {
        let entry = self.all.get_mut(account)?;
        let name = Arc::clone(&entry.account);
        let before = entry.due();
        let outcome = change(entry);
        let after = entry.due();
        if entry.is_done() {
            self.all.remove(account);
        }
        if before != after {
            if let Some(before) = before {
                self.due.remove(&(before, Arc::clone(&name)));
            }
            if let Some(after) = after {
                self.due.insert((after, Arc::clone(&name)));
            }
        }
        self.unsaved.insert(name);
        Some(outcome)
    }

    /// A subscription was told that the alert of an Account is over. It was not due for that one
    /// any more.
    pub(super) fn forget(&mut self, account: &Arc<str>, subscription: SubscriptionId) {
        let Some(entry) = self.all.get_mut(account) else {
            return;
        };
        entry.forget(subscription);
        if entry.is_done() {
            self.all.remove(account);
        }
        self.unsaved.insert(Arc::clone(account));
    }

    /// What the store holds of an Account is not what is so.
    pub(super) fn mark(&mut self, account: Arc<str>) {
        self.unsaved.insert(account);
    }

    pub(super) fn is_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// Those that the store does not know as they are. They count as known from now on.
    pub(super) fn take_unsaved(&mut self) -> BTreeSet<Arc<str>> {
        std::mem::take(&mut self.unsaved)
    }
}
