//! Changes one after the other to one text, all of them or none.

use super::apply;
use super::document::Document;
use super::grammar::Change;
use super::refusal::{Place, Refusal};
use crate::config::options::Table;
use crate::config::{Config, Diagnostic, Diff, Loaded, Severity};

/// A configuration under change.
#[derive(Clone)]
pub struct Session {
    document: Document,
    /// Which rows were touched by whom, by what they are called in diagnostics.
    touched: Vec<Touched>,
    refusals: Vec<Refusal>,
}

#[derive(Clone)]
struct Touched {
    label: String,
    key: Option<&'static str>,
    place: Place,
}

/// What changes would make of a configuration.
pub struct Outcome {
    /// The new text.
    pub text: String,
    /// What becomes of Accounts, where both configurations are good.
    pub diff: Option<Diff>,
    /// What is doubtful now and was not before, and errors that were there before.
    pub notes: Vec<Diagnostic>,
    /// How many errors there still are.
    pub errors: usize,
}

impl Session {
    /// Begins with a text.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        Ok(Self {
            document: Document::parse(text)?,
            touched: Vec::new(),
            refusals: Vec::new(),
        })
    }

    /// The configuration as it stands now.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Carries out a change. One that cannot be changes nothing, and is remembered.
    pub fn apply(&mut self, change: &Change) {
        let mut document = self.document.clone();
        match apply::apply(&mut document, change) {
            Err(refusal) => self.refusals.push(refusal),
            Ok(applied) => {
                self.document = document;
                let Some(row) = applied.row else {
                    return;
                };
                let table = row.table.info().noun;
                let label = match self.document.name(row) {
                    Some(name) => format!("{table} {name:?}"),
                    None => table.to_owned(),
                };
                let label = match row.proxy {
                    Some(at) => format!("{label}: {} {}", Table::Proxy.info().noun, at + 1),
                    None => label,
                };
                for setting in &change.settings {
                    self.touched.push(Touched {
                        label: label.clone(),
                        key: Some(setting.option.key),
                        place: setting.place,
                    });
                }
                self.touched.push(Touched {
                    label,
                    key: None,
                    place: change.place,
                });
            }
        }
    }

    /// What was done so far is written, and no part of what comes.
    pub fn written(&mut self) {
        self.document.rebase();
        self.touched.clear();
    }

    /// Remembers what else was wrong.
    pub fn refuse(&mut self, refusal: Refusal) {
        self.refusals.push(refusal);
    }

    /// What has become of it, or everything that is wrong. `load` says what a text means.
    pub fn finish(self, load: impl Fn(&str) -> Loaded) -> Result<Outcome, Vec<Refusal>> {
        let Self {
            document,
            touched,
            mut refusals,
        } = self;
        let text = document.text();
        if !refusals.is_empty() {
            refusals.sort_by_key(|refusal| refusal.place);
            return Err(refusals);
        }
        let (old, new) = (load(document.original()), load(&text));
        let known = |one: &&Diagnostic| {
            let mut before = old.diagnostics.iter();
            before.any(|other| other.message == one.message && other.severity == one.severity)
        };
        let of = |severity: Severity| {
            new.diagnostics
                .iter()
                .filter(move |one| one.severity == severity)
        };
        let new_errors = of(Severity::Error).filter(|one| !known(one));
        let new_errors: Vec<Refusal> = new_errors.map(|one| blame(one, &touched)).collect();
        if !new_errors.is_empty() {
            return Err(new_errors);
        }
        let warnings = of(Severity::Warning).filter(|one| !known(one));
        let notes = warnings.chain(of(Severity::Error)).cloned().collect();
        let between = |old: &Config, new: &Config| Diff::between(old, new);
        Ok(Outcome {
            diff: (old.config.as_ref().zip(new.config.as_ref()))
                .map(|(old, new)| between(old, new)),
            notes,
            errors: of(Severity::Error).count(),
            text,
        })
    }
}

/// Says of an error of the configuration which word of the command or the script brought it.
fn blame(found: &Diagnostic, touched: &[Touched]) -> Refusal {
    let is_row = |one: &&Touched| {
        let rest = found.message.strip_prefix(&one.label);
        rest.is_some_and(|rest| rest.starts_with(':'))
    };
    let exact = touched
        .iter()
        .rfind(|one| is_row(one) && one.key == Some(found.key.as_str()));
    let row = || touched.iter().rfind(|one| is_row(one) && one.key.is_none());
    let named = || {
        let mut all = touched.iter().rev();
        all.find(|one| one.key.is_none() && found.message.contains(&one.label))
    };
    let by = exact.or_else(row).or_else(named).or_else(|| touched.last());
    Refusal {
        message: found.message.clone(),
        hint: found.hint.clone(),
        place: by.map(|by| by.place).unwrap_or_default(),
    }
}
