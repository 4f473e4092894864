//! `regent status` as programs and people get it: every field is documented, filters choose, and
//! the tables fit.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use regent::demo::{self, Stage};
use serde_json::Value;

use crate::harness::{SOON, Said, Sandbox, User, regent, wait_until};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[];
        every_field_is_documented_and_every_documented_field_is_there,
        filters_choose_and_an_order_orders,
        groups_have_their_word_and_count_their_accounts,
        what_people_read_fits_a_hundred_columns,
        what_is_watched_without_a_terminal_is_one_line_per_change,
    ]
}

const DOCUMENT: &str = include_str!("../../docs/status.md");

/// The fields that a section of the document lists.
#[track_caller]
fn documented(section: &str) -> BTreeSet<String> {
    let heading = format!("\n### {section}\n");
    let (_, rest) = DOCUMENT
        .split_once(&heading)
        .unwrap_or_else(|| panic!("no {section}"));
    let rest = rest.split("\n#").next().unwrap_or_default();
    let rows = rest.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.filter_map(|row| row.split(" | ").next());
    let names = cells.flat_map(|cell| cell.split(", "));
    names
        .map(|name| name.trim_matches('`').to_owned())
        .collect()
}

#[track_caller]
fn fields(value: &Value) -> BTreeSet<String> {
    let object = value
        .as_object()
        .unwrap_or_else(|| panic!("no object: {value}"));
    object.keys().cloned().collect()
}

/// All that a list of them has, so that what one of them lacks is found in another.
#[track_caller]
fn first<'v>(values: &'v Value, pointer: &str) -> &'v Value {
    let all = values
        .as_array()
        .unwrap_or_else(|| panic!("no list: {values}"));
    let mut found = all.iter().filter_map(|value| value.pointer(pointer));
    let found = found.find(|value| !value.is_null());
    found.unwrap_or_else(|| panic!("no {pointer} in {values}"))
}

struct Desk<'s> {
    sandbox: Sandbox,
    stage: &'s Stage,
}

impl Desk<'_> {
    #[track_caller]
    fn tell(&self, arguments: &[&str]) -> Said {
        let socket = self.stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let arguments: Vec<&str> = arguments
            .iter()
            .copied()
            .chain(["--socket", socket])
            .collect();
        regent(&self.sandbox, User::Same, &arguments)
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        let said = self.tell(arguments);
        assert_eq!(said.code, Some(0), "{said:?}");
        let document: Value = serde_json::from_str(&said.out).expect("JSON");
        assert_eq!(document["schema"], 1);
        document
    }

    #[track_caller]
    fn names(&self, arguments: &[&str]) -> Vec<String> {
        let document = self.json(&[&["status", "--json"], arguments].concat());
        let accounts = document["accounts"].as_array().expect("a list").iter();
        let name = |account: &Value| account["name"].as_str().expect("a name").to_owned();
        accounts.map(name).collect()
    }
}

