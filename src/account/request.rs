//! Builds REGISTER requests, and reads back what a 2xx grants (rules I1–I5, I7, L2).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Account, Attempt, Errand, Identity, Shared};
use crate::config;
use crate::config::UnregistrationMode;
use crate::cx::{Branch, Opening, Party};
use crate::effect::{AccountId, Via};
use crate::pace::RegistrarId;
use crate::rng::{Draw, Token};
use crate::sip::uri::{Uri, escape_user};
use crate::sip::write::Writer;
use crate::sip::{Message, NameAddr};
use crate::tally::Method;

/// Methods that we understand (rule I5).
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE";
/// URI parameter that marks our Contact, since registrars rewrite host and port (rule L2).
pub const MARK: &str = "regent";
/// The same as it stands in the URI.
const MARK_PARAM: &str = ";regent=";
/// The same behind what makes it a Contact for all numbers (RFC 6140 §5.1).
const BULK_MARK_PARAM: &str = ";bnc;regent=";
/// Option tag of the registration of all numbers at once (RFC 6140 §5.1).
pub(super) const GIN: &str = "gin";
/// The largest CSeq that we use (RFC 3261 §8.1.1.5).
pub(super) const CSEQ_MAX: u32 = (1 << 31) - 1;

impl Identity {
    pub(super) fn new(id: AccountId, config: &config::Account, shared: &Shared) -> Self {
        let mut draws = 0;
        let mut draw = shared.cx.draw(id, &mut draws);
        Self {
            aor: aor(config),
            call_id: call_id(&mut draw),
            from_tag: draw.number(),
            mark: draw.number(),
            cseq: 0,
            cseq_limit: if shared.dirty.is_on() { 0 } else { CSEQ_MAX },
            cseq_asked: 0,
            random_user: None,
            draws,
        }
    }

    /// Another address-of-record.
    pub(super) fn set_user(&mut self, config: &config::Account) {
        self.aor = aor(config);
    }

    /// A new registration in the eyes of the registrar: another Call-ID, CSeq from the start.
    pub(super) fn renew(&mut self, id: AccountId, shared: &Shared) {
        self.call_id = call_id(&mut shared.cx.draw(id, &mut self.draws));
        self.cseq = 0;
    }

    /// Without a configured host the address-of-record is at the registrar's address (rule I1).
    pub(super) fn set_host(&mut self, config: &config::Account, registrar: &SocketAddr) {
        if config.host().is_none() {
            let host = host_of(registrar);
            if self.aor.rsplit_once('@').is_none_or(|(_, old)| old != host) {
                self.aor = Arc::from(["sip:", self.user(), "@", &host].concat());
            }
        }
    }

    /// User part of the Contact, percent-escaped (rules I3, I6).
    fn contact_user(&self) -> &str {
        self.random_user.as_deref().unwrap_or_else(|| self.user())
    }

    /// User part of the address-of-record, percent-escaped.
    fn user(&self) -> &str {
        let user = self.aor.strip_prefix("sip:").unwrap_or(&self.aor);
        user.split_once('@').map_or(user, |(user, _)| user)
    }
}

/// The address-of-record as it is configured; a host that is the registrar's comes later.
fn aor(config: &config::Account) -> Arc<str> {
    let host = config.host().unwrap_or_default();
    Arc::from(["sip:", &escape_user(config.user()), "@", host].concat())
}

/// Letters and digits with a letter in front, 89 bits of chance: no two are the same (rule I6).
fn random_user(draw: &mut Draw) -> Box<str> {
    let mut user = String::with_capacity(RANDOM_USER);
    while user.len() < RANDOM_USER {
        let count = if user.is_empty() { 52 } else { 62 };
        let place = (draw.number() % count) as usize;
        user.push(char::from(LETTERS_AND_DIGITS[place]));
    }
    user.into()
}

