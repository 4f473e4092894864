//! What comes due: timers, and turns in the line of a registrar.

use super::{Engine, Slot};
use crate::account::{Account, Shared};
use crate::cx::{Cx, Owner, Timers};
use crate::effect::{AccountId, SetId, SocketId};
use crate::time::Instant;

impl Engine {
    /// Runs every timer that is due.
    pub(super) fn run_due(&mut self) {
        let now = self.shared.cx.now;
        while let Some((owner, generation)) = self.shared.cx.timers.due(now) {
            match owner {
                Owner::Account(slot) => {
                    let account = self
                        .slots
                        .get(slot as usize)
                        .and_then(|slot| slot.account.as_ref());
                    if let Some(id) = account.map(Account::id) {
                        self.with(id, |account, shared| account.on_timer(generation, shared));
                    }
                }
                Owner::Transaction(slot) => self.on_transaction_timer(slot, generation),
                Owner::Set(set) => {
                    let Shared {
                        proxies, pace, cx, ..
                    } = &mut self.shared;
                    proxies.on_timer(SetId(set), generation, pace, cx);
                }
                Owner::Engine => {
                    if self.shared.cx.timers.fired(&mut self.timer, generation) {
                        self.on_engine_timer();
                    }
                }
            }
        }
    }

    fn on_engine_timer(&mut self) {
        let now = self.shared.cx.now;
        let due: Vec<_> = self
            .unbound
            .iter()
            .filter(|(_, at)| at.is_some_and(|at| at <= now))
            .collect();
        let due: Vec<SocketId> = due.into_iter().map(|(socket, _)| *socket).collect();
        for socket in due {
            self.unbound.retain(|(unbound, _)| *unbound != socket);
            self.unbound.push((socket, None));
            self.ask_for(socket);
        }
    }

    /// Whoever has a place in a window sends (rule L6). When the program has stopped nobody does:
    /// the last CSeq of each Account is written (rule L8).
    pub(super) fn send_due(&mut self) {
        let stopping = self.stopping.as_ref();
        if stopping.is_some_and(|stopping| stopping.until == Instant::FAR) {
            return;
        }
        loop {
            let Self { shared, slots, .. } = self;
            let is_waiting = |id: AccountId, turn| {
                let account = slots
                    .get(id.slot as usize)
                    .and_then(|slot| slot.account.as_ref());
                account.is_some_and(|account| account.id() == id && account.is_waiting(turn))
            };
            let Some((registrar, id)) = shared.pace.next(shared.cx.now, is_waiting) else {
                return;
            };
            self.with(id, |account, shared| account.on_turn(registrar, shared));
        }
    }

    pub(super) fn arm(&mut self) {
        let listen = self.unbound.iter().filter_map(|(_, at)| *at);
        let stop = self
            .stopping
            .as_ref()
            .map(|stopping| stopping.until)
            .filter(|until| *until != Instant::FAR);
        let alerts = self.alerts.deadline().filter(|_| self.may_alert());
        let at = listen.chain(stop).chain(self.persist.due());
        let at = at.chain(alerts).min();
        self.shared
            .cx
            .timers
            .set(Owner::Engine, &mut self.timer, at);
    }

    pub(super) fn tidy(&mut self) {
        let (timers, is_in_force) = self.timers();
        timers.tidy(is_in_force);
    }

    /// The timer queue, and who says whether an entry of it still counts.
    pub(super) fn timers(&mut self) -> (&mut Timers, impl Fn(Owner, u32) -> bool) {
        let Self {
            shared,
            slots,
            timer,
            ..
        } = self;
        let Shared { cx, proxies, .. } = shared;
        let Cx {
            timers,
            transactions,
            ..
        } = cx;
        let (slots, transactions, timer) = (&*slots, &*transactions, &*timer);
        let proxies = &*proxies;
        let is_in_force = move |owner, generation| match owner {
            Owner::Account(slot) => is_in_force(slots, slot, generation),
            Owner::Transaction(slot) => transactions.is_in_force(slot, generation),
            Owner::Set(set) => proxies.is_in_force(SetId(set), generation),
            Owner::Engine => timer.is_in_force(generation),
        };
        (timers, is_in_force)
    }
}

fn is_in_force(slots: &[Slot], slot: u32, generation: u32) -> bool {
    let account = slots
        .get(slot as usize)
        .and_then(|slot| slot.account.as_ref());
    account.is_some_and(|account| account.is_in_force(generation))
}
