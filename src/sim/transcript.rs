//! Everything that happened in a simulated world, line by line: `+32.000s  main → 10.0.0.1:5060
//! REGISTER …`.
//!
//! Lines are values first and text second: expectations look at the values, golden files at the
//! text.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::text::Text;
use super::verify::Claim;
use crate::effect::{Command, Event, Notice, Outcome, Ticket};
use crate::time::Instant;

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Line {
    /// When.
    pub at: Instant,
    /// The Account that it concerns, if it is known.
    pub account: Option<Arc<str>>,
    /// What.
    pub what: What,
}

impl Line {
    /// The packet, if one left us.
    pub fn sent(&self) -> Option<&Packet> {
        if let What::Sent(packet) = &self.what {
            Some(packet)
        } else {
            None
        }
    }

    /// The packet, if one left or reached us.
    pub fn packet(&self) -> Option<&Packet> {
        if let What::Sent(packet) | What::Received(packet) = &self.what {
            Some(packet)
        } else {
            None
        }
    }

    /// The notice, if it is one.
    pub fn notice(&self) -> Option<&Notice> {
        if let What::Notice(notice) = &self.what {
            Some(notice)
        } else {
            None
        }
    }

    /// The event, if it is one.
    pub fn event(&self) -> Option<&Event> {
        if let What::Event(event) = &self.what {
            Some(event)
        } else {
            None
        }
    }
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum What {
    /// A datagram left us.
    Sent(Packet),
    /// A datagram reached us.
    Received(Packet),
    /// An ICMP error reached us, for what we sent to this address.
    Refused(SocketAddr),
    /// The engine told of something.
    Event(Event),
    /// The engine gave a notice.
    Notice(Notice),
    /// An operator asked for something.
    Asked(Ticket, Command),
    /// An operator got an answer.
    Reply(Ticket, Outcome),
    /// The test or the world did something.
    Note(String),
}

/// A datagram.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Our side.
    pub local: SocketAddr,
    /// The other side.
    pub remote: SocketAddr,
    /// How often it was sent before.
    pub repeat: u32,
    /// What it says.
    pub summary: Summary,
    /// The datagram itself.
    pub bytes: Arc<[u8]>,
}

impl Packet {
    /// The message, line by line.
    pub fn text(&self) -> Option<Text> {
        Text::read(&self.bytes)
    }
}

/// What is worth knowing of a message.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    /// The method of a request.
    pub method: Option<String>,
    /// Status code and reason of a response.
    pub status: Option<(u16, String)>,
    /// Length in bytes.
    pub length: usize,
    /// CSeq number.
    pub cseq: u32,
    /// Call-ID.
    pub call_id: String,
    /// Branch of the topmost Via.
    pub branch: String,
    /// Expires header.
    pub expires: Option<u32>,
    /// Contact values with their parameters.
    pub contacts: Vec<String>,
    /// Credentials that it carries.
    pub credentials: Vec<Used>,
    /// Retry-After, Min-Expires and other headers that change what comes next.
    pub notable: Vec<(String, String)>,
}

/// Credentials as they were used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Used {
    /// Whether they are for a proxy (407).
    pub proxy: bool,
    /// The realm.
    pub realm: String,
    /// The algorithm; empty when none is named.
    pub algorithm: String,
    /// The quality of protection; empty when there is none.
    pub qop: String,
    /// The nonce.
    pub nonce: String,
    /// The nonce count; 0 when there is none.
    pub nc: u32,
}

/// Response headers that a transcript shows.
const NOTABLE: [&str; 3] = ["retry-after", "min-expires", "unsupported"];

impl Summary {
    /// Of a datagram, SIP or not.
    pub fn of(bytes: &[u8]) -> Self {
        let Some(text) = Text::read(bytes) else {
            return Self {
                length: bytes.len(),
                ..Self::default()
            };
        };
        let contact = |it: super::text::Contact<'_>| format!("<{}>{}", it.uri, it.parameters);
        let notable = |name: &&str| Some((name.to_string(), text.header(name)?.to_owned()));
        Self {
            method: text.request().map(|(method, _)| method.to_owned()),
            status: text
                .response()
                .map(|(code, reason)| (code, reason.to_owned())),
            length: bytes.len(),
            cseq: text.cseq().map_or(0, |(number, _)| number),
            call_id: text.header("call-id").unwrap_or_default().to_owned(),
            branch: text.branch().unwrap_or_default().to_owned(),
            expires: text.expires(),
            contacts: text.contacts().map(contact).collect(),
            credentials: used(&text),
            notable: NOTABLE.iter().filter_map(notable).collect(),
        }
    }

    /// Whether it is a REGISTER.
    pub fn is_register(&self) -> bool {
        self.method.as_deref() == Some("REGISTER")
    }

    /// The status code of a response.
    pub fn code(&self) -> Option<u16> {
        self.status.as_ref().map(|(code, _)| *code)
    }
}

