//! Builds REGISTER requests, and reads back what a 2xx grants (rules I1–I5, L2).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use super::{Account, Attempt, Errand, Identity, Shared};
use crate::config;
use crate::config::UnregistrationMode;
use crate::cx::Branch;
use crate::effect::{AccountId, Via};
use crate::pace::RegistrarId;
use crate::sip::uri::{Uri, escape_user};
use crate::sip::write::Writer;
use crate::sip::{Contacts, Message, NameAddr};

/// Methods that we understand (rule I5).
pub const ALLOW: &str =
    "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE";
/// URI parameter that marks our Contact, since registrars rewrite host and port (rule L2).
const MARK: &str = "regent";
/// The largest CSeq that we use (RFC 3261 §8.1.1.5).
pub(super) const CSEQ_MAX: u32 = (1 << 31) - 1;

impl Identity {
    pub(super) fn new(id: AccountId, config: &config::Account, shared: &Shared) -> Self {
        let mut draws = 0;
        let mut draw = shared.cx.draw(id, &mut draws);
        let host = config.host().unwrap_or_default();
        Self {
            aor: Arc::from(format!("sip:{}@{host}", escape_user(config.user()))),
            call_id: call_id(&mut draw),
            from_tag: draw.number(),
            mark: draw.number(),
            cseq: 0,
            cseq_limit: if shared.dirty.is_on() { 0 } else { CSEQ_MAX },
            is_raising: false,
            draws,
        }
    }

    /// A new registration in the eyes of the registrar: another Call-ID, CSeq from the start.
    pub(super) fn renew(&mut self, id: AccountId, shared: &Shared) {
        self.call_id = call_id(&mut shared.cx.draw(id, &mut self.draws));
        self.cseq = 0;
    }

    /// User part of the address-of-record, percent-escaped.
    fn user(&self) -> &str {
        let user = self.aor.strip_prefix("sip:").unwrap_or(&self.aor);
        user.split_once('@').map_or(user, |(user, _)| user)
    }
}

fn call_id(draw: &mut crate::rng::Draw) -> Box<str> {
    format!("{:016x}{:016x}", draw.number(), draw.number()).into()
}

/// Host and port of a Request-URI: as configured, else the registrar's address (rule I2).
enum RequestHost<'a> {
    Configured(&'a str),
    Registrar(SocketAddr),
}

