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

macro_rules! file {
    ($path:literal, $kind:ident, $file:literal) => {
        File {
            path: $path,
            kind: $kind,
            content: include_bytes!(concat!("page/", $file)),
        }
    };
}

macro_rules! script {
    ($name:literal) => {
        File {
            path: concat!("/js/", $name, ".js"),
            kind: SCRIPT,
            content: include_bytes!(concat!("page/js/", $name, ".js")),
        }
    };
}

/// All files of the page.
pub(super) static FILES: &[File] = &[
    file!("/", HTML, "index.html"),
    file!("/app.css", STYLE, "app.css"),
    file!("/views.css", STYLE, "views.css"),
    file!("/favicon.svg", IMAGE, "favicon.svg"),
    script!("account"),
    script!("accounts"),
    script!("alerts"),
    script!("api"),
    script!("dom"),
    script!("events"),
    script!("groups"),
    script!("happening"),
    script!("ladder"),
    script!("live"),
    script!("look"),
    script!("main"),
    script!("plot"),
    script!("registrars"),
    script!("route"),
    script!("say"),
    script!("sign-in"),
    script!("strip"),
    script!("subscribe"),
    script!("theme"),
    script!("time"),
    script!("words"),
];

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const IMAGE: &str = "image/svg+xml";

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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The files below a folder, by their paths from there.
    fn below(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => below(&entry.path(), &name, found),
                false => drop(found.insert(name)),
            }
        }
    }

    #[test]
    fn every_file_of_the_page_is_served() {
        let mut found = BTreeSet::new();
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/page");
        below(folder.as_ref(), "", &mut found);
        let served = FILES.iter().map(|file| match file.path {
            "/" => "/index.html".to_owned(),
            path => path.to_owned(),
        });
        assert_eq!(served.collect::<BTreeSet<_>>(), found);
    }
}
