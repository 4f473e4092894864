//! Traces as operators meet them: the ladder, the messages whole, what other programs are given,
//! and what may not be seen in any of it.

mod capture;
mod hep;

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{
    Config, Daemon, Many, Piped, Registrar, SOON, Sandbox, accept, challenge, read_text, regent,
    usual, wait_for, wait_until,
};
use crate::harness::{User, free_udp_address};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        the_story_of_an_account_is_told_without_its_credentials,
        the_messages_are_those_of_the_document,
        repeats_silence_and_late_answers_are_seen,
        why_another_registrar_is_asked_is_told,
        an_account_that_is_gone_is_still_found,
        probes_belong_to_their_proxy_set,
        who_follows_sees_what_happens,
        who_reads_slowly_is_told_what_went_by,
        nothing_that_arrives_steers_a_terminal,
        what_cannot_be_shown_is_said,
    ];
    trials.extend(capture::trials());
    trials.extend(hep::trials());
    trials
}

/// A daemon with one Account, and these lines in its table `[agent]`.
#[track_caller]
fn start<'a>(sandbox: &'a Sandbox, config: &Config, agent: &str) -> Daemon<'a> {
    let file = config.write(sandbox);
    let text = format!("[agent]\n{agent}\n{}", read_text(&file));
    Daemon::start_text(sandbox, &text)
}

/// What the command says on its standard output.
#[track_caller]
fn told(daemon: &Daemon<'_>, arguments: &[&str]) -> String {
    let arguments: Vec<&str> = ["trace"].iter().chain(arguments).copied().collect();
    let said = daemon.tell(&arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    said.out
}

/// The messages, as programs get them.
#[track_caller]
fn messages(daemon: &Daemon<'_>, arguments: &[&str]) -> Vec<Value> {
    let arguments: Vec<&str> = ["--json"].iter().chain(arguments).copied().collect();
    let document: Value = serde_json::from_str(&told(daemon, &arguments)).expect("JSON");
    assert_eq!(document["schema"], 1);
    document["messages"].as_array().expect("a list").clone()
}

/// What stands between the columns of a ladder, line by line.
fn rungs(ladder: &str) -> Vec<&str> {
    let rungs = ladder.lines().filter_map(|line| line.get(14..));
    let rungs = rungs.map(|rung| rung.trim_matches(['|', '-', '<', '>', ' ', '*']));
    rungs.collect()
}

fn the_story_of_an_account_is_told_without_its_credentials() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &Config::new(registrar.address()), "");
    daemon.wait_registered(SOON);
    let ladder = told(&daemon, &["main"]);
    let rungs = rungs(&ladder);
    let starts = [
        "REGISTER CSeq 1, asks 180 s",
        "401 Unauthorized, ",
        "REGISTER CSeq 2, credentials, asks 180 s",
        "200 OK, ",
    ];
    let mut found = rungs.iter();
    for start in starts {
        let rung = found.find(|rung| rung.starts_with(start));
        assert!(rung.is_some(), "no {start:?} in its place: {ladder}");
    }
    assert!(ladder.contains(", grants 60 s"), "{ladder}");
    let call_ids = ladder.matches("Call-ID ").count();
    assert_eq!(call_ids, 1, "{ladder}");
    assert!(
        ladder.lines().all(|line| line.chars().count() <= 100),
        "{ladder}"
    );
    // What the registrar was told is not for anybody else.
    let heard = registrar.heard().to_string();
    let whole = told(&daemon, &["main", "--full"]);
    let listed = messages(&daemon, &["main"]);
    let said = format!("{ladder}{whole}{}{}", json!(listed), daemon.log());
    for name in ["response=\"", "cnonce=\"", "nonce=\""] {
        let values: Vec<&str> = heard
            .match_indices(name)
            .filter_map(|(at, _)| heard[at + name.len()..].split('"').next())
            .collect();
        assert!(!values.is_empty(), "no {name} was sent");
        for value in values {
            assert!(!said.contains(value), "{name}{value} is shown");
        }
    }
    assert!(
        whole.contains("Authorization: Digest username=\"u12345\""),
        "{whole}"
    );
    assert!(whole.contains("response=\"****"), "{whole}");
    // All else is as it was on the wire, and as long.
    let sent: Vec<&Value> = listed.iter().filter(|it| it["kind"] == "sent").collect();
    assert_eq!(sent.len(), 2, "{listed:?}");
    for (message, heard) in sent.iter().zip(registrar.heard().0) {
        let text = message["text"].as_str().expect("text");
        assert_eq!(text.len(), heard.text().len());
        assert_eq!(text.lines().next(), heard.text().lines().next());
        assert_eq!(message["account"], "main");
        assert_eq!(message["remote"], registrar.address().to_string());
        assert_eq!(message["transport"], "udp");
    }
    let limited = messages(&daemon, &["main", "-n", "1"]);
    assert_eq!(limited, &listed[listed.len() - 1..]);
    let last = limited[0]["at"].as_str().expect("a time");
    assert_eq!(messages(&daemon, &["--since", last]), limited);
    assert_eq!(messages(&daemon, &["--since", "1h"]), listed);
    assert!(messages(&daemon, &["--until", "1h"]).is_empty());
}

