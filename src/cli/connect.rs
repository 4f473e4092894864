//! Which daemon a command talks to.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::config::Config;
use crate::control::{Client, path};
use crate::daemon;

/// Where the daemon and the commands that speak to it meet.
///
/// The environment is not left to the argument parser, which would take what it says for an option
/// that was given, and refuse another one beside it.
#[derive(Args, Clone, Default, Debug)]
pub(super) struct Socket {
    /// The daemon's control socket [default: $REGENT_SOCKET, else /run/regent/regent.sock,
    /// $XDG_RUNTIME_DIR/regent.sock or /tmp/regent-UID/regent.sock]
    #[arg(long = "socket", value_name = "PATH", global = true, display_order = LAST)]
    pub(super) path: Option<PathBuf>,
}

impl Socket {
    /// The one that was named, on the command line or else by the environment.
    pub(super) fn named(&self) -> Option<PathBuf> {
        let path = self.path.clone();
        path.or_else(|| environment("REGENT_SOCKET"))
    }
}

/// Where an option stands in the help that nearly every command has.
pub(super) const LAST: usize = 100;

/// Where the daemon keeps what outlives it.
#[derive(Args, Debug)]
pub(super) struct StateDirectory {
    /// The state directory [default: $REGENT_STATE_DIRECTORY, else as `state_directory` of the
    /// configuration says]
    #[arg(long = "state-directory", value_name = "PATH")]
    pub(super) directory: Option<PathBuf>,
}

impl StateDirectory {
    /// The one that was named, on the command line or else by the environment.
    pub(super) fn named(&self) -> Option<PathBuf> {
        let directory = self.directory.clone();
        directory.or_else(|| environment("REGENT_STATE_DIRECTORY"))
    }
}

/// The path that a variable names; an empty one names none.
fn environment(name: &str) -> Option<PathBuf> {
    let path = env::var_os(name).filter(|path| !path.is_empty());
    path.map(PathBuf::from)
}

/// Connects to the daemon at `socket`, or wherever one is found.
pub(super) fn connect(socket: &Socket, limit: Duration) -> Result<Client, Failure> {
    let path = socket.named().unwrap_or_else(find);
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
