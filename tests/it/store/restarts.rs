//! Restarts in order: everybody goes on, and nobody says a word before it is due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use regent::effect::{Record, StoredBinding};
use regent::sim::Behaviour;
use regent::store::{Changes, Database, Store as _};

use super::left_in;
use crate::harness::{
    Config, Daemon, LONG, Many, Registrar, SOON, Sandbox, Served, User, free_udp_address,
    holds_for, regent, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        after_a_stop_a_thousand_accounts_go_on_in_silence,
        a_stop_leaves_the_binding_and_the_next_run_shows_since_when_it_stands,
        another_address_of_record_begins_anew,
        without_state_a_stop_removes_the_binding,
        without_state_the_next_run_goes_on_with_nothing,
        an_operators_unregister_holds_over_a_kill,
        an_account_that_is_gone_is_forgotten,
    ];
    trials.extend(trials![[LONG];
        after_a_stop_ten_thousand_accounts_go_on_in_silence,
        a_hundred_thousand_records_are_read_at_once,
    ]);
    trials
}

fn after_a_stop_a_thousand_accounts_go_on_in_silence() {
    restart(1_000);
}

fn after_a_stop_ten_thousand_accounts_go_on_in_silence() {
    restart(10_000);
}

// rules L7, L8
fn restart(accounts: usize) {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let port = free_udp_address().port();
    let text = Many::new(accounts, served.address()).text();
    let text = text.replace("udp_port = 0", &format!("udp_port = {port}"));
    let text = text.replace("time_secs = 60", "time_secs = 3600");
    let file = sandbox.write("regent.toml", &text);
    let daemon = Daemon::start_with(&sandbox, &file);
    daemon.wait_count(Duration::from_secs(60), accounts);
    let log = daemon.stop_within(Duration::from_secs(20));
    let left = format!("stopped; the next run goes on with the bindings left left={accounts}");
    assert!(log.contains(&left), "{log}");
    let counts = || served.registrar().counts();
    let heard = counts().registers;
    assert_eq!(heard, 2 * accounts as u64);
    assert_eq!(counts().removed, 0);
    let silence = |daemon: &Daemon<'_>| {
        daemon.wait_count(Duration::from_secs(20), accounts);
        holds_for(Duration::from_millis(500), "nobody says a word", || {
            counts().registers == heard
        });
    };
    let second = Daemon::start_with(&sandbox, &file);
    silence(&second);
    // Nothing has changed in that run but its limits, so a kill changes nothing either.
    second.kill();
    let third = Daemon::start_with(&sandbox, &file);
    silence(&third);
    third.stop_within(Duration::from_secs(20));
    assert_eq!(left_in(&sandbox.path("state")).len(), accounts);
}

// rules L7, L8, T1
fn a_stop_leaves_the_binding_and_the_next_run_shows_since_when_it_stands() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let config = Config::new(registrar.address());
    let first = Daemon::start(&sandbox, &config);
    let before = first.wait_registered(SOON);
    first.stop();
    let second = Daemon::start(&sandbox, &config);
    let after = second.status();
    assert!(after.is_registered(), "{after}");
    for key in ["registered_since", "binding_until", "registrar", "granted"] {
        assert_eq!(before.value(key), after.value(key), "{key}");
    }
    assert_eq!(registrar.heard().0.len(), 2);
    // A refresh goes on where the CSeq stood, with the Call-ID that stood.
    assert_eq!(second.tell(&["refresh", Config::ACCOUNT]).code, Some(0));
    let heard = registrar.heard();
    let cseqs: Vec<u32> = heard.0.iter().map(|message| message.cseq()).collect();
    assert_eq!(cseqs, [1, 2, 3, 4]);
    let call_ids = heard.0.iter().map(|message| message.header("Call-ID"));
    assert!(
        call_ids
            .into_iter()
            .all(|own| own == heard.0[0].header("Call-ID"))
    );
    second.stop();
}

/// What a registrar knows is of the address that was configured before.
fn another_address_of_record_begins_anew() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let config = Config::new(registrar.address());
    let first = Daemon::start(&sandbox, &config);
    first.wait_registered(SOON);
    first.stop();
    let file = config.write(&sandbox);
    let text = std::fs::read_to_string(&file).expect("our own file");
    let other = text.replace(Config::CONTACT_USER, "4930999999");
    let second = Daemon::start_text(&sandbox, &other);
    second.wait_registered(SOON);
    let heard = registrar.heard();
    let last = heard.0.last().expect("it was heard");
    assert!(last.header("To").contains("4930999999"));
    assert_ne!(last.header("Call-ID"), heard.0[0].header("Call-ID"));
    second.stop();
}

