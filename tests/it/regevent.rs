//! The daemon against SIPp as a registrar that changes a binding by itself and says so (rule R1),
//! and as one that is asked for all numbers at once (rule I7).

use libtest_mimic::Trial;

use crate::harness::{
    Account, Config, Daemon, SIPP, SOON, Sandbox, Sipp, Transcript, assert_next_try,
};

pub(crate) fn trials() -> Vec<Trial> {
    trials![[SIPP];
        a_contact_that_is_still_there_changes_nothing,
        a_deactivated_contact_is_registered_at_once,
        a_contact_on_probation_waits_as_long_as_it_says,
        a_contact_that_is_missing_waits_the_retry_time,
        a_shortened_contact_is_refreshed_sooner,
        a_document_out_of_order_counts_for_nothing,
        a_lost_document_is_asked_for,
        a_malformed_document_is_refused_and_does_no_harm,
        an_xml_bomb_is_refused_and_does_no_harm,
        all_numbers_are_registered_at_once,
        a_registrar_without_gin_is_said_to_have_none,
    ]
}

/// How long a call stays to see that nothing more comes, in milliseconds.
const LINGER: &str = "1000";

/// What SIPp sends, and what it is answered.
struct Story {
    state: &'static str,
    body: String,
    code: &'static str,
    /// What follows the first REGISTER and the first NOTIFY.
    afterwards: String,
    again: String,
}

impl Story {
    fn new(extent: &str, contact: &str) -> Self {
        Self {
            state: "active;expires=3600",
            body: document(0, extent, contact),
            code: "200",
            afterwards: String::new(),
            again: String::new(),
        }
    }

    /// The Account registers again.
    fn registers_again(mut self) -> Self {
        self.afterwards = format!(
            "<recv request=\"REGISTER\"/><send><![CDATA[\n\n{}Contact: <[$ours]>;expires=180\n\
             Content-Length: 0\n\n]]></send>",
            answer("registrar")
        );
        self
    }

    /// One more NOTIFY with this document.
    fn then(mut self, body: &str) -> Self {
        self.again = format!(
            "<send><![CDATA[\n\nNOTIFY [$ours] SIP/2.0\n\
             Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]\n\
             From: [$them];tag=[pid]notifier\nTo: [$us]\nCall-ID: [call_id]\nCSeq: 2 NOTIFY\n\
             Contact: <sip:notifier@[local_ip]:[local_port]>\nMax-Forwards: 70\nEvent: reg\n\
             Subscription-State: active\nContent-Type: application/reginfo+xml\n\
             Content-Length: [len]\n\n{body}\n]]></send><recv response=\"200\"/>"
        );
        self
    }

    /// The subscription is refreshed.
    fn subscribes_again(mut self) -> Self {
        self.again += &format!(
            "<recv request=\"SUBSCRIBE\"/><send><![CDATA[\n\n{}Expires: 3600\n\
             Content-Length: 0\n\n]]></send>",
            answer("notifier").replace("[last_To:];tag=[pid]notifier", "[last_To:]")
        );
        self
    }

    /// Plays it to its end, and returns what passed and what the daemon then says.
    #[track_caller]
    fn play(&self) -> (Transcript, Account) {
        let sandbox = Sandbox::new();
        let values = [
            ("AFTERWARDS", &*self.afterwards),
            ("AGAIN", &*self.again),
            ("STATE", self.state),
            ("BODY", &*self.body),
            ("CODE", self.code),
            ("LINGER_MS", LINGER),
        ];
        let scenario = include_str!("sipp/watch.xml");
        let mut sipp = Sipp::start_calls(&sandbox, scenario, &values, "2");
        let daemon = Daemon::start(&sandbox, &Config::new(sipp.address()).watching());
        let transcript = sipp.finish(SOON);
        let account = daemon.status();
        daemon.kill();
        (transcript, account)
    }
}

fn answer(tag: &str) -> String {
    format!(
        "SIP/2.0 200 OK\n[last_Via:]\n[last_From:]\n[last_To:];tag=[pid]{tag}\n\
         [last_Call-ID:]\n[last_CSeq:]\n"
    )
}

fn document(version: u32, extent: &str, contact: &str) -> String {
    let [user, domain] = [Config::CONTACT_USER, Config::DOMAIN];
    format!(
        "<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"{version}\" \
         state=\"{extent}\"><registration aor=\"sip:{user}@{domain}\" id=\"a\" \
         state=\"active\">{contact}</registration></reginfo>"
    )
}

fn contact(attributes: &str) -> String {
    format!("<contact id=\"c\" {attributes}><uri>[$ours]</uri></contact>")
}

const BOUND: &str = "state=\"active\" event=\"registered\"";
const GONE: &str = "state=\"terminated\" event=\"deactivated\"";

#[track_caller]
fn assert_untouched(transcript: &Transcript, account: &Account) {
    assert_eq!(transcript.registers().len(), 1, "{transcript}");
    assert!(account.is_registered(), "{account}");
    assert_eq!(account.granted(), Some(180), "{account}");
}

// rule R1
fn a_contact_that_is_still_there_changes_nothing() {
    let (transcript, account) = Story::new("full", &contact(BOUND)).play();
    assert_untouched(&transcript, &account);
}

// rule R1
fn a_deactivated_contact_is_registered_at_once() {
    let story = Story::new("full", &contact(GONE)).registers_again();
    let (transcript, account) = story.play();
    let [first, second] = transcript.registers()[..] else {
        panic!("{transcript}");
    };
    assert!(second.seconds_after(first) < 1.0, "{transcript}");
    assert_eq!(first.header("Call-ID"), second.header("Call-ID"));
    assert!(account.is_registered(), "{account}");
}

