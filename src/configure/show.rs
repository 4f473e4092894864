//! Rows as people and programs read them. Passwords are never among what is shown.

use toml_edit::Value;

use super::apply::find;
use super::document::{Document, Path};
use super::grammar::{Target, is_secret};
use super::refusal::Refusal;
use crate::config::options::{Fallback, Kind, Opt, Table};
use crate::config::{Codes, account_name};

/// How a row is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// For people: every option, defaults marked as such.
    Text,
    /// For `configure -f`: what the file says, in the reference's syntax.
    Script,
}

/// Shows the rows of a table, or the one that is meant.
pub fn show(document: &Document, target: &Target, form: Form) -> Result<String, Refusal> {
    let mut text = String::new();
    for (at, row) in chosen(document, target)?.into_iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        match form {
            Form::Text => write_row(&mut text, document, row),
            Form::Script => write_script(&mut text, document, row, " "),
        }
    }
    Ok(text)
}

/// The same as a JSON value: one object for the row that is meant, else a list.
pub fn json(document: &Document, target: &Target) -> Result<serde_json::Value, Refusal> {
    let rows = chosen(document, target)?;
    let is_one = target.row.is_some() || !target.table.info().many;
    let mut values = rows.into_iter().map(|row| json_row(document, row));
    Ok(match is_one {
        true => values.next().unwrap_or_default(),
        false => values.collect(),
    })
}

/// All of the configuration as a script that makes it anew.
pub fn script(document: &Document) -> String {
    let mut text = String::from("configure voip\n");
    for table in Table::TOP {
        if table.info().many {
            let rows = document.rows(table);
            rows.for_each(|row| write_script(&mut text, document, row, "  "));
        } else if document.row(Path::new(table, 0)).is_some() {
            write_script(&mut text, document, Path::new(table, 0), "  ");
        }
    }
    text.push_str("exit\n");
    text
}

/// The names in a table.
pub fn names(document: &Document, table: Table) -> Vec<String> {
    document.names(table)
}

/// The addresses of a set.
pub fn addresses(document: &Document, set: &str) -> Vec<String> {
    let target = Target {
        table: Table::Proxy,
        set: Some(set.to_owned()),
        row: None,
    };
    let rows = chosen(document, &target).unwrap_or_default();
    let address = |row: Path| document.string(row, "address").map(str::to_owned);
    rows.into_iter().filter_map(address).collect()
}

/// One line for each row of a table: what it is called by, and its name.
pub fn list(document: &Document, table: Table, set: Option<&str>) -> Result<String, Refusal> {
    let target = Target {
        table,
        set: set.map(str::to_owned),
        row: None,
    };
    let mut text = String::new();
    for row in chosen(document, &target)? {
        let number = number(document, row);
        let name = match table == Table::Proxy {
            true => document.string(row, "address").map(str::to_owned),
            false => document.name(row),
        };
        let name = name.unwrap_or_default();
        let of = |key| document.string(row, key).unwrap_or_default();
        let more = match table == Table::Account {
            true => format!("  {} -> {}", of("served_ip_group"), of("serving_ip_group")),
            false => String::new(),
        };
        text.push_str(&(format!("{number:>4}  {name}{more}") + "\n"));
    }
    Ok(text)
}

fn chosen(document: &Document, target: &Target) -> Result<Vec<Path>, Refusal> {
    let table = target.table;
    if target.row.is_some() || !table.info().many {
        let missing = || super::apply::missing(document, target);
        return Ok(vec![find(document, target)?.ok_or_else(missing)?]);
    }
    if table != Table::Proxy {
        let mut rows: Vec<Path> = document.rows(table).collect();
        if table == Table::Account {
            let indexes = document.indexes();
            rows.sort_by_key(|row| indexes.get(row.at).copied());
        }
        return Ok(rows);
    }
    let set = super::apply::find_set(document, target)?;
    Ok((0..document.proxies(set)).map(|at| set.proxy(at)).collect())
}

