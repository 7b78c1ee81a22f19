//! One table's rows on their way into a target that may not take all of them: `restore --on-error skip`.
//!
//! Every row waits in a stage of its own table, under its ordinal in the snapshot's stream. What breaks a rule is found with as
//! few statements as there are rules where a rule can be asked for, and by halving where only the server can tell: rows go in
//! behind a savepoint, and of a piece that is refused each half is tried again, in the order of the stream.

use super::chunks::Misfits;
use super::ledger::TableDetail;
use super::load::{Destination, OnConflict, Parts, empty_detail, of_run};
use super::marking::{MARKERS, Marking, is_indexable, key_names, stored_and_markers};
use super::quarantine::{self, signed};
use super::state::{joined, positive};
use crate::check;
use crate::engine::sql::{self, Sql};
use crate::engine::{LoadTable, Query, Savepoint, Target, scalar};
use crate::error::{Broken, Error, Result};
use crate::model::mark::{self, FATE_COLUMN, ORDINAL_COLUMN};
use crate::model::proof::Checked;
use crate::model::schema::{EngineKind, ForeignKey, Table, TableName, Unique};
use std::sync::PoisonError;

/// What becomes of a staged row. Those that wait have none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It is in the target.
    Inserted = 1,
    /// It replaces a row of the target, or will.
    Replaces = 2,
    /// The target has it already.
    Identical = 3,
    /// It is left out because of a row of the target, as the user wished.
    Left = 4,
    /// It breaks a rule and is on its way into the quarantine.
    Bad = 8,
    /// The same, and the row that it had replaced comes back.
    BadReplaced = 9,
}

/// A table's rows on their way.
pub(super) struct Stage<'a> {
    engine: EngineKind,
    to: Destination<'a>,
    table: TableName,
    into: LoadTable,
    /// The primary key's columns, if all of them are loaded.
    key: Option<Vec<String>>,
    /// Whether rows of the target will be replaced; then there is a table for their previous images.
    replaces: bool,
    /// Whether the stage can be asked for ordinals without a look at every row.
    is_indexed: bool,
    method: &'static str,
}

impl<'a> Stage<'a> {
    /// An empty stage. `index` makes its name different from others'.
    pub(super) fn open(target: &mut dyn Target, to: Destination<'a>, index: usize) -> Result<Self> {
        let engine = target.engine();
        let table = temporary(engine, &format!("{}_{index}", mark::STAGE_TABLE));
        let key = key_names(to.live, to.columns);
        let indexed = key.as_deref().filter(|key| is_indexable(to.live, key)).unwrap_or_default();
        to.marking.create(target, to.live)?;
        target.execute(&sql::numbered_stage(engine, &table, &to.live.name, to.columns, indexed))?;
        let columns = to.columns.iter().cloned().chain([ORDINAL_COLUMN.to_owned()]).collect();
        let into = LoadTable { table: table.clone(), columns, constants: Vec::new() };
        // On the others the ordinal is the key.
        let is_indexed = engine != EngineKind::Postgres;
        Ok(Self { engine, to, table, into, key, replaces: false, is_indexed, method: "" })
    }

    /// The table that the rows are for.
    pub(super) fn name(&self) -> &TableName {
        &self.to.live.name
    }

