//! From text to rows: finds all that is no TOML, no known table, no known key, or no value for its key.
//!
//! A text with very many Accounts is parsed in pieces, so that the syntax tree of a hundred thousand of them never
//! exists at once. Whatever is odd about a text, it is then parsed as a whole instead: pieces change what
//! parsing costs, never what it says.

use std::ops::Range;

use toml::de::{DeTable, DeValue, Error};

use super::Config;
use super::check::Check;
use super::faults::{Fault, Faults, offset};
use super::options::Table;
use super::row::{Origin, Row, owner, written};
use super::suggest::{nearest, quoted};

/// Texts with fewer Accounts than this are parsed as a whole.
const MANY: usize = 1_000;
/// A piece ends with the first Account after so many bytes.
const PIECE: usize = 64 * 1024;

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
    Pieces::split(text, MANY, PIECE)
        .and_then(|pieces| read_pieces(text, &pieces))
        .unwrap_or_else(|| read_whole(text))
}

fn read_whole(text: &str) -> (Option<Config>, Faults<'_>) {
    let mut check = Check::new(text);
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        check.faults.syntax(syntax(text, error));
    }
    let origin = Origin(&[]);
    let top = Top::read(root.get_ref(), &origin, &mut check.faults);
    check.globals(&top);
    for (at, content) in top.accounts {
        let row = Row::read(Table::Account, at, content, &origin, &mut check.faults);
        check.account(&row);
    }
    check.finish()
}

/// Reads a text in pieces; nothing if it must be read as a whole.
fn read_pieces<'t>(text: &'t str, pieces: &Pieces) -> Option<(Option<Config>, Faults<'t>)> {
    let mut check = Check::new(text);
    let (root, errors) = DeTable::parse_recoverable(&pieces.rest);
    if !errors.is_empty() || root.get_ref().contains_key(Table::Account.info().key) {
        return None;
    }
    let top = Top::read(root.get_ref(), &Origin(&pieces.origin), &mut check.faults);
    check.globals(&top);
    drop(top);
    drop(root);
    check.expect(pieces.count);
    for piece in &pieces.accounts {
        let origin = [(0, offset(piece.start))];
        let origin = Origin(&origin);
        let (root, errors) = DeTable::parse_recoverable(&text[piece.clone()]);
        let accounts = root
            .get_ref()
            .get(Table::Account.info().key)?
            .get_ref()
            .as_array()?;
        if !errors.is_empty() || root.get_ref().len() != 1 {
            return None;
        }
        for item in accounts.iter() {
            let at = origin.at(item.span().start);
            let content = item.get_ref().as_table()?;
            let row = Row::read(Table::Account, at, content, &origin, &mut check.faults);
            check.account(&row);
        }
    }
    Some(check.finish())
}

/// A text taken apart at lines that look like headers. They may not be headers at all, inside a text of many
/// lines for example; but then the piece before ends in the middle of something and does not parse.
struct Pieces {
    /// Everything but the Accounts.
    rest: String,
    /// Where the rest comes from, as [`Origin`] wants it.
    origin: Vec<(u32, u32)>,
    /// Each begins with the header of an Account and has nothing but Accounts.
    accounts: Vec<Range<usize>>,
    /// How many Accounts there are.
    count: usize,
}

impl Pieces {
    /// Takes a text apart; nothing if it has fewer than `many` Accounts.
    fn split(text: &str, many: usize, size: usize) -> Option<Self> {
        let mut pieces = Self {
            rest: String::new(),
            origin: Vec::new(),
            accounts: Vec::new(),
            count: 0,
        };
        let mut start = 0;
        let mut in_accounts = false;
        for (at, is_account) in headers(text) {
            pieces.count += usize::from(is_account);
            if in_accounts == is_account && !(is_account && at - start >= size) {
                continue;
            }
            pieces.add(text, start..at, in_accounts);
            (start, in_accounts) = (at, is_account);
        }
        pieces.add(text, start..text.len(), in_accounts);
        (pieces.count >= many).then_some(pieces)
    }

    fn add(&mut self, text: &str, range: Range<usize>, is_account: bool) {
        if is_account {
            self.accounts.push(range);
        } else {
            self.origin
                .push((offset(self.rest.len()), offset(range.start)));
            self.rest.push_str(&text[range]);
        }
    }
}

