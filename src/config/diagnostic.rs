//! What is wrong with a configuration, and where, in words that lead to a remedy.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, but hardly means what its author thinks.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding. Its `Display` is one line, and a second one with the hint if there is one; neither
/// ends in a line end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The file as it was named to [`load`](super::load).
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// The key that it is about; empty where the text is no TOML.
    pub key: String,
    /// What is wrong: lower-case, no full stop, names the row where there is one.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            severity,
            file,
            line,
            column,
            message,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: {severity}: {message}")?;
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

/// All findings about one file, by position. Its `Display` is all of them, each ending in a line
/// end.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    #[serde(skip)]
    file: Arc<str>,
    #[serde(skip)]
    is_partial: bool,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Puts findings about a file in order: by position, errors first among those at one place.
    pub fn sorted(file: Arc<str>, is_partial: bool, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|one| (one.line, one.column, one.severity));
        Self {
            file,
            is_partial,
            list,
        }
    }

    /// Whether some checks were left out, because the text is no TOML in places: what is missing,
    /// unused or leads nowhere is not known then.
    pub fn is_partial(&self) -> bool {
        self.is_partial
    }

    /// The file as it was named to [`load`](super::load).
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// The findings, by position.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The same findings and these, in order.
    #[must_use]
    pub fn merged(self, more: impl IntoIterator<Item = Diagnostic>) -> Self {
        let mut list = self.list;
        list.extend(more);
        Self::sorted(self.file, self.is_partial, list)
    }

    fn count(&self, severity: Severity) -> usize {
        self.list
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.list.iter().try_for_each(|one| writeln!(f, "{one}"))
    }
}
