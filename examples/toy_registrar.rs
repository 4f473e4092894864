//! A registrar for the table: the simulator's registrar on a real UDP socket of loopback.
//!
//! `cargo run --example toy_registrar -- 127.0.0.1:5060 u12345:secret` asks for digest credentials
//! and serves until it is ended; point a Proxy Set at it. With a number as the last argument it
//! ends after so many seconds.
#![allow(clippy::print_stdout)]

use std::net::UdpSocket;
use std::time::{Duration, Instant as Clock};

use regent::rng::Seed;
use regent::sim::{Behaviour, Registrar};
use regent::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments
        .next()
        .unwrap_or_else(|| "127.0.0.1:5060".to_owned());
    let mut registrar = Registrar::new(Seed::from_number(1));
    registrar.behave(Behaviour::digest().grants_at_most(60));
    let mut end = None;
    for argument in arguments {
        if let Some((user, password)) = argument.split_once(':') {
            registrar.user(user, password);
        } else {
            end = Some(Duration::from_secs(argument.parse()?));
        }
    }
    let socket = UdpSocket::bind(&address)?;
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    println!("registrar at {}", socket.local_addr()?);
    serve(&socket, &mut registrar, end)?;
    let counts = registrar.counts();
    println!(
        "{} REGISTERs, {} accepted",
        counts.registers, counts.accepted
    );
    Ok(())
}

fn serve(
    socket: &UdpSocket,
    registrar: &mut Registrar,
    end: Option<Duration>,
) -> std::io::Result<()> {
    let start = Clock::now();
    let mut buffer = vec![0; 65_536];
    while end.is_none_or(|end| start.elapsed() < end) {
        let (length, from) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(error) if is_pause(&error) => continue,
            Err(error) => return Err(error),
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        for reply in registrar.on_datagram(Instant::from_micros(micros), from, &buffer[..length]) {
            socket.send_to(&reply.bytes, reply.to)?;
        }
    }
    Ok(())
}

/// Nothing came in time, or the answer before met a closed port: no reason to end.
fn is_pause(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    matches!(
        error.kind(),
        WouldBlock | TimedOut | ConnectionRefused | Interrupted
    )
}
