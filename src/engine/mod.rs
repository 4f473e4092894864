//! Routes everything that happens to whoever must know, and collects what must be done.
//!
//! It knows who owns which transaction, timer and ticket; it decides nothing about registrations.
//! The contract: one [`Engine::handle`], then [`Engine::poll`] until `None`; time does not run
//! backwards.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

mod addressees;
mod alerts;
mod due;
mod persist;
mod reload;
mod requests;
mod sockets;
mod stop;
#[cfg(test)]
mod tests;
mod traffic;
mod views;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::account::{Account, Shared, View};
use crate::alert::Alerts;
use crate::config::{self, Config};
use crate::cx::Armed;
use crate::effect::{
    AccountId, Command, Event, Input, Outcome, Output, SetId, SocketId, Ticket, Trigger, Via, Whose,
};
use crate::index::Index;
use crate::proxy::Change;
use crate::rng::Seed;
use crate::time::Instant;
use addressees::Addressees;
use alerts::Watched;
use persist::Persist;
use stop::{STOP_PATIENCE, Stopping};

pub use crate::account::{NextStep, Purpose, View as AccountView};
pub use crate::proxy::{Health, MemberView};
pub use views::{Census, SetView};

/// What an engine is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where chance comes from.
    pub seed: Seed,
    /// Wall-clock milliseconds since 1970 at [`Instant::ZERO`].
    pub unix_ms_at_zero: i64,
    /// Whether somebody answers [`Output::Save`]. With a store nothing is sent before
    /// [`Input::Restore`].
    pub store: bool,
}

/// Everything, stepped in virtual time.
///
/// Methods come in three kinds: views (`&self`), [`Engine::handle`] for what happened, and
/// [`Engine::poll`] and [`Engine::deadline`] for what the caller must do. After each `handle`,
/// `poll` until it returns `None`.
#[derive(Debug)]
pub struct Engine {
    slots: Vec<Slot>,
    free: Vec<u32>,
    names: Index<Arc<str>, AccountId>,
    /// Accounts by the set of their serving and of their served group.
    serving: BTreeMap<SetId, BTreeSet<AccountId>>,
    served: BTreeMap<SetId, BTreeSet<AccountId>>,
    /// Accounts with a port of their own.
    addressees: Addressees,
    shared: Shared,
    persist: Persist,
    alerts: Alerts,
    /// What the alerts have seen and not seen of what happened.
    watched: Watched,
    config: Arc<Config>,
    has_started: bool,
    unbound: Vec<(SocketId, Option<Instant>)>,
    /// Whether an Account has left something that perhaps nobody needs any more.
    has_loose_ends: bool,
    has_reloaded: bool,
    stopping: Option<Stopping>,
    timer: Armed,
}

#[derive(Default, Debug)]
struct Slot {
    account: Option<Account>,
    generation: u32,
    timer: Armed,
    /// Takes the slot's name over when its Account has left.
    successor: Option<Arc<config::Account>>,
}

impl Engine {
    /// An engine at instant zero. Nothing happens before the first [`Engine::handle`].
    pub fn new(config: Arc<Config>, settings: Settings) -> Self {
        let Settings {
            seed,
            unix_ms_at_zero,
            store,
        } = settings;
        let index_seed = seed.draw(u64::MAX, 0).number();
        Self {
            slots: Vec::with_capacity(config.accounts.len()),
            free: Vec::new(),
            names: Index::new(index_seed),
            addressees: Addressees::new(index_seed),
            serving: BTreeMap::new(),
            served: BTreeMap::new(),
            shared: Shared::new(&config, seed, unix_ms_at_zero, store),
            persist: Persist::new(store),
            alerts: Alerts::new(&config),
            watched: Watched::default(),
            config,
            has_started: false,
            unbound: Vec::new(),
            has_loose_ends: false,
            has_reloaded: false,
            stopping: None,
            timer: Armed::default(),
        }
    }

