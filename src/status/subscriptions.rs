//! Who is told of lost registrations, as a list (rule T3).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::columns::{Column, aligned, column};
use super::table::{Line, Tone};
use super::words::clean;
use crate::config::{Alert, Covered, TimeLimit};

/// A subscription to alerts. Of a webhook's address only the host is shown: the rest may be a
/// secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SubscriptionStatus {
    /// Unique name.
    pub name: Arc<str>,
    /// Who gets mails.
    pub email: Option<Arc<str>>,
    /// Where POST requests go.
    pub webhook_host: Option<Arc<str>>,
    /// Whether those are signed.
    pub signed: bool,
    /// Whose registration it is about; absent for all Accounts.
    pub accounts: Option<Vec<Arc<str>>>,
    /// Whether a notice follows when the registration is back.
    pub resolution: bool,
    /// Whether a notice follows when it does not come back in time.
    pub timeout: bool,
    /// How long an alert is watched.
    pub time_limit: TimeLimit,
}

impl SubscriptionStatus {
    /// What is shown of one.
    pub fn of(alert: &Alert) -> Self {
        Self {
            name: Arc::clone(&alert.name),
            email: alert.email.clone(),
            webhook_host: alert.webhook.as_deref().map(|url| host_of(url).into()),
            signed: alert.webhook_secret.is_some(),
            accounts: match &alert.accounts {
                Covered::All => None,
                Covered::Named(names) => Some(names.to_vec()),
            },
            resolution: alert.send_resolution,
            timeout: alert.send_timeout,
            time_limit: alert.time_limit,
        }
    }
}

/// The host of an address of the web.
fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

/// Subscriptions as a table, its heading first, no line wider than `width` as far as it can be cut.
pub fn subscriptions(all: &[SubscriptionStatus], width: usize) -> Vec<Line> {
    let rows: Vec<_> = all.iter().map(cells).collect();
    aligned(&COLUMNS, &rows, width, |_, _| Tone::Plain)
}

fn cells(one: &SubscriptionStatus) -> [String; COLUMNS.len()] {
    let word = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let none = || "-".to_owned();
    let accounts = one.accounts.as_ref().map(|names| names.join(", "));
    [
        clean(&one.name),
        one.email.as_deref().map_or_else(none, clean),
        one.webhook_host.as_deref().map_or_else(none, clean),
        accounts.map_or_else(|| "all".to_owned(), |names| clean(&names)),
        word(one.resolution),
        word(one.timeout),
        one.time_limit.to_string(),
    ]
}

const COLUMNS: [Column; 7] = [
    column("SUBSCRIPTION", 8),
    column("EMAIL", 8),
    column("WEBHOOK", 8),
    column("ACCOUNTS", 8),
    column("RESOLUTION", 3),
    column("TIMEOUT", 3),
    column("LIMIT", 3),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_host_of_a_webhook_is_shown() {
        for (url, host) in [
            ("https://hooks.example:8443/T0/secret", "hooks.example:8443"),
            ("http://hooks.example?key=secret", "hooks.example"),
            ("https://[2001:db8::1]:443#secret", "[2001:db8::1]:443"),
        ] {
            assert_eq!(host_of(url), host);
        }
    }

    // rule T3
    #[test]
    fn a_row_says_who_is_told_of_what_and_how() {
        let mut hook = Alert::new("hook", None, Some("https://hooks.example/T0/secret"));
        hook.accounts = Covered::Named(Arc::from(["fax".into(), "main".into()]));
        hook.send_timeout = false;
        let desk = Alert::new("desk", Some("desk@example.net"), None);
        let all = [&hook, &desk].map(SubscriptionStatus::of);
        let text = |line: &Line| line.iter().map(|(_, piece)| &**piece).collect();
        let lines: Vec<String> = subscriptions(&all, 100).iter().map(text).collect();
        assert_eq!(
            lines,
            [
                "SUBSCRIPTION  EMAIL             WEBHOOK        ACCOUNTS   RESOLUTION  TIMEOUT  LIMIT",
                "hook          -                 hooks.example  fax, main  yes         no       24h",
                "desk          desk@example.net  -              all        yes         yes      24h",
            ]
        );
    }
}
