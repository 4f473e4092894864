//! Aligned text: many Accounts as a table, one Account as its story.
//!
//! It knows widths and words, no terminal: each line comes as pieces with a tone, and whoever
//! prints them makes colours of the tones, or nothing.

use super::words::{breadth, clean, count, fitted, phase_words, short_span, span};
use super::{AccountStatus, Phase, StatusWord, UnixMs};

/// What a piece of text means, for those who show it in colour. The text says the same without.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tone {
    /// Nothing special.
    Plain,
    /// A heading, or something of no importance now.
    Quiet,
    /// As it should be.
    Good,
    /// Not as it should be, but it may pass by itself.
    Doubtful,
    /// Somebody must act.
    Bad,
    /// Nobody knows any more how it is: black, where black can be read.
    Lost,
    /// Nobody looks how it is: white.
    Unwatched,
}

/// A line in pieces.
pub type Line = Vec<(Tone, String)>;

/// The tone of an Account's state.
pub fn tone(status: &AccountStatus) -> Tone {
    let is_quiet = matches!(
        status.phase,
        Phase::Unregistered | Phase::AuthenticationOnly | Phase::Standby
    );
    if status.phase == Phase::Registered && status.failures == 0 {
        Tone::Good
    } else if is_quiet {
        Tone::Quiet
    } else if status.temporary == Some(false) {
        Tone::Bad
    } else {
        Tone::Doubtful
    }
}

/// A table of Accounts, its heading first, no line wider than `width` (and no narrower than what
/// cannot be cut). Where a screen is too narrow for all columns, those that matter least go.
pub fn table<'a>(
    accounts: impl IntoIterator<Item = &'a AccountStatus>,
    now: UnixMs,
    width: usize,
) -> Vec<Line> {
    let rows: Vec<(Tone, [String; COLUMNS])> = accounts
        .into_iter()
        .map(|status| (tone(status), cells(status, now)))
        .collect();
    let mut widths = HEADINGS.map(breadth);
    for (_, row) in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(breadth(cell));
        }
    }
    if widths.iter().sum::<usize>() + LAST * GAP.len() > width {
        widths[REGISTRAR] = widths[REGISTRAR].min(WIDEST_REGISTRAR);
    }
    let mut is_shown = [true; COLUMNS];
    let fixed = |is_shown: &[bool; COLUMNS]| {
        let shown = (0..LAST).filter(|column| is_shown[*column]);
        shown
            .map(|column| widths[column] + GAP.len())
            .sum::<usize>()
    };
    let least = widths[LAST].min(NARROWEST_LAST);
    for column in DISPENSABLE {
        if width < WIDE && fixed(&is_shown) + least > width {
            is_shown[column] = false;
        }
    }
    widths[LAST] = width
        .saturating_sub(fixed(&is_shown))
        .clamp(NARROWEST_LAST, widths[LAST].max(NARROWEST_LAST));
    let line = |row: &[String; COLUMNS], tones| line(row, &widths, tones, &is_shown);
    let heading = HEADINGS.map(str::to_owned);
    let mut lines = vec![line(&heading, [Tone::Quiet; COLUMNS])];
    lines.extend(rows.iter().map(|(tone, row)| {
        let mut tones = [Tone::Plain; COLUMNS];
        tones[STATUS] = *tone;
        line(row, tones)
    }));
    lines
}

/// The line in at most so many characters.
pub fn cut(line: Line, width: usize) -> Line {
    let mut left = width;
    let pieces = line.into_iter().map(|(tone, text)| {
        let text = fitted(&text, left);
        left = left.saturating_sub(breadth(&text));
        (tone, text)
    });
    pieces.filter(|(_, text)| !text.is_empty()).collect()
}

/// An Account in one line, for those who read changes as they come.
pub fn news(status: &AccountStatus) -> Line {
    let place = status
        .registrar
        .map_or_else(String::new, |registrar| format!(" at {registrar}"));
    let detail = status.detail.as_deref();
    let detail = detail.map_or_else(String::new, |detail| format!(": {}", clean(detail)));
    vec![
        (Tone::Plain, format!("{}: ", clean(&status.name))),
        (tone(status), state(status)),
        (Tone::Plain, place + &detail),
    ]
}

