//! The lock of a PostgreSQL target: a session's advisory lock, so that it dies with its holder.

use super::explain;
use super::session::Session;
use crate::engine::Holder;
use crate::engine::sql::Sql;
use crate::error::{Error, Result};
use crate::model::schema::EngineKind;
use std::time::{Duration, Instant};

/// Advisory locks are per database; this is the key of ours in each ("terpfix" and a version).
const KEY: i64 = 0x0174_6572_7066_6978;

/// How long an ended session may take to go.
const GOING: Duration = Duration::from_secs(10);

pub(super) fn take(session: &mut Session, purpose: &str, wait: Duration) -> Result<()> {
    let name: String = format!("terp-fixtures: {purpose}").chars().filter(|c| !c.is_control()).collect();
    let name = name.char_indices().take_while(|(at, c)| at + c.len_utf8() <= 63).map(|(_, c)| c).collect::<String>();
    session.run(Sql::new(EngineKind::Postgres).lit("SET application_name = ").string(&name).text())?;
    let deadline = Instant::now() + wait;
    loop {
        session.cancel.check()?;
        let taken = session.rows(&format!("SELECT pg_catalog.pg_try_advisory_lock({KEY})"))?;
        if taken.first().and_then(|row| row.first()) == Some(&Some("t".to_owned())) {
            return bound_waits(session, wait);
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

/// A transaction of the application that holds one of our tables is not waited for without end. Zero would mean for ever.
fn bound_waits(session: &mut Session, wait: Duration) -> Result<()> {
    let millis = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::from(i32::MAX));
    session.run(Sql::new(EngineKind::Postgres).lit("SET lock_timeout = ").integer(millis).text()).map(drop)
}

/// What finds our lock of this database in `pg_locks l`.
fn ours() -> String {
    let (high, low) = (KEY >> 32, KEY & 0xffff_ffff);
    format!(
        "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.classid = {high} AND l.objid = {low} \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    )
}

pub(super) fn holder(session: &mut Session) -> Result<Option<Holder>> {
    // The name is for all to see, address and time only for roles that may see that session.
    let rows = session.rows(&format!(
        "SELECT coalesce(a.application_name, ''), coalesce(pg_catalog.host(a.client_addr), CASE WHEN a.backend_start IS NULL \
         THEN 'a host that this role may not see' ELSE 'the server''s own host' END), l.pid, \
         coalesce(pg_catalog.to_char(a.backend_start, 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), 'a time that this role may not see') \
         FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid WHERE {}",
        ours()
    ))?;
    let Some(row) = rows.first() else { return Ok(None) };
    let cell = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    Ok(Some(Holder {
        purpose: cell(0).replace("terp-fixtures: ", ""),
        host: cell(1),
        process: cell(2).parse().unwrap_or_default(),
        since: cell(3),
    }))
}

pub(super) fn release(session: &mut Session, holder: &Holder) -> Result<()> {
    // Only while it still holds the lock: a process number can belong to somebody else by now.
    let end = format!(
        "SELECT pg_catalog.pg_terminate_backend(l.pid) FROM pg_catalog.pg_locks l WHERE l.pid = {} AND {}",
        holder.process,
        ours()
    );
    if let Err(error) = session.attempt(&end)? {
        if explain::code(&error).as_deref() != Some("42501") {
            return Err(explain::statement(&error));
        }
        return Err(Error::locked(format!("this role may not end the session that holds the lock: {holder}"))
            .hint("Connect as the role that runs it, as a member of pg_signal_backend, or as a superuser."));
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
