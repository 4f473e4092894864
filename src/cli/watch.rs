//! `regent status --watch`: the live screen, or one line per change.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::args::Status;
use super::connect::connect;
use super::follow::{Turn, say_object};
use super::live::{self, Options, Start};
use super::screen::{Screen, note};
use super::signals::Signals;
use super::status::{NO_MATCH, PATIENCE, now};
use super::{End, Failure};
use crate::control::protocol::{Call, Filter, Item, Says};
use crate::control::{Client, ClientError};
use crate::status::table::{self, Tone};
use crate::status::words::{clean, clock, count};
use crate::status::{AccountStatus, Phase, StatusWord};

/// Keeps showing Accounts until it is told to end.
pub(super) fn watch(filter: Filter, arguments: &Status) -> Result<End, Failure> {
    let screen = Screen::new();
    if !arguments.json && is_seen(&screen) {
        let start = match &arguments.account {
            Some(name) => Start::Account(name.clone()),
            None => Start::Accounts,
        };
        return on_screen(filter, arguments, start);
    }
    let client = connect(&arguments.socket, PATIENCE)?;
    if arguments.json {
        return lines(client, &filter, |news| match news {
            News::Account(status) => say_object(status),
            News::Turn(turn) => say_object(&turn),
        });
    }
    let mut shown = BTreeMap::new();
    lines(client, &filter, |news| {
        let status = match news {
            News::Account(status) => status,
            News::Turn(turn) => {
                if let Turn::Removed(name) = turn {
                    shown.remove(name);
                }
                note(&words(&turn));
                return Ok(());
            }
        };
        let essence = Essence::of(status);
        if shown.get(&status.name) == Some(&essence) {
            return Ok(());
        }
        shown.insert(Arc::clone(&status.name), essence);
        let mut line = vec![(Tone::Quiet, format!("{} ", clock(now())))];
        line.extend(table::news(status));
        screen.print(&[line])
    })
}

/// Whether somebody sits there, who looks and has keys.
pub(super) fn is_seen(screen: &Screen) -> bool {
    screen.is_terminal() && io::stdin().is_terminal()
}

/// The live screen.
pub(super) fn on_screen(filter: Filter, arguments: &Status, start: Start) -> Result<End, Failure> {
    let signals = Signals::take()?;
    // Phases and registrars change, so the screen looks at them itself.
    let filter = Filter {
        phases: Vec::new(),
        registrars: Vec::new(),
        ..filter
    };
    let options = Options {
        connect: &|| connect(&arguments.socket, PATIENCE),
        filter,
        phases: &arguments.phase,
        registrars: &arguments.registrar,
        sort: arguments.sort.unwrap_or_default(),
        tab: start,
        words: "",
        end: None,
    };
    live::live(&options, &signals)
}

/// What a watch has to tell.
enum News<'n> {
    Account(&'n AccountStatus),
    Turn(Turn<'n>),
}

/// What has happened beside the Accounts, for people.
fn words(turn: &Turn<'_>) -> String {
    match turn {
        Turn::Missed(number) => format!("too slow: {} missed", count(*number, "change")),
        Turn::Removed(account) => format!("{}: removed", clean(account)),
        Turn::State(status) => super::status::state(status).map_or_else(
            || IS_KEPT.to_owned(),
            |line| line.into_iter().map(|(_, text)| text).collect(),
        ),
    }
}

/// Prints what comes, as it comes.
fn lines(
    mut client: Client,
    filter: &Filter,
    mut print: impl FnMut(News<'_>) -> io::Result<()>,
) -> Result<End, Failure> {
    client.say(Call::Watch(Some(filter.clone())))?;
    loop {
        match client.next_read()? {
            Some(Says::Item(Item::Account(status))) => print(News::Account(&status))?,
            Some(Says::Item(Item::Missed(number))) => {
                print(News::Turn(Turn::Missed(number)))?;
                // Once more from the start: a second request ends the first.
                client.say(Call::Watch(Some(filter.clone())))?;
            }
            Some(Says::Item(Item::Removed { account })) => {
                print(News::Turn(Turn::Removed(&account)))?;
            }
            Some(Says::Item(Item::State(status))) => print(News::Turn(Turn::State(&status)))?,
            Some(Says::Item(Item::Watching(first))) => {
                if first.matching == 0 && first.total > 0 {
                    note(&format!("{NO_MATCH} now"));
                }
            }
            Some(Says::Error(fault)) => return Err(ClientError::Fault(fault).into()),
            Some(Says::Item(_) | Says::Done(_)) => {}
            None => {
                wait(&mut client, LONG)?;
            }
        }
    }
}

/// Reads what comes, waiting no longer than `patience` for it. It is an error if nobody reads the
/// standard output any more: where nothing changes, nothing is printed that would tell. Returns
/// whether anything came.
pub(super) fn wait(client: &mut Client, patience: Duration) -> Result<bool, ClientError> {
    let stdout = io::stdout();
    let mut files = [
        PollFd::new(client.as_fd(), PollFlags::POLLIN),
        PollFd::new(stdout.as_fd(), PollFlags::empty()),
    ];
    let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::MAX);
    match poll(&mut files, patience) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(ClientError::Broken(errno.into())),
    }
    let [has_news, is_closed] = files.map(|file| file.any().unwrap_or(false));
    if is_closed {
        return Err(ClientError::Output(io::ErrorKind::BrokenPipe.into()));
    }
    if has_news {
        client.read(SECOND)?;
    }
    Ok(has_news)
}

/// What a line of [`news`] shows; a refresh changes nothing of it.
#[derive(PartialEq, Eq)]
struct Essence {
    phase: Phase,
    word: StatusWord,
    registrar: Option<std::net::SocketAddr>,
    detail: Option<Arc<str>>,
}

impl Essence {
    fn of(status: &AccountStatus) -> Self {
        Self {
            phase: status.phase,
            word: status.status,
            registrar: status.registrar,
            detail: status.detail.clone(),
        }
    }
}

/// Said where the state was not written, and is again.
const IS_KEPT: &str = "the state is written again";

const SECOND: Duration = Duration::from_secs(1);
pub(super) const LONG: Duration = Duration::from_secs(3_600);
