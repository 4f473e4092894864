//! The commands as people type them, and what their help says.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use clap_complete::engine::ArgValueCompleter;

use super::alerts::{self, Alerts};
use super::connect::{LAST, Socket, StateDirectory};
use super::events::{self, Events};
use super::metrics::{self, Metrics};
use super::texts::{
    CHECK_EXAMPLES, EXAMPLES, EXPORT_EXAMPLES, GROUP_WORDS, HEALTH_WORDS, IMPORT_EXAMPLES,
    REFRESH_EXAMPLES, REGISTER_EXAMPLES, RELOAD_EXAMPLES, RUN_EXAMPLES, STATUS_WORDS,
    TRACE_EXAMPLES, UNREGISTER_EXAMPLES,
};
use super::web::{self, Web};
use super::{complete, configure, moment, phase};
use crate::config::import::Limits;
use crate::daemon::Device;
use crate::status::Phase;
use crate::status::order::SortKey;
use crate::trace::At;

/// Keeps SIP Accounts registered at their registrars, and says what is so.
///
/// A PBX that cannot register itself, or should not hold the carrier's passwords, leaves it to
/// regent: for each Account in its configuration, regent registers, answers challenges, refreshes
/// in time, and says what the state is.
#[derive(Parser, Debug)]
#[command(
    name = "regent",
    version,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = EXAMPLES
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,

    /// When colours are used; `auto`: on a terminal, unless NO_COLOR is set
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        global = true,
        display_order = LAST
    )]
    pub(super) color: Colours,
}

/// When colours are used.
#[derive(Clone, Copy, PartialEq, Eq, Default, ValueEnum, Debug)]
pub(super) enum Colours {
    /// On a terminal that can, unless NO_COLOR is set
    #[default]
    Auto,
    /// Always, into files and pipes too
    Always,
    /// Never
    Never,
}

/// Which configuration.
#[derive(Args, Debug)]
pub(super) struct Configuration {
    /// The configuration [default: ./regent.toml, else /etc/regent/regent.toml]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// The same as FILE, as an option
    #[arg(short, long, value_name = "FILE", conflicts_with = "file")]
    config: Option<PathBuf>,

    #[command(flatten)]
    pub(super) device: DeviceOptions,
}

/// What the ini file of a device needs beside itself.
#[derive(Args, Debug)]
#[command(next_help_heading = "Options for the ini file of a device")]
pub(super) struct DeviceOptions {
    /// Use ADDRESS of this host for the device's network interface NAME; may be given more than
    /// once
    #[arg(long = "interface", value_name = "NAME=ADDRESS", value_parser = interface)]
    interfaces: Vec<(String, IpAddr)>,

    /// A file with passwords that the ini file hides, in lines ACCOUNT = PASSWORD
    #[arg(long, value_name = "FILE")]
    passwords: Option<PathBuf>,

    /// Take so many Accounts at most
    #[arg(long, value_name = "N", default_value_t = Limits::default().accounts,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_accounts: u32,

    /// Take so many Accounts of one served IP Group at most
    #[arg(long, value_name = "N", default_value_t = Limits::default().per_served,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    max_accounts_per_served_ip_group: u32,
}

impl DeviceOptions {
    /// What was given.
    pub(super) fn read(&self) -> Device {
        Device {
            interfaces: self.interfaces.clone(),
            passwords: self.passwords.clone(),
            limits: Limits {
                accounts: self.max_accounts,
                per_served: self.max_accounts_per_served_ip_group,
            },
        }
    }
}

/// Reads `NAME=ADDRESS`. Names may have a `=` in them, addresses have none.
fn interface(text: &str) -> Result<(String, IpAddr), String> {
    let (name, address) = text
        .rsplit_once('=')
        .ok_or("it is not of the form NAME=ADDRESS")?;
    if name.is_empty() {
        return Err("there is no NAME before the \"=\"".to_owned());
    }
    let bare = address
        .strip_prefix('[')
        .and_then(|it| it.strip_suffix(']'));
    let address = bare.unwrap_or(address).parse();
    let address = address.map_err(|_| "ADDRESS must be an IP address, as in WAN=192.0.2.1")?;
    Ok((name.to_owned(), address))
}

/// Reads an address with or without a port; port 0 stands for any.
fn address(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let ip = bare.unwrap_or(text).parse::<IpAddr>();
    let address = ip
        .map(|ip| SocketAddr::new(ip, 0))
        .or_else(|_| text.parse());
    address.map_err(|_| {
        "it must be an IP address, for example 192.0.2.1, 192.0.2.1:5060 or [2001:db8::1]:5060"
            .to_owned()
    })
}

/// An address as the daemon reads it: without a port where any will do.
pub(super) fn written(address: &SocketAddr) -> String {
    match address.port() {
        0 => address.ip().to_string(),
        _ => address.to_string(),
    }
}

