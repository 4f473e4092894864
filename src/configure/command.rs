//! The words behind `regent configure TABLE VERB`, made into a change.

use super::grammar::{Change, Setting, Target, Verb, option, setting};
use super::refusal::{Place, Refusal};
use crate::config::options::{Opt, Table};

/// What is said about a row: which one it is, and what its options become.
pub struct Words<'w> {
    /// In which table.
    pub table: Table,
    /// What becomes of the row.
    pub verb: Verb,
    /// The words.
    pub words: &'w [String],
}

/// Fetches a password that stands elsewhere: `-` was written for it.
pub type Ask<'a> = &'a mut dyn FnMut(&Opt) -> Result<String, Refusal>;

/// Makes a change of words: the row, then names and values, `name value` or `name=value`.
pub fn change(words: &Words<'_>, ask: Ask<'_>) -> Result<Change, Refusal> {
    let Words { table, verb, words } = words;
    let (target, rest) = target(*table, verb, words)?;
    let settings = match verb {
        Verb::Remove | Verb::Defaults => {
            if let Some(word) = rest.first() {
                let message = format!("{word:?} is one word too many");
                return Err(Refusal::new(message).hint("quote what has blanks in it"));
            }
            Vec::new()
        }
        Verb::Add | Verb::Set | Verb::Put => settings(*table, rest, ask)?,
    };
    if *verb == Verb::Set && settings.is_empty() {
        let node = table.info().cli;
        return Err(Refusal::new("nothing is to be set")
            .hint(format!("`regent configure {node} set ?` lists what can be")));
    }
    Ok(Change {
        place: Place::default(),
        target,
        verb: verb.clone(),
        settings,
    })
}

/// Which row is meant, and the words behind it.
fn target<'w>(
    table: Table,
    verb: &Verb,
    words: &'w [String],
) -> Result<(Target, &'w [String]), Refusal> {
    let mut rest = words;
    let mut target = Target {
        table,
        set: None,
        row: None,
    };
    if !table.info().many {
        return Ok((target, rest));
    }
    let node = table.info().cli;
    let missing = |what: &str, hint: String| Refusal::new(format!("{what} is missing")).hint(hint);
    if table == Table::Proxy {
        let Some((set, others)) = rest.split_first() else {
            let hint = format!("regent configure {node} {} SET …", verb_word(verb));
            return Err(missing("the proxy set", hint));
        };
        target.set = Some(set.clone());
        rest = others;
    }
    let first = rest
        .first()
        .filter(|first| *verb != Verb::Add || is_row(table, first, rest));
    match first {
        Some(first) => {
            target.row = Some(first.clone());
            rest = &rest[1..];
        }
        None if *verb == Verb::Add => {}
        None => {
            let row = row_word(table);
            let hint = format!("regent configure {node} {} {row} …", verb_word(verb));
            return Err(missing(&format!("which {}", table.info().noun), hint));
        }
    }
    Ok((target, rest))
}

/// Which rows are to be shown: one, or all of them.
pub fn shown(table: Table, words: &[String]) -> Result<Target, Refusal> {
    let is_all = words.len() == usize::from(table == Table::Proxy);
    let (target, rest) = match is_all {
        false => target(table, &Verb::Set, words)?,
        true => {
            let all = Target {
                table,
                set: words.first().cloned(),
                row: None,
            };
            (all, &[][..])
        }
    };
    match rest.first() {
        None => Ok(target),
        Some(word) => Err(Refusal::new(format!("{word:?} is one word too many"))),
    }
}

/// What a row of a table is called by.
pub fn row_word(table: Table) -> &'static str {
    match (table.info().many, table) {
        (false, _) => "",
        (true, Table::Account) => "INDEX|NAME",
        (true, Table::Proxy) => "SET NUMBER|ADDRESS",
        (true, _) => "NAME",
    }
}

/// How many words say which row of a table is meant.
pub fn row_words(table: Table) -> usize {
    usize::from(table.info().many) + usize::from(table == Table::Proxy)
}

/// Whether the first word of a new row says what it is called, and is not a parameter.
fn is_row(table: Table, first: &str, words: &[String]) -> bool {
    let is_name = |word: &str| option(table, word).is_ok();
    let is_pair = first.split_once('=').is_some_and(|(name, _)| is_name(name));
    if is_pair || is_name(first) {
        return false;
    }
    // A slip of the pen in the first name is told as such.
    let pairs = words.iter().filter(|word| match word.split_once('=') {
        Some((name, _)) => is_name(name),
        None => false,
    });
    let odd = (words.len() - pairs.count()) % 2 == 1;
    odd || first.parse::<u64>().is_ok()
}

/// Names and their values.
fn settings(table: Table, words: &[String], ask: Ask<'_>) -> Result<Vec<Setting>, Refusal> {
    let mut settings: Vec<Setting> = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let pair = word.split_once('=');
        let pair = pair.and_then(|(name, value)| Some((option(table, name).ok()?, value)));
        let (option, value) = match pair {
            Some((option, value)) => (option, value.to_owned()),
            None => {
                let option = option(table, word)?;
                let Some(value) = words.next() else {
                    let node = table.info().cli;
                    return Err(Refusal::new(format!("{} has no value", option.cli)).hint(
                        format!(
                            "`regent configure {node} unset … {}` takes it out",
                            option.cli
                        ),
                    ));
                };
                (option, value.clone())
            }
        };
        if settings.iter().any(|one| one.option.key == option.key) {
            return Err(Refusal::new(format!("{} is said twice", option.cli)));
        }
        let value = match value.as_str() {
            "-" if super::is_secret(option) => ask(option)?,
            _ => value,
        };
        settings.push(setting(option, &value, Place::default())?);
    }
    Ok(settings)
}

/// Makes a change that lets defaults count again.
pub fn unset(table: Table, words: &[String]) -> Result<Change, Refusal> {
    let (target, rest) = target(table, &Verb::Set, words)?;
    if rest.is_empty() {
        return Err(Refusal::new("nothing is to be unset").hint("name the parameters"));
    }
    let reset = |word: &String| {
        Ok(Setting {
            option: option(table, word)?,
            value: None,
            place: Place::default(),
        })
    };
    Ok(Change {
        place: Place::default(),
        target,
        verb: Verb::Set,
        settings: rest.iter().map(reset).collect::<Result<_, Refusal>>()?,
    })
}

/// Makes a change that gives a row another name.
pub fn rename(table: Table, words: &[String]) -> Result<Change, Refusal> {
    let (target, rest) = target(table, &Verb::Set, words)?;
    let [new] = rest else {
        let node = table.info().cli;
        let hint = format!("regent configure {node} rename {} NEW", row_word(table));
        return Err(Refusal::new("the new name is missing, or is more than one word").hint(hint));
    };
    let option = option(table, "name")?;
    Ok(Change {
        place: Place::default(),
        target,
        verb: Verb::Set,
        settings: vec![setting(option, new, Place::default())?],
    })
}

/// What is typed for a verb.
fn verb_word(verb: &Verb) -> &'static str {
    match verb {
        Verb::Add | Verb::Put => "add",
        Verb::Set => "set",
        Verb::Remove => "remove",
        Verb::Defaults => "defaults",
    }
}
