//! Watching our own registration: the subscription to the event package `reg` (rule R1, RFC 3680).
//!
//! A [`Subscription`] knows its dialog, its times and the order of the documents. It does not know
//! the binding, who sends for it, how a challenge is answered, or what a [`Verdict`] leads to.
//! Handlers return [`Next`]: whether a SUBSCRIBE is due now. Its invariants: at most one SUBSCRIBE
//! is in flight, and nothing but a verdict says anything about the binding.

mod news;
mod notice;

use std::sync::Arc;

use super::auth::Repeats;
use crate::cx::TransactionId;
use crate::effect::AccountId;
use crate::pace::RegistrarId;
use crate::rng::{Draw, Token, read_hex};
use crate::sip::dialog::{Dialog, Parts};
use crate::sip::reginfo::MEDIA_TYPE;
use crate::sip::write::Writer;
use crate::sip::{Message, Name, NameAddr};
use crate::time::{Duration, Instant};
pub use news::{Notified, Reply};
use notice::{Again, Standing};
pub use notice::{Ours, Verdict};

/// The duration that we ask for, in seconds (RFC 3680 §4.4).
const EXPIRES: u32 = 3_761;
/// Name of the event package (RFC 3680 §4.1).
const PACKAGE: &str = "reg";
/// Timer N: a SUBSCRIBE that brought no NOTIFY by then brought nothing (RFC 6665 §4.1.2.4). A
/// subscription is not begun, and a lost document not asked for, more often than that.
const TIMER_N: Duration = Duration::from_secs(32);
/// A subscription that its notifier has ended without saying for how long waits this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// 423 answers in a row that are obeyed.
const BRIEF_MAX: u8 = 2;
/// `Min-Expires` above this is not obeyed, as in a REGISTER (table A).
const MIN_EXPIRES_MAX: u32 = 2_000_000;

/// A subscription to what one registrar knows of one Account.
#[derive(Debug)]
pub struct Subscription {
    account: AccountId,
    registrar: RegistrarId,
    aor: Arc<str>,
    call_id: Box<str>,
    salt: u64,
    cseq: u32,
    /// The Request-URI of the last SUBSCRIBE.
    uri: Box<str>,
    asked: u32,
    /// 423 answers that were obeyed since the last 2xx.
    briefs: u8,
    state: State,
    dialog: Option<Box<Dialog>>,
    flight: Option<TransactionId>,
    /// What the SUBSCRIBE in hand has been through with challenges.
    pub(super) repeats: Repeats,
    /// Whether the SUBSCRIBE that ends it has left.
    has_left: bool,
    /// When a SUBSCRIBE is due.
    due: Option<Instant>,
    /// Timer N.
    notify_by: Option<Instant>,
    /// When the first SUBSCRIBE of the dialog left.
    begun: Option<Instant>,
    /// When a lost document was asked for.
    fetched: Option<Instant>,
    /// Version of the last document.
    version: Option<u64>,
    /// CSeq of the last NOTIFY, and the answer that it got, for when it is sent again.
    answered: Option<(u32, Reply)>,
}

/// Where a subscription is (RFC 6665 §4.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// Not begun: the next 2xx to a REGISTER begins it.
    None,
    /// A first SUBSCRIBE has left; nobody has accepted it yet.
    Subscribing,
    /// It stands.
    Active {
        /// When it ends if it is not refreshed.
        until: Instant,
    },
    /// It is being ended; what still comes is answered.
    Leaving {
        /// Until then.
        until: Instant,
    },
    /// It has ended, or nobody has accepted it: the next new binding begins it again.
    Terminated,
}

/// What is to be done after a handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use = "a SUBSCRIBE may be due"]
pub enum Next {
    /// Nothing before [`Subscription::deadline`].
    Wait,
    /// Send a SUBSCRIBE: [`Subscription::next_request`].
    Send,
}

/// Where a SUBSCRIBE goes and what it asks.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The Request-URI, which credentials cover too.
    pub uri: String,
    /// The values of Route; `None` leaves them to the Service-Route of the registration.
    routes: Option<Vec<String>>,
    expires: u32,
}

