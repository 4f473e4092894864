//! Challenges and the credentials that answer them (table A, rules A1–A3).

use std::sync::Arc;

use super::{Account, Shared, Trouble};
use crate::effect::Event;
use crate::pace::RegistrarId;
use crate::rng::Draw;
use crate::sip::digest::{self, Algorithm, Challenge, Challenger, Choice, InfoVerdict, Session};
use crate::sip::{Message, Name};

/// Authenticated repeats per registrar and attempt (table A).
const REPEATS_MAX: u8 = 4;
/// Answers with `stale=true` in a row (table A).
const STALE_MAX: u8 = 2;
/// Challengers that an Account remembers; beyond that the oldest is forgotten.
const KNOWN_MAX: usize = 4;

/// A challenge of a registrar that we can answer again, so that a refresh costs one round trip
/// (rule A1).
#[derive(Debug)]
pub(super) struct Known {
    session: Session,
    pub(super) registrar: RegistrarId,
    /// Whether it was made or renewed in this attempt: then the next challenge to it is final,
    /// unless stale.
    pub(super) is_fresh: bool,
    /// The same for the SUBSCRIBE in hand.
    is_fresh_to_subscribe: bool,
}

/// What a request and its repeats have been through with challenges.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Repeats {
    authenticated: u8,
    /// `stale=true` answers in a row.
    stale: u8,
}

/// Whose challenge is answered.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) repeats: &'a mut Repeats,
    pub(super) registrar: RegistrarId,
    pub(super) is_subscribe: bool,
}

impl Account {
    /// A challenge to a REGISTER arrived: whether it may be answered by sending again.
    pub(super) fn on_challenge(
        &mut self,
        code: u16,
        message: &Message<'_>,
        registrar: RegistrarId,
        shared: &mut Shared,
    ) -> Result<(), Trouble> {
        let mut repeats = Repeats {
            authenticated: self.tries.authenticated,
            stale: self.tries.stale,
        };
        let mut asked = Asked {
            repeats: &mut repeats,
            registrar,
            is_subscribe: false,
        };
        let outcome = self.take_challenges(code, message, &mut asked, shared);
        self.tries.authenticated = repeats.authenticated;
        self.tries.stale = repeats.stale;
        outcome
    }

    /// The next SUBSCRIBE is no repeat: a challenge to it is answered once, known or not.
    pub(super) fn forget_freshness(&mut self) {
        for known in &mut self.known {
            known.is_fresh_to_subscribe = false;
        }
    }

    /// A challenge arrived: whether it may be answered by sending again.
    pub(super) fn take_challenges(
        &mut self,
        code: u16,
        message: &Message<'_>,
        asked: &mut Asked<'_>,
        shared: &mut Shared,
    ) -> Result<(), Trouble> {
        let (challenger, header) = if code == 407 {
            (Challenger::Proxy, Name::ProxyAuthenticate)
        } else {
            (Challenger::Origin, Name::WwwAuthenticate)
        };
        if self.config.answering().is_none() {
            return Err(Trouble::NoCredentials(code));
        }
        if asked.repeats.authenticated >= REPEATS_MAX {
            return Err(Trouble::CredentialsRefused(code));
        }
        let minimum = shared.rules.minimum_algorithm;
        let mut refused = None;
        let mut is_answerable = false;
        for choice in digest::choose(message.values(header), minimum) {
            match choice {
                Choice::Chosen(challenge) => {
                    self.take_challenge(challenger, challenge, asked)
                        .map_err(|()| Trouble::CredentialsRefused(code))?;
                    is_answerable = true;
                }
                Choice::BelowMinimum(algorithm) => refused = Some(downgrade(algorithm, minimum)),
                Choice::NoneUsable if message.values(header).next().is_none() => {}
                Choice::NoneUsable => {
                    refused = Some("no algorithm or quality of protection that we know".into())
                }
            }
        }
        if !is_answerable {
            let why = refused.unwrap_or_else(|| "there is no challenge in it".into());
            return Err(Trouble::NoUsableChallenge(code, shared.reason(&why)));
        }
        asked.repeats.authenticated += 1;
        Ok(())
    }

