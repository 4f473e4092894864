//! Who asked how often: requests per Call-ID, and which datagrams came twice.
//!
//! Knows nothing of sockets. A key is a 64-bit hash, so that 300,000 requests cost a few
//! megabytes; that two of them share a hash is less likely than one in a hundred million.
//! A Call-ID is *initial* until its first 200 and *refreshing* from then on, so the two parts of a
//! run need no cut in time between them.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    hash::{BuildHasherDefault, Hasher},
    time::{Duration, Instant},
};

use crate::wire::Register;

/// The counts of one part of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Part {
    /// Requests, those sent again not counted.
    pub(crate) requests: u64,
    /// Datagrams whose (Call-ID, CSeq, branch) had been seen before.
    pub(crate) again: u64,
    /// Requests answered with 401.
    pub(crate) challenged: u64,
    /// Requests answered with 200.
    pub(crate) granted: u64,
    /// Requests answered with 403.
    pub(crate) refused: u64,
    /// How many Call-IDs have made n requests, n being the place; the last place is "or more".
    pub(crate) calls: [u64; PLACES],
    /// First request and last 200.
    span: Option<(Instant, Instant)>,
}

impl Part {
    /// From the first request to the last 200.
    pub(crate) fn span(&self) -> Duration {
        self.span
            .map_or(Duration::ZERO, |(first, last)| last - first)
    }

    /// Fewest and most requests of any Call-ID of this part.
    pub(crate) fn extremes(&self) -> (usize, usize) {
        let made = |place: &usize| self.calls[*place] > 0;
        let lowest = (1..PLACES).find(made).unwrap_or(0);
        let highest = (1..PLACES).rev().find(made).unwrap_or(0);
        (lowest, highest)
    }

    fn write(&self, line: &mut String, name: &str) {
        let (min, max) = self.extremes();
        let Self {
            requests,
            again,
            challenged,
            granted,
            refused,
            ..
        } = self;
        let calls: u64 = self.calls[1..].iter().sum();
        let span = self.span().as_micros();
        write!(
            line,
            " {name}.requests={requests} {name}.again={again} {name}.challenged={challenged} \
             {name}.granted={granted} {name}.refused={refused} {name}.calls={calls} \
             {name}.min={min} {name}.max={max} {name}.span_us={span}"
        )
        .expect("writing to a string does not fail");
    }
}

/// How a request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 401.
    Challenged,
    /// 200.
    Granted,
    /// 403.
    Refused,
}

/// One request as the tally knows it, between its arrival and its answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    call: u64,
    /// True when the same request was seen before.
    pub(crate) again: bool,
    refresh: bool,
    at: Instant,
}

/// Everything counted since the start or the last reset.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    seen: HashSet<u64, BuildHasherDefault<Hashed>>,
    calls: HashMap<u64, Call, BuildHasherDefault<Hashed>>,
    /// Requests of Call-IDs without a 200.
    pub(crate) initial: Part,
    /// Requests of Call-IDs with one.
    pub(crate) refresh: Part,
    /// REGISTERs that took a binding away, whatever their answer.
    pub(crate) removals: u64,
    /// Datagrams that were no REGISTER as `wire` reads it.
    pub(crate) malformed: u64,
    /// Credentials that `--verify` found wrong, by what was wrong.
    pub(crate) wrong: [u64; 3],
    registered: u64,
}

/// What is kept per Call-ID.
#[derive(Clone, Copy, Debug, Default)]
struct Call {
    initial: u8,
    refresh: u8,
    registered: bool,
}

impl Tally {
    /// A tally that does not grow while `accounts` register and refresh once.
    pub(crate) fn for_accounts(accounts: usize) -> Self {
        let mut tally = Self::default();
        tally.seen.reserve(accounts * 3);
        tally.calls.reserve(accounts);
        tally
    }

    /// Counts a request and tells whether it had been seen.
    pub(crate) fn arrived(&mut self, register: &Register<'_>, at: Instant) -> Arrival {
        let call_hash = hash(&[register.call_id]);
        let again = !self
            .seen
            .insert(hash(&[register.call_id, register.cseq, register.branch()]));
        let call = self.calls.entry(call_hash).or_default();
        let refresh = call.registered;
        let (part, count) = if refresh {
            (&mut self.refresh, &mut call.refresh)
        } else {
            (&mut self.initial, &mut call.initial)
        };
        part.span.get_or_insert((at, at));
        if again {
            part.again += 1;
        } else {
            // The Call-ID moves on by one place, so that nobody has to walk all of them later.
            let before = usize::from(*count).min(PLACES - 1);
            *count = count.saturating_add(1);
            part.calls[before] = part.calls[before].saturating_sub(1);
            part.calls[(before + 1).min(PLACES - 1)] += 1;
            part.requests += 1;
            self.removals += u64::from(register.is_removal());
        }
        Arrival {
            call: call_hash,
            again,
            refresh,
            at,
        }
    }

    /// Counts the answer of a request, unless it is one given before.
    pub(crate) fn answered(&mut self, arrival: Arrival, answer: Answer) {
        if arrival.again {
            return;
        }
        let part = if arrival.refresh {
            &mut self.refresh
        } else {
            &mut self.initial
        };
        match answer {
            Answer::Challenged => part.challenged += 1,
            Answer::Refused => part.refused += 1,
            Answer::Granted => {
                part.granted += 1;
                // The arrival of the request is taken for the moment of its answer.
                if let Some((_, last)) = &mut part.span {
                    *last = arrival.at;
                }
                let call = self.calls.entry(arrival.call).or_default();
                self.registered += u64::from(!call.registered);
                call.registered = true;
            }
        }
    }

    /// One line of `name=value`, for the parent.
    pub(crate) fn line(&self) -> String {
        let Self {
            registered,
            removals,
            malformed,
            wrong,
            ..
        } = self;
        let mut line = format!(
            "registered={registered} removals={removals} malformed={malformed} \
             wrong_digest={} wrong_nonce={} wrong_count={}",
            wrong[0], wrong[1], wrong[2]
        );
        self.initial.write(&mut line, "initial");
        self.refresh.write(&mut line, "refresh");
        line
    }
}

/// A 64-bit hash of some strings in order: multiply and fold, eight bytes at a time.
fn hash(parts: &[&[u8]]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state: u64 = ODD;
    let mut take = |word: u64| {
        state = (state ^ word).wrapping_mul(ODD);
        state ^= state >> 29;
    };
    for part in parts {
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            take(u64::from_le_bytes(word));
        }
        // The length keeps "ab", "c" apart from "a", "bc".
        take(part.len() as u64);
    }
    state
}

/// The keys are hashes already, so hashing them again would be a waste.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |state, &byte| (state << 8) | u64::from(byte));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// Places of a histogram of requests per Call-ID.
const PLACES: usize = 16;
