//! Dialogs: what two user agents remember of each other between requests (RFC 3261 §12).
//!
//! A dialog knows names, sequence numbers and the way to the other side. It knows nothing of calls,
//! subscriptions or timers, and reads no messages: whoever does hands it the parts. Its invariant:
//! local sequence numbers only rise, and none below the last is accepted from the other side.

use std::fmt;

/// What a dialog is called at this end (RFC 3261 §12).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DialogId {
    /// The `Call-ID`.
    pub call_id: Box<str>,
    /// Our tag: of `To` in a request that we receive, of `From` in one that we send.
    pub local_tag: Box<str>,
    /// Their tag; empty when they have none, as before RFC 3261.
    pub remote_tag: Box<str>,
}

impl DialogId {
    /// From its three parts.
    pub fn new(call_id: &str, local_tag: &str, remote_tag: &str) -> Self {
        Self {
            call_id: call_id.into(),
            local_tag: local_tag.into(),
            remote_tag: remote_tag.into(),
        }
    }
}

impl fmt::Display for DialogId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{};{};{}", self.call_id, self.local_tag, self.remote_tag)
    }
}

/// The parts of the message that makes a dialog, and of the request that asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The `Call-ID`.
    pub call_id: &'a str,
    /// Our tag.
    pub local_tag: &'a str,
    /// Their tag; empty when there is none.
    pub remote_tag: &'a str,
    /// Our address: the URI of `From` in what we send.
    pub local_uri: &'a str,
    /// Their address: the URI of `To` in what we send.
    pub remote_uri: &'a str,
    /// The URI of their `Contact`.
    pub remote_target: &'a str,
    /// The values of `Record-Route`, one route each, in the order of the message.
    pub record_route: &'a [&'a str],
    /// The last CSeq number that we have used; `None` when we have sent nothing.
    pub local_cseq: Option<u32>,
    /// The last CSeq number that they have used; `None` when they have sent nothing.
    pub remote_cseq: Option<u32>,
    /// Whether it is made for good: by a 2xx, or by a NOTIFY; not by a 1xx.
    pub confirmed: bool,
}

/// One end of a dialog (RFC 3261 §12.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialog {
    id: DialogId,
    local_uri: Box<str>,
    remote_uri: Box<str>,
    remote_target: Box<str>,
    route_set: Vec<Box<str>>,
    local_cseq: Option<u32>,
    remote_cseq: Option<u32>,
    confirmed: bool,
}

/// Where a request inside a dialog goes (RFC 3261 §12.2.1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// The Request-URI.
    pub request_uri: String,
    /// The values of `Route`, first hop first; none when the request goes straight to
    /// `request_uri`.
    pub routes: Vec<String>,
}

impl Dialog {
    /// At the end that asked: made by a response with a To tag (RFC 3261 §12.1.2).
    pub fn from_response(parts: &Parts<'_>) -> Self {
        Self::new(parts, reversed(parts.record_route))
    }

    /// At the end that was asked, when it responds (RFC 3261 §12.1.1); or made by a NOTIFY (RFC
    /// 6665 §4.4.1).
    pub fn from_request(parts: &Parts<'_>) -> Self {
        Self::new(
            parts,
            parts.record_route.iter().copied().map(Into::into).collect(),
        )
    }

    fn new(parts: &Parts<'_>, route_set: Vec<Box<str>>) -> Self {
        Self {
            id: DialogId::new(parts.call_id, parts.local_tag, parts.remote_tag),
            local_uri: parts.local_uri.into(),
            remote_uri: parts.remote_uri.into(),
            remote_target: parts.remote_target.into(),
            route_set,
            local_cseq: parts.local_cseq,
            remote_cseq: parts.remote_cseq,
            confirmed: parts.confirmed,
        }
    }

    /// What it is called.
    pub fn id(&self) -> &DialogId {
        &self.id
    }

    /// The URI of `From` in what we send.
    pub fn local_uri(&self) -> &str {
        &self.local_uri
    }

    /// The URI of `To` in what we send.
    pub fn remote_uri(&self) -> &str {
        &self.remote_uri
    }

    /// The URI of their last `Contact`.
    pub fn remote_target(&self) -> &str {
        &self.remote_target
    }

