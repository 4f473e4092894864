//! Every state of an Account against everything that can happen to it: `docs/states.md`.
//!
//! The table is made by the simulated world. Each state is reached by a short story, then one thing
//! happens, and what follows is written down: the rows are what the engine does, to be read against
//! [the rules](../../docs/rules.md). A change of behaviour shows as a change of the document.

mod inputs;
mod rules;
mod stories;

use std::collections::BTreeMap;
use std::path::Path;

use libtest_mimic::Trial;
use regent::effect::{Command, Event, Outcome, Ticket};
use regent::sim::{Line, Packet, What, World};
use regent::status::AccountStatus;
use regent::time::{Duration, Instant};

use inputs::{INPUTS, Input, due, instant};
use rules::{citations_are_found_in_every_form, every_rule_that_is_cited_is_in_the_list};
use stories::{STORIES, Story};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_table_of_states_is_up_to_date,
        every_rule_that_is_cited_is_in_the_list,
        citations_are_found_in_every_form,
    ]
}

/// What follows from something that happened.
#[derive(Clone, PartialEq, Eq)]
struct Row {
    sent: String,
    after: String,
    next: String,
    tickets: String,
}

/// What is looked at to tell whether anything changed.
struct Before {
    status: AccountStatus,
    /// What comes next if nothing happens, by a second world that is left alone.
    next: Option<(Instant, String)>,
}

/// `docs/states.md` is what the engine does. `REGENT_BLESS=1` writes it anew.
fn the_table_of_states_is_up_to_date() -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/states.md");
    let mut wanted = HEAD.to_owned();
    STORIES
        .iter()
        .for_each(|story| wanted.push_str(&section(story)));
    if std::env::var_os("REGENT_BLESS").is_some() {
        return std::fs::write(&path, wanted).map_err(|error| error.to_string());
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    let lines = found.lines().zip(wanted.lines()).enumerate();
    let mut differing = lines.filter(|(_, (found, wanted))| found != wanted);
    let (line, (found, wanted)) = differing.next().unwrap_or_default();
    Err(format!(
        "docs/states.md differs from what the engine does, first in line {}:\n{found}\n{wanted}\n\
         run the tests with REGENT_BLESS=1 and read what changes against docs/rules.md",
        line + 1
    ))
}

fn section(story: &Story) -> String {
    let mut world = (story.tell)();
    let status = world.current_status("main");
    let state = words_of(&status, world.now());
    let begin = world.transcript().lines().len();
    let next = next(&mut world, begin);
    let before = Before { status, next };
    let mut text = format!("\n## {}\n\n{} Phase: {state}.", story.name, story.told);
    text.push_str(&format!(
        " Next: {}.\n\n",
        shown(before.next.as_ref(), &before.status, {
            let world = (story.tell)();
            world.now()
        })
    ));
    text.push_str("| happens | sent at once | phase after | next | tickets |\n");
    text.push_str("|---|---|---|---|---|\n");
    for (names, row) in merged(story, &before) {
        let Row {
            sent,
            after,
            next,
            tickets,
        } = row;
        text.push_str(&format!(
            "| {names} | {sent} | {after} | {next} | {tickets} |\n"
        ));
    }
    text
}

/// The rows of a state; what has the same result shares one.
fn merged(story: &Story, before: &Before) -> Vec<(String, Row)> {
    let mut groups: Vec<(Vec<Input>, Row)> = Vec::new();
    for input in INPUTS {
        let Some(row) = row(story, *input, before) else {
            continue;
        };
        match groups.iter_mut().find(|(_, known)| *known == row) {
            Some((inputs, _)) => inputs.push(*input),
            None => groups.push((vec![*input], row)),
        }
    }
    let answers = INPUTS.iter().filter(|input| input.is_answer()).count();
    let named = groups.into_iter().map(|(inputs, row)| {
        let is_every = inputs.iter().filter(|input| input.is_answer()).count() == answers;
        let told = inputs
            .iter()
            .filter(|input| !(is_every && input.is_answer()));
        let every = is_every.then_some("any answer to the last request");
        let names: Vec<_> = every
            .into_iter()
            .chain(told.map(|input| input.words()))
            .collect();
        (names.join("; "), row)
    });
    named.collect()
}

