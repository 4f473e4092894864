//! The published status: written by the daemon when something changes, read by everybody else.

use std::collections::BTreeMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use dashmap::DashMap;
use tokio::sync::broadcast;

use super::gate::Gate;
use super::gauges::Gauges;
use super::past::Past;
use crate::status::groups::{GroupSeat, group};
use crate::status::history::Entry as Event;
use crate::status::words::PHASES;
use crate::status::{
    AccountStatus, AlertStatus, DeliveryStatus, GroupRole, GroupStatus, Phase, ProxySetStatus,
    StateStatus, SubscriptionStatus, UnixMs,
};
use crate::trace::Traces;

/// The status of every Account as of its last change. Readers and the writer never wait for each
/// other longer than it takes to copy a pointer.
pub struct Board {
    directory: RwLock<Arc<Directory>>,
    accounts: DashMap<u32, Arc<AccountStatus>, BuildHasherDefault<Spread>>,
    proxy_sets: RwLock<BTreeMap<u32, Arc<ProxySetStatus>>>,
    groups: RwLock<Arc<[GroupSeat]>>,
    /// How many Accounts of each group are in which phase: as served group, as serving group.
    counts: RwLock<BTreeMap<Arc<str>, [Counts; 2]>>,
    alerts: RwLock<BTreeMap<Arc<str>, Arc<[AlertStatus]>>>,
    /// By when they were given, and by their ids.
    deliveries: RwLock<BTreeMap<(i64, Arc<str>), DeliveryStatus>>,
    /// How many alerts go on, and how many notices are not delivered yet.
    alert_counts: [AtomicUsize; 2],
    subscriptions: RwLock<Vec<SubscriptionStatus>>,
    phases: [AtomicU32; PHASES.len()],
    changes: broadcast::Sender<Change>,
    state: RwLock<Option<StateStatus>>,
    past: RwLock<Option<Arc<dyn Past>>>,
    gate: RwLock<Option<Arc<dyn Gate>>>,
    alerted: AtomicU64,
    events: broadcast::Sender<Arc<Event>>,
    traces: Traces,
    gauges: Gauges,
}

impl Board {
    /// An empty board with room for so many Accounts, beside the messages that are kept.
    pub fn new(accounts: usize, traces: Traces) -> Self {
        Self {
            accounts: DashMap::with_capacity_and_hasher(accounts, BuildHasherDefault::default()),
            directory: RwLock::default(),
            proxy_sets: RwLock::default(),
            groups: RwLock::new(Arc::from([])),
            counts: RwLock::default(),
            alerts: RwLock::default(),
            deliveries: RwLock::default(),
            alert_counts: Default::default(),
            subscriptions: RwLock::default(),
            phases: Default::default(),
            changes: broadcast::Sender::new(CHANGES),
            state: RwLock::default(),
            past: RwLock::default(),
            gate: RwLock::default(),
            alerted: AtomicU64::new(0),
            events: broadcast::Sender::new(CHANGES),
            traces,
            gauges: Gauges::default(),
        }
    }

    /// Says which Accounts there are.
    pub fn list(&self, directory: Directory) {
        let mut place = self
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Arc::new(directory);
    }

    /// Puts up the status of the Account in this slot, or takes it down. What it was before comes
    /// back.
    pub fn publish(
        &self,
        slot: u32,
        status: Option<Arc<AccountStatus>>,
    ) -> Option<Arc<AccountStatus>> {
        let new = status.clone();
        let old = match status {
            Some(status) => self.accounts.insert(slot, status),
            None => self.accounts.remove(&slot).map(|(_, old)| old),
        };
        let (before, after) = (old.as_deref(), new.as_deref());
        self.gauges.on_published(before, after);
        self.recount(before, after);
        let [was, is] = [before, after].map(|status| status.map(|status| status.phase));
        if was != is {
            if let Some(phase) = was {
                self.phases[place(phase)].fetch_sub(1, Ordering::Relaxed);
            }
            if let Some(phase) = is {
                self.phases[place(phase)].fetch_add(1, Ordering::Relaxed);
            }
        }
        let name = after.map(|status| &status.name);
        let gone = before.map(|status| &status.name);
        let gone = gone.filter(|gone| Some(*gone) != name).cloned();
        // It fails only when nobody listens.
        drop(self.changes.send(Change { slot, gone }));
        old
    }

