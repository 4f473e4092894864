//! Numbers, times and phases in words.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::{Phase, UnixMs};

/// All phases, in the order in which they are counted and shown.
pub const PHASES: [Phase; 11] = [
    Phase::Registered,
    Phase::Registering,
    Phase::WaitingToRetry,
    Phase::WaitingForAnotherAccount,
    Phase::Avoided,
    Phase::NoPort,
    Phase::Held,
    Phase::Unregistering,
    Phase::Unregistered,
    Phase::AuthenticationOnly,
    Phase::Standby,
];

/// A phase in words for people.
pub const fn phase_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Registered => "registered",
        Phase::Registering => "registering",
        Phase::WaitingToRetry => "waiting to retry",
        Phase::WaitingForAnotherAccount => "waiting for another Account",
        Phase::Avoided => "avoided",
        Phase::NoPort => "no port",
        Phase::Held => "held",
        Phase::Unregistering => "unregistering",
        Phase::Unregistered => "unregistered",
        Phase::AuthenticationOnly => "authentication only",
        Phase::Standby => "standby",
    }
}

/// A phase in the word that JSON has for it.
pub const fn phase_key(phase: Phase) -> &'static str {
    match phase {
        Phase::Registered => "registered",
        Phase::Registering => "registering",
        Phase::WaitingToRetry => "waiting-to-retry",
        Phase::WaitingForAnotherAccount => "waiting-for-another-account",
        Phase::Avoided => "avoided",
        Phase::NoPort => "no-port",
        Phase::Held => "held",
        Phase::Unregistering => "unregistering",
        Phase::Unregistered => "unregistered",
        Phase::AuthenticationOnly => "authentication-only",
        Phase::Standby => "standby",
    }
}

/// `1 Account`, `2 Accounts`.
pub fn count(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The time between two instants in its two largest units, whichever is earlier: `2 h 5 min`.
pub fn span(one: UnixMs, other: UnixMs) -> String {
    let [large, small] = parts(one, other);
    let words = |(number, unit): (u64, &str)| format!("{number} {unit}");
    match small {
        (0, _) => words(large),
        small => format!("{} {}", words(large), words(small)),
    }
}

/// The same as short as it gets: `2h5m`.
pub fn short_span(one: UnixMs, other: UnixMs) -> String {
    let [large, small] = parts(one, other);
    let words = |(number, unit): (u64, &str)| format!("{number}{}", &unit[..1]);
    match small {
        (0, _) => words(large),
        small => words(large) + &words(small),
    }
}

/// The two largest units of a time, and how many of each.
fn parts(one: UnixMs, other: UnixMs) -> [(u64, &'static str); 2] {
    let seconds = one.0.abs_diff(other.0) / 1_000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    if days > 0 {
        [(days, "d"), (hours % 24, "h")]
    } else if hours > 0 {
        [(hours, "h"), (minutes % 60, "min")]
    } else if minutes > 0 {
        [(minutes, "min"), (seconds % 60, "s")]
    } else {
        [(seconds, "s"), (0, "ms")]
    }
}

/// An instant in absolute and relative terms: `2026-11-22 10:00:00Z, in 40 s`.
pub fn moment(at: UnixMs, now: UnixMs) -> String {
    let relative = if at.0 <= now.0 {
        format!("{} ago", span(at, now))
    } else {
        format!("in {}", span(at, now))
    };
    format!("{} ({relative})", clock(at))
}

/// An instant to the second: `2026-11-22 10:00:00Z`.
pub fn clock(at: UnixMs) -> String {
    let text = at.to_string();
    match text.split_once('.') {
        Some((seconds, _)) => format!("{}Z", seconds.replace('T', " ")),
        None => text,
    }
}

/// The text without power over a terminal: control characters, and those that turn the direction of
/// writing, are replaced. Reason phrases come from the network.
pub fn clean(text: &str) -> String {
    let is_harmful = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars()
        .map(|c| if is_harmful(c) { '\u{fffd}' } else { c })
        .collect()
}

/// Columns that a text takes on a screen: none for a mark above a letter, two for a wide one.
pub fn breadth(text: &str) -> usize {
    text.width()
}

/// The text in at most so many columns; what was cut shows.
pub fn fitted(text: &str, columns: usize) -> String {
    if breadth(text) <= columns {
        return text.to_owned();
    }
    let Some(mut left) = columns.checked_sub(1) else {
        return String::new();
    };
    let fits = |c: &char| {
        let rest = left.checked_sub(c.width().unwrap_or(0));
        left = rest.unwrap_or(left);
        rest.is_some()
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMs = UnixMs(1_795_341_600_123);

    #[test]
    fn times_are_told_in_their_two_largest_units() {
        let told = |seconds: i64| span(UnixMs(NOW.0 + seconds * 1_000), NOW);
        assert_eq!(told(0), "0 s");
        assert_eq!(told(-59), "59 s");
        assert_eq!(told(60), "1 min");
        assert_eq!(told(130), "2 min 10 s");
        assert_eq!(told(7_500), "2 h 5 min");
        assert_eq!(told(86_400 * 3 + 3_599), "3 d");
        assert_eq!(told(86_400 * 3 + 3_600), "3 d 1 h");
        assert_eq!(short_span(UnixMs(0), UnixMs(7_500_000)), "2h5m");
        assert_eq!(short_span(UnixMs(0), UnixMs(59_999)), "59s");
    }

    #[test]
    fn an_instant_is_told_in_both_ways() {
        let at = UnixMs(NOW.0 + 40_000);
        assert_eq!(moment(at, NOW), "2026-11-22 10:00:40Z (in 40 s)");
        assert_eq!(moment(NOW, at), "2026-11-22 10:00:00Z (40 s ago)");
    }

    #[test]
    fn what_comes_from_the_network_cannot_steer_a_terminal() {
        assert_eq!(clean("No\u{1b}[31m\r\n\u{9b}\u{202e}!"), "No�[31m����!");
    }

    #[test]
    fn long_texts_are_cut_where_it_shows() {
        assert_eq!(fitted("äöü", 3), "äöü");
        assert_eq!(fitted("äöüß", 3), "äö…");
        assert_eq!(fitted("äöüß", 1), "…");
        assert_eq!(fitted("äöüß", 0), "");
        assert_eq!(fitted("電話番号", 8), "電話番号");
        assert_eq!(fitted("電話番号", 7), "電話番…");
        assert_eq!(fitted("電話番号", 6), "電話…");
        assert_eq!(breadth("電話"), 4);
        assert_eq!(breadth("e\u{301}"), 1);
    }
}
