//! A Python that has a mail server.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::trial::{Need, Program};

/// The mark of a trial with a mail server that we did not write.
pub(crate) const AIOSMTPD: Need = Need::Aiosmtpd;

const PYTHON: Program = Program {
    name: "python3",
    packages: "python3",
};

/// Why there is no mail server, if there is none.
pub(super) fn missing() -> Option<String> {
    let why = "no python3 has aiosmtpd; Debian: python3-aiosmtpd, PyPI: aiosmtpd";
    find().is_none().then(|| why.to_owned())
}

/// The Python that has it.
#[track_caller]
pub(crate) fn python_path() -> PathBuf {
    let missing = || panic!("{}", missing().unwrap_or_default());
    find().unwrap_or_else(missing)
}

fn find() -> Option<PathBuf> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let find = || {
        // The first in the path may not be the one that Debian's packages are for.
        let places = [PYTHON.find(), Some(PathBuf::from("/usr/bin/python3"))];
        places.into_iter().flatten().find(|path| has_server(path))
    };
    FOUND.get_or_init(find).clone()
}

fn has_server(python: &Path) -> bool {
    let mut command = Command::new(python);
    command
        .args(["-c", "import aiosmtpd.smtp"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
