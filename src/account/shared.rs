//! What all Accounts of an engine share while one of them handles something.

use std::sync::Arc;

use super::Adopted;
use crate::config::{Config, Registration, SyncMode};
use crate::cx::{Cx, Ended};
use crate::effect::AccountId;
use crate::flow::Ports;
use crate::pace::{GroupId, Pace, RegistrarId};
use crate::proxy::{Probed, Proxies};
use crate::rng::Seed;
use crate::sip::transaction::Timing;
use crate::time::Duration;

/// Context, registrars, sets and rules: all that an Account can reach.
#[derive(Debug)]
pub struct Shared {
    /// Time, chance, timers, transactions, effects.
    pub cx: Cx,
    /// Registrars and who may send to them.
    pub pace: Pace,
    /// Proxy Sets and sockets.
    pub proxies: Proxies,
    /// Local ports of Accounts.
    pub ports: Ports,
    /// The global parameters.
    pub rules: Registration,
    /// `User-Agent` of our requests.
    pub user_agent: Arc<str>,
    /// What the store has not seen yet.
    pub dirty: Dirty,
    /// Accounts that have taken another configuration over, until the engine finds them by it.
    pub adopted: Vec<Adopted>,
    /// Whether the Accounts of the start are there: what comes later is no start (rule I9).
    pub has_begun: bool,
    reasons: Vec<Arc<str>>,
}

/// So many different reason phrases are kept; beyond that the oldest gives way.
const REASONS: usize = 32;

impl Shared {
    /// Shared state at instant zero.
    pub fn new(config: &Config, seed: Seed, unix_ms_at_zero: i64, store: bool) -> Self {
        let rules = config.registration.clone();
        let cx = Cx::new(seed, timing(&rules), unix_ms_at_zero);
        let mut proxies = Proxies::default();
        proxies.set_rules(&rules, &config.agent.user_agent);
        Self {
            cx,
            pace: Pace::default(),
            proxies,
            ports: Ports::default(),
            rules,
            user_agent: Arc::clone(&config.agent.user_agent),
            dirty: Dirty {
                accounts: Vec::new(),
                low: Vec::new(),
                is_on: store,
            },
            adopted: Vec::new(),
            has_begun: false,
            reasons: Vec::new(),
        }
    }

    /// The global parameters are others from now on.
    pub fn set_rules(&mut self, config: &Config) {
        self.rules = config.registration.clone();
        self.cx.timing = timing(&self.rules);
        self.user_agent = Arc::clone(&config.agent.user_agent);
        self.proxies.set_rules(&self.rules, &self.user_agent);
    }

    /// Whether an Account may send REGISTERs, as far as its serving group goes (rule S12).
    pub fn may_register(&self, group: GroupId, account: AccountId) -> bool {
        self.rules.registration_sync_mode == SyncMode::Disable
            || self.pace.groups.may_register(group, account)
    }

    /// A REGISTER was answered: its registrar lives.
    pub fn on_answered(&mut self, registrar: RegistrarId, ended: &Ended, code: u16) {
        let now = self.cx.now;
        self.pace.on_heard(registrar, now);
        self.pace.on_answer(registrar, now, code);
        let round_trip = ended.round_trip(now);
        self.proxies
            .on_answered(registrar, round_trip, &mut self.cx);
    }

    /// A REGISTER got no answer (rule P4). Whether its registrar is silent as a whole.
    pub fn on_silence(&mut self, registrar: RegistrarId, ended: &Ended) -> bool {
        let is_silent = self.pace.on_silence(registrar, self.cx.now, ended.sent);
        if is_silent {
            let Self {
                proxies, pace, cx, ..
            } = self;
            proxies.on_lost(registrar, pace, cx);
        }
        is_silent
    }

    /// A REGISTER could not be delivered (rule X2).
    pub fn on_unreachable(&mut self, registrar: RegistrarId) {
        self.pace.on_lost(registrar);
        let Self {
            proxies, pace, cx, ..
        } = self;
        proxies.on_lost(registrar, pace, cx);
    }

    /// A probe is over.
    pub fn on_probed(&mut self, ended: &Ended, how: Probed) {
        let Self {
            proxies, pace, cx, ..
        } = self;
        proxies.on_probed(ended, how, pace, cx);
    }

    /// A reason phrase, shared with all who were told the same; cut to 100 characters.
    pub fn reason(&mut self, text: &str) -> Arc<str> {
        let end = text
            .char_indices()
            .nth(100)
            .map_or(text.len(), |(at, _)| at);
        let text = &text[..end];
        if let Some(known) = self.reasons.iter().find(|known| &***known == text) {
            return Arc::clone(known);
        }
        if self.reasons.len() >= REASONS {
            self.reasons.remove(0);
        }
        let new: Arc<str> = Arc::from(text);
        self.reasons.push(Arc::clone(&new));
        new
    }

    /// The plain retry wait.
    pub fn retry(&self) -> Duration {
        Duration::from_secs(self.rules.registration_retry_secs.into())
    }
}

fn timing(rules: &Registration) -> Timing {
    Timing {
        t1: rules.t1(),
        t2: rules.t2(),
        t4: Duration::from_secs(5),
        max_sends: rules.sip_max_rtx,
    }
}

/// Accounts whose records the store has not seen yet; nothing without a store.
#[derive(Debug)]
pub struct Dirty {
    accounts: Vec<AccountId>,
    low: Vec<AccountId>,
    is_on: bool,
}

impl Dirty {
    /// Whether there is a store at all.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// An Account's record is another one. May be said more than once.
    pub fn mark(&mut self, account: AccountId) {
        if self.is_on {
            self.accounts.push(account);
        }
    }

    /// Takes the Accounts that were marked, each once.
    pub fn take(&mut self) -> Vec<AccountId> {
        let mut accounts = std::mem::take(&mut self.accounts);
        accounts.sort_unstable();
        accounts.dedup();
        accounts
    }

    /// An Account's CSeq limit should be raised.
    pub fn mark_low(&mut self, account: AccountId) {
        if self.is_on {
            self.low.push(account);
        }
    }

    /// Takes the Accounts whose limit should be raised.
    pub fn take_low(&mut self) -> Vec<AccountId> {
        std::mem::take(&mut self.low)
    }

    /// Whether any Account was marked.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }
}
