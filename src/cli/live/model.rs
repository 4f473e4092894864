//! What the live screen shows: which tab, which Accounts in which order, what is selected, opened
//! and asked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use super::opened::Opened;
use crate::cli::view::Accounts;
use crate::control::protocol::{Item, Says};
use crate::status::history::Entry as Event;
use crate::status::order::SortKey;
use crate::status::table::Line;
use crate::status::{
    AccountStatus, AlertStatus, DeliveryStatus, GroupStatus, Phase, ProxySetStatus,
    SubscriptionStatus,
};

/// What is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Tab {
    Accounts,
    ProxySets,
    Groups,
    Alerts,
    Events,
}

impl Tab {
    /// All of them, in their order, with their names.
    pub(super) const ALL: [(Self, &'static str); 5] = [
        (Self::Accounts, "Accounts"),
        (Self::ProxySets, "Proxy Sets"),
        (Self::Groups, "Groups"),
        (Self::Alerts, "Alerts"),
        (Self::Events, "Events"),
    ];

    /// Its place from 0.
    pub(super) fn place(self) -> usize {
        Self::ALL
            .iter()
            .position(|(tab, _)| *tab == self)
            .unwrap_or(0)
    }
}

/// What an operator can order from the screen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verb {
    Register,
    Unregister,
    Refresh,
}

impl Verb {
    /// The question that comes before.
    pub(super) fn question(self, account: &str) -> String {
        match self {
            Self::Register => format!("Register {account} now?"),
            Self::Unregister => format!("Un-register {account}, and stay away?"),
            Self::Refresh => format!("Refresh the binding of {account} now?"),
        }
    }
}

/// What stands above the rest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Above {
    Help,
    /// The phases, to be toggled; where the mark stands.
    Phases(usize),
    Question(Verb, Arc<str>),
}

/// Answers that are asked for again and again, as far as they have come.
#[derive(Default)]
pub(super) struct Lists {
    pub(super) sets: Vec<Arc<ProxySetStatus>>,
    pub(super) groups: Vec<GroupStatus>,
    pub(super) alerts: Vec<AlertStatus>,
    pub(super) deliveries: Vec<DeliveryStatus>,
    pub(super) subscriptions: Vec<SubscriptionStatus>,
    pub(super) events: Vec<Event>,
    /// Why there is nothing.
    pub(super) trouble: Option<String>,
}

/// What is shown, and what is asked.
pub(super) struct Model {
    pub(super) tab: Tab,
    pub(super) sort: SortKey,
    pub(super) is_reversed: bool,
    /// Only these; all if empty.
    pub(super) phases: BTreeSet<Phase>,
    registrars: Vec<SocketAddr>,
    pub(super) filter: String,
    /// Whether the filter is being typed.
    pub(super) is_typing: bool,
    /// What is shown, in its order.
    pub(super) shown: Vec<Arc<AccountStatus>>,
    pub(super) selected: usize,
    /// The first row that is shown, of the Accounts and of the other tabs.
    pub(super) top: usize,
    pub(super) scroll: usize,
    pub(super) opened: Option<Opened>,
    pub(super) above: Option<Above>,
    pub(super) message: Option<Line>,
    pub(super) lists: Lists,
    /// What has come of an answer that is not complete.
    coming: Lists,
    /// Rows that the last picture had room for.
    pub(super) room: usize,
}

impl Model {
    pub(super) fn new(sort: SortKey, phases: &[Phase], registrars: &[SocketAddr]) -> Self {
        Self {
            tab: Tab::Accounts,
            sort,
            is_reversed: false,
            phases: phases.iter().copied().collect(),
            registrars: registrars.to_vec(),
            filter: String::new(),
            is_typing: false,
            shown: Vec::new(),
            selected: 0,
            top: 0,
            scroll: 0,
            opened: None,
            above: None,
            message: None,
            lists: Lists::default(),
            coming: Lists::default(),
            room: 1,
        }
    }

