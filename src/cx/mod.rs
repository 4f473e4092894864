//! What a component may touch while it handles one input: time, chance, timers, transactions,
//! effects.
//!
//! Everything that a component can do to the world goes through [`Cx`]; what it cannot reach here,
//! it cannot do.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod outbox;
mod timers;
mod transactions;

use std::sync::Arc;

pub use outbox::Outbox;
pub use timers::{Armed, Owner, Timers};
pub use transactions::{
    Branch, BranchText, Ended, Expired, Matched, Opening, Party, TransactionId, Transactions,
    UnderWay,
};

use crate::effect::{AccountId, Output, Whose};
use crate::rng::{Draw, Seed};
use crate::sip::transaction::Timing;
use crate::tally::Tally;
use crate::time::Instant;

/// The context of everything that happens in an engine.
#[derive(Debug)]
pub struct Cx {
    /// The instant of the input that is being handled.
    pub now: Instant,
    /// Where chance comes from.
    pub seed: Seed,
    /// Timer values of RFC 3261 §17 in force.
    pub timing: Timing,
    /// Wall-clock milliseconds since 1970 at instant zero.
    pub unix_ms_at_zero: i64,
    /// The one timer queue.
    pub timers: Timers,
    /// Client transactions under way.
    pub transactions: Transactions,
    /// Effects that wait to be polled.
    pub out: Outbox,
    /// What is counted of registrars.
    pub tally: Tally,
    /// Whose the message is that came last.
    pub heard: Whose,
    /// A buffer to build messages in, so that building allocates once.
    pub scratch: Vec<u8>,
}

impl Cx {
    /// A context at instant zero.
    pub fn new(seed: Seed, timing: Timing, unix_ms_at_zero: i64) -> Self {
        Self {
            now: Instant::ZERO,
            seed,
            timing,
            unix_ms_at_zero,
            timers: Timers::default(),
            transactions: Transactions::default(),
            out: Outbox::default(),
            tally: Tally::default(),
            heard: Whose::Nobody,
            scratch: Vec::with_capacity(2_048),
        }
    }

    /// The next draw of an Account, which keeps the counter.
    pub fn draw(&self, account: AccountId, counter: &mut u64) -> Draw {
        *counter += 1;
        let owner = u64::from(account.generation) << 32 | u64::from(account.slot);
        self.seed.draw(owner, *counter)
    }

    /// Sends the message in [`Cx::scratch`] as a new client transaction.
    pub fn open(&mut self, branch: &Branch, opening: Opening) {
        let bytes: Arc<[u8]> = Arc::from(&self.scratch[..]);
        self.out.push(Output::Transmit {
            via: opening.via,
            to: opening.to,
            bytes: Arc::clone(&bytes),
            owner: opening.party.whose(),
        });
        self.transactions.start(
            branch,
            (opening, bytes),
            (self.now, &self.timing),
            &mut self.timers,
        );
    }

    /// Gives a transaction up: later answers to it are strays.
    pub fn abandon(&mut self, id: TransactionId) {
        self.transactions.abandon(id, &mut self.timers);
    }

    /// Wall-clock milliseconds since 1970 of an instant.
    pub fn unix_ms(&self, instant: Instant) -> i64 {
        let millis = i64::try_from(instant.as_millis()).unwrap_or(i64::MAX);
        self.unix_ms_at_zero.saturating_add(millis)
    }

    /// The instant of a wall-clock time; instant zero when that lies before the start.
    pub fn instant(&self, unix_ms: i64) -> Instant {
        let millis = unix_ms.saturating_sub(self.unix_ms_at_zero);
        Instant::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}
