//! The lock of a target: a named lock of the session, so that it dies with its holder. Who holds it stands beside it in a
//! small table, which says nothing about whether the lock is held.

use super::session::Session;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::EngineKind;
use std::time::{Duration, Instant};

/// A named lock belongs to the server, so the name says which database it is for; the server allows 64 characters.
fn name(session: &mut Session) -> Result<Sql> {
    let database = session.text("SELECT DATABASE()")?.unwrap_or_default();
    let digest = blake3::hash(database.as_bytes()).to_hex();
    Ok(mysql().string(&format!("terp-fixtures:{}", &digest[..32])))
}

fn mysql() -> Sql {
    Sql::new(EngineKind::Mysql)
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
            return Err(Error::locked(format!(
                "another run holds the lock of this target: {}",
                holder(session, &name)?
            ))
            .hint("Wait for it to end, or raise --lock-timeout. A killed run never keeps the lock."));
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Takes the note away again.
pub(super) fn forget(side: &mut Session) -> Result<()> {
    side.run(mysql().lit("DROP TABLE IF EXISTS ").name(mark::LOCK_TABLE).text()).map(drop)
}

fn note(side: &mut Session, connection: u32, purpose: &str) -> Result<()> {
    forget(side)?;
    let create = mysql().lit("CREATE TABLE ").name(mark::LOCK_TABLE).lit(
        " (connection BIGINT NOT NULL PRIMARY KEY, purpose TEXT NOT NULL, pid BIGINT NOT NULL, since DATETIME NOT NULL) \
         CHARACTER SET utf8mb4",
    );
    side.run(create.text())?;
    let insert = mysql()
        .lit("INSERT INTO ")
        .name(mark::LOCK_TABLE)
        .lit(" VALUES (")
        .integer(i64::from(connection))
        .lit(", ")
        .string(purpose)
        .lit(", ")
        .integer(i64::from(std::process::id()))
        .lit(", UTC_TIMESTAMP())");
    side.run(insert.text()).map(drop)
}

fn holder(session: &mut Session, name: &Sql) -> Result<String> {
    let Some(connection) = session.text(mysql().lit("SELECT IS_USED_LOCK(").part(name).lit(")").text())? else {
        return Ok("holder unknown".to_owned());
    };
    let process = format!("SELECT user, host FROM information_schema.processlist WHERE id = {connection}");
    let from = session.rows(&process)?.into_iter().flatten().flatten().collect::<Vec<_>>().join("@");
    let sql = mysql().lit("SELECT purpose, pid, since FROM ").name(mark::LOCK_TABLE);
    let sql = sql.lit(" WHERE connection = ").string(&connection);
    // The holder may just have gone, and its note with it.
    let note = match session.attempt(sql.text())? {
        Ok(_) => session.rows(sql.text())?.into_iter().next(),
        Err(_) => None,
    };
    let cell = |at: usize| note.as_ref().and_then(|row| row.get(at).cloned().flatten()).unwrap_or_default();
    Ok(format!(
        "{}, process {}, from {from}, server connection {connection}, since {} UTC",
        cell(0).escape_debug(),
        cell(1),
        cell(2)
    ))
}
