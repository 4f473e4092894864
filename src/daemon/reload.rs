//! The configuration, read again while the daemon runs (rule G2).
//!
//! Reading and checking take their time where Accounts are many, so they happen on a thread of
//! their own. There is one reading at a time. Who asks while it is under way waits for the next
//! one, since the file may be another by now; all who wait share that one. The invariant: everyone
//! who asks is answered once, after what has changed is published.

use std::collections::BTreeSet;
use std::future;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::{JoinHandle, spawn_blocking};
use tracing::{error, info, warn};

use super::Daemon;
use super::binding::{self, Ours};
use super::load::Origin;
use crate::config::{Account, Agent, Config, Diagnostics, Diff, Listen, Severity};
use crate::control::Reloading;
use crate::control::protocol::{Fault, FaultCode, Reloaded};
use crate::effect::Input;
use crate::status::SubscriptionStatus;
use crate::status::history::EntryKind;
use crate::status::words::count;
use crate::time::Instant;
use crate::web;

/// Who wants the configuration to be read again.
pub(super) enum Asker {
    /// An operator, who waits.
    Operator(Reloading),
    /// Whoever has sent the signal, and reads the log.
    Signal,
}

impl Asker {
    fn is_check_only(&self) -> bool {
        matches!(self, Self::Operator(reloading) if reloading.check_only)
    }
}

/// What a reading has found.
pub(super) type Reading = Result<Found, Fault>;

/// A good configuration.
pub(super) struct Found {
    config: Arc<Config>,
    diff: Diff,
    reloaded: Reloaded,
    web: web::Plan,
}

/// Readings under way, and who waits for them.
pub(super) struct Reloads {
    origin: Option<Origin>,
    /// What is in force.
    config: Arc<Config>,
    /// What counts until the next start.
    at_start: Agent,
    /// Who waits for the reading under way, and who for the one after.
    asked: Vec<Asker>,
    waiting: Vec<Asker>,
    reading: Option<JoinHandle<Reading>>,
    /// The web server, once there is one.
    pub(super) web: Option<web::Server>,
    /// What came of the last reading, until it is told.
    result: Option<Result<Reloaded, Fault>>,
}

impl Reloads {
    pub(super) fn new(config: &Arc<Config>, origin: Option<Origin>) -> Self {
        Self {
            origin,
            config: Arc::clone(config),
            at_start: config.agent.clone(),
            asked: Vec::new(),
            waiting: Vec::new(),
            reading: None,
            web: None,
            result: None,
        }
    }

    /// Waits for the reading under way; for ever where there is none. May be dropped at any point.
    pub(super) async fn read(&mut self) -> Reading {
        let Some(reading) = &mut self.reading else {
            return future::pending().await;
        };
        let read = reading.await;
        self.reading = None;
        read.unwrap_or_else(|error| Err(fault(format!("reading it failed: {error}"))))
    }

    /// Begins to read if somebody waits and nothing is under way. Tells whether something may be
    /// put in force at its end.
    fn begin(&mut self, held: impl FnOnce() -> BTreeSet<SocketAddr>) -> bool {
        if self.reading.is_some() || self.result.is_some() || self.waiting.is_empty() {
            return false;
        }
        self.asked = std::mem::take(&mut self.waiting);
        let Some(origin) = self.origin.clone() else {
            let why = "the daemon does not run from a file that could be read again";
            self.result = Some(Err(fault(why)));
            return false;
        };
        let (old, at_start) = (Arc::clone(&self.config), self.at_start.clone());
        let places = self.web.as_ref().map(web::Server::places);
        let places = places.unwrap_or_default();
        let held = held();
        self.reading = Some(spawn_blocking(move || {
            let ours = Ours {
                held: &held,
                config: &old,
            };
            read(&origin, &ours, &at_start, &places)
        }));
        !self.asked.iter().all(Asker::is_check_only)
    }

