//! The numbers follow what happens.

use std::time::Duration;

use libtest_mimic::Trial;

use super::{ask, samples};
use crate::harness::{
    Config, Daemon, Registrar, SOON, Sandbox, answer, free_udp_address, read_text, usual, wait_for,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        a_registration_is_counted_with_its_round_trips,
        a_rejection_and_refused_credentials_are_counted_apart,
        what_nobody_answers_is_counted_as_sent_again_and_as_a_timeout,
        an_account_is_shown_when_it_is_wanted,
        a_reload_that_is_refused_is_told,
        the_file_of_the_command_is_replaced_as_a_whole,
        without_a_daemon_the_command_says_so,
    ]
}

/// Waits until the series have these values.
#[track_caller]
fn wait_values(daemon: &Daemon<'_>, wanted: &[(String, f64)]) {
    let mut last = String::new();
    for (series, value) in wanted {
        wait_for(
            Duration::from_secs(10),
            &format!("{series} {value}"),
            || {
                last = ask(daemon, &["--accounts"]);
                (samples(&last).get(&**series) == Some(value)).then_some(())
            },
        );
    }
}

fn a_registration_is_counted_with_its_round_trips() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    daemon.wait_registered(SOON);
    let at = format!(
        "proxy_set=\"carrier\",registrar=\"{}\"",
        registrar.address()
    );
    wait_values(
        &daemon,
        &[
            (
                format!("regent_registrations_total{{{at},result=\"ok\"}}"),
                1.0,
            ),
            (
                format!("regent_registrations_total{{{at},result=\"rejected\"}}"),
                0.0,
            ),
            // The challenge and the grant.
            (
                format!("regent_sip_requests_total{{{at},method=\"REGISTER\"}}"),
                2.0,
            ),
            (
                format!("regent_sip_round_trip_seconds_count{{{at},method=\"REGISTER\"}}"),
                2.0,
            ),
            ("regent_accounts{phase=\"registered\"}".to_owned(), 1.0),
            ("regent_accounts{phase=\"standby\"}".to_owned(), 0.0),
            (format!("regent_member_accounts_bound{{{at}}}"), 1.0),
            (
                format!("regent_member_health{{{at},health=\"Unmonitored\"}}"),
                1.0,
            ),
            ("regent_sockets_open{kind=\"interface\"}".to_owned(), 1.0),
            ("regent_state{state=\"kept\"}".to_owned(), 1.0),
            ("regent_clients{server=\"control\"}".to_owned(), 1.0),
        ],
    );
    let text = ask(&daemon, &[]);
    let now = samples(&text);
    assert!(now["regent_timer_lateness_seconds_count"] > 0.0, "{text}");
    assert!(now["regent_state_write_seconds_count"] > 0.0, "{text}");
    assert!(now["process_resident_memory_bytes"] > 1e6, "{text}");
    // An order is one more.
    let said = daemon.tell(&["unregister", Config::ACCOUNT]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_values(
        &daemon,
        &[
            (
                format!("regent_unregistrations_total{{{at},result=\"ok\"}}"),
                1.0,
            ),
            (
                format!("regent_registrations_total{{{at},result=\"ok\"}}"),
                1.0,
            ),
            ("regent_accounts{phase=\"unregistered\"}".to_owned(), 1.0),
            ("regent_accounts{phase=\"registered\"}".to_owned(), 0.0),
        ],
    );
}

fn a_rejection_and_refused_credentials_are_counted_apart() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|message| match message.credentials() {
        Some(_) => vec![answer(message, "403 Forbidden", "")],
        None => usual(message, 60),
    });
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    let at = format!(
        "proxy_set=\"carrier\",registrar=\"{}\"",
        registrar.address()
    );
    let credentials = format!("regent_registrations_total{{{at},result=\"credentials\"}}");
    wait_values(&daemon, &[(credentials, 1.0)]);
    drop(daemon);
    drop(registrar);

    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|message| vec![answer(message, "404 Not Found", "")]);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    let at = format!(
        "proxy_set=\"carrier\",registrar=\"{}\"",
        registrar.address()
    );
    let account = format!("account=\"main\",registrar=\"{}\"", registrar.address());
    wait_values(
        &daemon,
        &[
            (
                format!("regent_registrations_total{{{at},result=\"rejected\"}}"),
                1.0,
            ),
            (
                format!("regent_registrations_total{{{at},result=\"credentials\"}}"),
                0.0,
            ),
            (
                format!("regent_account_last_status_code{{{account}}}"),
                404.0,
            ),
            (format!("regent_account_failures{{{account}}}"), 1.0),
        ],
    );
}

