//! The loop: wait, tell the engine, do what it says.
//!
//! It knows everyone's type and nobody's rules. The invariant of the loop: the engine is told one
//! thing, then asked until it wants nothing more; what it wants is done when the batch is through,
//! status first, outcomes last.

mod binding;
mod clock;
mod desk;
mod device;
mod effects;
mod history;
mod journal;
mod load;
mod memory;
mod meter;
mod post;
mod publish;
mod reload;
mod secrets;
mod shutdown;
mod state;
mod systemd;

use std::pin::Pin;
use std::sync::Arc;
use std::{future, io, mem};

use anyhow::Context as _;
use rand::TryRng as _;
use rand::rngs::SysRng;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::time::Sleep;
use tracing::{debug, info, warn};

use crate::config::{self, Config};
use crate::control::protocol::Format;
use crate::control::{self, Board, Directory, Source, Wish};
use crate::effect::{AccountId, Command, Input, SocketId, Ticket};
use crate::engine::{Engine, Settings};
use crate::flow::Ports;
use crate::net::{LinkUp, Links, RECEIVE_BUFFER, Resolver, Sockets};
use crate::rng::Seed;
use crate::status::history::EntryKind;
use crate::status::words::count;
use crate::status::{self, Phase, UnixMs};
use crate::time::{Duration, Instant};
use crate::trace::{Export, Traces};
use crate::web;
pub use binding::foreign_addresses;
use clock::Clock;
use desk::Desk;
pub use device::Device;
use effects::{Effects, Owed, Wire};
use journal::Journal;
pub use load::{Origin, load_text, usual_places};
pub use memory::{Guard, guard};
use meter::Meter;
use post::Post;
use reload::{Asker, Reloads, subscriptions};
use shutdown::Word;
pub use shutdown::{Shutdown, Stopper};
use state::Keeper;
pub use state::State;
use systemd::Manager;

/// How the daemon ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped {
    /// Bindings left behind at registrars.
    pub left: u32,
}

/// What a daemon runs with.
pub struct Setup {
    /// The configuration.
    pub config: Arc<Config>,
    /// Where it was read from and how that is written, if it can be read again.
    pub origin: Option<(Origin, Format)>,
    /// What outlives the run.
    pub state: State,
    /// Where operators knock, if anywhere.
    pub listener: Option<control::Listener>,
    /// Where the web is served, if anywhere.
    pub web: web::Plan,
}

/// Runs until it is told to stop.
pub fn run(setup: Setup, shutdown: Shutdown) -> anyhow::Result<Stopped> {
    let Setup {
        config,
        origin,
        state,
        listener,
        web: plan,
    } = setup;
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(async {
        let (wishes, inbox) = mpsc::channel(WISHES);
        let source = origin.as_ref();
        let source = source.map(|(origin, format)| Source::of(&origin.path, *format));
        let source = source
            .transpose()
            .context("there is no working directory")?;
        let origin = origin.map(|(origin, _)| origin.absolute()).transpose();
        let origin = origin.context("there is no working directory")?;
        let reloads = Reloads::new(&config, origin);
        let mut daemon = Daemon::new((config, state), shutdown, inbox, reloads)?;
        daemon.begin()?;
        let board = Arc::clone(&daemon.board);
        let mut server = web::Server::new(web::World {
            board: Arc::clone(&board),
            wishes: wishes.clone(),
            source: source.clone(),
            started: UnixMs(daemon.clock.unix_ms_at_zero()),
            load: load_text,
        });
        server.apply(plan).context("cannot serve the web")?;
        daemon.reloads.web = Some(server);
        let _serving = listener
            .map(|listener| listener.serve(board, wishes, source))
            .transpose()
            .context("cannot serve the control socket")?;
        daemon.manager.ready(&daemon.board);
        let stopped = daemon.live().await?;
        // Outcomes that have not come will not come: whoever waits for one is told before the
        // socket closes.
        let is_kept = daemon.close(stopped);
        match (stopped.left, is_kept) {
            (0, _) => info!("stopped"),
            (left, true) => info!(left, "stopped; the next run goes on with the bindings left"),
            (left, false) => warn!(left, "stopped, with bindings left at registrars"),
        }
        Ok(stopped)
    })
}

