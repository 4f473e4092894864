//! The options of `[[sip_interface]]`, `[[proxy_set]]` and its `proxy` list.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Unit, Word, text, whole, word};

// `[[sip_interface]]`

pub(in crate::config) static INTERFACE_NAME: Opt = Opt {
    table: Table::SipInterface,
    key: "name",
    kind: text(40, Syntax::Free),
    fallback: Fallback::Required,
    example: "\"outside\"",
    cli: "interface-name",
    ini: &["InterfaceName"],
    source: Source::Reference,
    rules: "G1",
    doc: "Unique name; Proxy Sets refer to it.",
};

pub(in crate::config) static INTERFACE_ADDRESS: Opt = Opt {
    table: Table::SipInterface,
    key: "address",
    kind: Kind::Ip,
    fallback: Fallback::Required,
    example: "\"127.0.0.1\"",
    cli: "network-interface",
    ini: &["NetworkInterface"],
    source: Source::Reference,
    rules: "I3",
    doc: "Local IP address. With \"0.0.0.0\" or \"::\" it needs an advertised_address.",
};

pub(in crate::config) static INTERFACE_UDP_PORT: Opt = Opt {
    table: Table::SipInterface,
    key: "udp_port",
    kind: whole(0, 65_535, Unit::Plain),
    fallback: Fallback::Whole(5060),
    example: "5070",
    cli: "udp-port",
    ini: &["UDPPort"],
    source: Source::Reference,
    rules: "I3",
    doc: "Local UDP port. 0 lets the system choose one.",
};

pub(in crate::config) static INTERFACE_ADVERTISED_ADDRESS: Opt = Opt {
    table: Table::SipInterface,
    key: "advertised_address",
    kind: Kind::Ip,
    fallback: Fallback::Nothing("the address itself"),
    example: "\"203.0.113.7\"",
    cli: "advertised-address",
    ini: &[],
    source: Source::Rule,
    rules: "I3",
    doc: "IP address that others are told instead of the local one, in Via and Contact: behind \
          NAT, the public one.",
};

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

// The entries of `proxy`

pub(in crate::config) static PROXY_ADDRESS: Opt = Opt {
    table: Table::Proxy,
    key: "address",
    kind: Kind::Socket,
    fallback: Fallback::Required,
    example: "\"127.0.0.1:5060\"",
    cli: "proxy-address",
    ini: &["IpAddress"],
    source: Source::Reference,
    rules: "P1",
    doc: "IP address with or without a port: \"192.0.2.1\", \"192.0.2.1:5070\", \"2001:db8::1\", \
          \"[2001:db8::1]:5070\". The default port is 5060. Names are not resolved yet.",
};

static TRANSPORTS: [Word; 1] = [word("udp", "udp", Some(0), "UDP")];

pub(in crate::config) static PROXY_TRANSPORT: Opt = Opt {
    table: Table::Proxy,
    key: "transport",
    kind: Kind::Words(&TRANSPORTS),
    fallback: Fallback::Word("udp"),
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
