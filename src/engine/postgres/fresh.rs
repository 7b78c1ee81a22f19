//! Tables that were made in the open transaction. Nobody else can see them yet, so a large load builds their keys afterwards,
//! from sorted values, and leaves rows that need no second look.

use super::session::Session;
use crate::engine::sql::Sql;
use crate::error::Result;
use crate::model::schema::{EngineKind, TableName};

/// A fresh table whose keys are put aside.
pub(super) struct Fresh {
    table: TableName,
    /// Quoted name and definition of each key, as the server renders them.
    keys: Vec<(String, String)>,
}

impl Fresh {
    /// Puts the keys of `table` aside; none where the table is older than the transaction, or partitioned.
    pub(super) fn begin(session: &mut Session, table: &TableName) -> Result<Option<Self>> {
        // The row of a system column is written once, with its table.
        let sql = Sql::new(EngineKind::Postgres)
            .lit("SELECT pg_catalog.quote_ident(o.conname), pg_catalog.pg_get_constraintdef(o.oid) FROM pg_catalog.pg_class c ")
            .lit("JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ctid' AND a.attnum < 0 ")
            .lit("LEFT JOIN pg_catalog.pg_constraint o ON o.conrelid = c.oid AND o.contype IN ('p', 'u') AND NOT EXISTS ")
            .lit("(SELECT FROM pg_catalog.pg_constraint f WHERE f.contype = 'f' AND f.conindid = o.conindid) ")
            .lit("WHERE c.relkind = 'r' AND NOT c.relispartition AND c.oid = ")
            .string(Sql::new(EngineKind::Postgres).table(table).text())
            .lit("::pg_catalog.regclass AND a.xmin::text::bigint = ")
            .lit("pg_catalog.pg_current_xact_id()::text::bigint & 4294967295 ORDER BY o.oid");
        let found = session.rows(sql.text())?;
        if found.is_empty() {
            return Ok(None);
        }
        let keys = found.into_iter().filter_map(|row| {
            let [name, definition] = <[Option<String>; 2]>::try_from(row).ok()?;
            name.zip(definition)
        });
        let fresh = Self { table: table.clone(), keys: keys.collect() };
        for (name, _) in &fresh.keys {
            fresh.alter(session, &format!("DROP CONSTRAINT {name}"))?;
        }
        Ok(Some(fresh))
    }

    /// Builds the keys, and lets the planner know the table: the foreign keys are verified next.
    pub(super) fn end(self, session: &mut Session) -> Result<()> {
        for (name, definition) in &self.keys {
            self.alter(session, &format!("ADD CONSTRAINT {name} {definition}"))?;
        }
        session.run(Sql::new(EngineKind::Postgres).lit("ANALYZE ").table(&self.table).text()).map(drop)
    }

    fn alter(&self, session: &mut Session, change: &str) -> Result<u64> {
        let sql = Sql::new(EngineKind::Postgres).lit("ALTER TABLE ").table(&self.table).lit(" ");
        session.run(sql.part(&Sql::rendered(EngineKind::Postgres, change)).text())
    }
}
