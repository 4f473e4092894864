//! What an Account asks for beside being registered, and what that needs elsewhere.
//!
//! What lacks its precondition has no effect, so that the configuration of a device loads: it is a
//! warning, and the Account gets the value that asks for nothing (rule G1). Nobody else has to look
//! at such combinations.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Check;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::{
    Account, ByServedStatus, KeepAlive, LoadBalancing, ProxySet, Register, SearchMode, Stickiness,
};

/// What need not be said again, since it is about what several Accounts share.
#[derive(Default)]
pub(super) struct Told {
    /// An option, and whose name the finding is about.
    about: BTreeSet<(&'static str, Arc<str>)>,
    /// How many Accounts so far want a port of a SIP Interface.
    ports: BTreeMap<Arc<str>, usize>,
}

impl Told {
    fn is_first(&mut self, option: &Opt, name: &Arc<str>) -> bool {
        self.about.insert((option.key, name.clone()))
    }
}

/// At so many addresses an Account keeps in mind where its bindings may still live (rule S8).
const MAX_AVOIDABLE: usize = 3;

impl Check<'_> {
    /// Reads what an Account asks for, as far as it can have it.
    pub(super) fn wishes(&mut self, row: &Row<'_>, account: &mut Account) {
        let stickiness = [
            Stickiness::Disable,
            Stickiness::Enable,
            Stickiness::EnableForNonRegister,
        ];
        let searches = [
            SearchMode::CurrentServer,
            SearchMode::Ims,
            SearchMode::Avoid,
        ];
        let statuses = [ByServedStatus::Always, ByServedStatus::OnlyIfOnline];
        account.registrar_stickiness = row.word(&ACCOUNT_STICKINESS, &stickiness);
        account.registrar_search_mode = row.word(&ACCOUNT_SEARCH_MODE, &searches);
        account.re_register_on_invite_failure = row.flag(&ACCOUNT_RE_REGISTER_ON_INVITE_FAILURE);
        account.reg_event_package_subscription = row.flag(&ACCOUNT_REG_EVENT);
        account.register_by_served_ip_group_status = row.word(&ACCOUNT_BY_SERVED_STATUS, &statuses);
        account.udp_port_assignment = row.flag(&ACCOUNT_UDP_PORT_ASSIGNMENT);
        if row.is_faulty(&ACCOUNT_REGISTER) {
            return;
        }
        if account.register == Register::No {
            self.refuse_without_register(row, account);
            return;
        }
        if !row.is_faulty(&ACCOUNT_STICKINESS) {
            self.refuse_without_stickiness(row, account);
        }
        if account.registrar_search_mode == SearchMode::Avoid
            && let Some(set) = &account.serving.proxy_set
        {
            self.check_avoidable(row, set);
        }
        if account.register_by_served_ip_group_status == ByServedStatus::OnlyIfOnline {
            self.check_served_status(row, account);
        }
        if account.udp_port_assignment {
            self.check_port_assignment(row, account);
        }
    }

    fn refuse_without_register(&mut self, row: &Row<'_>, account: &mut Account) {
        if account.udp_port_assignment {
            let key = ACCOUNT_UDP_PORT_ASSIGNMENT.key;
            let message = format!("{}: {key} needs an account that registers", row.label);
            let at = row.span(&ACCOUNT_UDP_PORT_ASSIGNMENT).start;
            let fault = Fault::error(at, key, message);
            self.faults
                .absent(fault.hint("register must be \"regular\" or \"gin\""));
        }
        let Account {
            registrar_stickiness: stickiness,
            registrar_search_mode: search,
            re_register_on_invite_failure: invite,
            reg_event_package_subscription: event,
            register_by_served_ip_group_status: status,
            ..
        } = account;
        let asked = [
            (&ACCOUNT_STICKINESS, *stickiness != Stickiness::Disable),
            (&ACCOUNT_SEARCH_MODE, *search != SearchMode::CurrentServer),
            (&ACCOUNT_RE_REGISTER_ON_INVITE_FAILURE, *invite),
            (&ACCOUNT_REG_EVENT, *event),
            (&ACCOUNT_BY_SERVED_STATUS, *status != ByServedStatus::Always),
        ];
        for (option, _) in asked.into_iter().filter(|(_, is_asked)| *is_asked) {
            self.refuse(row, option, "unless register is \"regular\" or \"gin\"");
        }
        *stickiness = Stickiness::Disable;
        *search = SearchMode::CurrentServer;
        *invite = false;
        *event = false;
        *status = ByServedStatus::Always;
    }

    fn refuse_without_stickiness(&mut self, row: &Row<'_>, account: &mut Account) {
        let stickiness = account.registrar_stickiness;
        let enable = "unless registrar_stickiness is \"enable\"";
        match account.registrar_search_mode {
            SearchMode::Ims if stickiness != Stickiness::Enable => {
                account.registrar_search_mode = SearchMode::CurrentServer;
                self.refuse(row, &ACCOUNT_SEARCH_MODE, enable);
            }
            SearchMode::Avoid if stickiness == Stickiness::Disable => {
                account.registrar_search_mode = SearchMode::CurrentServer;
                let unless = "while registrar_stickiness is \"disable\"";
                self.refuse(row, &ACCOUNT_SEARCH_MODE, unless);
            }
            SearchMode::CurrentServer | SearchMode::Ims | SearchMode::Avoid => {}
        }
        if account.reg_event_package_subscription && stickiness != Stickiness::Enable {
            account.reg_event_package_subscription = false;
            self.refuse(row, &ACCOUNT_REG_EVENT, enable);
        }
    }

