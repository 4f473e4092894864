//! The control socket as other programs meet it: its messages, its limits, and who may use it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use regent::rng::Seed;
use serde_json::{Value, json};

use crate::harness::{Daemon, Many, Sandbox, User, free_udp_address, regent, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        the_messages_are_those_of_the_document,
        proxy_sets_are_told_as_documented,
        pages_and_filters_show_what_was_asked_for,
        what_is_no_request_is_told_so,
        whatever_a_client_says_it_is_answered_and_the_log_stays_short,
        a_daemon_of_another_version_is_told_apart,
        a_slow_reader_keeps_nobody_waiting,
        who_watches_is_told_of_a_removal_and_of_an_addition,
        the_hundredth_client_is_told_that_there_are_too_many,
    ]
}

/// A configuration with so many Accounts at a port where nobody listens.
fn unserved(accounts: usize) -> String {
    Many::new(accounts, free_udp_address()).text()
}

/// A client that speaks lines of JSON and nothing else.
struct Lines(BufReader<UnixStream>);

impl Lines {
    #[track_caller]
    fn open(socket: &Path) -> Self {
        let stream = UnixStream::connect(socket).expect("the daemon listens");
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("a time limit");
        Self(BufReader::new(stream))
    }

    #[track_caller]
    fn say(&mut self, line: &str) {
        writeln!(self.0.get_mut(), "{line}").expect("the daemon reads");
    }

    /// The next line; `None` when the daemon has hung up.
    #[track_caller]
    fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.0
            .read_line(&mut line)
            .expect("the daemon answers in time");
        (!line.is_empty()).then(|| serde_json::from_str(&line).expect("a line of JSON"))
    }

    /// The items of an answer, and its last line.
    #[track_caller]
    fn ask(&mut self, method: &str, params: &Value) -> (Vec<Value>, Value) {
        self.say(&json!({"v": 1, "id": 7, "method": method, "params": params}).to_string());
        let mut items = Vec::new();
        loop {
            let mut line = self.hear().expect("an answer");
            assert_eq!(line["id"], 7, "{line}");
            match line.get_mut("item") {
                Some(item) => items.push(item.take()),
                None => return (items, line),
            }
        }
    }
}

// rule G2
fn who_watches_is_told_of_a_removal_and_of_an_addition() {
    let sandbox = Sandbox::new();
    let text = unserved(3).replace("register = \"regular\"", "register = \"no\"");
    let daemon = Daemon::start_text(&sandbox, &text);
    let mut client = Lines::open(daemon.socket());
    client.say(r#"{"v":1,"id":5,"method":"watch"}"#);
    while client.hear().expect("a picture")["item"]["watching"].is_null() {}
    let other = text.replace("name = \"a1\"", "name = \"b1\"");
    sandbox.write("regent.toml", &other);
    let (_, end) = Lines::open(daemon.socket()).ask("reload", &json!({}));
    assert_eq!(end["done"]["removed"], json!(["a1"]));
    assert_eq!(end["done"]["added"], json!(["b1"]));
    let mut told = BTreeSet::new();
    while !(told.contains("-a1") && told.contains("+b1")) {
        let line = client.hear().expect("news");
        let item = &line["item"];
        let names = [
            ("+", &item["account"]["name"]),
            ("-", &item["removed"]["account"]),
        ];
        let names = names
            .into_iter()
            .filter_map(|(sign, it)| Some((sign, it.as_str()?)));
        told.extend(names.map(|(sign, name)| format!("{sign}{name}")));
    }
    let (items, end) = Lines::open(daemon.socket()).ask("status", &json!({}));
    assert_eq!((items.len(), &end["done"]["total"]), (3, &json!(3)));
}

fn the_messages_are_those_of_the_document() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start_text(&sandbox, &unserved(3));
    let mut client = Lines::open(daemon.socket());
    client.say(r#"{"v":1,"id":5,"method":"hello"}"#);
    let hello = client.hear().expect("an answer");
    assert_eq!(hello["id"], 5);
    assert_eq!(hello["done"]["protocol"], 1);
    assert_eq!(hello["done"]["schema"], 1);
    assert_eq!(hello["done"]["pid"], daemon.pid().as_raw());
    let file = sandbox.path("regent.toml");
    assert_eq!(hello["done"]["configuration"], *file.to_string_lossy());
    assert_eq!(hello["done"]["format"], "toml");

    let (items, end) = client.ask("status", &json!({"names": ["a1"]}));
    assert_eq!(items.len(), 1);
    let account = items[0]["account"].as_object().expect("an Account");
    // Every field that the document lists is there, also where it has no value, and no other.
    let document = include_str!("../../docs/status.md");
    let table = section(document, "### An Account");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<&str> = rows
        .flat_map(|row| row.split('|').next().unwrap_or_default().split('`'))
        .filter(|name| name.len() > 2)
        .collect();
    let told: BTreeSet<&str> = account.keys().map(String::as_str).collect();
    assert_eq!(documented, told);
    assert_eq!(end["done"]["total"], 3);
    assert_eq!(end["done"]["matching"], 1);
    let phases = end["done"]["phases"].as_object().expect("an object");
    assert_eq!(phases.values().filter_map(Value::as_u64).sum::<u64>(), 3);

    let (items, end) = client.ask("unregister", &json!({"all": true}));
    let outcomes: Vec<_> = items
        .iter()
        .map(|item| &item["outcome"]["outcome"])
        .collect();
    assert_eq!(outcomes, ["unregistered"; 3], "{items:?}");
    assert_eq!(end["done"]["accounts"], 3);
    let (items, end) = client.ask("register", &json!({"names": ["a0"], "wait": false}));
    assert_eq!((items.len(), &end["done"]["accounts"]), (0, &json!(1)));
    for (params, code) in [
        (json!({"names": ["a0", "zz"]}), "unknown-account"),
        (json!({"names": ["a0"], "all": true}), "bad-params"),
    ] {
        let mut client = Lines::open(daemon.socket());
        let (_, end) = client.ask("refresh", &params);
        assert_eq!(end["error"]["code"], code, "{end}");
        assert!(end["error"]["message"].is_string());
    }
}

/// What stands below a heading, up to the next.
#[track_caller]
fn section<'a>(document: &'a str, heading: &str) -> &'a str {
    let (_, rest) = document.split_once(heading).expect("its section");
    rest.split("\n##").next().unwrap_or(rest)
}

