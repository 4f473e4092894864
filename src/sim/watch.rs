//! What must hold whatever happens: watched at every step of a simulated world.
//!
//! It sees packets, not the engine's insides, and panics at the first fault: a second attempt in
//! flight for an Account, a CSeq that does not rise, a retransmission that differs or comes after
//! the answer, outputs out of order, a deadline in the past, a reply nobody waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::transcript::Summary;
use crate::config::Registration;
use crate::effect::{AccountId, Output, Ticket};
use crate::time::{Duration, Instant};

/// The watcher of one world.
#[derive(Debug)]
pub(super) struct Watch {
    timeout: Duration,
    /// The shortest time after which a transaction is given up.
    patience: Duration,
    flights: BTreeMap<AccountId, Flight>,
    by_branch: BTreeMap<String, AccountId>,
    cseqs: BTreeMap<String, u32>,
    waiting: BTreeSet<Ticket>,
    peak: BTreeMap<SocketAddr, usize>,
    open: BTreeMap<SocketAddr, BTreeSet<AccountId>>,
    /// When something was last received from an address.
    heard: BTreeMap<SocketAddr, Instant>,
    /// The last request of each Call-ID that is no Account's.
    probes: BTreeMap<String, Probe>,
}

/// A request that is no Account's, and how often it was sent again.
#[derive(Debug)]
struct Probe {
    branch: String,
    bytes: Arc<[u8]>,
    repeats: u32,
}

/// The last REGISTER transaction of an Account.
#[derive(Debug)]
struct Flight {
    to: SocketAddr,
    branch: String,
    bytes: Arc<[u8]>,
    begins_at: Instant,
    ends_by: Instant,
    end: End,
    repeats: u32,
    is_farewell: bool,
}

/// Whether a transaction has ended, as far as a watcher can tell.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    No,
    /// Something came that may be an answer.
    Perhaps,
    Yes,
}

/// A message that leaves.
#[derive(Clone, Copy)]
pub(super) struct Leaving<'a> {
    pub(super) owner: Option<AccountId>,
    pub(super) to: SocketAddr,
    pub(super) bytes: &'a Arc<[u8]>,
    pub(super) summary: &'a Summary,
}

impl Watch {
    pub(super) fn new(parameters: &Registration) -> Self {
        Self {
            timeout: timeout(parameters, parameters.sip_max_rtx),
            patience: timeout(
                parameters,
                parameters
                    .sip_max_rtx
                    .min(parameters.hot_swap_transmissions),
            ),
            flights: BTreeMap::new(),
            by_branch: BTreeMap::new(),
            cseqs: BTreeMap::new(),
            waiting: BTreeSet::new(),
            peak: BTreeMap::new(),
            open: BTreeMap::new(),
            heard: BTreeMap::new(),
            probes: BTreeMap::new(),
        }
    }

    /// The run of the engine is over: nothing is in flight, nobody waits. Call-IDs keep their CSeq.
    pub(super) fn run_ends(&mut self) {
        self.flights.clear();
        self.by_branch.clear();
        self.waiting.clear();
        self.open.clear();
        self.heard.clear();
    }

    /// A REGISTER leaves. Gives how often it was sent before.
    pub(super) fn sends(&mut self, now: Instant, leaving: Leaving<'_>) -> u32 {
        let Leaving {
            owner,
            to,
            bytes,
            summary,
        } = leaving;
        let Some(owner) = owner else {
            return self.probes(now, leaving);
        };
        if !summary.is_register() {
            return 0;
        }
        let flight = self.flights.get_mut(&owner);
        if let Some(flight) = flight.filter(|flight| flight.branch == summary.branch) {
            assert_eq!(
                flight.to, to,
                "{now}: a retransmission to another address: {summary}"
            );
            assert_eq!(
                flight.bytes, *bytes,
                "{now}: a retransmission that differs: {summary}"
            );
            assert!(
                flight.end != End::Yes,
                "{now}: a retransmission after the end: {summary}"
            );
            assert!(
                now < flight.ends_by,
                "{now}: a retransmission too late: {summary}"
            );
            flight.repeats += 1;
            return flight.repeats;
        }
        self.begins(now, owner, leaving);
        0
    }

