//! What outlives the daemon (rule L8): kills at any instant, restarts of many, disks that are full,
//! files that are not what they were, and the history of it all.

mod events;
mod faults;
mod kills;
mod restarts;

use std::path::Path;

use libtest_mimic::Trial;
use regent::effect::Record;
use regent::store::{Database, Store as _};
use rusqlite::Connection;

pub(crate) fn trials() -> Vec<Trial> {
    let parts = [
        events::trials(),
        faults::trials(),
        kills::trials(),
        restarts::trials(),
    ];
    parts.into_iter().flatten().collect()
}

/// What a daemon that has ended left behind, after a look whether anything in it is corrupt.
#[track_caller]
fn left_in(directory: &Path) -> Vec<Record> {
    let file = directory.join("regent.db");
    if !file.exists() {
        return Vec::new();
    }
    let connection = Connection::open(&file).expect("a database");
    let said: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .expect("it can be checked");
    assert_eq!(said, "ok");
    drop(connection);
    let mut database = Database::open(directory).expect("a state");
    database.restore().expect("records")
}
