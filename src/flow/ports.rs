//! Ranges of local UDP ports, and the Accounts that have them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{PortsMode, SipInterface};
use crate::effect::{AccountId, SocketId};
use crate::time::{Duration, Instant};

/// All additional ports of an engine.
///
/// The socket of a port carries the number of its range and the port itself, so that whoever
/// receives there finds the Account without a search.
#[derive(Default, Debug)]
pub struct Ports {
    ranges: Vec<Range>,
    /// Ports that are no longer in use, and may be closed when the input is through.
    idle: Vec<SocketId>,
}

#[derive(Debug)]
struct Range {
    interface: Arc<SipInterface>,
    /// The interface's own socket.
    base: SocketId,
    /// Every port of the range, and those that Accounts still have of a range before it.
    ports: BTreeMap<u16, Port>,
    /// Ports without an Account, the lowest first.
    free: BTreeSet<u16>,
    /// Ports that could not be bound, and until when they are left alone.
    refused: Vec<(Instant, u16)>,
    /// Whether the configuration has it still.
    is_configured: bool,
}

#[derive(Clone, Default, Debug)]
struct Port {
    owner: Option<AccountId>,
    /// Whether its Account needs it open.
    is_used: bool,
    state: State,
}

#[derive(Clone, Default, Debug)]
enum State {
    #[default]
    Closed,
    Opening,
    Open {
        local: SocketAddr,
        /// Host and port of Contact and Via (rule I3).
        contact: Arc<str>,
    },
}

/// What became of the wish for a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leased {
    /// It is bound.
    Open(SocketId),
    /// It is being bound; with an address, that is to be asked for now.
    Opening(SocketId, Option<SocketAddr>),
    /// None is free (rule U3).
    None,
}

/// A port that could not be bound is left alone for so long: less than the shortest retry time, so
/// that an Account finds one that was freed with its next try.
const REFUSED_PAUSE: Duration = Duration::from_secs(5);

impl Ports {
    /// These interfaces are configured, each with its own socket, and no others. Ports that a
    /// range keeps stay as they are, those of Accounts until these give them back. Returns what is
    /// to be bound now (rule U2).
    pub fn reconfigure(
        &mut self,
        interfaces: &[(SocketId, Arc<SipInterface>)],
    ) -> Vec<(SocketId, SocketAddr)> {
        for range in &mut self.ranges {
            range.is_configured = false;
        }
        let mut opened = Vec::new();
        for (base, interface) in interfaces {
            if interface.additional_udp_ports.is_some() {
                let number = self.place_for(*base, interface);
                opened.extend(self.take(number, *base, interface));
            }
        }
        for number in 0..self.ranges.len() {
            if !self.ranges[number].is_configured {
                self.let_go(number, |_| true);
            }
        }
        opened
    }

    /// The place of the interface's range: where it was, or where one on the same address had some
    /// of its ports, or an empty one.
    fn place_for(&self, base: SocketId, interface: &SipInterface) -> usize {
        let open = || self.ranges.iter().enumerate();
        let open = || open().filter(|(_, range)| !range.is_configured);
        let is_at = |range: &Range| range.interface.address == interface.address;
        let same = open().find(|(_, range)| range.base == base && is_at(range));
        let overlapping = || {
            let ports = interface.additional_udp_ports?;
            open().find(|(_, it)| is_at(it) && it.ports.keys().any(|port| ports.contains(*port)))
        };
        let empty = || open().find(|(_, range)| range.ports.is_empty());
        let found = same.or_else(overlapping).or_else(empty);
        found.map_or(self.ranges.len(), |(number, _)| number)
    }

    /// Puts an interface's range in its place. Returns what is to be bound.
    fn take(
        &mut self,
        number: usize,
        base: SocketId,
        interface: &Arc<SipInterface>,
    ) -> Vec<(SocketId, SocketAddr)> {
        if number == self.ranges.len() {
            self.ranges.push(Range {
                interface: Arc::clone(interface),
                base,
                ports: BTreeMap::new(),
                free: BTreeSet::new(),
                refused: Vec::new(),
                is_configured: true,
            });
        }
        let range = &mut self.ranges[number];
        range.interface = Arc::clone(interface);
        range.base = base;
        range.is_configured = true;
        let Some(wanted) = interface.additional_udp_ports else {
            return Vec::new();
        };
        for port in wanted.first..=wanted.last {
            if let Entry::Vacant(place) = range.ports.entry(port) {
                place.insert(Port::default());
                range.free.insert(port);
            }
        }
        for entry in range.ports.values_mut() {
            if let State::Open { local, contact } = &mut entry.state {
                *contact = contact_of(interface, *local);
            }
        }
        self.let_go(number, |port| !wanted.contains(port));
        let range = &mut self.ranges[number];
        if interface.additional_udp_ports_mode == PortsMode::AlwaysOpen {
            let is_shut = |port: &u16| {
                let entry = range.ports.get(port);
                entry.is_some_and(|entry| matches!(entry.state, State::Closed))
            };
            let shut: Vec<u16> = (wanted.first..=wanted.last).filter(is_shut).collect();
            return shut.iter().map(|port| range.open(number, *port)).collect();
        }
        let unused = range.ports.iter().filter(|(_, entry)| !entry.is_used);
        let unused = unused.map(|(port, _)| socket_of(number, *port));
        self.idle.extend(unused);
        Vec::new()
    }

