//! What an answer to a REGISTER means (table A; rules L1–L3, L5, L9).

use super::request::GIN;
use super::{
    Account, Attempt, Binding, Bound, Errand, Hold, Route, Shared, Trouble, Why, schedule,
};
use crate::config::{SyncMode, UnregistrationMode};
use crate::cx::Ended;
use crate::effect::{Answer, Cause, Event, Failure, Outcome};
use crate::pace::RegistrarId;
use crate::sip::{Message, Name, RetryAfter, Via};
use crate::tally::{Ending, Method};
use crate::time::{Duration, Instant};

/// `Min-Expires` above this is not obeyed (table A).
const MIN_EXPIRES_MAX: u32 = 2_000_000;
/// From the answer to `Contact: *` at the start to the first registration (rule I9).
const AFTER_CLEARING: Duration = Duration::from_secs(1);
/// 423 answers that are obeyed in one attempt (table A).
const BRIEF_MAX: u8 = 2;

impl Account {
    /// The final answer to a transaction of ours.
    pub fn on_answer(
        &mut self,
        ended: &Ended,
        (message, via): (&Message<'_>, &Via<'_>),
        shared: &mut Shared,
    ) {
        let (Some(registrar), Some(code)) = (self.flight(ended.id), message.code()) else {
            return;
        };
        let now = shared.cx.now;
        shared.on_answered(registrar, ended, code);
        self.tally(registrar, shared, |tally, place| {
            tally.answered(place, Method::Register, ended.round_trip(now));
        });
        let repeat = match (code, self.errand) {
            (200..=299, _) | (404 | 481, Errand::Unregister | Errand::Clear) => None,
            _ => Some(self.repeat(code, message, registrar, shared)),
        };
        if let Some(Ok(())) = repeat {
            // What is answered at once is not what the registrar said in the end.
            return self.send_again(registrar, shared);
        }
        let reason = shared.reason(&message.reason().unwrap_or_default());
        self.hear(code, reason, registrar, shared);
        self.round_trip = Some(ended.round_trip(now));
        self.public_address = public_address(via).or(self.public_address);
        self.algorithm = self.algorithm_at(registrar);
        self.mark_changed(shared);
        match (repeat, self.errand) {
            (Some(Err(trouble)), _) => {
                self.fail(registrar, trouble, message.retry_after(), shared);
            }
            (_, Errand::Register) => self.on_registered(registrar, message, shared),
            (_, Errand::Unregister | Errand::Clear) => {
                self.tally_end(registrar, Ending::Ok, shared);
                self.on_authentication_info(message, registrar, shared);
                self.tell_group((None, true), shared);
                let all = shared.rules.unregistration_mode == UnregistrationMode::All
                    || self.errand == Errand::Clear;
                self.forget_visit(registrar, all);
                self.on_unregistered(None, shared);
            }
        }
    }

    /// Sends again within the attempt: same registrar, same socket (rule A1).
    fn send_again(&mut self, registrar: RegistrarId, shared: &mut Shared) {
        let holds_place = matches!(
            self.attempt,
            Attempt::InFlight {
                holds_place: true,
                ..
            }
        );
        self.send(registrar, holds_place, shared);
    }

    /// Whether an answer is one to send again upon at once; else what is wrong.
    fn repeat(
        &mut self,
        code: u16,
        message: &Message<'_>,
        registrar: RegistrarId,
        shared: &mut Shared,
    ) -> Result<(), Trouble> {
        match code {
            401 | 407 => self.on_challenge(code, message, registrar, shared),
            423 => self.on_brief(message, registrar, shared),
            420 if self.is_bulk() && names(message, GIN) => Err(Trouble::NoGin(code)),
            // For all numbers at once Path is part of the form, and no option (rule I7).
            420 if !self.without_path && !self.is_bulk() && names(message, "path") => {
                self.without_path = true;
                Ok(())
            }
            403 if self.tries.carried => Err(Trouble::CredentialsRefused(code)),
            300..=399 if self.on_redirect(message, registrar, shared) => Ok(()),
            408 | 500..=599 => Err(Trouble::Registrar(code)),
            _ => Err(Trouble::Rejected(code)),
        }
    }

