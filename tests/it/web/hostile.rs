//! Whoever means harm: what is too long, too slow, malformed, from another site or with a wrong
//! token is refused, bounded and said once, and the daemon goes on.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;

use super::client::{Answer, Http, read_all};
use super::{READ_TOKEN, TOKEN, USUAL, World, http};
use crate::harness::{Daemon, LONG, Many, Sandbox, free_udp_address, wait_until};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        a_request_from_another_site_is_refused_by_each_guard_alone,
        a_name_that_is_not_ours_is_refused,
        many_wrong_tokens_are_slow_few_at_a_time_and_said_once,
        what_is_too_long_is_refused,
        what_is_malformed_is_refused_and_said_once,
        paths_lead_nowhere_else,
        methods_and_types_that_do_not_fit_are_refused,
        requests_in_one_go_are_answered_in_order,
        who_sends_slowly_is_let_go,
        many_connections_are_bounded_and_pass,
        readers_that_do_not_read_cost_little_and_hold_up_nobody,
        streams_are_bounded,
    ];
    trials.extend(trials![[LONG]; a_reader_that_does_not_read_is_let_go]);
    trials
}

/// Sends bytes as they are, and reads all that comes until the other end hangs up.
#[track_caller]
fn send(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = Http::new(address).connect();
    // Whoever refuses early does not take all of it.
    drop(stream.write_all(bytes));
    read_all(&mut stream)
}

/// How often the log says something.
fn count(daemon: &Daemon<'_>, what: &str) -> usize {
    daemon
        .log()
        .lines()
        .filter(|line| line.contains(what))
        .count()
}

#[track_caller]
fn goes_on(http: &Http) {
    assert_eq!(http.token(READ_TOKEN).get("/api/v1/summary").status, 200);
}

// rule T4
fn a_request_from_another_site_is_refused_by_each_guard_alone() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let begun = http.post("/session", &format!("{{\"token\":\"{TOKEN}\"}}"));
    let cookie = begun
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let own = format!("http://{}", http.address);
    let inside = http.with("Cookie", &cookie);
    let (path, body) = ("/api/v1/accounts/main/unregister", "{}");
    let heard = world.registrar.heard_from().len();
    let good = inside.with("X-Regent", "1");
    for (name, value) in [
        ("Origin", "http://attacker.example"),
        ("Origin", "null"),
        ("Origin", "http://127.0.0.1:1"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ] {
        let refused = good.with(name, value).post(path, body);
        assert_eq!(
            (refused.status, &*refused.code()),
            (403, "cross-site"),
            "{name}: {value}"
        );
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let refused = good.with("Content-Type", kind).post(path, body);
        assert_eq!(
            (refused.status, &*refused.code()),
            (415, "not-json"),
            "{kind}"
        );
    }
    assert_eq!(
        inside.post(path, body).code(),
        "cross-site",
        "without the header"
    );
    // A form of another site can ask by GET too, which changes nothing.
    assert_eq!(good.get(path).status, 405);
    assert_eq!(
        world.registrar.heard_from().len(),
        heard,
        "something was sent"
    );
    let preflight = http
        .with("Origin", "http://attacker.example")
        .ask("OPTIONS", path, None);
    assert_eq!(preflight.status, 405);
    assert!(preflight.header("access-control-allow-origin").is_none());
    assert_eq!(
        count(&daemon, "another site may have sent"),
        1,
        "{}",
        daemon.log()
    );
    let accepted = good
        .with("Origin", &own)
        .with("Sec-Fetch-Site", "same-origin")
        .post(path, body);
    assert_eq!(accepted.json()["outcome"], "unregistered", "{accepted:?}");
}

