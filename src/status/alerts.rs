//! Ongoing alerts as a list (rule T3).

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::columns::{Column, aligned, column};
use super::snapshot::UnixMs;
use super::subscriptions::{SubscriptionStatus, subscriptions};
use super::table::{Line, Tone};
use super::words::{clean, clock, count, short_span};
use crate::alert::{Clock, Ongoing};
use crate::config::TimeLimit;
use crate::effect::NoticeKind;
use crate::engine::Engine;

/// One ongoing alert, for one subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AlertStatus {
    /// The Account's name.
    pub label: Arc<str>,
    /// Its address-of-record.
    pub identity: Arc<str>,
    /// Our address when the registration was lost: as the registrar saw it, else the local one.
    pub source_ip: Option<IpAddr>,
    /// What we called ourselves.
    pub user_agent: Arc<str>,
    /// Who gets mails.
    pub email: Option<Arc<str>>,
    /// How long it is watched.
    pub time_limit: TimeLimit,
    /// Whether a notice follows when that is over.
    pub send_timeout: bool,
    /// When the alert was raised.
    pub started: UnixMs,
    /// When the registration was lost.
    pub lost: UnixMs,
    /// The registrar that held the binding.
    pub registrar: SocketAddr,
    /// What that called itself.
    pub server: Option<Arc<str>>,
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// Whether it has a webhook.
    pub webhook: bool,
}

/// A notice that is not delivered yet.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DeliveryStatus {
    /// What its receiver knows it by.
    pub id: Arc<str>,
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// How it travels: `mail` or `webhook`.
    pub means: Arc<str>,
    /// The address of mails, the host of a webhook.
    pub to: Option<Arc<str>>,
    /// What it says.
    pub event: NoticeKind,
    /// Of how many Accounts.
    pub accounts: u32,
    /// Since when it is to be delivered.
    pub given: UnixMs,
    /// How often it was tried in vain.
    pub tried: u32,
    /// When it is tried again.
    pub next_try: Option<UnixMs>,
    /// What went wrong last.
    pub trouble: Option<Arc<str>>,
}

/// All ongoing alerts as of the last [`Engine::handle`], by Account.
pub fn alerts(engine: &Engine) -> Vec<AlertStatus> {
    let clock = engine.clock();
    let ongoing = engine.alerts().ongoing();
    ongoing.map(|alert| row(&alert, clock)).collect()
}

/// The ongoing alerts of the Account of this name, one for each subscription.
pub fn alerts_of(engine: &Engine, account: &str) -> Vec<AlertStatus> {
    let clock = engine.clock();
    let ongoing = engine.alerts().ongoing_of(account);
    ongoing.map(|alert| row(&alert, clock)).collect()
}

fn row(alert: &Ongoing<'_>, clock: Clock) -> AlertStatus {
    AlertStatus {
        label: Arc::clone(alert.account),
        identity: Arc::clone(&alert.loss.identity),
        source_ip: alert.loss.source,
        user_agent: Arc::clone(&alert.loss.user_agent),
        email: alert.subscription.email.clone(),
        time_limit: alert.limit,
        send_timeout: alert.subscription.send_timeout,
        started: UnixMs(alert.started_unix_ms(clock)),
        lost: UnixMs(alert.lost_unix_ms(clock)),
        registrar: alert.loss.registrar,
        server: alert.loss.server.clone(),
        subscription: Arc::clone(&alert.subscription.name),
        webhook: alert.subscription.webhook.is_some(),
    }
}

/// What goes on, what is on its way, and who is told, as far as there is any.
pub fn overview(
    (alerts, notices): (&[AlertStatus], &[DeliveryStatus]),
    subscribed: &[SubscriptionStatus],
    now: UnixMs,
    width: usize,
) -> Vec<Line> {
    let say = |tone, text: &str| vec![(tone, text.to_owned())];
    let mut lines = match alerts {
        [] => vec![say(Tone::Good, "no alert goes on")],
        alerts => table(alerts, width),
    };
    if !notices.is_empty() {
        let number = count(notices.len() as u64, "notice");
        lines.push(Line::new());
        lines.push(say(Tone::Doubtful, &format!("{number} not delivered yet:")));
        lines.extend(deliveries(notices, now, width));
    }
    if subscribed.is_empty() {
        lines.push(say(Tone::Plain, NOBODY));
    } else {
        lines.push(Line::new());
        lines.push(say(Tone::Plain, "Who is told:"));
        lines.extend(subscriptions(subscribed, width));
    }
    lines
}

