//! Effects in the order in which they are polled.

use std::collections::VecDeque;

use crate::effect::{AccountId, Event, Outcome, Output, SetId, Ticket};

/// Effects that wait to be polled: listens first, then wires and saves, then changes, events,
/// replies last, so that whoever is told an outcome finds it in the status too.
#[derive(Default, Debug)]
pub struct Outbox {
    listens: VecDeque<Output>,
    wires: VecDeque<Output>,
    changed: VecDeque<AccountId>,
    sets: Vec<SetId>,
    events: VecDeque<Event>,
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
        if let Some(event) = self.events.pop_front() {
            return Some(Output::Event(event));
        }
        let (ticket, outcome) = self.replies.pop_front()?;
        Some(Output::Reply { ticket, outcome })
    }
}