// rule T4
fn a_name_that_is_not_ours_is_refused() {
    let world = World::new(&format!("{USUAL}hosts = [\"regent.example.net\"]\n"));
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    for bad in [
        "attacker.example",
        "attacker.example:80",
        "127.0.0.1.attacker.example",
        "",
        "a\"b",
    ] {
        for path in ["/", "/api/v1/summary", "/healthz", "/metrics"] {
            let refused = http.with("Host", bad).get(path);
            assert!(
                matches!(refused.status, 400 | 421),
                "{bad} {path}: {refused:?}"
            );
        }
    }
    assert_eq!(
        count(&daemon, "for a host that is not in"),
        1,
        "{}",
        daemon.log()
    );
    for good in [
        "regent.example.net",
        "REGENT.example.net:443",
        "localhost",
        "[::1]:1",
        "192.0.2.1",
    ] {
        assert_eq!(
            http.with("Host", good).get("/api/v1/summary").status,
            200,
            "{good}"
        );
    }
    let address = http.address;
    let without = send(
        address,
        b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(Answer::read(&without).status, 400);
    let twice = send(
        address,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(Answer::read(&twice).status, 400);
    // The address of an absolute request counts, whatever the header says.
    let absolute =
        b"GET http://attacker.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(Answer::read(&send(address, absolute)).status, 421);
}

// rule T4
fn many_wrong_tokens_are_slow_few_at_a_time_and_said_once() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let guesses: Vec<_> = (0..60)
        .map(|number| {
            let http = http.token(&format!("wrong-wrong-wrong-{number}"));
            thread::spawn(move || {
                let start = Instant::now();
                (http.get("/api/v1/summary").status, start.elapsed())
            })
        })
        .collect();
    // Who has the right one is not kept waiting by them.
    goes_on(&http);
    let told: Vec<_> = guesses.into_iter().map(|it| it.join().unwrap()).collect();
    let (statuses, times): (Vec<u16>, Vec<Duration>) = told.into_iter().unzip();
    assert!(
        statuses.iter().all(|status| matches!(status, 401 | 429)),
        "{statuses:?}"
    );
    assert!(statuses.contains(&401), "{statuses:?}");
    // Those who are not even heard wait as well.
    let slow = Duration::from_millis(250);
    assert!(times.iter().all(|time| *time >= slow), "{times:?}");
    for body in [r#"{"token":"wrong-wrong-wrong"}"#, r#"{"code":"wrong"}"#] {
        assert_eq!(http.post("/session", body).code(), "wrong-token");
    }
    assert_eq!(
        http.with("Cookie", "regent=wrong")
            .get("/api/v1/summary")
            .status,
        401
    );
    assert_eq!(
        count(&daemon, "a wrong token was shown"),
        1,
        "{}",
        daemon.log()
    );
    assert!(!daemon.log().contains("wrong-wrong"), "{}", daemon.log());
}

// rule T4
fn what_is_too_long_is_refused() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    let long = "x".repeat(64 << 10);
    let refused = [
        http.with("X-Long", &long).request("GET", "/", None),
        http.request("GET", &format!("/{long}"), None),
        http.with("Cookie", &long).request("GET", "/session", None),
        format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(10_000)),
    ];
    for request in refused {
        let told = Answer::read(&send(http.address, request.as_bytes()));
        assert!(matches!(told.status, 400 | 414 | 431), "{told:?}");
    }
    let path = "/api/v1/accounts/register";
    let body = format!("{{\"names\":[\"{}\"]}}", "x".repeat(70_000));
    assert_eq!(http.post(path, &body).code(), "too-large");
    // What is announced is refused before it comes.
    let head = "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let announced = format!("{head}Content-Length: 99999999999\r\nConnection: close\r\n\r\n");
    assert_eq!(
        Answer::read(&send(http.address, announced.as_bytes())).status,
        413
    );
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{chunk}{chunk}");
    assert_eq!(
        Answer::read(&send(http.address, chunked.as_bytes())).status,
        413
    );
    // The strips of a page of Accounts whose names are as long as they may be.
    let names = format!("name={}&", "%E5%90%8D".repeat(28)).repeat(100);
    let query = format!("/api/v1/history?hours=1&{names}");
    assert!(query.len() > 25_000);
    assert_eq!(http.get(&query).code(), "unknown-account");
    let name = "x".repeat(8_000);
    let unknown = http.get(&format!("/api/v1/accounts/{name}"));
    assert_eq!(unknown.code(), "unknown-account");
    assert!(unknown.body.len() < 500, "{unknown:?}");
    let pattern = http.get(&format!("/api/v1/accounts?matching={name}"));
    assert_eq!(pattern.json()["matching"], 0);
    goes_on(&Http::new(http.address));
}

