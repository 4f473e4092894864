//! The names among a set's addresses: asked, kept past their time, and given up (rules P1, P2).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{DnsResolveMethod, Host, ProxySet};
use crate::cx::Cx;
use crate::effect::{Output, QuestionId, SetId};
use crate::locate::{Answer, Located, Lookup, Method, Progress, Query, Question, Resolution};
use crate::rng::Draw;
use crate::time::{Duration, Instant};

/// Two lookups of a name begin so far apart at least (rule P2).
const APART: Duration = Duration::from_secs(5);
/// DNS that has no answer is asked again after this (rule P2).
const AGAIN: Duration = Duration::from_secs(10);
/// Addresses stay in use so long past their time (rule P2).
const RETENTION: Duration = Duration::from_secs(30 * 60);

/// Which set's question it is.
#[derive(Default, Debug)]
pub(super) struct Questions {
    sets: BTreeMap<QuestionId, SetId>,
    last: u64,
}

impl Questions {
    fn ask(&mut self, set: SetId, question: &Question, cx: &mut Cx) -> QuestionId {
        self.last += 1;
        let id = QuestionId(self.last);
        self.sets.insert(id, set);
        cx.out.push(Output::Ask {
            question: id,
            name: Arc::clone(&question.name),
            kind: question.kind,
        });
        id
    }

    /// What a lookup of this set may touch.
    pub(super) fn asking<'a>(
        &'a mut self,
        set: SetId,
        draw: &'a mut Draw,
        cx: &'a mut Cx,
        refresh: Duration,
    ) -> Asking<'a> {
        Asking {
            set,
            questions: self,
            draw,
            cx,
            refresh,
        }
    }

    /// Nobody waits for answers to this set's questions any more.
    pub(super) fn forget(&mut self, set: SetId) {
        self.sets.retain(|_, other| *other != set);
    }

    /// Whose question was answered.
    pub(super) fn take(&mut self, id: QuestionId) -> Option<SetId> {
        self.sets.remove(&id)
    }
}

/// What a lookup may touch: its set's questions and chance.
pub(super) struct Asking<'a> {
    set: SetId,
    questions: &'a mut Questions,
    draw: &'a mut Draw,
    cx: &'a mut Cx,
    /// Names are asked again after so long, whatever their TTL.
    refresh: Duration,
}

/// A name among the addresses of a set.
#[derive(Debug)]
pub(super) struct Name {
    /// Its place among the set's addresses as configured.
    pub(super) entry: usize,
    query: Query,
    lookup: Option<Lookup>,
    open: Vec<(QuestionId, Question)>,
    asked: Option<Instant>,
    next: Instant,
    /// The addresses in use, in the order of trying.
    located: Vec<Located>,
    /// They are given up then.
    until: Instant,
    /// Those that are missing from an answer in part are given up then.
    whole_until: Instant,
    trouble: Option<String>,
    has_ended: bool,
}

impl Name {
    /// Every name of a set. Nothing is asked yet.
    pub(super) fn all(config: &ProxySet) -> Vec<Self> {
        let named = config.proxies.iter().enumerate();
        let name = |(entry, proxy): (usize, &crate::config::ProxyAddress)| {
            let Host::Name(name) = &proxy.host else {
                return None;
            };
            let query = Query {
                name: Arc::clone(name),
                port: proxy.port,
                is_transport_fixed: proxy.transport.is_some(),
                method: match config.dns_resolve_method {
                    DnsResolveMethod::Address => Method::Address,
                    DnsResolveMethod::Srv => Method::Srv,
                    DnsResolveMethod::Naptr => Method::Naptr,
                },
                ipv6: config.sip_interface.address.is_ipv6(),
            };
            Some(Self::new(entry, query))
        };
        named.filter_map(name).collect()
    }

    fn new(entry: usize, query: Query) -> Self {
        Self {
            entry,
            query,
            lookup: None,
            open: Vec::new(),
            asked: None,
            next: Instant::ZERO,
            located: Vec::new(),
            until: Instant::FAR,
            whole_until: Instant::ZERO,
            trouble: None,
            has_ended: false,
        }
    }

    /// Takes over what an earlier configuration of the set knew, if it is the same question.
    pub(super) fn inherit(&mut self, before: &mut Vec<Self>) {
        if let Some(place) = before.iter().position(|name| name.query == self.query) {
            let entry = self.entry;
            *self = before.swap_remove(place);
            self.entry = entry;
        }
    }

