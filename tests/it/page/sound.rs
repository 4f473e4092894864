//! What must hold of every view: nothing runs that is data, nothing goes elsewhere, nothing is
//! wider than the screen, and whoever does not see colours, or anything, is served too.

use serde_json::{Value, json};

use super::browser::{Browser, PATIENCE, Size};
use super::looks::lively;
use super::world::{Row, TOKEN, World, visit};
use crate::harness::{Message, Registrar, SOON, answer, axe, free_udp_address};

/// Every view, with what is in it when it is whole.
const VIEWS: [(&str, &str); 8] = [
    ("#/accounts", "tr[data-account='main']"),
    ("#/account/main", ".ladder details"),
    ("#/account/refused", ".ladder details"),
    ("#/registrars", ".plot[data-registrar] svg"),
    ("#/groups", "tr[data-group]"),
    ("#/alerts", "tr[data-subscription]"),
    ("#/events", ".event"),
    ("#/nowhere", ".empty"),
];

/// Accounts in several states, and a subscription.
fn full(good: &Registrar, refusing: &Registrar) -> World {
    let world = World::new()
        .set(
            "good",
            &[good.address(), free_udp_address()],
            "keep_alive = \"options\"",
        )
        .set("refusing", &[refusing.address()], "")
        .with("\n[[alert]]\nname = \"operations\"\nwebhook = \"http://127.0.0.1:9/\"\n");
    [("main", "good"), ("refused", "refusing"), ("other", "good")]
        .iter()
        .fold(world, |world, (name, set)| {
            world.account(&Row {
                name,
                set,
                keys: "register = \"regular\"",
            })
        })
}

fn refuses(message: &Message) -> Vec<Vec<u8>> {
    vec![answer(message, "403 Forbidden", "")]
}

