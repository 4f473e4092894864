//! What the status may read of an Account (rule T1).

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Account, Attempt, Binding, Bound, Last, Route, Shared, Trouble, Why};
use crate::config;
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
        let last = || self.account.last.as_ref().map(|last| last.registrar);
        self.account.attempt.registrar().or_else(last)
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
    pub fn last(&self) -> Option<&'a Last> {
        self.account.last.as_ref()
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

    /// When a registrar last granted the binding, as far as that is known.
    pub fn granted_at(&self) -> Option<Instant> {
        let at = self.account.granted_at;
        (at != Instant::FAR).then_some(at)
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
