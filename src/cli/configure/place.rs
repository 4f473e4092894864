//! Which file is changed, and whom to tell.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;

use super::args::Configure;
use super::report;
use crate::cli::connect::{Socket, connect};
use crate::cli::{End, Failure, screen};
use crate::configure::Edit;
use crate::control::protocol::{Call, Done, FaultCode, Format, Reload, Reloaded};
use crate::control::{Client, ClientError};
use crate::daemon;

/// Where a configuration is, and who runs from it.
pub(super) struct Place {
    file: PathBuf,
    /// The daemon that runs from it.
    daemon: Option<Client>,
    /// What it said of the last reload.
    reloaded: Option<Reloaded>,
}

impl Place {
    /// The file that was named, else that of the daemon, else the one at the usual place.
    pub(super) fn find(arguments: &Configure) -> Result<Self, Failure> {
        if let Some(file) = &arguments.config {
            return Ok(Self::alone(file.clone()));
        }
        match ask(&arguments.socket, PATIENCE) {
            Ok((client, file)) => Ok(Self {
                file,
                daemon: Some(client),
                reloaded: None,
            }),
            Err(failure)
                if failure.end == End::Unreachable && arguments.socket.named().is_none() =>
            {
                let usual = daemon::usual_places();
                let Some(file) = usual.iter().find(|path| path.exists()) else {
                    let hint = "-c names a file that no daemon runs from";
                    return Err(failure.hint(hint));
                };
                screen::note(&format!(
                    "no daemon answers: this is about {}",
                    file.display()
                ));
                Ok(Self::alone(file.clone()))
            }
            Err(failure) => Err(failure),
        }
    }

    fn alone(file: PathBuf) -> Self {
        Self {
            file,
            daemon: None,
            reloaded: None,
        }
    }

    /// The file.
    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether a daemon runs from it.
    pub(super) fn has_daemon(&self) -> bool {
        self.daemon.is_some()
    }

    /// What the daemon said of the last reload.
    pub(super) fn reloaded(&self) -> Option<&Reloaded> {
        self.reloaded.as_ref()
    }

    /// Lets the daemon read the file again. If it refuses, the file becomes what it was, and the
    /// command has failed.
    pub(super) fn reload(&mut self, edit: &mut Edit) -> Result<Option<End>, Failure> {
        let Some(client) = &mut self.daemon else {
            return Ok(None);
        };
        let answer = client.ask(Call::Reload(Some(Reload::default())), |_| Ok(()));
        let fault = match answer {
            Ok(Done::Reloaded(reloaded)) => {
                self.reloaded = Some(reloaded);
                return Ok(None);
            }
            Ok(_) => return Err(Failure::failed(anyhow!("that is no answer to it"))),
            Err(ClientError::Fault(fault)) => fault,
            Err(error) => {
                let failure = Failure::from(error);
                let hint = "the file is written: `regent reload` puts it in force";
                return Err(failure.hint(hint));
            }
        };
        edit.undo().map_err(report::failure)?;
        for line in &fault.diagnostics {
            screen::note(line);
        }
        let is_faulty = fault.code == FaultCode::Configuration;
        let error = anyhow!(
            "the daemon refuses it, and the file is as it was: {}",
            fault.message
        );
        let failure = Failure::failed(error);
        Err(match fault.hint.filter(|_| !is_faulty) {
            Some(hint) => failure.hint(hint),
            None => failure,
        })
    }
}

/// The daemon, and the file that it runs from.
pub(super) fn ask(socket: &Socket, limit: Duration) -> Result<(Client, PathBuf), Failure> {
    let mut client = connect(socket, limit)?;
    let done = client.ask(Call::Hello(None), |_| Ok(()))?;
    let Done::Hello {
        configuration,
        format,
        ..
    } = done
    else {
        return Err(Failure::failed(anyhow!("that is no answer to it")));
    };
    let Some(file) = configuration else {
        let error = anyhow!("the daemon does not say which file it runs from");
        return Err(Failure::failed(error).hint("-c names a file"));
    };
    match format {
        Some(Format::Ini) => {
            let shown = file.display();
            let error = anyhow!("the daemon runs from an ini file, {shown}, which is only read");
            let hint =
                format!("make a configuration of it first: `regent import {shown} -o regent.toml`");
            Err(Failure::failed(error).hint(hint))
        }
        Some(Format::Toml | Format::Unknown) | None => Ok((client, file)),
    }
}

/// So long a daemon may take to read very many Accounts.
const PATIENCE: Duration = Duration::from_secs(60);
