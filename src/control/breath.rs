//! Long answers leave the processor to others: that timers are handled in time is worth more than
//! how soon somebody has read everything.

use tokio::task::yield_now;
use tokio::time::{Duration, Instant, sleep};

/// Paces one answer: short ones are made at once, long ones rest as long as they work.
pub(crate) struct Breath {
    begun: Instant,
    is_long: bool,
}

impl Breath {
    /// An answer begins.
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            is_long: false,
        }
    }

    /// Lets others work; called every few hundred pieces.
    pub(crate) async fn take(&mut self) {
        match self.rest(self.begun.elapsed()) {
            Some(rest) => {
                sleep(rest).await;
                self.begun = Instant::now();
            }
            None => yield_now().await,
        }
    }

    /// How long to rest after so much work since the last rest.
    fn rest(&mut self, worked: Duration) -> Option<Duration> {
        let enough = if self.is_long { STRETCH } else { SHORT };
        if worked < enough {
            return None;
        }
        self.is_long = true;
        Some(worked.min(LONGEST))
    }
}

/// An answer is short that is made in this time.
const SHORT: Duration = Duration::from_millis(5);

/// A long answer is made in pieces of at least this time; the clock that wakes it counts
/// milliseconds.
const STRETCH: Duration = Duration::from_millis(2);

/// It rests no longer than this, since the time that its reader took is counted too.
const LONGEST: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_rests_as_long_as_it_works() {
        let mut breath = Breath::new();
        let milliseconds = Duration::from_millis;
        assert_eq!(breath.rest(milliseconds(4)), None, "it may be short");
        assert_eq!(breath.rest(SHORT), Some(SHORT));
        assert_eq!(breath.rest(milliseconds(1)), None);
        assert_eq!(breath.rest(milliseconds(4)), Some(milliseconds(4)));
        assert_eq!(breath.rest(Duration::from_secs(3)), Some(LONGEST));
    }
}
