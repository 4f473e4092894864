//! What the engine wants: sorted by who does it, to be done when the batch of inputs is through.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::effect::{
    AccountId, BatchId, Event, FlowId, Input, Notice, Outcome, Output, QuestionId, SetId, SocketId,
    Ticket, Via, Whose,
};
use crate::engine::Engine;
use crate::locate::Question;
use crate::net::{Bound, Datagram};
use crate::store::{AlertChanges, Changes};
use crate::time::Instant;
use crate::trace::{Passing, Recorder, Silence, Traces};

/// Effects that have not been performed yet.
pub(super) struct Effects {
    /// Sockets to bind and to close, in this order: after what is to be sent.
    pub(super) wires: Vec<Wire>,
    /// Datagrams to send.
    pub(super) outbox: Vec<Datagram>,
    /// Questions to DNS.
    pub(super) asks: Vec<(QuestionId, Question)>,
    /// Records to save.
    pub(super) saves: Vec<Batch>,
    /// Accounts whose status is another one. An Account may stand here more than once.
    pub(super) changed: Vec<AccountId>,
    /// Proxy Sets whose status is another one.
    pub(super) changed_sets: Vec<SetId>,
    /// Accounts whose ongoing alerts are others.
    pub(super) changed_alerts: Vec<Arc<str>>,
    /// Messages to subscriptions that belong to no batch.
    pub(super) notices: Vec<Notice>,
    /// Messages to subscriptions that are on their way, and to be told.
    pub(super) announced: Vec<Notice>,
    /// The first of `saves` that what the engine says now can belong to.
    told: usize,
    /// Facts for the log.
    pub(super) events: Vec<Event>,
    /// Outcomes, to be told when the status is published.
    pub(super) replies: Vec<(Ticket, Outcome)>,
    /// What the engine is still to be told in return.
    pub(super) owed: VecDeque<Owed>,
    recorder: Recorder,
    /// Wall-clock milliseconds since 1970 at [`Instant::ZERO`].
    pub(super) unix_ms_at_zero: i64,
}

/// What is to be saved together.
pub(super) struct Batch {
    pub(super) id: BatchId,
    pub(super) changes: Changes,
    pub(super) is_durable: bool,
    /// Messages to subscriptions that are kept with it, or not at all.
    pub(super) notices: Vec<Notice>,
}

/// Changes that are published later.
pub(super) struct Later(Vec<AccountId>, Vec<SetId>);

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
        }
    }
}

impl Effects {
    /// None yet. What comes and goes is kept in `traces`.
    pub(super) fn new(traces: Traces, unix_ms_at_zero: i64) -> Self {
        Self {
            wires: Vec::new(),
            outbox: Vec::new(),
            asks: Vec::new(),
            saves: Vec::new(),
            changed: Vec::new(),
            changed_sets: Vec::new(),
            changed_alerts: Vec::new(),
            notices: Vec::new(),
            announced: Vec::new(),
            told: 0,
            events: Vec::new(),
            replies: Vec::new(),
            owed: VecDeque::new(),
            recorder: Recorder::new(traces),
            unix_ms_at_zero,
        }
    }

    /// Tells the engine and takes all that it wants in return: the one invariant of its three
    /// verbs.
    pub(super) fn tell(&mut self, engine: &mut Engine, now: Instant, input: Input<'_>) {
        let mut received = None;
        if let Input::Received { via, from, bytes } = &input {
            received = Some((*via, *from, *bytes));
        } else if let Input::Listening { socket, local, .. } = &input {
            self.recorder.on_socket(*socket, Some(*local));
        }
        let at = self.unix_us(now);
        engine.handle(now, input);
        if let Some((via, remote, bytes)) = received {
            let passing = Passing {
                is_received: true,
                via,
                remote,
                whose: engine.heard(),
                bytes,
            };
            let name = |whose| name(engine, whose);
            self.recorder.on_message(at, &passing, name);
        }
        self.told = self.saves.len();
        while let Some(output) = engine.poll() {
            self.record(at, &output, engine);
            self.take(output);
        }
    }

