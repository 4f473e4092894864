//! Tells the alerts what becomes of Accounts, and does what they want (rules T2, T3).
//!
//! Alerts know Accounts by name and look at those alone that lost their registration; what is so
//! of one is found out here. It is called when an input is handled: what alerts must know of it
//! stands in the events and changes that wait to be polled.

use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Engine;
use crate::account::View;
use crate::alert::{ARMED_AFTER, Alerts, CHECK_DISTANCE, Clock, Loss, Standing};
use crate::config::Register;
use crate::effect::{AccountId, Event, Left, Phase, StoredAlert};
use crate::pace::RegistrarId;
use crate::proxy::{Change, Health};

/// What the alerts have seen, and not seen, of the input that is handled.
#[derive(Default, Debug)]
pub(super) struct Watched {
    /// So many events that were not polled yet.
    events: usize,
    /// Accounts whose registrar is offline, or online again.
    members: Vec<AccountId>,
    /// Accounts with an alert of the run before: their bindings stand, and it is not known yet how
    /// their registrars do.
    unknown: Vec<Arc<str>>,
    has_notice: bool,
}

impl Watched {
    /// An input comes.
    pub(super) fn begin(&mut self) {
        self.events = 0;
        self.has_notice = false;
    }
}

impl Engine {
    /// Lost registrations and alerts.
    pub fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// The instant of the last input, and the wall clock.
    pub fn clock(&self) -> Clock {
        Clock {
            now: self.shared.cx.now,
            unix_ms_at_zero: self.shared.cx.unix_ms_at_zero,
        }
    }

    /// Whether losses count: not before the store has spoken, and not while the program stops.
    pub(super) fn may_alert(&self) -> bool {
        self.stopping.is_none() && self.persist.is_restored()
    }

    /// What the store held of lost registrations.
    pub(super) fn on_restore_alerts(&mut self, stored: Vec<StoredAlert>) {
        if self.persist.is_restored() {
            return;
        }
        let names = stored.iter().map(|it| it.account.as_str().into());
        self.watched.unknown = names.collect();
        let clock = self.clock();
        let mut alerts = mem::replace(&mut self.alerts, Alerts::new(&self.config));
        let known = |name: &str| {
            let account = self.find(name).and_then(|id| self.account_of(id))?;
            let config = account.config();
            (config.register != Register::No).then(|| Arc::clone(&config.name))
        };
        alerts.restore(stored, known, clock);
        self.alerts = alerts;
    }

    /// A member of the set of an Account is offline, or online again.
    pub(super) fn watch_member(&mut self, id: AccountId, change: Change) {
        let (Change::Offline(registrar) | Change::Online(registrar)) = change else {
            return;
        };
        if self.alerts.is_idle() {
            return;
        }
        let bound = self.account(id).and_then(|view| view.bound().copied());
        if bound.is_some_and(|bound| bound.registrar == registrar) {
            self.watched.members.push(id);
        }
    }

    /// Tells the alerts what has happened, and does what they want. `is_arrival`: what is due
    /// waits for another input.
    pub(super) fn follow_alerts(&mut self, is_arrival: bool) {
        if self.alerts.is_idle() || !self.may_alert() {
            self.watched.members.clear();
            return;
        }
        self.find_losses();
        let members = mem::take(&mut self.watched.members);
        for id in &members {
            self.doubt(*id);
        }
        if !self.alerts.is_empty() {
            let changed = self.shared.cx.out.changes();
            let changed: Vec<AccountId> = changed.chain(members).collect();
            changed.into_iter().for_each(|id| self.look_at(id));
        }
        self.look_at_unknown();
        if !is_arrival {
            self.make_checks();
        }
        self.alerts.settle(!is_arrival, self.clock());
        self.say_alerts();
    }

