//! What the shell offers on Tab: names that exist, parameters and their words.
//!
//! Names come from the daemon that runs, else from the file at the usual place. Whatever goes wrong
//! is kept quiet: somebody is typing.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::Duration;

use clap::CommandFactory as _;
use clap_complete::CompleteEnv;
use clap_complete::engine::CompletionCandidate;
use clap_complete::env::Shells;

use super::args::Arguments;
use super::connect::{Socket, connect};
use super::{Failure, configure::daemon_file};
use crate::config::options::{Kind, Table};
use crate::configure::{self, Document};
use crate::control::protocol::{Call, Filter, Item};
use crate::daemon;

/// Answers a shell that asks what can stand at the cursor; whether one did.
pub(super) fn complete(arguments: &[OsString]) -> clap::error::Result<bool> {
    if env::var_os(VARIABLE).is_none_or(|shell| shell.is_empty()) {
        return Ok(false);
    }
    let folder = env::current_dir().ok();
    CompleteEnv::with_factory(Arguments::command)
        .var(VARIABLE)
        .try_complete(arguments.iter().cloned(), folder.as_deref())
}

/// The script that makes a shell ask.
pub(super) fn script(shell: clap_complete::Shell) -> Result<Vec<u8>, Failure> {
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let name = shell.to_string();
    let completer = shells
        .completer(&name)
        .ok_or_else(|| Failure::usage(format!("there is no completion for {name}")))?;
    completer.write_registration(VARIABLE, "regent", "regent", "regent", &mut script)?;
    Ok(script)
}

/// The names of Accounts.
pub(super) fn accounts(current: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::read();
    let typed = current.to_string_lossy();
    let names =
        told(&line, &typed).or_else(|| Some(configure::names(&line.document()?, Table::Account)));
    offered(names.unwrap_or_default(), &typed)
}

/// The names of Proxy Sets.
pub(super) fn proxy_sets(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = Line::read()
        .document()
        .map(|document| configure::names(&document, Table::ProxySet));
    offered(names.unwrap_or_default(), &current.to_string_lossy())
}

/// The names of IP Groups.
pub(super) fn groups(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = Line::read()
        .document()
        .map(|document| configure::names(&document, Table::IpGroup));
    offered(names.unwrap_or_default(), &current.to_string_lossy())
}

/// The names of subscriptions of alerts.
pub(super) fn subscriptions(current: &OsStr) -> Vec<CompletionCandidate> {
    let names = Line::read()
        .document()
        .map(|document| configure::names(&document, Table::Alert));
    offered(names.unwrap_or_default(), &current.to_string_lossy())
}

/// What can stand among the words of `regent configure TABLE VERB`.
pub(super) fn configure_word(current: &OsStr) -> Vec<CompletionCandidate> {
    let line = Line::read();
    let typed = current.to_string_lossy();
    let candidates = line.configure_words(&typed);
    offered(candidates.unwrap_or_default(), &typed)
}

/// What the daemon says of its Accounts.
fn told(line: &Line, typed: &str) -> Option<Vec<String>> {
    let mut client = connect(&line.socket(), PATIENCE).ok()?;
    let filter = Filter {
        matching: (!typed.is_empty()).then(|| typed.to_owned()),
        limit: Some(OFFERED),
        ..Filter::default()
    };
    let mut names = Vec::new();
    let done = client.ask(Call::Status(Some(filter)), |item| {
        if let Item::Account(account) = item {
            names.push(account.name.to_string());
        }
        Ok(())
    });
    done.ok().map(|_| names)
}

/// The words on the line before the cursor.
struct Line {
    words: Vec<String>,
    socket: Option<PathBuf>,
    config: Option<PathBuf>,
}

