//! A letter: one notice on its way to one place.

use std::fmt;
use std::sync::Arc;

use crate::effect::Notice;

/// How a letter travels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Means {
    /// By mail, to the subscription's address.
    Mail,
    /// By POST, to the subscription's webhook.
    Webhook,
}

impl Means {
    /// Its word, in the store too.
    pub fn word(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhook => "webhook",
        }
    }

    /// The means of this word.
    pub fn of(word: &str) -> Option<Self> {
        let mut all = [Self::Mail, Self::Webhook].into_iter();
        all.find(|means| means.word() == word)
    }
}

impl fmt::Display for Means {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A notice that is to be delivered. Where it goes is found in the configuration when it leaves, so
/// that a mended address counts for what waits already.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Letter {
    /// Its own for ever: whoever gets it twice knows it by that.
    pub id: Arc<str>,
    /// How it travels.
    pub means: Means,
    /// What it says.
    pub notice: Arc<Notice>,
    /// How often it was tried in vain.
    pub tried: u32,
    /// How long it has waited between tries, in milliseconds: what was cut short does not count.
    pub waited_ms: u64,
    /// When it is tried again, in milliseconds since 1970; at once if none.
    pub next_unix_ms: Option<i64>,
    /// Whether the last try was refused for good, as far as the other side knows.
    pub is_refused: bool,
    /// What went wrong last.
    pub trouble: Option<Arc<str>>,
}

impl Letter {
    /// One that was not tried yet.
    pub fn new(id: Arc<str>, means: Means, notice: Arc<Notice>) -> Self {
        Self {
            id,
            means,
            notice,
            tried: 0,
            waited_ms: 0,
            next_unix_ms: None,
            is_refused: false,
            trouble: None,
        }
    }

    /// The letters of a notice: one for each place that it goes to.
    pub fn of(notice: Notice, mut id: impl FnMut() -> Arc<str>) -> Vec<Self> {
        let notice = Arc::new(notice);
        let places = [
            (Means::Mail, notice.email.is_some()),
            (Means::Webhook, notice.webhook.is_some()),
        ];
        let meant = places.into_iter().filter(|(_, is_meant)| *is_meant);
        meant
            .map(|(means, _)| Self::new(id(), means, Arc::clone(&notice)))
            .collect()
    }
}
