//! What the engine wants: sorted by who does it, to be done when the batch of inputs is through.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::effect::{
    AccountId, BatchId, Event, FlowId, Input, Notice, Outcome, Output, QuestionId, SetId, SocketId,
    Ticket, Via,
};
use crate::engine::Engine;
use crate::locate::Question;
use crate::net::{Bound, Datagram};
use crate::time::Instant;

/// Effects that have not been performed yet.
#[derive(Default)]
pub(super) struct Effects {
    /// Sockets to bind and to close, in this order: after what is to be sent.
    pub(super) wires: Vec<Wire>,
    /// Datagrams to send.
    pub(super) outbox: Vec<Datagram>,
    /// Questions to DNS.
    pub(super) asks: Vec<(QuestionId, Question)>,
    /// Accounts whose status is another one. An Account may stand here more than once.
    pub(super) changed: Vec<AccountId>,
    /// Proxy Sets whose status is another one.
    pub(super) changed_sets: Vec<SetId>,
    /// Accounts whose ongoing alerts are others.
    pub(super) changed_alerts: Vec<Arc<str>>,
    /// Messages to subscriptions.
    pub(super) notices: Vec<Notice>,
    /// Facts for the log.
    pub(super) events: Vec<Event>,
    /// Outcomes, to be told when the status is published.
    pub(super) replies: Vec<(Ticket, Outcome)>,
    /// What the engine is still to be told in return.
    pub(super) owed: VecDeque<Owed>,
}

/// What is to become of a socket. A port may be closed and bound again in one batch.
pub(super) enum Wire {
    Listen(SocketId, SocketAddr),
    Close(SocketId),
}

/// What came of an effect: an input to come.
pub(super) enum Owed {
    Listening(SocketId, Bound),
    ListenFailed(SocketId, String),
    FlowFailed(FlowId, String),
    SaveFailed(BatchId, String),
}

impl Owed {
    /// As an input.
    pub(super) fn into_input(self) -> Input<'static> {
        match self {
            Self::Listening(socket, bound) => Input::Listening {
                socket,
                local: bound.local,
                receive_buffer: bound.receive_buffer,
            },
            Self::ListenFailed(socket, why) => Input::ListenFailed { socket, why },
            Self::FlowFailed(flow, why) => Input::FlowFailed { flow, why },
            Self::SaveFailed(batch, why) => Input::SaveFailed { batch, why },
        }
    }
}

impl Effects {
    /// Tells the engine and takes all that it wants in return: the one invariant of its three
    /// verbs.
    pub(super) fn tell(&mut self, engine: &mut Engine, now: Instant, input: Input<'_>) {
        engine.handle(now, input);
        while let Some(output) = engine.poll() {
            self.take(output);
        }
    }

    /// Whether nothing is left to do but to publish.
    pub(super) fn are_done(&self) -> bool {
        self.wires.is_empty()
            && self.outbox.is_empty()
            && self.asks.is_empty()
            && self.owed.is_empty()
    }

    /// Gives back what a burst, such as the start, took.
    pub(super) fn shrink(&mut self) {
        self.changed.shrink_to(KEPT);
        self.events.shrink_to(KEPT);
        self.replies.shrink_to(KEPT);
        self.outbox.shrink_to(KEPT);
    }

    fn take(&mut self, output: Output) {
        match output {
            Output::Transmit {
                via: Via::Socket(socket),
                to,
                bytes,
                owner: _,
            } => self.outbox.push(Datagram { socket, to, bytes }),
            Output::Changed(account) => self.changed.push(account),
            Output::SetChanged(set) => self.changed_sets.push(set),
            Output::AlertsChanged(account) => self.changed_alerts.push(account),
            Output::Event(event) => self.events.push(event),
            Output::Notice(notice) => self.notices.push(notice),
            Output::Reply { ticket, outcome } => self.replies.push((ticket, outcome)),
            Output::Listen { socket, local } => self.wires.push(Wire::Listen(socket, local)),
            Output::Close {
                via: Via::Socket(socket),
            } => self.wires.push(Wire::Close(socket)),
            Output::Open { flow, .. }
            | Output::Transmit {
                via: Via::Flow(flow),
                ..
            } => self.owe(Owed::FlowFailed(flow, NO_STREAMS.to_owned())),
            Output::Close { via: Via::Flow(_) } => {}
            Output::Ask {
                question,
                name,
                kind,
            } => self.asks.push((question, Question { name, kind })),
            Output::Save { batch, .. } | Output::SaveAlerts { batch, .. } => {
                self.owe(Owed::SaveFailed(batch, NO_STORE.to_owned()))
            }
        }
    }

    fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }
}

/// Room for so many effects of a kind is kept.
const KEPT: usize = 1_024;

const NO_STREAMS: &str = "this version speaks UDP only";
const NO_STORE: &str = "this version keeps nothing on disk";
