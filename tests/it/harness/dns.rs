//! A name server of a trial's own: its records change while it runs, it can fall silent or fail,
//! and it keeps count of what it is asked.
//!
//! It speaks UDP, and TCP for what does not fit. The bytes are written by the crate that the
//! product reads them with; that a foreign server is understood too is shown with dnsmasq.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use hickory_resolver::proto::op::{Message, Query, ResponseCode};
use hickory_resolver::proto::rr::rdata::{CNAME, NAPTR, SOA, SRV};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::process::Process;
use super::sandbox::{Sandbox, free_udp_address};
use super::trial::{Need, Program};

/// The mark of a trial that needs a name server which we did not write.
pub(crate) const DNSMASQ: Need = Need::Program(PROGRAM);

const PROGRAM: Program = Program {
    name: "dnsmasq",
    packages: "dnsmasq-base",
};

/// Starts dnsmasq with these options alone. It may take a moment until it answers.
#[track_caller]
pub(crate) fn dnsmasq(sandbox: &Sandbox, options: &[&str]) -> (Process, SocketAddr) {
    let address = free_udp_address();
    let port = format!("--port={}", address.port());
    let alone = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=",
        "--pid-file=",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        &port,
    ];
    let arguments = [&alone, options].concat();
    let log = sandbox.path("dnsmasq.log");
    let process = Process::start(&PROGRAM.path(), &arguments, &sandbox.path(""), &log);
    (process, address)
}

/// For so many seconds nothing is there.
pub(crate) const NEGATIVE_TTL: u32 = 7;

/// No datagram of it is longer, so that long answers go over TCP.
const LONGEST_DATAGRAM: usize = 512;

/// A name server that answers while this lives.
pub(crate) struct NameServer {
    desk: Arc<Desk>,
    address: SocketAddr,
    threads: Vec<JoinHandle<()>>,
}

/// How questions are answered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// With the records that there are.
    Answers,
    /// Not at all.
    Silent,
    /// With this code and nothing else.
    Code(ResponseCode),
    /// With bytes that are no answer.
    Babbles,
}

type Key = (Name, RecordType);

struct Desk {
    state: Mutex<State>,
    is_over: AtomicBool,
}

struct State {
    records: BTreeMap<Key, Vec<Record>>,
    mood: Mood,
    asked: Vec<(String, RecordType)>,
    by_tcp: usize,
}

