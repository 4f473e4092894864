//! The one timer queue: (instant, sequence, owner), with generations so that a stale entry is
//! skipped.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::tally::{Histogram, LATENESS};
use crate::time::{Instant, micros};

/// Whose timer it is. The owner knows by its own state what is due.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Owner {
    /// The Account in this slot.
    Account(u32),
    /// The client transaction in this slot.
    Transaction(u32),
    /// This Proxy Set.
    Set(u32),
    /// The engine itself.
    Engine,
}

/// An owner's handle on its timer: at most one entry of it is in force. Eight bytes and an instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Armed {
    generation: u32,
    at: Instant,
}

impl Default for Armed {
    fn default() -> Self {
        Self {
            generation: 0,
            at: Instant::FAR,
        }
    }
}

impl Armed {
    /// When it is due, if it is armed.
    pub fn at(&self) -> Option<Instant> {
        (self.at != Instant::FAR).then_some(self.at)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Entry {
    at: Instant,
    sequence: u64,
    owner: Owner,
    generation: u32,
}

/// All timers of an engine.
#[derive(Debug)]
pub struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    lanes: [VecDeque<Entry>; LANES],
    sequence: u64,
    armed: usize,
    /// How late the entry was that came due last.
    late: u64,
    lateness: Histogram,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            lanes: Default::default(),
            sequence: 0,
            armed: 0,
            late: 0,
            lateness: Histogram::new(&LATENESS),
        }
    }
}

impl Timers {
    /// Arms, re-arms or (with `None`) disarms an owner's timer.
    pub fn set(&mut self, owner: Owner, timer: &mut Armed, at: Option<Instant>) {
        let at = at.unwrap_or(Instant::FAR);
        if timer.at == at {
            return;
        }
        self.armed -= usize::from(timer.at != Instant::FAR);
        timer.generation = timer.generation.wrapping_add(1);
        timer.at = at;
        if at == Instant::FAR {
            return;
        }
        self.armed += 1;
        self.sequence += 1;
        self.push(Entry {
            at,
            sequence: self.sequence,
            owner,
            generation: timer.generation,
        });
    }

    /// Requests wait for one of few times (RFC 3261 §17.1.2.2), so what is set for the same time
    /// again and again lies in order by itself; few of them ever come due. All else is sorted.
    fn push(&mut self, entry: Entry) {
        let is_short = matches!(entry.owner, Owner::Transaction(_));
        let lanes = self.lanes.iter_mut().filter(|_| is_short);
        let end = |lane: &VecDeque<Entry>| lane.back().map(|last| last.at);
        let lane = lanes
            .filter(|lane| end(lane) <= Some(entry.at))
            .max_by_key(|lane| end(lane));
        match lane {
            Some(lane) => lane.push_back(entry),
            None => self.heap.push(Reverse(entry)),
        }
    }

    /// The earliest entry, and the lane that it heads; `LANES` for the heap.
    fn first(&self) -> Option<(Entry, usize)> {
        let heads = self.lanes.iter().zip(0..);
        let heads = heads.filter_map(|(lane, at)| Some((*lane.front()?, at)));
        let top = self.heap.peek().map(|Reverse(entry)| (*entry, LANES));
        heads.chain(top).min()
    }

    fn remove(&mut self, lane: usize) {
        match self.lanes.get_mut(lane) {
            Some(lane) => drop(lane.pop_front()),
            None => drop(self.heap.pop()),
        }
    }

    fn len(&self) -> usize {
        self.heap.len() + self.lanes.iter().map(VecDeque::len).sum::<usize>()
    }

    /// How late timers were that fired: from when they were due to when they were looked at.
    pub fn lateness(&self) -> &Histogram {
        &self.lateness
    }

    /// How many timers are armed.
    pub fn count(&self) -> usize {
        self.armed
    }

    /// The earliest entry if it is due, taken out. The owner says with [`Timers::fired`] whether it
    /// is in force.
    pub fn due(&mut self, now: Instant) -> Option<(Owner, u32)> {
        let (entry, lane) = self.first()?;
        if entry.at > now {
            return None;
        }
        self.remove(lane);
        self.late = micros(now.since(entry.at));
        Some((entry.owner, entry.generation))
    }

    /// Whether an entry that came due is the one in force; if so, the timer is disarmed.
    pub fn fired(&mut self, timer: &mut Armed, generation: u32) -> bool {
        if timer.generation != generation || timer.at == Instant::FAR {
            return false;
        }
        timer.at = Instant::FAR;
        self.armed -= 1;
        self.lateness.add(self.late);
        true
    }

    /// The earliest instant in the queue, after stale entries at its head are gone.
    pub fn head(&mut self, in_force: impl Fn(Owner, u32) -> bool) -> Option<Instant> {
        while let Some((entry, lane)) = self.first() {
            if in_force(entry.owner, entry.generation) {
                return Some(entry.at);
            }
            self.remove(lane);
        }
        None
    }

