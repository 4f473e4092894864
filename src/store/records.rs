//! Records as rows.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{CachedStatement, Connection, Row, params};

use super::Changes;
use super::rows::{Rows, Values};
use crate::effect::{Record, StoredBinding, StoredHold, StoredVisit};

/// The tables of records.
pub(super) const TABLES: [&str; 4] = ["account", "visit", "hold", "minimum"];

/// The tables with rows of an Account beside its own.
const BESIDE: [&str; 3] = ["visit", "hold", "minimum"];

/// Whether a record has rows in other tables.
pub(super) fn is_extended(record: &Record) -> bool {
    !(record.visits.is_empty() && record.holds.is_empty() && record.minima.is_empty())
}

/// Reads all records.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut statement = connection.prepare(READ)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        records.push(record(row)?);
    }
    let mut visits = beside(connection, READ_VISITS, |row| {
        Ok(StoredVisit {
            registrar: row.get::<_, Address>(1)?.0,
            ends_unix_us: row.get(2)?,
            granted: row.get(3)?,
            is_left: row.get(4)?,
        })
    })?;
    let mut holds = beside(connection, READ_HOLDS, |row| {
        let registrar: Option<Address> = row.get(1)?;
        Ok(StoredHold {
            registrar: registrar.map(|address| address.0),
            until_unix_ms: row.get(2)?,
        })
    })?;
    let mut minima = beside(connection, READ_MINIMA, |row| {
        Ok((row.get::<_, Address>(1)?.0, row.get(2)?))
    })?;
    for record in &mut records {
        record.visits = visits.remove(&*record.account).unwrap_or_default();
        record.holds = holds.remove(&*record.account).unwrap_or_default();
        record.minima = minima.remove(&*record.account).unwrap_or_default();
    }
    Ok(records)
}

/// Writes changes, inside a transaction. `extended` keeps everybody whose rows may be there, so
/// that they are found again if the transaction fails.
pub(super) fn write(
    connection: &Connection,
    changes: &Changes,
    extended: &mut HashSet<Box<str>>,
) -> rusqlite::Result<()> {
    let mut clear = BESIDE.map(|table| format!("DELETE FROM {table} WHERE account = ?1"));
    let mut clear = Beside::new(connection, &mut clear)?;
    if !changes.removed.is_empty() {
        let mut remove = connection.prepare_cached("DELETE FROM account WHERE name = ?1")?;
        for name in &changes.removed {
            remove.execute([&**name])?;
            if extended.contains(&**name) {
                clear.run(name)?;
            }
        }
    }
    let [mut visit, mut hold, mut minimum] = [
        connection.prepare_cached(PUT_VISIT)?,
        connection.prepare_cached(PUT_HOLD)?,
        connection.prepare_cached(PUT_MINIMUM)?,
    ];
    // In the order of the table: neighbours share a page, which is found and copied once.
    let mut records: Vec<&Record> = changes.records.iter().collect();
    records.sort_unstable_by(|one, other| one.account.cmp(&other.account));
    Rows::of(PUT, 17).put(connection, &records, |row, record| bind(row, record))?;
    for record in records {
        let name = &*record.account;
        if extended.contains(name) {
            clear.run(name)?;
        }
        if !is_extended(record) {
            continue;
        }
        extended.insert(name.into());
        for (place, one) in (0_i64..).zip(&record.visits) {
            let registrar = one.registrar.to_string();
            let values = params![
                name,
                place,
                registrar,
                one.ends_unix_us,
                one.granted,
                one.is_left
            ];
            visit.execute(values)?;
        }
        for (place, one) in (0_i64..).zip(&record.holds) {
            let registrar = one.registrar.map(|registrar| registrar.to_string());
            hold.execute(params![name, place, registrar, one.until_unix_ms])?;
        }
        for (place, (registrar, least)) in (0_i64..).zip(&record.minima) {
            minimum.execute(params![name, place, registrar.to_string(), least])?;
        }
    }
    Ok(())
}

/// Removes the rows that an Account has beside its own.
struct Beside<'c>([CachedStatement<'c>; BESIDE.len()]);

impl<'c> Beside<'c> {
    fn new(connection: &'c Connection, sql: &mut [String; BESIDE.len()]) -> rusqlite::Result<Self> {
        let [visit, hold, minimum] = sql;
        Ok(Self([
            connection.prepare_cached(visit)?,
            connection.prepare_cached(hold)?,
            connection.prepare_cached(minimum)?,
        ]))
    }

