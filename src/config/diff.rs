//! What a reload adds, changes and removes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Account, Config, Diff};

impl Diff {
    /// What differs, by Account name; each list is in the order of the Accounts' indexes. An
    /// Account counts as changed when anything of it or of what it refers to has changed. Where the
    /// text stands, and whether the same password comes from elsewhere, make no difference.
    pub fn between(old: &Config, new: &Config) -> Self {
        let known = by_name(&old.accounts);
        let mut diff = Self::default();
        for account in &new.accounts {
            match known.get(&*account.name) {
                None => diff.added.push(account.clone()),
                Some(old) if **old != *account => diff.changed.push(account.clone()),
                Some(_) => {}
            }
        }
        let left = by_name(&new.accounts);
        let gone = old
            .accounts
            .iter()
            .filter(|account| !left.contains_key(&*account.name));
        diff.removed = gone.map(|account| account.name.clone()).collect();
        diff
    }
}

fn by_name(accounts: &[Arc<Account>]) -> BTreeMap<&str, &Arc<Account>> {
    accounts
        .iter()
        .map(|account| (&*account.name, account))
        .collect()
}