fn the_messages_are_those_of_the_document() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let daemon = start(&sandbox, &config, "");
    daemon.wait_registered(SOON);
    registrar.send(config.local(), b"\xff");
    let told = wait_for(SOON, "what is no text", || {
        let told = messages(&daemon, &[]);
        told.iter().any(|it| it["hex"] == "ff").then_some(told)
    });
    let fields = told.iter().filter_map(Value::as_object);
    let fields: BTreeSet<&str> = fields
        .flat_map(|it| it.keys().map(String::as_str))
        .collect();
    let document = include_str!("../../docs/control-protocol.md");
    let (_, table) = document.split_once("## A message").expect("its section");
    let table = table.split("\n## ").next().unwrap_or_default();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.flat_map(|row| row.split('|').next().unwrap_or_default().split('`'));
    let documented: BTreeSet<&str> = names
        .filter(|name| name.len() > 2 || *name == "at")
        .collect();
    assert_eq!(fields, documented);
}

// rules X1, P7
fn repeats_silence_and_late_answers_are_seen() {
    let sandbox = Sandbox::new();
    let mut first: Option<Vec<u8>> = None;
    // The answer to the first request comes after the second has been answered.
    let registrar = Registrar::start(move |message| {
        if !message.is_register() {
            return Vec::new();
        }
        if message.credentials().is_some() {
            return [Some(accept(message, 60)), first.take()]
                .into_iter()
                .flatten()
                .collect();
        }
        if first.is_none() {
            first = Some(challenge(message));
            return Vec::new();
        }
        vec![challenge(message)]
    });
    let daemon = start(&sandbox, &Config::new(registrar.address()), "");
    daemon.wait_registered(SOON);
    let ladder = wait_for(SOON, "the late answer", || {
        let ladder = told(&daemon, &["main"]);
        ladder.contains(", again,").then_some(ladder)
    });
    assert!(
        ladder.contains("REGISTER CSeq 1, again (2), asks 180 s"),
        "{ladder}"
    );
    assert_eq!(ladder.matches("401 Unauthorized, ").count(), 2, "{ladder}");
    // Nobody listens there any more, and no message could say so.
    drop(registrar);
    daemon.tell(&["refresh", "main"]);
    let ladder = told(&daemon, &["main"]);
    assert!(
        ladder.contains("* refresh failed, the binding stands: "),
        "{ladder}"
    );
}

fn why_another_registrar_is_asked_is_told() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let nobody = free_udp_address();
    let file = Config::new(registrar.address()).write(&sandbox);
    let there = format!("address = \"{}\"", registrar.address());
    let both = format!("address = \"{nobody}\" }}, {{ {there}");
    let mode = "registrar_stickiness = \"enable\"\nregistrar_search_mode = \"ims\"\n";
    let text = read_text(&file).replace(&there, &both) + mode;
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_registered(SOON);
    let listed = messages(&daemon, &["main"]);
    let place = |wanted: &dyn Fn(&Value) -> bool| listed.iter().position(wanted);
    let sent_to = |to: String| move |it: &Value| it["kind"] == "sent" && it["remote"] == *to;
    let first = place(&sent_to(nobody.to_string()));
    let note = format!("{nobody}: not reachable");
    let noted = place(&|it| it["kind"] == "note" && it["text"] == *note);
    let second = place(&sent_to(registrar.address().to_string()));
    assert!(
        first.is_some() && first < noted && noted < second,
        "{listed:#?}"
    );
    let ladder = told(&daemon, &["main"]);
    assert!(ladder.contains(&format!("* {note}")), "{ladder}");
}

