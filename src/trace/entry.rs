//! A traced message as it is shown and sent on: without credentials.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A message that came or went, or a note of what happened.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Rises with each message that is kept; not every number is shown to everybody.
    pub number: u64,
    /// When.
    pub at: At,
    /// What it is.
    pub kind: Kind,
    /// The Account that it belongs to.
    pub account: Option<Arc<str>>,
    /// The Proxy Set that it belongs to: it is a probe or its answer.
    pub proxy_set: Option<Arc<str>>,
    /// How it travelled; nothing for a note.
    pub transport: Option<Transport>,
    /// Our address.
    pub local: Option<SocketAddr>,
    /// The other address.
    pub remote: Option<SocketAddr>,
    /// What it says.
    #[serde(flatten)]
    pub content: Content,
}

/// What an [`Entry`] is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A message that came in.
    Received,
    /// A message that went out.
    Sent,
    /// What happened, in words.
    Note,
}

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP.
    Udp,
}

/// What a message says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Content {
    /// What is text.
    Text(String),
    /// What is not: its bytes in hexadecimal.
    Hex(#[serde(with = "hex")] Vec<u8>),
}

impl Content {
    /// From bytes of any kind.
    pub fn new(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Hex(error.into_bytes()),
        }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Hex(bytes) => bytes,
        }
    }
}

impl Entry {
    /// Whether it is a message, and no note.
    pub fn is_message(&self) -> bool {
        self.kind != Kind::Note
    }
}

/// Wall-clock time: microseconds since 1970-01-01 UTC. Serialised as RFC 3339 in UTC with
/// microseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct At(pub i64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.6}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for At {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let timestamp: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Self(timestamp.as_microsecond()))
    }
}

/// Bytes as text.
mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(2 * bytes.len());
        for byte in bytes {
            text.push_str(&format!("{byte:02x}"));
        }
        to.serialize_str(&text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let bytes = pairs
            .iter()
            .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
        let bytes: Option<Vec<u8>> = bytes.collect();
        bytes
            .filter(|_| rest.is_empty())
            .ok_or_else(|| de::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_the_wire_whatever_its_bytes() {
        for bytes in [&b"REGISTER \x1b\r\n"[..], b"\xff\x00\x80", b""] {
            let entry = Entry {
                number: 7,
                at: At(1_795_341_600_123_456),
                kind: Kind::Received,
                account: Some("main".into()),
                proxy_set: None,
                transport: Some(Transport::Udp),
                local: Some("127.0.0.1:5070".parse().unwrap()),
                remote: Some("[::1]:5060".parse().unwrap()),
                content: Content::new(bytes.to_vec()),
            };
            let text = serde_json::to_string(&entry).unwrap();
            assert!(
                text.contains("\"at\":\"2026-11-22T10:00:00.123456Z\""),
                "{text}"
            );
            let read: Entry = serde_json::from_str(&text).unwrap();
            assert_eq!(read, entry);
            assert_eq!(read.content.bytes(), bytes);
        }
        for bad in ["{\"hex\":\"0\"}", "{\"hex\":\"0g\"}"] {
            assert!(serde_json::from_str::<Content>(bad).is_err());
        }
    }
}
