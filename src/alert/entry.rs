//! One Account that has lost its registration.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::bundle::Line;
use super::clock::{Clock, Moment};
use super::subscriptions::{SubscriptionId, Subscriptions};
use super::wave::WaveId;
use crate::config::{Alert, TimeLimit};
use crate::effect::{NoticeAccount, NoticeKind};
use crate::time::Instant;

/// What is known of a loss when it happens.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Loss {
    /// The Account's address-of-record.
    pub identity: Arc<str>,
    /// Our address as the registrar saw it, else the local one.
    pub source: Option<IpAddr>,
    /// Who held the binding.
    pub registrar: SocketAddr,
    /// What that calls itself.
    pub server: Option<Arc<str>>,
    /// What we called ourselves.
    pub user_agent: Arc<str>,
}

/// An ongoing alert, as it is listed (rule T3).
#[derive(Clone, Copy, Debug)]
pub struct Ongoing<'a> {
    /// The Account's name.
    pub account: &'a Arc<str>,
    /// What was lost.
    pub loss: &'a Loss,
    /// Who is told.
    pub subscription: &'a Alert,
    /// How long it is watched.
    pub limit: TimeLimit,
    lost: Moment,
    started: Moment,
}

impl Ongoing<'_> {
    /// When the registration was lost, in milliseconds since 1970.
    pub fn lost_unix_ms(&self, clock: Clock) -> i64 {
        self.lost.unix_ms(clock)
    }

    /// When the alert was raised, in milliseconds since 1970.
    pub fn started_unix_ms(&self, clock: Clock) -> i64 {
        self.started.unix_ms(clock)
    }
}

/// An Account that is looked at, or about which there is an alert.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) account: Arc<str>,
    pub(super) loss: Loss,
    pub(super) lost: Moment,
    pub(super) state: State,
}

/// How far it has come.
#[derive(Debug)]
pub(super) enum State {
    /// It is checked whether the loss lasts.
    Checking {
        /// So many checks have failed.
        failed: u8,
        /// When the next one is due.
        due: Instant,
        wave: WaveId,
    },
    /// It lasted.
    Raised {
        started: Moment,
        /// Whoever has to do with it still, by their ids.
        items: Vec<Item>,
    },
}

/// An alert as far as one subscription goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    pub(super) subscription: SubscriptionId,
    pub(super) limit: TimeLimit,
    pub(super) stage: Stage,
}

/// What a subscription knows of an alert.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// Nothing yet: others of the same wave are still being checked.
    Untold,
    /// That the registration is lost.
    Told,
    /// It is over, and the notice of that waits for others.
    Ended(NoticeKind),
}

impl Item {
    pub(super) fn new(subscription: SubscriptionId, limit: TimeLimit) -> Self {
        Self {
            subscription,
            limit,
            stage: Stage::Untold,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Ended(_))
    }
}

impl Entry {
    pub(super) fn new(account: &Arc<str>, loss: Loss, lost: Moment, state: State) -> Self {
        Self {
            account: Arc::clone(account),
            loss,
            lost,
            state,
        }
    }

    /// When it wants to be looked at: its check, or the first time-out.
    pub(super) fn due(&self) -> Option<Instant> {
        match &self.state {
            State::Checking { due, .. } => Some(*due),
            State::Raised { started, items } => {
                let open = items.iter().filter(|item| item.is_open());
                open.map(|item| started.after(item.limit)).min()
            }
        }
    }

    /// Whether nobody has to do with it any more.
    pub(super) fn is_done(&self) -> bool {
        matches!(&self.state, State::Raised { items, .. } if items.is_empty())
    }

    /// Whether nothing can become of it but notices that wait for others.
    pub(super) fn is_over(&self) -> bool {
        match &self.state {
            State::Checking { .. } => false,
            State::Raised { items, .. } => !items.iter().any(Item::is_open),
        }
    }

    /// Whoever has to do with its alert; nobody before that is raised.
    pub(super) fn items(&self) -> &[Item] {
        match &self.state {
            State::Checking { .. } => &[],
            State::Raised { items, .. } => items,
        }
    }

    pub(super) fn items_mut(&mut self) -> Option<&mut Vec<Item>> {
        match &mut self.state {
            State::Checking { .. } => None,
            State::Raised { items, .. } => Some(items),
        }
    }

    /// When an alert times out that was raised with this limit.
    pub(super) fn until(&self, item: &Item) -> Instant {
        self.started().after(item.limit)
    }

    /// Those who did not know of the loss are told of it.
    pub(super) fn on_told(&mut self) -> Vec<SubscriptionId> {
        let items = self.items_mut().into_iter().flatten();
        let untold = items.filter(|item| item.stage == Stage::Untold);
        let told = untold.map(|item| {
            item.stage = Stage::Told;
            item.subscription
        });
        told.collect()
    }

    /// A subscription knows that it is over.
    pub(super) fn forget(&mut self, subscription: SubscriptionId) {
        let Some(items) = self.items_mut() else {
            return;
        };
        let place = items.binary_search_by_key(&subscription, |item| item.subscription);
        if let Ok(place) = place
            && !items[place].is_open()
        {
            items.remove(place);
        }
    }

    fn started(&self) -> Moment {
        match &self.state {
            State::Checking { .. } => self.lost,
            State::Raised { started, .. } => *started,
        }
    }

    /// What a notice says of it.
    pub(super) fn line(&self, ended: Option<Clock>, at: Option<SocketAddr>, clock: Clock) -> Line {
        Line {
            server: self.loss.server.clone(),
            told: Arc::new(NoticeAccount {
                account: Arc::clone(&self.account),
                identity: Arc::clone(&self.loss.identity),
                source: self.loss.source,
                lost_unix_ms: self.lost.unix_ms(clock),
                started_unix_ms: self.started().unix_ms(clock),
                ended_unix_ms: ended.map(|end| Moment::of(end.now).unix_ms(end)),
                registered_at: at,
            }),
        }
    }

    /// How it is listed: for each subscription for which it goes on.
    pub(super) fn rows<'a>(
        &'a self,
        subscriptions: &'a Subscriptions,
    ) -> impl Iterator<Item = Ongoing<'a>> {
        let open = self.items().iter().filter(|item| item.is_open());
        open.filter_map(|item| {
            Some(Ongoing {
                account: &self.account,
                loss: &self.loss,
                subscription: subscriptions.get(item.subscription)?,
                limit: item.limit,
                lost: self.lost,
                started: self.started(),
            })
        })
    }
}
