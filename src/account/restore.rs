//! What the store keeps of an Account, and how it goes on after a restart (rule L8).

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::SocketAddr;
use std::sync::Arc;

use super::avoid::Visit;
use super::request::CSEQ_MAX;
use super::{Account, Attempt, Binding, Bound, Hold, Identity, Shared, Why, schedule};
use crate::effect::{Record, StoredBinding, StoredHold, StoredVisit};
use crate::flow::Ports;
use crate::pace::RegistrarId;
use crate::time::{Duration, Instant};

/// Limits are raised to this far ahead of the last CSeq.
const AHEAD: u32 = 256;
/// An Account whose limit is used up looks again after this.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// They are raised while so many remain.
const LOW: u32 = 64;

/// What tells one record of an Account from another, in place of the record.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Saved {
    content: u64,
    due_unix_ms: i64,
}

impl Saved {
    fn of(record: &Record) -> Self {
        let Record {
            account: _,
            aor,
            epoch,
            call_id,
            mark,
            cseq: _,
            cseq_limit,
            clean: _,
            binding,
            unregistered,
            port,
            contact_user,
            visits,
            holds,
            minima,
        } = record;
        let bound = binding.as_ref().map(|binding| {
            let StoredBinding {
                registrar,
                granted,
                refreshed_unix_ms,
                since_unix_ms,
                due_unix_ms: _,
                contact,
            } = binding;
            (
                registrar,
                granted,
                refreshed_unix_ms,
                since_unix_ms,
                contact,
            )
        });
        let mut hasher = DefaultHasher::new();
        (aor, epoch, call_id, mark, cseq_limit, bound).hash(&mut hasher);
        (unregistered, port, contact_user, visits, holds, minima).hash(&mut hasher);
        Self {
            // Nothing is told apart by 0.
            content: hasher.finish().max(1),
            due_unix_ms: binding.as_ref().map_or(0, |binding| binding.due_unix_ms),
        }
    }
}

impl Account {
    /// The Account's record.
    pub fn record(&self, shared: &Shared, clean: bool) -> Record {
        let identity = &self.identity;
        let due = match self.attempt {
            Attempt::Scheduled { due, .. }
            | Attempt::Gated { due, .. }
            | Attempt::Opening { due }
            | Attempt::Queued { due, .. } => due,
            Attempt::InFlight { .. } => shared.cx.now,
            // It goes on with what the run before left, once its socket and its limit are there.
            Attempt::Idle => self.resume.unwrap_or(shared.cx.now),
        };
        let binding = match self.binding {
            Binding::None => None,
            Binding::Bound(bound) => {
                let granted_ms = i64::from(bound.granted).saturating_mul(1_000);
                Some(StoredBinding {
                    registrar: shared.pace.get(bound.registrar).address,
                    granted: bound.granted,
                    refreshed_unix_ms: shared.cx.unix_ms(bound.until).saturating_sub(granted_ms),
                    since_unix_ms: bound.since_unix_ms,
                    due_unix_ms: shared.cx.unix_ms(due),
                    contact: self.planned_contact(),
                })
            }
        };
        Record {
            account: Arc::clone(&self.config.name),
            aor: Arc::clone(&identity.aor),
            epoch: 0,
            call_id: Arc::clone(&identity.call_id),
            mark: identity.mark,
            cseq: identity.cseq,
            cseq_limit: identity.cseq_limit.max(identity.cseq_asked),
            clean,
            binding,
            unregistered: self.is_told_off,
            port: self.port.and_then(Ports::number),
            contact_user: identity.random_user.as_deref().map(str::to_owned),
            visits: self.stored_visits(shared),
            holds: self.stored_holds(shared),
            minima: self.stored_minima(shared),
        }
    }

    /// The Account's record, if it is another than the last one that was asked for. Of what differs
    /// with each REGISTER nothing counts: the limit stands for the CSeq, and while one is under way
    /// a restart finds it due, as it was before.
    pub fn changed_record(&mut self, shared: &Shared) -> Option<Record> {
        let record = self.record(shared, false);
        let saved = Saved::of(&record);
        let is_under_way = self.attempt.registrar().is_some();
        let is_same = saved.content == self.saved.content
            && (is_under_way || saved.due_unix_ms == self.saved.due_unix_ms);
        if is_same {
            return None;
        }
        self.saved = saved;
        Some(record)
    }

