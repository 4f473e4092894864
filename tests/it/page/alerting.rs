//! Alerts on the page: what goes on, and who is told.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use regent::effect::{StoredAlert, StoredAlertState, StoredOpen};
use regent::store::{AlertChanges, Changes, Database, Store as _};
use serde_json::json;

use super::acts::two;
use super::browser::{Browser, ESCAPE, PATIENCE, Size};
use super::looks::{lively, text_of};
use super::world::{Row, TOKEN, World, visit};
use crate::harness::{Daemon, Registrar, free_udp_address, read_text};

// rule T3
pub(super) fn an_ongoing_alert_has_its_eight_columns_and_says_what_is_not_delivered() {
    let dead = free_udp_address();
    // A webhook at which nobody listens, and a mail server that is not there either.
    let world = World::new()
        .set("dead", &[dead], "")
        .with("\n[mail]\nserver = \"127.0.0.1\"\nport = 9\nfrom = \"regent@example.test\"\nencryption = \"none\"\n")
        .with("\n[[alert]]\nname = \"operations\"\nemail = \"operations@example.test\"\ntime_limit = \"6h\"\n")
        .account(&Row {
            name: "main",
            set: "dead",
            keys: "register = \"regular\"",
        });
    nearly_raised(&world, dead);
    let _daemon = world.start();
    let browser = world.look("ongoing-alerts", TOKEN);
    visit(&browser, "#/alerts");
    browser.wait_seen("tr[data-alert='main']");
    let heads = browser.value(
        "[...document.querySelector('tr[data-alert]').closest('table').querySelectorAll('thead th')]\
         .map((it) => it.innerText)",
    );
    let expected = [
        "Label",
        "Identity",
        "Source IP",
        "User Agent",
        "Email",
        "Timeout Limit",
        "Send Timeout Email",
        "Started",
    ];
    assert_eq!(heads, json!(expected));
    let cells = browser.value(
        "[...document.querySelectorAll('tr[data-alert] > *')].slice(0, 7).map((it) => it.innerText)",
    );
    let expected = [
        "main",
        "sip:4930@carrier.test",
        "192.0.2.9",
        "regent/of-the-run-before",
        "operations@example.test",
        "6h",
        "Yes",
    ];
    assert_eq!(cells, json!(expected));
    assert_eq!(text_of(&browser, "#alert-count"), "1");
    // The mail server is down, and the page says why nothing arrives.
    browser.wait(
        PATIENCE,
        "document.querySelector('.why .bad-text')?.innerText.includes('127.0.0.1:9')",
    );
}

// rule T3
pub(super) fn very_many_alerts_are_shown_page_by_page() {
    let dead = free_udp_address();
    let world = World::new()
        .set("dead", &[dead], "")
        .with("\n[agent]\nmax_accounts = 300\n")
        .with("\n[[alert]]\nname = \"operations\"\nwebhook = \"http://127.0.0.1:9/\"\n");
    let names: Vec<String> = (0..MANY).map(|number| format!("a{number:03}")).collect();
    let world = names.iter().fold(world, |world, name| {
        world.account(&Row {
            name,
            set: "dead",
            keys: "register = \"regular\"",
        })
    });
    let raised = |name: &String| {
        let started_unix_us = unix_us() - 3_600_000_000;
        StoredAlert {
            account: name.clone(),
            lost_unix_us: started_unix_us - 90_000_000,
            state: StoredAlertState::Raised {
                started_unix_us,
                open: vec![StoredOpen {
                    subscription: "operations".to_owned(),
                    limit_hours: 24,
                    is_told: true,
                }],
            },
            ..lost(dead)
        }
    };
    keep(&world, names.iter().map(raised).collect());
    let daemon = world.start();
    let browser = world.look("very-many-alerts", TOKEN);
    visit(&browser, "#/alerts");
    browser.wait(PATIENCE, &page_is("a000", 200, "1–200 of 300 alerts"));
    browser.wait(
        PATIENCE,
        "document.querySelector('#alert-count').innerText === '300'",
    );
    for (query, first, count) in [
        ("", "a000", 200),
        ("?offset=250", "a250", 50),
        ("?limit=1000", "a000", MANY),
        ("?offset=299&limit=7", "a299", 1),
    ] {
        let told = browser.value(&format!(
            "fetch('/api/v1/alerts{query}').then((it) => it.json())"
        ));
        assert_eq!(told["ongoing"], MANY, "{query}");
        assert_eq!(told["alerts"][0]["label"], first, "{query}");
        assert_eq!(
            told["alerts"].as_array().map(Vec::len),
            Some(count),
            "{query}"
        );
    }
    for query in ["?limit=0", "?limit=1001", "?offset=-1"] {
        let status = format!("fetch('/api/v1/alerts{query}').then((it) => it.status)");
        assert_eq!(browser.value(&status), json!(400), "{query}");
    }
    pages_are_turned(&browser, &daemon);
}

