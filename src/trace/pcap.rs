//! Messages as a capture file that Wireshark, tshark and sngrep open.
//!
//! The file has the classic format with microseconds. Its packets begin with an IP header
//! (LINKTYPE_RAW), made from the addresses and with correct checksums; there is no link layer that
//! could be told of.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use super::entry::{Entry, Kind};

/// Writes messages to a file.
pub struct Pcap<W> {
    to: W,
}

impl<W: Write> Pcap<W> {
    /// Begins the file.
    pub fn new(mut to: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend(MAGIC.to_le_bytes());
        header.extend(VERSION.iter().flat_map(|number| number.to_le_bytes()));
        // The times are in UTC, and nothing is known of their accuracy.
        header.extend([0; 8]);
        header.extend(LONGEST.to_le_bytes());
        header.extend(LINKTYPE_RAW.to_le_bytes());
        to.write_all(&header)?;
        Ok(Self { to })
    }

    /// Writes a message; a note is no packet and is left out. Says whether it was written.
    pub fn write(&mut self, entry: &Entry) -> io::Result<bool> {
        let Some(packet) = packet(entry) else {
            return Ok(false);
        };
        let seconds = entry.at.0.div_euclid(1_000_000) as u32;
        let micros = entry.at.0.rem_euclid(1_000_000) as u32;
        let length = packet.len() as u32;
        let mut record = Vec::with_capacity(16 + packet.len());
        for number in [seconds, micros, length, length] {
            record.extend(number.to_le_bytes());
        }
        record.extend(packet);
        self.to.write_all(&record)?;
        Ok(true)
    }

    /// Ends the file.
    pub fn finish(mut self) -> io::Result<()> {
        self.to.flush()
    }

    /// Lets out what was written so far.
    pub fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A message as an IP packet.
fn packet(entry: &Entry) -> Option<Vec<u8>> {
    let (local, remote) = (entry.local?, entry.remote?);
    let (from, to) = match entry.kind {
        Kind::Sent => (local, remote),
        Kind::Received => (remote, local),
        Kind::Note => return None,
    };
    let bytes = entry.content.bytes();
    Some(match (from.ip(), to.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let addresses = [source.octets(), target.octets()].concat();
            let datagram = udp(from, to, &addresses, &bytes[..bytes.len().min(LONGEST_V4)]);
            v4(entry.number as u16, &addresses, &datagram)
        }
        _ => {
            let octets = [from, to].map(|address| match address.ip() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            });
            let addresses = octets.concat();
            let datagram = udp(from, to, &addresses, &bytes[..bytes.len().min(LONGEST_V6)]);
            v6(&addresses, &datagram)
        }
    })
}