/// What a SUBSCRIBE needs besides the subscription itself.
#[derive(Clone, Copy, Debug)]
pub struct Form<'a> {
    /// The branch.
    pub branch: &'a str,
    /// Host and port of Via.
    pub local: &'a str,
    /// The URI of our Contact, as in a REGISTER.
    pub contact: &'a str,
    /// The values of the Service-Route of the 2xx (RFC 3608).
    pub service_route: &'a [Box<str>],
    /// Names and values of the headers with credentials.
    pub credentials: &'a [(&'static str, String)],
    /// The User-Agent.
    pub user_agent: &'a str,
}

/// The Account whose subscription has this tag, whether it still stands or not.
pub fn account_of(tag: &str) -> Option<AccountId> {
    let bytes = tag.as_bytes();
    if bytes.len() != 34 || bytes[8] != b'-' || bytes[17] != b'-' {
        return None;
    }
    read_hex(&bytes[18..])?;
    Some(AccountId {
        slot: u32::try_from(read_hex(&bytes[..8])?).ok()?,
        generation: u32::try_from(read_hex(&bytes[9..17])?).ok()?,
    })
}

impl Subscription {
    /// One that is not begun.
    pub fn new(account: AccountId, registrar: RegistrarId, aor: Arc<str>) -> Self {
        Self {
            account,
            registrar,
            aor,
            call_id: Box::default(),
            salt: 0,
            cseq: 0,
            uri: Box::default(),
            asked: EXPIRES,
            briefs: 0,
            state: State::None,
            dialog: None,
            flight: None,
            repeats: Repeats::default(),
            has_left: false,
            due: None,
            notify_by: None,
            begun: None,
            fetched: None,
            version: None,
            answered: None,
        }
    }

    /// Who is asked.
    pub fn registrar(&self) -> RegistrarId {
        self.registrar
    }

    /// Where it is.
    pub fn state(&self) -> State {
        self.state
    }

    /// The transaction of the SUBSCRIBE in flight.
    pub fn flight(&self) -> Option<TransactionId> {
        self.flight
    }

    /// The Request-URI of the last SUBSCRIBE.
    pub fn uri(&self) -> &str {
        &self.uri
    }

