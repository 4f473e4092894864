//! The metrics of this process, from what is published and what the system says.

use std::fs;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeVal;

use super::board::Board;
use super::gauges::Door;
use crate::status::DeliveryStatus;
use crate::status::metrics::{Exposition, Format, Picture, Process, Waiting};
use crate::status::words::PHASES;

/// The text for monitoring, in pieces. `accounts` says whether Accounts are shown one by one.
pub fn exposition(board: &Board, format: Format, accounts: bool) -> Exposition {
    let directory = accounts.then(|| board.directory());
    let entries = directory.iter().flat_map(|it| it.entries());
    let status = |slot, name: &str| board.at(slot).filter(|it| *it.name == *name);
    let gauges = board.gauges();
    let deliveries = board.deliveries();
    let picture = Picture {
        version: env!("CARGO_PKG_VERSION"),
        phases: PHASES.map(|phase| (phase, board.count(phase))).into(),
        refresh_failing: gauges.refresh_failing(),
        on_backup: gauges.on_backup(),
        alerts: board.count_alerts().0 as u64,
        waiting: MEANS.map(|means| waiting(means, &deliveries)).into(),
        state: board.state().map(|it| it.state),
        clients: Door::ALL
            .map(|door| (door.word(), gauges.clients(door)))
            .into(),
        process: process(),
        measured: gauges.measured(),
        proxy_sets: board.proxy_sets(),
        accounts: entries
            .filter_map(|entry| status(entry.slot, &entry.name))
            .collect(),
        ..Picture::default()
    };
    Exposition::new(picture, format)
}

/// How notices travel, in the words of [`DeliveryStatus`].
const MEANS: [&str; 2] = ["mail", "webhook"];

fn waiting(means: &'static str, deliveries: &[DeliveryStatus]) -> Waiting {
    let mut own = deliveries.iter().filter(|it| &*it.means == means);
    // The oldest stands first.
    let oldest = own.next().map(|it| it.given);
    Waiting {
        means,
        count: own.count() as u64 + u64::from(oldest.is_some()),
        oldest,
    }
}

/// What the system says of this process.
fn process() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        let number = line.trim_start_matches(':').split_whitespace().next()?;
        number.parse::<u64>().ok()?.checked_mul(1_024)
    };
    let micros = |time: TimeVal| {
        let seconds = u64::try_from(time.tv_sec()).unwrap_or_default();
        seconds * 1_000_000 + u64::try_from(time.tv_usec()).unwrap_or_default()
    };
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
    let usage = usage.map(|it| micros(it.user_time()) + micros(it.system_time()));
    // The one that lists them is open too.
    let open = fs::read_dir("/proc/self/fd").ok();
    let open = open.map(|it| (it.count() as u64).saturating_sub(1));
    Process {
        cpu_us: usage,
        resident_bytes: bytes("VmRSS"),
        virtual_bytes: bytes("VmSize"),
        open_fds: open,
        max_fds: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|it| it.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::Traces;

    #[test]
    fn the_system_says_all_of_it() {
        let process = process();
        assert!(process.cpu_us.is_some_and(|it| it > 0), "{process:?}");
        assert!(process.resident_bytes.is_some_and(|it| it > 1 << 20));
        assert!(process.virtual_bytes >= process.resident_bytes);
        assert!(process.open_fds.is_some_and(|it| it >= 3), "{process:?}");
        assert!(process.max_fds >= process.open_fds);
    }

    #[test]
    fn clients_are_counted_while_they_are_there() {
        let board = Board::new(0, Traces::new(0));
        let text = || exposition(&board, Format::Text, true).collect::<String>();
        let one = board.gauges().enter(Door::Web);
        assert!(text().contains("regent_clients{server=\"web\"} 1\n"));
        drop(one);
        assert!(text().contains("regent_clients{server=\"web\"} 0\n"));
    }
}