fn what_nobody_answers_is_counted_as_sent_again_and_as_a_timeout() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::start(|_| Vec::new());
    let config = Config::new(registrar.address()).set("sip_t1_ms", 100);
    let daemon = Daemon::start(&sandbox, &config.set("sip_max_rtx", 3));
    let at = format!(
        "proxy_set=\"carrier\",registrar=\"{}\"",
        registrar.address()
    );
    wait_values(
        &daemon,
        &[(
            format!("regent_registrations_total{{{at},result=\"timeout\"}}"),
            1.0,
        )],
    );
    let text = ask(&daemon, &[]);
    let now = samples(&text);
    let of = |name: &str| now[&*format!("{name}{{{at},method=\"REGISTER\"}}")];
    assert_eq!(of("regent_sip_requests_total"), 1.0, "{text}");
    assert_eq!(of("regent_sip_retransmissions_total"), 2.0, "{text}");
    assert_eq!(of("regent_sip_round_trip_seconds_count"), 0.0, "{text}");
    drop(daemon);

    let sandbox = Sandbox::new();
    let nobody = free_udp_address();
    let daemon = Daemon::start(&sandbox, &Config::new(nobody));
    let at = format!("proxy_set=\"carrier\",registrar=\"{nobody}\"");
    wait_values(
        &daemon,
        &[(
            format!("regent_registrations_total{{{at},result=\"unreachable\"}}"),
            1.0,
        )],
    );
}

fn an_account_is_shown_when_it_is_wanted() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    let status = daemon.wait_registered(SOON);
    assert!(!ask(&daemon, &[]).contains("regent_account_"));
    let text = ask(&daemon, &["--accounts"]);
    let now = samples(&text);
    let at = format!("account=\"main\",registrar=\"{}\"", registrar.address());
    let of = |name: &str| now[&*format!("regent_account_{name}{{{at}}}")];
    assert_eq!(of("registered"), 1.0);
    let seconds =
        |time: Option<jiff::Timestamp>| time.expect("a time").as_millisecond() as f64 / 1e3;
    assert_eq!(
        of("binding_until_timestamp_seconds"),
        seconds(status.binding_until())
    );
    assert_eq!(
        of("next_refresh_timestamp_seconds"),
        seconds(status.refresh_due())
    );
    assert_eq!(
        of("registered_since_timestamp_seconds"),
        seconds(status.registered_since())
    );
    let granted = of("binding_until_timestamp_seconds") - of("last_success_timestamp_seconds");
    assert!((granted - 60.0).abs() < 0.002, "{granted}");
    assert!(of("round_trip_seconds") > 0.0);
    let info = format!(
        "regent_account_info{{{at},aor=\"sip:{}@{}\",served=\"PBX\",serving=\"Carrier\"}}",
        Config::CONTACT_USER,
        Config::DOMAIN
    );
    assert_eq!(now[&*info], 1.0);
    assert_eq!(
        now[&*format!("regent_account_phase{{{at},phase=\"registered\"}}")],
        1.0
    );
}

fn a_reload_that_is_refused_is_told() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let file = Config::new(registrar.address()).write(&sandbox);
    let daemon = Daemon::start_with(&sandbox, &file);
    let last = || {
        (
            "regent_configuration_last_reload_successful".to_owned(),
            1.0,
        )
    };
    wait_values(&daemon, &[last()]);
    let good = read_text(&file);
    sandbox.write("regent.toml", &format!("{good}\nnonsense = 1\n"));
    assert_eq!(daemon.tell(&["reload"]).code, Some(1));
    wait_values(&daemon, &[(last().0, 0.0)]);
    sandbox.write("regent.toml", &good);
    assert_eq!(daemon.tell(&["reload"]).code, Some(0));
    wait_values(&daemon, &[last()]);
}

fn the_file_of_the_command_is_replaced_as_a_whole() {
    let sandbox = Sandbox::new();
    let registrar = Registrar::granting(60);
    let daemon = Daemon::start(&sandbox, &Config::new(registrar.address()));
    let file = sandbox.write("regent.prom", "what was there before\n");
    let said = daemon.tell(&["metrics", "--output", &file.to_string_lossy()]);
    assert_eq!((said.code, &*said.output), (Some(0), ""));
    let text = read_text(&file);
    assert!(text.starts_with("# HELP regent_build_info"), "{text}");
    assert!(samples(&text).len() > 50);
    let nowhere = sandbox.path("no/such/folder");
    let said = daemon.tell(&["metrics", "-o", &nowhere.to_string_lossy()]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("cannot write"), "{said:?}");
}

fn without_a_daemon_the_command_says_so() {
    let sandbox = Sandbox::new();
    let socket = sandbox.path("nobody.sock");
    let arguments = ["metrics", "--socket", &*socket.to_string_lossy()];
    let said = crate::harness::regent(&sandbox, crate::harness::User::Same, &arguments);
    assert_eq!((said.code, &*said.out), (Some(3), ""), "{said:?}");
    let said = crate::harness::regent(&sandbox, crate::harness::User::Same, &["metrics", "all"]);
    assert_eq!((said.code, &*said.out), (Some(2), ""), "{said:?}");
}
