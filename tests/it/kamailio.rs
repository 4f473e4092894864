//! The daemon against Kamailio: a registrar that we did not write, its own view of us asserted too.
//!
//! Expiries are a few seconds: Kamailio grants at most `max_expires`, whatever was asked for.

use std::time::Duration;

use jiff::Timestamp;
use libtest_mimic::Trial;

use crate::harness::{
    Account, Config, Daemon, KAMAILIO, Kamailio, Message, SLACK, SOON, Sandbox, Settings,
    Transcript, WrongPassword, assert_answers, assert_due, assert_next_try, holds_for, wait_for,
    wait_until,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[KAMAILIO];
        the_registrar_bounds_intervals_as_it_is_told,
        the_registrar_challenges_and_can_be_killed_and_frozen,
        an_account_registers_and_is_in_the_location_table,
        a_registration_is_two_requests_formed_by_the_rules,
        a_refresh_costs_one_round_trip_and_raises_the_nonce_count,
        a_stale_nonce_costs_one_challenge_and_no_registration,
        an_interval_too_brief_is_raised_at_once_and_remembered,
        a_wrong_password_challenged_again_is_tried_once_and_waits_long,
        a_wrong_password_forbidden_is_tried_once_and_waits_long,
        an_operators_unregister_empties_the_location_table_and_register_fills_it,
        stopping_the_daemon_empties_the_location_table,
        an_operator_is_told_at_once_that_a_port_is_closed,
        a_killed_registrar_is_noticed_at_once_and_found_again_after_the_retry_time,
        a_frozen_registrar_fails_a_refresh_while_the_binding_stands,
        a_challenge_without_qop_is_answered_without_it,
        kamailio_verifies_our_sha_256,
    ]
}

/// Whether the location table holds a binding of the Account, which must be the only one.
#[track_caller]
fn is_bound(kamailio: &Kamailio) -> bool {
    let bindings = kamailio.bindings(Config::CONTACT_USER);
    assert!(bindings.len() < 2, "more than one binding: {bindings:?}");
    !bindings.is_empty()
}

/// The interval that an attempt asked for, which each request of it repeats.
fn asked(transcript: &Transcript) -> Vec<u32> {
    transcript
        .registers()
        .iter()
        .map(|request| request.expires())
        .collect()
}

#[track_caller]
fn nonce_count(request: &Message) -> String {
    let credentials = request.credentials();
    let credentials = credentials.unwrap_or_else(|| panic!("no credentials in {}", request.text()));
    credentials.text("nc").to_owned()
}

/// Waits until the registrar has given `count` answers, and returns all that passed.
#[track_caller]
fn wait_answers(kamailio: &Kamailio, count: usize, within: Duration) -> Transcript {
    wait_for(within, &format!("{count} answers of the registrar"), || {
        let transcript = kamailio.transcript();
        (transcript.codes().len() >= count).then_some(transcript)
    })
}

// The ground under the other trials: without it they might pass for the wrong reason.
fn the_registrar_bounds_intervals_as_it_is_told() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(
        &sandbox,
        &Settings {
            authenticate: false,
            min_expires: 20,
            ..Settings::default()
        },
    );
    let refused = kamailio.ask_bare(10).expect("an answer");
    assert_eq!(refused.code(), Some(423));
    assert_eq!(refused.header("Min-Expires"), "20");
    let accepted = kamailio.ask_bare(3600).expect("an answer");
    assert_eq!(accepted.code(), Some(200));
    let bindings = kamailio.bindings("bare");
    let [binding] = &bindings[..] else {
        panic!("one binding, not {bindings:?}")
    };
    assert_eq!((binding.cseq, &*binding.call_id), (3600, "bare"));
    assert!((58..=60).contains(&binding.expires), "cut: {binding:?}");
    let transcript = wait_answers(&kamailio, 2, SOON);
    assert_eq!(asked(&transcript), [10, 3600]);
    assert_eq!(transcript.codes(), [423, 200]);
}

