//! What is counted of the registrars, for metrics: requests, how attempts ended, round trips.
//!
//! It knows names and numbers, and nothing of what they follow from. Whoever sends, or hears how it
//! ended, says so here; readers take copies. The invariant: a count never falls, and all that is
//! kept is bounded, however many addresses a name goes through.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod histogram;
mod window;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

pub use histogram::{Histogram, LATENESS, ROUND_TRIP};
pub use window::Window;

use crate::time::{Duration, micros};

/// A member of a Proxy Set, which something is counted of.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The set's name.
    pub set: &'a Arc<str>,
    /// The member's address.
    pub registrar: SocketAddr,
}

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// A registration, its removal, or a probe by REGISTER.
    Register,
    /// A probe.
    Options,
}

impl Method {
    /// All that are counted, in their order.
    pub const ALL: [Self; 2] = [Self::Register, Self::Options];

    /// As it stands in a request.
    pub fn name(self) -> &'static str {
        match self {
            Self::Register => "REGISTER",
            Self::Options => "OPTIONS",
        }
    }
}

/// How an attempt at one registrar ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// As it should.
    Ok,
    /// The registrar said no.
    Rejected,
    /// The registrar does not take our credentials, or we have none for it.
    Credentials,
    /// The registrar has trouble of its own: 408 or 5xx.
    Failed,
    /// No answer.
    Timeout,
    /// The registrar cannot be reached.
    Unreachable,
}

impl Ending {
    /// All that there are, in their order.
    pub const ALL: [Self; 6] = [
        Self::Ok,
        Self::Rejected,
        Self::Credentials,
        Self::Failed,
        Self::Timeout,
        Self::Unreachable,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Credentials => "credentials",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What an attempt was for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// To have a binding.
    Register,
    /// To have none.
    Unregister,
}

/// Requests of one method.
#[derive(Clone, Debug)]
pub struct Requests {
    /// How many were sent, repetitions not counted.
    pub sent: u64,
    /// How often one was sent again for want of an answer.
    pub repeated: u64,
    /// How long the answers took, from the first send.
    pub round_trips: Histogram,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            sent: 0,
            repeated: 0,
            round_trips: Histogram::new(&ROUND_TRIP),
        }
    }
}

/// What was counted of one member of a Proxy Set.
#[derive(Clone, Debug)]
pub struct Counts {
    /// The set's name.
    pub set: Arc<str>,
    /// The member's address; `None` for all that are beyond what is counted one by one.
    pub registrar: Option<SocketAddr>,
    /// Attempts to register, by [`Ending`].
    pub registrations: [u64; Ending::ALL.len()],
    /// Attempts to remove a binding, by [`Ending`].
    pub removals: [u64; Ending::ALL.len()],
    /// Requests, by [`Method`].
    pub requests: [Requests; Method::ALL.len()],
}

/// All that is counted of registrars.
#[derive(Default, Debug)]
pub struct Tally {
    series: Vec<Counts>,
    /// Round trips since they were last taken, for those of `series` that have any.
    windows: Vec<Option<Box<Window>>>,
    index: BTreeMap<(SocketAddr, Arc<str>), u32>,
    changes: u64,
}

impl Tally {
    /// A request leaves for the first time.
    pub fn sent(&mut self, place: Place<'_>, method: Method) {
        self.requests(place, method).sent += 1;
    }

    /// A request leaves again.
    pub fn repeated(&mut self, place: Place<'_>, method: Method) {
        self.requests(place, method).repeated += 1;
    }

    /// A final answer arrived.
    pub fn answered(&mut self, place: Place<'_>, method: Method, round_trip: Duration) {
        let at = self.find(place);
        let micros = micros(round_trip);
        let requests = &mut self.series[at].requests[method as usize];
        requests.round_trips.add(micros);
        let window = self.windows[at].get_or_insert_default();
        window.add(u32::try_from(micros).unwrap_or(u32::MAX));
    }

    /// An attempt is over.
    pub fn ended(&mut self, place: Place<'_>, purpose: Purpose, ending: Ending) {
        let at = self.find(place);
        let counts = &mut self.series[at];
        let endings = match purpose {
            Purpose::Register => &mut counts.registrations,
            Purpose::Unregister => &mut counts.removals,
        };
        endings[ending as usize] += 1;
    }

    /// What was counted so far, in the order in which members were first heard of.
    pub fn counts(&self) -> &[Counts] {
        &self.series
    }

    /// Rises with everything that is counted.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The round trips since they were last taken, by registrar.
    pub fn windows(&self) -> BTreeMap<SocketAddr, Window> {
        let mut all: BTreeMap<SocketAddr, Window> = BTreeMap::new();
        for (counts, window) in self.series.iter().zip(&self.windows) {
            if let (Some(registrar), Some(window)) = (counts.registrar, window) {
                all.entry(registrar).or_default().merge(window);
            }
        }
        all
    }

