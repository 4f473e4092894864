//! One table of a configuration, read by the table of options: what is unknown, misplaced or of the
//! wrong kind is said here, and whoever reads the row finds good values only.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use toml::de::{DeArray, DeInteger, DeTable, DeValue};

use super::faults::{Fault, Faults, name_to_come, offset};
use super::options::{Fallback, Kind, Opt, Table};
use super::suggest::{list, nearest, quoted};
use super::values::{Complaint, Raw, Value, accept};
use super::{Codes, Host, Ports, Span};

/// Where a parsed text comes from.
pub(super) struct Origin<'o> {
    /// Where its bytes stand in the whole text: pieces of (start there, start in the whole).
    pub(super) pieces: &'o [(u32, u32)],
    /// Whether it is no TOML in places. What is missing then may be what could not be read.
    pub(super) is_damaged: bool,
}

impl Origin<'_> {
    pub(super) fn at(&self, at: usize) -> u32 {
        let at = offset(at);
        let piece = self
            .pieces
            .partition_point(|(start, _)| *start <= at)
            .saturating_sub(1);
        match self.pieces.get(piece) {
            Some((start, base)) => base.saturating_add(at.saturating_sub(*start)),
            None => at,
        }
    }
}

/// One table.
pub(super) struct Row<'t> {
    /// Its header.
    pub(super) at: u32,
    pub(super) label: Label<'t>,
    /// Whether parts of it may have been lost.
    pub(super) is_damaged: bool,
    cells: Vec<Cell<'t>>,
}

/// One option that is present.
struct Cell<'t> {
    option: &'static Opt,
    span: Span,
    /// None if it is faulty, or a list.
    value: Option<Value<'t>>,
    /// None unless it is a list with tables, or empty.
    rows: Option<Vec<Row<'t>>>,
}

/// What a row is called in messages.
#[derive(Clone, Copy)]
pub(super) struct Label<'t> {
    table: Table,
    name: Option<&'t str>,
    /// Its place in a list, from 1, and the name of what has the list.
    within: Option<(usize, Option<&'t str>)>,
    /// The header of an Account without a name, which gets one when all Accounts are known.
    unnamed: Option<u32>,
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = self.table.info().noun;
        match self.within {
            Some((place, Some(parent))) => {
                let set = Table::ProxySet.info().noun;
                write!(f, "{set} {}: {noun} {place}", quoted(parent))
            }
            Some((place, None)) => write!(f, "{noun} {place}"),
            None => match (self.name, self.unnamed) {
                (Some(name), _) => write!(f, "{noun} {}", quoted(name)),
                (None, Some(at)) => write!(f, "{noun} {}", name_to_come(at)),
                (None, None) => f.write_str(noun),
            },
        }
    }
}

impl<'t> Row<'t> {
    /// A table that is not there.
    pub(super) fn empty(table: Table) -> Self {
        Self {
            at: 0,
            label: Label {
                table,
                name: None,
                within: None,
                unnamed: None,
            },
            is_damaged: false,
            cells: Vec::new(),
        }
    }

    /// Reads a table. `at` is its header.
    pub(super) fn read(
        table: Table,
        at: u32,
        content: &'t DeTable<'_>,
        origin: &Origin<'_>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let name = content.get("name");
        let is_unnamed = table == Table::Account && name.is_none() && !origin.is_damaged;
        let label = Label {
            table,
            name: name.and_then(|name| name.get_ref().as_str()),
            within: None,
            unnamed: is_unnamed.then_some(at),
        };
        Self::read_as(label, at, content, origin, faults)
    }

    fn read_as(
        label: Label<'t>,
        at: u32,
        content: &'t DeTable<'_>,
        origin: &Origin<'_>,
        faults: &mut Faults<'_>,
    ) -> Self {
        let mut row = Self {
            at,
            label,
            is_damaged: origin.is_damaged,
            cells: Vec::with_capacity(content.len()),
        };
        for (key, value) in content {
            let Some(option) = label.table.option(key.get_ref()) else {
                let at = origin.at(key.span().start);
                // It may be a key of the table that lost its header.
                if !faults.is_below_lost_header(at) {
                    faults.push(unknown_key(&row, at, key.get_ref()));
                }
                continue;
            };
            let span = value.span();
            let span = Span {
                start: origin.at(span.start),
                end: origin.at(span.end),
            };
            let mut cell = Cell {
                option,
                span,
                value: None,
                rows: None,
            };
            match (option.kind, value.get_ref()) {
                (Kind::Rows(table), DeValue::Array(items)) => {
                    let rows = Self::read_items((option, table), label.name, items, origin, faults);
                    cell.rows = (items.is_empty() || !rows.is_empty()).then_some(rows);
                }
                // The parser has put something in the place of a value that it could not read.
                _ if origin.is_damaged && value.span().is_empty() => {}
                // A list that is not closed has swallowed what follows.
                (_, DeValue::Array(_) | DeValue::Table(_))
                    if origin.is_damaged
                        && faults.is_broken(span.start as usize, span.end as usize) => {}
                (_, value) => match accept(option, raw(value)) {
                    Ok(value) => cell.value = Some(value),
                    Err(complaint) => faults.push(row.complain(option, span.start, complaint)),
                },
            }
            row.cells.push(cell);
        }
        if !origin.is_damaged {
            row.check_required(faults);
        }
        row
    }

