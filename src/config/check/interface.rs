//! SIP Interfaces: their addresses, and that no two of them want the same port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Check;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::{Ports, PortsMode, SipInterface};

/// The additional ports of a SIP Interface.
pub(super) struct Reserved {
    ports: Ports,
    address: IpAddr,
    /// The interface's header.
    at: u32,
}

impl Check<'_> {
    pub(super) fn interface(&mut self, row: &Row<'_>) {
        let address = row.ip(&INTERFACE_ADDRESS);
        let advertised = row.ip(&INTERFACE_ADVERTISED_ADDRESS);
        let udp_port = row.whole(&INTERFACE_UDP_PORT);
        let ports = row.ports(&INTERFACE_ADDITIONAL_UDP_PORTS);
        if let Some(address) = address {
            self.check_advertised(row, address, advertised);
            if !row.is_faulty(&INTERFACE_UDP_PORT) {
                self.check_binding(row, address, udp_port);
            }
            if let Some(ports) = ports {
                self.check_ports(row, address, ports);
            }
        }
        let name = row.text(&INTERFACE_NAME).unwrap_or_default();
        self.told
            .skip_faulty(row, &INTERFACE_ADDITIONAL_UDP_PORTS, name);
        let modes = [PortsMode::AlwaysOpen, PortsMode::OpenWhenUsed];
        let value = address.map(|address| SipInterface {
            advertised_address: advertised,
            additional_udp_ports: ports,
            additional_udp_ports_mode: row.word(&INTERFACE_ADDITIONAL_UDP_PORTS_MODE, &modes),
            ..SipInterface::new(name, address, udp_port)
        });
        let at = row.span(&INTERFACE_ADDRESS).start;
        self.interfaces_at.push(self.faults.spot(at));
        self.interfaces
            .define(row, &INTERFACE_NAME, value, &mut self.faults);
    }

    fn check_advertised(&mut self, row: &Row<'_>, address: IpAddr, advertised: Option<IpAddr>) {
        let at = row.span(&INTERFACE_ADVERTISED_ADDRESS).start;
        let key = INTERFACE_ADVERTISED_ADDRESS.key;
        match advertised {
            None if address.is_unspecified() && !row.has(&INTERFACE_ADVERTISED_ADDRESS) => {
                let message = format!("{}: {address} is no address to give to others", row.label);
                let at = row.span(&INTERFACE_ADDRESS).start;
                self.faults.absent(
                    Fault::error(at, INTERFACE_ADDRESS.key, message)
                        .hint("add advertised_address, or give the one local address to use"),
                );
            }
            Some(advertised) if advertised.is_unspecified() => {
                let message = format!("{}: {key} is {advertised}, which reaches nobody", row.label);
                self.faults.push(Fault::error(at, key, message));
            }
            Some(advertised) if advertised.is_ipv4() != address.is_ipv4() => {
                let message = format!(
                    "{}: {key} is {}, but address is {}",
                    row.label,
                    family(advertised),
                    family(address)
                );
                self.faults.push(Fault::error(at, key, message));
            }
            Some(_) | None => {}
        }
    }

    /// Two SIP Interfaces cannot have the same port of the same address, and one that has it on
    /// every address leaves it to no other.
    fn check_binding(&mut self, row: &Row<'_>, address: IpAddr, port: u16) {
        if port == 0 {
            return;
        }
        let is_v6 = address.is_ipv6();
        let every: IpAddr = if is_v6 {
            Ipv6Addr::UNSPECIFIED.into()
        } else {
            Ipv4Addr::UNSPECIFIED.into()
        };
        let key = |address| (port, is_v6, address);
        let taken = if address == every {
            let last: IpAddr = if is_v6 {
                Ipv6Addr::from(u128::MAX).into()
            } else {
                Ipv4Addr::BROADCAST.into()
            };
            self.bound
                .range(key(every)..=key(last))
                .next()
                .map(|(_, at)| *at)
        } else {
            self.bound
                .get(&key(every))
                .or_else(|| self.bound.get(&key(address)))
                .copied()
        };
        let reserved = self
            .reserved
            .iter()
            .find(|other| other.ports.contains(port) && is_shared(other.address, address));
        if let (None, Some(other)) = (taken, reserved) {
            let message = format!("{}: port {port} of {address} is taken", row.label);
            let line = self.faults.line(other.at);
            let at = row.span(&INTERFACE_UDP_PORT).start;
            self.faults.push(
                Fault::error(at, INTERFACE_UDP_PORT.key, message).hint(format!(
                    "the additional_udp_ports of the SIP interface in line {line} contain it"
                )),
            );
            return;
        }
        match taken {
            Some(first) => {
                let message = format!("{}: port {port} of {address} is taken", row.label);
                let line = self.faults.line(first);
                let at = row.span(&INTERFACE_ADDRESS).start;
                self.faults.push(
                    Fault::error(at, INTERFACE_ADDRESS.key, message)
                        .hint(format!("the SIP interface in line {line} has it")),
                );
            }
            None => {
                self.bound.insert(key(address), row.at);
            }
        }
    }

    /// Additional ports are nobody's else: no interface's own port, and in no other range (rule
    /// U5).
    fn check_ports(&mut self, row: &Row<'_>, address: IpAddr, ports: Ports) {
        let from = (ports.first, false, Ipv4Addr::UNSPECIFIED.into());
        let to = (ports.last, true, Ipv6Addr::from(u128::MAX).into());
        let mut bound = self.bound.range(from..=to);
        let taken = bound.find(|((_, _, other), _)| is_shared(address, *other));
        let mut reserved = self.reserved.iter();
        let overlapped = reserved.find(|other| {
            ports.first <= other.ports.last
                && other.ports.first <= ports.last
                && is_shared(address, other.address)
        });
        let (what, hint) = match (taken, overlapped) {
            (Some(((port, ..), at)), _) if *at == row.at => (
                format!("contains {port}, its own udp_port"),
                "Accounts and the interface cannot share a port".to_owned(),
            ),
            (Some(((port, ..), at)), _) => (
                format!("contains {port}, which is taken on {address}"),
                format!(
                    "the SIP interface in line {} has that port",
                    self.faults.line(*at)
                ),
            ),
            (None, Some(other)) => (
                format!("overlaps {} on {address}", other.ports),
                format!(
                    "those are the additional_udp_ports of the SIP interface in line {}",
                    self.faults.line(other.at)
                ),
            ),
            (None, None) => {
                self.reserved.push(Reserved {
                    ports,
                    address,
                    at: row.at,
                });
                return;
            }
        };
        let key = INTERFACE_ADDITIONAL_UDP_PORTS.key;
        let message = format!("{}: {key} {ports} {what}", row.label);
        let at = row.span(&INTERFACE_ADDITIONAL_UDP_PORTS).start;
        self.faults.push(Fault::error(at, key, message).hint(hint));
    }
}

