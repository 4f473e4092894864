//! The part of SIP that we speak, as values: parsing, writing, framing, digest, transactions.
//!
//! It knows the grammar and timers of RFC 3261 and its friends. It does not know Accounts,
//! configuration or sockets. Nothing that arrives from the network may make it panic.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod address;
mod date;
pub mod dialog;
pub mod digest;
mod error;
mod fields;
pub mod framing;
#[doc(hidden)]
pub mod fuzz;
mod lines;
pub mod message;
mod name;
mod params;
pub mod reginfo;
mod start;
mod text;
pub mod transaction;
pub mod uri;
pub mod write;

pub use address::NameAddr;
pub use digest::Algorithm;
pub use error::ParseError;
pub use fields::{CSeq, Contacts, RetryAfter, Via};
pub use framing::{Frame, FrameError, Framer};
pub use message::{Header, MAX_HEADERS, MAX_MESSAGE, Message};
pub use name::Name;
pub use params::{MAX_PARAMS, Params};
pub use start::StartLine;
pub use uri::{Scheme, Uri, escape_user, unescape};
pub use write::{Writer, reply};
