//! The mail server, and who is told of lost registrations by it (rule T3).

use std::collections::BTreeMap;

use super::Check;
use super::party::{MAIL_CREDENTIALS, WEBHOOK_SECRET};
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::{list, nearest, quoted};
use crate::config::{Alert, Covered, Encryption, Mail, Register, SecretSource, Sourced, TimeLimit};

/// The Accounts that an alert names, to be looked for when all are known.
pub(super) struct Wanted {
    label: String,
    at: u32,
    names: Vec<String>,
}

/// So many wrong names get the nearest as a hint: finding it takes time.
const HINTS: usize = 50;

impl Check<'_> {
    pub(super) fn mail(&mut self, row: &Row<'_>) {
        let encryptions = [Encryption::StartTls, Encryption::Tls, Encryption::None];
        let encryption = row.word(&MAIL_ENCRYPTION, &encryptions);
        let credentials = self.credentials(row, &MAIL_CREDENTIALS);
        if credentials.is_some() && encryption == Encryption::None {
            let message = format!(
                "{}: the password goes over the wire in the clear: encryption is \"none\"",
                row.label
            );
            let at = row.span(&MAIL_ENCRYPTION).start;
            let fault = Fault::warning(at, MAIL_ENCRYPTION.key, message);
            self.faults.absent(fault.hint("encryption = \"starttls\""));
        }
        self.mail = Some((
            row.at,
            Mail {
                server: row.text(&MAIL_SERVER).unwrap_or_default().into(),
                port: row
                    .given(&MAIL_PORT)
                    .unwrap_or_else(|| encryption.usual_port()),
                encryption,
                credentials,
                from: row.text(&MAIL_FROM).unwrap_or_default().into(),
            },
        ));
    }

    /// Takes a subscription. The mail server must be known by now.
    pub(super) fn alert(&mut self, row: &Row<'_>) {
        let has = |option| row.has(option);
        if !has(&ALERT_EMAIL) && !has(&ALERT_WEBHOOK) {
            let message = format!("{}: neither an email nor a webhook", row.label);
            let fault = Fault::error(row.at, ALERT_EMAIL.key, message);
            let hint = format!("for example {} = {}", ALERT_EMAIL.key, ALERT_EMAIL.example);
            self.faults.absent(fault.hint(hint));
        }
        self.sends_mail |= has(&ALERT_EMAIL);
        if row.text(&ALERT_EMAIL).is_some() && self.mail.is_none() {
            let message = format!("{}: email needs a mail server", row.label);
            let at = row.span(&ALERT_EMAIL).start;
            let fault = Fault::error(at, ALERT_EMAIL.key, message);
            self.faults
                .absent(fault.hint("say in [mail] which one: server and from"));
        }
        let names = row.names(&ALERT_ACCOUNTS);
        let accounts = names.map_or(Covered::All, |names| {
            self.covered.push(Wanted {
                label: row.label.to_string(),
                at: row.span(&ALERT_ACCOUNTS).start,
                names: names.iter().map(|name| (*name).to_owned()).collect(),
            });
            Covered::named(names.iter().copied())
        });
        let value = Alert {
            accounts,
            webhook_secret: self.signing(row),
            send_resolution: row.flag(&ALERT_SEND_RESOLUTION),
            send_timeout: row.flag(&ALERT_SEND_TIMEOUT),
            time_limit: row.word(&ALERT_TIME_LIMIT, &TimeLimit::ALL),
            ..Alert::new(
                row.text(&ALERT_NAME).unwrap_or_default(),
                row.text(&ALERT_EMAIL),
                row.text(&ALERT_WEBHOOK),
            )
        };
        self.alerts
            .define(row, &ALERT_NAME, Some(value), &mut self.faults);
    }

    fn signing(&mut self, row: &Row<'_>) -> Option<Sourced> {
        let (secret, source, first) = self.secret(row, WEBHOOK_SECRET);
        let first = first?;
        if !row.has(&ALERT_WEBHOOK) {
            let message = format!("{}: {} has no effect without webhook", row.label, first.key);
            let at = row.span(first).start;
            self.faults.absent(Fault::warning(at, first.key, message));
            return None;
        }
        if source == SecretSource::Inline && secret.is_empty() && !row.is_faulty(first) {
            let message = format!("{}: {} is empty", row.label, first.key);
            let at = row.span(first).start;
            let fault = Fault::error(at, first.key, message);
            self.faults
                .push(fault.hint("leave the key out for requests that are not signed"));
        }
        Some(Sourced { secret, source })
    }

    /// What can be said when all Accounts and all alerts are known.
    pub(super) fn check_covered(&mut self) {
        if let Some((at, _)) = self.mail.as_ref().filter(|_| !self.sends_mail) {
            let message = "mail has no effect: no alert has an email".to_owned();
            let fault = Fault::warning(*at, Table::Mail.info().key, message);
            let hint = "`regent alerts subscribe NAME --email ADDRESS` makes one";
            self.faults.absent(fault.hint(hint));
        }
        if self.covered.is_empty() {
            return;
        }
        let named = self.drafts.iter();
        let named = named.filter_map(|draft| Some((draft.name.as_deref()?, &draft.account)));
        let known: BTreeMap<&str, _> = named.collect();
        let mut hints = HINTS;
        for wanted in &self.covered {
            let (label, at, key) = (&wanted.label, wanted.at, ALERT_ACCOUNTS.key);
            for name in &wanted.names {
                let Some(account) = known.get(&**name) else {
                    let message = format!("{label}: account {} does not exist", quoted(name));
                    let mut fault = Fault::error(at, key, message);
                    if hints > 0 {
                        hints -= 1;
                        fault = fault.hint(hint(name, &known));
                    }
                    self.faults.absent(fault);
                    continue;
                };
                if account
                    .as_ref()
                    .is_some_and(|it| it.register == Register::No)
                {
                    let name = quoted(name);
                    let message = format!(
                        "{label}: account {name} has register \"no\", so that it is never missed"
                    );
                    self.faults.absent(Fault::warning(at, key, message));
                }
            }
        }
    }
}