/// Length of a random user.
const RANDOM_USER: usize = 15;
const LETTERS_AND_DIGITS: &[u8; 62] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

fn call_id(draw: &mut Draw) -> Arc<str> {
    [draw.token().as_str(), draw.token().as_str()]
        .concat()
        .into()
}

/// What a REGISTER needs besides the Account itself.
struct Sending<'a> {
    branch: &'a Branch,
    contact: &'a str,
    uri: &'a str,
    credentials: Vec<(&'static str, String)>,
}

/// A registrar's address as the host of a Request-URI: the port only where it is not the default
/// (rule I2).
struct RequestHost(SocketAddr);

impl fmt::Display for RequestHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.port() {
            5060 => host_of(&self.0).fmt(f),
            _ => self.0.fmt(f),
        }
    }
}

/// An IP address as a URI's host: IPv6 in brackets.
fn host_of(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    }
}

impl Account {
    /// Sends a REGISTER for the errand in hand. The place in the registrar's window is held
    /// already, or was given back before.
    pub(super) fn send(&mut self, registrar: RegistrarId, holds_place: bool, shared: &mut Shared) {
        if self.identity.cseq >= CSEQ_MAX {
            self.identity.renew(self.id, shared);
        }
        if !self.may_send() {
            return self.wait_for_store(registrar, holds_place, shared);
        }
        let target = shared.pace.get(registrar);
        let (socket, member) = (target.socket, target.address);
        let to = self.detour.as_ref().map_or(member, |detour| detour.to);
        if self.errand == Errand::Register {
            let minimum = shared.pace.get(registrar).min_expires.unwrap_or(0);
            let asked = self.asked_at(registrar, shared);
            if (self.asked, self.minimum) != (asked, minimum) {
                (self.asked, self.minimum) = (asked, minimum);
                self.mark_changed(shared);
            }
        }
        self.identity.set_host(&self.config, &member);
        self.set_random_user(shared);
        self.identity.cseq += 1;
        if self.is_low() {
            shared.dirty.mark_low(self.id);
        }
        let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
        let branch = shared.cx.transactions.reserve(draw.number());
        let socket = self.port.unwrap_or(socket);
        let contact = self.contact(shared);
        let uri = self.request_uri(registrar, shared);
        let credentials = self.credentials_for(registrar, ("REGISTER", &uri), &mut draw);
        self.tries.carried = !credentials.is_empty();
        self.write(
            &Sending {
                branch: &branch,
                contact: &contact,
                uri: &uri,
                credentials,
            },
            shared,
        );
        let attempt = Attempt::InFlight {
            transaction: branch.id,
            registrar,
            holds_place,
        };
        let opening = Opening {
            via: Via::Socket(socket),
            to,
            party: Party::Account(self.id),
            method: "REGISTER",
            max_sends: self.max_sends(registrar, shared),
        };
        shared.cx.open(&branch, opening);
        self.tally(registrar, shared, |tally, place| {
            tally.sent(place, Method::Register);
        });
        self.mark_shown(shared);
        self.go(self.binding, attempt, shared, String::new);
    }

    /// A new registration gets a random user, where that is configured (rule I6).
    fn set_random_user(&mut self, shared: &Shared) {
        if self.is_bound() || self.errand != Errand::Register {
            return;
        }
        let is_random = shared.rules.use_random_user && !self.is_bulk();
        if is_random && self.identity.random_user.is_none() {
            let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
            self.identity.random_user = Some(random_user(&mut draw));
        } else if !is_random {
            self.identity.random_user = None;
        }
    }

    /// The Request-URI at a registrar: a host without a user part (rule I2).
    pub(super) fn request_uri(&self, registrar: RegistrarId, shared: &Shared) -> String {
        let host = match self.config.request_host() {
            Some(host) => return ["sip:", host].concat(),
            None => RequestHost(shared.pace.get(registrar).address),
        };
        format!("sip:{host}")
    }

