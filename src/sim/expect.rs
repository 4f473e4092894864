//! Expectations: scenario tests read as timelines, and silence is asserted as firmly as a packet.
//!
//! A cursor stands behind the last expected packet. Every packet that we send must be expected, in
//! order and at its exact instant; what was not expected fails the next expectation.

use std::fmt;
use std::net::SocketAddr;

use super::transcript::{Packet, What};
use super::{Line, World};
use crate::effect::{Command, Event, Input, Outcome, Phase, Ticket};
use crate::engine::Census;
use crate::status::{self, AccountStatus, Health, MemberStatus, ProxySetStatus};
use crate::time::{Duration, Instant};

/// A packet that we should send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expected {
    method: &'static str,
    again: bool,
    account: Option<String>,
    to: Option<SocketAddr>,
    port: Option<u16>,
    credentials: Option<bool>,
    nc: Option<u32>,
    algorithm: Option<&'static str>,
    asking: Option<u32>,
    wildcard: bool,
    probe: bool,
}

/// The first send of a request.
pub fn sent(method: &'static str) -> Expected {
    Expected {
        method,
        again: false,
        account: None,
        to: None,
        port: None,
        credentials: None,
        nc: None,
        algorithm: None,
        asking: None,
        wildcard: false,
        probe: false,
    }
}

/// A retransmission of the request.
pub fn again(method: &'static str) -> Expected {
    Expected {
        again: true,
        ..sent(method)
    }
}

/// An instant as tests write it: seconds with up to six decimals, `"31.500"`.
#[track_caller]
pub fn at(seconds: &str) -> Instant {
    let (whole, part) = seconds.split_once('.').unwrap_or((seconds, ""));
    let micros = format!("{part:0<6}");
    match (whole.parse::<u64>(), micros.parse::<u64>()) {
        (Ok(whole), Ok(micros)) if micros < 1_000_000 => {
            Instant::from_micros(whole * 1_000_000 + micros)
        }
        _ => panic!("no instant: {seconds:?}"),
    }
}

impl Expected {
    /// Sent for this Account.
    #[must_use]
    pub fn by(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    /// Sent to this address.
    #[must_use]
    pub fn to(mut self, address: SocketAddr) -> Self {
        self.to = Some(address);
        self
    }

    /// Sent from this local port.
    #[must_use]
    pub fn from(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Without credentials.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.credentials = Some(false);
        self
    }

    /// With credentials.
    #[must_use]
    pub fn auth(mut self) -> Self {
        self.credentials = Some(true);
        self
    }

    /// With credentials that carry this nonce count.
    #[must_use]
    pub fn nc(mut self, count: u32) -> Self {
        self.nc = Some(count);
        self.auth()
    }

    /// With credentials by this algorithm.
    #[must_use]
    pub fn algorithm(mut self, name: &'static str) -> Self {
        self.algorithm = Some(name);
        self.auth()
    }

    /// Asking for so many seconds, in the Contact and in Expires.
    #[must_use]
    pub fn asking(mut self, seconds: u32) -> Self {
        self.asking = Some(seconds);
        self
    }

    /// Un-registering our own Contact.
    #[must_use]
    pub fn removing(self) -> Self {
        self.asking(0)
    }

    /// Un-registering every Contact.
    #[must_use]
    pub fn removing_all(mut self) -> Self {
        self.wildcard = true;
        self.asking(0)
    }

    /// A probe of a member of a Proxy Set: no Account's, without Contact and credentials.
    #[must_use]
    pub fn probing(mut self) -> Self {
        self.probe = true;
        self.bare()
    }

    /// Why a packet is not the expected one.
    fn differs(&self, line: &Line, packet: &Packet) -> Option<String> {
        let summary = &packet.summary;
        let account = line.account.as_deref();
        let checks = [
            (summary.method.as_deref() == Some(self.method), "method"),
            (
                (packet.repeat > 0) == self.again,
                "first send or retransmission",
            ),
            (
                self.account.is_none() || self.account.as_deref() == account,
                "account",
            ),
            (self.to.is_none_or(|to| to == packet.remote), "destination"),
            (
                self.port.is_none_or(|port| port == packet.local.port()),
                "local port",
            ),
            (
                self.credentials
                    .is_none_or(|any| any != summary.credentials.is_empty()),
                "credentials or none",
            ),
            (
                self.nc
                    .is_none_or(|nc| summary.credentials.iter().all(|used| used.nc == nc)),
                "nonce count",
            ),
            (
                self.algorithm.is_none_or(|name| {
                    let mut used = summary.credentials.iter();
                    used.all(|used| used.algorithm.eq_ignore_ascii_case(name))
                }),
                "algorithm",
            ),
            (
                self.asking.is_none_or(|seconds| asks(packet, seconds)),
                "asked expiry",
            ),
            (self.wildcard == is_wildcard(packet), "contact"),
            (
                !self.probe || (account.is_none() && summary.contacts.is_empty()),
                "probe or not",
            ),
        ];
        let wrong = checks
            .iter()
            .filter(|(right, _)| !right)
            .map(|(_, what)| *what);
        let wrong: Vec<_> = wrong.collect();
        (!wrong.is_empty()).then(|| wrong.join(", "))
    }
}

/// Whether a request asks for so many seconds, wherever it says so (rule I3).
fn asks(packet: &Packet, seconds: u32) -> bool {
    let parameter = format!("expires={seconds}");
    let same = |contact: &String| contact.ends_with(&parameter) || contact == "<*>";
    packet.summary.expires == Some(seconds) && packet.summary.contacts.iter().all(same)
}

fn is_wildcard(packet: &Packet) -> bool {
    packet
        .summary
        .contacts
        .iter()
        .any(|contact| contact == "<*>")
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.method)?;
        if self.again {
            f.write_str(" again")?;
        }
        if let Some(account) = &self.account {
            write!(f, " by {account}")?;
        }
        if let Some(to) = self.to {
            write!(f, " to {to}")?;
        }
        if let Some(port) = self.port {
            write!(f, " from port {port}")?;
        }
        match self.credentials {
            Some(true) => f.write_str(" with credentials")?,
            Some(false) => f.write_str(" without credentials")?,
            None => {}
        }
        if let Some(nc) = self.nc {
            write!(f, " nc={nc:08x}")?;
        }
        if let Some(algorithm) = self.algorithm {
            write!(f, " by {algorithm}")?;
        }
        if let Some(asking) = self.asking {
            write!(f, " asking for {asking}")?;
        }
        if self.wildcard {
            f.write_str(" contact *")?;
        }
        if self.probe {
            f.write_str(" as a probe")?;
        }
        Ok(())
    }
}

