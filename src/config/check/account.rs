//! Accounts: each by itself, and then all together.

use std::sync::Arc;

use super::Check;
use super::party::ACCOUNT_CREDENTIALS;
use crate::config::faults::{Fault, name_to_come, offset};
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::{Account, Register};

/// An Account before all are known. There are as many as Accounts: keep it small.
pub(super) struct Draft {
    /// None if it is faulty.
    pub(super) account: Option<Arc<Account>>,
    /// As given; afterwards what it is.
    pub(super) name: Option<Arc<str>>,
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
        let registers = [Register::No, Register::Regular, Register::Gin];
        let register = row.word(&ACCOUNT_REGISTER, &registers);
        let group = |number: u32| self.groups.entry(number).value.clone();
        let groups = served.and_then(group).zip(serving.and_then(group));
        let mut account = groups.map(|(served, serving)| Account {
            host_name,
            contact_user,
            credentials,
            register,
            ..Account::new(
                index.unwrap_or_default(),
                name.clone().unwrap_or_default(),
                served,
                serving,
            )
        });
        if let Some(account) = &mut account {
            self.check_account(row, account);
            self.wishes(row, account);
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
        self.check_covered();
        let named = |header: u32| {
            // They are in the order of the text.
            let place = self.drafts.binary_search_by_key(&header, |draft| draft.at);
            place.ok().and_then(|place| self.drafts[place].name.clone())
        };
        self.faults.name(named);
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
        let given: Vec<Option<u32>> = self.drafts.iter().map(|draft| draft.index).collect();
        for (draft, index) in self.drafts.iter_mut().zip(free_indexes(&given)) {
            if draft.index.is_some() {
                continue;
            }
            draft.index = Some(index);
            if let Some(account) = draft.account.as_mut().and_then(Arc::get_mut) {
                account.index = index;
            }
        }
    }