fn an_account_that_is_gone_is_still_found() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let text = Many::new(2, registrar.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 2);
    let before = messages(&daemon, &["a1"]).len();
    let (kept, _) = text
        .split_once("\n[[ip_group]]\nname = \"PBX-1\"")
        .expect("the Account a1");
    sandbox.write("regent.toml", kept);
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until(SOON, "the last of it", || {
        daemon.tell(&["status", "a1"]).code == Some(2)
    });
    let ladder = told(&daemon, &["a1"]);
    assert!(ladder.contains(", removes the binding"), "{ladder}");
    assert!(messages(&daemon, &["a1"]).len() >= before + 2);
    assert!(
        messages(&daemon, &["a1"])
            .iter()
            .all(|message| message["account"] == "a1")
    );
    let both = messages(&daemon, &["a0", "a1"]);
    let all = messages(&daemon, &[]);
    assert_eq!(both, all);
    // An Account that there never was is a slip of the pen.
    let said = daemon.tell(&["trace", "a2"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("there is no Account \"a2\""), "{said:?}");
}

// rule P3
fn probes_belong_to_their_proxy_set() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|message| match message.is_register() {
        true => usual(message, 60),
        false => vec![challenge(message)],
    });
    let set = "[[proxy_set]]\nkeep_alive = \"options\"";
    let text = Many::new(1, registrar.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text.replace("[[proxy_set]]", set));
    daemon.wait_count(SOON, 1);
    let probes = wait_for(SOON, "an answered probe", || {
        let probes = messages(&daemon, &["--proxy-set", "carrier"]);
        (probes.len() >= 2).then_some(probes)
    });
    let texts = probes.iter().filter_map(|probe| probe["text"].as_str());
    assert!(texts.clone().any(|text| text.starts_with("OPTIONS ")));
    assert!(texts.clone().any(|text| text.starts_with("SIP/2.0 401 ")));
    assert!(texts.clone().all(|text| !text.starts_with("REGISTER ")));
    assert!(probes.iter().all(|probe| probe["proxy_set"] == "carrier"));
    let address = registrar.address();
    let host = address.ip().to_string();
    let here = messages(&daemon, &["--registrar", &address.to_string()]);
    assert_eq!(messages(&daemon, &["--registrar", &host]), here);
    assert!(here.len() > probes.len());
    assert!(messages(&daemon, &["--registrar", "192.0.2.9"]).is_empty());
    let said = daemon.tell(&["trace", "--proxy-set", "carier"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("did you mean \"carrier\"?"), "{said:?}");
    let said = daemon.tell(&["trace", "--registrar", "nowhere"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("it must be an IP address"), "{said:?}");
}

fn who_follows_sees_what_happens() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &Config::new(registrar.address()), "");
    daemon.wait_registered(SOON);
    let socket = daemon.socket().to_string_lossy().into_owned();
    let mut lines = Piped::start(&[
        "trace", "main", "--follow", "--json", "-n", "1", "--socket", &socket,
    ]);
    let mut ladder = Piped::start(&["trace", "--follow", "-n", "0", "--socket", &socket]);
    let line = |lines: &mut Piped| -> Value {
        let mut line: Value = serde_json::from_str(&lines.line()).expect("JSON");
        let schema = line.as_object_mut().and_then(|line| line.remove("schema"));
        assert_eq!(schema, Some(json!(1)), "{line}");
        line
    };
    let last = line(&mut lines);
    assert_eq!(
        json!([last]),
        json!(messages(&daemon, &["main", "-n", "1"]))
    );
    let said = daemon.tell(&["refresh", "main"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let first = line(&mut lines);
    assert!(first["number"].as_u64() > last["number"].as_u64());
    assert!(
        first["text"]
            .as_str()
            .is_some_and(|text| text.starts_with("REGISTER "))
    );
    assert_eq!(line(&mut lines)["kind"], "received");
    let mut seen = String::new();
    while !seen.contains("200 OK") {
        seen += &ladder.line();
    }
    assert!(seen.contains("REGISTER CSeq 3"), "{seen}");
    // It ends with whoever reads it, and with the daemon.
    ladder.close_output();
    assert!(ladder.end().0.success());
    daemon.stop();
    let (ended, complaint) = lines.end();
    assert_eq!(ended.code(), Some(3), "{complaint}");
}

fn who_reads_slowly_is_told_what_went_by() {
    let sandbox = Sandbox::new();
    let config = Config::new(free_udp_address());
    let daemon = start(&sandbox, &config, "trace_memory_mib = 1");
    let mut slow = UnixStream::connect(daemon.socket()).expect("the daemon listens");
    slow.set_read_timeout(Some(SOON)).expect("a time limit");
    let request = json!({"v": 1, "method": "trace", "params": {"follow": true}});
    writeln!(slow, "{request}").expect("the daemon reads");
    let mut slow = BufReader::new(slow);
    let mut line = String::new();
    while !line.contains("\"following\"") {
        line.clear();
        slow.read_line(&mut line).expect("a line");
    }
    // More than the connection and the memory hold, while nobody reads.
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let flood = vec![b'x'; 20_000];
    let kept = || {
        messages(&daemon, &[])
            .last()
            .map(|it| it["number"].as_u64())
    };
    for _ in 0..10 {
        let before = kept();
        for _ in 0..20 {
            stranger
                .send_to(&flood, config.local())
                .expect("loopback takes it");
        }
        wait_until(SOON, "the flood to arrive", || kept() != before);
    }
    stranger
        .send_to(b"the end", config.local())
        .expect("loopback takes it");
    let (mut missed, mut read) = (0, 0);
    loop {
        line.clear();
        slow.read_line(&mut line).expect("a line in time");
        let item: Value = serde_json::from_str(&line).expect("JSON");
        missed += item["item"]["missed"].as_u64().unwrap_or(0);
        match item["item"]["message"]["text"].as_str() {
            Some("the end") => break,
            Some(text) if text.starts_with("xx") => read += 1,
            _ => {}
        }
    }
    assert!(missed > 0 && read > 0, "missed {missed}, read {read}");
    assert!(missed + read <= 200, "missed {missed}, read {read}");
}

fn nothing_that_arrives_steers_a_terminal() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let daemon = start(&sandbox, &config, "");
    daemon.wait_registered(SOON);
    let mut huge = b"SIP/2.0 200 \x1b]0;owned\x07".to_vec();
    huge.resize(65_000, b'\x1b');
    let hostile: [&[u8]; 5] = [
        b"\x1b[2J\x1b[31mred\r\nVia: \x9b1m\r\n\r\n",
        b"\xff\xfe\x00\x1b[5m binary \x80",
        b"SIP/2.0 403 \x1b[1mNo\r\nVia: SIP/2.0/UDP a;branch=\x1b[m\r\nReason: \xe2\x80\xaex\r\n\r\n",
        b"OPTIONS sip:\x1b[2J@a SIP/2.0\r\nCSeq: 1 \x1b[2J\r\nCall-ID: \x1b[2J\r\n\r\n",
        &huge,
    ];
    for bytes in hostile {
        registrar.send(config.local(), bytes);
    }
    registrar.send(config.local(), b"the end");
    wait_until(SOON, "them all to be kept", || {
        told(&daemon, &[]).contains("the end")
    });
    let ladder = told(&daemon, &[]);
    assert!(
        ladder.lines().all(|line| line.chars().count() <= 100),
        "{ladder}"
    );
    assert!(ladder.contains("\\x1b[2J"), "{ladder}");
    let full = told(&daemon, &["--full"]);
    assert!(full.contains("\\xff\\xfe\\x00\\x1b[5m binary \\x80"));
    let harmful = |one: char| one != '\n' && (one.is_control() || one == '\u{202e}');
    assert_eq!(
        format!("{ladder}{full}{}", daemon.log()).find(harmful),
        None
    );
    // Programs get every byte.
    let told = messages(&daemon, &[]);
    let binary = told
        .iter()
        .find_map(|it| it["hex"].as_str())
        .expect("what is no text");
    assert!(
        binary.starts_with("1b5b324a") || binary.starts_with("fffe00"),
        "{binary}"
    );
}

fn what_cannot_be_shown_is_said() {
    let sandbox = Sandbox::new();
    let config = Config::new(free_udp_address());
    let daemon = start(&sandbox, &config, "trace_memory_mib = 0");
    let said = daemon.tell(&["trace"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("the daemon keeps no messages"),
        "{said:?}"
    );
    assert!(said.err.contains("trace_memory_mib"), "{said:?}");
    let said = daemon.tell(&["trace", "--pcap", "/nonexistent/a.pcap"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("cannot write /nonexistent/a.pcap"),
        "{said:?}"
    );
    for (arguments, why) in [
        (&["trace", "--since", "soon"][..], "not a time; for example"),
        (&["trace", "--json", "--full"][..], "cannot be used with"),
        (&["trace", "--limit", "x"][..], "invalid value"),
    ] {
        let said = daemon.tell(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    let nowhere = sandbox.path("nowhere.sock");
    let said = regent(
        &sandbox,
        User::Same,
        &["trace", "--socket", &nowhere.to_string_lossy()],
    );
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.took < Duration::from_secs(5));
}
