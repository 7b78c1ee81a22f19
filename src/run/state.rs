//! Questions about the rows of a database: counts, dangling references, digests of content.

use crate::engine::sql::{self, Sql};
use crate::engine::{Query, Source, scalar};
use crate::error::{Error, Result};
use crate::model::digest::ContentDigest;
use crate::model::schema::{Catalogue, EngineKind, ForeignKey, Table, TableKind, TableName};
use crate::policy::{Extra, Hop};

/// The number of rows of a table.
///
/// # Errors
/// As [`Source::read`].
pub fn count<S: Source + ?Sized>(source: &mut S, table: &TableName) -> Result<u64> {
    let sql = Sql::new(source.engine()).lit("SELECT count(*) FROM ").table(table);
    positive(scalar(source, sql)?)
}

/// The number of rows `t` of a table for which a condition holds.
///
/// # Errors
/// As [`Source::read`].
pub fn count_where<S: Source + ?Sized>(source: &mut S, table: &TableName, condition: &Sql) -> Result<u64> {
    let sql = Sql::new(source.engine()).lit("SELECT count(*) FROM ").table(table).lit(" t WHERE ");
    positive(scalar(source, sql.part(condition))?)
}

/// A count as an unsigned number.
pub(super) fn positive(count: i64) -> Result<u64> {
    u64::try_from(count).map_err(|_| Error::internal("a count is negative"))
}

/// Rows of `child` whose reference is complete (no part NULL), optionally of one run only.
fn complete_references(engine: EngineKind, child: &TableName, key: &ForeignKey) -> Sql {
    Sql::new(engine).lit("SELECT count(*) FROM ").table(child).lit(" c WHERE ").list(
        &key.columns,
        " AND ",
        |sql, column| sql.column("c", column).lit(" IS NOT NULL"),
    )
}

/// The number of complete references of a foreign key.
///
/// # Errors
/// As [`Source::read`].
pub fn references<S: Source + ?Sized>(source: &mut S, child: &TableName, key: &ForeignKey) -> Result<u64> {
    positive(scalar(source, complete_references(source.engine(), child, key))?)
}

/// References that find no parent, but for those of rows `c` for which one of the conditions `without` holds.
///
/// # Errors
/// As [`Source::read`].
pub fn dangling<S: Source + ?Sized>(
    source: &mut S,
    child: &TableName,
    key: &ForeignKey,
    without: &[Sql],
) -> Result<u64> {
    let mut sql = complete_references(source.engine(), child, key)
        .lit(" AND NOT EXISTS (SELECT 1 FROM ")
        .table(&key.parent)
        .lit(" p WHERE ")
        .part(&joined(source.engine(), "p", "c", &key.parent_columns, &key.columns))
        .lit(")");
    for condition in without {
        sql = sql.lit(" AND NOT ").part(condition);
    }
    positive(scalar(source, sql).map_err(|error| error.within(format!("table {child}")))?)
}

/// `left.a = right.x AND left.b = right.y`. The left side's collation decides in SQLite, so parents stand left.
pub(super) fn joined(
    engine: EngineKind,
    left: &'static str,
    right: &'static str,
    left_columns: &[String],
    right_columns: &[String],
) -> Sql {
    Sql::new(engine).list(left_columns.iter().zip(right_columns), " AND ", |sql, (a, b)| {
        sql.column(left, a).lit(" = ").column(right, b)
    })
}

/// All rows of a table in a stable order: by primary key, else as the engine stores them.
#[must_use]
pub fn ordered_rows(engine: EngineKind, table: &Table) -> Query {
    asked_rows(engine, table, &[], None)
}

/// As [`ordered_rows`], with what masks ask beside the stored columns; of the stored ones only those that are `needed`, NULL in
/// place of the others, so that cells keep their places.
#[must_use]
pub(super) fn asked_rows(engine: EngineKind, table: &Table, extras: &[Extra], needed: Option<&[usize]>) -> Query {
    let columns = table.stored_columns().len() + extras.len();
    Query { sql: ordered(selected(engine, table, extras, needed), table), columns }
}

/// The part of [`asked_rows`] from the first bound on and below the second, by the primary key's first column, which
/// holds whole numbers.
#[must_use]
pub(super) fn ordered_part(
    engine: EngineKind,
    table: &Table,
    extras: &[Extra],
    column: &str,
    bounds: (Option<i64>, Option<i64>),
) -> Query {
    let conditions = [(" >= ", bounds.0), (" < ", bounds.1)];
    let conditions = conditions.into_iter().filter_map(|(than, bound)| bound.map(|bound| (than, bound)));
    let sql = selected(engine, table, extras, None).lit(" WHERE ");
    let sql = sql.list(conditions, " AND ", |sql, (than, bound)| sql.name(column).lit(than).integer(bound));
    Query { sql: ordered(sql, table), columns: table.stored_columns().len() + extras.len() }
}

/// All rows, in the order of [`asked_rows`], with `asks` behind what masks ask.
#[must_use]
pub(super) fn asking_rows(engine: EngineKind, table: &Table, extras: &[Extra], asks: &[Sql]) -> Query {
    let columns = table.stored_columns().len() + extras.len() + asks.len();
    Query { sql: ordered(chosen(engine, table, extras, None, asks), table), columns }
}

