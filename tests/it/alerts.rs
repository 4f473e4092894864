//! Alerts as they reach people and programs (rules T2, T3): by a mail server that we did not write,
//! by a webhook, and on the command line.
//!
//! What takes minutes is cut short by the state of a run before, in which an Account was lost and
//! has failed two of its three checks; the daemon makes the third.

mod command;
mod hook;
mod hostile;
mod kills;
mod mail;
mod story;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::Trial;
use nix::sys::signal::Signal;
use regent::effect::{StoredAlert, StoredAlertState};
use regent::store::{AlertChanges, Changes, Database, Store as _};
use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{
    AIOSMTPD, Config, Daemon, Manner, Registrar, Sandbox, free_udp_address, holds_for, read_text,
    usual, wait_for, wait_until,
};
use hook::WebHook;
use mail::{MailServer, Protection, certificate, free_port, mails};

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = trials![[AIOSMTPD];
        a_loss_and_its_end_are_mailed_under_starttls_with_a_login,
        a_mail_goes_out_under_tls,
        a_server_that_is_not_who_it_should_be_gets_nothing,
        a_server_without_starttls_gets_nothing,
        a_wrong_login_is_said_without_the_password,
        a_server_that_is_down_gets_the_mail_when_it_is_back,
        a_kill_before_the_delivery_neither_loses_nor_doubles_a_mail,
        a_mail_that_is_refused_stays_and_is_listed,
        who_unsubscribes_gets_nothing_that_waits,
        a_webhook_under_tls_must_be_who_it_should_be,
        a_mail_server_that_hangs_does_not_keep_the_daemon_from_stopping,
        a_disk_that_takes_nothing_keeps_no_mail_back_and_doubles_none,
    ];
    trials.extend(trials![[];
        a_webhook_gets_signed_json_and_the_same_again_after_an_error,
        a_redirect_is_not_followed,
    ]);
    trials.extend(hostile::trials());
    trials.extend(kills::trials());
    trials.extend(command::trials());
    trials.extend(story::trials());
    trials
}

/// Time enough for the third check and a delivery.
const SOON: Duration = Duration::from_secs(30);

/// What stands in the configuration beside the Account.
struct World {
    sandbox: Sandbox,
    registrar: SocketAddr,
    file: PathBuf,
}

impl World {
    /// An Account whose registrar does not answer, and these tables.
    #[track_caller]
    fn new(tables: &str) -> Self {
        let sandbox = Sandbox::new();
        let registrar = free_udp_address();
        let file = Config::new(registrar).write(&sandbox);
        let text = format!("{}\n{tables}", read_text(&file));
        sandbox.write("regent.toml", &text);
        Self {
            sandbox,
            registrar,
            file,
        }
    }

    /// The Account was lost, and its third check is due in two seconds.
    #[track_caller]
    fn lose(&self) {
        self.lose_for(88);
    }

    /// The Account was lost so many seconds ago, and its third check is due 90 s after that.
    #[track_caller]
    fn lose_for(&self, seconds: i64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.expect("the clock is right").as_micros();
        let now = i64::try_from(now).expect("it fits");
        let [user, domain] = [Config::CONTACT_USER, Config::DOMAIN];
        let alert = StoredAlert {
            account: Config::ACCOUNT.to_owned(),
            identity: format!("sip:{user}@{domain}"),
            source: Some([192, 0, 2, 9].into()),
            registrar: self.registrar,
            server: Some("Registrar of the run before".to_owned()),
            user_agent: "regent/test".to_owned(),
            lost_unix_us: now - seconds * 1_000_000,
            state: StoredAlertState::Checking {
                failed: 2,
                due_unix_us: now + (90 - seconds) * 1_000_000,
            },
        };
        let changes = Changes {
            alerts: AlertChanges {
                removed: Vec::new(),
                alerts: vec![alert],
            },
            ..Changes::default()
        };
        let mut database = Database::open(&self.sandbox.path("state")).expect("a new state");
        database.save(&changes, true).expect("room");
    }

    #[track_caller]
    fn start(&self) -> Daemon<'_> {
        Daemon::start_with(&self.sandbox, &self.file)
    }

    /// A daemon that trusts the certificate of [`certificate`].
    #[track_caller]
    fn start_trusting(&self) -> Daemon<'_> {
        let certificate = self.sandbox.path("mail.pem").display().to_string();
        let environment = [("SSL_CERT_FILE", &*certificate)];
        let manner = Manner {
            environment: &environment,
            ..Manner::default()
        };
        Daemon::start_as(&self.sandbox, &self.file, manner)
    }

    /// From now on the registrar is there, and the Account registers.
    #[track_caller]
    fn recover(&self, daemon: &Daemon<'_>) -> Registrar {
        let registrar = Registrar::start_at(self.registrar, |message| usual(message, 600));
        let said = daemon.tell(&["register", Config::ACCOUNT]);
        assert_eq!(said.code, Some(0), "{said:?}");
        registrar
    }
}