// The same ground.
fn the_registrar_challenges_and_can_be_killed_and_frozen() {
    let sandbox = Sandbox::new();
    let mut kamailio = Kamailio::start(&sandbox, &Settings::default());
    let challenge = kamailio.ask_bare(60).expect("an answer");
    assert_eq!(challenge.code(), Some(401));
    assert!(kamailio.bindings("bare").is_empty());
    kamailio.kill();
    assert!(kamailio.ask_bare(61).is_none(), "its port is closed");
    kamailio.restart();
    kamailio.freeze();
    assert!(kamailio.ask_bare(62).is_none(), "its port is open only");
    kamailio.thaw();
    wait_until(SOON, "what came while it was frozen", || {
        let transcript = kamailio.transcript();
        transcript.registers().iter().any(|late| late.cseq() == 62)
    });
    let seen: Vec<u32> = asked(&kamailio.transcript());
    assert_eq!(seen, [60, 62], "nobody heard the one in between");
}

// rules I1, I3, I4, T1
fn an_account_registers_and_is_in_the_location_table() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(&sandbox, &Settings::default());
    let config = Config::new(kamailio.address());
    let daemon = Daemon::start(&sandbox, &config);
    let status = daemon.wait_registered(SOON);

    let transcript = wait_answers(&kamailio, 2, SOON);
    let last = transcript.registers()[1];
    let bindings = kamailio.bindings(Config::CONTACT_USER);
    let [binding] = &bindings[..] else {
        panic!("one binding, not {bindings:?}")
    };
    let contact = format!("sip:{}@{}", Config::CONTACT_USER, config.local());
    assert!(binding.address.starts_with(&contact), "{binding:?}");
    assert_eq!(binding.call_id, last.header("Call-ID"));
    assert_eq!(binding.cseq, u64::from(last.cseq()));

    assert_eq!((status.asked(), status.granted()), (Some(180), Some(60)));
    assert_eq!(format!("<{}>", status.aor()), last.header("To"));
    assert_eq!(status.registrar(), kamailio.address().to_string());
    assert_eq!(status.local(), config.local().to_string());
    assert_eq!(
        status.public_address(),
        status.local(),
        "nothing stands in between"
    );
    assert_eq!((status.last_code(), status.failures()), (Some(200), 0));
    assert_eq!(status.algorithm(), "MD5");
    let [due, end] = [status.refresh_due(), status.binding_until()];
    let [due, end] = [due, end].map(|time| time.expect("a registered Account has both times"));
    assert_due(end.duration_since(due).as_secs_f64(), 30.0);
    daemon.stop();
}

// rules I1, I2, I3, I4, I5, A1
fn a_registration_is_two_requests_formed_by_the_rules() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(&sandbox, &Settings::default());
    let config = Config::new(kamailio.address());
    let daemon = Daemon::start(&sandbox, &config);
    daemon.wait_registered(SOON);
    let transcript = wait_answers(&kamailio, 2, SOON);
    assert_eq!(transcript.codes(), [401, 200]);
    let (bare, repeat) = (transcript.registers()[0], transcript.registers()[1]);

    assert!(
        bare.credentials().is_none(),
        "nothing is known to answer yet:\n{transcript}"
    );
    let credentials = repeat.credentials().expect("an answer to the challenge");
    assert_answers(&credentials, Config::PASSWORD);
    // RFC 7616 §3.4: what stands in quotes, and what must not.
    assert_eq!(
        (credentials.text("qop"), credentials.text("nc")),
        ("auth", "00000001")
    );
    for (name, quoted) in [
        ("qop", false),
        ("nc", false),
        ("cnonce", true),
        ("uri", true),
    ] {
        assert_eq!(
            credentials.is_quoted(name),
            quoted,
            "{name} in {credentials:?}"
        );
    }

    let start = format!("REGISTER sip:{} SIP/2.0\r\n", Config::DOMAIN);
    assert!(bare.text().starts_with(&start), "{}", bare.text());
    let aor = format!("<sip:{}@{}>", Config::CONTACT_USER, Config::DOMAIN);
    assert_eq!(bare.header("To"), aor);
    assert!(bare.header("From").starts_with(&format!("{aor};tag=")));
    let contact = format!("<sip:{}@{}", Config::CONTACT_USER, config.local());
    assert!(
        bare.header("Contact").starts_with(&contact),
        "{}",
        bare.header("Contact")
    );
    assert_eq!(
        (bare.expires(), bare.header("Max-Forwards")),
        (180, "70".to_owned())
    );
    assert!(
        bare.header("Via")
            .split(';')
            .any(|parameter| parameter == "rport")
    );
    for header in ["Call-ID", "From", "To", "Contact"] {
        assert_eq!(
            bare.header(header),
            repeat.header(header),
            "the same in both"
        );
    }
    assert_eq!(bare.cseq() + 1, repeat.cseq());
    assert_ne!(
        bare.header("Via"),
        repeat.header("Via"),
        "a repeat has its own branch"
    );
    daemon.stop();
}

