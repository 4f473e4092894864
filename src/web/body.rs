//! Bodies: those that come, with limits on length and patience, and those that go, whole or in
//! pieces.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::time::{Duration, timeout};

use super::refusal::Refusal;

/// A whole body of JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => typed(Body::from(text), "application/json"),
        // Nothing that is told has keys that are no text, or fails otherwise.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// A body of that type.
pub(super) fn typed(body: Body, kind: &'static str) -> Response {
    let mut response = Response::new(body);
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// Reads a body that is an object of JSON.
pub(super) async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Refusal> {
    if !is_json(headers) {
        return Err(Refusal::not_json());
    }
    let text = read(headers, body).await?;
    // By itself serde takes an array for the fields in their order.
    if text.trim_ascii_start().first() != Some(&b'{') {
        let message = "the body must be an object of JSON: {…}, with names and values";
        return Err(Refusal::bad_parameter(message));
    }
    serde_json::from_slice(&text)
        .map_err(|error| Refusal::bad_parameter(format!("the body is not right: {error}")))
}

/// Whether a body is said to be JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Reads a body as far as it may be long.
async fn read(headers: &HeaderMap, body: Body) -> Result<Bytes, Refusal> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    let announced = announced.and_then(|text| text.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MOST as u64) {
        return Err(Refusal::too_large(MOST));
    }
    let read = timeout(PATIENCE, Limited::new(body, MOST).collect());
    match read.await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            Err(Refusal::too_large(MOST))
        }
        Ok(Err(_)) => Err(Refusal::bad("the body ends before its end")),
        Err(_) => Err(Refusal::too_slow()),
    }
}

/// A body that somebody writes while it is read. Who writes waits for who reads.
pub(super) fn piecewise(kind: &'static str) -> (Pieces, Response) {
    let (sender, receiver) = mpsc::channel(WAITING);
    (Pieces(sender), typed(Body::new(Stream(receiver)), kind))
}

/// Where the pieces of a body go.
pub(super) struct Pieces(mpsc::Sender<Bytes>);

impl Pieces {
    /// Sends a piece; an error when nobody reads any more.
    pub(super) async fn send(&self, piece: Vec<u8>) -> Result<(), Gone> {
        self.0.send(piece.into()).await.map_err(|_| Gone)
    }

    /// Waits until nobody reads any more.
    pub(super) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// Nobody reads any more.
#[derive(Debug)]
pub(super) struct Gone;

struct Stream(mpsc::Receiver<Bytes>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// The longest body that is read.
const MOST: usize = 64 << 10;

/// So long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pieces that wait for a reader.
const WAITING: usize = 2;

/// A piece that is so long is sent.
pub(super) const PIECE: usize = 32 << 10;
