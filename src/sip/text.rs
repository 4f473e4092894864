//! Characters and white space of SIP: classes, folding, quoted strings, comma lists.
//!
//! Everything works on bytes as received. A fold counts as white space, so that nothing needs to be
//! copied to be read; bytes outside ASCII are never looked into.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

/// Characters of a `token` (RFC 3261 §25.1).
pub(super) const TOKEN: u8 = 1;
/// Characters of the user part of a URI, without escapes (RFC 3261 §25.1: unreserved,
/// user-unreserved).
pub(super) const USER: u8 = 2;
/// Characters of the password of a URI, without escapes.
pub(super) const PASSWORD: u8 = 4;
/// Characters of a host name. We allow `_`, because it is met in the field.
pub(super) const HOST: u8 = 8;
/// Characters of a URI parameter, without escapes (RFC 3261 §25.1: paramchar).
pub(super) const URI_PARAM: u8 = 16;
/// Characters of the headers of a URI, without escapes, `=` and `&` included (RFC 3261 §25.1:
/// hnv-unreserved).
pub(super) const URI_HEADER: u8 = 32;
/// Characters of an unquoted parameter value of a header: wider than RFC 3261, only what separates
/// is left out.
pub(super) const VALUE: u8 = 64;
/// White space, folds included: SP, HT, CR, LF.
pub(super) const SPACE: u8 = 128;

const CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        let alphanumeric = c.is_ascii_alphanumeric();
        let unreserved = alphanumeric || among(b"-_.!~*'()", c);
        let mut class = 0;
        if alphanumeric || among(b"-.!%*_+`'~", c) {
            class |= TOKEN;
        }
        if unreserved || among(b"&=+$,;?/", c) || !c.is_ascii() {
            class |= USER;
        }
        if unreserved || among(b"&=+$,", c) || !c.is_ascii() {
            class |= PASSWORD;
        }
        if alphanumeric || among(b"-._", c) {
            class |= HOST;
        }
        if unreserved || among(b"[]/:&+$", c) {
            class |= URI_PARAM;
        }
        if unreserved || among(b"[]/?:+$=&", c) {
            class |= URI_HEADER;
        }
        if (c.is_ascii_graphic() && !among(b";,\"<>\\", c)) || !c.is_ascii() {
            class |= VALUE;
        }
        if among(b" \t\r\n", c) {
            class |= SPACE;
        }
        table[byte] = class;
        byte += 1;
    }
    table
}

const fn among(set: &[u8], c: u8) -> bool {
    let mut at = 0;
    while at < set.len() {
        if set[at] == c {
            return true;
        }
        at += 1;
    }
    false
}

/// Whether the byte is of (one of) the class(es).
pub(super) const fn is(byte: u8, class: u8) -> bool {
    CLASSES[byte as usize] & class != 0
}

/// Whether there is a byte, and all are of the class.
pub(super) fn all(bytes: &[u8], class: u8) -> bool {
    !bytes.is_empty() && bytes.iter().all(|&byte| is(byte, class))
}

/// As [`all`], but `%` with two hexadecimal digits is allowed too, and nothing at all.
pub(super) fn all_or_escaped(bytes: &[u8], class: u8) -> bool {
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = if byte == b'%' {
            match after {
                [high, low, after @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                    after
                }
                _ => return false,
            }
        } else if is(byte, class) {
            after
        } else {
            return false;
        };
    }
    true
}

/// Splits before the first byte that is not of the class.
pub(super) fn split_class(bytes: &[u8], class: u8) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|&byte| !is(byte, class));
    bytes.split_at(end.unwrap_or(bytes.len()))
}

/// Without the white space in front.
pub(super) fn trim_start(bytes: &[u8]) -> &[u8] {
    split_class(bytes, SPACE).1
}

/// Without the white space at both ends.
pub(super) fn trim(bytes: &[u8]) -> &[u8] {
    let mut rest = trim_start(bytes);
    while let Some((&last, before)) = rest.split_last() {
        if !is(last, SPACE) {
            break;
        }
        rest = before;
    }
    rest
}

/// A header value as text: trimmed, each fold one space (RFC 3261 §7.3.1), other than UTF-8
/// replaced.
pub(super) fn unfold(bytes: &[u8]) -> Cow<'_, str> {
    let bytes = trim(bytes);
    if memchr2(b'\r', b'\n', bytes).is_none() {
        return lossy(bytes);
    }
    let mut flat = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = memchr2(b'\r', b'\n', rest) {
        let (line, fold) = rest.split_at(at);
        flat.extend_from_slice(trim_end_blanks(line));
        flat.push(b' ');
        rest = trim_start(fold);
    }
    flat.extend_from_slice(rest);
    Cow::Owned(String::from_utf8_lossy(&flat).into_owned())
}

/// As [`String::from_utf8_lossy`], which goes byte by byte also where nothing is wrong.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    utf8(bytes).map_or_else(|| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn trim_end_blanks(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|&byte| !is(byte, SPACE));
    line.get(..end.map_or(0, |last| last.saturating_add(1)))
        .unwrap_or(line)
}

