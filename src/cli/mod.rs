//! The commands people type.
//!
//! It knows arguments, exit codes and words. It reads status and sends orders over the control
//! socket, and starts the daemon; what an Account does is not its business.

mod alerts;
mod args;
mod ask;
mod check;
mod complete;
mod configure;
mod connect;
mod demo;
mod events;
mod export;
mod files;
mod follow;
mod groups;
mod import;
mod live;
mod logging;
mod manual;
mod metrics;
mod moment;
mod order;
mod phase;
mod proxies;
mod reload;
mod run;
mod screen;
mod signals;
mod status;
mod texts;
mod trace;
mod view;
mod watch;
mod web;

use std::ffi::OsString;
use std::io;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser as _};

use crate::control::ClientError;
use crate::control::protocol::FaultCode;
use args::{Arguments, Command};

/// Runs a command line, program name included, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    match complete::complete(&arguments) {
        Ok(true) => return End::Done.into(),
        Ok(false) => {}
        // Whoever presses Tab does not want to read.
        Err(_) => return End::Usage.into(),
    }
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            let is_help = matches!(
                error.kind(),
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
            );
            // Where wrong usage cannot be told, the exit code still tells it.
            let printed = error
                .print()
                .map_err(|error| screen::unwritten(error).into());
            return match is_help {
                true => end(printed.map(|()| End::Done)),
                false => End::Usage.into(),
            };
        }
    };
    screen::choose_colours(arguments.color);
    end(dispatch(arguments))
}

/// Says what went wrong, if anything did. Whoever closed the other end of our output does not miss
/// the rest.
fn end(result: Result<End, Failure>) -> ExitCode {
    match result {
        Ok(end) => end.into(),
        Err(failure) => {
            if is_broken_pipe(&failure.error) {
                return End::Done.into();
            }
            screen::complain(&failure.error, failure.hint.as_deref());
            failure.end.into()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<End, Failure> {
    match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::check(&arguments),
        Command::Import(arguments) => import::import(&arguments),
        Command::Export(arguments) => export::export(&arguments),
        Command::Status(arguments) => status::status(&arguments),
        Command::Events(arguments) => events::events(&arguments),
        Command::Register(arguments) => order::register(&arguments),
        Command::Unregister(arguments) => order::unregister(&arguments),
        Command::Refresh(arguments) => order::refresh(&arguments),
        Command::Alerts(arguments) => alerts::alerts(&arguments),
        Command::Web(arguments) => web::web(&arguments),
        Command::Metrics(arguments) => metrics::metrics(&arguments),
        Command::Trace(arguments) => trace::trace(&arguments),
        Command::Reload(arguments) => reload::reload(&arguments),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Configure(arguments) => configure::configure(&arguments),
        Command::Completions { shell } => Ok(screen::print_bytes(&complete::script(shell)?)?),
        Command::Man => Ok(screen::print_bytes(&manual::page(Arguments::command())?)?),
    }
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// Done.
    Done,
    /// Refused or failed; it has been said why.
    Failed,
    /// Wrong usage, or no such Account.
    Usage,
    /// The daemon cannot be reached.
    Unreachable,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        Self::from(match end {
            End::Done => 0,
            End::Failed => 1,
            End::Usage => 2,
            End::Unreachable => 3,
        })
    }
}

/// Why a command did not end well.
#[derive(Debug)]
struct Failure {
    end: End,
    error: anyhow::Error,
    hint: Option<String>,
}

impl Failure {
    fn new(end: End, error: impl Into<anyhow::Error>) -> Self {
        Self {
            end,
            error: error.into(),
            hint: None,
        }
    }

    fn failed(error: impl Into<anyhow::Error>) -> Self {
        Self::new(End::Failed, error)
    }

    fn usage(message: String) -> Self {
        Self::new(End::Usage, anyhow::Error::msg(message))
    }

    fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::failed(error)
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        if let ClientError::Output(error) = error {
            return error.into();
        }
        let (end, hint) = match &error {
            ClientError::Unreachable { source, .. } => (End::Unreachable, Some(reach(source))),
            ClientError::TooLong { .. } => (End::Usage, Some(SHORTER.to_owned())),
            ClientError::Fault(fault) if is_foreign(fault.code) => {
                // Where the method is known, the daemon knows better what is wrong.
                let own = fault.hint.clone();
                let own = own.filter(|_| fault.code == FaultCode::BadParams);
                (End::Failed, own.or_else(|| Some(versions())))
            }
            ClientError::Fault(fault) => (end_of(fault.code), fault.hint.clone()),
            ClientError::Ended => (End::Unreachable, Some(ENDED.to_owned())),
            ClientError::Unreadable(_) => (End::Failed, Some(versions())),
            ClientError::TooLate(_) | ClientError::Output(_) | ClientError::Broken(_) => {
                (End::Failed, None)
            }
        };
        Self {
            hint,
            ..Self::new(end, error)
        }
    }
}

fn end_of(code: FaultCode) -> End {
    match code {
        FaultCode::UnknownAccount
        | FaultCode::UnknownProxySet
        | FaultCode::UnknownGroup
        | FaultCode::UnknownAlert => End::Usage,
        FaultCode::Stopping => End::Unreachable,
        FaultCode::Refused
        | FaultCode::Busy
        | FaultCode::BadRequest
        | FaultCode::BadVersion
        | FaultCode::UnknownMethod
        | FaultCode::BadParams
        | FaultCode::NoHistory
        | FaultCode::NoWeb
        | FaultCode::Unreadable
        | FaultCode::Configuration
        | FaultCode::Unknown => End::Failed,
    }
}

/// Whether a daemon of our own version never says so to a command.
fn is_foreign(code: FaultCode) -> bool {
    matches!(
        code,
        FaultCode::BadVersion | FaultCode::UnknownMethod | FaultCode::BadParams
    )
}

/// What to do about a daemon that speaks otherwise.
fn versions() -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("the daemon is of another version than this command ({version}); restart it")
}

/// What to do about the path of a socket that is too long.
const SHORTER: &str = "choose a shorter one; a relative path counts as it is written";

/// What to do about a daemon that has ended before its answer did.
const ENDED: &str = "its log says why; what it was doing may be done or not";

/// What to do about a daemon that cannot be reached.
fn reach(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return "only root, the daemon's own user and members of its control_group may".to_owned();
    }
    if error.kind() == io::ErrorKind::ConnectionRefused {
        return "nobody listens there any more: start it again with `regent run`".to_owned();
    }
    "is `regent run` running? --socket or REGENT_SOCKET say where its socket is".to_owned()
}

/// Whether nobody reads our output any more.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let mut causes = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    causes.any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::protocol::Fault;

    #[test]
    fn the_hint_of_a_fault_goes_before_a_guess_at_versions() {
        let hint = |code, hint: Option<&str>| {
            let fault = Fault {
                hint: hint.map(str::to_owned),
                ..Fault::new(code, "no")
            };
            Failure::from(ClientError::Fault(fault)).hint
        };
        let own = Some("so it looks".to_owned());
        assert_eq!(hint(FaultCode::BadParams, own.as_deref()), own);
        assert_eq!(hint(FaultCode::BadParams, None), Some(versions()));
        // What a method is called is not for whoever types commands.
        let versions = Some(versions());
        assert_eq!(hint(FaultCode::UnknownMethod, own.as_deref()), versions);
    }
}
