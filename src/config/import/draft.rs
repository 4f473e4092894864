//! The configuration that an import makes, as a commented TOML text, and where each of its lines
//! comes from.

use std::collections::{BTreeMap, BTreeSet};

use super::ini::At;
use super::table::toml_text;
use crate::config::SecretSource;
use crate::config::document::fallback;
use crate::config::options::{
    ACCOUNT_NAME, ACCOUNT_PASSWORD_FILE, Fallback, GROUP_NAME, GROUP_PASSWORD_AS_CLIENT_FILE,
    INTERFACE_NAME, MAX_ACCOUNTS, MAX_ACCOUNTS_PER_SERVED_IP_GROUP, Opt, SET_NAME, SET_PROXY,
    Table,
};
use crate::secret::Secret;

/// Rows in the making.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) rows: Vec<DraftRow>,
    /// Passwords by the names of their files.
    pub(super) secrets: BTreeMap<String, Secret>,
}

/// One table of the configuration, or one proxy.
pub(super) struct DraftRow {
    pub(super) table: Table,
    pub(super) at: At,
    /// Its index in the ini file.
    pub(super) index: u32,
    pub(super) entries: Vec<Entry>,
    /// The Proxy Set of a proxy.
    pub(super) parent: Option<usize>,
    /// Its place among the rows of the report; none for what is no row of a table.
    pub(super) report: Option<usize>,
    /// Whether it is in the configuration.
    pub(super) is_in: bool,
}

/// One key of a row.
pub(super) struct Entry {
    pub(super) option: &'static Opt,
    /// As TOML.
    pub(super) literal: String,
    /// Where it is said.
    pub(super) at: At,
    /// The device's name for it.
    pub(super) ini: &'static str,
    /// Stands behind it.
    pub(super) comment: Option<&'static str>,
}

/// The limits of rule G1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// `max_accounts`.
    pub accounts: u32,
    /// `max_accounts_per_served_ip_group`.
    pub per_served: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            accounts: whole(&MAX_ACCOUNTS),
            per_served: whole(&MAX_ACCOUNTS_PER_SERVED_IP_GROUP),
        }
    }
}

impl Limits {
    /// None at all.
    pub(super) const OFF: Self = Self {
        accounts: 1_000_000,
        per_served: 1_000_000,
    };
}

/// A default that is a number.
fn whole(option: &Opt) -> u32 {
    match option.fallback {
        Fallback::Whole(number) => u32::try_from(number).unwrap_or(u32::MAX),
        Fallback::Required
        | Fallback::Nothing(_)
        | Fallback::Computed(_)
        | Fallback::Flag(_)
        | Fallback::Word(_)
        | Fallback::Codes(_) => 0,
    }
}

/// A text, and for each of its lines the row that it comes from.
pub(super) struct Written {
    pub(super) text: String,
    /// By line, from 0.
    pub(super) origins: Vec<Option<usize>>,
}

impl Draft {
    /// What a row says about an option, as TOML.
    pub(super) fn literal(&self, row: usize, option: &Opt) -> Option<&str> {
        self.rows[row]
            .entry(option.key)
            .map(|entry| &*entry.literal)
    }

    /// The rows of a table that are in the configuration.
    pub(super) fn rows_in(&self, table: Table) -> impl Iterator<Item = (usize, &DraftRow)> {
        let rows = self.rows.iter().enumerate();
        rows.filter(move |(_, row)| row.table == table && row.is_in)
    }

    /// The password that a source stands for.
    pub(super) fn secret(&self, source: &SecretSource) -> Option<Secret> {
        match source {
            SecretSource::File(name, _) => self.secrets.get(&**name).cloned(),
            SecretSource::Absent
            | SecretSource::Inline
            | SecretSource::Environment(..)
            | SecretSource::Credential(..) => None,
        }
    }

    /// The files of the passwords that the configuration names.
    pub(super) fn named_secrets(&self) -> BTreeMap<String, Secret> {
        let options = [&ACCOUNT_PASSWORD_FILE, &GROUP_PASSWORD_AS_CLIENT_FILE];
        let entries = self.rows.iter().filter(|row| row.is_in);
        let entries = entries.flat_map(|row| options.map(|option| row.entry(option.key)));
        let literals: BTreeSet<&str> = entries.flatten().map(|entry| &*entry.literal).collect();
        let named = self
            .secrets
            .iter()
            .filter(|(file, _)| literals.contains(&*toml_text(file)));
        named
            .map(|(file, secret)| (file.clone(), secret.clone()))
            .collect()
    }

