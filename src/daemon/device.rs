//! A device's ini file, and what stands beside it: which of its interfaces is which address here,
//! and the passwords that it does not show.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{IpAddr, UdpSocket};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use zeroize::Zeroizing;

use super::secrets::OTHERS_MAY_READ;
use crate::config::import::{self, Imported, Limits, Passwords, Surroundings};
use crate::config::{Diagnostic, Diagnostics, Loaded, Severity};

/// What an ini file needs beside itself.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Device {
    /// Its interfaces by name, each with an address of this host.
    pub interfaces: Vec<(String, IpAddr)>,
    /// The file with passwords that it does not show.
    pub passwords: Option<PathBuf>,
    /// How many Accounts there may be.
    pub limits: Limits,
}

impl Device {
    /// Imports a file's bytes; `file` only names it. An error is one of the passwords.
    pub fn import(&self, file: &str, bytes: &[u8]) -> Result<Imported, Diagnostic> {
        let passwords = match &self.passwords {
            Some(path) => read_passwords(path)?,
            None => Passwords::default(),
        };
        let surroundings = Surroundings {
            interfaces: &self.interfaces,
            is_local: &is_local,
            passwords: &passwords,
            limits: self.limits,
        };
        Ok(import::import(file, &text(bytes), &surroundings))
    }

    /// The same as a configuration: with any error there is none.
    pub(super) fn load(&self, file: &str, bytes: &[u8], mode: u32) -> Loaded {
        let imported = match self.import(file, bytes) {
            Ok(imported) => imported,
            Err(fault) => {
                return Loaded {
                    config: None,
                    diagnostics: Diagnostics::sorted(file.into(), true, vec![fault]),
                };
            }
        };
        let mut findings = imported.report.findings;
        if mode & OTHERS_MAY_READ != 0 && !imported.secrets.is_empty() {
            findings.push(Diagnostic {
                severity: Severity::Warning,
                file: file.into(),
                line: 1,
                column: 1,
                key: String::new(),
                message: "the file holds passwords and every user may read it".to_owned(),
                hint: Some(format!("chmod o-r {file}")),
            });
        }
        let diagnostics = Diagnostics::sorted(file.into(), false, findings);
        let is_good = diagnostics.errors() == 0;
        Loaded {
            config: imported.config.filter(|_| is_good),
            diagnostics,
        }
    }
}

/// Whether a file is an ini file: by its name, else by what is in it.
pub(super) fn is_ini(path: &Path, bytes: &[u8]) -> bool {
    let extension = path
        .extension()
        .and_then(|it| it.to_str())
        .unwrap_or_default();
    if extension.eq_ignore_ascii_case("ini") {
        return true;
    }
    let is_toml = extension.eq_ignore_ascii_case("toml");
    !is_toml && import::is_ini(&text(bytes))
}

/// Bytes as text. Devices write ASCII; what is no UTF-8 was edited on a system with one byte for a
/// character, and in most of those that is Latin-1.
fn text(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    })
}

/// Whether an address is one of this host: only such can be bound.
fn is_local(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

fn read_passwords(path: &Path) -> Result<Passwords, Diagnostic> {
    let file: Arc<str> = path.display().to_string().into();
    let fault = |line: usize, message: String, hint: Option<String>| Diagnostic {
        severity: Severity::Error,
        file: file.clone(),
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: 1,
        key: String::new(),
        message,
        hint,
    };
    let mut bytes = Zeroizing::new(Vec::new());
    let read = |bytes: &mut Vec<u8>| -> io::Result<u32> {
        let file = File::open(path)?;
        let mode = file.metadata()?.mode();
        file.take(LONGEST_PASSWORDS).read_to_end(bytes)?;
        Ok(mode)
    };
    let mode = read(&mut bytes)
        .map_err(|error| fault(1, format!("the passwords cannot be read: {error}"), None))?;
    if mode & OTHERS_MAY_READ != 0 {
        let hint = format!("chmod o-r {}", path.display());
        let message = "the passwords may be read by every user".to_owned();
        return Err(fault(1, message, Some(hint)));
    }
    let text = str::from_utf8(&bytes)
        .map_err(|_| fault(1, "the passwords are not UTF-8 text".to_owned(), None))?;
    Passwords::read(text).map_err(|error| {
        let hint = "one password in a line: ACCOUNT = PASSWORD, or ip-group NAME = PASSWORD";
        fault(error.line, error.what.to_owned(), Some(hint.to_owned()))
    })
}

const LONGEST_PASSWORDS: u64 = 64 << 20;
