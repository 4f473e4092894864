//! The options of `[mail]` and `[[alert]]`.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Unit, Word, text, whole, word};

// `[mail]`

pub(in crate::config) static MAIL_SERVER: Opt = Opt {
    table: Table::Mail,
    key: "server",
    kind: text(253, Syntax::Host),
    fallback: Fallback::Required,
    example: "\"mail.example.net\"",
    cli: "server",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "The mail server that takes the mails of alerts.",
};

pub(in crate::config) static MAIL_ENCRYPTION: Opt = Opt {
    table: Table::Mail,
    key: "encryption",
    kind: Kind::Words(&ENCRYPTIONS),
    fallback: Fallback::Word("starttls"),
    example: "\"starttls\"",
    cli: "encryption",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "How the connection to the server is protected.",
};

static ENCRYPTIONS: [Word; 3] = [
    word(
        "starttls",
        "starttls",
        None,
        "it begins in the clear; nothing is sent when the server does not go on under TLS",
    ),
    word("tls", "tls", None, "TLS from the first byte"),
    word("none", "none", None, "not at all"),
];

pub(in crate::config) static MAIL_PORT: Opt = Opt {
    table: Table::Mail,
    key: "port",
    kind: whole(1, 65_535, Unit::Plain),
    fallback: Fallback::Computed(
        "587 with encryption \"starttls\", 465 with \"tls\", 25 with \"none\"",
    ),
    example: "587",
    cli: "port",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Port of the server.",
};

pub(in crate::config) static MAIL_FROM: Opt = Opt {
    table: Table::Mail,
    key: "from",
    kind: text(254, Syntax::Email),
    fallback: Fallback::Required,
    example: "\"regent@example.net\"",
    cli: "from",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "The sender of the mails.",
};

pub(in crate::config) static MAIL_USER_NAME: Opt = Opt {
    table: Table::Mail,
    key: "user_name",
    kind: text(254, Syntax::Free),
    fallback: Fallback::Nothing("nobody logs in at the server"),
    example: "\"regent\"",
    cli: "user-name",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "User that logs in at the server.",
};

pub(in crate::config) static MAIL_PASSWORD: Opt = Opt {
    table: Table::Mail,
    key: "password",
    kind: text(LONGEST_SECRET, Syntax::Secret),
    fallback: Fallback::Nothing("the empty password"),
    example: "\"change-me\"",
    cli: "password",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Password of that user. Where others may read this file, use one of the next three instead.",
};

pub(in crate::config) static MAIL_PASSWORD_FILE: Opt = Opt {
    table: Table::Mail,
    key: "password_file",
    kind: text(4_096, Syntax::Free),
    fallback: Fallback::Nothing("see password"),
    example: "\"mail.secret\"",
    cli: "password-file",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Instead of password: a file whose first line is the password. A relative path starts at \
          this file's folder. It must not be readable by everybody.",
};

pub(in crate::config) static MAIL_PASSWORD_ENV: Opt = Opt {
    table: Table::Mail,
    key: "password_env",
    kind: text(256, Syntax::Variable),
    fallback: Fallback::Nothing("see password"),
    example: "\"MAIL_PASSWORD\"",
    cli: "password-env",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Instead of password: an environment variable of the daemon that holds it.",
};

pub(in crate::config) static MAIL_PASSWORD_CREDENTIAL: Opt = Opt {
    table: Table::Mail,
    key: "password_credential",
    kind: text(255, Syntax::Credential),
    fallback: Fallback::Nothing("see password"),
    example: "\"mail.secret\"",
    cli: "password-credential",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Instead of password: a credential of systemd, which the unit names in LoadCredential= or \
          LoadCredentialEncrypted=. Its first line is the password.",
};

// `[[alert]]`

/// The longest password of a mail server, and the longest secret of a webhook.
pub(in crate::config) const LONGEST_SECRET: usize = 256;

pub(in crate::config) static ALERT_NAME: Opt = Opt {
    table: Table::Alert,
    key: "name",
    kind: text(40, Syntax::Free),
    fallback: Fallback::Required,
    example: "\"operations\"",
    cli: "name",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Unique name.",
};

pub(in crate::config) static ALERT_ACCOUNTS: Opt = Opt {
    table: Table::Alert,
    key: "accounts",
    kind: Kind::Names(Table::Account),
    fallback: Fallback::Word("all"),
    example: "[\"main\"]",
    cli: "accounts",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "The Accounts that it is about.",
};