// rule R1
fn a_contact_on_probation_waits_as_long_as_it_says() {
    let probation = "state=\"terminated\" event=\"probation\" retry-after=\"77\"";
    assert_waits(&Story::new("full", &contact(probation)), 77.0);
}

// rule R1
fn a_contact_that_is_missing_waits_the_retry_time() {
    assert_waits(&Story::new("full", ""), 30.0);
}

/// The binding is gone, and the next REGISTER is due so many seconds after that was said.
#[track_caller]
fn assert_waits(story: &Story, seconds: f64) {
    let (transcript, account) = story.play();
    assert_eq!(transcript.registers().len(), 1, "{transcript}");
    assert!(account.is_waiting(), "{account}");
    let is_notify = |text: &str| text.starts_with("NOTIFY ");
    let notify = transcript.0.iter().find(|it| is_notify(it.text()));
    let notify = notify.expect("a NOTIFY");
    assert_next_try(&account, notify.at, seconds);
}

// rules R1, L1
fn a_shortened_contact_is_refreshed_sooner() {
    let shortened = "state=\"active\" event=\"shortened\" expires=\"2\"";
    let story = Story::new("full", &contact(shortened)).registers_again();
    let (transcript, account) = story.play();
    let [first, second] = transcript.registers()[..] else {
        panic!("{transcript}");
    };
    let after = second.seconds_after(first);
    assert!(
        (0.9..2.0).contains(&after),
        "after {after} s:\n{transcript}"
    );
    assert!(account.is_registered(), "{account}");
}

// rule R1 (RFC 3680 §5.2)
fn a_document_out_of_order_counts_for_nothing() {
    let mut story = Story::new("full", &contact(BOUND));
    story.body = document(5, "full", &contact(BOUND));
    let story = story.then(&document(4, "partial", &contact(GONE)));
    let (transcript, account) = story.play();
    assert_untouched(&transcript, &account);
}

// rule R1 (RFC 3680 §5.2)
fn a_lost_document_is_asked_for() {
    let story = Story::new("full", &contact(BOUND))
        .then(&document(7, "partial", &contact(BOUND)))
        .subscribes_again();
    let (transcript, account) = story.play();
    assert_untouched(&transcript, &account);
    let is_subscribe = |text: &str| text.starts_with("SUBSCRIBE ");
    let all: Vec<_> = transcript
        .0
        .iter()
        .filter(|it| is_subscribe(it.text()))
        .collect();
    let [first, second] = all[..] else {
        panic!("{transcript}");
    };
    assert_eq!(second.header("Call-ID"), first.header("Call-ID"));
    assert!(
        second.text().starts_with("SUBSCRIBE sip:notifier@"),
        "{transcript}"
    );
}

// rule R1
fn a_malformed_document_is_refused_and_does_no_harm() {
    let mut story = Story::new("full", &contact(GONE));
    story.body = story.body.replace("</registration>", "");
    story.code = "400";
    let (transcript, account) = story.play();
    assert_untouched(&transcript, &account);
}

// rule R1
fn an_xml_bomb_is_refused_and_does_no_harm() {
    let mut story = Story::new("full", &contact(GONE));
    let entities: String = (1..10)
        .map(|n| format!("<!ENTITY e{n} \"{}\">", format!("&e{};", n - 1).repeat(10)))
        .collect();
    // SIPp takes brackets for its own keywords unless they are written by number.
    let bomb = format!("<!DOCTYPE reginfo \\x5b<!ENTITY e0 \"boom\">{entities}\\x5d>");
    let document = story.body.replace("id=\"c\"", "id=\"&e9;\"");
    story.body = format!("{bomb}{document}");
    story.code = "400";
    let (transcript, account) = story.play();
    let told = transcript
        .0
        .iter()
        .find(|it| it.text().starts_with("NOTIFY "));
    let told = told.expect("a NOTIFY").text();
    assert!(told.contains("<!DOCTYPE reginfo [<!ENTITY"), "{told}");
    assert_untouched(&transcript, &account);
}

/// Runs the scenario of a REGISTER for all numbers and this answer to its end, and returns what
/// the daemon then says.
#[track_caller]
fn bulk(status: &str, headers: &str) -> Account {
    let sandbox = Sandbox::new();
    let values = [
        ("STATUS", status),
        ("HEADERS", headers),
        ("LINGER_MS", LINGER),
    ];
    let mut sipp = Sipp::start(&sandbox, include_str!("sipp/gin.xml"), &values);
    let daemon = Daemon::start(&sandbox, &Config::new(sipp.address()).bulk());
    sipp.finish(SOON);
    let account = daemon.status();
    daemon.kill();
    account
}

// rules I7, L2
fn all_numbers_are_registered_at_once() {
    let foreign = "Contact: <sip:192.0.2.9;bnc>;expires=20";
    let account = bulk("200 OK", &format!("{foreign}\nContact: [$ours];expires=90"));
    assert!(account.is_registered(), "{account}");
    assert_eq!(account.granted(), Some(90), "{account}");
}

// rules I7, A (420)
fn a_registrar_without_gin_is_said_to_have_none() {
    let account = bulk("420 Bad Extension", "Unsupported: gin");
    assert!(account.is_waiting(), "{account}");
    assert_eq!(account.last_code(), Some(420), "{account}");
    assert!(account.detail().contains("GIN"), "{account}");
}
