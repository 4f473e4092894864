//! Binding × Attempt, and the phase that follows from the pair.
//!
//! *Binding* is what a registrar holds for us, *Attempt* what we do about it. The phase is never
//! stored as a fact of its own: `phase` derives it, so that a refresh cannot look like an outage.

use std::sync::Arc;

use crate::cx::TransactionId;
use crate::effect::{Failure, Phase};
use crate::pace::{RegistrarId, Turn};
use crate::time::Instant;

/// What a registrar holds for us.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Binding {
    /// Nothing.
    None,
    /// Our Contact.
    Bound(Bound),
}

/// A binding at a registrar.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bound {
    /// Who holds it.
    pub registrar: RegistrarId,
    /// When it ends, if it is not refreshed.
    pub until: Instant,
    /// Since when we have been registered without a gap: wall-clock milliseconds since 1970, since
    /// it may lie before the start of this run.
    pub since_unix_ms: i64,
    /// Granted expiry in seconds.
    pub granted: u32,
}

/// What we do about the binding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// Nothing is planned.
    Idle,
    /// A REGISTER has its time.
    Scheduled {
        /// When it is due.
        due: Instant,
        /// What for.
        why: Why,
    },
    /// A REGISTER is due, and waits until another Account of the serving group has found that the
    /// registrar answers (rule S12).
    Gated {
        /// Since when it is due.
        due: Instant,
        /// Its place in the line of those that wait.
        place: u64,
    },
    /// A REGISTER is due, and its local port is being bound (rule U2).
    Opening {
        /// Since when it is due.
        due: Instant,
    },
    /// A REGISTER is due and stands in line at its registrar (rule L6).
    Queued {
        /// The place in the line.
        turn: Turn,
        /// Where.
        registrar: RegistrarId,
        /// Since when it is due.
        due: Instant,
        /// Whether the registrar is offline, and another Account probes it (rule P4).
        is_behind: bool,
    },
    /// A REGISTER is under way. Never two of one Account (rule I4).
    InFlight {
        /// Its transaction.
        transaction: TransactionId,
        /// Where.
        registrar: RegistrarId,
        /// Whether it takes a place in the registrar's window.
        holds_place: bool,
    },
}

impl Attempt {
    /// Where a REGISTER stands in line or is under way.
    pub fn registrar(&self) -> Option<RegistrarId> {
        match self {
            Self::Queued { registrar, .. } | Self::InFlight { registrar, .. } => Some(*registrar),
            Self::Idle | Self::Scheduled { .. } | Self::Gated { .. } | Self::Opening { .. } => None,
        }
    }
}

/// What a scheduled REGISTER is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The binding's refresh.
    Refresh,
    /// The attempt before failed, or may not be made yet.
    Retry,
    /// The store has not yet allowed another CSeq (rule L8).
    Store,
    /// Every registrar is avoided until then (rule S8).
    Avoided,
    /// No local port was free (rule U3).
    NoPort,
    /// All Contacts were removed, as is done at the start (rule I9).
    Startup,
}

/// What a REGISTER is to bring about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Errand {
    /// A binding.
    Register,
    /// No binding.
    Unregister,
    /// No binding of anybody, before the first registration (rule I9).
    Clear,
}

/// What an Account is meant to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// Registered.
    Registered,
    /// Not registered, until the operator says register (rule I8).
    Unregistered,
    /// Not registered, since the program stops (rule L7).
    Stopped,
    /// Not registered, since it is no longer configured (rule G2).
    Removed,
    /// Never registered: `register = no`.
    AuthenticationOnly,
}

/// Why the last attempt failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// No answer.
    NoAnswer(Failure),
    /// 408 or 5xx: the registrar's own trouble.
    Registrar(u16),
    /// Another final answer: a rejection.
    Rejected(u16),
    /// The registrar does not accept our credentials.
    CredentialsRefused(u16),
    /// A challenge, but nothing to answer it with.
    NoCredentials(u16),
    /// No challenge that we may answer, and why.
    NoUsableChallenge(u16, Arc<str>),
    /// A 2xx that grants nothing (rule L2).
    GrantedNothing(u16),
    /// No local port is free (rule U3).
    NoPort,
    /// The registrar does not know the registration of all numbers at once (rule I7).
    NoGin(u16),
    /// The registrar has removed the binding, and says how it came to that (rule R1).
    Removed(&'static str),
}

impl Trouble {
    /// The error number that the status shows; no answer counts as 408 (rule T1).
    pub fn code(&self) -> u16 {
        match self {
            Self::NoAnswer(_) => 408,
            Self::NoPort | Self::Removed(_) => 0,
            Self::Registrar(code)
            | Self::Rejected(code)
            | Self::CredentialsRefused(code)
            | Self::NoCredentials(code)
            | Self::NoUsableChallenge(code, _)
            | Self::GrantedNothing(code)
            | Self::NoGin(code) => *code,
        }
    }

