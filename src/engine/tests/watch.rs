//! The subscription of an Account at work in the engine (rule R1).

use super::*;
use crate::config::Stickiness;

const GONE: &str = "state='terminated' event='deactivated'";
const BOUND: &str = "state='active' event='registered'";

/// A registered Account whose registrar has accepted its SUBSCRIBE at 0 and told that all is well.
fn watched() -> Bench {
    let mut bench = subscribing();
    bench.subscribed(200, &[("Expires", "3600")]);
    let answer = bench.notify(1, "active;expires=3600", BOUND);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    bench
}

/// A registered Account whose SUBSCRIBE has just left.
fn subscribing() -> Bench {
    let mut config = config();
    let account = &mut Arc::make_mut(&mut config).accounts[0];
    let account = Arc::make_mut(account);
    account.registrar_stickiness = Stickiness::Enable;
    account.reg_event_package_subscription = true;
    let mut bench = Bench::of(config);
    assert_eq!(bench.sent.len(), 1, "nothing before the 200");
    bench.answer(401, &[CHALLENGE]);
    let ours = bench.last(Name::Contact);
    bench.answer(
        200,
        &[("Contact", &ours), ("Service-Route", "<sip:edge;lr>")],
    );
    assert_eq!(bench.phase(), Phase::Registered);
    assert_eq!(bench.last(Name::CSeq), "1 SUBSCRIBE");
    bench
}

impl Bench {
    /// Answers the last SUBSCRIBE.
    fn subscribed(&mut self, code: u16, headers: &[(&str, &str)]) {
        let (_, request) = self.sent.last().unwrap().clone();
        let request = Message::parse(request.as_bytes()).unwrap();
        assert_eq!(request.method(), Some("SUBSCRIBE"));
        let mut out = Vec::new();
        let mut writer =
            Writer::reply(&mut out, &request, (code, "As told"), "theirs", registrar());
        for (name, value) in headers {
            writer.header(name, format_args!("{value}"));
        }
        writer.finish(&[]);
        self.receive(&out);
    }

    fn receive(&mut self, bytes: &[u8]) {
        let via = Via::Socket(SocketId(0));
        let from = registrar();
        self.handle(Input::Received { via, from, bytes });
    }

    /// Sends a NOTIFY in the dialog of the last SUBSCRIBE, and returns its answer.
    fn notify(&mut self, cseq: u32, state: &str, contact: &str) -> String {
        let is_subscribe = |text: &&(Instant, String)| text.1.starts_with("SUBSCRIBE ");
        let (_, subscribe) = self.sent.iter().rfind(is_subscribe).unwrap().clone();
        let subscribe = Message::parse(subscribe.as_bytes()).unwrap();
        let value = |name| subscribe.value(name).unwrap_or_default().into_owned();
        let (from, call_id) = (value(Name::From), value(Name::CallId));
        let to = value(Name::To).split(";tag=").next().unwrap().to_owned();
        let contact_uri = value(Name::Contact);
        let ours = contact_uri.trim_matches(['<', '>']);
        let body = format!(
            "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='{cseq}' state='full'>\
             <registration aor='sip:4930123456@carrier.example' id='1' state='active'>\
             <contact id='2' {contact}><uri>{ours}</uri></contact></registration></reginfo>"
        );
        let text = format!(
            "NOTIFY {ours} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKn{cseq}\r\n\
             From: {to};tag=theirs\r\nTo: {from}\r\nCall-ID: {call_id}\r\nCSeq: {cseq} NOTIFY\r\n\
             Contact: <sip:notifier@127.0.0.1>\r\nEvent: reg\r\nSubscription-State: {state}\r\n\
             Content-Type: application/reginfo+xml\r\n\r\n{body}"
        );
        let before = self.sent.len();
        self.receive(text.as_bytes());
        self.sent[before].1.clone()
    }

    /// Runs until then, and asserts that this leaves at that instant, and nothing before.
    fn expect(&mut self, seconds: u64, method: &str) {
        let before = self.sent.len();
        self.run_until(Instant::from_micros(seconds * 1_000_000 - 1));
        assert_eq!(self.sent.len(), before, "{:?}", self.sent.last());
        self.run_until(Instant::from_secs(seconds));
        let (_, last) = self.sent.last().unwrap();
        assert!(
            self.sent.len() > before && last.starts_with(method),
            "{last}"
        );
    }

    fn last_method(&self) -> String {
        let (_, text) = self.sent.last().unwrap();
        text.split(' ').next().unwrap().to_owned()
    }
}

