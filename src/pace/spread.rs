//! When refreshes fall, second by second, so that a storm does not come back each cycle (rule L9).

use std::collections::VecDeque;

use crate::time::{Duration, Instant};

/// A refresh is moved by at most so many seconds; the search for a quiet second ends there.
const REACH: u64 = 4_096;
/// Refreshes further away than this (12 days) are not counted: whatever a registrar grants, this
/// table stays small.
const HORIZON: usize = 1 << 20;

/// How many refreshes are due in each second to come.
#[derive(Default, Debug)]
pub struct Spread {
    base: u64,
    load: VecDeque<u32>,
}

impl Spread {
    /// Finds the least loaded second among `latest` and the seconds before it, down to `latest −
    /// share` and never before `now`; of equally loaded ones the latest. The refresh is counted
    /// there until [`Spread::release`].
    pub fn place(&mut self, now: Instant, latest: Instant, share: Duration) -> Instant {
        self.forget_before(now.as_secs());
        let room = share.min(latest - now).as_secs().min(REACH);
        let last = latest.as_secs();
        let earlier = self.quietest(last, room);
        let chosen = latest.back(Duration::from_secs(earlier));
        if let Some(load) = self.entry(chosen.as_secs()) {
            *load += 1;
        }
        chosen
    }

    /// A refresh that was placed at this instant is no longer due then.
    pub fn release(&mut self, at: Instant) {
        let index = at
            .as_secs()
            .checked_sub(self.base)
            .and_then(|index| usize::try_from(index).ok());
        if let Some(load) = index.and_then(|index| self.load.get_mut(index)) {
            *load = load.saturating_sub(1);
        }
    }

    /// How far before `last` the least loaded second is, of equally loaded ones the latest; at most
    /// `room`, which does not reach beyond the base.
    fn quietest(&self, last: u64, room: u64) -> u64 {
        let place = last
            .checked_sub(self.base)
            .and_then(|index| usize::try_from(index).ok())
            .filter(|index| *index < self.load.len());
        // Beyond the table nothing is due.
        let Some(place) = place else { return 0 };
        let first = place.saturating_sub(room as usize);
        let backwards = (0_u64..).zip(self.load.range(first..=place).rev());
        let least = backwards.min_by_key(|(_, load)| **load);
        least.map_or(0, |(back, _)| back)
    }

    fn entry(&mut self, second: u64) -> Option<&mut u32> {
        let index = usize::try_from(second.checked_sub(self.base)?).ok()?;
        if index > HORIZON {
            return None;
        }
        if index >= self.load.len() {
            self.load.resize(index + 1, 0);
        }
        self.load.get_mut(index)
    }

    fn forget_before(&mut self, second: u64) {
        let past = second.saturating_sub(self.base);
        let gone = usize::try_from(past)
            .unwrap_or(usize::MAX)
            .min(self.load.len());
        self.load.drain(..gone);
        self.base = self.base.max(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule L9
    #[test]
    fn refreshes_fill_the_quiet_seconds_of_their_share_evenly() {
        let mut spread = Spread::default();
        let latest = Instant::from_millis(90_250);
        let mut seconds = vec![0; 100];
        for _ in 0..190 {
            let placed = spread.place(Instant::ZERO, latest, Duration::from_secs(18));
            assert_eq!(
                placed.as_millis() % 1_000,
                250,
                "the part of a second is kept"
            );
            seconds[placed.as_secs() as usize] += 1;
        }
        assert!(
            seconds[72..=90].iter().all(|count| *count == 10),
            "{seconds:?}"
        );
    }

    // rule L9
    #[test]
    fn without_a_share_nothing_moves_and_nothing_is_placed_in_the_past() {
        let mut spread = Spread::default();
        let latest = Instant::from_secs(90);
        for _ in 0..3 {
            assert_eq!(spread.place(Instant::ZERO, latest, Duration::ZERO), latest);
        }
        let now = Instant::from_secs(89);
        let placed = spread.place(now, latest, Duration::from_secs(60));
        assert_eq!(placed, now, "the second of 90 holds three, that of 89 none");
    }

    #[test]
    fn a_grant_of_a_century_takes_no_memory() {
        let mut spread = Spread::default();
        let latest = Instant::from_secs(u64::from(u32::MAX) / 2);
        let placed = spread.place(Instant::ZERO, latest, Duration::from_secs(1_000));
        spread.release(placed);
        assert_eq!((placed, spread.load.len()), (latest, 0));
    }

    #[test]
    fn a_released_refresh_makes_its_second_quiet_again() {
        let mut spread = Spread::default();
        let latest = Instant::from_secs(90);
        let first = spread.place(Instant::ZERO, latest, Duration::from_secs(9));
        spread.release(first);
        assert_eq!(
            spread.place(Instant::ZERO, latest, Duration::from_secs(9)),
            first
        );
    }
}
