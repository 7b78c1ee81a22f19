//! What was changed in a clone since it was put back.

use super::super::catalog::{cell, maybe};
use super::super::explain;
use super::super::session::TextRow;
use super::opened::Opened;
use super::shape::{self, Scope};
use crate::error::Result;
use std::collections::BTreeMap;

/// What a look found.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The server's snapshot of running transactions, at that time.
    state: String,
    /// Whether the row journal is the one that was there all the time.
    pub(super) is_trusted: bool,
    /// Dirty tables, and whether more happened to them than rows tell.
    pub(super) dirty: Dirty,
    pub(super) moved: bool,
    pub(super) has_objects: bool,
}

/// Tables in the row journal by their number, and whether more happened to them than its rows tell.
pub(super) type Dirty = BTreeMap<String, bool>;

impl Found {
    pub(super) fn is_clean(&self) -> bool {
        self.is_trusted && self.dirty.is_empty() && !self.moved && !self.has_objects
    }

    /// The state, where no transaction was under way whose end it would not show.
    pub(super) fn quiet_state(&self) -> Option<String> {
        let mut parts = self.state.split(':');
        (parts.next() == parts.next()).then(|| self.state.clone())
    }
}

const DIRTY: &str = "SELECT pg_catalog.string_agg(x.root || CASE WHEN x.marked THEN '!' ELSE '' END, ',') \
    FROM (SELECT root, bool_or(change = 0) AS marked FROM terp_fixtures.journal GROUP BY root) x";

/// Statements that prepare the others. Where nobody on the whole server got a transaction number since, nothing can have been
/// written but by `nextval`, which takes one only now and then.
pub(super) fn prepare(scope: &Scope, sequences: &[TextRow], shape: &str) -> String {
    let moved = moved(sequences);
    format!(
        "PREPARE terp_fixtures_unchanged (text) AS SELECT CASE WHEN pg_catalog.pg_current_snapshot()::text = $1 THEN NOT EXISTS \
         (SELECT FROM terp_fixtures.sequences s WHERE pg_catalog.pg_sequence_last_value(s.id::pg_catalog.regclass) IS DISTINCT FROM \
         CASE WHEN s.is_called THEN s.last_value END) ELSE false END; \
         PREPARE terp_fixtures_dirty AS {DIRTY}; \
         PREPARE terp_fixtures_moved AS {moved}; \
         PREPARE terp_fixtures_look AS SELECT pg_catalog.pg_current_snapshot()::text, \
         (SELECT count(*) FROM terp_fixtures.canary), ({DIRTY}), x.same, CASE WHEN x.same THEN ({moved}) END, \
         EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) FROM (SELECT ({digest}) = '{shape}' AS same OFFSET 0) x",
        digest = scope.digest(),
    )
}

/// A query of the numbers of all sequences that are not where they were. The server's function is quicker than reading them, but does
/// not tell those apart that were not used yet; and it must not be asked for one that is gone.
fn moved(sequences: &[TextRow]) -> String {
    let mut each = vec![
        "SELECT s.id FROM terp_fixtures.sequences s WHERE s.is_called \
         AND pg_catalog.pg_sequence_last_value(s.id::pg_catalog.regclass) IS DISTINCT FROM s.last_value"
            .to_owned(),
    ];
    each.extend(sequences.iter().filter(|row| cell(row, 3) != "t").map(|row| {
        let (id, spelled, value) = (cell(row, 0), cell(row, 1), cell(row, 2));
        format!("SELECT {id} FROM {spelled} WHERE last_value <> {value} OR is_called")
    }));
    format!("SELECT pg_catalog.string_agg(x.id::text, ',') FROM ({}) x", each.join(" UNION ALL "))
}

/// Whether nothing at all happened since `state`.
pub(super) fn is_unchanged(clone: &mut Opened, state: &str) -> Result<bool> {
    let answer = clone.session().answers(&format!("EXECUTE terp_fixtures_unchanged ('{state}')"))?;
    let answer = answer.map_err(|error| explain::statement(&error))?;
    Ok(answer.first().map(|row| cell(row, 0)) == Some("t"))
}

/// Looks at everything; why only a new clone helps, where the schema is another one.
pub(super) fn look(clone: &mut Opened) -> Result<std::result::Result<Found, String>> {
    let rows = match clone.session().answers("EXECUTE terp_fixtures_look")? {
        Ok(rows) => rows,
        // What it names is gone, or belongs to somebody else.
        Err(error) if explain::code(&error).is_some_and(|code| code.starts_with("42") || code == "0A000") => {
            return Ok(Err(why(clone)?));
        }
        Err(error) => return Err(explain::statement(&error)),
    };
    let row = rows.into_iter().next().unwrap_or_default();
    if cell(&row, 3) != "t" {
        return Ok(Err(why(clone)?));
    }
    Ok(Ok(Found {
        state: cell(&row, 0).to_owned(),
        is_trusted: cell(&row, 1) != "0",
        dirty: dirty(cell(&row, 2)),
        moved: maybe(&row, 4).is_some(),
        has_objects: cell(&row, 5) == "t",
    }))
}

/// Reads an answer of `terp_fixtures_dirty`.
pub(super) fn dirty(answer: &str) -> Dirty {
    let parts = answer.split(',').filter(|part| !part.is_empty());
    parts.map(|part| (part.trim_end_matches('!').to_owned(), part.ends_with('!'))).collect()
}

fn why(clone: &mut Opened) -> Result<String> {
    let session = clone.session();
    let has_memory =
        session.rows("SELECT 1 FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass('terp_fixtures.shape')")?;
    let names = if has_memory.is_empty() { String::new() } else { shape::changed(session)? };
    Ok(if names.is_empty() { "the schema was changed".to_owned() } else { format!("the schema was changed: {names}") })
}