impl World {
    /// The next packet that we send leaves at this instant and is the expected one.
    #[track_caller]
    pub fn expect_at(&mut self, when: &str, expected: Expected) {
        self.expect_within(when, when, expected);
    }

    /// The next packet that we send leaves between these instants, both included, and is the
    /// expected one.
    #[track_caller]
    pub fn expect_within(&mut self, from: &str, until: &str, expected: Expected) -> Instant {
        let (from, until) = (at(from), at(until));
        self.run_to_next_packet(until);
        let next = self.transcript.sent(self.cursor).next();
        let Some((place, line, packet)) = next else {
            self.fail(&format!(
                "nothing is sent up to {until}, expected at {from}: {expected}"
            ))
        };
        let (sent_at, text) = (line.at, line.to_string());
        let differs = expected.differs(line, packet);
        if !(from..=until).contains(&sent_at) {
            self.fail(&format!(
                "expected at {from:?}: {expected}\nsent: {text} ({sent_at:?})"
            ));
        }
        if let Some(differs) = differs {
            self.fail(&format!(
                "expected at {from}: {expected}\ndiffers in {differs}\nsent: {text}"
            ));
        }
        self.cursor = place + 1;
        sent_at
    }

    /// Runs until the packet behind the cursor is there, and to the end of its instant; at most to
    /// `until`.
    fn run_to_next_packet(&mut self, until: Instant) {
        while self.transcript.sent(self.cursor).next().is_none()
            && self.next().is_some_and(|next| next <= until)
        {
            self.step();
        }
        let is_sent = self.transcript.sent(self.cursor).next().is_some();
        self.run_until(if is_sent { self.now } else { until });
    }

    /// Nothing that was not expected is sent before this instant.
    #[track_caller]
    pub fn expect_silence_until(&mut self, when: &str) {
        let until = at(when);
        self.run_to_next_packet(until.back(Duration::from_micros(1)));
        let next = self.transcript.sent(self.cursor).next();
        if let Some((_, line, _)) = next.filter(|(_, line, _)| line.at < until) {
            let text = line.to_string();
            self.fail(&format!("expected silence until {until}\nsent: {text}"));
        }
    }

