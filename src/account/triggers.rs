//! What registers an Account anew although nothing is due: calls that failed, a link that came up,
//! a connection that was lost (rules S7, S11, N2).

use super::{Account, Attempt, Binding, Errand, Shared, Trouble};
use crate::config::{Codes, KeepAlive};
use crate::effect::Trigger;
use crate::pace::RegistrarId;
use crate::time::{Duration, Instant};

/// Answers to an INVITE that are a trigger in mode ims (rule S7); 408 stands for none.
const IMS_CODES: [Codes; 3] = [Codes::One(403), Codes::One(408), Codes::One(480)];

impl Account {
    /// Something happened that may register it anew. Whether it did: it does not while a REGISTER
    /// is under way, nor soon after the trigger before.
    pub fn on_trigger(&mut self, trigger: &Trigger, shared: &mut Shared) -> bool {
        let now = shared.cx.now;
        let pause = Duration::from_secs(shared.rules.invite_trigger_min_secs.into());
        let triggered = self.rare.as_ref().and_then(|rare| rare.triggered);
        let is_soon = triggered.is_some_and(|last| now < last + pause);
        let is_free = matches!(self.attempt, Attempt::Scheduled { .. });
        let Binding::Bound(bound) = self.binding else {
            return is_free && !is_soon && *trigger == Trigger::LinkUp && self.on_link_up(shared);
        };
        let is_lost_connection = matches!(trigger, Trigger::ConnectionLost);
        if !is_free || !self.is_wanted() || is_soon && !is_lost_connection {
            return false;
        }
        let fires = match trigger {
            Trigger::InviteFailed { code, .. } if self.is_ims() => Codes::any(&IMS_CODES, *code),
            Trigger::InviteFailed { code, registrar } => {
                return self.on_invite_failed(*code, *registrar, shared);
            }
            Trigger::InviteFrom { from } => {
                self.is_ims() && shared.pace.get(bound.registrar).address != *from
            }
            Trigger::LinkUp => self.is_ims(),
            Trigger::ConnectionLost => shared.rules.re_register_on_connection_failure,
        };
        if fires {
            self.refresh_now(bound.registrar, shared);
        }
        fires
    }

    fn on_invite_failed(
        &mut self,
        code: u16,
        failed_at: Option<std::net::SocketAddr>,
        shared: &mut Shared,
    ) -> bool {
        let now = shared.cx.now;
        let codes = &shared.rules.account_invite_failure_trigger_codes;
        if !self.config.re_register_on_invite_failure || !Codes::any(codes, code) {
            return false;
        }
        let last = failed_at.and_then(|at| self.comes_last_after(at, shared));
        self.rare().triggered = Some(now);
        // Chosen like an initial registration: the binding stands, but is not followed.
        self.is_lost = true;
        self.new_pass(last);
        self.advance(Errand::Register, now, shared);
        true
    }

    /// The registrar where an INVITE failed, where it is to come last: with hot swap and probes
    /// that tell of the current member (rule S11).
    fn comes_last_after(
        &self,
        failed_at: std::net::SocketAddr,
        shared: &Shared,
    ) -> Option<RegistrarId> {
        let set = self.set.filter(|_| !self.is_avoiding())?;
        let config = shared.proxies.config_of(set);
        let tells = matches!(
            config.keep_alive,
            KeepAlive::Options | KeepAlive::OptionsOnActive | KeepAlive::Register
        );
        let socket = self.base?;
        shared
            .pace
            .find(socket, failed_at)
            .filter(|_| config.hot_swap && tells)
    }

    /// The link came up too late for the binding: it is made anew, where it was the silence that
    /// stood in the way.
    fn on_link_up(&mut self, shared: &mut Shared) -> bool {
        let now = shared.cx.now;
        let was_silent = matches!(self.trouble, Some(Trouble::NoAnswer(_)));
        let fires = self.is_ims() && self.is_wanted() && was_silent;
        if fires {
            self.rare().triggered = Some(now);
            self.begin(Errand::Register, now, shared);
        }
        fires
    }

    /// A refresh at the bound registrar, at once.
    fn refresh_now(&mut self, registrar: RegistrarId, shared: &mut Shared) {
        let now: Instant = shared.cx.now;
        if self.hold_end(now, shared).is_some() {
            // The registrar has asked for patience, and that goes before (rule L3).
            return;
        }
        self.rare().triggered = Some(now);
        if shared.may_register(self.group, self.id) && self.has_port(Errand::Register, now, shared)
        {
            self.begin_at(registrar, Errand::Register, now, shared);
        }
    }
}
