//! A notice in words, for people and for programs.

use std::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::effect::{Notice, NoticeAccount, NoticeKind};
use crate::status::UnixMs;
use crate::status::words::{clean, clock, count, fitted, span};

/// What is said: a notice, or that this is a test.
#[derive(Clone, Copy)]
pub(super) enum Content<'n> {
    Notice(&'n Notice),
    /// A test of this subscription, at this time.
    Test(&'n str, UnixMs),
}

/// The subject of a mail.
pub(super) fn subject(content: Content<'_>) -> String {
    let notice = match content {
        Content::Test(subscription, _) => {
            return format!("[regent] test of alert {}", clean(subscription));
        }
        Content::Notice(notice) => notice,
    };
    let who = match &*notice.accounts {
        [one] => fitted(&clean(&one.account), 60),
        all => count(all.len() as u64, "Account"),
    };
    let at = notice.registrar;
    match notice.kind {
        NoticeKind::Lost => format!("[regent] registration lost: {who} at {at}"),
        NoticeKind::Resolved => format!("[regent] registered again: {who}, lost at {at}"),
        NoticeKind::TimedOut => format!("[regent] still not registered: {who}, lost at {at}"),
    }
}

/// The text of a mail.
pub(super) fn body(content: Content<'_>) -> String {
    let notice = match content {
        Content::Test(subscription, at) => {
            return format!(
                "This is a test of the alert {}, sent at {}.\nAlerts of lost registrations will \
                 come this way.\n",
                clean(subscription),
                clock(at)
            );
        }
        Content::Notice(notice) => notice,
    };
    let many = notice.accounts.len() != 1;
    let mut text = String::from(match (notice.kind, many) {
        (NoticeKind::Lost, false) => "An Account has lost its registration.",
        (NoticeKind::Lost, true) => "Accounts have lost their registration.",
        (NoticeKind::Resolved, false) => "An Account is registered again.",
        (NoticeKind::Resolved, true) => "Accounts are registered again.",
        (NoticeKind::TimedOut, false) => {
            "An Account has not come back in time. No more will be said of it."
        }
        (NoticeKind::TimedOut, true) => {
            "Accounts have not come back in time. No more will be said of them."
        }
    });
    text.push_str("\n\n");
    let mut fact = |name: &str, value: &str| put(&mut text, name, value);
    fact("Registrar:", &notice.registrar.to_string());
    if let Some(server) = &notice.server {
        fact("Server:", server);
    }
    fact("User agent:", &notice.user_agent);
    fact("Subscription:", &notice.subscription);
    for account in notice.accounts.iter().take(LISTED) {
        text.push('\n');
        put_account(&mut text, account, notice.kind);
    }
    if let Some(more) = notice.accounts.len().checked_sub(LISTED + 1) {
        let more = count(more as u64 + 1, "more Account");
        let hint = match notice.kind {
            NoticeKind::Lost => "`regent alerts list` names all that are lost",
            NoticeKind::Resolved => "`regent status` says where each of them is registered",
            NoticeKind::TimedOut => "`regent status` says what each of them does",
        };
        text.push_str(&format!("\nand {more}; {hint}\n"));
    }
    text
}

fn put(text: &mut String, name: &str, value: &str) {
    text.push_str(&format!("{name:<14}{}\n", clean(value)));
}

fn put_account(text: &mut String, account: &NoticeAccount, kind: NoticeKind) {
    let lost = UnixMs(account.lost_unix_ms);
    let mut fact = |name: &str, value: &str| put(text, name, value);
    fact("Account:", &account.account);
    fact("Identity:", &account.identity);
    let source = account
        .source
        .map_or_else(|| "unknown".to_owned(), |it| it.to_string());
    fact("Source IP:", &source);
    fact("Lost:", &clock(lost));
    if let Some(ended) = account.ended_unix_ms.map(UnixMs) {
        let after = span(lost, ended);
        match kind {
            NoticeKind::TimedOut => fact("Given up:", &format!("{}, after {after}", clock(ended))),
            NoticeKind::Lost | NoticeKind::Resolved => {
                fact("Back:", &format!("{}, after {after}", clock(ended)));
            }
        }
    }
    if let Some(at) = account.registered_at {
        fact("Now at:", &at.to_string());
    }
}

/// The body of a POST.
pub(super) fn json(id: &str, content: Content<'_>) -> serde_json::Result<Vec<u8>> {
    let event = match content {
        Content::Test(subscription, at) => Event {
            subscription,
            at,
            ..Event::new(id, "test")
        },
        Content::Notice(notice) => Event {
            subscription: &notice.subscription,
            at: UnixMs(notice.at_unix_ms),
            registrar: Some(notice.registrar),
            server: notice.server.as_deref(),
            user_agent: Some(&notice.user_agent),
            accounts: notice.accounts.iter().map(|it| Account::of(it)).collect(),
            ..Event::new(id, notice.kind.word())
        },
    };
    serde_json::to_vec(&event)
}

#[derive(Serialize)]
struct Event<'n> {
    schema: u32,
    id: &'n str,
    event: &'n str,
    subscription: &'n str,
    at: UnixMs,
    registrar: Option<SocketAddr>,
    server: Option<&'n str>,
    user_agent: Option<&'n str>,
    accounts: Vec<Account<'n>>,
}

