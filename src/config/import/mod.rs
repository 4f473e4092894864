//! From a device's ini file to a configuration, with a report of what became of each row.
//!
//! The text is taken apart (`ini`), the rows that Accounts lead to are followed (`follow`) and
//! become a TOML text (`draft`), which is checked like any other. What the check finds is said of
//! the place in the ini file; a row with an error is left out, with what depends on it, until what
//! is left is good. The invariant: every row of a table that matters is in the report.

mod documentation;
mod draft;
mod export;
mod follow;
mod ini;
mod parameters;
mod password;
mod report;
mod settle;
mod table;
mod take;

pub use documentation::documentation;
pub use draft::Limits;
pub use export::{Exported, export};
pub use password::{PasswordFault, Passwords};
pub use report::{
    CellOutcome, CellReport, Report, RowOutcome, RowReport, Skipped, SkippedKind, Summary,
};

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use self::draft::Draft;
use self::ini::{At, Ini};
use super::options::{Table, TableInfo};
use super::suggest::{list, nearest, quoted};
use super::{Config, Diagnostic, Severity};
use crate::secret::Secret;

/// What an import has to know beside the text.
pub struct Surroundings<'s> {
    /// The device's interfaces by name, each with an address of this host.
    pub interfaces: &'s [(String, IpAddr)],
    /// Whether an address is one of this host.
    pub is_local: &'s dyn Fn(IpAddr) -> bool,
    /// Passwords that the file does not have, or not so that they can be read.
    pub passwords: &'s Passwords,
    /// How many Accounts there may be.
    pub limits: Limits,
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("interfaces", &self.interfaces)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

/// What came of an ini file.
#[derive(Debug)]
pub struct Imported {
    /// What could be taken, as a TOML text that can be loaded.
    pub toml: String,
    /// The passwords that it names, each with the name of its file.
    pub secrets: Vec<(String, Secret)>,
    /// The same as a configuration, passwords included; none if something is wrong that no row or
    /// parameter can be blamed for.
    pub config: Option<Config>,
    /// What became of each row.
    pub report: Report,
}

/// Reads an ini file; `file` only names it. What is wrong with it is in the report.
pub fn import(file: &str, text: &str, surroundings: &Surroundings<'_>) -> Imported {
    let ini = Ini::read(text);
    let mut import = Import::new(file, &ini, surroundings);
    import.follow();
    import.parameters();
    import.skip_the_rest();
    import.settle()
}

/// Whether a text looks like an ini file, and not like TOML.
pub fn is_ini(text: &str) -> bool {
    let mut lines = text.lines().map(str::trim_start);
    lines.any(|line| {
        // A comment, a FORMAT line or a closer: TOML has none of these.
        let closes = line.strip_prefix('[').map(str::trim_start);
        let word = line.get(..7).unwrap_or_default();
        line.starts_with(';')
            || word.eq_ignore_ascii_case("FORMAT ")
            || closes.is_some_and(|rest| rest.starts_with('\\'))
    })
}

/// Which row of the file.
#[derive(Clone, Copy)]
struct RowId {
    table: &'static str,
    index: u32,
    at: At,
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.table, self.index)
    }
}

/// An import in the making.
struct Import<'i, 't> {
    file: Arc<str>,
    ini: &'i Ini<'t>,
    surroundings: &'i Surroundings<'i>,
    draft: Draft,
    report: Report,
    /// The names of rows that others lead to.
    wanted: BTreeSet<(Table, String)>,
    /// The network interfaces that SIP Interfaces name, with their rows in the report.
    networks: Vec<(usize, String)>,
    /// The SIP Interfaces of the draft, with the network interfaces that they name.
    network_users: Vec<(usize, String)>,
    /// The keys of passwords that were asked for.
    used_passwords: Vec<String>,
    /// The interfaces that were mapped.
    used_interfaces: Vec<String>,
}

impl<'i, 't> Import<'i, 't> {
    fn new(file: &str, ini: &'i Ini<'t>, surroundings: &'i Surroundings<'i>) -> Self {
        let file: Arc<str> = file.into();
        let report = Report {
            schema: 1,
            file: file.clone(),
            rows: Vec::new(),
            parameters: Vec::new(),
            skipped: Vec::new(),
            findings: Vec::new(),
            summary: Summary::default(),
        };
        Self {
            file,
            ini,
            surroundings,
            draft: Draft::default(),
            report,
            wanted: BTreeSet::new(),
            networks: Vec::new(),
            network_users: Vec::new(),
            used_passwords: Vec::new(),
            used_interfaces: Vec::new(),
        }
    }

    fn error(&mut self, at: At, key: &str, message: String, hint: Option<&str>) {
        let finding = self.finding(at, key, message, hint);
        self.report.findings.push(finding);
    }