    fn run(&mut self, name: &str) -> rusqlite::Result<()> {
        for statement in &mut self.0 {
            statement.execute([name])?;
        }
        Ok(())
    }
}

fn bind(row: &mut Values<'_, '_>, record: &Record) -> rusqlite::Result<()> {
    let binding = record.binding.as_ref();
    row.value(&*record.account)?
        .value(&*record.aor)?
        .value(record.epoch.cast_signed())?
        .value(&*record.call_id)?
        .value(format!("{:016x}", record.mark))?
        .value(record.cseq)?
        .value(record.cseq_limit)?
        .value(record.clean)?
        .value(record.unregistered)?
        .value(record.port)?
        .value(record.contact_user.as_deref())?
        .address(binding.map(|binding| binding.registrar))?
        .value(binding.map(|binding| binding.granted))?
        .value(binding.map(|binding| binding.refreshed_unix_ms))?
        .value(binding.map(|binding| binding.since_unix_ms))?
        .value(binding.map(|binding| binding.due_unix_ms))?
        .address(binding.and_then(|binding| binding.contact))?;
    Ok(())
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    let registrar: Option<Address> = row.get(11)?;
    let binding = match registrar {
        None => None,
        Some(Address(registrar)) => Some(StoredBinding {
            registrar,
            granted: row.get(12)?,
            refreshed_unix_ms: row.get(13)?,
            since_unix_ms: row.get(14)?,
            due_unix_ms: row.get(15)?,
            contact: row.get::<_, Option<Address>>(16)?.map(|address| address.0),
        }),
    };
    Ok(Record {
        account: row.get(0)?,
        aor: row.get(1)?,
        epoch: row.get::<_, i64>(2)?.cast_unsigned(),
        call_id: row.get(3)?,
        mark: row.get::<_, Mark>(4)?.0,
        cseq: row.get(5)?,
        cseq_limit: row.get(6)?,
        clean: row.get(7)?,
        binding,
        unregistered: row.get(8)?,
        port: row.get(9)?,
        contact_user: row.get(10)?,
        visits: Vec::new(),
        holds: Vec::new(),
        minima: Vec::new(),
    })
}

/// Rows of a table by Account, in their order.
pub(super) fn beside<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<BTreeMap<String, Vec<T>>> {
    let mut found: BTreeMap<String, Vec<T>> = BTreeMap::new();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        found.entry(row.get(0)?).or_default().push(read(row)?);
    }
    Ok(found)
}

/// An address as text.
pub(super) struct Address(pub(super) SocketAddr);

impl FromSql for Address {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        let address = text.parse().map(Self);
        address.map_err(|_| FromSqlError::Other(format!("{text:?} is no address").into()))
    }
}

/// A mark as text.
struct Mark(u64);

impl FromSql for Mark {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        let mark = u64::from_str_radix(text, 16).map(Self);
        mark.map_err(|_| FromSqlError::Other(format!("{text:?} is no mark").into()))
    }
}

const READ: &str = "SELECT name, aor, epoch, call_id, mark, cseq, cseq_limit, clean, unregistered, \
    port, contact_user, registrar, granted_secs, refreshed_unix_ms, since_unix_ms, due_unix_ms, \
    contact FROM account";
const READ_VISITS: &str = "SELECT account, registrar, ends_unix_us, granted_secs, is_left \
    FROM visit ORDER BY account, place";
const READ_HOLDS: &str =
    "SELECT account, registrar, until_unix_ms FROM hold ORDER BY account, place";
const READ_MINIMA: &str =
    "SELECT account, registrar, min_expires_secs FROM minimum ORDER BY account, place";
const PUT: &str = "INSERT OR REPLACE INTO account (name, aor, epoch, call_id, mark, cseq, \
    cseq_limit, clean, unregistered, port, contact_user, registrar, granted_secs, \
    refreshed_unix_ms, since_unix_ms, due_unix_ms, contact) VALUES";
const PUT_VISIT: &str = "INSERT INTO visit VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
const PUT_HOLD: &str = "INSERT INTO hold VALUES (?1, ?2, ?3, ?4)";
const PUT_MINIMUM: &str = "INSERT INTO minimum VALUES (?1, ?2, ?3, ?4)";
