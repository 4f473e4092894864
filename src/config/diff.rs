//! What a reload adds, changes and removes, and what kind of change it is (rule G2).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Account, Changed, Config, Diff, Difference, IpGroup, ProxySet, Register};

impl Diff {
    /// What differs, by Account name; each list is in the order of the Accounts' indexes. An
    /// Account counts as changed when anything of it or of what it refers to has changed. Where the
    /// text stands, and whether the same password comes from elsewhere, make no difference.
    pub fn between(old: &Config, new: &Config) -> Self {
        let known = by_name(&old.accounts);
        let names = Names::of(old, new);
        let mut diff = Self::default();
        for account in &new.accounts {
            match known.get(&*account.name) {
                None => diff.added.push(account.clone()),
                Some(old) if **old != *account => diff.changed.push(Changed {
                    account: account.clone(),
                    what: Difference::between(old, account, &names),
                }),
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

impl Difference {
    fn between(old: &Account, new: &Account, names: &Names<'_>) -> Self {
        let kind = |account: &Account| account.register == Register::Gin;
        let is_same = old.user() == new.user()
            && old.host() == new.host()
            && old.request_host() == new.request_host()
            && (kind(old) == kind(new) || new.register == Register::No)
            && old.udp_port_assignment == new.udp_port_assignment
            && names.is_same(&old.served, &new.served)
            && names.is_same(&old.serving, &new.serving)
            && has_same_local(old, new);
        Self {
            binding: !is_same,
            credentials: old.answering() != new.answering(),
        }
    }

    /// One difference after the other.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            binding: self.binding || other.binding,
            credentials: self.credentials || other.credentials,
        }
    }
}

/// Whether requests leave from the same address as before. Which port an Account with one of its
/// own has is not known here.
fn has_same_local(old: &Account, new: &Account) -> bool {
    let interface = |account: &Account| {
        let set = account.serving.proxy_set.as_ref()?;
        Some(Arc::clone(&set.sip_interface))
    };
    match (interface(old), interface(new)) {
        (Some(old), Some(one)) => {
            (old.address, old.advertised_address) == (one.address, one.advertised_address)
                && (new.udp_port_assignment || old.udp_port == one.udp_port)
        }
        (None, None) => true,
        _ => false,
    }
}

/// The names of the IP Groups of both configurations.
struct Names<'a> {
    old: BTreeSet<&'a str>,
    new: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(old: &'a Config, new: &'a Config) -> Self {
        let names = |config: &'a Config| config.ip_groups.iter().map(|it| &*it.name).collect();
        Self {
            old: names(old),
            new: names(new),
        }
    }

    /// Whether it is one group: of the same name, or renamed and else as it was. What is in the
    /// group of one name is another matter.
    fn is_same(&self, old: &IpGroup, new: &IpGroup) -> bool {
        old.name == new.name
            || !self.new.contains(&*old.name)
                && !self.old.contains(&*new.name)
                && has_same_content(old, new)
    }
}

fn has_same_content(old: &IpGroup, new: &IpGroup) -> bool {
    let sets = (&old.proxy_set, &new.proxy_set);
    let is_same_set = match sets {
        (Some(old), Some(new)) => *old == *new || old.is_renamed(new),
        (None, None) => true,
        _ => false,
    };
    let without = |group: &IpGroup| IpGroup {
        name: Arc::from(""),
        proxy_set: None,
        ..group.clone()
    };
    is_same_set && without(old) == without(new)
}

impl ProxySet {
    /// Whether another set differs from it in names at most: its own, and that of its SIP
    /// Interface.
    pub fn is_renamed(&self, other: &Self) -> bool {
        let without = |set: &Self| {
            let mut interface = (*set.sip_interface).clone();
            interface.name = Arc::from("");
            Self {
                name: Arc::from(""),
                sip_interface: Arc::new(interface),
                ..set.clone()
            }
        };
        self.proxies == other.proxies && without(self) == without(other)
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
        let name = |account: &Arc<Account>| account.name.to_string();
        [
            added.iter().map(name).collect(),
            changed.iter().map(|it| name(&it.account)).collect(),
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

    // rule G2
    #[test]
    fn what_is_different_about_an_account_is_told() {
        let old = config(OLD, "x");
        let what = |text: &str, secret: &str| {
            let diff = Diff::between(&old, &config(text, secret));
            diff.changed
                .iter()
                .map(|changed| (changed.what.binding, changed.what.credentials))
                .collect::<Vec<_>>()
        };
        let (binding, credentials, neither) = ((true, false), (false, true), (false, false));
        for (new, secret, wanted) in [
            (OLD.to_owned(), "y", vec![credentials]),
            (
                OLD.replace("user_name = \"two\"", "user_name = \"zwei\""),
                "x",
                vec![(true, true)],
            ),
            (OLD.replace(":5080", ":5090"), "x", vec![neither]),
            (
                OLD.replace(
                    "name = \"Other\"",
                    "name = \"Other\"\nsip_group_name = \"other.example\"",
                ),
                "x",
                vec![binding],
            ),
            // Renamed in all places, with what it is made of.
            (OLD.replace("Other", "Another"), "x", vec![neither]),
            (OLD.replace("\"other\"", "\"another\""), "x", vec![neither]),
            (OLD.replace("outside", "wan"), "x", vec![neither, neither]),
            // Pointed to another one that was there.
            (
                OLD.replace(
                    "serving_ip_group = \"Other\"",
                    "serving_ip_group = \"Carrier\"",
                ),
                "x",
                vec![binding],
            ),
            // The serving group of the same name has another Proxy Set.
            (
                OLD.replace("proxy_set = \"other\"", "proxy_set = \"carrier\""),
                "x",
                vec![neither],
            ),
            (
                OLD.replace("\"127.0.0.1\"", "\"127.0.0.1\"\nudp_port = 5071"),
                "x",
                vec![binding, binding],
            ),
            (
                OLD.replace(
                    "\"127.0.0.1\"",
                    "\"127.0.0.1\"\nadvertised_address = \"192.0.2.1\"",
                ),
                "x",
                vec![binding, binding],
            ),
            (
                format!("{OLD}registrar_stickiness = \"enable\"\n"),
                "x",
                vec![neither],
            ),
        ] {
            assert_eq!(what(&new, secret), wanted, "{new}");
        }
    }
}
