//! Rows and statements into PostgreSQL: one transaction, triggers silent, COPY.

use super::explain;
use super::few::{self, FEW};
use super::fresh::Fresh;
use super::session::Session;
use crate::engine::sql::Sql;
use crate::engine::{Enforce, LoadTable, Savepoint};
use crate::error::{Error, Result};
use crate::model::batch::{Batch, CellKind};
use crate::model::copytext::{COPY_ESCAPES, write_escaped};
use crate::model::proof::Checked;
use crate::model::schema::EngineKind;
use std::borrow::Borrow;

/// COPY data is sent in pieces of about this size.
const PIECE: usize = 1 << 20;

/// How the application's triggers are kept silent in the open transaction.
#[derive(Debug, Default)]
pub(super) struct Silenced {
    /// Whether the session acts as a replica: no trigger and no foreign key of the application fires.
    replica: bool,
    /// Otherwise: statements that give each disabled trigger and deferred foreign key its state back.
    give_back: Vec<String>,
}

pub(super) fn begin(session: &mut Session, enforce: Enforce) -> Result<Silenced> {
    // As for captures: one process per connection.
    session.run("BEGIN; SET LOCAL max_parallel_workers_per_gather = 0")?;
    session.failed = false;
    let silenced = silence(session, enforce);
    if silenced.is_err() && !session.is_broken() {
        session.run("ROLLBACK")?;
    }
    silenced
}

fn silence(session: &mut Session, enforce: Enforce) -> Result<Silenced> {
    if enforce == Enforce::Everything {
        return Ok(Silenced { replica: false, give_back: Vec::new() });
    }
    if enforce == Enforce::Nothing {
        session.run("SAVEPOINT terp_fixtures")?;
        let replica = session.attempt("SET LOCAL session_replication_role = replica")?.is_ok();
        let back = "ROLLBACK TO terp_fixtures; RELEASE terp_fixtures";
        session.run(if replica { "RELEASE terp_fixtures" } else { back })?;
        session.failed = false;
        if replica {
            return Ok(Silenced { replica, give_back: Vec::new() });
        }
    }
    let mut give_back = Vec::new();
    if enforce == Enforce::Nothing {
        give_back = defer_foreign_keys(session)?;
    }
    session.run("SET CONSTRAINTS ALL DEFERRED")?;
    // Only an owner can do this, and only an owner can restore into a table.
    let triggers = session.rows(
        "SELECT t.tgrelid::pg_catalog.regclass, pg_catalog.quote_ident(t.tgname), t.tgenabled FROM pg_catalog.pg_trigger t \
         JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgparentid = 0 \
         AND c.relkind IN ('r', 'p') AND pg_catalog.pg_has_role(c.relowner, 'USAGE') ORDER BY t.oid",
    )?;
    for row in triggers {
        let [Some(table), Some(trigger), Some(state)] = row.as_slice() else { continue };
        let disable = format!("ALTER TABLE {table} DISABLE TRIGGER {trigger}");
        session.run(&disable).map_err(|error| error.within(format!("table {table}")))?;
        let enable = match state.as_str() {
            "A" => "ENABLE ALWAYS",
            "R" => "ENABLE REPLICA",
            _ => "ENABLE",
        };
        give_back.push(if_there(table, &format!("{enable} TRIGGER {trigger}")));
    }
    Ok(Silenced { replica: false, give_back })
}

/// Foreign keys wait for the end of the transaction, so that cycles and rows of one table can come in any order.
fn defer_foreign_keys(session: &mut Session) -> Result<Vec<String>> {
    let keys = session.rows(
        "SELECT o.conrelid::pg_catalog.regclass, pg_catalog.quote_ident(o.conname), o.condeferrable \
         FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname !~ '^terp_fixtures_load_' \
         WHERE o.contype = 'f' AND o.conparentid = 0 AND NOT o.condeferred AND pg_catalog.pg_has_role(c.relowner, 'USAGE') \
         ORDER BY o.oid",
    )?;
    let mut give_back = Vec::new();
    for row in keys {
        let [Some(table), Some(key), Some(deferrable)] = row.as_slice() else { continue };
        let defer = format!("ALTER TABLE {table} ALTER CONSTRAINT {key} DEFERRABLE INITIALLY DEFERRED");
        session.run(&defer).map_err(|error| error.within(format!("table {table}")))?;
        let before = if deferrable == "t" { "DEFERRABLE INITIALLY IMMEDIATE" } else { "NOT DEFERRABLE" };
        give_back.push(if_there(table, &format!("ALTER CONSTRAINT {key} {before}")));
    }
    Ok(give_back)
}