    /// Takes what was read: the configuration that is to be put in force, if any.
    fn take(&mut self, reading: Reading) -> Option<(Arc<Config>, Diff)> {
        let mut found = match reading {
            Ok(found) => found,
            Err(fault) => {
                self.result = Some(Err(fault));
                return None;
            }
        };
        if self.asked.iter().all(Asker::is_check_only) {
            self.result = Some(Ok(found.reloaded));
            return None;
        }
        if let Some(server) = &mut self.web
            && let Err(why) = server.apply(found.web)
        {
            error!(%why, "cannot serve the web");
            let said = format!("the web is not served: {why}; `regent reload` tries again");
            found.reloaded.warnings.push(said);
        }
        self.result = Some(Ok(found.reloaded));
        let old = std::mem::replace(&mut self.config, Arc::clone(&found.config));
        // What a hundred thousand Accounts took is given back elsewhere.
        drop(spawn_blocking(move || drop(old)));
        Some((found.config, found.diff))
    }

    /// What is to be remembered of the last reading, and by whose word it was, if it was to be put
    /// in force.
    fn memory(&self) -> Option<(Option<u32>, String)> {
        let asker = self.asked.iter().find(|asker| !asker.is_check_only())?;
        let uid = match asker {
            Asker::Operator(reloading) => reloading.uid,
            Asker::Signal => None,
        };
        let text = match self.result.as_ref()? {
            Ok(Reloaded {
                added,
                changed,
                removed,
                unchanged,
                ..
            }) => {
                let [added, changed, removed] = [added, changed, removed].map(Vec::len);
                format!(
                    "Accounts: {added} added, {changed} changed, {removed} removed, {unchanged} as \
                     before"
                )
            }
            Err(fault) => format!("refused: {}", fault.message),
        };
        Some((uid, text))
    }

    /// Tells everyone who asked.
    fn tell(&mut self) {
        let Some(result) = self.result.take() else {
            return;
        };
        let asked = std::mem::take(&mut self.asked);
        if !asked.iter().all(Asker::is_check_only) {
            log(&result);
        }
        for asker in asked {
            if let Asker::Operator(Reloading { answer, .. }) = asker {
                // A client that is gone does not miss its answer.
                drop(answer.send(result.clone()));
            }
        }
    }
}

/// Who is told of alerts, as it is shown.
pub(super) fn subscriptions(config: &Config) -> Vec<SubscriptionStatus> {
    let alerts = config.alerts.iter();
    alerts.map(|alert| SubscriptionStatus::of(alert)).collect()
}

impl Daemon {
    /// Somebody wants the configuration to be read again.
    pub(super) fn reload(&mut self, asker: Asker) {
        self.reloads.waiting.push(asker);
    }

    /// The configuration has been read: what differs is put in force.
    pub(super) fn on_read(&mut self, reading: Reading) {
        if self.stopping.is_some() {
            return;
        }
        let old = Arc::clone(&self.reloads.config);
        let Some((config, diff)) = self.reloads.take(reading) else {
            return;
        };
        if config.agent.dns_servers != old.agent.dns_servers {
            self.resolver.ask_at(&config.agent.dns_servers);
        }
        self.post.reconfigure(&config);
        self.board.publish_subscriptions(subscriptions(&config));
        let now = self.clock.now();
        let input = Input::Reconfigured(config, diff);
        self.effects.tell(&mut self.engine, now, input);
        self.gathers = Instant::ZERO;
        self.list(now);
    }

    /// Answers those whose reading is through, and begins the next one.
    pub(super) fn see_to_reloads(&mut self) {
        loop {
            if self.reloads.result.is_some() {
                if let Some((uid, text)) = self.reloads.memory() {
                    let is_good = matches!(self.reloads.result, Some(Ok(_)));
                    let now = self.clock.unix(self.clock.now());
                    self.meter.on_reload(is_good, now);
                    self.note_by(uid, EntryKind::Reload, text);
                }
                self.reloads.tell();
                self.manager.reloaded(&self.board);
            }
            let sockets = &self.sockets;
            let held = || sockets.locals().collect();
            if self.stopping.is_none() && self.reloads.begin(held) {
                self.manager.reloading();
            }
            // Where there is no file the answer is there at once.
            if self.reloads.result.is_none() {
                return;
            }
        }
    }
}

