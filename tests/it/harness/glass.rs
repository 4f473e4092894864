//! What a person sees: the screen of a terminal, made of the bytes that a program wrote to it.

use std::mem;

/// A screen as xterm draws it, as far as our program uses it: a sequence that is not known here
/// panics.
#[derive(Clone, Debug)]
pub(crate) struct Glass {
    rows: usize,
    columns: usize,
    cells: Vec<Vec<char>>,
    row: usize,
    column: usize,
    /// The last column is written: the next character goes to another line.
    is_full: bool,
    /// The ordinary screen, while the other one is shown.
    below: Option<Vec<Vec<char>>>,
    is_cursor_shown: bool,
    /// What went over an edge while the other screen was shown.
    faults: Vec<String>,
    /// How often the other screen was drawn.
    frames: usize,
}

impl Glass {
    /// The screen of that size after these bytes. An unfinished sequence at their end is left out.
    pub(crate) fn of(bytes: &[u8], (rows, columns): (usize, usize)) -> Self {
        let mut glass = Self {
            rows,
            columns,
            cells: vec![vec![' '; columns]; rows],
            row: 0,
            column: 0,
            is_full: false,
            below: None,
            is_cursor_shown: true,
            faults: Vec::new(),
            frames: 0,
        };
        let good = match str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(),
        };
        let mut rest = good.chars();
        while let Some(c) = rest.next() {
            match c {
                '\r' => (glass.column, glass.is_full) = (0, false),
                '\n' => glass.line_feed(),
                '\u{1b}' => {
                    let sequence = rest.as_str();
                    let Some(end) = sequence.find(|c: char| c.is_ascii_alphabetic()) else {
                        break;
                    };
                    glass.control(&sequence[..=end]);
                    rest = sequence[end + 1..].chars();
                }
                c => glass.put(c),
            }
        }
        glass
    }

    /// Rows and columns.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The lines, without the space at their ends.
    pub(crate) fn lines(&self) -> Vec<String> {
        let text = |line: &Vec<char>| line.iter().collect::<String>().trim_end().to_owned();
        self.cells.iter().map(text).collect()
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.lines().join("\n")
    }

    /// Whether it shows the screen that goes away.
    pub(crate) fn is_other(&self) -> bool {
        self.below.is_some()
    }

    /// Whether the cursor can be seen.
    pub(crate) fn is_cursor_shown(&self) -> bool {
        self.is_cursor_shown
    }

    /// What went over an edge while the other screen was shown.
    pub(crate) fn faults(&self) -> &[String] {
        &self.faults
    }

    /// How often the other screen was drawn.
    pub(crate) fn frames(&self) -> usize {
        self.frames
    }

    fn fault(&mut self, what: &str) {
        if self.is_other() {
            let row = self.row;
            self.faults
                .push(format!("{what} in line {row}: {}", self.lines()[row]));
        }
    }

    fn put(&mut self, c: char) {
        assert!(!c.is_control(), "{c:?} on a screen");
        if self.is_full {
            self.fault("over the right edge");
            self.column = 0;
            self.line_feed();
        }
        self.cells[self.row][self.column] = c;
        self.is_full = self.column + 1 == self.columns;
        self.column = (self.column + 1).min(self.columns - 1);
    }

    fn line_feed(&mut self) {
        self.is_full = false;
        if self.row + 1 < self.rows {
            self.row += 1;
            return;
        }
        self.fault("over the lower edge");
        self.cells.remove(0);
        self.cells.push(vec![' '; self.columns]);
    }

    /// Puts the cursor at `ROW;COLUMN`, from 1.
    fn go(&mut self, place: &str) {
        let number = |text: Option<&str>| text.and_then(|it| it.parse().ok()).unwrap_or(1_usize);
        let mut numbers = place.split(';');
        let (row, column) = (number(numbers.next()), number(numbers.next()));
        if row > self.rows || column > self.columns {
            self.fault("the cursor is sent beyond an edge");
        }
        self.row = row.min(self.rows) - 1;
        self.column = column.min(self.columns) - 1;
        self.is_full = false;
    }

    fn control(&mut self, sequence: &str) {
        match sequence {
            place if place.ends_with('H') => self.go(&place[1..place.len() - 1]),
            // With the last column written, the cursor still stands on it: it is erased too.
            "[K" => self.cells[self.row][self.column..].fill(' '),
            "[J" => {
                self.cells[self.row][self.column..].fill(' ');
                self.cells[self.row + 1..]
                    .iter_mut()
                    .for_each(|line| line.fill(' '));
            }
            "[2J" => self.cells.iter_mut().for_each(|line| line.fill(' ')),
            // Each picture ends with it.
            "[?25l" => {
                self.is_cursor_shown = false;
                self.frames += usize::from(self.is_other());
            }
            "[?25h" => self.is_cursor_shown = true,
            "[?1049h" => {
                let blank = vec![vec![' '; self.columns]; self.rows];
                self.below = Some(mem::replace(&mut self.cells, blank));
            }
            "[?1049l" => {
                self.cells = self.below.take().expect("the other screen is shown");
                (self.row, self.column, self.is_full) = (0, 0, false);
                while self.row + 1 < self.rows && self.cells[self.row].iter().any(|c| *c != ' ') {
                    self.row += 1;
                }
            }
            colour if colour.starts_with('[') && colour.ends_with('m') => {}
            other => panic!("ESC {other:?} is not known"),
        }
    }
}
