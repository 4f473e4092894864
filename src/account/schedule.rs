//! When the next REGISTER is due: refresh point, retry wait, back-off (rules L1, L3).

use crate::config::Registration;
use crate::rng::Draw;
use crate::time::Duration;

/// A refresh leaves at least this long before the end of its binding, if half of the expiry allows:
/// one transaction time (rule L1).
const TRANSACTION: Duration = Duration::from_secs(32);
/// Refused credentials are never tried less often than this (rule L3).
const CREDENTIALS_MAX: Duration = Duration::from_secs(24 * 3_600);

/// How long after its 2xx a binding is refreshed (rule L1).
pub(super) fn refresh_after(granted: u32, rules: &Registration) -> Duration {
    let granted = Duration::from_secs(granted.into());
    let threshold = Duration::from_secs(rules.refresh_threshold_secs.into());
    let mut after = granted * u32::from(rules.refresh_percent) / 100;
    if !threshold.is_zero() && threshold < after {
        after = granted.saturating_sub(threshold);
    }
    after.min((granted / 2).max(granted.saturating_sub(TRANSACTION)))
}

/// The wait after the failed attempt that made it this many since the last 200 (rule L3).
pub(super) fn retry_wait(failures: u32, rules: &Registration, draw: &mut Draw) -> Duration {
    let retry = u64::from(rules.registration_retry_secs);
    let max = u64::from(rules.max_registration_backoff_secs);
    let wait = if max == 0 {
        Duration::from_secs(retry)
    } else {
        let doubled = retry.saturating_mul(1_u64.checked_shl(failures).unwrap_or(u64::MAX));
        let upper = Duration::from_secs(doubled.min(max));
        draw.between(upper / 2, upper)
    };
    match rules.retry_jitter_percent {
        0 => wait,
        percent => wait + draw.between(Duration::ZERO, wait * u32::from(percent) / 100),
    }
}

/// The wait after refused credentials, by how often they were refused in a row (rule L3).
pub(super) fn credentials_wait(refusals: u32, rules: &Registration) -> Duration {
    let factor = 1_u32
        .checked_shl(refusals.saturating_sub(1))
        .unwrap_or(u32::MAX);
    let first = Duration::from_secs(rules.credentials_retry_secs.into());
    first.saturating_mul(factor).min(CREDENTIALS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Registration;
    use crate::rng::Seed;

    fn refresh(granted: u32, percent: u8, threshold: u32) -> Duration {
        let rules = Registration {
            refresh_percent: percent,
            refresh_threshold_secs: threshold,
            ..Registration::default()
        };
        refresh_after(granted, &rules)
    }

    // rule L1
    #[test]
    fn the_refresh_point_follows_percent_threshold_and_the_margin() {
        let millis = |granted, percent, threshold| refresh(granted, percent, threshold).as_millis();
        assert_eq!(millis(480, 50, 0), 240_000);
        assert_eq!(millis(3_600, 70, 0), 2_520_000);
        assert_eq!(millis(3_600, 50, 60), 3_540_000);
        assert_eq!(
            millis(3_600, 50, 1_800),
            1_800_000,
            "a threshold that is not below t changes nothing"
        );
        assert_eq!(
            millis(3_600, 100, 0),
            3_568_000,
            "one transaction time before the end"
        );
        assert_eq!(millis(3_600, 50, 10), 3_568_000);
        assert_eq!(millis(40, 100, 0), 20_000, "never before half");
        assert_eq!(millis(70, 90, 0), 38_000);
        assert_eq!(millis(11, 50, 0), 5_500);
        assert_eq!(millis(1, 50, 0), 500);
        assert_eq!(millis(0, 50, 0), 0);
    }

    // rule L1
    #[test]
    fn a_longer_grant_is_never_refreshed_earlier() {
        for (percent, threshold) in [(50, 0), (80, 0), (100, 0)] {
            let points: Vec<_> = (1..5_000)
                .map(|granted| refresh(granted, percent, threshold))
                .collect();
            assert!(points.is_sorted(), "{percent} % and {threshold} s");
        }
    }

    // rule L3
    #[test]
    fn back_off_draws_between_half_and_all_of_the_upper_bound() {
        let rules = Registration {
            max_registration_backoff_secs: 1_800,
            ..Registration::default()
        };
        for (failures, upper) in [
            (1, 60),
            (2, 120),
            (3, 240),
            (5, 960),
            (6, 1_800),
            (40, 1_800),
            (99, 1_800),
        ] {
            let upper = Duration::from_secs(upper);
            let waits: Vec<_> = (0..2_000)
                .map(|counter| {
                    retry_wait(failures, &rules, &mut Seed::from_number(1).draw(0, counter))
                })
                .collect();
            assert!(waits.iter().all(|wait| (upper / 2..=upper).contains(wait)));
            assert!(
                waits.iter().any(|wait| *wait < upper * 55 / 100),
                "the draw reaches the lower end"
            );
            assert!(
                waits.iter().any(|wait| *wait > upper * 95 / 100),
                "the draw reaches the upper end"
            );
        }
    }

    // rule L3
    #[test]
    fn without_back_off_the_wait_is_the_retry_time_plus_jitter() {
        let mut rules = Registration::default();
        let mut draw = Seed::from_number(1).draw(0, 0);
        assert_eq!(retry_wait(7, &rules, &mut draw), Duration::from_secs(30));
        rules.retry_jitter_percent = 10;
        for _ in 0..100 {
            let wait = retry_wait(7, &rules, &mut draw);
            assert!((Duration::from_secs(30)..=Duration::from_secs(33)).contains(&wait));
        }
    }

    // rule L3
    #[test]
    fn refused_credentials_double_their_wait_up_to_a_day() {
        let rules = Registration::default();
        let waits =
            [1, 2, 3, 8, 9, 60].map(|refusals| credentials_wait(refusals, &rules).as_secs());
        assert_eq!(waits, [600, 1_200, 2_400, 76_800, 86_400, 86_400]);
    }
}
