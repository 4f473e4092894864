//! A NOTIFY to the subscription: whether it is ours and in order, how it is answered, and what it
//! says (RFC 6665 §4.1.3, RFC 3680 §5.2).

use super::notice::{self, Ours, Standing, Verdict};
use super::{Next, PACKAGE, State, Subscription};
use crate::sip::reginfo::{Extent, MEDIA_TYPE, RegInfo};
use crate::sip::{Message, Name, NameAddr};
use crate::time::Instant;

/// How a NOTIFY is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reply {
    /// The status code.
    pub code: u16,
    /// The reason phrase.
    pub reason: &'static str,
    /// One header more.
    pub header: Option<(&'static str, &'static str)>,
}

/// What a NOTIFY brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Notified {
    /// How it is answered, in any case.
    pub reply: Reply,
    /// What it says of our contact. It is news only while there is a binding.
    pub verdict: Verdict,
    /// Whether a SUBSCRIBE is due, after the answer.
    pub next: Next,
}

impl Subscription {
    /// A NOTIFY has come that carries our tag.
    pub fn on_notify(&mut self, message: &Message<'_>, ours: &Ours<'_>, now: Instant) -> Notified {
        let silent = |reply| Notified {
            reply,
            verdict: Verdict::None,
            next: Next::Wait,
        };
        let Ok(cseq) = message.cseq() else {
            return silent(BAD_REQUEST);
        };
        if !self.is_for_us(message) {
            return silent(NO_SUBSCRIPTION);
        }
        match self.answered {
            Some((last, reply)) if last == cseq.number => return silent(reply),
            _ if matches!(self.state, State::None | State::Terminated) => {
                return silent(NO_SUBSCRIPTION);
            }
            _ => {}
        }
        if let Some(dialog) = &mut self.dialog
            && !dialog.on_request("NOTIFY", cseq.number)
        {
            return silent(OUT_OF_ORDER);
        }
        let event = message.value(Name::Event).unwrap_or_default();
        let package = event.split(';').next().unwrap_or_default().trim();
        let notified = if package.eq_ignore_ascii_case(PACKAGE) {
            self.on_news(message, ours, now)
        } else {
            silent(BAD_EVENT)
        };
        self.answered = Some((cseq.number, notified.reply));
        notified
    }

    /// Whether it belongs to our dialog, or may make one: before that there is none, and after it
    /// none other (RFC 3680 §4.9).
    fn is_for_us(&self, message: &Message<'_>) -> bool {
        let tag = |address: Result<NameAddr<'_>, _>| {
            address.map_or_else(
                |_| String::new(),
                |it| it.tag().unwrap_or_default().to_owned(),
            )
        };
        let is_ours = message.call_id() == Some(&*self.call_id) && tag(message.to()) == self.tag();
        let theirs = tag(message.from());
        is_ours
            && self
                .dialog
                .as_ref()
                .is_none_or(|dialog| *dialog.id().remote_tag == *theirs)
    }

    /// A NOTIFY in order, of our package (RFC 6665 §4.1.3).
    fn on_news(&mut self, message: &Message<'_>, ours: &Ours<'_>, now: Instant) -> Notified {
        let contact = message.contact_items().find_map(Result::ok);
        match &mut self.dialog {
            Some(dialog) => {
                dialog.refresh_target(contact.as_ref().map(|contact| contact.uri.as_str()));
            }
            None => self.dialog = self.dialog_by(message.from().ok(), message, false),
        }
        let standing = Standing::read(message);
        let (reply, info) = match RegInfo::parse(message.body()) {
            _ if message.body().is_empty() => (OK, None),
            _ if !notice::has_our_type(message) => (UNSUPPORTED, None),
            Err(_) => (BAD_REQUEST, None),
            Ok(info) => (OK, Some(info)),
        };
        let was_wanted = !matches!(self.state, State::Leaving { .. });
        let is_pending = matches!(standing, Standing::Pending(_));
        let (verdict, is_gap) = match info.filter(|_| was_wanted && !is_pending) {
            Some(info) => self.read(&info, ours),
            None => (Verdict::None, false),
        };
        let mut next = self.on_standing(standing, now);
        if verdict.is_loss() && self.state == State::Terminated {
            self.on_lost();
            next = Next::Wait;
        } else if is_gap && next == Next::Wait {
            next = self.fetch(now);
        }
        Notified {
            reply,
            verdict,
            next,
        }
    }

    /// What a document says of our contact, and whether one before it is lost (RFC 3680 §5.2).
    fn read(&mut self, info: &RegInfo, ours: &Ours<'_>) -> (Verdict, bool) {
        let is_full = info.extent == Extent::Full;
        let is_gap = match self.version {
            Some(last) if info.version < last => return (Verdict::None, false),
            // One that does not count repeats itself when it says everything.
            Some(last) if info.version == last && !is_full => return (Verdict::None, false),
            Some(last) => info.version - last > 1,
            None => true,
        };
        self.version = Some(info.version);
        (notice::verdict(info, ours), is_gap && !is_full)
    }
}

const fn reply(code: u16, reason: &'static str) -> Reply {
    Reply {
        code,
        reason,
        header: None,
    }
}

const OK: Reply = reply(200, "OK");
const BAD_REQUEST: Reply = reply(400, "Bad Request");
const UNSUPPORTED: Reply = Reply {
    header: Some(("Accept", MEDIA_TYPE)),
    ..reply(415, "Unsupported Media Type")
};
const NO_SUBSCRIPTION: Reply = reply(481, "Subscription Does Not Exist");
const BAD_EVENT: Reply = Reply {
    header: Some(("Allow-Events", PACKAGE)),
    ..reply(489, "Bad Event")
};
/// RFC 3261 §12.2.2.
const OUT_OF_ORDER: Reply = reply(500, "Server Internal Error");