impl<'n> Event<'n> {
    fn new(id: &'n str, event: &'n str) -> Self {
        Self {
            schema: SCHEMA,
            id,
            event,
            subscription: "",
            at: UnixMs(0),
            registrar: None,
            server: None,
            user_agent: None,
            accounts: Vec::new(),
        }
    }
}

#[derive(Serialize)]
struct Account<'n> {
    label: &'n str,
    identity: &'n str,
    source_ip: Option<IpAddr>,
    lost: UnixMs,
    started: UnixMs,
    ended: Option<UnixMs>,
    registered_at: Option<SocketAddr>,
}

impl<'n> Account<'n> {
    fn of(account: &'n NoticeAccount) -> Self {
        Self {
            label: &account.account,
            identity: &account.identity,
            source_ip: account.source,
            lost: UnixMs(account.lost_unix_ms),
            started: UnixMs(account.started_unix_ms),
            ended: account.ended_unix_ms.map(UnixMs),
            registered_at: account.registered_at,
        }
    }
}

/// The version of what a webhook gets. It rises when a field changes its meaning or goes away.
const SCHEMA: u32 = 1;

/// So many Accounts are listed in a mail.
const LISTED: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(kind: NoticeKind, accounts: usize) -> Notice {
        let is_over = kind != NoticeKind::Lost;
        let account = |number: usize| NoticeAccount {
            account: format!("trunk {number}").into(),
            identity: "sip:49301@carrier.example".into(),
            source: Some([192, 0, 2, 9].into()),
            lost_unix_ms: 1_795_341_600_000,
            started_unix_ms: 1_795_341_690_000,
            ended_unix_ms: is_over.then_some(1_795_341_900_000),
            registered_at: (kind == NoticeKind::Resolved).then(|| ([192, 0, 2, 2], 5060).into()),
        };
        Notice {
            subscription: "operations".into(),
            email: None,
            webhook: None,
            kind,
            at_unix_ms: 1_795_341_690_000,
            registrar: ([192, 0, 2, 1], 5060).into(),
            server: Some("Registrar\r\nBcc: all@example.net".into()),
            user_agent: "regent/0.1.0".into(),
            accounts: (1..=accounts).map(|it| account(it).into()).collect(),
        }
    }

    // rule T3
    #[test]
    fn a_mail_says_who_where_and_since_when() {
        let one = notice(NoticeKind::Lost, 1);
        let content = Content::Notice(&one);
        assert_eq!(
            subject(content),
            "[regent] registration lost: trunk 1 at 192.0.2.1:5060"
        );
        let expected = "An Account has lost its registration.\n\n\
            Registrar:    192.0.2.1:5060\n\
            Server:       Registrar\u{fffd}\u{fffd}Bcc: all@example.net\n\
            User agent:   regent/0.1.0\n\
            Subscription: operations\n\n\
            Account:      trunk 1\n\
            Identity:     sip:49301@carrier.example\n\
            Source IP:    192.0.2.9\n\
            Lost:         2026-11-22 10:00:00Z\n";
        assert_eq!(body(content), expected);
        let back = notice(NoticeKind::Resolved, 2);
        let content = Content::Notice(&back);
        assert_eq!(
            subject(content),
            "[regent] registered again: 2 Accounts, lost at 192.0.2.1:5060"
        );
        let body = body(content);
        assert!(
            body.contains(
                "Back:         2026-11-22 10:05:00Z, after 5 min\nNow at:       192.0.2.2"
            ),
            "{body}"
        );
    }

    // rule T3
    #[test]
    fn a_mail_about_very_many_says_how_many_more() {
        let many = notice(NoticeKind::TimedOut, LISTED + 7);
        let body = body(Content::Notice(&many));
        assert!(
            body.starts_with("Accounts have not come back in time."),
            "{body}"
        );
        assert!(body.contains("trunk 500\n") && !body.contains("trunk 501\n"));
        assert!(body.contains("\nand 7 more Accounts; "), "{body}");
        let all = notice(NoticeKind::TimedOut, LISTED);
        assert!(!super::body(Content::Notice(&all)).contains("\nand "));
        // Where the rest of them stands: a list that they have left does not help.
        for (kind, hint) in [
            (NoticeKind::Lost, "`regent alerts list` names"),
            (NoticeKind::Resolved, "`regent status` says"),
            (NoticeKind::TimedOut, "`regent status` says"),
        ] {
            let many = notice(kind, LISTED + 1);
            let body = super::body(Content::Notice(&many));
            let last = body.lines().last().unwrap();
            assert!(
                last.starts_with(&format!("and 1 more Account; {hint}")),
                "{last}"
            );
        }
    }

    // rule T3
    #[test]
    fn a_program_gets_all_of_it() {
        let back = notice(NoticeKind::Resolved, 1);
        let json = json("abc", Content::Notice(&back)).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let expected = serde_json::json!({
            "schema": 1, "id": "abc", "event": "resolved", "subscription": "operations",
            "at": "2026-11-22T10:01:30.000Z", "registrar": "192.0.2.1:5060",
            "server": "Registrar\r\nBcc: all@example.net", "user_agent": "regent/0.1.0",
            "accounts": [{
                "label": "trunk 1", "identity": "sip:49301@carrier.example",
                "source_ip": "192.0.2.9", "lost": "2026-11-22T10:00:00.000Z",
                "started": "2026-11-22T10:01:30.000Z", "ended": "2026-11-22T10:05:00.000Z",
                "registered_at": "192.0.2.2:5060",
            }],
        });
        assert_eq!(read, expected);
    }
}
