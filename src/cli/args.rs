//! The commands as people type them, and what their help says.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use clap_complete::engine::ArgValueCompleter;

use super::{complete, configure, phase};
use crate::status::Phase;

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
}

/// Where the daemon and the commands that speak to it meet.
#[derive(Args, Debug)]
pub(super) struct Socket {
    /// The daemon's control socket [default: /run/regent/regent.sock, $XDG_RUNTIME_DIR/regent.sock
    /// or /tmp/regent-UID/regent.sock]
    #[arg(
        long = "socket",
        value_name = "PATH",
        env = "REGENT_SOCKET",
        hide_env_values = true,
        global = true
    )]
    pub(super) path: Option<PathBuf>,
}

/// Where the daemon keeps what outlives it.
#[derive(Args, Debug)]
pub(super) struct StateDirectory {
    /// The state directory [default: as `state_directory` of the configuration says]
    #[arg(
        long = "state-directory",
        value_name = "PATH",
        env = "REGENT_STATE_DIRECTORY",
        hide_env_values = true
    )]
    pub(super) directory: Option<PathBuf>,
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

    /// Show the Accounts, or one of them
    ///
    /// Without ACCOUNT a table of all Accounts, with ACCOUNT everything that is known of it.
    #[command(after_long_help = STATUS_WORDS)]
    Status(Status),

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

    /// Read the configuration again, and put what differs in force
    ///
    /// The daemon reads the file that it was started with, and every password file again. Only what
    /// differs is touched: all other Accounts keep their bindings. A faulty configuration changes
    /// nothing, and every fault is named as by `regent check`. SIGHUP to the daemon does the same.
    #[command(after_long_help = RELOAD_EXAMPLES)]
    Reload(Reload),

    /// Change the configuration of a running daemon, or of a file
    ///
    /// The file is changed in place: comments, order and layout stay. A change that the daemon could
    /// not use is refused, and says why. Without a command, a script is read from the standard input.
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

    /// Print JSON: {"schema": 1, "accounts": [...]}, or "proxy_sets"; with --watch one line per
    /// Account and change
    #[arg(long, global = true)]
    pub(super) json: bool,

    /// Keep showing it: redrawn in place on a terminal (q ends it), else one line per change
    #[arg(long, short)]
    pub(super) watch: bool,

    /// Only Accounts whose name contains this, whatever the case
    #[arg(long, value_name = "TEXT", conflicts_with = "account")]
    pub(super) matching: Option<String>,

    /// Only Accounts in this phase; may be given more than once
    #[arg(long, value_name = "PHASE", conflicts_with = "account", value_parser = phase::parser())]
    pub(super) phase: Vec<Phase>,

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

    /// Print JSON: {"added": [...], "changed": [...], "removed": [...], "unchanged": N, "warnings":
    /// [...]}, or {"code": ..., "message": ..., "diagnostics": [...]}
    #[arg(long)]
    pub(super) json: bool,

    /// Wait no longer than this; the daemon goes on
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    pub(super) timeout: u64,

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

const EXAMPLES: &str = "\
Examples:
  regent demo                 see it work, without any configuration
  regent check regent.toml    what is wrong with my configuration?
  regent run regent.toml      run the daemon
  regent status               all Accounts in a table
  regent status main          everything about one of them
  regent status --watch       the table, live
  regent status --json        the same for programs
  regent status proxies       the Proxy Sets and how their members do
  regent register main        try again now, and say how it went
  regent unregister --all     remove every binding and stay away
  regent reload               put the changed configuration in force

Exit codes:
  0  done; also a status in which no Account matches
  1  refused or failed, and it was said why; also output that cannot
     be written, but not for a reader that has gone
  2  wrong usage, or no such Account
  3  the daemon cannot be reached, or has ended

Environment:
  REGENT_SOCKET  as --socket
  REGENT_LOG     as --log of `regent run`
  NO_COLOR       no colours, whatever the terminal can do";

const RUN_EXAMPLES: &str = "\
Examples:
  regent run                               the configuration at the usual place
  regent run regent.toml --socket ./sock   all in one folder, to try it out
  regent run --log debug                   every attempt, and who comes and goes
  regent run --log-format json             for programs that collect logs";

const CHECK_EXAMPLES: &str = "\
Examples:
  regent check                 the configuration at the usual place
  regent check regent.toml     another one
  regent check && regent reload";

const REGISTER_EXAMPLES: &str = "\
Examples:
  regent register main         now, and say how it went
  regent register main fax     two of them
  regent register --all --no-wait

Exit code 1 if any of them is not registered at the end.";

const UNREGISTER_EXAMPLES: &str = "\
Examples:
  regent unregister main      remove it, and say how it went
  regent unregister --all     all of them

Exit code 1 if any registrar did not confirm it.";

const REFRESH_EXAMPLES: &str = "\
Examples:
  regent refresh main         now, and say how it went
  regent refresh --all        all of them

Exit code 1 if any of them was not refreshed.";

const RELOAD_EXAMPLES: &str = "\
Examples:
  regent reload                what differs is put in force
  regent reload --check        what would that be?
  systemctl reload regent      the same as the first, by signal

Exit code 1 if there is an error in the configuration; warnings do not
count.";

const HEALTH_WORDS: &str = "\
HEALTH is
  OK           it answers in time
  LAGGED       it answers, but late (lagged_ms)
  UNREACHABLE  it does not answer
  UNKNOWN      it has not answered for more than an hour
  Unmonitored  keep_alive is off
  NO STATUS    it was not probed yet
RTT is the round-trip time of the last answer, ACCOUNTS how many hold
their binding there. The current member, to which requests go that
follow no binding, is marked with *.

Examples:
  regent status proxies           all of them
  regent status proxies carrier   one
  regent status proxies --json    the same for programs";

const STATUS_WORDS: &str = "\
STATUS is Registered (also while a refresh fails: the binding stands),
the last SIP error number (408 for a time-out), or Not Registered (by
an operator's word, or because nothing was tried yet).
BACKUP says whether the binding is at another registrar than the first
of the Proxy Set.

Examples:
  regent status                           all Accounts in a table
  regent status main                      everything about one of them
  regent status --phase waiting-to-retry  which ones are in trouble?
  regent status --watch                   the table, live; q ends it
  regent status --json                    the same for programs";
