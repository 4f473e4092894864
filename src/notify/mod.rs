//! Delivers notices: by mail and by webhook, until they are through.
//!
//! It knows how a notice is put into words, how a mail server and a webhook are spoken to, and when
//! what failed is tried again. It leaves to its owner what of it outlives the process, and asks for
//! that in each [`Word`]. The invariant: a letter is delivered once as far as the other side says
//! so, in its order unless it was refused, and is not given up before it was tried for two days.

mod courier;
mod letter;
mod mail;
mod queue;
mod text;
mod webhook;
mod wire;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

pub use courier::{Courier, Tested, Word};
pub use letter::{Letter, Means};

use crate::config::{Alert, Config, Mail};
use crate::status::words::{clean, fitted};

/// Where letters go and how: what of the configuration counts for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    mail: Option<Mail>,
    alerts: Vec<Arc<Alert>>,
    /// Where each of them stands, by its name.
    by_name: BTreeMap<Arc<str>, usize>,
    user_agent: Arc<str>,
}

impl Places {
    /// Those of a configuration.
    pub fn of(config: &Config) -> Self {
        let names = config.alerts.iter().map(|it| Arc::clone(&it.name));
        Self {
            mail: config.mail.clone(),
            by_name: names.zip(0..).collect(),
            alerts: config.alerts.clone(),
            user_agent: Arc::clone(&config.agent.user_agent),
        }
    }

    fn subscription(&self, name: &str) -> Option<&Arc<Alert>> {
        self.alerts.get(*self.by_name.get(name)?)
    }

    /// Where a subscription wants what travels so, as far as it may be shown.
    pub fn shown(&self, subscription: &str, means: Means) -> Option<Arc<str>> {
        let to = self.address(subscription, means)?;
        Some(courier::shown(means, to))
    }

    /// Where a subscription wants what travels so; nowhere if it does not.
    fn address(&self, subscription: &str, means: Means) -> Option<&Arc<str>> {
        let subscription = self.subscription(subscription)?;
        match means {
            Means::Mail => subscription.email.as_ref().filter(|_| self.mail.is_some()),
            Means::Webhook => subscription.webhook.as_ref(),
        }
    }

    /// The names of all subscriptions.
    pub fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.alerts.iter().map(|it| &it.name)
    }

    /// The means by which a subscription wants to be told.
    fn means(&self, subscription: &str) -> Vec<Means> {
        let all = [Means::Mail, Means::Webhook].into_iter();
        all.filter(|means| self.address(subscription, *means).is_some())
            .collect()
    }
}

/// Why a letter is not delivered.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Trouble {
    /// For people.
    what: String,
    /// Whether the other side does not want it; it may be mended there, or here.
    is_refusal: bool,
    /// The other side wants so many seconds to pass.
    wait: Option<u64>,
}

impl Trouble {
    fn new(what: impl Into<String>) -> Self {
        Self {
            what: fitted(&clean(&what.into()), LONGEST),
            is_refusal: false,
            wait: None,
        }
    }

    fn refusal(what: impl Into<String>) -> Self {
        Self {
            is_refusal: true,
            ..Self::new(what)
        }
    }
}

/// An error with its causes, each said once.
fn chain(error: &dyn Error) -> String {
    let mut text = unnumbered(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = unnumbered(error);
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        cause = error.source();
    }
    text
}

/// An error in words, without the system's number for it.
fn unnumbered(error: &dyn Error) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next();
    words.unwrap_or_default().to_owned()
}

/// More of what went wrong nobody reads.
const LONGEST: usize = 300;
