//! Points in time as people type them: how long ago, or when.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use super::status::now;
use crate::status::UnixMs;

/// Reads a moment: `2h`, `1d12h` (ago), a time of day, a date, a date with a time, or RFC 3339.
/// What names no zone is in UTC, as all that is shown.
pub(super) fn parse(text: &str) -> Result<UnixMs, String> {
    read(text.trim(), now()).ok_or_else(|| {
        "not a time; for example 90s, 2h, 1d12h (ago), 03:12, 2026-11-22, \"2026-11-22 10:00\" or \
         2026-11-22T10:00:00Z, in UTC"
            .to_owned()
    })
}

fn read(text: &str, now: UnixMs) -> Option<UnixMs> {
    let at = |timestamp: Timestamp| UnixMs(timestamp.as_millisecond());
    let utc = |civil: DateTime| Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp());
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Some(at(timestamp));
    }
    if let Ok(civil) = text.parse::<DateTime>() {
        return utc(civil).map(at);
    }
    if let Ok(date) = text.parse::<Date>() {
        return utc(date.at(0, 0, 0, 0)).map(at);
    }
    if text.contains(':') {
        // The last time that the clock said so.
        let time: Time = text.parse().ok()?;
        let clock = Timestamp::from_millisecond(now.0).ok()?;
        let today = clock.to_zoned(TimeZone::UTC).date();
        let moment = utc(today.to_datetime(time))?;
        let is_past = moment <= clock;
        return is_past.then_some(moment).map_or_else(
            || utc(today.yesterday().ok()?.to_datetime(time)).map(at),
            |moment| Some(at(moment)),
        );
    }
    let span: Span = text.parse().ok()?;
    let days = SpanRelativeTo::days_are_24_hours();
    let ago = span.total((Unit::Millisecond, days)).ok()?;
    (ago >= 0.0).then(|| UnixMs(now.0.saturating_sub(ago as i64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_how_long_ago_or_when() {
        let now = UnixMs(1_795_341_600_000); // 2026-11-22 10:00:00
        let told = |text: &str| read(text, now).map(|at| at.to_string());
        for (text, expected) in [
            ("90s", "2026-11-22T09:58:30.000Z"),
            ("10m", "2026-11-22T09:50:00.000Z"),
            ("2h30m", "2026-11-22T07:30:00.000Z"),
            ("1d12h", "2026-11-20T22:00:00.000Z"),
            ("15min", "2026-11-22T09:45:00.000Z"),
            ("03:12", "2026-11-22T03:12:00.000Z"),
            ("10:00:01", "2026-11-21T10:00:01.000Z"),
            ("2026-11-21", "2026-11-21T00:00:00.000Z"),
            ("2026-11-21 10:30", "2026-11-21T10:30:00.000Z"),
            ("2026-11-21T10:30:05", "2026-11-21T10:30:05.000Z"),
            ("2026-11-21T10:30:05+02:00", "2026-11-21T08:30:05.000Z"),
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
    }
}
