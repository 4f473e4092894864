//! Many rows of a table in one statement: what a statement costs beside its rows is paid once.

use std::net::SocketAddr;

use rusqlite::{Connection, Statement, ToSql};

/// Rows that are to be put into a table.
pub(super) struct Rows {
    insert: &'static str,
    columns: usize,
}

impl Rows {
    /// `insert` is the statement up to and with `VALUES`, for rows of so many columns.
    pub(super) fn of(insert: &'static str, columns: usize) -> Self {
        Self { insert, columns }
    }

    /// Puts a row for each of `items`, in their order. `bind` gives the row its values.
    pub(super) fn put<T>(
        &self,
        connection: &Connection,
        items: &[T],
        bind: impl Fn(&mut Values<'_, '_>, &T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let (many, rest) = items.as_chunks::<AT_ONCE>();
        self.put_each(connection, many, &bind)?;
        let (one, _) = rest.as_chunks::<1>();
        self.put_each(connection, one, &bind)
    }

    /// One statement for each chunk.
    fn put_each<T, const SIZE: usize>(
        &self,
        connection: &Connection,
        chunks: &[[T; SIZE]],
        bind: impl Fn(&mut Values<'_, '_>, &T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        if chunks.is_empty() {
            return Ok(());
        }
        let row = format!("({})", vec!["?"; self.columns].join(", "));
        let rows = vec![row; SIZE].join(", ");
        let mut statement = connection.prepare_cached(&format!("{} {rows}", self.insert))?;
        for chunk in chunks {
            let mut values = Values {
                statement: &mut statement,
                next: 1,
            };
            chunk.iter().try_for_each(|item| bind(&mut values, item))?;
            statement.raw_execute()?;
        }
        Ok(())
    }
}

/// The values of rows, from the first column to the last.
pub(super) struct Values<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
}

impl Values<'_, '_> {
    /// The value of the next column.
    pub(super) fn value(&mut self, value: impl ToSql) -> rusqlite::Result<&mut Self> {
        self.statement.raw_bind_parameter(self.next, value)?;
        self.next += 1;
        Ok(self)
    }

    /// An address as text.
    pub(super) fn address(&mut self, address: Option<SocketAddr>) -> rusqlite::Result<&mut Self> {
        self.value(address.map(|address| address.to_string()))
    }
}

/// So many rows go at a time.
const AT_ONCE: usize = 32;
