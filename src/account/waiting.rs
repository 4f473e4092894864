//! What comes of waiting: a socket and the store at the start, timers, a turn in line, and
//! requests that get no answer.

use super::{Account, Attempt, Binding, Errand, Shared, Trouble, Why};
use crate::cx::Ended;
use crate::effect::{Failure, Output};
use crate::pace::{RegistrarId, Turn};
use crate::tally::Method;

impl Account {
    /// Its socket is bound, and the store has been read: it may begin.
    pub fn on_ready(&mut self, shared: &mut Shared) {
        let now = shared.cx.now;
        let waits_for_store = self.scheduled(Why::Store).is_some();
        if self.attempt != Attempt::Idle && !waits_for_store {
            return;
        }
        if self.is_wanted() && waits_for_store {
            self.begin(Errand::Register, now, shared);
        } else if self.is_wanted() {
            self.resume(shared);
        } else if self.is_bound() && self.waits_for_verdict(shared) {
            self.keeps_port(shared);
        } else if self.is_bound() {
            // Told to un-register, but the run before ended first.
            self.begin(Errand::Unregister, now, shared);
        }
    }

    /// A timer entry of this generation came due.
    pub fn on_timer(&mut self, generation: u32, shared: &mut Shared) {
        if !shared.cx.timers.fired(&mut self.timer, generation) {
            return;
        }
        let now = shared.cx.now;
        self.lapse(shared);
        self.on_watch_timer(shared);
        if let Binding::Bound(bound) = self.binding
            && bound.until <= now
        {
            self.go(Binding::None, self.attempt, shared, || {
                "the binding has expired".to_owned()
            });
            if !matches!(self.attempt, Attempt::InFlight { .. }) {
                // What comes next is a new registration (rule I6).
                self.identity.random_user = None;
            }
            let waits = matches!(
                self.attempt,
                Attempt::Opening { .. } | Attempt::Queued { .. }
            );
            if self.errand == Errand::Unregister && waits {
                // Nothing is left that the un-REGISTER in line could remove.
                return self.on_unregistered(None, shared);
            }
        }
        if let Attempt::Scheduled { due, .. } = self.attempt
            && due <= now
        {
            return match self.binding {
                _ if self.is_wanted() => self.begin(Errand::Register, due, shared),
                Binding::Bound(_) => self.begin(Errand::Unregister, due, shared),
                Binding::None => self.rest(shared),
            };
        }
        self.arm(shared);
    }

    /// Drops what was shown until now: a Retry-After that is over, a binding left behind that has
    /// ended.
    fn lapse(&mut self, shared: &mut Shared) {
        let now = shared.cx.now;
        let before = (self.holds.len(), self.left_until);
        self.holds.retain(|hold| hold.until > now);
        self.left_until = self.left_until.filter(|until| *until > now);
        // Perhaps a registrar is no longer avoided.
        let was_avoiding = !self.visits().is_empty();
        if was_avoiding || before != (self.holds.len(), self.left_until) {
            self.mark_changed(shared);
        }
    }

    /// It has got a place in the registrar's window: it sends.
    pub fn on_turn(&mut self, registrar: RegistrarId, shared: &mut Shared) {
        if let Attempt::Queued { due, .. } = self.attempt
            && self.errand == Errand::Register
            && !shared.may_register(self.group, self.id)
        {
            // Another Account of the group has failed while this one stood in line (rule S12).
            shared.pace.leave(registrar);
            return self.advance(Errand::Register, due, shared);
        }
        self.send(registrar, true, shared);
    }

    /// Its request was repeated, and the registrar is not known to work on it. When the registrar
    /// has answered others meanwhile, the place in the window is given back: the silence is ours
    /// alone, and must not hold up anybody else (rule P4).
    pub fn on_repeated(&mut self, ended: &Ended, shared: &mut Shared) {
        self.mark_shown(shared);
        if let Some(registrar) = self.flight(ended.id) {
            self.tally(registrar, shared, |tally, place| {
                tally.repeated(place, Method::Register);
            });
        }
        let Attempt::InFlight {
            transaction,
            registrar,
            holds_place: true,
        } = self.attempt
        else {
            return;
        };
        let is_alone = !ended.is_proceeding;
        if is_alone
            && transaction == ended.id
            && !shared.pace.is_silent_since(registrar, ended.sent)
        {
            shared.pace.leave(registrar);
            self.attempt = Attempt::InFlight {
                transaction,
                registrar,
                holds_place: false,
            };
        }
    }

    /// Its transaction timed out.
    pub fn on_timeout(&mut self, ended: &Ended, shared: &mut Shared) {
        if let Some(registrar) = self.flight(ended.id) {
            self.say_unanswered(Failure::TimedOut, ended, shared);
            let is_silent = shared.on_silence(registrar, ended);
            if is_silent && self.errand == Errand::Unregister {
                shared.pace.give_up_farewells(registrar);
            }
            self.on_no_answer(Failure::TimedOut, registrar, shared);
        }
    }

    /// Another un-REGISTER at its registrar got no answer, and its own, which has this turn in the
    /// line, would get none either: it counts as unanswered (rule I8).
    pub fn on_given_up(&mut self, turn: Turn, shared: &mut Shared) {
        if let Attempt::Queued { registrar, .. } = self.attempt
            && self.is_waiting(turn)
            && self.errand == Errand::Unregister
        {
            self.on_no_answer(Failure::TimedOut, registrar, shared);
        }
    }

    /// Its datagram could not be delivered (rule X2).
    pub fn on_unreachable(&mut self, ended: &Ended, shared: &mut Shared) {
        if let Some(registrar) = self.flight(ended.id) {
            self.say_unanswered(Failure::Unreachable, ended, shared);
            shared.on_unreachable(registrar);
            self.on_no_answer(Failure::Unreachable, registrar, shared);
        }
    }

    fn say_unanswered(&self, failure: Failure, ended: &Ended, shared: &mut Shared) {
        shared.cx.out.push(Output::Unanswered {
            account: self.id,
            to: ended.to,
            after: shared.cx.now - ended.sent,
            failure,
        });
    }

    fn on_no_answer(&mut self, failure: Failure, registrar: RegistrarId, shared: &mut Shared) {
        let reason = match failure {
            Failure::TimedOut => "No answer",
            Failure::Unreachable => "Not reachable",
        };
        let reason = shared.reason(reason);
        self.hear(408, reason, registrar, shared);
        self.mark_changed(shared);
        self.fail(registrar, Trouble::NoAnswer(failure), None, shared);
    }
}
