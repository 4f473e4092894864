//! What the status may read of an Account (rule T1).

use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::heard::Answered;
use super::{Account, Attempt, Binding, Bound, Errand, Route, Shared, Trouble, Wanted, Why};
use crate::config;
use crate::cx::UnderWay;
use crate::effect::{Phase, SetId, SocketId};
use crate::pace::RegistrarId;
use crate::time::{Duration, Instant};

/// A read-only view of an Account and of what surrounds it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    account: &'a Account,
    shared: &'a Shared,
}

impl<'a> View<'a> {
    /// A view as of now.
    pub fn new(account: &'a Account, shared: &'a Shared) -> Self {
        Self { account, shared }
    }

    /// The configuration.
    pub fn config(&self) -> &'a config::Account {
        &self.account.config
    }

    /// The Proxy Set that it registers at.
    pub fn set(&self) -> Option<SetId> {
        self.account.set()
    }

    /// The socket of its SIP Interface, which registrars are known by.
    pub fn base(&self) -> Option<SocketId> {
        self.account.base
    }

    /// Whether an operator's word keeps it from registering (rule I8).
    pub fn is_unregistered(&self) -> bool {
        self.account.is_unregistered()
    }

    /// Whether it is no longer configured as it is, and on its way out.
    pub fn is_removed(&self) -> bool {
        self.account.is_removed()
    }

    /// Address-of-record, `sip:user@host`; shared.
    pub fn aor(&self) -> &'a Arc<str> {
        &self.account.identity.aor
    }

    /// What it does.
    pub fn phase(&self) -> Phase {
        self.account.phase()
    }

    /// The binding, if a registrar holds one.
    pub fn bound(&self) -> Option<&'a Bound> {
        match &self.account.binding {
            Binding::Bound(bound) => Some(bound),
            Binding::None => None,
        }
    }

    /// The bound registrar; without a binding, the one in hand or the one that answered last.
    pub fn registrar(&self) -> Option<RegistrarId> {
        if let Some(bound) = self.bound() {
            return Some(bound.registrar);
        }
        let last = || self.account.heard.last().map(|last| last.registrar);
        self.account.attempt.registrar().or_else(last)
    }

    /// Since when it should be registered and is not; of the runs before it knows nothing.
    pub fn down_since(&self) -> Option<Instant> {
        Some(self.account.down_since).filter(|since| *since != Instant::FAR)
    }

    /// Address of a registrar.
    pub fn address(&self, registrar: RegistrarId) -> SocketAddr {
        self.shared.pace.get(registrar).address
    }

    /// Place of a registrar in the set's order, from 1.
    pub fn rank(&self, registrar: RegistrarId) -> Option<u16> {
        self.shared.proxies.rank(self.account.set?, registrar)
    }

    /// Where its requests leave from, once that is bound.
    pub fn local(&self) -> Option<SocketAddr> {
        self.account.local(self.shared)
    }

    /// Why its requests have nowhere to leave from, and when that is tried again.
    pub fn refused(&self) -> Option<&'a (Arc<str>, Instant)> {
        self.shared
            .proxies
            .socket_of(self.account.base?)?
            .refused
            .as_ref()
    }

    /// Asked expiry in seconds: of the last REGISTER, or of the next when none was sent.
    pub fn asked(&self) -> u32 {
        self.account.asked
    }

    /// When the refresh of the binding is due.
    pub fn refresh_due(&self) -> Option<Instant> {
        self.account.scheduled(Why::Refresh).or(self.account.resume)
    }

    /// When the next attempt after a failure is due.
    pub fn next_try(&self) -> Option<Instant> {
        let Attempt::Scheduled { due, why } = self.account.attempt else {
            return None;
        };
        let is_try = matches!(why, Why::Retry | Why::Avoided | Why::NoPort | Why::Startup);
        is_try.then_some(due)
    }

    /// The registrars that it avoids, and until when (rule S8).
    pub fn avoided(&self) -> impl Iterator<Item = (RegistrarId, Instant)> + '_ {
        let (now, rules) = (self.shared.cx.now, &self.shared.rules);
        let set = self.account.set.into_iter();
        let members = set.flat_map(|set| self.account.considered(set, &self.shared.proxies));
        members.filter_map(move |id| Some((id, self.account.avoided_until(id, now, rules)?)))
    }

    /// Whether its requests leave from a port of its own (rule U1).
    pub fn has_own_port(&self) -> bool {
        self.account.has_own_port()
    }

    /// The end of the Retry-After in force that ends last.
    pub fn retry_after_until(&self) -> Option<Instant> {
        self.account
            .holds
            .iter()
            .map(|hold| hold.until)
            .filter(|until| *until > self.shared.cx.now)
            .max()
    }

    /// Why the last attempt failed, if it did.
    pub fn trouble(&self) -> Option<&'a Trouble> {
        self.account.trouble.as_ref()
    }

    /// The last final answer.
    pub fn last(&self) -> Option<&'a Answered> {
        self.account.heard.last()
    }

    /// The last final answers, the oldest first, alike ones as one.
    pub fn heard(&self) -> &'a [Answered] {
        self.account.heard.all()
    }

    /// When a registrar last granted a binding: wall-clock milliseconds since 1970, since it may
    /// lie before the start of this run.
    pub fn last_success(&self) -> Option<i64> {
        let here = self.account.heard.last_success();
        let before = || {
            let bound = self.bound()?;
            Some(self.unix_ms(bound.until) - i64::from(bound.granted) * 1_000)
        };
        here.map(|at| self.unix_ms(at)).or_else(before)
    }

    /// The shortest expiry that the registrar of the last REGISTER takes, if that was known then.
    pub fn min_expires(&self) -> Option<u32> {
        (self.account.minimum > 0).then_some(self.account.minimum)
    }

    /// The REGISTER under way: what for, where, and how it goes.
    pub fn under_way(&self) -> Option<(Purpose, RegistrarId, UnderWay)> {
        let Attempt::InFlight {
            transaction,
            registrar,
            ..
        } = self.account.attempt
        else {
            return None;
        };
        let purpose = match (self.account.errand, self.account.binding) {
            (Errand::Register, Binding::Bound(_)) => Purpose::Refresh,
            (Errand::Register, Binding::None) => Purpose::Register,
            (Errand::Unregister, _) => Purpose::Unregister,
            (Errand::Clear, _) => Purpose::Clear,
        };
        let under_way = self.shared.cx.transactions.look(transaction)?;
        Some((purpose, registrar, under_way))
    }

    /// What happens next, and when, as far as that is known. Nothing where the Account is only
    /// there to answer challenges.
    pub fn next(&self) -> Option<(NextStep, Option<Instant>)> {
        let refused = self.refused().filter(|_| self.bound().is_none());
        Some(match self.account.attempt {
            Attempt::InFlight { .. } => {
                let fails = self.under_way().map(|(_, _, under_way)| under_way.fails);
                (NextStep::Answer, fails)
            }
            Attempt::Gated { .. }
            | Attempt::Queued {
                is_behind: true, ..
            } => (NextStep::AnotherAccount, None),
            Attempt::Opening { .. } => (NextStep::Port, None),
            _ if self.phase() == Phase::Held => (NextStep::ServedGroup, None),
            Attempt::Scheduled { due, why } => match why {
                Why::Refresh => (NextStep::Refresh, Some(due)),
                Why::Retry => (NextStep::Retry, Some(due)),
                Why::Store => (NextStep::Store, None),
                Why::Avoided => (NextStep::AvoidanceOver, Some(due)),
                Why::NoPort => (NextStep::Port, Some(due)),
                Why::Startup => (NextStep::Register, Some(due)),
            },
            Attempt::Queued { .. } | Attempt::Idle if refused.is_some() => {
                (NextStep::Interface, refused.map(|(_, at)| *at))
            }
            Attempt::Queued { .. } => (NextStep::Turn, None),
            Attempt::Idle => return self.next_when_idle(),
        })
    }

    fn next_when_idle(&self) -> Option<(NextStep, Option<Instant>)> {
        match (self.account.wanted, self.account.resume) {
            (Wanted::AuthenticationOnly, _) => None,
            (Wanted::Unregistered | Wanted::Stopped | Wanted::Removed, _) => {
                Some((NextStep::Operator, None))
            }
            (Wanted::Registered, Some(at)) => Some((NextStep::Refresh, Some(at))),
            (Wanted::Registered, None) => Some((NextStep::Address, None)),
        }
    }

    /// Failed attempts since the last 200.
    pub fn failures(&self) -> u32 {
        self.account.failures
    }

    /// Our address as the registrar saw it.
    pub fn public_address(&self) -> Option<SocketAddr> {
        self.account.public_address
    }

    /// Round-trip time of the last answered REGISTER.
    pub fn round_trip(&self) -> Option<Duration> {
        self.account.round_trip
    }

    /// Name of the digest algorithm that the last answered REGISTER used.
    pub fn algorithm(&self) -> Option<&'static str> {
        self.account.algorithm.map(|algorithm| algorithm.token())
    }

    /// A binding that we gave up may live at its registrar until then.
    pub fn left_until(&self) -> Option<Instant> {
        self.account
            .left_until
            .filter(|until| *until > self.shared.cx.now)
    }

    /// What the last 2xx told about routes.
    pub fn route(&self) -> Option<&'a Route> {
        self.account.route.as_deref()
    }

    /// Wall-clock milliseconds since 1970 of an instant.
    pub fn unix_ms(&self, instant: Instant) -> i64 {
        self.shared.cx.unix_ms(instant)
    }
}

/// What a REGISTER under way is to bring about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// A binding where there is none.
    Register,
    /// A binding that lasts longer.
    Refresh,
    /// No binding.
    Unregister,
    /// No binding of anybody, before the first registration (rule I9).
    Clear,
}

/// What happens next to an Account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NextStep {
    /// A first REGISTER.
    Register,
    /// The refresh of the binding.
    Refresh,
    /// Another attempt after a failure.
    Retry,
    /// The answer to the REGISTER under way, or its time-out.
    Answer,
    /// Its turn at the registrar, which others ask too (rule L6).
    Turn,
    /// The end of an older binding at a registrar that is avoided because of it (rule S8).
    AvoidanceOver,
    /// A local port of its own (rules U2, U3).
    Port,
    /// The address of its SIP Interface, which cannot be bound yet.
    Interface,
    /// An address of its Proxy Set, whose names are being looked up.
    Address,
    /// What another Account finds out about the registrar (rules P4, S12).
    AnotherAccount,
    /// The served group comes online (rule S13).
    ServedGroup,
    /// The state is written, without which no REGISTER may leave (rule L8).
    Store,
    /// Somebody's word: nothing happens by itself.
    Operator,
    /// What a newer version knows.
    #[serde(other)]
    Unknown,
}
