//! What dangles in the source itself, along every reference of a capture that takes all rows: asked by SQL, before anything
//! is read. References into tables that are left out are refused.

use crate::engine::sql::Sql;
use crate::engine::{Source, scalar};
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, Column, EngineKind, Family, TableName};
use crate::model::subset::Reference;
use crate::policy::{Plan, TablePlan};
use crate::run::{Context, state};

/// How many rows find no parent in the source, by reference of the plan. Those are recorded and warned of.
///
/// # Errors
/// Kind `Policy` when rows reference a table whose rows the policy leaves out.
pub(in crate::run) fn expected(
    context: &Context<'_>,
    source: &mut dyn Source,
    catalogue: &Catalogue,
    plan: &Plan,
) -> Result<Vec<u64>> {
    let has_rows = |name: &TableName| plan.tables.iter().any(|table| &table.table == name && table.mode.has_rows());
    refuse_lost(source, catalogue, plan)?;
    let mut expected = Vec::with_capacity(plan.subset.references.len());
    for reference in &plan.subset.references {
        let within = |error: Error| error.within(format!("reference {reference}"));
        if !has_rows(&reference.parent) {
            let rows = state::positive(scalar(source, complete(catalogue, reference)).map_err(within)?)?;
            expected.push(0);
            if rows > 0 {
                return Err(left_out(rows, &reference.child, &reference.parent));
            }
            continue;
        }
        let dangling = state::positive(scalar(source, dangling(catalogue, reference)).map_err(within)?)?;
        warn(context, reference, dangling);
        expected.push(dangling);
    }
    Ok(expected)
}

/// References that dangle in the source are captured as they are, with a word.
pub(in crate::run) fn warn(context: &Context<'_>, reference: &Reference, dangling: u64) {
    if dangling == 0 {
        return;
    }
    let what = if reference.undeclared {
        format!("{dangling} rows of {reference} find no parent in the source itself")
    } else {
        format!("{dangling} rows break the foreign key {} in the source itself", reference.name.escape_debug())
    };
    context.warn(what, Some("They are captured as they are; a restore reports them again.".into()));
}

fn left_out(rows: u64, child: &TableName, parent: &TableName) -> Error {
    Error::policy(format!("{rows} rows of {child} reference {parent}, whose rows the policy leaves out"))
        .hint(format!("Set mode = \"capture\" for {parent}, or mask the referencing column with null."))
}

/// Foreign keys into tables that are not in the catalogue (of another database, or missing) are no references of the plan.
pub(in crate::run) fn refuse_lost(source: &mut dyn Source, catalogue: &Catalogue, plan: &Plan) -> Result<()> {
    for table in plan.tables.iter().filter(|table| table.mode.has_rows()) {
        let Some(live) = catalogue.table(&table.table) else { continue };
        for key in live.foreign_keys.iter().filter(|key| catalogue.table(&key.parent).is_none()) {
            if key.columns.iter().any(|column| is_emptied(table, column)) {
                continue;
            }
            let rows = state::references(source, &live.name, key)?;
            if rows > 0 {
                return Err(left_out(rows, &live.name, &key.parent));
            }
        }
    }
    Ok(())
}

/// Whether every cell of the column becomes NULL.
fn is_emptied(table: &TablePlan, column: &str) -> bool {
    table.columns.iter().any(|mask| mask.column == column && mask.name == "null" && mask.when.is_none())
}

/// Counts the rows that reference something.
pub(super) fn complete(catalogue: &Catalogue, reference: &Reference) -> Sql {
    let sql = Sql::new(catalogue.engine).lit("SELECT count(*) FROM ").table(&reference.child).lit(" c WHERE ");
    let sql = sql.list(&reference.columns, " AND ", |sql, column| sql.column("c", column).lit(" IS NOT NULL"));
    let Some(of) = &reference.of_type else { return sql };
    match catalogue.engine {
        EngineKind::Sqlite => {
            let sql = sql.lit(" AND CAST(").column("c", &of.column).lit(" AS TEXT) = ").string(&of.value);
            sql.lit(" COLLATE BINARY")
        }
        EngineKind::Postgres => sql.lit(" AND ").column("c", &of.column).lit("::text = ").string(&of.value),
        EngineKind::Mysql | EngineKind::Mariadb => {
            let sql = sql.lit(" AND CONVERT(").column("c", &of.column).lit(" USING utf8mb4) COLLATE utf8mb4_bin = ");
            sql.string(&of.value)
        }
    }
}

/// Counts those that find no parent.
pub(super) fn dangling(catalogue: &Catalogue, reference: &Reference) -> Sql {
    let column = |table: &TableName, name: &str| {
        catalogue.table(table).and_then(|table| table.columns.get(table.column_index(name)?))
    };
    let sql = complete(catalogue, reference).lit(" AND NOT EXISTS (SELECT 1 FROM ").table(&reference.parent);
    let pairs = reference.parent_columns.iter().zip(&reference.columns);
    let sql = sql.lit(" p WHERE ").list(pairs, " AND ", |sql, (left, right)| {
        match column(&reference.parent, left).zip(column(&reference.child, right)) {
            // The engine took the two sides of a foreign key together, so it can compare them.
            Some((parent, child)) if reference.undeclared => equal(sql, catalogue, parent, child),
            _ => sql.column("p", left).lit(" = ").column("c", right),
        }
    });
    sql.lit(")")
}

/// `p.a = c.b`, also where the database would not compare the two as they are. SQLite takes the left side's collation.
fn equal(sql: Sql, catalogue: &Catalogue, parent: &Column, child: &Column) -> Sql {
    let number = |column: &Column| matches!(column.family, Family::Integer | Family::Real | Family::Numeric);
    let text = |column: &Column| column.family == Family::Text;
    match catalogue.engine {
        EngineKind::Postgres
            if parent.declared != child.declared
                && !(number(parent) && number(child))
                && !(text(parent) && text(child)) =>
        {
            sql.column("p", &parent.name).lit("::text = ").column("c", &child.name).lit("::text")
        }
        EngineKind::Mysql | EngineKind::Mariadb if text(parent) && text(child) => {
            let of = |column: &Column| {
                column.collation.clone().or_else(|| catalogue.settings.get("collation").cloned()).unwrap_or_default()
            };
            let (wanted, own) = (of(parent), of(child));
            let charset = wanted.split('_').next().unwrap_or_default();
            let sql = sql.column("p", &parent.name).lit(" = ");
            if wanted == own || charset.is_empty() || charset == "binary" {
                return sql.column("c", &child.name);
            }
            let sql = sql.lit("CONVERT(").column("c", &child.name).lit(" USING ").name(charset);
            sql.lit(") COLLATE ").name(&wanted)
        }
        _ => sql.column("p", &parent.name).lit(" = ").column("c", &child.name),
    }
}
