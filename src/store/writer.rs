//! The thread that writes, and the queue before it (rule L8): whoever hands something over never
//! waits, and all that waits is written in one transaction.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use std::{io, mem};

use tokio::sync::mpsc::UnboundedSender;

use super::{Changes, Keep, Store, StoreError};
use crate::effect::BatchId;
use crate::status::history::Entry;

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

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
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
        let shared = Arc::new(Shared::default());
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

    /// Waits for something to do, `pause` at most where something is to be tried again.
    fn next(&self, pause: Option<Duration>) -> Round {
        let mut queue = self.queue();
        let begun = Instant::now();
        loop {
            let are_ripe = queue.are_events_ripe();
            let is_retry = pause.is_some_and(|pause| begun.elapsed() >= pause);
            let is_called = queue.is_closing || queue.asked > queue.through || is_retry;
            if is_called || !queue.batches.is_empty() || are_ripe || queue.keep.is_some() {
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
            self.save(&mut round);
            self.append(round.events, shared);
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

    fn save(&mut self, round: &mut Round) {
        let mut changes = mem::take(&mut round.changes);
        if self.is_held {
            changes = merge(vec![mem::take(&mut self.held), changes]);
        }
        if round.batches.is_empty() && !self.is_held {
            return;
        }
        let result = self.store.save(&changes, round.durable || self.is_held);
        self.is_held = self.manner.holds && result.is_err();
        if self.is_held {
            self.held = changes;
        }
        self.say(Written::Batches(mem::take(&mut round.batches), result));
    }

    /// Events that cannot be written wait, as many as there is room for.
    fn append(&mut self, events: Vec<Arc<Entry>>, shared: &Shared) {
        if events.is_empty() {
            return;
        }
        match self.store.append(&events) {
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

/// Several changes as one: of each Account what came last.
fn merge(mut list: Vec<Changes>) -> Changes {
    if list.len() == 1 {
        return list.remove(0);
    }
    let mut all = Changes::default();
    let mut places: HashMap<Arc<str>, usize> = HashMap::new();
    let mut records: Vec<Option<crate::effect::Record>> = Vec::new();
    for changes in list {
        for name in changes.removed {
            if let Some(place) = places.remove(&name) {
                records[place] = None;
            }
            all.removed.push(name);
        }
        for record in changes.records {
            let name: Arc<str> = record.account.as_str().into();
            if let Some(place) = places.get(&name) {
                records[*place] = Some(record);
            } else {
                places.insert(name, records.len());
                records.push(Some(record));
            }
        }
    }
    all.removed.sort_unstable();
    all.removed.dedup();
    all.records = records.into_iter().flatten().collect();
    all
}

/// Events wait so long for others.
const GATHER: Duration = Duration::from_millis(500);

/// So many events are worth a transaction at once.
const ENOUGH_EVENTS: usize = 4_096;

/// So many events may wait for a disk that takes none; the oldest go.
const MOST_EVENTS: usize = 100_000;

/// So many batches may wait before they are made one.
const MANY: usize = 16;

/// What failed is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// Nothing happens by itself.
const LONG: Duration = Duration::from_secs(3_600);

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;
    use crate::effect::Record;
    use crate::status::UnixMs;
    use crate::status::history::EntryKind;

    /// A store that does each thing when it is told to, and as it is told to.
    struct Puppet {
        strings: mpsc::Receiver<bool>,
        done: mpsc::Sender<String>,
    }

    impl Puppet {
        fn act(&self, what: String) -> Result<(), StoreError> {
            drop(self.done.send(what));
            match self.strings.recv() {
                Ok(false) => Err(StoreError::Nowhere),
                Ok(true) | Err(_) => Ok(()),
            }
        }
    }

    impl Store for Puppet {
        fn restore(&mut self) -> Result<Vec<Record>, StoreError> {
            Ok(Vec::new())
        }

        fn save(&mut self, changes: &Changes, durable: bool) -> Result<(), StoreError> {
            let records = changes.records.iter();
            let names = records.map(|record| format!("{}:{}", record.account, record.cseq));
            let names: Vec<_> = names.collect();
            self.act(format!(
                "save {:?} {} {durable}",
                changes.removed,
                names.join(" ")
            ))
        }

        fn newest(&mut self) -> Result<u64, StoreError> {
            Ok(0)
        }

        fn append(&mut self, events: &[Arc<Entry>]) -> Result<(), StoreError> {
            let ids: Vec<_> = events.iter().map(|event| event.id.to_string()).collect();
            self.act(format!("append {}", ids.join(" ")))
        }

        fn trim(&mut self, keep: Keep) -> Result<bool, StoreError> {
            self.act(format!("trim {}", keep.events)).map(|()| false)
        }
    }

    struct Bench {
        writer: Writer,
        strings: mpsc::Sender<bool>,
        done: mpsc::Receiver<String>,
        words: UnboundedReceiver<Written>,
    }

    impl Bench {
        fn new(holds: bool) -> Self {
            let (strings, pulled) = mpsc::channel();
            let (tell, done) = mpsc::channel();
            let (say, words) = unbounded_channel();
            let puppet = Puppet {
                strings: pulled,
                done: tell,
            };
            let writer = Writer::start(Box::new(puppet), Manner { holds }, say).unwrap();
            Self {
                writer,
                strings,
                done,
                words,
            }
        }

        fn save(&self, batch: u64, name: &str, cseq: u32, durable: bool) {
            let changes = Changes {
                removed: Vec::new(),
                records: vec![record(name, cseq)],
            };
            self.writer.save(BatchId(batch), changes, durable);
        }

        /// What it begins to do next.
        fn begun(&self) -> String {
            self.done.recv_timeout(Duration::from_secs(10)).unwrap()
        }

        fn end(&self, well: bool) {
            self.strings.send(well).unwrap();
        }

        /// What the loop is told next: batches, and whether they are saved.
        fn told(&mut self) -> (Vec<u64>, bool) {
            match self.words.blocking_recv().unwrap() {
                Written::Batches(batches, result) => (
                    batches.into_iter().map(|batch| batch.0).collect(),
                    result.is_ok(),
                ),
                Written::EventsFailed(_) => (Vec::new(), false),
                Written::Events => (Vec::new(), true),
            }
        }
    }

    #[test]
    fn what_waits_is_written_at_once_and_the_last_word_counts() {
        let mut bench = Bench::new(false);
        bench.save(0, "a", 1, false);
        assert_eq!(bench.begun(), "save [] a:1 false");
        // The disk is slow, and many batches come meanwhile.
        for batch in 1..=100 {
            bench.save(batch, "a", batch as u32, batch == 50);
        }
        bench.save(101, "b", 7, false);
        bench.end(true);
        assert_eq!(bench.told(), (vec![0], true));
        assert_eq!(bench.begun(), "save [] a:100 b:7 true");
        bench.end(true);
        assert_eq!(bench.told(), ((1..=101).collect(), true));
    }

    #[test]
    fn who_is_removed_and_comes_back_is_written_as_it_came_back() {
        let change = |removed: &[&str], records: &[(&str, u32)]| Changes {
            removed: removed.iter().map(|name| Arc::from(*name)).collect(),
            records: records
                .iter()
                .map(|(name, cseq)| record(name, *cseq))
                .collect(),
        };
        let list = vec![
            change(&[], &[("a", 1), ("b", 1)]),
            change(&["a", "b"], &[("b", 2)]),
            change(&["c"], &[("b", 3)]),
        ];
        let all = merge(list);
        assert_eq!(all.removed, ["a", "b", "c"].map(Arc::from));
        let left: Vec<_> = all
            .records
            .iter()
            .map(|it| (&*it.account, it.cseq))
            .collect();
        assert_eq!(left, [("b", 3)]);
    }

    #[test]
    fn what_fails_is_told_and_not_tried_again_here() {
        let mut bench = Bench::new(false);
        bench.save(0, "a", 1, true);
        assert_eq!(bench.begun(), "save [] a:1 true");
        bench.end(false);
        assert_eq!(bench.told(), (vec![0], false));
        bench.save(1, "b", 1, false);
        assert_eq!(bench.begun(), "save [] b:1 false");
        bench.end(true);
        assert_eq!(bench.told(), (vec![1], true));
    }

    #[test]
    fn what_is_held_is_tried_again_with_what_came_since() {
        let mut bench = Bench::new(true);
        bench.save(0, "a", 1, false);
        assert_eq!(bench.begun(), "save [] a:1 false");
        bench.save(1, "b", 1, false);
        bench.end(false);
        assert_eq!(bench.told(), (vec![0], false));
        assert_eq!(bench.begun(), "save [] a:1 b:1 true");
        bench.end(false);
        assert_eq!(bench.told(), (vec![1], false));
        // Nobody says anything more, and still it is tried again.
        assert_eq!(bench.begun(), "save [] a:1 b:1 true");
        bench.end(true);
        assert_eq!(bench.told(), (vec![], true));
    }

    #[test]
    fn events_that_cannot_be_written_wait() {
        let mut bench = Bench::new(false);
        bench.writer.note(event(1));
        bench.writer.note(event(2));
        assert_eq!(bench.begun(), "append 1 2");
        bench.writer.note(event(3));
        bench.end(false);
        assert_eq!(bench.told(), (vec![], false));
        assert_eq!(bench.begun(), "append 1 2 3");
        bench.end(true);
        assert_eq!(bench.told(), (vec![], true));
    }

    #[test]
    fn the_end_waits_for_all_that_was_handed_over() {
        let bench = Bench::new(false);
        bench.writer.note(event(1));
        bench.save(0, "a", 1, false);
        let flusher = bench.writer.flusher();
        let Bench {
            writer,
            strings,
            done,
            mut words,
        } = bench;
        drop(strings); // From here on everything is done well and at once.
        assert!(flusher.flush(Duration::from_secs(10)));
        writer.note(event(2));
        drop(writer);
        let done: Vec<_> = done.iter().collect();
        assert!(done.contains(&"save [] a:1 false".to_owned()), "{done:?}");
        assert_eq!(done.last().unwrap(), "append 2");
        assert!(matches!(words.try_recv(), Ok(Written::Batches(..))));
    }

    fn event(id: u64) -> Arc<Entry> {
        Arc::new(Entry {
            id,
            at: UnixMs(0),
            kind: EntryKind::Start,
            account: None,
            from: None,
            to: None,
            registrar: None,
            code: None,
            uid: None,
            text: "".into(),
        })
    }

    fn record(name: &str, cseq: u32) -> Record {
        Record {
            account: name.to_owned(),
            aor: String::new(),
            epoch: 0,
            call_id: String::new(),
            mark: String::new(),
            cseq,
            cseq_limit: 256,
            clean: false,
            binding: None,
            unregistered: false,
            port: None,
            contact_user: None,
            visits: Vec::new(),
            holds: Vec::new(),
            minima: Vec::new(),
        }
    }
}
