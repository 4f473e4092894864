//! One Proxy Set: its members in order, the current one, and whether it is online (rules P1, P6,
//! P8).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Change;
use super::keepalive::{Health, Limits, Pulse, Rhythm};
use super::names::Name;
use crate::config::{KeepAlive, LoadBalancing, ProxySet, Redundancy};
use crate::cx::{Armed, TransactionId};
use crate::effect::SocketId;
use crate::pace::{Pace, RegistrarId};
use crate::time::{Duration, Instant};

/// One Proxy Set in use.
#[derive(Debug)]
pub(super) struct Set {
    pub(super) config: Arc<ProxySet>,
    pub(super) socket: SocketId,
    pub(super) members: Vec<Member>,
    /// Registrars that are not in the list, and hold a binding.
    pub(super) strays: Vec<Member>,
    pub(super) names: Vec<Name>,
    /// The current member, unless requests are shared among all (rule P6).
    pub(super) current: Option<RegistrarId>,
    /// The last member that had its turn in round robin.
    turn: Option<RegistrarId>,
    /// How many bindings a registrar holds, in the list or not.
    bound: BTreeMap<RegistrarId, u32>,
    /// What was said of the set as a whole (rule S13).
    pub(super) verdict: Option<bool>,
    /// Probes that nobody waits for any more.
    pub(super) abandoned: Vec<TransactionId>,
    pub(super) news: News,
    pub(super) timer: Armed,
    /// How much chance was drawn.
    pub(super) draws: u64,
    /// Whether it stands in the line of those to be looked after.
    pub(super) is_touched: bool,
    /// Whether it is no longer configured.
    pub(super) is_gone: bool,
    /// How many Accounts use it.
    pub(super) users: u32,
}

/// An address of a set.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) registrar: RegistrarId,
    /// The name that it was found by.
    pub(super) name: Option<Arc<str>>,
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) pulse: Pulse,
}

/// What the status does not show yet.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct News {
    /// Whether there is any.
    pub(super) is_any: bool,
    /// Whether it is told at once.
    pub(super) is_urgent: bool,
    /// When it was told last.
    pub(super) told: Option<Instant>,
}

/// A set has so many members at most (rule P1).
const MEMBERS: usize = 50;

impl Member {
    fn new(registrar: RegistrarId) -> Self {
        Self {
            registrar,
            name: None,
            priority: 0,
            weight: 0,
            pulse: Pulse::default(),
        }
    }
}

impl Set {
    /// A set with its members, as far as they need not be looked up.
    pub(super) fn new(config: &Arc<ProxySet>, socket: SocketId, pace: &mut Pace) -> Self {
        let mut set = Self {
            config: Arc::clone(config),
            socket,
            members: Vec::new(),
            strays: Vec::new(),
            names: Name::all(config),
            current: None,
            turn: None,
            bound: BTreeMap::new(),
            verdict: None,
            abandoned: Vec::new(),
            news: News::default(),
            timer: Armed::default(),
            draws: 0,
            is_touched: false,
            is_gone: false,
            users: 0,
        };
        set.relist(pace);
        set
    }

    /// Another configuration of the set is in force. What is known of members that stay is kept.
    pub(super) fn reconfigure(
        &mut self,
        config: &Arc<ProxySet>,
        socket: SocketId,
        pace: &mut Pace,
    ) -> Vec<Change> {
        let mut before = std::mem::replace(&mut self.names, Name::all(config));
        for name in &mut self.names {
            name.inherit(&mut before);
        }
        self.config = Arc::clone(config);
        let is_elsewhere = self.socket != socket;
        if is_elsewhere {
            self.change_socket(socket, pace);
        }
        self.news.is_urgent = true;
        if config.keep_alive == KeepAlive::Disable {
            // Nobody would ever find that it is back (rule P4).
            let members = self.members.iter_mut().chain(&mut self.strays);
            members.for_each(|member| member.pulse.forget_loss());
        }
        let mut changes = self.relist(pace);
        if is_elsewhere && !changes.contains(&Change::Listed) {
            changes.push(Change::Listed);
        }
        changes
    }

