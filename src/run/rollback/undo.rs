//! Carries a plan out: what hangs on the rows, previous rows back, the rest deleted, children first, and the ledger last.

use super::super::ledger::{self, Run, TableDetail};
use super::super::marking::Marking;
use super::super::references::dangling;
use super::super::{Context, counters, state};
use super::outcome::{Effect, Taken};
use super::plan::{Manner, Part, Plan};
use super::{Strategy, effects, images, shape};
use crate::engine::Target;
use crate::engine::sql::{self, Sql};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::digest::ContentDigest;
use crate::model::mark;
use crate::model::schema::{EngineKind, Table, TableName};

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Undone {
    pub(super) partial: bool,
    pub(super) tables: Vec<Taken>,
    pub(super) effects: Vec<Effect>,
    pub(super) dropped: Vec<TableName>,
}

/// The digest of the keys of rows `t` of a table; of whole rows where it has no key.
pub(super) fn keys(target: &mut dyn Target, table: &Table, rows: &Sql) -> Result<ContentDigest> {
    let key = if table.primary_key.is_empty() { table.stored_columns() } else { table.primary_key.clone() };
    let names: Vec<String> = key.into_iter().map(|at| table.columns[at].name.clone()).collect();
    state::digest_where(target, table, &names, rows)
}

