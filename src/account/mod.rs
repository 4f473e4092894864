//! Keeps one address-of-record bound at one registrar at a time.
//!
//! An [`Account`] knows its own configuration, a view of its Proxy Set, its tickets; not the other
//! Accounts. It is driven by `on_*` handlers, which all end in `Account::go`, the only writer of
//! its state. The invariant: never two REGISTERs of one Account in flight (RFC 3261 §10.2), and
//! every ticket is answered exactly once.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod answers;
mod attempt;
mod auth;
mod avoid;
mod commands;
mod heard;
mod moves;
mod port;
mod redirect;
pub mod regevent;
mod reload;
mod request;
mod restore;
mod schedule;
mod select;
mod shared;
mod state;
mod tally;
mod triggers;
mod view;
mod waiting;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;

use crate::config;
use crate::config::ByServedStatus;
use crate::cx::{Armed, Owner, TransactionId};
use crate::effect::{AccountId, Cause, Event, Left, Outcome, Phase, SetId, SocketId, Ticket};
use crate::pace::{GroupId, RegistrarId, Turn};
use crate::sip::Algorithm;
use crate::time::{Duration, Instant};
use auth::Known;
use avoid::Visit;
pub use heard::Answered;
use heard::Heard;
use redirect::Detour;
use regevent::Subscription;
pub use reload::Adopted;
use reload::Next;
pub use request::{ALLOW, MARK};
use restore::Saved;
use select::Pass;
pub use shared::{Dirty, Shared};
pub use state::{Attempt, Binding, Bound, Errand, Trouble, Wanted, Why};
pub use view::{NextStep, Purpose, View};

/// One Account at work.
#[derive(Debug)]
pub struct Account {
    id: AccountId,
    config: Arc<config::Account>,
    set: Option<SetId>,
    served_set: Option<SetId>,
    /// The own socket of the interface that it sends from.
    base: Option<SocketId>,
    group: GroupId,
    wanted: Wanted,
    errand: Errand,
    binding: Binding,
    attempt: Attempt,
    tries: Tries,
    timer: Armed,
    identity: Identity,
    known: Vec<Known>,
    holds: Vec<Hold>,
    tickets: Vec<(Ticket, Errand)>,
    detour: Option<Box<Detour>>,
    /// The subscription to what the registrar knows of it (rule R1).
    watch: Option<Box<Subscription>>,
    /// What this attempt has tried (rules P7, S7, S14).
    pass: Option<Box<Pass>>,
    /// Its own local port (rule U1).
    port: Option<SocketId>,
    rare: Option<Box<Rare>>,
    /// Another configuration, which counts when what was begun has ended (rule G2).
    next: Option<Box<Next>>,
    failures: u32,
    refusals: u32,
    asked: u32,
    /// The minimum that the registrar of the last REGISTER is known to insist on; 0 is none.
    minimum: u32,
    trouble: Option<Trouble>,
    heard: Heard,
    route: Option<Box<Route>>,
    public_address: Option<SocketAddr>,
    round_trip: Option<Duration>,
    algorithm: Option<Algorithm>,
    /// A binding that we gave up may live at its registrar until then (rule I8).
    left_until: Option<Instant>,
    /// Since when it should be registered and is not, as far as this run knows; else never.
    down_since: Instant,
    /// When the refresh of a binding from the run before is due; taken when work begins.
    resume: Option<Instant>,
    /// Whether `Supported: path` is left out, since the registrar refused it (420).
    without_path: bool,
    /// Whether the bound registrar is lost, so that requests no longer follow the binding (rule
    /// S14).
    is_lost: bool,
    /// Whether the served group is not online, or not known to be (rule S13).
    is_held: bool,
    /// Whether an operator's word keeps it from registering, whatever it is meant to be otherwise
    /// (rule I8).
    is_told_off: bool,
    /// Whether all Contacts are to be removed first (rule I9).
    clears: bool,
    is_dirty: bool,
    /// The record that was handed to the store last.
    saved: Saved,
}

/// What most Accounts never have.
#[derive(Default, Debug)]
struct Rare {
    /// The last 200 of each registrar (rule S8).
    visits: Vec<Visit>,
    /// Who was tried last while nobody was online (rule P4).
    turn: Option<RegistrarId>,
    /// When it was last registered anew by a trigger (rule S7).
    triggered: Option<Instant>,
}

