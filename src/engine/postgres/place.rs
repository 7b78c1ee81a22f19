//! Staging places of PostgreSQL: schemas of this tool's own, one for each schema that the restore fills.
//!
//! Everything is made where it will be in the end, by the same statements as ever, and moved into the place before the
//! commit, so that nobody sees it. It keeps its identity on both ways: types, defaults, sequences and keys go on to mean each
//! other. A schema's comment says which one it stands for.

use super::session::Session;
use super::{connect, explain};
use crate::engine::sql::Sql;
use crate::engine::staging::{Place, Rounds};
use crate::error::{Error, Result};
use crate::model::mark;
use crate::model::schema::{EngineKind, TableName};
use std::collections::BTreeMap;

/// The place that a stream works in.
pub(super) struct Aside {
    key: String,
    /// The schemas of the place, by the schema each stands for; empty before anything was put there.
    schemas: BTreeMap<String, String>,
}

/// The schema that stands for `public`; the others have a number behind it.
fn schema_of(key: &str) -> String {
    format!("{}{key}", mark::PLACE_SCHEMA)
}

pub(super) fn places(session: &mut Session) -> Result<Vec<Place>> {
    let sql = postgres().lit("SELECT n.nspname FROM pg_catalog.pg_namespace n WHERE pg_catalog.left(n.nspname, ");
    let sql = sql.integer(length(mark::PLACE_SCHEMA)).lit(") = ").string(mark::PLACE_SCHEMA).part(&commented());
    let sql = sql.lit(" ORDER BY n.nspname");
    let mut places: Vec<Place> = Vec::new();
    for name in session.rows(sql.text())?.into_iter().flatten().flatten() {
        let rest = &name[mark::PLACE_SCHEMA.len()..];
        let key = rest.split_once('_').map_or(rest, |(key, _)| key).to_owned();
        if Place::is_key(&key) && places.last().is_none_or(|last| last.key != key) {
            places.push(Place { name: format!("schema {}", name.escape_debug()), key });
        }
    }
    Ok(places)
}

/// Another connection, into a place. None where the role may make no schema.
pub(super) fn stream(main: &mut Session, key: &str) -> Result<Option<(Session, Aside)>> {
    let may = "SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')";
    if main.rows(may)?.into_iter().flatten().flatten().next().as_deref() != Some("t") {
        return Ok(None);
    }
    let mut session = connect::another(main)?;
    let mut aside = Aside { key: key.to_owned(), schemas: BTreeMap::new() };
    aside.look(&mut session)?;
    Ok(Some((session, aside)))
}

impl Aside {
    /// What tells the place from the others.
    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// Whether anything was put into the place.
    pub(super) fn is_there(&self) -> bool {
        !self.schemas.is_empty()
    }

    /// The name of a table inside the place.
    pub(super) fn name(&self, table: &TableName) -> TableName {
        let home = table.schema.as_deref().unwrap_or("public");
        let schema = self.schemas.get(home).cloned().or_else(|| table.schema.clone());
        TableName { schema, name: table.name.clone() }
    }

    /// Finds the schemas of the place, and lets names without one mean the place first.
    fn look(&mut self, session: &mut Session) -> Result<()> {
        let sql = postgres()
            .lit("SELECT pg_catalog.obj_description(n.oid, 'pg_namespace'), n.nspname FROM pg_catalog.pg_namespace n WHERE ")
            .part(&of_place(&self.key));
        let rows = session.rows(sql.text())?;
        let pairs = rows.into_iter().filter_map(|row| {
            let [home, name] = <[Option<String>; 2]>::try_from(row).ok()?;
            home.zip(name)
        });
        self.schemas = pairs.collect();
        let sql = postgres().lit("SET search_path = ").name(&schema_of(&self.key)).lit(", public, pg_temp");
        if self.is_there() { session.run(sql.text()).map(drop) } else { Ok(()) }
    }

