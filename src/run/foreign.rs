//! A snapshot of another engine: the same snapshot as it is on the target, and what is lost on the way.

use super::ledger::Run;
use super::repository::Snapshot;
use super::restore::Options;
use super::{Context, plan};
use crate::codec::rows::Layout;
use crate::error::{Error, Result};
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::schema::{Catalogue, Column, EngineKind, Table, TableName};
use crate::translate::{self, Bridge, Loss, Rows, Translation};
use std::collections::{BTreeMap, BTreeSet};

/// A snapshot of another engine.
pub(super) struct Foreign<'a> {
    origin: &'a Snapshot,
    /// The snapshot as it is on the target: its catalogue, the names of its tables.
    pub(super) snapshot: Snapshot,
    /// The options with the target's names of tables.
    pub(super) options: Options,
    losses: Vec<Loss>,
    origins: BTreeMap<TableName, TableName>,
}

impl<'a> Foreign<'a> {
    /// The snapshot on the engine `to`; none when it is of that engine already.
    pub(super) fn of(origin: &'a Snapshot, to: EngineKind, options: &Options) -> Result<Option<Self>> {
        if origin.manifest.schema.engine == to {
            return Ok(None);
        }
        let Translation { catalogue, losses, origins } = translate::schema(&origin.manifest.schema, to)?;
        let names: BTreeMap<&TableName, &TableName> = origins.iter().map(|(name, origin)| (origin, name)).collect();
        let mut manifest = Manifest { schema: catalogue, ..origin.manifest.clone() };
        for entry in &mut manifest.tables {
            let name = names.get(&entry.table).copied();
            entry.table = name
                .cloned()
                .ok_or_else(|| Error::store(format!("the manifest has no schema of table {}", entry.table)))?;
        }
        manifest.tables.sort_by(|a, b| a.table.cmp(&b.table));
        manifest.results.closure.dangling = dangling(&origin.manifest, &manifest.schema, &origins);
        let renamed = |wanted: &String| {
            let found = names.iter().find(|(origin, _)| origin.is_named(wanted));
            found.map_or_else(|| wanted.clone(), |(_, name)| name.to_string())
        };
        let options = Options { tables: options.tables.iter().map(renamed).collect(), ..options.clone() };
        Ok(Some(Self { origin, snapshot: Snapshot { manifest, ..origin.clone() }, options, losses, origins }))
    }

    /// Refuses what would be lost in this target, or tells it when the user has accepted that.
    pub(super) fn refuse_losses(&self, context: &Context<'_>, live: &Catalogue, runs: &[Run]) -> Result<()> {
        let wanted = plan::wanted(&self.snapshot.manifest, &self.options.tables)?;
        let ours: BTreeSet<&TableName> = runs.iter().flat_map(|run| &run.detail.created).collect();
        let is_there = |name: &TableName| live.table(name).is_some() && !ours.contains(name);
        let made = |name: &TableName| !is_there(name) && wanted.iter().any(|entry| entry.table == *name);
        let whole = live.tables.iter().all(|table| ours.contains(&table.name))
            && wanted.len() == self.snapshot.manifest.tables.len();
        let due: Vec<&Loss> = self.losses.iter().filter(|loss| loss.table.as_ref().map_or(whole, made)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let (from, to) = (self.origin.manifest.schema.engine, self.snapshot.manifest.schema.engine);
        let lines = translate::summary(&due);
        let what = format!("the snapshot is of {from}, and not all of it can be held by {to}:");
        let what = format!("{what}\n  {}", lines.join("\n  "));
        if self.options.allow_lossy {
            context.warn(what, None);
            return Ok(());
        }
        Err(Error::drift(what)
            .hint("Add --allow-lossy to restore without them, or create the tables with your own migrations first."))
    }

    fn captured(&self, name: &TableName) -> Result<&Table> {
        let origin = self.origins.get(name).and_then(|origin| self.origin.manifest.schema.table(origin));
        origin.ok_or_else(|| Error::store(format!("the manifest has no schema of table {name}")))
    }

    /// The conversions between the snapshot's columns and live ones.
    pub(super) fn bridge(&self, live: &Catalogue) -> Bridge {
        Bridge::new(&self.origin.manifest.schema, live)
    }

    /// Whether values of a captured column can go into a live one.
    pub(super) fn fits(&self, bridge: &Bridge, table: &TableName, column: &Column) -> bool {
        let captured = self.captured(table).ok();
        let captured = captured.and_then(|table| Some(&table.columns[table.column_index(&column.name)?]));
        captured.is_some_and(|captured| bridge.fits(captured, column))
    }

    /// How the rows of a table lie in the snapshot.
    pub(super) fn layout(&self, entry: &TableEntry) -> Result<Layout> {
        Ok(Layout::new(self.origin.manifest.schema.engine, self.captured(&entry.table)?))
    }

    /// The conversion of a table's rows.
    pub(super) fn rows(&self, bridge: &Bridge, entry: &TableEntry, table: &Table) -> Result<Rows> {
        bridge.rows(self.captured(&entry.table)?, table, &entry.columns, self.options.allow_lossy)
    }

    /// References that dangled in the source, by the names that foreign keys have in the live catalogue.
    pub(super) fn dangling(&self, live: &Catalogue) -> BTreeMap<String, u64> {
        dangling(&self.origin.manifest, live, &self.origins)
    }
}

/// Dangling references under the names of another catalogue's foreign keys.
fn dangling(
    origin: &Manifest,
    catalogue: &Catalogue,
    origins: &BTreeMap<TableName, TableName>,
) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for table in &catalogue.tables {
        let captured = origins.get(&table.name).and_then(|name| origin.schema.table(name));
        for key in captured.map(|table| table.foreign_keys.as_slice()).unwrap_or_default() {
            let Some(count) = origin.results.closure.dangling.get(&key.name) else { continue };
            let same = table
                .foreign_keys
                .iter()
                .find(|other| other.columns == key.columns && origins.get(&other.parent) == Some(&key.parent));
            found.extend(same.map(|other| (other.name.clone(), *count)));
        }
    }
    found
}
