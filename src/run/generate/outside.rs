//! `--only-empty`: tables that have rows already get none, and new rows reference theirs by keys that are read from the database.

use crate::classify::Guesses;
use crate::engine::sql::Sql;
use crate::engine::{Query, Source};
use crate::error::{Error, Result};
use crate::generate::make;
use crate::generate::value::{Number, Value};
use crate::generate::world::World;
use crate::model::batch::Cell;
use crate::model::schema::{Catalogue, Family, Table, TableKind, TableName};
use crate::model::subset::Reference;
use crate::run::{Context, state};
use std::collections::{BTreeMap, BTreeSet};

/// As many keys of a table as new rows can be spread over.
const MOST: i64 = 10_000;

/// Tables that are left out, and keys of their rows.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) tables: BTreeSet<TableName>,
    pub(super) keys: BTreeMap<TableName, make::Outside>,
}

/// Looks which tables have rows, and reads the keys of those that others reference.
///
/// # Errors
/// Kind `Policy` where such a key is personal: it would go into the snapshot unmasked.
pub(super) fn read(
    context: &Context<'_>,
    source: &mut dyn Source,
    catalogue: &Catalogue,
    references: &[Reference],
) -> Result<Outside> {
    context.stage("looking which tables are empty");
    let guesses = Guesses::of(&catalogue.tables);
    let mut outside = Outside::default();
    for table in catalogue.tables.iter().filter(|table| table.kind == TableKind::Ordinary) {
        context.cancel.check()?;
        if state::count(source, &table.name)? > 0 {
            outside.tables.insert(table.name.clone());
        }
    }
    for (at, table) in catalogue.tables.iter().enumerate().filter(|(_, table)| outside.tables.contains(&table.name)) {
        let here =
            |reference: &&Reference| reference.parent == table.name && !outside.tables.contains(&reference.child);
        let names: BTreeSet<&String> = references.iter().filter(here).flat_map(|it| &it.parent_columns).collect();
        let columns: Vec<usize> = names.iter().filter_map(|name| table.column_index(name)).collect();
        if columns.is_empty() {
            continue;
        }
        let personal = |&&column: &&usize| guesses.at(at, column).is_some_and(|guess| guess.tier.wants_mask());
        if let Some(&column) = columns.iter().find(personal) {
            let name = table.columns[column].name.escape_debug();
            let what = format!("table {}: new rows would reference it by {name}, which looks personal", table.name);
            return Err(Error::policy(what).hint(
                "Keys of existing rows go into the snapshot as they are. Make the table's rows too (without --only-empty), or give those that reference it no rows: --rows TABLE=0.",
            ));
        }
        outside.keys.insert(table.name.clone(), keys(source, table, &columns)?);
    }
    Ok(outside)
}

fn keys(source: &mut dyn Source, table: &Table, columns: &[usize]) -> Result<make::Outside> {
    let names: Vec<String> = columns.iter().map(|&at| table.columns[at].name.clone()).collect();
    let sql = Sql::new(source.engine()).lit("SELECT ").list(&names, ", ", |sql, name| sql.name(name));
    let sql = sql.lit(" FROM ").table(&table.name).lit(" ORDER BY ").list(&names, ", ", |sql, name| sql.name(name));
    let sql = sql.lit(" LIMIT ").integer(MOST);
    let mut keys = Vec::new();
    source.read(&Query { sql, columns: columns.len() }, &mut |batch| {
        for row in 0..batch.rows() {
            let cell = |(position, &at): (usize, &usize)| value(table.columns[at].family, batch.cell(row, position));
            keys.push(columns.iter().enumerate().map(cell).collect());
        }
        Ok(())
    })?;
    Ok(make::Outside { columns: names, keys })
}

/// A key as the engine spells it; only numbers have to be known for what they are.
fn value(family: Family, cell: Cell<'_>) -> Value {
    if cell.is_null() {
        return Value::Null;
    }
    let text = String::from_utf8_lossy(cell.bytes);
    match family {
        Family::Integer | Family::Numeric => Number::parse(&text).map_or_else(|| Value::text(&*text), Value::Number),
        _ => Value::text(text),
    }
}

/// How many rows reference one that is in the database and not in the snapshot.
pub(super) fn referencing(world: &World<'_>, reference: &Reference, left_out: &BTreeSet<TableName>) -> u64 {
    let place = |name: &TableName| world.catalogue.tables.iter().position(|table| &table.name == name);
    let Some(child) = place(&reference.child).filter(|_| left_out.contains(&reference.parent)) else { return 0 };
    let table = &world.catalogue.tables[child];
    let columns: Vec<usize> = reference.columns.iter().filter_map(|name| table.column_index(name)).collect();
    let is_of_type = |row: usize| {
        reference.of_type.as_ref().is_none_or(|of| match table.column_index(&of.column) {
            Some(at) => *world.cell(child, at, row) == Value::text(of.value.as_str()),
            None => false,
        })
    };
    let is_whole = |row: &usize| columns.iter().all(|&at| !world.cell(child, at, *row).is_null()) && is_of_type(*row);
    (0..world.tables[child].rows).filter(is_whole).count() as u64
}
