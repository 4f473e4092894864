//! `regent run`.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tracing::{info, warn};

use super::args::{LogFormat, Run};
use super::connect::runtime_folder;
use super::{End, Failure, SHORTER, check, logging};
use crate::config::{Config, Severity};
use crate::control::{self, ListenError, Listener};
use crate::daemon::{self, Shutdown, State};
use crate::web;

/// Runs the daemon until it is told to stop.
pub(super) fn run(arguments: &Run) -> Result<End, Failure> {
    logging::start(&arguments.log, arguments.log_format)?;
    let guard = daemon::guard()
        .context("cannot turn core dumps off")
        .map_err(Failure::failed)?;
    let (origin, loaded, format) = check::load(&arguments.configuration)?;
    let path = &origin.path;
    match arguments.log_format {
        LogFormat::Text if !loaded.diagnostics.is_empty() => check::show(&loaded.diagnostics),
        LogFormat::Text => {}
        LogFormat::Json => {
            for one in &loaded.diagnostics {
                let (file, line, column) = (&*one.file, one.line, one.column);
                let hint = one.hint.as_deref();
                match one.severity {
                    Severity::Error => tracing::error!(file, line, column, hint, "{}", one.message),
                    Severity::Warning => warn!(file, line, column, hint, "{}", one.message),
                }
            }
        }
    }
    let Some(config) = loaded.config else {
        let sum = check::summary(&loaded.diagnostics);
        return Err(Failure::failed(anyhow::anyhow!(
            "{}: {sum}",
            path.display()
        )));
    };
    if config.agent.core_dumps {
        warn!("core dumps are on: one would hold the passwords");
        let allowed = guard.allow().context("cannot turn core dumps on");
        allowed.map_err(Failure::failed)?;
    }
    let listener = listen(arguments.socket.named().as_deref(), &config)?;
    info!(configuration = %path.display(), control_socket = %listener.path().display(), "starting");
    let web = web::Plan::new(&config, &[]).map_err(|error| Failure {
        hint: error.hint().map(str::to_owned),
        ..Failure::failed(error)
    })?;
    let setup = daemon::Setup {
        web,
        state: state(arguments, &config)?,
        origin: Some((origin, format)),
        config: Arc::new(config),
        listener: Some(listener),
    };
    daemon::run(setup, Shutdown::by_signal()).map_err(Failure::failed)?;
    Ok(End::Done)
}

/// What outlives the run, as far as it is to be kept.
fn state(arguments: &Run, config: &Config) -> Result<State, Failure> {
    if arguments.without_state {
        warn!("nothing is kept for the next run (--without-state): bindings go at the stop");
        return Ok(State::off("--without-state was given"));
    }
    let given = arguments.state.named();
    State::open(config, given.as_deref()).map_err(|error| Failure {
        hint: error.hint(),
        ..Failure::failed(error)
    })
}

/// Binds the control socket: where the command line says, or the configuration, or at the first
/// good place.
fn listen(socket: Option<&Path>, config: &Config) -> Result<Listener, Failure> {
    let configured = config.agent.control_socket.as_deref().map(Path::new);
    let path = match socket.or(configured) {
        Some(path) => path.to_owned(),
        None => control::path::choose(runtime_folder().as_deref())
            .context("there is no good place for the control socket")
            .map_err(|error| Failure::failed(error).hint("choose one with --socket PATH"))?,
    };
    let group = config.agent.control_group.as_deref();
    Listener::bind(&path, group).map_err(|error| {
        let hint = match &error {
            ListenError::InUse(_) => Some("stop it, or choose another place with --socket PATH"),
            ListenError::TooLong { .. } => Some(SHORTER),
            ListenError::NotASocket(_) => Some("choose another place with --socket PATH"),
            ListenError::System { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                Some("its folder must exist")
            }
            ListenError::Group(_) | ListenError::System { .. } => None,
        };
        Failure {
            hint: hint.map(str::to_owned),
            ..Failure::failed(error)
        }
    })
}
