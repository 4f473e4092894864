//! The last SIP messages, kept for whoever asks why something went wrong, or watches.
//!
//! The daemon records each message as it comes and goes; that costs a copy and some integers, since
//! all else is done by whoever reads. What is read has no credentials any more: for a person as a
//! [`ladder`], for capture tools as [`pcap`] or by [`hep`]. It decides nothing. Its invariants: the
//! memory is bounded, however many Accounts and messages there are; what belongs to nobody, which
//! anybody may send, never pushes out what belongs to an Account; nobody who reads keeps the daemon
//! waiting for longer than it takes to copy one page.

mod entry;
mod export;
pub mod hep;
mod kept;
pub mod ladder;
mod parties;
pub mod pcap;
mod read;
mod recorder;
mod redact;
mod ring;
mod tell;

pub use entry::{At, Content, Entry, Kind, Transport};
pub use export::{Export, Reports, connect};
pub use kept::{State, Traces};
pub use read::{Query, Reading};
pub use recorder::{Passing, Recorder, Silence};
pub use redact::printable;
