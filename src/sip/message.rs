//! Messages: an index over a received datagram, read on demand (RFC 3261 §7).
//!
//! [`Message::parse`] finds the lines; what a header means is read when it is asked for, so one bad
//! header spoils nothing but itself. Nothing is copied unless a fold, an escape or bytes outside
//! UTF-8 force it. Its invariant: what it hands out borrowed lies inside the datagram.

use std::borrow::Cow;
use std::fmt;

use super::address::NameAddr;
use super::date;
use super::error::ParseError;
use super::fields::{CSeq, Contacts, RetryAfter, Via};
use super::lines::{ContentLength, Entry, Lines};
use super::name::Name;
use super::start::StartLine;
use super::text;
use super::uri::Uri;

/// No message may be longer, in bytes.
pub const MAX_MESSAGE: usize = 65_536;

/// No message may have more header lines.
pub const MAX_HEADERS: usize = 256;

/// A header line.
#[derive(Clone, Copy)]
pub struct Header<'a> {
    /// What header it is.
    pub name: Name,
    /// The name as written.
    pub text: &'a str,
    /// The value as received, folds and white space included.
    pub raw: &'a [u8],
}

impl<'a> Header<'a> {
    /// The value: trimmed, unfolded, bytes outside UTF-8 replaced.
    pub fn value(&self) -> Cow<'a, str> {
        text::unfold(self.raw)
    }
}

impl fmt::Debug for Header<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.text, self.value())
    }
}

