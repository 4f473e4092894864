//! Subscriptions to alerts: made, changed and taken out of a configuration's file, for whoever is
//! asked to by a person (rule T3).
//!
//! Each of the three reads and locks the file, makes the change, and checks the whole
//! configuration with it. Nothing is written yet, and nothing said:
//!
//! ```no_run
//! # use std::path::Path;
//! # use regent::configure::{self, Subscription};
//! # fn reload() -> bool { true }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = Path::new("/etc/regent/regent.toml");
//! let wanted = Subscription {
//!     email: Some("operations@example.net".to_owned()),
//!     ..Subscription::new("operations")
//! };
//! let load = |text: &str| regent::daemon::load_text(file, text);
//! let mut edit = configure::subscribe(file, &wanted, load)?;
//! if edit.is_change() {
//!     edit.write()?;
//!     // The daemon that runs from the file reads it again; what it refuses is taken back.
//!     if !reload() {
//!         edit.undo()?;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! They wait for the lock and read and check all Accounts, so they are for a thread that may block.

use std::path::Path;

use super::apply;
use super::document::Document;
use super::edit::Edit;
use super::file::Locked;
use super::grammar::{Change, Setting, Target, Verb};
use super::refusal::{Place, Refusal};
use super::session::Session;
use crate::config::options::Table;
use crate::config::{Loaded, TimeLimit, Typed, typed};
use crate::secret::Secret;

/// What somebody wants to be told, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// Unique name.
    pub name: String,
    /// Where mails go.
    pub email: Option<String>,
    /// Where requests go. There is an `email` or a `webhook`, or both.
    pub webhook: Option<String>,
    /// What signs the requests.
    pub signer: Signer,
    /// The Accounts that it is about; all, if none.
    pub accounts: Option<Vec<String>>,
    /// Whether a notice follows when the registration is back.
    pub send_resolution: bool,
    /// Whether a notice follows when it does not come back in time.
    pub send_timeout: bool,
    /// How long an alert is watched.
    pub time_limit: TimeLimit,
}

/// What signs the requests to a webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Signer {
    /// Whatever does so now; nothing for a new subscription, or where there is no webhook any more.
    Kept,
    /// Nothing.
    Nothing,
    /// This secret, which will stand in the configuration.
    Inline(Secret),
    /// The first line of this file.
    File(String),
}

impl Subscription {
    /// One to nobody yet, with the default of every option.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            email: None,
            webhook: None,
            signer: Signer::Kept,
            accounts: None,
            send_resolution: true,
            send_timeout: true,
            time_limit: TimeLimit::Day,
        }
    }

    /// What its options become. Those that are as by default stand nowhere.
    fn settings(&self) -> Result<Vec<Setting>, Refusal> {
        let names = |names: &Vec<String>| {
            let names = names.iter().cloned().map(Typed::Text);
            Typed::List(names.collect())
        };
        let no = |is_sent: bool| (!is_sent).then_some(Typed::Flag(false));
        let limit = self.time_limit;
        let limit = (limit != TimeLimit::Day).then(|| Typed::Text(limit.to_string()));
        let mut settings = vec![
            text("name", Some(&self.name))?,
            setting("accounts", self.accounts.as_ref().map(names))?,
            text("email", self.email.as_deref())?,
            text("webhook", self.webhook.as_deref())?,
        ];
        settings.extend(self.signing()?);
        settings.extend([
            setting("send_resolution", no(self.send_resolution))?,
            setting("send_timeout", no(self.send_timeout))?,
            setting("time_limit", limit)?,
        ]);
        Ok(settings)
    }

    fn signing(&self) -> Result<Vec<Setting>, Refusal> {
        match &self.signer {
            Signer::Kept if self.webhook.is_some() => Ok(Vec::new()),
            Signer::Kept | Signer::Nothing => {
                let keys = [
                    "webhook_secret",
                    "webhook_secret_file",
                    "webhook_secret_env",
                    "webhook_secret_credential",
                ];
                keys.into_iter().map(|key| setting(key, None)).collect()
            }
            Signer::Inline(secret) => Ok(vec![text("webhook_secret", Some(secret.reveal()))?]),
            Signer::File(path) => Ok(vec![text("webhook_secret_file", Some(path))?]),
        }
    }
}

/// Why nothing is to be written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// There is no subscription of that name.
    #[error("{0}")]
    Unknown(Refusal),
    /// There is one of that name already.
    #[error("{0}")]
    Taken(Refusal),
    /// A value is none that its option may have.
    #[error("{0}")]
    Misfit(Refusal),
    /// The configuration would be faulty with it: everything that is wrong then.
    #[error("{}", first(.0))]
    Faulty(Vec<Refusal>),
    /// The file cannot be read, or somebody else has it.
    #[error("{0}")]
    File(Refusal),
}

fn first(refusals: &[Refusal]) -> &str {
    refusals.first().map_or("", |refusal| &refusal.message)
}

