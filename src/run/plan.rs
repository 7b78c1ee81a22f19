//! The plan of a restore: the snapshot's tables against the live ones, column by column, before anything is written.

use super::foreign::Foreign;
use super::ledger::Made;
use super::marking::Marker;
use super::quarantine::OnError;
use super::restore::run_rendered;
use super::{Context, drift};
use crate::engine::Target;
use crate::engine::sql;
use crate::engine::staging::Rounds;
use crate::error::{Error, Result};
use crate::model::drift::Difference;
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::mark;
use crate::model::schema::{Catalogue, EngineKind, SchemaObject, Table, TableName};

/// What a restore will create and load.
pub(super) struct Plan<'a> {
    manifest: &'a Manifest,
    /// Tables to create, parents first.
    create: Vec<&'a Table>,
    /// Tables that get rows, parents first.
    pub(super) entries: Vec<&'a TableEntry>,
    /// Whether the database held nothing: then views and settings come too.
    empty: bool,
    /// Whether markers come before the rows in any case.
    marks_now: bool,
    live: &'a Catalogue,
    /// How the target differs from the snapshot, in ways that do not matter.
    pub(super) differences: Vec<Difference>,
}

/// The snapshot's tables that the user asked for; all without a wish. Ordered by name.
pub(super) fn wanted<'a>(manifest: &'a Manifest, tables: &[String]) -> Result<Vec<&'a TableEntry>> {
    for name in tables {
        if !manifest.tables.iter().any(|entry| entry.table.is_named(name)) {
            return Err(Error::usage(format!("the snapshot has no table '{}'", name.escape_debug()))
                .hint("'terp-fixtures show SNAPSHOT' lists its tables."));
        }
    }
    let is_wanted = |entry: &&TableEntry| tables.is_empty() || tables.iter().any(|name| entry.table.is_named(name));
    Ok(manifest.tables.iter().filter(is_wanted).collect())
}

/// Gives an empty database what must be set before its first table and outside a transaction.
pub(super) fn prepare(target: &mut dyn Target, manifest: &Manifest, live: &Catalogue) -> Result<()> {
    if !live.tables.is_empty() || !live.post.is_empty() {
        return Ok(());
    }
    for (name, value) in &manifest.schema.settings {
        if let Some(sql) = sql::set_at_birth(target.engine(), name, value) {
            target.execute(&sql)?;
        }
    }
    Ok(())
}

impl<'a> Plan<'a> {
    /// Compares and decides. Every difference is listed at once. What only the rows can tell stays open.
    pub(super) fn new(
        manifest: &'a Manifest,
        live: &'a Catalogue,
        create: bool,
        tables: &[String],
        foreign: Option<&Foreign<'_>>,
        on_error: OnError,
    ) -> Result<Self> {
        let empty = live.tables.is_empty() && live.post.is_empty();
        let wanted = wanted(manifest, tables)?;
        let order = manifest.schema.parents_first();
        let mut differences = drift::differences(manifest, &wanted, live, foreign, create || empty);
        if on_error == OnError::Skip {
            drift::leave_to_rows(&mut differences);
        }
        drift::refuse(&differences, foreign)?;
        let (create, entries, marks_now) = (Vec::new(), Vec::new(), on_error == OnError::Skip);
        let mut plan = Self { manifest, create, entries, empty, marks_now, live, differences };
        for table in order.into_iter().map(|at| &manifest.schema.tables[at]) {
            let Some(entry) = wanted.iter().find(|entry| entry.table == table.name) else { continue };
            if live.table(&table.name).is_none() {
                plan.create.push(table);
            }
            if entry.rows > 0 {
                plan.entries.push(entry);
            }
        }
        Ok(plan)
    }

    /// Whether a table gets rows.
    pub(super) fn loads(&self, table: &TableName) -> bool {
        self.entries.iter().any(|entry| &entry.table == table)
    }

    /// The tables that are created.
    pub(super) fn created(&self) -> Vec<TableName> {
        self.create.iter().map(|table| table.name.clone()).collect()
    }

