//! Accounts: lists of them, in any order, and single ones.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use axum::response::Response;
use serde::Serialize;
use tokio::task::{spawn_blocking, yield_now};

use super::body::{Gone, PIECE, Pieces, json, piecewise};
use super::look::{limit, offset};
use super::query::{Query, wrong};
use super::refusal::Refusal;
use super::routes::Asked;
use crate::control::answer::{Selection, stopping, summary, unknown};
use crate::control::protocol::{Filter, Summary};
use crate::control::{Board, Breath};
use crate::status::words::{PHASES, phase_key};
use crate::status::{AccountStatus, Phase};

/// Which Accounts are wanted, and in which order.
#[derive(Clone, Debug)]
struct Wanted {
    filter: Filter,
    /// What the name or the address-of-record contains, in small letters.
    part: Option<String>,
    sort: Sort,
    is_descending: bool,
    offset: usize,
    /// None for all.
    limit: Option<usize>,
}

/// What Accounts are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sort {
    Index,
    Name,
    Phase,
    Status,
    Registrar,
    Since,
    Next,
}

impl Sort {
    const WORDS: [(&'static str, Self); 7] = [
        ("index", Self::Index),
        ("name", Self::Name),
        ("phase", Self::Phase),
        ("status", Self::Status),
        ("registrar", Self::Registrar),
        ("since", Self::Since),
        ("next", Self::Next),
    ];

    /// How two Accounts stand to each other. What one does not have comes last.
    fn compare(self, a: &AccountStatus, b: &AccountStatus) -> Ordering {
        fn last<T: Ord>(a: Option<T>, b: Option<T>) -> Ordering {
            (a.is_none(), a).cmp(&(b.is_none(), b))
        }
        let next = |it: &AccountStatus| {
            let both = [it.refresh_due, it.next_try].into_iter().flatten();
            both.map(|at| at.0).min()
        };
        match self {
            Self::Index => Ordering::Equal,
            Self::Name => a.name.cmp(&b.name),
            Self::Phase => (a.phase as usize).cmp(&(b.phase as usize)),
            Self::Status => a.status.to_string().cmp(&b.status.to_string()),
            Self::Registrar => last(a.registrar, b.registrar),
            Self::Since => last(a.since(), b.since()),
            Self::Next => last(next(a), next(b)),
        }
    }
}

impl Wanted {
    fn read(text: &str) -> Result<Self, Refusal> {
        let query = Query::read(text, &PARAMETERS)?;
        let words: Vec<&str> = PHASES.iter().map(|phase| phase_key(*phase)).collect();
        let phases = query.listed("phase", &format!("one of {}", words.join(", ")), phase)?;
        let sorts: Vec<&str> = Sort::WORDS.iter().map(|(word, _)| *word).collect();
        let sort = match query.one("sort")? {
            None => Sort::Index,
            Some(given) => {
                let found = Sort::WORDS.iter().find(|(word, _)| *word == given);
                let wanted = format!("one of {}", sorts.join(", "));
                found
                    .map(|(_, sort)| *sort)
                    .ok_or_else(|| wrong("sort", given, &wanted))?
            }
        };
        let is_descending = match query.one("order")? {
            None | Some("asc") => false,
            Some("desc") => true,
            Some(other) => return Err(wrong("order", other, "asc or desc")),
        };
        Ok(Self {
            filter: Filter {
                names: query.all("name").map(str::to_owned).collect(),
                matching: None,
                phases,
                groups: query.all("group").map(str::to_owned).collect(),
                registrars: query.all("registrar").map(str::to_owned).collect(),
                offset: 0,
                limit: None,
            },
            part: query.one("matching")?.map(str::to_lowercase),
            sort,
            is_descending,
            offset: offset(&query)? as usize,
            limit: match query.one("limit")? {
                Some("all") => None,
                _ => Some(limit(&query, USUAL, MOST)? as usize),
            },
        })
    }

    /// The places of those that are wanted among all that are found.
    fn page(&self) -> Range<usize> {
        let limit = self.limit.unwrap_or(usize::MAX);
        self.offset..self.offset.saturating_add(limit)
    }

