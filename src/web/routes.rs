//! The one table of what can be asked for, and the way of a request through it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use tokio::sync::{Semaphore, watch};

use super::access::{Access, Proof, Right};
use super::groups::Groups;
use super::guard::{self, Shown};
use super::page::FILES;
use super::refusal::Refusal;
use super::reports::{Reports, Trouble};
use super::server::World;
use super::{accounts, act, look, metrics, page, past, session, stream, subscriptions};
use crate::config::{Alert, Web};

/// What every request needs.
pub(super) struct Shared {
    pub(super) world: World,
    pub(super) web: RwLock<Arc<Web>>,
    /// The subscriptions in force.
    pub(super) alerts: RwLock<Arc<[Arc<Alert>]>>,
    pub(super) access: Arc<Mutex<Access>>,
    pub(super) reports: Reports,
    /// When the daemon's loop answered last.
    pub(super) heard: tokio::sync::Mutex<Option<tokio::time::Instant>>,
    pub(super) groups: Groups,
    /// Held while the configuration's file is changed.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Readings of the history for strips.
    pub(super) strips: Arc<Semaphore>,
    /// Wrong tokens that are being refused.
    pub(super) penalties: Semaphore,
    /// Streams of events.
    pub(super) streams: Arc<Semaphore>,
    pub(super) stopped: watch::Receiver<bool>,
}

