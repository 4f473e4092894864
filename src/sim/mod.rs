//! A network of registrars and wires that runs faster than time.
//!
//! A [`World`] holds one engine, registrars, a [`Network`], a [`Dns`] and a store on one virtual
//! clock, does what the engine asks for, and writes down everything that happens. It knows the
//! engine's three verbs and nothing of its insides. While it runs it watches what must always hold
//! (`watch`), and panics when it does not: it is a tool for tests. [`Registrar`] alone also serves
//! real sockets.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod alerts;
mod behaviour;
mod dns;
mod door;
mod expect;
mod location;
mod network;
mod perform;
mod registrar;
mod respond;
mod setup;
mod text;
mod transcript;
mod verify;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

pub use behaviour::{Behaviour, Challenge, ContactAs, Form, Grant, Offer, Proof, Refusal, Shows};
pub use dns::{Dns, Mood};
pub use expect::{Expected, again, at, sent};
pub use location::Binding;
pub use network::{Fate, Link, Network, Path};
pub use registrar::{Counts, Registrar, Reply};
pub use setup::{AccountSetup, HOST, LOCAL, PASSWORD, REGISTRAR, Setup, UNIX_MS_AT_ZERO};
pub use text::{Contact, Text};
pub use transcript::{Line, Packet, Summary, Transcript, Used, What};

use crate::config::Diff;
use crate::effect::{
    AccountId, BatchId, Input, Outcome, Output, QuestionId, Record, SetId, SocketId, StoredAlert,
    Ticket,
};
use crate::engine::{Engine, Settings};
use crate::locate::{Question, Resolution};
use crate::rng::Seed;
use crate::status::{AccountStatus, AlertStatus, ProxySetStatus, UnixMs};
use crate::time::{Duration, Instant};
use alerts::WrittenAlerts;
use watch::Watch;

/// One engine and everything around it, on one virtual clock.
pub struct World {
    setup: Setup,
    seed: u64,
    now: Instant,
    run: Option<Run>,
    runs: u64,
    /// When another configuration was put in force last.
    reloaded: Option<Instant>,
    clock_ms: i64,
    agenda: BTreeMap<(Instant, u64), Happening>,
    planned: u64,
    registrars: BTreeMap<SocketAddr, Registrar>,
    network: Network,
    dns: Dns,
    store: Store,
    transcript: Transcript,
    watch: Watch,
    cursor: usize,
    by_call: BTreeMap<String, Arc<str>>,
    tickets: u64,
    replies: BTreeMap<Ticket, (Instant, Outcome)>,
    ticks: (Instant, u32),
    quote: usize,
    /// Local addresses that cannot be bound.
    taken: BTreeSet<SocketAddr>,
    /// How long it takes to bind a port, and when one will be bound that is not yet.
    bind_delay: Duration,
    binding: Option<Instant>,
}

/// One life of the engine.
struct Run {
    number: u64,
    engine: Engine,
    started: Instant,
    sockets: BTreeMap<SocketId, SocketAddr>,
    questions: BTreeSet<QuestionId>,
    names: BTreeMap<AccountId, Arc<str>>,
    published: BTreeMap<Arc<str>, AccountStatus>,
    published_sets: BTreeMap<SetId, (Vec<Instant>, Option<ProxySetStatus>)>,
    published_alerts: BTreeMap<Arc<str>, Vec<AlertStatus>>,
}

/// The disk.
#[derive(Default)]
struct Store {
    records: BTreeMap<Arc<str>, Record>,
    alerts: BTreeMap<String, StoredAlert>,
    batches: Vec<(Instant, usize)>,
    fails: bool,
}

/// What a batch does to the store.
struct Written {
    removed: Vec<Arc<str>>,
    records: Vec<Record>,
}