    /// Writes the REGISTER into the scratch buffer.
    fn write(&self, sending: &Sending<'_>, shared: &mut Shared) {
        let Sending {
            branch,
            contact,
            uri,
            credentials,
        } = sending;
        let mut out = std::mem::take(&mut shared.cx.scratch);
        out.clear();
        let identity = &self.identity;
        let asked = match self.errand {
            Errand::Register => self.asked,
            Errand::Unregister | Errand::Clear => 0,
        };
        let (branch, tag) = (branch.text(), Token::of(identity.from_tag));
        let (mark, asked, cseq) = (
            Token::of(identity.mark),
            asked.to_string(),
            identity.cseq.to_string(),
        );
        let mut writer = Writer::request(&mut out, "REGISTER", uri);
        let via = [
            "SIP/2.0/UDP ",
            contact,
            ";branch=",
            branch.as_str(),
            ";rport",
        ];
        writer.parts("Via", &via);
        writer.fixed("Max-Forwards", "70");
        writer.parts("From", &["<", &identity.aor, ">;tag=", tag.as_str()]);
        writer.parts("To", &["<", &identity.aor, ">"]);
        writer.parts("Call-ID", &[&identity.call_id]);
        writer.parts("CSeq", &[&cseq, " REGISTER"]);
        let is_for_all = shared.rules.unregistration_mode == UnregistrationMode::All;
        if self.errand == Errand::Clear || (self.errand == Errand::Unregister && is_for_all) {
            writer.parts("Contact", &["*"]);
        } else {
            let [scheme, user, at, host, key, mark] = self.our_contact(contact, &mark);
            let parts = ["<", scheme, user, at, host, key, mark, ">;expires=", &asked];
            writer.parts("Contact", &parts);
        }
        writer.parts("Expires", &[&asked]);
        for (name, value) in credentials {
            writer.parts(name, &[value]);
        }
        writer.parts("User-Agent", &[&shared.user_agent]);
        writer.fixed("Allow", ALLOW);
        if self.is_bulk() {
            writer.fixed("Require", GIN);
            writer.fixed("Proxy-Require", GIN);
        }
        if !self.without_path {
            writer.fixed("Supported", "path");
        }
        writer.finish(&[]);
        shared.cx.scratch = out;
    }

    /// What a 2xx to a registration grants, in seconds (rule L2).
    pub(super) fn granted(&self, message: &Message<'_>, contact: &str) -> u32 {
        let mark = Token::of(self.identity.mark);
        let ours = self.our_contact(contact, &mark).concat();
        granted(message, &ours, mark.as_str()).unwrap_or(self.asked)
    }

    /// The value of the mark in its Contact (rule L2).
    pub fn mark(&self) -> String {
        Token::of(self.identity.mark).as_str().to_owned()
    }

    /// Whether it registers all numbers of its PBX at once (rule I7).
    pub(super) fn is_bulk(&self) -> bool {
        self.config.register == config::Register::Gin
    }

    /// The URI of our Contact with our mark, in parts: with the user (rule I3), or for all numbers
    /// at once without one (rule I7, RFC 6140 §5.1).
    pub(super) fn our_contact<'a>(&'a self, contact: &'a str, mark: &'a Token) -> [&'a str; 6] {
        let (user, at, key) = if self.is_bulk() {
            ("", "", BULK_MARK_PARAM)
        } else {
            (self.identity.contact_user(), "@", MARK_PARAM)
        };
        ["sip:", user, at, contact, key, mark.as_str()]
    }
}

/// What a 2xx grants to the Contact `ours` with this `mark`; `None` when it shows no number at all
/// (rule L2).
fn granted(message: &Message<'_>, ours: &str, mark: &str) -> Option<u32> {
    let readable = || message.contact_items().filter_map(Result::ok);
    // Nearly every registrar shows our Contact as we wrote it.
    let verbatim = readable().find(|contact| contact.uri.as_str() == ours);
    let own = verbatim.or_else(|| rewritten(readable().collect(), ours, mark, message));
    own.and_then(|own| own.expires())
        .or_else(|| message.expires())
        .or_else(|| readable().filter_map(|contact| contact.expires()).min())
}

