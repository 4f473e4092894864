//! The text of a configuration as rows and values that can be changed where they stand.
//!
//! What is not changed stays as it is, to the byte: the library keeps comments, order and layout,
//! and every line that it leaves alone is taken from the old text again, with the line end that it
//! had there.

use std::collections::BTreeMap;

use similar::{Algorithm, DiffOp, capture_diff_slices};
use toml_edit::{
    Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table as Section, TableLike, Value,
};

use super::refusal::Refusal;
use super::{inline, layout};
use crate::config::options::Table;
use crate::config::{Typed, account_indexes, account_name};

/// A row of the configuration. A table that there is once has the place 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Path {
    /// Of a [`Table::Proxy`], the table is [`Table::ProxySet`].
    pub(super) table: Table,
    /// Its place in the file, from 0.
    pub(super) at: usize,
    /// The place of an address in its set.
    pub(super) proxy: Option<usize>,
}

impl Path {
    pub(super) fn new(table: Table, at: usize) -> Self {
        Self {
            table,
            at,
            proxy: None,
        }
    }

    /// An address of this set.
    pub(super) fn proxy(self, at: usize) -> Self {
        Self {
            proxy: Some(at),
            ..self
        }
    }

    /// Whose options it has.
    pub(super) fn kind(self) -> Table {
        match self.proxy {
            Some(_) => Table::Proxy,
            None => self.table,
        }
    }
}

/// A configuration that can be changed.
#[derive(Clone)]
pub struct Document {
    /// As it was read.
    original: String,
    pub(super) content: DocumentMut,
    /// The rows by the numbers that they are called by: at first their places.
    numbers: BTreeMap<Table, BTreeMap<usize, usize>>,
}

