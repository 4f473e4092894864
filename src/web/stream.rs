//! Server-sent events: what changes, as it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::Response;
use serde::Serialize;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval, interval_at};

use super::access::{Proof, Right};
use super::body::{Gone, PIECE, Pieces, piecewise};
use super::groups::Marked;
use super::look::{Alerts, Overview};
use super::over;
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::routes::{Asked, Shared};
use crate::control::Change;
use crate::control::answer::unknown;
use crate::status::ProxySetStatus;
use crate::status::history::Entry;

/// What somebody wants to hear of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Topic {
    Summary,
    Accounts,
    ProxySets,
    Groups,
    Alerts,
    Events,
}

impl Topic {
    const WORDS: [(&'static str, Self); 6] = [
        ("summary", Self::Summary),
        ("accounts", Self::Accounts),
        ("proxy-sets", Self::ProxySets),
        ("groups", Self::Groups),
        ("alerts", Self::Alerts),
        ("events", Self::Events),
    ];

    fn of(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(known, _)| *known == word);
        found.map(|(_, topic)| *topic)
    }
}

/// `GET /api/v1/stream`.
pub(super) async fn open(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(&asked.query, &["topics", "name"])?;
    let words: Vec<&str> = Topic::WORDS.iter().map(|(word, _)| *word).collect();
    let wanted = format!("one of {}", words.join(", "));
    let mut topics: BTreeSet<Topic> = query
        .listed("topics", &wanted, Topic::of)?
        .into_iter()
        .collect();
    if topics.is_empty() {
        topics.extend(Topic::WORDS.iter().map(|(_, topic)| *topic));
    }
    let board = &asked.shared.world.board;
    let directory = board.directory();
    let mut slots = BTreeSet::new();
    let mut names = BTreeSet::new();
    for name in query.all("name") {
        let entry = directory.find(name);
        slots.insert(entry.ok_or_else(|| unknown(&directory, name))?.slot);
        names.insert(name.to_owned());
    }
    if names.len() > MOST_NAMES {
        let wanted = format!("given {MOST_NAMES} times at most");
        return Err(wrong("name", &names.len().to_string(), &wanted));
    }
    let streams = Arc::clone(&asked.shared.streams).try_acquire_owned();
    let Ok(place) = streams else {
        return Err(Refusal::too_many("there are too many streams"));
    };
    let (pieces, mut response) = piecewise("text/event-stream");
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Nginx keeps what comes until there is enough of it unless it is told so.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    let telling = Telling {
        changes: board.changes(),
        events: board.events(),
        shared: Arc::clone(&asked.shared),
        right: asked.right,
        proof: asked.proof,
        topics,
        names,
        pending: slots,
        gone: Vec::new(),
        changed_at: Some(Instant::now()),
        text: Vec::new(),
        overview: None,
        told: Instant::now(),
        sets: BTreeMap::new(),
        groups: BTreeMap::new(),
        alerted: None,
    };
    tokio::spawn(async move {
        // A reader that is gone misses nothing.
        drop(telling.live(&pieces).await);
        drop(place);
    });
    Ok(response)
}

/// A stream on its way.
struct Telling {
    shared: Arc<Shared>,
    right: Option<Right>,
    /// What the right rests on: it lasts no longer.
    proof: Option<Proof>,
    topics: BTreeSet<Topic>,
    /// The Accounts that are wanted; all if none.
    names: BTreeSet<String>,
    changes: Receiver<Change>,
    events: Receiver<Arc<Entry>>,
    /// Accounts that have changed since they were told, by slot.
    pending: BTreeSet<u32>,
    gone: Vec<Arc<str>>,
    /// When an Account or a member changed last, if the groups were not looked at since.
    changed_at: Option<Instant>,
    /// What is to be sent next.
    text: Vec<u8>,
    overview: Option<Overview>,
    /// When the overview and the alerts were told.
    told: Instant,
    sets: BTreeMap<Arc<str>, Arc<ProxySetStatus>>,
    /// The groups that were told, and how they were.
    groups: BTreeMap<Arc<str>, u64>,
    alerted: Option<u64>,
}

