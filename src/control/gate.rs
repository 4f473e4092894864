//! The way into the web, as far as this part of the program knows it: somebody serves it.

use std::path::PathBuf;

/// Where the web is entered.
pub trait Gate: Send + Sync {
    /// How whoever may use the control socket comes in.
    fn let_in(&self) -> Entrance;
}

/// How to come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entrance {
    /// Where the web is, each as `http://ADDRESS:PORT`.
    pub addresses: Vec<String>,
    /// Sockets that it is served at too.
    pub sockets: Vec<PathBuf>,
    /// What signs in once, soon.
    pub code: String,
    /// For so many seconds from now.
    pub valid_secs: u32,
}
