//! The configuration as a user meets it: the files in `conf/`, and everything wrong in one run.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use regent::config::{Loaded, documentation, load};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_documented_configuration_is_up_to_date,
        every_shipped_configuration_loads_without_a_word,
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf")
}

/// The name of a file in `conf/` and its text.
fn files() -> Result<Vec<(String, String)>, String> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder()).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            files.push((format!("conf/{name}"), text));
        }
    }
    files.sort();
    Ok(files)
}

/// `conf/regent.toml` is what the table of options says. `REGENT_BLESS=1` writes it anew.
fn the_documented_configuration_is_up_to_date() -> Result<(), String> {
    let path = folder().join("regent.toml");
    let wanted = documentation();
    if std::env::var_os("REGENT_BLESS").is_some() {
        return std::fs::write(&path, wanted).map_err(|error| error.to_string());
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    if found == wanted {
        return Ok(());
    }
    let lines = found.lines().zip(wanted.lines());
    let same = lines.take_while(|(found, wanted)| found == wanted).count();
    Err(format!(
        "conf/regent.toml differs from the table of options from line {} on; run the tests with \
         REGENT_BLESS=1 and look at what changes",
        same + 1
    ))
}

/// Rule G3: what we ship can be used.
fn every_shipped_configuration_loads_without_a_word() -> Result<(), String> {
    let files = files()?;
    if files.len() < 3 {
        return Err(format!("only {} files in conf/", files.len()));
    }
    for (name, text) in files {
        let Loaded {
            config,
            diagnostics,
        } = load(&name, &text);
        if config.is_none() || !diagnostics.is_empty() {
            return Err(diagnostics.to_string());
        }
    }
    Ok(())
}
