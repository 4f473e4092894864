//! Proxy Sets as a table: a line for each member, and below it what is to be said of the sets.

use super::fold::folded;
use super::table::{Line, Tone};
use super::words::{breadth, clean, fitted, short_span};
use super::{Health, MemberStatus, ProxySetStatus, UnixMs};

/// The tone of a member's word.
pub fn tone(health: Health) -> Tone {
    match health {
        Health::Ok => Tone::Good,
        Health::Lagged => Tone::Doubtful,
        Health::Unreachable => Tone::Bad,
        Health::Unknown => Tone::Lost,
        Health::Unmonitored => Tone::Unwatched,
        Health::NoStatus => Tone::Plain,
    }
}

/// The members of Proxy Sets, their heading first, no line wider than `width` (and no narrower than
/// what cannot be cut), then a line for each set of which more is known.
pub fn table<'a>(
    sets: impl IntoIterator<Item = &'a ProxySetStatus> + Clone,
    now: UnixMs,
    width: usize,
) -> Vec<Line> {
    let mut rows: Vec<(Tone, [String; COLUMNS])> = Vec::new();
    for set in sets.clone() {
        let members = set.members.iter();
        rows.extend(members.map(|member| (tone(member.health), cells(set, member, now))));
    }
    let mut widths = HEADINGS.map(str::len);
    for (_, row) in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(breadth(cell));
        }
    }
    // The names give way first.
    let all = |widths: &[usize; COLUMNS]| widths.iter().sum::<usize>() + GAP.len() * LAST;
    for (column, least) in [(LAST, 8), (SET, 8), (MEMBER, 17)] {
        let excess = all(&widths).saturating_sub(width);
        let spare = widths[column].saturating_sub(least);
        widths[column] -= excess.min(spare);
    }
    let mut lines = Vec::with_capacity(rows.len() + 2);
    if rows.is_empty() {
        lines.push(vec![(Tone::Quiet, "no members".to_owned())]);
    } else {
        let heading = HEADINGS.map(str::to_owned);
        lines.push(line(&heading, &widths, [Tone::Quiet; COLUMNS]));
    }
    for (tone, row) in &rows {
        let mut tones = [Tone::Plain; COLUMNS];
        tones[HEALTH] = *tone;
        lines.push(line(row, &widths, tones));
    }
    lines.extend(folded(
        sets.into_iter().filter_map(words).collect(),
        width,
        2,
    ));
    lines
}

/// A Proxy Set in one line, for those who read changes as they come.
pub fn news(set: &ProxySetStatus) -> Line {
    let mut line = vec![(Tone::Plain, format!("{}:", clean(&set.name)))];
    for (place, member) in set.members.iter().enumerate() {
        let comma = if place == 0 { "" } else { "," };
        let current = if member.is_current { " (current)" } else { "" };
        line.push((Tone::Plain, format!("{comma} {}{current} ", member.address)));
        line.push((tone(member.health), member.health.to_string()));
    }
    if set.members.is_empty() {
        line.push((Tone::Plain, " no members".to_owned()));
    }
    if let Some(trouble) = &set.trouble {
        line.push((Tone::Plain, format!("; {}", clean(trouble))));
    }
    line
}

fn cells(set: &ProxySetStatus, member: &MemberStatus, now: UnixMs) -> [String; COLUMNS] {
    let rtt = |micros: u32| format!("{}.{} ms", micros / 1_000, micros / 100 % 10);
    [
        clean(&set.name),
        if member.is_current { "*" } else { "" }.to_owned(),
        member.address.to_string(),
        member.health.to_string(),
        short_span(member.since, now),
        member.rtt_us.map_or_else(|| "-".to_owned(), rtt),
        member.accounts_bound.to_string(),
        member.name.as_deref().map(clean).unwrap_or_default(),
    ]
}

fn line(row: &[String; COLUMNS], widths: &[usize; COLUMNS], tones: [Tone; COLUMNS]) -> Line {
    let mut line = Line::with_capacity(2 * COLUMNS);
    for (place, ((cell, &width), tone)) in row.iter().zip(widths).zip(tones).enumerate() {
        let cell = fitted(cell, width);
        let pad = " ".repeat(width.saturating_sub(breadth(&cell)));
        match place {
            LAST => line.push((tone, cell)),
            RTT | BOUND => line.push((tone, pad + &cell + GAP)),
            _ => {
                line.push((tone, cell));
                line.push((Tone::Plain, pad + GAP));
            }
        }
    }
    // Nothing is seen of spaces at the end.
    while line.last().is_some_and(|(_, text)| text.trim().is_empty()) {
        line.pop();
    }
    if let Some((_, text)) = line.last_mut() {
        text.truncate(text.trim_end().len());
    }
    line
}

