//! Random lists of operations against the simulated world. What must hold needs no second
//! implementation:
//!
//! * never two REGISTERs of one Account in flight; CSeq rises within a Call-ID; with a store, none
//!   leaves above the limit on disk; outputs come in order; no deadline is in the past after a
//!   drain (the world checks);
//! * every command is answered exactly once;
//! * no two Accounts have one local port, and none is outside the range;
//! * whoever waits for another Account is not the only one at work, and to a registrar that is
//!   offline one REGISTER at a time leaves (the world checks that one too);
//! * the published status is what is so, and nobody is *registered* beyond the end of the binding;
//! * when everything is well again, everybody who should be registered is, and stays it;
//! * the same seed gives the same transcript.
//!
//! A failure names its seed; `REGENT_SEED=n` replays that one, `REGENT_SEEDS=n` plays the first n.

mod behaviours;
mod operations;
mod plan;
mod reloads;

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::rng::{Draw, Seed};
use regent::sim::{Behaviour, Challenge, LOCAL, Link, Mood, PASSWORD, Setup, World};
use regent::sip::Algorithm;
use regent::time::Duration;

use behaviours::behaviour;
use operations::{Operation, operation};
use plan::{ALL, PBX, Planned, REGISTRARS};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        random_operations_keep_what_must_hold_0,
        random_operations_keep_what_must_hold_1,
        random_operations_keep_what_must_hold_2,
        random_operations_keep_what_must_hold_3,
    ]
}

/// So many lists are tried in the normal suite.
const SEEDS: u64 = 100;
/// They are shared out to so many trials, which run at the same time.
const SHARES: u64 = 4;
/// So many operations are in a list.
const OPERATIONS: u64 = 30;

fn random_operations_keep_what_must_hold_0() {
    play_share(0);
}

fn random_operations_keep_what_must_hold_1() {
    play_share(1);
}

fn random_operations_keep_what_must_hold_2() {
    play_share(2);
}

fn random_operations_keep_what_must_hold_3() {
    play_share(3);
}

fn play_share(share: u64) {
    let number = |name| {
        let text = std::env::var(name).ok()?;
        let number = text.parse::<u64>();
        Some(number.unwrap_or_else(|_| panic!("{name} is no number: {text}")))
    };
    let seeds = number("REGENT_SEEDS").unwrap_or(SEEDS);
    let asked = number("REGENT_SEED").map_or(0..seeds, |seed| seed..seed + 1);
    for seed in asked.filter(|seed| seed % SHARES == share) {
        let (first, second) = (play(seed), play(seed));
        let mut lines = first.lines().zip(second.lines());
        let differs = lines.find(|(one, other)| one != other);
        assert!(
            first == second,
            "REGENT_SEED={seed} gives two transcripts: {differs:?}"
        );
    }
}

/// A world and what the list has done to it.
struct Play {
    world: World,
    setup: Setup,
    /// Every Account, and whether it is configured at the moment.
    accounts: Vec<Planned>,
    names: Vec<String>,
    stopped: bool,
}

/// Plays the list of this seed, and gives the transcript.
fn play(seed: u64) -> String {
    let mut draw = Seed::from_number(seed).draw(0, 0);
    let mut play = Play::begin(&mut draw, seed);
    let mut done = Vec::new();
    let whole = catch_unwind(AssertUnwindSafe(|| {
        for _ in 0..OPERATIONS {
            let operation = operation(&mut draw, play.names.len());
            done.push(format!("{operation:?}"));
            play.perform(operation);
            play.check();
        }
        play.end_well();
    }));
    if let Err(cause) = whole {
        let why = cause
            .downcast_ref::<String>()
            .map_or("a panic", String::as_str);
        let (tail, done) = (play.world.transcript().tail(40), done.join("\n  "));
        panic!("{why}\n\n{tail}\n\nafter\n  {done}\nREGENT_SEED={seed} replays this");
    }
    play.world.transcript().to_string()
}

impl Play {
    fn begin(draw: &mut Draw, seed: u64) -> Self {
        let (setup, accounts) = plan::setup(draw);
        let mut world = World::new(setup.clone(), seed);
        let names: Vec<String> = accounts.iter().map(|it| it.name.clone()).collect();
        for registrar in REGISTRARS {
            let registrar = world.registrar_at(registrar);
            names.iter().for_each(|name| registrar.user(name, PASSWORD));
            registrar.behave(Behaviour::digest());
        }
        plan::resolve(&mut world, ALL);
        world.run_for(Duration::ZERO);
        Self {
            world,
            setup,
            accounts,
            names,
            stopped: false,
        }
    }

