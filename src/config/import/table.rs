//! Rows with named columns, and what a cell means for an option.
//!
//! Columns go by their names, with or without the table's name before them, in any letter case and
//! order; never by their place.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::ini::{At, Cell, Format};
use super::{Import, RowId};
use crate::config::options::{Fallback, Kind, Opt, Table, Word};
use crate::config::suggest::quoted;
use crate::config::values::Complaint;

/// A row whose cells can be asked for by name.
pub(super) struct Line<'t> {
    pub(super) id: RowId,
    cells: Vec<Cell<'t>>,
    columns: Rc<Columns>,
}

/// The columns of a FORMAT line, in its order, by the names that they are asked for by; empty for
/// those that nobody asks for.
struct Columns(Vec<&'static str>);

/// What a row says about an option.
#[derive(Clone, Copy)]
pub(super) enum Said<'t> {
    /// This, in the column of that name, which is so many places from the newest one.
    Given(Cell<'t>, &'static str, usize),
    /// Nothing: `$$` or an empty cell.
    Default(Cell<'t>, &'static str),
    /// There is no such column.
    Absent,
}

impl<'t> Line<'t> {
    /// What stands in the first of some columns that says something.
    pub(super) fn said(&self, names: &[&'static str]) -> Said<'t> {
        let mut said = Said::Absent;
        for (age, name) in names.iter().enumerate() {
            let Some(cell) = self.cell(name) else {
                continue;
            };
            if cell.is_given() {
                return Said::Given(cell, name, age);
            }
            if matches!(said, Said::Absent) {
                said = Said::Default(cell, name);
            }
        }
        said
    }

    /// The text in a column, if it says something.
    pub(super) fn text(&self, name: &str) -> Option<&'t str> {
        let cell = self.cell(name).filter(Cell::is_given)?;
        Some(cell.text)
    }

    /// The cell in a column.
    pub(super) fn cell(&self, name: &str) -> Option<Cell<'t>> {
        let place = self.columns.0.iter().position(|column| *column == name)?;
        self.cells.get(place).copied()
    }

    /// Table, index and name, as they stand in messages.
    pub(super) fn label(&self, name: Option<&str>) -> String {
        match name {
            Some(name) => format!("{} {}", self.id, quoted(name)),
            None => self.id.to_string(),
        }
    }
}

impl<'t> Import<'_, 't> {
    /// The good rows of a table. What is wrong with others is said, and they are reported as
    /// failed.
    pub(super) fn lines(&mut self, table: &'static str) -> Vec<Line<'t>> {
        let ini = self.ini;
        let mut formats: Vec<(At, Rc<Columns>)> = Vec::new();
        let mut lines: Vec<Line<'t>> = Vec::new();
        let mut seen = BTreeSet::new();
        for (row, format) in ini.rows_of(table) {
            let id = RowId {
                table,
                index: row.index,
                at: row.at,
            };
            let Some(format) = format else {
                let why = "a row before its FORMAT line".to_owned();
                let hint = "the FORMAT line says what the cells of the rows below it are";
                self.fail_row(id, row.at, why, Some(hint));
                continue;
            };
            let columns = match formats.last() {
                Some((at, columns)) if *at == format.at => columns.clone(),
                Some(_) | None => {
                    let columns = Rc::new(self.columns(table, format));
                    formats.push((format.at, columns.clone()));
                    columns
                }
            };
            let (cells, end) = match row.cells() {
                Ok(cells) => cells,
                Err(bad) => {
                    self.fail_row(id, bad.at, bad.message.to_owned(), Some(bad.hint));
                    continue;
                }
            };
            if cells.len() != columns.0.len() {
                let (found, wanted, line) = (cells.len(), columns.0.len(), format.at.line);
                let cells = if found == 1 { "cell" } else { "cells" };
                let why = format!(
                    "the row has {found} {cells}, but its FORMAT in line {line} names {wanted} \
                     columns"
                );
                let hint = "a cell that says nothing is written $$ or left empty, not left out";
                self.fail_row(id, row.at, why, Some(hint));
                continue;
            }
            if !seen.insert(row.index) {
                self.fail_row(id, row.at, "the index is taken".to_owned(), Some(ONCE));
                continue;
            }
            self.look_at_end(id, end);
            lines.push(Line { id, cells, columns });
        }
        lines
    }

    /// A row should end with a semicolon and have nothing behind it.
    fn look_at_end(&mut self, row: RowId, end: Option<&str>) {
        let what = match end {
            None => "no semicolon at the end of the row",
            Some(rest) if !rest.is_empty() && !rest.starts_with(';') => {
                "what stands behind the row's semicolon is skipped"
            }
            Some(_) => return,
        };
        self.warn(row.at, "", format!("{row}: {what}"), None);
    }

    /// The columns of a FORMAT line; those that no option knows are reported once.
    fn columns(&mut self, table: &'static str, format: &Format<'_>) -> Columns {
        let mut names: Vec<&'static str> = Vec::new();
        let mut unused = Vec::new();
        let known = known_columns(table);
        for column in &format.columns {
            let name = without_prefix(column.text, table);
            let same = |known: &&&'static str| known.eq_ignore_ascii_case(name);
            let known = known.iter().find(same).copied();
            if known.is_some_and(|known| names.contains(&known)) {
                let message = format!("{table}: column {} is named twice", quoted(name));
                self.warn(column.at, "", message, Some("its first cell counts"));
            }
            if known.is_none() {
                unused.push(name);
            }
            names.push(known.unwrap_or_default());
        }
        if !unused.is_empty() {
            self.skip_columns(table, format.at, &unused);
        }
        Columns(names)
    }
}