/// Whether a port of one address is also one of the other.
fn is_shared(one: IpAddr, other: IpAddr) -> bool {
    one.is_ipv4() == other.is_ipv4()
        && (one == other || one.is_unspecified() || other.is_unspecified())
}

/// What kind of address it is.
pub(super) fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

#[cfg(test)]
mod tests {
    use crate::config::{Ports, PortsMode, load};

    /// An interface of a name, and these lines.
    fn interface(name: &str, lines: &str) -> String {
        format!("[[sip_interface]]\nname = \"{name}\"\n{lines}\n")
    }

    /// The errors about interfaces, without the file's name.
    fn said(text: &str) -> Vec<String> {
        let found = load("t", text).diagnostics;
        let errors = found.iter().map(ToString::to_string);
        errors.filter(|one| one.contains("error")).collect()
    }

    // Rules U1, U2.
    #[test]
    fn additional_ports_are_a_range_and_a_mode() {
        let lines = "address = \"192.0.2.1\"\nadditional_udp_ports = \"6000-6999\"\n\
                     additional_udp_ports_mode = \"open-when-used\"";
        let config = load("t", &interface("i", lines)).config.unwrap();
        let found = &config.sip_interfaces[0];
        let (first, last) = (6000, 6999);
        assert_eq!(found.additional_udp_ports, Some(Ports { first, last }));
        assert_eq!(found.additional_udp_ports_mode, PortsMode::OpenWhenUsed);
    }

    // Rule U5.
    #[test]
    fn additional_ports_are_nobodys_else() {
        let ports = "additional_udp_ports = \"6000-6999\"";
        let own = format!("address = \"192.0.2.1\"\nudp_port = 6500\n{ports}");
        assert_eq!(
            said(&interface("i", &own)),
            [
                "t:5:24: error: SIP interface \"i\": additional_udp_ports 6000-6999 contains 6500, \
                 its own udp_port\n  hint: Accounts and the interface cannot share a port"
            ]
        );
        let first = format!("address = \"192.0.2.1\"\nudp_port = 5060\n{ports}");
        let second = |address: &str, port: u16, lines: &str| {
            let lines = format!(
                "address = \"{address}\"\nudp_port = {port}\n\
                 advertised_address = \"{}\"\n{lines}",
                if address.contains(':') {
                    "2001:db8::1"
                } else {
                    "192.0.2.9"
                }
            );
            interface("a", &first) + &interface("b", &lines)
        };
        for (address, port, lines, wanted) in [
            ("192.0.2.1", 5999, "", None),
            (
                "192.0.2.1",
                7000,
                "additional_udp_ports = \"7001-7999\"",
                None,
            ),
            (
                "192.0.2.2",
                6000,
                ports,
                Some("contains 6000, its own udp_port"),
            ),
            ("192.0.2.2", 5060, ports, None),
            ("::", 5060, ports, None),
            (
                "192.0.2.1",
                6000,
                "",
                Some("port 6000 of 192.0.2.1 is taken"),
            ),
            ("0.0.0.0", 6999, "", Some("port 6999 of 0.0.0.0 is taken")),
            (
                "192.0.2.1",
                0,
                ports,
                Some("overlaps 6000-6999 on 192.0.2.1"),
            ),
            (
                "0.0.0.0",
                5061,
                "additional_udp_ports = \"6999-7000\"",
                Some("overlaps 6000-6999 on 0.0.0.0"),
            ),
            (
                "192.0.2.1",
                5061,
                "additional_udp_ports = \"5000-5060\"",
                Some("contains 5060, which is taken on 192.0.2.1"),
            ),
        ] {
            let text = second(address, port, lines);
            let found = said(&text);
            match wanted {
                None => assert!(found.is_empty(), "{found:?}"),
                Some(wanted) => {
                    assert_eq!(found.len(), 1, "{found:?}");
                    assert!(found[0].contains(wanted), "{found:?}");
                    assert!(found[0].contains("hint"), "{found:?}");
                }
            }
        }
        let found = said(&second("192.0.2.1", 6000, ""));
        assert!(
            found[0].ends_with(
                "hint: the additional_udp_ports of the SIP interface in line 1 contain it"
            ),
            "{found:?}"
        );
    }
}
