//! The way in for `--on-error skip`: every table through a stage of its own, parents first, and what references rows that did
//! not come goes out again.

use super::Restoring;
use crate::check::Rules;
use crate::engine::Target;
use crate::error::Result;
use crate::event::Event;
use crate::model::manifest::TableEntry;
use crate::model::schema::{Catalogue, ForeignKey, Table, TableName};
use crate::run::chunks::Misfits;
use crate::run::ledger::Detail;
use crate::run::millis;
use crate::run::plan::Plan;
use crate::run::quarantine;
use crate::run::stage::Stage;
use crate::translate::Rows;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A table whose rows are in, but for those whose parents may still go.
struct Open<'a> {
    stage: Stage<'a>,
    keys: Vec<&'a ForeignKey>,
    start: Instant,
    bytes: u64,
}

impl Restoring<'_> {
    /// Loads every table, parents first by the target's own foreign keys, and quarantines what does not fit.
    pub(super) fn load_what_fits(
        &self,
        target: &mut dyn Target,
        live: &Catalogue,
        plan: &Plan<'_>,
        (run, at, seq): (&str, &str, i64),
        detail: &mut Detail,
        how: &mut BTreeMap<TableName, String>,
    ) -> Result<()> {
        plan.create_indexes(self.context, target)?;
        let live = self.with_coming_keys(live, &detail.created);
        let bridge = self.foreign.map(|foreign| (foreign, foreign.bridge(&live)));
        let mut coming: BTreeSet<&TableName> = plan.entries.iter().map(|entry| &entry.table).collect();
        let mut open: Vec<Open<'_>> = Vec::new();
        for (index, table) in live.parents_first().into_iter().map(|at| &live.tables[at]).enumerate() {
            let Some(entry) = plan.entries.iter().find(|entry| entry.table == table.name) else { continue };
            let to = self.destination(&live, (table, entry), (run, at), &format!("{seq}_{index}"), &detail.created)?;
            let rows =
                bridge.as_ref().map(|(foreign, bridge)| foreign.rows(bridge, entry, table)).transpose()?.flatten();
            let start = Instant::now();
            let mut stage = Stage::open(target, to, index)?;
            let bytes = self
                .fill(target, entry, &mut stage, rows.as_ref())
                .map_err(|error| error.within(format!("table {}", entry.table)))?;
            coming.remove(&table.name);
            let keys: Vec<&ForeignKey> = keys_of(table, entry, &live).collect();
            let (own, others): (Vec<&ForeignKey>, Vec<&ForeignKey>) =
                keys.iter().partition(|key| key.parent == table.name);
            let ready: Vec<&ForeignKey> = others.iter().copied().filter(|key| !coming.contains(&key.parent)).collect();
            stage.settle(target, &ready, &own)?;
            let waits = |key: &&ForeignKey| {
                coming.contains(&key.parent) || open.iter().any(|other| *other.stage.name() == key.parent)
            };
            let is_open = others.iter().any(waits);
            let done = Open { stage, keys, start, bytes };
            if is_open { open.push(done) } else { self.close(target, done, detail, how)? }
        }
        loop {
            let mut out = 0;
            for table in &mut open {
                for key in &table.keys {
                    out += table.stage.take_orphans_out(target, key)?;
                }
            }
            if out == 0 {
                break;
            }
        }
        open.into_iter().try_for_each(|table| self.close(target, table, detail, how))
    }

    /// The catalogue with the foreign keys that created tables will have once their rows are in.
    fn with_coming_keys(&self, live: &Catalogue, created: &[TableName]) -> Catalogue {
        let mut live = live.clone();
        let names: BTreeSet<TableName> = live.tables.iter().map(|table| table.name.clone()).collect();
        for table in live.tables.iter_mut().filter(|table| created.contains(&table.name)) {
            let captured = self.snapshot.manifest.schema.table(&table.name);
            for key in captured.map(|table| table.foreign_keys.as_slice()).unwrap_or_default() {
                let is_same = |known: &ForeignKey| known.columns == key.columns && known.parent == key.parent;
                let is_new = !table.foreign_keys.iter().any(is_same);
                if is_new && names.contains(&key.parent) {
                    table.foreign_keys.push(key.clone());
                }
            }
        }
        live
    }

    /// Streams a table's rows into its stage. Gives their length in bytes.
    fn fill(
        &self,
        target: &mut dyn Target,
        entry: &TableEntry,
        stage: &mut Stage<'_>,
        conversion: Option<&Rows>,
    ) -> Result<u64> {
        self.context.report.event(&Event::TableStarted { table: entry.table.clone(), rows: Some(entry.rows) });
        let misfits = Misfits::default();
        let rules = Rules::new(target.engine(), stage.live(), &entry.columns)?.numbered();
        let bytes =
            self.stream(entry, rules, (conversion, Some(&misfits)), &mut |rows| stage.take(target, rows, &misfits))?;
        if let Some(changed) = conversion.map(Rows::changed).filter(|changed| *changed > 0) {
            self.context.warn(format!("table {}: {changed} values were changed to fit", entry.table), None);
        }
        Ok(bytes)
    }

    /// Tells what became of a table's rows.
    fn close(
        &self,
        target: &mut dyn Target,
        table: Open<'_>,
        detail: &mut Detail,
        how: &mut BTreeMap<TableName, String>,
    ) -> Result<()> {
        let Open { stage, start, bytes, .. } = table;
        let run = stage.run().to_owned();
        let (done, way) = stage.finish(target)?;
        let report = self.context.report;
        for (rule, name, rows) in quarantine::counts(target, (&run, &done.table))? {
            report.event(&Event::Quarantined { table: done.table.clone(), rule, name, rows });
        }
        report.event(&Event::TableDone {
            table: done.table.clone(),
            rows: done.inserted + done.overwritten,
            bytes,
            millis: millis(start),
            how: way.clone(),
        });
        how.insert(done.table.clone(), way);
        detail.tables.push(done);
        Ok(())
    }
}

/// The foreign keys of a table that its staged rows can be asked about.
fn keys_of<'a>(table: &'a Table, entry: &TableEntry, live: &Catalogue) -> impl Iterator<Item = &'a ForeignKey> {
    let is_loaded = |key: &&ForeignKey| key.columns.iter().all(|name| entry.columns.contains(name));
    table.foreign_keys.iter().filter(is_loaded).filter(|key| live.table(&key.parent).is_some())
}
