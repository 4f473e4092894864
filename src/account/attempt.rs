//! One attempt: from the instant a REGISTER is due to its place in a registrar's line, on to other
//! registrars, and to what follows when it is over.

use super::select::Choice;
use super::{Account, Attempt, Binding, Errand, Outcome, Shared, Tries, Wanted, Why};
use crate::effect::Cause;
use crate::pace::RegistrarId;
use crate::time::Instant;

impl Account {
    /// A REGISTER is due since `due`: a new attempt.
    pub(super) fn begin(&mut self, errand: Errand, due: Instant, shared: &mut Shared) {
        if errand == Errand::Unregister {
            self.end_watch(shared);
        }
        self.new_pass(None);
        let is_new = self.binding == Binding::None || self.is_lost;
        if let (true, true, Some(set)) = (self.is_ims(), is_new, self.set) {
            let Shared { proxies, cx, .. } = shared;
            proxies.renew(set, cx);
        }
        let errand = match errand {
            Errand::Register if self.clears => Errand::Clear,
            Errand::Register | Errand::Unregister | Errand::Clear => errand,
        };
        self.advance(errand, due, shared);
    }

    /// Goes on with an attempt: chooses a registrar and stands in line there.
    pub(super) fn advance(&mut self, errand: Errand, due: Instant, shared: &mut Shared) {
        let due = self.step_out(shared).map_or(due, |before| before.min(due));
        if errand == Errand::Register && !shared.may_register(self.group, self.id) {
            let place = shared.pace.groups.wait(self.group, self.id, due);
            return self.put_off(Attempt::Gated { due, place }, PROBED, shared);
        }
        if !self.has_port(errand, due, shared) {
            return;
        }
        let choice = match (errand, self.binding) {
            (Errand::Unregister, Binding::Bound(bound)) => Choice::At(bound.registrar),
            _ => self.choose(shared),
        };
        match choice {
            Choice::At(registrar) => self.stand_in_line(registrar, errand, due, shared),
            Choice::Later(due, why) => {
                let text = match why {
                    Why::Avoided => "every registrar is avoided until its old binding has ended",
                    Why::Refresh | Why::Retry | Why::Store | Why::NoPort | Why::Startup => {
                        "no registrar may be asked now"
                    }
                };
                if why == Why::Avoided {
                    self.withdraw_from_group(shared);
                }
                self.put_off(Attempt::Scheduled { due, why }, text, shared);
            }
            Choice::Exhausted => {
                let due = shared.cx.now + shared.retry();
                let why = Why::Retry;
                let text = "no registrar may be asked now";
                self.put_off(Attempt::Scheduled { due, why }, text, shared);
            }
            Choice::Nobody => {
                let text = "its Proxy Set has no address yet";
                self.withdraw_from_group(shared);
                self.put_off(Attempt::Idle, text, shared);
            }
        }
    }

    /// Nothing is sent for the time being: whoever waits for an outcome is told so.
    fn put_off(&mut self, attempt: Attempt, why: &str, shared: &mut Shared) {
        self.land(shared);
        self.errand = Errand::Register;
        self.go(self.binding, attempt, shared, || why.to_owned());
        let outcome = if let Attempt::Scheduled {
            due,
            why: Why::Retry,
        } = attempt
        {
            super::commands::patience(due - shared.cx.now)
        } else {
            let why = why.to_owned();
            Outcome::NotSent { why }
        };
        self.settle(Errand::Register, &outcome, shared);
    }

    /// As [`Account::begin`], at a given registrar.
    pub(super) fn begin_at(
        &mut self,
        registrar: RegistrarId,
        errand: Errand,
        due: Instant,
        shared: &mut Shared,
    ) {
        self.new_pass(None);
        self.stand_in_line(registrar, errand, due, shared);
    }

    /// A REGISTER stands in line at a registrar.
    pub(super) fn stand_in_line(
        &mut self,
        registrar: RegistrarId,
        errand: Errand,
        due: Instant,
        shared: &mut Shared,
    ) {
        let ends = match self.binding {
            Binding::Bound(bound) => Some(bound.until),
            Binding::None => None,
        };
        self.tries = Tries::default();
        self.resume = None;
        self.detour = None;
        self.known
            .iter_mut()
            .for_each(|known| known.is_fresh = false);
        self.errand = errand;
        let is_behind = shared.pace.is_taken(registrar);
        let turn = match errand {
            Errand::Unregister => shared.pace.enqueue_farewell(registrar, self.id, due, ends),
            Errand::Register | Errand::Clear => shared.pace.enqueue(registrar, self.id, due, ends),
        };
        let attempt = Attempt::Queued {
            turn,
            registrar,
            due,
            is_behind,
        };
        self.go(self.binding, attempt, shared, String::new);
    }

