//! What we know about the members of a Proxy Set, and which of them is worth trying.
//!
//! It knows the set's order and which members left a request unanswered. It does not know who uses
//! the set. Its invariant: members stand in the set's order, priority first, then as written.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{ProxyAddress, ProxySet, SipInterface};
use crate::effect::SocketId;
use crate::pace::{Pace, RegistrarId};
use crate::time::Instant;

/// One Proxy Set in use.
#[derive(Debug)]
struct Set {
    members: Vec<RegistrarId>,
    socket: SocketId,
}

/// A SIP Interface in use.
#[derive(Debug)]
pub struct Socket {
    /// Its configuration.
    pub interface: Arc<SipInterface>,
    /// Where it is bound, once it is.
    pub local: Option<SocketAddr>,
    /// Host and port of our Contact and Via (rule I3), once it is bound.
    pub contact: Arc<str>,
    /// Why it could not be bound, and when that is tried again.
    pub refused: Option<(Arc<str>, Instant)>,
}

/// All Proxy Sets and SIP Interfaces of an engine.
#[derive(Default, Debug)]
pub struct Proxies {
    sets: Vec<Set>,
    set_names: BTreeMap<Arc<str>, SetId>,
    sockets: Vec<Socket>,
    socket_names: BTreeMap<Arc<str>, SocketId>,
}

/// A Proxy Set in the table. Dense, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct SetId(u32);

impl Proxies {
    /// The socket of a SIP Interface, and whether it is new and must be bound.
    pub fn socket(&mut self, interface: &Arc<SipInterface>) -> (SocketId, bool) {
        if let Some(id) = self.socket_names.get(&interface.name) {
            return (*id, false);
        }
        let id = SocketId(self.sockets.len() as u32);
        self.socket_names.insert(Arc::clone(&interface.name), id);
        let interface = Arc::clone(interface);
        self.sockets.push(Socket {
            interface,
            local: None,
            contact: Arc::from(""),
            refused: None,
        });
        (id, true)
    }

    /// The Proxy Set, with its members known to `pace`.
    pub fn set(&mut self, set: &Arc<ProxySet>, pace: &mut Pace) -> SetId {
        if let Some(id) = self.set_names.get(&set.name) {
            return *id;
        }
        let (socket, _) = self.socket(&set.sip_interface);
        let members = set
            .proxies
            .iter()
            .filter_map(ProxyAddress::address)
            .map(|address| pace.registrar(socket, address))
            .collect();
        let id = SetId(self.sets.len() as u32);
        self.sets.push(Set { members, socket });
        self.set_names.insert(Arc::clone(&set.name), id);
        id
    }

    /// A socket is bound.
    pub fn on_listening(&mut self, id: SocketId, local: SocketAddr) {
        let Some(socket) = self.sockets.get_mut(id.0 as usize) else {
            return;
        };
        let host = socket
            .interface
            .advertised_address
            .unwrap_or_else(|| local.ip());
        socket.local = Some(local);
        socket.refused = None;
        socket.contact = Arc::from(SocketAddr::new(host, local.port()).to_string());
    }

    /// A socket could not be bound; that is tried again.
    pub fn on_listen_failed(&mut self, id: SocketId, why: &str, again: Instant) {
        if let Some(socket) = self.sockets.get_mut(id.0 as usize) {
            socket.local = None;
            socket.refused = Some((Arc::from(why), again));
        }
    }

    /// What is known of a socket.
    pub fn socket_of(&self, id: SocketId) -> Option<&Socket> {
        self.sockets.get(id.0 as usize)
    }

    /// The socket that a set's traffic leaves from.
    pub fn socket_of_set(&self, set: SetId) -> SocketId {
        self.sets[set.0 as usize].socket
    }

    /// The set's current member (rule S1), as far as members are not excluded: the first that is
    /// not suspect. When all are suspect, all are cleared and the first one is taken (rule P4).
    pub fn current(
        &self,
        set: SetId,
        pace: &mut Pace,
        is_excluded: impl Fn(RegistrarId) -> bool,
    ) -> Option<RegistrarId> {
        let members = &self.sets[set.0 as usize].members;
        let mut open = members.iter().copied().filter(|id| !is_excluded(*id));
        let first = open.clone().next()?;
        if let Some(good) = open.find(|id| !pace.get(*id).suspect) {
            return Some(good);
        }
        members
            .iter()
            .for_each(|id| pace.get_mut(*id).suspect = false);
        Some(first)
    }

    /// Whether any member is not excluded.
    pub fn has_open(&self, set: SetId, is_excluded: impl Fn(RegistrarId) -> bool) -> bool {
        self.sets[set.0 as usize]
            .members
            .iter()
            .any(|id| !is_excluded(*id))
    }

    /// Place of a registrar in the set's order, from 1.
    pub fn rank(&self, set: SetId, registrar: RegistrarId) -> Option<u16> {
        let place = self.sets[set.0 as usize]
            .members
            .iter()
            .position(|id| *id == registrar)?;
        u16::try_from(place + 1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set_of(ports: &[u16]) -> Arc<ProxySet> {
        let interface = Arc::new(SipInterface::new("outside", [127, 0, 0, 1].into(), 5070));
        let address = |port: &u16| ProxyAddress::at(SocketAddr::from(([127, 0, 0, 1], *port)));
        let proxies = ports.iter().map(address).collect();
        Arc::new(ProxySet::new("carrier", interface, proxies))
    }

    // rule P4
    #[test]
    fn a_suspect_member_is_chosen_last_and_when_all_are_suspect_all_are_cleared() {
        let (mut proxies, mut pace) = (Proxies::default(), Pace::default());
        let set = proxies.set(&set_of(&[5060, 5061]), &mut pace);
        let port = |id: Option<RegistrarId>, pace: &Pace| id.map(|id| pace.get(id).address.port());
        let first = proxies.current(set, &mut pace, |_| false);
        assert_eq!(port(first, &pace), Some(5060));
        pace.on_silence(first.unwrap(), Instant::from_secs(32), Instant::ZERO);
        let second = proxies.current(set, &mut pace, |_| false);
        assert_eq!(port(second, &pace), Some(5061));
        pace.on_silence(
            second.unwrap(),
            Instant::from_secs(64),
            Instant::from_secs(32),
        );
        let third = proxies.current(set, &mut pace, |_| false);
        assert_eq!(port(third, &pace), Some(5060));
        assert!(!pace.get(second.unwrap()).suspect);
    }
}
