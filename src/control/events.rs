//! The method `events`: what has happened, page by page, and what happens from then on.

use std::io;
use std::sync::Arc;

use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::answer::{no_history, now, stopping};
use super::board::Board;
use super::lines::Lines;
use super::past::{Pages, Past};
use super::protocol::{self, Done, Fault, Item};
use crate::status::SCHEMA;
use crate::status::history::{Entry, Wanted};

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
    if let Err(fault) = telling.past(past).await? {
        return Ok(Err(fault));
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
    async fn past(&mut self, past: Arc<dyn Past>) -> io::Result<Result<(), Fault>> {
        let mut pages = Pages::new(past, Arc::clone(&self.wanted));
        loop {
            match pages.next().await {
                Ok(Some(page)) => {
                    for entry in page {
                        self.say(entry).await?;
                    }
                }
                Ok(None) => return Ok(Ok(())),
                Err(fault) => return Ok(Err(fault)),
            }
        }
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
