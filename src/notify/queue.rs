//! What waits, and when it is tried: the rules of delivery, without clocks and wires.
//!
//! Letters of one subscription by one means are a lane, and leave in their order, so that nobody
//! hears that something is over before hearing that it began. One that was refused lets others
//! pass: it may be the only one that its receiver does not take.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::letter::{Letter, Means};
use super::{Places, Trouble};

/// Letters that are not delivered yet.
#[derive(Default)]
pub(super) struct Queue {
    lanes: BTreeMap<Key, Lane>,
    /// When each lane may send its next letter, unless one of its letters is under way. Whoever
    /// waits longest is first, so that servers that keep us waiting keep no other lane for ever.
    ready: BTreeSet<(Instant, Key)>,
    /// The lanes of letters under way.
    away: BTreeMap<Arc<str>, Key>,
}

/// Whose letters, and how they travel.
type Key = (Arc<str>, Means);

#[derive(Default)]
struct Lane {
    waiting: VecDeque<Waiting>,
    /// How many Accounts stand in them.
    lines: usize,
    /// How many of them were refused.
    refused: usize,
    /// The letter that is under way.
    away: Option<Arc<str>>,
    /// As it stands among those that are ready.
    ready: Option<Instant>,
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
        let lane = self.lanes.entry(key.clone()).or_default();
        if lane.trouble.is_none() {
            lane.trouble.clone_from(&letter.trouble);
        }
        lane.append(Waiting {
            due: now + left.min(LONGEST_WAIT),
            wait: Duration::ZERO,
            letter,
        });
        let gone = lane.make_room();
        self.tend(&key);
        gone
    }

    /// The next letter that may leave now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Letter> {
        let (_, key) = self.ready.first().filter(|(due, _)| *due <= now)?;
        let key = key.clone();
        let letter = self.lanes.get_mut(&key)?.next(now);
        if let Some(letter) = &letter {
            self.away.insert(Arc::clone(&letter.id), key.clone());
        }
        self.tend(&key);
        letter
    }

    /// When the next one may leave.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.ready.first().map(|(due, _)| *due)
    }

    /// A letter is through: that letter if it is still known, and whether its lane was in trouble.
    pub(super) fn on_delivered(&mut self, id: &str) -> Option<(Letter, bool)> {
        let key = self.away.remove(id)?;
        let lane = self.lanes.get_mut(&key)?;
        lane.away = None;
        let letter = lane.take(id);
        let was_failing = lane.trouble.take().is_some();
        self.tend(&key);
        Some((letter?, was_failing))
    }

    /// Something has become of a lane: it goes when it is empty, and is ready at another time.
    fn tend(&mut self, key: &Key) {
        let Some(lane) = self.lanes.get_mut(key) else {
            return;
        };
        let ready = lane.deadline();
        if let Some(before) = lane.ready
            && lane.ready != ready
        {
            self.ready.remove(&(before, key.clone()));
        }
        lane.ready = ready;
        if let Some(ready) = ready {
            self.ready.insert((ready, key.clone()));
        }
        if lane.waiting.is_empty() && lane.away.is_none() {
            self.lanes.remove(key);
        }
    }

    /// A letter is not through.
    pub(super) fn on_failed(
        &mut self,
        id: &str,
        trouble: Trouble,
        now: (Instant, i64),
    ) -> Option<Verdict> {
        let key = self.away.remove(id)?;
        let verdict = self.lanes.get_mut(&key)?.on_failed(id, trouble, now);
        self.tend(&key);
        verdict
    }

    /// Everything may leave now: what stood in the way may be mended.
    pub(super) fn hasten(&mut self, now: Instant) {
        for waiting in self.lanes.values_mut().flat_map(|lane| &mut lane.waiting) {
            if waiting.due > now {
                waiting.due = now;
                waiting.wait = Duration::ZERO;
            }
        }
        self.tend_all();
    }

    /// Takes out what nobody wants any more.
    pub(super) fn retain(&mut self, places: &Places) -> Vec<Letter> {
        let mut unwanted = Vec::new();
        for ((subscription, means), lane) in &mut self.lanes {
            if places.address(subscription, *means).is_none() {
                unwanted.append(&mut lane.take_all());
            }
        }
        if !unwanted.is_empty() {
            self.tend_all();
        }
        unwanted
    }

    fn tend_all(&mut self) {
        let keys: Vec<Key> = self.lanes.keys().cloned().collect();
        keys.iter().for_each(|key| self.tend(key));
    }
}

impl Lane {
    fn append(&mut self, waiting: Waiting) {
        self.lines += waiting.letter.notice.accounts.len();
        self.refused += usize::from(waiting.letter.is_refused);
        self.waiting.push_back(waiting);
    }

    /// Takes out the oldest where too much waits: neither the one under way nor the newest.
    fn make_room(&mut self) -> Vec<Letter> {
        let mut gone = Vec::new();
        while self.waiting.len() > MOST || self.lines > MOST_LINES {
            let last = self.waiting.len().saturating_sub(1);
            let others = self.waiting.iter().take(last);
            let mut others = others.filter(|it| self.away.as_ref() != Some(&it.letter.id));
            let Some(id) = others.next().map(|it| Arc::clone(&it.letter.id)) else {
                break;
            };
            gone.extend(self.take(&id));
        }
        gone
    }

    /// A letter is not through.
    fn on_failed(
        &mut self,
        id: &str,
        trouble: Trouble,
        (now, unix_ms): (Instant, i64),
    ) -> Option<Verdict> {
        self.away = None;
        let what: Arc<str> = trouble.what.into();
        let is_news = self.trouble.as_deref() != Some(&*what);
        self.trouble = Some(Arc::clone(&what));
        let waiting = self.waiting.iter_mut().find(|it| *it.letter.id == *id)?;
        let letter = &mut waiting.letter;
        letter.tried = letter.tried.saturating_add(1);
        letter.trouble = Some(what);
        self.refused -= usize::from(letter.is_refused);
        letter.is_refused = trouble.is_refusal;
        self.refused += usize::from(letter.is_refused);
        if letter.waited_ms >= TRIED_FOR.as_millis() as u64 {
            return self.take(id).map(Verdict::GivenUp);
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

    /// The first that may leave: none may pass another that waits for the other side.
    fn candidate(&self) -> Option<&Waiting> {
        let first = self.waiting.iter().find(|it| !it.letter.is_refused);
        if self.refused == 0 {
            return first;
        }
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
        let letter = self.waiting.remove(place)?.letter;
        self.lines -= letter.notice.accounts.len();
        self.refused -= usize::from(letter.is_refused);
        Some(letter)
    }

    fn take_all(&mut self) -> Vec<Letter> {
        (self.lines, self.refused) = (0, 0);
        self.waiting.drain(..).map(|it| it.letter).collect()
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
