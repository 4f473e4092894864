//! Bodies of the fuzz targets, as ordinary functions: bytes in, panic when an invariant of this
//! module is broken.
//!
//! `fuzz/` calls them with what it invents, the test suite with the committed corpus and with
//! mutations of it.

use std::borrow::Cow;
use std::net::{Ipv4Addr, SocketAddr};

use super::address::NameAddr;
use super::digest::{
    Algorithm, Challenge, Challenger, Choice, Credentials, Qop, Session, challenges, choose,
};
use super::fields::Contacts;
use super::framing::{Frame, FrameError, Framer};
use super::message::{MAX_MESSAGE, Message};
use super::name::Name;
use super::reginfo::{Extent, MAX_ELEMENTS, RegInfo, RegistrationState};
use super::start::StartLine;
use super::uri::{Uri, escape_user, unescape};
use super::write::reply;

/// Reads every part of a message, checks that what is borrowed lies inside the bytes, answers it,
/// and cuts it out of a stream.
pub fn fuzz_message(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else {
        return;
    };
    read_all(&message, bytes);
    if message.is_request() && message.check().is_ok() {
        answer(&message);
    }
    if message.raw(Name::ContentLength).next().is_some() {
        cut(&message, bytes);
    }
}

/// Reads a URI, compares it with itself, and takes it through an address.
pub fn fuzz_uri(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    assert_eq!(unescape(&escape_user(text)), text);
    if let Ok(address) = NameAddr::parse(text) {
        read_address(&address, bytes);
    }
    let Ok(uri) = Uri::parse(text) else {
        return;
    };
    read_uri(&uri, bytes);
    assert_eq!(uri.as_str(), text);
    assert!(uri.equivalent(&uri));
    let bracketed = format!("<{text}>;tag=t");
    let address = NameAddr::parse(&bracketed).expect("a URI in brackets is an address");
    assert!(address.uri.equivalent(&uri));
    assert_eq!(address.tag(), Some("t"));
}

/// Cuts a stream into frames, in chunks of several sizes: the frames are the same, and memory stays
/// in its limit.
pub fn fuzz_framing(bytes: &[u8]) {
    let whole = frames(bytes, bytes.len().max(1));
    for chunk in [1, 2, 7, 64] {
        assert_eq!(frames(bytes, chunk), whole, "in chunks of {chunk}");
    }
}

/// Reads a document about registrations, writes what was read, and reads the same again.
pub fn fuzz_reginfo(bytes: &[u8]) {
    let Ok(info) = RegInfo::parse(bytes) else {
        return;
    };
    let contacts = info.contacts().count();
    assert!(contacts + info.registrations.len() < MAX_ELEMENTS);
    for (_, contact) in info.contacts() {
        assert!(!contact.uri.trim().is_empty());
    }
    let text = reginfo_text(&info);
    // Escapes make it longer, and perhaps too long.
    if text.len() <= super::reginfo::MAX_DOCUMENT {
        assert_eq!(RegInfo::parse(text.as_bytes()), Ok(info));
    }
}

fn reginfo_text(info: &RegInfo) -> String {
    let state = match info.extent {
        Extent::Full => "full",
        Extent::Partial => "partial",
    };
    let mut text = format!(
        "<reginfo xmlns='urn:ietf:params:xml:ns:reginfo' version='{}' state='{state}'>",
        info.version
    );
    for registration in &info.registrations {
        let state = match registration.state {
            RegistrationState::Init => "init",
            RegistrationState::Active => "active",
            RegistrationState::Terminated => "terminated",
        };
        let (aor, id) = (escaped(&registration.aor), escaped(&registration.id));
        text += &format!("<registration aor='{aor}' id='{id}' state='{state}'>");
        for contact in &registration.contacts {
            let state = if contact.is_active {
                "active"
            } else {
                "terminated"
            };
            // The names of the variants are those of the events, and "other" is none of these.
            let event = format!("{:?}", contact.event).to_ascii_lowercase();
            let id = escaped(&contact.id);
            text += &format!("<contact id='{id}' state='{state}' event='{event}'");
            for (name, number) in [
                ("expires", contact.expires),
                ("retry-after", contact.retry_after),
                ("duration-registered", contact.duration_registered),
            ] {
                if let Some(number) = number {
                    text += &format!(" {name}='{number}'");
                }
            }
            text += &format!("><uri>{}</uri></contact>", escaped(&contact.uri));
        }
        text += "</registration>";
    }
    text + "</reginfo>"
}

/// Text with everything that could mean something in XML written by number.
fn escaped(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "@:;=.-+ ".contains(c);
    let escape = |c: char| match c {
        plain if is_plain(plain) => plain.to_string(),
        other => format!("&#{};", u32::from(other)),
    };
    text.chars().map(escape).collect()
}

