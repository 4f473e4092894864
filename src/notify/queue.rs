//! What waits, and when it is tried: the rules of delivery, without clocks and wires.
//!
//! Letters of one subscription by one means are a lane, and leave in their order, so that nobody
//! hears that something is over before hearing that it began. One that was refused lets others
//! pass: it may be the only one that its receiver does not take.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::letter::{Letter, Means};
use super::{Places, Trouble};

/// Letters that are not delivered yet.
#[derive(Default)]
pub(super) struct Queue {
    lanes: BTreeMap<(Arc<str>, Means), Lane>,
}

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    /// The letter that is under way.
    away: Option<Arc<str>>,
    /// What went wrong last, until something is delivered.
    trouble: Option<Arc<str>>,
}

struct Waiting {
    letter: Letter,
    due: Instant,
    /// The wait before it, which counts when it was not cut short.
    wait: Duration,
}

/// What is to be said of a try that failed.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It is tried again; whether its lane has another trouble than before.
    Again(Letter, bool),
    /// It was tried for long enough.
    GivenUp(Letter),
}

impl Queue {
    /// Takes a letter in, behind the others. One of the run before waits for its time, but no
    /// longer than the longest wait, whatever the wall clock did. Returns those that there is no
    /// room for.
    pub(super) fn put(&mut self, letter: Letter, now: Instant, unix_ms: i64) -> Vec<Letter> {
        let left = letter
            .next_unix_ms
            .map_or(0, |next| next.saturating_sub(unix_ms));
        let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
        let key = (Arc::clone(&letter.notice.subscription), letter.means);
        let lane = self.lanes.entry(key).or_default();
        if lane.trouble.is_none() {
            lane.trouble.clone_from(&letter.trouble);
        }
        lane.waiting.push_back(Waiting {
            due: now + left.min(LONGEST_WAIT),
            wait: Duration::ZERO,
            letter,
        });
        lane.make_room()
    }

    /// The next letter that may leave now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Letter> {
        self.lanes.values_mut().find_map(|lane| lane.next(now))
    }

    /// When the next one may leave.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.lanes.values().filter_map(Lane::deadline).min()
    }

    /// A letter is through: that letter if it is still known, and whether its lane was in trouble.
    pub(super) fn on_delivered(&mut self, id: &str) -> Option<(Letter, bool)> {
        let lane = self.lane_of(id)?;
        lane.away = None;
        let letter = lane.take(id);
        let was_failing = lane.trouble.take().is_some();
        self.drop_empty();
        Some((letter?, was_failing))
    }

    fn drop_empty(&mut self) {
        self.lanes
            .retain(|_, lane| !lane.waiting.is_empty() || lane.away.is_some());
    }

    /// A letter is not through.
    pub(super) fn on_failed(
        &mut self,
        id: &str,
        trouble: Trouble,
        (now, unix_ms): (Instant, i64),
    ) -> Option<Verdict> {
        let lane = self.lane_of(id)?;
        lane.away = None;
        let what: Arc<str> = trouble.what.into();
        let is_news = lane.trouble.as_deref() != Some(&*what);
        lane.trouble = Some(Arc::clone(&what));
        let waiting = lane.waiting.iter_mut().find(|it| *it.letter.id == *id)?;
        let letter = &mut waiting.letter;
        letter.tried = letter.tried.saturating_add(1);
        letter.trouble = Some(what);
        letter.is_refused = trouble.is_refusal;
        if letter.waited_ms >= TRIED_FOR.as_millis() as u64 {
            let letter = lane.take(id)?;
            self.drop_empty();
            return Some(Verdict::GivenUp(letter));
        }
        let wished = trouble.wait.map_or(Duration::ZERO, Duration::from_secs);
        let wait = match trouble.is_refusal {
            true => LONGEST_WAIT,
            false => wait_after(letter.tried).max(wished.min(LONGEST_WAIT)),
        };
        waiting.due = now + wait;
        waiting.wait = wait;
        let wait = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
        letter.next_unix_ms = Some(unix_ms.saturating_add(wait));
        Some(Verdict::Again(letter.clone(), is_news))
    }

    /// Everything may leave now: what stood in the way may be mended.
    pub(super) fn hasten(&mut self, now: Instant) {
        for waiting in self.lanes.values_mut().flat_map(|lane| &mut lane.waiting) {
            if waiting.due > now {
                waiting.due = now;
                waiting.wait = Duration::ZERO;
            }
        }
    }

    /// Takes out what nobody wants any more.
    pub(super) fn retain(&mut self, places: &Places) -> Vec<Letter> {
        let mut unwanted = Vec::new();
        for ((subscription, means), lane) in &mut self.lanes {
            if places.address(subscription, *means).is_none() {
                unwanted.extend(lane.waiting.drain(..).map(|it| it.letter));
            }
        }
        self.drop_empty();
        unwanted
    }

    fn lane_of(&mut self, id: &str) -> Option<&mut Lane> {
        let mut lanes = self.lanes.values_mut();
        lanes.find(|lane| lane.away.as_deref() == Some(id))
    }
}