impl Configuration {
    /// The one that was named.
    pub(super) fn given(&self) -> Option<&Path> {
        self.file.as_deref().or(self.config.as_deref())
    }
}

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Run the daemon, in the foreground, until SIGTERM or SIGINT
    ///
    /// Logs go to the standard error. The first signal lets it remove its bindings, for which it
    /// has 30 seconds, and no more than 4 without headway; a second one ends it at once.
    #[command(after_long_help = RUN_EXAMPLES)]
    Run(Run),

    /// Check a configuration and name everything that is wrong with it
    ///
    /// Every fault is one line, FILE:LINE:COLUMN: error: what, with a hint where there is one. The
    /// passwords that the configuration names are looked at too. Exit code 1 if there is an error;
    /// warnings do not count.
    #[command(after_long_help = CHECK_EXAMPLES)]
    Check(Check),

    /// Make a configuration of the ini file of an AudioCodes device
    ///
    /// Takes the Accounts of the SBC application with all that they lead to: IP Groups, Proxy Sets
    /// and their addresses, SIP Interfaces, and the parameters about registration. A row with an
    /// error is left out, with what depends on it, and said; the rest goes on. Without --output the
    /// configuration goes to the standard output, and passwords nowhere.
    #[command(after_long_help = IMPORT_EXAMPLES)]
    Import(Import),

    /// Write a configuration as the ini file of an AudioCodes device, in the dialect of release 7.4
    ///
    /// What ini cannot say is listed on the standard error. An import of what is written gives the
    /// same configuration, but for what is listed.
    #[command(after_long_help = EXPORT_EXAMPLES)]
    Export(Export),

    /// Show the Accounts, or one of them
    ///
    /// Without ACCOUNT a table of all Accounts, with ACCOUNT everything that is known of it.
    #[command(after_long_help = STATUS_WORDS)]
    Status(Status),

    /// Show what has happened: registrations won and lost, orders, starts and stops
    ///
    /// The daemon keeps events as long as `history_days` and `history_max_events` say.
    #[command(after_long_help = events::EXAMPLES)]
    Events(Events),

    /// Register Accounts now, and wait for the outcome
    ///
    /// Waits and back-off are cleared; a Retry-After of the registrar is kept unless --force is
    /// given. Ends an `unregister`. Two orders for one Account share one REGISTER.
    #[command(after_long_help = REGISTER_EXAMPLES)]
    Register(Register),

    /// Remove bindings and stay away, and wait for the outcome
    ///
    /// Holds until `regent register`.
    #[command(after_long_help = UNREGISTER_EXAMPLES)]
    Unregister(Order),

    /// Refresh bindings now, where they are, and wait for the outcome
    #[command(after_long_help = REFRESH_EXAMPLES)]
    Refresh(Order),

    /// Show the SIP messages of Accounts, also those of the past, without credentials
    ///
    /// The daemon keeps the last ones in memory (trace_memory_mib). Times are in UTC.
    #[command(after_long_help = TRACE_EXAMPLES)]
    Trace(Trace),

    /// Print what Prometheus reads: counts, states and times of the daemon
    #[command(after_long_help = metrics::EXAMPLES)]
    Metrics(Metrics),

    /// Show alerts of lost registrations, and say who gets them
    #[command(after_long_help = alerts::EXAMPLES)]
    Alerts(Alerts),

    /// Say where the web page is, with a link that signs in
    ///
    /// Whoever may use the control socket may use the page. The link is good for a minute, and
    /// once; it has no token in it.
    #[command(after_long_help = web::EXAMPLES)]
    Web(Web),

    /// Read the configuration again, and put what differs in force
    ///
    /// The daemon reads the file that it was started with, and every password file again. Only what
    /// differs is touched: all other Accounts keep their bindings. A faulty configuration changes
    /// nothing, and every fault is named as by `regent check`. SIGHUP to the daemon does the same.
    #[command(after_long_help = RELOAD_EXAMPLES)]
    Reload(Reload),

    /// Change the configuration of a running daemon, or of a file
    ///
    /// The file is changed in place: comments, order and layout stay. A change that the daemon
    /// could not use is refused, and it is said why. Without a command, a script is read from the
    /// standard input.
    #[command(
        after_long_help = configure::EXAMPLES,
        args_conflicts_with_subcommands = false,
        subcommand_value_name = "TABLE",
        subcommand_help_heading = "Tables"
    )]
    Configure(configure::Configure),

    /// Show it all on this machine: two registrars of ours, six Accounts, one wrong password
    ///
    /// Needs no configuration and no privileges, and touches nothing but loopback and a temporary
    /// folder.
    Demo(Demo),

    /// Print a completion script for a shell
    ///
    /// For example: regent completions bash > /etc/bash_completion.d/regent
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },

    /// Print the manual page
    ///
    /// For example: regent man | man -l -
    Man,
}

