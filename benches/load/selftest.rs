//! The bench tests itself: what judges others must be right about a client that we know.
//!
//! `cargo test` runs this in place of the bench. A floor makes its registrations against a
//! responder and the counts must be exact; a client by hand then sends what is right, sends it
//! again, and sends what is wrong.

use std::{
    net::{Ipv4Addr, UdpSocket},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};

use crate::{
    child::{self, Responder},
    queries,
    report::say,
    responder::Settings,
    verify::{self, Credentials},
};

/// Runs all of it, in well under a second.
pub(crate) fn run() -> Result<()> {
    published_vector().context("the digest of RFC 2617 §3.5")?;
    floor_is_counted().context("counting the floor")?;
    queries::self_test().context("how late timers are")?;
    wrong_credentials_are_found().context("checking credentials")?;
    say("load bench: its own test passed; `cargo bench --bench load` runs it");
    Ok(())
}

/// The example of RFC 2617 §3.5.
fn published_vector() -> Result<()> {
    let value = "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", \
                 nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", \
                 qop=auth, nc=00000001, cnonce=\"0a4f113b\", \
                 response=\"6629fae49393a05397450978507c4ef1\", \
                 opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
    let given = Credentials::read(value).context("they are not read")?;
    let expected = given.response("Circle Of Life", "GET");
    ensure!(given.response == expected, "the response is {expected}");
    Ok(())
}

fn floor_is_counted() -> Result<()> {
    const REGISTRATIONS: usize = 300;
    let settings = Settings {
        accounts: REGISTRATIONS,
        ..Settings::default()
    };
    let mut responder = Responder::start(settings)?;
    for (refresh, requests) in [(false, 600), (true, 300)] {
        responder.reset()?;
        child::floor(&responder, REGISTRATIONS, refresh, None)?;
        let counted = responder.report()?;
        for (name, wanted) in [
            ("registered", 300),
            ("malformed", 0),
            ("initial.requests", requests),
            ("initial.challenged", requests - 300),
            ("initial.granted", 300),
            ("initial.again", 0),
            ("initial.min", requests / 300),
            ("initial.max", requests / 300),
            ("refresh.requests", 0),
        ] {
            let found = counted.value(name)?;
            ensure!(found == wanted, "{name} is {found}, not {wanted}");
        }
    }
    responder.quit()
}

fn wrong_credentials_are_found() -> Result<()> {
    let settings = Settings {
        accounts: 1,
        grant: Some(77),
        verify: true,
    };
    let mut responder = Responder::start(settings)?;
    let mut client = Client::new(responder.port)?;
    let challenge = client.ask(None)?;
    let nonce = challenge
        .split("nonce=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let nonce = nonce.context("there is no nonce")?.to_owned();
    let password = verify::password("alice");
    for (count, password, status, what) in [
        ("00000001", password.as_str(), "200", "the right password"),
        ("00000002", "guess", "403", "a wrong password"),
        ("00000002", password.as_str(), "200", "a refresh"),
        ("00000002", password.as_str(), "403", "a count used before"),
    ] {
        let answer = client.ask(Some((&nonce, count, password)))?;
        ensure!(
            answer.starts_with(&format!("SIP/2.0 {status} ")),
            "{what}: {answer}"
        );
        let granted = answer.contains("Contact: <sip:alice@127.0.0.1>;expires=77;q=1\r\n");
        ensure!(granted == (status == "200"), "{what}: {answer}");
    }
    let answer = client.ask(Some(("made-up", "00000001", &password)))?;
    ensure!(
        answer.contains("stale=true"),
        "a nonce that nobody gave: {answer}"
    );
    client.again()?;
    let counted = responder.report()?;
    for (name, wanted) in [
        ("wrong_digest", 1),
        ("wrong_count", 1),
        ("wrong_nonce", 1),
        ("initial.requests", 2),
        ("initial.again", 0),
        ("refresh.requests", 4),
        ("refresh.granted", 1),
        ("refresh.refused", 2),
        ("refresh.challenged", 1),
        ("refresh.again", 1),
    ] {
        let found = counted.value(name)?;
        ensure!(found == wanted, "{name} is {found}, not {wanted}");
    }
    responder.quit()
}

/// A client of one Account that does as it is told.
struct Client {
    socket: UdpSocket,
    sequence: u32,
    last: String,
}

impl Client {
    fn new(port: u16) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect((Ipv4Addr::LOCALHOST, port))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        Ok(Self {
            socket,
            sequence: 0,
            last: String::new(),
        })
    }

    /// Sends a new REGISTER, with nonce, count and password if there are any.
    fn ask(&mut self, secrets: Option<(&str, &str, &str)>) -> Result<String> {
        self.sequence += 1;
        let number = self.sequence;
        let credentials = secrets.map_or_else(String::new, |(nonce, count, password)| {
            let given = Credentials {
                username: "alice",
                realm: crate::wire::REALM,
                nonce,
                uri: "sip:x.example",
                cnonce: "c0ffee",
                qop: "auth",
                nc: count,
                ..Credentials::default()
            };
            let response = given.response(password, "REGISTER");
            format!(
                "authorization: Digest username=\"alice\", realm=\"{}\", nonce=\"{nonce}\",\
                 uri=\"sip:x.example\" , response=\"{response}\", algorithm=MD5, \
                 cnonce=\"c0ffee\", qop=auth, nc={count}\r\n",
                crate::wire::REALM
            )
        });
        self.last = format!(
            "REGISTER sip:x.example SIP/2.0\r\n\
             v: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK-{number}\r\n\
             From: <sip:alice@x.example>;tag=a\r\nt: <sip:alice@x.example>\r\n\
             i: one\r\nCSeq: {number} REGISTER\r\n\
             m: <sip:alice@127.0.0.1>;expires=60;q=1\r\n{credentials}Content-Length: 0\r\n\r\n"
        );
        self.again()
    }

    /// Sends the last one once more.
    fn again(&self) -> Result<String> {
        self.socket.send(self.last.as_bytes())?;
        let mut answer = vec![0; 4096];
        let length = self
            .socket
            .recv(&mut answer)
            .context("there was no answer")?;
        answer.truncate(length);
        Ok(String::from_utf8(answer)?)
    }
}
