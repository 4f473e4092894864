//! Collects what is wrong while a text is read, by byte offset, and turns it into diagnostics at
//! the end.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Spot;
use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::suggest::quoted;

/// The findings about one text.
pub(super) struct Faults<'t> {
    text: &'t str,
    list: Vec<Fault>,
    /// Lines that are no TOML, from 1, and what the parser says about them first.
    broken: BTreeMap<u32, String>,
    /// Those of them that may have been meant as headers.
    lost_headers: BTreeSet<u32>,
    lines: OnceCell<Vec<u32>>,
    headers: OnceCell<Vec<u32>>,
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
            broken: BTreeMap::new(),
            lost_headers: BTreeSet::new(),
            lines: OnceCell::new(),
            headers: OnceCell::new(),
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
    ///
    /// Of several in a line only the first is told, and nothing that follows from another line: the
    /// parser stumbles on over what a list or a text leaves behind that was not closed.
    pub(super) fn syntax(&mut self, fault: Fault) {
        let line = self.line(fault.at);
        if self.broken.contains_key(&line) {
            return;
        }
        let follows = self.is_sequel(line, &fault.message);
        self.broken.insert(line, fault.message.clone());
        if self.is_like_header(line) {
            self.lost_headers.insert(line);
        }
        if !follows {
            self.list.push(fault);
        }
    }

    /// Whether what the parser says about a line follows from what is broken before it.
    fn is_sequel(&self, line: u32, message: &str) -> bool {
        let begins = |starts: &[&str]| starts.iter().any(|start| message.starts_with(start));
        // A header where an item of a list is due, or one that was opened under a lost one.
        let is_header = self.content(line).starts_with('[');
        if is_header && (begins(&INSIDE_OF_LISTS) || message.ends_with(THERE_ALREADY)) {
            return !self.broken.is_empty();
        }
        let above = self.header_above(line)..line;
        let Some((before, said)) = self.broken.range(above.clone()).next_back() else {
            return false;
        };
        let is_next = before + 1 == line;
        let leaves_something = !said.starts_with(NO_VALUE) && !said.starts_with(TOO_MUCH);
        let is_rest = match self.content(line).chars().next() {
            Some('{' | '}' | ']' | ',') => true,
            Some('=') => is_next && said.starts_with(NO_VALUE),
            Some(first) => is_next && (matches!(first, '"' | '\'') || first.is_ascii_digit()),
            None => false,
        };
        begins(&INSIDE_OF_LISTS)
            || is_rest
            || (is_next && leaves_something && begins(&NO_STATEMENT))
            || (message.ends_with(THERE_ALREADY) && self.lost_headers.range(above).next().is_some())
    }

    /// Whether a line that is no TOML may have been meant as a header.
    fn is_like_header(&self, line: u32) -> bool {
        let content = self.content(line);
        content.contains(['[', ']'])
            && (content.starts_with('[') || !content.contains('='))
            && content.contains(|one: char| one.is_ascii_alphabetic())
    }

    /// Whether some broken line may have been the header of a table, so that nobody knows what
    /// there is.
    pub(super) fn any_header_lost(&self) -> bool {
        !self.lost_headers.is_empty()
    }

    /// Whether something stands below a broken line that may have been its header.
    pub(super) fn is_below_lost_header(&self, at: u32) -> bool {
        let line = self.line(at);
        let above = self.header_above(line)..line;
        self.lost_headers.range(above).next().is_some()
    }

    /// The last line that begins like a header, down to this one; 0 if there is none.
    fn header_above(&self, line: u32) -> u32 {
        let headers = self.headers.get_or_init(|| {
            let lines = 1..=offset(self.starts().len());
            lines
                .filter(|line| self.content(*line).starts_with('['))
                .collect()
        });
        let place = headers.partition_point(|header| *header <= line);
        place.checked_sub(1).map_or(0, |place| headers[place])
    }

    /// Whether some line between two bytes is no TOML.
    pub(super) fn is_broken(&self, from: usize, to: usize) -> bool {
        let lines = self.line(offset(from))..=self.line(offset(to));
        self.broken.range(lines).next().is_some()
    }

    /// Whether the line of a byte is no TOML.
    pub(super) fn is_broken_at(&self, at: u32) -> bool {
        !self.broken.is_empty() && self.broken.contains_key(&self.line(at))
    }

    /// What stands in a line, without the blanks around it.
    fn content(&self, line: u32) -> &str {
        let starts = self.starts();
        let start = |line: u32| starts.get(line as usize - 1).map(|start| *start as usize);
        let end = start(line + 1).unwrap_or(self.text.len());
        start(line).map_or("", |start| self.text[start..end].trim())
    }

    /// Puts the names of Accounts where [`name_to_come`] stands for them; `name` has them by
    /// header.
    pub(super) fn name(&mut self, name: impl Fn(u32) -> Option<Arc<str>>) {
        let named = |text: &str| {
            let pieces = text.split(MARK).enumerate();
            let named = pieces.map(|(place, piece)| match (place % 2, piece.parse()) {
                (1, Ok(at)) => name(at).map_or_else(String::new, |name| quoted(&name)),
                _ => piece.to_owned(),
            });
            named.collect::<String>()
        };
        for fault in &mut self.list {
            for text in [Some(&mut fault.message), fault.hint.as_mut()] {
                if let Some(text) = text.filter(|text| text.contains(MARK)) {
                    *text = named(text);
                }
            }
        }
    }

    /// Whether there is an error.
    pub(super) fn any_error(&self) -> bool {
        self.list
            .iter()
            .any(|fault| fault.severity == Severity::Error)
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: u32) -> u32 {
        offset(self.starts().partition_point(|start| *start <= at))
    }

    /// The line and the column of a byte.
    pub(super) fn spot(&self, at: u32) -> Spot {
        let line = self.line(at);
        let start = self.starts().get(line as usize - 1);
        let start = start.copied().unwrap_or_default() as usize;
        let before = self.text.get(start..at as usize).unwrap_or_default();
        Spot {
            line,
            column: offset(before.chars().count() + 1),
        }
    }

    /// Where the lines start.
    fn starts(&self) -> &[u32] {
        self.lines.get_or_init(|| {
            let ends = memchr::memchr_iter(b'\n', self.text.as_bytes());
            std::iter::once(0)
                .chain(ends.map(|end| offset(end + 1)))
                .collect()
        })
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
            if !fault.key.is_empty() && self.broken.contains_key(&place.line) {
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

/// Stands in a message for the name of an Account that has none of its own.
pub(super) fn name_to_come(header: u32) -> String {
    format!("{MARK}{header}{MARK}")
}

/// Nothing that was written has it in a message: there it is escaped.
const MARK: char = '\0';
/// How the parser says that a line is no more than a word.
const NO_VALUE: &str = "key with no value";
/// How it says that a statement is followed by something in its line.
const TOO_MUCH: &str = "unexpected key or value";
/// How it begins to say that a line is no statement.
const NO_STATEMENT: [&str; 4] = [
    NO_VALUE,
    "invalid key-value pair",
    "invalid unquoted key",
    "unquoted keys cannot be empty",
];
/// How it begins to say what can only be wrong inside of a list or table that goes over lines.
const INSIDE_OF_LISTS: [&str; 6] = [
    "missing comma",
    "missing table open",
    "missing key for inline table",
    "missing assignment",
    "invalid inline table",
    "unclosed inline table",
];
/// How we say that a key is there twice.
pub(super) const THERE_ALREADY: &str = " is there already";

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
