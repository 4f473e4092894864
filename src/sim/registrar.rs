//! A registrar that does what it is told: it answers REGISTERs, checks digests for real and keeps a
//! location table, in any mood of [`Behaviour`].
//!
//! It is pure: no clock and no socket. It is told when a datagram came from where, and says what to
//! send when. So the same registrar serves virtual time in tests and real sockets in the demo.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

use super::behaviour::{Behaviour, Challenge, Proof, Refusal};
use super::door::{Door, Proven, Verdict};
use super::location::{self, Asked, Binding, Change, Location};
use super::respond::{self, Response};
use super::text::{Contact, Text, list, parameter};
use crate::rng::Seed;
use crate::time::Instant;

/// A datagram that the registrar wants to send.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    /// When.
    pub at: Instant,
    /// Where to.
    pub to: SocketAddr,
    /// The message.
    pub bytes: Vec<u8>,
}

/// What the registrar has seen and done since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Counts {
    /// Datagrams of any kind.
    pub datagrams: u64,
    /// REGISTER transactions with a Contact that were heard.
    pub registers: u64,
    /// REGISTERs that came again.
    pub retransmissions: u64,
    /// Challenges sent.
    pub challenged: u64,
    /// 200 to a registration.
    pub accepted: u64,
    /// 200 to an un-registration.
    pub removed: u64,
    /// Final answers that are neither a challenge nor a 200.
    pub refused: u64,
    /// Credentials with the wrong password or an unknown user.
    pub wrong_credentials: u64,
    /// Right credentials for a nonce that is not good any more.
    pub stale: u64,
    /// Nonce counts that did not rise.
    pub nc_replays: u64,
    /// CSeq numbers that did not rise within their Call-ID.
    pub cseq_not_rising: u64,
    /// Datagrams that are no complete SIP request.
    pub garbage: u64,
    /// Datagrams that were ignored on purpose.
    pub ignored: u64,
    /// OPTIONS, and REGISTERs without a Contact, each time that they came.
    pub probes: u64,
}

/// A scriptable registrar.
#[derive(Debug)]
pub struct Registrar {
    door: Door,
    location: Location,
    usual: Mood,
    to_probes: Option<Mood>,
    by_aor: BTreeMap<String, Mood>,
    script: VecDeque<Behaviour>,
    calls: BTreeMap<String, Call>,
    counts: Counts,
}

/// A behaviour in use.
#[derive(Clone, Debug)]
struct Mood {
    behaviour: Arc<Behaviour>,
    stale_left: u32,
    heard: u32,
}

/// What is remembered of a Call-ID.
#[derive(Debug, Default)]
struct Call {
    cseq: u32,
    answered: VecDeque<Answered>,
}

/// A transaction and its answer, for retransmissions; no bytes mean silence.
#[derive(Debug)]
struct Answered {
    cseq: u32,
    branch: String,
    at: Instant,
    bytes: Vec<u8>,
}

/// A REGISTER with what surrounds it.
struct Heard<'a> {
    now: Instant,
    from: SocketAddr,
    aor: String,
    call_id: &'a str,
    cseq: u32,
    branch: &'a str,
    text: &'a Text,
}

/// So many transactions are remembered for each Call-ID.
const REMEMBERED: usize = 4;

