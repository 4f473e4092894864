//! Aligned text: many Accounts as a table, one Account as its story.
//!
//! It knows widths and words, no terminal: each line comes as pieces with a tone, and whoever
//! prints them makes colours of the tones, or nothing.

use std::iter;

use super::words::{breadth, clean, clock, count, fitted, moment, phase_words, short_span, span};
use super::{
    AccountStatus, AnswerStatus, AttemptStatus, NextAction, NextStep, Phase, Purpose, StatusWord,
    UnixMs,
};

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
    widths[REGISTRAR] = widths[REGISTRAR].min(WIDEST_REGISTRAR);
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
        .registered_since
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

/// What an Account is, what it has, what happened to it and what comes next: one fact per line.
pub fn story(status: &AccountStatus, now: UnixMs) -> Vec<Line> {
    let mut lines = vec![vec![
        (Tone::Plain, format!("{}: ", clean(&status.name))),
        (tone(status), state(status)),
    ]];
    let mut fact = |name: &str, text: String| {
        let name = format!("  {name:<FACT$}");
        lines.push(vec![(Tone::Quiet, name), (Tone::Plain, text)]);
    };
    fact(
        "address",
        format!("{} (index {})", clean(&status.aor), status.index),
    );
    let [served, serving] = [&status.served, &status.serving].map(|name| clean(name));
    fact("groups", format!("{served}, served; {serving}, serving"));
    fact("binding", binding(status, now));
    if let Some(registrar) = status.registrar {
        fact("registrar", format!("{registrar}{}", place(status)));
    }
    if let Some(local) = status.local {
        let seen = status.public_address.filter(|seen| *seen != local);
        let seen = seen.map_or_else(String::new, |seen| {
            format!(", seen by the registrar as {seen}")
        });
        fact("our address", format!("{local}{seen}"));
    }
    fact("expiry", expiry(status));
    if let Some(attempt) = &status.attempt {
        fact("attempt", under_way(attempt, now));
    }
    let names = ["last answer"].into_iter().chain(iter::repeat("before"));
    for (name, answer) in names.zip(&status.answers) {
        fact(name, answer_words(answer, now));
    }
    if let Some(at) = status.last_success.filter(|_| status.failures > 0) {
        fact("last success", moment(at, now));
    }
    if let Some(rtt) = status.rtt_us {
        fact(
            "round trip",
            format!("{}.{:03} ms", rtt / 1_000, rtt % 1_000),
        );
    }
    if let Some(algorithm) = &status.algorithm {
        fact("digest", clean(algorithm));
    }
    if status.failures > 0 {
        fact("failures", failures(status));
    }
    if let Some(detail) = &status.detail {
        fact("why", clean(detail));
    }
    if let Some(routes) = &status.routes {
        let all = [&routes.path, &routes.service_route, &routes.associated_uris];
        let names = ["path", "route", "associated"];
        for (name, values) in names
            .into_iter()
            .zip(all)
            .filter(|(_, all)| !all.is_empty())
        {
            fact(name, clean(&values.join(", ")));
        }
    }
    for avoided in &status.avoided {
        let until = moment(avoided.until, now);
        fact("avoids", format!("{}, until {until}", avoided.registrar));
    }
    if let Some(at) = status.retry_after_until {
        fact(
            "retry after",
            format!("{}: the registrar asked for it", moment(at, now)),
        );
    }
    fact("next", coming(status, now));
    lines
}

fn expiry(status: &AccountStatus) -> String {
    let granted = status
        .granted
        .map_or_else(String::new, |granted| format!(", {granted} s granted"));
    let least = status.min_expires.map_or_else(String::new, |least| {
        format!(", the registrar takes no less than {least} s")
    });
    format!("{} s asked{granted}{least}", status.asked)
}

/// The REGISTER under way.
fn under_way(attempt: &AttemptStatus, now: UnixMs) -> String {
    let what = match attempt.purpose {
        Purpose::Register => "a registration",
        Purpose::Refresh => "a refresh",
        Purpose::Unregister => "an un-registration",
        Purpose::Clear => "the removal of all bindings",
    };
    let sends = match attempt.sends {
        1 => "sent".to_owned(),
        sends => format!("sent {sends} times"),
    };
    let [since, until] = [attempt.since, attempt.until].map(|at| moment(at, now));
    let to = attempt.registrar;
    format!("{what} at {to}, {sends} since {since}; it is given up {until}")
}

fn answer_words(answer: &AnswerStatus, now: UnixMs) -> String {
    let times = match answer.count {
        1 => String::new(),
        count => format!(", the last of {count} since {}", clock(answer.first)),
    };
    let (code, from) = (answer.code, answer.registrar);
    let (reason, at) = (clean(&answer.reason), moment(answer.at, now));
    let words = if code == 408 && NO_ANSWERS.contains(&&*reason) {
        format!("{reason} (408)")
    } else {
        format!("{code} {reason}")
    };
    format!("{words}, {from}, {at}{times}")
}