    /// Ports that are not in the range any more: those without an Account go, the others when
    /// their Accounts give them back.
    fn let_go(&mut self, number: usize, is_outside: impl Fn(u16) -> bool) {
        let range = &mut self.ranges[number];
        let gone: Vec<u16> = range
            .ports
            .keys()
            .copied()
            .filter(|port| is_outside(*port))
            .collect();
        for port in gone {
            range.free.remove(&port);
            range.refused.retain(|(_, refused)| *refused != port);
            self.idle.push(socket_of(number, port));
        }
    }

    /// Whether a port is in the range of the interface that this socket belongs to.
    pub fn fits(&self, port: SocketId, base: SocketId) -> bool {
        let Some((number, port)) = place(port) else {
            return false;
        };
        let range = self.ranges.get(number);
        range.is_some_and(|range| range.base == base && range.has(port))
    }

    /// How many ports are bound, or about to be.
    pub fn bound(&self) -> usize {
        let ports = self.ranges.iter().flat_map(|range| range.ports.values());
        ports
            .filter(|entry| !matches!(entry.state, State::Closed))
            .count()
    }

    /// Gives an Account a port that it had before, if that is free; it is not opened yet (rule U1).
    pub fn reserve(&mut self, base: SocketId, account: AccountId, port: u16) -> Option<SocketId> {
        let is_it = |range: &Range| range.base == base && range.is_configured;
        let number = self.ranges.iter().position(is_it)?;
        let range = &mut self.ranges[number];
        if !range.free.remove(&port) {
            return None;
        }
        range.entry(port)?.owner = Some(account);
        Some(socket_of(number, port))
    }

    /// Opens the port that an Account has, or gives it the lowest that is free (rules U1, U3).
    pub fn lease(
        &mut self,
        base: SocketId,
        account: AccountId,
        has: Option<SocketId>,
        now: Instant,
    ) -> Leased {
        // The port that it has may be of another interface, which its set had before a reload.
        let (number, own) = match has.and_then(place) {
            Some((number, port)) => (Some(number), Some(port)),
            None => {
                let is_it = |range: &Range| range.base == base && range.is_configured;
                (self.ranges.iter().position(is_it), None)
            }
        };
        let Some((number, range)) = number.and_then(|at| Some((at, self.ranges.get_mut(at)?)))
        else {
            return Leased::None;
        };
        range.take_back(now);
        let Some(port) = own.or_else(|| range.free.first().copied()) else {
            return Leased::None;
        };
        range.free.remove(&port);
        let socket = socket_of(number, port);
        let entry = range.ports.entry(port).or_default();
        entry.owner = Some(account);
        entry.is_used = true;
        match entry.state {
            State::Open { .. } => Leased::Open(socket),
            State::Opening => Leased::Opening(socket, None),
            State::Closed => {
                let (socket, local) = range.open(number, port);
                Leased::Opening(socket, Some(local))
            }
        }
    }

    /// A port is bound: who waits for it. Nobody does when it is to be closed by now.
    pub fn on_listening(&mut self, socket: SocketId, local: SocketAddr) -> Option<AccountId> {
        let (number, port) = place(socket)?;
        let range = self.ranges.get_mut(number)?;
        let contact = contact_of(&range.interface, local);
        let entry = range.entry(port)?;
        if matches!(entry.state, State::Closed) {
            return None;
        }
        entry.state = State::Open { local, contact };
        entry.owner
    }

    /// A port could not be bound: whoever had it has it no longer.
    pub fn on_listen_failed(&mut self, socket: SocketId, now: Instant) -> Option<AccountId> {
        let (number, port) = place(socket)?;
        let range = self.ranges.get_mut(number)?;
        let entry = range.entry(port)?;
        entry.state = State::Closed;
        let owner = entry.owner.take();
        entry.is_used = false;
        range.free.remove(&port);
        if range.has(port) {
            range.refused.push((now + REFUSED_PAUSE, port));
        } else {
            range.ports.remove(&port);
        }
        owner
    }

    /// A port is not in use for the time being; its Account keeps it (rule U2).
    pub fn rest(&mut self, socket: SocketId) {
        if let Some(entry) = self.entry_mut(socket)
            && std::mem::take(&mut entry.is_used)
        {
            self.idle.push(socket);
        }
    }

