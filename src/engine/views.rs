//! What the status may read of a Proxy Set, and how much of everything there is.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Engine;
use crate::account::Shared;
use crate::effect::SetId;
use crate::proxy::MemberView;
use crate::tally::{Histogram, Tally, Window};
use crate::time::Instant;

/// What the status may read of a Proxy Set.
#[derive(Clone, Copy, Debug)]
pub struct SetView<'a> {
    id: SetId,
    shared: &'a Shared,
}

impl<'a> SetView<'a> {
    /// Its name.
    pub fn name(self) -> &'a Arc<str> {
        &self.shared.proxies.config_of(self.id).name
    }

    /// Whether it is online as a whole, once that is known (rule P6).
    pub fn is_online(self) -> Option<bool> {
        self.shared.proxies.is_set_online(self.id)
    }

    /// Its members in its order.
    pub fn members(self) -> impl Iterator<Item = MemberView<'a>> + 'a {
        self.shared.proxies.views(self.id, &self.shared.pace)
    }

    /// What is wrong with its names, for people.
    pub fn trouble(self) -> Option<String> {
        self.shared.proxies.trouble(self.id)
    }

    /// Wall-clock milliseconds since 1970 of an instant.
    pub fn unix_ms(self, instant: Instant) -> i64 {
        self.shared.cx.unix_ms(instant)
    }
}

/// How much there is of what comes and goes: for tests that nothing is left behind.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Census {
    /// Accounts, leaving ones included.
    pub accounts: usize,
    /// Proxy Sets.
    pub sets: usize,
    /// Serving groups.
    pub groups: usize,
    /// Sockets of SIP Interfaces that are open.
    pub sockets: usize,
    /// Ports of Accounts that are open.
    pub ports: usize,
    /// Registrars that something is known of.
    pub registrars: usize,
    /// Timers that are armed.
    pub timers: usize,
    /// Transactions in flight.
    pub transactions: usize,
}

impl<'a> SetView<'a> {
    /// A view of this set.
    pub(super) fn new(id: SetId, shared: &'a Shared) -> Self {
        Self { id, shared }
    }
}

impl Engine {
    /// What was counted of registrars.
    pub fn tally(&self) -> &Tally {
        &self.shared.cx.tally
    }

    /// The round trips since they were last taken, by registrar.
    pub fn take_round_trips(&mut self) -> BTreeMap<SocketAddr, Window> {
        self.shared.cx.tally.take_windows()
    }

    /// How late timers were that fired: from when they were due to when [`Engine::handle`] was
    /// called.
    pub fn lateness(&self) -> &Histogram {
        self.shared.cx.timers.lateness()
    }

    /// Timers that are armed.
    pub fn timers_armed(&self) -> usize {
        self.shared.cx.timers.count()
    }

    /// Sockets of SIP Interfaces that are open.
    pub fn open_sockets(&self) -> usize {
        self.shared.proxies.open_sockets()
    }

    /// How much there is.
    pub fn census(&self) -> Census {
        let shared = &self.shared;
        Census {
            accounts: self.accounts().count(),
            sets: shared.proxies.live_sets(),
            groups: shared.pace.groups.count(),
            sockets: shared.proxies.open_sockets(),
            ports: shared.ports.bound(),
            registrars: shared.pace.count(),
            timers: shared.cx.timers.count(),
            transactions: shared.cx.transactions.len(),
        }
    }
}
