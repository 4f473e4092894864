//! Passwords that live outside the configuration: each is asked for once, and what is wrong with
//! them is said.

use std::collections::BTreeMap;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::check::{SAME_TOKEN, SAME_TOKEN_HINT, derived_name, free_indexes};
use super::diagnostic::Diagnostic;
use super::faults::{Place, offset};
use super::options::*;
use super::suggest::quoted;
use super::values::check_text;
use super::{Config, Credentials, IpGroup, Loaded, SecretSource, Severity, Span, Web};
use crate::secret::Secret;

/// Why a password could not be had, in the words of a diagnostic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretFault {
    /// What is wrong: lower-case, no full stop, says which file or variable.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl SecretFault {
    /// A fault without a hint.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(hint.into()),
            ..self
        }
    }
}

/// The longest password, in characters (rule G1).
const LONGEST: usize = 50;

impl Loaded {
    /// Fetches the passwords that come from files and the environment. `text` is what was loaded;
    /// `read` is asked once for each distinct source, in the order of the text. Its faults join the
    /// diagnostics, and no configuration is left then. Where there is none to begin with, what is
    /// wrong with the sources is told all the same, so that one run tells everything.
    #[must_use]
    pub fn with_secrets(
        self,
        text: &str,
        mut read: impl FnMut(&SecretSource) -> Result<Secret, SecretFault>,
    ) -> Self {
        let Self {
            config,
            diagnostics,
        } = self;
        let wanted = config
            .as_ref()
            .map_or_else(|| written(text), Config::wanted);
        let mut known: BTreeMap<Source, Option<Secret>> = BTreeMap::new();
        let mut found = Vec::new();
        let mut place = Place::new(text);
        for (span, wanted) in wanted {
            let Some(source) = Source::of(&wanted.source) else {
                continue;
            };
            if known.contains_key(&source) {
                continue;
            }
            let secret = read(&wanted.source);
            let secret = secret.and_then(|secret| check(&source, wanted.table, secret));
            let secret = secret.map_err(|fault| {
                place.advance(span.start);
                found.push(wanted.diagnostic(&source, fault, diagnostics.file(), &place));
            });
            known.insert(source, secret.ok());
        }
        let mut config = config.filter(|_| found.is_empty());
        if let Some(config) = &mut config {
            config.fill(&known);
            found.extend(config.same_token(text, diagnostics.file()));
        }
        let config = config.filter(|_| found.is_empty());
        Self {
            config,
            diagnostics: diagnostics.merged(found),
        }
    }
}

/// A place outside the configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    File(Arc<str>),
    Variable(Arc<str>),
    Credential(Arc<str>),
}

impl Source {
    fn of(source: &SecretSource) -> Option<Self> {
        match source {
            SecretSource::Absent | SecretSource::Inline => None,
            SecretSource::File(name, _) => Some(Self::File(name.clone())),
            SecretSource::Environment(name, _) => Some(Self::Variable(name.clone())),
            SecretSource::Credential(name, _) => Some(Self::Credential(name.clone())),
        }
    }
}

/// Who wants a password.
struct Wanted {
    table: Table,
    name: Arc<str>,
    source: SecretSource,
    /// The options that can name a file, a variable, a credential.
    places: Places,
}

