//! Accounts: each by itself, and then all together.

use std::sync::Arc;

use super::Check;
use super::party::ACCOUNT_CREDENTIALS;
use crate::config::faults::{Fault, offset};
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::{Account, Register};

/// An Account before all are known. There are as many as Accounts: keep it small.
pub(super) struct Draft {
    /// None if it is faulty.
    account: Option<Arc<Account>>,
    /// As given; afterwards what it is.
    name: Option<Arc<str>>,
    index: Option<u32>,
    /// The numbers of its groups.
    served: Option<u32>,
    serving: Option<u32>,
    /// Where things stand; the header for what is absent.
    at: u32,
    name_at: u32,
    index_at: u32,
    served_at: u32,
    serving_at: u32,
}

impl Check<'_> {
    /// Takes an Account.
    pub(in crate::config) fn account(&mut self, row: &Row<'_>) {
        let served = self.groups.resolve(row, &ACCOUNT_SERVED, &mut self.faults);
        let serving = self.groups.resolve(row, &ACCOUNT_SERVING, &mut self.faults);
        let credentials = self.credentials(row, &ACCOUNT_CREDENTIALS);
        let contact_user = row
            .text(&ACCOUNT_CONTACT_USER)
            .map(|user| match &credentials {
                Some(own) if *own.user_name == *user => own.user_name.clone(),
                Some(_) | None => user.into(),
            });
        let index = row.given(&ACCOUNT_INDEX);
        let name: Option<Arc<str>> = row.text(&ACCOUNT_NAME).map(Arc::from);
        let host_name = row
            .text(&ACCOUNT_HOST_NAME)
            .map(|host| self.shared.get(host));
        let register = row.word(&ACCOUNT_REGISTER, &[Register::No, Register::Regular]);
        let group = |number: u32| self.groups.entry(number).value.clone();
        let groups = served.and_then(group).zip(serving.and_then(group));
        let account = groups.map(|(served, serving)| Account {
            index: index.unwrap_or_default(),
            name: name.clone().unwrap_or_default(),
            served,
            serving,
            host_name,
            contact_user,
            credentials,
            register,
        });
        if let Some(account) = &account {
            self.check_account(row, account);
        }
        if let (Some(account), Some(number)) = (&account, serving) {
            self.check_serving(row, account, number);
        }
        self.drafts.push(Draft {
            account: account.map(Arc::new),
            name,
            index,
            served,
            serving,
            at: row.at,
            name_at: row.span(&ACCOUNT_NAME).start,
            index_at: row.span(&ACCOUNT_INDEX).start,
            served_at: row.span(&ACCOUNT_SERVED).start,
            serving_at: row.span(&ACCOUNT_SERVING).start,
        });
    }

    fn check_account(&mut self, row: &Row<'_>, account: &Account) {
        if row.is_faulty(&ACCOUNT_REGISTER) || row.is_faulty(&ACCOUNT_USER_NAME) {
            return;
        }
        let label = &row.label;
        if account.register == Register::No {
            if account.answering().is_none() {
                let message = format!(
                    "{label} does nothing: register is \"no\", and there are no credentials to \
                     answer a challenge with"
                );
                let at = row.span(&ACCOUNT_REGISTER).start;
                let fault = Fault::warning(at, ACCOUNT_REGISTER.key, message);
                self.faults
                    .absent(fault.hint("to register it: register = \"regular\""));
            }
        } else if account.user().is_empty() && !row.is_faulty(&ACCOUNT_CONTACT_USER) {
            let message = format!(
                "{label}: no user for its address: neither it nor its groups have a contact_user, \
                 and it has no user_name"
            );
            let fault = Fault::error(row.at, ACCOUNT_CONTACT_USER.key, message);
            self.faults.absent(fault.hint("add contact_user"));
        }
    }

    /// A serving group must have addresses. Said once for each group.
    fn check_serving(&mut self, row: &Row<'_>, account: &Account, number: u32) {
        if account.serving.proxy_set.is_some() || !self.unaddressed.insert(number) {
            return;
        }
        let entry = self.groups.entry(number);
        let message = format!(
            "IP group {} serves an account, but has no proxy_set",
            quoted(&entry.name)
        );
        let line = self.faults.line(row.span(&ACCOUNT_SERVING).start);
        let fault = Fault::error(entry.at, GROUP_PROXY_SET.key, message);
        self.faults
            .absent(fault.hint(format!("the account in line {line} names it as serving")));
    }

    /// What holds for all Accounts together; and the Accounts, by index, as far as they are good.
    pub(super) fn accounts(&mut self) -> Vec<Arc<Account>> {
        if self.drafts.is_empty() {
            self.faults.absent(Fault::warning(
                0,
                Table::Account.info().key,
                "there is no account".to_owned(),
            ));
        }
        self.check_number();
        self.assign_indexes();
        self.assign_names();
        self.check_pairs();
        self.check_served();
        let drafts = std::mem::take(&mut self.drafts);
        let mut accounts: Vec<Arc<Account>> = drafts
            .into_iter()
            .filter_map(|draft| draft.account)
            .collect();
        accounts.sort_unstable_by_key(|account| account.index);
        accounts
    }
}

