//! Ongoing alerts as a list (rule T3).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::snapshot::UnixMs;
use crate::alert::{Clock, Ongoing};
use crate::config::TimeLimit;
use crate::engine::Engine;

/// One ongoing alert, for one subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AlertStatus {
    /// The Account's name.
    pub label: Arc<str>,
    /// Its address-of-record.
    pub identity: Arc<str>,
    /// Our address when the registration was lost: as the registrar saw it, else the local one.
    pub source_ip: Option<IpAddr>,
    /// What we called ourselves.
    pub user_agent: Arc<str>,
    /// Who gets mails.
    pub email: Option<Arc<str>>,
    /// How long it is watched.
    pub time_limit: TimeLimit,
    /// Whether a notice follows when that is over.
    pub send_timeout: bool,
    /// When the alert was raised.
    pub started: UnixMs,
    /// When the registration was lost.
    pub lost: UnixMs,
    /// The registrar that held the binding.
    pub registrar: SocketAddr,
    /// What that called itself.
    pub server: Option<Arc<str>>,
    /// The subscription's name.
    pub subscription: Arc<str>,
    /// Whether it has a webhook.
    pub webhook: bool,
}

/// All ongoing alerts as of the last [`Engine::handle`], by Account.
pub fn alerts(engine: &Engine) -> Vec<AlertStatus> {
    let clock = engine.clock();
    let ongoing = engine.alerts().ongoing();
    ongoing.map(|alert| row(&alert, clock)).collect()
}

/// The ongoing alerts of the Account of this name, one for each subscription.
pub fn alerts_of(engine: &Engine, account: &str) -> Vec<AlertStatus> {
    let clock = engine.clock();
    let ongoing = engine.alerts().ongoing_of(account);
    ongoing.map(|alert| row(&alert, clock)).collect()
}

fn row(alert: &Ongoing<'_>, clock: Clock) -> AlertStatus {
    AlertStatus {
        label: Arc::clone(alert.account),
        identity: Arc::clone(&alert.loss.identity),
        source_ip: alert.loss.source,
        user_agent: Arc::clone(&alert.loss.user_agent),
        email: alert.subscription.email.clone(),
        time_limit: alert.limit,
        send_timeout: alert.subscription.send_timeout,
        started: UnixMs(alert.started_unix_ms(clock)),
        lost: UnixMs(alert.lost_unix_ms(clock)),
        registrar: alert.loss.registrar,
        server: alert.loss.server.clone(),
        subscription: Arc::clone(&alert.subscription.name),
        webhook: alert.subscription.webhook.is_some(),
    }
}
