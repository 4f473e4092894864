//! Cuts a stream into messages by Content-Length, and finds the keep-alives between them
//! (RFC 3261 §18.3, RFC 5626 §3.5.1).
//!
//! It does not read messages. Its invariants: the frames do not depend on how the stream was cut
//! into chunks, and it never holds more than its limit.

use super::error::ParseError;
use super::lines::{ContentLength, Lines};
use super::message::MAX_MESSAGE;
use super::name::Name;
use super::text::{self, TOKEN};

/// What a stream holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Frame<'f> {
    /// The second of two CRLFs: the peer asks for a pong, a CRLF (RFC 5626 §3.5.1).
    Ping,
    /// A CRLF: the answer to our ping. Since nobody can know whether another one follows, the first
    /// half of a ping is shown as a pong too.
    Pong,
    /// A whole message, for [`super::message::Message::parse`].
    Message(&'f [u8]),
}

/// Why a stream cannot be read further: the connection must be closed. It is always the peer's
/// fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// What comes is no SIP.
    #[error("not a message")]
    Garbage,
    /// A head, or a head with its body, above the limit.
    #[error("message above {0} bytes")]
    TooLong(usize),
    /// No Content-Length, without which a stream cannot be cut (RFC 3261 §18.3).
    #[error("no Content-Length")]
    NoContentLength,
    /// Content-Length is no number, or two of them differ (RFC 3261 §20.14).
    #[error("bad Content-Length")]
    ContentLength,
}

