//! Families of metrics: what each is called, what it means, and where its samples come from.

use super::samples::{Number, Samples};
use super::{Picture, UnixMs};
use crate::engine::Health;
use crate::status::Keeping;
use crate::status::words::phase_key;
use crate::tally::{Counts, Ending, Method, OTHER};
use Number::{At, Count, Micros};

/// Metrics of one name.
pub struct Family {
    /// The name, without what a kind adds to it in a sample.
    pub name: &'static str,
    /// What kind of metric it is.
    pub kind: Kind,
    /// The unit, which ends the name; empty where things are counted.
    pub unit: &'static str,
    /// The labels, in the order in which they are written.
    pub labels: &'static [&'static str],
    /// What it means.
    pub help: &'static str,
    /// How many rows there are; the family is left out where there are none.
    pub(super) rows: fn(&Picture) -> usize,
    /// Writes the samples of a row.
    pub(super) write: fn(&Picture, usize, &mut Samples<'_>),
}

impl Family {
    /// The name as it stands in samples and queries, but for the parts of a histogram.
    pub fn sample_name(&self) -> String {
        let ending = match self.kind {
            Gauge | Histogram => "",
            Counter => "_total",
            Info => "_info",
        };
        [self.name, ending].concat()
    }

    /// Whether it is of each Account, and only there on demand.
    pub fn is_of_accounts(&self) -> bool {
        self.labels.first() == Some(&"account")
    }
}

/// Kinds of metrics.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// What rises and falls.
    Gauge,
    /// What only rises, until the daemon starts anew.
    Counter,
    /// Times, sorted by how long they are.
    Histogram,
    /// What something is, as labels.
    Info,
}

pub(super) type Rows = fn(&Picture) -> usize;
pub(super) type Write = fn(&Picture, usize, &mut Samples<'_>);

pub(super) const fn family(
    (name, kind, unit): (&'static str, Kind, &'static str),
    labels: &'static [&'static str],
    help: &'static str,
    (rows, write): (Rows, Write),
) -> Family {
    Family {
        name,
        kind,
        unit,
        labels,
        help,
        rows,
        write,
    }
}

use Kind::{Counter, Gauge, Histogram, Info};

const MEMBER: &[&str] = &["proxy_set", "registrar"];
const ATTEMPT: &[&str] = &["proxy_set", "registrar", "result"];
const REQUEST: &[&str] = &["proxy_set", "registrar", "method"];

