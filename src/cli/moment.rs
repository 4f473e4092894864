//! Points in time as people type them: how long ago, or when.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use super::status::now;
use crate::status::UnixMs;
use crate::trace::At;

/// Reads a moment: `2h`, `1d12h` (ago), a time of the day, a date, both, or RFC 3339. What names no
/// zone is in UTC, as all that is shown.
pub(super) fn parse(text: &str) -> Result<UnixMs, String> {
    parse_exactly(text).map(|at| UnixMs(at.0.div_euclid(1_000)))
}

/// The same to the microsecond.
pub(super) fn parse_exactly(text: &str) -> Result<At, String> {
    let now = Timestamp::from_millisecond(now().0).ok();
    let read = now.and_then(|now| read(text.trim(), now));
    read.map(|at| At(at.as_microsecond())).ok_or_else(|| {
        "not a time; for example 90s, 2h, 1d12h (ago), 03:12, 2026-11-22, \"2026-11-22 10:00\" or \
         2026-11-22T10:00:00Z, in UTC"
            .to_owned()
    })
}

fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    let utc = |civil: DateTime| Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp());
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(timestamp);
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return utc(civil);
    }
    if let Ok(date) = text.parse::<Date>() {
        return utc(date.at(0, 0, 0, 0));
    }
    if let (true, Ok(time)) = (text.contains(':'), text.parse::<Time>()) {
        // The last time that the clock said so.
        let today = now.to_zoned(TimeZone::UTC).date();
        let at = utc(today.to_datetime(time))?;
        return match at <= now {
            true => Some(at),
            false => utc(today.yesterday().ok()?.to_datetime(time)),
        };
    }
    let span: Span = text.parse().ok()?;
    let days = SpanRelativeTo::days_are_24_hours();
    let ago = span.total((Unit::Millisecond, days)).ok()?;
    let at = now.as_millisecond().saturating_sub(ago as i64);
    (ago >= 0.0).then(|| Timestamp::from_millisecond(at).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_how_long_ago_or_when() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let told = |text: &str| read(text, now).map(|at| at.to_string());
        for (text, expected) in [
            ("90s", "2026-11-22T09:58:30Z"),
            ("2h", "2026-11-22T08:00:00Z"),
            ("1d12h", "2026-11-20T22:00:00Z"),
            ("10m", "2026-11-22T09:50:00Z"),
            ("15min", "2026-11-22T09:45:00Z"),
            ("03:12", "2026-11-22T03:12:00Z"),
            ("10:00", "2026-11-22T10:00:00Z"),
            ("10:00:01", "2026-11-21T10:00:01Z"),
            ("2026-11-21", "2026-11-21T00:00:00Z"),
            ("2026-11-21 10:30", "2026-11-21T10:30:00Z"),
            ("2026-11-21T10:30:05", "2026-11-21T10:30:05Z"),
            ("2026-11-21T10:30:05.123456Z", "2026-11-21T10:30:05.123456Z"),
            ("2026-11-21T10:30:05+02:00", "2026-11-21T08:30:05Z"),
        ] {
            assert_eq!(told(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2",
            "-2h",
            "3mo",
            "25:00",
            "2026-13-01",
            "2026-11-22 25:00",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), Ok(UnixMs(1_500)));
        assert!(parse("nine").unwrap_err().starts_with("not a time; for "));
    }
}
