//! The daemon's end: what comes and goes is kept as it passes.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use tracing::{Level, enabled, trace};

use super::kept::{Fresh, Traces};
use super::redact::{printable, redact};
use super::ring::{Kind, NO_ADDRESS};
use crate::effect::{AccountId, Event, Failure, SocketId, Via, Whose};
use crate::time::Duration;

/// Keeps what passes.
pub struct Recorder {
    traces: Traces,
    /// Where sockets are bound.
    locals: BTreeMap<SocketId, SocketAddr>,
}

/// A message on its way.
#[derive(Clone, Copy, Debug)]
pub struct Passing<'a> {
    /// Whether it comes in.
    pub is_received: bool,
    /// On which wire.
    pub via: Via,
    /// The other end.
    pub remote: SocketAddr,
    /// Whose it is.
    pub whose: Whose,
    /// The message.
    pub bytes: &'a [u8],
}

/// A request of an Account that got no answer.
#[derive(Clone, Copy, Debug)]
pub struct Silence {
    /// Whose it was.
    pub account: AccountId,
    /// Where it went.
    pub to: SocketAddr,
    /// So long after it had left first.
    pub after: Duration,
    /// Why.
    pub failure: Failure,
}

impl Silence {
    fn words(&self) -> String {
        let Self { to, after, .. } = self;
        match self.failure {
            Failure::TimedOut => format!("{to}: no answer within {:.0} s", after.as_secs_f64()),
            Failure::Unreachable => format!("{to}: not reachable"),
        }
    }
}

impl Recorder {
    /// Keeps what it is told in `traces`.
    pub fn new(traces: Traces) -> Self {
        let locals = BTreeMap::new();
        Self { traces, locals }
    }

    /// A socket is bound there, or closed.
    pub fn on_socket(&mut self, socket: SocketId, local: Option<SocketAddr>) {
        match local {
            Some(local) => self.locals.insert(socket, local),
            None => self.locals.remove(&socket),
        };
    }

    /// Keeps a message. `at` is in microseconds since 1970; `name` tells what the engine's names
    /// are for people, where that is not known yet.
    pub fn on_message(
        &mut self,
        at: i64,
        passing: &Passing<'_>,
        name: impl Fn(Whose) -> Option<Arc<str>>,
    ) {
        let local = match passing.via {
            Via::Socket(socket) => self.locals.get(&socket).copied(),
            Via::Flow(_) => None,
        };
        let local = local.unwrap_or(NO_ADDRESS);
        if enabled!(Level::TRACE) {
            log(passing, local, &name);
        }
        if !self.traces.is_on() {
            return;
        }
        let fresh = Fresh {
            at,
            kind: if passing.is_received {
                Kind::Received
            } else {
                Kind::Sent
            },
            local,
            remote: passing.remote,
            content: passing.bytes,
        };
        self.traces.lock().push(passing.whose, name, &fresh);
    }

    /// Keeps what happened, where the messages alone do not tell it.
    pub fn on_event(&mut self, at: i64, event: &Event, name: impl Fn(Whose) -> Option<Arc<str>>) {
        if self.traces.is_on()
            && let Some(noted) = note(event)
        {
            self.keep(at, noted, name);
        }
    }

    /// Keeps that a request got no answer.
    pub fn on_silence(
        &mut self,
        at: i64,
        silence: &Silence,
        name: impl Fn(Whose) -> Option<Arc<str>>,
    ) {
        if !self.traces.is_on() {
            return;
        }
        let whose = Noted::Of(Whose::Account(silence.account));
        self.keep(at, (whose, silence.words()), name);
    }

    fn keep(
        &self,
        at: i64,
        (whose, words): (Noted, String),
        name: impl Fn(Whose) -> Option<Arc<str>>,
    ) {
        let fresh = Fresh {
            at,
            kind: Kind::Note,
            local: NO_ADDRESS,
            remote: NO_ADDRESS,
            content: words.as_bytes(),
        };
        let mut kept = self.traces.lock();
        match whose {
            Noted::Of(whose) => kept.push(whose, name, &fresh),
            Noted::Set(set) => kept.push_of_set(set, &fresh),
        }
    }
}

/// Whom a note is about.
enum Noted {
    Of(Whose),
    Set(Arc<str>),
}

/// An event in words; nothing where a message says it too.
fn note(event: &Event) -> Option<(Noted, String)> {
    let of = |account| Noted::Of(Whose::Account(account));
    match event {
        Event::PhaseChanged {
            account, to, why, ..
        } => {
            let phase = crate::status::words::phase_words(*to);
            let words = match why {
                crate::effect::Cause::Granted { .. } => return None,
                crate::effect::Cause::Other(why) if why.is_empty() => phase.to_owned(),
                crate::effect::Cause::Other(why) => format!("{phase}: {why}"),
            };
            Some((of(*account), words))
        }
        Event::RefreshFailed { account, why } => Some((
            of(*account),
            format!("refresh failed, the binding stands: {why}"),
        )),
        Event::Warning {
            account: Some(account),
            what,
        } => Some((of(*account), what.clone())),
        Event::Moved { account, from, to } => {
            Some((of(*account), format!("moved from {from} to {to}")))
        }
        Event::MemberChanged {
            set,
            member,
            is_online,
        } => {
            let word = if *is_online {
                "online again"
            } else {
                "offline"
            };
            Some((Noted::Set(Arc::clone(set)), format!("{member} is {word}")))
        }
        Event::Warning { account: None, .. } | Event::ListenFailed { .. } => None,
    }
}

/// A message as a line of the log, without credentials.
fn log(passing: &Passing<'_>, local: SocketAddr, name: &impl Fn(Whose) -> Option<Arc<str>>) {
    let mut bytes = passing.bytes.to_vec();
    redact(&mut bytes);
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<String> = text
        .split("\r\n")
        .map(|line| printable(line.as_bytes()))
        .collect();
    let name = name(passing.whose);
    let (account, proxy_set) = match passing.whose {
        Whose::Account(_) => (name.as_deref(), None),
        Whose::ProxySet(_) => (None, name.as_deref()),
        Whose::Nobody => (None, None),
    };
    let verb = if passing.is_received {
        "received"
    } else {
        "sent"
    };
    let remote = passing.remote;
    trace!(account, proxy_set, %local, %remote, message = lines.join(" | "), "{verb}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_request_stayed_unanswered_is_told() {
        let silence = Silence {
            account: AccountId {
                slot: 0,
                generation: 0,
            },
            to: ([192, 0, 2, 1], 5060).into(),
            after: Duration::from_millis(32_004),
            failure: Failure::TimedOut,
        };
        assert_eq!(silence.words(), "192.0.2.1:5060: no answer within 32 s");
        let failure = Failure::Unreachable;
        let silence = Silence { failure, ..silence };
        assert_eq!(silence.words(), "192.0.2.1:5060: not reachable");
    }
}
