//! Watches network links: tells when one that was down is up again (rule S7).
//!
//! It asks the kernel by rtnetlink, which takes no permission, and decides nothing. When the
//! kernel's queue has overflowed it looks at every link anew, so that no change is missed for good.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, SockaddrStorage, bind,
    recv, socket,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The links of this host.
pub struct Links {
    socket: AsyncFd<OwnedFd>,
    /// Whether each link can carry anything, by its name.
    known: BTreeMap<String, bool>,
    buffer: Vec<u8>,
}

/// A link that came up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LinkUp {
    /// The interface's name.
    pub interface: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}

impl Links {
    /// Begins to watch. What is up now has not come up.
    #[expect(
        deprecated,
        reason = "sound here: the descriptor is owned and never changes"
    )]
    pub fn new() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
            SockProtocol::NetlinkRoute,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, RTMGRP_LINK))?;
        let mut links = Self {
            socket: AsyncFd::with_interest(socket, Interest::READABLE)?,
            known: BTreeMap::new(),
            buffer: vec![0; LONGEST_MESSAGE],
        };
        links.look()?;
        Ok(links)
    }

    /// Waits until a link has come up. May be dropped at any point.
    pub async fn came_up(&mut self) -> io::Result<Vec<LinkUp>> {
        loop {
            let mut guard = self.socket.readable().await?;
            let descriptor = guard.get_inner().as_raw_fd();
            let received = recv(descriptor, &mut self.buffer, MsgFlags::empty());
            let names = match received {
                Ok(length) => {
                    let links = read(&self.buffer[..length]);
                    let came_up = links.filter(|link| link.has_come_up(&mut self.known));
                    came_up.map(|link| link.name.to_owned()).collect()
                }
                Err(Errno::EAGAIN) => {
                    guard.clear_ready();
                    continue;
                }
                Err(Errno::ENOBUFS) => self.look()?,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            if !names.is_empty() {
                return names.into_iter().map(with_addresses).collect();
            }
        }
    }

    /// Looks at every link. The names of those that came up since they were last heard of.
    fn look(&mut self) -> io::Result<Vec<String>> {
        let mut now = BTreeMap::new();
        for entry in getifaddrs()? {
            let flags = entry.flags.bits() as u32;
            now.insert(entry.interface_name, is_up(flags));
        }
        let before = std::mem::replace(&mut self.known, now);
        let came_up = self.known.iter().filter(|(name, is_up)| {
            let was_up = before.get(*name).copied();
            **is_up && was_up == Some(false)
        });
        Ok(came_up.map(|(name, _)| name.clone()).collect())
    }
}

/// What a message says of one link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Link<'a> {
    name: &'a str,
    is_up: bool,
}

impl Link<'_> {
    /// Takes it over. Whether it was down before; one that is new was.
    fn has_come_up(&self, known: &mut BTreeMap<String, bool>) -> bool {
        match known.get_mut(self.name) {
            Some(was_up) => !std::mem::replace(was_up, self.is_up) && self.is_up,
            None => {
                known.insert(self.name.to_owned(), self.is_up);
                self.is_up
            }
        }
    }
}

fn with_addresses(interface: String) -> io::Result<LinkUp> {
    let entries = getifaddrs()?.filter(|entry| entry.interface_name == interface);
    let addresses = entries
        .filter_map(|entry| address(&entry.address?))
        .collect();
    Ok(LinkUp {
        interface,
        addresses,
    })
}

fn address(storage: &SockaddrStorage) -> Option<IpAddr> {
    if let Some(v4) = storage.as_sockaddr_in() {
        return Some(v4.ip().into());
    }
    Some(storage.as_sockaddr_in6()?.ip().into())
}

/// The links that a datagram of the kernel is about (rtnetlink(7)); nothing that is cut short.
fn read(datagram: &[u8]) -> impl Iterator<Item = Link<'_>> {
    let messages = Chunks {
        rest: datagram,
        length: |it| Some(number::<4>(it, 0)? as usize),
    };
    messages.filter_map(|message| {
        let kind = number::<2>(message, 4)?;
        if kind != RTM_NEWLINK {
            return None;
        }
        let flags = number::<4>(message, HEADER + 8)?;
        let mut attributes = Chunks {
            rest: message.get(HEADER + LINK_HEADER..)?,
            length: |it| Some(number::<2>(it, 0)? as usize),
        };
        let name = attributes.find(|it| number::<2>(it, 2) == Some(IFLA_IFNAME))?;
        let name = name.get(4..)?.split(|byte| *byte == 0).next()?;
        Some(Link {
            name: std::str::from_utf8(name).ok()?,
            is_up: is_up(flags),
        })
    })
}

