//! One block of memory that holds the last records: what is new goes over what is oldest.
//!
//! A record is found by its *place*, the number of bytes written before it since the start. A place
//! never comes again, so that whoever remembers one is told when its record is gone.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The records, in one piece.
pub(super) struct Ring {
    bytes: Box<[u8]>,
    /// Where the next record is written.
    head: u64,
    /// Where the oldest record is, or would be.
    tail: u64,
    /// Records ever written, and those that are gone.
    written: u64,
    gone: u64,
}

/// What a record is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A message that came in.
    Received,
    /// A message that went out.
    Sent,
    /// Something that happened, in words.
    Note,
}

/// What is known of a record besides its content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Head {
    /// The number of the record among those of all rings.
    pub(super) number: u64,
    /// The place of the record before this one of the same party, or [`NOWHERE`].
    pub(super) previous: u64,
    /// When, in microseconds since 1970.
    pub(super) at: i64,
    /// The number of its party.
    pub(super) party: u32,
    /// What it is.
    pub(super) kind: Kind,
    /// Our address and the other one; port 0 where there is none.
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
}

impl Ring {
    /// An empty ring of so many bytes, which are taken from the system as they are used.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity / ALIGNMENT * ALIGNMENT].into_boxed_slice(),
            head: 0,
            tail: 0,
            written: 0,
            gone: 0,
        }
    }

    /// Writes a record and says where. `on_gone` hears of each record that had to go: its place and
    /// its party. A record that could never fit is left out.
    pub(super) fn push(
        &mut self,
        head: &Head,
        content: &[u8],
        mut on_gone: impl FnMut(u64, u32),
    ) -> Option<u64> {
        let size = (HEAD + content.len()).next_multiple_of(ALIGNMENT);
        if size > self.bytes.len() {
            return None;
        }
        let mut at = self.offset(self.head);
        let rest = self.bytes.len() - at;
        if size > rest {
            // A record stands in one piece, so the last bytes stay unused.
            self.make_room(rest, &mut on_gone);
            self.bytes[at..at + 4].copy_from_slice(&SKIP.to_le_bytes());
            self.head += rest as u64;
            at = 0;
        }
        self.make_room(size, &mut on_gone);
        let place = self.head;
        self.bytes[at..at + HEAD].copy_from_slice(&encode(head, content.len()));
        self.bytes[at + HEAD..at + HEAD + content.len()].copy_from_slice(content);
        self.head += size as u64;
        self.written += 1;
        Some(place)
    }

    /// The record at a place, if it is still there.
    pub(super) fn at(&self, place: u64) -> Option<(Head, &[u8])> {
        let (at, length) = self.find(place)?;
        let head = decode(self.bytes.get(at..at + HEAD)?)?;
        let content = self.bytes.get(at + HEAD..at + HEAD + length)?;
        Some((head, content))
    }

    /// The first place at or behind this one where a record is, and the place behind that record.
    pub(super) fn next(&self, place: u64) -> Option<(u64, u64)> {
        let mut place = place.max(self.tail);
        if place >= self.head {
            return None;
        }
        if self.length(self.offset(place)) == SKIP {
            place += (self.bytes.len() - self.offset(place)) as u64;
        }
        let (_, length) = self.find(place)?;
        let size = (HEAD + length).next_multiple_of(ALIGNMENT);
        Some((place, place + size as u64))
    }

    /// Where the next record will be.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// How many records were ever written.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// How many records are gone.
    pub(super) fn gone(&self) -> u64 {
        self.gone
    }

    /// Lets records go until so many bytes are free.
    fn make_room(&mut self, size: usize, on_gone: &mut impl FnMut(u64, u32)) {
        let capacity = self.bytes.len() as u64;
        while self.head + size as u64 > self.tail + capacity {
            let at = self.offset(self.tail);
            let length = self.length(at);
            if length == SKIP {
                self.tail += (self.bytes.len() - at) as u64;
                continue;
            }
            let party = self.bytes[at + PARTY..].first_chunk().copied();
            on_gone(self.tail, party.map_or(u32::MAX, u32::from_le_bytes));
            self.gone += 1;
            self.tail += (HEAD + length as usize).next_multiple_of(ALIGNMENT) as u64;
        }
    }

    fn find(&self, place: u64) -> Option<(usize, usize)> {
        let is_held = (self.tail..self.head).contains(&place);
        let at = self.offset(place);
        let length = self.length(at);
        (is_held && length != SKIP).then_some((at, length as usize))
    }

    fn offset(&self, place: u64) -> usize {
        (place % self.bytes.len().max(1) as u64) as usize
    }

    /// The length of the content of the record at an offset, or [`SKIP`].
    fn length(&self, at: usize) -> u32 {
        let length = self.bytes.get(at..).and_then(<[u8]>::first_chunk);
        length.copied().map_or(SKIP, u32::from_le_bytes)
    }
}

