//! What operators ask for (rules L7, L10, I8).

use super::{Account, Attempt, Binding, Errand, Shared, Wanted, Why};
use crate::cx::Cx;
use crate::effect::{Outcome, Ticket};

impl Account {
    /// `register`: now, whatever wait was on; a Retry-After in force only gives way to `force`.
    pub fn on_register(&mut self, ticket: Ticket, force: bool, shared: &mut Shared) {
        if let Some(why) = self.cannot_be_told() {
            return shared.cx.out.reply(ticket, Outcome::NotSent { why });
        }
        let before = self.phase();
        self.wanted = Wanted::Registered;
        self.say_phase(before, shared, || "told to register".to_owned());
        if force {
            self.holds.clear();
        }
        match self.attempt {
            Attempt::InFlight { .. } => self.tickets.push((ticket, Errand::Register)),
            Attempt::Queued { .. } if self.errand == Errand::Register => {
                self.tickets.push((ticket, Errand::Register));
            }
            Attempt::Queued { .. } | Attempt::Idle | Attempt::Scheduled { .. } => {
                let revoked = Outcome::NotSent {
                    why: "told to register before it was sent".to_owned(),
                };
                self.settle(Errand::Unregister, &revoked, shared);
                self.register_now(ticket, shared);
            }
        }
    }

    fn register_now(&mut self, ticket: Ticket, shared: &mut Shared) {
        let now = shared.cx.now;
        if let Some(until) = self.hold_end(now, shared) {
            let seconds = (until - now).as_secs_f64().ceil();
            let why = format!(
                "the registrar asked for patience (Retry-After) for another {seconds} s; use --force"
            );
            self.errand = Errand::Register;
            let attempt = Attempt::Scheduled {
                due: until,
                why: Why::Retry,
            };
            self.go(self.binding, attempt, shared, || {
                "waiting for the end of a Retry-After".to_owned()
            });
            return shared.cx.out.reply(ticket, Outcome::NotSent { why });
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
        self.withdraw(Wanted::Unregistered, shared);
    }

    /// The program stops, or the Account is no longer configured: the binding is removed (rules L7, G2).
    pub fn on_leave(&mut self, wanted: Wanted, shared: &mut Shared) {
        match (self.wanted, wanted) {
            (Wanted::AuthenticationOnly | Wanted::Unregistered, Wanted::Stopped) => {}
            _ => self.withdraw(wanted, shared),
        }
    }

    fn withdraw(&mut self, wanted: Wanted, shared: &mut Shared) {
        let before = self.phase();
        self.wanted = wanted;
        self.say_phase(before, shared, || "told to un-register".to_owned());
        self.mark_changed(shared);
        match self.attempt {
            Attempt::InFlight { .. } => {}
            Attempt::Queued { .. } if self.errand == Errand::Unregister => {}
            Attempt::Queued { .. } | Attempt::Idle | Attempt::Scheduled { .. } => {
                let revoked = Outcome::NotSent {
                    why: "told to un-register before it was sent".to_owned(),
                };
                self.settle(Errand::Register, &revoked, shared);
                match self.binding {
                    Binding::Bound(_) => self.begin(Errand::Unregister, shared.cx.now, shared),
                    Binding::None => {
                        self.go(Binding::None, Attempt::Idle, shared, || {
                            "told to un-register".to_owned()
                        });
                        self.settle(Errand::Unregister, &Outcome::Unregistered, shared);
                    }
                }
            }
        }
    }

    /// `refresh`: now, at the registrar that holds the binding.
    pub fn on_refresh(&mut self, ticket: Ticket, shared: &mut Shared) {
        let why = match (self.cannot_be_told(), self.wanted, self.binding) {
            (Some(why), ..) => why,
            (None, Wanted::Registered, Binding::Bound(bound)) => {
                self.tickets.push((ticket, Errand::Register));
                if matches!(self.attempt, Attempt::Idle | Attempt::Scheduled { .. }) {
                    self.begin_at(bound.registrar, Errand::Register, shared.cx.now, shared);
                }
                return;
            }
            (None, Wanted::Registered, Binding::None) => {
                "there is no binding to refresh; use register".to_owned()
            }
            (None, ..) => "the Account is un-registered; use register".to_owned(),
        };
        shared.cx.out.reply(ticket, Outcome::NotSent { why });
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
        let is_left = self.is_bound();
        if let Attempt::InFlight { transaction, .. } = self.attempt {
            self.land(shared);
            let Cx {
                transactions,
                timers,
                ..
            } = &mut shared.cx;
            transactions.abandon(transaction, timers);
        }
        if !self.is_at_rest() {
            self.go(self.binding, Attempt::Idle, shared, || {
                "no time left to un-register".to_owned()
            });
        }
        for errand in [Errand::Register, Errand::Unregister] {
            self.settle(errand, &Outcome::Gone, shared);
        }
        is_left
    }
}