fn row(story: &Story, input: Input, before: &Before) -> Option<Row> {
    let mut world = (story.tell)();
    let place = input.happen(&mut world)?;
    let now = world.now();
    let after = world.current_status("main");
    let end = world.transcript().lines().len();
    let lines = &world.transcript().lines()[place..end];
    let sent: Vec<_> = sent_by_main(lines)
        .map(|(_, packet)| request(packet))
        .collect();
    let tickets = tickets(&world, place);
    let next = next(&mut world, end);
    if let (Some(due), Some((at, what))) = (due(&after), &next) {
        assert_eq!(due, *at, "{}: {}: {what}", story.name, input.words());
    }
    world.run_for(Duration::from_secs(600));
    let waiting = world.unanswered();
    assert!(
        waiting.is_empty(),
        "{}: {}: {waiting:?}",
        story.name,
        input.words()
    );
    let is_unmoved = sent.is_empty() && tickets.is_empty();
    if is_unmoved && after == before.status && next == before.next {
        let none = || "–".to_owned();
        let after = none();
        return Some(Row {
            sent: "ignored".to_owned(),
            after,
            next: none(),
            tickets: none(),
        });
    }
    Some(Row {
        sent: if sent.is_empty() {
            "–".to_owned()
        } else {
            sent.join(", ")
        },
        next: shown(next.as_ref(), &after, now),
        after: words_of(&after, now),
        tickets: if tickets.is_empty() {
            "–".to_owned()
        } else {
            tickets
        },
    })
}

/// What `main` does next by itself, from this line on: when, and what. Two hours are longer than
/// every wait here.
fn next(world: &mut World, mut from: usize) -> Option<(Instant, String)> {
    let until = world.now() + Duration::from_secs(2 * 3_600);
    loop {
        let lines = world.transcript().lines();
        if let Some((line, packet)) = sent_by_main(&lines[from..]).next() {
            return Some((line.at, request(packet)));
        }
        from = lines.len();
        if world.now() >= until || !world.step() {
            return None;
        }
    }
}

fn sent_by_main(lines: &[Line]) -> impl Iterator<Item = (&Line, &Packet)> {
    let of_main = lines
        .iter()
        .filter(|line| line.account.as_deref() == Some("main"));
    of_main.filter_map(|line| Some((line, line.sent()?)))
}

fn request(packet: &Packet) -> String {
    let summary = &packet.summary;
    let mut text = match summary.expires {
        Some(0) => "un-REGISTER".to_owned(),
        Some(asked) if asked != 180 => format!("REGISTER asking for {asked} s"),
        _ => "REGISTER".to_owned(),
    };
    if !summary.credentials.is_empty() {
        text.push_str(" with credentials");
    }
    if packet.repeat > 0 {
        text.push_str(" again");
    }
    text
}

/// The phase, the status word where it tells more, and the detail.
fn words_of(status: &AccountStatus, now: Instant) -> String {
    let phase = serde_json::to_string(&status.phase).unwrap_or_default();
    let mut text = phase.trim_matches('"').replace('-', " ");
    if let Some(code) = status.last_error {
        text.push_str(&format!(" ({code})"));
    }
    if let Some(detail) = status.detail.as_deref() {
        // A point in time is told as seconds from now.
        let detail = detail.split("until ").next().unwrap_or_default().trim_end();
        text.push_str(&format!(": {detail}"));
    }
    if let Some(until) = status.retry_after_until.map(instant) {
        text.push_str(&format!("; Retry-After until {}", relative(until, now)));
    }
    text
}