/// By buttons and by keys, and whoever looks at a link keeps it while the list is drawn anew.
#[track_caller]
fn pages_are_turned(browser: &Browser<'_>, daemon: &Daemon<'_>) {
    browser.click("[data-turn=']']");
    browser.wait(PATIENCE, &page_is("a200", 100, "201–300 of 300 alerts"));
    browser.wait(
        PATIENCE,
        "document.querySelector(\"[data-turn=']']\").disabled",
    );
    browser.press("[");
    browser.wait(PATIENCE, &page_is("a000", 200, "1–200 of 300 alerts"));
    browser.press("]");
    browser.wait(PATIENCE, &page_is("a200", 100, "201–300 of 300 alerts"));
    // An alert is closed, and all is drawn anew.
    browser.run(
        "document.querySelector(\"tr[data-alert='a207'] a\").focus()",
        &[],
    );
    assert_eq!(daemon.tell(&["unregister", "a299"]).code, Some(0));
    browser.wait(PATIENCE, &page_is("a200", 99, "201–299 of 299 alerts"));
    let focused = "document.activeElement.closest('tr')?.dataset.alert === 'a207'";
    assert_eq!(browser.value(focused), json!(true));
    // Their number stays in one line where there is little room.
    browser.size(Size::NARROW);
    let badge = browser.value(
        "(({ height, right }) => [height, right])(
            document.querySelector('#alert-count').getBoundingClientRect())",
    );
    let [height, right] = [0, 1].map(|at| badge[at].as_f64().expect("a number"));
    assert!(height < 25.0 && right < 360.0, "{badge}");
}

fn page_is(first: &str, count: usize, words: &str) -> String {
    format!(
        "document.querySelector('tr[data-alert]')?.dataset.alert === '{first}' &&
         document.querySelectorAll('tr[data-alert]').length === {count} &&
         document.querySelector('.alerts .found')?.innerText === '{words}'"
    )
}

const MANY: usize = 300;

fn unix_us() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("the clock is right").as_micros();
    i64::try_from(now).expect("it fits")
}

/// The Account was lost in the run before, and its third check is due in a second.
#[track_caller]
fn nearly_raised(world: &World, registrar: SocketAddr) {
    keep(world, vec![lost(registrar)]);
}

fn lost(registrar: SocketAddr) -> StoredAlert {
    let now = unix_us();
    StoredAlert {
        account: "main".to_owned(),
        identity: "sip:4930@carrier.test".to_owned(),
        source: Some([192, 0, 2, 9].into()),
        registrar,
        server: None,
        user_agent: "regent/of-the-run-before".to_owned(),
        lost_unix_us: now - 88_000_000,
        state: StoredAlertState::Checking {
            failed: 2,
            due_unix_us: now + 2_000_000,
        },
    }
}

#[track_caller]
fn keep(world: &World, alerts: Vec<StoredAlert>) {
    let changes = Changes {
        alerts: AlertChanges {
            removed: Vec::new(),
            alerts,
        },
        ..Changes::default()
    };
    let mut database = Database::open(&world.sandbox.path("state")).expect("a new state");
    database.save(&changes, true).expect("room");
}

// rule T3
pub(super) fn a_subscription_is_made_by_its_steps_changed_and_deleted() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let daemon = world.start();
    let browser = world.look("a-subscription", TOKEN);
    visit(&browser, "#/alerts");
    browser.click("#new-alert");
    browser.write("#alert-email", "operations@example.test");
    // Identities: specific ones, found by a part of their names.
    browser.click("input[value='specific']");
    browser.write("#alert-find", "spa");
    browser.wait(
        PATIENCE,
        "document.querySelectorAll('[data-pick]').length === 1",
    );
    browser.click("[data-pick='spare']");
    browser.click("input[name='resolution']");
    browser.run(
        "const limit = document.querySelector('#alert-limit'); limit.value = '6h';",
        &[],
    );
    browser.click("dialog button[type='submit']");
    browser.wait_seen("[data-subscription='operations']");
    let row = text_of(&browser, "[data-subscription='operations']");
    for word in ["operations@example.test", "spare", "No", "Yes", "6h"] {
        assert!(row.contains(word), "{word} is not in {row}");
    }
    let text = read_text(&world.file());
    let (_, table) = text.split_once("[[alert]]").expect("a table for it");
    for line in [
        "name = \"operations\"",
        "email = \"operations@example.test\"",
        "accounts = [\"spare\"]",
        "send_resolution = false",
        "time_limit = \"6h\"",
    ] {
        assert!(table.contains(line), "{line} is not in {table}");
    }
    changed_and_deleted(&browser, &world);
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
}

