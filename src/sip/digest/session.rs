//! A challenge that is being answered.

use super::challenge::{Challenge, echoed};
use super::items::{Item, Items};
use super::terms::Terms;
use super::{Algorithm, Challenger, Hex, Qop, push_quoted};

/// What an `Authentication-Info` said of our last answer (RFC 7616 §3.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InfoVerdict {
    /// The server proved that it knows the password, or did not try to.
    Fine,
    /// The server tried to prove that it knows the password, and failed.
    WrongRspauth,
}

/// A challenge that we hold credentials for: an entry of the nonce cache.
///
/// It counts the uses of its nonce (RFC 7616 §3.4, `nc`), so all answers to one challenger must
/// come from one `Session`. It does not hold the password. An idle Account keeps one: 40 bytes, and
/// one allocation.
#[derive(Clone, Debug)]
pub struct Session {
    /// Realm, nonce, opaque and session nonce (see [`Session::session_nonce`]), then the cnonce of
    /// the last answer, all in one piece. The first three as they stand between quotes.
    text: Box<str>,
    /// Where each of the first four ends.
    ends: [u16; 4],
    uses: u32,
    challenger: Challenger,
    algorithm: Algorithm,
    algorithm_named: bool,
    qop: Qop,
    opaque: bool,
    userhash: bool,
}

impl Session {
    /// Starts on a fresh challenge.
    pub fn new(challenger: Challenger, challenge: Challenge) -> Self {
        let opaque = challenge.opaque.as_deref();
        let (text, ends) = join(
            [&challenge.realm, &challenge.nonce, opaque.unwrap_or(""), ""],
            "",
        );
        Self {
            text,
            ends,
            uses: 0,
            challenger,
            algorithm: challenge.algorithm,
            algorithm_named: challenge.algorithm_named,
            qop: challenge.qop,
            opaque: opaque.is_some(),
            userhash: challenge.userhash,
        }
    }

    /// Who challenged us.
    pub fn challenger(&self) -> Challenger {
        self.challenger
    }

    /// The realm, as it stood between the quotes.
    pub fn realm(&self) -> &str {
        self.piece(0)
    }

    /// The nonce, as it stood between the quotes.
    pub fn nonce(&self) -> &str {
        self.piece(1)
    }

    /// The algorithm in use.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The quality of protection in use.
    pub fn qop(&self) -> Qop {
        self.qop
    }

    /// How often the nonce has been used: the nonce count of the last answer.
    pub fn uses(&self) -> u32 {
        self.uses
    }

