//! What has happened, as it is kept and told: one entry for each event.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::UnixMs;

/// Something that happened. Fields that mean nothing for its kind are absent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Rises with each entry, over restarts too.
    pub id: u64,
    /// When.
    pub at: UnixMs,
    /// What kind of thing.
    pub kind: EntryKind,
    /// The Account that it is about, if it is about one.
    pub account: Option<Arc<str>>,
    /// What was before: a phase, or a registrar.
    pub from: Option<Cow<'static, str>>,
    /// What is now. Of an alert what was told: `lost`, `resolved` or `timed-out`; `given-up` where
    /// it could not be, and `test`.
    pub to: Option<Cow<'static, str>>,
    /// The registrar that had a part in it.
    pub registrar: Option<SocketAddr>,
    /// The status code that had a part in it; 408 stands for a time-out too.
    pub code: Option<u16>,
    /// The user of the system whose word it was.
    pub uid: Option<u32>,
    /// The rest, for people.
    pub text: Arc<str>,
}

impl Entry {
    /// One that says only this, without a number yet.
    pub fn new(kind: EntryKind, at: UnixMs) -> Self {
        Self {
            id: 0,
            at,
            kind,
            account: None,
            from: None,
            to: None,
            registrar: None,
            code: None,
            uid: None,
            text: "".into(),
        }
    }
}

/// Kinds of entries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// The phase of an Account changed.
    Phase,
    /// A refresh failed while the binding stands.
    RefreshFailed,
    /// A refresh works again, after one that failed.
    Refreshed,
    /// The binding of an Account is at another registrar.
    Moved,
    /// Something that somebody may want to mend.
    Warning,
    /// A member of a Proxy Set went offline or came back.
    Member,
    /// A socket could not be bound.
    ListenFailed,
    /// An operator's order.
    Order,
    /// The configuration was read again.
    Reload,
    /// The daemon started.
    Start,
    /// The daemon stopped.
    Stop,
    /// What a subscription of alerts was told, or could not be.
    Alert,
    /// The state or this history could not be written, or can be again.
    Store,
    /// A kind that a newer version knows.
    #[serde(other)]
    Unknown,
}

impl EntryKind {
    /// All that there are, with their words and what they mean.
    pub const ALL: [(Self, &'static str, &'static str); 13] = [
        (Self::Phase, "phase", "an Account's phase changed"),
        (
            Self::RefreshFailed,
            "refresh-failed",
            "a refresh failed while the binding stands",
        ),
        (
            Self::Refreshed,
            "refreshed",
            "a refresh works again, after one that failed",
        ),
        (Self::Moved, "moved", "a binding is at another registrar"),
        (Self::Warning, "warning", "something to mend"),
        (
            Self::Member,
            "member",
            "a member of a Proxy Set went offline or came back",
        ),
        (
            Self::ListenFailed,
            "listen-failed",
            "a socket could not be bound",
        ),
        (Self::Order, "order", "an operator's order"),
        (Self::Reload, "reload", "the configuration was read again"),
        (Self::Start, "start", "the daemon started"),
        (Self::Stop, "stop", "the daemon stopped"),
        (
            Self::Alert,
            "alert",
            "what a subscription of alerts was told, or could not be",
        ),
        (
            Self::Store,
            "store",
            "the state could not be written, or can be again",
        ),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        let mut all = Self::ALL.iter();
        all.find(|(kind, ..)| *kind == self)
            .map_or("unknown", |(_, word, _)| word)
    }

    /// The kind of this word.
    pub fn of(word: &str) -> Self {
        let mut all = Self::ALL.iter();
        all.find(|(_, known, _)| *known == word)
            .map_or(Self::Unknown, |(kind, ..)| *kind)
    }
}

/// Which entries are wanted. All conditions must hold; an empty one always does.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Wanted {
    /// About these Accounts, by name. History outlives an Account, so that one that does not exist
    /// is no error.
    pub accounts: Vec<String>,
    /// Of these kinds.
    pub kinds: Vec<EntryKind>,
    /// At this time or later.
    pub since: Option<UnixMs>,
    /// Before this time.
    pub until: Option<UnixMs>,
    /// Before the entry of this id.
    pub before: Option<u64>,
    /// No more than so many, the newest; all if absent.
    pub limit: Option<u32>,
}

impl Wanted {
    /// Whether an entry is one of those, as far as `limit` does not count.
    pub fn has(&self, entry: &Entry) -> bool {
        let is_about = |name: &String| entry.account.as_deref() == Some(name);
        (self.accounts.is_empty() || self.accounts.iter().any(is_about))
            && (self.kinds.is_empty() || self.kinds.contains(&entry.kind))
            && self.since.is_none_or(|since| since <= entry.at)
            && self.until.is_none_or(|until| entry.at < until)
            && self.before.is_none_or(|before| entry.id < before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_word_everywhere() {
        for (kind, word, _) in EntryKind::ALL {
            assert_eq!((kind.word(), EntryKind::of(word)), (word, kind));
            let told = toml::Value::try_from(kind).unwrap();
            assert_eq!(told.as_str(), Some(word));
            assert_eq!(told.try_into::<EntryKind>().unwrap(), kind);
        }
        assert_eq!(EntryKind::of("of tomorrow"), EntryKind::Unknown);
    }
}
