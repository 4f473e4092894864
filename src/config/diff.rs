//! What a reload adds, changes and removes.

use super::{Config, Diff};

impl Diff {
    /// What differs, by Account name. Where the text stands and where a password comes from make no difference.
    pub fn between(old: &Config, new: &Config) -> Self {
        let _ = (old, new);
        todo!()
    }
}
