//! The PostgreSQL catalogue, from `pg_catalog`, with one query for each kind of thing.

use super::ddl::{self, Parts};
use super::objects;
use super::session::{Session, TextRow};
use crate::error::Result;
use crate::model::mark;
use crate::model::schema::{Catalogue, Column, EngineKind, ForeignKey, Table, TableKind, TableName, Traces, Unique};
use std::collections::{BTreeMap, HashMap};

/// Tables of the user's schemas that no extension owns.
pub(super) const USER_TABLES: &str = "n.nspname !~ '^(pg_|terp_fixtures$|terp_fixtures_load_)' AND n.nspname <> 'information_schema' AND NOT EXISTS \
    (SELECT 1 FROM pg_catalog.pg_depend x WHERE x.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
    AND x.objid = c.oid AND x.deptype = 'e')";

/// A text of a row; empty for NULL.
pub(super) fn cell(row: &TextRow, at: usize) -> &str {
    row.get(at).and_then(Option::as_deref).unwrap_or_default()
}

/// A text of a row.
pub(super) fn maybe(row: &TextRow, at: usize) -> Option<String> {
    row.get(at).cloned().flatten()
}

/// A table's name; the schema `public` is not written.
pub(super) fn table_name(schema: &str, name: &str) -> TableName {
    TableName { schema: (schema != "public").then(|| schema.to_owned()), name: name.to_owned() }
}

pub(super) fn read(session: &mut Session) -> Result<Catalogue> {
    read_all(session).map_err(|error| error.within("reading the catalogue"))
}

fn read_all(session: &mut Session) -> Result<Catalogue> {
    let mut own = Traces::default();
    let mut drafts = tables(session, &mut own)?;
    columns(session, &mut drafts, &mut own)?;
    constraints(session, &mut drafts)?;
    unique_indexes(session, &mut drafts)?;
    partitions(session, &mut drafts)?;
    let (pre, post) = objects::read(session)?;
    let mut tables: Vec<Table> = drafts.into_values().map(Draft::finish).collect();
    tables.sort_by(|a, b| a.name.cmp(&b.name));
    own.tables.sort();
    own.marked.sort();
    let version = session.rows("SELECT pg_catalog.current_setting('server_version')")?;
    let encoding = session.rows("SELECT pg_catalog.current_setting('server_encoding')")?;
    let first = |rows: &[TextRow]| rows.first().map(|row| cell(row, 0).to_owned()).unwrap_or_default();
    Ok(Catalogue {
        engine: EngineKind::Postgres,
        version: first(&version),
        settings: BTreeMap::from([("encoding".to_owned(), first(&encoding))]),
        tables,
        pre,
        post,
        own,
    })
}

/// A table on its way.
struct Draft {
    table: Table,
    parts: Parts,
    /// Columns by attribute number.
    places: HashMap<String, usize>,
}

impl Draft {
    fn finish(mut self) -> Table {
        self.table.create = self.parts.create();
        self.table
    }

    /// Indexes of the columns in `numbers`, which are attribute numbers between commas or spaces.
    fn indexes(&self, numbers: &str) -> Option<Vec<usize>> {
        numbers.split([',', ' ']).filter(|part| !part.is_empty()).map(|part| self.places.get(part).copied()).collect()
    }
}

type Drafts = BTreeMap<u32, Draft>;

fn oid(row: &TextRow) -> u32 {
    cell(row, 0).parse().unwrap_or_default()
}

fn tables(session: &mut Session, own: &mut Traces) -> Result<Drafts> {
    let rows = session.rows(&format!(
        "SELECT c.oid, n.nspname, c.relname, c.oid::pg_catalog.regclass, c.relkind, c.relpersistence, \
         CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END, \
         pg_catalog.array_to_string(c.reloptions, ', '), \
         (SELECT string_agg(i.inhparent::pg_catalog.regclass::text, ', ' ORDER BY i.inhseqno) \
          FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid), \
         c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_catalog.pg_inherits i WHERE i.inhparent = c.oid) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.relpersistence <> 't' AND {USER_TABLES}"
    ))?;
    let mut drafts = Drafts::new();
    for row in rows {
        let name = table_name(cell(&row, 1), cell(&row, 2));
        if mark::is_own_table(&name.name) {
            own.tables.push(name.name);
            continue;
        }
        // The rows of old-style inheritance show in parent and child at once; foreign tables have no rows here.
        let shares_rows = maybe(&row, 8).is_some() || cell(&row, 9) == "t" || cell(&row, 4) == "f";
        let table = Table {
            name,
            kind: if shares_rows { TableKind::Virtual } else { TableKind::Ordinary },
            columns: Vec::new(),
            primary_key: Vec::new(),
            uniques: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            create: String::new(),
            counter: false,
            strict: true,
        };
        let parts = Parts {
            name: cell(&row, 3).to_owned(),
            unlogged: cell(&row, 5) == "u",
            partition_by: maybe(&row, 6),
            options: maybe(&row, 7),
            inherits: maybe(&row, 8),
            ..Parts::default()
        };
        drafts.insert(oid(&row), Draft { table, parts, places: HashMap::new() });
    }
    Ok(drafts)
}