// rule L7
fn without_state_a_stop_removes_the_binding() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let config = Config::new(registrar.address());
    let file = config.write(&sandbox);
    let manner = crate::harness::Manner {
        arguments: &["--without-state"],
        ..Default::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    daemon.wait_registered(SOON);
    let status = daemon.tell(&["status"]);
    let line = "nothing is kept for the next run: --without-state was given\n";
    assert!(status.out.ends_with(line), "{status:?}");
    let events = daemon.tell(&["events"]);
    let none = "error: the daemon keeps no history\nhint: `regent status` says why\n";
    assert_eq!((events.code, &*events.err), (Some(1), none));
    assert!(
        daemon
            .log()
            .contains("WARN nothing is kept for the next run")
    );
    daemon.stop();
    assert_eq!(
        registrar.heard().0.last().map(|last| last.expires()),
        Some(0)
    );
    assert!(!sandbox.path("state").exists());
}

// rule L7
fn without_state_the_next_run_goes_on_with_nothing() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let file = Config::new(registrar.address()).write(&sandbox);
    let manner = crate::harness::Manner {
        arguments: &["--without-state"],
        ..Default::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    daemon.wait_registered(SOON);
    drop(registrar);
    let log = daemon.stop_within(SOON);
    let last = log.lines().last().unwrap_or_default();
    let wanted = "WARN stopped, with bindings left at registrars";
    assert!(last.contains(wanted) && last.contains("left=1"), "{log}");
}

// rules I8, L8
fn an_operators_unregister_holds_over_a_kill() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let config = Config::new(registrar.address());
    let first = Daemon::start(&sandbox, &config);
    first.wait_registered(SOON);
    assert_eq!(first.tell(&["unregister", Config::ACCOUNT]).code, Some(0));
    let state = sandbox.path("state");
    // What no REGISTER waits for is saved within 100 ms; the history says when that was.
    wait_until(SOON, "the word to be on the disk", || {
        let path = state.join("regent.db");
        let connection = rusqlite::Connection::open(path).expect("a database");
        let sql = "SELECT unregistered FROM account";
        connection.query_row(sql, [], |row| row.get(0)) == Ok(true)
    });
    first.kill();
    let heard = registrar.heard().0.len();
    let second = Daemon::start(&sandbox, &config);
    assert_eq!(second.status().phase(), "unregistered");
    holds_for(Duration::from_millis(200), "it stays away", || {
        registrar.heard().0.len() == heard
    });
    assert_eq!(second.tell(&["register", Config::ACCOUNT]).code, Some(0));
    second.stop();
}

/// A reload that removes an Account removes what was kept of it.
fn an_account_that_is_gone_is_forgotten() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = |accounts| Many::new(accounts, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text(3));
    daemon.wait_count(SOON, 3);
    sandbox.write("regent.toml", &text(2));
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until(SOON, "its un-REGISTER", || {
        served.registrar().counts().removed == 1
    });
    let events = daemon.tell(&["events", "--kind", "reload"]);
    assert!(
        events.out.contains("1 removed, 2 as before, by user"),
        "{events:?}"
    );
    daemon.stop();
    let left: Vec<_> = left_in(&sandbox.path("state"))
        .into_iter()
        .map(|it| it.account)
        .collect();
    assert_eq!(left, ["a0", "a1"].map(Arc::from));
    let said = regent(
        &sandbox,
        User::Same,
        &["events", "a2", "--state-directory", "state"],
    );
    assert!(
        said.out.contains("a2  registered"),
        "its history stays: {said:?}"
    );
}

/// What a start of many Accounts waits for. The bound is generous: nothing here is optimised.
fn a_hundred_thousand_records_are_read_at_once() {
    const RECORDS: usize = 100_000;
    let sandbox = Sandbox::new();
    let registrar = "127.0.0.1:5060".parse().expect("an address");
    let record = |number: usize| Record {
        account: format!("a{number:07}").into(),
        aor: format!("sip:c{number:07}@carrier.example").into(),
        epoch: 0,
        call_id: format!("{number:032x}").into(),
        mark: number as u64,
        cseq: 7,
        cseq_limit: 256,
        clean: false,
        binding: Some(StoredBinding {
            registrar,
            granted: 3_600,
            refreshed_unix_ms: 1_795_341_600_000,
            since_unix_ms: 1_795_341_600_000,
            due_unix_ms: 1_795_343_400_000,
            contact: Some(([192, 0, 2, 9], 5060).into()),
        }),
        unregistered: false,
        port: None,
        contact_user: None,
        visits: Vec::new(),
        holds: Vec::new(),
        minima: Vec::new(),
    };
    let changes = Changes {
        records: (0..RECORDS).map(record).collect(),
        ..Changes::default()
    };
    let mut database = Database::open(&sandbox.path("state")).expect("a new state");
    let start = Instant::now();
    database.save(&changes, true).expect("room");
    let saved = start.elapsed();
    drop(database);
    let start = Instant::now();
    let mut database = Database::open(&sandbox.path("state")).expect("a state");
    let records = database.restore().expect("records");
    let restored = start.elapsed();
    eprintln!("{RECORDS} records: {saved:?} to save, {restored:?} to open, check and read");
    assert_eq!(records.len(), RECORDS);
    assert!(restored < Duration::from_secs(4), "{restored:?}");
}
