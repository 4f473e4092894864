//! What the simulated world does with each output of the engine, and with each datagram.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::transcript::{Line, Packet, Summary, What};
use super::watch::Leaving;
use super::{Fate, Happening, World, Written};
use crate::effect::{
    AccountId, BatchId, Event, Input, Outcome, Record, SetId, SocketId, Ticket, Trigger, Via,
};
use crate::status::{self, Health};
use crate::time::{Duration, Instant};

impl World {
    pub(super) fn listen(&mut self, socket: SocketId, local: SocketAddr) {
        // Sockets are bound while the engine is drained; it hears of them in the order of asking.
        let number = self.runs;
        let is_port = local.port() != self.setup.local_address().port();
        let when = self.now + self.bind_delay * u32::from(is_port);
        self.binding = Some(when).filter(|_| is_port);
        self.plan(
            when,
            Happening::Action(Box::new(move |world: &mut Self| {
                world.binding = world.binding.filter(|when| *when > world.now);
                let receive_buffer = world.setup.receive_buffer;
                let is_taken = world.taken.contains(&local);
                let Some(run) = world.run.as_mut().filter(|run| run.number == number) else {
                    return;
                };
                let is_bound = run.sockets.values().any(|other| *other == local);
                if is_taken || is_bound {
                    let why = "the address is in use".to_owned();
                    return world.handle(Input::ListenFailed { socket, why });
                }
                run.sockets.insert(socket, local);
                world.handle(Input::Listening {
                    socket,
                    local,
                    receive_buffer,
                });
            })),
        );
    }

    pub(super) fn close(&mut self, via: Via) {
        let Via::Socket(socket) = via else { return };
        let number = self.runs;
        self.plan(
            self.now,
            Happening::Action(Box::new(move |world: &mut Self| {
                let run = world.run.as_mut().filter(|run| run.number == number);
                if let Some(local) = run.and_then(|run| run.sockets.remove(&socket)) {
                    world.note(&format!("{local} is closed"));
                }
            })),
        );
    }

    pub(super) fn transmit(
        &mut self,
        via: Via,
        to: SocketAddr,
        bytes: Arc<[u8]>,
        owner: Option<AccountId>,
    ) {
        let Via::Socket(socket) = via else {
            return self.note("a connection is not simulated");
        };
        let bound = self.run.as_ref().and_then(|run| run.sockets.get(&socket));
        let Some(local) = bound.copied() else {
            panic!("{}: {socket} is used before it is bound", self.now);
        };
        let summary = Summary::of(&bytes);
        let account = owner.and_then(|id| self.name_of(id));
        if let Some(account) = &account {
            self.by_call
                .insert(summary.call_id.clone(), account.clone());
        }
        let repeat = self.watch.sends(
            self.now,
            Leaving {
                owner,
                to,
                bytes: &bytes,
                summary: &summary,
            },
        );
        self.check_limit(account.as_deref(), &summary);
        if owner.is_some() && repeat == 0 && summary.is_register() {
            self.check_dead(to);
        }
        self.log(
            account,
            What::Sent(Packet {
                local,
                remote: to,
                repeat,
                summary,
                bytes: bytes.clone(),
            }),
        );
        match self.network.carry_out(self.now, local, to) {
            Fate::Refused { at } => {
                let run = self.runs;
                let refused = Happening::Refused {
                    run,
                    socket,
                    to,
                    bytes,
                };
                self.plan(at, refused);
            }
            Fate::Arrives { from, to, at } => {
                for at in at {
                    let bytes = bytes.to_vec();
                    self.plan(at, Happening::ToThem { from, to, bytes });
                }
            }
        }
    }

    /// With a store, a CSeq leaves only when a limit at least as high is on the disk (rule L8).
    fn check_limit(&self, account: Option<&str>, summary: &Summary) {
        let Some(account) = account.filter(|_| summary.is_register()) else {
            return;
        };
        if self.setup.store.is_none() {
            return;
        }
        let record = self.store.records.get(account);
        let kept = record.is_some_and(|record| {
            *record.call_id == *summary.call_id && summary.cseq <= record.cseq_limit
        });
        assert!(
            kept,
            "{}: no limit on disk for {summary}: {record:?}",
            self.now
        );
    }

