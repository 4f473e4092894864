//! From text to rows: finds all that is no TOML, no known table, no known key, or no value for its
//! key.
//!
//! A text is parsed as a whole, with two exceptions: one with very many Accounts in `pieces`, to
//! save memory, and one that is no TOML in `sections`, to find more than the first thing wrong.

use toml::de::{DeTable, DeValue, Error};

use super::Config;
use super::check::Check;
use super::faults::{Fault, Faults, THERE_ALREADY, offset};
use super::options::Table;
use super::row::{Origin, Row, owner, written};
use super::suggest::{nearest, quoted};
use super::{pieces, sections};

/// Reads a text.
pub(super) fn read(text: &str) -> (Option<Config>, Faults<'_>) {
    if u32::try_from(text.len()).is_err() {
        let mut faults = Faults::new("");
        faults.push(Fault::error(
            0,
            "",
            "the file is larger than 4 GiB".to_owned(),
        ));
        return (None, faults);
    }
    pieces::read(text).unwrap_or_else(|| read_whole(text))
}

/// Reads a text that has no faults of syntax, and says of each row what is wrong with it, also what
/// it shares with others.
pub(super) fn read_each(text: &str) -> (Option<Config>, Faults<'_>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return read_whole(text);
    }
    let mut check = Check::new(text);
    check.tell_each();
    let origin = Origin {
        pieces: &[],
        is_damaged: false,
    };
    let mut top = Top::default();
    top.read(root.get_ref(), &origin, &mut check.faults);
    check.globals(&top);
    top.accounts.iter().for_each(|row| check.account(row));
    check.finish()
}

pub(super) fn read_whole(text: &str) -> (Option<Config>, Faults<'_>) {
    let (root, mut errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty()
        && let Some(faults) = sections::read(text)
    {
        return (None, faults);
    }
    let mut check = Check::new(text);
    errors.sort_by_key(place);
    for error in &errors {
        check.faults.syntax(syntax(text, error, 0));
    }
    let origin = Origin {
        pieces: &[],
        is_damaged: !errors.is_empty(),
    };
    let mut top = Top::default();
    top.read(root.get_ref(), &origin, &mut check.faults);
    if origin.is_damaged {
        check.set_lossy();
    }
    check.globals(&top);
    top.accounts.iter().for_each(|row| check.account(row));
    check.finish()
}

/// A file's top level.
#[derive(Default)]
pub(super) struct Top<'t> {
    pub(super) agent: Option<Row<'t>>,
    pub(super) registration: Option<Row<'t>>,
    pub(super) interfaces: Vec<Row<'t>>,
    pub(super) sets: Vec<Row<'t>>,
    pub(super) groups: Vec<Row<'t>>,
    pub(super) accounts: Vec<Row<'t>>,
    pub(super) mail: Option<Row<'t>>,
    pub(super) alerts: Vec<Row<'t>>,
    pub(super) web: Option<Row<'t>>,
}

impl<'t> Top<'t> {
    /// Adds what stands at the top level of a text.
    pub(super) fn read(
        &mut self,
        root: &'t DeTable<'_>,
        origin: &Origin<'_>,
        faults: &mut Faults<'_>,
    ) {
        for (key, value) in root {
            let at = origin.at(key.span().start);
            let key = key.get_ref();
            let Some(table) = table_of(key) else {
                // It may be a key whose table lost its header.
                if !origin.is_damaged {
                    faults.push(unknown(at, key, value.get_ref()));
                }
                continue;
            };
            let is_many = table.info().many;
            if let (DeValue::Table(content), false) = (value.get_ref(), is_many) {
                let at = origin.at(value.span().start);
                self.add(table, Row::read(table, at, content, origin, faults));
            } else if let (DeValue::Array(items), true) = (value.get_ref(), is_many) {
                for item in items.iter() {
                    let at = origin.at(item.span().start);
                    match item.get_ref().as_table() {
                        Some(content) => {
                            self.add(table, Row::read(table, at, content, origin, faults));
                        }
                        None => faults.push(misshapen(at, table)),
                    }
                }
            } else if !origin.is_damaged {
                faults.push(misshapen(at, table));
            }
        }
    }

    /// Adds one table.
    pub(super) fn add(&mut self, table: Table, row: Row<'t>) {
        match table {
            Table::Agent => self.agent = Some(row),
            Table::Registration => self.registration = Some(row),
            Table::SipInterface => self.interfaces.push(row),
            Table::ProxySet => self.sets.push(row),
            Table::IpGroup => self.groups.push(row),
            Table::Account => self.accounts.push(row),
            Table::Mail => self.mail = Some(row),
            Table::Alert => self.alerts.push(row),
            Table::Web => self.web = Some(row),
            // It stands inside of sets only.
            Table::Proxy => {}
        }
    }
}

/// Where the parser says something.
pub(super) fn place(error: &Error) -> usize {
    error.span().unwrap_or(0..0).start
}

/// What the parser says about a part of a text that starts at `base`.
pub(super) fn syntax(part: &str, error: &Error, base: u32) -> Fault {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    let written = part.get(span.clone()).unwrap_or_default();
    let fault = |message: &str| {
        Fault::error(
            base.saturating_add(offset(span.start)),
            "",
            message.to_owned(),
        )
    };
    if message == "duplicate key" && !written.is_empty() {
        return fault(&format!("{}{THERE_ALREADY}", quoted(written)));
    }
    for (start, hint) in HINTS {
        if message.starts_with(start) {
            let message = message.split(", expected").next().unwrap_or_default();
            return fault(message).hint(hint);
        }
    }
    fault(message)
}

/// How messages of the parser begin, and what helps.
const HINTS: [(&str, &str); 7] = [
    ("string values must be quoted", QUOTES),
    ("invalid float", QUOTES),
    ("invalid integer", QUOTES),
    ("invalid boolean", QUOTES),
    ("missing escaped value", BACKSLASH),
    ("too few unicode value digits", BACKSLASH),
    ("unclosed array", "a list ends with \"]\""),
];
const QUOTES: &str = "text, an address too, is written in double quotes";
const BACKSLASH: &str = "a backslash is written twice; or write the text in single quotes";

/// A table whose header, or whose value, has the wrong form.
pub(super) fn misshapen(at: u32, table: Table) -> Fault {
    let info = table.info();
    let message = format!("{} must be written {}", quoted(info.key), written(table));
    Fault::error(at, info.key, message)
}

/// Something at the top level that is no known table.
fn unknown(at: u32, key: &str, value: &DeValue<'_>) -> Fault {
    let mut is_table = value.is_table();
    if let DeValue::Array(items) = value {
        is_table = items.iter().any(|item| item.get_ref().is_table());
    }
    if let (false, Some(owner)) = (is_table, owner(key)) {
        let message = format!("the key {} stands outside of any table", quoted(key));
        return Fault::error(at, key, message).hint(format!("it is a key of {}", written(owner)));
    }
    unknown_table(at, key, if is_table { "table" } else { "key" })
}

/// Something at the top level that no table is called by.
pub(super) fn unknown_table(at: u32, key: &str, what: &str) -> Fault {
    let near = nearest(key, Table::TOP.map(|table| table.info().key).into_iter());
    let hint = match near.and_then(table_of) {
        Some(table) => format!("did you mean {}?", written(table)),
        None => format!("tables are {}", Table::TOP.map(written).join(", ")),
    };
    Fault::error(at, key, format!("unknown {what} {}", quoted(key))).hint(hint)
}

/// The table of the top level that has a key.
pub(super) fn table_of(key: &str) -> Option<Table> {
    Table::TOP.into_iter().find(|table| table.info().key == key)
}
