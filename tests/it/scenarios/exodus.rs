//! A thousand Accounts, or ten thousand, whose first registrar dies and comes back (rules P4, L6,
//! S8, S14). Everybody moves, and nobody in a storm.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use libtest_mimic::Trial;
use regent::config::{
    Account, KeepAlive, MoveWhenLost, Redundancy, Registration, SearchMode, Stickiness,
};
use regent::effect::{Event, Phase};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, UNIX_MS_AT_ZERO, What, World};
use regent::status::Health;
use regent::time::{Duration, Instant};

use crate::harness::LONG;

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        a_thousand_leave_a_dead_registrar_at_once,
        a_thousand_leave_it_with_their_next_register,
        a_thousand_come_home_each_in_its_time,
    ];
    trials.extend(trials![[LONG];
        ten_thousand_leave_a_dead_registrar_at_once,
        ten_thousand_leave_it_with_their_next_register,
        ten_thousand_come_home_each_in_its_time,
    ]);
    trials
}

const X: SocketAddr = REGISTRAR;
const Y: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);
/// X is silent from here on, and answers again from there.
const DIES: Instant = Instant::from_secs(100);
const BACK: Instant = Instant::from_secs(160);

/// X is probed every 5 s and given up 3.5 s after a probe that it does not answer.
fn begin(
    accounts: usize,
    rules: impl FnOnce(&mut Registration),
    options: impl Fn(&mut Account) + Clone + Send + Sync + 'static,
) -> World {
    let mut setup = Setup::new().set(|set| {
        set.keep_alive = KeepAlive::Options;
        set.keep_alive_secs = 5;
        set.failure_detection_retransmissions = Some(2);
        set.success_detection_interval_secs = 1;
        set.redundancy = Redundancy::Homing;
    });
    for number in 0..accounts {
        let account = AccountSetup::new(&format!("a{number:05}")).or_at(Y);
        setup = setup.account(account.options(options.clone()));
    }
    let setup = setup.registration(|it| {
        it.registration_time_secs = 120;
        it.refresh_spread_percent = 20;
        rules(it);
    });
    let mut world = World::new(setup, 1);
    let wire = world.network().usual();
    wire.out.latency = Duration::from_millis(1);
    wire.back.latency = Duration::from_millis(1);
    for registrar in [X, Y] {
        world.registrar_at(registrar).behave(Behaviour::digest());
    }
    world.at(DIES, |world| {
        let probes = Behaviour::silence();
        world.registrar_at(X).behave_to_probes(probes);
        world.registrar_at(X).behave(Behaviour::silence());
    });
    world.at(BACK, |world| {
        let probes = Behaviour::open();
        world.registrar_at(X).behave_to_probes(probes);
        world.registrar_at(X).behave(Behaviour::digest());
    });
    world
}

fn a_thousand_leave_a_dead_registrar_at_once() {
    leave_at_once(1_000);
}

fn ten_thousand_leave_a_dead_registrar_at_once() {
    leave_at_once(10_000);
}

// rules S14, P4, L6
fn leave_at_once(accounts: usize) {
    let at_once = |rules: &mut Registration| {
        rules.move_when_registrar_lost = MoveWhenLost::AtOnce;
    };
    let sticky = |account: &mut Account| account.registrar_stickiness = Stickiness::Enable;
    let mut world = begin(accounts, at_once, sticky);
    world.run_until(BACK);
    let verdict = verdict(&world);
    world.run_until(Instant::from_secs(195));
    let story = Story::of(&world);
    story.assert_calm(verdict, accounts);
    let arrivals = story.first_grants(Y, verdict);
    assert_eq!(arrivals.len(), accounts);
    let last = arrivals.values().max().copied().unwrap_or(verdict);
    assert!(
        last <= verdict + Duration::from_secs(2),
        "{last:?} {verdict:?}"
    );
    // A challenge and its answer each, and then one refresh: nobody goes back.
    assert_eq!(story.sent(X, verdict).count(), 0);
    assert_eq!(story.sent(Y, verdict).count(), 3 * accounts);
    story.assert_no_storm(Y, verdict + Duration::from_secs(5), accounts);
}