pub(in crate::config) static ALERT_EMAIL: Opt = Opt {
    table: Table::Alert,
    key: "email",
    kind: text(254, Syntax::Email),
    fallback: Fallback::Nothing("no mail; it needs a webhook then"),
    example: "\"operations@example.net\"",
    cli: "email",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Address that mails are sent to, by the server in [mail].",
};

pub(in crate::config) static ALERT_WEBHOOK: Opt = Opt {
    table: Table::Alert,
    key: "webhook",
    kind: text(2_048, Syntax::Url),
    fallback: Fallback::Nothing("no request; it needs an email then"),
    example: "\"https://hooks.example.net/regent\"",
    cli: "webhook",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Address that a notice is sent to as JSON, by POST: http or https.",
};

pub(in crate::config) static ALERT_WEBHOOK_SECRET: Opt = Opt {
    table: Table::Alert,
    key: "webhook_secret",
    kind: text(LONGEST_SECRET, Syntax::Secret),
    fallback: Fallback::Nothing("requests are not signed"),
    example: "\"change-me\"",
    cli: "webhook-secret",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "What requests to the webhook are signed with, so that their receiver knows whom they \
          come from. Where others may read this file, use one of the next three instead.",
};

pub(in crate::config) static ALERT_WEBHOOK_SECRET_FILE: Opt = Opt {
    table: Table::Alert,
    key: "webhook_secret_file",
    kind: text(4_096, Syntax::Free),
    fallback: Fallback::Nothing("see webhook_secret"),
    example: "\"webhook.secret\"",
    cli: "webhook-secret-file",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Instead of webhook_secret: a file whose first line is the secret. A relative path starts \
          at this file's folder. It must not be readable by everybody.",
};

pub(in crate::config) static ALERT_WEBHOOK_SECRET_ENV: Opt = Opt {
    table: Table::Alert,
    key: "webhook_secret_env",
    kind: text(256, Syntax::Variable),
    fallback: Fallback::Nothing("see webhook_secret"),
    example: "\"WEBHOOK_SECRET\"",
    cli: "webhook-secret-env",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Instead of webhook_secret: an environment variable of the daemon that holds it.",
};

pub(in crate::config) static ALERT_WEBHOOK_SECRET_CREDENTIAL: Opt = Opt {
    table: Table::Alert,
    key: "webhook_secret_credential",
    kind: text(255, Syntax::Credential),
    fallback: Fallback::Nothing("see webhook_secret"),
    example: "\"webhook.secret\"",
    cli: "webhook-secret-credential",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Instead of webhook_secret: a credential of systemd, which the unit names in LoadCredential= or \
          LoadCredentialEncrypted=. Its first line is the secret.",
};

pub(in crate::config) static ALERT_SEND_RESOLUTION: Opt = Opt {
    table: Table::Alert,
    key: "send_resolution",
    kind: Kind::Flag,
    fallback: Fallback::Flag(true),
    example: "true",
    cli: "send-resolution",
    ini: &[],
    source: Source::Rule,
    rules: "T3",
    doc: "Whether a notice follows when an Account is registered again.",
};

pub(in crate::config) static ALERT_SEND_TIMEOUT: Opt = Opt {
    table: Table::Alert,
    key: "send_timeout",
    kind: Kind::Flag,
    fallback: Fallback::Flag(true),
    example: "true",
    cli: "send-timeout",
    ini: &[],
    source: Source::Rule,
    rules: "T2, T3",
    doc: "Whether a notice follows when an Account was not registered again within time_limit.",
};

static TIME_LIMITS: [Word; 5] = [
    word("1h", "1h", None, "an hour"),
    word("2h", "2h", None, "two hours"),
    word("6h", "6h", None, "six hours"),
    word("12h", "12h", None, "half a day"),
    word("24h", "24h", None, "a day"),
];

pub(in crate::config) static ALERT_TIME_LIMIT: Opt = Opt {
    table: Table::Alert,
    key: "time_limit",
    kind: Kind::Words(&TIME_LIMITS),
    fallback: Fallback::Word("24h"),
    example: "\"24h\"",
    cli: "time-limit",
    ini: &[],
    source: Source::Rule,
    rules: "T2, T3",
    doc: "How long an alert is watched. After that it is no longer listed, and no resolution \
          follows.",
};