/// A statement of a DO block that changes a table which may be gone by then.
fn if_there(table: &str, change: &str) -> String {
    let check = Sql::new(EngineKind::Postgres).lit("IF pg_catalog.to_regclass(").string(table);
    let change = Sql::new(EngineKind::Postgres).string(&format!("ALTER TABLE {table} {change}"));
    format!("{}) IS NOT NULL THEN EXECUTE {}; END IF;", check.text(), change.text())
}

pub(super) fn execute(session: &mut Session, silenced: &Silenced, sql: &Sql) -> Result<u64> {
    let text = sql.text();
    let alters = ["ALTER TABLE", "DROP TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX"];
    // Nothing hangs on this tool's own tables.
    let is_own = text.contains("\"terp_fixtures_");
    if !silenced.replica && !is_own && alters.iter().any(|word| text.starts_with(word)) {
        // A table with deferred checks pending cannot be altered.
        session.run("SET CONSTRAINTS ALL IMMEDIATE")?;
        let done = session.run(text)?;
        session.run("SET CONSTRAINTS ALL DEFERRED")?;
        return Ok(done);
    }
    session.run(text)
}

pub(super) fn savepoint(session: &mut Session, what: Savepoint) -> Result<()> {
    session.run(match what {
        Savepoint::Set => "SAVEPOINT terp_fixtures_row",
        Savepoint::Keep => "RELEASE terp_fixtures_row",
        Savepoint::Undo => "ROLLBACK TO terp_fixtures_row; RELEASE terp_fixtures_row",
    })?;
    session.savepoint = what == Savepoint::Set;
    // Before the savepoint nothing had failed, or it could not have been set.
    session.failed = false;
    Ok(())
}

/// One statement for all of `rows`: its end is the only answer of the server that is waited for. Says which it was.
pub(super) fn load<R: Borrow<Checked>>(
    session: &mut Session,
    into: &LoadTable,
    rows: &mut (impl Iterator<Item = Result<R>> + ?Sized),
) -> Result<(u64, &'static str)> {
    let names = into.columns.iter().chain(into.constants.iter().map(|(name, _)| name));
    let names: Vec<&str> = names.map(String::as_str).collect();
    let within = |error: Error| error.within(format!("table {}", into.table));
    let tail = constants(into);
    let mut current: Option<(R, usize)> = None;
    let mut piece = |out: &mut Vec<u8>| {
        while out.len() < PIECE {
            match &mut current {
                Some((batch, row)) if *row < (*batch).borrow().rows().rows() => {
                    *row = write_rows((*batch).borrow().rows(), *row, &tail, out);
                }
                _ => match rows.next().transpose()? {
                    Some(next) if next.borrow().rows().columns() == into.columns.len() => current = Some((next, 0)),
                    Some(_) => return Err(Error::internal("a batch has another number of columns than its load")),
                    None => return Ok(()),
                },
            }
        }
        Ok(())
    };
    let mut first = Vec::new();
    piece(&mut first)?;
    if !first.is_empty()
        && first.len() <= FEW
        && let Some(rows) = insert_few(session, into, &names, &first).map_err(within)?
    {
        return Ok((rows, "one INSERT"));
    }
    let copy = Sql::new(EngineKind::Postgres).lit("COPY ").table(&into.table).lit(" (");
    let copy = copy.list(names, ", ", Sql::name).lit(") FROM STDIN");
    // Rows are only frozen in the transaction of their table, and behind a savepoint that is another one.
    let fresh = if first.len() < PIECE || session.savepoint {
        None
    } else {
        Fresh::begin(session, &into.table).map_err(within)?
    };
    let copy = if fresh.is_some() { copy.lit(" (FREEZE)") } else { copy };
    let mut next = |out: &mut Vec<u8>| {
        if first.is_empty() {
            return piece(out);
        }
        std::mem::swap(out, &mut first);
        Ok(())
    };
    let rows = session.copy_in(copy.text(), &mut next).map_err(within)?;
    fresh.map_or(Ok(()), |fresh| fresh.end(session)).map_err(within)?;
    Ok((rows, "COPY"))
}