/// Cuts one direction of one connection.
#[derive(Debug)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Bytes at the front of the buffer that were handed out.
    taken: usize,
    /// Bytes after `taken` in which the end of a head was already looked for.
    searched: usize,
    /// How long the message after `taken` is, once its head is there.
    whole: Option<usize>,
    /// Whether the last thing before `taken` was one CRLF.
    half_ping: bool,
    limit: usize,
    broken: bool,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// With the limit of [`MAX_MESSAGE`].
    pub const fn new() -> Self {
        Self::with_limit(MAX_MESSAGE)
    }

    /// With a limit for a message, in bytes.
    pub const fn with_limit(limit: usize) -> Self {
        Self {
            buffer: Vec::new(),
            taken: 0,
            searched: 0,
            whole: None,
            half_ping: false,
            // A keep-alive must fit.
            limit: if limit < 4 { 4 } else { limit },
            broken: false,
        }
    }

    /// Takes bytes of the stream and says how many; the rest is to be fed again after
    /// [`Self::next`] has said `None`. At least one is taken then. After an error everything is
    /// taken and thrown away.
    #[must_use = "what was not taken must be fed again"]
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        if self.broken {
            return bytes.len();
        }
        self.compact();
        let room = self.limit.saturating_sub(self.buffer.len());
        let some = bytes.get(..room).unwrap_or(bytes);
        self.grow(some.len());
        self.buffer.extend_from_slice(some);
        some.len()
    }

    /// The next frame, `None` when more bytes are needed. An error comes once and is the end.
    #[expect(
        clippy::should_implement_trait,
        reason = "a frame borrows the buffer, which no Iterator can"
    )]
    pub fn next(&mut self) -> Option<Result<Frame<'_>, FrameError>> {
        let (from, to) = match self.advance() {
            Ok(Advance::Nothing) => return None,
            Ok(Advance::Ping) => return Some(Ok(Frame::Ping)),
            Ok(Advance::Pong) => return Some(Ok(Frame::Pong)),
            Ok(Advance::Message(from, to)) => (from, to),
            Err(error) => {
                self.broken = true;
                self.buffer = Vec::new();
                self.taken = 0;
                return Some(Err(error));
            }
        };
        Some(Ok(Frame::Message(
            self.buffer.get(from..to).unwrap_or_default(),
        )))
    }

    /// Bytes held in memory.
    pub fn held(&self) -> usize {
        self.buffer.capacity()
    }

    fn advance(&mut self) -> Result<Advance, FrameError> {
        while let Some(b'\n') = self.buffer.get(self.taken) {
            self.take(1);
        }
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        match rest {
            [] | [b'\r'] => return Ok(Advance::Nothing),
            [b'\r', b'\n', ..] => {
                self.take(2);
                self.half_ping = !self.half_ping;
                return Ok(if self.half_ping {
                    Advance::Pong
                } else {
                    Advance::Ping
                });
            }
            [first, ..] if !text::is(*first, TOKEN) => return Err(FrameError::Garbage),
            _ => {}
        }
        let Some(whole) = self.whole_length(rest)? else {
            self.searched = rest.len();
            return Ok(Advance::Nothing);
        };
        if rest.len() < whole {
            self.whole = Some(whole);
            return Ok(Advance::Nothing);
        }
        let from = self.taken;
        self.take(whole);
        self.half_ping = false;
        Ok(Advance::Message(from, self.taken))
    }

    fn take(&mut self, length: usize) {
        self.taken = self.taken.saturating_add(length);
        self.searched = 0;
        self.whole = None;
    }

    /// How long the message is; `None` while its head is not whole.
    fn whole_length(&self, rest: &[u8]) -> Result<Option<usize>, FrameError> {
        if self.whole.is_some() {
            return Ok(self.whole);
        }
        let too_long = FrameError::TooLong(self.limit);
        let Some(head) = self.head_length(rest) else {
            return if rest.len() < self.limit {
                Ok(None)
            } else {
                Err(too_long)
            };
        };
        let body = body_length(rest.get(..head).unwrap_or_default())?;
        let whole = head.checked_add(body).filter(|&whole| whole <= self.limit);
        whole.map(Some).ok_or(too_long)
    }

    /// How long the head is, its empty line included, as [`Lines`] sees it.
    fn head_length(&self, rest: &[u8]) -> Option<usize> {
        // The end may lie across what was searched: an empty line is at most LF CR LF.
        let mut at = self.searched.saturating_sub(2);
        loop {
            let lf = at.checked_add(memchr::memchr(b'\n', rest.get(at..)?)?)?;
            at = lf.checked_add(1)?;
            match rest.get(at..)? {
                [b'\n', ..] => return at.checked_add(1),
                [b'\r', b'\n', ..] => return at.checked_add(2),
                _ => {}
            }
        }
    }

    /// Makes room, by doubling but never above the limit.
    fn grow(&mut self, by: usize) {
        let needed = self.buffer.len().saturating_add(by);
        if needed > self.buffer.capacity() {
            let doubled = self.buffer.capacity().saturating_mul(2).min(self.limit);
            let more = doubled.max(needed).saturating_sub(self.buffer.len());
            self.buffer.reserve_exact(more);
        }
    }

    /// Gives back what was handed out.
    fn compact(&mut self) {
        if self.taken == self.buffer.len() && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        } else {
            self.buffer.drain(..self.taken);
        }
        self.taken = 0;
    }
}

enum Advance {
    Nothing,
    Ping,
    Pong,
    Message(usize, usize),
}

/// What the head says about the body. Lines that are no headers are left to whoever reads the
/// message.
fn body_length(head: &[u8]) -> Result<usize, FrameError> {
    let mut lines = Lines::new(head);
    let mut length = ContentLength::default();
    if lines.start().is_err() {
        return Err(FrameError::Garbage);
    }
    loop {
        match lines.header() {
            Ok(Some(entry)) if entry.name == Name::ContentLength => {
                length
                    .add(entry.value(head))
                    .map_err(|_| FrameError::ContentLength)?
            }
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(ParseError::HeaderLine) => {}
            Err(_) => return Err(FrameError::Garbage),
        }
    }
    length.get().ok_or(FrameError::NoContentLength)
}

