//! Serving groups whose Accounts wait for one that probes a failing registrar (rule S12).

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::effect::AccountId;
use crate::time::Instant;

/// A serving group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupId(u32);

/// All serving groups of an engine.
#[derive(Default, Debug)]
pub struct Groups {
    names: BTreeMap<Arc<str>, GroupId>,
    groups: Vec<Group>,
    /// Numbers of groups that nobody is in any more.
    free: Vec<GroupId>,
    released: VecDeque<AccountId>,
    waits: u64,
}

#[derive(Debug)]
struct Group {
    name: Arc<str>,
    /// How many Accounts are in it.
    users: u32,
    prober: Option<AccountId>,
    /// Who waits, by when their REGISTER became due.
    line: BTreeMap<(Instant, u64), AccountId>,
}

impl Groups {
    /// An Account is in the group with this name from now on.
    pub fn join(&mut self, name: &Arc<str>) -> GroupId {
        if let Some(id) = self.names.get(name) {
            self.groups[id.0 as usize].users += 1;
            return *id;
        }
        let group = Group {
            name: Arc::clone(name),
            users: 1,
            prober: None,
            line: BTreeMap::new(),
        };
        let id = match self.free.pop() {
            Some(id) => {
                self.groups[id.0 as usize] = group;
                id
            }
            None => {
                self.groups.push(group);
                GroupId(self.groups.len() as u32 - 1)
            }
        };
        self.names.insert(Arc::clone(name), id);
        id
    }

    /// An Account is no longer in it. It has withdrawn before.
    pub fn part(&mut self, id: GroupId) {
        let group = &mut self.groups[id.0 as usize];
        group.users -= 1;
        if group.users == 0 {
            self.names.remove(&group.name);
            self.free.push(id);
        }
    }

    /// How many groups there are.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Whether nobody probes, or this Account does.
    pub fn may_register(&self, group: GroupId, account: AccountId) -> bool {
        let prober = self.groups[group.0 as usize].prober;
        prober.is_none_or(|prober| prober == account)
    }

    /// An Account's REGISTER is due since then, and waits. Gives its place in the line.
    pub fn wait(&mut self, group: GroupId, account: AccountId, due: Instant) -> u64 {
        self.waits += 1;
        let key = (due, self.waits);
        self.groups[group.0 as usize].line.insert(key, account);
        self.waits
    }

    /// An Account no longer waits: what was due then, in this place.
    pub fn step_out(&mut self, group: GroupId, due: Instant, place: u64) {
        self.groups[group.0 as usize].line.remove(&(due, place));
    }

    /// An Account's attempt failed: it is the prober, if nobody is.
    pub fn on_failed(&mut self, group: GroupId, account: AccountId) {
        self.groups[group.0 as usize].prober.get_or_insert(account);
    }

    /// The registrar has answered somebody: all go on, the earliest due first.
    pub fn on_answered(&mut self, group: GroupId) {
        let group = &mut self.groups[group.0 as usize];
        group.prober = None;
        self.released
            .extend(std::mem::take(&mut group.line).into_values());
    }

    /// All go on, whatever the state of their groups.
    pub fn release_all(&mut self) {
        for group in 0..self.groups.len() as u32 {
            self.on_answered(GroupId(group));
        }
    }

    /// An Account no longer sends REGISTERs. If it was the prober, the earliest due takes over.
    pub fn leave(&mut self, group: GroupId, account: AccountId) {
        let group = &mut self.groups[group.0 as usize];
        if group.prober == Some(account) {
            let next = group.line.pop_first().map(|(_, account)| account);
            group.prober = next;
            self.released.extend(next);
        }
    }

    /// Whether anybody may go on who has not been told.
    pub fn has_released(&self) -> bool {
        !self.released.is_empty()
    }

    /// The next Account that may go on.
    pub fn next_released(&mut self) -> Option<AccountId> {
        self.released.pop_front()
    }
}
