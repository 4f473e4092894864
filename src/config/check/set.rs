//! Proxy Sets: their addresses, and how they are probed and chosen.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::Check;
use super::interface::family;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::party::DEFAULT_PORT;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::{
    Codes, DnsResolveMethod, Host, KeepAlive, LoadBalancing, ProxyAddress, ProxySet, Redundancy,
    SipInterface, Transport,
};

impl Check<'_> {
    pub(super) fn set(&mut self, row: &Row<'_>) {
        let interface = self
            .interfaces
            .resolve(row, &SET_SIP_INTERFACE, &mut self.faults);
        let interface = interface.and_then(|number| self.interfaces.entry(number).value.clone());
        let rows = row.rows(&SET_PROXY);
        if rows.is_some_and(<[_]>::is_empty) {
            let message = format!("{}: proxy is empty", row.label);
            let fault = Fault::error(row.span(&SET_PROXY).start, SET_PROXY.key, message);
            self.faults
                .absent(fault.hint("a set needs at least one address"));
        }
        let methods = [
            DnsResolveMethod::Address,
            DnsResolveMethod::Srv,
            DnsResolveMethod::Naptr,
        ];
        let method = row.word(&SET_DNS_RESOLVE_METHOD, &methods);
        let mut proxies = self.proxies(rows.unwrap_or_default(), interface.as_deref(), method);
        // The sort is stable: equals stay as written.
        proxies.sort_by_key(|proxy| proxy.priority);
        let name = row.text(&SET_NAME).unwrap_or_default();
        let keep_alive = row.word(&SET_KEEP_ALIVE, &KEEP_ALIVES);
        self.told.skip_faulty(row, &SET_KEEP_ALIVE, name);
        let redundancy = self.redundancy(row, keep_alive);
        let balancings = [
            LoadBalancing::None,
            LoadBalancing::RoundRobin,
            LoadBalancing::RandomWeights,
        ];
        let load_balancing = row.word(&SET_LOAD_BALANCING, &balancings);
        let min_active_servers = self.min_active_servers(row, load_balancing);
        let value = interface.map(|interface| ProxySet {
            keep_alive,
            keep_alive_secs: row.whole(&SET_KEEP_ALIVE_SECS),
            keep_alive_failure_responses: failure_responses(row),
            keep_alive_user: row.text(&SET_KEEP_ALIVE_USER).map(Into::into),
            success_detection_retries: row.whole(&SET_SUCCESS_DETECTION_RETRIES),
            success_detection_interval_secs: row.whole(&SET_SUCCESS_DETECTION_INTERVAL_SECS),
            failure_detection_retransmissions: row.given(&SET_FAILURE_DETECTION_RETRANSMISSIONS),
            redundancy,
            hot_swap: row.flag(&SET_HOT_SWAP),
            load_balancing,
            min_active_servers,
            dns_resolve_method: method,
            ..ProxySet::new(name, interface, proxies)
        });
        self.sets.define(row, &SET_NAME, value, &mut self.faults);
    }

    /// Homing follows probes of every member; without them the set parks (rule P6).
    fn redundancy(&mut self, row: &Row<'_>, keep_alive: KeepAlive) -> Redundancy {
        let redundancy = row.word(&SET_REDUNDANCY, &[Redundancy::Parking, Redundancy::Homing]);
        if redundancy == Redundancy::Parking
            || keep_alive == KeepAlive::Options
            || row.is_faulty(&SET_KEEP_ALIVE)
        {
            return redundancy;
        }
        let message = format!(
            "{}: redundancy \"homing\" has no effect unless keep_alive is \"options\"",
            row.label
        );
        let at = row.span(&SET_REDUNDANCY).start;
        let fault = Fault::warning(at, SET_REDUNDANCY.key, message);
        self.faults
            .absent(fault.hint("the set parks: it stays with an address until that fails"));
        Redundancy::Parking
    }

    fn min_active_servers(&mut self, row: &Row<'_>, load_balancing: LoadBalancing) -> u8 {
        let min = row.whole(&SET_MIN_ACTIVE_SERVERS);
        if load_balancing != LoadBalancing::None || min == 1 || row.is_faulty(&SET_LOAD_BALANCING) {
            return min;
        }
        let message = format!(
            "{}: min_active_servers has no effect without load_balancing",
            row.label
        );
        let at = row.span(&SET_MIN_ACTIVE_SERVERS).start;
        let fault = Fault::warning(at, SET_MIN_ACTIVE_SERVERS.key, message);
        self.faults
            .absent(fault.hint("the set is online while one address is"));
        1
    }

    fn proxies(
        &mut self,
        rows: &[Row<'_>],
        interface: Option<&SipInterface>,
        method: DnsResolveMethod,
    ) -> Vec<ProxyAddress> {
        let mut proxies = Vec::with_capacity(rows.len());
        let mut seen = BTreeSet::new();
        for row in rows {
            let Some((host, port)) = row.peer(&PROXY_ADDRESS) else {
                continue;
            };
            let proxy = ProxyAddress {
                host: host.clone(),
                port,
                transport: row.given_word(&PROXY_TRANSPORT, &[Transport::Udp]),
                priority: row.whole(&PROXY_PRIORITY),
                weight: row.whole(&PROXY_WEIGHT),
            };
            let address = proxy.address();
            let shown = match host {
                Host::Name(name) => name.to_string(),
                Host::Ip(_) => address.map(|ip| ip.to_string()).unwrap_or_default(),
            };
            // A name that is asked for addresses only has the default port.
            let known = match (port, method) {
                (None, DnsResolveMethod::Address) => Some(DEFAULT_PORT),
                (port, _) => port,
            };
            if !seen.insert((shown.clone(), known)) {
                let message = format!("{}: {shown} is in the list already", row.label);
                let at = row.span(&PROXY_ADDRESS).start;
                self.faults
                    .push(Fault::error(at, PROXY_ADDRESS.key, message));
            }
            if let Some((address, interface)) = address.zip(interface) {
                self.check_reachable(row, address, interface);
            }
            proxies.push(proxy);
        }
        proxies
    }

    /// Whether an interface can speak to an address.
    fn check_reachable(&mut self, row: &Row<'_>, address: SocketAddr, interface: &SipInterface) {
        let name = quoted(&interface.name);
        let local = interface.address;
        let mut complain = |fault: fn(u32, &str, String) -> Fault, message: String| {
            let at = row.span(&PROXY_ADDRESS).start;
            let message = format!("{}: {message}", row.label);
            self.faults.push(fault(at, PROXY_ADDRESS.key, message));
        };
        if local.is_ipv4() != address.is_ipv4() {
            let (remote, local) = (family(address.ip()), family(local));
            complain(
                Fault::error,
                format!("address is {remote}, but SIP interface {name} is {local}"),
            );
        } else if (local, interface.udp_port) == (address.ip(), address.port()) {
            complain(
                Fault::error,
                format!("{address} is SIP interface {name} itself"),
            );
        } else if local.is_loopback() && !address.ip().is_loopback() {
            complain(
                Fault::warning,
                format!("{address} cannot be reached from SIP interface {name} on {local}"),
            );
        }
    }
}

