//! The thread that writes, and the queue before it (rule L8): whoever hands something over never
//! waits, and all that waits is written in one transaction.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, mem};

use tokio::sync::mpsc::UnboundedSender;

use super::merge::merge;
use super::{Changes, Keep, OutboxChanges, Store, StoreError};
use crate::effect::BatchId;
use crate::status::history::Entry;
use crate::status::round_trips::Point;
use crate::tally::{Histogram, ROUND_TRIP};
use crate::time::micros;

/// What became of batches, or of events.
#[derive(Debug)]
pub enum Written {
    /// These batches are saved, or the reason why not.
    Batches(Vec<BatchId>, Result<(), StoreError>),
    /// Events could not be written; they are tried again.
    EventsFailed(StoreError),
    /// Events are written again.
    Events,
}

/// Hands things over to the thread that writes. When it goes, all that waits is written first.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// How the thread does its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manner {
    /// Whether what could not be written is held and tried again here, and answered as saved.
    pub holds: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    /// How long transactions took.
    times: Mutex<Histogram>,
    /// There is work, or somebody waits for it.
    work: Condvar,
    /// A round is done.
    done: Condvar,
}

/// What waits to be written.
#[derive(Default)]
struct Queue {
    batches: Vec<BatchId>,
    changes: Vec<Changes>,
    durable: bool,
    events: VecDeque<Arc<Entry>>,
    /// When the first of `events` came; they wait a moment for others.
    events_since: Option<Instant>,
    /// Those that failed are not tried again before this.
    events_rest: Option<Instant>,
    keep: Option<Keep>,
    round_trips: Vec<(SocketAddr, Point)>,
    /// Rounds that somebody asked for, and those that are through.
    asked: u64,
    through: u64,
    is_closing: bool,
}

impl Writer {
    /// Starts the thread. What became of batches goes to `words`.
    pub fn start(
        store: Box<dyn Store>,
        manner: Manner,
        words: UnboundedSender<Written>,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            times: Mutex::new(Histogram::new(&ROUND_TRIP)),
            work: Condvar::new(),
            done: Condvar::new(),
        });
        let desk = Desk {
            store,
            manner,
            words,
            held: Changes::default(),
            is_held: false,
            have_events_failed: false,
        };
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || desk.work(&own))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Hands over a batch of records. A `durable` one is answered when it is on the disk itself.
    pub fn save(&self, batch: BatchId, changes: Changes, durable: bool) {
        let mut queue = self.shared.queue();
        queue.batches.push(batch);
        queue.durable |= durable;
        queue.changes.push(changes);
        if queue.changes.len() >= MANY {
            let merged = merge(mem::take(&mut queue.changes));
            queue.changes.push(merged);
        }
        drop(queue);
        self.shared.work.notify_one();
    }

    /// Hands over what becomes of letters, which nobody waits for.
    pub fn post(&self, outbox: OutboxChanges) {
        let mut queue = self.shared.queue();
        queue.durable = true;
        queue.changes.push(Changes {
            outbox,
            ..Changes::default()
        });
        drop(queue);
        self.shared.work.notify_one();
    }

    /// Hands over an event. It is written within a second.
    pub fn note(&self, entry: Arc<Entry>) {
        let mut queue = self.shared.queue();
        queue.events.push_back(entry);
        if queue.events.len() > MOST_EVENTS {
            queue.events.pop_front();
        }
        let is_first = queue.events_since.is_none();
        queue.events_since.get_or_insert_with(Instant::now);
        let is_many = queue.events.len().is_multiple_of(ENOUGH_EVENTS);
        drop(queue);
        if is_first || is_many {
            self.shared.work.notify_one();
        }
    }

    /// Has events removed that are not to be kept, when there is nothing better to do.
    pub fn trim(&self, keep: Keep) {
        self.shared.queue().keep = Some(keep);
        self.shared.work.notify_one();
    }

    /// Hands over round trips of some minutes, which nobody waits for.
    pub fn keep_round_trips(&self, points: Vec<(SocketAddr, Point)>) {
        self.shared.queue().round_trips.extend(points);
        self.shared.work.notify_one();
    }

    /// How long transactions took so far.
    pub fn times(&self) -> Histogram {
        let times = self.shared.times.lock();
        times.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whoever reads beside the writer finds what was handed over before.
    pub fn flusher(&self) -> Flusher {
        Flusher(Arc::clone(&self.shared))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.queue().is_closing = true;
        self.shared.work.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            drop(thread.join());
        }
    }
}

/// Waits until what was handed over is written.
#[derive(Clone)]
pub struct Flusher(Arc<Shared>);

