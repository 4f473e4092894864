//! Reports to a capture server, read by a decoder that follows the specification and knows nothing
//! of the program.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use libtest_mimic::Trial;
use serde_json::Value;

use super::{messages, start, told};
use crate::harness::{
    Config, Daemon, Many, Registrar, SOON, Sandbox, free_udp_address, usual, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_capture_server_gets_each_message_in_the_chunks_of_the_specification,
        addresses_of_ipv6_have_chunks_of_their_own,
        a_capture_server_that_is_gone_is_told_of_once_and_harms_nobody,
        what_is_kept_is_sent_on_request,
    ]
}

/// A capture server.
struct Server(UdpSocket);

/// What a packet reports.
#[derive(Debug, PartialEq)]
struct Report {
    from: SocketAddr,
    to: SocketAddr,
    micros: i64,
    capture_id: u32,
    correlation: String,
    payload: Vec<u8>,
}

impl Server {
    fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.set_read_timeout(Some(SOON)).expect("a time limit");
        Self(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("it is bound")
    }

    #[track_caller]
    fn next(&self) -> Report {
        let mut buffer = vec![0; 65_536];
        let length = self.0.recv(&mut buffer).expect("a packet in time");
        decode(&buffer[..length])
    }
}

/// Reads a packet by the HEP3 Network Protocol Specification, revision 12: every chunk that is
/// there must be known, stand there once, and have its length.
#[track_caller]
fn decode(packet: &[u8]) -> Report {
    assert_eq!(&packet[..4], b"HEP3");
    assert_eq!(
        usize::from(u16::from_be_bytes([packet[4], packet[5]])),
        packet.len()
    );
    let mut chunks = BTreeMap::new();
    let mut rest = &packet[6..];
    while !rest.is_empty() {
        let word = |at: usize| u16::from_be_bytes([rest[at], rest[at + 1]]);
        let (vendor, kind, length) = (word(0), word(2), usize::from(word(4)));
        assert_eq!(vendor, 0, "a chunk of a vendor");
        let again = chunks.insert(kind, &rest[6..length]);
        assert!(again.is_none(), "chunk {kind} twice");
        rest = &rest[length..];
    }
    let family = chunks[&1][0];
    let (addresses, lengths) = match family {
        2 => ([3, 4], [1, 1, 4, 4, 2, 2, 4, 4, 1, 4]),
        10 => ([5, 6], [1, 1, 16, 16, 2, 2, 4, 4, 1, 4]),
        other => panic!("address family {other}"),
    };
    let [source, target] = addresses;
    let fixed = [1, 2, source, target, 7, 8, 9, 10, 11, 12];
    for (kind, length) in fixed.into_iter().zip(lengths) {
        assert_eq!(chunks[&kind].len(), length, "chunk {kind}");
    }
    let all: Vec<u16> = chunks.keys().copied().collect();
    let wanted: Vec<u16> = fixed.into_iter().chain([15, 17]).collect();
    assert_eq!(all, wanted);
    assert_eq!(chunks[&2], [17], "UDP");
    assert_eq!(chunks[&11], [1], "SIP");
    let number = |kind: u16| {
        chunks[&kind]
            .iter()
            .fold(0, |sum: u32, byte| sum << 8 | u32::from(*byte))
    };
    let ip = |kind: u16| match <[u8; 4]>::try_from(chunks[&kind]) {
        Ok(octets) => IpAddr::from(Ipv4Addr::from(octets)),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(chunks[&kind]).expect("16 bytes")).into(),
    };
    let port = |kind: u16| u16::try_from(number(kind)).expect("a port");
    assert!(number(10) < 1_000_000);
    Report {
        from: SocketAddr::new(ip(source), port(7)),
        to: SocketAddr::new(ip(target), port(8)),
        micros: i64::from(number(9)) * 1_000_000 + i64::from(number(10)),
        capture_id: number(12),
        correlation: String::from_utf8(chunks[&17].to_vec()).expect("text"),
        payload: chunks[&15].to_vec(),
    }
}