    /// The last packet that was expected.
    #[track_caller]
    pub fn last_packet(&self) -> &Packet {
        let lines = &self.transcript.lines()[..self.cursor];
        let sent = lines.iter().rev().find_map(Line::sent);
        sent.unwrap_or_else(|| self.fail("nothing was sent yet"))
    }

    /// Runs to this instant, included, and takes whatever was sent as expected.
    pub fn skip_until(&mut self, when: &str) {
        self.run_until(at(when));
        self.cursor = self.transcript.lines().len();
    }

    /// The Account is in this phase now.
    #[track_caller]
    pub fn expect_phase(&mut self, name: &str, phase: Phase) {
        let is = self.status(name).phase;
        if is != phase {
            self.fail(&format!("{name} should be {phase:?}, and is {is:?}"));
        }
    }

    /// Runs to this instant; the last change of the Account's phase was then, to this phase.
    #[track_caller]
    pub fn expect_phase_at(&mut self, when: &str, name: &str, phase: Phase) {
        let instant = at(when);
        self.run_until(instant);
        let last = self.phases(name).pop();
        if last != Some((instant, phase)) {
            self.fail(&format!(
                "{name} should become {phase:?} at {instant:?}; last: {last:?}"
            ));
        }
        self.expect_phase(name, phase);
    }

    /// The command was answered at this instant, with this outcome.
    #[track_caller]
    pub fn expect_reply_at(&mut self, when: &str, ticket: Ticket, outcome: &Outcome) {
        let instant = at(when);
        self.run_until(instant);
        let got = self.replies.get(&ticket);
        if got != Some(&(instant, outcome.clone())) {
            let got = format!("{got:?}");
            self.fail(&format!(
                "{ticket}: expected at {instant:?}: {outcome:?}\ngot: {got}"
            ));
        }
    }

    /// The outcome of a command, if there is one by now.
    pub fn outcome(&self, ticket: Ticket) -> Option<&Outcome> {
        self.replies.get(&ticket).map(|(_, outcome)| outcome)
    }

    /// Every change of phase of an Account so far.
    pub fn phases(&self, name: &str) -> Vec<(Instant, Phase)> {
        let changes = self.events_of(name).filter_map(|(at, event)| match event {
            Event::PhaseChanged { to, .. } => Some((at, *to)),
            Event::RefreshFailed { .. }
            | Event::Warning { .. }
            | Event::MemberChanged { .. }
            | Event::Moved { .. }
            | Event::ListenFailed { .. } => None,
        });
        changes.collect()
    }

    /// Every event of an Account so far.
    pub fn events_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = (Instant, &'a Event)> {
        let lines = self.transcript.lines().iter();
        let of_it = lines.filter(move |line| line.account.as_deref() == Some(name));
        of_it.filter_map(|line| Some((line.at, line.event()?)))
    }

    /// The status of an Account as it was published last. It must be what is so: a change that is
    /// not announced is a fault.
    #[track_caller]
    pub fn status(&mut self, name: &str) -> AccountStatus {
        let current = self.current_status(name);
        let Some(run) = &self.run else {
            self.fail("the engine does not run");
        };
        let published = run.published.get(name);
        if published.is_some_and(|published| *published != current) {
            let published = format!("{published:#?}");
            self.fail(&format!(
                "the status of {name} changed without a word\npublished: {published}\nis: {current:#?}"
            ));
        }
        current
    }

    /// The status of an Account as it is, published or not.
    #[track_caller]
    pub fn current_status(&self, name: &str) -> AccountStatus {
        let Some(run) = &self.run else {
            self.fail("the engine does not run");
        };
        let id = run.engine.find(name);
        match id.and_then(|id| status::account(&run.engine, id)) {
            Some(current) => current,
            None => self.fail(&format!("no Account {name}")),
        }
    }

    /// The status of an Account as it was published last, be it so or not.
    pub fn published(&self, name: &str) -> Option<&AccountStatus> {
        self.run.as_ref()?.published.get(name)
    }

    /// The status of the Proxy Set that has a member at this address, the first such, as it is now.
    #[track_caller]
    pub fn set_at(&self, member: SocketAddr) -> ProxySetStatus {
        let sets = self
            .run
            .iter()
            .flat_map(|run| run.engine.sets().map(move |id| (run, id)));
        let mut all = sets.filter_map(|(run, id)| status::proxy_set(&run.engine, id));
        match all.find(|set| set.members.iter().any(|it| it.address == member)) {
            Some(set) => set,
            None => self.fail(&format!("no Proxy Set has a member at {member}")),
        }
    }

