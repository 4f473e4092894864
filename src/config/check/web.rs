//! The web server (rule T4).

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::Check;
use crate::config::faults::Fault;
use crate::config::options::*;
use crate::config::row::Row;
use crate::config::suggest::quoted;
use crate::config::values::parse_listen;
use crate::config::{Listen, MetricsFor, Sourced, Web};

/// The options that hold the token of those who may act.
const TOKEN: [&Opt; 4] = [
    &WEB_TOKEN,
    &WEB_TOKEN_FILE,
    &WEB_TOKEN_ENV,
    &WEB_TOKEN_CREDENTIAL,
];

/// The options that hold the token of those who may look.
const READ_TOKEN: [&Opt; 4] = [
    &WEB_READ_TOKEN,
    &WEB_READ_TOKEN_FILE,
    &WEB_READ_TOKEN_ENV,
    &WEB_READ_TOKEN_CREDENTIAL,
];

impl Check<'_> {
    pub(super) fn web(&mut self, row: &Row<'_>) {
        let listen = self.listen(row);
        let token = self.token(row, TOKEN);
        let read_token = self.token(row, READ_TOKEN);
        let beyond = listen.iter().find(|it| it.is_beyond_this_host());
        let has_token = TOKEN.iter().any(|key| row.has(key));
        if let Some(beyond) = beyond.filter(|_| !has_token) {
            let at = row.span(&WEB_LISTEN).start;
            let message = format!(
                "{}: listen has {}, which others can reach, but there is no token",
                row.label,
                quoted(&beyond.to_string())
            );
            let hint = "set token_file (`openssl rand -hex 32` makes a token), or listen on \
                        127.0.0.1";
            self.faults
                .absent(Fault::error(at, WEB_TOKEN.key, message).hint(hint));
        }
        // One that comes from elsewhere is compared when it is there.
        if Web::is_same_token(token.as_ref(), read_token.as_ref()) {
            let at = row.span(&WEB_READ_TOKEN).start;
            let message = format!("{}: {SAME_TOKEN}", row.label);
            self.faults
                .push(Fault::error(at, WEB_READ_TOKEN.key, message).hint(SAME_TOKEN_HINT));
        }
        let hosts = row.texts(&WEB_HOSTS).unwrap_or_default();
        let policies = [MetricsFor::Token, MetricsFor::Everybody, MetricsFor::Nobody];
        self.web = Some(Web {
            listen,
            token,
            read_token,
            hosts: hosts
                .iter()
                .map(|host| host.trim_end_matches('.').to_ascii_lowercase().into())
                .collect(),
            metrics: row.word(&WEB_METRICS, &policies),
            account_metrics: row.flag(&WEB_ACCOUNT_METRICS),
        });
    }

    fn listen(&mut self, row: &Row<'_>) -> Vec<Listen> {
        let Some(texts) = row.texts(&WEB_LISTEN) else {
            return vec![Listen::usual()];
        };
        let at = row.span(&WEB_LISTEN).start;
        let mut seen = BTreeSet::new();
        let mut listen = Vec::with_capacity(texts.len());
        for text in texts {
            let Ok(one) = parse_listen(text) else {
                continue;
            };
            // Port 0 is another port each time.
            let is_new =
                matches!(one, Listen::Tcp(it) if it.port() == 0) || seen.insert(one.clone());
            if !is_new {
                let message = format!("{}: listen has {} twice", row.label, quoted(text));
                self.faults.push(Fault::error(at, WEB_LISTEN.key, message));
            }
            listen.push(one);
        }
        if texts.is_empty() {
            let message = format!("{}: listen is an empty list", row.label);
            let fault = Fault::error(at, WEB_LISTEN.key, message);
            self.faults
                .push(fault.hint("leave [web] out for no web server"));
        }
        listen
    }

    fn token(&mut self, row: &Row<'_>, keys: [&'static Opt; 4]) -> Option<Sourced> {
        let (secret, source, first) = self.secret(row, keys);
        first?;
        Some(Sourced { secret, source })
    }
}

impl Web {
    /// Whether one token would let in both who may look and who may act.
    pub(in crate::config) fn is_same_token(act: Option<&Sourced>, look: Option<&Sourced>) -> bool {
        let both = act.zip(look);
        both.is_some_and(|(act, look)| !act.secret.is_empty() && act.secret == look.secret)
    }
}

/// What is wrong then.
pub(in crate::config) const SAME_TOKEN: &str =
    "read_token is the same as token, so that whoever may look may act";

/// What to do about it.
pub(in crate::config) const SAME_TOKEN_HINT: &str =
    "`openssl rand -hex 32` makes another one; leave read_token out if nobody is to look only";

