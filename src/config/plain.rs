//! Reads Accounts that are written the plain way, a line to each option, without the parser of TOML
//! and several times as fast: there may be a hundred thousand of them.
//!
//! Whatever is not plain, or not good, is not read here. So this says nothing of its own: what it
//! reads, the parser would have read alike.

use std::ops::Range;

use memchr::memchr;

use super::Span;
use super::faults::offset;
use super::options::Table;
use super::row::Row;
use super::values::Raw;

/// The Accounts in a part of a text; nothing unless all of it is plain and good.
pub(super) fn accounts(text: &str, part: Range<usize>) -> Option<Vec<Row<'_>>> {
    let mut rows = Vec::new();
    let mut row: Option<Row<'_>> = None;
    let mut at = part.start;
    while at < part.end {
        let rest = &text[at..part.end];
        let length = memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let mut line = &rest[..length];
        if length < rest.len() {
            line = line.strip_suffix('\r').unwrap_or(line);
        }
        let content = trim_start(line);
        let start = at + (line.len() - content.len());
        if let Some(rest) = content.strip_prefix(HEADER) {
            is_over(rest).then_some(())?;
            rows.extend(finished(row.take())?);
            row = Some(Row::begun(Table::Account, offset(start)));
        } else if !is_over(content) {
            let (key, value) = split_at(content, b'=')?;
            let blanks = value.len() - trim_start(value).len();
            let (value, length, rest) = read(&value[blanks..])?;
            is_over(rest).then_some(())?;
            let start = start + key.len() + 1 + blanks;
            let span = Span {
                start: offset(start),
                end: offset(start + length),
            };
            row.as_mut()?.take(trim_end(key), value, span)?;
        }
        at += length + 1;
    }
    rows.extend(finished(row)?);
    Some(rows)
}

/// A row that nothing is missing from, if there is a row.
fn finished(row: Option<Row<'_>>) -> Option<Option<Row<'_>>> {
    match row {
        Some(row) if !row.is_complete() => None,
        row => Some(row),
    }
}

/// A value, its length and what follows it.
fn read(text: &str) -> Option<(Raw<'_>, usize, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        let (content, rest) = split_at(rest, b'"')?;
        // A third quote would begin a text of many lines.
        let is_plain = !rest.starts_with('"') && is_clean(content) && !has(content, b'\\');
        return is_plain.then_some((Raw::Text(content), content.len() + 2, rest));
    }
    let length = text.bytes().position(|byte| !byte.is_ascii_alphanumeric());
    let (word, rest) = text.split_at(length.unwrap_or(text.len()));
    let value = match word {
        "true" => Raw::Flag(true),
        "false" => Raw::Flag(false),
        number => {
            let has_zeros = number.len() > 1 && number.starts_with('0');
            let is_plain = !has_zeros && number.bytes().all(|byte| byte.is_ascii_digit());
            Raw::Whole(Some(number.parse().ok().filter(|_| is_plain)?))
        }
    };
    Some((value, word.len(), rest))
}

/// What stands before and behind the first such character of a short text. The library's own way
/// of doing it is made for long ones.
fn split_at(text: &str, ascii: u8) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte == ascii)?;
    Some((&text[..at], &text[at + 1..]))
}

fn has(text: &str, ascii: u8) -> bool {
    text.bytes().fold(false, |any, byte| any | (byte == ascii))
}

/// Whether a line has nothing more to say: a comment at most.
fn is_over(text: &str) -> bool {
    let text = trim_start(text);
    text.is_empty() || (text.starts_with('#') && is_clean(text))
}

/// Whether it holds no control characters but tabs.
fn is_clean(text: &str) -> bool {
    // All bytes are looked at, since that is many at a time.
    let is_bad = |byte: u8| (byte < b' ' && byte != b'\t') || byte == 0x7f;
    !text.bytes().fold(false, |any, byte| any | is_bad(byte))
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

fn trim_end(text: &str) -> &str {
    text.trim_end_matches([' ', '\t'])
}

const HEADER: &str = "[[account]]";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::{ACCOUNT_INDEX, ACCOUNT_NAME, ACCOUNT_SERVED};

    /// A part that needs something more.
    fn part(lines: &str) -> String {
        format!("[[account]]\nserved_ip_group = \"a\"\nserving_ip_group = \"b\"\n{lines}")
    }

    fn is_plain(text: &str) -> bool {
        accounts(text, 0..text.len()).is_some()
    }

    #[test]
    fn plain_accounts_are_read_where_they_stand() {
        let text = part("\n\t index\t= 7 # one\r\n  # two\nname = \"ü # \"");
        let both = format!("{text}\r\n {text}");
        let rows = accounts(&both, 0..both.len()).unwrap();
        let shown = |row: &Row<'_>, text: &str| {
            assert_eq!(row.given::<u32>(&ACCOUNT_INDEX), Some(7));
            assert_eq!(row.text(&ACCOUNT_NAME), Some("ü # "));
            let span = row.span(&ACCOUNT_SERVED);
            assert_eq!(&text[span.start as usize..span.end as usize], "\"a\"");
        };
        assert_eq!(rows.len(), 2);
        rows.iter().for_each(|row| shown(row, &both));
        assert_eq!(rows[1].at as usize, text.len() + 3);
    }

    #[test]
    fn what_is_not_plain_or_not_good_is_left_to_the_parser() {
        assert!(is_plain(&part("")));
        for lines in [
            "name = 'a'",
            "name = \"\"\"a\"\"\"",
            "name = \"\\u0041\"",
            "name = \"a",
            "name = \"a\" b",
            "name = \"\u{1}\"",
            "# \u{7f}",
            "\"name\" = \"a\"",
            "na me = \"a\"",
            "name.a = \"a\"",
            "name = \"a\"\rindex = 1",
            "name = \"a\"\r",
            "name = 1",
            "name",
            "= 1",
            "index =",
            "index = 01",
            "index = 0x1",
            "index = 1_0",
            "index = +1",
            "index = 1.0",
            "index = 1\nindex = 2",
            "index = [",
            "register = \"often\"",
            "[account.x]",
            "[[account]] x",
            "[[account]]",
        ] {
            assert!(!is_plain(&part(lines)), "{lines}");
        }
        assert!(!is_plain("index = 1\n"));
    }
}
