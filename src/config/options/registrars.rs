//! The options of `[registration]` that are about registrars: which one, when it is left, what is
//! removed there.

use super::{Fallback, Kind, Opt, Source, Table, Unit, Word, whole, word};
use crate::config::Codes;

pub(in crate::config) static HOT_SWAP_TRANSMISSIONS: Opt = Opt {
    table: Table::Registration,
    key: "hot_swap_transmissions",
    kind: whole(1, 30, Unit::Plain),
    fallback: Fallback::Whole(3),
    example: "3",
    cli: "hot-swap-rtx",
    ini: &["HotSwapRtx"],
    source: Source::Reference,
    rules: "P7, S7, X1",
    doc: "A REGISTER that may go to another registrar at once is sent so often, the first send \
          included, before it does. It is so in a Proxy Set with hot_swap, and for Accounts with \
          registrar_search_mode \"ims\".",
};

pub(in crate::config) static FAILOVER_CODES: Opt = Opt {
    table: Table::Registration,
    key: "failover_codes",
    kind: Kind::Codes {
        most: CODES,
        classes: true,
    },
    fallback: Fallback::Codes(&[Codes::One(408), Codes::Class(5)]),
    example: "[408, \"5xx\"]",
    cli: "failover-codes",
    ini: &[],
    source: Source::Rule,
    rules: "P7",
    doc: "Answers to a REGISTER that send it to the next registrar at once, in a Proxy Set with \
          hot_swap.",
};

pub(in crate::config) static ACCOUNT_REGISTRAR_AVOIDANCE_SECS: Opt = Opt {
    table: Table::Registration,
    key: "account_registrar_avoidance_secs",
    kind: whole(0, 2_000_000, Unit::Seconds),
    fallback: Fallback::Whole(180),
    example: "180",
    cli: "account-registrar-avoidance-time",
    ini: &["AccountRegistrarAvoidanceTime"],
    source: Source::Reference,
    rules: "S8, S9",
    doc: "With registrar_search_mode \"avoid-previous-registrar-until-expiry\": a registrar that an \
          Account has left is avoided until the expiry that it granted last is over, and this long \
          after.",
};

pub(in crate::config) static ACCOUNT_INVITE_FAILURE_TRIGGER_CODES: Opt = Opt {
    table: Table::Registration,
    key: "account_invite_failure_trigger_codes",
    kind: Kind::Codes {
        most: CODES,
        classes: true,
    },
    fallback: Fallback::Codes(&[Codes::One(403), Codes::One(408), Codes::One(480)]),
    example: "[403, 408, 480]",
    cli: "account-invite-failure-trigger-codes",
    ini: &["AccountInviteFailureTriggerCodes"],
    source: Source::Reference,
    rules: "S11",
    doc: "Answers to an INVITE after which an Account with re_register_on_invite_failure registers \
          anew. An INVITE without an answer counts as 408.",
};

pub(in crate::config) static INVITE_TRIGGER_MIN_SECS: Opt = Opt {
    table: Table::Registration,
    key: "invite_trigger_min_secs",
    kind: whole(0, 3_600, Unit::Seconds),
    fallback: Fallback::Whole(10),
    example: "10",
    cli: "invite-trigger-min",
    ini: &[],
    source: Source::Rule,
    rules: "S7, S11",
    doc: "An INVITE makes an Account register anew no sooner than this after the one before did.",
};

static MOVES: [Word; 3] = [
    word(
        "by-mode",
        "by-mode",
        None,
        "as registrar_stickiness and registrar_search_mode say",
    ),
    word("at-once", "at-once", None, "when that is seen"),
    word(
        "next-register",
        "next-register",
        None,
        "with the next REGISTER that is due",
    ),
];

pub(in crate::config) static MOVE_WHEN_REGISTRAR_LOST: Opt = Opt {
    table: Table::Registration,
    key: "move_when_registrar_lost",
    kind: Kind::Words(&MOVES),
    fallback: Fallback::Word("by-mode"),
    example: "\"by-mode\"",
    cli: "move-when-registrar-lost",
    ini: &[],
    source: Source::Rule,
    rules: "S14",
    doc: "When an Account leaves the registrar that it is bound to because keep-alive finds that \
          one offline.",
};

