//! Search mode avoid-previous-registrar-until-expiry: the manual's example to the second, and what
//! may happen around it (rules S8, S9).

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::config::{Account, KeepAlive, ProxySet, Redundancy, SearchMode, Stickiness};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, World};
use regent::time::{Duration, Instant};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_manuals_example_to_the_second,
    ]
}

/// X is the first registrar of every world.
const X: SocketAddr = REGISTRAR;
const Z: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5063);
const Y: SocketAddr = SocketAddr::new(REGISTRAR.ip(), 5062);

fn avoiding(account: &mut Account) {
    account.registrar_stickiness = Stickiness::Enable;
    account.registrar_search_mode = SearchMode::Avoid;
}

fn homing(set: &mut ProxySet) {
    set.keep_alive = KeepAlive::Options;
    set.redundancy = Redundancy::Homing;
}

/// The manual's: 480 s asked, 180 s of grace, probes every minute that fail at once.
fn example(account: AccountSetup) -> Setup {
    let account = account.options(avoiding);
    Setup::new()
        .registration(|rules| rules.registration_time_secs = 480)
        .set(homing)
        .account(account)
}

/// A clock that shows noon at the start.
fn noon(clock: &str) -> Instant {
    let parts: Vec<u64> = clock.split(':').map(|part| part.parse().unwrap()).collect();
    Instant::from_secs((parts[0] - 12) * 3_600 + parts[1] * 60 + parts[2])
}

/// The same as text.
fn clock(at: Instant) -> String {
    let secs = at.as_secs();
    let (hours, minutes) = (12 + secs / 3_600, secs / 60 % 60);
    let exact = if at == Instant::from_secs(secs) {
        ""
    } else {
        "+"
    };
    format!("{hours}:{minutes:02}:{:02}{exact}", secs % 60)
}

/// A world without latency, whose registrars grant what is asked.
fn begin(setup: Setup) -> World {
    let mut world = World::new(setup, 1);
    let wire = world.network().usual();
    wire.out.latency = Duration::ZERO;
    wire.back.latency = Duration::ZERO;
    for registrar in [X, Y, Z] {
        world.registrar_at(registrar).behave(Behaviour::open());
    }
    world
}

/// Every REGISTER that left, repeats included: when, where, what it asked for.
fn registers(world: &World) -> Vec<String> {
    let sent = world.transcript().sent(0);
    let registers = sent.filter(|(_, _, packet)| packet.summary.is_register());
    let contacts = registers.filter(|(_, _, packet)| {
        let text = packet.text().expect("SIP");
        text.header("contact").is_some()
    });
    contacts
        .map(|(_, line, packet)| {
            let name = match packet.remote {
                X => "X",
                Y => "Y",
                _ => "Z",
            };
            let text = packet.text().expect("SIP");
            let expires = text.header("expires").expect("an Expires").to_owned();
            format!("{} {name} {expires}", clock(line.at))
        })
        .collect()
}

fn close(world: &mut World, registrar: SocketAddr, is_closed: bool) {
    world.network().link(registrar).closed = is_closed;
}

// rules S8, S9: the manual's example
fn the_manuals_example_to_the_second() {
    let mut world = begin(example(AccountSetup::new("main").or_at(Y)));
    world.at(noon("12:00:30"), |world| close(world, X, true));
    world.at(noon("12:04:30"), |world| close(world, X, false));
    world.run_until(noon("12:16:00"));
    assert_eq!(
        registers(&world),
        [
            "12:00:00 X 480",
            "12:04:00 Y 480",
            "12:08:00 Y 360",
            "12:11:00 X 480",
            "12:15:00 X 480"
        ]
    );
}
