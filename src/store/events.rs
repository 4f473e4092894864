//! Events as rows: written in batches, read in pages, removed by age and number.

use std::borrow::Cow;
use std::sync::Arc;

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::Keep;
use super::records::Address;
use super::rows::Rows;
use crate::status::UnixMs;
use crate::status::history::{Entry, EntryKind, Wanted};

/// The id of the newest event; 0 if there is none.
pub(super) fn newest(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(max(id), 0) FROM event";
    let id: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(id).unwrap_or_default())
}

/// Writes events, inside a transaction.
pub(super) fn append(connection: &Connection, entries: &[Arc<Entry>]) -> rusqlite::Result<()> {
    Rows::of(PUT, 10).put(connection, entries, |row, entry| {
        row.value(number(entry.id))?
            .value(entry.at.0)?
            .value(entry.kind.word())?
            .value(entry.account.as_deref())?
            .value(entry.from.as_deref())?
            .value(entry.to.as_deref())?
            .address(entry.registrar)?
            .value(entry.code)?
            .value(entry.uid)?
            .value(&*entry.text)?;
        Ok(())
    })
}

/// Removes some of what is not to be kept; whether there may be more of it. The newest event stays,
/// so that ids go on from there.
pub(super) fn trim(connection: &Connection, keep: Keep) -> rusqlite::Result<bool> {
    let newest = newest(connection)?;
    let oldest = number(newest.saturating_sub(keep.events));
    let by_number = connection.execute(TRIM_BY_NUMBER, params![oldest, SOME])?;
    let by_age = connection.execute(TRIM_BY_AGE, params![keep.since.0, number(newest), SOME])?;
    Ok(by_number.max(by_age) >= SOME as usize)
}

/// The id of the first event that is wanted; with a limit, of the first of the newest so many.
pub(super) fn first(connection: &Connection, wanted: &Wanted) -> rusqlite::Result<Option<u64>> {
    let (sql, values) = match wanted.limit {
        None => {
            let (condition, values) = condition(wanted, Way::ByTime);
            let sql = format!("SELECT min(id) FROM event WHERE {condition}");
            (sql, values)
        }
        Some(limit) => {
            let (condition, mut values) = condition(wanted, Way::ById);
            values.push(Value::Integer(limit.into()));
            let newest = format!("SELECT id FROM event WHERE {condition} ORDER BY id DESC LIMIT ?");
            (format!("SELECT min(id) FROM ({newest})"), values)
        }
    };
    let id: Option<i64> = connection.query_row(&sql, params_from_iter(values), |row| row.get(0))?;
    Ok(id.and_then(|id| u64::try_from(id).ok()))
}

/// Wanted events from an id on, oldest first, at most so many.
pub(super) fn page(
    connection: &Connection,
    wanted: &Wanted,
    from: u64,
    most: u32,
) -> rusqlite::Result<Vec<Entry>> {
    let (condition, mut values) = condition(wanted, Way::ById);
    values.extend([number(from), most.into()].map(Value::Integer));
    let sql = format!("{READ} WHERE {condition} AND id >= ? ORDER BY id LIMIT ?");
    let mut statement = connection.prepare(&sql)?;
    let rows = statement.query_map(params_from_iter(values), entry)?;
    rows.collect()
}

/// Along which order events are looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    ByTime,
    /// The index by time does not help where they come by id: all would have to be sorted first.
    ById,
}

/// What is wanted as a condition, and its values.
fn condition(wanted: &Wanted, way: Way) -> (String, Vec<Value>) {
    let mut text = "true".to_owned();
    let mut values = Vec::new();
    let mut one_of = |column: &str, list: Vec<String>| {
        if !list.is_empty() {
            let marks = vec!["?"; list.len()].join(", ");
            text += &format!(" AND {column} IN ({marks})");
            values.extend(list.into_iter().map(Value::Text));
        }
    };
    one_of("account", wanted.accounts.clone());
    let kinds = wanted.kinds.iter().map(|kind| kind.word().to_owned());
    one_of("kind", kinds.collect());
    let time_column = match way {
        Way::ByTime => "unix_ms",
        Way::ById => "+unix_ms",
    };
    for (sign, time) in [(">=", wanted.since), ("<", wanted.until)] {
        if let Some(time) = time {
            text += &format!(" AND {time_column} {sign} ?");
            values.push(Value::Integer(time.0));
        }
    }
    if let Some(before) = wanted.before {
        text += " AND id < ?";
        values.push(Value::Integer(number(before)));
    }
    (text, values)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let kind: String = row.get(2)?;
    let account: Option<String> = row.get(3)?;
    let text: String = row.get(9)?;
    let registrar: Option<Address> = row.get(6)?;
    let place = |column| -> rusqlite::Result<_> {
        Ok(row.get::<_, Option<String>>(column)?.map(Cow::Owned))
    };
    Ok(Entry {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        at: UnixMs(row.get(1)?),
        kind: EntryKind::of(&kind),
        account: account.map(Arc::from),
        from: place(4)?,
        to: place(5)?,
        registrar: registrar.map(|address| address.0),
        code: row.get(7)?,
        uid: row.get(8)?,
        text: text.into(),
    })
}

/// SQLite has signed numbers only; an id never gets near their end.
fn number(id: u64) -> i64 {
    i64::try_from(id).unwrap_or(i64::MAX)
}

/// So many rows go at a time, so that nobody who waits for the store waits long.
const SOME: u32 = 2_000;

const PUT: &str = "INSERT OR IGNORE INTO event VALUES";
const READ: &str = "SELECT id, unix_ms, kind, account, \"from\", \"to\", registrar, code, uid, text \
    FROM event";
const TRIM_BY_NUMBER: &str =
    "DELETE FROM event WHERE id IN (SELECT id FROM event WHERE id <= ?1 ORDER BY id LIMIT ?2)";
const TRIM_BY_AGE: &str = "DELETE FROM event WHERE id IN \
    (SELECT id FROM event WHERE unix_ms < ?1 AND id < ?2 ORDER BY unix_ms LIMIT ?3)";
