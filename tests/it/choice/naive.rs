//! A second account of which registrar gets which REGISTER, from the manual's notes and the rules,
//! sharing no code with the program. What keep-alive finds out is given with the row.

use super::case::Mode::{Disable, Enable, Ims};
use super::case::Upkeep::{Blind, FakeRegister, Homing};
use super::case::{ASKED, Case, HORIZON, Sent, Takes, X};

const NEVER: u64 = u64::MAX;

#[derive(Default)]
struct Naive {
    case: Case,
    now: u64,                // in milliseconds
    offline_until: [u64; 3], // without keep-alive: suspect (P4)
    avoid_until: [u64; 3],   // all but the bound one (S8)
    gone: Option<usize>,     // from the list
    current: usize,
    bound: Option<usize>, // where the last 200 came from
    is_lost: bool,        // requests do not follow the binding any more (S14)
    due: u64,
    flight: Option<(usize, u64, u64)>, // where, since when, until when at most
    tried: Vec<usize>,                 // in this pass
    last: Option<usize>,               // comes last in this pass (S7, S11)
    turn: usize,                       // begins here while all are offline (P4)
    sent: Vec<Sent>,
}

/// Which registrars get which REGISTER when.
pub(super) fn predict(case: &Case) -> Vec<Sent> {
    let mut it = Naive::default();
    it.case = *case;
    for now in (0..=u64::from(HORIZON) * 1_000).step_by(500) {
        it.now = now;
        it.happen();
        while it.take() {}
        if case.upkeep == Homing || !it.is_up(it.current) {
            it.current = (0..3).find(|m| it.is_up(*m)).unwrap_or(0); // P6
        }
    }
    it.sent
}

impl Naive {
    fn is_up(&self, m: usize) -> bool {
        self.offline_until[m] <= self.now
    }

    fn is_open(&self, m: usize) -> bool {
        let may_be = self.case.mode.avoids() && self.bound != Some(m);
        let is_avoided = may_be && self.avoid_until[m] > self.now; // S8
        self.gone != Some(m) && !self.tried.contains(&m) && !is_avoided
    }

    fn happen(&mut self) {
        let (case, now) = (self.case, self.now);
        for (_, m, is_online) in case.found().filter(|it| it.0 == now) {
            self.offline_until[m] = if is_online { now } else { NEVER };
            let is_free = is_online && self.flight.is_none() || self.bound == Some(m);
            self.leave(is_free && matches!(case.mode, Enable | Ims)); // S14
        }
        if case.situation.x_leaves == Some(now) {
            (self.gone, self.offline_until[X], self.avoid_until[X]) = (Some(X), NEVER, 0);
            self.leave(case.mode != Disable); // S5
        }
        if case.situation.invite_fails == Some(now) {
            let tells = case.hot_swap && ![Blind, FakeRegister].contains(&case.upkeep);
            self.last = self.bound.filter(|_| tells); // S11
            (self.is_lost, self.due) = (case.mode != Ims, now); // S7
        }
        self.begin();
    }

    /// Leaves a bound registrar that is lost for one that is online, by ims for any (S5, S14).
    fn leave(&mut self, may: bool) {
        let is_dead = self.bound.is_some_and(|m| self.offline_until[m] == NEVER);
        let has_other = self.case.mode == Ims || (0..3).any(|m| self.is_up(m));
        if may && is_dead && has_other {
            self.tried.extend(self.bound);
            (self.is_lost, self.due) = (true, self.now);
            self.begin();
        }
    }

    fn begin(&mut self) {
        if self.due <= self.now {
            let sticks = matches!(self.case.mode, Enable | Ims) && !self.is_lost; // S3
            let held = self.bound.filter(|m| sticks && self.is_up(*m));
            let next = held.or_else(|| self.next(true));
            self.send_or_wait(next, 30_000);
        }
    }

