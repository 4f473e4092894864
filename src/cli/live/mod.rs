//! The live screen: Accounts, Proxy Sets, groups, alerts and events as they are, and one Account
//! with all that is known of it.
//!
//! What it shows comes from the daemon's control socket and from nowhere else. One loop waits for
//! keys, signals and news; pictures are drawn at a bounded rate, and only the rows that are seen
//! are laid out. The terminal is given back however it ends.

mod draw;
mod feed;
mod keys;
mod model;
mod opened;
mod terminal;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::read;
use ratatui::crossterm::event::{self, Event};

use super::order;
use super::screen::Screen;
use super::signals::Signals;
use super::status::now;
use super::{End, Failure};
use crate::control::Client;
use crate::control::protocol::{Call, Filter, Item, Says};
use crate::status::Phase;
use crate::status::order::SortKey;
use crate::status::story::{folded, story};
use crate::status::table::{Line, Tone, cut};
use draw::{Sight, draw};
use feed::{Feed, action, events, messages};
use keys::Wish;
use model::{Model, Tab, Verb};
use opened::{KEPT, Opened};
use terminal::Stage;

/// What the screen begins with.
pub(super) struct Options<'a> {
    /// How a connection to the daemon is made.
    pub(super) connect: &'a dyn Fn() -> Result<Client, Failure>,
    /// Which Accounts, as far as the daemon chooses them.
    pub(super) filter: Filter,
    /// Only Accounts in these phases, at first.
    pub(super) phases: &'a [Phase],
    /// Only Accounts at these addresses; port 0 stands for any.
    pub(super) registrars: &'a [SocketAddr],
    /// Their order, at first.
    pub(super) sort: SortKey,
    /// The tab that is shown at first.
    pub(super) tab: Start,
    /// What stands over it where there is room.
    pub(super) words: &'a str,
    /// When it ends by itself.
    pub(super) end: Option<Instant>,
}

/// What is shown at first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// The Accounts.
    Accounts,
    /// This one.
    Account(String),
    /// The Proxy Sets.
    ProxySets,
    /// The IP Groups.
    Groups,
}

/// Shows it until q, Ctrl-C, a signal or the end.
pub(super) fn live(options: &Options<'_>, signals: &Signals) -> Result<End, Failure> {
    let feed = Feed::new(options.connect, options.filter.clone())?;
    let mut live = Live::new(feed, options);
    let screen = Screen::new();
    let mut stage = Stage::take(screen.has_colours())?;
    let result = live.run(&mut stage, signals);
    drop(stage);
    live.leave_last_picture(&screen)?;
    result.map(|()| End::Done)
}

struct Live<'a> {
    feed: Feed<'a>,
    model: Model,
    words: &'a str,
    end: Option<Instant>,
    has_colours: bool,
    asked: Instant,
}

impl<'a> Live<'a> {
    fn new(feed: Feed<'a>, options: &Options<'a>) -> Self {
        let mut model = Model::new(options.sort, options.phases, options.registrars);
        match &options.tab {
            Start::Accounts => {}
            Start::Account(name) => model.opened = Some(Opened::new(name.as_str().into())),
            Start::ProxySets => model.tab = Tab::ProxySets,
            Start::Groups => model.tab = Tab::Groups,
        }
        Self {
            feed,
            model,
            words: options.words,
            end: options.end,
            has_colours: Screen::new().has_colours(),
            asked: Instant::now(),
        }
    }

    fn run(&mut self, stage: &mut Stage, signals: &Signals) -> Result<(), Failure> {
        self.model.arrange(self.feed.view.accounts());
        self.follow();
        self.show();
        loop {
            let begun = Instant::now();
            self.draw(stage)?;
            // However fast the news come, and however long a picture takes.
            let pause = FRAME.max(begun.elapsed() * SHARE);
            if self.rest(stage, signals, begun + pause)? {
                return Ok(());
            }
        }
    }

    fn draw(&mut self, stage: &mut Stage) -> io::Result<()> {
        let words = self
            .words
            .lines()
            .map(|line| vec![(Tone::Plain, line.to_owned())]);
        let words: Vec<Line> = words.collect();
        let (model, feed) = (&mut self.model, &self.feed);
        let has_colours = self.has_colours;
        stage.draw(|frame| {
            let width = usize::from(frame.area().width);
            let words = words_in(&words, width);
            let sight = Sight {
                accounts: feed.view.accounts(),
                keeping: feed.view.keeping(),
                lost: feed.lost.as_deref(),
                words: &words,
                now: now(),
                has_colours,
            };
            draw(frame, model, &sight);
        })
    }

