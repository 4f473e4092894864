//! The one table of options: what exists, how it is called in each language, what it may hold.
//!
//! Reading and checking, the documented `conf/regent.toml` and completion follow it; import, export
//! and `configure` take their names from it. Whoever adds an option adds a row to [`OPTIONS`] and
//! reads it in `check`; nothing else names an option.

mod account;
mod alert;
mod global;
mod party;
mod registrars;
mod set;
mod web;

use std::fmt;

pub(super) use account::*;
pub(super) use alert::*;
pub(super) use global::*;
pub(super) use party::*;
pub(super) use registrars::*;
pub(super) use set::*;
pub use web::SHORTEST_TOKEN;
pub(super) use web::*;

use super::Codes;

/// Every option, in the order of the documentation.
pub static OPTIONS: &[&Opt] = &[
    &USER_AGENT,
    &CONTROL_SOCKET,
    &CONTROL_GROUP,
    &CORE_DUMPS,
    &DNS_SERVERS,
    &STATE_DIRECTORY,
    &WHEN_STATE_FAILS,
    &HISTORY_DAYS,
    &HISTORY_MAX_EVENTS,
    &MAX_ACCOUNTS,
    &MAX_ACCOUNTS_PER_SERVED_IP_GROUP,
    &TRACE_MEMORY_MIB,
    &HEP_SERVER,
    &HEP_CAPTURE_ID,
    &REGISTRATION_TIME_SECS,
    &REFRESH_PERCENT,
    &REFRESH_THRESHOLD_SECS,
    &REFRESH_SPREAD_PERCENT,
    &REGISTRATION_RETRY_SECS,
    &MAX_REGISTRATION_BACKOFF_SECS,
    &RETRY_JITTER_PERCENT,
    &RETRY_AFTER_MAX_SECS,
    &CREDENTIALS_RETRY_SECS,
    &UNREGISTRATION_MODE,
    &FOLLOW_REDIRECTS,
    &UNREGISTER_ON_SHUTDOWN,
    &MINIMUM_ALGORITHM,
    &SIP_T1_MS,
    &SIP_T2_MS,
    &SIP_MAX_RTX,
    &HOT_SWAP_TRANSMISSIONS,
    &FAILOVER_CODES,
    &ACCOUNT_REGISTRAR_AVOIDANCE_SECS,
    &ACCOUNT_INVITE_FAILURE_TRIGGER_CODES,
    &INVITE_TRIGGER_MIN_SECS,
    &MOVE_WHEN_REGISTRAR_LOST,
    &USE_RANDOM_USER,
    &UNREGISTER_ON_STARTUP,
    &REGISTRATION_SYNC_MODE,
    &RE_REGISTER_ON_CONNECTION_FAILURE,
    &DNS_REFRESH_SECS,
    &LAGGED_MS,
    &PROBE_UNKNOWN,
    &INTERFACE_NAME,
    &INTERFACE_ADDRESS,
    &INTERFACE_UDP_PORT,
    &INTERFACE_ADVERTISED_ADDRESS,
    &INTERFACE_ADDITIONAL_UDP_PORTS,
    &INTERFACE_ADDITIONAL_UDP_PORTS_MODE,
    &SET_NAME,
    &SET_SIP_INTERFACE,
    &SET_PROXY,
    &SET_KEEP_ALIVE,
    &SET_KEEP_ALIVE_SECS,
    &SET_KEEP_ALIVE_FAILURE_RESPONSES,
    &SET_KEEP_ALIVE_USER,
    &SET_SUCCESS_DETECTION_RETRIES,
    &SET_SUCCESS_DETECTION_INTERVAL_SECS,
    &SET_FAILURE_DETECTION_RETRANSMISSIONS,
    &SET_REDUNDANCY,
    &SET_HOT_SWAP,
    &SET_LOAD_BALANCING,
    &SET_MIN_ACTIVE_SERVERS,
    &SET_DNS_RESOLVE_METHOD,
    &PROXY_ADDRESS,
    &PROXY_TRANSPORT,
    &PROXY_PRIORITY,
    &PROXY_WEIGHT,
    &GROUP_NAME,
    &GROUP_PROXY_SET,
    &GROUP_SIP_GROUP_NAME,
    &GROUP_CONTACT_USER,
    &GROUP_AUTHENTICATION_MODE,
    &GROUP_USER_NAME_AS_CLIENT,
    &GROUP_PASSWORD_AS_CLIENT,
    &GROUP_PASSWORD_AS_CLIENT_FILE,
    &GROUP_PASSWORD_AS_CLIENT_ENV,
    &GROUP_PASSWORD_AS_CLIENT_CREDENTIAL,
    &ACCOUNT_INDEX,
    &ACCOUNT_NAME,
    &ACCOUNT_SERVED,
    &ACCOUNT_SERVING,
    &ACCOUNT_HOST_NAME,
    &ACCOUNT_CONTACT_USER,
    &ACCOUNT_USER_NAME,
    &ACCOUNT_PASSWORD,
    &ACCOUNT_PASSWORD_FILE,
    &ACCOUNT_PASSWORD_ENV,
    &ACCOUNT_PASSWORD_CREDENTIAL,
    &ACCOUNT_REGISTER,
    &ACCOUNT_STICKINESS,
    &ACCOUNT_SEARCH_MODE,
    &ACCOUNT_RE_REGISTER_ON_INVITE_FAILURE,
    &ACCOUNT_REG_EVENT,
    &ACCOUNT_BY_SERVED_STATUS,
    &ACCOUNT_UDP_PORT_ASSIGNMENT,
    &MAIL_SERVER,
    &MAIL_ENCRYPTION,
    &MAIL_PORT,
    &MAIL_FROM,
    &MAIL_USER_NAME,
    &MAIL_PASSWORD,
    &MAIL_PASSWORD_FILE,
    &MAIL_PASSWORD_ENV,
    &MAIL_PASSWORD_CREDENTIAL,
    &ALERT_NAME,
    &ALERT_ACCOUNTS,
    &ALERT_EMAIL,
    &ALERT_WEBHOOK,
    &ALERT_WEBHOOK_SECRET,
    &ALERT_WEBHOOK_SECRET_FILE,
    &ALERT_WEBHOOK_SECRET_ENV,
    &ALERT_WEBHOOK_SECRET_CREDENTIAL,
    &ALERT_SEND_RESOLUTION,
    &ALERT_SEND_TIMEOUT,
    &ALERT_TIME_LIMIT,
    &WEB_LISTEN,
    &WEB_TOKEN,
    &WEB_TOKEN_FILE,
    &WEB_TOKEN_ENV,
    &WEB_TOKEN_CREDENTIAL,
    &WEB_READ_TOKEN,
    &WEB_READ_TOKEN_FILE,
    &WEB_READ_TOKEN_ENV,
    &WEB_READ_TOKEN_CREDENTIAL,
    &WEB_HOSTS,
    &WEB_METRICS,
    &WEB_ACCOUNT_METRICS,
];

