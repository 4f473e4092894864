//! The way in for whoever may use the control socket.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::time::Instant;
use tracing::warn;

use super::access::{Access, CODE};
use super::shown;
use crate::config::Listen;
use crate::control::{Entrance, Gate};

/// Hands out codes that sign in.
pub(super) struct Keeper {
    pub(super) access: Arc<Mutex<Access>>,
    /// Where the web is now.
    pub(super) places: Arc<RwLock<Vec<Listen>>>,
}

impl Gate for Keeper {
    fn let_in(&self) -> Entrance {
        let access = self.access.lock();
        let code = access
            .unwrap_or_else(PoisonError::into_inner)
            .code(Instant::now());
        let code = code.unwrap_or_else(|error| {
            warn!(%error, "web: there is no code to sign in by");
            String::new()
        });
        let places = self.places.read();
        let places = places.unwrap_or_else(PoisonError::into_inner);
        let path = |it: &Listen| match it {
            Listen::Unix(path) => Some(PathBuf::from(&**path)),
            Listen::Tcp(_) => None,
        };
        let is_tcp = |it: &&Listen| matches!(it, Listen::Tcp(_));
        Entrance {
            addresses: places.iter().filter(is_tcp).map(shown).collect(),
            sockets: places.iter().filter_map(path).collect(),
            code,
            valid_secs: u32::try_from(CODE.as_secs()).unwrap_or(u32::MAX),
        }
    }
}