fn a_thousand_leave_it_with_their_next_register() {
    leave_in_turn(1_000);
}

fn ten_thousand_leave_it_with_their_next_register() {
    leave_in_turn(10_000);
}

// rules S14, L5, L9
fn leave_in_turn(accounts: usize) {
    let next = |rules: &mut Registration| {
        rules.move_when_registrar_lost = MoveWhenLost::NextRegister;
    };
    let sticky = |account: &mut Account| account.registrar_stickiness = Stickiness::Enable;
    let mut world = begin(accounts, next, sticky);
    world.run_until(BACK);
    let verdict = verdict(&world);
    world.run_until(Instant::from_secs(230));
    let story = Story::of(&world);
    story.assert_calm(verdict, accounts);
    assert_eq!(story.sent(X, verdict).count(), 0);
    let (before, after) = (story.last_grants(X), story.first_grants(Y, DIES));
    assert_eq!((before.len(), after.len()), (accounts, accounts));
    for (name, at) in &after {
        // Half of 120 s, up to a fifth of that earlier. What was under way when the registrar fell
        // silent moves when that has failed.
        let waited = at.since(before[name]).as_secs_f64();
        assert!((48.0..60.0 + 33.0).contains(&waited), "{name} {waited}");
    }
    let own = |name: &&Arc<str>| after[*name].since(before[*name]) < Duration::from_secs(61);
    let in_time = after.keys().filter(own).count();
    assert!(
        in_time * 10 > accounts * 9,
        "{in_time} of {accounts} moved with their refresh"
    );
    story.assert_no_storm(Y, DIES, accounts);
}

fn a_thousand_come_home_each_in_its_time() {
    come_home(1_000);
}

fn ten_thousand_come_home_each_in_its_time() {
    come_home(10_000);
}

// rules S8, S9
fn come_home(accounts: usize) {
    let grace = |rules: &mut Registration| rules.account_registrar_avoidance_secs = 20;
    let avoiding = |account: &mut Account| {
        account.registrar_stickiness = Stickiness::Enable;
        account.registrar_search_mode = SearchMode::Avoid;
    };
    let mut world = begin(accounts, grace, avoiding);
    world.run_until(BACK);
    let verdict = verdict(&world);
    world.run_until(Instant::from_secs(260));
    let story = Story::of(&world);
    story.assert_calm(verdict, accounts);
    let before = story.last_grants_before(X, BACK);
    let home = story.first_grants(X, BACK);
    assert_eq!(home.len(), accounts);
    for (name, at) in &home {
        // The end of what was granted, and the grace: 120 s and 20 s. A wire and its answer are
        // 2 ms, and the pace is the rest.
        let late = at.since(before[name] + Duration::from_secs(140));
        assert!(late < Duration::from_secs(1), "{name} {late:?}");
        assert!(
            *at >= before[name] + Duration::from_secs(140),
            "{name} avoids it still"
        );
    }
    story.assert_no_storm(X, BACK, accounts);
    story.assert_no_storm(Y, DIES, accounts);
}

/// When X was found to be offline.
fn verdict(world: &World) -> Instant {
    let (_, set) = world.published_set(X).expect("a status");
    let member = set.members.iter().find(|it| it.address == X);
    let member = member.expect("a member");
    assert_eq!(member.health, Health::Unreachable);
    let millis = u64::try_from(member.since.0 - UNIX_MS_AT_ZERO).expect("after the start");
    let verdict = Instant::from_millis(millis);
    // A probe each 5 s, which fails where its fourth send would have left.
    assert!(
        verdict <= DIES + Duration::from_millis(8_500),
        "{verdict:?}"
    );
    verdict
}

/// What happened, as far as it is of interest here.
#[derive(Default)]
struct Story {
    /// REGISTERs that left, repeats included.
    sent: Vec<(Instant, SocketAddr, u32)>,
    probes: Vec<(Instant, SocketAddr, u32)>,
    granted: Vec<(Instant, SocketAddr, Arc<str>)>,
    lost: usize,
}

