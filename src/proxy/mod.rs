//! What we know about the members of a Proxy Set, and which of them is worth trying.
//!
//! It knows the set's order and which members left a request unanswered. It does not know who uses
//! the set. Its invariant: members stand in the set's order, priority first, then as written.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::config::{KeepAlive, LoadBalancing, ProxySet, Redundancy, SipInterface};
use crate::cx::{Armed, Cx, Ended};
use crate::effect::{SetId, SocketId};
use crate::pace::{Pace, RegistrarId};
use crate::time::{Duration, Instant};

/// One Proxy Set in use.
#[derive(Debug)]
struct Set {
    config: Arc<ProxySet>,
    socket: SocketId,
    members: Vec<Member>,
    /// The current member of a set that parks (rule P6).
    current: Option<RegistrarId>,
    /// The last member that had its turn in round robin.
    turn: Option<RegistrarId>,
    timer: Armed,
}

/// An address of a set.
#[derive(Debug)]
struct Member {
    registrar: RegistrarId,
    weight: u16,
    is_offline: bool,
}

/// How a probe ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Probed {
    /// With this status code.
    Answered(u16),
    /// Without an answer.
    Silent,
    /// By an ICMP error.
    Unreachable,
}

/// What is new about a set, for the Accounts that use it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    /// A member is offline (rule P4).
    Offline(RegistrarId),
    /// A member is online again.
    Online(RegistrarId),
    /// A member is no longer in the list (rule S5).
    Left(RegistrarId),
    /// The list is another one, or the first.
    Listed,
    /// The set as a whole is online or offline, or that is known for the first time (rule S13).
    Verdict,
}

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

/// All Proxy Sets and SIP Interfaces of an engine.
#[derive(Default, Debug)]
pub struct Proxies {
    sets: Vec<Set>,
    set_names: BTreeMap<Arc<str>, SetId>,
    sockets: Vec<Socket>,
    socket_names: BTreeMap<Arc<str>, SocketId>,
    changes: VecDeque<(SetId, Change)>,
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

    /// The Proxy Set, with its members known to `pace`.
    pub fn set(&mut self, set: &Arc<ProxySet>, pace: &mut Pace) -> SetId {
        if let Some(id) = self.set_names.get(&set.name) {
            return *id;
        }
        let (socket, _) = self.socket(&set.sip_interface);
        let addresses = set.proxies.iter();
        let members = addresses
            .filter_map(|proxy| Some((proxy.address()?, proxy)))
            .map(|(address, proxy)| Member {
                registrar: pace.registrar(socket, address),
                weight: proxy.weight,
                is_offline: false,
            })
            .collect();
        let id = SetId(self.sets.len() as u32);
        self.sets.push(Set {
            config: Arc::clone(set),
            socket,
            members,
            current: None,
            turn: None,
            timer: Armed::default(),
        });
        self.set_names.insert(Arc::clone(&set.name), id);
        id
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

    /// The socket that a set's traffic leaves from.
    pub fn socket_of_set(&self, set: SetId) -> SocketId {
        self.sets[set.0 as usize].socket
    }

    fn get(&self, set: SetId) -> &Set {
        &self.sets[set.0 as usize]
    }

    /// A set's configuration.
    pub fn config_of(&self, set: SetId) -> &Arc<ProxySet> {
        &self.get(set).config
    }

    /// A set's members in its order.
    pub fn members(&self, set: SetId) -> impl Iterator<Item = RegistrarId> + Clone + '_ {
        self.get(set).members.iter().map(|member| member.registrar)
    }

    /// Whether this registrar is in the list.
    pub fn is_member(&self, set: SetId, registrar: RegistrarId) -> bool {
        self.members(set).any(|member| member == registrar)
    }

    /// Whether a member is online: not known to be offline (rule P4). Without keep-alive all are.
    pub fn is_online(&self, set: SetId, registrar: RegistrarId) -> bool {
        let mut members = self.get(set).members.iter();
        members.any(|member| member.registrar == registrar && !member.is_offline)
    }

    /// Whether a member is online and has not left a request unanswered since it was last heard.
    pub fn is_usable(&self, set: SetId, registrar: RegistrarId, pace: &Pace) -> bool {
        self.is_online(set, registrar) && !pace.get(registrar).suspect
    }