#[derive(Args, Debug)]
pub(super) struct Run {
    #[command(flatten)]
    pub(super) configuration: Configuration,

    /// What is logged: error, warn, info, debug or trace, also per module
    #[arg(
        long,
        value_name = "FILTER",
        env = "REGENT_LOG",
        default_value = "info"
    )]
    pub(super) log: String,

    /// How it is logged
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(super) log_format: LogFormat,

    #[command(flatten)]
    pub(super) state: StateDirectory,

    /// Keep nothing for the next run: bindings are removed at the stop, and there is no history
    #[arg(long)]
    pub(super) without_state: bool,

    #[command(flatten)]
    pub(super) socket: Socket,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Debug)]
pub(super) enum LogFormat {
    /// One line of text per event
    Text,
    /// One JSON object per event
    Json,
}

#[derive(Args, Debug)]
pub(super) struct Import {
    /// The ini file; - is the standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Write the configuration to this file, and each password to NAME.secret beside it; - is the
    /// standard output, without passwords
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Write nothing if there is any error
    #[arg(long)]
    pub(super) strict: bool,

    /// Write over files that are there and differ
    #[arg(long, requires = "output")]
    pub(super) force: bool,

    /// Write what became of every row and cell to this file; - is the standard output
    #[arg(long, value_name = "FILE")]
    pub(super) report: Option<PathBuf>,

    /// Write that as JSON; without --report to the standard output
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) device: DeviceOptions,
}

#[derive(Args, Debug)]
pub(super) struct Export {
    #[command(flatten)]
    pub(super) configuration: Configuration,

    /// Write to this file, and not to the standard output; - is that as well
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// Write passwords too: obfuscated, which anybody can undo
    #[arg(long)]
    pub(super) with_passwords: bool,

    /// Write over a file that is there and differs
    #[arg(long, requires = "output")]
    pub(super) force: bool,
}

#[derive(Args, Debug)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) configuration: Configuration,
}

#[derive(Args, Debug)]
#[command(subcommand_precedence_over_arg = true)]
pub(super) struct Status {
    #[command(subcommand)]
    pub(super) what: Option<What>,

    /// The Account, by name
    #[arg(value_name = "ACCOUNT", add = ArgValueCompleter::new(complete::accounts))]
    pub(super) account: Option<String>,

    /// Print JSON: {"schema": 1, "accounts": [...]}, or "proxy_sets" or "groups"; with --watch one
    /// line for each, and each change
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Keep showing it: a live screen on a terminal (q ends it, ? helps), else one line per change
    #[arg(long, short, global = true)]
    pub(super) watch: bool,

    /// Only Accounts whose name contains this, whatever the case
    #[arg(long, value_name = "TEXT", conflicts_with = "account")]
    pub(super) matching: Option<String>,

    /// Only Accounts in this phase; may be given more than once
    #[arg(long, value_name = "PHASE", conflicts_with = "account", value_parser = phase::parser())]
    pub(super) phase: Vec<Phase>,

    /// Only Accounts of this IP Group, served or serving; may be given more than once
    #[arg(long, value_name = "NAME", conflicts_with = "account",
          add = ArgValueCompleter::new(complete::groups))]
    pub(super) group: Vec<String>,

    /// Only Accounts at this address, with or without a port; may be given more than once
    #[arg(long, value_name = "ADDRESS", conflicts_with = "account", value_parser = address)]
    pub(super) registrar: Vec<SocketAddr>,

    /// What they are ordered by [default: index]
    #[arg(long, value_name = "KEY", conflicts_with = "account", value_parser = phase::sort_parser())]
    pub(super) sort: Option<SortKey>,

    #[command(flatten)]
    pub(super) socket: Socket,
}

/// What else there is to be shown.
#[derive(Subcommand, Debug)]
pub(super) enum What {
    /// Show the Proxy Sets and how their members do
    ///
    /// An Account of the name `proxies` is shown by `regent status -- proxies`.
    #[command(after_long_help = HEALTH_WORDS)]
    Proxies(Proxies),

    /// Show the IP Groups that Accounts name: how well they answer, how many are registered
    ///
    /// An Account of the name `groups` is shown by `regent status -- groups`.
    #[command(after_long_help = GROUP_WORDS)]
    Groups(Groups),
}

