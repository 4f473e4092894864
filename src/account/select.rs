//! Which registrar a REGISTER goes to, and whether a failure sends it to another one at once
//! (rules P7, S2–S8, S14).
//!
//! It knows the modes of the Account, what it has tried in this attempt, whom it avoids, and what
//! the Proxy Set says of its members. It sends nothing.

use super::{Account, Binding, Errand, Shared, Trouble, Why};
use crate::config::{Codes, SearchMode, Stickiness};
use crate::effect::SetId;
use crate::pace::RegistrarId;
use crate::proxy::Proxies;
use crate::time::Instant;

/// What one attempt has been through, across registrars.
#[derive(Default, Debug)]
pub(super) struct Pass {
    /// Registrars that were tried.
    tried: Vec<RegistrarId>,
    /// This one comes after all others (rules S7, S11).
    last: Option<RegistrarId>,
    /// Whether any of them refused our credentials.
    pub(super) was_refused: bool,
}

impl Pass {
    /// Every registrar that it knows.
    pub(super) fn registrars(&self) -> impl Iterator<Item = RegistrarId> + '_ {
        self.tried.iter().copied().chain(self.last)
    }

    /// The same, to change them.
    pub(super) fn registrars_mut(&mut self) -> impl Iterator<Item = &mut RegistrarId> {
        self.tried.iter_mut().chain(&mut self.last)
    }
}

/// Where a REGISTER goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Choice {
    /// Here.
    At(RegistrarId),
    /// Nowhere before this instant.
    Later(Instant, Why),
    /// Nowhere in this attempt: each has been tried.
    Exhausted,
    /// Nowhere: the set has no address yet.
    Nobody,
}

/// How an Account chooses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    /// Stickiness disable, or enable for requests other than REGISTER: the current member.
    Free,
    /// Stickiness enable: the bound registrar, else the current member.
    Sticky,
    /// Stickiness enable with search mode ims: the bound registrar, else through the set's order.
    Ims,
    /// The best that is not avoided.
    Avoid,
}

impl Account {
    fn mode(&self) -> Mode {
        match (
            self.config.registrar_search_mode,
            self.config.registrar_stickiness,
        ) {
            (SearchMode::Avoid, _) => Mode::Avoid,
            (SearchMode::Ims, Stickiness::Enable) => Mode::Ims,
            (_, Stickiness::Enable) => Mode::Sticky,
            (_, Stickiness::Disable | Stickiness::EnableForNonRegister) => Mode::Free,
        }
    }

    /// Whether it walks through the set's order (rule S7).
    pub(super) fn is_ims(&self) -> bool {
        self.mode() == Mode::Ims
    }

    /// Whether it avoids registrars that it has left (rule S8).
    pub(super) fn is_avoiding(&self) -> bool {
        self.mode() == Mode::Avoid
    }

    /// Whether its requests follow the binding in any way (rule S5).
    pub(super) fn is_sticky(&self) -> bool {
        self.config.registrar_stickiness != Stickiness::Disable
    }

    /// The registrar that holds the binding, as long as its refreshes go there (rule S3).
    fn followed(&self, set: SetId, shared: &Shared) -> Option<RegistrarId> {
        let Binding::Bound(bound) = self.binding else {
            return None;
        };
        let follows = matches!(self.mode(), Mode::Sticky | Mode::Ims)
            && !self.is_lost
            && !self.is_held(bound.registrar, shared.cx.now)
            && shared.proxies.is_online(set, bound.registrar);
        follows.then_some(bound.registrar)
    }

    /// Whether this registrar has asked us for patience (rule L3).
    fn is_held(&self, registrar: RegistrarId, at: Instant) -> bool {
        let mut holds = self.holds.iter();
        holds.any(|hold| hold.registrar == Some(registrar) && hold.until > at)
    }

    fn was_tried(&self, registrar: RegistrarId) -> bool {
        self.pass
            .as_ref()
            .is_some_and(|pass| pass.tried.contains(&registrar))
    }

    fn comes_last(&self, registrar: RegistrarId) -> bool {
        self.pass
            .as_ref()
            .is_some_and(|pass| pass.last == Some(registrar))
    }

