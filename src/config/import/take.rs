//! Taking cells: each becomes an entry of its row in the configuration, and a line of the report.

use super::draft::Entry;
use super::ini::{At, Cell};
use super::password::{self, Password};
use super::table::{Line, Said, literal, toml_text};
use super::{CellOutcome, CellReport, Import, RowOutcome};
use crate::config::document::fallback;
use crate::config::options::{Opt, Table};
use crate::config::suggest::quoted;
use crate::secret::Secret;

/// The options that hold the credentials of a row.
pub(super) struct Credentials {
    pub(super) user_name: &'static Opt,
    pub(super) password: &'static Opt,
    pub(super) file: &'static Opt,
}

impl<'t> Import<'_, 't> {
    /// Takes what a row says about an option, as far as it says anything.
    pub(super) fn take(&mut self, row: usize, line: &Line<'t>, option: &'static Opt) {
        match line.said(option.ini) {
            Said::Given(cell, column, _) => self.take_cell(row, line, option, (cell, column)),
            said @ (Said::Default(..) | Said::Absent) => self.default(row, line, option, said),
        }
    }

    /// The same for an option for which a cell of -1, or none, means what a parameter says.
    pub(super) fn take_or_global(
        &mut self,
        row: usize,
        line: &Line<'t>,
        option: &'static Opt,
        parameter: &'static str,
    ) {
        if let Said::Given(cell, column, _) = line.said(option.ini)
            && cell.text != "-1"
        {
            return self.take_cell(row, line, option, (cell, column));
        }
        let Some(global) = self.parameter(parameter) else {
            let said = line.said(option.ini);
            return self.default(row, line, option, said);
        };
        match literal(option, global.value) {
            Ok(Some(literal)) => {
                self.put(row, option, literal, global.value_at, parameter);
                let why = format!("parameter {parameter} says so");
                self.tell(row, CellOutcome::Taken, global.value_at, option, Some(&why));
            }
            Ok(None) => self.default(row, line, option, Said::Absent),
            Err(complaint) => {
                let label = self.label(row, line);
                let message = format!("{label}: parameter {parameter} {}", complaint.message);
                let hint = complaint.hint.as_deref();
                self.error(global.value_at, option.key, message, hint);
                self.fail(row, &format!("{parameter} {}", complaint.message));
            }
        }
    }

    fn take_cell(
        &mut self,
        row: usize,
        line: &Line<'t>,
        option: &'static Opt,
        (cell, column): (Cell<'t>, &'static str),
    ) {
        match literal(option, cell.text) {
            Ok(Some(literal)) => {
                self.put(row, option, literal, cell.at, column);
                self.tell(row, CellOutcome::Taken, cell.at, option, None);
            }
            Ok(None) => self.default(row, line, option, Said::Default(cell, column)),
            Err(complaint) => {
                let label = self.label(row, line);
                let message = format!("{label}: {column} {}", complaint.message);
                let hint = complaint.hint.as_deref();
                self.error(cell.at, option.key, message, hint);
                self.fail(row, &format!("{column} {}", complaint.message));
            }
        }
    }

    /// Reports that a default stands for an option.
    fn default(&mut self, row: usize, line: &Line<'t>, option: &'static Opt, said: Said<'t>) {
        let Some(newest) = option.ini.first().copied() else {
            return;
        };
        let (at, column, why) = match said {
            Said::Default(cell, column) | Said::Given(cell, column, _) => {
                let why = match cell.text {
                    "" => "the cell is empty",
                    "$$" => "$$",
                    _ => "-1",
                };
                (cell.at, column, why)
            }
            Said::Absent => (line.at, newest, "no such column"),
        };
        let value = fallback(option);
        self.push_cell(row, CellOutcome::Defaulted, at, column, Some(option.key));
        self.annotate(row, Some(value), Some(why));
    }

    /// Takes the name of a row that others refer to, which it has in any case.
    pub(super) fn name(&mut self, row: usize, line: &Line<'t>, option: &'static Opt, name: &str) {
        if let Said::Given(..) = line.said(option.ini) {
            return self.take(row, line, option);
        }
        self.put(row, option, toml_text(name), line.at, option.ini[0]);
        let why = "it has no name in the file";
        self.tell(row, CellOutcome::Defaulted, line.at, option, Some(why));
    }

    /// Leaves a cell out that says something.
    pub(super) fn drop_cell(
        &mut self,
        row: usize,
        cell: Cell<'t>,
        column: &'static str,
        why: &str,
    ) {
        self.push_cell(row, CellOutcome::Dropped, cell.at, column, None);
        self.annotate(row, None, Some(why));
    }

    /// Takes a password: the one that was supplied, else the one in the cell.
    pub(super) fn password(
        &mut self,
        row: usize,
        line: &Line<'t>,
        keys: &Credentials,
        name: &str,
        supplied: Option<(&str, &Secret)>,
    ) {
        let said = line.said(keys.password.ini);
        let (at, column) = match said {
            Said::Given(cell, column, _) | Said::Default(cell, column) => (cell.at, column),
            Said::Absent => (line.at, keys.password.ini[0]),
        };
        let found = match said {
            Said::Given(cell, _, _) => password::read(cell.text),
            Said::Default(..) | Said::Absent => Password::Empty,
        };
        if let Some((key, _)) = supplied {
            self.used_passwords.push(key.to_owned());
        }
        if self.draft.rows[row].entry(keys.user_name.key).is_none() {
            let is_given = !matches!(found, Password::Empty) || supplied.is_some();
            if is_given {
                let user_name = keys.user_name.ini[0];
                let why = format!("it has no effect without {user_name}");
                self.push_cell(row, CellOutcome::Dropped, at, column, None);
                self.annotate(row, None, Some(&why));
            }
            return;
        }
        let (secret, why) = match (supplied, found) {
            (Some((_, secret)), _) => (secret.clone(), Some("supplied beside the file")),
            (None, Password::Known(secret)) => (secret, None),
            (None, Password::Empty) => {
                self.push_cell(
                    row,
                    CellOutcome::Defaulted,
                    at,
                    column,
                    Some(keys.password.key),
                );
                return self.annotate(row, Some("\"\"".to_owned()), Some("the empty password"));
            }
            (None, Password::Unknown(why)) => {
                let label = self.label(row, line);
                let message = format!("{label}: {column} cannot be read: {why}");
                let key = match keys.file.table {
                    Table::IpGroup => format!("ip-group {name}"),
                    _ => name.to_owned(),
                };
                let hint = format!(
                    "supply it in a file with the line `{key} = PASSWORD`, by --passwords FILE"
                );
                self.error(at, keys.password.key, message, Some(&hint));
                return self.fail(row, &format!("{column} cannot be read: {why}"));
            }
        };
        let file = self.file_of(name);
        let literal = toml_text(&file);
        self.draft.secrets.insert(file, secret);
        self.put(row, keys.file, literal, at, column);
        self.tell(row, CellOutcome::Taken, at, keys.file, why);
    }

    /// A file for the password of a row of that name, which no other has.
    fn file_of(&self, name: &str) -> String {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "+-_.@".contains(one);
        let plain: String = name
            .chars()
            .map(|one| if is_plain(one) { one } else { '_' })
            .take(LONGEST_FILE)
            .collect();
        // A leading dot would hide it, a leading hyphen look like an option.
        let plain = plain.trim_start_matches(['.', '-']);
        let plain = if plain.is_empty() { "password" } else { plain };
        let numbered = (2..).map(|number| format!("{plain}-{number}.secret"));
        let mut names = std::iter::once(format!("{plain}.secret")).chain(numbered);
        let known = &self.draft.secrets;
        names
            .find(|file| !known.contains_key(file))
            .unwrap_or_default()
    }

    /// Takes a reference; returns the name that it leads to.
    pub(super) fn refer(
        &mut self,
        row: usize,
        line: &Line<'t>,
        option: &'static Opt,
        find: impl Fn(&str, usize) -> String,
    ) -> Option<String> {
        match line.said(option.ini) {
            // In the columns of old files -1 is no index.
            Said::Given(cell, column, age) if age == 0 || cell.text != "-1" => {
                let name = find(cell.text, age);
                self.put(row, option, toml_text(&name), cell.at, column);
                self.tell(row, CellOutcome::Taken, cell.at, option, None);
                Some(name)
            }
            said => {
                self.default(row, line, option, said);
                None
            }
        }
    }

    /// Adds an entry to a row.
    pub(super) fn put(
        &mut self,
        row: usize,
        option: &'static Opt,
        literal: String,
        at: At,
        ini: &'static str,
    ) {
        self.draft.rows[row].entries.push(Entry {
            option,
            literal,
            at,
            ini,
            comment: None,
        });
    }

    /// Reports what became of an option of a row, with the value that it has there now.
    pub(super) fn tell(
        &mut self,
        row: usize,
        outcome: CellOutcome,
        at: At,
        option: &'static Opt,
        why: Option<&str>,
    ) {
        let entry = self.draft.rows[row].entry(option.key);
        let column = entry.map_or("", |entry| entry.ini);
        let value = entry.map(|entry| entry.literal.clone());
        self.push_cell(row, outcome, at, column, Some(option.key));
        self.annotate(row, value, why);
    }

    fn push_cell(
        &mut self,
        row: usize,
        outcome: CellOutcome,
        at: At,
        column: &str,
        key: Option<&'static str>,
    ) {
        let cell = CellReport {
            line: at.line,
            column: self.ini.column(at),
            ini: column.to_owned(),
            outcome,
            key,
            value: None,
            why: None,
        };
        self.cells(row).push(cell);
    }

    /// Adds value and reason to the cell that was reported last.
    fn annotate(&mut self, row: usize, value: Option<String>, why: Option<&str>) {
        if let Some(cell) = self.cells(row).last_mut() {
            cell.value = value;
            cell.why = why.map(str::to_owned);
        }
    }

    fn cells(&mut self, row: usize) -> &mut Vec<CellReport> {
        match self.draft.rows[row].report {
            Some(report) => &mut self.report.rows[report].cells,
            None => &mut self.report.parameters,
        }
    }

    /// Takes a row out of the configuration.
    pub(super) fn fail(&mut self, row: usize, why: &str) {
        self.leave_out(row, RowOutcome::Failed, why);
    }

    /// The same without anything wrong with it.
    pub(super) fn leave_out(&mut self, row: usize, outcome: RowOutcome, why: &str) {
        self.draft.rows[row].is_in = false;
        if let Some(report) = self.draft.rows[row].report {
            let report = &mut self.report.rows[report];
            report.outcome = outcome;
            report.why.get_or_insert_with(|| why.to_owned());
        }
    }

    fn label(&self, row: usize, line: &Line<'t>) -> String {
        let report = self.draft.rows[row].report;
        let name = report.and_then(|report| self.report.rows[report].name.as_deref());
        let label = line.label(name);
        match line.table {
            "ProxyIp" => line.label(line.text("IpAddress")),
            _ => label,
        }
    }

    /// How a row is called in messages.
    pub(super) fn label_of(&self, row: usize) -> String {
        let row = &self.draft.rows[row];
        let info = row.table.info();
        let name = row
            .report
            .and_then(|it| self.report.rows[it].name.as_deref());
        match name {
            Some(name) => format!("{} {} {}", info.ini, row.index, quoted(name)),
            None => format!("{} {}", info.ini, row.index),
        }
    }
}

/// Longer names are cut before they become names of files.
const LONGEST_FILE: usize = 100;
