//! Sockets, and the connections that come in by them.

use std::convert::Infallible;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Duration, sleep, timeout};
use tower_service::Service as _;

use super::guard;
use super::over;
use super::patient::Patient;
use super::reports::Trouble;
use super::routes::{Shared, Visitor, finish, router};
use super::server::News;
use crate::config::Listen;
use crate::control::{Door, ListenError, Listener};

/// Why there is no web server.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WebError {
    /// The system does not give the address.
    #[error("the web cannot be served at {place}")]
    System {
        /// Where.
        place: Listen,
        /// Why.
        source: io::Error,
    },
    /// It is ours already, by another address with the same port.
    #[error("the web cannot be served at {place} while it is served at {ours}")]
    Ours {
        /// Where it should be.
        place: Listen,
        /// Where it is.
        ours: Listen,
    },
    /// There is no such socket in the file system.
    #[error("the web cannot be served")]
    Socket(#[from] ListenError),
}

impl WebError {
    /// What to do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::System { source, .. } => {
                let hints = [
                    (
                        io::ErrorKind::AddrInUse,
                        "another program listens there; choose another port in `listen` of [web]",
                    ),
                    (
                        io::ErrorKind::AddrNotAvailable,
                        "this host has no such address",
                    ),
                    (
                        io::ErrorKind::PermissionDenied,
                        "a port below 1024 takes the capability CAP_NET_BIND_SERVICE",
                    ),
                ];
                let own = hints.into_iter().find(|(kind, _)| *kind == source.kind());
                own.map(|(_, hint)| hint)
            }
            Self::Ours { .. } => Some(
                "reload first without the old address in `listen` of [web], then with the new one; \
                 or start the daemon again",
            ),
            Self::Socket(ListenError::InUse(_)) => {
                Some("another daemon listens there; choose another path in `listen` of [web]")
            }
            Self::Socket(_) => Some("its folder must exist, and be ours to write to"),
        }
    }
}

impl WebError {
    /// Says so where it is one of our own places that is in the way.
    pub(super) fn among(self, places: &[Listen]) -> Self {
        let Self::System { place, source } = &self else {
            return self;
        };
        let Listen::Tcp(wanted) = place else {
            return self;
        };
        let overlaps = |ours: &&Listen| {
            matches!(ours, Listen::Tcp(ours) if ours.port() == wanted.port()
                && ours.is_ipv4() == wanted.is_ipv4()
                && (ours.ip().is_unspecified() || wanted.ip().is_unspecified()))
        };
        let is_taken = source.kind() == io::ErrorKind::AddrInUse;
        match places.iter().find(overlaps).filter(|_| is_taken) {
            Some(ours) => Self::Ours {
                place: place.clone(),
                ours: ours.clone(),
            },
            None => self,
        }
    }
}

/// A socket that is bound.
pub(super) struct Bound {
    /// As it is configured.
    pub(super) configured: Listen,
    /// As it came about.
    pub(super) place: Listen,
    socket: Socket,
}

enum Socket {
    Tcp(TcpListener),
    Unix(Listener),
}