/// What `regent alerts list --json` says.
#[track_caller]
fn list(daemon: &Daemon<'_>) -> Value {
    let said = daemon.tell(&["alerts", "list", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|why| panic!("{why}: {said:?}"))
}

/// Waits until a notice was tried in vain, and returns how it is listed.
#[track_caller]
fn wait_trouble(daemon: &Daemon<'_>) -> Value {
    wait_for(SOON, "a notice that is not delivered", || {
        let listed = list(daemon);
        let first = &listed["deliveries"][0];
        first["trouble"].is_string().then(|| first.clone())
    })
}

fn mail_table(port: u16, rest: &str) -> String {
    format!(
        "[mail]\nserver = \"127.0.0.1\"\nport = {port}\nfrom = \"regent@example.net\"\n{rest}\n\
         [[alert]]\nname = \"operations\"\nemail = \"operations@example.net\"\ntime_limit = \"6h\"\n"
    )
}

const PASSWORD: &str = "correct horse battery";
const LOGIN: Option<(&str, &str)> = Some(("regent", PASSWORD));

// rules T2, T3
fn a_loss_and_its_end_are_mailed_under_starttls_with_a_login() {
    let port = free_port();
    let login = format!("user_name = \"regent\"\npassword = \"{PASSWORD}\"");
    let world = World::new(&mail_table(port, &login));
    certificate(&world.sandbox);
    let protection = Protection {
        mode: "starttls",
        login: LOGIN,
    };
    let server = MailServer::start(&world.sandbox, port, protection);
    world.lose();
    let daemon = world.start_trusting();
    let mails = server.wait_mails(SOON, 1);
    let [lost] = &mails[..] else {
        panic!("{mails:?}");
    };
    assert_eq!(lost.field("login"), "regent");
    assert_eq!(lost.field("encrypted"), true);
    assert_eq!(lost.field("to")[0], "operations@example.net");
    let subject = format!("[regent] registration lost: main at {}", world.registrar);
    assert_eq!(lost.header("Subject"), subject);
    assert_eq!(lost.header("Auto-Submitted"), "auto-generated");
    for part in [
        "Server:       Registrar of the run before",
        "Account:      main",
        "Identity:     sip:4930123456@registrar.test",
        "Source IP:    192.0.2.9",
        "User agent:   regent/",
    ] {
        assert!(lost.text().contains(part), "{part}: {}", lost.text());
    }
    // The eight columns of the list.
    let said = daemon.tell(&["alerts", "list"]);
    let [heading, row, ..] = said.out.lines().collect::<Vec<_>>()[..] else {
        panic!("{said:?}");
    };
    let headings: Vec<_> = heading
        .split("  ")
        .map(str::trim)
        .filter(|it| !it.is_empty())
        .collect();
    assert_eq!(
        headings,
        [
            "LABEL",
            "IDENTITY",
            "SOURCE IP",
            "USER AGENT",
            "EMAIL",
            "LIMIT",
            "TIMEOUT",
            "STARTED"
        ]
    );
    assert!(
        row.starts_with("main ") && row.contains("192.0.2.9"),
        "{row}"
    );
    let listed = list(&daemon);
    assert_eq!(listed["alerts"][0]["email"], "operations@example.net");
    assert_eq!(listed["alerts"][0]["time_limit"], "6h");
    assert_eq!(listed["deliveries"].as_array().map(Vec::len), Some(0));
    let _registrar = world.recover(&daemon);
    let mails = server.wait_mails(SOON, 2);
    let subject = format!(
        "[regent] registered again: main, lost at {}",
        world.registrar
    );
    assert_eq!(mails[1].header("Subject"), subject);
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    wait_until(SOON, "an empty list", || {
        let said = daemon.tell(&["alerts", "list"]);
        said.out.starts_with("no alert goes on\n")
    });
    let events = daemon.tell(&["events", "main", "--kind", "alert"]);
    let [was, is] = events.out.lines().collect::<Vec<_>>()[..] else {
        panic!("{events:?}");
    };
    assert!(was.contains("operations: lost at "), "{was}");
    assert!(is.contains("operations: resolved at "), "{is}");
    let log = daemon.log();
    daemon.stop();
    assert!(!log.contains(PASSWORD), "{log}");
    assert_eq!(mail::mails(&world.sandbox).len(), 2);
}

// rule T3
fn a_mail_goes_out_under_tls() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"tls\""));
    certificate(&world.sandbox);
    let protection = Protection {
        mode: "tls",
        login: None,
    };
    let server = MailServer::start(&world.sandbox, port, protection);
    let daemon = world.start_trusting();
    let said = daemon.tell(&["alerts", "test"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        said.out,
        "operations: mail to operations@example.net: delivered\n"
    );
    let mails = server.wait_mails(SOON, 1);
    assert_eq!(
        mails[0].header("Subject"),
        "[regent] test of alert operations"
    );
    assert_eq!(mails[0].field("encrypted"), true);
}

