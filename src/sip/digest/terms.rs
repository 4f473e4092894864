//! The arithmetic of a digest (RFC 7616 §3.4), the same for whoever proves and whoever checks.

use zeroize::{Zeroizing, zeroize_stack};

use super::{Algorithm, Hex, Qop, hash, unescape};

/// What both sides know, the password apart. Quoted texts are as they stand between the quotes.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) qop: Qop,
    pub(super) realm: &'a str,
    pub(super) nonce: &'a str,
    /// The nonce that a `-sess` key is made of.
    pub(super) first_nonce: &'a str,
    /// Not as quoted: the text itself.
    pub(super) cnonce: &'a str,
    pub(super) nc: &'a str,
}

/// So much of the stack is wiped when a proof is done: more than hashing takes, without
/// optimisation too.
const HASHING: usize = 4_096;

impl Terms<'_> {
    /// The proof of a request by this user (RFC 7616 §3.4.1); of a response, when the method is
    /// empty (§3.5). Hashing works on copies of the password, which are wiped.
    pub(super) fn prove(
        &self,
        (user, password): (&str, &str),
        method: &str,
        uri: &str,
        body: &[u8],
    ) -> Hex {
        let proof = self.proof(&self.key(user, password), method, uri, body);
        zeroize_stack::<HASHING>();
        proof
    }

    /// The hash of A1 (RFC 7616 §3.4.2): all that a password is good for. It is not inlined, so
    /// that what it leaves on the stack is below its caller.
    #[inline(never)]
    fn key(&self, user: &str, password: &str) -> Zeroizing<Hex> {
        let realm = unescape(self.realm);
        let (user, realm, password) = (user.as_bytes(), realm.as_bytes(), password.as_bytes());
        let key = Zeroizing::new(hash(self.algorithm, &[user, b":", realm, b":", password]));
        if !self.algorithm.is_session() {
            return key;
        }
        let nonce = unescape(self.first_nonce);
        let (nonce, cnonce) = (nonce.as_bytes(), self.cnonce.as_bytes());
        let parts = [key.as_bytes(), b":", nonce, b":", cnonce];
        Zeroizing::new(hash(self.algorithm, &parts))
    }

    #[inline(never)]
    fn proof(&self, key: &Hex, method: &str, uri: &str, body: &[u8]) -> Hex {
        let covered = self.covered(method, uri, body);
        let nonce = unescape(self.nonce);
        let (key, nonce, covered) = (key.as_bytes(), nonce.as_bytes(), covered.as_bytes());
        let Some(qop) = self.qop.token() else {
            return hash(self.algorithm, &[key, b":", nonce, b":", covered]);
        };
        let (nc, cnonce, qop) = (self.nc.as_bytes(), self.cnonce.as_bytes(), qop.as_bytes());
        let parts = [
            key, b":", nonce, b":", nc, b":", cnonce, b":", qop, b":", covered,
        ];
        hash(self.algorithm, &parts)
    }

    /// The hash of A2 (RFC 7616 §3.4.3).
    fn covered(&self, method: &str, uri: &str, body: &[u8]) -> Hex {
        let (method, uri) = (method.as_bytes(), uri.as_bytes());
        match self.qop {
            Qop::None | Qop::Auth => hash(self.algorithm, &[method, b":", uri]),
            Qop::AuthInt => {
                let body = hash(self.algorithm, &[body]);
                hash(self.algorithm, &[method, b":", uri, b":", body.as_bytes()])
            }
        }
    }

    /// The user name in its hashed form (RFC 7616 §3.4.4).
    pub(super) fn userhash(&self, user: &str) -> Hex {
        let realm = unescape(self.realm);
        hash(self.algorithm, &[user.as_bytes(), b":", realm.as_bytes()])
    }
}