    /// When [`Subscription::on_timer`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let until = match self.state {
            State::Active { until } | State::Leaving { until } => Some(until),
            State::None | State::Subscribing | State::Terminated => None,
        };
        let due = self.due.filter(|_| self.flight.is_none());
        [until, due, self.notify_by].into_iter().flatten().min()
    }

    /// A REGISTER at the same registrar got a 2xx. `is_new` when there was no binding before: then
    /// what was refused or lost is tried again.
    pub fn on_bound(&mut self, is_new: bool) -> Next {
        match self.state {
            State::None => Next::Send,
            State::Terminated if is_new && self.due.is_none() => Next::Send,
            State::Leaving { .. } => {
                self.end();
                Next::Send
            }
            State::Subscribing | State::Active { .. } | State::Terminated => Next::Wait,
        }
    }

    /// The binding is about to be removed by us.
    pub fn on_unregister(&mut self, now: Instant) -> Next {
        self.due = None;
        match self.state {
            State::Subscribing | State::Active { .. } => {
                self.state = State::Leaving {
                    until: now + TIMER_N,
                };
                self.leave()
            }
            State::Leaving { .. } => Next::Wait,
            State::None | State::Terminated => {
                self.end();
                self.state = State::None;
                Next::Wait
            }
        }
    }

    /// There is no binding any more, and we did not remove it. What stands goes on to watch; what
    /// has ended waits for the next binding.
    pub fn on_lost(&mut self) {
        if self.state == State::Terminated {
            self.end();
            self.state = State::None;
        }
    }

    /// Its deadline may have come.
    pub fn on_timer(&mut self, now: Instant) -> Next {
        let is_over = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let until = match self.state {
            State::Active { until } | State::Leaving { until } => Some(until),
            State::None | State::Subscribing | State::Terminated => None,
        };
        if is_over(self.notify_by) || is_over(until) {
            self.end();
            return Next::Wait;
        }
        let is_due = is_over(self.due) && self.flight.is_none();
        self.send_if(is_due)
    }

    /// What the SUBSCRIBE that leaves now asks, and where. The caller sends it, and says so by
    /// [`Subscription::on_sent`].
    pub fn next_request(&mut self, now: Instant, draw: &mut Draw) -> Request {
        if matches!(self.state, State::None | State::Terminated) {
            // RFC 6665 §4.1.2.2: a new Call-ID and a new tag.
            self.call_id = [draw.token().as_str(), draw.token().as_str()]
                .concat()
                .into();
            self.salt = draw.number();
            self.state = State::Subscribing;
            self.cseq = 0;
            self.dialog = None;
            self.answered = None;
            self.version = None;
            self.fetched = None;
            self.has_left = false;
            self.begun = Some(now);
        }
        self.cseq += 1;
        self.due = None;
        self.notify_by = Some(now + TIMER_N);
        let is_leaving = matches!(self.state, State::Leaving { .. });
        self.has_left |= is_leaving;
        let expires = if is_leaving { 0 } else { self.asked };
        let (uri, routes) = match self.dialog.as_ref().map(|dialog| dialog.way()) {
            Some(way) => (way.request_uri, Some(way.routes)),
            None => (self.aor.to_string(), None),
        };
        self.uri = uri.as_str().into();
        Request {
            uri,
            routes,
            expires,
        }
    }

    /// The SUBSCRIBE of [`Subscription::next_request`] has left.
    pub fn on_sent(&mut self, transaction: TransactionId) {
        self.flight = Some(transaction);
    }

    /// Writes the SUBSCRIBE (RFC 6665 §4.1.2.1).
    pub fn write(&self, request: &Request, form: &Form<'_>, out: &mut Vec<u8>) {
        let tag = self.tag();
        let (cseq, expires) = (self.cseq.to_string(), request.expires.to_string());
        let remote = self
            .dialog
            .as_deref()
            .map(|dialog| &*dialog.id().remote_tag);
        let mut writer = Writer::request(out, "SUBSCRIBE", &request.uri);
        let via = [
            "SIP/2.0/UDP ",
            form.local,
            ";branch=",
            form.branch,
            ";rport",
        ];
        writer.parts("Via", &via);
        writer.parts("Max-Forwards", &["70"]);
        let own = request.routes.iter().flatten().map(String::as_str);
        let preloaded = form.service_route.iter().map(|route| &**route);
        for route in own.chain(preloaded.filter(|_| request.routes.is_none())) {
            writer.parts("Route", &[route]);
        }
        writer.parts("From", &["<", &self.aor, ">;tag=", &tag]);
        match remote.filter(|tag| !tag.is_empty()) {
            Some(remote) => writer.parts("To", &["<", &self.aor, ">;tag=", remote]),
            None => writer.parts("To", &["<", &self.aor, ">"]),
        };
        writer.parts("Call-ID", &[&self.call_id]);
        writer.parts("CSeq", &[&cseq, " SUBSCRIBE"]);
        writer.parts("Contact", &["<", form.contact, ">"]);
        writer.parts("Event", &[PACKAGE]);
        writer.parts("Accept", &[MEDIA_TYPE]);
        writer.parts("Expires", &[&expires]);
        for (name, value) in form.credentials {
            writer.parts(name, &[value]);
        }
        writer.parts("User-Agent", &[form.user_agent]);
        writer.parts("Allow", &[super::ALLOW]);
        writer.finish(&[]);
    }

    /// The SUBSCRIBE in flight was challenged, and the challenge can be answered: whether it is to
    /// be sent again.
    pub fn on_challenged(&mut self) -> Next {
        self.flight = None;
        let is_idle = matches!(self.state, State::None | State::Terminated);
        if is_idle || self.is_leaving_nothing() {
            self.end();
            return Next::Wait;
        }
        Next::Send
    }

    /// The SUBSCRIBE in flight got this final answer; a challenge only when it cannot be answered.
    pub fn on_answer(&mut self, code: u16, message: &Message<'_>, now: Instant) -> Next {
        self.flight = None;
        self.repeats = Repeats::default();
        match code {
            200..=299 => self.on_accepted(message, now),
            423 => self.on_brief(message),
            _ => self.on_refused(code, now),
        }
    }

    /// The SUBSCRIBE in flight got no answer, or could not be delivered.
    pub fn on_no_answer(&mut self, now: Instant) -> Next {
        self.flight = None;
        self.repeats = Repeats::default();
        let stands = matches!(self.state, State::Active { .. });
        if stands && self.notify_by.is_none() {
            // A NOTIFY came all the same.
            return Next::Wait;
        }
        self.on_refused(408, now)
    }

    fn on_accepted(&mut self, message: &Message<'_>, now: Instant) -> Next {
        if !matches!(
            self.state,
            State::Subscribing | State::Active { .. } | State::Leaving { .. }
        ) {
            return Next::Wait;
        }
        let contact = message.contact_items().find_map(Result::ok);
        match &mut self.dialog {
            Some(dialog) => {
                let is_from_there = message
                    .to()
                    .is_ok_and(|to| to.tag().unwrap_or_default() == &*dialog.id().remote_tag);
                if is_from_there {
                    dialog.refresh_target(contact.as_ref().map(|contact| contact.uri.as_str()));
                }
            }
            None => self.dialog = self.dialog_by(message.to().ok(), message, true),
        }
        if let State::Leaving { .. } = self.state {
            // The first SUBSCRIBE was in flight when the binding was given up.
            return self.leave();
        }
        self.briefs = 0;
        let expires = message.expires().unwrap_or(self.asked).min(self.asked);
        if expires == 0 {
            self.end();
        } else if self.dialog.is_some() {
            self.stand(expires, now);
        }
        Next::Wait
    }

    /// 423: asks for at least `Min-Expires` from now on, if that is sensible (RFC 3261 §10.2.8).
    fn on_brief(&mut self, message: &Message<'_>) -> Next {
        let minimum = message.min_expires().unwrap_or(0);
        let is_wanted = matches!(self.state, State::Subscribing | State::Active { .. });
        let is_new = minimum > self.asked && minimum <= MIN_EXPIRES_MAX;
        if is_wanted && is_new && self.briefs < BRIEF_MAX {
            self.briefs += 1;
            self.asked = minimum;
            return Next::Send;
        }
        self.end_unless_active();
        Next::Wait
    }

    fn on_refused(&mut self, code: u16, now: Instant) -> Next {
        if let State::Active { .. } = self.state {
            self.notify_by = None;
            if code == 481 {
                self.end();
                return self.begin_again(now, Duration::ZERO);
            }
            // RFC 6665 §4.1.2.2: these end a subscription, others leave it until it expires.
            let is_ended = matches!(
                code,
                404 | 405 | 408 | 410 | 416 | 480..=485 | 489 | 501 | 604
            );
            if !is_ended {
                return Next::Wait;
            }
        }
        self.end();
        Next::Wait
    }

    fn on_standing(&mut self, standing: Standing, now: Instant) -> Next {
        match standing {
            Standing::Active(Some(0)) | Standing::Pending(Some(0)) => {
                self.end();
                Next::Wait
            }
            Standing::Active(expires) | Standing::Pending(expires) => {
                match (self.state, expires) {
                    (State::Subscribing, _) => self.stand(expires.unwrap_or(self.asked), now),
                    (State::Active { .. }, Some(expires)) => {
                        let left = Duration::from_secs(expires.into());
                        self.state = State::Active { until: now + left };
                        self.due = self.due.map(|due| due.min(now + left / 2));
                    }
                    _ => {}
                }
                if let State::Leaving { .. } = self.state {
                    return self.leave();
                }
                self.notify_by = None;
                Next::Wait
            }
            Standing::Terminated(again) => {
                let was_wanted = !matches!(self.state, State::Leaving { .. });
                self.end();
                match again {
                    Again::Now if was_wanted => self.begin_again(now, Duration::ZERO),
                    Again::Later(wait) if was_wanted => {
                        let wait = wait.map(|wait| Duration::from_secs(wait.into()));
                        self.begin_again(now, wait.unwrap_or(PATIENCE))
                    }
                    Again::Now | Again::Later(_) | Again::Never => Next::Wait,
                }
            }
        }
    }

    /// It stands for so many seconds, and is refreshed after half of them.
    fn stand(&mut self, expires: u32, now: Instant) {
        let expires = Duration::from_secs(expires.into());
        self.state = State::Active {
            until: now + expires,
        };
        self.due = Some(now + expires / 2);
    }

    /// Asks for everything, since a document was lost; not over and over where none says it all.
    fn fetch(&mut self, now: Instant) -> Next {
        let is_recent = self.fetched.is_some_and(|at| now < at + TIMER_N);
        let is_active = matches!(self.state, State::Active { .. });
        if !is_active || is_recent || self.flight.is_some() {
            return Next::Wait;
        }
        self.fetched = Some(now);
        Next::Send
    }

    /// Begins anew after a wait, and not sooner than is decent after the last beginning.
    fn begin_again(&mut self, now: Instant, wait: Duration) -> Next {
        let decent = self.begun.map_or(now, |begun| begun + TIMER_N);
        let due = (now + wait).max(decent);
        if due <= now {
            return Next::Send;
        }
        self.due = Some(due);
        Next::Wait
    }

    /// It has ended. The dialog is kept to know the last NOTIFY again.
    fn end(&mut self) {
        self.state = State::Terminated;
        self.flight = None;
        self.repeats = Repeats::default();
        self.due = None;
        self.notify_by = None;
    }

    fn end_unless_active(&mut self) {
        self.notify_by = None;
        if !matches!(self.state, State::Active { .. }) {
            self.end();
        }
    }

    fn send_if(&self, is_due: bool) -> Next {
        if is_due && self.flight.is_none() {
            Next::Send
        } else {
            Next::Wait
        }
    }

    /// Ends it with a SUBSCRIBE, as soon as there is a dialog to end (RFC 6665 §4.1.2.3).
    fn leave(&self) -> Next {
        self.send_if(self.dialog.is_some() && !self.has_left)
    }

    /// Whether it is being ended before it began.
    fn is_leaving_nothing(&self) -> bool {
        matches!(self.state, State::Leaving { .. }) && self.dialog.is_none()
    }

    /// The dialog that this message makes with this party (RFC 6665 §4.4.1); none without its tag.
    fn dialog_by(
        &self,
        party: Option<NameAddr<'_>>,
        message: &Message<'_>,
        is_response: bool,
    ) -> Option<Box<Dialog>> {
        let remote_tag = party.as_ref().and_then(NameAddr::tag)?;
        let contact = message.contact_items().find_map(Result::ok);
        let routes = message.list(Name::RecordRoute);
        let routes: Vec<&str> = routes.iter().map(|route| &**route).collect();
        let parts = Parts {
            call_id: &self.call_id,
            local_tag: &self.tag(),
            remote_tag,
            local_uri: &self.aor,
            remote_uri: &self.aor,
            remote_target: contact
                .as_ref()
                .map_or(&*self.aor, |contact| contact.uri.as_str()),
            record_route: &routes,
            local_cseq: Some(self.cseq),
            remote_cseq: message
                .cseq()
                .ok()
                .filter(|_| !is_response)
                .map(|cseq| cseq.number),
            confirmed: true,
        };
        Some(Box::new(if is_response {
            Dialog::from_response(&parts)
        } else {
            Dialog::from_request(&parts)
        }))
    }

    /// Our tag: it leads a NOTIFY to its Account, and cannot be guessed.
    fn tag(&self) -> String {
        let AccountId { slot, generation } = self.account;
        let salt = Token::of(self.salt);
        format!("{slot:08x}-{generation:08x}-{}", salt.as_str())
    }
}

#[cfg(test)]
#[path = "regevent/tests.rs"]
mod tests;