/// Answers every challenge that a line holds, twice; then takes the last line for what the server
/// says of the answer, and answers once more. What we say is one line, reads back as what was
/// asked, and proves the password.
pub fn fuzz_challenge(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.split('\n').collect();
    let info = lines.last().copied().unwrap_or_default();
    for line in &lines {
        if let Some(read) = Credentials::parse(line) {
            let _proof = read.proves(USER, PASSWORD, METHOD, BODY);
        }
        for challenge in challenges(line) {
            answer_challenge(challenge, info);
        }
    }
    for minimum in Algorithm::ALL {
        let choices = choose(&lines, minimum);
        assert!(!choices.is_empty());
        let is_known = |choice: &Choice| match choice {
            Choice::Chosen(challenge) => challenge.algorithm >= minimum,
            Choice::BelowMinimum(algorithm) => *algorithm < minimum,
            Choice::NoneUsable => choices.len() == 1,
        };
        assert!(choices.iter().all(is_known), "{minimum}: {choices:?}");
    }
}

fn answer_challenge(challenge: Challenge, info: &str) {
    let mut session = Session::new(Challenger::Origin, challenge.clone());
    for uses in 1..=2 {
        let mut out = String::new();
        session.answer(&mut out, USER, PASSWORD, METHOD, ADDRESS, BODY, "c\\");
        assert!(!out.contains(is_control), "{out:?}");
        let read = Credentials::parse(&out).expect(&out);
        assert_eq!(read.realm, &*challenge.realm);
        assert_eq!(read.nonce, &*challenge.nonce);
        assert_eq!(read.opaque, challenge.opaque.as_deref());
        assert_eq!(read.algorithm, challenge.algorithm);
        assert_eq!(read.qop, challenge.qop);
        assert_eq!(read.userhash, challenge.userhash);
        assert_eq!(read.nc, (read.qop != Qop::None).then_some(uses));
        assert!(read.proves(USER, PASSWORD, METHOD, BODY), "{out:?}");
        assert!(!read.proves(USER, "another", METHOD, BODY), "{out:?}");
    }
    session.authentication_info(info, USER, PASSWORD, ADDRESS, b"");
    let mut out = String::new();
    session.answer(&mut out, USER, PASSWORD, METHOD, ADDRESS, BODY, "c");
    assert!(!out.contains(is_control), "{out:?}");
    let read = Credentials::parse(&out).expect(&out);
    assert_eq!(read.nonce, session.nonce());
    assert_eq!(read.realm, &*challenge.realm);
    // The key of a session outlives its first nonce, which does not stand here any more.
    let is_provable = !read.algorithm.is_session() || *read.nonce == *challenge.nonce;
    assert!(
        !is_provable || read.proves(USER, PASSWORD, METHOD, BODY),
        "{out:?}"
    );
}

