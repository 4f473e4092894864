//! Digest authentication, the client's half (RFC 7616, RFC 8760; RFC 2617 for those who still speak
//! it).
//!
//! [`challenges`] reads what a server asks, [`choose`] says which of it to answer, a [`Session`]
//! answers it and goes on answering while the nonce is good. Chance comes from the caller: this
//! module draws no cnonce.
//!
//! Everything that arrives is hostile until it has been read: what is not understood is skipped,
//! and nothing that could break out of a quoted string is ever echoed.

use std::borrow::Cow;
use std::fmt;

use sha2::{Sha256, Sha512_256};
use zeroize::Zeroize;

mod challenge;
mod credentials;
mod items;
mod session;
mod terms;

pub use challenge::{Challenge, Choice, challenges, choose};
pub use credentials::Credentials;
pub use session::{InfoVerdict, Session};

/// A digest algorithm, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Algorithm {
    /// `MD5`.
    Md5,
    /// `MD5-sess`.
    Md5Sess,
    /// `SHA-256`.
    Sha256,
    /// `SHA-256-sess`.
    Sha256Sess,
    /// `SHA-512-256`.
    Sha512_256,
    /// `SHA-512-256-sess`.
    Sha512_256Sess,
}

impl Algorithm {
    /// All of them, weakest first.
    pub const ALL: [Self; 6] = [
        Self::Md5,
        Self::Md5Sess,
        Self::Sha256,
        Self::Sha256Sess,
        Self::Sha512_256,
        Self::Sha512_256Sess,
    ];

    /// The name on the wire (RFC 7616 §6.1).
    pub const fn token(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Sha512_256 => "SHA-512-256",
            Self::Sha512_256Sess => "SHA-512-256-sess",
        }
    }

    /// The algorithm of that name, in any letter case; `None` when we do not know it.
    pub fn parse(token: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.token().eq_ignore_ascii_case(token))
    }

    /// Whether it is a `-sess` form: its key depends on the first nonce and cnonce (RFC 7616
    /// §3.4.2).
    pub const fn is_session(self) -> bool {
        matches!(
            self,
            Self::Md5Sess | Self::Sha256Sess | Self::Sha512_256Sess
        )
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.token())
    }
}

/// Who challenges: decides in which header the challenge comes and the answer goes (RFC 3261 §22).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Challenger {
    /// A registrar or user agent: 401, `WWW-Authenticate`, `Authorization`.
    Origin,
    /// A proxy: 407, `Proxy-Authenticate`, `Proxy-Authorization`.
    Proxy,
}

impl Challenger {
    /// The header that carries our answer.
    pub const fn header_name(self) -> &'static str {
        match self {
            Self::Origin => "Authorization",
            Self::Proxy => "Proxy-Authorization",
        }
    }
}

/// The quality of protection that we use (RFC 7616 §3.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Qop {
    /// None was offered: the form of RFC 2069, without cnonce and nonce count.
    None,
    /// `auth`.
    Auth,
    /// `auth-int`: the body is covered too.
    AuthInt,
}

impl Qop {
    /// The name on the wire; `None` has none.
    pub const fn token(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Auth => Some("auth"),
            Self::AuthInt => Some("auth-int"),
        }
    }

    /// The one of that name, in any letter case.
    pub fn parse(token: &str) -> Option<Self> {
        [Self::Auth, Self::AuthInt]
            .into_iter()
            .find(|qop| qop.token().is_some_and(|t| t.eq_ignore_ascii_case(token)))
    }
}

/// A hash in lower-case hexadecimal. Keep one that is as good as a password in `Zeroizing`.
struct Hex {
    digits: [u8; 64],
    len: usize,
}

impl Hex {
    fn new(bytes: &mut [u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut digits = [0; 64];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(&*bytes) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        let len = bytes.len() * 2;
        bytes.zeroize();
        Self { digits, len }
    }

    fn as_bytes(&self) -> &[u8] {
        &self.digits[..self.len]
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl Zeroize for Hex {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

/// The hash of the parts, one after another, by the algorithm's hash function (RFC 7616 §3.1).
fn hash(algorithm: Algorithm, parts: &[&[u8]]) -> Hex {
    match algorithm {
        Algorithm::Md5 | Algorithm::Md5Sess => {
            let mut context = md5::Context::new();
            for part in parts {
                context.consume(part);
            }
            Hex::new(&mut context.finalize().0)
        }
        Algorithm::Sha256 | Algorithm::Sha256Sess => hash_sha2::<Sha256>(parts),
        Algorithm::Sha512_256 | Algorithm::Sha512_256Sess => hash_sha2::<Sha512_256>(parts),
    }
}

fn hash_sha2<D: sha2::Digest>(parts: &[&[u8]]) -> Hex {
    let mut context = D::new();
    for part in parts {
        context.update(part);
    }
    Hex::new(&mut context.finalize())
}

/// The value of what stands between the quotes of a quoted string (RFC 3261 §25.1): escapes undone.
fn unescape(raw: &str) -> Cow<'_, str> {
    if !raw.contains('\\') {
        return Cow::Borrowed(raw);
    }
    let mut value = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        value.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    Cow::Owned(value)
}

/// Writes a value as a quoted string. Control characters, which would end the line, are left out.
fn push_quoted(out: &mut String, value: &str) {
    out.push('"');
    if any(value, |byte| {
        is_forbidden(byte) || byte == b'"' || byte == b'\\'
    }) {
        for c in value.chars() {
            match c {
                '"' | '\\' => out.extend(['\\', c]),
                _ if u8::try_from(c).is_ok_and(is_forbidden) => {}
                _ => out.push(c),
            }
        }
    } else {
        out.push_str(value);
    }
    out.push('"');
}

/// What may not stand in a quoted string that we write, escaped or not.
fn is_forbidden(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

/// Whether any byte of a text is such a one. It looks at all of them, which is many at a time.
fn any(text: &str, is_such: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(false, |any, byte| any | is_such(byte))
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod vectors;
