//! Another configuration while everything runs: what is touched, and what is cleared away when
//! nobody needs it any more (rule G2).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Engine;
use crate::account::{Account, Adopted, Wanted};
use crate::config::{self, Changed, Config, Diff};
use crate::effect::{AccountId, Output, SetId, SocketId, Via};
use crate::pace::RegistrarId;

impl Engine {
    /// Another configuration is in force. Accounts that are not named in `diff` are not looked at.
    pub(super) fn on_reconfigured(&mut self, config: Arc<Config>, diff: &Diff) {
        if self.stopping.is_some() {
            return;
        }
        // What stands in Contacts until now is what bindings are removed with.
        let contact = |changed: &Changed| {
            let id = self.find(&changed.account.name)?;
            let account = self.account_of(id)?;
            Some((id, account.contact(&self.shared)))
        };
        let contacts: Vec<Option<(AccountId, Arc<str>)>> =
            diff.changed.iter().map(contact).collect();
        self.shared.set_rules(&config);
        if config.registration.registration_sync_mode == config::SyncMode::Disable {
            self.shared.pace.groups.release_all();
        }
        self.listen(&config.sip_interfaces);
        let Self { shared, .. } = self;
        shared
            .proxies
            .reconfigure(&config.proxy_sets, &mut shared.pace);
        self.config = config;
        for name in &diff.removed {
            self.leave(name, None);
        }
        for (changed, found) in diff.changed.iter().zip(contacts) {
            if let Some((id, contact)) = found {
                self.reconfigure(id, changed, contact);
            }
        }
        for account in &diff.added {
            if self.find(&account.name).is_some() {
                self.leave(&account.name, Some(account));
            } else {
                let id = self.add(account);
                self.ready_up(id);
            }
        }
        self.has_loose_ends = true;
        self.has_reloaded = true;
        self.reconfigure_alerts();
    }

    /// These interfaces are configured, and no others.
    pub(super) fn listen(&mut self, interfaces: &[Arc<config::SipInterface>]) {
        let sockets = self.shared.proxies.reconfigure_sockets(interfaces);
        for (socket, is_new) in &sockets {
            if *is_new {
                self.unbound.push((*socket, None));
                self.ask_for(*socket);
            }
        }
        let bases = sockets.into_iter().map(|(socket, _)| socket);
        let ranges: Vec<_> = bases.zip(interfaces.iter().cloned()).collect();
        for (socket, local) in self.shared.ports.reconfigure(&ranges) {
            self.shared.cx.out.push(Output::Listen { socket, local });
        }
    }

    fn reconfigure(&mut self, id: AccountId, changed: &Changed, contact: Arc<str>) {
        if self.account_of(id).is_some_and(Account::is_removed) {
            // It was removed and added again, and has not left yet.
            return self.leave(&changed.account.name, Some(&changed.account));
        }
        self.with(id, |account, shared| {
            account.reconfigure(changed, contact, shared);
        });
    }

    /// Lets the Account with this name go, and another one of the same name take its place.
    fn leave(&mut self, name: &str, successor: Option<&Arc<config::Account>>) {
        let Some(id) = self.find(name) else { return };
        let Some(account) = self.account_mut(id) else {
            return;
        };
        let was_at_rest = account.is_at_rest();
        let slot = &mut self.slots[id.slot as usize];
        slot.successor = successor.cloned();
        self.with(id, |account, shared| {
            account.on_leave(Wanted::Removed, shared)
        });
        if was_at_rest
            && self
                .account_mut(id)
                .is_some_and(|account| account.is_at_rest())
        {
            self.on_rest(id);
        }
    }

    /// Accounts that have taken another configuration over are found by it from now on.
    pub(super) fn rehome(&mut self) {
        while let Some(adopted) = self.shared.adopted.pop() {
            let Adopted {
                account: id,
                set,
                served_set,
                address,
            } = adopted;
            self.take_out(id, (set, served_set));
            if let Some((user, mark)) = address {
                self.addressees.remove(id, user.user(), &mark);
            }
            self.take_in(id);
            self.has_loose_ends = true;
        }
    }

    /// An Account is found by its sets, and by its address if it has a port of its own.
    pub(super) fn take_in(&mut self, id: AccountId) {
        let Some(account) = self.account_of(id) else {
            return;
        };
        let (set, served_set) = (account.set(), account.served_set());
        let own = account.has_own_port();
        let address = own.then(|| (Arc::clone(account.config()), account.mark()));
        if let Some(set) = set {
            self.serving.entry(set).or_default().insert(id);
        }
        if let Some(set) = served_set {
            self.served.entry(set).or_default().insert(id);
        }
        if let Some((config, mark)) = address {
            self.addressees.add(id, config.user(), &mark);
        }
    }

    /// It is not found by these sets any more.
    pub(super) fn take_out(&mut self, id: AccountId, sets: (Option<SetId>, Option<SetId>)) {
        let lists = [(&mut self.serving, sets.0), (&mut self.served, sets.1)];
        for (list, set) in lists {
            let Some(set) = set else { continue };
            let Some(users) = list.get_mut(&set) else {
                continue;
            };
            users.remove(&id);
            if users.is_empty() {
                list.remove(&set);
            }
        }
    }

    /// Clears away what the last Account has left: sets, sockets, and what was known of registrars
    /// there.
    pub(super) fn clear_away(&mut self) {
        if !std::mem::take(&mut self.has_loose_ends) {
            return;
        }
        while let Some(socket) = self.shared.proxies.next_idle_socket() {
            self.unbound.retain(|(unbound, _)| *unbound != socket);
            let via = Via::Socket(socket);
            self.shared.cx.out.push(Output::Close { via });
        }
        let has_reloaded = std::mem::take(&mut self.has_reloaded);
        let Self { shared, .. } = self;
        if !has_reloaded && !shared.proxies.has_unused() {
            return;
        }
        shared.proxies.free_sets(&mut shared.pace);
        let mut known: BTreeSet<RegistrarId> = shared.proxies.registrars().collect();
        for account in self.slots.iter().filter_map(|slot| slot.account.as_ref()) {
            account.registrars(|registrar| {
                known.insert(registrar);
            });
        }
        let Self { shared, .. } = self;
        shared.pace.forget_all_but(&known);
        let pace = &shared.pace;
        let is_known = |socket: SocketId| pace.knows_socket(socket);
        shared.proxies.free_sockets(is_known);
        self.settle();
    }
}
