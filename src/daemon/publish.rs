//! What became of things, put up for everybody to see: status first, then what is said about it,
//! outcomes last.

use std::mem;
use std::sync::Arc;

use super::{Daemon, Stopped, history};
use crate::effect::Outcome;
use crate::status;
use crate::time::Duration;

impl Daemon {
    /// Does what the engine wants, and publishes what became of it: a single change at once, in a
    /// flood what an Account has come to every now and then, and not each step on its way. Of whom
    /// there is something to tell, that is as of now: what is told tells of the status.
    pub(super) fn perform(&mut self) -> anyhow::Result<()> {
        self.carry_out()?;
        if self.effects.are_published() {
            return Ok(());
        }
        let now = self.clock.now();
        if self.gathers <= now || !self.effects.replies.is_empty() {
            self.gathers = now + GATHER;
            self.publish();
        } else if self.effects.have_news() {
            let later = self.effects.put_off();
            self.publish();
            self.effects.put_back(later);
        }
        Ok(())
    }

    /// Status first, then what is said about it.
    pub(super) fn publish(&mut self) {
        let now = self.clock.now();
        let unix_now = self.clock.unix(now);
        let effects = &mut self.effects;
        if effects.changed.len() > 1 {
            effects.changed.sort_unstable();
            effects.changed.dedup();
        }
        let mut gone = Vec::new();
        let mut refreshed = Vec::new();
        for id in effects.changed.drain(..) {
            let Some(status) = status::account(&self.engine, id) else {
                gone.push(id.slot);
                continue;
            };
            let status = Arc::new(status);
            let before = self.board.publish(id.slot, Some(Arc::clone(&status)));
            refreshed.extend(before.and_then(|it| history::refreshed(&it, &status, unix_now)));
        }
        for id in effects.changed_sets.drain(..) {
            let status = status::proxy_set(&self.engine, id);
            self.board.publish_proxy_set(id.0, status);
        }
        for account in effects.changed_alerts.drain(..) {
            let alerts = status::alerts_of(&self.engine, &account);
            self.board.publish_alerts(account, alerts);
        }
        for event in effects.events.drain(..) {
            let entry = self.keeper.entry(&event, &self.board, unix_now);
            let is_news = self.journal.log(now, event, &self.board);
            if let Some(entry) = entry.filter(|_| is_news) {
                self.keeper.note(entry, &self.board);
            }
        }
        for entry in refreshed {
            self.keeper.note(entry, &self.board);
        }
        // Their last words in the log had their names. Others may have their slots already.
        self.is_listed &= gone.is_empty();
        for slot in gone {
            if !self.engine.is_taken(slot) {
                self.board.publish(slot, None);
            }
        }
        for (ticket, outcome) in effects.replies.drain(..) {
            match (&mut self.stopping, &outcome) {
                (Some(stopping), &Outcome::Stopped { left }) if stopping.ticket == ticket => {
                    stopping.stopped = Some(Stopped { left });
                }
                // Whoever waits is told that the daemon stops, and not that the Account is gone.
                (Some(_), Outcome::Gone) => self.desk.drop_waiting(ticket),
                _ => self.desk.settle(ticket, outcome),
            }
        }
        effects.shrink();
        for notice in mem::take(&mut effects.announced) {
            self.announce(&notice);
        }
        self.send_notices();
    }
}

/// In a flood of changes they are published so often.
const GATHER: Duration = Duration::from_millis(20);
