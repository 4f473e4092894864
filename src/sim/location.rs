//! The location table of the simulated registrar: who is bound where, until when.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::behaviour::{Behaviour, ContactAs, Grant, Shows};
use super::text::{Contact, Text};
use crate::time::{Duration, Instant};

/// A binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Binding {
    /// The Contact URI, as it came.
    pub contact: String,
    /// Where the REGISTER came from.
    pub source: SocketAddr,
    /// When it ends.
    pub expires_at: Instant,
    /// Call-ID of the REGISTER that made or refreshed it.
    pub call_id: String,
    /// CSeq of that REGISTER.
    pub cseq: u32,
}

/// Bindings by address-of-record.
#[derive(Default, Debug)]
pub(super) struct Location {
    table: BTreeMap<String, Vec<Binding>>,
}

/// A REGISTER with what surrounds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    /// When it was heard.
    pub(super) now: Instant,
    /// Where it came from.
    pub(super) from: SocketAddr,
    /// Its address-of-record.
    pub(super) aor: &'a str,
    /// The message.
    pub(super) request: &'a Text,
}

/// What a REGISTER did to the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Change {
    /// A binding was made or refreshed, for so many seconds.
    Bound(u32),
    /// Bindings were removed.
    Removed,
    /// Nothing: it was a question.
    None,
}

/// What is granted when nothing is asked for.
const DEFAULT_EXPIRES: u32 = 3_600;

impl Location {
    /// Every binding that stands.
    pub(super) fn bindings(&self, now: Instant) -> impl Iterator<Item = (&str, &Binding)> + '_ {
        let standing = move |binding: &&Binding| binding.expires_at > now;
        self.table
            .iter()
            .flat_map(move |(aor, all)| all.iter().filter(standing).map(|it| (&**aor, it)))
    }

    /// The bindings of one address-of-record that stand.
    pub(super) fn of(&self, aor: &str, now: Instant) -> impl Iterator<Item = &Binding> + '_ {
        let all = self.table.get(aor).map_or(&[][..], Vec::as_slice);
        all.iter().filter(move |binding| binding.expires_at > now)
    }

    /// Does what a REGISTER asks for.
    pub(super) fn apply(&mut self, by: Asked<'_>, grant: Grant) -> Change {
        let Asked {
            now,
            from,
            aor,
            request,
        } = by;
        let rows = self.table.entry(aor.to_owned()).or_default();
        rows.retain(|binding| binding.expires_at > now);
        let mut change = Change::None;
        for contact in request.contacts() {
            if contact.uri == "*" {
                rows.clear();
                return Change::Removed;
            }
            let asked = asked(&contact, request);
            rows.retain(|binding| binding.contact != contact.uri);
            if asked == 0 {
                change = Change::Removed;
                continue;
            }
            let granted = granted(asked, grant);
            change = Change::Bound(granted);
            if granted > 0 {
                rows.push(Binding {
                    contact: contact.uri.to_owned(),
                    source: from,
                    expires_at: now + Duration::from_secs(granted.into()),
                    call_id: request.header("call-id").unwrap_or_default().to_owned(),
                    cseq: request.cseq().map_or(0, |(number, _)| number),
                });
            }
        }
        change
    }

    /// The Contact and Expires headers of a 200.
    pub(super) fn listing(
        &self,
        now: Instant,
        aor: &str,
        change: Change,
        behaviour: &Behaviour,
    ) -> Vec<(String, String)> {
        let mut values = behaviour.before.clone();
        for binding in self.of(aor, now) {
            let left = (binding.expires_at - now).as_secs();
            let Some(uri) = shown(binding, behaviour.contact) else {
                continue;
            };
            values.push(match behaviour.shows {
                Shows::Parameter => format!("<{uri}>;expires={left}"),
                Shows::Header | Shows::Nothing => format!("<{uri}>"),
            });
        }
        values.extend(behaviour.after.iter().cloned());
        let line = |value| ("Contact".to_owned(), value);
        let mut headers: Vec<_> = values.into_iter().map(line).collect();
        if let (Shows::Header, Change::Bound(granted)) = (behaviour.shows, change) {
            headers.push(("Expires".to_owned(), granted.to_string()));
        }
        headers
    }
}

/// Whether a registration asks for less than this; an un-registration never does.
pub(super) fn asks_for_less(request: &Text, least: u32) -> bool {
    let asked = request.contacts().map(|contact| asked(&contact, request));
    asked.filter(|asked| *asked > 0).any(|asked| asked < least)
}

fn asked(contact: &Contact<'_>, request: &Text) -> u32 {
    let own = contact.expires().or_else(|| request.expires());
    own.unwrap_or(DEFAULT_EXPIRES)
}

fn granted(asked: u32, grant: Grant) -> u32 {
    match grant {
        Grant::AsAsked => asked,
        Grant::Exactly(seconds) => seconds,
        Grant::AtMost(seconds) => asked.min(seconds),
    }
}

/// A Contact URI as the registrar lists it.
fn shown(binding: &Binding, how: ContactAs) -> Option<String> {
    let uri = &*binding.contact;
    let (address, parameters) = match how {
        ContactAs::Given => return Some(uri.to_owned()),
        ContactAs::Hidden => return None,
        ContactAs::Source => (binding.source, true),
        ContactAs::Marked(address) => (address, true),
        ContactAs::Unmarked(address) => (address, false),
    };
    // The Contact for all numbers at once has no user (RFC 6140).
    let (user, host) = uri.split_once('@').unwrap_or(("sip:", uri));
    let (_, rest) = host.split_once(';').unwrap_or((host, ""));
    let at = if uri.contains('@') { "@" } else { "" };
    let mut text = format!("{user}{at}{address}");
    if parameters && !rest.is_empty() {
        text.push(';');
        text.push_str(rest);
    }
    Some(text)
}
