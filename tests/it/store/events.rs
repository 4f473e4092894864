//! The history: what has happened, kept over restarts, shown by `regent events`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{
    Config, Daemon, Many, Piped, Registrar, SOON, Sandbox, User, answer, regent, usual, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        what_happened_is_told_over_restarts,
        events_are_followed_as_they_happen,
        without_a_daemon_the_file_is_read,
        a_history_of_many_accounts_is_complete_and_can_be_bounded,
        wrong_questions_are_said,
        a_history_that_is_not_wanted_is_not_kept,
        a_refresh_that_fails_and_is_saved_at_once_is_told_as_it_was,
    ]
}

fn what_happened_is_told_over_restarts() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let config = Config::new(registrar.address());
    let first = Daemon::start(&sandbox, &config);
    first.wait_registered(SOON);
    assert_eq!(first.tell(&["unregister", Config::ACCOUNT]).code, Some(0));
    assert_eq!(first.tell(&["register", "--all"]).code, Some(0));
    first.stop();
    let second = Daemon::start(&sandbox, &config);
    let said = second.tell(&["events"]);
    assert_eq!((said.code, &*said.err), (Some(0), ""), "{said:?}");
    let at = registrar.address();
    let uid = nix::unistd::Uid::effective();
    let granted = format!("{at} granted 600 s");
    let version = env!("CARGO_PKG_VERSION");
    let expected = [
        format!("–     start          regent {version} with 1 Account"),
        format!("main  registered     {granted}"),
        format!("main  order          unregister, by user {uid}"),
        "main  unregistering".to_owned(),
        "main  unregistered".to_owned(),
        format!("–     order          register: all, 1 Account, by user {uid}"),
        "main  registering".to_owned(),
        format!("main  registered     {granted}"),
        "–     stop           1 binding left at registrars".to_owned(),
        "main  registered     goes on with the binding of the run before".to_owned(),
        format!("–     start          regent {version} with 1 Account"),
    ];
    let told: Vec<&str> = said.out.lines().collect();
    assert_eq!(told.len(), expected.len(), "{}", said.out);
    for expected in expected {
        let is_it = |line: &&str| line[22..].starts_with(&expected);
        assert!(
            told.iter().any(is_it),
            "{expected:?} is missing in\n{}",
            said.out
        );
    }
    let json = second.tell(&[
        "events", "--json", "main", "--kind", "order", "--kind", "phase",
    ]);
    let json: Value = serde_json::from_str(&json.out).expect("JSON");
    let events = json["events"].as_array().expect("a list");
    let ids: Vec<_> = events
        .iter()
        .map(|one| one["id"].as_u64().expect("an id"))
        .collect();
    assert!(ids.is_sorted_by(|one, other| one < other), "{ids:?}");
    let one = events
        .iter()
        .find(|one| one["to"] == "registered")
        .expect("it was");
    assert_eq!(
        (&one["from"], &one["code"]),
        (&"registering".into(), &200.into())
    );
    assert_eq!(one["registrar"], at.to_string());
    assert_eq!(
        events.iter().filter(|one| one["kind"] == "order").count(),
        1
    );
    second.stop();
}

fn events_are_followed_as_they_happen() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_registered(SOON);
    let socket = daemon.socket().to_string_lossy().into_owned();
    let arguments = [
        "events", "main", "--follow", "--json", "-n", "1", "--socket", &socket,
    ];
    let mut following = Piped::start(&arguments);
    let event = |line: String| -> Value {
        let event: Value = serde_json::from_str(&line).expect("one line each");
        assert_eq!(event["schema"], 1, "{event}");
        event
    };
    assert_eq!(
        event(following.line())["to"],
        "registered",
        "the newest of the past"
    );
    assert_eq!(daemon.tell(&["unregister", Config::ACCOUNT]).code, Some(0));
    let told = [0; 3].map(|_| event(following.line()));
    assert_eq!(told[0]["text"], "unregister");
    assert_eq!(told[1]["to"], "unregistering");
    assert_eq!(told[2]["to"], "unregistered");
    daemon.stop();
    let (ended, complaint) = following.end();
    assert_eq!(
        (ended.code(), &*complaint),
        (Some(3), "error: the daemon stops\n")
    );
}

fn without_a_daemon_the_file_is_read() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_registered(SOON);
    // A kill leaves the log of the database behind.
    wait_until(SOON, "the event to be written", || {
        let arguments = ["events", "--state-directory", "state"];
        regent(&sandbox, User::Same, &arguments)
            .out
            .contains("registered")
    });
    daemon.kill();
    let named = regent(
        &sandbox,
        User::Same,
        &["events", "--state-directory", "state"],
    );
    assert_eq!((named.code, &*named.err), (Some(0), ""), "{named:?}");
    // STATE_DIRECTORY says where it is, as it did to the daemon.
    let found = regent(&sandbox, User::Same, &["events"]);
    let state = sandbox.path("state");
    let note = format!("no daemon runs; read from {}\n", state.display());
    assert_eq!(
        (&*found.out, &*found.err),
        (&*named.out, &*note),
        "{found:?}"
    );
    let absent = regent(
        &sandbox,
        User::Same,
        &["events", "--state-directory", "nowhere"],
    );
    let expected = "error: there is no nowhere/regent.db\n\
                    hint: say where the state is with --state-directory PATH\n";
    assert_eq!((absent.code, &*absent.err), (Some(1), expected));
}

