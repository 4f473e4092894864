//! The history as aligned text: one line for each event.

use super::history::{Entry, EntryKind};
use super::table::{Line, Tone};
use super::words::{breadth, clean, clock};

/// Lines that stand one below the other: a column grows with what comes into it.
#[derive(Clone, Copy, Default, Debug)]
pub struct Columns {
    account: usize,
    what: usize,
}

impl Columns {
    /// Makes room for an event.
    pub fn fit(&mut self, entry: &Entry) {
        self.account = self.account.max(breadth(&name(entry)));
        self.what = self.what.max(breadth(&what(entry)));
    }

    /// An event in one line: when (in UTC), to whom, what, and the rest.
    pub fn line(&mut self, entry: &Entry) -> Line {
        self.fit(entry);
        let (account, what) = (name(entry), what(entry));
        let pad = |text: &str, width: usize| {
            let missing = width.saturating_sub(breadth(text));
            " ".repeat(missing + GAP)
        };
        let account_pad = pad(&account, self.account);
        let what_pad = pad(&what, self.what);
        let mut line = vec![
            (Tone::Quiet, format!("{}  ", clock(entry.at))),
            (Tone::Plain, account + &account_pad),
            (tone(entry), what),
        ];
        let rest = rest(entry);
        if !rest.is_empty() {
            line.push((Tone::Plain, what_pad + &rest));
        }
        line
    }
}

fn name(entry: &Entry) -> String {
    clean(entry.account.as_deref().unwrap_or("–"))
}

/// What happened, in a word or a few.
fn what(entry: &Entry) -> String {
    let to = entry.to.as_deref().unwrap_or_default();
    match entry.kind {
        EntryKind::Phase | EntryKind::Member => clean(&to.replace('-', " ")),
        EntryKind::RefreshFailed => "refresh failed".to_owned(),
        EntryKind::ListenFailed => "listen failed".to_owned(),
        EntryKind::Refreshed => "refreshed again".to_owned(),
        EntryKind::Moved
        | EntryKind::Warning
        | EntryKind::Order
        | EntryKind::Reload
        | EntryKind::Start
        | EntryKind::Stop
        | EntryKind::Alert
        | EntryKind::Store
        | EntryKind::Unknown => entry.kind.word().to_owned(),
    }
}

/// Details, as far as they are not said by then.
fn rest(entry: &Entry) -> String {
    let text = clean(&entry.text);
    let from = || clean(&entry.from.as_deref().unwrap_or_default().replace('-', " "));
    match (entry.kind, entry.registrar) {
        (EntryKind::Phase, _) if text.is_empty() => format!("was {}", from()),
        (EntryKind::Moved, Some(to)) => format!("to {to} from {}", from()),
        (EntryKind::Member, Some(member)) => format!("{member} of {text}"),
        (EntryKind::Phase, Some(registrar)) if entry.code.is_some_and(|code| code >= 300) => {
            format!("{text}, at {registrar}")
        }
        (EntryKind::RefreshFailed, Some(registrar)) => format!("{text}, at {registrar}"),
        _ => match entry.uid {
            Some(uid) => format!("{text}, by user {uid}"),
            None => text,
        },
    }
}

fn tone(entry: &Entry) -> Tone {
    let refused = entry
        .code
        .is_some_and(|code| matches!(code, 401 | 403 | 407));
    match (entry.kind, entry.to.as_deref()) {
        (EntryKind::Phase, Some("registered")) | (EntryKind::Member, Some("online")) => Tone::Good,
        (EntryKind::Refreshed, _) | (EntryKind::Alert, Some("resolved")) => Tone::Good,
        (EntryKind::Alert, Some("lost" | "timed-out" | "given-up")) => Tone::Bad,
        (EntryKind::Phase, Some("no-port")) => Tone::Bad,
        (EntryKind::Phase, Some("waiting-to-retry")) if refused => Tone::Bad,
        (EntryKind::Phase, Some("waiting-to-retry" | "held" | "avoided")) => Tone::Doubtful,
        (EntryKind::Phase, Some("waiting-for-another-account")) => Tone::Doubtful,
        (EntryKind::Member | EntryKind::ListenFailed | EntryKind::Store, _) => Tone::Bad,
        (EntryKind::Warning | EntryKind::RefreshFailed, _) => Tone::Doubtful,
        _ => Tone::Plain,
    }
}

const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::UnixMs;

    // rule T3
    #[test]
    fn an_alert_has_the_tone_of_what_was_told() {
        for (told, expected) in [
            (Some("lost"), Tone::Bad),
            (Some("timed-out"), Tone::Bad),
            (Some("given-up"), Tone::Bad),
            (Some("resolved"), Tone::Good),
            (Some("test"), Tone::Plain),
            (None, Tone::Plain),
        ] {
            let entry = Entry {
                to: told.map(Into::into),
                ..Entry::new(EntryKind::Alert, UnixMs(0))
            };
            assert_eq!(tone(&entry), expected, "{told:?}");
        }
    }

    #[test]
    fn events_stand_in_columns_and_say_what_is_known() {
        let about = |kind, account: Option<&str>, text: &str| Entry {
            id: 1,
            account: account.map(Into::into),
            registrar: Some("192.0.2.1:5060".parse().unwrap()),
            text: text.into(),
            ..Entry::new(kind, UnixMs(1_795_341_600_123))
        };
        let entries = [
            Entry {
                from: Some("registering".into()),
                to: Some("waiting-to-retry".into()),
                code: Some(503),
                ..about(EntryKind::Phase, Some("main"), "503 Overload\u{1b}[31m")
            },
            Entry {
                from: Some("registering".into()),
                to: Some("held".into()),
                ..about(EntryKind::Phase, Some("a longer name"), "")
            },
            Entry {
                to: Some("offline".into()),
                ..about(EntryKind::Member, None, "Proxy Set carrier")
            },
            Entry {
                from: Some("192.0.2.9:5060".into()),
                ..about(EntryKind::Moved, Some("main"), "unused")
            },
            Entry {
                uid: Some(1_000),
                ..about(EntryKind::Order, Some("main"), "register")
            },
            about(EntryKind::Stop, None, "3 bindings left at registrars"),
        ];
        let mut columns = Columns::default();
        entries.iter().for_each(|entry| columns.fit(entry));
        let lines = entries.iter().map(|entry| {
            let pieces = columns.line(entry).into_iter();
            pieces.map(|(_, text)| text).collect::<String>() + "\n"
        });
        assert_eq!(
            lines.collect::<String>(),
            "\
2026-11-22 10:00:00Z  main           waiting to retry  503 Overload�[31m, at 192.0.2.1:5060
2026-11-22 10:00:00Z  a longer name  held              was registering
2026-11-22 10:00:00Z  –              offline           192.0.2.1:5060 of Proxy Set carrier
2026-11-22 10:00:00Z  main           moved             to 192.0.2.1:5060 from 192.0.2.9:5060
2026-11-22 10:00:00Z  main           order             register, by user 1000
2026-11-22 10:00:00Z  –              stop              3 bindings left at registrars
"
        );
    }
}
