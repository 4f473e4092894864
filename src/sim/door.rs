//! Who may register: users, challenges and nonces of the simulated registrar.
//!
//! It knows passwords and which nonces are good. It decides nothing about bindings or answers.

use std::collections::{BTreeMap, VecDeque};

use super::behaviour::{Challenge, Offer};
use super::text::Text;
use super::verify::{self, Claim};
use crate::rng::Seed;
use crate::secret::Secret;
use crate::sip::Algorithm;
use crate::time::{Duration, Instant};

/// Users and nonces.
#[derive(Debug)]
pub(super) struct Door {
    seed: Seed,
    draws: u64,
    users: BTreeMap<String, Secret>,
    nonces: BTreeMap<String, Nonce>,
    by_call: BTreeMap<String, VecDeque<String>>,
}

/// A nonce that is good.
#[derive(Debug)]
struct Nonce {
    issued: Instant,
    count: u32,
}

/// What the credentials for one challenge are worth.
pub(super) enum Verdict {
    /// There are none for it.
    Missing,
    /// They are wrong.
    Wrong,
    /// They are right, but the nonce is not good any more.
    Stale,
    /// They are right, but the nonce count did not rise.
    Replayed,
    /// They are right.
    Good(Proven),
}

/// Right credentials.
pub(super) struct Proven {
    /// What they were given with.
    pub(super) claim: Claim,
    /// What a registrar that knows the password proves with.
    pub(super) rspauth: String,
    /// The code of the challenge that they met.
    pub(super) code: u16,
}

/// So many nonces are good for each Call-ID.
const NONCES_PER_CALL: usize = 8;
/// The owner of the draws.
const OWNER: u64 = u64::MAX - 1;

impl Door {
    pub(super) fn new(seed: Seed) -> Self {
        Self {
            seed,
            draws: 0,
            users: BTreeMap::new(),
            nonces: BTreeMap::new(),
            by_call: BTreeMap::new(),
        }
    }

    /// Adds a user.
    pub(super) fn user(&mut self, name: &str, password: &str) {
        self.users.insert(name.to_owned(), Secret::new(password));
    }

    /// No nonce is good any more.
    pub(super) fn forget(&mut self) {
        self.nonces.clear();
        self.by_call.clear();
    }

    /// The header lines of a challenge, with a fresh nonce for this Call-ID.
    pub(super) fn challenge(
        &mut self,
        now: Instant,
        call_id: &str,
        challenge: &Challenge,
        stale: bool,
    ) -> Vec<(String, String)> {
        let name = match challenge.code {
            407 => "Proxy-Authenticate",
            _ => "WWW-Authenticate",
        };
        let nonce = self.issue(now, call_id);
        let offers = challenge.offers.iter().map(|it| offer(it, &nonce, stale));
        if challenge.one_line {
            let line = offers.collect::<Vec<_>>().join(", ");
            return vec![(name.to_owned(), line)];
        }
        offers.map(|value| (name.to_owned(), value)).collect()
    }

    /// Judges the credentials that a request carries for a challenge.
    pub(super) fn check(
        &mut self,
        now: Instant,
        request: &Text,
        challenge: &Challenge,
        lifetime: Option<Duration>,
    ) -> Verdict {
        let header = match challenge.code {
            407 => "proxy-authorization",
            _ => "authorization",
        };
        let mut verdict = Verdict::Missing;
        for claim in request.all(header).filter_map(Claim::read) {
            let Some(algorithm) = meets(&claim, challenge) else {
                continue;
            };
            let oldest = lifetime.map_or(Instant::ZERO, |lifetime| now.back(lifetime));
            verdict = self.judge(request, claim, algorithm, oldest);
            if let Verdict::Good(proven) = &mut verdict {
                proven.code = challenge.code;
                break;
            }
        }
        verdict
    }

    /// Nonces from before `oldest` are stale.
    fn judge(
        &mut self,
        request: &Text,
        claim: Claim,
        algorithm: Algorithm,
        oldest: Instant,
    ) -> Verdict {
        let Some((method, uri)) = request.request() else {
            return Verdict::Wrong;
        };
        let covered = verify::Request {
            method,
            uri,
            body: &request.body,
        };
        let Some(password) = self.users.get(claim.get("username")) else {
            return Verdict::Wrong;
        };
        if !claim.holds(algorithm, password.reveal(), &covered) {
            return Verdict::Wrong;
        }
        let rspauth = claim.rspauth(algorithm, password.reveal());
        let Some(nonce) = self.nonces.get_mut(claim.get("nonce")) else {
            return Verdict::Stale;
        };
        if nonce.issued < oldest {
            return Verdict::Stale;
        }
        if !claim.get("qop").is_empty() {
            if claim.nc() <= nonce.count {
                return Verdict::Replayed;
            }
            nonce.count = claim.nc();
        }
        Verdict::Good(Proven {
            claim,
            rspauth,
            code: 0,
        })
    }

    /// A fresh nonce in place of one that is used up.
    pub(super) fn replace(&mut self, now: Instant, call_id: &str, used: &str) -> String {
        self.nonces.remove(used);
        self.issue(now, call_id)
    }

    fn issue(&mut self, now: Instant, call_id: &str) -> String {
        self.draws += 1;
        let mut draw = self.seed.draw(OWNER, self.draws);
        let nonce = format!("{:016x}{:016x}", draw.number(), draw.number());
        let fresh = Nonce {
            issued: now,
            count: 0,
        };
        self.nonces.insert(nonce.clone(), fresh);
        let known = self.by_call.entry(call_id.to_owned()).or_default();
        known.push_back(nonce.clone());
        if known.len() > NONCES_PER_CALL
            && let Some(oldest) = known.pop_front()
        {
            self.nonces.remove(&oldest);
        }
        nonce
    }
}

/// The algorithm of a claim, if the claim answers one of the offers.
fn meets(claim: &Claim, challenge: &Challenge) -> Option<Algorithm> {
    let answered = |offer: &Offer| match offer {
        Offer::Digest {
            realm,
            algorithm,
            qop,
        } => {
            let used = algorithm.unwrap_or(Algorithm::Md5);
            let said = claim.get("algorithm");
            let same_algorithm = if said.is_empty() {
                used == Algorithm::Md5
            } else {
                said.eq_ignore_ascii_case(verify::name(used))
            };
            let same_qop = match qop {
                None => claim.get("qop").is_empty(),
                Some(offered) => offered.split(',').any(|one| one.trim() == claim.get("qop")),
            };
            (claim.get("realm") == realm && same_algorithm && same_qop).then_some(used)
        }
        Offer::Raw(_) => None,
    };
    challenge.offers.iter().find_map(answered)
}

/// One challenge value.
fn offer(offer: &Offer, nonce: &str, stale: bool) -> String {
    match offer {
        Offer::Raw(text) => text.clone(),
        Offer::Digest {
            realm,
            algorithm,
            qop,
        } => {
            let mut text = format!("Digest realm=\"{realm}\", nonce=\"{nonce}\"");
            if let Some(algorithm) = algorithm {
                text.push_str(", algorithm=");
                text.push_str(verify::name(*algorithm));
            }
            if let Some(qop) = qop {
                text.push_str(&format!(", qop=\"{qop}\""));
            }
            if stale {
                text.push_str(", stale=TRUE");
            }
            text
        }
    }
}
