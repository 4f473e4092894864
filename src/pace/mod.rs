//! What concerns several Accounts at one registrar: the window of REGISTERs in flight, the order of
//! those that are due, what the registrar taught us, the spread of refreshes (rules L6, L9, P4).
//!
//! It does not know why an Account sends, nor what an answer means to it. Its invariant: a REGISTER
//! leaves with a place in its registrar's window, and gives the place back exactly once.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod groups;
mod queue;
mod spread;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

pub use groups::{GroupId, Groups};
pub use spread::Spread;

use crate::effect::{AccountId, SocketId};
use crate::time::{Duration, Instant};
use queue::Queue;

/// One address that we register at, as seen from one of our sockets. Dense, from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RegistrarId(u32);

impl RegistrarId {
    /// Its number.
    pub fn number(self) -> u32 {
        self.0
    }

    /// One that stands for nobody.
    #[cfg(test)]
    pub fn nobody() -> Self {
        Self(u32::MAX)
    }
}

/// Names an entry in a registrar's queue, so that one that was cancelled is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Turn(u64);

/// Windows at the start, in transactions (rule L6).
const WINDOW_START: u32 = 32;
/// The largest window (rule L6).
const WINDOW_MAX: u32 = 256;
/// A window is halved at most once in this time (rule L6).
const HALVING_PAUSE: Duration = Duration::from_secs(32);
/// Receive buffer that one outstanding request is reckoned with, in bytes (rule L6).
const BUFFER_PER_REQUEST: usize = 4 * 1_024;

/// What is known of one registrar.
#[derive(Debug)]
pub struct Registrar {
    /// Our socket.
    pub socket: SocketId,
    /// Its address.
    pub address: SocketAddr,
    /// Its `Min-Expires`, once it has answered 423 (table A).
    pub min_expires: Option<u32>,
    /// Whether it left a request unanswered, and has sent nothing since (rule P4).
    pub suspect: bool,
    /// When it last sent anything.
    pub heard: Option<Instant>,
    /// What it calls itself: the `Server` header of its answers.
    pub server: Option<Arc<str>>,
    /// Whether it is offline and has sent nothing since: then one REGISTER at a time probes it
    /// (rule P4).
    pub is_dead: bool,
    window: u32,
    in_flight: u32,
    answered: u32,
    halved: Option<Instant>,
    queue: Queue,
    /// Those of the queue that take their leave, in the order in which they came.
    farewells: VecDeque<(AccountId, Turn)>,
    is_ready: bool,
    /// Whether it is in no list, so that its window is not counted.
    is_resting: bool,
}

impl Registrar {
    /// Who sends next, if the window has a place.
    fn next(
        &mut self,
        now: Instant,
        is_waiting: &impl Fn(AccountId, Turn) -> bool,
    ) -> Option<AccountId> {
        let window = if self.is_dead { 1 } else { self.window };
        if self.in_flight < window {
            let next = self.queue.pop(now, is_waiting);
            if next.is_none() {
                self.farewells = VecDeque::new();
            }
            return next;
        }
        if !self.is_dead || self.in_flight > window {
            return None;
        }
        // Beside the prober one un-REGISTER at a time.
        while let Some((account, turn)) = self.farewells.pop_front() {
            if is_waiting(account, turn) {
                return Some(account);
            }
        }
        None
    }
}

#[derive(Default, Debug)]
struct Budget {
    limit: Option<u32>,
    windows: u32,
}

/// All registrars of an engine.
#[derive(Default, Debug)]
pub struct Pace {
    /// When the refreshes of all Accounts fall.
    pub spread: Spread,
    /// Who waits for whom.
    pub groups: Groups,
    registrars: Vec<Registrar>,
    /// Numbers of registrars that nobody knows any more.
    free: Vec<RegistrarId>,
    index: BTreeMap<(SocketId, SocketAddr), RegistrarId>,
    budgets: BTreeMap<SocketId, Budget>,
    ready: Vec<RegistrarId>,
    /// Whose un-REGISTER counts as unanswered without having left.
    given_up: VecDeque<(AccountId, Turn)>,
    turns: u64,
}