    /// Moves what the open transaction made into the place, and takes keys, indexes and foreign keys of plain tables away,
    /// which are built better once the rows are in.
    pub(super) fn put_there(&mut self, session: &mut Session) -> Result<[Rounds; 2]> {
        let fresh = "AND x.xmin::text::bigint = pg_catalog.pg_current_xact_id()::text::bigint & 4294967295";
        let body = format!(
            "DECLARE s record; r record; aside text; BEGIN FOR s IN SELECT x.oid, x.nspname AS home, {is_new} AS made \
             FROM pg_catalog.pg_namespace x WHERE x.nspname !~ '^pg_' AND x.nspname <> 'information_schema' LOOP \
             aside := {name} || CASE WHEN s.home = 'public' THEN '' ELSE '_' || s.oid END; \
             IF s.made THEN EXECUTE pg_catalog.format('ALTER SCHEMA %I RENAME TO %I', s.home, aside); \
             ELSIF s.home = 'public' OR EXISTS (SELECT FROM pg_catalog.pg_class x WHERE x.relnamespace = s.oid {fresh}) \
             OR EXISTS (SELECT FROM pg_catalog.pg_type x WHERE x.typnamespace = s.oid {fresh}) \
             OR EXISTS (SELECT FROM pg_catalog.pg_proc x WHERE x.pronamespace = s.oid {fresh}) \
             THEN EXECUTE pg_catalog.format('CREATE SCHEMA %I', aside); {moves} \
             ELSE CONTINUE; END IF; \
             EXECUTE pg_catalog.format('COMMENT ON SCHEMA %I IS %L', aside, s.home); END LOOP; END",
            is_new = &fresh[4..],
            name = postgres().string(&schema_of(&self.key)).text(),
            moves = moves("s.oid", "aside", fresh),
        );
        session.run(postgres().lit("DO ").string(&body).text())?;
        self.look(session)?;
        self.put_off(session)
    }

    fn put_off(&self, session: &mut Session) -> Result<[Rounds; 2]> {
        // Foreign keys go first: the keys hang on them. What belongs to a partitioned table is made with its partitions.
        let foreign_keys = postgres()
            .lit("SELECT o.conrelid, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', o.conrelid::pg_catalog.regclass, ")
            .lit("o.conname, pg_catalog.pg_get_constraintdef(o.oid)), pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', ")
            .lit("o.conrelid::pg_catalog.regclass, o.conname) FROM pg_catalog.pg_constraint o ")
            .lit("JOIN pg_catalog.pg_namespace n ON n.oid = o.connamespace WHERE o.contype = 'f' AND o.conparentid = 0 AND ")
            .part(&of_place(&self.key))
            .lit(" ORDER BY o.oid");
        let foreign_keys =
            take_away(session, &foreign_keys)?.into_iter().map(|(_, statement)| vec![statement]).collect();
        let keys = postgres()
            .lit("SELECT c.oid, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', c.oid::pg_catalog.regclass, o.conname, ")
            .lit("pg_catalog.pg_get_constraintdef(o.oid)), pg_catalog.format('ALTER TABLE %s DROP CONSTRAINT %I', ")
            .lit("c.oid::pg_catalog.regclass, o.conname) FROM pg_catalog.pg_constraint o ")
            .lit("JOIN pg_catalog.pg_class c ON c.oid = o.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ")
            .lit("WHERE o.contype IN ('p', 'u', 'x') AND c.relkind = 'r' AND NOT c.relispartition AND ")
            .part(&of_place(&self.key))
            .part(&but_ours())
            .lit(" ORDER BY o.oid");
        let indexes = postgres()
            .lit("SELECT c.oid, pg_catalog.pg_get_indexdef(i.indexrelid), pg_catalog.format('DROP INDEX %s', ")
            .lit("i.indexrelid::pg_catalog.regclass) FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid ")
            .lit("JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace ")
            .lit("WHERE c.relkind = 'r' AND NOT c.relispartition AND ")
            .part(&of_place(&self.key))
            .part(&but_ours())
            .lit(" ORDER BY i.indexrelid");
        let mut of_tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for query in [keys, indexes] {
            for (table, statement) in take_away(session, &query)? {
                of_tables.entry(table).or_default().push(statement);
            }
        }
        // The planner learns of the rows before they are verified.
        let analyze = postgres()
            .lit("SELECT c.oid, pg_catalog.format('ANALYZE %s', c.oid::pg_catalog.regclass) FROM pg_catalog.pg_class c ")
            .lit("JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND ")
            .part(&of_place(&self.key))
            .part(&but_ours());
        for row in session.rows(analyze.text())? {
            let [Some(table), Some(statement)] = row.as_slice() else { continue };
            of_tables.entry(table.clone()).or_default().push(statement.clone());
        }
        Ok([of_tables.into_values().collect(), foreign_keys])
    }
}

/// Drops what a query finds; gives the table of each and what makes it again.
fn take_away(session: &mut Session, query: &Sql) -> Result<Vec<(String, String)>> {
    let mut taken = Vec::new();
    for row in session.rows(query.text())? {
        let [Some(table), Some(create), Some(drop)] = row.as_slice() else { continue };
        session.run(drop)?;
        taken.push((table.clone(), create.clone()));
    }
    Ok(taken)
}

