//! A snapshot under the names that the target has: what `[restore.map]` makes of its catalogue, and where each cell of a
//! row comes from. Pure. What is wrong with the map itself is refused by its place in the file.

use super::map::{Map, Named, TableMap};
use crate::error::{Error, Result};
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::schema::{Catalogue, Column, Table, TableName};
use crate::policy::names;
use crate::translate::{Cast, Piece};
use std::collections::{BTreeMap, BTreeSet};

/// What decides how a map applies, beside the snapshot.
pub(in crate::run) struct Mapping<'a> {
    pub(in crate::run) map: &'a Map,
    /// The captured table's own name by the one in the manifest, where the two differ.
    pub(in crate::run) origins: &'a BTreeMap<TableName, TableName>,
    pub(in crate::run) live: &'a Catalogue,
    /// Tables that were made by restores: they have the snapshot's shape.
    pub(in crate::run) ours: &'a BTreeSet<TableName>,
    /// Whether missing tables are made, as they were captured.
    pub(in crate::run) makes_missing: bool,
}

/// A manifest with the map applied.
pub(in crate::run) struct Mapped {
    pub(in crate::run) manifest: Manifest,
    /// Where cells come from, by the target's table, for tables that have a map of their own.
    pub(in crate::run) pieces: BTreeMap<TableName, Vec<Piece>>,
    /// The name in the manifest before, by the target's, where they differ.
    pub(in crate::run) renamed: BTreeMap<TableName, TableName>,
}

impl Mapping<'_> {
    /// Applies the map to a manifest that has the target's engine; none where nothing of it applies.
    pub(in crate::run) fn apply(&self, manifest: &Manifest) -> Result<Option<Mapped>> {
        let mut applied = Vec::new();
        for map in &self.map.tables {
            if let Some(name) = self.find(manifest, map)?
                && let Some(target) = self.target(&name, map)
            {
                applied.push((map, name, target));
            }
        }
        refuse_twice(manifest, &applied)?;
        let shapings = applied.iter().map(|(map, name, target)| Shaping::new(map, name, target, (manifest, self.live)));
        let shapings = shapings.collect::<Result<Vec<_>>>()?;
        Ok((!shapings.is_empty()).then(|| mapped(manifest, &shapings)))
    }

    /// The table that a map is for. None where the snapshot has the target's name for it already.
    fn find(&self, manifest: &Manifest, map: &TableMap) -> Result<Option<TableName>> {
        let own = |entry: &TableEntry| self.origins.get(&entry.table).unwrap_or(&entry.table).clone();
        let named = |name: &str| manifest.tables.iter().find(|entry| own(entry).is_named(name));
        if let Some(entry) = named(&map.table.name) {
            return Ok(Some(entry.table.clone()));
        }
        if map.to.as_ref().is_some_and(|to| named(&to.name).is_some()) {
            return Ok(None);
        }
        let all: Vec<String> = manifest.tables.iter().map(|entry| own(entry).to_string()).collect();
        let what = format!("{}: the snapshot has no table '{}'", map.table.place, map.table.name.escape_debug());
        let hint = names::did_you_mean(&map.table.name, all.iter().map(String::as_str));
        Err(Error::usage(what).hint(hint.unwrap_or_else(|| "'terp-fixtures show SNAPSHOT' lists its tables.".into())))
    }

    /// The target's table. None where there is none and one is made as it was captured, now or by an earlier restore.
    fn target(&self, name: &TableName, map: &TableMap) -> Option<TableName> {
        let is_there = |table: &&Table| !self.ours.contains(&table.name);
        let wanted = |table: &&Table| match &map.to {
            Some(to) => table.name.is_named(&to.name),
            None => table.name == *name,
        };
        if let Some(table) = self.live.tables.iter().filter(is_there).find(wanted) {
            return Some(table.name.clone());
        }
        if self.makes_missing || self.ours.contains(name) {
            return None;
        }
        // Missing under that name: the comparison says so.
        map.to.as_ref().map(|to| TableName { schema: name.schema.clone(), name: to.name.clone() })
    }
}