impl Listen {
    /// Where the web server is unless it is said.
    pub(in crate::config) fn usual() -> Self {
        Self::Tcp(SocketAddr::from(([127, 0, 0, 1], 8_060)))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::{Listen, MetricsFor, SecretFault, Web, load};
    use crate::secret::Secret;

    /// The table with these lines, or all that is wrong.
    fn read(lines: &str) -> Result<Web, String> {
        let minimal = include_str!("../../../conf/minimal.toml");
        let text = format!("{minimal}\n[web]\n{lines}\n");
        let read = |_: &_| Ok::<_, SecretFault>(Secret::new("fetched-fetched-fetched"));
        let loaded = load("t", &text).with_secrets(&text, read);
        let said = loaded.diagnostics.to_string();
        loaded.config.and_then(|config| config.web).ok_or(said)
    }

    // rule T4
    #[test]
    fn an_empty_table_listens_on_this_host_only() {
        let web = read("").unwrap();
        assert_eq!(web.listen, [Listen::Tcp(([127, 0, 0, 1], 8060).into())]);
        assert!(web.token.is_none() && web.read_token.is_none());
        assert_eq!(web.metrics, MetricsFor::Token);
        assert!(!web.account_metrics);
    }

    // rule T4
    #[test]
    fn beyond_this_host_it_needs_a_token() {
        for beyond in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80", "[2001:db8::1]:80"] {
            let said = read(&format!("listen = [\"127.0.0.1:80\", \"{beyond}\"]")).unwrap_err();
            assert!(said.contains("which others can reach"), "{said}");
            assert!(said.contains(beyond), "{said}");
            let read_only = format!("listen = [\"{beyond}\"]\nread_token = \"0123456789abcdef\"");
            assert!(read(&read_only).is_err());
            let web = read(&format!("listen = [\"{beyond}\"]\ntoken_file = \"f\"")).unwrap();
            assert_eq!(
                web.token.unwrap().secret.reveal(),
                "fetched-fetched-fetched"
            );
        }
        for near in ["127.8.0.1:0", "[::1]:80", "unix:/run/regent/web.sock"] {
            assert!(read(&format!("listen = [\"{near}\"]")).is_ok(), "{near}");
        }
    }

    // rule T4
    #[test]
    fn what_is_wrong_is_said() {
        for (lines, wanted) in [
            ("listen = \"127.0.0.1:80\"", "must be a list of texts"),
            ("listen = []", "listen is an empty list"),
            (
                "listen = [\"localhost:80\"]",
                "\"localhost:80\", which is no address",
            ),
            (
                "listen = [\"127.0.0.1\"]",
                "\"127.0.0.1\", which is no address",
            ),
            ("listen = [\"unix:web.sock\"]", "which is no absolute path"),
            ("listen = [\"127.0.0.1:80\", \"127.0.0.1:80\"]", "twice"),
            (
                "token = \"short\"",
                "has 5 characters, but at least 16 are needed",
            ),
            ("token = \"0123456789 abcdef\"", "has a character"),
            (
                "token = \"0123456789abcdef\"\ntoken_file = \"f\"",
                "web: token_file beside token",
            ),
            (
                "token = \"0123456789abcdef\"\nread_token = \"0123456789abcdef\"",
                "web: read_token is the same as token",
            ),
            (
                "token = \"fetched-fetched-fetched\"\nread_token_env = \"A\"",
                "web: read_token is the same as token",
            ),
            (
                "token_file = \"f\"\nread_token = \"fetched-fetched-fetched\"",
                "web: read_token is the same as token",
            ),
            (
                "token_file = \"f\"\nread_token_credential = \"c\"",
                "web: read_token is the same as token",
            ),
            ("hosts = [\"a:80\"]", "hosts"),
            ("metrics = \"on\"", "none of its words"),
        ] {
            let said = read(lines).unwrap_err();
            assert!(said.contains(wanted), "{lines}: {said}");
            assert!(!said.contains("short"), "{said}");
        }
        let long = format!("listen = [\"unix:/{}\"]", "a".repeat(107));
        assert!(read(&long).unwrap_err().contains("at most 107"), "{long}");
    }

    // rule A3
    #[test]
    fn tokens_from_elsewhere_are_judged_too() {
        let minimal = include_str!("../../../conf/minimal.toml");
        let text = format!("{minimal}\n[web]\ntoken_env = \"A\"\nread_token_file = \"b\"\n");
        let read = |source: &crate::config::SecretSource| {
            let is_file = matches!(source, crate::config::SecretSource::File(..));
            let text = if is_file {
                "looking-looking-looking"
            } else {
                "short"
            };
            Ok::<_, SecretFault>(Secret::new(text))
        };
        let said = load("t", &text)
            .with_secrets(&text, read)
            .diagnostics
            .to_string();
        assert!(
            said.contains("web: the token in the variable \"A\" has 5 characters"),
            "{said}"
        );
        assert!(!said.contains("read_token"), "{said}");
    }
}
