//! The socket itself: made so that the right people can reach it, and never taken away from a
//! living daemon.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::unistd::chown;
use thiserror::Error;

use super::path;
use super::peer::Rule;

/// Why there is no socket.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// Another daemon answers there.
    #[error("another daemon listens on {}", .0.display())]
    InUse(PathBuf),
    /// Something else has that name.
    #[error("{} exists and is not a socket", .0.display())]
    NotASocket(PathBuf),
    /// The group does not exist, or the socket cannot be given to it.
    #[error("{0}")]
    Group(String),
    /// No socket can have that name.
    #[error("cannot listen on {}: {}", path.display(), path::too_long(*.length))]
    TooLong {
        /// The name.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The system refused.
    #[error("cannot listen on {}", path.display())]
    System {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A bound control socket. The file goes when this goes.
#[derive(Debug)]
pub struct Listener {
    pub(super) listener: UnixListener,
    pub(super) rule: Rule,
    path: PathBuf,
    file: (u64, u64),
}

impl Listener {
    /// Binds the socket with mode 0660, given to `group` if there is one. The socket of a daemon
    /// that is gone is replaced.
    pub fn bind(path: &Path, group: Option<&str>) -> Result<Self, ListenError> {
        if let Some(length) = path::excess(path) {
            let path = path.to_owned();
            return Err(ListenError::TooLong { path, length });
        }
        let rule = Rule::new(group).map_err(ListenError::Group)?;
        let system = |source| ListenError::System {
            path: path.to_owned(),
            source,
        };
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                clear(path)?;
                UnixListener::bind(path).map_err(system)?
            }
            other => other.map_err(system)?,
        };
        let found = fs::symlink_metadata(path).map_err(system)?;
        let listener = Self {
            listener,
            path: path.to_owned(),
            file: (found.dev(), found.ino()),
            rule,
        };
        if let Some((gid, name)) = &listener.rule.group {
            chown(path, None, Some(*gid)).map_err(|errno| {
                let why = errno.desc();
                ListenError::Group(format!(
                    "cannot give the control socket to group {name}: {why}"
                ))
            })?;
        }
        fs::set_permissions(path, Permissions::from_mode(0o660)).map_err(system)?;
        listener.listener.set_nonblocking(true).map_err(system)?;
        Ok(listener)
    }

    /// The socket itself, for whoever serves something else there. The file stays while this lives.
    pub fn socket(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Somebody may have put another one there.
        let is_ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if is_ours {
            drop(fs::remove_file(&self.path));
        }
    }
}

/// Removes a socket that nobody answers on.
fn clear(path: &Path) -> Result<(), ListenError> {
    let system = |source| ListenError::System {
        path: path.to_owned(),
        source,
    };
    let kind = fs::symlink_metadata(path).map_err(system)?.file_type();
    if !kind.is_socket() {
        return Err(ListenError::NotASocket(path.to_owned()));
    }
    match UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(system)
        }
        Ok(_) => Err(ListenError::InUse(path.to_owned())),
        // A queue that is full, or a socket that we may not use, belongs to somebody who lives.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(ListenError::InUse(path.to_owned()))
        }
        Err(error) => Err(system(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_living_socket_is_left_alone_and_a_dead_one_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let first = Listener::bind(&path, None).unwrap();
        let mode = fs::metadata(&path).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o660);
        assert!(matches!(
            Listener::bind(&path, None),
            Err(ListenError::InUse(_))
        ));
        drop(first);
        assert!(!path.exists());
        drop(UnixListener::bind(&path).unwrap()); // Leaves its file, as a crash does.
        let second = Listener::bind(&path, None).unwrap();
        fs::remove_file(&path).unwrap();
        let third = Listener::bind(&path, None).unwrap();
        drop(second);
        assert!(path.exists(), "the file of the third went with the second");
        drop(third);
    }

    #[test]
    fn a_file_is_not_taken_for_a_socket() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(
            Listener::bind(&path, None),
            Err(ListenError::NotASocket(_))
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_group_that_does_not_exist_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Listener::bind(&folder.path().join("sock"), Some("no-such-group"));
        assert!(error.unwrap_err().to_string().contains("no-such-group"));
    }
}
