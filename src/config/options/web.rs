//! The options of `[web]`.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Word, text, word};

const fn option(key: &'static str, cli: &'static str, kind: Kind) -> Opt {
    Opt {
        table: Table::Web,
        key,
        kind,
        fallback: Fallback::Nothing(""),
        example: "",
        cli,
        ini: &[],
        source: Source::Rule,
        rules: "T4",
        doc: "",
    }
}

pub(in crate::config) static WEB_LISTEN: Opt = Opt {
    fallback: Fallback::Computed("[\"127.0.0.1:8060\"]"),
    example: "[\"127.0.0.1:8060\", \"[::1]:8060\", \"unix:/run/regent/web.sock\"]",
    doc: "Where browsers and programs find it: IP addresses with ports, of which 0 lets the system \
          choose one (`regent web` says which), and \"unix:PATH\", an absolute path, for a socket \
          that its file's permissions guard and that takes no token. Beyond this host it needs a \
          token, and a reverse proxy that speaks TLS before it.",
    ..option(
        "listen",
        "listen",
        Kind::Texts {
            most: 16,
            syntax: Syntax::Listen,
        },
    )
};

pub(in crate::config) static WEB_TOKEN: Opt = Opt {
    fallback: Fallback::Nothing(
        "a random one for each run, which `regent web` lets the operator in with; only where all \
         addresses are of this host",
    ),
    example: "\"change-me-change-me\"",
    doc: "Who has it may see all and act. Where others may read this file, use one of the next \
          three instead.",
    ..option("token", "token", text(LONGEST_TOKEN, Syntax::Token))
};

pub(in crate::config) static WEB_TOKEN_FILE: Opt = Opt {
    fallback: Fallback::Nothing("see token"),
    example: "\"web.token\"",
    doc: "Instead of token: a file whose first line is the token. A relative path starts at this \
          file's folder. It must not be readable by everybody.",
    ..option("token_file", "token-file", text(4_096, Syntax::Free))
};

pub(in crate::config) static WEB_TOKEN_ENV: Opt = Opt {
    fallback: Fallback::Nothing("see token"),
    example: "\"REGENT_WEB_TOKEN\"",
    doc: "Instead of token: an environment variable of the daemon that holds it.",
    ..option("token_env", "token-env", text(256, Syntax::Variable))
};

pub(in crate::config) static WEB_TOKEN_CREDENTIAL: Opt = Opt {
    fallback: Fallback::Nothing("see token"),
    example: "\"web.token\"",
    doc: "Instead of token: a credential of systemd, which the unit names in LoadCredential= or \
          LoadCredentialEncrypted=. Its first line is the token.",
    ..option(
        "token_credential",
        "token-credential",
        text(255, Syntax::Credential),
    )
};

pub(in crate::config) static WEB_READ_TOKEN: Opt = Opt {
    fallback: Fallback::Nothing("nobody may look who may not act"),
    example: "\"look-but-do-not-touch\"",
    doc: "Who has it may see all, and not act. Where others may read this file, use one of the \
          next three instead.",
    ..option(
        "read_token",
        "read-token",
        text(LONGEST_TOKEN, Syntax::Token),
    )
};

pub(in crate::config) static WEB_READ_TOKEN_FILE: Opt = Opt {
    fallback: Fallback::Nothing("see read_token"),
    example: "\"web-read.token\"",
    doc: "Instead of read_token: a file whose first line is the token. A relative path starts at \
          this file's folder. It must not be readable by everybody.",
    ..option(
        "read_token_file",
        "read-token-file",
        text(4_096, Syntax::Free),
    )
};

pub(in crate::config) static WEB_READ_TOKEN_ENV: Opt = Opt {
    fallback: Fallback::Nothing("see read_token"),
    example: "\"REGENT_WEB_READ_TOKEN\"",
    doc: "Instead of read_token: an environment variable of the daemon that holds it.",
    ..option(
        "read_token_env",
        "read-token-env",
        text(256, Syntax::Variable),
    )
};

pub(in crate::config) static WEB_READ_TOKEN_CREDENTIAL: Opt = Opt {
    fallback: Fallback::Nothing("see read_token"),
    example: "\"web-read.token\"",
    doc: "Instead of read_token: a credential of systemd, which the unit names in LoadCredential= \
          or LoadCredentialEncrypted=. Its first line is the token.",
    ..option(
        "read_token_credential",
        "read-token-credential",
        text(255, Syntax::Credential),
    )
};

pub(in crate::config) static WEB_HOSTS: Opt = Opt {
    fallback: Fallback::Nothing("localhost and IP addresses only"),
    example: "[\"regent.example.net\"]",
    doc: "Names by which it may be asked beside localhost and IP addresses, as the browser's \
          address bar has them, without a port. Requests for other names are refused, so that a \
          foreign page cannot reach it by a name of its own (DNS rebinding).",
    ..option(
        "hosts",
        "hosts",
        Kind::Texts {
            most: 16,
            syntax: Syntax::Host,
        },
    )
};

static METRICS: [Word; 3] = [
    word("token", "token", None, "to whoever has a token"),
    word("open", "open", None, "to everybody who reaches it"),
    word("off", "off", None, "to nobody"),
];

pub(in crate::config) static WEB_METRICS: Opt = Opt {
    fallback: Fallback::Word("token"),
    example: "\"token\"",
    doc: "To whom /metrics, which Prometheus reads, is told.",
    ..option("metrics", "metrics", Kind::Words(&METRICS))
};

pub(in crate::config) static WEB_ACCOUNT_METRICS: Opt = Opt {
    fallback: Fallback::Flag(false),
    example: "false",
    doc: "Whether /metrics has series for each single Account too. With thousands of Accounts \
          they are a burden for Prometheus.",
    ..option("account_metrics", "account-metrics", Kind::Flag)
};

/// The longest token; the shortest is [`SHORTEST_TOKEN`].
pub(in crate::config) const LONGEST_TOKEN: usize = 256;

/// A shorter one could be guessed.
pub const SHORTEST_TOKEN: usize = 16;
