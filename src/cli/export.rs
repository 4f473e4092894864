//! `regent export`.

use anyhow::anyhow;

use super::args::Export;
use super::files::{Content, Files};
use super::import::{is_standard, leave};
use super::{End, Failure, check, screen};
use crate::config::import;
use crate::secret::Secret;

/// Writes a configuration as the ini file of a device, and says what that cannot say.
pub(super) fn export(arguments: &Export) -> Result<End, Failure> {
    let (origin, loaded, _) = check::load(&arguments.configuration)?;
    if !loaded.diagnostics.is_empty() {
        check::show(&loaded.diagnostics);
    }
    let Some(config) = loaded.config else {
        let sum = check::summary(&loaded.diagnostics);
        return Err(Failure::failed(anyhow!("{}: {sum}", origin.path.display())));
    };
    let exported = import::export(&config, arguments.with_passwords);
    for note in &exported.notes {
        screen::note(&format!("not in the ini file: {note}"));
    }
    let Some(path) = arguments
        .output
        .as_deref()
        .filter(|path| !is_standard(path))
    else {
        return Ok(screen::print_bytes(exported.text.as_bytes())?);
    };
    leave(&origin.path, path)?;
    let content = match arguments.with_passwords {
        true => Content::Secret(Secret::new(exported.text.trim_end())),
        false => Content::Text(exported.text.to_string()),
    };
    let mut files = Files::default();
    files.add(path.to_owned(), content);
    let is_there = !files.foreign().map_err(Failure::failed)?.is_empty();
    if is_there && !arguments.force {
        let error = anyhow!("{} is there already; nothing is written", path.display());
        return Err(Failure::failed(error).hint("--force writes over what is there"));
    }
    files.write().map_err(Failure::failed)?;
    screen::note(&format!("{} written", path.display()));
    Ok(End::Done)
}