    /// The next one of this pass: one that is online, else `any` in turn.
    fn next(&mut self, any: bool) -> Option<usize> {
        let is_ims = self.case.mode == Ims;
        let parked = self.bound.filter(|_| self.case.upkeep != Homing);
        let current = Some(self.current).filter(|_| !is_ims);
        let first = if self.case.mode.avoids() {
            parked
        } else {
            current
        }; // S8, S2
        let order = first.into_iter().chain(0..3).filter(|m| self.is_open(*m));
        let online = order.filter(|m| is_ims || self.is_up(*m)); // S7, P7
        let online = online.min_by_key(|m| Some(*m) == self.last); // S7, S11
        if online.is_some() || !any {
            return online;
        }
        if self.case.upkeep == Blind && !(0..3).any(|m| self.is_up(m)) {
            self.offline_until = [0; 3];
            return self.next(false);
        }
        let mut turns = (self.turn..self.turn + 3).map(|m| m % 3);
        let next = turns.find(|m| self.is_open(*m)); // P4
        self.turn = next.map_or(0, |m| m + 1);
        next
    }

    fn send_or_wait(&mut self, next: Option<usize>, wait: u64) {
        let Some(m) = next else {
            (self.flight, self.due) = (None, self.now + wait); // L3
            (self.last, self.tried) = (None, vec![]);
            return;
        };
        let has_other = (0..3).any(|it| it != m && self.is_up(it) && self.is_open(it));
        let walks = self.case.mode == Ims && (self.bound != Some(m) || self.is_lost);
        let hurries = walks || self.case.hot_swap && has_other; // S7, P7
        let until = self.now + if hurries { 3_500 } else { 32_000 };
        (self.flight, self.due) = (Some((m, self.now, until)), NEVER);
        let better = self.avoid_until[..m].iter().filter(|it| **it > self.now);
        let homes = self.case.mode.avoids() && self.case.upkeep == Homing;
        let home = better.min().filter(|_| homes).unwrap_or(&NEVER);
        let asked = ((home - self.now) / 500).clamp(10, ASKED.into()); // S9
        self.sent.push((self.now, m, asked as u32));
    }

    /// Whether anything came of the REGISTER under way, which leaves again after 0.5 s, 1.5 s, 3.5 s
    /// and then every 4 s (X1).
    fn take(&mut self) -> bool {
        let Some((m, sent, until)) = self.flight else {
            return false;
        };
        let Case { mode, hot_swap, .. } = self.case;
        let leaves =
            [0, 500, 1_500].contains(&(self.now - sent)) || (self.now - sent) % 4_000 == 3_500;
        let takes = self.case.situation.takes(m, self.now);
        let is_silent = self.now == until || takes == Takes::Closed;
        if self.now != until && (takes == Takes::Silence || !leaves) {
            return false;
        }
        let back = self.offline_until[m].min(sent + 10_000);
        self.offline_until[m] = if is_silent { NEVER } else { back }; // P4
        if takes == Takes::Well && !is_silent {
            let asked = u64::from(self.sent.last().expect("it was sent").2);
            self.avoid_until[m] = self.now + (asked + 180) * 1_000;
            (self.bound, self.is_lost, self.turn) = (Some(m), false, 0);
            self.send_or_wait(None, asked * 500);
            return true;
        }
        let is_final = !is_silent && matches!(takes, Takes::Refuses | Takes::Code(600..));
        let was_followed = self.bound == Some(m) && !self.is_lost;
        let moves = was_followed && (mode == Ims || !is_final); // S14
        if moves && mode == Ims {
            self.last = Some(m); // S7
        } else {
            self.tried.push(m);
        }
        self.is_lost |= moves && matches!(mode, Enable | Ims);
        let swaps = hot_swap && (is_silent || matches!(takes, Takes::Code(500..600)));
        let tries = moves && (mode.avoids() || mode == Enable) || mode == Ims || swaps;
        let next = if tries {
            self.next(mode.avoids())
        } else {
            None
        };
        let wait = if takes == Takes::Refuses {
            600_000
        } else {
            30_000
        };
        self.send_or_wait(next, wait);
        true
    }
}
