//! Messages as a ladder for people: who said what to whom, when, and how long the answer took.
//!
//! It knows widths and words, no terminal. It reads what comes one after the other, so that a trace
//! that is followed and one from memory look the same. Nothing in a message can steer a terminal.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;

use super::entry::{Entry, Kind};
use super::redact::printable;
use super::tell::{Said, Teller};
use crate::status::table::{Line, Tone};
use crate::status::words::fitted;

/// A ladder that grows.
pub struct Ladder {
    width: usize,
    remotes: BTreeSet<SocketAddr>,
    owners: BTreeSet<Option<Arc<str>>>,
    teller: Teller,
    /// The day that was said last.
    day: String,
    /// The Call-ID of each Account that was said last.
    calls: BTreeMap<Arc<str>, String>,
    shape: Option<Shape>,
}

/// Where things stand.
#[derive(Clone, PartialEq, Eq)]
struct Shape {
    /// Columns for the names of Accounts, if there are several.
    names: usize,
    /// Where the line of each registrar is; empty when there is one line per message.
    rails: Vec<(SocketAddr, usize)>,
}

impl Ladder {
    /// A ladder of so many columns.
    pub fn new(width: usize) -> Self {
        Self {
            width,
            remotes: BTreeSet::new(),
            owners: BTreeSet::new(),
            teller: Teller::default(),
            day: String::new(),
            calls: BTreeMap::new(),
            shape: None,
        }
    }

    /// The lines of further messages.
    pub fn add(&mut self, entries: &[Entry]) -> Vec<Line> {
        for entry in entries {
            self.remotes
                .extend(entry.remote.filter(|_| self.remotes.len() <= MOST_RAILS));
            self.owners.insert(owner(entry));
        }
        let shape = self.shape();
        let mut lines = Vec::new();
        let is_same = self.shape.as_ref() == Some(&shape);
        if !is_same && !entries.is_empty() && !shape.rails.is_empty() {
            if self.shape.is_some() {
                lines.push(Line::new());
            }
            lines.push(self.heading(&shape, entries));
        }
        for entry in entries {
            self.tell(&shape, entry, &mut lines);
        }
        self.shape = Some(shape);
        lines
    }

    fn shape(&self) -> Shape {
        let longest = self
            .owners
            .iter()
            .flatten()
            .map(|name| name.chars().count())
            .max();
        let names = match self.owners.len() {
            0 | 1 => 0,
            _ => longest.unwrap_or_default().clamp(4, WIDEST_NAME) + GAP,
        };
        let start = TIME + GAP + names;
        let span = self.width.saturating_sub(start + 1) / self.remotes.len().max(1);
        let rails = self
            .remotes
            .iter()
            .zip(1..)
            .map(|(remote, place)| (*remote, start + span * place));
        let rails = match span >= NARROWEST_SPAN && self.remotes.len() <= MOST_RAILS {
            true => rails.collect(),
            false => Vec::new(),
        };
        Shape { names, rails }
    }

    /// Who stands at which line.
    fn heading(&self, shape: &Shape, entries: &[Entry]) -> Line {
        let locals: BTreeSet<SocketAddr> = entries.iter().filter_map(|entry| entry.local).collect();
        let us = match locals.first() {
            Some(local) if locals.len() == 1 => local.to_string(),
            _ => "regent".to_owned(),
        };
        let mut text = " ".repeat(TIME + GAP + shape.names);
        text.push_str(&us);
        for (remote, rail) in &shape.rails {
            let name = remote.to_string();
            let wanted = (rail + 1).saturating_sub(name.chars().count());
            let gap = wanted.saturating_sub(text.chars().count()).max(1);
            text.push_str(&" ".repeat(gap));
            text.push_str(&name);
        }
        vec![(Tone::Quiet, text)]
    }

    fn tell(&mut self, shape: &Shape, entry: &Entry, lines: &mut Vec<Line>) {
        let stamp = entry.at.to_string();
        let (day, time) = stamp.split_once('T').unwrap_or(("", &stamp));
        if self.day != day {
            day.clone_into(&mut self.day);
            lines.push(vec![(Tone::Quiet, format!("{day} (UTC)"))]);
        }
        let owner = owner(entry);
        let mut line = vec![(
            Tone::Quiet,
            format!("{:<TIME$}  ", &time[..time.len().min(TIME)]),
        )];
        if shape.names > 0 {
            let name = owner
                .as_deref()
                .map_or_else(|| "-".to_owned(), |it| printable(it.as_bytes()));
            let name = fitted(&name, shape.names - GAP);
            let pad = shape.names - name.chars().count();
            line.push((Tone::Plain, name + &" ".repeat(pad)));
        }
        let said = self.teller.tell(entry);
        if let (Some(name), Some(call)) = (&entry.account, &said.call_id)
            && self.calls.get(name) != Some(call)
        {
            let text = fitted(
                &printable(call.as_bytes()),
                self.room(shape).saturating_sub(9),
            );
            let indent = " ".repeat(TIME + GAP + shape.names);
            lines.push(vec![(Tone::Quiet, format!("{indent}Call-ID {text}"))]);
            self.calls.insert(Arc::clone(name), call.clone());
        }
        self.arrow(shape, entry, &said, &mut line);
        lines.push(line);
    }

