//! Questions that the published status and the history answer, all but those about Accounts.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout};

use super::access::Right;
use super::body::{json, typed};
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::routes::{Asked, Shared};
use crate::control::answer::{self, no_history, now};
use crate::control::protocol::{Names, Summary};
use crate::control::{Pages, Wish};
use crate::status::history::{Entry, EntryKind, Wanted};
use crate::status::{AlertStatus, DeliveryStatus, GroupStatus, ProxySetStatus, SCHEMA, UnixMs};

/// `GET /healthz`: whoever gets it knows that the daemon's loop goes round. However many ask, it is
/// asked once a second, and each of them is told in time.
pub(super) async fn healthz(asked: Asked) -> Result<Response, Refusal> {
    // Whoever waits for another one's question to be answered waits no longer than that one.
    match timeout(HEARS_WITHIN, hears(&asked.shared)).await {
        Ok(true) => Ok(typed(Body::from("ok\n"), "text/plain; charset=utf-8")),
        Ok(false) => Err(answer::stopping().into()),
        Err(_) => Err(Refusal::deaf()),
    }
}

/// Whether the loop answers, for as long as it takes.
async fn hears(shared: &Shared) -> bool {
    let mut heard = shared.heard.lock().await;
    if heard.is_some_and(|at| at.elapsed() <= HEARTBEAT) {
        return true;
    }
    let (answer, told) = oneshot::channel();
    let is_heard = shared.world.wishes.send(Wish::Ping(answer)).await.is_ok() && told.await.is_ok();
    if is_heard {
        *heard = Some(Instant::now());
    }
    is_heard
}

/// All in numbers.
#[derive(Clone, PartialEq, Serialize)]
pub(super) struct Overview {
    #[serde(flatten)]
    pub(super) summary: Summary,
    version: &'static str,
    started: UnixMs,
    alerts: usize,
    deliveries: usize,
    proxy_sets: usize,
    groups: usize,
    may_act: bool,
}

impl Overview {
    pub(super) fn of(shared: &Shared, right: Option<Right>) -> Self {
        let board = &shared.world.board;
        let total = board.directory().entries().len();
        let (alerts, deliveries) = board.count_alerts();
        Self {
            summary: answer::summary(board, u32::try_from(total).unwrap_or(u32::MAX)),
            version: env!("CARGO_PKG_VERSION"),
            started: shared.world.started,
            alerts,
            deliveries,
            proxy_sets: board.proxy_sets().len(),
            groups: board.count_groups(),
            may_act: right == Some(Right::Act),
        }
    }
}

/// `GET /api/v1/summary`.
pub(super) async fn summary(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    Ok(json(&Overview::of(&asked.shared, asked.right)))
}

#[derive(Serialize)]
struct ProxySets {
    schema: u32,
    at: UnixMs,
    proxy_sets: Vec<Arc<ProxySetStatus>>,
}

/// `GET /api/v1/proxy-sets`.
pub(super) async fn proxy_sets(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(&asked.query, &["name"])?;
    let names = Names {
        names: query.all("name").map(str::to_owned).collect(),
    };
    let all = asked.shared.world.board.proxy_sets();
    Ok(json(&ProxySets {
        schema: SCHEMA,
        at: now(),
        proxy_sets: answer::proxy_sets(&all, &names)?,
    }))
}

#[derive(Serialize)]
struct Groups<'g> {
    schema: u32,
    at: UnixMs,
    groups: Vec<&'g GroupStatus>,
}

/// `GET /api/v1/groups`.
pub(super) async fn groups(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(&asked.query, &["name"])?;
    let names = Names {
        names: query.all("name").map(str::to_owned).collect(),
    };
    let (_, all) = asked.shared.groups.lately(&asked.shared.world.board);
    Ok(json(&Groups {
        schema: SCHEMA,
        at: now(),
        groups: answer::groups(all.iter().map(|marked| &marked.group), &names)?,
    }))
}

/// What goes on, and what is on its way.
#[derive(Serialize)]
pub(super) struct Alerts {
    schema: u32,
    at: UnixMs,
    /// How many go on.
    ongoing: usize,
    /// How many are not delivered yet.
    waiting: usize,
    alerts: Vec<AlertStatus>,
    deliveries: Vec<DeliveryStatus>,
}

