//! Passwords that live outside the configuration: asks for each once, and says what is wrong with them.

use super::{Loaded, SecretSource};
use crate::secret::Secret;

/// Why a password could not be had, in the words of a diagnostic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SecretFault {
    /// What is wrong: lower-case, no full stop, says which file or variable.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Loaded {
    /// Fetches the passwords that come from files and the environment. `text` is what was loaded; `read` is asked
    /// once for each distinct source, in the order of the text. Its faults join the diagnostics, and no
    /// configuration is left then. Passwords that are written in the configuration never reach `read`.
    #[must_use]
    pub fn with_secrets(
        self,
        text: &str,
        read: impl FnMut(&SecretSource) -> Result<Secret, SecretFault>,
    ) -> Self {
        let _ = (text, read);
        todo!()
    }
}
