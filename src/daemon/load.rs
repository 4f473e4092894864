//! The configuration's file, and the passwords that stand elsewhere.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{self, Path, PathBuf};
use std::{env, panic, thread};

use crate::config::{
    self, Config, Diagnostic, Diagnostics, Loaded, SecretFault, SecretSource, Severity,
};
use crate::secret::Secret;

/// Reads a configuration and every password that it names. An error is one of the file itself; all
/// else is in the diagnostics.
pub fn load(path: &Path) -> io::Result<Loaded> {
    let (bytes, mode) = read(path)?;
    let file = path.display().to_string();
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    // A thread of its own, because its memory goes back to the system when it ends: what reading
    // takes is a multiple of what is read.
    let reader = thread::Builder::new().name("configuration".to_owned());
    let reader = reader.spawn(move || parse(&file, &folder, &bytes, mode))?;
    Ok(reader
        .join()
        .unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
}

/// The same for a text that is not in the file yet, with the passwords that are named from there.
pub fn load_text(path: &Path, text: &str) -> Loaded {
    let file = path.display().to_string();
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    parse(&file, &folder, text.as_bytes(), 0)
}

fn parse(file: &str, folder: &Path, bytes: &[u8], mode: u32) -> Loaded {
    let text = match str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => return not_text(file, &bytes[..error.valid_up_to()]),
    };
    let loaded = config::load(file, text).with_secrets(text, |source| fetch(source, folder));
    let is_exposed = mode & OTHERS_MAY_READ != 0;
    match loaded {
        Loaded {
            config: Some(config),
            diagnostics,
        } if is_exposed && has_passwords(&config) => Loaded {
            config: Some(config),
            diagnostics: diagnostics.merged([Diagnostic {
                severity: Severity::Warning,
                file: file.into(),
                line: 1,
                column: 1,
                key: "".into(),
                message: "the file holds passwords and every user may read it".to_owned(),
                hint: Some(format!("chmod o-r {file}, or use password_file")),
            }]),
        },
        loaded => loaded,
    }
}

fn read(path: &Path) -> io::Result<(Vec<u8>, u32)> {
    let file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let mut bytes = Vec::new();
    file.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok((bytes, found.mode()))
}

/// Says where a file stops being text.
fn not_text(file: &str, good: &[u8]) -> Loaded {
    let start = good
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    let lines = good.iter().filter(|byte| **byte == b'\n').count();
    let characters = String::from_utf8_lossy(&good[start..]).chars().count();
    let number = |count: usize| u32::try_from(count + 1).unwrap_or(u32::MAX);
    let diagnostic = Diagnostic {
        severity: Severity::Error,
        file: file.into(),
        line: number(lines),
        column: number(characters),
        key: "".into(),
        message: "the file is not UTF-8 text from here on".to_owned(),
        hint: None,
    };
    Loaded {
        config: None,
        diagnostics: Diagnostics::sorted(file.into(), true, vec![diagnostic]),
    }
}

fn has_passwords(config: &Config) -> bool {
    let own = config.accounts.iter().map(|account| &account.credentials);
    let groups = config.ip_groups.iter().map(|group| &group.as_client);
    let all = own.chain(groups).flatten();
    all.into_iter()
        .any(|credentials| credentials.source == SecretSource::Inline)
}

/// Fetches one password.
fn fetch(source: &SecretSource, folder: &Path) -> Result<Secret, SecretFault> {
    match source {
        SecretSource::File(name, _) => from_file(name, &folder.join(&**name)),
        SecretSource::Environment(name, _) => match env::var(&**name) {
            Ok(text) => Ok(Secret::new(text)),
            Err(env::VarError::NotPresent) => Err(SecretFault::new(format!(
                "the environment variable {name:?} is not set"
            ))),
            Err(env::VarError::NotUnicode(_)) => Err(SecretFault::new(format!(
                "the environment variable {name:?} is not UTF-8"
            ))),
        },
        SecretSource::Absent | SecretSource::Inline => Ok(Secret::default()),
    }
}

/// The first line of a file that not everybody may read.
fn from_file(name: &str, path: &Path) -> Result<Secret, SecretFault> {
    let fault = |what: String| SecretFault::new(format!("password file {name:?} {what}"));
    let cannot = |error: io::Error| {
        let fault = fault(format!("cannot be read: {}", plain(&error)));
        let kind = error.kind();
        if kind == io::ErrorKind::NotFound {
            // Whoever reads a log does not know our working directory.
            let place = path::absolute(path).unwrap_or_else(|_| path.to_owned());
            fault.hint(format!("it is looked for at {}", place.display()))
        } else if kind == io::ErrorKind::PermissionDenied {
            fault.hint("it must belong to the user, or a group, that regent runs as")
        } else {
            fault
        }
    };
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let is_file = fs::metadata(path).map_err(cannot)?.is_file();
    if !is_file {
        return Err(fault("is not a regular file".to_owned()));
    }
    let file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.mode() & OTHERS_MAY_READ != 0 {
        let shown = path.display();
        return Err(
            fault("may be read by every user".to_owned()).hint(format!("chmod o-r {shown}"))
        );
    }
    let mut bytes = Vec::with_capacity(LONGEST_SECRET as usize);
    file.take(LONGEST_SECRET)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match str::from_utf8(line) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(fault("is not UTF-8 text".to_owned())),
    }
}

/// What the system says, without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    let first = characters.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

/// Where a configuration is looked for when nobody says where it is.
pub fn usual_places() -> [PathBuf; 2] {
    ["regent.toml", "/etc/regent/regent.toml"].map(PathBuf::from)
}

const OTHERS_MAY_READ: u32 = 0o004;
const LONGEST_FILE: u64 = 512 << 20;
const LONGEST_SECRET: u64 = 4_096;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_password_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a", "open sesame\r\nnot this", 0o600);
        let secret = from_file("a", &folder.path().join("a")).unwrap();
        assert_eq!(secret.reveal(), "open sesame");
    }

    #[test]
    fn what_is_wrong_with_a_password_file_is_said_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "open", "x", 0o644);
        write(folder.path(), "binary", "x", 0o600);
        fs::write(folder.path().join("binary"), b"\xff").unwrap();
        let said = |name: &str| {
            from_file(name, &folder.path().join(name))
                .unwrap_err()
                .message
        };
        assert_eq!(
            said("open"),
            "password file \"open\" may be read by every user"
        );
        assert_eq!(
            said("none"),
            "password file \"none\" cannot be read: no such file or directory"
        );
        assert_eq!(said("."), "password file \".\" is not a regular file");
        assert_eq!(said("binary"), "password file \"binary\" is not UTF-8 text");
    }

    #[test]
    fn a_file_that_is_no_text_is_told_where() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regent.toml");
        fs::write(&path, b"# one\n# t\xffo").unwrap();
        let loaded = load(&path).unwrap();
        assert!(loaded.config.is_none());
        let said = loaded.diagnostics.to_string();
        assert!(
            said.ends_with(":2:4: error: the file is not UTF-8 text from here on\n"),
            "{said}"
        );
    }

    fn write(folder: &Path, name: &str, text: &str, mode: u32) {
        let path = folder.join(name);
        let mut options = File::options();
        let file = options
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .unwrap();
        file.set_permissions(fs::Permissions::from_mode(mode))
            .unwrap();
        fs::write(&path, text).unwrap();
    }
}
