//! A short story for each state: how an Account comes into it.

use regent::config::{KeepAlive, Ports, PortsMode, SyncMode};
use regent::effect::Ticket;
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World, at};
use regent::time::Duration;

/// A state and how it is reached.
pub(super) struct Story {
    /// Binding × attempt, and what else makes it a state of its own.
    pub(super) name: &'static str,
    /// How it is reached, for readers.
    pub(super) told: &'static str,
    /// A world in which it is reached, with a registrar that says nothing any more.
    pub(super) tell: fn() -> World,
}

macro_rules! story {
    ($name:literal, $told:literal, $tell:expr) => {
        Story {
            name: $name,
            told: $told,
            tell: $tell,
        }
    };
}

pub(super) const STORIES: &[Story] = &[
    story!(
        "none × idle (not begun)",
        "With a store: the first CSeq limit is on its way to the disk, where it is in 0.5 s.",
        not_begun
    ),
    story!(
        "none × queued",
        "The window holds one request, and another Account's has it and gets no answer. A \
         `register` waits.",
        queued
    ),
    story!(
        "none × queued, behind another Account",
        "The registrar is offline, and another Account's REGISTER probes it since 1 s ago. A \
         `register` waits.",
        behind
    ),
    story!(
        "none × gated",
        "With `registration_sync_mode = \"enable\"`: both Accounts of the group have failed, the \
         other one probes, and this one's retry is due since 8 s ago.",
        gated
    ),
    story!(
        "none × opening",
        "The local port is being bound for 0.5 s, which takes 1 s. A `register` waits.",
        opening
    ),
    story!(
        "none × in flight",
        "The first REGISTER, without credentials, has left 0.1 s ago. A `register` waits.",
        in_flight
    ),
    story!(
        "none × in flight (challenge answered)",
        "The REGISTER with credentials has left 0.1 s ago. A `register` waits.",
        challenged
    ),
    story!(
        "none × in flight, un-register wanted",
        "As before the challenge, and `unregister` was said meanwhile. It waits, and the \
         `register` before it too.",
        overtaken
    ),
    story!(
        "none × scheduled (retry)",
        "The first REGISTER was answered 500, 0.98 s ago.",
        failed
    ),
    story!(
        "none × scheduled (retry), Retry-After",
        "The first REGISTER was answered 503 with `Retry-After: 120`, 0.98 s ago.",
        patient
    ),
    story!(
        "none × scheduled (retry), credentials refused",
        "The first credentials were answered by another 401, 0.96 s ago.",
        refused
    ),
    story!(
        "bound × idle (of the run before)",
        "With a store: killed and started again; the CSeq limit is on its way to the disk, where it \
         is in 0.05 s.",
        taken_over
    ),
    story!(
        "bound × scheduled (refresh)",
        "Registered 9.96 s ago.",
        bound
    ),
    story!(
        "bound × queued",
        "A refresh is due, but the window holds one request, and another Account's has it. A \
         `refresh` waits.",
        refresh_queued
    ),
    story!(
        "bound × gated",
        "With `registration_sync_mode = \"enable\"`: the other Account of the group has failed and \
         will try again in 19.06 s, and this one's refresh is due since 0.96 s ago.",
        refresh_gated
    ),
    story!(
        "bound × in flight",
        "The refresh, with credentials, has left 0.1 s ago. A `refresh` waits.",
        refreshing
    ),
    story!(
        "bound × in flight, un-register wanted",
        "As before, and `unregister` was said meanwhile.",
        refresh_overtaken
    ),
    story!(
        "bound × scheduled (retry)",
        "The refresh was answered 500, 0.94 s ago.",
        refresh_failed
    ),
    story!(
        "bound × un-REGISTER queued",
        "`unregister` was said, but the window holds one request, and another Account's has it.",
        removal_queued
    ),
    story!(
        "bound × un-REGISTER in flight",
        "`unregister` was said 0.1 s ago.",
        removing
    ),
    story!(
        "bound × un-REGISTER in flight, register wanted",
        "`unregister` was said 0.1 s ago, and `register` after it.",
        wanted_again
    ),
    story!(
        "none × idle (unregistered)",
        "`unregister` was said 2 s ago, and the un-REGISTER answered 200.",
        unregistered
    ),
    story!(
        "none × idle (unregistered, not confirmed)",
        "`unregister` was said 2 s ago, and the un-REGISTER answered 500.",
        not_confirmed
    ),
    story!(
        "none × idle (authentication only)",
        "`register = \"no\"`.",
        credentials_only
    ),
    story!(
        "none × in flight (stopping)",
        "The first REGISTER has left 0.1 s ago, and the program was told to stop 0.05 s ago. A \
         `register` waits.",
        stopping_early
    ),
    story!(
        "bound × un-REGISTER in flight (stopping)",
        "The program was told to stop 0.1 s ago.",
        stopping
    ),
    story!(
        "none × idle (stopped)",
        "The program was told to stop 2 s ago, and the un-REGISTER answered 200.",
        stopped
    ),
];

