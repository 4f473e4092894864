//! The daemon as a process: how it starts, what it survives, how it takes leave.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::sim::Behaviour;
use serde_json::Value;

use crate::harness::{
    Account, Daemon, Manner, Many, Piped, Process, SOON, Sandbox, Served, Setting, UNPRIVILEGED,
    User, free_udp_address, program, regent, run, wait_for, wait_until,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[];
        a_stop_removes_the_bindings_and_ends_in_order,
        the_service_manager_hears_what_it_needs,
        logs_are_json_where_that_is_asked_for_and_quiet_about_refreshes,
        one_bad_account_disturbs_nobody,
        a_log_that_nobody_reads_any_more_ends_nothing,
        many_accounts_are_registered_with_two_requests_each,
    ];
    trials.extend(trials![[UNPRIVILEGED]; an_unprivileged_user_gets_along_where_nothing_is_given]);
    trials
}

/// Rule L7.
fn a_stop_removes_the_bindings_and_ends_in_order() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let daemon = Daemon::start_text(&sandbox, &Many::new(5, served.address()).leaving().text());
    daemon.wait_count(SOON, 5);
    assert_eq!(served.registrar().counts().accepted, 5);
    let socket = daemon.socket().to_owned();
    let log = daemon.stop_within(Duration::from_secs(3));
    assert_eq!(served.registrar().counts().removed, 5);
    assert!(!socket.exists());
    assert!(log.contains("INFO stopped\n"), "{log}");
}

fn the_service_manager_hears_what_it_needs() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let path = sandbox.path("notify.sock");
    let manager = UnixDatagram::bind(&path).expect("room in the sandbox");
    manager.set_read_timeout(Some(SOON)).expect("a time limit");
    let mut buffer = [0; 4_096];
    let mut hear = || {
        let length = manager.recv(&mut buffer).expect("a word in time");
        let word = String::from_utf8_lossy(&buffer[..length]);
        word.trim_end().to_owned()
    };
    let file = sandbox.write("regent.toml", &Many::new(3, served.address()).text());
    let path = path.to_string_lossy();
    let manner = Manner {
        environment: &[("NOTIFY_SOCKET", &*path), ("WATCHDOG_USEC", "1000000")],
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    assert_eq!(hear(), "READY=1");
    let mut words: Vec<String> = Vec::new();
    while !words.contains(&"STATUS=3 of 3 Accounts registered".to_owned()) {
        words.push(hear());
        assert!(words.len() < 20, "{words:?}");
    }
    // Alive at least twice per second from now on.
    for _ in 0..4 {
        let start = Instant::now();
        while hear() != "WATCHDOG=1" {}
        let took = start.elapsed();
        assert!(took < Duration::from_millis(900), "{took:?}");
    }
    daemon.stop();
    wait_until(SOON, "the last word", || hear() == "STOPPING=1");
}

fn logs_are_json_where_that_is_asked_for_and_quiet_about_refreshes() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let file = sandbox.write("regent.toml", &Many::new(1, served.address()).text());
    let manner = Manner {
        arguments: &["--log-format", "json"],
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    daemon.wait_count(SOON, 1);
    let before = daemon.log().lines().count();
    for _ in 0..5 {
        assert_eq!(daemon.tell(&["refresh", Many::FIRST]).code, Some(0));
    }
    assert_eq!(daemon.log().lines().count(), before, "{}", daemon.log());
    let log = daemon.stop_within(SOON);
    let lines = log
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    let lines: Vec<Value> = lines.collect();
    let registered = lines.iter().find(|line| line["message"] == "registered");
    let registered = registered.expect("a line about it");
    assert_eq!(registered["account"], Many::FIRST);
    assert_eq!(registered["level"], "INFO");
    let arguments = ["run", "--log", "so=much=nonsense"];
    let said = regent(&sandbox, User::Same, &arguments);
    assert_eq!(said.code, Some(2), "{said:?}");
}

/// Rule P4, as far as one registrar goes.
fn one_bad_account_disturbs_nobody() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let bad = format!("u500@{}", Many::DOMAIN);
    served.registrar().behave_for(&bad, Behaviour::silence());
    let daemon = Daemon::start_text(&sandbox, &Many::new(1_000, served.address()).text());
    daemon.wait_count(Duration::from_secs(10), 999);
    let bad = daemon.account("a500");
    assert_eq!(bad.phase(), "registering", "{bad}");
    let counts = served.registrar().counts();
    assert_eq!(counts.accepted, 999, "{counts:?}");
    assert_eq!(counts.challenged, 999, "{counts:?}");
    daemon.stop();
}

