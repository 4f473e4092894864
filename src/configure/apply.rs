//! Carries out a change, or says why it cannot be. References between rows stay whole: a name that
//! changes changes wherever it is used, and what is still used does not go.

use super::document::{Document, Path};
use super::grammar::{Change, Setting, Target, Verb, is_secret, name_of};
use super::refusal::Refusal;
use crate::config::options::{Fallback, Kind, Opt, Table};
use crate::config::{Typed, nearest};

/// What has become of a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Applied {
    /// The row that it was about; none if that is gone.
    pub(super) row: Option<Path>,
}

/// Carries out a change.
pub(super) fn apply(document: &mut Document, change: &Change) -> Result<Applied, Refusal> {
    let at = |refusal: Refusal| match refusal.place {
        place if place == Default::default() => refusal.at(change.place),
        _ => refusal,
    };
    let before = document.indexes();
    let row = carry_out(document, change).map_err(at)?;
    let gone = (change.verb == Verb::Remove && change.target.table == Table::Account)
        .then_some(row)
        .flatten();
    keep_indexes(document, &before, row, gone);
    Ok(Applied {
        row: row.filter(|_| change.verb != Verb::Remove),
    })
}

fn carry_out(document: &mut Document, change: &Change) -> Result<Option<Path>, Refusal> {
    let target = &change.target;
    let found = find(document, target)?;
    let label = || label(target);
    match (&change.verb, found) {
        (Verb::Add, Some(row)) if target.table.info().many => {
            let name = document.name(row).map(|name| format!(", {name:?}"));
            let message = format!("{} is there already{}", label(), name.unwrap_or_default());
            Err(Refusal::new(message).hint("`set` changes it"))
        }
        (Verb::Set | Verb::Defaults | Verb::Remove, None) => Err(missing(document, target)),
        (Verb::Set | Verb::Put | Verb::Add, Some(row)) => {
            set_all(document, row, &change.settings)?;
            Ok(Some(row))
        }
        (Verb::Put | Verb::Add, None) => {
            let row = make(document, change)?;
            set_all(document, row, &change.settings)?;
            Ok(Some(row))
        }
        (Verb::Defaults, Some(row)) => {
            reset(document, row);
            Ok(Some(row))
        }
        (Verb::Remove, Some(row)) => {
            remove(document, row, &label())?;
            Ok(Some(row))
        }
    }
}

/// Finds a row. An Account goes by its index first, all else by name first.
pub(super) fn find(document: &Document, target: &Target) -> Result<Option<Path>, Refusal> {
    if !target.table.info().many {
        return Ok(Some(Path::new(target.table, 0)));
    }
    let Some(word) = &target.row else {
        return Ok(None);
    };
    let number: Option<usize> = word.parse().ok();
    if target.table == Table::Proxy {
        let set = find_set(document, target)?;
        let count = document.proxies(set);
        let by_address = || {
            let mut all = (0..count).map(|at| set.proxy(at));
            all.find(|path| document.string(*path, "address") == Some(word))
        };
        let by_place = number.filter(|at| *at < count).map(|at| set.proxy(at));
        return match (by_place.or_else(by_address), number) {
            (Some(found), _) => Ok(Some(found)),
            // The next place is a new one, any further one would leave a hole.
            (None, Some(at)) if at > count => Err(Refusal::new(format!(
                "proxy-ip {at} would leave a hole: the set has {count}"
            ))
            .hint(format!("the next one is proxy-ip {count}"))),
            (None, _) => Ok(None),
        };
    }
    let names = document.names(target.table);
    let by_name = || names.iter().position(|name| name == word);
    let path = |at| Path::new(target.table, at);
    if target.table == Table::Account {
        let indexes = document.indexes();
        let place = |index: usize| indexes.iter().position(|one| *one as usize == index);
        return Ok(number.and_then(place).or_else(by_name).map(path));
    }
    let found = by_name().map(path);
    Ok(found.or_else(|| document.numbered(target.table, number?)))
}

/// The set that an address belongs to.
pub(super) fn find_set(document: &Document, target: &Target) -> Result<Path, Refusal> {
    let set = Target {
        table: Table::ProxySet,
        set: None,
        row: target.set.clone(),
    };
    find(document, &set)?.ok_or_else(|| missing(document, &set))
}

pub(super) fn missing(document: &Document, target: &Target) -> Refusal {
    let refusal = Refusal::new(format!("there is no {}", label(target)));
    let word = target.row.as_deref().unwrap_or_default();
    let names = document.names(target.table);
    match nearest(word, names.iter().map(String::as_str)) {
        Some(near) => refusal.hint(format!("did you mean {near:?}?")),
        None if target.table == Table::Proxy => refusal,
        None => refusal.hint(format!(
            "`regent configure {} list` names them",
            target.table.info().cli
        )),
    }
}

