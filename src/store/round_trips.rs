//! Round trips over time: a row for each registrar and each five minutes.

use std::net::SocketAddr;

use rusqlite::types::Type;
use rusqlite::{Connection, Row};

use crate::status::UnixMs;
use crate::status::round_trips::{KEPT_S, Point, RoundTrips};

/// What there is, the oldest first.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<(SocketAddr, Point)>> {
    let mut statement = connection.prepare(
        "SELECT registrar, at_unix_s, count, min_us, median_us, max_us FROM round_trip \
         ORDER BY at_unix_s",
    )?;
    let rows = statement.query_map([], point)?;
    rows.collect()
}

fn point(row: &Row<'_>) -> rusqlite::Result<(SocketAddr, Point)> {
    let registrar: String = row.get(0)?;
    let registrar = registrar.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, Type::Text, Box::new(error))
    })?;
    let seconds: i64 = row.get(1)?;
    let point = Point {
        at: UnixMs(seconds.saturating_mul(1_000)),
        count: row.get(2)?,
        min_us: row.get(3)?,
        median_us: row.get(4)?,
        max_us: row.get(5)?,
    };
    Ok((registrar, point))
}

/// Writes points, in the place of those of the same five minutes, and removes those that are not to
/// be kept: the old ones, and the oldest where there are too many.
pub(super) fn write(
    connection: &Connection,
    points: &[(SocketAddr, Point)],
) -> rusqlite::Result<()> {
    let mut insert = connection.prepare(
        "INSERT OR REPLACE INTO round_trip (at_unix_s, registrar, count, min_us, median_us, max_us) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (registrar, point) in points {
        let at = point.at.0.div_euclid(1_000);
        let row = (
            at,
            registrar.to_string(),
            point.count,
            point.min_us,
            point.median_us,
            point.max_us,
        );
        insert.execute(row)?;
    }
    // They come in the order in which they were made: what lies ahead of the last is of a clock
    // that was set back since.
    if let Some((_, last)) = points.last() {
        let now = last.at.0.div_euclid(1_000);
        let mut other =
            connection.prepare("DELETE FROM round_trip WHERE at_unix_s < ?1 OR at_unix_s > ?2")?;
        other.execute([now.saturating_sub(KEPT_S), now])?;
    }
    let mut many = connection.prepare(
        "DELETE FROM round_trip WHERE at_unix_s <= \
         (SELECT at_unix_s FROM round_trip ORDER BY at_unix_s DESC LIMIT 1 OFFSET ?1)",
    )?;
    many.execute([RoundTrips::MOST as i64])?;
    Ok(())
}
