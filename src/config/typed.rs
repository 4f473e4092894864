//! A single value as a person types it at a command line, where there are no quotes to tell text
//! from numbers.
//!
//! It judges what [`accept`] judges, so that a value that is taken here is taken in the file too.
//! The reference's words for a thing are as good as our own.

use super::options::{Kind, Opt, Table};
use super::suggest::{list, nearest, quoted};
use super::values::{Complaint, Raw, accept};

/// A value as it is to stand in the configuration. It may be a password, so it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub enum Typed {
    /// Text.
    Text(String),
    /// A whole number.
    Whole(u64),
    /// `true` or `false`.
    Flag(bool),
    /// A list of texts and numbers.
    List(Vec<Self>),
    /// A list of tables, each with an address and nothing else.
    Addresses(Vec<String>),
}

/// Why an option may not hold what was typed. The message follows the option's name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Misfit {
    /// What is wrong: lower-case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<Complaint> for Misfit {
    fn from(Complaint { message, hint }: Complaint) -> Self {
        Self { message, hint }
    }
}

/// Takes what was typed for an option.
pub fn typed(option: &Opt, text: &str) -> Result<Typed, Misfit> {
    match option.kind {
        Kind::Whole { .. } => {
            let Ok(number) = text.parse::<i128>() else {
                let message = format!("must be a whole number, not {}", quoted(text));
                return Err(Complaint::new(message).into());
            };
            accept(option, Raw::Whole(i64::try_from(number).ok()))?;
            Ok(Typed::Whole(u64::try_from(number).unwrap_or_default()))
        }
        Kind::Flag => match text.to_ascii_lowercase().as_str() {
            "true" | "enable" | "on" | "yes" | "1" => Ok(Typed::Flag(true)),
            "false" | "disable" | "off" | "no" | "0" => Ok(Typed::Flag(false)),
            _ => {
                let message = format!("is {}, but must be enable or disable", quoted(text));
                Err(Complaint::new(message).into())
            }
        },
        Kind::Words(words) => {
            let find = |name: &str| {
                let own = words.iter().find(|word| word.key == name);
                own.or_else(|| words.iter().find(|word| word.cli == name))
            };
            if let Some(word) = find(text).or_else(|| find(&text.to_ascii_lowercase())) {
                return Ok(Typed::Text(word.key.to_owned()));
            }
            let names: Vec<&str> = words.iter().map(|word| word.cli).collect();
            let all = words.iter().flat_map(|word| [word.cli, word.key]);
            let known = list(names.into_iter());
            let hint = match nearest(text, all) {
                Some(near) => format!("did you mean {}? Words are {known}", quoted(near)),
                None => format!("words are {known}"),
            };
            let message = format!("is {}, which is none of its words", quoted(text));
            Err(Complaint::new(message).hint(hint).into())
        }
        Kind::Names(_) if text == "all" => Ok(Typed::Text(text.to_owned())),
        Kind::Addresses { .. } | Kind::Texts { .. } | Kind::Codes { .. } | Kind::Names(_) => {
            read_list(option, text)
        }
        Kind::Rows(table) => read_rows(table, text),
        Kind::Text { .. } | Kind::Ip | Kind::Peer | Kind::Ports | Kind::Reference(_) => {
            accept(option, Raw::Text(text))?;
            Ok(Typed::Text(text.to_owned()))
        }
    }
}

/// A list, with commas or blanks between.
fn read_list(option: &Opt, text: &str) -> Result<Typed, Misfit> {
    let items: Vec<&str> = pieces(text).collect();
    accept(
        option,
        Raw::List(items.iter().copied().map(Raw::Text).collect()),
    )?;
    let item = |item: &&str| match (option.kind, item.parse()) {
        (Kind::Codes { .. }, Ok(code)) => Typed::Whole(code),
        (Kind::Codes { .. }, Err(_)) => Typed::Text(item.to_ascii_lowercase()),
        _ => Typed::Text((*item).to_owned()),
    };
    Ok(Typed::List(items.iter().map(item).collect()))
}

