//! Addresses and ports of a configuration, tried before it is put in force (rule G2).
//!
//! What is tried is what the configuration in force does not have and no socket of ours holds. The
//! system may still refuse later what it would have given now; then it is tried again, as after a
//! start.

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use crate::config::{Config, Diagnostic, Severity, SipInterface, Spot};
use crate::net::try_bind;

/// What is bound already, or is to be.
pub(super) struct Ours<'a> {
    /// The sockets that there are.
    pub(super) held: &'a BTreeSet<SocketAddr>,
    /// The configuration in force.
    pub(super) config: &'a Config,
}

/// What is wrong with the addresses and ports that `new` adds to ours. `file` names it.
pub(super) fn try_new(file: &str, new: &Config, ours: &Ours<'_>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (interface, at) in new.sip_interfaces.iter().zip(&new.interfaces_at) {
        let mut say = |severity, message: String, hint: Option<String>| {
            found.push(diagnostic(file, (interface, *at), severity, message, hint));
        };
        let local = SocketAddr::new(interface.address, interface.udp_port);
        if !ours.has(local)
            && let Err(error) = try_bind(local)
        {
            let (message, hint) = refused(local, &error);
            say(Severity::Error, message, hint);
            continue;
        }
        if let Some((severity, message)) = try_additional(interface, ours) {
            let hint = "an Account takes the next port that is free".to_owned();
            say(severity, message, Some(hint));
        }
    }
    found
}

/// The SIP Interfaces whose addresses are none of this host: they could not be bound here.
pub fn foreign_addresses(file: &str, config: &Config) -> Vec<Diagnostic> {
    let interfaces = config.sip_interfaces.iter().zip(&config.interfaces_at);
    let foreign = interfaces.filter_map(|(interface, at)| {
        let local = SocketAddr::new(interface.address, 0);
        let error = try_bind(local).err()?;
        let (message, hint) = refused(local, &error);
        Some(diagnostic(
            file,
            (interface, *at),
            Severity::Warning,
            message,
            hint,
        ))
    });
    foreign.collect()
}

impl Ours<'_> {
    /// Whether an address is bound by us, or would be if the system had let us.
    fn has(&self, local: SocketAddr) -> bool {
        let mut interfaces = self.config.sip_interfaces.iter();
        if local.port() == 0 {
            return interfaces.any(|known| known.address == local.ip());
        }
        interfaces.any(|known| {
            let is_port = known.udp_port == local.port() || has_additional(known, local.port());
            is_port && is_shared(known.address, local.ip())
        }) || self.holds(local)
    }

    fn holds(&self, local: SocketAddr) -> bool {
        let mut addresses = vec![local.ip()];
        match local {
            SocketAddr::V4(_) => addresses.push(IpAddr::from([0_u8; 4])),
            SocketAddr::V6(_) => addresses.push(IpAddr::from([0_u16; 8])),
        }
        let is_held = |ip: IpAddr| self.held.contains(&SocketAddr::new(ip, local.port()));
        let is_all = local.ip().is_unspecified();
        addresses.into_iter().any(is_held)
            || is_all && self.held.iter().any(|held| held.port() == local.port())
    }
}

/// Tries the additional ports that are new. One that is taken is no fault, since the next one is
/// taken instead (rule U3); that there is none is.
fn try_additional(interface: &SipInterface, ours: &Ours<'_>) -> Option<(Severity, String)> {
    let local = |port: u16| SocketAddr::new(interface.address, port);
    let ports = additional(interface)?;
    let count = ports.clone().count();
    let new = ports.map(local).filter(|local| !ours.has(*local));
    let new: Vec<SocketAddr> = new.take(MOST_TRIED).collect();
    let refused = new.iter().filter(|local| try_bind(**local).is_err());
    let refused: Vec<String> = refused.map(|local| local.port().to_string()).collect();
    let ip = interface.address;
    if refused.is_empty() {
        return None;
    }
    if refused.len() == count {
        let message = format!("none of its {count} additional_udp_ports of {ip} can be bound");
        return Some((Severity::Error, message));
    }
    let more = if refused.len() > NAMED { ", …" } else { "" };
    let named = refused[..refused.len().min(NAMED)].join(", ");
    let (taken, tried) = (refused.len(), new.len());
    let message = format!(
        "of {tried} additional_udp_ports of {ip} that were tried, {taken} cannot be bound: \
         {named}{more}"
    );
    Some((Severity::Warning, message))
}

fn additional(interface: &SipInterface) -> Option<RangeInclusive<u16>> {
    let ports = interface.additional_udp_ports?;
    Some(ports.first..=ports.last)
}

fn has_additional(interface: &SipInterface, port: u16) -> bool {
    let ports = interface.additional_udp_ports;
    ports.is_some_and(|ports| ports.contains(port))
}

/// Whether what is bound to one address is in the way of the other.
fn is_shared(one: IpAddr, other: IpAddr) -> bool {
    one == other
        || one.is_ipv4() == other.is_ipv4() && (one.is_unspecified() || other.is_unspecified())
}

/// Why an address cannot be bound, and what to do about it.
fn refused(local: SocketAddr, error: &io::Error) -> (String, Option<String>) {
    let (ip, port) = (local.ip(), local.port());
    #[expect(clippy::wildcard_enum_match_arm, reason = "the kinds are without end")]
    match error.kind() {
        ErrorKind::AddrNotAvailable => (
            format!("{ip} is no address of this host"),
            Some("\"ip address\" lists those that it has".to_owned()),
        ),
        ErrorKind::AddrInUse => (
            format!("port {port} of {ip} is taken by another program"),
            Some(format!("\"ss -lunp 'sport = {port}'\" names it")),
        ),
        ErrorKind::PermissionDenied => (
            format!("port {port} of {ip} may not be bound by this user"),
            Some("ports below 1024 take the capability CAP_NET_BIND_SERVICE".to_owned()),
        ),
        _ => (format!("{local} cannot be bound: {error}"), None),
    }
}

fn diagnostic(
    file: &str,
    (interface, at): (&SipInterface, Spot),
    severity: Severity,
    message: String,
    hint: Option<String>,
) -> Diagnostic {
    Diagnostic {
        severity,
        file: file.into(),
        line: at.line,
        column: at.column,
        key: "address".to_owned(),
        message: format!("SIP interface {:?}: {message}", interface.name),
        hint,
    }
}

/// So many ports of a range are tried, the lowest ones; whether others can be bound shows when they
/// are.
const MOST_TRIED: usize = 256;
/// So many of those that cannot be bound are named.
const NAMED: usize = 10;
