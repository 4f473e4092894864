//! A mail server that we did not write, and the certificate that it shows.

use std::net::TcpListener;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Process, SMTP, Sandbox, read_text, wait_for, wait_until};

/// A running mail server.
pub(super) struct MailServer<'a> {
    sandbox: &'a Sandbox,
    _process: Process,
}

/// How it is protected.
#[derive(Clone, Copy)]
pub(super) struct Protection {
    /// `none`, `starttls` or `tls`.
    pub(super) mode: &'static str,
    /// Who must log in.
    pub(super) login: Option<(&'static str, &'static str)>,
}

impl Protection {
    pub(super) const NONE: Self = Self {
        mode: "none",
        login: None,
    };
}

/// A port at which nobody listens.
pub(super) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// A certificate for this host, in a file that a daemon trusts by `SSL_CERT_FILE`.
pub(super) fn certificate(sandbox: &Sandbox) -> PathBuf {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    sandbox.write("mail.key", &made.signing_key.serialize_pem());
    sandbox.write("mail.pem", &made.cert.pem())
}

impl<'a> MailServer<'a> {
    /// Starts one at this port, with the certificate that [`certificate`] has made.
    #[track_caller]
    pub(super) fn start(sandbox: &'a Sandbox, port: u16, protection: Protection) -> Self {
        let script = sandbox.write("server.py", include_str!("server.py"));
        let port = port.to_string();
        let (user, password) = protection.login.unwrap_or_default();
        let files = ["mail.pem", "mail.key", "mails", "refuse"].map(|name| sandbox.path(name));
        let files = files.map(|path| path.display().to_string());
        let [certificate, key, mails, refuse] = &files;
        let script = script.display().to_string();
        let arguments = [
            &script,
            &port,
            protection.mode,
            certificate,
            key,
            user,
            password,
            mails,
            refuse,
        ];
        let log = sandbox.path("mail-server.log");
        let before = read_or_empty(&log).len();
        let process = Process::start(&SMTP.python(), &arguments, &sandbox.path(""), &log);
        wait_until(Duration::from_secs(20), "the mail server", || {
            read_or_empty(&log)[before..].contains("listening on")
        });
        Self {
            sandbox,
            _process: process,
        }
    }

    /// From now on mails are answered so.
    pub(super) fn refuse(&self, answer: &str) {
        self.sandbox.write("refuse", answer);
    }

    /// Waits until so many mails have come, and returns all of them.
    #[track_caller]
    pub(super) fn wait_mails(&self, within: Duration, count: usize) -> Vec<Mail> {
        wait_for(within, &format!("{count} mails"), || {
            let mails = mails(self.sandbox);
            (mails.len() >= count).then_some(mails)
        })
    }
}

/// Starts a web server under TLS, which writes what is posted to `bodies`.
#[track_caller]
pub(super) fn start_web_server(sandbox: &Sandbox, port: u16) -> Process {
    let script = sandbox.write("hook.py", include_str!("hook.py"));
    let files = ["mail.pem", "mail.key", "bodies"].map(|name| sandbox.path(name));
    let [certificate, key, bodies] = files.map(|path| path.display().to_string());
    let (script, port) = (script.display().to_string(), port.to_string());
    let arguments = [&*script, &port, &certificate, &key, &bodies];
    let log = sandbox.path("web-server.log");
    let process = Process::start(&SMTP.python(), &arguments, &sandbox.path(""), &log);
    wait_until(Duration::from_secs(20), "the web server", || {
        read_or_empty(&log).contains("listening on")
    });
    process
}

/// The mails that were taken in this sandbox, by whichever server.
pub(super) fn mails(sandbox: &Sandbox) -> Vec<Mail> {
    let text = read_or_empty(&sandbox.path("mails"));
    let read = |line: &str| Mail(serde_json::from_str(line).expect("a line of JSON"));
    text.lines().map(read).collect()
}

fn read_or_empty(path: &std::path::Path) -> String {
    match path.exists() {
        true => read_text(path),
        false => String::new(),
    }
}

/// A mail that was taken.
#[derive(Debug)]
pub(super) struct Mail(Value);

impl Mail {
    /// A field of the server's record.
    pub(super) fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// All of it as it came, with its lines joined that were folded.
    pub(super) fn text(&self) -> String {
        let text = self.0["text"].as_str().expect("it has a text");
        text.replace("\r\n ", " ")
    }

    /// The value of a header.
    #[track_caller]
    pub(super) fn header(&self, name: &str) -> String {
        let text = self.text();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        let mut lines = head.split("\r\n");
        let value = lines.find_map(|line| line.strip_prefix(&format!("{name}: ")));
        value
            .unwrap_or_else(|| panic!("no {name} in {text}"))
            .to_owned()
    }
}
