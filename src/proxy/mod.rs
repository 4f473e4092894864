//! What we know about the members of a Proxy Set, and which of them is worth trying (rules P1–P8).
//!
//! It knows the set's order, what DNS says of its names, and how its members answer: to probes that
//! it sends itself, and to REGISTERs as far as it is told. It does not know who uses the set. Its
//! invariant: members stand in the set's order, priority first, then as written; what is known of
//! one is kept as long as it is in the list or holds a binding.
//!
//! Handlers only take note, and [`Proxies::settle`] does what follows: asks, probes, judges, arms
//! the set's one timer. It is called after each input, for the sets that something happened to.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod keepalive;
mod names;
mod probe;
mod reload;
mod set;
mod settle;
mod socket;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

pub use keepalive::Health;
pub use set::MemberView;
pub use socket::Socket;

use crate::config::{ProxySet, Registration};
use crate::cx::{Cx, Ended, Party};
use crate::effect::{QuestionId, SetId, SocketId};
use crate::locate::Resolution;
use crate::pace::{Pace, RegistrarId};
use crate::rng::Draw;
use crate::tally::Place;
use crate::time::{Duration, Instant};
use keepalive::Limits;
use names::Questions;
use set::Set;

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

/// The global parameters that matter here.
#[derive(Debug)]
struct Rules {
    limits: Limits,
    registration_time: Duration,
    dns_refresh: Duration,
    user_agent: Arc<str>,
}

/// The status of a set is told so often at most, unless a word or the list is another.
const TELLING: Duration = Duration::from_millis(200);
/// Owner of a set's draws: above every Account's (`Cx::draw`).
const OWNER: u64 = 0xffff_fffe << 32;

/// All Proxy Sets and SIP Interfaces of an engine.
#[derive(Debug)]
pub struct Proxies {
    sets: Vec<Set>,
    set_names: BTreeMap<Arc<str>, SetId>,
    /// Numbers of sets that nobody knows any more.
    free_sets: Vec<SetId>,
    sockets: Vec<Socket>,
    socket_names: BTreeMap<Arc<str>, SocketId>,
    /// Numbers of sockets that nobody knows any more, the lowest last.
    free_sockets: Vec<SocketId>,
    /// The sets that a registrar is or was in, by its number.
    users: Vec<Vec<SetId>>,
    questions: Questions,
    rules: Rules,
    changes: VecDeque<(SetId, Change)>,
    touched: Vec<SetId>,
    may_probe: bool,
}

impl Default for Proxies {
    fn default() -> Self {
        Self {
            sets: Vec::new(),
            set_names: BTreeMap::new(),
            free_sets: Vec::new(),
            sockets: Vec::new(),
            socket_names: BTreeMap::new(),
            free_sockets: Vec::new(),
            users: Vec::new(),
            questions: Questions::default(),
            rules: Rules::of(&Registration::default(), &Arc::from("")),
            changes: VecDeque::new(),
            touched: Vec::new(),
            may_probe: false,
        }
    }
}

impl Rules {
    fn of(rules: &Registration, user_agent: &Arc<str>) -> Self {
        Self {
            limits: Limits {
                lagged: Duration::from_millis(rules.lagged_ms.into()),
                unknown: rules.probe_unknown,
            },
            registration_time: Duration::from_secs(rules.registration_time_secs.into()),
            dns_refresh: Duration::from_secs(rules.dns_refresh_secs.into()),
            user_agent: Arc::clone(user_agent),
        }
    }
}

impl Proxies {
    /// The global parameters are these from now on.
    pub fn set_rules(&mut self, rules: &Registration, user_agent: &Arc<str>) {
        self.rules = Rules::of(rules, user_agent);
        self.touch_all();
    }

    /// The list of a set is another one.
    fn take_note(&mut self, id: SetId, changes: Vec<Change>) {
        let changes = changes.into_iter().map(|change| (id, change));
        self.changes.extend(changes);
        self.index(id);
        self.touch(id);
    }

    /// Registrars find the sets that they are in.
    fn index(&mut self, id: SetId) {
        let set = &self.sets[id.0 as usize];
        for member in set.members.iter().chain(&set.strays) {
            let number = member.registrar.number() as usize;
            if self.users.len() <= number {
                self.users.resize_with(number + 1, Vec::new);
            }
            if !self.users[number].contains(&id) {
                self.users[number].push(id);
            }
        }
    }

    fn touch(&mut self, id: SetId) {
        let set = &mut self.sets[id.0 as usize];
        if !std::mem::replace(&mut set.is_touched, true) {
            self.touched.push(id);
        }
    }

    fn touch_all(&mut self) {
        (0..self.sets.len()).for_each(|id| self.touch(SetId(id as u32)));
    }

    fn get(&self, set: SetId) -> &Set {
        &self.sets[set.0 as usize]
    }