    /// Columns behind time and name.
    fn room(&self, shape: &Shape) -> usize {
        self.width.saturating_sub(TIME + GAP + shape.names)
    }

    fn arrow(&self, shape: &Shape, entry: &Entry, said: &Said, line: &mut Line) {
        let room = self.room(shape);
        let Some(remote) = entry.remote else {
            line.push((
                said.tone,
                fitted(&format!("* {}", said.words(usize::MAX)), room),
            ));
            return;
        };
        let is_received = entry.kind == Kind::Received;
        let Some(place) = shape.rails.iter().position(|(it, _)| *it == remote) else {
            let head = format!("{} {remote}  ", if is_received { "<-" } else { "->" });
            let left = room.saturating_sub(head.chars().count());
            line.push((Tone::Quiet, head));
            line.push((said.tone, said.words(left)));
            return;
        };
        let start = TIME + GAP + shape.names;
        let inside = shape.rails[place].1.saturating_sub(start + 1);
        let words = said.words(inside.saturating_sub(8));
        let dashes = "-".repeat(inside.saturating_sub(words.chars().count() + 6));
        let (before, after) = match is_received {
            true => ("|<-- ", format!(" {dashes}-|")),
            false => ("|--- ", format!(" {dashes}>|")),
        };
        line.push((Tone::Quiet, before.to_owned()));
        line.push((said.tone, words));
        line.push((Tone::Quiet, after));
        let mut last = shape.rails[place].1;
        for (_, rail) in &shape.rails[place + 1..] {
            line.push((Tone::Quiet, format!("{}|", " ".repeat(rail - last - 1))));
            last = *rail;
        }
    }
}

/// Messages whole, each under a line that says when, whence and whither.
pub fn full(entry: &Entry) -> Vec<Line> {
    let whose = match (&entry.account, &entry.proxy_set) {
        (Some(name), _) => format!("  {}", printable(name.as_bytes())),
        (None, Some(name)) => format!("  Proxy Set {}", printable(name.as_bytes())),
        (None, None) => String::new(),
    };
    let (Some(local), Some(remote)) = (entry.local, entry.remote) else {
        let head = (Tone::Quiet, format!("{}{whose}  ", entry.at));
        let text = (Tone::Doubtful, printable(entry.content.bytes()));
        return vec![vec![head, text], Line::new()];
    };
    let arrow = if entry.kind == Kind::Received {
        "<-"
    } else {
        "->"
    };
    let head = format!("{}{whose}  {local} {arrow} {remote}", entry.at);
    let mut lines = vec![vec![(Tone::Quiet, head)]];
    for text in entry.content.bytes().split(|byte| *byte == b'\n') {
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        lines.push(vec![(Tone::Plain, printable(text))]);
    }
    let is_blank = |line: &Line| line.iter().all(|(_, text)| text.is_empty());
    while lines.last().is_some_and(is_blank) {
        lines.pop();
    }
    lines.push(Line::new());
    lines
}

/// Whom a line of several is about.
fn owner(entry: &Entry) -> Option<Arc<str>> {
    entry.account.clone().or_else(|| entry.proxy_set.clone())
}

/// `03:12:07.123`.
const TIME: usize = 12;

/// Columns between columns.
const GAP: usize = 2;

/// A name is cut if it is longer.
const WIDEST_NAME: usize = 14;

/// Where the lines of registrars are nearer to each other than this there is one line per message,
/// and none of them.
const NARROWEST_SPAN: usize = 26;

