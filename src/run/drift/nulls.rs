//! Whether a column of a snapshot holds NULL, which its rows alone can tell. They are read only where a target is stricter.

use super::super::Context;
use super::super::chunks::Chunks;
use super::super::foreign::Foreign;
use super::super::packs::PackReader;
use super::super::repository::Snapshot;
use crate::check::Rules;
use crate::codec::rows::Layout;
use crate::error::{Error, Result};
use crate::model::drift::{Aspect, Difference, Verdict};
use crate::model::manifest::TableEntry;

/// Answers what is open: for each column that the target wants without NULL, whether the snapshot holds any.
pub(in crate::run) fn settle(
    context: &Context<'_>,
    packs: &PackReader<'_>,
    (snapshot, foreign): (&Snapshot, Option<&Foreign<'_>>),
    differences: &mut [Difference],
) -> Result<()> {
    let is_open = |it: &&mut Difference| it.aspect == Aspect::Nullability && it.verdict == Verdict::Open;
    let mut open: Vec<&mut Difference> = differences.iter_mut().filter(is_open).collect();
    while let Some(first) = open.first() {
        let table = first.table.clone();
        let Some(entry) = snapshot.manifest.tables.iter().find(|entry| entry.table == table) else {
            return Err(Error::internal(format!("table {table} is not in the snapshot")));
        };
        context.stage(format!("looking for NULL in {table}"));
        let (mut here, rest): (Vec<_>, Vec<_>) = open.into_iter().partition(|it| it.table == table);
        let columns: Vec<String> = here.iter().filter_map(|it| it.columns.first().cloned()).collect();
        let counts = counts(context, packs, (snapshot, foreign), entry, &columns)?;
        for (it, count) in here.iter_mut().zip(counts) {
            it.verdict = match count {
                0 => Verdict::Tolerated("the snapshot holds no NULL there".to_owned()),
                count => Verdict::Refused(format!(
                    "{count} rows hold NULL: allow it in the target, or give a default in [restore.map]"
                )),
            };
        }
        open = rest;
    }
    Ok(())
}

/// How often each of the columns, by the target's names, is NULL in the snapshot.
fn counts(
    context: &Context<'_>,
    packs: &PackReader<'_>,
    (snapshot, foreign): (&Snapshot, Option<&Foreign<'_>>),
    entry: &TableEntry,
    columns: &[String],
) -> Result<Vec<u64>> {
    let manifest = &snapshot.manifest;
    let no_schema = || Error::store(format!("the manifest has no schema of table {}", entry.table));
    let (engine, captured) = match foreign {
        Some(foreign) => (foreign.engine(), foreign.captured(&entry.table)?),
        None => (manifest.schema.engine, manifest.schema.table(&entry.table).ok_or_else(no_schema)?),
    };
    let stored: Vec<String> = captured.stored_columns().iter().map(|&at| captured.columns[at].name.clone()).collect();
    let own = |name: &String| {
        foreign.map_or_else(|| Some(name.clone()), |foreign| foreign.captured_column(&entry.table, name))
    };
    let at: Vec<Option<usize>> =
        columns.iter().map(|name| own(name).and_then(|name| stored.iter().position(|other| *other == name))).collect();
    let rules = Rules::new(engine, captured, &stored)?;
    let layout = Layout::new(engine, captured);
    let chunks = Chunks { packs, manifest, entry, layout, rules, conversion: None, misfits: None };
    let mut counts = vec![0; columns.len()];
    chunks.each(context.jobs, (&entry.chunks, 0), &mut |_| Ok(()), &mut |parts| {
        for part in parts {
            let (rows, _) = part?;
            for (count, at) in counts.iter_mut().zip(&at) {
                let Some(at) = at else { continue };
                let nulls = (0..rows.rows().rows()).filter(|&row| rows.rows().cell(row, *at).is_null());
                *count += nulls.count() as u64;
            }
        }
        Ok(())
    })?;
    Ok(counts)
}
