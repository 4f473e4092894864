//! The part of SIP that we speak, as values: parsing, writing, framing, digest, transactions.
//!
//! It knows the grammar and timers of RFC 3261 and its friends. It does not know Accounts, configuration or
//! sockets. Nothing that arrives from the network may make it panic.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod dialog;
pub mod digest;
pub mod framing;
pub mod message;
pub mod transaction;
pub mod uri;
pub mod write;

pub use digest::Algorithm;