/// A received message.
pub struct Message<'a> {
    bytes: &'a [u8],
    start: StartLine<'a>,
    index: Vec<Entry>,
    body: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads a datagram, or one message that [`super::framing::Framer`] has cut out of a stream.
    ///
    /// Line ends in front are skipped. The body is as long as Content-Length says, or all the rest
    /// when it says nothing (RFC 3261 §18.3).
    pub fn parse(datagram: &'a [u8]) -> Result<Self, ParseError> {
        if datagram.len() > MAX_MESSAGE {
            return Err(ParseError::TooLong);
        }
        let mut lines = Lines::new(datagram);
        if lines.at() == datagram.len() {
            return Err(ParseError::Empty);
        }
        let start = StartLine::read(lines.start()?)?;
        let mut index = Vec::with_capacity(16);
        let mut length = ContentLength::default();
        while let Some(entry) = lines.header()? {
            if index.len() == MAX_HEADERS {
                return Err(ParseError::TooManyHeaders);
            }
            if entry.name == Name::ContentLength {
                length.add(entry.value(datagram))?;
            }
            index.push(entry);
        }
        let rest = datagram.get(lines.at()..).unwrap_or_default();
        let body = match length.get() {
            Some(length) => rest.get(..length).ok_or(ParseError::BodyCut)?,
            None => rest,
        };
        Ok(Self {
            bytes: datagram,
            start,
            index,
            body,
        })
    }

    /// The first line.
    pub fn start(&self) -> StartLine<'a> {
        self.start
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The status code of a response.
    pub fn code(&self) -> Option<u16> {
        match self.start {
            StartLine::Status { code, .. } => Some(code),
            StartLine::Request { .. } => None,
        }
    }

    /// The reason phrase of a response, bytes outside UTF-8 replaced.
    pub fn reason(&self) -> Option<Cow<'a, str>> {
        match self.start {
            StartLine::Status { reason, .. } => Some(text::unfold(reason)),
            StartLine::Request { .. } => None,
        }
    }

    /// The method of a request.
    pub fn method(&self) -> Option<&'a str> {
        match self.start {
            StartLine::Request { method, .. } => Some(method),
            StartLine::Status { .. } => None,
        }
    }

    /// The URI of a request. One with headers is refused (RFC 3261 §19.1.1, table 1); so is that of
    /// a response.
    pub fn request_uri(&self) -> Result<Uri<'a>, ParseError> {
        let StartLine::Request { uri, .. } = self.start else {
            return Err(ParseError::Uri);
        };
        Uri::parse(uri).and_then(|uri| match uri.headers {
            Some(_) => Err(ParseError::Uri),
            None => Ok(uri),
        })
    }

    /// The body; empty when there is none.
    pub fn body(&self) -> &'a [u8] {
        self.body
    }

    /// All header lines, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'a>> + '_ {
        let bytes = self.bytes;
        self.index.iter().map(move |entry| Header {
            name: entry.name,
            // A token is ASCII.
            text: text::utf8(entry.name_text(bytes)).unwrap_or_default(),
            raw: entry.value(bytes),
        })
    }

    /// The values of the lines of a header as received, in order.
    pub fn raw(&self, name: Name) -> impl Iterator<Item = &'a [u8]> + '_ {
        let bytes = self.bytes;
        let lines = self.index.iter().filter(move |entry| entry.name == name);
        lines.map(move |entry| entry.value(bytes))
    }

    /// The value of the first line of a header: trimmed, unfolded, bytes outside UTF-8 replaced.
    pub fn value(&self, name: Name) -> Option<Cow<'a, str>> {
        self.raw(name).next().map(text::unfold)
    }

    /// The values of all lines of a header, in order, each as [`Self::value`].
    pub fn values(&self, name: Name) -> impl Iterator<Item = Cow<'a, str>> + '_ {
        self.raw(name).map(text::unfold)
    }

    /// The items of a comma list, those of all lines in order (RFC 3261 §7.3.1). Commas in quoted
    /// strings and in `<…>` do not separate; empty items are left out.
    pub fn list(&self, name: Name) -> Vec<Cow<'a, str>> {
        self.raw(name)
            .flat_map(text::items)
            .filter(|item| !item.is_empty())
            .map(text::unfold)
            .collect()
    }

    /// The topmost Via (RFC 3261 §20.42).
    pub fn via(&self) -> Result<Via<'a>, ParseError> {
        let line = self.raw(Name::Via).next();
        let top = line.and_then(|line| text::items(line).next());
        let top = top.ok_or(ParseError::Missing(Name::Via))?;
        Via::read(top).ok_or(ParseError::Malformed(Name::Via))
    }

    /// How many hops the Via lines list. A response for us has one (RFC 3261 §8.1.3.3).
    pub fn via_count(&self) -> usize {
        self.raw(Name::Via).flat_map(text::items).count()
    }

    /// The CSeq (RFC 3261 §20.16).
    pub fn cseq(&self) -> Result<CSeq<'a>, ParseError> {
        let value = self.single(Name::CSeq)?;
        CSeq::read(value).ok_or(ParseError::Malformed(Name::CSeq))
    }

    /// The Call-ID; `None` when there is none or more than one, when it holds white space or
    /// control characters, or when it is not UTF-8 (RFC 3261 §20.8).
    pub fn call_id(&self) -> Option<&'a str> {
        let value = text::trim(self.single(Name::CallId).ok()?);
        let good = !value.is_empty() && !value.iter().any(|&c| c <= b' ' || c == 0x7f);
        good.then_some(value).and_then(text::utf8)
    }

    /// The From (RFC 3261 §20.20).
    pub fn from(&self) -> Result<NameAddr<'a>, ParseError> {
        self.address(Name::From)
    }

    /// The To (RFC 3261 §20.39).
    pub fn to(&self) -> Result<NameAddr<'a>, ParseError> {
        self.address(Name::To)
    }

    fn address(&self, name: Name) -> Result<NameAddr<'a>, ParseError> {
        NameAddr::read(self.single(name)?).ok_or(ParseError::Malformed(name))
    }

    /// The value of a header that must be there, once.
    fn single(&self, name: Name) -> Result<&'a [u8], ParseError> {
        let mut lines = self.raw(name);
        let value = lines.next().ok_or(ParseError::Missing(name))?;
        match lines.next() {
            Some(_) => Err(ParseError::Repeated(name)),
            None => Ok(value),
        }
    }

    /// All Contacts, those of all lines in order; one that is malformed spoils all
    /// (RFC 3261 §20.10). See also [`Self::contact_items`].
    pub fn contacts(&self) -> Result<Contacts<'a>, ParseError> {
        let malformed = ParseError::Malformed(Name::Contact);
        let mut items = self.raw(Name::Contact).flat_map(text::items).peekable();
        match items.peek() {
            None => return Ok(Contacts::None),
            Some(&b"*") => {
                let alone = items.nth(1).is_none();
                return alone.then_some(Contacts::Star).ok_or(malformed);
            }
            Some(_) => {}
        }
        let list: Option<Vec<_>> = items.map(NameAddr::read).collect();
        list.map(Contacts::List).ok_or(malformed)
    }

    /// The Contacts one by one: a malformed one, `*` included, is an error in its place.
    pub fn contact_items(&self) -> impl Iterator<Item = Result<NameAddr<'a>, ParseError>> + '_ {
        let items = self.raw(Name::Contact).flat_map(text::items);
        items.map(|item| NameAddr::read(item).ok_or(ParseError::Malformed(Name::Contact)))
    }

    /// The Expires header in seconds (RFC 3261 §20.19); huge numbers are `u32::MAX`, garbage is
    /// `None`.
    pub fn expires(&self) -> Option<u32> {
        self.seconds(Name::Expires)
    }

    /// The Min-Expires header in seconds, as [`Self::expires`] (RFC 3261 §20.23).
    pub fn min_expires(&self) -> Option<u32> {
        self.seconds(Name::MinExpires)
    }

    fn seconds(&self, name: Name) -> Option<u32> {
        text::seconds(text::trim(self.raw(name).next()?))
    }

    /// The Retry-After header (RFC 3261 §20.33); garbage is `None`.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        RetryAfter::read(self.raw(Name::RetryAfter).next()?)
    }

    /// The Date header in seconds since 1970-01-01 UTC (RFC 3261 §20.17); garbage is `None`.
    pub fn date(&self) -> Option<i64> {
        date::read(&self.value(Name::Date)?)
    }

    /// Whether what every message must have is there, once, and can be read (RFC 3261 §8.1.1,
    /// §8.2.1): Via, From, To, Call-ID and CSeq; of a request also its URI, and CSeq names its
    /// method. Max-Forwards and the From tag are not asked for: RFC 2543 did not know them.
    pub fn check(&self) -> Result<(), ParseError> {
        self.via()?;
        self.from()?;
        self.to()?;
        self.single(Name::CallId)?;
        self.call_id().ok_or(ParseError::Malformed(Name::CallId))?;
        let cseq = self.cseq()?;
        if let Some(method) = self.method() {
            self.request_uri()?;
            if method != cseq.method {
                return Err(ParseError::Method);
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Message<'_> {
    /// The start line and the names of the headers: values may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("start", &self.start)
            .field("headers", &self.index.len())
            .field("body", &self.body.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTER: &str = "REGISTER sip:example.net SIP/2.0\r\n\
        v: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa;rport, SIP/2.0/TCP b;branch=z9hG4bKb\r\n\
        VIA: SIP/2.0/TLS c;branch=z9hG4bKc\r\n\
        f : \"Zoë\" <sip:zoe@example.net>;tag=1\r\n\
        To:\r\n <sip:zoe@example.net>\r\n\
        I: 1@x\r\n\
        cseq: 7 REGISTER\r\n\
        M: <sip:zoe@192.0.2.1>;expires=60, \"a,b\" <sip:c@d>\r\n\
        Contact: sip:e@f;q=0.5\r\n\
        X-Bytes: \u{ff}\r\n\
        l: 4\r\n\r\nbodyrest";

    fn bytes(text: &str) -> Vec<u8> {
        // \u{ff} stands for a byte that is not UTF-8.
        let mut bytes = Vec::new();
        for c in text.chars() {
            match c {
                '\u{ff}' => bytes.push(0xff),
                _ => bytes.extend(c.to_string().bytes()),
            }
        }
        bytes
    }

    fn with(headers: &str) -> Vec<u8> {
        bytes(&format!("SIP/2.0 200 OK\r\n{headers}\r\n"))
    }

    #[test]
    fn a_request_is_read_in_compact_folded_and_joined_forms() {
        let bytes = bytes(REGISTER);
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.check(), Ok(()));
        assert_eq!(message.method(), Some("REGISTER"));
        assert_eq!(message.request_uri().unwrap().host, "example.net");
        assert_eq!(message.body(), b"body");
        let via = message.via().unwrap();
        assert_eq!((via.host, via.port), ("192.0.2.1", Some(5060)));
        assert_eq!(via.branch, Some("z9hG4bKa"));
        assert_eq!(message.via_count(), 3);
        assert_eq!(message.from().unwrap().display.as_deref(), Some("Zoë"));
        assert_eq!(message.from().unwrap().tag(), Some("1"));
        assert_eq!(message.to().unwrap().tag(), None);
        assert_eq!(message.call_id(), Some("1@x"));
        assert_eq!(message.cseq().unwrap().number, 7);
        let Ok(Contacts::List(contacts)) = message.contacts() else {
            panic!("no contacts");
        };
        assert_eq!(contacts.len(), 3);
        assert_eq!(contacts[0].expires(), Some(60));
        assert_eq!(contacts[1].display.as_deref(), Some("a,b"));
        assert_eq!(contacts[2].q(), Some(500));
        assert_eq!(message.headers().count(), 10);
    }

    #[test]
    fn content_length_and_the_datagram_must_agree() {
        let body = |headers: &str, rest: &str| {
            let mut bytes = with(headers);
            bytes.extend_from_slice(rest.as_bytes());
            Message::parse(&bytes).map(|m| m.body().to_vec())
        };
        assert_eq!(body("", "rest"), Ok(b"rest".to_vec()));
        assert_eq!(body("l: 2\r\n", "rest"), Ok(b"re".to_vec()));
        assert_eq!(
            body("l: 2\r\nContent-Length: 02\r\n", "re"),
            Ok(b"re".to_vec())
        );
        assert_eq!(body("l: 5\r\n", "rest"), Err(ParseError::BodyCut));
        let bad = Err(ParseError::ContentLength);
        assert_eq!(body("l: 2\r\nContent-Length: 3\r\n", "rest"), bad);
        assert_eq!(body("l: -1\r\n", "rest"), bad);
        assert_eq!(body("l: 18446744073709551617\r\n", "r"), bad);
    }

    #[test]
    fn limits_hold() {
        let parse = |bytes: &[u8]| Message::parse(bytes).map(|m| m.headers().count());
        assert_eq!(parse(&with(&"a: b\r\n".repeat(256))), Ok(256));
        assert_eq!(
            parse(&with(&"a: b\r\n".repeat(257))),
            Err(ParseError::TooManyHeaders)
        );
        let mut long = with("");
        long.resize(MAX_MESSAGE, b'x');
        assert_eq!(parse(&long), Ok(0));
        long.push(b'x');
        assert_eq!(parse(&long), Err(ParseError::TooLong));
        assert_eq!(parse(b""), Err(ParseError::Empty));
        assert_eq!(parse(b"\r\n\r\n"), Err(ParseError::Empty));
        assert_eq!(parse(b"\0\0\0\0"), Err(ParseError::Truncated));
    }

    #[test]
    fn single_headers_are_refused_when_repeated() {
        let twice = with("To: <sip:a@b>\r\nt: <sip:a@b>\r\ni: 1\r\ni: 1\r\nCSeq: x\r\n");
        let message = Message::parse(&twice).unwrap();
        assert_eq!(
            message.to().map(|_| ()),
            Err(ParseError::Repeated(Name::To))
        );
        assert_eq!(
            message.from().map(|_| ()),
            Err(ParseError::Missing(Name::From))
        );
        assert_eq!(
            message.cseq().map(|_| ()),
            Err(ParseError::Malformed(Name::CSeq))
        );
        assert_eq!(message.call_id(), None);
    }

    #[test]
    fn a_star_stands_alone() {
        let contacts = |headers: &str| {
            let bytes = with(headers);
            let message = Message::parse(&bytes).unwrap();
            match message.contacts() {
                Ok(Contacts::None) => "none",
                Ok(Contacts::Star) => "star",
                Ok(Contacts::List(_)) => "list",
                Err(_) => "error",
            }
        };
        assert_eq!(contacts(""), "none");
        assert_eq!(contacts("m: *\r\n"), "star");
        assert_eq!(contacts("m: *, <sip:a@b>\r\n"), "error");
        assert_eq!(contacts("m: <sip:a@b>\r\nm: *\r\n"), "error");
        assert_eq!(contacts("m: *\r\nm: *\r\n"), "error");
        assert_eq!(contacts("m: *;expires=0\r\n"), "error");
        assert_eq!(contacts("m: <sip:a@b>\r\nm: sip:c@d\r\n"), "list");
        assert_eq!(contacts("m: <sip:a@b>,\r\n"), "error");
    }

    #[test]
    fn lists_and_numbers_are_read() {
        let bytes = with(
            "k: path,\r\n gin\r\nSupported: , outbound\r\nSupported:\r\n\
             Expires: 99999999999\r\nMin-Expires: x\r\nRetry-After: 5 (busy)\r\n\
             P-Associated-URI: <sip:a@b;x=1,2>, \"c, d\" <sip:e@f>\r\n",
        );
        let message = Message::parse(&bytes).unwrap();
        assert_eq!(message.list(Name::Supported), ["path", "gin", "outbound"]);
        assert_eq!(message.list(Name::PAssociatedUri).len(), 2);
        assert_eq!(message.values(Name::Supported).count(), 3);
        assert_eq!(message.value(Name::Supported).as_deref(), Some("path, gin"));
        assert_eq!(message.expires(), Some(u32::MAX));
        assert_eq!(message.min_expires(), None);
        assert_eq!(message.retry_after(), Some(RetryAfter::Seconds(5)));
        assert_eq!(message.date(), None);
    }
}
