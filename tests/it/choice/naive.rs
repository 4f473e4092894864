//! A second account of which registrar gets which REGISTER, for one Account and three registrars:
//! written from the manual's notes and the rules, sharing no code with the program. Here is its
//! clock, which moves in half seconds; it chooses in `chooser`.

#[rustfmt::skip]
mod chooser;
mod members;

use super::case::{Case, HORIZON, Mode, Sent, Takes, X};
use members::{Members, News};

type Tick = u32;
/// A request leaves so many half seconds after it left first (rule X1).
const SENDS: [Tick; 11] = [0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63];

struct Naive<'a> {
    case: &'a Case,
    now: Tick,
    members: Members<'a>,
    bound: Option<(usize, Tick)>, // where, until when
    is_lost: bool,                // requests do not follow the binding any more (S14)
    due: Option<Tick>,
    flight: Option<(usize, Tick, Tick)>, // where, since when, until when at most
    tried: Vec<usize>,                   // in this pass
    spared: Option<usize>,               // the last of this pass (S11)
    walk: Vec<usize>,                    // the rest of this pass (S7)
    turn: Option<usize>,                 // who was tried last while all were offline (P4)
    refused: (bool, u32),                // in this pass, and in how many passes in a row
    visits: [Option<(Tick, Tick)>; 3],   // the last 200, and until when it may be avoided (S8)
    sent: Vec<Sent>,
}

/// Which registrars get which REGISTER when.
pub(super) fn predict(case: &Case) -> Vec<Sent> {
    let members = Members {
        case,
        now: 0,
        all: Default::default(),
        current: None,
    };
    let mut it = Naive {
        case,
        now: 0,
        members,
        bound: None,
        is_lost: false,
        due: Some(0),
        flight: None,
        tried: vec![],
        spared: None,
        walk: vec![],
        turn: None,
        refused: (false, 0),
        visits: [None; 3],
        sent: vec![],
    };
    (0..=HORIZON * 2).for_each(|now| it.tick(now));
    it.sent
}

impl Naive<'_> {
    fn tick(&mut self, now: Tick) {
        (self.now, self.members.now) = (now, now);
        if self.bound.is_some_and(|(_, until)| until <= now) {
            (self.bound, self.is_lost) = (None, false);
        }
        let is_now = |secs: Option<u32>| secs.map(|secs| secs * 2) == Some(now);
        if is_now(self.case.situation.x_leaves) {
            self.members.all[X].has_left = true;
            if self.case.mode != Mode::Disable {
                self.leave(X);
            }
        }
        if is_now(self.case.situation.invite_fails) {
            self.invite_failed();
        }
        if self.due.is_some_and(|due| due <= now) {
            self.begin();
        }
        // What was sent because of an answer is answered in the same instant.
        for _ in 0..2 {
            self.probe();
            while self.flight.is_some_and(|flight| self.fly(flight)) {}
        }
    }

    /// All time-outs of an instant come before its answers.
    fn probe(&mut self) {
        let probes = self.members.probes(self.bound.map(|it| it.0)).into_iter();
        let is_old = |it: &(usize, Tick)| self.now - it.1 == 64;
        let (old, new): (Vec<_>, Vec<_>) = probes.partition(is_old);
        let give_up = |(m, sent)| self.members.give_up(m, sent);
        let lost: Vec<News> = old.into_iter().filter_map(give_up).collect();
        lost.into_iter().for_each(|news| self.hear_of(news));
        for (m, sent) in new {
            if let Some(news) = self.members.probe(m, sent) {
                self.hear_of(news);
            }
        }
    }

    /// A REGISTER under way: whether anything came of it now.
    fn fly(&mut self, (m, sent, until): (usize, Tick, Tick)) -> bool {
        let takes = self.members.takes(m);
        let is_over = self.now == until;
        if !is_over && (takes == Takes::Silence || !SENDS.contains(&(self.now - sent))) {
            return false;
        }
        match takes {
            _ if is_over => self.fail(m, sent, 408),
            Takes::Well => self.granted(m, sent),
            Takes::Closed | Takes::Silence => self.fail(m, self.now, 408),
            Takes::Code(code) => {
                self.members.hear(m, sent);
                self.fail(m, sent, code);
            }
            Takes::Refuses => {
                self.members.hear(m, sent);
                self.fail(m, sent, 401);
            }
        }
        true
    }

    /// An Account that is bound to a registrar that is offline leaves it, as soon as there is
    /// another one (rule S14).
    fn hear_of(&mut self, news: News) {
        match (news, self.bound) {
            _ if !matches!(self.case.mode, Mode::Enable | Mode::Ims) => {}
            (News::Lost(m), _) => self.leave(m),
            (News::Back, Some((m, _))) if self.due.is_some() && self.members.is_dead(m) => {
                self.leave(m);
            }
            (News::Back, _) => {}
        }
    }
}
