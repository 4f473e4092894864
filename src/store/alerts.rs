//! Lost registrations and notices to be delivered, as rows.

use std::net::IpAddr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ValueRef};
use rusqlite::{Connection, Row, params};

use super::records::{Address, beside};
use super::{AlertChanges, OutboxChanges};
use crate::effect::{Notice, StoredAlert, StoredAlertState, StoredOpen};
use crate::notify::{Letter, Means};

/// The tables of alerts.
pub(super) const TABLES: [&str; 3] = ["alert", "alert_open", "outbox"];

/// Reads all alerts.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<StoredAlert>> {
    let mut open = beside(connection, READ_OPEN, |row| {
        Ok(StoredOpen {
            subscription: row.get(1)?,
            limit_hours: row.get(2)?,
            is_told: row.get(3)?,
        })
    })?;
    let mut alerts = Vec::new();
    let mut statement = connection.prepare(READ)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let account: String = row.get(0)?;
        let open = open.remove(&account).unwrap_or_default();
        alerts.push(alert(account, open, row)?);
    }
    Ok(alerts)
}

fn alert(account: String, open: Vec<StoredOpen>, row: &Row<'_>) -> rusqlite::Result<StoredAlert> {
    let started: Option<i64> = row.get(9)?;
    let state = match started {
        Some(started_unix_us) => StoredAlertState::Raised {
            started_unix_us,
            open,
        },
        None => StoredAlertState::Checking {
            failed: row.get(7)?,
            due_unix_us: row.get(8)?,
        },
    };
    let source: Option<Ip> = row.get(2)?;
    Ok(StoredAlert {
        account,
        identity: row.get(1)?,
        source: source.map(|ip| ip.0),
        registrar: row.get::<_, Address>(3)?.0,
        server: row.get(4)?,
        user_agent: row.get(5)?,
        lost_unix_us: row.get(6)?,
        state,
    })
}

/// Writes changes of alerts, inside a transaction.
pub(super) fn write(connection: &Connection, changes: &AlertChanges) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut remove = connection.prepare("DELETE FROM alert WHERE account = ?1")?;
    let mut shut = connection.prepare("DELETE FROM alert_open WHERE account = ?1")?;
    for name in &changes.removed {
        remove.execute([&**name])?;
        shut.execute([&**name])?;
    }
    let mut put = connection.prepare(PUT)?;
    let mut open = connection.prepare("INSERT INTO alert_open VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for alert in &changes.alerts {
        let (checking, raised) = match &alert.state {
            StoredAlertState::Checking {
                failed,
                due_unix_us,
            } => (Some((failed, due_unix_us)), None),
            StoredAlertState::Raised {
                started_unix_us,
                open,
            } => (None, Some((started_unix_us, open))),
        };
        put.execute(params![
            alert.account,
            alert.identity,
            alert.source.map(|ip| ip.to_string()),
            alert.registrar.to_string(),
            alert.server,
            alert.user_agent,
            alert.lost_unix_us,
            checking.map(|(failed, _)| failed),
            checking.map(|(_, due)| due),
            raised.map(|(started, _)| started),
        ])?;
        shut.execute([&*alert.account])?;
        let all = raised.into_iter().flat_map(|(_, all)| all);
        for (place, one) in (0_i64..).zip(all) {
            open.execute(params![
                alert.account,
                place,
                one.subscription,
                one.limit_hours,
                one.is_told
            ])?;
        }
    }
    Ok(())
}

/// Reads the letters, in their order.
pub(super) fn read_outbox(connection: &Connection) -> rusqlite::Result<Vec<Letter>> {
    let mut statement = connection.prepare(READ_OUTBOX)?;
    let rows = statement.query_map([], |row| {
        let id: String = row.get(0)?;
        let trouble: Option<String> = row.get(7)?;
        Ok(Letter {
            id: id.into(),
            means: row.get::<_, Way>(1)?.0,
            notice: row.get::<_, Text>(2)?.0.into(),
            tried: row.get(3)?,
            waited_ms: row.get::<_, i64>(4)?.cast_unsigned(),
            next_unix_ms: row.get(5)?,
            is_refused: row.get(6)?,
            trouble: trouble.map(Into::into),
        })
    })?;
    rows.collect()
}

/// Writes changes of letters, inside a transaction.
pub(super) fn write_outbox(
    connection: &Connection,
    changes: &OutboxChanges,
) -> rusqlite::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut tried = connection.prepare(TRIED)?;
    let mut put = connection.prepare(PUT_OUTBOX)?;
    for letter in &changes.letters {
        // One that was tried keeps its place, and what it says, which may be long.
        let known = tried.execute(params![
            &*letter.id,
            letter.tried,
            letter.waited_ms.cast_signed(),
            letter.next_unix_ms,
            letter.is_refused,
            letter.trouble.as_deref(),
        ])?;
        if known > 0 {
            continue;
        }
        let notice = serde_json::to_string(&*letter.notice)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        put.execute(params![
            &*letter.id,
            letter.means.word(),
            notice,
            letter.tried,
            letter.waited_ms.cast_signed(),
            letter.next_unix_ms,
            letter.is_refused,
            letter.trouble.as_deref(),
        ])?;
    }
    let mut remove = connection.prepare("DELETE FROM outbox WHERE id = ?1")?;
    for id in &changes.gone {
        remove.execute([&**id])?;
    }
    Ok(())
}

/// An IP address as text.
struct Ip(IpAddr);

impl FromSql for Ip {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        let ip = text.parse().map(Self);
        ip.map_err(|_| FromSqlError::Other(format!("{text:?} is no IP address").into()))
    }
}

/// The word of a means.
struct Way(Means);

impl FromSql for Way {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?;
        let means = Means::of(text).map(Self);
        means.ok_or_else(|| FromSqlError::Other(format!("{text:?} is no means").into()))
    }
}

/// A notice as JSON.
struct Text(Notice);

impl FromSql for Text {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let notice = serde_json::from_str(value.as_str()?);
        notice
            .map(Self)
            .map_err(|error| FromSqlError::Other(error.into()))
    }
}

const READ: &str = "SELECT account, identity, source, registrar, server, user_agent, \
    lost_unix_us, failed, due_unix_us, started_unix_us FROM alert";
const READ_OPEN: &str = "SELECT account, subscription, limit_hours, is_told FROM alert_open \
    ORDER BY account, place";
const PUT: &str = "INSERT OR REPLACE INTO alert (account, identity, source, registrar, server, \
    user_agent, lost_unix_us, failed, due_unix_us, started_unix_us) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const READ_OUTBOX: &str = "SELECT id, means, notice, tried, waited_ms, next_unix_ms, is_refused, \
    trouble FROM outbox ORDER BY place";
const PUT_OUTBOX: &str = "INSERT INTO outbox (id, means, notice, tried, waited_ms, next_unix_ms, \
    is_refused, trouble) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const TRIED: &str = "UPDATE outbox SET tried = ?2, waited_ms = ?3, next_unix_ms = ?4, \
    is_refused = ?5, trouble = ?6 WHERE id = ?1";
