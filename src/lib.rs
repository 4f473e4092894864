//! Keeps SIP Accounts registered at their registrars, and says what is so.
//!
//! Two rings. The *core* is synchronous and pure: no clock, entropy, socket or file; it builds with
//! `--no-default-features`. The *shell* (feature `daemon`) does what the core asks for and tells it
//! what happened. The core is driven by three verbs of [`engine::Engine`]: `handle(now, input)`,
//! `poll() -> Option<Output>`, `deadline()`; the one invariant is: one `handle`, then `poll` until
//! `None`.
//!
//! # Examples
//!
//! `examples/drive_engine.rs` steps an engine by hand, without a runtime.

// The core.
pub mod account;
pub mod alert;
pub mod config;
pub mod cx;
pub mod effect;
pub mod engine;
pub mod flow;
pub mod index;
pub mod locate;
pub mod pace;
pub mod proxy;
pub mod rng;
pub mod secret;
pub mod sim;
pub mod sip;
pub mod status;
pub mod tally;
pub mod time;

// The shell.
#[cfg(feature = "daemon")]
pub mod cli;
#[cfg(feature = "daemon")]
pub mod configure;
#[cfg(feature = "daemon")]
pub mod control;
#[cfg(feature = "daemon")]
pub mod daemon;
#[cfg(feature = "daemon")]
pub mod demo;
#[cfg(feature = "daemon")]
pub mod net;
#[cfg(feature = "daemon")]
pub mod notify;
#[cfg(feature = "daemon")]
pub mod store;
#[cfg(feature = "daemon")]
pub mod trace;
#[cfg(feature = "daemon")]
pub mod web;
