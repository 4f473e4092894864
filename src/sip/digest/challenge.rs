//! What a server asks: challenges, and which of them to answer.

use super::items::{Item, Items};
use super::{Algorithm, Qop, any, is_forbidden};

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
    let tokens = offered
        .split([',', ' ', '\t'])
        .filter(|token| !token.is_empty());
    if tokens.clone().next().is_none() {
        return Some(Qop::None);
    }
    [Qop::Auth, Qop::AuthInt]
        .into_iter()
        .find(|qop| tokens.clone().any(|token| Qop::parse(token) == Some(*qop)))
}

/// A text that may be kept and echoed between quotes.
pub(super) fn echoed(text: &str) -> Option<Box<str>> {
    (text.len() <= LONGEST && !any(text, is_forbidden)).then(|| text.into())
}

/// Stands for a value that could not be read. It is not a valid value of any parameter.
const UNREADABLE: &str = "\0";

/// The longest realm, nonce or opaque that we keep, in bytes. Real ones have less than 200.
const LONGEST: usize = 4_096;

/// The most challenges that we read from one header, and the most realms that we answer at once:
/// what is beyond is meant to make us work.
const MOST_CHALLENGES: usize = 32;
const MOST_REALMS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    /// `realm nonce algorithm qop` and what else there is.
    fn shown(challenge: &Challenge) -> String {
        let mut shown = format!(
            "{} {} {} {:?}",
            challenge.realm, challenge.nonce, challenge.algorithm, challenge.qop
        );
        for (is, name) in [
            (!challenge.algorithm_named, " unnamed"),
            (challenge.stale, " stale"),
            (challenge.userhash, " userhash"),
            (challenge.utf8, " utf8"),
        ] {
            if is {
                shown += name;
            }
        }
        if let Some(opaque) = &challenge.opaque {
            shown += &format!(" opaque[{opaque}]");
        }
        shown
    }

    fn check(table: &[(&str, &[&str])]) {
        for (value, expected) in table {
            let found: Vec<_> = challenges(value).iter().map(shown).collect();
            assert_eq!(&found, expected, "{value}");
        }
    }

    // rule A2
    #[test]
    fn challenges_are_read_in_every_dress() {
        check(&[
            (r#"Digest realm="a", nonce="n""#, &["a n MD5 None unnamed"]),
            (
                r#"digest REALM="a",NONCE="n",Algorithm=md5"#,
                &["a n MD5 None"],
            ),
            ("Digest realm=a,nonce=n", &["a n MD5 None unnamed"]),
            (
                "DIGEST\trealm = \"a\" ,\tnonce\t=\"n\"  , algorithm = SHA-256,",
                &["a n SHA-256 None"],
            ),
            (
                r#"Digest realm="a",,nonce="n",algorithm="SHA-512-256""#,
                &["a n SHA-512-256 None"],
            ),
            (
                r#"Digest realm="a" nonce="n" stale=TRUE"#,
                &["a n MD5 None unnamed stale"],
            ),
            (
                r#"Digest nonce="n", stale="true", realm="a""#,
                &["a n MD5 None unnamed stale"],
            ),
            (
                r#"Digest realm="a, b=\"c\"", nonce="n""#,
                &[r#"a, b=\"c\" n MD5 None unnamed"#],
            ),
            (r#"Digest realm="", nonce="n""#, &[" n MD5 None unnamed"]),
            (
                r#"Digest realm="a", nonce=7ypf/xlj9X=="#,
                &["a 7ypf/xlj9X== MD5 None unnamed"],
            ),
            (
                r#"Digest realm="ä", nonce="n", opaque="", userhash=true, charset=utf-8"#,
                &["ä n MD5 None unnamed userhash utf8 opaque[]"],
            ),
            (
                r#"Digest realm="a", domain="sip:a, b", nonce="n", p=x, x="y", opaque="o,\"""#,
                &[r#"a n MD5 None unnamed opaque[o,\"]"#],
            ),
        ]);
    }

    // rule A2
    #[test]
    fn several_challenges_share_a_line() {
        check(&[
            (
                r#"Digest realm=a, nonce="1", algorithm=SHA-256, qop=auth, Digest realm=a,nonce=2"#,
                &["a 1 SHA-256 Auth", "a 2 MD5 None unnamed"],
            ),
            (
                r#"Basic realm="b", Digest realm=a, nonce="1", N x="y, Digest realm=z", nonce="3""#,
                &["a 1 MD5 None unnamed"],
            ),
            (
                r#"Negotiate, Digest realm="a", nonce="1", NTLM TlRMTVNTUAAB=="#,
                &["a 1 MD5 None unnamed"],
            ),
        ]);
    }

    // rule A1
    #[test]
    fn the_best_quality_on_offer_is_taken() {
        let of = |qop: &str| {
            let value = format!("Digest realm=a, nonce=n, qop={qop}");
            challenges(&value).first().map(|challenge| challenge.qop)
        };
        for (qop, expected) in [
            ("\"auth\"", Some(Qop::Auth)),
            ("auth", Some(Qop::Auth)),
            ("\"auth,auth-int\"", Some(Qop::Auth)),
            ("\"auth-int, AUTH\"", Some(Qop::Auth)),
            ("auth-int,auth", Some(Qop::AuthInt)),
            ("\"auth-int\"", Some(Qop::AuthInt)),
            ("\"auth-conf,auth-int\"", Some(Qop::AuthInt)),
            ("\"auth-conf\"", None),
            ("\"\"", Some(Qop::None)),
            ("\" , \"", Some(Qop::None)),
        ] {
            assert_eq!(of(qop), expected, "{qop}");
        }
    }

    #[test]
    fn what_cannot_be_answered_is_skipped() {
        let long = format!("Digest realm=\"a\", nonce=\"{}\"", "n".repeat(LONGEST + 1));
        for value in [
            "",
            "Digest",
            "Digest ",
            "Basic realm=\"a\"",
            "realm=\"a\", nonce=\"n\"",
            "Digest realm=\"a\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"a\", nonce=\"\"",
            "Digest realm=\"a\", nonce=\"n",
            "Digest realm=\"a\", nonce=\"n\\\"",
            "Digest realm=\"a\", nonce=\"n\", algorithm=AKAv1-MD5",
            "Digest realm=\"a\", nonce=\"n\", algorithm=\"SHA-256",
            "Digest realm=\"a\", nonce=\"n\", algorithm=",
            "Digest realm=\"a\", nonce=\"n\", algorithm=MD5-sess",
            "Digest realm=\"a\r\nX: y\", nonce=\"n\"",
            "Digest realm=\"a\", nonce=\"n\0\"",
            "Digest realm=\"a\", nonce=\"n\", opaque=\"\\\n\"",
            "Digest realm=\"a\", nonce=\"n\", opaque=\"",
            "Digest realm=a\"b\", nonce=\"n\"",
            &long,
        ] {
            assert_eq!(challenges(value), [], "{value}");
        }
    }

    #[test]
    fn of_a_repeated_parameter_the_first_counts() {
        check(&[(
            "Digest realm=a, nonce=n, realm=b, nonce=m, algorithm=MD5, algorithm=SHA-256",
            &["a n MD5 None"],
        )]);
    }

    // rule A1
    #[test]
    fn the_strongest_of_each_realm_is_chosen() {
        let chosen = |values: &[&str], minimum| -> Vec<String> {
            let shown = |choice: &Choice| match choice {
                Choice::Chosen(challenge) => shown(challenge),
                Choice::BelowMinimum(algorithm) => format!("only {algorithm}"),
                Choice::NoneUsable => "none".to_owned(),
            };
            choose(values, minimum).iter().map(shown).collect()
        };
        let md5 = "Digest realm=a, nonce=1, algorithm=MD5";
        let sha = "Digest realm=a, nonce=2, algorithm=SHA-256";
        let best = "Digest realm=a, nonce=3, algorithm=SHA-512-256-sess, qop=auth";
        let other = "Digest realm=b, nonce=4";
        let none: &[&str] = &[];
        assert_eq!(chosen(&[md5, sha], Algorithm::Md5), ["a 2 SHA-256 None"]);
        assert_eq!(
            chosen(&[sha, best, md5], Algorithm::Md5),
            ["a 3 SHA-512-256-sess Auth"]
        );
        assert_eq!(
            chosen(&[md5, "Digest realm=a, nonce=9"], Algorithm::Md5),
            ["a 1 MD5 None"]
        );
        assert_eq!(
            chosen(&[other, md5, sha], Algorithm::Md5),
            ["b 4 MD5 None unnamed", "a 2 SHA-256 None"]
        );
        assert_eq!(
            chosen(&[other, md5, sha], Algorithm::Sha256),
            ["only MD5", "a 2 SHA-256 None"]
        );
        assert_eq!(chosen(&[sha], Algorithm::Sha512_256), ["only SHA-256"]);
        assert_eq!(chosen(&["Basic realm=a"], Algorithm::Md5), ["none"]);
        assert_eq!(chosen(none, Algorithm::Md5), ["none"]);
    }

    #[test]
    fn a_flood_of_challenges_is_cut_short() {
        let same = "Digest realm=a, nonce=n, ".repeat(50_000);
        assert_eq!(challenges(&same).len(), MOST_CHALLENGES);
        let realms: Vec<_> = (0..1_000)
            .map(|n| format!("Digest realm={n}, nonce=n"))
            .collect();
        assert_eq!(choose(&realms, Algorithm::Md5).len(), MOST_REALMS);
    }
}
