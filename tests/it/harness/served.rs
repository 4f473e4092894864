//! The simulator's registrar on a real socket, for trials of what it does not decide: it has moods,
//! and counts what it hears.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use regent::rng::Seed;
use regent::sim::{Behaviour, Registrar};

use super::many::Many;

/// A registrar that knows the user of [`Many`] and answers while this lives.
pub(crate) struct Served {
    address: SocketAddr,
    shared: Arc<(Mutex<Registrar>, AtomicBool)>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    /// Starts one in this mood.
    #[track_caller]
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let mut registrar = Registrar::new(Seed::from_number(1));
        registrar.behave(behaviour);
        registrar.user(Many::USER_NAME, Many::PASSWORD);
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let patience = Some(Duration::from_millis(20));
        socket.set_read_timeout(patience).expect("a time limit");
        let address = socket.local_addr().expect("a bound socket");
        let shared = Arc::new((Mutex::new(registrar), AtomicBool::new(false)));
        let state = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let start = Instant::now();
            let mut buffer = vec![0; 65_536];
            while !state.1.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                let now = regent::time::Instant::from_micros(micros);
                let mut registrar = state.0.lock().unwrap_or_else(PoisonError::into_inner);
                for reply in registrar.on_datagram(now, from, &buffer[..length]) {
                    socket.send_to(&reply.bytes, reply.to).ok();
                }
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds and has counted.
    pub(crate) fn registrar(&self) -> MutexGuard<'_, Registrar> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.shared.1.store(true, Ordering::Relaxed);
        self.thread.take().map(JoinHandle::join);
    }
}