    /// Says that an option has no effect.
    fn refuse(&mut self, row: &Row<'_>, option: &'static Opt, unless: &str) {
        let value = match option.kind {
            Kind::Words(_) => row.text_of_word(option).map(quoted),
            _ => None,
        };
        let value = value.map_or(String::new(), |value| format!(" {value}"));
        let message = format!(
            "{}: {}{value} has no effect {unless}",
            row.label, option.key
        );
        let at = row.span(option).start;
        self.faults.absent(Fault::warning(at, option.key, message));
    }

    /// Whether an Account can avoid addresses of a set (rule S8). Said once for each set.
    fn check_avoidable(&mut self, row: &Row<'_>, set: &ProxySet) {
        let at = row.span(&ACCOUNT_SEARCH_MODE).start;
        let key = ACCOUNT_SEARCH_MODE.key;
        let mode = row.text_of_word(&ACCOUNT_SEARCH_MODE).unwrap_or_default();
        let name = quoted(&set.name);
        let members = set.proxies.len();
        if members > MAX_AVOIDABLE && self.told.is_first(&SET_PROXY, &set.name) {
            let message = format!(
                "{}: {key} {mode:?} allows at most {MAX_AVOIDABLE} addresses, but proxy set {name} \
                 has {members}",
                row.label
            );
            let line = self.line_of(self.sets.place(&set.name));
            let hint = format!("the proxy set stands in line {line}");
            self.faults.push(Fault::error(at, key, message).hint(hint));
        }
        let ignored = [
            (&SET_HOT_SWAP, set.hot_swap),
            (
                &SET_LOAD_BALANCING,
                set.load_balancing != LoadBalancing::None,
            ),
        ];
        for (option, is_on) in ignored {
            if is_on && self.told.is_first(option, &set.name) {
                let message = format!(
                    "{}: {} of proxy set {name} does not apply with {key} {mode:?}",
                    row.label, option.key
                );
                self.faults.push(Fault::warning(at, key, message));
            }
        }
    }

    /// Whether it can be known that the served group is online (rule S13). Said once for each
    /// group.
    fn check_served_status(&mut self, row: &Row<'_>, account: &Account) {
        let served = &account.served;
        let keep_alive = served.proxy_set.as_ref().map(|set| set.keep_alive);
        let is_known = matches!(
            keep_alive,
            Some(KeepAlive::Options | KeepAlive::OptionsOnActive | KeepAlive::FakeRegister)
        );
        if is_known || !self.told.is_first(&ACCOUNT_BY_SERVED_STATUS, &served.name) {
            return;
        }
        let key = ACCOUNT_BY_SERVED_STATUS.key;
        let message = format!(
            "{}: {key}: nothing tells whether IP group {} is online",
            row.label,
            quoted(&served.name)
        );
        let kinds = "\"options\", \"options-on-active\" or \"fake-register\"";
        let hint = match &served.proxy_set {
            Some(set) => format!(
                "set keep_alive of proxy set {} in line {} to {kinds}",
                quoted(&set.name),
                self.line_of(self.sets.place(&set.name))
            ),
            None => format!("give the group a proxy_set with keep_alive {kinds}"),
        };
        let at = row.span(&ACCOUNT_BY_SERVED_STATUS).start;
        self.faults
            .absent(Fault::error(at, key, message).hint(hint));
    }

    /// Whether there are ports to assign (rules U1, U3). Said once for each SIP Interface.
    fn check_port_assignment(&mut self, row: &Row<'_>, account: &Account) {
        let Some(set) = &account.serving.proxy_set else {
            return;
        };
        let interface = &set.sip_interface;
        let key = ACCOUNT_UDP_PORT_ASSIGNMENT.key;
        let at = row.span(&ACCOUNT_UDP_PORT_ASSIGNMENT).start;
        let name = quoted(&interface.name);
        let Some(ports) = interface.additional_udp_ports else {
            if self
                .told
                .is_first(&ACCOUNT_UDP_PORT_ASSIGNMENT, &interface.name)
            {
                let message = format!(
                    "{}: {key}: SIP interface {name} has no additional_udp_ports",
                    row.label
                );
                let line = self.line_of(self.interfaces.place(&interface.name));
                let hint = format!("add them in line {line}: additional_udp_ports = \"6000-6999\"");
                self.faults
                    .absent(Fault::error(at, key, message).hint(hint));
            }
            return;
        };
        let wanted = self.told.ports.entry(interface.name.clone()).or_default();
        *wanted += 1;
        if *wanted == ports.count() + 1 {
            let message = format!(
                "{}: {key}: no port is left for it in the {} additional_udp_ports of SIP interface \
                 {name}",
                row.label,
                ports.count()
            );
            let fault = Fault::warning(at, key, message);
            self.faults
                .push(fault.hint("it and all that follow are not registered"));
        }
    }

    fn line_of(&self, at: Option<u32>) -> u32 {
        self.faults.line(at.unwrap_or_default())
    }
}