    /// The status of the Proxy Set of this name, as it is now.
    #[track_caller]
    pub fn set_of(&self, name: &str) -> ProxySetStatus {
        let sets = self
            .run
            .iter()
            .flat_map(|run| run.engine.sets().map(move |id| (run, id)));
        let mut all = sets.filter_map(|(run, id)| status::proxy_set(&run.engine, id));
        match all.find(|set| &*set.name == name) {
            Some(set) => set,
            None => self.fail(&format!("no Proxy Set {name}")),
        }
    }

    /// The status of a member of a Proxy Set, as it is now.
    #[track_caller]
    pub fn member(&self, address: SocketAddr) -> MemberStatus {
        let set = self.set_at(address);
        let mut members = set.members.into_iter();
        match members.find(|member| member.address == address) {
            Some(member) => member,
            None => self.fail(&format!("no member {address}")),
        }
    }

    /// Runs to this instant; the word for a member is this one, and has been since then.
    #[track_caller]
    pub fn expect_health(&mut self, when: &str, address: SocketAddr, health: Health, since: &str) {
        self.run_until(at(when));
        let since = self.unix(at(since));
        let member = self.member(address);
        if (member.health, member.since) != (health, since) {
            let (word, from) = (member.health, member.since);
            self.fail(&format!(
                "{address} should be {health} since {since}, and is {word} since {from}"
            ));
        }
    }

    /// When the status of the Proxy Set with this member was published, and how it was then.
    pub fn published_set(&self, member: SocketAddr) -> Option<(&[Instant], &ProxySetStatus)> {
        let published = self.run.as_ref()?.published_sets.values();
        let mut known = published.filter_map(|(at, set)| Some((&**at, set.as_ref()?)));
        known.find(|(_, set)| set.members.iter().any(|it| it.address == member))
    }

    /// How much there is of what comes and goes; nothing while no engine runs.
    pub fn census(&self) -> Census {
        let run = self.run.as_ref();
        run.map_or_else(Census::default, |run| run.engine.census())
    }

    /// Whether the engine has an Account of this name.
    pub fn knows(&self, name: &str) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.engine.find(name).is_some())
    }

    /// Stops the test, with the end of the transcript.
    #[track_caller]
    pub(super) fn fail(&self, what: &str) -> ! {
        let tail = self.transcript.tail(60);
        panic!("{what}\n\nthe transcript ends so:\n{tail}\n")
    }

    /// Gives a command to the engine.
    pub fn command(&mut self, command: Command) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        self.watch.asks(ticket);
        let account = match command {
            Command::Register { account, .. }
            | Command::Unregister { account }
            | Command::Refresh { account } => self.name_of(account),
            Command::Shutdown => None,
        };
        self.log(account, What::Asked(ticket, command));
        self.handle(Input::Command { ticket, command });
        ticket
    }

    /// `register NAME`.
    #[track_caller]
    pub fn register(&mut self, name: &str) -> Ticket {
        let account = self.id(name);
        self.command(Command::Register {
            account,
            force: false,
        })
    }

    /// `register --force NAME`.
    #[track_caller]
    pub fn register_by_force(&mut self, name: &str) -> Ticket {
        let account = self.id(name);
        self.command(Command::Register {
            account,
            force: true,
        })
    }

    /// `unregister NAME`.
    #[track_caller]
    pub fn unregister(&mut self, name: &str) -> Ticket {
        let account = self.id(name);
        self.command(Command::Unregister { account })
    }

    /// `refresh NAME`.
    #[track_caller]
    pub fn refresh(&mut self, name: &str) -> Ticket {
        let account = self.id(name);
        self.command(Command::Refresh { account })
    }

    /// The daemon is told to stop.
    pub fn shutdown(&mut self) -> Ticket {
        self.command(Command::Shutdown)
    }

    /// The engine's id of an Account.
    #[track_caller]
    fn id(&self, name: &str) -> crate::effect::AccountId {
        let id = self.run.as_ref().and_then(|run| run.engine.find(name));
        let Some(id) = id else {
            self.fail(&format!("no Account {name}"));
        };
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_seconds() {
        assert_eq!(at("0"), Instant::ZERO);
        assert_eq!(at("31.5"), Instant::from_millis(31_500));
        assert_eq!(at("0.000001"), Instant::from_micros(1));
    }
}
