//! What is shipped for Prometheus and Grafana names what there is, and is good.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use regent::status::metrics::{Family, Kind, families};
use serde_json::Value;

use crate::harness::{PROMTOOL, Sandbox, promtool};

pub(super) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        the_dashboard_names_what_there_is,
        the_alert_rules_name_what_there_is_and_are_all_tested,
        the_documented_families_are_up_to_date,
    ];
    trials.extend(trials![[PROMTOOL];
        promtool_takes_the_alert_rules_and_their_tests,
        promtool_takes_every_query_of_the_dashboard,
    ]);
    trials
}

const RULES: &str = include_str!("../../../conf/alert-rules.yml");
const RULE_TESTS: &str = include_str!("../../../conf/alert-rules-test.yml");

fn conf() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("conf")
}

fn dashboard() -> Value {
    let text = include_str!("../../../conf/grafana-dashboard.json");
    serde_json::from_str(text).expect("JSON")
}

/// The words of a text that are names of ours, or of the process.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words
        .filter(|word| word.starts_with("regent_") || word.starts_with("process_"))
        .collect()
}

/// The names that stand in queries for a family.
fn known(family: &Family) -> Vec<String> {
    let name = family.sample_name();
    match family.kind {
        Kind::Histogram => ["_bucket", "_sum", "_count"]
            .map(|it| format!("{name}{it}"))
            .into(),
        Kind::Gauge | Kind::Counter | Kind::Info => vec![name],
    }
}

#[track_caller]
fn assert_known(names: &BTreeSet<&str>) {
    let all: BTreeSet<String> = families().flat_map(known).collect();
    let unknown: Vec<_> = names.iter().filter(|name| !all.contains(**name)).collect();
    assert!(unknown.is_empty(), "there is no {unknown:?}");
}

/// All queries of the dashboard, with where they stand.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut queries = Vec::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            queries.push((title.to_owned(), query.to_owned()));
        }
    }
    queries
}

fn the_dashboard_names_what_there_is() {
    let dashboard = dashboard();
    let queries = queries(&dashboard);
    assert!(queries.len() > 30);
    let all: String = queries
        .iter()
        .map(|(_, query)| format!("{query}\n"))
        .collect();
    let used = names(&all);
    assert_known(&used);
    let unused: Vec<_> = families()
        .filter(|family| known(family).iter().all(|name| !used.contains(&**name)))
        .map(|family| family.name)
        .collect();
    assert!(unused.is_empty(), "the dashboard does not show {unused:?}");
    // Whoever takes it chooses where the data come from.
    let variables = dashboard["templating"]["list"]
        .as_array()
        .expect("variables");
    let kinds: Vec<_> = variables
        .iter()
        .map(|it| (&it["name"], &it["type"]))
        .collect();
    assert_eq!(kinds[0], (&"datasource".into(), &"datasource".into()));
    let mut ids = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        assert!(
            ids.insert(panel["id"].as_u64()),
            "an id is there twice: {panel}"
        );
        if panel["type"] != "row" {
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        }
        let place = &panel["gridPos"];
        let [x, width] = ["x", "w"].map(|key| place[key].as_u64().expect("a place"));
        assert!(x + width <= 24, "{panel}");
    }
    let variables: String = variables
        .iter()
        .map(|it| it["definition"].to_string())
        .collect();
    assert_known(&names(&variables));
}

fn the_alert_rules_name_what_there_is_and_are_all_tested() {
    let queries = RULES
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let queries: String = queries.map(|line| format!("{line}\n")).collect();
    let used = names(&queries);
    assert!(used.len() > 10);
    assert_known(&used);
    for line in RULES.lines() {
        if let Some(alert) = line.trim().strip_prefix("- alert: ") {
            let tested = RULE_TESTS.matches(&format!("alertname: {alert}\n")).count();
            assert!(
                tested >= 2,
                "{alert} is not tested to be quiet and to be raised"
            );
        }
    }
}

fn promtool_takes_the_alert_rules_and_their_tests() {
    let (is_good, said) = promtool(&conf(), &["check", "rules", "alert-rules.yml"], "");
    assert!(is_good && said.contains("SUCCESS"), "{said}");
    let (is_good, said) = promtool(&conf(), &["test", "rules", "alert-rules-test.yml"], "");
    assert!(is_good, "{said}");
    // A rule that is never raised does not pass.
    let sandbox = Sandbox::new();
    let bad = RULES.replace(
        "regent_accounts_refresh_failing > 0",
        "regent_accounts_refresh_failing > 9",
    );
    sandbox.write("alert-rules.yml", &bad);
    sandbox.write("alert-rules-test.yml", RULE_TESTS);
    let arguments = ["test", "rules", "alert-rules-test.yml"];
    let (is_good, said) = promtool(&sandbox.path(""), &arguments, "");
    assert!(!is_good && said.contains("RegentRefreshFailing"), "{said}");
}

fn promtool_takes_every_query_of_the_dashboard() {
    let mut rules = String::from("groups:\n  - name: dashboard\n    rules:\n");
    for (number, (title, query)) in queries(&dashboard()).iter().enumerate() {
        let query = query
            .replace("$__rate_interval", "5m")
            .replace("$job", ".*");
        let query = serde_json::to_string(&query.replace("$instance", ".*")).expect("a string");
        write!(
            rules,
            "      # {title}\n      - record: query_{number}\n        expr: {query}\n"
        )
        .expect("a String takes all");
    }
    let sandbox = Sandbox::new();
    sandbox.write("queries.yml", &rules);
    let (is_good, said) = promtool(&sandbox.path(""), &["check", "rules", "queries.yml"], "");
    assert!(is_good && said.contains("SUCCESS"), "{said}");
}

/// `docs/metrics.md` ends with what the table of families says. `REGENT_BLESS=1` writes it anew.
fn the_documented_families_are_up_to_date() -> Result<(), String> {
    const MARK: &str = "<!-- What follows is generated. -->\n";
    let path = conf().with_file_name("docs").join("metrics.md");
    let found = fs::read_to_string(&path).map_err(|error| error.to_string())?;
    let (head, tail) = found.split_once(MARK).ok_or("the mark is missing")?;
    let wanted = reference();
    if std::env::var_os("REGENT_BLESS").is_some() {
        let text = format!("{head}{MARK}{wanted}");
        return fs::write(&path, text).map_err(|error| error.to_string());
    }
    match tail == wanted {
        true => Ok(()),
        false => Err("docs/metrics.md differs from the families; run with REGENT_BLESS=1".into()),
    }
}

fn reference() -> String {
    let mut text = String::new();
    for (heading, is_of_accounts) in [("The daemon", false), ("Each Account", true)] {
        write!(
            text,
            "\n## {heading}\n\n| name | kind | unit | labels | meaning |\n|---|---|---|---|---|\n"
        )
        .expect("a String takes all");
        for family in families().filter(|family| family.is_of_accounts() == is_of_accounts) {
            let kind = match family.kind {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
                Kind::Histogram => "histogram",
                Kind::Info => "info",
            };
            let labels: Vec<_> = family.labels.iter().map(|it| format!("`{it}`")).collect();
            let Family { unit, help, .. } = family;
            let (name, labels) = (family.sample_name(), labels.join(", "));
            let row = format!("| `{name}` | {kind} | {unit} | {labels} | {help} |\n");
            // An empty cell has one space.
            text += &row.replace("|  |", "| |").replace("|  |", "| |");
        }
    }
    text
}
