//! Events as entries of the history.

use std::borrow::Cow;
use std::sync::Arc;

use super::Daemon;
use crate::control::{Board, Order, Verb};
use crate::effect::{AccountId, Cause, Event, Phase};
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