/// Which of the set's members the registrar is.
fn place(status: &AccountStatus) -> String {
    let place = match status.rank {
        Some(1) => ", the first of its set".to_owned(),
        Some(rank) => format!(", number {rank} of its set"),
        None => String::new(),
    };
    let backup = if status.backup_registrar_used {
        ": the backup is used"
    } else {
        ""
    };
    place + backup
}

/// The state in one phrase.
fn state(status: &AccountStatus) -> String {
    let phase = phase_words(status.phase);
    match status.status {
        StatusWord::Registered => phase.to_owned(),
        StatusWord::Error(code) => format!("not registered ({code}), {phase}"),
        StatusWord::NotRegistered if status.phase == Phase::Unregistered => phase.to_owned(),
        StatusWord::NotRegistered => format!("not registered, {phase}"),
    }
}

fn binding(status: &AccountStatus, now: UnixMs) -> String {
    let since = status
        .registered_since
        .map(|since| format!("since {}", moment(since, now)));
    let end = status
        .binding_until
        .map(|end| format!("good until {}", moment(end, now)));
    match (since, end) {
        (Some(since), Some(end)) => format!("{since}, {end}"),
        (since, end) => since.or(end).unwrap_or_else(|| "none".to_owned()),
    }
}

fn failures(status: &AccountStatus) -> String {
    let kind = match status.temporary {
        Some(true) => ": it may pass by itself",
        Some(false) => ": somebody must act",
        None => "",
    };
    format!("{} since the last success{kind}", status.failures)
}

/// What happens next, in words.
fn coming(status: &AccountStatus, now: UnixMs) -> String {
    let Some(NextAction { what, at }) = status.next_action else {
        return "nothing is due".to_owned();
    };
    let at = at.map_or_else(String::new, |at| format!(" {}", moment(at, now)));
    match what {
        NextStep::Register => format!("a first attempt{at}"),
        NextStep::Refresh => format!("a refresh{at}"),
        NextStep::Retry => format!("another attempt{at}"),
        NextStep::Answer => format!("the registrar's answer, or a time-out{at}"),
        NextStep::Turn => "its turn at the registrar".to_owned(),
        NextStep::AvoidanceOver => format!("an attempt when an older binding has ended{at}"),
        NextStep::Port => format!("a local port{at}"),
        NextStep::Interface => format!("its SIP Interface is bound once more{at}"),
        NextStep::Address => "an address of its Proxy Set".to_owned(),
        NextStep::AnotherAccount => "what another Account finds out".to_owned(),
        NextStep::ServedGroup => "an attempt when the served group is online".to_owned(),
        NextStep::Store => "an attempt when the state is written".to_owned(),
        NextStep::Operator => "nothing, until `regent register`".to_owned(),
        NextStep::Unknown => "something that this version does not know".to_owned(),
    }
}

/// Lines of facts in no more columns than that: what is longer goes on below itself, broken at a
/// space as far as there is one.
pub fn folded(lines: Vec<Line>, width: usize) -> Vec<Line> {
    lines
        .into_iter()
        .flat_map(|line| fold(line, width))
        .collect()
}

fn fold(line: Line, width: usize) -> Vec<Line> {
    if line.iter().map(|(_, text)| breadth(text)).sum::<usize>() <= width {
        return vec![line];
    }
    let mut lines = vec![Line::new()];
    let mut used = 0;
    for (tone, text) in line {
        for word in text.split_inclusive(' ') {
            let length = breadth(word.trim_end());
            if used + length > width && used > INDENT {
                lines.push(vec![(Tone::Plain, " ".repeat(INDENT))]);
                used = INDENT;
            }
            if let Some(last) = lines.last_mut() {
                match last.last_mut().filter(|(before, _)| *before == tone) {
                    Some((_, before)) => before.push_str(word),
                    None => last.push((tone, word.to_owned())),
                }
            }
            used += breadth(word);
        }
    }
    lines
}

fn none() -> String {
    "–".to_owned()
}

/// What stands for the reason where nobody has answered.
const NO_ANSWERS: [&str; 2] = ["No answer", "Not reachable"];

/// The names of facts take so many columns.
const FACT: usize = 13;
/// Where facts begin.
const INDENT: usize = FACT + 2;

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

/// An IPv4 address with its port fits; an IPv6 one may be cut, the story has it whole.
const WIDEST_REGISTRAR: usize = 21;

