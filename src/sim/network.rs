//! Wires that lose, delay, double and reorder datagrams, addresses where nobody listens, and a NAT.
//!
//! It knows addresses and chance. It carries nothing itself: it says when, where and as coming from
//! whom a datagram arrives. The same seed and the same questions give the same answers.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use crate::rng::Seed;
use crate::time::{Duration, Instant};

/// What one direction of a wire does to datagrams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Path {
    /// How long each datagram takes.
    pub latency: Duration,
    /// Up to so much more, drawn for each.
    pub jitter: Duration,
    /// So many of a hundred are lost.
    pub loss_percent: u8,
    /// So many of a hundred arrive twice.
    pub duplicate_percent: u8,
    /// So many of a hundred are held back by [`Path::held_back`], so that later ones overtake them.
    pub reorder_percent: u8,
    /// How long a reordered datagram is held back.
    pub held_back: Duration,
    /// Every so-manieth datagram is lost; 0 is none.
    pub drop_every: u32,
    /// Nothing passes.
    pub cut: bool,
}

impl Default for Path {
    /// A clean wire of 10 ms.
    fn default() -> Self {
        Self {
            latency: Duration::from_millis(10),
            jitter: Duration::ZERO,
            loss_percent: 0,
            duplicate_percent: 0,
            reorder_percent: 0,
            held_back: Duration::from_millis(200),
            drop_every: 0,
            cut: false,
        }
    }
}

/// The wire to one remote address.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Link {
    /// From us.
    pub out: Path,
    /// To us.
    pub back: Path,
    /// Nobody listens there: the datagram comes back as an ICMP error.
    pub closed: bool,
}

/// What becomes of a datagram.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fate {
    /// It arrives, once for each instant; none means that it is lost.
    Arrives {
        /// The source that the receiver sees.
        from: SocketAddr,
        /// The receiver.
        to: SocketAddr,
        /// When.
        at: Vec<Instant>,
    },
    /// Nobody listens at the remote address; the sender hears of it then.
    Refused {
        /// When.
        at: Instant,
    },
}

/// All wires between our local addresses and the remote ones.
#[derive(Debug)]
pub struct Network {
    seed: Seed,
    draws: u64,
    usual: Link,
    links: BTreeMap<SocketAddr, Link>,
    passed: BTreeMap<(SocketAddr, bool), u32>,
    nat: Option<Nat>,
}

/// A NAT between us and everybody else.
#[derive(Debug)]
struct Nat {
    public: IpAddr,
    next_port: u16,
    outside: BTreeMap<SocketAddr, SocketAddr>,
    inside: BTreeMap<SocketAddr, SocketAddr>,
}

/// The owner of the network's draws; Accounts count from 0.
const OWNER: u64 = u64::MAX;
/// The first port that the NAT gives away.
const FIRST_NAT_PORT: u16 = 40_001;

impl Network {
    /// Clean wires of 10 ms to everywhere.
    pub fn new(seed: Seed) -> Self {
        Self {
            seed,
            draws: 0,
            usual: Link::default(),
            links: BTreeMap::new(),
            passed: BTreeMap::new(),
            nat: None,
        }
    }

    /// The wire to every remote address that has none of its own.
    pub fn usual(&mut self) -> &mut Link {
        &mut self.usual
    }

    /// The wire to this remote address; from now on it is one of its own.
    pub fn link(&mut self, remote: SocketAddr) -> &mut Link {
        self.links.entry(remote).or_insert(self.usual)
    }

    /// Puts a NAT with this public address before us, and forgets what an earlier one knew: a
    /// second call with the same address is a NAT that lost its table and gives other ports.
    pub fn put_behind_nat(&mut self, public: IpAddr) {
        let next_port = self
            .nat
            .as_ref()
            .map_or(FIRST_NAT_PORT, |nat| nat.next_port);
        self.nat = Some(Nat {
            public,
            next_port,
            outside: BTreeMap::new(),
            inside: BTreeMap::new(),
        });
    }

    /// What becomes of a datagram of ours.
    pub fn carry_out(&mut self, now: Instant, local: SocketAddr, remote: SocketAddr) -> Fate {
        let link = self.link_to(remote);
        if link.closed {
            return Fate::Refused {
                at: now + link.out.latency,
            };
        }
        let from = self.nat.as_mut().map_or(local, |nat| nat.leave(local));
        Fate::Arrives {
            from,
            to: remote,
            at: self.pass(now, &link.out, (remote, true)),
        }
    }

    /// What becomes of a datagram to us. `seen` is our address as the remote side knows it.
    pub fn carry_back(&mut self, now: Instant, remote: SocketAddr, seen: SocketAddr) -> Fate {
        let link = self.link_to(remote);
        let (to, at) = match self.nat.as_ref().map(|nat| nat.enter(seen)) {
            None => (seen, self.pass(now, &link.back, (remote, false))),
            Some(Some(local)) => (local, self.pass(now, &link.back, (remote, false))),
            Some(None) => (seen, Vec::new()),
        };
        Fate::Arrives {
            from: remote,
            to,
            at,
        }
    }

    fn link_to(&self, remote: SocketAddr) -> Link {
        self.links.get(&remote).copied().unwrap_or(self.usual)
    }

