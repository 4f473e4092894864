//! Rows that others refer to by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::faults::{Fault, Faults, offset};
use crate::config::options::{Opt, Table};
use crate::config::row::Row;
use crate::config::suggest::{list, nearest, quoted};

/// So many wrong references get the nearest name as a hint: finding it takes time.
const HINTS: u32 = 200;

/// The rows of one table, by name.
pub(super) struct Registry<T> {
    table: Table,
    entries: Vec<Entry<T>>,
    names: BTreeMap<Arc<str>, u32>,
    /// Whether some reference leads nowhere, so that nobody knows what is unused.
    is_doubtful: bool,
    /// Whether the name of some row could not be read, so that nobody knows what does not exist.
    is_lossy: bool,
    hints_left: u32,
}

/// One row.
pub(super) struct Entry<T> {
    pub(super) name: Arc<str>,
    /// Its header.
    pub(super) at: u32,
    /// None if it is faulty.
    pub(super) value: Option<Arc<T>>,
    is_used: bool,
}

impl<T> Registry<T> {
    pub(super) fn new(table: Table) -> Self {
        Self {
            table,
            entries: Vec::new(),
            names: BTreeMap::new(),
            is_doubtful: false,
            is_lossy: false,
            hints_left: HINTS,
        }
    }

    /// Takes it that rows have been lost.
    pub(super) fn set_lossy(&mut self) {
        self.is_lossy = true;
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, number: u32) -> &Entry<T> {
        &self.entries[number as usize]
    }

    /// Where a row of that name stands.
    pub(super) fn place(&self, name: &str) -> Option<u32> {
        self.names.get(name).map(|number| self.entry(*number).at)
    }

    /// Adds a row whose key for its name is `key`. A row without a good name is lost, which has
    /// been said.
    pub(super) fn define(
        &mut self,
        row: &Row<'_>,
        key: &'static Opt,
        value: Option<T>,
        faults: &mut Faults<'_>,
    ) {
        let Some(name) = row.text(key) else {
            self.is_doubtful = true;
            self.is_lossy |= row.is_damaged;
            return;
        };
        // The parser guesses what a broken line says.
        self.is_lossy |= faults.is_broken_at(row.span(key).start);
        if let Some(first) = self.names.get(name) {
            let line = faults.line(self.entry(*first).at);
            let message = format!("{}: the name is taken", row.label);
            let fault = Fault::error(row.span(key).start, key.key, message);
            faults.push(fault.hint(format!("the first {} stands in line {line}", row.label)));
            return;
        }
        let name: Arc<str> = name.into();
        // More entries than numbers do not fit a text of at most 4 GiB.
        self.names.insert(name.clone(), offset(self.entries.len()));
        self.entries.push(Entry {
            name,
            at: row.at,
            value: value.map(Arc::new),
            is_used: false,
        });
    }

    /// Follows a reference. Nothing if it is absent, faulty or leads nowhere.
    pub(super) fn resolve(
        &mut self,
        row: &Row<'_>,
        key: &'static Opt,
        faults: &mut Faults<'_>,
    ) -> Option<u32> {
        let Some(name) = row.text(key) else {
            self.is_doubtful |= row.is_faulty(key);
            return None;
        };
        if let Some(number) = self.names.get(name).copied() {
            self.entries[number as usize].is_used = true;
            return Some(number);
        }
        self.is_doubtful = true;
        if self.is_lossy {
            return None;
        }
        let message = format!(
            "{}: {} {} does not exist",
            row.label,
            self.noun(),
            quoted(name)
        );
        let hint = self.known(name);
        faults.push(Fault::error(row.span(key).start, key.key, message).hint(hint));
        None
    }

    fn noun(&self) -> &'static str {
        self.table.info().noun
    }

    /// What is defined, and what was probably meant.
    fn known(&mut self, written: &str) -> String {
        let info = self.table.info();
        let names = self.entries.iter().map(|entry| &*entry.name);
        let defined = match names.len() {
            0 => return format!("no {} is defined", info.noun),
            1 => format!("the only one defined is {}", list(names.clone())),
            _ => format!("defined {} are {}", info.plural, list(names.clone())),
        };
        if self.hints_left == 0 {
            return defined;
        }
        self.hints_left -= 1;
        match nearest(written, names) {
            Some(near) => format!("did you mean {}? {}", quoted(near), capitalised(&defined)),
            None => defined,
        }
    }

    /// Warns of rows that nobody refers to; `by` is who could.
    pub(super) fn warn_of_unused(&self, by: Table, key: &'static Opt, faults: &mut Faults<'_>) {
        if self.is_doubtful {
            return;
        }
        for entry in self.entries.iter().filter(|entry| !entry.is_used) {
            let name = quoted(&entry.name);
            let message = format!("{} {name} is used by no {}", self.noun(), by.info().noun);
            faults.absent(Fault::warning(entry.at, key.key, message));
        }
    }

    /// The rows in the order of the text, the faulty ones left out.
    pub(super) fn into_values(self) -> Vec<Arc<T>> {
        self.entries
            .into_iter()
            .filter_map(|entry| entry.value)
            .collect()
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}