    /// Chooses and orders what is shown. The selection stays with its Account.
    pub(super) fn arrange(&mut self, accounts: &Accounts) {
        let selected = self.selected().map(|status| Arc::clone(&status.name));
        let wanted = self.filter.to_lowercase();
        let matching = accounts
            .values()
            .filter(|status| self.fits(status, &wanted));
        let mut shown: Vec<_> = matching.cloned().collect();
        shown.sort_by(|one, other| self.sort.compare(one, other));
        if self.is_reversed {
            shown.reverse();
        }
        let place = selected.and_then(|name| shown.iter().position(|it| it.name == name));
        self.shown = shown;
        self.select(place.unwrap_or(self.selected));
    }

    fn fits(&self, status: &AccountStatus, wanted: &str) -> bool {
        let is_at = |wanted: &SocketAddr| {
            status.registrar.is_some_and(|registrar| {
                let is_port = wanted.port() == 0 || wanted.port() == registrar.port();
                wanted.ip() == registrar.ip() && is_port
            })
        };
        let has = |text: &str| text.to_lowercase().contains(wanted);
        (self.phases.is_empty() || self.phases.contains(&status.phase))
            && (self.registrars.is_empty() || self.registrars.iter().any(is_at))
            && (wanted.is_empty()
                || [&status.name, &status.aor, &status.served, &status.serving]
                    .into_iter()
                    .any(|text| has(text))
                || has(&status.status.to_string())
                || status.registrar.is_some_and(|it| has(&it.to_string()))
                || status.detail.as_deref().is_some_and(has))
    }

    /// The Account that the selection stands on.
    pub(super) fn selected(&self) -> Option<&Arc<AccountStatus>> {
        self.shown.get(self.selected)
    }

    /// The Account that an order is for: the open one, else the selected one.
    pub(super) fn subject(&self) -> Option<Arc<str>> {
        if let Some(opened) = &self.opened {
            return Some(Arc::clone(&opened.name));
        }
        let selected = self.selected().filter(|_| self.tab == Tab::Accounts);
        selected.map(|status| Arc::clone(&status.name))
    }

    /// Puts the selection on a row, as far as there is one, and keeps it in sight.
    pub(super) fn select(&mut self, place: usize) {
        self.selected = place.min(self.shown.len().saturating_sub(1));
        self.keep_in_sight();
    }

    /// Moves the first row so that the selection is seen.
    pub(super) fn keep_in_sight(&mut self) {
        let last = self.shown.len().saturating_sub(self.room.max(1));
        let lowest = (self.selected + 1).saturating_sub(self.room.max(1));
        self.top = self.top.clamp(lowest, self.selected.max(lowest)).min(last);
    }

    /// Takes in a piece of an answer that is asked for again and again.
    pub(super) fn on_polled(&mut self, says: Says) {
        match says {
            Says::Item(Item::ProxySet(set)) => self.coming.sets.push(set),
            Says::Item(Item::Group(group)) => self.coming.groups.push(group),
            Says::Item(Item::Alert(alert)) => self.coming.alerts.push(alert),
            Says::Item(Item::Delivery(delivery)) => self.coming.deliveries.push(delivery),
            Says::Item(Item::Subscription(one)) => self.coming.subscriptions.push(one),
            Says::Item(_) => {}
            Says::Done(_) => {
                let events = std::mem::take(&mut self.lists.events);
                self.lists = std::mem::take(&mut self.coming);
                self.lists.events = events;
            }
            Says::Error(fault) => self.lists.trouble = Some(fault.message),
        }
    }

    /// Takes in an event of whomever.
    pub(super) fn on_event(&mut self, says: Says) {
        match says {
            Says::Item(Item::Event(event)) => {
                // The newest stands on top, where it is seen.
                self.lists.events.insert(0, Arc::unwrap_or_clone(event));
                self.lists.events.truncate(EVENTS);
            }
            Says::Error(fault) => self.lists.trouble = Some(fault.message),
            Says::Item(_) | Says::Done(_) => {}
        }
    }
}

/// So many events are kept on the screen's tab.
pub(super) const EVENTS: usize = 500;