impl Check<'_> {
    fn check_number(&mut self) {
        let Some(limit) = self.limits.accounts else {
            return;
        };
        let number = self.drafts.len();
        if let Some(draft) = self.drafts.get(limit as usize) {
            let key = MAX_ACCOUNTS.key;
            let message =
                format!("{number} accounts, but {key} is {limit}; this is the first beyond");
            let hint = format!("to allow them, set {key} in [agent]");
            self.faults
                .push(Fault::error(draft.at, key, message).hint(hint));
        }
    }

    /// Those that were given stay; the others take the lowest that are free, in the order of the
    /// text.
    fn assign_indexes(&mut self) {
        for (first, again) in repeated(&self.drafts, |draft| draft.index) {
            let (first, again) = (&self.drafts[first], &self.drafts[again]);
            let index = again.index.unwrap_or_default();
            let message = format!("{}: index {index} is taken", again.label());
            let hint = format!(
                "{} in line {} has it",
                first.label(),
                self.faults.line(first.index_at)
            );
            self.faults
                .push(Fault::error(again.index_at, ACCOUNT_INDEX.key, message).hint(hint));
        }
        let mut taken: Vec<u32> = self.drafts.iter().filter_map(|draft| draft.index).collect();
        taken.sort_unstable();
        let mut taken = taken.into_iter().peekable();
        let mut free = 0;
        for draft in self.drafts.iter_mut().filter(|draft| draft.index.is_none()) {
            while let Some(next) = taken.next_if(|next| *next <= free) {
                free = free.max(next + 1);
            }
            draft.index = Some(free);
            if let Some(account) = draft.account.as_mut().and_then(Arc::get_mut) {
                account.index = free;
            }
            free += 1;
        }
    }

    /// Those without a name get one from their index.
    fn assign_names(&mut self) {
        for draft in self.drafts.iter_mut().filter(|draft| draft.name.is_none()) {
            let name: Arc<str> = format!("account-{}", draft.index.unwrap_or_default()).into();
            if let Some(account) = draft.account.as_mut().and_then(Arc::get_mut) {
                account.name = name.clone();
            }
            draft.name = Some(name);
        }
        for (first, again) in repeated(&self.drafts, |draft| draft.name.as_deref()) {
            let (first, again) = (&self.drafts[first], &self.drafts[again]);
            let message = format!("{}: the name is taken", again.label());
            let hint = format!(
                "the first {} stands in line {}",
                first.label(),
                self.faults.line(first.at)
            );
            self.faults
                .push(Fault::error(again.name_at, ACCOUNT_NAME.key, message).hint(hint));
        }
    }

    /// One Account for a pair of groups (rule G1).
    fn check_pairs(&mut self) {
        for (first, again) in repeated(&self.drafts, |draft| draft.served.zip(draft.serving)) {
            let (first, again) = (&self.drafts[first], &self.drafts[again]);
            let name =
                |number: Option<u32>| number.map(|number| quoted(&self.groups.entry(number).name));
            let message = format!(
                "{}: served group {} and serving group {} have an account already",
                again.label(),
                name(again.served).unwrap_or_default(),
                name(again.serving).unwrap_or_default()
            );
            let hint = format!(
                "it is {} in line {}",
                first.label(),
                self.faults.line(first.at)
            );
            self.faults
                .push(Fault::error(again.serving_at, ACCOUNT_SERVING.key, message).hint(hint));
        }
    }

    /// Not too many Accounts of one served group (rule G1). Said once for each.
    fn check_served(&mut self) {
        let Some(limit) = self.limits.per_served else {
            return;
        };
        let mut counts = vec![0_u32; self.groups.len()];
        let mut beyond = Vec::new();
        for draft in &self.drafts {
            let Some(number) = draft.served else { continue };
            let count = &mut counts[number as usize];
            *count += 1;
            if *count == limit.saturating_add(1) {
                beyond.push((number, draft.served_at));
            }
        }
        let key = MAX_ACCOUNTS_PER_SERVED_IP_GROUP.key;
        for (number, at) in beyond {
            let count = counts[number as usize];
            let name = quoted(&self.groups.entry(number).name);
            let message = format!(
                "{count} accounts of served group {name}, but {key} is {limit}; this is the first \
                 beyond"
            );
            let hint = format!("to allow them, set {key} in [agent]");
            self.faults.push(Fault::error(at, key, message).hint(hint));
        }
    }
}

impl Draft {
    fn label(&self) -> String {
        let noun = Table::Account.info().noun;
        self.name.as_ref().map_or_else(
            || noun.to_owned(),
            |name| format!("{noun} {}", quoted(name)),
        )
    }
}

/// The drafts that have a key which an earlier one has: the places of that one and of themselves.
fn repeated<'d, K: Ord>(
    drafts: &'d [Draft],
    key: impl Fn(&'d Draft) -> Option<K>,
) -> Vec<(usize, usize)> {
    let keyed = drafts.iter().enumerate();
    let mut keyed: Vec<(K, u32)> = keyed
        .filter_map(|(place, draft)| Some((key(draft)?, offset(place))))
        .collect();
    keyed.sort_unstable();
    let groups = keyed.chunk_by(|(one, _), (other, _)| one == other);
    groups
        .flat_map(|group| {
            let first = group.first().map_or(0, |(_, place)| *place as usize);
            group
                .iter()
                .skip(1)
                .map(move |(_, place)| (first, *place as usize))
        })
        .collect()
}
