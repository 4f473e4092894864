//! What the naive chooser knows of its three registrars: who is up, found out by probes and by
//! REGISTERs (rules P3, P4), and who is the current one (rule P6).

use super::super::case::{ASKED, Case, Takes, Upkeep};
use super::{SENDS, Tick};

#[derive(Clone, Copy, Default)]
pub(super) struct Member {
    pub(super) has_left: bool,
    is_offline: bool,
    pub(super) is_suspect: bool,
    heard: Option<Tick>,
    probed: Option<(Tick, bool)>, // and whether it is under way
    good: Option<Tick>,           // offline, and what was sent then was answered
}

/// What a probe came to.
pub(super) enum News {
    Lost(usize),
    Back,
}

pub(super) struct Members<'a> {
    pub(super) case: &'a Case,
    pub(super) now: Tick,
    pub(super) all: [Member; 3],
    pub(super) current: Option<usize>,
}

impl Members<'_> {
    pub(super) fn takes(&self, m: usize) -> Takes {
        self.case.situation.takes(m, u64::from(self.now) * 500)
    }

    pub(super) fn is_up(&self, m: usize) -> bool {
        !self.all[m].has_left && !self.all[m].is_offline
    }

    pub(super) fn is_usable(&self, m: usize) -> bool {
        self.is_up(m) && !self.all[m].is_suspect
    }

    /// Offline, and not heard since.
    pub(super) fn is_dead(&self, m: usize) -> bool {
        self.all[m].is_offline && self.all[m].good.is_none()
    }

    /// The current one: parking stays where it is (rule P6).
    pub(super) fn elect(&mut self) -> Option<usize> {
        let parks = self.case.upkeep != Upkeep::Homing;
        let stays = self.current.filter(|m| parks && self.is_usable(*m));
        self.current = stays.or_else(|| (0..3).find(|m| self.is_usable(*m)));
        self.current
    }

    /// It sent an answer to something that left at `sent`.
    pub(super) fn hear(&mut self, m: usize, sent: Tick) {
        let it = &mut self.all[m];
        (it.heard, it.is_suspect) = (Some(self.now), false);
        if it.is_offline {
            it.good.get_or_insert(sent);
        }
    }

    /// What left at `sent` was not answered, or could not be delivered (rule P4). Whether that is
    /// news.
    pub(super) fn miss(&mut self, m: usize, sent: Tick) -> bool {
        let it = &mut self.all[m];
        if self.now > sent && it.heard.is_some_and(|heard| heard > sent) {
            return false;
        }
        if self.case.upkeep == Upkeep::Blind {
            it.is_suspect = true;
            return false;
        }
        it.good.take().is_some() | !std::mem::replace(&mut it.is_offline, true)
    }

    /// The probes that leave or are repeated now, and when each first left (rule P3).
    pub(super) fn probes(&mut self, bound: Option<usize>) -> Vec<(usize, Tick)> {
        self.elect();
        let due = |m: usize| Some((m, self.probe_due(m, bound)?));
        (0..3).filter_map(due).collect()
    }

    fn probe_due(&self, m: usize, bound: Option<usize>) -> Option<Tick> {
        let it = self.all[m];
        let (apart, is_for_all) = match self.case.upkeep {
            Upkeep::Blind => return None,
            Upkeep::Register => (ASKED * 2, false),
            Upkeep::OnActive => (120, false),
            Upkeep::Parking | Upkeep::Homing | Upkeep::FakeRegister => (120, true),
        };
        let is_one = self.current.is_none_or(|current| current == m) || bound == Some(m);
        let due = match (it.probed, it.good) {
            (Some((sent, true)), _) => return Some(sent),
            (_, Some(good)) => good + 20,
            _ if !is_for_all && !is_one => return None,
            (Some((sent, false)), None) => sent + apart,
            (None, None) => 0,
        };
        (due <= self.now && !it.has_left).then_some(self.now)
    }

    /// A probe that left at `sent` is not waited for any longer.
    pub(super) fn give_up(&mut self, m: usize, sent: Tick) -> Option<News> {
        self.all[m].probed = Some((sent, false));
        self.miss(m, sent).then_some(News::Lost(m))
    }

    /// A probe leaves, or leaves again.
    pub(super) fn probe(&mut self, m: usize, sent: Tick) -> Option<News> {
        if !SENDS.contains(&(self.now - sent)) {
            return None;
        }
        let takes = self.takes(m);
        self.all[m].probed = Some((sent, takes == Takes::Silence));
        match takes {
            Takes::Silence => None,
            Takes::Closed => self.miss(m, self.now).then_some(News::Lost(m)),
            Takes::Well | Takes::Code(_) | Takes::Refuses => {
                let is_back = self.all[m].good.is_some_and(|good| sent >= good + 20);
                self.hear(m, sent);
                if is_back {
                    (self.all[m].is_offline, self.all[m].good) = (false, None);
                }
                is_back.then_some(News::Back)
            }
        }
    }
}
