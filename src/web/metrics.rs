//! What monitoring reads, and how long registrars took over time.

use std::sync::Arc;

use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Serialize;
use tokio::task::{spawn_blocking, yield_now};

use super::body::{Gone, Pieces, piecewise};
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::routes::Asked;
use crate::config::MetricsFor;
use crate::control::answer::{now, stopping};
use crate::control::exposition;
use crate::status::metrics::negotiate;
use crate::status::round_trips::{STEP_S, View, step_of};
use crate::status::{SCHEMA, UnixMs};

/// `GET /metrics`.
pub(super) async fn metrics(asked: Asked) -> Result<Response, Refusal> {
    let web = asked.shared.web();
    match (web.metrics, asked.right) {
        (MetricsFor::Nobody, _) => return Err(Refusal::no_such_path()),
        (MetricsFor::Token, None) => return Err(Refusal::unknown_visitor()),
        (MetricsFor::Token, Some(_)) | (MetricsFor::Everybody, _) => {}
    }
    Query::read(&asked.query, &[])?;
    let format = negotiate(accept(&asked.headers).as_deref());
    let board = Arc::clone(&asked.shared.world.board);
    let begun = spawn_blocking(move || exposition(&board, format, web.account_metrics)).await;
    let text = begun.map_err(|_| stopping())?;
    let (pieces, mut response) = piecewise(format.content_type());
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    tokio::spawn(async move {
        for piece in text {
            // A reader that is gone misses nothing.
            if pieces.send(piece.into_bytes()).await.is_err() {
                return;
            }
            yield_now().await;
        }
    });
    Ok(response)
}

/// What a client accepts, in however many lines it says so.
fn accept(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(ACCEPT).iter();
    let lines: Vec<&str> = lines.filter_map(|line| line.to_str().ok()).collect();
    (!lines.is_empty()).then(|| lines.join(","))
}

/// What stands before the registrars.
#[derive(Serialize)]
struct Head {
    schema: u32,
    at: UnixMs,
    from: UnixMs,
    until: UnixMs,
    step_s: i64,
}

/// `GET /api/v1/registrars/round-trips`.
pub(super) async fn round_trips(asked: Asked) -> Result<Response, Refusal> {
    let query = Query::read(&asked.query, &["hours"])?;
    let hours = match query.one("hours")? {
        None | Some("24") => 24,
        Some("168") => 168,
        Some(other) => return Err(wrong("hours", other, "24 or 168")),
    };
    let at = now();
    let head = Head {
        schema: SCHEMA,
        at,
        from: step_of(UnixMs(at.0 - hours * 3_600_000)),
        until: at,
        step_s: STEP_S,
    };
    let view = asked.shared.world.board.gauges().round_trips();
    let (pieces, response) = piecewise("application/json");
    tokio::spawn(async move {
        // A reader that is gone misses nothing.
        drop(tell(&head, &view, &pieces).await);
    });
    Ok(response)
}

/// Registrar by registrar: of one there are two thousand points at most.
async fn tell(head: &Head, view: &View, pieces: &Pieces) -> Result<(), Gone> {
    let mut piece = serde_json::to_vec(head).map_err(|_| Gone)?;
    piece.pop();
    piece.extend_from_slice(b",\"registrars\":[");
    for (place, series) in view.series(head.from).enumerate() {
        if place > 0 {
            piece.push(b',');
        }
        serde_json::to_writer(&mut piece, &series).map_err(|_| Gone)?;
        pieces.send(std::mem::take(&mut piece)).await?;
        yield_now().await;
    }
    piece.extend_from_slice(b"]}");
    pieces.send(piece).await
}