/// Makes a subscription. The module says how it is called.
pub fn subscribe(
    file: &Path,
    wanted: &Subscription,
    load: impl Fn(&str) -> Loaded,
) -> Result<Edit, Rejection> {
    let settings = wanted.settings().map_err(Rejection::Misfit)?;
    let (file, session) = open(file)?;
    if is_there(&session, &wanted.name) {
        let message = format!("there is a subscription {:?} already", wanted.name);
        let hint = "take another name, or change that one: `regent configure alert set`";
        return Err(Rejection::Taken(Refusal::new(message).hint(hint)));
    }
    carry_out((file, session), &wanted.name, (Verb::Add, settings), load)
}

/// Makes another one of the subscription of this name. What goes on for it does, unless its name
/// is another, too.
pub fn resubscribe(
    file: &Path,
    name: &str,
    wanted: &Subscription,
    load: impl Fn(&str) -> Loaded,
) -> Result<Edit, Rejection> {
    let settings = wanted.settings().map_err(Rejection::Misfit)?;
    let (file, session) = open(file)?;
    let is_renamed = wanted.name != name;
    if !is_there(&session, name) {
        return Err(unknown(&session, name));
    }
    if is_renamed && is_there(&session, &wanted.name) {
        let message = format!("there is a subscription {:?} already", wanted.name);
        return Err(Rejection::Taken(Refusal::new(message)));
    }
    carry_out((file, session), name, (Verb::Set, settings), load)
}

/// Takes a subscription out, with its alerts and notices.
pub fn unsubscribe(
    file: &Path,
    name: &str,
    load: impl Fn(&str) -> Loaded,
) -> Result<Edit, Rejection> {
    let (file, session) = open(file)?;
    if !is_there(&session, name) {
        return Err(unknown(&session, name));
    }
    carry_out((file, session), name, (Verb::Remove, Vec::new()), load)
}

fn open(file: &Path) -> Result<(Locked, Session), Rejection> {
    let file = Locked::open(file).map_err(Rejection::File)?;
    let session = Session::new(file.text()).map_err(|refusal| Rejection::Faulty(vec![refusal]))?;
    Ok((file, session))
}

fn is_there(session: &Session, name: &str) -> bool {
    let names = session.document().names(Table::Alert);
    names.iter().any(|one| one == name)
}

fn unknown(session: &Session, name: &str) -> Rejection {
    let document: &Document = session.document();
    let refusal = apply::missing(document, &target(name));
    let shown: String = name.chars().take(60).collect();
    let message = format!("there is no subscription {shown:?}");
    Rejection::Unknown(Refusal { message, ..refusal })
}

fn target(name: &str) -> Target {
    Target {
        table: Table::Alert,
        set: None,
        row: Some(name.to_owned()),
    }
}

fn carry_out(
    (file, mut session): (Locked, Session),
    name: &str,
    (verb, settings): (Verb, Vec<Setting>),
    load: impl Fn(&str) -> Loaded,
) -> Result<Edit, Rejection> {
    session.apply(&Change {
        place: Place::default(),
        target: target(name),
        verb,
        settings,
    });
    Edit::new(file, session, load).map_err(Rejection::Faulty)
}

fn setting(key: &str, value: Option<Typed>) -> Result<Setting, Refusal> {
    let option = super::option(Table::Alert, key)?;
    Ok(Setting {
        option,
        value,
        place: Place::default(),
    })
}

