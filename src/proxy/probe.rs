//! What a probe says: OPTIONS, or a REGISTER that registers nothing (rule P3).

use std::net::SocketAddr;
use std::sync::Arc;

use super::keepalive::Pulse;
use crate::config::{KeepAlive, ProxySet};
use crate::cx::{Cx, Opening, Party};
use crate::effect::{SetId, SocketId, Via};
use crate::rng::{Draw, Token};
use crate::sip::uri::escape_user;
use crate::sip::write::Writer;
use crate::tally::{Method, Place};

/// User of a probe REGISTER, where none is configured: an address-of-record needs one.
const USER: &str = "keep-alive";
/// The largest CSeq that we use (RFC 3261 §8.1.1.5).
const CSEQ_MAX: u32 = (1 << 31) - 1;

/// Who the probes of one member say that they are: one registration of their own, as it were.
#[derive(Debug)]
pub(super) struct Identity {
    call_id: Box<str>,
    from_tag: u64,
    cseq: u32,
}

impl Identity {
    pub(super) fn new(draw: &mut Draw) -> Self {
        let call_id = [draw.token().as_str(), draw.token().as_str()].concat();
        Self {
            call_id: call_id.into(),
            from_tag: draw.number(),
            cseq: 0,
        }
    }
}

/// Where a probe goes and where it comes from.
pub(super) struct Target<'a> {
    pub(super) set: SetId,
    /// The number of its registrar.
    pub(super) registrar: u32,
    pub(super) address: SocketAddr,
    /// The name that its address was found by, if there is one.
    pub(super) name: Option<&'a str>,
    pub(super) socket: SocketId,
    /// Host and port of our Via.
    pub(super) contact: &'a str,
    pub(super) user_agent: &'a Arc<str>,
}

/// Sends the next probe of a member.
pub(super) fn send(
    config: &ProxySet,
    target: &Target<'_>,
    pulse: &mut Pulse,
    (draw, cx): (&mut Draw, &mut Cx),
) {
    let identity = pulse
        .identity
        .get_or_insert_with(|| Box::new(Identity::new(draw)));
    if identity.cseq >= CSEQ_MAX {
        **identity = Identity::new(draw);
    }
    identity.cseq += 1;
    let branch = cx.transactions.reserve(draw.number());
    let kind = method(config);
    let method = kind.name();
    let mut out = std::mem::take(&mut cx.scratch);
    out.clear();
    write(
        &mut out,
        method,
        branch.text().as_str(),
        (config, target, identity),
    );
    cx.scratch = out;
    let own = config.failure_detection_retransmissions;
    let opening = Opening {
        via: Via::Socket(target.socket),
        to: target.address,
        party: Party::Probe {
            set: target.set,
            registrar: target.registrar,
        },
        method,
        max_sends: own.map_or(u8::MAX, |again| again.saturating_add(1).min(u8::MAX - 1)),
    };
    cx.open(&branch, opening);
    let place = Place {
        set: &config.name,
        registrar: target.address,
    };
    cx.tally.sent(place, kind);
    pulse.on_sent(branch.id, cx.now);
}

/// The method of a set's probes.
pub(super) fn method(config: &ProxySet) -> Method {
    match config.keep_alive {
        KeepAlive::Register | KeepAlive::FakeRegister => Method::Register,
        KeepAlive::Disable | KeepAlive::Options | KeepAlive::OptionsOnActive => Method::Options,
    }
}

