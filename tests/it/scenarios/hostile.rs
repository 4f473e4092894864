//! Datagrams that mean harm, from the registrar's address and from strangers. They change nothing.

use std::net::SocketAddr;

use libtest_mimic::Trial;
use regent::effect::Phase;
use regent::rng::Seed;
use regent::sim::{
    Behaviour, Challenge, ContactAs, Offer, REGISTRAR, Setup, Shows, World, at, sent,
};
use regent::time::Duration;

use super::{registered, world};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        noise_while_idle_and_in_flight_changes_nothing,
        strangers_get_no_answer,
        every_truncation_of_an_answer_is_survived,
        mutated_answers_are_survived,
        a_registrar_that_speaks_garbage_is_a_silent_one,
        absurd_numbers_in_an_answer_are_survived,
        absurd_challenges_are_survived,
        answers_with_foreign_branches_are_not_ours,
    ]
}

fn noise_while_idle_and_in_flight_changes_nothing() {
    let mut world = registered(Setup::one());
    let noise = noise();
    for sender in [REGISTRAR, stranger()] {
        noise.iter().for_each(|bytes| world.inject(sender, bytes));
    }
    world.run_until(at("90.045"));
    for sender in [REGISTRAR, stranger()] {
        noise.iter().for_each(|bytes| world.inject(sender, bytes));
    }
    world.run_until(at("1000"));
    let times: Vec<_> = registers(&world).into_iter().take(6).collect();
    let due = ["0", "0.020", "90.040", "180.060", "270.080", "360.100"];
    assert_eq!(times, due.map(at));
    assert_eq!(world.phases("main").len(), 1);
}

// rule C1: unknown source: silence for all but INVITE.
fn strangers_get_no_answer() {
    let mut world = registered(Setup::one());
    for bytes in noise() {
        world.inject(stranger(), &bytes);
    }
    let answered = world
        .transcript()
        .sent(0)
        .filter(|(_, _, packet)| packet.remote == stranger());
    let invites = answered.filter(|(_, _, packet)| packet.summary.code() != Some(403));
    assert_eq!(invites.count(), 0);
}

fn every_truncation_of_an_answer_is_survived() {
    for code in [200, 401] {
        let mut world = World::new(Setup::one(), 1);
        world.expect_at("0", sent("REGISTER"));
        let full = answer(&world, code);
        for length in 0..full.len() - 3 {
            world.inject(REGISTRAR, &full[..length]);
        }
        let text = String::from_utf8_lossy(&full).into_owned();
        for line in text.split_inclusive("\r\n") {
            world.inject(REGISTRAR, line.as_bytes());
        }
        world.run_until(at("5"));
    }
}

fn mutated_answers_are_survived() {
    let seed = Seed::from_number(4_711);
    for round in 0..400 {
        let mut world = World::new(Setup::one(), round);
        world.registrar().behave(Behaviour::silence());
        world.expect_at("0", sent("REGISTER"));
        let mut draw = seed.draw(0, round);
        for code in [200, 401, 423, 503] {
            let mut bytes = answer(&world, code);
            for _ in 0..=draw.below(6) {
                let place = draw.below(bytes.len() as u64) as usize;
                match draw.below(4) {
                    0 => bytes[place] = draw.below(256) as u8,
                    1 if bytes.len() > 1 => drop(bytes.remove(place)),
                    2 => bytes.insert(place, b"\r\n\0\",;<>=: 9\xff"[draw.below(13) as usize]),
                    _ => bytes.truncate(place.max(1)),
                }
            }
            world.inject(REGISTRAR, &bytes);
        }
        world.run_until(at("40"));
        end_well(&mut world);
    }
}

fn a_registrar_that_speaks_garbage_is_a_silent_one() {
    for garbage in noise() {
        let mut world = world(Setup::one(), Behaviour::open().garbage(&garbage));
        world.run_until(at("31.999999"));
        world.expect_phase("main", Phase::Registering);
        world.expect_phase_at("32", "main", Phase::WaitingToRetry);
    }
}

fn absurd_numbers_in_an_answer_are_survived() {
    for expires in [
        "-1",
        "abc",
        "",
        "4294967295",
        "4294967296",
        "99999999999999999999999",
        "1.5",
    ] {
        let contact = format!("<sip:other@192.0.2.9>;expires={expires}");
        for shows in [Shows::Parameter, Shows::Header, Shows::Nothing] {
            for contact_as in [ContactAs::Given, ContactAs::Hidden] {
                let behaviour = Behaviour::open().shows(shows).contact(contact_as);
                let behaviour = behaviour
                    .lists_before(&contact)
                    .lists_after("<sip:;>;;;expires");
                let mut world = world(Setup::one(), behaviour.with("Expires", expires));
                world.run_until(at("1000"));
                end_well(&mut world);
            }
        }
    }
}

