//! The registrar by itself, spoken to by hand.

use super::super::behaviour::{ContactAs, Form, Offer, Shows};
use super::super::verify::{Claim, Request};
use super::*;
use crate::sip::Algorithm;
use crate::time::Duration;

const FROM: &str = "192.0.2.7:5070";

/// A client that answers challenges by hand.
struct Client {
    registrar: Registrar,
    now: Instant,
    cseq: u32,
    nonce: String,
    nc: u32,
}

impl Client {
    fn new(behaviour: Behaviour) -> Self {
        let mut registrar = Registrar::new(Seed::from_number(1));
        registrar.user("alice", "secret");
        registrar.behave(behaviour);
        Self {
            registrar,
            now: Instant::ZERO,
            cseq: 0,
            nonce: String::new(),
            nc: 0,
        }
    }

    /// Sends a REGISTER with these headers; the answer, if there is one.
    fn register(&mut self, headers: &str) -> Option<Text> {
        self.cseq += 1;
        self.repeat(headers)
    }

    fn repeat(&mut self, headers: &str) -> Option<Text> {
        let text = request(self.cseq, headers);
        let from = FROM.parse().expect("an address");
        let replies = self.registrar.on_datagram(self.now, from, text.as_bytes());
        replies.first().and_then(|reply| Text::read(&reply.bytes))
    }

    /// Sends a REGISTER with credentials for the last nonce.
    fn answer(&mut self, algorithm: Algorithm, qop: &str, password: &str) -> Option<Text> {
        self.nc += 1;
        let qop = match qop {
            "" => "cnonce=\"c\"".to_owned(),
            qop => format!("qop={qop}, cnonce=\"c\", nc={:08x}", self.nc),
        };
        let base = format!(
            "Digest username=\"alice\", realm=\"sim\", nonce=\"{}\", uri=\"sim.example\", {qop}, algorithm={}",
            self.nonce,
            super::super::verify::name(algorithm)
        );
        let base = base.replace("\"sim.example\"", "\"sip:sim.example\"");
        let covered = Request {
            method: "REGISTER",
            uri: "sip:sim.example",
            body: b"",
        };
        let response = Claim::read(&base)?.response(algorithm, password, &covered);
        self.register(&format!(
            "Authorization: {base}, response=\"{response}\"\r\n{OURS}"
        ))
    }

    fn take_nonce(&mut self, answer: &Text) {
        let header = answer.header("www-authenticate").expect("a challenge");
        self.nonce = Claim::read(header)
            .expect("a challenge")
            .get("nonce")
            .to_owned();
        self.nc = 0;
    }
}

const OURS: &str = "Contact: <sip:alice@192.0.2.7:5070;mark=1>;expires=60\r\nExpires: 60\r\n";

fn request(cseq: u32, headers: &str) -> String {
    format!(
        "REGISTER sip:sim.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9:5070;branch=z9hG4bK{cseq};rport\r\n\
         From: <sip:alice@sim.example>;tag=1\r\nTo: <sip:alice@sim.example>\r\nCall-ID: c\r\n\
         CSeq: {cseq} REGISTER\r\n{headers}Content-Length: 0\r\n\r\n"
    )
}

fn code(answer: Option<Text>) -> u16 {
    answer
        .and_then(|text| text.response().map(|(code, _)| code))
        .unwrap_or(0)
}

#[test]
fn every_algorithm_and_quality_of_protection_is_verified() {
    for algorithm in [
        Algorithm::Md5,
        Algorithm::Md5Sess,
        Algorithm::Sha256,
        Algorithm::Sha256Sess,
        Algorithm::Sha512_256,
        Algorithm::Sha512_256Sess,
    ] {
        for qop in ["", "auth", "auth-int"] {
            let offered = (!qop.is_empty()).then_some(qop);
            let challenge = Challenge::www(algorithm, offered);
            let mut client = Client::new(Behaviour::open().challenge(challenge));
            let challenged = client.register(OURS).expect("an answer");
            client.take_nonce(&challenged);
            assert_eq!(
                code(client.answer(algorithm, qop, "secret")),
                200,
                "{algorithm:?} {qop}"
            );
            assert_eq!(
                code(client.answer(algorithm, qop, "wrong")),
                401,
                "{algorithm:?} {qop}"
            );
        }
    }
}

