//! Moves bytes; decides nothing.
//!
//! It knows sockets: how they are bound, read, written, and what the kernel says about datagrams
//! that did not arrive; and name servers. It does not know what the bytes mean. The one invariant:
//! datagrams of one socket leave in the order in which they were handed in.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

mod link;
mod probe;
mod resolver;
mod udp;

use crate::effect::{Input, SocketId};
pub use link::{LinkUp, Links};
pub use probe::try_bind;
pub use resolver::{PATIENCE, Resolver};
pub use udp::RECEIVE_BUFFER;
use udp::UdpSocket;

/// A datagram to send.
#[derive(Debug)]
pub struct Datagram {
    /// On which socket.
    pub socket: SocketId,
    /// Where to.
    pub to: SocketAddr,
    /// What.
    pub bytes: Arc<[u8]>,
}

/// What came of binding a socket.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    /// Where it is bound, with its real port.
    pub local: SocketAddr,
    /// Its receive buffer in bytes as the kernel counts it: twice what may be asked for.
    pub receive_buffer: usize,
}

/// All sockets of an engine.
///
/// They hang on one level-triggered epoll instance, which itself is one descriptor of the runtime.
/// So waiting costs the same for one socket and for ten thousand, and a socket that was not read
/// empty is simply ready again.
pub struct Sockets {
    epoll: AsyncFd<Poller>,
    udp: BTreeMap<SocketId, UdpSocket>,
    ready: Vec<EpollEvent>,
    buffer: Vec<u8>,
}

impl Sockets {
    /// No socket yet. Must be called inside a runtime.
    #[expect(
        deprecated,
        reason = "sound here: the poller owns its descriptor and never changes it"
    )]
    pub fn new() -> io::Result<Self> {
        let epoll = Poller(Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?);
        Ok(Self {
            epoll: AsyncFd::with_interest(epoll, Interest::READABLE)?,
            udp: BTreeMap::new(),
            ready: Vec::with_capacity(READY_SOCKETS),
            buffer: vec![0; LONGEST_DATAGRAM],
        })
    }

    /// Binds a UDP socket.
    pub fn listen(&mut self, id: SocketId, local: SocketAddr) -> io::Result<Bound> {
        let (socket, bound) = UdpSocket::bind(id, local)?;
        let epoll = &self.epoll.get_ref().0;
        epoll.add(socket.as_fd(), interest(id, false))?;
        self.udp.insert(id, socket);
        Ok(bound)
    }

    /// So many sockets are open.
    pub fn count(&self) -> usize {
        self.udp.len()
    }

    /// Where sockets are bound.
    pub fn locals(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.udp.values().map(UdpSocket::local)
    }

    /// Closes a socket; what it could not send yet is lost.
    pub fn close(&mut self, id: SocketId) {
        // The kernel takes a closed descriptor out of the epoll instance by itself.
        self.udp.remove(&id);
    }

    /// Waits until [`Sockets::receive`] has something to do. May be dropped at any point.
    pub async fn ready(&mut self) -> io::Result<()> {
        loop {
            let mut guard = self.epoll.readable().await?;
            self.ready.resize(READY_SOCKETS, EpollEvent::empty());
            let epoll = &guard.get_inner().0;
            let count = epoll.wait(&mut self.ready, EpollTimeout::ZERO)?;
            self.ready.truncate(count);
            if count > 0 {
                return Ok(());
            }
            guard.clear_ready();
        }
    }

    /// Serves each socket that [`Sockets::ready`] found: sends what had to wait, then tells of
    /// errors, then of one batch of datagrams.
    pub fn receive(&mut self, mut tell: impl FnMut(Input<'_>)) -> io::Result<()> {
        for event in self.ready.drain(..) {
            let id = SocketId(event.data() as u32);
            let Some(socket) = self.udp.get_mut(&id) else {
                continue;
            };
            if event.events().contains(EpollFlags::EPOLLOUT) {
                socket.send_waiting(&mut self.buffer, &mut tell);
                if !socket.is_waiting() {
                    let epoll = &self.epoll.get_ref().0;
                    epoll.modify(socket.as_fd(), &mut interest(id, false))?;
                }
            }
            if event.events().contains(EpollFlags::EPOLLERR) {
                socket.report_errors(&mut self.buffer, &mut tell);
            }
            if event.events().contains(EpollFlags::EPOLLIN) {
                socket.receive(&mut self.buffer, &mut tell);
            }
        }
        Ok(())
    }

    /// Sends datagrams, in order; `outbox` is empty afterwards. What the system refuses at once is
    /// told as [`Input::Unreachable`]; what it cannot take now leaves when it can.
    pub fn send(
        &mut self,
        outbox: &mut Vec<Datagram>,
        mut tell: impl FnMut(Input<'_>),
    ) -> io::Result<()> {
        for datagram in outbox.drain(..) {
            // A socket that is closed has no failure of its own: whoever closed it knows.
            let Some(socket) = self.udp.get_mut(&datagram.socket) else {
                continue;
            };
            let waited = socket.is_waiting();
            socket.send(datagram.to, datagram.bytes, &mut self.buffer, &mut tell);
            if socket.is_waiting() && !waited {
                let epoll = &self.epoll.get_ref().0;
                epoll.modify(socket.as_fd(), &mut interest(datagram.socket, true))?;
            }
        }
        Ok(())
    }
}

/// The epoll instance as something that has a descriptor.
struct Poller(Epoll);

impl AsRawFd for Poller {
    fn as_raw_fd(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }
}

/// What to wait for on a socket; errors are always waited for.
fn interest(id: SocketId, writable: bool) -> EpollEvent {
    let mut flags = EpollFlags::EPOLLIN;
    flags.set(EpollFlags::EPOLLOUT, writable);
    EpollEvent::new(flags, id.0.into())
}

/// At most so many sockets are served per turn; the kernel hands the others out in the next one.
const READY_SOCKETS: usize = 64;

/// No UDP datagram is longer.
const LONGEST_DATAGRAM: usize = 65_536;
