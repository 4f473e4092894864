//! `regent configure`.

mod args;
mod place;
mod report;

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use self::args::{Asked, OneVerb, RowVerb, Show, What};
pub(super) use self::args::{Configure, EXAMPLES};
use self::place::Place;
use super::{End, Failure, screen};
use crate::config::options::Table;
use crate::configure::{
    self, Change, Document, Edit, Form, Locked, Refusal, Script, Session, Step, Verb, Words, help,
};
use crate::daemon;

/// The file that the daemon runs from, if one answers in time.
pub(super) fn daemon_file(socket: &super::connect::Socket, limit: Duration) -> Option<PathBuf> {
    place::ask(socket, limit).ok().map(|(_, file)| file)
}

/// Changes a configuration, or shows it.
pub(super) fn configure(arguments: &Configure) -> Result<End, Failure> {
    if arguments.script.is_some() && arguments.what.is_some() {
        let usage = Failure::usage("a script and a command are given".to_owned());
        return Err(usage.hint("one at a time"));
    }
    let Some(what) = &arguments.what else {
        return script(arguments);
    };
    if let Some((table, asked)) = what.table() {
        return row(arguments, table, &asked);
    }
    if matches!(what, What::Show) {
        let document = read(arguments)?;
        screen::say(configure::as_script(&document).trim_end())?;
    } else {
        screen::say(&report::tables())?;
    }
    Ok(End::Done)
}

/// Which file is changed, and how.
pub(super) struct Whither {
    pub(super) config: Option<PathBuf>,
    pub(super) dry_run: bool,
    pub(super) socket: super::connect::Socket,
}

/// Carries out the change that `edit` makes of the file that is meant, and tells the daemon that
/// runs from it.
pub(super) fn carry<E>(
    whither: Whither,
    edit: impl FnOnce(&Path) -> Result<Edit, E>,
) -> Result<Result<End, E>, Failure> {
    let arguments = Configure {
        what: None,
        config: whither.config,
        dry_run: whither.dry_run,
        script: None,
        each: false,
        socket: whither.socket,
    };
    let mut place = Place::find(&arguments)?;
    match edit(place.file()) {
        Ok(edit) => Ok(Ok(put(&arguments, &mut place, edit)?.0)),
        Err(error) => Ok(Err(error)),
    }
}

/// What is said about one table.
fn row(arguments: &Configure, table: Table, asked: &Asked<'_>) -> Result<End, Failure> {
    let words = |verb: Verb, words: &[String]| match helped(table, words) {
        Some(end) => end,
        None => {
            let words = Words { table, verb, words };
            one(arguments, configure::change(&words, &mut password))
        }
    };
    match asked {
        Asked::Row(RowVerb::Add(given)) => words(Verb::Add, &given.words),
        Asked::Row(RowVerb::Set(given)) | Asked::One(OneVerb::Set(given)) => {
            words(Verb::Set, &given.words)
        }
        Asked::Row(RowVerb::Unset(given)) | Asked::One(OneVerb::Unset(given)) => {
            match helped(table, &given.words) {
                Some(end) => end,
                None => one(arguments, configure::unset(table, &given.words)),
            }
        }
        Asked::Row(RowVerb::Remove(given)) => words(Verb::Remove, &given.words),
        Asked::Row(RowVerb::Rename(given)) => {
            if table == Table::Proxy {
                let usage = Failure::usage("an address has no name".to_owned());
                return Err(usage.hint("`set … proxy-address` changes it"));
            }
            one(arguments, configure::rename(table, &given.words))
        }
        Asked::Row(RowVerb::List(given)) => list(arguments, table, &given.words),
        Asked::Row(RowVerb::Show(given)) | Asked::One(OneVerb::Show(given)) => {
            show(arguments, table, given)
        }
        Asked::Row(RowVerb::Help) | Asked::One(OneVerb::Help) => {
            screen::say(&report::verbs(table))?;
            Ok(End::Done)
        }
    }
}

/// Whether the last word asks what can stand there, and the answer.
fn helped(table: Table, words: &[String]) -> Option<Result<End, Failure>> {
    let (last, before) = words.split_last()?;
    if last != "?" {
        return None;
    }
    // Behind the name of a parameter its value is asked for, unless the name is itself a value.
    let name = before
        .last()
        .and_then(|name| configure::option(table, name).ok());
    let text = match name.filter(|_| report::is_name_expected(table, before.len())) {
        Some(option) => help::option(option),
        None => help::options(table),
    };
    Some(
        screen::say(text.trim_end())
            .map(|()| End::Done)
            .map_err(Into::into),
    )
}

fn list(arguments: &Configure, table: Table, words: &[String]) -> Result<End, Failure> {
    let set = match (table, words) {
        (Table::Proxy, [set]) => Some(set.as_str()),
        (Table::Proxy, _) => {
            let usage = Failure::usage("the proxy set is missing".to_owned());
            return Err(usage.hint("regent configure proxy-ip list SET"));
        }
        (_, []) => None,
        (_, [word, ..]) => {
            return Err(Failure::usage(format!("{word:?} is one word too many"))
                .hint("`show` takes a name"));
        }
    };
    let document = read(arguments)?;
    let text = configure::list(&document, table, set).map_err(report::usage)?;
    if !text.is_empty() {
        screen::say(text.trim_end())?;
    }
    Ok(End::Done)
}

