//! Times counted by how long they were.

/// Bounds of round trips, in microseconds: from 5 ms to 10 s.
pub const ROUND_TRIP: [u64; 11] = [
    5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

/// Bounds of what should be nothing, in microseconds: from 100 µs to 1 s.
pub const LATENESS: [u64; 12] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
];

/// How many times were no longer than each of some bounds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// Each bound's own, and those beyond the last.
    counts: [u64; MOST_BOUNDS + 1],
    sum: u64,
}

impl Histogram {
    /// An empty one with these bounds in microseconds, which rise; no more than twelve count.
    pub fn new(bounds: &'static [u64]) -> Self {
        Self {
            bounds: &bounds[..bounds.len().min(MOST_BOUNDS)],
            counts: [0; MOST_BOUNDS + 1],
            sum: 0,
        }
    }

    /// Counts a time in microseconds.
    pub fn add(&mut self, micros: u64) {
        let place = self.bounds.iter().position(|bound| micros <= *bound);
        self.counts[place.unwrap_or(self.bounds.len())] += 1;
        self.sum = self.sum.saturating_add(micros);
    }

    /// The bounds in microseconds, and how many times were no longer than each.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut below = 0;
        self.bounds.iter().zip(&self.counts).map(move |it| {
            below += it.1;
            (*it.0, below)
        })
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum in microseconds.
    pub fn sum(&self) -> u64 {
        self.sum
    }
}

/// So many bounds there may be.
const MOST_BOUNDS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_counts_for_its_bound_and_for_all_above() {
        let mut histogram = Histogram::new(&ROUND_TRIP);
        for micros in [0, 5_000, 5_001, 10_000_000, 10_000_001] {
            histogram.add(micros);
        }
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets[..2], [(5_000, 2), (10_000, 3)]);
        assert_eq!(buckets.last(), Some(&(10_000_000, 4)));
        assert_eq!((histogram.count(), histogram.sum()), (5, 20_010_002));
    }

    #[test]
    fn bounds_rise_and_fit() {
        for bounds in [&ROUND_TRIP[..], &LATENESS[..]] {
            assert!(bounds.is_sorted() && bounds.len() <= MOST_BOUNDS);
            assert_eq!(Histogram::new(bounds).buckets().count(), bounds.len());
        }
    }
}
