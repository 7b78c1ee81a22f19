//! Makes a template of a database that holds nothing but the snapshot: its owner, the row journal, and what the planner should know.

use super::super::session::Session;
use super::{accounts, shape};
use crate::error::{Error, Result};

/// What a template has beside the snapshot.
const SCRIPT: &str = include_str!("seal.sql");

pub(super) fn seal(session: &mut Session, template: &str, has_owner: bool) -> Result<()> {
    let taken = session.rows(
        "SELECT coalesce(pg_catalog.obj_description(oid, 'pg_namespace'), '') FROM pg_catalog.pg_namespace \
         WHERE nspname = 'terp_fixtures'",
    )?;
    match taken.into_iter().flatten().flatten().next() {
        Some(comment) if !comment.starts_with("terp-fixtures isolation ") => {
            return Err(Error::guard(
                "the snapshot has a schema terp_fixtures, which a template needs for the row journal",
            )
            .hint("Leave it out of the policy, or rename it at the source."));
        }
        Some(_) => drop(session.run("DROP SCHEMA terp_fixtures CASCADE")?),
        None => {}
    }
    session.run("BEGIN; SET LOCAL search_path = pg_catalog, pg_temp")?;
    if has_owner {
        accounts::give_to_owner(session, template)?;
    }
    session.run(SCRIPT)?;
    shape::remember(session)?;
    session.commit()?;
    session.run("VACUUM (FREEZE, ANALYZE)").map(drop)
}
