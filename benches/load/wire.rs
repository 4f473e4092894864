//! What the responder reads of a REGISTER and what it writes back.
//!
//! It knows just enough of SIP for one question and two answers: it finds the header lines that an
//! answer copies and never looks inside them, except for `rport` in Via and `expires` in Contact.
//! Folding, several Via lines and bodies are not read; a client that sends them is counted as
//! malformed by the caller. Nothing here allocates once the buffers have grown.

use std::io::Write as _;

/// The lines of one REGISTER that an answer or the tally needs, as they stood on the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Register<'a> {
    /// Request-URI of the first line.
    pub(crate) uri: &'a [u8],
    /// Value of the only Via line.
    pub(crate) via: &'a [u8],
    /// Value of From.
    pub(crate) from: &'a [u8],
    /// Value of To, without a tag.
    pub(crate) to: &'a [u8],
    /// Value of Call-ID.
    pub(crate) call_id: &'a [u8],
    /// Value of CSeq.
    pub(crate) cseq: &'a [u8],
    /// Value of the only Contact line.
    pub(crate) contact: &'a [u8],
    /// Value of Authorization, when there is one.
    pub(crate) authorization: Option<&'a [u8]>,
}

impl<'a> Register<'a> {
    /// Reads a datagram; `None` when it is no REGISTER with everything that an answer needs.
    pub(crate) fn read(datagram: &'a [u8]) -> Option<Self> {
        Self::read_as(b"REGISTER ", datagram)
    }

    /// The same of a request whose first line begins like this.
    pub(crate) fn read_as(method: &[u8], datagram: &'a [u8]) -> Option<Self> {
        let mut lines = Lines(datagram);
        let uri = lines
            .next()?
            .strip_prefix(method)?
            .strip_suffix(b" SIP/2.0")?;
        let mut register = Self {
            uri,
            ..Self::default()
        };
        for line in lines.take_while(|line| !line.is_empty()) {
            let colon = memchr::memchr(b':', line)?;
            let (name, value) = (
                line[..colon].trim_ascii_end(),
                line[colon + 1..].trim_ascii(),
            );
            match name.len() {
                1 | 2 | 3 | 4 | 7 | 13 => register.keep(name, value)?,
                _ if is(name, "Call-ID") => register.call_id = value,
                _ => {}
            }
        }
        let complete = [
            register.via,
            register.from,
            register.to,
            register.call_id,
            register.cseq,
        ];
        (complete.iter().all(|value| !value.is_empty())).then_some(register)
    }

    /// Keeps one header value if it is of use; `None` for a second Via or Contact.
    fn keep(&mut self, name: &[u8], value: &'a [u8]) -> Option<()> {
        let once = |slot: &mut &'a [u8]| {
            let first = slot.is_empty();
            *slot = value;
            first.then_some(())
        };
        if is(name, "Via") || is(name, "v") {
            once(&mut self.via)?;
        } else if is(name, "Contact") || is(name, "m") {
            once(&mut self.contact)?;
        } else if is(name, "From") || is(name, "f") {
            self.from = value;
        } else if is(name, "To") || is(name, "t") {
            self.to = value;
        } else if is(name, "Call-ID") || is(name, "i") {
            self.call_id = value;
        } else if is(name, "CSeq") {
            self.cseq = value;
        } else if is(name, "Authorization") {
            self.authorization = Some(value);
        }
        Some(())
    }

    /// The branch parameter of Via, by which a new request differs from one sent again.
    pub(crate) fn branch(&self) -> &'a [u8] {
        parameter(self.via, b";branch=").unwrap_or_default()
    }

    /// True for a REGISTER that takes its binding away.
    pub(crate) fn is_removal(&self) -> bool {
        parameter(self.contact, b";expires=") == Some(b"0")
    }
}

/// What differs between the answers of one run and those of another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    /// Granted expiry in seconds; `None` grants what was asked.
    pub(crate) grant: Option<u32>,
    /// Where the request came from, for `rport`.
    pub(crate) port: u16,
    /// Makes tags and nonces differ.
    pub(crate) serial: u64,
}

/// Writes the 401 that asks for MD5 credentials, with a nonce of the usual length.
pub(crate) fn challenge(out: &mut Vec<u8>, register: &Register<'_>, terms: Terms, stale: bool) {
    head(out, b"SIP/2.0 401 Unauthorized\r\n", register, terms);
    out.extend_from_slice(b"WWW-Authenticate: Digest realm=\"");
    out.extend_from_slice(REALM.as_bytes());
    out.extend_from_slice(b"\", nonce=\"");
    out.extend_from_slice(NONCE_HEAD.as_bytes());
    hex(out, terms.serial);
    out.extend_from_slice(b"\", algorithm=MD5, qop=\"auth\"");
    if stale {
        out.extend_from_slice(b", stale=true");
    }
    out.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
}