/// The engine and all that surrounds it.
struct Daemon {
    engine: Engine,
    sockets: Sockets,
    /// `None` where links cannot be watched.
    links: Option<Links>,
    resolver: Resolver,
    effects: Effects,
    clock: Clock,
    board: Arc<Board>,
    desk: Desk,
    journal: Journal,
    meter: Meter,
    keeper: Keeper,
    post: Post,
    manager: Manager,
    words: UnboundedReceiver<Word>,
    wishes: mpsc::Receiver<Wish>,
    reloads: Reloads,
    timer: Pin<Box<Sleep>>,
    /// When the timer goes off.
    armed: Instant,
    /// When [`Daemon::chores`] come next, and when the wall clock is looked at.
    chores: Instant,
    look: Instant,
    /// When old events go.
    tidy: Instant,
    /// Until when what changes may gather before it is published.
    gathers: Instant,
    /// Whether the board lists the Accounts that there are, and as of when.
    is_listed: bool,
    listed: Instant,
    stopping: Option<Stopping>,
    has_warned_of_buffer: bool,
    _export: Option<Export>,
}

/// The daemon takes leave.
struct Stopping {
    ticket: Ticket,
    until: Instant,
    stopped: Option<Stopped>,
}

impl Daemon {
    fn new(
        (config, state): (Arc<Config>, State),
        shutdown: Shutdown,
        wishes: mpsc::Receiver<Wish>,
        reloads: Reloads,
    ) -> anyhow::Result<Self> {
        let mut seed = [0; 32];
        let entropy = SysRng.try_fill_bytes(&mut seed);
        entropy.context("the system has no entropy to give")?;
        let clock = Clock::start();
        let settings = Settings {
            seed: Seed::new(seed),
            unix_ms_at_zero: clock.unix_ms_at_zero(),
            store: state.is_on(),
        };
        let resolver = Resolver::new(&config.agent.dns_servers);
        let trace = &config.agent.trace;
        let traces = Traces::new((trace.memory_mib as usize) << 20);
        let board = Arc::new(Board::new(config.accounts.len(), traces.clone()));
        let export = report(&traces, trace);
        let now = UnixMs(clock.unix_ms_at_zero());
        let keeper = Keeper::start(state, &config, &board, now);
        let post = Post::start(&config);
        board.publish_subscriptions(subscriptions(&config));
        let engine = Engine::new(config, settings);
        Ok(Self {
            engine,
            links: watch_links(),
            sockets: Sockets::new().context("cannot wait for sockets")?,
            resolver,
            effects: Effects::new(traces, clock.unix_ms_at_zero()),
            clock,
            board,
            desk: Desk::default(),
            journal: Journal::default(),
            meter: Meter::new(now),
            keeper: keeper.context("cannot start the thread that writes the state")?,
            post: post.context("cannot start the thread that delivers notices")?,
            manager: Manager::find(),
            words: shutdown.listen().context("cannot listen to signals")?,
            wishes,
            reloads,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            armed: Instant::ZERO,
            chores: Instant::ZERO,
            look: Instant::ZERO + LOOK,
            tidy: Instant::ZERO + LOOK,
            gathers: Instant::ZERO,
            is_listed: false,
            listed: Instant::ZERO,
            stopping: None,
            has_warned_of_buffer: false,
            _export: export,
        })
    }

    /// Tells the engine what the run before has left, and lets it say what it needs first: its
    /// sockets.
    fn begin(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now();
        let left = self.keeper.take_left();
        self.put_letters(left.letters);
        self.effects
            .tell(&mut self.engine, now, Input::RestoreAlerts(left.alerts));
        self.effects
            .tell(&mut self.engine, now, Input::Restore(left.records));
        self.effects.tell(&mut self.engine, now, Input::Tick);
        self.carry_out()?;
        self.list(now);
        let accounts = self.board.directory().entries().len();
        let version = env!("CARGO_PKG_VERSION");
        info!(version, accounts, "started");
        let accounts = count(accounts as u64, "Account");
        self.note(
            EntryKind::Start,
            format!("regent {version} with {accounts}"),
        );
        self.publish();
        self.arm();
        Ok(())
    }

    /// Says on the board which Accounts there are.
    fn list(&mut self, now: Instant) {
        let mut accounts: Vec<_> = self.engine.accounts().collect();
        let config = |id: &AccountId| self.engine.account(*id).map(|view| view.config());
        accounts.sort_by_key(|id| config(id).map(|account| account.index));
        let entry = |id: &AccountId| Some((Arc::clone(&config(id)?.name), id.slot));
        let entries = accounts.iter().filter_map(entry);
        self.board.list(Directory::new(entries));
        self.board
            .list_groups(status::groups::seats(accounts.iter().filter_map(config)));
        self.is_listed = true;
        self.listed = now;
    }