impl Shared {
    pub(super) fn access(&self) -> MutexGuard<'_, Access> {
        self.access.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn web(&self) -> Arc<Web> {
        Arc::clone(&self.web.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Whom a request comes from, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visitor {
    /// By TCP: from where.
    pub(super) peer: Option<SocketAddr>,
    /// By a socket of the file system: as which user.
    pub(super) uid: Option<u32>,
    /// Whether the file's permissions have let it in already.
    pub(super) is_trusted: bool,
}

/// A request that may be answered.
pub(super) struct Asked {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: Option<SocketAddr>,
    pub(super) uid: Option<u32>,
    /// What its sender may do, if that is known.
    pub(super) right: Option<Right>,
    /// By what it may.
    pub(super) proof: Option<Proof>,
    pub(super) headers: HeaderMap,
    /// What stands behind the question mark.
    pub(super) query: String,
    /// The name in its path, if that has one.
    pub(super) name: Option<String>,
    pub(super) body: Body,
}

/// What becomes of it.
type Answer = Pin<Box<dyn Future<Output = Result<Response, Refusal>> + Send>>;

/// Something that can be asked for.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// What its sender must be allowed to; none lets everybody.
    needs: Option<Right>,
    answer: fn(Asked) -> Answer,
}

macro_rules! route {
    ($method:ident $path:literal $needs:expr, $answer:path) => {
        Route {
            method: Method::$method,
            path: $path,
            needs: $needs,
            answer: |asked| Box::pin($answer(asked)),
        }
    };
}

const ANYBODY: Option<Right> = None;
const LOOK: Option<Right> = Some(Right::Look);
const ACT: Option<Right> = Some(Right::Act);

/// All that can be asked for beside the page's files.
pub(super) static ROUTES: &[Route] = &[
    route!(GET "/session" LOOK, session::show),
    route!(POST "/session" ANYBODY, session::begin),
    route!(DELETE "/session" ANYBODY, session::end),
    route!(GET "/healthz" ANYBODY, look::healthz),
    route!(GET "/api/v1/summary" LOOK, look::summary),
    route!(GET "/api/v1/accounts" LOOK, accounts::list),
    route!(GET "/api/v1/accounts/{name}" LOOK, accounts::show),
    route!(POST "/api/v1/accounts/{name}/register" ACT, act::register),
    route!(POST "/api/v1/accounts/{name}/unregister" ACT, act::unregister),
    route!(POST "/api/v1/accounts/{name}/refresh" ACT, act::refresh),
    route!(GET "/api/v1/accounts/{name}/history" LOOK, past::history),
    route!(GET "/api/v1/accounts/{name}/messages" LOOK, past::messages),
    route!(POST "/api/v1/accounts/register" ACT, act::register_many),
    route!(POST "/api/v1/accounts/unregister" ACT, act::unregister_many),
    route!(POST "/api/v1/accounts/refresh" ACT, act::refresh_many),
    route!(GET "/api/v1/history" LOOK, past::histories),
    route!(GET "/api/v1/proxy-sets" LOOK, look::proxy_sets),
    route!(GET "/api/v1/groups" LOOK, look::groups),
    route!(GET "/api/v1/registrars/round-trips" LOOK, past::round_trips),
    route!(GET "/api/v1/alerts" LOOK, look::alerts),
    route!(GET "/api/v1/subscriptions" LOOK, subscriptions::list),
    route!(POST "/api/v1/subscriptions" ACT, subscriptions::add),
    route!(PUT "/api/v1/subscriptions/{name}" ACT, subscriptions::set),
    route!(DELETE "/api/v1/subscriptions/{name}" ACT, subscriptions::remove),
    route!(POST "/api/v1/subscriptions/{name}/test" ACT, subscriptions::test),
    route!(GET "/api/v1/events" LOOK, look::events),
    route!(GET "/api/v1/stream" LOOK, stream::open),
    route!(GET "/api/v1/openapi.json" ANYBODY, page::openapi),
    route!(GET "/metrics" ANYBODY, metrics::show),
];

/// Words of orders that stand where the name of an Account may stand too.
static ORDERS: [&str; 3] = [
    "/api/v1/accounts/register",
    "/api/v1/accounts/unregister",
    "/api/v1/accounts/refresh",
];

/// The way of each request to its answer.
pub(super) fn router(shared: &Arc<Shared>) -> Router {
    let mut router: Router = Router::new();
    for file in FILES {
        let files = on(MethodFilter::GET, move |request: Request| async move {
            file.answer(request.headers())
        });
        router = router.route(file.path, refusing(files, "GET, HEAD"));
    }
    let mut paths: Vec<&str> = ROUTES.iter().map(|route| route.path).collect();
    paths.dedup();
    for path in paths {
        let own = ROUTES.iter().filter(|route| route.path == path);
        let mut methods = MethodRouter::new();
        let mut allowed = Vec::new();
        for route in own {
            let Ok(filter) = MethodFilter::try_from(route.method.clone()) else {
                continue;
            };
            allowed.push(route.method.as_str());
            if route.method == Method::GET {
                allowed.push("HEAD");
            }
            let shared = Arc::clone(shared);
            methods = methods.on(filter, move |names: Names, request: Request| {
                answer(shared, route, name(names), request)
            });
        }
        if ORDERS.contains(&path) {
            allowed.extend(["GET", "HEAD"]);
            let shared = Arc::clone(shared);
            methods = methods.get(move |request: Request| named(shared, path, request));
        }
        router = router.route(path, refusing(methods, &allowed.join(", ")));
    }
    router.fallback(|| async { Refusal::no_such_path() })
}

/// What a path has in the places of names, if it can be read.
type Names = Result<RawPathParams, RawPathParamsRejection>;

/// The name in a path, if that has one.
fn name(names: Names) -> Result<Option<String>, Refusal> {
    let names = names.map_err(|_| Refusal::bad_parameter("the name in the path is not UTF-8"))?;
    Ok(names.iter().next().map(|(_, name)| name.to_owned()))
}

/// The same, with other methods refused in our words.
fn refusing(methods: MethodRouter, allowed: &str) -> MethodRouter {
    let refusal = Refusal::wrong_method(allowed);
    methods.fallback(move || {
        let refusal = refusal.clone();
        async move { refusal }
    })
}

/// The status of an Account that is called like an order.
async fn named(shared: Arc<Shared>, path: &'static str, request: Request) -> Response {
    let name = path.rsplit('/').next().map(str::to_owned);
    let mut routes = ROUTES.iter();
    let route = routes.find(|it| it.method == Method::GET && it.path.ends_with("accounts/{name}"));
    match route {
        Some(route) => answer(shared, route, Ok(name), request).await,
        None => Refusal::no_such_path().into_response(),
    }
}

/// Answers a request that a route fits; `name` is the one in its path, if that has one. What is
/// wrong with it is told to those only who may ask.
async fn answer(
    shared: Arc<Shared>,
    route: &'static Route,
    name: Result<Option<String>, Refusal>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let visitor = parts.extensions.get::<Visitor>().copied();
    let Some(visitor) = visitor else {
        return Refusal::unknown_visitor().into_response();
    };
    let shown = Shown::of(&parts.headers);
    if let Err(refusal) = guard::cross_site(&parts, &shown, visitor.is_trusted) {
        let detail = parts.headers.get("origin").and_then(|it| it.to_str().ok());
        let reports = &shared.reports;
        reports.say(Trouble::CrossSite, visitor.peer, detail.unwrap_or_default());
        return refusal.into_response();
    }
    let right = match right(&shared, &shown, visitor).await {
        Ok(right) => right,
        Err(_) if route.needs.is_none() => None,
        Err(refusal) => return refusal.into_response(),
    };
    let allowed = match (route.needs, right) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Refusal::unknown_visitor()),
        (Some(needs), Some(has)) => guard::may(has, needs),
    };
    let name = match allowed.and(name) {
        Ok(name) => name,
        Err(refusal) => return refusal.into_response(),
    };
    let asked = Asked {
        shared,
        peer: visitor.peer,
        uid: visitor.uid,
        right,
        proof: proof(&shown, visitor),
        headers: parts.headers,
        query: parts.uri.query().unwrap_or_default().to_owned(),
        name,
        body,
    };
    let answered = (route.answer)(asked).await;
    answered.unwrap_or_else(Refusal::into_response)
}

/// What a visitor may do.
async fn right(shared: &Shared, shown: &Shown, visitor: Visitor) -> Result<Option<Right>, Refusal> {
    let now = tokio::time::Instant::now();
    match shown {
        Shown::Token(token) => {
            let right = shared.access().token(token.reveal());
            match right {
                Some(right) => Ok(Some(right)),
                None => Err(session::refuse(shared, visitor.peer).await),
            }
        }
        _ if visitor.is_trusted => Ok(Some(Right::Act)),
        Shown::Session(id) => Ok(shared.access().session(id.reveal(), now)),
        Shown::Nothing => Ok(None),
    }
}

/// What a visitor's right rests on.
fn proof(shown: &Shown, visitor: Visitor) -> Option<Proof> {
    match shown {
        Shown::Token(token) => Some(Proof::token(token)),
        _ if visitor.is_trusted => Some(Proof::Socket),
        Shown::Session(id) => Some(Proof::session(id)),
        Shown::Nothing => None,
    }
}

/// Adds what every answer says to browsers.
pub(super) fn finish(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in &HEADERS {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    headers
        .entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

static HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src \
         'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];
