//! What is asked again and again, told where it changes: one line each.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use serde::Serialize;

use super::screen::{Screen, note, say};
use super::status::now;
use super::watch::wait;
use super::{End, Failure};
use crate::control::Client;
use crate::control::protocol::{Call, Item};
use crate::status::table::{Line, Tone};
use crate::status::words::{clean, clock};
use crate::status::{SCHEMA, StateStatus};

/// What a watch for programs tells beside the things themselves, each with its own key.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Turn<'t> {
    /// Nothing has this name any more.
    Removed(&'t str),
    /// So many changes went by untold; what is there follows once more.
    Missed(u64),
    /// How it is with what outlives the daemon.
    State(&'t StateStatus),
}

/// Prints a line for programs: one object with the number of the schema.
pub(super) fn say_object(told: &impl Serialize) -> io::Result<()> {
    say(&object(told)?)
}

/// A line for programs.
pub(super) fn object(told: &impl Serialize) -> io::Result<String> {
    let schema = SCHEMA;
    Ok(serde_json::to_string(&Object { schema, told })?)
}

#[derive(Serialize)]
struct Object<'t, T> {
    schema: u32,
    #[serde(flatten)]
    told: &'t T,
}

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
        let mut there = BTreeSet::new();
        client.ask(call(), |item| {
            told.extend(tell(item));
            Ok(())
        })?;
        for (name, line, thing) in told {
            there.insert(name.clone());
            let text = match is_json {
                true => object(&thing)?,
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
        while let Some(gone) = shown.keys().find(|name| !there.contains(*name)).cloned() {
            match is_json {
                true => say_object(&Turn::Removed(&gone))?,
                false => note(&format!("{}: removed", clean(&gone))),
            }
            shown.remove(&gone);
        }
        wait(&mut client, SECOND)?;
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_programs_is_an_object_with_the_schema() {
        #[derive(Serialize)]
        struct Thing {
            name: &'static str,
        }
        for (line, expected) in [
            (object(&Thing { name: "a" }), r#"{"schema":1,"name":"a"}"#),
            (
                object(&Turn::Removed("a \"b\"")),
                r#"{"schema":1,"removed":"a \"b\""}"#,
            ),
            (object(&Turn::Missed(3)), r#"{"schema":1,"missed":3}"#),
        ] {
            assert_eq!(line.unwrap(), expected);
        }
    }
}
