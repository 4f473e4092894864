//! Another configuration of the Account, while it works (rule G2).
//!
//! It knows what may stay as it is: timers, what is known of registrars, the Call-ID, an operator's
//! word. The invariant: a REGISTER in flight ends, and a binding that is to be another is removed,
//! with the values that it was made with; only then the new ones count.

use std::mem;
use std::sync::Arc;

use super::avoid::Visit;
use super::{Account, Attempt, Binding, Errand, Shared, Wanted, Why};
use crate::config::{self, Changed, Difference, Register};
use crate::effect::{AccountId, Outcome, SetId, SocketId};
use crate::pace::RegistrarId;
use crate::time::Instant;

/// A configuration that waits for the end of what was begun before it.
#[derive(Debug)]
pub(super) struct Next {
    config: Arc<config::Account>,
    what: Difference,
    /// Host and port of the Contact until then.
    pub(super) contact: Arc<str>,
}

/// An Account has taken another configuration over: what it was found by before.
#[derive(Debug)]
pub struct Adopted {
    /// The Account.
    pub account: AccountId,
    /// The set that it registered at.
    pub set: Option<SetId>,
    /// The set of the group that it served.
    pub served_set: Option<SetId>,
    /// Its user and the mark in its Contact, if it had a port of its own.
    pub address: Option<(Arc<config::Account>, String)>,
}

impl Account {
    /// Another configuration is in force. `contact` is what stood in its Contact until now.
    pub fn reconfigure(&mut self, changed: &Changed, contact: Arc<str>, shared: &mut Shared) {
        let before = self.next.take();
        let is_leaving = before.is_some();
        let what = before
            .as_ref()
            .map_or(changed.what, |before| before.what.and(changed.what));
        let next = Box::new(Next {
            config: Arc::clone(&changed.account),
            what,
            contact: before.map_or(contact, |before| before.contact),
        });
        self.mark_changed(shared);
        if is_leaving || matches!(self.attempt, Attempt::InFlight { .. }) {
            self.next = Some(next);
        } else {
            self.apply(next, shared);
        }
    }

    /// What was begun has ended: the configuration that waited for it counts.
    pub(super) fn take_next(&mut self) -> Option<Box<Next>> {
        let is_over = matches!(self.wanted, Wanted::Removed | Wanted::Stopped);
        self.next.take_if(|_| !is_over)
    }

    /// Takes a configuration over, when the binding that it would change is removed.
    pub(super) fn apply(&mut self, next: Box<Next>, shared: &mut Shared) {
        let is_kept = !next.what.binding
            && next.config.register != Register::No
            && self.keeps_port_in(&next.config, shared);
        let Binding::Bound(bound) = self.binding else {
            return self.adopt(*next, shared);
        };
        if is_kept {
            return self.adopt(*next, shared);
        }
        if !self.has_socket(shared) {
            // There is nothing to un-register with; the binding ends by itself.
            self.left_until = Some(bound.until);
            let why = || "configured otherwise, and its SIP Interface is not bound".to_owned();
            self.withdraw_from_group(shared);
            self.go(Binding::None, Attempt::Idle, shared, why);
            return self.adopt(*next, shared);
        }
        self.next = Some(next);
        let waits = !matches!(self.attempt, Attempt::Idle | Attempt::Scheduled { .. });
        if self.errand == Errand::Unregister && waits {
            return;
        }
        self.withdraw_from_group(shared);
        self.begin(Errand::Unregister, shared.cx.now, shared);
    }

    /// Whether the port that it has is one of the interface that it would use.
    fn keeps_port_in(&self, config: &config::Account, shared: &Shared) -> bool {
        let Some(port) = self.port else { return true };
        let set = config.serving.proxy_set.as_ref();
        let set = set.and_then(|set| shared.proxies.find(&set.name));
        set.is_some_and(|set| shared.ports.fits(port, shared.proxies.base(set)))
    }

    fn adopt(&mut self, next: Next, shared: &mut Shared) {
        let Next { config, what, .. } = next;
        let before = self.phase();
        let was_wanted = self.is_wanted();
        let address = self
            .has_own_port()
            .then(|| (Arc::clone(&self.config), self.mark()));
        let old = mem::replace(&mut self.config, config);
        shared.adopted.push(Adopted {
            account: self.id,
            set: self.set,
            served_set: self.served_set,
            address,
        });
        // It stands in no line from here on; since when it was due, if it did.
        let due = self.waits_since();
        let is_moved = self.change_parties(shared);
        self.change_identity(&old, what, shared);
        self.wanted = match (self.wanted, self.config.register) {
            (Wanted::Removed | Wanted::Stopped, _) => self.wanted,
            (_, Register::No) => Wanted::AuthenticationOnly,
            (..) if self.is_told_off => Wanted::Unregistered,
            (..) => Wanted::Registered,
        };
        self.is_held = self.heeds_served() && self.served_status(shared) != Some(true);
        self.begin_to_avoid();
        self.say_phase((before, None), shared, || "configured otherwise".to_owned());
        self.mark_changed(shared);
        let is_anew = what.binding || what.credentials || is_moved || !was_wanted;
        self.follow_up((is_anew, what.credentials), due, shared);
        if self.is_wanted() && !matches!(self.attempt, Attempt::InFlight { .. }) {
            self.change_watch(&old, shared);
        }
        self.arm(shared);
    }