/// Whether a report tells of a message that the daemon shows.
#[track_caller]
fn assert_tells(report: &Report, message: &Value) {
    let address = |key: &str| -> SocketAddr { message[key].as_str().unwrap().parse().unwrap() };
    let [from, to] = match message["kind"].as_str() {
        Some("sent") => [address("local"), address("remote")],
        _ => [address("remote"), address("local")],
    };
    assert_eq!((report.from, report.to), (from, to));
    let at: jiff::Timestamp = message["at"].as_str().unwrap().parse().unwrap();
    assert_eq!(report.micros, at.as_microsecond());
    let text = message["text"].as_str().unwrap();
    assert_eq!(String::from_utf8_lossy(&report.payload), text);
    assert!(
        text.contains(&format!("Call-ID: {}\r\n", report.correlation)),
        "{report:?}"
    );
}

fn a_capture_server_gets_each_message_in_the_chunks_of_the_specification() {
    let sandbox = Sandbox::new();
    let server = Server::start();
    let registrar = Registrar::granting(60);
    let agent = format!(
        "hep_server = \"{}\"\nhep_capture_id = 4000000007",
        server.address()
    );
    let daemon = start(&sandbox, &Config::new(registrar.address()), &agent);
    daemon.wait_registered(SOON);
    let messages = messages(&daemon, &[]);
    let reports: Vec<Report> = (0..4).map(|_| server.next()).collect();
    let shown: Vec<_> = messages.iter().filter(|it| it["kind"] != "note").collect();
    assert_eq!(shown.len(), 4);
    for (report, message) in reports.iter().zip(shown) {
        assert_tells(report, message);
        assert_eq!(report.capture_id, 4_000_000_007);
    }
    let credentials = String::from_utf8_lossy(&reports[2].payload).into_owned();
    assert!(credentials.contains("response=\"********************************\""));
    let document: Value = serde_json::from_str(&told(&daemon, &["--json"])).unwrap();
    assert_eq!(
        (&document["hep"]["sent"], &document["hep"]["lost"]),
        (&4.into(), &0.into())
    );
}

fn addresses_of_ipv6_have_chunks_of_their_own() {
    let sandbox = Sandbox::new();
    let server = Server::start();
    let nearby = SocketAddr::from((Ipv6Addr::LOCALHOST, 0));
    let registrar = Registrar::start_at(nearby, |message| usual(message, 60));
    let text = Many::new(1, registrar.address()).text();
    let text = text.replace("address = \"127.0.0.1\"", "address = \"::1\"");
    let agent = format!("[agent]\nhep_server = \"{}\"", server.address());
    let daemon = Daemon::start_text(&sandbox, &text.replace("[agent]", &agent));
    daemon.wait_count(SOON, 1);
    let messages = messages(&daemon, &["a0"]);
    let report = server.next();
    assert_tells(&report, &messages[0]);
    assert_eq!((report.from.ip(), report.capture_id), (nearby.ip(), 2_000));
}

fn a_capture_server_that_is_gone_is_told_of_once_and_harms_nobody() {
    let sandbox = Sandbox::new();
    let nowhere = free_udp_address();
    let registrar = Registrar::granting(60);
    let agent = format!("hep_server = \"{nowhere}\"");
    let daemon = start(&sandbox, &Config::new(registrar.address()), &agent);
    daemon.wait_registered(SOON);
    for _ in 0..3 {
        let said = daemon.tell(&["refresh", "main"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let state = || -> Value { serde_json::from_str(&told(&daemon, &["--json"])).unwrap() };
    // What the system says of one packet it says with the next, so the last may count as sent.
    wait_until(SOON, "the loss to be counted", || {
        let hep = &state()["hep"];
        let [sent, lost] = [&hep["sent"], &hep["lost"]].map(|it| it.as_u64().unwrap_or(0));
        sent + lost == 10 && lost >= 3
    });
    let log = daemon.stop_within(SOON);
    let warnings = log
        .matches("the capture server is not told everything")
        .count();
    assert_eq!(warnings, 1, "{log}");
}

fn what_is_kept_is_sent_on_request() {
    let sandbox = Sandbox::new();
    let server = Server::start();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &Config::new(registrar.address()), "");
    daemon.wait_registered(SOON);
    let said = daemon.tell(&["trace", "main", "--hep", &server.address().to_string()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.err, "4 messages sent\n");
    for message in messages(&daemon, &["main"])
        .iter()
        .filter(|it| it["kind"] != "note")
    {
        assert_tells(&server.next(), message);
    }
}