/// RFC 791 §3.1.
fn v4(id: u16, addresses: &[u8], datagram: &[u8]) -> Vec<u8> {
    let length = (20 + datagram.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend([0, 0, HOPS, UDP, 0, 0]);
    packet.extend(addresses);
    let sum = checksum(&[&packet]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(datagram);
    packet
}

/// RFC 8200 §3.
fn v6(addresses: &[u8], datagram: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((datagram.len() as u16).to_be_bytes());
    packet.extend([UDP, HOPS]);
    packet.extend(addresses);
    packet.extend(datagram);
    packet
}

fn udp(from: SocketAddr, to: SocketAddr, addresses: &[u8], bytes: &[u8]) -> Vec<u8> {
    let length = (8 + bytes.len()) as u16;
    let mut datagram = Vec::with_capacity(length.into());
    for number in [from.port(), to.port(), length, 0] {
        datagram.extend(number.to_be_bytes());
    }
    datagram.extend(bytes);
    let pseudo = [&[0, UDP][..], &length.to_be_bytes()].concat();
    let sum = checksum(&[addresses, &pseudo, &datagram]);
    // RFC 768: zero would say that there is none.
    let sum = if sum == 0 { u16::MAX } else { sum };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    datagram
}

/// The checksum of RFC 1071; only the last piece may be of odd length.
fn checksum(pieces: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for piece in pieces {
        let (pairs, rest) = piece.as_chunks::<2>();
        sum += pairs
            .iter()
            .map(|pair| u64::from(u16::from_be_bytes(*pair)))
            .sum::<u64>();
        sum += rest.first().map_or(0, |byte| u64::from(*byte) << 8);
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// In the byte order of the file, with microseconds.
const MAGIC: u32 = 0xa1b2_c3d4;
const VERSION: [u16; 2] = [2, 4];
/// No packet is longer.
const LONGEST: u32 = 65_535 + 40;
const LINKTYPE_RAW: u32 = 101;
/// The protocol number of UDP.
const UDP: u8 = 17;
const HOPS: u8 = 64;
/// What a datagram holds at most.
const LONGEST_V4: usize = 65_535 - 20 - 8;
const LONGEST_V6: usize = 65_535 - 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{At, Content, Transport};

    fn entry(local: &str, remote: &str, bytes: &[u8]) -> Entry {
        Entry {
            number: 0x1_0001,
            at: At(1_795_341_600_123_456),
            kind: Kind::Sent,
            account: None,
            proxy_set: None,
            transport: Some(Transport::Udp),
            local: Some(local.parse().unwrap()),
            remote: Some(remote.parse().unwrap()),
            content: Content::new(bytes.to_vec()),
        }
    }

    #[test]
    fn checksums_are_those_of_the_specification() {
        // The example of RFC 1071 §3.
        let sum = checksum(&[&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]]);
        assert_eq!(sum, !0xddf2);
        assert_eq!(checksum(&[&[0xff], &[]]), !0xff00);
    }

    #[test]
    fn a_packet_is_whole_and_its_checksums_add_up() {
        for (local, remote, head) in [
            ("127.0.0.1:5070", "192.0.2.1:5060", 20),
            ("[::1]:5070", "[2001:db8::1]:5060", 40),
            ("0.0.0.0:5070", "[2001:db8::1]:5060", 40),
        ] {
            for bytes in [&b""[..], b"odd", &[0xff; 65_535]] {
                let packet = packet(&entry(local, remote, bytes)).unwrap();
                let (ip, datagram) = packet.split_at(head);
                assert!(packet.len() <= LONGEST as usize);
                let addresses = &ip[if head == 20 { 12 } else { 8 }..];
                let length = u16::from_be_bytes([datagram[4], datagram[5]]);
                assert_eq!(usize::from(length), datagram.len());
                let pseudo = [0, UDP, datagram[4], datagram[5]];
                assert_eq!(checksum(&[addresses, &pseudo, datagram]), 0);
                assert_eq!(&datagram[..4], [0x13, 0xce, 0x13, 0xc4]);
                if head == 20 {
                    assert_eq!(checksum(&[ip]), 0);
                    assert_eq!(
                        usize::from(u16::from_be_bytes([ip[2], ip[3]])),
                        packet.len()
                    );
                }
            }
        }
    }

    #[test]
    fn a_file_has_its_header_and_a_record_for_each_message() {
        let mut bytes = Vec::new();
        let mut file = Pcap::new(&mut bytes).unwrap();
        let message = entry("127.0.0.1:1", "127.0.0.1:2", b"SIP");
        assert!(file.write(&message).unwrap());
        let note = Entry {
            kind: Kind::Note,
            ..message
        };
        assert!(!file.write(&note).unwrap());
        file.finish().unwrap();
        assert_eq!(bytes.len(), 24 + 16 + 20 + 8 + 3);
        let word = |at: usize| u32::from_le_bytes(*bytes[at..].first_chunk().unwrap());
        assert_eq!((word(24), word(28)), (1_795_341_600, 123_456));
        assert_eq!((word(32), word(36)), (31, 31));
    }
}
