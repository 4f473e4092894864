//! `regent metrics`.

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::connect::{Socket, connect};
use super::files::{Content, Files};
use super::screen::out;
use super::status::PATIENCE;
use super::{End, Failure};
use crate::control::ClientError;
use crate::control::protocol::{Call, Item, WantedMetrics};
use crate::status::metrics::Format;

/// How metrics are wanted.
#[derive(Args, Debug)]
pub(super) struct Metrics {
    /// In the format of OpenMetrics 1.0; without it in the text format 0.0.4
    #[arg(long)]
    openmetrics: bool,

    /// Also of each Account: eleven lines for each, and more memory in the monitoring
    #[arg(long)]
    accounts: bool,

    /// Write them to this file, which is replaced as a whole
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,

    #[command(flatten)]
    socket: Socket,
}

/// Prints the metrics.
pub(super) fn metrics(arguments: &Metrics) -> Result<End, Failure> {
    let format = match arguments.openmetrics {
        true => Format::OpenMetrics,
        false => Format::Text,
    };
    let wanted = WantedMetrics {
        format,
        accounts: arguments.accounts,
    };
    let mut client = connect(&arguments.socket, PATIENCE)?;
    let call = Call::Metrics(Some(wanted));
    let Some(path) = &arguments.output else {
        let mut out = out();
        client.ask(call, |item| {
            if let Item::Metrics(piece) = item {
                out.write_all(piece.as_bytes())
                    .map_err(ClientError::Output)?;
            }
            Ok(())
        })?;
        out.flush()?;
        return Ok(End::Done);
    };
    let mut text = String::new();
    client.ask(call, |item| {
        if let Item::Metrics(piece) = item {
            text.push_str(&piece);
        }
        Ok(())
    })?;
    let mut files = Files::default();
    files.add(path.clone(), Content::Text(text));
    files.write().map_err(Failure::failed)?;
    Ok(End::Done)
}

pub(super) const EXAMPLES: &str = "\
What each line means is in docs/metrics.md. The same text is served to
Prometheus at /metrics, where the configuration has [web].

Examples:
  regent metrics                     what is there?
  regent metrics --accounts          of each Account too
  regent metrics --openmetrics       in the other format
  regent metrics --output /var/lib/prometheus/node-exporter/regent.prom
                                     for the node exporter's textfile collector;
                                     by a timer, once a minute";
