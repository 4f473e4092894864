//! What goes to the store and when, and what comes back (rule L8).
//!
//! A REGISTER with CSeq n leaves only when a limit of at least n is on disk for its Account. Limits
//! go 256 ahead, in batches, and are raised while 64 remain, so that nobody waits. All else follows
//! within 100 ms.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::sync::Arc;

use super::{Engine, Slot};
use crate::account::{Account, Shared};
use crate::effect::{AccountId, BatchId, Output, Record};
use crate::time::{Duration, Instant};

/// Changes that no REGISTER waits for are saved within this time.
const LATER: Duration = Duration::from_millis(100);
/// A batch that could not be saved is tried again after this.
const AGAIN: Duration = Duration::from_secs(1);

/// So many records go into one batch. What is left waits until that one is on disk, so that what
/// is on its way takes no more memory, however many Accounts begin and however slow the disk is.
const BATCH: usize = 4_096;

/// What is on its way to the store.
#[derive(Debug)]
pub(super) struct Persist {
    is_on: bool,
    is_restored: bool,
    next_batch: u64,
    /// Batches that are not on disk yet.
    pending: BTreeMap<BatchId, Batch>,
    /// Accounts that want a higher limit.
    wanting: Vec<AccountId>,
    /// The full batch of limits that others of `wanting` wait for.
    full: Option<BatchId>,
    /// Whether that one is on disk, so that it is the turn of the others.
    is_turn: bool,
    /// The batch of changes that later ones wait for.
    writing: Option<BatchId>,
    /// Names of Accounts whose records are to be deleted.
    removed: Vec<Arc<str>>,
    due: Option<Instant>,
    /// Lost registrations in batches that are not on disk yet, by their Accounts' names.
    alerts: BTreeMap<BatchId, BTreeSet<Arc<str>>>,
    alerts_due: Option<Instant>,
    /// Whether the last word of the run is written.
    is_closed: bool,
}

/// What a batch is about.
#[derive(Default, Debug)]
struct Batch {
    /// Limits that count once it is on disk.
    limits: Vec<(AccountId, u32)>,
    /// Accounts whose changes are lost if it fails.
    changed: Vec<AccountId>,
    /// Names whose records stay if it fails.
    removed: Vec<Arc<str>>,
}