/// What a row is called in messages.
pub(super) fn label(target: &Target) -> String {
    let node = target.table.info().cli;
    match (&target.row, &target.set) {
        (Some(row), Some(set)) => format!("proxy-set {set}, {node} {row}"),
        (Some(row), None) => format!("{node} {row}"),
        (None, _) => node.to_owned(),
    }
}

/// Makes a row with the index, the name or the address that it was called by.
fn make(document: &mut Document, change: &Change) -> Result<Path, Refusal> {
    let Target {
        table, row: word, ..
    } = &change.target;
    let (table, word) = (*table, word.as_deref());
    let is_named = change
        .settings
        .iter()
        .any(|setting| setting.option.key == "name" && setting.value.is_some());
    let number: Option<usize> = word.and_then(|word| word.parse().ok());
    // A number is a name where there is a name to be given, and a number in a script.
    let number = number.filter(|_| table == Table::Account || change.verb == Verb::Put);
    if table == Table::Proxy {
        let set = find_set(document, &change.target)?;
        let row = document.push_proxy(set);
        let is_place = word.is_none_or(|word| word.parse::<usize>().is_ok());
        if let Some(word) = word.filter(|_| !is_place) {
            set_typed(document, row, "address", word)?;
        }
        return Ok(row);
    }
    let is_nameless = !is_named && (number.is_some() || word.is_none());
    if is_nameless && table != Table::Account {
        let name = name_of(table).map_or("name", |option| option.cli);
        let refusal = Refusal::new(format!("a new {} needs a name", table.info().cli));
        return Err(refusal.hint(format!("say `{name} NAME`")));
    }
    let row = document.push(table);
    match (number, word) {
        (Some(_), Some(word)) if table == Table::Account => {
            set_typed(document, row, "index", word)?;
        }
        (Some(number), _) => document.give_number(row, number),
        (None, Some(word)) if !is_named => set_typed(document, row, "name", word)?,
        (None, _) => {}
    }
    Ok(row)
}

fn set_typed(document: &mut Document, row: Path, key: &str, word: &str) -> Result<(), Refusal> {
    let Some(option) = row.kind().option(key) else {
        return Ok(());
    };
    let value = crate::config::typed(option, word);
    let value = value.map_err(|misfit| Refusal::misfit(option, misfit))?;
    document.set(row, key, &value);
    Ok(())
}

fn set_all(document: &mut Document, row: Path, settings: &[Setting]) -> Result<(), Refusal> {
    for setting in settings {
        set_one(document, row, setting).map_err(|refusal| refusal.at(setting.place))?;
    }
    Ok(())
}

fn set_one(document: &mut Document, row: Path, setting: &Setting) -> Result<(), Refusal> {
    let option = setting.option;
    let Some(value) = &setting.value else {
        if matches!(option.fallback, Fallback::Required) {
            let message = format!("{} has no default", option.cli);
            return Err(Refusal::new(message).hint("it must have a value"));
        }
        document.unset(row, option.key);
        return Ok(());
    };
    if let (Kind::Reference(table), Typed::Text(name)) = (option.kind, value) {
        check_reference(document, option, table, name)?;
    }
    if let ("name", Typed::Text(new)) = (option.key, value) {
        rename(document, row, new)?;
    }
    // A password comes from one place, and the last word counts.
    let base = secret_base(option);
    let others = option
        .table
        .options()
        .filter(|other| other.key != option.key && base.is_some() && secret_base(other) == base);
    for other in others {
        document.unset(row, other.key);
    }
    document.set(row, option.key, value);
    Ok(())
}

/// The secret that an option gives, itself or by the place where it is kept.
fn secret_base(option: &Opt) -> Option<&'static str> {
    let mut secrets = option.table.options().filter(|other| is_secret(other));
    let base = secrets.find(|other| {
        let rest = option.key.strip_prefix(other.key);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    base.map(|base| base.key)
}

/// A name that leads nowhere is told where it is said. What a script makes later must come first.
fn check_reference(
    document: &Document,
    option: &Opt,
    table: Table,
    name: &str,
) -> Result<(), Refusal> {
    let names = document.names(table);
    if names.iter().any(|one| one == name) {
        return Ok(());
    }
    let node = table.info().cli;
    let refusal = Refusal::new(format!(
        "{} is {name:?}, but there is no such {node}",
        option.cli
    ));
    let names = || names.iter().map(String::as_str);
    Err(match nearest(name, names()) {
        Some(near) => refusal.hint(format!("did you mean {near:?}?")),
        None if names().next().is_none() => refusal.hint(format!(
            "there is none yet: `regent configure {node} add {name:?} …`"
        )),
        None => {
            let known: Vec<String> = names().take(8).map(|name| format!("{name:?}")).collect();
            refusal.hint(format!("there are {}", known.join(", ")))
        }
    })
}

/// Every option that names a row of a table, or several.
fn references(table: Table) -> impl Iterator<Item = &'static Opt> {
    let options = crate::config::options::OPTIONS.iter().copied();
    options.filter(move |option| match option.kind {
        Kind::Reference(to) | Kind::Names(to) => to == table,
        Kind::Text { .. }
        | Kind::Whole { .. }
        | Kind::Flag
        | Kind::Words(_)
        | Kind::Ip
        | Kind::Peer
        | Kind::Ports
        | Kind::Codes { .. }
        | Kind::Addresses { .. }
        | Kind::Texts { .. }
        | Kind::Rows(_) => false,
    })
}