    fn take_challenge(
        &mut self,
        challenger: Challenger,
        challenge: Challenge,
        asked: &mut Asked<'_>,
    ) -> Result<(), ()> {
        let known = self.known.iter_mut().find(|known| {
            known.registrar == asked.registrar
                && known.session.challenger() == challenger
                && known.session.realm() == &*challenge.realm
        });
        let Some(known) = known else {
            if self.known.len() >= KNOWN_MAX {
                self.known.remove(0);
            }
            self.known.reserve_exact(1);
            self.known.push(Known {
                session: Session::new(challenger, challenge),
                registrar: asked.registrar,
                is_fresh: !asked.is_subscribe,
                is_fresh_to_subscribe: asked.is_subscribe,
            });
            return Ok(());
        };
        let is_fresh = if asked.is_subscribe {
            &mut known.is_fresh_to_subscribe
        } else {
            &mut known.is_fresh
        };
        if *is_fresh {
            if !challenge.stale || asked.repeats.stale >= STALE_MAX {
                return Err(());
            }
            asked.repeats.stale += 1;
        }
        *is_fresh = true;
        known.session.renew(challenge);
        Ok(())
    }

    /// Forgets what we know of a registrar's challenges, after it refused our credentials.
    pub(super) fn forget_challenges(&mut self, registrar: RegistrarId) {
        self.known.retain(|known| known.registrar != registrar);
    }

    /// The credentials headers of a request to this registrar, with this method and URI: name and
    /// value.
    pub(super) fn credentials_for(
        &mut self,
        registrar: RegistrarId,
        (method, uri): (&str, &str),
        draw: &mut Draw,
    ) -> Vec<(&'static str, String)> {
        let Some(credentials) = self.config.answering() else {
            return Vec::new();
        };
        let of_registrar = self
            .known
            .iter_mut()
            .filter(|known| known.registrar == registrar);
        of_registrar
            .map(|known| {
                let mut value = String::with_capacity(320);
                let cnonce = draw.token();
                let password = credentials.password.reveal();
                known.session.answer(
                    &mut value,
                    &credentials.user_name,
                    password,
                    method,
                    uri,
                    &[],
                    cnonce.as_str(),
                );
                (known.session.challenger().header_name(), value)
            })
            .collect()
    }

    /// A 2xx arrived: takes `nextnonce` over, and reports a wrong `rspauth` (rule A1).
    pub(super) fn on_authentication_info(
        &mut self,
        message: &Message<'_>,
        registrar: RegistrarId,
        shared: &mut Shared,
    ) {
        let names = [Name::AuthenticationInfo, Name::ProxyAuthenticationInfo];
        if names.iter().all(|name| message.raw(*name).next().is_none()) {
            return;
        }
        let uri = self.request_uri(registrar, shared);
        self.take_info(message, (registrar, &uri), shared);
    }

    /// The same, of a request with this URI.
    pub(super) fn take_info(
        &mut self,
        message: &Message<'_>,
        (registrar, uri): (RegistrarId, &str),
        shared: &mut Shared,
    ) {
        let Some(credentials) = self.config.answering() else {
            return;
        };
        for known in self
            .known
            .iter_mut()
            .filter(|known| known.registrar == registrar)
        {
            let name = match known.session.challenger() {
                Challenger::Origin => Name::AuthenticationInfo,
                Challenger::Proxy => Name::ProxyAuthenticationInfo,
            };
            let Some(value) = message.value(name) else {
                continue;
            };
            let password = credentials.password.reveal();
            let verdict = known.session.authentication_info(
                &value,
                &credentials.user_name,
                password,
                uri,
                message.body(),
            );
            if verdict == InfoVerdict::WrongRspauth {
                shared.cx.out.event(Event::Warning {
                    account: Some(self.id),
                    what: "the registrar's rspauth is wrong: it does not prove that it knows the password".to_owned(),
                });
            }
        }
    }

    /// The digest algorithm in use at a registrar.
    pub(super) fn algorithm_at(&self, registrar: RegistrarId) -> Option<Algorithm> {
        let known = self
            .known
            .iter()
            .find(|known| known.registrar == registrar)?;
        Some(known.session.algorithm())
    }
}

fn downgrade(offered: Algorithm, minimum: Algorithm) -> Arc<str> {
    format!("downgrade: {offered} is below the configured minimum {minimum}").into()
}