// rules A1 (nonce cache, nc from 1), L1 (half of what was granted), I4
fn a_refresh_costs_one_round_trip_and_raises_the_nonce_count() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(&sandbox, &Settings::granting(4));
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()));
    let first = daemon.wait_registered(SOON);
    // Kamailio verifies that the count rises: a repeated one is answered by 401.
    let transcript = wait_answers(&kamailio, 4, Duration::from_secs(8));
    assert_eq!(transcript.codes(), [401, 200, 200, 200], "{transcript}");
    let registers = transcript.registers();
    let counts: Vec<String> = registers[1..]
        .iter()
        .map(|request| nonce_count(request))
        .collect();
    assert_eq!(counts, ["00000001", "00000002", "00000003"]);
    for (answer, refresh) in [(1, 2), (2, 3)] {
        assert_due(
            registers[refresh].seconds_after(transcript.answers()[answer]),
            2.0,
        );
        assert_eq!(registers[refresh].cseq(), registers[answer].cseq() + 1);
        assert_eq!(
            registers[refresh].header("Call-ID"),
            registers[0].header("Call-ID")
        );
    }
    let now = daemon.wait_registered(SOON);
    assert_eq!(
        now.registered_since(),
        first.registered_since(),
        "it never ceased: {now}"
    );
    assert!(
        now.binding_until() > first.binding_until(),
        "and it goes on: {now}"
    );
    daemon.stop();
}

// rule A (401 with stale=true), A1
fn a_stale_nonce_costs_one_challenge_and_no_registration() {
    let sandbox = Sandbox::new();
    let settings = Settings {
        max_expires: 8,
        nonce_expire: 2,
        ..Settings::default()
    };
    let kamailio = Kamailio::start(&sandbox, &settings);
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()));
    let first = daemon.wait_registered(SOON);
    let transcript = wait_answers(&kamailio, 4, Duration::from_secs(8));
    assert_eq!(transcript.codes(), [401, 200, 401, 200], "{transcript}");
    let challenge = transcript.answers()[2]
        .digest("WWW-Authenticate")
        .expect("a challenge");
    assert_eq!(
        challenge.text("stale"),
        "true",
        "this trial is about a stale nonce"
    );
    let registers = transcript.registers();
    assert_eq!(nonce_count(registers[2]), "00000002");
    assert_eq!(
        nonce_count(registers[3]),
        "00000001",
        "a new nonce is counted from 1"
    );
    assert!(
        registers[3].seconds_after(transcript.answers()[2]) < SLACK,
        "answered at once"
    );
    let now = daemon.wait_registered(SOON);
    assert_eq!(
        now.registered_since(),
        first.registered_since(),
        "it never ceased: {now}"
    );
    assert_eq!(now.failures(), 0, "{now}");
    daemon.stop();
}

// rule A (423), L2 (asked, learned and granted are three values)
fn an_interval_too_brief_is_raised_at_once_and_remembered() {
    let sandbox = Sandbox::new();
    let settings = Settings {
        authenticate: false,
        min_expires: 12,
        ..Settings::default()
    };
    let kamailio = Kamailio::start(&sandbox, &settings);
    let refused = kamailio.ask_bare(10).expect("an answer");
    assert_eq!(refused.code(), Some(423), "a bare request is refused");

    let config = Config::new(kamailio.address()).set("registration_time_secs", 10);
    let daemon = Daemon::start(&sandbox, &config);
    let status = daemon.wait_registered(SOON);
    assert_eq!(status.granted(), Some(12), "{status}");
    // The first exchange was the bare one. The refresh is due after 6 s, and asks for 12 s at once.
    let transcript = wait_answers(&kamailio, 4, Duration::from_secs(10));
    assert_eq!(transcript.codes(), [423, 423, 200, 200], "{transcript}");
    assert_eq!(asked(&transcript), [10, 10, 12, 12], "{transcript}");
    let (registers, answers) = (transcript.registers(), transcript.answers());
    assert!(
        registers[2].seconds_after(answers[1]) < SLACK,
        "raised at once"
    );
    assert_due(registers[3].seconds_after(answers[2]), 6.0);
    daemon.stop();
}

