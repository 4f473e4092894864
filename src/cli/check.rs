//! `regent check`.

use std::io;

use anyhow::anyhow;

use super::args::{Check, Configuration};
use super::{End, Failure, screen};
use crate::config::{Diagnostics, Loaded};
use crate::control::protocol::Format;
use crate::daemon::{self, Device, Origin};
use crate::status::words::count;

/// Names everything that is wrong with a configuration, and sums up.
pub(super) fn check(arguments: &Check) -> Result<End, Failure> {
    let (origin, loaded, _) = load(&arguments.configuration)?;
    let here = loaded.config.as_ref().map(|config| {
        // What cannot be bound on this host may be meant for another one.
        daemon::foreign_addresses(loaded.diagnostics.file(), config)
    });
    let found = &loaded.diagnostics.clone().merged(here.unwrap_or_default());
    let accounts = loaded
        .config
        .as_ref()
        .map_or(0, |config| config.accounts.len());
    let good = match found.is_empty() {
        true => format!(
            "{}: good, {}",
            origin.path.display(),
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
pub(super) fn load(configuration: &Configuration) -> Result<(Origin, Loaded, Format), Failure> {
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
    let device = configuration.device.read();
    let is_plain = device == Device::default();
    let origin = Origin { path, device };
    match origin.load() {
        Ok((_, Format::Toml)) if !is_plain => {
            let path = origin.path.display();
            let message = format!("{path} is no ini file, and only such takes these options");
            Err(Failure::usage(message).hint("say it in the configuration itself"))
        }
        Ok((loaded, format)) => Ok((origin, loaded, format)),
        Err(error) => {
            let what = format!("cannot read {}", origin.path.display());
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
