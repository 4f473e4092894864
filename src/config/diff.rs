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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SecretFault, load};
    use crate::secret::Secret;

    const OLD: &str = r#"
[[sip_interface]]
name = "outside"
address = "127.0.0.1"

[[proxy_set]]
name = "carrier"
sip_interface = "outside"
proxy = [{ address = "127.0.0.1:5070" }]

[[proxy_set]]
name = "other"
sip_interface = "outside"
proxy = [{ address = "127.0.0.1:5080" }]

[[ip_group]]
name = "Carrier"
proxy_set = "carrier"

[[ip_group]]
name = "Other"
proxy_set = "other"

[[account]]
name = "one"
served_ip_group = "Carrier"
serving_ip_group = "Carrier"
user_name = "one"
password_file = "one.secret"
register = "regular"

[[account]]
name = "two"
served_ip_group = "Other"
serving_ip_group = "Other"
user_name = "two"
password = "two"
register = "regular"
"#;

    fn config(text: &str, secret: &str) -> Config {
        let read = |_: &_| Ok::<_, SecretFault>(Secret::new(secret));
        let loaded = load("t", text).with_secrets(text, read);
        assert_eq!(loaded.diagnostics.errors(), 0, "{}", loaded.diagnostics);
        loaded.config.unwrap()
    }

    /// What is added, changed and removed.
    fn between(old: &Config, new: &Config) -> [Vec<String>; 3] {
        let Diff {
            added,
            changed,
            removed,
        } = Diff::between(old, new);
        let names = |accounts: Vec<Arc<Account>>| {
            accounts
                .iter()
                .map(|account| account.name.to_string())
                .collect()
        };
        [
            names(added),
            names(changed),
            removed.iter().map(ToString::to_string).collect(),
        ]
    }

    #[test]
    fn only_what_an_account_is_made_of_counts() {
        let old = config(OLD, "x");
        let none: [Vec<String>; 3] = Default::default();
        let changed = |name: &str| [vec![], vec![name.to_owned()], vec![]];
        for (new, secret, wanted) in [
            (OLD.to_owned(), "x", none.clone()),
            (format!("# a comment\n{OLD}"), "x", none.clone()),
            (
                OLD.replace("password_file = \"one.secret\"", "password = \"x\""),
                "",
                none.clone(),
            ),
            (OLD.to_owned(), "y", changed("one")),
            (OLD.replace(":5080", ":5090"), "x", changed("two")),
            // What follows the addresses of a set is an option of it.
            (
                OLD.replace(":5080\" }]", ":5080\" }]\nkeep_alive = \"options\""),
                "x",
                changed("two"),
            ),
            // The default, written out, is no change.
            (
                OLD.replace(":5080\" }]", ":5080\" }]\nkeep_alive = \"disable\""),
                "x",
                none.clone(),
            ),
            (
                format!("{OLD}registrar_stickiness = \"enable\"\n"),
                "x",
                changed("two"),
            ),
            // Without stickiness it has no effect.
            (format!("{OLD}registrar_search_mode = \"ims\"\n"), "x", none),
            (
                OLD.replace(
                    "\"127.0.0.1\"",
                    "\"127.0.0.1\"\nadditional_udp_ports = \"6000-6001\"",
                ),
                "x",
                [vec![], vec!["one".to_owned(), "two".to_owned()], vec![]],
            ),
            (
                OLD.replace("\"two\"\npass", "\"zwei\"\npass"),
                "x",
                changed("two"),
            ),
            (
                OLD.replace("name = \"two\"\nserved", "name = \"three\"\nserved"),
                "x",
                [vec!["three".to_owned()], vec![], vec!["two".to_owned()]],
            ),
        ] {
            assert_eq!(between(&old, &config(&new, secret)), wanted, "{new}");
        }
    }
}
