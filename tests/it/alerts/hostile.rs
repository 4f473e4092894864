//! Mail servers and webhooks that mean no good: they never stop talking, or answer with what they
//! should not.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use libtest_mimic::Trial;

use super::mail::free_port;
use super::{World, mail_table};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_mail_server_that_never_stops_talking_is_left,
        a_webhook_that_never_stops_talking_is_left,
        an_answer_is_shown_in_one_harmless_line,
    ]
}

/// What a server does with whoever calls. It ends with the trials.
fn serve(port: u16, talk: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) {
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let talk = Arc::new(talk);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let talk = Arc::clone(&talk);
            // Whoever hangs up has done what is wanted of him.
            thread::spawn(move || drop(talk(&mut stream)));
        }
    });
}

/// More than anybody may take, said as `pieces` are.
fn flood(stream: &mut TcpStream, piece: &[u8], said: &AtomicU64) -> std::io::Result<()> {
    let block = piece.repeat(65_536 / piece.len());
    while said.load(Ordering::Relaxed) < TOO_MUCH {
        stream.write_all(&block)?;
        said.fetch_add(block.len() as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// A server that is not left after so many bytes is listened to for ever.
const TOO_MUCH: u64 = 1 << 30;

/// What stands in the sockets' buffers of both sides, and what the program may take, is far less.
const ENOUGH: u64 = 64 << 20;

// rule T3
fn a_mail_server_that_never_stops_talking_is_left() {
    let greeting = b"220 mail.test ESMTP\r\n";
    for (before, piece) in [
        (&b""[..], &b"x"[..]),
        (
            b"",
            b"220-and this is not all that there is to be said here, by far\r\n",
        ),
        (
            greeting,
            b"250-XTHING that nobody has ever heard of, with many parameters\r\n",
        ),
        (greeting, b"x"),
    ] {
        let (port, said) = (free_port(), Arc::new(AtomicU64::new(0)));
        let own = Arc::clone(&said);
        serve(port, move |stream| {
            stream.write_all(before)?;
            flood(stream, piece, &own)
        });
        let world = World::new(&mail_table(port, "encryption = \"none\""));
        let daemon = world.start();
        let before = daemon.resident_kib();
        let told = daemon.tell(&["alerts", "test"]);
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.out.contains("operations: mail to"), "{told:?}");
        let said = said.load(Ordering::Relaxed);
        assert!(said < ENOUGH, "{said} bytes were listened to");
        let grown = daemon.resident_kib().saturating_sub(before);
        assert!(grown < 16 << 10, "it grew by {grown} KiB");
    }
}

// rule T3
fn a_webhook_that_never_stops_talking_is_left() {
    for before in ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 500 No\r\n\r\n", ""] {
        let (port, said) = (free_port(), Arc::new(AtomicU64::new(0)));
        let own = Arc::clone(&said);
        serve(port, move |stream| {
            // The request is heard first, else nobody listens to the answer.
            stream.read_exact(&mut [0; 64])?;
            stream.write_all(before.as_bytes())?;
            flood(stream, b"x", &own)
        });
        let world = World::new(&format!(
            "[[alert]]\nname = \"hook\"\nwebhook = \"http://127.0.0.1:{port}/\"\n"
        ));
        let daemon = world.start();
        let before = daemon.resident_kib();
        let told = daemon.tell(&["alerts", "test"]);
        assert_eq!(told.code, Some(1), "{told:?}");
        let said = said.load(Ordering::Relaxed);
        assert!(said < ENOUGH, "{said} bytes were listened to");
        let grown = daemon.resident_kib().saturating_sub(before);
        assert!(grown < 16 << 10, "it grew by {grown} KiB");
    }
}

// rule T3
fn an_answer_is_shown_in_one_harmless_line() {
    let port = free_port();
    serve(port, move |stream| {
        stream.write_all(b"554-no \x1b[31mred\x07\r\n554 ")?;
        stream.write_all(&b"y".repeat(900))?;
        stream.write_all(b"\r\n")?;
        stream.read(&mut [0; 64]).map(drop)
    });
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    let daemon = world.start();
    let told = daemon.tell(&["alerts", "test"]);
    assert_eq!(told.code, Some(1), "{told:?}");
    assert_eq!(told.out.lines().count(), 1, "{told:?}");
    assert!(told.out.contains("red"), "{told:?}");
    assert!(!told.out.contains(['\u{1b}', '\u{7}']), "{told:?}");
    assert!(told.out.chars().count() < 500, "{told:?}");
}
