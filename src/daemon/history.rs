//! Events as entries of the history.

use std::borrow::Cow;
use std::sync::Arc;

use super::Daemon;
use crate::control::{Board, Order, Verb};
use crate::effect::{AccountId, Cause, Event, Notice, Phase};
use crate::notify::Letter;
use crate::status::history::{Entry, EntryKind};
use crate::status::words::{count, phase_key};
use crate::status::{AccountStatus, UnixMs};

impl Daemon {
    /// Adds what the daemon itself did to the history.
    pub(super) fn note(&mut self, kind: EntryKind, text: String) {
        self.note_by(None, kind, text);
    }

    /// The same, by somebody's word.
    pub(super) fn note_by(&mut self, uid: Option<u32>, kind: EntryKind, text: String) {
        let at = self.clock.unix(self.clock.now());
        self.keeper.note(own(kind, uid, text, at), &self.board);
    }

    /// Adds what a subscription is told to the history.
    pub(super) fn note_notice(&mut self, notice: &Notice) {
        if self.keeper.keeps_events() {
            let at = self.clock.unix(self.clock.now());
            for entry in told(notice, at) {
                self.keeper.note(entry, &self.board);
            }
        }
    }

    /// Adds that a subscription could not be told to the history.
    pub(super) fn note_given_up(&mut self, letter: &Letter) {
        let at = self.clock.unix(self.clock.now());
        self.keeper.note(given_up(letter, at), &self.board);
    }

    /// Adds that subscriptions are tried to the history.
    pub(super) fn note_test(&mut self, uid: Option<u32>, names: &[Arc<str>]) {
        let at = self.clock.unix(self.clock.now());
        let text = format!("test of {}", names.join(", "));
        let entry = Entry {
            to: Some(Cow::Borrowed("test")),
            ..own(EntryKind::Alert, uid, text, at)
        };
        self.keeper.note(entry, &self.board);
    }

    /// Adds an order to the history.
    pub(super) fn note_order(&mut self, order: &Order) {
        if self.keeper.keeps_events() {
            let at = self.clock.unix(self.clock.now());
            for entry in orders(order, at) {
                self.keeper.note(entry, &self.board);
            }
        }
    }
}

/// An event, as far as it and the published status tell.
pub(super) fn entry(event: &Event, board: &Board, at: UnixMs) -> Entry {
    let status = |account: &AccountId| board.at(account.slot);
    match event {
        Event::PhaseChanged {
            account,
            from,
            to,
            why,
            ..
        } => Entry {
            from: Some(Cow::Borrowed(phase_key(*from))),
            to: Some(Cow::Borrowed(phase_key(*to))),
            text: why.to_string().into(),
            ..change(*to, why, status(account).as_deref(), at)
        },
        Event::RefreshFailed { account, why } => {
            let status = status(account);
            Entry {
                registrar: status.as_ref().and_then(|it| it.registrar),
                code: status.as_ref().and_then(|it| it.last_error),
                text: why.as_str().into(),
                ..about(EntryKind::RefreshFailed, status.as_deref(), at)
            }
        }
        Event::Warning { account, what } => Entry {
            text: what.as_str().into(),
            ..about(
                EntryKind::Warning,
                account.as_ref().and_then(status).as_deref(),
                at,
            )
        },
        Event::MemberChanged {
            set,
            member,
            is_online,
        } => {
            let words = ["offline", "online"];
            let [from, to] = match is_online {
                true => words,
                false => [words[1], words[0]],
            };
            Entry {
                from: Some(Cow::Borrowed(from)),
                to: Some(Cow::Borrowed(to)),
                registrar: Some(*member),
                text: format!("Proxy Set {set}").into(),
                ..about(EntryKind::Member, None, at)
            }
        }
        Event::Moved { account, from, to } => Entry {
            from: Some(Cow::Owned(from.to_string())),
            to: Some(Cow::Owned(to.to_string())),
            registrar: Some(*to),
            text: "registered at another registrar".into(),
            ..about(EntryKind::Moved, status(account).as_deref(), at)
        },
        Event::ListenFailed { local, why } => Entry {
            text: format!("cannot listen on {local}: {why}").into(),
            ..about(EntryKind::ListenFailed, None, at)
        },
    }
}

/// A refresh works again, if that is what lies between two statuses.
pub(super) fn refreshed(
    before: &AccountStatus,
    after: &AccountStatus,
    at: UnixMs,
) -> Option<Entry> {
    let works = after.phase == Phase::Registered && !after.is_refresh_failing();
    (before.name == after.name && before.is_refresh_failing() && works).then(|| Entry {
        registrar: after.registrar,
        code: after.last_answer.as_ref().map(|it| it.code),
        ..about(EntryKind::Refreshed, Some(after), at)
    })
}

/// What had a part in a change of phase.
fn change(to: Phase, why: &Cause, status: Option<&AccountStatus>, at: UnixMs) -> Entry {
    let (registrar, code) = match (why, to) {
        (Cause::Granted { by, .. }, _) => (Some(*by), Some(200)),
        (Cause::Other(_), to) => {
            let error = status.and_then(|it| it.last_error);
            let error = error.filter(|_| to == Phase::WaitingToRetry);
            (status.and_then(|it| it.registrar), error)
        }
    };
    Entry {
        registrar,
        code,
        ..about(EntryKind::Phase, status, at)
    }
}

