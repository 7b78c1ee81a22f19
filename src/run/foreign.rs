//! A snapshot that the target has in another shape, of another engine or by `[restore.map]`: the same snapshot as it is on
//! the target, and what is lost on the way.

use super::drift::{Mapped, Mapping};
use super::ledger::Run;
use super::repository::Snapshot;
use super::restore::Options;
use super::{Context, plan};
use crate::codec::rows::Layout;
use crate::error::{Error, Result};
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::schema::{Catalogue, Column, EngineKind, Table, TableName};
use crate::translate::{self, Bridge, Loss, Piece, Rows, Translation};
use std::collections::{BTreeMap, BTreeSet};

/// A snapshot in another shape than the target's.
pub(super) struct Foreign<'a> {
    origin: &'a Snapshot,
    /// The snapshot as it is on the target: its catalogue, the names of its tables and columns.
    pub(super) snapshot: Snapshot,
    /// The options with the target's names of tables.
    pub(super) options: Options,
    losses: Vec<Loss>,
    /// The captured table's name by the target's.
    origins: BTreeMap<TableName, TableName>,
    /// Where cells come from, by the target's table, where `[restore.map]` says so.
    pieces: BTreeMap<TableName, Vec<Piece>>,
}

impl<'a> Foreign<'a> {
    /// The snapshot as `live` has it; none when that is as it was captured.
    pub(super) fn of(origin: &'a Snapshot, options: &Options, live: &Catalogue, runs: &[Run]) -> Result<Option<Self>> {
        let translated = translated(&origin.manifest, live.engine)?;
        let manifest = translated.as_ref().map_or(&origin.manifest, |(manifest, ..)| manifest);
        let none = BTreeMap::new();
        let origins = translated.as_ref().map_or(&none, |(_, _, origins)| origins);
        let ours: BTreeSet<TableName> = runs.iter().flat_map(|run| run.detail.created.clone()).collect();
        let makes_missing = options.create || live.tables.iter().all(|table| ours.contains(&table.name));
        let mapping = Mapping { map: &options.map, origins, live, ours: &ours, makes_missing };
        let mapped = mapping.apply(manifest)?;
        if translated.is_none() && mapped.is_none() {
            return Ok(None);
        }
        let before: BTreeMap<TableName, TableName> = match &translated {
            Some((.., origins)) => origins.clone(),
            None => manifest.schema.tables.iter().map(|table| (table.name.clone(), table.name.clone())).collect(),
        };
        let (manifest, pieces, renamed) = match mapped {
            Some(Mapped { manifest, pieces, renamed }) => (manifest, pieces, renamed),
            None => (manifest.clone(), BTreeMap::new(), BTreeMap::new()),
        };
        let tables = manifest.schema.tables.iter().map(|table| &table.name);
        let own = |name: &TableName| before.get(renamed.get(name).unwrap_or(name)).cloned();
        let origins: BTreeMap<TableName, TableName> =
            tables.filter_map(|name| Some((name.clone(), own(name)?))).collect();
        let losses = translated.map(|(_, losses, _)| losses).unwrap_or_default();
        let wanted = |wanted: &String| {
            let found = origins.iter().find(|(name, origin)| origin.is_named(wanted) || name.is_named(wanted));
            found.map_or_else(|| wanted.clone(), |(name, _)| name.to_string())
        };
        let options = Options { tables: options.tables.iter().map(wanted).collect(), ..options.clone() };
        Ok(Some(Self { origin, snapshot: Snapshot { manifest, ..origin.clone() }, options, losses, origins, pieces }))
    }

    /// Whether the snapshot is of another engine.
    pub(super) fn is_translated(&self) -> bool {
        self.origin.manifest.schema.engine != self.snapshot.manifest.schema.engine
    }

    /// The engine that printed the captured cells.
    pub(super) fn engine(&self) -> EngineKind {
        self.origin.manifest.schema.engine
    }

    /// What `[restore.map]` does to the rows of this snapshot in this target; none where nothing.
    pub(super) fn map_digest(&self) -> Option<String> {
        if self.pieces.is_empty() {
            return None;
        }
        let mut hasher = blake3::Hasher::new_derive_key("terp-fixtures v1 restore map");
        for (name, pieces) in &self.pieces {
            hasher.update(format!("{name} {:?} {pieces:?}\n", self.origins.get(name)).as_bytes());
        }
        Some(hasher.finalize().to_hex().to_string())
    }

