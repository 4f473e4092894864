//! Stories about a set with three members, X, Y and Z, told as lines of REGISTERs: `0 X, 90 X Y`.
//!
//! Wires take no time, nobody challenges, and a refresh is due 90 s after its 200. A line is all
//! that left, so what is not in it did not leave.

use std::net::SocketAddr;

use regent::config::{Account, KeepAlive, ProxySet, SearchMode, Stickiness};
use regent::effect::Trigger;
use regent::sim::{AccountSetup, Behaviour, Line, Packet, REGISTRAR, Setup, World, at};
use regent::time::{Duration, Instant};

pub(super) const X: SocketAddr = REGISTRAR;
pub(super) const Y: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);
pub(super) const Z: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5063);

/// How an Account follows its binding, in the words of rule S14's table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Disable,
    NonRegister,
    Enable,
    Ims,
    Avoid,
}

pub(super) const MODES: [Mode; 5] = [
    Mode::Disable,
    Mode::NonRegister,
    Mode::Enable,
    Mode::Ims,
    Mode::Avoid,
];

impl Mode {
    pub(super) fn apply(self, account: &mut Account) {
        account.registrar_stickiness = match self {
            Self::Disable => Stickiness::Disable,
            Self::NonRegister => Stickiness::EnableForNonRegister,
            Self::Enable | Self::Ims | Self::Avoid => Stickiness::Enable,
        };
        account.registrar_search_mode = match self {
            Self::Disable | Self::NonRegister | Self::Enable => SearchMode::CurrentServer,
            Self::Ims => SearchMode::Ims,
            Self::Avoid => SearchMode::Avoid,
        };
    }
}

/// `main` at X, Y and Z.
pub(super) fn three(mode: Mode) -> Setup {
    let account = AccountSetup::new("main").or_at(Y).or_at(Z);
    Setup::new().account(account.options(move |account| mode.apply(account)))
}

/// `main` at X alone.
pub(super) fn alone(mode: Mode) -> Setup {
    let account = AccountSetup::new("main");
    Setup::new().account(account.options(move |account| mode.apply(account)))
}

/// Probes that leave once, each minute.
pub(super) fn probed(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.failure_detection_retransmissions = Some(0);
}

pub(super) fn swapping(set: &mut ProxySet) {
    set.hot_swap = true;
}

/// A world in which all goes well.
pub(super) fn begin(setup: Setup) -> World {
    let mut world = World::new(setup, 1);
    let wire = world.network().usual();
    (wire.out.latency, wire.back.latency) = (Duration::ZERO, Duration::ZERO);
    world.dns().latency(Duration::ZERO);
    for member in [X, Y, Z] {
        world.registrar_at(member).behave(Behaviour::open());
    }
    world
}

/// From this second on.
pub(super) fn then(world: &mut World, when: &str, change: impl FnOnce(&mut World) + 'static) {
    world.at(at(when), change);
}

/// A member behaves so from this second on.
pub(super) fn behaves(world: &mut World, when: &str, member: SocketAddr, how: Behaviour) {
    then(world, when, move |world| {
        world.registrar_at(member).behave(how);
    });
}

/// Nobody listens at a member's address from this second on, or somebody does again.
pub(super) fn closes(world: &mut World, when: &str, member: SocketAddr, is_closed: bool) {
    then(world, when, move |world| {
        world.network().link(member).closed = is_closed;
    });
}

/// Nothing comes back from a member from this second on.
pub(super) fn falls_silent(world: &mut World, when: &str, member: SocketAddr) {
    then(world, when, move |world| {
        world.network().link(member).out.cut = true;
    });
}

/// An INVITE that was sent to this member fails with this code.
pub(super) fn invite_fails(world: &mut World, when: &str, member: SocketAddr, code: u16) {
    then(world, when, move |world| {
        let registrar = Some(member);
        world.trigger("main", Trigger::InviteFailed { code, registrar });
    });
}

/// The REGISTERs of `main` up to this second, each when it first left.
pub(super) fn line(world: &mut World, until: &str) -> String {
    world.run_until(at(until));
    written(world, |packet| packet.repeat == 0)
}

/// The same with every retransmission.
pub(super) fn every_send(world: &mut World, until: &str) -> String {
    world.run_until(at(until));
    written(world, |_| true)
}

fn written(world: &World, is_wanted: impl Fn(&Packet) -> bool) -> String {
    let sent = world.transcript().sent(0);
    let of_main = sent.filter(|(_, line, _)| line.account.as_deref() == Some("main"));
    let wanted = of_main.filter(|(_, _, it)| it.summary.is_register() && is_wanted(it));
    let mut text = String::new();
    let mut last = None;
    for (_, Line { at, .. }, packet) in wanted {
        if last.replace(*at) != Some(*at) {
            let comma = if text.is_empty() { "" } else { ", " };
            text.push_str(&format!("{comma}{}", seconds(*at)));
        }
        text.push_str(match packet.remote {
            X => " X",
            Y => " Y",
            Z => " Z",
            _ => " ?",
        });
        if packet.summary.expires == Some(0) {
            text.push_str(" (0)");
        }
    }
    text
}

fn seconds(at: Instant) -> String {
    let text = format!("{}.{:03}", at.as_secs(), at.as_millis() % 1_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
