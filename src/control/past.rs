//! The events of the past, as far as this part of the program knows them: somebody has them.

use std::sync::Arc;

use crate::status::history::{Entry, Wanted};

/// Where the events of the past are read. Its methods wait for a disk.
pub trait Past: Send + Sync {
    /// The id of the first event that is wanted, if there is any; all that has happened is looked
    /// at.
    fn first(&self, wanted: &Wanted) -> Result<Option<u64>, String>;

    /// Wanted events from an id on, oldest first; an empty page is the end.
    fn page(&self, wanted: &Wanted, from: u64) -> Result<Vec<Arc<Entry>>, String>;
}