/// Where a password that is not in the configuration can be: in a file, a variable, a credential.
type Places = [&'static Opt; 3];

impl Wanted {
    fn diagnostic(
        &self,
        source: &Source,
        fault: SecretFault,
        text: &Arc<str>,
        place: &Place<'_>,
    ) -> Diagnostic {
        let [file, variable, credential] = self.places;
        let option = match source {
            Source::File(_) => file,
            Source::Variable(_) => variable,
            Source::Credential(_) => credential,
        };
        let noun = self.table.info().noun;
        let label = match &*self.name {
            "" => noun.to_owned(),
            name => format!("{noun} {}", quoted(name)),
        };
        Diagnostic {
            severity: Severity::Error,
            file: text.clone(),
            line: place.line,
            column: place.column,
            key: option.key.to_owned(),
            message: format!("{label}: {}", fault.message),
            hint: fault.hint,
        }
    }
}

/// Judges a password as if it stood in the configuration, but for an empty one: a source that gives
/// nothing is a mistake.
fn check(source: &Source, table: Table, secret: Secret) -> Result<Secret, SecretFault> {
    // Only SIP's are bound by what the reference allows in a password.
    let (noun, longest, syntax) = match table {
        Table::Alert => ("secret", LONGEST_SECRET, Syntax::Secret),
        Table::Mail => ("password", LONGEST_SECRET, Syntax::Secret),
        Table::Web => ("token", LONGEST_TOKEN, Syntax::Token),
        Table::Agent
        | Table::Registration
        | Table::SipInterface
        | Table::ProxySet
        | Table::Proxy
        | Table::IpGroup
        | Table::Account => ("password", LONGEST, Syntax::Password),
    };
    let what = match source {
        Source::File(name) => format!("the {noun} in {}", quoted(name)),
        Source::Variable(name) => format!("the {noun} in the variable {}", quoted(name)),
        Source::Credential(name) => format!("the {noun} in the credential {}", quoted(name)),
    };
    if secret.is_empty() {
        let fault = SecretFault::new(format!("{what} is empty"));
        return Err(match source {
            Source::File(_) => fault.hint("it is the first line of that file"),
            Source::Credential(_) => fault.hint("it is the first line of that credential"),
            Source::Variable(_) => fault,
        });
    }
    match check_text(secret.reveal(), longest, syntax) {
        Ok(()) => Ok(secret),
        Err(complaint) => Err(SecretFault {
            message: format!("{what} {}", complaint.message),
            hint: complaint.hint,
        }),
    }
}

/// Who wants a password from outside, in the order of a text that no configuration came of.
fn written(text: &str) -> Vec<(Span, Wanted)> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let is_damaged = !errors.is_empty();
    let mut wanted = Vec::new();
    for (key, rows) in root.get_ref() {
        let tables = [
            Table::IpGroup,
            Table::Account,
            Table::Mail,
            Table::Alert,
            Table::Web,
        ];
        let table = tables.into_iter().find(|it| it.info().key == key.get_ref());
        let (table, rows) = match (table, rows.get_ref()) {
            (Some(Table::Web), DeValue::Table(row)) => {
                for places in [TOKEN, READ_TOKEN] {
                    wanted.extend(Wanted::of(row, Table::Web, None, places));
                }
                continue;
            }
            (Some(table @ Table::Mail), DeValue::Table(row)) => {
                wanted.extend(Wanted::written(table, row));
                continue;
            }
            (Some(table), DeValue::Array(rows)) if table.info().many => (table, rows),
            _ => continue,
        };
        let rows: Vec<_> = rows.iter().map(|row| row.get_ref().as_table()).collect();
        let given: Vec<_> = rows.iter().map(|row| index(row.as_ref()?)).collect();
        for (row, index) in rows.into_iter().zip(free_indexes(&given)) {
            let found = row.and_then(|row| Wanted::written(table, row));
            wanted.extend(found.map(|(span, mut wanted)| {
                let is_unnamed = wanted.name.is_empty() && table == Table::Account;
                if is_unnamed && !is_damaged {
                    wanted.name = derived_name(index).into();
                }
                (span, wanted)
            }));
        }
    }
    wanted.sort_by_key(|(span, _)| span.start);
    wanted
}

/// The index that a row of the table of Accounts is given.
fn index(row: &DeTable<'_>) -> Option<u32> {
    let index = row.get(ACCOUNT_INDEX.key)?.get_ref().as_integer()?;
    u32::from_str_radix(index.as_str(), index.radix()).ok()
}

impl Wanted {
    /// What a row asks for, as far as it can be read. What is wrong with the rest of it is told
    /// elsewhere.
    fn written(table: Table, row: &DeTable<'_>) -> Option<(Span, Self)> {
        // What the secret is for: without it nobody needs one.
        let (name, purpose) = match table {
            Table::IpGroup => (Some(&GROUP_NAME), Some(&GROUP_USER_NAME_AS_CLIENT)),
            Table::Mail => (None, Some(&MAIL_USER_NAME)),
            Table::Alert => (Some(&ALERT_NAME), Some(&ALERT_WEBHOOK)),
            Table::Web => (None, None),
            Table::Agent
            | Table::Registration
            | Table::SipInterface
            | Table::ProxySet
            | Table::Proxy
            | Table::Account => (Some(&ACCOUNT_NAME), Some(&ACCOUNT_USER_NAME)),
        };
        if let Some(purpose) = purpose {
            text(row, purpose)?;
        }
        Self::of(row, table, name, places(table))
    }

