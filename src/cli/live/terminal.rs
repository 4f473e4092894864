//! The terminal while the live screen has it: keys come one by one, and what stood there before
//! comes back, also after a panic.

use std::io::{self, BufWriter, Stdout, Write as _};
use std::panic;

use nix::sys::signal::{Signal, raise};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::style::force_color_output;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::cli::screen::{note, unwritten};

/// The terminal, taken.
pub(super) struct Stage {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Stage {
    /// Takes the terminal.
    pub(super) fn take(has_colours: bool) -> io::Result<Self> {
        // Else crossterm reads NO_COLOR by itself, which --color may overrule.
        force_color_output(has_colours);
        enter()?;
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            leave();
            before(info);
        }));
        let terminal = match open() {
            Ok(terminal) => terminal,
            Err(error) => {
                leave();
                return Err(error);
            }
        };
        Ok(Self { terminal })
    }

    /// Draws a picture.
    pub(super) fn draw(&mut self, draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(draw).map(drop).map_err(unwritten)
    }

    /// Stops, as Ctrl-Z asks for, and goes on when it is told to.
    pub(super) fn suspend(&mut self) -> io::Result<()> {
        leave();
        raise(Signal::SIGTSTP)?;
        enter()?;
        self.terminal = open()?;
        Ok(())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        leave();
        // The hook has nothing to give back any more, and giving back twice does no harm.
    }
}

fn open() -> io::Result<Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
    let out = BufWriter::with_capacity(ROOM, io::stdout());
    let mut terminal = Terminal::new(CrosstermBackend::new(out))?;
    let size = terminal.size()?;
    // It begins with an empty screen, whatever stands on the one that it got.
    terminal.resize(size.into())?;
    Ok(terminal)
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(io::stdout(), EnterAlternateScreen).map_err(unwritten)
}

/// Gives the terminal back. One that has gone needs no mending.
fn leave() {
    let mut out = io::stdout();
    drop(execute!(out, Show, LeaveAlternateScreen));
    drop(out.flush());
    if let Err(error) = disable_raw_mode() {
        note(&format!("the terminal cannot be set back: {error}"));
    }
}

/// A picture is written at once.
const ROOM: usize = 64 << 10;
