//! `regent status groups`.

use std::io::{self, Write as _};

use super::args::{Groups, Status};
use super::connect::connect;
use super::live::Start;
use super::screen::{Screen, out};
use super::status::PATIENCE;
use super::watch::{is_seen, on_screen};
use super::{End, Failure, follow, proxies};
use crate::control::protocol::{Call, Done, Filter, Item, Names};
use crate::status::groups::{news, table};
use crate::status::{GroupStatus, SCHEMA};

/// Shows IP Groups.
pub(super) fn groups(arguments: &Groups, status: &Status) -> Result<End, Failure> {
    proxies::only_accounts(status, "IP Groups")?;
    let call = || {
        let names = arguments.group.iter().cloned().collect();
        Call::Groups(Some(Names { names }))
    };
    if status.watch && !status.json && is_seen(&Screen::new()) {
        return on_screen(Filter::default(), status, Start::Groups);
    }
    let mut client = connect(&status.socket, PATIENCE)?;
    if status.watch {
        return follow::follow(client, call, status.json, |item| {
            let Item::Group(group) = item else {
                return None;
            };
            Some((group.name.to_string(), news(&group), group))
        });
    }
    let mut groups: Vec<GroupStatus> = Vec::new();
    let done = client.ask(call(), |item| {
        if let Item::Group(group) = item {
            groups.push(group);
        }
        Ok(())
    })?;
    if status.json {
        return json(&groups, &done);
    }
    let screen = Screen::new();
    screen.print(&table(&groups, screen.room()))?;
    Ok(End::Done)
}

/// Prints them as one JSON document.
fn json(groups: &[GroupStatus], done: &Done) -> Result<End, Failure> {
    let mut out = io::BufWriter::new(out());
    write!(out, "{{\"schema\":{SCHEMA},\"groups\":[")?;
    for (place, group) in groups.iter().enumerate() {
        out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, group).map_err(io::Error::from)?;
    }
    out.write_all(b"\n]")?;
    if let Done::Groups { at, groups, .. } = done {
        let at = serde_json::to_string(at).map_err(io::Error::from)?;
        write!(out, ",\"at\":{at},\"total\":{groups}")?;
    }
    out.write_all(b"}\n")?;
    out.flush()?;
    Ok(End::Done)
}