    /// An Account no longer needs its port.
    pub fn release(&mut self, socket: SocketId) {
        let Some((number, port)) = place(socket) else {
            return;
        };
        let Some(range) = self.ranges.get_mut(number) else {
            return;
        };
        let is_in_range = range.has(port);
        if let Some(entry) = range.entry(port) {
            entry.owner = None;
            if is_in_range {
                range.free.insert(port);
            }
            self.idle.push(socket);
        }
        self.rest(socket);
    }

    /// The next port that is to be closed: nobody has taken it into use again (rule U2).
    pub fn close_idle(&mut self) -> Option<SocketId> {
        while let Some(socket) = self.idle.pop() {
            let Some((number, port)) = place(socket) else {
                continue;
            };
            let range = &mut self.ranges[number];
            let is_in_range = range.has(port);
            let stays =
                is_in_range && range.interface.additional_udp_ports_mode == PortsMode::AlwaysOpen;
            let Some(entry) = range.entry(port).filter(|entry| !entry.is_used && !stays) else {
                continue;
            };
            let was_open = !matches!(entry.state, State::Closed);
            entry.state = State::Closed;
            if !is_in_range && entry.owner.is_none() {
                range.ports.remove(&port);
            }
            if was_open {
                return Some(socket);
            }
        }
        None
    }

    /// Whether this socket is a port of a range; else it is an interface's own.
    pub fn is_port(socket: SocketId) -> bool {
        place(socket).is_some()
    }

    /// The Account that has this port.
    pub fn owner(&self, socket: SocketId) -> Option<AccountId> {
        self.entry(socket)?.owner
    }

    /// The own socket of the interface that this port belongs to.
    pub fn base(&self, socket: SocketId) -> Option<SocketId> {
        let (number, _) = place(socket)?;
        self.ranges.get(number).map(|range| range.base)
    }

    /// Where a port is bound.
    pub fn local(&self, socket: SocketId) -> Option<SocketAddr> {
        match self.entry(socket)?.state {
            State::Open { local, .. } => Some(local),
            State::Opening | State::Closed => None,
        }
    }

    /// Host and port of Contact and Via of what leaves from a port.
    pub fn contact(&self, socket: SocketId) -> Option<&Arc<str>> {
        match &self.entry(socket)?.state {
            State::Open { contact, .. } => Some(contact),
            State::Opening | State::Closed => None,
        }
    }

    /// The number of a port.
    pub fn number(socket: SocketId) -> Option<u16> {
        place(socket).map(|(_, port)| port)
    }

    /// Where a port is to be bound.
    pub fn address(&self, socket: SocketId) -> Option<SocketAddr> {
        let (number, port) = place(socket)?;
        let range = self.ranges.get(number)?;
        Some(SocketAddr::new(range.interface.address, port))
    }

    fn entry_mut(&mut self, socket: SocketId) -> Option<&mut Port> {
        let (number, port) = place(socket)?;
        self.ranges.get_mut(number)?.entry(port)
    }

    fn entry(&self, socket: SocketId) -> Option<&Port> {
        let (number, port) = place(socket)?;
        self.ranges.get(number)?.ports.get(&port)
    }
}

impl Range {
    /// Whether a port is in the range as it is configured now.
    fn has(&self, port: u16) -> bool {
        let range = self.interface.additional_udp_ports;
        self.is_configured && range.is_some_and(|range| range.contains(port))
    }

    fn entry(&mut self, port: u16) -> Option<&mut Port> {
        self.ports.get_mut(&port)
    }

    fn open(&mut self, number: usize, port: u16) -> (SocketId, SocketAddr) {
        if let Some(entry) = self.entry(port) {
            entry.state = State::Opening;
        }
        let local = SocketAddr::new(self.interface.address, port);
        (socket_of(number, port), local)
    }

    /// Ports that were refused long ago may be tried again.
    fn take_back(&mut self, now: Instant) {
        let free = &mut self.free;
        self.refused.retain(|(until, port)| {
            let is_over = *until <= now;
            if is_over {
                free.insert(*port);
            }
            !is_over
        });
    }
}

/// Host and port of Contact and Via of what leaves from there (rule I3).
fn contact_of(interface: &SipInterface, local: SocketAddr) -> Arc<str> {
    let host = interface.advertised_address.unwrap_or_else(|| local.ip());
    Arc::from(SocketAddr::new(host, local.port()).to_string())
}

/// Sockets of interfaces count from 0; those of ports have the number of their range, from 1,
/// above.
fn socket_of(range: usize, port: u16) -> SocketId {
    SocketId((range as u32 + 1) << 16 | u32::from(port))
}

fn place(socket: SocketId) -> Option<(usize, u16)> {
    let range = (socket.0 >> 16).checked_sub(1)?;
    Some((range as usize, socket.0 as u16))
}

#[cfg(test)]
#[path = "ports_tests.rs"]
mod tests;