    /// The last record is not on disk, and never will be.
    pub fn on_record_lost(&mut self) {
        self.saved = Saved::default();
    }

    fn stored_visits(&self, shared: &Shared) -> Vec<StoredVisit> {
        let zero = shared.cx.unix_ms(Instant::ZERO).saturating_mul(1_000);
        let stored = self.visits().iter().map(|visit| StoredVisit {
            registrar: shared.pace.get(visit.registrar).address,
            ends_unix_us: visit.ends.saturating_add(zero),
            granted: visit.granted,
            is_left: visit.is_left,
        });
        stored.collect()
    }

    fn stored_holds(&self, shared: &Shared) -> Vec<StoredHold> {
        let stored = self.holds.iter().map(|hold| StoredHold {
            registrar: hold.registrar.map(|id| shared.pace.get(id).address),
            until_unix_ms: shared.cx.unix_ms(hold.until),
        });
        stored.collect()
    }

    /// What the registrars of its set have asked for; nothing as a rule.
    fn stored_minima(&self, shared: &Shared) -> Vec<(SocketAddr, u32)> {
        let members = self
            .set
            .into_iter()
            .flat_map(|set| shared.proxies.members(set));
        let registrars = members.map(|id| shared.pace.get(id));
        registrars
            .filter_map(|registrar| Some((registrar.address, registrar.min_expires?)))
            .collect()
    }

    /// Goes on with what the store held.
    pub fn restore(&mut self, record: &Record, shared: &mut Shared) {
        if record.unregistered {
            self.stay_unregistered();
            self.mark_changed(shared);
        }
        if let Some(port) = record.port.filter(|_| self.has_own_port()) {
            self.restore_port(port, shared);
        }
        if !self.is_own(&record.aor) {
            // The configuration has changed meanwhile: what a registrar knows is of somebody else.
            return;
        }
        self.restore_registrars(record, shared);
        let last = if record.clean {
            record.cseq
        } else {
            record.cseq_limit
        };
        if last >= CSEQ_MAX - AHEAD {
            return;
        }
        self.identity.call_id = Arc::clone(&record.call_id);
        self.identity.mark = record.mark;
        self.identity.cseq = last;
        self.identity.cseq_limit = last;
        self.identity.aor = Arc::clone(&record.aor);
        if let Some(binding) = &record.binding {
            self.restore_binding(binding, shared);
        }
        if self.is_bound() {
            self.identity.random_user = record.contact_user.as_deref().map(Box::from);
        }
    }

    /// Whether an address-of-record is this Account's. Without a configured host it is at the
    /// registrar's address (rule I1), and so not complete before one is chosen.
    fn is_own(&self, aor: &str) -> bool {
        match self.config.host() {
            Some(_) => *self.identity.aor == *aor,
            None => aor.starts_with(&*self.identity.aor),
        }
    }

    /// What it knew of registrars: whom it has left, who asked for patience, who for longer times.
    fn restore_registrars(&mut self, record: &Record, shared: &mut Shared) {
        let Some(socket) = self.base else { return };
        let zero = shared.cx.unix_ms(Instant::ZERO).saturating_mul(1_000);
        let is_avoiding = self.is_avoiding();
        for visit in record.visits.iter().filter(|_| is_avoiding) {
            let visits = &mut self.rare().visits;
            // A clock that was set between the runs must not keep a registrar away for ever: what
            // it granted ends no later than if it had been granted now.
            let latest = shared.cx.now + Duration::from_secs(visit.granted.into());
            let latest = i64::try_from(latest.as_micros()).unwrap_or(i64::MAX);
            visits.push(Visit {
                registrar: shared.pace.recall(socket, visit.registrar),
                ends: visit.ends_unix_us.saturating_sub(zero).min(latest),
                granted: visit.granted,
                is_left: visit.is_left,
            });
        }
        for hold in &record.holds {
            let longest = Duration::from_secs(shared.rules.retry_after_max_secs.into());
            let until = shared.cx.instant(hold.until_unix_ms);
            let until = until.min(shared.cx.now + longest);
            if until > shared.cx.now {
                let registrar = hold.registrar;
                let registrar = registrar.map(|at| shared.pace.recall(socket, at));
                self.holds.push(Hold { registrar, until });
            }
        }
        if !record.holds.is_empty() || !record.visits.is_empty() {
            self.mark_changed(shared);
        }
        for (address, minimum) in &record.minima {
            let id = shared.pace.recall(socket, *address);
            shared.pace.get_mut(id).min_expires.get_or_insert(*minimum);
        }
    }

