//! What can be said at a place: the answer to `?`, and the list in the documentation.

use super::grammar::TABLES;
use super::show::written;
use crate::config::options::{Fallback, Kind, Opt, SHORTEST_TOKEN, Syntax, Table};

/// One line for each option of a table: name, what it may hold, default.
pub fn options(table: Table) -> String {
    let width = table.options().map(|option| option.cli.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for option in table.options() {
        text.push_str(&(format!("  {:width$}  {}", option.cli, facts(option)) + "\n"));
    }
    text
}

/// What one option may hold, its default and what it is for.
pub fn option(option: &Opt) -> String {
    let mut text = format!("{}: {}\n\n", option.cli, facts(option));
    if let Kind::Words(words) = option.kind {
        let width = words.iter().map(|word| word.cli.len()).max();
        let width = width.unwrap_or_default();
        for word in words {
            text.push_str(&(format!("  {:width$}  {}", word.cli, word.doc) + "\n"));
        }
        text.push('\n');
    }
    text.push_str(&wrapped(option.doc));
    text
}

fn facts(option: &Opt) -> String {
    format!("{}; {}", holds(option), fallback(option))
}

fn holds(option: &Opt) -> String {
    match option.kind {
        Kind::Text { max, syntax } => text_of(max, syntax),
        Kind::Texts { most, syntax } => {
            let what = if syntax == Syntax::Listen {
                LISTEN
            } else {
                "domain names or IP addresses"
            };
            format!("up to {most}, with commas between: {what}")
        }
        Kind::Whole { min, max, unit } => format!("{min} to {max}{unit}"),
        Kind::Flag => "enable | disable".to_owned(),
        Kind::Words(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.cli).collect();
            words.join(" | ")
        }
        Kind::Ip => "IP address".to_owned(),
        Kind::Peer => "IP address or domain name, with or without a port".to_owned(),
        Kind::Ports => "FIRST-LAST, from 1025 to 65535".to_owned(),
        Kind::Addresses { most, .. } => {
            format!("up to {most} IP addresses with or without ports, with commas between")
        }
        Kind::Codes { most, classes } => {
            let all = if classes { ", or 5xx" } else { "" };
            format!("up to {most} status codes from 300 to 699{all}, with commas between")
        }
        Kind::Reference(table) => format!("name of a {}", table.info().cli),
        Kind::Names(table) => {
            format!(
                "all, or names of {} with commas between",
                table.info().plural
            )
        }
        Kind::Rows(_) => "addresses with commas between".to_owned(),
    }
}

/// What a text of a syntax may be.
fn text_of(max: usize, syntax: Syntax) -> String {
    let what = match syntax {
        Syntax::Free | Syntax::Password | Syntax::Secret => {
            return format!("text, up to {max} characters");
        }
        Syntax::Token => return format!("text, {SHORTEST_TOKEN} to {max} characters"),
        Syntax::Host => "domain name or IP address",
        Syntax::HostPort => "domain name or IP address, with or without a port",
        Syntax::Variable => "name of a variable",
        Syntax::Email => "e-mail address",
        Syntax::Url => "http or https address",
        Syntax::Credential => "name of a credential",
        Syntax::Listen => LISTEN,
    };
    what.to_owned()
}

const LISTEN: &str = "IP address with a port, or unix:PATH";

fn fallback(option: &Opt) -> String {
    match option.fallback {
        Fallback::Required => "required".to_owned(),
        Fallback::Nothing(meaning) => format!("default none: {meaning}"),
        Fallback::Computed(value) => format!("default {value}"),
        Fallback::Whole(number) => format!("default {number}"),
        Fallback::Flag(true) => "default enable".to_owned(),
        Fallback::Flag(false) => "default disable".to_owned(),
        Fallback::Word(key) => {
            let word = option.kind.words().iter().find(|word| word.key == key);
            format!("default {}", word.map_or(key, |word| word.cli))
        }
        Fallback::Codes([]) => "default none".to_owned(),
        Fallback::Codes(codes) => format!("default {}", written(codes)),
    }
}

/// The names of everything, as they stand in `docs/configure.md`.
pub fn reference() -> String {
    let mut text = String::new();
    for table in TABLES {
        let info = table.info();
        text.push_str(&format!("### `{}`\n\n{}\n\n", info.cli, info.doc));
        text.push_str("| name | in the file | holds |\n|---|---|---|\n");
        for option in table.options() {
            let facts = facts(option).replace('|', "\\|");
            text.push_str(&(format!("| `{}` | `{}` | {facts} |", option.cli, option.key) + "\n"));
        }
        text.push('\n');
    }
    text
}

/// A paragraph in lines.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut width = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            lines.push('\n');
            width = 0;
        }
        if width > 0 {
            lines.push(' ');
            width += 1;
        }
        lines.push_str(word);
        width += length;
    }
    lines.push('\n');
    lines
}

/// Paragraphs are broken at this column.
const WIDTH: usize = 80;