    /// Accounts that are registered no longer.
    fn find_losses(&mut self) {
        let events = self.shared.cx.out.events_behind(self.watched.events);
        let seen = events.len();
        let losses = events.filter_map(|event| {
            if let Event::PhaseChanged {
                account,
                from: Phase::Registered,
                left: Some(left),
                ..
            } = event
            {
                return Some((*account, *left));
            }
            None
        });
        let losses: Vec<(AccountId, Left)> = losses.collect();
        self.watched.events += seen;
        for (id, left) in losses {
            self.on_loss(id, left);
        }
    }

    /// Its registrar may have turned UNREACHABLE just now, or have failed on its way back, after
    /// which it could have been taken for alive.
    fn doubt(&mut self, id: AccountId) {
        let Some(view) = self.account(id) else {
            return;
        };
        let (Some(bound), Some(set)) = (view.bound(), view.set()) else {
            return;
        };
        let proxies = &self.shared.proxies;
        let is_away = matches!(
            proxies.health(set, bound.registrar),
            Some(Health::Unreachable | Health::Unknown)
        );
        let is_new = proxies.missed(set, bound.registrar) == Some(self.shared.cx.now);
        let left = Left {
            registrar: view.address(bound.registrar),
            since_unix_ms: bound.since_unix_ms,
        };
        if is_away && is_new {
            self.on_loss(id, left);
        }
    }

    /// An Account has lost its registration: that counts when it had it for long enough, and not
    /// by anybody's word.
    fn on_loss(&mut self, id: AccountId, left: Left) {
        let clock = self.clock();
        let now = self.shared.cx.unix_ms(clock.now);
        let was_armed = u128::try_from(now.saturating_sub(left.since_unix_ms))
            .is_ok_and(|since| since >= ARMED_AFTER.as_millis());
        let Some(view) = self.account(id) else {
            return;
        };
        if !was_armed || self.standing(view, i64::MAX) != Standing::Lost {
            return;
        }
        let name = Arc::clone(&view.config().name);
        let loss = self.loss(view, left.registrar);
        if self.alerts.on_loss(&name, loss, clock) {
            self.ask_registrar(&name);
        }
    }

    fn loss(&self, view: View<'_>, registrar: SocketAddr) -> Loss {
        let source = view.public_address().or_else(|| view.local());
        let server = self.registrar_of(view, registrar);
        let server = server.and_then(|id| self.shared.pace.get(id).server.clone());
        Loss {
            identity: Arc::clone(view.aor()),
            source: source.map(|address| address.ip()),
            registrar,
            server,
            user_agent: Arc::clone(&self.shared.user_agent),
        }
    }

    fn registrar_of(&self, view: View<'_>, address: SocketAddr) -> Option<RegistrarId> {
        self.shared.pace.find(view.base()?, address)
    }

    /// Something has happened to an Account: perhaps it is back.
    fn look_at(&mut self, id: AccountId) {
        let Some(view) = self.account(id) else {
            return;
        };
        let name = Arc::clone(&view.config().name);
        if let Some((lost, _)) = self.alerts.loss(&name) {
            let standing = self.standing(view, lost);
            self.alerts.on_standing(&name, standing, self.clock());
        }
    }

    /// What is found out first of a registrar after a restart makes no change of it, but the status
    /// of its set is another.
    fn look_at_unknown(&mut self) {
        if self.watched.unknown.is_empty() || !self.shared.cx.out.has_set_changes() {
            return;
        }
        let mut unknown = mem::take(&mut self.watched.unknown);
        unknown.retain(|name| {
            let Some(id) = self.find(name) else {
                return false;
            };
            self.look_at(id);
            let view = self.account(id);
            let place = view.and_then(|view| Some((view.set()?, view.bound()?.registrar)));
            let word = place.and_then(|(set, at)| self.shared.proxies.health(set, at));
            word == Some(Health::NoStatus) && self.alerts.loss(name).is_some()
        });
        self.watched.unknown = unknown;
    }