impl Alerts {
    /// The first ones: whoever is told of every change needs no more.
    pub(super) fn first(shared: &Shared) -> Self {
        Self::some(shared, 0, ALERTS_USUAL)
    }

    fn some(shared: &Shared, offset: u32, most: u32) -> Self {
        let board = &shared.world.board;
        let (ongoing, waiting) = board.count_alerts();
        let (offset, most) = (offset as usize, most as usize);
        Self {
            schema: SCHEMA,
            at: now(),
            ongoing,
            waiting,
            alerts: board.some_alerts(offset, most),
            deliveries: board.some_deliveries(offset, most),
        }
    }
}

/// `GET /api/v1/alerts`.
pub(super) async fn alerts(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(&asked.query, &["offset", "limit"])?;
    let offset = offset(&query)?;
    let limit = limit(&query, ALERTS_USUAL, ALERTS_MOST)?;
    Ok(json(&Alerts::some(&asked.shared, offset, limit)))
}

#[derive(Serialize)]
struct Events {
    schema: u32,
    at: UnixMs,
    events: Vec<Arc<Entry>>,
}

/// `GET /api/v1/events`.
pub(super) async fn events(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(
        &asked.query,
        &["name", "kind", "since", "until", "before", "limit"],
    )?;
    let wanted = Wanted {
        accounts: query.all("name").map(str::to_owned).collect(),
        kinds: query.listed("kind", "a kind of event", kind)?,
        since: moment(&query, "since")?,
        until: moment(&query, "until")?,
        before: query.parsed("before", "the id of an event")?,
        limit: Some(limit(&query, EVENTS_USUAL, EVENTS_MOST)?),
    };
    let board = &asked.shared.world.board;
    let past = board.past().ok_or_else(|| no_history(board))?;
    let mut pages = Pages::new(past, Arc::new(wanted));
    let mut events = Vec::new();
    while let Some(page) = pages.next().await? {
        events.extend(page);
    }
    Ok(json(&Events {
        schema: SCHEMA,
        at: now(),
        events,
    }))
}

fn kind(word: &str) -> Option<EntryKind> {
    let kind = EntryKind::of(word);
    (kind != EntryKind::Unknown).then_some(kind)
}

/// A point in time.
pub(super) fn moment(query: &Query<'_>, name: &str) -> Result<Option<UnixMs>, Refusal> {
    let wanted = "a time such as 2026-11-22T10:00:00Z";
    let read = |text: &str| {
        let at: Result<jiff::Timestamp, _> = text.parse();
        at.map(|at| UnixMs(at.as_millisecond()))
            .map_err(|_| wrong(name, text, wanted))
    };
    query.one(name)?.map(read).transpose()
}

/// How many of the first ones are left out.
pub(super) fn offset(query: &Query<'_>) -> Result<u32, Refusal> {
    let wanted = format!("a number from 0 to {}", u32::MAX);
    Ok(query.parsed("offset", &wanted)?.unwrap_or(0))
}

/// How many are wanted at most.
pub(super) fn limit(query: &Query<'_>, usual: u32, most: u32) -> Result<u32, Refusal> {
    let wanted = format!("a number from 1 to {most}");
    let limit = query.parsed::<u32>("limit", &wanted)?.unwrap_or(usual);
    match (1..=most).contains(&limit) {
        true => Ok(limit),
        false => Err(wrong("limit", &limit.to_string(), &wanted)),
    }
}

/// So long an answer of the daemon's loop counts.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// A loop that takes longer does not go round.
const HEARS_WITHIN: Duration = Duration::from_secs(5);

/// So many alerts, and notices that are not delivered yet, are told unless it is said.
const ALERTS_USUAL: u32 = 200;

/// So many are told at most.
const ALERTS_MOST: u32 = 1_000;

/// So many events are told unless it is said.
const EVENTS_USUAL: u32 = 100;

/// So many are told at most.
const EVENTS_MOST: u32 = 1_000;
