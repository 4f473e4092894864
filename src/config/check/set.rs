//! Proxy Sets: their addresses, and how they are probed and chosen.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::Check;
use super::interface::family;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::{
    Codes, DEFAULT_PORT, DnsResolveMethod, Host, KeepAlive, LoadBalancing, ProxyAddress, ProxySet,
    Redundancy, SipInterface, Transport,
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
                .push(fault.hint("a set needs at least one address"));
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
