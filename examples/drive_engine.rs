//! Steps an engine by hand: no runtime, no sockets, no clock. Three hours of registration in no
//! time.
//!
//! `cargo run --example drive_engine`
#![allow(clippy::print_stdout, clippy::wildcard_enum_match_arm)]

use std::net::SocketAddr;
use std::sync::Arc;

use regent::config;
use regent::effect::{Event, Input, Output, SocketId, Via};
use regent::engine::{Engine, Settings};
use regent::rng::Seed;
use regent::sip::{Message, Name, Writer};
use regent::status;
use regent::time::Instant;

const CONFIGURATION: &str = include_str!("../conf/minimal.toml");

fn main() -> Result<(), String> {
    let loaded = config::load("minimal.toml", CONFIGURATION);
    let config = loaded.config.ok_or("the configuration has faults")?;
    let settings = Settings {
        seed: Seed::from_number(1),
        unix_ms_at_zero: 0,
        store: false,
    };
    let mut engine = Engine::new(Arc::new(config), settings);

    // Tell the engine what happened, then do what it asks for: here, the socket that it wants is
    // always bound.
    let mut now = Instant::ZERO;
    let mut requests = 0;
    drive(&mut engine, now, Input::Tick, &mut requests)?;
    let local = SocketAddr::from(([127, 0, 0, 1], 5070));
    let bound = Input::Listening {
        socket: SocketId(0),
        local,
        receive_buffer: 1 << 20,
    };
    drive(&mut engine, now, bound, &mut requests)?;

    // Time passes by jumping to whatever is due next.
    while let Some(due) = engine
        .deadline()
        .filter(|due| *due <= Instant::from_secs(3 * 3_600))
    {
        now = due;
        drive(&mut engine, now, Input::Tick, &mut requests)?;
    }
    for id in engine.accounts() {
        if let Some(account) = status::account(&engine, id) {
            println!(
                "{now}  {}  {}  after {requests} requests",
                account.name, account.status
            );
        }
    }
    Ok(())
}

/// One `handle`, then `poll` until nothing is left to do. REGISTERs are answered on the spot.
fn drive(
    engine: &mut Engine,
    now: Instant,
    input: Input<'_>,
    requests: &mut u32,
) -> Result<(), String> {
    engine.handle(now, input);
    let mut answers = Vec::new();
    while let Some(output) = engine.poll() {
        match output {
            Output::Transmit { to, bytes, .. } => {
                *requests += 1;
                answers.push((to, answer(&bytes)?));
            }
            Output::Event(Event::PhaseChanged { from, to, why, .. }) => {
                println!("{now}  {from:?} -> {to:?}: {why}");
            }
            _ => {}
        }
    }
    for (from, bytes) in answers {
        let via = Via::Socket(SocketId(0));
        drive(
            engine,
            now,
            Input::Received {
                via,
                from,
                bytes: &bytes,
            },
            requests,
        )?;
    }
    Ok(())
}

/// What a registrar says that trusts everybody: 200, for as long as was asked.
fn answer(request: &[u8]) -> Result<Vec<u8>, String> {
    let request = Message::parse(request).map_err(|error| error.to_string())?;
    let from = SocketAddr::from(([127, 0, 0, 1], 5070));
    let mut out = Vec::new();
    let mut writer = Writer::reply(&mut out, &request, (200, "OK"), "toy", from);
    if let Some(contact) = request.value(Name::Contact) {
        writer.header("Contact", format_args!("{contact}"));
    }
    writer.finish(&[]);
    Ok(out)
}