    /// Whether no final response has confirmed it yet.
    pub fn is_early(&self) -> bool {
        !self.confirmed
    }

    /// We have sent a 2xx (RFC 3261 §12.1.1).
    pub fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// A 2xx to the request that made the dialog has come. The first one confirms it, and then the
    /// route set is made anew of its `Record-Route` (RFC 3261 §13.2.2.4), as old responders put it
    /// into no other response; after that the route set is fixed.
    pub fn confirm_by(&mut self, record_route: &[&str], contact: Option<&str>) {
        if !self.confirmed {
            self.confirmed = true;
            self.route_set = reversed(record_route);
        }
        self.refresh_target(contact);
    }

    /// A request or 2xx that refreshes the target has come: an INVITE, an UPDATE, a SUBSCRIBE, a
    /// NOTIFY, or the 2xx to one (RFC 3261 §12.2.1.2 and §12.2.2). Without a Contact the target
    /// stays.
    pub fn refresh_target(&mut self, contact: Option<&str>) {
        if let Some(contact) = contact.filter(|contact| !contact.is_empty()) {
            self.remote_target = contact.into();
        }
    }

    /// The CSeq number of our next request (RFC 3261 §12.2.1.1). Not for ACK and CANCEL, which
    /// carry the number of their INVITE. `None` when all numbers are used up: the dialog must end.
    pub fn next_cseq(&mut self) -> Option<u32> {
        let next = self.local_cseq.map_or(1, |last| last.saturating_add(1));
        if next >= CSEQ_END {
            return None;
        }
        self.local_cseq = Some(next);
        self.local_cseq
    }

    /// A request has come. False: it is out of order and must be answered with 500 (RFC 3261
    /// §12.2.2). Numbers may be missing; an ACK or a CANCEL repeats the number of its INVITE and is
    /// not counted.
    #[must_use]
    pub fn on_request(&mut self, method: &str, cseq: u32) -> bool {
        if matches!(method, "ACK" | "CANCEL") {
            return true;
        }
        if cseq >= CSEQ_END || self.remote_cseq.is_some_and(|last| cseq < last) {
            return false;
        }
        self.remote_cseq = Some(cseq);
        true
    }

    /// Where our next request goes (RFC 3261 §12.2.1.1).
    pub fn way(&self) -> Way {
        let routes = self.route_set.iter().map(ToString::to_string);
        match self.route_set.first() {
            Some(first) if !is_loose(uri_of(first)) => Way {
                request_uri: as_request_uri(uri_of(first)),
                routes: routes
                    .skip(1)
                    .chain([format!("<{}>", self.remote_target)])
                    .collect(),
            },
            _ => Way {
                request_uri: self.remote_target.to_string(),
                routes: routes.collect(),
            },
        }
    }
}

/// Whether a final response to a request of ours inside a dialog, a time-out counted as 408, means
/// that the dialog is gone (RFC 3261 §12.2.1.2).
pub fn is_ended_by(code: u16) -> bool {
    matches!(code, 408 | 481)
}

fn reversed(record_route: &[&str]) -> Vec<Box<str>> {
    record_route.iter().rev().copied().map(Into::into).collect()
}

/// The URI of a route: what stands between the angle brackets.
fn uri_of(route: &str) -> &str {
    let mut quoted = false;
    let mut escaped = false;
    for (at, b) in route.bytes().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => {
                let uri = &route[at + 1..];
                return uri.split('>').next().unwrap_or(uri);
            }
            _ => {}
        }
    }
    route.split(';').next().unwrap_or(route).trim()
}

/// Where the user part ends: parameters and headers come after it, though it may hold their
/// separators too.
fn after_user(uri: &str) -> usize {
    uri.rfind('@').map_or(0, |at| at + 1)
}

/// Whether a URI has the `lr` parameter: a loose router (RFC 3261 §16.12).
fn is_loose(uri: &str) -> bool {
    let rest = &uri[after_user(uri)..];
    let rest = rest.split('?').next().unwrap_or(rest);
    rest.split(';').skip(1).any(|parameter| {
        let name = parameter.split('=').next().unwrap_or(parameter);
        name.trim().eq_ignore_ascii_case("lr")
    })
}

