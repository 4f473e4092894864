//! What makes an Account register anew or move, beside its own timers: its registrar is offline or
//! has left the list, the served group's state, triggers (rules S5, S7, S11, S13, S14).

use super::select::Choice;
use super::{Account, Attempt, Binding, Errand, Shared, Wanted};
use crate::config::{MoveWhenLost, SearchMode, Stickiness};
use crate::effect::SetId;
use crate::pace::RegistrarId;
use crate::proxy::Change;

impl Account {
    /// Something is new about its serving set, or about the served one.
    pub fn on_change(&mut self, change: Change, shared: &mut Shared) {
        match change {
            Change::Offline(registrar) => self.on_offline(registrar, shared),
            Change::Online(_) => self.on_online(shared),
            Change::Left(registrar) => self.on_left(registrar, shared),
            Change::Listed => self.on_listed(shared),
            Change::Verdict => self.on_served_status(shared),
        }
    }

    /// A member is offline (rules P4, S14).
    fn on_offline(&mut self, registrar: RegistrarId, shared: &mut Shared) {
        if self.is_queued_at(registrar) {
            return self.look_elsewhere(shared);
        }
        if self.is_bound_at(registrar) && self.moves_at_once(shared) {
            self.move_away(registrar, shared);
        }
    }

    /// A member is online again: whoever waits at one that is offline may go there. A registrar
    /// that holds the binding and has answered since it was lost is not left.
    fn on_online(&mut self, shared: &mut Shared) {
        let Some(set) = self.set else { return };
        match (self.attempt, self.binding) {
            (Attempt::Queued { registrar, .. }, _) if !shared.proxies.is_online(set, registrar) => {
                self.look_elsewhere(shared);
            }
            (Attempt::Scheduled { .. }, Binding::Bound(bound)) => {
                let is_lost = !shared.proxies.is_online(set, bound.registrar)
                    && shared.pace.get(bound.registrar).is_dead
                    && self.moves_at_once(shared);
                // It may have left the list when nobody else was there.
                if is_lost || self.is_bound_outside(shared) {
                    self.move_away(bound.registrar, shared);
                }
            }
            _ => {}
        }
    }

    /// A member has left the list (rule S5).
    fn on_left(&mut self, registrar: RegistrarId, shared: &mut Shared) {
        if self.is_queued_at(registrar) {
            return self.look_elsewhere(shared);
        }
        if self.is_bound_at(registrar) && self.is_sticky() {
            self.move_away(registrar, shared);
        }
    }

    /// The list is another one, or the first. A binding of the run before may be held by a
    /// registrar that is not in it (rule S5).
    fn on_listed(&mut self, shared: &mut Shared) {
        // The place of its registrar in the set's order may be another.
        self.mark_changed(shared);
        if let Binding::Bound(bound) = self.binding
            && self.is_bound_outside(shared)
        {
            self.move_away(bound.registrar, shared);
        }
    }

    /// Whether there is anybody in the list, or it is not known yet.
    pub(super) fn has_members(&self, shared: &Shared) -> bool {
        let mut sets = self.set.into_iter();
        sets.any(|set| shared.proxies.members(set).next().is_some())
    }

    /// Whether its requests follow a binding whose registrar is not in the list (rule S5).
    pub(super) fn is_bound_outside(&self, shared: &Shared) -> bool {
        let (Some(set), Binding::Bound(bound)) = (self.set, self.binding) else {
            return false;
        };
        self.is_sticky() && !shared.proxies.is_member(set, bound.registrar)
    }

    fn is_queued_at(&self, at: RegistrarId) -> bool {
        matches!(self.attempt, Attempt::Queued { registrar, .. } if registrar == at)
    }

    fn look_elsewhere(&mut self, shared: &mut Shared) {
        if let Attempt::Queued { registrar, due, .. } = self.attempt
            && self.errand != Errand::Unregister
        {
            self.choose_again(registrar, due, shared);
        }
    }

