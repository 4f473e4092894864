//! What an Account adds to what is counted of its registrars.

use super::{Account, Errand, Shared, Trouble};
use crate::effect::Failure;
use crate::pace::RegistrarId;
use crate::tally::{Ending, Place, Purpose, Tally};

impl Account {
    /// Counts something of a registrar, as a member of the set in use.
    pub(super) fn tally(
        &self,
        registrar: RegistrarId,
        shared: &mut Shared,
        note: impl FnOnce(&mut Tally, Place<'_>),
    ) {
        let Some(set) = self.set else { return };
        let Shared {
            cx, proxies, pace, ..
        } = shared;
        let place = Place {
            set: &proxies.config_of(set).name,
            registrar: pace.get(registrar).address,
        };
        note(&mut cx.tally, place);
    }

    /// Counts the end of an attempt at a registrar.
    pub(super) fn tally_end(&self, registrar: RegistrarId, ending: Ending, shared: &mut Shared) {
        let purpose = match self.errand {
            Errand::Register => Purpose::Register,
            Errand::Unregister | Errand::Clear => Purpose::Unregister,
        };
        self.tally(registrar, shared, |tally, place| {
            tally.ended(place, purpose, ending);
        });
    }
}

impl Trouble {
    /// How an attempt ended that had this trouble; `None` for what is no registrar's answer to one.
    pub(super) fn ending(&self) -> Option<Ending> {
        Some(match self {
            Self::NoAnswer(Failure::TimedOut) => Ending::Timeout,
            Self::NoAnswer(Failure::Unreachable) => Ending::Unreachable,
            Self::Registrar(_) => Ending::Failed,
            Self::CredentialsRefused(_) | Self::NoCredentials(_) | Self::NoUsableChallenge(..) => {
                Ending::Credentials
            }
            Self::Rejected(_) | Self::GrantedNothing(_) | Self::NoGin(_) => Ending::Rejected,
            Self::NoPort | Self::Removed(_) => return None,
        })
    }
}
