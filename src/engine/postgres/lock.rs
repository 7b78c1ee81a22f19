//! The lock of a PostgreSQL target: a session's advisory lock, so that it dies with its holder.

use super::session::Session;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;
use std::time::{Duration, Instant};

/// Advisory locks are per database; this is the key of ours in each ("terpfix" and a version).
const KEY: i64 = 0x0174_6572_7066_6978;

pub(super) fn take(session: &mut Session, purpose: &str, wait: Duration) -> Result<()> {
    let name: String = format!("terp-fixtures: {purpose}").chars().filter(|c| !c.is_control()).collect();
    let name = name.char_indices().take_while(|(at, c)| at + c.len_utf8() <= 63).map(|(_, c)| c).collect::<String>();
    session.run(Sql::new(EngineKind::Postgres).lit("SET application_name = ").string(&name).text())?;
    let deadline = Instant::now() + wait;
    loop {
        session.cancel.check()?;
        let taken = session.rows(&format!("SELECT pg_catalog.pg_try_advisory_lock({KEY})"))?;
        if taken.first().and_then(|row| row.first()) == Some(&Some("t".to_owned())) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            return Err(Error::locked(format!("another run holds the lock of this target: {}", holder(session)?))
                .hint("Wait for it to end, or raise --lock-timeout. A killed run never keeps the lock."));
        }
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

fn holder(session: &mut Session) -> Result<String> {
    let (high, low) = (KEY >> 32, KEY & 0xffff_ffff);
    let rows = session.rows(&format!(
        "SELECT a.application_name, coalesce(a.client_addr::text, 'this host'), a.pid, a.backend_start \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {high} AND l.objid = {low} \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    ))?;
    let Some(row) = rows.first() else { return Ok("holder unknown".to_owned()) };
    let cell = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let name = cell(0).replace("terp-fixtures: ", "");
    Ok(format!("{}, from {}, server process {}, since {}", name.escape_debug(), cell(1), cell(2), cell(3)))
}
