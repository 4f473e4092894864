//! All that is kept: messages of Accounts and Proxy Sets in one ring, those of nobody in another.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::parties::{Name, Parties};
use super::ring::{Head, Kind, NOWHERE, Ring};
use super::{At, Reports};
use crate::effect::Whose;

/// What is kept, for all who write and read.
#[derive(Clone)]
pub struct Traces {
    kept: Arc<Mutex<Kept>>,
    memory: usize,
}

/// How much is kept.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct State {
    /// Messages and notes that are kept.
    pub kept: u64,
    /// When the oldest of an Account or a Proxy Set came.
    pub oldest: Option<At>,
    /// So many bytes may hold them; 0 if nothing is kept.
    pub memory: u64,
    /// What a capture server was told, if there is one.
    pub hep: Option<Reports>,
}

pub(super) struct Kept {
    pub(super) rings: [Ring; 2],
    pub(super) parties: Parties,
    number: u64,
    reports: Option<Reports>,
}

/// A record to be kept.
pub(super) struct Fresh<'a> {
    pub(super) at: i64,
    pub(super) kind: Kind,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) content: &'a [u8],
}

impl Traces {
    /// Keeps what so many bytes hold; 0 keeps nothing.
    pub fn new(memory: usize) -> Self {
        let others = memory / OTHERS;
        let kept = Kept {
            rings: [Ring::new(memory - others), Ring::new(others)],
            parties: Parties::default(),
            number: 0,
            reports: None,
        };
        Self {
            kept: Arc::new(Mutex::new(kept)),
            memory,
        }
    }

    /// Whether anything is ever kept.
    pub fn is_on(&self) -> bool {
        self.memory > 0
    }

    /// How much is kept.
    pub fn state(&self) -> State {
        let kept = self.lock();
        let [ours, _] = &kept.rings;
        let oldest = ours.next(0).and_then(|(place, _)| ours.at(place));
        State {
            kept: kept
                .rings
                .iter()
                .map(|ring| ring.written() - ring.gone())
                .sum(),
            oldest: oldest.map(|(head, _)| At(head.at)),
            memory: self.memory as u64,
            hep: kept.reports.clone(),
        }
    }

    /// A capture server was told so much.
    pub(super) fn set_reports(&self, reports: &Reports) {
        self.lock().reports = Some(reports.clone());
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Keeps a record of whoever the engine says it is of; `name` tells names that are not known
    /// yet.
    pub(super) fn push(
        &mut self,
        whose: Whose,
        name: impl FnOnce(Whose) -> Option<Arc<str>>,
        fresh: &Fresh<'_>,
    ) {
        let party = self.parties.of(whose, name);
        self.put(party, fresh);
    }

    /// Keeps a record of a Proxy Set by its name.
    pub(super) fn push_of_set(&mut self, name: Arc<str>, fresh: &Fresh<'_>) {
        let party = self.parties.named(Name::ProxySet(name));
        self.put(Some(party), fresh);
    }

    fn put(&mut self, party: Option<u32>, fresh: &Fresh<'_>) {
        let Self {
            rings: [ours, others],
            parties,
            number,
            ..
        } = self;
        *number += 1;
        let previous = party.map_or(NOWHERE, |party| parties.last(party));
        let head = Head {
            number: *number,
            previous,
            at: fresh.at,
            party: party.unwrap_or(u32::MAX),
            kind: fresh.kind,
            local: fresh.local,
            remote: fresh.remote,
        };
        let Some(party) = party else {
            others.push(&head, fresh.content, |_, _| {});
            return;
        };
        // Room may be made by what was its newest message; that must not end the party.
        parties.set_last(party, NOWHERE);
        let place = ours.push(&head, fresh.content, |place, gone| {
            parties.on_gone(gone, place);
        });
        parties.set_last(party, place.unwrap_or(previous));
    }
}

/// Of so many bytes one is for messages that belong to nobody.
const OTHERS: usize = 8;
