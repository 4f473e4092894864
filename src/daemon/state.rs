//! What outlives a run: opened before the loop begins, handed over to the store's thread while it
//! turns.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::{io, mem};

use tokio::sync::mpsc::{self, UnboundedReceiver};
use tracing::{info, warn};

use super::effects::Batch;
use super::{Daemon, Stopped, history};
use crate::config::{Config, StateFailure};
use crate::control::{Board, Past};
use crate::effect::{BatchId, Event, Input, Record, StoredAlert};
use crate::notify::Letter;
use crate::status::history::{Entry, EntryKind, Wanted};
use crate::status::round_trips::Point;
use crate::status::words::count;
use crate::status::{Keeping, StateStatus, UnixMs};
use crate::store::{
    Database, Flusher, History, Keep, Manner, OutboxChanges, Place, Store, StoreError, Writer,
    Written, choose,
};
use crate::tally::Histogram;
use crate::time::Duration;

/// Where a run keeps what outlives it, and what the run before has left.
pub struct State {
    open: Option<Open>,
    /// Why nothing is kept.
    why_not: Option<String>,
    is_lenient: bool,
}

struct Open {
    store: Box<dyn Store>,
    directory: PathBuf,
    left: Left,
    newest: u64,
    round_trips: Vec<(SocketAddr, Point)>,
}

/// What the run before has left.
#[derive(Default)]
pub(super) struct Left {
    pub(super) records: Vec<Record>,
    pub(super) alerts: Vec<StoredAlert>,
    pub(super) letters: Vec<Letter>,
}

impl State {
    /// Nothing is kept, for this reason.
    pub fn off(why: impl Into<String>) -> Self {
        Self {
            open: None,
            why_not: Some(why.into()),
            is_lenient: false,
        }
    }

    /// Opens the state in `given`, or where the configuration wants it. What cannot be opened is an
    /// error, unless the configuration says to go on without.
    pub fn open(config: &Config, given: Option<&Path>) -> Result<Self, StoreError> {
        let is_lenient = config.agent.when_state_fails == StateFailure::Continue;
        let place = match given {
            Some(directory) => Ok(Place::Directory(directory.to_owned())),
            None => choose(config.agent.state_directory.as_deref()),
        };
        let opened = place.and_then(|place| match place {
            Place::Nowhere => Ok(None),
            Place::Directory(directory) => Open::new(directory).map(Some),
        });
        match opened {
            Ok(Some(open)) => Ok(Self {
                open: Some(open),
                why_not: None,
                is_lenient,
            }),
            Ok(None) => Ok(Self::off("state_directory is \"none\"")),
            Err(error) if is_lenient => {
                warn!("{}; when_state_fails is \"continue\"", words(&error));
                Ok(Self::off(words(&error)))
            }
            Err(error) => Err(error),
        }
    }

    /// Whether anything is kept.
    pub(super) fn is_on(&self) -> bool {
        self.open.is_some()
    }
}

impl Open {
    fn new(directory: PathBuf) -> Result<Self, StoreError> {
        let mut store = Database::open(&directory)?;
        let left = Left {
            records: store.restore()?,
            alerts: store.restore_alerts()?,
            letters: store.restore_outbox()?,
        };
        let newest = store.newest()?;
        let round_trips = store.restore_round_trips()?;
        let state = store.path().display();
        if store.is_new() {
            info!(%state, "the state is new");
        } else {
            let (accounts, notices) = (left.records.len(), left.letters.len());
            info!(%state, accounts, notices, "the state of the run before");
        }
        Ok(Self {
            store: Box::new(store),
            directory,
            left,
            newest,
            round_trips,
        })
    }
}

/// What outlives the run, while it runs.
pub(super) struct Keeper {
    writer: Option<Writer>,
    written: UnboundedReceiver<Written>,
    left: Left,
    /// Letters that leave when their batch is written, or cannot be.
    posted: BTreeMap<BatchId, Vec<Letter>>,
    is_lenient: bool,
    /// The id of the next event; none if events are not kept.
    next: Option<u64>,
    keep: Option<(u32, u32)>,
    trouble: Trouble,
    /// What was last said to follow from trouble; none without any.
    told: Option<&'static str>,
    status: StateStatus,
}

/// What follows where only events cannot be written.
const HISTORY_WAITS: &str = "the history waits";

/// What cannot be written at present, and why.
#[derive(Default)]
struct Trouble {
    records: Option<String>,
    events: Option<String>,
}

