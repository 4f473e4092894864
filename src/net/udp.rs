//! One UDP socket: bound with a deep receive buffer, its errors read back.
//!
//! Datagrams are read and written one by one: `recvmmsg` and `sendmmsg` were measured at 64 per
//! call and saved less than 2 % of the time, which goes into the kernel's own path of each
//! datagram.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSliceMut};
use std::net::{SocketAddr, UdpSocket as Socket};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, getsockopt, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Type};

use super::Bound;
use crate::effect::{Input, SocketId, Via};

/// A bound socket and what it could not send yet.
pub(super) struct UdpSocket {
    via: Via,
    local: SocketAddr,
    socket: Socket,
    waiting: VecDeque<(SocketAddr, Arc<[u8]>)>,
}

impl UdpSocket {
    /// Binds without sharing the port with anybody.
    pub(super) fn bind(id: SocketId, local: SocketAddr) -> io::Result<(Self, Bound)> {
        let domain = Domain::for_address(local);
        let kind = Type::DGRAM.nonblocking();
        let socket = socket2::Socket::new(domain, kind, Some(Protocol::UDP))?;
        if local.is_ipv6() {
            socket.set_only_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvErr, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv4RecvErr, &true)?;
        }
        let receive_buffer = deepen(&socket)?;
        socket.bind(&local.into())?;
        let socket = Socket::from(socket);
        let bound = Bound {
            local: socket.local_addr()?,
            receive_buffer,
        };
        let socket = Self {
            via: Via::Socket(id),
            local: bound.local,
            socket,
            waiting: VecDeque::new(),
        };
        Ok((socket, bound))
    }

    /// Where it is bound.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Whether there is something that could not be sent yet.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Reads until nothing is left, but no more than one batch.
    pub(super) fn receive(&self, buffer: &mut [u8], tell: &mut impl FnMut(Input<'_>)) {
        for _ in 0..BATCH {
            match self.socket.recv_from(buffer) {
                Ok((length, from)) => tell(Input::Received {
                    via: self.via,
                    from,
                    bytes: &buffer[..length],
                }),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Reading reports, once, that an earlier datagram did not arrive. The details are
                // in the queue of errors.
                Err(_) => {
                    self.read_errors(buffer, tell);
                }
            }
        }
    }

    /// Tells of every error that the socket reports, so that it is not reported again.
    pub(super) fn report_errors(&self, buffer: &mut [u8], tell: &mut impl FnMut(Input<'_>)) {
        if self.read_errors(buffer, tell) == 0 {
            // There was no room for the details. Taking the error ends the report.
            drop(self.socket.take_error());
        }
    }

    /// Reads what the kernel has to say about datagrams that did not arrive. Says how many times it
    /// had something to say.
    pub(super) fn read_errors(&self, buffer: &mut [u8], tell: &mut impl FnMut(Input<'_>)) -> usize {
        for count in 0..BATCH {
            match read_error(&self.socket, buffer) {
                Ok(Some((to, length))) => tell(Input::Unreachable {
                    via: self.via,
                    to,
                    quoted: &buffer[..length],
                }),
                Ok(None) => {}
                Err(_) => return count,
            }
        }
        BATCH
    }

    /// Sends a datagram, behind those that wait already.
    pub(super) fn send(
        &mut self,
        to: SocketAddr,
        bytes: Arc<[u8]>,
        buffer: &mut [u8],
        tell: &mut impl FnMut(Input<'_>),
    ) {
        if self.is_waiting() || !self.send_now(to, &bytes, buffer, tell) {
            // A network that takes nothing for so long loses what nobody would wait for any more.
            if self.waiting.len() >= MAX_WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back((to, bytes));
        }
    }

    /// Sends what had to wait, as far as the system takes it.
    pub(super) fn send_waiting(&mut self, buffer: &mut [u8], tell: &mut impl FnMut(Input<'_>)) {
        while let Some((to, bytes)) = self.waiting.front() {
            if !self.send_now(*to, bytes, buffer, tell) {
                return;
            }
            self.waiting.pop_front();
        }
    }

    /// Whether the datagram is done with: sent, or refused and told about. Otherwise it has to
    /// wait.
    fn send_now(
        &self,
        to: SocketAddr,
        bytes: &[u8],
        buffer: &mut [u8],
        tell: &mut impl FnMut(Input<'_>),
    ) -> bool {
        let mut tries = 0;
        loop {
            match self.socket.send_to(bytes, to) {
                Ok(_) => return true,
                Err(error) if must_wait(&error) => return false,
                Err(_) => tries += 1,
            }
            // Sending reports, once, that an earlier datagram did not arrive, wherever that one
            // went. What is wrong with this one is reported again.
            let heard = self.read_errors(buffer, tell);
            if tries >= MAX_TRIES || (tries > 1 && heard == 0) {
                tell(Input::Unreachable {
                    via: self.via,
                    to,
                    quoted: bytes,
                });
                return true;
            }
        }
    }
}

/// Whether the system would take the datagram later.
fn must_wait(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || error.raw_os_error() == Some(libc::ENOBUFS)
}

/// Takes one error out of the socket's queue: where the datagram went, and how many bytes of it are
/// in `buffer` now. `None` is an error that does not concern a destination.
fn read_error(socket: &Socket, buffer: &mut [u8]) -> Result<Option<(SocketAddr, usize)>, Errno> {
    let mut control = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in6);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let fd = socket.as_raw_fd();
    let message = recvmsg::<SockaddrStorage>(fd, &mut slices, Some(&mut control), flags)?;
    let mut is_unreachable = false;
    for control in message.cmsgs()? {
        if let ControlMessageOwned::Ipv4RecvErr(error, _)
        | ControlMessageOwned::Ipv6RecvErr(error, _) = control
        {
            // An error of our own host is also the result of the call that sent. A router that
            // cannot forward so long a datagram has told the kernel, which cuts the next one up.
            is_unreachable = error.ee_origin != libc::SO_EE_ORIGIN_LOCAL
                && error.ee_errno != libc::EMSGSIZE.unsigned_abs();
        }
    }
    let to = message.address.and_then(|address| {
        let v4 = address.as_sockaddr_in().copied().map(SocketAddr::from);
        v4.or_else(|| address.as_sockaddr_in6().copied().map(SocketAddr::from))
    });
    Ok(to.filter(|_| is_unreachable).map(|to| (to, message.bytes)))
}

/// Asks for the receive buffer and says what was given, as the kernel counts it.
fn deepen(socket: &socket2::Socket) -> io::Result<usize> {
    if setsockopt(socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
        setsockopt(socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
    }
    Ok(getsockopt(socket, sockopt::RcvBuf)?)
}

/// The receive buffer that is asked for: it holds the answers to a full window of every registrar
/// (rule L6). The kernel gives, and tells, twice as much, for its own needs.
pub const RECEIVE_BUFFER: usize = 8 << 20;

/// Datagrams, or errors, of one socket that are read in one go.
const BATCH: usize = 64;

/// Datagrams of one socket that may wait for the system.
const MAX_WAITING: usize = 16_384;

/// Sends of one datagram before the error that comes back is taken for its own.
const MAX_TRIES: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_port_is_told_with_the_destination_and_our_own_bytes() {
        let (mut socket, bound) = bind("127.0.0.1:0");
        let closed = closed_port();
        assert!(bound.receive_buffer > 0 && bound.local.port() != 0);
        let told = send(&mut socket, closed, b"REGISTER one");
        let told = [told, read(&socket)].concat();
        assert_eq!(told, [(closed, b"REGISTER one".to_vec())]);
    }

    #[test]
    fn the_error_of_one_destination_is_not_taken_for_that_of_another() {
        let (mut socket, _) = bind("127.0.0.1:0");
        let peer = Socket::bind("127.0.0.1:0").unwrap();
        let closed = closed_port();
        let mut told = send(&mut socket, closed, b"lost");
        told.extend(send(&mut socket, peer.local_addr().unwrap(), b"kept"));
        told.extend(read(&socket));
        assert_eq!(told, [(closed, b"lost".to_vec())]);
        let mut buffer = [0; 64];
        assert_eq!(peer.recv(&mut buffer).unwrap(), 4);
    }

    #[test]
    fn a_closed_port_over_ipv6_is_told_too() {
        let Ok((mut socket, _)) = UdpSocket::bind(SocketId(1), "[::1]:0".parse().unwrap()) else {
            return; // No IPv6 on this machine.
        };
        let closed = Socket::bind("[::1]:0").unwrap().local_addr().unwrap();
        let told = [send(&mut socket, closed, b"six"), read(&socket)].concat();
        assert_eq!(told, [(closed, b"six".to_vec())]);
    }

    #[test]
    fn what_the_system_refuses_at_once_is_told_with_our_own_bytes() {
        let (mut socket, _) = bind("127.0.0.1:0");
        let to = "127.0.0.1:9".parse().unwrap();
        let huge = vec![b'x'; 65_535]; // EMSGSIZE: with its header it is too long for IP.
        assert_eq!(send(&mut socket, to, &huge), [(to, huge.clone())]);
        let broadcast = "255.255.255.255:9".parse().unwrap(); // EACCES or ENETUNREACH.
        assert_eq!(send(&mut socket, broadcast, b"all").len(), 1);
    }

    #[test]
    fn what_had_to_wait_leaves_before_what_came_later() {
        let (mut socket, _) = bind("127.0.0.1:0");
        let peer = Socket::bind("127.0.0.1:0").unwrap();
        let to = peer.local_addr().unwrap();
        // As after a send that the system did not take.
        socket.waiting.push_back((to, b"first".as_slice().into()));
        assert!(send(&mut socket, to, b"second").is_empty());
        assert_eq!(socket.waiting.len(), 2);
        socket.send_waiting(&mut [0; 64], &mut |_| {});
        assert!(!socket.is_waiting());
        assert!(send(&mut socket, to, b"third").is_empty());
        for expected in ["first", "second", "third"] {
            let mut buffer = [0; 64];
            let length = peer.recv(&mut buffer).unwrap();
            assert_eq!(&buffer[..length], expected.as_bytes());
        }
    }

    fn bind(local: &str) -> (UdpSocket, Bound) {
        UdpSocket::bind(SocketId(0), local.parse().unwrap()).unwrap()
    }

    fn closed_port() -> SocketAddr {
        Socket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
    }

    fn send(socket: &mut UdpSocket, to: SocketAddr, bytes: &[u8]) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut told = Vec::new();
        let mut buffer = vec![0; 65_536];
        socket.send(to, bytes.into(), &mut buffer, &mut |input| {
            told.extend(unreachable(&input));
        });
        told
    }

    fn read(socket: &UdpSocket) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut told = Vec::new();
        let mut buffer = vec![0; 65_536];
        socket.receive(&mut buffer, &mut |input| told.extend(unreachable(&input)));
        told
    }

    fn unreachable(input: &Input<'_>) -> Option<(SocketAddr, Vec<u8>)> {
        if let Input::Unreachable { to, quoted, .. } = input {
            return Some((*to, quoted.to_vec()));
        }
        None
    }
}
