//! What an operator may see, as data and as text.
//!
//! It knows the engine's views and is handed the wall clock. It asks nothing of the engine but
//! those views, and does no I/O: the shell publishes what [`account`] builds.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod alerts;
mod collect;
mod columns;
pub mod events;
mod fold;
pub mod groups;
pub mod history;
pub mod metrics;
pub mod order;
pub mod proxies;
pub mod round_trips;
#[cfg(test)]
pub(crate) mod sample;
mod snapshot;
pub mod story;
pub mod strips;
pub mod subscriptions;
pub mod table;
pub mod words;

pub use crate::effect::{Answer, Failure, NoticeKind, Outcome, Phase};
pub use crate::engine::{Health, NextStep, Purpose};
pub use alerts::{AlertStatus, DeliveryStatus, alerts, alerts_of};
pub use collect::{account, proxy_set};
pub use snapshot::{
    AccountStatus, AnswerStatus, AttemptStatus, Avoided, GroupRole, GroupStatus, Keeping,
    LastAnswer, MemberStatus, NextAction, ProxySetStatus, Routes, SCHEMA, StateStatus, StatusWord,
    UnixMs,
};
pub use subscriptions::SubscriptionStatus;
