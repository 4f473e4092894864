//! Takes credentials out of a message, and power over a terminal out of a text.
//!
//! What is taken out of a message is replaced in place, so that every length in it stays true. It
//! does not ask whether the message can be read: what looks like a header is treated as one.

use std::ops::Range;

/// Overwrites what could help to authenticate: digests, nonces, and all of a scheme that is not
/// known.
pub(super) fn redact(message: &mut [u8]) {
    let mut at = 0;
    while let Some(line) = header(message, at) {
        at = line.end;
        let Some(colon) = message[line.clone()].iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (
            line.start..line.start + colon,
            line.start + colon + 1..line.end,
        );
        let name = message[name].trim_ascii();
        let is_one = HEADERS
            .iter()
            .any(|it| name.eq_ignore_ascii_case(it.as_bytes()));
        let has_scheme = !is_info(name);
        if is_one {
            redact_value(&mut message[value], has_scheme);
        }
    }
}

/// Where the header that begins here ends, its folds included.
fn header(message: &[u8], start: usize) -> Option<Range<usize>> {
    if start >= message.len() {
        return None;
    }
    let mut end = start;
    loop {
        let rest = &message[end..];
        end += memchr::memchr2(b'\n', b'\r', rest).map_or(rest.len(), |at| at + 1);
        let after = &message[end..];
        let is_pair = message[end - 1] == b'\r' && after.first() == Some(&b'\n');
        end += usize::from(is_pair);
        if !matches!(message.get(end), Some(b' ' | b'\t')) {
            return Some(start..end);
        }
    }
}

/// Whether the values of a header have no scheme in front.
fn is_info(name: &[u8]) -> bool {
    name.len() >= 4 && name[name.len() - 4..].eq_ignore_ascii_case(b"info")
}

fn redact_value(value: &mut [u8], has_scheme: bool) {
    let start = value.iter().position(|byte| !is_space(*byte));
    let Some(start) = start.filter(|_| has_scheme) else {
        return redact_params(value);
    };
    let scheme = start..word(value, start);
    if value[scheme.clone()].eq_ignore_ascii_case(b"digest") {
        redact_params(&mut value[scheme.end..]);
    } else {
        hide(&mut value[scheme.end..]);
    }
}

/// Hides every parameter that is not known to be harmless.
fn redact_params(value: &mut [u8]) {
    let mut at = 0;
    while at < value.len() {
        if is_space(value[at]) || value[at] == b',' {
            at += 1;
            continue;
        }
        let name = at..word(value, at);
        let mut equals = name.end;
        while equals < value.len() && is_space(value[equals]) {
            equals += 1;
        }
        let has_value = value.get(equals) == Some(&b'=');
        let start = if has_value { equals + 1 } else { name.start };
        let content = content(value, start);
        at = content.1.max(at + 1);
        let is_scheme = !has_value && value[name.clone()].eq_ignore_ascii_case(b"digest");
        if is_scheme {
            at = name.end;
        } else if !has_value || !is_harmless(&value[name]) {
            hide(&mut value[content.0]);
        }
    }
}

/// What a value is, without its quotes, and where it ends with them.
fn content(value: &[u8], start: usize) -> (Range<usize>, usize) {
    let mut start = start;
    while start < value.len() && is_space(value[start]) {
        start += 1;
    }
    if value.get(start) != Some(&b'"') {
        let rest = &value[start..];
        let length = rest.iter().position(|byte| *byte == b',');
        let end = start + length.unwrap_or(rest.len());
        return (start..end, end);
    }
    let mut end = start + 1;
    while end < value.len() && value[end] != b'"' {
        end += if value[end] == b'\\' { 2 } else { 1 };
    }
    let end = end.min(value.len());
    (start + 1..end, (end + 1).min(value.len()))
}

fn word(value: &[u8], start: usize) -> usize {
    let rest = &value[start..];
    let is_end = |byte: &u8| is_space(*byte) || matches!(byte, b',' | b'=' | b'"');
    start + rest.iter().position(is_end).unwrap_or(rest.len())
}

fn is_harmless(name: &[u8]) -> bool {
    HARMLESS
        .iter()
        .any(|it| name.eq_ignore_ascii_case(it.as_bytes()))
}

/// Line ends stay, so that what a message is made of can still be told.
fn hide(text: &mut [u8]) {
    for byte in text.iter_mut().filter(|byte| !is_space(**byte)) {
        *byte = b'*';
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A line of a message as a terminal may show it: what does not print is written in figures.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for one in chunk.valid().chars() {
            match one {
                '\t' => text.push(' '),
                _ if is_harmful(one) && (one as u32) < 0x100 => hex(&mut text, one as u8),
                _ if is_harmful(one) => {
                    text.push_str(&format!("\\u{{{:x}}}", one as u32));
                }
                _ => text.push(one),
            }
        }
        chunk
            .invalid()
            .iter()
            .for_each(|byte| hex(&mut text, *byte));
    }
    text
}

