//! What monitoring reads: counts, states and times as text, in the format of Prometheus (0.0.4) or
//! of OpenMetrics (1.0).
//!
//! It knows the published status and what was counted, and walks over both in pieces, so that a
//! hundred thousand Accounts need no text of their size. The invariant: each family is written once
//! and in one go, and no series twice.

mod accept;
mod accounts;
mod families;
mod samples;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use accept::negotiate;
pub use families::{Family, Kind};
pub use samples::Number;

use super::{AccountStatus, Keeping, MemberStatus, Phase, ProxySetStatus, UnixMs};
use crate::engine::Engine;
use crate::tally::{Counts, Histogram};
use samples::Samples;

/// How the text is written.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// The text format of Prometheus, version 0.0.4.
    #[default]
    Text,
    /// OpenMetrics, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The type of such a text in HTTP.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// What the daemon has counted and measured, as of about a second ago.
#[derive(Clone, Default, Debug)]
pub struct Measured {
    /// What was counted of registrars.
    pub registrars: Vec<Counts>,
    /// How late timers were.
    pub lateness: Option<Histogram>,
    /// Timers that are armed.
    pub timers: u64,
    /// SIP transactions in flight.
    pub transactions: u64,
    /// Open sockets of SIP Interfaces.
    pub interface_sockets: u64,
    /// Open ports of Accounts.
    pub account_ports: u64,
    /// What has become of notices, by means.
    pub notices: Vec<(&'static str, NoticeCounts)>,
    /// How long it took to write the state, where it is written.
    pub writes: Option<Histogram>,
    /// Whether the last reload of the configuration was good; the start counts as one.
    pub is_reload_good: bool,
    /// When the configuration in force was read.
    pub reloaded: Option<UnixMs>,
    /// When the daemon started.
    pub started: Option<UnixMs>,
}

impl Measured {
    /// What the engine knows of it.
    pub fn of(engine: &Engine) -> Self {
        Self {
            registrars: engine.tally().counts().to_vec(),
            lateness: Some(engine.lateness().clone()),
            timers: engine.timers_armed() as u64,
            transactions: engine.in_flight() as u64,
            interface_sockets: engine.open_sockets() as u64,
            ..Self::default()
        }
    }
}

/// All families, in the order in which they are written.
pub fn families() -> impl Iterator<Item = &'static Family> {
    families::FAMILIES.iter().chain(&accounts::FAMILIES)
}

/// What has become of notices that go one way.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct NoticeCounts {
    /// Those that arrived.
    pub delivered: u64,
    /// Tries in vain.
    pub failed: u64,
    /// Those that are tried no more.
    pub given_up: u64,
}

/// Notices that wait to be delivered, of one means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// How they travel.
    pub means: &'static str,
    /// How many there are.
    pub count: u64,
    /// Since when the oldest waits.
    pub oldest: Option<UnixMs>,
}

/// What the system says of the process. What it does not say is absent.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Process {
    /// Time on processors, in microseconds.
    pub cpu_us: Option<u64>,
    /// Memory in use.
    pub resident_bytes: Option<u64>,
    /// Addresses in use.
    pub virtual_bytes: Option<u64>,
    /// Open files and sockets.
    pub open_fds: Option<u64>,
    /// So many there may be.
    pub max_fds: Option<u64>,
}

/// Everything that is exposed, at one time.
#[derive(Clone, Default, Debug)]
pub struct Picture {
    /// The program's version.
    pub version: &'static str,
    /// Accounts by phase, all phases.
    pub phases: Vec<(Phase, u32)>,
    /// Accounts whose binding stands though their last refresh failed.
    pub refresh_failing: u32,
    /// Accounts that are registered at another registrar than the first of their set.
    pub on_backup: u32,
    /// Ongoing alerts.
    pub alerts: u64,
    /// Notices that wait.
    pub waiting: Vec<Waiting>,
    /// Whether the state is kept.
    pub state: Option<Keeping>,
    /// Clients that are connected, by where they came in.
    pub clients: Vec<(&'static str, u32)>,
    /// What the system says.
    pub process: Process,
    /// What was counted.
    pub measured: Arc<Measured>,
    /// The Proxy Sets.
    pub proxy_sets: Vec<Arc<ProxySetStatus>>,
    /// The Accounts to show one by one: all, or none.
    pub accounts: Vec<Arc<AccountStatus>>,
    /// The members of the sets, as places of the set and in it; found by [`Exposition::new`].
    pub members: Vec<(usize, usize)>,
}

impl Picture {
    fn member(&self, row: usize) -> Option<(&ProxySetStatus, &MemberStatus)> {
        let (set, member) = *self.members.get(row)?;
        let set = self.proxy_sets.get(set)?;
        Some((set, set.members.get(member)?))
    }

    /// Finds the members, each address of a set once.
    fn settle(&mut self) {
        self.members.clear();
        for (place, set) in self.proxy_sets.iter().enumerate() {
            let addresses = set.members.iter().map(|it| it.address);
            let mut seen = std::collections::BTreeSet::new();
            let new = addresses.enumerate().filter(|it| seen.insert(it.1));
            self.members.extend(new.map(|(member, _)| (place, member)));
        }
    }
}

/// The text, piece by piece: whole lines, and about [`Exposition::PIECE`] bytes at a time.
#[derive(Debug)]
pub struct Exposition {
    picture: Picture,
    format: Format,
    family: usize,
    row: usize,
    has_ended: bool,
}

impl Exposition {
    /// So many bytes a piece has about.
    pub const PIECE: usize = 64 << 10;

    /// The text of a picture.
    pub fn new(mut picture: Picture, format: Format) -> Self {
        picture.settle();
        Self {
            picture,
            format,
            family: 0,
            row: 0,
            has_ended: false,
        }
    }
}

impl Iterator for Exposition {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        if self.has_ended {
            return None;
        }
        let mut out = String::with_capacity(Self::PIECE + Self::PIECE / 8);
        while let Some(family) = families().nth(self.family) {
            if out.len() >= Self::PIECE {
                return Some(out);
            }
            let rows = (family.rows)(&self.picture);
            let mut samples = Samples::new(&mut out, family, self.format);
            if rows > 0 && self.row == 0 {
                samples.head();
            }
            while self.row < rows && samples.length() < Self::PIECE {
                (family.write)(&self.picture, self.row, &mut samples);
                self.row += 1;
            }
            if self.row < rows {
                return Some(out);
            }
            self.family += 1;
            self.row = 0;
        }
        self.has_ended = true;
        if self.format == Format::OpenMetrics {
            out.push_str("# EOF\n");
        }
        (!out.is_empty()).then_some(out)
    }
}

#[cfg(test)]
mod tests;
