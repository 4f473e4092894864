//! The options of `[[ip_group]]` and `[[account]]`.

use super::{Fallback, Kind, Opt, Source, Syntax, Table, Unit, Word, text, whole, word};

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
    ini: &["ProxySetName"],
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

// `[[account]]`

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
    ini: &["ServedIPGroupName"],
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
    ini: &["ServingIPGroupName"],
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
          read this file, use one of the next two instead.",
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
    doc: "Instead of password: an environment variable of the daemon that holds it.",
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
    doc: "Whether to register, and how.",
};
