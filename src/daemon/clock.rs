//! The only reader of clocks: the engine's instants, and the wall clock that goes with them.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::status::UnixMs;
use crate::time::{Instant, micros};

/// Counts from its making. It goes on while the host sleeps, because bindings at a registrar do
/// too.
pub(super) struct Clock {
    start: Duration,
    unix_ms_at_zero: i64,
}

impl Clock {
    /// Starts at [`Instant::ZERO`].
    pub(super) fn start() -> Self {
        let start = read(ClockId::CLOCK_BOOTTIME);
        Self {
            start,
            unix_ms_at_zero: unix_ms(read(ClockId::CLOCK_REALTIME)),
        }
    }

    /// The instant.
    pub(super) fn now(&self) -> Instant {
        let since = read(ClockId::CLOCK_BOOTTIME).saturating_sub(self.start);
        Instant::from_micros(micros(since))
    }

    /// Wall-clock milliseconds since 1970 at [`Instant::ZERO`], as of the last look.
    pub(super) fn unix_ms_at_zero(&self) -> i64 {
        self.unix_ms_at_zero
    }

    /// The wall clock at an instant, as of the last look.
    pub(super) fn unix(&self, at: Instant) -> UnixMs {
        let since = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
        UnixMs(self.unix_ms_at_zero.saturating_add(since))
    }

    /// Looks at the wall clock: the new time at zero, if somebody has set it by more than is worth
    /// a word.
    pub(super) fn look(&mut self) -> Option<i64> {
        let now = i64::try_from(self.now().as_millis()).unwrap_or(i64::MAX);
        let at_zero = unix_ms(read(ClockId::CLOCK_REALTIME)).saturating_sub(now);
        if at_zero.abs_diff(self.unix_ms_at_zero) <= TOLERANCE_MS {
            return None;
        }
        self.unix_ms_at_zero = at_zero;
        Some(at_zero)
    }
}

/// Both clocks exist on every Linux that this program runs on; without one, time would stand still.
fn read(clock: ClockId) -> Duration {
    clock_gettime(clock).map(Duration::from).unwrap_or_default()
}

fn unix_ms(since_1970: Duration) -> i64 {
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

/// A clock that is disciplined by NTP wanders by less.
const TOLERANCE_MS: u64 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instant_rises_and_the_wall_clock_stays_where_nobody_sets_it() {
        let mut clock = Clock::start();
        let before = clock.now();
        assert!(clock.now() >= before);
        assert_eq!(clock.look(), None);
        clock.unix_ms_at_zero -= 2_000;
        assert!(clock.look().is_some());
        assert_eq!(clock.look(), None);
    }
}
