//! The daemon against SIPp: a registrar that says what Kamailio never says.
//!
//! The scenarios are in `tests/it/sipp/`. Each is a whole conversation; one that goes on longer, or
//! ends earlier, than it is written fails by SIPp's own exit code.

use std::net::UdpSocket;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::{SignedDuration, Timestamp};
use libtest_mimic::Trial;

use crate::harness::{
    Account, Config, Daemon, LONG, SIPP, SLACK, SOON, Sandbox, Sipp, Transcript, assert_answers,
    assert_due, assert_next_try,
};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[SIPP, LONG]; silence_is_eleven_requests_and_an_end_after_32_seconds];
    trials.extend(trials![[SIPP];
        a_403_to_right_credentials_means_that_they_are_refused,
        a_404_is_a_rejection_and_waits_the_retry_time,
        a_600_is_a_rejection_of_the_account,
        a_302_is_not_followed,
        a_420_that_names_what_we_never_sent_is_a_rejection,
        a_420_that_names_an_optional_extension_is_tried_again_without_it,
        a_503_with_retry_after_in_seconds_is_obeyed_to_the_second,
        a_503_with_retry_after_as_a_date_is_obeyed,
        an_absurd_retry_after_is_bounded_and_shown,
        a_grant_is_read_from_the_expires_header_when_there_is_no_contact,
        a_grant_is_read_from_our_contact_among_foreign_ones,
        a_grant_is_read_from_our_contact_when_the_registrar_has_rewritten_it,
        a_grant_is_read_from_the_only_contact_whatever_it_looks_like,
        a_grant_of_nothing_is_a_failure,
        a_407_is_answered_in_the_other_header,
        the_strongest_of_several_challenges_is_answered,
        every_other_form_of_digest_is_answered,
        the_next_nonce_is_used_by_the_refresh,
        an_answer_after_repeats_by_the_timers_is_good,
        an_answer_after_the_transaction_registers_nothing,
        compact_and_folded_headers_are_read,
    ]);
    trials
}

/// How long a scenario stays to see that nothing more comes, in milliseconds.
const LINGER: &str = "1500";
const NO_LINGER: &str = "1";

/// Runs the scenario of a challenge, right credentials and this answer to its end, and returns what
/// passed and what the daemon then says. SIPp has left by then, and the daemon is stopped too.
#[track_caller]
fn answer(status: &str, headers: &str, linger: &str) -> (Transcript, Account) {
    let sandbox = Sandbox::new();
    let values = [
        ("USER_NAME", Config::USER_NAME),
        ("PASSWORD", Config::PASSWORD),
        ("STATUS", status),
        ("HEADERS", headers),
        ("LINGER_MS", linger),
    ];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/answer.xml"), &values);
    let daemon = Daemon::start(&sandbox, &Config::new(sipp.address()));
    let transcript = sipp.finish(SOON);
    let account = settled(&daemon);
    daemon.stop();
    (transcript, account)
}

/// The status once it is known what became of the first attempt.
#[track_caller]
fn settled(daemon: &Daemon<'_>) -> Account {
    daemon.wait_status(SOON, "the outcome", |account| {
        account.is_registered() || account.is_waiting()
    })
}

/// Asserts that an attempt failed by the last answer, and that the next is due `wait` seconds after
/// it.
#[track_caller]
fn assert_refused(transcript: &Transcript, account: &Account, code: u16, wait: f64) {
    assert_eq!(account.status(), code.to_string(), "{account}");
    assert_eq!(account.last_code(), Some(u64::from(code)), "{account}");
    assert_eq!(
        (account.failures(), account.granted()),
        (1, None),
        "{account}"
    );
    let answers = transcript.answers();
    let last = answers.last().expect("an answer");
    assert_eq!(last.code(), Some(code));
    assert_next_try(account, last.at, wait);
}

