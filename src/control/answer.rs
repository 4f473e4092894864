//! Questions answered from the board, and names turned into Accounts: for the control socket and
//! for the web alike.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::board::{Board, Directory};
use super::protocol::{Action, Fault, FaultCode, Filter, Names, Summary};
use crate::config::nearest;
use crate::status::words::PHASES;
use crate::status::{AccountStatus, GroupStatus, Keeping, ProxySetStatus, SCHEMA, UnixMs};

/// A filter whose names have been looked up.
pub struct Selection<'a> {
    filter: &'a Filter,
    matching: Option<String>,
    slots: BTreeSet<u32>,
    registrars: Vec<SocketAddr>,
    is_all: bool,
}

impl<'a> Selection<'a> {
    /// Looks up the names of a filter.
    pub fn new(board: &Board, directory: &Directory, filter: &'a Filter) -> Result<Self, Fault> {
        if let Some(name) = filter.groups.iter().find(|name| !board.has_group(name)) {
            let names = board.group_names();
            return Err(unknown_group(name, names.iter().map(|name| &**name)));
        }
        let registrars = filter.registrars.iter().map(|text| remote(text));
        let slots = filter.names.iter().map(|name| match directory.find(name) {
            Some(entry) => Ok(entry.slot),
            None => Err(unknown(directory, name)),
        });
        let unbounded = Filter {
            offset: 0,
            limit: None,
            ..filter.clone()
        };
        Ok(Self {
            filter,
            is_all: unbounded == Filter::default(),
            matching: filter.matching.as_deref().map(str::to_lowercase),
            slots: slots.collect::<Result<_, _>>()?,
            registrars: registrars.collect::<Result<_, _>>()?,
        })
    }

    /// Whether an Account is one of those that are meant, whatever it does.
    pub fn has(&self, slot: u32, name: &str) -> bool {
        (self.slots.is_empty() || self.slots.contains(&slot))
            && self
                .matching
                .as_ref()
                .is_none_or(|part| name.to_lowercase().contains(part))
    }

    /// Whether an Account is as it should be, apart from its name and its phase.
    pub fn fits(&self, status: &AccountStatus) -> bool {
        let groups = &self.filter.groups;
        let is_in = |group: &String| **group == *status.served || **group == *status.serving;
        let is_at = |wanted: &SocketAddr| {
            status.registrar.is_some_and(|registrar| {
                registrar.ip() == wanted.ip()
                    && (wanted.port() == 0 || registrar.port() == wanted.port())
            })
        };
        (groups.is_empty() || groups.iter().any(is_in))
            && (self.registrars.is_empty() || self.registrars.iter().any(is_at))
    }

    /// The status of an Account, if it matches in all.
    pub fn status(&self, board: &Board, slot: u32, name: &str) -> Option<Arc<AccountStatus>> {
        let status = self.has(slot, name).then(|| board.at(slot)).flatten()?;
        let phases = &self.filter.phases;
        // The Account of this name may have gone, and another one have its slot.
        let is_it = *status.name == *name;
        let is_in_phase = phases.is_empty() || phases.contains(&status.phase);
        (is_it && is_in_phase && self.fits(&status)).then_some(status)
    }

    /// Whether every Account matches, whatever it does.
    pub(super) fn is_all(&self) -> bool {
        self.is_all
    }

    /// Whether the Account that matches as the `place`th, from 0, is on the page that was asked
    /// for.
    pub fn is_on_page(&self, place: u32) -> bool {
        let past = place.checked_sub(self.filter.offset);
        past.is_some_and(|past| self.filter.limit.is_none_or(|limit| past < limit))
    }
}

/// All Accounts in numbers.
pub fn summary(board: &Board, matching: u32) -> Summary {
    let counts = PHASES.map(|phase| (phase, board.count(phase)));
    let total = board.directory().entries().len();
    Summary {
        schema: SCHEMA,
        at: now(),
        total: u32::try_from(total).unwrap_or(u32::MAX),
        matching,
        phases: counts.into_iter().filter(|(_, count)| *count > 0).collect(),
        state: board.state(),
    }
}