/// The behaviour that every story begins with: it grants 40 s, so that a binding can end while its
/// refresh is under way.
fn short() -> Behaviour {
    Behaviour::digest().grants(40)
}

/// Lets the registrar behave so until this instant, and say nothing from then on.
fn world(setup: Setup, behaviour: Behaviour, until: &str) -> World {
    let mut world = World::new(setup, 1);
    world.registrar().behave(behaviour);
    world.run_until(at(until));
    world.registrar().behave(Behaviour::silence());
    world
}

fn not_begun() -> World {
    let setup = Setup::one().store(Duration::from_secs(1));
    world(setup, Behaviour::silence(), "0.5")
}

/// Two Accounts with a window for one; the first one is `other`.
fn narrow() -> Setup {
    let other = AccountSetup::new("other");
    let main = AccountSetup::new("main");
    Setup::new()
        .receive_buffer(4_096)
        .account(other)
        .account(main)
}

fn queued() -> World {
    let mut world = world(narrow(), Behaviour::silence(), "0.050");
    world.register("main");
    world.run_until(at("1"));
    world
}

fn synchronised() -> Setup {
    let mode = SyncMode::Enable;
    let other = AccountSetup::new("other");
    let main = AccountSetup::new("main");
    let setup = Setup::new().account(other).account(main);
    setup.registration(|it| it.registration_sync_mode = mode)
}

fn behind() -> World {
    let setup = Setup::new()
        .account(AccountSetup::new("other"))
        .account(AccountSetup::new("main"))
        .set(|set| {
            set.keep_alive = KeepAlive::Options;
            set.failure_detection_retransmissions = Some(0);
        });
    let mut world = world(setup, Behaviour::silence(), "62.5");
    world.register("main");
    world.run_until(at("63"));
    world
}

fn gated() -> World {
    world(synchronised(), Behaviour::silence(), "70")
}

fn refresh_gated() -> World {
    let mut world = World::new(synchronised(), 1);
    world.registrar().behave(short());
    let other = "other@sim.example";
    world
        .registrar()
        .behave_for(other, Behaviour::digest().grants(20));
    world.run_until(at("5"));
    world
        .registrar()
        .behave_for(other, Behaviour::refusing(500));
    world.run_until(at("21"));
    world.registrar().behave(Behaviour::silence());
    world.registrar().behave_for(other, Behaviour::silence());
    world
}

/// The first of the additional ports.
pub(super) const PORT: u16 = 6_000;

fn opening() -> World {
    let main = AccountSetup::new("main").options(|it| it.udp_port_assignment = true);
    let setup = Setup::new().account(main).interface(|it| {
        let (first, last) = (PORT, PORT + 1);
        it.additional_udp_ports = Some(Ports { first, last });
        it.additional_udp_ports_mode = PortsMode::OpenWhenUsed;
    });
    let mut world = World::new(setup, 1);
    world.registrar().behave(Behaviour::silence());
    world.bind_late(Duration::from_secs(1));
    world.run_until(at("0.250"));
    world.register("main");
    world.run_until(at("0.5"));
    world
}