    /// The name under which a table's section of `[restore.map]` stands, and whether there is one.
    pub(super) fn section(&self, table: &TableName) -> (String, bool) {
        let name = self.origins.get(table).unwrap_or(table).to_string();
        let is_there = self.options.map.tables.iter().any(|map| map.table.name == name);
        (name, is_there)
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

    /// The table as it was captured.
    pub(super) fn captured(&self, name: &TableName) -> Result<&Table> {
        let origin = self.origins.get(name).and_then(|origin| self.origin.manifest.schema.table(origin));
        origin.ok_or_else(|| Error::store(format!("the manifest has no schema of table {name}")))
    }

    /// What the snapshot calls a column of the target; none where it has none.
    pub(super) fn captured_column(&self, table: &TableName, column: &str) -> Option<String> {
        let Some(pieces) = self.pieces.get(table) else { return Some(column.to_owned()) };
        pieces.iter().find(|piece| piece.column == column)?.from.clone()
    }

    /// The conversions between the snapshot's columns and live ones.
    pub(super) fn bridge(&self, live: &Catalogue) -> Bridge {
        Bridge::new(&self.origin.manifest.schema, live)
    }

    /// Whether values of a captured column can go into a live one. What the user has said about a column is looked at cell by
    /// cell.
    pub(super) fn fits(&self, bridge: &Bridge, table: &TableName, column: &Column) -> bool {
        let piece = self.pieces.get(table).and_then(|pieces| pieces.iter().find(|piece| piece.column == column.name));
        if piece.is_some_and(|piece| piece.cast.is_some() || piece.from.is_none()) {
            return true;
        }
        let own = self.captured_column(table, &column.name);
        let captured = self.captured(table).ok();
        let captured = captured.and_then(|table| Some(&table.columns[table.column_index(&own?)?]));
        captured.is_some_and(|captured| bridge.fits(captured, column))
    }

    /// How the rows of a table lie in the snapshot.
    pub(super) fn layout(&self, entry: &TableEntry) -> Result<Layout> {
        Ok(Layout::new(self.origin.manifest.schema.engine, self.captured(&entry.table)?))
    }

    /// The conversion of a table's rows; none where they go in as they were captured.
    pub(super) fn rows(&self, bridge: &Bridge, entry: &TableEntry, table: &Table) -> Result<Option<Rows>> {
        let pieces = match self.pieces.get(&entry.table) {
            Some(pieces) => pieces.clone(),
            None if self.is_translated() => entry.columns.iter().map(|name| Piece::plain(name)).collect(),
            None => return Ok(None),
        };
        bridge.rows(self.captured(&entry.table)?, table, pieces, self.options.allow_lossy).map(Some)
    }

    /// Refuses values that the user gives and that do not fit, before anything is written.
    pub(super) fn check(&self, live: &Catalogue) -> Result<()> {
        let bridge = self.bridge(live);
        for entry in self.snapshot.manifest.tables.iter().filter(|entry| self.pieces.contains_key(&entry.table)) {
            if let Some(table) = live.table(&entry.table) {
                self.rows(&bridge, entry, table)?;
            }
        }
        Ok(())
    }

    /// References that dangled in the source, by the names that foreign keys have in the live catalogue.
    pub(super) fn dangling(&self, live: &Catalogue) -> BTreeMap<String, u64> {
        let manifest = &self.snapshot.manifest;
        let known = |name: &str| manifest.results.closure.dangling.get(name).copied();
        let mut found = BTreeMap::new();
        for table in &live.tables {
            let Some(shaped) = manifest.schema.table(&table.name) else { continue };
            for key in &table.foreign_keys {
                let same = |other: &&crate::model::schema::ForeignKey| {
                    (&other.columns, &other.parent) == (&key.columns, &key.parent)
                };
                let count = shaped.foreign_keys.iter().find(same).and_then(|other| known(&other.name));
                found.extend(count.map(|count| (key.name.clone(), count)));
            }
        }
        found
    }
}

/// A manifest on another engine, what is lost, and the captured tables' names by the new ones.
type Translated = (Manifest, Vec<Loss>, BTreeMap<TableName, TableName>);

fn translated(origin: &Manifest, to: EngineKind) -> Result<Option<Translated>> {
    if origin.schema.engine == to {
        return Ok(None);
    }
    let Translation { catalogue, losses, origins } = translate::schema(&origin.schema, to)?;
    let names: BTreeMap<&TableName, &TableName> = origins.iter().map(|(name, origin)| (origin, name)).collect();
    let mut manifest = Manifest { schema: catalogue, ..origin.clone() };
    for entry in &mut manifest.tables {
        let name = names.get(&entry.table).copied();
        entry.table = name
            .cloned()
            .ok_or_else(|| Error::store(format!("the manifest has no schema of table {}", entry.table)))?;
    }
    manifest.tables.sort_by(|a, b| a.table.cmp(&b.table));
    manifest.results.closure.dangling = dangling(origin, &manifest.schema, &origins);
    Ok(Some((manifest, losses, origins)))
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