fn shown(next: Option<&(Instant, String)>, status: &AccountStatus, now: Instant) -> String {
    let mut text = match next {
        Some((at, what)) => format!("{what} at {}", relative(*at, now)),
        None => "nothing".to_owned(),
    };
    if let Some(until) = status.binding_until {
        text.push_str(&format!("; bound until {}", relative(instant(until), now)));
    }
    text
}

fn relative(at: Instant, now: Instant) -> String {
    let millis = at.since(now).as_millis();
    format!("+{}.{:03}", millis / 1_000, millis % 1_000)
}

/// What became of the commands, as far as they were answered or given from this line on; and those
/// that wait.
fn tickets(world: &World, from: usize) -> String {
    let mut asked: BTreeMap<Ticket, &'static str> = BTreeMap::new();
    let mut told = Vec::new();
    for (place, line) in world.transcript().lines().iter().enumerate() {
        match &line.what {
            What::Asked(ticket, command) => {
                asked.insert(*ticket, command_words(*command));
            }
            What::Reply(ticket, outcome) => {
                let command = asked.remove(ticket).unwrap_or_default();
                if place >= from {
                    told.push(format!("{command}: {}", outcome_words(outcome)));
                }
            }
            What::Event(Event::Warning { what, .. }) if place >= from => {
                told.push(format!("warning: {what}"));
            }
            What::Sent(_) | What::Received(_) | What::Refused(_) => {}
            What::Event(_) | What::Notice(_) | What::Note(_) => {}
        }
    }
    let lines = &world.transcript().lines()[from..];
    let is_new = |line: &Line| matches!(line.what, What::Asked(..));
    if !told.is_empty() || lines.iter().any(is_new) {
        let waiting = asked.values().map(|command| format!("{command}: waits"));
        told.extend(waiting);
    }
    told.join("; ")
}

fn command_words(command: Command) -> &'static str {
    match command {
        Command::Register { .. } => "register",
        Command::Unregister { .. } => "unregister",
        Command::Refresh { .. } => "refresh",
        Command::Shutdown => "shutdown",
    }
}

fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Registered { granted, .. } => format!("registered for {granted} s"),
        Outcome::Unregistered => "unregistered".to_owned(),
        Outcome::Rejected(answer) => format!("rejected with {}", answer.code),
        Outcome::Failed { failure } => format!("failed ({failure:?})"),
        Outcome::NotSent { why } => format!("not sent: {why}"),
        Outcome::Gone => "gone".to_owned(),
        Outcome::Stopped { left } => format!("stopped, bindings left: {left}"),
    }
}

const HEAD: &str = "\
# What an Account does

Every state that an Account can be in, and what it does about everything that can happen to it there.
Written by `tests/it/states.rs` from what the engine does in the simulated world, and compared with
it by every run of the tests: `REGENT_BLESS=1 cargo test --test it states` writes it anew. Why it
does so is in [rules.md](rules.md).

A state is a *binding* (what the registrar holds of us) × an *attempt* (what we do about it). In every
story the registrar grants 40 s, so the refresh is due after 20 s and a binding can end while its
refresh is under way; 180 s are asked for; everything else is as without a line in the configuration.
Then the thing happens, and from there on the registrar says nothing more.

- *happens*: what is left out cannot happen in that state, or something else comes first.
- *sent at once*: at the same instant, and *next*: the first thing sent after it. Times are seconds
  from what happens. \"Again\" is a retransmission of the request in flight. *ignored*: nothing is sent,
  nothing changes, and what comes next comes at the same instant as it would have. (After a 100 the
  repetitions that follow the next one are 4 s apart.)
- *phase after*: with the error number and detail of the status.
- *tickets*: how the commands that wait are answered at that instant. A dash: none was given or
  answered. Every one that waits is answered within 600 s, whatever happens: that is checked.

Not here: an Account that leaves the configuration or changes in it, since the simulated world does
not change its configuration yet.
";
