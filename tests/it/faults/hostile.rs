//! Datagrams that nobody should send, from the registrar's own address and from strangers.
//!
//! After each handful an OPTIONS from the registrar must be answered. So what was sent before has
//! been read, whatever the machine is busy with, and the daemon has not lost its way.

use std::net::{SocketAddr, UdpSocket};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use crate::harness::{
    Config, Daemon, Message, Registrar, SOON, Sandbox, accept, challenge, holds_for, usual,
    wait_for,
};

mod datagrams;

use datagrams::{Known, Source};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        hostile_datagrams_neither_end_it_nor_grow_its_memory,
        an_answer_that_is_cut_short_anywhere_is_no_answer,
        our_own_requests_that_come_back_start_no_loop,
    ]
}

/// Any number will do; a failure names it.
const SEED: u64 = 0x5349_5021;
const WARM_UP: u64 = 4_000;
const DATAGRAMS: u64 = 20_000;
/// Datagrams between two looks at whether the daemon keeps up, and their bytes.
const HANDFUL: (usize, usize) = (48, 64 * 1024);
const MAY_GROW_KIB: u64 = 2 * 1024;

fn hostile_datagrams_neither_end_it_nor_grow_its_memory() {
    let sandbox = Sandbox::new();
    let (sender, answers) = mpsc::channel();
    let registrar = Registrar::start(move |message| {
        if !message.is_register() && sender.send(message.clone()).is_err() {
            return Vec::new();
        }
        usual(message, 4)
    });
    let config = Config::new(registrar.address());
    let daemon = Daemon::start(&sandbox, &config);
    let first = daemon.wait_registered(SOON);
    let mut storm = Storm::new(&registrar, config.local(), answers);

    storm.rage(WARM_UP);
    let before = daemon.resident_kib();
    storm.rage(DATAGRAMS);
    let after = daemon.resident_kib();
    assert!(
        after < before + MAY_GROW_KIB,
        "seed {SEED:#x}: from {before} KiB to {after} KiB"
    );

    let Storm {
        known, strangers, ..
    } = storm;
    assert!(
        (known.owed..=known.requests).contains(&known.heard),
        "seed {SEED:#x}: of the registrar: {known:?}"
    );
    assert!(
        (strangers.owed..=strangers.invites).contains(&strangers.heard),
        "seed {SEED:#x}: of strangers: {strangers:?}"
    );

    // It goes on as if nothing had been: the next refresh comes and is answered.
    let count = registrar.heard().registers().len();
    wait_for(SOON, "a refresh", || {
        (registrar.heard().registers().len() > count).then_some(())
    });
    let now = daemon.wait_registered(SOON);
    assert_eq!(now.registered_since(), first.registered_since(), "{now}");
    assert_eq!((now.failures(), now.granted()), (0, Some(4)), "{now}");
    let log = daemon.stop_within(SOON);
    assert!(log.lines().count() < 20, "it says too much:\n{log}");
}

/// Hostile datagrams on their way, and what came of them.
struct Storm<'r> {
    registrar: &'r Registrar,
    to: SocketAddr,
    answers: Receiver<Message>,
    stranger: UdpSocket,
    source: Source,
    known: Side,
    strangers: Side,
    count: u64,
    fences: u64,
}

/// What one side has sent and got.
#[derive(Debug, Default)]
struct Side {
    /// Anything that begins as a request.
    requests: usize,
    /// Anything that begins as an INVITE.
    invites: usize,
    /// What must be answered.
    owed: usize,
    /// Answers.
    heard: usize,
}

impl<'r> Storm<'r> {
    fn new(registrar: &'r Registrar, to: SocketAddr, answers: Receiver<Message>) -> Self {
        let heard = registrar.heard();
        let [bare, repeat] = heard.registers()[..] else {
            panic!("a challenge and a registration, not\n{heard}")
        };
        let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free UDP port");
        stranger.set_nonblocking(true).expect("a socket of our own");
        let known = Known {
            request: repeat.text().as_bytes().to_vec(),
            challenge: challenge(bare),
            accept: accept(repeat, 4),
        };
        Self {
            registrar,
            to,
            answers,
            stranger,
            source: Source::new(SEED, known),
            known: Side::default(),
            strangers: Side::default(),
            count: 0,
            fences: 0,
        }
    }

    fn rage(&mut self, datagrams: u64) {
        let (mut many, mut bytes) = (0, 0);
        for _ in 0..datagrams {
            let datagram = self.source.datagram(self.count);
            let is_known = self.source.chance(2) == 0;
            self.count += 1;
            let side = match is_known {
                true => &mut self.known,
                false => &mut self.strangers,
            };
            side.requests += usize::from(datagram.is_request());
            side.invites += usize::from(datagram.bytes.starts_with(b"INVITE "));
            side.owed += usize::from(match is_known {
                true => datagram.is_whole && !datagram.is_ack(),
                false => datagram.is_whole && datagram.bytes.starts_with(b"INVITE "),
            });
            match is_known {
                true => self.registrar.send(self.to, &datagram.bytes),
                false => {
                    let sent = self.stranger.send_to(&datagram.bytes, self.to);
                    sent.expect("room for a datagram");
                }
            }
            many += 1;
            bytes += datagram.bytes.len();
            if many >= HANDFUL.0 || bytes >= HANDFUL.1 {
                self.fence();
                (many, bytes) = (0, 0);
            }
        }
        self.fence();
    }

    /// Waits until all that was sent has been read and answered.
    fn fence(&mut self) {
        let name = format!("fence-{}", self.fences);
        self.fences += 1;
        let from = self.registrar.address();
        let request = datagrams::request("OPTIONS", from, &name);
        self.registrar.send(self.to, request.as_bytes());
        let end = Instant::now() + SOON;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let answer = self.answers.recv_timeout(left).unwrap_or_else(|_| {
                let count = self.count;
                panic!("seed {SEED:#x}: no answer after datagram {count}")
            });
            if answer.text().contains(&name) {
                assert_eq!(answer.code(), Some(200), "{}", answer.text());
                break;
            }
            self.known.heard += 1;
        }
        let mut buffer = [0; 65_536];
        while let Ok(length) = self.stranger.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..length]);
            assert!(text.starts_with("SIP/2.0 403 "), "a stranger got {text}");
            self.strangers.heard += 1;
        }
    }
}

fn an_answer_that_is_cut_short_anywhere_is_no_answer() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|message| {
        let whole = usual(message, 3_600).concat();
        (0..=whole.len())
            .map(|length| whole[..length].to_vec())
            .collect()
    });
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    let status = daemon.wait_registered(SOON);
    assert_eq!(status.granted(), Some(3_600), "{status}");
    let heard = registrar.heard();
    let [bare, repeat] = heard.registers()[..] else {
        panic!("two requests, not\n{heard}")
    };
    let credentials = repeat.credentials().expect("an answer to the challenge");
    let nonce = format!("nonce-{}", bare.cseq());
    assert_eq!(credentials.text("nonce"), nonce);
    daemon.stop();
}

// Somebody sends all that he gets back to where it came from.
fn our_own_requests_that_come_back_start_no_loop() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|message| vec![message.text().as_bytes().to_vec()]);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_status(SOON, "the end of it", |status| status.is_waiting());
    let heard = registrar.heard();
    assert_eq!(heard.registers().len(), 1, "{heard}");
    assert!(heard.codes().len() < 2, "{heard}");
    holds_for(Duration::from_secs(1), "nothing more is said", || {
        registrar.heard().0.len() == heard.0.len()
    });
    daemon.stop();
}
