//! Counters (AUTOINCREMENT, sequences, AUTO_INCREMENT) of the tables that a run fills, before and after it.

use super::ledger::{Counter, Run};
use super::plan::Plan;
use crate::engine::{Query, Target, sql};
use crate::error::Result;
use crate::model::schema::{Catalogue, TableName};

/// The counters of every table that will get rows.
pub(super) fn before(target: &mut dyn Target, live: &Catalogue, plan: &Plan<'_>) -> Result<Vec<Counter>> {
    let mut counters = Vec::new();
    for table in live.tables.iter().filter(|table| table.counter && plan.loads(&table.name)) {
        counters.push(Counter { table: table.name.clone(), before: value(target, &table.name)?, after: None });
    }
    Ok(counters)
}

/// Servers that commit changes of shape put counters back behind the commit only. Where a run that is replaced has moved one, it
/// stood before this run where it stood before that one.
pub(super) fn before_replaced(mut counters: Vec<Counter>, replaced: &[&Run]) -> Vec<Counter> {
    for known in &mut counters {
        for run in replaced.iter().rev() {
            let moved = run.detail.counters.iter().find(|counter| counter.table == known.table);
            if let Some(moved) = moved.filter(|moved| moved.after == known.before) {
                known.before = moved.before;
            }
        }
    }
    counters
}

/// Adds what they became.
pub(super) fn after(target: &mut dyn Target, live: &Catalogue, mut counters: Vec<Counter>) -> Result<Vec<Counter>> {
    for known in counters.iter_mut().filter(|known| live.table(&known.table).is_some()) {
        known.after = value(target, &known.table)?;
    }
    Ok(counters)
}

/// A counter's value, if it exists.
pub(super) fn value(target: &mut dyn Target, table: &TableName) -> Result<Option<i64>> {
    let Some(sql) = sql::counter(target.engine(), table) else { return Ok(None) };
    let mut value = None;
    target.read(&Query { sql, columns: 1 }, &mut |batch| {
        value = std::str::from_utf8(batch.cell(0, 0).bytes).ok().and_then(|text| text.parse().ok());
        Ok(())
    })?;
    Ok(value)
}
