//! Which addresses a host of a Proxy Set has, one question to DNS at a time (RFC 3263).
//!
//! It knows the procedure, TTLs and the order of answers. It does not ask: questions go out and
//! answers come in as values. It keeps no answer either: when to ask again is up to the Proxy Set.
//! Its invariant: with the same draws, the same answers give the same order.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

mod lookup;
mod order;

pub use lookup::{Answer, Failure, Located, Lookup, Method, Progress, Query};

/// A type of DNS record that we ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RecordKind {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Servers of a service (RFC 2782).
    Srv,
    /// Services of a domain (RFC 3403).
    Naptr,
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Srv => "SRV",
            Self::Naptr => "NAPTR",
        })
    }
}

/// What DNS is asked.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Question {
    /// The name, without a dot at its end.
    pub name: Arc<str>,
    /// What is asked about it.
    pub kind: RecordKind,
}

impl fmt::Display for Question {
    /// As it is said to people: `SRV of _sip._udp.example.com`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.kind, self.name)
    }
}

/// A record of the kind that was asked for; what aliases lead to is found by then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// It is good for so many seconds.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
}

/// What a record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RecordData {
    /// A or AAAA.
    Address(IpAddr),
    /// SRV.
    Srv {
        /// The lowest is tried first.
        priority: u16,
        /// Share among those of equal priority.
        weight: u16,
        /// Port of the service.
        port: u16,
        /// Host of the service, without a dot at its end.
        target: Arc<str>,
    },
    /// NAPTR.
    Naptr {
        /// The lowest is taken first.
        order: u16,
        /// The lowest of one order is preferred.
        preference: u16,
        /// `s` leads to SRV.
        flags: Arc<str>,
        /// `SIP+D2U`, `SIP+D2T`, `SIPS+D2T`.
        service: Arc<str>,
        /// What to ask next, without a dot at its end.
        replacement: Arc<str>,
    },
}

/// What DNS said to a question.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Resolution {
    /// Records, at least one.
    Records(Vec<Record>),
    /// There is no such record, or no such name, for so many seconds as far as is said.
    Nothing {
        /// The negative TTL of the zone, in seconds (RFC 2308).
        ttl: Option<u32>,
    },
    /// No answer, or none that is of use: the reason, for people.
    Failed(String),
}
