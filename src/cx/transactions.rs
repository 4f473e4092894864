//! Client transactions under way, found by the branch that they put into their Via.
//!
//! A branch carries the slot and generation of its transaction, so that an answer finds it without
//! a search, and 64 random bits, so that nobody can guess it. A transaction leaves the table with
//! its final answer: what Timer K of RFC 3261 §17.1.2.2 would absorb then finds no transaction, and
//! is dropped all the same.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::timers::{Armed, Owner, Timers};
use crate::effect::{AccountId, Output, SetId, Via, Whose};
use crate::rng::{read_hex, write_hex};
use crate::sip::transaction::{NonInviteClient, Received, Step, Timing};
use crate::time::{Duration, Instant};

/// A transaction in the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionId {
    slot: u32,
    generation: u32,
}

/// The branch parameter of a transaction: `z9hG4bK` (RFC 3261 §8.1.1.7), slot, generation, chance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Branch {
    /// The transaction that it stands for.
    pub id: TransactionId,
    salt: u64,
}

/// The text of a [`Branch`].
#[derive(Clone, Copy, Debug)]
pub struct BranchText([u8; 41]);

impl BranchText {
    /// The text.
    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl Branch {
    /// The branch as it stands in a Via.
    pub fn text(&self) -> BranchText {
        let mut text = *b"z9hG4bK________-________-________________";
        write_hex(&mut text[7..15], self.id.slot.into());
        write_hex(&mut text[16..24], self.id.generation.into());
        write_hex(&mut text[25..41], self.salt);
        BranchText(text)
    }

    /// Reads a branch of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let ours = bytes.len() == 41
            && bytes.starts_with(b"z9hG4bK")
            && bytes[15] == b'-'
            && bytes[24] == b'-';
        if !ours {
            return None;
        }
        let id = TransactionId {
            slot: read_hex(&bytes[7..15])? as u32,
            generation: read_hex(&bytes[16..24])? as u32,
        };
        Some(Self {
            id,
            salt: read_hex(&bytes[25..41])?,
        })
    }

    /// Finds a branch of ours in a datagram that an ICMP error quotes, perhaps cut short behind it.
    pub fn find(quoted: &[u8]) -> Option<Self> {
        let start = memchr::memmem::find(quoted, b"z9hG4bK")?;
        str::from_utf8(quoted.get(start..start + 41)?)
            .ok()
            .and_then(Self::parse)
    }
}

/// Whose transaction it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Party {
    /// A REGISTER of this Account.
    Account(AccountId),
    /// A SUBSCRIBE of this Account (rule R1).
    Subscription(AccountId),
    /// A probe of a member of a Proxy Set (rule P3).
    Probe {
        /// The set.
        set: SetId,
        /// The number of its registrar.
        registrar: u32,
    },
}

impl Party {
    /// Whose its messages are.
    pub fn whose(self) -> Whose {
        match self {
            Self::Account(id) | Self::Subscription(id) => Whose::Account(id),
            Self::Probe { set, .. } => Whose::ProxySet(set),
        }
    }
}

/// What a transaction sends, where and for whom.
#[derive(Clone, Copy, Debug)]
pub struct Opening {
    /// The wire.
    pub via: Via,
    /// The target.
    pub to: SocketAddr,
    /// Whose it is.
    pub party: Party,
    /// The request's method.
    pub method: &'static str,
    /// At most so many sends over UDP; the timing's own limit still holds (rules P7, S7), but for a
    /// probe that has a limit of its own (rule P4).
    pub max_sends: u8,
}

/// A transaction that is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ended {
    /// Which.
    pub id: TransactionId,
    /// Whose.
    pub party: Party,
    /// Where it went.
    pub to: SocketAddr,
    /// When its request first left.
    pub sent: Instant,
    /// How often its request left.
    pub sends: u8,
    /// Whether the registrar has said that it is working on it (1xx).
    pub is_proceeding: bool,
}

/// A transaction that is not over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UnderWay {
    /// When its request first left.
    pub sent: Instant,
    /// How often its request left.
    pub sends: u8,
    /// When it fails unless an answer comes.
    pub fails: Instant,
}

/// What an answer is to the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Matched {
    /// No transaction of ours, or none any more: then of this party, as far as that is still
    /// known.
    Stray(Option<Party>),
    /// A provisional answer.
    Provisional(Ended),
    /// The final answer: the transaction is over.
    Final(Ended),
}