    /// Waits until it is time for another picture, `soonest` or when something is another; whether
    /// it shall end.
    fn rest(
        &mut self,
        stage: &mut Stage,
        signals: &Signals,
        soonest: Instant,
    ) -> Result<bool, Failure> {
        let latest = Instant::now() + SECOND;
        let mut is_other = false;
        loop {
            let until = if is_other { soonest } else { latest };
            let until = self.end.map_or(until, |end| end.min(until));
            let left = until.saturating_duration_since(Instant::now());
            if self.end.is_some_and(|end| Instant::now() >= end) {
                return Ok(true);
            }
            if left.is_zero() {
                return Ok(false);
            }
            let (has_keys, has_ended) = self.wait(left, signals)?;
            if has_ended {
                return Ok(true);
            }
            is_other |= self.take();
            if has_keys {
                is_other = true;
                if self.on_keys(stage)? {
                    return Ok(true);
                }
            }
            if self.asked.elapsed() >= SECOND {
                self.ask_again();
            }
        }
    }

    /// Waits for news, keys, a signal or the time: whether there are keys, and whether it shall
    /// end.
    fn wait(&mut self, patience: Duration, signals: &Signals) -> Result<(bool, bool), Failure> {
        let stdin = io::stdin();
        let files = [stdin.as_fd(), signals.as_fd()]
            .into_iter()
            .chain(self.feed.files());
        let mut files: Vec<_> = files
            .map(|file| PollFd::new(file, PollFlags::POLLIN))
            .collect();
        let patience = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        match poll(&mut files, patience) {
            // Another size of the terminal interrupts it, which wants another picture.
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(io::Error::from(errno).into()),
        }
        let is_set = |place: usize| files.get(place).and_then(PollFd::any).unwrap_or(false);
        Ok((is_set(0), is_set(1) && signals.have_come()))
    }

    /// Takes in what has come; whether it is worth another picture.
    fn take(&mut self) -> bool {
        let was_lost = self.feed.lost.is_some();
        let (mut is_other, said) = self.feed.take();
        if is_other {
            self.model.arrange(self.feed.view.accounts());
        }
        if was_lost && self.feed.lost.is_none() {
            self.come_back();
        }
        for (line, says) in said {
            is_other = true;
            match line {
                feed::Line::Polled => self.model.on_polled(says),
                feed::Line::Events => self.model.on_event(says),
                feed::Line::Timeline => {
                    if let Some(opened) = &mut self.model.opened {
                        opened.on_event(says);
                    }
                }
                feed::Line::Messages => {
                    if let Some(opened) = &mut self.model.opened {
                        opened.on_message(says);
                    }
                }
                feed::Line::Order => self.on_outcome(says),
            }
        }
        is_other
    }

    /// The daemon is there again: what was asked is asked once more.
    fn come_back(&mut self) {
        self.model.message = Some(vec![(Tone::Good, "the daemon is back".to_owned())]);
        self.model.lists.events.clear();
        if let Some(opened) = &mut self.model.opened {
            opened.begin_again();
        }
        self.follow();
        self.show();
    }

    /// Does what the keys ask for; whether it shall end.
    fn on_keys(&mut self, stage: &mut Stage) -> Result<bool, Failure> {
        let mut was_any = false;
        while event::poll(Duration::ZERO)? {
            was_any = true;
            let Event::Key(key) = event::read()? else {
                continue;
            };
            match self.model.on_key(key) {
                Wish::Nothing => {}
                Wish::End => return Ok(true),
                Wish::Stop => stage.suspend()?,
                Wish::Follow => self.follow(),
                Wish::Arrange => self.model.arrange(self.feed.view.accounts()),
                Wish::Show => self.show(),
                Wish::Order(verb, account) => self.order(verb, &account),
            }
        }
        if was_any {
            return Ok(false);
        }
        // What crossterm has left where it is must not keep us awake; nobody is there any more if
        // there is nothing.
        let mut left = [0; 1_024];
        let length = read(io::stdin().as_fd(), &mut left).unwrap_or(0);
        Ok(length == 0)
    }

