//! What the daemon measures of itself, put up for monitoring about once a second.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::Daemon;
use crate::notify::{Means, Word};
use crate::status::UnixMs;
use crate::status::metrics::{Measured, NoticeCounts};
use crate::status::round_trips::{Point, step_of};
use crate::tally::Window;
use crate::time::{Duration, Instant};

/// What is counted here, and what was put up last.
pub(super) struct Meter {
    started: UnixMs,
    reloaded: UnixMs,
    is_reload_good: bool,
    notices: [(Means, NoticeCounts); 2],
    /// When it is looked again whether something has changed.
    next: Instant,
    /// Stands for what was put up: it is another one when something has changed.
    mark: [u64; 4],
    changes: u64,
    /// When the five minutes began whose round trips are collected, and when what there is of them
    /// is put up next.
    step: UnixMs,
    next_trips: Instant,
}

impl Meter {
    pub(super) fn new(started: UnixMs) -> Self {
        Self {
            started,
            reloaded: started,
            is_reload_good: true,
            notices: [Means::Mail, Means::Webhook].map(|it| (it, NoticeCounts::default())),
            next: Instant::ZERO,
            mark: [u64::MAX; 4],
            changes: 0,
            step: step_of(started),
            next_trips: Instant::ZERO,
        }
    }

    /// Something has become of a letter.
    pub(super) fn on_word(&mut self, word: &Word) {
        let (Word::Tried(letter)
        | Word::Delivered(letter)
        | Word::GivenUp(letter)
        | Word::Unwanted(letter)) = word;
        let Some((_, counts)) = self.notices.iter_mut().find(|it| it.0 == letter.means) else {
            return;
        };
        match word {
            Word::Tried(_) => counts.failed += 1,
            Word::Delivered(_) => counts.delivered += 1,
            Word::GivenUp(_) => counts.given_up += 1,
            Word::Unwanted(_) => {}
        }
        self.changes += 1;
    }

    /// The configuration was read, to be put in force.
    pub(super) fn on_reload(&mut self, is_good: bool, now: UnixMs) {
        self.is_reload_good = is_good;
        if is_good {
            self.reloaded = now;
        }
        self.changes += 1;
    }
}

impl Daemon {
    /// Puts up what has changed.
    pub(super) fn measure(&mut self, now: Instant) {
        if now < self.meter.next {
            return;
        }
        self.meter.next = now + PAUSE;
        self.collect_round_trips(now);
        let engine = &self.engine;
        let mark = [
            engine.tally().changes(),
            engine.lateness().count(),
            self.sockets.count() as u64,
            self.meter.changes + self.keeper.writes().map_or(0, |it| it.count()),
        ];
        if mark == self.meter.mark {
            return;
        }
        self.meter.mark = mark;
        let mut measured = Measured::of(engine);
        let sockets = self.sockets.count() as u64;
        measured.account_ports = sockets.saturating_sub(measured.interface_sockets);
        let meter = &self.meter;
        measured.notices = meter
            .notices
            .map(|(means, counts)| (means.word(), counts))
            .into();
        measured.writes = self.keeper.writes();
        measured.is_reload_good = meter.is_reload_good;
        measured.reloaded = Some(meter.reloaded);
        measured.started = Some(meter.started);
        self.board.gauges().publish(measured);
    }

    fn collect_round_trips(&mut self, now: Instant) {
        let step = step_of(self.clock.unix(now));
        if step != self.meter.step {
            self.end_round_trips();
            self.meter.step = step;
        } else if self.meter.next_trips <= now {
            let points = points(step, &self.engine.tally().windows());
            let gauges = self.board.gauges();
            gauges.with_round_trips(|trips| trips.set_now(points));
        } else {
            return;
        }
        self.meter.next_trips = now + SHOWN;
    }

    /// Five minutes are over, or the run.
    pub(super) fn end_round_trips(&mut self) {
        let points = points(self.meter.step, &self.engine.take_round_trips());
        if points.is_empty() {
            return;
        }
        let gauges = self.board.gauges();
        let kept = gauges.with_round_trips(|trips| trips.end(points));
        self.keeper.keep_round_trips(kept);
    }
}

fn points(step: UnixMs, windows: &BTreeMap<SocketAddr, Window>) -> BTreeMap<SocketAddr, Point> {
    let windows = windows.iter();
    windows
        .map(|(registrar, window)| (*registrar, Point::of(step, window)))
        .collect()
}

/// Nothing is put up more often.
const PAUSE: Duration = Duration::from_millis(900);

/// So often what there is of the five minutes that go on is put up.
const SHOWN: Duration = Duration::from_secs(5);
