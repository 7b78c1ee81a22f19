//! The one state that a source reads, and further connections that read the same state.

use super::connect;
use super::session::Session;
use crate::engine::sql::Sql;
use crate::error::{Kind, Result};
use crate::model::schema::EngineKind;
use crate::secret::Address;

/// One process per connection: a capture is a guest on its source, and for the anti-joins of the closure check parallel plans
/// take several times the CPU time.
const BEGIN: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL max_parallel_workers_per_gather = 0";

/// Begins the consistent read.
pub(super) fn begin(session: &mut Session) -> Result<()> {
    session.run(BEGIN)?;
    // The first query inside the transaction fixes the state that all later reads see.
    session.rows("SELECT 1").map(drop)
}

/// A second connection in the state of `session`. None when the server gives no more connections or the user may not
/// export snapshots, and when the address leads to another server this time (a proxy over replicas).
pub(super) fn fork(session: &mut Session, address: &Address) -> Result<Option<Session>> {
    const MAY: &str = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_export_snapshot()', 'EXECUTE')";
    if one(session, MAY)?.as_deref() != Some("t") {
        return Ok(None);
    }
    let Some(name) = one(session, "SELECT pg_catalog.pg_export_snapshot()")? else { return Ok(None) };
    let forked = connect::open(address, "capture", false, &session.cancel).and_then(|mut other| {
        other.run(BEGIN)?;
        other.run(Sql::new(EngineKind::Postgres).lit("SET TRANSACTION SNAPSHOT ").string(&name).text())?;
        let state = state(&mut other)?;
        Ok((other.counted_with(session), state))
    });
    match forked {
        Ok((other, other_state)) => Ok((other_state == state(session)?).then_some(other)),
        Err(error) if error.kind() == Kind::Interrupted => Err(error),
        Err(_) => Ok(None),
    }
}

/// What two connections share only when they read the same state of the same running server.
fn state(session: &mut Session) -> Result<Option<String>> {
    one(
        session,
        "SELECT pg_catalog.concat_ws(' ', pg_catalog.pg_current_snapshot(), pg_catalog.pg_postmaster_start_time())",
    )
}

/// What two reads share only when they see the same rows, at whatever time they begin; none where that is not certain.
///
/// A snapshot `N:N:` sees all transactions below N and none else, and all of those are over. Every change of rows, of the
/// catalogue or by TRUNCATE takes a transaction number when it is made and is seen when that is over, so while the numbers
/// stand still nothing changes; they are 64 bits long and never come again in one run of the server. What could change rows
/// past them:
/// - a restore from a backup, pg_resetwal: the server's start tells;
/// - a crash of one of its processes (unlogged tables are emptied, commits that were not waited for may be lost): the server
///   goes on without a new start, but its statistics begin anew, and when they did, tells;
/// - a standby, whose snapshots do not list what runs on the primary: none there;
/// - a transaction under way, a prepared one included, has a number below N, and then the snapshot is no N:N and there is
///   none; or N or a higher one, and then it is not seen, and N has moved when it is over;
/// - row security may look at more than rows and users: none where it applies;
/// - rows of foreign servers: none where there is such a table.
///
/// Sequences move without a number now and then; their values are no rows, and a schema that holds them is compared.
pub(super) fn token(session: &mut Session) -> Result<Option<String>> {
    const FIRST_KNOWING: u32 = 130_000;
    const TOKEN: &str = "SELECT pg_catalog.concat_ws(' ', s, pg_catalog.pg_postmaster_start_time(), \
        (SELECT stats_reset FROM pg_catalog.pg_stat_bgwriter), current_user, session_user, d.oid) \
        FROM pg_catalog.pg_current_snapshot() s, pg_catalog.pg_database d \
        WHERE d.datname = pg_catalog.current_database() AND NOT pg_catalog.pg_is_in_recovery() \
        AND pg_catalog.pg_snapshot_xmin(s) = pg_catalog.pg_snapshot_xmax(s) \
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relkind = 'f' \
        OR c.relrowsecurity AND pg_catalog.row_security_active(c.oid))";
    let version = one(session, "SELECT pg_catalog.current_setting('server_version_num')")?;
    if version.and_then(|version| version.parse().ok()).unwrap_or(0) < FIRST_KNOWING {
        return Ok(None);
    }
    one(session, TOKEN)
}

fn one(session: &mut Session, query: &str) -> Result<Option<String>> {
    Ok(session.rows(query)?.into_iter().flatten().next().flatten())
}