    /// 423: asks for at least `Min-Expires` from now on, if that is sensible.
    fn on_brief(
        &mut self,
        message: &Message<'_>,
        registrar: RegistrarId,
        shared: &mut Shared,
    ) -> Result<(), Trouble> {
        let minimum = message.min_expires().unwrap_or(0);
        let is_sensible = minimum > self.asked && minimum <= MIN_EXPIRES_MAX;
        if !is_sensible || self.tries.brief >= BRIEF_MAX || self.errand != Errand::Register {
            return Err(Trouble::Rejected(423));
        }
        self.tries.brief += 1;
        shared.pace.get_mut(registrar).min_expires = Some(minimum);
        Ok(())
    }

    fn on_registered(
        &mut self,
        registrar: RegistrarId,
        message: &Message<'_>,
        shared: &mut Shared,
    ) {
        self.on_authentication_info(message, registrar, shared);
        let contact = self.contact(shared);
        let granted = self.granted(message, &contact);
        if granted == 0 {
            let code = message.code().unwrap_or(200);
            return self.fail(registrar, Trouble::GrantedNothing(code), None, shared);
        }
        self.heard.succeed();
        let now = shared.cx.now;
        let since_unix_ms = match self.binding {
            Binding::Bound(bound) => bound.since_unix_ms,
            Binding::None => shared.cx.unix_ms(now),
        };
        let until = now + Duration::from_secs(granted.into());
        let binding = Binding::Bound(Bound {
            registrar,
            until,
            since_unix_ms,
            granted,
        });
        self.tally_end(registrar, Ending::Ok, shared);
        self.failures = 0;
        self.refusals = 0;
        self.trouble = None;
        self.left_until = None;
        self.holds.clear();
        self.route = route(message);
        self.is_lost = false;
        self.end_turn();
        self.tell_group((None, true), shared);
        self.visit(registrar, granted, now);
        let due = self.refresh_due(registrar, granted, shared);
        let address = shared.pace.get(registrar).address;
        let why = || Cause::Granted {
            by: address,
            seconds: granted,
        };
        let is_new = self.binding == Binding::None;
        if let Binding::Bound(before) = self.binding
            && before.registrar != registrar
        {
            shared.cx.out.event(Event::Moved {
                account: self.id,
                from: shared.pace.get(before.registrar).address,
                to: address,
            });
        }
        self.go_on(binding, (due, Why::Refresh), shared, why);
        self.settle(
            Errand::Register,
            &Outcome::Registered {
                registrar: address,
                granted,
            },
            shared,
        );
        self.watch(registrar, is_new, shared);
    }

    /// When the binding just granted is refreshed: rule L1, made earlier by rules S9 and L9.
    pub(super) fn refresh_due(
        &self,
        registrar: RegistrarId,
        granted: u32,
        shared: &mut Shared,
    ) -> Instant {
        let now = shared.cx.now;
        let after = schedule::refresh_after(granted, &shared.rules);
        if !self.is_wanted() {
            return now + after;
        }
        if let Some(home) = self.way_home(registrar, shared) {
            return shared
                .pace
                .spread
                .place(now, home.min(now + after), Duration::ZERO);
        }
        let share = after * u32::from(shared.rules.refresh_spread_percent) / 100;
        shared.pace.spread.place(now, now + after, share)
    }

    /// The binding is gone, or as good as gone: `left` says how the un-REGISTER failed.
    pub(super) fn on_unregistered(&mut self, left: Option<Outcome>, shared: &mut Shared) {
        if self.errand == Errand::Clear {
            return self.on_cleared(shared);
        }
        self.left_until = match (&left, self.binding) {
            (Some(_), Binding::Bound(bound)) if bound.until > shared.cx.now => Some(bound.until),
            _ => None,
        };
        self.route = None;
        self.failures = 0;
        self.identity.random_user = None;
        if left.is_none() {
            self.trouble = None;
        }
        let why = if left.is_some() {
            "the un-REGISTER failed"
        } else {
            "the registrar removed the binding"
        };
        let next = (shared.cx.now, Why::Retry);
        let outcome = left.unwrap_or(Outcome::Unregistered);
        self.go_on(Binding::None, next, shared, || why.to_owned());
        self.settle(Errand::Unregister, &outcome, shared);
    }

