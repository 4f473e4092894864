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
    text.push('\n');
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
chooser of at most 150 lines, which shares no code with the engine (`tests/it/choice/naive.rs`),
predicts every line. What keep-alive finds out it is given with the line, by hand
(`tests/it/choice/given.rs`), and the world must agree with that too. `tests/it/choice/expected.rs`
has lines that were written by hand, each beside what it proves. The rules are in
[rules.md](rules.md).

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

const TAIL: &str = "\
## What fails when a rule is taken out

Each rule was taken out of the source by hand, and the lines of this page and the timelines were run
against the rest. Counted are the lines on which the naive chooser, and then those on which the rows
written by hand, no longer agree with what is done; where neither sees it, the timeline that does.
S12 and S13 keep REGISTERs back and choose no registrar: their timelines are in
`tests/it/scenarios`.

| rule | what is taken out | fails: lines of this page, of those by hand | for example | wanted, and what came instead |
|---|---|---|---|---|
| S2 | a refresh under `disable` follows the binding | 37, 5 | disable; homing; X not there 30–270 | 0 X, 240 Y, 480 X …; stays at Y |
| S3 | a refresh under `enable` goes to the current member | 40, 7 | enable; homing; X not there until 275 | 0 X, 30 Y, 270 Y, 510 Y …; 510 X |
| S4 | `enable-for-non-register-requests` is as `enable` | 49, 3 | non-register; homing; X not there until 275 | … 270 Y, 510 X …; 510 Y |
| S5 | one that leaves the list is left with the next REGISTER | 32, 4 | enable; none; X leaves at 120 | 0 X, 120 Y …; 240 |
| S6 | a new registration begins with the first in the order | 31, 4 | enable; homing; X not there until 275 | 0 X, 30 Y …; 30 X, 60 X … |
| S7 | ims chooses the current member | 68, 9 | ims; none; 603 from 100 | 0 X, 240 X Y …; 240 X, 270 X … |
| S7 | 6xx and refused credentials end the pass | 16, 2 | ims; none; 603 from 100 | 0 X, 240 X Y …; 240 X, 270 X … |
| S7 | the registrar whose refresh failed is not tried last | 4, 1 | ims; none; nobody there 30–310 | 240 X Y Z X; 240 X Y Z |
| S7 | members of a pass have the usual patience | 12, 1 | ims; none; X silent until 275 | 0 X, 3.5 Y …; 32 Y |
| S7 | a failed INVITE is S11's | 4, 1 | ims; options, swap; INVITE | 100 X; 100 Y |
| S7 | members under a Retry-After are asked | – | `scenarios::ims::a_member_under_a_retry_after_is_left_out` | |
| S7 | a new registration does not ask DNS | – | `scenarios::ims::a_new_registration_asks_dns_anew_and_a_refresh_does_not` | |
| S7, S11 | a trigger never comes too soon | – | `scenarios::ims::triggers_that_come_too_soon_are_dropped` | |
| S8 | nobody is avoided | 24, 5 | avoid; homing; X not there 30–270 | 0 X, 240 Y, 480 Y (360), 660 X …; 480 X |
| S8 | avoided without a 200 from another one since | 156, 12 | avoid; options; 403 from 100 | 0 X, 240 X Y …; 240 Y |
| S8 | parking takes the best | 30, 3 | avoid; options; 403 from 100 | … 480 Y, 720 Y …; 720 X |
| S8 | more than three members count | – | `scenarios::avoid::only_the_first_three_of_a_name_count` | |
| S8 | an un-REGISTER ends no avoidance | – | `scenarios::avoid::an_unregister_that_is_done_ends_the_avoidance_of_its_registrar` | |
| S9 | the usual time is asked for | 16, 4 | avoid; homing; X not there 30–270 | 480 Y (360); 480 Y |
| S9 | the refresh is due by L1 alone | – | `scenarios::avoid::a_learned_minimum_comes_before_the_shortened_time` | |
| S9 | both | 16, 4 | avoid; homing; X not there 30–270 | 660 X; 720 X |
| S9 | by parking too | 58, 4 | avoid; options; 403 from 100 | 480 Y; 480 Y (360) |
| S11 | the registrar where the INVITE failed is not last | 12, 3 | enable; options, swap; INVITE | 100 Y; 100 X |
| S11 | it is last without hot swap too | 12, 1 | enable; options; INVITE | 100 X; 100 Y |
| S11 | it is last with any keep-alive | 6, 1 | enable; fake, swap; INVITE | 100 X; 100 Y |
| S7, S11 | a failed INVITE is nothing | 60, 7 | enable; options, swap; INVITE | 100 Y; 240 X |
| S14 | offline: with the next REGISTER | 88, 4 | enable; options; X not there 30–270 | 0 X, 60 Y …; 240 Y |
| S14 | offline: at once, whatever the mode | 130, 16 | disable; options; X not there 30–270 | 0 X, 240 Y …; 60 Y |
| S14 | a failed refresh under `enable` by P7 and L3 | 21, 4 | enable; none; X not there 30–270 | 240 X Y; 240 X, 270 X |
| S14 | a failed refresh in mode avoid by L3 | 52, 3 | avoid; options; 403 from 100 | 240 X Y; 240 X, 270 X … |
| S14 | refused credentials and 6xx move an Account too | 32, 3 | enable; options, swap; 603 from 100 | 240 X, 270 X …; 240 X Y |
| S14 | at once to those that are offline too | 4, 1 | enable; options; all silent 30–305 | 240 X, 302 Y …; 92 Y, 154 Z … |
| S14 | not as soon as one comes back | 4, – | enable; active; X not there 30–270, Y and Z from 400 on | 430 X; 450 X |
| S14 | one that has answered since it was lost is left | 6, 1 | enable; options; all silent 30–305 | 302 Y, 545.5 Y …; 302 Y, 310 X … |
| S14 | a failure on the way back is no news | – | `scenarios::sticky::one_that_falls_silent_on_its_way_back_is_left` | |
| P4 | with nobody online always the best | 42, 2 | disable; options; nobody there 30–310 | 240 X, 270 Y, 300 Z …; 270 X, 300 X … |
| P4 | a move that is not made takes a turn | 4, 1 | enable; options; all silent 30–305 | 240 X …; 240 Z … |
| P4 | no failure makes anybody suspect | 53, 1 | enable; none; X silent until 275 | 0 X, 62 Y …; 62 X, 124 X … |
| P6 | homing parks | 40, 10 | disable; homing; X not there 30–270 | 480 X; 480 Y |
| P6 | parking is homing | 90, 6 | disable; options; X not there 30–270 | 480 Y; 480 X |
| P7 | hot swap is off | 75, 5 | enable; homing, swap; 503 until 100 | 0 X Y …; 0 X, 30 X … |
| P7 | hot swap is on | 75, 7 | enable; homing; X not there until 275 | 0 X, 30 Y …; 0 X Y … |
| P7 | any failure swaps | 44, 3 | enable; options, swap; 603 from 100 | 240 X, 270 X …; 240 X Y |
| P7 | the usual patience | 25, 2 | disable; register, swap; X silent 30–295 | 240 X, 243.5 Y …; 272 Y |
| P7 | the last one has three transmissions too | 12, 1 | disable; none, swap; all silent 30–305 | 247 Z, 309 X …; 280.5 X, 284 Y … |
";