impl Document {
    /// Takes a text apart.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let content: DocumentMut = plain(text).parse().map_err(|_| {
            Refusal::new("the configuration is no TOML, so nothing in it can be changed")
                .hint("`regent check` says where; a device's ini file needs `regent import` first")
        })?;
        let written = content.to_string();
        let mut lines = written.lines().zip(text_of(text).lines());
        if let Some(at) = lines.position(|(new, old)| new != old) {
            let what = format!("line {} would not stay as it is", at + 1);
            return Err(Refusal::new(what).hint("write it in a plainer way"));
        }
        let mut document = Self {
            original: text.to_owned(),
            content,
            numbers: BTreeMap::new(),
        };
        for table in Table::TOP.into_iter().filter(|table| table.info().many) {
            let places = (0..document.count(table)).map(|at| (at, at)).collect();
            document.numbers.insert(table, places);
        }
        Ok(document)
    }

    /// Takes the text as it is now for the one that was read.
    pub(super) fn rebase(&mut self) {
        self.original = self.text();
    }

    /// The row that is called by this number.
    pub(super) fn numbered(&self, table: Table, number: usize) -> Option<Path> {
        let at = self.numbers.get(&table)?.get(&number)?;
        Some(Path::new(table, *at))
    }

    /// Lets a row be called by a number.
    pub(super) fn give_number(&mut self, row: Path, number: usize) {
        self.numbers
            .entry(row.table)
            .or_default()
            .insert(number, row.at);
    }

    /// The text as it was read.
    pub fn original(&self) -> &str {
        &self.original
    }

    /// The text as it is now.
    pub fn text(&self) -> String {
        let written = self.content.to_string();
        let new: Vec<&str> = written.lines().collect();
        let old_full: Vec<&str> = text_of(&self.original).split_inclusive('\n').collect();
        let old: Vec<&str> = old_full.iter().map(|line| without_end(line)).collect();
        let windows = old_full.iter().filter(|line| line.ends_with("\r\n"));
        let end = if windows.count() * 2 > old_full.len() {
            "\r\n"
        } else {
            "\n"
        };
        let mut text = String::with_capacity(self.original.len() + 256);
        text.push_str(mark_of(&self.original));
        let mut add = |line: &str| {
            if !(text.is_empty() || text.ends_with(['\n', '\u{feff}'])) {
                text.push_str(end);
            }
            text.push_str(line);
        };
        for op in capture_diff_slices(Algorithm::Myers, &old, &new) {
            match op {
                DiffOp::Equal { old_index, len, .. } => {
                    (old_full[old_index..old_index + len].iter()).for_each(|line| add(line));
                }
                DiffOp::Insert {
                    new_index, new_len, ..
                }
                | DiffOp::Replace {
                    new_index, new_len, ..
                } => {
                    for line in &new[new_index..new_index + new_len] {
                        add(&format!("{line}{end}"));
                    }
                }
                DiffOp::Delete { .. } => {}
            }
        }
        text
    }

    /// How many rows a table has.
    pub(super) fn count(&self, table: Table) -> usize {
        self.content.get(table.info().key).map_or(0, rows_in)
    }

    /// All rows of a table.
    pub(super) fn rows(&self, table: Table) -> impl Iterator<Item = Path> + use<> {
        (0..self.count(table)).map(move |at| Path::new(table, at))
    }

    /// How many addresses a set has.
    pub(super) fn proxies(&self, set: Path) -> usize {
        let set = self.row(Path { proxy: None, ..set });
        let proxies = set.and_then(|set| set.get(Table::Proxy.info().key));
        proxies.map_or(0, rows_in)
    }

    /// A row, if it is there.
    pub(super) fn row(&self, path: Path) -> Option<&dyn TableLike> {
        let item = self.content.get(path.table.info().key)?;
        let row = match path.table.info().many {
            true => row_in(item, path.at)?,
            false => item.as_table_like()?,
        };
        match path.proxy {
            Some(at) => row_in(row.get(Table::Proxy.info().key)?, at),
            None => Some(row),
        }
    }

    /// A value of a row.
    pub(super) fn value(&self, path: Path, key: &str) -> Option<&Value> {
        self.row(path)?.get(key)?.as_value()
    }

    /// A text of a row.
    pub(super) fn string(&self, path: Path, key: &str) -> Option<&str> {
        self.value(path, key)?.as_str()
    }

    /// The texts of a list.
    pub(super) fn strings(&self, path: Path, key: &str) -> Vec<String> {
        let list = self.value(path, key).and_then(Value::as_array);
        let texts = list.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    /// The indexes of the Accounts, in the order of the file.
    pub(super) fn indexes(&self) -> Vec<u32> {
        let given: Vec<Option<u32>> = self
            .rows(Table::Account)
            .map(|row| u32::try_from(self.value(row, "index")?.as_integer()?).ok())
            .collect();
        account_indexes(&given)
    }

    /// The name of a row, which an Account has in any case.
    pub(super) fn name(&self, path: Path) -> Option<String> {
        let kind = path.kind();
        let named = kind.option("name")?;
        let given = self.string(path, named.key).map(str::to_owned);
        match kind == Table::Account {
            true => given.or_else(|| Some(account_name(*self.indexes().get(path.at)?))),
            false => given,
        }
    }

    /// The names in a table, in the order of the file.
    pub(super) fn names(&self, table: Table) -> Vec<String> {
        let indexes = match table == Table::Account {
            true => self.indexes(),
            false => Vec::new(),
        };
        let name = |row: Path| {
            let given = self.string(row, "name").map(str::to_owned);
            given.or_else(|| indexes.get(row.at).copied().map(account_name))
        };
        self.rows(table).filter_map(name).collect()
    }

    /// Gives an option of a row its value; an equal one is left alone.
    pub(super) fn set(&mut self, path: Path, key: &str, typed: &Typed) {
        let is_new = !path.table.info().many && self.row(path).is_none();
        if is_new {
            let mut section = layout::section(self.content.as_table().is_empty());
            section.set_position(Some(layout::end(&self.content)));
            let key = path.table.info().key;
            self.content.insert(key, Item::Table(section));
            layout::put_trailing_before(&mut self.content, path);
        }
        if let Typed::Addresses(addresses) = typed {
            return self.set_addresses(path, addresses);
        }
        let Some(mut row) = self.row_mut(path) else {
            return;
        };
        let mut value = value_of(typed);
        match row.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) if is_same(old, &value) => {}
            Some(old) => {
                *value.decor_mut() = old.decor().clone();
                *old = value;
            }
            None => row.insert(key, value),
        }
    }

    /// Takes an option out of a row; comments above it stay.
    pub(super) fn unset(&mut self, path: Path, key: &str) {
        let Some(mut row) = self.row_mut(path) else {
            return;
        };
        let (comment, position) = row.remove(key);
        if let (Some(comment), Some(position)) = (comment, position) {
            layout::put_after(&mut self.content, position, &comment);
        }
    }

    /// Adds an empty row at the end of its table.
    pub(super) fn push(&mut self, table: Table) -> Path {
        let key = table.info().key;
        let path = Path::new(table, self.count(table));
        match self.content.get_mut(key) {
            Some(Item::ArrayOfTables(rows)) => {
                let is_first = rows.is_empty();
                rows.push(layout::section(is_first));
            }
            Some(Item::Value(Value::Array(rows))) => inline::push(rows),
            _ => {
                let mut rows = ArrayOfTables::new();
                let mut section = layout::section(self.content.as_table().is_empty());
                section.set_position(Some(layout::end(&self.content)));
                rows.push(section);
                self.content.insert(key, Item::ArrayOfTables(rows));
            }
        }
        layout::put_trailing_before(&mut self.content, path);
        self.settle();
        path
    }

    /// Adds an empty address at the end of a set.
    pub(super) fn push_proxy(&mut self, set: Path) -> Path {
        let path = set.proxy(self.proxies(set));
        let Some(mut row) = self.row_mut(set) else {
            return path;
        };
        let key = Table::Proxy.info().key;
        match row.get_mut(key) {
            Some(Item::ArrayOfTables(rows)) => rows.push(layout::section(false)),
            Some(Item::Value(Value::Array(rows))) => inline::push(rows),
            _ => {
                let mut rows = Array::new();
                inline::push(&mut rows);
                row.insert(key, Value::Array(rows));
            }
        }
        self.settle();
        path
    }

    /// Reads the text anew, so that every header knows its place in it.
    fn settle(&mut self) {
        if let Ok(content) = self.content.to_string().parse() {
            self.content = content;
        }
    }

    /// Takes a row out. The comment right above its header goes with it, others stay.
    pub(super) fn remove(&mut self, path: Path) {
        let kept = layout::kept_comments(&self.content, path);
        let many = path.table.info().many;
        let item = match (path.proxy, many) {
            (Some(at), _) => {
                let set = Path {
                    proxy: None,
                    ..path
                };
                let row = self.row_mut(set);
                let item = row.and_then(|row| row.into_item(Table::Proxy.info().key));
                item.map(|item| (item, at))
            }
            (None, true) => {
                let item = self.content.get_mut(path.table.info().key);
                item.map(|item| (item, path.at))
            }
            (None, false) => {
                self.content.remove(path.table.info().key);
                None
            }
        };
        match item {
            Some((Item::ArrayOfTables(rows), at)) if at < rows.len() => {
                rows.remove(at);
            }
            Some((Item::Value(Value::Array(rows)), at)) => inline::remove(rows, at),
            _ => {}
        }
        if path.proxy.is_none() {
            let numbers = self.numbers.entry(path.table).or_default();
            numbers.retain(|_, at| *at != path.at);
            numbers
                .values_mut()
                .filter(|at| **at > path.at)
                .for_each(|at| *at -= 1);
        }
        for (position, comment) in kept {
            layout::put_after(&mut self.content, position, &comment);
        }
        // A key of a list without rows would be left behind, which is a fault where one is needed.
        if path.proxy.is_none() && many && self.count(path.table) == 0 {
            self.content.remove(path.table.info().key);
        }
    }

    fn set_addresses(&mut self, set: Path, addresses: &[String]) {
        while self.proxies(set) > addresses.len() {
            self.remove(set.proxy(self.proxies(set) - 1));
        }
        for (at, address) in addresses.iter().enumerate() {
            let path = match at < self.proxies(set) {
                true => set.proxy(at),
                false => self.push_proxy(set),
            };
            self.set(path, "address", &Typed::Text(address.clone()));
        }
    }

    fn row_mut(&mut self, path: Path) -> Option<RowMut<'_>> {
        let item = self.content.get_mut(path.table.info().key)?;
        let row = match (path.table.info().many, item) {
            (true, item) => row_in_mut(item, path.at)?,
            (false, Item::Table(table)) => RowMut::Section(table),
            (false, Item::Value(Value::InlineTable(table))) => RowMut::Inline(table),
            (false, _) => return None,
        };
        let Some(at) = path.proxy else {
            return Some(row);
        };
        let key = Table::Proxy.info().key;
        match row {
            RowMut::Section(table) => row_in_mut(table.get_mut(key)?, at),
            RowMut::Inline(table) => {
                let row = table.get_mut(key)?.as_array_mut()?.get_mut(at)?;
                row.as_inline_table_mut().map(RowMut::Inline)
            }
        }
    }
}

