//! Random lists of operations against the simulated world. What must hold needs no second
//! implementation:
//!
//! * never two REGISTERs of one Account in flight; CSeq rises within a Call-ID; with a store, none
//!   leaves above the limit on disk; outputs come in order; no deadline is in the past after a
//!   drain (the world checks);
//! * every command is answered exactly once;
//! * the published status is what is so, and nobody is *registered* beyond the end of the binding;
//! * when everything is well again, everybody who should be registered is, and stays it;
//! * the same seed gives the same transcript.
//!
//! A failure names its seed; `REGENT_SEED=n` replays that one, `REGENT_SEEDS=n` plays the first n.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};

use libtest_mimic::Trial;
use regent::config::UnregistrationMode;
use regent::effect::Phase;
use regent::rng::{Draw, Seed};
use regent::sim::{
    AccountSetup, Behaviour, Challenge, ContactAs, Link, Path, Proof, REGISTRAR, Setup, Shows,
    World,
};
use regent::sip::Algorithm;
use regent::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        random_operations_keep_what_must_hold_0,
        random_operations_keep_what_must_hold_1,
        random_operations_keep_what_must_hold_2,
        random_operations_keep_what_must_hold_3,
    ]
}

/// So many lists are tried in the normal suite.
const SEEDS: u64 = 200;
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

/// One step of a list.
#[derive(Debug)]
enum Operation {
    Wait(Duration),
    Register(usize, bool),
    Unregister(usize),
    Refresh(usize),
    Shutdown,
    Mood(usize),
    MoodFor(usize, usize),
    Forgive(usize),
    Wires(Link),
    Nat,
    Forget,
    Hostile(u64),
    Disk(bool),
    Kill,
    /// An Account leaves the configuration, or is there again.
    Toggle(usize),
    /// Another Contact User.
    Move(usize, u64),
    Clock(i64),
}

