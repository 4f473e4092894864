//! What is asked and ordered by HTTP.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Answer, Http};
use super::{READ_TOKEN, TOKEN, USUAL, World, entrance, http};
use crate::harness::{
    Config, Daemon, Many, Sandbox, free_udp_address, read_text, wait_for, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_token_decides_who_looks_and_who_acts,
        a_code_signs_a_browser_in_once,
        behind_tls_a_session_is_shown_by_tls_only,
        accounts_are_found_sorted_and_paged_as_the_control_socket_tells_them,
        an_order_is_carried_out_and_remembered,
        what_happened_and_how_it_was_is_told,
        messages_are_told_without_credentials,
        subscriptions_are_made_changed_and_taken_out,
        a_change_is_heard_of_within_a_second,
        an_account_may_be_called_like_an_order,
        metrics_are_told_to_whom_they_should_be,
        the_page_is_served_with_its_guards,
    ]
}

// rule T4
fn a_token_decides_who_looks_and_who_acts() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let anybody = http(&daemon);
    let (looker, actor) = (anybody.token(READ_TOKEN), anybody.token(TOKEN));
    let (path, order) = ("/api/v1/summary", "/api/v1/accounts/main/refresh");
    let refused = anybody.get(path);
    assert_eq!((refused.status, &*refused.code()), (401, "unauthorized"));
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    let wrong = anybody.token("something-else-altogether").get(path);
    assert_eq!((wrong.status, &*wrong.code()), (401, "wrong-token"));
    assert_eq!(looker.get(path).json()["may_act"], false);
    assert_eq!(actor.get(path).json()["may_act"], true);
    let before = world.registrar.heard_from().len();
    for (client, status) in [(&anybody, 401), (&looker, 403)] {
        assert_eq!(client.post(order, "{}").status, status);
    }
    assert_eq!(
        world.registrar.heard_from().len(),
        before,
        "something was sent"
    );
    let told = actor.post(order, "{}").json();
    assert_eq!(
        (&told["account"], &told["outcome"]),
        (&json!("main"), &json!("registered"))
    );
    for open in ["/healthz", "/", "/api/v1/openapi.json"] {
        assert_eq!(anybody.get(open).status, 200, "{open}");
    }
    let log = daemon.stop_within(Duration::from_secs(10));
    for secret in [TOKEN, READ_TOKEN, "something-else-altogether"] {
        assert!(!log.contains(secret), "{log}");
    }
}

