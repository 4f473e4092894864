//! Moments as people type them: how long ago, the time of day, or the date too.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::status::now;
use crate::trace::At;

/// Reads a moment of the past; what names no zone is in UTC, as everything that is printed.
pub(super) fn parse(text: &str) -> Result<At, String> {
    let now = Timestamp::from_millisecond(now().0).map_err(|error| error.to_string())?;
    let moment = read(text.trim(), now).ok_or(
        "neither how long ago (10m, 2h30m, 1d) nor a time in UTC (03:12, 2026-11-22, \
         2026-11-22T03:12:30Z)",
    )?;
    Ok(At(moment.as_microsecond()))
}

fn read(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(ago) = span(text) {
        return now.checked_sub(ago).ok();
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment);
    }
    let utc = |moment: DateTime| Some(moment.to_zoned(TimeZone::UTC).ok()?.timestamp());
    let has_date = text.split('-').count() == 3;
    if has_date {
        let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let date = text.parse::<Date>().map(|date| date.at(0, 0, 0, 0));
        return utc(text.parse::<DateTime>().or(date).ok()?);
    }
    // The last time that the clock said so.
    let time: Time = text.contains(':').then(|| text.parse().ok())??;
    let today = now.to_zoned(TimeZone::UTC).date();
    let moment = utc(today.to_datetime(time))?;
    if moment <= now {
        return Some(moment);
    }
    utc(today.yesterday().ok()?.to_datetime(time))
}

/// `90s`, `10m`, `2h30m`, `1d`.
fn span(text: &str) -> Option<SignedDuration> {
    let mut seconds: i64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|one: char| !one.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let mut units = rest[digits..].chars();
        let unit = match units.next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return None,
        };
        seconds = seconds.checked_add(number.checked_mul(unit)?)?;
        rest = units.as_str();
    }
    (!text.is_empty()).then(|| SignedDuration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_people_type_them() {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        for (text, wanted) in [
            ("10m", "2026-11-22T09:50:00Z"),
            ("2h30m", "2026-11-22T07:30:00Z"),
            ("1d", "2026-11-21T10:00:00Z"),
            ("90s", "2026-11-22T09:58:30Z"),
            ("03:12", "2026-11-22T03:12:00Z"),
            ("03:12:30.5", "2026-11-22T03:12:30.5Z"),
            ("10:00", "2026-11-22T10:00:00Z"),
            ("10:01", "2026-11-21T10:01:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("2026-11-20 03:12", "2026-11-20T03:12:00Z"),
            ("2026-11-20T03:12Z", "2026-11-20T03:12:00Z"),
            ("2026-11-20T03:12:00+01:00", "2026-11-20T02:12:00Z"),
        ] {
            let read = read(text, now).map(|moment| moment.to_string());
            assert_eq!(read.as_deref(), Some(wanted), "{text}");
        }
        for text in [
            "",
            "10",
            "m",
            "10x",
            "25:00",
            "yesterday",
            "-10m",
            "99999999999999999999d",
        ] {
            assert_eq!(read(text, now), None, "{text}");
        }
        assert!(parse("nine").unwrap_err().starts_with("neither"));
    }
}