/// What was probably meant.
fn hint<T>(written: &str, known: &BTreeMap<&str, T>) -> String {
    match nearest(written, known.keys().copied()) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None if known.is_empty() => "no account is defined".to_owned(),
        None => format!("defined accounts are {}", list(known.keys().copied())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Credentials, load};
    use crate::secret::Secret;

    /// What becomes of tables behind the smallest useful file, and what is said.
    fn read(text: &str) -> (Option<Config>, Vec<String>) {
        let minimal = include_str!("../../../conf/minimal.toml");
        let loaded = load("t", &format!("{minimal}\n{text}"));
        let said = loaded.diagnostics.iter().map(|one| match &one.hint {
            Some(hint) => format!("{} ({hint})", one.message),
            None => one.message.clone(),
        });
        (loaded.config, said.collect())
    }

    const MAIL: &str = "[mail]\nserver = \"mail.example.net\"\nfrom = \"r@example.net\"\n";

    // rule T3
    #[test]
    fn every_option_of_an_alert_reaches_it() {
        let (config, said) = read(&format!(
            "{MAIL}encryption = \"tls\"\nport = 4465\nuser_name = \"u\"\npassword = \"p\"\n\
             [[alert]]\nname = \"one\"\naccounts = [\"main\"]\nemail = \"a@example.net\"\n\
             webhook = \"https://hooks.example.net:8443/x?y=1\"\nwebhook_secret = \"s\"\n\
             send_resolution = false\nsend_timeout = false\ntime_limit = \"6h\"\n\
             [[alert]]\nname = \"two\"\nwebhook = \"http://[::1]/\"\n"
        ));
        assert!(said.is_empty(), "{said:?}");
        let config = config.unwrap();
        let mail = Mail {
            server: "mail.example.net".into(),
            port: 4465,
            encryption: Encryption::Tls,
            credentials: Some(Credentials {
                user_name: "u".into(),
                password: Secret::new("p"),
                source: SecretSource::Inline,
            }),
            from: "r@example.net".into(),
        };
        assert_eq!(config.mail, Some(mail));
        let webhook = Some("https://hooks.example.net:8443/x?y=1");
        let one = Alert {
            accounts: Covered::named(["main"]),
            webhook_secret: Some(Sourced {
                secret: Secret::new("s"),
                source: SecretSource::Inline,
            }),
            send_resolution: false,
            send_timeout: false,
            time_limit: TimeLimit::SixHours,
            ..Alert::new("one", Some("a@example.net"), webhook)
        };
        assert_eq!(*config.alerts[0], one);
        assert_eq!(
            *config.alerts[1],
            Alert::new("two", None, Some("http://[::1]/"))
        );
    }

    // rule T3
    #[test]
    fn the_port_follows_from_the_encryption() {
        for (encryption, port) in [("starttls", 587), ("tls", 465), ("none", 25)] {
            let alert = "[[alert]]\nname = \"a\"\nemail = \"a@example.net\"\n";
            let (config, said) = read(&format!("{MAIL}encryption = \"{encryption}\"\n{alert}"));
            assert!(said.is_empty(), "{said:?}");
            assert_eq!(config.unwrap().mail.unwrap().port, port);
        }
    }

    // rule T3
    #[test]
    fn what_is_wrong_with_an_alert_is_said_with_a_hint() {
        let alert = |lines: &str| format!("[[alert]]\nname = \"a\"\n{lines}\n");
        let url = "webhook = \"http://127.0.0.1/\"";
        for (text, wanted) in [
            (
                alert(""),
                "alert \"a\": neither an email nor a webhook (for example email = \
                 \"operations@example.net\")",
            ),
            (
                alert("email = \"a@example.net\""),
                "alert \"a\": email needs a mail server (say in [mail] which one: server and from)",
            ),
            (
                alert(&format!("{url}\naccounts = [\"mian\"]")),
                "alert \"a\": account \"mian\" does not exist (did you mean \"main\"?)",
            ),
            (
                alert(&format!("{url}\naccounts = []")),
                "alert \"a\": accounts is an empty list (\"all\" stands for all; leave the key \
                 out for that)",
            ),
            (
                alert(&format!("{url}\naccounts = \"main\"")),
                "alert \"a\": accounts is \"main\", but must be \"all\" or a list of names (for \
                 one of them: [\"main\"])",
            ),
            (
                alert(&format!("{url}\ntime_limit = \"3h\"")),
                "alert \"a\": time_limit is \"3h\", which is none of its words (did you mean \
                 \"1h\"? Words are \"1h\", \"2h\", \"6h\", \"12h\", \"24h\")",
            ),
            (
                alert(&format!("{url}\nwebhook_secret = \"\"")),
                "alert \"a\": webhook_secret is empty (leave the key out for requests that are \
                 not signed)",
            ),
            (
                alert(&format!(
                    "{url}\nwebhook_secret = \"x\"\nwebhook_secret_env = \"X\""
                )),
                "alert \"a\": webhook_secret_env beside webhook_secret (a secret comes from one \
                 place: keep one of them)",
            ),
            (
                format!("{}{}", alert(url), alert(url)),
                "alert \"a\": the name is taken (the first alert \"a\" stands in line 32)",
            ),
            (
                "[mail]\nserver = \"mail.example.net\"\n".to_owned(),
                "mail: missing key \"from\" (for example from = \"regent@example.net\")",
            ),
        ] {
            let (config, said) = read(&text);
            assert!(config.is_none(), "{text}");
            assert!(
                said.iter().any(|said| said == wanted),
                "{said:#?}\n{wanted}"
            );
        }
    }

    // rule G1
    #[test]
    fn what_has_no_effect_is_a_warning() {
        let alert = |lines: &str| format!("[[alert]]\nname = \"a\"\n{lines}\n");
        for (text, wanted) in [
            (
                MAIL.to_owned(),
                "mail has no effect: no alert has an email \
                 (`regent alerts subscribe NAME --email ADDRESS` makes one)",
            ),
            (
                format!(
                    "{MAIL}{}",
                    alert("email = \"a@example.net\"\nwebhook_secret = \"s\"")
                ),
                "alert \"a\": webhook_secret has no effect without webhook",
            ),
            (
                format!(
                    "{MAIL}password = \"p\"\n{}",
                    alert("email = \"a@example.net\"")
                ),
                "mail: password has no effect without user_name",
            ),
            (
                format!(
                    "{MAIL}user_name = \"u\"\nencryption = \"none\"\n{}",
                    alert("email = \"a@example.net\"")
                ),
                "mail: the password goes over the wire in the clear: encryption is \"none\" \
                 (encryption = \"starttls\")",
            ),
        ] {
            let (config, said) = read(&text);
            assert!(config.is_some(), "{said:?}");
            assert_eq!(said, [wanted]);
        }
    }

    // rule T3
    #[test]
    fn an_account_that_never_registers_is_never_missed() {
        let minimal = include_str!("../../../conf/minimal.toml");
        let text = minimal.replace("register = \"regular\"", "register = \"no\"");
        let alert = "[[alert]]\nname = \"a\"\nwebhook = \"http://h/\"\naccounts = [\"main\"]\n";
        let loaded = load("t", &format!("{text}\n{alert}"));
        let said = loaded.diagnostics.to_string();
        assert!(
            said.contains("account \"main\" has register \"no\", so that it is never missed"),
            "{said}"
        );
    }

    // rule T3
    #[test]
    fn addresses_are_judged() {
        let email = |text: &str| {
            let (config, _) = read(&format!(
                "{MAIL}[[alert]]\nname = \"a\"\nemail = \"{text}\"\n"
            ));
            config.is_some()
        };
        for good in [
            "a@b",
            "first.last+tag@mail.example.net",
            "o'brien@example.net",
            "jürgen@example.net",
        ] {
            assert!(email(good), "{good}");
        }
        for bad in [
            "a",
            "@b",
            "a@",
            "a b@example.net",
            "A <a@example.net>",
            "a@example.net,b@example.net",
            ".a@example.net",
            "a..b@example.net",
            "a@[127.0.0.1]",
            "a@exa mple.net",
            "a:b@example.net",
            "a@example.net:25",
        ] {
            assert!(!email(bad), "{bad}");
        }
        let url = |text: &str| {
            let (config, _) = read(&format!("[[alert]]\nname = \"a\"\nwebhook = '{text}'\n"));
            config.is_some()
        };
        for good in [
            "http://h",
            "HTTPS://hooks.example.net/a/b?c=d&e=%20",
            "http://192.0.2.1:8080",
            "https://[2001:db8::1]:443/",
        ] {
            assert!(url(good), "{good}");
        }
        for bad in [
            "h",
            "ftp://h/",
            "http://",
            "http:///a",
            "http://h:0x/",
            "http://h/a b",
            "http://u:p@h/",
            "http://h/#a",
            "http://h/ä",
        ] {
            assert!(!url(bad), "{bad}");
        }
    }
}
