//! What has been, from a history that was written beforehand: strips of seven days, and events page
//! by page.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use regent::status::UnixMs;
use regent::status::history::{Entry, EntryKind};
use regent::status::round_trips::{Point, step_of};
use regent::store::{Database, Store as _};
use serde_json::json;

use super::acts::two;
use super::browser::{Browser, PATIENCE};
use super::looks::{lively, text_of};
use super::world::{TOKEN, World, visit};
use crate::harness::{Registrar, SOON};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

/// What happened to `main`, or to the daemon, so long ago, in the order in which it did.
struct Past {
    now: i64,
    entries: Vec<Arc<Entry>>,
}

impl Past {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("the clock is right").as_millis();
        Self {
            now: i64::try_from(now).expect("it fits"),
            entries: Vec::new(),
        }
    }

    fn add(&mut self, ago: i64, kind: EntryKind, phases: Option<(&'static str, &'static str)>) {
        let id = self.entries.len() as u64 + 1;
        let is_daemons = matches!(kind, EntryKind::Start | EntryKind::Stop);
        self.entries.push(Arc::new(Entry {
            id,
            at: UnixMs(self.now - ago),
            kind,
            account: (!is_daemons).then(|| "main".into()),
            from: phases.map(|(from, _)| from.into()),
            to: phases.map(|(_, to)| to.into()),
            registrar: None,
            code: None,
            uid: None,
            text: format!("number {id}").into(),
        }));
    }

    fn phase(&mut self, ago: i64, from: &'static str, to: &'static str) {
        self.add(ago, EntryKind::Phase, Some((from, to)));
    }

    /// Writes it where the daemon of this world will keep its own.
    #[track_caller]
    fn write(&self, world: &World) {
        let database = Database::open(&world.sandbox.path("state"));
        let mut database = database.expect("a new state");
        database.append(&self.entries).expect("room");
    }
}

/// Six days of a trunk: six hours of an outage, two of refreshes that failed, twelve without it by
/// order, and a night without the daemon.
fn week() -> Past {
    let mut past = Past::new();
    past.add(6 * DAY, EntryKind::Start, None);
    past.phase(6 * DAY - SECOND, "registering", "registered");
    past.phase(5 * DAY, "registered", "waiting-to-retry");
    past.phase(5 * DAY - 6 * HOUR, "waiting-to-retry", "registered");
    past.add(3 * DAY, EntryKind::RefreshFailed, None);
    past.add(3 * DAY - 2 * HOUR, EntryKind::Refreshed, None);
    past.phase(2 * DAY, "registered", "unregistered");
    past.phase(2 * DAY - 12 * HOUR, "unregistered", "registered");
    past.add(31 * HOUR, EntryKind::Stop, None);
    past.add(26 * HOUR + HOUR / 2, EntryKind::Start, None);
    past.phase(26 * HOUR + HOUR / 2 - SECOND, "registering", "registered");
    past.add(SECOND, EntryKind::Stop, None);
    past
}

// rule T1
pub(super) fn seven_days_are_a_strip_and_in_words() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    week().write(&world);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = world.look("seven-days", TOKEN);
    visit(&browser, "#/account/main");
    browser.wait_seen(".wide-strip figcaption");
    let caption = text_of(&browser, ".wide-strip figcaption");
    // A day without an outage, however the week was.
    let day = "Last 24 hours: registered 100 % of the time that is known";
    assert!(caption.starts_with(day), "{caption}");
    assert!(!caption.contains("outage"), "{caption}");
    // Nothing had happened in it until the daemon stopped, a few seconds ago.
    let unknown = caption.rsplit("nothing is known of ").next();
    let unknown = unknown.and_then(|it| it.strip_suffix(" s."));
    assert!(
        unknown.is_some_and(|it| it.parse::<u32>().is_ok()),
        "{caption}"
    );
    browser.click("[data-hours='168']");
    let week = "Last 7 days: registered 87.1 % of the time that is known, not registered for 6 h \
                in one outage, refreshes failed for 2 h, un-registered for 12 h, nothing is known \
                of 1 d 4 h.";
    browser.wait(PATIENCE, &caption_is(week));
    each_span_stands_in_its_place(&browser);
    // The same as a table, the newest first, and with the words of the legend.
    browser.click(".as-table summary");
    let states = browser.value(
        "[...document.querySelectorAll('.as-table tbody tr')]
            .map((it) => it.children[2].innerText + ' ' + it.children[3].innerText).slice(-12, -2)",
    );
    let expected = [
        "registered 1 d 2 h",
        "not registered 1 s",
        "unknown 4 h 30 min",
        "registered 5 h",
        "un-registered 12 h",
        "registered 22 h",
        "refresh failing 2 h",
        "registered 1 d 18 h",
        "not registered 6 h",
        "registered 23 h 59 min",
    ];
    assert_eq!(states, json!(expected));
    // The address has it, so that it is there again when the page is loaded anew.
    assert!(browser.text("location.hash").ends_with("hours=168"));
    browser.run("location.reload()", &[]);
    browser.wait(PATIENCE, &caption_is(week));
    browser.click("[data-hours='24']");
    browser.wait(
        PATIENCE,
        "document.querySelector('.wide-strip figcaption').innerText.startsWith('Last 24 hours')",
    );
}

