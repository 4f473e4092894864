//! Who wants to be told of whom, found without looking at all subscriptions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Alert, Covered};

/// A subscription, by its place in the configuration that is in force.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct SubscriptionId(u32);

/// All subscriptions of a configuration.
#[derive(Debug)]
pub(super) struct Subscriptions {
    all: Vec<Arc<Alert>>,
    by_name: BTreeMap<Arc<str>, SubscriptionId>,
    /// Those that are about every Account.
    general: Vec<SubscriptionId>,
    /// Those that name an Account, by its name. Sorted, as the others are.
    named: BTreeMap<Arc<str>, Vec<SubscriptionId>>,
}

impl Subscriptions {
    pub(super) fn new(all: &[Arc<Alert>]) -> Self {
        let mut made = Self {
            all: all.to_vec(),
            by_name: BTreeMap::new(),
            general: Vec::new(),
            named: BTreeMap::new(),
        };
        for (id, alert) in (0..).map(SubscriptionId).zip(all) {
            made.by_name.insert(Arc::clone(&alert.name), id);
            match &alert.accounts {
                Covered::All => made.general.push(id),
                Covered::Named(names) => {
                    for name in names.iter() {
                        made.named.entry(Arc::clone(name)).or_default().push(id);
                    }
                }
            }
        }
        made
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether any of them is about the Account of this name.
    pub(super) fn covers(&self, account: &str) -> bool {
        !self.general.is_empty() || self.named.contains_key(account)
    }

    /// Those that are about the Account of this name, in the order of the configuration.
    pub(super) fn of(&self, account: &str) -> Vec<SubscriptionId> {
        let named = self.named.get(account).map_or(&[][..], Vec::as_slice);
        let mut all = [&self.general[..], named].concat();
        all.sort_unstable();
        all
    }

    pub(super) fn find(&self, name: &str) -> Option<SubscriptionId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, id: SubscriptionId) -> Option<&Arc<Alert>> {
        self.all.get(id.0 as usize)
    }

    /// The one of this name in another configuration.
    pub(super) fn in_other(&self, id: SubscriptionId, other: &Self) -> Option<SubscriptionId> {
        other.find(&self.get(id)?.name)
    }
}

impl PartialEq for Subscriptions {
    fn eq(&self, other: &Self) -> bool {
        self.all == other.all
    }
}
