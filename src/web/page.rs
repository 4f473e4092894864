//! The page's files, which are part of the program.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

use super::body::typed;
use super::refusal::Refusal;
use super::routes::Asked;

/// A file: where it is asked for, what it is, and what is in it.
pub(super) struct File {
    pub(super) path: &'static str,
    kind: &'static str,
    content: &'static [u8],
}

/// All files of the page.
pub(super) static FILES: &[File] = &[File {
    path: "/",
    kind: HTML,
    content: include_bytes!("page/index.html"),
}];

const HTML: &str = "text/html; charset=utf-8";

/// `GET /api/v1/openapi.json`.
pub(super) async fn openapi(asked: Asked) -> Result<Response, Refusal> {
    let file = File {
        path: "/api/v1/openapi.json",
        kind: "application/json",
        content: include_bytes!("openapi.json"),
    };
    Ok(file.answer(&asked.headers))
}

impl File {
    /// The file, unless the browser has it.
    pub(super) fn answer(&self, headers: &HeaderMap) -> Response {
        let digest = Sha256::digest(self.content);
        let tag = format!("\"{}\"", HEXLOWER.encode(&digest[..12]));
        let known = headers.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
        let is_known = known.is_some_and(|known| {
            let mut tags = known
                .split(',')
                .map(|one| one.trim().trim_start_matches("W/"));
            tags.any(|one| one == tag || one == "*")
        });
        let mut response = match is_known {
            true => {
                let mut response = Response::new(Body::empty());
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                response
            }
            false => typed(Body::from(self.content), self.kind),
        };
        let headers = response.headers_mut();
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(ETAG, tag);
        }
        // It is asked for each time, and told that nothing is new.
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    }
}