/// What is going to happen.
enum Happening {
    /// A datagram reaches a local address.
    ToUs {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// A datagram reaches a remote address.
    ToThem {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// A remote address sends a datagram.
    FromThem {
        from: SocketAddr,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// An ICMP error reaches us.
    Refused {
        run: u64,
        socket: SocketId,
        to: SocketAddr,
        bytes: Arc<[u8]>,
    },
    /// A batch is written, or not.
    Written {
        run: u64,
        batch: BatchId,
        written: Written,
    },
    /// A question to DNS comes to something.
    Resolved {
        run: u64,
        id: QuestionId,
        question: Question,
        answer: Resolution,
    },
    /// The test does something.
    Action(Box<dyn FnOnce(&mut World)>),
}

/// More ticks than this at one instant mean that the engine's deadline does not move.
const TICKS_AT_ONE_INSTANT: u32 = 10_000;

impl World {
    /// A world at instant zero whose engine has just been started. The same setup and seed give the
    /// same run.
    pub fn new(setup: Setup, seed: u64) -> Self {
        let mut registrars = BTreeMap::new();
        for (nth, address) in (1..).zip(setup.registrars()) {
            let mut registrar = Registrar::new(Seed::from_number(seed ^ (nth << 48)));
            setup
                .users()
                .for_each(|user| registrar.user(user, PASSWORD));
            registrar.behave(Behaviour::digest());
            registrars.insert(address, registrar);
        }
        let mut world = Self {
            seed,
            now: Instant::ZERO,
            run: None,
            runs: 0,
            reloaded: None,
            clock_ms: UNIX_MS_AT_ZERO,
            agenda: BTreeMap::new(),
            planned: 0,
            registrars,
            network: Network::new(Seed::from_number(seed)),
            dns: Dns::default(),
            store: Store::default(),
            transcript: Transcript::default(),
            watch: Watch::new(setup.parameters()),
            cursor: 0,
            by_call: BTreeMap::new(),
            tickets: 0,
            replies: BTreeMap::new(),
            ticks: (Instant::ZERO, 0),
            quote: usize::MAX,
            taken: BTreeSet::new(),
            bind_delay: Duration::ZERO,
            binding: None,
            setup,
        };
        // What the test still wants to change before anything is sent is done before the first
        // step.
        world.plan(Instant::ZERO, Happening::Action(Box::new(Self::start)));
        world
    }

    /// Starts the engine, if it does not run: at instant zero by itself, later after
    /// [`World::kill`].
    pub fn start(&mut self) {
        if self.run.is_some() {
            return;
        }
        self.runs += 1;
        let settings = Settings {
            seed: Seed::from_number(self.seed ^ (self.runs << 32)),
            unix_ms_at_zero: self.unix(self.now).0,
            store: self.setup.store.is_some(),
        };
        let config = self.setup.config();
        let accounts: Vec<Arc<str>> = config.accounts.iter().map(|it| it.name.clone()).collect();
        let engine = Engine::new(Arc::new(config), settings);
        let found = accounts
            .into_iter()
            .filter_map(|name| Some((engine.find(&name)?, name)));
        self.run = Some(Run {
            number: self.runs,
            names: found.collect(),
            engine,
            started: self.now,
            sockets: BTreeMap::new(),
            questions: BTreeSet::new(),
            published: BTreeMap::new(),
            published_sets: BTreeMap::new(),
            published_alerts: BTreeMap::new(),
        });
        self.note("the engine starts");
        if self.setup.store.is_some() {
            let alerts = self.store.alerts.values().cloned().collect();
            self.handle(Input::RestoreAlerts(alerts));
            let records = self.store.records.values().cloned().collect();
            self.handle(Input::Restore(records));
        }
        self.handle(Input::Tick);
    }

    /// Kills the engine: no word of farewell, and what the disk does not have is lost.
    pub fn kill(&mut self) {
        self.run = None;
        self.watch.run_ends();
        self.note("the engine is killed");
    }

    /// Sets the wall clock forward, or back, and tells the engine.
    pub fn set_clock(&mut self, by_ms: i64) {
        self.clock_ms = self.clock_ms.saturating_add(by_ms);
        self.note(&format!("the wall clock is set by {by_ms} ms"));
        if let Some(started) = self.run.as_ref().map(|run| run.started) {
            let unix_ms_at_zero = self.unix(started).0;
            self.handle(Input::WallClock { unix_ms_at_zero });
        }
    }

    /// Puts another configuration in force.
    pub fn reload(&mut self, setup: Setup) {
        let (old, new) = (self.setup.config(), self.setup_of(setup).config());
        self.note("another configuration is in force");
        self.reloaded = Some(self.now);
        let diff = Diff::between(&old, &new);
        self.handle(Input::Reconfigured(Arc::new(new), diff));
    }

    /// The next start is with another configuration.
    pub fn configure(&mut self, setup: Setup) {
        self.setup_of(setup);
    }

    /// Takes a setup over; new registrars behave as those of the start.
    fn setup_of(&mut self, setup: Setup) -> &Setup {
        for address in setup.registrars() {
            let known = self.registrars.contains_key(&address);
            let registrar = self.registrar_at(address);
            if !known {
                registrar.behave(Behaviour::digest());
            }
            setup
                .users()
                .for_each(|user| registrar.user(user, PASSWORD));
        }
        self.setup = setup;
        &self.setup
    }

    /// The instant up to which everything has happened.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// The wall clock at an instant.
    pub fn unix(&self, at: Instant) -> UnixMs {
        let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        UnixMs(self.clock_ms.saturating_add(millis))
    }

    /// Plans something for an instant; at a past one it happens at once.
    pub fn at(&mut self, when: Instant, action: impl FnOnce(&mut Self) + 'static) {
        self.plan(when, Happening::Action(Box::new(action)));
    }

    /// Lets everything happen that is due within this duration.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Lets everything happen up to and including this instant.
    pub fn run_until(&mut self, until: Instant) {
        while self.next().is_some_and(|next| next <= until) {
            self.step();
        }
        self.now = self.now.max(until);
    }

    /// Lets the next thing happen; `false` when nothing is planned.
    pub fn step(&mut self) -> bool {
        let Some(next) = self.next() else {
            return false;
        };
        self.now = self.now.max(next);
        let planned = self.agenda.first_key_value().map(|(key, _)| *key);
        match planned.filter(|(at, _)| *at <= self.now) {
            Some(key) => {
                if let Some(happening) = self.agenda.remove(&key) {
                    self.happen(happening);
                }
            }
            None => self.tick(),
        }
        true
    }

    fn next(&mut self) -> Option<Instant> {
        let planned = self.agenda.first_key_value().map(|((at, _), _)| *at);
        let due = self.deadline();
        planned.into_iter().chain(due).min()
    }

    fn deadline(&mut self) -> Option<Instant> {
        let run = self.run.as_mut()?;
        let due = run.engine.deadline()?;
        Some(run.started + (due - Instant::ZERO))
    }

    fn tick(&mut self) {
        if self.ticks.0 != self.now {
            self.ticks = (self.now, 0);
        }
        self.ticks.1 += 1;
        assert!(
            self.ticks.1 < TICKS_AT_ONE_INSTANT,
            "{}: the deadline does not move",
            self.now
        );
        self.handle(Input::Tick);
    }

    fn plan(&mut self, at: Instant, happening: Happening) {
        self.planned += 1;
        self.agenda
            .insert((at.max(self.now), self.planned), happening);
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ToUs { from, to, bytes } => self.receive(from, to, &bytes, true),
            Happening::ToThem { from, to, bytes } => self.hear(from, to, &bytes),
            Happening::FromThem { from, to, bytes } => self.carry_back(from, to, bytes),
            Happening::Refused {
                run,
                socket,
                to,
                bytes,
            } => self.refused(run, socket, to, &bytes),
            Happening::Written {
                run,
                batch,
                written,
            } => self.written(run, batch, written),
            Happening::Resolved {
                run,
                id,
                question,
                answer,
            } => self.resolved(run, id, &question, answer),
            Happening::Action(action) => action(self),
        }
    }

    /// One input, and everything that follows from it.
    fn handle(&mut self, input: Input<'_>) {
        let Some(run) = &mut self.run else {
            return;
        };
        let now = Instant::ZERO + (self.now - run.started);
        run.engine.handle(now, input);
        let mut place = 0;
        while let Some(output) = self.run.as_mut().and_then(|run| run.engine.poll()) {
            let next = watch::place(&output).unwrap_or(place);
            assert!(place <= next, "{}: out of order: {output:?}", self.now);
            place = next;
            self.perform(output);
        }
        let deadline = self.deadline();
        assert!(
            deadline.is_none_or(|deadline| deadline >= self.now),
            "{}: the deadline {deadline:?} is in the past after a drain",
            self.now
        );
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Listen { socket, local } => self.listen(socket, local),
            Output::Transmit {
                via,
                to,
                bytes,
                owner,
            } => self.transmit(via, to, bytes, owner.account()),
            Output::Save {
                batch,
                removed,
                records,
                ..
            } => self.save(batch, Written { removed, records }),
            Output::SaveAlerts {
                batch,
                removed,
                alerts,
            } => self.save_alerts(batch, WrittenAlerts { removed, alerts }),
            Output::Unanswered { .. } => {}
            Output::Changed(id) => self.changed(id),
            Output::SetChanged(id) => self.set_changed(id),
            Output::AlertsChanged(account) => self.alerts_changed(account),
            Output::Event(event) => self.event(event),
            Output::Notice(notice) => self.notice(notice),
            Output::Reply { ticket, outcome } => self.reply(ticket, outcome),
            Output::Ask {
                question,
                name,
                kind,
            } => self.ask(question, name, kind),
            Output::Close { via } => self.close(via),
            Output::Open { .. } => self.note(&format!("not simulated: {output:?}")),
        }
    }

    /// Everything that happened so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// The first registrar.
    pub fn registrar(&mut self) -> &mut Registrar {
        self.registrar_at(REGISTRAR)
    }

    /// The registrar at this address; a new one if there is none.
    pub fn registrar_at(&mut self, address: SocketAddr) -> &mut Registrar {
        let seed = Seed::from_number(self.seed);
        self.registrars
            .entry(address)
            .or_insert_with(|| Registrar::new(seed))
    }

    /// The wires.
    pub fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    /// How many REGISTERs are in flight to an address now.
    pub fn in_flight(&self, to: SocketAddr) -> usize {
        self.watch.in_flight(self.now, to)
    }

    /// The most REGISTERs in flight to an address since the start or the last
    /// [`World::reset_peak`].
    pub fn peak(&self, to: SocketAddr) -> usize {
        self.watch.peak(to)
    }

    /// Forgets the peaks.
    pub fn reset_peak(&mut self) {
        self.watch.reset_peak();
    }

    /// The commands that have no answer yet.
    pub fn unanswered(&self) -> Vec<Ticket> {
        self.watch.waiting().collect()
    }
}
