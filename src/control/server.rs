//! The daemon's end of the socket: a thread of its own with one task per client, so that whoever
//! asks for a hundred thousand Accounts, or reads them slowly, does not keep a REGISTER waiting.

mod alerts;
mod trace;
mod web;

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::{io, process};

use tokio::net::UnixStream;
use tokio::net::unix::UCred;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, interval, sleep, sleep_until, timeout};
use tracing::{debug, warn};

use super::answer::{Selection, groups, names, now, proxy_sets, stopping, summary};
use super::board::{Board, Change};
use super::breath::Breath;
use super::events;
use super::gauges::Door;
use super::lines::{Heard, Lines};
use super::listener::Listener;
use super::metrics::exposition;
use super::order::{Order, Reloading, Source, Verb, Wish, Wishes};
use super::peer::Rule;
use super::protocol::{
    Action, Call, Done, Fault, FaultCode, Filter, Item, Names, Says, Told, VERSION, WantedMetrics,
};
use super::request::{Unread, read};
use super::sparing::{Due, Sparing};
use crate::status::{AccountStatus, SCHEMA};

pub use trace::query;

/// The socket is served while this lives.
pub struct Serving {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Serves the socket: questions from `board`, orders through `wishes`. `source` is what the
    /// daemon runs from.
    pub fn serve(
        self,
        board: Arc<Board>,
        wishes: Wishes,
        source: Option<Source>,
    ) -> io::Result<Serving> {
        let (stop, stopped) = watch::channel(false);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared {
            rule: self.rule.clone(),
            board,
            wishes,
            source,
            stopped,
            refused: Sparing::default(),
            crowded: Sparing::default(),
            garbled: Sparing::default(),
        });
        let thread = thread::Builder::new()
            .name("control".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(accept(&self, shared)) {
                    warn!(%error, "the control socket is not served any more");
                }
                runtime.shutdown_background();
            })?;
        Ok(Serving {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there.
            drop(thread.join());
        }
    }
}

/// What every client's task needs.
struct Shared {
    rule: Rule,
    board: Arc<Board>,
    wishes: Wishes,
    source: Option<Source>,
    stopped: watch::Receiver<bool>,
    /// Clients that may not ask, too many of them, and those that say what is no request.
    refused: Sparing,
    crowded: Sparing,
    garbled: Sparing,
}

async fn accept(listener: &Listener, shared: Arc<Shared>) -> io::Result<()> {
    let socket = tokio::net::UnixListener::from_std(listener.listener.try_clone()?)?;
    let mut stopped = shared.stopped.clone();
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => break,
            Some(_) = clients.join_next() => {}
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    let is_full = clients.len() >= MAX_CLIENTS;
                    clients.spawn(serve(stream, Arc::clone(&shared), is_full));
                }
                // Most likely there are no descriptors left: it will pass.
                Err(_) => sleep(Duration::from_millis(100)).await,
            },
        }
    }
    // What has been said is still delivered, to those who listen.
    let farewell = async { while clients.join_next().await.is_some() {} };
    drop(timeout(FAREWELL, farewell).await);
    Ok(())
}

async fn serve(stream: UnixStream, shared: Arc<Shared>, is_full: bool) {
    let Ok(peer) = stream.peer_cred() else {
        return;
    };
    let mut lines = Lines::new(stream);
    let fault = if !is_allowed(&shared.rule, peer).await {
        if let Some(Due { repeated }) = shared.refused.due() {
            let (uid, gid, pid) = (peer.uid(), peer.gid(), peer.pid());
            warn!(
                uid,
                gid, pid, repeated, "a client of the control socket was refused"
            );
        }
        Some(Fault::new(FaultCode::Refused, shared.rule.words()))
    } else if is_full {
        if let Some(Due { repeated }) = shared.crowded.due() {
            let (uid, pid) = (peer.uid(), peer.pid());
            warn!(
                uid,
                pid, repeated, "there are too many clients of the control socket"
            );
        }
        Some(Fault::new(FaultCode::Busy, "too many clients"))
    } else {
        None
    };
    if let Some(fault) = fault {
        drop(lines.finish(Says::Error(fault)).await);
        return;
    }
    let _presence = shared.board.gauges().enter(Door::Control);
    let client = Client {
        board: &shared.board,
        wishes: &shared.wishes,
        source: shared.source.as_ref(),
        uid: peer.uid(),
        garbled: &shared.garbled,
        lines,
    };
    if let Err(error) = client.live(shared.stopped.clone()).await {
        debug!(%error, uid = peer.uid(), "a client of the control socket is gone");
    }
}

/// Whether whoever holds these credentials may ask.
async fn is_allowed(rule: &Rule, peer: UCred) -> bool {
    if rule.allows_at_once(peer) {
        return true;
    }
    let rule = rule.clone();
    let asked = tokio::task::spawn_blocking(move || rule.allows_member(peer));
    asked.await.unwrap_or(false)
}

/// One client that may ask.
struct Client<'a> {
    board: &'a Board,
    wishes: &'a Wishes,
    source: Option<&'a Source>,
    /// Who it is.
    uid: u32,
    garbled: &'a Sparing,
    lines: Lines,
}