    /// Its REGISTER waits at this registrar: looks whether it should wait elsewhere.
    pub(super) fn choose_again(&mut self, at: RegistrarId, due: Instant, shared: &mut Shared) {
        match self.choose(shared) {
            Choice::At(registrar) if registrar != at => {
                self.stand_in_line(registrar, self.errand, due, shared);
            }
            Choice::At(_) | Choice::Exhausted => {
                if let Attempt::Queued {
                    turn, registrar, ..
                } = self.attempt
                {
                    let attempt = Attempt::Queued {
                        turn,
                        registrar,
                        due,
                        is_behind: shared.pace.is_taken(registrar),
                    };
                    let why =
                        || "its registrar is offline, and another Account probes it".to_owned();
                    self.go(self.binding, attempt, shared, why);
                }
            }
            Choice::Later(..) | Choice::Nobody => self.advance(self.errand, due, shared),
        }
    }

    /// Gives the place in the registrar's window back, if one is held.
    pub(super) fn land(&mut self, shared: &mut Shared) {
        if let Attempt::InFlight {
            transaction,
            registrar,
            holds_place: true,
        } = self.attempt
        {
            shared.pace.leave(registrar);
            self.attempt = Attempt::InFlight {
                transaction,
                registrar,
                holds_place: false,
            };
        }
    }

    /// The attempt goes on at another registrar, at once; or as soon as the group may (rule S12).
    pub(super) fn go_to(
        &mut self,
        binding: Binding,
        registrar: RegistrarId,
        shared: &mut Shared,
        why: impl FnOnce() -> String,
    ) {
        self.land(shared);
        self.go(binding, self.attempt, shared, why);
        let now = shared.cx.now;
        if shared.may_register(self.group, self.id) {
            self.stand_in_line(registrar, Errand::Register, now, shared);
        } else {
            self.advance(Errand::Register, now, shared);
        }
    }

    /// An attempt is over: goes on as is meant. `next` is when the next REGISTER is due.
    pub(super) fn go_on<C: Into<Cause>>(
        &mut self,
        binding: Binding,
        next: (Instant, Why),
        shared: &mut Shared,
        why: impl FnOnce() -> C,
    ) {
        self.land(shared);
        self.pass = None;
        let was = self.errand;
        if let Some(configuration) = self.take_next() {
            let is_meant = self.wanted == Wanted::Registered && !self.is_held;
            let attempt = match was {
                Errand::Register | Errand::Clear if is_meant => Attempt::Scheduled {
                    due: next.0,
                    why: next.1,
                },
                Errand::Register | Errand::Clear | Errand::Unregister => Attempt::Idle,
            };
            self.go(binding, attempt, shared, why);
            self.errand = Errand::Register;
            if !is_meant && binding == Binding::None && was != Errand::Unregister {
                self.settle(Errand::Unregister, &Outcome::Unregistered, shared);
            }
            return self.apply(configuration, shared);
        }
        match (self.is_wanted(), was) {
            (true, Errand::Unregister) => {
                // An operator has asked for another binding meanwhile.
                self.go(binding, Attempt::Idle, shared, why);
                self.begin(Errand::Register, shared.cx.now, shared);
            }
            (true, Errand::Register | Errand::Clear) => {
                let (due, what) = next;
                self.errand = Errand::Register;
                self.go(binding, Attempt::Scheduled { due, why: what }, shared, why);
            }
            (false, Errand::Register | Errand::Clear) if binding != Binding::None => {
                self.go(binding, self.attempt, shared, why);
                self.begin(Errand::Unregister, shared.cx.now, shared);
            }
            (false, Errand::Register | Errand::Clear) => {
                self.go(binding, Attempt::Idle, shared, why);
                self.settle(Errand::Unregister, &Outcome::Unregistered, shared);
            }
            (false, Errand::Unregister) => self.go(binding, Attempt::Idle, shared, why),
        }
    }

    /// The prober of its group has had an answer, or this Account is the prober now (rule S12).
    pub fn on_released(&mut self, shared: &mut Shared) {
        if let Attempt::Gated { due, .. } = self.attempt
            && self.is_wanted()
        {
            return self.advance(Errand::Register, due, shared);
        }
        if !self.is_wanted() || !self.may_probe() {
            self.withdraw_from_group(shared);
        }
    }

    /// Whether it will ask its registrar sooner or later, as whoever probes for a group must.
    fn may_probe(&self) -> bool {
        self.attempt != Attempt::Idle
    }

    /// It no longer waits for its group. Since when it was due, if it did wait.
    pub(super) fn step_out(&mut self, shared: &mut Shared) -> Option<Instant> {
        let Attempt::Gated { due, place } = self.attempt else {
            return None;
        };
        shared.pace.groups.step_out(self.group, due, place);
        Some(due)
    }

    /// It no longer competes for its group's turn: it does not wait, and if it is the prober,
    /// another one is (rule S12).
    pub(super) fn withdraw_from_group(&mut self, shared: &mut Shared) {
        self.step_out(shared);
        shared.pace.groups.leave(self.group, self.id);
    }
}

/// Why an Account waits for another one of its group.
pub(super) const PROBED: &str = "another Account probes its registrar";
