//! Values of single headers: Via, CSeq, Contact lists, Retry-After.

use std::net::IpAddr;

use super::address::NameAddr;
use super::date;
use super::params::Params;
use super::text::{self, SPACE, TOKEN};
use super::uri;

/// One hop of a Via (RFC 3261 §20.42).
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// The transport, as written: `UDP`, `TCP`, `TLS`, …
    pub transport: &'a str,
    /// The host of sent-by, as written: IPv6 literals in their brackets.
    pub host: &'a str,
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The `branch` parameter.
    pub branch: Option<&'a str>,
    /// All parameters.
    pub params: Params<'a>,
    received: Option<&'a str>,
    rport: Option<Option<&'a str>>,
}

impl<'a> Via<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (_protocol, rest) = token(bytes)?;
        let (_version, rest) = token(after_slash(rest)?)?;
        let (transport, rest) = token(after_slash(rest)?)?;
        if !rest.first().is_some_and(|&byte| text::is(byte, SPACE)) {
            return None;
        }
        let rest = text::trim_start(rest);
        let end = rest.iter().position(|&byte| byte == b';');
        let (sent_by, params) = rest.split_at(end.unwrap_or(rest.len()));
        let (host, port) = split_sent_by(text::utf8(text::trim(sent_by))?)?;
        let (mut branch, mut received, mut rport) = (None, None, None);
        let params = Params::parse_with(params, |name, value| {
            let slot = match name.len() {
                5 if name.eq_ignore_ascii_case(b"rport") => &mut rport,
                6 if name.eq_ignore_ascii_case(b"branch") => &mut branch,
                8 if name.eq_ignore_ascii_case(b"received") => &mut received,
                _ => return true,
            };
            if slot.is_none() {
                *slot = match value {
                    Some(value) => text::utf8(value).map(Some),
                    None => Some(None),
                };
            }
            true
        })?;
        Some(Self {
            transport: text::utf8(transport)?,
            host,
            port,
            branch: branch.flatten(),
            received: received.flatten(),
            rport,
            params,
        })
    }

    /// The `received` parameter, as an address (RFC 3261 §18.2.1); with or without brackets
    /// (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        let text = self.received?;
        uri::host_address(text).or_else(|| text.parse().ok())
    }

    /// The `rport` parameter (RFC 3581 §3): `None` when it is not there, `Some(None)` without a
    /// port.
    pub fn rport(&self) -> Option<Option<u16>> {
        self.rport.map(|value| value.and_then(uri::port))
    }
}

fn token(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (token, rest) = text::split_class(text::trim_start(bytes), TOKEN);
    (!token.is_empty()).then_some((token, rest))
}

fn after_slash(bytes: &[u8]) -> Option<&[u8]> {
    text::trim_start(bytes).strip_prefix(b"/")
}

/// RFC 3261 §25.1: sent-by allows white space around its colon.
fn split_sent_by(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, rest) = uri::split_host(text)?;
    match rest.trim_start().strip_prefix(':') {
        Some(port) => Some((host, Some(uri::port(port.trim_start())?))),
        None => rest.is_empty().then_some((host, None)),
    }
}

/// A CSeq (RFC 3261 §20.16).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CSeq<'a> {
    /// The sequence number.
    pub number: u32,
    /// The method.
    pub method: &'a str,
}

impl<'a> CSeq<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let bytes = text::trim(bytes);
        let end = bytes.iter().position(|&byte| text::is(byte, SPACE))?;
        let (digits, method) = bytes.split_at(end);
        let method = text::trim_start(method);
        let only_digits = digits.iter().all(u8::is_ascii_digit);
        (only_digits && text::all(method, TOKEN)).then_some(Self {
            number: text::utf8(digits)?.parse().ok()?,
            method: text::utf8(method)?,
        })
    }
}

/// All Contacts of a message (RFC 3261 §20.10).
#[derive(Clone, Debug)]
pub enum Contacts<'a> {
    /// There are none.
    None,
    /// `Contact: *`
    Star,
    /// These, in order.
    List(Vec<NameAddr<'a>>),
}

