//! Round trips over time, for each registrar: a point for every five minutes, for seven days.
//!
//! It knows points, and is told what time it is by them. The invariant: no more than
//! [`RoundTrips::MOST`] points are kept, the oldest going first, and at most one of a registrar
//! for each five minutes.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::UnixMs;
use crate::tally::Window;

/// So long the time of a point is, in seconds.
pub const STEP_S: i64 = 300;

/// So long points are kept, in seconds.
pub const KEPT_S: i64 = 7 * 86_400;

/// The round trips of one registrar in five minutes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Point {
    /// When the five minutes began.
    pub at: UnixMs,
    /// How many there were.
    pub count: u32,
    /// The shortest, in microseconds.
    pub min_us: u32,
    /// About the middle one: off by a sixteenth at most.
    pub median_us: u32,
    /// The longest.
    pub max_us: u32,
}

impl Point {
    /// The round trips of the five minutes that begin then.
    pub fn of(at: UnixMs, window: &Window) -> Self {
        Self {
            at,
            count: window.count(),
            min_us: window.shortest(),
            median_us: window.median(),
            max_us: window.longest(),
        }
    }

    /// Both together. Of two middles the one between is taken, nearer to that of the many.
    fn with(self, other: Self) -> Self {
        let all = u64::from(self.count) + u64::from(other.count);
        let weigh = |it: Self| u64::from(it.median_us) * u64::from(it.count);
        let median = (weigh(self) + weigh(other)).checked_div(all);
        let number = |it: u64| u32::try_from(it).unwrap_or(u32::MAX);
        Self {
            at: self.at,
            count: number(all),
            min_us: self.min_us.min(other.min_us),
            median_us: number(median.unwrap_or_default()),
            max_us: self.max_us.max(other.max_us),
        }
    }
}

/// The beginning of the five minutes that a time lies in.
pub fn step_of(at: UnixMs) -> UnixMs {
    let step = STEP_S * 1_000;
    UnixMs(at.0.div_euclid(step) * step)
}

/// The points of all registrars.
#[derive(Clone, Default, Debug)]
pub struct RoundTrips {
    past: BTreeMap<SocketAddr, Arc<VecDeque<Point>>>,
    /// Those of the five minutes that go on.
    now: BTreeMap<SocketAddr, Point>,
    count: usize,
}

/// What is shown of a registrar.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Series {
    /// Its address.
    pub registrar: SocketAddr,
    /// Its points, the oldest first. Times without any have none.
    pub points: Vec<Point>,
}

impl RoundTrips {
    /// So many points are kept: those of 99 registrars that are heard of all the time.
    pub const MOST: usize = 200_000;

    /// Adds what a run before has left, in the order of its times.
    pub fn restore(&mut self, points: impl IntoIterator<Item = (SocketAddr, Point)>) {
        for (registrar, point) in points {
            self.add(registrar, point);
        }
        self.bound();
    }

    /// What there is so far of the five minutes that go on.
    pub fn set_now(&mut self, points: BTreeMap<SocketAddr, Point>) {
        self.forget_ahead(&points);
        self.now = points;
    }

    /// Five minutes are over. What is to be kept of them comes back, put together with what a run
    /// before has left of the same five minutes.
    pub fn end(&mut self, points: BTreeMap<SocketAddr, Point>) -> Vec<(SocketAddr, Point)> {
        self.now.clear();
        self.forget_ahead(&points);
        let kept: Vec<_> = points
            .into_iter()
            .map(|(registrar, point)| (registrar, self.add(registrar, point)))
            .collect();
        self.bound();
        kept
    }

    fn add(&mut self, registrar: SocketAddr, point: Point) -> Point {
        let points = Arc::make_mut(self.past.entry(registrar).or_default());
        match points.back_mut() {
            Some(last) if last.at == point.at => {
                *last = last.with(point);
                *last
            }
            // What is restored is in order; if it is not, the order is not turned round.
            Some(last) if last.at > point.at => point,
            _ => {
                points.push_back(point);
                self.count += 1;
                point
            }
        }
    }

    /// Points of a clock that was ahead go: until it caught up, there would be none.
    fn forget_ahead(&mut self, points: &BTreeMap<SocketAddr, Point>) {
        let Some(now) = points.values().map(|point| point.at).max() else {
            return;
        };
        for points in self.past.values_mut() {
            let ahead = points.iter().rev().take_while(|it| it.at > now).count();
            if ahead > 0 {
                let left = points.len() - ahead;
                Arc::make_mut(points).truncate(left);
                self.count -= ahead;
            }
        }
        self.past.retain(|_, points| !points.is_empty());
    }

    /// Old points go, and the oldest where there are too many.
    fn bound(&mut self) {
        let newest = self.past.values().filter_map(|it| it.back());
        let Some(newest) = newest.map(|point| point.at.0).max() else {
            return;
        };
        self.forget(UnixMs(newest - KEPT_S * 1_000));
        while self.count > Self::MOST {
            let oldest = self.past.values().filter_map(|it| it.front());
            let Some(oldest) = oldest.map(|point| point.at.0).min() else {
                return;
            };
            self.forget(UnixMs(oldest + 1));
        }
    }

    /// Forgets what is older.
    fn forget(&mut self, since: UnixMs) {
        for points in self.past.values_mut() {
            let old = points.iter().take_while(|point| point.at < since).count();
            if old > 0 {
                Arc::make_mut(points).drain(..old);
                self.count -= old;
            }
        }
        self.past.retain(|_, points| !points.is_empty());
    }