/// Ongoing alerts as a table, its heading first, no line wider than `width` as far as it can be
/// cut.
pub fn table(alerts: &[AlertStatus], width: usize) -> Vec<Line> {
    let rows: Vec<_> = alerts.iter().map(cells).collect();
    aligned(&COLUMNS, &rows, width, |_, place| match place {
        0 => Tone::Bad,
        _ => Tone::Plain,
    })
}

fn cells(alert: &AlertStatus) -> [String; COLUMNS.len()] {
    let unknown = || "-".to_owned();
    let email = match &alert.email {
        Some(email) => clean(email),
        None => "(webhook)".to_owned(),
    };
    [
        clean(&alert.label),
        clean(
            alert
                .identity
                .strip_prefix("sip:")
                .unwrap_or(&alert.identity),
        ),
        alert.source_ip.map_or_else(unknown, |ip| ip.to_string()),
        clean(&alert.user_agent),
        email,
        alert.time_limit.to_string(),
        if alert.send_timeout { "yes" } else { "no" }.to_owned(),
        time_of_day(alert.started),
    ]
}

/// An alert goes on for no more than a day, so that the time of the day tells when it began.
fn time_of_day(at: UnixMs) -> String {
    let text = clock(at);
    match text.split_once(' ') {
        Some((_, time)) => time.to_owned(),
        None => text,
    }
}

