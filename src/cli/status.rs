//! `regent status`.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::args::{Status, What, written};
use super::connect::connect;
use super::screen::{Screen, out};
use super::{End, Failure, groups, proxies, watch};
use crate::control::protocol::{Call, Done, Filter, Item, Summary};
use crate::control::{Client, ClientError};
use crate::status::order::SortKey;
use crate::status::story::{folded, story};
use crate::status::table::{Line, Tone, table, totals};
use crate::status::words::{clean, clock};
use crate::status::{AccountStatus, Keeping, SCHEMA, StateStatus, UnixMs};

/// Shows Accounts.
pub(super) fn status(arguments: &Status) -> Result<End, Failure> {
    match &arguments.what {
        Some(What::Proxies(proxies)) => return proxies::proxies(proxies, arguments),
        Some(What::Groups(groups)) => return groups::groups(groups, arguments),
        None => {}
    }
    let filter = filter(arguments);
    if arguments.watch {
        return watch::watch(filter, arguments);
    }
    let client = connect(&arguments.socket, PATIENCE)?;
    let sort = arguments.sort.unwrap_or_default();
    if arguments.json {
        return json(client, filter, sort);
    }
    let (mut accounts, summary) = fetch(client, filter)?;
    accounts.sort_by(|one, other| sort.compare(one, other));
    let screen = Screen::new();
    screen.print(&match accounts.as_slice() {
        [one] if arguments.account.is_some() => folded(story(one, now()), screen.width()),
        accounts => overview(accounts, &summary, screen.room()),
    })?;
    Ok(End::Done)
}

/// The table of Accounts and the line below it.
pub(super) fn overview(
    accounts: &[Arc<AccountStatus>],
    summary: &Summary,
    width: usize,
) -> Vec<Line> {
    let mut lines = match accounts.is_empty() {
        true if summary.total > 0 => vec![vec![(Tone::Plain, NO_MATCH.to_owned())]],
        true => Vec::new(),
        false => table(accounts.iter().map(Arc::as_ref), now(), width),
    };
    let phases = summary
        .phases
        .iter()
        .map(|(phase, number)| (*phase, *number));
    let some = match summary.matching {
        all if all == summary.total || all == 0 => String::new(),
        some => format!("{some} of "),
    };
    lines.push(vec![(Tone::Quiet, some + &totals(phases))]);
    lines.extend(summary.state.as_ref().and_then(state));
    lines
}

/// What is to be said about what outlives the run: nothing, when all is well.
pub(super) fn state(status: &StateStatus) -> Option<Line> {
    let trouble = clean(status.trouble.as_deref().unwrap_or_default());
    let (tone, text) = match status.state {
        Keeping::Kept => return None,
        Keeping::Failing => {
            let since = clock(status.since);
            (
                Tone::Bad,
                format!("the state is not written since {since}: {trouble}"),
            )
        }
        Keeping::Off => (
            Tone::Doubtful,
            format!("nothing is kept for the next run: {trouble}"),
        ),
    };
    Some(vec![(tone, text)])
}

/// All that matches, and the summary.
pub(super) fn fetch(
    mut client: Client,
    filter: Filter,
) -> Result<(Vec<Arc<AccountStatus>>, Summary), ClientError> {
    let mut accounts = Vec::new();
    let done = client.ask(Call::Status(Some(filter)), |item| {
        if let Item::Account(status) = item {
            accounts.push(status);
        }
        Ok(())
    })?;
    match done {
        Done::Status(summary) => Ok((accounts, summary)),
        Done::Hello { .. }
        | Done::ProxySets { .. }
        | Done::Groups { .. }
        | Done::Events { .. }
        | Done::Order { .. }
        | Done::Reloaded(_)
        | Done::Alerts { .. }
        | Done::Metrics { .. }
        | Done::Tested { .. }
        | Done::Trace(_)
        | Done::Web { .. } => Err(ClientError::Ended),
    }
}

/// Prints what matches as one JSON document: as it comes, or ordered.
fn json(mut client: Client, filter: Filter, sort: SortKey) -> Result<End, Failure> {
    let mut out = io::BufWriter::new(out());
    let opening = format!("{{\"schema\":{SCHEMA},\"accounts\":[\n");
    let mut is_first = true;
    let mut print = |status: &AccountStatus| -> io::Result<()> {
        // The document begins with the first Account, so that an unknown one is an error and no
        // half document.
        out.write_all(if is_first { opening.as_bytes() } else { b",\n" })?;
        is_first = false;
        serde_json::to_writer(&mut out, status)?;
        Ok(())
    };
    let mut waiting = Vec::new();
    let done = client.ask(Call::Status(Some(filter)), |item| {
        let Item::Account(status) = item else {
            return Ok(());
        };
        if sort == SortKey::Index {
            print(&status).map_err(ClientError::Output)?;
        } else {
            waiting.push(status);
        }
        Ok(())
    })?;
    waiting.sort_by(|one, other| sort.compare(one, other));
    for status in &waiting {
        print(status)?;
    }
    if is_first {
        out.write_all(opening.as_bytes())?;
    }
    out.write_all(b"\n]")?;
    if let Done::Status(summary) = done {
        let at = serde_json::to_string(&summary.at).map_err(io::Error::from)?;
        let phases = serde_json::to_string(&summary.phases).map_err(io::Error::from)?;
        write!(
            out,
            ",\"at\":{at},\"total\":{},\"phases\":{phases}",
            summary.total
        )?;
        if let Some(state) = &summary.state {
            let state = serde_json::to_string(state).map_err(io::Error::from)?;
            write!(out, ",\"state\":{state}")?;
        }
    }
    out.write_all(b"}\n")?;
    out.flush()?;
    Ok(End::Done)
}

/// The wall clock, for "in 40 s".
pub(super) fn now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn filter(arguments: &Status) -> Filter {
    Filter {
        names: arguments.account.iter().cloned().collect(),
        matching: arguments.matching.clone(),
        phases: arguments.phase.clone(),
        groups: arguments.group.clone(),
        registrars: arguments.registrar.iter().map(written).collect(),
        offset: 0,
        limit: None,
    }
}

/// Said where a filter leaves nothing.
pub(super) const NO_MATCH: &str = "no Account matches";

/// So long an answer may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);