    pub(super) fn located(&self) -> &[Located] {
        &self.located
    }

    /// Whether DNS has said anything at all.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What is wrong with it, for people.
    pub(super) fn trouble(&self) -> Option<String> {
        let why = self.trouble.as_ref()?;
        Some(format!("{}: {why}", self.query.name))
    }

    /// When something is to be done about it.
    pub(super) fn due(&self) -> Option<Instant> {
        let next = self.lookup.is_none().then_some(self.next);
        let ends = (!self.located.is_empty()).then_some(self.until);
        next.into_iter().chain(ends).min()
    }

    /// It is asked anew, unless that was done just now, or is under way.
    pub(super) fn renew(&mut self, now: Instant) {
        let is_fresh = self.asked.is_some_and(|asked| now < asked + APART);
        if self.lookup.is_none() && !is_fresh {
            self.next = self.next.min(now);
        }
    }

    /// Does what is due. Whether its addresses or its trouble are others.
    pub(super) fn run(&mut self, asking: &mut Asking<'_>) -> bool {
        let now = asking.cx.now;
        let mut is_new = false;
        if !self.located.is_empty() && self.until <= now {
            self.located.clear();
            is_new = true;
        }
        if self.lookup.is_none() && self.next <= now {
            self.asked = Some(now);
            let (lookup, progress) = Lookup::start(self.query.clone());
            self.lookup = Some(lookup);
            is_new |= self.go_on(progress, asking);
        }
        is_new
    }

    /// Whether this is a question of its own that is open.
    pub(super) fn waits_for(&self, id: QuestionId) -> bool {
        self.open.iter().any(|(open, _)| *open == id)
    }

    /// DNS has answered. Whether its addresses or its trouble are others.
    pub(super) fn on_resolved(
        &mut self,
        id: QuestionId,
        answer: Resolution,
        asking: &mut Asking<'_>,
    ) -> bool {
        let place = self.open.iter().position(|(open, _)| *open == id);
        let (Some(place), Some(lookup)) = (place, &mut self.lookup) else {
            return false;
        };
        let (_, question) = self.open.swap_remove(place);
        let progress = lookup.on_answer(&question, answer, asking.draw);
        self.go_on(progress, asking)
    }

    fn go_on(&mut self, progress: Progress, asking: &mut Asking<'_>) -> bool {
        match progress {
            Progress::Asking(questions) => {
                for question in questions {
                    let id = asking.questions.ask(asking.set, &question, asking.cx);
                    self.open.push((id, question));
                }
                false
            }
            Progress::Done(answer) => {
                self.lookup = None;
                self.has_ended = true;
                self.open.clear();
                self.on_done(answer, asking.cx.now, asking.refresh)
            }
        }
    }

    fn on_done(&mut self, answer: Answer, now: Instant, refresh: Duration) -> bool {
        let asked = self.asked.unwrap_or(now);
        let ttl = Duration::from_secs(answer.ttl.into());
        let again = now.max(asked + AGAIN);
        let (located, trouble) = match answer.found {
            Ok(found) if answer.is_whole => {
                self.next = (now + ttl.min(refresh)).max(asked + APART);
                self.until = now + ttl + RETENTION;
                self.whole_until = self.until;
                (in_order(&self.located, found), None)
            }
            Ok(mut found) => {
                // What is missing may be there still.
                self.next = again;
                self.until = now + ttl + RETENTION;
                if now < self.whole_until {
                    let before = self.located.iter().copied();
                    let missing: Vec<_> = before.filter(|it| !found.contains(it)).collect();
                    found.extend(missing);
                }
                let why = "DNS has answered in part".to_owned();
                (in_order(&self.located, found), Some(why))
            }
            Err(failure) => {
                self.next = again;
                (self.located.clone(), Some(failure.to_string()))
            }
        };
        let is_new = self.trouble != trouble || self.located != located;
        (self.located, self.trouble) = (located, trouble);
        is_new
    }
}

/// The order stays where the records are the same, whatever was drawn this time (rule P1).
fn in_order(before: &[Located], found: Vec<Located>) -> Vec<Located> {
    let is_same = before.len() == found.len() && found.iter().all(|it| before.contains(it));
    if is_same { before.to_vec() } else { found }
}