#[track_caller]
fn assert_granted(account: &Account, seconds: u64) {
    assert!(account.is_registered(), "{account}");
    assert_eq!(account.granted(), Some(seconds), "{account}");
    let [due, end] = [account.refresh_due(), account.binding_until()];
    let [due, end] = [due, end].map(|time| time.expect("a registered Account has both times"));
    // Half of it, or what is left when a whole transaction still fits in before the end (rule L1).
    let left = end.duration_since(due).as_secs_f64();
    let granted = f64::from(u32::try_from(seconds).expect("a short time"));
    assert!(
        (left - granted / 2.0).abs() < 0.01,
        "half of {granted} s is not {left} s: {account}"
    );
}

// rules A (403), L3 (its own back-off)
fn a_403_to_right_credentials_means_that_they_are_refused() {
    let (transcript, account) = answer("403 Forbidden", "Warning: 399 sipp \"no\"", LINGER);
    assert_eq!(transcript.codes(), [401, 403], "{transcript}");
    assert_refused(&transcript, &account, 403, 600.0);
}

// rules A (other 4xx), L3
fn a_404_is_a_rejection_and_waits_the_retry_time() {
    let (transcript, account) = answer("404 Not Found", "Server: sipp", LINGER);
    assert_refused(&transcript, &account, 404, 30.0);
}

// rules A (6xx), L3
fn a_600_is_a_rejection_of_the_account() {
    let (transcript, account) = answer("600 Busy Everywhere", "Server: sipp", LINGER);
    assert_refused(&transcript, &account, 600, 30.0);
}

// rule A (3xx)
fn a_302_is_not_followed() {
    let elsewhere = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    elsewhere
        .set_nonblocking(true)
        .expect("a socket can be asked without waiting");
    let target = elsewhere
        .local_addr()
        .expect("a bound socket has an address");
    let contact = format!("Contact: <sip:{target}>;expires=3600");
    let (transcript, account) = answer("302 Moved Temporarily", &contact, LINGER);
    assert_refused(&transcript, &account, 302, 30.0);
    let heard = elsewhere.recv(&mut [0; 2048]);
    assert!(
        heard.is_err(),
        "nothing goes where the answer points: {heard:?}"
    );
}

// rule A (420)
fn a_420_that_names_what_we_never_sent_is_a_rejection() {
    let (transcript, account) = answer("420 Bad Extension", "Unsupported: foo", LINGER);
    assert_refused(&transcript, &account, 420, 30.0);
}

// rules A (420), I5
fn a_420_that_names_an_optional_extension_is_tried_again_without_it() {
    let (transcript, account) = refuse_once("420 Bad Extension", "Unsupported: path", &[]);
    let registers = transcript.registers();
    let supported = |request: usize| {
        let lists = registers[request].headers("Supported").join(",");
        lists.split(',').any(|extension| extension.trim() == "path")
    };
    assert!(supported(0), "it is offered at first:\n{transcript}");
    assert!(!supported(1), "and then no more:\n{transcript}");
    assert!(
        registers[1].seconds_after(transcript.answers()[0]) < SLACK,
        "at once"
    );
    assert!(account.is_registered(), "{account}");
}

/// Runs the scenario of one refusal and a 200 to its end, and returns what passed and what the
/// daemon says after it. `parameters` are global ones.
#[track_caller]
fn refuse_once(status: &str, headers: &str, parameters: &[(&str, u32)]) -> (Transcript, Account) {
    let sandbox = Sandbox::new();
    let values = [
        ("STATUS", status),
        ("HEADERS", headers),
        ("LINGER_MS", NO_LINGER),
    ];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/refuse_once.xml"), &values);
    let mut config = Config::new(sipp.address());
    for (key, value) in parameters {
        config = config.set(key, *value);
    }
    let daemon = Daemon::start(&sandbox, &config);
    let transcript = sipp.finish(Duration::from_secs(15));
    let account = daemon.wait_registered(SOON);
    daemon.stop();
    (transcript, account)
}

