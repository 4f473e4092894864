//! `regent reload`.

use std::time::Duration;

use super::args::Reload;
use super::connect::connect;
use super::{End, Failure, follow, screen};
use crate::control::ClientError;
use crate::control::protocol::{self, Call, Done, Fault, FaultCode, Reloaded};
use crate::status::words::{clean, count};

/// Lets the daemon read its configuration again, and says what has changed.
pub(super) fn reload(arguments: &Reload) -> Result<End, Failure> {
    let mut client = connect(&arguments.socket, Duration::from_secs(arguments.timeout))?;
    let check_only = arguments.check;
    let call = Call::Reload(Some(protocol::Reload { check_only }));
    match client.ask(call, |_| Ok(())) {
        Ok(Done::Reloaded(reloaded)) => {
            match arguments.json {
                true => follow::say_object(&reloaded)?,
                false => screen::say(&words(&reloaded, check_only))?,
            }
            Ok(End::Done)
        }
        Ok(_) => Err(Failure::failed(anyhow::anyhow!("that is no answer to it"))),
        Err(ClientError::Fault(fault)) if fault.code == FaultCode::Configuration => {
            refused(fault, arguments.json)
        }
        Err(error) => Err(error.into()),
    }
}

/// Shows what is wrong, as `regent check` does.
fn refused(fault: Fault, is_json: bool) -> Result<End, Failure> {
    if is_json {
        follow::say_object(&fault)?;
        return Ok(End::Failed);
    }
    for line in &fault.diagnostics {
        screen::say(line)?;
    }
    Err(ClientError::Fault(fault).into())
}

/// One line per Account that is not as it was, and the sum.
fn words(reloaded: &Reloaded, check_only: bool) -> String {
    let Reloaded {
        added,
        changed,
        removed,
        unchanged,
        warnings,
    } = reloaded;
    let mut text = String::new();
    for warning in warnings {
        put(&mut text, warning);
    }
    for (what, names) in [("added", added), ("changed", changed), ("removed", removed)] {
        for name in names {
            put(&mut text, &format!("{what}: {}", clean(name)));
        }
    }
    let all = added.len() + changed.len() + *unchanged as usize;
    let would_be = if check_only { "would be " } else { "" };
    text + &format!(
        "{}: {would_be}{} added, {} changed, {} removed, {unchanged} unchanged",
        count(all as u64, "Account"),
        added.len(),
        changed.len(),
        removed.len()
    )
}

fn put(text: &mut String, line: &str) {
    text.push_str(line);
    text.push('\n');
}