fn a_history_of_many_accounts_is_complete_and_can_be_bounded() {
    const ACCOUNTS: usize = 2_500;
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let text = Many::new(ACCOUNTS, registrar.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(Duration::from_secs(30), ACCOUNTS);
    let lines = |arguments: &[&str]| {
        let said = daemon.tell(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.out
            .lines()
            .filter(|line| line.contains("registered"))
            .count()
    };
    assert_eq!(
        lines(&["events", "--limit", "0", "--kind", "phase"]),
        ACCOUNTS
    );
    assert_eq!(
        lines(&["events", "--limit", "0", "--since", "1h"]),
        ACCOUNTS
    );
    assert_eq!(lines(&["events", "--until", "1h"]), 0);
    let newest = daemon.tell(&["events"]);
    assert_eq!(newest.out.lines().count(), 1_000);
    assert_eq!(newest.err, "the newest 1000; --limit 0 shows all\n");
    daemon.stop_within(Duration::from_secs(20));
}

fn a_history_that_is_not_wanted_is_not_kept() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(600);
    let text = Many::new(1, registrar.address()).text();
    let text = text.replace("[agent]", "[agent]\nhistory_max_events = 0");
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 1);
    let said = daemon.tell(&["events"]);
    let expected = "error: the daemon keeps no history\nhint: history_max_events is 0\n";
    assert_eq!((said.code, &*said.err), (Some(1), expected));
    daemon.stop();
}

// rule T1: from the one registrar to the other it takes less than what gathers in a flood.
fn a_refresh_that_fails_and_is_saved_at_once_is_told_as_it_was() {
    let sandbox = Sandbox::new();
    let is_ill = Arc::new(AtomicBool::new(false));
    let ill = Arc::clone(&is_ill);
    let first = Registrar::start(move |message| match ill.load(Ordering::Relaxed) {
        true => vec![answer(message, "503 Service Unavailable", "")],
        false => usual(message, 600),
    });
    let second = Registrar::granting(600);
    let file = Config::new(first.address()).write(&sandbox);
    let text = std::fs::read_to_string(&file).expect("our own file");
    let one = format!("{{ address = \"{}\" }}", first.address());
    let two = format!("{one}, {{ address = \"{}\" }}", second.address());
    let both = text.replace(&one, &two);
    assert_ne!(text, both);
    let both = both.replace("[[proxy_set]]", "[[proxy_set]]\nhot_swap = true");
    let daemon = Daemon::start_text(&sandbox, &both);
    daemon.wait_registered(SOON);
    is_ill.store(true, Ordering::Relaxed);
    assert_eq!(daemon.tell(&["refresh", Config::ACCOUNT]).code, Some(0));
    let said = daemon.tell(&["events", Config::ACCOUNT, "--json"]);
    let events: Value = serde_json::from_str(&said.out).expect("a document");
    let events = events["events"].as_array().expect("a list");
    let told: Vec<_> = events
        .iter()
        .filter(|event| {
            ["refresh-failed", "refreshed"].contains(&event["kind"].as_str().unwrap_or_default())
        })
        .map(|event| {
            (
                event["kind"].clone(),
                event["registrar"].clone(),
                event["code"].clone(),
            )
        })
        .collect();
    let [one, two] = [&first, &second].map(|it| json!(it.address().to_string()));
    let expected = [
        (json!("refresh-failed"), one, json!(503)),
        (json!("refreshed"), two, json!(200)),
    ];
    assert_eq!(told, expected, "{}", said.out);
    daemon.stop();
}

fn wrong_questions_are_said() {
    let sandbox = Sandbox::new();
    let said = |arguments: &[&str]| regent(&sandbox, User::Same, arguments);
    let wrong = said(&["events", "--since", "soon"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong
            .err
            .contains("not a time; for example 90s, 2h, 1d12h (ago)"),
        "{wrong:?}"
    );
    let wrong = said(&["events", "--kind", "miracle"]);
    assert_eq!(wrong.code, Some(2));
    assert!(
        wrong.err.contains("refresh-failed"),
        "it names the kinds: {wrong:?}"
    );
    let phase = said(&["events", "--kind", "registered"]);
    assert_eq!(phase.code, Some(2));
    assert!(
        phase
            .err
            .contains("tip: registered is a phase: `--kind phase`")
            && !phase.err.contains("'refreshed'"),
        "{phase:?}"
    );
    let both = said(&["events", "--follow", "--state-directory", "state"]);
    assert_eq!(both.code, Some(2), "{both:?}");
    let nobody = said(&["events", "--socket", "nowhere"]);
    assert_eq!(nobody.code, Some(3), "{nobody:?}");
}
