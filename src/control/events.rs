//! The method `events`: what has happened, page by page, and what happens from then on.

use std::io;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::Past;
use super::answer::now;
use super::board::Board;
use super::lines::Lines;
use super::protocol::{self, Done, Fault, FaultCode, Item};
use crate::status::history::{Entry, Wanted};
use crate::status::{Keeping, SCHEMA};

/// Says the events that are asked for, and returns the end of the answer.
pub(super) async fn tell(
    lines: &mut Lines,
    board: &Board,
    asked: protocol::Past,
    stopped: &mut watch::Receiver<bool>,
) -> io::Result<Result<Done, Fault>> {
    let Some(past) = board.past() else {
        return Ok(Err(no_history(board)));
    };
    // Whoever follows listens first and reads then, so that nothing happens in between.
    let news = asked.follow.then(|| board.events());
    let wanted = Arc::new(Wanted::from(asked));
    let mut telling = Telling {
        lines,
        wanted,
        next: 0,
        told: 0,
    };
    if let Err(why) = telling.past(&past).await? {
        return Ok(Err(Fault::new(FaultCode::Unreadable, why)));
    }
    if let Some(news) = news
        && let Err(fault) = telling.follow(news, stopped).await?
    {
        return Ok(Err(fault));
    }
    Ok(Ok(Done::Events {
        schema: SCHEMA,
        at: now(),
        events: telling.told,
    }))
}

/// An answer on its way.
struct Telling<'l> {
    lines: &'l mut Lines,
    wanted: Arc<Wanted>,
    /// Events before this one have been told, or are not wanted.
    next: u64,
    told: u64,
}

impl Telling<'_> {
    /// What is wrong with the history is a fault of the answer, and not of the connection.
    async fn past(&mut self, past: &Arc<dyn Past>) -> io::Result<Result<(), String>> {
        let first = self.ask(past, |past, wanted| past.first(wanted)).await;
        let mut next = match first {
            Ok(Some(first)) => first,
            Ok(None) => return Ok(Ok(())),
            Err(why) => return Ok(Err(why)),
        };
        loop {
            let page = self.ask(past, move |past, wanted| past.page(wanted, next));
            let page = match page.await {
                Ok(page) => page,
                Err(why) => return Ok(Err(why)),
            };
            let Some(last) = page.last() else {
                return Ok(Ok(()));
            };
            next = last.id + 1;
            for entry in page {
                self.say(entry).await?;
            }
        }
    }

    /// Asks on a thread that may wait.
    async fn ask<T: Send + 'static>(
        &self,
        past: &Arc<dyn Past>,
        question: impl FnOnce(&dyn Past, &Wanted) -> Result<T, String> + Send + 'static,
    ) -> Result<T, String> {
        let (past, wanted) = (Arc::clone(past), Arc::clone(&self.wanted));
        let asked = tokio::task::spawn_blocking(move || question(&*past, &wanted)).await;
        asked.unwrap_or_else(|error| Err(error.to_string()))
    }

    /// Goes on until the client wants something else; an error if it hangs up.
    async fn follow(
        &mut self,
        mut news: Receiver<Arc<Entry>>,
        stopped: &mut watch::Receiver<bool>,
    ) -> io::Result<Result<(), Fault>> {
        self.lines.flush().await?;
        loop {
            let heard = tokio::select! {
                heard = news.recv() => heard,
                said = self.lines.hears() => return said.map(Ok),
                _ = stopped.wait_for(|stopped| *stopped) => Err(RecvError::Closed),
            };
            match heard {
                Ok(entry) if entry.id >= self.next && self.wanted.has(&entry) => {
                    self.say(entry).await?;
                }
                Ok(_) => {}
                Err(RecvError::Lagged(missed)) => self.lines.item(Item::Missed(missed)).await?,
                Err(RecvError::Closed) => return Ok(Err(stopping())),
            }
            if news.is_empty() {
                self.lines.flush().await?;
            }
        }
    }

    async fn say(&mut self, entry: Arc<Entry>) -> io::Result<()> {
        self.next = entry.id + 1;
        self.told += 1;
        self.lines.item(Item::Event(entry)).await
    }
}

/// Said to whoever waits when the daemon stops.
pub(super) fn stopping() -> Fault {
    Fault::new(FaultCode::Stopping, "the daemon stops")
}

fn no_history(board: &Board) -> Fault {
    let is_kept = board
        .state()
        .is_some_and(|state| state.state != Keeping::Off);
    let hint = match is_kept {
        true => "history_max_events is 0",
        false => "`regent status` says why",
    };
    Fault {
        hint: Some(hint.to_owned()),
        ..Fault::new(FaultCode::NoHistory, "the daemon keeps no history")
    }
}