fn a_wrong_password_challenged_again_is_tried_once_and_waits_long() {
    wrong_password(WrongPassword::Challenged, 401);
}

fn a_wrong_password_forbidden_is_tried_once_and_waits_long() {
    wrong_password(WrongPassword::Forbidden, 403);
}

// rules A (401 final, 403 with credentials), L3 (its own back-off), L4, T1
#[track_caller]
fn wrong_password(behaviour: WrongPassword, code: u16) {
    let sandbox = Sandbox::new();
    let settings = Settings {
        wrong_password: behaviour,
        ..Settings::default()
    };
    let kamailio = Kamailio::start(&sandbox, &settings);
    // The ordinary retry time is short here, so that a wait of 600 s can only be the other one.
    let config = Config::new(kamailio.address())
        .password("open barley")
        .set("registration_retry_secs", 10);
    let daemon = Daemon::start(&sandbox, &config);
    let status = daemon.wait_status(SOON, "the refusal", Account::is_waiting);
    assert_eq!(status.status(), code.to_string(), "{status}");
    assert_eq!(
        (status.last_code(), status.failures()),
        (Some(u64::from(code)), 1),
        "{status}"
    );

    let transcript = wait_answers(&kamailio, 2, SOON);
    assert_eq!(transcript.codes(), [401, code], "{transcript}");
    assert_next_try(&status, transcript.answers()[1].at, 600.0);
    holds_for(Duration::from_secs(2), "nothing more is sent", || {
        kamailio.transcript().registers().len() == 2
    });
    assert!(!is_bound(&kamailio));
    daemon.stop();
    assert_eq!(
        kamailio.transcript().registers().len(),
        2,
        "without a binding none is removed"
    );
}

// rules I8, L4, L10
fn an_operators_unregister_empties_the_location_table_and_register_fills_it() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(&sandbox, &Settings::default());
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()));
    daemon.wait_registered(SOON);
    assert!(is_bound(&kamailio));

    let said = daemon.tell(&["unregister", Config::ACCOUNT]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // The command waits for the outcome, so there is nothing left to wait for.
    assert!(!is_bound(&kamailio));
    let status = daemon.status();
    assert_eq!(
        (status.phase(), status.status()),
        ("unregistered", "Not Registered"),
        "{status}"
    );
    let transcript = wait_answers(&kamailio, 3, SOON);
    assert_eq!(
        transcript.codes(),
        [401, 200, 200],
        "the nonce was known:\n{transcript}"
    );
    let [first, _, last] = transcript.registers()[..] else {
        panic!("{transcript}")
    };
    assert_eq!(
        (last.expires(), last.header("Call-ID")),
        (0, first.header("Call-ID"))
    );
    let uri = |request: &Message| {
        request
            .header("Contact")
            .split('>')
            .next()
            .map(str::to_owned)
    };
    assert_eq!(uri(last), uri(first), "what was bound is what is removed");

    let said = daemon.tell(&["register", Config::ACCOUNT]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(daemon.status().is_registered());
    assert!(is_bound(&kamailio));
    daemon.stop();
}

// rule L7
fn stopping_the_daemon_empties_the_location_table() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(&sandbox, &Settings::default());
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()).leaving());
    daemon.wait_registered(SOON);
    assert!(is_bound(&kamailio));
    daemon.stop();
    assert!(!is_bound(&kamailio));
}

// rules X2, L10 (each command answers with the outcome)
fn an_operator_is_told_at_once_that_a_port_is_closed() {
    let sandbox = Sandbox::new();
    let mut kamailio = Kamailio::start(&sandbox, &Settings::default());
    kamailio.kill();
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()));
    daemon.wait_status(SOON, "the first failure", Account::is_waiting);
    let said = daemon.tell(&["register", Config::ACCOUNT]);
    // By the timers it would be 32 s.
    assert!(said.took < Duration::from_secs(2), "{said:?}");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(daemon.status().is_waiting(), "{}", daemon.status());

    kamailio.restart();
    let said = daemon.tell(&["register", Config::ACCOUNT]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(is_bound(&kamailio));
    daemon.stop();
}