#[test]
fn a_subscribe_follows_the_200_with_known_credentials_and_the_service_route() {
    let bench = subscribing();
    let credentials = bench.last(Name::Authorization);
    assert!(credentials.contains("nc=00000002"), "{credentials}");
    assert!(
        credentials.contains(r#"uri="sip:4930123456@carrier.example""#),
        "{credentials}"
    );
    assert_eq!(bench.last(Name::Route), "<sip:edge;lr>");
    assert_eq!(bench.target, registrar());
}

// rule A1
#[test]
fn a_fresh_challenge_to_a_subscribe_is_answered_once() {
    let mut bench = subscribing();
    let fresh = |nonce: &str| format!("Digest realm=\"carrier\", nonce=\"{nonce}\", qop=\"auth\"");
    bench.subscribed(401, &[("WWW-Authenticate", &fresh("n2"))]);
    assert_eq!(bench.last(Name::CSeq), "2 SUBSCRIBE");
    assert!(bench.last(Name::Authorization).contains("nonce=\"n2\""));
    let sent = bench.sent.len();
    bench.subscribed(401, &[("WWW-Authenticate", &fresh("n3"))]);
    assert_eq!(bench.sent.len(), sent, "that was final");
    assert_eq!(bench.phase(), Phase::Registered);
}

#[test]
fn a_refused_subscribe_touches_nothing() {
    for code in [403, 405, 489, 503] {
        let mut bench = subscribing();
        bench.subscribed(code, &[]);
        assert_eq!(bench.phase(), Phase::Registered);
        bench.expect(90, "REGISTER");
        let ours = bench.last(Name::Contact);
        bench.answer(200, &[("Contact", &ours)]);
        assert_eq!(bench.last_method(), "REGISTER", "not for a refresh");
    }
    let mut bench = subscribing();
    bench.run_until(Instant::from_secs(60));
    assert_eq!(bench.phase(), Phase::Registered);
}

#[test]
fn a_deactivated_contact_registers_at_once_and_the_answer_to_the_notify_leaves_first() {
    let mut bench = watched();
    bench.run_until(Instant::from_secs(10));
    let answer = bench.notify(2, "active;expires=3590", GONE);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    assert_eq!(
        (bench.last_method().as_str(), bench.now),
        ("REGISTER", Instant::from_secs(10))
    );
    assert_eq!(bench.phase(), Phase::Registering);
    let sent = bench.sent.len();
    let ours = bench.last(Name::Contact);
    bench.answer(200, &[("Contact", &ours)]);
    assert_eq!(bench.phase(), Phase::Registered);
    assert_eq!(bench.sent.len(), sent, "it is still subscribed");
}

#[test]
fn the_other_ends_of_a_contact_wait_as_they_say() {
    for (contact, due) in [
        ("state='terminated' event='probation' retry-after='77'", 87),
        ("state='terminated' event='probation'", 40),
        ("state='terminated' event='unregistered'", 40),
        ("state='terminated' event='rejected'", 40),
    ] {
        let mut bench = watched();
        bench.run_until(Instant::from_secs(10));
        bench.notify(2, "active", contact);
        assert_eq!(bench.phase(), Phase::WaitingToRetry, "{contact}");
        bench.expect(due, "REGISTER");
    }
}

// rule L1
#[test]
fn a_shortened_binding_is_refreshed_by_its_new_end() {
    let mut bench = watched();
    bench.run_until(Instant::from_secs(10));
    bench.notify(2, "active", "state='active' event='shortened' expires='20'");
    assert_eq!(bench.phase(), Phase::Registered);
    bench.expect(20, "REGISTER");
    bench.run_until(Instant::from_secs(30));
    assert_eq!(bench.phase(), Phase::Registering, "its end has come");
}

// rule I8
#[test]
fn un_registering_ends_the_subscription_first() {
    let mut bench = watched();
    let account = bench.engine.find("main").unwrap();
    let sent = bench.sent.len();
    bench.handle(Input::Command {
        ticket: Ticket(1),
        command: Command::Unregister { account },
    });
    let left: Vec<_> = bench.sent[sent..].iter().map(|(_, text)| text).collect();
    let [subscribe, register] = left[..] else {
        panic!("{left:?}");
    };
    assert!(subscribe.starts_with("SUBSCRIBE ") && subscribe.contains("\r\nExpires: 0\r\n"));
    assert!(register.starts_with("REGISTER "));
    bench.answer(200, &[]);
    assert_eq!(bench.phase(), Phase::Unregistered);
    let answer = bench.notify(2, "terminated;reason=timeout", GONE);
    assert!(answer.starts_with("SIP/2.0 200 "), "{answer}");
    let sent = bench.sent.len();
    bench.run_until(Instant::from_secs(20));
    assert_eq!(bench.phase(), Phase::Unregistered);
    let news = bench.sent[sent..]
        .iter()
        .filter(|(_, text)| text.starts_with("REG"));
    assert_eq!(news.count(), 0);
}

#[test]
fn a_notify_that_is_not_ours_is_refused() {
    let mut bench = watched();
    let answer = bench.notify(1, "active", GONE);
    assert!(
        answer.starts_with("SIP/2.0 200 "),
        "a retransmission: {answer}"
    );
    assert_eq!(bench.phase(), Phase::Registered);
    bench.run_until(Instant::from_secs(1));
    let stray = "NOTIFY sip:a@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKs\r\n\
        From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=00000000-00000000-0000000000000000\r\n\
        Call-ID: 1\r\nCSeq: 1 NOTIFY\r\nEvent: reg\r\nSubscription-State: active\r\n\r\n";
    bench.receive(stray.as_bytes());
    let (_, answer) = bench.sent.last().unwrap();
    assert!(answer.starts_with("SIP/2.0 481 "), "{answer}");
}
