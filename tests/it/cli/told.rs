//! What a watch for programs prints, played by a daemon of the trial's own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixListener;
use std::thread;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{on_stage, tell};
use crate::harness::{
    Config, Daemon, Piped, SOON, Sandbox, Seat, User, free_udp_address, regent, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        every_line_of_a_watch_is_an_object_with_the_schema,
        what_is_missed_is_asked_for_again,
        a_table_has_the_room_of_its_terminal,
    ]
}

fn every_line_of_a_watch_is_an_object_with_the_schema() {
    on_stage(|stage| {
        let socket = stage.socket();
        let socket = socket.to_str().expect("text");
        for (what, key) in [
            (None, "aor"),
            (Some("proxies"), "members"),
            (Some("groups"), "role"),
        ] {
            let words = ["status", "--watch", "--json", "--socket", socket];
            let words: Vec<&str> = words.into_iter().chain(what).collect();
            let mut watch = Piped::start(&words);
            let lines: Vec<Value> = (0..8)
                .map(|at| {
                    if at == 2 {
                        assert_eq!(tell(stage, &["unregister", "main"]).code, Some(0));
                        assert_eq!(tell(stage, &["register", "main"]).code, Some(0));
                    }
                    serde_json::from_str(&watch.line()).expect("JSON")
                })
                .take(if what == Some("proxies") { 3 } else { 8 })
                .collect();
            for line in lines {
                assert_eq!(line["schema"], 1, "{line}");
                assert!(!line[key].is_null() && line["name"].is_string(), "{line}");
            }
        }
    });
}

/// A daemon that tells what seldom happens.
fn what_is_missed_is_asked_for_again() {
    let sandbox = Sandbox::new();
    let listener = UnixListener::bind(sandbox.path("s")).expect("a socket");
    let said = thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().expect("a client");
            let lines = BufReader::new(stream.try_clone().expect("a handle")).lines();
            let mut asked = lines.map(|line| {
                let line = line.expect("a request");
                let asked: Value = serde_json::from_str(&line).expect("JSON");
                assert_eq!(asked["method"], "watch", "{asked}");
                asked["id"].clone()
            });
            let id = asked.next().expect("it watches");
            let state = json!({"state": "failing", "directory": "/state", "trouble": "full",
                               "since": "2026-11-22T10:00:00.000Z"});
            for item in [
                json!({"removed": {"account": "a \"b\""}}),
                json!({"state": state}),
                json!({"missed": 3}),
            ] {
                writeln!(stream, "{}", json!({"id": id, "item": item})).expect("it listens");
            }
            let id = asked.next().expect("it watches again");
            let item = json!({"removed": {"account": "c"}});
            writeln!(stream, "{}", json!({"id": id, "item": item})).expect("it listens");
        });
        let words = ["status", "--watch", "--json", "--socket", "s"];
        regent(&sandbox, User::Same, &words)
    });
    // The daemon has ended.
    assert_eq!(said.code, Some(3), "{said:?}");
    let lines: Vec<Value> = said
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 4, "{said:?}");
    assert_eq!(lines[0], json!({"schema": 1, "removed": "a \"b\""}));
    assert_eq!(lines[1]["schema"], 1);
    assert_eq!(lines[1]["state"]["trouble"], "full");
    assert_eq!(lines[2], json!({"schema": 1, "missed": 3}));
    assert_eq!(lines[3], json!({"schema": 1, "removed": "c"}));
}

// rule T1
fn a_table_has_the_room_of_its_terminal() {
    let sandbox = Sandbox::new();
    // Nobody is there.
    let daemon = Daemon::start(&sandbox, &Config::new(free_udp_address()));
    let socket = daemon.socket().to_str().expect("text");
    let words = ["status", "--socket", socket];
    wait_until(SOON, "a failure", || {
        daemon.tell(&["status"]).out.contains("408")
    });
    for (columns, is_whole) in [(100, false), (140, true)] {
        let (ended, glass) = Seat::take((10, columns), &words).wait_end();
        assert!(ended.success());
        let text = glass.text();
        assert_eq!(
            text.contains("listens there, or no route)"),
            is_whole,
            "{text}"
        );
        assert!(text.contains("not reachable"), "{text}");
    }
    daemon.stop();
}
