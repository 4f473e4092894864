//! The options of `[agent]` and `[registration]`.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Unit, Word, text, whole, word};

// `[agent]`

pub(in crate::config) static USER_AGENT: Opt = Opt {
    table: Table::Agent,
    key: "user_agent",
    kind: text(100, Syntax::Free),
    fallback: Fallback::Computed("\"regent/VERSION\""),
    example: "\"regent/VERSION\"",
    cli: "user-agent-info",
    ini: &["UserAgentDisplayInfo"],
    source: Source::Reference,
    rules: "I5",
    doc: "The User-Agent header of every request.",
};

pub(in crate::config) static CONTROL_SOCKET: Opt = Opt {
    table: Table::Agent,
    key: "control_socket",
    kind: text(107, Syntax::Free),
    fallback: Fallback::Computed(
        "the first usable one of /run/regent/regent.sock, $XDG_RUNTIME_DIR/regent.sock and \
         /tmp/regent-UID/regent.sock",
    ),
    example: "\"/run/regent/regent.sock\"",
    cli: "control-socket",
    ini: &[],
    source: Source::Rule,
    rules: "G3",
    doc: "Path of the Unix socket on which `regent status` and the other commands reach the \
          daemon. The system allows 107 bytes.",
};

pub(in crate::config) static CONTROL_GROUP: Opt = Opt {
    table: Table::Agent,
    key: "control_group",
    kind: text(32, Syntax::Free),
    fallback: Fallback::Nothing("root and the daemon's own user only"),
    example: "\"voice\"",
    cli: "control-group",
    ini: &[],
    source: Source::Rule,
    rules: "G3",
    doc: "Members of this group of the system may use the control socket too.",
};

pub(in crate::config) static CORE_DUMPS: Opt = Opt {
    table: Table::Agent,
    key: "core_dumps",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "core-dumps",
    ini: &[],
    source: Source::Rule,
    rules: "G3",
    doc: "Whether the system may write the daemon's memory, with its passwords, to a file when it \
          crashes, and a debugger of the same user may look into it. It is read at the start.",
};

pub(in crate::config) static DNS_SERVERS: Opt = Opt {
    table: Table::Agent,
    key: "dns_servers",
    kind: Kind::Addresses { most: 8, port: 53 },
    fallback: Fallback::Nothing(
        "those of the system, and the names in /etc/hosts, both read at the start",
    ),
    example: "[\"192.0.2.53\", \"[2001:db8::53]:53\"]",
    cli: "dns-servers",
    ini: &[],
    source: Source::Rule,
    rules: "P1",
    doc: "The name servers that are asked for the addresses of registrars, instead of those in \
          /etc/resolv.conf.",
};

pub(in crate::config) static STATE_DIRECTORY: Opt = Opt {
    table: Table::Agent,
    key: "state_directory",
    kind: text(1_000, Syntax::Free),
    fallback: Fallback::Computed(
        "the first of $STATE_DIRECTORY, /var/lib/regent (for root, and for whoever can write \
         there), $XDG_STATE_HOME/regent and ~/.local/state/regent",
    ),
    example: "\"/var/lib/regent\"",
    cli: "state-directory",
    ini: &[],
    source: Source::Rule,
    rules: "L8",
    doc: "The directory in which a run leaves for the next one what that must know: bindings, \
          Call-IDs, CSeqs, ports, avoided registrars; and the history of events. One daemon at a \
          time uses it. It is made if it is missing, and its files are for the daemon's user \
          alone. \"none\" keeps nothing: then every binding is removed at the stop.",
};

static WHEN_STATE_FAILS_WORDS: [Word; 2] = [
    word(
        "refuse",
        "refuse",
        None,
        "the daemon does not start, and while it runs a REGISTER waits whose CSeq could not be \
         written",
    ),
    word(
        "continue",
        "continue",
        None,
        "the daemon goes on without, says so in its log and its status, and writes again when it \
         can; after a crash a registrar may then refuse a CSeq that it has seen",
    ),
];

pub(in crate::config) static WHEN_STATE_FAILS: Opt = Opt {
    table: Table::Agent,
    key: "when_state_fails",
    kind: Kind::Words(&WHEN_STATE_FAILS_WORDS),
    fallback: Fallback::Word("refuse"),
    example: "\"refuse\"",
    cli: "when-state-fails",
    ini: &[],
    source: Source::Rule,
    rules: "L8",
    doc: "What happens when the state cannot be opened or written: a full disk, a directory that \
          cannot be written, a damaged file.",
};