fn caption_is(words: &str) -> String {
    let words = json!(words);
    format!("document.querySelector('.wide-strip figcaption')?.innerText === {words}")
}

/// Each began where it did: the strip is a thousand wide, and seven days long.
#[track_caller]
fn each_span_stands_in_its_place(browser: &Browser<'_>) {
    for (state, began, lasted) in [
        ("down", 2.0, 0.25),
        ("failing", 4.0, 2.0 / 24.0),
        ("unregistered", 5.0, 0.5),
    ] {
        // The seconds that a start takes are drawn too, and are not seen.
        let span = browser.value(&format!(
            "[...document.querySelectorAll('.wide-strip rect.span-{state}')]
                .map((it) => [it.getAttribute('x'), it.getAttribute('width')].map(Number))
                .filter(([, width]) => width > 1)"
        ));
        assert_eq!(span.as_array().map(Vec::len), Some(1), "{state}: {span}");
        let [x, width] = [0, 1].map(|at| span[0][at].as_f64().expect("a number"));
        let [from, wide] = [began, lasted].map(|days| days * 1_000.0 / 7.0);
        assert!((x - from).abs() < 1.0, "{state} begins at {x}, not {from}");
        assert!(
            (width - wide).abs() < 1.0,
            "{state} is {width} wide, not {wide}"
        );
    }
    // One colour for each, and the worst the highest.
    let looks = browser.value(
        "['up', 'failing', 'down', 'unregistered', 'unknown'].map((state) => {
            const span = document.querySelector(`.wide-strip rect.span-${state}`);
            return `${getComputedStyle(span).fill} ${span.getAttribute('height')}`;
        })",
    );
    let mut looks: Vec<_> = looks.as_array().cloned().unwrap_or_default();
    looks.sort_by_key(ToString::to_string);
    looks.dedup();
    assert_eq!(looks.len(), 5, "{looks:?}");
    let marks = browser.value("document.querySelector('.wide-strip .axis').innerText.split('\\n')");
    assert_eq!(marks.as_array().map(Vec::len), Some(5), "{marks}");
    assert_eq!(marks[4], "now");
}

/// A registrar's death: very many things at one instant, more than a page takes.
const AT_ONCE: i64 = 700;

pub(super) fn events_go_back_page_by_page() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let mut past = Past::new();
    for number in 0..200 {
        past.add(2 * DAY - number * SECOND, EntryKind::Warning, None);
    }
    for _ in 0..AT_ONCE {
        past.add(DAY, EntryKind::Warning, None);
    }
    for number in 0..150 {
        past.add(HOUR - number * SECOND, EntryKind::Warning, None);
    }
    past.write(&world);
    let count = past.entries.len();
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    daemon.wait_account(SOON * 10, "spare");
    let browser = world.look("older-events", TOKEN);
    visit(&browser, "#/events?kind=warning");
    browser.wait(PATIENCE, &shown_is(100));
    for page in 2..=count / 100 {
        browser.click(OLDER);
        browser.wait(PATIENCE, &shown_is(page * 100));
    }
    browser.click(OLDER);
    browser.wait(PATIENCE, &shown_is(count));
    browser.wait(
        PATIENCE,
        "!document.querySelector('.events-view .foot button')",
    );
    all_without_a_gap(&browser, 1);
    // What happens while so many are shown takes the place of the oldest, which can be asked for
    // again.
    visit(&browser, "#/events");
    browser.wait(
        PATIENCE,
        &format!(
            "{} && document.querySelector('.event:not([data-kind=warning])')",
            shown_is(100)
        ),
    );
    for page in 2..=11 {
        let all = count + newer(&browser);
        browser.click(OLDER);
        browser.wait(PATIENCE, &shown_is(all.min(page * 100)));
    }
    browser.wait(
        PATIENCE,
        "!document.querySelector('.events-view .foot button')",
    );
    assert_eq!(daemon.tell(&["unregister", "main"]).code, Some(0));
    browser.wait_seen(".event[data-kind='order']");
    browser.wait_seen(OLDER);
    let first = browser.text("document.querySelector('.events').lastElementChild.dataset.event");
    let first: u64 = first.parse().expect("an id");
    assert!(first > 1, "the oldest made room");
    all_without_a_gap(&browser, first);
    browser.click(OLDER);
    browser.wait(
        PATIENCE,
        "document.querySelector(\".event[data-event='1']\")",
    );
    all_without_a_gap(&browser, 1);
}