/// Where the options of each table begin among all; they stand together.
static STARTS: [usize; Table::COUNT + 1] = starts();

const fn starts() -> [usize; Table::COUNT + 1] {
    let mut starts = [0; Table::COUNT + 1];
    let mut at = 0;
    while at < OPTIONS.len() {
        at += 1;
        starts[OPTIONS[at - 1].table as usize + 1] = at;
    }
    starts
}

/// A kind of table in a configuration.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Table {
    /// `[agent]`.
    Agent,
    /// `[registration]`.
    Registration,
    /// `[[sip_interface]]`.
    SipInterface,
    /// `[[proxy_set]]`.
    ProxySet,
    /// The entries of `proxy` in a `[[proxy_set]]`.
    Proxy,
    /// `[[ip_group]]`.
    IpGroup,
    /// `[[account]]`.
    Account,
    /// `[mail]`.
    Mail,
    /// `[[alert]]`.
    Alert,
    /// `[web]`.
    Web,
}

/// What is to be known about a [`Table`].
#[derive(Clone, Copy, Debug)]
pub struct TableInfo {
    /// Key in the configuration.
    pub key: &'static str,
    /// What one row is called in messages.
    pub noun: &'static str,
    /// What several rows are called where it is clear what they are.
    pub plural: &'static str,
    /// Whether there may be several: `[[key]]` or a list.
    pub many: bool,
    /// Node of the reference's command line; for `[registration]` the options say it themselves.
    pub cli: &'static str,
    /// Table of the reference's ini file; empty for individual parameters.
    pub ini: &'static str,
    /// One paragraph of documentation.
    pub doc: &'static str,
}

impl Table {
    /// The tables of a file's top level, in the order of the documentation.
    pub const TOP: [Self; 9] = [
        Self::Agent,
        Self::Registration,
        Self::SipInterface,
        Self::ProxySet,
        Self::IpGroup,
        Self::Account,
        Self::Mail,
        Self::Alert,
        Self::Web,
    ];

    /// How many there are.
    const COUNT: usize = Self::Web as usize + 1;