impl Story {
    fn of(world: &World) -> Self {
        let mut story = Self::default();
        for line in world.transcript().lines() {
            match &line.what {
                What::Sent(packet) if packet.summary.is_register() => {
                    story.sent.push((line.at, packet.remote, packet.repeat));
                }
                What::Sent(packet) => {
                    story.probes.push((line.at, packet.remote, packet.repeat));
                }
                What::Received(packet) if packet.summary.code() == Some(200) => {
                    let name = line.account.clone();
                    story
                        .granted
                        .extend(name.map(|name| (line.at, packet.remote, name)));
                }
                What::Event(Event::PhaseChanged { from, .. }) => {
                    story.lost += usize::from(*from == Phase::Registered);
                }
                _ => {}
            }
        }
        story
    }

    /// REGISTERs to a registrar after an instant, without repeats.
    fn sent(&self, to: SocketAddr, from: Instant) -> impl Iterator<Item = Instant> + '_ {
        let sent = self.sent.iter();
        let sent =
            sent.filter(move |(at, remote, again)| *remote == to && *at >= from && *again == 0);
        sent.map(|(at, ..)| *at)
    }

    fn first_grants(&self, by: SocketAddr, from: Instant) -> BTreeMap<Arc<str>, Instant> {
        let granted = self.granted.iter().rev();
        let granted = granted.filter(|(at, remote, _)| *remote == by && *at > from);
        granted.map(|(at, _, name)| (name.clone(), *at)).collect()
    }

    fn last_grants(&self, by: SocketAddr) -> BTreeMap<Arc<str>, Instant> {
        self.last_grants_before(by, Instant::FAR)
    }

    fn last_grants_before(&self, by: SocketAddr, until: Instant) -> BTreeMap<Arc<str>, Instant> {
        let granted = self.granted.iter();
        let granted = granted.filter(|(at, remote, _)| *remote == by && *at < until);
        granted.map(|(at, _, name)| (name.clone(), *at)).collect()
    }

    /// Nobody lost a binding, nothing was sent twice to who answers, one probe at a time went to
    /// who does not.
    #[track_caller]
    fn assert_calm(&self, verdict: Instant, accounts: usize) {
        assert_eq!(self.lost, 0, "nobody ceases to be registered");
        let again = |(at, to, repeat): &&(Instant, SocketAddr, u32)| {
            *repeat > 0 && (*to != X || *at < DIES || *at > BACK)
        };
        assert_eq!(self.sent.iter().find(again), None);
        let before = self
            .sent
            .iter()
            .filter(|(at, ..)| *at < Instant::from_secs(10));
        assert_eq!(
            before.count(),
            2 * accounts,
            "a challenge and its answer each"
        );
        let dead = |(at, to, repeat): &&(Instant, SocketAddr, u32)| {
            *to == X && *repeat == 0 && *at > verdict && *at < BACK
        };
        let probes: Vec<Instant> = self
            .probes
            .iter()
            .filter(dead)
            .map(|(at, ..)| *at)
            .collect();
        let apart = probes.windows(2).map(|pair| pair[1].since(pair[0]));
        let apart = apart.min().expect("it is probed");
        assert!(apart >= Duration::from_millis(3_500), "{apart:?}");
    }

    /// From then on no second has more than half as much again as an even spread gives it.
    #[track_caller]
    fn assert_no_storm(&self, to: SocketAddr, from: Instant, accounts: usize) {
        let mut seconds: BTreeMap<u64, usize> = BTreeMap::new();
        for at in self.sent(to, from) {
            *seconds.entry(at.as_secs()).or_default() += 1;
        }
        // A fifth of 60 s; who moves is challenged, and sends twice.
        let even = accounts.div_ceil(12);
        let most = seconds.values().max().copied().unwrap_or_default();
        assert!(
            most <= even * 3,
            "{most} in a second; even is {even}: {seconds:?}"
        );
    }
}
