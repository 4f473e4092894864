//! What can be wrong with a store, and what to do about it.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use thiserror::Error;

/// Why something is not kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is nowhere to keep it.
    #[error("there is no place for the state: neither HOME nor XDG_STATE_HOME is set")]
    Nowhere,
    /// The directory cannot be made or written.
    #[error("cannot use the state directory {}", path.display())]
    Directory {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another daemon has it.
    #[error("another daemon ({owner}) uses the state directory {}", path.display())]
    InUse {
        /// Where.
        path: PathBuf,
        /// Which, as far as it can be told.
        owner: String,
    },
    /// There is no file to read.
    #[error("there is no {}", .0.display())]
    Absent(PathBuf),
    /// The file belongs to another program.
    #[error("{} is a database of another program", .0.display())]
    Foreign(PathBuf),
    /// The file was made by a later version.
    #[error(
        "{} is of version {found}, and this regent knows versions up to {known}", path.display()
    )]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that is known.
        known: i64,
    },
    /// The file is not what it was.
    #[error("{} is damaged: {what}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// In which way.
        what: String,
    },
    /// The system does not let us.
    #[error("cannot {verb} {}: {what}", path.display())]
    Refused {
        /// What was tried.
        verb: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        what: String,
    },
}

impl StoreError {
    /// What SQLite says, as an error of the file.
    pub(super) fn of(verb: &'static str, path: &std::path::Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let (code, what) = (error.sqlite_error_code(), error.to_string());
        match code {
            Some(ErrorCode::NotADatabase) => Self::Damaged {
                path,
                what: "it is no database, or its beginning is lost".to_owned(),
            },
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, what },
            // A column that does not hold what it must, which only another hand can have done.
            None => Self::Damaged { path, what },
            Some(ErrorCode::DiskFull) => Self::Refused {
                verb,
                path,
                what: "no space is left on its device".to_owned(),
            },
            Some(_) => Self::Refused { verb, path, what },
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Nowhere => "name one with --state-directory PATH or `state_directory`".to_owned(),
            Self::Directory { path, .. } => format!(
                "make {} writable for this user, or name another one with --state-directory \
                 PATH or `state_directory`; {WITHOUT}",
                path.display()
            ),
            Self::InUse { .. } => "stop it, or name another directory with --state-directory PATH \
                                   or `state_directory`"
                .to_owned(),
            Self::Absent(_) => "say where the state is with --state-directory PATH".to_owned(),
            Self::Foreign(_) => {
                "name another directory with --state-directory PATH or `state_directory`".to_owned()
            }
            Self::Newer { path, .. } => format!(
                "run the version that made it, or {}; {WITHOUT}",
                aside(path)
            ),
            Self::Damaged { path, .. } => format!(
                "put back a copy that was good, or {}; {WITHOUT}",
                aside(path)
            ),
            Self::Refused { .. } => {
                format!("see to it that its directory can be written; {WITHOUT}")
            }
        };
        Some(text)
    }
}

/// The way out that loses what was known.
fn aside(path: &std::path::Path) -> String {
    let shown = path.display();
    format!(
        "move it away (mv {shown} {shown}.old; its -wal and -shm files too), and every Account is \
         registered anew"
    )
}

const WITHOUT: &str = "--without-state runs without any";
