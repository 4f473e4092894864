//! Alerts that end at one registrar within a short time: they are told in one message (rule T3).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::entry::{Entry, Item, Stage, State};
use crate::effect::{NoticeAccount, NoticeKind};
use crate::time::{Duration, Instant};

/// What ends within this time of the first is in its message.
const WAIT: Duration = Duration::from_secs(10);

/// What a message is about.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    pub(super) subscription: Arc<str>,
    pub(super) registrar: SocketAddr,
    pub(super) kind: NoticeKind,
}

/// One Account in a message.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) server: Option<Arc<str>>,
    pub(super) told: NoticeAccount,
}

/// The messages that wait for more of their kind, and whom they may wait for.
#[derive(Default, Debug)]
pub(super) struct Bundles {
    waiting: BTreeMap<Key, Bundle>,
    /// The alerts that go on for a subscription at a registrar, by their time-outs.
    open: BTreeMap<(Arc<str>, SocketAddr), TimeOuts>,
}

/// When the alerts of Accounts time out.
type TimeOuts = BTreeSet<(Instant, Arc<str>)>;

#[derive(Debug)]
struct Bundle {
    /// It leaves at this instant, or when nobody can join it.
    due: Instant,
    lines: Vec<Line>,
}

impl Bundles {
    /// An alert was raised.
    pub(super) fn open(&mut self, entry: &Entry) {
        let State::Raised { started, items } = &entry.state else {
            return;
        };
        for item in items.iter().filter(|item| item.stage != Stage::Ended) {
            let key = (Arc::clone(&item.subscription), entry.loss.registrar);
            let until = started.after(item.limit);
            let open = self.open.entry(key).or_default();
            open.insert((until, Arc::clone(&entry.account)));
        }
    }

    /// An alert goes on no longer, as far as these go.
    pub(super) fn shut(&mut self, entry: &Entry, items: &[Item]) {
        let State::Raised { started, .. } = &entry.state else {
            return;
        };
        for item in items {
            let key = (Arc::clone(&item.subscription), entry.loss.registrar);
            let until = started.after(item.limit);
            if let Some(open) = self.open.get_mut(&key) {
                open.remove(&(until, Arc::clone(&entry.account)));
                if open.is_empty() {
                    self.open.remove(&key);
                }
            }
        }
    }

    pub(super) fn add(&mut self, key: Key, line: Line, now: Instant) {
        let bundle = self.waiting.entry(key).or_insert_with(|| Bundle {
            due: now + WAIT,
            lines: Vec::new(),
        });
        bundle.lines.push(line);
    }

    /// Whatever is to be told of such Accounts waits no longer.
    pub(super) fn hasten(&mut self, is_it: impl Fn(&str) -> bool) {
        for bundle in self.waiting.values_mut() {
            if bundle.lines.iter().any(|line| is_it(&line.told.account)) {
                bundle.due = Instant::ZERO;
            }
        }
    }

    /// The messages that leave now: their time has come, or nobody can join them.
    pub(super) fn ripe(&mut self, now: Instant) -> Vec<(Key, Vec<Line>)> {
        let Self { waiting, open } = self;
        let is_ripe = |key: &Key, bundle: &Bundle| {
            let place = (Arc::clone(&key.subscription), key.registrar);
            let others = open.get(&place);
            let is_alone = match key.kind {
                NoticeKind::Lost | NoticeKind::Resolved => others.is_none(),
                NoticeKind::TimedOut => others
                    .and_then(TimeOuts::first)
                    .is_none_or(|(until, _)| *until > bundle.due),
            };
            is_alone || bundle.due <= now
        };
        let ripe = waiting.extract_if(.., |key, bundle| is_ripe(key, bundle));
        ripe.map(|(key, bundle)| (key, bundle.lines)).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|bundle| bundle.due).min()
    }

    /// Messages to subscriptions that are gone are for nobody.
    pub(super) fn retain(&mut self, is_there: impl Fn(&str) -> bool) {
        self.waiting.retain(|key, _| is_there(&key.subscription));
    }
}