/// A row in one of the ways in which it can be written.
enum RowMut<'d> {
    Section(&'d mut Section),
    Inline(&'d mut InlineTable),
}

impl<'d> RowMut<'d> {
    fn into_item(self, key: &str) -> Option<&'d mut Item> {
        match self {
            Self::Section(table) => table.get_mut(key),
            Self::Inline(table) => TableLike::get_mut(table, key),
        }
    }

    fn get_mut(&mut self, key: &str) -> Option<&mut Item> {
        match self {
            Self::Section(table) => table.get_mut(key),
            Self::Inline(table) => TableLike::get_mut(*table, key),
        }
    }

    fn insert(&mut self, key: &str, value: Value) {
        match self {
            Self::Section(table) => layout::insert(table, key, value),
            Self::Inline(table) => inline::insert(table, key, value),
        }
    }

    /// Takes an option out. What stood above it goes to the next one; if there is none it is
    /// returned, with the position of the table.
    fn remove(&mut self, key: &str) -> (Option<String>, Option<isize>) {
        match self {
            Self::Section(table) => (layout::remove(table, key), table.position()),
            Self::Inline(table) => {
                inline::remove_key(table, key);
                (None, None)
            }
        }
    }
}

fn rows_in(item: &Item) -> usize {
    match item {
        Item::ArrayOfTables(rows) => rows.len(),
        Item::Value(Value::Array(rows)) => rows.len(),
        Item::Table(_) | Item::Value(_) => 1,
        Item::None => 0,
    }
}

