//! The manual's example of avoidance against three Kamailios, in a thirtieth of its time; the
//! simulator plays the same, and says what is right.

use std::net::SocketAddr;

use jiff::Timestamp;
use libtest_mimic::Trial;
use regent::config::{KeepAlive, Redundancy, SearchMode, Stickiness};
use regent::sim::{AccountSetup, Behaviour, REGISTRAR, Setup, What, World};
use regent::time::{Duration, Instant};

use super::{Plan, wait_clock};
use crate::harness::{
    Daemon, KAMAILIO, Kamailio, LONG, SOON, Sandbox, Settings, assert_due, free_udp_addresses,
    wait_for,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[KAMAILIO];
        avoidance_in_short_is_what_the_simulator_says,
    ];
    trials.extend(trials![[KAMAILIO, LONG];
        the_manuals_example_in_a_thirtieth_of_its_time,
    ]);
    trials
}

/// Times in seconds after the first 200.
struct Example {
    registration: u32,
    grace: u32,
    /// The first registrar dies.
    dies: f64,
    /// It is started again.
    back: f64,
    ends: u32,
}

/// A 200: when, of which registrar (counted from 0), granting how much.
type Granted = (f64, usize, u32);

// rules S8, S9: 480 s, 180 s of grace and 12:00 to 12:15 of the manual, divided by 30
fn the_manuals_example_in_a_thirtieth_of_its_time() {
    let example = Example {
        registration: 16,
        grace: 6,
        dies: 1.0,
        back: 10.5,
        ends: 31,
    };
    let expected = [
        (0.0, 0, 16),
        (8.0, 1, 16),
        (16.0, 1, 12),
        (22.0, 0, 16),
        (30.0, 0, 16),
    ];
    assert_eq!(simulated(&example), expected);
    play(&example);
}

// rules S8, S9: as above, but no expiry below 10 s is ever asked for
fn avoidance_in_short_is_what_the_simulator_says() {
    let example = Example {
        registration: 10,
        grace: 2,
        dies: 1.0,
        back: 5.5,
        ends: 13,
    };
    let expected = [(0.0, 0, 10), (5.0, 1, 10), (10.0, 1, 10), (12.0, 0, 10)];
    assert_eq!(simulated(&example), expected);
    play(&example);
}

/// What the engine does in the simulated world.
fn simulated(example: &Example) -> Vec<Granted> {
    let addresses = [0, 1, 2].map(|at| SocketAddr::new(REGISTRAR.ip(), 5060 + at));
    let [x, y, z] = addresses;
    let (registration, grace) = (example.registration, example.grace);
    let account = AccountSetup::new("main").at(x).or_at(y).or_at(z);
    let account = account.options(|account| {
        account.registrar_stickiness = Stickiness::Enable;
        account.registrar_search_mode = SearchMode::Avoid;
    });
    let setup = Setup::new().account(account).set(|set| {
        set.keep_alive = KeepAlive::Options;
        set.keep_alive_secs = 5;
        set.success_detection_interval_secs = 1;
        set.redundancy = Redundancy::Homing;
    });
    let setup = setup.registration(|rules| {
        rules.registration_time_secs = registration;
        rules.account_registrar_avoidance_secs = grace;
    });
    let mut world = World::new(setup, 1);
    let wire = world.network().usual();
    wire.out.latency = Duration::ZERO;
    wire.back.latency = Duration::ZERO;
    for address in addresses {
        world.registrar_at(address).behave(Behaviour::digest());
    }
    for (at, is_closed) in [(example.dies, true), (example.back, false)] {
        let at = Instant::ZERO + Duration::from_secs_f64(at);
        world.at(at, move |world| world.network().link(x).closed = is_closed);
    }
    world.run_until(Instant::from_secs(example.ends.into()));
    let lines = world.transcript().lines().iter();
    let granted = lines.filter_map(|line| {
        let What::Received(packet) = &line.what else {
            return None;
        };
        let text = packet
            .text()
            .filter(|_| packet.summary.code() == Some(200))?;
        let is_register = text.header("cseq")?.ends_with("REGISTER");
        let place = addresses.iter().position(|it| *it == packet.remote)?;
        let contact = packet.summary.contacts.first().filter(|_| is_register)?;
        Some((line.at.as_micros() as f64 / 1e6, place, expires(contact)))
    });
    granted.collect()
}

