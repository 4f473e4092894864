//! Engine views and the wall clock become a snapshot (rule T1).

use std::borrow::Cow;
use std::sync::Arc;

use super::snapshot::{
    AccountStatus, AnswerStatus, AttemptStatus, Avoided, LastAnswer, MemberStatus, NextAction,
    ProxySetStatus, Routes, StatusWord, UnixMs,
};
use crate::effect::{AccountId, Phase, SetId};
use crate::engine::{AccountView, Engine};
use crate::time::Duration;

/// The status of one Account as of the last [`Engine::handle`]; `None` when it is gone.
pub fn account(engine: &Engine, id: AccountId) -> Option<AccountStatus> {
    let view = engine.account(id)?;
    let config = view.config();
    let time = |instant| UnixMs(view.unix_ms(instant));
    let phase = view.phase();
    let registrar = view.registrar();
    let rank = registrar.and_then(|registrar| view.rank(registrar));
    let bound = view.bound();
    let listen_again = view
        .refused()
        .filter(|_| phase == Phase::Registering)
        .map(|(_, at)| *at);
    // A 2xx that grants nothing is a failure, but its code is no error number.
    let last_error = view
        .trouble()
        .map(|trouble| trouble.code())
        .filter(|code| *code >= 300);
    Some(AccountStatus {
        index: config.index,
        name: Arc::clone(&config.name),
        served: Arc::clone(&config.served.name),
        serving: Arc::clone(&config.serving.name),
        aor: Arc::clone(view.aor()),
        phase,
        status: word(phase, last_error),
        last_error,
        registrar: registrar.map(|registrar| view.address(registrar)),
        rank,
        backup_registrar_used: bound.is_some() && rank.is_some_and(|rank| rank > 1),
        local: view.local(),
        asked: view.asked(),
        granted: bound.map(|bound| bound.granted),
        registered_since: bound.map(|bound| UnixMs(bound.since_unix_ms)),
        down_since: view.down_since().map(time),
        binding_until: bound.map(|bound| time(bound.until)),
        refresh_due: view.refresh_due().map(time),
        last_success: view.last_success().map(UnixMs),
        last_answer: view.last().map(|last| LastAnswer {
            code: last.code,
            reason: Arc::clone(&last.reason),
            at: time(last.at),
        }),
        answers: answers(&view),
        attempt: attempt(&view),
        failures: view.failures(),
        temporary: view.trouble().map(|trouble| trouble.is_temporary()),
        next_try: view.next_try().or(listen_again).map(time),
        next_action: view.next().map(|(what, at)| NextAction {
            what,
            at: at.map(time),
        }),
        avoided: view
            .avoided()
            .map(|(registrar, until)| Avoided {
                registrar: view.address(registrar),
                until: time(until),
            })
            .collect(),
        retry_after_until: view.retry_after_until().map(time),
        min_expires: view.min_expires(),
        routes: routes(&view),
        public_address: view.public_address(),
        algorithm: view.algorithm().map(Cow::Borrowed),
        rtt_us: view.round_trip().map(micros),
        detail: detail(&view).map(Arc::from),
    })
}

/// The last answers, the newest first.
fn answers(view: &AccountView<'_>) -> Vec<AnswerStatus> {
    let answers = view.heard().iter().rev().map(|heard| AnswerStatus {
        code: heard.code,
        reason: Arc::clone(&heard.reason),
        registrar: heard.address,
        at: UnixMs(view.unix_ms(heard.at)),
        first: UnixMs(view.unix_ms(heard.first)),
        count: heard.count,
    });
    answers.collect()
}

fn attempt(view: &AccountView<'_>) -> Option<Box<AttemptStatus>> {
    let (purpose, registrar, under_way) = view.under_way()?;
    Some(Box::new(AttemptStatus {
        purpose,
        registrar: view.address(registrar),
        since: UnixMs(view.unix_ms(under_way.sent)),
        sends: under_way.sends,
        until: UnixMs(view.unix_ms(under_way.fails)),
    }))
}

fn routes(view: &AccountView<'_>) -> Option<Arc<Routes>> {
    let route = view.route()?;
    let routes = Routes {
        path: route.path.clone(),
        service_route: route.service_route.clone(),
        associated_uris: route.associated.clone(),
    };
    (routes != Routes::default()).then(|| Arc::new(routes))
}

fn micros(time: Duration) -> u32 {
    u32::try_from(time.as_micros()).unwrap_or(u32::MAX)
}

/// The status of one Proxy Set as of the last [`Engine::handle`]; `None` when it is gone.
pub fn proxy_set(engine: &Engine, id: SetId) -> Option<ProxySetStatus> {
    let view = engine.set(id)?;
    let members = view.members().map(|member| MemberStatus {
        address: member.address,
        name: member.name.cloned(),
        priority: member.priority,
        weight: member.weight,
        health: member.health,
        since: UnixMs(view.unix_ms(member.since)),
        rtt_us: member.round_trip.map(micros),
        accounts_bound: member.bound,
        is_current: member.is_current,
    });
    Some(ProxySetStatus {
        name: Arc::clone(view.name()),
        is_online: view.is_online(),
        members: members.collect(),
        trouble: view.trouble().map(Arc::from),
    })
}

fn word(phase: Phase, last_error: Option<u16>) -> StatusWord {
    match (phase, last_error) {
        (Phase::Registered, _) => StatusWord::Registered,
        (Phase::Unregistered | Phase::AuthenticationOnly | Phase::Standby, _) | (_, None) => {
            StatusWord::NotRegistered
        }
        (_, Some(code)) => StatusWord::Error(code),
    }
}

/// What happens and why, in one line; nothing where phase and times say it all.
fn detail(view: &AccountView<'_>) -> Option<String> {
    let trouble = view.trouble().map(|trouble| trouble.text());
    match (view.phase(), trouble, view.left_until()) {
        (Phase::Registered, Some(trouble), _) => Some(format!("refresh failing: {trouble}")),
        (Phase::Unregistered, trouble, Some(until)) => {
            let until = UnixMs(view.unix_ms(until));
            let why = trouble.unwrap_or_else(|| "not confirmed".to_owned());
            Some(format!(
                "the registrar may hold the binding until {until}: {why}"
            ))
        }
        (Phase::Unregistered | Phase::AuthenticationOnly, ..) => None,
        (Phase::Held, ..) => Some("the served group is not online".to_owned()),
        (Phase::Avoided, ..) => Some("every registrar may still hold an older binding".to_owned()),
        (Phase::WaitingForAnotherAccount, ..) => {
            Some("its registrar does not answer; another Account probes it".to_owned())
        }
        (Phase::Registering, ..) if view.refused().is_some() => view
            .refused()
            .map(|(why, _)| format!("its SIP Interface cannot be bound: {why}")),
        (_, trouble, _) => trouble,
    }
}
