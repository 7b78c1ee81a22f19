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
        Ok((other, state))
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

fn one(session: &mut Session, query: &str) -> Result<Option<String>> {
    Ok(session.rows(query)?.into_iter().flatten().next().flatten())
}