/// A few rows by one INSERT. None where only a COPY can, or where only a COPY says which row and column it is that the server
/// refuses: nothing was done then.
fn insert_few(session: &mut Session, into: &LoadTable, names: &[&str], lines: &[u8]) -> Result<Option<u64>> {
    if session.savepoint {
        // Every row ends with a newline, and none is inside of one.
        let is_one = lines.iter().position(|byte| *byte == b'\n') == Some(lines.len() - 1);
        return if is_one { Ok(None) } else { few::insert(session, into, names, lines) };
    }
    session.run("SAVEPOINT terp_fixtures_few")?;
    match few::insert(session, into, names, lines) {
        Err(error) if error.broken().is_some() => {
            session.run("ROLLBACK TO terp_fixtures_few; RELEASE terp_fixtures_few")?;
            // Before the savepoint nothing had failed, or it could not have been set.
            session.failed = false;
            Ok(None)
        }
        Err(error) => Err(error),
        done => session.run("RELEASE terp_fixtures_few").and(done),
    }
}

/// What stands behind every row: the constants and the end of the line.
fn constants(into: &LoadTable) -> Vec<u8> {
    let mut tail = Vec::new();
    for (at, (_, value)) in into.constants.iter().enumerate() {
        if at > 0 || !into.columns.is_empty() {
            tail.push(b'\t');
        }
        write_escaped(&mut tail, value.as_bytes(), &COPY_ESCAPES);
    }
    tail.push(b'\n');
    tail
}

/// Appends rows from `row` on until the piece is full; gives the row to go on with.
fn write_rows(rows: &Batch, mut row: usize, tail: &[u8], out: &mut Vec<u8>) -> usize {
    while row < rows.rows() && out.len() < PIECE {
        for column in 0..rows.columns() {
            if column > 0 {
                out.push(b'\t');
            }
            let cell = rows.cell(row, column);
            match cell.kind {
                CellKind::Null => out.extend_from_slice(b"\\N"),
                CellKind::Blob => {
                    out.extend_from_slice(b"\\\\x");
                    out.extend_from_slice(data_encoding::HEXLOWER.encode(cell.bytes).as_bytes());
                }
                CellKind::Text | CellKind::Integer | CellKind::Real => write_escaped(out, cell.bytes, &COPY_ESCAPES),
            }
        }
        out.extend_from_slice(tail);
        row += 1;
    }
    row
}

pub(super) fn end(session: &mut Session, silenced: &Silenced, commit: bool) -> Result<()> {
    if session.is_broken() {
        // The server rolls back what a lost connection left open.
        return if commit { Err(explain::gone()) } else { Ok(()) };
    }
    if !commit && session.cancel.check().is_err() {
        session.leave();
        return Ok(());
    }
    if !commit {
        return session.run("ROLLBACK").map(drop);
    }
    if session.failed {
        session.run("ROLLBACK")?;
        return Err(Error::rejected("a statement had failed before the commit; nothing was changed"));
    }
    let committed = give_back(session, silenced).and_then(|()| session.commit());
    if committed.is_err() && !session.is_broken() {
        session.run("ROLLBACK")?;
    }
    committed
}

fn give_back(session: &mut Session, silenced: &Silenced) -> Result<()> {
    if silenced.give_back.is_empty() {
        return Ok(());
    }
    session.run("SET CONSTRAINTS ALL IMMEDIATE")?;
    let body = Sql::new(EngineKind::Postgres).lit("DO ").string(&format!("BEGIN {} END", silenced.give_back.join(" ")));
    session.run(body.text()).map(drop)
}
