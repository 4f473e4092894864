//! Which local ports belong to Accounts (rules U1–U3).
//!
//! It knows the ranges of the SIP Interfaces, who has which port, and which ports are bound. It
//! binds nothing itself: it says what is to be bound or closed, and is told what came of it. Its
//! invariant: a port has at most one Account, and an Account at most one port.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod ports;

pub use ports::{Leased, Ports};