    /// To a registrar that is offline one REGISTER at a time leaves (rule P4).
    fn check_dead(&self, to: SocketAddr) {
        let Some(run) = &self.run else { return };
        let sets = run.engine.sets().filter_map(|id| run.engine.set(id));
        for member in sets.flat_map(|set| set.members()) {
            let is_dead = matches!(member.health, Health::Unreachable | Health::Unknown);
            if is_dead && member.address == to {
                let since = run.started + (member.since - Instant::ZERO);
                // A reload may have given us another address, and for one transaction both are in
                // use: each has its prober.
                let patience = self.transaction_timeout();
                if self.reloaded.is_some_and(|it| self.now < it + patience) {
                    continue;
                }
                self.watch.probes_one_by_one(self.now, to, since);
            }
        }
    }

    /// A datagram of ours reaches whoever is there.
    pub(super) fn hear(&mut self, from: SocketAddr, at: SocketAddr, bytes: &[u8]) {
        let Some(registrar) = self.registrars.get_mut(&at) else {
            return;
        };
        for reply in registrar.on_datagram(self.now, from, bytes) {
            let answer = Happening::FromThem {
                from: at,
                to: reply.to,
                bytes: reply.bytes,
            };
            self.plan(reply.at, answer);
        }
    }

    pub(super) fn carry_back(&mut self, from: SocketAddr, to: SocketAddr, bytes: Vec<u8>) {
        if let Fate::Arrives { from, to, at } = self.network.carry_back(self.now, from, to) {
            for at in at {
                let bytes = bytes.clone();
                self.plan(at, Happening::ToUs { from, to, bytes });
            }
        }
    }

    /// A datagram reaches us, if a socket is bound there; `is_ours` when a registrar of ours sent
    /// it.
    pub(super) fn receive(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        bytes: &[u8],
        is_ours: bool,
    ) {
        let Some(run) = &self.run else {
            return;
        };
        let bound = run.sockets.iter().find(|(_, local)| **local == to);
        let Some(socket) = bound.map(|(socket, _)| *socket) else {
            return;
        };
        let summary = Summary::of(bytes);
        self.watch.hears(self.now, from);
        if !is_ours {
            self.watch.may_end(bytes);
        } else if summary.code().is_some_and(|code| code >= 200) {
            self.watch.ends(&summary.branch);
        }
        let account = self.by_call.get(&summary.call_id).cloned();
        self.log(
            account,
            What::Received(Packet {
                local: to,
                remote: from,
                repeat: 0,
                summary,
                bytes: bytes.into(),
            }),
        );
        let via = Via::Socket(socket);
        self.handle(Input::Received { via, from, bytes });
    }

    pub(super) fn refused(&mut self, run: u64, socket: SocketId, to: SocketAddr, bytes: &[u8]) {
        if !self.is_current(run) {
            return;
        }
        let quoted = &bytes[..bytes.len().min(self.quote)];
        let summary = Summary::of(bytes);
        if !summary.is_register() {
            self.watch.may_end(quoted);
        } else if String::from_utf8_lossy(quoted).contains(&summary.branch) {
            self.watch.ends(&summary.branch);
        }
        let account = self.by_call.get(&summary.call_id).cloned();
        self.log(account, What::Refused(to));
        let via = Via::Socket(socket);
        self.handle(Input::Unreachable { via, to, quoted });
    }

    pub(super) fn save(&mut self, batch: BatchId, written: Written) {
        let Some(delay) = self.setup.store else {
            panic!("{}: a Save without a store", self.now);
        };
        let writes = written.records.len();
        self.store.batches.push((self.now, writes));
        let run = self.runs;
        let written = Happening::Written {
            run,
            batch,
            written,
        };
        self.plan(self.now + delay, written);
    }

    /// A batch reaches the disk, or does not. A batch of a dead run was on its way and is lost.
    pub(super) fn written(&mut self, run: u64, batch: BatchId, written: Written) {
        if !self.is_current(run) {
            return;
        }
        if self.store.fails {
            return self.handle(Input::SaveFailed { batch });
        }
        for name in written.removed {
            self.store.records.remove(&*name);
        }
        for record in written.records {
            let name = Arc::clone(&record.account);
            self.store.records.insert(name, record);
        }
        self.handle(Input::Saved { batch });
    }

    /// Publishes the status of an Account, as the daemon does.
    pub(super) fn changed(&mut self, id: AccountId) {
        let Some(name) = self.name_of(id) else {
            return;
        };
        let Some(run) = &mut self.run else {
            return;
        };
        match status::account(&run.engine, id) {
            Some(status) => run.published.insert(name, status),
            None => run.published.remove(&name),
        };
    }

    /// Publishes the status of a Proxy Set, as the daemon does.
    pub(super) fn set_changed(&mut self, id: SetId) {
        let at = self.now;
        if let Some(run) = &mut self.run {
            let status = status::proxy_set(&run.engine, id);
            let published = run.published_sets.entry(id).or_default();
            published.0.push(at);
            published.1 = status;
        }
    }

