//! The vocabulary between the engine and the world: what can happen, and what can be asked for.
//!
//! It knows names of things and no behaviour. Its invariant: every effect that can fail has its
//! failure among the inputs.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod id;
mod io;
mod notice;

pub use id::{AccountId, BatchId, FlowId, QuestionId, SetId, SocketId, Ticket};
pub use io::{
    Answer, Cause, Command, Event, Failure, Input, Left, Outcome, Output, Phase, Record,
    StoredBinding, StoredHold, StoredVisit, Target, Trigger, Via, Whose,
};
pub use notice::{Notice, NoticeAccount, NoticeKind, StoredAlert, StoredAlertState, StoredOpen};
