//! Who may look and who may act: tokens, the sessions that come of them, and codes that sign in
//! once.

use std::collections::HashMap;

use data_encoding::BASE64URL_NOPAD;
use rand::TryRng as _;
use rand::rngs::SysRng;
use sha2::{Digest as _, Sha256};
use tokio::time::{Duration, Instant};

use crate::config::Web;
use crate::secret::Secret;

/// What somebody may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Right {
    /// See all.
    Look,
    /// See all, and act.
    Act,
}

/// What a secret is known by. Comparing digests tells nobody how much of a guess was right.
type Mark = [u8; 32];

/// What a right rests on, as it is kept beyond the request that showed it.
#[derive(Clone, Copy)]
pub(super) enum Proof {
    /// A token.
    Token(Mark),
    /// A session.
    Session(Mark),
    /// A socket of the file system, whose permissions let its opener in.
    Socket,
}

impl Proof {
    pub(super) fn token(text: impl AsRef<str>) -> Self {
        Self::Token(mark(text))
    }

    pub(super) fn session(id: impl AsRef<str>) -> Self {
        Self::Session(mark(id))
    }
}

/// The tokens in force.
struct Tokens {
    act: Mark,
    look: Option<Mark>,
}

/// Tokens, sessions and codes.
pub(super) struct Access {
    tokens: Tokens,
    /// Stands in for a token that is not configured, for this run.
    drawn: Mark,
    sessions: HashMap<Mark, Session>,
    codes: HashMap<Mark, Instant>,
}

struct Session {
    right: Right,
    /// When it was last used.
    used: Instant,
}

impl Access {
    /// By the tokens of a configuration.
    pub(super) fn new(web: &Web) -> std::io::Result<Self> {
        // Nobody is told it: whoever may use the control socket gets codes.
        let drawn = mark(&draw()?);
        Ok(Self {
            tokens: Tokens::of(web, drawn),
            drawn,
            sessions: HashMap::new(),
            codes: HashMap::new(),
        })
    }

    /// Puts other tokens in force. Sessions of a right whose token is another one are over.
    pub(super) fn reconfigure(&mut self, web: &Web) {
        let old = std::mem::replace(&mut self.tokens, Tokens::of(web, self.drawn));
        let is_same = |right| match right {
            Right::Act => old.act == self.tokens.act,
            Right::Look => old.look == self.tokens.look,
        };
        self.sessions.retain(|_, session| is_same(session.right));
        if !is_same(Right::Act) {
            self.codes.clear();
        }
    }

    /// What a token is good for.
    pub(super) fn token(&self, text: &str) -> Option<Right> {
        self.tokens.right(mark(text))
    }

    /// What a proof that was good once is good for now. To ask so is no use of a session.
    pub(super) fn still(&self, proof: Proof, now: Instant) -> Option<Right> {
        match proof {
            Proof::Token(token) => self.tokens.right(token),
            Proof::Session(id) => {
                let session = self.sessions.get(&id)?;
                (now < session.used + IDLE).then_some(session.right)
            }
            Proof::Socket => Some(Right::Act),
        }
    }

    /// A code that signs in once, soon.
    pub(super) fn code(&mut self, now: Instant) -> std::io::Result<String> {
        let code = draw()?;
        self.codes.retain(|_, until| *until > now);
        make_room(&mut self.codes, CODES, |until| *until);
        self.codes.insert(mark(code.reveal()), now + CODE);
        Ok(code.reveal().to_owned())
    }

    /// What a code is good for. It is good no more then.
    pub(super) fn redeem(&mut self, code: &str, now: Instant) -> Option<Right> {
        let until = self.codes.remove(&mark(code))?;
        (now < until).then_some(Right::Act)
    }

    /// Begins a session, and says what the browser shows from then on.
    pub(super) fn begin(&mut self, right: Right, now: Instant) -> std::io::Result<String> {
        let id = draw()?;
        self.sessions.retain(|_, session| now < session.used + IDLE);
        make_room(&mut self.sessions, SESSIONS, |session| session.used);
        let session = Session { right, used: now };
        self.sessions.insert(mark(id.reveal()), session);
        Ok(id.reveal().to_owned())
    }

    /// What a session is good for.
    pub(super) fn session(&mut self, id: &str, now: Instant) -> Option<Right> {
        let session = self.sessions.get_mut(&mark(id))?;
        if now >= session.used + IDLE {
            return None;
        }
        session.used = now;
        Some(session.right)
    }

    /// Ends a session.
    pub(super) fn end(&mut self, id: &str) {
        self.sessions.remove(&mark(id));
    }
}

impl Tokens {
    fn of(web: &Web, drawn: Mark) -> Self {
        let token = |it: &crate::config::Sourced| mark(it.secret.reveal());
        Self {
            act: web.token.as_ref().map_or(drawn, token),
            look: web.read_token.as_ref().map(token),
        }
    }

    fn right(&self, token: Mark) -> Option<Right> {
        match token {
            it if it == self.act => Some(Right::Act),
            it if Some(it) == self.look => Some(Right::Look),
            _ => None,
        }
    }
}

/// Takes the oldest out of what is full.
fn make_room<T>(map: &mut HashMap<Mark, T>, most: usize, age: impl Fn(&T) -> Instant) {
    while map.len() >= most {
        let oldest = map
            .iter()
            .min_by_key(|(_, it)| age(it))
            .map(|(key, _)| *key);
        let Some(oldest) = oldest else {
            return;
        };
        map.remove(&oldest);
    }
}

fn mark(text: impl AsRef<str>) -> Mark {
    Sha256::digest(text.as_ref().as_bytes()).into()
}

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        self.reveal()
    }
}

