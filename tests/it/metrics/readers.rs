//! What others make of it: promtool and the Python library, which both are of Prometheus.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::Trial;
use regent::status::metrics::{Kind, families};
use serde_json::Value;

use super::{ask, samples};
use crate::harness::{
    Daemon, METRICS, PROMETHEUS_CLIENT, PROMTOOL, Registrar, Sandbox, promtool, wait_until,
};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[PROMTOOL];
        promtool_finds_nothing_wrong_in_the_real_text,
    ];
    trials.extend(trials![[PROMETHEUS_CLIENT];
        the_library_of_prometheus_reads_openmetrics,
    ]);
    trials
}

/// Names that would break out of a label, if they could. The configuration takes all of them.
const HOSTILE: [&str; 4] = [
    r#"evil"} 1 # {x="y"#,
    r"back\slash\",
    "naïve ☎ \u{202e}name",
    "# EOF",
];

/// Accounts, groups and a set with such names; each Account is at both registrars of its set.
fn hostile(registrar: SocketAddr) -> String {
    let quoted = |text: &str| serde_json::to_string(text).expect("JSON's strings are TOML's");
    let set = quoted(HOSTILE[0]);
    let mut text = format!(
        r#"
[[sip_interface]]
name = "outside"
address = "127.0.0.1"
udp_port = 0

[[proxy_set]]
name = {set}
sip_interface = "outside"
keep_alive = "options"
keep_alive_secs = 5
proxy = [{{ address = "{registrar}" }}, {{ address = "127.0.0.9:9" }}]
"#
    );
    for (number, name) in HOSTILE.iter().enumerate() {
        let (name, served) = (quoted(name), quoted(&format!("PBX {name}")));
        let serving = quoted(&format!("at {number} {}", HOSTILE[number]));
        write!(
            text,
            r#"
[[ip_group]]
name = {serving}
proxy_set = {set}
sip_group_name = "carrier.test"

[[ip_group]]
name = {served}

[[account]]
name = {name}
served_ip_group = {served}
serving_ip_group = {serving}
contact_user = "user{number}"
user_name = "user"
password = "open sesame"
register = "regular"
"#
        )
        .expect("a String takes all");
    }
    text
}

/// A daemon with hostile names, registered, its counts published.
#[track_caller]
fn wait_ready(daemon: &Daemon<'_>) {
    wait_until(Duration::from_secs(20), "four registrations", || {
        let text = ask(daemon, &[]);
        let ok = samples(&text).into_iter();
        let ok = ok.filter(|(series, _)| {
            series.starts_with("regent_registrations_total") && series.contains("result=\"ok\"")
        });
        ok.map(|(_, value)| value).sum::<f64>() >= 4.0
    });
}

fn registrar() -> Registrar {
    Registrar::start(|message| match message.is_register() {
        true => crate::harness::usual(message, 60),
        false => vec![crate::harness::answer(message, "200 OK", "")],
    })
}

fn promtool_finds_nothing_wrong_in_the_real_text() {
    let sandbox = Sandbox::new();
    let registrar = registrar();
    let daemon = Daemon::start_text(&sandbox, &hostile(registrar.address()));
    wait_ready(&daemon);
    for arguments in [&[][..], &["--accounts"]] {
        let text = ask(&daemon, arguments);
        let (is_good, said) = promtool(&sandbox.path(""), &["check", "metrics"], &text);
        assert_eq!((is_good, &*said), (true, ""), "{text}");
        // It finds faults where there are some.
        let bad = text.replace("# HELP regent_accounts ", "# HELP regent_account ");
        let (is_good, said) = promtool(&sandbox.path(""), &["check", "metrics"], &bad);
        assert!(!is_good && said.contains("regent_accounts"), "{said}");
    }
}

fn the_library_of_prometheus_reads_openmetrics() {
    let sandbox = Sandbox::new();
    let registrar = registrar();
    let daemon = Daemon::start_text(&sandbox, &hostile(registrar.address()));
    wait_ready(&daemon);
    let text = ask(&daemon, &["--accounts", "--openmetrics"]);
    let read = read(&sandbox, &text);
    let find = |name: &str| read.iter().find(|it| it["name"] == name);
    for family in families() {
        let Some(found) = find(family.name) else {
            let may_lack = ["regent_notices_oldest_timestamp_seconds"];
            assert!(
                may_lack.contains(&family.name),
                "{} is missing",
                family.name
            );
            continue;
        };
        let kind = match family.kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        };
        assert_eq!(found["type"], kind, "{found}");
        assert_eq!(found["unit"], family.unit, "{found}");
        assert_eq!(found["help"], family.help, "{found}");
    }
    let known = |name: &Value| families().any(|family| family.name == name);
    let unknown = read.iter().find(|it| !known(&it["name"]));
    assert!(unknown.is_none(), "{unknown:?}");

    let registered = find("regent_account_registered").expect("Accounts");
    let registered = registered["samples"].as_array().expect("samples");
    let mut names: Vec<_> = registered
        .iter()
        .map(|sample| {
            assert_eq!(sample[2], 1.0, "{sample}");
            assert_eq!(sample[1]["registrar"], registrar.address().to_string());
            sample[1]["account"].as_str().expect("a name")
        })
        .collect();
    names.sort_unstable();
    let mut wanted = HOSTILE;
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    let health = find("regent_member_health").expect("members");
    assert_eq!(health["samples"].as_array().map(Vec::len), Some(12));
    let trips = find("regent_sip_round_trip_seconds").expect("round trips");
    let trips = trips["samples"].as_array().expect("samples");
    let options = |it: &&Value| {
        it[0] == "regent_sip_round_trip_seconds_count" && it[1]["method"] == "OPTIONS"
    };
    assert!(
        trips
            .iter()
            .filter(options)
            .any(|it| it[2].as_f64() >= Some(1.0))
    );
}

/// What the library makes of a text.
#[track_caller]
fn read(sandbox: &Sandbox, text: &str) -> Vec<Value> {
    let script = sandbox.write("reader.py", include_str!("reader.py"));
    let input = sandbox.write("metrics.txt", text);
    let input = std::fs::File::open(input).expect("it was written just now");
    let said = Command::new(METRICS.python())
        .arg(script)
        .stdin(Stdio::from(input))
        .output()
        .expect("it starts");
    let errors = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{errors}\n{text}");
    serde_json::from_slice(&said.stdout).expect("JSON")
}
