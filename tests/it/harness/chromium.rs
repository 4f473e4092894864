//! Chromium, which shows the page, and axe, which judges it.

use std::env;
use std::path::PathBuf;

use super::sandbox::read_text;
use super::trial::{Need, Program};

/// The mark of a trial in which a browser shows the page.
pub(crate) const CHROMIUM: Need = Need::Program(BROWSER);
/// The mark of a trial that drives it.
pub(crate) const CHROMEDRIVER: Need = Need::Program(DRIVER);
/// The mark of a trial in which the page is judged for people who do not see it, or not well.
pub(crate) const AXE: Need = Need::Axe;

const BROWSER: Program = Program {
    name: "chromium",
    packages: "chromium",
};
const DRIVER: Program = Program {
    name: "chromedriver",
    packages: "chromium-driver",
};

/// Where the browser is.
#[track_caller]
pub(crate) fn chromium_path() -> PathBuf {
    BROWSER.path()
}

/// Where its driver is.
#[track_caller]
pub(crate) fn chromedriver_path() -> PathBuf {
    DRIVER.path()
}

/// The text of axe, a script for a page.
#[track_caller]
pub(crate) fn axe() -> String {
    let path = axe_path().unwrap_or_else(|| panic!("{}", missing().unwrap_or_default()));
    read_text(&path)
}

/// Why there is no axe, if there is none.
pub(super) fn missing() -> Option<String> {
    let why = "REGENT_AXE does not name axe.min.js of npm's axe-core";
    axe_path().is_none().then(|| why.to_owned())
}

fn axe_path() -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os("REGENT_AXE")?);
    path.is_file().then_some(path)
}