/// Pieces that each begin with their length, and are padded to four bytes.
struct Chunks<'a> {
    rest: &'a [u8],
    length: fn(&[u8]) -> Option<usize>,
}

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let length = (self.length)(self.rest).filter(|length| *length >= 4)?;
        let piece = self.rest.get(..length)?;
        let padded = length.next_multiple_of(4).min(self.rest.len());
        self.rest = &self.rest[padded..];
        Some(piece)
    }
}

/// A number of so many bytes at this place, in the order of this host.
fn number<const BYTES: usize>(from: &[u8], at: usize) -> Option<u32> {
    let bytes = from.get(at..at + BYTES)?;
    Some(match bytes {
        [a, b] => u16::from_ne_bytes([*a, *b]).into(),
        [a, b, c, d] => u32::from_ne_bytes([*a, *b, *c, *d]),
        _ => return None,
    })
}

/// Whether a link is meant to be up, and has a carrier.
fn is_up(flags: u32) -> bool {
    flags & (IFF_UP | IFF_LOWER_UP) == IFF_UP | IFF_LOWER_UP
}

/// The group of messages about links (rtnetlink(7)).
const RTMGRP_LINK: u32 = 1;
/// A link is new, or has changed.
const RTM_NEWLINK: u32 = 16;
/// The attribute with a link's name.
const IFLA_IFNAME: u32 = 3;
/// `struct nlmsghdr` and `struct ifinfomsg`, in bytes.
const HEADER: usize = 16;
const LINK_HEADER: usize = 16;
/// netdevice(7).
const IFF_UP: u32 = 1;
const IFF_LOWER_UP: u32 = 1 << 16;
/// The kernel sends no longer ones.
const LONGEST_MESSAGE: usize = 32 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    /// A message about a link, as the kernel writes it.
    fn message(kind: u16, name: &str, flags: u32) -> Vec<u8> {
        let mut attributes = Vec::new();
        for (kind, value) in [(99_u16, &b"\x01\x02\x03"[..]), (3, name.as_bytes())] {
            let length = 4 + value.len() as u16 + 1;
            attributes.extend(length.to_ne_bytes());
            attributes.extend(kind.to_ne_bytes());
            attributes.extend(value);
            attributes.push(0);
            attributes.resize(attributes.len().next_multiple_of(4), 0);
        }
        let mut bytes = Vec::new();
        let length = (HEADER + LINK_HEADER + attributes.len()) as u32;
        bytes.extend(length.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.resize(HEADER + 8, 0);
        bytes.extend(flags.to_ne_bytes());
        bytes.resize(HEADER + LINK_HEADER, 0);
        bytes.extend(attributes);
        bytes
    }

    const UP: u32 = IFF_UP | IFF_LOWER_UP;

    #[test]
    fn messages_about_links_are_read_and_others_are_not() {
        let mut datagram = message(16, "eth0", UP);
        datagram.extend(message(17, "gone0", UP));
        datagram.extend(message(16, "eth10", IFF_UP));
        let read: Vec<_> = read(&datagram).map(|it| (it.name, it.is_up)).collect();
        assert_eq!(read, [("eth0", true), ("eth10", false)]);
    }

    #[test]
    fn nothing_that_is_cut_short_or_wrong_does_harm() {
        let whole = [message(16, "eth0", UP), message(16, "eth1", UP)].concat();
        for end in 0..whole.len() {
            let count = read(&whole[..end]).count();
            assert!(count <= 1, "{end}");
        }
        for place in 0..whole.len() {
            for value in [0, 1, 3, 255] {
                let mut wrong = whole.clone();
                wrong[place] = value;
                assert!(read(&wrong).count() <= 2);
            }
        }
    }

    #[test]
    fn only_a_link_that_was_down_comes_up() {
        let mut known = BTreeMap::from([("eth0".to_owned(), true)]);
        let mut tell = |name, is_up| Link { name, is_up }.has_come_up(&mut known);
        assert!(!tell("eth0", true), "it was up");
        assert!(!tell("eth0", false) && !tell("eth0", false));
        assert!(tell("eth0", true) && !tell("eth0", true));
        assert!(tell("eth1", true), "it was not there");
    }
}
