//! How exact a real machine can be asked to be.

use std::time::Duration;

use jiff::Timestamp;

use super::status::Account;

/// Patience for what takes milliseconds when nothing is wrong.
pub(crate) const SOON: Duration = Duration::from_secs(5);

/// By how many seconds something may be later than the rule has it: the machine may be busy.
pub(crate) const SLACK: f64 = 1.0;

/// By how many seconds it may seem too early: the ends of an interval are stamped by different
/// processes.
const BLUR: f64 = 0.03;

/// Asserts that `seconds` is what a rule says, no earlier and not much later.
#[track_caller]
pub(crate) fn assert_due(seconds: f64, expected: f64) {
    let fits = (expected - BLUR..expected + SLACK).contains(&seconds);
    assert!(fits, "{seconds:.3} s, but {expected} s is the rule");
}

/// Asserts that the next attempt is due `expected` seconds after the instant of a failure.
#[track_caller]
pub(crate) fn assert_next_try(status: &Account, failed: Timestamp, expected: f64) {
    let next = status
        .next_try()
        .unwrap_or_else(|| panic!("no next try: {status}"));
    assert_due(next.duration_since(failed).as_secs_f64(), expected);
}
