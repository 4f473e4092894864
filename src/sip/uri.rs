//! SIP URIs: reading, comparing, escaping (RFC 3261 §19.1).
//!
//! A [`Uri`] borrows its text and keeps escapes as written. It knows `sip:` and `sips:`; other
//! schemes are kept whole. Its invariant: what was parsed holds no white space, no control
//! character and no broken escape.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memchr;

use super::error::ParseError;
use super::params::{MAX_PARAMS, Params};
use super::text::{self, HOST, PASSWORD, SPACE, URI_HEADER, URI_PARAM, USER};

/// The scheme of a URI.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scheme<'a> {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
    /// Any other one, as written.
    Other(&'a str),
}

/// A URI (RFC 3261 §19.1.1).
#[derive(Clone, Copy, Debug)]
pub struct Uri<'a> {
    /// The scheme.
    pub scheme: Scheme<'a>,
    /// The user part without the password, escapes as written.
    pub user: Option<&'a str>,
    /// The password, escapes as written.
    pub password: Option<&'a str>,
    /// The host as written: IPv6 literals in their brackets. Of another scheme, all that follows
    /// the scheme.
    pub host: &'a str,
    /// The port.
    pub port: Option<u16>,
    /// The URI parameters.
    pub params: Params<'a>,
    /// What follows the question mark.
    pub headers: Option<&'a str>,
    text: &'a str,
}