/// No two tables may become one.
fn refuse_twice(manifest: &Manifest, applied: &[(&TableMap, TableName, TableName)]) -> Result<()> {
    let after = |table: &TableName| {
        applied.iter().find(|(_, name, _)| name == table).map_or_else(|| table.clone(), |(.., target)| target.clone())
    };
    for (map, name, target) in applied {
        let other = manifest.tables.iter().find(|entry| entry.table != *name && after(&entry.table) == *target);
        if let Some(other) = other {
            let what = format!("{}: tables {name} and {} would both go into {target}", place(map), other.table);
            return Err(Error::usage(what).hint("Each table of the target takes rows of one table of the snapshot."));
        }
    }
    Ok(())
}

fn place(map: &TableMap) -> &str {
    &map.to.as_ref().unwrap_or(&map.table).place
}

/// The manifest in the target's shape.
fn mapped(before: &Manifest, shapings: &[Shaping<'_>]) -> Mapped {
    let shaping = |name: &TableName| shapings.iter().find(|shaping| shaping.name == name);
    let mut manifest = before.clone();
    for table in &mut manifest.schema.tables {
        let own = shaping(&table.name);
        for key in &mut table.foreign_keys {
            if let Some(parent) = shaping(&key.parent) {
                key.parent = parent.target.clone();
                rename_all(&mut key.parent_columns, &parent.renames);
            }
        }
        if let Some(own) = own {
            table.foreign_keys.retain(|key| !key.columns.iter().any(|name| own.drops(name)));
            table.foreign_keys.iter_mut().for_each(|key| rename_all(&mut key.columns, &own.renames));
            let shaped = own.shaped(table);
            *table = shaped;
        }
    }
    for entry in &mut manifest.tables {
        let Some(own) = shaping(&entry.table) else { continue };
        entry.table = own.target.clone();
        entry.columns = own.pieces.iter().map(|piece| piece.column.clone()).collect();
        let masks = std::mem::take(&mut entry.masks).into_iter().filter(|(name, _)| !own.drops(name));
        entry.masks = masks.map(|(name, mask)| (renamed(&name, &own.renames), mask)).collect();
    }
    manifest.tables.sort_by(|a, b| a.table.cmp(&b.table));
    manifest.schema.tables.sort_by(|a, b| a.name.cmp(&b.name));
    let other = |shaping: &&Shaping<'_>| shaping.name != shaping.target;
    Mapped {
        manifest,
        pieces: shapings.iter().map(|it| (it.target.clone(), it.pieces.clone())).collect(),
        renamed: shapings.iter().filter(other).map(|it| (it.target.clone(), it.name.clone())).collect(),
    }
}

/// One table and its map.
struct Shaping<'a> {
    map: &'a TableMap,
    name: &'a TableName,
    target: &'a TableName,
    live: &'a Catalogue,
    renames: BTreeMap<String, String>,
    pieces: Vec<Piece>,
}

