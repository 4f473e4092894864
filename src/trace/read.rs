//! Finding messages, and handing them out page by page.
//!
//! Places of messages are collected a bounded number at a time, and their bytes copied a page at a
//! time; between two such steps the daemon goes on writing. What is gone by the time that its turn
//! comes is counted as missed.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use super::entry::{At, Content, Entry, Kind, Transport};
use super::kept::{Kept, Traces};
use super::parties::Name;
use super::redact::redact;
use super::ring::{self, Head, NOWHERE, Ring};

/// Which messages somebody wants. All conditions must hold; an empty one always does.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Query {
    /// Of these Accounts, or of the Proxy Sets below.
    pub accounts: Vec<Arc<str>>,
    /// Of these Proxy Sets, or of the Accounts above.
    pub proxy_sets: Vec<Arc<str>>,
    /// To and from these; port 0 stands for any.
    pub remotes: Vec<SocketAddr>,
    /// Not before.
    pub since: Option<At>,
    /// Not after.
    pub until: Option<At>,
    /// Only the last so many.
    pub limit: Option<usize>,
}

/// How far somebody has read.
pub struct Reading {
    query: Query,
    /// What was found and not read yet.
    found: VecDeque<Found>,
    /// In each ring, up to where all is found, and how many records that were.
    ends: [(u64, u64); 2],
    /// Messages that were gone before they could be read.
    missed: u64,
}

/// The number of a record, its ring and its place.
type Found = (u64, usize, u64);

impl Reading {
    /// How many messages were missed since the last call.
    pub fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }
}

impl Query {
    fn names(&self) -> impl Iterator<Item = Name> + '_ {
        let accounts = self.accounts.iter().cloned().map(Name::Account);
        accounts.chain(self.proxy_sets.iter().cloned().map(Name::ProxySet))
    }

    fn is_of_somebody(&self) -> bool {
        !self.accounts.is_empty() || !self.proxy_sets.is_empty()
    }

    fn has_party(&self, name: Option<&Name>) -> bool {
        match name {
            Some(Name::Account(name)) => self.accounts.contains(name),
            Some(Name::ProxySet(name)) => self.proxy_sets.contains(name),
            None => false,
        }
    }

    fn has(&self, head: &Head) -> bool {
        let is_remote = |it: &SocketAddr| {
            it.ip() == head.remote.ip() && (it.port() == 0 || it.port() == head.remote.port())
        };
        self.since.is_none_or(|since| head.at >= since.0)
            && self.until.is_none_or(|until| head.at <= until.0)
            && (self.remotes.is_empty() || self.remotes.iter().any(is_remote))
    }
}

impl Traces {
    /// Whether anything of this Account is kept.
    pub fn has_account(&self, name: &str) -> bool {
        self.lock()
            .parties
            .find(&Name::Account(name.into()))
            .is_some()
    }

    /// Whether anything of this Proxy Set is kept.
    pub fn has_proxy_set(&self, name: &str) -> bool {
        self.lock()
            .parties
            .find(&Name::ProxySet(name.into()))
            .is_some()
    }

    /// Finds what is kept; read it with [`Traces::page`].
    pub fn find(&self, query: Query) -> Reading {
        let ends = {
            let kept = self.lock();
            [0, 1].map(|ring| (kept.rings[ring].head(), kept.rings[ring].written()))
        };
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut found = Vec::new();
        if query.is_of_somebody() {
            for name in query.names() {
                self.follow_back(&name, &query, ends[OURS].0, &mut found);
            }
        } else {
            for (ring, end) in ends.iter().enumerate() {
                self.walk(&query, (ring, 0, end.0), &mut found);
            }
        }
        found.sort_unstable();
        found.dedup();
        found.drain(..found.len().saturating_sub(limit));
        Reading {
            query,
            found: found.into(),
            ends,
            missed: 0,
        }
    }

    /// Begins at what comes from now on.
    pub fn from_now(&self) -> Reading {
        let mut reading = self.find(Query {
            limit: Some(0),
            ..Query::default()
        });
        reading.query.limit = None;
        reading
    }