/// The number that a row is called by.
fn number(document: &Document, row: Path) -> usize {
    match (row.proxy, row.table) {
        (Some(at), _) => at,
        (None, Table::Account) => {
            let index = document.indexes().get(row.at).copied();
            index.unwrap_or_default() as usize
        }
        (None, _) => row.at,
    }
}

fn write_row(text: &mut String, document: &Document, row: Path) {
    let table = row.kind();
    let info = table.info();
    text.push_str(info.cli);
    if info.many {
        text.push_str(&format!(" {}", number(document, row)));
    }
    text.push('\n');
    let width = table.options().map(|option| option.cli.len()).max();
    let width = width.unwrap_or_default();
    for option in table.options() {
        if let Kind::Rows(_) = option.kind {
            for at in 0..document.proxies(row) {
                let proxy = row.proxy(at);
                let label = format!("{} {at}", option.cli);
                text.push_str(&(format!("  {label:width$}  {}", address(document, proxy)) + "\n"));
            }
            continue;
        }
        let shown = match document.value(row, option.key) {
            Some(value) => shown(option, value),
            None => default_of(document, row, option),
        };
        text.push_str(&(format!("  {:width$}  {shown}", option.cli) + "\n"));
    }
}

/// An address with what is said of it, in one line.
fn address(document: &Document, proxy: Path) -> String {
    let mut text = String::new();
    for option in Table::Proxy.options() {
        if let Some(value) = document.value(proxy, option.key) {
            let shown = shown(option, value);
            match text.is_empty() {
                true => text = shown,
                false => text.push_str(&format!("  {} {shown}", option.cli)),
            }
        }
    }
    text
}

/// The value of an option as it is typed.
fn shown(option: &Opt, value: &Value) -> String {
    if is_secret(option) {
        return HIDDEN.to_owned();
    }
    match value {
        Value::String(text) => {
            let text = text.value();
            let word = option.kind.words().iter().find(|word| word.key == text);
            quoted(word.map_or(text.as_str(), |word| word.cli))
        }
        Value::Integer(number) => number.value().to_string(),
        Value::Boolean(flag) => enabled(*flag.value()).to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| match item.as_str() {
                    Some(text) => text.to_owned(),
                    None => item.to_string().trim().to_owned(),
                })
                .collect();
            quoted(&items.join(","))
        }
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => {
            value.to_string().trim().to_owned()
        }
    }
}

/// What counts where the file says nothing.
fn default_of(document: &Document, row: Path, option: &Opt) -> String {
    let value = match option.fallback {
        Fallback::Required => return "(missing)".to_owned(),
        Fallback::Nothing(meaning) => return format!("(none: {meaning})"),
        Fallback::Computed(_) if option.table == Table::Account && option.key == "index" => {
            number(document, row).to_string()
        }
        Fallback::Computed(_) if option.table == Table::Account && option.key == "name" => {
            let index = document.indexes().get(row.at).copied();
            account_name(index.unwrap_or_default())
        }
        Fallback::Computed(meaning) => return format!("(default: {meaning})"),
        Fallback::Whole(number) => number.to_string(),
        Fallback::Flag(flag) => enabled(flag).to_owned(),
        Fallback::Word(key) => {
            let word = option.kind.words().iter().find(|word| word.key == key);
            word.map_or(key, |word| word.cli).to_owned()
        }
        Fallback::Codes([]) => return "(default: none)".to_owned(),
        Fallback::Codes(codes) => written(codes),
    };
    format!("{value} (default)")
}

/// Status codes as they are typed.
pub(super) fn written(codes: &[Codes]) -> String {
    let codes: Vec<String> = codes
        .iter()
        .map(|codes| match codes {
            Codes::One(code) => code.to_string(),
            Codes::Class(class) => format!("{class}xx"),
        })
        .collect();
    codes.join(",")
}