    /// Whether they are to come in another order than that of the configuration.
    fn is_sorted(&self) -> bool {
        self.sort != Sort::Index || self.is_descending
    }

    /// Whether nothing is to be looked for, so that a page is found by its place.
    fn is_plain(&self) -> bool {
        self.filter == Filter::default() && self.part.is_none() && !self.is_sorted()
    }

    /// The status of an Account, if it is wanted.
    fn status(
        &self,
        (board, selection): (&Board, &Selection<'_>),
        (slot, name): (u32, &str),
    ) -> Option<Arc<AccountStatus>> {
        let status = selection.status(board, slot, name)?;
        let has = |text: &str, part: &str| text.to_lowercase().contains(part);
        let part = self.part.as_deref();
        let is_it = part.is_none_or(|part| has(&status.name, part) || has(&status.aor, part));
        is_it.then_some(status)
    }
}

fn phase(word: &str) -> Option<Phase> {
    let mut phases = PHASES.into_iter();
    phases.find(|phase| phase_key(*phase) == word)
}

#[derive(Serialize)]
struct Page {
    #[serde(flatten)]
    summary: Summary,
    accounts: Vec<Arc<AccountStatus>>,
}

/// `GET /api/v1/accounts`.
pub(super) async fn list(asked: Asked) -> Result<Response, Refusal> {
    let wanted = Wanted::read(&asked.query)?;
    let board = Arc::clone(&asked.shared.world.board);
    if wanted.limit.is_none() && !wanted.is_sorted() {
        // A name that there is not is an error before anything is said.
        Selection::new(&board, &board.directory(), &wanted.filter)?;
        let (pieces, response) = piecewise("application/json");
        tokio::spawn(async move {
            // A reader that is gone misses nothing.
            drop(dump(&board, &wanted, &pieces).await);
        });
        return Ok(response);
    }
    let (summary, found) = find(&board, &wanted).await?;
    if found.len() <= MOST as usize {
        let accounts = found.into_iter().map(|(_, status)| status).collect();
        return Ok(json(&Page { summary, accounts }));
    }
    // What a slow reader has yet to hear of must not outlive its time on the board.
    let found = found.into_iter();
    let found: Vec<_> = found
        .map(|(slot, status)| (slot, Arc::clone(&status.name)))
        .collect();
    let board = Arc::clone(&asked.shared.world.board);
    let (pieces, response) = piecewise("application/json");
    tokio::spawn(async move {
        let mut list = List::begin(&summary);
        for (slot, name) in found {
            let status = board.at(slot).filter(|status| status.name == name);
            if let Some(status) = status
                && list.add(&pieces, &status).await.is_err()
            {
                return;
            }
        }
        drop(list.end(&pieces, summary.matching).await);
    });
    Ok(response)
}

/// An Account that was found: its slot, and its status.
type Found = (u32, Arc<AccountStatus>);

/// The Accounts that are wanted, in order.
async fn find(board: &Board, wanted: &Wanted) -> Result<(Summary, Vec<Found>), Refusal> {
    let directory = board.directory();
    let entries = directory.entries();
    let page = wanted.page();
    if wanted.is_plain() {
        let page = entries.iter().skip(page.start).take(page.len());
        let page = page.filter_map(|entry| {
            let status = board.at(entry.slot).filter(|it| it.name == entry.name)?;
            Some((entry.slot, status))
        });
        let total = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        return Ok((summary(board, total), page.collect()));
    }
    let selection = Selection::new(board, &directory, &wanted.filter)?;
    let mut found: Vec<Found> = Vec::new();
    let mut matching = 0;
    let mut breath = Breath::new();
    for (place, entry) in entries.iter().enumerate() {
        let status = wanted.status((board, &selection), (entry.slot, &entry.name));
        if let Some(status) = status {
            if wanted.is_sorted() || page.contains(&matching) {
                found.push((entry.slot, status));
            }
            matching += 1;
        }
        if place % YIELD == YIELD - 1 {
            breath.take().await;
        }
    }
    if wanted.is_sorted() {
        let (sort, is_descending) = (wanted.sort, wanted.is_descending);
        let sorted = spawn_blocking(move || sorted(found, sort, is_descending, &page));
        found = sorted.await.map_err(|_| stopping())?;
    }
    let matching = u32::try_from(matching).unwrap_or(u32::MAX);
    Ok((summary(board, matching), found))
}

/// A page of what was found, when it is in order.
fn sorted(
    mut found: Vec<Found>,
    sort: Sort,
    is_descending: bool,
    page: &Range<usize>,
) -> Vec<Found> {
    // The sort is stable, so that equals stay in index order either way.
    found.sort_by(|(_, a), (_, b)| {
        let order = sort.compare(a, b);
        if is_descending {
            order.reverse()
        } else {
            order
        }
    });
    if is_descending && sort == Sort::Index {
        found.reverse();
    }
    let page = found.into_iter().skip(page.start).take(page.len());
    page.collect()
}

/// Tells all Accounts that are wanted as they are when their turn comes.
async fn dump(board: &Board, wanted: &Wanted, pieces: &Pieces) -> Result<(), Gone> {
    let directory = board.directory();
    let Ok(selection) = Selection::new(board, &directory, &wanted.filter) else {
        return Ok(());
    };
    let mut list = List::begin(&summary(board, 0));
    let mut matching = 0;
    let mut breath = Breath::new();
    for (place, entry) in directory.entries().iter().enumerate() {
        let status = wanted.status((board, &selection), (entry.slot, &entry.name));
        if let Some(status) = status {
            if matching >= wanted.offset {
                list.add(pieces, &status).await?;
            }
            matching += 1;
        }
        if place % YIELD == YIELD - 1 {
            breath.take().await;
        }
    }
    let matching = u32::try_from(matching).unwrap_or(u32::MAX);
    list.end(pieces, matching).await
}

/// A long list on its way, in the shape of a [`Page`].
struct List {
    text: Vec<u8>,
    is_empty: bool,
}

impl List {
    fn begin(summary: &Summary) -> Self {
        // What is counted on the way is told at the end.
        let mut text = serde_json::to_value(summary).unwrap_or_default();
        if let Some(object) = text.as_object_mut() {
            object.remove("matching");
        }
        let mut text = text.to_string().into_bytes();
        text.pop();
        text.extend_from_slice(b",\"accounts\":[");
        Self {
            text,
            is_empty: true,
        }
    }