    /// Sets the captured database's settings on an empty one; returns the previous values.
    pub(super) fn apply_settings(&self, target: &mut dyn Target) -> Result<Vec<(String, String)>> {
        let mut previous = Vec::new();
        for (name, value) in self.manifest.schema.settings.iter().filter(|_| self.empty) {
            let Some(before) = self.live.settings.get(name).filter(|before| *before != value) else {
                continue;
            };
            if let Some(sql) = sql::set_setting(target.engine(), name, value) {
                target.execute(&sql)?;
                previous.push((name.clone(), before.clone()));
            }
        }
        Ok(previous)
    }

    /// Creates what the missing tables are made of: schemas, types, sequences, functions. Returns what was not there.
    pub(super) fn create_pre(&self, target: &mut dyn Target) -> Result<Vec<Made>> {
        let mut made = Vec::new();
        for object in self.manifest.schema.pre.iter().filter(|_| !self.create.is_empty()) {
            if self.live.pre.iter().any(|other| other.is_same(object)) {
                continue;
            }
            run_rendered(target, &object.create, &format!("{} {}", object.kind, object.name.escape_debug()))?;
            made.push(Made { kind: object.kind.clone(), name: object.name.clone(), late: false });
        }
        Ok(made)
    }

    /// Creates what is missing.
    pub(super) fn create_tables(&self, target: &mut dyn Target) -> Result<()> {
        self.create_tables_but(target, u64::MAX).map(drop)
    }

    /// Creates what is missing, but for keys of tables of `many` rows that are built better behind them: gives the statements
    /// that add them.
    pub(super) fn create_tables_but(&self, target: &mut dyn Target, many: u64) -> Result<[Rounds; 2]> {
        let mut later = [Rounds::new(), Rounds::new()];
        let created = self.created();
        for table in &self.create {
            let is_there = |parent: &TableName| self.live.table(parent).is_some() || created.contains(parent);
            let orphans = table.foreign_keys.iter().filter(|key| !is_there(&key.parent)).map(|key| key.name.as_str());
            let mut create = sql::without_foreign_keys(target.engine(), &table.create, &orphans.collect::<Vec<_>>());
            let is_large = self.entries.iter().any(|entry| entry.table == table.name && entry.rows >= many);
            if is_large && let Some((first, then)) = sql::keys_later(target.engine(), &table.name, &create) {
                create = first;
                for (round, sql) in later.iter_mut().zip(then) {
                    round.extend(sql.map(|sql| vec![sql.text().to_owned()]));
                }
            }
            run_rendered(target, &create, &format!("table {}", table.name))?;
        }
        Ok(later)
    }

    /// What there is once everything is made: what was there, where nothing is.
    pub(super) fn whole(&self, target: &mut dyn Target) -> Result<Catalogue> {
        if self.create.is_empty() { Ok(self.live.clone()) } else { target.catalogue() }
    }

    /// Whether the markers of a table come behind its rows: none of them is written again. Not where other tables have columns
    /// of a table's row type: it cannot get a column with a value then.
    pub(super) fn marks_later(&self, engine: EngineKind, marker: Marker, table: &TableName) -> bool {
        let tables = &self.manifest.schema.tables;
        let is_row = |declared: &str| {
            let name = declared.trim_end_matches("[]").rsplit('.').next().unwrap_or_default().trim_matches('"');
            tables.iter().any(|table| table.name.name == name)
        };
        let has_rows = || tables.iter().flat_map(|table| &table.columns).any(|column| is_row(&column.declared));
        !self.marks_now
            && marker == Marker::Columns
            && sql::marks_later(engine)
            && self.created().contains(table)
            && !has_rows()
    }

    /// Gives created tables the markers that come behind their rows: the values of the two columns.
    pub(super) fn mark_created(&self, target: &mut dyn Target, marker: Marker, values: [&str; 2]) -> Result<()> {
        let engine = target.engine();
        for entry in self.entries.iter().filter(|entry| self.marks_later(engine, marker, &entry.table)) {
            for sql in sql::add_values(engine, &entry.table, values) {
                target.execute(&sql).map_err(|error| error.within(format!("table {}", entry.table)))?;
            }
        }
        Ok(())
    }

