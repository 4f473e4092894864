//! Dates as SIP writes them: `Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17, RFC 1123 §5.2.14).

/// Seconds since 1970-01-01 UTC. Only GMT is a zone of SIP; the name of the day is not compared
/// with the date.
pub(super) fn read(text: &str) -> Option<i64> {
    let mut words = text.split_ascii_whitespace();
    let day_name = words.next()?.strip_suffix(',')?;
    let _known_day = index(&DAYS, day_name)?;
    let day = number(words.next()?, 1..=2)?;
    let month = index(&MONTHS, words.next()?)?.checked_add(1)?;
    let year = number(words.next()?, 4..=4)?;
    let mut clock = words.next()?.split(':');
    let hour = number(clock.next()?, 2..=2)?;
    let minute = number(clock.next()?, 2..=2)?;
    let second = number(clock.next()?, 2..=2)?;
    let zone_is_gmt = words.next()?.eq_ignore_ascii_case("GMT");
    if !zone_is_gmt || clock.next().is_some() || words.next().is_some() {
        return None;
    }
    // A leap second may be written as 60.
    if !(1..=days_of(month, year)).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let days = days_since_1970(year, month, day)?;
    let seconds = (hour * 60 + minute) * 60 + second;
    days.checked_mul(86_400)?.checked_add(seconds)
}

fn index(names: &[&str], name: &str) -> Option<i64> {
    let at = names.iter().position(|n| n.eq_ignore_ascii_case(name))?;
    i64::try_from(at).ok()
}

fn number(digits: &str, length: std::ops::RangeInclusive<usize>) -> Option<i64> {
    if !length.contains(&digits.len()) || !digits.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_of(month: i64, year: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Whole days from 1970-01-01 to a date of the years 0 to 9999.
fn days_since_1970(year: i64, month: i64, day: i64) -> Option<i64> {
    let before = year.checked_sub(1)?;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let in_year: i64 = (1..month).map(|earlier| days_of(earlier, year)).sum();
    Some(before * 365 + leap_days + in_year + day - 1 - DAYS_BEFORE_1970)
}

/// From 0001-01-01 to 1970-01-01.
const DAYS_BEFORE_1970: i64 = 719_162;
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_seconds_since_1970() {
        assert_eq!(read("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(read("Wed, 31 Dec 1969 23:59:59 GMT"), Some(-1));
        assert_eq!(read("Tue, 29 Feb 2000 12:00:00 GMT"), Some(951_825_600));
        assert_eq!(read("sat, 13 nov 2010 23:29:00 gmt"), Some(1_289_690_940));
        assert_eq!(read("Tue, 19 Jan 2038 03:14:08 GMT"), Some(1 << 31));
        assert_eq!(read("Fri, 31 Dec 9999 23:59:59 GMT"), Some(253_402_300_799));
    }

    #[test]
    fn what_is_no_date_of_sip_is_none() {
        for bad in [
            "",
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri 01 Jan 2010 16:00:00 GMT",
            "Xyz, 01 Jan 2010 16:00:00 GMT",
            "Fri, 32 Jan 2010 16:00:00 GMT",
            "Mon, 29 Feb 2010 16:00:00 GMT",
            "Fri, 01 Jan 10 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "Fri, 01 Jan 2010 16:00 GMT",
            "Fri, 01 Jan 2010 16:00:00:00 GMT",
            "Fri, 01 Jan 2010 16:00:00 GMT +1",
            "Fri, +1 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 1\u{FF11}:00:00 GMT",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
