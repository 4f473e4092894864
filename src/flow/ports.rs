//! Ranges of local UDP ports, and the Accounts that have them.

use std::collections::BTreeSet;
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
    first: u16,
    ports: Vec<Port>,
    /// Ports without an Account, the lowest first.
    free: BTreeSet<u16>,
    /// Ports that could not be bound, and until when they are left alone.
    refused: Vec<(Instant, u16)>,
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
    /// Takes the range of an interface, whose own socket is `base`; nothing if it has none.
    /// Returns what is to be bound now (rule U2).
    pub fn add(
        &mut self,
        base: SocketId,
        interface: &Arc<SipInterface>,
    ) -> Vec<(SocketId, SocketAddr)> {
        let known = self.ranges.iter().any(|range| range.base == base);
        let Some(range) = interface.additional_udp_ports.filter(|_| !known) else {
            return Vec::new();
        };
        let number = self.ranges.len();
        self.ranges.push(Range {
            interface: Arc::clone(interface),
            base,
            first: range.first,
            ports: vec![Port::default(); range.count()],
            free: (range.first..=range.last).collect(),
            refused: Vec::new(),
        });
        match interface.additional_udp_ports_mode {
            PortsMode::OpenWhenUsed => Vec::new(),
            PortsMode::AlwaysOpen => {
                let range = &mut self.ranges[number];
                let ports = range.first..=range.last();
                ports.map(|port| range.open(number, port)).collect()
            }
        }
    }

    /// Gives an Account a port that it had before, if that is free; it is not opened yet (rule U1).
    pub fn reserve(&mut self, base: SocketId, account: AccountId, port: u16) -> Option<SocketId> {
        let number = self.ranges.iter().position(|range| range.base == base)?;
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
                let mut ranges = self.ranges.iter();
                (ranges.position(|range| range.base == base), None)
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
        let entry = &mut range.ports[usize::from(port - range.first)];
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
        let host = range.interface.advertised_address;
        let contact = SocketAddr::new(host.unwrap_or_else(|| local.ip()), local.port());
        let entry = range.entry(port)?;
        if matches!(entry.state, State::Closed) {
            return None;
        }
        entry.state = State::Open {
            local,
            contact: Arc::from(contact.to_string()),
        };
        entry.owner
    }

    /// A port could not be bound: whoever had it has it no longer.
    pub fn on_listen_failed(&mut self, socket: SocketId, now: Instant) -> Option<AccountId> {
        let (number, port) = place(socket)?;
        let range = self.ranges.get_mut(number)?;
        let entry = range.entry(port)?;
        entry.state = State::Closed;
        let owner = entry.owner.take();
        range.free.remove(&port);
        range.refused.push((now + REFUSED_PAUSE, port));
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
        self.rest(socket);
        if let Some((number, port)) = place(socket)
            && let Some(range) = self.ranges.get_mut(number)
            && let Some(entry) = range.entry(port)
        {
            entry.owner = None;
            range.free.insert(port);
        }
    }

    /// The next port that is to be closed: nobody has taken it into use again (rule U2).
    pub fn close_idle(&mut self) -> Option<SocketId> {
        while let Some(socket) = self.idle.pop() {
            let Some((number, port)) = place(socket) else {
                continue;
            };
            let range = &mut self.ranges[number];
            if range.interface.additional_udp_ports_mode == PortsMode::AlwaysOpen {
                continue;
            }
            if let Some(entry) = range.entry(port)
                && !entry.is_used
                && !matches!(entry.state, State::Closed)
            {
                entry.state = State::Closed;
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
        let range = self.ranges.get(number)?;
        range.ports.get(usize::from(port.checked_sub(range.first)?))
    }
}

impl Range {
    fn last(&self) -> u16 {
        self.first + (self.ports.len() - 1) as u16
    }

    fn entry(&mut self, port: u16) -> Option<&mut Port> {
        let at = usize::from(port.checked_sub(self.first)?);
        self.ports.get_mut(at)
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
mod tests {
    use super::*;
    use crate::config;

    fn account(slot: u32) -> AccountId {
        AccountId {
            slot,
            generation: 0,
        }
    }

    fn interface(mode: PortsMode) -> Arc<SipInterface> {
        Arc::new(SipInterface {
            additional_udp_ports: Some(config::Ports {
                first: 6_000,
                last: 6_001,
            }),
            additional_udp_ports_mode: mode,
            ..SipInterface::new("outside", [127, 0, 0, 1].into(), 5_060)
        })
    }

    const BASE: SocketId = SocketId(0);
    const NEW: Option<SocketId> = None;

    fn socket(leased: Leased) -> SocketId {
        match leased {
            Leased::Open(socket) | Leased::Opening(socket, _) => socket,
            Leased::None => panic!("no port"),
        }
    }

    // rules U1, U3
    #[test]
    fn each_account_has_the_lowest_free_port_and_then_there_is_none() {
        let mut ports = Ports::default();
        assert!(
            ports
                .add(BASE, &interface(PortsMode::OpenWhenUsed))
                .is_empty()
        );
        let now = Instant::ZERO;
        let first = socket(ports.lease(BASE, account(1), NEW, now));
        let second = socket(ports.lease(BASE, account(2), NEW, now));
        assert_eq!(
            (Ports::number(first), Ports::number(second)),
            (Some(6_000), Some(6_001))
        );
        assert_eq!(ports.lease(BASE, account(3), NEW, now), Leased::None);
        assert_eq!(ports.owner(second), Some(account(2)));
        ports.release(first);
        let third = socket(ports.lease(BASE, account(3), NEW, now));
        assert_eq!((third, ports.owner(third)), (first, Some(account(3))));
        assert_eq!(ports.base(third), Some(BASE));
    }

    // rule U1: until it is re-made the Account keeps the port that it has
    #[test]
    fn a_port_of_another_interface_is_no_port_of_this_one() {
        let mut ports = Ports::default();
        ports.add(BASE, &interface(PortsMode::OpenWhenUsed));
        let mut other = (*interface(PortsMode::OpenWhenUsed)).clone();
        other.additional_udp_ports = Some(config::Ports {
            first: 7_000,
            last: 7_001,
        });
        ports.add(SocketId(1), &Arc::new(other));
        let first = socket(ports.lease(BASE, account(1), None, Instant::ZERO));
        let again = ports.lease(SocketId(1), account(1), Some(first), Instant::ZERO);
        assert_eq!(socket(again), first);
        let second = socket(ports.lease(SocketId(1), account(2), None, Instant::ZERO));
        assert_eq!(Ports::number(second), Some(7_000));
    }

    // rule U2
    #[test]
    fn always_open_binds_the_range_once_and_never_closes() {
        let mut ports = Ports::default();
        let interface = interface(PortsMode::AlwaysOpen);
        let opened = ports.add(BASE, &interface);
        assert_eq!(opened.len(), 2);
        assert!(ports.add(BASE, &interface).is_empty());
        for (socket, local) in &opened {
            assert_eq!(ports.on_listening(*socket, *local), None);
        }
        let leased = ports.lease(BASE, account(1), NEW, Instant::ZERO);
        assert_eq!(leased, Leased::Open(opened[0].0));
        ports.release(opened[0].0);
        assert_eq!(ports.close_idle(), None);
    }

    // rule U2
    #[test]
    fn a_port_is_closed_when_nobody_has_taken_it_again_by_the_end_of_the_input() {
        let mut ports = Ports::default();
        ports.add(BASE, &interface(PortsMode::OpenWhenUsed));
        let first = socket(ports.lease(BASE, account(1), NEW, Instant::ZERO));
        ports.on_listening(first, ([127, 0, 0, 1], 6_000).into());
        ports.release(first);
        let again = ports.lease(BASE, account(2), NEW, Instant::ZERO);
        assert_eq!((again, ports.close_idle()), (Leased::Open(first), None));
        ports.rest(first);
        assert_eq!(
            (ports.close_idle(), ports.close_idle()),
            (Some(first), None)
        );
        let late = ports.on_listening(first, ([127, 0, 0, 1], 6_000).into());
        assert_eq!((late, ports.local(first)), (None, None));
    }

    // rules U1, U3
    #[test]
    fn a_refused_port_is_left_alone_and_one_from_before_is_given_if_free() {
        let mut ports = Ports::default();
        ports.add(BASE, &interface(PortsMode::OpenWhenUsed));
        let kept = ports.reserve(BASE, account(1), 6_001);
        assert_eq!(ports.reserve(BASE, account(2), 6_001), None);
        let first = socket(ports.lease(BASE, account(1), kept, Instant::ZERO));
        assert_eq!((Some(first), Ports::number(first)), (kept, Some(6_001)));
        assert_eq!(
            ports.on_listen_failed(first, Instant::ZERO),
            Some(account(1))
        );
        let next = socket(ports.lease(BASE, account(1), NEW, Instant::ZERO));
        assert_eq!(Ports::number(next), Some(6_000));
        assert_eq!(
            ports.lease(BASE, account(2), NEW, Instant::ZERO),
            Leased::None
        );
        let later = socket(ports.lease(BASE, account(2), NEW, Instant::from_secs(5)));
        assert_eq!(Ports::number(later), Some(6_001));
    }
}
