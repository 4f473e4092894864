//! What a message costs: to parse, to read, to write, to answer its challenge.
//!
//! `cargo bench --bench sip` prints times; `cargo bench --bench sip -- --instructions` counts with
//! valgrind, which must be installed, as the difference between a long run and a short one; another
//! word is a part of the names of the cases that run.
#![allow(clippy::print_stdout)]

use std::env;
use std::hint::black_box;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Instant;

use regent::sip::digest::{Algorithm, Challenger, Choice, Session, choose};
use regent::sip::{Message, Name, Writer, reply};

/// Does the same thing so many times.
type Case = fn(u32);

const CASES: [(&str, Case); 10] = [
    ("parse a REGISTER", |count| parse(count, REGISTER)),
    ("parse a 401", |count| parse(count, UNAUTHORIZED)),
    ("parse a 200", |count| parse(count, OK)),
    ("parse a 401, read what a client reads", read_challenge),
    ("parse a 200, read what a client reads", read_grant),
    ("write a REGISTER with credentials", write_register),
    ("write the answer to a REGISTER", write_answer),
    ("answer a challenge, MD5", |count| {
        answer(count, Algorithm::Md5)
    }),
    ("answer a challenge, SHA-256", |count| {
        answer(count, Algorithm::Sha256)
    }),
    ("answer again, MD5", answer_again),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|one| one != "--bench").collect();
    if let [flag, name, count] = &arguments[..]
        && flag == "--run"
    {
        let case = CASES.iter().find(|(known, _)| known == name);
        let (_, case) = case.expect("a case of that name");
        return case(count.parse().expect("a count"));
    }
    let counts = arguments.iter().any(|one| one == "--instructions");
    let wanted: Vec<&String> = arguments
        .iter()
        .filter(|one| !one.starts_with("--"))
        .collect();
    for (name, case) in CASES {
        if !wanted.iter().all(|part| name.contains(part.as_str())) {
            continue;
        }
        if counts {
            let most = instructions(name, FEW + MANY) - instructions(name, FEW);
            println!("{name:<40} {:>7} instructions", most / u64::from(MANY));
        } else {
            println!("{name:<40} {:>7.0} ns", nanoseconds(case));
        }
    }
}

/// The best of several runs: what disturbs makes it only slower.
fn nanoseconds(case: Case) -> f64 {
    let run = || {
        let start = Instant::now();
        case(ROUNDS);
        start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS)
    };
    (0..RUNS).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// What a run of this program with one case takes in all.
fn instructions(name: &str, count: u32) -> u64 {
    let program = env::current_exe().expect("this program has a path");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["--run", name, &count.to_string()])
        .output()
        .expect("valgrind is installed");
    let said = String::from_utf8_lossy(&output.stderr);
    let number = said
        .lines()
        .find_map(|line| line.split_once("Collected : "));
    let number = number.and_then(|(_, number)| number.trim().parse().ok());
    number.unwrap_or_else(|| panic!("no count in what valgrind says:\n{said}"))
}

fn parse(count: u32, text: &str) {
    for _ in 0..count {
        let message = Message::parse(black_box(text.as_bytes()));
        black_box(message.expect("it is good").code());
    }
}

fn read_challenge(count: u32) {
    for _ in 0..count {
        let message = Message::parse(black_box(UNAUTHORIZED.as_bytes())).expect("it is good");
        read(&message);
        black_box(choose(message.list(Name::WwwAuthenticate), Algorithm::Md5));
    }
}

fn read_grant(count: u32) {
    for _ in 0..count {
        let message = Message::parse(black_box(OK.as_bytes())).expect("it is good");
        read(&message);
        for contact in message.contact_items() {
            black_box(contact.expect("it is good").expires());
        }
        black_box(message.expires());
    }
}

/// What every response is asked for: whose it is.
fn read(message: &Message<'_>) {
    black_box(message.via()).expect("it is good");
    black_box(message.cseq()).expect("it is good");
    black_box(message.via_count());
}

fn write_register(count: u32) {
    let mut credentials = String::new();
    let mut session = session(Algorithm::Md5);
    session.answer(
        &mut credentials,
        USER,
        PASSWORD,
        METHOD,
        ADDRESS,
        b"",
        CNONCE,
    );
    let mut out = Vec::new();
    for number in 0..count {
        out.clear();
        let mut writer = Writer::request(&mut out, METHOD, ADDRESS);
        writer
            .parts(
                "Via",
                &["SIP/2.0/UDP 192.0.2.20:5060;branch=", BRANCH, ";rport"],
            )
            .parts("Max-Forwards", &["70"])
            .parts("From", &["<sip:4930123456@carrier.example>;tag=", CNONCE])
            .parts("To", &["<sip:4930123456@carrier.example>"])
            .parts("Call-ID", &[CNONCE, CNONCE])
            .header("CSeq", format_args!("{number} REGISTER"))
            .parts(
                "Contact",
                &["<sip:4930123456@192.0.2.20:5060;regent=", CNONCE, ">"],
            )
            .header("Expires", format_args!("{}", 180))
            .parts(
                "Allow",
                &["INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO"],
            )
            .parts("User-Agent", &["regent/0.1.0"])
            .parts("Authorization", &[&credentials]);
        writer.finish(b"");
        black_box(&out);
    }
}

