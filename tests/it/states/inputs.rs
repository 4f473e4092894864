//! What can happen to an Account in any state, and how the world makes it happen at one instant.

use std::net::SocketAddr;

use regent::effect::{Command, Ticket, Trigger};
use regent::sim::{LOCAL, Line, Packet, REGISTRAR, UNIX_MS_AT_ZERO, What, World};
use regent::status::{AccountStatus, UnixMs};
use regent::time::{Duration, Instant};

use super::stories::{PORT, close};

/// One thing that happens.
#[derive(Clone, Copy)]
pub(super) enum Input {
    /// An answer to the last request, with these headers: code, header lines, words for readers.
    Answer(u16, &'static str, &'static str),
    /// A 200 to the request before the last one.
    Late,
    /// A 200 to a request that nobody sent.
    Stray,
    /// A 200 to the last request, from an address that is no registrar of ours.
    Elsewhere,
    /// The port is closed, and the repetition brings an ICMP error.
    Closed,
    /// The transaction ends without an answer.
    Silence,
    /// What was scheduled is due.
    Due,
    /// The request before in the line has timed out.
    Turn,
    /// The binding ends.
    Expiry,
    /// The time for stopping is over.
    TimeUp,
    /// The port that is being bound is bound, or cannot be.
    Bound(bool),
    /// Something that may register it anew.
    Happens(fn(&mut World), &'static str),
    /// An operator's word.
    Told(fn(&mut World) -> Ticket, &'static str),
}

const CHALLENGE: &str = "WWW-Authenticate: Digest realm=\"sim\", nonce=\"n1\", qop=\"auth\"\r\n";
const STALE: &str =
    "WWW-Authenticate: Digest realm=\"sim\", nonce=\"n2\", qop=\"auth\", stale=true\r\n";

pub(super) const INPUTS: &[Input] = &[
    Input::Answer(200, "Expires: 40\r\n", "200 granting 40 s"),
    Input::Answer(200, "Expires: 0\r\n", "200 granting 0"),
    Input::Answer(302, "Contact: <sip:10.9.9.9>\r\n", "302"),
    Input::Answer(401, CHALLENGE, "401"),
    Input::Answer(401, STALE, "401 with stale=true"),
    Input::Answer(401, "", "401 without a challenge"),
    Input::Answer(403, "", "403"),
    Input::Answer(404, "", "404"),
    Input::Answer(408, "", "408"),
    Input::Answer(420, "Unsupported: path\r\n", "420 refusing `path`"),
    Input::Answer(423, "Min-Expires: 300\r\n", "423 with Min-Expires 300"),
    Input::Answer(423, "Min-Expires: 60\r\n", "423 with Min-Expires 60"),
    Input::Answer(481, "", "481"),
    Input::Answer(486, "Retry-After: 120\r\n", "486 with Retry-After 120"),
    Input::Answer(500, "", "500"),
    Input::Answer(503, "Retry-After: 120\r\n", "503 with Retry-After 120"),
    Input::Answer(503, "Retry-After: 9999\r\n", "503 with Retry-After 9999"),
    Input::Answer(600, "", "600"),
    Input::Answer(100, "", "100"),
    Input::Elsewhere,
    Input::Late,
    Input::Stray,
    Input::Closed,
    Input::Silence,
    Input::Due,
    Input::Turn,
    Input::Expiry,
    Input::TimeUp,
    Input::Bound(true),
    Input::Bound(false),
    Input::Happens(
        |world| world.trigger("main", Trigger::ConnectionLost),
        "its connection is lost",
    ),
    Input::Happens(
        |world| {
            let (code, registrar) = (403, Some(REGISTRAR));
            world.trigger("main", Trigger::InviteFailed { code, registrar });
        },
        "403 to an INVITE",
    ),
    Input::Happens(|world| world.link_up(&[LOCAL.ip()]), "the link comes up"),
    Input::Told(|world| world.register("main"), "`register`"),
    Input::Told(
        |world| world.register_by_force("main"),
        "`register --force`",
    ),
    Input::Told(|world| world.unregister("main"), "`unregister`"),
    Input::Told(|world| world.refresh("main"), "`refresh`"),
    Input::Told(World::shutdown, "shutdown"),
];

/// So long un-REGISTERs may take when the program stops (rule L7).
const STOP_TIME: Duration = Duration::from_secs(4);

impl Input {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Answer(_, _, words) | Self::Told(_, words) | Self::Happens(_, words) => words,
            Self::Bound(true) => "its port is bound",
            Self::Bound(false) => "its port cannot be bound",
            Self::Late => "200 to the request before",
            Self::Stray => "200 with an unknown branch",
            Self::Elsewhere => "200 from another address",
            Self::Closed => "ICMP: port unreachable",
            Self::Silence => "no answer for 32 s",
            Self::Due => "its time comes",
            Self::Turn => "its turn comes",
            Self::Expiry => "the binding ends",
            Self::TimeUp => "4 s without headway are over",
        }
    }

    pub(super) fn is_answer(self) -> bool {
        matches!(self, Self::Answer(..))
    }

