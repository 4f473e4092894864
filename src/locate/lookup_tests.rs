use std::collections::BTreeMap;

use super::*;
use crate::rng::Seed;

type Zone = BTreeMap<(&'static str, RecordKind), Resolution>;

// rule P1
#[test]
fn with_a_port_only_addresses_are_asked_for() {
    for method in [Method::Address, Method::Srv, Method::Naptr] {
        let query = Query {
            port: Some(5070),
            ..query(method)
        };
        let zone = zone([
            a("example.com", &["192.0.2.1", "192.0.2.2"]),
            srv("_sip._udp.example.com", &[(1, 0, 5060, "other")]),
        ]);
        let (asked, answer) = run(query, &zone);
        assert_eq!(asked, ["A of example.com"]);
        assert_eq!(
            listed(&answer),
            ["0/0 192.0.2.1:5070", "0/0 192.0.2.2:5070"]
        );
        assert_eq!((answer.ttl, answer.is_whole), (300, true));
    }
}

// rule P1
#[test]
fn the_method_address_takes_the_default_port() {
    let zone = zone([a("example.com", &["192.0.2.1"])]);
    let (asked, answer) = run(query(Method::Address), &zone);
    assert_eq!(asked, ["A of example.com"]);
    assert_eq!(listed(&answer), ["0/0 192.0.2.1:5060"]);
}

// rule P1
#[test]
fn an_ipv6_interface_asks_for_its_own_family() {
    let query = Query {
        ipv6: true,
        ..query(Method::Address)
    };
    let found = ["2001:db8::1", "192.0.2.1"].map(address);
    let answer = Resolution::Records(found.into());
    let zone = zone([(("example.com", RecordKind::Aaaa), answer)]);
    let (asked, answer) = run(query, &zone);
    assert_eq!(asked, ["AAAA of example.com"]);
    assert_eq!(listed(&answer), ["0/0 [2001:db8::1]:5060"]);
}

// rule P1
#[test]
fn servers_come_in_the_order_of_their_priorities_and_all_addresses_with_them() {
    let servers = [
        (20, 0, 5062, "b.example.com"),
        (10, 5, 5061, "A.example.com"),
    ];
    let zone = zone([
        srv("_sip._udp.example.com", &servers),
        a("a.example.com", &["192.0.2.1", "192.0.2.2"]),
        a("b.example.com", &["192.0.2.3"]),
    ]);
    let (asked, answer) = run(query(Method::Srv), &zone);
    let expected = [
        "SRV of _sip._udp.example.com",
        "A of a.example.com",
        "A of b.example.com",
    ];
    assert_eq!(asked, expected);
    let expected = [
        "10/5 192.0.2.1:5061",
        "10/5 192.0.2.2:5061",
        "20/0 192.0.2.3:5062",
    ];
    assert_eq!(listed(&answer), expected);
}

// rule P1
#[test]
fn without_servers_the_addresses_of_the_host_itself_are_taken() {
    let zone = zone([
        nothing("_sip._udp.example.com", RecordKind::Srv, Some(60)),
        a("example.com", &["192.0.2.1"]),
    ]);
    let (asked, answer) = run(query(Method::Srv), &zone);
    assert_eq!(asked, ["SRV of _sip._udp.example.com", "A of example.com"]);
    assert_eq!(listed(&answer), ["0/0 192.0.2.1:5060"]);
    assert_eq!(answer.ttl, 60, "the absence of servers has a TTL too");
}

// rule P1
#[test]
fn a_fixed_transport_leaves_services_out() {
    let query = Query {
        is_transport_fixed: true,
        ..query(Method::Naptr)
    };
    let zone = zone([a("example.com", &["192.0.2.1"])]);
    let (asked, _) = run(query, &zone);
    assert_eq!(asked, ["SRV of _sip._udp.example.com", "A of example.com"]);
}

// rule P1
#[test]
fn services_lead_to_servers_in_order_and_preference_and_unknown_ones_are_skipped() {
    let services = [
        (1, 1, "s", "SIP+D2T", "_sip._tcp.tcp.example.com"),
        (2, 9, "S", "sip+d2u", "_sip._udp.third.example.com"),
        (2, 5, "s", "SIP+D2U", "_sip._udp.second.example.com"),
        (1, 7, "u", "SIP+D2U", "uri.example.com"),
        (1, 8, "", "SIP+D2U", "_sip._udp.next.example.com"),
    ];
    let zone = zone([
        naptr("example.com", &services),
        srv(
            "_sip._udp.third.example.com",
            &[(1, 1, 5060, "c.example.com")],
        ),
        a("c.example.com", &["192.0.2.3"]),
    ]);
    let (asked, answer) = run(query(Method::Naptr), &zone);
    let expected = [
        "NAPTR of example.com",
        "SRV of _sip._udp.second.example.com",
        "SRV of _sip._udp.third.example.com",
        "A of c.example.com",
    ];
    assert_eq!(asked, expected);
    assert_eq!(listed(&answer), ["1/1 192.0.2.3:5060"]);
}

// rule P1
#[test]
fn a_service_may_lead_to_addresses_at_once() {
    let zone = zone([
        naptr("example.com", &[(1, 1, "a", "SIP+D2U", "host.example.com")]),
        a("host.example.com", &["192.0.2.9"]),
    ]);
    let (asked, answer) = run(query(Method::Naptr), &zone);
    assert_eq!(asked, ["NAPTR of example.com", "A of host.example.com"]);
    assert_eq!(listed(&answer), ["0/0 192.0.2.9:5060"]);
}

// rule P1
#[test]
fn without_a_usable_service_servers_and_addresses_follow_and_nothing_is_asked_twice() {
    let services = [
        (1, 1, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        (1, 1, "s", "SIP+D2U", "_SIP._udp.Example.com"),
        (1, 1, "s", "SIP+D2U", "bad..name"),
    ];
    for records in [
        naptr("example.com", &services),
        naptr("example.com", &services[..1]),
        nothing("example.com", RecordKind::Naptr, None),
    ] {
        let zone = zone([records, a("example.com", &["192.0.2.1"])]);
        let (asked, answer) = run(query(Method::Naptr), &zone);
        let expected = [
            "NAPTR of example.com",
            "SRV of _sip._udp.example.com",
            "A of example.com",
        ];
        assert_eq!(asked, expected);
        assert_eq!(listed(&answer), ["0/0 192.0.2.1:5060"]);
    }
}

#[test]
fn a_service_that_is_not_offered_has_no_addresses() {
    for target in ["", "."] {
        let zone = zone([
            srv("_sip._udp.example.com", &[(0, 0, 0, target)]),
            a("example.com", &["192.0.2.1"]),
        ]);
        let (asked, answer) = run(query(Method::Srv), &zone);
        assert_eq!(asked, ["SRV of _sip._udp.example.com"]);
        let why = "_sip._udp.example.com is not offered, says DNS";
        assert_eq!(answer.found, Err(Failure::Nothing(why.to_owned())));
        assert_eq!((answer.ttl, answer.is_whole), (300, true));
    }
}

// rule P2
#[test]
fn want_of_an_answer_ends_it_and_is_told_from_absence() {
    let silent = |name, kind| ((name, kind), Resolution::Failed("no answer".to_owned()));
    for (kind, name, method) in [
        (RecordKind::Naptr, "example.com", Method::Naptr),
        (RecordKind::Srv, "_sip._udp.example.com", Method::Srv),
        (RecordKind::A, "example.com", Method::Address),
    ] {
        let zone = zone([a("example.com", &["192.0.2.1"]), silent(name, kind)]);
        let (asked, answer) = run(query(method), &zone);
        assert_eq!(asked.len(), 1);
        let why = format!("{kind} of {name}: no answer");
        assert_eq!(answer.found, Err(Failure::NoAnswer(why)));
        assert_eq!((answer.ttl, answer.is_whole), (0, false));
    }
    let zone = zone([nothing("example.com", RecordKind::A, Some(77))]);
    let (_, answer) = run(query(Method::Address), &zone);
    let why = "DNS has no A of example.com".to_owned();
    assert_eq!(answer.found, Err(Failure::Nothing(why)));
    assert_eq!((answer.ttl, answer.is_whole), (77, true));
}

// rule P2
#[test]
fn a_server_without_an_address_is_skipped_while_others_have_one() {
    let servers = [(1, 0, 5060, "a"), (2, 0, 5060, "b"), (3, 0, 5060, "c")];
    let silent = (
        ("a", RecordKind::A),
        Resolution::Failed("silence".to_owned()),
    );
    let mut zone = zone([
        srv("_sip._udp.example.com", &servers),
        silent,
        nothing("b", RecordKind::A, None),
        a("c", &["192.0.2.3"]),
    ]);
    let (_, answer) = run(query(Method::Srv), &zone);
    assert_eq!(listed(&answer), ["3/0 192.0.2.3:5060"]);
    assert!(!answer.is_whole);

    zone.remove(&("c", RecordKind::A));
    let (_, answer) = run(query(Method::Srv), &zone);
    let why = "A of a: silence".to_owned();
    assert_eq!(answer.found, Err(Failure::NoAnswer(why)));

    zone.remove(&("a", RecordKind::A));
    let (asked, answer) = run(query(Method::Srv), &zone);
    assert!(matches!(answer.found, Err(Failure::Nothing(_))));
    assert_eq!(
        asked.len(),
        4,
        "the host itself is not asked for: {asked:?}"
    );
}

#[test]
fn the_least_ttl_of_all_counts_and_one_out_of_range_is_zero() {
    let mut zone = zone([
        srv(
            "_sip._udp.example.com",
            &[(1, 0, 5060, "a"), (2, 0, 5060, "b")],
        ),
        a("a", &["192.0.2.1"]),
    ]);
    for (ttl, expected) in [(400, 300), (20, 20), (0, 0), (0x8000_0000, 0)] {
        let record = Record {
            ttl,
            ..address("192.0.2.2")
        };
        zone.insert(("b", RecordKind::A), Resolution::Records(vec![record]));
        let (_, answer) = run(query(Method::Srv), &zone);
        assert_eq!(answer.ttl, expected);
    }
}

#[test]
fn what_occurs_twice_is_kept_where_it_is_first() {
    let servers = [(1, 0, 5060, "a"), (2, 0, 5060, "b"), (3, 0, 5061, "a")];
    let zone = zone([
        srv("_sip._udp.example.com", &servers),
        a("a", &["192.0.2.1", "192.0.2.2", "192.0.2.1"]),
        a("b", &["192.0.2.2", "192.0.2.3"]),
    ]);
    let (asked, answer) = run(query(Method::Srv), &zone);
    assert_eq!(asked.len(), 3, "each name is asked for once: {asked:?}");
    let expected = [
        "1/0 192.0.2.1:5060",
        "1/0 192.0.2.2:5060",
        "2/0 192.0.2.3:5060",
        "3/0 192.0.2.1:5061",
        "3/0 192.0.2.2:5061",
    ];
    assert_eq!(listed(&answer), expected);
}

#[test]
fn the_order_is_drawn_once_for_an_answer() {
    let servers: Vec<(u16, u16, u16, &str)> =
        ["a", "b", "c", "d"].map(|name| (1, 1, 5060, name)).to_vec();
    let zone = zone([
        srv("_sip._udp.example.com", &servers),
        a("a", &["192.0.2.1"]),
        a("b", &["192.0.2.2"]),
        a("c", &["192.0.2.3"]),
        a("d", &["192.0.2.4"]),
    ]);
    let orders: Vec<_> = (0..20)
        .map(|seed| listed(&run_with(query(Method::Srv), &zone, seed).1))
        .collect();
    let again = listed(&run_with(query(Method::Srv), &zone, 3).1);
    assert_eq!(orders[3], again);
    assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");
}

#[test]
fn thousands_of_records_end_in_fifty_questions_and_fifty_addresses() {
    let names: Vec<String> = (0..5_000)
        .map(|nth| format!("h{nth}.example.com"))
        .collect();
    let records = names.iter().enumerate().map(|(nth, name)| Record {
        ttl: 300,
        data: RecordData::Srv {
            priority: nth as u16,
            weight: 0,
            port: 5060,
            target: name.as_str().into(),
        },
    });
    let (mut lookup, progress) = Lookup::start(query(Method::Srv));
    let asked = questions(progress);
    let answer = Resolution::Records(records.collect());
    let asked = questions(lookup.on_answer(&asked[0], answer, &mut draw(0)));
    assert_eq!(asked.len(), 50);
    let mut last = None;
    for (nth, question) in asked.iter().enumerate() {
        let hosts = (0..5_000_u32).map(|host| Record {
            ttl: 300,
            data: RecordData::Address(IpAddr::from(
                (10_u32 << 24 | host << 8 | nth as u32).to_be_bytes(),
            )),
        });
        let answer = Resolution::Records(hosts.collect());
        last = Some(lookup.on_answer(question, answer, &mut draw(0)));
    }
    let Some(Progress::Done(answer)) = last else {
        panic!("{last:?}");
    };
    let found = answer.found.unwrap();
    assert_eq!(found.len(), 50);
    assert!(found.iter().all(|it| it.priority == 0), "{found:?}");

    let services = (0..5_000).map(|nth| naptr_to(&format!("s{nth}")));
    let zone = zone([(
        ("example.com", RecordKind::Naptr),
        Resolution::Records(services.collect()),
    )]);
    let (asked, _) = run(query(Method::Naptr), &zone);
    assert_eq!(asked.len(), 1 + MOST_SERVICES + 2);
}

#[test]
fn records_of_another_kind_and_hostile_names_are_no_records() {
    let long = "x".repeat(64);
    let longer = ["a"; 200].join(".");
    let targets = [
        "", "..", "a..b", ".a", "a b", "a\u{0}b", "ä", &*long, &*longer,
    ];
    let mut hostile: Vec<Record> = targets.iter().map(|name| naptr_to(name)).collect();
    let server = |target: &str, port| Record {
        ttl: 300,
        data: RecordData::Srv {
            priority: 0,
            weight: 0,
            port,
            target: target.into(),
        },
    };
    hostile.extend(targets[1..].iter().map(|name| server(name, 5060)));
    hostile.push(server("a", 0));
    for no_host in ["0.0.0.0", "255.255.255.255", "224.0.0.1", "::1"] {
        hostile.push(address(no_host));
    }
    for records in [hostile, Vec::new()] {
        let mut zone = Zone::new();
        for (name, kind) in [
            ("example.com", RecordKind::Naptr),
            ("_sip._udp.example.com", RecordKind::Srv),
            ("example.com", RecordKind::A),
        ] {
            zone.insert((name, kind), Resolution::Records(records.clone()));
        }
        let (asked, answer) = run(query(Method::Naptr), &zone);
        assert_eq!(asked.len(), 3, "{asked:?}");
        let Err(Failure::Nothing(why)) = answer.found else {
            panic!("{answer:?}");
        };
        assert_eq!(why, "DNS has no A of example.com that is of use");
    }
}

#[test]
fn an_answer_that_was_not_asked_for_changes_nothing() {
    let (mut lookup, progress) = Lookup::start(query(Method::Srv));
    let first = questions(progress);
    let none = || Resolution::Nothing { ttl: None };
    let unasked = [
        ("example.com", RecordKind::A),
        ("example.com", RecordKind::Srv),
    ];
    for (name, kind) in unasked {
        let question = Question {
            name: name.into(),
            kind,
        };
        let progress = lookup.on_answer(&question, none(), &mut draw(0));
        assert_eq!(questions(progress), []);
    }
    let second = questions(lookup.on_answer(&first[0], none(), &mut draw(0)));
    assert_eq!(second.len(), 1);
    assert_eq!(
        questions(lookup.on_answer(&first[0], none(), &mut draw(0))),
        []
    );
    let over = lookup.on_answer(&second[0], none(), &mut draw(0));
    assert!(matches!(over, Progress::Done(_)));
    assert_eq!(
        questions(lookup.on_answer(&second[0], none(), &mut draw(0))),
        []
    );
}

#[test]
fn a_name_that_cannot_be_asked_for_is_done_at_once() {
    let long = ["abcdefghi"; 25].join(".");
    for name in ["", "a..b", &"x".repeat(64), &"x.".repeat(200)] {
        let query = Query {
            name: name.into(),
            ..query(Method::Naptr)
        };
        let (_, progress) = Lookup::start(query);
        let Progress::Done(answer) = progress else {
            panic!("{progress:?}");
        };
        assert!(
            matches!(answer.found, Err(Failure::Nothing(_))),
            "{answer:?}"
        );
    }
    // Only the name of its service is too long: what can be asked is asked.
    let query = Query {
        name: long.as_str().into(),
        ..query(Method::Srv)
    };
    let (_, progress) = Lookup::start(query);
    assert_eq!(questions(progress)[0].kind, RecordKind::A);
}

/// The questions in their order, and what it came to.
fn run(query: Query, zone: &Zone) -> (Vec<String>, Answer) {
    run_with(query, zone, 0)
}

fn run_with(query: Query, zone: &Zone, seed: u64) -> (Vec<String>, Answer) {
    let mut draw = draw(seed);
    let (mut lookup, mut progress) = Lookup::start(query);
    let mut asked: Vec<Question> = Vec::new();
    let mut answered = 0;
    loop {
        match progress {
            Progress::Asking(questions) => asked.extend(questions),
            Progress::Done(answer) => {
                assert_eq!(answered, asked.len(), "{asked:?}");
                return (asked.iter().map(Question::to_string).collect(), answer);
            }
        }
        let question = asked[answered].clone();
        answered += 1;
        let known = zone.get(&(&*question.name, question.kind)).cloned();
        let answer = known.unwrap_or(Resolution::Nothing { ttl: None });
        progress = lookup.on_answer(&question, answer, &mut draw);
    }
}

#[track_caller]
fn questions(progress: Progress) -> Vec<Question> {
    let Progress::Asking(questions) = progress else {
        panic!("{progress:?}");
    };
    questions
}

fn listed(answer: &Answer) -> Vec<String> {
    let found = answer.found.as_ref().unwrap();
    let shown = |it: &Located| format!("{}/{} {}", it.priority, it.weight, it.address);
    found.iter().map(shown).collect()
}

fn query(method: Method) -> Query {
    Query {
        name: "Example.com".into(),
        port: None,
        is_transport_fixed: false,
        method,
        ipv6: false,
    }
}

fn zone<const N: usize>(entries: [((&'static str, RecordKind), Resolution); N]) -> Zone {
    entries.into()
}

fn address(text: &str) -> Record {
    Record {
        ttl: 300,
        data: RecordData::Address(text.parse().unwrap()),
    }
}

fn a(name: &'static str, addresses: &[&str]) -> ((&'static str, RecordKind), Resolution) {
    let records = addresses.iter().map(|text| address(text));
    (
        (name, RecordKind::A),
        Resolution::Records(records.collect()),
    )
}

fn nothing(
    name: &'static str,
    kind: RecordKind,
    ttl: Option<u32>,
) -> ((&'static str, RecordKind), Resolution) {
    ((name, kind), Resolution::Nothing { ttl })
}

fn srv(
    name: &'static str,
    servers: &[(u16, u16, u16, &str)],
) -> ((&'static str, RecordKind), Resolution) {
    let record = |&(priority, weight, port, target): &(u16, u16, u16, &str)| Record {
        ttl: 300,
        data: RecordData::Srv {
            priority,
            weight,
            port,
            target: target.into(),
        },
    };
    let records = servers.iter().map(record).collect();
    ((name, RecordKind::Srv), Resolution::Records(records))
}

fn naptr_to(replacement: &str) -> Record {
    Record {
        ttl: 300,
        data: RecordData::Naptr {
            order: 1,
            preference: 1,
            flags: "s".into(),
            service: "SIP+D2U".into(),
            replacement: replacement.into(),
        },
    }
}

fn naptr(
    name: &'static str,
    services: &[(u16, u16, &str, &str, &str)],
) -> ((&'static str, RecordKind), Resolution) {
    let record =
        |&(order, preference, flags, service, replacement): &(u16, u16, &str, &str, &str)| Record {
            ttl: 300,
            data: RecordData::Naptr {
                order,
                preference,
                flags: flags.into(),
                service: service.into(),
                replacement: replacement.into(),
            },
        };
    let records = services.iter().map(record).collect();
    ((name, RecordKind::Naptr), Resolution::Records(records))
}

fn draw(seed: u64) -> Draw {
    Seed::from_number(seed).draw(0, 0)
}