impl<'a> Uri<'a> {
    /// Reads a URI, without white space or brackets around it.
    pub fn parse(text: &'a str) -> Result<Self, ParseError> {
        let (scheme, rest) = text.split_once(':').ok_or(ParseError::Uri)?;
        if scheme.eq_ignore_ascii_case("sip") {
            Self::sip(Scheme::Sip, text, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            Self::sip(Scheme::Sips, text, rest)
        } else {
            Self::other(scheme, text, rest)
        }
        .ok_or(ParseError::Uri)
    }

    fn sip(scheme: Scheme<'a>, text: &'a str, rest: &'a str) -> Option<Self> {
        let (user, password, rest) = match split_once(rest, b'@') {
            Some((both, rest)) => {
                let (user, password) = userinfo(both)?;
                (Some(user), password, rest)
            }
            None => (None, None, rest),
        };
        let (host, rest) = split_host(rest)?;
        let (port, rest) = split_port(rest)?;
        let (params, headers) = match split_once(rest, b'?') {
            Some((params, headers)) => (params, Some(headers)),
            None => (rest, None),
        };
        let headers_are_good = headers.is_none_or(|headers| {
            !headers.is_empty()
                && text::all_or_escaped(headers.as_bytes(), URI_HEADER)
                && headers.split('&').count() <= MAX_PARAMS
        });
        // A header may have these around its parameters, a URI may not.
        if !headers_are_good || params.bytes().any(|c| c == b'"' || text::is(c, SPACE)) {
            return None;
        }
        // Values may hold `=`, which RFC 3261 §25.1 wants escaped: proxies write base64 there.
        let params = Params::parse_with(params.as_bytes(), |name, value| {
            text::all_or_escaped(name, URI_PARAM)
                && text::all_or_escaped(value.unwrap_or_default(), URI_HEADER)
        })?;
        Some(Self {
            scheme,
            user,
            password,
            host,
            port,
            params,
            headers,
            text,
        })
    }

    /// RFC 3261 §25.1: absoluteURI. What it means is not for us to know.
    fn other(scheme: &'a str, text: &'a str, rest: &'a str) -> Option<Self> {
        let letters = scheme.as_bytes();
        let scheme_is_good = letters.first().is_some_and(u8::is_ascii_alphabetic)
            && letters
                .iter()
                .all(|&c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.'));
        let rest_is_good = !rest.is_empty()
            && rest
                .bytes()
                .all(|c| c > b' ' && !matches!(c, b'"' | b'<' | b'>' | 0x7f));
        (scheme_is_good && rest_is_good).then_some(Self {
            scheme: Scheme::Other(scheme),
            user: None,
            password: None,
            host: rest,
            port: None,
            params: Params::default(),
            headers: None,
            text,
        })
    }

    /// The URI as written.
    pub fn as_str(&self) -> &'a str {
        self.text
    }

    /// The host, when it is an address.
    pub fn address(&self) -> Option<IpAddr> {
        host_address(self.host)
    }

    /// Whether both mean the same, by RFC 3261 §19.1.4 (and RFC 5954 §4.2 for IPv6 literals).
    pub fn equivalent(&self, other: &Uri<'_>) -> bool {
        if let (Scheme::Other(ours), Scheme::Other(theirs)) = (self.scheme, other.scheme) {
            return ours.eq_ignore_ascii_case(theirs) && self.host == other.host;
        }
        self.scheme == other.scheme
            && same_option(self.user, other.user, same_escaped)
            && same_option(self.password, other.password, same_escaped)
            && same_host(self.host, other.host)
            && self.port == other.port
            && agrees(self.params, other.params)
            && agrees(other.params, self.params)
            && same_headers(self.headers, other.headers)
    }
}

/// As [`str::split_once`] at an ASCII character.
fn split_once(text: &str, at: u8) -> Option<(&str, &str)> {
    let at = memchr(at, text.as_bytes())?;
    Some((text.get(..at)?, text.get(at.checked_add(1)?..)?))
}

fn userinfo(text: &str) -> Option<(&str, Option<&str>)> {
    let (user, password) = match split_once(text, b':') {
        Some((user, password)) => (user, Some(password)),
        None => (text, None),
    };
    let good = !user.is_empty()
        && text::all_or_escaped(user.as_bytes(), USER)
        && text::all_or_escaped(password.unwrap_or_default().as_bytes(), PASSWORD);
    good.then_some((user, password))
}

/// Splits a host from what follows it; IPv6 literals keep their brackets.
pub(super) fn split_host(text: &str) -> Option<(&str, &str)> {
    let end = if text.starts_with('[') {
        let close = memchr(b']', text.as_bytes())?;
        text.get(1..close)?.parse::<Ipv6Addr>().ok()?;
        close.checked_add(1)?
    } else {
        let (host, _) = text::split_class(text.as_bytes(), HOST);
        if host.is_empty() {
            return None;
        }
        host.len()
    };
    Some((text.get(..end)?, text.get(end..)?))
}

/// Splits `:port`, if there is one, from what follows it.
fn split_port(text: &str) -> Option<(Option<u16>, &str)> {
    let Some(rest) = text.strip_prefix(':') else {
        return Some((None, text));
    };
    let end = rest.bytes().position(|c| !c.is_ascii_digit());
    let (digits, rest) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
    Some((Some(port(digits)?), rest))
}

/// A port: digits only.
pub(super) fn port(digits: &str) -> Option<u16> {
    if !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

/// The address that a host stands for, if it is one; IPv6 in brackets or, as some write `received`,
/// without (RFC 5118 §4.5).
pub(super) fn host_address(host: &str) -> Option<IpAddr> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match bare {
        Some(literal) => literal.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
        None if host.starts_with(|c: char| c.is_ascii_digit()) => {
            host.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
        }
        None => None,
    }
}

fn same_option(
    ours: Option<&str>,
    theirs: Option<&str>,
    same: impl FnOnce(&str, &str) -> bool,
) -> bool {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => same(ours, theirs),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

fn same_host(ours: &str, theirs: &str) -> bool {
    ours.eq_ignore_ascii_case(theirs)
        || host_address(ours).is_some_and(|address| host_address(theirs) == Some(address))
}

/// Every parameter of ours that they have too is the same, and those that count even alone are
/// there (RFC 3261 §19.1.4).
fn agrees(ours: Params<'_>, theirs: Params<'_>) -> bool {
    // Of a repeated name the first counts, on both sides.
    ours.iter().all(|(name, _)| match theirs.get(name) {
        Some(other) => same_option(ours.value(name), other, same_escaped_ignoring_case),
        None => !["transport", "user", "ttl", "method", "maddr"]
            .iter()
            .any(|counts| name.eq_ignore_ascii_case(counts)),
    })
}

/// Headers are the same in any order, and all of them count.
fn same_headers(ours: Option<&str>, theirs: Option<&str>) -> bool {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return ours.is_none() && theirs.is_none();
    };
    let includes = |all: &str, some: &str| {
        some.split('&').all(|wanted| {
            all.split('&')
                .any(|header| same_escaped_ignoring_case(header, wanted))
        })
    };
    ours.split('&').count() == theirs.split('&').count()
        && includes(ours, theirs)
        && includes(theirs, ours)
}

fn same_escaped(ours: &str, theirs: &str) -> bool {
    ours == theirs || Units(ours.as_bytes()).eq(Units(theirs.as_bytes()))
}

fn same_escaped_ignoring_case(ours: &str, theirs: &str) -> bool {
    ours.eq_ignore_ascii_case(theirs)
        || Units(ours.as_bytes())
            .map(|unit| unit.map_byte(|byte| byte.to_ascii_lowercase()))
            .eq(Units(theirs.as_bytes())
                .map(|unit| unit.map_byte(|byte| byte.to_ascii_lowercase())))
}

/// A character of a URI for comparison: an escaped reserved one is not the same as itself unescaped
/// (RFC 3261 §19.1.4; the reserved set is that of RFC 2396 §2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Plain(u8),
    Escaped(u8),
}