fn encode(head: &Head, length: usize) -> [u8; HEAD] {
    let mut bytes = [0; HEAD];
    let mut put = |at: usize, piece: &[u8]| bytes[at..at + piece.len()].copy_from_slice(piece);
    put(0, &(length as u32).to_le_bytes());
    put(PARTY, &head.party.to_le_bytes());
    put(8, &head.number.to_le_bytes());
    put(16, &head.previous.to_le_bytes());
    put(24, &head.at.to_le_bytes());
    put(32, &octets(head.local));
    put(48, &octets(head.remote));
    put(64, &head.local.port().to_le_bytes());
    put(66, &head.remote.port().to_le_bytes());
    put(68, &[head.kind as u8, u8::from(head.local.is_ipv4())]);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Head> {
    let address = |at: usize, port: usize| {
        let octets = Ipv6Addr::from(*bytes.get(at..)?.first_chunk::<16>()?);
        let ip = match bytes.get(69)? {
            0 => IpAddr::V6(octets),
            _ => IpAddr::V4(octets.to_ipv4_mapped()?),
        };
        Some(SocketAddr::new(
            ip,
            u16::from_le_bytes(*bytes.get(port..)?.first_chunk()?),
        ))
    };
    let long = |at: usize| Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let kinds = [Kind::Received, Kind::Sent, Kind::Note];
    Some(Head {
        party: u32::from_le_bytes(*bytes.get(PARTY..)?.first_chunk()?),
        number: long(8)?,
        previous: long(16)?,
        at: long(24)?.cast_signed(),
        kind: *kinds.get(usize::from(*bytes.get(68)?))?,
        local: address(32, 64)?,
        remote: address(48, 66)?,
    })
}

fn octets(address: SocketAddr) -> [u8; 16] {
    match address.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    }
}

/// The address of what has none.
pub(super) const NO_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Where no record is.
pub(super) const NOWHERE: u64 = u64::MAX;

/// Bytes of a record before its content.
pub(super) const HEAD: usize = 72;

/// Where the party stands in them.
const PARTY: usize = 4;

/// Every record begins at a multiple of this, so that there is always room for [`SKIP`].
const ALIGNMENT: usize = 8;

/// In place of a length: the rest of the memory is unused.
const SKIP: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn head(number: u64) -> Head {
        Head {
            number,
            previous: NOWHERE,
            at: -5,
            party: number as u32,
            kind: Kind::Sent,
            local: "127.0.0.1:5070".parse().unwrap(),
            remote: "192.0.2.1:5060".parse().unwrap(),
        }
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let mut ring = Ring::new(1 << 12);
        let heads = [
            head(7),
            Head {
                kind: Kind::Note,
                previous: 0,
                at: i64::MAX,
                local: "[2001:db8::1]:1".parse().unwrap(),
                remote: "[::ffff:1.2.3.4]:65535".parse().unwrap(),
                ..head(8)
            },
        ];
        let places = heads.map(|head| {
            ring.push(&head, b"REGISTER", |_, _| panic!("there is room"))
                .unwrap()
        });
        for (head, place) in heads.into_iter().zip(places) {
            assert_eq!(ring.at(place), Some((head, &b"REGISTER"[..])));
        }
        assert_eq!(ring.at(ring.head()), None);
    }

    #[test]
    fn what_cannot_fit_is_left_out_and_nothing_is_lost_for_it() {
        let mut ring = Ring::new(1 << 10);
        ring.push(&head(1), b"one", |_, _| {}).unwrap();
        let long = vec![0; (1 << 10) - HEAD + 1];
        assert_eq!(ring.push(&head(2), &long, |_, _| panic!("it stays")), None);
        let long = vec![0; (1 << 10) - HEAD];
        let mut gone = Vec::new();
        ring.push(&head(3), &long, |place, party| gone.push((place, party)))
            .unwrap();
        assert_eq!(gone, [(0, 1)]);
        assert_eq!(Ring::new(0).push(&head(1), b"", |_, _| {}), None);
    }

    /// Whatever is pushed, the ring holds the newest records, whole and in order, and says exactly
    /// once of each other one that it is gone.
    #[test]
    fn the_oldest_goes_first_whatever_the_sizes() {
        for seed in 0..50 {
            let seed = Seed::from_number(seed);
            let mut ring = Ring::new(4_000);
            let mut held: Vec<(u64, u32, Vec<u8>)> = Vec::new();
            for number in 0..400_u32 {
                let draw = seed.draw(1, number.into()).number();
                let content = vec![number as u8; (draw % 900) as usize];
                let mut gone = Vec::new();
                let place = ring
                    .push(&head(number.into()), &content, |place, party| {
                        gone.push((place, party));
                    })
                    .unwrap();
                for (index, one) in gone.into_iter().enumerate() {
                    assert_eq!(one, (held[index].0, held[index].1));
                    assert!(ring.at(one.0).is_none());
                }
                held.push((place, number, content));
                held.drain(..held.len() - (ring.written() - ring.gone()) as usize);
                let mut at = 0;
                let mut read = Vec::new();
                while let Some((place, behind)) = ring.next(at) {
                    let (head, content) = ring.at(place).unwrap();
                    read.push((place, head.party, content.to_vec()));
                    at = behind;
                }
                assert_eq!(read, held);
                assert!(number < 5 || held.len() > 2, "it holds less than it could");
            }
        }
    }
}