/// The lines that look like headers: where they start, and whether they are those of an Account.
fn headers(text: &str) -> impl Iterator<Item = (usize, bool)> {
    let bytes = text.as_bytes();
    let starts = std::iter::once(0).chain(memchr::memchr_iter(b'\n', bytes).map(|end| end + 1));
    starts.filter_map(move |start| {
        let blanks = |byte: &&u8| matches!(byte, b' ' | b'\t');
        let line = &bytes[start + bytes[start..].iter().take_while(blanks).count()..];
        (line.first() == Some(&b'[')).then(|| (start, line.starts_with(b"[[account]]")))
    })
}

/// A file's top level. Accounts are not read yet.
pub(super) struct Top<'t> {
    pub(super) agent: Option<Row<'t>>,
    pub(super) registration: Option<Row<'t>>,
    pub(super) interfaces: Vec<Row<'t>>,
    pub(super) sets: Vec<Row<'t>>,
    pub(super) groups: Vec<Row<'t>>,
    accounts: Vec<(u32, &'t DeTable<'t>)>,
}

impl<'t> Top<'t> {
    fn read(root: &'t DeTable<'_>, origin: &Origin<'_>, faults: &mut Faults<'_>) -> Self {
        let mut top = Self {
            agent: None,
            registration: None,
            interfaces: Vec::new(),
            sets: Vec::new(),
            groups: Vec::new(),
            accounts: Vec::new(),
        };
        for (key, value) in root {
            let at = origin.at(key.span().start);
            let key = key.get_ref();
            let Some(table) = Table::TOP.into_iter().find(|table| table.info().key == key) else {
                faults.push(unknown_table(at, key, value.get_ref()));
                continue;
            };
            let mut contents = Vec::new();
            match value.get_ref() {
                DeValue::Table(content) if !table.info().many => {
                    contents.push((origin.at(value.span().start), content));
                }
                DeValue::Array(items) if table.info().many => {
                    for item in items.iter() {
                        let at = origin.at(item.span().start);
                        match item.get_ref().as_table() {
                            Some(content) => contents.push((at, content)),
                            None => faults.push(misshapen(at, table)),
                        }
                    }
                }
                _ => faults.push(misshapen(at, table)),
            }
            if table == Table::Account {
                top.accounts = contents;
                continue;
            }
            for (at, content) in contents {
                let row = Row::read(table, at, content, origin, faults);
                match table {
                    Table::Agent => top.agent = Some(row),
                    Table::Registration => top.registration = Some(row),
                    Table::SipInterface => top.interfaces.push(row),
                    Table::ProxySet => top.sets.push(row),
                    Table::IpGroup => top.groups.push(row),
                    Table::Proxy | Table::Account => {}
                }
            }
        }
        top
    }
}

fn syntax(text: &str, error: &Error) -> Fault {
    let span = error.span().unwrap_or(0..0);
    let message = error.message().trim_end_matches(", expected nothing");
    let written = text.get(span.clone()).unwrap_or_default();
    let fault = |message: String| Fault::error(offset(span.start), "", message);
    if message == "duplicate key" && !written.is_empty() {
        return fault(format!("{} is there already", quoted(written)));
    }
    let fault = fault(message.to_owned());
    let looks_like_text = [
        "string values must be quoted",
        "invalid float",
        "invalid integer",
    ];
    if looks_like_text
        .iter()
        .any(|start| message.starts_with(start))
    {
        return fault.hint("text, an address too, is written in double quotes");
    }
    fault
}

fn misshapen(at: u32, table: Table) -> Fault {
    let info = table.info();
    let message = format!("{} must be written {}", quoted(info.key), written(table));
    Fault::error(at, info.key, message)
}

fn unknown_table(at: u32, key: &str, value: &DeValue<'_>) -> Fault {
    let is_table = match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    };
    let tables = Table::TOP.map(|table| table.info().key);
    let near = nearest(key, tables.into_iter());
    let known = Table::TOP
        .into_iter()
        .find(|table| Some(table.info().key) == near);
    if let (false, Some(owner)) = (is_table, owner(key)) {
        let message = format!("the key {} stands outside of any table", quoted(key));
        return Fault::error(at, key, message).hint(format!("it is a key of {}", written(owner)));
    }
    let what = if is_table { "table" } else { "key" };
    let hint = match known {
        Some(table) => format!("did you mean {}?", written(table)),
        None => format!("tables are {}", Table::TOP.map(written).join(", ")),
    };
    Fault::error(at, key, format!("unknown {what} {}", quoted(key))).hint(hint)
}
