//! What is asked again and again, told where it changes: one line each.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use serde::Serialize;

use super::screen::{Screen, say};
use super::status::now;
use super::watch::wait;
use super::{End, Failure};
use crate::control::Client;
use crate::control::protocol::{Call, Item};
use crate::status::table::{Line, Tone};
use crate::status::words::clock;

/// Asks each second, and prints what is other than before, until nobody reads any more. `tell`
/// names a thing, and says what is shown of it.
pub(super) fn follow<T: Serialize>(
    mut client: Client,
    call: impl Fn() -> Call,
    is_json: bool,
    tell: impl Fn(Item) -> Option<(String, Line, T)>,
) -> Result<End, Failure> {
    let screen = Screen::new();
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    loop {
        let mut told = Vec::new();
        client.ask(call(), |item| {
            told.extend(tell(item));
            Ok(())
        })?;
        for (name, line, thing) in told {
            let text = match is_json {
                true => serde_json::to_string(&thing).map_err(io::Error::from)?,
                false => line.iter().map(|(_, text)| &**text).collect(),
            };
            if shown.get(&name) == Some(&text) {
                continue;
            }
            if is_json {
                say(&text)?;
            } else {
                let mut stamped = vec![(Tone::Quiet, format!("{} ", clock(now())))];
                stamped.extend(line);
                screen.print(&[stamped])?;
            }
            shown.insert(name, text);
        }
        wait(&mut client, SECOND)?;
    }
}

const SECOND: Duration = Duration::from_secs(1);
