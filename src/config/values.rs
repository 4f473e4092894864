//! What a single value must look like: type, range, length, words, lists of status codes.
//!
//! It knows the table of options and nothing of rows or files, so that every format and `configure`
//! judge a value alike.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use super::hosts::{
    check_email, check_host, check_url, parse_address, parse_ip, parse_peer, parse_ports,
};
use super::options::{Kind, Opt, SHORTEST_TOKEN, Syntax, Word};
use super::suggest::{list, nearest, quoted};
use super::{Codes, Host, Listen, Ports};

/// A value as a format hands it over.
#[derive(Clone, Debug)]
pub(super) enum Raw<'t> {
    Text(&'t str),
    /// A whole number; `None` for one that no option can hold.
    Whole(Option<i64>),
    Flag(bool),
    List(Vec<Self>),
    /// Something else, with its name.
    Other(&'static str),
}

/// A value that its option may hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Value<'t> {
    Text(&'t str),
    Whole(u64),
    Flag(bool),
    /// The number of a word in the option's list.
    Word(usize),
    Ip(IpAddr),
    /// With its port, if it has one.
    Peer(Host, Option<u16>),
    Ports(Ports),
    Addresses(Vec<SocketAddr>),
    /// None stands for all.
    Names(Option<Vec<&'t str>>),
    Texts(Vec<&'t str>),
    Codes(Vec<Codes>),
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
        (Kind::Peer, Raw::Text(text)) => {
            parse_peer(text).map(|(host, port)| Value::Peer(host, port))
        }
        (Kind::Names(_), Raw::Text("all")) => Ok(Value::Names(None)),
        (Kind::Names(_), Raw::List(items)) => {
            read_names(&items).map(|names| Value::Names(Some(names)))
        }
        (Kind::Names(_), Raw::Text(text)) => {
            let message = format!(
                "is {}, but must be \"all\" or a list of names",
                quoted(text)
            );
            Err(Complaint::new(message).hint(format!("for one of them: [{}]", quoted(text))))
        }
        (Kind::Ports, Raw::Text(text)) => parse_ports(text).map(Value::Ports),
        (Kind::Addresses { most, port }, Raw::List(items)) => {
            read_addresses(&items, most, port).map(Value::Addresses)
        }
        (Kind::Texts { most, syntax }, Raw::List(items)) => {
            read_texts(&items, most, syntax).map(Value::Texts)
        }
        (Kind::Codes { most, classes }, Raw::List(items)) => {
            read_codes(&items, most, classes).map(Value::Codes)
        }
        (kind, raw) => Err(wrong_type(kind, raw)),
    }
}

fn wrong_type(kind: Kind, raw: Raw<'_>) -> Complaint {
    let wanted = match kind {
        Kind::Whole { .. } => "a whole number",
        Kind::Flag => "true or false",
        Kind::Rows(_) => "a list of tables",
        Kind::Names(_) => "\"all\" or a list of names",
        Kind::Addresses { .. } => "a list of addresses",
        Kind::Texts { .. } => "a list of texts",
        Kind::Codes { .. } => "a list of status codes",
        Kind::Text { .. }
        | Kind::Words(_)
        | Kind::Ip
        | Kind::Peer
        | Kind::Ports
        | Kind::Reference(_) => "text",
    };
    let found = match raw {
        Raw::Text(_) => "text",
        Raw::Whole(_) => "a number",
        Raw::Flag(_) => "true or false",
        Raw::List(_) => "a list",
        Raw::Other(name) => name,
    };
    let complaint = Complaint::new(format!("must be {wanted}, not {found}"));
    let secret = matches!(
        kind,
        Kind::Text {
            syntax: Syntax::Password | Syntax::Secret | Syntax::Token,
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
        ("a list of addresses" | "a list of texts", Raw::Text(text)) => {
            complaint.hint(format!("in brackets: [{}]", quoted(text)))
        }
        ("a list of status codes", Raw::Whole(Some(code))) => {
            complaint.hint(format!("in brackets: [{code}]"))
        }
        ("a list of status codes", Raw::Text(_)) => complaint.hint("for example [408, 503]"),
        _ => complaint,
    }
}

/// A list of addresses; those without a port get this one.
fn read_addresses(items: &[Raw<'_>], most: usize, port: u16) -> Result<Vec<SocketAddr>, Complaint> {
    if items.len() > most {
        let message = format!(
            "has {} entries, but at most {most} are allowed",
            items.len()
        );
        return Err(Complaint::new(message));
    }
    let read = |item: &Raw<'_>| match item {
        Raw::Text(text) => parse_address(text, port),
        Raw::Whole(_) | Raw::Flag(_) | Raw::List(_) | Raw::Other(_) => Err(Complaint::new(
            "must be a list of addresses, each in double quotes",
        )),
    };
    items.iter().map(read).collect()
}

/// A list of names.
fn read_names<'t>(items: &[Raw<'t>]) -> Result<Vec<&'t str>, Complaint> {
    if items.is_empty() {
        let complaint = Complaint::new("is an empty list");
        return Err(complaint.hint("\"all\" stands for all; leave the key out for that"));
    }
    let read = |item: &Raw<'t>| match item {
        Raw::Text(text) => check_text(text, usize::MAX, Syntax::Free).map(|()| *text),
        Raw::Whole(_) | Raw::Flag(_) | Raw::List(_) | Raw::Other(_) => Err(Complaint::new(
            "must be a list of names, each in double quotes",
        )),
    };
    items.iter().map(read).collect()
}

