//! A message as a packet of HEP version 3, for capture servers such as Homer.
//!
//! The format is that of the HEP3 Network Protocol Specification, revision 12: a header, and chunks
//! that each have a vendor, a type and a length.

use std::net::IpAddr;

use super::entry::{Entry, Kind};
use crate::sip::{Message, Name};

/// The packet that reports a message to a capture server, which knows us as `capture_id`. Nothing
/// for a note.
pub fn packet(entry: &Entry, capture_id: u32) -> Option<Vec<u8>> {
    let (local, remote) = (entry.local?, entry.remote?);
    let (from, to) = match entry.kind {
        Kind::Sent => (local, remote),
        Kind::Received => (remote, local),
        Kind::Note => return None,
    };
    let content = entry.content.bytes();
    let mut packet = Vec::with_capacity(content.len() + 256);
    packet.extend(b"HEP3\0\0");
    let mut put = |kind: u16, value: &[u8]| {
        packet.extend(GENERIC.to_be_bytes());
        packet.extend(kind.to_be_bytes());
        packet.extend((6 + value.len() as u16).to_be_bytes());
        packet.extend(value);
    };
    match (from.ip(), to.ip()) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            put(FAMILY, &[AF_INET]);
            put(PROTOCOL, &[UDP]);
            put(SOURCE_V4, &source.octets());
            put(TARGET_V4, &target.octets());
        }
        (source, target) => {
            let octets = |ip: IpAddr| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
                IpAddr::V6(ip) => ip.octets(),
            };
            put(FAMILY, &[AF_INET6]);
            put(PROTOCOL, &[UDP]);
            put(SOURCE_V6, &octets(source));
            put(TARGET_V6, &octets(target));
        }
    }
    put(SOURCE_PORT, &from.port().to_be_bytes());
    put(TARGET_PORT, &to.port().to_be_bytes());
    put(
        SECONDS,
        &(entry.at.0.div_euclid(1_000_000) as u32).to_be_bytes(),
    );
    put(
        MICROS,
        &(entry.at.0.rem_euclid(1_000_000) as u32).to_be_bytes(),
    );
    put(PAYLOAD_KIND, &[SIP]);
    put(CAPTURE_ID, &capture_id.to_be_bytes());
    let call_id = Message::parse(content).ok();
    let call_id = call_id
        .as_ref()
        .and_then(|message| message.value(Name::CallId));
    if let Some(call_id) = call_id.filter(|it| it.len() <= LONGEST_CALL_ID) {
        put(CORRELATION, call_id.as_bytes());
    }
    put(PAYLOAD, &content[..content.len().min(LONGEST)]);
    let length = (packet.len() as u16).to_be_bytes();
    packet[4..6].copy_from_slice(&length);
    Some(packet)
}

/// The vendor of the chunks that everybody knows.
const GENERIC: u16 = 0;

const FAMILY: u16 = 0x0001;
const PROTOCOL: u16 = 0x0002;
const SOURCE_V4: u16 = 0x0003;
const TARGET_V4: u16 = 0x0004;
const SOURCE_V6: u16 = 0x0005;
const TARGET_V6: u16 = 0x0006;
const SOURCE_PORT: u16 = 0x0007;
const TARGET_PORT: u16 = 0x0008;
const SECONDS: u16 = 0x0009;
const MICROS: u16 = 0x000a;
const PAYLOAD_KIND: u16 = 0x000b;
const CAPTURE_ID: u16 = 0x000c;
const PAYLOAD: u16 = 0x000f;
const CORRELATION: u16 = 0x0011;

/// The address families as the specification numbers them.
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
/// The protocol number of UDP.
const UDP: u8 = 17;
/// The payload is SIP.
const SIP: u8 = 1;

/// A longer Call-ID correlates nothing that is worth the room.
const LONGEST_CALL_ID: usize = 512;

/// With all other chunks it fits into a datagram.
const LONGEST: usize = 64_000;