    /// The live table.
    pub(super) fn live(&self) -> &'a Table {
        self.to.live
    }

    /// The run.
    pub(super) fn run(&self) -> &'a str {
        self.to.run
    }

    /// Takes numbered rows as they come, and writes down what did not fit.
    pub(super) fn take(&mut self, target: &mut dyn Target, rows: &mut Parts<'_>, misfits: &Misfits) -> Result<()> {
        let note = |target: &mut dyn Target| {
            let mut found = std::mem::take(&mut *misfits.lock().unwrap_or_else(PoisonError::into_inner));
            // One rule is enough for a row.
            found.dedup_by_key(|violation| violation.row);
            let found: Vec<_> = found.iter().map(|it| (it.row, it.rule, it.column.as_str())).collect();
            quarantine::add(target, (self.to.run, &self.to.live.name), &found)
        };
        for part in rows {
            let (rows, _) = part?;
            note(target)?;
            if rows.rows().rows() > 0 {
                load(target, (&self.to, &self.into), &rows)?;
            }
        }
        note(target)?;
        self.method = target.loaded_by();
        Ok(())
    }

    /// Decides about every row: `ready` are the foreign keys whose parents are in the target as far as they come, `own` those
    /// to the table itself.
    pub(super) fn settle(&mut self, target: &mut dyn Target, ready: &[&ForeignKey], own: &[&ForeignKey]) -> Result<()> {
        self.meet(target)?;
        for key in ready {
            let dangling = self.dangling(key);
            self.quarantine(target, ("foreign key", &key.name), &dangling)?;
        }
        while !own.is_empty() && self.leave_orphans(target, own)? > 0 {}
        self.clash(target)?;
        self.put_in(target)?;
        while own.iter().try_fold(0, |out, key| Ok::<_, Error>(out + self.take_orphans_out(target, key)?))? > 0 {}
        Ok(())
    }

    /// Counts what was done, and puts the stage away.
    pub(super) fn finish(self, target: &mut dyn Target) -> Result<(TableDetail, String)> {
        let fates = [Fate::Inserted, Fate::Replaces, Fate::Identical, Fate::Left];
        let mut counts = [0; 4];
        for (count, fate) in counts.iter_mut().zip(fates) {
            let sql = self.asking("SELECT count(*) FROM ").part(&self.has(fate));
            *count = positive(scalar(target, sql)?)?;
        }
        let [inserted, overwritten, identical, skipped] = counts;
        if self.replaces {
            let after = self.keep_images(target, "after", &self.has(Fate::Replaces))?;
            if after != overwritten {
                return Err(Error::internal(format!("table {}: a replaced row has no undo image", self.name())));
            }
        }
        target.execute(&sql::drop_stage(target.engine(), &self.table))?;
        let rules = quarantine::counts(target, (self.to.run, self.name()))?;
        let done = inserted + overwritten;
        self.to.marking.prove(target, self.to.live, (done, done))?;
        let digest = of_run(target, &self.to)?.to_hex();
        let detail = TableDetail {
            inserted,
            overwritten,
            identical,
            skipped,
            quarantined: rules.iter().map(|(.., rows)| rows).sum(),
            digest,
            undo: self.replaces.then(|| self.to.undo.clone()),
            ..empty_detail(&self.to)
        };
        Ok((detail, format!("row by row where needed through a staging table, {}", self.method)))
    }

    /// Compares with the rows of the target under the same primary key.
    fn meet(&mut self, target: &mut dyn Target) -> Result<()> {
        let Some(key) = self.key.clone() else { return Ok(()) };
        let engine = target.engine();
        let on_key = joined(engine, "t", "s", &key, &key);
        let equal = Sql::new(engine).list(self.to.columns, " AND ", |sql, name| sql.exactly_equal(name, "t", "s"));
        self.decide(target, Fate::Identical, &self.exists(&on_key.clone().lit(" AND ").part(&equal)))?;
        let same_key = self.exists(&on_key);
        match self.to.on_conflict {
            OnConflict::Fail => {
                let name = self.key_name(target, &key)?;
                self.quarantine(target, ("conflict", &name), &same_key).map(drop)
            }
            OnConflict::Skip => self.decide(target, Fate::Left, &same_key).map(drop),
            OnConflict::Overwrite => {
                self.replaces = self.decide(target, Fate::Replaces, &same_key)? > 0;
                if !self.replaces {
                    return Ok(());
                }
                self.make_undo(target, &key)?;
                self.leave_second_replacements(target, &key)
            }
        }
    }

    /// Of several rows of the snapshot under one key only the first can replace a row.
    fn leave_second_replacements(&mut self, target: &mut dyn Target, key: &[String]) -> Result<()> {
        let engine = target.engine();
        let firsts = temporary(engine, mark::KEYS_TABLE);
        target.execute(&sql::first_of_stage(
            &firsts,
            &self.table,
            (key, self.indexed(key)),
            &self.has(Fate::Replaces),
        ))?;
        let second = self.has(Fate::Replaces).lit(" AND EXISTS (SELECT 1 FROM ").table(&firsts).lit(" k WHERE ");
        let second = second.part(&joined(engine, "k", "s", key, key)).lit(" AND k.").name(ORDINAL_COLUMN).lit(" < ");
        let second = second.column("s", ORDINAL_COLUMN).lit(")");
        let name = self.key_name(target, key)?;
        self.quarantine(target, ("unique", &name), &second)?;
        target.execute(&sql::drop_stage(engine, &firsts)).map(drop)
    }

    /// The table for previous images, and what finds rows by their key.
    fn make_undo(&self, target: &mut dyn Target, key: &[String]) -> Result<()> {
        let engine = target.engine();
        let stored = stored_and_markers(self.to.live, self.to.has_columns);
        let indexed = self.indexed(key);
        let undo = TableName::plain(&self.to.undo);
        let keep = sql::table_like(engine, false, &undo, &self.to.live.name, &stored, indexed);
        target.execute(&keep).map_err(|error| self.within(error))?;
        for (table, name) in [(&undo, "key"), (&self.table, "key")].into_iter().filter(|_| sql::indexes_later(engine)) {
            index(target, table, name, key)?;
        }
        Ok(())
    }

    /// Values that must be unique and that rows of the target hold under other keys.
    fn clash(&mut self, target: &mut dyn Target) -> Result<()> {
        let engine = target.engine();
        for unique in self.to.live.uniques.iter().filter(|unique| !unique.partial) {
            let names: Vec<String> = unique.columns.iter().map(|&at| self.to.live.columns[at].name.clone()).collect();
            if !names.iter().all(|name| self.to.columns.contains(name)) {
                continue;
            }
            let mut clash = joined(engine, "t", "s", &names, &names);
            if let Some(key) = &self.key {
                clash = clash.lit(" AND NOT (").part(&joined(engine, "t", "s", key, key)).lit(")");
            }
            let clash = self.exists(&clash);
            if self.to.on_conflict == OnConflict::Skip {
                self.decide(target, Fate::Left, &clash)?;
            } else {
                let name = self.unique_name(unique, &names);
                self.quarantine(target, ("unique", &name), &clash)?;
            }
        }
        Ok(())
    }

    /// Leaves out rows whose parents in the table itself are neither there nor on their way. Gives their number.
    fn leave_orphans(&mut self, target: &mut dyn Target, own: &[&ForeignKey]) -> Result<u64> {
        let engine = target.engine();
        let mut left = 0;
        for key in own.iter().filter(|key| key.parent_columns.iter().all(|name| self.to.columns.contains(name))) {
            let coming = self.has(Fate::Replaces).lit(" OR ").part(&self.waits());
            let keys = self.keys(target, &key.parent_columns, &coming)?;
            let orphan = self.dangling(key).lit(" AND NOT EXISTS (SELECT 1 FROM ").table(&keys).lit(" k WHERE ");
            let orphan = orphan.part(&joined(engine, "k", "s", &key.parent_columns, &key.columns)).lit(")");
            left += self.quarantine(target, ("foreign key", &key.name), &orphan)?;
            target.execute(&sql::drop_stage(engine, &keys))?;
        }
        Ok(left)
    }

    /// Takes rows out again whose parents did not come. Gives their number.
    pub(super) fn take_orphans_out(&mut self, target: &mut dyn Target, key: &ForeignKey) -> Result<u64> {
        let dangling = self.dangling(key);
        let replaced = self.set(target, Fate::BadReplaced, &self.has(Fate::Replaces).lit(" AND ").part(&dangling))?;
        let inserted = self.set(target, Fate::Bad, &self.has(Fate::Inserted).lit(" AND ").part(&dangling))?;
        if replaced > 0 {
            self.put_back(target, replaced)?;
        }
        if inserted > 0 {
            self.take_out(target, key, inserted)?;
        }
        self.hand_over(target, ("foreign key", &key.name))?;
        Ok(replaced + inserted)
    }

    /// Deletes the rows that were inserted and whose reference dangles. Whether it does is told by its columns alone, so that
    /// these name the rows of the run that do; a ledger has their keys.
    fn take_out(&self, target: &mut dyn Target, key: &ForeignKey, rows: u64) -> Result<()> {
        let engine = target.engine();
        let columns = match &self.to.marking {
            Marking::Columns | Marking::Nothing => &key.columns,
            Marking::Ledger { key, .. } => key,
        };
        let keys = self.keys(target, columns, &self.has(Fate::Bad))?;
        let on = joined(engine, "t", "terp_r", columns, columns);
        let mine = self.to.marking.belongs(engine, "t", self.to.run, self.to.has_columns);
        let delete = sql::delete_from(engine, self.name(), Some(&keys), &on.clone().lit(" AND ").part(&mine));
        let gone = target.execute(&delete).map_err(|error| self.within(error))?;
        if gone != rows {
            let what = format!("table {}: {gone} of {rows} rows without parents went out", self.name());
            return Err(Error::internal(what));
        }
        self.unlist(target, &keys, &on)?;
        target.execute(&sql::drop_stage(engine, &keys)).map(drop)
    }

    /// Takes rows off the ledger of keys, where there is one.
    fn unlist(&self, target: &mut dyn Target, keys: &TableName, on: &Sql) -> Result<()> {
        let Marking::Ledger { rows, .. } = &self.to.marking else { return Ok(()) };
        target.execute(&sql::delete_from(target.engine(), &TableName::plain(rows), Some(keys), on)).map(drop)
    }

    /// Gives rows of the target back what they were before.
    fn put_back(&self, target: &mut dyn Target, rows: u64) -> Result<()> {
        let engine = target.engine();
        let key = self.key.as_deref().unwrap_or_default();
        let keys = self.keys(target, key, &self.has(Fate::BadReplaced))?;
        let undo = TableName::plain(&self.to.undo);
        let stored = stored_and_markers(self.to.live, self.to.has_columns);
        let settable = stored.iter().filter(|name| sql::sets_keys(engine) || !key.contains(name));
        let set: Vec<(String, Sql)> = settable.map(|name| (name.clone(), Sql::new(engine).column("s", name))).collect();
        let on =
            Sql::new(engine).lit("s.terp_fixtures_image = 'before' AND ").part(&joined(engine, "t", "s", key, key));
        let only = joined(engine, "t", "u", key, key);
        let update = sql::update_from(engine, self.name(), (&undo, &on), Some((&keys, &only)), &set);
        let updated = target.execute(&update).map_err(|error| self.within(error))?;
        let on = joined(engine, "t", "terp_r", key, key);
        let gone = target.execute(&sql::delete_from(engine, &undo, Some(&keys), &on))?;
        self.unlist(target, &keys, &on)?;
        target.execute(&sql::drop_stage(engine, &keys))?;
        if updated == rows && gone == rows {
            return Ok(());
        }
        Err(Error::internal(format!("table {}: not every replaced row came back", self.name())))
    }

    /// Puts in what waits. What the server refuses is quarantined.
    fn put_in(&mut self, target: &mut dyn Target) -> Result<()> {
        let due = self.waits().lit(" OR ").part(&self.has(Fate::Replaces));
        let sql = Sql::new(target.engine()).lit("SELECT min(").name(ORDINAL_COLUMN).lit("), max(").name(ORDINAL_COLUMN);
        let sql = sql.lit("), count(*) FROM ").table(&self.table).lit(" s WHERE ").part(&due);
        let mut found = [0_u64; 3];
        target.read(&Query { sql, columns: 3 }, &mut |batch| {
            for (at, number) in found.iter_mut().enumerate() {
                *number = std::str::from_utf8(batch.cell(0, at).bytes).ok().and_then(|it| it.parse().ok()).unwrap_or(0);
            }
            Ok(())
        })?;
        let [first, last, rows] = found;
        self.put_piece(target, (first, last), rows)?;
        self.set(target, Fate::Inserted, &self.waits()).map(drop)
    }

    /// Puts in the `rows` that are due among these ordinals, or as many of them as the server takes.
    fn put_piece(&mut self, target: &mut dyn Target, (first, last): (u64, u64), rows: u64) -> Result<()> {
        if rows == 0 {
            return Ok(());
        }
        target.savepoint(Savepoint::Set)?;
        let done = refused(self.write(target, (first, last)), rows)?;
        let Some(broken) = done else { return target.savepoint(Savepoint::Keep) };
        target.savepoint(Savepoint::Undo)?;
        if !std::mem::replace(&mut self.is_indexed, true) {
            index(target, &self.table, "ordinal", &[ORDINAL_COLUMN.to_owned()])?;
        }
        if rows == 1 {
            let which = self.between((first, last));
            return self.quarantine(target, (broken.rule, &broken.name), &which).map(drop);
        }
        let middle = first + (last - first) / 2;
        let due = self.between((first, middle)).lit(" AND (").part(&self.waits()).lit(" OR ");
        let due = due.part(&self.has(Fate::Replaces)).lit(")");
        let before = positive(scalar(target, self.asking("SELECT count(*) FROM ").part(&due))?)?;
        self.put_piece(target, (first, middle), before)?;
        self.put_piece(target, (middle + 1, last), rows - before)
    }

    /// Replaces and inserts what is due among these ordinals. Gives the number of rows.
    fn write(&self, target: &mut dyn Target, range: (u64, u64)) -> Result<u64> {
        let engine = target.engine();
        let constants = self.to.marking.constants(self.to.run, self.to.at);
        let mut done = 0;
        if let Some(key) = self.key.as_ref().filter(|_| self.replaces) {
            let due = self.between(range).lit(" AND ").part(&self.has(Fate::Replaces));
            done = self.keep_images(target, "before", &due)?;
            let settable = self.to.columns.iter().filter(|name| sql::sets_keys(engine) || !key.contains(name));
            let mut set: Vec<(String, Sql)> =
                settable.map(|name| (name.clone(), Sql::new(engine).column("s", name))).collect();
            for (marker, value) in &constants {
                set.push((marker.clone(), Sql::new(engine).string(value)));
            }
            if self.to.has_columns && constants.is_empty() {
                // Another run's mark goes, and comes back with the previous row.
                set.extend(MARKERS.map(|marker| (marker.to_owned(), Sql::new(engine).lit("NULL"))));
            }
            self.to.marking.list(target, &self.table, &due)?;
            let on = joined(engine, "t", "s", key, key).lit(" AND ").part(&due);
            let update = sql::update_from(engine, self.name(), (&self.table, &on), None, &set);
            if target.execute(&update)? != done {
                return Ok(0);
            }
        }
        let due = self.between(range).lit(" AND ").part(&self.waits());
        self.to.marking.list(target, &self.table, &due)?;
        let names = self.to.columns.iter().chain(constants.iter().map(|(name, _)| name));
        let sql = Sql::new(engine).lit("INSERT INTO ").table(self.name()).lit(" (");
        let sql = sql.list(names, ", ", |sql, name| sql.name(name)).lit(")").lit(sql::overriding(engine));
        let sql = sql.lit(" SELECT ").list(self.to.columns, ", ", |sql, name| sql.column("s", name));
        let sql = constants.iter().fold(sql, |sql, (_, value)| sql.lit(", ").string(value));
        let sql = sql.lit(" FROM ").table(&self.table);
        let sql = sql.lit(" s WHERE ").part(&due).lit(" ORDER BY ").column("s", ORDINAL_COLUMN);
        Ok(done + target.execute(&sql)?)
    }

    /// Keeps what rows of the target are now, for those staged rows where `condition` holds.
    fn keep_images(&self, target: &mut dyn Target, image: &'static str, condition: &Sql) -> Result<u64> {
        let engine = target.engine();
        let key = self.key.as_deref().unwrap_or_default();
        let sql = Sql::new(engine).lit("INSERT INTO ").name(&self.to.undo).lit(" SELECT '").lit(image).lit("', ");
        let sql =
            sql.list(stored_and_markers(self.to.live, self.to.has_columns), ", ", |sql, name| sql.column("x", &name));
        let sql = sql.lit(" FROM ").table(&self.table).lit(" s JOIN ").table(self.name()).lit(" x ON ");
        let sql = sql.part(&joined(engine, "x", "s", key, key)).lit(" WHERE ").part(condition);
        target.execute(&sql.lit(sql::locking(engine)))
    }

    /// Hands every undecided row over to the quarantine for which `condition` on `s` holds. Gives their number.
    fn quarantine(&self, target: &mut dyn Target, rule: (&str, &str), condition: &Sql) -> Result<u64> {
        let due = Sql::new(target.engine()).lit("(").part(&self.waits()).lit(" OR ").part(&self.has(Fate::Replaces));
        let found = self.set(target, Fate::Bad, &due.lit(") AND ").part(condition))?;
        self.hand_over(target, rule)?;
        Ok(found)
    }

    /// Moves what is bad out of the stage.
    fn hand_over(&self, target: &mut dyn Target, rule: (&str, &str)) -> Result<()> {
        let bad = Sql::new(target.engine()).lit("s.").name(FATE_COLUMN).lit(" >= ").integer(Fate::Bad as i64);
        if quarantine::add_staged(target, (self.to.run, self.name()), (&self.table, &bad), rule)? == 0 {
            return Ok(());
        }
        let sql = Sql::new(target.engine()).lit("DELETE FROM ").table(&self.table).lit(" WHERE ").name(FATE_COLUMN);
        target.execute(&sql.lit(" >= ").integer(Fate::Bad as i64)).map(drop)
    }

    /// Decides about every row that waits and for which `condition` on `s` holds. Gives their number.
    fn decide(&self, target: &mut dyn Target, fate: Fate, condition: &Sql) -> Result<u64> {
        self.set(target, fate, &self.waits().lit(" AND ").part(condition))
    }

    fn set(&self, target: &mut dyn Target, fate: Fate, condition: &Sql) -> Result<u64> {
        let sql = Sql::new(target.engine()).lit("UPDATE ").table(&self.table).lit(" AS s SET ").name(FATE_COLUMN);
        target.execute(&sql.lit(" = ").integer(fate as i64).lit(" WHERE ").part(condition))
    }

    /// A temporary table with what `columns` are in the rows where `condition` holds.
    fn keys(&self, target: &mut dyn Target, columns: &[String], condition: &Sql) -> Result<TableName> {
        let engine = target.engine();
        let keys = temporary(engine, mark::KEYS_TABLE);
        target.execute(&sql::stage_keys(&keys, &self.table, (columns, self.indexed(columns)), condition))?;
        if sql::indexes_later(engine) && !self.indexed(columns).is_empty() {
            index(target, &keys, "key", columns)?;
        }
        Ok(keys)
    }

    fn asking(&self, what: &'static str) -> Sql {
        Sql::new(self.engine).lit(what).table(&self.table).lit(" s WHERE ")
    }

    fn waits(&self) -> Sql {
        Sql::new(self.engine).lit("s.").name(FATE_COLUMN).lit(" IS NULL")
    }

    fn has(&self, fate: Fate) -> Sql {
        Sql::new(self.engine).lit("s.").name(FATE_COLUMN).lit(" = ").integer(fate as i64)
    }

    fn between(&self, (first, last): (u64, u64)) -> Sql {
        let sql = Sql::new(self.engine).column("s", ORDINAL_COLUMN).lit(" BETWEEN ").integer(signed(first));
        sql.lit(" AND ").integer(signed(last))
    }

    /// A row `t` of the target for which `condition` holds.
    fn exists(&self, condition: &Sql) -> Sql {
        let sql = Sql::new(self.engine).lit("EXISTS (SELECT 1 FROM ").table(self.name()).lit(" t WHERE ");
        sql.part(condition).lit(")")
    }

    /// A complete reference to no row of the target.
    fn dangling(&self, key: &ForeignKey) -> Sql {
        let sql = Sql::new(self.engine);
        let sql = sql.list(&key.columns, " AND ", |sql, name| sql.column("s", name).lit(" IS NOT NULL"));
        let sql = sql.lit(" AND NOT EXISTS (SELECT 1 FROM ").table(&key.parent).lit(" p WHERE ");
        sql.part(&joined(self.engine, "p", "s", &key.parent_columns, &key.columns)).lit(")")
    }

    /// The columns by which rows can be looked up: all of them or none.
    fn indexed<'c>(&self, columns: &'c [String]) -> &'c [String] {
        if is_indexable(self.to.live, columns) { columns } else { &[] }
    }

    fn within(&self, error: Error) -> Error {
        error.within(format!("table {}", self.name()))
    }

    /// What the server would call the primary key.
    fn key_name(&self, target: &mut dyn Target, key: &[String]) -> Result<String> {
        let engine = target.engine();
        let mut name = match engine {
            EngineKind::Sqlite => qualified(self.name(), key),
            _ => "PRIMARY".to_owned(),
        };
        if let Some(sql) = sql::primary_key_name(engine, self.name()) {
            target.read(&Query { sql, columns: 1 }, &mut |batch| {
                name = String::from_utf8_lossy(batch.cell(0, 0).bytes).into_owned();
                Ok(())
            })?;
        }
        Ok(name)
    }

    /// What the server would call a unique key.
    fn unique_name(&self, unique: &Unique, names: &[String]) -> String {
        if self.engine == EngineKind::Sqlite { qualified(self.name(), names) } else { unique.name.clone() }
    }
}

