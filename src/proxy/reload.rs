//! Another configuration of the sets: those that stay are reconfigured in place, those that are
//! gone live as long as an Account needs them (rules P8, G2).

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use super::set::Set;
use super::{Change, Proxies};
use crate::config::ProxySet;
use crate::effect::{SetId, SocketId};
use crate::pace::{Pace, RegistrarId};

impl Proxies {
    /// These sets are configured, and no others. A set is the one before that has its name, or
    /// that has its content where that one's name is gone.
    pub fn reconfigure(&mut self, sets: &[Arc<ProxySet>], pace: &mut Pace) {
        let before = mem::take(&mut self.set_names);
        let mut left: BTreeSet<SetId> = before.values().copied().collect();
        let mut found: Vec<Option<SetId>> = Vec::with_capacity(sets.len());
        for set in sets {
            let known = before.get(&set.name).copied();
            found.extend([known.filter(|id| left.remove(id))]);
        }
        for (found, set) in found.into_iter().zip(sets) {
            let is_it = |id: &SetId| self.get(*id).config.is_renamed(set);
            let known = found.or_else(|| left.iter().copied().find(is_it));
            let Some(id) = known else {
                self.set(set, pace);
                continue;
            };
            left.remove(&id);
            self.set_names.insert(Arc::clone(&set.name), id);
            self.reconfigure_set(id, set, pace);
        }
        for id in left {
            self.sets[id.0 as usize].retire();
            self.questions.forget(id);
            self.changes.push_back((id, Change::Listed));
            self.touch(id);
        }
    }

    /// The Proxy Set of this name; a new one if there is none.
    pub fn set(&mut self, set: &Arc<ProxySet>, pace: &mut Pace) -> SetId {
        if let Some(id) = self.set_names.get(&set.name) {
            return *id;
        }
        let socket = self.socket(&set.sip_interface);
        let id = self.place(Set::new(set, socket, pace));
        self.set_names.insert(Arc::clone(&set.name), id);
        self.index(id);
        self.touch(id);
        id
    }

    /// Puts a set where nobody knows one any more, or at the end.
    fn place(&mut self, set: Set) -> SetId {
        let Some(id) = self.free_sets.pop() else {
            self.sets.push(set);
            return SetId(self.sets.len() as u32 - 1);
        };
        let place = &mut self.sets[id.0 as usize];
        let before = mem::replace(place, set);
        // Its timer and its chance go on, so that neither is mistaken for the one before.
        (place.timer, place.draws) = (before.timer, before.draws);
        place.is_touched = before.is_touched;
        id
    }

    fn reconfigure_set(&mut self, id: SetId, set: &Arc<ProxySet>, pace: &mut Pace) {
        let socket = self.socket(&set.sip_interface);
        let known = &mut self.sets[id.0 as usize];
        if known.socket == socket && *known.config == **set {
            known.config = Arc::clone(set);
            return;
        }
        let changes = known.reconfigure(set, socket, pace);
        self.take_note(id, changes);
    }

    /// An Account uses this set from now on.
    pub fn join(&mut self, id: SetId) {
        self.sets[id.0 as usize].users += 1;
    }

    /// An Account no longer uses it. Whether nobody does, and it is not configured either.
    pub fn part(&mut self, id: SetId) -> bool {
        let set = &mut self.sets[id.0 as usize];
        set.users -= 1;
        set.is_unused()
    }

    /// Whether [`Proxies::free_sets`] should be called: something is left that nobody may need.
    pub fn has_unused(&self) -> bool {
        let ids = (0..self.sets.len()).map(|at| SetId(at as u32));
        let mut unused = ids.filter(|id| self.get(*id).is_unused());
        unused.any(|id| !self.free_sets.contains(&id)) || self.has_closed_sockets()
    }

    /// Sets that nobody needs any more may be others from now on. Returns those that were freed.
    pub fn free_sets(&mut self, pace: &mut Pace) -> Vec<SetId> {
        let ids = (0..self.sets.len()).map(|at| SetId(at as u32));
        let unused = ids.filter(|id| self.get(*id).is_unused() && !self.free_sets.contains(id));
        let unused: Vec<SetId> = unused.collect();
        for id in &unused {
            let set = &mut self.sets[id.0 as usize];
            let watched = set.members.drain(..).chain(set.strays.drain(..));
            let flights: Vec<_> = watched.filter_map(|it| it.pulse.flight).collect();
            set.abandoned.extend(flights);
            self.touch(*id);
        }
        self.free_sets.extend(&unused);
        self.relist_all(pace);
        unused
    }

    /// Registrars find the sets that they are in anew, and those that are in none leave their share
    /// of the windows to others.
    fn relist_all(&mut self, pace: &mut Pace) {
        self.users.clear();
        let mut listed = BTreeSet::new();
        for at in 0..self.sets.len() {
            let id = SetId(at as u32);
            self.index(id);
            if !self.get(id).is_gone {
                listed.extend(self.members(id));
            }
        }
        pace.rest_all_but(&listed);
    }

    /// Every registrar that a set knows.
    pub fn registrars(&self) -> impl Iterator<Item = RegistrarId> + '_ {
        let live = self.sets.iter().filter(|set| !set.is_unused());
        live.flat_map(Set::registrars)
    }

    /// How many sets there are, those included that some Account has not left yet.
    pub fn live_sets(&self) -> usize {
        self.sets.len() - self.free_sets.len()
    }

    /// The Proxy Set of this name, if it is configured.
    pub fn find(&self, name: &str) -> Option<SetId> {
        self.set_names.get(name).copied()
    }

    /// The socket that a set's traffic leaves from.
    pub fn base(&self, set: SetId) -> SocketId {
        self.get(set).socket
    }
}
