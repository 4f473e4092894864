//! Which registrar gets which REGISTER, and when: `docs/registrar-choice.md`.
//!
//! Each way to configure the choice meets each situation in the simulated world. A second, naive
//! chooser predicts every row; what keep-alive finds out is given to it by hand, and held against
//! the world. Rows are written by hand from the manual's notes, and the document is compared with
//! what the world did.

mod case;
mod document;
mod expected;
mod given;
mod naive;
mod play;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use libtest_mimic::Trial;

use case::{Case, Event, Result as Played, words};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_document_is_what_the_world_does,
        the_naive_chooser_agrees_on_every_row,
        the_naive_chooser_is_short_and_its_own,
        what_the_rows_give_of_keep_alive_is_so,
        the_rows_written_by_hand_come_true,
    ]
}

/// Every case as the world plays it.
fn rows() -> &'static [(Case, Played)] {
    static ROWS: OnceLock<Vec<(Case, Played)>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let cases = case::cases().into_iter();
        cases.map(|case| (case, play::play(&case))).collect()
    })
}

/// `docs/registrar-choice.md` is what the engine does. `REGENT_BLESS=1` writes it anew.
fn the_document_is_what_the_world_does() -> Result<(), String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/registrar-choice.md");
    let wanted = document::document(rows());
    if std::env::var_os("REGENT_BLESS").is_some() {
        return std::fs::write(&path, wanted).map_err(|error| error.to_string());
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    let differs = |(line, (found, wanted)): (usize, (&str, &str))| {
        (found != wanted).then(|| format!("first in line {}:\n{found}\n{wanted}", line + 1))
    };
    let lines = found.lines().zip(wanted.lines()).enumerate();
    let first = { lines }.find_map(differs);
    Err(format!(
        "docs/registrar-choice.md differs from what the engine does, {}\nrun the tests with \
         REGENT_BLESS=1 and read what changes against docs/rules.md",
        first.unwrap_or_else(|| "in its length".to_owned())
    ))
}

// rules P6, P7, S2, S3, S4, S5, S6, S7, S8, S9, S11 and S14
fn the_naive_chooser_agrees_on_every_row() -> Result<(), String> {
    let differs = |(case, played): &(Case, Played)| {
        let (played, predicted) = (words(&played.sent), words(&naive::predict(case)));
        let name = document::name(case);
        (played != predicted).then(|| format!("{name}\n  world: {played}\n  naive: {predicted}"))
    };
    let wrong: Vec<String> = rows().iter().filter_map(differs).collect();
    match wrong.len() {
        0 => Ok(()),
        count => Err(format!("{count} rows:\n{}", wrong.join("\n"))),
    }
}

/// It proves something as long as it can be read in one go and has nothing from the program.
fn the_naive_chooser_is_short_and_its_own() -> Result<(), String> {
    let text = include_str!("choice/naive.rs");
    let count = text.lines().count();
    let widest = text.lines().map(|line| line.chars().count()).max();
    if count > 150 || widest > Some(100) {
        return Err(format!("{count} lines, the widest of {widest:?} columns"));
    }
    let names = [
        "regent",
        "crate::",
        "rustfmt::skip",
        "include!",
        "macro_rules",
    ];
    match names.iter().find(|name| text.contains(**name)) {
        Some(name) => Err(format!("it says {name}")),
        None => Ok(()),
    }
}

// rules P3 and P4
/// What is given is so in every row, and in some row it was not so before.
fn what_the_rows_give_of_keep_alive_is_so() -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut news: BTreeMap<String, bool> = BTreeMap::new();
    for (case, _) in rows() {
        for ((at, event), before, after) in play::online_around(case) {
            let wanted = matches!(event, Event::Online(_));
            let is_at = format!("{event:?} at {at} ms: {}", document::name(case));
            if after != wanted {
                wrong.push(is_at);
            }
            let given = format!("{event:?} at {at} ms: {}", case.situation.name);
            *news.entry(given).or_default() |= before != wanted;
        }
    }
    assert!(!news.is_empty(), "no row gives anything");
    let old = news.iter().filter(|(_, is_news)| !**is_news);
    wrong.extend(old.map(|(given, _)| format!("no news: {given}")));
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("\n")),
    }
}

// rules P4, P6, P7, S2, S3, S4, S5, S6, S7, S8, S9, S11 and S14
fn the_rows_written_by_hand_come_true() -> Result<(), String> {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (proves, lines) in expected::PROOFS {
        for (mode, upkeep, hot_swap, situation, wanted) in *lines {
            count += 1;
            let case = Case {
                mode: *mode,
                upkeep: *upkeep,
                hot_swap: *hot_swap,
                situation: *situation,
            };
            let is_it =
                |(other, _): &&(Case, Played)| document::name(other) == document::name(&case);
            let (_, played) = rows().iter().find(is_it).expect("a row of the document");
            let played = words(&played.sent);
            if played != *wanted {
                let name = document::name(&case);
                wrong.push(format!(
                    "{name}\n  wanted: {wanted}\n  world:  {played}\n  {proves}"
                ));
            }
        }
    }
    assert!(count >= 40, "only {count} rows");
    match wrong.len() {
        0 => Ok(()),
        wrongs => Err(format!("{wrongs} of {count} rows:\n{}", wrong.join("\n"))),
    }
}
