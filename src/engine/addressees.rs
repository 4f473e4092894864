//! Whom a request from a serving group is for, as far as Accounts with a port of their own go
//! (rules U4, C5).

use crate::effect::AccountId;
use crate::index::Index;
use crate::sip::message::Message;
use crate::sip::uri::unescape;

/// Accounts with a port of their own, by what their serving group calls them.
#[derive(Debug)]
pub(super) struct Addressees {
    by_user: Index<Box<str>, Vec<AccountId>>,
    by_mark: Index<Box<str>, AccountId>,
}

impl Addressees {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            by_user: Index::new(seed),
            by_mark: Index::new(seed),
        }
    }

    /// Whether there is nobody to look for.
    pub(super) fn is_empty(&self) -> bool {
        self.by_mark.is_empty()
    }

    /// Takes an Account in.
    pub(super) fn add(&mut self, id: AccountId, user: &str, mark: &str) {
        self.by_mark.insert(mark.into(), id);
        let mut same = self.by_user.remove(user).unwrap_or_default();
        same.push(id);
        self.by_user.insert(user.into(), same);
    }

    /// Takes an Account out.
    pub(super) fn remove(&mut self, id: AccountId, user: &str, mark: &str) {
        self.by_mark.remove(mark);
        let mut same = self.by_user.remove(user).unwrap_or_default();
        same.retain(|other| *other != id);
        if !same.is_empty() {
            self.by_user.insert(user.into(), same);
        }
    }

    /// Those that a request may be for, the surest first: by our mark in the Request-URI, its user,
    /// the user of To.
    pub(super) fn of(&self, message: &Message<'_>, mark_param: &str) -> Vec<AccountId> {
        let target = message.request_uri().ok();
        let mark = target.as_ref().and_then(|uri| uri.params.value(mark_param));
        let mut found: Vec<AccountId> = mark
            .and_then(|mark| self.by_mark.get(mark))
            .copied()
            .into_iter()
            .collect();
        let to = message.to().ok();
        let users = [
            target.as_ref().and_then(|uri| uri.user),
            to.as_ref().and_then(|to| to.uri.user),
        ];
        for user in users.into_iter().flatten() {
            found.extend(self.by_user.get(&*unescape(user)).into_iter().flatten());
        }
        found
    }
}