/// The addresses of a list of tables.
fn read_rows(table: Table, text: &str) -> Result<Typed, Misfit> {
    let addresses: Vec<String> = pieces(text).map(str::to_owned).collect();
    if addresses.is_empty() {
        let message = "is empty";
        return Err(Complaint::new(message)
            .hint("for example 192.0.2.1,sip.carrier.example:5070")
            .into());
    }
    if let Some(option) = table.option("address") {
        for address in &addresses {
            accept(option, Raw::Text(address))?;
        }
    }
    Ok(Typed::Addresses(addresses))
}

fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split([',', ' ', '\t']);
    pieces.filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::options::OPTIONS;

    fn option(table: Table, key: &str) -> &'static Opt {
        table.option(key).unwrap()
    }

    fn said(table: Table, key: &str, text: &str) -> String {
        match typed(option(table, key), text) {
            Ok(Typed::Text(text)) => format!("text {text}"),
            Ok(Typed::Whole(number)) => format!("whole {number}"),
            Ok(Typed::Flag(flag)) => format!("flag {flag}"),
            Ok(Typed::List(items)) => format!("list of {}", items.len()),
            Ok(Typed::Addresses(items)) => format!("rows {}", items.join(" ")),
            Err(Misfit { message, hint }) => format!("{message} ({})", hint.unwrap_or_default()),
        }
    }

    // Rule G3.
    #[test]
    fn every_word_is_taken_in_both_languages_and_means_one_thing() {
        for option in OPTIONS {
            let Kind::Words(words) = option.kind else {
                continue;
            };
            for word in words {
                for text in [word.key, word.cli] {
                    assert!(
                        typed(option, text) == Ok(Typed::Text(word.key.to_owned())),
                        "{} {text}",
                        option.key
                    );
                }
            }
        }
    }

    #[test]
    fn values_are_taken_as_their_option_wants_them() {
        for (table, key, text, wanted) in [
            (Table::Account, "index", "3", "whole 3"),
            (Table::Account, "user_name", "3", "text 3"),
            (Table::Account, "udp_port_assignment", "Enable", "flag true"),
            (Table::Account, "udp_port_assignment", "0", "flag false"),
            (
                Table::ProxySet,
                "keep_alive_failure_responses",
                "407,404",
                "list of 2",
            ),
            (
                Table::Registration,
                "failover_codes",
                "408 5XX",
                "list of 2",
            ),
            (Table::Registration, "failover_codes", "", "list of 0"),
            (
                Table::Agent,
                "dns_servers",
                "[2001:db8::53]:53, 192.0.2.53",
                "list of 2",
            ),
            (
                Table::ProxySet,
                "proxy",
                "192.0.2.1,192.0.2.2:5070",
                "rows 192.0.2.1 192.0.2.2:5070",
            ),
        ] {
            assert_eq!(said(table, key, text), wanted, "{key} {text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_said_with_what_would() {
        for (table, key, text, wanted) in [
            (
                Table::Registration,
                "registration_time_secs",
                "5",
                "is 5, but must be 10 to 2000000 seconds ()",
            ),
            (
                Table::Registration,
                "registration_time_secs",
                "-1",
                "is -1, but must be 10 to 2000000 seconds ()",
            ),
            (
                Table::Registration,
                "registration_time_secs",
                "99999999999999999999",
                "is far too large, but must be 10 to 2000000 seconds ()",
            ),
            (
                Table::Registration,
                "registration_time_secs",
                "soon",
                "must be a whole number, not \"soon\" ()",
            ),
            (
                Table::Account,
                "registrar_search_mode",
                "by-ims-spek",
                "is \"by-ims-spek\", which is none of its words (did you mean \"by-ims-spec\"? Words \
                 are \"current-server\", \"by-ims-spec\", \"avoid-previous-registrar-until-expiry\")",
            ),
            (
                Table::Account,
                "udp_port_assignment",
                "perhaps",
                "is \"perhaps\", but must be enable or disable ()",
            ),
            (
                Table::SipInterface,
                "address",
                "outside",
                "is \"outside\", which is no IP address ()",
            ),
        ] {
            let found = said(table, key, text);
            let start = wanted.trim_end_matches(" ()");
            assert!(found.starts_with(start), "{found}");
        }
        let secret = said(Table::Account, "password", &"hunter2".repeat(8));
        assert!(!secret.contains("hunter"), "{secret}");
    }
}