#[test]
fn a_nonce_count_that_does_not_rise_is_stale_and_counted() {
    let mut client = Client::new(Behaviour::digest());
    let challenged = client.register(OURS).expect("an answer");
    client.take_nonce(&challenged);
    assert_eq!(code(client.answer(Algorithm::Md5, "auth", "secret")), 200);
    client.nc = 0;
    let again = client
        .answer(Algorithm::Md5, "auth", "secret")
        .expect("an answer");
    assert!(
        again
            .header("www-authenticate")
            .is_some_and(|it| it.contains("stale=TRUE"))
    );
    assert_eq!(client.registrar.counts().nc_replays, 1);
}

#[test]
fn a_nonce_is_stale_after_its_lifetime() {
    let behaviour = Behaviour::digest().nonce_lifetime(Duration::from_secs(10));
    let mut client = Client::new(behaviour);
    let challenged = client.register(OURS).expect("an answer");
    client.take_nonce(&challenged);
    client.now = Instant::from_secs(11);
    let late = client
        .answer(Algorithm::Md5, "auth", "secret")
        .expect("an answer");
    assert!(
        late.header("www-authenticate")
            .is_some_and(|it| it.contains("stale=TRUE"))
    );
    client.take_nonce(&late);
    assert_eq!(code(client.answer(Algorithm::Md5, "auth", "secret")), 200);
}

#[test]
fn the_location_table_keeps_and_forgets() {
    let mut client = Client::new(Behaviour::open());
    let answer = client.register(OURS).expect("an answer");
    let contact = answer.contacts().next().expect("a contact");
    assert_eq!(contact.expires(), Some(60));
    let registrar = &client.registrar;
    assert_eq!(
        registrar
            .bindings_of("alice@sim.example", Instant::from_secs(59))
            .len(),
        1
    );
    assert_eq!(
        registrar
            .bindings_of("alice@sim.example", Instant::from_secs(60))
            .len(),
        0
    );
    let gone = client
        .register("Contact: *\r\nExpires: 0\r\n")
        .expect("an answer");
    assert_eq!(gone.contacts().count(), 0);
    assert_eq!(client.registrar.counts().removed, 1);
}

#[test]
fn a_retransmission_gets_the_same_answer_and_a_low_cseq_gets_500() {
    let mut client = Client::new(Behaviour::open());
    assert_eq!(code(client.register(OURS)), 200);
    assert_eq!(code(client.repeat(OURS)), 200);
    let counts = client.registrar.counts();
    assert_eq!((counts.registers, counts.retransmissions), (1, 1));
    client.cseq = 6;
    assert_eq!(code(client.register(OURS)), 200);
    client.cseq = 2;
    assert_eq!(code(client.register(OURS)), 500);
    assert_eq!(client.registrar.counts().cseq_not_rising, 1);
}

#[test]
fn our_address_is_told_back_in_via() {
    let mut client = Client::new(Behaviour::open());
    let answer = client.register(OURS).expect("an answer");
    let via = answer.header("via").expect("a via");
    assert!(via.contains(";rport=5070;received=192.0.2.7"), "{via}");
}

#[test]
fn contacts_are_rewritten_and_surrounded_as_asked() {
    let outside = "203.0.113.1:999".parse().expect("an address");
    for (how, expected) in [
        (ContactAs::Given, "sip:alice@192.0.2.7:5070;mark=1"),
        (
            ContactAs::Marked(outside),
            "sip:alice@203.0.113.1:999;mark=1",
        ),
        (ContactAs::Unmarked(outside), "sip:alice@203.0.113.1:999"),
    ] {
        let behaviour = Behaviour::open()
            .contact(how)
            .lists_before("<sip:other@198.51.100.1>;expires=5")
            .lists_after("<sip:third@198.51.100.2>");
        let answer = Client::new(behaviour).register(OURS).expect("an answer");
        let listed: Vec<_> = answer.contacts().map(|contact| contact.uri).collect();
        let others = ["sip:other@198.51.100.1", "sip:third@198.51.100.2"];
        assert_eq!(listed, [others[0], expected, others[1]]);
    }
}

