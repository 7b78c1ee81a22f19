//! What is not a table: before the data schemas, extensions, types, sequences and functions; after it indexes, foreign
//! keys, views and triggers. Views and functions come in the order of their dependencies.
//!
//! The name of an object is the server's own quoted spelling, for functions with their argument types.

use super::catalog::{USER_TABLES, cell, maybe, table_name};
use super::session::{Session, TextRow};
use crate::error::Result;
use crate::model::mark;
use crate::model::schema::{SchemaObject, TableName};
use std::collections::{BTreeMap, BTreeSet};

/// A foreign key's name; constraint names alone are unique per table only.
pub(super) fn foreign_key_name(table: &TableName, constraint: &str) -> String {
    format!("{table}.{constraint}")
}

pub(super) fn read(session: &mut Session) -> Result<(Vec<SchemaObject>, Vec<SchemaObject>)> {
    let mut pre = simple(
        session,
        "SELECT 'schema', pg_catalog.quote_ident(nspname), 'CREATE SCHEMA IF NOT EXISTS ' || pg_catalog.quote_ident(nspname) \
         FROM pg_catalog.pg_namespace n WHERE nspname !~ '^(pg_|terp_fixtures$|terp_fixtures_load_)' AND nspname NOT IN ('information_schema', 'public') \
         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass \
         AND x.objid = n.oid AND x.deptype = 'e') ORDER BY nspname",
    )?;
    pre.extend(simple(
        session,
        "SELECT 'extension', pg_catalog.quote_ident(e.extname), pg_catalog.format('CREATE EXTENSION IF NOT EXISTS %I WITH \
         SCHEMA %I', e.extname, n.nspname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n \
         ON n.oid = e.extnamespace WHERE e.extname <> 'plpgsql' ORDER BY e.oid",
    )?);
    let (early, late) = ordered(session)?;
    pre.extend(early);
    let mut post = indexes(session, "'r', 'p'")?;
    post.extend(foreign_keys(session)?);
    post.extend(late);
    post.extend(unvalidated_checks(session)?);
    post.extend(indexes(session, "'m'")?);
    post.extend(triggers(session)?);
    post.extend(owned_sequences(session)?);
    post.extend(comments(session)?);
    post.extend(simple(
        session,
        "SELECT 'comment', p.oid::pg_catalog.regprocedure, pg_catalog.format('COMMENT ON %s %s IS %L', CASE p.prokind \
         WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, p.oid::pg_catalog.regprocedure, d.description) \
         FROM pg_catalog.pg_description d JOIN pg_catalog.pg_proc p ON p.oid = d.objoid AND p.prokind IN ('f', 'p', 'w') \
         JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         WHERE d.classoid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND n.nspname !~ '^(pg_|terp_fixtures$|terp_fixtures_load_)' \
         AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x \
         WHERE x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.objid = p.oid AND x.deptype = 'e') ORDER BY 2",
    )?);
    Ok((pre, post))
}

fn object(row: &TextRow) -> SchemaObject {
    SchemaObject { kind: cell(row, 0).into(), name: cell(row, 1).into(), table: None, create: cell(row, 2).into() }
}

fn simple(session: &mut Session, query: &str) -> Result<Vec<SchemaObject>> {
    Ok(session.rows(query)?.iter().map(object).collect())
}

