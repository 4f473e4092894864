//! The signals that ask a command to end, for those that have something to put in order first: a
//! terminal to give back, a folder to remove.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// SIGTERM, SIGINT and SIGHUP, as something that can be waited for.
pub(super) struct Signals(SignalFd, SigSet);

impl Signals {
    /// From now on they come here and do nothing else, in this thread and in those that it starts.
    pub(super) fn take() -> io::Result<Self> {
        let ends = SigSet::from_iter([Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]);
        ends.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Self(SignalFd::with_flags(&ends, flags)?, ends))
    }

    /// From now on they end the command again.
    pub(super) fn leave(self) -> io::Result<()> {
        Ok(self.1.thread_unblock()?)
    }

    /// Whether one has come since this was last asked.
    pub(super) fn have_come(&self) -> bool {
        self.0.read_signal().is_ok_and(|signal| signal.is_some())
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
