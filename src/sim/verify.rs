//! Checks digest credentials from the specification alone, without the code that answers
//! challenges.
//!
//! It knows RFC 7616 and the `-sess` forms, and keeps no state: nonces and counts are the
//! registrar's.

use sha2::{Digest as _, Sha256, Sha512_256};

use super::text::list;
use crate::sip::Algorithm;

/// The parameters of one Authorization header.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Claim {
    parameters: Vec<(String, String)>,
}

impl Claim {
    /// Reads `Digest name=value, …`. `None` for another scheme or for what is no list of
    /// parameters.
    pub(super) fn read(header: &str) -> Option<Self> {
        let (scheme, rest) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut parameters = Vec::new();
        for item in list(rest) {
            let (name, value) = item.split_once('=')?;
            parameters.push((name.trim().to_ascii_lowercase(), unquoted(value.trim())));
        }
        Some(Self { parameters })
    }

    /// A parameter; empty when it is absent.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value)
    }

    /// The nonce count; 0 when there is none.
    pub(super) fn nc(&self) -> u32 {
        let text = self.get("nc");
        if text.len() == 8 {
            u32::from_str_radix(text, 16).unwrap_or(0)
        } else {
            0
        }
    }

    /// Whether the response is what this password gives for this request.
    pub(super) fn holds(
        &self,
        algorithm: Algorithm,
        password: &str,
        request: &Request<'_>,
    ) -> bool {
        let right = self.response(algorithm, password, request);
        self.get("uri") == request.uri && self.get("response").eq_ignore_ascii_case(&right)
    }

    /// The response that this password gives for this request.
    pub(super) fn response(
        &self,
        algorithm: Algorithm,
        password: &str,
        request: &Request<'_>,
    ) -> String {
        let base = format!("{}:{}", request.method, self.get("uri"));
        let a2 = self.second(algorithm, &base, request);
        self.digest(algorithm, password, &a2)
    }

    /// What the registrar proves of itself in its answer, which has no body.
    pub(super) fn rspauth(&self, algorithm: Algorithm, password: &str) -> String {
        let empty = Request {
            method: "",
            uri: "",
            body: b"",
        };
        let a2 = self.second(algorithm, &format!(":{}", self.get("uri")), &empty);
        self.digest(algorithm, password, &a2)
    }

    fn second(&self, algorithm: Algorithm, base: &str, request: &Request<'_>) -> String {
        if self.get("qop") == "auth-int" {
            format!("{base}:{}", hash(algorithm, request.body))
        } else {
            base.to_owned()
        }
    }

    fn digest(&self, algorithm: Algorithm, password: &str, a2: &str) -> String {
        let secret = format!("{}:{}:{password}", self.get("username"), self.get("realm"));
        let (nonce, cnonce) = (self.get("nonce"), self.get("cnonce"));
        let mut first = hash(algorithm, secret.as_bytes());
        if is_session(algorithm) {
            first = hash(algorithm, format!("{first}:{nonce}:{cnonce}").as_bytes());
        }
        let second = hash(algorithm, a2.as_bytes());
        let all = match self.get("qop") {
            "" => format!("{first}:{nonce}:{second}"),
            qop => format!("{first}:{nonce}:{}:{cnonce}:{qop}:{second}", self.get("nc")),
        };
        hash(algorithm, all.as_bytes())
    }
}

/// What of a request a digest covers.
pub(super) struct Request<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
}

/// The name of an algorithm on the wire.
pub(super) fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Md5 => "MD5",
        Algorithm::Md5Sess => "MD5-sess",
        Algorithm::Sha256 => "SHA-256",
        Algorithm::Sha256Sess => "SHA-256-sess",
        Algorithm::Sha512_256 => "SHA-512-256",
        Algorithm::Sha512_256Sess => "SHA-512-256-sess",
    }
}

fn is_session(algorithm: Algorithm) -> bool {
    matches!(
        algorithm,
        Algorithm::Md5Sess | Algorithm::Sha256Sess | Algorithm::Sha512_256Sess
    )
}

fn hash(algorithm: Algorithm, data: &[u8]) -> String {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => hex(&md5::compute(data).0),
        Algorithm::Sha256 | Algorithm::Sha256Sess => hex(&Sha256::digest(data)),
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => hex(&Sha512_256::digest(data)),
    }
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).unwrap_or('0'));
        }
    }
    text
}

/// A token or quoted string as its value.
fn unquoted(value: &str) -> String {
    let Some(inner) = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut escaped = false;
    for letter in inner.chars() {
        if letter == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(letter);
            escaped = false;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616 §3.9.1, both algorithms; it is a GET, which a digest does not mind.
    #[test]
    fn the_published_examples_hold() {
        let base = "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", uri=\"/dir/index.html\", \
                    nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, \
                    cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", qop=auth, response=\"";
        let request = Request {
            method: "GET",
            uri: "/dir/index.html",
            body: b"",
        };
        for (algorithm, response) in [
            (Algorithm::Md5, "8ca523f5e9506fed4657c9700eebdbec"),
            (
                Algorithm::Sha256,
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let claim = Claim::read(&format!("{base}{response}\"")).expect("a claim");
            assert!(claim.holds(algorithm, "Circle of Life", &request));
            assert!(!claim.holds(algorithm, "Circle of Death", &request));
            assert_eq!(claim.nc(), 1);
        }
    }

    #[test]
    fn quoted_commas_and_escapes_are_read() {
        let claim =
            Claim::read("digest Realm=\"a, \\\"b\\\"\" , nc=0000000a,qop=auth").expect("a claim");
        assert_eq!(claim.get("realm"), "a, \"b\"");
        assert_eq!(claim.nc(), 10);
        assert_eq!(Claim::read("Basic abc"), None);
    }
}