// rules X2, L3, L5, I4
fn a_killed_registrar_is_noticed_at_once_and_found_again_after_the_retry_time() {
    let sandbox = Sandbox::new();
    let settings = Settings::granting(6);
    let mut kamailio = Kamailio::start(&sandbox, &settings);
    let config = Config::new(kamailio.address()).set("registration_retry_secs", 10);
    let daemon = Daemon::start(&sandbox, &config);
    let registered = daemon.wait_registered(SOON);
    kamailio.kill();

    // The refresh is due after 3 s. Its port is closed, and the system says so: no timer runs.
    let due = registered.refresh_due().expect("a refresh is due");
    let failing = daemon.wait_status(SOON, "the failure", |status| status.failures() > 0);
    assert!(
        failing.is_registered(),
        "the binding stands until it ends: {failing}"
    );
    assert!(failing.detail().contains("refresh failing"), "{failing}");
    assert_next_try(&failing, due, 10.0);
    daemon.wait_status(SOON, "the end of the binding", Account::is_waiting);
    assert!(Timestamp::now() >= registered.binding_until().expect("it had a binding"));

    kamailio.restart();
    assert!(!is_bound(&kamailio), "it has forgotten all");
    let before = kamailio.transcript().registers().len();
    daemon.wait_registered(Duration::from_secs(12));
    let transcript = kamailio.transcript();
    let next = failing.next_try().expect("a failed Account has a next try");
    assert_due(
        transcript.registers()[before]
            .at
            .duration_since(next)
            .as_secs_f64(),
        0.0,
    );
    let (old, new) = (
        transcript.registers()[before - 1],
        transcript.registers()[before],
    );
    assert_eq!(new.header("Call-ID"), old.header("Call-ID"));
    assert!(
        new.cseq() > old.cseq() + 1,
        "a request that nobody heard has used its number too"
    );
    assert!(is_bound(&kamailio));
    daemon.stop();
}

// rules X1 (`sip_max_rtx`), L5, L10
fn a_frozen_registrar_fails_a_refresh_while_the_binding_stands() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(&sandbox, &Settings::granting(10));
    // Two sends: at 0 and 0.5 s, and an end at 1.5 s, when the third would have left.
    let config = Config::new(kamailio.address()).set("sip_max_rtx", 2);
    let daemon = Daemon::start(&sandbox, &config);
    let registered = daemon.wait_registered(SOON);
    kamailio.freeze();
    let due = registered.refresh_due().expect("a refresh is due");
    let failing = daemon.wait_status(Duration::from_secs(9), "the failure", |status| {
        status.failures() > 0
    });
    assert_next_try(&failing, due, 1.5 + 30.0);
    assert!(failing.is_registered(), "{failing}");
    assert!(failing.detail().contains("refresh failing"), "{failing}");

    let lost = daemon.wait_status(SOON, "the end of the binding", Account::is_waiting);
    assert_eq!(lost.status(), "408", "a time-out is shown as 408: {lost}");
    kamailio.thaw();
    // An operator need not wait for the 30 s.
    let said = daemon.tell(&["register", Config::ACCOUNT]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.took < SOON, "{said:?}");
    assert!(daemon.status().is_registered());
    daemon.stop();
}

// rule A1 (qop none)
fn a_challenge_without_qop_is_answered_without_it() {
    let sandbox = Sandbox::new();
    let kamailio = Kamailio::start(
        &sandbox,
        &Settings {
            qop: false,
            ..Settings::default()
        },
    );
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()));
    daemon.wait_registered(SOON);
    let transcript = wait_answers(&kamailio, 2, SOON);
    assert_eq!(transcript.codes(), [401, 200], "{transcript}");
    let credentials = transcript.registers()[1]
        .credentials()
        .expect("credentials");
    for name in ["qop", "nc", "cnonce"] {
        assert_eq!(
            credentials.value(name),
            None,
            "{name} has no place here: {credentials:?}"
        );
    }
    daemon.stop();
}

// rule A1 (SHA-256)
fn kamailio_verifies_our_sha_256() {
    let sandbox = Sandbox::new();
    let settings = Settings {
        algorithm: "SHA-256",
        ..Settings::default()
    };
    let kamailio = Kamailio::start(&sandbox, &settings);
    let daemon = Daemon::start(&sandbox, &Config::new(kamailio.address()));
    let status = daemon.wait_registered(SOON);
    assert_eq!(status.algorithm(), "SHA-256", "{status}");
    let transcript = wait_answers(&kamailio, 2, SOON);
    let credentials = transcript.registers()[1]
        .credentials()
        .expect("credentials");
    assert_eq!(credentials.text("algorithm"), "SHA-256");
    assert_eq!(credentials.text("response").len(), 64);
    daemon.stop();
}