pub(in crate::config) static HISTORY_DAYS: Opt = Opt {
    table: Table::Agent,
    key: "history_days",
    kind: whole(1, 3_650, Unit::Plain),
    fallback: Fallback::Whole(30),
    example: "30",
    cli: "history-days",
    ini: &[],
    source: Source::Rule,
    rules: "L8",
    doc: "`regent events` tells of so many days; older events are removed.",
};

pub(in crate::config) static HISTORY_MAX_EVENTS: Opt = Opt {
    table: Table::Agent,
    key: "history_max_events",
    kind: whole(0, 100_000_000, Unit::Plain),
    fallback: Fallback::Whole(500_000),
    example: "500000",
    cli: "history-max-events",
    ini: &[],
    source: Source::Rule,
    rules: "L8",
    doc: "At most so many events are kept, the newest; one takes some 200 bytes of disk. 0 keeps \
          none.",
};

pub(in crate::config) static MAX_ACCOUNTS: Opt = Opt {
    table: Table::Agent,
    key: "max_accounts",
    kind: whole(1, 1_000_000, Unit::Plain),
    fallback: Fallback::Whole(102),
    example: "102",
    cli: "max-accounts",
    ini: &[],
    source: Source::Reference,
    rules: "G1",
    doc: "More Accounts than this are a fault. It guards against accidents, not against load: \
          raise it freely.",
};

pub(in crate::config) static MAX_ACCOUNTS_PER_SERVED_IP_GROUP: Opt = Opt {
    table: Table::Agent,
    key: "max_accounts_per_served_ip_group",
    kind: whole(1, 1_000_000, Unit::Plain),
    fallback: Fallback::Whole(30),
    example: "30",
    cli: "max-accounts-per-served-ip-group",
    ini: &[],
    source: Source::Reference,
    rules: "G1",
    doc: "More Accounts than this with the same served group are a fault.",
};

pub(in crate::config) static TRACE_MEMORY_MIB: Opt = Opt {
    table: Table::Agent,
    key: "trace_memory_mib",
    kind: whole(0, 4_096, Unit::Mebibytes),
    fallback: Fallback::Whole(16),
    example: "16",
    cli: "trace-memory",
    ini: &[],
    source: Source::Rule,
    rules: "G3",
    doc: "So much memory holds the last SIP messages for `regent trace`, the oldest going first; it is \
          taken as it is needed. 0 keeps none.",
};

pub(in crate::config) static HEP_SERVER: Opt = Opt {
    table: Table::Agent,
    key: "hep_server",
    kind: text(260, Syntax::HostPort),
    fallback: Fallback::Nothing("no capture server"),
    example: "\"homer.example:9060\"",
    cli: "hep-server",
    ini: &[],
    source: Source::Rule,
    rules: "G3",
    doc: "A capture server to which every SIP message is reported, without credentials, by HEP version \
          3 over UDP. Without a port it is 9060. What cannot be sent is dropped and counted.",
};

pub(in crate::config) static HEP_CAPTURE_ID: Opt = Opt {
    table: Table::Agent,
    key: "hep_capture_id",
    kind: whole(0, 4_294_967_295, Unit::Plain),
    fallback: Fallback::Whole(2_000),
    example: "2000",
    cli: "hep-capture-id",
    ini: &[],
    source: Source::Rule,
    rules: "G3",
    doc: "The number by which the capture server knows this agent.",
};

// `[registration]`

pub(in crate::config) static REGISTRATION_TIME_SECS: Opt = Opt {
    table: Table::Registration,
    key: "registration_time_secs",
    kind: whole(10, 2_000_000, Unit::Seconds),
    fallback: Fallback::Whole(180),
    example: "180",
    cli: "registration-time",
    ini: &["RegistrationTime"],
    source: Source::Reference,
    rules: "L1, L2, I3",
    doc: "The expiry that a REGISTER asks for. The registrar may grant less or more; what it \
          grants counts.",
};