/// What makes our REGISTERs one registration (rules I1, I4, L2).
#[derive(Debug)]
struct Identity {
    /// `sip:user@host` of From and To.
    aor: Arc<str>,
    call_id: Arc<str>,
    from_tag: u64,
    mark: u64,
    cseq: u32,
    /// No REGISTER above this may leave before the store has answered (rule L8).
    cseq_limit: u32,
    /// The limit that was asked for last; above `cseq_limit` while it is on its way to the store.
    cseq_asked: u32,
    /// The random user of the Contact (rule I6).
    random_user: Option<Box<str>>,
    draws: u64,
}

/// What one attempt has been through at its registrar (table A).
#[derive(Clone, Copy, Default, Debug)]
struct Tries {
    /// Authenticated repeats.
    authenticated: u8,
    /// `stale=true` answers in a row.
    stale: u8,
    /// 423 answers.
    brief: u8,
    /// Whether the last request carried credentials.
    carried: bool,
    /// 3xx that were followed, and their Contacts that were tried.
    hops: u8,
}

/// A Retry-After in force (rule L3).
#[derive(Clone, Copy, Debug)]
struct Hold {
    /// The registrar that it binds; `None` binds the Account.
    registrar: Option<RegistrarId>,
    until: Instant,
}

/// What a 2xx told about routes, for calls and status (table A).
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Route {
    /// `Path` (RFC 3327).
    pub path: Vec<Box<str>>,
    /// `Service-Route` (RFC 3608).
    pub service_route: Vec<Box<str>>,
    /// `P-Associated-URI` (RFC 7315).
    pub associated: Vec<Box<str>>,
}

impl Account {
    /// An Account that has not done anything yet.
    pub fn new(
        id: AccountId,
        config: Arc<config::Account>,
        timer: Armed,
        shared: &mut Shared,
    ) -> Self {
        let (set, served_set) = reload::join_sets(&config, shared);
        let base = set.map(|set| shared.proxies.base(set));
        if let Some(base) = base {
            shared.proxies.join_socket(base);
        }
        let wanted = match config.register {
            config::Register::No => Wanted::AuthenticationOnly,
            config::Register::Regular | config::Register::Gin => Wanted::Registered,
        };
        let identity = Identity::new(id, &config, shared);
        let group = shared.pace.groups.join(&config.serving.name);
        let is_held = config.register_by_served_ip_group_status == ByServedStatus::OnlyIfOnline
            && served_set.is_some_and(|set| shared.proxies.is_set_online(set) != Some(true));
        let mut account = Self {
            id,
            config,
            set,
            served_set,
            base,
            group,
            wanted,
            errand: Errand::Register,
            binding: Binding::None,
            attempt: Attempt::Idle,
            tries: Tries::default(),
            timer,
            identity,
            known: Vec::new(),
            holds: Vec::new(),
            tickets: Vec::new(),
            detour: None,
            watch: None,
            pass: None,
            port: None,
            rare: None,
            next: None,
            failures: 0,
            refusals: 0,
            asked: shared.rules.registration_time_secs,
            minimum: 0,
            trouble: None,
            heard: Heard::default(),
            route: None,
            public_address: None,
            round_trip: None,
            algorithm: None,
            left_until: None,
            down_since: Instant::FAR,
            resume: None,
            without_path: false,
            is_lost: false,
            is_held,
            is_told_off: false,
            clears: shared.rules.unregister_on_startup && !shared.has_begun,
            is_dirty: false,
            saved: Saved::default(),
        };
        account.mark_changed(shared);
        account
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The last 200 of each registrar that counts (rule S8).
    fn visits(&self) -> &[Visit] {
        self.rare.as_ref().map_or(&[], |rare| &rare.visits)
    }

    /// Somebody was online: the next time that nobody is, the best is tried first (rule P4).
    fn end_turn(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.turn = None;
        }
    }

    /// Its name to the engine.
    pub fn id(&self) -> AccountId {
        self.id
    }

    /// Its socket was bound, or could not be: what the status says is another.
    pub fn on_surroundings(&mut self, shared: &mut Shared) {
        self.mark_changed(shared);
    }

    /// The wall clock was set forward by so much: every time that is shown is another. How long it
    /// has been registered is not.
    pub fn on_clock(&mut self, by_ms: i64, shared: &mut Shared) {
        if let Binding::Bound(bound) = &mut self.binding {
            bound.since_unix_ms = bound.since_unix_ms.saturating_add(by_ms);
        }
        self.mark_changed(shared);
    }

