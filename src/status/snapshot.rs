//! A serialisable picture with a schema number: plain data with absolute times (rule T1).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::de::{self, Deserializer};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::effect::Phase;
use crate::engine::{Health, NextStep, Purpose};

/// Version of the shapes in this file; it rises when a field changes its meaning or goes away.
pub const SCHEMA: u32 = 1;

/// The status of one Account (rule T1). Times are absolute, so that a reader needs no clock of
/// ours.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountStatus {
    /// Index in the Accounts table.
    pub index: u32,
    /// Unique name.
    pub name: Arc<str>,
    /// Served IP Group.
    pub served: Arc<str>,
    /// Serving IP Group.
    pub serving: Arc<str>,
    /// Address-of-record as From and To carry it: `sip:user@host`.
    pub aor: Arc<str>,
    /// What the Account does.
    pub phase: Phase,
    /// `Registered`, an error number, or `Not Registered`.
    pub status: StatusWord,
    /// The last error number, if the last attempt failed; a time-out is 408.
    pub last_error: Option<u16>,
    /// The registrar that holds the binding; without one, where the last REGISTER went.
    pub registrar: Option<SocketAddr>,
    /// Place of that registrar in the set's order, from 1.
    pub rank: Option<u16>,
    /// Whether that registrar is not the first of its set.
    pub backup_registrar_used: bool,
    /// Where our requests leave from.
    pub local: Option<SocketAddr>,
    /// Asked expiry in seconds.
    pub asked: u32,
    /// Granted expiry in seconds.
    pub granted: Option<u32>,
    /// Since when registered without a gap.
    pub registered_since: Option<UnixMs>,
    /// Since when it should be registered and is not: the end of the last registration, else when
    /// this run of the program, or an operator, first asked for one.
    #[serde(default)]
    pub down_since: Option<UnixMs>,
    /// When the registrar forgets the binding.
    pub binding_until: Option<UnixMs>,
    /// When the next refresh is due.
    pub refresh_due: Option<UnixMs>,
    /// When a registrar last granted a binding.
    #[serde(default)]
    pub last_success: Option<UnixMs>,
    /// The last final answer.
    pub last_answer: Option<LastAnswer>,
    /// The last final answers, the newest first; those that are alike and came one after the other
    /// are one.
    #[serde(default)]
    pub answers: Vec<AnswerStatus>,
    /// The REGISTER under way.
    #[serde(default)]
    pub attempt: Option<Box<AttemptStatus>>,
    /// Failed attempts since the last 200.
    pub failures: u32,
    /// Whether the trouble may pass by itself (`true`) or somebody must act (`false`); absent
    /// without trouble.
    pub temporary: Option<bool>,
    /// When the next attempt after a failure is due.
    pub next_try: Option<UnixMs>,
    /// What happens next; absent where nothing will by itself, and nobody is asked for it.
    #[serde(default)]
    pub next_action: Option<NextAction>,
    /// Registrars that it avoids (rule S8).
    #[serde(default)]
    pub avoided: Vec<Avoided>,
    /// A Retry-After in force ends then.
    pub retry_after_until: Option<UnixMs>,
    /// The shortest expiry that the registrar takes, once it has said so (423).
    #[serde(default)]
    pub min_expires: Option<u32>,
    /// What the last 200 said about ways and names.
    #[serde(default)]
    pub routes: Option<Arc<Routes>>,
    /// Our address as the registrar saw it (`received` and `rport`).
    pub public_address: Option<SocketAddr>,
    /// Digest algorithm in use.
    pub algorithm: Option<Cow<'static, str>>,
    /// Round-trip time of the last answered REGISTER, in microseconds.
    pub rtt_us: Option<u32>,
    /// What happens and why, in one line for people.
    pub detail: Option<Arc<str>>,
}

impl AccountStatus {
    /// Since when it is registered, or is not though it should be.
    pub fn since(&self) -> Option<UnixMs> {
        self.registered_since.or(self.down_since)
    }

    /// Whether it is registered, though its last refresh failed.
    pub fn is_refresh_failing(&self) -> bool {
        self.phase == Phase::Registered && self.temporary.is_some()
    }
}

/// A registrar that an Account avoids (rule S8).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Avoided {
    /// The registrar.
    pub registrar: SocketAddr,
    /// Until when.
    pub until: UnixMs,
}

/// Final answers of one kind that came one after the other.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AnswerStatus {
    /// SIP status code; 408 stands for a time-out too.
    pub code: u16,
    /// Reason phrase, or what happened instead of an answer.
    pub reason: Arc<str>,
    /// Whose.
    pub registrar: SocketAddr,
    /// When the last of them came.
    pub at: UnixMs,
    /// When the first of them came.
    pub first: UnixMs,
    /// How many they are.
    pub count: u32,
}

/// A REGISTER that waits for its answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AttemptStatus {
    /// What it is to bring about.
    pub purpose: Purpose,
    /// Where it goes.
    pub registrar: SocketAddr,
    /// When it first left.
    pub since: UnixMs,
    /// How often it has left.
    pub sends: u8,
    /// When it fails unless an answer comes.
    pub until: UnixMs,
}