fn write_answer(count: u32) {
    let request = Message::parse(REGISTER.as_bytes()).expect("it is good");
    let from = SocketAddr::from(([192, 0, 2, 20], 5060));
    let mut out = Vec::new();
    for _ in 0..count {
        out.clear();
        reply(&mut out, black_box(&request), 200, "OK", "ours", from);
        black_box(&out);
    }
}

/// From the text of the challenge to the first answer.
fn answer(count: u32, algorithm: Algorithm) {
    let mut out = String::new();
    for _ in 0..count {
        out.clear();
        let mut session = session(algorithm);
        session.answer(&mut out, USER, PASSWORD, METHOD, ADDRESS, b"", CNONCE);
        black_box(&out);
    }
}

/// With the nonce from before, as a refresh has it.
fn answer_again(count: u32) {
    let mut session = session(Algorithm::Md5);
    let mut out = String::new();
    for _ in 0..count {
        out.clear();
        session.answer(&mut out, USER, PASSWORD, METHOD, ADDRESS, b"", CNONCE);
        black_box(&out);
    }
}

fn session(algorithm: Algorithm) -> Session {
    let values = [CHALLENGE, CHALLENGE_SHA_256];
    let value = values
        .iter()
        .find(|value| value.ends_with(algorithm.token()));
    let value = black_box(value.expect("a challenge by that algorithm"));
    match choose([value], algorithm).pop() {
        Some(Choice::Chosen(challenge)) => Session::new(Challenger::Origin, challenge),
        other => panic!("{other:?}"),
    }
}

const RUNS: u32 = 10;
const ROUNDS: u32 = 20_000;
const FEW: u32 = 100;
const MANY: u32 = 1_000;

const USER: &str = "u12345";
const PASSWORD: &str = "open sesame";
const METHOD: &str = "REGISTER";
const ADDRESS: &str = "sip:carrier.example";
const CNONCE: &str = "0123456789abcdef";
const BRANCH: &str = "z9hG4bK00000001-00000001-0123456789abcdef";

const CHALLENGE: &str = "Digest realm=\"carrier.example\", \
                         nonce=\"0123456789abcdef0123456789abcdef\", qop=\"auth\", algorithm=MD5";
const CHALLENGE_SHA_256: &str = "Digest realm=\"carrier.example\", \
                                 nonce=\"0123456789abcdef0123456789abcdef\", qop=\"auth\", \
                                 algorithm=SHA-256";

const REGISTER: &str = "\
REGISTER sip:carrier.example SIP/2.0\r
Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK00000001-00000001-0123456789abcdef;rport\r
Max-Forwards: 70\r
From: <sip:4930123456@carrier.example>;tag=0123456789abcdef\r
To: <sip:4930123456@carrier.example>\r
Call-ID: 0123456789abcdef0123456789abcdef\r
CSeq: 1 REGISTER\r
Contact: <sip:4930123456@192.0.2.20:5060;regent=0123456789abcdef>\r
Expires: 180\r
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE\r
User-Agent: regent/0.1.0\r
Content-Length: 0\r
\r
";

const UNAUTHORIZED: &str = "\
SIP/2.0 401 Unauthorized\r
Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK00000001-00000001-0123456789abcdef;rport=5060\
;received=192.0.2.20\r
From: <sip:4930123456@carrier.example>;tag=0123456789abcdef\r
To: <sip:4930123456@carrier.example>;tag=reg-1\r
Call-ID: 0123456789abcdef0123456789abcdef\r
CSeq: 1 REGISTER\r
WWW-Authenticate: Digest realm=\"carrier.example\", nonce=\"0123456789abcdef0123456789abcdef\", \
qop=\"auth\", algorithm=MD5\r
Server: registrar\r
Content-Length: 0\r
\r
";

const OK: &str = "\
SIP/2.0 200 OK\r
Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK00000001-00000001-0123456789abcdef;rport=5060\
;received=192.0.2.20\r
From: <sip:4930123456@carrier.example>;tag=0123456789abcdef\r
To: <sip:4930123456@carrier.example>;tag=reg-1\r
Call-ID: 0123456789abcdef0123456789abcdef\r
CSeq: 2 REGISTER\r
Contact: <sip:4930123456@192.0.2.20:5060;regent=0123456789abcdef>;expires=180, \
<sip:4930123456@192.0.2.30:5060>;expires=3000;q=0.5\r
Path: <sip:edge.carrier.example;lr>\r
Service-Route: <sip:core.carrier.example;lr>\r
P-Associated-URI: <sip:4930123456@carrier.example>, <tel:+4930123456>\r
Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, PRACK, INFO, REFER, NOTIFY, MESSAGE\r
Supported: path, outbound, gruu\r
Date: Sun, 22 Nov 2026 09:00:00 GMT\r
Server: registrar\r
Content-Length: 0\r
\r
";
