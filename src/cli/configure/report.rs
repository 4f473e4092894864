//! What `regent configure` says.

use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;

use super::place::Place;
use crate::cli::{End, Failure};
use crate::config::options::Table;
use crate::configure::{self, Edit, Outcome, Refusal, TABLES, help, row_word};
use crate::status::words::{clean, count};

/// A refusal that ends the command.
pub(super) fn failure(refusal: Refusal) -> Failure {
    of(End::Failed, refusal)
}

/// A refusal of words that make no sense.
pub(super) fn usage(refusal: Refusal) -> Failure {
    of(End::Usage, refusal)
}

fn of(end: End, refusal: Refusal) -> Failure {
    let failure = Failure::new(end, anyhow!("{}", refusal.message));
    match refusal.hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// What would change.
pub(super) fn dry_run(edit: &Edit) -> String {
    let (path, outcome) = (edit.path().display().to_string(), edit.outcome());
    let mut text = configure::unified(&path, edit.before(), &outcome.text);
    put_effect(&mut text, outcome, "would be ");
    text + "dry run: nothing was written"
}

/// What has changed.
pub(super) fn done(edit: &Edit, backup: &Path, place: &Place) -> String {
    let (path, outcome) = (edit.path(), edit.outcome());
    let mut text = String::new();
    match place.reloaded() {
        Some(reloaded) => {
            for warning in &reloaded.warnings {
                let is_said = outcome
                    .notes
                    .iter()
                    .any(|note| note.to_string() == *warning);
                if !is_said {
                    put(&mut text, warning);
                }
            }
            put_names(&mut text, "added", &reloaded.added);
            put_names(&mut text, "changed", &reloaded.changed);
            put_names(&mut text, "removed", &reloaded.removed);
        }
        None => put_effect(&mut text, outcome, ""),
    }
    let name = backup.file_name().unwrap_or_default().to_string_lossy();
    put(
        &mut text,
        &format!("{}: written; {name} is what it was", path.display()),
    );
    text + if place.has_daemon() {
        "the daemon has reloaded it"
    } else {
        "a daemon that runs from it needs `regent reload`"
    }
}

fn put_effect(text: &mut String, outcome: &Outcome, would: &str) {
    let Some(diff) = &outcome.diff else {
        let errors = count(outcome.errors as u64, "error");
        put(
            text,
            &format!("still faulty ({errors}): `regent check` names all of it"),
        );
        return;
    };
    let added = diff.added.iter().map(|account| account.name.clone());
    let changed = diff
        .changed
        .iter()
        .map(|changed| changed.account.name.clone());
    put_names(text, &format!("{would}added"), &added.collect::<Vec<_>>());
    put_names(
        text,
        &format!("{would}changed"),
        &changed.collect::<Vec<_>>(),
    );
    put_names(text, &format!("{would}removed"), &diff.removed);
}

fn put_names(text: &mut String, what: &str, names: &[Arc<str>]) {
    for name in names.iter().take(NAMED) {
        put(text, &format!("{what}: {}", clean(name)));
    }
    if let Some(more) = names.len().checked_sub(NAMED).filter(|more| *more > 0) {
        put(text, &format!("{what}: {more} more"));
    }
}

fn put(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}

/// What can be configured.
pub(super) fn tables() -> String {
    let mut text = String::from("regent configure TABLE VERB …, where TABLE is\n");
    for table in TABLES {
        let info = table.info();
        put(&mut text, &format!("  {:24}{}", info.cli, info.doc));
    }
    text + "and VERB is add, set, unset, show, remove, rename or list"
}

/// What can be done with a table.
pub(super) fn verbs(table: Table) -> String {
    let node = table.info().cli;
    let row = row_word(table);
    let mut text = String::new();
    let mut line = |verb: &str, rest: &str| {
        let line = format!("regent configure {node} {verb} {rest}");
        put(&mut text, line.trim_end());
    };
    if table.info().many {
        let new = if table == Table::Account {
            "[INDEX]"
        } else {
            row
        };
        line("add", &format!("{new} [NAME VALUE]…"));
        line("set", &format!("{row} NAME VALUE…"));
        line("unset", &format!("{row} NAME…"));
        let one = if table == Table::Proxy {
            "SET [NUMBER|ADDRESS]"
        } else {
            &format!("[{row}]")
        };
        line("show", one);
        line("remove", row);
        if table != Table::Proxy {
            line("rename", &format!("{row} NEW"));
        }
        line("list", if table == Table::Proxy { "SET" } else { "" });
    } else {
        line("set", "NAME VALUE…");
        line("unset", "NAME…");
        line("show", "");
    }
    text.push('\n');
    text + help::options(table).trim_end()
}

/// Whether a name stands at a place among the words, and not a value or a row; the place is one
/// behind it.
pub(super) fn is_name_expected(table: Table, words: usize) -> bool {
    let rows = configure::row_words(table);
    words > 0 && (words + rows) % 2 == 1
}

/// So many Accounts are named.
const NAMED: usize = 50;
