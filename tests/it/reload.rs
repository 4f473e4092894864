//! A reload as operators meet it: the command, the signal, and what they say.

mod binding;

use std::fs;
use std::net::UdpSocket;
use std::time::Duration;

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::sim::Behaviour;
use serde_json::Value;

use crate::harness::{
    Config, Daemon, Manager, Manner, Many, Registrar, SOON, Sandbox, Served, User, holds_for,
    regent, wait_until,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut all = trials![[];
        what_differs_is_named_and_put_in_force,
        a_faulty_configuration_changes_nothing_and_is_told_as_by_check,
        a_check_puts_nothing_in_force,
        a_signal_does_the_same_and_the_log_tells,
        the_service_manager_is_told_when_a_reload_begins_and_ends,
        a_password_file_with_another_content_counts,
        what_takes_effect_at_the_next_start_only_is_said,
        orders_go_on_while_many_accounts_are_read,
        of_two_thousand_accounts_only_the_one_that_changed_sends,
        another_port_of_the_interface_is_taken_without_a_restart,
        without_a_daemon_the_exit_code_is_3,
    ];
    all.extend(binding::trials());
    all
}

/// Three Accounts, of which `a1` is another one and `a2` has gone; `a3` is new.
fn another(text: &str) -> String {
    text.replace("contact_user = \"u1\"", "contact_user = \"moved\"")
        .replace("name = \"a2\"", "name = \"a3\"")
}

// rule G2
fn what_differs_is_named_and_put_in_force() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(3, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 3);
    sandbox.write("regent.toml", &another(&text));
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.out,
        "added: a3\nchanged: a1\nremoved: a2\n\
         3 Accounts: 1 added, 1 changed, 1 removed, 1 unchanged\n"
    );
    wait_until(SOON, "the new ones", || {
        daemon.account("a1").is_registered() && daemon.account("a3").is_registered()
    });
    wait_until(SOON, "the last of the old one", || {
        daemon.tell(&["status", "a2"]).code == Some(2)
    });
    let listed = daemon.tell(&["status"]);
    assert!(
        listed.out.contains("3 Accounts: 3 registered\n"),
        "{listed:?}"
    );
    let said = daemon.tell(&["reload"]);
    assert_eq!(
        said.out,
        "3 Accounts: 0 added, 0 changed, 0 removed, 3 unchanged\n"
    );
}

// rule G2
fn a_faulty_configuration_changes_nothing_and_is_told_as_by_check() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(2, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 2);
    let before = served.registrar().counts();
    let faulty = text.replace(
        "serving_ip_group = \"Carrier\"",
        "serving_ip_group = \"Carier\"",
    );
    let file = sandbox.write("regent.toml", &faulty);
    let checked = regent(&sandbox, User::Same, &["check", &file.to_string_lossy()]);
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let (findings, _) = checked.out.trim_end().rsplit_once('\n').expect("a sum");
    assert_eq!(said.out.trim_end(), findings);
    assert!(
        said.err.ends_with("2 errors; nothing has changed\n"),
        "{said:?}"
    );
    let told = daemon.tell(&["reload", "--json"]);
    assert_eq!(told.code, Some(1));
    let told: Value = serde_json::from_str(&told.out).expect("JSON");
    assert_eq!(told["code"], "configuration");
    assert_eq!(told["schema"], 1);
    assert_eq!(told["diagnostics"].as_array().map(Vec::len), Some(2));
    fs::remove_file(&file).expect("our own file");
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("cannot read"), "{said:?}");
    assert!(daemon.account("a0").is_registered() && daemon.account("a1").is_registered());
    assert_eq!(served.registrar().counts(), before);
}

fn a_check_puts_nothing_in_force() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(3, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 3);
    let before = served.registrar().counts();
    sandbox.write("regent.toml", &another(&text));
    // Twice, since the first one must not become what the second one is compared to.
    for _ in 0..2 {
        let said = daemon.tell(&["reload", "--check"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(
            said.out,
            "added: a3\nchanged: a1\nremoved: a2\n\
             3 Accounts: would be 1 added, 1 changed, 1 removed, 1 unchanged\n"
        );
    }
    assert!(daemon.account("a2").is_registered());
    assert_eq!(served.registrar().counts(), before);
}

// rule G2
fn a_signal_does_the_same_and_the_log_tells() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(3, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, 3);
    sandbox.write("regent.toml", "[registration]\nretry = 7\n");
    daemon.signal(Signal::SIGHUP);
    wait_until(SOON, "a refusal", || {
        let log = daemon.log();
        log.contains("ERROR the configuration was not reloaded") && log.contains(":2:1: ")
    });
    assert!(!daemon.log().contains(": error:"), "{}", daemon.log());
    sandbox.write("regent.toml", &another(&text));
    daemon.signal(Signal::SIGHUP);
    wait_until(SOON, "the reload", || {
        daemon
            .log()
            .contains("the configuration was reloaded added=1 changed=1 removed=1 unchanged=1")
    });
    wait_until(SOON, "the new one", || daemon.account("a3").is_registered());
    // The one that is gone has its past; one that never was has none.
    wait_until(SOON, "its past", || {
        let said = daemon.tell(&["events", "a2"]);
        said.code == Some(0) && said.out.contains("registered")
    });
    assert_eq!(daemon.tell(&["status", "a2"]).code, Some(2));
    assert_eq!(daemon.tell(&["events", "a9"]).code, Some(2));
}