    fn restore_binding(&mut self, stored: &StoredBinding, shared: &mut Shared) {
        let now = shared.cx.now;
        let granted = Duration::from_secs(stored.granted.into());
        let granted_ms = i64::from(stored.granted).saturating_mul(1_000);
        // A clock that was set between the runs must not let the Account sleep: no binding lasts
        // longer than it was granted, no refresh waits longer than from now.
        let until = shared
            .cx
            .instant(stored.refreshed_unix_ms.saturating_add(granted_ms));
        let until = until.min(now + granted);
        let latest = now + schedule::refresh_after(stored.granted, &shared.rules);
        let is_from_the_future = stored.refreshed_unix_ms > shared.cx.unix_ms(now);
        // What comes to it would arrive nowhere until it is refreshed (rule N4).
        let is_elsewhere = stored.contact.is_some() && stored.contact != self.planned_contact();
        let due = if is_from_the_future || is_elsewhere {
            now
        } else {
            shared.cx.instant(stored.due_unix_ms)
        };
        let (Some(socket), true) = (self.base, until > now) else {
            return;
        };
        // Whether it is in the list still is looked at when work begins.
        let registrar = shared.pace.recall(socket, stored.registrar);
        let since_unix_ms = stored.since_unix_ms;
        let binding = Binding::Bound(Bound {
            registrar,
            until,
            since_unix_ms,
            granted: stored.granted,
        });
        self.resume = Some(due.clamp(now, latest));
        self.go(binding, Attempt::Idle, shared, || {
            "goes on with the binding of the run before".to_owned()
        });
    }

    /// Takes up its work: the refresh that stood, or a first registration.
    pub(super) fn resume(&mut self, shared: &mut Shared) {
        let is_left = self.is_bound_outside(shared) && self.has_members(shared);
        match self.resume.take() {
            // Its registrar has left the list between the runs, or before work began (rule S5).
            Some(_) if is_left => {
                self.is_lost = true;
                self.begin(super::Errand::Register, shared.cx.now, shared);
            }
            Some(due) if self.is_bound() && !self.clears && self.keeps_port(shared) => {
                let now = shared.cx.now;
                let due = shared.pace.spread.place(now, due.max(now), Duration::ZERO);
                let attempt = Attempt::Scheduled {
                    due,
                    why: Why::Refresh,
                };
                self.go(self.binding, attempt, shared, String::new);
            }
            _ => self.begin(super::Errand::Register, shared.cx.now, shared),
        }
    }

    /// Whether the store allows another CSeq.
    pub fn may_send(&self) -> bool {
        self.identity.cseq < self.identity.cseq_limit
    }

    /// Whether a higher limit should be asked for by now.
    pub(super) fn is_low(&self) -> bool {
        let Identity {
            cseq,
            cseq_limit,
            cseq_asked,
            ..
        } = self.identity;
        cseq_asked <= cseq_limit && cseq_limit.saturating_sub(cseq) <= LOW
    }

    /// The limit to ask for, if one should be; it counts as asked for from now on.
    pub fn want_limit(&mut self) -> Option<u32> {
        let limit = (self.identity.cseq + AHEAD).min(CSEQ_MAX);
        if !self.is_low() || limit <= self.identity.cseq_limit {
            return None;
        }
        self.identity.cseq_asked = limit;
        Some(limit)
    }

    /// This limit is on disk.
    pub fn on_limit(&mut self, limit: u32) {
        self.identity.cseq_limit = self.identity.cseq_limit.max(limit);
    }

    /// The limit asked for is not on disk.
    pub fn on_limit_lost(&mut self) {
        self.identity.cseq_asked = 0;
    }

    /// No REGISTER may leave before the store has answered: looks again in a second.
    pub(super) fn wait_for_store(
        &mut self,
        registrar: RegistrarId,
        holds_place: bool,
        shared: &mut Shared,
    ) {
        if holds_place {
            shared.pace.leave(registrar);
        }
        shared.dirty.mark_low(self.id);
        let attempt = Attempt::Scheduled {
            due: shared.cx.now + STORE_PAUSE,
            why: Why::Store,
        };
        self.go(self.binding, attempt, shared, || {
            "the state cannot be saved".to_owned()
        });
    }
}
