//! The options of `[[proxy_set]]` and its `proxy` list.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Unit, Word, text, whole, word};

// `[[proxy_set]]`

pub(in crate::config) static SET_NAME: Opt = Opt {
    table: Table::ProxySet,
    key: "name",
    kind: text(40, Syntax::Free),
    fallback: Fallback::Required,
    example: "\"carrier\"",
    cli: "proxy-name",
    ini: &["ProxyName"],
    source: Source::Reference,
    rules: "G1",
    doc: "Unique name; IP Groups refer to it.",
};

pub(in crate::config) static SET_SIP_INTERFACE: Opt = Opt {
    table: Table::ProxySet,
    key: "sip_interface",
    kind: Kind::Reference(Table::SipInterface),
    fallback: Fallback::Required,
    example: "\"outside\"",
    cli: "sbcipv4-sip-int-name",
    ini: &["SBCIPv4SIPInterfaceName", "SBCIPv6SIPInterfaceName"],
    source: Source::Reference,
    rules: "G3",
    doc: "The SIP Interface from which its addresses are spoken to.",
};

pub(in crate::config) static SET_PROXY: Opt = Opt {
    table: Table::ProxySet,
    key: "proxy",
    kind: Kind::Rows(Table::Proxy),
    fallback: Fallback::Required,
    example: "[\n    \
              { address = \"127.0.0.1:5060\", transport = \"udp\", priority = 0, weight = 0 },\n\
              ]",
    cli: "proxy-ip",
    ini: &[],
    source: Source::Reference,
    rules: "P1",
    doc: "Its addresses: at least one. The best priority comes first; among equals, the order as \
          written.",
};

static KEEP_ALIVES: [Word; 5] = [
    word("disable", "disable", Some(0), "not at all"),
    word("options", "using-options", Some(1), "all, by OPTIONS"),
    word(
        "options-on-active",
        "using-options-on-active-server",
        Some(3),
        "the current one by OPTIONS, the next ones when it fails",
    ),
    word(
        "register",
        "using-register",
        Some(2),
        "the current one by a REGISTER each registration_time_secs",
    ),
    word(
        "fake-register",
        "using-fake-register",
        Some(4),
        "all, by a REGISTER that registers nothing",
    ),
];

pub(in crate::config) static SET_KEEP_ALIVE: Opt = Opt {
    table: Table::ProxySet,
    key: "keep_alive",
    kind: Kind::Words(&KEEP_ALIVES),
    fallback: Fallback::Word("disable"),
    example: "\"options\"",
    cli: "proxy-enable-keep-alive",
    ini: &["EnableProxyKeepAlive"],
    source: Source::Reference,
    rules: "P3, P4, P6, S13",
    doc: "Whether and how its addresses are probed. Any answer shows that one is alive, unless \
          keep_alive_failure_responses lists it. Without probes none is ever offline.",
};

pub(in crate::config) static SET_KEEP_ALIVE_SECS: Opt = Opt {
    table: Table::ProxySet,
    key: "keep_alive_secs",
    kind: whole(5, 2_000_000, Unit::Seconds),
    fallback: Fallback::Whole(60),
    example: "60",
    cli: "proxy-keep-alive-time",
    ini: &["ProxyKeepAliveTime"],
    source: Source::Reference,
    rules: "P3",
    doc: "The time from one probe of an address to the next.",
};

pub(in crate::config) static SET_KEEP_ALIVE_FAILURE_RESPONSES: Opt = Opt {
    table: Table::ProxySet,
    key: "keep_alive_failure_responses",
    kind: Kind::Codes {
        most: 3,
        classes: false,
    },
    fallback: Fallback::Codes(&[]),
    example: "[404, 503]",
    cli: "keepalive-fail-resp",
    ini: &["KeepAliveFailureResp"],
    source: Source::Reference,
    rules: "P3",
    doc: "Answers to a probe that count as none.",
};

pub(in crate::config) static SET_KEEP_ALIVE_USER: Opt = Opt {
    table: Table::ProxySet,
    key: "keep_alive_user",
    kind: text(60, Syntax::Free),
    fallback: Fallback::Nothing("none for OPTIONS, one of our own for a REGISTER"),
    example: "\"ping\"",
    cli: "keep-alive-user",
    ini: &[],
    source: Source::Rule,
    rules: "P3",
    doc: "User of From and To of a probe, and of its Request-URI where it is OPTIONS.",
};

pub(in crate::config) static SET_SUCCESS_DETECTION_RETRIES: Opt = Opt {
    table: Table::ProxySet,
    key: "success_detection_retries",
    kind: whole(1, 100, Unit::Plain),
    fallback: Fallback::Whole(1),
    example: "1",
    cli: "success-detect-retries",
    ini: &["SuccessDetectionRetries"],
    source: Source::Reference,
    rules: "P4",
    doc: "An address that was offline is online again after its first good answer and so many \
          more.",
};

pub(in crate::config) static SET_SUCCESS_DETECTION_INTERVAL_SECS: Opt = Opt {
    table: Table::ProxySet,
    key: "success_detection_interval_secs",
    kind: whole(1, 200, Unit::Seconds),
    fallback: Fallback::Whole(10),
    example: "10",
    cli: "success-detect-int",
    ini: &["SuccessDetectionInterval"],
    source: Source::Reference,
    rules: "P4",
    doc: "The time between the probes that success_detection_retries asks for.",
};