/// How many Accounts do what, in one line.
pub fn totals(phases: impl IntoIterator<Item = (Phase, u32)>) -> String {
    let mut text = String::new();
    let mut all = 0;
    for (phase, number) in phases {
        all += number;
        if number > 0 {
            let comma = if text.is_empty() { "" } else { ", " };
            text.push_str(comma);
            text.push_str(&format!("{number} {}", phase_words(phase)));
        }
    }
    match all {
        0 => "no Accounts".to_owned(),
        all => format!("{}: {text}", count(all.into(), "Account")),
    }
}

fn cells(status: &AccountStatus, now: UnixMs) -> [String; COLUMNS] {
    let registrar = status
        .registrar
        .map_or_else(none, |address| address.to_string());
    let backup = match status.registrar {
        None => none(),
        Some(_) if status.backup_registrar_used => "yes".to_owned(),
        Some(_) => "no".to_owned(),
    };
    let since = status
        .since()
        .map_or_else(none, |since| short_span(since, now));
    [
        status.index.to_string(),
        clean(&status.name),
        status.status.to_string(),
        registrar,
        backup,
        since,
        next(status, now),
        about(status, now),
    ]
}

/// What comes next, and when.
fn next(status: &AccountStatus, now: UnixMs) -> String {
    let until = |what: &str, at: UnixMs| match at.0 <= now.0 {
        true => format!("{what} now"),
        false => format!("{what} {}", short_span(at, now)),
    };
    match (status.next_try, status.refresh_due) {
        (Some(at), _) => until("retry", at),
        (None, Some(at)) => until("refresh", at),
        (None, None) if status.phase == Phase::Registered => "refreshing".to_owned(),
        (None, None) => none(),
    }
}

/// The last column: what happens and why, as far as the others do not say it.
fn about(status: &AccountStatus, now: UnixMs) -> String {
    let last = status.last_answer.as_ref().filter(|last| last.code >= 300);
    let last = last.map(|last| {
        let ago = span(last.at, now);
        format!("{} {}, {ago} ago", last.code, clean(&last.reason))
    });
    let detail = status.detail.as_deref().map(clean);
    match (status.phase, detail.or(last)) {
        (Phase::Registered, _) => status.detail.as_deref().map(clean).unwrap_or_default(),
        // Its last answer is of the time before the order.
        (Phase::Unregistered, _) if status.detail.is_none() => "unregistered, by order".to_owned(),
        (Phase::WaitingToRetry, Some(why)) => why,
        (phase, Some(why)) => format!("{}: {why}", phase_words(phase)),
        (phase, None) => phase_words(phase).to_owned(),
    }
}

fn line(
    row: &[String; COLUMNS],
    widths: &[usize; COLUMNS],
    tones: [Tone; COLUMNS],
    is_shown: &[bool; COLUMNS],
) -> Line {
    let mut line = Line::with_capacity(2 * COLUMNS);
    let columns = row.iter().zip(widths).zip(tones).enumerate();
    for (place, ((cell, &width), tone)) in columns.filter(|(place, _)| is_shown[*place]) {
        let mut cell = fitted(cell, width);
        let pad = width.saturating_sub(breadth(&cell));
        if place == INDEX {
            cell.insert_str(0, &" ".repeat(pad));
            line.push((tone, cell));
        } else {
            line.push((tone, cell));
            line.push((Tone::Plain, " ".repeat(pad)));
        }
        line.push((Tone::Plain, GAP.to_owned()));
    }
    // Nothing invisible stands at the end.
    while line.last().is_some_and(|(_, text)| text.trim().is_empty()) {
        line.pop();
    }
    line
}

/// The state in one phrase.
pub(super) fn state(status: &AccountStatus) -> String {
    let phase = phase_words(status.phase);
    match status.status {
        StatusWord::Registered => phase.to_owned(),
        StatusWord::Error(code) => format!("not registered ({code}), {phase}"),
        StatusWord::NotRegistered if status.phase == Phase::Unregistered => phase.to_owned(),
        StatusWord::NotRegistered => format!("not registered, {phase}"),
    }
}

fn none() -> String {
    "–".to_owned()
}