/// Defaults name no columns. Without their table the server writes them down at once; with it, it takes seconds for a
/// thousand columns.
fn columns(session: &mut Session, drafts: &mut Drafts, own: &mut Traces) -> Result<()> {
    let rows = session.rows(&format!(
        "SELECT a.attrelid, a.attnum, a.attname, pg_catalog.quote_ident(a.attname), \
         pg_catalog.format_type(a.atttypid, a.atttypmod), coalesce(b.typname, t.typname), coalesce(b.typtype, t.typtype), \
         CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, a.attnotnull, \
         pg_catalog.pg_get_expr(d.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE d.adrelid END), a.attidentity, a.attgenerated, \
         CASE WHEN a.attcollation <> t.typcollation THEN pg_catalog.quote_ident(cn.nspname) || '.' || \
         pg_catalog.quote_ident(co.collname) END, a.attislocal, s.text, s.seqrelid IS NOT NULL, pg_catalog.col_description(a.attrelid, a.attnum) \
         FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
         LEFT JOIN pg_catalog.pg_type b ON t.typtype = 'd' AND b.oid = t.typbasetype \
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation \
         LEFT JOIN pg_catalog.pg_namespace cn ON cn.oid = co.collnamespace \
         LEFT JOIN LATERAL (SELECT q.seqrelid, pg_catalog.format('SEQUENCE NAME %s START WITH %s INCREMENT BY %s \
         MINVALUE %s MAXVALUE %s CACHE %s%s', q.seqrelid::pg_catalog.regclass, q.seqstart, q.seqincrement, q.seqmin, \
         q.seqmax, q.seqcache, CASE WHEN q.seqcycle THEN ' CYCLE' END) AS text FROM pg_catalog.pg_depend o \
         JOIN pg_catalog.pg_sequence q ON q.seqrelid = o.objid WHERE o.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.refobjid = a.attrelid \
         AND o.refobjsubid = a.attnum AND o.deptype IN ('a', 'i') ORDER BY o.objid LIMIT 1) s ON true \
         WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.relpersistence <> 't' AND a.attnum > 0 \
         AND NOT a.attisdropped AND {USER_TABLES} ORDER BY a.attrelid, a.attnum"
    ))?;
    for row in rows {
        let Some(draft) = drafts.get_mut(&oid(&row)) else { continue };
        let name = cell(&row, 2);
        if mark::is_marker(name) {
            if name == mark::RUN_COLUMN {
                own.marked.push(draft.table.name.clone());
            }
            continue;
        }
        if cell(&row, 13) == "t" {
            draft.parts.lines.push(column_line(&row));
        }
        draft.places.insert(cell(&row, 1).to_owned(), draft.table.columns.len());
        draft.table.counter |= cell(&row, 15) == "t";
        let generated = !cell(&row, 11).is_empty();
        let identity = !cell(&row, 10).is_empty();
        let default = maybe(&row, 9).or_else(|| identity.then(|| "generated as identity".to_owned()));
        draft.table.columns.push(Column {
            name: name.to_owned(),
            declared: cell(&row, 4).to_owned(),
            family: ddl::family(cell(&row, 5), cell(&row, 6)),
            length: ddl::length(cell(&row, 5), cell(&row, 7)),
            nullable: cell(&row, 8) != "t",
            default,
            generated,
            collation: maybe(&row, 12),
            comment: maybe(&row, 16),
        });
    }
    Ok(())
}

fn column_line(row: &TextRow) -> String {
    let mut line = format!("{} {}", cell(row, 3), cell(row, 4));
    if let Some(collation) = maybe(row, 12) {
        line.push_str(&format!(" COLLATE {collation}"));
    }
    match (cell(row, 10), cell(row, 11), maybe(row, 9)) {
        ("a", ..) => line.push_str(&format!(" GENERATED ALWAYS AS IDENTITY ({})", cell(row, 14))),
        ("d", ..) => line.push_str(&format!(" GENERATED BY DEFAULT AS IDENTITY ({})", cell(row, 14))),
        (_, "s", Some(expression)) => line.push_str(&format!(" GENERATED ALWAYS AS ({expression}) STORED")),
        (_, "v", Some(expression)) => line.push_str(&format!(" GENERATED ALWAYS AS ({expression}) VIRTUAL")),
        (_, _, Some(default)) => line.push_str(&format!(" DEFAULT {default}")),
        _ => {}
    }
    if cell(row, 8) == "t" {
        line.push_str(" NOT NULL");
    }
    line
}