    /// Puts up the status of the Proxy Set of this number, or takes it down.
    pub fn publish_proxy_set(&self, number: u32, status: Option<ProxySetStatus>) {
        let sets = self.proxy_sets.write();
        let mut sets = sets.unwrap_or_else(PoisonError::into_inner);
        match status {
            Some(status) => sets.insert(number, Arc::new(status)),
            None => sets.remove(&number),
        };
    }

    /// The status of every Proxy Set.
    pub fn proxy_sets(&self) -> Vec<Arc<ProxySetStatus>> {
        let sets = self.proxy_sets.read();
        let sets = sets.unwrap_or_else(PoisonError::into_inner);
        sets.values().cloned().collect()
    }

    /// Counts an Account in its groups, in place of what it was.
    fn recount(&self, old: Option<&AccountStatus>, new: Option<&AccountStatus>) {
        let [old, new] = [old, new].map(|it| it.map(|it| (it.phase, &it.served, &it.serving)));
        if old == new {
            return;
        }
        let counts = self.counts.write();
        let mut counts = counts.unwrap_or_else(PoisonError::into_inner);
        for (change, seat) in [(-1, old), (1, new)] {
            let Some((phase, served, serving)) = seat else {
                continue;
            };
            for (role, group) in [served, serving].into_iter().enumerate() {
                let of_role = match counts.get_mut(group) {
                    Some(of_role) => of_role,
                    None => counts.entry(Arc::clone(group)).or_default(),
                };
                let number = &mut of_role[role][place(phase)];
                *number = number.saturating_add_signed(change);
                if of_role.iter().flatten().all(|number| *number == 0) {
                    counts.remove(group);
                }
            }
        }
    }

    /// Says which IP Groups there are, by name.
    pub fn list_groups(&self, seats: Vec<GroupSeat>) {
        let groups = self.groups.write();
        *groups.unwrap_or_else(PoisonError::into_inner) = seats.into();
    }

    fn seats(&self) -> Arc<[GroupSeat]> {
        let groups = self.groups.read();
        Arc::clone(&groups.unwrap_or_else(PoisonError::into_inner))
    }

    /// How many IP Groups there are.
    pub fn count_groups(&self) -> usize {
        self.seats().len()
    }

    /// Whether an Account names this IP Group.
    pub fn has_group(&self, name: &str) -> bool {
        let seats = self.seats();
        seats
            .binary_search_by(|seat| (*seat.name).cmp(name))
            .is_ok()
    }

    /// The names of all IP Groups.
    pub fn group_names(&self) -> Vec<Arc<str>> {
        let seats = self.seats();
        seats.iter().map(|seat| Arc::clone(&seat.name)).collect()
    }

    /// The status of every IP Group that an Account names, by name.
    pub fn groups(&self) -> Vec<GroupStatus> {
        let sets = self.proxy_sets();
        let sets: BTreeMap<&str, &ProxySetStatus> =
            sets.iter().map(|set| (&*set.name, &**set)).collect();
        let seats = self.seats();
        // Whoever publishes an Account counts it, and does not wait until all groups are made.
        let counts = self.counts.read();
        let counts = counts.unwrap_or_else(PoisonError::into_inner);
        let count = |seat: &GroupSeat| {
            let role = usize::from(seat.role == GroupRole::Serving);
            counts.get(&seat.name).map(|it| it[role])
        };
        let counted: Vec<Option<Counts>> = seats.iter().map(count).collect();
        drop(counts);
        let status = |(seat, counts): (&GroupSeat, Option<Counts>)| {
            let phases = PHASES.into_iter().zip(counts.unwrap_or_default());
            let set = seat.proxy_set.as_deref();
            group(seat, phases, set.and_then(|set| sets.get(set).copied()))
        };
        seats.iter().zip(counted).map(status).collect()
    }