/// Binds a socket.
pub(super) fn bind(listen: &Listen) -> Result<Bound, WebError> {
    let system = |source| WebError::System {
        place: listen.clone(),
        source,
    };
    let (place, socket) = match listen {
        Listen::Tcp(address) => {
            let socket = bind_tcp(*address).map_err(system)?;
            let place = socket.local_addr().map_err(system)?;
            (Listen::Tcp(place), Socket::Tcp(socket))
        }
        Listen::Unix(path) => {
            let listener = Listener::bind((**path).as_ref(), None)?;
            let mode = fs::Permissions::from_mode(0o660);
            fs::set_permissions(&**path, mode).map_err(system)?;
            (listen.clone(), Socket::Unix(listener))
        }
    };
    Ok(Bound {
        configured: listen.clone(),
        place,
        socket,
    })
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // A daemon that starts again at once finds its port.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves what it is told to, until it is stopped.
pub(super) async fn serve(shared: Arc<Shared>, mut inbox: mpsc::UnboundedReceiver<News>) {
    let router = router(&shared);
    // Whoever fills the places of the network does not keep out those of this host.
    let tcp = Arc::new(Semaphore::new(CONNECTIONS));
    let unix = Arc::new(Semaphore::new(CONNECTIONS));
    let mut stopped = shared.stopped.clone();
    let mut open: Vec<(Listen, watch::Sender<bool>)> = Vec::new();
    let mut acceptors = JoinSet::new();
    loop {
        let news = tokio::select! {
            news = inbox.recv() => news,
            () = over(&mut stopped) => break,
            Some(_) = acceptors.join_next() => continue,
        };
        match news {
            Some(News::Open(bound)) => {
                let (close, closed) = watch::channel(false);
                open.push((bound.configured.clone(), close));
                let places = match bound.socket {
                    Socket::Tcp(_) => &tcp,
                    Socket::Unix(_) => &unix,
                };
                let server = Acceptor {
                    shared: Arc::clone(&shared),
                    router: router.clone(),
                    places: Arc::clone(places),
                    closed,
                };
                acceptors.spawn(server.run(bound.socket));
            }
            Some(News::Close(gone)) => {
                let at = open.iter().position(|(listen, _)| *listen == gone);
                if let Some((_, close)) = at.map(|at| open.swap_remove(at)) {
                    close.send_replace(true);
                }
            }
            None => break,
        }
    }
    open.clear();
    let farewell = async { while acceptors.join_next().await.is_some() {} };
    drop(timeout(FAREWELL, farewell).await);
}

/// Takes connections at one socket.
struct Acceptor {
    shared: Arc<Shared>,
    router: Router,
    places: Arc<Semaphore>,
    closed: watch::Receiver<bool>,
}

impl Acceptor {
    async fn run(self, socket: Socket) {
        let result = match socket {
            Socket::Tcp(socket) => self.tcp(socket).await,
            Socket::Unix(listener) => self.unix(listener).await,
        };
        if let Err(error) = result {
            tracing::warn!(%error, "web: a socket is not served any more");
        }
    }

    async fn tcp(self, socket: TcpListener) -> io::Result<()> {
        let socket = tokio::net::TcpListener::from_std(socket)?;
        let mut clients = JoinSet::new();
        let mut closed = self.closed.clone();
        loop {
            tokio::select! {
                () = over(&mut closed) => break,
                Some(_) = clients.join_next() => {}
                accepted = socket.accept() => match accepted {
                    Ok((stream, peer)) => {
                        // Small answers leave at once; without it they are only later.
                        drop(stream.set_nodelay(true));
                        let visitor = Visitor { peer: Some(peer), uid: None, is_trusted: false };
                        self.take(&mut clients, stream, visitor);
                    }
                    Err(_) => sleep(PAUSE).await,
                },
            }
        }
        drop(socket);
        Self::farewell(clients).await;
        Ok(())
    }

    async fn unix(self, listener: Listener) -> io::Result<()> {
        let socket = tokio::net::UnixListener::from_std(listener.socket()?)?;
        let mut clients = JoinSet::new();
        let mut closed = self.closed.clone();
        loop {
            tokio::select! {
                () = over(&mut closed) => break,
                Some(_) = clients.join_next() => {}
                accepted = socket.accept() => match accepted {
                    Ok((stream, _)) => {
                        let uid = stream.peer_cred().ok().map(|peer| peer.uid());
                        let visitor = Visitor { peer: None, uid, is_trusted: true };
                        self.take(&mut clients, stream, visitor);
                    }
                    Err(_) => sleep(PAUSE).await,
                },
            }
        }
        // The file goes first, so that another one may be put there at once.
        drop((socket, listener));
        Self::farewell(clients).await;
        Ok(())
    }

    /// What has been said is still delivered, to those who listen.
    async fn farewell(mut clients: JoinSet<()>) {
        let all = async { while clients.join_next().await.is_some() {} };
        drop(timeout(FAREWELL, all).await);
    }

    fn take<S>(&self, clients: &mut JoinSet<()>, stream: S, visitor: Visitor)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            shared.reports.say(Trouble::TooMany, visitor.peer, "");
            if clients.len() < CONNECTIONS + REFUSALS {
                clients.spawn(refuse(stream));
            }
            return;
        };
        let (router, closed) = (self.router.clone(), self.closed.clone());
        clients.spawn(async move {
            let board = Arc::clone(&shared.world.board);
            let _presence = board.gauges().enter(Door::Web);
            connection(shared, router, stream, visitor, closed).await;
            drop(place);
        });
    }
}

/// Serves one connection to its end.
async fn connection<S>(
    shared: Arc<Shared>,
    router: Router,
    stream: S,
    visitor: Visitor,
    mut closed: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let own = Arc::clone(&shared);
    let service = service_fn(move |request: Request<Incoming>| {
        let (shared, router) = (Arc::clone(&own), router.clone());
        async move {
            let response = answer(&shared, router, request, visitor).await;
            Ok::<_, Infallible>(response)
        }
    });
    let io = TokioIo::new(Patient::new(stream, PATIENCE));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(HEADERS)
        .serve_connection(io, service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = over(&mut closed) => {
            connection.as_mut().graceful_shutdown();
            connection.as_mut().await
        }
    };
    let Err(error) = result else {
        return;
    };
    let is_parse = error.is_parse() || error.is_parse_too_large();
    if is_parse || error.is_timeout() {
        let reports = &shared.reports;
        reports.say(Trouble::Malformed, visitor.peer, &error.to_string());
    } else if is_unread(&error) {
        shared.reports.say(Trouble::Unread, visitor.peer, "");
    }
}

/// Whether a connection ended because its reader did not read.
fn is_unread(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut)
}

/// Answers one request.
async fn answer(
    shared: &Shared,
    mut router: Router,
    request: Request<Incoming>,
    visitor: Visitor,
) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Err(refusal) = guard::host(&parts, &shared.web().hosts) {
        let host = parts.headers.get("host").and_then(|it| it.to_str().ok());
        let reports = &shared.reports;
        reports.say(Trouble::WrongHost, visitor.peer, host.unwrap_or_default());
        return finish(refusal.into_response());
    }
    parts.extensions.insert(visitor);
    let request = Request::from_parts(parts, Body::new(body));
    let Ok(response) = router.call(request).await;
    finish(response)
}

/// There is no room for whoever has come.
async fn refuse<S: AsyncWrite + Unpin>(mut stream: S) {
    let text = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\
                 Connection: close\r\n\r\n";
    drop(timeout(Duration::from_secs(1), stream.write_all(text)).await);
}

/// Connections that wait to be taken.
const BACKLOG: i32 = 128;

/// Connections at a time by TCP, and as many by Unix sockets.
const CONNECTIONS: usize = 256;

/// Connections beyond those that are told so, at a time.
const REFUSALS: usize = 32;

/// Most likely there are no descriptors left: it will pass.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest head of a request. A hundred Accounts with long names of wide characters, each of
/// them nine bytes in a query, are asked for at once.
const HEADERS: usize = 32 << 10;

/// So long a head may take to come, and a connection may be idle.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);

/// So long a reader may read nothing of what is there for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long a client may take to hear the last words of a daemon that stops.
const FAREWELL: Duration = Duration::from_millis(500);
