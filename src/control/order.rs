//! What an operator wants done, on its way to the daemon.

use std::sync::Arc;

use tokio::sync::mpsc;

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
    /// The user of the system who says so.
    pub uid: u32,
    /// Where outcomes go. Nobody minds when the other end is gone.
    pub outcomes: mpsc::UnboundedSender<(Arc<str>, Outcome)>,
}

/// The way of orders to the daemon.
pub type Orders = mpsc::Sender<Order>;
