//! Whether a member lives: its probes, its verdict, and the word for it (rules P3–P5).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::probe::Identity;
use crate::config::ProbeUnknown;
use crate::cx::TransactionId;
use crate::time::{Duration, Instant};

/// What an operator is told of a member (rule P5).
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Serialize, Deserialize,
)]
pub enum Health {
    /// Keep-alive is off.
    Unmonitored,
    /// Nothing has come from it yet, and nothing was missed.
    #[default]
    #[serde(rename = "NO STATUS")]
    NoStatus,
    /// It answers in time.
    #[serde(rename = "OK")]
    Ok,
    /// It answers late.
    #[serde(rename = "LAGGED")]
    Lagged,
    /// It does not answer.
    #[serde(rename = "UNREACHABLE")]
    Unreachable,
    /// It has not answered for more than an hour.
    #[serde(rename = "UNKNOWN")]
    Unknown,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unmonitored => "Unmonitored",
            Self::NoStatus => "NO STATUS",
            Self::Ok => "OK",
            Self::Lagged => "LAGGED",
            Self::Unreachable => "UNREACHABLE",
            Self::Unknown => "UNKNOWN",
        })
    }
}

/// An answer later than this is late, and what comes of members that are away for long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Limits {
    pub(super) lagged: Duration,
    pub(super) unknown: ProbeUnknown,
}

/// After so long without an answer a member is UNKNOWN (rule P5).
const UNKNOWN_AFTER: Duration = Duration::from_secs(3_600);
/// The distance of the probes of a member in state UNKNOWN (rule P5).
const SLOW: Duration = Duration::from_secs(600);

/// What is known of one member.
#[derive(Default, Debug)]
pub(super) struct Pulse {
    /// The probe that is under way.
    pub(super) flight: Option<TransactionId>,
    /// Who its probes say that they are; made with the first one.
    pub(super) identity: Option<Box<Identity>>,
    /// When the last probe first left.
    started: Option<Instant>,
    /// Whether one is wanted out of turn.
    is_asked: bool,
    /// Whether it has ever answered.
    is_known: bool,
    /// Since when it is offline.
    lost: Option<Instant>,
    /// When it last did not answer.
    missed: Option<Instant>,
    recovery: Option<Recovery>,
    round_trip: Option<Duration>,
    word: Health,
    since: Option<Instant>,
}

/// An offline member that answers again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Recovery {
    /// So many good answers are wanted still.
    wanted: u8,
    /// When the last request that counts left.
    last: Instant,
}

/// How often a member is probed, if it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rhythm {
    /// From one probe to the next.
    pub(super) usual: Duration,
    /// The same while it comes back.
    pub(super) recovering: Duration,
    /// Whether its set's mode probes it now.
    pub(super) is_wanted: bool,
    /// Whether it holds a binding.
    pub(super) is_bound: bool,
}

impl Pulse {
    /// It is not probed any more: what was found counts no longer.
    pub(super) fn forget_loss(&mut self) {
        self.lost = None;
        self.recovery = None;
    }

    pub(super) fn is_offline(&self) -> bool {
        self.lost.is_some()
    }

    /// Whether it has answered, and is online.
    pub(super) fn is_alive(&self) -> bool {
        self.is_known && !self.is_offline()
    }

    pub(super) fn word(&self) -> Health {
        self.word
    }

    /// Since when the word holds.
    pub(super) fn since(&self) -> Instant {
        self.since.unwrap_or_default()
    }

    /// When it last did not answer, if it ever did not.
    pub(super) fn missed(&self) -> Option<Instant> {
        self.missed
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.round_trip
    }

    /// A probe is wanted, unless the last one left within this time.
    pub(super) fn ask(&mut self, within: Duration, now: Instant) {
        self.is_asked |= self.started.is_none_or(|started| started + within <= now);
    }

    /// Whether a probe is wanted out of turn.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// A probe leaves.
    pub(super) fn on_sent(&mut self, flight: TransactionId, now: Instant) {
        self.flight = Some(flight);
        self.started = Some(now);
        self.is_asked = false;
    }

    /// A good answer came to a request that left at `sent`; `wanted` more probes must be answered
    /// before an offline member is online again, so many `apart`. Whether it is online again.
    pub(super) fn on_alive(
        &mut self,
        (sent, round_trip): (Instant, Duration),
        is_probe: bool,
        (wanted, apart): (u8, Duration),
    ) -> bool {
        self.is_known = true;
        self.round_trip = Some(round_trip);
        if !self.is_offline() {
            return false;
        }
        match &mut self.recovery {
            None => self.recovery = Some(Recovery { wanted, last: sent }),
            Some(recovery) if is_probe && sent >= recovery.last + apart => {
                recovery.wanted = recovery.wanted.saturating_sub(1);
                recovery.last = sent;
            }
            Some(_) => {}
        }
        let is_back = self.recovery.is_some_and(|recovery| recovery.wanted == 0);
        if is_back {
            (self.recovery, self.lost) = (None, None);
        }
        is_back
    }

    /// It does not answer. Whether it did until now.
    pub(super) fn on_lost(&mut self, now: Instant) -> bool {
        self.missed = Some(now);
        let was_answering = self.recovery.take().is_some() || self.lost.is_none();
        self.lost.get_or_insert(now);
        was_answering
    }