const HEADINGS: [&str; COLUMNS] = [
    "#",
    "ACCOUNT",
    "STATUS",
    "REGISTRAR",
    "BACKUP",
    "SINCE",
    "NEXT",
    "DETAIL",
];
const COLUMNS: usize = 8;
const INDEX: usize = 0;
const STATUS: usize = 2;
const REGISTRAR: usize = 3;
const LAST: usize = COLUMNS - 1;
const GAP: &str = "  ";

/// BACKUP, SINCE, the index, REGISTRAR and NEXT: what a narrow screen can do without, in this
/// order.
const DISPENSABLE: [usize; 5] = [4, 5, INDEX, REGISTRAR, 6];

/// From this width on every column is shown.
const WIDE: usize = 100;

/// Where not all has room, an IPv4 address with its port fits; an IPv6 one may be cut, the story
/// has it whole.
const WIDEST_REGISTRAR: usize = 21;

/// Less of the last column is of no use.
const NARROWEST_LAST: usize = 12;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::status::{
        AnswerStatus, AttemptStatus, LastAnswer, NextAction, NextStep, Purpose, Routes, sample,
    };
    use std::sync::Arc;

    pub(in crate::status) const NOW: UnixMs = UnixMs(1_795_341_600_000);

    #[test]
    fn a_table_is_aligned_and_no_wider_than_asked() {
        let mut long = refused();
        long.name = "a-name-of-20-letters".into();
        long.detail = Some("x".repeat(300).into());
        let lines = table([&registered(), &refused(), &long], NOW, 100);
        let text: Vec<String> = lines.iter().map(plain).collect();
        assert_eq!(
            text[..3].join("\n"),
            "\
#  ACCOUNT               STATUS      REGISTRAR       BACKUP  SINCE  NEXT         DETAIL
0  main                  Registered  127.0.0.1:5060  yes     2h     refresh 40s
1  fax                   403         127.0.0.1:5060  no      8m     retry 10m    credentials refused"
        );
        assert!(
            text.iter().all(|line| line.chars().count() <= 100),
            "{text:#?}"
        );
        assert_eq!(text[3].chars().count(), 100);
    }

    #[test]
    fn a_narrow_screen_does_without_what_matters_least() {
        let accounts = [registered(), refused()];
        let headings = |width| {
            let lines = table(&accounts, NOW, width);
            let widest = lines.iter().map(|line| plain(line).chars().count()).max();
            assert!(widest <= Some(width), "{widest:?} in {width}");
            plain(&lines[0])
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(headings(100), HEADINGS.join(" "));
        assert_eq!(headings(74), "# ACCOUNT STATUS REGISTRAR SINCE NEXT DETAIL");
        assert_eq!(headings(63), "ACCOUNT STATUS REGISTRAR NEXT DETAIL");
        assert_eq!(headings(36), "ACCOUNT STATUS DETAIL");
    }

    #[test]
    fn a_wide_screen_shows_all() {
        let mut long = refused();
        long.registrar = Some(
            "[2001:db8:1234:5678:9abc:def0:1234:5678]:5060"
                .parse()
                .unwrap(),
        );
        long.detail = Some("not reachable (nothing listens there, or no route)".into());
        let row = |width| plain(&table([&long], NOW, width)[1]);
        assert!(row(100).contains("[2001:db8:1234:5678:…"), "{}", row(100));
        assert!(row(100).ends_with('…'));
        let wide = row(160);
        assert!(wide.contains("def0:1234:5678]:5060"), "{wide}");
        assert!(wide.ends_with("or no route)"), "{wide}");
    }

    #[test]
    fn a_line_is_cut_to_any_width() {
        let mut long = refused();
        long.detail = Some("x".repeat(300).into());
        let accounts = [registered(), long];
        let tables = [0, 60, 72, 100].map(|width| table(&accounts, NOW, width));
        let stories = accounts
            .iter()
            .map(|status| crate::status::story::story(status, NOW));
        let lines: Vec<Line> = tables.into_iter().chain(stories).flatten().collect();
        for width in 0..=120 {
            for line in &lines {
                let whole = plain(line);
                let part = cut(line.clone(), width);
                let is_whole = whole.chars().count() <= width;
                assert!(part.iter().all(|(_, text)| !text.is_empty()), "{part:?}");
                let part = plain(&part);
                assert!(part.chars().count() <= width, "{width}: {part:?}");
                assert_eq!(part == whole, is_whole, "{width}: {part:?} of {whole:?}");
            }
        }
    }

    #[test]
    fn a_cell_says_what_there_is_and_no_more() {
        let nowhere = AccountStatus {
            registrar: None,
            ..refused()
        };
        assert_eq!(cells(&nowhere, NOW)[REGISTRAR..=REGISTRAR + 1], ["–", "–"]);
        let ordered = AccountStatus {
            phase: Phase::Unregistered,
            detail: None,
            ..refused()
        };
        assert_eq!(about(&ordered, NOW), "unregistered, by order");
        let refreshing = AccountStatus {
            refresh_due: None,
            ..registered()
        };
        assert_eq!(next(&refreshing, NOW), "refreshing");
    }

    #[test]
    fn tones_tell_what_passes_from_what_does_not() {
        assert_eq!(tone(&registered()), Tone::Good);
        assert_eq!(tone(&refused()), Tone::Bad);
        let failing = AccountStatus {
            failures: 1,
            temporary: Some(true),
            ..registered()
        };
        assert_eq!(tone(&failing), Tone::Doubtful);
    }

    #[test]
    fn totals_name_each_phase_that_somebody_is_in() {
        let phases = [
            (Phase::Registered, 3),
            (Phase::Held, 0),
            (Phase::WaitingToRetry, 1),
        ];
        assert_eq!(
            totals(phases),
            "4 Accounts: 3 registered, 1 waiting to retry"
        );
        assert_eq!(totals([]), "no Accounts");
    }

    pub(in crate::status) fn registered() -> AccountStatus {
        let at = |seconds: i64| UnixMs(NOW.0 + seconds * 1_000);
        AccountStatus {
            rank: Some(2),
            backup_registrar_used: true,
            local: Some(([127, 0, 0, 1], 5070).into()),
            last_answer: Some(LastAnswer {
                code: 200,
                reason: "OK".into(),
                at: at(-50),
            }),
            answers: vec![answer(200, "OK", at(-50))],
            next_action: Some(NextAction {
                what: NextStep::Refresh,
                at: Some(at(40)),
            }),
            algorithm: Some("MD5".into()),
            rtt_us: Some(1_234),
            ..sample::registered(0, "main", NOW)
        }
    }

    pub(in crate::status) fn refused() -> AccountStatus {
        let at = |seconds: i64| Some(UnixMs(NOW.0 + seconds * 1_000));
        AccountStatus {
            index: 1,
            name: "fax".into(),
            phase: Phase::WaitingToRetry,
            status: StatusWord::Error(403),
            last_error: Some(403),
            backup_registrar_used: false,
            granted: None,
            registered_since: None,
            down_since: at(-480),
            binding_until: None,
            refresh_due: None,
            last_answer: at(-1).map(|at| LastAnswer {
                code: 403,
                reason: "Forbidden".into(),
                at,
            }),
            last_success: at(-600),
            answers: vec![
                AnswerStatus {
                    first: UnixMs(NOW.0 - 100_000),
                    count: 3,
                    ..answer(403, "Forbidden", UnixMs(NOW.0 - 1_000))
                },
                answer(408, "No answer", UnixMs(NOW.0 - 200_000)),
            ],
            attempt: Some(Box::new(AttemptStatus {
                purpose: Purpose::Register,
                registrar: ([127, 0, 0, 1], 5060).into(),
                since: UnixMs(NOW.0 - 1_000),
                sends: 2,
                until: UnixMs(NOW.0 + 31_000),
            })),
            next_action: Some(NextAction {
                what: NextStep::Answer,
                at: at(31),
            }),
            min_expires: Some(120),
            routes: Some(Arc::new(Routes {
                service_route: vec!["<sip:edge.carrier.example;lr>".into()],
                ..Routes::default()
            })),
            failures: 1,
            temporary: Some(false),
            next_try: at(600),
            detail: Some("credentials refused".into()),
            ..registered()
        }
    }

    fn answer(code: u16, reason: &str, at: UnixMs) -> AnswerStatus {
        AnswerStatus {
            code,
            reason: reason.into(),
            registrar: ([127, 0, 0, 1], 5060).into(),
            at,
            first: at,
            count: 1,
        }
    }

    pub(in crate::status) fn plain(line: &Line) -> String {
        line.iter().map(|(_, text)| text.as_str()).collect()
    }
}
