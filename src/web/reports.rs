//! What is said in the log of those who ask for what they do not get: the first of a kind, then
//! how many more there were, so that nobody can fill it.

use std::net::SocketAddr;

use tracing::warn;

use crate::control::{Due, Sparing};

/// Kinds of trouble.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Trouble {
    /// A wrong token or code.
    WrongToken,
    /// A request that a foreign page may have sent.
    CrossSite,
    /// A name that is not ours.
    WrongHost,
    /// More connections than there may be.
    TooMany,
    /// What is no HTTP, is too long, or does not come.
    Malformed,
    /// A reader that does not read.
    Unread,
}

impl Trouble {
    const COUNT: usize = 6;

    fn words(self) -> &'static str {
        match self {
            Self::WrongToken => "web: a wrong token was shown",
            Self::CrossSite => "web: a request that another site may have sent was refused",
            Self::WrongHost => "web: a request for a host that is not in `hosts` was refused",
            Self::TooMany => "web: there are too many connections",
            Self::Malformed => "web: what came is no request, or came too slowly",
            Self::Unread => "web: a reader that does not read was let go",
        }
    }
}

/// What was said lately.
#[derive(Default)]
pub(super) struct Reports([Sparing; Trouble::COUNT]);

impl Reports {
    /// Says it, unless the like was said within the last minute. `detail` is of the visitor's
    /// making, and is shown as such.
    pub(super) fn say(&self, trouble: Trouble, peer: Option<SocketAddr>, detail: &str) {
        let Some(Due { repeated }) = self.0[trouble as usize].due() else {
            return;
        };
        let peer = peer.map(tracing::field::display);
        let shown: String = detail.chars().take(80).collect();
        let detail = (!shown.is_empty()).then(|| tracing::field::debug(&shown));
        warn!(peer, detail, repeated, "{}", trouble.words());
    }
}