/// Notices that are not delivered yet as a table.
pub fn deliveries(notices: &[DeliveryStatus], now: UnixMs, width: usize) -> Vec<Line> {
    let mut ahead = BTreeSet::new();
    let rows = notices.iter().map(|notice| {
        // Those of one subscription leave one after the other, the oldest first.
        let is_first = ahead.insert((&notice.subscription, &notice.means));
        let trouble = notice.trouble.as_deref().map(clean);
        let (next, why) = match notice.next_try {
            Some(at) if at.0 > now.0 => (format!("in {}", short_span(at, now)), trouble),
            None if !is_first => ("later".to_owned(), Some(AN_EARLIER_ONE.to_owned())),
            _ => ("now".to_owned(), trouble),
        };
        [
            clean(&notice.subscription),
            notice.event.to_string(),
            notice.accounts.to_string(),
            notice.to.as_deref().map_or_else(|| "-".to_owned(), clean),
            short_span(notice.given, now),
            notice.tried.to_string(),
            next,
            why.unwrap_or_default(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    aligned(&DELIVERY_COLUMNS, &rows, width, |row, place| {
        let is_failing = notices.get(row).is_some_and(|it| it.trouble.is_some());
        match place == 0 && is_failing {
            true => Tone::Bad,
            false => Tone::Plain,
        }
    })
}

/// Said where there is no subscription.
const NOBODY: &str = "nobody is told of alerts: `regent alerts subscribe` changes that";

/// What a notice waits for that was not tried yet.
const AN_EARLIER_ONE: &str = "an earlier one leaves first";

// The identity gives way last: it is what tells one alert from another. An IPv4 address and our own
// name are whole.
const COLUMNS: [Column; 8] = [
    column("LABEL", 8),
    column("IDENTITY", 18),
    column("SOURCE IP", 15),
    column("USER AGENT", 12),
    column("EMAIL", 9),
    column("LIMIT", 3),
    column("TIMEOUT", 3),
    column("STARTED", 9),
];

const DELIVERY_COLUMNS: [Column; 8] = [
    column("ALERT", 8),
    column("NOTICE", 9),
    column("ACCOUNTS", 3),
    column("TO", 10),
    column("FOR", 3),
    column("TRIED", 3),
    column("NEXT", 6),
    column("WHY", 12),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn alert() -> AlertStatus {
        AlertStatus {
            label: "main".into(),
            identity: "sip:4930123456@carrier.example.net".into(),
            source_ip: Some([203, 0, 113, 177].into()),
            user_agent: "regent/0.1.0".into(),
            email: Some("operations@example.net".into()),
            time_limit: TimeLimit::SixHours,
            send_timeout: true,
            started: UnixMs(1_795_341_690_000),
            lost: UnixMs(1_795_341_600_000),
            registrar: ([192, 0, 2, 1], 5060).into(),
            server: None,
            subscription: "operations".into(),
            webhook: false,
        }
    }

    fn text(lines: &[Line]) -> Vec<String> {
        let text = |line: &Line| line.iter().map(|(_, piece)| &**piece).collect();
        lines.iter().map(text).collect()
    }

    // rule T3
    #[test]
    fn the_list_has_its_eight_columns_in_a_hundred_characters() {
        let quiet = AlertStatus {
            email: None,
            send_timeout: false,
            source_ip: None,
            label: "a name that is longer than it should be".into(),
            ..alert()
        };
        let shown = text(&table(&[alert(), quiet], 100));
        assert_eq!(
            shown,
            [
                "LABEL       IDENTITY              SOURCE IP      USER AGENT    EMAIL       LIMIT  TIMEOUT  STARTED",
                "main        4930123456@carrier.…  203.0.113.177  regent/0.1.0  operation…  6h     yes      10:01:30Z",
                "a name th…  4930123456@carrier.…  -              regent/0.1.0  (webhook)   6h     no       10:01:30Z",
            ]
        );
        assert!(shown.iter().all(|line| line.chars().count() <= 100));
        let wide = text(&table(&[alert()], 200));
        assert!(
            wide[1].contains("4930123456@carrier.example.net"),
            "{wide:?}"
        );
    }

    // rule T3
    #[test]
    fn who_is_told_stands_below_what_goes_on() {
        let told = |lines: Vec<Line>| text(&lines).join("\n");
        let now = UnixMs(1_795_341_730_000);
        let nothing = told(overview((&[], &[]), &[], now, 100));
        assert_eq!(
            nothing,
            "no alert goes on\n\
             nobody is told of alerts: `regent alerts subscribe` changes that"
        );
        let desk = crate::config::Alert::new("desk", Some("desk@example.net"), None);
        let desk = SubscriptionStatus::of(&desk);
        let all = told(overview((&[alert()], &[]), &[desk], now, 100));
        assert!(all.starts_with("LABEL "), "{all}");
        let (_, below) = all.split_once("\n\nWho is told:\n").unwrap();
        assert!(below.contains("\ndesk  "), "{below}");
    }

    // rule T3
    #[test]
    fn what_is_not_delivered_says_why() {
        let notice = DeliveryStatus {
            id: "1".into(),
            subscription: "operations".into(),
            means: "mail".into(),
            to: Some("operations@example.net".into()),
            event: NoticeKind::Lost,
            accounts: 3,
            given: UnixMs(1_795_341_690_000),
            tried: 2,
            next_try: Some(UnixMs(1_795_341_760_000)),
            trouble: Some("mail.example.net:587: nobody is there".into()),
        };
        let now = UnixMs(1_795_341_730_000);
        let behind = DeliveryStatus {
            id: "2".into(),
            event: NoticeKind::Resolved,
            given: UnixMs(1_795_341_720_000),
            tried: 0,
            next_try: None,
            trouble: None,
            ..notice.clone()
        };
        let elsewhere = DeliveryStatus {
            id: "3".into(),
            means: "webhook".into(),
            to: Some("hooks.example.net".into()),
            ..behind.clone()
        };
        assert_eq!(
            text(&deliveries(&[notice, behind, elsewhere], now, 120)),
            [
                "ALERT       NOTICE    ACCOUNTS  TO                      FOR  TRIED  NEXT    WHY",
                "operations  lost      3         operations@example.net  40s  2      in 30s  \
                 mail.example.net:587: nobody is there",
                "operations  resolved  3         operations@example.net  10s  0      later   \
                 an earlier one leaves first",
                "operations  resolved  3         hooks.example.net       10s  0      now",
            ]
        );
    }
}
