//! Where log lines go, and how they look.

use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

use super::args::LogFormat;
use super::{Failure, screen};

/// Sends log lines to the standard error from now on.
pub(super) fn start(filter: &str, format: LogFormat) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        Failure::usage(format!("the log filter {filter:?} is no good: {error}"))
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_target(false)
        // The default is to complain on the standard error, which is fatal when that is closed.
        .log_internal_errors(false)
        .with_ansi(io::stderr().is_terminal() && screen::may_colour());
    let result = match format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_ansi(false)
            .try_init(),
    };
    result.map_err(|error| Failure::failed(anyhow::anyhow!("cannot start the log: {error}")))
}