impl Keeper {
    /// Starts the store's thread, if there is a store.
    pub(super) fn start(
        state: State,
        config: &Config,
        board: &Board,
        now: UnixMs,
    ) -> io::Result<Self> {
        let (words, written) = mpsc::unbounded_channel();
        let agent = &config.agent;
        let State {
            open,
            why_not,
            is_lenient,
        } = state;
        let mut keeper = Self {
            writer: None,
            written,
            left: Left::default(),
            posted: BTreeMap::new(),
            is_lenient,
            next: None,
            keep: None,
            trouble: Trouble::default(),
            told: None,
            status: StateStatus {
                state: Keeping::Off,
                directory: None,
                trouble: why_not.map(Arc::from),
                since: now,
            },
        };
        if let Some(open) = open {
            let manner = Manner { holds: is_lenient };
            let gauges = board.gauges();
            gauges.with_round_trips(|trips| trips.restore(open.round_trips));
            let writer = Writer::start(open.store, manner, words)?;
            keeper.status.state = Keeping::Kept;
            keeper.status.directory = Some(open.directory.display().to_string().into());
            keeper.left = open.left;
            if agent.history_max_events > 0 {
                keeper.next = Some(open.newest + 1);
                keeper.keep = Some((agent.history_days, agent.history_max_events));
                board.set_past(Arc::new(Shelf {
                    directory: open.directory,
                    flusher: writer.flusher(),
                    history: Mutex::default(),
                }));
            }
            keeper.writer = Some(writer);
        }
        board.publish_state(keeper.status.clone());
        Ok(keeper)
    }

    /// What the run before has left, once.
    pub(super) fn take_left(&mut self) -> Left {
        mem::take(&mut self.left)
    }

    /// Hands over a batch, with the letters that belong to it.
    pub(super) fn save(&mut self, batch: Batch, letters: Vec<Letter>) {
        if let Some(writer) = &self.writer {
            let mut changes = batch.changes;
            changes.outbox.letters.clone_from(&letters);
            writer.save(batch.id, changes, batch.is_durable);
            if !letters.is_empty() {
                self.posted.insert(batch.id, letters);
            }
        }
    }

    /// Hands over what has become of letters.
    pub(super) fn post(&self, outbox: OutboxChanges) {
        if let Some(writer) = &self.writer {
            writer.post(outbox);
        }
    }

    /// The letters of batches that are written, or cannot be: they leave all the same.
    fn take_posted(&mut self, written: &Written) -> Vec<Letter> {
        let Written::Batches(batches, _) = written else {
            return Vec::new();
        };
        let posted = batches.iter().filter_map(|batch| self.posted.remove(batch));
        posted.flatten().collect()
    }

    /// Hands over an event, and tells it to whoever listens.
    pub(super) fn note(&mut self, mut entry: Entry, board: &Board) {
        let (Some(writer), Some(next)) = (&self.writer, &mut self.next) else {
            return;
        };
        entry.id = *next;
        *next += 1;
        let entry = Arc::new(entry);
        board.tell(&entry);
        writer.note(entry);
    }

    /// An event as an entry, where they are kept.
    pub(super) fn entry(&self, event: &Event, board: &Board, at: UnixMs) -> Option<Entry> {
        self.next.map(|_| history::entry(event, board, at))
    }

    /// Whether events are kept.
    pub(super) fn keeps_events(&self) -> bool {
        self.next.is_some()
    }

    /// Hands over the round trips of some minutes.
    pub(super) fn keep_round_trips(&self, points: Vec<(SocketAddr, Point)>) {
        if let Some(writer) = &self.writer {
            writer.keep_round_trips(points);
        }
    }

    /// How long it took to write, where anything is written.
    pub(super) fn writes(&self) -> Option<Histogram> {
        self.writer.as_ref().map(Writer::times)
    }

    /// Has events removed that are too old, or too many.
    pub(super) fn trim(&self, now: UnixMs) {
        if let (Some(writer), Some((days, events))) = (&self.writer, self.keep) {
            let age = i64::from(days) * 86_400_000;
            writer.trim(Keep {
                since: UnixMs(now.0.saturating_sub(age)),
                events: events.into(),
            });
        }
    }

    /// What the store's thread says next; never, without a store.
    pub(super) async fn written(&mut self) -> Written {
        match self.written.recv().await {
            Some(written) => written,
            None => std::future::pending().await,
        }
    }

