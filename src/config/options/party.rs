//! The options of `[[sip_interface]]` and `[[ip_group]]`.

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

pub(in crate::config) static INTERFACE_ADDITIONAL_UDP_PORTS: Opt = Opt {
    table: Table::SipInterface,
    key: "additional_udp_ports",
    kind: Kind::Ports,
    fallback: Fallback::Nothing("no Account can have a port of its own"),
    example: "\"6000-6999\"",
    cli: "additional-udp-ports",
    ini: &["AdditionalUDPPorts"],
    source: Source::Reference,
    rules: "U1, U3, U5",
    doc: "Local UDP ports for Accounts with udp_port_assignment, one for each. The range must not \
          contain a udp_port of the same address, nor overlap another range there.",
};

static PORTS_MODES: [Word; 2] = [
    word("always-open", "always-open", Some(0), "from the start on"),
    word(
        "open-when-used",
        "open-when-used",
        Some(1),
        "from an Account's first REGISTER to the end of its binding",
    ),
];

pub(in crate::config) static INTERFACE_ADDITIONAL_UDP_PORTS_MODE: Opt = Opt {
    table: Table::SipInterface,
    key: "additional_udp_ports_mode",
    kind: Kind::Words(&PORTS_MODES),
    fallback: Fallback::Word("always-open"),
    example: "\"always-open\"",
    cli: "additional-udp-ports-mode",
    ini: &["AdditionalUDPPortsMode"],
    source: Source::Reference,
    rules: "U2",
    doc: "When the additional_udp_ports are open.",
};

// `[[ip_group]]`

pub(in crate::config) static GROUP_NAME: Opt = Opt {
    table: Table::IpGroup,
    key: "name",
    kind: text(40, Syntax::Free),
    fallback: Fallback::Required,
    example: "\"Carrier\"",
    cli: "name",
    ini: &["Name"],
    source: Source::Reference,
    rules: "G1",
    doc: "Unique name; Accounts refer to it.",
};

pub(in crate::config) static GROUP_PROXY_SET: Opt = Opt {
    table: Table::IpGroup,
    key: "proxy_set",
    kind: Kind::Reference(Table::ProxySet),
    fallback: Fallback::Nothing("the group can be served, but not serve"),
    example: "\"carrier\"",
    cli: "proxy-set-name",
    ini: &["ProxySetName", "ProxySetId"],
    source: Source::Reference,
    rules: "S1, C1",
    doc: "Its addresses. A group that is the serving one of an Account must have them.",
};

pub(in crate::config) static GROUP_SIP_GROUP_NAME: Opt = Opt {
    table: Table::IpGroup,
    key: "sip_group_name",
    kind: text(100, Syntax::Host),
    fallback: Fallback::Nothing("the Account's host_name, else the registrar's address"),
    example: "\"carrier.example\"",
    cli: "sip-group-name",
    ini: &["SIPGroupName"],
    source: Source::Reference,
    rules: "I1, I2",
    doc: "Host of the Request-URI of what is sent to the group, and host of From and To where the \
          Account has no host_name.",
};

pub(in crate::config) static GROUP_CONTACT_USER: Opt = Opt {
    table: Table::IpGroup,
    key: "contact_user",
    kind: text(60, Syntax::Free),
    fallback: Fallback::Nothing("the Account's user_name"),
    example: "\"4930123456\"",
    cli: "contact-user",
    ini: &["ContactUser"],
    source: Source::Reference,
    rules: "I1",
    doc: "User of From, To and Contact where the Account has no contact_user of its own; the \
          served group's counts before the serving group's.",
};

static AUTHENTICATION_MODES: [Word; 4] = [
    word(
        "user-authenticates",
        "user-authenticates",
        Some(0),
        "only an Account's own credentials",
    ),
    word(
        "sbc-as-client",
        "sbc-as-client",
        Some(1),
        "the group's, where an Account has none",
    ),
    word(
        "sbc-as-server",
        "sbc-as-server",
        Some(2),
        "only an Account's own credentials",
    ),
    word("sbc-as-both", "sbc-as-both", None, "as sbc-as-client"),
];

pub(in crate::config) static GROUP_AUTHENTICATION_MODE: Opt = Opt {
    table: Table::IpGroup,
    key: "authentication_mode",
    kind: Kind::Words(&AUTHENTICATION_MODES),
    fallback: Fallback::Word("user-authenticates"),
    example: "\"user-authenticates\"",
    cli: "authentication-mode",
    ini: &["AuthenticationMode"],
    source: Source::Reference,
    rules: "A3",
    doc: "Which credentials answer the group's challenges.",
};

pub(in crate::config) static GROUP_USER_NAME_AS_CLIENT: Opt = Opt {
    table: Table::IpGroup,
    key: "user_name_as_client",
    kind: text(60, Syntax::Free),
    fallback: Fallback::Nothing("no credentials of its own"),
    example: "\"u12345\"",
    cli: "username-as-client",
    ini: &["UsernameAsClient", "Username"],
    source: Source::Reference,
    rules: "A3",
    doc: "Digest user of the group, for Accounts without credentials. It counts only with \
          authentication_mode \"sbc-as-client\" or \"sbc-as-both\".",
};

pub(in crate::config) static GROUP_PASSWORD_AS_CLIENT: Opt = Opt {
    table: Table::IpGroup,
    key: "password_as_client",
    kind: text(50, Syntax::Password),
    fallback: Fallback::Nothing("the empty password"),
    example: "\"change-me\"",
    cli: "password-as-client",
    ini: &["PasswordAsClient", "Password"],
    source: Source::Reference,
    rules: "A3, G1",
    doc: "Digest password of the group.",
};

pub(in crate::config) static GROUP_PASSWORD_AS_CLIENT_FILE: Opt = Opt {
    table: Table::IpGroup,
    key: "password_as_client_file",
    kind: text(4_096, Syntax::Free),
    fallback: Fallback::Nothing("see password_as_client"),
    example: "\"carrier.secret\"",
    cli: "password-as-client-file",
    ini: &[],
    source: Source::Rule,
    rules: "A3",
    doc: "Instead of password_as_client: a file whose first line is the password.",
};

pub(in crate::config) static GROUP_PASSWORD_AS_CLIENT_ENV: Opt = Opt {
    table: Table::IpGroup,
    key: "password_as_client_env",
    kind: text(256, Syntax::Variable),
    fallback: Fallback::Nothing("see password_as_client"),
    example: "\"CARRIER_PASSWORD\"",
    cli: "password-as-client-env",
    ini: &[],
    source: Source::Rule,
    rules: "A3",
    doc: "Instead of password_as_client: an environment variable of the daemon that holds it.",
};

pub(in crate::config) static GROUP_PASSWORD_AS_CLIENT_CREDENTIAL: Opt = Opt {
    table: Table::IpGroup,
    key: "password_as_client_credential",
    kind: text(255, Syntax::Credential),
    fallback: Fallback::Nothing("see password_as_client"),
    example: "\"carrier.secret\"",
    cli: "password-as-client-credential",
    ini: &[],
    source: Source::Rule,
    rules: "A3",
    doc: "Instead of password_as_client: a credential of systemd.",
};