    /// The same, and a new time begins.
    pub fn take_windows(&mut self) -> BTreeMap<SocketAddr, Window> {
        let all = self.windows();
        self.windows.fill_with(|| None);
        all
    }

    fn requests(&mut self, place: Place<'_>, method: Method) -> &mut Requests {
        let at = self.find(place);
        &mut self.series[at].requests[method as usize]
    }

    /// The place of a member in `series`; a new one on first sight.
    fn find(&mut self, place: Place<'_>) -> usize {
        self.changes += 1;
        let key = (place.registrar, Arc::clone(place.set));
        if let Some(at) = self.index.get(&key) {
            return *at as usize;
        }
        if self.index.len() < MOST {
            let at = self.add(&key.1, Some(key.0));
            self.index.insert(key, at as u32);
            return at;
        }
        // The last one stands for all others.
        match self.series.last() {
            Some(last) if last.registrar.is_none() => self.series.len() - 1,
            _ => self.add(&OTHER.into(), None),
        }
    }

    fn add(&mut self, set: &Arc<str>, registrar: Option<SocketAddr>) -> usize {
        self.series.push(Counts {
            set: Arc::clone(set),
            registrar,
            registrations: Default::default(),
            removals: Default::default(),
            requests: Default::default(),
        });
        self.windows.push(None);
        self.series.len() - 1
    }
}

/// So many members are counted one by one; what comes after them is counted together.
pub const MOST: usize = 4_096;

/// What the set and the registrar of those are called that are counted together.
pub const OTHER: &str = "other";

#[cfg(test)]
mod tests {
    use super::*;

    fn registrar(number: u32) -> SocketAddr {
        ((number | 0x7f00_0000).to_be_bytes(), 5060).into()
    }

    #[test]
    fn one_address_in_two_sets_is_counted_apart_and_timed_together() {
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other set".into());
        let mut tally = Tally::default();
        let registrar = registrar(1);
        for (set, millis) in [(&one, 10), (&one, 30), (&other, 20)] {
            let place = Place { set, registrar };
            tally.sent(place, Method::Register);
            tally.answered(place, Method::Register, Duration::from_millis(millis));
            tally.ended(place, Purpose::Register, Ending::Ok);
        }
        let counted: Vec<_> = tally
            .counts()
            .iter()
            .map(|it| (&*it.set, it.registrations[0], it.requests[0].sent))
            .collect();
        assert_eq!(counted, [("one", 2, 2), ("other set", 1, 1)]);
        assert_eq!(tally.changes(), 9);
        let windows = tally.take_windows();
        assert_eq!(windows[&registrar].count(), 3);
        assert!(tally.windows().is_empty());
    }

    #[test]
    fn a_set_of_the_same_name_goes_on_where_the_one_before_it_ended() {
        let mut tally = Tally::default();
        for _ in 0..2 {
            let set: Arc<str> = "carrier".into();
            let registrar = registrar(1);
            let place = Place {
                set: &set,
                registrar,
            };
            tally.ended(place, Purpose::Unregister, Ending::Timeout);
        }
        assert_eq!(tally.counts().len(), 1);
        assert_eq!(tally.counts()[0].removals[Ending::Timeout as usize], 2);
    }

    #[test]
    fn addresses_without_end_are_bounded_and_none_is_lost() {
        let set: Arc<str> = "carrier".into();
        let mut tally = Tally::default();
        let all = MOST as u32 + 100;
        for number in 0..all {
            let registrar = registrar(number);
            let place = Place {
                set: &set,
                registrar,
            };
            tally.ended(place, Purpose::Register, Ending::Rejected);
            tally.answered(place, Method::Options, Duration::from_millis(1));
        }
        assert_eq!(tally.counts().len(), MOST + 1);
        let last = tally.counts().last().unwrap();
        assert_eq!((last.registrar, &*last.set), (None, OTHER));
        let rejected = |counts: &Counts| counts.registrations[Ending::Rejected as usize];
        assert_eq!(rejected(last), 100);
        assert_eq!(
            tally.counts().iter().map(rejected).sum::<u64>(),
            u64::from(all)
        );
        assert_eq!(tally.windows().len(), MOST);
    }

    #[test]
    fn words_stand_in_the_order_of_the_counts() {
        for (at, ending) in Ending::ALL.into_iter().enumerate() {
            assert_eq!(ending as usize, at);
        }
        for (at, method) in Method::ALL.into_iter().enumerate() {
            assert_eq!(method as usize, at);
        }
    }
}
