//! What can happen in a list, and how often.

use regent::config::SyncMode;
use regent::effect::Trigger;
use regent::rng::Draw;
use regent::sim::{Link, Path};
use regent::time::Duration;

use super::behaviours::MOODS;
use super::plan::{HOSTS, RANGE, REGISTRARS};

/// One step of a list.
#[derive(Debug)]
pub(super) enum Operation {
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
    /// Nobody listens at one registrar, or somebody does.
    WireOf(usize, bool),
    MoodOf(usize, usize),
    /// Nobody listens at the served group's address, or somebody does.
    Served(bool),
    /// Another program takes a port, or gives it back.
    Port(u16, bool),
    /// The name has other addresses.
    Resolve(&'static [usize]),
    NoDns(bool),
    LinkUp,
    Trigger(usize, Trigger),
    Sync(SyncMode),
    /// Another configuration, of a kind that chance chooses, for one Account or for all.
    Reload(usize, u64),
}

pub(super) fn operation(draw: &mut Draw, accounts: usize) -> Operation {
    if draw.below(4) == 0 {
        return newer(draw, accounts);
    }
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

/// What concerns several members, ports, groups and links.
fn newer(draw: &mut Draw, accounts: usize) -> Operation {
    let nth = draw.below(accounts as u64) as usize;
    let member = draw.below(REGISTRARS.len() as u64) as usize;
    match draw.below(37) {
        0..7 => Operation::WireOf(member, draw.below(2) == 0),
        7..13 => Operation::MoodOf(member, draw.below(MOODS) as usize),
        13..16 => Operation::Served(draw.below(2) == 0),
        16..19 => {
            let port = RANGE.start() + draw.below(RANGE.len() as u64) as u16;
            Operation::Port(port, draw.below(2) == 0)
        }
        19..22 => Operation::Resolve(HOSTS[draw.below(HOSTS.len() as u64) as usize]),
        22 => Operation::NoDns(draw.below(2) == 0),
        23..25 => Operation::LinkUp,
        25..28 => Operation::Trigger(nth, trigger(draw)),
        28..36 => Operation::Reload(nth, draw.number()),
        _ => Operation::Sync([SyncMode::Disable, SyncMode::Enable][draw.below(2) as usize]),
    }
}

fn trigger(draw: &mut Draw) -> Trigger {
    let address = REGISTRARS[draw.below(REGISTRARS.len() as u64) as usize];
    match draw.below(4) {
        0 | 1 => Trigger::InviteFailed {
            code: [403, 408, 480, 500][draw.below(4) as usize],
            registrar: (draw.below(3) > 0).then_some(address),
        },
        2 => Trigger::InviteFrom { from: address },
        _ => Trigger::ConnectionLost,
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