    /// Keeps what there is to be traced.
    fn record(&mut self, at: i64, output: &Output, engine: &Engine) {
        let name = |whose| name(engine, whose);
        if let Output::Transmit {
            via,
            to,
            bytes,
            owner,
        } = output
        {
            let passing = Passing {
                is_received: false,
                via: *via,
                remote: *to,
                whose: *owner,
                bytes,
            };
            self.recorder.on_message(at, &passing, name);
        } else if let Output::Event(event) = output {
            self.recorder.on_event(at, event, name);
        } else if let Output::Unanswered {
            account,
            to,
            after,
            failure,
        } = output
        {
            let silence = Silence {
                account: *account,
                to: *to,
                after: *after,
                failure: *failure,
            };
            self.recorder.on_silence(at, &silence, name);
        } else if let Output::Close {
            via: Via::Socket(socket),
        } = output
        {
            self.recorder.on_socket(*socket, None);
        }
    }

    /// The wall clock at an instant, in microseconds since 1970.
    fn unix_us(&self, now: Instant) -> i64 {
        let since = i64::try_from(now.as_micros()).unwrap_or(i64::MAX);
        let at_zero = self.unix_ms_at_zero.saturating_mul(1_000);
        at_zero.saturating_add(since)
    }

    /// Whether nothing is left to do but to publish.
    pub(super) fn are_done(&self) -> bool {
        self.wires.is_empty()
            && self.outbox.is_empty()
            && self.asks.is_empty()
            && self.saves.is_empty()
            && self.owed.is_empty()
    }

    /// Whether nothing is left to be published.
    pub(super) fn are_published(&self) -> bool {
        self.changed.is_empty()
            && self.changed_sets.is_empty()
            && self.replies.is_empty()
            && !self.have_news()
    }

    /// Whether there is something to tell.
    pub(super) fn have_news(&self) -> bool {
        !(self.events.is_empty()
            && self.changed_alerts.is_empty()
            && self.notices.is_empty()
            && self.announced.is_empty())
    }

    /// Takes away the changes of whom there is nothing to tell.
    pub(super) fn put_off(&mut self) -> Later {
        let told: BTreeSet<AccountId> = self.events.iter().filter_map(Event::account).collect();
        let changed = mem::take(&mut self.changed);
        let (now, later) = changed.into_iter().partition(|id| told.contains(id));
        self.changed = now;
        let mut events = self.events.iter();
        let is_of_sets = events.any(|event| matches!(event, Event::MemberChanged { .. }));
        let sets = match is_of_sets {
            true => Vec::new(),
            false => mem::take(&mut self.changed_sets),
        };
        Later(later, sets)
    }

    /// They are still to be published.
    pub(super) fn put_back(&mut self, Later(changed, sets): Later) {
        self.changed.extend(changed);
        self.changed_sets.extend(sets);
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
            Output::Notice(notice) => self.take_notice(notice),
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
            Output::Close { via: Via::Flow(_) } | Output::Unanswered { .. } => {}
            Output::Ask {
                question,
                name,
                kind,
            } => self.asks.push((question, Question { name, kind })),
            Output::Save {
                batch,
                removed,
                records,
                synchronous,
            } => self.saves.push(Batch {
                id: batch,
                changes: Changes {
                    removed,
                    records,
                    ..Changes::default()
                },
                is_durable: synchronous,
                notices: Vec::new(),
            }),
            Output::SaveAlerts {
                batch,
                removed,
                alerts,
            } => self.saves.push(Batch {
                id: batch,
                changes: Changes {
                    alerts: AlertChanges { removed, alerts },
                    ..Changes::default()
                },
                is_durable: false,
                notices: Vec::new(),
            }),
        }
    }

    /// A notice is kept in one transaction with what it tells of.
    fn take_notice(&mut self, notice: Notice) {
        let batches = self.saves[self.told..].iter_mut();
        let batch = batches.rev().find(|batch| !batch.changes.alerts.is_empty());
        match batch {
            Some(batch) => {
                batch.is_durable = true;
                batch.notices.push(notice);
            }
            None => self.notices.push(notice),
        }
    }

    fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }
}

/// What people call an Account or a Proxy Set.
fn name(engine: &Engine, whose: Whose) -> Option<Arc<str>> {
    match whose {
        Whose::Account(id) => Some(Arc::clone(&engine.account(id)?.config().name)),
        Whose::ProxySet(id) => Some(Arc::clone(engine.set(id)?.name())),
        Whose::Nobody => None,
    }
}

/// Room for so many effects of a kind is kept.
const KEPT: usize = 1_024;

const NO_STREAMS: &str = "this version speaks UDP only";