    /// Since when a REGISTER of its is due that has not left.
    fn waits_since(&self) -> Option<Instant> {
        match self.attempt {
            Attempt::Gated { due, .. } | Attempt::Opening { due } | Attempt::Queued { due, .. } => {
                Some(due)
            }
            Attempt::Idle | Attempt::Scheduled { .. } | Attempt::InFlight { .. } => None,
        }
    }

    /// Its groups, their sets, and the interface that it sends from, may be others. Whether it
    /// registers at another set.
    fn change_parties(&mut self, shared: &mut Shared) -> bool {
        let group = shared.pace.groups.join(&self.config.serving.name);
        if group != self.group {
            self.withdraw_from_group(shared);
        }
        shared
            .pace
            .groups
            .part(mem::replace(&mut self.group, group));
        let (set, served_set) = join_sets(&self.config, shared);
        let base = set.map(|set| shared.proxies.base(set));
        let is_moved = set != self.set;
        if (set, base) == (self.set, self.base) {
            for set in self.set.into_iter().chain(self.served_set) {
                shared.proxies.part(set);
            }
            self.served_set = served_set;
            return false;
        }
        // The binding is counted where it is, under the number that its registrar has there.
        self.count(Binding::None, shared);
        for set in self.set.into_iter().chain(self.served_set) {
            shared.proxies.part(set);
        }
        self.change_base(base, shared);
        (self.set, self.served_set) = (set, served_set);
        let binding = mem::replace(&mut self.binding, Binding::None);
        self.count(binding, shared);
        self.binding = binding;
        is_moved
    }

    /// Its requests leave from another interface: what it knows of registrars it knows of their
    /// addresses.
    fn change_base(&mut self, base: Option<SocketId>, shared: &mut Shared) {
        if base == self.base {
            return;
        }
        self.drop_watch(shared);
        if let Some(old) = mem::replace(&mut self.base, base) {
            shared.proxies.part_socket(old);
        }
        let Some(base) = base else { return };
        shared.proxies.join_socket(base);
        let pace = &mut shared.pace;
        self.registrars_mut(|registrar| *registrar = pace.moved(*registrar, base));
    }

    /// Every registrar that it knows.
    fn registrars_mut(&mut self, mut change: impl FnMut(&mut RegistrarId)) {
        if let Binding::Bound(bound) = &mut self.binding {
            change(&mut bound.registrar);
        }
        let holds = self.holds.iter_mut().filter_map(|it| it.registrar.as_mut());
        holds.for_each(&mut change);
        self.known
            .iter_mut()
            .for_each(|it| change(&mut it.registrar));
        self.heard.registrar_mut().into_iter().for_each(&mut change);
        if let Some(rare) = &mut self.rare {
            let visits = rare.visits.iter_mut().map(|it| &mut it.registrar);
            visits.chain(&mut rare.turn).for_each(&mut change);
        }
        if let Some(pass) = &mut self.pass {
            pass.registrars_mut().for_each(&mut change);
        }
    }

    /// Every registrar that it knows, for who keeps them.
    pub fn registrars(&self, mut take: impl FnMut(RegistrarId)) {
        if let Binding::Bound(bound) = &self.binding {
            take(bound.registrar);
        }
        self.attempt.registrar().into_iter().for_each(&mut take);
        let holds = self.holds.iter().filter_map(|hold| hold.registrar);
        let known = self.known.iter().map(|known| known.registrar);
        let last = self.heard.last().into_iter().map(|last| last.registrar);
        let watch = self.watch.iter().map(|watch| watch.registrar());
        let visits = self.visits().iter().map(|visit| visit.registrar);
        let turn = self.rare.iter().filter_map(|rare| rare.turn);
        let pass = self.pass.iter().flat_map(|pass| pass.registrars());
        let all = holds.chain(known).chain(last).chain(watch);
        all.chain(visits).chain(turn).chain(pass).for_each(take);
    }

    /// What makes its REGISTERs one registration. Its Call-ID goes on, and so does CSeq (rule I4).
    fn change_identity(&mut self, old: &config::Account, what: Difference, shared: &mut Shared) {
        if let Some(port) = self.port {
            let base = self.base.filter(|_| self.has_own_port());
            if !base.is_some_and(|base| shared.ports.fits(port, base)) {
                self.release_port(shared);
            }
        }
        if what.binding {
            let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
            // Another mark, so that a binding that could not be removed is not taken for the new
            // one.
            self.identity.mark = draw.number();
            self.identity.random_user = None;
            self.without_path = false;
            self.identity.set_user(&self.config);
        }
        if what.binding || what.credentials || old.register == Register::No {
            self.failures = 0;
            self.refusals = 0;
        }
    }

