//! Asks a person for something that nobody should see.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::os::fd::AsFd as _;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use super::signals::Signals;

/// Asks for a secret without showing it; where nobody sits, it is the next line of the standard
/// input.
pub(super) fn secret(prompt: &str) -> io::Result<String> {
    if io::stdin().is_terminal() {
        // Whoever ends it with Ctrl-C gets a terminal back that shows what is typed.
        let signals = Signals::take()?;
        let quiet = Quiet::begin()?;
        // If nobody can see the prompt, there is still the line.
        drop(write!(io::stderr(), "{prompt}"));
        let typed = wait(&signals);
        drop(quiet);
        signals.leave()?;
        typed?;
    }
    line()
}

/// Waits until a line is typed.
fn wait(signals: &Signals) -> io::Result<()> {
    let stdin = io::stdin();
    let mut files = [
        PollFd::new(stdin.as_fd(), PollFlags::POLLIN),
        PollFd::new(signals.as_fd(), PollFlags::POLLIN),
    ];
    poll(&mut files, PollTimeout::NONE)?;
    match signals.have_come() {
        true => Err(io::Error::new(io::ErrorKind::Interrupted, "it was ended")),
        false => Ok(()),
    }
}

/// The next line of the standard input.
fn line() -> io::Result<String> {
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the input ends before it",
        ));
    }
    let line = line.strip_suffix('\n').unwrap_or(&line);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

/// A terminal that does not show what is typed.
struct Quiet(Termios);

impl Quiet {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        quiet.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // A terminal that has gone needs no mending.
        tcsetattr(io::stdin(), SetArg::TCSANOW, &self.0).ok();
    }
}
