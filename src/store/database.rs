//! The one embedded store: an SQLite database in the state directory.

use std::collections::HashSet;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use rusqlite::{Connection, OpenFlags};

use super::schema::{self, Found};
use super::{Changes, Keep, Store, StoreError, alerts, events, records, round_trips};
use crate::effect::{Record, StoredAlert};
use crate::notify::Letter;
use crate::status::history::Entry;
use crate::status::round_trips::Point;

/// The database's name in its directory.
pub const FILE: &str = "regent.db";
/// Whoever holds a lock on this file owns the directory.
const LOCK: &str = "regent.lock";

/// A state directory that is ours while this lives.
pub struct Database {
    connection: Connection,
    path: PathBuf,
    is_new: bool,
    /// Whether a commit waits for the disk.
    is_durable: bool,
    /// Accounts with rows beside their own. They are few, and nobody else's are looked for.
    extended: HashSet<Box<str>>,
    _lock: Flock<File>,
}

impl Database {
    /// Opens the state in a directory, and makes both where they are missing. A file that cannot be
    /// understood is left as it is.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        make(directory)?;
        let lock = lock(directory)?;
        let path = directory.join(FILE);
        let found = match fs::metadata(&path) {
            Ok(found) if found.len() > 0 => look(&path)?,
            Ok(_) => Found::Empty,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(&path).map_err(|error| refused("make", &path, &error))?;
                Found::Empty
            }
            Err(error) => return Err(refused("open", &path, &error)),
        };
        let connection =
            prepare(&path, found).map_err(|error| StoreError::of("open", &path, &error))?;
        Ok(Self {
            connection,
            path,
            is_new: found == Found::Empty,
            is_durable: true,
            extended: HashSet::new(),
            _lock: lock,
        })
    }

    /// Where the database is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether nothing was there before.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// Whether commits wait for the disk from now on.
    ///
    /// With a write-ahead log SQLite writes it at each commit, and with `synchronous=FULL` it also
    /// waits until the log is on the disk itself: the whole of it, and so all commits before. With
    /// `NORMAL` it waits only when the log is carried over into the database. The setting counts
    /// from one commit to the next, so that one database has both: a commit that nobody waits for
    /// costs no more than a write.
    fn set_durable(&mut self, durable: bool) -> rusqlite::Result<()> {
        if self.is_durable != durable {
            let level = if durable { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.is_durable = durable;
        }
        Ok(())
    }

    /// Looks for damage in tables: a row that reads well may still come from a page that is
    /// damaged.
    fn examine(&self, tables: &[&str]) -> Result<(), StoreError> {
        for table in tables {
            let sql = format!("PRAGMA quick_check('{table}')");
            let said: String = self
                .connection
                .query_row(&sql, [], |row| row.get(0))
                .map_err(self.fault("read"))?;
            if said != "ok" {
                let path = self.path.clone();
                return Err(StoreError::Damaged { path, what: said });
            }
        }
        Ok(())
    }

    fn fault(&self, verb: &'static str) -> impl Fn(rusqlite::Error) -> StoreError + use<> {
        let path = self.path.clone();
        move |error| StoreError::of(verb, &path, &error)
    }
}

impl Store for Database {
    fn restore(&mut self) -> Result<Vec<Record>, StoreError> {
        let fault = self.fault("read");
        self.examine(&records::TABLES)?;
        let records = records::read(&self.connection).map_err(fault)?;
        let extended = records.iter().filter(|record| records::is_extended(record));
        self.extended = extended.map(|record| (*record.account).into()).collect();
        Ok(records)
    }

    fn restore_alerts(&mut self) -> Result<Vec<StoredAlert>, StoreError> {
        self.examine(&alerts::TABLES)?;
        alerts::read(&self.connection).map_err(self.fault("read"))
    }

    fn restore_outbox(&mut self) -> Result<Vec<Letter>, StoreError> {
        alerts::read_outbox(&self.connection).map_err(self.fault("read"))
    }

    fn save(&mut self, changes: &Changes, durable: bool) -> Result<(), StoreError> {
        let fault = self.fault("write");
        self.set_durable(durable).map_err(&fault)?;
        let transaction = self.connection.unchecked_transaction().map_err(&fault)?;
        records::write(&transaction, changes, &mut self.extended).map_err(&fault)?;
        alerts::write(&transaction, &changes.alerts).map_err(&fault)?;
        alerts::write_outbox(&transaction, &changes.outbox).map_err(&fault)?;
        transaction.commit().map_err(fault)?;
        if !changes.removed.is_empty() {
            for name in &changes.removed {
                self.extended.remove(&**name);
            }
            let back = changes.records.iter().filter(|it| records::is_extended(it));
            let back = back.map(|record| (*record.account).into());
            self.extended.extend(back);
        }
        Ok(())
    }

