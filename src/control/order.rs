//! What an operator wants done, on its way to the daemon.

use std::io;
use std::path::{self, Path, PathBuf};
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::protocol::{Fault, Format, Reloaded, Tested};
use crate::status::Outcome;

/// What is to be done with Accounts (rule L10).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Register now.
    Register {
        /// Also where a Retry-After stands.
        force: bool,
    },
    /// Remove the binding and stay away.
    Unregister,
    /// Refresh the binding now.
    Refresh,
}

/// An order: its outcomes come one by one, in the order in which they happen, and the channel
/// closes after the last one.
#[derive(Debug)]
pub struct Order {
    /// What to do.
    pub verb: Verb,
    /// With whom, by name.
    pub accounts: Vec<Arc<str>>,
    /// Whether that is all Accounts.
    pub is_all: bool,
    /// The user of the system who says so, if it is known.
    pub uid: Option<u32>,
    /// Where outcomes go. Nobody minds when the other end is gone.
    pub outcomes: mpsc::UnboundedSender<(Arc<str>, Outcome)>,
}

/// A wish that the configuration be read again (rule G2).
#[derive(Debug)]
pub struct Reloading {
    /// Whether nothing is to be put in force.
    pub check_only: bool,
    /// The user of the system who says so, if it is known.
    pub uid: Option<u32>,
    /// Where it is said what came of it.
    pub answer: oneshot::Sender<Result<Reloaded, Fault>>,
}

/// A wish that subscriptions get a test message.
#[derive(Debug)]
pub struct TestingAlert {
    /// Which, by name; all if none.
    pub names: Vec<String>,
    /// The user of the system who says so, if it is known.
    pub uid: Option<u32>,
    /// Where it is said what came of it.
    pub answer: oneshot::Sender<Result<Vec<Tested>, Fault>>,
}

/// What the daemon is asked for.
#[derive(Debug)]
pub enum Wish {
    /// Something to be done with Accounts.
    Order(Order),
    /// The configuration to be read again.
    Reload(Reloading),
    /// Subscriptions to be tested.
    TestAlert(TestingAlert),
    /// A word that it still listens.
    Ping(oneshot::Sender<()>),
}

/// The way of wishes to the daemon.
pub type Wishes = mpsc::Sender<Wish>;

/// The file that a daemon runs from.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its absolute path.
    pub path: PathBuf,
    /// How it is written.
    pub format: Format,
}

impl Source {
    /// This file, which is written so.
    pub fn of(file: &Path, format: Format) -> io::Result<Self> {
        Ok(Self {
            path: path::absolute(file)?,
            format,
        })
    }
}