fn show(arguments: &Configure, table: Table, given: &Show) -> Result<End, Failure> {
    let target = configure::shown(table, &given.words).map_err(report::usage)?;
    let document = read(arguments)?;
    let text = if given.json {
        let value = configure::json(&document, &target).map_err(report::usage)?;
        serde_json::to_string_pretty(&value).map_err(Failure::failed)?
    } else {
        let form = if given.script {
            Form::Script
        } else {
            Form::Text
        };
        configure::show(&document, &target, form).map_err(report::usage)?
    };
    if !text.is_empty() {
        screen::say(text.trim_end())?;
    }
    Ok(End::Done)
}

/// The configuration as it is, without a lock.
fn read(arguments: &Configure) -> Result<Document, Failure> {
    let place = Place::find(arguments)?;
    let text = configure::read(place.file()).map_err(report::failure)?;
    Document::parse(&text).map_err(report::failure)
}

/// Carries out one change of the command line.
fn one(arguments: &Configure, change: Result<Change, Refusal>) -> Result<End, Failure> {
    let change = change.map_err(report::usage)?;
    let mut place = Place::find(arguments)?;
    let file = Locked::open(place.file()).map_err(report::failure)?;
    let mut session = Session::new(file.text()).map_err(report::failure)?;
    session.apply(&change);
    finish(arguments, &mut place, (file, session), "").map(|(end, _)| end)
}

/// Carries out a script.
fn script(arguments: &Configure) -> Result<End, Failure> {
    let (name, text) = script_text(arguments.script.as_deref())?;
    if arguments.script.is_none() && text.trim().is_empty() {
        return Err(nothing());
    }
    let Script {
        steps,
        notes,
        refusals,
    } = Script::parse(&text);
    for (at, note) in &notes {
        screen::note(&format!("{name}:{}:{}: note: {note}", at.line, at.column));
    }
    let mut place = Place::find(arguments)?;
    let mut file = Locked::open(place.file()).map_err(report::failure)?;
    let mut session = Session::new(file.text()).map_err(report::failure)?;
    if arguments.each && refusals.is_empty() && !arguments.dry_run {
        for step in &steps {
            let is_change = matches!(step, Step::Change(_));
            carry_out(&mut session, step)?;
            if is_change {
                let next = (file, session.clone());
                match finish(arguments, &mut place, next, &name)? {
                    (End::Done, Some(again)) => file = again,
                    (end, _) => return Ok(end),
                }
                session.written();
            }
        }
        return Ok(End::Done);
    }
    for step in &steps {
        carry_out(&mut session, step)?;
    }
    refusals
        .into_iter()
        .for_each(|refusal| session.refuse(refusal));
    finish(arguments, &mut place, (file, session), &name).map(|(end, _)| end)
}

fn carry_out(session: &mut Session, step: &Step) -> Result<(), Failure> {
    match step {
        Step::Change(change) => session.apply(change),
        Step::Show(target, at) => match configure::show(session.document(), target, Form::Text) {
            Ok(text) => screen::say(text.trim_end())?,
            Err(refusal) => session.refuse(refusal.at(*at)),
        },
        Step::ShowAll => screen::say(configure::as_script(session.document()).trim_end())?,
    }
    Ok(())
}

/// Writes what has become of a configuration, or says what is wrong. The file comes back where more
/// may be done to it.
fn finish(
    arguments: &Configure,
    place: &mut Place,
    (file, session): (Locked, Session),
    script: &str,
) -> Result<(End, Option<Locked>), Failure> {
    let path = file.named().to_owned();
    match Edit::new(file, session, |text| daemon::load_text(&path, text)) {
        Ok(edit) => put(arguments, place, edit),
        Err(refusals) => {
            for refusal in &refusals {
                screen::note(&refusal.located(script).to_string());
            }
            Ok((End::Failed, None))
        }
    }
}

/// Writes a good change, unless it is only to be shown.
fn put(
    arguments: &Configure,
    place: &mut Place,
    mut edit: Edit,
) -> Result<(End, Option<Locked>), Failure> {
    for note in &edit.outcome().notes {
        screen::note(&note.to_string());
    }
    if !edit.is_change() {
        screen::say(&format!("{}: nothing changes", edit.path().display()))?;
    } else if arguments.dry_run {
        screen::say(&report::dry_run(&edit))?;
    } else {
        let backup = edit.write().map_err(report::failure)?.to_owned();
        if let Some(end) = place.reload(&mut edit)? {
            return Ok((end, None));
        }
        screen::say(&report::done(&edit, &backup, place))?;
    }
    Ok((End::Done, Some(edit.into_file())))
}

/// Nothing was said.
fn nothing() -> Failure {
    let usage = Failure::usage("what is to be configured is missing".to_owned());
    usage.hint("`regent configure ?` lists it, `regent configure --help` teaches it")
}

/// A script, and what it is called in messages.
fn script_text(script: Option<&Path>) -> Result<(String, String), Failure> {
    let is_file = script.filter(|path| *path != Path::new("-"));
    if let Some(path) = is_file {
        let name = path.display().to_string();
        let text = configure::read(path).map_err(report::failure)?;
        return Ok((name, text));
    }
    if script.is_none() && io::stdin().is_terminal() {
        return Err(nothing());
    }
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::failed(anyhow!(error).context("cannot read the script")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::failed(anyhow!("the script is too long")));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|_| Failure::failed(anyhow!("the script is not UTF-8 text")))?;
    Ok(("-".to_owned(), text))
}

/// Asks for a password, without showing it; where nobody sits, it is the next line of the standard
/// input.
fn password(option: &crate::config::options::Opt) -> Result<String, Refusal> {
    super::ask::secret(&format!("{}: ", option.cli))
        .map_err(|error| Refusal::new(format!("cannot read the {}: {error}", option.cli)))
}

/// A script has no more bytes than this.
const LONGEST: u64 = 64 << 20;
