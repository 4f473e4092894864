//! `regent status --watch`: the table in place, or one line per change.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{
    LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr,
};
use nix::unistd::read;

use super::args::Status;
use super::screen::{Screen, out};
use super::signals::Signals;
use super::status::{NO_MATCH, now};
use super::{End, Failure};
use crate::control::protocol::{Call, Filter, Item, Says};
use crate::control::{Client, ClientError};
use crate::status::table::{Line, Tone, cut, news, story, table, tone, totals};
use crate::status::words::{clean, clock};
use crate::status::{AccountStatus, Phase, StatusWord};

/// Keeps showing Accounts until it is told to end.
pub(super) fn watch(client: Client, filter: Filter, arguments: &Status) -> Result<End, Failure> {
    let screen = Screen::new();
    if arguments.json {
        return lines(client, filter, |status| {
            let text = serde_json::to_string(status).map_err(io::Error::from)?;
            super::screen::say(&text)
        });
    }
    if screen.is_terminal() && io::stdin().is_terminal() {
        let is_one = arguments.account.is_some();
        let mut view = View::new(client, filter, is_one)?;
        view.live(&screen, "", None, &Signals::take()?)?;
        return Ok(End::Done);
    }
    let mut shown = BTreeMap::new();
    lines(client, filter, |status| {
        let essence = Essence::of(status);
        if shown.get(&status.name) == Some(&essence) {
            return Ok(());
        }
        shown.insert(Arc::clone(&status.name), essence);
        let mut line = vec![(Tone::Quiet, format!("{} ", clock(now())))];
        line.extend(news(status));
        screen.print(&[line])
    })
}