pub(in crate::config) static REFRESH_PERCENT: Opt = Opt {
    table: Table::Registration,
    key: "refresh_percent",
    kind: whole(50, 100, Unit::Percent),
    fallback: Fallback::Whole(50),
    example: "50",
    cli: "re-registration-timing",
    ini: &["RegistrationTimeDivider"],
    source: Source::Reference,
    rules: "L1",
    doc: "A registration is refreshed after this share of the granted expiry, but no later than \
          half of it or 32 seconds before its end, whichever comes later.",
};

pub(in crate::config) static REFRESH_THRESHOLD_SECS: Opt = Opt {
    table: Table::Registration,
    key: "refresh_threshold_secs",
    kind: whole(0, 2_000_000, Unit::Seconds),
    fallback: Fallback::Whole(0),
    example: "0",
    cli: "registration-time-thres",
    ini: &["RegistrationTimeThreshold"],
    source: Source::Reference,
    rules: "L1",
    doc: "If it is above 0 and below the time that refresh_percent gives, the refresh is due this \
          long before the end of the granted expiry instead. 0 is off.",
};

pub(in crate::config) static REFRESH_SPREAD_PERCENT: Opt = Opt {
    table: Table::Registration,
    key: "refresh_spread_percent",
    kind: whole(0, 50, Unit::Percent),
    fallback: Fallback::Computed("0 up to 102 Accounts, 20 above"),
    example: "0",
    cli: "refresh-spread",
    ini: &[],
    source: Source::Rule,
    rules: "L9",
    doc: "Refreshes move earlier by up to this share of their wait, into the least loaded second, \
          so that a burst does not come back each time. 0 is off.",
};

pub(in crate::config) static REGISTRATION_RETRY_SECS: Opt = Opt {
    table: Table::Registration,
    key: "registration_retry_secs",
    kind: whole(10, 3_600, Unit::Seconds),
    fallback: Fallback::Whole(30),
    example: "30",
    cli: "registration-retry-time",
    ini: &["RegistrationRetryTime"],
    source: Source::Reference,
    rules: "L3",
    doc: "The wait after a failed attempt.",
};

pub(in crate::config) static MAX_REGISTRATION_BACKOFF_SECS: Opt = Opt {
    table: Table::Registration,
    key: "max_registration_backoff_secs",
    kind: whole(0, 3_000_000, Unit::Seconds),
    fallback: Fallback::Whole(0),
    example: "0",
    cli: "max-registration-backoff-time",
    ini: &["MaxRegistrationBackoffTime"],
    source: Source::Reference,
    rules: "L3",
    doc: "If it is above 0, the wait after a failed attempt doubles with each failure, up to this, \
          and is drawn between half of that and all of it. 0 is off: the wait stays the same.",
};

pub(in crate::config) static RETRY_JITTER_PERCENT: Opt = Opt {
    table: Table::Registration,
    key: "retry_jitter_percent",
    kind: whole(0, 100, Unit::Percent),
    fallback: Fallback::Whole(0),
    example: "0",
    cli: "retry-jitter",
    ini: &[],
    source: Source::Rule,
    rules: "L3",
    doc: "The wait after a failed attempt grows by a random part of up to this share.",
};

pub(in crate::config) static RETRY_AFTER_MAX_SECS: Opt = Opt {
    table: Table::Registration,
    key: "retry_after_max_secs",
    kind: whole(0, 2_000_000, Unit::Seconds),
    fallback: Fallback::Whole(3_600),
    example: "3600",
    cli: "retry-after-max",
    ini: &[],
    source: Source::Rule,
    rules: "L3",
    doc: "A registrar's Retry-After is obeyed up to this. 0 ignores it.",
};

pub(in crate::config) static CREDENTIALS_RETRY_SECS: Opt = Opt {
    table: Table::Registration,
    key: "credentials_retry_secs",
    kind: whole(10, 86_400, Unit::Seconds),
    fallback: Fallback::Whole(600),
    example: "600",
    cli: "credentials-retry-time",
    ini: &[],
    source: Source::Rule,
    rules: "L3",
    doc: "The wait after the registrar refused the credentials, doubled with each further refusal \
          up to a day, so that a wrong password does not lock the user out.",
};

static UNREGISTRATION_MODES: [Word; 2] = [
    word("own-contact", "disable", Some(0), "our own Contact only"),
    word(
        "all",
        "enable",
        Some(1),
        "every Contact of the address-of-record",
    ),
];

