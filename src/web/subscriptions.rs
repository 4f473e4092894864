//! Subscriptions to alerts: listed, made, changed, taken out, tried. What is changed is the
//! configuration's file, as by `regent alerts`, which the daemon then reads again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

use super::body::{json, read_json};
use super::query::Query;
use super::refusal::Refusal;
use super::routes::{Asked, Shared};
use crate::config::{Alert, Covered, TimeLimit};
use crate::configure::{self, Edit, Refusal as Complaint, Rejection, Signer, Subscription};
use crate::control::answer::stopping;
use crate::control::protocol::{Fault, FaultCode, Format, Tested};
use crate::control::{Reloading, TestingAlert, Wish};
use crate::secret::Secret;
use crate::status::SubscriptionStatus;

/// A subscription as it is wanted. A key that is missing in a change leaves things as they are; in
/// a new one it stands for the default.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    email: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    webhook: Option<Option<String>>,
    #[serde(default, deserialize_with = "given_secret")]
    webhook_secret: Option<Option<Secret>>,
    #[serde(default, deserialize_with = "given")]
    accounts: Option<Option<Vec<String>>>,
    resolution: Option<bool>,
    timeout: Option<bool>,
    time_limit: Option<TimeLimit>,
}

/// Tells `null` from a key that is missing.
fn given<'de, T, D>(value: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    T::deserialize(value).map(Some)
}

/// The same for what nobody is to see.
fn given_secret<'de, D>(value: D) -> Result<Option<Option<Secret>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let text = Option::<String>::deserialize(value)?;
    Ok(Some(text.map(Secret::new)))
}

impl Wanted {
    /// What becomes of a subscription.
    fn over(self, base: Subscription) -> Subscription {
        Subscription {
            name: self.name.unwrap_or(base.name),
            email: self.email.unwrap_or(base.email),
            webhook: self.webhook.unwrap_or(base.webhook),
            signer: match self.webhook_secret {
                None => base.signer,
                Some(None) => Signer::Nothing,
                Some(Some(secret)) => Signer::Inline(secret),
            },
            accounts: self.accounts.unwrap_or(base.accounts),
            send_resolution: self.resolution.unwrap_or(base.send_resolution),
            send_timeout: self.timeout.unwrap_or(base.send_timeout),
            time_limit: self.time_limit.unwrap_or(base.time_limit),
        }
    }
}

fn subscription(alert: &Alert) -> Subscription {
    Subscription {
        email: alert.email.as_deref().map(str::to_owned),
        webhook: alert.webhook.as_deref().map(str::to_owned),
        accounts: match &alert.accounts {
            Covered::All => None,
            Covered::Named(names) => Some(names.iter().map(ToString::to_string).collect()),
        },
        send_resolution: alert.send_resolution,
        send_timeout: alert.send_timeout,
        time_limit: alert.time_limit,
        ..Subscription::new(&*alert.name)
    }
}

/// `GET /api/v1/subscriptions`.
pub(super) async fn list(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let alerts = alerts(&asked.shared);
    let shown: Vec<_> = alerts
        .iter()
        .map(|alert| SubscriptionStatus::of(alert))
        .collect();
    Ok(json(&shown))
}

