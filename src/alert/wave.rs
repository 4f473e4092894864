//! Losses at one registrar within a short time: they are told in one message (rule T3).

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::clock::Moment;

/// Losses within this time of the first are one wave, in microseconds.
const WAVE: i64 = 10_000_000;

/// One wave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct WaveId(u64);

/// All waves of which not everything is told.
#[derive(Default, Debug)]
pub(super) struct Waves {
    waves: BTreeMap<WaveId, Wave>,
    /// The last one of each registrar.
    latest: BTreeMap<SocketAddr, WaveId>,
    /// Those in which nobody is checked any more.
    complete: VecDeque<WaveId>,
    count: u64,
}

#[derive(Debug)]
struct Wave {
    registrar: SocketAddr,
    first: Moment,
    /// How many are still being checked. The message waits for them; since they were lost within
    /// the wave, it waits no longer than that lasts.
    checked: usize,
    raised: Vec<Arc<str>>,
}

impl Waves {
    /// A loss: it is in the registrar's last wave, or begins another one.
    pub(super) fn join(&mut self, registrar: SocketAddr, lost: Moment) -> WaveId {
        let latest = self.latest.get(&registrar).copied();
        if let Some(id) = latest
            && let Some(wave) = self.waves.get_mut(&id)
            && lost.0.saturating_sub(wave.first.0) <= WAVE
        {
            wave.checked += 1;
            return id;
        }
        let id = WaveId(self.count);
        self.count += 1;
        self.latest.insert(registrar, id);
        let wave = Wave {
            registrar,
            first: lost,
            checked: 1,
            raised: Vec::new(),
        };
        self.waves.insert(id, wave);
        id
    }

    /// The loss of an Account lasted.
    pub(super) fn on_raised(&mut self, id: WaveId, account: &Arc<str>) {
        if let Some(wave) = self.waves.get_mut(&id) {
            wave.raised.push(Arc::clone(account));
        }
        self.on_left(id);
    }

    /// An Account of the wave is checked no longer.
    pub(super) fn on_left(&mut self, id: WaveId) {
        if let Some(wave) = self.waves.get_mut(&id) {
            wave.checked -= 1;
            if wave.checked == 0 {
                self.complete.push_back(id);
            }
        }
    }

    /// A wave whose message can be written: its registrar, and the Accounts with an alert.
    pub(super) fn next_complete(&mut self) -> Option<(SocketAddr, Vec<Arc<str>>)> {
        loop {
            let id = self.complete.pop_front()?;
            // Somebody may have joined after the last one left.
            if self.waves.get(&id).is_none_or(|wave| wave.checked > 0) {
                continue;
            }
            let Some(wave) = self.waves.remove(&id) else {
                continue;
            };
            if self.latest.get(&wave.registrar) == Some(&id) {
                self.latest.remove(&wave.registrar);
            }
            return Some((wave.registrar, wave.raised));
        }
    }
}

#[cfg(test)]
impl Waves {
    /// How many are still being checked in all of them.
    pub(super) fn checked(&self) -> usize {
        self.waves.values().map(|wave| wave.checked).sum()
    }
}
