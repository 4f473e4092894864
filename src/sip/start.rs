//! The first line of a message (RFC 3261 §7.1, §7.2).

use super::error::ParseError;
use super::text::{self, TOKEN};

/// The first line of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StartLine<'a> {
    /// A Request-Line (RFC 3261 §7.1).
    Request {
        /// The method, case-sensitive.
        method: &'a str,
        /// The Request-URI as written; [`super::Message::request_uri`] reads it.
        uri: &'a str,
    },
    /// A Status-Line (RFC 3261 §7.2).
    Status {
        /// 100 to 699.
        code: u16,
        /// The reason phrase as received; [`super::Message::reason`] reads it as text.
        reason: &'a [u8],
    },
}

impl<'a> StartLine<'a> {
    /// One space between the parts, and none at the ends (RFC 3261 §7.1, §7.2).
    pub(super) fn read(line: &'a [u8]) -> Result<Self, ParseError> {
        if let Some((version, rest)) = line.split_at_checked(7)
            && version.eq_ignore_ascii_case(b"SIP/2.0")
        {
            return status(rest).ok_or(ParseError::StartLine);
        }
        let mut parts = line.split(|&c| c == b' ');
        let (Some(method), Some(uri), Some(version), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ParseError::StartLine);
        };
        if !version.eq_ignore_ascii_case(b"SIP/2.0") {
            let is_sip = version.get(..4);
            return Err(match is_sip {
                Some(name) if name.eq_ignore_ascii_case(b"SIP/") => ParseError::Version,
                _ => ParseError::StartLine,
            });
        }
        let uri_is_good = !uri.is_empty() && !uri.iter().any(u8::is_ascii_control);
        match (text::utf8(method), text::utf8(uri)) {
            (Some(method), Some(uri)) if uri_is_good && text::all(method.as_bytes(), TOKEN) => {
                Ok(Self::Request { method, uri })
            }
            _ => Err(ParseError::StartLine),
        }
    }
}

/// What follows the version: ` 200 OK`. We allow the last space to be missing when the reason is.
fn status(rest: &[u8]) -> Option<StartLine<'_>> {
    let (digits, rest) = rest.strip_prefix(b" ")?.split_at_checked(3)?;
    let reason = match rest.split_first() {
        None => rest,
        Some((b' ', reason)) => reason,
        Some(_) => return None,
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let code = text::utf8(digits)?.parse().ok()?;
    (100..700)
        .contains(&code)
        .then_some(StartLine::Status { code, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_read_with_and_without_a_reason() {
        let read = |code, reason: &'static str| {
            Ok(StartLine::Status {
                code,
                reason: reason.as_bytes(),
            })
        };
        assert_eq!(StartLine::read(b"SIP/2.0 200 OK"), read(200, "OK"));
        assert_eq!(StartLine::read(b"sip/2.0 200 "), read(200, ""));
        assert_eq!(StartLine::read(b"SIP/2.0 200"), read(200, ""));
        assert_eq!(
            StartLine::read("SIP/2.0 699 без  слов".as_bytes()),
            read(699, "без  слов")
        );
        for bad in [
            "SIP/2.0 99 x",
            "SIP/2.0 099 x",
            "SIP/2.0 700 x",
            "SIP/2.0 4294967496 x",
            "SIP/2.0  200 x",
            "SIP/2.0 20 x",
            "SIP/2.0 2000",
            "SIP/2.0 +20 x",
            "SIP/2.0",
            "SIP/2.0200 OK",
        ] {
            assert_eq!(
                StartLine::read(bad.as_bytes()),
                Err(ParseError::StartLine),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_request_line_has_one_space_between_its_parts() {
        assert_eq!(
            StartLine::read(b"!x-%*_+`'~ sip:a sip/2.0"),
            Ok(StartLine::Request {
                method: "!x-%*_+`'~",
                uri: "sip:a"
            })
        );
        assert_eq!(
            StartLine::read(b"A sip:a SIP/3.0"),
            Err(ParseError::Version)
        );
        for bad in [
            &b"A  sip:a SIP/2.0"[..],
            b" A sip:a SIP/2.0",
            b"A sip:a  SIP/2.0",
            b"A sip:a SIP/2.0 ",
            b"A sip:a b SIP/2.0",
            b"A\tsip:a\tSIP/2.0",
            b"A sip:a",
            b"A  SIP/2.0",
            b"A/ sip:a SIP/2.0",
            b"A sip:\xff SIP/2.0",
            b"A sip:\0 SIP/2.0",
            b"GET / HTTP/1.1",
            b"",
        ] {
            assert_eq!(StartLine::read(bad), Err(ParseError::StartLine), "{bad:?}");
        }
    }
}
