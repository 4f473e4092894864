//! Writes messages into a caller's buffer (RFC 3261 §7).
//!
//! Its invariant: whatever the values hold, no header is written but those asked for: line ends in
//! a value become spaces.

use std::fmt::{self, Write as _};
use std::net::SocketAddr;

use memchr::memchr3;

use super::message::Message;
use super::name::Name;
use super::params::Params;
use super::text;
use super::uri;

/// Writes one message at the end of a buffer: start line, headers, then [`Writer::finish`].
#[must_use = "the message has no end without `finish`"]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
}

impl<'b> Writer<'b> {
    /// Starts a request (RFC 3261 §7.1). White space and control characters in the URI are
    /// percent-escaped.
    pub fn request(out: &'b mut Vec<u8>, method: &str, uri: &str) -> Self {
        let from = out.len();
        out.extend_from_slice(method.as_bytes());
        escape(out, from);
        out.push(b' ');
        let from = out.len();
        out.extend_from_slice(uri.as_bytes());
        escape(out, from);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out }
    }

    /// Starts a response (RFC 3261 §7.2).
    pub fn response(out: &'b mut Vec<u8>, code: u16, reason: &str) -> Self {
        let from = out.len();
        print(out, format_args!("SIP/2.0 {code:03} {reason}"));
        let mut writer = Self { out };
        writer.end_line(from);
        writer
    }

    /// Starts a response to a request, by RFC 3261 §8.2.6: Via, From, To, Call-ID and CSeq are
    /// those of the request.
    ///
    /// `to_tag` is added to a To without a tag; none is when it is empty, as for a 100. `received`
    /// is where the request came from: the topmost Via says so (RFC 3261 §18.2.1, RFC 3581 §4).
    pub fn reply(
        out: &'b mut Vec<u8>,
        request: &Message<'_>,
        (code, reason): (u16, &str),
        to_tag: &str,
        received: SocketAddr,
    ) -> Self {
        let mut writer = Self::response(out, code, reason);
        for (nth, line) in request.raw(Name::Via).enumerate() {
            if nth == 0 {
                writer.top_via(line, received);
            } else {
                writer.copy("Via", line);
            }
        }
        for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
            let Some(value) = request.raw(name).next() else {
                continue;
            };
            let untagged = || request.to().is_ok_and(|to| to.params.get("tag").is_none());
            if name == Name::To && !to_tag.is_empty() && untagged() {
                let from = writer.out.len();
                writer.out.extend_from_slice(b"To: ");
                writer.out.extend_from_slice(text::trim(value));
                writer.print(format_args!(";tag={to_tag}"));
                writer.end_line(from);
            } else {
                writer.copy(name.as_str(), value);
            }
        }
        if code == 100
            && let Some(value) = request.raw(Name::Timestamp).next()
        {
            writer.copy("Timestamp", value);
        }
        writer
    }

    /// Writes a header. CR, LF and NUL in the value become spaces.
    pub fn header(&mut self, name: &str, value: fmt::Arguments<'_>) -> &mut Self {
        let from = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.print(value);
        self.end_line(from);
        self
    }

    /// Writes a header whose value is these parts in a row: as [`Writer::header`], without
    /// formatting.
    pub fn parts(&mut self, name: &str, parts: &[&str]) -> &mut Self {
        let from = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        for part in parts {
            self.out.extend_from_slice(part.as_bytes());
        }
        self.end_line(from);
        self
    }

    /// Writes a header of the program's own text, which is not searched for line ends.
    pub fn fixed(&mut self, name: &'static str, value: &'static str) -> &mut Self {
        for part in [name, ": ", value, "\r\n"] {
            self.out.extend_from_slice(part.as_bytes());
        }
        self
    }

    /// Writes a header with a value as received; a fold becomes spaces.
    pub fn copy(&mut self, name: &str, value: &[u8]) -> &mut Self {
        let from = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b": ");
        self.out.extend_from_slice(text::trim(value));
        self.end_line(from);
        self
    }

    /// Writes Content-Length, the empty line and the body.
    pub fn finish(mut self, body: &[u8]) {
        self.parts("Content-Length", &[&body.len().to_string()]);
        self.out.extend_from_slice(b"\r\n");
        self.out.extend_from_slice(body);
    }

    fn print(&mut self, what: fmt::Arguments<'_>) {
        print(self.out, what);
    }

    /// Ends the line that began there: nothing before its end ends it.
    fn end_line(&mut self, from: usize) {
        flatten(self.out.get_mut(from..).unwrap_or_default());
        self.out.extend_from_slice(b"\r\n");
    }

    /// The Via line that holds the hop that the request came from, with what we know of that hop.
    fn top_via(&mut self, line: &[u8], from: SocketAddr) {
        let top = text::items(line).next().unwrap_or_default();
        let Some(via) = super::fields::Via::read(top) else {
            self.copy("Via", line);
            return;
        };
        let wants_port = via.rport().is_some();
        let ip = from.ip().to_canonical();
        if !wants_port && uri::host_address(via.host) == Some(ip) {
            self.copy("Via", line);
            return;
        }
        let all = text::trim(line);
        let hop = top
            .iter()
            .position(|&c| c == b';')
            .map_or(top, |end| top.get(..end).unwrap_or(top));
        let start = self.out.len();
        self.out.extend_from_slice(b"Via: ");
        self.out.extend_from_slice(text::trim(hop));
        self.hop_params(via.params, wants_port.then_some(from.port()));
        self.print(format_args!(";received={ip}"));
        self.out
            .extend_from_slice(all.get(top.len()..).unwrap_or_default());
        self.end_line(start);
    }

    /// The parameters of a hop, but for what its sender cannot know.
    fn hop_params(&mut self, params: Params<'_>, rport: Option<u16>) {
        for param in params.raw() {
            let is = |name: &str| param.name.eq_ignore_ascii_case(name.as_bytes());
            if is("received") {
                continue;
            }
            match rport {
                Some(port) if is("rport") => {
                    self.print(format_args!(";rport={port}"));
                }
                _ => self.out.extend_from_slice(param.text),
            }
        }
    }
}