/// Plays before the six Accounts of the demo, five of which are registered.
#[track_caller]
fn on_stage(test: impl FnOnce(&Desk<'_>)) {
    demo::run(|stage| {
        let sandbox = Sandbox::new();
        let desk = Desk { sandbox, stage };
        wait_until(SOON, "all Accounts at rest", || {
            desk.names(&["--phase", "registered"]).len() == 5
                && desk.names(&["--phase", "waiting-to-retry"]).len() == 1
        });
        test(&desk);
    })
    .expect("the demo starts and stops");
}

// rules T1, P5
fn every_field_is_documented_and_every_documented_field_is_there() {
    on_stage(|desk| {
        let accounts = &desk.json(&["status", "--json"])["accounts"];
        assert_eq!(fields(&accounts[0]), documented("An Account"));
        assert_eq!(
            fields(first(accounts, "/answers/0")),
            documented("An answer")
        );
        assert_eq!(
            fields(first(accounts, "/next_action")),
            documented("A next action")
        );
        let sets = &desk.json(&["status", "proxies", "--json"])["proxy_sets"];
        assert_eq!(fields(&sets[0]), documented("A Proxy Set"));
        assert_eq!(fields(first(sets, "/members/0")), documented("A member"));
        let groups = &desk.json(&["status", "groups", "--json"])["groups"];
        assert_eq!(fields(&groups[0]), documented("An IP Group"));
        let state = &desk.json(&["status", "--json"])["state"];
        assert_eq!(fields(state), documented("The state of the daemon"));
        // One under way is seen only by chance; its fields are those of its type.
        let attempt = regent::status::AttemptStatus {
            purpose: regent::status::Purpose::Refresh,
            registrar: ([127, 0, 0, 1], 5060).into(),
            since: regent::status::UnixMs(0),
            sends: 1,
            until: regent::status::UnixMs(0),
        };
        let attempt = serde_json::to_value(attempt).expect("JSON");
        assert_eq!(fields(&attempt), documented("An attempt"));
    });
}

fn filters_choose_and_an_order_orders() {
    on_stage(|desk| {
        assert_eq!(desk.names(&[]).len(), 6);
        assert_eq!(
            desk.names(&["--matching", "US"]),
            ["sales-us", "support-us"]
        );
        let sorted = desk.names(&["--sort", "name"]);
        assert!(sorted.is_sorted(), "{sorted:?}");
        assert_eq!(desk.names(&["--sort", "status"])[0], "branch");
        let overseas = desk.stage.registrars()[1].1.address;
        let at = overseas.to_string();
        assert_eq!(
            desk.names(&["--registrar", &at]),
            ["sales-us", "support-us"]
        );
        assert_eq!(
            desk.names(&["--registrar", "127.0.0.1", "--matching", "fax"]),
            ["fax"]
        );
        assert_eq!(desk.names(&["--registrar", "192.0.2.1"]).len(), 0);
        let groups = desk.json(&["status", "groups", "--json"]);
        for group in groups["groups"].as_array().expect("a list") {
            let name = group["name"].as_str().expect("a name");
            let accounts = desk.names(&["--group", name]).len();
            assert_eq!(group["accounts"], accounts, "{group}");
        }
        let said = desk.tell(&["status", "--matching", "us"]);
        assert!(said.out.contains("\n2 of 6 Accounts: "), "{}", said.out);
        for (arguments, words) in [
            (["--group", "nowhere"], "there is no IP Group \"nowhere\""),
            (["--registrar", "nowhere"], "it must be an IP address"),
            (["--sort", "colour"], "possible values: index, name"),
        ] {
            let said = desk.tell(&[&["status"], &arguments[..]].concat());
            assert_eq!(said.code, Some(2), "{said:?}");
            assert!(said.err.contains(words), "{said:?}");
        }
    });
}

// rules P5, S13
fn groups_have_their_word_and_count_their_accounts() {
    on_stage(|desk| {
        let document = desk.json(&["status", "groups", "--json"]);
        let groups = document["groups"].as_array().expect("a list");
        assert_eq!(document["total"], groups.len());
        let of_role = |role: &str| {
            groups
                .iter()
                .filter(|group| group["role"] == role)
                .collect()
        };
        let (served, serving): (Vec<_>, Vec<_>) = (of_role("served"), of_role("serving"));
        let sum = |groups: &[&Value], field: &str| -> u64 {
            groups
                .iter()
                .filter_map(|group| group[field].as_u64())
                .sum()
        };
        for groups in [&served, &serving] {
            assert_eq!((sum(groups, "registered"), sum(groups, "accounts")), (5, 6));
        }
        // The demo's PBX has no Proxy Set, and so no address that anybody could ask.
        assert!(
            served.iter().all(|group| group["health"] == "NO STATUS"),
            "{document}"
        );
        let sets = desk.json(&["status", "proxies", "--json"]);
        for group in serving {
            let sets = sets["proxy_sets"].as_array().expect("a list");
            let set = sets.iter().find(|set| set["name"] == group["proxy_set"]);
            let word = &set.expect("its Proxy Set")["members"][0]["health"];
            assert_eq!(&group["health"], word, "{group}");
        }
        let name = groups[0]["name"].as_str().expect("a name");
        let one = desk.json(&["status", "groups", name, "--json"]);
        assert_eq!(one["groups"].as_array().map(Vec::len), Some(1));
        let said = desk.tell(&["status", "groups", "nowhere"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        let said = desk.tell(&["status", "groups", "--sort", "name"]);
        assert_eq!(said.code, Some(2), "{said:?}");
    });
}

// rule T1
fn what_people_read_fits_a_hundred_columns() {
    on_stage(|desk| {
        let names = desk.names(&[]);
        let stories = names.iter().map(|name| vec!["status", name.as_str()]);
        let tables = [
            vec!["status"],
            vec!["status", "proxies"],
            vec!["status", "groups"],
        ];
        for arguments in tables.into_iter().chain(stories) {
            let said = desk.tell(&arguments);
            assert_eq!(said.code, Some(0), "{said:?}");
            let widest = said.out.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(100), "{arguments:?}\n{}", said.out);
            assert!(!said.out.contains('\u{1b}'), "colours without a terminal");
            let said = desk.tell(&[&arguments[..], &["--color", "always"]].concat());
            assert!(said.out.contains('\u{1b}'), "{said:?}");
        }
        let story = desk.tell(&["status", "branch"]).out;
        for part in [
            "last answer  40",
            "failures     1",
            "next         another attempt",
        ] {
            assert!(story.contains(part), "{part} in\n{story}");
        }
    });
}

fn what_is_watched_without_a_terminal_is_one_line_per_change() {
    use crate::harness::Piped;
    on_stage(|desk| {
        let socket = desk.stage.socket();
        let socket = socket.to_str().expect("the path is text");
        let mut watch = Piped::start(&["status", "groups", "--watch", "--socket", socket]);
        let line = watch.line();
        assert!(line.contains(" registered"), "{line}");
        drop(watch);
        let json = ["status", "proxies", "--watch", "--json", "--socket", socket];
        let mut watch = Piped::start(&json);
        let set: Value = serde_json::from_str(&watch.line()).expect("JSON");
        assert!(set["members"].is_array(), "{set}");
    });
}