fn hex(text: &mut String, byte: u8) {
    text.push_str(&format!("\\x{byte:02x}"));
}

/// Whether a character steers a terminal, or changes the direction of writing, or is not seen.
fn is_harmful(one: char) -> bool {
    one.is_control()
        || matches!(one, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(one, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// Headers that carry credentials, or what they are made of.
const HEADERS: [&str; 6] = [
    "Authorization",
    "Proxy-Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Authentication-Info",
    "Proxy-Authentication-Info",
];

/// Parameters of theirs that may be read by anybody (RFC 7616).
const HARMLESS: [&str; 12] = [
    "username",
    "username*",
    "realm",
    "domain",
    "uri",
    "algorithm",
    "qop",
    "nc",
    "stale",
    "opaque",
    "userhash",
    "charset",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn redacted(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        redact(&mut bytes);
        assert_eq!(bytes.len(), text.len());
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn digests_and_nonces_are_hidden_and_all_else_stays() {
        let head = "REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;nonce=n\r\n";
        for (line, wanted) in [
            (
                r#"Authorization: Digest username="u", realm="r, nonce=x", nonce="abc", uri="sip:a", response="0123", algorithm=MD5, cnonce="c\"d", qop=auth, nc=00000001"#,
                r#"Authorization: Digest username="u", realm="r, nonce=x", nonce="***", uri="sip:a", response="****", algorithm=MD5, cnonce="****", qop=auth, nc=00000001"#,
            ),
            (
                "PROXY-authorization : digest response = abc , nc=1",
                "PROXY-authorization : digest response = *** , nc=1",
            ),
            (
                "Authorization: Basic dTpwYXNz",
                "Authorization: Basic ********",
            ),
            (
                "Authorization:Digest response=\"open",
                "Authorization:Digest response=\"****",
            ),
            (
                "Authorization: Digest,response=a,auts=\"b\"",
                "Authorization: Digest,response=*,auts=\"*\"",
            ),
            (
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", stale=true, Digest nonce=abc",
                "WWW-Authenticate: Digest realm=\"r\", nonce=\"*\", stale=true, Digest nonce=***",
            ),
            (
                "Authentication-Info: nextnonce=\"abc\", rspauth=\"d\", qop=auth, nc=00000001",
                "Authentication-Info: nextnonce=\"***\", rspauth=\"*\", qop=auth, nc=00000001",
            ),
            (
                "Authorization: Digest username=\"u\",\r\n response=\"abc\",\r\n\turi=\"sip:a\"",
                "Authorization: Digest username=\"u\",\r\n response=\"***\",\r\n\turi=\"sip:a\"",
            ),
            ("Authorization: ", "Authorization: "),
            (
                "Authorization: Digest hunter2",
                "Authorization: Digest *******",
            ),
            (
                "X-Authorization: Digest response=abc",
                "X-Authorization: Digest response=abc",
            ),
        ] {
            let message = format!("{head}{line}\r\nContent-Length: 4\r\n\r\nbody");
            let wanted = format!("{head}{wanted}\r\nContent-Length: 4\r\n\r\nbody");
            assert_eq!(redacted(&message), wanted);
        }
    }

    #[test]
    fn no_bytes_make_it_stumble() {
        let pieces: [&[u8]; 12] = [
            b"Authorization:",
            b"Digest ",
            b"response=",
            b"\"",
            b"\\",
            b",",
            b"=",
            b" ",
            b"\r\n",
            b"\r",
            b"\n\t",
            b"\xff\x00secret",
        ];
        let seed = Seed::from_number(4);
        for round in 0..3_000 {
            let mut message = Vec::new();
            for place in 0..20 {
                let number = seed.draw(round, place).number();
                message.extend_from_slice(pieces[(number % pieces.len() as u64) as usize]);
            }
            let before = message.clone();
            redact(&mut message);
            assert_eq!(message.len(), before.len());
            let spaces = |bytes: &[u8]| bytes.iter().filter(|it| is_space(**it)).count();
            assert_eq!(spaces(&message), spaces(&before));
        }
    }

    #[test]
    fn nothing_steers_a_terminal() {
        let text = printable(b"a\x1b[31m\x00\x9b\tb\xff \xc3\xa4 \xe2\x80\xae\xc2\x9b\\");
        assert_eq!(text, "a\\x1b[31m\\x00\\x9b b\\xff ä \\u{202e}\\x9b\\");
    }
}
