//! What alerts tell: notices for whoever delivers them, and what the store keeps of them (rules T2,
//! T3).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// One message to one subscription: what has become of Accounts at one registrar. The same
/// message is never given twice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Notice {
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// Where a mail goes.
    pub email: Option<Arc<str>>,
    /// Where a POST goes.
    pub webhook: Option<Arc<str>>,
    /// What it is about.
    pub kind: NoticeKind,
    /// When it was given, in milliseconds since 1970.
    pub at_unix_ms: i64,
    /// The registrar that held the bindings.
    pub registrar: SocketAddr,
    /// What it last called itself in a `Server` header.
    pub server: Option<Arc<str>>,
    /// What we call ourselves.
    pub user_agent: Arc<str>,
    /// The Accounts, by name; never none. What is said of one is the same for all who are told.
    pub accounts: Vec<Arc<NoticeAccount>>,
}

/// What a notice is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeKind {
    /// Registrations are lost.
    Lost,
    /// They are back.
    Resolved,
    /// They did not come back within the limit; nothing more is told of them.
    TimedOut,
}

impl NoticeKind {
    /// Its word for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Resolved => "resolved",
            Self::TimedOut => "timed-out",
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lost => "lost",
            Self::Resolved => "resolved",
            Self::TimedOut => "timed out",
        })
    }
}

/// One Account in a notice.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NoticeAccount {
    /// Its name.
    pub account: Arc<str>,
    /// Its address-of-record.
    pub identity: Arc<str>,
    /// Our address when the registration was lost: as the registrar saw it, else the local one.
    pub source: Option<IpAddr>,
    /// When it was lost, in milliseconds since 1970.
    pub lost_unix_ms: i64,
    /// When the alert was raised.
    pub started_unix_ms: i64,
    /// When it was resolved, or timed out.
    pub ended_unix_ms: Option<i64>,
    /// Where it is registered now, when it is resolved.
    pub registered_at: Option<SocketAddr>,
}

/// What the store keeps of an Account that has lost its registration. Keyed by the Account's name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredAlert {
    /// The Account's name.
    pub account: String,
    /// Its address-of-record.
    pub identity: String,
    /// Our address when the registration was lost.
    pub source: Option<IpAddr>,
    /// The registrar that held the binding.
    pub registrar: SocketAddr,
    /// What that called itself.
    pub server: Option<String>,
    /// What we called ourselves.
    pub user_agent: String,
    /// When it was lost, in microseconds since 1970.
    pub lost_unix_us: i64,
    /// What has come of it.
    pub state: StoredAlertState,
}

/// How far an alert has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoredAlertState {
    /// It is being checked.
    Checking {
        /// So many checks have failed.
        failed: u8,
        /// When the next one is due, in microseconds since 1970.
        due_unix_us: i64,
    },
    /// It was raised.
    Raised {
        /// When, in microseconds since 1970.
        started_unix_us: i64,
        /// For which subscriptions it is still open.
        open: Vec<StoredOpen>,
    },
}

/// An alert that is open for one subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StoredOpen {
    /// The subscription's name.
    pub subscription: String,
    /// How long it is watched, in hours.
    pub limit_hours: u8,
    /// Whether the first notice was given.
    pub is_told: bool,
}