/// An empty buffer of up to this many bytes is kept.
const KEPT: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Eq, Debug)]
    enum Seen {
        Ping,
        Pong,
        Message(String),
        Error(FrameError),
    }

    fn frames(stream: &[u8], chunk: usize, limit: usize) -> Vec<Seen> {
        let mut framer = Framer::with_limit(limit);
        let mut seen = Vec::new();
        for chunk in stream.chunks(chunk) {
            let mut rest = chunk;
            while !rest.is_empty() {
                let taken = framer.feed(rest);
                assert!(taken > 0, "no progress");
                rest = &rest[taken..];
                while let Some(frame) = framer.next() {
                    seen.push(match frame {
                        Ok(Frame::Ping) => Seen::Ping,
                        Ok(Frame::Pong) => Seen::Pong,
                        Ok(Frame::Message(m)) => {
                            Seen::Message(String::from_utf8_lossy(m).into_owned())
                        }
                        Err(error) => Seen::Error(error),
                    });
                }
                assert!(framer.held() <= limit);
            }
        }
        seen
    }

    /// The frames of a stream, the same for every chunking.
    fn all(stream: &[u8], limit: usize) -> Vec<Seen> {
        let whole = frames(stream, stream.len(), limit);
        for chunk in 1..stream.len() {
            assert_eq!(frames(stream, chunk, limit), whole, "chunks of {chunk}");
        }
        whole
    }

    fn message(text: &str) -> Seen {
        Seen::Message(text.to_owned())
    }

    #[test]
    fn messages_and_keep_alives_are_found_in_any_chunking() {
        let one = "A sip:b SIP/2.0\r\nl : 4\r\n\r\nbody";
        let two = "SIP/2.0 200 OK\r\nContent-Length:\r\n 0\r\n\r\n";
        let lf = "SIP/2.0 200 OK\nno header\nContent-Length: 0\n\n";
        let stream = format!("\r\n{one}\r\n\r\n{two}{lf}\n\r\n\r\n\r\n{two}\r\n");
        assert_eq!(
            all(stream.as_bytes(), MAX_MESSAGE),
            [
                Seen::Pong,
                message(one),
                Seen::Pong,
                Seen::Ping,
                message(two),
                message(lf),
                Seen::Pong,
                Seen::Ping,
                Seen::Pong,
                message(two),
                Seen::Pong,
            ]
        );
    }

    #[test]
    fn what_cannot_be_cut_ends_the_stream() {
        let end = |stream: &str| match all(stream.as_bytes(), 200).as_slice() {
            [Seen::Error(error)] => *error,
            other => panic!("{other:?}"),
        };
        let head = "A sip:b SIP/2.0\r\n";
        assert_eq!(
            end(&format!("{head}Via: x\r\n\r\n")),
            FrameError::NoContentLength
        );
        for bad in ["-1", "x", "", "1, 1", "99999999999999999999", "1\r\nl: 2"] {
            assert_eq!(
                end(&format!("{head}l: {bad}\r\n\r\n")),
                FrameError::ContentLength,
                "{bad}"
            );
        }
        for long in ["18446744073709551610", "18446744073709551615", "200"] {
            assert_eq!(
                end(&format!("{head}l: {long}\r\n\r\n")),
                FrameError::TooLong(200)
            );
        }
        assert_eq!(end(&"a".repeat(1_000)), FrameError::TooLong(200));
        assert_eq!(end("\u{16}\u{3}\u{1} hello"), FrameError::Garbage);
        assert_eq!(end("\rx"), FrameError::Garbage);
        assert_eq!(
            end(&format!("{head}a: b\rc: d\r\nl: 0\r\n\r\n")),
            FrameError::Garbage
        );
    }

    #[test]
    fn a_message_of_exactly_the_limit_passes_and_memory_is_given_back() {
        let body = "x".repeat(20_000);
        let text = format!("A sip:b SIP/2.0\r\nl: 20000\r\n\r\n{body}");
        let mut framer = Framer::with_limit(text.len());
        for chunk in [&text, &text] {
            assert_eq!(framer.feed(chunk.as_bytes()), text.len());
            assert_eq!(framer.next(), Some(Ok(Frame::Message(text.as_bytes()))));
            assert_eq!(framer.next(), None);
        }
        assert_eq!(framer.feed(b""), 0);
        assert_eq!(framer.held(), 0);
        let mut small = Framer::with_limit(text.len() - 1);
        assert_eq!(small.feed(text.as_bytes()), text.len() - 1);
        let error = FrameError::TooLong(text.len() - 1);
        assert_eq!(small.next(), Some(Err(error)));
        assert_eq!(small.next(), None);
        assert_eq!(small.feed(b"anything"), 8);
        assert_eq!(small.held(), 0);
    }
}