// rule L3 (Retry-After is a lower bound; the wait without it would end within a second)
fn a_503_with_retry_after_in_seconds_is_obeyed_to_the_second() {
    let header = "Retry-After: 3 (too much to do);duration=60";
    let parameters = [("max_registration_backoff_secs", 1)];
    let (transcript, account) = refuse_once("503 Service Unavailable", header, &parameters);
    let [refused, repeated] = transcript.registers()[..] else {
        panic!("{transcript}")
    };
    assert_due(repeated.seconds_after(transcript.answers()[0]), 3.0);
    assert_eq!(repeated.header("Call-ID"), refused.header("Call-ID"));
    assert!(repeated.cseq() > refused.cseq());
    assert_eq!(account.retry_after_until(), None, "it is over: {account}");
}

// rule L3 (a date, as RFC 2543 had it)
fn a_503_with_retry_after_as_a_date_is_obeyed() {
    // Dates are whole seconds: this one is between 3 and 4 s ahead.
    let date = Timestamp::from_second(Timestamp::now().as_second() + 4).expect("a near date");
    let text = DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&date)
        .expect("a date in text");
    let header = format!("Retry-After: {text}");
    let parameters = [("max_registration_backoff_secs", 1)];
    let (transcript, _) = refuse_once("503 Service Unavailable", &header, &parameters);
    let repeated = transcript.registers()[1];
    assert_due(repeated.at.duration_since(date).as_secs_f64(), 0.0);
}

// rules L3 (bounded by `retry_after_max_secs`, and shown), A (480)
fn an_absurd_retry_after_is_bounded_and_shown() {
    for absurd in ["864000000", "99999999999999999999999999"] {
        let header = format!("Retry-After: {absurd}");
        let (transcript, account) = answer("480 Temporarily Unavailable", &header, NO_LINGER);
        assert_refused(&transcript, &account, 480, 3600.0);
        let until = account
            .retry_after_until()
            .unwrap_or_else(|| panic!("not shown: {account}"));
        let next = account.next_try().expect("it was looked at above");
        assert!(
            next.duration_since(until).abs() < SignedDuration::from_millis(10),
            "{account}"
        );
    }
}

// rule L2
fn a_grant_is_read_from_the_expires_header_when_there_is_no_contact() {
    let (_, account) = answer("200 OK", "Expires: 40", NO_LINGER);
    assert_granted(&account, 40);
}

// rule L2
fn a_grant_is_read_from_our_contact_among_foreign_ones() {
    let headers = "Expires: 7200\n\
        Contact: \"Desk, left\" <sip:other@192.0.2.9>;expires=3600;q=1.0, [$ours];expires=44\n\
        Contact: <sip:third@192.0.2.10>;expires=20";
    let (_, account) = answer("200 OK", headers, NO_LINGER);
    assert_granted(&account, 44);
}

// rule L2 (our mark)
fn a_grant_is_read_from_our_contact_when_the_registrar_has_rewritten_it() {
    let headers = "Contact: <sip:other@192.0.2.9>;expires=3600\n\
        Contact: <[$user]@198.51.100.7:61234[$mark]>;expires=46\n\
        Contact: <[$user]@192.0.2.11:5060>;expires=30";
    let (_, account) = answer("200 OK", headers, NO_LINGER);
    assert_granted(&account, 46);
}

// rule L2
fn a_grant_is_read_from_the_only_contact_whatever_it_looks_like() {
    let headers = "Contact: <sip:somebody@198.51.100.7:61234>;expires=52\nExpires: 7200";
    let (_, account) = answer("200 OK", headers, NO_LINGER);
    assert_granted(&account, 52);
}

// rule L2 (a 2xx that grants 0)
fn a_grant_of_nothing_is_a_failure() {
    let (transcript, account) = answer("200 OK", "Contact: [$ours];expires=0\nExpires: 0", LINGER);
    assert_eq!(transcript.codes(), [401, 200], "{transcript}");
    assert!(account.is_waiting(), "{account}");
    assert_eq!(
        (account.failures(), account.last_code()),
        (1, Some(200)),
        "{account}"
    );
    assert_eq!(account.binding_until(), None, "{account}");
    assert_next_try(&account, transcript.answers()[1].at, 30.0);
}