    /// In mode avoid a registrar that holds the binding is left as if its 200 had come in that mode
    /// (rule S8).
    fn begin_to_avoid(&mut self) {
        let Binding::Bound(bound) = self.binding else {
            return;
        };
        let is_known = |visit: &Visit| visit.registrar == bound.registrar;
        if self.is_avoiding() && !self.visits().iter().any(is_known) {
            self.rare().visits.push(Visit {
                registrar: bound.registrar,
                ends: i64::try_from(bound.until.as_micros()).unwrap_or(i64::MAX),
                granted: bound.granted,
                is_left: false,
            });
        }
    }

    /// Does what the new configuration asks for now, if anything. What has its time keeps it.
    fn follow_up(
        &mut self,
        (is_anew, has_credentials): (bool, bool),
        due: Option<Instant>,
        shared: &mut Shared,
    ) {
        let now = shared.cx.now;
        if matches!(self.wanted, Wanted::Removed | Wanted::Stopped) {
            return;
        }
        if !self.is_wanted() {
            return self.stay_away(shared);
        }
        if !self.has_socket(shared) || !self.may_send() {
            return self.wait_until_ready(shared);
        }
        let is_released = !self.is_avoiding() && self.scheduled(Why::Avoided).is_some();
        match (self.binding, self.attempt, due) {
            (_, Attempt::InFlight { .. }, _) => {}
            (Binding::Bound(_), ..) if has_credentials => {
                self.begin(Errand::Register, now, shared);
            }
            (Binding::None, ..) if is_anew || is_released => {
                self.begin(Errand::Register, now, shared);
            }
            (_, Attempt::Idle, _) => self.resume(shared),
            (_, _, Some(due)) => {
                self.step_out(shared);
                self.advance(Errand::Register, due, shared);
            }
            (Binding::Bound(bound), ..) if self.is_bound_outside(shared) => {
                self.move_away(bound.registrar, shared);
            }
            _ => {}
        }
    }

    /// It is not meant to be registered: what is bound is removed, unless nobody knows yet.
    fn stay_away(&mut self, shared: &mut Shared) {
        if self.wanted == Wanted::AuthenticationOnly {
            let why = "registration is off for this Account now".to_owned();
            self.settle(Errand::Register, &Outcome::NotSent { why }, shared);
        }
        if self.is_bound() && self.waits_for_verdict(shared) {
            self.resume = self.scheduled(Why::Refresh).or(self.resume);
            self.step_out(shared);
            return self.go(self.binding, Attempt::Idle, shared, String::new);
        }
        let is_removing = self.errand == Errand::Unregister && self.waits_since().is_some();
        if self.is_bound() || self.attempt != Attempt::Idle {
            if !is_removing {
                self.leave_binding("configured otherwise", shared);
            }
        } else if self.wanted == Wanted::AuthenticationOnly {
            self.trouble = None;
        }
    }

    /// Nothing can leave yet: it begins when its socket is bound. A binding keeps its time.
    fn wait_until_ready(&mut self, shared: &mut Shared) {
        if self.binding == Binding::None {
            self.withdraw_from_group(shared);
            self.errand = Errand::Register;
            self.go(self.binding, Attempt::Idle, shared, String::new);
        }
    }

    /// The subscription to the registration's state is switched on or off (rule R1).
    fn change_watch(&mut self, old: &config::Account, shared: &mut Shared) {
        let was_on = old.reg_event_package_subscription;
        match (was_on, self.config.reg_event_package_subscription) {
            (true, false) => self.end_watch(shared),
            (false, true) => {
                if let Binding::Bound(bound) = self.binding {
                    self.watch(bound.registrar, true, shared);
                }
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Gives up its places in all that it was found by.
    pub(super) fn part_all(&mut self, shared: &mut Shared) {
        shared.pace.groups.part(self.group);
        for set in self.set.into_iter().chain(self.served_set) {
            shared.proxies.part(set);
        }
        if let Some(base) = self.base {
            shared.proxies.part_socket(base);
        }
    }
}

/// The sets of its two groups, which it uses from now on.
pub(super) fn join_sets(
    config: &config::Account,
    shared: &mut Shared,
) -> (Option<SetId>, Option<SetId>) {
    let Shared { proxies, pace, .. } = shared;
    let mut join = |group: &config::IpGroup| {
        let set = proxies.set(group.proxy_set.as_ref()?, pace);
        proxies.join(set);
        Some(set)
    };
    (join(&config.serving), join(&config.served))
}