    /// Where the REGISTER goes that is due now.
    pub(super) fn choose(&mut self, shared: &mut Shared) -> Choice {
        let now = shared.cx.now;
        let Some(set) = self.set else {
            return Choice::Nobody;
        };
        let own = self.holds.iter().find(|hold| hold.registrar.is_none());
        if let Some(own) = own.filter(|hold| hold.until > now) {
            return Choice::Later(own.until, Why::Retry);
        }
        if shared.proxies.members(set).next().is_none() {
            return Choice::Nobody;
        }
        if self.mode() == Mode::Avoid {
            return self.choose_unavoided(set, shared);
        }
        if let Some(followed) = self.followed(set, shared) {
            return Choice::At(followed);
        }
        let chosen = match self.mode() {
            Mode::Ims => self.next_in_order(set, shared),
            Mode::Free | Mode::Sticky | Mode::Avoid => self
                .online(set, shared)
                .or_else(|| self.offline(set, shared)),
        };
        chosen.map_or_else(|| self.none_open(shared), Choice::At)
    }

    /// Nobody is left: each was tried, or has asked for patience.
    fn none_open(&self, shared: &Shared) -> Choice {
        match self.hold_end(shared.cx.now, shared) {
            Some(until) => Choice::Later(until, Why::Retry),
            None => Choice::Exhausted,
        }
    }

    /// The next in the set's order, online or not (rule S7).
    fn next_in_order(&self, set: SetId, shared: &Shared) -> Option<RegistrarId> {
        let now = shared.cx.now;
        let is_open = |id: &RegistrarId| !self.was_tried(*id) && !self.is_held(*id, now);
        let members = || shared.proxies.members(set).filter(is_open);
        let first = members().find(|id| !self.comes_last(*id));
        first.or_else(|| members().next())
    }

    /// The current member, or the one of those online that comes next (rules P6, P7).
    fn online(&mut self, set: SetId, shared: &mut Shared) -> Option<RegistrarId> {
        let now = shared.cx.now;
        let Shared {
            cx, proxies, pace, ..
        } = shared;
        let mut counter = self.identity.draws;
        let mut draw = || cx.draw(self.id, &mut counter).number();
        let is_closed = |id| self.was_tried(id) || self.is_held(id, now);
        let is_spared = |id| is_closed(id) || self.comes_last(id);
        let chosen = proxies.current(set, pace, is_spared, &mut draw);
        let chosen = chosen.or_else(|| proxies.current(set, pace, is_closed, &mut draw));
        self.identity.draws = counter;
        if chosen.is_some() {
            self.end_turn();
        }
        chosen
    }

    /// When nobody is online: the next in turn (rule P4).
    fn offline(&mut self, set: SetId, shared: &mut Shared) -> Option<RegistrarId> {
        let now = shared.cx.now;
        let is_closed = |id| self.was_tried(id) || self.is_held(id, now);
        let Shared { proxies, pace, .. } = shared;
        let turn = self.rare.as_ref().and_then(|rare| rare.turn);
        let chosen = proxies.in_turn(set, pace, is_closed, turn);
        self.rare().turn = chosen;
        chosen
    }

    /// Among the members that are not avoided: by homing the best online one, by parking the bound
    /// one while it is online; when none is online, the next in turn (rule S8).
    fn choose_unavoided(&mut self, set: SetId, shared: &mut Shared) -> Choice {
        let now = shared.cx.now;
        let rules = &shared.rules;
        let members: Vec<RegistrarId> = self.considered(set, &shared.proxies).collect();
        let avoided_until = |id: RegistrarId| self.avoided_until(id, now, rules);
        let first_end = members.iter().map(|id| avoided_until(*id)).min().flatten();
        let is_avoided = |id: &RegistrarId| avoided_until(*id).is_some();
        if let (Some(end), true) = (first_end, members.iter().all(is_avoided)) {
            return Choice::Later(end, Why::Avoided);
        }
        let is_open = |id: RegistrarId| {
            members.contains(&id)
                && !is_avoided(&id)
                && !self.was_tried(id)
                && !self.is_held(id, now)
        };
        let usable =
            |id: &RegistrarId| is_open(*id) && shared.proxies.is_usable(set, *id, &shared.pace);
        let bound = match self.binding {
            Binding::Bound(bound) if !shared.proxies.is_homing(set) => Some(bound.registrar),
            Binding::Bound(_) | Binding::None => None,
        };
        let online = bound.filter(&usable);
        let online = online.or_else(|| members.iter().copied().find(|id| usable(id)));
        if let Some(online) = online {
            self.end_turn();
            return Choice::At(online);
        }
        let turn = self.rare.as_ref().and_then(|rare| rare.turn);
        let Shared { proxies, pace, .. } = shared;
        let chosen = proxies.in_turn(set, pace, |id| !is_open(id), turn);
        self.rare().turn = chosen;
        chosen.map_or_else(|| self.none_open(shared), Choice::At)
    }

