//! The history for readers: beside the writer, and where no daemon runs.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::database::{FILE, read_only};
use super::schema::{self, Found};
use super::{StoreError, events};
use crate::status::history::{Entry, Wanted};

/// A history that is only read.
pub struct History {
    connection: Connection,
    path: PathBuf,
}

impl History {
    /// The history in a state directory.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let path = directory.join(FILE);
        if !path.exists() {
            return Err(StoreError::Absent(path));
        }
        let fault = |error| StoreError::of("open", &path, &error);
        let connection = read_only(&path).map_err(fault)?;
        match schema::look(&connection, &path)? {
            Found::Version(version) if version >= FIRST => Ok(Self { connection, path }),
            Found::Version(_) | Found::Empty => Err(StoreError::Absent(path)),
        }
    }

    /// The id of the first event that is wanted.
    pub fn first(&self, wanted: &Wanted) -> Result<Option<u64>, StoreError> {
        events::first(&self.connection, wanted).map_err(|error| self.fault(&error))
    }

    /// Wanted events from an id on, oldest first, as many as are worth a visit; fewer than
    /// [`History::PAGE`] are the last.
    pub fn page(&self, wanted: &Wanted, from: u64) -> Result<Vec<Entry>, StoreError> {
        let page = events::page(&self.connection, wanted, from, Self::PAGE);
        page.map_err(|error| self.fault(&error))
    }

    /// So many events come at a time.
    pub const PAGE: u32 = 1_000;

    fn fault(&self, error: &rusqlite::Error) -> StoreError {
        StoreError::of("read", &self.path, error)
    }
}

/// The first version of the file that has a history.
const FIRST: i64 = 2;