/// What happens next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NextAction {
    /// What.
    pub what: NextStep,
    /// When, if that is known.
    pub at: Option<UnixMs>,
}

/// What a 200 said about ways and names, as it stood there.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
pub struct Routes {
    /// `Path` (RFC 3327).
    pub path: Vec<Box<str>>,
    /// `Service-Route` (RFC 3608).
    pub service_route: Vec<Box<str>>,
    /// `P-Associated-URI` (RFC 7315).
    pub associated_uris: Vec<Box<str>>,
}

/// A final answer with its time.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastAnswer {
    /// SIP status code; 408 stands for a time-out too.
    pub code: u16,
    /// Reason phrase, or what happened instead of an answer.
    pub reason: Arc<str>,
    /// When.
    pub at: UnixMs,
}

/// The status of one Proxy Set (rule P5).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProxySetStatus {
    /// Unique name.
    pub name: Arc<str>,
    /// Whether it is online as a whole; absent while that is not known, and without keep-alive.
    pub is_online: Option<bool>,
    /// Its members in its order.
    pub members: Vec<MemberStatus>,
    /// What is wrong with its names, for people.
    pub trouble: Option<Arc<str>>,
}

/// The status of one member of a Proxy Set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its address.
    pub address: SocketAddr,
    /// The name that it was found by, if it was.
    pub name: Option<Arc<str>>,
    /// 0 is best.
    pub priority: u16,
    /// Share among equals.
    pub weight: u16,
    /// The word for it.
    pub health: Health,
    /// Since when that holds.
    pub since: UnixMs,
    /// Round-trip time of its last answer, in microseconds.
    pub rtt_us: Option<u32>,
    /// How many Accounts it holds a binding of.
    pub accounts_bound: u32,
    /// Whether requests that follow no binding go to it.
    pub is_current: bool,
}

/// The status of an IP Group that an Account names.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GroupStatus {
    /// Unique name.
    pub name: Arc<str>,
    /// What Accounts have it for.
    pub role: GroupRole,
    /// The word for it: that of the best of its members (rule P5).
    pub health: Health,
    /// Its Proxy Set, if it has one.
    pub proxy_set: Option<Arc<str>>,
    /// Whether that is online as a whole; absent while that is not known, and without keep-alive.
    pub is_online: Option<bool>,
    /// The members of that.
    pub members: Vec<MemberStatus>,
    /// How many Accounts are registered on its behalf; of a group that only serves, at it.
    pub registered: u32,
    /// How many Accounts there are of that kind.
    pub accounts: u32,
    /// The same by phase, without the phases that none is in.
    pub phases: BTreeMap<Phase, u32>,
    /// What is to be said of it, for people.
    pub detail: Option<Arc<str>>,
}

/// What Accounts have an IP Group for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GroupRole {
    /// They register on its behalf.
    Served,
    /// They register at it.
    Serving,
    /// Some do this and some that; those on its behalf are counted.
    Both,
}

/// How it is with what outlives a run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StateStatus {
    /// The word for it.
    pub state: Keeping,
    /// Where it is kept.
    pub directory: Option<Arc<str>>,
    /// What is wrong, or why nothing is kept, for people.
    pub trouble: Option<Arc<str>>,
    /// Since when that holds.
    pub since: UnixMs,
}

/// Whether anything outlives a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeping {
    /// It is written.
    Kept,
    /// It cannot be written at present, and is tried again.
    Failing,
    /// Nothing is kept.
    Off,
}

/// The words of a phone's account page: registered, or the error number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StatusWord {
    /// A registrar holds our binding, also while a refresh fails.
    Registered,
    /// Not registered; the last SIP error number.
    Error(u16),
    /// Not registered, and no error: an operator's word, or nothing tried yet.
    NotRegistered,
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered => f.pad("Registered"),
            Self::Error(code) => f.pad(&code.to_string()),
            Self::NotRegistered => f.pad("Not Registered"),
        }
    }
}

impl Serialize for StatusWord {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StatusWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        match word.as_str() {
            "Registered" => Ok(Self::Registered),
            "Not Registered" => Ok(Self::NotRegistered),
            code => code.parse().map(Self::Error).map_err(de::Error::custom),
        }
    }
}

/// Wall-clock time: milliseconds since 1970-01-01 UTC. Serialised as RFC 3339 in UTC with
/// milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UnixMs(pub i64);

impl fmt::Display for UnixMs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(timestamp) => write!(f, "{timestamp:.3}"),
            Err(_) => f.write_str("out of range"),
        }
    }
}

impl Serialize for UnixMs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UnixMs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let timestamp: jiff::Timestamp = text.parse().map_err(de::Error::custom)?;
        Ok(Self(timestamp.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_printed_in_utc_with_milliseconds() {
        assert_eq!(
            UnixMs(1_795_341_600_123).to_string(),
            "2026-11-22T10:00:00.123Z"
        );
    }

    #[test]
    fn the_status_word_is_a_word_or_a_number() {
        assert_eq!(StatusWord::Error(403).to_string(), "403");
        assert_eq!(StatusWord::NotRegistered.to_string(), "Not Registered");
    }
}
