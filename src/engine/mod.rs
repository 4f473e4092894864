//! Routes everything that happens to whoever must know, and collects what must be done.
#![forbid(clippy::disallowed_methods, clippy::disallowed_types)]

use std::sync::Arc;

use crate::config::Config;
use crate::effect::{AccountId, Input, Output};
use crate::rng::Seed;
use crate::time::Instant;

/// What an engine is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where chance comes from.
    pub seed: Seed,
    /// Wall-clock milliseconds since 1970 at [`Instant::ZERO`].
    pub unix_ms_at_zero: i64,
    /// Whether somebody answers [`Output::Save`]; without a store nothing is saved.
    pub store: bool,
}

/// Everything, stepped in virtual time.
pub struct Engine {}

impl Engine {
    /// An engine at instant zero. Nothing happens before the first [`Engine::handle`].
    pub fn new(_config: Arc<Config>, _settings: Settings) -> Self {
        Self {}
    }

    /// Tells what happened. Then call [`Engine::poll`] until it returns `None`.
    pub fn handle(&mut self, _now: Instant, _input: Input<'_>) {}

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        None
    }

    /// When to call [`Engine::handle`] with [`Input::Tick`], if nothing else happens before.
    pub fn deadline(&mut self) -> Option<Instant> {
        None
    }

    /// The Account with this name.
    pub fn find(&self, _name: &str) -> Option<AccountId> {
        None
    }

    /// Every Account, in index order.
    pub fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        std::iter::empty()
    }
}