/// The names of other rows that an option of a row holds.
fn named(document: &Document, row: Path, option: &Opt) -> Vec<String> {
    if matches!(option.kind, Kind::Names(_)) {
        return document.strings(row, option.key);
    }
    let one = document.string(row, option.key);
    one.map(str::to_owned).into_iter().collect()
}

/// What an option of a row becomes with the new name in place of the old one; none if it does not
/// hold that.
fn renamed(
    document: &Document,
    (row, option): (Path, &Opt),
    (old, new): (&str, &str),
) -> Option<Typed> {
    let mut names = named(document, row, option);
    let mut own = names.iter_mut().filter(|name| **name == old).peekable();
    own.peek()?;
    own.for_each(|name| new.clone_into(name));
    let mut names = names.into_iter().map(Typed::Text);
    if matches!(option.kind, Kind::Names(_)) {
        return Some(Typed::List(names.collect()));
    }
    names.next()
}

/// Gives a row another name, there and wherever it is used.
fn rename(document: &mut Document, row: Path, new: &str) -> Result<(), Refusal> {
    let old = document.name(row);
    let is_taken = document.names(row.table).iter().any(|name| name == new);
    if old.as_deref() == Some(new) {
        return Ok(());
    }
    if is_taken {
        let node = row.table.info().cli;
        return Err(Refusal::new(format!(
            "there is another {node} {new:?} already"
        )));
    }
    let Some(old) = old else {
        return Ok(());
    };
    for option in references(row.table) {
        let users: Vec<Path> = document.rows(option.table).collect();
        for user in users {
            if let Some(renamed) = renamed(document, (user, option), (&old, new)) {
                document.set(user, option.key, &renamed);
            }
        }
    }
    Ok(())
}

/// Takes a row out unless something refers to it.
fn remove(document: &mut Document, row: Path, label: &str) -> Result<(), Refusal> {
    if row.proxy.is_some() && document.proxies(row) == 1 {
        let message = format!("{label} is the only address of its set");
        return Err(Refusal::new(message).hint("add another one first, or remove the set"));
    }
    if row.proxy.is_none()
        && let Some(name) = document.name(row)
    {
        let users = users(document, row.table, &name);
        if let Some(first) = users.first() {
            let more = match users.len() {
                0 | 1 => String::new(),
                many => format!(" and {} more", many - 1),
            };
            let message = format!("{label} is in use by {first}{more}");
            let hint = "remove what uses it first, or let it use another one";
            return Err(Refusal::new(message).hint(hint));
        }
    }
    document.remove(row);
    Ok(())
}

/// Who refers to a row, in words.
fn users(document: &Document, table: Table, name: &str) -> Vec<String> {
    let mut users = Vec::new();
    for option in references(table) {
        for user in document.rows(option.table) {
            if named(document, user, option).iter().any(|one| one == name) {
                let who = document.name(user).unwrap_or_default();
                let node = option.table.info().cli;
                users.push(format!("{node} {who:?} ({})", option.cli));
            }
        }
    }
    users
}

/// Lets the defaults count for all that has one, but what a row is called.
fn reset(document: &mut Document, row: Path) {
    for option in row.kind().options() {
        let is_kept =
            matches!(option.fallback, Fallback::Required) || matches!(option.key, "name" | "index");
        if !is_kept {
            document.unset(row, option.key);
        }
    }
}

/// An Account without an index in the file has one by its place. Where that would change because
/// another row came or went, the file names it from now on.
fn keep_indexes(document: &mut Document, before: &[u32], row: Option<Path>, gone: Option<Path>) {
    let own = row.filter(|row| row.table == Table::Account && gone.is_none());
    let mut before = before.to_vec();
    if let Some(gone) = gone {
        before.remove(gone.at);
    }
    // What one row names is free for none that names nothing, so it is looked at again.
    loop {
        let after = document.indexes();
        let pairs = before.iter().zip(&after).enumerate();
        let moved: Vec<(Path, u32)> = pairs
            .filter(|(_, (was, is))| was != is)
            .map(|(at, (was, _))| (Path::new(Table::Account, at), *was))
            .filter(|(account, _)| own != Some(*account))
            .collect();
        if moved.is_empty() {
            return;
        }
        for (account, was) in moved {
            document.set(account, "index", &Typed::Whole(was.into()));
        }
    }
}