/// Writes the 200 that grants the binding.
pub(crate) fn grant(out: &mut Vec<u8>, register: &Register<'_>, terms: Terms) {
    head(out, b"SIP/2.0 200 OK\r\n", register, terms);
    out.extend_from_slice(b"Contact: ");
    contact(out, register.contact, terms.grant);
    out.extend_from_slice(b"\r\nContent-Length: 0\r\n\r\n");
}

/// Writes the 200 that a probe is answered with.
pub(crate) fn alive(out: &mut Vec<u8>, probe: &Register<'_>, terms: Terms) {
    head(out, b"SIP/2.0 200 OK\r\n", probe, terms);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// Writes the 403 that a wrong digest earns.
pub(crate) fn refuse(out: &mut Vec<u8>, register: &Register<'_>, terms: Terms) {
    head(out, b"SIP/2.0 403 Forbidden\r\n", register, terms);
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
}

/// The part that all answers share.
fn head(out: &mut Vec<u8>, status: &[u8], register: &Register<'_>, terms: Terms) {
    out.clear();
    out.extend_from_slice(status);
    out.extend_from_slice(b"Via: ");
    via(out, register.via, terms.port);
    for (name, value) in [
        (&b"\r\nFrom: "[..], register.from),
        (b"\r\nTo: ", register.to),
        (b";tag=r", &[]),
    ] {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
    }
    hex(out, terms.serial);
    for (name, value) in [
        (&b"\r\nCall-ID: "[..], register.call_id),
        (b"\r\nCSeq: ", register.cseq),
    ] {
        out.extend_from_slice(name);
        out.extend_from_slice(value);
    }
    out.extend_from_slice(b"\r\nServer: load bench\r\n");
}

/// Copies Via; a bare `rport` gets its value and `received` beside it (RFC 3581 §4).
fn via(out: &mut Vec<u8>, value: &[u8], port: u16) {
    let end = memchr::memmem::find(value, b";rport").map(|at| at + b";rport".len());
    match end.filter(|&end| value.get(end) != Some(&b'=')) {
        Some(end) => {
            out.extend_from_slice(&value[..end]);
            number(out, b"=", port.into());
            out.extend_from_slice(b";received=127.0.0.1");
            out.extend_from_slice(&value[end..]);
        }
        None => out.extend_from_slice(value),
    }
}

/// Copies Contact; the granted expiry replaces the asked one.
fn contact(out: &mut Vec<u8>, value: &[u8], grant: Option<u32>) {
    const EXPIRES: &[u8] = b";expires=";
    let start = memchr::memmem::find(value, EXPIRES);
    match (grant, start) {
        (Some(grant), Some(start)) => {
            let after = &value[start + EXPIRES.len()..];
            let digits = after
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            out.extend_from_slice(&value[..start]);
            number(out, EXPIRES, grant);
            out.extend_from_slice(&after[digits..]);
        }
        (None, Some(_)) => out.extend_from_slice(value),
        (_, None) => {
            out.extend_from_slice(value);
            number(out, EXPIRES, grant.unwrap_or(3600));
        }
    }
}

/// The value that follows `name`, up to the next delimiter.
fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let start = memchr::memmem::find(value, name)? + name.len();
    let rest = &value[start..];
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'));
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// Appends a prefix and a decimal number.
fn number(out: &mut Vec<u8>, prefix: &[u8], value: u32) {
    out.extend_from_slice(prefix);
    write!(out, "{value}").expect("writing to a vector does not fail");
}

/// Appends sixteen hexadecimal digits.
fn hex(out: &mut Vec<u8>, value: u64) {
    let digit = |shift: u32| b"0123456789abcdef"[(value >> shift) as usize & 15];
    out.extend((0..16).rev().map(|place| digit(place * 4)));
}

/// Header names are compared without regard to case (RFC 3261 §7.3.1).
fn is(name: &[u8], wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted.as_bytes())
}

/// Splits at line feeds and drops the carriage return before each.
struct Lines<'a>(&'a [u8]);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let end = memchr::memchr(b'\n', self.0)?;
        let line = &self.0[..end];
        self.0 = &self.0[end + 1..];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }
}

/// The realm of every challenge.
pub(crate) const REALM: &str = "load.example";

/// First half of every nonce; the second half is the serial number of the answer.
pub(crate) const NONCE_HEAD: &str = "5f1d0c6a9be27384";