#[derive(Args, Debug)]
pub(super) struct Groups {
    /// The IP Group, by name
    #[arg(value_name = "GROUP", add = ArgValueCompleter::new(complete::groups))]
    pub(super) group: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct Proxies {
    /// The Proxy Set, by name
    #[arg(value_name = "SET", add = ArgValueCompleter::new(complete::proxy_sets))]
    pub(super) set: Option<String>,
}

#[derive(Args, Debug)]
#[command(group = ArgGroup::new("which").required(true))]
pub(super) struct Order {
    /// The Accounts, by name
    #[arg(value_name = "NAME", group = "which", add = ArgValueCompleter::new(complete::accounts))]
    pub(super) names: Vec<String>,

    /// All Accounts
    #[arg(long, group = "which")]
    pub(super) all: bool,

    /// Do not wait for the outcome
    #[arg(long)]
    pub(super) no_wait: bool,

    /// Wait no longer than this; the daemon goes on trying
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    pub(super) timeout: u64,

    #[command(flatten)]
    pub(super) socket: Socket,
}

#[derive(Args, Debug)]
pub(super) struct Register {
    #[command(flatten)]
    pub(super) order: Order,

    /// Also where the registrar asked for patience (Retry-After)
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Args, Debug)]
pub(super) struct Reload {
    /// Only say what would change, and what is wrong
    #[arg(long)]
    pub(super) check: bool,

    /// Print JSON: {"schema": 1, "added": [...], "changed": [...], "removed": [...], "unchanged":
    /// N, "warnings": [...]}, or {"schema": 1, "code": ..., "message": ..., "diagnostics": [...]}
    #[arg(long)]
    pub(super) json: bool,

    /// Wait no longer than this; the daemon goes on
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    pub(super) timeout: u64,

    #[command(flatten)]
    pub(super) socket: Socket,
}

#[derive(Args, Debug)]
pub(super) struct Trace {
    /// The Accounts, by name, also of one that is gone; without any, all there is
    #[arg(value_name = "ACCOUNT", add = ArgValueCompleter::new(complete::accounts))]
    pub(super) accounts: Vec<String>,

    /// The probes of this Proxy Set too, or alone; may be given more than once
    #[arg(long, value_name = "NAME", add = ArgValueCompleter::new(complete::proxy_sets))]
    pub(super) proxy_set: Vec<String>,

    /// Only what went to or came from this address, with or without a port; may be given more than
    /// once
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    pub(super) registrar: Vec<SocketAddr>,

    /// Not before this: how long ago (10m, 2h30m, 1d), or a time in UTC (03:12, 2026-11-22T03:12)
    #[arg(long, value_name = "WHEN", value_parser = moment::parse_exactly)]
    pub(super) since: Option<At>,

    /// Not after this
    #[arg(long, value_name = "WHEN", value_parser = moment::parse_exactly)]
    pub(super) until: Option<At>,

    /// Only the last N [default: 100 on the screen, or all with --since; 10 with --follow]
    #[arg(long, short = 'n', value_name = "N")]
    pub(super) limit: Option<u32>,

    /// Then show what comes, until Ctrl-C
    #[arg(long, short)]
    pub(super) follow: bool,

    /// Print the messages whole, in place of a ladder
    #[arg(long, conflicts_with_all = ["json", "pcap", "hep"])]
    pub(super) full: bool,

    /// Print JSON: {"schema": 1, "messages": [...]}; with --follow one line per message
    #[arg(long, conflicts_with_all = ["pcap", "hep"])]
    pub(super) json: bool,

    /// Write them to a file that Wireshark, tshark and sngrep open; - is the standard output
    #[arg(long, value_name = "FILE", conflicts_with = "hep")]
    pub(super) pcap: Option<PathBuf>,

    /// Send them to a capture server by HEP version 3, for example Homer; without a port it is 9060
    #[arg(long, value_name = "SERVER")]
    pub(super) hep: Option<String>,

    #[command(flatten)]
    pub(super) socket: Socket,
}

#[derive(Args, Debug)]
pub(super) struct Demo {
    /// End after so many seconds, instead of on q or Ctrl-C; where there is no terminal, 30 unless
    /// given
    #[arg(long, value_name = "N")]
    pub(super) seconds: Option<u64>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    /// Looks at a command and at all below it.
    fn each(command: &clap::Command, look: &mut impl FnMut(&clap::Command)) {
        look(command);
        for below in command.get_subcommands() {
            each(below, look);
        }
    }

    #[test]
    fn what_stands_below_the_options_fits_a_small_screen() {
        let mut lines = 0;
        each(&Arguments::command(), &mut |command| {
            let texts = [command.get_after_help(), command.get_after_long_help()];
            for text in texts.into_iter().flatten().map(ToString::to_string) {
                for line in text.lines() {
                    lines += 1;
                    let name = command.get_name();
                    assert!(line.chars().count() <= 80, "{name}: {line:?}");
                }
            }
        });
        assert!(lines > 100, "{lines}");
    }
}