#[track_caller]
fn changed_and_deleted(browser: &Browser<'_>, world: &World) {
    // A second one of that name is refused where it is typed.
    browser.click("#new-alert");
    browser.write("#alert-email", "operations@example.test");
    browser.run(
        "const name = document.querySelector('#alert-name'); name.value = 'operations';",
        &[],
    );
    browser.click("dialog button[type='submit']");
    browser.wait(
        PATIENCE,
        "document.querySelector('dialog .told').innerText.includes('choose another name')",
    );
    let told = text_of(browser, "dialog .told");
    assert!(told.starts_with(char::is_uppercase), "{told}");
    browser.press(ESCAPE);
    browser.wait(PATIENCE, "!document.querySelector('dialog')");
    browser.click("[data-subscription='operations'] [data-do='edit']");
    browser.click("input[value='all']");
    browser.click("dialog button[type='submit']");
    browser.wait(
        PATIENCE,
        "document.querySelector('[data-subscription=operations]')?.innerText.includes('all')",
    );
    let text = read_text(&world.file());
    assert!(!text.contains("accounts = [\"spare\"]"), "{text}");
    assert!(text.contains("time_limit = \"6h\""), "{text}");
    browser.click("[data-subscription='operations'] [data-do='delete']");
    browser.click("dialog [data-answer='yes']");
    browser.wait(
        PATIENCE,
        "!document.querySelector('[data-subscription=operations]')",
    );
    assert!(!read_text(&world.file()).contains("[[alert]]"));
}

// rule T3
pub(super) fn a_webhook_is_edited_and_what_is_secret_in_it_is_not_shown() {
    let registrar = Registrar::start(lively);
    let hook = "http://127.0.0.1:9/hook?token=for-nobody-else";
    let world = two(&registrar).with(&format!(
        "\n[[alert]]\nname = \"hook\"\nwebhook = \"{hook}\"\nwebhook_secret = \"{SIGNING}\"\n"
    ));
    let daemon = world.start();
    let browser = world.look("a-webhook", TOKEN);
    visit(&browser, "#/alerts");
    let row = "[data-subscription='hook']";
    browser.wait_seen(row);
    assert!(text_of(&browser, row).contains("webhook at 127.0.0.1:9"));
    // What is not touched stays: address and secret, which the page has never seen.
    edit(&browser);
    let hint = browser.text("document.querySelector('#alert-webhook').placeholder");
    assert_eq!(hint, "unchanged: 127.0.0.1:9");
    let seen = browser.text("document.documentElement.outerHTML");
    assert!(!seen.contains("for-nobody-else") && !seen.contains(SIGNING));
    browser.click("input[name='resolution']");
    limit(&browser, "2h");
    save(&browser, "2h");
    expect_lines(
        &world,
        &[
            &format!("webhook = \"{hook}\""),
            &format!("webhook_secret = \"{SIGNING}\""),
            "send_resolution = false",
            "time_limit = \"2h\"",
        ],
    );
    another_address_and_none(&browser, &world);
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
}

const SIGNING: &str = "what-signs-it";

#[track_caller]
fn another_address_and_none(browser: &Browser<'_>, world: &World) {
    // What is no address of the web is refused with the reason, and nothing is written.
    edit(browser);
    let before = read_text(&world.file());
    browser.write("#alert-webhook", "ftp://127.0.0.1/");
    browser.click("dialog button[type='submit']");
    browser.wait(
        PATIENCE,
        "document.querySelector('dialog .told').innerText.includes('no address of the web')",
    );
    assert_eq!(read_text(&world.file()), before);
    browser.run("document.querySelector('#alert-webhook').value = ''", &[]);
    browser.write("#alert-webhook", "http://localhost:9/other");
    browser.write("#alert-secret", "signs-it-now");
    limit(browser, "12h");
    save(browser, "localhost:9");
    expect_lines(
        world,
        &[
            "webhook = \"http://localhost:9/other\"",
            "webhook_secret = \"signs-it-now\"",
            "time_limit = \"12h\"",
        ],
    );
    // Without it somebody else must be told.
    edit(browser);
    browser.click("#alert-drop");
    browser.click("dialog button[type='submit']");
    browser.wait(
        PATIENCE,
        "document.querySelector('dialog .told').innerText ===
            'Give an e-mail address, a webhook, or both.'",
    );
    browser.write("#alert-email", "operations@example.test");
    save(browser, "operations@example.test");
    let text = read_text(&world.file());
    assert!(!text.contains("webhook"), "{text}");
    expect_lines(world, &["email = \"operations@example.test\""]);
}

#[track_caller]
fn edit(browser: &Browser<'_>) {
    browser.click("[data-subscription='hook'] [data-do='edit']");
    browser.wait_seen("#alert-limit");
}

#[track_caller]
fn limit(browser: &Browser<'_>, word: &str) {
    browser.run(
        "document.querySelector('#alert-limit').value = arguments[0]",
        &[json!(word)],
    );
}

/// Sends the form, and waits until the list shows this.
#[track_caller]
fn save(browser: &Browser<'_>, word: &str) {
    browser.click("dialog button[type='submit']");
    browser.wait(PATIENCE, "!document.querySelector('dialog')");
    browser.wait(
        PATIENCE,
        &format!(
            "document.querySelector('[data-subscription=hook]')?.innerText.includes({})",
            json!(word)
        ),
    );
}

#[track_caller]
fn expect_lines(world: &World, lines: &[&str]) {
    let text = read_text(&world.file());
    let (_, table) = text.split_once("[[alert]]").expect("a table for it");
    for line in lines {
        assert!(table.contains(line), "{line} is not in {table}");
    }
}
