//! Rows and statements into SQLite: one transaction, triggers silent, prepared inserts.

use crate::engine::sql::Sql;
use crate::engine::{Enforce, LoadTable, Savepoint};
use crate::error::{Broken, Error, Result};
use crate::event::Cancel;
use crate::model::batch::{Cell, CellKind};
use crate::model::proof::Checked;
use crate::model::schema::EngineKind;
use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode};
use std::time::{Duration, Instant};

/// How long another program that holds the file is waited for.
pub(super) struct Patience {
    pub(super) wait: Duration,
    pub(super) cancel: Cancel,
}

/// SQLite's own waiting cannot be interrupted, so what may wait for long does so in steps of this length.
const STEP: Duration = Duration::from_millis(50);

/// How long every other statement waits for another program. The driver counts in milliseconds of 31 bits.
pub(super) fn bound_waits(connection: &Connection, wait: Duration) -> Result<()> {
    connection.busy_timeout(wait.min(Duration::from_hours(24))).map_err(explain)
}

/// Runs what takes a lock of the file, again and again while another program holds it.
pub(super) fn patiently(connection: &Connection, statement: &str, patience: &Patience) -> Result<()> {
    let deadline = Instant::now() + patience.wait;
    bound_waits(connection, STEP.min(patience.wait))?;
    let done = loop {
        let done = connection.execute_batch(statement);
        let is_busy = done.as_ref().is_err_and(super::connect::is_busy);
        if !is_busy || Instant::now() >= deadline {
            break done.map_err(explain);
        }
        if let Err(interrupted) = patience.cancel.check() {
            break Err(interrupted);
        }
    };
    bound_waits(connection, patience.wait)?;
    done
}

pub(super) fn begin(connection: &Connection, enforce: Enforce, patience: &Patience) -> Result<()> {
    let foreign_keys = enforce != Enforce::Nothing;
    let triggers = enforce == Enforce::Everything;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, triggers).map_err(explain)?;
    connection.pragma_update(None, "foreign_keys", foreign_keys).map_err(explain)?;
    // Views that name missing tables must not stop ALTER TABLE.
    connection.pragma_update(None, "legacy_alter_table", true).map_err(explain)?;
    patiently(connection, "BEGIN IMMEDIATE", patience)?;
    connection.pragma_update(None, "defer_foreign_keys", foreign_keys).map_err(explain)
}

pub(super) fn execute(connection: &Connection, sql: &Sql) -> Result<u64> {
    let before = connection.total_changes();
    connection.execute_batch(sql.text()).map_err(explain)?;
    Ok(connection.total_changes() - before)
}

pub(super) fn savepoint(connection: &Connection, what: Savepoint) -> Result<()> {
    let text = match what {
        Savepoint::Set => "SAVEPOINT terp_fixtures_row",
        Savepoint::Keep => "RELEASE terp_fixtures_row",
        Savepoint::Undo => "ROLLBACK TO terp_fixtures_row; RELEASE terp_fixtures_row",
    };
    connection.execute_batch(text).map_err(explain)
}

pub(super) fn load(connection: &Connection, into: &LoadTable, rows: &Checked) -> Result<u64> {
    let rows = rows.rows();
    if rows.columns() != into.columns.len() {
        return Err(Error::internal(format!("a batch for {} has another number of columns than the load", into.table)));
    }
    let mut statement = connection.prepare_cached(insert(into).text()).map_err(explain)?;
    for (at, (_, value)) in into.constants.iter().enumerate() {
        statement.raw_bind_parameter(into.columns.len() + at + 1, value).map_err(explain)?;
    }
    for row in 0..rows.rows() {
        for column in 0..into.columns.len() {
            let value = bindable(rows.cell(row, column)).ok_or_else(|| {
                Error::rejected(format!("table {}, column {}: a number is malformed", into.table, into.columns[column]))
            })?;
            statement.raw_bind_parameter(column + 1, ToSqlOutput::Borrowed(value)).map_err(explain)?;
        }
        statement.raw_execute().map_err(explain).map_err(|error| match error.broken().cloned() {
            Some(broken) => error.of_row(Broken { row: Some(row as u64), ..broken }),
            None => error,
        })?;
    }
    Ok(rows.rows() as u64)
}

