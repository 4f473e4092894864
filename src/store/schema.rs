//! The tables, version by version: each step is one transaction, and none is changed once it has
//! been released.

use std::path::Path;

use rusqlite::Connection;

use super::StoreError;

/// The steps, from nothing.
const STEPS: [&str; 5] = [
    include_str!("schema/1.sql"),
    include_str!("schema/2.sql"),
    include_str!("schema/3.sql"),
    include_str!("schema/4.sql"),
    include_str!("schema/5.sql"),
];

/// The version that this program writes.
pub(super) const LATEST: i64 = STEPS.len() as i64;

/// `RGNT`, in the header of the file.
pub(super) const APPLICATION: i64 = 0x5247_4e54;

/// What kind of file it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Found {
    /// Nothing is in it.
    Empty,
    /// One of ours, of this version.
    Version(i64),
}

/// Looks at a file without changing it.
pub(super) fn look(connection: &Connection, path: &Path) -> Result<Found, StoreError> {
    let read = |error: rusqlite::Error| StoreError::of("read", path, &error);
    let number = |sql: &str| connection.query_one(sql, [], |row| row.get::<_, i64>(0));
    let version = number("PRAGMA user_version").map_err(read)?;
    let application = number("PRAGMA application_id").map_err(read)?;
    if application == APPLICATION {
        return match version {
            1..=LATEST => Ok(Found::Version(version)),
            found => Err(StoreError::Newer {
                path: path.to_owned(),
                found,
                known: LATEST,
            }),
        };
    }
    let tables = number("SELECT count(*) FROM sqlite_schema").map_err(read)?;
    match (application, version, tables) {
        (0, 0, 0) => Ok(Found::Empty),
        _ => Err(StoreError::Foreign(path.to_owned())),
    }
}

/// Brings a file to the latest version.
pub(super) fn migrate(connection: &Connection, found: Found) -> rusqlite::Result<()> {
    let before = match found {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > before) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
