//! The orders that Accounts can be shown in.

use std::cmp::{Ordering, Reverse};

use super::table::{Tone, tone};
use super::{AccountStatus, StatusWord};

/// What Accounts are ordered by; those that are equal stay in index order.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SortKey {
    /// Index.
    #[default]
    Index,
    /// Name, by letters.
    Name,
    /// What somebody must act upon first, what is well last.
    Status,
    /// Registrar, those without one last.
    Registrar,
    /// Those that came up or went down last first, those that need not be registered at the end.
    Since,
    /// What happens next first, those with nothing due last.
    Next,
    /// The most failures first.
    Failures,
}

impl SortKey {
    /// All of them, with their words and what they mean.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Index, "index", "as configured"),
        (Self::Name, "name", "by letters"),
        (Self::Status, "status", "what is in trouble first"),
        (Self::Registrar, "registrar", "by address"),
        (Self::Since, "since", "what changed last first"),
        (Self::Next, "next", "what is due next first"),
        (Self::Failures, "failures", "the most failures first"),
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(key, ..)| *key == self);
        found.map_or("index", |(_, word, _)| word)
    }

    /// The one after it, round and round.
    #[must_use]
    pub fn following(self) -> Self {
        let place = Self::ALL.iter().position(|(key, ..)| *key == self);
        Self::ALL[place.map_or(0, |place| (place + 1) % Self::ALL.len())].0
    }

    /// Which of two Accounts comes first.
    pub fn compare(self, one: &AccountStatus, other: &AccountStatus) -> Ordering {
        let by_key = match self {
            Self::Index => Ordering::Equal,
            Self::Name => one.name.cmp(&other.name),
            Self::Status => urgency(one).cmp(&urgency(other)),
            Self::Registrar => {
                let key = |it: &AccountStatus| (it.registrar.is_none(), it.registrar);
                key(one).cmp(&key(other))
            }
            Self::Since => {
                let key = |it: &AccountStatus| Reverse(it.since());
                key(one).cmp(&key(other))
            }
            Self::Next => {
                let due = |it: &AccountStatus| it.next_try.or(it.refresh_due);
                let key = |it: &AccountStatus| (due(it).is_none(), due(it));
                key(one).cmp(&key(other))
            }
            Self::Failures => other.failures.cmp(&one.failures),
        };
        by_key.then(one.index.cmp(&other.index))
    }
}

/// The lower, the more urgent.
fn urgency(status: &AccountStatus) -> (u8, u16) {
    let place = match tone(status) {
        Tone::Bad => 0,
        Tone::Doubtful if status.status != StatusWord::Registered => 1,
        Tone::Doubtful | Tone::Lost => 2,
        Tone::Quiet | Tone::Plain | Tone::Unwatched => 3,
        Tone::Good => 4,
    };
    let code = match status.status {
        StatusWord::Error(code) => code,
        StatusWord::Registered | StatusWord::NotRegistered => 0,
    };
    (place, code)
}
