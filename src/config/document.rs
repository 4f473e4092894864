//! The documented configuration: every option of the table, in a file that can be loaded as it
//! stands.

use super::Codes;
use super::options::{Fallback, Kind, Opt, SHORTEST_TOKEN, Syntax, Table};

/// Comments are broken at this column.
const WIDTH: usize = 100;

/// Options that the documented file sets although they may be left out, so that it means something.
const SHOWN: [(Table, &str); 7] = [
    (Table::SipInterface, "udp_port"),
    (Table::IpGroup, "proxy_set"),
    (Table::Account, "name"),
    (Table::Account, "user_name"),
    (Table::Account, "password"),
    (Table::Account, "register"),
    (Table::Alert, "email"),
];

/// The text of `conf/regent.toml`: every option with its meaning, range and default. What may be
/// left out is commented out, as `#key = value`, with the default as its value where there is one.
pub fn documentation() -> String {
    let mut out = String::new();
    comment(
        &mut out,
        "",
        "The configuration of regent: every option with its meaning, its range and its default. A \
         line that begins with \"#\" and a key shows an option that may be left out, with its \
         default where it has one. \"regent check FILE\" says all that is wrong with a file.",
    );
    out.push_str("#\n");
    comment(
        &mut out,
        "",
        "\"ini: NAME\" is the name by which the ini files of AudioCodes session border controllers \
         know the same thing; what has no such name is regent's own. `regent import` reads those \
         files.",
    );
    for table in Table::TOP {
        section(&mut out, table);
    }
    out
}

fn section(out: &mut String, table: Table) {
    let info = table.info();
    out.push_str("\n\n");
    comment(out, "", info.doc);
    let (open, close) = if info.many { ("[[", "]]") } else { ("[", "]") };
    let header = format!("{open}{}{close}\n", info.key);
    out.push_str(&header);
    for option in table.options() {
        out.push('\n');
        comment(out, "", option.doc);
        comment(out, "", &facts(option));
        if let Kind::Rows(inner) = option.kind {
            for option in inner.options() {
                let text = format!("{}: {} {}", option.key, option.doc, facts(option));
                comment(out, "  ", &text);
            }
        }
        out.push_str(&setting(option));
    }
    if table == Table::IpGroup {
        out.push_str("\n# A group that is only served needs no more than a name.\n");
        out.push_str(&header);
        out.push_str("name = \"PBX\"\n");
    }
}

/// The line that sets an option.
fn setting(option: &Opt) -> String {
    let is_required = matches!(option.fallback, Fallback::Required);
    let is_set = is_required || SHOWN.contains(&(option.table, option.key));
    let value = match option.fallback {
        Fallback::Whole(number) if !is_set => number.to_string(),
        Fallback::Flag(flag) if !is_set => flag.to_string(),
        Fallback::Word(word) if !is_set => format!("\"{word}\""),
        // An empty list would show nothing of what may be in one.
        Fallback::Codes(codes) if !is_set && !codes.is_empty() => written(codes),
        Fallback::Whole(_)
        | Fallback::Flag(_)
        | Fallback::Word(_)
        | Fallback::Codes(_)
        | Fallback::Required
        | Fallback::Nothing(_)
        | Fallback::Computed(_) => option.example.to_owned(),
    };
    format!(
        "{}{} = {value}\n",
        if is_set { "" } else { "#" },
        option.key
    )
}

/// What stands for an option that is absent: a value as TOML, else in words.
pub(super) fn fallback(option: &Opt) -> Result<String, &'static str> {
    match option.fallback {
        Fallback::Whole(number) => Ok(number.to_string()),
        Fallback::Flag(flag) => Ok(flag.to_string()),
        Fallback::Word(word) => Ok(format!("\"{word}\"")),
        Fallback::Codes(codes) => Ok(written(codes)),
        Fallback::Required => Err("it must be there"),
        Fallback::Nothing(words) | Fallback::Computed(words) => Err(words),
    }
}

