//! The engine alone: instructions and time per registration and per refresh, without sockets.
//!
//! `cargo bench --bench engine -- 10000` prints wall time; for instruction counts run the built
//! binary under `valgrind --tool=callgrind` with two sizes and take the difference.
#![allow(clippy::print_stdout)]

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant as Clock;

use regent::config;
use regent::effect::{Input, Output, SocketId, Via};
use regent::engine::{Engine, Settings};
use regent::rng::Seed;
use regent::time::Instant;

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"carrier.example\", \
                         nonce=\"0123456789abcdef0123456789abcdef\", qop=\"auth\", algorithm=MD5\r\n";

fn main() {
    let count = std::env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(1_000);
    let rounds = std::env::args()
        .skip(2)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(1_u64);
    let loaded = config::load("bench.toml", &configuration(count));
    let config = Arc::new(loaded.config.expect("the generated configuration is good"));
    let settings = Settings {
        seed: Seed::from_number(1),
        unix_ms_at_zero: 0,
        store: false,
    };
    let mut engine = Engine::new(config, settings);
    let start = Clock::now();
    let mut pending = Vec::new();
    feed(&mut engine, Instant::ZERO, Input::Tick, &mut pending);
    let local = SocketAddr::from(([127, 0, 0, 1], 5070));
    let bound = Input::Listening {
        socket: SocketId(0),
        local,
        receive_buffer: 16 << 20,
    };
    feed(&mut engine, Instant::ZERO, bound, &mut pending);
    let mut requests = settle(&mut engine, Instant::ZERO, &mut pending);
    report("registration", count, start, requests);
    for round in 0..rounds {
        let start = Clock::now();
        let end = Instant::from_secs(90 * (round + 1));
        requests = 0;
        while let Some(at) = engine.deadline().filter(|at| *at <= end) {
            feed(&mut engine, at, Input::Tick, &mut pending);
            requests += settle(&mut engine, at, &mut pending);
        }
        report("refresh", count, start, requests);
    }
}

fn report(what: &str, count: u32, start: Clock, requests: u32) {
    let micros = start.elapsed().as_secs_f64() * 1e6 / f64::from(count);
    println!("{what}: {count} Accounts, {requests} requests, {micros:.2} µs each");
}

fn feed(engine: &mut Engine, now: Instant, input: Input<'_>, pending: &mut Vec<Arc<[u8]>>) {
    engine.handle(now, input);
    while let Some(output) = engine.poll() {
        if let Output::Transmit { bytes, .. } = output {
            pending.push(bytes);
        }
    }
}

/// Answers requests until none is left; how many there were.
fn settle(engine: &mut Engine, now: Instant, pending: &mut Vec<Arc<[u8]>>) -> u32 {
    let mut requests = 0;
    let mut answer = String::new();
    while let Some(request) = pending.pop() {
        requests += 1;
        reply(
            std::str::from_utf8(&request).expect("our requests are text"),
            &mut answer,
        );
        let from = SocketAddr::from(([127, 0, 0, 1], 5060));
        let via = Via::Socket(SocketId(0));
        feed(
            engine,
            now,
            Input::Received {
                via,
                from,
                bytes: answer.as_bytes(),
            },
            pending,
        );
    }
    requests
}

fn reply(request: &str, out: &mut String) {
    out.clear();
    let ok = request.contains("Authorization: ");
    out.push_str(if ok {
        "SIP/2.0 200 OK\r\n"
    } else {
        "SIP/2.0 401 Unauthorized\r\n"
    });
    for line in request.split("\r\n") {
        let copied = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"]
            .iter()
            .any(|name| line.starts_with(name));
        if copied || (ok && line.starts_with("Contact:")) {
            let _infallible = write!(out, "{line}\r\n");
        }
    }
    if !ok {
        out.push_str(CHALLENGE);
    }
    out.push_str("Content-Length: 0\r\n\r\n");
}

fn configuration(count: u32) -> String {
    let mut text = format!(
        "[agent]\nmax_accounts = {count}\nmax_accounts_per_served_ip_group = {count}\n\
         [[sip_interface]]\nname = \"outside\"\naddress = \"127.0.0.1\"\nudp_port = 5070\n\
         [[proxy_set]]\nname = \"carrier\"\nsip_interface = \"outside\"\n\
         proxy = [{{ address = \"127.0.0.1:5060\" }}]\n"
    );
    let serving = count.div_ceil(1_000).max(1);
    for group in 0..serving {
        let _infallible = write!(
            text,
            "[[ip_group]]\nname = \"C{group}\"\nproxy_set = \"carrier\"\nsip_group_name = \"carrier.example\"\n"
        );
    }
    for group in 0..count.div_ceil(serving) {
        let _infallible = write!(text, "[[ip_group]]\nname = \"P{group}\"\n");
    }
    for account in 0..count {
        let _infallible = write!(
            text,
            "[[account]]\nname = \"a{account}\"\nserved_ip_group = \"P{}\"\nserving_ip_group = \"C{}\"\n\
             contact_user = \"49301{account:06}\"\nuser_name = \"u{account}\"\npassword = \"pw{account}\"\n\
             register = \"regular\"\n",
            account / serving,
            account % serving
        );
    }
    text
}