pub(in crate::config) static USE_RANDOM_USER: Opt = Opt {
    table: Table::Registration,
    key: "use_random_user",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "use-random-user",
    ini: &["UseRandomUser"],
    source: Source::Reference,
    rules: "I6",
    doc: "Whether the user of the Contact is random: letters and digits, another one with each new \
          registration. Accounts with register \"gin\" have no such user and are left alone.",
};

pub(in crate::config) static UNREGISTER_ON_STARTUP: Opt = Opt {
    table: Table::Registration,
    key: "unregister_on_startup",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "unregister-on-startup",
    ini: &["UnregisterOnStartup"],
    source: Source::Reference,
    rules: "I9",
    doc: "Whether the daemon, when it starts, first removes every Contact of each \
          address-of-record, and registers a second later.",
};

static SYNC_MODES: [Word; 3] = [
    word("disable", "disable", Some(0), "each tries for itself"),
    word(
        "enable",
        "enable",
        Some(1),
        "they wait after silence, a transport error, 408 and 5xx",
    ),
    word(
        "any-failure",
        "any-failure",
        None,
        "they wait after a rejection too",
    ),
];

pub(in crate::config) static REGISTRATION_SYNC_MODE: Opt = Opt {
    table: Table::Registration,
    key: "registration_sync_mode",
    kind: Kind::Words(&SYNC_MODES),
    fallback: Fallback::Word("disable"),
    example: "\"disable\"",
    cli: "registration-sync-mode",
    ini: &["RegistrationSyncMode"],
    source: Source::Reference,
    rules: "S12",
    doc: "Whether, when one Account fails, the others of its serving group wait until that one is \
          answered again.",
};

pub(in crate::config) static RE_REGISTER_ON_CONNECTION_FAILURE: Opt = Opt {
    table: Table::Registration,
    key: "re_register_on_connection_failure",
    kind: Kind::Flag,
    fallback: Fallback::Flag(true),
    example: "true",
    cli: "reg-on-conn-failure",
    ini: &["ReRegisterOnConnectionFailure"],
    source: Source::Reference,
    rules: "N2",
    doc: "Whether an Account registers anew when the connection that carried its binding is lost. \
          There are no connections over UDP.",
};

pub(in crate::config) static DNS_REFRESH_SECS: Opt = Opt {
    table: Table::Registration,
    key: "dns_refresh_secs",
    kind: whole(5, 2_000_000, Unit::Seconds),
    fallback: Fallback::Whole(60),
    example: "60",
    cli: "proxy-ip-lst-rfrsh-time",
    ini: &["ProxyIPListRefreshTime"],
    source: Source::Reference,
    rules: "P2",
    doc: "Names of registrars are looked up again when their time to live is over, and no later \
          than this.",
};

pub(in crate::config) static LAGGED_MS: Opt = Opt {
    table: Table::Registration,
    key: "lagged_ms",
    kind: whole(1, 32_000, Unit::Milliseconds),
    fallback: Fallback::Whole(2_000),
    example: "2000",
    cli: "lagged",
    ini: &[],
    source: Source::Rule,
    rules: "P5",
    doc: "A registrar whose answer takes longer than this is shown as LAGGED.",
};

static PROBES_OF_UNKNOWN: [Word; 2] = [
    word("slow", "slow", None, "every ten minutes"),
    word("stop", "stop", None, "not at all"),
];

pub(in crate::config) static PROBE_UNKNOWN: Opt = Opt {
    table: Table::Registration,
    key: "probe_unknown",
    kind: Kind::Words(&PROBES_OF_UNKNOWN),
    fallback: Fallback::Word("slow"),
    example: "\"slow\"",
    cli: "probe-unknown",
    ini: &[],
    source: Source::Rule,
    rules: "P5",
    doc: "How a registrar is probed that has been unreachable for more than an hour. One that \
          holds a binding is probed as ever.",
};

/// The most codes that a list may have.
const CODES: usize = 32;