    fn perform(&mut self, operation: Operation) {
        let world = &mut self.world;
        match operation {
            Operation::Wait(time) => world.run_for(time),
            Operation::Register(nth, _) | Operation::Unregister(nth) | Operation::Refresh(nth)
                if !world.knows(&self.names[nth]) => {}
            Operation::Register(nth, false) => drop(world.register(&self.names[nth])),
            Operation::Register(nth, true) => drop(world.register_by_force(&self.names[nth])),
            Operation::Unregister(nth) => drop(world.unregister(&self.names[nth])),
            Operation::Refresh(nth) => drop(world.refresh(&self.names[nth])),
            Operation::Shutdown => {
                world.shutdown();
                self.stopped = true;
            }
            Operation::Toggle(nth) => self.toggle(nth),
            Operation::Move(nth, to) => {
                let name = &self.names[nth];
                let user = format!("{name}-{to}");
                let setup = self.setup.clone();
                self.setup = setup.change(name, |it| it.contact_user(Some(&user)));
                world.reload(self.setup.clone());
            }
            Operation::Clock(by_ms) => world.set_clock(by_ms),
            Operation::Mood(mood) => {
                for registrar in REGISTRARS {
                    world.registrar_at(registrar).behave(behaviour(mood));
                }
            }
            Operation::MoodFor(nth, mood) => {
                let aor = format!("{}@sim.example", self.names[nth]);
                for registrar in REGISTRARS {
                    world
                        .registrar_at(registrar)
                        .behave_for(&aor, behaviour(mood));
                }
            }
            Operation::Forgive(nth) => self.forgive(nth),
            Operation::Wires(link) => *world.network().usual() = link,
            Operation::Nat => {
                let public = "203.0.113.9".parse().expect("an address");
                world.network().put_behind_nat(public);
            }
            Operation::Forget => {
                for registrar in REGISTRARS {
                    world.registrar_at(registrar).forget();
                }
            }
            Operation::Hostile(noise) => self.hurt(noise),
            Operation::Disk(fails) => world.store_fails(fails),
            Operation::Kill => self.restart(),
            Operation::WireOf(nth, closed) => {
                world.network().link(REGISTRARS[nth]).closed = closed;
            }
            Operation::MoodOf(nth, mood) => {
                world.registrar_at(REGISTRARS[nth]).behave(behaviour(mood));
            }
            Operation::Served(closed) => world.network().link(PBX).closed = closed,
            Operation::Port(port, is_taken) => {
                let local = SocketAddr::new(LOCAL.ip(), port);
                world.take_address(local, is_taken);
            }
            Operation::Resolve(hosts) => plan::resolve(world, hosts),
            Operation::NoDns(fails) => {
                let mood = if fails { Mood::Fails } else { Mood::Answers };
                world.dns().mood(mood);
            }
            Operation::LinkUp => world.link_up(&[LOCAL.ip()]),
            Operation::Trigger(nth, ref trigger) => {
                world.trigger(&self.names[nth], trigger.clone())
            }
            Operation::Sync(mode) => {
                let setup = self.setup.clone();
                self.setup = setup.registration(|it| it.registration_sync_mode = mode);
                world.reload(self.setup.clone());
            }
            Operation::Reload(nth, chance) => self.reload(nth, chance),
        }
    }

    fn forgive(&mut self, nth: usize) {
        let aor = format!("{}@sim.example", self.names[nth]);
        for registrar in REGISTRARS {
            self.world.registrar_at(registrar).forgive(&aor);
        }
    }

    fn toggle(&mut self, nth: usize) {
        let setup = self.setup.clone();
        let planned = &mut self.accounts[nth];
        planned.is_there = !planned.is_there;
        self.setup = if planned.is_there {
            setup.account(planned.account.clone())
        } else {
            setup.without(&self.names[nth])
        };
        self.world.reload(self.setup.clone());
    }

    fn restart(&mut self) {
        self.world.kill();
        self.world.run_for(Duration::from_millis(700));
        self.world.start();
        self.stopped = false;
    }

    /// A datagram that was overheard, damaged and sent again.
    fn hurt(&mut self, noise: u64) {
        let mut draw = Seed::from_number(noise).draw(1, 0);
        let lines = self.world.transcript().lines();
        let packets = lines.iter().rev().filter_map(|line| line.packet());
        let skipped = draw.below(4) as usize;
        let overheard = packets.map(|packet| packet.bytes.to_vec());
        let mut bytes = overheard
            .skip(skipped)
            .find(|it| !it.is_empty())
            .unwrap_or_else(|| vec![0]);
        for _ in 0..draw.below(5) {
            let place = draw.below(bytes.len() as u64) as usize;
            match draw.below(3) {
                0 => bytes[place] = draw.below(256) as u8,
                1 => bytes.insert(place, draw.below(256) as u8),
                _ => bytes.truncate(place.max(1)),
            }
        }
        let from = REGISTRARS[draw.below(3) as usize];
        self.world.inject(from, &bytes);
    }

    /// The Accounts that the engine has, leaving ones included.
    fn known(&self) -> Vec<String> {
        let known = self.names.iter().filter(|name| self.world.knows(name));
        known.cloned().collect()
    }

