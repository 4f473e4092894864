//! Which member is the current one, and how requests are shared (rule P6).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{KeepAlive, LoadBalancing, ProxySet, Redundancy};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at, sent};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_set_that_parks_stays_at_the_member_that_it_went_to,
        a_set_that_homes_goes_back_to_its_best_member,
        homing_takes_keep_alive_by_options,
        round_robin_gives_each_online_member_its_turn,
        a_shared_set_is_online_while_so_many_members_are,
    ]
}

const SECOND: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);
const THIRD: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5063);

fn brief(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.failure_detection_retransmissions = Some(0);
}

fn quiet(change: impl Fn(&mut ProxySet) + Send + Sync + 'static) -> Setup {
    let account = AccountSetup::new("main").or_at(SECOND).or_at(THIRD);
    Setup::new().account(account.credentials_only()).set(change)
}

/// The current member, whose fellows are not.
fn current(world: &World) -> Option<SocketAddr> {
    let set = world.set_at(REGISTRAR);
    let current: Vec<_> = set.members.iter().filter(|it| it.is_current).collect();
    assert!(current.len() <= 1);
    current.first().map(|member| member.address)
}

/// The first member is away from 10 to 100.
fn first_is_away(setup: Setup) -> World {
    let mut world = World::new(setup, 1);
    world.run_until(at("10"));
    assert_eq!(current(&world), Some(REGISTRAR));
    world.registrar().behave(Behaviour::silence());
    world.run_until(at("60.499999"));
    assert_eq!(current(&world), Some(REGISTRAR));
    world.run_until(at("60.5"));
    assert_eq!(current(&world), Some(SECOND));
    world.run_until(at("100"));
    world.registrar().behave(Behaviour::open());
    world.run_until(at("130.019999"));
    assert_eq!(current(&world), Some(SECOND));
    world.run_until(at("130.020"));
    world
}

// rule P6
fn a_set_that_parks_stays_at_the_member_that_it_went_to() {
    let mut world = first_is_away(quiet(brief));
    assert_eq!(current(&world), Some(SECOND));
    world.run_until(at("150"));
    world.registrar_at(SECOND).behave(Behaviour::silence());
    world.run_until(at("180.5"));
    assert_eq!(current(&world), Some(REGISTRAR));
}

// rule P6
fn a_set_that_homes_goes_back_to_its_best_member() {
    let world = first_is_away(quiet(|set| {
        brief(set);
        set.redundancy = Redundancy::Homing;
    }));
    assert_eq!(current(&world), Some(REGISTRAR));
}

// rule P6
fn homing_takes_keep_alive_by_options() {
    let world = first_is_away(quiet(|set| {
        brief(set);
        set.keep_alive = KeepAlive::FakeRegister;
        set.redundancy = Redundancy::Homing;
    }));
    assert_eq!(current(&world), Some(SECOND));
}

// rule P6
fn round_robin_gives_each_online_member_its_turn() {
    let mut setup = Setup::new().set(|set| {
        brief(set);
        set.load_balancing = LoadBalancing::RoundRobin;
    });
    for name in ["a", "b", "c", "d", "e"] {
        setup = setup.account(AccountSetup::new(name).or_at(SECOND).or_at(THIRD));
    }
    let mut world = World::new(setup, 1);
    for member in [REGISTRAR, SECOND, THIRD] {
        world.registrar_at(member).behave(Behaviour::open());
    }
    world.run_until(at("10"));
    let now = world.now();
    let bound = |world: &mut World, member| world.registrar_at(member).bindings(now).count();
    let counts = [REGISTRAR, SECOND, THIRD].map(|member| bound(&mut world, member));
    assert_eq!(counts, [2, 2, 1]);
}

// rule P6
fn a_shared_set_is_online_while_so_many_members_are() {
    let mut world = World::new(
        quiet(|set| {
            brief(set);
            set.load_balancing = LoadBalancing::RandomWeights;
            set.min_active_servers = 2;
        }),
        1,
    );
    let is_online = |world: &World| world.set_at(REGISTRAR).is_online;
    world.registrar_at(THIRD).behave(Behaviour::silence());
    for member in [REGISTRAR, SECOND, THIRD] {
        world.expect_at("0", sent("OPTIONS").to(member));
    }
    world.run_until(at("0.020"));
    assert_eq!((is_online(&world), current(&world)), (Some(true), None));
    world.registrar_at(SECOND).behave(Behaviour::silence());
    world.run_until(at("60.499999"));
    assert_eq!(is_online(&world), Some(true));
    world.run_until(at("60.5"));
    assert_eq!(is_online(&world), Some(false));
    world.registrar_at(SECOND).behave(Behaviour::open());
    world.run_until(at("130.020"));
    assert_eq!(is_online(&world), Some(true));
}
