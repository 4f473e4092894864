//! The description of the interface against the interface: nothing is described that there is not,
//! nothing is there that is not described, and every answer is as described.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::api::Stream;
use super::client::{Answer, Http};
use super::{TOKEN, USUAL, World, http};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        the_description_lists_what_there_is,
        every_answer_is_as_described,
        an_answer_that_is_not_as_described_is_found_out,
    ]
}

const DOCUMENT: &str = include_str!("../../../src/web/openapi.json");
const ROUTES: &str = include_str!("../../../src/web/routes.rs");

fn document() -> Value {
    serde_json::from_str(DOCUMENT).expect("JSON")
}

fn the_description_lists_what_there_is() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert(format!("{} {path}", method.to_uppercase()));
        }
    }
    let rows = ROUTES
        .lines()
        .filter_map(|line| line.trim().strip_prefix("route!("));
    let there: BTreeSet<String> = rows
        .map(|row| {
            let (method, rest) = row.split_once(" \"").expect("a method");
            let (path, _) = rest.split_once('"').expect("a path");
            format!("{method} {path}")
        })
        .collect();
    assert!(there.len() > 25, "{there:?}");
    assert_eq!(described, there);
}

/// What is asked of each, and the status that it gets.
fn questions() -> Vec<(
    &'static str,
    &'static str,
    String,
    Option<&'static str>,
    u16,
)> {
    let row =
        |method, path, asked: &str, body, status| (method, path, asked.to_owned(), body, status);
    let same = |method, path: &'static str, body, status| row(method, path, path, body, status);
    let one = |rest: &str| format!("/api/v1/accounts/main{rest}");
    let subscription = r#"{"name":"night","webhook":"http://127.0.0.1:9/"}"#;
    vec![
        same("get", "/api/v1/summary", None, 200),
        same("get", "/api/v1/accounts", None, 200),
        row(
            "get",
            "/api/v1/accounts",
            "/api/v1/accounts?limit=all",
            None,
            200,
        ),
        row(
            "get",
            "/api/v1/accounts",
            "/api/v1/accounts?sort=x",
            None,
            400,
        ),
        row(
            "get",
            "/api/v1/accounts",
            "/api/v1/accounts?name=x",
            None,
            404,
        ),
        row("get", "/api/v1/accounts/{name}", &one(""), None, 200),
        row(
            "get",
            "/api/v1/accounts/{name}",
            "/api/v1/accounts/x",
            None,
            404,
        ),
        row(
            "post",
            "/api/v1/accounts/{name}/unregister",
            &one("/unregister"),
            Some("{}"),
            200,
        ),
        row(
            "post",
            "/api/v1/accounts/{name}/register",
            &one("/register"),
            Some("{}"),
            200,
        ),
        row(
            "post",
            "/api/v1/accounts/{name}/refresh",
            &one("/refresh"),
            Some(r#"{"wait":false}"#),
            200,
        ),
        row(
            "post",
            "/api/v1/accounts/{name}/register",
            &one("/register"),
            Some("x"),
            400,
        ),
        same(
            "post",
            "/api/v1/accounts/register",
            Some(r#"{"all":true}"#),
            200,
        ),
        same(
            "post",
            "/api/v1/accounts/refresh",
            Some(r#"{"names":["main"]}"#),
            200,
        ),
        same(
            "post",
            "/api/v1/accounts/unregister",
            Some(r#"{"names":["x"]}"#),
            404,
        ),
        row(
            "get",
            "/api/v1/accounts/{name}/history",
            &one("/history"),
            None,
            200,
        ),
        row(
            "get",
            "/api/v1/accounts/{name}/messages",
            &one("/messages"),
            None,
            200,
        ),
        row(
            "get",
            "/api/v1/history",
            "/api/v1/history?name=main",
            None,
            200,
        ),
        same("get", "/api/v1/history", None, 400),
        same("get", "/api/v1/proxy-sets", None, 200),
        row(
            "get",
            "/api/v1/proxy-sets",
            "/api/v1/proxy-sets?name=x",
            None,
            404,
        ),
        same("get", "/api/v1/groups", None, 200),
        row("get", "/api/v1/groups", "/api/v1/groups?name=x", None, 404),
        same("get", "/api/v1/registrars/round-trips", None, 200),
        same("get", "/api/v1/alerts", None, 200),
        same("post", "/api/v1/subscriptions", Some(subscription), 201),
        same("post", "/api/v1/subscriptions", Some(subscription), 409),
        same("get", "/api/v1/subscriptions", None, 200),
        row(
            "put",
            "/api/v1/subscriptions/{name}",
            "/api/v1/subscriptions/night",
            Some(r#"{"timeout":false}"#),
            200,
        ),
        row(
            "post",
            "/api/v1/subscriptions/{name}/test",
            "/api/v1/subscriptions/night/test",
            Some("{}"),
            200,
        ),
        row(
            "delete",
            "/api/v1/subscriptions/{name}",
            "/api/v1/subscriptions/night",
            None,
            200,
        ),
        row(
            "delete",
            "/api/v1/subscriptions/{name}",
            "/api/v1/subscriptions/night",
            None,
            404,
        ),
        same("get", "/api/v1/events", None, 200),
        same("get", "/api/v1/openapi.json", None, 200),
        same("get", "/session", None, 200),
        same(
            "post",
            "/session",
            Some(r#"{"token":"act-act-act-act-act"}"#),
            200,
        ),
        same("post", "/session", Some(r#"{"code":"x"}"#), 401),
        same("delete", "/session", None, 204),
        same("get", "/healthz", None, 200),
        same("get", "/metrics", None, 200),
    ]
}

fn every_answer_is_as_described() {
    let world = World::new(USUAL);
    let daemon = world.start();
    let http = http(&daemon).token(TOKEN);
    let document = document();
    let mut asked = BTreeSet::new();
    for (method, path, address, body, status) in questions() {
        let answer = http.ask(&method.to_uppercase(), &address, body);
        assert_eq!(answer.status, status, "{method} {address}: {answer:?}");
        judge(&document, (method, path), &answer)
            .unwrap_or_else(|why| panic!("{method} {address}: {why}\n{answer:?}"));
        asked.insert((method, path));
    }
    // What is never at an end is judged event by event.
    let mut stream = Stream::open(&http, "/api/v1/stream");
    for (event, name) in [
        ("proxy-set", "ProxySet"),
        ("summary", "Summary"),
        ("group", "Group"),
        ("alerts", "Alerts"),
    ] {
        let data = stream.wait(event, |_| true);
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        validate(&document, &schema, &data).unwrap_or_else(|why| panic!("{event}: {why}"));
    }
    asked.insert(("get", "/api/v1/stream"));
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            assert!(
                asked.contains(&(method, path)),
                "{method} {path} was not asked for"
            );
        }
    }
    unauthorized(&document, &Http::new(http.address));
}

/// Whoever has no token is told so in the shape that is described.
fn unauthorized(document: &Value, http: &Http) {
    for (path, item) in document["paths"].as_object().unwrap() {
        let own = item["get"].as_object();
        let Some(own) = own.filter(|own| !own.contains_key("security")) else {
            continue;
        };
        assert!(own["responses"].get("401").is_some(), "{path}");
        let answer = http.get(&path.replace("{name}", "main"));
        assert_eq!(answer.status, 401, "{path}");
        judge(document, ("get", path), &answer).unwrap_or_else(|why| panic!("{path}: {why}"));
    }
}

/// Whether an answer is one of those that are described.
fn judge(document: &Value, (method, path): (&str, &str), answer: &Answer) -> Result<(), String> {
    let responses = &document["paths"][path][method]["responses"];
    let mut response = &responses[answer.status.to_string()];
    if let Some(reference) = response["$ref"].as_str() {
        response = document
            .pointer(&reference[1..])
            .ok_or("a reference to nothing")?;
    }
    if response.is_null() {
        return Err(format!("{} is not described", answer.status));
    }
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    let content = &response["content"];
    if content.is_null() {
        return match answer.body.is_empty() {
            true => Ok(()),
            false => Err("a body that is not described".to_owned()),
        };
    }
    let schema = &content[kind]["schema"];
    if schema.is_null() {
        return Err(format!("{kind:?} is not described"));
    }
    match kind {
        "application/json" => validate(document, schema, &answer.json()),
        _ => Ok(()),
    }
}

/// Whether a value is as a schema says, with no field more.
fn validate(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let mut whole = schema.clone();
    whole["components"] = document["components"].clone();
    close(&mut whole);
    let validator = jsonschema::validator_for(&whole).map_err(|error| error.to_string())?;
    let faults: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(faults.join("; ")),
    }
}

/// Lets no object have a field that is not described.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") && fields.contains_key("required") {
                fields
                    .entry("additionalProperties")
                    .or_insert(Value::Bool(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

fn an_answer_that_is_not_as_described_is_found_out() {
    let document = document();
    let schema = json!({ "$ref": "#/components/schemas/Span" });
    let good = json!({ "from": "2026-11-22T10:00:00.000Z", "until": "2026-11-22T10:00:00.000Z", "state": "up" });
    assert_eq!(validate(&document, &schema, &good), Ok(()));
    for (key, value) in [
        ("state", json!("sideways")),
        ("from", json!(7)),
        ("more", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(validate(&document, &schema, &bad).is_err(), "{bad}");
    }
    assert!(validate(&document, &schema, &json!({ "state": "up" })).is_err());
}
