//! `regent events`.

use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgGroup, Args, Command};
use clap_complete::engine::ArgValueCompleter;

use super::connect::{self, Socket, StateDirectory, connect};
use super::follow::{Turn, say_object};
use super::screen::{Screen, note, out};
use super::status::PATIENCE;
use super::watch::{LONG, wait};
use super::{End, Failure, complete, moment};
use crate::control::protocol::{Call, FaultCode, Filter, Item, Past, Says};
use crate::control::{Client, ClientError};
use crate::status::events::Columns;
use crate::status::history::{Entry, EntryKind, Wanted};
use crate::status::words::{PHASES, count, phase_key};
use crate::status::{SCHEMA, UnixMs};
use crate::store::{self, History};

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("source").args(["directory", "path"]))]
pub(super) struct Events {
    /// Only about these Accounts, by name; they need not exist any more
    #[arg(value_name = "ACCOUNT", add = ArgValueCompleter::new(complete::accounts))]
    accounts: Vec<String>,

    /// Only from this time on: how long ago (90s, 2h, 1d12h), or when (2026-11-22,
    /// "2026-11-22 10:00", 2026-11-22T10:00:00Z), in UTC
    #[arg(long, value_name = "WHEN", value_parser = moment::parse)]
    since: Option<UnixMs>,

    /// Only before this time
    #[arg(long, value_name = "WHEN", value_parser = moment::parse, conflicts_with = "follow")]
    until: Option<UnixMs>,

    /// Only of this kind; may be given more than once
    #[arg(long, value_name = "KIND", value_parser = Kinds)]
    kind: Vec<EntryKind>,

    /// No more than the newest N of the past; 0 for all
    #[arg(long, short = 'n', value_name = "N", default_value_t = 1_000)]
    limit: u32,

    /// Go on with what happens, until Ctrl-C
    #[arg(long, short)]
    follow: bool,

    /// Print JSON: {"schema": 1, "events": [...]}; with --follow one line per event
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    state: StateDirectory,

    #[command(flatten)]
    socket: Socket,
}

/// Reads a kind by its word.
#[derive(Clone)]
struct Kinds;

impl Kinds {
    fn words() -> [PossibleValue; EntryKind::ALL.len()] {
        EntryKind::ALL.map(|(_, word, meaning)| PossibleValue::new(word).help(meaning))
    }
}

impl TypedValueParser for Kinds {
    type Value = EntryKind;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<EntryKind, clap::Error> {
        let word = PossibleValuesParser::new(Self::words()).parse_ref(command, arg, value);
        let word = word.map_err(|mut error| {
            // The nearest kind is not what is meant by a phase.
            if PHASES.iter().any(|phase| phase_key(*phase) == value) {
                let tip = format!(
                    "{} is a phase: `--kind phase` shows every change of a phase",
                    value.display()
                );
                let tips = ContextValue::StyledStrs(vec![tip.into()]);
                error.insert(ContextKind::Suggested, tips);
                let kind = ContextValue::String("phase".to_owned());
                error.insert(ContextKind::SuggestedValue, kind);
            }
            error
        })?;
        Ok(EntryKind::of(&word))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Self::words().into_iter()))
    }
}

/// Shows what has happened: from the daemon, or from the file where none runs.
pub(super) fn events(arguments: &Events) -> Result<End, Failure> {
    let mut printer = Printer::new(arguments);
    if let Some(directory) = arguments.directory() {
        if arguments.follow {
            let why = "--follow asks the daemon, and --state-directory reads without one";
            return Err(Failure::usage(why.to_owned()));
        }
        read(&directory, arguments, &mut printer)?;
        return printer.finish();
    }
    match connect(&arguments.socket, PATIENCE) {
        Ok(client) => {
            let client = known(client, &arguments.accounts)?;
            ask(client, arguments, &mut printer)?;
        }
        Err(failure) => {
            let is_open = arguments.socket.named().is_none() && !arguments.follow;
            let Some(directory) = left_behind().filter(|_| is_open) else {
                return Err(failure);
            };
            note(&format!(
                "no daemon runs; read from {}",
                directory.display()
            ));
            read(&directory, arguments, &mut printer)?;
        }
    }
    printer.finish()
}

/// Where a daemon that does not run has most likely left its history.
fn left_behind() -> Option<PathBuf> {
    let configured = connect::usual_config().and_then(|config| config.agent.state_directory);
    match configured {
        Some(path) => Some(PathBuf::from(&*path)),
        None => store::find(),
    }
}

fn read(directory: &Path, arguments: &Events, printer: &mut Printer) -> Result<(), Failure> {
    let failed = |error: store::StoreError| Failure {
        hint: error.hint(),
        ..Failure::failed(error)
    };
    let history = History::open(directory).map_err(failed)?;
    let wanted = Wanted::from(arguments.past());
    let mut next = history.first(&wanted).map_err(failed)?;
    while let Some(from) = next {
        let page = history.page(&wanted, from).map_err(failed)?;
        next = page.last().map(|last| last.id + 1);
        for entry in &page {
            printer.take(entry)?;
        }
    }
    Ok(())
}

