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
        !self.parties(&Name::Account(name.into())).is_empty()
    }

    /// Whether anything of this Proxy Set is kept.
    pub fn has_proxy_set(&self, name: &str) -> bool {
        !self.parties(&Name::ProxySet(name.into())).is_empty()
    }

    /// Where the newest message is of each who has this name.
    fn parties(&self, name: &Name) -> Vec<u64> {
        let mut found = Vec::new();
        let mut next = 0;
        loop {
            let kept = self.lock();
            let parties = &kept.parties;
            if next >= parties.len() {
                return found;
            }
            let among = next..parties.len().min(next + PARTIES);
            next = among.end;
            found.extend(parties.find(name, among).map(|number| parties.last(number)));
        }
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
                for last in self.parties(&name) {
                    self.follow_back(last, &query, ends[OURS].0, &mut found);
                }
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
    fn follow_back(&self, last: u64, query: &Query, end: u64, found: &mut Vec<Found>) {
        let limit = query.limit.unwrap_or(usize::MAX);
        let mut place = last;
        let mut count = 0;
        while place != NOWHERE && count < limit {
            let kept = self.lock();
            for _ in 0..STEPS {
                let Some((head, _)) = kept.rings[OURS].at(place) else {
                    return;
                };
                if query.has(&head) && count < limit && place < end {
                    found.push((head.number, OURS, place));
                    count += 1;
                }
                place = head.previous;
            }
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

/// Parties that are looked at before it may.
const PARTIES: u32 = 8_192;

/// Bytes that are copied before it may.
const PAGE: usize = 64 << 10;

/// Found places are only thinned out when there are more than this.
const KEEP: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{AccountId, Whose};
    use crate::trace::kept::Fresh;

    fn traces(memory: usize) -> Traces {
        Traces::new(memory)
    }

    /// Keeps a message of the Account in this slot, or of nobody.
    fn put(traces: &Traces, at: i64, slot: Option<u32>, text: &str) {
        let whose = slot.map_or(Whose::Nobody, |slot| {
            Whose::Account(AccountId {
                slot,
                generation: 0,
            })
        });
        let fresh = Fresh {
            at,
            kind: ring::Kind::Received,
            local: "127.0.0.1:5070".parse().unwrap(),
            remote: format!("192.0.2.{}:5060", slot.map_or(99, |slot| slot % 90))
                .parse()
                .unwrap(),
            content: text.as_bytes(),
        };
        let name = |_| Some(format!("a{}", slot.unwrap_or_default()).into());
        traces.lock().push(whose, name, &fresh);
    }

    fn all(traces: &Traces, query: Query) -> Vec<String> {
        let mut reading = traces.find(query);
        read(traces, &mut reading)
    }

    fn read(traces: &Traces, reading: &mut Reading) -> Vec<String> {
        let mut texts = Vec::new();
        loop {
            let page = traces.page(reading);
            if page.is_empty() {
                return texts;
            }
            let text = |entry: Entry| String::from_utf8(entry.content.bytes().to_vec()).unwrap();
            texts.extend(page.into_iter().map(text));
        }
    }

    fn of(names: &[&str]) -> Query {
        Query {
            accounts: names.iter().map(|name| (*name).into()).collect(),
            ..Query::default()
        }
    }

    #[test]
    fn messages_are_found_by_account_time_address_and_number() {
        let traces = traces(1 << 20);
        for at in 0..6 {
            put(&traces, at, Some(at as u32 % 3), &format!("m{at}"));
        }
        put(&traces, 6, None, "stray");
        assert_eq!(all(&traces, of(&["a1"])), ["m1", "m4"]);
        assert_eq!(
            all(&traces, of(&["a2", "a0", "a2"])),
            ["m0", "m2", "m3", "m5"]
        );
        assert!(all(&traces, of(&["nobody"])).is_empty());
        let everything = all(&traces, Query::default());
        assert_eq!(everything, ["m0", "m1", "m2", "m3", "m4", "m5", "stray"]);
        let limited = |limit, query| Query {
            limit: Some(limit),
            ..query
        };
        assert_eq!(all(&traces, limited(2, Query::default())), ["m5", "stray"]);
        assert_eq!(all(&traces, limited(1, of(&["a0", "a1"]))), ["m4"]);
        assert!(all(&traces, limited(0, Query::default())).is_empty());
        let between = Query {
            since: Some(At(2)),
            until: Some(At(4)),
            ..Query::default()
        };
        assert_eq!(all(&traces, between), ["m2", "m3", "m4"]);
        for (remote, wanted) in [
            ("192.0.2.1:0", 2),
            ("192.0.2.1:5060", 2),
            ("192.0.2.1:1", 0),
        ] {
            let query = Query {
                remotes: vec![remote.parse().unwrap()],
                ..Query::default()
            };
            assert_eq!(all(&traces, query).len(), wanted, "{remote}");
        }
    }

    #[test]
    fn many_accounts_fill_the_memory_and_no_more() {
        let traces = traces(1 << 20);
        let text = "x".repeat(500);
        for round in 0..3 {
            for slot in 0..10_000 {
                put(&traces, round, Some(slot), &text);
            }
        }
        let state = traces.state();
        assert!((1_000..2_000).contains(&state.kept), "{state:?}");
        assert_eq!(all(&traces, of(&["a9999"])).len(), 1);
        assert!(all(&traces, of(&["a1"])).is_empty());
        assert!(traces.has_account("a9999") && !traces.has_account("a1"));
        // One Account alone has all of it, over and over.
        for at in 0..10_000 {
            put(&traces, at, Some(1), &format!("{at} {text}"));
        }
        let kept = all(&traces, of(&["a1"]));
        assert!(kept.len() > 1_000 && kept.last().unwrap().starts_with("9999 "));
        assert!(!traces.has_account("a9999"));
    }

    #[test]
    fn what_strangers_send_pushes_nothing_out() {
        let traces = traces(1 << 20);
        put(&traces, 0, Some(1), "ours");
        for at in 0..50_000 {
            put(&traces, at, None, "flood flood flood flood flood");
        }
        assert_eq!(all(&traces, of(&["a1"])), ["ours"]);
        assert_eq!(all(&traces, Query::default())[0], "ours");
    }

    #[test]
    fn who_follows_gets_each_message_once_and_is_told_what_went_by() {
        let traces = traces(1 << 20);
        put(&traces, 0, Some(1), "old");
        let mut reading = traces.find(of(&["a1"]));
        assert_eq!(read(&traces, &mut reading), ["old"]);
        assert!(!traces.look(&mut reading));
        put(&traces, 1, Some(2), "other");
        assert!(!traces.look(&mut reading));
        put(&traces, 2, Some(1), "new");
        put(&traces, 2, Some(1), "newer");
        assert!(traces.look(&mut reading));
        put(&traces, 3, Some(1), "newest");
        assert_eq!(read(&traces, &mut reading), ["new", "newer"]);
        assert!(traces.look(&mut reading));
        assert_eq!(read(&traces, &mut reading), ["newest"]);
        assert_eq!(reading.missed(), 0);
        let text = "x".repeat(1_000);
        for _ in 0..5_000 {
            put(&traces, 4, Some(1), &text);
        }
        assert!(traces.look(&mut reading));
        let read = read(&traces, &mut reading).len() as u64;
        assert_eq!(read + reading.missed(), 5_000);
        assert!(read > 500 && reading.missed() == 0);
    }

    #[test]
    fn what_goes_while_it_is_being_read_is_counted() {
        let traces = traces(1 << 20);
        let text = "x".repeat(1_000);
        for at in 0..500 {
            put(&traces, at, Some(1), &text);
        }
        let mut reading = traces.find(of(&["a1"]));
        let first = traces.page(&mut reading).len();
        assert!(first > 10 && first < 100, "one page: {first}");
        for at in 0..2_000 {
            put(&traces, at, Some(2), &text);
        }
        assert_eq!(read(&traces, &mut reading).len(), 0);
        assert_eq!(reading.missed(), 500 - first as u64);
    }

    #[test]
    fn nothing_is_kept_without_memory() {
        let traces = traces(0);
        put(&traces, 0, Some(1), "x");
        assert!(all(&traces, Query::default()).is_empty());
        assert!(!traces.is_on());
    }
}
