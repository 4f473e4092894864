//! How the registration of an Account was over time, from what is kept of what has happened.
//!
//! It knows the entries of the history and what the Account does now. The invariant: the spans of a
//! strip follow one another without a gap, are never empty, and cover the time that was asked for.

use serde::{Deserialize, Serialize};

use super::history::{Entry, EntryKind};
use super::words::phase_key;
use super::{AccountStatus, Phase, UnixMs};

/// How it was for a while.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Registered, and refreshes worked.
    Up,
    /// Registered, but a refresh had failed.
    Failing,
    /// Not registered, though it should have been.
    Down,
    /// Not registered, as it should have been: by an operator's word, or because it is held.
    Unregistered,
    /// The daemon did not run, or what happened is not kept any more.
    Unknown,
}

impl State {
    /// What a phase means; `key` is its word.
    fn of_phase(key: &str) -> Self {
        let is = |phase| phase_key(phase) == key;
        let quiet = [
            Phase::Unregistered,
            Phase::Unregistering,
            Phase::Held,
            Phase::AuthenticationOnly,
            Phase::Standby,
        ];
        match key {
            "" => Self::Unknown,
            _ if is(Phase::Registered) => Self::Up,
            _ if quiet.into_iter().any(is) => Self::Unregistered,
            _ => Self::Down,
        }
    }

    /// What the status of an Account means.
    pub fn of(status: &AccountStatus) -> Self {
        match status.is_refresh_failing() {
            true => Self::Failing,
            false => Self::of_phase(phase_key(status.phase)),
        }
    }
}

/// It was so from then until then.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Span {
    /// From then on.
    pub from: UnixMs,
    /// Until then.
    pub until: UnixMs,
    /// How it was.
    pub state: State,
}

/// The time that a strip covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Time {
    /// From then on.
    pub from: UnixMs,
    /// Until then.
    pub until: UnixMs,
    /// What happened before is not kept.
    pub known_from: UnixMs,
}

/// The kinds of entries that a strip is made of: those of the Account, and those of the daemon.
pub const KINDS: [EntryKind; 5] = [
    EntryKind::Phase,
    EntryKind::RefreshFailed,
    EntryKind::Refreshed,
    EntryKind::Start,
    EntryKind::Stop,
];

/// The strip of an Account. `entries` are those of [`KINDS`] that are about it or about the daemon,
/// oldest first: the last one of before tells how it was at first. `now` is how it is at the end,
/// if that is known.
pub fn strip<'e>(
    entries: impl IntoIterator<Item = &'e Entry>,
    time: Time,
    now: Option<State>,
) -> Vec<Span> {
    let begin = UnixMs(time.known_from.0.clamp(time.from.0, time.until.0));
    let mut strip = Strip {
        spans: Vec::new(),
        at: time.from,
        until: time.until,
        state: Some(State::Unknown),
        heard: begin,
    };
    strip.go(begin, State::Unknown);
    // How it was at first is said by what was before, else by what comes first.
    strip.state = None;
    for entry in entries {
        if entry.at < time.until {
            strip.take(entry);
        }
    }
    strip.end(now);
    strip.spans
}

struct Strip {
    spans: Vec<Span>,
    /// What is before is told.
    at: UnixMs,
    until: UnixMs,
    /// How it is from there on; none while nothing has said so.
    state: Option<State>,
    /// When something was heard last.
    heard: UnixMs,
}

impl Strip {
    fn take(&mut self, entry: &Entry) {
        let at = UnixMs(entry.at.0.max(self.at.0));
        let before = self.state;
        let state = match entry.kind {
            EntryKind::Phase => {
                let word =
                    |text: &Option<_>| text.as_deref().map_or(State::Unknown, State::of_phase);
                self.go(at, before.unwrap_or_else(|| word(&entry.from)));
                Some(word(&entry.to))
            }
            EntryKind::RefreshFailed => {
                self.go(at, before.unwrap_or(State::Up));
                Some(State::Failing)
            }
            EntryKind::Refreshed => {
                self.go(at, before.unwrap_or(State::Failing));
                Some(State::Up)
            }
            EntryKind::Stop => {
                self.go(at, before.unwrap_or(State::Unknown));
                Some(State::Unknown)
            }
            EntryKind::Start => {
                // Without a stop before it the run before broke off, nobody knows when.
                if before != Some(State::Unknown) {
                    self.go(self.heard, before.unwrap_or(State::Unknown));
                }
                self.go(at, State::Unknown);
                None
            }
            EntryKind::Moved
            | EntryKind::Warning
            | EntryKind::Member
            | EntryKind::ListenFailed
            | EntryKind::Order
            | EntryKind::Reload
            | EntryKind::Alert
            | EntryKind::Store
            | EntryKind::Unknown => before,
        };
        self.state = state;
        self.heard = at;
    }

    fn end(&mut self, now: Option<State>) {
        let state = self.state.or(now).unwrap_or(State::Unknown);
        self.go(self.until, state);
    }