fn proxy_sets_are_told_as_documented() {
    let sandbox = Sandbox::new();
    let probed = "[[proxy_set]]\nkeep_alive = \"options\"";
    let text = unserved(2).replace("[[proxy_set]]", probed);
    let daemon = Daemon::start_text(&sandbox, &text);
    let mut client = Lines::open(daemon.socket());
    // Nobody listens there, and the system says so.
    let set = wait_for(Duration::from_secs(10), "an unreachable member", || {
        let (mut items, end) = client.ask("proxy-sets", &json!({}));
        assert_eq!((items.len(), &end["done"]["proxy_sets"]), (1, &json!(1)));
        let set = items[0]["proxy-set"].take();
        (set["members"][0]["health"] == "UNREACHABLE").then_some(set)
    });
    assert_eq!(set["is_online"], false);
    let document = include_str!("../../docs/status.md");
    let tables = ["### A Proxy Set", "### A member"].map(|heading| section(document, heading));
    let tables = tables.concat();
    let rows = tables.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.flat_map(|row| row.split('|').next().unwrap_or_default().split('`'));
    let documented: Vec<&str> = names.filter(|name| name.len() > 2).collect();
    let keys = |value: &Value| {
        let keys = value.as_object().expect("an object").keys();
        keys.cloned().collect::<Vec<_>>()
    };
    let mut told = [keys(&set), keys(&set["members"][0])].concat();
    told.sort();
    let mut documented: Vec<String> = documented.into_iter().map(str::to_owned).collect();
    documented.sort();
    assert_eq!(documented, told);
    let (items, _) = client.ask("proxy-sets", &json!({"names": [set["name"]]}));
    assert_eq!(items.len(), 1);
    let (items, end) = client.ask("proxy-sets", &json!({"names": ["zz"]}));
    assert_eq!(
        (items.len(), &end["error"]["code"]),
        (0, &json!("unknown-proxy-set"))
    );
}

