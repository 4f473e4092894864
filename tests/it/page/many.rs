//! Ten thousand Accounts on one page.

use std::time::{Duration, Instant};

use regent::sim::Behaviour;
use serde_json::json;

use super::browser::{Browser, PATIENCE};
use super::world::{TOKEN, free_tcp_address, sign_in};
use crate::harness::{Daemon, Many, Sandbox, Served};

const ACCOUNTS: usize = 10_000;
/// What a browser takes for one page of them, and not more for having turned many.
const NODES: u64 = 5_000;
const HEAP: u64 = 48 << 20;
/// An answer of the daemon, and drawing it, on a machine that does other things too: on an idle one
/// it takes a quarter of a second.
const SOON: Duration = Duration::from_secs(5);

pub(super) fn ten_thousand_accounts_stay_usable() {
    let registrar = Served::start(Behaviour::default());
    let sandbox = Sandbox::new();
    let address = free_tcp_address();
    let text = Many::new(ACCOUNTS, registrar.address()).text();
    let web = format!("\n[web]\nlisten = [\"{address}\"]\ntoken = \"{TOKEN}\"\n");
    let daemon = Daemon::start_text(&sandbox, &format!("{text}{web}"));
    let browser = Browser::start(&sandbox, "ten-thousand");
    browser.open(&format!("http://{address}/"));
    let start = Instant::now();
    sign_in(&browser, TOKEN);
    browser.wait_seen("tr[data-account]");
    let first = start.elapsed();
    assert!(first < SOON, "the first rows took {first:?}");
    // All of them register while somebody looks.
    daemon.wait_count(PATIENCE * 4, ACCOUNTS);
    browser.wait(
        PATIENCE,
        "document.querySelector(\"[data-phase='registered'] b\")?.innerText.replace(/\\D/g, '') \
         === '10000'",
    );
    let before = size_of(&browser);
    let searched = search(&browser);
    let turned = turn(&browser);
    let (nodes, heap) = size_of(&browser);
    eprintln!(
        "first rows {first:?}, search {searched:?}, a page {turned:?}, \
         nodes {} then {nodes}, heap {} then {heap} bytes",
        before.0, before.1
    );
    assert!(nodes < NODES, "{nodes} nodes");
    assert!(heap < HEAP, "{heap} bytes");
}

/// The time from the last letter to the rows.
#[track_caller]
fn search(browser: &Browser<'_>) -> Duration {
    browser.write("#search", "a9999");
    let took = browser.wait(
        PATIENCE,
        "document.querySelectorAll('tr[data-account]').length === 1 && \
         document.querySelector(\"tr[data-account='a9999']\")",
    );
    assert!(took < SOON, "the search took {took:?}");
    browser.run(
        "const search = document.querySelector('#search'); search.value = ''; \
         search.dispatchEvent(new Event('input'));",
        &[],
    );
    browser.wait(
        PATIENCE,
        "document.querySelectorAll('tr[data-account]').length === 50",
    );
    took
}

/// The longest time for a page, of twenty in the order of names.
#[track_caller]
fn turn(browser: &Browser<'_>) -> Duration {
    browser.click("[data-sort='name']");
    browser.wait(
        PATIENCE,
        "document.querySelector('[aria-sort=ascending] [data-sort=name]')",
    );
    let mut longest = Duration::ZERO;
    for page in 1..=20 {
        let before = browser.text("document.querySelector('tr[data-account]').dataset.account");
        browser.press("]");
        let took = browser.wait(
            PATIENCE,
            &format!(
                "document.querySelector('tr[data-account]').dataset.account !== {} && \
                 document.querySelector('.found').innerText.startsWith('{}')",
                json!(before),
                grouped(page * 50 + 1)
            ),
        );
        assert!(took < SOON, "page {page} took {took:?}");
        longest = longest.max(took);
    }
    longest
}

/// `1,001`, as the page counts.
fn grouped(number: usize) -> String {
    match number / 1_000 {
        0 => number.to_string(),
        thousands => format!("{thousands},{:03}", number % 1_000),
    }
}

/// Elements in the page, and bytes that its scripts hold.
#[track_caller]
fn size_of(browser: &Browser<'_>) -> (u64, u64) {
    browser.tool("HeapProfiler.collectGarbage", &json!({}));
    browser.tool("Performance.enable", &json!({}));
    let told = browser.tool("Performance.getMetrics", &json!({}));
    let metrics = told["metrics"].as_array().cloned().unwrap_or_default();
    let heap = metrics
        .iter()
        .find(|it| it["name"] == "JSHeapUsedSize")
        .and_then(|it| it["value"].as_f64());
    let nodes = browser.value("document.querySelectorAll('*').length");
    let nodes = nodes.as_u64().expect("a number");
    (nodes, bytes(heap))
}

/// A count that the tools give as a fraction.
fn bytes(count: Option<f64>) -> u64 {
    let count = count.expect("the size of the heap");
    format!("{count:.0}").parse().expect("a whole number")
}
