//! Alerts that end at one registrar within a short time: they are told in one message (rule T3).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::entry::Entry;
use super::subscriptions::SubscriptionId;
use crate::effect::{NoticeAccount, NoticeKind};
use crate::time::{Duration, Instant};

/// What ends within this time of the first is in its message.
const WAIT: Duration = Duration::from_secs(10);

/// What a message is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Key {
    pub(super) subscription: SubscriptionId,
    pub(super) registrar: SocketAddr,
    pub(super) kind: NoticeKind,
}

/// One Account in a message.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) server: Option<Arc<str>>,
    pub(super) told: Arc<NoticeAccount>,
}

/// The messages that wait for more of their kind, and whom they may wait for.
#[derive(Default, Debug)]
pub(super) struct Bundles {
    waiting: BTreeMap<Key, Bundle>,
    /// When each of them leaves at the latest.
    due: BTreeSet<(Instant, Key)>,
    /// Those that perhaps nobody can join any more.
    doubtful: BTreeSet<Key>,
    /// The alerts that go on for a subscription at a registrar.
    open: BTreeMap<(SubscriptionId, SocketAddr), TimeOuts>,
}

/// How many alerts time out when.
type TimeOuts = BTreeMap<Instant, u32>;

#[derive(Debug)]
struct Bundle {
    /// It leaves at this instant, or when nobody can join it.
    due: Instant,
    lines: Vec<Line>,
}

impl Bundles {
    /// An alert was raised.
    pub(super) fn open(&mut self, entry: &Entry) {
        for item in entry.items().iter().filter(|item| item.is_open()) {
            let place = (item.subscription, entry.loss.registrar);
            let open = self.open.entry(place).or_default();
            *open.entry(entry.until(item)).or_default() += 1;
        }
    }

    /// An alert goes on no longer for a subscription, for which it would have timed out then.
    pub(super) fn shut(
        &mut self,
        subscription: SubscriptionId,
        registrar: SocketAddr,
        until: Instant,
    ) {
        let place = (subscription, registrar);
        let Some(open) = self.open.get_mut(&place) else {
            return;
        };
        let Some(count) = open.get_mut(&until) else {
            return;
        };
        *count -= 1;
        if *count > 0 {
            return;
        }
        open.remove(&until);
        if open.is_empty() {
            self.open.remove(&place);
        }
        for kind in [NoticeKind::Resolved, NoticeKind::TimedOut] {
            self.doubt(Key {
                subscription,
                registrar,
                kind,
            });
        }
    }

    /// All alerts of an Account go on no longer.
    pub(super) fn shut_all(&mut self, entry: &Entry) {
        for item in entry.items().iter().filter(|item| item.is_open()) {
            self.shut(item.subscription, entry.loss.registrar, entry.until(item));
        }
    }

    fn doubt(&mut self, key: Key) {
        if self.waiting.contains_key(&key) {
            self.doubtful.insert(key);
        }
    }

    pub(super) fn add(&mut self, key: Key, line: Line, now: Instant) {
        let bundle = self.waiting.entry(key).or_insert_with(|| {
            let due = now + WAIT;
            self.due.insert((due, key));
            self.doubtful.insert(key);
            Bundle {
                due,
                lines: Vec::new(),
            }
        });
        bundle.lines.push(line);
    }

    /// What is about this waits no longer.
    pub(super) fn hasten(&mut self, key: Key) {
        if let Some(bundle) = self.waiting.get_mut(&key) {
            self.due.remove(&(bundle.due, key));
            bundle.due = Instant::ZERO;
            self.due.insert((bundle.due, key));
        }
    }

    /// Nothing waits any longer.
    pub(super) fn hasten_all(&mut self) {
        let keys: Vec<Key> = self.waiting.keys().copied().collect();
        keys.into_iter().for_each(|key| self.hasten(key));
    }

    /// The messages that leave now: their time has come, or nobody can join them.
    pub(super) fn ripe(&mut self, now: Instant) -> Vec<(Key, Vec<Line>)> {
        let mut ripe = std::mem::take(&mut self.doubtful);
        ripe.retain(|key| self.is_alone(*key));
        let due = self.due.iter().take_while(|(due, _)| *due <= now);
        ripe.extend(due.map(|(_, key)| *key));
        let taken = ripe.into_iter().filter_map(|key| {
            let bundle = self.waiting.remove(&key)?;
            self.due.remove(&(bundle.due, key));
            Some((key, bundle.lines))
        });
        taken.collect()
    }

    /// Whether nobody can join a message any more before it leaves.
    fn is_alone(&self, key: Key) -> bool {
        let open = self.open.get(&(key.subscription, key.registrar));
        match key.kind {
            NoticeKind::Lost | NoticeKind::Resolved => open.is_none(),
            NoticeKind::TimedOut => {
                let first = open.and_then(TimeOuts::first_key_value);
                let bundle = self.waiting.get(&key);
                first.is_none_or(|(until, _)| bundle.is_some_and(|it| *until > it.due))
            }
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.first().map(|(due, _)| *due)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The subscriptions have other ids. Messages to those that are gone are for nobody.
    pub(super) fn renumber(&mut self, id: impl Fn(SubscriptionId) -> Option<SubscriptionId>) {
        let key = |key: Key| {
            Some(Key {
                subscription: id(key.subscription)?,
                ..key
            })
        };
        let waiting = std::mem::take(&mut self.waiting).into_iter();
        self.waiting = waiting
            .filter_map(|(it, bundle)| Some((key(it)?, bundle)))
            .collect();
        let due = std::mem::take(&mut self.due).into_iter();
        self.due = due.filter_map(|(due, it)| Some((due, key(it)?))).collect();
        let doubtful = std::mem::take(&mut self.doubtful).into_iter();
        self.doubtful = doubtful.filter_map(key).collect();
        let open = std::mem::take(&mut self.open).into_iter();
        let open = open.filter_map(|((it, at), outs)| Some(((id(it)?, at), outs)));
        self.open = open.collect();
    }
}

#[cfg(test)]
impl Bundles {
    /// What is open is that; what waits is about entries that wait for it, and is due as it says.
    #[track_caller]
    pub(super) fn hold(
        &self,
        open: &BTreeMap<((SubscriptionId, SocketAddr), Instant), u32>,
        entries: &[&Entry],
    ) {
        let own = self.open.iter().flat_map(|(place, outs)| {
            let outs = outs.iter();
            outs.map(|(until, count)| ((*place, *until), *count))
        });
        assert_eq!(&own.collect::<BTreeMap<_, _>>(), open);
        let due = self.waiting.iter().map(|(key, it)| (it.due, *key));
        assert_eq!(due.collect::<BTreeSet<_>>(), self.due);
        for entry in entries {
            for item in entry.items() {
                let super::entry::Stage::Ended(kind) = item.stage else {
                    continue;
                };
                let key = Key {
                    subscription: item.subscription,
                    registrar: entry.loss.registrar,
                    kind,
                };
                let mut lines = self.waiting.get(&key).into_iter().flat_map(|it| &it.lines);
                assert!(lines.any(|line| line.told.account == entry.account));
            }
        }
    }
}
