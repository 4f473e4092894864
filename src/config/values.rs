//! What a single value must look like: type, range, length, words, and the syntax of hosts and
//! addresses.
//!
//! It knows the table of options and nothing of rows or files, so that every format and `configure`
//! judge a value alike.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::options::{Kind, Opt, Syntax, Word};
use super::suggest::{list, nearest, quoted};

/// A value as a format hands it over.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'t> {
    Text(&'t str),
    /// A whole number; `None` for one that no option can hold.
    Whole(Option<i64>),
    Flag(bool),
    /// Something else, with its name.
    Other(&'static str),
}

/// A value that its option may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Value<'t> {
    Text(&'t str),
    Whole(u64),
    Flag(bool),
    /// The number of a word in the option's list.
    Word(usize),
    Ip(IpAddr),
    Socket(SocketAddr),
}

/// Why an option may not hold a value. The message follows the option's key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The port of a proxy that names none: the one that is registered for SIP over UDP.
const DEFAULT_PORT: u16 = 5060;

/// Judges a value for an option.
pub(super) fn accept<'t>(option: &Opt, raw: Raw<'t>) -> Result<Value<'t>, Complaint> {
    match (option.kind, raw) {
        (Kind::Text { max, syntax }, Raw::Text(text)) => {
            check_text(text, max, syntax).map(|()| Value::Text(text))
        }
        (Kind::Reference(_), Raw::Text(text)) => {
            check_text(text, usize::MAX, Syntax::Free).map(|()| Value::Text(text))
        }
        (Kind::Whole { min, max, unit }, Raw::Whole(number)) => {
            let found = number.and_then(|number| u64::try_from(number).ok());
            match found.filter(|found| (min..=max).contains(found)) {
                Some(found) => Ok(Value::Whole(found)),
                None => {
                    let found = number
                        .map_or_else(|| "far too large".to_owned(), |number| number.to_string());
                    Err(Complaint::new(format!(
                        "is {found}, but must be {min} to {max}{unit}"
                    )))
                }
            }
        }
        (Kind::Flag, Raw::Flag(flag)) => Ok(Value::Flag(flag)),
        (Kind::Words(_), Raw::Text(text @ ("tcp" | "tls"))) if option.key == "transport" => {
            let message = format!("is {}, which is not supported yet", quoted(text));
            Err(Complaint::new(message).hint("use \"udp\""))
        }
        (Kind::Words(words), Raw::Text(text)) => find_word(words, text).map(Value::Word),
        (Kind::Ip, Raw::Text(text)) => parse_ip(text).map(Value::Ip),
        (Kind::Socket, Raw::Text(text)) => parse_socket(text).map(Value::Socket),
        (kind, raw) => Err(wrong_type(kind, raw)),
    }
}

fn wrong_type(kind: Kind, raw: Raw<'_>) -> Complaint {
    let wanted = match kind {
        Kind::Whole { .. } => "a whole number",
        Kind::Flag => "true or false",
        Kind::Rows(_) => "a list of tables",
        Kind::Text { .. } | Kind::Words(_) | Kind::Ip | Kind::Socket | Kind::Reference(_) => "text",
    };
    let found = match raw {
        Raw::Text(_) => "text",
        Raw::Whole(_) => "a number",
        Raw::Flag(_) => "true or false",
        Raw::Other(name) => name,
    };
    let complaint = Complaint::new(format!("must be {wanted}, not {found}"));
    let secret = matches!(
        kind,
        Kind::Text {
            syntax: Syntax::Password,
            ..
        }
    );
    match (wanted, raw) {
        ("text", Raw::Whole(Some(_)) | Raw::Flag(_)) if secret => {
            complaint.hint("text is written in double quotes")
        }
        ("text", Raw::Whole(Some(number))) => {
            complaint.hint(format!("text is written in double quotes: \"{number}\""))
        }
        ("text", Raw::Flag(flag)) => {
            complaint.hint(format!("text is written in double quotes: \"{flag}\""))
        }
        ("a whole number", Raw::Text(text)) if text.parse::<u64>().is_ok() => {
            complaint.hint(format!("without quotes: {text}"))
        }
        ("true or false", Raw::Text(text @ ("true" | "false"))) => {
            complaint.hint(format!("without quotes: {text}"))
        }
        _ => complaint,
    }
}