    async fn add(&mut self, pieces: &Pieces, status: &AccountStatus) -> Result<(), Gone> {
        if !self.is_empty {
            self.text.push(b',');
        }
        self.is_empty = false;
        // Nothing of a status is what JSON has no words for.
        drop(serde_json::to_writer(&mut self.text, status));
        if self.text.len() >= PIECE {
            pieces.send(std::mem::take(&mut self.text)).await?;
            yield_now().await;
        }
        Ok(())
    }

    async fn end(mut self, pieces: &Pieces, matching: u32) -> Result<(), Gone> {
        let end = format!("],\"matching\":{matching}}}");
        self.text.extend_from_slice(end.as_bytes());
        pieces.send(self.text).await
    }
}

/// `GET /api/v1/accounts/{name}`.
pub(super) async fn show(asked: Asked) -> Result<Response, Refusal> {
    Query::read(&asked.query, &[])?;
    let board = &asked.shared.world.board;
    let name = asked.name.unwrap_or_default();
    match board.find(&name) {
        Some(status) => Ok(json(&*status)),
        None => Err(unknown(&board.directory(), &name).into()),
    }
}

const PARAMETERS: [&str; 9] = [
    "matching",
    "phase",
    "name",
    "group",
    "registrar",
    "sort",
    "order",
    "offset",
    "limit",
];

/// So many Accounts are told unless it is said.
const USUAL: u32 = 100;

/// So many are told at most, unless all are wanted.
const MOST: u32 = 1_000;

/// After so many Accounts others have their turn.
const YIELD: usize = 64;