    /// When its next probe is due, if nothing else happens; may have passed.
    pub(super) fn due(&self, rhythm: Rhythm, limits: Limits) -> Option<Instant> {
        let Rhythm {
            usual,
            recovering,
            is_wanted,
            is_bound,
        } = rhythm;
        if self.flight.is_some() {
            return None;
        }
        if self.is_asked {
            return Some(Instant::ZERO);
        }
        if let Some(recovery) = self.recovery {
            return Some(recovery.last + recovering);
        }
        if !is_wanted && !is_bound {
            return None;
        }
        let distance = match (self.word, limits.unknown) {
            (Health::Unknown, _) if is_bound => usual,
            (Health::Unknown, ProbeUnknown::Slow) => SLOW,
            (Health::Unknown, ProbeUnknown::Stop) => return None,
            _ => usual,
        };
        let next = self.started.map(|started| started + distance);
        Some(next.unwrap_or(Instant::ZERO))
    }

    /// When its word changes by time alone.
    pub(super) fn turns(&self) -> Option<Instant> {
        let lost = self.lost.filter(|_| self.word == Health::Unreachable)?;
        Some(lost + UNKNOWN_AFTER)
    }

    /// Finds its word anew. Whether it is another one.
    pub(super) fn judge(&mut self, is_monitored: bool, now: Instant, limits: Limits) -> bool {
        let word = match (is_monitored, self.lost, self.round_trip) {
            (false, ..) => Health::Unmonitored,
            (_, Some(lost), _) if now >= lost + UNKNOWN_AFTER => Health::Unknown,
            (_, Some(_), _) => Health::Unreachable,
            (_, None, None) => Health::NoStatus,
            (_, None, Some(time)) if time > limits.lagged => Health::Lagged,
            (_, None, Some(_)) => Health::Ok,
        };
        let is_new = word != self.word || self.since.is_none();
        if is_new {
            (self.word, self.since) = (word, Some(now));
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        lagged: Duration::from_secs(2),
        unknown: ProbeUnknown::Slow,
    };
    const RHYTHM: Rhythm = Rhythm {
        usual: Duration::from_secs(60),
        recovering: Duration::from_secs(5),
        is_wanted: true,
        is_bound: false,
    };

    fn at(seconds: u64) -> Instant {
        Instant::from_secs(seconds)
    }

    fn answers(pulse: &mut Pulse, sent: u64, is_probe: bool) -> bool {
        let answer = (at(sent), Duration::from_millis(20));
        pulse.on_alive(answer, is_probe, (3, RHYTHM.recovering))
    }

    // rule P4
    #[test]
    fn an_offline_member_is_back_after_one_good_answer_and_the_retries() {
        let mut pulse = Pulse::default();
        assert!(pulse.on_lost(at(10)));
        assert!(!answers(&mut pulse, 20, false));
        assert_eq!(pulse.due(RHYTHM, LIMITS), Some(at(25)));
        // Another REGISTER's answer does not count, nor does a probe too early.
        assert!(!answers(&mut pulse, 22, false));
        assert!(!answers(&mut pulse, 24, true));
        assert!(!answers(&mut pulse, 25, true));
        assert!(!answers(&mut pulse, 30, true));
        assert!(pulse.is_offline());
        assert!(answers(&mut pulse, 35, true));
        assert!(pulse.is_alive());
    }

    // rule P4
    #[test]
    fn a_failure_on_the_way_back_begins_anew() {
        let mut pulse = Pulse::default();
        pulse.on_lost(at(10));
        answers(&mut pulse, 20, true);
        answers(&mut pulse, 25, true);
        assert!(
            pulse.on_lost(at(30)),
            "who has taken it for alive must hear of it"
        );
        assert!(!pulse.on_lost(at(31)));
        for sent in [40, 45, 50] {
            assert!(!answers(&mut pulse, sent, true), "{sent}");
        }
        assert!(answers(&mut pulse, 55, true));
    }

    // rule P5
    #[test]
    fn each_word_has_its_cause() {
        let mut pulse = Pulse::default();
        let word = |pulse: &mut Pulse, now| {
            pulse.judge(true, at(now), LIMITS);
            (pulse.word().to_string(), pulse.since())
        };
        let lagged = Duration::from_micros(2_000_001);
        assert_eq!(word(&mut pulse, 0), ("NO STATUS".to_owned(), at(0)));
        assert_eq!(word(&mut pulse, 1), ("NO STATUS".to_owned(), at(0)));
        answers(&mut pulse, 1, true);
        assert_eq!(word(&mut pulse, 2), ("OK".to_owned(), at(2)));
        pulse.on_alive((at(3), lagged), true, (1, RHYTHM.recovering));
        assert_eq!(word(&mut pulse, 5), ("LAGGED".to_owned(), at(5)));
        pulse.on_lost(at(6));
        assert_eq!(word(&mut pulse, 6), ("UNREACHABLE".to_owned(), at(6)));
        assert_eq!(word(&mut pulse, 3_605), ("UNREACHABLE".to_owned(), at(6)));
        assert_eq!(pulse.turns(), Some(at(3_606)));
        assert_eq!(word(&mut pulse, 3_606), ("UNKNOWN".to_owned(), at(3_606)));
        assert!(pulse.judge(false, at(4_000), LIMITS));
        assert_eq!(pulse.word(), Health::Unmonitored);
    }

    // rule P5
    #[test]
    fn an_unknown_member_is_probed_slowly_or_not_at_all_unless_it_holds_a_binding() {
        let mut pulse = Pulse {
            started: Some(at(3_600)),
            ..Pulse::default()
        };
        pulse.on_lost(at(0));
        pulse.judge(true, at(3_600), LIMITS);
        assert_eq!(pulse.due(RHYTHM, LIMITS), Some(at(4_200)));
        let stop = Limits {
            unknown: ProbeUnknown::Stop,
            ..LIMITS
        };
        assert_eq!(pulse.due(RHYTHM, stop), None);
        let bound = Rhythm {
            is_bound: true,
            ..RHYTHM
        };
        assert_eq!(pulse.due(bound, stop), Some(at(3_660)));
    }
}