/// Our Contact where the registrar writes it in another way: the one that is equal, the one with
/// our mark, or the only one.
fn rewritten<'a>(
    contacts: Vec<NameAddr<'a>>,
    ours: &str,
    mark: &str,
    message: &Message<'a>,
) -> Option<NameAddr<'a>> {
    let ours = Uri::parse(ours).ok();
    let is_equal = |contact: &NameAddr<'_>| {
        ours.as_ref()
            .is_some_and(|ours| ours.equivalent(&contact.uri))
    };
    let is_marked = |contact: &NameAddr<'_>| contact.uri.params.value(MARK) == Some(mark);
    let is_only = contacts.len() == 1 && message.contact_items().count() == 1;
    let place = contacts.iter().position(is_equal);
    let place = place.or_else(|| contacts.iter().position(is_marked));
    let place = place.or_else(|| is_only.then_some(0));
    place.and_then(|place| contacts.into_iter().nth(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "sip:4930@192.0.2.1:5070;regent=00000000000000ff";

    fn read(headers: &str) -> Option<u32> {
        let text =
            format!("SIP/2.0 200 OK\r\nCSeq: 1 REGISTER\r\n{headers}Content-Length: 0\r\n\r\n");
        granted(
            &Message::parse(text.as_bytes()).unwrap(),
            OURS,
            "00000000000000ff",
        )
    }

    // rule L2
    #[test]
    fn the_granted_expiry_is_read_in_the_order_of_the_rule() {
        let other = "Contact: <sip:4930@198.51.100.9:5060>;expires=3600\r\n";
        let cases = [
            (
                "Contact: <sip:4930@192.0.2.1:5070>;expires=60\r\nExpires: 90\r\n",
                Some(60),
                "equal, without our mark",
            ),
            (
                "Contact: <sip:4930@203.0.113.7:1024;regent=00000000000000ff>;expires=61\r\n",
                Some(61),
                "our mark",
            ),
            (
                "Contact: <sip:x@203.0.113.7>;expires=62\r\nExpires: 90\r\n",
                Some(62),
                "the only Contact",
            ),
            (
                "Contact: <sip:x@203.0.113.7>\r\nExpires: 63\r\n",
                Some(63),
                "the only one, shown by the header",
            ),
            ("Expires: 64\r\n", Some(64), "only the header"),
            (
                "Contact: <sip:a@h>;expires=90, <sip:b@h>;expires=65\r\n",
                Some(65),
                "the smallest number",
            ),
            (
                "Contact: <sip:a@h>;expires=90, <sip:b@h>;expires=65\r\nExpires: 66\r\n",
                Some(66),
                "the header first",
            ),
            ("", None, "nothing shown"),
            (
                "Contact: <sip:4930@192.0.2.1:5070>;expires=60,\r\nExpires: 90\r\n",
                Some(60),
                "ours before an empty one",
            ),
            (
                "Contact: <sip:a b>;expires=9, <sip:4930@192.0.2.1:5070>;expires=60\r\n",
                Some(60),
                "ours behind a broken one",
            ),
            ("Contact: <sip:a@h>;expires=soon\r\n", None, "no number"),
        ];
        for (headers, expected, what) in cases {
            assert_eq!(read(headers), expected, "{what}");
        }
        let ours = "Contact: <sip:4930@203.0.113.7:9;regent=00000000000000ff>;expires=67\r\n";
        assert_eq!(
            read(&format!("{other}{ours}")),
            Some(67),
            "ours behind a foreign one"
        );
        assert_eq!(
            read(&format!("{ours}{other}")),
            Some(67),
            "ours before a foreign one"
        );
    }
}