    /// The instants at which a datagram that leaves now arrives.
    fn pass(&mut self, now: Instant, path: &Path, direction: (SocketAddr, bool)) -> Vec<Instant> {
        if path.cut {
            return Vec::new();
        }
        if path.drop_every > 0 {
            let passed = self.passed.entry(direction).or_insert(0);
            *passed += 1;
            if passed.is_multiple_of(path.drop_every) {
                return Vec::new();
            }
        }
        if *path == clean(path.latency) {
            return vec![now + path.latency];
        }
        self.draws += 1;
        let mut draw = self.seed.draw(OWNER, self.draws);
        let mut happens = |percent: u8| draw.below(100) < u64::from(percent);
        if happens(path.loss_percent) {
            return Vec::new();
        }
        let copies = 1 + usize::from(happens(path.duplicate_percent));
        let held = if happens(path.reorder_percent) {
            path.held_back
        } else {
            Duration::ZERO
        };
        (0..copies)
            .map(|_| now + path.latency + held + draw.between(Duration::ZERO, path.jitter))
            .collect()
    }
}

impl Nat {
    /// The public address of a local one.
    fn leave(&mut self, local: SocketAddr) -> SocketAddr {
        if let Some(known) = self.outside.get(&local) {
            return *known;
        }
        let public = SocketAddr::new(self.public, self.next_port);
        self.next_port = self.next_port.checked_add(1).unwrap_or(FIRST_NAT_PORT);
        self.outside.insert(local, public);
        self.inside.insert(public, local);
        public
    }

    /// The local address behind a public one.
    fn enter(&self, public: SocketAddr) -> Option<SocketAddr> {
        self.inside.get(&public).copied()
    }
}

/// A path that only takes time.
fn clean(latency: Duration) -> Path {
    Path {
        latency,
        ..Path::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: &str = "10.0.0.2:5060";
    const REMOTE: &str = "10.0.0.1:5060";

    #[test]
    fn a_clean_wire_takes_its_time_and_nothing_else() {
        let mut network = Network::new(Seed::from_number(1));
        assert_eq!(out(&mut network, 5), vec![Instant::from_millis(15)]);
    }

    #[test]
    fn a_cut_in_one_direction_leaves_the_other_open() {
        let mut network = Network::new(Seed::from_number(1));
        network.link(address(REMOTE)).out.cut = true;
        assert_eq!(out(&mut network, 0), vec![]);
        let back = network.carry_back(Instant::ZERO, address(REMOTE), address(LOCAL));
        assert!(matches!(back, Fate::Arrives { at, .. } if at.len() == 1));
    }

    #[test]
    fn a_closed_port_refuses_after_one_way() {
        let mut network = Network::new(Seed::from_number(1));
        network.link(address(REMOTE)).closed = true;
        let fate = network.carry_out(Instant::ZERO, address(LOCAL), address(REMOTE));
        let at = Instant::from_millis(10);
        assert_eq!(fate, Fate::Refused { at });
    }

    #[test]
    fn chance_comes_from_the_seed_alone() {
        let run = |seed| {
            let mut network = Network::new(Seed::from_number(seed));
            let link = network.link(address(REMOTE));
            link.out.loss_percent = 30;
            link.out.duplicate_percent = 30;
            link.out.jitter = Duration::from_millis(7);
            (0..100).map(|i| out(&mut network, i)).collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        assert!(run(3).iter().any(Vec::is_empty));
        assert!(run(3).iter().any(|arrivals| arrivals.len() == 2));
    }

    #[test]
    fn a_nat_maps_both_ways_and_gives_other_ports_when_it_forgets() {
        let mut network = Network::new(Seed::from_number(1));
        let public = "203.0.113.9".parse().expect("an address");
        network.put_behind_nat(public);
        let seen = source(&mut network);
        assert_eq!(seen, SocketAddr::new(public, 40_001));
        let back = network.carry_back(Instant::ZERO, address(REMOTE), seen);
        assert!(matches!(back, Fate::Arrives { to, .. } if to == address(LOCAL)));
        network.put_behind_nat(public);
        let lost = network.carry_back(Instant::ZERO, address(REMOTE), seen);
        assert!(matches!(lost, Fate::Arrives { at, .. } if at.is_empty()));
        assert_eq!(source(&mut network), SocketAddr::new(public, 40_002));
    }

    #[test]
    fn every_third_datagram_is_dropped_when_asked() {
        let mut network = Network::new(Seed::from_number(1));
        network.link(address(REMOTE)).out.drop_every = 3;
        let lost: Vec<bool> = (0..6).map(|i| out(&mut network, i).is_empty()).collect();
        assert_eq!(lost, [false, false, true, false, false, true]);
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn out(network: &mut Network, ms: u64) -> Vec<Instant> {
        match network.carry_out(Instant::from_millis(ms), address(LOCAL), address(REMOTE)) {
            Fate::Arrives { at, .. } => at,
            Fate::Refused { .. } => panic!("refused"),
        }
    }

    fn source(network: &mut Network) -> SocketAddr {
        match network.carry_out(Instant::ZERO, address(LOCAL), address(REMOTE)) {
            Fate::Arrives { from, .. } => from,
            Fate::Refused { .. } => panic!("refused"),
        }
    }
}