    /// Drops stale entries when they outnumber the live ones, so that the queue stays in
    /// proportion.
    pub fn tidy(&mut self, in_force: impl Fn(Owner, u32) -> bool) {
        if self.len() > 4 * self.armed + 1_024 {
            let is_live = |entry: &Entry| in_force(entry.owner, entry.generation);
            self.heap.retain(|Reverse(entry)| is_live(entry));
            self.heap.shrink_to(2 * self.armed + 1_024);
            for lane in &mut self.lanes {
                lane.retain(is_live);
                lane.shrink_to(2 * self.armed + 1_024);
            }
        }
    }
}

impl Armed {
    /// Whether an entry of this generation is in force.
    pub fn is_in_force(&self, generation: u32) -> bool {
        self.generation == generation && self.at != Instant::FAR
    }
}

/// T1 doubles up to T2, which makes four times to wait.
const LANES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    #[test]
    fn a_rearmed_timer_fires_once_at_its_new_time() {
        let (mut timers, mut timer) = (Timers::default(), Armed::default());
        timers.set(Owner::Engine, &mut timer, Some(Instant::from_secs(1)));
        timers.set(Owner::Engine, &mut timer, Some(Instant::from_secs(2)));
        let mut fired = Vec::new();
        for second in 0..4 {
            while let Some((_, generation)) = timers.due(Instant::from_secs(second)) {
                if timers.fired(&mut timer, generation) {
                    fired.push(second);
                }
            }
        }
        assert_eq!(fired, [2]);
    }

    #[test]
    fn entries_of_one_instant_come_in_the_order_in_which_they_were_set() {
        let mut timers = Timers::default();
        let mut handles = [Armed::default(); 3];
        for (slot, timer) in [2_u32, 0, 1].iter().zip(&mut handles) {
            timers.set(Owner::Account(*slot), timer, Some(Instant::from_secs(1)));
        }
        let order: Vec<_> = std::iter::from_fn(|| timers.due(Instant::from_secs(1))).collect();
        let slots: Vec<_> = order.iter().map(|(owner, _)| *owner).collect();
        assert_eq!(
            slots,
            [Owner::Account(2), Owner::Account(0), Owner::Account(1)]
        );
    }

    // Whoever sets what for when, entries come by time, and those of one time as they were set.
    #[test]
    fn whatever_is_set_comes_in_order() {
        for seed in 0..50 {
            let mut draw = Seed::from_number(seed).draw(0, 0);
            let mut timers = Timers::default();
            let mut handles = [Armed::default(); 64];
            let mut set = Vec::new();
            let mut now = 0;
            for step in 0..2_000_u64 {
                let slot = (draw.number() % 64) as u32;
                let wait = [
                    500,
                    500,
                    500,
                    1_000,
                    2_000,
                    4_000,
                    5_000,
                    draw.number() % 90_000,
                ];
                let at = Instant::from_millis(now + wait[(draw.number() % 8) as usize]);
                let owner = match slot % 4 {
                    0 => Owner::Account(slot),
                    _ => Owner::Transaction(slot),
                };
                let handle = &mut handles[slot as usize];
                if handle.at() != Some(at) {
                    timers.set(owner, handle, Some(at));
                    set.retain(|(_, _, other)| *other != owner);
                    set.push((at, step, owner));
                }
                now += draw.number() % 40;
                let mut expected: Vec<_> = set.clone();
                expected.retain(|(at, ..)| *at <= Instant::from_millis(now));
                expected.sort();
                set.retain(|(at, ..)| *at > Instant::from_millis(now));
                let mut fired = Vec::new();
                while let Some((owner, generation)) = timers.due(Instant::from_millis(now)) {
                    let (Owner::Account(slot) | Owner::Transaction(slot)) = owner else {
                        unreachable!()
                    };
                    if timers.fired(&mut handles[slot as usize], generation) {
                        fired.push(owner);
                    }
                }
                let expected: Vec<_> = expected.iter().map(|(_, _, owner)| *owner).collect();
                assert_eq!(fired, expected, "seed {seed}, step {step}");
            }
            assert_eq!(timers.count(), set.len(), "seed {seed}");
        }
    }

    #[test]
    fn stale_entries_do_not_pile_up() {
        for owner in [Owner::Engine, Owner::Transaction(0)] {
            let (mut timers, mut timer) = (Timers::default(), Armed::default());
            for micros in 1..=10_000 {
                timers.set(owner, &mut timer, Some(Instant::from_micros(micros)));
                timers.tidy(|_, generation| timer.is_in_force(generation));
            }
            let count = timers.len();
            assert!(count <= 1_100, "{count} entries for one timer");
            assert_eq!(
                timers.head(|_, g| timer.is_in_force(g)),
                Some(Instant::from_micros(10_000))
            );
        }
    }
}
