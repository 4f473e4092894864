//! Signing in and out, for browsers.

use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tokio::time::{Duration, Instant, sleep};

use super::access::Right;
use super::body::{json, read_json};
use super::guard;
use super::refusal::Refusal;
use super::reports::Trouble;
use super::routes::{Asked, Shared};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    token: Option<String>,
    code: Option<String>,
}

#[derive(Serialize)]
struct Session {
    may_act: bool,
}

/// `GET /session`.
pub(super) async fn show(asked: Asked) -> Result<Response, Refusal> {
    Ok(json(&Session {
        may_act: asked.right == Some(Right::Act),
    }))
}

/// `POST /session`.
pub(super) async fn begin(asked: Asked) -> Result<Response, Refusal> {
    let shared = asked.shared;
    let proof: Proof = read_json(&asked.headers, asked.body).await?;
    let now = Instant::now();
    let right = match (&proof.token, &proof.code) {
        (Some(token), None) => shared.access().token(token),
        (None, Some(code)) => shared.access().redeem(code, now),
        _ => {
            let message = "the body must have either token or code";
            return Err(Refusal::bad_parameter(message));
        }
    };
    let Some(right) = right else {
        return Err(refuse(&shared, asked.peer).await);
    };
    let id = shared.access().begin(right, now);
    let id = id.map_err(|_| Refusal::too_many("the system has no entropy to give"))?;
    let mut response = json(&Session {
        may_act: right == Right::Act,
    });
    // It names no end: the daemon judges whether a session is still used.
    set_cookie(&mut response, &asked.headers, &id, "");
    Ok(response)
}

/// `DELETE /session`.
pub(super) async fn end(asked: Asked) -> Result<Response, Refusal> {
    if let Some(id) = guard::session(&asked.headers) {
        asked.shared.access().end(id);
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &asked.headers, "", "; Max-Age=0");
    Ok(response)
}

/// Has a browser keep a session, or forget it. `asked` are the headers of its request.
fn set_cookie(response: &mut Response, asked: &HeaderMap, id: &str, age: &str) {
    let name = guard::cookie_name(asked);
    let secure = match guard::is_by_tls(asked) {
        true => "; Secure",
        false => "",
    };
    let cookie = format!("{name}={id}; Path=/{age}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// A token or code is wrong: whoever tries many waits each time, and not too many are told so at
/// once. What comes beyond those waits as long, so that nobody guesses faster by crowding.
pub(super) async fn refuse(shared: &Shared, peer: Option<std::net::SocketAddr>) -> Refusal {
    shared.reports.say(Trouble::WrongToken, peer, "");
    let place = shared.penalties.try_acquire();
    sleep(PENALTY).await;
    match place {
        Ok(_) => Refusal::wrong_token(),
        Err(_) => Refusal::too_many("too many wrong tokens are being tried"),
    }
}

/// So long a wrong token takes to be refused.
const PENALTY: Duration = Duration::from_millis(250);
