//! SIP URIs: reading, comparing, escaping (RFC 3261 §19.1).
//!
//! A [`Uri`] borrows its text and keeps escapes as written. It knows `sip:` and `sips:`; other schemes are kept
//! whole. Its invariant: what was parsed holds no white space, no control character and no broken escape.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memchr;

use super::error::ParseError;
use super::params::Params;
use super::text::{self, HOST, PASSWORD, URI_HEADER, URI_PARAM, USER};

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
    /// The host as written: IPv6 literals in their brackets. Of another scheme, all that follows the scheme.
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
        if text
            .bytes()
            .any(|c| c <= b' ' || matches!(c, b'"' | b'<' | b'>' | 0x7f))
        {
            return Err(ParseError::Uri);
        }
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
        let (user, password, rest) = match memchr(b'@', rest.as_bytes()) {
            Some(at) => {
                let (user, password) = userinfo(rest.get(..at)?)?;
                (Some(user), password, rest.get(at.checked_add(1)?..)?)
            }
            None => (None, None, rest),
        };
        let (host, rest) = split_host(rest)?;
        let (port, rest) = split_port(rest)?;
        let (params, headers) = match rest.split_once('?') {
            Some((params, headers)) => (params, Some(headers)),
            None => (rest, None),
        };
        let headers_are_good = headers.is_none_or(|headers| {
            !headers.is_empty() && text::all_or_escaped(headers.as_bytes(), URI_HEADER)
        });
        let params = Params::parse(params.as_bytes())?;
        // Values may hold `=`, which RFC 3261 §25.1 wants escaped: proxies write base64 there.
        let params_are_good = params.iter().all(|(name, value)| {
            text::all_or_escaped(name.as_bytes(), URI_PARAM)
                && text::all_or_escaped(value.unwrap_or_default().as_bytes(), URI_HEADER)
        });
        (headers_are_good && params_are_good).then_some(Self {
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
        (scheme_is_good && !rest.is_empty()).then_some(Self {
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

fn userinfo(text: &str) -> Option<(&str, Option<&str>)> {
    let (user, password) = match text.split_once(':') {
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

/// The address that a host stands for, if it is one; IPv6 in brackets or, as some write `received`, without
/// (RFC 5118 §4.5).
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

/// Every parameter of ours that they have too is the same, and those that count even alone are there
/// (RFC 3261 §19.1.4).
fn agrees(ours: Params<'_>, theirs: Params<'_>) -> bool {
    ours.iter().all(|(name, value)| match theirs.get(name) {
        Some(other) => same_option(value, other, same_escaped_ignoring_case),
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

/// The plain text of a part of a URI: escapes resolved, what is then not UTF-8 replaced. A broken escape stays as
/// it is.
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
