//! The SIP Interfaces that sets send from: which are configured, and which are still needed by
//! Accounts that have not left them.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Proxies;
use crate::config::SipInterface;
use crate::effect::SocketId;
use crate::time::Instant;

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
    /// How many Accounts send from it.
    users: u32,
    /// Whether the configuration has it.
    is_configured: bool,
    /// Whether it was asked for, and not closed since.
    is_open: bool,
}

impl Socket {
    fn new(interface: &Arc<SipInterface>) -> Self {
        Self {
            interface: Arc::clone(interface),
            local: None,
            contact: Arc::from(""),
            refused: None,
            users: 0,
            is_configured: true,
            is_open: true,
        }
    }

    /// Another configuration of the same address.
    fn reconfigure(&mut self, interface: &Arc<SipInterface>) {
        self.interface = Arc::clone(interface);
        self.is_configured = true;
        if let Some(local) = self.local {
            self.contact = contact(interface, local);
        }
    }

    fn is_at(&self, interface: &SipInterface) -> bool {
        let own = &self.interface;
        self.is_open && (own.address, own.udp_port) == (interface.address, interface.udp_port)
    }
}

/// Host and port of our Contact and Via (rule I3).
fn contact(interface: &SipInterface, local: SocketAddr) -> Arc<str> {
    let host = interface.advertised_address.unwrap_or_else(|| local.ip());
    Arc::from(SocketAddr::new(host, local.port()).to_string())
}

impl Proxies {
    /// These interfaces are configured, and no others: the socket of each, and whether it must be
    /// bound. An interface keeps its socket while its address and port are the same, whatever its
    /// name.
    pub fn reconfigure_sockets(
        &mut self,
        interfaces: &[Arc<SipInterface>],
    ) -> Vec<(SocketId, bool)> {
        let before = std::mem::take(&mut self.socket_names);
        for socket in &mut self.sockets {
            socket.is_configured = false;
        }
        let mut found: Vec<Option<SocketId>> = vec![None; interfaces.len()];
        for (found, interface) in found.iter_mut().zip(interfaces) {
            let known = before.get(&interface.name).copied();
            *found = known.filter(|id| self.sockets[id.0 as usize].is_at(interface));
            if let Some(id) = *found {
                self.sockets[id.0 as usize].reconfigure(interface);
            }
        }
        let mut all = Vec::with_capacity(interfaces.len());
        for (found, interface) in found.into_iter().zip(interfaces) {
            let is_it = |it: &Socket| !it.is_configured && it.is_at(interface);
            let same = || self.sockets.iter().position(is_it);
            let known = found.or_else(|| same().map(|at| SocketId(at as u32)));
            let id = known.unwrap_or_else(|| self.open(interface));
            self.sockets[id.0 as usize].reconfigure(interface);
            self.socket_names.insert(Arc::clone(&interface.name), id);
            all.push((id, known.is_none()));
        }
        all
    }

    /// A socket that is to be bound: its number is that of one that nobody knows any more.
    fn open(&mut self, interface: &Arc<SipInterface>) -> SocketId {
        if let Some(id) = self.free_sockets.pop() {
            self.sockets[id.0 as usize] = Socket::new(interface);
            return id;
        }
        let id = SocketId(self.sockets.len() as u32);
        self.sockets.push(Socket::new(interface));
        id
    }

    /// The socket of a SIP Interface.
    pub(super) fn socket(&mut self, interface: &Arc<SipInterface>) -> SocketId {
        if let Some(id) = self.socket_names.get(&interface.name) {
            return *id;
        }
        let id = self.open(interface);
        self.socket_names.insert(Arc::clone(&interface.name), id);
        id
    }

    /// An Account sends from this socket from now on.
    pub fn join_socket(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(id.0 as usize) {
            socket.users += 1;
        }
    }

    /// An Account no longer sends from it.
    pub fn part_socket(&mut self, id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(id.0 as usize) {
            socket.users -= 1;
        }
    }

    /// The next socket that nobody needs any more, and that is to be closed.
    pub fn next_idle_socket(&mut self) -> Option<SocketId> {
        let is_idle = |it: &Socket| it.is_open && !it.is_configured && it.users == 0;
        let place = self.sockets.iter().position(is_idle)?;
        let socket = &mut self.sockets[place];
        (socket.is_open, socket.local, socket.refused) = (false, None, None);
        Some(SocketId(place as u32))
    }

    /// Sockets that are closed may be others from now on, unless `is_known`.
    pub fn free_sockets(&mut self, is_known: impl Fn(SocketId) -> bool) {
        let ids = (0..self.sockets.len()).map(|at| SocketId(at as u32));
        let closed = ids.filter(|id| !self.sockets[id.0 as usize].is_open && !is_known(*id));
        self.free_sockets = closed.collect();
        // The lowest number is given first.
        self.free_sockets.reverse();
    }

    /// Whether a socket was closed whose number is not for another one yet.
    pub(super) fn has_closed_sockets(&self) -> bool {
        let closed = self.sockets.iter().filter(|it| !it.is_open).count();
        closed > self.free_sockets.len()
    }

    /// How many sockets are bound, or about to be.
    pub fn open_sockets(&self) -> usize {
        self.sockets.iter().filter(|it| it.is_open).count()
    }

    /// A socket is bound.
    pub fn on_listening(&mut self, id: SocketId, local: SocketAddr) {
        let Some(socket) = self.sockets.get_mut(id.0 as usize) else {
            return;
        };
        socket.local = Some(local);
        socket.refused = None;
        socket.contact = contact(&socket.interface, local);
        self.touch_all();
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
        self.sockets.get(id.0 as usize).filter(|it| it.is_open)
    }
}
