//! 3xx answers to a REGISTER, where following them is configured (table A).
//!
//! A redirect changes where this attempt's requests go, and nothing else: health, pacing and the
//! binding look at the member of the Proxy Set that redirected.

use std::net::SocketAddr;

use super::{Account, Shared};
use crate::config::Redirects;
use crate::pace::RegistrarId;
use crate::sip::{Message, NameAddr, Scheme};

/// Requests that leave the set's own order in one attempt.
const HOPS_MAX: u8 = 5;
/// The q of a Contact without one (RFC 3261 §20.10), in thousandths.
const Q_DEFAULT: u16 = 1_000;

/// Where a redirected attempt goes.
#[derive(Debug)]
pub(super) struct Detour {
    /// The target in hand.
    pub(super) to: SocketAddr,
    /// Targets that are tried when this one fails, the best last.
    others: Vec<SocketAddr>,
}

impl Account {
    /// A 3xx: whether there is somewhere to go.
    pub(super) fn on_redirect(
        &mut self,
        message: &Message<'_>,
        registrar: RegistrarId,
        shared: &Shared,
    ) -> bool {
        let is_allowed = |target: &SocketAddr| match shared.rules.follow_redirects {
            Redirects::Rejected => false,
            Redirects::WithinSet => {
                let socket = shared.pace.get(registrar).socket;
                let member = shared.pace.find(socket, *target);
                let rank = |id| self.set.and_then(|set| shared.proxies.rank(set, id));
                member.and_then(rank).is_some()
            }
            Redirects::Anywhere => true,
        };
        let contacts = message.contact_items().filter_map(Result::ok);
        let mut targets: Vec<(u16, SocketAddr)> = contacts
            .filter_map(|contact| Some((contact.q().unwrap_or(Q_DEFAULT), target(&contact)?)))
            .filter(|(_, target)| is_allowed(target))
            .collect();
        // Equal ones in the order in which they were written.
        targets.reverse();
        targets.sort_by_key(|(q, _)| *q);
        let mut others = self
            .detour
            .take()
            .map_or_else(Vec::new, |detour| detour.others);
        others.extend(targets.into_iter().map(|(_, target)| target));
        self.take_detour(others)
    }

    /// The target of a redirect failed: whether there is another one.
    pub(super) fn next_detour(&mut self) -> bool {
        let others = self
            .detour
            .take()
            .map_or_else(Vec::new, |detour| detour.others);
        self.take_detour(others)
    }

    fn take_detour(&mut self, mut others: Vec<SocketAddr>) -> bool {
        if self.tries.hops >= HOPS_MAX {
            return false;
        }
        let Some(to) = others.pop() else { return false };
        self.tries.hops += 1;
        self.detour = Some(Box::new(Detour { to, others }));
        true
    }
}

/// The address that a Contact points to over UDP, if it is an IP address.
fn target(contact: &NameAddr<'_>) -> Option<SocketAddr> {
    let is_udp = contact
        .uri
        .params
        .value("transport")
        .is_none_or(|it| it.eq_ignore_ascii_case("udp"));
    let address = contact
        .uri
        .address()
        .filter(|_| is_udp && contact.uri.scheme == Scheme::Sip)?;
    Some(SocketAddr::new(address, contact.uri.port.unwrap_or(5060)))
}