/// What is there without the Accounts one by one.
pub(super) static FAMILIES: [Family; 35] = [
    family(
        ("regent_build", Info, ""),
        &["version"],
        "The program's version.",
        (once, |it, _, out| out.put(&[it.version], Count(1))),
    ),
    family(
        ("regent_accounts", Gauge, ""),
        &["phase"],
        "Accounts by phase; every phase is there.",
        (
            |it| it.phases.len(),
            |it, row, out| {
                let (phase, count) = it.phases[row];
                out.put(&[phase_key(phase)], Count(count.into()));
            },
        ),
    ),
    family(
        ("regent_accounts_refresh_failing", Gauge, ""),
        &[],
        "Accounts that are registered, though their last refresh failed.",
        (once, |it, _, out| {
            out.put(&[], Count(it.refresh_failing.into()))
        }),
    ),
    family(
        ("regent_accounts_on_backup", Gauge, ""),
        &[],
        "Accounts that are registered at another registrar than the first of their Proxy Set.",
        (once, |it, _, out| out.put(&[], Count(it.on_backup.into()))),
    ),
    family(
        ("regent_registrations", Counter, ""),
        ATTEMPT,
        "Attempts to register at a registrar, refreshes too, by how they ended.",
        (counted, |it, row, out| {
            endings(&it.measured.registrars[row], |it| &it.registrations, out)
        }),
    ),
    family(
        ("regent_unregistrations", Counter, ""),
        ATTEMPT,
        "Attempts to remove a binding at a registrar, by how they ended.",
        (counted, |it, row, out| {
            endings(&it.measured.registrars[row], |it| &it.removals, out)
        }),
    ),
    family(
        ("regent_sip_requests", Counter, ""),
        REQUEST,
        "SIP requests that were sent, retransmissions not counted.",
        (counted, |it, row, out| {
            requests(&it.measured.registrars[row], |it| it.sent, out)
        }),
    ),
    family(
        ("regent_sip_retransmissions", Counter, ""),
        REQUEST,
        "SIP requests that were sent again for want of an answer.",
        (counted, |it, row, out| {
            requests(&it.measured.registrars[row], |it| it.repeated, out)
        }),
    ),
    family(
        ("regent_sip_round_trip_seconds", Histogram, "seconds"),
        REQUEST,
        "Time from a request's first send to its final answer, challenges too.",
        (counted, round_trips),
    ),
    family(
        ("regent_proxy_set_online", Gauge, ""),
        &["proxy_set"],
        "Whether a Proxy Set is online as a whole; absent while that is not known, and without \
         keep-alive.",
        (
            |it| it.proxy_sets.len(),
            |it, row, out| {
                let set = &it.proxy_sets[row];
                if let Some(is_online) = set.is_online {
                    out.put(&[&set.name], yes(is_online));
                }
            },
        ),
    ),
    family(
        ("regent_member_health", Gauge, ""),
        &["proxy_set", "registrar", "health"],
        "The word for a member of a Proxy Set: 1 for the one that holds, 0 for the others.",
        (members, health),
    ),
    family(
        (
            "regent_member_health_since_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        MEMBER,
        "Since when the word for a member holds.",
        (members, |it, row, out| {
            if let Some((set, member)) = it.member(row) {
                out.put(&[&set.name, &member.address.to_string()], At(member.since));
            }
        }),
    ),
    family(
        ("regent_member_accounts_bound", Gauge, ""),
        MEMBER,
        "Accounts that a member of a Proxy Set holds a binding of.",
        (members, |it, row, out| {
            if let Some((set, member)) = it.member(row) {
                let bound = Count(member.accounts_bound.into());
                out.put(&[&set.name, &member.address.to_string()], bound);
            }
        }),
    ),
    family(
        ("regent_member_current", Gauge, ""),
        MEMBER,
        "Whether requests that follow no binding go to this member.",
        (members, |it, row, out| {
            if let Some((set, member)) = it.member(row) {
                out.put(
                    &[&set.name, &member.address.to_string()],
                    yes(member.is_current),
                );
            }
        }),
    ),
    family(
        ("regent_alerts_ongoing", Gauge, ""),
        &[],
        "Ongoing alerts: one for each lost Account and each subscription that was told.",
        (once, |it, _, out| out.put(&[], Count(it.alerts))),
    ),
    family(
        ("regent_notices_waiting", Gauge, ""),
        &["means"],
        "Notices that are not delivered yet.",
        (
            |it| it.waiting.len(),
            |it, row, out| out.put(&[it.waiting[row].means], Count(it.waiting[row].count)),
        ),
    ),
    family(
        ("regent_notices_oldest_timestamp_seconds", Gauge, "seconds"),
        &["means"],
        "Since when the oldest notice waits; absent where none does.",
        (
            |it| it.waiting.iter().filter(|it| it.oldest.is_some()).count(),
            |it, row, out| {
                let mut oldest = it.waiting.iter().filter(|it| it.oldest.is_some());
                if let Some(waiting) = oldest.nth(row) {
                    at(waiting.oldest, &[waiting.means], out);
                }
            },
        ),
    ),
    family(
        ("regent_notices_delivered", Counter, ""),
        &["means"],
        "Notices that were delivered.",
        (notices, |it, row, out| {
            let (means, counts) = &it.measured.notices[row];
            out.put(&[means], Count(counts.delivered));
        }),
    ),
    family(
        ("regent_notices_failed", Counter, ""),
        &["means"],
        "Tries to deliver a notice that were in vain.",
        (notices, |it, row, out| {
            let (means, counts) = &it.measured.notices[row];
            out.put(&[means], Count(counts.failed));
        }),
    ),
    family(
        ("regent_notices_given_up", Counter, ""),
        &["means"],
        "Notices that are tried no more.",
        (notices, |it, row, out| {
            let (means, counts) = &it.measured.notices[row];
            out.put(&[means], Count(counts.given_up));
        }),
    ),
    family(
        ("regent_state", Gauge, ""),
        &["state"],
        "Whether what outlives a run is written: 1 for the word that holds, 0 for the others.",
        (
            |it| it.state.iter().count() * KEEPING.len(),
            |it, row, out| {
                let (state, word) = KEEPING[row];
                out.put(&[word], yes(it.state == Some(state)));
            },
        ),
    ),
    family(
        ("regent_state_write_seconds", Histogram, "seconds"),
        &[],
        "Time that a transaction of the state took to be written.",
        (
            |it| it.measured.writes.iter().count(),
            |it, _, out| {
                if let Some(writes) = &it.measured.writes {
                    out.histogram(&[], writes);
                }
            },
        ),
    ),
    family(
        ("regent_configuration_last_reload_successful", Gauge, ""),
        &[],
        "Whether the last reading of the configuration was put in force.",
        (once, |it, _, out| {
            out.put(&[], yes(it.measured.is_reload_good))
        }),
    ),
    family(
        (
            "regent_configuration_last_reload_success_timestamp_seconds",
            Gauge,
            "seconds",
        ),
        &[],
        "When the configuration in force was read.",
        (
            |it| it.measured.reloaded.iter().count(),
            |it, _, out| {
                at(it.measured.reloaded, &[], out);
            },
        ),
    ),
    family(
        ("regent_sockets_open", Gauge, ""),
        &["kind"],
        "Open SIP sockets: of SIP Interfaces, and ports of Accounts.",
        (once, |it, _, out| {
            out.put(&["interface"], Count(it.measured.interface_sockets));
            out.put(&["account"], Count(it.measured.account_ports));
        }),
    ),
    family(
        ("regent_clients", Gauge, ""),
        &["server"],
        "Clients that are connected, by what serves them.",
        (
            |it| it.clients.len(),
            |it, row, out| {
                let (server, count) = it.clients[row];
                out.put(&[server], Count(count.into()));
            },
        ),
    ),
    family(
        ("regent_transactions", Gauge, ""),
        &[],
        "SIP requests that wait for their final answer.",
        (once, |it, _, out| {
            out.put(&[], Count(it.measured.transactions))
        }),
    ),
    family(
        ("regent_timers", Gauge, ""),
        &[],
        "Timers that are armed.",
        (once, |it, _, out| out.put(&[], Count(it.measured.timers))),
    ),
    family(
        ("regent_timer_lateness_seconds", Histogram, "seconds"),
        &[],
        "Time from when a timer was due to when it was handled.",
        (
            |it| it.measured.lateness.iter().count(),
            |it, _, out| {
                if let Some(lateness) = &it.measured.lateness {
                    out.histogram(&[], lateness);
                }
            },
        ),
    ),
    family(
        ("process_start_time_seconds", Gauge, "seconds"),
        &[],
        "When the daemon started, in seconds since 1970.",
        (
            |it| it.measured.started.iter().count(),
            |it, _, out| {
                at(it.measured.started, &[], out);
            },
        ),
    ),
    family(
        ("process_cpu_seconds", Counter, "seconds"),
        &[],
        "Time on processors, of the user and of the system.",
        (
            |it| it.process.cpu_us.iter().count(),
            |it, _, out| {
                out.put(&[], Micros(it.process.cpu_us.unwrap_or_default()));
            },
        ),
    ),
    family(
        ("process_resident_memory_bytes", Gauge, "bytes"),
        &[],
        "Memory in use.",
        (
            |it| it.process.resident_bytes.iter().count(),
            |it, _, out| {
                out.put(&[], Count(it.process.resident_bytes.unwrap_or_default()));
            },
        ),
    ),
    family(
        ("process_virtual_memory_bytes", Gauge, "bytes"),
        &[],
        "Addresses in use.",
        (
            |it| it.process.virtual_bytes.iter().count(),
            |it, _, out| {
                out.put(&[], Count(it.process.virtual_bytes.unwrap_or_default()));
            },
        ),
    ),
    family(
        ("process_open_fds", Gauge, ""),
        &[],
        "Open files and sockets.",
        (
            |it| it.process.open_fds.iter().count(),
            |it, _, out| {
                out.put(&[], Count(it.process.open_fds.unwrap_or_default()));
            },
        ),
    ),
    family(
        ("process_max_fds", Gauge, ""),
        &[],
        "So many files and sockets may be open.",
        (
            |it| it.process.max_fds.iter().count(),
            |it, _, out| {
                out.put(&[], Count(it.process.max_fds.unwrap_or_default()));
            },
        ),
    ),
];

fn once(_: &Picture) -> usize {
    1
}

fn counted(picture: &Picture) -> usize {
    picture.measured.registrars.len()
}

fn members(picture: &Picture) -> usize {
    picture.members.len()
}

fn notices(picture: &Picture) -> usize {
    picture.measured.notices.len()
}

pub(super) fn yes(is_so: bool) -> Number {
    Count(is_so.into())
}

fn at(instant: Option<UnixMs>, labels: &[&str], out: &mut Samples<'_>) {
    if let Some(instant) = instant {
        out.put(labels, At(instant));
    }
}

fn counted_at(counts: &Counts) -> String {
    let address = counts.registrar;
    address.map_or_else(|| OTHER.to_owned(), |address| address.to_string())
}

fn endings(counts: &Counts, of: fn(&Counts) -> &[u64; Ending::ALL.len()], out: &mut Samples<'_>) {
    let registrar = counted_at(counts);
    for (ending, count) in Ending::ALL.iter().zip(of(counts)) {
        out.put(&[&counts.set, &registrar, ending.word()], Count(*count));
    }
}

fn requests(counts: &Counts, of: fn(&crate::tally::Requests) -> u64, out: &mut Samples<'_>) {
    let registrar = counted_at(counts);
    for (method, requests) in Method::ALL.iter().zip(&counts.requests) {
        out.put(
            &[&counts.set, &registrar, method.name()],
            Count(of(requests)),
        );
    }
}

/// Methods that were never sent have no histogram: most sets are probed by none.
fn round_trips(picture: &Picture, row: usize, out: &mut Samples<'_>) {
    let counts = &picture.measured.registrars[row];
    let registrar = counted_at(counts);
    for (method, requests) in Method::ALL.iter().zip(&counts.requests) {
        if requests.sent > 0 {
            let labels = [&*counts.set, &registrar, method.name()];
            out.histogram(&labels, &requests.round_trips);
        }
    }
}

fn health(picture: &Picture, row: usize, out: &mut Samples<'_>) {
    let Some((set, member)) = picture.member(row) else {
        return;
    };
    let registrar = member.address.to_string();
    for health in HEALTH {
        let word = health.to_string();
        out.put(
            &[&set.name, &registrar, &word],
            yes(member.health == health),
        );
    }
}

const HEALTH: [Health; 6] = [
    Health::Ok,
    Health::Lagged,
    Health::Unreachable,
    Health::Unknown,
    Health::Unmonitored,
    Health::NoStatus,
];

const KEEPING: [(Keeping, &str); 3] = [
    (Keeping::Kept, "kept"),
    (Keeping::Failing, "failing"),
    (Keeping::Off, "off"),
];