#[derive(Serialize)]
struct Missed {
    missed: u64,
}

#[derive(Serialize)]
struct Removed<'a> {
    account: &'a str,
}

#[derive(Serialize)]
struct Nothing {}

impl Telling {
    async fn live(mut self, pieces: &Pieces) -> Result<(), Gone> {
        let mut stopped = self.shared.stopped.clone();
        let mut turns = interval(TURN);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Whoever waits for the first word has it at once.
        self.say("ping", &Nothing {});
        let mut pings = interval_at(Instant::now() + PING, PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let wants_events = self.topics.contains(&Topic::Events);
        let mut both = [Topic::Accounts, Topic::Groups].into_iter();
        let wants_changes = both.any(|topic| self.topics.contains(&topic));
        loop {
            tokio::select! {
                change = self.changes.recv(), if wants_changes => self.on_change(change)?,
                event = self.events.recv(), if wants_events => self.on_event(event)?,
                _ = turns.tick() => self.turn(pieces).await?,
                _ = pings.tick() => self.say("ping", &Nothing {}),
                () = pieces.gone() => return Err(Gone),
                () = over(&mut stopped) => return Ok(()),
            }
            let is_urgent = wants_events && self.events.is_empty();
            if self.text.len() >= PIECE || is_urgent && !self.text.is_empty() {
                self.flush(pieces).await?;
            }
        }
    }

    fn on_change(&mut self, change: Result<Change, RecvError>) -> Result<(), Gone> {
        match change {
            Ok(Change { slot, gone }) => {
                self.changed_at = Some(Instant::now());
                self.pending.insert(slot);
                self.gone.extend(gone.filter(|name| self.wants(name)));
            }
            Err(RecvError::Lagged(missed)) => {
                self.changed_at = Some(Instant::now());
                self.say("missed", &Missed { missed });
            }
            Err(RecvError::Closed) => return Err(Gone),
        }
        Ok(())
    }

    fn on_event(&mut self, event: Result<Arc<Entry>, RecvError>) -> Result<(), Gone> {
        match event {
            Ok(entry) => {
                // What is about nobody is for everybody.
                if entry.account.as_deref().is_none_or(|name| self.wants(name)) {
                    self.say("event", &*entry);
                }
            }
            Err(RecvError::Lagged(missed)) => self.say("missed", &Missed { missed }),
            Err(RecvError::Closed) => return Err(Gone),
        }
        Ok(())
    }

    /// Tells what has changed since the last turn, each once.
    async fn turn(&mut self, pieces: &Pieces) -> Result<(), Gone> {
        if self.topics.contains(&Topic::Accounts) {
            for account in std::mem::take(&mut self.gone) {
                self.say("removed", &Removed { account: &account });
            }
            for slot in std::mem::take(&mut self.pending) {
                let status = self.shared.world.board.at(slot);
                let Some(status) = status.filter(|status| self.wants(&status.name)) else {
                    continue;
                };
                self.say("account", &*status);
                if self.text.len() >= PIECE {
                    self.flush(pieces).await?;
                }
            }
        }
        self.proxy_sets(pieces).await?;
        if !self.topics.contains(&Topic::Accounts) {
            self.pending.clear();
            self.gone.clear();
        }
        if self.told <= Instant::now() {
            self.told = Instant::now() + PAUSE;
            self.overview();
            self.groups(pieces).await?;
            self.alerts();
        }
        self.flush(pieces).await
    }

    fn overview(&mut self) {
        if !self.topics.contains(&Topic::Summary) {
            return;
        }
        let overview = Overview::of(&self.shared, self.right);
        let mut as_before = overview.clone();
        if let Some(told) = &self.overview {
            as_before.summary.at = told.summary.at;
        }
        if self.overview.as_ref() != Some(&as_before) {
            self.say("summary", &overview);
            self.overview = Some(overview);
        }
    }

    fn alerts(&mut self) {
        let alerted = self.shared.world.board.alerted();
        if self.topics.contains(&Topic::Alerts) && self.alerted != Some(alerted) {
            self.alerted = Some(alerted);
            self.say("alerts", &Alerts::first(&self.shared));
        }
    }

    async fn proxy_sets(&mut self, pieces: &Pieces) -> Result<(), Gone> {
        let all = self.shared.world.board.proxy_sets();
        let mut known = std::mem::take(&mut self.sets);
        for set in all {
            let before = known.remove(&set.name);
            if before.is_none_or(|before| !Arc::ptr_eq(&before, &set)) {
                self.changed_at = Some(Instant::now());
                if self.topics.contains(&Topic::ProxySets) {
                    self.say("proxy-set", &*set);
                }
            }
            self.sets.insert(Arc::clone(&set.name), set);
            if self.text.len() >= PIECE {
                self.flush(pieces).await?;
            }
        }
        Ok(())
    }

    /// Tells the groups that are otherwise than they were told. What is told to a slow reader is
    /// as it is by then.
    async fn groups(&mut self, pieces: &Pieces) -> Result<(), Gone> {
        let Some(changed_at) = self.changed_at else {
            return Ok(());
        };
        if !self.topics.contains(&Topic::Groups) {
            return Ok(());
        }
        let (found_at, mut groups) = self.shared.groups.lately(&self.shared.world.board);
        // What was found before the change is looked at again.
        if found_at > changed_at {
            self.changed_at = None;
        }
        let mut place = 0;
        loop {
            while let Some(Marked { group, mark }) = groups.get(place)
                && self.text.len() < PIECE
            {
                place += 1;
                if self.groups.insert(Arc::clone(&group.name), *mark) != Some(*mark) {
                    self.say("group", group);
                }
            }
            if place >= groups.len() {
                // Those that are gone are forgotten.
                if self.groups.len() > groups.len() {
                    let there: BTreeSet<&str> = groups.iter().map(|it| &*it.group.name).collect();
                    self.groups.retain(|name, _| there.contains(&**name));
                }
                return Ok(());
            }
            drop(groups);
            self.flush(pieces).await?;
            (_, groups) = self.shared.groups.lately(&self.shared.world.board);
        }
    }

    /// Whether the right that the stream was opened by is there and the same.
    fn may_still(&self) -> bool {
        let access = self.shared.access();
        let right = self.proof.and_then(|it| access.still(it, Instant::now()));
        right.is_some() && right == self.right
    }

    fn wants(&self, name: &str) -> bool {
        self.names.is_empty() || self.names.contains(name)
    }

    /// Adds an event to what is sent next.
    fn say(&mut self, event: &str, value: &impl Serialize) {
        self.text.extend_from_slice(b"event: ");
        self.text.extend_from_slice(event.as_bytes());
        self.text.extend_from_slice(b"\ndata: ");
        // JSON has no line ends of its own, and nothing here that it has no words for.
        drop(serde_json::to_writer(&mut self.text, value));
        self.text.extend_from_slice(b"\n\n");
    }

    /// Sends what there is. Whoever may not look any more hears the end.
    async fn flush(&mut self, pieces: &Pieces) -> Result<(), Gone> {
        if !self.may_still() {
            return Err(Gone);
        }
        match self.text.is_empty() {
            true => Ok(()),
            false => pieces.send(std::mem::take(&mut self.text)).await,
        }
    }
}

/// An Account is told no more often than this.
const TURN: Duration = Duration::from_millis(250);

/// The overview and the alerts are told no more often than this.
const PAUSE: Duration = Duration::from_millis(500);

/// Something is said so often, whatever happens.
const PING: Duration = Duration::from_secs(15);

/// So many Accounts can be named.
const MOST_NAMES: usize = 1_000;