    /// What an Account is that was lost at this time, in microseconds from instant zero. A
    /// registrar that has granted the binding since, and was not missed after that, or has sent
    /// anything while nobody probes it, was not away for long.
    fn standing(&self, view: View<'_>, lost: i64) -> Standing {
        match view.phase() {
            _ if view.is_removed() => return Standing::Paused,
            _ if view.is_unregistered() => return Standing::Dismissed,
            Phase::Registered => {}
            Phase::Registering
            | Phase::WaitingToRetry
            | Phase::WaitingForAnotherAccount
            | Phase::Avoided
            | Phase::NoPort => return Standing::Lost,
            Phase::Held | Phase::Unregistering | Phase::Standby => return Standing::Paused,
            Phase::Unregistered | Phase::AuthenticationOnly => return Standing::Dismissed,
        }
        let (Some(bound), Some(set)) = (view.bound(), view.set()) else {
            return Standing::Lost;
        };
        let micros = |micros: u64| i64::try_from(micros).unwrap_or(i64::MAX);
        let granted = i64::from(bound.granted).saturating_mul(1_000_000);
        let refreshed = micros(bound.until.as_micros()).saturating_sub(granted);
        let heard = self.shared.pace.get(bound.registrar).heard;
        let was_heard = heard.is_some_and(|at| micros(at.as_micros()) > lost);
        let missed = self.shared.proxies.missed(set, bound.registrar);
        let missed = missed.map_or(i64::MIN, |at| micros(at.as_micros()));
        let is_there = match self.shared.proxies.health(set, bound.registrar) {
            Some(Health::Ok | Health::Lagged) => true,
            Some(Health::Unreachable | Health::Unknown) => refreshed > lost.max(missed),
            Some(Health::NoStatus | Health::Unmonitored) | None => was_heard || refreshed > lost,
        };
        if is_there {
            Standing::Registered(view.address(bound.registrar))
        } else {
            Standing::Lost
        }
    }

    fn make_checks(&mut self) {
        let clock = self.clock();
        self.alerts.tell_of_losses(clock);
        while let Some(name) = self.alerts.next_check(clock) {
            let lost = self.alerts.loss(&name).map_or(i64::MAX, |(lost, _)| lost);
            let view = self.find(&name).and_then(|id| self.account(id));
            let standing = view.map(|view| self.standing(view, lost));
            let is_registered = matches!(standing, Some(Standing::Registered(_)));
            if self.alerts.on_check(&name, is_registered, clock) {
                self.ask_registrar(&name);
            }
        }
    }

    /// The next check is to know how the registrar does that holds the binding, or held it, where
    /// keep-alive does not say that in time. The answer has until then to come.
    fn ask_registrar(&mut self, name: &str) {
        let Some((view, (_, held))) = self
            .find(name)
            .and_then(|id| self.account(id))
            .zip(self.alerts.loss(name))
        else {
            return;
        };
        let bound = view.bound().map(|bound| bound.registrar);
        let registrar = bound.or_else(|| self.registrar_of(view, held));
        if let (Some(registrar), Some(set)) = (registrar, view.set()) {
            let now = self.shared.cx.now;
            self.shared.proxies.ask(set, registrar, CHECK_DISTANCE, now);
        }
    }

    fn say_alerts(&mut self) {
        let out = &mut self.shared.cx.out;
        for account in self.alerts.take_changed() {
            out.alerts_changed(account);
        }
        while let Some(notice) = self.alerts.next_notice() {
            self.watched.has_notice = true;
            out.notice(notice);
        }
    }

    /// The program has stopped: what waits for others is told and saved as it is.
    pub(super) fn close_alerts(&mut self) {
        self.alerts.finish(self.clock());
        self.say_alerts();
        self.save_alerts(true);
    }

    /// Another configuration is in force.
    pub(super) fn reconfigure_alerts(&mut self) {
        self.alerts.reconfigure(&self.config);
        self.say_alerts();
    }

    /// Saves what has changed: at once where a notice leaves that belongs to it.
    pub(super) fn keep_alerts(&mut self) {
        let is_urgent = self.watched.has_notice;
        self.save_alerts(is_urgent);
    }
}