    /// What is to be known about it.
    pub fn info(self) -> TableInfo {
        match self {
            Self::Agent => TableInfo {
                key: "agent",
                noun: "agent",
                plural: "agents",
                many: false,
                cli: "agent",
                ini: "",
                doc: "The program itself.",
            },
            Self::Registration => TableInfo {
                key: "registration",
                noun: "registration",
                plural: "registrations",
                many: false,
                cli: "proxy-and-registration",
                ini: "",
                doc: "What holds for the registration of every Account.",
            },
            Self::SipInterface => TableInfo {
                key: "sip_interface",
                noun: "SIP interface",
                plural: "interfaces",
                many: true,
                cli: "sip-interface",
                ini: "SIPInterface",
                doc: "A local address, from which requests leave and at which answers arrive.",
            },
            Self::ProxySet => TableInfo {
                key: "proxy_set",
                noun: "proxy set",
                plural: "sets",
                many: true,
                cli: "proxy-set",
                ini: "ProxySet",
                doc: "The addresses of one party: for a provider, its registrars.",
            },
            Self::Proxy => PROXY,
            Self::IpGroup => TableInfo {
                key: "ip_group",
                noun: "IP group",
                plural: "groups",
                many: true,
                cli: "ip-group",
                ini: "IPGroup",
                doc: "A party that SIP is spoken with: a PBX that is served, a provider that \
                      serves it.",
            },
            Self::Account => TableInfo {
                key: "account",
                noun: "account",
                plural: "accounts",
                many: true,
                cli: "account",
                ini: "Account",
                doc: "One address-of-record to keep registered: on behalf of the served group, at \
                      the registrars of the serving group. A pair of groups has at most one \
                      Account.",
            },
            Self::Mail => MAIL,
            Self::Alert => ALERT,
            Self::Web => WEB,
        }
    }

    /// Its options, in the order of the documentation.
    pub fn options(self) -> impl Iterator<Item = &'static Opt> + Clone {
        let place = self as usize;
        OPTIONS[STARTS[place]..STARTS[place + 1]].iter().copied()
    }

    /// Its option of that key.
    pub fn option(self, key: &str) -> Option<&'static Opt> {
        self.options().find(|option| option.key == key)
    }
}

const PROXY: TableInfo = TableInfo {
    key: "proxy",
    noun: "proxy",
    plural: "proxies",
    many: true,
    cli: "proxy-ip",
    ini: "ProxyIp",
    doc: "One address of a Proxy Set.",
};

const MAIL: TableInfo = TableInfo {
    key: "mail",
    noun: "mail",
    plural: "mails",
    many: false,
    cli: "mail",
    ini: "",
    doc: "The server by which alerts are mailed. Without alerts that have an email it \
          is not needed.",
};

const ALERT: TableInfo = TableInfo {
    key: "alert",
    noun: "alert",
    plural: "alerts",
    many: true,
    cli: "alert",
    ini: "",
    doc: "Who is told when an Account has lost its registration for 90 seconds, after \
          it had it for at least a minute; when it is registered again; and when it \
          was not within a time limit. Losses at one registrar are one message.",
};

const WEB: TableInfo = TableInfo {
    key: "web",
    noun: "web",
    plural: "webs",
    many: false,
    cli: "web",
    ini: "",
    doc: "A page for people and an interface for programs, by HTTP. Without this table there is no \
          web server; with it and nothing in it there is one for this host.",
};

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// Where it stands.
    pub table: Table,
    /// Its key there.
    pub key: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What stands for it when it is absent.
    pub fallback: Fallback,
    /// A value to show, as TOML.
    pub example: &'static str,
    /// Name on the reference's command line, or ours where the reference has none.
    pub cli: &'static str,
    /// Names in the reference's ini file without the table's prefix, the newest first; none: ini
    /// cannot express it.
    pub ini: &'static [&'static str],
    /// Who knows it.
    pub source: Source,
    /// The rules of the specification that use it.
    pub rules: &'static str,
    /// One paragraph of documentation.
    pub doc: &'static str,
}

/// What an option may hold.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Text of at most so many characters, without control characters.
    Text {
        /// Length in characters.
        max: usize,
        /// What else is asked of it.
        syntax: Syntax,
    },
    /// A whole number.
    Whole {
        /// The least allowed.
        min: u64,
        /// The greatest allowed.
        max: u64,
        /// What it counts.
        unit: Unit,
    },
    /// `true` or `false`.
    Flag,
    /// One of some words.
    Words(&'static [Word]),
    /// An IP address.
    Ip,
    /// An IP address or a domain name, with or without a port.
    Peer,
    /// A range of ports.
    Ports,
    /// A list of IP addresses, with or without a port.
    Addresses {
        /// How many there may be.
        most: usize,
        /// The port of those that name none.
        port: u16,
    },
    /// A list of texts.
    Texts {
        /// How many there may be.
        most: usize,
        /// What is asked of each.
        syntax: Syntax,
    },
    /// A list of status codes from 300 to 699.
    Codes {
        /// How many there may be.
        most: usize,
        /// Whether all of a hundred may be named at once: `5xx`.
        classes: bool,
    },
    /// The name of a row of another table.
    Reference(Table),
    /// `all`, or a list of names of rows of another table.
    Names(Table),
    /// A list of tables.
    Rows(Table),
}

