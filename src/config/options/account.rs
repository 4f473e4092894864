//! The options of `[[account]]`.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Unit, Word, text, whole, word};

pub(in crate::config) static ACCOUNT_INDEX: Opt = Opt {
    table: Table::Account,
    key: "index",
    kind: whole(0, 2_147_483_647, Unit::Plain),
    fallback: Fallback::Computed("the lowest free number, in the order of the file"),
    example: "0",
    cli: "index",
    ini: &["Index"],
    source: Source::Reference,
    rules: "G1, G3",
    doc: "Unique number.",
};

pub(in crate::config) static ACCOUNT_NAME: Opt = Opt {
    table: Table::Account,
    key: "name",
    kind: text(20, Syntax::Free),
    fallback: Fallback::Computed("\"account-INDEX\""),
    example: "\"main\"",
    cli: "account-name",
    ini: &["AccountName"],
    source: Source::Reference,
    rules: "G1",
    doc: "Unique name.",
};

pub(in crate::config) static ACCOUNT_SERVED: Opt = Opt {
    table: Table::Account,
    key: "served_ip_group",
    kind: Kind::Reference(Table::IpGroup),
    fallback: Fallback::Required,
    example: "\"PBX\"",
    cli: "served-ip-group-name",
    ini: &["ServedIPGroupName", "ServedIPGroup"],
    source: Source::Reference,
    rules: "G1",
    doc: "The IP Group on whose behalf it registers.",
};

pub(in crate::config) static ACCOUNT_SERVING: Opt = Opt {
    table: Table::Account,
    key: "serving_ip_group",
    kind: Kind::Reference(Table::IpGroup),
    fallback: Fallback::Required,
    example: "\"Carrier\"",
    cli: "serving-ip-group-name",
    ini: &["ServingIPGroupName", "ServingIPGroup"],
    source: Source::Reference,
    rules: "G1",
    doc: "The IP Group at whose registrars it registers. It may be the served one too.",
};

pub(in crate::config) static ACCOUNT_HOST_NAME: Opt = Opt {
    table: Table::Account,
    key: "host_name",
    kind: text(49, Syntax::HostPort),
    fallback: Fallback::Nothing("the serving group's sip_group_name, else the registrar's address"),
    example: "\"carrier.example\"",
    cli: "host-name",
    ini: &["HostName"],
    source: Source::Reference,
    rules: "I1, I2, G1",
    doc: "Host of the address-of-record. A port counts in the Request-URI only, and only where the \
          serving group has no sip_group_name.",
};

pub(in crate::config) static ACCOUNT_CONTACT_USER: Opt = Opt {
    table: Table::Account,
    key: "contact_user",
    kind: text(60, Syntax::Free),
    fallback: Fallback::Nothing(
        "the served group's contact_user, else the serving group's, else user_name",
    ),
    example: "\"4930123456\"",
    cli: "contact-user",
    ini: &["ContactUser"],
    source: Source::Reference,
    rules: "I1, I3, G1",
    doc: "User of the address-of-record, in From, To and Contact. Characters that a SIP URI does \
          not allow are escaped.",
};

pub(in crate::config) static ACCOUNT_USER_NAME: Opt = Opt {
    table: Table::Account,
    key: "user_name",
    kind: text(60, Syntax::Free),
    fallback: Fallback::Nothing("no credentials of its own"),
    example: "\"u12345\"",
    cli: "user-name",
    ini: &["Username"],
    source: Source::Reference,
    rules: "A3, G1",
    doc: "Digest user.",
};

pub(in crate::config) static ACCOUNT_PASSWORD: Opt = Opt {
    table: Table::Account,
    key: "password",
    kind: text(50, Syntax::Password),
    fallback: Fallback::Nothing("the empty password"),
    example: "\"change-me\"",
    cli: "password",
    ini: &["Password"],
    source: Source::Reference,
    rules: "A3, G1",
    doc: "Digest password. It must not have wide characters: none beyond U+00FF. Where others may \
          read this file, use one of the next three instead.",
};

pub(in crate::config) static ACCOUNT_PASSWORD_FILE: Opt = Opt {
    table: Table::Account,
    key: "password_file",
    kind: text(4_096, Syntax::Free),
    fallback: Fallback::Nothing("see password"),
    example: "\"main.secret\"",
    cli: "password-file",
    ini: &[],
    source: Source::Rule,
    rules: "A3",
    doc: "Instead of password: a file whose first line is the password. A relative path starts at \
          this file's folder. It must not be readable by everybody.",
};

pub(in crate::config) static ACCOUNT_PASSWORD_ENV: Opt = Opt {
    table: Table::Account,
    key: "password_env",
    kind: text(256, Syntax::Variable),
    fallback: Fallback::Nothing("see password"),
    example: "\"MAIN_PASSWORD\"",
    cli: "password-env",
    ini: &[],
    source: Source::Rule,
    rules: "A3",
    doc: "Instead of password: an environment variable of the daemon that holds it. It stays in the \
          environment for as long as the daemon runs.",
};

pub(in crate::config) static ACCOUNT_PASSWORD_CREDENTIAL: Opt = Opt {
    table: Table::Account,
    key: "password_credential",
    kind: text(255, Syntax::Credential),
    fallback: Fallback::Nothing("see password"),
    example: "\"main.secret\"",
    cli: "password-credential",
    ini: &[],
    source: Source::Rule,
    rules: "A3",
    doc: "Instead of password: a credential of systemd, which the unit names in LoadCredential= or \
          LoadCredentialEncrypted=. Its first line is the password.",
};

