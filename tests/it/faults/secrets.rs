//! A password is for the registrar's challenge and for nobody else.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use libtest_mimic::Trial;

use crate::harness::{
    Config, Daemon, Manner, Registrar, SOON, Sandbox, User, assert_answers, challenge, regent,
    usual,
};

pub(super) fn trials() -> Vec<Trial> {
    trials![[];
        no_text_log_shows_a_password_or_an_answer_to_a_challenge,
        no_json_log_shows_a_password_or_an_answer_to_a_challenge,
    ]
}

const PASSWORD: &str = "trombone-Zq7";

fn no_text_log_shows_a_password_or_an_answer_to_a_challenge() {
    nothing_shows_a_secret("text");
}

fn no_json_log_shows_a_password_or_an_answer_to_a_challenge() {
    nothing_shows_a_secret("json");
}

fn nothing_shows_a_secret(format: &str) {
    let sandbox = Sandbox::new();
    let is_hostile = Arc::new(AtomicBool::new(false));
    let refuses = Arc::clone(&is_hostile);
    let registrar = Registrar::start(move |message| {
        if refuses.load(Ordering::Relaxed) && message.is_register() {
            return vec![challenge(message)];
        }
        usual(message, 60)
    });
    let config = Config::new(registrar.address()).password(PASSWORD);
    let file = config.write(&sandbox);
    let manner = Manner {
        arguments: &["--log", "trace", "--log-format", format],
        ..Manner::default()
    };
    let daemon = Daemon::start_as(&sandbox, &file, manner);
    daemon.wait_registered(SOON);
    let mut said = String::new();
    let mut tell = |arguments: &[&str]| said += &daemon.tell(arguments).output;
    tell(&["refresh", "main"]);
    is_hostile.store(true, Ordering::Relaxed);
    tell(&["refresh", "main"]);
    tell(&["register", "main"]);
    tell(&["status"]);
    tell(&["status", "main"]);
    tell(&["status", "--json"]);
    tell(&["unregister", "main"]);
    let command_line = std::fs::read(format!("/proc/{}/cmdline", daemon.pid()));
    said += &String::from_utf8_lossy(&command_line.expect("it runs"));
    said += &regent(&sandbox, User::Same, &["check", "regent.toml"]).output;
    said += &daemon.stop_within(SOON);

    let secrets = secrets(&registrar);
    for secret in &secrets {
        assert!(!said.contains(secret), "{secret} is shown in\n{said}");
    }
    // Else this would hold of something that does nothing and says nothing.
    assert!(said.contains("DEBUG"), "too little is logged in\n{said}");
    assert!(said.contains("credentials refused"), "{said}");
    assert!(secrets.len() > 4, "{secrets:?}");
}

/// What nobody but the registrar may see.
fn secrets(registrar: &Registrar) -> BTreeSet<String> {
    let mut secrets = BTreeSet::from([PASSWORD.to_owned()]);
    for request in registrar.heard().registers() {
        let Some(credentials) = request.credentials() else {
            continue;
        };
        assert_answers(&credentials, PASSWORD);
        secrets.insert(credentials.text("response").to_owned());
        // With this one the password is not needed any more.
        let (user, realm) = (credentials.text("username"), credentials.text("realm"));
        let key = md5::compute(format!("{user}:{realm}:{PASSWORD}"));
        secrets.insert(format!("{key:x}"));
    }
    secrets
}