    /// Follows the Account that is open, and no other.
    fn follow(&mut self) {
        for line in [feed::Line::Timeline, feed::Line::Messages] {
            self.feed.hang_up(line);
        }
        let Some(opened) = &self.model.opened else {
            return self.show();
        };
        let name = opened.name.to_string();
        let limit = u32::try_from(KEPT).unwrap_or(u32::MAX);
        let timeline = events(Some(&name), limit);
        let asked = self.feed.ask(feed::Line::Timeline, timeline);
        let asked =
            asked.and_then(|()| self.feed.ask(feed::Line::Messages, messages(&name, limit)));
        self.say_failure(asked);
    }

    /// Asks for what the tab shows.
    fn show(&mut self) {
        self.model.lists.trouble = None;
        if self.model.tab != Tab::Events {
            self.feed.hang_up(feed::Line::Events);
            self.model.lists.events.clear();
        } else if !self.feed.has(feed::Line::Events) {
            let limit = u32::try_from(model::EVENTS).unwrap_or(u32::MAX);
            let asked = self.feed.ask(feed::Line::Events, events(None, limit));
            self.say_failure(asked);
        }
        self.ask_again();
    }

    /// Asks again for what does not tell by itself that it is another.
    fn ask_again(&mut self) {
        self.asked = Instant::now();
        if self.feed.is_asking || self.feed.lost.is_some() {
            return;
        }
        let call = match self.model.tab {
            Tab::ProxySets => Call::ProxySets(None),
            Tab::Groups => Call::Groups(None),
            Tab::Alerts => Call::Alerts(None),
            Tab::Accounts | Tab::Events => return,
        };
        let asked = self.feed.ask_again(call);
        self.say_failure(asked);
    }

    fn order(&mut self, verb: Verb, account: &str) {
        if self.feed.has(feed::Line::Order) {
            let text = "another order is under way".to_owned();
            self.model.message = Some(vec![(Tone::Doubtful, text)]);
            return;
        }
        let action = action(account);
        let call = match verb {
            Verb::Register => Call::Register(action),
            Verb::Unregister => Call::Unregister(action),
            Verb::Refresh => Call::Refresh(action),
        };
        let asked = self.feed.ask(feed::Line::Order, call);
        self.model.message = Some(vec![(Tone::Quiet, format!("{account}: ordered"))]);
        self.say_failure(asked);
    }

    fn on_outcome(&mut self, says: Says) {
        let line = match says {
            Says::Item(Item::Outcome(told)) => vec![(Tone::Plain, order::words(&told))],
            Says::Error(fault) => vec![(Tone::Bad, fault.message)],
            Says::Done(_) => return self.feed.hang_up(feed::Line::Order),
            Says::Item(_) => return,
        };
        self.model.message = Some(line);
    }

    fn say_failure(&mut self, asked: Result<(), Failure>) {
        if let Err(failure) = asked {
            let text = format!("{:#}", failure.error);
            self.model.message = Some(vec![(Tone::Bad, text)]);
        }
    }

    /// The last picture stays where everything else is written.
    fn leave_last_picture(&self, screen: &Screen) -> io::Result<()> {
        let width = screen.width();
        if let Some(opened) = &self.model.opened {
            let status = self.feed.view.accounts().get(&opened.name);
            let lines = status.map(|status| folded(story(status, now()), width));
            return screen.print(&lines.unwrap_or_default());
        }
        let mut lines = self.feed.view.lines(width);
        // Nobody reads ten thousand of them on the way out.
        if lines.len() > LEFT {
            lines.drain(LEFT - 1..lines.len() - 1);
        }
        let lines: Vec<Line> = lines.into_iter().map(|line| cut(line, width)).collect();
        screen.print(&lines)
    }
}

/// Lines of words, no wider than that unless a word is.
fn words_in(words: &[Line], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in words.iter().flatten().map(|(_, text)| text) {
        let mut last = String::new();
        for word in line.split(' ') {
            if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > width {
                lines.push(vec![(Tone::Plain, std::mem::take(&mut last))]);
            }
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
        lines.push(vec![(Tone::Plain, last)]);
    }
    lines
}

/// Between two pictures, at least.
const FRAME: Duration = Duration::from_millis(100);
/// So many times as long as the last picture took, too: most of the time is others'.
const SHARE: u32 = 4;
const SECOND: Duration = Duration::from_secs(1);
/// So many lines are left behind at the end.
const LEFT: usize = 50;