impl Registrar {
    /// A registrar that knows nobody and accepts everybody.
    pub fn new(seed: Seed) -> Self {
        Self {
            door: Door::new(seed),
            location: Location::default(),
            usual: Mood::new(Behaviour::open()),
            to_probes: None,
            by_aor: BTreeMap::new(),
            script: VecDeque::new(),
            calls: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// Adds a digest user.
    pub fn user(&mut self, name: &str, password: &str) {
        self.door.user(name, password);
    }

    /// Behaves like this from now on, and drops what was scripted.
    pub fn behave(&mut self, behaviour: Behaviour) {
        self.script.clear();
        self.usual = Mood::new(behaviour);
    }

    /// Behaves like this towards one address-of-record (`user@host`), if nothing is scripted.
    pub fn behave_for(&mut self, aor: &str, behaviour: Behaviour) {
        self.by_aor.insert(aor.to_owned(), Mood::new(behaviour));
    }

    /// Behaves like this towards OPTIONS and REGISTERs without a Contact, instead of as usual. Of
    /// an OPTIONS it can only be silent, late or refuse; as usual it does not refuse them.
    pub fn behave_to_probes(&mut self, behaviour: Behaviour) {
        self.to_probes = Some(Mood::new(behaviour));
    }

    /// Behaves towards this address-of-record as towards everybody else.
    pub fn forgive(&mut self, aor: &str) {
        self.by_aor.remove(aor);
    }

    /// The next REGISTER transactions with a Contact meet these behaviours, one each, in this
    /// order.
    pub fn script(&mut self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.script.extend(behaviours);
    }

    /// Forgets nonces, Call-IDs and bindings, as after a restart without a database.
    pub fn forget(&mut self) {
        self.door.forget();
        self.location = Location::default();
        self.calls.clear();
    }

    /// What has been seen and done.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Every binding that stands at this instant, by address-of-record.
    pub fn bindings(&self, now: Instant) -> impl Iterator<Item = (&str, &Binding)> + '_ {
        self.location.bindings(now)
    }

    /// The bindings of one address-of-record (`user@host`) that stand at this instant.
    pub fn bindings_of(&self, aor: &str, now: Instant) -> Vec<&Binding> {
        self.location.of(aor, now).collect()
    }

    /// Takes a datagram, and says what to send.
    pub fn on_datagram(&mut self, now: Instant, from: SocketAddr, bytes: &[u8]) -> Vec<Reply> {
        self.counts.datagrams += 1;
        let text = Text::read(bytes);
        let Some(heard) = text.as_ref().and_then(|text| hear(now, from, text)) else {
            self.counts.garbage += 1;
            return Vec::new();
        };
        self.counts.probes += u64::from(heard.is_probe());
        match heard.text.request() {
            Some(("REGISTER", _)) => self.on_register(&heard),
            Some(("ACK", _)) | None => Vec::new(),
            Some(("OPTIONS", _)) => {
                let mood = self.to_probes.as_ref();
                let refusal = mood.and_then(|mood| mood.behaviour.refusal.as_ref());
                self.plain(&heard, refusal.map_or(200, |refusal| refusal.code))
            }
            Some(_) => self.plain(&heard, 405),
        }
    }

    fn plain(&mut self, heard: &Heard<'_>, code: u16) -> Vec<Reply> {
        let mood = match &mut self.to_probes {
            Some(mood) if heard.is_probe() => mood,
            _ => &mut self.usual,
        };
        let behaviour = mood.behaviour.clone();
        if mood.ignores() {
            self.counts.ignored += 1;
            return Vec::new();
        }
        let bytes = Response::new(code).write(heard.text, heard.from, behaviour.form);
        vec![heard.reply(heard.now + behaviour.delay, bytes)]
    }

    fn on_register(&mut self, heard: &Heard<'_>) -> Vec<Reply> {
        if self.mood(heard).ignores() {
            self.counts.ignored += 1;
            return Vec::new();
        }
        if let Some(before) = self.answered_before(heard) {
            let due = before.at <= heard.now && !before.bytes.is_empty();
            let again = due.then(|| heard.reply(heard.now, before.bytes.clone()));
            self.counts.retransmissions += 1;
            return again.into_iter().collect();
        }
        let is_probe = heard.is_probe();
        self.counts.registers += u64::from(!is_probe);
        let behaviour = match self.script.pop_front_if(|_| !is_probe) {
            Some(behaviour) => Arc::new(behaviour),
            None => self.mood(heard).behaviour.clone(),
        };
        let bytes = self.answer_bytes(heard, &behaviour);
        let at = heard.now + behaviour.delay;
        self.remember(heard, at, &bytes);
        let mut replies = Vec::new();
        if behaviour.trying {
            let trying = Response::new(100).write(heard.text, heard.from, behaviour.form);
            replies.push(heard.reply(heard.now, trying));
        }
        if !bytes.is_empty() {
            let reply = heard.reply(at, bytes);
            replies.extend(std::iter::repeat_n(reply, behaviour.copies.into()));
        }
        replies
    }

    fn mood(&mut self, heard: &Heard<'_>) -> &mut Mood {
        match &mut self.to_probes {
            Some(mood) if heard.is_probe() => mood,
            _ => self.by_aor.get_mut(&heard.aor).unwrap_or(&mut self.usual),
        }
    }

    /// What this very request was answered with, if it came before.
    fn answered_before(&self, heard: &Heard<'_>) -> Option<&Answered> {
        let call = self.calls.get(heard.call_id)?;
        let same = |it: &&Answered| it.cseq == heard.cseq && it.branch == heard.branch;
        call.answered.iter().find(same)
    }

    fn remember(&mut self, heard: &Heard<'_>, at: Instant, bytes: &[u8]) {
        let call = self.calls.entry(heard.call_id.to_owned()).or_default();
        call.cseq = call.cseq.max(heard.cseq);
        if call.answered.len() == REMEMBERED {
            call.answered.pop_front();
        }
        call.answered.push_back(Answered {
            cseq: heard.cseq,
            branch: heard.branch.to_owned(),
            at,
            bytes: bytes.to_vec(),
        });
    }

    /// The final answer as it goes on the wire; empty for silence.
    fn answer_bytes(&mut self, heard: &Heard<'_>, behaviour: &Behaviour) -> Vec<u8> {
        if behaviour.silent {
            self.counts.ignored += 1;
            return Vec::new();
        }
        if let Some(garbage) = &behaviour.garbage {
            return garbage.clone();
        }
        let response = self.answer(heard, behaviour);
        response.write(heard.text, heard.from, behaviour.form)
    }

    /// What to say to a REGISTER that is heard for the first time.
    fn answer(&mut self, heard: &Heard<'_>, behaviour: &Behaviour) -> Response {
        let last = self.calls.get(heard.call_id).map_or(0, |call| call.cseq);
        if heard.cseq <= last {
            self.counts.cseq_not_rising += 1;
            return self.refuse(&Refusal::plain(500));
        }
        let refusal = behaviour.refusal.as_ref();
        if let Some(refusal) = refusal.filter(|refusal| !refusal.authenticated) {
            return self.refuse(refusal);
        }
        if let Some(refusal) = bulk_fault(heard.text, behaviour) {
            return self.refuse(&refusal);
        }
        let proven = match self.authenticate(heard, behaviour) {
            Ok(proven) => proven,
            Err(response) => return response,
        };
        if let Some(refusal) = refusal {
            return self.refuse(refusal);
        }
        if let Some(least) = behaviour.min_expires
            && location::asks_for_less(heard.text, least)
        {
            let header = ("Min-Expires".to_owned(), least.to_string());
            let mut refusal = Refusal::plain(423);
            refusal.headers.push(header);
            return self.refuse(&refusal);
        }
        self.accept(heard, behaviour, proven.as_ref())
    }

    fn refuse(&mut self, refusal: &Refusal) -> Response {
        self.counts.refused += 1;
        Response {
            code: refusal.code,
            headers: refusal.headers.clone(),
        }
    }

    /// Checks every challenge in turn: the last one's credentials, or the answer to somebody
    /// without.
    fn authenticate(
        &mut self,
        heard: &Heard<'_>,
        behaviour: &Behaviour,
    ) -> Result<Option<Proven>, Response> {
        let mut last = None;
        for challenge in &behaviour.challenges {
            let lifetime = behaviour.nonce_lifetime;
            let verdict = self.door.check(heard.now, heard.text, challenge, lifetime);
            let stale = match verdict {
                Verdict::Good(_) if self.mood(heard).calls_stale() => true,
                Verdict::Good(proven) => {
                    last = Some(proven);
                    continue;
                }
                Verdict::Missing => false,
                Verdict::Stale => true,
                Verdict::Replayed => {
                    self.counts.nc_replays += 1;
                    true
                }
                Verdict::Wrong => {
                    self.counts.wrong_credentials += 1;
                    if behaviour.wrong_credentials != 401 {
                        let refusal = Refusal::plain(behaviour.wrong_credentials);
                        return Err(self.refuse(&refusal));
                    }
                    false
                }
            };
            return Err(self.challenge(heard, challenge, stale));
        }
        Ok(last)
    }

    fn challenge(&mut self, heard: &Heard<'_>, challenge: &Challenge, stale: bool) -> Response {
        self.counts.challenged += 1;
        self.counts.stale += u64::from(stale);
        let headers = self
            .door
            .challenge(heard.now, heard.call_id, challenge, stale);
        Response {
            code: challenge.code,
            headers,
        }
    }

    fn accept(
        &mut self,
        heard: &Heard<'_>,
        behaviour: &Behaviour,
        proven: Option<&Proven>,
    ) -> Response {
        let asked = Asked {
            now: heard.now,
            from: heard.from,
            aor: &heard.aor,
            request: heard.text,
        };
        let change = self.location.apply(asked, behaviour.grant);
        match change {
            Change::Bound(_) => self.counts.accepted += 1,
            Change::Removed => self.counts.removed += 1,
            Change::None => {}
        }
        let mut response = Response::new(200);
        response.headers = self
            .location
            .listing(heard.now, &heard.aor, change, behaviour);
        response.headers.extend(behaviour.headers.iter().cloned());
        if let Some(proven) = proven {
            response
                .headers
                .extend(self.prove(heard, behaviour, proven));
        }
        response
    }

    /// The Authentication-Info of a 200, if there is anything to say.
    fn prove(
        &mut self,
        heard: &Heard<'_>,
        behaviour: &Behaviour,
        proven: &Proven,
    ) -> Option<(String, String)> {
        let claim = &proven.claim;
        let mut parts = Vec::new();
        if behaviour.next_nonce {
            let fresh = self
                .door
                .replace(heard.now, heard.call_id, claim.get("nonce"));
            parts.push(format!("nextnonce=\"{fresh}\""));
        }
        let rspauth = match behaviour.proof {
            Proof::Absent => None,
            Proof::Right => Some(proven.rspauth.clone()),
            Proof::Wrong => Some(proven.rspauth.chars().rev().collect()),
        };
        if let Some(rspauth) = rspauth {
            parts.push(format!("rspauth=\"{rspauth}\""));
            if !claim.get("qop").is_empty() {
                let (qop, cnonce, nc) = (claim.get("qop"), claim.get("cnonce"), claim.get("nc"));
                parts.push(format!("qop={qop}, cnonce=\"{cnonce}\", nc={nc}"));
            }
        }
        let name = match proven.code {
            407 => "Proxy-Authentication-Info",
            _ => "Authentication-Info",
        };
        (!parts.is_empty()).then(|| (name.to_owned(), parts.join(", ")))
    }
}

impl Mood {
    fn new(behaviour: Behaviour) -> Self {
        Self {
            stale_left: behaviour.stale,
            heard: 0,
            behaviour: Arc::new(behaviour),
        }
    }

