//! The words of `configure`: which table, which option, which value. The reference's names and our
//! own keys mean the same.

use super::refusal::{Place, Refusal};
use crate::config::options::{Kind, Opt, Syntax, Table};
use crate::config::{Typed, nearest, typed};

/// All tables that can be changed, in the order of the documentation.
pub const TABLES: [Table; 10] = [
    Table::Agent,
    Table::Registration,
    Table::SipInterface,
    Table::ProxySet,
    Table::Proxy,
    Table::IpGroup,
    Table::Account,
    Table::Mail,
    Table::Alert,
    Table::Web,
];

/// The value that an option is to get.
#[derive(Clone)]
pub struct Setting {
    /// Which option.
    pub option: &'static Opt,
    /// Its value; none lets the default count.
    pub value: Option<Typed>,
    /// Where it was said.
    pub place: Place,
}

/// What becomes of a row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verb {
    /// It must be new.
    Add,
    /// It must be there.
    Set,
    /// It is made if it is not there.
    Put,
    /// It goes.
    Remove,
    /// All its options but its name go back to their defaults.
    Defaults,
}

/// Which row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// In which table.
    pub table: Table,
    /// The set that an address belongs to, by name or place.
    pub set: Option<String>,
    /// Its name, or the index of an Account, or its place in the file; none stands for a new one,
    /// or for the one of a table that there is once.
    pub row: Option<String>,
}

/// One change.
#[derive(Clone)]
pub struct Change {
    /// Where it was said.
    pub place: Place,
    /// Which row.
    pub target: Target,
    /// What becomes of it.
    pub verb: Verb,
    /// What its options become.
    pub settings: Vec<Setting>,
}

/// What an option of a row is called: as the reference does, by our key, or by our key with
/// hyphens.
pub fn option(table: Table, word: &str) -> Result<&'static Opt, Refusal> {
    let plain = word.to_ascii_lowercase();
    let key = plain.replace('-', "_");
    let found = table.options().find(|option| option.cli == plain);
    if let Some(found) = found.or_else(|| table.option(&key)) {
        return Ok(found);
    }
    let node = table.info().cli;
    let names = table.options().flat_map(|option| [option.cli, option.key]);
    let elsewhere = TABLES.into_iter().find(|other| {
        let mut options = other.options();
        *other != table && options.any(|option| option.cli == plain || option.key == key)
    });
    let refusal = Refusal::new(format!("{node} has no parameter {word:?}"));
    Err(match (nearest(word, names), elsewhere) {
        (Some(near), _) => refusal.hint(format!("did you mean {near:?}?")),
        (None, Some(other)) => refusal.hint(format!("it belongs to {}", other.info().cli)),
        (None, None) => refusal.hint(format!("`{}` lists them", listing(table))),
    })
}

/// The command that lists the options of a table.
fn listing(table: Table) -> String {
    format!("regent configure {} set ?", table.info().cli)
}

/// What a table is called: as the reference does, or by our key.
pub fn table(word: &str) -> Option<Table> {
    let plain = word.to_ascii_lowercase().replace('_', "-");
    let known = TABLES.into_iter().find(|table| table.info().cli == plain);
    known.or(match plain.as_str() {
        "registration" | "settings" => Some(Table::Registration),
        "proxy" => Some(Table::Proxy),
        _ => None,
    })
}

/// What an option is to become.
pub fn setting(option: &'static Opt, text: &str, place: Place) -> Result<Setting, Refusal> {
    let misfit = |misfit| Refusal::misfit(option, misfit).at(place);
    let value = typed(option, text).map_err(misfit)?;
    Ok(Setting {
        option,
        value: Some(value),
        place,
    })
}

/// Parameters of the reference that have no meaning here, so that a script of a device can name
/// them.
pub fn is_foreign(table: Table, word: &str) -> bool {
    let plain = word.to_ascii_lowercase();
    let mut known = FOREIGN.iter().filter(|(of, _)| *of == table);
    known.any(|(_, words)| words.contains(&plain.as_str()))
}

/// Whether an option's value is never shown.
pub fn is_secret(option: &Opt) -> bool {
    let Kind::Text { syntax, .. } = option.kind else {
        return false;
    };
    matches!(syntax, Syntax::Password | Syntax::Secret | Syntax::Token)
}

/// The option that names a row.
pub(super) fn name_of(table: Table) -> Option<&'static Opt> {
    table.option("name")
}

/// Parameters of the reference that have no counterpart.
const FOREIGN: &[(Table, &[&str])] = &[
    (Table::Account, &["served-trunk-group", "application-type"]),
    (
        Table::IpGroup,
        &[
            "always-use-route-table",
            "always-use-source-addr",
            "authentication-method-list",
            "classify-by-proxy-set",
            "inbound-mesg-manipulation-set",
            "ip-profile-name",
            "max-num-of-reg-users",
            "media-realm-name",
            "outbound-mesg-manipulation-set",
            "qoe-profile",
            "registration-mode",
            "sbc-operation-mode",
            "srd-name",
            "topology-location",
            "type",
        ],
    ),
    (
        Table::ProxySet,
        &[
            "accept-dhcp-proxy-list",
            "classification-input",
            "srd-name",
            "tls-context-name",
        ],
    ),
    (
        Table::SipInterface,
        &[
            "application-type",
            "media-realm-name",
            "sbc-direct-media",
            "srd-name",
            "tcp-port",
            "tls-context-name",
            "tls-port",
            "topology-location",
        ],
    ),
];
