//! `regent check`.

use std::io;
use std::path::PathBuf;

use anyhow::anyhow;

use super::args::{Check, Configuration};
use super::{End, Failure, screen};
use crate::config::{Diagnostics, Loaded};
use crate::daemon;
use crate::status::words::count;

/// Names everything that is wrong with a configuration, and sums up.
pub(super) fn check(arguments: &Check) -> Result<End, Failure> {
    let (path, loaded) = load(&arguments.configuration)?;
    let found = &loaded.diagnostics;
    let accounts = loaded
        .config
        .as_ref()
        .map_or(0, |config| config.accounts.len());
    let good = match found.is_empty() {
        true => format!(
            "{}: good, {}",
            path.display(),
            count(accounts as u64, "Account")
        ),
        false => summary(found),
    };
    match screen::say(&format!("{found}{good}")) {
        // Who has heard enough can still see the exit code.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    Ok(if loaded.config.is_some() {
        End::Done
    } else {
        End::Failed
    })
}

/// Loads a configuration, from the usual place if none is given.
pub(super) fn load(configuration: &Configuration) -> Result<(PathBuf, Loaded), Failure> {
    let usual = daemon::usual_places();
    let path = match configuration.given() {
        Some(path) => path.to_owned(),
        None => usual
            .iter()
            .find(|path| path.exists())
            .cloned()
            .ok_or_else(|| {
                let [here, there] = usual.map(|path| path.display().to_string());
                let error = anyhow!("there is no configuration: neither {here} nor {there} exists");
                Failure::new(End::Usage, error).hint("name one, or see it work first: regent demo")
            })?,
    };
    match daemon::load(&path) {
        Ok(loaded) => Ok((path, loaded)),
        Err(error) => {
            let what = format!("cannot read {}", path.display());
            Err(Failure::failed(anyhow::Error::new(error).context(what)))
        }
    }
}

/// Says how many errors and warnings there are.
pub(super) fn summary(found: &Diagnostics) -> String {
    let numbers = [(found.errors(), "error"), (found.warnings(), "warning")];
    let numbers = numbers.into_iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = numbers
        .map(|(number, noun)| count(number as u64, noun))
        .collect();
    words.join(", ")
}

/// Shows on the standard error what is to be mended before the daemon can run.
pub(super) fn show(found: &Diagnostics) {
    screen::note(found.to_string().trim_end());
}
