//! The grammar of a device's ini file: lines, tables, rows, cells, each with its place.
//!
//! It knows how the text is written and nothing of what it means. Every line that is neither blank
//! nor a comment ends up in exactly one list of [`Ini`], so that nothing is lost on the way.

use memchr::memchr2;

/// Where something begins: its line, from 1, and the byte in that line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) byte: u32,
}

/// A text taken apart.
#[derive(Default)]
pub(super) struct Ini<'t> {
    lines: Vec<&'t str>,
    /// The tables and groups of parameters, in the order of the text.
    pub(super) sections: Vec<Section<'t>>,
    /// Lines of the form `name = value`.
    pub(super) parameters: Vec<Parameter<'t>>,
    /// Parameters that the device has left out of the file, which a comment says.
    pub(super) hidden: Vec<Parameter<'t>>,
    /// Lines that are nothing of all this.
    pub(super) strays: Vec<Stray>,
}

/// From a title to its end.
pub(super) struct Section<'t> {
    pub(super) name: &'t str,
    pub(super) at: At,
    /// The last line that belongs to it.
    pub(super) end: u32,
    pub(super) formats: Vec<Format<'t>>,
    pub(super) rows: Vec<Row<'t>>,
    /// Whether a comment says that the device does not show it.
    pub(super) is_hidden: bool,
    /// How many lines of it are strays.
    pub(super) strays: u32,
}

/// A FORMAT line.
pub(super) struct Format<'t> {
    pub(super) at: At,
    /// The columns after the index, as written.
    pub(super) columns: Vec<Cell<'t>>,
}

/// A data line; its cells are taken apart on request.
pub(super) struct Row<'t> {
    pub(super) at: At,
    pub(super) index: u32,
    /// The place of its FORMAT among those of the section; none before the first.
    pub(super) format: Option<usize>,
    /// What follows the `=`.
    rest: &'t str,
    rest_at: At,
}

/// One cell of a row, or one column of a FORMAT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cell<'t> {
    pub(super) at: At,
    pub(super) text: &'t str,
    pub(super) form: Form,
}

/// How a cell is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// In double quotes, which are no part of the text.
    Quoted,
    /// Without them.
    Bare,
    /// Nothing at all.
    Empty,
    /// `$$`: the default of the column.
    Default,
}

impl Cell<'_> {
    /// Whether it says something.
    pub(super) fn is_given(&self) -> bool {
        !self.text.is_empty() && self.form != Form::Default
    }
}

/// An individual parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter<'t> {
    pub(super) at: At,
    pub(super) name: &'t str,
    pub(super) value: &'t str,
    pub(super) value_at: At,
}

/// A line that means nothing here.
pub(super) struct Stray {
    pub(super) at: At,
    /// The section that it stands in.
    pub(super) section: Option<usize>,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

/// Why the cells of a line cannot be told apart.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct BadCell {
    pub(super) at: At,
    pub(super) message: &'static str,
    pub(super) hint: &'static str,
}

/// The cells of a line, and what follows the semicolon at their end; `None` if there is no
/// semicolon.
type Cells<'t> = (Vec<Cell<'t>>, Option<&'t str>);

impl<'t> Ini<'t> {
    /// Takes a text apart. There is no text that cannot be.
    pub(super) fn read(text: &'t str) -> Self {
        let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let mut ini = Self::default();
        let mut current: Option<usize> = None;
        for line in text.split('\n') {
            let line = line.strip_suffix('\r').unwrap_or(line);
            ini.lines.push(line);
            let number = u32::try_from(ini.lines.len()).unwrap_or(u32::MAX);
            let content = line.trim();
            if content.is_empty() {
                continue;
            }
            let at = At {
                line: number,
                byte: place(line, content),
            };
            if let Some(comment) = content.strip_prefix(';') {
                ini.comment(comment, at, current);
            } else if content.starts_with('[') {
                current = ini.title(content, at, current);
            } else {
                ini.statement(line, content, at, current);
            }
            if let Some(section) = current {
                ini.sections[section].end = number;
            }
        }
        ini
    }

    /// The column of a place, in characters from 1.
    pub(super) fn column(&self, at: At) -> u32 {
        let line = self.lines.get(at.line as usize - 1).copied();
        let before = line.and_then(|line| line.get(..at.byte as usize));
        let characters = before.unwrap_or_default().chars().count();
        u32::try_from(characters + 1).unwrap_or(u32::MAX)
    }

    /// The rows of all sections of that name, each with the FORMAT that it follows.
    pub(super) fn rows_of(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (&Row<'t>, Option<&Format<'t>>)> {
        self.sections_of(name).flat_map(|section| {
            let rows = section.rows.iter();
            rows.map(|row| (row, row.format.map(|format| &section.formats[format])))
        })
    }

    /// All sections of that name.
    pub(super) fn sections_of(&self, name: &str) -> impl Iterator<Item = &Section<'t>> {
        self.sections
            .iter()
            .filter(move |section| section.name.eq_ignore_ascii_case(name))
    }