/// The rows that `condition` finds, in the order of [`asked_rows`], with `asks` behind what masks ask.
#[must_use]
pub(super) fn selected_rows(
    engine: EngineKind,
    table: &Table,
    extras: &[Extra],
    needed: Option<&[usize]>,
    (asks, condition): (&[Sql], &Sql),
) -> Query {
    let columns = table.stored_columns().len() + extras.len() + asks.len();
    let sql = chosen(engine, table, extras, needed, asks).lit(" WHERE ").part(condition);
    Query { sql: ordered(sql, table), columns }
}

fn selected(engine: EngineKind, table: &Table, extras: &[Extra], needed: Option<&[usize]>) -> Sql {
    chosen(engine, table, extras, needed, &[])
}

fn chosen(engine: EngineKind, table: &Table, extras: &[Extra], needed: Option<&[usize]>, asks: &[Sql]) -> Sql {
    let stored = table.stored_columns();
    let sql = Sql::new(engine).lit("SELECT ").list(stored.iter().enumerate(), ", ", |sql, (cell, &at)| match needed {
        Some(needed) if !needed.contains(&cell) => sql.lit("NULL"),
        _ => sql::exact_column(sql, &table.columns[at]),
    });
    let asked = |sql: Sql, extra: &Extra| match extra {
        // Unknown (NULL) counts as holding: the mask applies.
        Extra::Condition(text) => sql.lit("CASE WHEN NOT ").user_condition(text).lit(" THEN 0 ELSE 1 END"),
        Extra::Path { hops, value } => along(sql, table, hops, value),
    };
    let sql = extras.iter().fold(sql, |sql, extra| asked(sql.lit(", "), extra));
    let sql = asks.iter().fold(sql, |sql, ask| sql.lit(", ").part(ask));
    sql.lit(" FROM ").table(&table.name)
}

/// The value at the end of references, as nested subqueries: `(SELECT p.client_id FROM orders p WHERE p.id = invoices.order_id)`.
fn along(sql: Sql, table: &Table, hops: &[Hop], value: &str) -> Sql {
    const NAMES: [&str; 4] = ["terp_p1", "terp_p2", "terp_p3", "terp_p4"];
    fn step(sql: Sql, at: usize, table: &Table, hops: &[Hop], value: &str) -> Sql {
        let (Some(hop), Some(name)) = (hops.get(at), NAMES.get(at)) else {
            return sql.column(NAMES[at.saturating_sub(1).min(3)], value);
        };
        let sql =
            step(sql.lit("(SELECT "), at + 1, table, hops, value).lit(" FROM ").table(&hop.table).lit(" ").lit(name);
        let sql = sql.lit(" WHERE ").column(name, &hop.key).lit(" = ");
        match at {
            0 => sql.name(&table.name.name).lit(".").name(&hop.column),
            _ => sql.column(NAMES[at - 1], &hop.column),
        }
        .lit(")")
    }
    step(sql, 0, table, hops, value)
}

/// Appends the stable order of a table's rows.
fn ordered(sql: Sql, table: &Table) -> Sql {
    let mut names: Vec<&str> = table.primary_key.iter().map(|&at| table.columns[at].name.as_str()).collect();
    // A SQLite key may hold NULLs, and tables without a key have only the row id to order by.
    if sql.engine() == EngineKind::Sqlite {
        names.extend(table.rowid_name());
    }
    if names.is_empty() {
        return sql;
    }
    sql.lit(" ORDER BY ").list(names, ", ", super::super::engine::sql::Sql::name)
}

/// The digest of a table's rows `t` for which a condition holds, or of all, over `columns`.
///
/// # Errors
/// As [`Source::read`].
pub fn marked_digest<S: Source + ?Sized>(
    source: &mut S,
    table: &Table,
    columns: &[String],
    condition: Option<&Sql>,
) -> Result<ContentDigest> {
    let sql = Sql::new(source.engine())
        .lit("SELECT ")
        .list(columns, ", ", |sql, name| match table.column_index(name) {
            Some(at) => sql::exact_column(sql, &table.columns[at]),
            None => sql.name(name),
        })
        .lit(" FROM ")
        .table(&table.name)
        .lit(" t");
    let sql = condition.into_iter().fold(sql, |sql, condition| sql.lit(" WHERE ").part(condition));
    digest(source, &Query { sql, columns: columns.len() })
}

fn digest<S: Source + ?Sized>(source: &mut S, query: &Query) -> Result<ContentDigest> {
    let mut digest = ContentDigest::default();
    source.read(query, &mut |batch| {
        digest.add(&batch);
        Ok(())
    })?;
    Ok(digest)
}

/// One digest of everything in a database that is not this tool's: schema, settings and the rows of every table. Two
/// databases with the same digest hold the same content.
///
/// # Errors
/// As [`Source::read`].
pub fn database_digest<S: Source + ?Sized>(source: &mut S, catalogue: &Catalogue) -> Result<String> {
    let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 database content");
    let mut add = |part: &str| {
        hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
    };
    for (name, value) in &catalogue.settings {
        add(name);
        add(value);
    }
    for table in &catalogue.tables {
        add(&table.name.to_string());
        add(&table.create);
        if table.kind == TableKind::Ordinary {
            add(&digest(source, &ordered_rows(catalogue.engine, table))?.to_hex());
        }
    }
    for object in &catalogue.post {
        add(&object.name);
        add(&object.create);
    }
    Ok(hasher.finalize().to_hex().to_string())
}