    /// Whether the datagram that was just heard is ignored.
    fn ignores(&mut self) -> bool {
        self.heard = self.heard.wrapping_add(1);
        let kth = self.behaviour.drop_every;
        self.behaviour.silent || (kth > 0 && self.heard.is_multiple_of(kth))
    }

    /// Whether the credentials that were just found good are called stale.
    fn calls_stale(&mut self) -> bool {
        let stale = self.stale_left > 0;
        self.stale_left = self.stale_left.saturating_sub(1);
        stale
    }
}

impl Heard<'_> {
    /// Whether it only asks for a sign of life.
    fn is_probe(&self) -> bool {
        match self.text.request() {
            Some(("OPTIONS", _)) => true,
            Some(("REGISTER", _)) => self.text.contacts().next().is_none(),
            _ => false,
        }
    }

    fn reply(&self, at: Instant, bytes: Vec<u8>) -> Reply {
        Reply {
            at,
            to: respond::address(self.text, self.from),
            bytes,
        }
    }
}

/// What is wrong with how a REGISTER asks for all numbers at once, if it does: a registrar that
/// does not know how says so, and what one that does wants is a Contact without user (RFC 6140).
fn bulk_fault(request: &Text, behaviour: &Behaviour) -> Option<Refusal> {
    let names = |name| request.all(name).flat_map(list).any(|tag| tag == "gin");
    if names("require") && !behaviour.knows_gin {
        let mut refusal = Refusal::plain(420);
        let header = ("Unsupported".to_owned(), "gin".to_owned());
        refusal.headers.push(header);
        return Some(refusal);
    }
    let is_bulk = |contact: &Contact<'_>| parameter(contact.uri, "bnc").is_some();
    let mut bulk = request.contacts().filter(is_bulk).peekable();
    bulk.peek()?;
    let is_sound = names("require") && bulk.all(|contact| !contact.uri.contains('@'));
    (!is_sound).then(|| Refusal::plain(400))
}

/// A request with everything that an answer needs; `None` for anything else.
fn hear<'a>(now: Instant, from: SocketAddr, text: &'a Text) -> Option<Heard<'a>> {
    let (method, _) = text.request()?;
    let (cseq, same_method) = text.cseq()?;
    text.header("from")?;
    Some(Heard {
        now,
        from,
        aor: match text.aor() {
            None if method == "REGISTER" => return None,
            aor => aor.unwrap_or_default(),
        },
        call_id: text.header("call-id")?,
        cseq,
        branch: text.branch()?,
        text,
    })
    .filter(|_| method == same_method)
}

#[cfg(test)]
#[path = "registrar_tests.rs"]
mod tests;