// rule T4
fn what_is_malformed_is_refused_and_said_once() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let wrong: [&[u8]; 12] = [
        b"\r\n\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n: empty\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: local\0host\r\n\r\n",
        b"GET /\0 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
        b"POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"REGISTER sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n",
    ];
    for bytes in wrong {
        let mut stream = http.connect();
        drop(stream.write_all(bytes));
        drop(stream.shutdown(std::net::Shutdown::Write));
        let text = read_all(&mut stream);
        let shown = String::from_utf8_lossy(bytes);
        let is_refused = text.is_empty() || Answer::read(&text).status >= 400;
        assert!(
            is_refused,
            "{shown:?}: {:?}",
            String::from_utf8_lossy(&text)
        );
    }
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"token\"",
        "{\"token\":7}",
        "\u{feff}{}",
        "{\"a\":1}",
    ] {
        let told = http.post("/session", body);
        assert_eq!((told.status, &*told.code()), (400, "bad-params"), "{body}");
    }
    // What would do if it had names.
    let proof = format!("[\"{TOKEN}\",null]");
    let acting = http.token(TOKEN);
    for (path, body) in [
        ("/session", &*proof),
        (
            "/api/v1/subscriptions",
            "[\"operations\",null,\"http://127.0.0.1:9/\"]",
        ),
        ("/api/v1/accounts/main/unregister", " [true,false]"),
        ("/api/v1/accounts/refresh", "[[\"main\"],false,false,false]"),
    ] {
        let told = acting.post(path, body);
        assert_eq!((told.status, &*told.code()), (400, "bad-params"), "{path}");
        assert!(told.body.contains("must be an object of JSON"), "{told:?}");
    }
    let deep = "[".repeat(30_000);
    assert_eq!(http.post("/session", &deep).code(), "bad-params");
    assert!(
        count(&daemon, "what came is no request") <= 1,
        "{}",
        daemon.log()
    );
    goes_on(&http);
}

// rule T4
fn paths_lead_nowhere_else() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    for path in [
        "/../regent.toml",
        "/%2e%2e/regent.toml",
        "/js/../../Cargo.toml",
        "//etc/passwd",
        "/app.js/..%2f..%2fmain.secret",
        "/.git/config",
        "/index.html%00",
        "/api/v1",
        "/api/v1/",
        "/api/v2/summary",
        "/API/V1/SUMMARY",
        "/api/v1/summary/",
        "/api/v1/accounts/main/",
        "/api/v1/accounts//history",
    ] {
        let told = http.get(path);
        assert!(matches!(told.status, 400 | 404), "{path}: {told:?}");
    }
    for path in [
        "/api/v1/accounts/..",
        "/api/v1/accounts/%2e%2e",
        "/api/v1/accounts/%00",
        "/api/v1/accounts/a%2Fb",
    ] {
        let told = http.get(path);
        assert_eq!(
            (told.status, &*told.code()),
            (404, "unknown-account"),
            "{path}"
        );
    }
    for (path, status, code) in [
        ("/api/v1/accounts/%ff", 400, "bad-params"),
        ("/api/v1/accounts/%zz", 404, "unknown-account"),
    ] {
        let told = http.get(path);
        assert_eq!((told.status, &*told.code()), (status, code), "{path}");
        let anybody = Http::new(http.address).get(path);
        assert_eq!(anybody.code(), "unauthorized", "{path}");
    }
    assert_eq!(http.get("/api/v1/accounts/%6dain").json()["name"], "main");
}

