//! Changes of a configuration's file on their way: checked, then written, then perhaps taken back.

use std::path::{Path, PathBuf};

use super::file::Locked;
use super::refusal::Refusal;
use super::session::{Outcome, Session};
use crate::config::Loaded;

/// A file with a change that is good and not written yet. Until it is dropped, nobody else changes
/// the file by this module.
pub struct Edit {
    file: Locked,
    outcome: Outcome,
    /// What the file was before it was written.
    backup: Option<PathBuf>,
}

impl Edit {
    /// What has become of a file's text, or everything that is wrong with it. `load` says what a
    /// text means.
    pub fn new(
        file: Locked,
        session: Session,
        load: impl Fn(&str) -> Loaded,
    ) -> Result<Self, Vec<Refusal>> {
        Ok(Self {
            outcome: session.finish(load)?,
            file,
            backup: None,
        })
    }

    /// The file, as it was named.
    pub fn path(&self) -> &Path {
        self.file.named()
    }

    /// What the file says as long as nothing is written.
    pub fn before(&self) -> &str {
        self.file.text()
    }

    /// What the change makes of it.
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// Whether the file says something else with it.
    pub fn is_change(&self) -> bool {
        self.outcome.text != self.file.text()
    }

    /// Writes it. The file is the old or the new one at any time, and the old one is kept beside
    /// it, at the path that is returned.
    pub fn write(&mut self) -> Result<&Path, Refusal> {
        let backup = self.file.replace(&self.outcome.text)?;
        Ok(self.backup.insert(backup))
    }

    /// Makes the file what it was before it was written: whoever runs from it does not want it.
    pub fn undo(&mut self) -> Result<(), Refusal> {
        match self.backup.take() {
            Some(backup) => self.file.undo(&backup),
            None => Ok(()),
        }
    }
    /// The file, for the next change.
    pub fn into_file(self) -> Locked {
        self.file
    }
}