impl Line {
    /// The shell hands the line over behind `--`, and where the cursor is.
    fn read() -> Self {
        let all = env::args_os().map(|word| word.to_string_lossy().into_owned());
        let all: Vec<String> = all.skip_while(|word| word != "--").skip(2).collect();
        let index = env::var("_CLAP_COMPLETE_INDEX").ok();
        let index: Option<usize> = index.and_then(|index| index.parse().ok());
        let end = index.map_or(all.len(), |index| index).saturating_sub(1);
        let mut line = Self {
            words: Vec::new(),
            socket: None,
            config: None,
        };
        let mut words = all.into_iter().take(end);
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
                _ => (word.as_str(), None),
            };
            let mut value = || value.clone().or_else(|| words.next()).map(PathBuf::from);
            match name {
                "--socket" => line.socket = value(),
                "--config" | "-c" => line.config = value(),
                name if name.starts_with('-') && name.len() > 1 => {}
                _ => line.words.push(word),
            }
        }
        line
    }

    fn socket(&self) -> Socket {
        Socket {
            path: self.socket.clone(),
        }
    }

    /// The configuration that the line is about.
    fn document(&self) -> Option<Document> {
        let usual = || {
            daemon::usual_places()
                .into_iter()
                .find(|path| path.exists())
        };
        let running = || daemon_file(&self.socket(), PATIENCE);
        let path = self.config.clone().or_else(running).or_else(usual)?;
        Document::parse(&configure::read(&path).ok()?).ok()
    }

    fn configure_words(&self, typed: &str) -> Option<Vec<String>> {
        let [command, table, verb, words @ ..] = self.words.as_slice() else {
            return None;
        };
        let table = configure::table(table).filter(|_| command == "configure")?;
        let rows = configure::row_words(table);
        let names = || table.options().map(|option| option.cli.to_owned());
        let unused = |words: &[String]| {
            let is_unused = |name: &String| !words.contains(name);
            names().filter(is_unused).collect()
        };
        // The row of a new one may be left out.
        let is_named = words
            .first()
            .is_some_and(|first| configure::option(table, first).is_ok());
        let rows = match verb.as_str() {
            "add" if table == Table::Proxy => 1,
            "add" if is_named => 0,
            "add" if words.is_empty() => return Some(unused(words)),
            _ => rows,
        };
        if words.len() < rows {
            let document = self.document()?;
            let known = match (table, words) {
                (Table::Proxy, []) => configure::names(&document, Table::ProxySet),
                (Table::Proxy, [set, ..]) => configure::addresses(&document, set),
                (table, _) => configure::names(&document, table),
            };
            return Some(known);
        }
        let words = &words[rows..];
        match verb.as_str() {
            "unset" => Some(unused(words)),
            "add" | "set" if words.len() % 2 == 0 => Some(unused(words)),
            "add" | "set" => {
                let option = configure::option(table, words.last()?).ok()?;
                Some(match option.kind {
                    Kind::Words(words) => words.iter().map(|word| word.cli.to_owned()).collect(),
                    Kind::Flag => ["enable", "disable"].map(str::to_owned).to_vec(),
                    Kind::Reference(table) => configure::names(&self.document()?, table),
                    Kind::Names(table) => {
                        let mut names = vec!["all".to_owned()];
                        names.extend(configure::names(&self.document()?, table));
                        names
                    }
                    Kind::Text { .. } if configure::is_secret(option) && typed.is_empty() => {
                        vec!["-".to_owned()]
                    }
                    Kind::Text { .. }
                    | Kind::Whole { .. }
                    | Kind::Ip
                    | Kind::Peer
                    | Kind::Ports
                    | Kind::Addresses { .. }
                    | Kind::Texts { .. }
                    | Kind::Codes { .. }
                    | Kind::Rows(_) => Vec::new(),
                })
            }
            _ => None,
        }
    }
}

/// Those that begin as what is typed.
fn offered(names: Vec<String>, typed: &str) -> Vec<CompletionCandidate> {
    // What bash gets is put into the line as it is.
    let is_bash = env::var_os("_CLAP_COMPLETE_COMP_TYPE").is_some();
    let bare = typed.replace('\\', "");
    let bare = bare.trim_start_matches(['"', '\'']);
    let names = names.into_iter().filter(|name| name.starts_with(bare));
    let names = names.filter(|name| !name.chars().any(char::is_control));
    let word = |name: String| match is_bash && !typed.starts_with(['"', '\'']) {
        true => escaped(&name),
        false => name,
    };
    names
        .take(OFFERED as usize)
        .map(|name| CompletionCandidate::new(word(name)))
        .collect()
}

/// A name as it is typed in a shell. What a shell gives no meaning to stays as it is.
fn escaped(name: &str) -> String {
    let is_plain = |one: char| {
        one.is_alphanumeric()
            || matches!(
                one,
                '-' | '_' | '.' | ':' | '/' | '+' | '@' | ',' | '=' | '?' | '%'
            )
    };
    let mut text = String::new();
    for one in name.chars() {
        if !is_plain(one) {
            text.push('\\');
        }
        text.push(one);
    }
    text
}

/// What a shell says that it asks with.
const VARIABLE: &str = "REGENT_COMPLETE";
/// More than this nobody reads.
const OFFERED: u32 = 500;
/// Whoever types does not wait longer.
const PATIENCE: Duration = Duration::from_secs(1);
