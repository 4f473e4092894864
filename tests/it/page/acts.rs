//! What is done: orders, subscriptions, and all of it without a mouse.

use serde_json::json;

use super::browser::{Browser, DOWN, ENTER, ESCAPE, PATIENCE, TAB};
use super::looks::{is_there, lively, text_of};
use super::world::{READ_TOKEN, Row, TOKEN, World, visit};
use crate::harness::{Registrar, SOON};

/// Accounts `main` and `spare` at a registrar that likes them.
pub(super) fn two(registrar: &Registrar) -> World {
    let world = World::new()
        .set("good", &[registrar.address()], "")
        .with("\n[mail]\nserver = \"127.0.0.1\"\nport = 9\nfrom = \"regent@example.test\"\nencryption = \"none\"\n");
    ["main", "spare"].iter().fold(world, |world, name| {
        world.account(&Row {
            name,
            set: "good",
            keys: "register = \"regular\"",
        })
    })
}

// rules I8, L10
pub(super) fn the_buttons_register_and_un_register() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = world.look("the-buttons", TOKEN);
    visit(&browser, "#/account/main");
    browser.wait_seen(".big-status .status[data-tone='good']");
    a_question_ends_with_its_view(&browser);
    // Somebody who thinks better of it has done nothing.
    browser.click("[data-order='unregister']");
    browser.click("dialog [data-answer='no']");
    browser.wait(PATIENCE, "!document.querySelector('dialog')");
    assert!(daemon.account("main").is_registered());
    browser.click("[data-order='unregister']");
    browser.click("dialog [data-answer='yes']");
    browser.wait_seen(".toast[data-tone='good']");
    assert_eq!(
        text_of(&browser, ".toast p"),
        "main is un-registered.",
        "the outcome is told"
    );
    browser.wait(
        PATIENCE,
        "document.querySelector('.big-status b').innerText === 'Not Registered'",
    );
    assert_eq!(daemon.account("main").phase(), "unregistered");
    // The strip has it, in words too.
    browser.wait(
        PATIENCE,
        "document.querySelector('.wide-strip figcaption')?.innerText.includes('un-registered for')",
    );
    assert!(is_there(&browser, ".wide-strip rect.span-unregistered"));
    let heard = registrar.heard();
    let is_gone = |it: &&crate::harness::Message| it.is_register() && it.expires() == 0;
    assert!(heard.0.iter().any(|it| is_gone(&it)), "{heard}");
    browser.click(".toast button");
    browser.click("[data-order='register']");
    browser.wait(
        PATIENCE,
        "document.querySelector('.toast p')?.innerText.startsWith('main is registered at')",
    );
    assert!(daemon.account("main").is_registered());
    browser.click(".toast button");
    browser.click("[data-order='refresh']");
    browser.wait(
        PATIENCE,
        "document.querySelector('.toast p')?.innerText.startsWith('main is registered at')",
    );
    // The ladder has the order's messages, and opens to the whole of one, without credentials.
    browser.wait_seen(".ladder .sent details");
    browser.wait(
        PATIENCE,
        "[...document.querySelectorAll('.ladder .first')].some((it) => it.innerText === '200 OK')",
    );
    // As much as the command line says of each, the newest on top.
    browser.wait(
        PATIENCE,
        "/^CSeq \\d+, credentials, asks 600 s$/.test(
            document.querySelector('.ladder .sent .words')?.innerText)
         && /^after [\\d.]+ ms, CSeq \\d+$/.test(
            document.querySelector('.ladder .received .words')?.innerText)",
    );
    let is_falling = browser.value(
        "[...document.querySelectorAll('.ladder li')].map((it) => Number(it.dataset.number))
            .every((number, at, all) => at === 0 || number < all[at - 1])",
    );
    assert_eq!(is_falling, json!(true), "the newest is on top");
    browser.click(".ladder .sent summary");
    browser.wait_seen(".ladder .sent details[open] pre");
    let whole = text_of(&browser, ".ladder .sent details[open] pre");
    assert!(
        whole.starts_with("REGISTER sip:carrier.test SIP/2.0\n"),
        "{whole}"
    );
    assert!(whole.contains("Call-ID: "), "{whole}");
}

/// Who goes back from a question has not answered it; where no Account is, a way leads on.
#[track_caller]
fn a_question_ends_with_its_view(browser: &Browser<'_>) {
    browser.click("[data-order='unregister']");
    browser.wait_seen("dialog [data-answer='yes']");
    browser.run("history.back()", &[]);
    browser.wait(
        PATIENCE,
        "document.title === 'Accounts · regent' && !document.querySelector('dialog')",
    );
    visit(browser, "#/account/nobody");
    browser.wait_seen("main .empty a[href='#/accounts']");
    let said = text_of(browser, "main .empty");
    assert!(said.starts_with("There is no Account"), "{said}");
    assert!(
        !said.contains(['`', '$']) && !said.contains("regent status"),
        "{said}"
    );
    visit(browser, "#/account/main");
    browser.wait_seen(".big-status .status[data-tone='good']");
}