/// A list of texts.
fn read_texts<'t>(
    items: &[Raw<'t>],
    most: usize,
    syntax: Syntax,
) -> Result<Vec<&'t str>, Complaint> {
    if items.len() > most {
        let message = format!(
            "has {} entries, but at most {most} are allowed",
            items.len()
        );
        return Err(Complaint::new(message));
    }
    let read = |item: &Raw<'t>| match item {
        Raw::Text(text) => check_text(text, 253, syntax).map(|()| *text),
        Raw::Whole(_) | Raw::Flag(_) | Raw::List(_) | Raw::Other(_) => Err(Complaint::new(
            "must be a list of texts, each in double quotes",
        )),
    };
    items.iter().map(read).collect()
}

/// Status codes that end a request otherwise than well.
const CODES: RangeInclusive<u16> = 300..=699;

/// A list of status codes: numbers, as text too, and `5xx` where `classes` may be named.
fn read_codes(items: &[Raw<'_>], most: usize, classes: bool) -> Result<Vec<Codes>, Complaint> {
    if items.len() > most {
        let message = format!("has {} codes, but at most {most} are allowed", items.len());
        return Err(Complaint::new(message));
    }
    items.iter().map(|item| read_code(item, classes)).collect()
}

fn read_code(item: &Raw<'_>, classes: bool) -> Result<Codes, Complaint> {
    let code = match item {
        Raw::Whole(number) => number.and_then(|number| u16::try_from(number).ok()),
        Raw::Text(text) if text.len() == 3 => text.parse().ok(),
        Raw::Text(_) | Raw::Flag(_) | Raw::List(_) | Raw::Other(_) => None,
    };
    if let Some(code) = code.filter(|code| CODES.contains(code)) {
        return Ok(Codes::One(code));
    }
    let class = match item {
        Raw::Text(text) => text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")),
        Raw::Whole(_) | Raw::Flag(_) | Raw::List(_) | Raw::Other(_) => None,
    };
    let class = class.and_then(|class| class.parse().ok());
    if let (true, Some(class @ 3..=6)) = (classes, class) {
        return Ok(Codes::Class(class));
    }
    let found = match item {
        Raw::Text(text) => quoted(text),
        Raw::Whole(Some(number)) => number.to_string(),
        Raw::Whole(None) => "a number that is far too large".to_owned(),
        Raw::Flag(flag) => flag.to_string(),
        Raw::List(_) => "a list".to_owned(),
        Raw::Other(name) => (*name).to_owned(),
    };
    let hint = match (code, class) {
        (Some(200..300), _) | (_, Some(2)) => "an answer of that kind means that all is well",
        (_, Some(3..=6)) => "each code stands for itself here, as in [408, 503]",
        _ if classes => "for example [408, \"5xx\"]",
        _ => "for example [408, 503]",
    };
    let message = format!("has {found}, but status codes here are from 300 to 699");
    Err(Complaint::new(message).hint(hint))
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
    if text.is_empty() && !matches!(syntax, Syntax::Password | Syntax::Secret | Syntax::Token) {
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
        Syntax::Free | Syntax::Secret => Ok(()),
        Syntax::Email => check_email(text),
        Syntax::Url => check_url(text),
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
        Syntax::Credential => check_credential(text),
        Syntax::Token => check_token(text),
        Syntax::Listen => parse_listen(text).map(drop),
    }
}

/// A token stands in a header, and must not be found by trying.
fn check_token(text: &str) -> Result<(), Complaint> {
    let hint = "for example what `openssl rand -hex 32` prints";
    let length = text.chars().count();
    if length < SHORTEST_TOKEN {
        let message = format!("has {length} characters, but at least {SHORTEST_TOKEN} are needed");
        return Err(Complaint::new(message).hint(hint));
    }
    match text.chars().position(|one| !one.is_ascii_graphic()) {
        Some(at) => {
            let message = format!(
                "has a character at place {} that a header cannot have",
                at + 1
            );
            Err(Complaint::new(message).hint(hint))
        }
        None => Ok(()),
    }
}

/// A place to listen at: an address with a port, or the path of a Unix socket.
pub(super) fn parse_listen(text: &str) -> Result<Listen, Complaint> {
    if let Some(path) = text.strip_prefix("unix:") {
        if !path.starts_with('/') {
            let message = format!("has {}, which is no absolute path", quoted(text));
            return Err(Complaint::new(message).hint("for example \"unix:/run/regent/web.sock\""));
        }
        if path.len() > SOCKET_PATH_BYTES {
            let message = format!(
                "has a path of {} bytes, but at most {SOCKET_PATH_BYTES} are allowed",
                path.len()
            );
            return Err(Complaint::new(message));
        }
        return Ok(Listen::Unix(path.into()));
    }
    let address = text.parse::<SocketAddr>().ok();
    let is_good = |it: &SocketAddr| !it.ip().is_multicast() && !text.contains('%');
    address.filter(is_good).map(Listen::Tcp).ok_or_else(|| {
        let message = format!("has {}, which is no address with a port", quoted(text));
        Complaint::new(message)
            .hint("for example \"127.0.0.1:8060\", \"[::1]:8060\" or \"unix:/run/regent/web.sock\"")
    })
}

/// The longest path that the system binds a Unix socket to, in bytes.
pub(super) const SOCKET_PATH_BYTES: usize = 107;

/// Systemd passes on a credential as a file of its name, so that the name is no path.
fn check_credential(text: &str) -> Result<(), Complaint> {
    let hint = "give the name alone, as in LoadCredential=NAME:PATH of the unit";
    let odd = text
        .chars()
        .find(|one| !one.is_ascii() || "/:".contains(*one));
    match odd {
        Some(odd) => {
            let message = format!("has {odd:?}, which the name of a credential cannot have");
            Err(Complaint::new(message).hint(hint))
        }
        None if text == "." || text == ".." => {
            Err(Complaint::new("is no name of a credential").hint(hint))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
#[path = "values_tests.rs"]
mod tests;
