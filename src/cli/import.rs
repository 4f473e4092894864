//! `regent import`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use zeroize::Zeroizing;

use super::args::Import;
use super::files::{Content, Files, are_one};
use super::{End, Failure, screen};
use crate::config::import::{Imported, Report};
use crate::status::words::count;

/// Makes a configuration of a device's file, and tells what became of each row.
pub(super) fn import(arguments: &Import) -> Result<End, Failure> {
    let report_to = report_to(arguments)?;
    let written = [output(arguments), report_to.as_deref()];
    for path in written.into_iter().flatten() {
        leave(&arguments.file, path)?;
    }
    if arguments.file.extension() == Some(OsStr::new("toml")) {
        let path = arguments.file.display();
        let message = format!("{path} is a configuration already, and no ini file of a device");
        return Err(Failure::usage(message).hint(format!("look at it with `regent check {path}`")));
    }
    let (name, bytes) = read(&arguments.file)?;
    let device = arguments.device.read();
    let imported = device.import(&name, &bytes).map_err(|fault| {
        let failure = Failure::failed(anyhow!("{}:{}: {}", fault.file, fault.line, fault.message));
        match fault.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })?;
    let report = &imported.report;
    for finding in &report.findings {
        screen::note(&finding.to_string());
    }
    if let Some(to) = &report_to {
        write_report(report, arguments.json, to)?;
    }
    screen::note(&format!("{name}: {}", report.summary));
    if arguments.strict && !report.is_complete() {
        return Err(Failure::failed(anyhow!(
            "nothing is written, because of --strict"
        )));
    }
    match output(arguments) {
        Some(path) => write(&imported, path, arguments.force)?,
        None => {
            screen::print_bytes(imported.toml.as_bytes())?;
            if !imported.secrets.is_empty() {
                let passwords = count(imported.secrets.len() as u64, "password");
                screen::note(&format!("{passwords} not written: give --output FILE"));
            }
        }
    }
    Ok(match report.is_complete() {
        true => End::Done,
        false => End::Failed,
    })
}

/// Where the report goes, if anywhere; the standard output takes one thing only.
fn report_to(arguments: &Import) -> Result<Option<PathBuf>, Failure> {
    let wanted = match (&arguments.report, arguments.json) {
        (Some(path), _) => Some(path.clone()),
        (None, true) => Some(PathBuf::from("-")),
        (None, false) => None,
    };
    let is_output = wanted.as_deref().is_some_and(is_standard);
    if is_output && output(arguments).is_none() {
        let message = "configuration and report cannot both go to the standard output".to_owned();
        return Err(Failure::usage(message).hint("give --output FILE, or --report FILE"));
    }
    Ok(wanted)
}

/// The file that the configuration goes to; without one it is the standard output.
fn output(arguments: &Import) -> Option<&Path> {
    arguments
        .output
        .as_deref()
        .filter(|path| !is_standard(path))
}

/// What is read is never written over, not even by force: it may be the only copy of a device's
/// file.
pub(super) fn leave(input: &Path, output: &Path) -> Result<(), Failure> {
    match are_one(input, output) {
        true => {
            let message = format!("{} is the file that is read", output.display());
            Err(Failure::usage(message).hint("choose another name for what is written"))
        }
        false => Ok(()),
    }
}

pub(super) fn is_standard(path: &Path) -> bool {
    path == Path::new("-")
}

/// The file's name and its bytes.
fn read(path: &Path) -> Result<(String, Zeroizing<Vec<u8>>), Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let (name, read) = if is_standard(path) {
        let input = io::stdin().lock();
        let read = input.take(LONGEST + 1).read_to_end(&mut bytes);
        ("standard input".to_owned(), read)
    } else {
        let file = std::fs::File::open(path);
        let read = file.and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes));
        (path.display().to_string(), read)
    };
    let read = read.and_then(|length| match length as u64 > LONGEST {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(()),
    });
    read.with_context(|| format!("cannot read {name}"))
        .map_err(Failure::failed)?;
    Ok((name, bytes))
}

fn write_report(report: &Report, json: bool, to: &Path) -> Result<(), Failure> {
    let text = match json {
        true => {
            let text = serde_json::to_string_pretty(report).map_err(Failure::failed)?;
            format!("{text}\n")
        }
        false => report.to_string(),
    };
    if is_standard(to) {
        screen::print_bytes(text.as_bytes())?;
        return Ok(());
    }
    let written = std::fs::write(to, text);
    written
        .with_context(|| format!("cannot write {}", to.display()))
        .map_err(Failure::failed)
}

/// Writes the configuration and its passwords: all of them or nothing, and the configuration last,
/// so that it never names a password that is not there.
fn write(imported: &Imported, path: &Path, force: bool) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    let mut files = Files::default();
    let mut names = BTreeSet::new();
    for (name, secret) in &imported.secrets {
        names.insert(name.as_str());
        files.add(folder.join(name), Content::Secret(secret.clone()));
    }
    let own = path.file_name().and_then(|name| name.to_str());
    if own.is_some_and(|own| names.contains(own)) {
        let message = format!("{} is the name of a password's file", path.display());
        return Err(Failure::usage(message).hint("choose another name for --output"));
    }
    files.add(path.to_owned(), Content::Text(imported.toml.clone()));
    let there = files.foreign().map_err(Failure::failed)?;
    if let (Some(first), false) = (there.first(), force) {
        let more = match there.len() {
            1 => String::new(),
            number => format!(" (and {} more)", count(number as u64 - 1, "file")),
        };
        let error = anyhow!(
            "{} is there already{more}; nothing is written",
            first.display()
        );
        return Err(Failure::failed(error).hint("--force writes over what is there"));
    }
    files.write().map_err(Failure::failed)?;
    let passwords = match imported.secrets.len() {
        0 => String::new(),
        number => format!(", with {} beside it", count(number as u64, "password")),
    };
    screen::note(&format!("{} written{passwords}", path.display()));
    Ok(())
}

const LONGEST: u64 = 512 << 20;
