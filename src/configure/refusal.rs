//! Why nothing was changed, in words that lead to a remedy.

use std::fmt;

use crate::config::Misfit;
use crate::config::options::Opt;

/// Where in a script something stands; both numbers are from 1. Of a command line it says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Place {
    /// Line.
    pub line: u32,
    /// Column in characters.
    pub column: u32,
}

/// Why nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What is wrong: lower-case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where it stands in a script.
    pub place: Place,
}

impl Refusal {
    /// A refusal without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
            place: Place::default(),
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }

    /// The same at a place.
    #[must_use]
    pub fn at(self, place: Place) -> Self {
        Self { place, ..self }
    }

    /// What is wrong with the value of an option.
    pub(super) fn misfit(option: &Opt, misfit: Misfit) -> Self {
        Self {
            message: format!("{} {}", option.cli, misfit.message),
            hint: misfit.hint,
            place: Place::default(),
        }
    }

    /// The line that an editor or a person finds it by, and its hint.
    pub fn located<'r>(&'r self, file: &'r str) -> impl fmt::Display + 'r {
        Located {
            refusal: self,
            file,
        }
    }
}

struct Located<'r> {
    refusal: &'r Refusal,
    file: &'r str,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal {
            message,
            hint,
            place,
        } = self.refusal;
        if *place != Place::default() {
            write!(f, "{}:{}:{}: ", self.file, place.line, place.column)?;
        }
        write!(f, "error: {message}")?;
        match hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}
