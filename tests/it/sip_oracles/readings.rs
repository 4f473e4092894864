//! What we and two other parsers make of a message, as values that can be compared.

use std::collections::BTreeMap;

use regent::sip::{Contacts, Message, Name, NameAddr, StartLine};

/// What a parser makes of a message.
#[derive(Debug)]
pub(crate) enum Reading {
    /// It cannot be framed.
    Refused,
    /// It can be framed, but a header that every message needs, or one that is read here, is wrong.
    Flagged,
    /// It is good: the values, by name.
    Clean(Values),
}

type Values = BTreeMap<String, String>;

impl Reading {
    pub(crate) fn verdict(&self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Flagged => "flagged",
            Self::Clean(_) => "clean",
        }
    }
}

/// How two readings differ, if they do. Values that one of them does not know are not compared.
pub(crate) fn difference(ours: &Reading, theirs: &Reading) -> Option<String> {
    let (Reading::Clean(ours), Reading::Clean(theirs)) = (ours, theirs) else {
        let (ours, theirs) = (ours.verdict(), theirs.verdict());
        return (ours != theirs).then(|| format!("{ours} by us, {theirs} by them"));
    };
    theirs.iter().find_map(|(key, value)| {
        let ours = ours.get(key).map_or("nothing", String::as_str);
        (ours != value).then(|| format!("{key}: {ours:?} by us, {value:?} by them"))
    })
}

pub(crate) fn ours(bytes: &[u8]) -> Reading {
    let Ok(message) = Message::parse(bytes) else {
        return Reading::Refused;
    };
    our_values(&message).map_or(Reading::Flagged, Reading::Clean)
}

fn our_values(message: &Message<'_>) -> Option<Values> {
    message.check().ok()?;
    if message.value(Name::Date).is_some() {
        message.date()?;
    }
    let mut values = Values::new();
    let mut set = |key: &str, value: String| values.insert(key.to_owned(), value);
    match message.start() {
        StartLine::Request { method, uri } => set("start", format!("{method} {uri}")),
        StartLine::Status { code, .. } => set("start", code.to_string()),
    };
    if let Some(reason) = message.reason() {
        set("reason", reason.into_owned());
    }
    set("headers", message.headers().count().to_string());
    set("body", format!("{:?}", message.body()));
    let via = message.via().ok()?;
    set("via.transport", via.transport.to_owned());
    set("via.host", host(via.host));
    set("via.port", format!("{:?}", via.port));
    set("via.branch", format!("{:?}", via.branch));
    set("via.received", format!("{:?}", via.received()));
    set("via.rport", format!("{:?}", via.rport()));
    set("via.count", message.via_count().to_string());
    let cseq = message.cseq().ok()?;
    set("cseq", format!("{} {}", cseq.number, cseq.method));
    set("call-id", message.call_id()?.to_owned());
    let mut address = |key: &str, address: &NameAddr<'_>| {
        set(&format!("{key}.display"), format!("{:?}", address.display));
        set(&format!("{key}.uri"), address.uri.as_str().to_owned());
        set(&format!("{key}.user"), format!("{:?}", address.uri.user));
        set(&format!("{key}.host"), host(address.uri.host));
        set(&format!("{key}.port"), format!("{:?}", address.uri.port));
        set(&format!("{key}.tag"), format!("{:?}", address.tag()));
        set(
            &format!("{key}.expires"),
            format!("{:?}", address.params.get("expires")),
        );
    };
    address("from", &message.from().ok()?);
    address("to", &message.to().ok()?);
    match message.contacts().ok()? {
        Contacts::None => set("contacts", "0".to_owned()),
        Contacts::Star => set("contacts", "*".to_owned()),
        Contacts::List(list) => {
            for (nth, contact) in list.iter().enumerate() {
                address(&format!("contact.{nth}"), contact);
            }
            set("contacts", list.len().to_string())
        }
    };
    Some(values)
}