impl Unit {
    fn map_byte(self, map: impl FnOnce(u8) -> u8) -> Self {
        match self {
            Self::Plain(byte) => Self::Plain(map(byte)),
            Self::Escaped(byte) => Self::Escaped(map(byte)),
        }
    }
}

struct Units<'a>(&'a [u8]);

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let (&byte, after) = self.0.split_first()?;
        if let Some((escaped, rest)) = escape(self.0) {
            self.0 = rest;
            return Some(if b";/?:@&=+$,%".contains(&escaped) {
                Unit::Escaped(escaped)
            } else {
                Unit::Plain(escaped)
            });
        }
        self.0 = after;
        Some(Unit::Plain(byte))
    }
}

/// The byte that a leading `%HH` stands for, and what follows.
fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [b'%', high, low, rest @ ..] = bytes else {
        return None;
    };
    let digit = |c: u8| {
        char::from(c)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    Some(((digit(*high)? << 4) | digit(*low)?, rest))
}

/// The user part for plain text: what it may not hold is percent-escaped, byte by byte of its UTF-8
/// (RFC 3261 §19.1.2). A `%` is text like any other: it becomes `%25`.
pub fn escape_user(user: &str) -> Cow<'_, str> {
    if user.bytes().all(|c| c.is_ascii() && text::is(c, USER)) {
        return Cow::Borrowed(user);
    }
    let mut escaped = String::with_capacity(user.len().saturating_add(16));
    for byte in user.bytes() {
        if byte.is_ascii() && text::is(byte, USER) {
            escaped.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _infallible = write!(escaped, "%{byte:02X}").is_ok();
        }
    }
    Cow::Owned(escaped)
}