pub(super) fn every_view_fits_and_asks_nobody_else_and_complains_of_nothing() {
    let (good, refusing) = (Registrar::start(lively), Registrar::start(refuses));
    let world = full(&good, &refusing);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = world.look("every-view", TOKEN);
    for size in [Size::WIDE, Size::NARROW] {
        browser.size(size);
        for (view, whole) in VIEWS {
            visit(&browser, view);
            browser.wait_seen(whole);
            assert_fits(&browser, view, size);
        }
        visit(&browser, "#/alerts");
        browser.click("#new-alert");
        browser.click("input[value='specific']");
        browser.wait_seen("[data-pick]");
        assert_fits(&browser, "the form", size);
        browser.run("document.querySelector('dialog').close()", &[]);
    }
    let own = world.place("");
    let requests = browser.requests();
    let others: Vec<&String> = requests
        .iter()
        .filter(|address| !address.starts_with(&own) && !address.starts_with("data:"))
        .collect();
    assert!(requests.len() > 30, "{requests:?}");
    assert_eq!(others, Vec::<&String>::new(), "asked of others");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[track_caller]
fn assert_fits(browser: &Browser<'_>, view: &str, Size(width, _): Size) {
    let wide = browser
        .value("document.documentElement.scrollWidth")
        .as_u64();
    assert!(
        wide.is_some_and(|wide| wide <= u64::from(width)),
        "{view} is {wide:?} wide on a screen of {width}"
    );
}

pub(super) fn axe_finds_no_serious_fault_in_any_view_in_light_and_dark() {
    let (good, refusing) = (Registrar::start(lively), Registrar::start(refuses));
    let world = full(&good, &refusing);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = Browser::start(&world.sandbox, "axe");
    browser.open(&world.place(""));
    let script = axe();
    // The judge must be one that finds something.
    browser.run(&script, &[]);
    browser.run(
        "document.body.append(Object.assign(document.createElement('button'), { id: 'mute' }))",
        &[],
    );
    let found = judged(&browser, "a button without a name", "light");
    assert!(
        found.iter().any(|it| it.contains("button-name")),
        "{found:?}"
    );
    let mut faults = Vec::new();
    for scheme in ["light", "dark"] {
        browser.scheme(scheme);
        browser.open(&world.place(""));
        browser.wait(
            PATIENCE,
            "document.querySelector('#token') || document.querySelector('tr[data-account]')",
        );
        browser.run(&script, &[]);
        faults.extend(judged(&browser, "the first sight", scheme));
        if browser.value("Boolean(document.querySelector('#token'))") == json!(true) {
            super::world::sign_in(&browser, TOKEN);
        }
        let dark = browser.text("getComputedStyle(document.body).backgroundColor");
        assert_eq!(dark == "rgb(17, 22, 26)", scheme == "dark", "{dark}");
        for size in [Size::WIDE, Size::NARROW] {
            browser.size(size);
            for (view, whole) in VIEWS {
                visit(&browser, view);
                browser.wait_seen(whole);
                faults.extend(judged(&browser, view, scheme));
            }
            visit(&browser, "#/alerts");
            browser.click("#new-alert");
            browser.click("input[value='specific']");
            browser.wait_seen("[data-pick]");
            faults.extend(judged(&browser, "the form", scheme));
            browser.run("document.querySelector('dialog').close()", &[]);
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}

/// What axe calls serious or critical, in a line each.
#[track_caller]
fn judged(browser: &Browser<'_>, view: &str, scheme: &str) -> Vec<String> {
    // A row that has just changed is drawn in passing colours.
    browser.wait(
        PATIENCE,
        "document.getAnimations().every((it) => it.playState !== 'running' || \
         it.effect.getTiming().iterations === Infinity)",
    );
    let found = browser.run(
        "return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
            violations.filter(({ impact }) => ['serious', 'critical'].includes(impact))
                .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((it) =>
                    it.html.slice(0, 160) + ' ' + (it.any[0]?.message ?? '')).join(' | ')}`))",
        &[],
    );
    let Value::Array(found) = found else {
        panic!("axe said {found}")
    };
    let texts = found.iter().filter_map(Value::as_str);
    texts
        .map(|text| format!("{view}, {scheme}: {text}"))
        .collect()
}

pub(super) fn nothing_that_a_stranger_says_runs() {
    const REASON: &str = "403 <img src=x onerror=window.owned=1>\u{202e}";
    const SERVER: &str = "Server: <script>window.owned=2</script><svg onload=window.owned=3>\r\n";
    let hostile = Registrar::start(|message| vec![answer(message, REASON, SERVER)]);
    // As long as a name may be.
    let name = "<img/onerror=a()//>";
    let world = World::new()
        .set("hostile", &[hostile.address()], "")
        .account(&Row {
            name,
            set: "hostile",
            keys: "register = \"regular\"",
        })
        .account(&Row {
            name: "a/b?c#d%20&e='\"",
            set: "hostile",
            keys: "register = \"regular\"",
        });
    let _daemon = world.start();
    let browser = world.look("hostile-names", TOKEN);
    browser.run(
        "window.violations = []; document.addEventListener('securitypolicyviolation',
            (event) => window.violations.push(event.violatedDirective));",
        &[],
    );
    browser.wait_seen("tr[data-status='403']");
    let shown = browser.text("document.querySelector('tr[data-account] a.open').innerText");
    assert_eq!(shown, name);
    for at in 0..2 {
        visit(&browser, "#/accounts");
        browser.wait_seen("tr[data-status='403'] a.open");
        let row = browser.text(&format!(
            "document.querySelectorAll('tr[data-account] a.open')[{at}].getAttribute('href')"
        ));
        browser.run("location.hash = arguments[0]", &[json!(row)]);
        browser.wait_seen(".ladder .received details");
        // A reason is shown as it came, but for what turns the direction of writing.
        browser.wait(
            PATIENCE,
            "document.querySelector('.view.account').innerText.includes('<img src=x onerror=window.owned=1>\\ufffd')",
        );
        browser.click(".ladder .received summary");
        browser.wait(
            PATIENCE,
            "document.querySelector('.ladder .received pre').innerText.includes('<script>window.owned=2')",
        );
        let heading = browser.text("document.querySelector('h1').innerText");
        assert_eq!(heading, [name, "a/b?c#d%20&e='\""][at]);
    }
    for view in ["#/groups", "#/registrars", "#/alerts", "#/events"] {
        visit(&browser, view);
        browser.wait(PATIENCE, "!document.querySelector('[aria-busy=true]')");
    }
    browser.wait_seen(".event .whom a");
    assert_eq!(browser.value("window.owned ?? null"), Value::Null);
    assert_eq!(
        browser.value("document.querySelectorAll('main img').length"),
        json!(0)
    );
    assert_eq!(browser.value("window.violations"), json!([]));
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