static REGISTERS: [Word; 3] = [
    word("no", "disable", Some(0), "only answer challenges to calls"),
    word("regular", "reg", Some(1), "keep one Contact registered"),
    word(
        "gin",
        "gin",
        Some(2),
        "register all numbers of the PBX at once, by RFC 6140",
    ),
];

pub(in crate::config) static ACCOUNT_REGISTER: Opt = Opt {
    table: Table::Account,
    key: "register",
    kind: Kind::Words(&REGISTERS),
    fallback: Fallback::Word("no"),
    example: "\"regular\"",
    cli: "register",
    ini: &["Register"],
    source: Source::Reference,
    rules: "I1, I3, I7, L5",
    doc: "Whether to register.",
};

static STICKINESS: [Word; 3] = [
    word(
        "disable",
        "disable",
        Some(0),
        "each goes to the registrar that is current at that time",
    ),
    word(
        "enable",
        "enable",
        Some(1),
        "they go to the registrar that holds the binding, until it is lost",
    ),
    word(
        "enable-for-non-register-requests",
        "enable-for-non-register-requests",
        Some(2),
        "as enable, but a refresh chooses anew",
    ),
];

pub(in crate::config) static ACCOUNT_STICKINESS: Opt = Opt {
    table: Table::Account,
    key: "registrar_stickiness",
    kind: Kind::Words(&STICKINESS),
    fallback: Fallback::Word("disable"),
    example: "\"enable\"",
    cli: "registrar-stickiness",
    ini: &["RegistrarStickiness"],
    source: Source::Reference,
    rules: "S2, S3, S4, G1",
    doc: "Where its requests go once it is registered. It has no effect with register \"no\".",
};

static SEARCH_MODES: [Word; 3] = [
    word(
        "current-server",
        "current-server",
        Some(0),
        "the one that is current in the Proxy Set",
    ),
    word(
        "ims",
        "by-ims-spec",
        Some(1),
        "all of them in order, one at once after the other, and then a wait; needs \
         registrar_stickiness \"enable\"",
    ),
    word(
        "avoid-previous-registrar-until-expiry",
        "avoid-previous-registrar-until-expiry",
        Some(2),
        "none where an older binding may still live; needs registrar_stickiness other than \
         \"disable\", and a Proxy Set of at most three addresses",
    ),
];

pub(in crate::config) static ACCOUNT_SEARCH_MODE: Opt = Opt {
    table: Table::Account,
    key: "registrar_search_mode",
    kind: Kind::Words(&SEARCH_MODES),
    fallback: Fallback::Word("current-server"),
    example: "\"current-server\"",
    cli: "registrar-search-mode",
    ini: &["RegistrarSearchMode"],
    source: Source::Reference,
    rules: "S6, S7, S8, S9, G1",
    doc: "Which registrar a new registration is tried at. It has no effect with register \"no\".",
};

pub(in crate::config) static ACCOUNT_RE_REGISTER_ON_INVITE_FAILURE: Opt = Opt {
    table: Table::Account,
    key: "re_register_on_invite_failure",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "re-register-on-invite-failure",
    ini: &["ReRegisterOnInviteFailure"],
    source: Source::Reference,
    rules: "S11, G1",
    doc: "Whether it registers anew when an INVITE to the serving group fails with one of \
          account_invite_failure_trigger_codes. There are no calls yet. It has no effect with \
          register \"no\".",
};

pub(in crate::config) static ACCOUNT_REG_EVENT: Opt = Opt {
    table: Table::Account,
    key: "reg_event_package_subscription",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "reg-event-package-subscription",
    ini: &["RegEventPackageSubscription"],
    source: Source::Reference,
    rules: "R1, G1",
    doc: "Whether it subscribes, by RFC 3680, at the registrar that holds its binding, so as to be \
          told when that ends. It needs registrar_stickiness \"enable\".",
};

static BY_SERVED_STATUS: [Word; 2] = [
    word("register-always", "reg-always", Some(0), "whatever that is"),
    word(
        "register-only-if-online",
        "reg-if-online",
        Some(1),
        "un-registers when the served group goes offline, registers when it is back; its Proxy \
         Set needs keep_alive \"options\", \"options-on-active\" or \"fake-register\"",
    ),
];

pub(in crate::config) static ACCOUNT_BY_SERVED_STATUS: Opt = Opt {
    table: Table::Account,
    key: "register_by_served_ip_group_status",
    kind: Kind::Words(&BY_SERVED_STATUS),
    fallback: Fallback::Word("register-always"),
    example: "\"register-always\"",
    cli: "reg-by-served-ipg-status",
    ini: &["RegByServedIPG"],
    source: Source::Reference,
    rules: "S13, G1",
    doc: "What the state of the served group means for the registration. It has no effect with \
          register \"no\".",
};

pub(in crate::config) static ACCOUNT_UDP_PORT_ASSIGNMENT: Opt = Opt {
    table: Table::Account,
    key: "udp_port_assignment",
    kind: Kind::Flag,
    fallback: Fallback::Flag(false),
    example: "false",
    cli: "udp-port-assignment",
    ini: &["UDPPortAssignment"],
    source: Source::Reference,
    rules: "U1, U5",
    doc: "Whether it has a local UDP port of its own towards the serving group, out of the \
          additional_udp_ports of that group's SIP Interface. It needs a register other than \
          \"no\".",
};
