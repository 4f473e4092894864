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
    /// Whether it is said again all the same.
    is_each: bool,
}

impl Told {
    fn is_first(&mut self, option: &Opt, name: &Arc<str>) -> bool {
        self.about.insert((option.key, name.clone())) || self.is_each
    }

    /// Says everything of everyone.
    pub(super) fn tell_each(&mut self) {
        self.is_each = true;
    }

    /// Takes it that an option of a row is faulty, so that no more is said about it.
    pub(super) fn skip_faulty(&mut self, row: &Row<'_>, option: &'static Opt, name: &str) {
        if row.is_faulty(option) {
            self.about.insert((option.key, name.into()));
        }
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
        let value = row.text_of_word(option).map(quoted);
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

    /// Whether it can be known that the served group is online (rule S13). Said once for each set,
    /// or group without one.
    fn check_served_status(&mut self, row: &Row<'_>, account: &Account) {
        let served = &account.served;
        let keep_alive = served.proxy_set.as_ref().map(|set| set.keep_alive);
        let is_known = matches!(
            keep_alive,
            Some(KeepAlive::Options | KeepAlive::OptionsOnActive | KeepAlive::FakeRegister)
        );
        let is_first = match &served.proxy_set {
            Some(set) => self.told.is_first(&SET_KEEP_ALIVE, &set.name),
            None => self.told.is_first(&GROUP_PROXY_SET, &served.name),
        };
        if is_known || !is_first {
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
                .is_first(&INTERFACE_ADDITIONAL_UDP_PORTS, &interface.name)
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

#[cfg(test)]
mod tests {
    use crate::config::{Account, Config, load};

    use super::*;

    /// Two interfaces, a set of two addresses behind each, and an Account of these lines.
    fn text(lines: &str) -> String {
        format!(
            "[[sip_interface]]\nname = \"in\"\naddress = \"127.0.0.1\"\n\
             [[sip_interface]]\nname = \"out\"\naddress = \"127.0.0.2\"\n\
             additional_udp_ports = \"6000-6001\"\n\
             [[proxy_set]]\nname = \"inner\"\nsip_interface = \"in\"\n\
             proxy = [{{ address = \"127.0.0.1:5070\" }}]\n\
             [[proxy_set]]\nname = \"outer\"\nsip_interface = \"out\"\n\
             proxy = [{{ address = \"127.0.0.2:5070\" }}, {{ address = \"a.example\" }}]\n\
             [[ip_group]]\nname = \"PBX\"\nproxy_set = \"inner\"\n\
             [[ip_group]]\nname = \"carrier\"\nproxy_set = \"outer\"\n\
             [[account]]\nname = \"a\"\nserved_ip_group = \"PBX\"\n\
             serving_ip_group = \"carrier\"\nuser_name = \"u\"\n{lines}\n"
        )
    }

    fn said(text: &str) -> Vec<String> {
        let found = load("t", text).diagnostics;
        found
            .iter()
            .map(|one| format!("{}: {}", one.severity, one.message))
            .collect()
    }

    /// The one Account, and how many warnings there are.
    fn account(lines: &str) -> (Account, usize) {
        let loaded = load("t", &text(lines));
        assert_eq!(loaded.diagnostics.errors(), 0, "{}", loaded.diagnostics);
        let warnings = loaded.diagnostics.warnings();
        let Config { accounts, .. } = loaded.config.unwrap();
        ((*accounts[0]).clone(), warnings)
    }

    const AVOID: &str = "registrar_search_mode = \"avoid-previous-registrar-until-expiry\"";
    const IMS: &str = "registrar_search_mode = \"ims\"";
    const EVENT: &str = "reg_event_package_subscription = true";
    const OTHERS: &str = "registrar_stickiness = \"enable-for-non-register-requests\"";

    // Rule G1.
    #[test]
    fn what_is_asked_for_is_had_where_nothing_is_missing() {
        let (found, warnings) = account(&format!(
            "register = \"gin\"\nregistrar_stickiness = \"enable\"\n{IMS}\n{EVENT}\n\
             re_register_on_invite_failure = true\nudp_port_assignment = true"
        ));
        assert_eq!(warnings, 0);
        assert_eq!(
            found,
            Account {
                registrar_stickiness: Stickiness::Enable,
                registrar_search_mode: SearchMode::Ims,
                re_register_on_invite_failure: true,
                reg_event_package_subscription: true,
                udp_port_assignment: true,
                register: Register::Gin,
                ..found.clone()
            }
        );
        let (found, warnings) = account(&format!("register = \"regular\"\n{OTHERS}\n{AVOID}"));
        assert_eq!(warnings, 0);
        assert_eq!(found.registrar_stickiness, Stickiness::EnableForNonRegister);
        assert_eq!(found.registrar_search_mode, SearchMode::Avoid);
    }

    // Rule G1.
    #[test]
    fn without_register_nothing_else_counts() {
        let status = "register_by_served_ip_group_status = \"register-only-if-online\"";
        let invite = "re_register_on_invite_failure = true";
        for stickiness in ["registrar_stickiness = \"enable\"", OTHERS] {
            for mode in [IMS, AVOID] {
                let lines = format!("{stickiness}\n{mode}\n{EVENT}\n{invite}\n{status}");
                let (found, warnings) = account(&lines);
                assert_eq!(warnings, 5);
                let plain = account("").0;
                assert_eq!(found, plain);
                let (served, serving) = (plain.served.clone(), plain.serving.clone());
                let new = Account::new(0, "a".into(), served, serving);
                let credentials = plain.credentials.clone();
                assert_eq!(plain, Account { credentials, ..new });
            }
        }
        assert_eq!(
            said(&text(&format!("register = \"no\"\n{invite}"))),
            [
                "warning: account \"a\": re_register_on_invite_failure has no effect unless \
                 register is \"regular\" or \"gin\""
            ]
        );
        // What asks for nothing is no reason to complain: files of devices say it all the time.
        let neutral = "register = \"no\"\nregistrar_stickiness = \"disable\"\n\
                       registrar_search_mode = \"current-server\"\n\
                       reg_event_package_subscription = false\nudp_port_assignment = false\n\
                       register_by_served_ip_group_status = \"register-always\"";
        assert_eq!(account(neutral).1, 0);
    }

    // Rules G1, S7, S8, R1.
    #[test]
    fn search_modes_and_subscriptions_need_stickiness() {
        let none = "";
        for (stickiness, mode, wanted, warnings) in [
            (none, IMS, SearchMode::CurrentServer, 1),
            (OTHERS, IMS, SearchMode::CurrentServer, 1),
            (none, AVOID, SearchMode::CurrentServer, 1),
            (OTHERS, AVOID, SearchMode::Avoid, 0),
        ] {
            let lines = format!("register = \"regular\"\n{stickiness}\n{mode}");
            let (found, found_warnings) = account(&lines);
            assert_eq!(found.registrar_search_mode, wanted, "{lines}");
            assert_eq!(found_warnings, warnings, "{lines}");
            let (found, more) = account(&format!("{lines}\n{EVENT}"));
            assert!(!found.reg_event_package_subscription, "{lines}");
            assert_eq!(more, warnings + 1, "{lines}");
        }
        assert_eq!(
            said(&text(&format!("register = \"regular\"\n{AVOID}"))),
            ["warning: account \"a\": registrar_search_mode \
                 \"avoid-previous-registrar-until-expiry\" has no effect while \
                 registrar_stickiness is \"disable\""]
        );
        // A word that cannot be read is complained of once.
        let faulty =
            format!("register = \"regular\"\nregistrar_stickiness = \"on\"\n{IMS}\n{EVENT}");
        assert_eq!(said(&text(&faulty)).len(), 1);
        let faulty = format!("register = \"yes\"\n{OTHERS}\n{IMS}\nudp_port_assignment = true");
        assert_eq!(said(&text(&faulty)).len(), 1);
    }

    // Rule S8.
    #[test]
    fn at_most_three_addresses_can_be_avoided() {
        let lines = format!("register = \"regular\"\n{OTHERS}\n{AVOID}");
        let with = |more: &str| {
            text(&lines).replace(
                "{ address = \"a.example\" }]",
                &format!("{{ address = \"a.example\" }}, {more}"),
            )
        };
        let three = with("{ address = \"b.example\" }]");
        assert!(said(&three).is_empty());
        let four = with("{ address = \"b.example\" }, { address = \"b.example:5070\" }]");
        let another = "[[ip_group]]\nname = \"B\"\n[[account]]\nserved_ip_group = \"B\"\n\
                       serving_ip_group = \"carrier\"\nuser_name = \"u\"\n";
        let wanted = ["error: account \"a\": registrar_search_mode \
             \"avoid-previous-registrar-until-expiry\" allows at most 3 addresses, but proxy set \
             \"outer\" has 4"];
        assert_eq!(said(&four), wanted);
        assert_eq!(said(&format!("{four}{another}{lines}")), wanted);
        // Others are not bound by that.
        assert!(said(&four.replace(AVOID, "")).is_empty());
    }

    // Rule S8.
    #[test]
    fn hot_swap_and_load_balancing_do_not_apply_to_who_avoids() {
        let lines = format!("register = \"regular\"\n{OTHERS}\n{AVOID}");
        let set = "{ address = \"a.example\" }]\nhot_swap = true\nload_balancing = \"round-robin\"";
        let text = text(&lines).replace("{ address = \"a.example\" }]", set);
        let complaint = |option: &str| {
            format!(
                "warning: account \"a\": {option} of proxy set \"outer\" does not apply with \
                 registrar_search_mode \"avoid-previous-registrar-until-expiry\""
            )
        };
        assert_eq!(
            said(&text),
            [complaint("hot_swap"), complaint("load_balancing")]
        );
        let config = load("t", &text).config.unwrap();
        assert_eq!(config.accounts[0].registrar_search_mode, SearchMode::Avoid);
        assert!(said(&text.replace(AVOID, "")).is_empty());
    }

    // Rule S13.
    #[test]
    fn who_follows_the_served_group_must_know_how_it_is() {
        let text = text(
            "register = \"regular\"\n\
             register_by_served_ip_group_status = \"register-only-if-online\"",
        );
        let nothing_tells = "error: account \"a\": register_by_served_ip_group_status: nothing \
                             tells whether IP group \"PBX\" is online";
        assert_eq!(said(&text), [nothing_tells]);
        let hint = |text: &str| {
            let found = load("t", text).diagnostics;
            found.iter().next().and_then(|one| one.hint.clone())
        };
        let kinds = "\"options\", \"options-on-active\" or \"fake-register\"";
        assert_eq!(
            hint(&text),
            Some(format!(
                "set keep_alive of proxy set \"inner\" in line 8 to {kinds}"
            ))
        );
        let none = text.replace("proxy_set = \"inner\"\n", "");
        assert_eq!(said(&none).last().map(String::as_str), Some(nothing_tells));
        let served = "name = \"inner\"\n";
        for (keep_alive, complaints) in [
            ("disable", 1),
            ("options", 0),
            ("options-on-active", 0),
            ("register", 1),
            ("fake-register", 0),
            // That it is no word is all that is said.
            ("on", 1),
        ] {
            let probed = format!("{served}keep_alive = \"{keep_alive}\"\n");
            let said = said(&text.replace(served, &probed));
            assert_eq!(said.len(), complaints, "{said:?}");
        }
        let always = text.replace("register-only-if-online", "register-always");
        assert!(said(&always).is_empty());
    }

    // Rules U1, U3, U5.
    #[test]
    fn a_port_of_its_own_needs_a_range_and_a_registration() {
        let port = "udp_port_assignment = true";
        let needs = "error: account \"a\": udp_port_assignment needs an account that registers";
        assert_eq!(said(&text(port)), [needs]);
        assert_eq!(said(&text(&format!("register = \"no\"\n{port}"))), [needs]);
        let good = text(&format!("register = \"regular\"\n{port}"));
        assert!(said(&good).is_empty());
        let range = "additional_udp_ports = \"6000-6001\"\n";
        let none = "error: account \"a\": udp_port_assignment: SIP interface \"out\" has no \
                    additional_udp_ports";
        assert_eq!(said(&good.replace(range, "")), [none]);
        // The one that is faulty is complained of once.
        assert_eq!(said(&good.replace("6000-6001", "6001-6000")).len(), 1);
        let mut many = good;
        for name in ["b", "c", "d"] {
            many.push_str(&format!(
                "[[ip_group]]\nname = \"{name}\"\n[[account]]\nname = \"{name}\"\n\
                 served_ip_group = \"{name}\"\nserving_ip_group = \"carrier\"\n\
                 user_name = \"u\"\nregister = \"regular\"\n{port}\n"
            ));
        }
        assert_eq!(
            said(&many),
            [
                "warning: account \"c\": udp_port_assignment: no port is left for it in the 2 \
                 additional_udp_ports of SIP interface \"out\""
            ]
        );
    }
}