    /// The tables in a list, which belongs to the row with this name.
    fn read_items(
        (option, table): (&'static Opt, Table),
        owner: Option<&'t str>,
        items: &'t DeArray<'_>,
        origin: &Origin<'_>,
        faults: &mut Faults<'_>,
    ) -> Vec<Self> {
        let mut rows = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            let label = Label {
                table,
                name: None,
                within: Some((place + 1, owner)),
                unnamed: None,
            };
            let at = origin.at(item.span().start);
            match item.get_ref().as_table() {
                Some(content) => rows.push(Self::read_as(label, at, content, origin, faults)),
                None if origin.is_damaged => {}
                None => faults.push(no_table(&label, at, option)),
            }
        }
        rows
    }

    /// A table that is read key by key: [`Row::take`], and [`Row::is_complete`] in the end.
    pub(super) fn begun(table: Table, at: u32) -> Self {
        Self {
            at,
            ..Self::empty(table)
        }
    }

    /// Takes an option; nothing if it is unknown, faulty, a list, or there already.
    pub(super) fn take(&mut self, key: &str, raw: Raw<'t>, span: Span) -> Option<()> {
        let option = self.label.table.option(key)?;
        let value = accept(option, raw).ok().filter(|_| !self.has(option))?;
        if let (Value::Text(name), "name") = (&value, key) {
            self.label.name = Some(name);
        }
        self.cells.push(Cell {
            option,
            span,
            value: Some(value),
            rows: None,
        });
        Some(())
    }

    /// Whether nothing is missing.
    pub(super) fn is_complete(&self) -> bool {
        let mut options = self.label.table.options();
        options.all(|option| !matches!(option.fallback, Fallback::Required) || self.has(option))
    }

    fn check_required(&self, faults: &mut Faults<'_>) {
        for option in self.label.table.options() {
            if matches!(option.fallback, Fallback::Required) && !self.has(option) {
                let message = format!("{}: missing key \"{}\"", self.label, option.key);
                let hint = format!("for example {} = {}", option.key, one_line(option.example));
                faults.push(Fault::error(self.at, option.key, message).hint(hint));
            }
        }
    }

    fn complain(&self, option: &Opt, at: u32, complaint: Complaint) -> Fault {
        let message = format!("{}: {} {}", self.label, option.key, complaint.message);
        Fault {
            hint: complaint.hint,
            ..Fault::error(at, option.key, message)
        }
    }