fn absurd_challenges_are_survived() {
    let long = "x".repeat(60_000);
    let raw = [
        "",
        "Digest",
        "Digest ,,,",
        "Digest realm",
        "Digest realm=",
        "Digest realm=\"",
        "Digest realm=\"sim\"",
        "Digest nonce=\"n\"",
        "Digest realm=\"sim\", nonce=\"\", algorithm=, qop=\"\"",
        "Digest realm=\"sim\", nonce=\"n\", qop=\"x\"",
        "Digest realm=\"sim\", realm=\"mis\", nonce=\"n\", nonce=\"m\"",
        "Digest realm=\"sim\", nonce=\"\\\", stale=maybe",
        "\"Digest\" realm=\"sim\"",
        "Digest realm=\"sim\", nonce=\"\u{fffd}\u{7f}\"",
    ];
    let long = [
        format!("Digest realm=\"{long}\", nonce=\"n\""),
        format!("Digest realm=\"sim\", nonce=\"{long}\""),
        "Digest realm=\"sim\", nonce=\"n\", ".repeat(2_000),
    ];
    for text in raw.into_iter().map(str::to_owned).chain(long) {
        for code in [401, 407] {
            let challenge = Challenge::of(code, vec![Offer::Raw(text.clone())]);
            let mut world = world(Setup::one(), Behaviour::open().challenge(challenge));
            world.run_until(at("20"));
            let sends = registers(&world).len();
            assert!(sends <= 5, "{sends} requests for {text:.40}");
            world.expect_phase("main", Phase::WaitingToRetry);
        }
    }
}

fn answers_with_foreign_branches_are_not_ours() {
    let mut world = World::new(Setup::one(), 1);
    world.registrar().behave(Behaviour::silence());
    world.expect_at("0", sent("REGISTER"));
    let text = String::from_utf8(answer(&world, 200)).expect("text");
    for (from, to) in [
        ("branch=z9hG4bK", "branch=z9hG4bKx"),
        ("branch=z9hG4bK", "branch="),
        ("CSeq: 1 REGISTER", "CSeq: 1 INVITE"),
        ("SIP/2.0 200", "SIP/3.0 200"),
        ("Via:", "X-Via:"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from} is there");
        world.inject(REGISTRAR, changed.as_bytes());
    }
    world.expect_phase("main", Phase::Registering);
    world.expect_phase_at("32", "main", Phase::WaitingToRetry);
}

/// Whatever happened, the Account gets registered by a registrar that behaves; perhaps after a long
/// wait.
#[track_caller]
fn end_well(world: &mut World) {
    world.registrar().behave(Behaviour::digest());
    let before = world.registrar().counts().accepted;
    for _ in 0..1_000 {
        if world.registrar().counts().accepted > before {
            break;
        }
        world.step();
    }
    world.run_for(Duration::from_millis(20));
    world.expect_phase("main", Phase::Registered);
}

/// Datagrams of every kind that is no answer to us.
fn noise() -> Vec<Vec<u8>> {
    let head = "Via: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bKx\r\nFrom: <sip:x@y>;tag=1\r\n\
                To: <sip:main@sim.example>\r\nCall-ID: evil\r\n";
    let request = |method: &str, more: &str| {
        format!("{method} sip:main@10.0.0.2:5060 SIP/2.0\r\n{head}CSeq: 1 {method}\r\n{more}\r\n")
    };
    let response = |code: &str, more: &str| {
        format!("SIP/2.0 {code} OK\r\n{head}CSeq: 1 REGISTER\r\n{more}\r\n")
    };
    let own = "Via: SIP/2.0/UDP 10.0.0.2:5060;branch=z9hG4bKx\r\n".repeat(70);
    let texts = [
        String::new(),
        "\r\n\r\n".to_owned(),
        "\r\n".repeat(5_000),
        "A".repeat(65_507),
        "SIP/2.0 200 OK\r\n\r\n".to_owned(),
        format!("SIP/2.0 200 OK\r\n{own}\r\n"),
        response("200", ""),
        response("99", ""),
        response("999", ""),
        response("-1", ""),
        response("200", "Content-Length: 4294967296\r\n"),
        response("200", &"X: y\r\n".repeat(9_000)),
        response("200", &format!("X: {}\r\n", "<\"".repeat(20_000))),
        request("OPTIONS", "Max-Forwards: 0\r\n"),
        request("INVITE", "Max-Forwards: 0\r\n"),
        request("REGISTER", "Contact: *\r\nExpires: 0\r\n"),
        request("ACK", ""),
        request("BYE", "Content-Length: -5\r\n"),
        request("NOTIFY", "Event: reg\r\n"),
        request("X", &own),
    ];
    let mut all: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    all.push((0..=255).cycle().take(3_000).collect());
    all.push(vec![0; 65_507]);
    all
}

/// What a registrar would answer to the last packet.
fn answer(world: &World, code: u16) -> Vec<u8> {
    let request = world.last_packet().text().expect("a message");
    let header = |name: &str| request.header(name).expect("a header").to_owned();
    let (via, from, to) = (header("via"), header("from"), header("to"));
    let (call_id, cseq, contact) = (header("call-id"), header("cseq"), header("contact"));
    let challenge = "Digest realm=\"sim\", nonce=\"abc\", qop=\"auth\", algorithm=MD5";
    format!(
        "SIP/2.0 {code} Whatever\r\nVia: {via};received=10.0.0.2\r\nFrom: {from}\r\nTo: {to};tag=2\r\n\
         Call-ID: {call_id}\r\nCSeq: {cseq}\r\nContact: {contact}\r\nExpires: 180\r\n\
         Min-Expires: 600\r\nRetry-After: 60\r\nWWW-Authenticate: {challenge}\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

/// When REGISTERs left.
fn registers(world: &World) -> Vec<regent::time::Instant> {
    let sent = world.transcript().sent(0);
    let registers = sent.filter(|(_, _, packet)| packet.summary.is_register());
    registers.map(|(_, line, _)| line.at).collect()
}

fn stranger() -> SocketAddr {
    "192.0.2.66:5060".parse().expect("an address")
}
