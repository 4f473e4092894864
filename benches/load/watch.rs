//! Tells whether the machine stood still: a thread that sleeps and measures how late it wakes.
//!
//! A figure taken while a neighbour had the processor says nothing about what was measured. The
//! bench asks after each run and throws a run away that saw a stall.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// The longest stall since it was last asked for.
pub(crate) struct Watch(Arc<AtomicU64>);

impl Watch {
    /// Starts watching; the thread ends with the value.
    pub(crate) fn start() -> Self {
        let longest = Arc::new(AtomicU64::new(0));
        let weak = Arc::downgrade(&longest);
        thread::spawn(move || watch(&weak));
        Self(longest)
    }

    /// The longest stall since the last call.
    pub(crate) fn take(&self) -> Duration {
        Duration::from_micros(self.0.swap(0, Ordering::Relaxed))
    }
}

fn watch(longest: &Weak<AtomicU64>) {
    const NAP: Duration = Duration::from_millis(10);
    loop {
        let asleep = Instant::now();
        thread::sleep(NAP);
        let late = asleep.elapsed().saturating_sub(NAP);
        let Some(longest) = longest.upgrade() else {
            return;
        };
        longest.fetch_max(
            late.as_micros().try_into().unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
    }
}

/// A run that saw a longer stall than this is void.
pub(crate) const VOID: Duration = Duration::from_millis(200);