    fn cell(&self, option: &'static Opt) -> Option<&Cell<'t>> {
        self.cells
            .iter()
            .find(|cell| std::ptr::eq(cell.option, option))
    }

    fn value(&self, option: &'static Opt) -> Option<&Value<'t>> {
        debug_assert_eq!(option.table, self.label.table);
        self.cell(option).and_then(|cell| cell.value.as_ref())
    }

    /// Whether an option is present, good or not.
    pub(super) fn has(&self, option: &'static Opt) -> bool {
        self.cell(option).is_some()
    }

    /// Whether an option is present and faulty.
    pub(super) fn is_faulty(&self, option: &'static Opt) -> bool {
        self.cell(option).is_some_and(|cell| cell.value.is_none())
    }

    /// Where an option's value stands; the header if it is absent.
    pub(super) fn span(&self, option: &'static Opt) -> Span {
        let header = Span {
            start: self.at,
            end: self.at,
        };
        self.cell(option).map_or(header, |cell| cell.span)
    }

    pub(super) fn text(&self, option: &'static Opt) -> Option<&'t str> {
        let Value::Text(text) = self.value(option)? else {
            return None;
        };
        Some(text)
    }

    /// A number, if it is given and good.
    pub(super) fn given<T: TryFrom<u64>>(&self, option: &'static Opt) -> Option<T> {
        let Value::Whole(number) = self.value(option)? else {
            return None;
        };
        T::try_from(*number).ok()
    }

    /// A number, or what stands for it.
    pub(super) fn whole<T: TryFrom<u64> + Default>(&self, option: &'static Opt) -> T {
        let fallback = if let Fallback::Whole(number) = option.fallback {
            number
        } else {
            0
        };
        self.given(option)
            .or_else(|| T::try_from(fallback).ok())
            .unwrap_or_default()
    }

    pub(super) fn flag(&self, option: &'static Opt) -> bool {
        match self.value(option) {
            Some(Value::Flag(flag)) => *flag,
            _ => matches!(option.fallback, Fallback::Flag(true)),
        }
    }

    /// What a word stands for; `meanings` are in the order of the option's words.
    pub(super) fn word<T: Copy>(&self, option: &'static Opt, meanings: &[T]) -> T {
        let place = match (self.value(option), option.kind, option.fallback) {
            (Some(Value::Word(place)), ..) => *place,
            (_, Kind::Words(words), Fallback::Word(key)) => words
                .iter()
                .position(|word| word.key == key)
                .unwrap_or_default(),
            _ => 0,
        };
        meanings[place]
    }

    /// What a word stands for, if one is given and good.
    pub(super) fn given_word<T: Copy>(&self, option: &'static Opt, meanings: &[T]) -> Option<T> {
        self.value(option).map(|_| self.word(option, meanings))
    }

    /// The word itself, if one is given and good.
    pub(super) fn text_of_word(&self, option: &'static Opt) -> Option<&'static str> {
        match (self.value(option)?, option.kind) {
            (Value::Word(place), Kind::Words(words)) => words.get(*place).map(|word| word.key),
            _ => None,
        }
    }

    /// Addresses; none if the list is absent or faulty.
    pub(super) fn addresses(&self, option: &'static Opt) -> &[SocketAddr] {
        match self.value(option) {
            Some(Value::Addresses(addresses)) => addresses,
            _ => &[],
        }
    }

    /// Names; none stands for all.
    pub(super) fn names(&self, option: &'static Opt) -> Option<&[&'t str]> {
        match self.value(option) {
            Some(Value::Names(names)) => names.as_deref(),
            _ => None,
        }
    }

    /// Texts, if a list is given and good.
    pub(super) fn texts(&self, option: &'static Opt) -> Option<&[&'t str]> {
        let Value::Texts(texts) = self.value(option)? else {
            return None;
        };
        Some(texts)
    }

    /// Status codes, or what stands for them.
    pub(super) fn codes(&self, option: &'static Opt) -> &[Codes] {
        match (self.value(option), option.fallback) {
            (Some(Value::Codes(codes)), _) => codes,
            (_, Fallback::Codes(codes)) => codes,
            _ => &[],
        }
    }

    pub(super) fn ip(&self, option: &'static Opt) -> Option<IpAddr> {
        let Value::Ip(address) = self.value(option)? else {
            return None;
        };
        Some(*address)
    }

    /// Where somebody is: host, and port if one is given.
    pub(super) fn peer(&self, option: &'static Opt) -> Option<(&Host, Option<u16>)> {
        let Value::Peer(host, port) = self.value(option)? else {
            return None;
        };
        Some((host, *port))
    }

    pub(super) fn ports(&self, option: &'static Opt) -> Option<Ports> {
        let Value::Ports(ports) = self.value(option)? else {
            return None;
        };
        Some(*ports)
    }

    /// The rows of a list; none if it is absent or faulty.
    pub(super) fn rows(&self, option: &'static Opt) -> Option<&[Self]> {
        self.cell(option).and_then(|cell| cell.rows.as_deref())
    }
}

/// A value of TOML as the table of options understands it.
fn raw<'t>(value: &'t DeValue<'_>) -> Raw<'t> {
    match value {
        DeValue::String(text) => Raw::Text(text),
        DeValue::Integer(number) => Raw::Whole(integer(number)),
        DeValue::Boolean(flag) => Raw::Flag(*flag),
        DeValue::Float(_) => Raw::Other("a number with a fraction"),
        DeValue::Datetime(_) => Raw::Other("a date or time"),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| flat(item.get_ref())).collect()),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}

/// A value in a list, in which no list is looked into.
fn flat<'t>(value: &'t DeValue<'_>) -> Raw<'t> {
    if value.is_array() {
        Raw::Other("a list")
    } else {
        raw(value)
    }
}

fn integer(number: &DeInteger<'_>) -> Option<i64> {
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn no_table(label: &Label<'_>, at: u32, option: &Opt) -> Fault {
    let message = format!("{label}: must be a table");
    Fault::error(at, option.key, message).hint(format!(
        "{} = {}",
        option.key,
        one_line(option.example)
    ))
}

/// An example on one line.
fn one_line(example: &str) -> String {
    example.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unknown_key(row: &Row<'_>, at: u32, key: &str) -> Fault {
    let message = format!("{}: unknown key {}", row.label, quoted(key));
    let table = row.label.table;
    let keys: Vec<&str> = table.options().map(|option| option.key).collect();
    let hint = match (nearest(key, keys.iter().copied()), owner(key)) {
        (Some(near), _) => format!("did you mean {}?", quoted(near)),
        (None, Some(owner)) => format!("{} is a key of {}", quoted(key), written(owner)),
        (None, None) => format!("its keys are {}", list(keys.into_iter())),
    };
    Fault::error(at, key, message).hint(hint)
}

/// The first table that has a key.
pub(super) fn owner(key: &str) -> Option<Table> {
    Table::TOP
        .into_iter()
        .find(|table| table.option(key).is_some())
}

/// How a table's header is written.
pub(super) fn written(table: Table) -> String {
    let info = table.info();
    if info.many {
        format!("[[{}]]", info.key)
    } else {
        format!("[{}]", info.key)
    }
}