/// What a transaction's timer brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expired {
    /// A stale timer.
    Nothing,
    /// The request was sent again.
    Repeated(Ended),
    /// No answer in time: the transaction is over (rule X1).
    TimedOut(Ended),
}

#[derive(Debug)]
struct Live {
    machine: NonInviteClient,
    opening: Opening,
    bytes: Arc<[u8]>,
    salt: u64,
    sent: Instant,
    is_proceeding: bool,
}

#[derive(Default, Debug)]
struct Slot {
    live: Option<Live>,
    generation: u32,
    timer: Armed,
    /// The salt and the party of the last transactions, by generation: what comes for them late is
    /// still somebody's.
    last: [Option<(u64, Party)>; REMEMBERED],
}

/// All client transactions of an engine.
#[derive(Default, Debug)]
pub struct Transactions {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

impl Transactions {
    /// How many are under way.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether none is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How it goes with a transaction, if it is not over.
    pub fn look(&self, id: TransactionId) -> Option<UnderWay> {
        let slot = self.slots.get(id.slot as usize)?;
        let live = slot.live.as_ref()?;
        (slot.generation == id.generation).then(|| UnderWay {
            sent: live.sent,
            sends: live.machine.sends(),
            fails: live.machine.fails(),
        })
    }

    /// Sets a place aside and names its branch. It must be started at once.
    pub fn reserve(&mut self, salt: u64) -> Branch {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let generation = self.slots[slot as usize].generation;
        Branch {
            id: TransactionId { slot, generation },
            salt,
        }
    }

    /// Starts a reserved transaction; the caller sends its request now.
    pub(super) fn start(
        &mut self,
        branch: &Branch,
        (opening, bytes): (Opening, Arc<[u8]>),
        (now, timing): (Instant, &Timing),
        timers: &mut Timers,
    ) {
        let reliable = matches!(opening.via, Via::Flow(_));
        let machine = NonInviteClient::start(now, &opening.limited(timing), reliable);
        let slot = &mut self.slots[branch.id.slot as usize];
        timers.set(
            Owner::Transaction(branch.id.slot),
            &mut slot.timer,
            machine.deadline(),
        );
        slot.live = Some(Live {
            machine,
            opening,
            bytes,
            salt: branch.salt,
            sent: now,
            is_proceeding: false,
        });
    }

    /// An answer with this branch arrived, to a request with this method (RFC 3261 §17.1.3).
    pub fn on_response(
        &mut self,
        branch: &Branch,
        (code, method): (u16, &str),
        (now, timing): (Instant, &Timing),
        timers: &mut Timers,
    ) -> Matched {
        let Some(live) = self.live(branch).filter(|it| it.opening.method == method) else {
            return Matched::Stray(self.party_of_late(branch));
        };
        let timing = live.opening.limited(timing);
        let received = live.machine.on_response(now, code, &timing);
        live.is_proceeding |= received == Received::Provisional;
        let ended = live.ended(branch.id);
        let deadline = live.machine.deadline();
        match received {
            Received::Provisional => {
                let slot = &mut self.slots[branch.id.slot as usize];
                timers.set(
                    Owner::Transaction(branch.id.slot),
                    &mut slot.timer,
                    deadline,
                );
                Matched::Provisional(ended)
            }
            Received::Final => {
                self.release(branch.id, timers);
                Matched::Final(ended)
            }
            _ => Matched::Stray(Some(ended.party)),
        }
    }

    /// A timer entry came due.
    pub fn on_timer(
        &mut self,
        slot_number: u32,
        (now, timing): (Instant, &Timing),
        timers: &mut Timers,
        send: impl FnOnce(Output),
    ) -> Expired {
        let Some(slot) = self.slots.get_mut(slot_number as usize) else {
            return Expired::Nothing;
        };
        let id = TransactionId {
            slot: slot_number,
            generation: slot.generation,
        };
        let Some(live) = &mut slot.live else {
            return Expired::Nothing;
        };
        let step = live.machine.on_timer(now, &live.opening.limited(timing));
        let ended = live.ended(id);
        match step {
            Step::Send => {
                let Opening { via, to, party, .. } = live.opening;
                send(Output::Transmit {
                    via,
                    to,
                    bytes: Arc::clone(&live.bytes),
                    owner: party.whose(),
                });
                timers.set(
                    Owner::Transaction(slot_number),
                    &mut slot.timer,
                    live.machine.deadline(),
                );
                Expired::Repeated(ended)
            }
            Step::TimedOut => {
                self.release(id, timers);
                Expired::TimedOut(ended)
            }
            Step::Nothing | Step::Terminated => {
                timers.set(
                    Owner::Transaction(slot_number),
                    &mut slot.timer,
                    live.machine.deadline(),
                );
                Expired::Nothing
            }
        }
    }