/// An order: one entry for each Account that it names, one for all where it names none.
fn orders(order: &Order, at: UnixMs) -> Vec<Entry> {
    let verb = match order.verb {
        Verb::Register { force: false } => "register",
        Verb::Register { force: true } => "register, forced",
        Verb::Unregister => "unregister",
        Verb::Refresh => "refresh",
    };
    let entry = |account: Option<&Arc<str>>, text: String| Entry {
        account: account.map(Arc::clone),
        uid: order.uid,
        text: text.into(),
        ..about(EntryKind::Order, None, at)
    };
    if order.is_all {
        let accounts = count(order.accounts.len() as u64, "Account");
        return vec![entry(None, format!("{verb}: all, {accounts}"))];
    }
    let names = order.accounts.iter();
    names
        .map(|name| entry(Some(name), verb.to_owned()))
        .collect()
}

/// A notice: one entry for each of its Accounts, as far as they are not too many, and one for the
/// rest.
fn told(notice: &Notice, at: UnixMs) -> Vec<Entry> {
    let text = format!(
        "{}: {} at {}",
        notice.subscription, notice.kind, notice.registrar
    );
    let entry = |account: Option<&Arc<str>>, text: Arc<str>| Entry {
        account: account.map(Arc::clone),
        to: Some(Cow::Borrowed(notice.kind.word())),
        registrar: Some(notice.registrar),
        text,
        ..Entry::new(EntryKind::Alert, at)
    };
    let (named, rest) = notice
        .accounts
        .split_at(notice.accounts.len().min(TOLD_ONE_BY_ONE));
    let more = count(rest.len() as u64, "more Account");
    let more = (!rest.is_empty()).then(|| entry(None, format!("{text}: {more}").into()));
    let text: Arc<str> = text.into();
    let named = named.iter();
    let named = named.map(|it| entry(Some(&it.account), Arc::clone(&text)));
    named.chain(more).collect()
}

/// A notice that nobody was told of.
fn given_up(letter: &Letter, at: UnixMs) -> Entry {
    let notice = &letter.notice;
    let accounts = count(notice.accounts.len() as u64, "Account");
    let why = letter.trouble.as_deref().unwrap_or("too many wait");
    let text = format!(
        "{}, by {}: the notice of {accounts} {} is given up: {why}",
        notice.subscription, letter.means, notice.kind
    );
    let account = match &notice.accounts[..] {
        [only] => Some(Arc::clone(&only.account)),
        _ => None,
    };
    Entry {
        account,
        to: Some(Cow::Borrowed("given-up")),
        registrar: Some(notice.registrar),
        text: text.into(),
        ..Entry::new(EntryKind::Alert, at)
    }
}

/// Something that the daemon itself did, by somebody's word or not.
pub(super) fn own(kind: EntryKind, uid: Option<u32>, text: String, at: UnixMs) -> Entry {
    Entry {
        uid,
        text: text.into(),
        ..about(kind, None, at)
    }
}

fn about(kind: EntryKind, status: Option<&AccountStatus>, at: UnixMs) -> Entry {
    Entry {
        account: status.map(|status| Arc::clone(&status.name)),
        ..Entry::new(kind, at)
    }
}

/// So many Accounts of a notice have an event of their own.
const TOLD_ONE_BY_ONE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::{NoticeAccount, NoticeKind};

    fn notice(accounts: usize) -> Notice {
        let account = |number| NoticeAccount {
            account: format!("a{number}").into(),
            identity: "sip:a@example.test".into(),
            source: None,
            lost_unix_ms: 1,
            started_unix_ms: 2,
            ended_unix_ms: None,
            registered_at: None,
        };
        Notice {
            subscription: "operations".into(),
            email: None,
            webhook: None,
            kind: NoticeKind::TimedOut,
            at_unix_ms: 3,
            registrar: ([192, 0, 2, 1], 5060).into(),
            server: None,
            user_agent: "regent".into(),
            accounts: (0..accounts).map(account).map(Arc::new).collect(),
        }
    }

    // rule T3
    #[test]
    fn each_account_of_a_notice_has_an_event_as_far_as_they_are_not_very_many() {
        for (accounts, rest) in [(1, None), (100, None), (101, Some("1 more Account"))] {
            let entries = told(&notice(accounts), UnixMs(7));
            let named = entries.iter().filter_map(|it| it.account.as_deref());
            let expected: Vec<_> = (0..accounts.min(100)).map(|it| format!("a{it}")).collect();
            assert_eq!(named.collect::<Vec<_>>(), expected);
            let last = entries.iter().find(|it| it.account.is_none());
            let last = last.map(|it| &*it.text);
            let text = "operations: timed out at 192.0.2.1:5060";
            assert_eq!(last, rest.map(|it| format!("{text}: {it}")).as_deref());
            assert_eq!(&*entries[0].text, text);
            assert!(
                entries
                    .iter()
                    .all(|it| it.to.as_deref() == Some("timed-out"))
            );
        }
    }
}