impl Flusher {
    /// Waits, but no longer than that; whether all is written.
    pub fn flush(&self, patience: Duration) -> bool {
        let mut queue = self.0.queue();
        queue.asked += 1;
        let own = queue.asked;
        self.0.work.notify_one();
        let wait = self
            .0
            .done
            .wait_timeout_while(queue, patience, |queue| queue.through < own);
        let (queue, _) = wait.unwrap_or_else(PoisonError::into_inner);
        queue.through >= own
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A transaction is through that began then.
    fn timed(&self, begun: Instant) {
        let times = self.times.lock();
        let mut times = times.unwrap_or_else(PoisonError::into_inner);
        times.add(micros(begun.elapsed()));
    }

    /// Waits for something to do, `pause` at most where something is to be tried again.
    fn next(&self, pause: Option<Duration>) -> Round {
        let mut queue = self.queue();
        let begun = Instant::now();
        loop {
            let are_ripe = queue.are_events_ripe();
            let is_retry = pause.is_some_and(|pause| begun.elapsed() >= pause);
            let is_called = queue.is_closing || queue.asked > queue.through || is_retry;
            let is_work = !queue.batches.is_empty()
                || !queue.changes.is_empty()
                || !queue.round_trips.is_empty();
            if is_called || is_work || are_ripe || queue.keep.is_some() {
                let takes_events = is_called || are_ripe;
                return queue.take(takes_events);
            }
            let ripe = queue.ripe_in();
            let retry = pause.map(|pause| pause.saturating_sub(begun.elapsed()));
            let wait = [ripe, retry].into_iter().flatten().min().unwrap_or(LONG);
            let waited = self.work.wait_timeout(queue, wait);
            (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Queue {
    fn are_events_ripe(&self) -> bool {
        if self.events_rest.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        let is_old = |since: Instant| since.elapsed() >= GATHER;
        self.events_since.is_some_and(is_old) || self.events.len() >= ENOUGH_EVENTS
    }

    fn ripe_in(&self) -> Option<Duration> {
        let gathered = GATHER.saturating_sub(self.events_since?.elapsed());
        let rested = self.events_rest.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        });
        Some(gathered.max(rested))
    }

    fn take(&mut self, takes_events: bool) -> Round {
        let mut round = Round {
            batches: mem::take(&mut self.batches),
            changes: merge(mem::take(&mut self.changes)),
            durable: mem::take(&mut self.durable),
            events: Vec::new(),
            keep: self.keep.take(),
            round_trips: mem::take(&mut self.round_trips),
            asked: self.asked,
            is_last: self.is_closing,
        };
        if takes_events {
            round.events = mem::take(&mut self.events).into();
            self.events_since = None;
            self.events_rest = None;
        }
        round
    }
}

/// What is written at a time.
struct Round {
    batches: Vec<BatchId>,
    changes: Changes,
    durable: bool,
    events: Vec<Arc<Entry>>,
    keep: Option<Keep>,
    round_trips: Vec<(SocketAddr, Point)>,
    asked: u64,
    is_last: bool,
}

/// The thread's own.
struct Desk {
    store: Box<dyn Store>,
    manner: Manner,
    words: UnboundedSender<Written>,
    /// What could not be written and is held.
    held: Changes,
    is_held: bool,
    have_events_failed: bool,
}

impl Desk {
    fn work(mut self, shared: &Shared) {
        loop {
            let is_failing = self.is_held || self.have_events_failed;
            let mut round = shared.next(is_failing.then_some(AGAIN));
            let (asked, is_last) = (round.asked, round.is_last);
            self.save(&mut round, shared);
            self.append(round.events, shared);
            if !round.round_trips.is_empty() {
                // A picture that lacks five minutes is no loss that is worth a word: where the disk
                // takes nothing the records have said so.
                drop(self.store.keep_round_trips(&round.round_trips));
            }
            if let Some(keep) = round.keep.filter(|_| !is_last) {
                self.trim(keep, shared);
            }
            shared.queue().through = asked;
            shared.done.notify_all();
            if is_last {
                return;
            }
        }
    }

    fn save(&mut self, round: &mut Round, shared: &Shared) {
        let mut changes = mem::take(&mut round.changes);
        let is_retry = self.is_held;
        if is_retry {
            changes = merge(vec![mem::take(&mut self.held), changes]);
        }
        if round.batches.is_empty() && !is_retry && changes.outbox.is_empty() {
            return;
        }
        let begun = Instant::now();
        let result = self.store.save(&changes, round.durable || is_retry);
        shared.timed(begun);
        self.is_held = result.is_err() && (self.manner.holds || changes.has_letters());
        if self.is_held {
            if !self.manner.holds {
                // Who has records does not forget them. A letter is nobody's but ours, and what it
                // tells of must be written with it.
                (changes.removed, changes.records) = Default::default();
            }
            self.held = changes;
        }
        self.say(Written::Batches(mem::take(&mut round.batches), result));
    }

    /// Events that cannot be written wait, as many as there is room for.
    fn append(&mut self, events: Vec<Arc<Entry>>, shared: &Shared) {
        if events.is_empty() {
            return;
        }
        let begun = Instant::now();
        let result = self.store.append(&events);
        shared.timed(begun);
        match result {
            Ok(()) => {
                if mem::take(&mut self.have_events_failed) {
                    self.say(Written::Events);
                }
            }
            Err(error) => {
                let mut queue = shared.queue();
                let room = MOST_EVENTS.saturating_sub(queue.events.len());
                let lost = events.len().saturating_sub(room);
                for event in events.into_iter().skip(lost).rev() {
                    queue.events.push_front(event);
                }
                queue.events_rest = Some(Instant::now() + AGAIN);
                queue.events_since.get_or_insert_with(Instant::now);
                drop(queue);
                self.have_events_failed = true;
                self.say(Written::EventsFailed(error));
            }
        }
    }

    fn trim(&mut self, keep: Keep, shared: &Shared) {
        // A piece at a time: whoever comes meanwhile goes first. What cannot be removed now is
        // tried with the next word, and is no trouble before the disk is full.
        if self.store.trim(keep).unwrap_or(false) {
            shared.queue().keep.get_or_insert(keep);
        }
    }

    fn say(&self, word: Written) {
        // The loop may have ended.
        drop(self.words.send(word));
    }
}

/// Events wait so long for others.
const GATHER: Duration = Duration::from_millis(500);

/// So many events are worth a transaction at once.
const ENOUGH_EVENTS: usize = 2_048;

/// So many events may wait for a disk that takes none; the oldest go.
const MOST_EVENTS: usize = 100_000;

/// So many batches may wait before they are made one.
const MANY: usize = 16;

/// What failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Nothing happens by itself.
const LONG: Duration = Duration::from_secs(3_600);

#[cfg(test)]
#[path = "writer_tests.rs"]
mod tests;