impl Pace {
    /// The registrar at this address, seen from this socket, which is in a list; a new one on first
    /// sight.
    pub fn registrar(&mut self, socket: SocketId, address: SocketAddr) -> RegistrarId {
        let id = self.recall(socket, address);
        self.wake(id);
        id
    }

    /// The same, in a list or not: something is remembered of it.
    pub fn recall(&mut self, socket: SocketId, address: SocketAddr) -> RegistrarId {
        if let Some(id) = self.index.get(&(socket, address)).copied() {
            return id;
        }
        let registrar = Registrar {
            socket,
            address,
            min_expires: None,
            suspect: false,
            heard: None,
            server: None,
            is_dead: false,
            window: WINDOW_START,
            in_flight: 0,
            answered: 0,
            halved: None,
            queue: Queue::default(),
            farewells: VecDeque::new(),
            is_ready: false,
            is_resting: true,
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.registrars[id.0 as usize] = registrar;
                id
            }
            None => {
                self.registrars.push(registrar);
                RegistrarId(self.registrars.len() as u32 - 1)
            }
        };
        self.index.insert((socket, address), id);
        id
    }

    /// A registrar is in a list: it takes its share of the socket's budget.
    fn wake(&mut self, id: RegistrarId) {
        let registrar = &mut self.registrars[id.0 as usize];
        if !std::mem::take(&mut registrar.is_resting) {
            return;
        }
        let socket = registrar.socket;
        let budget = self.budgets.entry(socket).or_default();
        budget.windows += registrar.window;
        if budget.limit.is_some_and(|limit| budget.windows > limit) {
            self.share_out(socket);
        }
    }

    /// A registrar has left the list. It leaves its share of the budget to others, however many
    /// addresses a name goes through.
    pub fn rest(&mut self, id: RegistrarId) {
        let registrar = &mut self.registrars[id.0 as usize];
        if !std::mem::replace(&mut registrar.is_resting, true) {
            let budget = self.budgets.entry(registrar.socket).or_default();
            budget.windows -= registrar.window;
        }
    }

    /// The registrar that sends from this address to this socket, if there is one.
    pub fn find(&self, socket: SocketId, address: SocketAddr) -> Option<RegistrarId> {
        self.index.get(&(socket, address)).copied()
    }

    /// The same address as seen from another of our sockets: what it has taught us counts there
    /// too.
    pub fn moved(&mut self, id: RegistrarId, socket: SocketId) -> RegistrarId {
        let Registrar {
            address,
            min_expires,
            suspect,
            heard,
            is_dead,
            ..
        } = *self.get(id);
        if self.get(id).socket == socket {
            return id;
        }
        let is_known = self.index.contains_key(&(socket, address));
        let id = self.recall(socket, address);
        if !is_known {
            let new = self.get_mut(id);
            (new.min_expires, new.heard) = (min_expires, heard);
            (new.suspect, new.is_dead) = (suspect, is_dead);
        }
        id
    }

    /// These are in a list, and no others.
    pub fn rest_all_but(&mut self, listed: &BTreeSet<RegistrarId>) {
        for number in 0..self.registrars.len() as u32 {
            let id = RegistrarId(number);
            match listed.contains(&id) {
                true => self.wake(id),
                false => self.rest(id),
            }
        }
    }

    /// Forgets the registrars that nobody knows and that have nothing under way; their numbers are
    /// for others.
    pub fn forget_all_but(&mut self, known: &BTreeSet<RegistrarId>) {
        for number in 0..self.registrars.len() as u32 {
            let id = RegistrarId(number);
            let it = &self.registrars[number as usize];
            let is_free = it.in_flight == 0 && it.queue.is_empty() && !it.is_ready;
            let place = (it.socket, it.address);
            // What a number that is free already stood for may have another one by now.
            let is_its_own = self.index.get(&place) == Some(&id);
            if is_free && is_its_own && !known.contains(&id) {
                self.index.remove(&place);
                self.rest(id);
                self.free.push(id);
            }
        }
    }

    /// Whether any registrar is seen from this socket.
    pub fn knows_socket(&self, socket: SocketId) -> bool {
        self.index.keys().any(|(known, _)| *known == socket)
    }

    /// How many registrars are known.
    pub fn count(&self) -> usize {
        self.index.len()
    }

    /// What is known of a registrar.
    pub fn get(&self, id: RegistrarId) -> &Registrar {
        &self.registrars[id.0 as usize]
    }

    /// As [`Pace::get`], to change it.
    pub fn get_mut(&mut self, id: RegistrarId) -> &mut Registrar {
        &mut self.registrars[id.0 as usize]
    }

    /// A socket is bound with this effective receive buffer in bytes; its windows share it (rule
    /// L6).
    pub fn set_receive_buffer(&mut self, socket: SocketId, bytes: usize) {
        let limit = u32::try_from(bytes / BUFFER_PER_REQUEST)
            .unwrap_or(u32::MAX)
            .max(1);
        self.budgets.entry(socket).or_default().limit = Some(limit);
        self.share_out(socket);
    }

    /// Keeps the sum of a socket's windows within its budget: a window is cut to an equal share at
    /// most.
    fn share_out(&mut self, socket: SocketId) {
        let budget = self.budgets.entry(socket).or_default();
        let of_socket = self
            .registrars
            .iter_mut()
            .filter(|registrar| registrar.socket == socket && !registrar.is_resting);
        let mut windows: Vec<_> = of_socket.map(|registrar| &mut registrar.window).collect();
        if let Some(limit) = budget.limit
            && windows.iter().map(|window| **window).sum::<u32>() > limit
        {
            let share = (limit / windows.len() as u32).max(1);
            windows
                .iter_mut()
                .for_each(|window| **window = (**window).min(share));
        }
        budget.windows = windows.iter().map(|window| **window).sum();
    }

    /// An Account's REGISTER is due; it stands in line since `due`. `ends` is the end of its
    /// binding, if it has one.
    pub fn enqueue(
        &mut self,
        id: RegistrarId,
        account: AccountId,
        due: Instant,
        ends: Option<Instant>,
    ) -> Turn {
        self.turns += 1;
        let turn = Turn(self.turns);
        self.get_mut(id).queue.push(account, turn, due, ends);
        self.make_ready(id);
        turn
    }

    /// The same for an un-REGISTER. At a registrar that is offline it need not wait for the
    /// REGISTER that probes it, and waits for no more than one other un-REGISTER (rule I8).
    pub fn enqueue_farewell(
        &mut self,
        id: RegistrarId,
        account: AccountId,
        due: Instant,
        ends: Option<Instant>,
    ) -> Turn {
        let turn = self.enqueue(id, account, due, ends);
        self.get_mut(id).farewells.push_back((account, turn));
        turn
    }

    /// An un-REGISTER got no answer from a registrar that is silent as a whole: those that wait to
    /// be sent there would get none either (rule I8).
    pub fn give_up_farewells(&mut self, id: RegistrarId) {
        let waiting = std::mem::take(&mut self.get_mut(id).farewells);
        self.given_up.extend(waiting);
    }

    /// The next Account whose un-REGISTER is given up, if it still stands in line.
    pub fn next_given_up(&mut self) -> Option<(AccountId, Turn)> {
        self.given_up.pop_front()
    }

    /// The next Account that may send, with its place in the window taken. `is_waiting` says
    /// whether an entry still counts.
    pub fn next(
        &mut self,
        now: Instant,
        is_waiting: impl Fn(AccountId, Turn) -> bool,
    ) -> Option<(RegistrarId, AccountId)> {
        while let Some(&id) = self.ready.last() {
            let registrar = &mut self.registrars[id.0 as usize];
            if let Some(account) = registrar.next(now, &is_waiting) {
                registrar.in_flight += 1;
                return Some((id, account));
            }
            registrar.is_ready = false;
            self.ready.pop();
        }
        None
    }

    /// A transaction was answered: full windows of answers widen the window, a 503 halves it. Its
    /// place is given back by [`Pace::leave`].
    pub fn on_answer(&mut self, id: RegistrarId, now: Instant, code: u16) {
        if code == 503 {
            return self.halve(id, now);
        }
        let registrar = &mut self.registrars[id.0 as usize];
        registrar.answered += 1;
        if registrar.answered >= registrar.window {
            registrar.answered = 0;
            let budget = self.budgets.entry(registrar.socket).or_default();
            let room = budget.limit.is_none_or(|limit| budget.windows < limit);
            if registrar.window < WINDOW_MAX && room && !registrar.is_resting {
                registrar.window += 1;
                budget.windows += 1;
            }
        }
    }

    /// A transaction that first left at `sent` got no answer. When others were answered meanwhile,
    /// the silence is that Account's own trouble (rule P4); else the window is halved and the
    /// registrar is suspect. Whether it is silent as a whole.
    pub fn on_silence(&mut self, id: RegistrarId, now: Instant, sent: Instant) -> bool {
        let is_silent = self.is_silent_since(id, sent);
        if is_silent {
            self.get_mut(id).suspect = true;
            self.halve(id, now);
        }
        is_silent
    }

    /// A registrar cannot be reached: nothing listens there, or there is no way (rule X2).
    pub fn on_lost(&mut self, id: RegistrarId) {
        self.get_mut(id).suspect = true;
    }

    /// Whether a registrar has sent nothing at all after this instant. What came in the same
    /// instant came before: it is what the request answers.
    pub fn is_silent_since(&self, id: RegistrarId, sent: Instant) -> bool {
        self.get(id).heard.is_none_or(|heard| heard <= sent)
    }

    /// Something came from a registrar.
    pub fn on_heard(&mut self, id: RegistrarId, now: Instant) {
        let registrar = self.get_mut(id);
        registrar.heard = Some(now);
        registrar.suspect = false;
        if std::mem::take(&mut registrar.is_dead) {
            self.make_ready(id);
        }
    }

    /// A registrar is offline (rule P4).
    pub fn on_dead(&mut self, id: RegistrarId) {
        self.get_mut(id).is_dead = true;
    }

    /// Gives a place in the window back.
    pub fn leave(&mut self, id: RegistrarId) {
        let registrar = self.get_mut(id);
        debug_assert!(registrar.in_flight > 0, "a place was given back twice");
        registrar.in_flight = registrar.in_flight.saturating_sub(1);
        self.make_ready(id);
    }

    /// Whether a registrar is offline, and some Account probes it already, or is about to (rule
    /// P4).
    pub fn is_taken(&self, id: RegistrarId) -> bool {
        let registrar = self.get(id);
        registrar.is_dead && (registrar.in_flight > 0 || !registrar.queue.is_empty())
    }

    /// REGISTER transactions in flight at a registrar, and how many may be.
    pub fn in_flight(&self, id: RegistrarId) -> (u32, u32) {
        (self.get(id).in_flight, self.get(id).window)
    }

    fn halve(&mut self, id: RegistrarId, now: Instant) {
        let registrar = &mut self.registrars[id.0 as usize];
        if registrar
            .halved
            .is_some_and(|halved| now < halved + HALVING_PAUSE)
        {
            return;
        }
        registrar.halved = Some(now);
        registrar.answered = 0;
        let window = (registrar.window / 2).max(1);
        if !registrar.is_resting {
            let budget = self.budgets.entry(registrar.socket).or_default();
            budget.windows -= registrar.window - window;
        }
        registrar.window = window;
    }

    fn make_ready(&mut self, id: RegistrarId) {
        let registrar = &mut self.registrars[id.0 as usize];
        if !registrar.is_ready {
            registrar.is_ready = true;
            self.ready.push(id);
        }
    }
}
