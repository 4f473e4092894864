//! The service manager, as far as a daemon speaks to it.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use super::{SOON, Sandbox};

/// Hears what the daemon tells by `NOTIFY_SOCKET`.
pub(crate) struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    /// Listens in a sandbox.
    pub(crate) fn listen(sandbox: &Sandbox) -> Self {
        let path = sandbox.path("notify.sock");
        let socket = UnixDatagram::bind(&path).expect("room in the sandbox");
        socket.set_read_timeout(Some(SOON)).expect("a time limit");
        Self { socket, path }
    }

    /// What `NOTIFY_SOCKET` is to be.
    pub(crate) fn place(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// The next word, with its line ends.
    #[track_caller]
    pub(crate) fn hear(&self) -> String {
        let mut buffer = [0; 4_096];
        let length = self.socket.recv(&mut buffer).expect("a word in time");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }
}