fn enabled(flag: bool) -> &'static str {
    if flag { "enable" } else { "disable" }
}

/// A value as a script needs it.
fn quoted(text: &str) -> String {
    let is_plain = |one: char| !one.is_whitespace() && !matches!(one, '"' | '?' | '!' | '#' | '\\');
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => {
            let text = text.replace('\\', "\\\\").replace('"', "\\\"");
            let text: String = text
                .chars()
                .map(|one| if one.is_control() { '.' } else { one })
                .collect();
            format!("\"{text}\"")
        }
    }
}

fn json_row(document: &Document, row: Path) -> serde_json::Value {
    let mut object = serde_json::Map::new();
    for option in row.kind().options() {
        if let Kind::Rows(_) = option.kind {
            let rows = (0..document.proxies(row)).map(|at| json_row(document, row.proxy(at)));
            object.insert(option.key.to_owned(), rows.collect());
            continue;
        }
        let value = document.value(row, option.key);
        let is_default = value.is_none();
        let value = match (value, option.fallback) {
            (Some(_), _) if is_secret(option) => HIDDEN.into(),
            (Some(value), _) => json_value(value),
            (None, Fallback::Whole(number)) => number.into(),
            (None, Fallback::Flag(flag)) => flag.into(),
            (None, Fallback::Word(word)) => word.into(),
            (None, Fallback::Codes(codes)) => {
                let codes = written(codes);
                codes
                    .split(',')
                    .filter(|code| !code.is_empty())
                    .map(code)
                    .collect()
            }
            (None, _) if option.key == "index" => number(document, row).into(),
            (None, _) if option.key == "name" => document.name(row).into(),
            (None, Fallback::Required | Fallback::Nothing(_) | Fallback::Computed(_)) => {
                serde_json::Value::Null
            }
        };
        let shown = serde_json::json!({ "value": value, "default": is_default });
        object.insert(option.key.to_owned(), shown);
    }
    object.into()
}

fn code(text: &str) -> serde_json::Value {
    text.parse::<u16>().map_or_else(|_| text.into(), Into::into)
}

fn json_value(value: &Value) -> serde_json::Value {
    match value {
        Value::String(text) => text.value().as_str().into(),
        Value::Integer(number) => (*number.value()).into(),
        Value::Boolean(flag) => (*flag.value()).into(),
        Value::Array(items) => items.iter().map(json_value).collect(),
        Value::Float(_) | Value::Datetime(_) | Value::InlineTable(_) => {
            value.to_string().trim().into()
        }
    }
}

fn write_script(text: &mut String, document: &Document, row: Path, indent: &str) {
    let table = row.kind();
    let area = match matches!(table, Table::Account | Table::Registration) {
        true => "sip-definition ",
        false => "",
    };
    let node = format!("{area}{}", table.info().cli);
    let number = match table.info().many {
        true => format!(" {}", number(document, row)),
        false => String::new(),
    };
    text.push_str(&(format!("{indent}{node}{number}") + "\n"));
    for option in table.options() {
        let is_number = table == Table::Account && option.key == "index";
        let Some(value) = document.value(row, option.key).filter(|_| !is_number) else {
            continue;
        };
        if let Kind::Rows(_) = option.kind {
            continue;
        }
        let line = match is_secret(option) {
            true => format!("! {} is not shown", option.cli),
            false => format!("{} {}", option.cli, shown(option, value)),
        };
        text.push_str(&(format!("{indent}  {line}") + "\n"));
    }
    text.push_str(&(format!("{indent}  activate") + "\n"));
    if table == Table::ProxySet {
        for at in 0..document.proxies(row) {
            write_script(text, document, row.proxy(at), &format!("{indent}  "));
        }
    }
    text.push_str(&(format!("{indent}exit") + "\n"));
}

/// What stands for a password.
const HIDDEN: &str = "********";
