//! A second account of which registrar gets which REGISTER, for one Account and three registrars:
//! from the manual's notes and the rules, in the plainest way, sharing no code with the program.
//! What keep-alive finds out is given with the row.

use super::case::{ASKED, Case, HORIZON, LEAVES, Sent, Takes};
use super::case::{Event::*, Mode::*, Takes::*, Upkeep::*};

const NEVER: u64 = u64::MAX;

#[derive(Default)]
struct Naive {
    case: Case,
    now: u64,             // in milliseconds
    offline: [u64; 3],    // until when; without keep-alive: suspect (P4)
    avoid: [u64; 3],      // until when, all but the bound one (S8)
    gone: Option<usize>,  // from the list
    current: usize,       // of the set (P6)
    bound: Option<usize>, // where the last 200 came from
    is_lost: bool,        // requests do not follow the binding any more (S14)
    due: u64,
    flight: Option<(usize, u64, Takes)>, // where, and when it comes to what
    tried: Vec<usize>,                   // in this pass
    last: Option<usize>,                 // comes last in this pass (S7, S11)
    turn: usize,                         // begins here while all are offline (P4)
    sent: Vec<Sent>,
}

/// Which registrars get which REGISTER when.
pub(super) fn predict(case: &Case) -> Vec<Sent> {
    let mut it = Naive::default();
    for now in (0..=HORIZON * 1_000).step_by(500) {
        (it.case, it.now) = (*case, now);
        it.happen();
        while let Some((m, _, takes)) = it.flight.filter(|it| it.1 == now) {
            it.take(m, takes);
        }
        let best = (0..3).find(|m| it.is_up(*m));
        let parks = case.upkeep != Homing && it.is_up(it.current);
        it.current = Some(it.current).filter(|_| parks).or(best).unwrap_or(0);
        if case.upkeep == Blind && best.is_none() {
            it.offline = [0; 3]; // P4
        }
    }
    it.sent
}

impl Naive {
    fn is_up(&self, m: usize) -> bool {
        self.offline[m] <= self.now
    }

    fn is_open(&self, m: usize) -> bool {
        let may_be = self.case.mode.avoids() && self.bound != Some(m);
        let is_avoided = may_be && self.avoid[m] > self.now; // S8
        self.gone != Some(m) && !self.tried.contains(&m) && !is_avoided
    }

    fn happen(&mut self) {
        let Case { mode, upkeep, .. } = self.case;
        for event in self.case.events(self.now) {
            match event {
                Online(m) => self.offline[m] = self.now,
                Offline(m) => self.offline[m] = NEVER,
                Leaves(m) => (self.gone, self.offline[m], self.avoid[m]) = (Some(m), NEVER, 0),
                InviteFails => {
                    let tells = self.case.hot_swap && ![Blind, FakeRegister].contains(&upkeep);
                    self.last = self.bound.filter(|_| tells && mode != Ims); // S11
                    (self.is_lost, self.due) = (self.is_lost || mode != Ims, self.now); // S7
                }
            }
            let is_dead = self.bound.is_some_and(|m| self.offline[m] == NEVER);
            let is_free = self.flight.is_none_or(|it| Some(it.0) == self.bound);
            let has_other = mode == Ims || (0..3).any(|m| self.is_up(m));
            let has_left = self.bound == self.gone && mode != Disable; // S5
            if is_dead && is_free && has_other && (has_left || matches!(mode, Enable | Ims)) {
                self.tried.extend(self.bound);
                self.is_lost = true; // S14
                self.go_on(true, true, 30_000);
            }
        }
        if self.due <= self.now {
            self.go_on(true, true, 30_000);
        }
    }

    /// The next one of this pass: one that is online, else `any` in turn.
    fn next(&mut self, any: bool) -> Option<usize> {
        let Case { mode, upkeep, .. } = self.case;
        let sticks = matches!(mode, Enable | Ims) && !self.is_lost; // S3
        let stays = mode.avoids() && upkeep != Homing; // S8
        let current = Some(self.current).filter(|_| mode != Ims); // S2, S4, S6
        let first = self.bound.filter(|_| sticks || stays).or(current);
        let order = first.into_iter().chain(0..3).filter(|m| self.is_open(*m));
        let online = order.filter(|m| mode == Ims || self.is_up(*m)); // S7, P7
        let online = online.min_by_key(|m| Some(*m) == self.last); // S7, S11
        if online.is_some() || !any {
            return online;
        }
        let turn = (self.turn..self.turn + 3).find(|turn| self.is_open(turn % 3))?;
        self.turn = turn + 1; // P4
        Some(turn % 3)
    }

    /// Sends to the next one, if the pass `goes_on` and has one; else waits.
    fn go_on(&mut self, goes_on: bool, any: bool, wait: u64) {
        let (case, now) = (self.case, self.now);
        let next = if goes_on { self.next(any) } else { None };
        let Some(m) = next else {
            (self.flight, self.due) = (None, now + wait); // L3
            (self.last, self.tried) = (None, vec![]);
            return;
        };
        let has_other = (0..3).any(|it| it != m && self.is_up(it) && self.is_open(it));
        let walks = case.mode == Ims && (self.bound != Some(m) || self.is_lost);
        let hurries = walks || case.hot_swap && has_other; // S7, P7
        let until = if hurries { 3_500 } else { 32_000 };
        let leaves = LEAVES.into_iter().filter(|after| *after < until); // X1
        let mut comes = leaves.map(|after| (m, now + after, case.situation.takes(m, now + after)));
        let comes = comes.find(|it| it.2 != Silence);
        (self.flight, self.due) = (comes.or(Some((m, now + until, Silence))), NEVER);
        let homes = case.mode.avoids() && case.upkeep == Homing; // S9
        let ends = self.avoid[..m].iter().filter(|it| homes && **it > now);
        let asked = ends.min().map_or(ASKED, |it| (it - now) / 500);
        self.sent.push((now, m, asked.clamp(10, ASKED)));
    }

    fn take(&mut self, m: usize, takes: Takes) {
        let Case { mode, hot_swap, .. } = self.case;
        let &(sent, _, asked) = self.sent.last().expect("it was sent");
        let is_silent = matches!(takes, Silence | Closed);
        let back = self.offline[m].min(sent + 10_000);
        self.offline[m] = if is_silent { NEVER } else { back }; // P4
        if takes == Well {
            self.avoid[m] = self.now + (asked + 180) * 1_000;
            (self.bound, self.is_lost, self.turn) = (Some(m), false, 0);
            return self.go_on(false, false, asked * 500); // L1
        }
        let was_followed = self.bound == Some(m) && !self.is_lost;
        let is_final = matches!(takes, Refuses | Code(600..));
        let moves = was_followed && (mode == Ims || !is_final); // S14
        self.is_lost |= moves && matches!(mode, Enable | Ims);
        let again = moves && mode == Ims; // S7
        self.last = Some(m).filter(|_| again).or(self.last);
        self.tried.extend(Some(m).filter(|_| !again));
        let swaps = hot_swap && (is_silent || matches!(takes, Code(500..600))); // P7
        let tries = moves && (mode == Enable || mode.avoids()) || mode == Ims || swaps;
        let wait = if takes == Refuses { 600_000 } else { 30_000 };
        self.go_on(tries, mode.avoids(), wait);
    }
}