impl Plan<'_> {
    /// Does what the plan says.
    pub(super) fn carry_out(&self, context: &Context<'_>, target: &mut dyn Target) -> Result<Undone> {
        if self.how.strategy == Strategy::None {
            return self.let_go(context, target);
        }
        let mut undone = Undone { partial: self.is_partial, ..Undone::default() };
        undone.effects = self.effects.happen(target, self)?;
        let whole = self.whole_tables(context, target)?;
        for part in &self.parts {
            images::call(target, self.about(), part)?;
            let going = part.leaving(self.about(), "t");
            let keys = keys(target, &part.table, &going)
                .map_err(|error| error.within(format!("table {}", part.table.name)))?;
            let truncated = whole.contains(&&part.table.name);
            let deleted = if truncated { keys.rows() } else { self.delete(target, part, &going)? };
            if deleted != keys.rows() {
                return Err(effects::changed_meanwhile(&part.table.name));
            }
            let put_back = images::put_back(target, part)?;
            let taken = Taken {
                table: part.table.name.clone(),
                deleted,
                put_back,
                kept: 0,
                keys: keys.to_hex(),
                gone: part.gone,
                edited: part.edited,
                truncated,
            };
            tell(context, &taken);
            undone.tables.push(taken);
        }
        self.empty(target, &whole)?;
        if self.is_partial {
            self.shrink(target, &undone)?;
        } else {
            undone.dropped = self.forget(context, target)?;
        }
        if self.how.manner != Manner::Replace {
            self.refuse_dangling(target)?;
        }
        Ok(undone)
    }

    fn delete(&self, target: &mut dyn Target, part: &Part, going: &Sql) -> Result<u64> {
        let table = &part.table.name;
        let marking = part.detail.as_ref().map_or(&Marking::Columns, |detail| &detail.marking);
        let deleted = match &part.condition {
            None => marking.delete(
                target,
                table,
                (&self.run.id, part.has_columns),
                part.replaces_none(self.live.engine, "t").as_ref(),
            ),
            // The user's columns have no table in front, so no other table may stand beside it.
            Some(_) => target.execute(&sql::delete_from(self.live.engine, table, None, going)),
        };
        deleted.map_err(|error| error.within(format!("table {table}")))
    }

    /// Tables that hold nothing but rows that go, and can be emptied as a whole. A note says why others are not.
    fn whole_tables(&self, context: &Context<'_>, target: &mut dyn Target) -> Result<Vec<&TableName>> {
        if self.how.strategy != Strategy::Truncate {
            return Ok(Vec::new());
        }
        let engine = self.live.engine;
        if matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) {
            context.note(format!("rows are deleted one by one: {engine} could not take a TRUNCATE back"));
            return Ok(Vec::new());
        }
        let mut whole = Vec::new();
        for part in &self.parts {
            let table = &part.table.name;
            if let Some(sql) = sql::hold_alone(engine, table) {
                target.execute(&sql).map_err(|error| error.within(format!("table {table}")))?;
            }
            let rows = part.rows(self.about(), "t");
            let holds_others = state::count(target, table)? > state::count_where(target, table, &rows)?;
            if part.undo().is_some() || part.condition.is_some() || holds_others {
                context.note(format!("table {table} holds other rows too; those of the run are deleted one by one"));
            } else {
                whole.push(table);
            }
        }
        // A table that another one references is emptied with that one or not at all.
        let references = |table: &TableName, whole: &[&TableName]| {
            let children = self.live.tables.iter().filter(|child| !whole.contains(&&child.name));
            sql::minds_references(engine)
                && children.flat_map(|child| &child.foreign_keys).any(|key| &key.parent == table)
        };
        while let Some(at) = whole.iter().position(|table| references(table, &whole)) {
            let table = whole.remove(at);
            context.note(format!("table {table} is referenced by tables that stay; its rows are deleted one by one"));
        }
        Ok(whole)
    }

    /// Empties tables as a whole.
    fn empty(&self, target: &mut dyn Target, whole: &[&TableName]) -> Result<()> {
        sql::empty_tables(self.live.engine, whole).iter().try_for_each(|sql| target.execute(sql).map(drop))
    }

    /// The rows stay and become the database's own.
    fn let_go(&self, context: &Context<'_>, target: &mut dyn Target) -> Result<Undone> {
        let mut undone = Undone::default();
        for part in &self.parts {
            let rows = part.rows(self.about(), "t");
            let keys = keys(target, &part.table, &rows)?;
            let is_marked = part.detail.as_ref().is_none_or(|detail| detail.marking == Marking::Columns);
            if is_marked && self.others_have_columns() {
                let null = || Sql::new(self.live.engine).lit("NULL");
                let set = [(mark::RUN_COLUMN.to_owned(), null()), (mark::AT_COLUMN.to_owned(), null())];
                target.execute(&sql::update_where(self.live.engine, (&part.table.name, "t"), &set, &rows))?;
            }
            let taken = Taken {
                table: part.table.name.clone(),
                deleted: 0,
                put_back: 0,
                kept: keys.rows(),
                keys: keys.to_hex(),
                gone: part.gone,
                edited: part.edited,
                truncated: false,
            };
            tell(context, &taken);
            undone.tables.push(taken);
        }
        shape::drop_undo_tables(target, &self.run.detail.tables, &self.live)?;
        ledger::forget(target, &self.live, self.run, self.others.is_empty())?;
        if !self.others_have_columns() {
            shape::drop_markers(target, &self.live, &[])?;
        }
        Ok(undone)
    }

    /// After the last row: counters, images, ledger and whatever the run had made. Returns the tables that were dropped.
    fn forget(&self, context: &Context<'_>, target: &mut dyn Target) -> Result<Vec<TableName>> {
        self.restore_counters(target)?;
        shape::drop_undo_tables(target, &self.run.detail.tables, &self.live)?;
        ledger::forget(target, &self.live, self.run, self.others.is_empty())?;
        let dropped = shape::drop_created(context, target, self.run, &self.others)?;
        if !self.others_have_columns() {
            shape::drop_markers(target, &self.live, &dropped)?;
        }
        Ok(dropped)
    }

    fn others_have_columns(&self) -> bool {
        let has_columns = |other: &Run| other.detail.tables.iter().any(|table| table.marking == Marking::Columns);
        self.others.iter().any(has_columns)
    }

    /// The run stays with fewer rows, and the ledger says so.
    fn shrink(&self, target: &mut dyn Target, undone: &Undone) -> Result<()> {
        let mut run = self.run.clone();
        run.detail.partial = true;
        for part in &self.parts {
            let Some(detail) = run.detail.tables.iter_mut().find(|detail| detail.table == part.table.name) else {
                continue;
            };
            let left = images::forget_used(target, part)?;
            let put_back =
                undone.tables.iter().find(|taken| taken.table == part.table.name).map_or(0, |taken| taken.put_back);
            let all = Part { condition: None, ..part.clone() }.rows(self.about(), "t");
            let digest = state::digest_where(target, &part.table, &detail.columns, &all)?;
            let TableDetail { overwritten, inserted, .. } = *detail;
            detail.overwritten = overwritten.saturating_sub(put_back);
            detail.inserted = digest.rows().saturating_sub(detail.overwritten).min(inserted);
            detail.digest = digest.to_hex();
            if left == 0 {
                detail.undo = None;
            }
        }
        ledger::update(target, &run)
    }

    /// A counter goes back only when nobody has used it since.
    fn restore_counters(&self, target: &mut dyn Target) -> Result<()> {
        for known in self.run.detail.counters.iter().filter(|known| self.live.table(&known.table).is_some()) {
            if known.before != known.after
                && counters::value(target, &known.table)? == known.after
                && let Some(sql) = sql::set_counter(target.engine(), &known.table, known.before)
            {
                target.execute(&sql)?;
            }
        }
        Ok(())
    }

    /// No reference may dangle that did not before.
    fn refuse_dangling(&self, target: &mut dyn Target) -> Result<()> {
        let live = target.catalogue()?;
        for (name, count) in dangling(target, &live, &[])? {
            if count > self.before.get(&name).copied().unwrap_or(0) {
                return Err(Error::rollback(format!("the foreign key {} would be broken", name.escape_debug()))
                    .hint("Rows that stay reference what the rollback takes out or puts back."));
            }
        }
        Ok(())
    }
}

/// Logs what became of the rows of a table.
fn tell(context: &Context<'_>, taken: &Taken) {
    context.report.event(&Event::TableDone {
        table: taken.table.clone(),
        rows: taken.deleted + taken.kept,
        bytes: 0,
        millis: 0,
        how: if taken.kept > 0 { "let go" } else { "rolled back" }.to_owned(),
    });
    context.report.event(&Event::RowsTaken {
        table: taken.table.clone(),
        deleted: taken.deleted,
        put_back: taken.put_back,
        kept: taken.kept,
        keys: taken.keys.clone(),
    });
}