    fn check(&mut self) {
        let now = self.world.unix(self.world.now());
        let known = self.known();
        let mut phases = Vec::new();
        let mut ports = Vec::new();
        for name in &known {
            let status = self.world.status(name);
            if status.phase == Phase::Registered {
                let until = status
                    .binding_until
                    .expect("who is registered has a binding");
                assert!(
                    until >= now,
                    "{name} is registered until {until}: it is {now}"
                );
            }
            phases.push(status.phase);
            ports.extend(status.local.filter(|local| !plan::is_shared(*local)));
        }
        let is_at_work = |phase: &Phase| {
            matches!(
                phase,
                Phase::Registered
                    | Phase::Registering
                    | Phase::WaitingToRetry
                    | Phase::Unregistering
            )
        };
        assert!(
            !phases.contains(&Phase::WaitingForAnotherAccount) || phases.iter().any(is_at_work),
            "everybody waits for another one: {phases:?}"
        );
        let count = ports.len();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), count, "two Accounts have one port: {ports:?}");
        let bound = self.world.bound();
        let is_in_range =
            |it: &SocketAddr| plan::is_shared(*it) || plan::ALL_PORTS.contains(&it.port());
        assert!(bound.iter().all(is_in_range), "{bound:?}");
    }

    /// The registrars behave, the wires are clean, the disk works, everybody is configured.
    fn heal(&mut self) {
        let network = self.world.network();
        *network.usual() = Link::default();
        for address in REGISTRARS.into_iter().chain([PBX]) {
            *network.link(address) = Link::default();
        }
        self.world.store_fails(false);
        self.world.dns().mood(Mood::Answers);
        plan::resolve(&mut self.world, ALL);
        for port in plan::RANGE {
            let local = SocketAddr::new(LOCAL.ip(), port);
            self.world.take_address(local, false);
        }
        self.world.reload(self.setup.clone());
        let challenge = Challenge::www(Algorithm::Sha256, Some("auth"));
        for nth in 0..self.names.len() {
            self.forgive(nth);
        }
        for registrar in REGISTRARS {
            let registrar = self.world.registrar_at(registrar);
            registrar.behave(Behaviour::open().challenge(challenge.clone()));
        }
        if self.stopped {
            self.restart();
        }
        for nth in 0..self.names.len() {
            if !self.accounts[nth].is_there {
                self.toggle(nth);
            }
        }
    }

    /// Everybody finds back who should.
    fn end_well(&mut self) {
        self.heal();
        // What is in flight ends, late answers are over, and every member has been probed.
        self.world.run_for(Duration::from_secs(800));
        let unanswered = self.world.unanswered();
        assert!(unanswered.is_empty(), "never answered: {unanswered:?}");
        self.check();
        let names = self.names.clone();
        let is_meant = |phase| !matches!(phase, Phase::Unregistered | Phase::AuthenticationOnly);
        let (on, off): (Vec<_>, Vec<_>) = names
            .iter()
            .partition(|name| is_meant(self.world.status(name).phase));
        for name in &on {
            self.world.register_by_force(name);
        }
        self.world.run_for(Duration::from_secs(100));
        for name in &on {
            self.find_back(name);
        }
        let before: Vec<_> = names
            .iter()
            .map(|name| self.world.phases(name).len())
            .collect();
        self.world.run_for(Duration::from_secs(1_000));
        self.check();
        for name in off {
            assert!(!is_meant(self.world.status(name).phase), "{name} holds");
        }
        for (name, before) in names.iter().zip(before) {
            if self.world.status(name).phase == Phase::Registered {
                let phases = self.world.phases(name);
                assert_eq!(phases.len(), before, "{name} stays registered: {phases:?}");
            }
        }
    }

    /// Who has the right credentials is registered, and the registrar's table says so too.
    fn find_back(&mut self, name: &str) {
        let status = self.world.status(name);
        let nth = self.names.iter().position(|it| it == name).expect("a name");
        let Planned {
            is_right,
            is_avoiding,
            has_port,
            ..
        } = self.accounts[nth];
        if !is_right {
            assert_ne!(status.phase, Phase::Registered, "{name} has no credentials");
            if status.phase == Phase::WaitingToRetry {
                assert_eq!(status.temporary, Some(false), "somebody must act");
            }
            return;
        }
        let is_excused = match status.phase {
            Phase::Avoided => is_avoiding,
            Phase::NoPort => has_port,
            _ => false,
        };
        if is_excused {
            return;
        }
        assert_eq!(status.phase, Phase::Registered, "{name} finds back");
        let now = self.world.now();
        let registrar = status.registrar.expect("a registrar");
        let aor = status.aor.trim_start_matches("sip:");
        let bindings = self.world.registrar_at(registrar).bindings_of(aor, now);
        assert!(
            !bindings.is_empty(),
            "{name} is registered, and {registrar} does not know"
        );
    }
}