#[test]
fn the_grant_is_shown_where_it_is_asked_to_be() {
    let answer = |shows| {
        let behaviour = Behaviour::open().grants(20).shows(shows);
        let answer = Client::new(behaviour).register(OURS).expect("an answer");
        (
            answer.contacts().next().and_then(|it| it.expires()),
            answer.expires(),
        )
    };
    assert_eq!(answer(Shows::Parameter), (Some(20), None));
    assert_eq!(answer(Shows::Header), (None, Some(20)));
    assert_eq!(answer(Shows::Nothing), (None, None));
}

#[test]
fn a_short_interval_is_refused_with_the_least_one() {
    let mut client = Client::new(Behaviour::open().min_expires(600));
    let answer = client.register(OURS).expect("an answer");
    assert_eq!(answer.header("min-expires"), Some("600"));
    assert_eq!(code(Some(answer)), 423);
    assert_eq!(
        code(client.register("Contact: <sip:a@h>;expires=0\r\n")),
        200
    );
}

#[test]
fn answers_come_late_twice_scripted_or_never() {
    let mut client = Client::new(Behaviour::open());
    let late = Duration::from_millis(700);
    client.registrar.script([
        Behaviour::refusing(503).with("Retry-After", "7"),
        Behaviour::open().late(late).copies(2),
        Behaviour::silence(),
    ]);
    let refused = client.register(OURS).expect("an answer");
    assert_eq!(refused.header("retry-after"), Some("7"));
    client.cseq += 1;
    let from = FROM.parse().expect("an address");
    let text = request(client.cseq, OURS);
    let replies = client
        .registrar
        .on_datagram(Instant::ZERO, from, text.as_bytes());
    let due: Vec<_> = replies.iter().map(|reply| reply.at).collect();
    assert_eq!(due, [Instant::ZERO + late; 2]);
    assert_eq!(
        client.repeat(OURS),
        None,
        "a retransmission does not hasten a late answer"
    );
    assert_eq!(client.register(OURS), None);
    assert_eq!(client.repeat(OURS), None);
    assert_eq!(code(client.register(OURS)), 200);
}

#[test]
fn several_offers_share_a_line_or_not() {
    let offers = vec![
        Offer::Raw("Basic realm=\"x\"".to_owned()),
        Offer::digest("sim", Some(Algorithm::Md5), None),
    ];
    let lines = |challenge| {
        let answer = Client::new(Behaviour::open().challenge(challenge)).register(OURS);
        let answer = answer.expect("an answer");
        answer.all("proxy-authenticate").count()
    };
    assert_eq!(lines(Challenge::of(407, offers.clone())), 2);
    assert_eq!(lines(Challenge::of(407, offers).in_one_line()), 1);
}

#[test]
fn folded_and_compact_answers_say_the_same() {
    for form in [Form::Plain, Form::Compact, Form::Folded] {
        let mut client = Client::new(Behaviour::digest().form(form));
        let challenged = client.register(OURS).expect("an answer");
        client.take_nonce(&challenged);
        let answer = client
            .answer(Algorithm::Md5, "auth", "secret")
            .expect("an answer");
        assert_eq!(answer.cseq(), Some((2, "REGISTER")));
        assert_eq!(answer.contacts().count(), 1);
    }
}

#[test]
fn garbage_in_gives_nothing_out() {
    let mut client = Client::new(Behaviour::open());
    let from = FROM.parse().expect("an address");
    for bytes in [
        &b""[..],
        b"\0\xff\0",
        b"REGISTER sip:h SIP/2.0\r\n\r\n",
        b"SIP/2.0 200 OK\r\n\r\n",
    ] {
        assert_eq!(
            client.registrar.on_datagram(Instant::ZERO, from, bytes),
            vec![]
        );
    }
    assert_eq!(client.registrar.counts().garbage, 4);
}
