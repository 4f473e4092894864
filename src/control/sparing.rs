//! What strangers can make the log say is said now and then, with how often it was left out, so
//! that nobody can fill the log.

use std::sync::{Mutex, PoisonError};

use tokio::time::{Duration, Instant};

/// One kind of thing to say.
#[derive(Default)]
pub(crate) struct Sparing(Mutex<Burst>);

#[derive(Default)]
struct Burst {
    said: Option<Instant>,
    left_out: u32,
}

/// It is to be said now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Due {
    /// How often it was left out since the last time, if it was.
    pub(crate) repeated: Option<u32>,
}

impl Sparing {
    /// Whether it is to be said, which it is not within a minute of the last time.
    pub(crate) fn due(&self) -> Option<Due> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<Due> {
        let mut burst = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if burst.said.is_some_and(|said| now < said + MINUTE) {
            burst.left_out = burst.left_out.saturating_add(1);
            return None;
        }
        burst.said = Some(now);
        let left_out = std::mem::take(&mut burst.left_out);
        let repeated = (left_out > 0).then_some(left_out);
        Some(Due { repeated })
    }
}

/// It is said so often.
const MINUTE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_minute_with_how_often_it_was_left_out() {
        let sparing = Sparing::default();
        let start = Instant::now();
        let once = Some(Due { repeated: None });
        assert_eq!(sparing.due_at(start), once);
        assert_eq!(sparing.due_at(start), None);
        assert_eq!(sparing.due_at(start + MINUTE / 2), None);
        let repeated = Some(2);
        assert_eq!(sparing.due_at(start + MINUTE), Some(Due { repeated }));
        assert_eq!(sparing.due_at(start + 2 * MINUTE), once);
    }
}
