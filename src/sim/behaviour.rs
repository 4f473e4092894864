//! The moods of a registrar: what it does with a REGISTER, as a value that is built by chaining.
//!
//! A [`Behaviour`] knows nothing of time or of who asks. The default is a well-behaved registrar
//! without authentication that grants what is asked and lists our Contact alone.

use std::net::SocketAddr;

use crate::sip::Algorithm;
use crate::time::Duration;

/// What a registrar does with a REGISTER.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Behaviour {
    pub(super) challenges: Vec<Challenge>,
    pub(super) stale: u32,
    pub(super) nonce_lifetime: Option<Duration>,
    pub(super) next_nonce: bool,
    pub(super) proof: Proof,
    pub(super) wrong_credentials: u16,
    pub(super) grant: Grant,
    pub(super) shows: Shows,
    pub(super) contact: ContactAs,
    pub(super) before: Vec<String>,
    pub(super) after: Vec<String>,
    pub(super) min_expires: Option<u32>,
    pub(super) refusal: Option<Refusal>,
    pub(super) silent: bool,
    pub(super) drop_every: u32,
    pub(super) delay: Duration,
    pub(super) copies: u8,
    pub(super) trying: bool,
    pub(super) form: Form,
    pub(super) garbage: Option<Vec<u8>>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) knows_gin: bool,
}

/// A challenge: the status code and what is offered with it. It is met when one of its offers is
/// answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// 401 or 407.
    pub code: u16,
    /// In the order in which they are sent.
    pub offers: Vec<Offer>,
    /// Whether all offers share one header line.
    pub one_line: bool,
}

/// One challenge value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Offer {
    /// A digest challenge that the registrar can check.
    Digest {
        /// The realm.
        realm: String,
        /// `None` sends no `algorithm`, which means MD5.
        algorithm: Option<Algorithm>,
        /// What `qop` says; `None` sends none (RFC 2069).
        qop: Option<&'static str>,
    },
    /// Text that is sent as it is, for schemes and algorithms that nobody supports.
    Raw(String),
}

impl Challenge {
    /// 401 with one offer.
    pub fn www(algorithm: Algorithm, qop: Option<&'static str>) -> Self {
        Self::of(401, vec![Offer::digest("sim", Some(algorithm), qop)])
    }

    /// 407 with one offer.
    pub fn proxy(algorithm: Algorithm, qop: Option<&'static str>) -> Self {
        Self::of(407, vec![Offer::digest("sim", Some(algorithm), qop)])
    }

    /// Any code, any offers, a header line for each.
    pub fn of(code: u16, offers: Vec<Offer>) -> Self {
        Self {
            code,
            offers,
            one_line: false,
        }
    }

    /// The same with all offers in one header line.
    #[must_use]
    pub fn in_one_line(mut self) -> Self {
        self.one_line = true;
        self
    }

    /// The same for another realm.
    #[must_use]
    pub fn realm(mut self, name: &str) -> Self {
        for offer in &mut self.offers {
            if let Offer::Digest { realm, .. } = offer {
                name.clone_into(realm);
            }
        }
        self
    }
}

impl Offer {
    /// A digest offer.
    pub fn digest(realm: &str, algorithm: Option<Algorithm>, qop: Option<&'static str>) -> Self {
        Self::Digest {
            realm: realm.to_owned(),
            algorithm,
            qop,
        }
    }
}

/// What the registrar proves of itself (`rspauth`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Nothing: no Authentication-Info unless there is a `nextnonce` to tell.
    Absent,
    /// The right value.
    Right,
    /// A wrong value.
    Wrong,
}

/// What is granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grant {
    /// What is asked.
    AsAsked,
    /// So many seconds, whatever is asked.
    Exactly(u32),
    /// What is asked, but not more than this.
    AtMost(u32),
}

/// Where the granted expiry is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shows {
    /// As the `expires` parameter of the Contact.
    Parameter,
    /// In the Expires header only.
    Header,
    /// Nowhere.
    Nothing,
}

/// How our Contact is listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContactAs {
    /// As it came.
    Given,
    /// Host and port replaced by those that the request came from, URI parameters kept.
    Source,
    /// Host and port replaced by these, URI parameters kept.
    Marked(SocketAddr),
    /// Host and port replaced by these, URI parameters dropped.
    Unmarked(SocketAddr),
    /// Not at all.
    Hidden,
}

/// A final answer other than 2xx.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Status code.
    pub code: u16,
    /// Headers that come with it.
    pub headers: Vec<(String, String)>,
    /// Whether it waits until the challenges are met.
    pub authenticated: bool,
}

/// How answers are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Long names, one line each.
    Plain,
    /// Compact names and odd letter case.
    Compact,
    /// Values folded over lines wherever there is a space.
    Folded,
}

