//! One Account that has lost its registration.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::bundle::Line;
use super::clock::{Clock, Moment};
use super::wave::WaveId;
use crate::config::{Alert, TimeLimit};
use crate::effect::NoticeAccount;
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
        /// Whoever has to do with it still.
        items: Vec<Item>,
    },
}

/// An alert as far as one subscription goes.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) subscription: Arc<str>,
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
    /// It is over, and the notice waits for others.
    Ended,
}

impl Item {
    pub(super) fn new(subscription: &Arc<str>, limit: TimeLimit) -> Self {
        Self {
            subscription: Arc::clone(subscription),
            limit,
            stage: Stage::Untold,
        }
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
                let open = items.iter().filter(|item| item.stage != Stage::Ended);
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
            State::Raised { items, .. } => items.iter().all(|item| item.stage == Stage::Ended),
        }
    }

    fn item(&self, subscription: &str) -> Option<&Item> {
        let State::Raised { items, .. } = &self.state else {
            return None;
        };
        items
            .iter()
            .find(|item| *item.subscription == *subscription)
    }

    pub(super) fn stage(&self, subscription: &str) -> Option<Stage> {
        self.item(subscription).map(|item| item.stage)
    }

    pub(super) fn on_told(&mut self, subscription: &str) {
        if let State::Raised { items, .. } = &mut self.state {
            let own = items
                .iter_mut()
                .filter(|item| *item.subscription == *subscription);
            own.for_each(|item| item.stage = Stage::Told);
        }
    }

    /// A subscription has no more to do with it.
    pub(super) fn forget(&mut self, subscription: &str) {
        if let State::Raised { items, .. } = &mut self.state {
            items.retain(|item| *item.subscription != *subscription);
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
            told: NoticeAccount {
                account: Arc::clone(&self.account),
                identity: Arc::clone(&self.loss.identity),
                source: self.loss.source,
                lost_unix_ms: self.lost.unix_ms(clock),
                started_unix_ms: self.started().unix_ms(clock),
                ended_unix_ms: ended.map(|end| Moment::of(end.now).unix_ms(end)),
                registered_at: at,
            },
        }
    }

    /// How it is listed for a subscription, if it goes on.
    pub(super) fn row<'a>(&'a self, subscription: &'a Alert) -> Option<Ongoing<'a>> {
        let item = self.item(&subscription.name)?;
        (item.stage != Stage::Ended).then_some(Ongoing {
            account: &self.account,
            loss: &self.loss,
            subscription,
            limit: item.limit,
            lost: self.lost,
            started: self.started(),
        })
    }
}
