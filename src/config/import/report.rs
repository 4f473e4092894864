//! What became of a device's file: per row and per cell, for people and for programs.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::config::suggest::quoted;
use crate::config::{Diagnostic, Severity};

/// What an import took, added, left out and refused. Its `Display` is one line for each of these,
/// beginning with its place.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Number of the form of this report.
    pub schema: u32,
    /// The file as it was named.
    pub file: Arc<str>,
    /// The rows of the tables that matter.
    pub rows: Vec<RowReport>,
    /// The parameters that matter.
    pub parameters: Vec<CellReport>,
    /// What regent has no use for.
    pub skipped: Vec<Skipped>,
    /// Everything wrong or doubtful, by position.
    pub findings: Vec<Diagnostic>,
    /// All of it in numbers.
    pub summary: Summary,
}

/// What became of one row.
#[derive(Clone, Debug, Serialize)]
pub struct RowReport {
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// Its table, as the device calls it.
    pub table: &'static str,
    /// Its index.
    pub index: u32,
    /// Its name in the configuration, as far as it has one.
    pub name: Option<String>,
    /// What became of it.
    pub outcome: RowOutcome,
    /// Why, where it was not taken.
    pub why: Option<String>,
    /// Its cells.
    pub cells: Vec<CellReport>,
}

/// What became of a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowOutcome {
    /// It is in the configuration.
    Taken,
    /// It is of the Gateway application.
    NotApplicable,
    /// No Account that was taken leads to it.
    NotNeeded,
    /// Something is wrong with it, or with what it needs.
    Failed,
}

/// What became of a cell, or of a parameter.
#[derive(Clone, Debug, Serialize)]
pub struct CellReport {
    /// Its line, from 1; for a column that is not there, that of the row.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// The device's name for it.
    pub ini: String,
    /// What became of it.
    pub outcome: CellOutcome,
    /// The option that it stands for.
    pub key: Option<&'static str>,
    /// The value of that option, as TOML.
    pub value: Option<String>,
    /// Why, where it was not taken as it stands.
    pub why: Option<String>,
}

/// What became of a cell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellOutcome {
    /// Its value is in the configuration.
    Taken,
    /// It says nothing, so that a default stands for it.
    Defaulted,
    /// It is left out.
    Dropped,
}

/// A table, some columns of one, or a parameter that regent has no use for.
#[derive(Clone, Debug, Serialize)]
pub struct Skipped {
    /// Its line, from 1.
    pub line: u32,
    /// Its column, from 1.
    pub column: u32,
    /// Whether it is a table, columns or a parameter.
    pub kind: SkippedKind,
    /// What it is called.
    pub name: String,
    /// Its last line.
    pub end: u32,
    /// How many rows or columns it has.
    pub count: u32,
    /// Whether the device hides what is in it.
    pub is_hidden: bool,
}

/// A kind of [`Skipped`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SkippedKind {
    /// A table, with all its rows.
    Table,
    /// Columns of a table that is otherwise read.
    Columns,
    /// A parameter.
    Parameter,
}

/// A [`Report`] in numbers.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize)]
pub struct Summary {
    /// Accounts that are in the configuration.
    pub accounts_taken: u32,
    /// Accounts that are not, because something is wrong.
    pub accounts_failed: u32,
    /// Accounts of the Gateway application.
    pub accounts_not_applicable: u32,
    /// Rows of other tables that are in the configuration.
    pub others_taken: u32,
    /// Rows of other tables that are wrong.
    pub others_failed: u32,
    /// Rows of other tables that no Account leads to.
    pub others_not_needed: u32,
    /// Tables that were skipped.
    pub skipped_tables: u32,
    /// Rows of them.
    pub skipped_rows: u32,
    /// Parameters that were skipped.
    pub skipped_parameters: u32,
    /// Findings that are errors.
    pub errors: u32,
    /// Findings that are warnings.
    pub warnings: u32,
}

impl Report {
    /// Whether everything that applies was taken.
    pub fn is_complete(&self) -> bool {
        self.summary.errors == 0
    }