fn find_word(words: &[Word], text: &str) -> Result<usize, Complaint> {
    if let Some(at) = words.iter().position(|word| word.key == text) {
        return Ok(at);
    }
    let known = words.iter().map(|word| word.key);
    let hint = match nearest(text, known.clone()) {
        Some(near) => format!("did you mean {}? Words are {}", quoted(near), list(known)),
        None => format!("words are {}", list(known)),
    };
    Err(Complaint::new(format!("is {}, which is none of its words", quoted(text))).hint(hint))
}

/// Judges a text by its length, in characters, and its syntax. What it says of a password does not
/// show it.
pub(super) fn check_text(text: &str, max: usize, syntax: Syntax) -> Result<(), Complaint> {
    if text.is_empty() && syntax != Syntax::Password {
        return Err(Complaint::new("is empty").hint("leave the key out if there is nothing to say"));
    }
    // A character has at most four bytes, so most texts need no counting.
    let length = if text.len() <= max {
        0
    } else {
        text.chars().count()
    };
    if length > max {
        let message = format!("has {length} characters, but at most {max} are allowed");
        return Err(Complaint::new(message));
    }
    let is_odd = |byte: u8| !byte.is_ascii() || byte.is_ascii_control();
    let is_plain = !text.bytes().fold(false, |any, byte| any | is_odd(byte));
    if !is_plain && let Some(at) = text.chars().position(char::is_control) {
        let message = format!("has a control character at place {}", at + 1);
        return Err(Complaint::new(message).hint("line ends and the like are allowed in no value"));
    }
    match syntax {
        Syntax::Free => Ok(()),
        Syntax::Password => match text.chars().position(|one| one > '\u{FF}') {
            Some(at) => {
                let message = format!("has a wide character at place {}", at + 1);
                Err(Complaint::new(message).hint("the reference allows none in a password"))
            }
            None => Ok(()),
        },
        Syntax::Host => check_host(text, false),
        Syntax::HostPort => check_host(text, true),
        Syntax::Variable if text.contains('=') => {
            Err(Complaint::new("is no name of an environment variable")
                .hint("give the name alone, without \"=\""))
        }
        Syntax::Variable => Ok(()),
    }
}

/// Judges a host: a domain name (RFC 3261 §25.1; an underscore is let through, since such names are
/// in use), an IPv4 address, an IPv6 address in brackets; a port behind it if it may have one.
fn check_host(text: &str, with_port: bool) -> Result<(), Complaint> {
    if text.contains('@') || text.starts_with("sip:") || text.starts_with("sips:") {
        return Err(
            Complaint::new(format!("is {}, but must be a host alone", quoted(text)))
                .hint("without \"sip:\" and without a user"),
        );
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Err(
            Complaint::new(format!("is {}, without brackets", quoted(text)))
                .hint(format!("write it \"[{text}]\"")),
        );
    }
    let (host, port) = split_port(text);
    match port {
        Some(_) if !with_port => {
            return Err(
                Complaint::new(format!("is {}, but takes no port", quoted(text)))
                    .hint("the port of a registrar stands in the address of its proxy"),
            );
        }
        Some(port) if parse_port(port).is_none() => return Err(bad_port(port)),
        Some(_) | None => {}
    }
    if let Some(inner) = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
    {
        return match inner.parse::<Ipv6Addr>() {
            Ok(_) => Ok(()),
            Err(_) => Err(Complaint::new(format!(
                "is {}, which is no IPv6 address",
                quoted(text)
            ))),
        };
    }
    check_domain(host)
}

fn check_domain(host: &str) -> Result<(), Complaint> {
    let complaint = || Complaint::new(format!("is {}, which is no host", quoted(host)));
    if let Some(odd) = host.chars().find(|one| !is_domain_char(*one)) {
        let hint = if odd.is_ascii() {
            format!("{odd:?} cannot be in a host")
        } else {
            "write letters outside ASCII in the form that begins with \"xn--\"".to_owned()
        };
        return Err(complaint().hint(hint));
    }
    let mut labels = host.strip_suffix('.').unwrap_or(host).split('.');
    let bad = |label: &str| {
        label.is_empty() || label.len() > 63 || label.starts_with('-') || label.ends_with('-')
    };
    if labels.clone().any(bad) {
        return Err(complaint().hint("each part has 1 to 63 characters and \"-\" only inside"));
    }
    let last = labels.next_back().unwrap_or_default();
    if last.bytes().all(|byte| byte.is_ascii_digit()) && host.parse::<IpAddr>().is_err() {
        return Err(complaint().hint("an IPv4 address has four numbers of at most 255"));
    }
    Ok(())
}

