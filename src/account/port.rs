//! The Account's own local port, if it has one (rules U1–U3).

use std::net::SocketAddr;
use std::sync::Arc;

use super::{Account, Attempt, Binding, Errand, Outcome, Shared, Trouble, Why, schedule};
use crate::effect::{Output, SocketId};
use crate::flow::{Leased, Ports};
use crate::time::Instant;

impl Account {
    /// Whether its traffic leaves from a port of its own.
    pub fn has_own_port(&self) -> bool {
        self.config.udp_port_assignment
    }

    /// The socket that its requests leave from.
    pub fn wire(&self) -> Option<SocketId> {
        match self.port {
            Some(port) => Some(port),
            None if self.has_own_port() => None,
            None => self.base,
        }
    }

    /// Where its requests leave from, once that is bound.
    pub fn local(&self, shared: &Shared) -> Option<SocketAddr> {
        let wire = self.wire()?;
        if Ports::is_port(wire) {
            return shared.ports.local(wire);
        }
        shared.proxies.socket_of(wire)?.local
    }

    /// Host and port of its Contact and Via (rule I3); empty while nothing is bound.
    pub fn contact(&self, shared: &Shared) -> Arc<str> {
        if let Some(next) = self.next.as_ref().filter(|next| !next.contact.is_empty()) {
            // What was begun ends with the values that it was begun with (rule G2), unless nothing
            // was bound then.
            return Arc::clone(&next.contact);
        }
        let wire = self.wire();
        let contact = wire.and_then(|wire| match Ports::is_port(wire) {
            true => shared.ports.contact(wire),
            false => Some(&shared.proxies.socket_of(wire)?.contact),
        });
        contact.map_or_else(|| Arc::from(""), Arc::clone)
    }

    /// Host and port of its Contact as they are configured, whether anything is bound yet or not.
    pub(super) fn planned_contact(&self) -> Option<SocketAddr> {
        let interface = &self.config.serving.proxy_set.as_ref()?.sip_interface;
        let host = interface.advertised_address.unwrap_or(interface.address);
        let port = match self.has_own_port() {
            true => self.port_number()?,
            false => interface.udp_port,
        };
        Some(SocketAddr::new(host, port))
    }

    /// Whether the port that a REGISTER leaves from is bound. If not, it is asked for, and the
    /// attempt waits.
    pub(super) fn has_port(&mut self, errand: Errand, due: Instant, shared: &mut Shared) -> bool {
        let Some(base) = self.base.filter(|_| self.has_own_port()) else {
            return true;
        };
        match shared.ports.lease(base, self.id, self.port, shared.cx.now) {
            Leased::Open(socket) => {
                self.port = Some(socket);
                true
            }
            Leased::Opening(socket, local) => {
                self.port = Some(socket);
                if let Some(local) = local {
                    shared.cx.out.push(Output::Listen { socket, local });
                }
                self.errand = errand;
                self.go(self.binding, Attempt::Opening { due }, shared, String::new);
                false
            }
            Leased::None => {
                self.on_no_port(errand, shared);
                false
            }
        }
    }

    /// Takes the port that it had before, if that is free; it is not bound yet.
    pub fn restore_port(&mut self, number: u16, shared: &mut Shared) {
        if let Some(base) = self
            .base
            .filter(|_| self.has_own_port() && self.port.is_none())
        {
            self.port = shared.ports.reserve(base, self.id, number);
        }
    }

    /// The number of its port.
    pub fn port_number(&self) -> Option<u16> {
        self.port.and_then(Ports::number)
    }

    /// Sees that the port of a binding from the run before is bound, so that what comes to it
    /// arrives. Whether it has that port still.
    pub(super) fn keeps_port(&mut self, shared: &mut Shared) -> bool {
        if !self.has_own_port() {
            return true;
        }
        let (Some(base), Some(port)) = (self.base, self.port) else {
            return false;
        };
        let leased = shared.ports.lease(base, self.id, Some(port), shared.cx.now);
        if let Leased::Opening(socket, Some(local)) = leased {
            shared.cx.out.push(Output::Listen { socket, local });
        }
        true
    }

    /// None is free: the attempt is over (rule U3).
    fn on_no_port(&mut self, errand: Errand, shared: &mut Shared) {
        let why = Trouble::NoPort.text();
        let outcome = Outcome::NotSent { why: why.clone() };
        self.withdraw_from_group(shared);
        if errand == Errand::Unregister {
            self.trouble = Some(Trouble::NoPort);
            self.errand = errand;
            return self.on_unregistered(Some(outcome), shared);
        }
        self.failures = self.failures.saturating_add(1);
        let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
        let due = shared.cx.now + schedule::retry_wait(self.failures, &shared.rules, &mut draw);
        self.trouble = Some(Trouble::NoPort);
        self.errand = Errand::Register;
        let attempt = Attempt::Scheduled {
            due,
            why: Why::NoPort,
        };
        self.go(self.binding, attempt, shared, || why);
        self.settle(Errand::Register, &outcome, shared);
    }

    /// Its port is bound.
    pub fn on_port_open(&mut self, shared: &mut Shared) {
        self.mark_changed(shared);
        if let Attempt::Opening { due } = self.attempt {
            self.advance(self.errand, due, shared);
        }
    }

    /// Its port could not be bound: the next free one is tried (rule U3). A binding at the port of
    /// the run before is made anew at another one.
    pub fn on_port_refused(&mut self, shared: &mut Shared) {
        self.port = None;
        self.mark_changed(shared);
        match self.attempt {
            Attempt::Opening { due } => self.advance(self.errand, due, shared),
            Attempt::Scheduled { .. } if self.is_bound() && self.is_wanted() => {
                self.begin(Errand::Register, shared.cx.now, shared);
            }
            Attempt::Scheduled { .. }
            | Attempt::Idle
            | Attempt::Gated { .. }
            | Attempt::Queued { .. }
            | Attempt::InFlight { .. } => {}
        }
    }

    /// Nothing needs its port for the time being, perhaps: then it is closed (rule U2).
    pub(super) fn rest_port(&self, shared: &mut Shared) {
        let Some(socket) = self.port else { return };
        let is_used = self.binding != Binding::None
            || self.watch.as_ref().is_some_and(|it| it.flight().is_some())
            || matches!(
                self.attempt,
                Attempt::Opening { .. } | Attempt::Queued { .. } | Attempt::InFlight { .. }
            );
        if !is_used {
            shared.ports.rest(socket);
        }
    }

    /// Gives its port back.
    pub(super) fn release_port(&mut self, shared: &mut Shared) {
        if let Some(socket) = self.port.take() {
            shared.ports.release(socket);
        }
    }
}
