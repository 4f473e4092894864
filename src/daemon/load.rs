//! The configuration's file, and the passwords that stand elsewhere.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{self, Path, PathBuf};
use std::{panic, thread};

use zeroize::Zeroizing;

use super::device::{Device, is_ini};
use super::secrets::{OTHERS_MAY_READ, fetch};
use crate::config::{self, Config, Diagnostic, Diagnostics, Loaded, SecretSource, Severity};
use crate::control::protocol::Format;

/// A configuration's file with all that is needed to read it, as often as one wants.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origin {
    /// The file, as it was named.
    pub path: PathBuf,
    /// What it needs beside itself if it is the ini file of a device.
    pub device: Device,
}

impl Origin {
    /// A file that needs nothing beside itself.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            device: Device::default(),
        }
    }

    /// The same file from whatever folder.
    pub fn absolute(self) -> io::Result<Self> {
        let passwords = self.device.passwords.as_deref().map(path::absolute);
        Ok(Self {
            path: path::absolute(&self.path)?,
            device: Device {
                passwords: passwords.transpose()?,
                ..self.device
            },
        })
    }

    /// Reads it, with every password that it names or that stands beside it, and says how it is
    /// written. An error is one of the file itself; all else is in the diagnostics.
    pub fn load(&self) -> io::Result<(Loaded, Format)> {
        let (bytes, mode) = read(&self.path)?;
        let origin = self.clone();
        // A thread of its own, because its memory goes back to the system when it ends: what
        // reading takes is a multiple of what is read.
        let reader = thread::Builder::new().name("configuration".to_owned());
        let reader = reader.spawn(move || {
            let file = origin.path.display().to_string();
            if is_ini(&origin.path, &bytes) {
                return (origin.device.load(&file, &bytes, mode), Format::Ini);
            }
            let folder = origin.path.parent().map(Path::to_owned);
            let loaded = parse(&file, &folder.unwrap_or_default(), &bytes, mode);
            (loaded, Format::Toml)
        })?;
        Ok(reader
            .join()
            .unwrap_or_else(|panicked| panic::resume_unwind(panicked)))
    }
}

/// The same for a text that is not in the file yet, with the passwords that it names from there.
pub fn load_text(path: &Path, text: &str) -> Loaded {
    let file = path.display().to_string();
    let folder = path.parent().map(Path::to_owned).unwrap_or_default();
    let mode = fs::metadata(path).map_or(0, |found| found.mode());
    parse(&file, &folder, text.as_bytes(), mode)
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

/// What a file holds, and its mode. It may hold passwords, so that nothing of it is left anywhere
/// else.
pub(super) fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, u32)> {
    let mut file = File::open(path)?;
    let found = file.metadata()?;
    if found.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    // One byte more, to see the end without more room.
    let expected = usize::try_from(found.len().min(LONGEST_FILE)).unwrap_or(0) + 1;
    let mut bytes = Zeroizing::new(vec![0; expected]);
    let mut length = 0;
    loop {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if length as u64 > LONGEST_FILE {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if length == bytes.len() {
            // A vector that grew would leave what it held where it was.
            let mut larger = Zeroizing::new(vec![0; length * 2]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
    }
    bytes.truncate(length);
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
    let all = own.chain(groups).flatten().map(|it| &it.source);
    let web = config.web.iter();
    let tokens = web.flat_map(|web| [&web.token, &web.read_token]).flatten();
    all.chain(tokens.map(|it| &it.source))
        .any(|source| *source == SecretSource::Inline)
}

/// Where a configuration is looked for when nobody says where it is.
pub fn usual_places() -> [PathBuf; 2] {
    ["regent.toml", "/etc/regent/regent.toml"].map(PathBuf::from)
}

const LONGEST_FILE: u64 = 512 << 20;

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_that_is_no_text_is_told_where() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regent.toml");
        fs::write(&path, b"# one\n# t\xffo").unwrap();
        let (loaded, _) = Origin::new(&path).load().unwrap();
        assert!(loaded.config.is_none());
        let said = loaded.diagnostics.to_string();
        assert!(
            said.ends_with(":2:4: error: the file is not UTF-8 text from here on\n"),
            "{said}"
        );
    }
}
