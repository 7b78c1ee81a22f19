//! Rows out of SQLite, typed: every cell keeps its storage class.

use crate::engine::{Query, Sink};
use crate::error::{Error, Result};
use crate::event::Cancel;
use crate::model::batch::{Batch, CellKind};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::io::Write as _;

pub(super) fn rows(connection: &Connection, query: &Query, cancel: &Cancel, sink: &mut Sink<'_>) -> Result<u64> {
    let broken = |error: rusqlite::Error| {
        if super::connect::is_busy(&error) {
            return super::connect::busy("the SQLite database");
        }
        Error::unreachable("reading from the SQLite database broke off").caused_by(super::connect::described(&error))
    };
    let mut statement = connection.prepare_cached(query.sql.text()).map_err(broken)?;
    if statement.column_count() != query.columns {
        return Err(Error::internal("a query yields another number of columns than it says"));
    }
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let mut cursor = statement.query([]).map_err(broken)?;
    let mut batch = Batch::new(query.columns);
    let mut count = 0;
    while let Some(row) = cursor.next().map_err(broken)? {
        for (at, name) in names.iter().enumerate() {
            push(&mut batch, row.get_ref(at).map_err(broken)?)
                .map_err(|error| error.within(format!("column {}, row {count}", name.escape_debug())))?;
        }
        count += 1;
        if batch.is_full() {
            cancel.check()?;
            sink(std::mem::replace(&mut batch, Batch::with_room(query.columns)))?;
        }
    }
    if batch.rows() > 0 {
        sink(batch)?;
    }
    Ok(count)
}

fn push(batch: &mut Batch, value: ValueRef<'_>) -> Result<()> {
    let arena = batch.arena();
    let kind = match value {
        ValueRef::Null => CellKind::Null,
        ValueRef::Integer(number) => {
            // Writing to a Vec cannot fail.
            write!(arena, "{number}").unwrap_or_default();
            CellKind::Integer
        }
        ValueRef::Real(number) => {
            real(arena, number);
            CellKind::Real
        }
        ValueRef::Text(bytes) => {
            check_size(bytes)?;
            arena.extend_from_slice(bytes);
            CellKind::Text
        }
        ValueRef::Blob(bytes) => {
            check_size(bytes)?;
            arena.extend_from_slice(bytes);
            CellKind::Blob
        }
    };
    batch.end_cell(kind);
    Ok(())
}

/// The shortest text that reads back to the same bits; infinity as `Inf`. SQLite has no NaN.
fn real(arena: &mut Vec<u8>, number: f64) {
    if number.is_infinite() {
        arena.extend_from_slice(if number > 0.0 { b"Inf" } else { b"-Inf" });
    } else {
        write!(arena, "{number:?}").unwrap_or_default();
    }
}

fn check_size(bytes: &[u8]) -> Result<()> {
    if bytes.len() > Batch::MAX_CELL {
        return Err(Error::rejected(format!("a cell has {} bytes, more than 256 MiB", bytes.len()))
            .hint("Give the column a mask that replaces it (null or fixed), or leave the row out."));
    }
    Ok(())
}