/// Inside a transaction: everything of the place goes to the schemas it was made for, and the place away.
pub(super) fn swap_in(session: &mut Session, key: &str) -> Result<()> {
    let body = format!(
        "DECLARE s record; r record; BEGIN FOR s IN SELECT n.oid, n.nspname AS aside, \
         pg_catalog.obj_description(n.oid, 'pg_namespace') AS home FROM pg_catalog.pg_namespace n WHERE {of_place} LOOP \
         EXECUTE pg_catalog.format('DROP TABLE IF EXISTS %I.{progress}', s.aside); \
         IF EXISTS (SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname = s.home) THEN {moves} \
         EXECUTE pg_catalog.format('DROP SCHEMA %I', s.aside); \
         ELSE EXECUTE pg_catalog.format('COMMENT ON SCHEMA %I IS NULL', s.aside); \
         EXECUTE pg_catalog.format('ALTER SCHEMA %I RENAME TO %I', s.aside, s.home); END IF; END LOOP; END",
        of_place = of_place(key).text(),
        progress = mark::PROGRESS_TABLE,
        moves = moves("s.oid", "s.home", ""),
    );
    match session.attempt(postgres().lit("DO ").string(&body).text())? {
        Ok(_) => Ok(()),
        // Something in the place is not what was made there.
        Err(error) if explain::code(&error).as_deref() == Some("2BP01") => Err(foreign(key)),
        Err(error) => Err(explain::statement(&error)),
    }
}

fn foreign(key: &str) -> Error {
    Error::guard(format!("schema {} holds things that are not this program's", schema_of(key)))
        .hint("Move them elsewhere, or drop the schema; then restore again.")
}

pub(super) fn remove(session: &mut Session, key: &str) -> Result<()> {
    let sql = postgres()
        .lit("SELECT pg_catalog.format('DROP SCHEMA %I CASCADE', n.nspname) FROM pg_catalog.pg_namespace n WHERE ");
    for drop in session.rows(sql.part(&of_place(key)).text())?.into_iter().flatten().flatten() {
        session.run(&drop)?;
    }
    Ok(())
}

/// Statements of PL/pgSQL that move what lies in the schema `from`; `only` narrows it down.
fn moves(from: &str, to: &str, only: &str) -> String {
    let each = |select: String| {
        format!("FOR r IN {select} LOOP EXECUTE pg_catalog.format('ALTER %s SET SCHEMA %I', r.what, {to}); END LOOP; ")
    };
    // Sequences of columns, row types and arrays go with their table or type.
    let relations = each(format!(
        "SELECT CASE x.relkind WHEN 'S' THEN 'SEQUENCE ' WHEN 'c' THEN 'TYPE ' ELSE 'TABLE ' END || x.oid::pg_catalog.regclass \
         AS what FROM pg_catalog.pg_class x WHERE x.relnamespace = {from} AND x.relkind IN ('r', 'p', 'S', 'c') AND NOT \
         (x.relkind = 'S' AND EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND d.objid = x.oid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i'))) {only}"
    ));
    let types = each(format!(
        "SELECT CASE x.typtype WHEN 'd' THEN 'DOMAIN ' ELSE 'TYPE ' END || x.oid::pg_catalog.regtype AS what \
         FROM pg_catalog.pg_type x WHERE x.typnamespace = {from} AND x.typtype IN ('e', 'd', 'r') {only}"
    ));
    let multiranges = each(format!(
        "SELECT 'TYPE ' || x.oid::pg_catalog.regtype AS what FROM pg_catalog.pg_type x \
         WHERE x.typnamespace = {from} AND x.typtype = 'm' {only}"
    ));
    let routines = each(format!(
        "SELECT 'ROUTINE ' || x.oid::pg_catalog.regprocedure AS what FROM pg_catalog.pg_proc x \
         WHERE x.pronamespace = {from} AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE \
         d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = x.oid AND d.deptype = 'i') {only}"
    ));
    relations + &types + &multiranges + &routines
}

/// A condition on a schema `n`: it is one of the place's.
fn of_place(key: &str) -> Sql {
    let name = schema_of(key);
    let sql = postgres().lit("(n.nspname = ").string(&name).lit(" OR pg_catalog.left(n.nspname, ");
    sql.integer(length(&name) + 1).lit(") = ").string(&format!("{name}_")).lit(")").part(&commented())
}

/// A condition on a schema `n`: the comment tells that it is a place, whatever its name is like.
fn commented() -> Sql {
    postgres().lit(" AND pg_catalog.obj_description(n.oid, 'pg_namespace') IS NOT NULL")
}

/// A condition on a table `c`.
fn but_ours() -> Sql {
    postgres().lit(" AND c.relname <> ").string(mark::PROGRESS_TABLE)
}

fn length(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn postgres() -> Sql {
    Sql::new(EngineKind::Postgres)
}