/// Prints each status as it comes.
fn lines(
    mut client: Client,
    filter: Filter,
    mut print: impl FnMut(&AccountStatus) -> io::Result<()>,
) -> Result<End, Failure> {
    client.say(Call::Watch(Some(filter)))?;
    loop {
        match client.next_read()? {
            Some(Says::Item(Item::Account(status))) => print(&status)?,
            Some(Says::Item(Item::Missed(number))) => {
                super::screen::note(&format!("too slow: {number} changes were missed"));
            }
            Some(Says::Item(Item::Removed { account })) => {
                super::screen::note(&format!("{}: removed", clean(&account)));
            }
            Some(Says::Item(Item::State(status))) => {
                let line = super::status::state(&status);
                let text = line.map_or_else(
                    || IS_KEPT.to_owned(),
                    |line| line.into_iter().map(|(_, text)| text).collect(),
                );
                super::screen::note(&text);
            }
            Some(Says::Item(Item::Watching(first))) => {
                if first.matching == 0 && first.total > 0 {
                    super::screen::note(&format!("{NO_MATCH} now"));
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

/// Accounts as they are, kept up to date.
pub(super) struct View {
    client: Client,
    filter: Filter,
    is_one: bool,
    /// By name.
    accounts: BTreeMap<Arc<str>, Arc<AccountStatus>>,
}

impl View {
    /// Begins to watch.
    pub(super) fn new(
        mut client: Client,
        filter: Filter,
        is_one: bool,
    ) -> Result<Self, ClientError> {
        client.say(Call::Watch(Some(filter.clone())))?;
        let mut view = Self {
            client,
            filter,
            is_one,
            accounts: BTreeMap::new(),
        };
        // The first picture is complete before it is shown.
        while !view.take()? {
            wait(&mut view.client, LONG)?;
        }
        Ok(view)
    }

    /// Takes in what has come; whether the first picture is complete.
    fn take(&mut self) -> Result<bool, ClientError> {
        let mut is_complete = false;
        while let Some(says) = self.client.next_read()? {
            match says {
                Says::Item(Item::Account(status)) => {
                    self.accounts.insert(Arc::clone(&status.name), status);
                }
                Says::Item(Item::Removed { account }) => drop(self.accounts.remove(&account)),
                Says::Item(Item::Watching(_)) => is_complete = true,
                // Once more from the start: a second request ends the first.
                Says::Item(Item::Missed(_)) => {
                    self.client.say(Call::Watch(Some(self.filter.clone())))?;
                }
                Says::Error(fault) => return Err(ClientError::Fault(fault)),
                Says::Item(
                    Item::Outcome(_)
                    | Item::ProxySet(_)
                    | Item::Group(_)
                    | Item::State(_)
                    | Item::Event(_)
                    | Item::Message(_)
                    | Item::Following(_)
                    | Item::Alert(_)
                    | Item::Delivery(_)
                    | Item::Metrics(_)
                    | Item::Tested(_),
                )
                | Says::Done(_) => {}
            }
        }
        Ok(is_complete)
    }

    /// Waits until something changes, but no longer than `patience`.
    pub(super) fn wait(&mut self, patience: Duration) -> Result<(), ClientError> {
        wait(&mut self.client, patience)?;
        self.take()?;
        Ok(())
    }

    /// The picture in at most so many lines: if there are more, what is in trouble comes first.
    pub(super) fn lines(&self, width: usize, height: usize) -> Vec<Line> {
        if let Some(one) = self.accounts.values().next().filter(|_| self.is_one) {
            return story(one, now());
        }
        let mut shown: Vec<&AccountStatus> = self.accounts.values().map(Arc::as_ref).collect();
        shown.sort_by_key(|status| status.index);
        // The heading and the sum take a line each; how many more there are, a third one.
        let rest = match shown.len() + 2 > height {
            true => shown.len().saturating_sub(height.saturating_sub(3).max(1)),
            false => 0,
        };
        if rest > 0 {
            shown.sort_by_key(|status| matches!(tone(status), Tone::Good | Tone::Quiet));
            shown.truncate(shown.len() - rest);
        }
        let mut lines = table(shown, now(), width);
        if rest > 0 {
            lines.push(vec![(Tone::Quiet, format!("… and {rest} more"))]);
        }
        lines.push(
            match self.accounts.is_empty() && self.filter != Filter::default() {
                true => vec![(Tone::Plain, NO_MATCH.to_owned())],
                false => vec![(Tone::Quiet, self.totals())],
            },
        );
        lines
    }

    /// What is worth a new picture when it changes: neither times, nor that a failed Account is
    /// being tried again.
    pub(super) fn state(&self) -> Vec<(StatusWord, Option<Arc<str>>)> {
        let accounts = self.accounts.values();
        accounts
            .map(|status| (status.status, status.detail.clone()))
            .collect()
    }

    fn totals(&self) -> String {
        let mut phases = BTreeMap::new();
        for status in self.accounts.values() {
            *phases.entry(status.phase).or_insert(0) += 1;
        }
        totals(phases)
    }

    /// Draws the picture again whenever it changes, and each second, until q, Ctrl-C, a signal or
    /// the end. `above` stands over it where there is room.
    pub(super) fn live(
        &mut self,
        screen: &Screen,
        above: &str,
        end: Option<Instant>,
        signals: &Signals,
    ) -> Result<(), Failure> {
        let terminal = Terminal::take()?;
        let result = self.draw_on(screen, above, end, signals);
        drop(terminal);
        // The last picture stays. A story is worth a second line where it is too wide.
        let width = screen.width();
        let lines = self.lines(width, usize::MAX).into_iter();
        let lines: Vec<Line> = match self.is_one {
            true => lines.collect(),
            false => lines.map(|line| cut(line, width)).collect(),
        };
        screen.print(&lines)?;
        result
    }

    fn draw_on(
        &mut self,
        screen: &Screen,
        above: &str,
        end: Option<Instant>,
        signals: &Signals,
    ) -> Result<(), Failure> {
        loop {
            let (width, height) = (screen.width(), screen.height());
            let mut lines = folded(above, width);
            if lines.len() + 1 + self.lines(width, usize::MAX).len() > height {
                lines.clear();
            }
            lines.push(vec![(Tone::Quiet, format!("q ends   {}", clock(now())))]);
            lines.extend(self.lines(width, height.saturating_sub(lines.len())));
            let lines = lines.into_iter().take(height);
            let lines = lines.map(|line| screen.text(&cut(line, width)));
            draw(&lines.collect::<Vec<_>>(), height)?;
            if self.rest(end, signals)? {
                return Ok(());
            }
        }
    }

    /// Waits until it is time for another picture; whether it shall end.
    fn rest(&mut self, end: Option<Instant>, signals: &Signals) -> Result<bool, Failure> {
        let soonest = Instant::now() + FRAME;
        let mut patience = SECOND;
        loop {
            let left = end.map_or(SECOND, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() || self.pause(left.min(patience), signals)? {
                return Ok(true);
            }
            // However fast the news come, they are shown at a rate that eyes can follow.
            patience = soonest.saturating_duration_since(Instant::now());
            if patience.is_zero() {
                return Ok(false);
            }
        }
    }

    /// Waits for a change, a key, a signal or the time; whether it shall end.
    fn pause(&mut self, patience: Duration, signals: &Signals) -> Result<bool, Failure> {
        let stdin = io::stdin();
        let files = [self.client.as_fd(), stdin.as_fd(), signals.as_fd()];
        let mut files = files.map(|file| PollFd::new(file, PollFlags::POLLIN));
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        match poll(&mut files, patience) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        let [has_news, has_keys, has_signals] = files.map(|file| file.any().unwrap_or(false));
        if has_signals && signals.have_come() {
            return Ok(true);
        }
        if has_news {
            self.wait(SECOND)?;
        }
        if !has_keys {
            return Ok(false);
        }
        let mut typed = [0; 64];
        let length = read(stdin.as_fd(), &mut typed).unwrap_or(0);
        let is_end = |key: &u8| matches!(*key, b'q' | b'Q' | CONTROL_C | CONTROL_D);
        Ok(length == 0 || typed[..length].iter().any(is_end))
    }
}

/// Draws lines over what stands there, none of them wider than the screen.
fn draw(lines: &[String], height: usize) -> io::Result<()> {
    // What stood in a line goes before it is written: after its last column is written the cursor
    // still stands there, and erasing would take that one away again.
    let mut text = format!("\u{1b}[H\u{1b}[K{}", lines.join("\r\n\u{1b}[K"));
    if lines.len() < height {
        text += "\r\n\u{1b}[J";
    }
    let mut out = out();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Lines of words, in lines that are no wider than `width` unless a word is.
fn folded(text: &str, width: usize) -> Vec<Line> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        lines.push(String::new());
        for word in line.split(' ') {
            match lines.last_mut() {
                Some(last) if last.is_empty() => last.push_str(word),
                Some(last) if last.chars().count() + 1 + word.chars().count() <= width => {
                    last.extend([" ", word]);
                }
                Some(_) | None => lines.push(word.to_owned()),
            }
        }
    }
    let plain = |line| vec![(Tone::Plain, line)];
    lines.into_iter().map(plain).collect()
}

/// The terminal while it shows the picture: keys come one by one, and what stood there before comes
/// back.
struct Terminal {
    before: Termios,
}

impl Terminal {
    fn take() -> io::Result<Self> {
        let stdin = io::stdin();
        let before = tcgetattr(stdin.as_fd())?;
        let mut during = before.clone();
        let plain = LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG;
        during.local_flags.remove(plain);
        during.control_chars[SpecialCharacterIndices::VMIN as usize] = 0;
        during.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &during)?;
        let terminal = Self { before };
        let mut out = out();
        out.write_all(b"\x1b[?1049h\x1b[?25l\x1b[2J")?;
        out.flush()?;
        Ok(terminal)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let mut out = out();
        drop(out.write_all(b"\x1b[?25h\x1b[?1049l"));
        drop(out.flush());
        if let Err(errno) = tcsetattr(io::stdin().as_fd(), SetArg::TCSANOW, &self.before) {
            super::screen::note(&format!(
                "the terminal cannot be set back: {}",
                errno.desc()
            ));
        }
    }
}

/// Said where the state was not written, and is again.
const IS_KEPT: &str = "the state is written again";

/// Between two pictures, at least.
const FRAME: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);
pub(super) const LONG: Duration = Duration::from_secs(3_600);
const CONTROL_C: u8 = 3;
const CONTROL_D: u8 = 4;