impl Lane {
    /// Takes out the oldest where too much waits: neither the one under way nor the newest.
    fn make_room(&mut self) -> Vec<Letter> {
        let lines = self
            .waiting
            .iter()
            .map(|it| it.letter.notice.accounts.len());
        let (mut lines, mut gone) = (lines.sum::<usize>(), Vec::new());
        while self.waiting.len() > MOST || lines > MOST_LINES {
            let last = self.waiting.len().saturating_sub(1);
            let others = self.waiting.iter().take(last);
            let mut others = others.filter(|it| self.away.as_ref() != Some(&it.letter.id));
            let Some(id) = others.next().map(|it| Arc::clone(&it.letter.id)) else {
                break;
            };
            let Some(letter) = self.take(&id) else {
                break;
            };
            lines -= letter.notice.accounts.len();
            gone.push(letter);
        }
        gone
    }

    /// The first that may leave: none may pass another that waits for the other side.
    fn candidate(&self) -> Option<&Waiting> {
        let is_ahead = |it: &&Waiting| !it.letter.is_refused;
        let first = self.waiting.iter().find(is_ahead);
        let refused = self.waiting.iter().filter(|it| it.letter.is_refused);
        first.into_iter().chain(refused).min_by_key(|it| it.due)
    }

    fn next(&mut self, now: Instant) -> Option<Letter> {
        if self.away.is_some() {
            return None;
        }
        let id = self.candidate().filter(|it| it.due <= now);
        let id = id.map(|it| Arc::clone(&it.letter.id))?;
        let waiting = self.waiting.iter_mut().find(|it| it.letter.id == id)?;
        let waited = std::mem::take(&mut waiting.wait).as_millis() as u64;
        waiting.letter.waited_ms = waiting.letter.waited_ms.saturating_add(waited);
        self.away = Some(id);
        Some(waiting.letter.clone())
    }

    fn deadline(&self) -> Option<Instant> {
        let free = self.away.is_none();
        self.candidate().filter(|_| free).map(|it| it.due)
    }

    fn take(&mut self, id: &str) -> Option<Letter> {
        let place = self.waiting.iter().position(|it| *it.letter.id == *id)?;
        self.waiting.remove(place).map(|it| it.letter)
    }
}

/// How long to wait after so many failed tries.
fn wait_after(tried: u32) -> Duration {
    let doubled = tried.saturating_sub(1).min(16);
    FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT)
}

/// The wait after the first failed try, doubled after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(15);

/// The longest wait, and the wait after a refusal.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 3_600);

/// A letter that was tried for so long is given up.
const TRIED_FOR: Duration = Duration::from_secs(48 * 3_600);

/// So many letters may wait in a lane; the oldest go.
const MOST: usize = 10_000;

/// So many Accounts may stand in the letters of a lane, which bounds its memory: about 250 bytes
/// each.
const MOST_LINES: usize = 200_000;

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