    /// Its traffic leaves from another socket. What is known of its members is what is known of
    /// their addresses (rule P8).
    fn change_socket(&mut self, socket: SocketId, pace: &mut Pace) {
        self.socket = socket;
        for member in self.members.iter_mut().chain(&mut self.strays) {
            self.abandoned.extend(member.pulse.flight.take());
            member.registrar = pace.moved(member.registrar, socket);
        }
        // Whoever holds a binding for the old socket is no member, and is not probed from the new.
        self.strays.clear();
        let moved = |id: RegistrarId, pace: &mut Pace| pace.moved(id, socket);
        self.current = self.current.map(|id| moved(id, pace));
        self.turn = self.turn.map(|id| moved(id, pace));
    }

    /// Whether nobody needs it any more.
    pub(super) fn is_unused(&self) -> bool {
        self.is_gone && self.users == 0
    }

    /// Every registrar that it knows.
    pub(super) fn registrars(&self) -> impl Iterator<Item = RegistrarId> + '_ {
        let watched = self.members.iter().chain(&self.strays);
        let bound = self.bound.keys().copied();
        let chosen = self.current.into_iter().chain(self.turn);
        watched.map(|it| it.registrar).chain(bound).chain(chosen)
    }

    /// It is no longer configured: nobody is probed or looked up. Its list stays for those that are
    /// on their way out.
    pub(super) fn retire(&mut self) {
        self.is_gone = true;
        self.news.is_urgent = true;
        self.names.clear();
        let watched = self.members.iter_mut().chain(&mut self.strays);
        let flights = watched.filter_map(|it| it.pulse.flight.take());
        self.abandoned.extend(flights);
    }

    /// Makes the list anew from the configuration and from what DNS said; each address once.
    pub(super) fn relist(&mut self, pace: &mut Pace) -> Vec<Change> {
        let mut before = std::mem::take(&mut self.members);
        let order_before: Vec<RegistrarId> = before.iter().map(|it| it.registrar).collect();
        let mut found = Vec::new();
        for (entry, proxy) in self.config.proxies.iter().enumerate() {
            if let Some(address) = proxy.address() {
                found.push((address, None, (proxy.priority, proxy.weight)));
                continue;
            }
            let name = self.names.iter().find(|name| name.entry == entry);
            for located in name.map(Name::located).unwrap_or_default() {
                let weight = match located.weight {
                    0 => proxy.weight,
                    weight => weight,
                };
                let host = match &proxy.host {
                    crate::config::Host::Name(name) => Some(Arc::clone(name)),
                    crate::config::Host::Ip(_) => None,
                };
                found.push((located.address, host, (proxy.priority, weight)));
            }
        }
        for (address, name, (priority, weight)) in found {
            let registrar = pace.registrar(self.socket, address);
            let is_listed = self.members.iter().any(|it| it.registrar == registrar);
            if is_listed || self.members.len() == MEMBERS {
                continue;
            }
            let is_it = |it: &Member| it.registrar == registrar;
            let known = before.iter().position(is_it).map(|at| before.remove(at));
            let stray = self.strays.iter().position(is_it);
            let known = known.or_else(|| stray.map(|at| self.strays.swap_remove(at)));
            self.members.push(Member {
                name,
                priority,
                weight,
                ..known.unwrap_or_else(|| Member::new(registrar))
            });
        }
        let mut changes: Vec<Change> = before.iter().map(|it| Change::Left(it.registrar)).collect();
        for gone in before {
            pace.rest(gone.registrar);
            if self.bound.contains_key(&gone.registrar) {
                self.strays.push(gone);
            } else {
                self.abandoned.extend(gone.pulse.flight);
            }
        }
        if !self.members.iter().map(|it| it.registrar).eq(order_before) {
            changes.push(Change::Listed);
            self.news.is_urgent = true;
        }
        changes
    }

    /// A binding is held by this registrar now.
    pub(super) fn on_bound(&mut self, registrar: RegistrarId) {
        *self.bound.entry(registrar).or_insert(0) += 1;
        self.news.is_any = true;
        if self.watched_mut(registrar).is_none() {
            self.strays.push(Member::new(registrar));
        }
    }

    /// A binding is no longer held.
    pub(super) fn on_unbound(&mut self, registrar: RegistrarId) {
        self.news.is_any = true;
        let Some(count) = self.bound.get_mut(&registrar) else {
            return;
        };
        *count -= 1;
        if *count > 0 {
            return;
        }
        self.bound.remove(&registrar);
        let stray = self.strays.iter().position(|it| it.registrar == registrar);
        if let Some(place) = stray {
            let gone = self.strays.swap_remove(place);
            self.abandoned.extend(gone.pulse.flight);
        }
    }

    /// How many bindings a registrar holds.
    pub(super) fn bound_at(&self, registrar: RegistrarId) -> u32 {
        self.bound.get(&registrar).copied().unwrap_or(0)
    }

    /// A registrar that is in the list, or holds a binding.
    pub(super) fn watched_mut(&mut self, registrar: RegistrarId) -> Option<&mut Member> {
        let mut watched = self.members.iter_mut().chain(&mut self.strays);
        watched.find(|it| it.registrar == registrar)
    }

    pub(super) fn is_monitored(&self) -> bool {
        self.config.keep_alive != KeepAlive::Disable
    }

    /// Whether it goes back to its best member as soon as that is online. It takes keep-alive by
    /// OPTIONS.
    pub(super) fn is_homing(&self) -> bool {
        let config = &self.config;
        config.redundancy == Redundancy::Homing && config.keep_alive == KeepAlive::Options
    }

    fn usable<'a>(&'a self, pace: &'a Pace) -> impl Iterator<Item = &'a Member> + Clone + 'a {
        let is_usable = |it: &&Member| !it.pulse.is_offline() && !pace.get(it.registrar).suspect;
        self.members.iter().filter(is_usable)
    }

    /// Finds the current member anew. Whether it is another one.
    pub(super) fn elect(&mut self, pace: &Pace) -> bool {
        let parks = !self.is_homing();
        let mut usable = self.usable(pace).map(|it| it.registrar);
        let current = match self.config.load_balancing {
            LoadBalancing::None => {
                let stays = usable.clone().find(|id| parks && Some(*id) == self.current);
                stays.or_else(|| usable.next())
            }
            LoadBalancing::RoundRobin | LoadBalancing::RandomWeights => None,
        };
        drop(usable);
        std::mem::replace(&mut self.current, current) != current
    }

    pub(super) fn choose(
        &mut self,
        pace: &Pace,
        is_excluded: impl Fn(RegistrarId) -> bool,
        draw: impl FnOnce() -> u64,
    ) -> Option<RegistrarId> {
        let mut open = self.usable(pace).filter(|it| !is_excluded(it.registrar));
        match self.config.load_balancing {
            LoadBalancing::None => {
                let current = self.current.filter(|id| !is_excluded(*id));
                current.or_else(|| open.next().map(|it| it.registrar))
            }
            LoadBalancing::RoundRobin => {
                let is_turn = |it: &Member| Some(it.registrar) == self.turn;
                let behind = self.members.iter().position(is_turn).map_or(0, |at| at + 1);
                let place = |id| self.members.iter().position(|it| it.registrar == id);
                let open: Vec<RegistrarId> = open.map(|it| it.registrar).collect();
                let next = open.iter().find(|id| place(**id) >= Some(behind));
                let turn = next.or_else(|| open.first()).copied();
                self.turn = turn.or(self.turn);
                turn
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

    /// Whether the set is online, once that is known (rules P6, S13).
    pub(super) fn judge(&self) -> Option<bool> {
        if !self.is_monitored() {
            return None;
        }
        let wanted = match self.config.load_balancing {
            LoadBalancing::None => 1,
            LoadBalancing::RoundRobin | LoadBalancing::RandomWeights => {
                usize::from(self.config.min_active_servers.max(1))
            }
        };
        let online = self.members.iter().filter(|it| !it.pulse.is_offline());
        let alive = self.members.iter().filter(|it| it.pulse.is_alive());
        let is_listed = self.names.iter().all(Name::has_ended);
        match (alive.count() >= wanted, online.count() >= wanted) {
            (true, _) => Some(true),
            (false, false) if is_listed || self.verdict.is_some() => Some(false),
            // Those that were not probed yet leave it as it is.
            (false, _) => self.verdict,
        }
    }

    /// Who is to be probed when (rule P3). `registration_time` is the distance of mode `register`.
    pub(super) fn probes(
        &self,
        registration_time: Duration,
        limits: Limits,
    ) -> impl Iterator<Item = (RegistrarId, Instant)> + '_ {
        let secs = |secs: u32| Duration::from_secs(secs.into());
        let usual = match self.config.keep_alive {
            KeepAlive::Register => registration_time,
            KeepAlive::Disable
            | KeepAlive::Options
            | KeepAlive::OptionsOnActive
            | KeepAlive::FakeRegister => secs(self.config.keep_alive_secs),
        };
        let recovering = secs(self.config.success_detection_interval_secs);
        let is_for_all = match self.config.keep_alive {
            KeepAlive::Disable => false,
            KeepAlive::Options | KeepAlive::FakeRegister => true,
            KeepAlive::OptionsOnActive | KeepAlive::Register => {
                let is_shared = self.config.load_balancing != LoadBalancing::None;
                is_shared || self.members.iter().all(|it| it.pulse.is_offline())
            }
        };
        let members = self.members.iter().map(move |member| {
            let is_current = self.current == Some(member.registrar);
            (member, is_for_all || is_current)
        });
        let strays = self.strays.iter().map(|stray| (stray, false));
        let is_probed = |member: &Member| self.is_monitored() || member.pulse.is_asked();
        let watched = members.chain(strays);
        let watched = watched.filter(move |(member, _)| is_probed(member));
        watched.filter_map(move |(member, is_wanted)| {
            let rhythm = Rhythm {
                usual,
                recovering,
                is_wanted,
                is_bound: self.bound_at(member.registrar) > 0,
            };
            let due = member.pulse.due(rhythm, limits)?;
            Some((member.registrar, due))
        })
    }

    /// What a good answer needs to bring an offline member back (rule P4).
    pub(super) fn recovery(&self) -> (u8, Duration) {
        let apart = self.config.success_detection_interval_secs;
        (
            self.config.success_detection_retries,
            Duration::from_secs(apart.into()),
        )
    }

    /// What is wrong with its names, for people.
    pub(super) fn trouble(&self) -> Option<String> {
        let troubles: Vec<String> = self.names.iter().filter_map(Name::trouble).collect();
        (!troubles.is_empty()).then(|| troubles.join("; "))
    }

    /// Its members as the status shows them.
    pub(super) fn views<'a>(&'a self, pace: &'a Pace) -> impl Iterator<Item = MemberView<'a>> + 'a {
        self.members.iter().map(|member| MemberView {
            address: pace.get(member.registrar).address,
            name: member.name.as_ref(),
            priority: member.priority,
            weight: member.weight,
            health: member.pulse.word(),
            since: member.pulse.since(),
            round_trip: member.pulse.round_trip(),
            bound: self.bound_at(member.registrar),
            is_current: self.current == Some(member.registrar),
        })
    }
}

/// What the status shows of a member (rule P5).
#[derive(Clone, Debug)]
pub struct MemberView<'a> {
    /// Its address.
    pub address: SocketAddr,
    /// The name that it was found by, if it was.
    pub name: Option<&'a Arc<str>>,
    /// 0 is best.
    pub priority: u16,
    /// Share among equals.
    pub weight: u16,
    /// The word for it.
    pub health: Health,
    /// Since when that holds.
    pub since: Instant,
    /// How long its last answer took.
    pub round_trip: Option<Duration>,
    /// How many bindings it holds.
    pub bound: u32,
    /// Whether it is the current member.
    pub is_current: bool,
}