    /// Whether it leaves a registrar that is offline without waiting for its next REGISTER (rule
    /// S14).
    fn moves_at_once(&self, shared: &Shared) -> bool {
        match shared.rules.move_when_registrar_lost {
            MoveWhenLost::AtOnce => true,
            MoveWhenLost::NextRegister => false,
            MoveWhenLost::ByMode => {
                self.config.registrar_stickiness == Stickiness::Enable
                    && self.config.registrar_search_mode != SearchMode::Avoid
            }
        }
    }

    /// A new registration at once, at another member than the one that holds the binding; the
    /// binding stands meanwhile (rule L5). Without another member nothing changes.
    pub(super) fn move_away(&mut self, from: RegistrarId, shared: &mut Shared) {
        let is_elsewhere = match self.attempt {
            Attempt::InFlight { registrar, .. } => registrar != from,
            Attempt::Opening { .. }
            | Attempt::Queued { .. }
            | Attempt::Gated { .. }
            | Attempt::Idle => true,
            Attempt::Scheduled { .. } => false,
        };
        if !self.is_wanted() || self.errand != Errand::Register || is_elsewhere {
            return;
        }
        let (attempt, was_lost) = (self.attempt, self.is_lost);
        let turn = self.rare.as_ref().and_then(|rare| rare.turn);
        self.is_lost = true;
        self.new_pass(None);
        self.spend(from);
        let next = match self.choose(shared) {
            Choice::At(next) if self.may_move_to(next, shared) => next,
            Choice::At(_) | Choice::Later(..) | Choice::Exhausted | Choice::Nobody => {
                self.is_lost = was_lost;
                self.pass = None;
                // Nobody was asked, so nobody has had a turn (rule P4).
                if let Some(rare) = &mut self.rare {
                    rare.turn = turn;
                }
                return;
            }
        };
        if let Attempt::InFlight { transaction, .. } = attempt {
            shared.cx.abandon(transaction);
        }
        let why = || "its registrar is lost".to_owned();
        self.go_to(self.binding, next, shared, why);
    }

    /// Whether it is worth leaving for this member: one that is online, or any in mode ims.
    fn may_move_to(&self, next: RegistrarId, shared: &Shared) -> bool {
        let is_online = |set: SetId| shared.proxies.is_online(set, next);
        self.is_ims() || self.set.is_some_and(is_online)
    }

    /// The served group is online or offline, or that is known for the first time (rule S13).
    fn on_served_status(&mut self, shared: &mut Shared) {
        let status = self.served_status(shared);
        let (was_held, before) = (self.is_held, self.phase());
        self.is_held = self.heeds_served() && status != Some(true);
        let why = if self.is_held {
            "the served group is offline"
        } else {
            "the served group is online"
        };
        if self.is_held != was_held {
            self.say_phase((before, None), shared, || why.to_owned());
            self.mark_changed(shared);
        }
        if self.wanted != Wanted::Registered {
            return;
        }
        // A binding of the run before is left alone until the first verdict.
        let is_at_rest = self.attempt == Attempt::Idle;
        if self.is_held && (!was_held || is_at_rest && self.is_bound() && status.is_some()) {
            self.leave_binding(why, shared);
        } else if !self.is_held && is_at_rest && self.has_socket(shared) && self.may_send() {
            self.on_ready(shared);
        }
    }

    pub(super) fn heeds_served(&self) -> bool {
        self.config.register_by_served_ip_group_status
            == crate::config::ByServedStatus::OnlyIfOnline
    }

    pub(super) fn served_status(&self, shared: &Shared) -> Option<bool> {
        shared.proxies.is_set_online(self.served_set?)
    }

    /// Whether it is held, and not because its served group is known to be offline.
    pub(super) fn waits_for_verdict(&self, shared: &Shared) -> bool {
        self.wanted == Wanted::Registered && self.is_held && self.served_status(shared).is_none()
    }
}
