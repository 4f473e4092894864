//! A command whose output is read as it comes, or not at all.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::daemon::program;
use super::due::SOON;
use super::wait::wait_for;

/// A command of the program between pipes. Dropped while it runs, it is killed.
pub(crate) struct Piped {
    child: Child,
    lines: Option<BufReader<ChildStdout>>,
}

impl Piped {
    /// Starts a command.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = child.stdout.take().map(BufReader::new);
        Self { child, lines }
    }

    /// The next line of its standard output.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        let lines = self.lines.as_mut().expect("still read");
        lines.read_line(&mut line).expect("a line");
        let ended = self.child.try_wait();
        assert!(!line.is_empty(), "it has ended: {ended:?}");
        line
    }

    /// Closes the reading end of its standard output.
    pub(crate) fn close_output(&mut self) {
        self.lines = None;
    }

    /// Closes the reading end of its standard error.
    pub(crate) fn close_errors(&mut self) {
        self.child.stderr = None;
    }

    /// Sends it a signal.
    #[track_caller]
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        kill(pid, signal).expect("our own child");
    }

    /// Waits for its end: how it ended, and what it said on its standard error.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (ExitStatus, String) {
        let ended = wait_for(SOON, "its end", || {
            self.child.try_wait().expect("our own child")
        });
        let mut complaint = String::new();
        if let Some(errors) = &mut self.child.stderr {
            errors.read_to_string(&mut complaint).expect("text");
        }
        (ended, complaint)
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
