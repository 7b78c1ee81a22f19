//! What a run had made goes with it: its undo tables, tables, views, types and the like, settings, and the marker columns.

use super::super::ledger::{Made, Run, TableDetail};
use super::super::marking::Marking;
use super::super::restore::run_rendered;
use super::super::{Context, state};
use crate::engine::Target;
use crate::engine::sql::{self, Sql};
use crate::error::Result;
use crate::model::schema::{Catalogue, EngineKind, SchemaObject, TableName};

/// Drops previous images and ledgers of keys.
pub(super) fn drop_undo_tables(target: &mut dyn Target, tables: &[TableDetail], live: &Catalogue) -> Result<()> {
    let is_there = |name: &str| live.own.tables.iter().any(|table| table == name);
    for detail in tables {
        if let Some(undo) = detail.undo.as_deref().filter(|undo| is_there(undo)) {
            target.execute(&Sql::new(target.engine()).lit("DROP TABLE ").name(undo))?;
        }
        if matches!(&detail.marking, Marking::Ledger { rows, .. } if is_there(rows)) {
            detail.marking.drop_list(target)?;
        }
    }
    Ok(())
}

/// Drops the marker columns of every table that is still there.
///
/// SQLite parses every view and trigger before it drops a column, and refuses when one names something that does not exist,
/// though it lives with such a view or trigger otherwise. Then they step aside and come back in their order.
pub(super) fn drop_markers(target: &mut dyn Target, live: &Catalogue, dropped: &[TableName]) -> Result<()> {
    let tables = live.own.marked.iter().filter(|table| !dropped.contains(table));
    let engine = target.engine();
    let drops: Vec<(&TableName, Sql)> =
        tables.flat_map(|table| sql::drop_markers(engine, table).into_iter().map(move |sql| (table, sql))).collect();
    let Some((table, first)) = drops.first() else { return Ok(()) };
    match target.execute(first) {
        Ok(_) => return run_on(target, &drops[1..]),
        Err(error) if engine != EngineKind::Sqlite => return Err(error.within(format!("table {table}"))),
        Err(_) => {} // Tried again below, and told if it fails again.
    }
    let aside: Vec<SchemaObject> =
        target.catalogue()?.post.into_iter().filter(|object| object.kind != "index").collect();
    for object in aside.iter().rev() {
        let what = if object.kind == "view" { "DROP VIEW IF EXISTS " } else { "DROP TRIGGER IF EXISTS " };
        target.execute(&Sql::new(engine).lit(what).name(&object.name))?;
    }
    run_on(target, &drops)?;
    for object in &aside {
        run_rendered(target, &object.create, &format!("{} {}", object.kind, object.name.escape_debug()))?;
    }
    Ok(())
}

/// Runs statements, each on its table.
fn run_on(target: &mut dyn Target, statements: &[(&TableName, Sql)]) -> Result<()> {
    for (table, sql) in statements {
        target.execute(sql).map_err(|error| error.within(format!("table {table}")))?;
    }
    Ok(())
}

/// Drops what the run created, unless somebody else has put rows there or another run still needs it.
pub(super) fn drop_created(
    context: &Context<'_>,
    target: &mut dyn Target,
    run: &Run,
    others: &[Run],
) -> Result<Vec<TableName>> {
    let engine = target.engine();
    let live = target.catalogue()?;
    let mut drop = Vec::new();
    for table in run.detail.created.iter().filter(|table| live.table(table).is_some()) {
        let needed = others.iter().any(|other| other.detail.tables.iter().any(|detail| &detail.table == table));
        if needed || state::count(target, table)? > 0 {
            context.note(format!("table {table} was created by the restore but holds other rows now; it stays"));
        } else {
            drop.push(table.clone());
        }
    }
    let all = drop.len() == run.detail.created.len();
    for view in run.detail.views.iter().filter(|_| all) {
        target.execute(&Sql::new(engine).lit("DROP VIEW IF EXISTS ").name(view))?;
    }
    let children_first: Vec<&TableName> = drop.iter().rev().collect();
    let (late, early): (Vec<_>, Vec<_>) = run.detail.objects.iter().partition(|object| object.late);
    drop_objects(target, late.into_iter().filter(|_| all))?;
    for sql in sql::drop_tables(engine, &children_first) {
        target.execute(&sql)?;
    }
    drop_objects(target, early.into_iter().filter(|_| all))?;
    for (name, value) in run.detail.settings.iter().filter(|_| all) {
        if let Some(sql) = sql::set_setting(engine, name, value) {
            target.execute(&sql)?;
        }
    }
    Ok(drop)
}

/// Drops objects that the run made beside its tables, the last one first.
fn drop_objects<'a>(target: &mut dyn Target, made: impl DoubleEndedIterator<Item = &'a Made>) -> Result<()> {
    for object in made.rev() {
        if let Some(sql) = sql::drop_object(target.engine(), &object.kind, &object.name) {
            target.execute(&sql).map_err(|error| error.within(format!("{} {}", object.kind, object.name)))?;
        }
    }
    Ok(())
}