/// `POST /api/v1/subscriptions`.
pub(super) async fn add(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let wanted: Wanted = read_json(&asked.headers, asked.body).await?;
    let Some(name) = wanted.name.clone() else {
        return Err(Refusal::bad_parameter("the body has no name"));
    };
    let wanted = wanted.over(Subscription::new(&*name));
    let load = asked.shared.world.load;
    change(&asked.shared, asked.uid, move |file| {
        configure::subscribe(file, &wanted, |text| load(file, text))
    })
    .await?;
    let mut response = one(&asked.shared, &name)?;
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// `PUT /api/v1/subscriptions/{name}`.
pub(super) async fn set(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let wanted: Wanted = read_json(&asked.headers, asked.body).await?;
    let name = asked.name.unwrap_or_default();
    let alerts = alerts(&asked.shared);
    let old = alerts.iter().find(|alert| *alert.name == *name);
    let base = old.map_or_else(|| Subscription::new(&*name), |alert| subscription(alert));
    let wanted = wanted.over(base);
    let new_name = wanted.name.clone();
    let load = asked.shared.world.load;
    change(&asked.shared, asked.uid, move |file| {
        configure::resubscribe(file, &name, &wanted, |text| load(file, text))
    })
    .await?;
    one(&asked.shared, &new_name)
}

/// `DELETE /api/v1/subscriptions/{name}`.
pub(super) async fn remove(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let name = asked.name.unwrap_or_default();
    let load = asked.shared.world.load;
    change(&asked.shared, asked.uid, move |file| {
        configure::unsubscribe(file, &name, |text| load(file, text))
    })
    .await?;
    Ok(json(&serde_json::json!({})))
}

#[derive(Serialize)]
struct Tests {
    tests: Vec<Tested>,
}

/// `POST /api/v1/subscriptions/{name}/test`.
pub(super) async fn test(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let (answer, told) = oneshot::channel();
    let wish = Wish::TestAlert(TestingAlert {
        names: vec![asked.name.unwrap_or_default()],
        uid: asked.uid,
        answer,
    });
    let sent = asked.shared.world.wishes.send(wish).await;
    sent.map_err(|_| stopping())?;
    let tests = told.await.map_err(|_| stopping())??;
    Ok(json(&Tests { tests }))
}

fn alerts(shared: &Shared) -> Arc<[Arc<Alert>]> {
    let alerts = shared.alerts.read();
    Arc::clone(&alerts.unwrap_or_else(PoisonError::into_inner))
}

/// A subscription that must be there by now.
fn one(shared: &Shared, name: &str) -> Result<Response, Refusal> {
    let alerts = alerts(shared);
    let found = alerts.iter().find(|alert| *alert.name == *name);
    let found = found.ok_or_else(|| {
        Fault::new(
            FaultCode::UnknownAlert,
            "the subscription is gone again already",
        )
    })?;
    Ok(json(&SubscriptionStatus::of(found)))
}

/// Makes a change to the file, and has the daemon read it again; what it refuses is taken back. It
/// comes to its end, though whoever wanted it may be gone by then.
async fn change(
    shared: &Arc<Shared>,
    uid: Option<u32>,
    edit: impl FnOnce(&Path) -> Result<Edit, Rejection> + Send + 'static,
) -> Result<(), Refusal> {
    let shared = Arc::clone(shared);
    let changed = tokio::spawn(async move {
        // Others would wait for the file in the threads that one needs to take its change back.
        let _turn = shared.changing.lock().await;
        change_and_reload(&shared, uid, edit).await
    });
    changed.await.map_err(|_| stopping())?
}

async fn change_and_reload(
    shared: &Shared,
    uid: Option<u32>,
    edit: impl FnOnce(&Path) -> Result<Edit, Rejection> + Send + 'static,
) -> Result<(), Refusal> {
    let file = file(shared)?;
    // It waits for a lock, and reads and checks all Accounts.
    let written = spawn_blocking(move || {
        let mut edit = edit(&file).map_err(|why| rejected(&why))?;
        if !edit.is_change() {
            return Ok(None);
        }
        edit.write().map_err(|why| conflict(&why))?;
        Ok::<_, Refusal>(Some(edit))
    });
    let Some(mut edit) = written.await.map_err(|_| stopping())?? else {
        return Ok(());
    };
    let (answer, told) = oneshot::channel();
    let wish = Wish::Reload(Reloading {
        check_only: false,
        uid,
        answer,
    });
    let reloaded = match shared.world.wishes.send(wish).await {
        Ok(()) => told.await.unwrap_or_else(|_| Err(stopping())),
        Err(_) => Err(stopping()),
    };
    let Err(fault) = reloaded else {
        return Ok(());
    };
    // A daemon that stops reads the file when it starts again.
    if fault.code != FaultCode::Stopping {
        let undone = spawn_blocking(move || edit.undo()).await;
        undone
            .map_err(|_| stopping())?
            .map_err(|why| conflict(&why))?;
    }
    Err(fault.into())
}

/// The file that can be changed.
fn file(shared: &Shared) -> Result<PathBuf, Refusal> {
    let no_file = |why: &str, hint: &str| {
        let fault = Fault {
            hint: Some(hint.to_owned()),
            ..Fault::new(FaultCode::Configuration, why)
        };
        Refusal::from(fault)
    };
    match &shared.world.source {
        Some(source) if source.format == Format::Toml => Ok(source.path.clone()),
        Some(_) => Err(no_file(
            "the daemon runs from an ini file, which has no place for subscriptions",
            "`regent import` makes a configuration of it",
        )),
        None => Err(no_file(
            "the daemon runs from no file that could be changed",
            "start it with `regent run --config FILE`",
        )),
    }
}

fn rejected(why: &Rejection) -> Refusal {
    match why {
        Rejection::Unknown(complaint) => fault(FaultCode::UnknownAlert, complaint),
        Rejection::Misfit(complaint) => fault(FaultCode::BadParams, complaint),
        Rejection::Taken(complaint) | Rejection::File(complaint) => conflict(complaint),
        Rejection::Faulty(complaints) => {
            let lines = complaints.iter().map(|it| it.located("").to_string());
            Fault {
                diagnostics: lines.collect(),
                ..Fault::new(
                    FaultCode::Configuration,
                    "the configuration would be faulty; nothing has changed",
                )
            }
            .into()
        }
    }
}

fn conflict(complaint: &Complaint) -> Refusal {
    fault(FaultCode::Configuration, complaint)
}

fn fault(code: FaultCode, complaint: &Complaint) -> Refusal {
    let fault = Fault {
        hint: complaint.hint.clone(),
        ..Fault::new(code, complaint.message.clone())
    };
    fault.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_change_stays_and_null_takes_it_away() {
        let base = Subscription {
            email: Some("a@b".to_owned()),
            webhook: Some("http://h".to_owned()),
            ..Subscription::new("one")
        };
        let read = |text: &str| serde_json::from_str::<Wanted>(text).unwrap();
        let same = read("{}").over(base.clone());
        assert_eq!(same, base);
        let changed = read(r#"{"webhook":null,"accounts":["x"],"time_limit":"6h"}"#).over(base);
        assert_eq!(changed.email.as_deref(), Some("a@b"));
        assert_eq!(changed.webhook, None);
        assert_eq!(changed.accounts, Some(vec!["x".to_owned()]));
        assert_eq!(changed.time_limit, TimeLimit::SixHours);
        assert!(serde_json::from_str::<Wanted>(r#"{"emial":"a"}"#).is_err());
    }
}