    /// A request of ours leaves that is no Account's. A REGISTER among them registers nothing.
    fn probes(&mut self, now: Instant, leaving: Leaving<'_>) -> u32 {
        let Leaving { bytes, summary, .. } = leaving;
        if summary.method.is_none() {
            return 0;
        }
        assert!(
            summary.contacts.is_empty() && summary.credentials.is_empty(),
            "{now}: a request for nobody, with a Contact or credentials (rule P3): {summary}"
        );
        let before = self.probes.get_mut(&summary.call_id);
        if let Some(probe) = before.filter(|probe| probe.branch == summary.branch) {
            assert_eq!(
                probe.bytes, *bytes,
                "{now}: a retransmission that differs: {summary}"
            );
            probe.repeats += 1;
            return probe.repeats;
        }
        let last = self.cseqs.insert(summary.call_id.clone(), summary.cseq);
        assert!(
            last.is_none_or(|last| last < summary.cseq),
            "{now}: CSeq falls or repeats after {last:?}: {summary}"
        );
        let probe = Probe {
            branch: summary.branch.clone(),
            bytes: bytes.clone(),
            repeats: 0,
        };
        self.probes.insert(summary.call_id.clone(), probe);
        0
    }

    fn begins(&mut self, now: Instant, owner: AccountId, leaving: Leaving<'_>) {
        let Leaving { to, summary, .. } = leaving;
        if let Some(before) = self.flights.get(&owner) {
            // With several members a transaction may be given up for another one (rules P7, S14).
            let is_given_up = before.to != to || before.begins_at + self.patience <= now;
            assert!(
                before.end != End::No || is_given_up || before.ends_by <= now,
                "{now}: {owner} has another REGISTER in flight (rule I4): {summary}"
            );
            self.by_branch.remove(&before.branch);
            let before = before.to;
            self.lands(owner, before);
        }
        let last = self.cseqs.insert(summary.call_id.clone(), summary.cseq);
        assert!(
            last.is_none_or(|last| last < summary.cseq),
            "{now}: CSeq falls or repeats after {last:?} (rule I4): {summary}"
        );
        let known = self.by_branch.insert(summary.branch.clone(), owner);
        assert_eq!(known, None, "{now}: a branch is used twice: {summary}");
        self.flights.insert(
            owner,
            Flight {
                to,
                branch: summary.branch.clone(),
                bytes: leaving.bytes.clone(),
                begins_at: now,
                ends_by: now + self.timeout,
                end: End::No,
                repeats: 0,
                is_farewell: summary.expires == Some(0),
            },
        );
        let flights = &self.flights;
        let open = self.open.entry(to).or_default();
        open.insert(owner);
        open.retain(|id| {
            flights
                .get(id)
                .is_some_and(|it| it.to == to && it.ends_by > now)
        });
        let peak = self.peak.entry(to).or_insert(0);
        *peak = (*peak).max(open.len());
    }

    fn lands(&mut self, owner: AccountId, from: SocketAddr) {
        if let Some(open) = self.open.get_mut(&from) {
            open.remove(&owner);
        }
    }

    /// A final answer, or an ICMP error that quotes this branch, reaches the engine.
    pub(super) fn ends(&mut self, branch: &str) {
        let Some(owner) = self.by_branch.get(branch).copied() else {
            return;
        };
        if let Some(flight) = self.flights.get_mut(&owner) {
            flight.end = End::Yes;
            let to = flight.to;
            self.lands(owner, to);
        }
    }

    /// A datagram from nobody knows whom reaches the engine. Where it names a branch, it may be an
    /// answer.
    pub(super) fn may_end(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let open = self.flights.values_mut().filter(|it| it.end == End::No);
        for flight in open.filter(|flight| text.contains(&flight.branch)) {
            flight.end = End::Perhaps;
        }
    }

