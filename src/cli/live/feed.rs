//! What the live screen knows, and where it comes from: connections to the daemon, made anew when
//! one is lost.

use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::cli::Failure;
use crate::cli::view::View;
use crate::control::protocol::{Action, Call, Filter, Item, Past, Says, Wanted};
use crate::control::{Client, ClientError};

/// How a connection is made.
pub(super) type Connect<'a> = &'a dyn Fn() -> Result<Client, Failure>;

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Line {
    /// What is asked each second, as long as it is shown.
    Polled,
    /// The events of everybody.
    Events,
    /// Those of the Account that is open.
    Timeline,
    /// Its messages.
    Messages,
    /// An order, until its outcome.
    Order,
}

/// Connections, and what they say.
pub(super) struct Feed<'a> {
    connect: Connect<'a>,
    filter: Filter,
    /// The Accounts.
    pub(super) view: View,
    lines: Vec<(Line, Client)>,
    /// Since when and why there is no daemon.
    pub(super) lost: Option<String>,
    try_again: Instant,
    /// Whether the answer of [`Line::Polled`] has not come yet.
    pub(super) is_asking: bool,
}

impl<'a> Feed<'a> {
    /// Begins with the Accounts.
    pub(super) fn new(connect: Connect<'a>, filter: Filter) -> Result<Self, Failure> {
        let view = View::new(connect()?, filter.clone())?;
        Ok(Self {
            connect,
            filter,
            view,
            lines: Vec::new(),
            lost: None,
            try_again: Instant::now(),
            is_asking: false,
        })
    }

    /// Everything that may bring news.
    pub(super) fn files(&self) -> Vec<BorrowedFd<'_>> {
        let lines = self.lines.iter().map(|(_, client)| client.as_fd());
        let view = self.lost.is_none().then(|| self.view.as_fd());
        view.into_iter().chain(lines).collect()
    }

    /// Asks on a connection of its own, which ends what was asked on it before.
    pub(super) fn ask(&mut self, line: Line, call: Call) -> Result<(), Failure> {
        self.hang_up(line);
        let mut client = (self.connect)()?;
        client.say(call)?;
        self.is_asking |= line == Line::Polled;
        self.lines.push((line, client));
        Ok(())
    }

    /// Asks once more on a connection that there is, else on a new one.
    pub(super) fn ask_again(&mut self, call: Call) -> Result<(), Failure> {
        let mut lines = self.lines.iter_mut();
        match lines.find(|(line, _)| *line == Line::Polled) {
            Some((_, client)) => {
                client.say(call)?;
                self.is_asking = true;
                Ok(())
            }
            None => self.ask(Line::Polled, call),
        }
    }

    /// Ends a connection.
    pub(super) fn hang_up(&mut self, line: Line) {
        self.is_asking &= line != Line::Polled;
        self.lines.retain(|(kind, _)| *kind != line);
    }

    /// Whether there is such a connection.
    pub(super) fn has(&self, line: Line) -> bool {
        self.lines.iter().any(|(kind, _)| *kind == line)
    }

    /// Takes in what has come. Whether the Accounts are others, and what the other connections say.
    pub(super) fn take(&mut self) -> (bool, Vec<(Line, Says)>) {
        let mut is_other = self.take_accounts();
        let mut said = Vec::new();
        let mut ended = Vec::new();
        for (line, client) in &mut self.lines {
            match drain(client) {
                Ok(says) => said.extend(says.into_iter().map(|says| (*line, says))),
                Err(_) => ended.push(*line),
            }
        }
        for line in ended {
            self.hang_up(line);
            is_other = true;
        }
        if said
            .iter()
            .any(|(line, says)| *line == Line::Polled && is_end(says))
        {
            self.is_asking = false;
        }
        (is_other, said)
    }

    fn take_accounts(&mut self) -> bool {
        if self.lost.is_some() {
            return self.come_back();
        }
        let taken = match is_ready(self.view.as_fd()) {
            true => self.view.read(SHORT).and_then(|()| self.view.take()),
            false => self.view.take(),
        };
        match taken {
            Ok(has_news) => has_news && self.view.is_complete(),
            Err(error) => {
                self.lost = Some(error.to_string());
                self.lines.clear();
                self.is_asking = false;
                self.try_again = Instant::now() + PAUSE;
                true
            }
        }
    }

    /// Looks, now and then, whether there is a daemon again.
    fn come_back(&mut self) -> bool {
        if Instant::now() < self.try_again {
            return false;
        }
        self.try_again = Instant::now() + PAUSE;
        let begun = (self.connect)()
            .and_then(|client| View::begin(client, self.filter.clone()).map_err(Failure::from));
        let view = begun.and_then(|mut view| {
            let end = Instant::now() + PAUSE;
            while !view.is_complete() {
                view.read(SHORT)?;
                view.take()?;
                if Instant::now() > end {
                    return Err(ClientError::TooLate(PAUSE).into());
                }
            }
            Ok(view)
        });
        match view {
            Ok(view) => {
                self.view = view;
                self.lost = None;
                true
            }
            Err(_) => false,
        }
    }
}

/// The events of an Account or of all, and those to come.
pub(super) fn events(account: Option<&str>, limit: u32) -> Call {
    Call::Events(Some(Past {
        names: account.into_iter().map(str::to_owned).collect(),
        limit: Some(limit),
        follow: true,
        ..Past::default()
    }))
}

/// The last messages of an Account, and those to come.
pub(super) fn messages(account: &str, limit: u32) -> Call {
    Call::Trace(Some(Wanted {
        names: vec![account.to_owned()],
        limit: Some(limit),
        follow: true,
        ..Wanted::default()
    }))
}

/// An order for one Account.
pub(super) fn action(account: &str) -> Action {
    Action {
        names: vec![account.to_owned()],
        all: false,
        force: false,
        wait: true,
    }
}

fn is_end(says: &Says) -> bool {
    match says {
        Says::Done(_) | Says::Error(_) => true,
        Says::Item(Item::Account(_)) | Says::Item(_) => false,
    }
}

/// What a connection has said, without waiting.
fn drain(client: &mut Client) -> Result<Vec<Says>, ClientError> {
    let mut said = Vec::new();
    for _ in 0..AT_ONCE {
        while let Some(says) = client.next_read()? {
            said.push(says);
        }
        if !is_ready(client.as_fd()) {
            break;
        }
        match client.read(SHORT) {
            // What was said before counts; the end is found again.
            Err(_) if !said.is_empty() => break,
            other => other?,
        }
    }
    Ok(said)
}

/// Whether something can be read at once.
fn is_ready(file: BorrowedFd<'_>) -> bool {
    let mut files = [PollFd::new(file, PollFlags::POLLIN)];
    poll(&mut files, PollTimeout::ZERO).is_ok_and(|ready| ready > 0)
}

/// Between two looks for a daemon that is gone.
const PAUSE: Duration = Duration::from_secs(1);
const SHORT: Duration = Duration::from_millis(20);
/// So many pieces of 64 KiB are taken from one connection before the others get their turn.
const AT_ONCE: usize = 8;
