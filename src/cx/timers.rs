//! The one timer queue: (instant, sequence, owner), with generations so that a stale entry is
//! skipped.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

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
        let generation = timer.generation;
        self.heap.push(Reverse(Entry {
            at,
            sequence: self.sequence,
            owner,
            generation,
        }));
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
        let Reverse(head) = self.heap.peek()?;
        if head.at > now {
            return None;
        }
        let Reverse(entry) = self.heap.pop()?;
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
        while let Some(Reverse(entry)) = self.heap.peek() {
            if in_force(entry.owner, entry.generation) {
                return Some(entry.at);
            }
            self.heap.pop();
        }
        None
    }

    /// Drops stale entries when they outnumber the live ones, so that the queue stays in
    /// proportion.
    pub fn tidy(&mut self, in_force: impl Fn(Owner, u32) -> bool) {
        if self.heap.len() > 4 * self.armed + 1_024 {
            self.heap
                .retain(|Reverse(entry)| in_force(entry.owner, entry.generation));
            self.heap.shrink_to(2 * self.armed + 1_024);
        }
    }
}

impl Armed {
    /// Whether an entry of this generation is in force.
    pub fn is_in_force(&self, generation: u32) -> bool {
        self.generation == generation && self.at != Instant::FAR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn stale_entries_do_not_pile_up() {
        let (mut timers, mut timer) = (Timers::default(), Armed::default());
        for micros in 0..10_000 {
            timers.set(
                Owner::Engine,
                &mut timer,
                Some(Instant::from_micros(1 + micros)),
            );
            timers.tidy(|_, generation| timer.is_in_force(generation));
        }
        assert!(
            timers.heap.len() <= 1_100,
            "{} entries for one timer",
            timers.heap.len()
        );
        assert_eq!(
            timers.head(|_, g| timer.is_in_force(g)),
            Some(Instant::from_micros(10_000))
        );
    }
}