impl Persist {
    pub(super) fn new(store: bool) -> Self {
        Self {
            is_on: store,
            is_restored: !store,
            next_batch: 0,
            pending: BTreeMap::new(),
            wanting: Vec::new(),
            full: None,
            is_turn: false,
            writing: None,
            removed: Vec::new(),
            due: None,
            alerts: BTreeMap::new(),
            alerts_due: None,
            is_closed: false,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether the store's word is there, or none is needed.
    pub(super) fn is_restored(&self) -> bool {
        self.is_restored
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due.into_iter().chain(self.alerts_due).min()
    }

    fn batch(&mut self) -> BatchId {
        self.next_batch += 1;
        BatchId(self.next_batch - 1)
    }

    /// The last word of a run that ends in order: every Account's record, marked clean.
    pub(super) fn save_all(&mut self, slots: &[Slot], shared: &mut Shared) {
        if self.is_on {
            let accounts = slots.iter().filter_map(|slot| slot.account.as_ref());
            let (leaving, staying) = accounts.partition::<Vec<_>, _>(|it| it.is_removed());
            let leaving = leaving.into_iter().map(|it| Arc::clone(&it.config().name));
            self.removed.extend(leaving);
            let records = staying
                .into_iter()
                .map(|account| account.record(shared, true))
                .collect();
            self.push(records, Batch::default(), true, shared);
        }
        shared.dirty.take();
        shared.dirty.take_low();
        self.due = None;
        self.is_closed = true;
    }

    /// The record of the Account with this name is not wanted any more.
    pub(super) fn forget(&mut self, name: &Arc<str>) {
        if self.is_on {
            self.removed.push(Arc::clone(name));
        }
    }

    fn push(
        &mut self,
        records: Vec<Record>,
        mut about: Batch,
        synchronous: bool,
        shared: &mut Shared,
    ) -> BatchId {
        let batch = self.batch();
        about.removed = mem::take(&mut self.removed);
        let removed = about.removed.clone();
        self.pending.insert(batch, about);
        shared.cx.out.push(Output::Save {
            batch,
            removed,
            records,
            synchronous,
        });
        batch
    }
}

impl Engine {
    /// What the store held: Accounts that it knows go on, and all get their first limits in one
    /// batch.
    pub(super) fn on_restore(&mut self, records: Vec<Record>) {
        if self.persist.is_restored {
            return;
        }
        self.persist.is_restored = true;
        for record in records {
            let Some(id) = self.find(&record.account) else {
                continue;
            };
            let mark = |engine: &Self| engine.account_of(id).map(Account::mark);
            let before = mark(self);
            self.with(id, |account, shared| account.restore(&record, shared));
            if let (Some(before), Some(after)) = (before, mark(self)) {
                self.readdress(id, &before, &after);
            }
        }
        let ids: Vec<_> = self.accounts().collect();
        self.persist.wanting.extend(ids);
    }

    pub(super) fn on_saved(&mut self, batch: BatchId) {
        self.persist.alerts.remove(&batch);
        let about = self.persist.pending.remove(&batch).unwrap_or_default();
        self.persist.is_turn |= self.persist.full.take_if(|full| *full == batch).is_some();
        self.persist.writing.take_if(|writing| *writing == batch);
        for (id, limit) in about.limits {
            self.with(id, |account, _| account.on_limit(limit));
            self.ready_up(id);
        }
    }

    /// Nothing is forgotten: limits and changes of the batch are tried again.
    pub(super) fn on_save_failed(&mut self, batch: BatchId) {
        let about = self.persist.pending.remove(&batch).unwrap_or_default();
        let alerts = self.persist.alerts.remove(&batch);
        self.persist.full.take_if(|full| *full == batch);
        self.persist.writing.take_if(|writing| *writing == batch);
        if self.persist.is_closed {
            return;
        }
        if let Some(accounts) = alerts {
            self.alerts.on_save_failed(accounts);
            self.persist.alerts_due = Some(self.shared.cx.now + AGAIN);
            return;
        }
        for (id, _) in about.limits {
            self.with(id, |account, _| account.on_limit_lost());
            self.persist.wanting.push(id);
        }
        for id in about.changed {
            self.with(id, |account, _| account.on_record_lost());
            self.shared.dirty.mark(id);
        }
        // A name that was given again meanwhile has a record of its own, perhaps on disk already.
        let is_gone = |name: &Arc<str>| self.names.get(name).is_none();
        let removed = about.removed.into_iter().filter(is_gone);
        self.persist.removed.extend(removed);
        self.persist.due = Some(self.shared.cx.now + AGAIN);
    }

    /// Saves what must be saved now, and sees that the rest follows in time.
    pub(super) fn save(&mut self) {
        if !self.persist.is_on || !self.persist.is_restored || self.persist.is_closed {
            return;
        }
        let now = self.shared.cx.now;
        let is_due = self.persist.due.is_some_and(|due| due <= now);
        let is_turn = mem::take(&mut self.persist.is_turn);
        if self.persist.full.is_none() && (is_turn || is_due || self.persist.due.is_none()) {
            self.raise_limits();
        }
        if is_due {
            self.persist.due = None;
        }
        if self.persist.writing.is_some() {
            return;
        }
        if is_due {
            self.save_changes();
        }
        if self.persist.due.is_none() && self.has_changes() {
            self.persist.due = Some(now + LATER);
        }
    }

    /// Saves what is to be kept of lost registrations: at once with a notice, else soon, and at the
    /// end of the run.
    pub(super) fn save_alerts(&mut self, is_urgent: bool) {
        if !self.persist.is_on {
            return self.alerts.skip_saving();
        }
        let now = self.shared.cx.now;
        if !self.persist.is_restored || self.persist.is_closed || !self.alerts.is_unsaved() {
            return;
        }
        let due = *self.persist.alerts_due.get_or_insert(now + LATER);
        if !is_urgent && due > now {
            return;
        }
        self.persist.alerts_due = None;
        let (removed, alerts) = self.alerts.take_unsaved(self.clock());
        let batch = self.persist.batch();
        let saved = alerts.iter().map(|alert| Arc::from(&*alert.account));
        let about = saved.chain(removed.iter().cloned()).collect();
        self.persist.alerts.insert(batch, about);
        self.shared.cx.out.push(Output::SaveAlerts {
            batch,
            removed,
            alerts,
        });
    }

    fn has_changes(&self) -> bool {
        !self.shared.dirty.is_empty() || !self.persist.removed.is_empty()
    }

    fn raise_limits(&mut self) {
        let mut wanting = mem::take(&mut self.persist.wanting);
        wanting.append(&mut self.shared.dirty.take_low());
        let most = wanting.len().min(BATCH);
        let mut limits = Vec::with_capacity(most);
        let mut changed = Vec::with_capacity(most);
        let mut wanting = wanting.into_iter();
        for id in wanting.by_ref() {
            let account = self.account_mut(id);
            if let Some(limit) = account.and_then(Account::want_limit) {
                limits.push((id, limit));
                changed.push(id);
            }
            if changed.len() == BATCH {
                break;
            }
        }
        let rest: Vec<AccountId> = wanting.collect();
        let records = self.records(&changed);
        if !records.is_empty() {
            let about = Batch {
                limits,
                changed,
                ..Batch::default()
            };
            let batch = self.persist.push(records, about, true, &mut self.shared);
            self.persist.full = Some(batch).filter(|_| !rest.is_empty());
        }
        self.persist.wanting = rest;
    }

    fn save_changes(&mut self) {
        let mut changed = self.shared.dirty.take();
        for id in changed.split_off(changed.len().min(BATCH)) {
            self.shared.dirty.mark(id);
        }
        let records = self.records(&changed);
        if !records.is_empty() || !self.persist.removed.is_empty() {
            let about = Batch {
                changed,
                ..Batch::default()
            };
            let batch = self.persist.push(records, about, false, &mut self.shared);
            self.persist.writing = Some(batch);
        }
    }
    /// The records of Accounts that are others than the last ones.
    fn records(&mut self, changed: &[AccountId]) -> Vec<Record> {
        let Self { slots, shared, .. } = self;
        let record = |id: &AccountId| {
            let account = slots.get_mut(id.slot as usize)?.account.as_mut()?;
            let account = (account.id() == *id).then_some(account)?;
            account.changed_record(shared)
        };
        let mut records = Vec::with_capacity(changed.len());
        records.extend(changed.iter().filter_map(record));
        records
    }
}
