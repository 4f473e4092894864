//! The whole story in real time: a minute of registration, the loss, its three checks, the mail,
//! and the mail that it is over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::mail::{MailServer, Protection, free_port, mails};
use super::{list, mail_table};
use crate::harness::{
    AIOSMTPD, Config, Daemon, LONG, Manner, Registrar, Sandbox, answer, holds_for, read_text, usual,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[AIOSMTPD, LONG];
        the_whole_story_in_its_own_time,
        the_whole_story_without_a_state,
    ]
}

// rules T2, T3
fn the_whole_story_in_its_own_time() {
    play(&[]);
}

// rules T2, T3
fn the_whole_story_without_a_state() {
    play(&["--without-state"]);
}

fn play(arguments: &[&str]) {
    let sandbox = Sandbox::new();
    let port = free_port();
    let server = MailServer::start(&sandbox, port, Protection::NONE);
    let is_refusing = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&is_refusing);
    // Short bindings, so that a refusal is soon noticed.
    let registrar = Registrar::start(move |message| match refuses.load(Ordering::Relaxed) {
        true => vec![answer(message, "404 Not Found", "Server: unkind/1.0\r\n")],
        false => usual(message, 10),
    });
    let file = Config::new(registrar.address()).write(&sandbox);
    let table = mail_table(port, "encryption = \"none\"");
    let file = {
        let text = format!("{}\n{table}", read_text(&file));
        sandbox.write("regent.toml", &text)
    };
    let manner = Manner {
        arguments,
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    daemon.wait_registered(Duration::from_secs(10));
    holds_for(Duration::from_secs(62), "it is registered", || {
        daemon.status().is_registered()
    });
    is_refusing.store(true, Ordering::Relaxed);
    daemon.wait_status(Duration::from_secs(15), "the loss", |status| {
        !status.is_registered()
    });
    let lost = Instant::now();
    holds_for(Duration::from_secs(85), "nobody is told", || {
        mails(&sandbox).is_empty() && list(&daemon)["alerts"][0].is_null()
    });
    server.wait_mails(Duration::from_secs(20), 1);
    let told = lost.elapsed();
    assert!((88..100).contains(&told.as_secs()), "{told:?}");
    let alert = &list(&daemon)["alerts"][0];
    assert_eq!(alert["label"], Config::ACCOUNT);
    assert_eq!(alert["server"], "unkind/1.0");
    assert_eq!(alert["source_ip"], "127.0.0.1");
    is_refusing.store(false, Ordering::Relaxed);
    let said = daemon.tell(&["register", Config::ACCOUNT]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mails = server.wait_mails(Duration::from_secs(20), 2);
    let subjects = [&mails[0], &mails[1]].map(|mail| mail.header("Subject"));
    assert!(
        subjects[0].contains("registration lost: main"),
        "{subjects:?}"
    );
    assert!(
        subjects[1].contains("registered again: main"),
        "{subjects:?}"
    );
    daemon.stop();
    assert_eq!(super::mail::mails(&sandbox).len(), 2);
}
