//! What goes on when its client is gone, and what ends with the right that it was begun by.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::json;

use super::api::Stream;
use super::client::Http;
use super::{READ_TOKEN, TOKEN, USUAL, World, http};
use crate::harness::{read_text, wait_until};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_change_is_made_whole_though_its_client_hangs_up,
        a_stream_ends_with_its_session,
        a_stream_ends_with_its_token,
    ]
}

// rule T4
fn a_change_is_made_whole_though_its_client_hangs_up() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    let path = "/api/v1/subscriptions";
    for round in 0..24_u64 {
        let name = format!("hasty-{round}");
        let body = json!({ "name": name, "webhook": "http://127.0.0.1:9/" }).to_string();
        let mut stream = http.connect();
        let request = http.request("POST", path, Some(&body));
        stream.write_all(request.as_bytes()).unwrap();
        // The client is gone before, while and after the file is written.
        thread::sleep(Duration::from_millis(round % 12 * 2));
        drop(stream);
        // This changes nothing, but takes its turn behind the change.
        let after = http.ask("DELETE", &format!("{path}/nobody"), None);
        assert_eq!(after.code(), "unknown-alert");
        let quoted = format!("\"{name}\"");
        wait_until(Duration::from_secs(10), "the file to be in force", || {
            read_text(&world.file).contains(&quoted) == http.get(path).body.contains(&quoted)
        });
    }
    let made = http.get(path).json().as_array().unwrap().len();
    assert!(made > 0, "no change was begun");
}

/// A client with the cookie of a session that came of a token.
#[track_caller]
fn signed_in(http: &Http, token: &str) -> Http {
    let begun = http.post("/session", &json!({ "token": token }).to_string());
    let cookie = begun.header("set-cookie").expect("a cookie");
    let pair = cookie.split(';').next().unwrap_or_default();
    http.with("Cookie", pair).with("X-Regent", "1")
}

// rule T4
fn a_stream_ends_with_its_session() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let (one, other) = (signed_in(&http, TOKEN), signed_in(&http, TOKEN));
    let path = "/api/v1/stream?topics=alerts,accounts";
    let mut ends = Stream::open(&one, path);
    let mut stays = Stream::open(&other, path);
    for stream in [&mut ends, &mut stays] {
        stream.wait("ping", |_| true);
    }
    assert_eq!(one.ask("DELETE", "/session", None).status, 204);
    ends.wait_end();
    let gone = other.post("/api/v1/accounts/main/unregister", "{}");
    assert_eq!(gone.json()["outcome"], "unregistered", "{gone:?}");
    stays.wait("account", |it| it["phase"] == "unregistered");
}

// rule T4, G2
fn a_stream_ends_with_its_token() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let path = "/api/v1/stream?topics=alerts,accounts";
    let (looker, actor) = (http.token(READ_TOKEN), http.token(TOKEN));
    let mut by_token = Stream::open(&looker, path);
    let mut by_session = Stream::open(&signed_in(&http, READ_TOKEN), path);
    let mut stays = Stream::open(&actor, path);
    for stream in [&mut by_token, &mut by_session, &mut stays] {
        stream.wait("ping", |_| true);
    }
    world.write(&USUAL.replace(READ_TOKEN, "another-token-to-look"));
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
    by_token.wait_end();
    by_session.wait_end();
    actor.post("/api/v1/accounts/main/unregister", "{}");
    stays.wait("account", |it| it["phase"] == "unregistered");
}
