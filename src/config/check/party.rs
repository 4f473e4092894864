//! SIP Interfaces, Proxy Sets, IP Groups, and the credentials of whoever has them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::Check;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::{
    AuthenticationMode, Credentials, IpGroup, ProxyAddress, ProxySet, SecretSource, SipInterface,
    Transport,
};
use crate::secret::Secret;

/// The options that hold credentials.
pub(super) struct CredentialKeys {
    user_name: &'static Opt,
    password: &'static Opt,
    file: &'static Opt,
    variable: &'static Opt,
}

pub(super) const GROUP_CREDENTIALS: CredentialKeys = CredentialKeys {
    user_name: &GROUP_USER_NAME_AS_CLIENT,
    password: &GROUP_PASSWORD_AS_CLIENT,
    file: &GROUP_PASSWORD_AS_CLIENT_FILE,
    variable: &GROUP_PASSWORD_AS_CLIENT_ENV,
};

pub(super) const ACCOUNT_CREDENTIALS: CredentialKeys = CredentialKeys {
    user_name: &ACCOUNT_USER_NAME,
    password: &ACCOUNT_PASSWORD,
    file: &ACCOUNT_PASSWORD_FILE,
    variable: &ACCOUNT_PASSWORD_ENV,
};

impl Check<'_> {
    pub(super) fn interface(&mut self, row: &Row<'_>) {
        let address = row.ip(&INTERFACE_ADDRESS);
        let advertised = row.ip(&INTERFACE_ADVERTISED_ADDRESS);
        let udp_port = row.whole(&INTERFACE_UDP_PORT);
        if let Some(address) = address {
            self.check_advertised(row, address, advertised);
            if !row.is_faulty(&INTERFACE_UDP_PORT) {
                self.check_binding(row, address, udp_port);
            }
        }
        let value = address.map(|address| SipInterface {
            name: row.text(&INTERFACE_NAME).unwrap_or_default().into(),
            address,
            udp_port,
            advertised_address: advertised,
        });
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
        let mut proxies = self.proxies(rows.unwrap_or_default(), interface.as_deref());
        // The sort is stable: equals stay as written.
        proxies.sort_by_key(|proxy| proxy.priority);
        let value = interface.map(|sip_interface| ProxySet {
            name: row.text(&SET_NAME).unwrap_or_default().into(),
            sip_interface,
            proxies,
        });
        self.sets.define(row, &SET_NAME, value, &mut self.faults);
    }

    fn proxies(&mut self, rows: &[Row<'_>], interface: Option<&SipInterface>) -> Vec<ProxyAddress> {
        let mut proxies = Vec::with_capacity(rows.len());
        let mut seen = BTreeSet::new();
        for row in rows {
            let Some(address) = row.socket(&PROXY_ADDRESS) else {
                continue;
            };
            let at = row.span(&PROXY_ADDRESS).start;
            let mut complain = |fault: fn(u32, &str, String) -> Fault, message: String| {
                let message = format!("{}: {message}", row.label);
                self.faults.push(fault(at, PROXY_ADDRESS.key, message));
            };
            if !seen.insert(address) {
                complain(Fault::error, format!("{address} is in the list already"));
            }
            match interface.map(|interface| (interface, interface.address)) {
                Some((interface, local)) if local.is_ipv4() != address.is_ipv4() => {
                    let name = quoted(&interface.name);
                    let (remote, local) = (family(address.ip()), family(local));
                    complain(
                        Fault::error,
                        format!("address is {remote}, but SIP interface {name} is {local}"),
                    );
                }
                Some((interface, local))
                    if (local, interface.udp_port) == (address.ip(), address.port()) =>
                {
                    let name = quoted(&interface.name);
                    complain(
                        Fault::error,
                        format!("{address} is SIP interface {name} itself"),
                    );
                }
                Some((interface, local)) if local.is_loopback() && !address.ip().is_loopback() => {
                    let name = quoted(&interface.name);
                    complain(
                        Fault::warning,
                        format!("{address} cannot be reached from SIP interface {name} on {local}"),
                    );
                }
                Some(_) | None => {}
            }
            proxies.push(ProxyAddress {
                address,
                transport: row.word(&PROXY_TRANSPORT, &[Transport::Udp]),
                priority: row.whole(&PROXY_PRIORITY),
                weight: row.whole(&PROXY_WEIGHT),
            });
        }
        proxies
    }

    pub(super) fn group(&mut self, row: &Row<'_>) {
        let set = self.sets.resolve(row, &GROUP_PROXY_SET, &mut self.faults);
        let set = set.map(|number| self.sets.entry(number).value.clone());
        let modes = [
            AuthenticationMode::UserAuthenticates,
            AuthenticationMode::SbcAsClient,
            AuthenticationMode::SbcAsServer,
            AuthenticationMode::SbcAsBoth,
        ];
        let authentication_mode = row.word(&GROUP_AUTHENTICATION_MODE, &modes);
        let as_client = self.credentials(row, &GROUP_CREDENTIALS);
        let is_client = matches!(
            authentication_mode,
            AuthenticationMode::SbcAsClient | AuthenticationMode::SbcAsBoth
        );
        if !row.is_faulty(&GROUP_AUTHENTICATION_MODE) && is_client != as_client.is_some() {
            self.warn_of_mode(row, is_client);
        }
        let proxy_set = match set {
            Some(None) => None,
            None if row.has(&GROUP_PROXY_SET) => None,
            Some(Some(set)) => Some(Some(set)),
            None => Some(None),
        };
        let value = proxy_set.map(|proxy_set| IpGroup {
            name: row.text(&GROUP_NAME).unwrap_or_default().into(),
            proxy_set,
            sip_group_name: row
                .text(&GROUP_SIP_GROUP_NAME)
                .map(|name| self.shared.get(name)),
            contact_user: row.text(&GROUP_CONTACT_USER).map(Arc::from),
            authentication_mode,
            as_client,
        });
        self.groups
            .define(row, &GROUP_NAME, value, &mut self.faults);
    }

    /// Credentials and a mode that do not go together.
    fn warn_of_mode(&mut self, row: &Row<'_>, is_client: bool) {
        let (option, text) = if is_client {
            (
                &GROUP_AUTHENTICATION_MODE,
                "has no effect without user_name_as_client",
            )
        } else {
            let text =
                "has no effect unless authentication_mode is \"sbc-as-client\" or \"sbc-as-both\"";
            (&GROUP_USER_NAME_AS_CLIENT, text)
        };
        if !row.is_faulty(&GROUP_USER_NAME_AS_CLIENT) {
            let message = format!("{}: {} {text}", row.label, option.key);
            self.faults
                .absent(Fault::warning(row.span(option).start, option.key, message));
        }
    }

    /// The credentials of a row; none without a user name.
    pub(super) fn credentials(
        &mut self,
        row: &Row<'_>,
        keys: &CredentialKeys,
    ) -> Option<Credentials> {
        let mut given: Vec<&'static Opt> = [keys.password, keys.file, keys.variable]
            .into_iter()
            .filter(|key| row.has(key))
            .collect();
        given.sort_by_key(|key| row.span(key).start);
        if let [first, second, ..] = given[..] {
            let message = format!("{}: {} beside {}", row.label, second.key, first.key);
            let fault = Fault::error(row.span(second).start, second.key, message);
            self.faults
                .push(fault.hint("a password comes from one place: keep one of them"));
        }
        let Some(user_name) = row.text(keys.user_name) else {
            if let (Some(first), false) = (given.first(), row.has(keys.user_name)) {
                let message = format!(
                    "{}: {} has no effect without {}",
                    row.label, first.key, keys.user_name.key
                );
                self.faults
                    .absent(Fault::warning(row.span(first).start, first.key, message));
            }
            return None;
        };
        let mut text = |key| {
            row.text(key)
                .map(|text| (self.shared.get(text), row.span(key)))
        };
        let file = text(keys.file).map(|(name, span)| SecretSource::File(name, span));
        let variable =
            text(keys.variable).map(|(name, span)| SecretSource::Environment(name, span));
        let inline = row.text(keys.password);
        let source = file.or(variable).unwrap_or(match inline {
            Some(_) => SecretSource::Inline,
            None => SecretSource::Absent,
        });
        let password = inline.map_or_else(Secret::default, Secret::new);
        Some(Credentials {
            user_name: user_name.into(),
            password,
            source,
        })
    }
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}