fn used(text: &Text) -> Vec<Used> {
    let of = |name, proxy| {
        text.all(name)
            .filter_map(Claim::read)
            .map(move |claim| Used {
                proxy,
                realm: claim.get("realm").to_owned(),
                algorithm: claim.get("algorithm").to_owned(),
                qop: claim.get("qop").to_owned(),
                nonce: claim.get("nonce").to_owned(),
                nc: claim.nc(),
            })
    };
    of("authorization", false)
        .chain(of("proxy-authorization", true))
        .collect()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.method, &self.status) {
            (Some(method), _) => f.write_str(method)?,
            (None, Some((code, reason))) => write!(f, "{code} {reason}")?,
            (None, None) => return write!(f, "{} bytes that are no SIP", self.length),
        }
        write!(f, " cseq {}", self.cseq)?;
        if self.method.is_some() {
            for used in &self.credentials {
                write!(f, " {used}")?;
            }
            if self
                .contacts
                .iter()
                .any(|contact| contact.starts_with("<*>"))
            {
                f.write_str(" contact *")?;
            }
        } else if !self.contacts.is_empty() {
            write!(f, " contacts {}", self.contacts.len())?;
        }
        if let Some(expires) = self.expires {
            write!(f, " expires {expires}")?;
        }
        for (name, value) in &self.notable {
            write!(f, " {name} {value}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Used {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.proxy { "proxy-auth" } else { "auth" })?;
        if !self.algorithm.is_empty() {
            write!(f, " {}", self.algorithm)?;
        }
        if self.nc > 0 {
            write!(f, " nc={:08x}", self.nc)?;
        }
        Ok(())
    }
}

impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", self.remote, self.summary)?;
        if self.repeat > 0 {
            write!(f, " (again, {})", self.repeat)?;
        }
        Ok(())
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = self.account.as_deref().unwrap_or("-");
        write!(f, "{}  {who} ", self.at)?;
        match &self.what {
            What::Sent(packet) => write!(f, "→ {packet}"),
            What::Received(packet) => write!(f, "← {packet}"),
            What::Refused(remote) => write!(f, "← {remote}  port unreachable"),
            What::Event(event) => event_line(f, event),
            What::Notice(notice) => notice_line(f, notice),
            What::Asked(ticket, command) => write!(f, "? {} ({ticket})", words(*command)),
            What::Reply(ticket, outcome) => write!(f, "! {} ({ticket})", outcome_words(outcome)),
            What::Note(text) => write!(f, "· {text}"),
        }
    }
}

fn notice_line(f: &mut fmt::Formatter<'_>, notice: &Notice) -> fmt::Result {
    let accounts: Vec<&str> = notice.accounts.iter().map(|it| &*it.account).collect();
    let (to, at) = (&notice.subscription, notice.registrar);
    write!(
        f,
        "✉ to {to}: {} at {at}: {}",
        notice.kind,
        accounts.join(" ")
    )
}

fn event_line(f: &mut fmt::Formatter<'_>, event: &Event) -> fmt::Result {
    match event {
        Event::PhaseChanged { from, to, why, .. } => {
            write!(f, "= {from:?} → {to:?}")?;
            let why = why.to_string();
            if !why.is_empty() {
                write!(f, ": {why}")?;
            }
            Ok(())
        }
        Event::RefreshFailed { why, .. } => write!(f, "= refresh failed: {why}"),
        Event::Warning { what, .. } => write!(f, "= warning: {what}"),
        Event::ListenFailed { local, why } => write!(f, "= cannot listen at {local}: {why}"),
        Event::Moved { from, to, .. } => write!(f, "= moved from {from} to {to}"),
        Event::MemberChanged {
            set,
            member,
            is_online,
        } => {
            let word = if *is_online { "online" } else { "offline" };
            write!(f, "= {member} of {set} is {word}")
        }
    }
}

fn words(command: Command) -> &'static str {
    match command {
        Command::Register { force: false, .. } => "register",
        Command::Register { force: true, .. } => "register --force",
        Command::Unregister { .. } => "unregister",
        Command::Refresh { .. } => "refresh",
        Command::Shutdown => "shutdown",
    }
}

fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Registered { registrar, granted } => {
            format!("registered at {registrar} for {granted} s")
        }
        Outcome::Unregistered => "unregistered".to_owned(),
        Outcome::Rejected(answer) => format!("rejected: {} {}", answer.code, answer.reason),
        Outcome::Failed { failure } => format!("failed: {failure:?}"),
        Outcome::NotSent { why } => format!("not sent: {why}"),
        Outcome::Gone => "gone".to_owned(),
        Outcome::Stopped { left } => format!("stopped, {left} bindings left"),
    }
}

/// Lines in the order in which they happened.
#[derive(Clone, Default, Debug)]
pub struct Transcript {
    lines: Vec<Line>,
}

impl Transcript {
    /// Adds a line.
    pub(super) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// Every line so far.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// What we sent, from this line on: place, instant and packet.
    pub fn sent(&self, from: usize) -> impl Iterator<Item = (usize, &Line, &Packet)> + '_ {
        let lines = self.lines.iter().enumerate().skip(from);
        lines.filter_map(|(place, line)| Some((place, line, line.sent()?)))
    }

    /// The last lines as text, for the message of a failed test.
    pub fn tail(&self, count: usize) -> String {
        let from = self.lines.len().saturating_sub(count);
        let lines: Vec<String> = self.lines[from..].iter().map(Line::to_string).collect();
        lines.join("\n")
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        Ok(())
    }
}
