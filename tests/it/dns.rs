//! The resolver against name servers on loopback: one of the trials' own, and dnsmasq.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_resolver::proto::op::ResponseCode;
use libtest_mimic::Trial;
use regent::effect::QuestionId;
use regent::locate::{
    self, Located, Lookup, Method, Progress, Query, Question, Record, RecordData, RecordKind,
    Resolution,
};
use regent::net::{PATIENCE, Resolver};
use regent::rng::Seed;
use tokio::runtime::{Builder, Runtime};

use crate::harness::{DNSMASQ, Mood, NEGATIVE_TTL, NameServer, Sandbox, dnsmasq, wait_until};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        records_of_each_kind_come_with_the_ttl_of_the_server,
        what_is_not_there_comes_with_the_negative_ttl,
        what_changes_is_seen_by_the_next_question,
        aliases_are_followed_for_every_kind_and_rings_of_them_end,
        a_long_answer_comes_over_tcp,
        a_server_that_fails_is_told_from_absence,
        silence_ends_in_a_failure_in_time_and_is_forgotten,
        no_more_than_64_questions_are_under_way_and_each_gets_one_answer,
        a_server_is_found_by_services_servers_and_addresses,
    ];
    trials.extend(trials![[DNSMASQ];
        a_foreign_name_server_is_understood,
    ]);
    trials
}

/// Somebody who asks one question at a time.
struct Client {
    runtime: Runtime,
    resolver: Resolver,
    asked: u64,
}

impl Client {
    fn of(server: SocketAddr) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let resolver = {
            let _inside = runtime.enter();
            Resolver::new(&[server])
        };
        Self {
            runtime,
            resolver,
            asked: 0,
        }
    }

    #[track_caller]
    fn ask(&mut self, name: &str, kind: RecordKind) -> Resolution {
        self.put(name, kind);
        let (id, answer) = self.answered();
        assert_eq!(id, QuestionId(self.asked));
        assert!(!self.resolver.is_asking(), "there was one question");
        answer
    }

    fn put(&mut self, name: &str, kind: RecordKind) {
        self.asked += 1;
        let question = Question {
            name: name.into(),
            kind,
        };
        let _inside = self.runtime.enter();
        self.resolver.ask(QuestionId(self.asked), question);
    }

    #[track_caller]
    fn answered(&mut self) -> (QuestionId, Resolution) {
        let limit = PATIENCE + Duration::from_secs(5);
        let answered = self.resolver.answered();
        let answered = async { tokio::time::timeout(limit, answered).await };
        self.runtime.block_on(answered).expect("an answer in time")
    }
}

// rule P1, P2
fn records_of_each_kind_come_with_the_ttl_of_the_server() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    server.addresses(
        "Host.example",
        30,
        &["192.0.2.1", "2001:db8::1", "192.0.2.2"],
    );
    server.servers(
        "_sip._udp.example",
        0,
        &[(1, 2, 5061, "Host.example"), (3, 4, 5, ".")],
    );
    server.services(
        "example",
        86_400,
        &[(1, 2, "s", "SIP+D2U", "_sip._udp.example")],
    );
    assert_eq!(
        client.ask("host.EXAMPLE", RecordKind::A),
        Resolution::Records(vec![address(30, "192.0.2.1"), address(30, "192.0.2.2")])
    );
    assert_eq!(
        client.ask("host.example", RecordKind::Aaaa),
        Resolution::Records(vec![address(30, "2001:db8::1")])
    );
    assert_eq!(
        client.ask("_sip._udp.example", RecordKind::Srv),
        Resolution::Records(vec![
            srv(0, (1, 2, 5061, "host.example")),
            srv(0, (3, 4, 5, ""))
        ])
    );
    let naptr = RecordData::Naptr {
        order: 1,
        preference: 2,
        flags: "s".into(),
        service: "SIP+D2U".into(),
        replacement: "_sip._udp.example".into(),
    };
    let records = vec![Record {
        ttl: 86_400,
        data: naptr,
    }];
    assert_eq!(
        client.ask("example", RecordKind::Naptr),
        Resolution::Records(records)
    );
    let asked: Vec<String> = server.asked().into_iter().map(|(name, _)| name).collect();
    let expected = [
        "host.EXAMPLE.",
        "host.example.",
        "_sip._udp.example.",
        "example.",
    ];
    assert_eq!(asked, expected, "no search list, and nothing twice");
}