    /// Whether any member is usable and not excluded.
    pub fn has_usable(
        &self,
        set: SetId,
        pace: &Pace,
        is_excluded: impl Fn(RegistrarId) -> bool,
    ) -> bool {
        let mut members = self.members(set);
        members.any(|id| !is_excluded(id) && self.is_usable(set, id, pace))
    }

    /// Whether the set goes back to its best member as soon as that is online (rule P6). It takes
    /// keep-alive by OPTIONS.
    pub fn is_homing(&self, set: SetId) -> bool {
        let config = self.config_of(set);
        config.redundancy == Redundancy::Homing && config.keep_alive == KeepAlive::Options
    }

    /// Whether a set as a whole is online; `None` while that is not known (rules P6, S13).
    pub fn is_set_online(&self, _set: SetId) -> Option<bool> {
        None
    }

    /// The member that the next REGISTER goes to by rule P6, among those that are online, not
    /// suspect and not excluded. `draw` is chance, for random weights.
    pub fn current(
        &mut self,
        set: SetId,
        pace: &Pace,
        is_excluded: impl Fn(RegistrarId) -> bool,
        draw: impl FnOnce() -> u64,
    ) -> Option<RegistrarId> {
        self.sets[set.0 as usize].current(pace, is_excluded, draw)
    }

    /// What is tried when no member is left that is online: those that are not excluded, best
    /// first, one per attempt in turn, so the one behind `last` (rule P4). Without keep-alive,
    /// when all members are suspect, all are cleared.
    pub fn in_turn(
        &mut self,
        set: SetId,
        pace: &mut Pace,
        is_excluded: impl Fn(RegistrarId) -> bool,
        last: Option<RegistrarId>,
    ) -> Option<RegistrarId> {
        let set = self.get(set);
        if set.members.iter().all(|it| pace.get(it.registrar).suspect) {
            let members = set.members.iter();
            members.for_each(|it| pace.get_mut(it.registrar).suspect = false);
        }
        let order: Vec<RegistrarId> = set.members.iter().map(|it| it.registrar).collect();
        let is_last = |id: &RegistrarId| Some(*id) == last;
        let behind = order.iter().position(is_last).map_or(0, |at| at + 1);
        let turned = order[behind..].iter().chain(&order[..behind]);
        turned.copied().find(|id| !is_excluded(*id))
    }

    /// A binding of an Account is held by this member now.
    pub fn on_bound(&mut self, _set: SetId, _registrar: RegistrarId, _cx: &mut Cx) {}

    /// A binding is no longer held.
    pub fn on_unbound(&mut self, _set: SetId, _registrar: RegistrarId, _cx: &mut Cx) {}

    /// Names of a set are asked anew (rule S7).
    pub fn renew(&mut self, _set: SetId, _cx: &mut Cx) {}

    /// A registrar answered a REGISTER.
    pub fn on_answered(&mut self, _registrar: RegistrarId, _round_trip: Duration, _cx: &mut Cx) {}

    /// A registrar is silent as a whole, or cannot be reached: it is offline in every set that
    /// probes it (rule P4).
    pub fn on_lost(&mut self, _registrar: RegistrarId, _pace: &mut Pace, _cx: &mut Cx) {}

    /// A probe is over.
    pub fn on_probed(&mut self, _ended: &Ended, _how: Probed, _pace: &mut Pace, _cx: &mut Cx) {}

    /// A set's timer entry of this generation came due.
    pub fn on_timer(&mut self, set: SetId, generation: u32, _pace: &mut Pace, cx: &mut Cx) {
        let set = &mut self.sets[set.0 as usize];
        if !cx.timers.fired(&mut set.timer, generation) {
            return;
        }
    }

    /// Whether a set's timer entry of this generation is in force.
    pub fn is_in_force(&self, set: SetId, generation: u32) -> bool {
        let set = self.sets.get(set.0 as usize);
        set.is_some_and(|set| set.timer.is_in_force(generation))
    }

    /// What is new since the last call, in the order in which it happened.
    pub fn next_change(&mut self) -> Option<(SetId, Change)> {
        self.changes.pop_front()
    }