/// A world and what the list has done to it.
struct Play {
    world: World,
    setup: Setup,
    /// Every Account, and whether it is configured at the moment.
    accounts: Vec<(AccountSetup, bool)>,
    names: Vec<String>,
    registrars: Vec<SocketAddr>,
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
        let registrars = vec![REGISTRAR, "10.0.0.7:5060".parse().expect("an address")];
        let names: Vec<_> = (0..=draw.below(5)).map(|nth| format!("a{nth}")).collect();
        let mut setup = Setup::new().receive_buffer(4_096 << draw.below(5));
        let mut accounts = Vec::new();
        for (nth, name) in names.iter().enumerate() {
            let account = AccountSetup::new(name).at(registrars[nth % 2]);
            let account = match draw.below(8) {
                0 => account.password("wrong"),
                1 => account.without_credentials(),
                2 => account.credentials_only(),
                _ => account,
            };
            setup = setup.account(account.clone());
            accounts.push((account, true));
        }
        if draw.below(2) == 0 {
            setup = setup.store(Duration::from_millis(draw.below(300)));
        }
        let setup = setup.registration(|it| {
            it.registration_time_secs = [30, 60, 180, 3_600][draw.below(4) as usize];
            it.refresh_percent = 50 + draw.below(51) as u8;
            it.refresh_threshold_secs = draw.below(2) as u32 * 20;
            it.refresh_spread_percent = draw.below(3) as u8 * 20;
            it.registration_retry_secs = 10 + draw.below(40) as u32;
            it.max_registration_backoff_secs = draw.below(2) as u32 * 600;
            it.retry_jitter_percent = draw.below(3) as u8 * 25;
            it.sip_max_rtx = [1, 3, 7, 11][draw.below(4) as usize];
            it.unregister_on_shutdown = draw.below(2) == 0;
            if draw.below(3) == 0 {
                it.unregistration_mode = UnregistrationMode::All;
            }
            if draw.below(6) == 0 {
                it.minimum_algorithm = Algorithm::Sha256;
            }
        });
        let mut world = World::new(setup.clone(), seed);
        world.run_for(Duration::ZERO);
        Self {
            world,
            setup,
            accounts,
            names,
            registrars,
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
                for registrar in &self.registrars {
                    world.registrar_at(*registrar).behave(behaviour(mood));
                }
            }
            Operation::MoodFor(nth, mood) => {
                let aor = format!("{}@sim.example", self.names[nth]);
                for registrar in &self.registrars {
                    world
                        .registrar_at(*registrar)
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
                for registrar in &self.registrars {
                    world.registrar_at(*registrar).forget();
                }
            }
            Operation::Hostile(noise) => self.hurt(noise),
            Operation::Disk(fails) => world.store_fails(fails),
            Operation::Kill => self.restart(),
        }
    }

    fn forgive(&mut self, nth: usize) {
        let aor = format!("{}@sim.example", self.names[nth]);
        for registrar in &self.registrars {
            self.world.registrar_at(*registrar).forgive(&aor);
        }
    }

    fn toggle(&mut self, nth: usize) {
        let setup = self.setup.clone();
        let (account, is_there) = &mut self.accounts[nth];
        *is_there = !*is_there;
        self.setup = if *is_there {
            setup.account(account.clone())
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
        let from = self.registrars[draw.below(2) as usize];
        self.world.inject(from, &bytes);
    }

    /// The Accounts that the engine has, leaving ones included.
    fn known(&self) -> Vec<String> {
        let known = self.names.iter().filter(|name| self.world.knows(name));
        known.cloned().collect()
    }

    fn check(&mut self) {
        let now = self.world.unix(self.world.now());
        for name in self.known() {
            let status = self.world.status(&name);
            if status.phase == Phase::Registered {
                let until = status
                    .binding_until
                    .expect("who is registered has a binding");
                assert!(
                    until >= now,
                    "{name} is registered until {until}: it is {now}"
                );
            }
        }
    }

    /// The registrars behave, the wires are clean, the disk works, everybody is configured.
    fn heal(&mut self) {
        *self.world.network().usual() = Link::default();
        self.world.store_fails(false);
        let challenge = Challenge::www(Algorithm::Sha256, Some("auth"));
        for nth in 0..self.names.len() {
            self.forgive(nth);
        }
        for registrar in self.registrars.clone() {
            let registrar = self.world.registrar_at(registrar);
            registrar.behave(Behaviour::open().challenge(challenge.clone()));
        }
        if self.stopped {
            self.restart();
        }
        for nth in 0..self.names.len() {
            if !self.accounts[nth].1 {
                self.toggle(nth);
            }
        }
    }

    /// Everybody finds back who should.
    fn end_well(&mut self) {
        self.heal();
        // What is in flight ends, and late answers are over.
        self.world.run_for(Duration::from_secs(100));
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
        let right = AccountSetup::new(name).at(self.registrars[nth % 2]);
        if self.accounts[nth].0 != right {
            assert_eq!(
                status.phase,
                Phase::WaitingToRetry,
                "{name} has no credentials"
            );
            assert_eq!(status.temporary, Some(false), "somebody must act");
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

fn operation(draw: &mut Draw, accounts: usize) -> Operation {
    let nth = draw.below(accounts as u64) as usize;
    let mood = draw.below(MOODS) as usize;
    match draw.below(100) {
        0..45 => Operation::Wait(wait(draw)),
        45..51 => Operation::Register(nth, draw.below(2) == 0),
        51..55 => Operation::Unregister(nth),
        55..59 => Operation::Refresh(nth),
        59 => Operation::Shutdown,
        60..70 => Operation::Mood(mood),
        70..75 => Operation::MoodFor(nth, mood),
        75..77 => Operation::Forgive(nth),
        77..84 => Operation::Wires(link(draw)),
        84 => Operation::Nat,
        85 => Operation::Forget,
        86..92 => Operation::Hostile(draw.number()),
        92..94 => Operation::Disk(draw.below(3) == 0),
        94 => Operation::Clock([-7_200_000, -1_500, 900, 4_000_000][draw.below(4) as usize]),
        95 => Operation::Move(nth, draw.below(3)),
        96..98 => Operation::Toggle(nth),
        _ => Operation::Kill,
    }
}

/// From an instant to ten minutes, short ones more often.
fn wait(draw: &mut Draw) -> Duration {
    let longest = [1, 50, 1_000, 10_000, 60_000, 600_000][draw.below(6) as usize];
    Duration::from_micros(draw.below(longest * 1_000))
}

fn link(draw: &mut Draw) -> Link {
    let mut path = || Path {
        latency: Duration::from_millis(draw.below(120)),
        jitter: Duration::from_millis(draw.below(80)),
        loss_percent: (draw.below(2) * draw.below(60)) as u8,
        duplicate_percent: (draw.below(2) * draw.below(60)) as u8,
        reorder_percent: (draw.below(2) * draw.below(60)) as u8,
        held_back: Duration::from_millis(draw.below(2_000)),
        drop_every: 0,
        cut: draw.below(8) == 0,
    };
    Link {
        out: path(),
        back: path(),
        closed: draw.below(10) == 0,
    }
}

/// So many moods there are.
const MOODS: u64 = 27;

fn behaviour(mood: usize) -> Behaviour {
    let other = "<sip:other@192.0.2.9>;expires=15";
    let outside = "203.0.113.1:1024".parse().expect("an address");
    let sha = Challenge::proxy(Algorithm::Sha512_256Sess, Some("auth-int,auth"));
    match mood {
        0 => Behaviour::open(),
        1 => Behaviour::silence(),
        2 => Behaviour::refusing(403),
        3 => Behaviour::refusing(404),
        4 => Behaviour::refusing(500),
        5 => Behaviour::refusing(503).with("Retry-After", "77"),
        6 => Behaviour::refusing(600),
        7 => Behaviour::refusing(302).with("Contact", "<sip:10.0.0.9>"),
        8 => Behaviour::refusing(420).with("Unsupported", "path"),
        9 => Behaviour::refusing(423).with("Min-Expires", "99999"),
        10 => Behaviour::digest().min_expires(600),
        11 => Behaviour::digest().stale(1),
        12 => Behaviour::digest().stale(9),
        13 => Behaviour::digest().next_nonce().proof(Proof::Right),
        14 => Behaviour::digest().proof(Proof::Wrong),
        15 => Behaviour::digest().grants(20),
        16 => Behaviour::digest().grants(0),
        17 => Behaviour::digest().late(Duration::from_millis(1_700)),
        18 => Behaviour::digest().late(Duration::from_secs(40)).trying(),
        19 => Behaviour::digest().copies(3),
        20 => Behaviour::digest()
            .contact(ContactAs::Source)
            .lists_before(other),
        21 => Behaviour::digest()
            .contact(ContactAs::Unmarked(outside))
            .lists_after(other),
        22 => Behaviour::digest()
            .contact(ContactAs::Hidden)
            .shows(Shows::Header),
        23 => Behaviour::open()
            .challenge(sha)
            .nonce_lifetime(Duration::from_secs(30)),
        24 => Behaviour::open().garbage(b"\0\xff what?\r\n\r\n"),
        25 => Behaviour::digest().drop_every(3),
        _ => Behaviour::digest(),
    }
}
