//! Reports to a capture server, in a thread of its own that reads what is kept as anybody does. The
//! server may be slow, unknown or gone: nothing waits for it, and what cannot be sent is counted.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tracing::{info, warn};

use super::hep;
use super::kept::Traces;
use super::read::Reading;

/// A capture server is told while this lives.
pub struct Export {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// How a capture server has been told so far.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Reports {
    /// The server, as configured.
    pub server: Arc<str>,
    /// Messages that were sent to it.
    pub sent: u64,
    /// Messages that could not be sent.
    pub lost: u64,
}

impl Export {
    /// Begins to report what comes from now on to `server`, a host with or without a port.
    pub fn start(traces: Traces, server: &Arc<str>, capture_id: u32) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let reports = Reports {
            server: Arc::clone(server),
            sent: 0,
            lost: 0,
        };
        traces.set_reports(&reports);
        let reporter = Reporter {
            reading: traces.from_now(),
            traces,
            reports,
            capture_id,
            socket: None,
            next_try: Instant::now(),
            trouble: None,
        };
        let word = Arc::clone(&is_over);
        let thread = thread::Builder::new()
            .name("hep".to_owned())
            .spawn(move || reporter.run(&word))?;
        Ok(Self {
            is_over,
            thread: Some(thread),
        })
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A name server that does not answer would keep it; the process ends without it then.
            let patience = Instant::now() + FAREWELL;
            while !thread.is_finished() && Instant::now() < patience {
                thread::park_timeout(Duration::from_millis(5));
            }
        }
    }
}

struct Reporter {
    traces: Traces,
    reading: Reading,
    reports: Reports,
    capture_id: u32,
    socket: Option<UdpSocket>,
    /// When the server may be looked for again.
    next_try: Instant,
    trouble: Option<Trouble>,
}

/// The server does not get what it should.
struct Trouble {
    /// How many were lost before.
    before: u64,
    /// When the last one was.
    last: Instant,
}

impl Reporter {
    fn run(mut self, is_over: &AtomicBool) {
        loop {
            // What came before the end is still told.
            let is_last = is_over.load(Ordering::Relaxed);
            while self.traces.look(&mut self.reading) {
                for entry in self.traces.page(&mut self.reading) {
                    if let Some(packet) = hep::packet(&entry, self.capture_id) {
                        self.report(&packet);
                    }
                }
                self.traces.set_reports(&self.reports);
            }
            let missed = self.reading.missed();
            if missed > 0 {
                self.lose(missed, "it is slower than the messages");
                self.traces.set_reports(&self.reports);
            }
            if is_last {
                return;
            }
            thread::park_timeout(PAUSE);
        }
    }

    fn report(&mut self, packet: &[u8]) {
        let now = Instant::now();
        if self.trouble.is_some() && self.next_try <= now {
            // Its name may lead to another address by now.
            self.socket = None;
        }
        if self.socket.is_none() {
            if now < self.next_try {
                return self.lose(1, "it cannot be reached");
            }
            self.next_try = now + RETRY;
            match connect(&self.reports.server) {
                Ok(socket) => self.socket = Some(socket),
                Err(error) => return self.lose(1, &error.to_string()),
            }
        }
        let Some(socket) = &self.socket else { return };
        let mut result = socket.send(packet);
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            // That is what became of an earlier one.
            result = socket.send(packet);
            self.reports.sent = self.reports.sent.saturating_sub(1);
            self.lose(1, "nobody listens there");
        }
        match result {
            Ok(_) => {
                self.reports.sent += 1;
                self.be_well(now);
            }
            Err(error) => self.lose(1, &error.to_string()),
        }
    }

    /// Says that it works again, when it has for a while.
    fn be_well(&mut self, now: Instant) {
        if let Some(trouble) = self.trouble.take_if(|it| now - it.last >= RETRY) {
            let lost = self.reports.lost - trouble.before;
            let server = &*self.reports.server;
            info!(server, lost, "the capture server is told everything again");
        }
    }

    /// Counts what could not be sent; says so once, until it works again.
    fn lose(&mut self, count: u64, why: &str) {
        let (before, last) = (self.reports.lost, Instant::now());
        self.reports.lost += count;
        if let Some(trouble) = &mut self.trouble {
            trouble.last = last;
            return;
        }
        self.trouble = Some(Trouble { before, last });
        let server = &*self.reports.server;
        warn!(server, why, "the capture server is not told everything");
    }
}

/// A socket that speaks to the server alone, so that the system says when nobody is there.
pub fn connect(server: &str) -> io::Result<UdpSocket> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in addresses(server)? {
        let local = match address {
            SocketAddr::V4(_) => "0.0.0.0:0",
            SocketAddr::V6(_) => "[::]:0",
        };
        let socket = UdpSocket::bind(local);
        let connected = socket.and_then(|socket| socket.connect(address).map(|()| socket));
        match connected {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn addresses(server: &str) -> io::Result<Vec<SocketAddr>> {
    let bare = server.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let has_port = bare.is_none() && server.rsplit_once(':').is_some();
    let addresses = match (bare, has_port) {
        (Some(bare), _) => (bare, DEFAULT_PORT).to_socket_addrs()?,
        (None, false) => (server, DEFAULT_PORT).to_socket_addrs()?,
        (None, true) => server.to_socket_addrs()?,
    };
    Ok(addresses.collect())
}

/// The port that capture servers have.
const DEFAULT_PORT: u16 = 9_060;

/// How often it is looked whether there is anything to report.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that was not found is looked for again after this.
const RETRY: Duration = Duration::from_secs(10);

/// So long the end may take.
const FAREWELL: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_a_port_has_the_usual_one() {
        for (server, wanted) in [
            ("127.0.0.1", "127.0.0.1:9060"),
            ("127.0.0.1:7", "127.0.0.1:7"),
            ("[::1]", "[::1]:9060"),
            ("[::1]:7", "[::1]:7"),
        ] {
            let wanted: SocketAddr = wanted.parse().unwrap();
            assert_eq!(addresses(server).unwrap(), [wanted]);
        }
    }
}