    /// Makes it happen. Gives the place of the first line of its instant, or `None` where it cannot
    /// happen in this state: what it is about does not exist, or something else comes first.
    pub(super) fn happen(self, world: &mut World) -> Option<usize> {
        match self {
            Self::Answer(code, headers, _) => {
                let request = requests(world).pop()?;
                Some(answer(world, &request, code, headers))
            }
            Self::Elsewhere => {
                let request = requests(world).pop()?;
                let from = "192.0.2.99:5060".parse().ok()?;
                let bytes = response(&request, &request.summary.branch, 200, "Expires: 40\r\n");
                let place = world.transcript().lines().len();
                world.inject(from, &bytes);
                Some(place)
            }
            Self::Late => {
                let mut known = requests(world);
                known.pop()?;
                Some(answer(world, &known.pop()?, 200, "Expires: 40\r\n"))
            }
            Self::Stray => {
                let mut request = requests(world).pop()?;
                request.summary.branch = "z9hG4bK00000000000000000000000000000000".to_owned();
                Some(answer(world, &request, 200, "Expires: 40\r\n"))
            }
            Self::Closed => {
                is_in_flight(world)?;
                close(world);
                let begin = world.transcript().lines().len();
                let came = |line: &Line| matches!(line.what, What::Refused(_));
                let place = |world: &World| {
                    let mut lines = world.transcript().lines()[begin..].iter();
                    Some(begin + lines.position(came)?)
                };
                while place(world).is_none() && world.step() {}
                place(world)
            }
            Self::Told(tell, _) => {
                let place = world.transcript().lines().len();
                tell(world);
                Some(place)
            }
            Self::Happens(happen, _) => {
                let place = world.transcript().lines().len();
                happen(world);
                Some(place)
            }
            Self::Bound(is_bound) => {
                let when = world.next_bind()?;
                let first = SocketAddr::new(LOCAL.ip(), PORT);
                world.take_address(first, !is_bound);
                world.run_until(when.back(Duration::from_micros(1)));
                let place = world.transcript().lines().len();
                world.run_until(when);
                Some(place)
            }
            Self::Silence | Self::Due | Self::Turn | Self::Expiry | Self::TimeUp => {
                let when = self.comes(world)?;
                let time_up = Self::TimeUp.comes(world);
                if time_up.is_some_and(|time_up| time_up < when) {
                    return None;
                }
                world.run_until(when.back(Duration::from_micros(1)));
                let place = world.transcript().lines().len();
                world.run_until(when);
                Some(place)
            }
        }
    }

    /// When something comes by itself.
    fn comes(self, world: &mut World) -> Option<Instant> {
        let status = world.current_status("main");
        let timeout = world.transaction_timeout();
        match self {
            Self::Silence => Some(is_in_flight(world)? + timeout),
            Self::Due => due(&status),
            Self::Turn => {
                let alone = is_in_flight(world).is_none() && due(&status).is_none();
                let other = first_sends(world, "other").last()?.at;
                alone.then_some(other + timeout)
            }
            Self::Expiry => {
                let ends = instant(status.binding_until?);
                due(&status).is_none_or(|due| due > ends).then_some(ends)
            }
            Self::TimeUp => {
                let is_stop = |line: &&Line| matches!(line.what, What::Asked(_, Command::Shutdown));
                let lines = world.transcript().lines();
                let told = lines.iter().find(is_stop)?.at;
                let is_over = lines
                    .iter()
                    .any(|line| matches!(line.what, What::Reply(..)));
                (!is_over).then_some(told + STOP_TIME)
            }
            Self::Answer(..) | Self::Late | Self::Stray | Self::Elsewhere => None,
            Self::Closed | Self::Told(..) | Self::Happens(..) | Self::Bound(_) => None,
        }
    }
}

/// When the next REGISTER is due, by the status.
pub(super) fn due(status: &AccountStatus) -> Option<Instant> {
    status.next_try.or(status.refresh_due).map(instant)
}

/// A wall-clock time of the simulated world.
pub(super) fn instant(at: UnixMs) -> Instant {
    Instant::from_millis(u64::try_from(at.0 - UNIX_MS_AT_ZERO).unwrap_or_default())
}

/// Every REGISTER of an Account when it first left.
fn first_sends<'w>(world: &'w World, name: &'static str) -> impl Iterator<Item = &'w Line> {
    let lines = world.transcript().lines().iter();
    lines.filter(move |line| {
        line.account.as_deref() == Some(name)
            && line.sent().is_some_and(|packet| packet.repeat == 0)
    })
}

fn requests(world: &World) -> Vec<Packet> {
    let sends = first_sends(world, "main");
    sends.filter_map(|line| line.sent().cloned()).collect()
}

/// When the request in flight has left; `None` when there is none.
fn is_in_flight(world: &World) -> Option<Instant> {
    let last = first_sends(world, "main").last()?;
    if last.at + world.transaction_timeout() <= world.now() {
        return None;
    }
    let branch = &last.sent()?.summary.branch;
    let mut lines = world.transcript().lines().iter();
    let is_answer = |packet: &Packet| packet.summary.branch == *branch;
    let is_answered =
        lines.any(|line| matches!(&line.what, What::Received(packet) if is_answer(packet)));
    let is_lost = world.in_flight(REGISTRAR) == 0;
    (!is_answered && !is_lost).then_some(last.at)
}

fn answer(world: &mut World, request: &Packet, code: u16, headers: &str) -> usize {
    let bytes = response(request, &request.summary.branch, code, headers);
    let place = world.transcript().lines().len();
    world.inject(REGISTRAR, &bytes);
    place
}

fn response(request: &Packet, branch: &str, code: u16, headers: &str) -> Vec<u8> {
    let (call_id, cseq) = (&request.summary.call_id, request.summary.cseq);
    let text = format!(
        "SIP/2.0 {code} Sim\r\n\
         Via: SIP/2.0/UDP {LOCAL};branch={branch};received={};rport={}\r\n\
         From: <sip:main@sim.example>;tag=a\r\nTo: <sip:main@sim.example>;tag=b\r\n\
         Call-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\n{headers}Content-Length: 0\r\n\r\n",
        LOCAL.ip(),
        LOCAL.port()
    );
    text.into_bytes()
}
