//! The standard output and the standard error: tones as colours where there is a terminal, plain
//! text elsewhere.

use std::env;
use std::io::{self, IsTerminal as _, StdoutLock, Write};
use std::sync::OnceLock;

use super::args::Colours;
use crate::status::table::{Line, Tone};

/// What is read as text is never wider, however wide the terminal is, and a table is not where
/// there is none.
const WIDEST: usize = 100;

/// The standard output as a screen.
pub(super) struct Screen {
    has_colours: bool,
    is_terminal: bool,
}

impl Screen {
    pub(super) fn new() -> Self {
        let is_terminal = io::stdout().is_terminal();
        Self {
            has_colours: has_colours(is_terminal),
            is_terminal: is_terminal && !is_dumb(),
        }
    }

    /// Whether somebody looks at it.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Whether it is given colours.
    pub(super) fn has_colours(&self) -> bool {
        self.has_colours
    }

    /// Columns that a table may have: all that there are, so that nothing is cut without need.
    pub(super) fn room(&self) -> usize {
        columns().unwrap_or(WIDEST)
    }

    /// Columns that text may have.
    pub(super) fn width(&self) -> usize {
        columns().map_or(WIDEST, |width| width.min(WIDEST))
    }

    /// A line as it is shown, without its end.
    pub(super) fn text(&self, line: &Line) -> String {
        let mut text = String::new();
        for (tone, piece) in line {
            match code(*tone).filter(|_| self.has_colours) {
                Some(code) => text.extend(["\u{1b}[", code, "m", piece, "\u{1b}[0m"]),
                None => text.push_str(piece),
            }
        }
        text
    }

    /// Prints lines.
    pub(super) fn print(&self, lines: &[Line]) -> io::Result<()> {
        let mut out = out();
        for line in lines {
            writeln!(out, "{}", self.text(line))?;
        }
        out.flush()
    }
}

/// Says when colours are to be used. What was said first holds.
pub(super) fn choose_colours(when: Colours) {
    WHEN.get_or_init(|| when);
}

/// Whether the standard output is to be given colours.
pub(super) fn has_colours(is_terminal: bool) -> bool {
    match WHEN.get().copied().unwrap_or_default() {
        Colours::Auto => is_terminal && may_colour(),
        Colours::Always => true,
        Colours::Never => false,
    }
}

/// What the command line said about colours.
static WHEN: OnceLock<Colours> = OnceLock::new();

/// Whether a terminal, where there is one, is to be given colours.
pub(super) fn may_colour() -> bool {
    let is_unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !is_unwanted && !is_dumb()
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The standard output. Whoever passes its errors on need not say what could not be done.
pub(super) fn out() -> Out {
    Out(io::stdout().lock())
}

/// See [`out`].
pub(super) struct Out(StdoutLock<'static>);

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(unwritten)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(unwritten)
    }
}

/// The same error, of the same kind, under a heading.
pub(super) fn unwritten(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), Unwritten(error))
}

#[derive(Debug, thiserror::Error)]
#[error("cannot write the output")]
struct Unwritten(#[source] io::Error);

/// Prints something that is ready.
pub(super) fn print_bytes(bytes: &[u8]) -> io::Result<super::End> {
    let mut out = out();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(super::End::Done)
}

/// Prints a line and lets it go at once.
pub(super) fn say(text: &str) -> io::Result<()> {
    let mut out = out();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Says on the standard error what went wrong. If nobody listens, nobody listens.
pub(super) fn complain(error: &anyhow::Error, hint: Option<&str>) {
    let mut text = format!("error: {}\n", without_numbers(&format!("{error:#}")));
    if let Some(hint) = hint {
        text.extend(["hint: ", hint, "\n"]);
    }
    drop(io::stderr().write_all(text.as_bytes()));
}

/// The text without the numbers that the system has for what it says in words.
fn without_numbers(text: &str) -> String {
    let mut pieces = text.split(" (os error ");
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain += piece.split_once(')').map_or("", |(_, rest)| rest);
    }
    plain
}

/// Says something on the standard error that is no error.
pub(super) fn note(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}

fn columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.0.into())
}

fn code(tone: Tone) -> Option<&'static str> {
    match tone {
        Tone::Plain => None,
        Tone::Quiet => Some("2"),
        Tone::Good => Some("32"),
        Tone::Doubtful => Some("33"),
        Tone::Bad => Some("31"),
        // Black on the ground of the terminal's letters, whatever colour those have.
        Tone::Lost => Some("7"),
        Tone::Unwatched => Some("37"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_system_need_no_numbers() {
        let error = io::Error::from_raw_os_error(2);
        let text = without_numbers(&format!("cannot read {error}: {error}, twice (so)"));
        let words = "No such file or directory";
        assert_eq!(text, format!("cannot read {words}: {words}, twice (so)"));
    }
}
