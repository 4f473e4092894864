//! `GET /metrics`.

use std::sync::Arc;

use axum::http::header::{ACCEPT, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::body::piecewise;
use super::query::Query;
use super::refusal::Refusal;
use super::routes::Asked;
use crate::config::MetricsFor;
use crate::control::answer::stopping;
use crate::control::{Breath, exposition};
use crate::status::metrics::negotiate;

/// What monitoring reads, in the form that it asks for.
pub(super) async fn show(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let web = asked.shared.web();
    match web.metrics {
        MetricsFor::Nobody => {
            return Err(Refusal::no_such_path().hint("`metrics` of [web] is \"off\""));
        }
        MetricsFor::Token if asked.right.is_none() => return Err(Refusal::unknown_visitor()),
        MetricsFor::Token | MetricsFor::Everybody => {}
    }
    let format = negotiate(accept(&asked.headers).as_deref());
    let board = Arc::clone(&asked.shared.world.board);
    let made = move || exposition(&board, format, web.account_metrics);
    let text = tokio::task::spawn_blocking(made).await;
    let text = text.map_err(|_| stopping())?;
    let (pieces, mut response) = piecewise(format.content_type());
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("accept"));
    tokio::spawn(async move {
        let mut breath = Breath::new();
        for piece in text {
            if pieces.send(piece.into_bytes()).await.is_err() {
                return;
            }
            breath.take().await;
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
