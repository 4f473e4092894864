//! The server as the daemon has it: begun, changed by a reload, and ended, without waiting for
//! anybody.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use tokio::sync::{Semaphore, mpsc, watch};
use tracing::{info, warn};

use super::access::Access;
use super::gate::Keeper;
use super::groups::Groups;
use super::listen::{Bound, WebError, bind, serve};
use super::reports::Reports;
use super::routes::Shared;
use super::shown;
use crate::config::{Alert, Config, Listen, Loaded, Web};
use crate::control::{Board, Source, Wishes};
use crate::status::UnixMs;

/// What the web shows, and to whom orders go.
#[derive(Clone)]
pub struct World {
    /// The published status.
    pub board: Arc<Board>,
    /// The way of orders to the daemon.
    pub wishes: Wishes,
    /// What the daemon runs from, if it is a file.
    pub source: Option<Source>,
    /// When it was started.
    pub started: UnixMs,
    /// Says what the text of a configuration means.
    pub load: fn(&Path, &str) -> Loaded,
}

/// The web server; nothing while it is not configured.
pub struct Server {
    world: World,
    running: Option<Running>,
}

struct Running {
    web: Arc<Web>,
    access: Arc<Mutex<Access>>,
    /// Where it listens: as configured, and as it came about.
    places: Vec<(Listen, Listen)>,
    shown: Arc<RwLock<Vec<Listen>>>,
    shared: Arc<Shared>,
    news: mpsc::UnboundedSender<News>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What the server's thread is told.
pub(super) enum News {
    /// Another place to listen at.
    Open(Bound),
    /// A place to listen at no more, as configured.
    Close(Listen),
}

/// A configuration that can be put in force: what it needs is bound.
pub struct Plan {
    web: Option<Web>,
    alerts: Arc<[Arc<Alert>]>,
    bound: Vec<Bound>,
}

impl Server {
    /// One that serves nothing yet.
    pub fn new(world: World) -> Self {
        Self {
            world,
            running: None,
        }
    }

    /// Where it listens, as configured.
    pub fn places(&self) -> Vec<Listen> {
        let running = self.running.iter();
        running
            .flat_map(|it| it.places.iter().map(|(configured, _)| configured.clone()))
            .collect()
    }

    /// Puts a configuration in force.
    pub fn apply(&mut self, plan: Plan) -> io::Result<()> {
        let Plan { web, alerts, bound } = plan;
        let Some(web) = web else {
            if let Some(running) = self.running.take() {
                self.world.board.set_gate(None);
                running.stop.send_replace(true);
                info!("web: not served any more");
            }
            return Ok(());
        };
        let web = Arc::new(web);
        match &mut self.running {
            Some(running) => running.change(web, bound),
            None => self.running = Some(Running::start(&self.world, web, bound)?),
        }
        if let Some(running) = &self.running {
            let place = running.shared.alerts.write();
            *place.unwrap_or_else(PoisonError::into_inner) = alerts;
        }
        Ok(())
    }
}

impl Plan {
    /// Binds what a configuration needs and is not listened at yet.
    pub fn new(config: &Config, places: &[Listen]) -> Result<Self, WebError> {
        let web = config.web.clone();
        let wanted = web.iter().flat_map(|web| &web.listen);
        let mut left = places.to_vec();
        let mut bound = Vec::new();
        for listen in wanted {
            // A port that the system chooses stays while it is configured.
            match left.iter().position(|place| place == listen) {
                Some(at) => drop(left.swap_remove(at)),
                None => bound.push(bind(listen).map_err(|why| why.among(places))?),
            }
        }
        let alerts = config.alerts.iter().cloned().collect();
        Ok(Self { web, alerts, bound })
    }
}

impl Running {
    fn start(world: &World, web: Arc<Web>, bound: Vec<Bound>) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let (news, inbox) = mpsc::unbounded_channel();
        let access = Arc::new(Mutex::new(Access::new(&web)?));
        let shown = Arc::new(RwLock::new(Vec::new()));
        let shared = Arc::new(Shared {
            world: world.clone(),
            web: RwLock::new(Arc::clone(&web)),
            alerts: RwLock::new(Arc::new([])),
            access: Arc::clone(&access),
            reports: Reports::default(),
            groups: Groups::default(),
            changing: tokio::sync::Mutex::default(),
            strips: Arc::new(Semaphore::new(READINGS)),
            heard: tokio::sync::Mutex::default(),
            penalties: Semaphore::new(PENALTIES),
            streams: Arc::new(Semaphore::new(STREAMS)),
            stopped,
        });
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING)
            .build()?;
        let own = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("web".to_owned())
            .spawn(move || {
                runtime.block_on(serve(own, inbox));
                runtime.shutdown_background();
            })?;
        let mut running = Self {
            web: Arc::clone(&web),
            access: Arc::clone(&access),
            places: Vec::new(),
            shown: Arc::clone(&shown),
            shared,
            news,
            stop,
            thread: Some(thread),
        };
        running.open(bound);
        world.board.set_gate(Some(Arc::new(Keeper {
            access,
            places: shown,
        })));
        Ok(running)
    }

    fn change(&mut self, web: Arc<Web>, bound: Vec<Bound>) {
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut self.places)
            .into_iter()
            .partition(|(configured, _)| web.listen.contains(configured));
        self.places = kept;
        for (configured, place) in gone {
            info!(address = shown(&place), "web: not served any more");
            drop(self.news.send(News::Close(configured)));
        }
        let access = self.access.lock();
        access
            .unwrap_or_else(PoisonError::into_inner)
            .reconfigure(&web);
        let place = self.shared.web.write();
        *place.unwrap_or_else(PoisonError::into_inner) = Arc::clone(&web);
        self.web = web;
        // Nobody who comes by a new place is judged by what was in force before.
        self.open(bound);
    }

    fn open(&mut self, bound: Vec<Bound>) {
        for bound in bound {
            let place = bound.place.clone();
            info!(address = shown(&place), "web: served");
            if place.is_beyond_this_host() {
                warn!(
                    address = shown(&place),
                    "web: other hosts can reach it, and it speaks no TLS: put a reverse proxy before it"
                );
            }
            self.places.push((bound.configured.clone(), place));
            // It fails only when the thread is gone, which has been said.
            drop(self.news.send(News::Open(bound)));
        }
        let places = self.places.iter().map(|(_, place)| place.clone());
        let shown = self.shown.write();
        *shown.unwrap_or_else(PoisonError::into_inner) = places.collect();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            running.stop.send_replace(true);
            if let Some(thread) = running.thread.take() {
                // A panic there has been reported there.
                drop(thread.join());
            }
        }
    }
}

/// Wrong tokens that are refused at a time, each after a while.
const PENALTIES: usize = 16;

/// Streams of events at a time.
const STREAMS: usize = 32;

/// Readings of the history for strips at a time: each may hold very many events.
const READINGS: usize = 2;

/// Questions to the disk, and lists that are sorted, at a time.
const BLOCKING: usize = 4;
