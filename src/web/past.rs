//! What has been: the registration of Accounts over time, and the messages that are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::response::Response;
use serde::Serialize;
use tokio::task::spawn_blocking;

use super::body::{PIECE, json, piecewise};
use super::look::limit;
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::routes::{Asked, Shared};
use crate::control::answer::{no_history, now, stopping, unknown};
use crate::control::protocol;
use crate::control::{Board, Pages, Past, query};
use crate::status::history::{Entry, EntryKind, Wanted};
use crate::status::round_trips::{STEP_S, Series};
use crate::status::strips::{KINDS, Span, State, Time, strip};
use crate::status::{SCHEMA, UnixMs};

#[derive(Serialize)]
struct History {
    schema: u32,
    at: UnixMs,
    from: UnixMs,
    until: UnixMs,
    known_from: UnixMs,
    spans: Vec<Span>,
}

#[derive(Serialize)]
struct Histories {
    schema: u32,
    at: UnixMs,
    from: UnixMs,
    until: UnixMs,
    known_from: UnixMs,
    accounts: BTreeMap<String, Strip>,
}

#[derive(Serialize)]
struct Strip {
    spans: Vec<Span>,
}

/// `GET /api/v1/accounts/{name}/history`.
pub(super) async fn history(asked: Asked) -> Result<Response, Refusal> {
    let hours = hours(&Query::read(&asked.query, &["hours"])?)?;
    let name = asked.name.unwrap_or_default();
    let names = BTreeSet::from([name.clone()]);
    let (time, mut strips) = strips(&asked.shared, names, hours).await?;
    Ok(json(&History {
        schema: SCHEMA,
        at: time.until,
        from: time.from,
        until: time.until,
        known_from: time.known_from,
        spans: strips.remove(&name).map(|it| it.spans).unwrap_or_default(),
    }))
}

/// `GET /api/v1/history`.
pub(super) async fn histories(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(&asked.query, &["hours", "name"])?;
    let hours = hours(&query)?;
    let names: BTreeSet<String> = query.all("name").map(str::to_owned).collect();
    let fault = match names.len() {
        0 => "name is missing: the name of an Account",
        1..=NAMES => "",
        _ => "too many names",
    };
    if !fault.is_empty() {
        let refusal = Refusal::bad_parameter(fault);
        return Err(refusal.hint(format!("name is given once to {NAMES} times")));
    }
    let (time, accounts) = strips(&asked.shared, names, hours).await?;
    Ok(json(&Histories {
        schema: SCHEMA,
        at: time.until,
        from: time.from,
        until: time.until,
        known_from: time.known_from,
        accounts,
    }))
}

fn hours(query: &Query<'_>) -> Result<i64, Refusal> {
    let wanted = format!("a number from 1 to {HOURS_MOST}");
    let hours = query.parsed::<i64>("hours", &wanted)?.unwrap_or(24);
    match (1..=HOURS_MOST).contains(&hours) {
        true => Ok(hours),
        false => Err(wrong("hours", &hours.to_string(), &wanted)),
    }
}

/// The strips of Accounts, all from one reading of the history.
async fn strips(
    shared: &Shared,
    names: BTreeSet<String>,
    hours: i64,
) -> Result<(Time, BTreeMap<String, Strip>), Refusal> {
    let board = &shared.world.board;
    let directory = board.directory();
    for name in &names {
        // History outlives an Account, but a page shows those that there are.
        if directory.find(name).is_none() {
            return Err(unknown(&directory, name).into());
        }
    }
    let past = board.past().ok_or_else(|| no_history(board))?;
    let place = Arc::clone(&shared.strips).acquire_owned().await;
    let place = place.map_err(|_| stopping())?;
    let until = now();
    let from = UnixMs(until.0 - hours * 3_600_000);
    let first = oldest(&past, Wanted::default()).await?;
    let mut own = read(&past, names.iter().cloned().collect(), from).await?;
    let all = read(&past, Vec::new(), from).await?;
    // What was left out for its number is not known either.
    let left_out = [&own, &all]
        .into_iter()
        .filter(|it| it.len() == MOST as usize);
    let left_out = left_out.filter_map(|it| it.first()).map(|it| it.at).max();
    let known = first.map_or(until, |entry| entry.at);
    let known_from = left_out.map_or(known, |at| UnixMs(known.0.max(at.0)));
    if left_out.is_none() {
        let before = before(&past, (&names, from), &own, &all).await?;
        own.extend(before);
    }
    let time = Time {
        from,
        until,
        known_from,
    };
    let board = Arc::clone(board);
    let made = spawn_blocking(move || {
        let strips = build(&board, names, &own, &all, time);
        drop((own, all));
        drop(place);
        strips
    });
    Ok((time, made.await.map_err(|_| stopping())?))
}

/// The strip of each Account, of the events of all those and of the daemon.
fn build(
    board: &Board,
    names: BTreeSet<String>,
    own: &[Arc<Entry>],
    all: &[Arc<Entry>],
    time: Time,
) -> BTreeMap<String, Strip> {
    let mut by_name: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
    for entry in own {
        let name = entry.account.as_deref().unwrap_or_default();
        by_name.entry(name).or_default().push(entry);
    }
    let mut strips = BTreeMap::new();
    for name in names {
        let mut entries = by_name.remove(&*name).unwrap_or_default();
        entries.extend(all.iter().map(Arc::as_ref));
        entries.sort_by_key(|entry| entry.id);
        let now = board.find(&name).map(|status| State::of(&status));
        let spans = strip(entries, time, now);
        strips.insert(name, Strip { spans });
    }
    strips
}