fn is_domain_char(one: char) -> bool {
    one.is_ascii_alphanumeric() || matches!(one, '-' | '_' | '.')
}

fn parse_ip(text: &str) -> Result<IpAddr, Complaint> {
    let complaint = |hint: &str| {
        Complaint::new(format!("is {}, which is no IP address", quoted(text))).hint(hint)
    };
    let address = match text.parse::<IpAddr>() {
        Ok(address) => address,
        Err(_) if text.parse::<SocketAddr>().is_ok() => {
            return Err(complaint("the port has a key of its own: udp_port"));
        }
        Err(_) if text.starts_with('[') => return Err(complaint("without brackets here")),
        Err(_) => return Err(complaint("for example \"192.0.2.1\" or \"2001:db8::1\"")),
    };
    if address.is_multicast() {
        return Err(Complaint::new(format!("is {address}, a multicast address")));
    }
    Ok(address)
}

fn parse_socket(text: &str) -> Result<SocketAddr, Complaint> {
    if text.contains('%') {
        return Err(Complaint::new(format!("is {}, with a zone", quoted(text)))
            .hint("zones of IPv6 addresses are not supported"));
    }
    let (host, port) = match text.parse::<Ipv6Addr>() {
        Ok(_) => (text, None),
        Err(_) => split_port(text),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let Ok(address) = bare.parse::<IpAddr>() else {
        return Err(if check_host(text, true).is_ok() {
            Complaint::new(format!("is {}, a name", quoted(text)))
                .hint("names are not resolved yet, give an IP address")
        } else {
            Complaint::new(format!("is {}, which is no address", quoted(text)))
                .hint("for example \"192.0.2.1:5060\" or \"[2001:db8::1]:5060\"")
        });
    };
    let port = match port.map(|text| (text, parse_port(text))) {
        None => DEFAULT_PORT,
        Some((_, Some(port))) => port,
        Some((text, None)) => return Err(bad_port(text)),
    };
    if address.is_unspecified() || address.is_multicast() {
        return Err(Complaint::new(format!(
            "is {}, where no proxy can be",
            quoted(text)
        )));
    }
    Ok(SocketAddr::new(address, port))
}

/// Host and port of `host:port`, `[v6]:port`, `host` or `[v6]`.
fn split_port(text: &str) -> (&str, Option<&str>) {
    match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        Some(_) | None => (text, None),
    }
}

fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

