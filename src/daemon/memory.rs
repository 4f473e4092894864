//! What others may see of the daemon's memory, in which the passwords are: no core dump, and no
//! look from outside by the same user, unless the configuration allows it.

use std::io;

use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Core dumps are off, until they are [allowed](Self::allow).
#[derive(Debug)]
pub struct Guard {
    /// The limit of their size that was in force before.
    limit: u64,
}

/// Turns core dumps off. It comes first, before any password is read.
pub fn guard() -> io::Result<Guard> {
    let (limit, most) = getrlimit(Resource::RLIMIT_CORE)?;
    setrlimit(Resource::RLIMIT_CORE, 0, most)?;
    // The limit alone does not stop a handler that dumps are piped to.
    prctl::set_dumpable(false)?;
    Ok(Guard { limit })
}

impl Guard {
    /// Turns them on again, as far as the system had them on.
    pub fn allow(self) -> io::Result<()> {
        let (_, most) = getrlimit(Resource::RLIMIT_CORE)?;
        setrlimit(Resource::RLIMIT_CORE, self.limit, most)?;
        prctl::set_dumpable(true)?;
        Ok(())
    }
}
