//! What the store keeps of an Account, and how it goes on after a restart (rule L8).

use super::request::CSEQ_MAX;
use super::{Account, Attempt, Binding, Bound, Shared, Wanted, Why};
use crate::effect::{Record, StoredBinding};
use crate::pace::RegistrarId;
use crate::rng::{Token, read_hex};
use crate::time::Duration;

/// Limits are raised to this far ahead of the last CSeq.
const AHEAD: u32 = 256;
/// An Account whose limit is used up looks again after this.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// They are raised while so many remain.
const LOW: u32 = 64;

impl Account {
    /// The Account's record.
    pub fn record(&self, shared: &Shared, clean: bool) -> Record {
        let identity = &self.identity;
        let due = match self.attempt {
            Attempt::Scheduled { due, .. } | Attempt::Queued { due, .. } => due,
            Attempt::Idle | Attempt::InFlight { .. } => shared.cx.now,
        };
        let binding = match self.binding {
            Binding::None => None,
            Binding::Bound(bound) => {
                let granted = Duration::from_secs(bound.granted.into());
                Some(StoredBinding {
                    registrar: shared.pace.get(bound.registrar).address,
                    granted: bound.granted,
                    refreshed_unix_ms: shared.cx.unix_ms(bound.until.back(granted)),
                    since_unix_ms: shared.cx.unix_ms(bound.since),
                    due_unix_ms: shared.cx.unix_ms(due),
                })
            }
        };
        Record {
            account: self.config.name.to_string(),
            epoch: 0,
            call_id: identity.call_id.to_string(),
            mark: Token::of(identity.mark).as_str().to_owned(),
            cseq: identity.cseq,
            cseq_limit: identity.cseq_limit,
            clean,
            binding,
            unregistered: self.wanted == Wanted::Unregistered,
        }
    }

    /// Goes on with what the store held.
    pub fn restore(&mut self, record: &Record, shared: &mut Shared) {
        if record.unregistered && self.wanted == Wanted::Registered {
            self.wanted = Wanted::Unregistered;
        }
        let last = if record.clean {
            record.cseq
        } else {
            record.cseq_limit
        };
        if last >= CSEQ_MAX - AHEAD {
            return;
        }
        self.identity.call_id = record.call_id.as_str().into();
        self.identity.mark = read_hex(record.mark.as_bytes()).unwrap_or(self.identity.mark);
        self.identity.cseq = last;
        self.identity.cseq_limit = last;
        if let Some(binding) = &record.binding {
            self.restore_binding(binding, shared);
        }
    }

    fn restore_binding(&mut self, stored: &StoredBinding, shared: &mut Shared) {
        let granted_ms = i64::from(stored.granted).saturating_mul(1_000);
        let until = shared
            .cx
            .instant(stored.refreshed_unix_ms.saturating_add(granted_ms));
        let socket = self.set.map(|set| shared.proxies.socket_of_set(set));
        let registrar = socket.and_then(|socket| shared.pace.find(socket, stored.registrar));
        let (Some(registrar), true) = (registrar, until > shared.cx.now) else {
            return;
        };
        let since = shared.cx.instant(stored.since_unix_ms);
        let binding = Binding::Bound(Bound {
            registrar,
            until,
            since,
            granted: stored.granted,
        });
        let due = shared.cx.instant(stored.due_unix_ms).max(shared.cx.now);
        self.resume = Some(due);
        self.go(binding, Attempt::Idle, shared, || {
            "goes on with the binding of the run before".to_owned()
        });
    }

    /// Takes up its work: the refresh that stood, or a first registration.
    pub(super) fn resume(&mut self, shared: &mut Shared) {
        match self.resume.take() {
            Some(due) if self.is_bound() => {
                let due = due.max(shared.cx.now);
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
        !self.identity.is_raising
            && self.identity.cseq_limit - self.identity.cseq.min(self.identity.cseq_limit) <= LOW
    }

    /// The limit to ask for, if one should be; it counts as asked for from now on.
    pub fn want_limit(&mut self) -> Option<u32> {
        if !self.is_low() {
            return None;
        }
        self.identity.is_raising = true;
        Some((self.identity.cseq + AHEAD).min(CSEQ_MAX))
    }

    /// This limit is on disk.
    pub fn on_limit(&mut self, limit: u32) {
        self.identity.is_raising = false;
        self.identity.cseq_limit = self.identity.cseq_limit.max(limit);
    }

    /// The limit asked for is not on disk.
    pub fn on_limit_lost(&mut self) {
        self.identity.is_raising = false;
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
            why: Why::Retry,
        };
        self.go(self.binding, attempt, shared, || {
            "the state cannot be saved".to_owned()
        });
    }
}