/// Objects that other objects are made of. Each query yields kind, name, statement and a key like the ones of [`EDGES`].
const NODES: [&str; 4] = [
    // Enums, domains and ranges.
    "SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, pg_catalog.format_type(t.oid, NULL), \
     CASE t.typtype WHEN 'e' THEN pg_catalog.format('CREATE TYPE %s AS ENUM (%s)', pg_catalog.format_type(t.oid, NULL), \
     (SELECT string_agg(pg_catalog.quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e \
     WHERE e.enumtypid = t.oid)) \
     WHEN 'd' THEN pg_catalog.format('CREATE DOMAIN %s AS %s%s%s%s', pg_catalog.format_type(t.oid, NULL), \
     pg_catalog.format_type(t.typbasetype, t.typtypmod), ' DEFAULT ' || t.typdefault, \
     CASE WHEN t.typnotnull THEN ' NOT NULL' END, (SELECT string_agg(pg_catalog.format(' CONSTRAINT %I %s', o.conname, \
     pg_catalog.pg_get_constraintdef(o.oid)), '' ORDER BY o.conname) FROM pg_catalog.pg_constraint o \
     WHERE o.contypid = t.oid AND o.contype = 'c')) \
     ELSE pg_catalog.format('CREATE TYPE %s AS RANGE (SUBTYPE = %s, MULTIRANGE_TYPE_NAME = %s)', \
     pg_catalog.format_type(t.oid, NULL), pg_catalog.format_type(r.rngsubtype, NULL), \
     pg_catalog.format_type(r.rngmultitypid, NULL)) END, 't' || t.oid \
     FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
     LEFT JOIN pg_catalog.pg_range r ON r.rngtypid = t.oid WHERE t.typtype IN ('e', 'd', 'r') AND n.nspname !~ '^(pg_|terp_fixtures$|terp_fixtures_load_)' \
     AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x \
     WHERE x.classid = 'pg_catalog.pg_type'::pg_catalog.regclass AND x.objid = t.oid AND x.deptype = 'e')",
    // Composite types, sequences and views.
    "SELECT CASE c.relkind WHEN 'c' THEN 'type' WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' ELSE 'materialized view' END, \
     CASE c.relkind WHEN 'c' THEN pg_catalog.format_type(c.reltype, NULL) ELSE c.oid::pg_catalog.regclass::text END, \
     CASE c.relkind WHEN 'c' THEN pg_catalog.format('CREATE TYPE %s AS (%s)', pg_catalog.format_type(c.reltype, NULL), \
     (SELECT string_agg(pg_catalog.format('%I %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)), ', ' \
     ORDER BY a.attnum) FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)) \
     WHEN 'S' THEN pg_catalog.format('CREATE SEQUENCE %s AS %s START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s \
     CACHE %s%s', c.oid::pg_catalog.regclass, pg_catalog.format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, \
     s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' END) \
     ELSE pg_catalog.format('CREATE %s %s%s AS %s', CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END, \
     c.oid::pg_catalog.regclass, ' WITH (' || pg_catalog.array_to_string(c.reloptions, ', ') || ')', \
     pg_catalog.rtrim(pg_catalog.pg_get_viewdef(c.oid), ';')) END, 'c' || c.oid \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     LEFT JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid WHERE c.relkind IN ('c', 'S', 'v', 'm') \
     AND c.relpersistence <> 't' AND {USER} AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend i WHERE i.deptype = 'i' \
     AND c.relkind = 'S' AND i.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND i.objid = c.oid)",
    // Functions and procedures.
    "SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END, p.oid::pg_catalog.regprocedure, \
     pg_catalog.pg_get_functiondef(p.oid), 'p' || p.oid FROM pg_catalog.pg_proc p \
     JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE p.prokind IN ('f', 'p', 'w') AND n.nspname !~ '^(pg_|terp_fixtures$|terp_fixtures_load_)' \
     AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_depend x \
     WHERE x.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND x.objid = p.oid AND x.deptype IN ('e', 'i'))",
    // Tables, which only make what hangs on them late.
    "SELECT 'table', c.relname, '', 'c' || c.oid FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p', 'f') AND c.oid >= 16384",
];

/// Which object needs which: rules stand for their view, constraints for their domain, arrays for their element,
/// row types for their relation.
const EDGES: &str = "SELECT DISTINCT CASE d.classid \
     WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN 'c' || w.ev_class \
     WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN 't' || o.contypid \
     WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'p' || d.objid \
     WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN CASE WHEN a.typrelid <> 0 THEN 'c' || a.typrelid ELSE 't' || d.objid END \
     ELSE 'c' || d.objid END, CASE d.refclassid \
     WHEN 'pg_catalog.pg_proc'::pg_catalog.regclass THEN 'p' || d.refobjid \
     WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN 'c' || d.refobjid \
     ELSE CASE WHEN coalesce(e.typrelid, t.typrelid) <> 0 THEN 'c' || coalesce(e.typrelid, t.typrelid) \
     ELSE 't' || coalesce(r.rngtypid, e.oid, t.oid) END END \
     FROM pg_catalog.pg_depend d LEFT JOIN pg_catalog.pg_rewrite w ON w.oid = d.objid \
     LEFT JOIN pg_catalog.pg_constraint o ON o.oid = d.objid LEFT JOIN pg_catalog.pg_type a ON a.oid = d.objid \
     LEFT JOIN pg_catalog.pg_type t ON t.oid = d.refobjid \
     LEFT JOIN pg_catalog.pg_type e ON t.typcategory = 'A' AND e.oid = t.typelem \
     LEFT JOIN pg_catalog.pg_range r ON r.rngmultitypid = t.oid \
     WHERE d.deptype = 'n' AND d.objid >= 16384 AND d.refobjid >= 16384 AND d.classid IN \
     ('pg_catalog.pg_rewrite'::pg_catalog.regclass, 'pg_catalog.pg_constraint'::pg_catalog.regclass, \
     'pg_catalog.pg_proc'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass, \
     'pg_catalog.pg_class'::pg_catalog.regclass) AND d.refclassid IN ('pg_catalog.pg_proc'::pg_catalog.regclass, \
     'pg_catalog.pg_class'::pg_catalog.regclass, 'pg_catalog.pg_type'::pg_catalog.regclass)";