pub(super) fn a_link_signs_in_once() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let daemon = world.start();
    let said = daemon.tell(&["web", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let told: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    let link = told["link"].as_str().expect("a link");
    let browser = Browser::start(&world.sandbox, "a-link");
    browser.open(link);
    browser.wait_seen("tr[data-account='main']");
    let address = browser.text("location.href");
    assert!(!address.contains("code"), "{address}");
    // Whoever is signed in stays so, whatever has become of the link.
    browser.open("about:blank");
    browser.open(link);
    browser.wait(
        PATIENCE,
        "document.querySelector('.toast[data-tone=doubtful]')?.innerText.includes('regent web')",
    );
    browser.wait_seen("tr[data-account='main']");
    assert!(!is_there(&browser, "#token"));
    assert_eq!(text_of(&browser, ".toast code"), "regent web");
    browser.click("#sign-out");
    browser.wait_seen("#token");
    // The same link, and then a wrong token: each says why it does not let in.
    browser.open("about:blank");
    browser.open(link);
    browser.wait(
        PATIENCE,
        "document.querySelector('#sign-in-told')?.innerText.includes('regent web')",
    );
    browser.write("#token", "not-the-token-of-an-operator");
    browser.click("button[type=submit]");
    browser.wait(
        PATIENCE,
        "document.querySelector('#sign-in-told').innerText === 'That is not the token.'",
    );
}

pub(super) fn a_viewer_may_look_and_not_act() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "main");
    let browser = world.look("a-viewer", READ_TOKEN);
    browser.wait_seen("[data-notice='viewer']");
    visit(&browser, "#/account/main");
    browser.wait_seen(".big-status .status");
    let may = browser.value(
        "[...document.querySelectorAll('[data-order]')].filter((it) => !it.disabled).length",
    );
    assert_eq!(may, json!(0));
    visit(&browser, "#/alerts");
    browser.wait_seen("#new-alert[disabled]");
    // What the page does not offer the daemon refuses too.
    let status = browser.run(
        "return fetch('/api/v1/accounts/main/unregister', {
            method: 'POST', body: '{}',
            headers: { 'X-Regent': '1', 'Content-Type': 'application/json' },
         }).then((answer) => answer.status)",
        &[],
    );
    assert_eq!(status, json!(403));
    assert!(daemon.account("main").is_registered());
}

pub(super) fn all_of_it_goes_by_keyboard() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let daemon = world.start();
    daemon.wait_account(SOON * 10, "spare");
    let browser = Browser::start(&world.sandbox, "by-keyboard");
    browser.open(&world.place(""));
    browser.wait(PATIENCE, "document.activeElement?.id === 'token'");
    browser.press(&format!("{TOKEN}{ENTER}"));
    browser.wait_seen("[data-account='spare'][data-status='Registered']");
    let focused = "document.activeElement.closest('tr')?.dataset.account";
    browser.press("j");
    browser.wait(PATIENCE, &format!("{focused} === 'main'"));
    browser.press(DOWN);
    browser.wait(PATIENCE, &format!("{focused} === 'spare'"));
    browser.press("k");
    browser.wait(PATIENCE, &format!("{focused} === 'main'"));
    let outline = browser.text("getComputedStyle(document.activeElement).outlineStyle");
    assert_eq!(outline, "solid", "the focus is seen");
    browser.press(&format!("j{ENTER}"));
    browser.wait(PATIENCE, "document.title === 'spare · regent'");
    browser.press("u");
    browser.wait(PATIENCE, "document.title === 'Accounts · regent'");
    browser.wait_seen("[data-account='main']");
    browser.press("/");
    browser.wait(PATIENCE, "document.activeElement.id === 'search'");
    browser.press("spa");
    browser.wait(
        PATIENCE,
        "document.querySelectorAll('tr[data-account]').length === 1",
    );
    browser.press(ESCAPE);
    browser.press("?");
    browser.wait_seen("dialog .keys");
    browser.press(ESCAPE);
    browser.wait(PATIENCE, "!document.querySelector('dialog')");
    for (key, title) in [
        ("2", "Registrars"),
        ("3", "Served groups"),
        ("4", "Alerts"),
        ("5", "Events"),
        ("1", "Accounts"),
    ] {
        browser.press(key);
        browser.wait(PATIENCE, &format!("document.title === '{title} · regent'"));
    }
    tab_reaches_the_orders(&browser);
}

/// From the top of an Account, the key Tab comes by all three orders.
#[track_caller]
fn tab_reaches_the_orders(browser: &Browser<'_>) {
    visit(browser, "#/account/main");
    browser.wait_seen("[data-order='register']:not([disabled])");
    browser.run("document.activeElement.blur(); window.scrollTo(0, 0);", &[]);
    let mut met = Vec::new();
    for _ in 0..30 {
        browser.press(TAB);
        let order = browser.text("document.activeElement.dataset.order ?? ''");
        if !order.is_empty() {
            met.push(order);
        }
    }
    assert_eq!(met, ["register", "refresh", "unregister"]);
    assert!(!is_there(
        browser,
        "[tabindex]:not([tabindex='0'], [tabindex='-1'])"
    ));
}

pub(super) fn an_account_is_found_by_its_name_and_by_its_aor() {
    let registrar = Registrar::start(lively);
    let world = two(&registrar);
    let _daemon = world.start();
    let browser = world.look("found-by-aor", TOKEN);
    let rows = "[...document.querySelectorAll('tr[data-account]')]
        .map((it) => it.dataset.account).join()";
    browser.wait(PATIENCE, &format!("{rows} === 'main,spare'"));
    let hint = browser.text("document.querySelector('#search').placeholder");
    assert_eq!(hint, "Find an Account by name or AOR");
    let type_in = |text: &str| {
        let script = "const search = document.querySelector('#search'); search.value = '';";
        browser.run(script, &[]);
        browser.write("#search", text);
    };
    for (text, found) in [
        ("493011@Carrier", "spare"),
        ("sip:493010", "main"),
        ("SPA", "spare"),
        ("@carrier.test", "main,spare"),
    ] {
        type_in(text);
        browser.wait(PATIENCE, &format!("{rows} === '{found}'"));
        let shown = browser.text(&format!("{rows} + ' ' + location.hash"));
        assert!(shown.starts_with(found), "{text}: {shown}");
    }
    type_in("nobody");
    browser.wait(
        PATIENCE,
        "document.querySelector('main').innerText.includes('No Account is found by “nobody”.')",
    );
}
