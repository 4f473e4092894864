//! How the daemon is told to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tracing::debug;

/// Where the daemon hears that it shall stop: the first word lets it take leave, the second one
/// ends it at once.
pub struct Shutdown {
    words: UnboundedReceiver<Word>,
    by_signal: Option<UnboundedSender<Word>>,
}

/// The other end of a [`Shutdown`].
#[derive(Clone)]
pub struct Stopper(UnboundedSender<Word>);

impl Stopper {
    /// Says the word.
    pub fn stop(&self) {
        if self.0.send(Word::Stop).is_err() {
            debug!("the daemon has ended already");
        }
    }
}

impl Shutdown {
    /// By [`Stopper::stop`].
    pub fn by_word() -> (Stopper, Self) {
        let (sender, words) = mpsc::unbounded_channel();
        let by_signal = None;
        (Stopper(sender), Self { words, by_signal })
    }

    /// By SIGTERM and SIGINT.
    pub fn by_signal() -> Self {
        let (stopper, shutdown) = Self::by_word();
        let by_signal = Some(stopper.0);
        Self {
            by_signal,
            ..shutdown
        }
    }

    /// Begins to listen. Must be called inside a runtime.
    pub(super) fn listen(self) -> io::Result<UnboundedReceiver<Word>> {
        let Some(sender) = self.by_signal else {
            return Ok(self.words);
        };
        // In a task of its own, so that the loop looks at one queue and not at three signals each
        // time it turns.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        tokio::spawn(async move {
            loop {
                let word = tokio::select! {
                    _ = terminate.recv() => Word::Stop,
                    _ = interrupt.recv() => Word::Stop,
                    _ = hang_up.recv() => Word::Reload,
                };
                if sender.send(word).is_err() {
                    return;
                }
            }
        });
        Ok(self.words)
    }
}

/// What the daemon is told from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    /// To stop.
    Stop,
    /// To read the configuration again.
    Reload,
}
