//! From what was taken to what is good: the text is checked, rows with errors are left out with
//! what depends on them, until no error is left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::draft::{Limits, Written};
use super::ini::At;
use super::{Import, Imported, RowOutcome};
use crate::config::options::*;
use crate::config::{Config, Diagnostic, Loaded, SecretFault, Severity, Spot, load_each};

impl Import<'_, '_> {
    /// Finds out what is good, and hands all of it over.
    pub(super) fn settle(mut self) -> Imported {
        loop {
            let (written, loaded) = self.check(Limits::OFF);
            let errors = loaded.diagnostics.iter();
            let errors = errors.filter(|one| one.severity == Severity::Error);
            let errors: Vec<Diagnostic> = errors.cloned().collect();
            if errors.is_empty() || !self.blame(&errors, &written) {
                break;
            }
        }
        self.limit();
        self.prune();
        let limits = self.surroundings.limits;
        let (written, mut loaded) = self.check(limits);
        if let Some(config) = &mut loaded.config {
            self.place(config, &written);
        }
        let is_empty = |one: &Diagnostic| one.key == Table::Account.info().key;
        for one in &loaded.diagnostics {
            // That none is left has its reasons, which have been said.
            if is_empty(one) && !self.report.findings.is_empty() {
                continue;
            }
            let row = written.origin(one.line);
            let translated = self.translated(one, row, &written);
            self.report.findings.push(translated);
        }
        self.in_order();
        self.report.sum();
        Imported {
            secrets: self.draft.named_secrets().into_iter().collect(),
            toml: written.text,
            config: loaded.config,
            report: self.report,
        }
    }

    /// What is said later about interfaces is said of their lines in the ini file.
    fn place(&self, config: &mut Config, written: &Written) {
        for spot in &mut config.interfaces_at {
            if let Some(row) = written.origin(spot.line) {
                let at = self.draft.rows[row].at;
                *spot = Spot {
                    line: at.line,
                    column: self.ini.column(at),
                };
            }
        }
    }

    fn check(&self, limits: Limits) -> (Written, Loaded) {
        let written = self.draft.write(&self.file, limits);
        let text = &written.text;
        let loaded = load_each(&self.file, text).with_secrets(text, |source| {
            let secret = self.draft.secret(source);
            secret.ok_or_else(|| SecretFault::new("there is no such password"))
        });
        (written, loaded)
    }

    /// Leaves out what errors are about; whether that was possible for any of them.
    fn blame(&mut self, errors: &[Diagnostic], written: &Written) -> bool {
        let mut failed: BTreeMap<usize, String> = BTreeMap::new();
        let mut dropped: BTreeSet<(usize, String)> = BTreeSet::new();
        for one in errors {
            let Some(row) = written.origin(one.line) else {
                continue;
            };
            if self.draft.rows[row].report.is_some() {
                failed.entry(row).or_insert_with(|| one.message.clone());
            } else {
                dropped.insert((row, one.key.clone()));
            }
        }
        let mut said = Vec::with_capacity(errors.len());
        let lost = self.lost(&failed);
        let mut unreached = Vec::new();
        for one in errors {
            let row = written.origin(one.line);
            let finding = self.translated(one, row, written);
            let lost = row.and_then(|row| Some((row, self.lost_target(row, one, &lost)?)));
            let Some((row, target)) = lost else {
                said.push(finding);
                continue;
            };
            let why = format!("{} was not taken", self.label_of(target));
            said.push(Diagnostic {
                message: format!("{}: {why}", self.label_of(row)),
                hint: Some(format!("see line {}", self.draft.rows[target].at.line)),
                ..finding
            });
            unreached.push((row, why));
        }
        failed.extend(unreached);
        self.report.findings.extend(said);
        let mut any = false;
        for (row, why) in failed {
            any |= self.draft.rows[row].is_in;
            self.fail(row, &why);
        }
        for (row, key) in dropped {
            let entries = &mut self.draft.rows[row].entries;
            let before = entries.len();
            entries.retain(|entry| entry.option.key != key);
            any |= entries.len() < before;
        }
        any
    }

    /// The rows that are not taken, or will not be, by table and name.
    fn lost(&self, failed: &BTreeMap<usize, String>) -> BTreeMap<(Table, &str), usize> {
        let rows = self.draft.rows.iter().enumerate();
        let lost = rows.filter(|(number, row)| !row.is_in || failed.contains_key(number));
        lost.filter_map(|(number, row)| Some(((row.table, row.name()?), number)))
            .collect()
    }

    /// The row that a reference leads to, if that one is lost.
    fn lost_target(
        &self,
        row: usize,
        one: &Diagnostic,
        lost: &BTreeMap<(Table, &str), usize>,
    ) -> Option<usize> {
        let entry = self.draft.rows[row].entry(&one.key)?;
        let Kind::Reference(table) = entry.option.kind else {
            return None;
        };
        lost.get(&(table, &*entry.literal)).copied()
    }

    /// A finding about the TOML text as one about the ini file.
    fn translated(&self, one: &Diagnostic, row: Option<usize>, written: &Written) -> Diagnostic {
        let row = row.map(|row| &self.draft.rows[row]);
        let entry = row.and_then(|row| row.entry(&one.key));
        let at = match (entry, row) {
            (Some(entry), _) => entry.at,
            (None, Some(row)) => row.at,
            (None, None) => At { line: 1, byte: 0 },
        };
        let lines = |text: &str| {
            with_lines(text, |line| {
                let row = &self.draft.rows[written.origin(line)?];
                Some(row.at.line)
            })
        };
        let column = entry.map_or(String::new(), |entry| format!(" ({})", entry.ini));
        Diagnostic {
            line: at.line,
            column: self.ini.column(at),
            message: format!("{}{column}", lines(&one.message)),
            hint: one.hint.as_deref().map(lines),
            ..one.clone()
        }
    }