    /// Puts up the ongoing alerts of the Account of this name.
    pub fn publish_alerts(&self, account: Arc<str>, ongoing: Vec<AlertStatus>) {
        let alerts = self.alerts.write();
        let mut alerts = alerts.unwrap_or_else(PoisonError::into_inner);
        let [count, _] = &self.alert_counts;
        count.fetch_add(ongoing.len(), Ordering::Relaxed);
        let old = match ongoing.is_empty() {
            true => alerts.remove(&account),
            false => alerts.insert(account, ongoing.into()),
        };
        count.fetch_sub(old.map_or(0, |old| old.len()), Ordering::Relaxed);
        self.alerted.fetch_add(1, Ordering::Release);
    }

    /// Every ongoing alert, by Account.
    pub fn alerts(&self) -> Vec<AlertStatus> {
        // There may be very many, and whoever puts one up does not wait until all are copied.
        let alerts = self.alerts.read();
        let alerts = alerts.unwrap_or_else(PoisonError::into_inner);
        let all: Vec<Arc<[AlertStatus]>> = alerts.values().cloned().collect();
        drop(alerts);
        all.iter()
            .flat_map(|of_one| of_one.iter().cloned())
            .collect()
    }

    /// So many ongoing alerts at most, by Account, without the first ones.
    pub fn some_alerts(&self, offset: usize, most: usize) -> Vec<AlertStatus> {
        let alerts = self.alerts.read();
        let alerts = alerts.unwrap_or_else(PoisonError::into_inner);
        let all = alerts.values().flat_map(|of_one| of_one.iter());
        all.skip(offset).take(most).cloned().collect()
    }

    /// Puts up who is told of alerts.
    pub fn publish_subscriptions(&self, subscriptions: Vec<SubscriptionStatus>) {
        let place = self.subscriptions.write();
        *place.unwrap_or_else(PoisonError::into_inner) = subscriptions;
    }

    /// Who is told of alerts, in the order of the configuration.
    pub fn subscriptions(&self) -> Vec<SubscriptionStatus> {
        let subscriptions = self.subscriptions.read();
        let subscriptions = subscriptions.unwrap_or_else(PoisonError::into_inner);
        subscriptions.clone()
    }

    /// Puts up a notice that was given then and is not delivered yet, or takes it down.
    pub fn publish_delivery(&self, given: UnixMs, id: &Arc<str>, status: Option<DeliveryStatus>) {
        let deliveries = self.deliveries.write();
        let mut deliveries = deliveries.unwrap_or_else(PoisonError::into_inner);
        let key = (given.0, Arc::clone(id));
        match status {
            Some(status) => deliveries.insert(key, status),
            None => deliveries.remove(&key),
        };
        let [_, count] = &self.alert_counts;
        count.store(deliveries.len(), Ordering::Relaxed);
        self.alerted.fetch_add(1, Ordering::Release);
    }

    /// Every notice that is not delivered yet, the oldest first.
    pub fn deliveries(&self) -> Vec<DeliveryStatus> {
        self.some_deliveries(0, usize::MAX)
    }

    /// So many notices that are not delivered yet at most, the oldest first, without the first
    /// ones.
    pub fn some_deliveries(&self, offset: usize, most: usize) -> Vec<DeliveryStatus> {
        let deliveries = self.deliveries.read();
        let deliveries = deliveries.unwrap_or_else(PoisonError::into_inner);
        let page = deliveries.values().skip(offset).take(most);
        page.cloned().collect()
    }

    /// A number that rises when an alert or a notice goes up or down.
    pub fn alerted(&self) -> u64 {
        self.alerted.load(Ordering::Acquire)
    }

    /// How many alerts go on, and how many notices are not delivered yet.
    pub fn count_alerts(&self) -> (usize, usize) {
        let [alerts, deliveries] = &self.alert_counts;
        (
            alerts.load(Ordering::Relaxed),
            deliveries.load(Ordering::Relaxed),
        )
    }