    /// Whether an operator's word keeps it from registering (rule I8).
    pub fn is_unregistered(&self) -> bool {
        self.is_told_off
    }

    /// Takes an operator's un-register over from the Account that it replaces.
    pub fn stay_unregistered(&mut self) {
        self.is_told_off = true;
        if self.wanted == Wanted::Registered {
            self.wanted = Wanted::Unregistered;
            self.down_since = Instant::FAR;
        }
    }

    /// Answers the tickets that are left, as it is taken out.
    pub fn on_gone(&mut self, shared: &mut Shared) {
        for errand in [Errand::Register, Errand::Unregister] {
            self.settle(errand, &Outcome::Gone, shared);
        }
        self.drop_watch(shared);
        self.withdraw_from_group(shared);
        self.count(Binding::None, shared);
        self.release_port(shared);
        self.part_all(shared);
    }

    /// Its configuration.
    pub fn config(&self) -> &Arc<config::Account> {
        &self.config
    }

    /// The Proxy Set that it registers at.
    pub fn set(&self) -> Option<SetId> {
        self.set
    }

    /// The own socket of the SIP Interface that it sends from.
    pub fn base(&self) -> Option<SocketId> {
        self.base
    }

    /// The Proxy Set of the group that it serves, if that has one.
    pub fn served_set(&self) -> Option<SetId> {
        self.served_set
    }

    /// What an operator sees it do.
    pub fn phase(&self) -> Phase {
        let meant = (self.wanted, self.is_held);
        state::phase(meant, self.errand, &self.binding, &self.attempt)
    }

    /// Whether it is no longer configured.
    pub fn is_removed(&self) -> bool {
        self.wanted == Wanted::Removed
    }

    /// Its handle on its timer, for whoever gets its slot next.
    pub fn timer(&self) -> Armed {
        self.timer
    }

    /// Whether it is meant to be registered, as far as its operator and the served group go, and
    /// as it is configured now.
    fn is_wanted(&self) -> bool {
        self.wanted == Wanted::Registered && !self.is_held && self.next.is_none()
    }

    /// Whether nothing is planned or under way.
    pub fn is_at_rest(&self) -> bool {
        self.attempt == Attempt::Idle
    }

    /// Whether a registrar holds a binding of ours, as far as we know.
    pub fn is_bound(&self) -> bool {
        matches!(self.binding, Binding::Bound(_))
    }

    /// Whether the entry with this turn still stands in line.
    pub fn is_waiting(&self, turn: Turn) -> bool {
        matches!(self.attempt, Attempt::Queued { turn: own, .. } if own == turn)
    }

    /// Whether a timer entry of this generation is in force.
    pub fn is_in_force(&self, generation: u32) -> bool {
        self.timer.is_in_force(generation)
    }

    /// The status was published; the next change says so again.
    pub fn on_published(&mut self) {
        self.is_dirty = false;
    }

    /// The registrar of the transaction in flight, if it is this one.
    fn flight(&self, id: TransactionId) -> Option<RegistrarId> {
        if let Attempt::InFlight {
            transaction,
            registrar,
            ..
        } = self.attempt
            && transaction == id
        {
            return Some(registrar);
        }
        None
    }

    /// When the next REGISTER is due, if it is for this.
    fn scheduled(&self, what_for: Why) -> Option<Instant> {
        if let Attempt::Scheduled { due, why } = self.attempt
            && why == what_for
        {
            return Some(due);
        }
        None
    }

    fn is_bound_at(&self, registrar: RegistrarId) -> bool {
        matches!(self.binding, Binding::Bound(bound) if bound.registrar == registrar)
    }

    /// A final answer has come, or will not come any more.
    fn hear(&mut self, code: u16, reason: Arc<str>, registrar: RegistrarId, shared: &Shared) {
        let address = shared.pace.get(registrar).address;
        let at = shared.cx.now;
        self.heard.take((code, reason), (registrar, address), at);
    }