    /// Something was received from an address.
    pub(super) fn hears(&mut self, now: Instant, from: SocketAddr) {
        self.heard.insert(from, now);
    }

    /// A registrar is offline since then: unless it was heard meanwhile, one REGISTER at a time has
    /// left for it, and one un-REGISTER beside it or beside another one (rules P4, I8).
    pub(super) fn probes_one_by_one(&self, now: Instant, to: SocketAddr, since: Instant) {
        if self.heard.get(&to).is_some_and(|heard| *heard >= since) {
            return;
        }
        let open = self.open.get(&to).into_iter().flatten();
        let flights = open.filter_map(|id| self.flights.get(id));
        let open = flights.filter(|it| it.begins_at > since && it.begins_at + self.patience > now);
        let open = open.filter(|it| it.end == End::No);
        let (farewells, others): (Vec<_>, Vec<_>) = open.partition(|it| it.is_farewell);
        let count = farewells.len() + others.len();
        assert!(
            others.len() <= 1 && count <= 2,
            "{now}: {count} REGISTERs in flight to {to}, which is offline since {since} (rule P4)"
        );
    }

    /// How many REGISTERs are in flight to an address.
    pub(super) fn in_flight(&self, now: Instant, to: SocketAddr) -> usize {
        let open = self.open.get(&to).into_iter().flatten();
        let alive = |id: &&AccountId| self.flights.get(id).is_some_and(|it| it.ends_by > now);
        open.filter(alive).count()
    }

    /// The most REGISTERs that were ever in flight to an address.
    pub(super) fn peak(&self, to: SocketAddr) -> usize {
        self.peak.get(&to).copied().unwrap_or(0)
    }

    /// Forgets the peaks.
    pub(super) fn reset_peak(&mut self) {
        self.peak.clear();
    }

    /// A command is given.
    pub(super) fn asks(&mut self, ticket: Ticket) {
        self.waiting.insert(ticket);
    }

    /// A command is answered.
    pub(super) fn replies(&mut self, now: Instant, ticket: Ticket) {
        let waited = self.waiting.remove(&ticket);
        assert!(
            waited,
            "{now}: {ticket} is answered, but nobody waits for it"
        );
    }

    /// The commands that have no answer yet.
    pub(super) fn waiting(&self) -> impl Iterator<Item = Ticket> + '_ {
        self.waiting.iter().copied()
    }
}

/// Place of an output in the order that the boundary promises; `None` where it promises nothing.
pub(super) fn place(output: &Output) -> Option<u8> {
    match output {
        Output::Listen { .. } => Some(0),
        Output::Open { .. } => Some(1),
        Output::Transmit { .. } => Some(2),
        Output::Save { .. } | Output::SaveAlerts { .. } => Some(3),
        Output::Changed(_) | Output::SetChanged(_) | Output::AlertsChanged(_) => Some(4),
        Output::Event(_) | Output::Notice(_) => Some(5),
        Output::Reply { .. } => Some(6),
        Output::Close { .. } | Output::Ask { .. } | Output::Unanswered { .. } => None,
    }
}

/// When a transaction of so many sends without an answer fails, counted from the first (rule X1).
pub(super) fn timeout(parameters: &Registration, sends: u8) -> Duration {
    let mut wait = parameters.t1();
    let mut next = wait;
    for _ in 1..sends {
        wait = (wait * 2).min(parameters.t2());
        next += wait;
    }
    next.min(parameters.t1() * 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::setup::Setup;

    #[test]
    fn the_time_out_follows_the_number_of_sends() {
        let after = |sends| {
            let setup = Setup::one().registration(|it| it.sip_max_rtx = sends);
            timeout(setup.parameters(), setup.parameters().sip_max_rtx).as_millis()
        };
        assert_eq!([after(1), after(3), after(7)], [500, 3_500, 19_500]);
        assert_eq!([after(10), after(11), after(30)], [31_500, 32_000, 32_000]);
    }
}