fn constraints(session: &mut Session, drafts: &mut Drafts) -> Result<()> {
    let rows = session.rows(&format!(
        "SELECT o.conrelid, o.contype, o.conname, pg_catalog.quote_ident(o.conname), \
         pg_catalog.array_to_string(o.conkey, ','), pg_catalog.pg_get_constraintdef(o.oid), pn.nspname, p.relname, \
         o.confdeltype, o.confupdtype, pg_catalog.to_json(ARRAY(SELECT a.attname FROM unnest(o.conkey) WITH ORDINALITY k(n, i) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.n ORDER BY k.i)), \
         pg_catalog.to_json(ARRAY(SELECT a.attname FROM unnest(o.confkey) WITH ORDINALITY k(n, i) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = o.confrelid AND a.attnum = k.n ORDER BY k.i)), o.conislocal AND (o.contype <> 'c' OR o.convalidated) \
         FROM pg_catalog.pg_constraint o JOIN pg_catalog.pg_class c ON c.oid = o.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_catalog.pg_class p ON p.oid = o.confrelid \
         LEFT JOIN pg_catalog.pg_namespace pn ON pn.oid = p.relnamespace \
         WHERE o.contype IN ('p', 'u', 'c', 'x', 'f') AND o.conparentid = 0 AND NOT c.relispartition AND {USER_TABLES} \
         ORDER BY o.conrelid, pg_catalog.strpos('pucxf', o.contype::text), o.conname"
    ))?;
    for row in rows {
        let Some(draft) = drafts.get_mut(&oid(&row)) else { continue };
        let (kind, name, definition) = (cell(&row, 1), cell(&row, 2), cell(&row, 5));
        if kind != "f" && cell(&row, 12) == "t" {
            draft.parts.lines.push(format!("CONSTRAINT {} {definition}", cell(&row, 3)));
        }
        match kind {
            "p" => draft.table.primary_key = draft.indexes(cell(&row, 4)).unwrap_or_default(),
            "u" => {
                let columns = draft.indexes(cell(&row, 4)).unwrap_or_default();
                draft.table.uniques.push(Unique { name: name.to_owned(), columns, partial: false });
            }
            "c" => draft.table.checks.push(definition.to_owned()),
            "f" => {
                let names = |at| serde_json::from_str(cell(&row, at)).unwrap_or_default();
                let key = ForeignKey {
                    name: objects::foreign_key_name(&draft.table.name, name),
                    columns: names(10),
                    parent: table_name(cell(&row, 6), cell(&row, 7)),
                    parent_columns: names(11),
                    on_delete: ddl::action(cell(&row, 8)),
                    on_update: ddl::action(cell(&row, 9)),
                };
                draft.table.foreign_keys.push(key);
            }
            _ => {}
        }
    }
    Ok(())
}

/// Unique indexes that no constraint stands for.
fn unique_indexes(session: &mut Session, drafts: &mut Drafts) -> Result<()> {
    let rows = session.rows(&format!(
        "SELECT i.indrelid, x.relname, (SELECT string_agg(k.n::text, ',' ORDER BY k.i) FROM unnest(i.indkey::int2[]) \
         WITH ORDINALITY k(n, i) WHERE k.i <= i.indnkeyatts), i.indpred IS NOT NULL OR i.indexprs IS NOT NULL \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indrelid \
         JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE i.indisunique AND NOT c.relispartition AND {USER_TABLES} AND NOT EXISTS (SELECT 1 FROM \
         pg_catalog.pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u')) \
         ORDER BY i.indrelid, x.relname"
    ))?;
    for row in rows {
        let Some(draft) = drafts.get_mut(&oid(&row)) else { continue };
        let columns = draft.indexes(cell(&row, 2));
        let partial = cell(&row, 3) == "t" || columns.is_none();
        let unique = Unique { name: cell(&row, 1).to_owned(), columns: columns.unwrap_or_default(), partial };
        draft.table.uniques.push(unique);
    }
    Ok(())
}

/// A partition is part of its root: its rows are read and written through it, and it is created with it.
fn partitions(session: &mut Session, drafts: &mut Drafts) -> Result<()> {
    let rows = session.rows(
        "SELECT pg_catalog.pg_partition_root(c.oid)::oid, c.oid::pg_catalog.regclass, i.inhparent::pg_catalog.regclass, \
         pg_catalog.pg_get_expr(c.relpartbound, c.oid), \
         CASE WHEN c.relkind = 'p' THEN pg_catalog.pg_get_partkeydef(c.oid) END \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid \
         WHERE c.relispartition AND c.relkind IN ('r', 'p') \
         ORDER BY (SELECT count(*) FROM pg_catalog.pg_partition_ancestors(c.oid)), c.oid::pg_catalog.regclass::text",
    )?;
    for row in rows {
        let Some(draft) = drafts.get_mut(&oid(&row)) else { continue };
        let mut text = format!("CREATE TABLE {} PARTITION OF {} {}", cell(&row, 1), cell(&row, 2), cell(&row, 3));
        if let Some(key) = maybe(&row, 4) {
            text.push_str(&format!(" PARTITION BY {key}"));
        }
        draft.parts.partitions.push(text);
    }
    Ok(())
}