/// The plain text of a part of a URI: escapes resolved, what is then not UTF-8 replaced. A broken
/// escape stays as it is.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if memchr(b'%', text.as_bytes()).is_none() {
        return Cow::Borrowed(text);
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = match escape(rest) {
            Some((escaped, rest)) => {
                plain.push(escaped);
                rest
            }
            None => {
                plain.push(byte);
                after
            }
        };
    }
    Cow::Owned(String::from_utf8_lossy(&plain).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri<'_> {
        Uri::parse(text).unwrap()
    }

    #[test]
    fn the_parts_of_a_uri_are_found() {
        let found = uri("sip:al%20ice:pa$s@[2001:db8::1]:5070;lr;Transport=tcp?subject=a&to=b");
        assert_eq!(found.scheme, Scheme::Sip);
        assert_eq!(found.user, Some("al%20ice"));
        assert_eq!(found.password, Some("pa$s"));
        assert_eq!(found.host, "[2001:db8::1]");
        assert_eq!(found.port, Some(5070));
        assert_eq!(found.params.get("lr"), Some(None));
        assert_eq!(found.params.value("transport"), Some("tcp"));
        assert_eq!(found.headers, Some("subject=a&to=b"));
        assert_eq!(found.address(), "2001:db8::1".parse().ok());
        assert!(found.as_str().starts_with("sip:al"));
    }

    #[test]
    fn a_user_may_hold_what_elsewhere_separates() {
        let found = uri("sips:a;b=c?d/e,f&g@192.0.2.1");
        assert_eq!(found.scheme, Scheme::Sips);
        assert_eq!(found.user, Some("a;b=c?d/e,f&g"));
        assert_eq!(found.address(), "192.0.2.1".parse().ok());
        assert!(found.params.is_empty());
    }

    #[test]
    fn other_schemes_are_kept_whole() {
        let tel = uri("tel:+1-201-555-0123;phone-context=x");
        assert_eq!(tel.scheme, Scheme::Other("tel"));
        assert_eq!(tel.host, "+1-201-555-0123;phone-context=x");
        assert_eq!(tel.address(), None);
        assert!(tel.equivalent(&uri("TEL:+1-201-555-0123;phone-context=x")));
        assert!(!tel.equivalent(&uri("tel:+1")));
        assert!(!tel.equivalent(&uri("sip:+1@h")));
    }

    #[test]
    fn what_is_no_uri_is_refused() {
        for text in [
            "",
            "sip",
            "sip:",
            "sip:@h",
            "sip:a@",
            "sip:a@b@c",
            "sip:a b@c",
            "sip: a@b",
            "sip:a@b ",
            "sip:a@b;lr ",
            "sip:a@b;",
            "sip:a@b;;lr",
            "sip:a@b;=x",
            "sip:a@b?",
            "sip:a@b:",
            "sip:a@b:x",
            "sip:a@b:65536",
            "sip:a@b:+1",
            "sip:a@b:1:2",
            "sip:a%@b",
            "sip:a%4@b",
            "sip:a%4g@b",
            "sip:a@b;x=%4",
            "sip:a#b@c",
            "sip:a@b{c}",
            "sip:a@[::1",
            "sip:a@::1",
            "sip:a@[1.2.3.4]",
            "sip:a@[fe80::1%eth0]",
            "sip:a@[::1]x",
            "sip:a@b;x=\"y\"",
            "<sip:a@b>",
            "sip:a@b\r\nVia:x",
            ":a@b",
            "1sip:a@b",
        ] {
            assert!(Uri::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn uris_that_mean_the_same_are_equivalent() {
        // RFC 3261 §19.1.4, clause by clause.
        for (one, other) in [
            ("sip:a@h", "SIP:a@H"),
            ("sip:%61lice@h;Transport=TCP", "sip:alice@H;transport=tcp"),
            ("sip:a@h;x=1;y", "sip:a@h;Y;X=1"),
            ("sip:a@h", "sip:a@h;unknown=5"),
            ("sip:a@h;one=1", "sip:a@h;two=2"),
            ("sip:a@h;lr", "sip:a@h"),
            ("sip:a@h;x=1;x=2", "sip:a@h;x=1"),
            (
                "sip:h;method=INVITE?to=b&from=c",
                "sip:h;METHOD=invite?FROM=c&to=%62",
            ),
            ("sip:a@[2001:db8::1]", "sip:a@[2001:DB8:0::1]"),
            ("sip:a@[::ffff:1.2.3.4]:5060", "sip:a@[::ffff:102:304]:5060"),
            ("sip:a%2cb@h", "sip:a%2Cb@h"),
            ("sip:Zo%c3%ab@h", "sip:Zoë@h"),
        ] {
            assert!(uri(one).equivalent(&uri(other)), "{one} {other}");
            assert!(uri(other).equivalent(&uri(one)), "{other} {one}");
        }
    }

    #[test]
    fn uris_that_mean_different_things_are_not() {
        for (one, other) in [
            ("sip:a@h", "sips:a@h"),
            ("sip:a@h", "sip:A@h"),
            ("sip:a@h", "sip:h"),
            ("sip:a:p@h", "sip:a@h"),
            ("sip:a:p@h", "sip:a:P@h"),
            ("sip:a@h", "sip:a@h:5060"),
            ("sip:a@h", "sip:a@g"),
            ("sip:a@h;transport=udp", "sip:a@h"),
            ("sip:a@h;user=ip", "sip:a@h"),
            ("sip:a@h;ttl=1", "sip:a@h"),
            ("sip:a@h;method=INVITE", "sip:a@h"),
            ("sip:a@h;MAddr=1.1.1.1", "sip:a@h"),
            ("sip:a@h;x=1", "sip:a@h;x=2"),
            ("sip:a@h;x", "sip:a@h;x=2"),
            ("sip:a@h?subject=x", "sip:a@h"),
            ("sip:a@h?subject=x", "sip:a@h?subject=y"),
            ("sip:a@h?a=1&b=2", "sip:a@h?a=1"),
            ("sip:a,b@h", "sip:a%2Cb@h"),
            ("sip:a@192.0.2.1", "sip:a@[::ffff:192.0.2.1]"),
        ] {
            assert!(!uri(one).equivalent(&uri(other)), "{one} {other}");
            assert!(!uri(other).equivalent(&uri(one)), "{other} {one}");
        }
    }

    // rule I1
    #[test]
    fn a_user_is_escaped_and_comes_back() {
        assert_eq!(escape_user("+1-201.555"), "+1-201.555");
        assert_eq!(escape_user("a@b"), "a%40b");
        assert_eq!(escape_user("*72#"), "*72%23");
        assert_eq!(escape_user("50%"), "50%25");
        assert_eq!(escape_user("Zoë <x>\r\n"), "Zo%C3%AB%20%3Cx%3E%0D%0A");
        let every: String = (0..0x300).filter_map(char::from_u32).collect();
        assert_eq!(unescape(&escape_user(&every)), every);
        let whole = format!("sip:{}@h", escape_user(&every));
        assert_eq!(uri(&whole).host, "h");
    }

    #[test]
    fn unescaping_leaves_broken_escapes_and_replaces_what_is_not_utf_8() {
        assert_eq!(unescape("a%"), "a%");
        assert_eq!(unescape("%4x%41"), "%4xA");
        assert_eq!(unescape("%FF"), "\u{FFFD}");
    }
}
