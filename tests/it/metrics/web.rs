//! `/metrics` and round trips over time, by HTTP.

use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::Value;

use super::samples;
use crate::harness::{Config, Daemon, Registrar, SOON, Sandbox, read_text, wait_for};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_format_is_what_the_request_prefers,
        who_may_read_metrics_is_configured,
        accounts_are_shown_where_the_configuration_says_so,
        round_trips_over_time_are_told_by_registrar,
    ]
}

const TOKEN: &str = "a-token-for-the-tests";

/// A daemon with a web server, and its Account registered.
#[track_caller]
fn start<'s>(sandbox: &'s Sandbox, registrar: &Registrar, web: &str) -> Daemon<'s> {
    let file = Config::new(registrar.address()).write(sandbox);
    let web = format!("[web]\nlisten = [\"127.0.0.1:0\"]\ntoken = \"{TOKEN}\"\n{web}");
    sandbox.write("regent.toml", &format!("{web}\n{}", read_text(&file)));
    let daemon = Daemon::start_with(sandbox, &file);
    daemon.wait_registered(SOON);
    daemon
}

struct Answer {
    status: u16,
    kind: String,
    text: String,
}

/// Asks with these headers.
#[track_caller]
fn get(daemon: &Daemon<'_>, path: &str, headers: &[(&str, &str)]) -> Answer {
    let said = daemon.tell(&["web", "--json"]);
    let told: Value = serde_json::from_str(&said.out).expect("JSON");
    let address = told["addresses"][0].as_str().expect("an address");
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .new_agent();
    let mut request = agent.get(format!("{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = request.call().expect("an answer");
    let kind = answer.headers().get("content-type");
    Answer {
        status: answer.status().as_u16(),
        kind: kind
            .and_then(|it| it.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        text: answer.body_mut().read_to_string().expect("a text"),
    }
}

fn bearer() -> (&'static str, String) {
    ("Authorization", format!("Bearer {TOKEN}"))
}

fn the_format_is_what_the_request_prefers() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &registrar, "");
    let (name, token) = bearer();
    for (accept, is_open) in [
        ("*/*", false),
        ("text/plain;version=0.0.4", false),
        ("application/openmetrics-text;version=1.0.0", true),
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
             version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            true,
        ),
        (
            "application/openmetrics-text;q=0.3, text/plain;q=0.4",
            false,
        ),
    ] {
        let answer = get(&daemon, "/metrics", &[(name, &token), ("Accept", accept)]);
        assert_eq!(answer.status, 200, "{accept}: {}", answer.text);
        assert_eq!(answer.text.ends_with("# EOF\n"), is_open, "{accept}");
        let kind = match is_open {
            true => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            false => "text/plain; version=0.0.4; charset=utf-8",
        };
        assert_eq!(answer.kind, kind, "{accept}");
        assert!(!answer.text.contains("regent_account_"), "{accept}");
        let now = answer.text.trim_end_matches("# EOF\n").to_owned();
        assert_eq!(samples(&now)["regent_clients{server=\"web\"}"], 1.0);
    }
}

fn who_may_read_metrics_is_configured() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &registrar, "");
    let (name, token) = bearer();
    let asked = |headers: &[(&str, &str)]| get(&daemon, "/metrics", headers).status;
    assert_eq!(asked(&[]), 401);
    assert_eq!(asked(&[(name, "Bearer something else")]), 401);
    assert_eq!(asked(&[(name, &token)]), 200);
    let file = sandbox.path("regent.toml");
    let text = read_text(&file);
    let set = |word: &str| {
        let with = format!("[web]\nmetrics = \"{word}\"");
        sandbox.write("regent.toml", &text.replacen("[web]", &with, 1));
        let said = daemon.tell(&["reload"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    set("open");
    assert_eq!((asked(&[]), asked(&[(name, &token)])), (200, 200));
    // Nothing else is open with it.
    let trips = get(&daemon, "/api/v1/registrars/round-trips", &[]);
    assert_eq!(trips.status, 401);
    set("off");
    assert_eq!((asked(&[]), asked(&[(name, &token)])), (404, 404));
}

fn accounts_are_shown_where_the_configuration_says_so() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &registrar, "account_metrics = true\n");
    let (name, token) = bearer();
    let answer = get(&daemon, "/metrics", &[(name, &token)]);
    let at = format!("account=\"main\",registrar=\"{}\"", registrar.address());
    let registered = format!("regent_account_registered{{{at}}}");
    assert_eq!(samples(&answer.text)[&*registered], 1.0);
}

fn round_trips_over_time_are_told_by_registrar() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = start(&sandbox, &registrar, "");
    let (name, token) = bearer();
    let ask = |query: &str| {
        let path = format!("/api/v1/registrars/round-trips{query}");
        get(&daemon, &path, &[(name, &token)])
    };
    // What there is of the five minutes that go on is put up every few seconds.
    let said = wait_for(Duration::from_secs(20), "round trips", || {
        let said: Value = serde_json::from_str(&ask("?hours=168").text).expect("JSON");
        (said["registrars"][0]["points"][0]["count"].as_u64() >= Some(2)).then_some(said)
    });
    let one = &said["registrars"][0];
    assert_eq!(one["registrar"], registrar.address().to_string());
    let point = &one["points"][0];
    let of = |key: &str| point[key].as_u64().expect("a number");
    assert!(
        of("min_us") > 0 && of("min_us") <= of("median_us"),
        "{point}"
    );
    assert!(of("median_us") <= of("max_us"), "{point}");
    assert_eq!((&said["schema"], &said["step_s"]), (&1.into(), &300.into()));
    let time = |at: &Value| {
        at.as_str()
            .expect("a time")
            .parse::<jiff::Timestamp>()
            .expect("a time")
    };
    let [from, until, at] = [&said["from"], &said["until"], &point["at"]].map(time);
    assert!(from <= at && at <= until, "{said}");
    assert_eq!(at.as_second() % 300, 0);
    let wrong = ask("?hours=169");
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert!(wrong.text.contains("168"), "{}", wrong.text);
}
