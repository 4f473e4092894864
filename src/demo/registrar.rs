//! The simulator's registrar on a real socket, in a thread of its own.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::Silence;
use crate::rng::Seed;
use crate::sim::{Behaviour, Counts, Registrar, Reply};
use crate::time::{Duration, Instant, micros};

/// What a registrar has seen and holds.
#[derive(Clone, Debug)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it has seen and done.
    pub counts: Counts,
    /// Its own table: address-of-record and Contact of each binding that stands now.
    pub bindings: Vec<(String, String)>,
}

/// A registrar that is served while this lives.
pub(super) struct Serving {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

/// What the thread and its owner share.
struct Desk {
    socket: UdpSocket,
    address: SocketAddr,
    start: std::time::Instant,
    registrar: Mutex<Registrar>,
    is_over: AtomicBool,
}

impl Serving {
    /// Starts a registrar on a free port.
    pub(super) fn start<'a>(
        behaviour: Behaviour,
        users: impl Iterator<Item = (&'a str, &'a str)>,
        silence: Option<Silence>,
    ) -> io::Result<Self> {
        let mut seed = [0; 32];
        SysRng.try_fill_bytes(&mut seed).map_err(io::Error::other)?;
        let mut registrar = Registrar::new(Seed::new(seed));
        registrar.behave(behaviour.clone());
        for (name, password) in users {
            registrar.user(name, password);
        }
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let desk = Arc::new(Desk {
            address: socket.local_addr()?,
            socket,
            start: std::time::Instant::now(),
            registrar: Mutex::new(registrar),
            is_over: AtomicBool::new(false),
        });
        let thread = thread::Builder::new().name("registrar".to_owned());
        let shared = Arc::clone(&desk);
        let thread = thread.spawn(move || shared.serve(&behaviour, silence))?;
        Ok(Self {
            desk,
            thread: Some(thread),
        })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.desk.address
    }

    pub(super) fn served(&self) -> Served {
        let registrar = self.desk.registrar();
        let bindings = registrar.bindings(self.desk.now());
        Served {
            address: self.desk.address,
            counts: registrar.counts(),
            bindings: bindings
                .map(|(aor, binding)| (aor.to_owned(), binding.contact.clone()))
                .collect(),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.desk.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            drop(thread.join());
        }
    }
}

impl Desk {
    fn serve(&self, usual: &Behaviour, silence: Option<Silence>) {
        let mut buffer = vec![0; 65_536];
        let mut late: Vec<Reply> = Vec::new();
        let mut is_silent = false;
        while !self.is_over.load(Ordering::Relaxed) {
            if let Ok((length, from)) = self.socket.recv_from(&mut buffer) {
                let bytes = &buffer[..length];
                late.extend(self.registrar().on_datagram(self.now(), from, bytes));
            }
            let now = self.now();
            late.retain(|reply| {
                let is_due = reply.at <= now;
                if is_due {
                    // What does not arrive is asked for again.
                    drop(self.socket.send_to(&reply.bytes, reply.to));
                }
                !is_due
            });
            let shall_be_silent = silence.is_some_and(|silence| {
                let start = Instant::ZERO + silence.after;
                (start..start + silence.span).contains(&now)
            });
            if shall_be_silent != is_silent {
                is_silent = shall_be_silent;
                self.registrar().behave(match is_silent {
                    true => Behaviour::silence(),
                    false => usual.clone(),
                });
            }
        }
    }

    fn registrar(&self) -> MutexGuard<'_, Registrar> {
        self.registrar
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Instant {
        Instant::from_micros(micros(self.start.elapsed()))
    }
}

/// How long the thread waits before it looks at the time.
const PATIENCE: Duration = Duration::from_millis(20);