    fn newest(&mut self) -> Result<u64, StoreError> {
        events::newest(&self.connection).map_err(self.fault("read"))
    }

    fn append(&mut self, entries: &[Arc<Entry>]) -> Result<(), StoreError> {
        let fault = self.fault("write");
        self.set_durable(false).map_err(&fault)?;
        let transaction = self.connection.unchecked_transaction().map_err(&fault)?;
        events::append(&transaction, entries).map_err(&fault)?;
        transaction.commit().map_err(fault)
    }

    fn restore_round_trips(&mut self) -> Result<Vec<(SocketAddr, Point)>, StoreError> {
        round_trips::read(&self.connection).map_err(self.fault("read"))
    }

    fn keep_round_trips(&mut self, points: &[(SocketAddr, Point)]) -> Result<(), StoreError> {
        let fault = self.fault("write");
        self.set_durable(false).map_err(&fault)?;
        let transaction = self.connection.unchecked_transaction().map_err(&fault)?;
        round_trips::write(&transaction, points).map_err(&fault)?;
        transaction.commit().map_err(fault)
    }

    fn trim(&mut self, keep: Keep) -> Result<bool, StoreError> {
        let fault = self.fault("write");
        self.set_durable(false).map_err(&fault)?;
        events::trim(&self.connection, keep).map_err(fault)
    }
}

/// Makes the directory, for this user alone; those above it as others are made.
fn make(directory: &Path) -> Result<(), StoreError> {
    let cannot = |source| StoreError::Directory {
        path: directory.to_owned(),
        source,
    };
    if let Some(above) = directory.parent().filter(|above| *above != Path::new("")) {
        fs::create_dir_all(above).map_err(cannot)?;
    }
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => Ok(()),
        other => other.map_err(cannot),
    }
}

/// Takes possession of the directory. The system takes it back when the process ends, however it
/// does.
fn lock(directory: &Path) -> Result<Flock<File>, StoreError> {
    let path = directory.to_owned();
    let mut options = OpenOptions::new();
    let options = options.read(true).write(true).create(true).mode(0o600);
    let file = match options.open(directory.join(LOCK)) {
        Ok(file) => file,
        Err(source) => return Err(StoreError::Directory { path, source }),
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(mut lock) => {
            // Who it is, for the message of whoever comes second; without it that one says less.
            drop(lock.set_len(0).and_then(|()| {
                lock.rewind()?;
                writeln!(lock, "{}", std::process::id())
            }));
            Ok(lock)
        }
        Err((mut file, Errno::EWOULDBLOCK)) => {
            let mut text = String::new();
            drop(file.read_to_string(&mut text));
            let owner = match text.trim().parse::<u32>() {
                Ok(process) => format!("process {process}"),
                Err(_) => "its process is not known".to_owned(),
            };
            Err(StoreError::InUse { path, owner })
        }
        Err((_, errno)) => Err(StoreError::Directory {
            path,
            source: errno.into(),
        }),
    }
}

/// A file that nobody else may read; SQLite gives the files beside it the same mode.
fn create(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(())
}

/// What is in a file, read through a connection that cannot change it: not even a log that a crash
/// has left is carried over into what may be another program's or another version's.
fn look(path: &Path) -> Result<Found, StoreError> {
    let connection = read_only(path).map_err(|error| StoreError::of("open", path, &error))?;
    schema::look(&connection, path)
}

/// A connection that only reads.
pub(super) fn read_only(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

fn prepare(path: &Path, found: Found) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    debug_assert_eq!(mode, "wal");
    connection.pragma_update(None, "journal_size_limit", LOG_SIZE)?;
    schema::migrate(&connection, found)?;
    Ok(connection)
}

fn refused(verb: &'static str, path: &Path, error: &io::Error) -> StoreError {
    let what = error.to_string();
    StoreError::Refused {
        verb,
        path: path.to_owned(),
        what,
    }
}

/// So long a transaction waits for somebody who looks at the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// The log is cut back to this after a burst.
const LOG_SIZE: i64 = 8 << 20;

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
