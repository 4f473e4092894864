//! Whom an Account avoids and until when, and the shortened expiry that brings it home in time
//! (rules S8, S9).

use super::{Account, Shared, schedule};
use crate::config::Registration;
use crate::pace::RegistrarId;
use crate::time::{Duration, Instant};

/// The last 200 of a registrar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Visit {
    pub(super) registrar: RegistrarId,
    /// When what it granted ends: microseconds since the engine's start, before it if need be.
    pub(super) ends: i64,
    /// What it granted, in seconds.
    pub(super) granted: u32,
    /// Whether another registrar has answered 200 since.
    pub(super) is_left: bool,
}

impl Visit {
    fn avoided_until(&self, rules: &Registration) -> Instant {
        let grace = i64::from(rules.account_registrar_avoidance_secs) * 1_000_000;
        let end = self.ends.saturating_add(grace);
        Instant::from_micros(u64::try_from(end).unwrap_or(0))
    }
}

/// Never asked for less (rule S9).
const ASKED_MIN: u32 = 10;

impl Account {
    /// A registrar has granted so much now.
    pub(super) fn visit(&mut self, registrar: RegistrarId, granted: u32, now: Instant) {
        if !self.is_avoiding() {
            return;
        }
        let visits = &mut self.rare().visits;
        visits.retain(|visit| visit.registrar != registrar);
        visits.iter_mut().for_each(|visit| visit.is_left = true);
        let ends = now + Duration::from_secs(granted.into());
        visits.push(Visit {
            registrar,
            ends: i64::try_from(ends.as_micros()).unwrap_or(i64::MAX),
            granted,
            is_left: false,
        });
    }

    /// A registrar has removed the binding; `all` of them with `Contact: *` (rule S8).
    pub(super) fn forget_visit(&mut self, registrar: RegistrarId, all: bool) {
        if let Some(rare) = &mut self.rare {
            rare.visits
                .retain(|visit| !all && visit.registrar != registrar);
        }
    }

    /// Until when this registrar is avoided, if it is.
    pub(super) fn avoided_until(
        &self,
        registrar: RegistrarId,
        now: Instant,
        rules: &Registration,
    ) -> Option<Instant> {
        let mut visits = self.visits().iter().filter(|_| self.is_avoiding());
        let visit = visits.find(|visit| visit.registrar == registrar && visit.is_left)?;
        Some(visit.avoided_until(rules)).filter(|until| *until > now)
    }

    /// When the avoidance of registrars ends, for what the status shows.
    pub(super) fn avoidance_ends(
        &self,
        now: Instant,
        rules: &Registration,
    ) -> impl Iterator<Item = Instant> {
        let ids = self.visits().iter().map(|visit| visit.registrar);
        ids.filter_map(move |id| self.avoided_until(id, now, rules))
    }

    /// When a REGISTER at this registrar should be followed by one that may go to a better one: the
    /// earliest avoided-until still ahead among members better than it (rule S9).
    pub(super) fn way_home(&self, registrar: RegistrarId, shared: &Shared) -> Option<Instant> {
        let set = self.set.filter(|_| self.is_avoiding())?;
        let visits = self.visits();
        if visits.is_empty() || !shared.proxies.is_homing(set) {
            return None;
        }
        let better = self
            .considered(set, &shared.proxies)
            .take_while(|id| *id != registrar);
        better
            .filter_map(|id| visits.iter().find(|visit| visit.registrar == id))
            .map(|visit| visit.avoided_until(&shared.rules))
            .filter(|until| *until > shared.cx.now)
            .min()
    }

    /// The expiry to ask this registrar for, and when the refresh is due at the latest (rule S9).
    pub(super) fn asked_at(&self, registrar: RegistrarId, shared: &Shared) -> u32 {
        let minimum = shared.pace.get(registrar).min_expires.unwrap_or(0);
        let asked = shared.rules.registration_time_secs;
        let shortened = match self.way_home(registrar, shared) {
            Some(home) => asked.min(shortest(home - shared.cx.now, asked, &shared.rules)),
            None => asked,
        };
        shortened.max(minimum)
    }
}

/// The smallest whole number of seconds, from 10 to `longest`, whose refresh by rule L1 is not
/// before `wait`; `longest` if there is none.
fn shortest(wait: Duration, longest: u32, rules: &Registration) -> u32 {
    // A longer grant is never refreshed earlier.
    let (mut low, mut high) = (ASKED_MIN.min(longest), longest);
    while low < high {
        let middle = low + (high - low) / 2;
        if schedule::refresh_after(middle, rules) < wait {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    // rule S9: the numbers of the manual's example
    #[test]
    fn the_shortened_expiry_is_the_smallest_whose_refresh_is_not_too_early() {
        let mut rules = Registration::default();
        let secs = Duration::from_secs;
        assert_eq!(shortest(secs(180), 480, &rules), 360);
        assert_eq!(
            shortest(secs(420), 480, &rules),
            480,
            "no more than asked otherwise"
        );
        assert_eq!(shortest(secs(1), 480, &rules), 10, "no less than 10");
        assert_eq!(shortest(Duration::from_millis(90_250), 480, &rules), 181);
        rules.refresh_percent = 80;
        assert_eq!(shortest(secs(276), 480, &rules), 345);
        for wait in 0..600 {
            let asked = shortest(secs(wait), 480, &rules);
            let reaches = |asked| schedule::refresh_after(asked, &rules) >= secs(wait);
            assert!(asked == 480 || reaches(asked), "{wait}");
            assert!(asked == 10 || !reaches(asked - 1), "{wait}");
        }
    }
}
