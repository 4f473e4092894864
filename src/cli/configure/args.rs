//! What `regent configure` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCompleter;

use super::super::complete;
use super::super::connect::Socket;
use crate::config::options::Table;

#[derive(Args, Debug)]
pub(in crate::cli) struct Configure {
    #[command(subcommand)]
    pub(super) what: Option<What>,

    /// Change this file, and tell no daemon
    #[arg(
        short,
        long,
        value_name = "FILE",
        global = true,
        conflicts_with = "path"
    )]
    pub(super) config: Option<PathBuf>,

    /// Only show what would change
    #[arg(short = 'n', long, global = true)]
    pub(super) dry_run: bool,

    /// Carry out a script in the syntax of an AudioCodes command line; `-` is the standard input
    #[arg(short = 'f', long = "file", value_name = "SCRIPT")]
    pub(super) script: Option<PathBuf>,

    /// Write what each `activate` of a script gives, and keep it when a later one is refused
    #[arg(long, requires = "script")]
    pub(super) each: bool,

    #[command(flatten)]
    pub(super) socket: Socket,
}

#[derive(Subcommand, Debug)]
pub(super) enum What {
    /// Accounts, by index or name
    Account(Rows),
    /// IP Groups, by name
    IpGroup(Rows),
    /// Proxy Sets, by name
    ProxySet(Rows),
    /// The addresses of a Proxy Set: the words begin with the set
    #[command(alias = "proxy")]
    ProxyIp(Rows),
    /// SIP Interfaces, by name
    SipInterface(Rows),
    /// Who is told of lost registrations, by name
    Alert(Rows),
    /// The mail server that alerts go out by
    Mail(One),
    /// The web server: page, JSON and metrics
    Web(One),
    /// The program itself
    Agent(One),
    /// The global parameters of registration
    #[command(alias = "registration")]
    ProxyAndRegistration(One),
    /// Print all of it as a script for `configure -f`; passwords are left out
    Show,
    /// What can be configured
    #[command(name = "?", hide = true)]
    Help,
}

#[derive(Args, Debug)]
pub(super) struct Rows {
    #[command(subcommand)]
    pub(super) verb: RowVerb,
}

#[derive(Args, Debug)]
pub(super) struct One {
    #[command(subcommand)]
    pub(super) verb: OneVerb,
}

#[derive(Subcommand, Debug)]
pub(super) enum RowVerb {
    /// Make a new row
    #[command(after_help = WORDS)]
    Add(Words),
    /// Change parameters of a row
    #[command(after_help = WORDS)]
    Set(Words),
    /// Let the defaults count again
    Unset(Words),
    /// Show rows, or one of them, with the defaults
    Show(Show),
    /// Take a row out, unless something refers to it
    #[command(alias = "delete")]
    Remove(Words),
    /// Give a row another name, wherever it is used
    Rename(Words),
    /// Name the rows
    List(Words),
    /// What can be set
    #[command(name = "?", hide = true)]
    Help,
}

#[derive(Subcommand, Debug)]
pub(super) enum OneVerb {
    /// Change parameters
    #[command(after_help = WORDS)]
    Set(Words),
    /// Let the defaults count again
    Unset(Words),
    /// Show all parameters with the defaults
    Show(Show),
    /// What can be set
    #[command(name = "?", hide = true)]
    Help,
}

#[derive(Args, Debug)]
pub(super) struct Words {
    /// Which row, where there are several; then names and values, `name value` or `name=value`
    #[arg(value_name = "WORD", allow_negative_numbers = true, add = ArgValueCompleter::new(complete::configure_word))]
    pub(super) words: Vec<String>,
}

#[derive(Args, Debug)]
pub(super) struct Show {
    /// Which row; all of them unless it is given
    #[arg(value_name = "WORD", add = ArgValueCompleter::new(complete::configure_word))]
    pub(super) words: Vec<String>,

    /// As JSON: {"KEY": {"value": …, "default": true}, …} for each row
    #[arg(long)]
    pub(super) json: bool,

    /// As a script for `configure -f`; passwords are left out
    #[arg(long, conflicts_with = "json")]
    pub(super) script: bool,
}

/// What is to be done with which table.
pub(super) enum Asked<'a> {
    Row(&'a RowVerb),
    One(&'a OneVerb),
}

impl What {
    /// The table that it is about, if it is one.
    pub(super) fn table(&self) -> Option<(Table, Asked<'_>)> {
        Some(match self {
            Self::Account(rows) => (Table::Account, Asked::Row(&rows.verb)),
            Self::IpGroup(rows) => (Table::IpGroup, Asked::Row(&rows.verb)),
            Self::ProxySet(rows) => (Table::ProxySet, Asked::Row(&rows.verb)),
            Self::ProxyIp(rows) => (Table::Proxy, Asked::Row(&rows.verb)),
            Self::SipInterface(rows) => (Table::SipInterface, Asked::Row(&rows.verb)),
            Self::Alert(rows) => (Table::Alert, Asked::Row(&rows.verb)),
            Self::Mail(one) => (Table::Mail, Asked::One(&one.verb)),
            Self::Web(one) => (Table::Web, Asked::One(&one.verb)),
            Self::Agent(one) => (Table::Agent, Asked::One(&one.verb)),
            Self::ProxyAndRegistration(one) => (Table::Registration, Asked::One(&one.verb)),
            Self::Show | Self::Help => return None,
        })
    }
}

const WORDS: &str = "\
`?` as the last word lists what can be said there. A password is asked for,
or read from the standard input, where its value is `-`; with password-file
it stays in a file of its own.";

pub(in crate::cli) const EXAMPLES: &str = "\
Examples:
  regent configure account set main register reg user-name u12345
  regent configure account set main password -
  regent configure account add 3 account-name fax served-ip-group-name PBX \\
      serving-ip-group-name Carrier contact-user 4930123457 register reg
  regent configure account show main          what it has, and the defaults
  regent configure ip-group rename Carrier Telco
  regent configure proxy-ip add carrier 192.0.2.2:5060
  regent configure proxy-and-registration set registration-time 1800
  regent configure account set ?              what can be set
  regent configure -n account remove fax      what would that change?
  regent configure -f script.txt              a script of a device
  regent configure -c new.toml -f - < script  for a file of no daemon

Names are those of an AudioCodes command line; the keys of the file are as
good. A daemon that runs is told to reload; if it refuses, the file is as it
was. The last five files are kept beside it, as FILE.1~ to FILE.5~.";