fn pages_and_filters_show_what_was_asked_for() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start_text(&sandbox, &unserved(25));
    let mut client = Lines::open(daemon.socket());
    let mut names = |params: Value| {
        let (items, end) = client.ask("status", &params);
        let names = items.iter().map(|item| {
            item["account"]["name"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        });
        (names.collect::<Vec<_>>(), end["done"]["matching"].clone())
    };
    assert_eq!(
        names(json!({"offset": 23})),
        (vec!["a23".into(), "a24".into()], json!(25))
    );
    assert_eq!(names(json!({"offset": 3, "limit": 2})).0, ["a3", "a4"]);
    assert_eq!(
        names(json!({"matching": "A2", "limit": 1})),
        (vec!["a2".into()], json!(6))
    );
    assert_eq!(names(json!({"phases": ["registered"]})), (vec![], json!(0)));
    assert_eq!(names(json!({"names": ["a9", "a1"]})).0, ["a1", "a9"]);
    assert_eq!(names(json!({"limit": 0})), (vec![], json!(25)));
}

fn what_is_no_request_is_told_so() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start_text(&sandbox, &unserved(1));
    let long = [vec![b' '; 300_000], b"\n".to_vec()].concat();
    let bad: [&[u8]; 4] = [b"hello\n", b"\xff\xfe\n", b"{\"v\":1,\"id\":3,\n", &long];
    for line in bad {
        let mut client = Lines::open(daemon.socket());
        client.0.get_mut().write_all(line).ok();
        let answer = client.hear().expect("an answer");
        assert_eq!(answer["error"]["code"], "bad-request", "{answer}");
        assert_eq!(answer["id"], 0, "{answer}");
        // It hangs up, with what was not read still on its way or not.
        let rest = client.0.read_line(&mut String::new());
        assert!(matches!(rest, Ok(0) | Err(_)), "{rest:?}");
    }
    // Whoever speaks JSON is answered by the number of the request, and may go on.
    let mut client = Lines::open(daemon.socket());
    for (id, code, rest) in [
        (2, "bad-request", r#""v":1"#),
        (3, "bad-version", r#""method":"hello""#),
        (4, "bad-version", r#""v":2,"method":"hello","and":"more""#),
        (5, "unknown-method", r#""v":1,"method":"explode""#),
        (
            6,
            "bad-params",
            r#""v":1,"method":"status","params":{"nmaes":["a0"]}"#,
        ),
        (7, "bad-params", r#""v":1,"method":"register""#),
        (8, "bad-params", r#""v":1,"method":"register","params":{}"#),
        (
            9,
            "unknown-account",
            r#""v":1,"method":"status","params":{"names":["b0"]}"#,
        ),
    ] {
        client.say(&format!("{{\"id\":{id},{rest}}}"));
        let answer = client.hear().expect("an answer");
        assert_eq!(answer["error"]["code"], code, "{answer}");
        assert_eq!(answer["id"], id, "{answer}");
    }
    let (_, end) = client.ask("hello", &json!({}));
    assert_eq!(end["done"]["protocol"], 1, "{end}");
    // Half a request and no more of it.
    client
        .0
        .get_mut()
        .write_all(b"{\"v\":1")
        .expect("the daemon reads");
    drop(client);
    let (items, _) = Lines::open(daemon.socket()).ask("hello", &json!({}));
    assert_eq!(items.len(), 0);
}

/// Requests as they should be, for chance to spoil.
const REQUESTS: [&str; 6] = [
    r#"{"v":1,"id":1,"method":"hello"}"#,
    r#"{"v":1,"id":2,"method":"status","params":{"names":["a0"],"phases":["held"],"limit":3}}"#,
    r#"{"v":1,"id":3,"method":"register","params":{"names":["a0"],"wait":false}}"#,
    r#"{"v":1,"id":4,"method":"events","params":{"accounts":["a0"],"limit":2}}"#,
    r#"{"v":1,"id":5,"method":"trace","params":{"accounts":["a0"]}}"#,
    r#"{"v":1,"id":6,"method":"metrics","params":{"format":"openmetrics","accounts":true}}"#,
];

/// What means something in JSON.
const SPICE: &[u8] = b"{}[]\",:0-9e\\";

fn whatever_a_client_says_it_is_answered_and_the_log_stays_short() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start_text(&sandbox, &unserved(1));
    let seed = std::process::id().into();
    let mut draw = Seed::from_number(seed).draw(0, 0);
    let mut client = Lines::open(daemon.socket());
    let deep = format!(r#"{{"v":1,"id":1,"method":{}"#, "[".repeat(200_000));
    for turn in 0..1_500 {
        let which = format!("seed {seed}, turn {turn}");
        let mut line = REQUESTS[(draw.number() % 6) as usize].as_bytes().to_vec();
        for _ in 0..=draw.number() % 4 {
            let place = (draw.number() % line.len() as u64) as usize;
            match draw.number() % 5 {
                0 => line[place] = (draw.number() % 256) as u8,
                1 if line.len() > 1 => drop(line.remove(place)),
                2 => line.truncate(place.max(1)),
                3 => line.insert(place, SPICE[(draw.number() % SPICE.len() as u64) as usize]),
                _ => line.extend_from_within(place..),
            }
        }
        line.retain(|byte| *byte != b'\n');
        if turn % 300 == 0 {
            line = deep.clone().into_bytes();
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        line.push(b'\n');
        // What asks for more than one answer may have come of it by chance.
        let is_open = String::from_utf8_lossy(&line).contains("follow");
        if is_open || client.0.get_mut().write_all(&line).is_err() {
            client = Lines::open(daemon.socket());
            continue;
        }
        let last = loop {
            let said = client.hear().expect(&which);
            if said.get("item").is_none() {
                break said;
            }
        };
        let is_end = last.get("done").is_some() || last.get("error").is_some();
        assert!(is_end, "{which}: {last}");
        if last["id"] == 0 {
            client = Lines::open(daemon.socket());
        }
    }
    let (items, _) = Lines::open(daemon.socket()).ask("status", &json!({}));
    assert_eq!(items.len(), 1);
    let log = daemon.log();
    daemon.stop();
    assert_eq!(log.matches("says is no request").count(), 1, "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

fn a_daemon_of_another_version_is_told_apart() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("other.sock");
    let listener = UnixListener::bind(&socket).expect("room in the sandbox");
    let hint = concat!(
        "hint: the daemon is of another version than this command (",
        env!("CARGO_PKG_VERSION"),
        "); restart it\n"
    );
    for (answer, wanted) in [
        (
            r#"{"id":1,"error":{"code":"unknown-method","message":"no such thing","hint":"no"}}"#,
            format!("error: no such thing\n{hint}"),
        ),
        (
            r#"{"id":1,"error":{"code":"bad-version","message":"only version 2"}}"#,
            format!("error: only version 2\n{hint}"),
        ),
        (
            r#"{"id":1,"error":{"code":"too-warm","message":"only in winter"}}"#,
            "error: only in winter\n".to_owned(),
        ),
    ] {
        let said = thread::scope(|scope| {
            scope.spawn(|| {
                let (stream, _) = listener.accept().expect("a client");
                let mut client = Lines(BufReader::new(stream));
                client.hear().expect("a request");
                client.say(answer);
            });
            let arguments = ["status", "--socket", socket.to_str().expect("text")];
            regent(&sandbox, User::Same, &arguments)
        });
        assert_eq!((said.code, said.err), (Some(1), wanted));
    }
}

fn a_slow_reader_keeps_nobody_waiting() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start_text(&sandbox, &unserved(2_000));
    // Nobody reads these: each answer is far longer than the socket holds.
    let mut slow: Vec<_> = (0..8).map(|_| Lines::open(daemon.socket())).collect();
    for client in &mut slow {
        for _ in 0..4 {
            client.say(r#"{"v":1,"method":"status"}"#);
        }
        client.say(r#"{"v":1,"method":"watch"}"#);
    }
    let start = Instant::now();
    let mut client = Lines::open(daemon.socket());
    let (items, _) = client.ask("status", &json!({}));
    assert_eq!(items.len(), 2_000);
    let (items, _) = client.ask("unregister", &json!({"names": ["a7"]}));
    assert_eq!(items[0]["outcome"]["outcome"], "unregistered");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "it took {took:?}");
}

fn the_hundredth_client_is_told_that_there_are_too_many() {
    let sandbox = Sandbox::new();
    let daemon = Daemon::start_text(&sandbox, &unserved(1));
    let mut clients: Vec<_> = (0..100).map(|_| Lines::open(daemon.socket())).collect();
    let last = clients.last_mut().expect("a hundred of them");
    let answer = last.hear().expect("an answer");
    assert_eq!(answer["error"]["code"], "busy", "{answer}");
    assert_eq!(last.hear(), None);
    drop(clients);
    wait_for(Duration::from_secs(5), "room for a client again", || {
        let mut client = Lines::open(daemon.socket());
        // One that is turned away may not be able to finish its sentence.
        writeln!(client.0.get_mut(), r#"{{"v":1,"method":"hello"}}"#).ok()?;
        client.hear().filter(|answer| answer.get("done").is_some())
    });
}
