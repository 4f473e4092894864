//! `docs/registrar-choice.md`: the rows as people read them.

use super::case::{Case, MODES, Mode, Result, SITUATIONS, UPKEEPS, Upkeep, words};

/// The whole document.
pub(super) fn document(rows: &[(Case, Result)]) -> String {
    let mut text = HEAD.to_owned();
    let mut known: Vec<(Mode, String)> = Vec::new();
    for mode in MODES {
        text.push_str(&format!("\n## {}\n\n", title(mode)));
        let table = table(mode, rows);
        match known.iter().find(|(_, other)| *other == table) {
            Some((same, _)) => {
                text.push_str(&format!("Every line as under *{}*.\n", title(*same)));
            }
            None => text.push_str(&table),
        }
        known.push((mode, table));
    }
    text.push_str(TAIL);
    text
}

/// The lines of a mode.
fn table(mode: Mode, rows: &[(Case, Result)]) -> String {
    let mut text = TABLE.to_owned();
    for situation in SITUATIONS {
        let is_here = |case: &Case| case.mode == mode && case.situation.name == situation.name;
        let here = rows.iter().filter(|(case, _)| is_here(case));
        let mut name = situation.name;
        for (cases, result) in merged(here) {
            let with = with(mode, &cases);
            let (sent, phase) = (words(&result.sent), &result.phase);
            text.push_str(&format!("| {name} | {with} | {sent} | {phase} |\n"));
            name = "";
        }
    }
    text
}

/// A case in words.
pub(super) fn name(case: &Case) -> String {
    let Case {
        mode,
        upkeep,
        hot_swap,
        situation,
    } = case;
    let swap = if *hot_swap { "; hot swap" } else { "" };
    let (mode, upkeep) = (title(*mode), upkeep_words(*upkeep));
    format!("{mode}; {upkeep}{swap}; {}", situation.name)
}

/// Cases with the same result share a line.
fn merged<'a>(rows: impl Iterator<Item = &'a (Case, Result)>) -> Vec<(Vec<Case>, &'a Result)> {
    let mut lines: Vec<(Vec<Case>, &Result)> = Vec::new();
    for (case, result) in rows {
        match lines.iter_mut().find(|(_, known)| *known == result) {
            Some((cases, _)) => cases.push(*case),
            None => lines.push((vec![*case], result)),
        }
    }
    lines
}

/// What the cases of a line are configured with.
fn with(mode: Mode, cases: &[Case]) -> String {
    let has = |upkeep, hot_swap| {
        let mut cases = cases.iter();
        cases.any(|case| case.upkeep == upkeep && case.hot_swap == hot_swap)
    };
    let named = |is_one: &dyn Fn(Upkeep) -> bool| {
        let names = UPKEEPS.into_iter().filter(|it| is_one(*it));
        names.map(upkeep_words).collect::<Vec<_>>().join(", ")
    };
    if mode.avoids() {
        return named(&|it| has(it, false));
    }
    let groups = [
        (named(&|it| has(it, false) && has(it, true)), ""),
        (named(&|it| has(it, false) && !has(it, true)), "no swap: "),
        (named(&|it| !has(it, false) && has(it, true)), "swap: "),
    ];
    let groups = groups.iter().filter(|(names, _)| !names.is_empty());
    let groups: Vec<String> = groups
        .map(|(names, swap)| format!("{swap}{names}"))
        .collect();
    groups.join("; ")
}

fn title(mode: Mode) -> &'static str {
    match mode {
        Mode::Disable => "Stickiness disable",
        Mode::NonRegister => "Stickiness enable-for-non-register-requests",
        Mode::Enable => "Stickiness enable, search mode current-server",
        Mode::Ims => "Stickiness enable, search mode ims",
        Mode::Avoid => "Stickiness enable, search mode avoid-previous-registrar-until-expiry",
        Mode::AvoidNonRegister => {
            "Stickiness enable-for-non-register-requests, search mode \
             avoid-previous-registrar-until-expiry"
        }
    }
}

fn upkeep_words(upkeep: Upkeep) -> &'static str {
    match upkeep {
        Upkeep::Blind => "none",
        Upkeep::Parking => "options",
        Upkeep::Homing => "homing",
        Upkeep::OnActive => "active",
        Upkeep::Register => "register",
        Upkeep::FakeRegister => "fake",
    }
}

const TABLE: &str = "\
| who is up | with | REGISTERs | at the end |
|---|---|---|---|
";

const HEAD: &str = "\
# Which registrar gets which REGISTER

Stickiness × search mode × redundancy × keep-alive × hot swap × who is up: who is asked, and when.
Written by `tests/it/choice.rs` from what the engine does in the simulated world, and compared with
it by every run of the tests: `REGENT_BLESS=1 cargo test --test it choice` writes it anew. A second
chooser, which shares no code with the engine (`tests/it/choice/naive/`), predicts every line, and
`tests/it/choice/expected.rs` has lines that were written by hand, each beside what it proves. The
rules are in [rules.md](rules.md).

One Account; a set with the members X, Y and Z, in this order; 480 s are asked for and granted, so a
refresh is due after 240 s; wires take no time; a probe leaves every minute; an INVITE that fails
registers anew where that is an option; everything else is as without a line in the configuration.

- *who is up*: who is not named takes everything well. \"Not there\" brings an ICMP error at once.
- *with*: keep-alive `none`, `options`, `active` (`options-on-active`), `register`, `fake`
  (`fake-register`), all with redundancy parking; and `homing`, which takes `options`. *Swap* is hot
  swap; where the word is missing both are the same. `register` and `fake` stand where they may
  differ from the others.
- *REGISTERs*: seconds and registrar, up to 1000 s: `0 X, 240 X Y` is one to X at the start, then at
  240 one to X and in the same instant one to Y. In brackets: the seconds asked for, where they are
  not 480. Retransmissions and repeats with credentials are not shown.
- *at the end*: the phase, and where the binding is.
";

const TAIL: &str = "";