    /// Says where the web is entered; none where there is no web server.
    pub fn set_gate(&self, gate: Option<Arc<dyn Gate>>) {
        let place = self.gate.write();
        *place.unwrap_or_else(PoisonError::into_inner) = gate;
    }

    /// Where the web is entered, if it is.
    pub(super) fn gate(&self) -> Option<Arc<dyn Gate>> {
        let place = self.gate.read();
        place.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Which Accounts there are; those that are new may have no status yet.
    pub fn directory(&self) -> Arc<Directory> {
        let directory = self.directory.read();
        Arc::clone(&directory.unwrap_or_else(PoisonError::into_inner))
    }

    /// The status of the Account in this slot.
    pub fn at(&self, slot: u32) -> Option<Arc<AccountStatus>> {
        self.accounts.get(&slot).map(|status| Arc::clone(&status))
    }

    /// The status of the Account with this name.
    pub fn find(&self, name: &str) -> Option<Arc<AccountStatus>> {
        let status = self.at(self.directory().find(name)?.slot);
        status.filter(|status| *status.name == *name)
    }

    /// How many Accounts are in this phase.
    pub fn count(&self, phase: Phase) -> u32 {
        self.phases[place(phase)].load(Ordering::Relaxed)
    }

    /// Says how it is with what outlives a run.
    pub fn publish_state(&self, status: StateStatus) {
        let place = self.state.write();
        *place.unwrap_or_else(PoisonError::into_inner) = Some(status);
    }

    /// How it is with what outlives a run.
    pub fn state(&self) -> Option<StateStatus> {
        let place = self.state.read();
        place.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says where the events of the past are read.
    pub fn set_past(&self, past: Arc<dyn Past>) {
        let place = self.past.write();
        *place.unwrap_or_else(PoisonError::into_inner) = Some(past);
    }

    /// Where the events of the past are read, if any are kept.
    pub fn past(&self) -> Option<Arc<dyn Past>> {
        let place = self.past.read();
        place.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells an event to whoever listens.
    pub fn tell(&self, event: &Arc<Event>) {
        if self.events.receiver_count() > 0 {
            // It fails only when nobody listens any more.
            drop(self.events.send(Arc::clone(event)));
        }
    }

    /// The events from now on. Who is slow loses the oldest and is told so.
    pub fn events(&self) -> broadcast::Receiver<Arc<Event>> {
        self.events.subscribe()
    }

    /// What monitoring reads.
    pub fn gauges(&self) -> &Gauges {
        &self.gauges
    }

    /// The last messages.
    pub fn traces(&self) -> &Traces {
        &self.traces
    }

    /// What changes from now on. Who is slow loses the oldest and is told so.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }
}

/// The status of an Account is another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// Its slot.
    pub slot: u32,
    /// The Account that had the slot and is gone.
    pub gone: Option<Arc<str>>,
}

/// Which Accounts there are: their names, in index order, and where their status is. It changes
/// only with the configuration.
#[derive(Debug, Default)]
pub struct Directory {
    entries: Vec<Entry>,
    by_name: Vec<u32>,
}

/// An Account in the directory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name.
    pub name: Arc<str>,
    /// Its slot on the board.
    pub slot: u32,
}

impl Directory {
    /// From Accounts in index order.
    pub fn new(accounts: impl IntoIterator<Item = (Arc<str>, u32)>) -> Self {
        let entries: Vec<_> = accounts
            .into_iter()
            .map(|(name, slot)| Entry { name, slot })
            .collect();
        let mut by_name: Vec<u32> = (0..).take(entries.len()).collect();
        by_name.sort_unstable_by_key(|&place| &entries[place as usize].name);
        Self { entries, by_name }
    }

    /// The Accounts, in index order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The Account with this name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let entry = |place: u32| &self.entries[place as usize];
        let found = self
            .by_name
            .binary_search_by_key(&name, |&place| &entry(place).name);
        found.ok().map(|at| entry(self.by_name[at]))
    }
}

