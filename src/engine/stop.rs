//! The program takes leave: what is removed, for how long that is tried, and what is left (rule
//! L7).

use super::{Engine, Slot};
use crate::account::{Account, Wanted};
use crate::effect::{Outcome, Ticket};
use crate::time::{Duration, Instant};

/// The program is taking leave.
#[derive(Debug)]
pub(super) struct Stopping {
    pub(super) ticket: Ticket,
    pub(super) until: Instant,
    /// `until` never moves beyond this.
    pub(super) latest: Instant,
    pub(super) open: usize,
}

impl Engine {
    /// The program stops: bindings are removed, for as long as that makes headway (rule L7). With a
    /// store they are left, unless `unregister_on_shutdown` says otherwise.
    pub(super) fn stop(&mut self, ticket: Ticket) {
        if self.stopping.is_some() {
            let why = "the program is stopping already".to_owned();
            return self.shared.cx.out.reply(ticket, Outcome::NotSent { why });
        }
        let now = self.shared.cx.now;
        let is_leaving = !self.persist.is_on() || self.shared.rules.unregister_on_shutdown;
        let (until, latest) = if is_leaving {
            (now + STOP_PATIENCE, now + STOP_MAX)
        } else {
            (now, now)
        };
        // Commands are refused from here on; how much there is to do is known below.
        let open = usize::MAX;
        self.stopping = Some(Stopping {
            ticket,
            until,
            latest,
            open,
        });
        for slot in 0..self.slots.len() {
            let account = self.slots[slot].account.as_ref().map(Account::id);
            if let Some(id) = account.filter(|_| is_leaving) {
                self.with(id, |account, shared| {
                    account.on_leave(Wanted::Stopped, shared)
                });
            }
        }
        let is_at_work = |slot: &&Slot| {
            slot.account
                .as_ref()
                .is_some_and(|account| !account.is_at_rest())
        };
        let open = self.slots.iter().filter(is_at_work).count();
        self.stopping = Some(Stopping {
            ticket,
            until,
            latest,
            open,
        });
    }

    /// Whether stopping is over; then its ticket is answered.
    pub(super) fn finish_stop(&mut self) {
        let now = self.shared.cx.now;
        let Some(stopping) = self
            .stopping
            .take_if(|stopping| stopping.open == 0 || stopping.until <= now)
        else {
            return;
        };
        // Before anything is given up: what is scheduled goes on in the next run.
        self.close_alerts();
        self.persist.save_all(&self.slots, &mut self.shared);
        let mut left = 0;
        for slot in &mut self.slots {
            if let Some(account) = &mut slot.account {
                left += u32::from(account.on_deadline(&mut self.shared));
            }
        }
        self.shared
            .cx
            .out
            .reply(stopping.ticket, Outcome::Stopped { left });
        self.stopping = Some(Stopping {
            until: Instant::FAR,
            open: usize::MAX,
            ..stopping
        });
    }
}

/// When the program stops, un-REGISTERs are given up so long after the last one that was done
/// (rule L7).
pub(super) const STOP_PATIENCE: Duration = Duration::from_secs(4);
/// They take no longer than this in all.
const STOP_MAX: Duration = Duration::from_secs(30);