/// Plays the example with real registrars, and compares.
#[track_caller]
fn play(example: &Example) {
    let expected = simulated(example);
    let sandbox = Sandbox::new();
    let addresses = free_udp_addresses::<3>();
    let settings = Settings {
        max_expires: 0,
        ..Settings::default()
    };
    let start = |address| Kamailio::start_at(&sandbox, address, &settings);
    let mut kamailios = addresses.map(start);
    let registration = format!(
        "registration_time_secs = {}\naccount_registrar_avoidance_secs = {}",
        example.registration, example.grace
    );
    let plan = Plan {
        registration: &registration,
        set: "keep_alive = \"options\"\nkeep_alive_secs = 5\nsuccess_detection_interval_secs = 1\n\
              redundancy = \"homing\"",
        account: "registrar_stickiness = \"enable\"\n\
                  registrar_search_mode = \"avoid-previous-registrar-until-expiry\"",
        ..Plan::at(&addresses)
    };
    let daemon = Daemon::start_text(&sandbox, &plan.text());
    daemon.wait_registered(SOON);
    let all = |kamailios: &[Kamailio; 3]| -> Vec<(Timestamp, usize, u32)> {
        let places = kamailios.iter().enumerate();
        let granted = places.flat_map(|(place, kamailio)| granted(kamailio, place));
        let mut granted: Vec<_> = granted.collect();
        granted.sort_unstable();
        granted
    };
    let first = wait_for(SOON, "the first 200", || all(&kamailios).first().copied()).0;
    wait_clock(first, example.dies);
    kamailios[0].kill();
    wait_clock(first, example.back);
    assert_eq!(daemon.status().avoided(), [addresses[0].to_string()]);
    kamailios[0].restart();
    wait_clock(first, example.ends.into());
    let granted = all(&kamailios);
    let sequence: Vec<(usize, u32)> = granted
        .iter()
        .map(|(_, place, secs)| (*place, *secs))
        .collect();
    let predicted: Vec<(usize, u32)> = expected
        .iter()
        .map(|(_, place, secs)| (*place, *secs))
        .collect();
    assert_eq!(sequence, predicted, "{granted:?}");
    // Each 200 is as much later as those before it were, so the distance of two is what is exact.
    for (pair, predicted) in granted.windows(2).zip(expected.windows(2)) {
        let apart = pair[1].0.duration_since(pair[0].0).as_secs_f64();
        assert_due(apart, predicted[1].0 - predicted[0].0);
    }
    assert!(
        kamailios[2].transcript().registers().is_empty(),
        "nobody needed the third"
    );
    daemon.stop();
}

/// Every 200 of a registrar to a REGISTER that registers.
fn granted(kamailio: &Kamailio, place: usize) -> Vec<(Timestamp, usize, u32)> {
    let transcript = kamailio.transcript();
    let answers = transcript.answers().into_iter();
    let granted = answers.filter(|answer| answer.code() == Some(200));
    let contacts = granted.filter_map(|answer| {
        let contacts = answer.headers("Contact");
        Some((answer.at, place, expires(contacts.first()?)))
    });
    contacts.collect()
}

/// The `expires` of a Contact.
#[track_caller]
fn expires(contact: &str) -> u32 {
    let number = contact.split(";expires=").nth(1).unwrap_or_default();
    let number: String = number.chars().take_while(char::is_ascii_digit).collect();
    number
        .parse()
        .unwrap_or_else(|_| panic!("no expires in {contact}"))
}
