//! Patience with a limit: no trial sleeps and hopes.

use std::thread;
use std::time::{Duration, Instant};

/// How often a condition is looked at.
const POLL: Duration = Duration::from_millis(15);

/// Asks `probe` until it has something, and returns that.
///
/// # Panics
/// If there is nothing `within` the time; `what` says what was waited for.
#[track_caller]
pub(crate) fn wait_for<T>(within: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(
            start.elapsed() < within,
            "waited {within:?} in vain for {what}"
        );
        thread::sleep(POLL);
    }
}

/// Waits until `condition` holds; see [`wait_for`].
#[track_caller]
pub(crate) fn wait_until(within: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    wait_for(within, what, || condition().then_some(()));
}

/// Asserts a silence: `condition` holds now and at each look for the whole `period`.
#[track_caller]
pub(crate) fn holds_for(period: Duration, what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    loop {
        assert!(
            condition(),
            "after {:?} it no longer held that {what}",
            start.elapsed()
        );
        if start.elapsed() >= period {
            return;
        }
        thread::sleep(POLL);
    }
}