/// Runs the scenario of this challenge and a 200 to its end, and returns what passed and what the
/// daemon says after it.
#[track_caller]
fn challenge(status: &str, headers: &str) -> (Transcript, Account) {
    let sandbox = Sandbox::new();
    let values = [
        ("STATUS", status),
        ("CHALLENGE", headers),
        ("LINGER_MS", NO_LINGER),
    ];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/challenge.xml"), &values);
    let daemon = Daemon::start(&sandbox, &Config::new(sipp.address()));
    let transcript = sipp.finish(SOON);
    let account = daemon.wait_registered(SOON);
    daemon.stop();
    assert_granted(&account, 180);
    (transcript, account)
}

// rule A (407)
fn a_407_is_answered_in_the_other_header() {
    let (transcript, _) = challenge(
        "407 Proxy Authentication Required",
        "Proxy-Authenticate: Digest realm=\"proxy\", nonce=\"n\", algorithm=MD5, qop=\"auth\"",
    );
    let request = transcript.registers()[1];
    assert!(
        request.credentials().is_none(),
        "there was no 401:\n{transcript}"
    );
    let credentials = request
        .digest("Proxy-Authorization")
        .expect("credentials for the proxy");
    assert_eq!(credentials.text("realm"), "proxy");
    assert_answers(&credentials, Config::PASSWORD);
}

// rules A1 (the strongest that we support), A2 (several lines, or one)
fn the_strongest_of_several_challenges_is_answered() {
    let md5 = r#"Digest realm="r", nonce="weak", algorithm=MD5, qop="auth""#;
    let sha = r#"Digest realm="r", nonce="strong", algorithm=SHA-256, qop="auth""#;
    let unknown = r#"Digest realm="r", nonce="odd", algorithm=SHA-1024, qop="auth""#;
    let lines: Vec<String> = [md5, unknown, sha]
        .iter()
        .map(|one| format!("WWW-Authenticate: {one}"))
        .collect();
    let one_line = format!("WWW-Authenticate: {}", [md5, unknown, sha].join(", "));
    for headers in [lines.join("\n"), one_line] {
        let (transcript, account) = challenge("401 Unauthorized", &headers);
        let request = transcript.registers()[1];
        assert_eq!(
            request.headers("Authorization").len(),
            1,
            "one answer is enough"
        );
        let credentials = request.credentials().expect("credentials");
        assert_eq!(credentials.text("algorithm"), "SHA-256");
        assert_eq!(credentials.text("nonce"), "strong");
        assert_answers(&credentials, Config::PASSWORD);
        assert_eq!(account.algorithm(), "SHA-256", "{account}");
    }
}

// rule A1 (the -sess forms, SHA-512-256, auth-int, no algorithm at all, opaque)
fn every_other_form_of_digest_is_answered() {
    for (algorithm, qop) in [
        ("MD5-sess", "auth"),
        ("SHA-256-sess", "auth"),
        ("SHA-512-256", "auth"),
        ("SHA-512-256-sess", "auth-int"),
        ("MD5", "auth-int"),
        ("", ""),
    ] {
        let mut header = r#"WWW-Authenticate: Digest realm="r", nonce="n", opaque="o""#.to_owned();
        if !algorithm.is_empty() {
            header += &format!(", algorithm={algorithm}");
        }
        if !qop.is_empty() {
            header += &format!(", qop=\"{qop}\"");
        }
        let (transcript, _) = challenge("401 Unauthorized", &header);
        let credentials = transcript.registers()[1]
            .credentials()
            .expect("credentials");
        assert_eq!(credentials.text("qop"), qop, "{credentials:?}");
        assert_eq!(credentials.text("opaque"), "o", "{credentials:?}");
        if !algorithm.is_empty() {
            assert_eq!(credentials.text("algorithm"), algorithm, "{credentials:?}");
        }
        assert_answers(&credentials, Config::PASSWORD);
    }
}