/// A column's name without the table's before it.
fn without_prefix<'t>(column: &'t str, table: &str) -> &'t str {
    let prefix = column.get(..table.len());
    match prefix.is_some_and(|prefix| prefix.eq_ignore_ascii_case(table)) {
        true => column[table.len()..].strip_prefix('_').unwrap_or(column),
        false => column,
    }
}

/// The columns of a table that mean something to an import.
fn known_columns(table: &str) -> Vec<&'static str> {
    let tables = Table::TOP.into_iter().chain([Table::Proxy]);
    let own = tables.filter(|known| known.info().ini == table);
    let own = own.flat_map(Table::options).flat_map(|option| option.ini);
    let others = OTHERS.iter().filter(|(of, _)| *of == table);
    own.copied().chain(others.map(|(_, name)| *name)).collect()
}

/// Columns that are looked at although no option is named after them, with their tables.
const OTHERS: [(&str, &str); 11] = [
    ("Account", "ApplicationType"),
    ("Account", "ServedTrunkGroup"),
    ("ProxyIp", "ProxySetId"),
    ("ProxyIp", "ProxyIpIndex"),
    ("InterfaceTable", "IPAddress"),
    ("InterfaceTable", "InterfaceName"),
    ("CpMediaRealm", "MediaRealmName"),
    ("CpMediaRealm", "IPv4IF"),
    ("CpMediaRealm", "IPv6IF"),
    ("CpMediaRealm", "PortRangeStart"),
    ("CpMediaRealm", "PortRangeEnd"),
];

/// What a cell's text means for an option, as TOML; nothing if it stands for the default.
pub(super) fn literal(option: &Opt, text: &str) -> Result<Option<String>, Complaint> {
    let is_unset = text == "-1"
        && matches!(
            option.fallback,
            Fallback::Computed(_) | Fallback::Nothing(_)
        );
    match option.kind {
        Kind::Words(words) if !is_unset => word(option, words, text).map(Some),
        Kind::Whole { .. } if !is_unset => match text.parse::<i64>() {
            Ok(number) => Ok(Some(number.to_string())),
            Err(_) => Err(Complaint::new(format!(
                "is {}, which is no number",
                quoted(text)
            ))),
        },
        Kind::Words(_) | Kind::Whole { .. } => Ok(None),
        Kind::Flag => match text {
            "0" => Ok(Some("false".to_owned())),
            "1" => Ok(Some("true".to_owned())),
            _ => Err(Complaint::new(format!("is {}", quoted(text))).hint("known are 0 and 1")),
        },
        Kind::Codes { .. } => Ok(Some(codes(text))),
        Kind::Text { .. }
        | Kind::Ip
        | Kind::Peer
        | Kind::Ports
        | Kind::Addresses { .. }
        | Kind::Texts { .. }
        | Kind::Reference(_)
        | Kind::Names(_)
        | Kind::Rows(_) => Ok(Some(toml_text(text))),
    }
}

/// The word of a number.
fn word(option: &Opt, words: &[Word], text: &str) -> Result<String, Complaint> {
    let number = text.parse::<u8>().ok();
    if let Some(word) = words
        .iter()
        .find(|word| word.ini.is_some() && word.ini == number)
    {
        return Ok(toml_text(word.key));
    }
    if option.key == "transport"
        && let Some(name) = number.and_then(|number| TRANSPORTS.get(usize::from(number)))
    {
        // Whether it is supported is for the check of the configuration to say.
        return Ok(toml_text(name));
    }
    let known = words
        .iter()
        .filter_map(|word| Some(format!("{} ({})", word.ini?, word.key)));
    let known: Vec<String> = known.collect();
    let message = format!("is {}, which stands for nothing known", quoted(text));
    Err(Complaint::new(message).hint(format!("known are {}", known.join(", "))))
}

/// A list of status codes, with anything between them.
fn codes(text: &str) -> String {
    let items = text.split([',', ' ', '\t', '\'', '"', '\\', ';']);
    let items = items.filter(|item| !item.is_empty());
    let items: Vec<String> = items
        .map(|item| match item.parse::<u32>() {
            Ok(code) => code.to_string(),
            Err(_) => toml_text(item),
        })
        .collect();
    format!("[{}]", items.join(", "))
}

/// A text as TOML.
pub(super) fn toml_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for one in text.chars() {
        match one {
            '"' | '\\' => out.extend(['\\', one]),
            _ if one.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(one))),
            _ => out.push(one),
        }
    }
    out.push('"');
    out
}

/// The transports by the device's numbers.
const TRANSPORTS: [&str; 3] = ["udp", "tcp", "tls"];
const ONCE: &str = "a row of a table and an index may be there once; the first one counts";