    /// Appends the value of the `Authorization` or `Proxy-Authorization` header of a request to
    /// `out` (RFC 7616 §3.4), and counts the use.
    ///
    /// A `-sess` algorithm keeps the cnonce of its first answer for as long as the challenge lasts:
    /// its key is made of that one (RFC 7616 §3.4.2), and servers that use the latest one instead
    /// then agree.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is another thing of the request"
    )]
    pub fn answer(
        &mut self,
        out: &mut String,
        user: &str,
        password: &str,
        method: &str,
        uri: &str,
        body: &[u8],
        cnonce: &str,
    ) {
        self.uses = self.uses.saturating_add(1);
        if !self.algorithm.is_session() || self.cnonce().is_empty() {
            self.keep_cnonce(cnonce);
        }
        let nc = count(self.uses);
        let terms = self.terms(nc.as_str());
        let response = terms.prove((user, password), method, uri, body);
        self.write_user(out, &terms, user);
        self.write_rest(out, &terms, uri, &response);
    }

    /// Takes a fresh challenge of the same realm. The count starts again with the new nonce; should
    /// the server repeat the old one, the count goes on, because it counts uses of a nonce.
    pub fn renew(&mut self, challenge: Challenge) {
        let uses = if *challenge.nonce == *self.nonce() {
            self.uses
        } else {
            0
        };
        *self = Self::new(self.challenger, challenge);
        self.uses = uses;
    }

    /// Takes the value of the `Authentication-Info` or `Proxy-Authentication-Info` of the response
    /// to our last answer (RFC 7616 §3.5): checks `rspauth`, if it is there, against that answer,
    /// whose request had this `uri`; `body` is the response's. Then takes over `nextnonce`, with
    /// which the count starts again.
    #[allow(
        clippy::too_many_arguments,
        reason = "each is another thing of the exchange"
    )]
    pub fn authentication_info(
        &mut self,
        value: &str,
        user: &str,
        password: &str,
        uri: &str,
        body: &[u8],
    ) -> InfoVerdict {
        let mut info = Info::default();
        for item in Items::new(value) {
            if let Item::Param(name, text) = item {
                info.param(name, text);
            }
        }
        let verdict = match info.rspauth {
            Some(rspauth) if self.uses > 0 && info.is_about(self.uses) => {
                let nc = count(self.uses);
                let mut terms = self.terms(nc.as_str());
                terms.qop = info.qop.unwrap_or(self.qop);
                let expected = terms.prove((user, password), "", uri, body);
                if rspauth.eq_ignore_ascii_case(expected.as_str()) {
                    InfoVerdict::Fine
                } else {
                    InfoVerdict::WrongRspauth
                }
            }
            _ => InfoVerdict::Fine,
        };
        if let Some(nonce) = info.nextnonce.and_then(echoed) {
            self.take_nonce(&nonce);
        }
        verdict
    }

    /// The nonce of the challenge that began a `-sess` session, once `nextnonce` has replaced it
    /// (RFC 7616 §3.4.2: the key outlives the nonce); empty before that.
    fn session_nonce(&self) -> &str {
        self.piece(3)
    }

    fn cnonce(&self) -> &str {
        self.text.get(usize::from(self.ends[3])..).unwrap_or("")
    }

    fn piece(&self, number: usize) -> &str {
        let start = if number == 0 {
            0
        } else {
            self.ends[number - 1]
        };
        let range = usize::from(start)..usize::from(self.ends[number]);
        self.text.get(range).unwrap_or("")
    }

    fn keep_cnonce(&mut self, cnonce: &str) {
        let mut text = std::mem::take(&mut self.text).into_string();
        text.truncate(usize::from(self.ends[3]));
        text.reserve_exact(cnonce.len());
        text.push_str(cnonce);
        self.text = text.into_boxed_str();
    }

    fn take_nonce(&mut self, nonce: &str) {
        if nonce.is_empty() || nonce == self.nonce() {
            return;
        }
        let first = match self.session_nonce() {
            "" if self.algorithm.is_session() => self.nonce(),
            earlier => earlier,
        };
        let pieces = [self.realm(), nonce, self.piece(2), first];
        (self.text, self.ends) = join(pieces, self.cnonce());
        self.uses = 0;
    }

    fn terms<'a>(&'a self, nc: &'a str) -> Terms<'a> {
        Terms {
            algorithm: self.algorithm,
            qop: self.qop,
            realm: self.realm(),
            nonce: self.nonce(),
            first_nonce: match self.session_nonce() {
                "" => self.nonce(),
                first => first,
            },
            cnonce: self.cnonce(),
            nc,
        }
    }

    fn write_user(&self, out: &mut String, terms: &Terms<'_>, user: &str) {
        out.push_str("Digest username=");
        if self.userhash {
            push_quoted(out, terms.userhash(user).as_str());
        } else {
            push_quoted(out, user);
        }
    }

    fn write_rest(&self, out: &mut String, terms: &Terms<'_>, uri: &str, response: &Hex) {
        push_all(out, &[", realm=\"", self.realm(), "\""]);
        push_all(out, &[", nonce=\"", self.nonce(), "\", uri="]);
        push_quoted(out, uri);
        push_all(out, &[", response=\"", response.as_str(), "\""]);
        if self.algorithm_named {
            push_all(out, &[", algorithm=", self.algorithm.token()]);
        }
        if self.qop != Qop::None || self.algorithm.is_session() {
            out.push_str(", cnonce=");
            push_quoted(out, self.cnonce());
        }
        if self.opaque {
            push_all(out, &[", opaque=\"", self.piece(2), "\""]);
        }
        if let Some(qop) = self.qop.token() {
            push_all(out, &[", qop=", qop, ", nc=", terms.nc]);
        }
        if self.userhash {
            out.push_str(", userhash=true");
        }
    }
}

/// What matters of an `Authentication-Info`.
#[derive(Default)]
struct Info<'a> {
    nextnonce: Option<&'a str>,
    rspauth: Option<&'a str>,
    qop: Option<Qop>,
    nc: Option<&'a str>,
}

impl<'a> Info<'a> {
    fn param(&mut self, name: &str, text: Option<&'a str>) {
        if name.eq_ignore_ascii_case("nextnonce") {
            self.nextnonce = text;
        } else if name.eq_ignore_ascii_case("rspauth") {
            self.rspauth = Some(text.unwrap_or(""));
        } else if name.eq_ignore_ascii_case("nc") {
            self.nc = text;
        } else if name.eq_ignore_ascii_case("qop") {
            self.qop = text.and_then(Qop::parse);
        }
    }

    /// Whether it speaks of the answer with that count, as far as it says. What is about an earlier
    /// answer can no longer be checked.
    fn is_about(&self, uses: u32) -> bool {
        match self.nc {
            None => true,
            Some(nc) => u32::from_str_radix(nc, 16) == Ok(uses),
        }
    }
}

/// The nonce count as eight hex digits (RFC 7616 §3.4).
fn count(uses: u32) -> Hex {
    Hex::new(&mut uses.to_be_bytes())
}

fn push_all(out: &mut String, parts: &[&str]) {
    for part in parts {
        out.push_str(part);
    }
}

/// Joins the pieces and the tail. A piece that does not fit is left out; [`echoed`] sees to it that
/// all fit.
fn join(pieces: [&str; 4], tail: &str) -> (Box<str>, [u16; 4]) {
    let mut text =
        String::with_capacity(pieces.iter().map(|p| p.len()).sum::<usize>() + tail.len());
    let mut ends = [0; 4];
    let mut last = 0;
    for (piece, end) in pieces.into_iter().zip(&mut ends) {
        if let Ok(fits) = u16::try_from(text.len() + piece.len()) {
            text.push_str(piece);
            last = fits;
        }
        *end = last;
    }
    text.push_str(tail);
    (text.into_boxed_str(), ends)
}