/// Writes a whole response to a request, without a body and without headers of its own:
/// [`Writer::reply`], finished.
#[expect(
    clippy::too_many_arguments,
    reason = "the answer in a line, for callers that say nothing more"
)]
pub fn reply(
    out: &mut Vec<u8>,
    request: &Message<'_>,
    code: u16,
    reason: &str,
    to_tag: &str,
    received: SocketAddr,
) {
    Writer::reply(out, request, (code, reason), to_tag, received).finish(b"");
}

fn print(out: &mut Vec<u8>, what: fmt::Arguments<'_>) {
    // The sink takes everything; what a caller's Display refuses to write is missing.
    let _complete = Sink(out).write_fmt(what).is_ok();
}

struct Sink<'b>(&'b mut Vec<u8>);

impl fmt::Write for Sink<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Makes spaces of what could end a line.
fn flatten(mut line: &mut [u8]) {
    while let Some(at) = memchr3(b'\r', b'\n', 0, line) {
        let (_, rest) = line.split_at_mut(at);
        let Some((bad, rest)) = rest.split_first_mut() else {
            return;
        };
        *bad = b' ';
        line = rest;
    }
}

/// Percent-escapes what would end a part of a start line.
fn escape(out: &mut Vec<u8>, from: usize) {
    let is_bad = |&c: &u8| c <= b' ' || c == 0x7f;
    if !out.get(from..).unwrap_or_default().iter().any(is_bad) {
        return;
    }
    for byte in out.split_off(from) {
        if is_bad(&byte) {
            print(out, format_args!("%{byte:02X}"));
        } else {
            out.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = b"before|".to_vec();
        write(&mut out);
        let text = String::from_utf8(out).unwrap();
        text.strip_prefix("before|").unwrap().to_owned()
    }

    #[test]
    fn a_message_is_appended_as_it_is_asked_for() {
        let request = text(|out| {
            let mut writer = Writer::request(out, "REGISTER", "sip:h");
            writer
                .header("Max-Forwards", format_args!("{}", 70))
                .copy("X", b" a\r\n b ");
            writer.finish(b"body");
        });
        assert_eq!(
            request,
            "REGISTER sip:h SIP/2.0\r\nMax-Forwards: 70\r\nX: a   b\r\nContent-Length: 4\r\n\r\nbody"
        );
        let response = text(|out| Writer::response(out, 200, "OK").finish(b""));
        assert_eq!(response, "SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn no_value_can_add_a_line() {
        let evil = "a\r\nEvil: 1\n\0b";
        let written = text(|out| {
            let mut writer = Writer::request(out, evil, &format!("sip:{evil}"));
            writer
                .header(evil, format_args!("{evil}"))
                .copy("Y", evil.as_bytes());
            writer.finish(b"");
        });
        assert_eq!(written.matches(['\r', '\n']).count(), 10, "{written:?}");
        assert!(
            written.starts_with("a%0D%0AEvil:%201%0A%00b sip:a%0D%0AEvil:%201%0A%00b SIP/2.0\r\n")
        );
        assert!(written.contains("\r\na  Evil: 1  b: a  Evil: 1  b\r\n"));
        let status = text(|out| Writer::response(out, 200, evil).finish(b""));
        assert!(status.starts_with("SIP/2.0 200 a  Evil: 1  b\r\n"));
    }

    fn replied(via: &str, to: &str, code: u16, from: &str) -> String {
        let request = format!(
            "OPTIONS sip:h SIP/2.0\r\nv: {via}\r\nVia: SIP/2.0/TCP last\r\nf: <sip:a@b>;tag=1\r\n\
             To: {to}\r\nTimestamp: 5\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n"
        );
        let message = Message::parse(request.as_bytes()).unwrap();
        text(|out| reply(out, &message, code, "R", "ours", from.parse().unwrap()))
    }

    #[test]
    fn a_reply_carries_what_rfc_3261_asks_for() {
        assert_eq!(
            replied(
                "SIP/2.0/UDP 192.0.2.1;branch=z",
                "<sip:c@d>",
                200,
                "192.0.2.1:9"
            ),
            "SIP/2.0 200 R\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z\r\nVia: SIP/2.0/TCP last\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=ours\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\n\
             Content-Length: 0\r\n\r\n"
        );
        let tagged = replied("SIP/2.0/UDP h", "<sip:c@d> ; Tag=x", 200, "192.0.2.1:9");
        assert!(tagged.contains("To: <sip:c@d> ; Tag=x\r\n"));
        let trying = replied("SIP/2.0/UDP h", "sip:c@d", 100, "192.0.2.1:9");
        assert!(trying.contains("Timestamp: 5\r\n"));
    }

    #[test]
    fn the_top_via_of_a_reply_says_where_the_request_came_from() {
        let via = |via: &str, from: &str| {
            let reply = replied(via, "<sip:c@d>", 200, from);
            reply.lines().nth(1).unwrap().to_owned()
        };
        assert_eq!(
            via(
                "SIP/2.0/UDP h:5 ;branch=z;rport, SIP/2.0/UDP i;rport",
                "192.0.2.1:9"
            ),
            "Via: SIP/2.0/UDP h:5;branch=z;rport=9;received=192.0.2.1, SIP/2.0/UDP i;rport"
        );
        assert_eq!(
            via(
                "SIP/2.0/UDP 192.0.2.1;rport=1;received=6.6.6.6",
                "192.0.2.1:9"
            ),
            "Via: SIP/2.0/UDP 192.0.2.1;rport=9;received=192.0.2.1"
        );
        assert_eq!(
            via("SIP/2.0/UDP 192.0.2.7;x=\"a;b\"", "[::ffff:192.0.2.1]:9"),
            "Via: SIP/2.0/UDP 192.0.2.7;x=\"a;b\";received=192.0.2.1"
        );
        assert_eq!(
            via("SIP/2.0/UDP [2001:db8::1]", "[2001:db8:0::1]:9"),
            "Via: SIP/2.0/UDP [2001:db8::1]"
        );
        assert_eq!(
            via("SIP/2.0/UDP [2001:db8::1]", "[2001:db8::2]:9"),
            "Via: SIP/2.0/UDP [2001:db8::1];received=2001:db8::2"
        );
        assert_eq!(via("nonsense", "192.0.2.1:9"), "Via: nonsense");
    }
}
