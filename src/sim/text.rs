//! A SIP message as a plain reader sees it: a second, simpler opinion than the one in `sip`.
//!
//! The registrar of the simulator reads with this, so that a fault that our writer and our parser
//! share does not go unseen. It is lenient, keeps header lines as text, and knows no grammar beyond
//! lists and parameters.

use std::borrow::Cow;

/// A message cut into lines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Text {
    /// The first line.
    pub start: String,
    /// Header lines, unfolded; names in lower case and in their long form.
    pub headers: Vec<(Cow<'static, str>, String)>,
    /// What follows the empty line.
    pub body: Vec<u8>,
}

impl Text {
    /// Reads a message. `None` when there is no start line and empty line.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.split("\r\n");
        let start = lines.next().filter(|line| !line.is_empty())?.to_owned();
        let mut headers: Vec<(Cow<'static, str>, String)> = Vec::new();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                let (_, value) = headers.last_mut()?;
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(line.trim());
            } else {
                let (name, value) = line.split_once(':')?;
                headers.push((long_name(name.trim()), value.trim().to_owned()));
            }
        }
        Some(Self {
            start,
            headers,
            body: bytes[end + 4..].to_vec(),
        })
    }

    /// Method and Request-URI, if it is a request.
    pub fn request(&self) -> Option<(&str, &str)> {
        let mut words = self.start.split(' ');
        let (method, uri, version) = (words.next()?, words.next()?, words.next()?);
        (version == "SIP/2.0" && words.next().is_none()).then_some((method, uri))
    }

    /// Status code and reason, if it is a response.
    pub fn response(&self) -> Option<(u16, &str)> {
        let rest = self.start.strip_prefix("SIP/2.0 ")?;
        let (code, reason) = rest.split_once(' ').unwrap_or((rest, ""));
        Some((code.parse().ok()?, reason))
    }

    /// The first header of this name (long form, lower case).
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(other, _)| other == name);
        found.map(|(_, value)| &**value)
    }

    /// Every header line of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> + 'a {
        let same = move |(other, _): &&(Cow<'static, str>, String)| other == name;
        self.headers.iter().filter(same).map(|(_, value)| &**value)
    }

    /// Number and method of CSeq.
    pub fn cseq(&self) -> Option<(u32, &str)> {
        let (number, method) = self.header("cseq")?.split_once([' ', '\t'])?;
        Some((number.parse().ok()?, method.trim()))
    }

    /// The branch of the topmost Via.
    pub fn branch(&self) -> Option<&str> {
        parameter(list(self.header("via")?).next()?, "branch")
    }

    /// The Expires header as a number.
    pub fn expires(&self) -> Option<u32> {
        self.header("expires")?.parse().ok()
    }

    /// Every Contact value, however they are spread over lines.
    pub fn contacts(&self) -> impl Iterator<Item = Contact<'_>> + '_ {
        self.all("contact").flat_map(list).map(Contact::read)
    }

    /// The address-of-record: To without display name, brackets, parameters and port; the host in
    /// lower case.
    pub fn aor(&self) -> Option<String> {
        let uri = Contact::read(self.header("to")?).uri;
        let (_, plain) = uri.split_once(':')?;
        let (user, rest) = plain.split_once('@')?;
        let host = rest.split([';', '?']).next()?;
        let host = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        Some(format!("{user}@{}", host.to_ascii_lowercase()))
    }
}

/// One Contact value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Contact<'a> {
    /// The URI with its parameters; `*` for the wildcard.
    pub uri: &'a str,
    /// The header parameters, from the first semicolon on.
    pub parameters: &'a str,
}

impl<'a> Contact<'a> {
    /// Reads `"name" <uri>;params`, or a bare `uri;params`.
    pub fn read(value: &'a str) -> Self {
        let value = value.trim();
        let bracket = find_outside_quotes(value, b'<');
        if let Some(open) = bracket {
            let rest = &value[open + 1..];
            let (uri, parameters) = rest.split_once('>').unwrap_or((rest, ""));
            return Self { uri, parameters };
        }
        let end = value.find(';').unwrap_or(value.len());
        Self {
            uri: &value[..end],
            parameters: &value[end..],
        }
    }

    /// The `expires` parameter.
    pub fn expires(&self) -> Option<u32> {
        parameter(self.parameters, "expires")?.parse().ok()
    }
}

/// The values of a comma-separated list; commas in quotes and angle brackets do not separate.
pub(super) fn list(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let text = rest?;
        let end = comma(text);
        rest = end.map(|end| &text[end + 1..]);
        Some(text[..end.unwrap_or(text.len())].trim())
    })
    .filter(|item| !item.is_empty())
}

/// The value of a `;name=value` parameter without its quotes; empty for one without a value.
pub(super) fn parameter<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Where the first separating comma is.
fn comma(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped, mut bracketed) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return Some(at),
            _ => {}
        }
    }
    None
}

fn find_outside_quotes(text: &str, wanted: u8) -> Option<usize> {
    let mut quoted = false;
    text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        !quoted && byte == wanted
    })
}

/// The long form of a header name, in lower case.
fn long_name(name: &str) -> Cow<'static, str> {
    let lower = name.to_ascii_lowercase();
    let long = match &*lower {
        "v" | "via" => "via",
        "f" | "from" => "from",
        "t" | "to" => "to",
        "i" | "call-id" => "call-id",
        "m" | "contact" => "contact",
        "l" | "content-length" => "content-length",
        "k" | "supported" => "supported",
        "cseq" => "cseq",
        "expires" => "expires",
        "authorization" => "authorization",
        "proxy-authorization" => "proxy-authorization",
        _ => return Cow::Owned(lower),
    };
    Cow::Borrowed(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_and_folded_headers_are_read() {
        let text = read(
            "SIP/2.0 200 OK\r\nm: <sip:a@h>\r\n ;expires=3,\r\n\t\"x, y\" <sip:b@h;p>\r\n\r\n",
        );
        let contacts: Vec<_> = text.contacts().collect();
        assert_eq!(contacts.len(), 2);
        assert_eq!(
            (contacts[0].uri, contacts[0].expires()),
            ("sip:a@h", Some(3))
        );
        assert_eq!(
            (contacts[1].uri, contacts[1].expires()),
            ("sip:b@h;p", None)
        );
        assert_eq!(text.response(), Some((200, "OK")));
    }

    #[test]
    fn the_address_of_record_has_no_port_and_no_parameters() {
        let text =
            read("REGISTER sip:h SIP/2.0\r\nTo: \"A\" <sip:a@Host.Example:5070;x=y>;tag=1\r\n\r\n");
        assert_eq!(text.aor().as_deref(), Some("a@host.example"));
        assert_eq!(text.request(), Some(("REGISTER", "sip:h")));
    }

    #[test]
    fn what_is_no_message_is_not_read() {
        for bytes in [
            &b""[..],
            b"\r\n\r\n",
            b"x",
            b"a\r\nb\r\n\r\n",
            b"a\r\n b\r\n\r\n",
        ] {
            assert_eq!(Text::read(bytes), None);
        }
    }

    fn read(message: &str) -> Text {
        Text::read(message.as_bytes()).expect("a message")
    }
}