    async fn live(&mut self) -> anyhow::Result<Stopped> {
        loop {
            let is_idle = self.desk.is_idle() && self.effects.are_done();
            tokio::select! {
                biased;
                Some(word) = self.words.recv() => self.hear(word),
                Some(wish) = self.wishes.recv(), if is_idle => self.grant(wish),
                reading = self.reloads.read() => self.on_read(reading),
                written = self.keeper.written() => self.on_written(written),
                word = self.post.word() => self.on_word(word),
                (question, answer) = self.resolver.answered(), if self.resolver.is_asking() => {
                    let now = self.clock.now();
                    let input = Input::Resolved { question, answer };
                    self.effects.tell(&mut self.engine, now, input);
                }
                ready = self.sockets.ready() => {
                    ready.context("cannot wait for sockets")?;
                    self.receive()?;
                }
                links = came_up(&mut self.links) => self.on_links_up(links),
                () = &mut self.timer => self.armed = Instant::FAR,
                () = future::ready(()), if !is_idle => {}
            }
            self.turn()?;
            self.see_to_reloads();
            if let Some(stopped) = self.is_over() {
                return Ok(stopped);
            }
        }
    }

    fn hear(&mut self, word: Word) {
        match (word, &mut self.stopping) {
            (Word::Reload, Some(_)) => {}
            (Word::Reload, None) => self.reload(Asker::Signal),
            (Word::Stop, Some(stopping)) => {
                stopping.until = Instant::ZERO;
                self.gathers = Instant::ZERO;
            }
            (Word::Stop, None) => {
                info!("stopping");
                self.manager.stopping();
                let now = self.clock.now();
                let ticket = self.desk.ticket();
                self.stopping = Some(Stopping {
                    ticket,
                    until: now + LEAVE,
                    stopped: None,
                });
                let command = Command::Shutdown;
                let input = Input::Command { ticket, command };
                self.effects.tell(&mut self.engine, now, input);
                self.gathers = Instant::ZERO;
            }
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Order(order) => {
                self.note_order(&order);
                self.desk.accept(order);
            }
            Wish::Reload(reloading) => self.reload(Asker::Operator(reloading)),
            Wish::TestAlert(testing) => self.test_alert(testing),
            // Whoever asked may be gone.
            Wish::Ping(answer) => drop(answer.send(())),
        }
    }

    fn receive(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now();
        let (engine, effects) = (&mut self.engine, &mut self.effects);
        let result = self
            .sockets
            .receive(|input| effects.tell(engine, now, input));
        result.context("cannot serve the sockets")
    }

    fn on_links_up(&mut self, links: io::Result<Vec<LinkUp>>) {
        let links = links.unwrap_or_else(|error| {
            warn!("cannot watch network links any more: {error}");
            self.links = None;
            Vec::new()
        });
        let now = self.clock.now();
        for link in links {
            info!(link = link.interface, addresses = ?link.addresses, "a link is up");
            let input = Input::LinkUp {
                interface: link.interface,
                addresses: link.addresses,
            };
            self.effects.tell(&mut self.engine, now, input);
        }
    }

    /// What is due, then all that came of it.
    fn turn(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now();
        for _ in 0..COMMANDS {
            let Some((ticket, command)) = self.desk.next_command(&self.engine) else {
                break;
            };
            let input = Input::Command { ticket, command };
            self.effects.tell(&mut self.engine, now, input);
            self.gathers = Instant::ZERO;
        }
        if self.engine.deadline().is_some_and(|due| due <= now) {
            self.effects.tell(&mut self.engine, now, Input::Tick);
        }
        if self.chores <= now {
            self.chores(now);
        }
        self.perform()?;
        if !self.is_listed {
            let due = self.listed + LIST_PAUSE;
            match due <= now {
                true => self.list(now),
                false => self.chores = self.chores.min(due),
            }
        }
        self.arm();
        Ok(())
    }

    /// What has to be done now and then, whatever happens.
    fn chores(&mut self, now: Instant) {
        self.manager.alive();
        self.manager.status(&self.board);
        self.journal.sum_up();
        self.measure(now);
        if self.look <= now {
            self.look = now + LOOK;
            if let Some(unix_ms_at_zero) = self.clock.look() {
                info!("the wall clock was set");
                self.effects.unix_ms_at_zero = unix_ms_at_zero;
                let input = Input::WallClock { unix_ms_at_zero };
                self.effects.tell(&mut self.engine, now, input);
            }
        }
        if self.tidy <= now {
            self.tidy = now + TIDY;
            self.keeper.trim(self.clock.unix(now));
        }
        let watchdog = self.manager.watchdog().unwrap_or(CHORES);
        self.chores = now + watchdog.min(CHORES);
    }