/// When to try again (RFC 3261 §20.33).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RetryAfter {
    /// After so many seconds; huge numbers are `u32::MAX`.
    Seconds(u32),
    /// At this time: not in the grammar of RFC 3261, but RFC 2543 §6.32 had it and it is still
    /// sent.
    Date {
        /// Seconds since 1970-01-01 UTC; may be in the past.
        unix_secs: i64,
    },
}

impl RetryAfter {
    /// A comment and parameters after the value are skipped.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let bytes = text::trim(bytes);
        let end = bytes.iter().position(|&c| matches!(c, b'(' | b';'));
        let (value, _) = bytes.split_at(end.unwrap_or(bytes.len()));
        let value = text::trim(value);
        match text::seconds(value) {
            Some(seconds) => Some(Self::Seconds(seconds)),
            None => date::read(&text::unfold(value)).map(|unix_secs| Self::Date { unix_secs }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn via(text: &str) -> Option<Via<'_>> {
        Via::read(text.as_bytes())
    }

    #[test]
    fn a_via_is_read_with_white_space_anywhere() {
        let hop = via(" SIP / 2.0 / udp \r\n [2001:DB8::1] : 5061 ;\tbranch =\r\n z9hG4bKa; rport")
            .unwrap();
        assert_eq!(hop.transport, "udp");
        assert_eq!(hop.host, "[2001:DB8::1]");
        assert_eq!(hop.port, Some(5061));
        assert_eq!(hop.branch, Some("z9hG4bKa"));
        assert_eq!(hop.rport(), Some(None));
        assert_eq!(hop.received(), None);
    }

    #[test]
    fn received_and_rport_are_read_with_and_without_brackets() {
        let received = |text: &str| {
            via(&format!("SIP/2.0/UDP h;received={text}"))
                .unwrap()
                .received()
        };
        assert_eq!(received("192.0.2.1"), "192.0.2.1".parse().ok());
        assert_eq!(received("2001:db8::9:255"), "2001:db8::9:255".parse().ok());
        assert_eq!(received("[2001:db8::9]"), "2001:db8::9".parse().ok());
        assert_eq!(received("host.example"), None);
        let hop = via("SIP/2.0/UDP h;rport=40000;received=1.2.3.4").unwrap();
        assert_eq!(hop.rport(), Some(Some(40_000)));
    }

    #[test]
    fn what_is_no_via_is_refused() {
        for text in [
            "",
            "SIP/2.0/UDP",
            "SIP/2.0 UDP h",
            "SIP/2.0/UDP h:",
            "SIP/2.0/UDP h:99999",
            "SIP/2.0/UDP h:1:2",
            "SIP/2.0/UDP [::1",
            "SIP/2.0/UDP 2001:db8::1",
            "SIP/2.0/UDP h;;branch=1",
            "SIP/2.0/UDP h h",
            "SIP/2.0/UDPh",
        ] {
            assert!(via(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_cseq_is_a_32_bit_number_and_a_method() {
        let cseq = |text: &'static str| CSeq::read(text.as_bytes());
        assert_eq!(
            cseq(" 0009 \r\n INVITE "),
            Some(CSeq {
                number: 9,
                method: "INVITE"
            })
        );
        assert_eq!(cseq("4294967295 A").map(|c| c.number), Some(u32::MAX));
        for bad in [
            "4294967296 A",
            "1",
            "A 1",
            "1 A B",
            "-1 A",
            "+1 A",
            "",
            "1 ",
        ] {
            assert_eq!(cseq(bad), None, "{bad}");
        }
    }

    #[test]
    fn retry_after_is_read_in_each_of_its_forms() {
        let retry = |text: &str| RetryAfter::read(text.as_bytes());
        let seconds = |n| Some(RetryAfter::Seconds(n));
        assert_eq!(retry(" 120 "), seconds(120));
        assert_eq!(retry("18000;duration=3600"), seconds(18_000));
        assert_eq!(retry("120 (I'm in a meeting)"), seconds(120));
        assert_eq!(retry("99999999999999999999"), seconds(u32::MAX));
        assert_eq!(
            retry("Sat, 13 Nov 2010 23:29:00 GMT"),
            Some(RetryAfter::Date {
                unix_secs: 1_289_690_940
            })
        );
        for bad in ["", "soon", "-1", "12 13", "(12)"] {
            assert_eq!(retry(bad), None, "{bad}");
        }
    }
}
