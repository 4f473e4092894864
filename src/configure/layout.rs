//! Where comments and blank lines go when something beside them comes or goes.

use toml_edit::{Decor, DocumentMut, Item, RawString, Table as Section, Value};

use super::document::Path;

/// A new table with a header.
pub(super) fn section(is_first: bool) -> Section {
    let mut section = Section::new();
    let before = if is_first { "" } else { "\n" };
    section.decor_mut().set_prefix(before);
    section
}

/// Adds an option at the end of a table, as far in as the one before.
pub(super) fn insert(table: &mut Section, key: &str, value: Value) {
    let last = table.iter().filter(|(_, item)| item.is_value()).last();
    let last = last.map(|(key, _)| key.to_owned());
    let before = last.and_then(|last| prefix(table.key(&last)?.leaf_decor()));
    table.insert(key, Item::Value(value));
    let indent = before.and_then(|before| before.lines().last().map(str::to_owned));
    let indent = indent.filter(|indent| !indent.is_empty() && indent.trim().is_empty());
    if let (Some(indent), Some(mut key)) = (indent, table.key_mut(key)) {
        key.leaf_decor_mut().set_prefix(indent);
    }
}

/// Takes an option out of a table. What stood above it goes to the next one, or is returned if
/// there is none.
pub(super) fn remove(table: &mut Section, key: &str) -> Option<String> {
    let next = {
        let mut keys = table.iter().filter(|(_, item)| item.is_value());
        keys.find(|(one, _)| *one == key)?;
        keys.next().map(|(key, _)| key.to_owned())
    };
    let above = table.key(key).and_then(|key| prefix(key.leaf_decor()));
    table.remove(key);
    let above = comments(&above?)?;
    let Some(next) = next else {
        return Some(above);
    };
    if let Some(mut next) = table.key_mut(&next) {
        let own = prefix(next.leaf_decor()).unwrap_or_default();
        next.leaf_decor_mut().set_prefix(format!("{above}{own}"));
    }
    None
}

/// The comments about a row that is going to be taken out which stand apart from it, each with the
/// position of its header.
pub(super) fn kept_comments(document: &DocumentMut, path: Path) -> Vec<(isize, String)> {
    let mut kept = Vec::new();
    for (position, place) in headers(document) {
        if !place.belongs_to(path) {
            continue;
        }
        let Some(section) = place.find(document) else {
            continue;
        };
        let above = prefix(section.decor()).unwrap_or_default();
        // A blank line parts the comment about this row from those before it.
        let (mut end, mut apart) = (0, 0);
        for line in above.split_inclusive('\n') {
            end += line.len();
            if line.trim().is_empty() && line.ends_with('\n') {
                apart = end;
            }
        }
        if let Some(apart) = comments(&above[..apart]) {
            kept.push((position, apart));
        }
    }
    kept
}

/// Puts a comment before the first header behind a position, or at the end of the text.
pub(super) fn put_after(document: &mut DocumentMut, position: isize, comment: &str) {
    let mut headers = headers(document);
    headers.sort_by_key(|(position, _)| *position);
    let next = headers.into_iter().find(|(at, _)| *at > position);
    let Some((_, place)) = next else {
        let old = document.trailing().as_str().unwrap_or_default();
        let joined = joined(comment, old);
        document.set_trailing(joined);
        return;
    };
    if let Some(section) = place.find_mut(document) {
        let own = prefix(section.decor()).unwrap_or_default();
        section.decor_mut().set_prefix(joined(comment, &own));
    }
}

/// Two comments, with no more than one blank line between.
fn joined(first: &str, second: &str) -> String {
    let second = match first.ends_with("\n\n") {
        true => second.strip_prefix('\n').unwrap_or(second),
        false => second,
    };
    format!("{first}{second}")
}

/// The position behind all headers.
pub(super) fn end(document: &DocumentMut) -> isize {
    let last = headers(document).into_iter().map(|(at, _)| at).max();
    last.map_or(1, |last| last + 1)
}