    /// Those without a name get one from their index.
    fn assign_names(&mut self) {
        for draft in self.drafts.iter_mut().filter(|draft| draft.name.is_none()) {
            let name: Arc<str> = derived_name(draft.index.unwrap_or_default()).into();
            if let Some(account) = draft.account.as_mut().and_then(Arc::get_mut) {
                account.name = name.clone();
            }
            draft.name = Some(name);
        }
        for (first, again) in repeated(&self.drafts, |draft| draft.name.as_deref()) {
            let (first, again) = (&self.drafts[first], &self.drafts[again]);
            // The name comes from an index that is taken, which has been said.
            if again.name_at == again.at && again.index == first.index {
                continue;
            }
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
        let name = self.name.as_deref();
        let name = name.map_or_else(|| name_to_come(self.at), quoted);
        format!("{noun} {name}")
    }
}

/// The indexes of Accounts in the order of the text: as given, else the lowest that are free.
pub(in crate::config) fn free_indexes(given: &[Option<u32>]) -> Vec<u32> {
    let mut taken: Vec<u32> = given.iter().flatten().copied().collect();
    taken.sort_unstable();
    let mut taken = taken.into_iter().peekable();
    let mut free = 0;
    let indexes = given.iter().map(|index| {
        index.unwrap_or_else(|| {
            while let Some(next) = taken.next_if(|next| *next <= free) {
                free = free.max(next + 1);
            }
            free += 1;
            free - 1
        })
    });
    indexes.collect()
}

/// The name of an Account without one.
pub(in crate::config) fn derived_name(index: u32) -> String {
    format!("account-{index}")
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

#[cfg(test)]
mod tests {
    use crate::config::{Config, load};

    const PARTIES: &str = "[[sip_interface]]\nname = \"i\"\naddress = \"127.0.0.1\"\n\
                           [[proxy_set]]\nname = \"s\"\nsip_interface = \"i\"\n\
                           proxy = [{ address = \"127.0.0.1:5070\" }]\n\
                           [[ip_group]]\nname = \"carrier\"\nproxy_set = \"s\"\n";

    /// Groups `g0`, `g1` …, each with one Account of these lines.
    fn text(count: usize, lines: impl Fn(usize) -> String) -> String {
        let mut text = PARTIES.to_owned();
        for number in 0..count {
            text.push_str(&format!("[[ip_group]]\nname = \"g{number}\"\n"));
        }
        for number in 0..count {
            text.push_str(&format!(
                "[[account]]\nserved_ip_group = \"g{number}\"\nserving_ip_group = \"carrier\"\n\
                 register = \"regular\"\n{}\n",
                lines(number)
            ));
        }
        text
    }

    fn config(text: &str) -> Config {
        let loaded = load("t", text);
        assert_eq!(loaded.diagnostics.to_string(), "");
        loaded.config.unwrap()
    }

    fn said(text: &str) -> String {
        load("t", text).diagnostics.to_string()
    }

    // Rule G3.
    #[test]
    fn free_indexes_are_given_in_the_order_of_the_text() {
        let given = [
            "index = 2",
            "",
            "",
            "index = 0\nname = \"first\"",
            "name = \"last\"",
        ];
        let config = config(&text(5, |number| {
            format!("contact_user = \"u\"\n{}", given[number])
        }));
        let found: Vec<_> = config
            .accounts
            .iter()
            .map(|account| (account.index, &*account.name))
            .collect();
        assert_eq!(
            found,
            [
                (0, "first"),
                (1, "account-1"),
                (2, "account-2"),
                (3, "account-3"),
                (4, "last")
            ]
        );
        let served: Vec<_> = config
            .accounts
            .iter()
            .map(|account| &*account.served.name)
            .collect();
        assert_eq!(served, ["g3", "g1", "g0", "g2", "g4"]);
    }

    #[test]
    fn a_name_that_was_given_by_us_can_be_taken() {
        let names = ["name = \"account-1\"", ""];
        let text = text(2, |number| {
            format!("contact_user = \"u\"\n{}", names[number])
        });
        let line = text.lines().position(|line| line == names[0]).unwrap() - 4;
        assert_eq!(
            said(&text),
            format!(
                "t:{}:1: error: account \"account-1\": the name is taken\n  \
                 hint: the first account \"account-1\" stands in line {line}\n",
                line + 6
            )
        );
    }

    #[test]
    fn what_is_wrong_with_an_account_without_a_name_is_said_of_the_name_that_it_gets() {
        let text = text(4, |number| {
            ["", "indx = 1", "index = 0", "index = 0\nuser_name = \"u\""][number].to_owned()
        });
        let text = text.replace("ip_group = \"g2\"\nserving", "ip_group = \"g\"\nserving");
        assert_eq!(
            said(&text)
                .lines()
                .map(|line| line.split_once("error: ").map_or(line, |(_, said)| said))
                .collect::<Vec<_>>(),
            [
                "account \"account-1\": no user for its address: neither it nor its groups have a \
                 contact_user, and it has no user_name",
                "  hint: add contact_user",
                "account \"account-2\": no user for its address: neither it nor its groups have a \
                 contact_user, and it has no user_name",
                "  hint: add contact_user",
                "account \"account-2\": unknown key \"indx\"",
                "  hint: did you mean \"index\"?",
                "account \"account-0\": IP group \"g\" does not exist",
                "  hint: did you mean \"g0\"? Defined groups are \"carrier\", \"g0\", \"g1\", \
                 \"g2\", \"g3\"",
                "account \"account-0\": index 0 is taken",
                "  hint: account \"account-0\" in line 33 has it",
            ]
        );
    }

    // Rule I1.
    #[test]
    fn an_account_that_registers_has_a_user_from_somewhere() {
        let own = text(1, |_| "contact_user = \"own\"".to_owned());
        assert_eq!(config(&own).accounts[0].user(), "own");
        let digest = text(1, |_| "user_name = \"digest\"".to_owned());
        assert_eq!(config(&digest).accounts[0].user(), "digest");
        let none = text(1, |_| String::new());
        let served = none.replace("\"g0\"\n[[a", "\"g0\"\ncontact_user = \"served\"\n[[a");
        let both = served.replace("\"s\"\n[[ip", "\"s\"\ncontact_user = \"serving\"\n[[ip");
        assert_eq!(config(&both).accounts[0].user(), "served");
        let serving = none.replace("\"s\"\n[[ip", "\"s\"\ncontact_user = \"serving\"\n[[ip");
        assert_eq!(config(&serving).accounts[0].user(), "serving");
        assert!(
            said(&none).contains("error: account \"account-0\": no user for its address"),
            "{}",
            said(&none)
        );
        let silent = none.replace("\"regular\"", "\"no\"");
        assert!(load("t", &silent).config.is_some());
    }

    // Rules G1, L9.
    #[test]
    fn limits_hold_where_they_are_and_move_where_they_are_told() {
        let many = |count| text(count, |_| "contact_user = \"u\"".to_owned());
        assert_eq!(config(&many(102)).registration.refresh_spread_percent, 0);
        assert!(said(&many(103)).contains(
            "error: 103 accounts, but max_accounts is 102; this is the first beyond\n  \
             hint: to allow them, set max_accounts in [agent]"
        ));
        let raised = config(&format!("[agent]\nmax_accounts = 103\n{}", many(103)));
        assert_eq!(raised.registration.refresh_spread_percent, 20);
        let settings = "[agent]\nmax_accounts = 103\n[registration]\nrefresh_spread_percent = 5\n";
        let set = config(&format!("{settings}{}", many(103)));
        assert_eq!(set.registration.refresh_spread_percent, 5);
    }

    // Rule G1.
    #[test]
    fn a_served_group_has_at_most_thirty_accounts() {
        let many = |count: usize| {
            let mut text = PARTIES.to_owned();
            for number in 0..count {
                text.push_str(&format!(
                    "[[ip_group]]\nname = \"g{number}\"\nproxy_set = \"s\"\n[[account]]\n\
                     served_ip_group = \"carrier\"\nserving_ip_group = \"g{number}\"\n\
                     contact_user = \"u\"\nregister = \"regular\"\n"
                ));
            }
            text
        };
        assert_eq!(config(&many(30)).accounts.len(), 30);
        let said = said(&many(31));
        let wanted = "error: 31 accounts of served group \"carrier\", but \
                      max_accounts_per_served_ip_group is 30; this is the first beyond";
        assert!(said.contains(wanted), "{said}");
        let raised = format!(
            "[agent]\nmax_accounts_per_served_ip_group = 31\n{}",
            many(31)
        );
        assert_eq!(config(&raised).accounts.len(), 31);
    }
}
