//! Who is told when Accounts lose their registration, and by which mail server (rule T3).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Credentials, SecretSource};
use crate::secret::Secret;
use crate::time::Duration;

/// Table `[[alert]]`: a subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alert {
    /// Unique name.
    pub name: Arc<str>,
    /// Whose registration it is about; default all.
    pub accounts: Covered,
    /// Where mails go.
    pub email: Option<Arc<str>>,
    /// Where POST requests go. There is an `email` or a `webhook`, or both.
    pub webhook: Option<Arc<str>>,
    /// What signs them.
    pub webhook_secret: Option<Sourced>,
    /// Whether a notice follows when the registration is back; default yes.
    pub send_resolution: bool,
    /// Whether a notice follows when it does not come back in time; default yes.
    pub send_timeout: bool,
    /// How long an alert is watched; default 24 hours.
    pub time_limit: TimeLimit,
}

impl Alert {
    /// A subscription to all Accounts with the default of every option that is not named.
    pub fn new(name: &str, email: Option<&str>, webhook: Option<&str>) -> Self {
        Self {
            name: name.into(),
            accounts: Covered::All,
            email: email.map(Arc::from),
            webhook: webhook.map(Arc::from),
            webhook_secret: None,
            send_resolution: true,
            send_timeout: true,
            time_limit: TimeLimit::Day,
        }
    }

    /// Whether it is about the Account of this name.
    pub fn covers(&self, account: &str) -> bool {
        match &self.accounts {
            Covered::All => true,
            Covered::Named(names) => names.binary_search_by(|name| (**name).cmp(account)).is_ok(),
        }
    }
}

/// The Accounts of a subscription.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Covered {
    /// `all`.
    All,
    /// Those of these names, sorted, each once.
    Named(Arc<[Arc<str>]>),
}

impl Covered {
    /// Those of these names.
    pub fn named<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        let mut names: Vec<Arc<str>> = names.into_iter().map(Arc::from).collect();
        names.sort_unstable();
        names.dedup();
        Self::Named(names.into())
    }
}

/// A secret, and where it comes from. Equal are those that say the same.
#[derive(Clone, Debug)]
pub struct Sourced {
    /// The secret, once it is known.
    pub secret: Secret,
    /// Where it comes from.
    pub source: SecretSource,
}

impl PartialEq for Sourced {
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl Eq for Sourced {}

/// How long an alert is watched.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum TimeLimit {
    /// `1h`.
    #[serde(rename = "1h")]
    Hour,
    /// `2h`.
    #[serde(rename = "2h")]
    TwoHours,
    /// `6h`.
    #[serde(rename = "6h")]
    SixHours,
    /// `12h`.
    #[serde(rename = "12h")]
    HalfDay,
    /// `24h`.
    #[serde(rename = "24h")]
    Day,
}

impl TimeLimit {
    /// All of them, the shortest first.
    pub const ALL: [Self; 5] = [
        Self::Hour,
        Self::TwoHours,
        Self::SixHours,
        Self::HalfDay,
        Self::Day,
    ];

    /// The limit of so many hours, if there is one.
    pub fn of_hours(hours: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.hours() == hours)
    }

    /// In hours.
    pub fn hours(self) -> u8 {
        match self {
            Self::Hour => 1,
            Self::TwoHours => 2,
            Self::SixHours => 6,
            Self::HalfDay => 12,
            Self::Day => 24,
        }
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(3_600 * u64::from(self.hours()))
    }
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}h", self.hours())
    }
}

/// Table `[mail]`: the server that mails go out by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mail {
    /// Name or IP address of the server.
    pub server: Arc<str>,
    /// Its port; by default what the encryption usually has.
    pub port: u16,
    /// How the connection is protected; default `starttls`.
    pub encryption: Encryption,
    /// Who we say that we are, if the server wants to know.
    pub credentials: Option<Credentials>,
    /// The sender of mails.
    pub from: Arc<str>,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Encryption {
    /// `starttls`: begun in the clear, and refused when the server does not go on under TLS.
    StartTls,
    /// `tls`: from the first byte.
    Tls,
    /// `none`.
    None,
}

impl Encryption {
    /// The port that such servers usually have: submission (RFC 6409 §3.1), submission under TLS
    /// (RFC 8314 §3.3), SMTP (RFC 5321 §4.5.4.2).
    pub fn usual_port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}
