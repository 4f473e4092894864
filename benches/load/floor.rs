//! The least that any client of this shape can cost: plain send and receive of the same bytes.
//!
//! One thread, one connected blocking UDP socket, 32 requests outstanding. Answers are counted
//! and never read: the responder is one thread and loopback keeps the order, so the n-th answer
//! belongs to the n-th request. The requests are those of the daemon, taken from its own first
//! datagrams where there are such; a counter written over eight bytes of Call-ID and branch makes
//! each one new.

use std::{
    collections::VecDeque,
    fs,
    net::{Ipv4Addr, UdpSocket},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use crate::{
    responder::{BARE, WITH_CREDENTIALS},
    wire::Register,
};

/// What the command line of the floor says.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// Port of the responder.
    pub(crate) port: u16,
    /// How many registrations to make.
    pub(crate) registrations: u32,
    /// Leaves out the request without credentials, as a refresh does.
    pub(crate) refresh: bool,
    /// Directory with the requests of the daemon.
    pub(crate) samples: Option<PathBuf>,
}

/// Makes the registrations and writes what they cost, as one line of `name=value`.
#[expect(
    clippy::print_stdout,
    reason = "the parent reads the figures from there"
)]
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("binding the floor")?;
    socket
        .connect((Ipv4Addr::LOCALHOST, settings.port))
        .context("connecting the floor")?;
    // Nothing is sent again here: a lost datagram makes the run worthless, and it says so.
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let samples = settings.samples.as_deref();
    let mut bare = Template::load(samples, BARE, "")?;
    let mut with_credentials = Template::load(samples, WITH_CREDENTIALS, CREDENTIALS)?;
    let started = Instant::now();
    let mut outstanding = VecDeque::with_capacity(WINDOW);
    let mut waiting = 0..settings.registrations;
    let mut answer = [0; 4096];
    loop {
        while outstanding.len() < WINDOW
            && let Some(number) = waiting.next()
        {
            let first = if settings.refresh {
                &mut with_credentials
            } else {
                &mut bare
            };
            first.send(&socket, number)?;
            outstanding.push_back((number, settings.refresh));
        }
        let Some((number, last)) = outstanding.pop_front() else {
            break;
        };
        socket
            .recv(&mut answer)
            .context("an answer to the floor was lost")?;
        if !last {
            with_credentials.send(&socket, number)?;
            outstanding.push_back((number, true));
        }
    }
    let wall = started.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_SELF).context("reading our own CPU time")?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    println!(
        "user_us={} system_us={} wall_us={} request_bytes={}",
        micros(usage.user_time()),
        micros(usage.system_time()),
        wall.as_micros(),
        bare.bytes.len() + with_credentials.bytes.len(),
    );
    Ok(())
}

/// A request and where its names stand.
struct Template {
    bytes: Vec<u8>,
    call_id: usize,
    branch: usize,
    stage: u32,
}

impl Template {
    /// Takes the request of the daemon, or ours where there is none.
    fn load(samples: Option<&Path>, name: &str, credentials: &str) -> Result<Self> {
        let bytes = match samples {
            Some(directory) => fs::read(directory.join(name)).context("reading a sample")?,
            None => OURS
                .replace("{credentials}", credentials)
                .replace('\n', "\r\n")
                .into_bytes(),
        };
        let register = Register::read(&bytes).context("a sample is no REGISTER")?;
        let (call_id, branch) = (register.call_id, register.branch());
        ensure!(
            call_id.len() >= DIGITS,
            "the Call-ID is too short to be made new"
        );
        ensure!(
            branch.len() >= MAGIC + DIGITS,
            "the branch is too short to be made new"
        );
        // Both are parts of `bytes`, so the distance of the addresses is their place in it.
        let place = |part: &[u8]| part.as_ptr().addr() - bytes.as_ptr().addr();
        let (call_id, branch) = (place(call_id), place(branch) + branch.len() - DIGITS);
        Ok(Self {
            call_id,
            branch,
            stage: u32::from(name == WITH_CREDENTIALS),
            bytes,
        })
    }

    /// Sends the request of one registration.
    fn send(&mut self, socket: &UdpSocket, number: u32) -> Result<()> {
        self.bytes[self.call_id..self.call_id + DIGITS].copy_from_slice(&digits(number));
        let branch = digits(number * 2 + self.stage);
        self.bytes[self.branch..self.branch + DIGITS].copy_from_slice(&branch);
        socket.send(&self.bytes).context("sending from the floor")?;
        Ok(())
    }
}

/// Eight hexadecimal digits.
fn digits(number: u32) -> [u8; DIGITS] {
    let mut shift = u32::BITS;
    [(); DIGITS].map(|()| {
        shift -= 4;
        b"0123456789abcdef"[(number >> shift) as usize & 15]
    })
}

/// Requests that are out at one time.
const WINDOW: usize = 32;

/// Bytes that are written over to make a name new.
const DIGITS: usize = 8;

/// Length of `z9hG4bK`, which every branch begins with (RFC 3261 §8.1.1.7).
const MAGIC: usize = 7;

/// The request where the daemon has sent none: what rules I1–I5 make of one.
const OURS: &str = "\
REGISTER sip:g001.load.example SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK0000000000000000;rport
Max-Forwards: 70
From: <sip:c0000001@g001.load.example>;tag=0123456789abcdef
To: <sip:c0000001@g001.load.example>
Call-ID: 0123456789abcdef0123456789abcdef
CSeq: 1 REGISTER
Contact: <sip:c0000001@127.0.0.1:5070;mark=0123456789abcdef>;expires=3600
Expires: 3600
User-Agent: regent/0.1.0
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, NOTIFY, MESSAGE, INFO, UPDATE, PRACK, REFER
Supported: path
{credentials}Content-Length: 0

";

/// The line that the second request has more.
const CREDENTIALS: &str = "\
Authorization: Digest username=\"u0000001\", realm=\"load.example\", \
nonce=\"5f1d0c6a9be273840000000000000001\", uri=\"sip:g001.load.example\", \
response=\"0123456789abcdef0123456789abcdef\", algorithm=MD5, cnonce=\"0123456789abcdef\", \
qop=auth, nc=00000001
";