/// Reads and compares. `at_start` is what counts until the next start, `places` where the web is
/// served.
fn read(origin: &Origin, ours: &Ours<'_>, at_start: &Agent, places: &[Listen]) -> Reading {
    let shown = origin.path.display();
    let loaded = origin.load();
    let (loaded, _) = loaded.map_err(|error| fault(format!("cannot read {shown}: {error}")))?;
    let mut found = loaded.diagnostics;
    if let Some(config) = &loaded.config {
        let tried = binding::try_new(&shown.to_string(), config, ours);
        found = found.merged(tried);
    }
    let Some(config) = loaded.config.filter(|_| found.errors() == 0) else {
        let sum = count(found.errors() as u64, "error");
        return Err(Fault {
            diagnostics: lines(&found),
            ..fault(format!("{shown}: {sum}; nothing has changed"))
        });
    };
    // A socket that cannot be had is a fault of the configuration, like any other.
    let web = web::Plan::new(&config, places).map_err(|why| Fault {
        hint: why.hint().map(str::to_owned),
        ..fault(format!(
            "{:#}; nothing has changed",
            anyhow::Error::new(why)
        ))
    })?;
    let diff = Diff::between(ours.config, &config);
    let mut warnings = lines(&found);
    let later = kept_until_the_next_start(at_start, &config.agent);
    warnings.extend(later.into_iter().map(|key| {
        let warning = Severity::Warning;
        format!("{shown}: {warning}: agent: {key} takes effect at the next start")
    }));
    let name = |account: &Arc<Account>| Arc::clone(&account.name);
    let touched = diff.added.len() + diff.changed.len();
    let unchanged = config.accounts.len().saturating_sub(touched);
    let reloaded = Reloaded {
        added: diff.added.iter().map(name).collect(),
        changed: diff.changed.iter().map(|it| name(&it.account)).collect(),
        removed: diff.removed.clone(),
        unchanged: u32::try_from(unchanged).unwrap_or(u32::MAX),
        warnings,
    };
    Ok(Found {
        config: Arc::new(config),
        diff,
        reloaded,
        web,
    })
}

/// The keys whose new values a reload cannot put in force.
fn kept_until_the_next_start(old: &Agent, new: &Agent) -> Vec<&'static str> {
    let keys = [
        ("control_socket", old.control_socket == new.control_socket),
        ("control_group", old.control_group == new.control_group),
        ("core_dumps", old.core_dumps == new.core_dumps),
        (
            "state_directory",
            old.state_directory == new.state_directory,
        ),
        (
            "when_state_fails",
            old.when_state_fails == new.when_state_fails,
        ),
        ("history_days", old.history_days == new.history_days),
        (
            "history_max_events",
            old.history_max_events == new.history_max_events,
        ),
        (
            "trace_memory_mib",
            old.trace.memory_mib == new.trace.memory_mib,
        ),
        ("hep_server", old.trace.hep_server == new.trace.hep_server),
        ("hep_capture_id", {
            old.trace.hep_capture_id == new.trace.hep_capture_id
        }),
    ];
    let differing = keys.into_iter().filter(|(_, is_same)| !is_same);
    differing.map(|(key, _)| key).collect()
}

fn lines(found: &Diagnostics) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

fn fault(message: impl Into<String>) -> Fault {
    Fault::new(FaultCode::Configuration, message)
}

/// A finding without its own word for how bad it is: the log has one.
fn unlabelled(line: &str, severity: Severity) -> String {
    line.replacen(&format!(": {severity}: "), ": ", 1)
}

/// Whoever sent a signal finds here what came of it.
fn log(result: &Result<Reloaded, Fault>) {
    match result {
        Ok(reloaded) => {
            for warning in &reloaded.warnings {
                warn!("{}", unlabelled(warning, Severity::Warning));
            }
            info!(
                added = reloaded.added.len(),
                changed = reloaded.changed.len(),
                removed = reloaded.removed.len(),
                unchanged = reloaded.unchanged,
                "the configuration was reloaded"
            );
        }
        Err(fault) => {
            for line in &fault.diagnostics {
                error!("{}", unlabelled(line, Severity::Error));
            }
            error!("the configuration was not reloaded: {}", fault.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_once_how_bad_it_is() {
        let line = "r.toml:3:1: warning: proxy set \"a: warning: b\" is unused\n  hint: remove it";
        assert_eq!(
            unlabelled(line, Severity::Warning),
            "r.toml:3:1: proxy set \"a: warning: b\" is unused\n  hint: remove it"
        );
        assert_eq!(unlabelled(line, Severity::Error), line);
    }
}