    /// What a row asks for by one of these options.
    fn of(
        row: &DeTable<'_>,
        table: Table,
        name: Option<&Opt>,
        places: Places,
    ) -> Option<(Span, Self)> {
        let [file, variable, credential] = places.map(|option| text(row, option));
        let file = file.map(|(name, span)| SecretSource::File(name, span));
        let variable = variable.map(|(name, span)| SecretSource::Environment(name, span));
        let credential = credential.map(|(name, span)| SecretSource::Credential(name, span));
        let source = file.or(variable).or(credential)?;
        let name = name.and_then(|name| text(row, name));
        let wanted = Self {
            table,
            name: name.map_or_else(|| "".into(), |(name, _)| name),
            source: source.clone(),
            places,
        };
        Some((source.span()?, wanted))
    }
}

/// A text of a row that is not empty, and where it stands.
fn text(row: &DeTable<'_>, option: &Opt) -> Option<(Arc<str>, Span)> {
    let value = row.get(option.key)?;
    let span = value.span();
    let span = Span {
        start: offset(span.start),
        end: offset(span.end),
    };
    let text = value.get_ref().as_str().filter(|text| !text.is_empty());
    text.map(|text| (Arc::from(text), span))
}

/// The options of a table that name places; of `[web]` those of the token.
fn places(table: Table) -> Places {
    match table {
        Table::IpGroup => [
            &GROUP_PASSWORD_AS_CLIENT_FILE,
            &GROUP_PASSWORD_AS_CLIENT_ENV,
            &GROUP_PASSWORD_AS_CLIENT_CREDENTIAL,
        ],
        Table::Mail => [
            &MAIL_PASSWORD_FILE,
            &MAIL_PASSWORD_ENV,
            &MAIL_PASSWORD_CREDENTIAL,
        ],
        Table::Alert => [
            &ALERT_WEBHOOK_SECRET_FILE,
            &ALERT_WEBHOOK_SECRET_ENV,
            &ALERT_WEBHOOK_SECRET_CREDENTIAL,
        ],
        Table::Web => TOKEN,
        Table::Agent
        | Table::Registration
        | Table::SipInterface
        | Table::ProxySet
        | Table::Proxy
        | Table::Account => [
            &ACCOUNT_PASSWORD_FILE,
            &ACCOUNT_PASSWORD_ENV,
            &ACCOUNT_PASSWORD_CREDENTIAL,
        ],
    }
}

const TOKEN: Places = [&WEB_TOKEN_FILE, &WEB_TOKEN_ENV, &WEB_TOKEN_CREDENTIAL];
const READ_TOKEN: Places = [
    &WEB_READ_TOKEN_FILE,
    &WEB_READ_TOKEN_ENV,
    &WEB_READ_TOKEN_CREDENTIAL,
];

impl Config {
    /// Who wants a password from outside, in the order of the text.
    fn wanted(&self) -> Vec<(Span, Wanted)> {
        let accounts = self
            .accounts
            .iter()
            .map(|account| (Table::Account, &account.name, account.credentials.as_ref()));
        let groups = self
            .ip_groups
            .iter()
            .map(|group| (Table::IpGroup, &group.name, group.as_client.as_ref()));
        let nameless: Arc<str> = "".into();
        let mail = self.mail.iter();
        let mail = mail.map(|mail| (Table::Mail, &nameless, mail.credentials.as_ref()));
        let credentials = accounts.chain(groups).chain(mail);
        let sources = credentials.map(|(table, name, it)| (table, name, it.map(|it| &it.source)));
        let alerts = self.alerts.iter().map(|alert| {
            let signing = alert.webhook_secret.as_ref();
            (Table::Alert, &alert.name, signing.map(|it| &it.source))
        });
        let rows = sources.chain(alerts);
        let rows = rows.map(|(table, name, source)| (table, name, source, places(table)));
        let web = self.web.iter().flat_map(|web| {
            let tokens = [(&web.token, TOKEN), (&web.read_token, READ_TOKEN)];
            tokens.map(|(token, places)| {
                let source = token.as_ref().map(|it| &it.source);
                (Table::Web, &nameless, source, places)
            })
        });
        let mut wanted: Vec<(Span, Wanted)> = rows
            .chain(web)
            .filter_map(|(table, name, source, places)| {
                let source = source?;
                let span = source.span()?;
                Some((
                    span,
                    Wanted {
                        table,
                        name: name.clone(),
                        source: source.clone(),
                        places,
                    },
                ))
            })
            .collect();
        wanted.sort_by_key(|(span, _)| span.start);
        wanted
    }