/// Refuses a name that neither an Account has nor an event of the past: it is a slip.
fn known(mut client: Client, names: &[String]) -> Result<Client, Failure> {
    for name in names {
        let filter = Filter {
            names: vec![name.clone()],
            ..Filter::default()
        };
        let fault = match client.ask(Call::Status(Some(filter)), |_| Ok(())) {
            Ok(_) => continue,
            Err(ClientError::Fault(fault)) if fault.code == FaultCode::UnknownAccount => fault,
            Err(error) => return Err(error.into()),
        };
        let past = Past {
            names: vec![name.clone()],
            limit: Some(1),
            ..Past::default()
        };
        let mut is_of_the_past = false;
        client.ask(Call::Events(Some(past)), |item| {
            is_of_the_past |= matches!(item, Item::Event(_));
            Ok(())
        })?;
        if !is_of_the_past {
            return Err(ClientError::Fault(fault).into());
        }
    }
    Ok(client)
}

fn ask(mut client: Client, arguments: &Events, printer: &mut Printer) -> Result<(), Failure> {
    let call = Call::Events(Some(arguments.past()));
    if !arguments.follow {
        client.ask(call, |item| {
            if let Item::Event(entry) = item {
                printer.take(&entry).map_err(ClientError::Output)?;
            }
            Ok(())
        })?;
        return Ok(());
    }
    client.say(call)?;
    // What comes at once belongs together, and is aligned so.
    let mut patience = GATHER;
    loop {
        match client.next_read()? {
            Some(Says::Item(Item::Event(entry))) => printer.take(&entry)?,
            Some(Says::Item(Item::Missed(number))) => {
                if arguments.json {
                    say_object(&Turn::Missed(number))?;
                } else {
                    note(&format!("too slow: {} missed", count(number, "event")));
                }
            }
            Some(Says::Error(fault)) => return Err(ClientError::Fault(fault).into()),
            Some(Says::Item(_) | Says::Done(_)) => {}
            None => {
                let is_quiet = !wait(&mut client, patience)?;
                if is_quiet {
                    printer.flush()?;
                }
                patience = if is_quiet { LONG } else { GATHER };
            }
        }
    }
}

impl Events {
    /// The state directory that is to be read without a daemon: the one on the command line, or
    /// that of the environment where no daemon is named.
    fn directory(&self) -> Option<PathBuf> {
        let given = self.state.directory.clone();
        let usual = || self.state.named().filter(|_| self.socket.named().is_none());
        given.or_else(usual)
    }

    fn past(&self) -> Past {
        Past {
            names: self.accounts.clone(),
            kinds: self.kind.clone(),
            since: self.since,
            until: self.until,
            limit: (self.limit > 0).then_some(self.limit),
            follow: self.follow,
        }
    }
}

/// Prints entries: aligned as far as they come together, or as JSON as they come.
struct Printer {
    screen: Screen,
    columns: Columns,
    waiting: Vec<Entry>,
    is_json: bool,
    is_stream: bool,
    printed: u64,
    limit: u32,
}

impl Printer {
    fn new(arguments: &Events) -> Self {
        Self {
            screen: Screen::new(),
            columns: Columns::default(),
            waiting: Vec::new(),
            is_json: arguments.json,
            is_stream: arguments.follow,
            printed: 0,
            limit: arguments.limit,
        }
    }

    fn take(&mut self, entry: &Entry) -> io::Result<()> {
        self.printed += 1;
        if self.is_json {
            return self.take_json(entry);
        }
        self.columns.fit(entry);
        self.waiting.push(entry.clone());
        if self.waiting.len() >= TOGETHER {
            self.flush()?;
        }
        Ok(())
    }

    fn take_json(&self, entry: &Entry) -> io::Result<()> {
        if self.is_stream {
            return say_object(entry);
        }
        let text = serde_json::to_string(entry)?;
        let opening = match self.printed {
            1 => format!("{{\"schema\":{SCHEMA},\"events\":[\n"),
            _ => ",\n".to_owned(),
        };
        out().write_all((opening + &text).as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        let columns = &mut self.columns;
        let entries = self.waiting.drain(..);
        let lines: Vec<_> = entries.map(|entry| columns.line(&entry)).collect();
        self.screen.print(&lines)
    }

    fn finish(mut self) -> Result<End, Failure> {
        if self.is_json {
            let opening = format!("{{\"schema\":{SCHEMA},\"events\":[");
            let ending = "\n]}\n";
            let mut out = out();
            if self.printed == 0 {
                out.write_all(opening.as_bytes())?;
            }
            out.write_all(ending.as_bytes())?;
            out.flush()?;
            return Ok(End::Done);
        }
        self.flush()?;
        if self.printed == 0 {
            note("no event matches");
        } else if self.limit > 0 && self.printed >= u64::from(self.limit) {
            let limit = self.limit;
            note(&format!("the newest {limit}; --limit 0 shows all"));
        }
        Ok(End::Done)
    }
}

/// So many entries are aligned with each other at most, so that all of a long history need not fit
/// in memory.
const TOGETHER: usize = 10_000;

/// Entries within this time are aligned with each other.
const GATHER: Duration = Duration::from_millis(50);

pub(super) const EXAMPLES: &str = "\
Times are in UTC. Without a daemon the history is read from where it
keeps its state.

Examples:
  regent events                        the newest thousand
  regent events main --since 2h        one Account, the last two hours
  regent events --since 2026-11-22 --until 2026-11-23 --limit 0
  regent events --kind member --follow what registrars do, as it happens
  regent events --kind order           who ordered what
  regent events --json                 the same for programs";
