//! Refreshes of many Accounts do not come back as a storm (rule L9).

use std::collections::BTreeMap;

use libtest_mimic::Trial;
use regent::sim::{Behaviour, Setup, World, at};
use regent::time::{Duration, Instant};

use super::world;

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        without_a_spread_every_refresh_is_at_its_time,
        a_spread_moves_refreshes_earlier_within_its_share,
        a_spread_fills_the_least_loaded_seconds,
        the_storm_does_not_come_back,
        the_same_seed_spreads_the_same,
        a_short_grant_is_spread_within_its_share_too,
    ]
}

fn without_a_spread_every_refresh_is_at_its_time() {
    let mut world = world(Setup::many(102), Behaviour::digest());
    world.run_until(at("100"));
    for (registered, refresh) in refreshes(&world).values() {
        assert_eq!(*refresh - *registered, Duration::from_secs(90));
    }
}

fn a_spread_moves_refreshes_earlier_within_its_share() {
    let mut world = world(spread(20), Behaviour::digest().grants(3_600));
    world.run_until(at("1900"));
    let refreshes = refreshes(&world);
    assert_eq!(refreshes.len(), 1_000);
    let share = Duration::from_secs(1_440)..=Duration::from_secs(1_800);
    for (name, (registered, refresh)) in &refreshes {
        let waited = *refresh - *registered;
        // A window that is full may send later than due; these come one by one.
        assert!(share.contains(&waited), "{name}: {waited:?}");
    }
}

fn a_spread_fills_the_least_loaded_seconds() {
    let mut world = world(spread(20), Behaviour::digest().grants(3_600));
    world.run_until(at("1900"));
    let most = load(&world, at("1000")).into_values().max();
    assert!(
        most.is_some_and(|most| most <= 4),
        "{most:?} in one second of 360 for 1,000"
    );
}

fn the_storm_does_not_come_back() {
    let mut world = world(spread(20), Behaviour::digest().grants(3_600));
    world.run_until(at("9000"));
    let most = load(&world, at("5400")).into_values().max();
    assert!(
        most.is_some_and(|most| most <= 8),
        "{most:?} in one second, three cycles later"
    );
}

fn the_same_seed_spreads_the_same() {
    let run = || {
        let mut world = world(spread(20), Behaviour::digest().grants(3_600));
        world.run_until(at("1900"));
        world.transcript().to_string()
    };
    assert!(run() == run(), "two runs differ");
}

fn a_short_grant_is_spread_within_its_share_too() {
    let mut world = world(spread(50), Behaviour::digest().grants(20));
    world.run_until(at("30"));
    let share = Duration::from_secs(5)..=Duration::from_millis(10_500);
    for (name, (registered, refresh)) in &refreshes(&world) {
        let waited = *refresh - *registered;
        assert!(share.contains(&waited), "{name}: {waited:?}");
    }
    assert_eq!(world.registrar().counts().retransmissions, 0);
}

fn spread(percent: u8) -> Setup {
    Setup::many(1_000).registration(|it| it.refresh_spread_percent = percent)
}

/// For each Account: when its first 200 arrived, and when its first refresh left.
fn refreshes(world: &World) -> BTreeMap<String, (Instant, Instant)> {
    let mut sends: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    for (_, line, _) in world.transcript().sent(0) {
        let name = line.account.as_deref().expect("an owner").to_owned();
        sends.entry(name).or_default().push(line.at);
    }
    let round_trip = Duration::from_millis(20);
    let third = |times: Vec<Instant>| Some((*times.get(1)? + round_trip, *times.get(2)?));
    let first = sends
        .into_iter()
        .filter_map(|(name, times)| Some((name, third(times)?)));
    first.collect()
}

/// How many REGISTERs left in each second from then on.
fn load(world: &World, from: Instant) -> BTreeMap<u64, u32> {
    let mut load = BTreeMap::new();
    let late = world
        .transcript()
        .sent(0)
        .filter(|(_, line, _)| line.at >= from);
    for (_, line, _) in late {
        *load.entry(line.at.as_secs()).or_insert(0) += 1;
    }
    load
}
