//! What our own addresses come to: sockets of interfaces and ports of Accounts, bound or refused.

use std::net::SocketAddr;

use super::Engine;
use crate::account::Account;
use crate::effect::{Event, Output, SocketId};
use crate::flow::Ports;
use crate::time::Duration;

impl Engine {
    /// Asks for a socket of an interface.
    pub(super) fn ask_for(&mut self, socket: SocketId) {
        if let Some(known) = self.shared.proxies.socket_of(socket) {
            let local = SocketAddr::new(known.interface.address, known.interface.udp_port);
            self.shared.cx.out.push(Output::Listen { socket, local });
        }
    }

    pub(super) fn on_listening(
        &mut self,
        socket: SocketId,
        local: SocketAddr,
        receive_buffer: usize,
    ) {
        if Ports::is_port(socket) {
            if let Some(id) = self.shared.ports.on_listening(socket, local) {
                self.with(id, Account::on_port_open);
            }
            return;
        }
        if self.shared.proxies.socket_of(socket).is_none() {
            // It was closed meanwhile.
            return;
        }
        self.unbound.retain(|(unbound, _)| *unbound != socket);
        self.shared.proxies.on_listening(socket, local);
        self.shared.pace.set_receive_buffer(socket, receive_buffer);
        self.show_surroundings(socket);
        self.ready_up_all();
    }

    pub(super) fn on_listen_failed(&mut self, socket: SocketId, why: String) {
        let now = self.shared.cx.now;
        if Ports::is_port(socket) {
            if let Some(local) = self.shared.ports.address(socket) {
                self.shared.cx.out.event(Event::ListenFailed { local, why });
            }
            if let Some(id) = self.shared.ports.on_listen_failed(socket, now) {
                self.with(id, Account::on_port_refused);
            }
            return;
        }
        if self.shared.proxies.socket_of(socket).is_none() {
            return;
        }
        let again = self.shared.cx.now + LISTEN_RETRY;
        self.unbound.retain(|(unbound, _)| *unbound != socket);
        self.unbound.push((socket, Some(again)));
        self.shared.proxies.on_listen_failed(socket, &why, again);
        self.show_surroundings(socket);
        if let Some(known) = self.shared.proxies.socket_of(socket) {
            let local = SocketAddr::new(known.interface.address, known.interface.udp_port);
            self.shared.cx.out.event(Event::ListenFailed { local, why });
        }
    }

    /// What became of a socket shows in the status of the Accounts that use it.
    fn show_surroundings(&mut self, socket: SocketId) {
        for slot in &mut self.slots {
            let Some(account) = &mut slot.account else {
                continue;
            };
            if account.base() == Some(socket) {
                account.on_surroundings(&mut self.shared);
            }
        }
    }
}

/// A socket that could not be bound is tried again after this.
const LISTEN_RETRY: Duration = Duration::from_secs(5);
