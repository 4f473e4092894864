//! Whether an address could be bound, found out without keeping it.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Protocol, Socket, Type};

/// Binds a UDP port as [`Sockets::listen`](super::Sockets::listen) does, and lets it go again.
/// With port 0 it says whether the address is one of this host.
pub fn try_bind(local: SocketAddr) -> io::Result<()> {
    let domain = Domain::for_address(local);
    let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&local.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_free_until_somebody_has_it_and_an_address_of_others_never_is() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let local = socket.local_addr().unwrap();
        let taken = try_bind(local).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
        drop(socket);
        try_bind(local).unwrap();
        try_bind(local).unwrap();
        let foreign = try_bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert_eq!(foreign.kind(), io::ErrorKind::AddrNotAvailable);
    }
}