fn the_service_manager_is_told_when_a_reload_begins_and_ends() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let manager = Manager::listen(&sandbox);
    let file = sandbox.write("regent.toml", &Many::new(1, served.address()).text());
    let manner = Manner {
        environment: &[("NOTIFY_SOCKET", &*manager.place())],
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    assert_eq!(manager.hear(), "READY=1\n");
    daemon.signal(Signal::SIGHUP);
    let words: Vec<String> = (0..20)
        .map(|_| manager.hear())
        .filter(|word| !word.starts_with("STATUS="))
        .take(2)
        .collect();
    let first = words[0].strip_prefix("RELOADING=1\nMONOTONIC_USEC=");
    let instant = first.and_then(|rest| rest.trim_end().parse::<u64>().ok());
    assert!(instant.is_some_and(|instant| instant > 0), "{words:?}");
    assert_eq!(words[1], "READY=1\n");
}

fn a_password_file_with_another_content_counts() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let daemon = Daemon::start(&sandbox, &config);
    daemon.wait_registered(SOON);
    config.password("another one").write(&sandbox);
    let said = daemon.tell(&["reload"]);
    assert_eq!(
        said.out, "changed: main\n1 Account: 0 added, 1 changed, 0 removed, 0 unchanged\n",
        "{said:?}"
    );
    fs::remove_file(sandbox.path("main.secret")).expect("our own file");
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("no such file or directory"), "{said:?}");
    assert!(!daemon.log().contains("another one"));
}

fn what_takes_effect_at_the_next_start_only_is_said() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(1, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    let moved = text.replace("[agent]\n", "[agent]\ncontrol_socket = \"/nowhere/sock\"\n");
    sandbox.write("regent.toml", &moved);
    // It counts from the start, and not from the reload before.
    for _ in 0..2 {
        let said = daemon.tell(&["reload"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let words = "warning: agent: control_socket takes effect at the next start\n1 Account: ";
        assert!(said.out.contains(words), "{said:?}");
    }
}

fn orders_go_on_while_many_accounts_are_read() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let text = Many::new(5_000, served.address()).text();
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.signal(Signal::SIGHUP);
    let first = daemon.tell(&["reload"]);
    assert_eq!(
        first.out, "5000 Accounts: 0 added, 0 changed, 0 removed, 5000 unchanged\n",
        "{first:?}"
    );
    wait_until(SOON, "both", || {
        daemon
            .log()
            .matches("the configuration was reloaded")
            .count()
            == 2
    });
}

// rule G2
fn of_two_thousand_accounts_only_the_one_that_changed_sends() {
    const ACCOUNTS: usize = 2_000;
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::open());
    let text = Many::new(ACCOUNTS, served.address()).text();
    // Nothing else is due while the test looks.
    let text = text.replace(
        "registration_time_secs = 60",
        "registration_time_secs = 3600",
    );
    let daemon = Daemon::start_text(&sandbox, &text);
    daemon.wait_count(SOON, ACCOUNTS);
    let before = served.registrar().counts();
    let changed = text.replace("contact_user = \"u1234\"", "contact_user = \"moved\"");
    sandbox.write("regent.toml", &changed);
    let said = daemon.tell(&["reload"]);
    assert_eq!(
        said.out,
        "changed: a1234\n2000 Accounts: 0 added, 1 changed, 0 removed, 1999 unchanged\n"
    );
    wait_until(SOON, "the one", || {
        let account = daemon.account("a1234");
        account.is_registered() && served.registrar().counts().removed == 1
    });
    holds_for(Duration::from_millis(300), "nobody else sends", || {
        let after = served.registrar().counts();
        (after.registers - before.registers, after.retransmissions) == (2, before.retransmissions)
    });
}

// rules G2, N4
fn another_port_of_the_interface_is_taken_without_a_restart() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let config = Config::new(registrar.address());
    let daemon = Daemon::start(&sandbox, &config);
    daemon.wait_registered(SOON);
    let moved = Config::new(registrar.address());
    moved.write(&sandbox);
    let said = daemon.tell(&["reload"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until(SOON, "the new port", || {
        let status = daemon.status();
        status.is_registered()
            && daemon
                .tell(&["status", "--json"])
                .out
                .contains(&format!("\"local\":\"{}\"", moved.local()))
    });
    let from: Vec<_> = registrar.heard_from();
    let removed = from.iter().filter(|(_, it)| it.expires() == 0);
    assert!(removed.into_iter().all(|(at, _)| *at == config.local()));
    assert_eq!(from.last().map(|(at, _)| *at), Some(moved.local()));
    wait_until(SOON, "the old port to be free", || {
        UdpSocket::bind(config.local()).is_ok()
    });
}

fn without_a_daemon_the_exit_code_is_3() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("nobody.sock");
    let said = regent(
        &sandbox,
        User::Same,
        &["reload", "--socket", &socket.to_string_lossy()],
    );
    assert_eq!(said.code, Some(3), "{said:?}");
}
