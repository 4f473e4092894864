//! `kill -9` around the instant at which an alert is raised and its mail leaves: whatever that
//! instant is, one mail comes, and the alert is there.
//!
//! The seed of a kill is its number, which is printed when something is wrong.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use regent::rng::Seed;

use super::mail::{MailServer, Protection, free_port, mails};
use super::{SOON, World, list, mail_table};
use crate::harness::{AIOSMTPD, holds_for, wait_until};

pub(super) fn trials() -> Vec<Trial> {
    trials![[AIOSMTPD]; a_kill_at_any_instant_neither_loses_nor_doubles_a_mail]
}

/// So many kills, at once: each is its own small world.
const KILLS: u64 = 6;

/// A kill comes so long after the alert is raised, at most: the mail is through by then.
const WINDOW: u64 = 60_000;

// rule T3
fn a_kill_at_any_instant_neither_loses_nor_doubles_a_mail() {
    let plays = (0..KILLS).map(|number| (number, thread::spawn(move || play(number))));
    let plays: Vec<_> = plays.collect();
    for (number, play) in plays {
        assert!(play.join().is_ok(), "kill number {number}: see above");
    }
}

fn play(number: u64) {
    let wait = Seed::from_number(number).draw(0, 0).below(WINDOW);
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    let server = MailServer::start(&world.sandbox, port, Protection::NONE);
    world.lose();
    let daemon = world.start();
    wait_until(SOON, "the alert", || daemon.log().contains(" alert "));
    // The instant of the kill is the point, so it is not waited for anything else.
    let raised = Instant::now();
    while raised.elapsed() < Duration::from_micros(wait) {
        thread::yield_now();
    }
    daemon.kill();
    let daemon = world.start();
    // One that was not yet raised for good is checked 30 s after the start.
    server.wait_mails(2 * SOON, 1);
    wait_until(SOON, "nothing that waits", || {
        list(&daemon)["deliveries"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    assert_eq!(list(&daemon)["alerts"].as_array().map(Vec::len), Some(1));
    // Killed between the server's word and our note of it, it goes out again, as the same one.
    let is_one = || {
        let mails = mails(&world.sandbox);
        let ids: BTreeSet<String> = mails.iter().map(|it| it.header("Message-ID")).collect();
        ids.len() == 1 && mails.len() <= 2
    };
    holds_for(Duration::from_secs(1), "it is one mail", is_one);
    daemon.stop();
    assert!(is_one(), "{:?}", mails(&world.sandbox));
}