impl fmt::Display for RequestHost<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured(host) => f.write_str(host),
            Self::Registrar(address) if address.port() == 5060 => host_of(address).fmt(f),
            Self::Registrar(address) => address.fmt(f),
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
    /// Sends a REGISTER for the errand in hand. The place in the registrar's window is held already, or was given
    /// back before.
    pub(super) fn send(&mut self, registrar: RegistrarId, holds_place: bool, shared: &mut Shared) {
        if !self.may_send() {
            return self.wait_for_store(registrar, holds_place, shared);
        }
        let target = shared.pace.get(registrar);
        let (socket, to) = (target.socket, target.address);
        let minimum = target.min_expires.unwrap_or(0);
        self.asked = match self.errand {
            Errand::Register => shared.rules.registration_time_secs.max(minimum),
            Errand::Unregister => 0,
        };
        if self.config.host().is_none() {
            self.identity.aor = Arc::from(format!("sip:{}@{}", self.identity.user(), host_of(&to)));
        }
        if self.identity.cseq >= CSEQ_MAX {
            self.identity.renew(self.id, shared);
        }
        self.identity.cseq += 1;
        if self.is_low() {
            shared.dirty.mark_low(self.id);
        }
        let mut draw = shared.cx.draw(self.id, &mut self.identity.draws);
        let branch = shared.cx.transactions.reserve(draw.number());
        let contact = shared
            .proxies
            .socket_of(socket)
            .map_or_else(|| Arc::from(""), |s| Arc::clone(&s.contact));
        self.write(&branch, &contact, registrar, &mut draw, shared);
        let attempt = Attempt::InFlight {
            transaction: branch.id,
            registrar,
            holds_place,
        };
        shared.cx.open(&branch, Via::Socket(socket), to, self.id);
        self.go(self.binding, attempt, shared, String::new);
    }

    /// The Request-URI at a registrar: a host without a user part (rule I2).
    pub(super) fn request_uri(&self, registrar: RegistrarId, shared: &Shared) -> String {
        let host = match self.config.request_host() {
            Some(host) => RequestHost::Configured(host),
            None => RequestHost::Registrar(shared.pace.get(registrar).address),
        };
        format!("sip:{host}")
    }

    fn write(
        &mut self,
        branch: &Branch,
        contact: &str,
        registrar: RegistrarId,
        draw: &mut crate::rng::Draw,
        shared: &mut Shared,
    ) {
        let mut out = std::mem::take(&mut shared.cx.scratch);
        out.clear();
        let uri = self.request_uri(registrar, shared);
        let credentials = self.credentials_for(registrar, &uri, draw);
        let Self {
            identity, asked, ..
        } = &*self;
        let mut writer = Writer::request(&mut out, "REGISTER", format_args!("{uri}"));
        writer.header(
            "Via",
            format_args!("SIP/2.0/UDP {contact};branch={branch};rport"),
        );
        writer.header("Max-Forwards", format_args!("70"));
        writer.header(
            "From",
            format_args!("<{}>;tag={:016x}", identity.aor, identity.from_tag),
        );
        writer.header("To", format_args!("<{}>", identity.aor));
        writer.header("Call-ID", format_args!("{}", identity.call_id));
        writer.header("CSeq", format_args!("{} REGISTER", identity.cseq));
        if self.errand == Errand::Unregister
            && shared.rules.unregistration_mode == UnregistrationMode::All
        {
            writer.header("Contact", format_args!("*"));
        } else {
            writer.header(
                "Contact",
                format_args!("<{}>;expires={asked}", OurContact { identity, contact }),
            );
        }
        writer.header("Expires", format_args!("{asked}"));
        for (name, value) in &credentials {
            writer.header(name, format_args!("{value}"));
        }
        writer.header("User-Agent", format_args!("{}", shared.user_agent));
        writer.header("Allow", format_args!("{ALLOW}"));
        if !self.without_path {
            writer.header("Supported", format_args!("path"));
        }
        writer.finish(&[]);
        self.tries.carried = !credentials.is_empty();
        shared.cx.scratch = out;
    }

    /// What a 2xx to a registration grants, in seconds (rule L2).
    pub(super) fn granted(&self, message: &Message<'_>, contact: &str) -> u32 {
        let ours = OurContact {
            identity: &self.identity,
            contact,
        }
        .to_string();
        let mark = format!("{:016x}", self.identity.mark);
        granted(message, &ours, &mark).unwrap_or(self.asked)
    }
}

/// The URI of our Contact (rule I3), with our mark.
struct OurContact<'a> {
    identity: &'a Identity,
    contact: &'a str,
}

impl fmt::Display for OurContact<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { identity, contact } = self;
        write!(
            f,
            "sip:{}@{contact};{MARK}={:016x}",
            identity.user(),
            identity.mark
        )
    }
}

/// What a 2xx grants to the Contact `ours` with this `mark`; `None` when it shows no number at all (rule L2).
fn granted(message: &Message<'_>, ours: &str, mark: &str) -> Option<u32> {
    let contacts = match message.contacts() {
        Ok(Contacts::List(contacts)) => contacts,
        Ok(Contacts::None | Contacts::Star) | Err(_) => Vec::new(),
    };
    let header = message.expires();
    let ours = Uri::parse(ours).ok();
    let is_equal = |contact: &&NameAddr<'_>| {
        ours.as_ref()
            .is_some_and(|ours| ours.equivalent(&contact.uri))
    };
    let is_marked = |contact: &&NameAddr<'_>| contact.uri.params.value(MARK) == Some(mark);
    let own = contacts
        .iter()
        .find(is_equal)
        .or_else(|| contacts.iter().find(is_marked));
    let only = || {
        if let [only] = &contacts[..] {
            Some(only)
        } else {
            None
        }
    };
    own.or_else(only)
        .and_then(NameAddr::expires)
        .or(header)
        .or_else(|| contacts.iter().filter_map(NameAddr::expires).min())
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