    /// The sets in use.
    pub fn sets(&self) -> impl Iterator<Item = SetId> + '_ {
        let ids = (0..self.sets.len()).map(|id| SetId(id as u32));
        ids.filter(|id| !self.get(*id).is_gone)
    }

    /// Whether a set is in use.
    pub fn is_set(&self, set: SetId) -> bool {
        self.sets.get(set.0 as usize).is_some_and(|it| !it.is_gone)
    }

    /// A set's configuration.
    pub fn config_of(&self, set: SetId) -> &Arc<ProxySet> {
        &self.get(set).config
    }

    /// A set's members in its order.
    pub fn members(&self, set: SetId) -> impl Iterator<Item = RegistrarId> + Clone + '_ {
        self.get(set).members.iter().map(|member| member.registrar)
    }

    /// A set's members as the status shows them.
    pub fn views<'a>(
        &'a self,
        set: SetId,
        pace: &'a Pace,
    ) -> impl Iterator<Item = MemberView<'a>> + 'a {
        self.get(set).views(pace)
    }

    /// What is wrong with the names of a set, for people.
    pub fn trouble(&self, set: SetId) -> Option<String> {
        self.get(set).trouble()
    }

    /// Whether this registrar is in the list.
    pub fn is_member(&self, set: SetId, registrar: RegistrarId) -> bool {
        self.members(set).any(|member| member == registrar)
    }

    /// Whether a member is online: not known to be offline (rule P4). Without keep-alive all are.
    pub fn is_online(&self, set: SetId, registrar: RegistrarId) -> bool {
        let mut members = self.get(set).members.iter();
        members.any(|member| member.registrar == registrar && !member.pulse.is_offline())
    }

    /// The word for a registrar that is in the list, or holds a binding (rule P5).
    pub fn health(&self, set: SetId, registrar: RegistrarId) -> Option<Health> {
        let set = self.get(set);
        let mut watched = set.members.iter().chain(&set.strays);
        let member = watched.find(|member| member.registrar == registrar)?;
        Some(member.pulse.word())
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
        self.get(set).is_homing()
    }

    /// Whether a set as a whole is online; `None` while that is not known (rules P6, S13).
    pub fn is_set_online(&self, set: SetId) -> Option<bool> {
        self.get(set).verdict
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
        let id = set;
        let set = &mut self.sets[id.0 as usize];
        if set.elect(pace) {
            set.news.is_urgent = true;
            self.touch(id);
        }
        self.sets[id.0 as usize].choose(pace, is_excluded, draw)
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
    pub fn on_bound(&mut self, set: SetId, registrar: RegistrarId, _cx: &mut Cx) {
        self.sets[set.0 as usize].on_bound(registrar);
        self.index(set);
        self.touch(set);
    }

    /// A binding is no longer held.
    pub fn on_unbound(&mut self, set: SetId, registrar: RegistrarId, _cx: &mut Cx) {
        self.sets[set.0 as usize].on_unbound(registrar);
        self.touch(set);
    }

    /// Names of a set are asked anew (rule S7).
    pub fn renew(&mut self, set: SetId, cx: &mut Cx) {
        let names = self.sets[set.0 as usize].names.iter_mut();
        names.for_each(|name| name.renew(cx.now));
        self.touch(set);
    }

    /// Somebody must know how a registrar does (rule T2): it is probed now, whatever the mode,
    /// unless the last probe left within this time. By OPTIONS where keep-alive is off.
    pub fn ask(&mut self, set: SetId, registrar: RegistrarId, within: Duration, now: Instant) {
        if let Some(member) = self.sets[set.0 as usize].watched_mut(registrar) {
            member.pulse.ask(within, now);
            self.touch(set);
        }
    }

    /// When a registrar that is in the list, or holds a binding, last did not answer.
    pub fn missed(&self, set: SetId, registrar: RegistrarId) -> Option<Instant> {
        let set = self.get(set);
        let mut watched = set.members.iter().chain(&set.strays);
        let member = watched.find(|member| member.registrar == registrar)?;
        member.pulse.missed()
    }

    /// A registrar answered a REGISTER.
    pub fn on_answered(&mut self, registrar: RegistrarId, round_trip: Duration, cx: &mut Cx) {
        let users = std::mem::take(self.users_of(registrar));
        for id in &users {
            self.on_alive(*id, registrar, (cx.now.back(round_trip), round_trip), false);
        }
        *self.users_of(registrar) = users;
    }

    /// A registrar is silent as a whole, or cannot be reached: it is offline in every set that
    /// probes it (rule P4).
    pub fn on_lost(&mut self, registrar: RegistrarId, pace: &mut Pace, cx: &mut Cx) {
        let users = std::mem::take(self.users_of(registrar));
        for id in &users {
            self.on_dead(*id, registrar, pace, cx.now);
        }
        *self.users_of(registrar) = users;
    }

    fn users_of(&mut self, registrar: RegistrarId) -> &mut Vec<SetId> {
        let number = registrar.number() as usize;
        if self.users.len() <= number {
            self.users.resize_with(number + 1, Vec::new);
        }
        &mut self.users[number]
    }

    /// A registrar gave a good answer, as far as one set goes.
    fn on_alive(
        &mut self,
        id: SetId,
        registrar: RegistrarId,
        answer: (Instant, Duration),
        is_probe: bool,
    ) {
        let set = &mut self.sets[id.0 as usize];
        let recovery = set.recovery();
        let Some(member) = set.watched_mut(registrar) else {
            return;
        };
        let is_back = member.pulse.on_alive(answer, is_probe, recovery);
        set.news.is_any = true;
        if is_back {
            self.changes.push_back((id, Change::Online(registrar)));
        }
        self.touch(id);
    }

    /// A registrar does not answer, as far as one set goes.
    fn on_dead(&mut self, id: SetId, registrar: RegistrarId, pace: &mut Pace, now: Instant) {
        self.touch(id);
        let set = &mut self.sets[id.0 as usize];
        if !set.is_monitored() {
            return;
        }
        let Some(member) = set.watched_mut(registrar) else {
            return;
        };
        if member.pulse.on_lost(now) {
            self.changes.push_back((id, Change::Offline(registrar)));
        }
        pace.on_dead(registrar);
    }

    /// A probe was sent again.
    pub fn on_repeated(&self, set: SetId, to: SocketAddr, cx: &mut Cx) {
        let config = &self.get(set).config;
        cx.tally.repeated(place(config, to), probe::method(config));
    }

    /// A probe is over.
    pub fn on_probed(&mut self, ended: &Ended, how: Probed, pace: &mut Pace, cx: &mut Cx) {
        let Party::Probe { set: id, registrar } = ended.party else {
            return;
        };
        let set = &mut self.sets[id.0 as usize];
        let mut watched = set.members.iter_mut().chain(&mut set.strays);
        let is_it = |flight| flight == Some(ended.id);
        let Some(member) =
            watched.find(|it| it.registrar.number() == registrar && is_it(it.pulse.flight))
        else {
            return;
        };
        member.pulse.flight = None;
        let registrar = member.registrar;
        let failures = &set.config.keep_alive_failure_responses;
        let is_failure = matches!(how, Probed::Answered(code) if failures.contains(&code));
        if let Probed::Answered(_) = how {
            let config = &set.config;
            let round_trip = ended.round_trip(cx.now);
            cx.tally
                .answered(place(config, ended.to), probe::method(config), round_trip);
        }
        self.touch(id);
        match how {
            Probed::Answered(_) if !is_failure => {
                let answer = (ended.sent, ended.round_trip(cx.now));
                self.on_alive(id, registrar, answer, true);
            }
            Probed::Silent if !pace.is_silent_since(registrar, ended.sent) => {}
            Probed::Answered(_) | Probed::Silent | Probed::Unreachable => {
                self.on_dead(id, registrar, pace, cx.now);
            }
        }
    }

    /// DNS has answered.
    pub fn on_resolved(
        &mut self,
        question: QuestionId,
        answer: Resolution,
        pace: &mut Pace,
        cx: &mut Cx,
    ) {
        let Some(id) = self.questions.take(question) else {
            return;
        };
        let mut draw = self.draw(id, cx);
        let set = &mut self.sets[id.0 as usize];
        let refresh = self.rules.dns_refresh;
        let mut asking = self.questions.asking(id, &mut draw, cx, refresh);
        let mut answer = Some(answer);
        for name in &mut set.names {
            if name.waits_for(question)
                && let Some(answer) = answer.take()
            {
                name.on_resolved(question, answer, &mut asking);
            }
        }
        let changes = set.relist(pace);
        set.news.is_any = true;
        self.take_note(id, changes);
    }

    fn draw(&mut self, id: SetId, cx: &Cx) -> Draw {
        let set = &mut self.sets[id.0 as usize];
        set.draws += 1;
        cx.seed.draw(OWNER | u64::from(id.0), set.draws)
    }

    /// A set's timer entry of this generation came due.
    pub fn on_timer(&mut self, set: SetId, generation: u32, _pace: &mut Pace, cx: &mut Cx) {
        if cx
            .timers
            .fired(&mut self.sets[set.0 as usize].timer, generation)
        {
            self.touch(set);
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
        self.members(set).any(|registrar| !is_excluded(registrar))
    }

    /// Place of a registrar in the set's order, from 1.
    pub fn rank(&self, set: SetId, registrar: RegistrarId) -> Option<u16> {
        let place = self.members(set).position(|member| member == registrar)?;
        u16::try_from(place + 1).ok()
    }
}

/// What is counted of a member.
fn place(set: &ProxySet, registrar: SocketAddr) -> Place<'_> {
    Place {
        set: &set.name,
        registrar,
    }
}

#[cfg(test)]
mod tests;
