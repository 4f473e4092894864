//! Effects in the order in which they are polled.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::effect::{AccountId, Event, Notice, Outcome, Output, SetId, Ticket};

/// Effects that wait to be polled: listens first, then wires and saves, then changes, events,
/// notices, replies last, so that whoever is told an outcome finds it in the status too.
#[derive(Default, Debug)]
pub struct Outbox {
    listens: VecDeque<Output>,
    wires: VecDeque<Output>,
    changed: VecDeque<AccountId>,
    sets: Vec<SetId>,
    alerts: VecDeque<Arc<str>>,
    events: VecDeque<Event>,
    notices: VecDeque<Notice>,
    replies: VecDeque<(Ticket, Outcome)>,
}

impl Outbox {
    /// A listen, open, close, transmit, question or save.
    pub fn push(&mut self, output: Output) {
        if matches!(output, Output::Listen { .. }) {
            self.listens.push_back(output);
        } else {
            self.wires.push_back(output);
        }
    }

    /// The status of an Account is another one. The caller sees to it that it says so once per
    /// input.
    pub fn changed(&mut self, account: AccountId) {
        self.changed.push_back(account);
    }

    /// The status of a Proxy Set is another one.
    pub fn set_changed(&mut self, set: SetId) {
        if !self.sets.contains(&set) {
            self.sets.push(set);
        }
    }

    /// The ongoing alerts of the Account of this name are others.
    pub fn alerts_changed(&mut self, account: Arc<str>) {
        self.alerts.push_back(account);
    }

    /// The Accounts whose change was said and not polled yet.
    pub fn changes(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.changed.iter().copied()
    }

    /// Whether the status of a Proxy Set is another, and that was not polled yet.
    pub fn has_set_changes(&self) -> bool {
        !self.sets.is_empty()
    }

    /// The events that were not polled yet, without the first so many.
    pub fn events_behind(&self, first: usize) -> impl ExactSizeIterator<Item = &Event> {
        self.events.range(first.min(self.events.len())..)
    }

    /// A message to a subscription.
    pub fn notice(&mut self, notice: Notice) {
        self.notices.push_back(notice);
    }

    /// Something that an operator may want to know.
    pub fn event(&mut self, event: Event) {
        self.events.push_back(event);
    }

    /// The outcome of a command.
    pub fn reply(&mut self, ticket: Ticket, outcome: Outcome) {
        self.replies.push_back((ticket, outcome));
    }

    /// The next effect.
    pub fn pop(&mut self) -> Option<Output> {
        let wire = self.listens.pop_front();
        if let Some(output) = wire.or_else(|| self.wires.pop_front()) {
            return Some(output);
        }
        if let Some(account) = self.changed.pop_front() {
            return Some(Output::Changed(account));
        }
        if let Some(set) = self.sets.pop() {
            return Some(Output::SetChanged(set));
        }
        if let Some(account) = self.alerts.pop_front() {
            return Some(Output::AlertsChanged(account));
        }
        if let Some(event) = self.events.pop_front() {
            return Some(Output::Event(event));
        }
        if let Some(notice) = self.notices.pop_front() {
            return Some(Output::Notice(notice));
        }
        let (ticket, outcome) = self.replies.pop_front()?;
        Some(Output::Reply { ticket, outcome })
    }
}