/// A URI without what may not stand in a Request-URI: headers and `method` (RFC 3261 §19.1.1, Table
/// 1).
fn as_request_uri(uri: &str) -> String {
    let (user, rest) = uri.split_at(after_user(uri));
    let rest = rest.split('?').next().unwrap_or(rest);
    let mut kept = user.to_owned();
    for (number, parameter) in rest.split(';').enumerate() {
        let name = parameter.split('=').next().unwrap_or(parameter);
        if number == 0 {
            kept += parameter;
        } else if !name.trim().eq_ignore_ascii_case("method") {
            kept.push(';');
            kept += parameter;
        }
    }
    kept
}

/// CSeq numbers are below this (RFC 3261 §8.1.1.5).
const CSEQ_END: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    const PARTS: Parts<'_> = Parts {
        call_id: "a84b4c76e66710",
        local_tag: "1928301774",
        remote_tag: "a6c85cf",
        local_uri: "sip:alice@atlanta.com",
        remote_uri: "sip:bob@biloxi.com",
        remote_target: "sip:bob@192.0.2.4",
        record_route: &["<sip:p2.biloxi.com;lr>", "<sip:p1.atlanta.com;lr>"],
        local_cseq: Some(314_159),
        remote_cseq: None,
        confirmed: true,
    };

    fn way(record_route: &[&str], remote_target: &str) -> (String, Vec<String>) {
        let parts = Parts {
            record_route,
            remote_target,
            ..PARTS
        };
        let way = Dialog::from_request(&parts).way();
        (way.request_uri, way.routes)
    }

    #[test]
    fn both_ends_name_it_from_their_side() {
        let caller = Dialog::from_response(&PARTS);
        assert_eq!(caller.id().to_string(), "a84b4c76e66710;1928301774;a6c85cf");
        assert_eq!(
            *caller.id(),
            DialogId::new("a84b4c76e66710", "1928301774", "a6c85cf")
        );
        assert_ne!(
            *caller.id(),
            DialogId::new("a84b4c76e66710", "a6c85cf", "1928301774")
        );
        assert_eq!(caller.local_uri(), "sip:alice@atlanta.com");
        assert_eq!(caller.remote_uri(), "sip:bob@biloxi.com");
        assert!(!caller.is_early());
    }

    #[test]
    fn the_route_set_is_reversed_by_the_end_that_asked() {
        let way = Dialog::from_response(&PARTS).way();
        assert_eq!(way.request_uri, "sip:bob@192.0.2.4");
        assert_eq!(
            way.routes,
            ["<sip:p1.atlanta.com;lr>", "<sip:p2.biloxi.com;lr>"]
        );
        let way = Dialog::from_request(&PARTS).way();
        assert_eq!(
            way.routes,
            ["<sip:p2.biloxi.com;lr>", "<sip:p1.atlanta.com;lr>"]
        );
    }

    #[test]
    fn a_strict_router_gets_its_own_uri_and_passes_the_target_on() {
        let none: [&str; 0] = [];
        let target = "sip:bob@192.0.2.4";
        assert_eq!(way(&none, target), (target.to_owned(), vec![]));
        assert_eq!(
            way(
                &["<sip:p1;method=INVITE;x=y?Subject=a>;q=1", "<sip:p2;lr>"],
                target
            ),
            (
                "sip:p1;x=y".to_owned(),
                vec!["<sip:p2;lr>".to_owned(), "<sip:bob@192.0.2.4>".to_owned()]
            )
        );
        assert_eq!(
            way(&["sip:p1;lr"], target),
            ("sip:p1".to_owned(), vec!["<sip:bob@192.0.2.4>".to_owned()])
        );
    }

    #[test]
    fn lr_is_a_parameter_of_the_uri_and_of_nothing_else() {
        for loose in [
            "<sip:p1;lr>",
            "<sip:p1;transport=tcp;LR=true>;x",
            "\"a <b;c>\" <sip:u@p1:5060;lr?h=v>",
            "\"a\\\"<b\" <sip:p1;lr>",
            "<sips:[2001:db8::1]:5061;lr=on>",
        ] {
            assert!(is_loose(uri_of(loose)), "{loose}");
        }
        for strict in [
            "",
            "<",
            "<sip:p1>;lr",
            "<sip:a;lr@p1>",
            "<sip:p1;lrx>",
            "<sip:p1?h=;lr>",
            "\"<sip:p1;lr>",
            "sip:p1",
        ] {
            assert!(!is_loose(uri_of(strict)), "{strict}");
        }
        assert_eq!(
            as_request_uri("sip:a;method=b@p;Method=BYE;maddr=c"),
            "sip:a;method=b@p;maddr=c"
        );
    }

    #[test]
    fn our_numbers_rise_by_one_and_end_below_two_to_the_31() {
        let mut caller = Dialog::from_response(&PARTS);
        assert_eq!(caller.next_cseq(), Some(314_160));
        assert_eq!(caller.next_cseq(), Some(314_161));
        let mut callee = Dialog::from_request(&Parts {
            local_cseq: None,
            ..PARTS
        });
        assert_eq!(callee.next_cseq(), Some(1));
        let last = Parts {
            local_cseq: Some(CSEQ_END - 2),
            ..PARTS
        };
        let mut old = Dialog::from_response(&last);
        assert_eq!(old.next_cseq(), Some(CSEQ_END - 1));
        assert_eq!(old.next_cseq(), None);
        assert_eq!(old.next_cseq(), None);
    }

    #[test]
    fn their_numbers_may_skip_but_not_fall() {
        let mut caller = Dialog::from_response(&PARTS);
        for (method, cseq, in_order) in [
            ("BYE", 70, true),
            ("INFO", 69, false),
            ("INFO", 71, true),
            ("INVITE", 90, true),
            ("ACK", 90, true),
            ("CANCEL", 90, true),
            ("ACK", 1, true),
            ("UPDATE", 89, false),
            ("UPDATE", CSEQ_END, false),
            ("UPDATE", u32::MAX, false),
            ("UPDATE", 91, true),
            ("UPDATE", CSEQ_END - 1, true),
            ("BYE", 92, false),
        ] {
            assert_eq!(caller.on_request(method, cseq), in_order, "{method} {cseq}");
        }
    }

    /// RFC 3261 §12.2.2: the number of the request that made the dialog counts.
    #[test]
    fn the_first_number_is_that_of_the_request_that_made_it() {
        let mut callee = Dialog::from_request(&Parts {
            remote_cseq: Some(314_159),
            ..PARTS
        });
        assert!(!callee.on_request("BYE", 314_158));
        assert!(callee.on_request("BYE", 314_160));
    }

    #[test]
    fn the_first_2xx_makes_the_route_set_anew_and_later_ones_do_not() {
        let mut caller = Dialog::from_response(&Parts {
            confirmed: false,
            ..PARTS
        });
        assert!(caller.is_early());
        caller.confirm_by(&["<sip:p3;lr>", "<sip:p4;lr>"], Some("sip:bob@192.0.2.5"));
        assert!(!caller.is_early());
        assert_eq!(caller.way().routes, ["<sip:p4;lr>", "<sip:p3;lr>"]);
        assert_eq!(caller.way().request_uri, "sip:bob@192.0.2.5");
        caller.confirm_by(&["<sip:p5;lr>"], None);
        assert_eq!(caller.way().routes, ["<sip:p4;lr>", "<sip:p3;lr>"]);
        assert_eq!(caller.remote_target(), "sip:bob@192.0.2.5");
        let mut callee = Dialog::from_request(&Parts {
            confirmed: false,
            ..PARTS
        });
        callee.confirm();
        assert!(!callee.is_early());
        assert_eq!(callee.way().routes.len(), 2);
    }

    #[test]
    fn a_contact_moves_the_target_and_its_absence_does_not() {
        let mut dialog = Dialog::from_request(&PARTS);
        dialog.refresh_target(Some("sip:bob@198.51.100.7"));
        assert_eq!(dialog.remote_target(), "sip:bob@198.51.100.7");
        for nothing in [None, Some("")] {
            dialog.refresh_target(nothing);
            assert_eq!(dialog.remote_target(), "sip:bob@198.51.100.7");
        }
    }

    #[test]
    fn a_time_out_and_481_end_a_dialog() {
        let ended: Vec<u16> = (200..700).filter(|code| is_ended_by(*code)).collect();
        assert_eq!(ended, [408, 481]);
    }
}
