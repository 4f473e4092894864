//! The world that plays a row, and what left it.

use std::net::{IpAddr, SocketAddr};

use regent::config::{
    Account, KeepAlive, ProxyAddress, ProxySet, Redundancy, SearchMode, Stickiness,
};
use regent::effect::Trigger;
use regent::sim::{AccountSetup, Behaviour, Packet, Setup, World};
use regent::status::Health;
use regent::time::{Duration, Instant};

use super::case::{ASKED, Case, Dated, Event, HORIZON, Mode, Result, Sent, Takes, Upkeep};

const NAMES: [&str; 3] = ["x.example", "y.example", "z.example"];

fn host(member: usize) -> IpAddr {
    [10, 0, 1, member as u8 + 1].into()
}

fn address(member: usize) -> SocketAddr {
    SocketAddr::new(host(member), 5060)
}

/// Plays a case from its start to the horizon.
pub(super) fn play(case: &Case) -> Result {
    let mut world = begin(case);
    world.run_until(Instant::from_secs(HORIZON));
    Result {
        sent: sent(&world),
        phase: phase(&world),
    }
}

/// What keep-alive tells, and whether that member is online just before, and just after.
pub(super) fn online_around(case: &Case) -> Vec<(Dated, bool, bool)> {
    let (mut early, mut late) = (begin(case), begin(case));
    let is_online = |world: &mut World, at_ms: u64, member: usize| {
        world.run_until(Instant::from_millis(at_ms));
        world.member(address(member)).health != Health::Unreachable
    };
    let around = |&(at, event): &Dated| {
        let (Event::Online(member) | Event::Offline(member)) = event else {
            panic!("keep-alive does not tell {event:?}");
        };
        let before = is_online(&mut early, at - 501, member);
        let after = is_online(&mut late, at + 1, member);
        ((at, event), before, after)
    };
    case.found().iter().map(around).collect()
}

fn begin(case: &Case) -> World {
    let mut world = World::new(setup(case), 1);
    let wire = world.network().usual();
    (wire.out.latency, wire.back.latency) = (Duration::ZERO, Duration::ZERO);
    world.dns().latency(Duration::ZERO);
    for (member, name) in NAMES.iter().enumerate() {
        world
            .registrar_at(address(member))
            .behave(Behaviour::open());
        world.dns().addresses(name, 60, &[host(member)]);
    }
    let situation = case.situation;
    for &(at, member, takes) in situation.turns {
        let turn = move |world: &mut World| happen(world, member, takes);
        if at == 0 {
            turn(&mut world);
        } else {
            world.at(Instant::from_secs(at), turn);
        }
    }
    for &(at, event) in situation.events {
        match event {
            // The name is asked once a minute; a name that is gone would be kept, so it moves.
            Event::Leaves(gone) => world.at(Instant::from_millis(at - 30_000), move |world| {
                let other = host((gone + 1) % NAMES.len());
                world.dns().addresses(NAMES[gone], 60, &[other]);
            }),
            Event::InviteFails => world.at(Instant::from_millis(at), invite_fails),
            Event::Online(_) | Event::Offline(_) => panic!("a registrar's own turns say so"),
        }
    }
    world
}

fn invite_fails(world: &mut World) {
    let registrar = world.current_status("main").registrar;
    let code = 408;
    world.trigger("main", Trigger::InviteFailed { code, registrar });
}

fn happen(world: &mut World, member: usize, takes: Takes) {
    let link = world.network().link(address(member));
    link.closed = takes == Takes::Closed;
    link.out.cut = takes == Takes::Silence;
    let behaviour = match takes {
        Takes::Well | Takes::Closed | Takes::Silence => Behaviour::open(),
        Takes::Code(code) => Behaviour::refusing(code),
        Takes::Refuses => Behaviour::digest().refuse(403).once_authenticated(),
    };
    world.registrar_at(address(member)).behave(behaviour);
}

fn setup(case: &Case) -> Setup {
    let Case {
        mode,
        upkeep,
        hot_swap,
        situation,
    } = *case;
    let is_leaving = |dated: &Dated| matches!(dated.1, Event::Leaves(_));
    let has_names = situation.events.iter().any(is_leaving);
    let account = AccountSetup::new("main")
        .options(move |account| configure(account, mode))
        .set(move |set| upkeeping(set, (upkeep, hot_swap, has_names)));
    Setup::new()
        .registration(|rules| rules.registration_time_secs = ASKED as u32)
        .account(account)
}

fn configure(account: &mut Account, mode: Mode) {
    account.re_register_on_invite_failure = true;
    (account.registrar_stickiness, account.registrar_search_mode) = match mode {
        Mode::Disable => (Stickiness::Disable, SearchMode::CurrentServer),
        Mode::NonRegister => (Stickiness::EnableForNonRegister, SearchMode::CurrentServer),
        Mode::Enable => (Stickiness::Enable, SearchMode::CurrentServer),
        Mode::Ims => (Stickiness::Enable, SearchMode::Ims),
        Mode::Avoid => (Stickiness::Enable, SearchMode::Avoid),
        Mode::AvoidNonRegister => (Stickiness::EnableForNonRegister, SearchMode::Avoid),
    };
}

fn upkeeping(set: &mut ProxySet, (upkeep, hot_swap, has_names): (Upkeep, bool, bool)) {
    set.proxies = if has_names {
        NAMES.map(|name| ProxyAddress::named(name, None)).into()
    } else {
        [0, 1, 2]
            .map(|member| ProxyAddress::at(address(member)))
            .into()
    };
    set.hot_swap = hot_swap;
    set.redundancy = match upkeep {
        Upkeep::Homing => Redundancy::Homing,
        _ => Redundancy::Parking,
    };
    set.keep_alive = match upkeep {
        Upkeep::Blind => KeepAlive::Disable,
        Upkeep::Parking | Upkeep::Homing => KeepAlive::Options,
        Upkeep::OnActive => KeepAlive::OptionsOnActive,
        Upkeep::Register => KeepAlive::Register,
        Upkeep::FakeRegister => KeepAlive::FakeRegister,
    };
}

/// The REGISTERs of the Account as they first left; the repeat with credentials is the same one.
fn sent(world: &World) -> Vec<Sent> {
    let is_one = |packet: &Packet| packet.summary.is_register() && packet.repeat == 0;
    let ours = world
        .transcript()
        .sent(0)
        .filter(|(_, line, packet)| line.account.is_some() && is_one(packet));
    let read = |packet: &Packet| {
        let to = (0..3).find(|member| address(*member) == packet.remote);
        (
            to.expect("a member"),
            packet.summary.expires.expect("an Expires").into(),
        )
    };
    let bare = ours.filter(|(_, _, packet)| packet.summary.credentials.is_empty());
    bare.map(|(_, line, packet)| {
        let (to, asked) = read(packet);
        ((line.at - Instant::ZERO).as_millis() as u64, to, asked)
    })
    .collect()
}

fn phase(world: &World) -> String {
    let status = world.current_status("main");
    let word = serde_json::to_string(&status.phase).expect("a word");
    let word = word.trim_matches('"').replace('-', " ");
    let bound = status.binding_until.and(status.registrar);
    match (0..3).find(|member| bound == Some(address(*member))) {
        Some(member) => format!("{word} at {}", ["X", "Y", "Z"][member]),
        None => word,
    }
}