// rule T3
fn a_server_that_is_not_who_it_should_be_gets_nothing() {
    let port = free_port();
    let world = World::new(&mail_table(port, ""));
    certificate(&world.sandbox);
    let protection = Protection {
        mode: "starttls",
        login: None,
    };
    let _server = MailServer::start(&world.sandbox, port, protection);
    let daemon = world.start();
    let said = daemon.tell(&["alerts", "test"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("failed: 127.0.0.1:"), "{said:?}");
    assert!(said.out.to_lowercase().contains("certificate"), "{said:?}");
    assert_eq!(mails(&world.sandbox).len(), 0);
}

// rule T3
fn a_server_without_starttls_gets_nothing() {
    let port = free_port();
    let world = World::new(&mail_table(port, ""));
    let _server = MailServer::start(&world.sandbox, port, Protection::NONE);
    let daemon = world.start();
    let said = daemon.tell(&["alerts", "test"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("STARTTLS"), "{said:?}");
    assert_eq!(mails(&world.sandbox).len(), 0);
}

// rule T3
fn a_wrong_login_is_said_without_the_password() {
    let port = free_port();
    let login = "user_name = \"regent\"\npassword = \"wrong horse\"";
    let world = World::new(&mail_table(port, login));
    certificate(&world.sandbox);
    let protection = Protection {
        mode: "starttls",
        login: LOGIN,
    };
    let _server = MailServer::start(&world.sandbox, port, protection);
    world.lose();
    let daemon = world.start_trusting();
    let listed = wait_trouble(&daemon);
    let why = listed["trouble"].as_str().expect("a text");
    assert!(why.contains("535"), "{why}");
    let said = daemon.tell(&["alerts", "list"]);
    let log = daemon.log();
    for text in [&said.output, &log] {
        assert!(!text.contains("wrong horse"), "{text}");
        // Nor as it went over the wire.
        assert!(!text.contains("AHJlZ2VudAB3cm9uZyBob3JzZQ"), "{text}");
    }
    assert_eq!(mails(&world.sandbox).len(), 0);
}

// rule T3
fn a_server_that_is_down_gets_the_mail_when_it_is_back() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    world.lose();
    let daemon = world.start();
    let listed = wait_trouble(&daemon);
    assert_eq!(listed["to"], "operations@example.net");
    assert_eq!(listed["event"], "lost");
    assert_eq!(documented("## A delivery"), keys(&listed));
    assert_eq!(documented("## An alert"), keys(&list(&daemon)["alerts"][0]));
    let said = daemon.tell(&["alerts", "list"]);
    assert!(said.out.contains("1 notice not delivered yet:"), "{said:?}");
    let server = MailServer::start(&world.sandbox, port, Protection::NONE);
    let mails = server.wait_mails(SOON, 1);
    assert_eq!(mails[0].field("login"), &Value::Null);
    wait_until(SOON, "nothing that waits", || {
        list(&daemon)["deliveries"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    let log = daemon.log();
    assert_eq!(log.matches("cannot be delivered").count(), 1, "{log}");
    assert_eq!(log.matches("delivered again").count(), 1, "{log}");
    daemon.stop();
    assert_eq!(mail::mails(&world.sandbox).len(), 1);
}

// rule T3
fn a_kill_before_the_delivery_neither_loses_nor_doubles_a_mail() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    world.lose();
    // A server that takes calls and says nothing: the notice is on its way when the kill comes.
    let silent = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let daemon = world.start();
    let (call, _) = silent.accept().expect("a call");
    daemon.signal(Signal::SIGKILL);
    drop((call, silent));
    daemon.kill();
    let server = MailServer::start(&world.sandbox, port, Protection::NONE);
    let daemon = world.start();
    server.wait_mails(SOON, 1);
    wait_until(SOON, "nothing that waits", || {
        list(&daemon)["deliveries"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    // It goes on, and a third run has nothing more to say of it.
    assert_eq!(list(&daemon)["alerts"].as_array().map(Vec::len), Some(1));
    daemon.kill();
    let daemon = world.start();
    assert_eq!(list(&daemon)["alerts"].as_array().map(Vec::len), Some(1));
    holds_for(Duration::from_secs(3), "there is one mail", || {
        mails(&world.sandbox).len() == 1
    });
    let _registrar = world.recover(&daemon);
    let mails = server.wait_mails(SOON, 2);
    assert_ne!(mails[0].header("Message-ID"), mails[1].header("Message-ID"));
    daemon.stop();
    assert_eq!(mail::mails(&world.sandbox).len(), 2);
}

// rule T3
fn a_mail_that_is_refused_stays_and_is_listed() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    let server = MailServer::start(&world.sandbox, port, Protection::NONE);
    server.refuse("554 not from you");
    world.lose();
    let daemon = world.start();
    let listed = wait_trouble(&daemon);
    let why = listed["trouble"].as_str().expect("a text");
    assert!(why.contains("not from you"), "{why}");
    assert_eq!(listed["tried"], 1);
    // What its receiver has mended counts at once when the configuration says something else.
    std::fs::remove_file(world.sandbox.path("refuse")).expect("it was there");
    let address = "operations2@example.net";
    let said = daemon.tell(&["configure", "alert", "set", "operations", "email", address]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mails = server.wait_mails(SOON, 1);
    assert_eq!(mails[0].field("to")[0], address);
}

// rule T3
fn who_unsubscribes_gets_nothing_that_waits() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    world.lose();
    let daemon = world.start();
    wait_trouble(&daemon);
    let said = daemon.tell(&["alerts", "unsubscribe", "operations"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_until(SOON, "nothing that waits", || {
        let listed = list(&daemon);
        let is_empty = |key: &str| listed[key].as_array().is_some_and(Vec::is_empty);
        is_empty("deliveries") && is_empty("alerts")
    });
    daemon.stop();
    // Nor does the next run know of it.
    let mut database = Database::open(&world.sandbox.path("state")).expect("a state");
    assert_eq!(database.restore_outbox().expect("letters"), []);
    assert_eq!(database.restore_alerts().expect("alerts"), []);
}

// rule T3
fn a_webhook_gets_signed_json_and_the_same_again_after_an_error() {
    let hook = WebHook::start(&["503 Busy", "200 OK"]);
    let url = hook.url();
    let world = World::new(&format!(
        "[[alert]]\nname = \"hook\"\nwebhook = \"{url}\"\nwebhook_secret = \"a secret\"\n"
    ));
    world.lose();
    let daemon = world.start();
    let listed = wait_trouble(&daemon);
    assert_eq!(listed["trouble"], "it answers 503 Service Unavailable");
    // What stands behind the host may be a secret.
    assert_eq!(listed["to"], hook.host());
    let posts = hook.wait_posts(SOON, 2);
    let [first, second] = &posts[..] else {
        panic!("{posts:?}");
    };
    for post in &posts {
        assert_eq!(post.line, "POST /take?key=hidden HTTP/1.1");
        assert_eq!(post.headers["content-type"], "application/json");
        assert!(
            post.headers["user-agent"].starts_with("regent/"),
            "{post:?}"
        );
        let signature = format!("sha256={}", hmac_sha256(b"a secret", &post.body));
        assert_eq!(post.headers["regent-signature"], signature);
    }
    assert_eq!(first.body, second.body);
    assert_eq!(
        first.headers["regent-delivery"],
        second.headers["regent-delivery"]
    );
    let said: Value = serde_json::from_slice(&second.body).expect("JSON");
    assert_eq!(said["id"], second.headers["regent-delivery"].as_str());
    assert_eq!(said["event"], "lost");
    assert_eq!(said["subscription"], "hook");
    assert_eq!(said["registrar"], world.registrar.to_string());
    assert_eq!(said["accounts"][0]["label"], "main");
    assert_eq!(said["accounts"][0]["source_ip"], "192.0.2.9");
    let _registrar = world.recover(&daemon);
    let posts = hook.wait_posts(SOON, 3);
    let said: Value = serde_json::from_slice(&posts[2].body).expect("JSON");
    assert_eq!(said["event"], "resolved");
    assert_eq!(
        said["accounts"][0]["registered_at"],
        world.registrar.to_string()
    );
    let log = daemon.log();
    daemon.stop();
    assert!(
        !log.contains("hidden") && !log.contains("a secret"),
        "{log}"
    );
    assert_eq!(hook.posts().len(), 3);
}

// rule T3
fn a_webhook_under_tls_must_be_who_it_should_be() {
    let port = free_port();
    let url = format!("https://localhost:{port}/");
    let world = World::new(&format!(
        "[[alert]]\nname = \"hook\"\nwebhook = \"{url}\"\n"
    ));
    certificate(&world.sandbox);
    let _server = mail::start_web_server(&world.sandbox, port);
    let bodies = world.sandbox.path("bodies");
    let stranger = world.start();
    let said = stranger.tell(&["alerts", "test"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.to_lowercase().contains("certificate"), "{said:?}");
    assert!(!bodies.exists());
    stranger.kill();
    let daemon = world.start_trusting();
    let said = daemon.tell(&["alerts", "test"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(read_text(&bodies).contains("\"event\":\"test\""));
}

// rule T3
fn a_mail_server_that_hangs_does_not_keep_the_daemon_from_stopping() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    world.lose();
    let silent = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    let daemon = world.start();
    let _call = silent.accept().expect("a call");
    let asked = std::time::Instant::now();
    daemon.stop();
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(9), "{took:?}");
    let mut database = Database::open(&world.sandbox.path("state")).expect("a state");
    let left = database.restore_outbox().expect("letters");
    assert_eq!(left.len(), 1, "{left:?}");
}

// rule T3
fn a_disk_that_takes_nothing_keeps_no_mail_back_and_doubles_none() {
    let port = free_port();
    let world = World::new(&mail_table(port, "encryption = \"none\""));
    let server = MailServer::start(&world.sandbox, port, Protection::NONE);
    // Time enough to take the lock before anything is raised.
    world.lose_for(80);
    let daemon = world.start();
    // Nobody else can write while this holds, and the program gives up after a while.
    let other = Connection::open(world.sandbox.path("state/regent.db")).expect("a state");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    server.wait_mails(SOON, 1);
    wait_until(SOON, "the trouble", || {
        daemon.log().contains("it is tried again")
    });
    other.execute_batch("ROLLBACK").expect("the lock");
    drop(other);
    wait_until(SOON, "the state to be written", || {
        daemon.log().contains("the state is written again")
    });
    wait_until(SOON, "nothing that waits", || {
        list(&daemon)["deliveries"]
            .as_array()
            .is_some_and(Vec::is_empty)
    });
    daemon.stop();
    let mut database = Database::open(&world.sandbox.path("state")).expect("a state");
    assert_eq!(database.restore_outbox().expect("letters"), []);
    let alerts = database.restore_alerts().expect("alerts");
    let [alert] = &alerts[..] else {
        panic!("{alerts:?}");
    };
    let StoredAlertState::Raised { open, .. } = &alert.state else {
        panic!("{alert:?}");
    };
    assert!(open.iter().all(|open| open.is_told), "{open:?}");
    drop(database);
    let daemon = world.start();
    assert_eq!(list(&daemon)["alerts"].as_array().map(Vec::len), Some(1));
    holds_for(Duration::from_secs(2), "there is one mail", || {
        mails(&world.sandbox).len() == 1
    });
}

/// The fields that a section of the protocol's page lists, sorted.
#[track_caller]
fn documented(heading: &str) -> Vec<String> {
    let document = include_str!("../../docs/control-protocol.md");
    let (_, rest) = document.split_once(heading).expect("its section");
    let section = rest.split("\n## ").next().unwrap_or(rest);
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.flat_map(|row| row.split('|').next().unwrap_or_default().split('`'));
    let names = names.filter(|name| !name.trim_matches([',', ' ']).is_empty());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

/// The names of what an object holds, sorted.
#[track_caller]
fn keys(value: &Value) -> Vec<String> {
    let mut keys: Vec<String> = value
        .as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect();
    keys.sort();
    keys
}

// rule T3
fn a_redirect_is_not_followed() {
    let hook = WebHook::start(&["307 Temporary Redirect\r\nLocation: http://127.0.0.1:1/"]);
    let url = hook.url();
    let world = World::new(&format!(
        "[[alert]]\nname = \"hook\"\nwebhook = \"{url}\"\n"
    ));
    let daemon = world.start();
    let said = daemon.tell(&["alerts", "test", "hook"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("redirects are not followed"), "{said:?}");
    let posts = hook.posts();
    assert_eq!(posts.len(), 1);
    assert!(
        !posts[0].headers.contains_key("regent-signature"),
        "{posts:?}"
    );
}

/// Written out from RFC 2104, so that it is not the product's own that says that it is right.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    assert!(key.len() <= 64, "longer keys are hashed first");
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        for (place, one) in key.iter().enumerate() {
            block[place] ^= one;
        }
        block
    };
    let inner = Sha256::new()
        .chain_update(pad(0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(pad(0x5c))
        .chain_update(inner)
        .finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}