/// Types, sequences, functions and views in working order: those that need no table, and those that do.
fn ordered(session: &mut Session) -> Result<(Vec<SchemaObject>, Vec<SchemaObject>)> {
    let mut nodes = BTreeMap::new();
    for query in NODES {
        for row in session.rows(&query.replace("{USER}", USER_TABLES))? {
            nodes.insert(cell(&row, 3).to_owned(), object(&row));
        }
    }
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in session.rows(EDGES)? {
        let (from, to) = (cell(&row, 0), cell(&row, 1));
        if from != to && nodes.contains_key(from) && nodes.contains_key(to) {
            needs.entry(from.to_owned()).or_default().insert(to.to_owned());
        }
    }
    let rank =
        |kind: &str| ["type", "domain", "sequence", "function", "procedure"].iter().position(|known| *known == kind);
    let mut waiting: Vec<&String> = nodes.keys().filter(|key| nodes[*key].kind != "table").collect();
    waiting.sort_by_key(|key| (rank(&nodes[*key].kind).unwrap_or(9), &nodes[*key].name));
    let mut placed: BTreeSet<&String> = nodes.keys().filter(|key| nodes[*key].kind == "table").collect();
    let mut late: BTreeSet<&String> = placed.clone();
    let (mut early_objects, mut late_objects) = (Vec::new(), Vec::new());
    while !waiting.is_empty() {
        let free = |key: &&String| needs.get(*key).is_none_or(|needed| needed.iter().all(|one| placed.contains(one)));
        // Whoever is on a cycle is tried in name order.
        let next = waiting.iter().position(free).unwrap_or(0);
        let key = waiting.remove(next);
        let object = nodes[key].clone();
        let is_late = object.kind.ends_with("view")
            || needs.get(key).is_some_and(|needed| needed.iter().any(|one| late.contains(one)));
        if is_late {
            late.insert(key);
            late_objects.push(object);
        } else {
            early_objects.push(object);
        }
        placed.insert(key);
    }
    Ok((early_objects, late_objects))
}

/// Objects of a table; the rows yield kind, name, statement, schema and table. What belongs to a view or a partition
/// names the view as the server spells it, and the root.
fn of_tables(session: &mut Session, query: &str) -> Result<Vec<SchemaObject>> {
    let rows = session.rows(query)?;
    let objects = rows.iter().filter_map(|row| {
        let table = match maybe(row, 5) {
            Some(view) => TableName::plain(view),
            None => table_name(cell(row, 3), cell(row, 4)),
        };
        (!mark::is_own_table(&table.name)).then(|| SchemaObject { table: Some(table), ..object(row) })
    });
    Ok(objects.collect())
}

