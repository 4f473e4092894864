//! Taking cells: each becomes an entry of its row in the configuration, and a line of the report.

use super::draft::Entry;
use super::ini::{At, Cell};
use super::password::{self, Password};
use super::table::{Line, Said, literal, toml_text};
use super::{CellOutcome, CellReport, Import, RowOutcome};
use crate::config::document::fallback;
use crate::config::options::{Opt, Table};
use crate::config::suggest::quoted;

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
                let why = format!("parameter {parameter} says so");
                let entry = Entry::new(option, literal, global.value_at, parameter);
                self.put(row, entry, CellOutcome::Taken, Some(&why));
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
                let entry = Entry::new(option, literal, cell.at, column);
                self.put(row, entry, CellOutcome::Taken, None);
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
            Said::Absent => (line.id.at, newest, "no such column"),
        };
        let (value, why) = match fallback(option) {
            Ok(value) => (Some(value), why.to_owned()),
            Err(words) => (None, format!("{why}: {words}")),
        };
        let cell = CellReport {
            key: Some(option.key),
            value,
            why: Some(why),
            ..self.cell(at, column, CellOutcome::Defaulted)
        };
        self.cells(row).push(cell);
    }

    /// Takes the name of a row that others refer to, which it has in any case.
    pub(super) fn name(&mut self, row: usize, line: &Line<'t>, option: &'static Opt, name: &str) {
        if let Said::Given(..) = line.said(option.ini) {
            return self.take(row, line, option);
        }
        let entry = Entry::new(option, toml_text(name), line.id.at, option.ini[0]);
        self.put(row, entry, CellOutcome::Defaulted, Some(NAMELESS));
    }

    /// Leaves a cell out that says something.
    pub(super) fn drop_cell(
        &mut self,
        row: usize,
        cell: Cell<'t>,
        column: &'static str,
        why: &str,
    ) {
        let cell = CellReport {
            why: Some(why.to_owned()),
            ..self.cell(cell.at, column, CellOutcome::Dropped)
        };
        self.cells(row).push(cell);
    }

    /// Takes a password: the one that was supplied, else the one in the cell.
    pub(super) fn password(&mut self, row: usize, line: &Line<'t>, keys: &Credentials, name: &str) {
        let passwords = self.surroundings.passwords;
        let is_group = keys.file.table == Table::IpGroup;
        let supplied = match is_group {
            true => passwords.of_group(name),
            false => passwords.of_account(name, line.id.index),
        };
        let said = line.said(keys.password.ini);
        let (at, column) = match said {
            Said::Given(cell, column, _) | Said::Default(cell, column) => (cell.at, column),
            Said::Absent => (line.id.at, keys.password.ini[0]),
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
                let why = format!("it has no effect without {}", keys.user_name.ini[0]);
                let cell = CellReport {
                    why: Some(why),
                    ..self.cell(at, column, CellOutcome::Dropped)
                };
                self.cells(row).push(cell);
            }
            return;
        }
        let (secret, why) = match (supplied, found) {
            (Some((_, secret)), _) => (secret.clone(), Some("supplied beside the file")),
            (None, Password::Known(secret)) => (secret, None),
            (None, Password::Empty) => {
                let cell = CellReport {
                    key: Some(keys.password.key),
                    value: Some("\"\"".to_owned()),
                    why: Some("the empty password".to_owned()),
                    ..self.cell(at, column, CellOutcome::Defaulted)
                };
                return self.cells(row).push(cell);
            }
            (None, Password::Unknown(why)) => {
                let label = self.label(row, line);
                let message = format!("{label}: {column} cannot be read: {why}");
                let key = match is_group {
                    true => format!("ip-group {name}"),
                    false => name.to_owned(),
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
        let entry = Entry::new(keys.file, literal, at, column);
        self.put(row, entry, CellOutcome::Taken, why);
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
                let entry = Entry::new(option, toml_text(&name), cell.at, column);
                self.put(row, entry, CellOutcome::Taken, None);
                Some(name)
            }
            said @ (Said::Given(..) | Said::Default(..) | Said::Absent) => {
                self.default(row, line, option, said);
                None
            }
        }
    }

    /// Adds an entry to a row, and to the report.
    pub(super) fn put(
        &mut self,
        row: usize,
        entry: Entry,
        outcome: CellOutcome,
        why: Option<&str>,
    ) {
        let cell = CellReport {
            key: Some(entry.option.key),
            value: Some(entry.literal.clone()),
            why: why.map(str::to_owned),
            ..self.cell(entry.at, entry.ini, outcome)
        };
        self.cells(row).push(cell);
        self.draft.rows[row].entries.push(entry);
    }

    /// A cell of the report, so far without option, value and reason.
    pub(super) fn cell(&self, at: At, column: &str, outcome: CellOutcome) -> CellReport {
        CellReport {
            line: at.line,
            column: self.ini.column(at),
            ini: column.to_owned(),
            outcome,
            key: None,
            value: None,
            why: None,
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
        match line.id.table {
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

const NAMELESS: &str = "it has no name in the file";
/// Longer names are cut before they become names of files.
const LONGEST_FILE: usize = 100;