    /// An ICMP error quotes this branch, sent to this address: the transaction is over (rule X2).
    pub fn on_unreachable(
        &mut self,
        branch: &Branch,
        to: SocketAddr,
        timers: &mut Timers,
    ) -> Option<Ended> {
        let live = self.live(branch)?;
        if live.opening.to != to {
            return None;
        }
        let ended = live.ended(branch.id);
        self.release(branch.id, timers);
        Some(ended)
    }

    /// Gives a transaction up: later answers to it are strays.
    pub fn abandon(&mut self, id: TransactionId, timers: &mut Timers) {
        let live = self
            .slots
            .get(id.slot as usize)
            .is_some_and(|s| s.generation == id.generation && s.live.is_some());
        if live {
            self.release(id, timers);
        }
    }

    /// Takes note that a timer entry came due; whether it is in force.
    pub fn fired(&mut self, slot: u32, generation: u32, timers: &mut Timers) -> bool {
        self.slots
            .get_mut(slot as usize)
            .is_some_and(|slot| timers.fired(&mut slot.timer, generation))
    }

    /// Whether a timer entry is in force.
    pub fn is_in_force(&self, slot: u32, generation: u32) -> bool {
        self.slots
            .get(slot as usize)
            .is_some_and(|slot| slot.timer.is_in_force(generation))
    }

    /// Whose the transaction was that an answer comes too late for.
    fn party_of_late(&self, branch: &Branch) -> Option<Party> {
        let slot = self.slots.get(branch.id.slot as usize)?;
        let (salt, party) = slot.last[branch.id.generation as usize % REMEMBERED]?;
        (salt == branch.salt).then_some(party)
    }

    fn live(&mut self, branch: &Branch) -> Option<&mut Live> {
        let slot = self.slots.get_mut(branch.id.slot as usize)?;
        if slot.generation != branch.id.generation {
            return None;
        }
        slot.live.as_mut().filter(|live| live.salt == branch.salt)
    }

    fn release(&mut self, id: TransactionId, timers: &mut Timers) {
        let slot = &mut self.slots[id.slot as usize];
        timers.set(Owner::Transaction(id.slot), &mut slot.timer, None);
        if let Some(live) = slot.live.take() {
            let place = slot.generation as usize % REMEMBERED;
            slot.last[place] = Some((live.salt, live.opening.party));
        }
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
    }
}

impl Opening {
    /// The timing with this request's own limit of sends.
    fn limited(&self, timing: &Timing) -> Timing {
        let own = self.max_sends;
        let is_probe = matches!(self.party, Party::Probe { .. });
        let max_sends = match is_probe && own != u8::MAX {
            true => own,
            false => own.min(timing.max_sends),
        };
        Timing {
            max_sends,
            ..*timing
        }
    }
}

impl Live {
    fn ended(&self, id: TransactionId) -> Ended {
        Ended {
            id,
            party: self.opening.party,
            to: self.opening.to,
            sent: self.sent,
            sends: self.machine.sends(),
            is_proceeding: self.is_proceeding,
        }
    }
}

impl Ended {
    /// How long the answer took, counted from the first send.
    pub fn round_trip(&self, now: Instant) -> Duration {
        now - self.sent
    }
}

/// So many transactions of a slot are remembered when they are over.
const REMEMBERED: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_reads_back_as_it_was_written() {
        let mut table = Transactions::default();
        let branch = table.reserve(0xfedc_ba98_7654_3210);
        let text = branch.to_string();
        assert_eq!(text, "z9hG4bK00000000-00000000-fedcba9876543210");
        assert_eq!(Branch::parse(&text), Some(branch));
        assert_eq!(
            Branch::find(format!("SIP/2.0/UDP a;branch={text};rport\r\n").as_bytes()),
            Some(branch)
        );
    }

    #[test]
    fn what_is_not_a_branch_of_ours_is_refused() {
        for text in [
            "",
            "z9hG4bK",
            "z9hG4bK0000000g-00000000-fedcba9876543210",
            "z9hG4bK00000000+00000000-fedcba9876543210",
        ] {
            assert_eq!(Branch::parse(text), None, "{text}");
        }
        assert_eq!(Branch::find(b"branch=z9hG4bK0000"), None);
    }
}