fn a_log_that_nobody_reads_any_more_ends_nothing() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let file = sandbox.write("regent.toml", &Many::new(1, served.address()).text());
    let socket = sandbox.path("regent.sock");
    let [file, path] = [&file, &socket].map(|path| path.to_string_lossy());
    let mut daemon = Piped::start(&["run", &file, "--socket", &path, "--without-state"]);
    daemon.close_errors();
    let tell = |arguments: &[&str]| {
        let arguments = [arguments, &["--socket", &path]].concat();
        regent(&sandbox, User::Same, &arguments)
    };
    wait_until(SOON, "the Account to be registered", || {
        tell(&["status"]).out.contains("1 registered")
    });
    assert_eq!(tell(&["unregister", Many::FIRST]).code, Some(0));
    daemon.signal(Signal::SIGTERM);
    let (ended, _) = daemon.end();
    assert!(ended.success(), "{ended}");
}

/// A password in a file that everybody may read is said, the socket goes into the user's own
/// folder, and the receive buffer is what the system gives to anybody.
fn an_unprivileged_user_gets_along_where_nothing_is_given() {
    let sandbox = Sandbox::new();
    sandbox.set_mode("", 0o755);
    sandbox.write("regent.toml", &Many::new(1, free_udp_address()).text());
    sandbox.set_mode("regent.toml", 0o644);
    sandbox.directory("own");
    sandbox.give("own", User::NOBODY);
    let plain = run(
        &sandbox,
        User::NOBODY,
        "/bin/sh".as_ref(),
        &["-c", "echo > here"],
    );
    assert_ne!(plain.code, Some(0), "it may write: {plain:?}");

    let (home, log, own) = (sandbox.path(""), sandbox.path("log"), sandbox.path("own"));
    let own = own.to_string_lossy();
    // No service manager gives it a directory either.
    let environment = [
        ("XDG_RUNTIME_DIR", &*own),
        ("XDG_STATE_HOME", &*own),
        ("STATE_DIRECTORY", ""),
    ];
    let setting = Setting {
        user: User::NOBODY,
        environment: &environment,
        ..Setting::new(&home, &log)
    };
    // Neither the configuration nor the socket is named: both are found.
    let mut daemon = Process::start_in(&setting, &program(), &["run"]);
    let status = wait_for(SOON, "an answer at the usual place", || {
        let log = sandbox.path("status.json");
        let setting = Setting {
            log: &log,
            ..setting
        };
        let mut status = Process::start_in(&setting, &program(), &["status", "--json"]);
        let code = status.wait(SOON).code();
        let answer = status.output();
        fs::remove_file(&log).expect("our own file");
        (code == Some(0)).then_some(answer)
    });
    let status = Account::read(&status, Many::FIRST);
    assert!(!status.expect("an Account").is_registered());
    daemon.signal(Signal::SIGTERM);
    assert!(daemon.wait(SOON).success());
    let log = daemon.output();
    let warning = "warning: the file holds passwords and every user may read it";
    assert!(log.contains(warning), "{log}");
    let socket = format!("control_socket={own}/regent.sock");
    assert!(log.contains(&socket), "{log}");
    let state = format!("state={own}/regent/regent.db");
    assert!(log.contains(&state), "{log}");
    let most = fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap_or_default();
    if most.trim().parse::<u32>().is_ok_and(|most| most < 8 << 20) {
        assert_eq!(log.matches("net.core.rmem_max=8388608").count(), 1, "{log}");
    }
}

/// Rule L6: 2 N requests, and none twice.
fn many_accounts_are_registered_with_two_requests_each() {
    let sandbox = Sandbox::new();
    let served = Served::start(Behaviour::digest());
    let config = Many::new(3_000, served.address()).leaving();
    let daemon = Daemon::start_text(&sandbox, &config.text());
    daemon.wait_count(Duration::from_secs(20), 3_000);
    let counts = served.registrar().counts();
    assert_eq!(
        (counts.registers, counts.retransmissions),
        (6_000, 0),
        "{counts:?}"
    );
    assert_eq!(
        (counts.challenged, counts.accepted),
        (3_000, 3_000),
        "{counts:?}"
    );
    // A flood of news is told as its sum.
    wait_until(SOON, "the sum of the news", || {
        daemon.log().contains("more Accounts are registered")
    });
    let lines = daemon.log().lines().count();
    assert!(lines < 500, "{lines} lines");
    let status = daemon.tell(&["status", "--json"]);
    let status: Value = serde_json::from_str(&status.out).expect("JSON");
    let accounts = status["accounts"].as_array().expect("a list");
    let indexes: Vec<u64> = accounts
        .iter()
        .filter_map(|one| one["index"].as_u64())
        .collect();
    assert_eq!(indexes, (0..3_000).collect::<Vec<u64>>());
    daemon.stop();
    assert_eq!(served.registrar().counts().removed, 3_000);
}