// rule P2
fn what_is_not_there_comes_with_the_negative_ttl() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    server.addresses("host.example", 30, &["192.0.2.1"]);
    let nothing = Resolution::Nothing {
        ttl: Some(NEGATIVE_TTL),
    };
    for (name, kind) in [
        ("host.example", RecordKind::Srv),
        ("host.example", RecordKind::Aaaa),
        ("other.example", RecordKind::A),
    ] {
        assert_eq!(client.ask(name, kind), nothing, "{name} {kind}");
    }
    server.mood(Mood::Code(ResponseCode::NXDomain));
    let without_word = Resolution::Nothing { ttl: None };
    assert_eq!(client.ask("host.example", RecordKind::A), without_word);
    server.mood(Mood::Code(ResponseCode::NoError));
    assert_eq!(client.ask("host.example", RecordKind::A), without_word);
    assert_eq!(server.asked().len(), 5, "absence is an answer");
}

// rule P2
fn what_changes_is_seen_by_the_next_question() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    for last in 1..=3 {
        let text = format!("192.0.2.{last}");
        server.addresses("host.example", 3_600, &[&text]);
        assert_eq!(
            client.ask("host.example", RecordKind::A),
            Resolution::Records(vec![address(3_600, &text)])
        );
    }
    server.addresses("host.example", 3_600, &[]);
    let gone = client.ask("host.example", RecordKind::A);
    assert!(matches!(gone, Resolution::Nothing { .. }), "{gone:?}");
}

fn aliases_are_followed_for_every_kind_and_rings_of_them_end() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    server.alias("a.example", 20, "b.example");
    server.alias("b.example", 10, "c.example");
    server.addresses("c.example", 300, &["192.0.2.3"]);
    assert_eq!(
        client.ask("a.example", RecordKind::A),
        Resolution::Records(vec![address(10, "192.0.2.3")]),
        "an answer holds no longer than the aliases to it"
    );
    server.alias(
        "_sip._udp.customer.example",
        20,
        "_sip._udp.carrier.example",
    );
    server.servers(
        "_sip._udp.carrier.example",
        300,
        &[(1, 1, 5060, "c.example")],
    );
    assert_eq!(
        client.ask("_sip._udp.customer.example", RecordKind::Srv),
        Resolution::Records(vec![srv(20, (1, 1, 5060, "c.example"))])
    );
    assert_eq!(server.asked().len(), 2, "all is in one answer");
    let nothing = client.ask("a.example", RecordKind::Aaaa);
    let expected = Resolution::Nothing {
        ttl: Some(NEGATIVE_TTL),
    };
    assert_eq!(nothing, expected);
    server.alias("c.example", 5, "a.example");
    server.addresses("c.example", 300, &[]);
    let ring = client.ask("a.example", RecordKind::A);
    assert!(!matches!(ring, Resolution::Records(_)), "{ring:?}");
}

fn a_long_answer_comes_over_tcp() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    let names: Vec<String> = (0..100).map(|nth| format!("host-{nth}.example")).collect();
    let servers: Vec<_> = names.iter().map(|name| (1, 1, 5060, &**name)).collect();
    server.servers("_sip._udp.example", 60, &servers);
    let Resolution::Records(found) = client.ask("_sip._udp.example", RecordKind::Srv) else {
        panic!("no records");
    };
    assert_eq!(found.len(), 100);
    assert_eq!(server.asked_by_tcp(), 1);
}

// rule P2
fn a_server_that_fails_is_told_from_absence() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    server.addresses("host.example", 30, &["192.0.2.1"]);
    for (code, words) in [
        (ResponseCode::ServFail, "Server Failure"),
        (ResponseCode::Refused, "Refused"),
        (ResponseCode::NotImp, "Not Implemented"),
    ] {
        server.mood(Mood::Code(code));
        let Resolution::Failed(why) = client.ask("host.example", RecordKind::A) else {
            panic!("{code} is a failure");
        };
        assert!(why.to_lowercase().contains(&words.to_lowercase()), "{why}");
    }
    let address = server.address();
    drop(server);
    let Resolution::Failed(why) = Client::of(address).ask("host.example", RecordKind::A) else {
        panic!("nobody is there");
    };
    assert!(why.contains("name servers"), "{why}");
}

// rule P2
fn silence_ends_in_a_failure_in_time_and_is_forgotten() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    server.addresses("host.example", 30, &["192.0.2.1"]);
    for mood in [Mood::Silent, Mood::Babbles] {
        server.mood(mood);
        let start = Instant::now();
        let Resolution::Failed(why) = client.ask("host.example", RecordKind::A) else {
            panic!("nothing was answered");
        };
        let took = start.elapsed();
        assert!(took < PATIENCE + Duration::from_secs(1), "{took:?}");
        if mood == Mood::Silent {
            assert_eq!(why, "the name servers do not answer");
            assert!(
                took > Duration::from_secs(2),
                "it was asked again: {took:?}"
            );
        }
        server.mood(Mood::Answers);
        assert_eq!(
            client.ask("host.example", RecordKind::A),
            Resolution::Records(vec![address(30, "192.0.2.1")])
        );
    }
}