/// What an option may hold, what stands for it, and what the ini file calls it.
fn facts(option: &Opt) -> String {
    if let Kind::Rows(_) = option.kind {
        return "Required. A list of tables with these keys:".to_owned();
    }
    let mut facts = vec![holds(option)];
    facts.push(match option.fallback {
        Fallback::Required => "Required.".to_owned(),
        Fallback::Nothing(meaning) => format!("Without it: {meaning}."),
        Fallback::Computed(value) => format!("Default: {value}."),
        Fallback::Whole(number) => format!("Default: {number}."),
        Fallback::Flag(flag) => format!("Default: {flag}."),
        Fallback::Word(word) => format!("Default: \"{word}\"."),
        Fallback::Codes([]) => "Default: none.".to_owned(),
        Fallback::Codes(codes) => format!("Default: {}.", written(codes)),
    });
    if let Some(name) = option.ini.first() {
        facts.push(format!("ini: {name}."));
    }
    facts.join(" ")
}

fn holds(option: &Opt) -> String {
    match option.kind {
        Kind::Text { max, syntax } => {
            let what = match syntax {
                Syntax::Free => "Text",
                Syntax::Email => "E-mail address",
                Syntax::Url => "Address of the web",
                Syntax::Password | Syntax::Secret => {
                    return format!("Text of up to {max} characters.");
                }
                Syntax::Host => "Domain name or IP address",
                Syntax::HostPort => "Domain name or IP address, with or without a port,",
                Syntax::Variable => "Name of a variable",
                Syntax::Credential => "Name of a credential",
                Syntax::Token => {
                    return format!(
                        "Text of {SHORTEST_TOKEN} to {max} characters, without blanks."
                    );
                }
                Syntax::Listen => "IP address with a port, or unix:PATH,",
            };
            format!("{what} of up to {max} characters.")
        }
        Kind::Whole { min, max, unit } => format!("Number from {min} to {max}{unit}."),
        Kind::Flag => "true or false.".to_owned(),
        Kind::Words(words) => {
            let words = words
                .iter()
                .map(|word| format!("\"{}\" ({})", word.key, word.doc));
            format!("One of {}.", words.collect::<Vec<_>>().join(", "))
        }
        Kind::Ip => "IP address.".to_owned(),
        Kind::Peer => "IP address or domain name, with or without a port.".to_owned(),
        Kind::Ports => "First and last port, from 1025 to 65535, with \"-\" between.".to_owned(),
        Kind::Addresses { most, port } => format!(
            "List of at most {most} IP addresses, each with or without a port, which is {port} then."
        ),
        Kind::Texts { most, syntax } => {
            let what = match syntax == Syntax::Listen {
                true => "addresses with ports, or unix:PATH",
                false => "domain names or IP addresses",
            };
            format!("List of at most {most} {what}.")
        }
        Kind::Codes { most, classes } => {
            let all = if classes {
                ", or \"5xx\" for all of a hundred"
            } else {
                ""
            };
            format!("List of at most {most} status codes from 300 to 699{all}.")
        }
        Kind::Reference(table) => format!("Name of a [[{}]].", table.info().key),
        Kind::Names(table) => format!("\"all\", or a list of names of [[{}]].", table.info().key),
        Kind::Rows(_) => "List of tables.".to_owned(),
    }
}

/// Status codes as TOML.
pub(super) fn written(codes: &[Codes]) -> String {
    let codes: Vec<String> = codes
        .iter()
        .map(|codes| match codes {
            Codes::One(code) => code.to_string(),
            Codes::Class(class) => format!("\"{class}xx\""),
        })
        .collect();
    format!("[{}]", codes.join(", "))
}

/// Adds a comment, broken into lines; the second and later ones are indented further if the first
/// is.
fn comment(out: &mut String, indent: &str, text: &str) {
    let mut line = format!("#{indent}");
    let start = line.len();
    for word in text.split_whitespace() {
        if line.len() > start && line.chars().count() + 1 + word.chars().count() > WIDTH {
            out.push_str(&line);
            out.push('\n');
            line = format!("#{indent}{indent}");
        }
        line.push(' ');
        line.push_str(word);
    }
    out.push_str(&line);
    out.push('\n');
}
