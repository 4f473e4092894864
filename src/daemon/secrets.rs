//! Passwords that stand outside the configuration: in files, in the environment, and in credentials
//! of systemd.

use std::env;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{self, Path};

use zeroize::{Zeroize as _, Zeroizing};

use crate::config::{SecretFault, SecretSource};
use crate::secret::Secret;

/// The mode bit that lets every user read a file.
pub(super) const OTHERS_MAY_READ: u32 = 0o004;
/// Where systemd says which folder has a service's credentials.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";
const LONGEST_SECRET: usize = 4_096;

/// Fetches one password. `folder` is the configuration's.
pub(super) fn fetch(source: &SecretSource, folder: &Path) -> Result<Secret, SecretFault> {
    match source {
        SecretSource::File(name, _) => from_file(name, &folder.join(&**name)),
        SecretSource::Environment(name, _) => from_variable(name),
        SecretSource::Credential(name, _) => {
            from_credential(name, env::var_os(CREDENTIALS).as_deref().map(Path::new))
        }
        SecretSource::Absent | SecretSource::Inline => Ok(Secret::default()),
    }
}

fn from_variable(name: &str) -> Result<Secret, SecretFault> {
    let fault = |what: &str| SecretFault::new(format!("the environment variable {name:?} {what}"));
    let value = env::var_os(name).ok_or_else(|| fault("is not set"))?;
    value.into_string().map(Secret::new).map_err(|value| {
        value.into_encoded_bytes().zeroize();
        fault("is not UTF-8")
    })
}

/// A credential of systemd, which is in a folder that is for this service alone.
fn from_credential(name: &str, folder: Option<&Path>) -> Result<Secret, SecretFault> {
    let unit = format!("the unit needs LoadCredential={name}:PATH or SetCredentialEncrypted=");
    let Some(folder) = folder else {
        let message = format!("there is no credential {name:?}: {CREDENTIALS} is not set");
        let hint = format!("systemd sets it for a service with credentials; {unit}");
        return Err(SecretFault::new(message).hint(hint));
    };
    // The configuration's check has seen to it that the name is no path.
    let what = format!("credential {name:?}");
    first_line(&what, &folder.join(name), 0, |path, kind| {
        let place = path.display();
        (kind == io::ErrorKind::NotFound).then(|| format!("it is looked for at {place}; {unit}"))
    })
}

/// The first line of a file that not everybody may read.
fn from_file(name: &str, path: &Path) -> Result<Secret, SecretFault> {
    let what = format!("password file {name:?}");
    first_line(&what, path, OTHERS_MAY_READ, |path, kind| {
        if kind == io::ErrorKind::NotFound {
            // Whoever reads a log does not know our working directory.
            let place = path::absolute(path).unwrap_or_else(|_| path.to_owned());
            return Some(format!("it is looked for at {}", place.display()));
        }
        let is_closed = kind == io::ErrorKind::PermissionDenied;
        is_closed.then(|| "it must belong to the user, or a group, that regent runs as".to_owned())
    })
}

/// The first line of a regular file whose mode has none of the `forbidden` bits. What it is read
/// into is wiped.
fn first_line(
    what: &str,
    path: &Path,
    forbidden: u32,
    hint: impl Fn(&Path, io::ErrorKind) -> Option<String>,
) -> Result<Secret, SecretFault> {
    let fault = |problem: &str| SecretFault::new(format!("{what} {problem}"));
    let cannot = |error: io::Error| SecretFault {
        hint: hint(path, error.kind()),
        ..fault(&format!("cannot be read: {}", plain(&error)))
    };
    // Looked at before it is opened: opening a pipe would wait for its writer.
    let is_file = fs::metadata(path).map_err(cannot)?.is_file();
    if !is_file {
        return Err(fault("is not a regular file"));
    }
    let mut file = File::open(path).map_err(cannot)?;
    if file.metadata().map_err(cannot)?.mode() & forbidden != 0 {
        let shown = path.display();
        return Err(fault("may be read by every user").hint(format!("chmod o-r {shown}")));
    }
    let mut bytes = Zeroizing::new(vec![0; LONGEST_SECRET]);
    let mut length = 0;
    while length < bytes.len() {
        match file.read(&mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(cannot(error)),
        }
    }
    let line = bytes[..length].split(|byte| *byte == b'\n').next();
    let line = line.unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match str::from_utf8(line) {
        Ok(text) => Ok(Secret::new(text)),
        Err(_) => Err(fault("is not UTF-8 text")),
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

    // rule A3
    #[test]
    fn a_credential_is_the_first_line_of_its_file() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "main", "open sesame\n", 0o400);
        // Whether others may read it is systemd's business, whose folder it is.
        write(folder.path(), "open", "friend", 0o444);
        let get = |name: &str| from_credential(name, Some(folder.path()));
        assert_eq!(get("main").unwrap().reveal(), "open sesame");
        assert_eq!(get("open").unwrap().reveal(), "friend");
        let fault = get("none").unwrap_err();
        let path = folder.path().join("none");
        assert_eq!(
            fault.message,
            "credential \"none\" cannot be read: no such file or directory"
        );
        assert_eq!(
            fault.hint.unwrap(),
            format!(
                "it is looked for at {}; the unit needs LoadCredential=none:PATH or \
                 SetCredentialEncrypted=",
                path.display()
            )
        );
    }

    // rule A3
    #[test]
    fn without_systemd_there_is_no_credential() {
        let fault = from_credential("main", None).unwrap_err();
        assert_eq!(
            fault.message,
            "there is no credential \"main\": CREDENTIALS_DIRECTORY is not set"
        );
        assert_eq!(
            fault.hint.unwrap(),
            "systemd sets it for a service with credentials; the unit needs \
             LoadCredential=main:PATH or SetCredentialEncrypted="
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