    /// All Contacts are removed, or that was tried: the first registration follows a second later
    /// (rule I9).
    fn on_cleared(&mut self, shared: &mut Shared) {
        self.clears = false;
        self.trouble = None;
        let due = shared.cx.now + AFTER_CLEARING;
        let why = || "all Contacts are removed first".to_owned();
        self.go_on(Binding::None, (due, Why::Startup), shared, why);
    }

    /// The attempt has failed.
    pub(super) fn fail(
        &mut self,
        registrar: RegistrarId,
        trouble: Trouble,
        retry_after: Option<RetryAfter>,
        shared: &mut Shared,
    ) {
        if self.next_detour() {
            return self.send_again(registrar, shared);
        }
        if let Some(ending) = trouble.ending() {
            self.tally_end(registrar, ending, shared);
        }
        let outcome = self.outcome(&trouble);
        self.hold(registrar, &trouble, retry_after, shared);
        if self.errand != Errand::Register {
            if !trouble.is_of_registrar() {
                self.tell_group((None, true), shared);
            }
            self.trouble = Some(trouble);
            return self.on_unregistered(Some(outcome), shared);
        }
        if trouble.is_about_credentials() {
            self.forget_challenges(registrar);
        }
        let held_binding = self.is_bound_at(registrar);
        let next = if self.is_wanted() {
            self.next_at_once(registrar, &trouble, held_binding, shared)
        } else {
            None
        };
        let binding = if trouble.ends_binding() && held_binding {
            Binding::None
        } else {
            self.binding
        };
        let text = trouble.text();
        if matches!(binding, Binding::Bound(_)) {
            let why = text.clone();
            let account = self.id;
            shared.cx.out.event(Event::RefreshFailed { account, why });
        }
        if binding == Binding::None {
            self.identity.random_user = None;
        }
        self.tell_group((Some(&trouble), next.is_none()), shared);
        if let Some(next) = next {
            self.trouble = Some(trouble);
            return self.go_to(binding, next, shared, || text);
        }
        self.failures = self.failures.saturating_add(1);
        let was_refused = trouble.is_about_credentials()
            || self.is_ims() && self.pass.as_ref().is_some_and(|pass| pass.was_refused);
        self.refusals = if was_refused {
            self.refusals.saturating_add(1)
        } else {
            0
        };
        let due = self.retry_due(was_refused, shared);
        self.trouble = Some(trouble);
        self.go_on(binding, (due, Why::Retry), shared, || text);
        self.settle(Errand::Register, &outcome, shared);
    }

    /// A registrar has answered, or failed, which may end the attempt: whether others of the
    /// serving group may go on (rule S12).
    fn tell_group(&self, (trouble, is_over): (Option<&Trouble>, bool), shared: &mut Shared) {
        let stops = match (shared.rules.registration_sync_mode, trouble) {
            (SyncMode::Disable, _) => return,
            (SyncMode::Enable, Some(trouble)) => trouble.is_of_registrar(),
            (SyncMode::AnyFailure, trouble) => trouble.is_some(),
            (SyncMode::Enable, None) => false,
        };
        if !stops {
            shared.pace.groups.on_answered(self.group);
        } else if is_over && self.is_wanted() {
            shared.pace.groups.on_failed(self.group, self.id);
        }
    }