    /// Tells what happened. Then call [`Engine::poll`] until it returns `None`.
    ///
    /// What has arrived goes before what is due: after [`Input::Received`] and
    /// [`Input::Unreachable`] due timers wait for another input, such as [`Input::Tick`]. So a
    /// caller that was late first tells of all that has arrived meanwhile, and nothing is sent
    /// again that was answered.
    ///
    /// # Panics
    ///
    /// When `now` is before that of an earlier call: a bug in the caller.
    pub fn handle(&mut self, now: Instant, input: Input<'_>) {
        assert!(now >= self.shared.cx.now, "time must not run backwards");
        self.shared.cx.now = now;
        self.watched.begin();
        if !self.has_started {
            self.has_started = true;
            self.start();
        }
        let is_arrival = matches!(input, Input::Received { .. } | Input::Unreachable { .. });
        match input {
            Input::Tick => {}
            Input::LinkUp { addresses, .. } => self.on_link_up(&addresses),
            Input::Triggered { account, trigger } => self.with(account, |account, shared| {
                account.on_trigger(&trigger, shared);
            }),
            Input::Opened { .. } | Input::FlowFailed { .. } => {}
            Input::Resolved { question, answer } => {
                let Shared {
                    proxies, pace, cx, ..
                } = &mut self.shared;
                proxies.on_resolved(question, answer, pace, cx);
            }
            Input::Listening {
                socket,
                local,
                receive_buffer,
            } => {
                self.on_listening(socket, local, receive_buffer);
            }
            Input::ListenFailed { socket, why } => self.on_listen_failed(socket, why),
            Input::Received { via, from, bytes } => self.on_received(via, from, bytes),
            Input::Unreachable { to, quoted, .. } => self.on_unreachable(to, quoted),
            Input::Command { ticket, command } => self.on_command(ticket, command),
            Input::Reconfigured(config, diff) => self.on_reconfigured(config, &diff),
            Input::RestoreAlerts(alerts) => self.on_restore_alerts(alerts),
            Input::Restore(records) => self.on_restore(records),
            Input::Saved { batch } => self.on_saved(batch),
            Input::SaveFailed { batch } => self.on_save_failed(batch),
            Input::WallClock { unix_ms_at_zero } => self.on_clock(unix_ms_at_zero),
        }
        self.follow_changes();
        if !is_arrival {
            self.run_due();
        }
        if self.stopping.is_some() {
            self.send_due();
            self.finish_stop();
        }
        loop {
            self.follow_changes();
            self.send_due();
            self.follow_alerts(is_arrival);
            if !self.shared.proxies.is_unsettled() && !self.shared.pace.groups.has_released() {
                break;
            }
        }
        self.close_ports();
        self.clear_away();
        self.save();
        self.keep_alerts();
        self.arm();
        self.tidy();
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.shared.cx.out.pop();
        if let Some(Output::Changed(id)) = output
            && let Some(account) = self.account_mut(id)
        {
            account.on_published();
        }
        output
    }

    /// When to call [`Engine::handle`] with [`Input::Tick`], if nothing else happens before.
    pub fn deadline(&mut self) -> Option<Instant> {
        let (timers, is_in_force) = self.timers();
        timers.head(is_in_force)
    }

    /// The Account with this name.
    pub fn find(&self, name: &str) -> Option<AccountId> {
        self.names.get(name).copied()
    }