pub(in crate::config) static SET_FAILURE_DETECTION_RETRANSMISSIONS: Opt = Opt {
    table: Table::ProxySet,
    key: "failure_detection_retransmissions",
    kind: whole(0, 255, Unit::Plain),
    fallback: Fallback::Computed("as many as sip_max_rtx allows"),
    example: "3",
    cli: "fail-detect-rtx",
    ini: &["FailureDetectionRetransmissions"],
    source: Source::Reference,
    rules: "P4, X1",
    doc: "A probe without an answer is repeated so often before its address is offline.",
};

static REDUNDANCIES: [Word; 2] = [
    word("parking", "parking", Some(0), "it stays until it fails"),
    word(
        "homing",
        "homing",
        Some(1),
        "the best one that is online; needs keep_alive \"options\"",
    ),
];

pub(in crate::config) static SET_REDUNDANCY: Opt = Opt {
    table: Table::ProxySet,
    key: "redundancy",
    kind: Kind::Words(&REDUNDANCIES),
    fallback: Fallback::Word("parking"),
    example: "\"parking\"",
    cli: "proxy-redundancy-mode",
    ini: &["ProxyRedundancyMode"],
    source: Source::Reference,
    rules: "P6",
    doc: "Which address is the current one when a better one than it comes back.",
};

pub(in crate::config) static SET_HOT_SWAP: Opt = Opt {
    table: Table::ProxySet,
    key: "hot_swap",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "is-proxy-hot-swap",
    ini: &["IsProxyHotSwap"],
    source: Source::Reference,
    rules: "P7",
    doc: "Whether a REGISTER without an answer, or with one of failover_codes, goes to the next \
          address at once. Otherwise that is for the next attempt, after a wait.",
};

static LOAD_BALANCINGS: [Word; 3] = [
    word("none", "disable", Some(0), "all go to the current one"),
    word("round-robin", "round-robin", Some(1), "one after the other"),
    word(
        "random-weights",
        "random-weights",
        Some(2),
        "by chance, as their weights say",
    ),
];

pub(in crate::config) static SET_LOAD_BALANCING: Opt = Opt {
    table: Table::ProxySet,
    key: "load_balancing",
    kind: Kind::Words(&LOAD_BALANCINGS),
    fallback: Fallback::Word("none"),
    example: "\"none\"",
    cli: "proxy-load-balancing-method",
    ini: &["ProxyLoadBalancingMethod"],
    source: Source::Reference,
    rules: "P6",
    doc: "How requests are shared among the addresses that are online.",
};

pub(in crate::config) static SET_MIN_ACTIVE_SERVERS: Opt = Opt {
    table: Table::ProxySet,
    key: "min_active_servers",
    kind: whole(1, 15, Unit::Plain),
    fallback: Fallback::Whole(1),
    example: "1",
    cli: "min-active-serv-lb",
    ini: &["MinActiveServersLB"],
    source: Source::Reference,
    rules: "P6",
    doc: "With load_balancing: the set is online while so many of its addresses are.",
};

static DNS_METHODS: [Word; 3] = [
    word("a-record", "a-record", Some(0), "A or AAAA"),
    word("srv", "srv", Some(1), "SRV, then A or AAAA"),
    word("naptr", "naptr", Some(2), "NAPTR, SRV, then A or AAAA"),
];

pub(in crate::config) static SET_DNS_RESOLVE_METHOD: Opt = Opt {
    table: Table::ProxySet,
    key: "dns_resolve_method",
    kind: Kind::Words(&DNS_METHODS),
    fallback: Fallback::Word("a-record"),
    example: "\"a-record\"",
    cli: "dns-resolve-method",
    ini: &["DNSResolveMethod"],
    source: Source::Reference,
    rules: "P1",
    doc: "What DNS is asked about the names in the set. A name with a port is looked up by A or \
          AAAA only, one with a transport not by NAPTR.",
};

// The entries of `proxy`

pub(in crate::config) static PROXY_ADDRESS: Opt = Opt {
    table: Table::Proxy,
    key: "address",
    kind: Kind::Peer,
    fallback: Fallback::Required,
    example: "\"127.0.0.1:5060\"",
    cli: "proxy-address",
    ini: &["IpAddress"],
    source: Source::Reference,
    rules: "P1",
    doc: "For example \"192.0.2.1\", \"192.0.2.1:5070\", \"2001:db8::1\", \"[2001:db8::1]:5070\", \
          \"sip.carrier.example\" or \"sip.carrier.example:5070\". Without a port it is what SRV \
          says, else 5060.",
};

static TRANSPORTS: [Word; 1] = [word("udp", "udp", Some(0), "UDP")];

pub(in crate::config) static PROXY_TRANSPORT: Opt = Opt {
    table: Table::Proxy,
    key: "transport",
    kind: Kind::Words(&TRANSPORTS),
    fallback: Fallback::Nothing("what NAPTR or SRV says, else UDP"),
    example: "\"udp\"",
    cli: "transport-type",
    ini: &["TransportType"],
    source: Source::Reference,
    rules: "P1",
    doc: "How it is spoken to.",
};

pub(in crate::config) static PROXY_PRIORITY: Opt = Opt {
    table: Table::Proxy,
    key: "priority",
    kind: whole(0, 65_535, Unit::Plain),
    fallback: Fallback::Whole(0),
    example: "0",
    cli: "priority",
    ini: &["Priority"],
    source: Source::Reference,
    rules: "P1",
    doc: "0 is best.",
};

pub(in crate::config) static PROXY_WEIGHT: Opt = Opt {
    table: Table::Proxy,
    key: "weight",
    kind: whole(0, 65_535, Unit::Plain),
    fallback: Fallback::Whole(0),
    example: "0",
    cli: "weight",
    ini: &["Weight"],
    source: Source::Reference,
    rules: "P1",
    doc: "Share among addresses of equal priority, where a load is balanced.",
};