    fn outcome(&self, trouble: &Trouble) -> Outcome {
        match (trouble, self.heard.last()) {
            (Trouble::GrantedNothing(code), _) => Outcome::Rejected(Answer {
                code: *code,
                reason: "granted no time".to_owned(),
            }),
            (Trouble::NoAnswer(failure), _) => Outcome::Failed { failure: *failure },
            (_, Some(last)) => Outcome::Rejected(Answer {
                code: last.code,
                reason: last.reason.to_string(),
            }),
            (_, None) => Outcome::Failed {
                failure: Failure::TimedOut,
            },
        }
    }

    /// Takes note of a Retry-After: on a 5xx it binds the registrar, else the Account (rule L3).
    fn hold(
        &mut self,
        registrar: RegistrarId,
        trouble: &Trouble,
        retry_after: Option<RetryAfter>,
        shared: &mut Shared,
    ) {
        let now = shared.cx.now;
        self.holds.retain(|hold| hold.until > now);
        let wait = match retry_after {
            None => return,
            Some(RetryAfter::Seconds(seconds)) => Duration::from_secs(seconds.into()),
            Some(RetryAfter::Date { unix_secs }) => {
                shared.cx.instant(unix_secs.saturating_mul(1_000)) - now
            }
        };
        let until = now
            + wait.min(Duration::from_secs(
                shared.rules.retry_after_max_secs.into(),
            ));
        let is_registrars = matches!(trouble, Trouble::Registrar(500..=599));
        let bound = is_registrars.then_some(registrar);
        self.holds.retain(|hold| hold.registrar != bound);
        if until > now {
            self.holds.push(Hold {
                registrar: bound,
                until,
            });
        }
    }

    /// When the next attempt is due (rule L3).
    pub(super) fn retry_due(&mut self, was_refused: bool, shared: &mut Shared) -> Instant {
        let wait = if was_refused {
            schedule::credentials_wait(self.refusals, &shared.rules)
        } else {
            let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
            schedule::retry_wait(self.failures, &shared.rules, &mut draw)
        };
        let due = shared.cx.now + wait;
        if self.is_ims() {
            // The longest wait that any answer of the pass earned (rule S7).
            let holds = self.holds.iter().map(|hold| hold.until);
            return holds.fold(due, Instant::max);
        }
        self.hold_end(due, shared).unwrap_or(due)
    }

    /// The end of the Retry-After that forbids sending at this instant, if one does: the Account's
    /// own, or the first of the registrars' when no other may be chosen.
    pub(super) fn hold_end(&self, at: Instant, shared: &Shared) -> Option<Instant> {
        let own = self
            .holds
            .iter()
            .find(|hold| hold.registrar.is_none() && hold.until > at);
        if let Some(own) = own {
            return Some(own.until);
        }
        let is_held = |id| {
            self.holds
                .iter()
                .any(|hold| hold.registrar == Some(id) && hold.until > at)
        };
        if self.holds.is_empty()
            || self
                .set
                .is_none_or(|set| shared.proxies.has_open(set, is_held))
        {
            return None;
        }
        self.holds
            .iter()
            .map(|hold| hold.until)
            .filter(|until| *until > at)
            .min()
    }
}

/// Whether a 420 says that it does not support this extension.
fn names(message: &Message<'_>, extension: &str) -> bool {
    message
        .list(Name::Unsupported)
        .iter()
        .any(|tag| tag.eq_ignore_ascii_case(extension))
}

/// Our address as the answer's topmost Via shows it (RFC 3581).
fn public_address(via: &Via<'_>) -> Option<std::net::SocketAddr> {
    let host = via
        .received()
        .or_else(|| via.host.trim_matches(['[', ']']).parse().ok())?;
    let port = via.rport().flatten().or(via.port)?;
    Some(std::net::SocketAddr::new(host, port))
}

fn route(message: &Message<'_>) -> Option<Box<Route>> {
    let list = |name| {
        message
            .list(name)
            .iter()
            .map(|item| Box::from(&**item))
            .collect::<Vec<Box<str>>>()
    };
    let route = Route {
        path: list(Name::Path),
        service_route: list(Name::ServiceRoute),
        associated: list(Name::PAssociatedUri),
    };
    (route != Route::default()).then(|| Box::new(route))
}