/// Hosts as both sides can write them: addresses in their shortest form, without brackets.
fn host(text: &str) -> String {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse::<std::net::IpAddr>()
        .map_or_else(|_| text.to_owned(), |address| address.to_string())
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(crate) fn sipx(bytes: &[u8]) -> Reading {
    let limits = sipx_sip::Limits::datagram();
    let Ok(message) = sipx_sip::parse_datagram(bytes.to_vec().into(), &limits) else {
        return Reading::Refused;
    };
    sipx_values(&message).map_or(Reading::Flagged, Reading::Clean)
}

fn sipx_values(message: &sipx_sip::Message) -> Option<Values> {
    use sipx_sip::headers::{Address, CSeq, CallId, ContactValue, Date, From, To, Via};
    let headers = message.headers();
    // We do not ask for Max-Forwards.
    if !sipx_sip::validate(message)
        .iter()
        .all(sipx_sip::Finding::is_repairable)
    {
        return None;
    }
    if let Some(date) = headers.typed::<Date>() {
        date.ok()?;
    }
    let mut values = Values::new();
    let mut set = |key: &str, value: String| values.insert(key.to_owned(), value);
    match message {
        sipx_sip::Message::Request(request) => {
            let method = lossy(request.method.as_bytes());
            set(
                "start",
                format!("{method} {}", lossy(&request.uri.to_bytes())),
            );
        }
        sipx_sip::Message::Response(response) => {
            set("start", response.status.code().to_string());
            set("reason", lossy(response.reason.trim_ascii()));
        }
    }
    set("headers", headers.len().to_string());
    set("body", format!("{:?}", message.body().as_ref()));
    let hops: Vec<Via> = headers.typed_all::<Via>().collect::<Result<_, _>>().ok()?;
    let via = hops.first()?;
    let text = |bytes: Option<&[u8]>| format!("{:?}", bytes.map(lossy));
    set("via.transport", lossy(&via.transport));
    set("via.host", lossy(&via.host.to_bytes()));
    set("via.port", format!("{:?}", via.port));
    set("via.branch", text(via.branch()));
    set("via.count", hops.len().to_string());
    let cseq = headers.typed::<CSeq>()?.ok()?;
    let method = lossy(cseq.method.as_bytes());
    set("cseq", format!("{} {method}", cseq.sequence));
    set("call-id", lossy(&headers.typed::<CallId>()?.ok()?.0));
    let mut address = |key: &str, address: &Address| {
        let uri = &address.uri;
        set(
            &format!("{key}.display"),
            text(address.display_name.as_deref()),
        );
        set(&format!("{key}.uri"), lossy(&uri.to_bytes()));
        set(&format!("{key}.user"), text(uri.user()));
        if let Some(host) = uri.host() {
            set(&format!("{key}.host"), lossy(&host.to_bytes()));
        }
        set(&format!("{key}.port"), format!("{:?}", uri.port()));
        set(&format!("{key}.tag"), text(address.tag()));
    };
    address("from", &headers.typed::<From>()?.ok()?.0);
    address("to", &headers.typed::<To>()?.ok()?.0);
    let mut contacts = 0;
    for contact in headers.typed_all::<ContactValue>() {
        match contact.ok()? {
            ContactValue::Wildcard => {
                set("contacts", "*".to_owned());
                return Some(values);
            }
            ContactValue::Address(found) => address(&format!("contact.{contacts}"), &found),
        }
        contacts += 1;
    }
    set("contacts", contacts.to_string());
    Some(values)
}

pub(crate) fn rsip(bytes: &[u8]) -> Reading {
    let Ok(message) = ::rsip::SipMessage::try_from(bytes) else {
        return Reading::Refused;
    };
    rsip_values(&message).map_or(Reading::Flagged, Reading::Clean)
}

fn rsip_values(message: &::rsip::SipMessage) -> Option<Values> {
    use ::rsip::prelude::*;
    let mut values = Values::new();
    let mut set = |key: &str, value: String| values.insert(key.to_owned(), value);
    match message {
        ::rsip::SipMessage::Request(request) => {
            set("start", format!("{} {}", request.method, request.uri));
        }
        ::rsip::SipMessage::Response(response) => {
            set("start", response.status_code.code().to_string());
        }
    }
    let via = message.via_header().ok()?.typed().ok()?;
    set("via.transport", via.transport.to_string());
    set("via.host", host(&via.uri.host().to_string()));
    set(
        "via.branch",
        format!("{:?}", via.branch().map(|b| b.value())),
    );
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    set("cseq", format!("{} {}", cseq.seq, cseq.method));
    set("call-id", message.call_id_header().ok()?.value().to_owned());
    let mut uri = |key: &str, uri: &::rsip::Uri| {
        set(&format!("{key}.user"), format!("{:?}", uri.user()));
        set(&format!("{key}.host"), host(&uri.host().to_string()));
        let port = uri.port().map(|port| *port.value());
        set(&format!("{key}.port"), format!("{port:?}"));
    };
    let from = message.from_header().ok()?.typed().ok()?;
    let to = message.to_header().ok()?.typed().ok()?;
    uri("from", &from.uri);
    uri("to", &to.uri);
    if let Ok(contact) = message.contact_header() {
        let contact = contact.typed().ok()?;
        uri("contact.0", &contact.uri);
        let expires = contact.expires().map(|expires| Some(expires.value()));
        set("contact.0.expires", format!("{expires:?}"));
    }
    let tag = |tag: Option<&::rsip::param::Tag>| format!("{:?}", tag.map(|tag| tag.value()));
    set("from.tag", tag(from.tag()));
    set("to.tag", tag(to.tag()));
    Some(values)
}
