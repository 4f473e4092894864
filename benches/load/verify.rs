//! Checks every digest response for real (RFC 2617 §3.2.2, MD5 with qop "auth").
//!
//! Only the separate verifying run uses this: the timed runs take any credentials for good, so
//! that the responder stays cheap. The password follows from the user name by a rule that the
//! generated configuration shares.

use std::collections::HashMap;

use crate::{tally::Answer, wire};

/// The nonces given out, and what is known of each.
#[derive(Debug, Default)]
pub(crate) struct Verifier {
    issued: HashMap<u64, Issued>,
}

/// A nonce belongs to one Call-ID and is used with counts 1, 2, 3 and so on.
#[derive(Debug)]
struct Issued {
    call_id: Vec<u8>,
    count: u32,
}

/// What was wrong with credentials; its number is its place in the tally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// A parameter is missing or not what the challenge asked for, or the response is wrong.
    Digest = 0,
    /// The nonce was never given to this Call-ID.
    Nonce = 1,
    /// The nonce count is not the one before plus one.
    Count = 2,
}

impl Wrong {
    /// The answer that a registrar gives.
    pub(crate) fn answer(self) -> Answer {
        match self {
            Self::Nonce => Answer::Challenged,
            Self::Digest | Self::Count => Answer::Refused,
        }
    }
}

impl Verifier {
    /// Remembers that the challenge with this serial number went to this Call-ID.
    pub(crate) fn issue(&mut self, serial: u64, call_id: &[u8]) {
        self.issued.insert(
            serial,
            Issued {
                call_id: call_id.to_vec(),
                count: 0,
            },
        );
    }

    /// Judges the credentials of one REGISTER that was not seen before.
    pub(crate) fn check(&mut self, register: &wire::Register<'_>) -> Result<(), Wrong> {
        let value = register
            .authorization
            .and_then(|value| std::str::from_utf8(value).ok());
        let uri = std::str::from_utf8(register.uri).map_err(|_| Wrong::Digest)?;
        let given = value.and_then(Credentials::read).ok_or(Wrong::Digest)?;
        let serial = given
            .nonce
            .strip_prefix(wire::NONCE_HEAD)
            .and_then(|tail| u64::from_str_radix(tail, 16).ok());
        let issued = serial
            .and_then(|serial| self.issued.get_mut(&serial))
            .ok_or(Wrong::Nonce)?;
        if issued.call_id != register.call_id {
            return Err(Wrong::Nonce);
        }
        let password = password(given.username);
        let expected = given.response(&password, "REGISTER");
        let sound = given.realm == wire::REALM
            && given.uri == uri
            && given.qop == "auth"
            && given
                .algorithm
                .is_none_or(|name| name.eq_ignore_ascii_case("MD5"))
            && given.nc.len() == 8
            && given.response == expected;
        if !sound {
            return Err(Wrong::Digest);
        }
        let count = u32::from_str_radix(given.nc, 16).map_err(|_| Wrong::Digest)?;
        let next = issued.count + 1;
        issued.count = count.max(issued.count);
        if count == next {
            Ok(())
        } else {
            Err(Wrong::Count)
        }
    }
}

/// The parameters of an Authorization value, as they stood; what is missing is empty, and fails the
/// check.
#[derive(Debug, Default)]
pub(crate) struct Credentials<'a> {
    pub(crate) username: &'a str,
    pub(crate) realm: &'a str,
    pub(crate) nonce: &'a str,
    pub(crate) uri: &'a str,
    pub(crate) response: &'a str,
    pub(crate) cnonce: &'a str,
    pub(crate) qop: &'a str,
    pub(crate) nc: &'a str,
    pub(crate) algorithm: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// Reads `Digest name=value, name="value", …`; escapes inside quotes are not expected here.
    pub(crate) fn read(value: &'a str) -> Option<Self> {
        let mut rest = value.strip_prefix("Digest ")?;
        let mut given = Self::default();
        while !rest.trim_start().is_empty() {
            let (name, after) = rest.split_once('=')?;
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => after.split_at(after.find(',').unwrap_or(after.len())),
            };
            rest = after.trim_start().strip_prefix(',').unwrap_or_default();
            match name.trim().to_ascii_lowercase().as_str() {
                "username" => given.username = value,
                "realm" => given.realm = value,
                "nonce" => given.nonce = value,
                "uri" => given.uri = value,
                "response" => given.response = value,
                "cnonce" => given.cnonce = value,
                "qop" => given.qop = value.trim(),
                "nc" => given.nc = value.trim(),
                "algorithm" => given.algorithm = Some(value.trim()),
                _ => {}
            }
        }
        Some(given)
    }

    /// The response that the right password gives.
    pub(crate) fn response(&self, password: &str, method: &str) -> String {
        let Self {
            username,
            realm,
            nonce,
            uri,
            cnonce,
            qop,
            nc,
            ..
        } = self;
        let secret = hex(&format!("{username}:{realm}:{password}"));
        let request = hex(&format!("{method}:{uri}"));
        hex(&format!("{secret}:{nonce}:{nc}:{cnonce}:{qop}:{request}"))
    }
}

/// The password that goes with a user name.
pub(crate) fn password(user_name: &str) -> String {
    format!("{}-secret", user_name.chars().rev().collect::<String>())
}

fn hex(text: &str) -> String {
    format!("{:x}", md5::compute(text))
}