/// Spreads slots over a map. They are dense numbers of our own, so nobody can choose them to
/// collide.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        // Knuth's multiplicative hash, folded: a map looks at both ends of the number.
        let product = (self.0 ^ u64::from(number)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The place of a phase in [`PHASES`].
fn place(phase: Phase) -> usize {
    phase as usize
}

/// How many Accounts are in each phase.
type Counts = [u32; PHASES.len()];

/// Changes that a slow reader may be behind.
const CHANGES: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TimeLimit;
    use crate::status::NoticeKind;

    #[test]
    fn phases_are_counted_where_they_are_declared() {
        for (at, phase) in PHASES.into_iter().enumerate() {
            assert_eq!(place(phase), at);
        }
    }

    fn delivery(given: i64, id: &str) -> DeliveryStatus {
        DeliveryStatus {
            id: id.into(),
            subscription: "operations".into(),
            means: "mail".into(),
            to: None,
            event: NoticeKind::Lost,
            accounts: 1,
            given: UnixMs(given),
            tried: 0,
            next_try: None,
            trouble: None,
        }
    }

    // rule T3
    #[test]
    fn notices_wait_in_the_order_in_which_they_were_given() {
        let board = Board::new(1, Traces::new(0));
        for (given, id) in [(7, "a"), (3, "c"), (7, "b"), (5, "d"), (5, "d")] {
            let status = Some(delivery(given, id));
            board.publish_delivery(UnixMs(given), &id.into(), status);
        }
        let ids = |some: Vec<DeliveryStatus>| some.iter().map(|it| &*it.id).collect::<String>();
        assert_eq!(ids(board.deliveries()), "cdab");
        assert_eq!(ids(board.some_deliveries(1, 2)), "da");
        assert_eq!(board.count_alerts(), (0, 4));
        for _ in 0..2 {
            board.publish_delivery(UnixMs(5), &"d".into(), None);
            assert_eq!(board.count_alerts(), (0, 3));
        }
    }

    // rule T3
    #[test]
    fn alerts_are_counted_as_they_come_and_go() {
        let board = Board::new(1, Traces::new(0));
        let alert = AlertStatus {
            label: "main".into(),
            identity: "sip:main@example.test".into(),
            source_ip: None,
            user_agent: "regent".into(),
            email: None,
            time_limit: TimeLimit::Hour,
            send_timeout: false,
            started: UnixMs(2),
            lost: UnixMs(1),
            registrar: ([192, 0, 2, 1], 5060).into(),
            server: None,
            subscription: "operations".into(),
            webhook: true,
        };
        for (account, ongoing, all) in [
            ("main", 2, 2),
            ("spare", 1, 3),
            ("main", 3, 4),
            ("main", 0, 1),
            ("main", 0, 1),
        ] {
            board.publish_alerts(account.into(), vec![alert.clone(); ongoing]);
            assert_eq!(board.count_alerts(), (all, 0), "{account}");
            assert_eq!(board.alerts().len(), all);
        }
    }

    // rule P5
    #[test]
    fn a_group_is_known_by_its_name() {
        let board = Board::new(1, Traces::new(0));
        assert!(!board.has_group("a"));
        let seat = |name: &str| GroupSeat {
            name: name.into(),
            role: GroupRole::Served,
            proxy_set: None,
        };
        board.list_groups(["a", "b", "d"].map(seat).into());
        let known = ["a", "b", "c", "d", "e"].map(|name| board.has_group(name));
        assert_eq!(known, [true, true, false, true, false]);
        assert_eq!(board.group_names().concat(), "abd");
        assert_eq!(board.groups().len(), board.count_groups());
    }

    #[test]
    fn an_account_is_found_by_name_and_listed_by_index() {
        let directory = Directory::new(["b", "c", "a"].map(Arc::from).into_iter().zip(0..));
        assert_eq!(directory.find("a").unwrap().slot, 2);
        assert_eq!(directory.find("b").unwrap().slot, 0);
        assert!(directory.find("d").is_none());
        let names: Vec<_> = directory
            .entries()
            .iter()
            .map(|entry| &*entry.name)
            .collect();
        assert_eq!(names, ["b", "c", "a"]);
    }
}
