//! Accounts as they are, kept up to date over one connection.

use std::collections::BTreeMap;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use super::status::NO_MATCH;
use super::watch::{LONG, wait};
use crate::control::protocol::{Call, Filter, Item, Says};
use crate::control::{Client, ClientError};
use crate::status::table::{Line, Tone, table, totals};
use crate::status::{AccountStatus, Phase, StateStatus, StatusWord};

/// Accounts by name.
pub(super) type Accounts = BTreeMap<Arc<str>, Arc<AccountStatus>>;

/// Accounts as they are, and how it is with what outlives the daemon.
pub(super) struct View {
    client: Client,
    filter: Filter,
    accounts: Accounts,
    /// A picture that is not complete yet.
    fresh: Option<Accounts>,
    state: Option<StateStatus>,
}

impl View {
    /// Begins to watch; the first picture comes later.
    pub(super) fn begin(mut client: Client, filter: Filter) -> Result<Self, ClientError> {
        client.say(Call::Watch(Some(filter.clone())))?;
        Ok(Self {
            client,
            filter,
            accounts: BTreeMap::new(),
            fresh: Some(BTreeMap::new()),
            state: None,
        })
    }

    /// Begins to watch, and waits for the first picture.
    pub(super) fn new(client: Client, filter: Filter) -> Result<Self, ClientError> {
        let mut view = Self::begin(client, filter)?;
        while !view.is_complete() {
            wait(&mut view.client, LONG)?;
            view.take()?;
        }
        Ok(view)
    }

    /// Whether the first picture has come.
    pub(super) fn is_complete(&self) -> bool {
        self.fresh.is_none()
    }

    /// All Accounts.
    pub(super) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// How it is with what outlives the daemon.
    pub(super) fn keeping(&self) -> Option<&StateStatus> {
        self.state.as_ref()
    }

    /// Reads what has come, waiting no longer than `patience` for it.
    pub(super) fn read(&mut self, patience: Duration) -> Result<(), ClientError> {
        self.client.read(patience)
    }

    /// Takes in what has been read; whether anything was.
    pub(super) fn take(&mut self) -> Result<bool, ClientError> {
        let mut has_news = false;
        while let Some(says) = self.client.next_read()? {
            has_news = true;
            let accounts = self.fresh.as_mut().unwrap_or(&mut self.accounts);
            match says {
                Says::Item(Item::Account(status)) => {
                    accounts.insert(Arc::clone(&status.name), status);
                }
                Says::Item(Item::Removed { account }) => drop(accounts.remove(&account)),
                Says::Item(Item::Watching(summary)) => {
                    self.state = summary.state;
                    self.accounts = self.fresh.take().unwrap_or_default();
                }
                Says::Item(Item::State(state)) => self.state = Some(state),
                // Once more from the start: a second request ends the first.
                Says::Item(Item::Missed(_)) => {
                    self.fresh = Some(mem::take(accounts));
                    self.client.say(Call::Watch(Some(self.filter.clone())))?;
                }
                Says::Error(fault) => return Err(ClientError::Fault(fault)),
                Says::Item(
                    Item::Outcome(_)
                    | Item::ProxySet(_)
                    | Item::Group(_)
                    | Item::Event(_)
                    | Item::Message(_)
                    | Item::Following(_)
                    | Item::Alert(_)
                    | Item::Delivery(_)
                    | Item::Subscription(_)
                    | Item::Metrics(_)
                    | Item::Tested(_),
                )
                | Says::Done(_) => {}
            }
        }
        Ok(has_news)
    }

    /// Waits until something changes, but no longer than `patience`.
    pub(super) fn wait(&mut self, patience: Duration) -> Result<(), ClientError> {
        wait(&mut self.client, patience)?;
        self.take()?;
        Ok(())
    }

    /// All Accounts in a table, and the sum.
    pub(super) fn lines(&self, width: usize) -> Vec<Line> {
        let mut shown: Vec<&AccountStatus> = self.accounts.values().map(Arc::as_ref).collect();
        shown.sort_by_key(|status| status.index);
        let mut lines = table(shown, super::status::now(), width);
        lines.push(
            match self.accounts.is_empty() && self.filter != Filter::default() {
                true => vec![(Tone::Plain, NO_MATCH.to_owned())],
                false => vec![(Tone::Quiet, self.totals())],
            },
        );
        lines
    }

    /// How many Accounts do what.
    fn totals(&self) -> String {
        totals(phases(&self.accounts))
    }

    /// What is worth a new picture when it changes: neither times, nor that a failed Account is
    /// being tried again.
    pub(super) fn state(&self) -> Vec<(StatusWord, Option<Arc<str>>)> {
        let accounts = self.accounts.values();
        accounts
            .map(|status| (status.status, status.detail.clone()))
            .collect()
    }
}

/// How many Accounts are in which phase.
pub(super) fn phases(accounts: &Accounts) -> BTreeMap<Phase, u32> {
    let mut phases = BTreeMap::new();
    for status in accounts.values() {
        *phases.entry(status.phase).or_insert(0) += 1;
    }
    phases
}

impl AsFd for View {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }
}