/// A new table at the very end stands behind the comments that ended the text.
pub(super) fn put_trailing_before(document: &mut DocumentMut, path: Path) {
    let place = Place {
        key: path.table.info().key.to_owned(),
        row: path.table.info().many.then_some(path.at),
        proxy: None,
    };
    let ending = document.trailing().as_str().unwrap_or_default().to_owned();
    let is_plain = place.find(document).is_some() && !ending.is_empty();
    if !is_plain || !is_last(document, &place) {
        return;
    }
    document.set_trailing("");
    if let Some(section) = place.find_mut(document) {
        let end = if ending.ends_with('\n') { "" } else { "\n" };
        section.decor_mut().set_prefix(format!("{ending}{end}\n"));
    }
}

/// Whether a new table is the last one: it is at the end, or the last header that was read is that
/// of the row before it.
fn is_last(document: &DocumentMut, place: &Place) -> bool {
    if place
        .find(document)
        .is_some_and(|section| section.position().is_some())
    {
        return true;
    }
    let last = headers(document).into_iter().max_by_key(|(at, _)| *at);
    let before = place.row.and_then(|at| at.checked_sub(1));
    last.is_none_or(|(_, last)| last.key == place.key && last.row == before)
}

/// Where a header stands.
struct Place {
    key: String,
    row: Option<usize>,
    proxy: Option<usize>,
}

impl Place {
    fn belongs_to(&self, path: Path) -> bool {
        let is_row = self.key == path.table.info().key && self.row.is_none_or(|at| at == path.at);
        is_row && path.proxy.is_none_or(|at| self.proxy == Some(at))
    }

    fn find<'d>(&self, document: &'d DocumentMut) -> Option<&'d Section> {
        let section = match (document.get(&self.key)?, self.row) {
            (Item::ArrayOfTables(rows), Some(at)) => rows.get(at)?,
            (Item::Table(section), None) => section,
            _ => return None,
        };
        match self.proxy {
            Some(at) => section.get(PROXY)?.as_array_of_tables()?.get(at),
            None => Some(section),
        }
    }

    fn find_mut<'d>(&self, document: &'d mut DocumentMut) -> Option<&'d mut Section> {
        let section = match (document.get_mut(&self.key)?, self.row) {
            (Item::ArrayOfTables(rows), Some(at)) => rows.get_mut(at)?,
            (Item::Table(section), None) => section,
            _ => return None,
        };
        match self.proxy {
            Some(at) => section
                .get_mut(PROXY)?
                .as_array_of_tables_mut()?
                .get_mut(at),
            None => Some(section),
        }
    }
}

/// All headers of the text as it was read.
fn headers(document: &DocumentMut) -> Vec<(isize, Place)> {
    let mut found = Vec::new();
    let mut add = |section: &Section, key: &str, row, proxy| {
        let is_header = !section.is_dotted() && !section.is_implicit();
        if let (true, Some(position)) = (is_header, section.position()) {
            let key = key.to_owned();
            found.push((position, Place { key, row, proxy }));
        }
    };
    for (key, item) in document.iter() {
        match item {
            Item::Table(section) => add(section, key, None, None),
            Item::ArrayOfTables(rows) => {
                for (at, section) in rows.iter().enumerate() {
                    add(section, key, Some(at), None);
                    let proxies = section.get(PROXY).and_then(Item::as_array_of_tables);
                    for (place, section) in
                        proxies.into_iter().flat_map(|rows| rows.iter().enumerate())
                    {
                        add(section, key, Some(at), Some(place));
                    }
                }
            }
            Item::None | Item::Value(_) => {}
        }
    }
    found
}

fn prefix(decor: &Decor) -> Option<String> {
    let raw: &RawString = decor.prefix()?;
    raw.as_str().map(str::to_owned)
}

/// A text if it has anything but blanks, with a line end behind it.
fn comments(text: &str) -> Option<String> {
    let is_empty = text.trim().is_empty();
    let trimmed = text.trim_end_matches([' ', '\t']);
    (!is_empty).then(|| match trimmed.ends_with('\n') {
        true => trimmed.to_owned(),
        false => format!("{trimmed}\n"),
    })
}

/// The key of the list of addresses in a set.
const PROXY: &str = "proxy";