pub(in crate::config) static UNREGISTRATION_MODE: Opt = Opt {
    table: Table::Registration,
    key: "unregistration_mode",
    kind: Kind::Words(&UNREGISTRATION_MODES),
    fallback: Fallback::Word("own-contact"),
    example: "\"own-contact\"",
    cli: "expl-un-reg",
    ini: &["UnregistrationMode"],
    source: Source::Reference,
    rules: "I8",
    doc: "What an un-register removes at the registrar.",
};

static FOLLOW_REDIRECTS_WORDS: [Word; 3] = [
    word("no", "disable", None, "a 3xx is a rejection"),
    word("set", "set", None, "to addresses of the Proxy Set only"),
    word("any", "any", None, "to any address"),
];

pub(in crate::config) static FOLLOW_REDIRECTS: Opt = Opt {
    table: Table::Registration,
    key: "follow_redirects",
    kind: Kind::Words(&FOLLOW_REDIRECTS_WORDS),
    fallback: Fallback::Word("no"),
    example: "\"no\"",
    cli: "follow-redirects",
    ini: &[],
    source: Source::Rule,
    rules: "A",
    doc: "Whether a REGISTER is sent on to where a 3xx points, its Contacts in the order of their q, \
          at most 5 times in one attempt. Contacts must hold IP addresses: names are not resolved yet.",
};

pub(in crate::config) static UNREGISTER_ON_SHUTDOWN: Opt = Opt {
    table: Table::Registration,
    key: "unregister_on_shutdown",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "unregister-on-shutdown",
    ini: &[],
    source: Source::Rule,
    rules: "L7",
    doc: "Whether the daemon, when it stops, un-registers every Account, or leaves the bindings \
          for the next start to go on with. Without a state directory they are always removed.",
};

static ALGORITHMS: [Word; 6] = [
    word("md5", "md5", None, "anything that is supported"),
    word("md5-sess", "md5-sess", None, "MD5-sess and stronger"),
    word("sha-256", "sha-256", None, "SHA-256 and stronger"),
    word(
        "sha-256-sess",
        "sha-256-sess",
        None,
        "SHA-256-sess and stronger",
    ),
    word(
        "sha-512-256",
        "sha-512-256",
        None,
        "SHA-512-256 and its session form",
    ),
    word(
        "sha-512-256-sess",
        "sha-512-256-sess",
        None,
        "only the session form of SHA-512-256",
    ),
];

pub(in crate::config) static MINIMUM_ALGORITHM: Opt = Opt {
    table: Table::Registration,
    key: "minimum_algorithm",
    kind: Kind::Words(&ALGORITHMS),
    fallback: Fallback::Word("md5"),
    example: "\"md5\"",
    cli: "minimum-algorithm",
    ini: &[],
    source: Source::Rule,
    rules: "A1",
    doc: "The weakest digest algorithm that is answered. A challenge that offers only weaker ones \
          is refused.",
};

pub(in crate::config) static SIP_T1_MS: Opt = Opt {
    table: Table::Registration,
    key: "sip_t1_ms",
    kind: whole(100, 4_000, Unit::Milliseconds),
    fallback: Fallback::Whole(500),
    example: "500",
    cli: "t1-re-tx-time",
    ini: &["SipT1Rtx"],
    source: Source::Reference,
    rules: "X1",
    doc: "T1 of RFC 3261: the first interval between two sends of a request over UDP; it doubles \
          with each. A request fails after 64 times T1.",
};

pub(in crate::config) static SIP_T2_MS: Opt = Opt {
    table: Table::Registration,
    key: "sip_t2_ms",
    kind: whole(1_000, 10_000, Unit::Milliseconds),
    fallback: Fallback::Whole(4_000),
    example: "4000",
    cli: "t2-re-tx-time",
    ini: &["SipT2Rtx"],
    source: Source::Reference,
    rules: "X1",
    doc: "T2 of RFC 3261: the interval between two sends grows no further than this.",
};

pub(in crate::config) static SIP_MAX_RTX: Opt = Opt {
    table: Table::Registration,
    key: "sip_max_rtx",
    kind: whole(1, 30, Unit::Plain),
    fallback: Fallback::Whole(11),
    example: "11",
    cli: "sip-max-rtx",
    ini: &["SIPMaxRtx"],
    source: Source::Reference,
    rules: "X1",
    doc: "At most so many sends of one request over UDP, the first included. With fewer than 11 \
          the request fails when the next send would have been due.",
};