    /// Adds the marker columns to every table that gets rows and has none, but for those that get them later; what is no column needs none.
    pub(super) fn add_markers(&self, target: &mut dyn Target, live: &Catalogue, marker: Marker) -> Result<()> {
        if marker != Marker::Columns {
            return Ok(());
        }
        let engine = target.engine();
        for entry in self.entries.iter().filter(|entry| !live.own.marked.contains(&entry.table)) {
            let taken =
                live.table(&entry.table).is_some_and(|table| table.columns.iter().any(|c| mark::is_marker(&c.name)));
            if taken {
                return Err(Error::drift(format!(
                    "table {} has a column of its own that is called like a marker",
                    entry.table
                ))
                .hint(format!(
                    "Rename it: {} and {} are this program's.",
                    mark::RUN_COLUMN,
                    mark::AT_COLUMN
                )));
            }
            if self.marks_later(engine, marker, &entry.table) {
                continue;
            }
            for sql in sql::add_markers(engine, &entry.table) {
                target.execute(&sql).map_err(|error| error.within(format!("table {}", entry.table)))?;
            }
        }
        Ok(())
    }

    /// Creates the indexes of created tables before their first row, so that unique ones can refuse it.
    pub(super) fn create_indexes(&self, context: &Context<'_>, target: &mut dyn Target) -> Result<()> {
        self.create_post(context, target, &|object| self.is_early(object)).map(drop)
    }

    /// Whether an object is an index of a created table.
    pub(super) fn is_early(&self, object: &SchemaObject) -> bool {
        object.kind == "index"
            && object.table.as_ref().is_some_and(|table| self.create.iter().any(|it| it.name == *table))
    }

    /// Creates indexes, foreign keys and triggers of created tables, and views where the database was empty. Returns the
    /// views, and other objects that go with no table. Only what is `wanted`.
    pub(super) fn create_post(
        &self,
        context: &Context<'_>,
        target: &mut dyn Target,
        wanted: &dyn Fn(&SchemaObject) -> bool,
    ) -> Result<(Vec<String>, Vec<Made>)> {
        let created = self.created();
        let (mut views, mut made) = (Vec::new(), Vec::new());
        for object in self.manifest.schema.post.iter().filter(|object| wanted(object)) {
            let due = match &object.table {
                // Triggers on views (INSTEAD OF) and indexes on materialized views come with their view.
                Some(table) => {
                    (created.contains(table) && self.has_parent(object, table))
                        || views.contains(&table.name)
                        || made.iter().any(|view: &Made| view.name == table.name)
                }
                None => self.empty && self.create.len() == self.manifest.schema.tables.len(),
            };
            if !due {
                continue;
            }
            if object.create.is_empty() {
                context.note(format!(
                    "{} {} is not made: the account that captured it may not see its text",
                    object.kind,
                    object.name.escape_debug()
                ));
                continue;
            }
            let mut create = object.create.clone();
            // References that dangled in the source were captured as they are.
            if object.kind == "foreign key" && self.manifest.results.closure.dangling.contains_key(&object.name) {
                create.push_str(sql::unchecked_suffix(target.engine(), &create));
            }
            run_rendered(target, &create, &format!("{} {}", object.kind, object.name.escape_debug()))?;
            if sql::drop_object(target.engine(), &object.kind, &object.name).is_some() {
                made.push(Made { kind: object.kind.clone(), name: object.name.clone(), late: true });
            } else if object.kind == "view" {
                views.push(object.name.clone());
            }
        }
        Ok((views, made))
    }

    /// A foreign key needs its parent, which the policy or the user may have left out.
    fn has_parent(&self, object: &SchemaObject, table: &TableName) -> bool {
        if object.kind != "foreign key" {
            return true;
        }
        let keys = self.manifest.schema.table(table).map(|table| table.foreign_keys.as_slice()).unwrap_or_default();
        let parent = keys.iter().find(|key| key.name == object.name).map(|key| &key.parent);
        parent.is_some_and(|name| self.live.table(name).is_some() || self.created().contains(name))
    }
}
