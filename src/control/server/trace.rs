//! The messages that are kept, for a client: those there are, and then, if it follows, those to
//! come.

use std::io;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{Duration, sleep};

use super::Client;
use crate::control::answer::{proxy_sets, remote, stopping, unknown};
use crate::control::board::Board;
use crate::control::protocol::{Done, Fault, Item, Names, Wanted};
use crate::trace::{Query, Reading, Traces};

impl Client<'_> {
    pub(super) async fn trace(
        &mut self,
        wanted: &Wanted,
        stopped: &mut watch::Receiver<bool>,
    ) -> io::Result<Result<Done, Fault>> {
        let query = match query(self.board, wanted) {
            Ok(query) => query,
            Err(fault) => return Ok(Err(fault)),
        };
        let traces = self.board.traces().clone();
        // Finding them may take a while where very many are kept.
        let finder = traces.clone();
        let Ok(mut reading) = spawn_blocking(move || finder.find(query)).await else {
            return Ok(Err(stopping()));
        };
        self.pages(&traces, &mut reading).await?;
        if !wanted.follow {
            return Ok(Ok(Done::Trace(traces.state())));
        }
        self.lines.item(Item::Following(traces.state())).await?;
        self.lines.flush().await?;
        loop {
            tokio::select! {
                () = sleep(GLANCE) => {}
                said = self.lines.hears() => {
                    said?;
                    return Ok(Ok(Done::Trace(traces.state())));
                }
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(Err(stopping())),
            }
            while traces.look(&mut reading) {
                self.pages(&traces, &mut reading).await?;
            }
            self.lines.flush().await?;
        }
    }

    /// Says all that was found.
    async fn pages(&mut self, traces: &Traces, reading: &mut Reading) -> io::Result<()> {
        loop {
            let page = traces.page(reading);
            let missed = reading.missed();
            if missed > 0 {
                self.lines.item(Item::Missed(missed)).await?;
            }
            if page.is_empty() {
                return Ok(());
            }
            for entry in page {
                self.lines.item(Item::Message(entry)).await?;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// What is to be found; Accounts and Proxy Sets that are gone count while a message of theirs is
/// kept.
pub fn query(board: &Board, wanted: &Wanted) -> Result<Query, Fault> {
    let directory = board.directory();
    let mut accounts: Vec<Arc<str>> = Vec::with_capacity(wanted.names.len());
    for name in &wanted.names {
        if directory.find(name).is_none() && !board.traces().has_account(name) {
            return Err(unknown(&directory, name));
        }
        accounts.push(name.as_str().into());
    }
    let sets = board.proxy_sets();
    for name in &wanted.proxy_sets {
        if !board.traces().has_proxy_set(name) {
            let names = vec![name.clone()];
            proxy_sets(&sets, &Names { names })?;
        }
    }
    let remotes = wanted.registrars.iter().map(|text| remote(text));
    Ok(Query {
        accounts,
        proxy_sets: wanted
            .proxy_sets
            .iter()
            .map(|name| name.as_str().into())
            .collect(),
        remotes: remotes.collect::<Result<_, _>>()?,
        since: wanted.since,
        until: wanted.until,
        limit: wanted.limit.map(|limit| limit as usize),
    })
}

/// How often it is looked for messages to come.
const GLANCE: Duration = Duration::from_millis(100);