fn write(
    out: &mut Vec<u8>,
    method: &'static str,
    branch: &str,
    (config, target, identity): (&ProxySet, &Target<'_>, &Identity),
) {
    let is_register = method == "REGISTER";
    let user = config.keep_alive_user.as_deref();
    let user = user
        .or_else(|| is_register.then_some(USER))
        .map(escape_user);
    let (with_port, host) = match target.name {
        Some(name) => (name.to_owned(), name.to_owned()),
        None => hosts(target.address),
    };
    // From and To have no port (RFC 3261 §19.1.1). Without a user OPTIONS come from us as a host.
    let ours = target.contact.rsplit_once(':').map_or("", |(host, _)| host);
    let (from, to) = match &user {
        Some(user) => (format!("sip:{user}@{host}"), format!("sip:{user}@{host}")),
        None => (format!("sip:{ours}"), format!("sip:{host}")),
    };
    let host = with_port;
    let mut writer = match &user {
        Some(user) if !is_register => Writer::request(out, method, &format!("sip:{user}@{host}")),
        _ => Writer::request(out, method, &format!("sip:{host}")),
    };
    let via = ["SIP/2.0/UDP ", target.contact, ";branch=", branch, ";rport"];
    let tag = Token::of(identity.from_tag);
    writer.parts("Via", &via);
    writer.parts("Max-Forwards", &["70"]);
    writer.parts("From", &["<", &from, ">;tag=", tag.as_str()]);
    writer.parts("To", &["<", &to, ">"]);
    writer.parts("Call-ID", &[&identity.call_id]);
    writer.header("CSeq", format_args!("{} {method}", identity.cseq));
    if !is_register {
        // RFC 3261 §11.1: what may be in the answer's body.
        writer.parts("Accept", &["application/sdp"]);
    }
    writer.parts("User-Agent", &[target.user_agent]);
    writer.finish(&[]);
}

/// An address as a URI's host, with its port unless that is the default, and without it.
fn hosts(address: SocketAddr) -> (String, String) {
    let host = match address {
        SocketAddr::V4(v4) => v4.ip().to_string(),
        SocketAddr::V6(v6) => format!("[{}]", v6.ip()),
    };
    match address.port() {
        5060 => (host.clone(), host),
        _ => (address.to_string(), host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SipInterface;

    fn probe(method: &'static str, user: Option<&str>, name: Option<&str>) -> String {
        let interface = Arc::new(SipInterface::new("outside", [127, 0, 0, 1].into(), 5070));
        let mut config = ProxySet::new("carrier", interface, Vec::new());
        config.keep_alive_user = user.map(Arc::from);
        let target = Target {
            set: SetId(0),
            registrar: 0,
            address: ([192, 0, 2, 1], 5062).into(),
            name,
            socket: SocketId(0),
            contact: "127.0.0.1:5070",
            user_agent: &Arc::from("regent"),
        };
        let identity = Identity {
            call_id: "call".into(),
            from_tag: 1,
            cseq: 7,
        };
        let mut out = Vec::new();
        write(&mut out, method, "z9hG4bKx", (&config, &target, &identity));
        String::from_utf8(out).unwrap()
    }

    // rule P3
    #[test]
    fn options_come_from_us_and_go_to_the_member() {
        let text = probe("OPTIONS", None, None);
        let expected = "OPTIONS sip:192.0.2.1:5062 SIP/2.0\r\n\
            Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bKx;rport\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:127.0.0.1>;tag=0000000000000001\r\n\
            To: <sip:192.0.2.1>\r\n\
            Call-ID: call\r\n\
            CSeq: 7 OPTIONS\r\n\
            Accept: application/sdp\r\n\
            User-Agent: regent\r\n\
            Content-Length: 0\r\n\r\n";
        assert_eq!(text, expected);
    }

    // rule P3
    #[test]
    fn a_user_stands_in_options_and_register_as_each_has_it() {
        let text = probe("OPTIONS", Some("ping me"), Some("carrier.example"));
        assert!(
            text.starts_with("OPTIONS sip:ping%20me@carrier.example SIP/2.0\r\n"),
            "{text}"
        );
        assert!(
            text.contains("To: <sip:ping%20me@carrier.example>\r\n"),
            "{text}"
        );
        let text = probe("REGISTER", None, None);
        assert!(
            text.starts_with("REGISTER sip:192.0.2.1:5062 SIP/2.0\r\n"),
            "{text}"
        );
        assert!(
            text.contains("From: <sip:keep-alive@192.0.2.1>;tag="),
            "{text}"
        );
        assert!(
            !text.contains("Contact") && !text.contains("Expires"),
            "{text}"
        );
    }
}
