//! A write-ahead journal for changes of shape, which these products commit at once and never take back.
//!
//! Before a change is made, the statement that undoes it is written to [`mark::JOURNAL_TABLE`]. The transaction that
//! changes rows also removes these statements and writes down what is still to be done after its commit. So whoever comes
//! after a killed process finds out of one table what to do: undo statements if the transaction did not commit, else the
//! outstanding ones. Both kinds may run twice.

use super::session::Session;
use super::shape;
use super::{connect, explain};
use crate::engine::sql::Sql;
use crate::error::{Error, Kind, Result, Transient};
use crate::event::Cancel;
use crate::model::mark;
use crate::model::schema::EngineKind;
use std::time::{Duration, Instant};

fn mysql() -> Sql {
    Sql::new(EngineKind::Mysql)
}

fn table(sql: Sql) -> Sql {
    sql.name(mark::JOURNAL_TABLE)
}

/// A connection for changes of shape.
pub(super) fn open(main: &Session, cancel: &Cancel) -> Result<Session> {
    let mut side = main.another(cancel)?;
    connect::pin(&mut side)?;
    // While such a statement waits for a table, everybody else who comes after it waits too: better short and often.
    side.run("SET SESSION lock_wait_timeout = 1, innodb_lock_wait_timeout = 1")?;
    Ok(side)
}

