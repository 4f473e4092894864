//! Transactions: who sends what again, and when it has lasted long enough (RFC 3261 §17, RFC 6026).
//!
//! Four machines that do nothing themselves: they are told what happened and return what to do.
//! They hold no message, address or branch; whoever drives them keeps those, matches what arrives
//! (RFC 3261 §17.1.3, §17.2.3) and calls `on_timer` when `deadline` has come. The first send of a
//! request is the driver's, at `start`.
//!
//! | timer | where | unreliable transport | reliable transport |
//! |---|---|---|---|
//! | A | INVITE client, calling: send again | T1, doubled each time | – |
//! | B | INVITE client, calling: give up | 64·T1 | same |
//! | D | INVITE client, completed | 64·T1, at least 32 s | 0 |
//! | E | client, trying: send again | T1, doubled each time up to T2 | – |
//! | E | client, proceeding: send again | T2 | – |
//! | F | client, trying and proceeding: give up | 64·T1 | same |
//! | G | INVITE server, completed: send again | T1, doubled each time up to T2 | – |
//! | H | INVITE server, completed: no ACK came | 64·T1 | same |
//! | I | INVITE server, confirmed | T4 | 0 |
//! | J | server, completed | 64·T1 | 0 |
//! | K | client, completed | T4 | 0 |
//! | L | INVITE server, accepted (RFC 6026 §8.7) | 64·T1 | same |
//! | M | INVITE client, accepted (RFC 6026 §8.4) | 64·T1 | same |
//!
//! [`Timing::max_sends`] lowers B and F: a limit of n sends gives up at the instant at which one
//! more send would have left, had nothing been heard; on a reliable transport at the same instant
//! (rule X1).
//!
//! Every event is legal in every state: what has no meaning there changes nothing. A timer that is
//! told late sends once, not as often as it should have.

use crate::time::{Duration, Instant, micros};

mod invite_client;
mod invite_server;
mod non_invite_client;
mod non_invite_server;

pub use invite_client::{InviteClient, InviteReceived};
pub use invite_server::InviteServer;
pub use non_invite_client::{NonInviteClient, Received};
pub use non_invite_server::NonInviteServer;

/// The base values of all timers (RFC 3261 §17.1.1.1 and §17.1.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// T1: an estimate of the round trip.
    pub t1: Duration,
    /// T2: the longest wait between two sends of a non-INVITE request or of an INVITE's response.
    pub t2: Duration,
    /// T4: how long a message may stay in the network.
    pub t4: Duration,
    /// How often a request leaves at most, the first time included; 0 is taken as 1. From 11 on it
    /// changes nothing, given T2 = 8·T1.
    pub max_sends: u8,
}

impl Default for Timing {
    /// The values of RFC 3261 Table 4, and all of its sends.
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
            max_sends: 11,
        }
    }
}

impl Timing {
    /// How long a request that is never answered lasts: timers B and F, lowered by `max_sends`.
    /// `longest` is the longest wait between two sends, if there is one.
    fn gives_up_after(&self, longest: Option<Duration>) -> Duration {
        // In microseconds, since every request asks.
        let (most, longest) = (micros(self.most()), longest.map_or(u64::MAX, micros));
        let (mut total, mut wait) = (0_u64, micros(self.t1));
        for _ in 0..self.max_sends.max(1) {
            total = total.saturating_add(wait);
            if total >= most {
                total = most;
                break;
            }
            wait = wait.saturating_mul(2).min(longest);
        }
        Duration::from_micros(total)
    }

    /// 64·T1: nothing lasts longer.
    fn most(&self) -> Duration {
        self.t1.saturating_mul(64)
    }

    /// The wait after that many sends: T1, then doubled each time, but not above `longest`.
    fn wait(&self, sends: u8, longest: Option<Duration>) -> Duration {
        if sends <= 1 {
            return self.t1;
        }
        let factor = 1_u64.checked_shl(u32::from(sends) - 1).unwrap_or(u64::MAX);
        let doubled = Duration::from_micros(micros(self.t1).saturating_mul(factor));
        longest.map_or(doubled, |longest| doubled.min(longest))
    }
}

/// What to do when a timer has been told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Step {
    /// Nothing: no timer was due.
    Nothing,
    /// Send the request, or the last response, again.
    Send,
    /// The transaction has failed for lack of an answer (of a server: for lack of the ACK) and is
    /// over. Tell its user.
    TimedOut,
    /// The transaction, done since long, is over: forget it.
    Terminated,
}

/// What to do with a request that a server transaction has received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Requested {
    /// Nothing.
    Absorbed,
    /// Send the last response again.
    Resend,
    /// An ACK for the user: the one for its 2xx (RFC 6026 §8.7).
    Deliver,
}

/// The instant of the next send: one wait after the instant at which the last one was due, so that
/// lateness does not add up; but never in the past, so that nothing is made up for.
fn next_send(due: Instant, wait: Duration, now: Instant) -> Instant {
    let next = due + wait;
    if next > now { next } else { now + wait }
}

#[cfg(test)]
mod testing;
