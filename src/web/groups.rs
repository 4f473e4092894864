//! The status of all IP Groups, found once for all who look within half a second.

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::{Duration, Instant};

use crate::control::Board;
use crate::status::GroupStatus;

/// A group, and a number that is another one when anything of it is.
pub(super) struct Marked {
    pub(super) group: GroupStatus,
    pub(super) mark: u64,
}

/// The groups as of lately.
#[derive(Default)]
pub(super) struct Groups(Mutex<Option<(Instant, Arc<[Marked]>)>>);

impl Groups {
    /// All groups, as of half a second ago at most, and the moment up to which they surely are.
    pub(super) fn lately(&self, board: &Board) -> (Instant, Arc<[Marked]>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match &*kept {
            Some((at, groups)) if now < *at + FRESH => (*at, Arc::clone(groups)),
            _ => {
                let groups = board.groups().into_iter().map(Marked::new);
                let groups: Arc<[Marked]> = groups.collect();
                *kept = Some((now, Arc::clone(&groups)));
                (now, groups)
            }
        }
    }
}

impl Marked {
    fn new(group: GroupStatus) -> Self {
        let mut hasher = DefaultHasher::new();
        // Nothing of a group is what JSON has no words for.
        hasher.write(&serde_json::to_vec(&group).unwrap_or_default());
        Self {
            mark: hasher.finish(),
            group,
        }
    }
}

/// So long what was found counts.
const FRESH: Duration = Duration::from_millis(500);