impl Client<'_> {
    async fn live(mut self, mut stopped: watch::Receiver<bool>) -> io::Result<()> {
        let mut allowance = Instant::now();
        loop {
            let line = tokio::select! {
                line = timeout(IDLE, self.lines.read()) => line,
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
            };
            let heard = match line {
                Ok(heard) => heard?,
                Err(_) => return Ok(()),
            };
            let request = match heard {
                Heard::Nothing => return Ok(()),
                Heard::TooLong => Err(Unread::last("the request is too long")),
                Heard::Line => read(self.lines.line()),
            };
            let (says, is_last) = match request {
                Ok(request) => {
                    self.lines.id = request.id;
                    (self.answer(request.call, &mut stopped).await?, false)
                }
                Err(unread) => {
                    if unread.is_last
                        && let Some(Due { repeated }) = self.garbled.due()
                    {
                        let uid = self.uid;
                        warn!(
                            uid,
                            repeated, "what a client of the control socket says is no request"
                        );
                    }
                    self.lines.id = unread.id;
                    (Says::Error(unread.fault), unread.is_last)
                }
            };
            self.lines.finish(says).await?;
            if is_last {
                return Ok(());
            }
            // A client that asks without pause is served at a bounded rate.
            allowance = allowance.max(Instant::now() - BURST * PAUSE) + PAUSE;
            sleep_until(allowance).await;
        }
    }

    /// Says the items of an answer, and returns its end.
    async fn answer(
        &mut self,
        call: Call,
        stopped: &mut watch::Receiver<bool>,
    ) -> io::Result<Says> {
        let result = match call {
            Call::Hello(_) => Ok(Done::Hello {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                protocol: VERSION,
                schema: SCHEMA,
                pid: process::id(),
                configuration: self.source.map(|source| source.path.clone()),
                format: self.source.map(|source| source.format),
            }),
            Call::Status(filter) => self.status(&filter.unwrap_or_default()).await?,
            Call::Watch(filter) => self.watch(&filter.unwrap_or_default(), stopped).await?,
            Call::ProxySets(asked) => self.proxy_sets(&asked.unwrap_or_default()).await?,
            Call::Groups(asked) => self.groups(&asked.unwrap_or_default()).await?,
            Call::Events(asked) => {
                let asked = asked.unwrap_or_default();
                events::tell(&mut self.lines, self.board, asked, stopped).await?
            }
            Call::Register(action) => {
                let force = action.force;
                self.order(Verb::Register { force }, &action).await?
            }
            Call::Unregister(action) => self.order(Verb::Unregister, &action).await?,
            Call::Refresh(action) => self.order(Verb::Refresh, &action).await?,
            Call::Trace(wanted) => self.trace(&wanted.unwrap_or_default(), stopped).await?,
            Call::Alerts(_) => self.alerts().await?,
            Call::Metrics(wanted) => Ok(self.metrics(wanted.unwrap_or_default()).await?),
            Call::TestAlert(names) => self.test_alert(names.unwrap_or_default().names).await?,
            Call::Web(_) => self.web(),
            Call::Reload(how) => self.reload(how.unwrap_or_default().check_only).await,
        };
        Ok(match result {
            Ok(done) => Says::Done(done),
            Err(fault) => Says::Error(fault),
        })
    }

    async fn status(&mut self, filter: &Filter) -> io::Result<Result<Done, Fault>> {
        let directory = self.board.directory();
        let selection = match Selection::new(self.board, &directory, filter) {
            Ok(selection) => selection,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut matching = 0;
        let mut breath = Breath::new();
        for (place, entry) in directory.entries().iter().enumerate() {
            if selection.is_all() && !selection.is_on_page(matching) {
                // Whatever it does, it is counted only.
                matching += 1;
            } else if let Some(status) = selection.status(self.board, entry.slot, &entry.name) {
                if selection.is_on_page(matching) {
                    self.lines.item(Item::Account(status)).await?;
                }
                matching += 1;
            }
            if place % YIELD == YIELD - 1 {
                breath.take().await;
            }
        }
        Ok(Ok(Done::Status(summary(self.board, matching))))
    }

    async fn proxy_sets(&mut self, asked: &Names) -> io::Result<Result<Done, Fault>> {
        let all = self.board.proxy_sets();
        let sets = match proxy_sets(&all, asked) {
            Ok(sets) => sets,
            Err(fault) => return Ok(Err(fault)),
        };
        for set in sets {
            self.lines.item(Item::ProxySet(set)).await?;
        }
        Ok(Ok(Done::ProxySets {
            schema: SCHEMA,
            at: now(),
            proxy_sets: u32::try_from(all.len()).unwrap_or(u32::MAX),
        }))
    }

    async fn metrics(&mut self, wanted: WantedMetrics) -> io::Result<Done> {
        let mut breath = Breath::new();
        for piece in exposition(self.board, wanted.format, wanted.accounts) {
            self.lines.item(Item::Metrics(piece)).await?;
            breath.take().await;
        }
        Ok(Done::Metrics {
            content_type: wanted.format.content_type().to_owned(),
        })
    }

    async fn groups(&mut self, asked: &Names) -> io::Result<Result<Done, Fault>> {
        let all = self.board.groups();
        let groups = match groups(all.iter(), asked) {
            Ok(groups) => groups,
            Err(fault) => return Ok(Err(fault)),
        };
        for group in groups {
            self.lines.item(Item::Group(group.clone())).await?;
        }
        Ok(Ok(Done::Groups {
            schema: SCHEMA,
            at: now(),
            groups: u32::try_from(all.len()).unwrap_or(u32::MAX),
        }))
    }

    async fn watch(
        &mut self,
        filter: &Filter,
        stopped: &mut watch::Receiver<bool>,
    ) -> io::Result<Result<Done, Fault>> {
        let mut changes = self.board.changes();
        let first = match self.status(filter).await? {
            Ok(Done::Status(first)) => first,
            other => return Ok(other),
        };
        let mut state = first.state.clone();
        self.lines.item(Item::Watching(first)).await?;
        self.lines.flush().await?;
        let directory = self.board.directory();
        let selection = match Selection::new(self.board, &directory, filter) {
            Ok(selection) => selection,
            Err(fault) => return Ok(Err(fault)),
        };
        let mut glance = interval(GLANCE);
        loop {
            let change = tokio::select! {
                change = changes.recv() => Some(change),
                _ = glance.tick() => None,
                said = self.lines.hears() => {
                    said?;
                    return Ok(Ok(Done::Status(summary(self.board, 0))));
                }
                _ = stopped.wait_for(|stopped| *stopped) => Some(Err(RecvError::Closed)),
            };
            let Some(change) = change else {
                if let Some(news) = self.board.state().filter(|it| Some(it) != state.as_ref()) {
                    state = Some(news.clone());
                    self.lines.item(Item::State(news)).await?;
                    self.lines.flush().await?;
                }
                continue;
            };
            match change {
                Ok(Change { slot, gone }) => {
                    if let Some(account) = gone.filter(|name| selection.has(slot, name)) {
                        self.lines.item(Item::Removed { account }).await?;
                    }
                    let is_meant = |found: &Arc<AccountStatus>| {
                        selection.has(slot, &found.name) && selection.fits(found)
                    };
                    if let Some(status) = self.board.at(slot).filter(is_meant) {
                        self.lines.item(Item::Account(status)).await?;
                    }
                }
                Err(RecvError::Lagged(missed)) => self.lines.item(Item::Missed(missed)).await?,
                Err(RecvError::Closed) => return Ok(Err(stopping())),
            }
            if changes.is_empty() {
                self.lines.flush().await?;
            }
        }
    }

    async fn order(&mut self, verb: Verb, action: &Action) -> io::Result<Result<Done, Fault>> {
        let accounts = match names(&self.board.directory(), action) {
            Ok(accounts) => accounts,
            Err(fault) => return Ok(Err(fault)),
        };
        let all = accounts.len();
        let (outcomes, mut inbox) = mpsc::unbounded_channel();
        let order = Order {
            verb,
            accounts,
            is_all: action.all,
            uid: Some(self.uid),
            outcomes,
        };
        if self.wishes.send(Wish::Order(order)).await.is_err() {
            return Ok(Err(stopping()));
        }
        let mut left = if action.wait { all } else { 0 };
        while left > 0 {
            let told = tokio::select! {
                told = inbox.recv() => told,
                // It has hung up, or wants something else: the outcomes are nobody's business any
                // more.
                said = self.lines.hears() => {
                    said?;
                    break;
                }
            };
            let Some((account, outcome)) = told else {
                return Ok(Err(stopping()));
            };
            left -= 1;
            self.lines
                .item(Item::Outcome(Told { account, outcome }))
                .await?;
            if inbox.is_empty() {
                self.lines.flush().await?;
            }
        }
        let accounts = u32::try_from(all).unwrap_or(u32::MAX);
        Ok(Ok(Done::Order { accounts }))
    }

    async fn reload(&self, check_only: bool) -> Result<Done, Fault> {
        let (answer, told) = oneshot::channel();
        let wish = Wish::Reload(Reloading {
            check_only,
            uid: Some(self.uid),
            answer,
        });
        if self.wishes.send(wish).await.is_err() {
            return Err(stopping());
        }
        told.await
            .unwrap_or_else(|_| Err(stopping()))
            .map(Done::Reloaded)
    }
}

/// Clients that are served at a time.
const MAX_CLIENTS: usize = 64;

/// A client that says nothing for so long is let go.
const IDLE: Duration = Duration::from_secs(300);

/// So long a client may take to hear the last words of a daemon that stops.
const FAREWELL: Duration = Duration::from_millis(500);

/// A client may send this many requests at once, and after that one per [`PAUSE`].
const BURST: u32 = 100;

/// See [`BURST`].
const PAUSE: Duration = Duration::from_millis(5);

/// How often it is looked whether the state of the daemon is another, for who watches.
const GLANCE: Duration = Duration::from_secs(1);

/// After so many Accounts another client gets its turn.
const YIELD: usize = 128;
