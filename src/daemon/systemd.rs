//! What the service manager is told, if there is one.

use std::time::Duration;

use sd_notify::NotifyState;

use crate::control::Board;
use crate::status::Phase;

/// The way to the service manager. Without one every word goes nowhere.
pub(super) struct Manager {
    /// How often it wants to hear that the loop turns.
    watchdog: Option<Duration>,
    last: (u32, usize),
    is_reloading: bool,
}

impl Manager {
    pub(super) fn find() -> Self {
        Self {
            watchdog: sd_notify::watchdog_enabled().map(|limit| limit / 2),
            last: (0, 0),
            is_reloading: false,
        }
    }

    /// How often [`Manager::alive`] is to be called, if at all.
    pub(super) fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    pub(super) fn alive(&self) {
        if self.watchdog.is_some() {
            say(&[NotifyState::Watchdog]);
        }
    }

    pub(super) fn ready(&mut self, board: &Board) {
        say(&[NotifyState::Ready]);
        self.last = (u32::MAX, 0);
        self.status(board);
    }

    /// Says how many are registered, if it is not what was said last.
    pub(super) fn status(&mut self, board: &Board) {
        let all = board.directory().entries().len();
        let registered = board.count(Phase::Registered);
        if self.last != (registered, all) {
            self.last = (registered, all);
            let text = format!("{registered} of {all} Accounts registered");
            say(&[NotifyState::Status(&text)]);
        }
    }

    /// Until [`Manager::reloaded`], what it manages is between two configurations.
    pub(super) fn reloading(&mut self) {
        self.is_reloading = true;
        // It wants to know when, to tell this word from one before its own signal.
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            say(&[NotifyState::Reloading, now]);
        }
    }

    /// The reload is over, well or not.
    pub(super) fn reloaded(&mut self, board: &Board) {
        if std::mem::take(&mut self.is_reloading) {
            self.ready(board);
        }
    }

    pub(super) fn stopping(&self) {
        say(&[NotifyState::Stopping]);
    }
}

/// A manager that does not listen is none of our troubles.
fn say(words: &[NotifyState<'_>]) {
    drop(sd_notify::notify(words));
}
