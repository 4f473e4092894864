//! A person at a terminal: the program on a pseudo-terminal, with keys and a screen.

use std::os::fd::{AsFd as _, OwnedFd};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::{Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{Termios, tcgetattr};
use nix::unistd::{Pid, read, write};

use super::daemon::program;
use super::glass::Glass;
use super::process::show;
use super::wait::wait_for;

/// A command of the program in front of a person. Dropped while it runs, it is killed.
pub(crate) struct Seat {
    child: Child,
    person: OwnedFd,
    terminal: OwnedFd,
    before: Termios,
    size: (usize, usize),
    seen: Vec<u8>,
}

impl Seat {
    /// Starts a command on a terminal of so many rows and columns.
    #[track_caller]
    pub(crate) fn take(size: (usize, usize), arguments: &[&str]) -> Self {
        Self::take_with(size, arguments, &[])
    }

    /// The same, with something else in its environment.
    #[track_caller]
    pub(crate) fn take_with(
        size: (usize, usize),
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Self {
        let number = |size: usize| u16::try_from(size).expect("a screen is small");
        let winsize = Winsize {
            ws_row: number(size.0),
            ws_col: number(size.1),
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        let pair = openpty(&winsize, None).expect("a pseudo-terminal");
        let before = tcgetattr(&pair.slave).expect("a terminal has settings");
        let handle = || pair.slave.try_clone().expect("another handle of it");
        // A session of its own, whose terminal this is; the kernel ends it should we die.
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--", "setsid", "--ctty"])
            .arg(program())
            .args(arguments)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .env_remove("REGENT_SOCKET")
            .envs(environment.iter().copied())
            .stdin(handle())
            .stdout(handle())
            .stderr(handle())
            .spawn()
            .expect("util-linux is installed");
        Self {
            child,
            person: pair.master,
            terminal: pair.slave,
            before,
            size,
            seen: Vec::new(),
        }
    }

    /// What is on the screen now.
    pub(crate) fn look(&mut self) -> Glass {
        let mut chunk = [0; 4_096];
        loop {
            let mut files = [PollFd::new(self.person.as_fd(), PollFlags::POLLIN)];
            if poll(&mut files, PollTimeout::ZERO).expect("our own descriptor") == 0 {
                return Glass::of(&self.seen, self.size);
            }
            let length = read(&self.person, &mut chunk).expect("the terminal is open");
            self.seen.extend_from_slice(&chunk[..length]);
        }
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub(crate) fn wait_look(&mut self, what: &str, wanted: impl Fn(&Glass) -> bool) -> Glass {
        wait_for(PATIENCE, what, || Some(self.look()).filter(&wanted))
    }

    /// Presses a key.
    #[track_caller]
    pub(crate) fn press(&self, key: u8) {
        write(&self.person, &[key]).expect("the terminal is open");
    }

    /// Presses keys, one for each byte.
    #[track_caller]
    pub(crate) fn write(&self, keys: &str) {
        keys.bytes().for_each(|key| self.press(key));
    }

    /// Gives the terminal another size. What stood on it is forgotten: a program that draws
    /// afterwards draws all of it.
    #[track_caller]
    pub(crate) fn resize(&mut self, size: (usize, usize)) {
        self.look();
        let terminal = self.terminal.try_clone().expect("another handle of it");
        let (rows, columns) = (size.0.to_string(), size.1.to_string());
        let done = Command::new("stty")
            .args(["rows", &rows, "cols", &columns])
            .stdin(terminal)
            .status();
        assert!(done.expect("coreutils are installed").success());
        self.size = size;
        self.seen = b"\x1b[?1049h\x1b[?25l".to_vec();
    }

    /// Sends the program a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id is positive");
        kill(Pid::from_raw(pid), signal).expect("it runs");
    }

    /// Waits for its end. Whatever it writes meanwhile is read.
    #[track_caller]
    pub(crate) fn wait_end(&mut self) -> (ExitStatus, Glass) {
        let ended = wait_for(PATIENCE, "its end", || {
            self.look();
            self.child.try_wait().expect("our own child")
        });
        (ended, self.look())
    }

    /// All that it has written, as text.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.seen).into_owned()
    }

    /// Asserts that the terminal is as it was before.
    #[track_caller]
    pub(crate) fn assert_given_back(&mut self) {
        let glass = self.look();
        assert!(!glass.is_other(), "the other screen is still shown");
        assert!(glass.is_cursor_shown(), "the cursor is still hidden");
        let now = tcgetattr(&self.terminal).expect("a terminal has settings");
        assert_eq!(now, self.before, "the settings are other ones");
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // It may have ended by itself, so a failure of either says nothing new.
        self.child.kill().ok();
        self.child.wait().ok();
        if std::thread::panicking() {
            show("the last screen", &self.look().text());
        }
    }
}

/// So long a person waits.
const PATIENCE: Duration = Duration::from_secs(20);
