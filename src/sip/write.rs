//! Writes messages into a caller's buffer (RFC 3261 §7).
//!
//! Its invariant: whatever the values hold, no header is written but those asked for: line ends in a value become
//! spaces.

use std::fmt;
use std::net::SocketAddr;

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
    /// Starts a request (RFC 3261 §7.1). White space and control characters in the URI are percent-escaped.
    pub fn request(out: &'b mut Vec<u8>, method: &str, uri: fmt::Arguments<'_>) -> Self {
        print(&mut Escaped(out), format_args!("{method}"));
        out.push(b' ');
        print(&mut Escaped(out), uri);
        out.extend_from_slice(b" SIP/2.0\r\n");
        Self { out }
    }

    /// Starts a response (RFC 3261 §7.2).
    pub fn response(out: &'b mut Vec<u8>, code: u16, reason: &str) -> Self {
        print(&mut Flat(out), format_args!("SIP/2.0 {code:03} {reason}"));
        out.extend_from_slice(b"\r\n");
        Self { out }
    }

    /// Starts a response to a request, by RFC 3261 §8.2.6: Via, From, To, Call-ID and CSeq are those of the
    /// request.
    ///
    /// `to_tag` is added to a To without a tag; none is when it is empty, as for a 100. `received` is where the
    /// request came from: the topmost Via says so (RFC 3261 §18.2.1, RFC 3581 §4).
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
                writer.open("To");
                writer.flat(text::trim(value));
                writer.close(format_args!(";tag={to_tag}"));
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
        self.open(name);
        self.close(value);
        self
    }

    /// Writes a header with a value as received; a fold becomes spaces.
    pub fn copy(&mut self, name: &str, value: &[u8]) -> &mut Self {
        self.open(name);
        self.flat(text::trim(value));
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Writes Content-Length, the empty line and the body.
    pub fn finish(self, body: &[u8]) {
        let length = body.len();
        print(
            &mut Flat(self.out),
            format_args!("Content-Length: {length}"),
        );
        self.out.extend_from_slice(b"\r\n\r\n");
        self.out.extend_from_slice(body);
    }

    fn open(&mut self, name: &str) {
        print(&mut Flat(self.out), format_args!("{name}"));
        self.out.extend_from_slice(b": ");
    }

    fn close(&mut self, value: fmt::Arguments<'_>) {
        print(&mut Flat(self.out), value);
        self.out.extend_from_slice(b"\r\n");
    }

    fn flat(&mut self, bytes: &[u8]) {
        let spaced = |&c: &u8| if matches!(c, b'\r' | b'\n') { b' ' } else { c };
        self.out.extend(bytes.iter().map(spaced));
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
        self.open("Via");
        self.flat(text::trim(hop));
        self.hop_params(via.params, wants_port.then_some(from.port()));
        print(&mut Flat(self.out), format_args!(";received={ip}"));
        self.flat(all.get(top.len()..).unwrap_or_default());
        self.out.extend_from_slice(b"\r\n");
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
                    print(&mut Flat(self.out), format_args!(";rport={port}"));
                }
                _ => self.flat(param.text),
            }
        }
    }
}

/// Writes a whole response to a request, without a body and without headers of its own: [`Writer::reply`],
/// finished.
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

/// Our sinks take everything; what a caller's Display refuses to write is missing.
fn print(sink: &mut impl fmt::Write, what: fmt::Arguments<'_>) {
    let _complete = sink.write_fmt(what).is_ok();
}

/// A sink that keeps a value on its line.
struct Flat<'b>(&'b mut Vec<u8>);

impl fmt::Write for Flat<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let breaks = |c: u8| matches!(c, b'\r' | b'\n' | 0);
        if text.bytes().any(breaks) {
            let spaced = |c: u8| if breaks(c) { b' ' } else { c };
            self.0.extend(text.bytes().map(spaced));
        } else {
            self.0.extend_from_slice(text.as_bytes());
        }
        Ok(())
    }
}

/// A sink that keeps a part of a start line in one piece.
struct Escaped<'b>(&'b mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|c| c <= b' ' || c == 0x7f) {
            let (good, bad) = rest.split_at(at);
            self.0.extend_from_slice(good.as_bytes());
            let Some(byte) = bad.bytes().next() else {
                break;
            };
            self.0.push(b'%');
            for digit in [byte >> 4, byte & 15] {
                let digit = char::from_digit(u32::from(digit), 16).unwrap_or('0');
                self.0.push(digit.to_ascii_uppercase() as u8);
            }
            rest = bad.get(1..).unwrap_or_default();
        }
        self.0.extend_from_slice(rest.as_bytes());
        Ok(())
    }
}
