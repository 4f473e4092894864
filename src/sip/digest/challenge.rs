//! What a server asks: challenges, and which of them to answer.

use super::items::{Item, Items};
use super::{Algorithm, Qop, is_forbidden};

/// A challenge that we could answer (RFC 7616 §3.3).
///
/// `realm`, `nonce` and `opaque` are kept as they stood between the quotes, escapes included, so
/// that the answer echoes exactly what the server wrote.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// Whose credentials are asked for.
    pub realm: Box<str>,
    /// The server's nonce.
    pub nonce: Box<str>,
    /// To be echoed, if there is one.
    pub opaque: Option<Box<str>>,
    /// The algorithm; MD5 when none is named.
    pub algorithm: Algorithm,
    /// Whether the algorithm was named; only then the answer names it.
    pub algorithm_named: bool,
    /// The best quality of protection on offer: `auth` before `auth-int` before none.
    pub qop: Qop,
    /// The last answer was right but its nonce is used up: the credentials stand.
    pub stale: bool,
    /// The user name is to be hashed (RFC 7616 §3.4.4).
    pub userhash: bool,
    /// `charset=UTF-8` was offered (RFC 7616 §4).
    pub utf8: bool,
}

/// What to do about the challenges of one realm.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Choice {
    /// Answer this one.
    Chosen(Challenge),
    /// A realm offers nothing as strong as the configuration asks for; this is the best that it
    /// offers.
    BelowMinimum(Algorithm),
    /// There is no challenge at all that we could answer. Always the only choice.
    NoneUsable,
}

/// The challenges in the value of one `WWW-Authenticate` or `Proxy-Authenticate` header, in order.
///
/// Several may share a line (RFC 7235 §4.1). Unknown schemes, algorithms and parameters are
/// skipped; so are challenges without realm or nonce, with unknown qualities of protection only, of
/// a `-sess` algorithm without `qop` (there would be no cnonce to derive the key from), and those
/// whose text could not be echoed safely.
pub fn challenges(value: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut draft: Option<Draft<'_>> = None;
    for item in Items::new(value) {
        match item {
            Item::Scheme(scheme) => {
                found.extend(draft.take().and_then(Draft::finish));
                draft = scheme.eq_ignore_ascii_case("Digest").then(Draft::default);
            }
            Item::Param(name, text) => {
                if let Some(draft) = &mut draft {
                    draft.param(name, text);
                }
            }
        }
        if found.len() == MOST_CHALLENGES {
            return found;
        }
    }
    found.extend(draft.and_then(Draft::finish));
    found
}

/// Which challenges to answer, given the values of all the headers of one kind of a response: for
/// each realm the strongest one, the first on a tie; none that is weaker than `minimum`. Realms
/// come in the order in which they first appear (at most 8 of them), and the result is never empty.
pub fn choose(
    values: impl IntoIterator<Item = impl AsRef<str>>,
    minimum: Algorithm,
) -> Vec<Choice> {
    let mut best: Vec<Challenge> = Vec::new();
    for value in values {
        for challenge in challenges(value.as_ref()) {
            let known = best.iter().position(|held| held.realm == challenge.realm);
            match known {
                Some(at) if best[at].algorithm < challenge.algorithm => best[at] = challenge,
                None if best.len() < MOST_REALMS => best.push(challenge),
                _ => {}
            }
        }
    }
    if best.is_empty() {
        return vec![Choice::NoneUsable];
    }
    let choice = |challenge: Challenge| {
        if challenge.algorithm < minimum {
            Choice::BelowMinimum(challenge.algorithm)
        } else {
            Choice::Chosen(challenge)
        }
    };
    best.into_iter().map(choice).collect()
}

/// A challenge while its parameters are coming in. Of a parameter that comes twice, the first
/// counts.
#[derive(Default)]
struct Draft<'a> {
    realm: Option<&'a str>,
    nonce: Option<&'a str>,
    opaque: Option<&'a str>,
    algorithm: Option<&'a str>,
    qop: Option<&'a str>,
    stale: Option<&'a str>,
    userhash: Option<&'a str>,
    charset: Option<&'a str>,
}

impl<'a> Draft<'a> {
    fn param(&mut self, name: &str, text: Option<&'a str>) {
        let slots = [
            ("realm", &mut self.realm),
            ("nonce", &mut self.nonce),
            ("opaque", &mut self.opaque),
            ("algorithm", &mut self.algorithm),
            ("qop", &mut self.qop),
            ("stale", &mut self.stale),
            ("userhash", &mut self.userhash),
            ("charset", &mut self.charset),
        ];
        for (known, slot) in slots {
            if known.eq_ignore_ascii_case(name) {
                slot.get_or_insert(text.unwrap_or(UNREADABLE));
            }
        }
    }

    fn finish(self) -> Option<Challenge> {
        let algorithm = match self.algorithm {
            None => Algorithm::Md5,
            Some(token) => Algorithm::parse(token)?,
        };
        let qop = best_qop(self.qop.unwrap_or_default())?;
        if algorithm.is_session() && qop == Qop::None {
            return None;
        }
        let is_true = |text: Option<&str>| text.is_some_and(|t| t.eq_ignore_ascii_case("true"));
        Some(Challenge {
            realm: echoed(self.realm?)?,
            nonce: echoed(self.nonce?).filter(|nonce| !nonce.is_empty())?,
            opaque: match self.opaque {
                None => None,
                Some(text) => Some(echoed(text)?),
            },
            algorithm,
            algorithm_named: self.algorithm.is_some(),
            qop,
            stale: is_true(self.stale),
            userhash: is_true(self.userhash),
            utf8: self
                .charset
                .is_some_and(|t| t.eq_ignore_ascii_case("UTF-8")),
        })
    }
}

/// The one that we like best; `None` when some are offered and we know none of them.
fn best_qop(offered: &str) -> Option<Qop> {
    let mut tokens = offered
        .split([',', ' ', '\t'])
        .filter(|token| !token.is_empty())
        .peekable();
    if tokens.peek().is_none() {
        return Some(Qop::None);
    }
    let mut best = None;
    for token in tokens {
        if token.eq_ignore_ascii_case("auth") {
            return Some(Qop::Auth);
        }
        if token.eq_ignore_ascii_case("auth-int") {
            best = Some(Qop::AuthInt);
        }
    }
    best
}

/// A text that may be kept and echoed between quotes.
pub(super) fn echoed(text: &str) -> Option<Box<str>> {
    (text.len() <= LONGEST && !text.contains(is_forbidden)).then(|| text.into())
}

/// Stands for a value that could not be read. It is not a valid value of any parameter.
const UNREADABLE: &str = "\0";

/// The longest realm, nonce or opaque that we keep, in bytes. Real ones have less than 200.
const LONGEST: usize = 4_096;

/// The most challenges that we read from one header, and the most realms that we answer at once:
/// what is beyond is meant to make us work.
const MOST_CHALLENGES: usize = 32;
const MOST_REALMS: usize = 8;