    /// Whether it may pass by itself.
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::NoAnswer(_) | Self::Registrar(_) | Self::NoPort | Self::Removed(_) => true,
            Self::Rejected(code) => matches!(code, 423 | 429 | 480 | 486 | 487 | 491 | 600),
            Self::CredentialsRefused(_)
            | Self::NoCredentials(_)
            | Self::NoUsableChallenge(..)
            | Self::GrantedNothing(_)
            | Self::NoGin(_) => false,
        }
    }

    /// Whether the registrar's word ends a binding that it holds (rule L5).
    pub fn ends_binding(&self) -> bool {
        !matches!(self, Self::NoAnswer(_) | Self::Registrar(_) | Self::NoPort)
    }

    /// Whether it concerns the Account and not the registrar: a 6xx (table A).
    pub fn is_of_account(&self) -> bool {
        matches!(self, Self::Rejected(600..))
    }

    /// Whether it may be the registrar's own trouble, so that it would be the same for others (rule
    /// S12).
    pub fn is_of_registrar(&self) -> bool {
        matches!(self, Self::NoAnswer(_) | Self::Registrar(_))
    }

    /// Whether it concerns the credentials, which have a back-off of their own (rule L3).
    pub fn is_about_credentials(&self) -> bool {
        matches!(
            self,
            Self::CredentialsRefused(_) | Self::NoCredentials(_) | Self::NoUsableChallenge(..)
        )
    }

    /// What happened, for people.
    pub fn text(&self) -> String {
        match self {
            Self::NoAnswer(Failure::TimedOut) => "no answer".to_owned(),
            Self::NoAnswer(Failure::Unreachable) => {
                "not reachable (nothing listens there, or no route)".to_owned()
            }
            Self::Registrar(code) => format!("the registrar failed with {code}"),
            Self::Rejected(code) => format!("rejected with {code}"),
            Self::CredentialsRefused(code) => format!("credentials refused with {code}"),
            Self::NoCredentials(code) => {
                format!("challenged with {code}, but no credentials are configured")
            }
            Self::NoUsableChallenge(code, why) => {
                format!("challenged with {code}, not answered: {why}")
            }
            Self::NoPort => "no local port is free for it".to_owned(),
            Self::GrantedNothing(code) => {
                format!("the registrar answered {code} but granted no time")
            }
            Self::Removed(how) => format!("the registrar has removed the binding: {how}"),
            Self::NoGin(code) => format!(
                "rejected with {code}: the registrar does not support GIN (RFC 6140), which \
                 register = \"gin\" asks for"
            ),
        }
    }
}

/// The phase that follows from what is meant, what is held, and what is done (rule L4). `is_held`:
/// the served group is not online (rule S13).
pub(super) fn phase(
    (wanted, is_held): (Wanted, bool),
    errand: Errand,
    binding: &Binding,
    attempt: &Attempt,
) -> Phase {
    let is_under_way = matches!(
        attempt,
        Attempt::Opening { .. } | Attempt::Queued { .. } | Attempt::InFlight { .. }
    );
    match (wanted, binding, attempt) {
        (Wanted::AuthenticationOnly, ..) => Phase::AuthenticationOnly,
        (Wanted::Unregistered | Wanted::Stopped | Wanted::Removed, _, Attempt::Idle) => {
            Phase::Unregistered
        }
        (Wanted::Unregistered | Wanted::Stopped | Wanted::Removed, ..) => Phase::Unregistering,
        _ if errand == Errand::Unregister && is_under_way => Phase::Unregistering,
        (Wanted::Registered, Binding::Bound(_), _) => Phase::Registered,
        (Wanted::Registered, Binding::None, attempt) => match attempt {
            Attempt::Idle | Attempt::Scheduled { .. } | Attempt::Gated { .. } if is_held => {
                Phase::Held
            }
            Attempt::Scheduled { why, .. } => match why {
                Why::Retry => Phase::WaitingToRetry,
                Why::Avoided => Phase::Avoided,
                Why::NoPort => Phase::NoPort,
                Why::Refresh | Why::Store | Why::Startup => Phase::Registering,
            },
            Attempt::Gated { .. }
            | Attempt::Queued {
                is_behind: true, ..
            } => Phase::WaitingForAnotherAccount,
            Attempt::Idle
            | Attempt::Opening { .. }
            | Attempt::Queued {
                is_behind: false, ..
            }
            | Attempt::InFlight { .. } => Phase::Registering,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 100,000 Accounts must fit: what grows here is paid for by every one of them.
    #[test]
    fn an_account_stays_small() {
        assert!(size_of::<crate::account::Account>() <= 520);
        assert!(size_of::<Attempt>() <= 32);
    }
}