    /// It was so until then.
    fn go(&mut self, until: UnixMs, state: State) {
        if until <= self.at {
            return;
        }
        match self.spans.last_mut() {
            Some(last) if last.state == state => last.until = until,
            _ => self.spans.push(Span {
                from: self.at,
                until,
                state,
            }),
        }
        self.at = until;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Time = Time {
        from: UnixMs(1_000),
        until: UnixMs(2_000),
        known_from: UnixMs(0),
    };

    fn entry(kind: EntryKind, at: i64) -> Entry {
        Entry::new(kind, UnixMs(at))
    }

    fn phase(at: i64, from: &'static str, to: &'static str) -> Entry {
        Entry {
            from: Some(from.into()),
            to: Some(to.into()),
            ..entry(EntryKind::Phase, at)
        }
    }

    /// The strip in a few letters: `up 1000–2000`.
    fn shown(entries: &[Entry], time: Time, now: Option<State>) -> String {
        let spans = strip(entries, time, now);
        assert_eq!(spans.first().unwrap().from, time.from);
        assert_eq!(spans.last().unwrap().until, time.until);
        for pair in spans.windows(2) {
            assert_eq!(pair[0].until, pair[1].from);
            assert_ne!(pair[0].state, pair[1].state);
        }
        let words = spans.iter().map(|it| {
            assert!(it.from < it.until);
            let state = format!("{:?}", it.state).to_lowercase();
            format!("{state} {}", it.until.0)
        });
        words.collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_happened_says_how_it_was_before_and_after() {
        let entries = [
            phase(1_100, "registered", "waiting-to-retry"),
            phase(1_200, "waiting-to-retry", "registering"),
            phase(1_300, "registering", "registered"),
            entry(EntryKind::RefreshFailed, 1_400),
            entry(EntryKind::RefreshFailed, 1_450),
            entry(EntryKind::Refreshed, 1_500),
            phase(1_600, "registered", "unregistering"),
            phase(1_610, "unregistering", "unregistered"),
        ];
        assert_eq!(
            shown(&entries, TIME, None),
            "up 1100, down 1300, up 1400, failing 1500, up 1600, unregistered 2000"
        );
    }

    #[test]
    fn where_nothing_happened_it_is_as_it_is_now() {
        assert_eq!(shown(&[], TIME, Some(State::Up)), "up 2000");
        assert_eq!(shown(&[], TIME, None), "unknown 2000");
        let started = [entry(EntryKind::Start, 1_200)];
        assert_eq!(
            shown(&started, TIME, Some(State::Up)),
            "unknown 1200, up 2000"
        );
    }

    #[test]
    fn what_is_not_kept_and_when_nobody_looked_is_unknown() {
        let late = Time {
            known_from: UnixMs(1_500),
            ..TIME
        };
        assert_eq!(
            shown(&[], late, Some(State::Down)),
            "unknown 1500, down 2000"
        );
        let never = Time {
            known_from: UnixMs(3_000),
            ..TIME
        };
        assert_eq!(shown(&[], never, Some(State::Down)), "unknown 2000");
        let entries = [
            phase(1_100, "registering", "registered"),
            entry(EntryKind::Stop, 1_200),
            entry(EntryKind::Start, 1_300),
            phase(1_310, "registering", "registered"),
        ];
        assert_eq!(
            shown(&entries, TIME, None),
            "down 1100, up 1200, unknown 1300, down 1310, up 2000"
        );
    }

    #[test]
    fn a_run_that_broke_off_is_known_as_far_as_it_was_heard_of() {
        let entries = [
            phase(1_100, "registering", "registered"),
            entry(EntryKind::RefreshFailed, 1_200),
            entry(EntryKind::Start, 1_500),
        ];
        assert_eq!(
            shown(&entries, TIME, Some(State::Up)),
            "down 1100, up 1200, unknown 1500, up 2000"
        );
    }

    // Nothing happens to an Account that is registered for days.
    #[test]
    fn what_was_before_says_how_it_was_at_first() {
        let run = [
            phase(900, "registering", "registered"),
            entry(EntryKind::Stop, 1_500),
            entry(EntryKind::Start, 1_600),
            phase(1_610, "registering", "registered"),
        ];
        let wanted = "up 1500, unknown 1600, down 1610, up 2000";
        assert_eq!(shown(&run, TIME, None), wanted);
        let wanted = "unknown 1600, down 1610, up 2000";
        assert_eq!(shown(&run[1..], TIME, None), wanted);
        // A run of which nothing was heard any more may have ended at any time.
        let broken = [
            phase(900, "registering", "registered"),
            entry(EntryKind::Start, 1_600),
        ];
        let wanted = "unknown 1600, up 2000";
        assert_eq!(shown(&broken, TIME, Some(State::Up)), wanted);
        let failing = [
            entry(EntryKind::RefreshFailed, 900),
            entry(EntryKind::Refreshed, 1_500),
        ];
        assert_eq!(shown(&failing, TIME, None), "failing 1500, up 2000");
    }

    #[test]
    fn what_lies_outside_does_not_count_and_a_clock_set_back_breaks_nothing() {
        let entries = [
            phase(900, "waiting-to-retry", "registered"),
            phase(1_500, "registered", "waiting-to-retry"),
            phase(1_400, "waiting-to-retry", "registered"),
            phase(2_000, "registered", "waiting-to-retry"),
        ];
        assert_eq!(shown(&entries, TIME, None), "up 2000");
    }
}