impl NameServer {
    /// Starts one without records, at a port of its own.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let (udp, tcp) = sockets();
        let address = udp.local_addr().expect("a bound socket has an address");
        let desk = Arc::new(Desk {
            state: Mutex::new(State {
                records: BTreeMap::new(),
                mood: Mood::Answers,
                asked: Vec::new(),
                by_tcp: 0,
            }),
            is_over: AtomicBool::new(false),
        });
        let (datagrams, streams) = (Arc::clone(&desk), Arc::clone(&desk));
        let threads = vec![
            thread::spawn(move || serve_datagrams(&datagrams, &udp)),
            thread::spawn(move || serve_streams(&streams, &tcp)),
        ];
        Self {
            desk,
            address,
            threads,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The addresses of a name from now on.
    pub(crate) fn addresses(&self, name: &str, ttl: u32, addresses: &[&str]) {
        for kind in [RecordType::A, RecordType::AAAA] {
            let all = addresses.iter().map(|text| text.parse().unwrap());
            let data = all.filter_map(|address| match address {
                IpAddr::V4(v4) if kind == RecordType::A => Some(RData::A(v4.into())),
                IpAddr::V6(v6) if kind == RecordType::AAAA => Some(RData::AAAA(v6.into())),
                _ => None,
            });
            self.set(name, kind, ttl, data.collect());
        }
    }

    /// The servers of a service from now on: priority, weight, port, target.
    pub(crate) fn servers(&self, name: &str, ttl: u32, servers: &[(u16, u16, u16, &str)]) {
        let data = |&(priority, weight, port, target): &(u16, u16, u16, &str)| {
            RData::SRV(SRV::new(priority, weight, port, self::name(target)))
        };
        self.set(
            name,
            RecordType::SRV,
            ttl,
            servers.iter().map(data).collect(),
        );
    }

    /// The services of a name from now on: order, preference, flags, service, replacement.
    pub(crate) fn services(&self, name: &str, ttl: u32, services: &[(u16, u16, &str, &str, &str)]) {
        let data = |&(order, preference, flags, service, to): &(u16, u16, &str, &str, &str)| {
            let bytes = |text: &str| text.as_bytes().into();
            let (flags, service) = (bytes(flags), bytes(service));
            let naptr = NAPTR::new(order, preference, flags, service, [].into(), self::name(to));
            RData::NAPTR(naptr)
        };
        let data = services.iter().map(data).collect();
        self.set(name, RecordType::NAPTR, ttl, data);
    }

    /// A name is another name for something, from now on.
    pub(crate) fn alias(&self, name: &str, ttl: u32, target: &str) {
        let data = RData::CNAME(CNAME(self::name(target)));
        self.set(name, RecordType::CNAME, ttl, vec![data]);
    }

    fn set(&self, name: &str, kind: RecordType, ttl: u32, data: Vec<RData>) {
        let name = self::name(name);
        let record = |data| Record::from_rdata(name.clone(), ttl, data);
        let records: Vec<Record> = data.into_iter().map(record).collect();
        let mut state = self.desk.state();
        if records.is_empty() {
            state.records.remove(&(name, kind));
        } else {
            state.records.insert((name, kind), records);
        }
    }

    /// Changes its mood.
    pub(crate) fn mood(&self, mood: Mood) {
        self.desk.state().mood = mood;
    }

    /// All that it was asked, each try of each question, whatever it answered.
    pub(crate) fn asked(&self) -> Vec<(String, RecordType)> {
        self.desk.state().asked.clone()
    }

    /// How much it was asked over TCP.
    pub(crate) fn asked_by_tcp(&self) -> usize {
        self.desk.state().by_tcp
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.desk.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().ok();
        }
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer to a question, if there is one.
    fn answer(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let question = Message::from_vec(bytes).ok()?;
        let query = question.queries.first()?;
        let mut state = self.state();
        let asked = (query.name().to_ascii(), query.query_type());
        state.asked.push(asked);
        let mut response = Message::response(question.metadata.id, question.metadata.op_code);
        response.add_query(query.clone());
        response.metadata.recursion_desired = true;
        response.metadata.recursion_available = true;
        match state.mood {
            Mood::Silent => return None,
            Mood::Babbles => return Some(b"this is no answer of DNS".to_vec()),
            Mood::Code(code) => response.metadata.response_code = code,
            Mood::Answers => state.fill(query, &mut response),
        }
        response.to_vec().ok()
    }
}

impl State {
    /// As a recursive server does it: aliases, and what they lead to.
    fn fill(&self, query: &Query, response: &mut Message) {
        let mut name = query.name().to_lowercase();
        for _ in 0..4 {
            if let Some(records) = self.records.get(&(name.clone(), query.query_type())) {
                response.add_answers(records.iter().cloned());
                return;
            }
            let Some(records) = self.records.get(&(name.clone(), RecordType::CNAME)) else {
                break;
            };
            response.add_answers(records.iter().cloned());
            if let RData::CNAME(target) = &records[0].data {
                name = target.0.to_lowercase();
            }
        }
        if !self.records.keys().any(|(known, _)| *known == name) {
            response.metadata.response_code = ResponseCode::NXDomain;
        }
        let root = Name::root();
        let soa = SOA::new(root.clone(), root, 1, 1, 1, 1, NEGATIVE_TTL);
        let zone = query.name().base_name();
        response.add_authority(Record::from_rdata(zone, 3_600, RData::SOA(soa)));
    }
}

/// Both at one port.
#[track_caller]
fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..100 {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free UDP port");
        let address = udp.local_addr().expect("a bound socket has an address");
        udp.set_read_timeout(Some(PATIENCE))
            .expect("a time-out that is not zero");
        if let Ok(tcp) = TcpListener::bind(address) {
            tcp.set_nonblocking(true).expect("a socket of our own");
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

fn serve_datagrams(desk: &Desk, socket: &UdpSocket) {
    let mut buffer = vec![0; 65_536];
    while !desk.is_over.load(Ordering::Relaxed) {
        let Ok((length, from)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let Some(mut answer) = desk.answer(&buffer[..length]) else {
            continue;
        };
        if answer.len() > LONGEST_DATAGRAM
            && let Ok(message) = Message::from_vec(&answer)
        {
            answer = message.truncate().to_vec().unwrap_or_default();
        }
        socket.send_to(&answer, from).ok();
    }
}

fn serve_streams(desk: &Arc<Desk>, listener: &TcpListener) {
    let mut open = Vec::new();
    while !desk.is_over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => {
                let desk = Arc::clone(desk);
                open.push(thread::spawn(move || serve_stream(&desk, stream)));
            }
            Err(_) => thread::sleep(PATIENCE),
        }
    }
    for stream in open {
        stream.join().ok();
    }
}

fn serve_stream(desk: &Desk, mut stream: TcpStream) {
    stream.set_nonblocking(false).ok();
    stream.set_read_timeout(Some(PATIENCE)).ok();
    while !desk.is_over.load(Ordering::Relaxed) {
        let mut length = [0; 2];
        match stream.peek(&mut length) {
            Ok(2) => {}
            Ok(0) => return,
            // Half of it, or nothing yet.
            _ => continue,
        }
        let mut bytes = vec![0; 2 + usize::from(u16::from_be_bytes(length))];
        if stream.read_exact(&mut bytes).is_err() {
            return;
        }
        desk.state().by_tcp += 1;
        let Some(answer) = desk.answer(&bytes[2..]) else {
            continue;
        };
        let length = u16::try_from(answer.len()).unwrap_or_default();
        let framed = [&length.to_be_bytes(), &*answer].concat();
        if stream.write_all(&framed).is_err() {
            return;
        }
    }
}

/// How often the threads look whether they are still wanted.
const PATIENCE: Duration = Duration::from_millis(20);

#[track_caller]
fn name(text: &str) -> Name {
    let text = text.trim_end_matches('.').to_ascii_lowercase();
    Name::from_ascii(format!("{text}.")).expect("a name that DNS may have")
}