/// The Proxy Sets that are asked for, each once.
pub fn proxy_sets(
    all: &[Arc<ProxySetStatus>],
    asked: &Names,
) -> Result<Vec<Arc<ProxySetStatus>>, Fault> {
    let is_there = |name: &&String| all.iter().any(|set| *set.name == ***name);
    if let Some(name) = asked.names.iter().find(|name| !is_there(name)) {
        let names = all.iter().map(|set| &*set.name);
        let lists = "`regent status proxies` lists all Proxy Sets";
        return Err(no_such(
            (FaultCode::UnknownProxySet, "Proxy Set"),
            name,
            names,
            lists,
        ));
    }
    let is_asked = |set: &&Arc<ProxySetStatus>| {
        asked.names.is_empty() || asked.names.iter().any(|name| **name == *set.name)
    };
    Ok(all.iter().filter(is_asked).cloned().collect())
}

/// The IP Groups that are asked for, each once.
pub fn groups<'g>(
    all: impl Iterator<Item = &'g GroupStatus> + Clone,
    asked: &Names,
) -> Result<Vec<&'g GroupStatus>, Fault> {
    let is_there = |name: &&String| all.clone().any(|group| *group.name == ***name);
    if let Some(name) = asked.names.iter().find(|name| !is_there(name)) {
        return Err(unknown_group(name, all.clone().map(|group| &*group.name)));
    }
    let is_asked = |group: &&GroupStatus| {
        asked.names.is_empty() || asked.names.iter().any(|name| **name == *group.name)
    };
    Ok(all.filter(is_asked).collect())
}

/// There is no such IP Group among those; the nearest name is the hint.
fn unknown_group<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Fault {
    let lists = "`regent status groups` lists those that an Account names";
    no_such((FaultCode::UnknownGroup, "IP Group"), name, known, lists)
}

/// The names of the Accounts that an action is about, each once.
pub fn names(directory: &Directory, action: &Action) -> Result<Vec<Arc<str>>, Fault> {
    if action.all != action.names.is_empty() {
        let message = "either names or all Accounts, and not both";
        return Err(Fault::new(FaultCode::BadParams, message));
    }
    if action.all {
        let entries = directory.entries().iter();
        return Ok(entries.map(|entry| Arc::clone(&entry.name)).collect());
    }
    let mut seen = BTreeSet::new();
    let mut names = Vec::with_capacity(action.names.len());
    for name in &action.names {
        let Some(entry) = directory.find(name) else {
            return Err(unknown(directory, name));
        };
        if seen.insert(entry.slot) {
            names.push(Arc::clone(&entry.name));
        }
    }
    Ok(names)
}

/// There is no such Account; the nearest name is the hint.
pub fn unknown(directory: &Directory, name: &str) -> Fault {
    let names = directory.entries().iter().map(|entry| &*entry.name);
    let lists = "`regent status` lists all Accounts";
    no_such((FaultCode::UnknownAccount, "Account"), name, names, lists)
}

/// Nothing of this kind has that name. The nearest name is the hint, else what lists them all.
pub fn no_such<'n>(
    (code, kind): (FaultCode, &str),
    name: &str,
    known: impl Iterator<Item = &'n str>,
    lists: &str,
) -> Fault {
    let shown: String = name.chars().take(60).collect();
    let hint = match nearest(name, known) {
        Some(near) => format!("did you mean {near:?}?"),
        None => lists.to_owned(),
    };
    Fault {
        hint: Some(hint),
        ..Fault::new(code, format!("there is no {kind} {shown:?}"))
    }
}

/// An address with or without a port; 0 stands for any.
pub fn remote(text: &str) -> Result<SocketAddr, Fault> {
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let ip = bare.unwrap_or(text).parse::<IpAddr>();
    let address = ip
        .map(|ip| SocketAddr::new(ip, 0))
        .or_else(|_| text.parse());
    address.map_err(|_| {
        let shown: String = text.chars().take(60).collect();
        let message = format!("{shown:?} is no address of a registrar");
        Fault {
            hint: Some("for example 192.0.2.1, 192.0.2.1:5060 or [2001:db8::1]:5060".to_owned()),
            ..Fault::new(FaultCode::BadParams, message)
        }
    })
}

/// What the clock on the wall says.
pub fn now() -> UnixMs {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixMs(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Said to whoever waits when the daemon stops.
pub fn stopping() -> Fault {
    Fault::new(FaultCode::Stopping, "the daemon stops")
}

/// Said to whoever asks for events where none are kept.
pub fn no_history(board: &Board) -> Fault {
    let is_kept = board
        .state()
        .is_some_and(|state| state.state != Keeping::Off);
    let hint = match is_kept {
        true => "history_max_events is 0",
        false => "`regent status` says why",
    };
    Fault {
        hint: Some(hint.to_owned()),
        ..Fault::new(FaultCode::NoHistory, "the daemon keeps no history")
    }
}
