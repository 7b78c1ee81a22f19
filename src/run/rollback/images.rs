//! Previous rows come back. Their images lie in the undo table: `before` as they were, `after` as the restore left them. In a
//! rollback of some rows only, the images that are due are called `due` and `done` meanwhile, and go when they were used.

use super::super::ledger::Run;
use super::super::marking::{Marking, stored_and_markers};
use super::super::state::{self, joined};
use super::plan::Part;
use crate::engine::Target;
use crate::engine::sql::{self, Sql};
use crate::error::Result;
use crate::model::mark;
use crate::model::schema::{Catalogue, TableName};

/// The name of the images that are put back.
fn due(part: &Part) -> &'static str {
    if part.condition.is_some() { "due" } else { "before" }
}

/// Names the images that are due where only some rows go.
pub(super) fn call(target: &mut dyn Target, about: (&Run, &Catalogue), part: &Part) -> Result<()> {
    let Some((undo, key)) = part.undo() else { return Ok(()) };
    let engine = target.engine();
    let (name, undo) = (&part.table.name, &TableName::plain(undo));
    if part.condition.is_some() {
        let image = Sql::new(engine).lit("CASE u.terp_fixtures_image WHEN 'before' THEN 'due' ELSE 'done' END");
        let there = Sql::new(engine).lit("EXISTS (SELECT 1 FROM ").table(name).lit(" t WHERE ");
        let there =
            there.part(&joined(engine, "t", "u", &key, &key)).lit(" AND ").part(&part.rows(about, "t")).lit(")");
        target.execute(&sql::update_where(
            engine,
            (undo, "u"),
            &[("terp_fixtures_image".to_owned(), image)],
            &there,
        ))?;
    }
    Ok(())
}

/// Puts the previous images back, also of rows that were deleted since, once the rows without one are gone: they may hold a
/// value that must be unique and that comes back. Returns how many.
pub(super) fn put_back(target: &mut dyn Target, part: &Part) -> Result<u64> {
    let Some((undo, key)) = part.undo() else { return Ok(0) };
    let engine = target.engine();
    let (name, undo) = (&part.table.name, &TableName::plain(undo));
    let within = |error: crate::error::Error| error.within(format!("table {name}"));
    let stored = stored_and_markers(&part.table, part.has_columns);
    let names = |sql: Sql, names: &[String]| sql.list(names, ", ", |sql, name| sql.name(name));
    let settable = stored.iter().filter(|name| sql::sets_keys(engine) || !key.contains(name));
    let set: Vec<(String, Sql)> = settable.map(|name| (name.clone(), Sql::new(engine).column("s", name))).collect();
    let on = Sql::new(engine).lit("s.terp_fixtures_image = ").string(due(part)).lit(" AND ");
    let on = on.part(&joined(engine, "t", "s", &key, &key));
    let updated = target.execute(&sql::update_from(engine, name, (undo, &on), None, &set)).map_err(within)?;
    let sql = Sql::new(engine).lit("INSERT INTO ").table(name).lit(" (");
    let sql = names(sql, &stored).lit(")").lit(sql::overriding(engine)).lit(" SELECT ");
    let sql = sql.list(&stored, ", ", |sql, name| sql.column("u", name)).lit(" FROM ").table(undo);
    let sql = sql.lit(" u WHERE u.terp_fixtures_image = ").string(due(part)).lit(" AND NOT EXISTS (SELECT 1 FROM ");
    let sql = sql.table(name).lit(" t WHERE ").part(&joined(engine, "t", "u", &key, &key)).lit(")");
    let inserted = target.execute(&sql).map_err(within)?;
    unlist(target, part, undo)?;
    Ok(updated + inserted)
}

/// Rows whose previous images came back are the application's again, and no ledger lists them.
fn unlist(target: &mut dyn Target, part: &Part, undo: &TableName) -> Result<()> {
    let Some(Marking::Ledger { rows, key }) = part.detail.as_ref().map(|detail| &detail.marking) else { return Ok(()) };
    let engine = target.engine();
    let on = Sql::new(engine).lit("terp_r.terp_fixtures_image = ").string(due(part)).lit(" AND ");
    let on = on.part(&joined(engine, "t", "terp_r", key, key));
    target.execute(&sql::delete_from(engine, &TableName::plain(rows), Some(undo), &on)).map(drop)
}

/// After a rollback of some rows: what a ledger still lists of them goes, and the images that were used. Returns how many
/// previous images are left.
pub(super) fn forget_used(target: &mut dyn Target, part: &Part) -> Result<u64> {
    let engine = target.engine();
    if let Some(Marking::Ledger { rows, key }) = part.detail.as_ref().map(|detail| &detail.marking) {
        let gone = Sql::new(engine).lit("NOT EXISTS (SELECT 1 FROM ").table(&part.table.name).lit(" x WHERE ");
        let gone = gone.part(&joined(engine, "x", "t", key, key)).lit(")");
        target.execute(&sql::delete_from(engine, &TableName::plain(rows), None, &gone))?;
    }
    let Some((undo, _)) = part.undo() else { return Ok(0) };
    let table = TableName::plain(undo);
    let image = Sql::new(engine).lit("t.terp_fixtures_image");
    let used =
        if part.condition.is_some() { image.clone().lit(" IN ('due', 'done')") } else { Sql::new(engine).lit("1 = 1") };
    target.execute(&sql::delete_from(engine, &table, None, &used))?;
    let left = state::count_where(target, &table, &image.lit(" = 'before'"))?;
    if left == 0 {
        let sql = Sql::new(engine).lit("DELETE FROM ").name(mark::UNDO_TABLE).lit(" WHERE undo_table = ").string(undo);
        target.execute(&sql)?;
        target.execute(&Sql::new(engine).lit("DROP TABLE ").table(&table))?;
    }
    Ok(left)
}
