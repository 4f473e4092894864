//! The naive chooser, in the plainest way: whom the next REGISTER goes to, and when.

use super::super::case::{ASKED, Mode, Upkeep};
use super::members::News;
use super::{Naive, Tick};

impl Naive<'_> {
    fn is_ims(&self) -> bool { self.case.mode == Mode::Ims }
    fn avoids(&self) -> bool { matches!(self.case.mode, Mode::Avoid | Mode::AvoidNonRegister) }
    fn holds(&self, m: usize) -> bool { self.bound.is_some_and(|(at, _)| at == m) }
    fn listed(&self) -> Vec<usize> { (0..3).filter(|m| !self.members.all[*m].has_left).collect() }
    fn is_open(&self, m: usize) -> bool {
        self.listed().contains(&m) && !self.tried.contains(&m) && self.avoided(m).is_none()
    }
    fn avoided(&self, m: usize) -> Option<Tick> { // S8
        let (last, until) = self.visits[m].filter(|it| it.1 > self.now && self.avoids())?;
        self.visits.iter().flatten().any(|it| it.0 > last).then_some(until)
    }
    pub(super) fn begin(&mut self) {
        self.due = None;
        let ends: Option<Vec<Tick>> = self.listed().into_iter().map(|m| self.avoided(m)).collect();
        if let Some(ends) = ends { // S8: all are avoided
            self.due = ends.into_iter().min();
            return;
        }
        let held = self.bound.map(|(m, _)| m).filter(|m| !self.is_lost && self.members.is_up(*m));
        let held = held.filter(|_| matches!(self.case.mode, Mode::Enable | Mode::Ims)); // S3
        let next = held.or_else(|| self.anew());
        self.send_or_wait(next);
    }
    fn anew(&mut self) -> Option<usize> {
        if self.is_ims() { // S7
            self.walk = (0..3).filter(|m| self.is_open(*m)).collect();
            return self.walk_on();
        }
        self.online().or_else(|| self.in_turn())
    }
    fn walk_on(&mut self) -> Option<usize> {
        (!self.walk.is_empty()).then(|| self.walk.remove(0))
    }
    fn online(&mut self) -> Option<usize> { // P6, P7, S8
        let current = self.members.elect();
        let parked = self.bound.map(|it| it.0).filter(|_| self.case.upkeep != Upkeep::Homing);
        let first = if self.avoids() { parked } else { current };
        let open = |m: &usize| self.members.is_usable(*m) && self.is_open(*m);
        let order: Vec<usize> = first.into_iter().chain(0..3).filter(open).collect();
        let unspared = order.iter().find(|m| Some(**m) != self.spared);
        let next = unspared.or_else(|| order.first()).copied();
        self.turn = self.turn.filter(|_| next.is_none());
        next
    }
    fn in_turn(&mut self) -> Option<usize> { // P4
        let is_closed = |m: &usize| self.members.all[*m].is_suspect;
        if self.listed().iter().all(is_closed) {
            self.members.all.iter_mut().for_each(|it| it.is_suspect = false);
        }
        let from = self.turn.map_or(0, |m| m + 1);
        self.turn = (from..from + 3).map(|m| m % 3).find(|m| self.is_open(*m));
        self.turn
    }
    fn send_or_wait(&mut self, next: Option<usize>) {
        let Some(m) = next else { // L3
            let (is_refused, times) = std::mem::take(&mut self.refused);
            if is_refused { self.refused.1 = times + 1 }
            let wait = if is_refused { 1_200 << times } else { 60 };
            (self.due, self.spared, self.tried) = (Some(self.now + wait), None, vec![]);
            return;
        };
        let is_new = !self.holds(m) || self.is_lost;
        let has_other = (0..3).any(|it| it != m && self.members.is_usable(it) && self.is_open(it));
        let swaps = self.case.hot_swap && !self.avoids() && has_other;
        let patience = if self.is_ims() && is_new || swaps { 7 } else { 64 };
        self.flight = Some((m, self.now, self.now + patience));
        let asked = self.way_home(m).map_or(ASKED, |wait| wait.clamp(10, ASKED));
        self.sent.push((u64::from(self.now) * 500, m, asked));
    }
    fn way_home(&self, m: usize) -> Option<Tick> { // S9: d in half seconds, half of it is 2 d s
        let better = self.listed().into_iter().filter(|it| *it < m);
        let ends = better.filter_map(|it| self.visits[it]);
        let ahead = ends.map(|it| it.1).filter(|until| *until > self.now).min()?;
        (self.avoids() && self.case.upkeep == Upkeep::Homing).then_some(ahead - self.now)
    }
    pub(super) fn granted(&mut self, m: usize, sent: Tick) {
        self.members.hear(m, sent);
        let (now, asked) = (self.now, self.sent.last().expect("it was sent").2);
        let wait = self.way_home(m).map_or(asked, |wait| wait.min(asked));
        self.visits[m] = Some((now, now + (asked + 180) * 2));
        (self.bound, self.due) = (Some((m, now + asked * 2)), Some(now + wait));
        (self.flight, self.tried, self.spared, self.turn) = (None, vec![], None, None);
        (self.is_lost, self.refused) = (false, (false, 0));
    }
    pub(super) fn fail(&mut self, m: usize, sent: Tick, code: u16) { // S14
        self.flight = None;
        let is_of_registrar = code == 408 || code / 100 == 5;
        let is_news = code == 408 && self.members.miss(m, sent);
        let was_followed = self.holds(m) && !self.is_lost;
        let moves = was_followed && code != 401 && code < 600;
        self.refused.0 = code == 401 || self.refused.0 && self.is_ims();
        self.tried.push(m);
        if was_followed && self.is_ims() { // S7: it comes last, never right behind its own failure
            self.walk = (0..3).filter(|it| self.is_open(*it)).collect();
            if !self.walk.is_empty() { self.walk.push(m) }
        }
        self.is_lost |= self.is_ims() && was_followed || self.case.mode == Mode::Enable && moves;
        if self.holds(m) && !is_of_registrar { (self.bound, self.is_lost) = (None, false) } // L5
        let next = match self.case.mode {
            Mode::Ims => self.walk_on(),
            Mode::Avoid | Mode::AvoidNonRegister => if moves { self.anew() } else { None },
            Mode::Enable if moves => self.online(),
            _ if self.case.hot_swap && is_of_registrar => self.online(), // P7
            _ => None,
        };
        self.send_or_wait(next);
        if is_news { self.hear_of(News::Lost(m)) }
    }
    pub(super) fn leave(&mut self, from: usize) { // S5, S14: to one that is online, ims to any
        let is_elsewhere = self.flight.is_some_and(|(m, ..)| m != from);
        if !self.holds(from) || is_elsewhere { return }
        let before = (std::mem::replace(&mut self.is_lost, true), self.turn);
        self.tried = vec![from];
        match self.anew().filter(|m| self.is_ims() || self.members.is_up(*m)) {
            Some(m) => { self.due = None; self.send_or_wait(Some(m)) }
            None => { (self.is_lost, self.turn) = before; self.tried.clear() }
        }
    }
    pub(super) fn invite_failed(&mut self) {
        let Some((m, _)) = self.bound.filter(|_| self.flight.is_none()) else { return };
        if self.is_ims() { self.due = None; return self.send_or_wait(Some(m)) } // S7
        let tells = ![Upkeep::Blind, Upkeep::FakeRegister].contains(&self.case.upkeep);
        self.spared = (tells && self.case.hot_swap && !self.avoids()).then_some(m); // S11
        self.is_lost = true;
        self.begin();
    }
}
