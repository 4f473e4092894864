//! Instants of this run and of those before, and the wall clock.

use crate::config::TimeLimit;
use crate::time::Instant;

/// The instant of what happens, and the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// The instant.
    pub now: Instant,
    /// Wall-clock milliseconds since 1970 at instant zero.
    pub unix_ms_at_zero: i64,
}

/// A point in time that may lie before the start of this run: microseconds from instant zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Moment(pub(super) i64);

impl Moment {
    pub(super) fn of(instant: Instant) -> Self {
        Self(i64::try_from(instant.as_micros()).unwrap_or(i64::MAX))
    }

    /// The instant, or the start where it lies before that.
    pub(super) fn instant(self) -> Instant {
        Instant::from_micros(u64::try_from(self.0).unwrap_or(0))
    }

    /// When a time limit is over that began here.
    pub(super) fn after(self, limit: TimeLimit) -> Instant {
        let limit = i64::try_from(limit.duration().as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(limit)).instant()
    }

    pub(super) fn unix_us(self, clock: Clock) -> i64 {
        let zero = clock.unix_ms_at_zero.saturating_mul(1_000);
        zero.saturating_add(self.0)
    }

    pub(super) fn unix_ms(self, clock: Clock) -> i64 {
        clock
            .unix_ms_at_zero
            .saturating_add(self.0.div_euclid(1_000))
    }

    pub(super) fn from_unix_us(unix_us: i64, clock: Clock) -> Self {
        let zero = clock.unix_ms_at_zero.saturating_mul(1_000);
        Self(unix_us.saturating_sub(zero))
    }
}