impl<'a> Shaping<'a> {
    fn new(
        map: &'a TableMap,
        name: &'a TableName,
        target: &'a TableName,
        (manifest, live): (&Manifest, &'a Catalogue),
    ) -> Result<Self> {
        let no_schema = || Error::store(format!("the manifest has no schema of table {name}"));
        let table = manifest.schema.table(name).ok_or_else(no_schema)?;
        let entry = manifest.tables.iter().find(|entry| entry.table == *name).ok_or_else(no_schema)?;
        let due = map.rename.iter().filter(|(from, _)| entry.columns.contains(&from.name));
        let renames = due.map(|(from, to)| (from.name.clone(), to.name.clone())).collect();
        let mut shaping = Self { map, name, target, live, renames, pieces: Vec::new() };
        shaping.refuse_unknown(table, entry)?;
        shaping.refuse_cut_keys(manifest, table)?;
        shaping.pieces = shaping.pieces(entry)?;
        Ok(shaping)
    }

    fn drops(&self, name: &str) -> bool {
        self.map.drop.iter().any(|drop| drop.name == name)
    }

    /// Every column that the map names as the snapshot's must be one.
    fn refuse_unknown(&self, table: &Table, entry: &TableEntry) -> Result<()> {
        let map = self.map;
        let has = |name: &str| entry.columns.iter().any(|column| column == name);
        // A rename that the snapshot has already is done.
        let renamed = map.rename.iter().filter(|(_, to)| !has(&to.name)).map(|(from, _)| from);
        let named = renamed.chain(&map.drop).chain(map.cast.iter().map(|(name, _)| name));
        let mut named = named.chain(map.labels.iter().map(|(name, _)| name));
        if let Some(unknown) = named.find(|named| !has(&named.name)) {
            let what = format!(
                "{}: table {} of the snapshot has no column '{}'",
                unknown.place,
                self.name,
                unknown.name.escape_debug()
            );
            let hint = names::did_you_mean(&unknown.name, entry.columns.iter().map(String::as_str));
            return Err(Error::usage(what)
                .hint(hint.unwrap_or_else(|| "'terp-fixtures show SNAPSHOT --schema' lists them.".into())));
        }
        let is_key = |name: &str| table.primary_key.iter().any(|&at| table.columns[at].name == name);
        if let Some(key) = map.drop.iter().find(|drop| is_key(&drop.name)) {
            let what = format!(
                "{}: column {} is part of the primary key of {}",
                key.place,
                key.name.escape_debug(),
                self.name
            );
            return Err(Error::usage(what).hint("Without it rows could not be told apart; it cannot be dropped."));
        }
        let both = |name: &Named| map.rename.iter().any(|(from, _)| from.name == name.name);
        if let Some(twice) = map.drop.iter().find(|drop| both(drop)) {
            return Err(Error::usage(format!(
                "{}: column {} is renamed and dropped",
                twice.place,
                twice.name.escape_debug()
            ))
            .hint("Decide for one of the two."));
        }
        Ok(())
    }

    /// A value that is cut may become another row's: not in what is a key, or references one.
    fn refuse_cut_keys(&self, before: &Manifest, table: &Table) -> Result<()> {
        let index = |name: &str| table.column_index(name);
        let is_key = |name: &str| {
            let among = |all: &[usize]| index(name).is_some_and(|at| all.contains(&at));
            among(&table.primary_key)
                || table.uniques.iter().any(|unique| among(&unique.columns))
                || table.foreign_keys.iter().any(|key| key.columns.iter().any(|column| column == name))
                || before
                    .schema
                    .tables
                    .iter()
                    .flat_map(|table| &table.foreign_keys)
                    .any(|key| key.parent == *self.name && key.parent_columns.iter().any(|column| column == name))
        };
        let cut = self.map.cast.iter().find(|(name, cast)| *cast == Cast::Truncate && is_key(&name.name));
        let Some((name, _)) = cut else { return Ok(()) };
        let what = format!("{}: column {} of {} is part of a key", name.place, name.name.escape_debug(), self.name);
        Err(Error::usage(what)
            .hint("Two values that are cut may become one. Use cast = \"exact\", or widen the target's column."))
    }

    /// Where the target's cells come from: what is left of the snapshot's columns, then those that only the target has.
    fn pieces(&self, entry: &TableEntry) -> Result<Vec<Piece>> {
        let map = self.map;
        let of = |name: &str| {
            let labels = map.labels.iter().find(|(named, _)| named.name == name).map(|(_, labels)| labels.clone());
            let cast = map.cast.iter().find(|(named, _)| named.name == name).map(|(_, cast)| *cast);
            let column = renamed(name, &self.renames);
            let given = map.default.iter().find(|(named, _)| named.name == column).map(|(_, given)| given.clone());
            let cast = cast.or_else(|| labels.as_ref().map(|_| Cast::Exact));
            Piece { column, from: Some(name.to_owned()), given, labels: labels.unwrap_or_default(), cast }
        };
        let mut pieces: Vec<Piece> =
            entry.columns.iter().filter(|name| !self.drops(name)).map(|name| of(name)).collect();
        for (at, piece) in pieces.iter().enumerate() {
            if let Some(other) = pieces[..at].iter().find(|other| other.column == piece.column) {
                let both =
                    [other, piece].map(|piece| piece.from.clone().unwrap_or_default().escape_debug().to_string());
                let due = map.rename.iter().find(|(_, to)| to.name == piece.column).map_or(&map.table, |(_, to)| to);
                let what = format!(
                    "{}: columns {} would both go into {}",
                    due.place,
                    both.join(" and "),
                    piece.column.escape_debug()
                );
                return Err(Error::usage(what)
                    .hint("Each column of the target takes one column of the snapshot: drop the other."));
            }
        }
        for (named, given) in &map.default {
            self.refuse_default(named)?;
            if !pieces.iter().any(|piece| piece.column == named.name) {
                let (column, given) = (named.name.clone(), Some(given.clone()));
                pieces.push(Piece { column, from: None, given, labels: Vec::new(), cast: None });
            }
        }
        if pieces.is_empty() {
            return Err(Error::usage(format!("{}: no column of table {} is left", map.table.place, self.name))
                .hint("Leave the table out with --table instead."));
        }
        Ok(pieces)
    }

    /// A default is for a column that the target has.
    fn refuse_default(&self, named: &Named) -> Result<()> {
        let Some(live) = self.live.table(self.target) else { return Ok(()) };
        let column = live.column_index(&named.name).map(|at| &live.columns[at]);
        let why = match column {
            Some(column) if !column.generated => return Ok(()),
            Some(_) => "is computed by the target",
            None => "is not in the target",
        };
        let what = format!("{}: column {} of {} {why}", named.place, named.name.escape_debug(), self.target);
        let hint = names::did_you_mean(&named.name, live.columns.iter().map(|column| column.name.as_str()));
        Err(Error::drift(what).hint(hint.unwrap_or_else(|| "Names under default are the target's.".into())))
    }

    /// The captured table in the target's shape: what is cast or given has the target's type there.
    fn shaped(&self, table: &Table) -> Table {
        let live = self.live.table(self.target);
        let of_target = |name: &str| live.and_then(|live| Some(live.columns[live.column_index(name)?].clone()));
        let piece = |name: &str| self.pieces.iter().find(|piece| piece.column == name);
        let kept: Vec<usize> = (0..table.columns.len()).filter(|&at| !self.drops(&table.columns[at].name)).collect();
        let column = |&at: &usize| {
            let captured = &table.columns[at];
            let name = renamed(&captured.name, &self.renames);
            let mut column = Column { name: name.clone(), ..captured.clone() };
            if let Some(piece) = piece(&name) {
                if let Some(live) = of_target(&name).filter(|_| piece.cast.is_some()) {
                    column = Column { nullable: captured.nullable, ..live };
                }
                column.nullable &= piece.given.is_none();
            }
            column
        };
        let mut columns: Vec<Column> = kept.iter().map(column).collect();
        let given = self.pieces.iter().filter(|piece| piece.from.is_none());
        columns.extend(given.filter_map(|piece| Some(Column { nullable: false, ..of_target(&piece.column)? })));
        let moved = |at: &usize| kept.iter().position(|old| old == at);
        let all = |old: &[usize]| old.iter().map(moved).collect::<Option<Vec<usize>>>();
        let mut uniques = table.uniques.clone();
        uniques.retain_mut(|unique| all(&unique.columns).map(|columns| unique.columns = columns).is_some());
        let primary_key = all(&table.primary_key).unwrap_or_default();
        Table { name: self.target.clone(), columns, primary_key, uniques, ..table.clone() }
    }
}

fn renamed(name: &str, renames: &BTreeMap<String, String>) -> String {
    renames.get(name).cloned().unwrap_or_else(|| name.to_owned())
}

fn rename_all(names: &mut [String], renames: &BTreeMap<String, String>) {
    for name in names {
        *name = renamed(name, renames);
    }
}