    /// Every Account, in index order after a start; those that a reload adds take the places of
    /// those gone.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.slots
            .iter()
            .filter_map(|slot| slot.account.as_ref())
            .map(Account::id)
    }

    /// Whether some Account has this slot.
    pub fn is_taken(&self, slot: u32) -> bool {
        let slot = self.slots.get(slot as usize);
        slot.is_some_and(|slot| slot.account.is_some())
    }

    /// What the status may read of an Account.
    pub fn account(&self, id: AccountId) -> Option<AccountView<'_>> {
        let slot = self.slots.get(id.slot as usize)?;
        let account = slot.account.as_ref().filter(|account| account.id() == id)?;
        Some(View::new(account, &self.shared))
    }

    /// The Proxy Sets in use.
    pub fn sets(&self) -> impl Iterator<Item = SetId> + '_ {
        self.shared.proxies.sets()
    }

    /// What the status may read of a Proxy Set; `None` when it is not in use.
    pub fn set(&self, id: SetId) -> Option<SetView<'_>> {
        let shared = &self.shared;
        shared.proxies.is_set(id).then(|| SetView::new(id, shared))
    }

    /// Whose the message was that [`Input::Received`] told of last, for traces.
    pub fn heard(&self) -> Whose {
        self.shared.cx.heard
    }

    /// REGISTER transactions in flight.
    pub fn in_flight(&self) -> usize {
        self.shared.cx.transactions.len()
    }

    fn start(&mut self) {
        let config = Arc::clone(&self.config);
        self.listen(&config.sip_interfaces);
        self.shared
            .proxies
            .reconfigure(&config.proxy_sets, &mut self.shared.pace);
        self.names.reserve(config.accounts.len());
        for account in &config.accounts {
            self.add(account);
        }
        self.shared.has_begun = true;
    }

    /// Closes the ports that nobody has taken into use again by the end of the input (rule U2).
    fn close_ports(&mut self) {
        while let Some(socket) = self.shared.ports.close_idle() {
            let via = Via::Socket(socket);
            self.shared.cx.out.push(Output::Close { via });
        }
    }

    fn add(&mut self, config: &Arc<config::Account>) -> AccountId {
        let number = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[number as usize];
        let id = AccountId {
            slot: number,
            generation: slot.generation,
        };
        slot.account = Some(Account::new(
            id,
            Arc::clone(config),
            slot.timer,
            &mut self.shared,
        ));
        self.names.insert(Arc::clone(&config.name), id);
        self.take_in(id);
        self.shared.dirty.mark_low(id);
        id
    }

    /// Proxy Sets do what follows from what has happened.
    fn settle(&mut self) {
        let may_probe = self.stopping.is_none() && self.persist.is_restored();
        let Shared {
            proxies, pace, cx, ..
        } = &mut self.shared;
        proxies.settle(pace, cx, may_probe);
    }

    /// What is new about Proxy Sets and serving groups reaches the Accounts that use them.
    fn follow_changes(&mut self) {
        self.follow_sets();
        while let Some(id) = self.shared.pace.groups.next_released() {
            self.with(id, Account::on_released);
        }
        while let Some((id, turn)) = self.shared.pace.next_given_up() {
            self.with(id, |account, shared| account.on_given_up(turn, shared));
        }
    }

    fn follow_sets(&mut self) {
        self.settle();
        while let Some((set, change)) = self.shared.proxies.next_change() {
            let ids: Vec<AccountId> = self.users(set, change).collect();
            self.say_member(set, change);
            for id in &ids {
                self.with(*id, |account, shared| account.on_change(change, shared));
                self.watch_member(*id, change);
                if change == Change::Listed {
                    self.ready_up(*id);
                }
            }
            self.settle();
        }
    }

    /// The Accounts that such a change of a set concerns.
    fn users(&self, set: SetId, change: Change) -> impl Iterator<Item = AccountId> + use<'_> {
        let users = match change {
            Change::Verdict => &self.served,
            Change::Offline(_) | Change::Online(_) | Change::Left(_) | Change::Listed => {
                &self.serving
            }
        };
        users.get(&set).into_iter().flatten().copied()
    }

    /// What became of a member is worth knowing once, however many Accounts it concerns.
    fn say_member(&mut self, set: SetId, change: Change) {
        let (registrar, is_online) = match change {
            Change::Offline(registrar) => (registrar, false),
            Change::Online(registrar) => (registrar, true),
            Change::Left(_) | Change::Listed | Change::Verdict => return,
        };
        let event = Event::MemberChanged {
            set: Arc::clone(&self.shared.proxies.config_of(set).name),
            member: self.shared.pace.get(registrar).address,
            is_online,
        };
        self.shared.cx.out.event(event);
    }

    fn account_of(&self, id: AccountId) -> Option<&Account> {
        let account = self.slots.get(id.slot as usize)?.account.as_ref()?;
        (account.id() == id).then_some(account)
    }

    fn account_mut(&mut self, id: AccountId) -> Option<&mut Account> {
        let account = self.slots.get_mut(id.slot as usize)?.account.as_mut()?;
        (account.id() == id).then_some(account)
    }

    /// The mark of an Account's Contact is another one.
    fn readdress(&mut self, id: AccountId, before: &str, after: &str) {
        let Some(account) = self.account_of(id).filter(|it| it.has_own_port()) else {
            return;
        };
        let user = Arc::clone(account.config());
        self.addressees.remove(id, user.user(), before);
        self.addressees.add(id, user.user(), after);
    }

    /// Lets an Account handle something, and sees to what follows when it comes to rest.
    fn with(&mut self, id: AccountId, handle: impl FnOnce(&mut Account, &mut Shared)) {
        let Some(slot) = self.slots.get_mut(id.slot as usize) else {
            return;
        };
        let Some(account) = slot.account.as_mut().filter(|account| account.id() == id) else {
            return;
        };
        let was_at_rest = account.is_at_rest();
        handle(account, &mut self.shared);
        let is_at_rest = account.is_at_rest();
        self.rehome();
        if !was_at_rest && is_at_rest {
            self.on_rest(id);
        }
    }

    fn on_rest(&mut self, id: AccountId) {
        if let Some(stopping) = &mut self.stopping {
            stopping.open = stopping.open.saturating_sub(1);
            stopping.until = stopping.latest.min(self.shared.cx.now + STOP_PATIENCE);
        }
        let slot = &mut self.slots[id.slot as usize];
        if !slot.account.as_ref().is_some_and(Account::is_removed) {
            return;
        }
        let Some(mut gone) = slot.account.take() else {
            return;
        };
        if gone.has_own_port() {
            self.addressees
                .remove(id, gone.config().user(), &gone.mark());
        }
        let sets = (gone.set(), gone.served_set());
        self.take_out(id, sets);
        self.has_loose_ends = true;
        let slot = &mut self.slots[id.slot as usize];
        gone.on_gone(&mut self.shared);
        slot.timer = gone.timer();
        slot.generation = slot.generation.wrapping_add(1);
        let successor = slot.successor.take();
        if successor.is_none() {
            self.persist.forget(&gone.config().name);
        }
        self.free.push(id.slot);
        if self.names.get(&gone.config().name) == Some(&id) {
            self.names.remove(&gone.config().name);
        }
        self.shared.cx.out.changed(id);
        if let Some(config) = successor {
            let id = self.add(&config);
            self.ready_up(id);
        }
    }

    /// The wall clock was set: every published time is another.
    fn on_clock(&mut self, unix_ms_at_zero: i64) {
        let before = std::mem::replace(&mut self.shared.cx.unix_ms_at_zero, unix_ms_at_zero);
        let by_ms = unix_ms_at_zero.saturating_sub(before);
        self.shared.proxies.on_clock();
        for slot in &mut self.slots {
            if let Some(account) = &mut slot.account {
                account.on_clock(by_ms, &mut self.shared);
            }
        }
    }

    /// A link came up: Accounts whose requests may leave by it look whether their binding still
    /// holds (rule S7).
    fn on_link_up(&mut self, addresses: &[std::net::IpAddr]) {
        for slot in 0..self.slots.len() {
            let Some(account) = &self.slots[slot].account else {
                continue;
            };
            let local = account.local(&self.shared).map(|local| local.ip());
            if local.is_some_and(|ip| ip.is_unspecified() || addresses.contains(&ip)) {
                self.with(account.id(), |account, shared| {
                    account.on_trigger(&Trigger::LinkUp, shared);
                });
            }
        }
    }

    fn ready_up_all(&mut self) {
        for slot in 0..self.slots.len() {
            if let Some(id) = self.slots[slot].account.as_ref().map(Account::id) {
                self.ready_up(id);
            }
        }
    }

    /// Lets an Account begin when nothing is missing: its socket, and the store's word (rule L8).
    fn ready_up(&mut self, id: AccountId) {
        if self.stopping.is_some() || !self.persist.is_restored() {
            return;
        }
        let Self { slots, shared, .. } = self;
        let Some(account) = slots
            .get_mut(id.slot as usize)
            .and_then(|slot| slot.account.as_mut())
        else {
            return;
        };
        let is_bound = account
            .base()
            .and_then(|id| shared.proxies.socket_of(id))
            .is_some_and(|s| s.local.is_some());
        if is_bound && account.may_send() {
            account.on_ready(shared);
        }
    }

    fn on_command(&mut self, ticket: Ticket, command: Command) {
        let (Command::Register { account: id, .. }
        | Command::Unregister { account: id }
        | Command::Refresh { account: id }) = command
        else {
            return self.stop(ticket);
        };
        if self.stopping.is_some() {
            let why = "the program is stopping".to_owned();
            return self.shared.cx.out.reply(ticket, Outcome::NotSent { why });
        }
        if self.account(id).is_none() {
            return self.shared.cx.out.reply(ticket, Outcome::Gone);
        }
        self.with(id, |account, shared| match command {
            Command::Register { force, .. } => account.on_register(ticket, force, shared),
            Command::Unregister { .. } => account.on_unregister(ticket, shared),
            Command::Refresh { .. } => account.on_refresh(ticket, shared),
            Command::Shutdown => {}
        });
    }
}