    /// The only writer of binding and attempt. It keeps timer and spread in step, and says what
    /// changed.
    fn go<C: Into<Cause>>(
        &mut self,
        binding: Binding,
        attempt: Attempt,
        shared: &mut Shared,
        why: impl FnOnce() -> C,
    ) {
        let before = self.phase();
        let was_under_way = self.attempt.registrar().filter(|_| self.binding == binding);
        let left = match (self.binding, binding) {
            (Binding::Bound(bound), Binding::None) => Some(Left {
                registrar: shared.pace.get(bound.registrar).address,
                since_unix_ms: bound.since_unix_ms,
            }),
            _ => None,
        };
        self.put(binding, attempt, shared);
        self.say_phase((before, left), shared, why);
        let is_silent = was_under_way.is_some() && was_under_way == attempt.registrar();
        if !is_silent || self.phase() != before {
            self.mark_changed(shared);
        }
    }

    /// Plans nothing any more, and tells nobody: the next run goes on with what was planned.
    fn fall_silent(&mut self, shared: &mut Shared) {
        self.put(self.binding, Attempt::Idle, shared);
        self.mark_changed(shared);
    }

    /// Its state is another, and all that hangs on it.
    fn put(&mut self, binding: Binding, attempt: Attempt, shared: &mut Shared) {
        if let Attempt::Scheduled {
            due,
            why: Why::Refresh,
        } = self.attempt
            && self.attempt != attempt
        {
            shared.pace.spread.release(due);
        }
        self.count(binding, shared);
        self.binding = binding;
        self.attempt = attempt;
        if binding == Binding::None {
            self.route = None;
            self.is_lost = false;
            if let Some(watch) = &mut self.watch {
                watch.on_lost();
            }
        }
        self.arm(shared);
        self.rest_port(shared);
    }

    /// Tells the Proxy Set where the binding is held from now on.
    fn count(&self, binding: Binding, shared: &mut Shared) {
        let at = |binding| match binding {
            Binding::Bound(bound) => Some(bound.registrar),
            Binding::None => None,
        };
        let (old, new) = (at(self.binding), at(binding));
        if let Some(set) = self.set.filter(|_| old != new) {
            let Shared { proxies, cx, .. } = shared;
            if let Some(old) = old {
                proxies.on_unbound(set, old, cx);
            }
            if let Some(new) = new {
                proxies.on_bound(set, new, cx);
            }
        }
    }

    fn say_phase<C: Into<Cause>>(
        &self,
        (before, left): (Phase, Option<Left>),
        shared: &mut Shared,
        why: impl FnOnce() -> C,
    ) {
        let after = self.phase();
        if before != after {
            let event = Event::PhaseChanged {
                account: self.id,
                from: before,
                to: after,
                why: why().into(),
                left,
            };
            shared.cx.out.event(event);
        }
    }

    fn arm(&mut self, shared: &mut Shared) {
        let due = match self.attempt {
            Attempt::Scheduled { due, .. } => Some(due),
            Attempt::Idle
            | Attempt::Gated { .. }
            | Attempt::Opening { .. }
            | Attempt::Queued { .. }
            | Attempt::InFlight { .. } => None,
        };
        let ends = match self.binding {
            Binding::Bound(bound) => Some(bound.until),
            Binding::None => None,
        };
        let lapses = self
            .holds
            .iter()
            .map(|hold| hold.until)
            .chain(self.left_until)
            .chain(self.watch.as_ref().and_then(|watch| watch.deadline()))
            .chain(self.avoidance_ends(shared.cx.now, &shared.rules));
        let at = due.into_iter().chain(ends).chain(lapses).min();
        shared
            .cx
            .timers
            .set(Owner::Account(self.id.slot), &mut self.timer, at);
    }

    fn mark_changed(&mut self, shared: &mut Shared) {
        self.mark_shown(shared);
        shared.dirty.mark(self.id);
    }

    /// What is shown of it is other than before; what is kept of it is not.
    pub(super) fn mark_shown(&mut self, shared: &mut Shared) {
        let is_down = self.wanted == Wanted::Registered && self.binding == Binding::None;
        self.down_since = match is_down {
            true => self.down_since.min(shared.cx.now),
            false => Instant::FAR,
        };
        if !self.is_dirty {
            self.is_dirty = true;
            shared.cx.out.changed(self.id);
        }
    }

    /// Answers the tickets that wait for this errand.
    fn settle(&mut self, errand: Errand, outcome: &Outcome, shared: &mut Shared) {
        let out = &mut shared.cx.out;
        self.tickets.retain(|(ticket, waits_for)| {
            let is_settled = *waits_for == errand;
            if is_settled {
                out.reply(*ticket, outcome.clone());
            }
            !is_settled
        });
        if self.tickets.is_empty() {
            self.tickets = Vec::new();
        }
    }
}