    fn warn(&mut self, at: At, key: &str, message: String, hint: Option<&str>) {
        let finding = self.finding(at, key, message, hint);
        self.report.findings.push(Diagnostic {
            severity: Severity::Warning,
            ..finding
        });
    }

    fn finding(&self, at: At, key: &str, message: String, hint: Option<&str>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            file: self.file.clone(),
            line: at.line,
            column: self.ini.column(at),
            key: key.to_owned(),
            message,
            hint: hint.map(str::to_owned),
        }
    }

    /// Adds a row to the report; returns its place there.
    fn report_row(&mut self, row: RowId, name: Option<&str>, outcome: RowOutcome) -> usize {
        self.report.rows.push(RowReport {
            line: row.at.line,
            column: self.ini.column(row.at),
            table: row.table,
            index: row.index,
            name: name.map(str::to_owned),
            outcome,
            why: None,
            cells: Vec::new(),
        });
        self.report.rows.len() - 1
    }

    /// Reports a row that cannot be read at all, and says why, at the place of the fault.
    fn fail_row(&mut self, row: RowId, fault: At, why: String, hint: Option<&str>) {
        let place = self.report_row(row, None, RowOutcome::Failed);
        let message = format!("{row}: {why}");
        self.report.rows[place].why = Some(why);
        self.error(fault, "", message, hint);
    }

    fn skip_columns(&mut self, table: &str, at: At, names: &[&str]) {
        self.report.skipped.push(Skipped {
            line: at.line,
            column: self.ini.column(at),
            kind: SkippedKind::Columns,
            name: format!("{table}: {}", names.join(", ")),
            end: at.line,
            count: u32::try_from(names.len()).unwrap_or(u32::MAX),
            is_hidden: false,
        });
    }

    /// Reports tables that nobody reads, and lines that mean nothing.
    fn skip_the_rest(&mut self) {
        let ini = self.ini;
        for section in &ini.sections {
            let is_read = is_read(section.name);
            if section.is_hidden && is_read {
                let message = format!("the device hides table {}", quoted(section.name));
                self.warn(section.at, "", message, Some(HIDDEN_TABLE));
            }
            let is_group = section.rows.is_empty() && section.formats.is_empty();
            let strays = if is_read { 0 } else { section.strays };
            if is_read || (is_group && !section.is_hidden && strays == 0) {
                continue;
            }
            let rows = u32::try_from(section.rows.len()).unwrap_or(u32::MAX);
            self.report.skipped.push(Skipped {
                line: section.at.line,
                column: ini.column(section.at),
                kind: SkippedKind::Table,
                name: quoted(section.name),
                end: section.end,
                count: rows.saturating_add(strays),
                is_hidden: section.is_hidden,
            });
            self.warn_of_misspelling(section.name, section.at);
        }
        for stray in &ini.strays {
            let section = stray.section.map(|section| &ini.sections[section]);
            let is_read = section.is_some_and(|it| is_read(it.name));
            if is_read || section.is_none() {
                self.error(stray.at, "", stray.message.clone(), stray.hint);
            } else if section.is_some_and(|it| it.formats.is_empty()) {
                self.warn(stray.at, "", stray.message.clone(), stray.hint);
            }
        }
    }

    /// A table whose name is almost one that matters.
    fn warn_of_misspelling(&mut self, name: &str, at: At) {
        let is_known = NEIGHBOURS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name));
        if let (false, Some(near)) = (is_known, nearest(name, READ.into_iter())) {
            let message = format!("table {} is skipped", quoted(name));
            let hint = format!("did you mean {near}?");
            self.warn(at, "", message, Some(&hint));
        }
    }
}

/// The tables that are read: first those with options, then those that only lead somewhere.
const READ: [&str; 7] = [
    "Account",
    "IPGroup",
    "ProxySet",
    "ProxyIp",
    "SIPInterface",
    "InterfaceTable",
    "CpMediaRealm",
];
/// Tables of the device whose names are near those, and which mean something else.
const NEIGHBOURS: [&str; 3] = ["NTPInterface", "IPProfile", "WebInterfaces"];
const HIDDEN_TABLE: &str = "export the file with an account that may see it";

/// Whether a table is read.
fn is_read(table: &str) -> bool {
    READ.iter().any(|name| table.eq_ignore_ascii_case(name))
}

/// What a row is called where it has no name.
fn derived(info: TableInfo, index: u32) -> String {
    format!("{}-{index}", info.key.replace('_', "-"))
}

/// `Account`, `IPGroup` and so on.
fn ini_name(table: Table) -> &'static str {
    table.info().ini
}

/// `the only one is "a"`, `there are "a", "b"`.
fn choices(names: &[&str]) -> String {
    match names {
        [] => "there is none".to_owned(),
        [one] => format!("the only one is {}", quoted(one)),
        names => format!("there are {}", list(names.iter().copied())),
    }
}

#[cfg(test)]
mod tests;