fn insert(into: &LoadTable) -> Sql {
    let names = into.columns.iter().chain(into.constants.iter().map(|(name, _)| name));
    let count = into.columns.len() + into.constants.len();
    Sql::new(EngineKind::Sqlite)
        .lit("INSERT INTO ")
        .table(&into.table)
        .lit(" (")
        .list(names, ", ", |sql, name| sql.name(name))
        .lit(") VALUES (")
        .list(0..count, ", ", |sql, _| sql.lit("?"))
        .lit(")")
}

fn bindable(cell: Cell<'_>) -> Option<ValueRef<'_>> {
    let number = || std::str::from_utf8(cell.bytes).ok();
    Some(match cell.kind {
        CellKind::Null => ValueRef::Null,
        CellKind::Text => ValueRef::Text(cell.bytes),
        CellKind::Blob => ValueRef::Blob(cell.bytes),
        CellKind::Integer => ValueRef::Integer(number()?.parse().ok()?),
        CellKind::Real => ValueRef::Real(number()?.parse().ok()?),
    })
}

pub(super) fn end(connection: &Connection, commit: bool, patience: &Patience) -> Result<()> {
    if connection.is_autocommit() {
        // SQLite itself rolled back: a full disk or an I/O error.
        return if commit { Err(Error::rejected("the transaction was lost; nothing was changed")) } else { Ok(()) };
    }
    if commit {
        // It waits for readers; until it is done nothing of it is there.
        patiently(connection, "COMMIT", patience).map_err(|explained| match connection.execute_batch("ROLLBACK") {
            Ok(()) => explained,
            Err(second) => explained.caused_by(second),
        })
    } else {
        connection.execute_batch("ROLLBACK").map_err(explain)
    }
}

/// A driver's error in our words.
#[expect(clippy::needless_pass_by_value, reason = "fits map_err")]
fn explain(error: rusqlite::Error) -> Error {
    let message = super::connect::described(&error);
    match error.sqlite_error_code() {
        _ if super::connect::is_busy(&error) => super::connect::busy("the target"),
        Some(ErrorCode::DiskFull) => Error::rejected("the disk of the target is full; nothing was changed")
            .hint("Free some space and run again."),
        Some(ErrorCode::ReadOnly) => Error::unreachable("the target cannot be written")
            .hint("Check the permissions of the database file and of its folder."),
        Some(ErrorCode::SystemIoFailure | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            Error::unreachable(format!("the target failed: {message}"))
        }
        _ => match broken(&error, &message) {
            Some(broken) => Error::rejected(message).of_row(broken),
            None => Error::rejected(message),
        },
    }
}

/// The rule that a row breaks, for errors that are about a row.
fn broken(error: &rusqlite::Error, message: &str) -> Option<Broken> {
    use rusqlite::ffi;
    let rusqlite::Error::SqliteFailure(ffi::Error { extended_code, .. }, _) = error else { return None };
    let rule = match *extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID => "unique",
        ffi::SQLITE_CONSTRAINT_NOTNULL => "not null",
        ffi::SQLITE_CONSTRAINT_CHECK => "check",
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => "foreign key",
        ffi::SQLITE_CONSTRAINT_DATATYPE | ffi::SQLITE_MISMATCH => "type",
        ffi::SQLITE_TOOBIG => "length",
        ffi::SQLITE_CONSTRAINT_TRIGGER => "rule",
        // A function of an index, a CHECK or a generated column does not take the row's values.
        ffi::SQLITE_ERROR if message == ffi::code_to_str(ffi::SQLITE_ERROR) => "rule",
        _ => return None,
    };
    let name = message.split_once(" failed: ").or_else(|| message.rsplit_once(" column "));
    Some(Broken { rule, name: name.map_or("", |(_, name)| name).to_owned(), row: None })
}
