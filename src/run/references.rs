//! Foreign keys of a target: what dangles, before and after a run.

use super::ledger::Run;
use super::state;
use crate::engine::sql::Sql;
use crate::engine::{Source, Target};
use crate::error::{Error, Result};
use crate::model::schema::Catalogue;
use std::collections::BTreeMap;

/// Dangling references of every foreign key, by name, but for those of rows of the runs `without`; keys without any are
/// left out.
pub(super) fn dangling<S: Source + ?Sized>(
    source: &mut S,
    live: &Catalogue,
    without: &[&Run],
) -> Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    for table in &live.tables {
        let without: Vec<Sql> = without.iter().filter_map(|run| run.holds(live, &table.name, "c")).collect();
        for key in table.foreign_keys.iter().filter(|key| live.table(&key.parent).is_some()) {
            let count = state::dangling(source, &table.name, key, &without)?;
            if count > 0 {
                // Keys of several tables may have one name.
                *found.entry(key.name.clone()).or_default() += count;
            }
        }
    }
    Ok(found)
}

/// Every foreign key must hold. The target's own rows may dangle where they did `before`, the run's rows where they do in
/// the snapshot's `source`.
pub(super) fn verify(
    target: &mut dyn Target,
    live: &Catalogue,
    run: &Run,
    before: &BTreeMap<String, u64>,
    source: &BTreeMap<String, u64>,
) -> Result<u64> {
    let all = dangling(target, live, &[])?;
    // Where nothing dangles, nothing of the target's own does.
    let own = if all.is_empty() { BTreeMap::new() } else { dangling(target, live, &[run])? };
    for (name, all) in all {
        let count = |map: &BTreeMap<String, u64>| map.get(&name).copied().unwrap_or(0);
        let fixtures = all - count(&own);
        if count(&own) > count(before) || fixtures > count(source) {
            return Err(Error::rejected(format!(
                "the foreign key {} would be broken by {} rows",
                name.escape_debug(),
                (count(&own) - count(before).min(count(&own))) + (fixtures - count(source).min(fixtures))
            ))
            .hint("Rows of the application, or rows that were skipped, lack their parents. Nothing was changed."));
        }
    }
    Ok(count(live))
}

/// How many foreign keys there are.
pub(super) fn count(live: &Catalogue) -> u64 {
    live.tables.iter().map(|table| table.foreign_keys.len() as u64).sum()
}
