//! Where people and programs look by HTTP, and who may (rule T4).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Sourced;

/// Table `[web]`: the web server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Web {
    /// Where it listens; default `127.0.0.1:8060`.
    pub listen: Vec<Listen>,
    /// Who has it may look and act.
    pub token: Option<Sourced>,
    /// Who has it may look.
    pub read_token: Option<Sourced>,
    /// Names that it may be asked by, in lower case.
    pub hosts: Vec<Arc<str>>,
    /// To whom the metrics are told; default whoever has a token.
    pub metrics: MetricsFor,
    /// Whether there are metrics of single Accounts; default no.
    pub account_metrics: bool,
}

/// A place to listen at.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Listen {
    /// An address and a port; 0 lets the system choose one.
    Tcp(SocketAddr),
    /// A Unix socket of this path.
    Unix(Arc<str>),
}

impl Listen {
    /// Whether other hosts can reach it.
    pub fn is_beyond_this_host(&self) -> bool {
        match self {
            Self::Tcp(address) => !address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => false,
        }
    }
}

impl fmt::Display for Listen {
    /// As it is configured.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

/// To whom metrics are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MetricsFor {
    /// `token`.
    Token,
    /// `open`.
    Everybody,
    /// `off`.
    Nobody,
}
