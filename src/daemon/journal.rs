//! Events as log lines: each that matters once, and a flood as its count.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tracing::{Level, debug, enabled, info, warn};

use crate::control::Board;
use crate::effect::{AccountId, Event, Phase};
use crate::status::words::phase_words;
use crate::time::{Duration, Instant};

/// What has been logged lately.
#[derive(Default)]
pub(super) struct Journal {
    news: Budget,
    troubles: Budget,
    /// Lines that were left out, by what Accounts had become.
    left_out: BTreeMap<Phase, u32>,
    /// The last trouble of an Account (or of none), when it was logged, and how often it was left
    /// out since.
    repeated: HashMap<Option<AccountId>, Trouble>,
}

struct Trouble {
    text: String,
    at: Instant,
    left_out: u32,
}

impl Journal {
    /// Logs an event.
    pub(super) fn log(&mut self, now: Instant, event: Event, board: &Board) {
        match event {
            Event::PhaseChanged {
                account,
                from,
                to,
                why,
            } => self.phase(now, account, [from, to], &why, board),
            Event::RefreshFailed { account, why } => {
                if let Some(before) = self.is_news(now, Some(account), &why) {
                    let account = name(board, account);
                    warn!(account = %account, why, repeated = some(before), "refresh failed, the binding stands");
                }
            }
            Event::Warning { account, what } => {
                if let Some(before) = self.is_news(now, account, &what) {
                    let account = account.map(|account| name(board, account));
                    warn!(
                        account = account.as_deref(),
                        repeated = some(before),
                        "{what}"
                    );
                }
            }
            Event::ListenFailed { local, why } => {
                let text = format!("cannot listen on {local}: {why}");
                if let Some(before) = self.is_news(now, None, &text) {
                    warn!(repeated = some(before), "{text}");
                }
            }
        }
    }

    /// Says how many lines were left out since the last call.
    pub(super) fn sum_up(&mut self) {
        for (phase, accounts) in std::mem::take(&mut self.left_out) {
            info!(accounts, "more Accounts are {}", phase_words(phase));
        }
    }

    fn phase(
        &mut self,
        now: Instant,
        account: AccountId,
        [from, to]: [Phase; 2],
        why: &str,
        board: &Board,
    ) {
        let is_lost = from == Phase::Registered && to != Phase::Unregistering;
        match to {
            Phase::Registered
            | Phase::Unregistered
            | Phase::AuthenticationOnly
            | Phase::Standby => {
                self.repeated.remove(&Some(account));
                if self.news.take(now) || enabled!(Level::DEBUG) {
                    let account = name(board, account);
                    info!(account = %account, from = phase_words(from), why, "{}", phase_words(to));
                } else {
                    *self.left_out.entry(to).or_default() += 1;
                }
            }
            Phase::Registering | Phase::Unregistering if !is_lost => {
                if enabled!(Level::DEBUG) {
                    let account = name(board, account);
                    debug!(account = %account, from = phase_words(from), why, "{}", phase_words(to));
                }
            }
            Phase::Registering
            | Phase::Unregistering
            | Phase::WaitingToRetry
            | Phase::WaitingForAnotherAccount
            | Phase::Avoided
            | Phase::NoPort
            | Phase::Held => {
                if is_lost {
                    self.repeated.remove(&Some(account));
                }
                let Some(before) = self.is_news(now, Some(account), why) else {
                    return;
                };
                if self.troubles.take(now) || enabled!(Level::DEBUG) {
                    let account = name(board, account);
                    let lost = if is_lost { "registration lost: " } else { "" };
                    let to = phase_words(to);
                    warn!(account = %account, from = phase_words(from), why, repeated = some(before), "{lost}{to}");
                } else {
                    *self.left_out.entry(to).or_default() += 1;
                }
            }
        }
    }

    /// Whether a trouble is worth a line: how often it was left out since the last one, or `None`
    /// when it is to be left out again.
    fn is_news(&mut self, now: Instant, account: Option<AccountId>, text: &str) -> Option<u32> {
        if let Some(trouble) = self.repeated.get_mut(&account)
            && trouble.text == text
        {
            if now.since(trouble.at) < REPEAT_AFTER && !enabled!(Level::DEBUG) {
                trouble.left_out += 1;
                return None;
            }
            trouble.at = now;
            return Some(std::mem::take(&mut trouble.left_out));
        }
        if self.repeated.len() >= MAX_REPEATED {
            self.repeated
                .retain(|_, trouble| now.since(trouble.at) < REPEAT_AFTER);
        }
        if self.repeated.len() < MAX_REPEATED {
            let trouble = Trouble {
                text: text.to_owned(),
                at: now,
                left_out: 0,
            };
            self.repeated.insert(account, trouble);
        }
        Some(0)
    }
}

/// Lines that may still be written: a burst of [`BURST`], refilled at [`PER_SECOND`].
struct Budget {
    left: u32,
    refilled: Instant,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            left: BURST,
            refilled: Instant::ZERO,
        }
    }
}

impl Budget {
    fn take(&mut self, now: Instant) -> bool {
        let seconds = now.since(self.refilled).as_secs();
        if seconds > 0 {
            self.refilled += Duration::from_secs(seconds);
            let earned = u32::try_from(seconds).map_or(BURST, |s| s.saturating_mul(PER_SECOND));
            self.left = self.left.saturating_add(earned).min(BURST);
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

/// A count that is worth showing.
fn some(count: u32) -> Option<u32> {
    (count > 0).then_some(count)
}

/// The name of an Account, as far as anybody knows it.
fn name(board: &Board, account: AccountId) -> Arc<str> {
    let status = board.at(account.slot);
    status.map_or_else(
        || account.to_string().into(),
        |status| Arc::clone(&status.name),
    )
}

/// So many lines of one kind may come at once: all Accounts of a device twice over.
const BURST: u32 = 250;

/// And so many more each second after that.
const PER_SECOND: u32 = 25;

/// The same trouble of the same Account is worth a line again after this.
const REPEAT_AFTER: Duration = Duration::from_secs(600);

/// Accounts whose troubles are remembered.
const MAX_REPEATED: usize = 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_and_counted_until_its_next_line() {
        let mut journal = Journal::default();
        let account = Some(AccountId {
            slot: 7,
            generation: 0,
        });
        let mut at = |secs, text| journal.is_news(Instant::from_secs(secs), account, text);
        assert_eq!(at(0, "403"), Some(0));
        assert_eq!(at(30, "403"), None);
        assert_eq!(at(60, "403"), None);
        assert_eq!(at(90, "503"), Some(0));
        assert_eq!(at(120, "503"), None);
        assert_eq!(at(690, "503"), Some(1));
    }

    #[test]
    fn a_flood_of_lines_is_cut_and_refilled() {
        let mut budget = Budget::default();
        let mut taken = |secs| {
            (0..1_000)
                .filter(|_| budget.take(Instant::from_secs(secs)))
                .count()
        };
        assert_eq!(taken(0), BURST as usize);
        assert_eq!(taken(0), 0);
        assert_eq!(taken(2), 2 * PER_SECOND as usize);
        assert_eq!(taken(1_000), BURST as usize);
    }
}