/// What `keep_alive` may say.
const KEEP_ALIVES: [KeepAlive; 5] = [
    KeepAlive::Disable,
    KeepAlive::Options,
    KeepAlive::OptionsOnActive,
    KeepAlive::Register,
    KeepAlive::FakeRegister,
];

fn failure_responses(row: &Row<'_>) -> Vec<u16> {
    let codes = row.codes(&SET_KEEP_ALIVE_FAILURE_RESPONSES).iter();
    codes
        .filter_map(|codes| match codes {
            Codes::One(code) => Some(*code),
            // The table of options lets none through.
            Codes::Class(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::config::{Loaded, load};

    /// A set of these addresses and lines.
    fn text(addresses: &[&str], lines: &str) -> String {
        let proxies: Vec<String> = addresses
            .iter()
            .map(|address| format!("{{ address = \"{address}\" }}"))
            .collect();
        format!(
            "[[sip_interface]]\nname = \"i\"\naddress = \"192.0.2.1\"\n\
             [[proxy_set]]\nname = \"s\"\nsip_interface = \"i\"\nproxy = [{}]\n{lines}\n\
             [[ip_group]]\nname = \"g\"\nproxy_set = \"s\"\n\
             [[account]]\nserved_ip_group = \"g\"\nserving_ip_group = \"g\"\n\
             contact_user = \"u\"\nregister = \"regular\"\n",
            proxies.join(", ")
        )
    }

    /// What becomes of a set, and what is said.
    fn read(text: &str) -> (Option<Arc<ProxySet>>, Vec<String>) {
        let Loaded {
            config,
            diagnostics,
        } = load("t", text);
        let said = diagnostics.iter().map(|one| one.message.clone());
        (
            config.map(|config| config.proxy_sets[0].clone()),
            said.collect(),
        )
    }

    fn set(lines: &str) -> (ProxySet, Vec<String>) {
        let (set, said) = read(&text(&["192.0.2.2"], lines));
        ((*set.unwrap()).clone(), said)
    }

    #[test]
    fn every_option_of_a_set_reaches_it() {
        let (found, said) = set("keep_alive = \"options\"\nkeep_alive_secs = 5\n\
             keep_alive_failure_responses = [404, \"503\"]\nkeep_alive_user = \"ping\"\n\
             success_detection_retries = 3\nsuccess_detection_interval_secs = 4\n\
             failure_detection_retransmissions = 0\nredundancy = \"homing\"\nhot_swap = true\n\
             load_balancing = \"random-weights\"\nmin_active_servers = 2\n\
             dns_resolve_method = \"naptr\"");
        assert!(said.is_empty(), "{said:?}");
        assert_eq!(
            found,
            ProxySet {
                name: found.name.clone(),
                sip_interface: found.sip_interface.clone(),
                proxies: found.proxies.clone(),
                keep_alive: KeepAlive::Options,
                keep_alive_secs: 5,
                keep_alive_failure_responses: vec![404, 503],
                keep_alive_user: Some("ping".into()),
                success_detection_retries: 3,
                success_detection_interval_secs: 4,
                failure_detection_retransmissions: Some(0),
                redundancy: Redundancy::Homing,
                hot_swap: true,
                load_balancing: LoadBalancing::RandomWeights,
                min_active_servers: 2,
                dns_resolve_method: DnsResolveMethod::Naptr,
            }
        );
    }

    // Rule P6.
    #[test]
    fn homing_needs_probes_of_every_address() {
        for (keep_alive, wanted) in [
            ("disable", Redundancy::Parking),
            ("options", Redundancy::Homing),
            ("options-on-active", Redundancy::Parking),
            ("register", Redundancy::Parking),
            ("fake-register", Redundancy::Parking),
        ] {
            let keep_alive = format!("keep_alive = \"{keep_alive}\"");
            let (found, said) = set(&format!("{keep_alive}\nredundancy = \"homing\""));
            assert_eq!(found.redundancy, wanted, "{keep_alive}");
            let warned = [
                "proxy set \"s\": redundancy \"homing\" has no effect unless keep_alive is \
                 \"options\"",
            ];
            let is_warned = wanted == Redundancy::Parking;
            assert_eq!(said, warned[..usize::from(is_warned)], "{keep_alive}");
            let (found, said) = set(&format!("{keep_alive}\nredundancy = \"parking\""));
            assert_eq!(found.redundancy, Redundancy::Parking);
            assert!(said.is_empty(), "{said:?}");
        }
    }

    // Rule P6.
    #[test]
    fn a_number_of_active_servers_needs_load_balancing() {
        let (found, said) = set("min_active_servers = 2");
        assert_eq!(found.min_active_servers, 1);
        let wanted = "proxy set \"s\": min_active_servers has no effect without load_balancing";
        assert_eq!(said, [wanted]);
        assert!(set("min_active_servers = 1").1.is_empty());
        let (found, said) = set("min_active_servers = 2\nload_balancing = \"round-robin\"");
        assert_eq!((found.min_active_servers, said.len()), (2, 0));
    }

    // Rule P3.
    #[test]
    fn options_of_probes_may_stand_where_there_are_none() {
        let (found, said) = set("keep_alive = \"disable\"\nkeep_alive_secs = 30\n\
             keep_alive_failure_responses = [404]\nsuccess_detection_retries = 2");
        assert!(said.is_empty(), "{said:?}");
        assert_eq!(found.keep_alive, KeepAlive::Disable);
        assert_eq!(found.keep_alive_failure_responses, [404]);
    }

    // Rule P1.
    #[test]
    fn addresses_are_ips_and_names_in_the_order_of_their_priority() {
        let text = text(&["192.0.2.2"], "").replace(
            "[{ address = \"192.0.2.2\" }]",
            "[{ address = \"b.example\", priority = 2, weight = 7, transport = \"udp\" }, \
              { address = \"192.0.2.2\", priority = 1 }, \
              { address = \"A.example.:5070\", priority = 1 }]",
        );
        let (set, said) = read(&text);
        assert!(said.is_empty(), "{said:?}");
        let first = ProxyAddress {
            priority: 1,
            ..ProxyAddress::at("192.0.2.2:5060".parse().unwrap())
        };
        let second = ProxyAddress {
            priority: 1,
            ..ProxyAddress::named("a.example", Some(5070))
        };
        let third = ProxyAddress {
            transport: Some(Transport::Udp),
            priority: 2,
            weight: 7,
            ..ProxyAddress::named("b.example", None)
        };
        assert_eq!(set.unwrap().proxies, [first, second, third]);
    }

    // Rule P1.
    #[test]
    fn nobody_is_in_a_list_twice() {
        let twice = |addresses: &[&str], method: &str| {
            let method = format!("dns_resolve_method = \"{method}\"");
            read(&text(addresses, &method)).1
        };
        let complaint = |shown: &str| {
            [format!(
                "proxy set \"s\": proxy 2: {shown} is in the list already"
            )]
        };
        for (one, other, shown) in [
            ("192.0.2.2", "192.0.2.2:5060", "192.0.2.2:5060"),
            ("a.example", "A.Example.", "a.example"),
            ("a.example:5070", "a.example:5070", "a.example"),
        ] {
            for method in ["a-record", "srv", "naptr"] {
                assert_eq!(twice(&[one, other], method), complaint(shown));
            }
        }
        // Without SRV a name without a port has the default one.
        let names = ["a.example", "a.example:5060"];
        assert_eq!(twice(&names, "a-record"), complaint("a.example"));
        assert!(twice(&names, "srv").is_empty());
        assert!(twice(&["a.example", "a.example:5070"], "a-record").is_empty());
    }
}