/// What would end a quoted string or its line.
fn is_control(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

fn read_all(message: &Message<'_>, bytes: &[u8]) {
    match message.start() {
        StartLine::Request { method, uri } => {
            inside(bytes, method.as_bytes());
            inside(bytes, uri.as_bytes());
        }
        StartLine::Status { reason, .. } => inside(bytes, reason),
    }
    inside(bytes, message.body());
    for header in message.headers() {
        inside(bytes, header.text.as_bytes());
        inside(bytes, header.raw);
        one_line(header.value(), bytes);
        for item in message.list(header.name) {
            assert!(!item.is_empty());
            one_line(item, bytes);
        }
    }
    if let Ok(via) = message.via() {
        assert!(message.via_count() > 0);
        inside(bytes, via.transport.as_bytes());
        inside(bytes, via.host.as_bytes());
        inside(bytes, via.branch.unwrap_or_default().as_bytes());
        assert_eq!(via.branch, via.params.value("branch"));
        let _read = (via.received(), via.rport());
    }
    if let Ok(cseq) = message.cseq() {
        inside(bytes, cseq.method.as_bytes());
    }
    inside(bytes, message.call_id().unwrap_or_default().as_bytes());
    for address in [message.from(), message.to()].into_iter().flatten() {
        read_address(&address, bytes);
    }
    let good_contacts = message.contact_items().flatten().count();
    if let Ok(Contacts::List(contacts)) = message.contacts() {
        assert_eq!(contacts.len(), good_contacts);
        for one in &contacts {
            read_address(one, bytes);
            for other in &contacts {
                let same = one.uri.equivalent(&other.uri);
                assert_eq!(same, other.uri.equivalent(&one.uri));
            }
        }
    }
    if let Ok(uri) = message.request_uri() {
        read_uri(&uri, bytes);
    }
    let _numbers = (message.expires(), message.min_expires(), message.date());
    let _retry = message.retry_after();
    let _debug = format!("{message:?}");
}

fn read_address(address: &NameAddr<'_>, bytes: &[u8]) {
    if let Some(Cow::Borrowed(display)) = address.display {
        inside(bytes, display.as_bytes());
    }
    read_uri(&address.uri, bytes);
    for (name, value) in address.params.iter() {
        inside(bytes, name.as_bytes());
        inside(bytes, value.unwrap_or_default().as_bytes());
        assert!(address.params.get(name).is_some());
    }
    let _read = (address.tag(), address.expires(), address.q());
}

fn read_uri(uri: &Uri<'_>, bytes: &[u8]) {
    for part in [uri.user, uri.password, Some(uri.host), uri.headers] {
        let part = part.unwrap_or_default();
        inside(bytes, part.as_bytes());
        assert!(part.bytes().all(|c| c > b' ' && c != 0x7f));
    }
    for (name, value) in uri.params.iter() {
        inside(bytes, name.as_bytes());
        inside(bytes, value.unwrap_or_default().as_bytes());
    }
    assert!(uri.equivalent(uri));
    let _read = uri.address();
}

fn answer(message: &Message<'_>) {
    let from = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 77), 7777));
    let mut out = Vec::new();
    reply(&mut out, message, 200, "OK", "ours", from);
    if out.len() > MAX_MESSAGE {
        return;
    }
    let answer = Message::parse(&out).expect("an answer can be read");
    assert_eq!(answer.check(), Ok(()));
    assert_eq!(answer.code(), Some(200));
    assert_eq!(answer.call_id(), message.call_id());
    assert_eq!(answer.cseq(), message.cseq());
    assert_eq!(answer.via_count(), message.via_count());
    let (Ok(ours), Ok(theirs)) = (answer.via(), message.via()) else {
        panic!("the topmost Via is lost");
    };
    assert_eq!(ours.host, theirs.host);
    assert_eq!(ours.branch, theirs.branch);
    assert_eq!(ours.rport().is_some(), theirs.rport().is_some());
    assert!(answer.to().is_ok_and(|to| to.params.get("tag").is_some()));
    assert!(answer.body().is_empty());
    let lines = message.raw(Name::Via).count();
    assert_eq!(answer.headers().count(), lines + 5, "{answer:?}");
}

/// A stream with this one message yields it again.
fn cut(message: &Message<'_>, bytes: &[u8]) {
    let mut framer = Framer::new();
    assert_eq!(framer.feed(bytes), bytes.len());
    let frame = loop {
        match framer.next() {
            Some(Ok(Frame::Message(frame))) => break frame,
            Some(Ok(Frame::Ping | Frame::Pong)) => {}
            // Between messages a stream allows line ends of two kinds, a datagram any mixture.
            Some(Err(FrameError::Garbage)) if bytes.starts_with(b"\r") => return,
            other => panic!("{other:?} for {message:?}"),
        }
    };
    let again = Message::parse(frame).expect("a frame is a message");
    assert_eq!(again.start(), message.start());
    assert_eq!(again.headers().count(), message.headers().count());
    assert_eq!(again.body(), message.body());
}

fn frames(bytes: &[u8], chunk: usize) -> Vec<String> {
    let limit = 2_048;
    let mut framer = Framer::with_limit(limit);
    let mut seen = Vec::new();
    for chunk in bytes.chunks(chunk) {
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = framer.feed(rest);
            assert!(taken > 0, "no progress");
            rest = rest.get(taken..).unwrap_or_default();
            while let Some(frame) = framer.next() {
                seen.push(format!("{frame:?}"));
            }
            assert!(framer.held() <= limit);
        }
    }
    seen
}

fn inside(whole: &[u8], part: &[u8]) {
    let (whole, range) = (whole.as_ptr_range(), part.as_ptr_range());
    assert!(
        part.is_empty() || (whole.start <= range.start && range.end <= whole.end),
        "outside the input"
    );
}

/// Header values are handed out on one line, trimmed.
fn one_line(value: Cow<'_, str>, bytes: &[u8]) {
    assert!(!value.contains(['\r', '\n']));
    assert_eq!(value.trim_matches([' ', '\t']), value.as_ref());
    if let Cow::Borrowed(value) = value {
        inside(bytes, value.as_bytes());
    }
}

/// Whose credentials are asked for; the name needs escapes.
const USER: &str = "u\"ü";
const PASSWORD: &str = "p";
const METHOD: &str = "REGISTER";
const ADDRESS: &str = "sip:r";
const BODY: &[u8] = b"b";