    /// The members that count in mode avoid: the first three.
    pub(super) fn considered<'a>(
        &self,
        set: SetId,
        proxies: &'a Proxies,
    ) -> impl Iterator<Item = RegistrarId> + use<'a> {
        proxies.members(set).take(AVOIDING_MEMBERS)
    }

    /// A REGISTER failed at this registrar. Where it goes at once, if anywhere (rules P7, S7, S14).
    /// `held_binding` says that this registrar holds the binding.
    pub(super) fn next_at_once(
        &mut self,
        registrar: RegistrarId,
        trouble: &Trouble,
        held_binding: bool,
        shared: &mut Shared,
    ) -> Option<RegistrarId> {
        let set = self.set?;
        let was_followed = held_binding && !self.is_lost;
        let moves = !trouble.is_about_credentials() && !trouble.is_of_account();
        let mode = self.mode();
        let pass = self.pass.get_or_insert_default();
        pass.was_refused |= trouble.is_about_credentials();
        let is_alone = pass.tried.is_empty();
        pass.tried.push(registrar);
        match mode {
            Mode::Ims => {
                if was_followed {
                    // It comes last, but never right behind its own failure.
                    pass.last = Some(registrar);
                } else if !is_alone && let Some(last) = pass.last {
                    pass.tried.retain(|id| *id != last || last == registrar);
                }
                self.is_lost |= held_binding;
                self.next_in_order(set, shared)
            }
            Mode::Avoid if was_followed && moves => match self.choose_unavoided(set, shared) {
                Choice::At(next) => Some(next),
                Choice::Later(..) | Choice::Exhausted | Choice::Nobody => None,
            },
            Mode::Avoid => None,
            Mode::Sticky if was_followed && moves => {
                self.is_lost = true;
                self.online(set, shared)
            }
            Mode::Sticky | Mode::Free => {
                if self.is_swapped(set, trouble, shared) {
                    self.online(set, shared)
                } else {
                    None
                }
            }
        }
    }

    /// Whether hot swap takes this failure to the next member (rule P7).
    fn is_swapped(&self, set: SetId, trouble: &Trouble, shared: &Shared) -> bool {
        let is_listed = match trouble {
            Trouble::NoAnswer(_) => true,
            Trouble::Registrar(code) | Trouble::Rejected(code) => {
                Codes::any(&shared.rules.failover_codes, *code)
            }
            Trouble::CredentialsRefused(_)
            | Trouble::NoCredentials(_)
            | Trouble::NoUsableChallenge(..)
            | Trouble::NoGin(_)
            | Trouble::NoPort
            | Trouble::Removed(_)
            | Trouble::GrantedNothing(_) => false,
        };
        is_listed && shared.proxies.config_of(set).hot_swap
    }

    /// How often a REGISTER leaves at most: fewer times where another member waits for it (rules
    /// P7, S7).
    pub(super) fn max_sends(&self, registrar: RegistrarId, shared: &Shared) -> u8 {
        let Some(set) = self.set.filter(|_| self.errand == Errand::Register) else {
            return u8::MAX;
        };
        let now = shared.cx.now;
        let is_walking = self.is_ims() && self.followed(set, shared).is_none();
        let is_closed = |id| id == registrar || self.was_tried(id) || self.is_held(id, now);
        let may_swap = !self.is_avoiding()
            && shared.proxies.config_of(set).hot_swap
            && shared.proxies.has_usable(set, &shared.pace, is_closed);
        if is_walking || may_swap {
            shared.rules.hot_swap_transmissions
        } else {
            u8::MAX
        }
    }

    /// A new attempt begins; `last` comes after all others in it.
    pub(super) fn new_pass(&mut self, last: Option<RegistrarId>) {
        self.pass = last.map(|last| {
            Box::new(Pass {
                last: Some(last),
                ..Pass::default()
            })
        });
    }

    /// A registrar that this attempt may not go to any more.
    pub(super) fn spend(&mut self, registrar: RegistrarId) {
        self.pass.get_or_insert_default().tried.push(registrar);
    }
}

/// In mode avoid only so many members of a set count (rule S8).
const AVOIDING_MEMBERS: usize = 3;