fn text(key: &str, value: Option<&str>) -> Result<Setting, Refusal> {
    let setting = setting(key, None)?;
    let value = value.map(|value| typed(setting.option, value)).transpose();
    let value = value.map_err(|misfit| Refusal::misfit(setting.option, misfit))?;
    Ok(Setting { value, ..setting })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;
    use crate::config::load;

    const MAIL: &str = "\n[mail]\nserver = \"mail.example.net\"\nfrom = \"r@example.net\"\n";

    /// The smallest useful file, and these tables.
    fn file(tables: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("regent.toml");
        let minimal = include_str!("../../conf/minimal.toml");
        fs::write(&path, format!("{minimal}{tables}")).unwrap();
        (folder, path)
    }

    fn meaning(text: &str) -> Loaded {
        load("t", text)
    }

    fn hook(name: &str) -> Subscription {
        Subscription {
            webhook: Some("http://127.0.0.1/".to_owned()),
            ..Subscription::new(name)
        }
    }

    /// The subscription of this name as it stands in a file.
    fn stands(path: &Path, name: &str) -> crate::config::Alert {
        let text = fs::read_to_string(path).unwrap();
        let config = meaning(&text).config.unwrap();
        let mut alerts = config.alerts.iter();
        let found = alerts.find(|it| &*it.name == name);
        found
            .unwrap_or_else(|| panic!("no {name} in {text}"))
            .as_ref()
            .clone()
    }

    // rule T3
    #[test]
    fn a_subscription_comes_changes_and_goes() {
        let (_folder, path) = file(MAIL);
        let before = fs::read_to_string(&path).unwrap();
        let wanted = Subscription {
            email: Some("a@example.net".to_owned()),
            signer: Signer::Inline(Secret::new("a secret")),
            accounts: Some(vec!["main".to_owned()]),
            send_timeout: false,
            time_limit: TimeLimit::SixHours,
            ..hook("night watch")
        };
        let mut edit = subscribe(&path, &wanted, meaning).unwrap();
        assert!(edit.is_change());
        assert_eq!(fs::read_to_string(&path).unwrap(), before, "not yet");
        edit.write().unwrap();
        drop(edit);
        let made = stands(&path, "night watch");
        assert_eq!(made.email.as_deref(), Some("a@example.net"));
        assert!(made.covers("main") && !made.covers("other"));
        assert!(made.send_resolution && !made.send_timeout);
        assert_eq!(made.time_limit, TimeLimit::SixHours);
        let secret = |alert: &crate::config::Alert| {
            let signing = alert.webhook_secret.as_ref();
            signing.map(|signing| signing.secret.reveal().to_owned())
        };
        assert_eq!(secret(&made).as_deref(), Some("a secret"));
        // Whoever changes it need not know what signs.
        let mut edit = resubscribe(&path, "night watch", &hook("night"), meaning).unwrap();
        edit.write().unwrap();
        drop(edit);
        let made = stands(&path, "night");
        assert_eq!((made.email.as_deref(), made.covers("other")), (None, true));
        assert!(made.send_timeout);
        assert_eq!(made.time_limit, TimeLimit::Day);
        assert_eq!(secret(&made).as_deref(), Some("a secret"));
        // Where nothing is posted, nothing is left to sign.
        let mailed = Subscription {
            email: Some("a@example.net".to_owned()),
            ..Subscription::new("night")
        };
        let mut edit = resubscribe(&path, "night", &mailed, meaning).unwrap();
        edit.write().unwrap();
        assert!(edit.outcome().notes.is_empty());
        drop(edit);
        assert!(!fs::read_to_string(&path).unwrap().contains("secret ="));
        let mut edit = unsubscribe(&path, "night", meaning).unwrap();
        edit.write().unwrap();
        drop(edit);
        let after = fs::read_to_string(&path).unwrap();
        assert_eq!(after.trim_end(), before.trim_end());
    }

    // rule T3
    #[test]
    fn what_the_daemon_refuses_is_taken_back() {
        let (_folder, path) = file("");
        let before = fs::read_to_string(&path).unwrap();
        let mut edit = subscribe(&path, &hook("a"), meaning).unwrap();
        edit.write().unwrap();
        edit.undo().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
        // Once is enough.
        edit.undo().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }

    // rule T3: a name may hold what stands between names on a command line.
    #[test]
    fn an_account_may_have_any_name() {
        let (_folder, path) = file("");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"main\"", "\"fax, 2nd \\\"all\\\"\"")).unwrap();
        let name = "fax, 2nd \"all\"";
        let wanted = Subscription {
            accounts: Some(vec![name.to_owned()]),
            ..hook("a")
        };
        let mut edit = subscribe(&path, &wanted, meaning).unwrap();
        edit.write().unwrap();
        assert!(stands(&path, "a").covers(name));
    }

    // rule T3
    #[test]
    fn what_cannot_be_says_whose_fault_it_is() {
        let (_folder, path) = file("\n[[alert]]\nname = \"hook\"\nwebhook = \"http://h/\"\n");
        let before = fs::read_to_string(&path).unwrap();
        let made = |wanted: &Subscription| subscribe(&path, wanted, meaning).map(drop);
        let Err(Rejection::Taken(taken)) = made(&hook("hook")) else {
            panic!("there is one");
        };
        assert!(taken.message.contains("\"hook\" already"), "{taken:?}");
        let changed = resubscribe(&path, "b", &hook("b"), meaning).map(drop);
        assert!(matches!(changed, Err(Rejection::Unknown(_))), "{changed:?}");
        let gone = unsubscribe(&path, "hock", meaning).map(drop);
        let Err(Rejection::Unknown(unknown)) = gone else {
            panic!("there is none");
        };
        assert_eq!(unknown.hint.as_deref(), Some("did you mean \"hook\"?"));
        let wrong = Subscription {
            webhook: Some("ftp://h/".to_owned()),
            ..Subscription::new("b")
        };
        assert!(matches!(made(&wrong), Err(Rejection::Misfit(_))));
        let nowhere = Subscription::new("b");
        let strangers = Subscription {
            accounts: Some(vec!["a, b".to_owned(), String::new()]),
            ..hook("b")
        };
        let serverless = Subscription {
            email: Some("a@example.net".to_owned()),
            ..Subscription::new("b")
        };
        let nobody = Subscription {
            accounts: Some(Vec::new()),
            ..hook("b")
        };
        for wanted in [nowhere, strangers, serverless, nobody, hook("a\r\nb")] {
            let outcome = made(&wanted);
            let is_faulty = matches!(
                &outcome,
                Err(Rejection::Faulty(all)) if !all.is_empty()
            );
            assert!(
                is_faulty || matches!(outcome, Err(Rejection::Misfit(_))),
                "{outcome:?}"
            );
        }
        let elsewhere = unsubscribe(&path.with_extension("x"), "hook", meaning).map(drop);
        assert!(matches!(elsewhere, Err(Rejection::File(_))));
        assert_eq!(fs::read_to_string(&path).unwrap(), before);
    }
}
