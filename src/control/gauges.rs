//! What monitoring reads beside the status of each Account, each Proxy Set and each alert.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::status::metrics::Measured;
use crate::status::round_trips::{RoundTrips, View};
use crate::status::{AccountStatus, Phase};

/// Numbers that are kept up to date where something changes, so that nobody has to count.
#[derive(Default)]
pub struct Gauges {
    refresh_failing: AtomicU32,
    on_backup: AtomicU32,
    clients: [AtomicU32; Door::ALL.len()],
    measured: RwLock<Arc<Measured>>,
    round_trips: RwLock<RoundTrips>,
}

/// Where clients come in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Door {
    /// By the control socket.
    Control,
    /// By HTTP.
    Web,
}

impl Door {
    /// All doors.
    pub const ALL: [Self; 2] = [Self::Control, Self::Web];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Web => "web",
        }
    }
}

/// A client is connected while this lives.
pub struct Presence<'g>(&'g AtomicU32);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gauges {
    /// The status of an Account is another one than before.
    pub(super) fn on_published(&self, old: Option<&AccountStatus>, new: Option<&AccountStatus>) {
        for (count, is_so) in [
            (
                &self.refresh_failing,
                AccountStatus::is_refresh_failing as fn(&AccountStatus) -> bool,
            ),
            (&self.on_backup, is_on_backup),
        ] {
            match [old, new].map(|status| status.is_some_and(is_so)) {
                [false, true] => drop(count.fetch_add(1, Ordering::Relaxed)),
                [true, false] => drop(count.fetch_sub(1, Ordering::Relaxed)),
                [false, false] | [true, true] => {}
            }
        }
    }

    /// Accounts that are registered, though their last refresh failed.
    pub fn refresh_failing(&self) -> u32 {
        self.refresh_failing.load(Ordering::Relaxed)
    }

    /// Accounts that are registered at another registrar than the first of their set.
    pub fn on_backup(&self) -> u32 {
        self.on_backup.load(Ordering::Relaxed)
    }

    /// A client has come in.
    pub fn enter(&self, door: Door) -> Presence<'_> {
        let count = &self.clients[door as usize];
        count.fetch_add(1, Ordering::Relaxed);
        Presence(count)
    }

    /// So many clients that came in there are connected.
    pub fn clients(&self, door: Door) -> u32 {
        self.clients[door as usize].load(Ordering::Relaxed)
    }

    /// Puts up what was counted and measured.
    pub fn publish(&self, measured: Measured) {
        let place = self.measured.write();
        *place.unwrap_or_else(PoisonError::into_inner) = Arc::new(measured);
    }

    /// What was counted and measured.
    pub fn measured(&self) -> Arc<Measured> {
        let place = self.measured.read();
        Arc::clone(&place.unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes what is known of round trips over time.
    pub fn with_round_trips<T>(&self, change: impl FnOnce(&mut RoundTrips) -> T) -> T {
        let place = self.round_trips.write();
        change(&mut place.unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of round trips over time.
    pub fn round_trips(&self) -> View {
        let place = self.round_trips.read();
        place.unwrap_or_else(PoisonError::into_inner).view()
    }
}

/// It is registered at another registrar than the first of its set.
fn is_on_backup(status: &AccountStatus) -> bool {
    status.phase == Phase::Registered && status.backup_registrar_used
}
