//! `regent alerts` on the command line.

use libtest_mimic::Trial;

use super::hook::WebHook;
use super::{World, documented, keys, list};
use crate::harness::{Said, Sandbox, User, read_text, regent as command};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_subscription_is_written_tested_and_taken_out,
        a_change_without_a_daemon_is_written_too,
        what_cannot_be_subscribed_to_is_said,
        there_is_nothing_to_show_at_first,
    ]
}

fn regent(sandbox: &Sandbox, arguments: &[&str]) -> Said {
    command(sandbox, User::Same, arguments)
}

// rule T3
fn a_subscription_is_written_tested_and_taken_out() {
    let hook = WebHook::start(&["204 No Content"]);
    let world = World::new("");
    world.sandbox.write("hook.secret", "a secret\n");
    world.sandbox.set_mode("hook.secret", 0o600);
    let daemon = world.start();
    let url = hook.url();
    let said = daemon.tell(&[
        "alerts",
        "subscribe",
        "hook",
        "--webhook",
        &url,
        "--webhook-secret-file",
        "hook.secret",
        "--account",
        "main",
        "--no-timeout",
        "--time-limit",
        "2h",
    ]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("`regent alerts test`"), "{said:?}");
    let text = read_text(&world.file);
    for line in [
        "[[alert]]",
        "name = \"hook\"",
        "accounts = [\"main\"]",
        "webhook_secret_file = \"hook.secret\"",
        "send_timeout = false",
        "time_limit = \"2h\"",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(!text.contains("send_resolution"), "{text}");
    let said = daemon.tell(&["alerts", "test", "hook"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = format!("hook: webhook to {}: delivered\n", hook.host());
    assert_eq!(said.out, expected);
    let posts = hook.posts();
    assert_eq!(posts.len(), 1);
    let body: serde_json::Value = serde_json::from_slice(&posts[0].body).expect("JSON");
    assert_eq!(
        (&body["event"], &body["subscription"]),
        (&"test".into(), &"hook".into())
    );
    let subscribed = &list(&daemon)["subscriptions"];
    assert_eq!(documented("## A subscription"), keys(&subscribed[0]));
    assert_eq!(subscribed[0]["name"], "hook");
    assert_eq!(subscribed[0]["accounts"], serde_json::json!(["main"]));
    let said = daemon.tell(&["alerts", "list"]);
    assert!(said.out.contains("\nWho is told:\n"), "{said:?}");
    assert!(said.out.contains(&hook.host()), "{said:?}");
    let said = daemon.tell(&["alerts", "test", "--json"]);
    let tests: serde_json::Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!(tests["tests"][0]["means"], "webhook");
    let said = daemon.tell(&["alerts", "test", "hock"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("there is no subscription \"hock\""),
        "{said:?}"
    );
    assert!(said.err.contains("did you mean \"hook\"?"), "{said:?}");
    let said = daemon.tell(&["alerts", "unsubscribe", "hook"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!read_text(&world.file).contains("[[alert]]"));
    let said = daemon.tell(&["alerts", "test"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("there is no subscription"), "{said:?}");
}

// rule T3
fn a_change_without_a_daemon_is_written_too() {
    let world = World::new("");
    let file = world.file.display().to_string();
    let before = read_text(&world.file);
    let subscribe = [
        "alerts",
        "subscribe",
        "hook",
        "--webhook",
        "http://127.0.0.1/",
        "--config",
        &file,
    ];
    let dry = [&subscribe[..], &["--dry-run"]].concat();
    let said = regent(&world.sandbox, &dry);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("+name = \"hook\""), "{said:?}");
    assert_eq!(read_text(&world.file), before);
    let said = regent(&world.sandbox, &subscribe);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(read_text(&world.file).contains("name = \"hook\""));
    let said = regent(
        &world.sandbox,
        &["alerts", "unsubscribe", "hook", "-c", &file],
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(read_text(&world.file).trim_end(), before.trim_end());
}

// rule T3
fn what_cannot_be_subscribed_to_is_said() {
    let world = World::new("");
    let daemon = world.start();
    let before = read_text(&world.file);
    for (arguments, code, words) in [
        (&["a"][..], 2, "<--email <ADDRESS>|--webhook <URL>>"),
        (
            &["a", "--email", "a@example.net"],
            1,
            "email needs a mail server",
        ),
        (&["a", "--webhook", "ftp://h/"], 2, "no address of the web"),
        (
            &["a", "--webhook", "http://h/", "--account", "mian"],
            1,
            "did you mean \"main\"?",
        ),
        (
            &["a", "--webhook", "http://h/", "--time-limit", "3h"],
            2,
            "3h",
        ),
    ] {
        let arguments = [&["alerts", "subscribe"], arguments].concat();
        let said = daemon.tell(&arguments);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.err.contains(words), "{said:?}");
    }
    assert_eq!(read_text(&world.file), before);
    let said = daemon.tell(&["alerts", "unsubscribe", "nobody"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.err.contains("there is no subscription \"nobody\""),
        "{said:?}"
    );
}

// rule T3
fn there_is_nothing_to_show_at_first() {
    let world = World::new("");
    let daemon = world.start();
    let said = daemon.tell(&["alerts", "list"]);
    let nothing = "no alert goes on\n\
                   nobody is told of alerts: `regent alerts subscribe` changes that\n";
    assert_eq!((said.code, &*said.out), (Some(0), nothing));
    let listed = list(&daemon);
    assert_eq!(listed["schema"], 1);
    assert_eq!(listed["alerts"].as_array().map(Vec::len), Some(0));
    daemon.stop();
    let said = regent(
        &world.sandbox,
        &["alerts", "list", "--socket", "nowhere.sock"],
    );
    assert_eq!(said.code, Some(3), "{said:?}");
}