/// A text that nobody guesses.
fn draw() -> std::io::Result<Secret> {
    let mut bytes = [0; 24];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(std::io::Error::other)?;
    Ok(Secret::new(BASE64URL_NOPAD.encode(&bytes)))
}

/// A session ends when it is not used for so long.
const IDLE: Duration = Duration::from_secs(12 * 3_600);

/// A code is good for so long.
pub(super) const CODE: Duration = Duration::from_secs(60);

/// Sessions at a time.
const SESSIONS: usize = 256;

/// Codes at a time.
const CODES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Listen, MetricsFor, SecretSource, Sourced};

    fn web(token: Option<&str>, read_token: Option<&str>) -> Web {
        let sourced = |text: &str| Sourced {
            secret: Secret::new(text),
            source: SecretSource::Inline,
        };
        Web {
            listen: vec![Listen::Tcp(([127, 0, 0, 1], 0).into())],
            token: token.map(sourced),
            read_token: read_token.map(sourced),
            hosts: Vec::new(),
            metrics: MetricsFor::Token,
            account_metrics: false,
        }
    }

    fn now() -> Instant {
        Instant::now()
    }

    // rule T4
    #[test]
    fn each_token_has_its_right_and_nothing_else_has() {
        let access = Access::new(&web(Some("actactactactact1"), Some("looklooklooklook"))).unwrap();
        assert_eq!(access.token("actactactactact1"), Some(Right::Act));
        assert_eq!(access.token("looklooklooklook"), Some(Right::Look));
        for wrong in [
            "",
            "actactactactact",
            "actactactactact12",
            "ACTACTACTACTACT1",
        ] {
            assert_eq!(access.token(wrong), None, "{wrong}");
        }
        let without = Access::new(&web(None, None)).unwrap();
        assert_eq!(without.token(""), None);
    }

    // rule T4
    #[test]
    fn a_code_signs_in_once_and_within_a_minute() {
        let mut access = Access::new(&web(None, None)).unwrap();
        let start = now();
        let code = access.code(start).unwrap();
        let late = access.code(start).unwrap();
        let just = start + CODE - Duration::from_millis(1);
        assert_eq!(access.redeem("something", start), None);
        assert_eq!(access.redeem(&code, just), Some(Right::Act));
        assert_eq!(access.redeem(&code, just), None);
        assert_eq!(access.redeem(&late, start + CODE), None);
    }

    // rule T4
    #[test]
    fn a_session_lasts_while_it_is_used() {
        let mut access = Access::new(&web(None, None)).unwrap();
        let start = now();
        let id = access.begin(Right::Look, start).unwrap();
        let used = start + IDLE - Duration::from_secs(1);
        assert_eq!(access.session(&id, used), Some(Right::Look));
        assert_eq!(
            access.session(&id, used + IDLE - Duration::from_secs(1)),
            Some(Right::Look)
        );
        assert_eq!(access.session(&id, used + IDLE * 2), None);
        let other = access.begin(Right::Act, start).unwrap();
        access.end(&other);
        assert_eq!(access.session(&other, start), None);
    }

    // rule T4
    #[test]
    fn the_number_of_sessions_and_codes_is_bounded() {
        let mut access = Access::new(&web(None, None)).unwrap();
        let start = now();
        let first = access.begin(Right::Act, start).unwrap();
        let first_code = access.code(start).unwrap();
        for place in 0..SESSIONS {
            let later = start + Duration::from_millis(place as u64 + 1);
            access.begin(Right::Act, later).unwrap();
            access.code(later).unwrap();
        }
        assert_eq!(access.sessions.len(), SESSIONS);
        assert_eq!(access.codes.len(), CODES);
        assert_eq!(access.session(&first, start), None);
        assert_eq!(access.redeem(&first_code, start), None);
    }

    // rule T4
    #[test]
    fn another_token_ends_the_sessions_of_its_right_only() {
        let first = web(Some("actactactactact1"), Some("looklooklooklook"));
        let mut access = Access::new(&first).unwrap();
        let act = access.begin(Right::Act, now()).unwrap();
        let look = access.begin(Right::Look, now()).unwrap();
        access.reconfigure(&first);
        assert_eq!(access.session(&act, now()), Some(Right::Act));
        access.reconfigure(&web(Some("actactactactact2"), Some("looklooklooklook")));
        assert_eq!(access.session(&act, now()), None);
        assert_eq!(access.session(&look, now()), Some(Right::Look));
        assert_eq!(access.token("actactactactact1"), None);
    }

    // rule T4
    #[test]
    fn a_proof_is_good_for_as_long_as_what_it_is_of() {
        let mut access = Access::new(&web(Some("actactactactact1"), None)).unwrap();
        let start = now();
        let id = access.begin(Right::Look, start).unwrap();
        let (token, session) = (Proof::token("actactactactact1"), Proof::session(&id));
        assert_eq!(access.still(token, start), Some(Right::Act));
        assert_eq!(access.still(Proof::token("nothing"), start), None);
        // To be asked for it does not make a session last.
        let just = start + IDLE - Duration::from_secs(1);
        assert_eq!(access.still(session, just), Some(Right::Look));
        assert_eq!(access.still(session, start + IDLE), None);
        access.end(&id);
        assert_eq!(access.still(session, start), None);
        access.reconfigure(&web(Some("actactactactact2"), Some("actactactactact1")));
        assert_eq!(access.still(token, start), Some(Right::Look));
        assert_eq!(access.still(Proof::Socket, start), Some(Right::Act));
    }
}
