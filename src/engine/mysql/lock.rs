//! The lock of a target: a named lock of the session, so that it dies with its holder. Who holds it stands beside it in a
//! small table, which says nothing about whether the lock is held.

use super::explain;
use super::session::Session;
use crate::engine::sql::Sql;
use crate::engine::{Holder, network};
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::EngineKind;
use std::time::{Duration, Instant};

/// How long an ended session may take to go.
const GOING: Duration = Duration::from_secs(10);

/// A named lock belongs to the server, so the name says which database it is for; the server allows 64 characters.
fn name(session: &mut Session) -> Result<Sql> {
    let database = session.text("SELECT DATABASE()")?.unwrap_or_default();
    let digest = network::digest("terp-fixtures v1 mysql lock", &[database]);
    Ok(mysql().string(&format!("terp-fixtures:{digest}")))
}

fn mysql() -> Sql {
    Sql::new(EngineKind::Mysql)
}

/// Takes a named lock of the server for as long as `session` lives; false where somebody else holds it still after `wait`.
pub(super) fn wait_for(session: &mut Session, name: &str, wait: Duration) -> Result<bool> {
    let deadline = Instant::now() + wait;
    let sql = mysql().lit("SELECT GET_LOCK(").string(name).lit(", 0)");
    loop {
        session.cancel.check()?;
        if session.text(sql.text())?.as_deref() == Some("1") {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        std::thread::park_timeout(Duration::from_millis(25));
    }
}

/// Takes the lock with `session`, and writes down with `side` who has it.
pub(super) fn take(session: &mut Session, side: &mut Session, purpose: &str, wait: Duration) -> Result<()> {
    let deadline = Instant::now() + wait;
    let name = name(session)?;
    loop {
        session.cancel.check()?;
        if session.text(mysql().lit("SELECT GET_LOCK(").part(&name).lit(", 0)").text())?.as_deref() == Some("1") {
            return note(side, session.id().unwrap_or_default(), purpose);
        }
        if Instant::now() >= deadline {
            let holder = holder(session)?.map_or("holder unknown".to_owned(), |holder| holder.to_string());
            return Err(Error::locked(format!("another run holds the lock of this target: {holder}")).hint(
                "Wait for it to end, or raise --lock-timeout. A stuck one is ended by 'terp-fixtures lock release'.",
            ));
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Takes the note of a connection away again.
pub(super) fn forget(side: &mut Session, connection: u32) -> Result<()> {
    let sql = mysql().lit("SELECT 1 FROM ").name(mark::LOCK_TABLE).lit(" WHERE connection = ");
    if side.rows(sql.integer(i64::from(connection)).text())?.is_empty() {
        return Ok(());
    }
    drop_note(side)
}

fn drop_note(side: &mut Session) -> Result<()> {
    side.run(mysql().lit("DROP TABLE IF EXISTS ").name(mark::LOCK_TABLE).text()).map(drop)
}

fn note(side: &mut Session, connection: u32, purpose: &str) -> Result<()> {
    drop_note(side)?;
    let create = mysql().lit("CREATE TABLE ").name(mark::LOCK_TABLE).lit(
        " (connection BIGINT NOT NULL PRIMARY KEY, purpose TEXT NOT NULL, since DATETIME NOT NULL) CHARACTER SET utf8mb4",
    );
    side.run(create.text())?;
    let insert = mysql()
        .lit("INSERT INTO ")
        .name(mark::LOCK_TABLE)
        .lit(" VALUES (")
        .integer(i64::from(connection))
        .lit(", ")
        .string(purpose)
        .lit(", UTC_TIMESTAMP())");
    side.run(insert.text()).map(drop)
}

/// Who holds the lock now.
pub(super) fn holder(session: &mut Session) -> Result<Option<Holder>> {
    let name = name(session)?;
    let used = mysql().lit("SELECT IS_USED_LOCK(").part(&name).lit(")");
    let Some(connection) = session.text(used.text())? else { return Ok(None) };
    let sql = mysql().lit("SELECT purpose, DATE_FORMAT(since, '%Y-%m-%dT%H:%i:%sZ') FROM ").name(mark::LOCK_TABLE);
    let sql = sql.lit(" WHERE connection = ").string(&connection);
    // The holder may just have gone, and its note with it.
    let note = match session.rows(sql.text()) {
        Ok(rows) => rows.into_iter().next().unwrap_or_default(),
        Err(error) if session.is_broken() => return Err(error),
        Err(_) => {
            session.cancel.check()?;
            Vec::new()
        }
    };
    let host = host(session, &connection)?;
    let cell = |at: usize, other: &str| note.get(at).cloned().flatten().unwrap_or_else(|| other.to_owned());
    Ok(Some(Holder {
        purpose: cell(0, "a run that has left no note"),
        // Host and port of the client.
        host: host.map_or_else(
            || "a host that this account may not see".to_owned(),
            |host| host.rsplit_once(':').map_or(host.clone(), |(host, _)| host.to_owned()),
        ),
        process: connection.parse().unwrap_or_default(),
        since: cell(1, "a time that is not known"),
    }))
}

/// The host and port of a connection's client; none where this account may not see it.
///
/// MySQL cannot read its process list while any session runs a statement with bytes that are no text (error 3854); the threads can
/// be read only where the performance schema is on and may be seen. One of the two answers.
fn host(session: &mut Session, connection: &str) -> Result<Option<String>> {
    let places = [
        "SELECT HOST FROM information_schema.PROCESSLIST WHERE ID = ",
        "SELECT PROCESSLIST_HOST FROM performance_schema.threads WHERE PROCESSLIST_ID = ",
    ];
    for place in places {
        match session.text(mysql().lit(place).string(connection).text()) {
            Ok(Some(host)) => return Ok(Some(host)),
            Err(error) if session.is_broken() => return Err(error),
            Ok(None) | Err(_) => session.cancel.check()?,
        }
    }
    Ok(None)
}

/// Ends the holder's connection.
pub(super) fn release(session: &mut Session, holder: &Holder) -> Result<()> {
    // Only while it still holds the lock: a connection's number can belong to somebody else by now.
    if self::holder(session)?.is_none_or(|now| now.process != holder.process) {
        return Ok(());
    }
    if let Err(error) = session.attempt(&format!("KILL {}", holder.process))? {
        match explain::code(&error) {
            // It has just gone.
            Some(1094) => {}
            Some(1095 | 1227 | 1045) => {
                return Err(Error::locked(format!(
                    "this account may not end the session that holds the lock: {holder}"
                ))
                .hint("Connect as the account that runs it, or as one with CONNECTION_ADMIN (SUPER)."));
            }
            _ => return Err(explain::statement(&error)),
        }
    }
    let deadline = Instant::now() + GOING;
    while self::holder(session)?.is_some_and(|now| now.process == holder.process) {
        session.cancel.check()?;
        if Instant::now() >= deadline {
            return Err(Error::locked(format!("the session was told to end and has not ended yet: {holder}"))
                .hint("It may be rolling back; look again with 'terp-fixtures lock status'."));
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    Ok(())
}