fn in_flight() -> World {
    let mut world = world(Setup::one(), Behaviour::silence(), "0.050");
    world.register("main");
    world.run_until(at("0.1"));
    world
}

fn challenged() -> World {
    let mut world = world(Setup::one(), short(), "0.025");
    world.register("main");
    world.run_until(at("0.120"));
    world
}

fn overtaken() -> World {
    let mut world = in_flight();
    world.unregister("main");
    world
}

fn failed() -> World {
    world(Setup::one(), Behaviour::refusing(500), "1")
}

fn patient() -> World {
    let busy = Behaviour::refusing(503).with("Retry-After", "120");
    world(Setup::one(), busy, "1")
}

fn refused() -> World {
    let main = AccountSetup::new("main").password("wrong");
    world(Setup::new().account(main), short(), "1")
}

fn bound() -> World {
    world(Setup::one(), short(), "10")
}

fn taken_over() -> World {
    let setup = Setup::one().store(Duration::from_millis(100));
    let mut world = world(setup, short(), "10");
    world.kill();
    world.start();
    world.run_until(at("10.050"));
    world
}

fn refresh_queued() -> World {
    let mut world = world(narrow(), short(), "10");
    world.run_until(at("20.5"));
    world.refresh("main");
    world.run_until(at("21"));
    world
}

fn refreshing() -> World {
    let mut world = bound();
    world.run_until(at("20.090"));
    world.refresh("main");
    world.run_until(at("20.140"));
    world
}

fn refresh_overtaken() -> World {
    let mut world = bound();
    world.run_until(at("20.090"));
    world.unregister("main");
    world.run_until(at("20.140"));
    world
}

fn refresh_failed() -> World {
    let mut world = bound();
    world.registrar().behave(Behaviour::refusing(500));
    world.run_until(at("21"));
    world.registrar().behave(Behaviour::silence());
    world
}

fn removal_queued() -> World {
    let mut world = world(narrow(), short(), "10");
    world.run_until(at("20.050"));
    world.unregister("main");
    world.run_until(at("21"));
    world
}

fn removing() -> World {
    let mut world = bound();
    world.unregister("main");
    world.run_until(at("10.1"));
    world
}

fn wanted_again() -> World {
    let mut world = bound();
    world.unregister("main");
    world.run_until(at("10.050"));
    world.register("main");
    world.run_until(at("10.1"));
    world
}

/// Bound, then told something while the registrar behaves so.
fn told(behaviour: Behaviour, what: fn(&mut World) -> Ticket) -> World {
    let mut world = bound();
    world.registrar().behave(behaviour);
    what(&mut world);
    world.run_until(at("12"));
    world.registrar().behave(Behaviour::silence());
    world
}

fn unregistered() -> World {
    told(short(), |world| world.unregister("main"))
}

fn not_confirmed() -> World {
    told(Behaviour::refusing(500), |world| world.unregister("main"))
}

fn credentials_only() -> World {
    let main = AccountSetup::new("main").credentials_only();
    world(Setup::new().account(main), Behaviour::silence(), "1")
}

fn stopping_early() -> World {
    let mut world = world(Setup::one(), Behaviour::silence(), "0.025");
    world.register("main");
    world.run_until(at("0.050"));
    world.shutdown();
    world.run_until(at("0.1"));
    world
}

fn stopping() -> World {
    let mut world = bound();
    world.shutdown();
    world.run_until(at("10.1"));
    world
}

fn stopped() -> World {
    told(short(), World::shutdown)
}

/// Nobody listens at the registrar's port from now on.
pub(super) fn close(world: &mut World) {
    world.network().link(REGISTRAR).closed = true;
}
