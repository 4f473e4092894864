//! `regent register`, `unregister` and `refresh`.

use std::time::Duration;

use super::args::{Order, Register};
use super::connect::connect;
use super::{End, Failure, screen};
use crate::control::ClientError;
use crate::control::protocol::{Action, Call, Done, Item, Told};
use crate::status::Outcome;
use crate::status::words::{clean, count};

/// Registers Accounts now.
pub(super) fn register(arguments: &Register) -> Result<End, Failure> {
    let action = action(&arguments.order, arguments.force);
    carry_out(&arguments.order, Call::Register(action), Wanted::Registered)
}

/// Removes bindings and stays away.
pub(super) fn unregister(arguments: &Order) -> Result<End, Failure> {
    let call = Call::Unregister(action(arguments, false));
    carry_out(arguments, call, Wanted::Unregistered)
}

/// Refreshes bindings now.
pub(super) fn refresh(arguments: &Order) -> Result<End, Failure> {
    let call = Call::Refresh(action(arguments, false));
    carry_out(arguments, call, Wanted::Registered)
}

/// What an outcome must be, to be a good one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Registered,
    Unregistered,
}

fn action(order: &Order, force: bool) -> Action {
    Action {
        names: order.names.clone(),
        all: order.all,
        force,
        wait: !order.no_wait,
    }
}

fn carry_out(order: &Order, call: Call, wanted: Wanted) -> Result<End, Failure> {
    let mut client = connect(&order.socket, Duration::from_secs(order.timeout))?;
    let (mut told, mut bad) = (0, 0);
    let done = client.ask(call, |item| {
        if let Item::Outcome(outcome) = item {
            told += 1;
            bad += u64::from(!is_good(&outcome.outcome, wanted));
            screen::say(&words(&outcome)).map_err(ClientError::Output)?;
        }
        Ok(())
    });
    let accounts = match done {
        Ok(Done::Order { accounts }) => u64::from(accounts),
        Ok(_) => told,
        Err(ClientError::TooLate(limit)) => {
            let seconds = limit.as_secs();
            let sofar = if told == 0 {
                "no outcome"
            } else {
                "not every outcome"
            };
            let error = anyhow::anyhow!("{sofar} within {seconds} s; the daemon goes on trying");
            return Err(Failure::failed(error).hint("`regent status` says how it goes"));
        }
        Err(error) => return Err(error.into()),
    };
    if order.no_wait {
        screen::say(&format!("{}: ordered", count(accounts, "Account")))?;
    } else if accounts != 1 {
        let good = told - bad;
        screen::say(&format!(
            "{}: {good} done, {bad} not",
            count(accounts, "Account")
        ))?;
    }
    Ok(if bad == 0 { End::Done } else { End::Failed })
}

fn is_good(outcome: &Outcome, wanted: Wanted) -> bool {
    match outcome {
        Outcome::Registered { .. } => wanted == Wanted::Registered,
        Outcome::Unregistered => wanted == Wanted::Unregistered,
        Outcome::Rejected(_)
        | Outcome::Failed { .. }
        | Outcome::NotSent { .. }
        | Outcome::Gone
        | Outcome::Stopped { .. } => false,
    }
}

/// An outcome in words.
pub(super) fn words(told: &Told) -> String {
    let what = match &told.outcome {
        Outcome::Registered { registrar, granted } => {
            format!("registered at {registrar} for {granted} s")
        }
        Outcome::Unregistered => "unregistered".to_owned(),
        Outcome::Rejected(answer) => format!("refused: {} {}", answer.code, clean(&answer.reason)),
        Outcome::Failed { failure } => failure_words(*failure).to_owned(),
        Outcome::NotSent { why } => format!("nothing was sent: {}", clean(why)),
        Outcome::Gone => "there is no such Account any more".to_owned(),
        Outcome::Stopped { .. } => "the daemon stops".to_owned(),
    };
    format!("{}: {what}", clean(&told.account))
}

fn failure_words(failure: crate::status::Failure) -> &'static str {
    match failure {
        crate::status::Failure::TimedOut => "no answer from the registrar",
        crate::status::Failure::Unreachable => "the registrar cannot be reached",
    }
}