    /// What is wrong when the web has one token for two rights, at the one that comes from outside.
    fn same_token(&self, text: &str, file: &Arc<str>) -> Option<Diagnostic> {
        let web = self.web.as_ref()?;
        if !Web::is_same_token(web.token.as_ref(), web.read_token.as_ref()) {
            return None;
        }
        let given = [(&web.read_token, READ_TOKEN), (&web.token, TOKEN)].into_iter();
        let mut sources = given.filter_map(|(token, places)| {
            let source = token.as_ref()?.source.clone();
            Some((source.span()?, Source::of(&source)?, source, places))
        });
        let (span, from, source, places) = sources.next()?;
        let wanted = Wanted {
            table: Table::Web,
            name: "".into(),
            source,
            places,
        };
        let mut place = Place::new(text);
        place.advance(span.start);
        let fault = SecretFault::new(SAME_TOKEN).hint(SAME_TOKEN_HINT);
        Some(wanted.diagnostic(&from, fault, file, &place))
    }

    /// Puts the passwords where they are wanted.
    fn fill(&mut self, known: &BTreeMap<Source, Option<Secret>>) {
        let filled = |credentials: &Credentials| {
            Source::of(&credentials.source).and_then(|source| known.get(&source)?.clone())
        };
        if let Some(credentials) = self.mail.as_mut().and_then(|it| it.credentials.as_mut())
            && let Some(password) = filled(credentials)
        {
            credentials.password = password;
        }
        if let Some(web) = &mut self.web {
            for token in [&mut web.token, &mut web.read_token].into_iter().flatten() {
                let secret = Source::of(&token.source).and_then(|it| known.get(&it)?.clone());
                token.secret = secret.unwrap_or_else(|| token.secret.clone());
            }
        }
        for alert in &mut self.alerts {
            let signing = alert.webhook_secret.as_ref();
            let source = signing.and_then(|signing| Source::of(&signing.source));
            let secret = source.and_then(|source| known.get(&source)?.clone());
            if let (Some(signing), Some(secret)) =
                (&mut Arc::make_mut(alert).webhook_secret, secret)
            {
                signing.secret = secret;
            }
        }
        // Groups are shared with the Accounts, so that a changed one must replace the old one there
        // too.
        let mut changed: BTreeMap<Arc<str>, Arc<IpGroup>> = BTreeMap::new();
        for group in &mut self.ip_groups {
            let Some(password) = group.as_client.as_ref().and_then(filled) else {
                continue;
            };
            if let Some(credentials) = &mut Arc::make_mut(group).as_client {
                credentials.password = password;
            }
            changed.insert(group.name.clone(), group.clone());
        }
        for account in &mut self.accounts {
            let password = account.credentials.as_ref().and_then(filled);
            let served = changed.get(&account.served.name);
            let serving = changed.get(&account.serving.name);
            if password.is_none() && served.is_none() && serving.is_none() {
                continue;
            }
            let account = Arc::make_mut(account);
            if let (Some(credentials), Some(password)) = (&mut account.credentials, password) {
                credentials.password = password;
            }
            account.served = served.unwrap_or(&account.served).clone();
            account.serving = serving.unwrap_or(&account.serving).clone();
        }
    }
}

impl SecretSource {
    /// Where a source outside the configuration is named.
    fn span(&self) -> Option<Span> {
        match self {
            Self::Absent | Self::Inline => None,
            Self::File(_, span) | Self::Environment(_, span) | Self::Credential(_, span) => {
                Some(*span)
            }
        }
    }
}

#[cfg(test)]
#[path = "secrets_tests.rs"]
mod tests;