/// After an opening quote: the content up to the closing quote, escapes kept, and what follows it.
pub(super) fn quoted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut from = 0;
    loop {
        let at = from + memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes.get(at) == Some(&b'"') {
            let (content, rest) = bytes.split_at(at);
            return Some((content, rest.get(1..)?));
        }
        from = at + 2;
    }
}

/// The content of a quoted string as text: escapes resolved, folds one space (RFC 3261 §25.1:
/// quoted-pair).
pub(super) fn unquote(content: &[u8]) -> Cow<'_, str> {
    if memchr3(b'\\', b'\r', b'\n', content).is_none() {
        return lossy(content);
    }
    let mut text = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some((&byte, after)) = rest.split_first() {
        rest = match byte {
            b'\\' => match after.split_first() {
                Some((&escaped, after)) => {
                    text.push(escaped);
                    after
                }
                None => after,
            },
            b'\r' | b'\n' => {
                text.push(b' ');
                trim_start(after)
            }
            _ => {
                text.push(byte);
                after
            }
        };
    }
    Cow::Owned(String::from_utf8_lossy(&text).into_owned())
}

/// A comma list: the items, trimmed; commas in quoted strings and in `<…>` do not separate. Empty
/// items are handed out too: it is for the reader to refuse or to skip them.
pub(super) fn items(bytes: &[u8]) -> Items<'_> {
    Items { rest: Some(bytes) }
}

/// The iterator of [`items`].
pub(super) struct Items<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Items<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let bytes = self.rest?;
        let (item, rest) = match comma(bytes) {
            Some(at) => {
                let (item, rest) = bytes.split_at(at);
                (item, rest.get(1..))
            }
            None => (bytes, None),
        };
        self.rest = rest;
        Some(trim(item))
    }
}

/// The place of the first comma that separates.
fn comma(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr3(b',', b'"', b'<', bytes.get(from..)?)?;
        let after = bytes.get(at + 1..)?;
        from = at
            + 2
            + match bytes.get(at) {
                Some(b'"') => quoted(after)?.0.len(),
                Some(b'<') => memchr(b'>', after)?,
                _ => return Some(at),
            };
    }
}

/// A decimal number of at least one digit and nothing else; `u32::MAX` when it is larger.
pub(super) fn seconds(bytes: &[u8]) -> Option<u32> {
    let mut number: u32 = 0;
    for byte in bytes {
        if !byte.is_ascii_digit() {
            return None;
        }
        number = number
            .saturating_mul(10)
            .saturating_add(u32::from(byte - b'0'));
    }
    (!bytes.is_empty()).then_some(number)
}

/// As text, if it is UTF-8.
pub(super) fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(text: &str) -> Vec<&str> {
        items(text.as_bytes()).map(|i| utf8(i).unwrap()).collect()
    }

    #[test]
    fn a_fold_reads_as_one_space() {
        assert_eq!(unfold(b" a \r\n\t b\n c "), "a b c");
        assert_eq!(unfold(b"\r\n a"), "a");
        assert_eq!(unfold(b"a b"), "a b");
        assert_eq!(unfold(b""), "");
    }

    #[test]
    fn bytes_outside_utf_8_are_replaced_and_utf_8_stays() {
        assert_eq!(unfold("Zürich".as_bytes()), "Zürich");
        assert_eq!(unfold(b"Z\xFCrich"), "Z\u{FFFD}rich");
        assert_eq!(unquote("Zür\\\"ich".as_bytes()), "Zür\"ich");
    }

    #[test]
    fn commas_in_quotes_and_angle_brackets_do_not_separate() {
        assert_eq!(list("a, b ,c"), ["a", "b", "c"]);
        assert_eq!(
            list(r#""x, \"y," <sip:a,b@c>;p="1,2", d"#),
            [r#""x, \"y," <sip:a,b@c>;p="1,2""#, "d"]
        );
        assert_eq!(list("a,,b,"), ["a", "", "b", ""]);
        assert_eq!(list("\"open, a"), ["\"open, a"]);
        assert_eq!(list("<open, a"), ["<open, a"]);
    }

    #[test]
    fn a_quoted_string_ends_at_the_quote_that_is_not_escaped() {
        assert_eq!(
            quoted(br#"a\"b\\" rest"#),
            Some((&br#"a\"b\\"#[..], &b" rest"[..]))
        );
        assert_eq!(quoted(br#"a\""#), None);
        assert_eq!(quoted(b"a\\"), None);
        assert_eq!(unquote(br#"a\"b\\"#), r#"a"b\"#);
    }

    #[test]
    fn huge_numbers_saturate_and_garbage_is_none() {
        assert_eq!(seconds(b"0060"), Some(60));
        assert_eq!(seconds(b"99999999999999999999"), Some(u32::MAX));
        assert_eq!(seconds(b""), None);
        assert_eq!(seconds(b"-1"), None);
        assert_eq!(seconds(b"1 "), None);
    }
}