// rule T4
fn a_code_signs_a_browser_in_once() {
    let world = World::new("[web]\nlisten = [\"127.0.0.1:0\"]\n");
    let daemon = world.start();
    let (addresses, code) = entrance(&daemon);
    let browser = Http::new(addresses[0]);
    let proof = json!({ "code": code }).to_string();
    let begun = browser.post("/session", &proof);
    assert_eq!(begun.status, 200, "{begun:?}");
    assert_eq!(begun.json(), json!({ "may_act": true }));
    let cookie = begun.header("set-cookie").unwrap();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    for part in ["Max-Age", "Expires", "Secure"] {
        assert!(!cookie.contains(part), "{cookie}");
    }
    let name = format!("regent-{}=", addresses[0].port());
    assert!(cookie.starts_with(&name), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    assert_eq!(
        browser.post("/session", &proof).status,
        401,
        "the code was good twice"
    );
    let inside = browser.with("Cookie", pair);
    assert_eq!(inside.get("/session").json(), json!({ "may_act": true }));
    assert_eq!(inside.get("/api/v1/summary").status, 200);
    let order = "/api/v1/accounts/main/refresh";
    let unmarked = inside.post(order, "{}");
    assert_eq!((unmarked.status, &*unmarked.code()), (403, "cross-site"));
    let marked = inside.with("X-Regent", "1");
    assert_eq!(marked.post(order, "{}").json()["outcome"], "registered");
    assert_eq!(marked.ask("DELETE", "/session", None).status, 204);
    assert_eq!(inside.get("/session").status, 401, "the session goes on");
    let (_, other) = entrance(&daemon);
    assert_ne!(code, other);
    let wrong = browser.post("/session", r#"{"code":"x","token":"y"}"#);
    assert_eq!(wrong.code(), "bad-params");
    let log = daemon.log();
    assert!(!log.contains(&code) && !log.contains(&other), "{log}");
}

// rule T4
fn behind_tls_a_session_is_shown_by_tls_only() {
    let world = World::new(&format!("{USUAL}hosts = [\"regent.example.net\"]\n"));
    let daemon = world.start();
    let outside = http(&daemon)
        .with("Host", "regent.example.net")
        .with("Origin", "https://regent.example.net")
        .with("X-Regent", "1");
    let begun = outside.post("/session", &json!({ "token": TOKEN }).to_string());
    let cookie = begun.header("set-cookie").unwrap();
    assert!(cookie.starts_with("regent="), "{cookie}");
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let inside = outside.with("Cookie", pair);
    assert_eq!(inside.get("/session").status, 200);
    let ended = inside.ask("DELETE", "/session", None);
    let gone = ended.header("set-cookie").unwrap();
    assert!(gone.starts_with("regent=;"), "{gone}");
    assert!(
        gone.contains("; Max-Age=0") && gone.ends_with("; Secure"),
        "{gone}"
    );
}

/// Names of the Accounts in a list.
fn names(answer: &Answer) -> Vec<String> {
    let json = answer.json();
    let accounts = json["accounts"].as_array().expect("a list").iter();
    accounts
        .map(|account| account["name"].as_str().expect("a name").to_owned())
        .collect()
}

// rule T1, T4
fn accounts_are_found_sorted_and_paged_as_the_control_socket_tells_them() {
    let sandbox = Sandbox::new();
    let text = Many::new(1_500, free_udp_address()).text() + "\n" + USUAL;
    let daemon = Daemon::start_text(&sandbox, &text);
    let http = http(&daemon).token(READ_TOKEN);
    let said = daemon.tell(&["status", "--json"]);
    let own: Value = serde_json::from_str(&said.out).unwrap();
    let own = own["accounts"].as_array().unwrap();
    let own: Vec<&str> = own.iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(own.len(), 1_500);
    let list = |query: &str| http.get(&format!("/api/v1/accounts{query}"));
    assert_eq!(names(&list("")), own[..100]);
    assert_eq!(names(&list("?offset=1490")), own[1_490..]);
    assert_eq!(names(&list("?limit=3&offset=7")), own[7..10]);
    assert_eq!(names(&list("?limit=1&order=desc")), own[1_499..]);
    let mut sorted = own.clone();
    sorted.sort_unstable();
    assert_eq!(names(&list("?sort=name&limit=1000")), sorted[..1_000]);
    for query in [
        "?limit=all",
        "?limit=all&sort=name",
        "?limit=all&order=desc",
    ] {
        let all = list(query);
        assert_eq!(all.header("transfer-encoding"), Some("chunked"));
        assert_eq!(names(&all).len(), 1_500, "{query}");
        assert_eq!(all.json()["matching"], 1_500, "{query}");
    }
    let part = &own[42][1..];
    let few = list(&format!("?matching={}", part.to_uppercase()));
    let wanted: Vec<_> = own.iter().filter(|name| name.contains(part)).collect();
    assert_eq!(few.json()["matching"], wanted.len());
    by_address_of_record(&list);
    let two = list(&format!("?name={}&name={}", own[9], own[3]));
    assert_eq!(names(&two), [own[3], own[9]]);
    assert_eq!(list("?phase=registered").json()["matching"], 0);
    assert_eq!(list("?registrar=192.0.2.77").json()["matching"], 0);
    for (query, code, status) in [
        ("?limit=0", "bad-params", 400),
        ("?limit=1001", "bad-params", 400),
        ("?limit=-1", "bad-params", 400),
        ("?sort=colour", "bad-params", 400),
        ("?order=up", "bad-params", 400),
        ("?phase=happy", "bad-params", 400),
        ("?offset=4294967296", "bad-params", 400),
        ("?registrar=here", "bad-params", 400),
        ("?name=nobody", "unknown-account", 404),
        ("?limit=all&name=nobody", "unknown-account", 404),
        ("?limits=3", "bad-params", 400),
        ("?limit=3&limit=4", "bad-params", 400),
    ] {
        let refused = list(query);
        assert_eq!(
            (&*refused.code(), refused.status),
            (code, status),
            "{query}"
        );
    }
    let one = http.get(&format!("/api/v1/accounts/{}", own[5])).json();
    assert_eq!(one["index"], 5);
    let near = http.get(&format!("/api/v1/accounts/{}x", own[5]));
    assert_eq!(near.code(), "unknown-account");
    assert!(near.body.contains("did you mean"), "{near:?}");
}

/// Who knows the number of a trunk finds it, in every order; what the command line finds by a part
/// of the name is found by that alone.
#[track_caller]
fn by_address_of_record(list: &impl Fn(&str) -> Answer) {
    for query in ["", "&sort=name", "&limit=all", "&limit=all&order=desc"] {
        let found = list(&format!("?matching=SIP:U1234@{query}"));
        assert_eq!(names(&found), ["a1234"], "{query}");
        assert_eq!(found.json()["matching"], 1, "{query}");
    }
    let both = list("?matching=u1234&name=a1233&name=a1234");
    assert_eq!(names(&both), ["a1234"], "both must be so");
    assert_eq!(list("?matching=u1500").json()["matching"], 0);
}

// rule L10, T4
fn an_order_is_carried_out_and_remembered() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    let gone = http.post("/api/v1/accounts/main/unregister", "");
    assert_eq!(gone.json()["outcome"], "unregistered", "{gone:?}");
    let status = http.get("/api/v1/accounts/main").json();
    assert_eq!(status["phase"], "unregistered");
    let back = http
        .post("/api/v1/accounts/register", r#"{"names":["main"]}"#)
        .json();
    assert_eq!(back["accounts"], 1);
    assert_eq!(back["outcomes"][0]["outcome"], "registered");
    let given = http.post("/api/v1/accounts/refresh", r#"{"all":true,"wait":false}"#);
    assert_eq!(given.json(), json!({ "accounts": 1 }));
    for (body, code) in [
        ("{}", "bad-params"),
        (r#"{"names":["main"],"all":true}"#, "bad-params"),
        (r#"{"names":["nobody"]}"#, "unknown-account"),
        (r#"{"nmaes":["main"]}"#, "bad-params"),
        ("[", "bad-params"),
    ] {
        assert_eq!(
            http.post("/api/v1/accounts/register", body).code(),
            code,
            "{body}"
        );
    }
    let nobody = http.post("/api/v1/accounts/nobody/register", "{}");
    assert_eq!(nobody.code(), "unknown-account");
    let events = http.get("/api/v1/events?kind=order").json();
    let texts: Vec<&str> = events["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["unregister", "register", "refresh: all, 1 Account"]);
}

// rule T3, T4
fn what_happened_and_how_it_was_is_told() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    http.post("/api/v1/accounts/main/unregister", "{}");
    http.post("/api/v1/accounts/main/register", "{}");
    let history = http.get("/api/v1/accounts/main/history?hours=24").json();
    let spans = history["spans"].as_array().unwrap();
    assert_eq!(spans.first().unwrap()["from"], history["from"]);
    assert_eq!(spans.last().unwrap()["until"], history["until"]);
    for pair in spans.windows(2) {
        assert_eq!(pair[0]["until"], pair[1]["from"], "{spans:?}");
    }
    let states: Vec<&str> = spans
        .iter()
        .map(|it| it["state"].as_str().unwrap())
        .collect();
    assert_eq!(states.first(), Some(&"unknown"), "{states:?}");
    assert_eq!(states.last(), Some(&"up"), "{states:?}");
    assert!(states.contains(&"unregistered"), "{states:?}");
    let both = http.get("/api/v1/history?name=main&hours=168").json();
    let strip = both["accounts"]["main"]["spans"].as_array().unwrap();
    assert_eq!(strip.last().unwrap()["state"], "up");
    let phases = http
        .get("/api/v1/events?name=main&kind=phase&limit=2")
        .json();
    assert_eq!(phases["events"].as_array().unwrap().len(), 2);
    for (path, code) in [
        ("/api/v1/accounts/nobody/history", "unknown-account"),
        ("/api/v1/accounts/main/history?hours=0", "bad-params"),
        ("/api/v1/accounts/main/history?hours=169", "bad-params"),
        ("/api/v1/history", "bad-params"),
        ("/api/v1/events?kind=party", "bad-params"),
        ("/api/v1/events?since=yesterday", "bad-params"),
        ("/api/v1/events?limit=1001", "bad-params"),
    ] {
        assert_eq!(http.get(path).code(), code, "{path}");
    }
    let many: String = (0..101).map(|number| format!("&name=a{number}")).collect();
    for (path, words) in [
        ("/api/v1/history", "name is missing"),
        (&*format!("/api/v1/history?hours=1{many}"), "too many names"),
        (
            "/api/v1/alerts?offset=99999999999",
            "must be a number from 0 to 4294967295",
        ),
    ] {
        let refused = http.get(path);
        assert_eq!(refused.code(), "bad-params", "{path}");
        assert!(refused.body.contains(words), "{refused:?}");
    }
}

// rule T4
fn messages_are_told_without_credentials() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(READ_TOKEN);
    let told = http.get("/api/v1/accounts/main/messages");
    let json = told.json();
    let messages = json["messages"].as_array().unwrap();
    let has = |start: &str| {
        let mut texts = messages.iter().filter_map(|it| it["text"].as_str());
        texts.any(|text| text.starts_with(start))
    };
    assert!(has("REGISTER ") && has("SIP/2.0 200"), "{told:?}");
    let texts = messages.iter().filter_map(|it| it["text"].as_str());
    let mut answers = texts.flat_map(|text| text.split("response=\"").skip(1));
    assert!(answers.all(|rest| rest.starts_with("***")), "{told:?}");
    assert!(!told.body.contains(Config::PASSWORD), "{told:?}");
    let one = http.get("/api/v1/accounts/main/messages?limit=1").json();
    assert_eq!(one["messages"].as_array().unwrap().len(), 1);
    let nobody = http.get("/api/v1/accounts/nobody/messages");
    assert_eq!(nobody.code(), "unknown-account");
}

// rule T3, T4
fn subscriptions_are_made_changed_and_taken_out() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    let path = "/api/v1/subscriptions";
    assert_eq!(http.get(path).json(), json!([]));
    let wanted = r#"{"name":"night","webhook":"http://127.0.0.1:9/secret-path","webhook_secret":"sesame",
                     "accounts":["main"],"resolution":false,"time_limit":"6h"}"#;
    let made = http.post(path, wanted);
    assert_eq!(made.status, 201, "{made:?}");
    let shown = json!({"name": "night", "email": null, "webhook_host": "127.0.0.1:9",
        "signed": true, "accounts": ["main"], "resolution": false, "timeout": true, "time_limit": "6h"});
    assert_eq!(made.json(), shown);
    assert_eq!(http.get(path).json(), json!([shown]));
    assert!(read_text(&world.file).contains("http://127.0.0.1:9/secret-path"));
    assert_eq!(http.post(path, wanted).status, 409);
    let changed = http.ask(
        "PUT",
        "/api/v1/subscriptions/night",
        Some(r#"{"accounts":null,"timeout":false}"#),
    );
    let json = changed.json();
    assert_eq!(
        (&json["accounts"], &json["timeout"]),
        (&Value::Null, &json!(false))
    );
    assert_eq!(
        (&json["signed"], &json["time_limit"]),
        (&json!(true), &json!("6h"))
    );
    let before = read_text(&world.file);
    for (body, status) in [
        (r#"{"name":"none"}"#, 409),
        (r#"{"name":"mail","email":"no address"}"#, 400),
        (r#"{"name":"mail","email":"a@example.net"}"#, 409),
        (
            r#"{"name":"x","webhook":"http://h/","accounts":["nobody"]}"#,
            409,
        ),
        (r#"{"webhook":"http://h/"}"#, 400),
        (r#"{"name":"x","webhook":"http://h/","colour":1}"#, 400),
    ] {
        let refused = http.post(path, body);
        assert_eq!(refused.status, status, "{body}: {refused:?}");
        assert!(
            !refused.json()["error"]["message"]
                .as_str()
                .unwrap()
                .is_empty()
        );
    }
    assert_eq!(
        read_text(&world.file),
        before,
        "a refused change was written"
    );
    let tested = http
        .ask("POST", "/api/v1/subscriptions/night/test", Some("{}"))
        .json();
    assert_eq!(tested["tests"][0]["subscription"], "night");
    assert!(tested["tests"][0]["trouble"].is_string(), "{tested}");
    let gone = http.ask("DELETE", "/api/v1/subscriptions/night", None);
    assert_eq!(gone.status, 200, "{gone:?}");
    assert_eq!(http.get(path).json(), json!([]));
    let again = http.ask("DELETE", "/api/v1/subscriptions/night", None);
    assert_eq!((again.status, &*again.code()), (404, "unknown-alert"));
    let log = daemon.log();
    assert!(
        !log.contains("sesame") && !log.contains("secret-path"),
        "{log}"
    );
}

/// A stream of events, as far as it was read.
pub(super) struct Stream {
    socket: std::net::TcpStream,
    text: String,
}

impl Stream {
    #[track_caller]
    pub(super) fn open(http: &Http, path: &str) -> Self {
        let mut socket = http.connect();
        let request = http.request("GET", path, None);
        socket.write_all(request.as_bytes()).expect("it is taken");
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .expect("a time-out");
        Self {
            socket,
            text: String::new(),
        }
    }

    /// Waits until the daemon ends the stream.
    #[track_caller]
    pub(super) fn wait_end(&mut self) {
        wait_until(Duration::from_secs(10), "the stream to end", || {
            let mut piece = [0; 4_096];
            matches!(self.socket.read(&mut piece), Ok(0))
        });
    }

    /// Waits for an event of that kind with data that are as wanted, and forgets all before it.
    #[track_caller]
    pub(super) fn wait(&mut self, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        wait_for(Duration::from_secs(10), kind, || {
            let mut piece = [0; 4_096];
            if let Ok(length) = self.socket.read(&mut piece) {
                self.text += &String::from_utf8_lossy(&piece[..length]);
            }
            let mark = format!("event: {kind}\ndata: ");
            while let Some(at) = self.text.find(&mark) {
                let rest = &self.text[at + mark.len()..];
                let end = rest.find("\n\n")?;
                // What a chunk's head has cut in two is no JSON; it comes again.
                let data = serde_json::from_str::<Value>(&rest[..end]).ok();
                let rest = rest[end..].to_owned();
                self.text = rest;
                if let Some(data) = data.filter(&wanted) {
                    return Some(data);
                }
            }
            None
        })
    }
}

// rule T4
fn a_change_is_heard_of_within_a_second() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    let mut stream = Stream::open(&http, "/api/v1/stream?name=main");
    stream.wait("ping", |_| true);
    stream.wait("account", |it| it["phase"] == "registered");
    let start = Instant::now();
    http.post("/api/v1/accounts/main/unregister", "{}");
    stream.wait("event", |it| {
        it["kind"] == "order" && it["text"] == "unregister"
    });
    stream.wait("account", |it| it["phase"] == "unregistered");
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    stream.wait("summary", |it| it["phases"]["unregistered"] == 1);
    let other = http.get("/api/v1/stream?topics=weather");
    assert_eq!(other.code(), "bad-params");
    let nobody = http.get("/api/v1/stream?name=nobody");
    assert_eq!(nobody.code(), "unknown-account");
}

fn an_account_may_be_called_like_an_order() {
    let world = World::new(USUAL);
    let text = read_text(&world.file).replace("name = \"main\"", "name = \"refresh\"");
    world.sandbox.write("regent.toml", &text);
    let daemon = Daemon::start_with(&world.sandbox, &world.file);
    let http = http(&daemon).token(TOKEN);
    assert_eq!(
        http.get("/api/v1/accounts/refresh").json()["name"],
        "refresh"
    );
    assert_eq!(
        http.ask("HEAD", "/api/v1/accounts/refresh", None).status,
        200
    );
    let many = http.post(
        "/api/v1/accounts/refresh",
        r#"{"names":["refresh","refresh"],"wait":false}"#,
    );
    // Named twice, it is one.
    assert_eq!(many.json()["accounts"], 1);
    let one = http.post("/api/v1/accounts/refresh/register", r#"{"wait":false}"#);
    assert_eq!(one.status, 200, "{one:?}");
    assert_eq!(
        http.get("/api/v1/accounts/unregister").code(),
        "unknown-account"
    );
}

// rule T4
fn metrics_are_told_to_whom_they_should_be() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let anybody = http(&daemon);
    assert_eq!(anybody.get("/metrics").status, 401);
    let text = anybody.token(READ_TOKEN).get("/metrics");
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert!(
        text.body.contains("# TYPE regent_accounts gauge"),
        "{text:?}"
    );
    assert!(!text.body.contains("account=\"main\""), "{text:?}");
    let open = anybody
        .token(READ_TOKEN)
        .with("Accept", "application/openmetrics-text;version=1.0.0");
    assert!(open.get("/metrics").body.ends_with("# EOF\n"));
    world.write(&format!(
        "{USUAL}metrics = \"open\"\naccount_metrics = true\n"
    ));
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
    let text = anybody.get("/metrics");
    assert!(text.body.contains("account=\"main\""), "{text:?}");
    world.write(&format!("{USUAL}metrics = \"off\"\n"));
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
    assert_eq!(anybody.token(TOKEN).get("/metrics").status, 404);
}

// rule T4
fn the_page_is_served_with_its_guards() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let page = http.get("/");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for answer in [&page, &http.get("/nothing"), &http.get("/api/v1/summary")] {
        let policy = answer.header("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(
            answer.header("cross-origin-resource-policy"),
            Some("same-origin")
        );
        assert_eq!(
            answer.header("cross-origin-opener-policy"),
            Some("same-origin")
        );
        assert!(answer.header("access-control-allow-origin").is_none());
    }
    assert_eq!(
        http.get("/api/v1/summary").header("cache-control"),
        Some("no-store")
    );
    let tag = page.header("etag").unwrap();
    let known = http.with("If-None-Match", tag).get("/");
    assert_eq!((known.status, &*known.body), (304, ""));
    let head = http.ask("HEAD", "/", None);
    assert_eq!((head.status, &*head.body), (200, ""));
    assert_eq!(head.header("content-length"), page.header("content-length"));
}