    /// Does what the engine wants, and tells it what came of that.
    fn carry_out(&mut self) -> anyhow::Result<()> {
        for _ in 0..ROUNDS {
            let now = self.clock.now();
            self.send(now)?;
            for wire in mem::take(&mut self.effects.wires) {
                match wire {
                    Wire::Listen(socket, local) => {
                        let owed = self.listen(socket, local);
                        self.effects.owed.push_back(owed);
                    }
                    Wire::Close(socket) => self.sockets.close(socket),
                }
            }
            while let Some(owed) = self.effects.owed.pop_front() {
                self.effects.tell(&mut self.engine, now, owed.into_input());
            }
            self.save();
            for (id, question) in self.effects.asks.drain(..) {
                self.resolver.ask(id, question);
            }
            if self.effects.are_done() {
                break;
            }
        }
        Ok(())
    }

    fn send(&mut self, now: Instant) -> anyhow::Result<()> {
        let mut outbox = mem::take(&mut self.effects.outbox);
        let (engine, effects) = (&mut self.engine, &mut self.effects);
        let result = self
            .sockets
            .send(&mut outbox, |input| effects.tell(engine, now, input));
        if self.effects.outbox.is_empty() {
            // The same memory serves the next batch.
            self.effects.outbox = outbox;
        }
        result.context("cannot serve the sockets")
    }

    fn listen(&mut self, socket: SocketId, local: std::net::SocketAddr) -> Owed {
        match self.sockets.listen(socket, local) {
            Ok(bound) => {
                let given = bound.receive_buffer / 2;
                // The ports of Accounts may be many, and come and go.
                if Ports::is_port(socket) {
                    debug!(local = %bound.local, receive_buffer = given, "listening");
                } else {
                    info!(local = %bound.local, receive_buffer = given, "listening");
                }
                if given < RECEIVE_BUFFER && !mem::replace(&mut self.has_warned_of_buffer, true) {
                    warn!(
                        "the receive buffer holds {given} bytes instead of {RECEIVE_BUFFER}, so a burst of \
                         answers may be lost: set net.core.rmem_max={RECEIVE_BUFFER} by sysctl"
                    );
                }
                Owed::Listening(socket, bound)
            }
            Err(error) => Owed::ListenFailed(socket, error.to_string()),
        }
    }

    /// Sets the timer to what is due next. One that goes off too early does no harm, so only a
    /// nearer time moves it.
    fn arm(&mut self) {
        let engine = self.engine.deadline().unwrap_or(Instant::FAR);
        let leave = self
            .stopping
            .as_ref()
            .map_or(Instant::FAR, |stopping| stopping.until);
        let publish = match self.effects.are_published() {
            true => Instant::FAR,
            false => self.gathers,
        };
        let due = engine.min(self.chores).min(leave).min(publish);
        if due < self.armed {
            self.armed = due;
            let wait = due.since(self.clock.now());
            self.timer
                .as_mut()
                .reset(tokio::time::Instant::now() + wait);
        }
    }

    /// How it ended, if it is over.
    fn is_over(&self) -> Option<Stopped> {
        let stopping = self.stopping.as_ref()?;
        let left = self.board.count(Phase::Registered) + self.board.count(Phase::Unregistering);
        let out_of_time = (stopping.until <= self.clock.now()).then_some(Stopped { left });
        stopping.stopped.or(out_of_time)
    }
}

/// Without them no Account re-registers when a link comes up; all else works.
fn watch_links() -> Option<Links> {
    Links::new()
        .inspect_err(|error| warn!("cannot watch network links: {error}"))
        .ok()
}

/// Waits for links that came up; for ever where they are not watched.
async fn came_up(links: &mut Option<Links>) -> io::Result<Vec<LinkUp>> {
    match links {
        Some(links) => links.came_up().await,
        None => future::pending().await,
    }
}

/// Begins to report to a capture server, if there is one. Without it all else works.
fn report(traces: &Traces, config: &config::Trace) -> Option<Export> {
    let server = config.hep_server.as_ref().filter(|_| traces.is_on())?;
    Export::start(traces.clone(), server, config.hep_capture_id)
        .inspect_err(|error| warn!("cannot report to a capture server: {error}"))
        .ok()
}

/// Wishes of operators that may wait for the loop.
const WISHES: usize = 32;

/// Commands per turn, so that a long order does not keep answers waiting.
const COMMANDS: usize = 16;

/// Effects whose results have effects are followed so far in one turn.
const ROUNDS: usize = 32;

/// How often the chores are done, at least. Also the longest that a host which slept stays
/// unnoticed.
const CHORES: Duration = Duration::from_secs(1);

/// While Accounts go, the board lists anew no more often than this.
const LIST_PAUSE: Duration = Duration::from_millis(100);

/// How often the wall clock is looked at.
const LOOK: Duration = Duration::from_secs(30);

/// How often it is looked whether there are events too old to be kept.
const TIDY: Duration = Duration::from_secs(60);

/// So long the engine may take to remove its bindings; it gives up earlier when nothing happens.
const LEAVE: Duration = Duration::from_secs(32);
