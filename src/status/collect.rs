//! Engine views and the wall clock become a snapshot.

use super::snapshot::AccountStatus;
use crate::effect::AccountId;
use crate::engine::Engine;

/// The status of one Account as of the last [`Engine::handle`]; `None` when it is gone.
pub fn account(_engine: &Engine, _id: AccountId) -> Option<AccountStatus> {
    None
}