fn no_more_than_64_questions_are_under_way_and_each_gets_one_answer() {
    let server = NameServer::start();
    let mut client = Client::of(server.address());
    server.mood(Mood::Silent);
    for nth in 0..300 {
        client.put(&format!("host-{nth}.example"), RecordKind::A);
    }
    let seen = || server.asked().into_iter().collect::<BTreeSet<_>>().len();
    let (first, _) = client.answered();
    assert!(seen() <= 64 + 1, "{} names were asked for at once", seen());
    server.mood(Mood::Answers);
    let mut answered = BTreeSet::from([first]);
    while answered.len() < 300 {
        let (id, _) = client.answered();
        assert!(answered.insert(id), "{id} was answered twice");
    }
    assert!(!client.resolver.is_asking());
    assert_eq!(seen(), 300);
}

// rule P1
fn a_server_is_found_by_services_servers_and_addresses() {
    let server = NameServer::start();
    server.services(
        "carrier.example",
        300,
        &[
            (10, 1, "s", "SIPS+D2T", "_sips._tcp.carrier.example"),
            (20, 1, "s", "SIP+D2U", "_sip._udp.sbc.carrier.example"),
        ],
    );
    let servers = [
        (2, 0, 5062, "two.carrier.example"),
        (1, 7, 5061, "one.carrier.example"),
    ];
    server.servers("_sip._udp.sbc.carrier.example", 60, &servers);
    server.addresses("one.carrier.example", 30, &["192.0.2.1"]);
    server.addresses("two.carrier.example", 45, &["192.0.2.2"]);
    let answer = find(&mut Client::of(server.address()), "carrier.example");
    let located = |address: &str, priority, weight| Located {
        address: address.parse().unwrap(),
        priority,
        weight,
    };
    let expected = vec![
        located("192.0.2.1:5061", 1, 7),
        located("192.0.2.2:5062", 2, 0),
    ];
    assert_eq!(answer.found, Ok(expected));
    assert_eq!((answer.ttl, answer.is_whole), (30, true));
}

// rule P1
fn a_foreign_name_server_is_understood() {
    let sandbox = Sandbox::new();
    let options = [
        "--local-ttl=33",
        "--local=/carrier.test/",
        "--naptr-record=carrier.test,10,5,S,SIP+D2U,,_sip._udp.carrier.test",
        "--srv-host=_sip._udp.carrier.test,b.carrier.test,5062,20,0",
        "--srv-host=_sip._udp.carrier.test,a.carrier.test,5061,10,3",
        "--host-record=a.carrier.test,192.0.2.11,2001:db8::11",
        "--host-record=real.carrier.test,192.0.2.12",
        "--cname=b.carrier.test,real.carrier.test",
    ];
    let (_process, address_of_server) = dnsmasq(&sandbox, &options);
    let mut client = Client::of(address_of_server);
    wait_until(Duration::from_secs(10), "an answer of dnsmasq", || {
        matches!(
            client.ask("a.carrier.test", RecordKind::A),
            Resolution::Records(_)
        )
    });
    let answer = find(&mut client, "carrier.test");
    let found = answer.found.expect("both servers");
    let found: Vec<String> = found.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(found, ["192.0.2.11:5061", "192.0.2.12:5062"]);
    assert!(answer.ttl <= 33 && answer.is_whole, "{}", answer.ttl);
    assert_eq!(
        client.ask("a.carrier.test", RecordKind::Aaaa),
        Resolution::Records(vec![address(33, "2001:db8::11")])
    );
    let nothing = client.ask("absent.carrier.test", RecordKind::A);
    assert!(matches!(nothing, Resolution::Nothing { .. }), "{nothing:?}");
    let refused = client.ask("elsewhere.example", RecordKind::A);
    assert!(matches!(refused, Resolution::Failed(_)), "{refused:?}");
}

/// The whole procedure, by NAPTR.
fn find(client: &mut Client, name: &str) -> locate::Answer {
    let (mut lookup, mut progress) = Lookup::start(Query {
        name: name.into(),
        port: None,
        is_transport_fixed: false,
        method: Method::Naptr,
        ipv6: false,
    });
    let mut draw = Seed::from_number(1).draw(0, 0);
    let mut open = Vec::new();
    loop {
        match progress {
            Progress::Asking(questions) => open.extend(questions),
            Progress::Done(answer) => return answer,
        }
        let question = open.pop().expect("a question is open");
        let answer = client.ask(&question.name, question.kind);
        progress = lookup.on_answer(&question, answer, &mut draw);
    }
}

fn address(ttl: u32, text: &str) -> Record {
    let data = RecordData::Address(text.parse().unwrap());
    Record { ttl, data }
}

fn srv(ttl: u32, (priority, weight, port, target): (u16, u16, u16, &str)) -> Record {
    let data = RecordData::Srv {
        priority,
        weight,
        port,
        target: target.into(),
    };
    Record { ttl, data }
}
