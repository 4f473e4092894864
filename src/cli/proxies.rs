//! `regent status proxies`.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::anyhow;

use super::args::{Proxies, Status};
use super::connect::connect;
use super::live::Start;
use super::screen::{Screen, out};
use super::status::{PATIENCE, now};
use super::watch::{is_seen, on_screen};
use super::{End, Failure, follow};
use crate::control::protocol::{Call, Done, Filter, Item, Names};
use crate::status::proxies::{news, table};
use crate::status::{ProxySetStatus, SCHEMA};

/// Shows Proxy Sets.
pub(super) fn proxies(arguments: &Proxies, status: &Status) -> Result<End, Failure> {
    only_accounts(status, "Proxy Sets")?;
    let call = || {
        let names = arguments.set.iter().cloned().collect();
        Call::ProxySets(Some(Names { names }))
    };
    if status.watch && !status.json && is_seen(&Screen::new()) {
        return on_screen(Filter::default(), status, Start::ProxySets);
    }
    let mut client = connect(&status.socket, PATIENCE)?;
    if status.watch {
        return follow::follow(client, call, status.json, |item| {
            let Item::ProxySet(set) = item else {
                return None;
            };
            Some((set.name.to_string(), news(&set), set))
        });
    }
    let mut sets: Vec<Arc<ProxySetStatus>> = Vec::new();
    let done = client.ask(call(), |item| {
        if let Item::ProxySet(status) = item {
            sets.push(status);
        }
        Ok(())
    })?;
    if status.json {
        return json(&sets, &done);
    }
    let screen = Screen::new();
    screen.print(&table(sets.iter().map(Arc::as_ref), now(), screen.room()))?;
    Ok(End::Done)
}

/// Refuses options that are about Accounts.
pub(super) fn only_accounts(status: &Status, what: &str) -> Result<(), Failure> {
    let has_filter = status.matching.is_some()
        || !status.phase.is_empty()
        || !status.group.is_empty()
        || !status.registrar.is_empty()
        || status.sort.is_some();
    if has_filter {
        let why = anyhow!(
            "--matching, --phase, --group, --registrar and --sort are for Accounts, not for {what}"
        );
        return Err(Failure::new(End::Usage, why));
    }
    Ok(())
}

/// Prints them as one JSON document.
fn json(sets: &[Arc<ProxySetStatus>], done: &Done) -> Result<End, Failure> {
    let mut out = io::BufWriter::new(out());
    write!(out, "{{\"schema\":{SCHEMA},\"proxy_sets\":[")?;
    for (place, set) in sets.iter().enumerate() {
        out.write_all(if place == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, &**set).map_err(io::Error::from)?;
    }
    out.write_all(b"\n]")?;
    if let Done::ProxySets { at, proxy_sets, .. } = done {
        let at = serde_json::to_string(at).map_err(io::Error::from)?;
        write!(out, ",\"at\":{at},\"total\":{proxy_sets}")?;
    }
    out.write_all(b"}\n")?;
    out.flush()?;
    Ok(End::Done)
}
