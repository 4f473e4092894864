//! What operators ask for (rules L7, L10, I8).

use super::attempt::PROBED;
use super::{Account, Attempt, Binding, Errand, Shared, Wanted, Why};
use crate::cx::Cx;
use crate::effect::{Outcome, Ticket};
use crate::time::Duration;

impl Account {
    /// `register`: now, whatever wait was on; a Retry-After in force only gives way to `force`.
    pub fn on_register(&mut self, ticket: Ticket, force: bool, shared: &mut Shared) {
        if let Some(why) = self.cannot_be_told() {
            return shared.cx.out.reply(ticket, Outcome::NotSent { why });
        }
        self.is_told_off = false;
        self.want(Wanted::Registered, "told to register", shared);
        if force {
            self.holds.clear();
        }
        if self.is_held {
            let why = HELD.to_owned();
            return shared.cx.out.reply(ticket, Outcome::NotSent { why });
        }
        let is_unregistering = self.errand == Errand::Unregister;
        let is_in_flight = matches!(self.attempt, Attempt::InFlight { .. });
        let is_queued = matches!(self.attempt, Attempt::Queued { .. });
        let is_leaving = is_unregistering && self.next.is_some();
        if !(is_leaving || is_in_flight && is_unregistering) {
            self.revoke(
                Errand::Unregister,
                "told to register before it was sent",
                shared,
            );
        }
        // It registers too when it has taken another configuration over.
        if is_in_flight || is_leaving || (is_queued && !is_unregistering) {
            self.tickets.push((ticket, Errand::Register));
        } else {
            self.register_now(ticket, shared);
        }
    }

    fn register_now(&mut self, ticket: Ticket, shared: &mut Shared) {
        let now = shared.cx.now;
        self.step_out(shared);
        if let Some(until) = self.hold_end(now, shared) {
            self.errand = Errand::Register;
            let attempt = Attempt::Scheduled {
                due: until,
                why: Why::Retry,
            };
            self.go(self.binding, attempt, shared, || {
                "waiting for the end of a Retry-After".to_owned()
            });
            return shared.cx.out.reply(ticket, patience(until - now));
        }
        if !self.has_socket(shared) {
            self.errand = Errand::Register;
            self.go(self.binding, Attempt::Idle, shared, String::new);
            return shared.cx.out.reply(ticket, no_socket());
        }
        self.failures = 0;
        self.refusals = 0;
        self.tickets.push((ticket, Errand::Register));
        self.begin(Errand::Register, now, shared);
    }

    /// `unregister`: removes the binding, and stays away until told (rule I8).
    pub fn on_unregister(&mut self, ticket: Ticket, shared: &mut Shared) {
        if let Some(why) = self.cannot_be_told() {
            return shared.cx.out.reply(ticket, Outcome::NotSent { why });
        }
        self.tickets.push((ticket, Errand::Unregister));
        self.is_told_off = true;
        self.withdraw(Wanted::Unregistered, shared);
    }

    /// The program stops, or the Account is no longer configured: the binding is removed (rules L7,
    /// G2).
    pub fn on_leave(&mut self, wanted: Wanted, shared: &mut Shared) {
        let stays = matches!(
            self.wanted,
            Wanted::AuthenticationOnly | Wanted::Unregistered | Wanted::Removed
        );
        if wanted == Wanted::Removed || !stays {
            self.withdraw(wanted, shared);
        }
    }

    fn withdraw(&mut self, wanted: Wanted, shared: &mut Shared) {
        let why = reason(wanted);
        self.want(wanted, why, shared);
        self.leave_binding("told to un-register before it was sent", shared);
    }

    /// Removes the binding, if there is one, and sends nothing else.
    pub(super) fn leave_binding(&mut self, why: &str, shared: &mut Shared) {
        self.withdraw_from_group(shared);
        let is_unregistering = self.errand == Errand::Unregister;
        let is_in_flight = matches!(self.attempt, Attempt::InFlight { .. });
        let is_queued = matches!(self.attempt, Attempt::Queued { .. });
        if is_unregistering || !is_in_flight {
            self.revoke(Errand::Register, why, shared);
        }
        if is_in_flight || (is_queued && is_unregistering) {
            return;
        }
        match self.binding {
            Binding::Bound(_) if self.has_socket(shared) => {
                self.begin(Errand::Unregister, shared.cx.now, shared);
            }
            Binding::Bound(_) => {
                self.go(self.binding, Attempt::Idle, shared, String::new);
                self.settle(Errand::Unregister, &no_socket(), shared);
            }
            Binding::None => self.rest(shared),
        }
    }