fn bad_port(text: &str) -> Complaint {
    Complaint::new(format!(
        "has the port {}, but must have 1 to 65535",
        quoted(text)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::{Fallback, OPTIONS, Table};

    fn judge(option: &Opt, raw: Raw<'_>) -> String {
        match accept(option, raw) {
            Ok(value) => format!("{value:?}"),
            Err(Complaint {
                message,
                hint: None,
            }) => message,
            Err(Complaint {
                message,
                hint: Some(hint),
            }) => format!("{message} ({hint})"),
        }
    }

    fn option(table: Table, key: &str) -> &'static Opt {
        table.option(key).unwrap()
    }

    #[test]
    fn hosts_are_judged_by_their_syntax() {
        let option = option(Table::Account, "host_name");
        for good in [
            "carrier.example",
            "carrier.example.",
            "a",
            "my_pbx.local",
            "4u.example:5060",
            "192.0.2.1",
            "192.0.2.1:1",
            "[2001:db8::1]",
            "[2001:db8::1]:65535",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(
                accept(option, Raw::Text(good)),
                Ok(Value::Text(good)),
                "{good}"
            );
        }
        for bad in [
            "",
            ".",
            "a..b",
            "-a.example",
            "carrier.example:0",
            "carrier.example:65536",
            "carrier.example:",
            "carrier.example:+5",
            "192.0.2.256",
            "192.0.2",
            "2001:db8::1",
            "[2001:db8::1",
            "[192.0.2.1]",
            "sip:carrier.example",
            "u@carrier.example",
            "bücher.example",
            "a b",
            "a/b",
            "a\r\nb",
        ] {
            assert!(accept(option, Raw::Text(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_of_proxies_have_a_port_or_get_5060() {
        let option = option(Table::Proxy, "address");
        for (written, meant) in [
            ("192.0.2.1", "192.0.2.1:5060"),
            ("192.0.2.1:5070", "192.0.2.1:5070"),
            ("2001:db8::1", "[2001:db8::1]:5060"),
            ("[2001:db8::1]", "[2001:db8::1]:5060"),
            ("[2001:db8::1]:5070", "[2001:db8::1]:5070"),
        ] {
            let value = accept(option, Raw::Text(written));
            assert_eq!(
                value,
                Ok(Value::Socket(meant.parse().unwrap())),
                "{written}"
            );
        }
        for (written, complaint) in [
            (
                "sip.carrier.example:5060",
                "is \"sip.carrier.example:5060\", a name \
                 (names are not resolved yet, give an IP address)",
            ),
            (
                "192.0.2.1:99999",
                "has the port \"99999\", but must have 1 to 65535",
            ),
            ("192.0.2.1:", "has the port \"\", but must have 1 to 65535"),
            ("0.0.0.0:5060", "is \"0.0.0.0:5060\", where no proxy can be"),
            ("224.0.0.1", "is \"224.0.0.1\", where no proxy can be"),
            (
                "fe80::1%eth0",
                "is \"fe80::1%eth0\", with a zone (zones of IPv6 addresses are not supported)",
            ),
            (
                "udp://192.0.2.1",
                "is \"udp://192.0.2.1\", which is no address (for example \"192.0.2.1:5060\" or \
                 \"[2001:db8::1]:5060\")",
            ),
        ] {
            assert_eq!(judge(option, Raw::Text(written)), complaint, "{written}");
        }
    }

    #[test]
    fn lengths_count_characters() {
        for (table, key, max) in [
            (Table::Account, "name", 20),
            (Table::Account, "contact_user", 60),
            (Table::Account, "user_name", 60),
            (Table::Account, "password", 50),
            (Table::IpGroup, "password_as_client", 50),
        ] {
            let option = option(table, key);
            let longest = "ä".repeat(max);
            assert_eq!(
                accept(option, Raw::Text(&longest)),
                Ok(Value::Text(&longest)),
                "{key}"
            );
            let longer = "ä".repeat(max + 1);
            let wanted = format!("has {} characters, but at most {max} are allowed", max + 1);
            assert_eq!(judge(option, Raw::Text(&longer)), wanted, "{key}");
        }
        let host = option(Table::Account, "host_name");
        let longest = format!("{}.example", "a".repeat(41));
        assert_eq!(longest.len(), 49);
        assert!(accept(host, Raw::Text(&longest)).is_ok());
        assert!(accept(host, Raw::Text(&format!("a{longest}"))).is_err());
    }

    #[test]
    fn what_is_said_of_a_password_does_not_show_it() {
        let option = option(Table::Account, "password");
        for raw in [
            Raw::Text("hunter2-密码"),
            Raw::Text("hunter2\u{7f}"),
            Raw::Text(&"hunter2".repeat(8)),
            Raw::Whole(Some(847_362)),
        ] {
            let said = judge(option, raw);
            assert!(
                !said.contains("hunter2") && !said.contains("847362"),
                "{said}"
            );
        }
        assert_eq!(
            accept(option, Raw::Text("pässwörd ÿ?\"")),
            Ok(Value::Text("pässwörd ÿ?\""))
        );
        assert_eq!(accept(option, Raw::Text("")), Ok(Value::Text("")));
    }

    #[test]
    fn no_text_has_control_characters() {
        for option in OPTIONS {
            if let Kind::Text { .. } | Kind::Reference(_) = option.kind {
                for bad in ["a\rb", "a\nb", "a\tb", "a\0b", "a\u{85}b"] {
                    let said = judge(option, Raw::Text(bad));
                    assert!(
                        said.starts_with("has a control character at place 2"),
                        "{said}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_default_is_a_good_value() {
        for option in OPTIONS {
            let raw = match (option.fallback, option.kind) {
                (Fallback::Whole(number), _) => Raw::Whole(i64::try_from(number).ok()),
                (Fallback::Flag(flag), _) => Raw::Flag(flag),
                (Fallback::Word(word), _) => Raw::Text(word),
                (_, Kind::Rows(_)) => continue,
                _ if option.example.starts_with('"') => Raw::Text(option.example.trim_matches('"')),
                _ => Raw::Whole(option.example.parse().ok()),
            };
            let judged = accept(option, raw);
            assert!(judged.is_ok(), "{}: {judged:?}", option.key);
        }
    }
}