/// More registrars than this never have lines.
const MOST_RAILS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{At, Content, Transport};

    /// A message of the Account `main`, so many milliseconds after ten o'clock.
    fn message(ms: i64, kind: Kind, remote: &str, text: &str) -> Entry {
        Entry {
            number: 1,
            at: At(1_795_341_600_000_000 + ms * 1_000),
            kind,
            account: Some("main".into()),
            proxy_set: None,
            transport: Some(Transport::Udp),
            local: Some("127.0.0.1:5070".parse().unwrap()),
            remote: Some(remote.parse().unwrap()),
            content: Content::new(text.as_bytes().to_vec()),
        }
    }

    fn sip(first: &str, cseq: u32, more: &str) -> String {
        format!(
            "{first}\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{cseq}\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:a@b>\r\nCall-ID: call\r\nCSeq: {cseq} REGISTER\r\n{more}\r\n"
        )
    }

    fn text(lines: &[Line]) -> String {
        let line = |line: &Line| {
            line.iter()
                .map(|(_, text)| text.as_str())
                .collect::<String>()
                + "\n"
        };
        lines.iter().map(line).collect()
    }

    /// A first attempt with a repeat, a challenge, and a refusal.
    fn attempt() -> Vec<Entry> {
        let register = sip("REGISTER sip:b SIP/2.0", 1, "Expires: 180\r\n");
        let second = sip(
            "REGISTER sip:b SIP/2.0",
            2,
            "Expires: 180\r\nAuthorization: Digest a=b\r\n",
        );
        let one = "192.0.2.1:5060";
        let note = Entry {
            kind: Kind::Note,
            transport: None,
            local: None,
            remote: None,
            content: Content::Text("waiting to retry: credentials refused".to_owned()),
            ..message(561, Kind::Note, one, "")
        };
        vec![
            message(0, Kind::Sent, one, &register),
            message(500, Kind::Sent, one, &register),
            message(
                520,
                Kind::Received,
                one,
                &sip("SIP/2.0 401 Unauthorized", 1, ""),
            ),
            message(520, Kind::Sent, one, &second),
            message(
                561,
                Kind::Received,
                one,
                &sip("SIP/2.0 403 Forbidden", 2, "Retry-After: 60\r\n"),
            ),
            note,
        ]
    }

    #[test]
    fn a_ladder_says_who_said_what_when_and_how_long_it_took() {
        let lines = Ladder::new(80).add(&attempt());
        assert_eq!(
            text(&lines),
            "              127.0.0.1:5070                                      192.0.2.1:5060
2026-11-22 (UTC)
              Call-ID call
10:00:00.000  |--- REGISTER CSeq 1, asks 180 s ------------------------------->|
10:00:00.500  |--- REGISTER CSeq 1, again (2), asks 180 s -------------------->|
10:00:00.520  |<-- 401 Unauthorized, 520.0 ms, CSeq 1 -------------------------|
10:00:00.520  |--- REGISTER CSeq 2, credentials, asks 180 s ------------------>|
10:00:00.561  |<-- 403 Forbidden, 41.0 ms, Retry-After 60 s, CSeq 2 -----------|
10:00:00.561  * waiting to retry: credentials refused
"
        );
        let tones: Vec<Tone> = lines
            .iter()
            .filter_map(|line| Some(line.get(2)?.0))
            .collect();
        let (plain, doubtful, bad) = (Tone::Plain, Tone::Doubtful, Tone::Bad);
        assert_eq!(tones, [plain, doubtful, plain, plain, bad]);
        let narrow = text(&Ladder::new(39).add(&attempt()[..1]));
        let arrow = "10:00:00.000  -> 192.0.2.1:5060  REGIS…";
        assert_eq!(narrow.lines().nth(2), Some(arrow));
    }

    #[test]
    fn each_registrar_has_its_own_line_and_a_new_one_a_new_heading() {
        let mut ladder = Ladder::new(100);
        ladder.add(&attempt()[..1]);
        let other = message(900, Kind::Received, "192.0.2.2:5060", "\r\n\r\n");
        let lines = text(&ladder.add(&[other, attempt().remove(1)]));
        assert_eq!(
            lines,
            "
              127.0.0.1:5070               192.0.2.1:5060                            192.0.2.2:5060
10:00:00.900  |<-- keep-alive, 4 bytes -----------------------------------------------------------|
10:00:00.500  |--- REGISTER CSeq 1, again (2) --------->|                                         |
"
        );
        // Where there are too many for lines of their own, each message names its other end.
        let many = (1..9).map(|host| message(0, Kind::Received, &format!("192.0.2.{host}:1"), ""));
        let lines = text(&Ladder::new(100).add(&many.collect::<Vec<_>>()));
        assert!(
            lines.contains("<- 192.0.2.8:1  keep-alive, 0 bytes"),
            "{lines}"
        );
    }

    #[test]
    fn nothing_hostile_reaches_the_terminal() {
        let long = "x".repeat(60_000);
        let reason = format!("SIP/2.0 603 \u{1b}[2J\u{202e}{long}");
        let warning = "Warning: 399 a \"\u{1b}]0;owned\u{7}\"\r\n";
        let mut entries = vec![
            message(0, Kind::Received, "192.0.2.1:1", &sip(&reason, 1, warning)),
            message(0, Kind::Received, "192.0.2.1:1", "\u{1b}[31m\0\r\n\u{9b}"),
            message(
                0,
                Kind::Received,
                "192.0.2.1:1",
                "OPTIONS sip:\u{1b}[1m SIP/2.0\r\n\r\n",
            ),
        ];
        entries[1].content = Content::Hex(vec![0xff, 0x1b, b'[', 0x00, 0x9b]);
        for mut entry in entries.clone() {
            entry.account = Some("\u{1b}[5m".into());
            entries.push(entry);
        }
        let mut shown = text(&Ladder::new(100).add(&entries));
        assert!(
            shown.lines().all(|line| line.chars().count() <= 100),
            "{shown}"
        );
        shown += &entries
            .iter()
            .map(|entry| text(&full(entry)))
            .collect::<String>();
        let harmful = |one: char| one != '\n' && (one.is_control() || one == '\u{202e}');
        assert_eq!(shown.find(harmful), None);
        assert!(shown.contains("\\x1b[2J\\u{202e}"), "{}", &shown[..400]);
    }
}