impl Refusal {
    /// Just the code, at once.
    pub(super) fn plain(code: u16) -> Self {
        Self {
            code,
            headers: Vec::new(),
            authenticated: false,
        }
    }
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            challenges: Vec::new(),
            stale: 0,
            nonce_lifetime: None,
            next_nonce: false,
            proof: Proof::Absent,
            wrong_credentials: 401,
            grant: Grant::AsAsked,
            shows: Shows::Parameter,
            contact: ContactAs::Given,
            before: Vec::new(),
            after: Vec::new(),
            min_expires: None,
            refusal: None,
            silent: false,
            drop_every: 0,
            delay: Duration::ZERO,
            copies: 1,
            trying: false,
            form: Form::Plain,
            garbage: None,
            headers: Vec::new(),
            knows_gin: true,
        }
    }
}

impl Behaviour {
    /// Accepts everybody.
    pub fn open() -> Self {
        Self::default()
    }

    /// Challenges with MD5 and `qop="auth"` by 401, as most registrars do.
    pub fn digest() -> Self {
        Self::open().challenge(Challenge::www(Algorithm::Md5, Some("auth")))
    }

    /// Hears everything and says nothing.
    pub fn silence() -> Self {
        Self {
            silent: true,
            ..Self::default()
        }
    }

    /// Refuses at once, whatever the request carries.
    pub fn refusing(code: u16) -> Self {
        Self::open().refuse(code)
    }

    /// One more challenge that must be met, after those before it.
    #[must_use]
    pub fn challenge(mut self, challenge: Challenge) -> Self {
        self.challenges.push(challenge);
        self
    }

    /// Tells the next `times` right answers that their nonce is stale.
    #[must_use]
    pub fn stale(mut self, times: u32) -> Self {
        self.stale = times;
        self
    }

    /// Nonces are stale after this.
    #[must_use]
    pub fn nonce_lifetime(mut self, lifetime: Duration) -> Self {
        self.nonce_lifetime = Some(lifetime);
        self
    }

    /// Every 200 names the nonce to use next; the one before is stale.
    #[must_use]
    pub fn next_nonce(mut self) -> Self {
        self.next_nonce = true;
        self
    }

    /// What the registrar proves of itself.
    #[must_use]
    pub fn proof(mut self, proof: Proof) -> Self {
        self.proof = proof;
        self
    }

    /// Answers wrong credentials with this code instead of a fresh challenge.
    #[must_use]
    pub fn wrong_credentials(mut self, code: u16) -> Self {
        self.wrong_credentials = code;
        self
    }

    /// Grants so many seconds, whatever is asked.
    #[must_use]
    pub fn grants(mut self, seconds: u32) -> Self {
        self.grant = Grant::Exactly(seconds);
        self
    }

    /// Grants what is asked, but not more than this.
    #[must_use]
    pub fn grants_at_most(mut self, seconds: u32) -> Self {
        self.grant = Grant::AtMost(seconds);
        self
    }

    /// Where the granted expiry is shown.
    #[must_use]
    pub fn shows(mut self, shows: Shows) -> Self {
        self.shows = shows;
        self
    }

    /// How our Contact is listed.
    #[must_use]
    pub fn contact(mut self, contact: ContactAs) -> Self {
        self.contact = contact;
        self
    }

    /// Lists this foreign Contact value before ours.
    #[must_use]
    pub fn lists_before(mut self, contact: &str) -> Self {
        self.before.push(contact.to_owned());
        self
    }

    /// Lists this foreign Contact value after ours.
    #[must_use]
    pub fn lists_after(mut self, contact: &str) -> Self {
        self.after.push(contact.to_owned());
        self
    }

    /// Answers 423 with this Min-Expires to whoever asks for less.
    #[must_use]
    pub fn min_expires(mut self, seconds: u32) -> Self {
        self.min_expires = Some(seconds);
        self
    }

    /// Refuses with this code, before any challenge.
    #[must_use]
    pub fn refuse(mut self, code: u16) -> Self {
        self.refusal = Some(Refusal::plain(code));
        self
    }

    /// The refusal waits until the challenges are met.
    #[must_use]
    pub fn once_authenticated(mut self) -> Self {
        if let Some(refusal) = &mut self.refusal {
            refusal.authenticated = true;
        }
        self
    }

    /// One more header: of the refusal if there is one, else of the 200.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let header = (name.to_owned(), value.to_owned());
        match &mut self.refusal {
            Some(refusal) => refusal.headers.push(header),
            None => self.headers.push(header),
        }
        self
    }

    /// Answers 420 to whoever requires the registration of all numbers at once (RFC 6140).
    #[must_use]
    pub fn without_gin(mut self) -> Self {
        self.knows_gin = false;
        self
    }

    /// Ignores every so-manieth datagram.
    #[must_use]
    pub fn drop_every(mut self, kth: u32) -> Self {
        self.drop_every = kth;
        self
    }

    /// Answers so much later.
    #[must_use]
    pub fn late(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sends every answer so many times.
    #[must_use]
    pub fn copies(mut self, copies: u8) -> Self {
        self.copies = copies;
        self
    }

    /// Sends 100 at once, before the final answer.
    #[must_use]
    pub fn trying(mut self) -> Self {
        self.trying = true;
        self
    }

    /// How answers are written.
    #[must_use]
    pub fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }

    /// Answers with these bytes instead of SIP.
    #[must_use]
    pub fn garbage(mut self, bytes: &[u8]) -> Self {
        self.garbage = Some(bytes.to_vec());
        self
    }
}
