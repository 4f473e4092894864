//! Questions and orders over a Unix socket.
//!
//! It knows its own messages and the published status. Questions are answered from the [`Board`],
//! where the daemon puts the status of each Account when it changes; orders are handed to the
//! daemon and answered when it says so. Nothing here asks the engine, and nobody who reads slowly
//! makes it wait.

pub mod answer;
pub mod board;
mod breath;
mod client;
mod events;
mod gate;
mod gauges;
mod lines;
mod listener;
mod metrics;
mod order;
mod past;
pub mod path;
mod peer;
pub mod protocol;
mod request;
mod server;
mod sparing;

pub use board::{Board, Change, Directory, Entry};
pub(crate) use breath::Breath;
pub use client::{Client, ClientError};
pub use gate::{Entrance, Gate};
pub use gauges::{Door, Gauges, Presence};
pub use listener::{ListenError, Listener};
pub use metrics::exposition;
pub use order::{Order, Reloading, Source, TestingAlert, Verb, Wish, Wishes};
pub use past::{Pages, Past};
pub use server::{Serving, query};
pub(crate) use sparing::{Due, Sparing};
