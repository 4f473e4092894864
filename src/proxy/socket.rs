//! The SIP Interfaces that sets send from.

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
}

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
        self.sockets.get(id.0 as usize)
    }
}
