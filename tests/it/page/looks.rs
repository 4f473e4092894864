//! What is seen: words, shapes and colours, and that they change when something does.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::browser::{Browser, PATIENCE};
use super::world::{Row, TOKEN, World, visit};
use crate::harness::{Message, Registrar, SOON, answer, free_udp_address, usual};

/// Answers what a registrar without keep-alive answers, and OPTIONS.
pub(super) fn lively(message: &Message) -> Vec<Vec<u8>> {
    match message.is_register() {
        true => usual(message, 600),
        false => vec![answer(message, "200 OK", "")],
    }
}

const REGISTERED: &str = "register = \"regular\"";

// rule P5
pub(super) fn the_six_words_have_their_colours() {
    let good = Registrar::start(lively);
    let slow = Registrar::start(|message| {
        // Later than `lagged_ms`, sooner than the request is sent again.
        thread::sleep(Duration::from_millis(250));
        lively(message)
    });
    let dead = free_udp_address();
    let members = [good.address(), slow.address(), dead];
    let probed = "keep_alive = \"options\"\nkeep_alive_secs = 5";
    let world = World::new()
        .set("probed", &members, probed)
        .set("left-alone", &[good.address()], "")
        .set(
            "current-only",
            &[good.address(), slow.address()],
            "keep_alive = \"options-on-active\"",
        )
        .account(&Row {
            name: "main",
            set: "probed",
            keys: REGISTERED,
        });
    let _daemon = world.start();
    let browser = world.look("the-six-words", TOKEN);
    visit(&browser, "#/registrars");
    for (set, member, word, colour) in [
        ("probed", members[0], "OK", "rgb(45, 164, 78)"),
        ("probed", members[1], "LAGGED", "rgb(245, 197, 24)"),
        ("probed", members[2], "UNREACHABLE", "rgb(209, 36, 47)"),
        (
            "left-alone",
            members[0],
            "Unmonitored",
            "rgb(255, 255, 255)",
        ),
    ] {
        let row = format!("[data-set='{set}'] [data-member='{member}'][data-health='{word}']");
        browser.wait_seen(&row);
        let shown = browser.text(&format!(
            "document.querySelector({}).innerText",
            json!(format!("{row} .health"))
        ));
        assert_eq!(shown, word);
        assert_eq!(
            browser.colour(&format!("{row} .bullet"), "backgroundColor"),
            colour
        );
    }
    // What was not asked has a word, and no mark.
    let row = format!(
        "[data-set='current-only'] [data-member='{}'][data-health='NO STATUS']",
        members[1]
    );
    browser.wait_seen(&row);
    assert!(!is_there(&browser, &format!("{row} .bullet")));
    unknown_is_black(&browser, members[2]);
}

/// Nobody waits for an hour: what the daemon says of the dead one, asked and unasked, is changed on
/// its way to the page.
#[track_caller]
fn unknown_is_black(browser: &Browser<'_>, dead: std::net::SocketAddr) {
    browser.run(
        "const parse = JSON.parse;
        JSON.parse = (text, ...rest) => parse(text.replaceAll('UNREACHABLE', 'UNKNOWN'), ...rest);",
        &[],
    );
    visit(browser, "#/groups");
    visit(browser, "#/registrars");
    let row = format!("[data-set='probed'] [data-member='{dead}'][data-health='UNKNOWN']");
    browser.wait_seen(&row);
    let mark = format!("{row} .bullet");
    assert_eq!(browser.colour(&mark, "backgroundColor"), "rgb(0, 0, 0)");
}

// rule T1
pub(super) fn an_account_shows_registered_an_error_number_or_not_registered() {
    let good = Registrar::start(lively);
    let refusing = Registrar::start(|message| vec![answer(message, "403 Forbidden", "")]);
    let dead = free_udp_address();
    let swap = "keep_alive = \"options\"\nkeep_alive_secs = 5";
    let world = World::new()
        .set("good", &[good.address()], "")
        .set("refusing", &[refusing.address()], "")
        .set("with-backup", &[dead, good.address()], swap);
    let rows = [
        ("main", "good", REGISTERED),
        ("refused", "refusing", REGISTERED),
        ("second", "with-backup", REGISTERED),
        ("never", "good", "register = \"no\""),
    ];
    let world = rows.iter().fold(world, |world, (name, set, keys)| {
        world.account(&Row { name, set, keys })
    });
    let _daemon = world.start();
    let browser = world.look("the-states", TOKEN);
    let good_colour = "rgb(23, 105, 58)";
    for (name, word, tone, colour, backup) in [
        ("main", "Registered", "good", good_colour, "No"),
        ("second", "Registered", "good", good_colour, "Yes"),
        ("refused", "403", "bad", "rgb(176, 33, 26)", "No"),
        ("never", "Not Registered", "quiet", "rgb(82, 96, 106)", "–"),
    ] {
        let row = format!("[data-account='{name}'][data-status='{word}']");
        browser.wait_seen(&row);
        let mark = format!("{row} .status");
        assert_eq!(text_of(&browser, &mark), word);
        assert_eq!(browser.colour(&mark, "color"), colour, "{name}");
        // A shape says the same without colour.
        let shape = format!("{row} .status[data-tone='{tone}'] svg path");
        assert!(is_there(&browser, &shape), "{name}");
        assert_eq!(
            text_of(&browser, &format!("{row} .backup")),
            backup,
            "{name}"
        );
    }
    let shapes = browser.value(
        "new Set([...document.querySelectorAll('.status[data-tone] path')].map((it) => \
         it.getAttribute('d'))).size",
    );
    assert_eq!(shapes, json!(3), "each tone has its own shape");
}