// rule A1 (nextnonce; nc from 1 for each nonce)
fn the_next_nonce_is_used_by_the_refresh() {
    let sandbox = Sandbox::new();
    let values = [
        ("USER_NAME", Config::USER_NAME),
        ("PASSWORD", Config::PASSWORD),
        ("LINGER_MS", NO_LINGER),
    ];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/next_nonce.xml"), &values);
    let daemon = Daemon::start(&sandbox, &Config::new(sipp.address()));
    let transcript = sipp.finish(Duration::from_secs(8));
    let account = daemon.wait_registered(SOON);
    daemon.stop();
    assert_eq!(transcript.codes(), [401, 200, 200], "{transcript}");
    let used = |request: usize| {
        let credentials = transcript.registers()[request]
            .credentials()
            .expect("credentials");
        (
            credentials.text("nonce").to_owned(),
            credentials.text("nc").to_owned(),
        )
    };
    assert_eq!(used(1), ("first".to_owned(), "00000001".to_owned()));
    assert_eq!(used(2), ("second".to_owned(), "00000001".to_owned()));
    assert_due(
        transcript.registers()[2].seconds_after(transcript.answers()[1]),
        2.0,
    );
    assert_granted(&account, 60);
}

/// Runs the scenario of a long silence before the 200 to its end.
#[track_caller]
fn late(silence_ms: &str, linger: &str, sip_max_rtx: u32) -> (Transcript, Account) {
    let sandbox = Sandbox::new();
    let values = [("SILENCE_MS", silence_ms), ("LINGER_MS", linger)];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/late.xml"), &values);
    let config = Config::new(sipp.address()).set("sip_max_rtx", sip_max_rtx);
    let daemon = Daemon::start(&sandbox, &config);
    let transcript = sipp.finish(Duration::from_secs(40));
    let account = settled(&daemon);
    daemon.stop();
    (transcript, account)
}

/// Asserts that all requests are one, sent again by the timers (RFC 3261 §17.1.2.2).
#[track_caller]
fn assert_repeats(transcript: &Transcript, count: usize) {
    let schedule = [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5];
    let registers = transcript.registers();
    assert_eq!(registers.len(), count, "{transcript}");
    for (request, after) in registers.iter().zip(schedule) {
        assert_eq!(
            request.text(),
            registers[0].text(),
            "a repeat is the same to the byte"
        );
        assert_due(request.seconds_after(registers[0]), after);
    }
}

// rule X1
fn an_answer_after_repeats_by_the_timers_is_good() {
    let (transcript, account) = late("2500", NO_LINGER, 11);
    assert_repeats(&transcript, 3);
    assert_granted(&account, 180);
}

// rules X1 (a limit of sends; a late answer), T1 (a time-out is shown as 408)
fn an_answer_after_the_transaction_registers_nothing() {
    let (transcript, account) = late("4500", LINGER, 3);
    assert_repeats(&transcript, 3);
    assert_eq!(transcript.codes(), [200], "{transcript}");
    assert_eq!(
        (account.status(), account.failures()),
        ("408", 1),
        "{account}"
    );
    let failed = transcript.registers()[0].at + SignedDuration::from_millis(3500);
    assert_next_try(&account, failed, 30.0);
}

// rule X1
fn silence_is_eleven_requests_and_an_end_after_32_seconds() {
    let (transcript, account) = late("33500", LINGER, 11);
    assert_repeats(&transcript, 11);
    assert_eq!(
        (account.status(), account.failures()),
        ("408", 1),
        "{account}"
    );
    let failed = transcript.registers()[0].at + SignedDuration::from_secs(32);
    assert_next_try(&account, failed, 30.0);
}

// rules A2, L2
fn compact_and_folded_headers_are_read() {
    let sandbox = Sandbox::new();
    let values = [("LINGER_MS", NO_LINGER)];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/compact.xml"), &values);
    let daemon = Daemon::start(&sandbox, &Config::new(sipp.address()));
    let transcript = sipp.finish(SOON);
    let account = settled(&daemon);
    daemon.stop();
    let credentials = transcript.registers()[1]
        .credentials()
        .expect("credentials");
    assert_eq!(
        (credentials.text("realm"), credentials.text("nonce")),
        ("a, realm", "n=1,2")
    );
    assert_eq!(credentials.text("qop"), "auth");
    assert_answers(&credentials, Config::PASSWORD);
    assert_granted(&account, 48);
}
