//! Asks a person for something that nobody should see.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

/// Asks for a secret without showing it; where nobody sits, it is the next line of the standard
/// input.
pub(super) fn secret(prompt: &str) -> io::Result<String> {
    let stdin = io::stdin();
    let _quiet = match stdin.is_terminal() {
        true => {
            let quiet = Quiet::begin()?;
            // If nobody can see the prompt, there is still the line.
            drop(write!(io::stderr(), "{prompt}"));
            Some(quiet)
        }
        false => None,
    };
    let mut line = String::new();
    if stdin.lock().read_line(&mut line)? == 0 {
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
