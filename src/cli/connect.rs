//! Which daemon a command talks to.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use super::Failure;
use super::args::Socket;
use crate::config::Config;
use crate::control::{Client, path};
use crate::daemon;

/// Connects to the daemon at `socket`, or wherever one is found.
pub(super) fn connect(socket: &Socket, limit: Duration) -> Result<Client, Failure> {
    let path = socket.path.clone().unwrap_or_else(find);
    Ok(Client::connect(&path, limit)?)
}

fn find() -> PathBuf {
    let runtime = runtime_folder();
    let found = path::find(runtime.as_deref());
    if found.exists() {
        return found;
    }
    // No daemon at any of the usual places: the configuration may name another one.
    configured().unwrap_or(found)
}

/// The socket that the configuration in the usual place names.
fn configured() -> Option<PathBuf> {
    let config = usual_config()?;
    config.agent.control_socket.as_deref().map(PathBuf::from)
}

/// The configuration in the usual place.
pub(super) fn usual_config() -> Option<Config> {
    let usual = daemon::usual_places();
    let file = usual.iter().find(|path| path.exists())?;
    daemon::Origin::new(file).load().ok()?.0.config
}

/// The user's own folder for sockets.
pub(super) fn runtime_folder() -> Option<PathBuf> {
    env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from)
}