    /// The two comments that mean something: of a hidden table, and of a hidden parameter.
    fn comment(&mut self, comment: &'t str, at: At, current: Option<usize>) {
        let words = comment.trim();
        let is_table = words.contains("*** TABLE") || words.contains("contains hidden elements");
        if let (true, Some(section)) = (is_table, current) {
            self.sections[section].is_hidden = true;
        }
        if let Some(name) = words.strip_suffix("is hidden but has non-default value") {
            let name = name.trim_end();
            if is_word(name) {
                self.hidden.push(Parameter {
                    at,
                    name,
                    value: "",
                    value_at: at,
                });
            }
        }
    }

    /// A title opens a section, or closes the one that is open.
    fn title(&mut self, content: &'t str, at: At, current: Option<usize>) -> Option<usize> {
        let Some((inner, rest)) = content[1..].split_once(']') else {
            let message = "a title without \"]\" at its end".to_owned();
            self.stray(at, current, message, Some("for example [ Account ]"));
            return current;
        };
        let rest = rest.trim();
        if !rest.is_empty() && !rest.starts_with(';') {
            let message = "text behind a title".to_owned();
            self.stray(at, current, message, Some("a title has a line of its own"));
        }
        let inner = inner.trim();
        if let Some(closed) = inner.strip_prefix(['\\', '/']) {
            // A closer of something else closes nothing: its own opener was lost, or it is
            // misspelt, and the next title ends the section all the same.
            let closed = closed.trim();
            let is_own = |section: usize| self.sections[section].name.eq_ignore_ascii_case(closed);
            return current.filter(|section| !is_own(*section));
        }
        self.sections.push(Section {
            name: inner,
            at,
            end: at.line,
            formats: Vec::new(),
            rows: Vec::new(),
            is_hidden: false,
            strays: 0,
        });
        Some(self.sections.len() - 1)
    }

    fn stray(
        &mut self,
        at: At,
        section: Option<usize>,
        message: String,
        hint: Option<&'static str>,
    ) {
        if let Some(section) = section {
            self.sections[section].strays += 1;
        }
        self.strays.push(Stray {
            at,
            section,
            message,
            hint,
        });
    }

    /// A FORMAT line, a row, or a parameter.
    fn statement(&mut self, line: &'t str, content: &'t str, at: At, current: Option<usize>) {
        let Some((left, right)) = content.split_once('=') else {
            let message = "a line without \"=\"".to_owned();
            return self.stray(at, current, message, Some(GRAMMAR));
        };
        let right_at = At {
            line: at.line,
            byte: place(line, right),
        };
        let mut words = left.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(first), Some(_), None) if first.eq_ignore_ascii_case("FORMAT") => {
                self.format(right, right_at, at, current);
            }
            (Some(table), Some(index), None) => {
                self.row((table, index), (right, right_at), at, current);
            }
            (Some(name), None, None) if self.is_lost_row(name, right, current) => {
                let message = "a row without a table's name and an index before the \"=\"";
                self.stray(at, current, message.to_owned(), Some(GRAMMAR));
            }
            (Some(name), None, None) => {
                let (value, value_at) = scalar(line, right, right_at);
                self.parameters.push(Parameter {
                    at,
                    name,
                    value,
                    value_at,
                });
            }
            _ => {
                let message = "neither a parameter nor a row of a table".to_owned();
                self.stray(at, current, message, Some(GRAMMAR));
            }
        }
    }

    /// Whether a line that looks like a parameter is rather a row that was damaged: rows end with a
    /// semicolon, and begin with their table's name.
    fn is_lost_row(&self, name: &str, right: &str, current: Option<usize>) -> bool {
        let Some(section) = current.map(|section| &self.sections[section]) else {
            return false;
        };
        // `AccountRegistrarAvoidanceTime` is a parameter, `Account0` and `Account` are not.
        let table = section.name.as_bytes();
        let split = name.as_bytes().split_at_checked(table.len());
        let is_named = split.is_some_and(|(start, rest)| {
            !rest.iter().any(u8::is_ascii_alphabetic) && start.eq_ignore_ascii_case(table)
        });
        !section.formats.is_empty() && (is_named || right.trim_end().ends_with(';'))
    }

    fn format(&mut self, right: &'t str, right_at: At, at: At, current: Option<usize>) {
        let Some(section) = current else {
            let message = "a FORMAT line outside of a table".to_owned();
            return self.stray(at, current, message, Some("its title is missing"));
        };
        match cells(right, right_at) {
            Ok((mut columns, _)) => {
                // A comma at the end is no column.
                if columns.last().is_some_and(|last| last.form == Form::Empty) {
                    columns.pop();
                }
                self.sections[section].formats.push(Format { at, columns });
            }
            Err(bad) => {
                // Rows below it must not be read by an earlier FORMAT.
                let columns = Vec::new();
                self.sections[section].formats.push(Format { at, columns });
                self.stray(bad.at, current, bad.message.to_owned(), Some(bad.hint));
            }
        }
    }

    fn row(
        &mut self,
        (table, index): (&str, &str),
        (rest, rest_at): (&'t str, At),
        at: At,
        current: Option<usize>,
    ) {
        let Some(section) = current else {
            let message = format!("a row of table {table:?} outside of a table");
            return self.stray(at, current, message, Some("its title is missing"));
        };
        if !self.sections[section].name.eq_ignore_ascii_case(table) {
            let name = self.sections[section].name;
            let message = format!("a row of table {table:?} in table {name:?}");
            let hint = "a row begins with the name of its table and an index";
            return self.stray(at, current, message, Some(hint));
        }
        let Ok(index) = index.parse() else {
            let message = format!("{index:?} is no index of a row");
            return self.stray(
                at,
                current,
                message,
                Some("an index is a whole number from 0"),
            );
        };
        let section = &mut self.sections[section];
        section.rows.push(Row {
            at,
            index,
            format: section.formats.len().checked_sub(1),
            rest,
            rest_at,
        });
    }
}

