//! What outlives a run: the records of Accounts (rule L8), lost registrations and the notices of
//! them that are to be delivered (rules T2, T3), and the history of events.
//!
//! It knows files, tables and transactions, and nothing of what a record means. A [`Store`] is
//! written by one thread of its own, the [`Writer`]'s, so that nobody who keeps Accounts registered
//! waits for a disk; the history is read beside it through [`History`]. The invariant: what was
//! answered as saved by a durable batch is on the disk itself, and a file that cannot be understood
//! is left as it is.

mod alerts;
mod database;
mod error;
mod events;
mod history;
mod merge;
mod place;
mod records;
mod round_trips;
mod rows;
mod schema;
mod writer;

use std::net::SocketAddr;
use std::sync::Arc;

pub use database::{Database, FILE};
pub use error::StoreError;
pub use history::History;
pub use place::{Place, choose, find};
pub use writer::{Flusher, Manner, Writer, Written};

use crate::effect::{Record, StoredAlert};
use crate::notify::Letter;
use crate::status::UnixMs;
use crate::status::history::Entry;
use crate::status::round_trips::Point;

/// Where records and events are kept.
pub trait Store: Send {
    /// The records of all Accounts.
    fn restore(&mut self) -> Result<Vec<Record>, StoreError>;

    /// All that is known of lost registrations.
    fn restore_alerts(&mut self) -> Result<Vec<StoredAlert>, StoreError>;

    /// The letters that are to be delivered, in the order in which they were given.
    fn restore_outbox(&mut self) -> Result<Vec<Letter>, StoreError>;

    /// Writes all of it or nothing. When it is `durable`, it is on the disk itself on return, and
    /// so is all that was written before.
    fn save(&mut self, changes: &Changes, durable: bool) -> Result<(), StoreError>;

    /// The id of the newest event; 0 if there is none.
    fn newest(&mut self) -> Result<u64, StoreError>;

    /// Writes events, all or none. Those with an id that is known already are left out.
    fn append(&mut self, events: &[Arc<Entry>]) -> Result<(), StoreError>;

    /// The round trips over time, the oldest first.
    fn restore_round_trips(&mut self) -> Result<Vec<(SocketAddr, Point)>, StoreError>;

    /// Writes round trips of some minutes, in the place of those of the same minutes, and removes
    /// what is too old or too much.
    fn keep_round_trips(&mut self, points: &[(SocketAddr, Point)]) -> Result<(), StoreError>;

    /// Removes some of the events that are not to be kept, and says whether there are more of them.
    fn trim(&mut self, keep: Keep) -> Result<bool, StoreError>;
}

/// What is to be written in one transaction.
#[derive(Clone, Default, Debug)]
pub struct Changes {
    /// Accounts that are gone, by name. They go before `records` are written.
    pub removed: Vec<Arc<str>>,
    /// Records to write, the last one of a name counting.
    pub records: Vec<Record>,
    /// What is to become of alerts.
    pub alerts: AlertChanges,
    /// What is to become of letters.
    pub outbox: OutboxChanges,
}

impl Changes {
    /// Whether letters come or go, with or without what they tell of.
    fn has_letters(&self) -> bool {
        !self.outbox.is_empty()
    }
}

/// What is to become of alerts. One that is removed is not written too.
#[derive(Clone, Default, Debug)]
pub struct AlertChanges {
    /// Accounts of which nothing is kept, by name.
    pub removed: Vec<Arc<str>>,
    /// What is kept of others, each once.
    pub alerts: Vec<StoredAlert>,
}

impl AlertChanges {
    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.alerts.is_empty()
    }
}

/// What is to become of letters.
#[derive(Clone, Default, Debug)]
pub struct OutboxChanges {
    /// Those that are new, or were tried.
    pub letters: Vec<Letter>,
    /// Those that are delivered or given up, by id. They go after `letters` are written.
    pub gone: Vec<Arc<str>>,
}

impl OutboxChanges {
    /// Whether nothing is to be written.
    pub fn is_empty(&self) -> bool {
        self.letters.is_empty() && self.gone.is_empty()
    }
}

/// Which events are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Keep {
    /// Those of this time and later.
    pub since: UnixMs,
    /// At most so many.
    pub events: u64,
}