    /// Takes note of what became of batches. What the engine is to be told about them goes to
    /// `tell`.
    pub(super) fn on_written(
        &mut self,
        written: Written,
        board: &Board,
        now: UnixMs,
        mut tell: impl FnMut(Input<'static>),
    ) {
        match written {
            Written::Batches(batches, Ok(())) => {
                self.trouble.records = None;
                batches
                    .into_iter()
                    .for_each(|batch| tell(Input::Saved { batch }));
            }
            Written::Batches(batches, Err(error)) => {
                let input = |batch: BatchId| match self.is_lenient {
                    true => Input::Saved { batch },
                    false => Input::SaveFailed { batch },
                };
                batches.into_iter().map(input).for_each(&mut tell);
                self.trouble.records = Some(words(&error));
            }
            Written::EventsFailed(error) => self.trouble.events = Some(words(&error)),
            Written::Events => self.trouble.events = None,
        }
        self.publish(board, now);
    }

    /// The status changes when trouble begins, when it becomes another one, and when it ends; it is
    /// told when it begins, when more follows from it, and when it ends.
    fn publish(&mut self, board: &Board, now: UnixMs) {
        let Trouble { records, events } = &self.trouble;
        let trouble = records.as_ref().or(events.as_ref());
        let follows = trouble.map(|_| self.consequence());
        let is_known = match (self.told, follows) {
            (Some(told), Some(follows)) => told != HISTORY_WAITS || follows == HISTORY_WAITS,
            (told, follows) => told.is_some() == follows.is_some(),
        };
        if is_known && trouble.map(String::as_str) == self.status.trouble.as_deref() {
            return;
        }
        let was_failing = self.status.state == Keeping::Failing;
        self.status.trouble = trouble.map(|text| text.as_str().into());
        self.status.state = match trouble {
            Some(_) => Keeping::Failing,
            None => Keeping::Kept,
        };
        let is_failing = trouble.is_some();
        if is_failing != was_failing {
            self.status.since = now;
        }
        board.publish_state(self.status.clone());
        let text = match (trouble, follows) {
            _ if is_known => return,
            (Some(trouble), Some(follows)) => {
                let text = format!("{trouble}; {follows}");
                warn!("{text}");
                text
            }
            (None, _) | (_, None) => {
                info!("the state is written again");
                "the state is written again".to_owned()
            }
        };
        self.told = follows;
        self.note(history::own(EntryKind::Store, None, text, now), board);
    }

    fn consequence(&self) -> &'static str {
        match (&self.trouble.records, self.is_lenient) {
            (None, _) => HISTORY_WAITS,
            (Some(_), true) => "all goes on without, and it is tried again",
            (Some(_), false) => "it is tried again, and a REGISTER whose CSeq must be kept waits",
        }
    }

    /// Writes all that was handed over. Whether the next run finds it.
    pub(super) fn close(mut self) -> bool {
        let Some(writer) = self.writer.take() else {
            return false;
        };
        // The thread writes what waits before it ends.
        drop(writer);
        let mut is_good = self.trouble.records.is_none();
        while let Ok(word) = self.written.try_recv() {
            match word {
                Written::Batches(_, Ok(())) => is_good = true,
                Written::Batches(_, Err(error)) => {
                    warn!(
                        "{}: the next run begins with what was written before",
                        words(&error)
                    );
                    is_good = false;
                }
                Written::EventsFailed(error) => warn!("{}: events are lost", words(&error)),
                Written::Events => {}
            }
        }
        is_good
    }
}

impl Daemon {
    /// The store has done something, or could not.
    pub(super) fn on_written(&mut self, written: Written) {
        let now = self.clock.now();
        let unix_now = self.clock.unix(now);
        let letters = self.keeper.take_posted(&written);
        self.put_letters(letters);
        let (engine, effects) = (&mut self.engine, &mut self.effects);
        let tell = |input: Input<'static>| effects.tell(engine, now, input);
        self.keeper.on_written(written, &self.board, unix_now, tell);
    }

    /// Writes down what the next run needs. Whether it will find it.
    pub(super) fn close(mut self, stopped: Stopped) -> bool {
        let left = count(stopped.left.into(), "binding");
        self.end_round_trips();
        self.note(EntryKind::Stop, format!("{left} left at registrars"));
        // Whoever waits for an outcome is told before anybody waits for a disk.
        let Self {
            keeper,
            desk,
            wishes,
            reloads,
            post,
            ..
        } = self;
        drop((desk, wishes, reloads));
        // Letters under way are waited for, and what became of them is written.
        post.close(&keeper);
        keeper.close()
    }
}

/// The history as clients of the control socket read it: beside the writer, which is asked first to
/// write what it has.
struct Shelf {
    directory: PathBuf,
    flusher: Flusher,
    history: Mutex<Option<History>>,
}

impl Shelf {
    fn with<T>(&self, read: impl FnOnce(&History) -> Result<T, StoreError>) -> Result<T, String> {
        let mut place = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        let history = match place.take() {
            Some(history) => history,
            None => History::open(&self.directory).map_err(|error| words(&error))?,
        };
        let result = read(&history);
        if result.is_ok() {
            *place = Some(history);
        }
        result.map_err(|error| words(&error))
    }
}

impl Past for Shelf {
    fn first(&self, wanted: &Wanted) -> Result<Option<u64>, String> {
        // Where the disk takes nothing, what is there is still told.
        self.flusher.flush(PATIENCE);
        self.with(|history| history.first(wanted))
    }

    fn page(&self, wanted: &Wanted, from: u64) -> Result<Vec<Arc<Entry>>, String> {
        let page = self.with(|history| history.page(wanted, from))?;
        Ok(page.into_iter().map(Arc::new).collect())
    }
}

/// An error with its cause, and without the number that the system has for it.
fn words(error: &StoreError) -> String {
    let text = match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    };
    text.split(" (os error")
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// So long a reader waits for the writer.
const PATIENCE: Duration = Duration::from_secs(2);
