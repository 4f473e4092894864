//! Orders of operators: each becomes commands to the engine, and each outcome finds its way back.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use tokio::sync::mpsc::UnboundedSender;

use crate::control::{Order, Verb};
use crate::effect::{Command, Outcome, Ticket};
use crate::engine::Engine;

/// Orders that are not through yet, and commands that wait for their outcome.
#[derive(Default)]
pub(super) struct Desk {
    backlog: VecDeque<(Order, usize)>,
    waiting: HashMap<Ticket, Waiting>,
    tickets: u64,
}

/// Who wants to know the outcome of a command.
struct Waiting {
    account: Arc<str>,
    outcomes: UnboundedSender<(Arc<str>, Outcome)>,
}

impl Desk {
    /// Takes an order.
    pub(super) fn accept(&mut self, order: Order) {
        self.backlog.push_back((order, 0));
    }

    /// Whether every order has become commands.
    pub(super) fn is_idle(&self) -> bool {
        self.backlog.is_empty()
    }

    /// The next command for the engine. An order for a hundred thousand Accounts is spread over
    /// many turns.
    pub(super) fn next_command(&mut self, engine: &Engine) -> Option<(Ticket, Command)> {
        loop {
            let (order, place) = self.backlog.front_mut()?;
            let Some(name) = order.accounts.get(*place).cloned() else {
                self.backlog.pop_front();
                continue;
            };
            *place += 1;
            let Some(account) = engine.find(&name) else {
                // A client that is gone does not miss its answer.
                drop(order.outcomes.send((name, Outcome::Gone)));
                continue;
            };
            let command = match order.verb {
                Verb::Register { force } => Command::Register { account, force },
                Verb::Unregister => Command::Unregister { account },
                Verb::Refresh => Command::Refresh { account },
            };
            let waiting = Waiting {
                account: name,
                outcomes: order.outcomes.clone(),
            };
            let ticket = self.ticket();
            self.waiting.insert(ticket, waiting);
            return Some((ticket, command));
        }
    }

    /// Hands an outcome to whoever waits for it.
    pub(super) fn settle(&mut self, ticket: Ticket, outcome: Outcome) {
        if let Some(Waiting { account, outcomes }) = self.waiting.remove(&ticket) {
            drop(outcomes.send((account, outcome)));
        }
    }

    /// There will be no outcome. Whoever waits sees the channel close.
    pub(super) fn drop_waiting(&mut self, ticket: Ticket) {
        self.waiting.remove(&ticket);
    }

    /// A ticket that nobody holds.
    pub(super) fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }
}
