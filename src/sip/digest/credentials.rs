//! What a client answers, read by a server: for our simulated registrars, and for tests.

use super::items::{Item, Items};
use super::terms::Terms;
use super::{Algorithm, Qop, unescape};

/// The credentials of an `Authorization` or `Proxy-Authorization` header (RFC 7616 §3.4).
///
/// Quoted texts are as they stand between the quotes. Whether nonce and nonce count are acceptable
/// is for the server to say: it knows what it gave out and what it has seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credentials<'a> {
    /// The user name, or its hash.
    pub username: &'a str,
    /// Whether it is the hash.
    pub userhash: bool,
    /// The realm.
    pub realm: &'a str,
    /// The nonce.
    pub nonce: &'a str,
    /// The URI that the proof covers.
    pub uri: &'a str,
    /// The proof.
    pub response: &'a str,
    /// The algorithm; MD5 when none is named.
    pub algorithm: Algorithm,
    /// The quality of protection.
    pub qop: Qop,
    /// The nonce count, with `qop` only.
    pub nc: Option<u32>,
    /// The client's nonce, with `qop` only.
    pub cnonce: Option<&'a str>,
    /// The challenge's opaque.
    pub opaque: Option<&'a str>,
    nc_text: &'a str,
}

impl<'a> Credentials<'a> {
    /// Reads the value of the header. `None` when it is not Digest, lacks what every answer has, or
    /// names an algorithm or a quality of protection that does not exist. A parameter that comes
    /// twice refuses it too.
    pub fn parse(value: &'a str) -> Option<Self> {
        let mut items = Items::new(value);
        match items.next()? {
            Item::Scheme(scheme) if scheme.eq_ignore_ascii_case("Digest") => {}
            Item::Scheme(_) | Item::Param(..) => return None,
        }
        let mut found = [None; NAMES.len()];
        for item in items {
            let Item::Param(name, text) = item else {
                return None;
            };
            if let Some(at) = NAMES
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name))
                && found[at].replace(text?).is_some()
            {
                return None;
            }
        }
        let [username, realm, nonce, uri, response, rest @ ..] = found;
        let [algorithm, qop, nc, cnonce, opaque, userhash] = rest;
        let qop = qop.map_or(Some(Qop::None), Qop::parse)?;
        if qop != Qop::None && (nc.is_none() || cnonce.is_none()) {
            return None;
        }
        Some(Self {
            username: username?,
            userhash: userhash.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            response: response?,
            algorithm: algorithm.map_or(Some(Algorithm::Md5), Algorithm::parse)?,
            qop,
            nc: nc.and_then(|nc| u32::from_str_radix(nc, 16).ok()),
            cnonce,
            opaque,
            nc_text: nc.unwrap_or_default(),
        })
    }

    /// Whether they are of that user.
    pub fn is_of(&self, user: &str) -> bool {
        if self.userhash {
            let cnonce = self.plain_cnonce();
            return self.terms(&cnonce).userhash(user).as_str() == self.username;
        }
        unescape(self.username) == user
    }

    /// Whether they prove that the client knows the user's password; `method` and `body` are the
    /// request's. A `-sess` key is taken to be made of the nonce and cnonce that stand here, so it
    /// can be checked without memory as long as the server gives out no `nextnonce`.
    pub fn proves(&self, user: &str, password: &str, method: &str, body: &[u8]) -> bool {
        let cnonce = self.plain_cnonce();
        let terms = self.terms(&cnonce);
        let proof = terms.prove((user, password), method, &unescape(self.uri), body);
        self.is_of(user) && proof.as_str() == self.response
    }

    fn plain_cnonce(&self) -> std::borrow::Cow<'a, str> {
        unescape(self.cnonce.unwrap_or_default())
    }

    fn terms<'b>(&'b self, cnonce: &'b str) -> Terms<'b> {
        Terms {
            algorithm: self.algorithm,
            qop: self.qop,
            realm: self.realm,
            nonce: self.nonce,
            first_nonce: self.nonce,
            cnonce,
            nc: self.nc_text,
        }
    }
}

/// The parameters that we read, in the order in which [`Credentials::parse`] takes them apart.
const NAMES: [&str; 11] = [
    "username",
    "realm",
    "nonce",
    "uri",
    "response",
    "algorithm",
    "qop",
    "nc",
    "cnonce",
    "opaque",
    "userhash",
];

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Digest username=\"bob\", realm=\"r\", nonce=\"n\", uri=\"sip:r\", \
                        response=\"0\", cnonce=\"c\", qop=auth, nc=0000001f, algorithm=SHA-256";

    #[test]
    fn credentials_are_taken_apart() {
        let read = Credentials::parse(GOOD).expect("good");
        assert_eq!((read.username, read.realm, read.nonce), ("bob", "r", "n"));
        assert_eq!(
            (read.uri, read.response, read.cnonce),
            ("sip:r", "0", Some("c"))
        );
        assert_eq!((read.algorithm, read.qop), (Algorithm::Sha256, Qop::Auth));
        assert_eq!(
            (read.nc, read.opaque, read.userhash),
            (Some(31), None, false)
        );
        assert!(!read.proves("bob", "", "REGISTER", b""));
    }

    #[test]
    fn what_is_not_an_answer_is_refused() {
        for value in [
            "",
            "Digest",
            "Basic Ym9iOnphbnppYmFy",
            "username=\"bob\"",
            &GOOD.replace("username", "user"),
            &GOOD.replace("realm", "real"),
            &GOOD.replace("nonce", "once"),
            &GOOD.replace("uri", "url"),
            &GOOD.replace("response", "request"),
            &GOOD.replace("nc=", "nd="),
            &GOOD.replace("qop=auth", "qop=auth-conf"),
            &GOOD.replace("SHA-256", "SHA-1"),
            &format!("{GOOD}, opaque=\"o"),
            &format!("{GOOD}, Realm=\"other\""),
            &format!("{GOOD}, Digest username=\"alice\""),
        ] {
            assert_eq!(Credentials::parse(value), None, "{value}");
        }
    }
}
