//! A registrar of the plainest kind, for trials that must be at its socket themselves.
//!
//! What it answers is a function of the trial's: one datagram comes, any number go back. It is
//! written for these trials and shares no code with the product.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use jiff::Timestamp;

use super::message::{Message, Transcript};
use super::process::show;

/// A registrar that answers while this lives.
pub(crate) struct Registrar {
    desk: Arc<Desk>,
    address: SocketAddr,
    thread: Option<JoinHandle<()>>,
}

struct Desk {
    socket: UdpSocket,
    heard: Mutex<Vec<(SocketAddr, Message)>>,
    is_over: AtomicBool,
}

impl Registrar {
    /// Starts one that answers each datagram as `answer` says.
    #[track_caller]
    pub(crate) fn start(answer: impl FnMut(&Message) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        Self::start_at((Ipv4Addr::LOCALHOST, 0).into(), answer)
    }

    /// Starts one at this address.
    #[track_caller]
    pub(crate) fn start_at(
        address: SocketAddr,
        mut answer: impl FnMut(&Message) -> Vec<Vec<u8>> + Send + 'static,
    ) -> Self {
        let socket = UdpSocket::bind(address).expect("a free UDP port");
        let address = socket.local_addr().expect("a bound socket has an address");
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a time-out that is not zero");
        let desk = Arc::new(Desk {
            socket,
            heard: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let shared = Arc::clone(&desk);
        let thread = thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while !shared.is_over.load(Ordering::Relaxed) {
                // A time-out, or the news that an answer found a closed port.
                let Ok((length, from)) = shared.socket.recv_from(&mut buffer) else {
                    continue;
                };
                let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
                let message = Message::new(Timestamp::now(), text);
                let answers = answer(&message);
                // Whoever sees the answer finds the request heard.
                shared.heard().push((from, message));
                for bytes in answers {
                    shared.socket.send_to(&bytes, from).ok();
                }
            }
        });
        Self {
            desk,
            address,
            thread: Some(thread),
        }
    }

    /// One that challenges, takes any credentials, and grants so many seconds.
    #[track_caller]
    pub(crate) fn granting(seconds: u32) -> Self {
        Self::start(move |message| usual(message, seconds))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sends something from its address.
    #[track_caller]
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8]) {
        self.desk
            .socket
            .send_to(bytes, to)
            .expect("room for a datagram");
    }

    /// All that it has heard so far.
    pub(crate) fn heard(&self) -> Transcript {
        let heard = self.desk.heard();
        Transcript(heard.iter().map(|(_, message)| message.clone()).collect())
    }

    /// The same, each with where it came from.
    pub(crate) fn heard_from(&self) -> Vec<(SocketAddr, Message)> {
        self.desk.heard().clone()
    }
}

impl Drop for Registrar {
    fn drop(&mut self) {
        self.desk.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            thread.join().ok();
        }
        if thread::panicking() {
            show("what the registrar heard last", &self.heard().to_string());
        }
    }
}

impl Desk {
    fn heard(&self) -> MutexGuard<'_, Vec<(SocketAddr, Message)>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answers of a registrar with nothing unusual about it.
pub(crate) fn usual(message: &Message, seconds: u32) -> Vec<Vec<u8>> {
    match (message.is_register(), message.credentials()) {
        (false, _) => Vec::new(),
        (true, None) => vec![challenge(message)],
        (true, Some(_)) => vec![accept(message, seconds)],
    }
}

/// 401 with a digest challenge.
pub(crate) fn challenge(request: &Message) -> Vec<u8> {
    let nonce = request.cseq();
    let challenge = format!(
        "WWW-Authenticate: Digest realm=\"registrar.test\", nonce=\"nonce-{nonce}\", \
         algorithm=MD5, qop=\"auth\"\r\n"
    );
    answer(request, "401 Unauthorized", &challenge)
}

/// 200 to a REGISTER.
pub(crate) fn accept(request: &Message, seconds: u32) -> Vec<u8> {
    let contact = request.header("Contact");
    let contact = contact.split(";expires=").next().unwrap_or_default();
    let granted = match request.expires() {
        0 => String::new(),
        _ => format!("Contact: {contact};expires={seconds}\r\n"),
    };
    answer(request, "200 OK", &granted)
}

/// An answer with these headers and a body, which a receiver must find whole.
pub(crate) fn answer(request: &Message, line: &str, headers: &str) -> Vec<u8> {
    let mut text = format!("SIP/2.0 {line}\r\n");
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        for value in request.headers(name) {
            let tag = if name == "To" { ";tag=registrar" } else { "" };
            text += &format!("{name}: {value}{tag}\r\n");
        }
    }
    let body = "for nobody";
    let length = body.len();
    text += &format!("{headers}Content-Type: text/plain\r\nContent-Length: {length}\r\n\r\n{body}");
    text.into_bytes()
}
