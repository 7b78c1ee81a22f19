//! What the guards find out about the rows of a target.

use crate::engine::sql::{self, Sql};
use crate::engine::{Target, scalar};
use crate::error::{Kind, Result};
use crate::model::mark;
use crate::model::schema::{Catalogue, TableKind};
use crate::run::ledger::{self, Run};
use crate::run::marking::Marker;
use crate::run::state;

/// Whether any table holds a row that no restore put there. What cannot be looked into may hold some.
pub(super) fn holds_rows_of_others(target: &mut dyn Target) -> Result<bool> {
    let live = target.catalogue()?;
    let runs = ledger::runs(target, &live)?;
    for table in live.tables.iter().filter(|table| table.kind == TableKind::Ordinary) {
        let engine = target.engine();
        let mut sql =
            Sql::new(engine).lit("SELECT count(*) FROM (SELECT 1 FROM ").table(&table.name).lit(" t WHERE 1 = 1");
        let has_columns = live.own.marked.contains(&table.name);
        if has_columns {
            sql = sql.lit(" AND ").column("t", mark::RUN_COLUMN).lit(" IS NULL");
        }
        let ours = |run: &Run| run.detail.tables.iter().find(|detail| detail.table == table.name).cloned();
        let ledgers = runs.iter().filter_map(|run| Some((&run.id, ours(run)?.marking)));
        for (run, marking) in ledgers.filter(|(_, marking)| marking.marker() == Marker::Ledger) {
            sql = sql.lit(" AND NOT ").part(&marking.belongs(engine, "t", run, has_columns));
        }
        match scalar(target, sql.lit(" LIMIT 1) AS x")) {
            Ok(0) => {}
            Err(error) if error.kind() == Kind::Interrupted => return Err(error),
            Ok(_) | Err(_) => return Ok(true),
        }
    }
    Ok(false)
}

/// How many rows a target holds that no restore put there, in words, where that is far more than `rows`: more than ten times as
/// many, and more than ten thousand more.
pub(super) fn far_more_rows(target: &mut dyn Target, rows: u64) -> Result<Option<String>> {
    let most = rows.saturating_mul(10).max(rows.saturating_add(10_000));
    let Some(sql) = sql::estimated_rows(target.engine()) else { return counted(target, most) };
    let found = state::positive(scalar(target, sql)?)?;
    if found <= most {
        return Ok(None);
    }
    let live = target.catalogue()?;
    let found = found.saturating_sub(ours(target, &live)?);
    Ok((found > most).then(|| format!("about {found}")))
}

/// The same by counting, but no further than it has to.
fn counted(target: &mut dyn Target, most: u64) -> Result<Option<String>> {
    let live = target.catalogue()?;
    let enough = most.saturating_add(ours(target, &live)?).saturating_add(1);
    let mut found = 0;
    for table in live.tables.iter().filter(|table| table.kind == TableKind::Ordinary) {
        let limit = i64::try_from(enough - found).unwrap_or(i64::MAX);
        let sql = Sql::new(target.engine()).lit("SELECT count(*) FROM (SELECT 1 FROM ").table(&table.name);
        found += state::positive(scalar(target, sql.lit(" LIMIT ").integer(limit).lit(") AS x"))?)?;
        if found >= enough {
            return Ok(Some(format!("more than {most}")));
        }
    }
    Ok(None)
}

/// Rows that earlier restores put in.
fn ours(target: &mut dyn Target, live: &Catalogue) -> Result<u64> {
    let runs = ledger::runs(target, live)?;
    Ok(runs.iter().flat_map(|run| &run.detail.tables).map(|table| table.inserted).sum())
}
