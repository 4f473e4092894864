//! Events as log lines: each that matters once, and a flood as its count.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;

use tracing::{Level, debug, enabled, info, warn};

use crate::control::Board;
use crate::effect::{AccountId, Cause, Event, Notice, NoticeKind, Phase};
use crate::status::words::phase_words;
use crate::time::{Duration, Instant};

/// Logs what a subscription is told, whether or not it can be delivered, and returns it in words.
pub(super) fn log_notice(notice: &Notice) {
    let subscription = &*notice.subscription;
    let (count, registrar) = (notice.accounts.len(), notice.registrar);
    let names = notice.accounts.iter().take(NAMED);
    let names: Vec<&str> = names.map(|account| &*account.account).collect();
    let more = if count > NAMED { " …" } else { "" };
    let accounts = names.join(", ") + more;
    match notice.kind {
        NoticeKind::Lost => warn!(subscription, count, accounts, %registrar, "alert"),
        NoticeKind::Resolved => info!(subscription, count, accounts, %registrar, "alert is over"),
        NoticeKind::TimedOut => {
            warn!(subscription, count, accounts, %registrar, "alert has timed out");
        }
    }
}

/// So many Accounts of a notice are named in the log.
const NAMED: usize = 10;

/// What has been logged lately.
#[derive(Default)]
pub(super) struct Journal {
    news: Budget,
    troubles: Budget,
    /// Lines that were left out, by what Accounts had become.
    left_out: BTreeMap<Phase, u32>,
    /// Moves that were left out.
    moved: u32,
    /// The last trouble of each.
    repeated: HashMap<Whom, Trouble>,
}

/// Whom a trouble is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Whom {
    Account(AccountId),
    Address(SocketAddr),
    Nobody,
}

/// A trouble, when it was logged, and how often it was left out since.
struct Trouble {
    text: String,
    at: Instant,
    left_out: u32,
}

impl Journal {
    /// Logs an event. Returns false for trouble that was told lately.
    pub(super) fn log(&mut self, now: Instant, event: Event, board: &Board) -> bool {
        match event {
            Event::PhaseChanged {
                account,
                from,
                to,
                why,
                left: _,
            } => {
                let change = Change {
                    account,
                    from,
                    to,
                    why: &why,
                };
                self.change(now, &change, board);
            }
            Event::RefreshFailed { account, why } => {
                if let Some(before) = self.is_news(now, Whom::Account(account), &why) {
                    let account = &*name(board, account);
                    warn!(
                        account,
                        why,
                        repeated = some(before),
                        "refresh failed, the binding stands"
                    );
                }
            }
            Event::Warning { account, what } => {
                let whom = account.map_or(Whom::Nobody, Whom::Account);
                let Some(before) = self.is_news(now, whom, &what) else {
                    return false;
                };
                let account = account.map(|account| name(board, account));
                warn!(
                    account = account.as_deref(),
                    repeated = some(before),
                    "{what}"
                );
            }
            Event::MemberChanged {
                set,
                member,
                is_online: true,
            } => info!(set = &*set, %member, "online again"),
            Event::MemberChanged { set, member, .. } => warn!(set = &*set, %member, "offline"),
            Event::Moved { account, from, to } => {
                if self.news.take(now) || enabled!(Level::DEBUG) {
                    let account = &*name(board, account);
                    info!(account, %from, %to, "registered at another registrar");
                } else {
                    self.moved += 1;
                }
            }
            Event::ListenFailed { local, why } => {
                let text = format!("cannot listen on {local}: {why}");
                let Some(before) = self.is_news(now, Whom::Address(local), &text) else {
                    return false;
                };
                warn!(repeated = some(before), "{text}");
            }
        }
        true
    }

    /// Says how many lines were left out since the last call.
    pub(super) fn sum_up(&mut self) {
        for (phase, accounts) in std::mem::take(&mut self.left_out) {
            info!(accounts, "more Accounts are {}", phase_words(phase));
        }
        let accounts = std::mem::take(&mut self.moved);
        if accounts > 0 {
            info!(
                accounts,
                "more Accounts are registered at another registrar"
            );
        }
    }

    fn change(&mut self, now: Instant, change: &Change<'_>, board: &Board) {
        let whom = Whom::Account(change.account);
        let kind = change.kind();
        if matches!(kind, Kind::Settled | Kind::Lost) {
            self.repeated.remove(&whom);
        }
        let repeated = match kind {
            Kind::Settled | Kind::Underway => 0,
            Kind::Lost | Kind::Trouble => match self.is_news(now, whom, &change.why.to_string()) {
                Some(before) => before,
                None => return,
            },
        };
        let has_room = match kind {
            Kind::Settled => self.news.take(now),
            Kind::Underway => false,
            Kind::Lost | Kind::Trouble => self.troubles.take(now),
        };
        if has_room || enabled!(Level::DEBUG) {
            change.log(kind, &name(board, change.account), some(repeated));
        } else if kind != Kind::Underway {
            *self.left_out.entry(change.to).or_default() += 1;
        }
    }

    /// Whether a trouble is worth a line: how often it was left out since the last one, or `None`
    /// when it is to be left out again.
    fn is_news(&mut self, now: Instant, whom: Whom, text: &str) -> Option<u32> {
        if let Some(trouble) = self.repeated.get_mut(&whom)
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
            self.repeated.insert(whom, trouble);
        }
        Some(0)
    }
}

/// A change of phase.
struct Change<'a> {
    account: AccountId,
    from: Phase,
    to: Phase,
    why: &'a Cause,
}

/// What a change of phase means to whoever reads the log.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The Account is where it was to be.
    Settled,
    /// It is on its way.
    Underway,
    /// It was registered and is not any more.
    Lost,
    /// It is not registered.
    Trouble,
}

impl Change<'_> {
    fn kind(&self) -> Kind {
        let is_lost = self.from == Phase::Registered && self.to != Phase::Unregistering;
        match self.to {
            Phase::Registered
            | Phase::Unregistered
            | Phase::AuthenticationOnly
            | Phase::Standby => Kind::Settled,
            _ if is_lost => Kind::Lost,
            Phase::Registering | Phase::Unregistering => Kind::Underway,
            Phase::WaitingToRetry
            | Phase::WaitingForAnotherAccount
            | Phase::Avoided
            | Phase::NoPort
            | Phase::Held => Kind::Trouble,
        }
    }

    fn log(&self, kind: Kind, account: &str, repeated: Option<u32>) {
        let (from, to) = (phase_words(self.from), phase_words(self.to));
        let why = &*self.why.to_string();
        match kind {
            Kind::Settled => info!(account, from, why, "{to}"),
            Kind::Underway => debug!(account, from, why, "{to}"),
            Kind::Lost => warn!(account, from, why, repeated, "registration lost: {to}"),
            Kind::Trouble => warn!(account, from, why, repeated, "{to}"),
        }
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
        let account = Whom::Account(AccountId {
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