// rule T4
fn methods_and_types_that_do_not_fit_are_refused() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"] {
        let told = http.ask(method, "/api/v1/summary", Some("{}"));
        assert_eq!(told.status, 405, "{method}: {told:?}");
        assert_eq!(told.header("allow"), Some("GET, HEAD"), "{method}");
    }
    let connect = Answer::read(&send(
        http.address,
        b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n",
    ));
    assert!(connect.status >= 400, "{connect:?}");
    assert_eq!(
        http.ask("GET", "/api/v1/accounts/main/register", None)
            .header("allow"),
        Some("POST")
    );
    let untyped = http
        .with("Content-Type", "application/xml")
        .post("/api/v1/accounts/main/refresh", "{}");
    assert_eq!(untyped.status, 415);
    for path in [
        "/api/v1/summary",
        "/api/v1/accounts?limit=all",
        "/api/v1/stream",
        "/metrics",
    ] {
        let head = http.ask("HEAD", path, None);
        assert_eq!((head.status, &*head.body), (200, ""), "{path}");
    }
    goes_on(&Http::new(http.address));
}

// rule T4
fn requests_in_one_go_are_answered_in_order() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let one = |path: &str, more: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {READ_TOKEN}\r\n{more}\r\n"
        )
    };
    let mut text: String = (0..50).map(|_| one("/healthz", "")).collect();
    text += &one("/api/v1/accounts/main", "Connection: close\r\n");
    let told = String::from_utf8_lossy(&send(http.address, text.as_bytes())).into_owned();
    assert_eq!(told.matches("HTTP/1.1 200 OK").count(), 51, "{told}");
    assert!(
        told.rfind("\"name\":\"main\"") > told.rfind("\r\n\r\nok\n"),
        "{told}"
    );
}

// rule T4
fn who_sends_slowly_is_let_go() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let head = "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let slow = [
        // Nothing at all, half a head, and half a body.
        String::new(),
        "GET / HTTP/1.1\r\nHost: loc".to_owned(),
        format!("{head}Content-Length: 4000\r\nConnection: close\r\n\r\n{{"),
    ];
    let start = Instant::now();
    let waiting: Vec<_> = slow
        .into_iter()
        .map(|text| {
            let mut stream = http.connect();
            stream.write_all(text.as_bytes()).unwrap();
            thread::spawn(move || {
                // A byte now and then does not help.
                let mut other = stream.try_clone().unwrap();
                let feeder = thread::spawn(move || {
                    for _ in 0..200 {
                        if !text.is_empty() && other.write_all(b" ").is_err() {
                            return;
                        }
                        thread::sleep(Duration::from_millis(100));
                    }
                });
                let told = read_all(&mut stream);
                drop(stream.shutdown(std::net::Shutdown::Both));
                drop(feeder.join());
                told
            })
        })
        .collect();
    goes_on(&http);
    let told: Vec<_> = waiting.into_iter().map(|it| it.join().unwrap()).collect();
    let took = start.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert_eq!(Answer::read(&told[2]).status, 408, "{:?}", told[2]);
    goes_on(&http);
}

// rule T4
fn many_connections_are_bounded_and_pass() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon);
    let mut idle: Vec<TcpStream> = (0..256).map(|_| http.connect()).collect();
    wait_until(Duration::from_secs(5), "one too many", || {
        let mut one = http.connect();
        drop(one.write_all(http.request("GET", "/healthz", None).as_bytes()));
        let text = read_all(&mut one);
        text.is_empty() || Answer::read(&text).status == 503
    });
    // What has a connection is served.
    let mut last = idle.pop().unwrap();
    let request = http
        .token(READ_TOKEN)
        .request("GET", "/api/v1/summary", None);
    last.write_all(request.as_bytes()).unwrap();
    assert_eq!(Answer::read(&read_all(&mut last)).status, 200);
    assert_eq!(
        count(&daemon, "too many connections"),
        1,
        "{}",
        daemon.log()
    );
    assert!(daemon.status().is_registered(), "the daemon does not go on");
    drop(idle);
    wait_until(Duration::from_secs(5), "room again", || {
        let mut one = http.connect();
        drop(one.write_all(http.request("GET", "/healthz", None).as_bytes()));
        let text = read_all(&mut one);
        !text.is_empty() && Answer::read(&text).status == 200
    });
}

