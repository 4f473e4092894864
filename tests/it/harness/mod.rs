//! What the trials stand on: a sandbox, the daemon, foreign registrars, and patience with a limit.
//!
//! Nothing here decides whether the daemon is right; that is in the trials. What cannot be set up
//! panics, which fails the trial, and names the caller's line. No process outlives its trial.

#[macro_use]
mod trial;

mod chromium;
mod daemon;
mod digest;
mod dns;
mod due;
mod glass;
mod kamailio;
mod manager;
mod many;
mod message;
mod mutator;
mod piped;
mod process;
mod promtool;
mod python;
mod registrar;
mod sandbox;
mod seat;
mod served;
mod sipp;
mod status;
mod tshark;
mod wait;

pub(crate) use chromium::{AXE, CHROMEDRIVER, CHROMIUM, axe, chromedriver_path, chromium_path};
pub(crate) use daemon::{Config, Daemon, Manner, Said, program, regent, run};
pub(crate) use digest::assert_answers;
pub(crate) use dns::{DNSMASQ, Mood, NEGATIVE_TTL, NameServer, dnsmasq};
pub(crate) use due::{SLACK, SOON, assert_due, assert_next_try};
pub(crate) use glass::Glass;
pub(crate) use kamailio::{KAMAILIO, Kamailio, Settings, WrongPassword};
pub(crate) use manager::Manager;
pub(crate) use many::Many;
pub(crate) use message::{Message, Transcript};
pub(crate) use mutator::{Mutator, SIP, Tokens, corpus};
pub(crate) use piped::Piped;
pub(crate) use process::{Process, Setting, User, show};
pub(crate) use promtool::{PROMTOOL, promtool};
pub(crate) use python::{AIOSMTPD, METRICS, PROMETHEUS_CLIENT, SMTP};
pub(crate) use registrar::{Registrar, accept, answer, challenge, usual};
pub(crate) use sandbox::{
    Sandbox, free_udp_address, free_udp_addresses, free_udp_ports, read_text,
};
pub(crate) use seat::Seat;
pub(crate) use served::Served;
pub(crate) use sipp::{SIPP, Sipp};
pub(crate) use status::Account;
pub(crate) use trial::{IP, LONG, MOUNTS, NETWORK, SYSTEMD, UNPRIVILEGED, make as make_trial};
pub(crate) use tshark::{SNGREP, TSHARK, copy_by_sngrep, fields};
pub(crate) use wait::{holds_for, wait_for, wait_until};
