//! A Python that has what a trial needs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::trial::{Need, Program};

/// The mark of a trial with a mail server that we did not write.
pub(crate) const AIOSMTPD: Need = Need::Python(SMTP);

/// The mark of a trial in which somebody else reads metrics.
pub(crate) const PROMETHEUS_CLIENT: Need = Need::Python(METRICS);

/// A mail server.
pub(crate) const SMTP: Module = Module {
    import: "aiosmtpd.smtp",
    sources: "Debian: python3-aiosmtpd, PyPI: aiosmtpd",
};

/// A reader of metrics.
pub(crate) const METRICS: Module = Module {
    import: "prometheus_client.openmetrics.parser",
    sources: "Debian: python3-prometheus-client, PyPI: prometheus_client",
};

const PYTHON: Program = Program {
    name: "python3",
    packages: "python3",
};

/// A module of Python.
#[derive(Clone, Copy)]
pub(crate) struct Module {
    import: &'static str,
    /// Where it comes from.
    sources: &'static str,
}

impl Module {
    /// Why there is none, if there is none.
    pub(super) fn missing(self) -> Option<String> {
        let Self { import, sources } = self;
        let why = || format!("no python3 has {import}; {sources}");
        self.find().is_none().then(why)
    }

    /// The Python that has it.
    #[track_caller]
    pub(crate) fn python(self) -> PathBuf {
        let missing = || panic!("{}", self.missing().unwrap_or_default());
        self.find().unwrap_or_else(missing)
    }

    fn find(self) -> Option<PathBuf> {
        static FOUND: Mutex<Vec<(&str, Option<PathBuf>)>> = Mutex::new(Vec::new());
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, path)) = found.iter().find(|it| it.0 == self.import) {
            return path.clone();
        }
        // The first in the path may not be the one that Debian's packages are for.
        let places = [PYTHON.find(), Some(PathBuf::from("/usr/bin/python3"))];
        let path = places.into_iter().flatten().find(|path| self.is_in(path));
        found.push((self.import, path.clone()));
        path
    }

    fn is_in(self, python: &Path) -> bool {
        let mut command = Command::new(python);
        let import = format!("import {}", self.import);
        command
            .args(["-c", &import])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}