    /// The points from a time on, registrar by registrar, as far as they are wanted. It is cheap:
    /// nothing is copied before [`View::series`].
    pub fn view(&self) -> View {
        let past = self.past.iter();
        let mut all: BTreeMap<_, Shown> = past
            .map(|(registrar, points)| (*registrar, (Some(Arc::clone(points)), None)))
            .collect();
        for (registrar, point) in &self.now {
            all.entry(*registrar).or_default().1 = Some(*point);
        }
        View(all)
    }
}

/// The points of all registrars as of some time.
#[derive(Clone, Debug)]
pub struct View(BTreeMap<SocketAddr, Shown>);

/// The past of a registrar, and the five minutes that go on.
type Shown = (Option<Arc<VecDeque<Point>>>, Option<Point>);

impl View {
    /// The points from a time on, for each registrar that has any.
    pub fn series(&self, since: UnixMs) -> impl Iterator<Item = Series> + '_ {
        let all = self.0.iter().map(move |(registrar, (past, now))| {
            let past = past.iter().flat_map(|points| points.iter());
            let mut points: Vec<Point> = past.filter(|it| it.at >= since).copied().collect();
            match (points.last_mut(), now) {
                (Some(last), Some(now)) if last.at == now.at => *last = last.with(*now),
                (_, Some(now)) if now.at >= since => points.push(*now),
                _ => {}
            }
            Series {
                registrar: *registrar,
                points,
            }
        });
        all.filter(|series| !series.points.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: i64 = STEP_S * 1_000;

    fn point(step: i64, count: u32, median_us: u32) -> Point {
        Point {
            at: UnixMs(step * STEP),
            count,
            min_us: median_us / 2,
            median_us,
            max_us: median_us * 2,
        }
    }

    fn registrar(number: u16) -> SocketAddr {
        ([127, 0, 0, 1], number).into()
    }

    fn one(point: Point) -> BTreeMap<SocketAddr, Point> {
        BTreeMap::from([(registrar(1), point)])
    }

    #[test]
    fn five_minutes_begin_where_the_clock_says() {
        assert_eq!(step_of(UnixMs(STEP * 7 + 1)), UnixMs(STEP * 7));
        assert_eq!(step_of(UnixMs(STEP * 7)), UnixMs(STEP * 7));
        assert_eq!(step_of(UnixMs(-1)), UnixMs(-STEP));
    }

    #[test]
    fn what_a_run_before_has_left_of_the_same_five_minutes_is_put_together() {
        let mut trips = RoundTrips::default();
        trips.restore(one(point(5, 10, 100)));
        let kept = trips.end(one(point(5, 30, 200)));
        let both = Point {
            at: UnixMs(5 * STEP),
            count: 40,
            min_us: 50,
            median_us: 175,
            max_us: 400,
        };
        assert_eq!(kept, [(registrar(1), both)]);
        trips.set_now(one(point(6, 1, 7)));
        let series: Vec<_> = trips.view().series(UnixMs(0)).collect();
        assert_eq!(series[0].points, [both, point(6, 1, 7)]);
        let series: Vec<_> = trips.view().series(UnixMs(6 * STEP)).collect();
        assert_eq!(series[0].points, [point(6, 1, 7)]);
        assert_eq!(trips.view().series(UnixMs(7 * STEP)).count(), 0);
    }

    #[test]
    fn the_five_minutes_that_go_on_are_shown_with_what_was_before_a_restart() {
        let mut trips = RoundTrips::default();
        trips.restore(one(point(5, 1, 100)));
        trips.set_now(one(point(5, 1, 300)));
        let series: Vec<_> = trips.view().series(UnixMs(0)).collect();
        assert_eq!(
            (series[0].points.len(), series[0].points[0].median_us),
            (1, 200)
        );
    }

    #[test]
    fn a_week_is_kept_and_no_more() {
        let mut trips = RoundTrips::default();
        for step in 0..3_000 {
            trips.end(one(point(step, 1, 100)));
        }
        let series: Vec<_> = trips.view().series(UnixMs(0)).collect();
        assert_eq!(series[0].points.len(), 2_017);
        assert_eq!(series[0].points[0].at, UnixMs((2_999 - 2_016) * STEP));
    }

    #[test]
    fn after_a_clock_was_set_back_what_lies_ahead_of_it_goes() {
        let points = |trips: &RoundTrips| -> Vec<_> {
            let view = trips.view();
            view.series(UnixMs(0)).map(|it| it.points).collect()
        };
        let mut trips = RoundTrips::default();
        trips.restore(one(point(5, 1, 100)));
        trips.restore([(registrar(2), point(9_000, 1, 100))]);
        trips.restore(one(point(9_000, 1, 100)));
        assert_eq!(trips.count, 2, "{trips:?}");
        trips.restore(one(point(9_001, 1, 100)));
        trips.set_now(one(point(9_000, 1, 300)));
        assert_eq!(points(&trips).len(), 2);
        trips.set_now(one(point(8_999, 1, 300)));
        assert_eq!(points(&trips), [[point(8_999, 1, 300)]]);
        trips.end(one(point(8_999, 1, 300)));
        let kept = trips.end(one(point(8_990, 2, 200)));
        assert_eq!(kept, [(registrar(1), point(8_990, 2, 200))]);
        assert_eq!(points(&trips), [[point(8_990, 2, 200)]]);
        assert_eq!(trips.count, 1);
    }

    #[test]
    fn many_registrars_are_kept_for_less_long() {
        let mut trips = RoundTrips::default();
        for step in 0..300 {
            let points = (0..1_000).map(|it| (registrar(it), point(step, 1, 100)));
            trips.end(points.collect());
        }
        assert_eq!(trips.count, RoundTrips::MOST);
        let series: Vec<_> = trips.view().series(UnixMs(0)).collect();
        assert_eq!(series.len(), 1_000);
        assert!(series.iter().all(|it| it.points.len() == 200));
        assert_eq!(series[7].points[0].at, UnixMs(100 * STEP));
    }
}