    /// Writes what is in. `file` is named in comments.
    pub(super) fn write(&self, file: &str, limits: Limits) -> Written {
        let mut out = Written {
            text: String::new(),
            origins: Vec::new(),
        };
        let file = toml_text(file);
        out.line(
            None,
            &format!("# Imported from {}.", file.trim_matches('"')),
        );
        self.write_agent(limits, &mut out);
        for table in [
            Table::Registration,
            Table::SipInterface,
            Table::ProxySet,
            Table::IpGroup,
            Table::Account,
        ] {
            for (number, row) in self.rows_in(table) {
                if table.info().many || row.entries.iter().any(Entry::is_shown) {
                    self.write_row(number, row, &mut out);
                }
            }
        }
        out
    }

    fn write_agent(&self, limits: Limits, out: &mut Written) {
        let usual = Limits::default();
        let limits = [
            (&MAX_ACCOUNTS, limits.accounts, usual.accounts),
            (
                &MAX_ACCOUNTS_PER_SERVED_IP_GROUP,
                limits.per_served,
                usual.per_served,
            ),
        ];
        let limits: Vec<_> = limits
            .into_iter()
            .filter(|(_, limit, usual)| limit != usual)
            .collect();
        let agent = self.rows_in(Table::Agent).next();
        let is_shown = agent.is_some_and(|(_, row)| !row.entries.is_empty());
        if limits.is_empty() && !is_shown {
            return;
        }
        out.line(None, "");
        out.line(None, "[agent]");
        for (option, limit, _) in limits {
            out.line(None, &format!("{} = {limit}", option.key));
        }
        if let Some((number, row)) = agent {
            out.entries(number, row);
        }
    }

    fn write_row(&self, number: usize, row: &DraftRow, out: &mut Written) {
        let info = row.table.info();
        out.line(None, "");
        if info.many {
            let (table, index, line) = (info.ini, row.index, row.at.line);
            out.line(None, &format!("# {table} {index}, line {line}."));
            out.line(Some(number), &format!("[[{}]]", info.key));
        } else {
            out.line(Some(number), &format!("[{}]", info.key));
        }
        out.entries(number, row);
        if row.table != Table::ProxySet {
            return;
        }
        out.line(Some(number), &format!("{} = [", SET_PROXY.key));
        // Its proxies follow a set.
        let after = self.rows.iter().enumerate().skip(number + 1);
        let proxies = after.take_while(|(_, row)| row.parent == Some(number));
        for (proxy, row) in proxies.filter(|(_, row)| row.is_in) {
            let entries = row.entries.iter().filter(|entry| entry.is_shown());
            let entries: Vec<String> = entries.map(Entry::written).collect();
            out.line(Some(proxy), &format!("    {{ {} }},", entries.join(", ")));
        }
        out.line(Some(number), "]");
    }
}

impl DraftRow {
    /// The entry of a key.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.option.key == key)
    }

    /// Its name, as TOML.
    pub(super) fn name(&self) -> Option<&str> {
        let option = match self.table {
            Table::SipInterface => &INTERFACE_NAME,
            Table::ProxySet => &SET_NAME,
            Table::IpGroup => &GROUP_NAME,
            Table::Account => &ACCOUNT_NAME,
            Table::Agent
            | Table::Registration
            | Table::Proxy
            | Table::Mail
            | Table::Alert
            | Table::Web => return None,
        };
        self.entry(option.key).map(|entry| &*entry.literal)
    }
}

impl Entry {
    pub(super) fn new(option: &'static Opt, literal: String, at: At, ini: &'static str) -> Self {
        Self {
            option,
            literal,
            at,
            ini,
            comment: None,
        }
    }

    /// Whether it says anything beyond our own default.
    fn is_shown(&self) -> bool {
        fallback(self.option) != Ok(self.literal.clone())
    }

    fn written(&self) -> String {
        format!("{} = {}", self.option.key, self.literal)
    }
}

impl Written {
    fn line(&mut self, origin: Option<usize>, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.origins.push(origin);
    }

    fn entries(&mut self, number: usize, row: &DraftRow) {
        for entry in row.entries.iter().filter(|entry| entry.is_shown()) {
            let mut line = entry.written();
            if let Some(comment) = entry.comment {
                line.push_str("  # ");
                line.push_str(comment);
            }
            self.line(Some(number), &line);
        }
    }

    /// The row that a line comes from, the line counted from 1.
    pub(super) fn origin(&self, line: u32) -> Option<usize> {
        *self.origins.get((line as usize).checked_sub(1)?)?
    }
}