impl Kind {
    /// The words that it may be; none where it is something else.
    pub fn words(&self) -> &'static [Word] {
        if let Self::Words(words) = self {
            words
        } else {
            &[]
        }
    }
}

/// What is asked of a text beside its length.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Syntax {
    /// Nothing.
    Free,
    /// It is never shown, and has no wide characters.
    Password,
    /// A host: a domain name or an IP address.
    Host,
    /// A host with or without a port.
    HostPort,
    /// It is never shown.
    Secret,
    /// The name of an environment variable.
    Variable,
    /// The address of a mailbox.
    Email,
    /// An address of the web.
    Url,
    /// The name of a credential of systemd.
    Credential,
    /// It is never shown, is not short, and can stand in a header of HTTP.
    Token,
    /// An IP address with a port, or `unix:` and a path.
    Listen,
}

/// What a number counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Things.
    Plain,
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Hundredths.
    Percent,
    /// Units of 1,048,576 bytes.
    Mebibytes,
}

impl fmt::Display for Unit {
    /// The unit with a space before it, to stand behind a number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "",
            Self::Seconds => " seconds",
            Self::Milliseconds => " milliseconds",
            Self::Percent => " percent",
            Self::Mebibytes => " MiB",
        })
    }
}

/// One of the words that an option may hold.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// In the configuration.
    pub key: &'static str,
    /// On the reference's command line.
    pub cli: &'static str,
    /// In the reference's ini file, where that can express it and its number is known.
    pub ini: Option<u8>,
    /// What it means.
    pub doc: &'static str,
}

/// What stands for an option that is absent.
#[derive(Clone, Copy, Debug)]
pub enum Fallback {
    /// It must be there.
    Required,
    /// Nothing, which means that.
    Nothing(&'static str),
    /// A value that follows from something else.
    Computed(&'static str),
    /// This number.
    Whole(u64),
    /// This flag.
    Flag(bool),
    /// This word.
    Word(&'static str),
    /// These status codes.
    Codes(&'static [Codes]),
}

/// Who knows an option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// The reference product, with its meaning, range and default.
    Reference,
    /// The rules of this program.
    Rule,
}

const fn word(key: &'static str, cli: &'static str, ini: Option<u8>, doc: &'static str) -> Word {
    Word { key, cli, ini, doc }
}

const fn text(max: usize, syntax: Syntax) -> Kind {
    Kind::Text { max, syntax }
}

const fn whole(min: u64, max: u64, unit: Unit) -> Kind {
    Kind::Whole { min, max, unit }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_options_of_a_table_stand_together() {
        for option in OPTIONS {
            let mut own = option.table.options();
            assert!(own.any(|one| std::ptr::eq(one, *option)), "{}", option.key);
        }
        let tables = Table::TOP.into_iter().chain([Table::Proxy]);
        assert_eq!(tables.flat_map(Table::options).count(), OPTIONS.len());
    }

    #[test]
    fn no_name_is_given_twice() {
        for table in Table::TOP.into_iter().chain([Table::Proxy]) {
            let keys: BTreeSet<_> = table.options().map(|option| option.key).collect();
            assert_eq!(keys.len(), table.options().count(), "{table:?}");
            let names: BTreeSet<_> = table.options().map(|option| option.cli).collect();
            assert_eq!(names.len(), table.options().count(), "{table:?}");
            let columns = table.options().flat_map(|option| option.ini);
            let different: BTreeSet<_> = columns.clone().map(|name| name.to_lowercase()).collect();
            assert_eq!(different.len(), columns.count(), "{table:?}");
        }
    }

    #[test]
    fn names_are_written_as_their_language_wants() {
        let lower = |text: &str, hyphen: char| {
            text.chars()
                .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == hyphen)
        };
        for option in OPTIONS {
            assert!(lower(option.key, '_'), "{}", option.key);
            assert!(lower(option.cli, '-'), "{}", option.cli);
            if let Kind::Words(words) = option.kind {
                assert!(
                    words.iter().all(|word| lower(word.key, '-')),
                    "{}",
                    option.key
                );
            }
            if let Kind::Whole { unit, .. } = option.kind {
                let ends = |end: &str| option.key.ends_with(end);
                match unit {
                    Unit::Seconds => assert!(ends("_secs"), "{}", option.key),
                    Unit::Milliseconds => assert!(ends("_ms"), "{}", option.key),
                    Unit::Percent => assert!(ends("_percent"), "{}", option.key),
                    Unit::Mebibytes => assert!(ends("_mib"), "{}", option.key),
                    Unit::Plain => {}
                }
            }
        }
    }
}
