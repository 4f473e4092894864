//! `regent status proxies`.

use std::io::{self, Write as _};
use std::sync::Arc;

use anyhow::anyhow;

use super::args::{Proxies, Status};
use super::connect::connect;
use super::screen::{Screen, out};
use super::status::{PATIENCE, now};
use super::{End, Failure};
use crate::control::protocol::{Call, Done, Item, Names};
use crate::status::proxies::table;
use crate::status::{ProxySetStatus, SCHEMA};

/// Shows Proxy Sets.
pub(super) fn proxies(arguments: &Proxies, status: &Status) -> Result<End, Failure> {
    if status.watch || status.matching.is_some() || !status.phase.is_empty() {
        let why = anyhow!("--watch, --matching and --phase are for Accounts, not for Proxy Sets");
        return Err(Failure::new(End::Usage, why));
    }
    let mut client = connect(&status.socket, PATIENCE)?;
    let names = Names {
        names: arguments.set.iter().cloned().collect(),
    };
    let mut sets: Vec<Arc<ProxySetStatus>> = Vec::new();
    let done = client.ask(Call::ProxySets(Some(names)), |item| {
        if let Item::ProxySet(status) = item {
            sets.push(status);
        }
        Ok(())
    })?;
    if status.json {
        return json(&sets, &done);
    }
    let screen = Screen::new();
    screen.print(&table(sets.iter().map(Arc::as_ref), now(), screen.width()))?;
    Ok(End::Done)
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
