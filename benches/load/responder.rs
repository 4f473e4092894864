//! The registrar of the bench: one thread, one UDP socket on loopback, two answers.
//!
//! A REGISTER without credentials gets a challenge, one with credentials a 200; nothing is
//! remembered but counts. It is its own process, so that its work is nobody else's CPU time, and
//! it is steered by lines on its standard input: `report` and `reset` answer with one line of
//! `name=value`, `samples DIRECTORY` writes the first request of either kind there, `quit` or the
//! end of the input ends it.

use std::{
    fs,
    io::{self, BufRead as _, Write as _},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use nix::sys::socket::{getsockopt, setsockopt, sockopt};

use crate::{
    tally::{Answer, Tally},
    verify::Verifier,
    wire::{self, Register, Terms},
};

/// What the command line of the responder says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    /// Accounts to make room for.
    pub(crate) accounts: usize,
    /// Granted expiry in seconds; `None` grants what is asked.
    pub(crate) grant: Option<u32>,
    /// Checks every digest.
    pub(crate) verify: bool,
}

/// Runs until told to quit.
pub(crate) fn run(settings: Settings) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("binding the responder")?;
    let buffer = widen(&socket)?;
    // Commands are looked at between datagrams, or when none came for this long.
    socket.set_read_timeout(Some(Duration::from_millis(10)))?;
    let port = socket.local_addr()?.port();
    say(&format!("port={port} receive_buffer={buffer}"))?;
    let (commands, pending) = listen();
    let mut registrar = Registrar::new(socket, settings);
    loop {
        registrar.serve_one()?;
        if !pending.load(Ordering::Relaxed) {
            continue;
        }
        pending.store(false, Ordering::Release);
        for command in commands.try_iter() {
            match command.split_once(' ').unwrap_or((&command, "")) {
                ("report", _) => say(&registrar.tally.line())?,
                ("reset", _) => {
                    registrar.tally = Tally::for_accounts(settings.accounts);
                    say("reset=1")?;
                }
                ("samples", directory) => {
                    registrar.samples.write(Path::new(directory))?;
                    say("samples=1")?;
                }
                _ => return Ok(()),
            }
        }
    }
}

/// The socket, the counts and the buffers that are used again for each datagram.
struct Registrar {
    socket: UdpSocket,
    settings: Settings,
    tally: Tally,
    verifier: Verifier,
    samples: Samples,
    serial: u64,
    received: Vec<u8>,
    answer: Vec<u8>,
}

impl Registrar {
    fn new(socket: UdpSocket, settings: Settings) -> Self {
        Self {
            socket,
            settings,
            tally: Tally::for_accounts(settings.accounts),
            verifier: Verifier::default(),
            samples: Samples::default(),
            serial: 0,
            received: vec![0; 65_536],
            answer: Vec::with_capacity(2048),
        }
    }

    /// Waits for a datagram, a moment at most, and answers it.
    fn serve_one(&mut self) -> Result<()> {
        let (length, from) = match self.socket.recv_from(&mut self.received) {
            Ok(received) => received,
            Err(error) if is_passing(&error) => return Ok(()),
            Err(error) => return Err(error).context("receiving at the responder"),
        };
        let now = Instant::now();
        let Self {
            received,
            tally,
            verifier,
            samples,
            ..
        } = self;
        let Some(register) = Register::read(&received[..length]) else {
            tally.malformed += 1;
            return Ok(());
        };
        samples.take(&register, &received[..length]);
        self.serial += 1;
        let arrival = tally.arrived(&register, now);
        let mut answer = match register.authorization {
            Some(_) => Answer::Granted,
            None => Answer::Challenged,
        };
        let mut stale = false;
        if self.settings.verify {
            // What is sent again repeats its count, and rightly so.
            if answer == Answer::Granted
                && !arrival.again
                && let Err(wrong) = verifier.check(&register)
            {
                tally.wrong[wrong as usize] += 1;
                answer = wrong.answer();
                stale = true;
            }
            if answer == Answer::Challenged {
                verifier.issue(self.serial, register.call_id);
            }
        }
        let terms = Terms {
            grant: self.settings.grant,
            port: from.port(),
            serial: self.serial,
        };
        match answer {
            Answer::Challenged => wire::challenge(&mut self.answer, &register, terms, stale),
            Answer::Granted => wire::grant(&mut self.answer, &register, terms),
            Answer::Refused => wire::refuse(&mut self.answer, &register, terms),
        }
        tally.answered(arrival, answer);
        self.send(from)
    }

    /// A client that is gone makes sending fail; that is its business.
    fn send(&self, to: SocketAddr) -> Result<()> {
        match self.socket.send_to(&self.answer, to) {
            Ok(_) => Ok(()),
            Err(error) if is_passing(&error) => Ok(()),
            Err(error) => Err(error).context("sending from the responder"),
        }
    }
}

/// The first request of either kind, which the floor sends again with other names.
#[derive(Default)]
struct Samples {
    bare: Vec<u8>,
    with_credentials: Vec<u8>,
}

impl Samples {
    fn take(&mut self, register: &Register<'_>, datagram: &[u8]) {
        let slot = match register.authorization {
            Some(_) => &mut self.with_credentials,
            None => &mut self.bare,
        };
        if slot.is_empty() {
            slot.extend_from_slice(datagram);
        }
    }

    fn write(&self, directory: &Path) -> Result<()> {
        for (name, bytes) in [
            (BARE, &self.bare),
            (WITH_CREDENTIALS, &self.with_credentials),
        ] {
            fs::write(directory.join(name), bytes).context("writing a sample")?;
        }
        Ok(())
    }
}

/// Asks for 8 MiB of receive buffer, past the system's limit where that is allowed, and reads
/// back what was given.
pub(crate) fn widen(socket: &UdpSocket) -> Result<usize> {
    const WANTED: usize = 8 << 20;
    if setsockopt(socket, sockopt::RcvBufForce, &WANTED).is_err() {
        setsockopt(socket, sockopt::RcvBuf, &WANTED).context("setting the receive buffer")?;
    }
    getsockopt(socket, sockopt::RcvBuf).context("reading the receive buffer")
}

/// Reads commands on a thread of its own, which sleeps except when one comes.
fn listen() -> (mpsc::Receiver<String>, Arc<AtomicBool>) {
    let (sender, receiver) = mpsc::channel();
    let pending = Arc::new(AtomicBool::new(false));
    let raise = Arc::clone(&pending);
    thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for line in lines.chain(["quit".to_owned()]) {
            if sender.send(line).is_err() {
                return;
            }
            raise.store(true, Ordering::Release);
        }
    });
    (receiver, pending)
}

fn say(line: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{line}")
        .and_then(|()| output.flush())
        .context("answering a command")
}

/// A time-out, a signal, or an ICMP error about a datagram sent before.
fn is_passing(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, Interrupted, TimedOut, WouldBlock};
    matches!(
        error.kind(),
        ConnectionRefused | Interrupted | TimedOut | WouldBlock
    )
}

/// File name of the first REGISTER without credentials.
pub(crate) const BARE: &str = "bare.sip";

/// File name of the first REGISTER with credentials.
pub(crate) const WITH_CREDENTIALS: &str = "with-credentials.sip";