    /// Counts what is in it.
    pub(super) fn sum(&mut self) {
        let mut sum = Summary::default();
        for row in &self.rows {
            let is_account = row.table == "Account";
            let counter = match (is_account, row.outcome) {
                (true, RowOutcome::Taken) => &mut sum.accounts_taken,
                (true, RowOutcome::Failed) => &mut sum.accounts_failed,
                (true, RowOutcome::NotApplicable | RowOutcome::NotNeeded) => {
                    &mut sum.accounts_not_applicable
                }
                (false, RowOutcome::Taken) => &mut sum.others_taken,
                (false, RowOutcome::Failed) => &mut sum.others_failed,
                (false, RowOutcome::NotNeeded | RowOutcome::NotApplicable) => {
                    &mut sum.others_not_needed
                }
            };
            *counter += 1;
        }
        for skipped in &self.skipped {
            match skipped.kind {
                SkippedKind::Table => {
                    sum.skipped_tables += 1;
                    sum.skipped_rows += skipped.count;
                }
                SkippedKind::Parameter => sum.skipped_parameters += 1,
                SkippedKind::Columns => {}
            }
        }
        for finding in &self.findings {
            match finding.severity {
                Severity::Error => sum.errors += 1,
                Severity::Warning => sum.warnings += 1,
            }
        }
        self.summary = sum;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = &self.file;
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        for parameter in &self.parameters {
            parameter.line(f, file, " ")?;
        }
        for row in &self.rows {
            row.line(f, file)?;
            for cell in &row.cells {
                cell.line(f, file, "   ")?;
            }
        }
        for skipped in &self.skipped {
            skipped.line(f, file)?;
        }
        writeln!(f, "{}", self.summary)
    }
}

impl RowReport {
    fn line(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        let Self {
            line,
            column,
            table,
            index,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {table} {index}")?;
        if let Some(name) = &self.name {
            write!(f, " {}", quoted(name))?;
        }
        f.write_str(match self.outcome {
            RowOutcome::Taken => ": taken",
            RowOutcome::NotApplicable => ": not applicable",
            RowOutcome::NotNeeded => ": not needed",
            RowOutcome::Failed => ": failed",
        })?;
        match &self.why {
            Some(why) => writeln!(f, ": {why}"),
            None => writeln!(f),
        }
    }
}

impl CellReport {
    fn line(&self, f: &mut fmt::Formatter<'_>, file: &str, indent: &str) -> fmt::Result {
        let Self {
            line, column, ini, ..
        } = self;
        let outcome = match self.outcome {
            CellOutcome::Taken => "taken",
            CellOutcome::Defaulted => "defaulted",
            CellOutcome::Dropped => "dropped",
        };
        write!(f, "{file}:{line}:{column}:{indent}{outcome}: {ini}")?;
        match (self.key, &self.value) {
            (Some(key), Some(value)) => write!(f, " -> {key} = {value}")?,
            (Some(key), None) => write!(f, " -> {key}")?,
            (None, _) => {}
        }
        match &self.why {
            Some(why) => writeln!(f, " ({why})"),
            None => writeln!(f),
        }
    }
}

impl Skipped {
    fn line(&self, f: &mut fmt::Formatter<'_>, file: &str) -> fmt::Result {
        let Self {
            line,
            column,
            name,
            count,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: skipped: ")?;
        match self.kind {
            SkippedKind::Table if self.is_hidden => {
                write!(f, "table {name}, which the device hides")?;
            }
            SkippedKind::Table => write!(f, "table {name}, {}", number(*count, "row"))?,
            SkippedKind::Columns => write!(f, "{}: {name}", number(*count, "column"))?,
            SkippedKind::Parameter => write!(f, "parameter {name}")?,
        }
        writeln!(f)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} taken", number(self.accounts_taken, "Account"))?;
        let more = [
            (self.accounts_failed, "failed"),
            (self.accounts_not_applicable, "not applicable (Gateway)"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        write!(f, "; {} taken", number(self.others_taken, "other row"))?;
        let more = [
            (self.others_failed, "failed"),
            (self.others_not_needed, "not needed"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            write!(f, ", {count} {what}")?;
        }
        write!(
            f,
            "; skipped {} ({}) and {}",
            number(self.skipped_tables, "table"),
            number(self.skipped_rows, "row"),
            number(self.skipped_parameters, "parameter")
        )?;
        write!(
            f,
            "; {}, {}",
            number(self.errors, "error"),
            number(self.warnings, "warning")
        )
    }
}

/// `1 row`, `2 rows`.
fn number(count: u32, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}
