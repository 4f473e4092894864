//! Orders: what is to be done with Accounts, by the same way as those of the control socket.

use std::sync::Arc;

use axum::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::body::{json, read_json};
use super::query::Query;
use super::refusal::Refusal;
use super::routes::{Asked, Shared};
use crate::control::answer::{names, stopping};
use crate::control::protocol::{Action, Told};
use crate::control::{Order, Verb, Wish};

/// What is wanted of one Account.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct How {
    force: bool,
    wait: bool,
}

impl Default for How {
    fn default() -> Self {
        Self {
            force: false,
            wait: true,
        }
    }
}

/// `POST /api/v1/accounts/{name}/register`.
pub(super) async fn register(asked: Asked) -> Result<Response, Refusal> {
    one(asked, |force| Verb::Register { force }).await
}

/// `POST /api/v1/accounts/{name}/unregister`.
pub(super) async fn unregister(asked: Asked) -> Result<Response, Refusal> {
    one(asked, |_| Verb::Unregister).await
}

/// `POST /api/v1/accounts/{name}/refresh`.
pub(super) async fn refresh(asked: Asked) -> Result<Response, Refusal> {
    one(asked, |_| Verb::Refresh).await
}

/// `POST /api/v1/accounts/register`.
pub(super) async fn register_many(asked: Asked) -> Result<Response, Refusal> {
    many(asked, |force| Verb::Register { force }).await
}

/// `POST /api/v1/accounts/unregister`.
pub(super) async fn unregister_many(asked: Asked) -> Result<Response, Refusal> {
    many(asked, |_| Verb::Unregister).await
}

/// `POST /api/v1/accounts/refresh`.
pub(super) async fn refresh_many(asked: Asked) -> Result<Response, Refusal> {
    many(asked, |_| Verb::Refresh).await
}

/// An order that is given, and not waited for.
#[derive(Serialize)]
struct Given {
    accounts: usize,
}

#[derive(Serialize)]
struct Outcomes {
    accounts: usize,
    outcomes: Vec<Told>,
}

async fn one(asked: Asked, verb: impl FnOnce(bool) -> Verb) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let has_body = [CONTENT_LENGTH, TRANSFER_ENCODING]
        .iter()
        .any(|name| asked.headers.get(name).is_some_and(|value| value != "0"));
    let how: How = match has_body {
        true => read_json(&asked.headers, asked.body).await?,
        false => How::default(),
    };
    let action = Action {
        names: vec![asked.name.unwrap_or_default()],
        all: false,
        force: how.force,
        wait: how.wait,
    };
    let (_, told) = order(&asked.shared, asked.uid, &action, verb(how.force)).await?;
    Ok(match told.into_iter().next() {
        Some(told) => json(&told),
        None => json(&Given { accounts: 1 }),
    })
}

async fn many(asked: Asked, verb: impl FnOnce(bool) -> Verb) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let action: Action = read_json(&asked.headers, asked.body).await?;
    let verb = verb(action.force);
    let (accounts, outcomes) = order(&asked.shared, asked.uid, &action, verb).await?;
    Ok(match action.wait {
        true => json(&Outcomes { accounts, outcomes }),
        false => json(&Given { accounts }),
    })
}

/// Gives an order, and waits for what comes of it if that is wanted. Whoever hangs up lets the
/// order stand. Tells how many Accounts it is for too.
async fn order(
    shared: &Shared,
    uid: Option<u32>,
    action: &Action,
    verb: Verb,
) -> Result<(usize, Vec<Told>), Refusal> {
    let accounts = names(&shared.world.board.directory(), action)?;
    let all = accounts.len();
    let (outcomes, mut inbox) = mpsc::unbounded_channel();
    let order = Order {
        verb,
        accounts,
        is_all: action.all,
        uid,
        outcomes,
    };
    let sent = shared.world.wishes.send(Wish::Order(order)).await;
    sent.map_err(|_| stopping())?;
    let left = if action.wait { all } else { 0 };
    let mut told: Vec<Told> = Vec::with_capacity(left.min(ROOM));
    while told.len() < left {
        let (account, outcome): (Arc<str>, _) = inbox.recv().await.ok_or_else(stopping)?;
        told.push(Told { account, outcome });
    }
    Ok((all, told))
}

/// Room that is made at once.
const ROOM: usize = 1_024;