/// Runs a change of shape, again and again while somebody else uses the table, but not longer than `wait`.
pub(super) fn patiently(
    side: &mut Session,
    statement: &str,
    wait: Duration,
) -> Result<std::result::Result<u64, mysql_async::Error>> {
    let deadline = Instant::now() + wait;
    let mut anew = None;
    loop {
        let done = side.attempt(anew.as_deref().unwrap_or(statement))?;
        if statement.starts_with("SET SESSION sql_mode") && !side.is_broken() {
            side.run(connect::SQL_MODE)?;
        }
        match done {
            Err(error) if explain::code(&error) == Some(1205) && Instant::now() < deadline => {}
            // MariaDB keeps columns that were dropped at once, as markers are, until the table is built anew.
            Err(error) if explain::code(&error) == Some(1118) && anew.is_none() && shape::is_of_markers(statement) => {
                anew = Some(format!("{statement}, ALGORITHM=COPY"));
                continue;
            }
            done => return Ok(done),
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
}

/// Makes the journal.
pub(super) fn create(side: &mut Session) -> Result<()> {
    let sql = table(mysql().lit("CREATE TABLE IF NOT EXISTS ")).lit(
        " (seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, undoes BOOLEAN NOT NULL, statement LONGTEXT NOT NULL) \
         ENGINE = InnoDB CHARACTER SET utf8mb4",
    );
    side.run(sql.text()).map(drop)
}

/// Writes a statement down; `undoes` tells whether it undoes a change or is still to be done.
pub(super) fn write(session: &mut Session, undoes: bool, statement: &str) -> Result<()> {
    let sql = table(mysql().lit("INSERT INTO ")).lit(" (undoes, statement) VALUES (");
    let sql = sql.lit(if undoes { "TRUE, " } else { "FALSE, " }).string(statement).lit(")");
    session.run(sql.text()).map(drop)
}

/// Takes the statement out that this connection wrote last.
pub(super) fn forget_last(session: &mut Session) -> Result<()> {
    session.run(table(mysql().lit("DELETE FROM ")).lit(" WHERE seq = LAST_INSERT_ID()").text()).map(drop)
}

/// Inside the transaction: its commit makes the changes final.
pub(super) fn settle(session: &mut Session) -> Result<()> {
    session.run(table(mysql().lit("DELETE FROM ")).lit(" WHERE undoes").text()).map(drop)
}

/// Does what the journal asks for, newest undo first, else the outstanding in their order, and removes the journal.
pub(super) fn replay(side: &mut Session, wait: Duration) -> Result<()> {
    let there = mysql()
        .lit("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ")
        .string(mark::JOURNAL_TABLE);
    if side.rows(there.text())?.is_empty() {
        return Ok(());
    }
    let sql = table(mysql().lit("SELECT seq, statement FROM ")).lit(" ORDER BY undoes DESC, IF(undoes, -seq, seq)");
    let mut failed = None;
    for row in side.rows(sql.text())? {
        let [Some(seq), Some(statement)] = row.as_slice() else { continue };
        let done = run(side, statement, wait);
        let at = |sql: Sql| sql.lit(" WHERE seq = ").string(seq);
        match done {
            Ok(()) => side.run(at(table(mysql().lit("DELETE FROM "))).text())?,
            // The others do not wait for it; it stays to be tried again.
            Err(error) if error.kind() == Kind::Rejected => {
                failed.get_or_insert(error);
                side.run(at(table(mysql().lit("UPDATE ")).lit(" SET undoes = FALSE")).text())?
            }
            Err(error) => return Err(error.within("finishing what the last run had begun")),
        };
    }
    match failed {
        Some(error) => Err(error.within("finishing what the last run had begun")),
        None => side.run(table(mysql().lit("DROP TABLE ")).text()).map(drop),
    }
}

/// Errors that say that a statement of the journal was done before: a thing is there or gone already.
const DONE: [u16; 11] = [1050, 1051, 1060, 1091, 1146, 1304, 1305, 1359, 1360, 1537, 1539];

fn run(side: &mut Session, statement: &str, wait: Duration) -> Result<()> {
    if let Some(table) = shape::unmarked(statement)
        && !has_markers(side, &table)?
    {
        // The statement would find that out too, but only once nobody else uses the table.
        return Ok(());
    }
    if let Some((kind, name)) = shape::dropped(statement)
        && kind == "TABLE"
        && !mark::is_own_table(&name)
    {
        return drop_empty(side, statement, &name, wait);
    }
    match patiently(side, statement, wait)? {
        Ok(_) => Ok(()),
        Err(error) if explain::code(&error).is_some_and(|code| DONE.contains(&code)) => Ok(()),
        Err(error) => Err(explain::statement(&error)),
    }
}

/// Drops a table of this tool's making, unless the application has put rows into it by now: it looks under a lock, because
/// the last look was in a transaction that is over.
fn drop_empty(side: &mut Session, statement: &str, name: &str, wait: Duration) -> Result<()> {
    let lock = mysql().lit("LOCK TABLES ").name(name).lit(" WRITE");
    match patiently(side, lock.text(), wait)? {
        Ok(_) => {}
        Err(error) if explain::code(&error).is_some_and(|code| DONE.contains(&code)) => return Ok(()),
        Err(error) => return Err(explain::statement(&error)),
    }
    let look = mysql().lit("SELECT 1 FROM ").name(name).lit(" LIMIT 1");
    let done = match side.rows(look.text()) {
        Ok(rows) if rows.is_empty() => side.run(statement).map(drop),
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    if !side.is_broken() {
        side.run("UNLOCK TABLES")?;
    }
    done
}

fn has_markers(side: &mut Session, table: &str) -> Result<bool> {
    let sql = mysql()
        .lit("SELECT 1 FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND COLUMN_NAME = ")
        .string(mark::RUN_COLUMN);
    Ok(!side.rows(sql.lit(" AND TABLE_NAME = ").string(table).text())?.is_empty())
}

/// Says that rows are in but something is still to come.
pub(super) fn unfinished(error: Error) -> Error {
    let lost = error.transient().map(|_| Transient::InDoubt);
    Error::new(error.kind(), "the rows are committed, but a change of shape that follows them failed")
        .transient_by(lost)
        .caused_by(error)
        .hint("Mend the cause; the next restore or rollback of this target finishes it first.")
}

/// Says that made tables or columns are still there.
pub(super) fn left(error: Error) -> Error {
    Error::new(error.kind(), "no row was changed, but tables or columns that were made for them may still be there")
        .transient_by(error.transient())
        .caused_by(error)
        .hint("The next restore or rollback of this target takes them back first.")
}