    /// Whether any member is not excluded.
    pub fn has_open(&self, set: SetId, is_excluded: impl Fn(RegistrarId) -> bool) -> bool {
        self.sets[set.0 as usize]
            .members
            .iter()
            .any(|it| !is_excluded(it.registrar))
    }

    /// Place of a registrar in the set's order, from 1.
    pub fn rank(&self, set: SetId, registrar: RegistrarId) -> Option<u16> {
        let place = self.sets[set.0 as usize]
            .members
            .iter()
            .position(|it| it.registrar == registrar)?;
        u16::try_from(place + 1).ok()
    }
}

impl Set {
    fn current(
        &mut self,
        pace: &Pace,
        is_excluded: impl Fn(RegistrarId) -> bool,
        draw: impl FnOnce() -> u64,
    ) -> Option<RegistrarId> {
        let is_usable = |it: &&Member| !it.is_offline && !pace.get(it.registrar).suspect;
        let usable = self.members.iter().filter(is_usable);
        let mut open = usable.clone().filter(|it| !is_excluded(it.registrar));
        match self.config.load_balancing {
            LoadBalancing::None => {
                let parks = match self.config.redundancy {
                    Redundancy::Parking => true,
                    Redundancy::Homing => self.config.keep_alive != KeepAlive::Options,
                };
                let stays = |it: &Member| parks && Some(it.registrar) == self.current;
                if !usable.clone().any(stays) {
                    self.current = usable.clone().next().map(|it| it.registrar);
                }
                let current = self.current.filter(|id| !is_excluded(*id));
                current.or_else(|| open.next().map(|it| it.registrar))
            }
            LoadBalancing::RoundRobin => {
                let is_turn = |it: &Member| Some(it.registrar) == self.turn;
                let behind = self.members.iter().position(is_turn).map_or(0, |at| at + 1);
                let place = |id| self.members.iter().position(|it| it.registrar == id);
                let open: Vec<RegistrarId> = open.map(|it| it.registrar).collect();
                let next = open.iter().find(|id| place(**id) >= Some(behind));
                self.turn = next.or(open.first()).copied();
                self.turn
            }
            LoadBalancing::RandomWeights => {
                // Without any weight all are equal (RFC 2782 gives no share to 0 beside others).
                let total: u64 = open.clone().map(|it| u64::from(it.weight)).sum();
                let count = open.clone().count() as u64;
                let (sum, share): (u64, fn(&Member) -> u64) = match total {
                    0 => (count, |_| 1),
                    total => (total, |it| it.weight.into()),
                };
                let mut left = draw().checked_rem(sum)?;
                let chosen = open.find(|it| match left.checked_sub(share(it)) {
                    None => true,
                    Some(rest) => {
                        left = rest;
                        false
                    }
                });
                chosen.map(|it| it.registrar)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ProxyAddress;

    fn set_of(ports: &[u16]) -> Arc<ProxySet> {
        let interface = Arc::new(SipInterface::new("outside", [127, 0, 0, 1].into(), 5070));
        let address = |port: &u16| ProxyAddress::at(SocketAddr::from(([127, 0, 0, 1], *port)));
        let proxies = ports.iter().map(address).collect();
        Arc::new(ProxySet::new("carrier", interface, proxies))
    }

    // rule P4
    #[test]
    fn a_suspect_member_is_chosen_last_and_when_all_are_suspect_all_are_cleared() {
        let (mut proxies, mut pace) = (Proxies::default(), Pace::default());
        let set = proxies.set(&set_of(&[5060, 5061]), &mut pace);
        let open = |_| false;
        let first = proxies.current(set, &pace, open, || 0).unwrap();
        assert_eq!(pace.get(first).address.port(), 5060);
        pace.on_silence(first, Instant::from_secs(32), Instant::ZERO);
        let second = proxies.current(set, &pace, open, || 0).unwrap();
        assert_eq!(pace.get(second).address.port(), 5061);
        pace.on_silence(second, Instant::from_secs(64), Instant::from_secs(32));
        assert_eq!(proxies.current(set, &pace, open, || 0), None);
        assert_eq!(proxies.in_turn(set, &mut pace, open, None), Some(first));
        assert!(!pace.get(second).suspect);
    }
}