/// SQLite names columns where others name a key.
fn qualified(table: &TableName, columns: &[String]) -> String {
    columns.iter().map(|name| format!("{}.{name}", table.name)).collect::<Vec<_>>().join(", ")
}

/// Loads rows into a stage, or as many of them as the server takes.
fn load(target: &mut dyn Target, (to, into): (&Destination<'_>, &LoadTable), rows: &Checked) -> Result<()> {
    let count = rows.rows().rows();
    target.savepoint(Savepoint::Set)?;
    let done = refused(target.load(into, rows), count as u64)?;
    let Some(broken) = done else { return target.savepoint(Savepoint::Keep) };
    target.savepoint(Savepoint::Undo)?;
    if count == 1 {
        let rows = [(check::ordinal(rows, 0), broken.rule, broken.name.as_str())];
        return quarantine::add(target, (to.run, &to.live.name), &rows);
    }
    load(target, (to, into), &check::part(rows, 0..count / 2))?;
    load(target, (to, into), &check::part(rows, count / 2..count))
}

/// Why not all of `rows` went in: a rule that one of them breaks, or none that the server names. Other errors stay errors.
fn refused(done: Result<u64>, rows: u64) -> Result<Option<Broken>> {
    match done {
        Ok(count) if count == rows => Ok(None),
        Ok(_) => Ok(Some(Broken { rule: "rule", name: String::new(), row: None })),
        Err(error) => match error.broken() {
            Some(broken) => Ok(Some(broken.clone())),
            None => Err(error),
        },
    }
}

fn index(target: &mut dyn Target, table: &TableName, name: &str, columns: &[String]) -> Result<()> {
    let index = TableName { schema: table.schema.clone(), name: format!("{}_{name}", table.name) };
    let sql = Sql::new(target.engine()).lit("CREATE INDEX ").table(&index).lit(" ON ").name(&table.name).lit(" (");
    target.execute(&sql.list(columns, ", ", |sql, name| sql.name(name)).lit(")")).map(drop)
}

/// A table that only this connection sees.
fn temporary(engine: EngineKind, name: &str) -> TableName {
    TableName { schema: (engine == EngineKind::Sqlite).then(|| "temp".to_owned()), name: name.to_owned() }
}