/// The oldest event of those.
async fn oldest(past: &Arc<dyn Past>, wanted: Wanted) -> Result<Option<Arc<Entry>>, Refusal> {
    let page = Pages::new(Arc::clone(past), Arc::new(wanted))
        .next()
        .await?;
    Ok(page.and_then(|page| page.into_iter().next()))
}

/// The last that happened before this time to each of those Accounts to which nothing happened
/// after it until the daemon stopped: nothing else tells how it was with them until then.
async fn before(
    past: &Arc<dyn Past>,
    (names, from): (&BTreeSet<String>, UnixMs),
    own: &[Arc<Entry>],
    all: &[Arc<Entry>],
) -> Result<Vec<Arc<Entry>>, Refusal> {
    let Some(stop) = all.first().filter(|it| it.kind == EntryKind::Stop) else {
        return Ok(Vec::new());
    };
    let [phase, failed, refreshed, ..] = KINDS;
    let heard = own.iter().filter(|entry| entry.id < stop.id);
    let heard: BTreeSet<&str> = heard.filter_map(|it| it.account.as_deref()).collect();
    let mut found = Vec::new();
    for name in names.iter().filter(|name| !heard.contains(&***name)) {
        let wanted = Wanted {
            accounts: vec![name.clone()],
            kinds: vec![phase, failed, refreshed],
            until: Some(from),
            before: Some(stop.id),
            limit: Some(1),
            ..Wanted::default()
        };
        found.extend(oldest(past, wanted).await?);
    }
    Ok(found)
}

/// What strips are made of: of these Accounts, or of the daemon if there are none.
async fn read(
    past: &Arc<dyn Past>,
    accounts: Vec<String>,
    since: UnixMs,
) -> Result<Vec<Arc<Entry>>, Refusal> {
    let [phase, failed, refreshed, start, stop] = KINDS;
    let wanted = Wanted {
        kinds: match accounts.is_empty() {
            true => vec![start, stop],
            false => vec![phase, failed, refreshed],
        },
        accounts,
        since: Some(since),
        limit: Some(MOST),
        ..Wanted::default()
    };
    let mut pages = Pages::new(Arc::clone(past), Arc::new(wanted));
    let mut entries = Vec::new();
    while let Some(page) = pages.next().await? {
        entries.extend(page);
    }
    Ok(entries)
}

/// `GET /api/v1/accounts/{name}/messages`.
pub(super) async fn messages(asked: Asked) -> Result<Response, Refusal> {
    let limit = {
        let query = Query::read(&asked.query, &["limit"])?;
        limit(&query, MESSAGES_USUAL, MESSAGES_MOST)?
    };
    let board = Arc::clone(&asked.shared.world.board);
    let wanted = protocol::Wanted {
        names: vec![asked.name.unwrap_or_default()],
        limit: Some(limit),
        ..protocol::Wanted::default()
    };
    let query = query(&board, &wanted)?;
    let traces = board.traces().clone();
    let finder = traces.clone();
    // Finding them may take a while where very many are kept.
    let reading = spawn_blocking(move || finder.find(query)).await;
    let mut reading = reading.map_err(|_| stopping())?;
    let (pieces, response) = piecewise("application/json");
    tokio::spawn(async move {
        let at = now();
        let mut text = format!("{{\"schema\":{SCHEMA},\"at\":\"{at}\",\"messages\":[").into_bytes();
        let mut is_first = true;
        loop {
            let page = traces.page(&mut reading);
            if page.is_empty() {
                break;
            }
            for entry in page {
                if !std::mem::take(&mut is_first) {
                    text.push(b',');
                }
                // Nothing of a message is what JSON has no words for.
                drop(serde_json::to_writer(&mut text, &entry));
                if text.len() >= PIECE && pieces.send(std::mem::take(&mut text)).await.is_err() {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
        text.extend_from_slice(b"]}");
        drop(pieces.send(text).await);
    });
    Ok(response)
}

#[derive(Serialize)]
struct RoundTrips {
    schema: u32,
    at: UnixMs,
    from: UnixMs,
    until: UnixMs,
    step_s: i64,
    registrars: Vec<Series>,
}

/// `GET /api/v1/registrars/round-trips`.
pub(super) async fn round_trips(asked: Asked) -> Result<Response, Refusal> {
    let hours = hours(&Query::read(&asked.query, &["hours"])?)?;
    let view = asked.shared.world.board.gauges().round_trips();
    let until = now();
    let from = UnixMs(until.0 - hours * 3_600_000);
    // Seven days of very many registrars take a while.
    let told = spawn_blocking(move || {
        json(&RoundTrips {
            schema: SCHEMA,
            at: until,
            from,
            until,
            step_s: STEP_S,
            registrars: view.series(from).collect(),
        })
    });
    Ok(told.await.map_err(|_| stopping())?)
}

/// So many Accounts can be named.
const NAMES: usize = 100;

/// So far back it goes at most.
const HOURS_MOST: i64 = 168;

/// So many events are read for one answer.
const MOST: u32 = 100_000;

/// So many messages are told unless it is said.
const MESSAGES_USUAL: u32 = 50;

/// So many messages are told at most.
const MESSAGES_MOST: u32 = 500;