/// What is to be said of a set as a whole.
fn words(set: &ProxySetStatus) -> Option<Line> {
    let name = (Tone::Plain, format!("{}: ", clean(&set.name)));
    let mut pieces = Vec::new();
    match set.is_online {
        Some(true) => pieces.push((Tone::Good, "online".to_owned())),
        Some(false) => pieces.push((Tone::Bad, "offline".to_owned())),
        None => {}
    }
    if let Some(trouble) = &set.trouble {
        let comma = if pieces.is_empty() { "" } else { "; " };
        pieces.push((Tone::Doubtful, format!("{comma}{}", clean(trouble))));
    }
    if pieces.is_empty() {
        return None;
    }
    pieces.insert(0, name);
    Some(pieces)
}

const HEADINGS: [&str; COLUMNS] = [
    "SET", "", "MEMBER", "HEALTH", "SINCE", "RTT", "ACCOUNTS", "NAME",
];
const COLUMNS: usize = 8;
const SET: usize = 0;
const MEMBER: usize = 2;
const HEALTH: usize = 3;
const RTT: usize = 5;
const BOUND: usize = 6;
const LAST: usize = COLUMNS - 1;
const GAP: &str = "  ";

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const NOW: UnixMs = UnixMs(1_795_341_600_123);

    fn member(health: Health, rtt_us: Option<u32>) -> MemberStatus {
        MemberStatus {
            address: ([192, 0, 2, 1], 5060).into(),
            name: None,
            priority: 0,
            weight: 0,
            health,
            since: UnixMs(NOW.0 - 7_500_000),
            rtt_us,
            accounts_bound: 31,
            is_current: health == Health::Ok,
        }
    }

    fn shown(sets: &[ProxySetStatus], width: usize) -> Vec<String> {
        let text = |line: Line| line.into_iter().map(|(_, text)| text).collect();
        table(sets, NOW, width).into_iter().map(text).collect()
    }

    fn sets() -> [ProxySetStatus; 2] {
        let named = MemberStatus {
            name: Some(Arc::from("sbc-1.carrier.example")),
            ..member(Health::Unreachable, None)
        };
        let carrier = ProxySetStatus {
            name: Arc::from("carrier"),
            is_online: Some(true),
            members: vec![member(Health::Ok, Some(12_345)), named],
            trouble: Some(Arc::from("carrier.example: no answer")),
        };
        let pbx = ProxySetStatus {
            name: Arc::from("pbx"),
            is_online: None,
            members: vec![member(Health::Unmonitored, None)],
            trouble: None,
        };
        [carrier, pbx]
    }

    // rule P5
    #[test]
    fn members_stand_in_a_table_and_sets_below_it() {
        let expected = [
            "SET         MEMBER          HEALTH       SINCE      RTT  ACCOUNTS  NAME",
            "carrier  *  192.0.2.1:5060  OK           2h5m   12.3 ms        31",
            "carrier     192.0.2.1:5060  UNREACHABLE  2h5m         -        31  sbc-1.carrier.example",
            "pbx         192.0.2.1:5060  Unmonitored  2h5m         -        31",
            "carrier: online; carrier.example: no answer",
        ];
        assert_eq!(shown(&sets(), 100), expected);
    }

    #[test]
    fn a_narrow_table_cuts_names() {
        let lines = shown(&sets(), 76);
        let widest = lines.iter().map(|line| line.chars().count()).max();
        assert_eq!(widest, Some(76), "{lines:#?}");
        assert!(lines[2].ends_with('…'), "{lines:#?}");
        // What is said of a set is said whole.
        let lines = shown(&sets(), 30);
        let last = &lines[lines.len() - 2..];
        assert_eq!(last, ["carrier: online;", "  carrier.example: no answer"]);
    }

    // rule P5
    #[test]
    fn colours_follow_the_meaning() {
        let words = [
            Health::Ok,
            Health::Lagged,
            Health::Unreachable,
            Health::Unknown,
            Health::Unmonitored,
            Health::NoStatus,
        ];
        let expected = [
            Tone::Good,
            Tone::Doubtful,
            Tone::Bad,
            Tone::Lost,
            Tone::Unwatched,
            Tone::Plain,
        ];
        assert_eq!(words.map(tone), expected);
    }
}