fn indexes(session: &mut Session, kinds: &str) -> Result<Vec<SchemaObject>> {
    of_tables(
        session,
        &format!(
            "SELECT 'index', i.indexrelid::pg_catalog.regclass, pg_catalog.pg_get_indexdef(i.indexrelid), rn.nspname, \
             r.relname, CASE WHEN c.relkind = 'm' THEN c.oid::pg_catalog.regclass::text END \
             FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
             JOIN pg_catalog.pg_class r ON r.oid = coalesce(CASE WHEN c.relispartition THEN \
             pg_catalog.pg_partition_root(c.oid)::oid END, c.oid) \
             JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace \
             WHERE c.relkind IN ({kinds}) AND NOT x.relispartition AND {USER_TABLES} AND NOT EXISTS (SELECT 1 FROM \
             pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x')) \
             ORDER BY rn.nspname, r.relname, x.relname"
        ),
    )
}

fn foreign_keys(session: &mut Session) -> Result<Vec<SchemaObject>> {
    let mut keys = of_tables(
        session,
        &format!(
            "SELECT 'foreign key', o.conname, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', \
             c.oid::pg_catalog.regclass, o.conname, pg_catalog.pg_get_constraintdef(o.oid)), n.nspname, c.relname, NULL \
             FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE o.contype = 'f' AND o.conparentid = 0 \
             AND NOT c.relispartition AND {USER_TABLES} ORDER BY n.nspname, c.relname, o.conname"
        ),
    )?;
    for key in &mut keys {
        if let Some(table) = &key.table {
            key.name = foreign_key_name(table, &key.name);
        }
    }
    Ok(keys)
}

/// CREATE TABLE would take a check that is NOT VALID for one that every row passed.
fn unvalidated_checks(session: &mut Session) -> Result<Vec<SchemaObject>> {
    of_tables(
        session,
        &format!(
            "SELECT 'check', o.conname, pg_catalog.format('ALTER TABLE %s ADD CONSTRAINT %I %s', \
             c.oid::pg_catalog.regclass, o.conname, pg_catalog.pg_get_constraintdef(o.oid)), n.nspname, c.relname, NULL \
             FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE o.contype = 'c' AND NOT o.convalidated \
             AND o.conislocal AND NOT c.relispartition AND {USER_TABLES} ORDER BY n.nspname, c.relname, o.conname"
        ),
    )
}

fn triggers(session: &mut Session) -> Result<Vec<SchemaObject>> {
    of_tables(
        session,
        &format!(
            "SELECT 'trigger', t.tgname, pg_catalog.pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE \
             pg_catalog.format('; ALTER TABLE %s %s TRIGGER %I', c.oid::pg_catalog.regclass, CASE t.tgenabled \
             WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, t.tgname) END, \
             rn.nspname, r.relname, CASE WHEN c.relkind = 'v' THEN c.oid::pg_catalog.regclass::text END \
             FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_class r ON r.oid = coalesce(CASE WHEN c.relispartition THEN \
             pg_catalog.pg_partition_root(c.oid)::oid END, c.oid) \
             JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace \
             WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgname !~ '^terp_fixtures_' AND {USER_TABLES} ORDER BY rn.nspname, r.relname, t.tgname"
        ),
    )
}

/// Sequences of serial columns go with their column.
fn owned_sequences(session: &mut Session) -> Result<Vec<SchemaObject>> {
    of_tables(
        session,
        &format!(
            "SELECT 'ownership', q.oid::pg_catalog.regclass, pg_catalog.format('ALTER SEQUENCE %s OWNED BY %s.%I', \
             q.oid::pg_catalog.regclass, c.oid::pg_catalog.regclass, a.attname), n.nspname, c.relname, NULL \
             FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class q ON q.oid = d.objid AND q.relkind = 'S' \
             JOIN pg_catalog.pg_class c ON c.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid \
             WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype = 'a' AND d.refobjsubid > 0 \
             AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND {USER_TABLES} \
             ORDER BY n.nspname, c.relname, a.attnum, q.relname"
        ),
    )
}

fn comments(session: &mut Session) -> Result<Vec<SchemaObject>> {
    of_tables(
        session,
        &format!(
            "SELECT 'comment', c.oid::pg_catalog.regclass::text || coalesce('.' || pg_catalog.quote_ident(a.attname), ''), \
             pg_catalog.format('COMMENT ON %s %s IS %L', CASE WHEN a.attname IS NOT NULL THEN 'COLUMN' WHEN c.relkind = 'v' THEN 'VIEW' \
             WHEN c.relkind = 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, \
             c.oid::pg_catalog.regclass::text || coalesce('.' || pg_catalog.quote_ident(a.attname), ''), d.description), \
             n.nspname, c.relname, CASE WHEN c.relkind IN ('v', 'm') THEN c.oid::pg_catalog.regclass::text END \
             FROM pg_catalog.pg_description d \
             JOIN pg_catalog.pg_class c ON c.oid = d.objoid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0 \
             WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.relkind IN ('r', 'p', 'v', 'm') \
             AND NOT c.relispartition AND {USER_TABLES} ORDER BY n.nspname, c.relname, d.objsubid"
        ),
    )
}