/// Less of the last column is of no use.
const NARROWEST_LAST: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{LastAnswer, Routes};
    use std::sync::Arc;

    const NOW: UnixMs = UnixMs(1_795_341_600_000);

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
1  fax                   403         127.0.0.1:5060  no      –      retry 10m    credentials refused"
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
    fn a_line_is_cut_to_any_width() {
        let mut long = refused();
        long.detail = Some("x".repeat(300).into());
        let accounts = [registered(), long];
        let tables = [0, 60, 72, 100].map(|width| table(&accounts, NOW, width));
        let stories = accounts.iter().map(|status| story(status, NOW));
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
        let refreshing = AccountStatus {
            refresh_due: None,
            ..registered()
        };
        assert_eq!(next(&refreshing, NOW), "refreshing");
    }

    #[test]
    fn a_story_tells_what_is_what_was_and_what_comes() {
        let text: Vec<String> = story(&registered(), NOW).iter().map(plain).collect();
        assert_eq!(
            text.join("\n"),
            "\
main: registered
  address      sip:4930@carrier.example (index 0)
  groups       PBX, served; Carrier, serving
  binding      since 2026-11-22 08:00:00Z (2 h ago), good until 2026-11-22 10:02:10Z (in 2 min 10 s)
  registrar    127.0.0.1:5060, number 2 of its set: the backup is used
  our address  127.0.0.1:5070
  expiry       180 s asked, 180 s granted
  last answer  200 OK, 127.0.0.1:5060, 2026-11-22 09:59:10Z (50 s ago)
  round trip   1.234 ms
  digest       MD5
  next         a refresh 2026-11-22 10:00:40Z (in 40 s)"
        );
        let text: Vec<String> = story(&refused(), NOW).iter().map(plain).collect();
        for line in [
            "  attempt      a registration at 127.0.0.1:5060, sent 2 times since 2026-11-22 09:59:59Z \
             (1 s ago); it is given up 2026-11-22 10:00:31Z (in 31 s)",
            "  last answer  403 Forbidden, 127.0.0.1:5060, 2026-11-22 09:59:59Z (1 s ago), the last of 3 \
             since 2026-11-22 09:58:20Z",
            "  before       No answer (408), 127.0.0.1:5060, 2026-11-22 09:56:40Z (3 min 20 s ago)",
            "  last success 2026-11-22 09:50:00Z (10 min ago)",
            "  expiry       180 s asked, the registrar takes no less than 120 s",
            "  route        <sip:edge.carrier.example;lr>",
            "  next         the registrar's answer, or a time-out 2026-11-22 10:00:31Z (in 31 s)",
        ] {
            assert!(text.iter().any(|told| told == line), "{line} in {text:#?}");
        }
        assert!(text.contains(&"fax: not registered (403), waiting to retry".to_owned()));
        assert!(
            text.contains(&"  failures     1 since the last success: somebody must act".to_owned())
        );
    }

    // rule T1: what is told fits a screen of a hundred columns, and nothing of it is lost.
    #[test]
    fn a_story_is_folded_at_spaces() {
        let whole = story(&refused(), NOW);
        let words = |lines: &[Line]| {
            let text: Vec<String> = lines.iter().map(plain).collect();
            let text = text.join(" ");
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        for width in [40, 60, 100] {
            let lines = folded(whole.clone(), width);
            assert_eq!(words(&lines), words(&whole));
            let widest = lines
                .iter()
                .map(|line| plain(line).trim_end().chars().count())
                .max();
            assert!(
                widest <= Some(width.max(INDENT + 29)),
                "{widest:?} in {width}"
            );
        }
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

    fn registered() -> AccountStatus {
        let at = |seconds: i64| Some(UnixMs(NOW.0 + seconds * 1_000));
        AccountStatus {
            index: 0,
            name: "main".into(),
            served: "PBX".into(),
            serving: "Carrier".into(),
            aor: "sip:4930@carrier.example".into(),
            phase: Phase::Registered,
            status: StatusWord::Registered,
            last_error: None,
            registrar: Some(([127, 0, 0, 1], 5060).into()),
            rank: Some(2),
            backup_registrar_used: true,
            local: Some(([127, 0, 0, 1], 5070).into()),
            asked: 180,
            granted: Some(180),
            registered_since: at(-7_200),
            binding_until: at(130),
            refresh_due: at(40),
            last_success: at(-50),
            last_answer: at(-50).map(|at| LastAnswer {
                code: 200,
                reason: "OK".into(),
                at,
            }),
            answers: at(-50)
                .map(|at| answer(200, "OK", at))
                .into_iter()
                .collect(),
            attempt: None,
            failures: 0,
            temporary: None,
            next_try: None,
            next_action: Some(NextAction {
                what: NextStep::Refresh,
                at: at(40),
            }),
            avoided: Vec::new(),
            retry_after_until: None,
            min_expires: None,
            routes: None,
            public_address: None,
            algorithm: Some("MD5".into()),
            rtt_us: Some(1_234),
            detail: None,
        }
    }

    fn refused() -> AccountStatus {
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
            attempt: Some(AttemptStatus {
                purpose: Purpose::Register,
                registrar: ([127, 0, 0, 1], 5060).into(),
                since: UnixMs(NOW.0 - 1_000),
                sends: 2,
                until: UnixMs(NOW.0 + 31_000),
            }),
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

    fn plain(line: &Line) -> String {
        line.iter().map(|(_, text)| text.as_str()).collect()
    }
}