    /// Finds what has come since: whether there is anything to read.
    pub fn look(&self, reading: &mut Reading) -> bool {
        let rings = if reading.query.is_of_somebody() { 1 } else { 2 };
        let mut steps = [None; 2];
        {
            let kept = self.lock();
            for (ring, step) in steps.iter_mut().enumerate().take(rings) {
                let (head, written) = (kept.rings[ring].head(), kept.rings[ring].written());
                let (place, seen) = reading.ends[ring];
                if head != place {
                    reading.missed += kept.rings[ring].gone().saturating_sub(seen);
                    *step = Some((ring, place, head));
                    reading.ends[ring] = (head, written);
                }
            }
        }
        let mut news = Vec::new();
        let query = Query {
            limit: None,
            ..reading.query.clone()
        };
        for step in steps.into_iter().flatten() {
            self.walk(&query, step, &mut news);
        }
        news.sort_unstable();
        reading.found.extend(news);
        !reading.found.is_empty()
    }

    /// The next messages, at least one if any is left.
    pub fn page(&self, reading: &mut Reading) -> Vec<Entry> {
        let mut page = Vec::new();
        while page.is_empty() && !reading.found.is_empty() {
            let kept = self.lock();
            let mut bytes = 0;
            while let Some((_, ring, place)) = reading.found.pop_front() {
                let Some((head, content)) = kept.rings[ring].at(place) else {
                    reading.missed += 1;
                    continue;
                };
                bytes += ring::HEAD + content.len();
                let name = kept.parties.name(head.party).cloned();
                page.push((head, name, content.to_vec()));
                if bytes >= PAGE {
                    break;
                }
            }
        }
        page.into_iter().map(entry).collect()
    }

    /// Finds what a party has, from its newest back to its oldest.
    fn follow_back(&self, name: &Name, query: &Query, end: u64, found: &mut Vec<Found>) {
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut next = None;
        let mut count = 0;
        while next != Some(NOWHERE) && count < limit {
            let kept = self.lock();
            let mut place = match (next, kept.parties.find(name)) {
                (Some(place), _) => place,
                (None, Some(party)) => kept.parties.last(party),
                (None, None) => NOWHERE,
            };
            for _ in 0..STEPS {
                let Some((head, _)) = kept.rings[OURS].at(place) else {
                    place = NOWHERE;
                    break;
                };
                if query.has(&head) && count < limit && place < end {
                    found.push((head.number, OURS, place));
                    count += 1;
                }
                place = head.previous;
            }
            next = Some(place);
        }
    }

    /// Finds what lies between two places of a ring.
    fn walk(&self, query: &Query, (ring, start, end): (usize, u64, u64), found: &mut Vec<Found>) {
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut next = start;
        while next < end && limit > 0 {
            let kept = self.lock();
            for _ in 0..STEPS {
                let Some((place, behind)) = kept.rings[ring].next(next) else {
                    return;
                };
                next = behind;
                if place >= end {
                    return;
                }
                if kept.has(query, ring, place) {
                    found.push((number(&kept.rings[ring], place), ring, place));
                }
            }
            drop(kept);
            found.drain(..found.len().saturating_sub(limit.max(KEEP)));
        }
    }
}

impl Kept {
    fn has(&self, query: &Query, ring: usize, place: u64) -> bool {
        let Some((head, _)) = self.rings[ring].at(place) else {
            return false;
        };
        let is_party = !query.is_of_somebody() || query.has_party(self.parties.name(head.party));
        is_party && query.has(&head)
    }
}

fn number(ring: &Ring, place: u64) -> u64 {
    ring.at(place).map_or(0, |(head, _)| head.number)
}

/// A record as it is shown.
fn entry((head, name, mut bytes): (Head, Option<Name>, Vec<u8>)) -> Entry {
    let (account, proxy_set) = match name {
        Some(Name::Account(name)) => (Some(name), None),
        Some(Name::ProxySet(name)) => (None, Some(name)),
        None => (None, None),
    };
    let kind = match head.kind {
        ring::Kind::Received => Kind::Received,
        ring::Kind::Sent => Kind::Sent,
        ring::Kind::Note => Kind::Note,
    };
    let is_message = kind != Kind::Note;
    if is_message {
        redact(&mut bytes);
    }
    Entry {
        number: head.number,
        at: At(head.at),
        kind,
        account,
        proxy_set,
        transport: is_message.then_some(Transport::Udp),
        local: is_message.then_some(head.local),
        remote: is_message.then_some(head.remote),
        content: Content::new(bytes),
    }
}

/// The ring of what belongs to somebody.
const OURS: usize = 0;

/// Records that are looked at before the daemon may write again.
const STEPS: usize = 1_024;

/// Bytes that are copied before it may.
const PAGE: usize = 64 << 10;

/// Found places are only thinned out when there are more than this.
const KEEP: usize = 4_096;