/// Answers that took that long, in microseconds, and the axis that they have.
const SLOW: [(u32, [&str; 3]); 5] = [
    (900, ["0", "0.50 ms", "1.0 ms"]),
    (400_000, ["0", "250 ms", "500 ms"]),
    (900_000, ["0", "500 ms", "1 s"]),
    (4_000_000, ["0", "2.5 s", "5 s"]),
    (19_000_000, ["0", "10 s", "20 s"]),
];

pub(super) fn the_axis_of_round_trips_is_whole() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let at = step_of(UnixMs(Past::new().now - HOUR));
    let point = |max_us| Point {
        at,
        count: 3,
        min_us: 400,
        median_us: 500,
        max_us,
    };
    let places = (1..).map(|last| SocketAddr::from(([192, 0, 2, last], 5060)));
    let points: Vec<_> = places.zip(SLOW.map(|(max_us, _)| point(max_us))).collect();
    let database = Database::open(&world.sandbox.path("state"));
    let mut database = database.expect("a new state");
    database.keep_round_trips(&points).expect("room");
    drop(database);
    let _daemon = world.start();
    let browser = world.look("slow-round-trips", TOKEN);
    visit(&browser, "#/registrars");
    for ((registrar, _), (_, expected)) in points.iter().zip(SLOW) {
        let svg = format!(".plot[data-registrar='{registrar}'] svg");
        browser.wait_seen(&svg);
        let marks = browser.value(&format!(
            "(() => {{
                const svg = document.querySelector(\"{svg}\");
                const left = svg.getBoundingClientRect().left;
                const marks = [...svg.querySelectorAll(\"text[text-anchor='end']\")];
                return marks.map((it) =>
                    it.getBoundingClientRect().left >= left ? it.textContent : 'cut off');
            }})()"
        ));
        assert_eq!(marks, json!(expected), "{registrar}");
    }
}

pub(super) fn an_alert_has_the_colour_of_what_was_told() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let mut past = Past::new();
    for kind in ["lost", "timed-out", "given-up", "resolved", "test"] {
        past.add(HOUR, EntryKind::Alert, Some(("", kind)));
    }
    // As versions before wrote it.
    past.add(HOUR, EntryKind::Alert, None);
    past.write(&world);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = world.look("told-alerts", TOKEN);
    visit(&browser, "#/events?kind=alert");
    browser.wait(PATIENCE, &shown_is(past.entries.len()));
    let tones =
        browser.value("[...document.querySelectorAll('.event .tag')].map((it) => it.className)");
    let expected = ["quiet", "quiet", "good", "bad", "bad", "bad"];
    assert_eq!(tones, json!(expected.map(|tone| format!("tag {tone}"))));
    // What an Account's page tells of it has them too.
    visit(&browser, "#/account/main");
    browser.wait(
        PATIENCE,
        "document.querySelector(\".event[data-kind='alert'] .tag.bad\")",
    );
}

const OLDER: &str = ".events-view .foot button";

fn shown_is(count: usize) -> String {
    format!("document.querySelectorAll('.events .event').length === {count}")
}

/// How many events are shown that this daemon has added.
#[track_caller]
fn newer(browser: &Browser<'_>) -> usize {
    let newer =
        browser.value("document.querySelectorAll('.event:not([data-kind=warning])').length");
    usize::try_from(newer.as_u64().expect("a number")).expect("it fits")
}

/// Every event down to this one is there, once, the newest on top.
#[track_caller]
fn all_without_a_gap(browser: &Browser<'_>, last: u64) {
    let ids = browser.value(
        "[...document.querySelectorAll('.events .event')].map((it) => Number(it.dataset.event))",
    );
    let ids = ids.as_array().cloned().unwrap_or_default();
    let ids: Vec<u64> = ids.iter().filter_map(|id| id.as_u64()).collect();
    let first = *ids.first().expect("an event");
    assert_eq!(ids, (last..=first).rev().collect::<Vec<_>>());
}
