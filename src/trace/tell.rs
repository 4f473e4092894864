//! A message in a few words: what it is, what it decides, and what came before it.

use std::collections::HashMap;

use super::entry::{At, Entry, Kind};
use super::redact::printable;
use crate::sip::{Contacts, Message, Name, RetryAfter};
use crate::status::table::Tone;
use crate::status::words::fitted;

/// Remembers requests, so that it can say of an answer how long it took, and of a message that it
/// has come before.
#[derive(Default)]
pub(super) struct Teller {
    requests: HashMap<Key, Request>,
}

/// The branch of a request and its method.
type Key = (Box<str>, Box<str>);

/// A request that came or went.
struct Request {
    first: At,
    sends: u32,
    /// The answers to it so far.
    answers: Vec<u16>,
}

/// A message in words.
pub(super) struct Said {
    /// What it means to whoever looks for trouble.
    pub(super) tone: Tone,
    /// The most important ones first.
    parts: Vec<String>,
    /// The Call-ID, if there is one.
    pub(super) call_id: Option<String>,
}

impl Said {
    fn new(tone: Tone, parts: Vec<String>) -> Self {
        Self {
            tone,
            parts,
            call_id: None,
        }
    }

    /// As much of it as so many columns hold.
    pub(super) fn words(&self, width: usize) -> String {
        let mut text = String::new();
        for part in &self.parts {
            let comma = if text.is_empty() { "" } else { ", " };
            let more = format!("{comma}{part}");
            if !text.is_empty() && text.chars().count() + more.chars().count() > width {
                break;
            }
            text.push_str(&more);
        }
        fitted(&text, width)
    }
}

impl Teller {
    pub(super) fn tell(&mut self, entry: &Entry) -> Said {
        let bytes = entry.content.bytes();
        if entry.kind == Kind::Note {
            return Said::new(Tone::Doubtful, vec![printable(bytes)]);
        }
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(_) if bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n')) => {
                return Said::new(
                    Tone::Quiet,
                    vec![format!("keep-alive, {} bytes", bytes.len())],
                );
            }
            Err(error) => {
                let first = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next();
                let first = printable(
                    &first.unwrap_or_default()[..first.unwrap_or_default().len().min(SHOWN)],
                );
                let parts = vec![
                    format!("no SIP, {} bytes", bytes.len()),
                    error.to_string(),
                    first,
                ];
                return Said::new(Tone::Doubtful, parts);
            }
        };
        let mut said = match message.code() {
            Some(code) => self.answer(entry.at, &message, code),
            None => self.request(entry.at, &message),
        };
        said.call_id = message.call_id().map(str::to_owned);
        said
    }

    fn request(&mut self, at: At, message: &Message<'_>) -> Said {
        let method = message.method().unwrap_or_default();
        let mut parts = vec![match message.cseq() {
            Ok(cseq) => format!("{} CSeq {}", printable(method.as_bytes()), cseq.number),
            Err(_) => printable(method.as_bytes()),
        }];
        let mut tone = Tone::Plain;
        if let Some(key) = key(message, method) {
            if self.requests.len() >= MOST_REQUESTS {
                self.requests.clear();
            }
            let request = self.requests.entry(key).or_insert_with(|| Request {
                first: at,
                sends: 0,
                answers: Vec::new(),
            });
            request.sends += 1;
            if request.sends > 1 {
                parts.push(format!("again ({})", request.sends));
                tone = Tone::Doubtful;
            }
        }
        let has = |name| message.raw(name).next().is_some();
        if has(Name::Authorization) || has(Name::ProxyAuthorization) {
            parts.push("credentials".to_owned());
        }
        if method == "REGISTER" {
            match (message.contacts(), message.expires()) {
                (Ok(Contacts::Star), _) => parts.push("removes every Contact".to_owned()),
                (_, Some(0)) => parts.push("removes the binding".to_owned()),
                (_, Some(seconds)) => parts.push(format!("asks {seconds} s")),
                (_, None) => {}
            }
        } else if let crate::sip::StartLine::Request { uri, .. } = message.start() {
            parts.push(printable(uri.as_bytes()));
        }
        Said::new(tone, parts)
    }

    fn answer(&mut self, at: At, message: &Message<'_>, code: u16) -> Said {
        let reason = message.reason().unwrap_or_default();
        let mut parts = vec![format!(
            "{code} {}",
            fitted(&printable(reason.as_bytes()), SHOWN)
        )];
        let cseq = message.cseq().ok();
        let method = cseq.as_ref().map_or("", |cseq| cseq.method);
        let request = key(message, method).and_then(|key| self.requests.get_mut(&key));
        if let Some(request) = request {
            let micros = at.0.saturating_sub(request.first.0);
            parts.push(format!("{}.{} ms", micros / 1_000, micros % 1_000 / 100));
            if request.answers.contains(&code) {
                parts.push("again".to_owned());
            } else if request.answers.iter().any(|code| *code >= 200) {
                parts.push("after another".to_owned());
            }
            request.answers.push(code);
        }
        parts.extend(decided(message, code, method));
        if let Some(cseq) = cseq {
            parts.push(format!("CSeq {}", cseq.number));
        }
        let tone = match code {
            ..200 | 401 | 407 => Tone::Plain,
            200..=299 => Tone::Good,
            300..=399 => Tone::Doubtful,
            _ => Tone::Bad,
        };
        Said::new(tone, parts)
    }
}

/// What an answer decides, besides its code.
fn decided(message: &Message<'_>, code: u16, method: &str) -> Option<String> {
    if method == "REGISTER" && (200..300).contains(&code) {
        let mut contacts = message.contact_items();
        return match (contacts.next(), contacts.next()) {
            (None, _) => Some("no Contact".to_owned()),
            (Some(one), None) => {
                let own = one.ok().and_then(|contact| contact.expires());
                own.or_else(|| message.expires())
                    .map(|seconds| format!("grants {seconds} s"))
            }
            (Some(_), Some(_)) => Some(format!("{} Contacts", 2 + contacts.count())),
        };
    }
    if matches!(code, 401 | 407) {
        let names = [Name::WwwAuthenticate, Name::ProxyAuthenticate];
        let mut challenges = names.into_iter().flat_map(|name| message.values(name));
        let is_stale = challenges.any(|it| {
            it.to_ascii_lowercase()
                .replace('"', "")
                .contains("stale=true")
        });
        return is_stale.then(|| "stale nonce".to_owned());
    }
    if let Some(seconds) = message.min_expires().filter(|_| code == 423) {
        return Some(format!("Min-Expires {seconds} s"));
    }
    match message.retry_after() {
        Some(RetryAfter::Seconds(seconds)) => return Some(format!("Retry-After {seconds} s")),
        Some(RetryAfter::Date { .. }) => return Some("Retry-After with a date".to_owned()),
        None => {}
    }
    let why = message
        .value(Name::Warning)
        .or_else(|| message.value(Name::Reason));
    why.filter(|_| code >= 300)
        .map(|why| fitted(&printable(why.as_bytes()), SHOWN))
}

fn key(message: &Message<'_>, method: &str) -> Option<Key> {
    let via = message.via().ok()?;
    Some((via.branch?.into(), method.into()))
}

/// So much of what others write is shown.
const SHOWN: usize = 60;

/// So many requests are remembered.
const MOST_REQUESTS: usize = 16_384;
