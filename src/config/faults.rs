//! Collects what is wrong while a text is read, by byte offset, and turns it into diagnostics at
//! the end.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};

/// The findings about one text.
pub(super) struct Faults<'t> {
    text: &'t str,
    list: Vec<Fault>,
    /// Lines that are no TOML, from 1.
    broken: BTreeSet<u32>,
    lines: OnceCell<Vec<u32>>,
}

/// One finding.
pub(super) struct Fault {
    /// The byte that it is about.
    pub(super) at: u32,
    pub(super) severity: Severity,
    pub(super) key: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Fault {
    pub(super) fn error(at: u32, key: &str, message: String) -> Self {
        Self {
            at,
            severity: Severity::Error,
            key: key.to_owned(),
            message,
            hint: None,
        }
    }

    pub(super) fn warning(at: u32, key: &str, message: String) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(at, key, message)
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            list: Vec::new(),
            broken: BTreeSet::new(),
            lines: OnceCell::new(),
        }
    }

    /// Adds a finding about what is written.
    pub(super) fn push(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    /// Adds a finding about something that is not there. It counts only if the text is TOML
    /// throughout: what is missing may be what could not be read.
    pub(super) fn absent(&mut self, fault: Fault) {
        if self.broken.is_empty() {
            self.list.push(fault);
        }
    }

    /// Adds a place that is no TOML. It must come before any other finding.
    /// Of several in a line only the first is told: the others mostly follow from it.
    pub(super) fn syntax(&mut self, fault: Fault) {
        if self.broken.insert(self.line(fault.at)) {
            self.list.push(fault);
        }
    }

    /// Whether some line between two bytes is no TOML.
    pub(super) fn is_broken(&self, from: usize, to: usize) -> bool {
        let lines = self.line(offset(from))..=self.line(offset(to));
        self.broken.range(lines).next().is_some()
    }

    /// Whether there is an error.
    pub(super) fn any_error(&self) -> bool {
        self.list
            .iter()
            .any(|fault| fault.severity == Severity::Error)
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: u32) -> u32 {
        let lines = self.lines.get_or_init(|| {
            let ends = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0)
                .chain(ends.map(|end| offset(end + 1)))
                .collect()
        });
        offset(lines.partition_point(|start| *start <= at))
    }

    /// The findings as diagnostics. What is said about a line that is no TOML, beyond that, is
    /// dropped.
    pub(super) fn into_diagnostics(self, file: &Arc<str>) -> Diagnostics {
        let mut list = self.list;
        list.sort_by_key(|fault| fault.at);
        let mut place = Place::new(self.text);
        let mut out = Vec::with_capacity(list.len());
        for fault in list {
            place.advance(fault.at);
            if !fault.key.is_empty() && self.broken.contains(&place.line) {
                continue;
            }
            out.push(Diagnostic {
                severity: fault.severity,
                file: file.clone(),
                line: place.line,
                column: place.column,
                key: fault.key,
                message: fault.message,
                hint: fault.hint,
            });
        }
        Diagnostics::sorted(file.clone(), !self.broken.is_empty(), out)
    }
}

/// A byte offset of the text. [`load`](super::load) refuses texts in which it would not fit.
pub(super) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Line and column of a byte; moves only forward, so that a text is counted once however many
/// findings there are.
pub(super) struct Place<'t> {
    text: &'t str,
    at: usize,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl<'t> Place<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        // A byte order mark takes no column.
        let at = if text.starts_with('\u{FEFF}') { 3 } else { 0 };
        Self {
            text,
            at,
            line: 1,
            column: 1,
        }
    }

    /// Goes on to a byte that is not before the present one.
    pub(super) fn advance(&mut self, to: u32) {
        let to = self.text.floor_char_boundary(to as usize).max(self.at);
        let passed = &self.text[self.at..to];
        let bytes = passed.as_bytes();
        let lines = memchr::memchr_iter(b'\n', bytes).count();
        let rest = match memchr::memrchr(b'\n', bytes) {
            Some(end) => {
                self.column = 1;
                &passed[end + 1..]
            }
            None => passed,
        };
        self.line = self.line.saturating_add(offset(lines));
        self.column = self.column.saturating_add(offset(rest.chars().count()));
        self.at = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters() {
        let text = "a\näöü = \"€\" x\r\nlast";
        let mut place = Place::new(text);
        for (what, line, column) in [
            ("a", 1, 1),
            ("ä", 2, 1),
            ("€", 2, 8),
            ("x", 2, 11),
            ("las", 3, 1),
        ] {
            place.advance(offset(text.find(what).unwrap()));
            assert_eq!((place.line, place.column), (line, column), "{what}");
        }
        place.advance(u32::MAX);
        assert_eq!((place.line, place.column), (3, 5));
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        let mut place = Place::new("\u{FEFF}x");
        place.advance(0);
        assert_eq!((place.line, place.column), (1, 1));
        place.advance(3);
        assert_eq!((place.line, place.column), (1, 1));
    }

    #[test]
    fn lines_are_found_from_any_byte() {
        let faults = Faults::new("a\nbc\n\nd");
        let lines: Vec<u32> = (0..8).map(|at| faults.line(at)).collect();
        assert_eq!(lines, [1, 1, 2, 2, 2, 3, 4, 4]);
    }
}
