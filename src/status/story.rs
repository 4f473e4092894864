//! One Account as its story: what it is, what happened to it, what comes next.

use std::iter;

use super::table::{Line, Tone, state, tone};
use super::words::{clean, clock, moment};
use super::{
    AccountStatus, AnswerStatus, AttemptStatus, NextAction, NextStep, Purpose, UnixMs, fold,
};

/// What an Account is, what it has, what happened to it and what comes next: one fact per line.
pub fn story(status: &AccountStatus, now: UnixMs) -> Vec<Line> {
    let mut facts = Facts(vec![vec![
        (Tone::Plain, format!("{}: ", clean(&status.name))),
        (tone(status), state(status)),
    ]]);
    what_it_is(status, now, &mut facts);
    what_happened(status, now, &mut facts);
    for avoided in &status.avoided {
        let until = moment(avoided.until, now);
        facts.add("avoids", format!("{}, until {until}", avoided.registrar));
    }
    if let Some(at) = status.retry_after_until {
        let when = moment(at, now);
        facts.add("retry after", format!("{when}: the registrar asked for it"));
    }
    facts.add("next", coming(status, now));
    facts.0
}

/// Lines of a name and what is so.
struct Facts(Vec<Line>);

impl Facts {
    fn add(&mut self, name: &str, text: String) {
        let name = format!("  {name:<FACT$}");
        self.0.push(vec![(Tone::Quiet, name), (Tone::Plain, text)]);
    }
}

fn what_it_is(status: &AccountStatus, now: UnixMs, facts: &mut Facts) {
    let aor = clean(&status.aor);
    facts.add("address", format!("{aor} (index {})", status.index));
    let [served, serving] = [&status.served, &status.serving].map(|name| clean(name));
    facts.add("groups", format!("{served}, served; {serving}, serving"));
    facts.add("binding", binding(status, now));
    if let Some(registrar) = status.registrar {
        facts.add("registrar", format!("{registrar}{}", place(status)));
    }
    if let Some(local) = status.local {
        let seen = status.public_address.filter(|seen| *seen != local);
        let seen = seen.map_or_else(String::new, |seen| {
            format!(", seen by the registrar as {seen}")
        });
        facts.add("our address", format!("{local}{seen}"));
    }
    facts.add("expiry", expiry(status));
    if let Some(routes) = &status.routes {
        let all = [&routes.path, &routes.service_route, &routes.associated_uris];
        let names = ["path", "route", "associated"];
        for (name, values) in names
            .into_iter()
            .zip(all)
            .filter(|(_, all)| !all.is_empty())
        {
            facts.add(name, clean(&values.join(", ")));
        }
    }
}

fn what_happened(status: &AccountStatus, now: UnixMs, facts: &mut Facts) {
    if let Some(attempt) = &status.attempt {
        facts.add("attempt", under_way(attempt, now));
    }
    let names = ["last answer"].into_iter().chain(iter::repeat("before"));
    for (name, answer) in names.zip(&status.answers) {
        facts.add(name, answer_words(answer, now));
    }
    if let Some(at) = status.last_success.filter(|_| status.failures > 0) {
        facts.add("last success", moment(at, now));
    }
    if let Some(rtt) = status.rtt_us {
        let (whole, rest) = (rtt / 1_000, rtt % 1_000);
        facts.add("round trip", format!("{whole}.{rest:03} ms"));
    }
    if let Some(algorithm) = &status.algorithm {
        facts.add("digest", clean(algorithm));
    }
    if status.failures > 0 {
        facts.add("failures", failures(status));
    }
    if let Some(detail) = &status.detail {
        facts.add("why", clean(detail));
    }
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

fn binding(status: &AccountStatus, now: UnixMs) -> String {
    let since = status
        .registered_since
        .map(|since| format!("since {}", moment(since, now)));
    let end = status
        .binding_until
        .map(|end| format!("good until {}", moment(end, now)));
    match (since, end) {
        (Some(since), Some(end)) => format!("{since}, {end}"),
        (Some(told), None) | (None, Some(told)) => told,
        (None, None) => match status.down_since {
            Some(since) => format!("none, since {}", moment(since, now)),
            None => "none".to_owned(),
        },
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

/// Lines of facts in no more columns than that: what is longer goes on below itself.
pub fn folded(lines: Vec<Line>, width: usize) -> Vec<Line> {
    fold::folded(lines, width, INDENT)
}

/// What stands for the reason where nobody has answered.
const NO_ANSWERS: [&str; 2] = ["No answer", "Not reachable"];

/// The names of facts take so many columns.
const FACT: usize = 13;
/// Where facts begin.
const INDENT: usize = FACT + 2;

#[cfg(test)]
mod tests {
    use super::super::table::tests::{NOW, plain, refused, registered};
    use super::*;

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
            "  binding      none, since 2026-11-22 09:52:00Z (8 min ago)",
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
        for width in 50..=130 {
            let lines = folded(whole.clone(), width);
            assert_eq!(words(&lines), words(&whole));
            for text in lines.iter().map(plain) {
                assert!(text.chars().count() <= width, "{width}: {text:?}");
                assert_eq!(text, text.trim_end(), "{width}");
            }
        }
        let text: Vec<String> = folded(whole, 85).iter().map(plain).collect();
        let attempt = text.iter().position(|line| line.contains("attempt"));
        assert_eq!(
            text[attempt.unwrap()..][..3],
            [
                "  attempt      a registration at 127.0.0.1:5060, sent 2 times since",
                "               2026-11-22 09:59:59Z (1 s ago); it is given up 2026-11-22 10:00:31Z",
                "               (in 31 s)",
            ]
        );
    }
}