fn row_in(item: &Item, at: usize) -> Option<&dyn TableLike> {
    match item {
        Item::ArrayOfTables(rows) => Some(rows.get(at)?),
        Item::Value(Value::Array(rows)) => Some(rows.get(at)?.as_inline_table()?),
        Item::None | Item::Table(_) | Item::Value(_) => None,
    }
}

fn row_in_mut(item: &mut Item, at: usize) -> Option<RowMut<'_>> {
    match item {
        Item::ArrayOfTables(rows) => rows.get_mut(at).map(RowMut::Section),
        Item::Value(Value::Array(rows)) => {
            rows.get_mut(at)?.as_inline_table_mut().map(RowMut::Inline)
        }
        Item::None | Item::Table(_) | Item::Value(_) => None,
    }
}

fn value_of(typed: &Typed) -> Value {
    match typed {
        Typed::Text(text) => text.as_str().into(),
        Typed::Whole(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
        Typed::Flag(flag) => (*flag).into(),
        Typed::List(items) => Value::Array(items.iter().map(value_of).collect()),
        Typed::Addresses(addresses) => Value::Array(addresses.iter().collect()),
    }
}

/// Whether two values mean the same, however they are written.
fn is_same(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::String(old), Value::String(new)) => old.value() == new.value(),
        (Value::Integer(old), Value::Integer(new)) => old.value() == new.value(),
        (Value::Boolean(old), Value::Boolean(new)) => old.value() == new.value(),
        (Value::Array(old), Value::Array(new)) => {
            let mut pairs = old.iter().zip(new);
            old.len() == new.len() && pairs.all(|(old, new)| is_same(old, new))
        }
        _ => false,
    }
}

/// What editors of one system put before a text.
fn mark_of(text: &str) -> &str {
    &text[..if text.starts_with('\u{feff}') { 3 } else { 0 }]
}

fn text_of(text: &str) -> &str {
    &text[mark_of(text).len()..]
}

/// As the library sees a text: it knows one end of a line only.
fn plain(text: &str) -> String {
    text_of(text).replace("\r\n", "\n")
}

fn without_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}