pub(super) fn a_change_is_seen_within_a_second() {
    let good = Registrar::start(lively);
    let world = World::new()
        .set("good", &[good.address()], "")
        .account(&Row {
            name: "main",
            set: "good",
            keys: REGISTERED,
        });
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = world.look("a-change", TOKEN);
    browser.wait_seen("[data-account='main'][data-status='Registered']");
    browser.wait(
        PATIENCE,
        "document.querySelector('#link').dataset.link === 'open'",
    );
    // The page itself notes when its row has changed, so that the driver's way does not count.
    for (order, word) in [
        ("unregister", "Not Registered"),
        ("register", "Registered"),
        ("unregister", "Not Registered"),
    ] {
        browser.run(
            "window.seen = null; const word = arguments[0];
             const look = () => {
                if (document.querySelector(`[data-account='main'][data-status='${word}']`)) {
                    window.seen ??= Date.now();
                }
             };
             window.watch?.disconnect();
             window.watch = new MutationObserver(look);
             window.watch.observe(document.querySelector('main'),
                { childList: true, subtree: true, attributes: true });",
            &[json!(word)],
        );
        let said = daemon.tell(&[order, "main"]);
        let told = unix_ms();
        assert_eq!(said.code, Some(0), "{said:?}");
        browser.wait(PATIENCE, "window.seen");
        let seen = browser.value("window.seen").as_i64().expect("a time");
        assert!(
            seen - told < 1_000,
            "{order}: told at {told}, seen at {seen}"
        );
    }
    // The number above the list changes too.
    browser.wait_seen("[data-phase='unregistered']");
}

pub(super) fn a_daemon_that_comes_back_is_noticed() {
    let good = Registrar::start(lively);
    let world = World::new()
        .set("good", &[good.address()], "")
        .account(&Row {
            name: "main",
            set: "good",
            keys: REGISTERED,
        });
    let daemon = world.start();
    let browser = world.look("it-comes-back", TOKEN);
    browser.wait(
        PATIENCE,
        "document.querySelector('#link').dataset.link === 'open'",
    );
    daemon.kill();
    browser.wait_seen("[data-notice='link']");
    let start = Instant::now();
    let _daemon = world.restart();
    // Sessions end with the daemon, so that the page either goes on or asks again who looks.
    browser.wait(
        PATIENCE,
        "document.querySelector('#link').dataset.link === 'open' || \
         document.querySelector('#token')",
    );
    assert!(start.elapsed() < Duration::from_secs(30));
    if is_there(&browser, "#token") {
        super::world::sign_in(&browser, TOKEN);
    }
    browser.wait_seen("[data-account='main'][data-status='Registered']");
    assert!(!is_there(&browser, "[data-notice='link']"));
}

pub(super) fn without_a_place_for_its_state_the_page_says_so() {
    let world = World::new().with("\n[agent]\nstate_directory = \"none\"\n");
    let _daemon = world.start();
    let browser = world.look("nothing-kept", TOKEN);
    browser.wait_seen("[data-notice='state'].doubtful");
    visit(&browser, "#/events");
    browser.wait(
        PATIENCE,
        "document.querySelector('main').innerText.includes('No history is kept')",
    );
    // What every object of the language has is no view.
    for odd in ["#/constructor", "#/__proto__", "#/nothing"] {
        browser.run("location.hash = arguments[0]", &[json!(odd)]);
        let says = "document.querySelector('main h1').innerText === 'Not found'";
        browser.wait(PATIENCE, says);
        visit(&browser, "#/events");
        browser.wait(
            PATIENCE,
            "document.querySelector('main h1').innerText !== 'Not found'",
        );
    }
}

/// The text of what is selected.
#[track_caller]
pub(super) fn text_of(browser: &Browser<'_>, selector: &str) -> String {
    let selector = json!(selector);
    browser.text(&format!(
        "document.querySelector({selector}).innerText.trim()"
    ))
}

/// Whether anything is selected.
#[track_caller]
pub(super) fn is_there(browser: &Browser<'_>, selector: &str) -> bool {
    let selector = json!(selector);
    browser.value(&format!("document.querySelector({selector}) !== null")) == Value::Bool(true)
}

fn unix_ms() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("the clock is right").as_millis()).expect("it fits")
}