    pub(super) fn event(&mut self, event: Event) {
        let account = match &event {
            Event::PhaseChanged { account, .. }
            | Event::RefreshFailed { account, .. }
            | Event::Moved { account, .. } => Some(*account),
            Event::Warning { account, .. } => *account,
            Event::MemberChanged { .. } | Event::ListenFailed { .. } => None,
        };
        let name = account.and_then(|id| self.name_of(id));
        self.log(name, What::Event(event));
    }

    pub(super) fn reply(&mut self, ticket: Ticket, outcome: Outcome) {
        self.watch.replies(self.now, ticket);
        self.log(None, What::Reply(ticket, outcome.clone()));
        self.replies.insert(ticket, (self.now, outcome));
    }

    pub(super) fn log(&mut self, account: Option<Arc<str>>, what: What) {
        let at = self.now;
        self.transcript.push(Line { at, account, what });
    }

    /// Writes a remark into the transcript.
    pub fn note(&mut self, text: &str) {
        self.log(None, What::Note(text.to_owned()));
    }

    /// The name of an Account, also of one that is gone by now.
    pub(super) fn name_of(&mut self, id: AccountId) -> Option<Arc<str>> {
        let run = self.run.as_mut()?;
        if let Some(known) = run.names.get(&id) {
            return Some(known.clone());
        }
        let name = run.engine.account(id)?.config().name.clone();
        run.names.insert(id, name.clone());
        Some(name)
    }

    pub(super) fn is_current(&self, run: u64) -> bool {
        self.run.as_ref().is_some_and(|it| it.number == run)
    }

    /// A datagram from anywhere reaches our first socket at once, without the network.
    pub fn inject(&mut self, from: SocketAddr, bytes: &[u8]) {
        let sockets = self.run.as_ref().map(|run| &run.sockets);
        let first = sockets.and_then(|sockets| sockets.values().next().copied());
        if let Some(local) = first {
            self.receive(from, local, bytes, false);
        }
    }

    /// A datagram from anywhere reaches this local address at once, if a socket is bound there.
    pub fn inject_at(&mut self, local: SocketAddr, from: SocketAddr, bytes: &[u8]) {
        self.receive(from, local, bytes, false);
    }

    /// Another program takes a local address, or lets it go: as long as it has it, nothing of ours
    /// can be bound there.
    pub fn take_address(&mut self, local: SocketAddr, is_taken: bool) {
        if is_taken {
            self.taken.insert(local);
        } else {
            self.taken.remove(&local);
        }
    }

    /// It takes so long to bind a port from now on.
    pub fn bind_late(&mut self, delay: Duration) {
        self.bind_delay = delay;
    }

    /// When a port will be bound that is not yet.
    pub fn next_bind(&self) -> Option<Instant> {
        self.binding
    }

    /// The local addresses that are bound now.
    pub fn bound(&self) -> Vec<SocketAddr> {
        let sockets = self.run.iter().flat_map(|run| run.sockets.values());
        let mut bound: Vec<SocketAddr> = sockets.copied().collect();
        bound.sort_unstable();
        bound
    }

    /// A link came up that has these addresses (rule S7).
    pub fn link_up(&mut self, addresses: &[IpAddr]) {
        self.note("a link is up");
        self.handle(Input::LinkUp {
            interface: "eth0".to_owned(),
            addresses: addresses.to_vec(),
        });
    }

    /// Something happened to an Account that may register it anew (rules S7, S11, N2).
    pub fn trigger(&mut self, name: &str, trigger: Trigger) {
        self.note(&format!("{name}: {trigger:?}"));
        let found = self.run.as_ref().and_then(|run| run.engine.find(name));
        if let Some(account) = found {
            self.handle(Input::Triggered { account, trigger });
        }
    }

    /// ICMP errors quote at most so many bytes of our datagram from now on.
    pub fn quote_at_most(&mut self, bytes: usize) {
        self.quote = bytes;
    }

    /// Whether the disk fails from now on.
    pub fn store_fails(&mut self, fails: bool) {
        self.store.fails = fails;
    }

    /// What the disk holds of an Account.
    pub fn stored(&self, name: &str) -> Option<&Record> {
        self.store.records.get(name)
    }

    /// Every batch that the engine wanted written: when, and how many records.
    pub fn batches(&self) -> &[(Instant, usize)] {
        &self.store.batches
    }

    /// How long a transaction of this world waits for an answer (rule X1).
    pub fn transaction_timeout(&self) -> Duration {
        let parameters = self.setup.parameters();
        super::watch::timeout(parameters, parameters.sip_max_rtx)
    }
}