impl<'t> Row<'t> {
    /// Its cells.
    pub(super) fn cells(&self) -> Result<Cells<'t>, BadCell> {
        cells(self.rest, self.rest_at)
    }
}

/// Takes cells apart at the commas outside of quotes, up to the semicolon outside of quotes. A
/// backslash stands for itself.
fn cells(line: &str, at: At) -> Result<Cells<'_>, BadCell> {
    let bytes = line.as_bytes();
    let mut cells = Vec::new();
    let mut from = 0;
    loop {
        let blanks = bytes[from..].iter().take_while(|byte| is_blank(**byte));
        from += blanks.count();
        let cell_at = At {
            line: at.line,
            byte: at.byte.saturating_add(offset(from)),
        };
        let (text, form, end) = if bytes.get(from) == Some(&b'"') {
            quoted(line, from, cell_at)?
        } else {
            let end = memchr2(b',', b';', &bytes[from..]).map_or(bytes.len(), |end| from + end);
            let text = line[from..end].trim_end();
            let form = match text {
                "" => Form::Empty,
                "$$" => Form::Default,
                _ => Form::Bare,
            };
            (text, form, end)
        };
        cells.push(Cell {
            at: cell_at,
            text,
            form,
        });
        match bytes.get(end) {
            Some(b',') => from = end + 1,
            Some(_) => return Ok((cells, Some(line[end + 1..].trim()))),
            None => return Ok((cells, None)),
        }
    }
}

/// The cell that begins with the quote at `from`, and where the comma or semicolon behind it is.
fn quoted(line: &str, from: usize, at: At) -> Result<(&str, Form, usize), BadCell> {
    let rest = &line[from + 1..];
    let Some(length) = rest.find('"') else {
        return Err(BadCell {
            at,
            message: "a cell without the double quote at its end",
            hint: "the row may have been cut off",
        });
    };
    let end = from + 1 + length + 1;
    let blanks = line.as_bytes()[end..].iter();
    let next = end + blanks.take_while(|byte| is_blank(**byte)).count();
    match line.as_bytes().get(next) {
        Some(b',' | b';') | None => Ok((&rest[..length], Form::Quoted, next)),
        Some(_) => Err(BadCell {
            at: At {
                line: at.line,
                byte: at.byte.saturating_add(offset(next - from)),
            },
            message: "text between the end of a cell and the next comma",
            hint: "a cell in double quotes cannot have a double quote in it",
        }),
    }
}

/// A parameter's value without the quotes around it, or what follows it.
fn scalar<'t>(line: &'t str, right: &'t str, at: At) -> (&'t str, At) {
    let value = right.trim();
    let inner = ['\'', '"'].iter().find_map(|quote| {
        let (inner, rest) = value.strip_prefix(*quote)?.rsplit_once(*quote)?;
        let is_one =
            !inner.contains(*quote) && matches!(rest.trim_start().chars().next(), None | Some(';'));
        is_one.then_some(inner)
    });
    let value = inner.unwrap_or_else(|| value.split(';').next().unwrap_or_default().trim_end());
    let byte = if value.is_empty() {
        at.byte
    } else {
        place(line, value)
    };
    let line = at.line;
    (value, At { line, byte })
}

/// Where a piece of a line begins in it.
fn place(line: &str, piece: &str) -> u32 {
    offset((piece.as_ptr() as usize).saturating_sub(line.as_ptr() as usize))
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Whether a text can be the name of a parameter.
fn is_word(text: &str) -> bool {
    let is_part = |one: char| one.is_ascii_alphanumeric() || one == '_';
    !text.is_empty() && text.chars().all(is_part)
}

const GRAMMAR: &str = "lines are titles \"[ Account ]\", \"FORMAT Index = ...;\", \
                       \"Account 0 = ...;\" or \"Name = value\"";
