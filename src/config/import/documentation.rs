//! What is taken from which column, as a table for people.

use std::fmt::Write as _;

use super::parameters::{DEVICE_DEFAULTS, DROPPED};
use crate::config::document::fallback;
use crate::config::options::{Kind, Opt, Table};

/// The part of `docs/import.md` that follows from the table of options.
pub fn documentation() -> String {
    let mut out = String::new();
    let tables = [
        Table::Account,
        Table::IpGroup,
        Table::ProxySet,
        Table::Proxy,
        Table::SipInterface,
    ];
    for table in tables {
        let _written = writeln!(out, "### Table `{}`\n", table.info().ini);
        rows(&mut out, "column", table.options());
    }
    out.push_str("### Parameters\n\n");
    let parameters = [Table::Agent, Table::Registration].into_iter();
    rows(&mut out, "parameter", parameters.flat_map(Table::options));
    out.push_str("### Parameters without a counterpart\n\n| parameter | why |\n|---|---|\n");
    for (name, why) in DROPPED {
        let _written = writeln!(out, "| `{name}` | {why} |");
    }
    out.push('\n');
    out
}

fn rows(out: &mut String, what: &str, options: impl Iterator<Item = &'static Opt>) {
    let _written = writeln!(
        out,
        "| {what} | becomes | values | without it |\n|---|---|---|---|"
    );
    for option in options.filter(|option| !option.ini.is_empty()) {
        let names: Vec<String> = option.ini.iter().map(|name| format!("`{name}`")).collect();
        let _written = writeln!(
            out,
            "| {} | `{}` | {} | {} |",
            names.join(", "),
            key(option),
            values(option),
            default(option)
        );
    }
    out.push('\n');
}

/// The option that holds it: passwords go into files.
fn key(option: &Opt) -> String {
    match option.key.starts_with("password") {
        true => format!("{}_file", option.key),
        false => option.key.to_owned(),
    }
}

fn values(option: &Opt) -> String {
    match option.kind {
        Kind::Words(words) => {
            let known = words.iter().filter_map(|word| Some((word.ini?, word.key)));
            let known: Vec<String> = known
                .map(|(number, key)| format!("{number} `{key}`"))
                .collect();
            known.join(", ")
        }
        Kind::Flag => "0 `false`, 1 `true`".to_owned(),
        Kind::Whole { min, max, unit } => format!("{min} to {max}{unit}"),
        Kind::Text { max, .. } => format!("up to {max} characters"),
        Kind::Reference(table) => format!("name of a row of `{}`", table.info().ini),
        Kind::Codes { most, .. } => format!("up to {most} status codes"),
        Kind::Ip => "name of a network interface".to_owned(),
        Kind::Peer => "IP address or name, with or without a port".to_owned(),
        Kind::Ports => "`FIRST-LAST`".to_owned(),
        Kind::Addresses { .. } | Kind::Texts { .. } | Kind::Names(_) | Kind::Rows(_) => {
            String::new()
        }
    }
}

fn default(option: &Opt) -> String {
    let device = DEVICE_DEFAULTS.iter().find(|(key, _)| *key == option.key);
    match (device, fallback(option)) {
        (Some((_, value)), Ok(own)) => format!("`{value}`, the device's default; ours is `{own}`"),
        (Some((_, value)), Err(_)) => format!("`{value}`, the device's default"),
        (None, Ok(own)) if option.key == "redundancy" || option.key == "dns_resolve_method" => {
            format!("the device's parameter of that kind, else `{own}`")
        }
        (None, Ok(own)) => format!("`{own}`"),
        (None, Err(words)) => words.to_owned(),
    }
}