    /// Holds the limits of rule G1, once it is clear which Accounts there are.
    fn limit(&mut self) {
        let limits = self.surroundings.limits;
        let accounts: Vec<usize> = self
            .draft
            .rows_in(Table::Account)
            .map(|(it, _)| it)
            .collect();
        let mut taken = 0;
        let mut per_served: BTreeMap<String, u32> = BTreeMap::new();
        for row in accounts {
            let served = self.draft.literal(row, &ACCOUNT_SERVED).unwrap_or_default();
            let served = served.to_owned();
            let count = per_served.entry(served.clone()).or_default();
            let (message, option) = if taken >= limits.accounts {
                let limit = limits.accounts;
                (format!("more than {limit} Accounts"), "--max-accounts")
            } else if *count >= limits.per_served {
                let limit = limits.per_served;
                let message = format!("more than {limit} Accounts of served group {served}");
                (message, "--max-accounts-per-served-ip-group")
            } else {
                *count += 1;
                taken += 1;
                continue;
            };
            let at = self.draft.rows[row].at;
            let said = format!("{}: {message}", self.label_of(row));
            let hint = format!("to allow them, give {option} NUMBER");
            self.error(at, ACCOUNT_INDEX.key, said, Some(&hint));
            self.fail(row, &message);
        }
    }

    /// Leaves out what only rows lead to that were not taken.
    fn prune(&mut self) {
        for (from, table) in [
            (Table::Account, Table::IpGroup),
            (Table::IpGroup, Table::ProxySet),
            (Table::ProxySet, Table::SipInterface),
        ] {
            let rows = self.draft.rows_in(from);
            let entries = rows.flat_map(|(_, row)| &row.entries);
            let is_one = |kind| matches!(kind, Kind::Reference(to) if to == table);
            let wanted: BTreeSet<String> = entries
                .filter(|entry| is_one(entry.option.kind))
                .map(|entry| entry.literal.clone())
                .collect();
            let rows = self.draft.rows_in(table);
            let unwanted =
                rows.filter(|(_, row)| !row.name().is_some_and(|it| wanted.contains(it)));
            let unwanted: Vec<usize> = unwanted.map(|(number, _)| number).collect();
            for row in unwanted {
                self.leave_out(row, RowOutcome::NotNeeded, UNREACHED);
            }
        }
        for (row, name) in std::mem::take(&mut self.networks) {
            let mut users = self.network_users.iter();
            let is_used = users.any(|(user, it)| *it == name && self.draft.rows[*user].is_in);
            if !is_used {
                let report = &mut self.report.rows[row];
                report.outcome = RowOutcome::NotNeeded;
                report.why = Some(UNREACHED.to_owned());
            }
        }
        let proxies: Vec<usize> = self.draft.rows_in(Table::Proxy).map(|(it, _)| it).collect();
        for proxy in proxies {
            let parent = self.draft.rows[proxy].parent;
            let parent = parent.map(|parent| &self.draft.rows[parent]);
            if parent.is_some_and(|parent| !parent.is_in) {
                let why = "its Proxy Set was not taken";
                self.leave_out(proxy, RowOutcome::NotNeeded, why);
            }
        }
    }

    /// Everything in the order of the text, and no finding twice.
    fn in_order(&mut self) {
        let report = &mut self.report;
        report.rows.sort_by_key(|row| row.line);
        for row in &mut report.rows {
            row.cells.sort_by_key(|cell| (cell.line, cell.column));
        }
        report.parameters.sort_by_key(|it| (it.line, it.column));
        report.skipped.sort_by_key(|it| it.line);
        let findings = &mut report.findings;
        findings.sort_by_key(|one| (one.line, one.column, one.severity));
        let mut seen: BTreeSet<(u32, u32, Arc<str>)> = BTreeSet::new();
        findings.retain(|one| seen.insert((one.line, one.column, one.message.as_str().into())));
    }
}

const UNREACHED: &str = "no Account that was taken leads to it";

/// Replaces the numbers of lines in a message, which stand behind the word "line", outside of what
/// is quoted. Where a line has no counterpart, its number is of no use and left as it is.
fn with_lines(text: &str, line: impl Fn(u32) -> Option<u32>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut is_quoted = false;
    while let Some(first) = rest.chars().next() {
        let number = rest.strip_prefix("line ").filter(|_| !is_quoted);
        if let Some(number) = number {
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            if let Some(new) = number[..digits].parse().ok().and_then(&line) {
                out.push_str(&format!("line {new}"));
                rest = &number[digits..];
                continue;
            }
        }
        let mut length = first.len_utf8();
        if first == '"' {
            is_quoted = !is_quoted;
        } else if first == '\\' && is_quoted {
            // What is escaped is no end of a quotation.
            length += rest[length..].chars().next().map_or(0, char::len_utf8);
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_replaced_outside_of_quotations() {
        let new = |line: u32| (line > 5).then_some(line * 10);
        for (text, wanted) in [
            ("it stands in line 7", "it stands in line 70"),
            (
                "\"line 7\" in line 8; line 9",
                "\"line 7\" in line 80; line 90",
            ),
            ("\"a \\\" line 7\" line 3", "\"a \\\" line 7\" line 3"),
            ("line ä, line", "line ä, line"),
        ] {
            assert_eq!(with_lines(text, new), wanted);
        }
    }
}