    /// There is nothing to un-register.
    pub(super) fn rest(&mut self, shared: &mut Shared) {
        self.trouble = None;
        self.failures = 0;
        let why = reason(self.wanted);
        self.go(Binding::None, Attempt::Idle, shared, || why.to_owned());
        self.settle(Errand::Unregister, &Outcome::Unregistered, shared);
        if let Some(next) = self.take_next() {
            self.apply(next, shared);
        }
    }

    /// `refresh`: now, at the registrar that holds the binding.
    pub fn on_refresh(&mut self, ticket: Ticket, shared: &mut Shared) {
        let now = shared.cx.now;
        let refused = |why: &str| Outcome::NotSent {
            why: why.to_owned(),
        };
        let outcome = match (self.cannot_be_told(), self.wanted, self.binding) {
            (Some(why), ..) => Outcome::NotSent { why },
            (None, Wanted::Registered, _) if self.is_held => refused(HELD),
            (None, Wanted::Registered, Binding::Bound(bound)) => {
                let is_under_way = matches!(
                    self.attempt,
                    Attempt::Opening { .. } | Attempt::Queued { .. } | Attempt::InFlight { .. }
                );
                match self.hold_end(now, shared) {
                    _ if is_under_way => return self.tickets.push((ticket, Errand::Register)),
                    _ if !shared.may_register(self.group, self.id) => refused(PROBED),
                    Some(until) => patience(until - now),
                    None if self.local(shared).is_none() => no_socket(),
                    None => {
                        self.tickets.push((ticket, Errand::Register));
                        return self.begin_at(bound.registrar, Errand::Register, now, shared);
                    }
                }
            }
            (None, Wanted::Registered, Binding::None) => {
                refused("there is no binding to refresh; use register")
            }
            (None, ..) => refused("the Account is un-registered; use register"),
        };
        shared.cx.out.reply(ticket, outcome);
    }

    /// Sets what the Account is meant to be, and says so.
    fn want(&mut self, wanted: Wanted, why: &str, shared: &mut Shared) {
        let before = self.phase();
        self.wanted = wanted;
        self.say_phase((before, None), shared, || why.to_owned());
        self.mark_changed(shared);
    }

    /// Answers tickets whose errand an operator's later word has overtaken.
    fn revoke(&mut self, errand: Errand, why: &str, shared: &mut Shared) {
        self.settle(
            errand,
            &Outcome::NotSent {
                why: why.to_owned(),
            },
            shared,
        );
    }

    /// Whether its socket is bound.
    pub(super) fn has_socket(&self, shared: &Shared) -> bool {
        let socket = self.base.and_then(|it| shared.proxies.socket_of(it));
        socket.is_some_and(|socket| socket.local.is_some())
    }

    fn cannot_be_told(&self) -> Option<String> {
        match self.wanted {
            Wanted::AuthenticationOnly => {
                Some("registration is off for this Account (register = \"no\")".to_owned())
            }
            Wanted::Stopped => Some("the program is stopping".to_owned()),
            Wanted::Removed => Some("the Account is being removed".to_owned()),
            Wanted::Registered | Wanted::Unregistered => None,
        }
    }

    /// Time is up for leaving: what is under way is given up. Whether a binding is left behind.
    pub fn on_deadline(&mut self, shared: &mut Shared) -> bool {
        let is_left = self.is_bound() || self.left_until.is_some_and(|until| until > shared.cx.now);
        if let Attempt::InFlight { transaction, .. } = self.attempt {
            self.land(shared);
            let Cx {
                transactions,
                timers,
                ..
            } = &mut shared.cx;
            transactions.abandon(transaction, timers);
        }
        let is_leaving = matches!(
            self.wanted,
            Wanted::Unregistered | Wanted::Stopped | Wanted::Removed
        );
        if !self.is_at_rest() && is_leaving {
            self.go(self.binding, Attempt::Idle, shared, || {
                "no time left to un-register".to_owned()
            });
        } else if !self.is_at_rest() {
            self.fall_silent(shared);
        }
        for errand in [Errand::Register, Errand::Unregister] {
            self.settle(errand, &Outcome::Gone, shared);
        }
        is_left
    }
}

/// A Retry-After forbids sending for so long.
pub(super) fn patience(left: Duration) -> Outcome {
    let seconds = left.as_secs_f64().ceil();
    let why = format!(
        "the registrar asked for patience (Retry-After) for another {seconds} s; use register --force"
    );
    Outcome::NotSent { why }
}

/// Why an Account whose served group is not online sends nothing (rule S13).
const HELD: &str = "the served group is not online";

fn no_socket() -> Outcome {
    Outcome::NotSent {
        why: "its SIP Interface is not bound".to_owned(),
    }
}

/// Why a binding is to go, for people.
fn reason(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Stopped => "the program stops",
        Wanted::Removed => "no longer configured",
        Wanted::Registered | Wanted::Unregistered | Wanted::AuthenticationOnly => {
            "told to un-register"
        }
    }
}