// rule T4
fn readers_that_do_not_read_cost_little_and_hold_up_nobody() {
    let sandbox = Sandbox::new();
    let text = Many::new(10_000, free_udp_address()).text() + "\n" + USUAL;
    let daemon = Daemon::start_text(&sandbox, &text);
    let http = http(&daemon).token(READ_TOKEN);
    // Their first attempts are over, and the next ones are far.
    wait_until(Duration::from_secs(60), "all to be refused", || {
        http.get("/api/v1/accounts?phase=waiting-to-retry&limit=1")
            .json()["matching"]
            == 10_000
    });
    http.get("/api/v1/accounts?limit=all&sort=status");
    let before = daemon.resident_kib();
    let deaf: Vec<TcpStream> = (0..60)
        .map(|number| {
            let path = match number % 2 {
                0 => "/api/v1/accounts?limit=all",
                _ => "/api/v1/accounts?limit=all&sort=status",
            };
            let mut stream = http.connect();
            stream
                .write_all(http.request("GET", path, None).as_bytes())
                .unwrap();
            stream
        })
        .collect();
    let streams: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut stream = http.connect();
            stream
                .write_all(http.request("GET", "/api/v1/stream", None).as_bytes())
                .unwrap();
            stream
        })
        .collect();
    // Each has begun to be answered.
    for mut stream in deaf.iter().chain(&streams) {
        stream.read_exact(&mut [0; 12]).unwrap();
    }
    // What they asked for is in the making; after that they cost nothing.
    http.get("/api/v1/accounts?limit=100");
    let start = Instant::now();
    let page = http.get("/api/v1/accounts?limit=100");
    assert_eq!(page.json()["accounts"].as_array().unwrap().len(), 100);
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(daemon.tell(&["status", "--matching", "-"]).code, Some(0));
    let grown = daemon.resident_kib().saturating_sub(before);
    assert!(
        grown < 40 << 10,
        "{grown} KiB for {} readers",
        deaf.len() + streams.len()
    );
    drop((deaf, streams));
    let whole = http.get("/api/v1/accounts?limit=all").json();
    assert_eq!(whole["accounts"].as_array().unwrap().len(), 10_000);
}

// rule T4
fn streams_are_bounded() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(READ_TOKEN);
    let streams: Vec<TcpStream> = (0..32)
        .map(|_| {
            let mut stream = http.connect();
            stream
                .write_all(http.request("GET", "/api/v1/stream", None).as_bytes())
                .unwrap();
            stream.read_exact(&mut [0; 15]).unwrap();
            stream
        })
        .collect();
    let refused = http.get("/api/v1/stream");
    assert_eq!((refused.status, &*refused.code()), (429, "busy"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(streams);
    wait_until(Duration::from_secs(5), "room for a stream", || {
        let mut stream = http.connect();
        stream
            .write_all(http.request("GET", "/api/v1/stream", None).as_bytes())
            .unwrap();
        let mut line = [0; 15];
        stream.read_exact(&mut line).is_ok() && line == *b"HTTP/1.1 200 OK"
    });
}

// rule T4
fn a_reader_that_does_not_read_is_let_go() {
    let sandbox = Sandbox::new();
    let text = Many::new(10_000, free_udp_address()).text() + "\n" + USUAL;
    let daemon = Daemon::start_text(&sandbox, &text);
    let http = http(&daemon).token(READ_TOKEN);
    let mut deaf = http.connect();
    let request = http.request("GET", "/api/v1/accounts?limit=all", None);
    deaf.write_all(request.as_bytes()).unwrap();
    wait_until(Duration::from_secs(45), "the reader to be let go", || {
        count(&daemon, "a reader that does not read was let go") == 1
    });
    goes_on(&Http::new(http.address));
}
