//! The plan of a rollback: which rows go, what their going does to others, and everything that speaks against it. It only asks;
//! nothing is changed before every question is answered.

use super::super::Context;
use super::super::ledger::{self, Run, TableDetail};
use super::super::marking::{Marking, key_names, stored_and_markers};
use super::super::references::dangling;
use super::super::state::{self, joined};
use super::effects::{self, Effects};
use super::{Strategy, choose};
use crate::engine::sql::{self, Sql};
use crate::engine::{Target, scalar};
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, EngineKind, Table, TableName};
use crate::policy::condition;
use std::collections::BTreeMap;

/// Why a run is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// A rollback that refuses to destroy anything of the application's.
    Exact,
    /// A rollback that does what the declared foreign keys say.
    Force,
    /// A restore replaces the run and verifies every foreign key afterwards.
    Replace,
}

/// How a run is undone.
#[derive(Debug)]
pub(super) struct How {
    pub(super) manner: Manner,
    pub(super) strategy: Strategy,
    /// Only these tables; all when empty.
    pub(super) tables: Vec<String>,
    /// Only the rows of the one table for which this holds.
    pub(super) condition: Option<String>,
}

/// The rows of one table that go.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// The live table.
    pub(super) table: Table,
    /// What the ledger says of it; none where rows of the run are found in a table that the run does not know.
    pub(super) detail: Option<TableDetail>,
    /// Whether the table has marker columns.
    pub(super) has_columns: bool,
    /// The user's condition on columns of the table, which is never NULL.
    pub(super) condition: Option<Sql>,
    /// Rows of the run that were gone before.
    pub(super) gone: u64,
    /// Whether rows were edited since the restore.
    pub(super) edited: bool,
}

impl Part {
    /// The rows `alias` that go or get their previous content back.
    pub(super) fn rows(&self, plan: (&Run, &Catalogue), alias: &'static str) -> Sql {
        let (run, live) = plan;
        let nothing = || Sql::new(live.engine).lit("1 = 0");
        let sql = run.holds(live, &self.table.name, alias).unwrap_or_else(nothing);
        self.condition.iter().fold(sql, |sql, condition| sql.lit(" AND ").part(condition))
    }

    /// The undo table and the key of its rows, where rows were overwritten.
    pub(super) fn undo(&self) -> Option<(&str, Vec<String>)> {
        let detail = self.detail.as_ref()?;
        Some((detail.undo.as_deref()?, key_names(&self.table, &detail.columns)?))
    }

    /// Of these rows those that are deleted: rows that were replaced come back under their key.
    pub(super) fn leaving(&self, plan: (&Run, &Catalogue), alias: &'static str) -> Sql {
        let also = self.replaces_none(plan.1.engine, alias);
        also.iter().fold(self.rows(plan, alias), |sql, also| sql.lit(" AND ").part(also))
    }

    /// The condition that a row of the run replaced none; none where no row did.
    pub(super) fn replaces_none(&self, engine: EngineKind, alias: &'static str) -> Option<Sql> {
        let (undo, key) = self.undo()?;
        let sql = Sql::new(engine).lit("NOT EXISTS (SELECT 1 FROM ").name(undo).lit(" terp_u WHERE ");
        Some(sql.part(&joined(engine, alias, "terp_u", &key, &key)).lit(")"))
    }
}

/// What a rollback will do.
pub(super) struct Plan<'a> {
    pub(super) run: &'a Run,
    pub(super) how: &'a How,
    pub(super) live: Catalogue,
    pub(super) others: Vec<Run>,
    /// Children before their parents.
    pub(super) parts: Vec<Part>,
    pub(super) effects: Effects,
    /// What dangled before.
    pub(super) before: BTreeMap<String, u64>,
    /// Whether the run stays with other rows.
    pub(super) is_partial: bool,
}

impl<'a> Plan<'a> {
    /// Asks everything, and refuses what must not be.
    pub(super) fn new(context: &Context<'_>, target: &mut dyn Target, run: &'a Run, how: &'a How) -> Result<Self> {
        let live = target.catalogue()?;
        let others: Vec<Run> = ledger::runs(target, &live)?.into_iter().filter(|other| other.id != run.id).collect();
        let is_wanted = |table: &TableName| how.tables.is_empty() || how.tables.iter().any(|name| table.is_named(name));
        refuse_unknown(run, &how.tables)?;
        let exact = how.manner == Manner::Exact && how.strategy != Strategy::None;
        choose::refuse_later(run, &others, &|detail| is_wanted(&detail.table), exact)?;
        let is_partial = how.condition.is_some() || run.detail.tables.iter().any(|detail| !is_wanted(&detail.table));
        let condition = how.condition.as_deref().map(|text| condition(&live, run, how, text)).transpose()?;

        let mut parts = Vec::new();
        for at in live.parents_first().into_iter().rev() {
            let table = &live.tables[at];
            let detail = run.detail.tables.iter().find(|detail| detail.table == table.name);
            // Rows in a table that the run does not know go with the whole run only.
            let is_part = is_wanted(&table.name) && (detail.is_some() || !is_partial);
            if !is_part || run.holds(&live, &table.name, "t").is_none() {
                continue;
            }
            let has_columns = live.own.marked.contains(&table.name);
            let (table, detail, condition) = (table.clone(), detail.cloned(), condition.clone());
            parts.push(Part { table, detail, has_columns, condition, gone: 0, edited: false });
        }
        let mut plan =
            Self { run, how, live, others, parts, effects: Effects::default(), before: BTreeMap::new(), is_partial };
        if how.manner != Manner::Force && how.strategy != Strategy::None {
            context.stage("looking for rows of the application that would be lost");
            plan.refuse_rebuilt(target, &is_wanted)?;
        }
        plan.look(context, target)?;
        if how.strategy == Strategy::None {
            return Ok(plan);
        }
        plan.before = dangling(target, &plan.live, &[])?;
        if how.manner != Manner::Replace {
            plan.effects = effects::find(target, &plan)?;
            plan.effects.refuse(target, &plan)?;
        }
        Ok(plan)
    }

    /// The run and the catalogue, which tell rows of the run from others.
    pub(super) fn about(&self) -> (&Run, &Catalogue) {
        (self.run, &self.live)
    }

    /// The catalogue before the first change.
    pub(super) fn live(&self) -> &Catalogue {
        &self.live
    }

    /// The tables whose rows will change.
    pub(super) fn touched(&self) -> Vec<&TableName> {
        self.parts.iter().map(|part| &part.table.name).chain(self.effects.tables()).collect()
    }

    /// The rows `t` that will change or go, by table.
    pub(super) fn rows_to_save(&self) -> Vec<(TableName, Sql)> {
        let mut rows: BTreeMap<&TableName, Vec<Sql>> = BTreeMap::new();
        for part in &self.parts {
            rows.entry(&part.table.name).or_default().push(part.rows(self.about(), "t"));
        }
        for (table, condition) in self.effects.rows() {
            rows.entry(table).or_default().push(condition);
        }
        let engine = self.live.engine;
        let any = |conditions: &[Sql]| {
            Sql::new(engine).list(conditions, " OR ", |sql, condition| sql.lit("(").part(condition).lit(")"))
        };
        rows.into_iter().map(|(table, conditions)| (table.clone(), any(&conditions))).collect()
    }

    /// Counts the rows of every part, and notes what is gone and what was edited. Drops parts without anything to do.
    fn look(&mut self, context: &Context<'_>, target: &mut dyn Target) -> Result<()> {
        let mut parts = std::mem::take(&mut self.parts);
        let mut kept = Vec::new();
        for mut part in parts.drain(..) {
            let rows = part.rows(self.about(), "t");
            let present = state::count_where(target, &part.table.name, &rows)?;
            let Some(detail) = part.detail.as_ref() else {
                if present > 0 {
                    kept.push(part);
                }
                continue;
            };
            if part.condition.is_none() && self.how.manner != Manner::Replace {
                let expected = detail.inserted + detail.overwritten;
                part.gone = expected.saturating_sub(present);
                let is_same = detail.columns.iter().all(|name| part.table.column_index(name).is_some())
                    && (part.gone > 0
                        || state::digest_where(target, &part.table, &detail.columns, &rows)?.to_hex() == detail.digest);
                part.edited = !is_same;
            }
            let table = &part.table.name;
            if part.gone > 0 {
                context.note(format!(
                    "table {table}: {} of {} rows of the run are gone already",
                    part.gone,
                    present + part.gone
                ));
            }
            if part.edited {
                context.note(format!("table {table}: rows of the run were edited since the restore"));
            }
            kept.push(part);
        }
        self.parts = kept;
        Ok(())
    }

    /// Keeps the rows as they are until the end, where the engine would not do so by itself, and refuses edits of overwritten rows.
    pub(super) fn hold(&self, target: &mut dyn Target, all: bool) -> Result<()> {
        if self.how.strategy == Strategy::None {
            return Ok(());
        }
        if all {
            for (table, rows) in self.rows_to_save() {
                if let Some(sql) = sql::hold(self.live.engine, &table, &rows) {
                    target.execute(&sql).map_err(|error| error.within(format!("table {table}")))?;
                }
            }
        }
        self.parts
            .iter()
            .filter(|_| self.how.manner != Manner::Force)
            .try_for_each(|part| self.refuse_edited(target, part))
    }

    /// Every table of the run must still be there with its markers, and no other table may hold rows of it: a table that was
    /// rebuilt or renamed has lost the link between its rows and the ledger.
    fn refuse_rebuilt(&self, target: &mut dyn Target, is_wanted: &dyn Fn(&TableName) -> bool) -> Result<()> {
        let is_there = |detail: &TableDetail| {
            self.live.table(&detail.table).is_some() && self.run.holds(&self.live, &detail.table, "t").is_some()
        };
        let gone = self.run.detail.tables.iter().filter(|detail| is_wanted(&detail.table) && !is_there(detail));
        let mut lines: Vec<String> = gone
            .map(|detail| match detail.marking {
                Marking::Columns => format!("table {} or its marker columns are gone", detail.table),
                Marking::Nothing => format!("table {} is gone", detail.table),
                Marking::Ledger { .. } => format!("table {} or the list of its rows is gone", detail.table),
            })
            .collect();
        for part in self.parts.iter().filter(|part| part.detail.is_none()) {
            if state::count_where(target, &part.table.name, &part.rows(self.about(), "t"))? > 0 {
                let table = &part.table.name;
                lines.push(format!("table {table} holds rows of the run, which were restored into another table"));
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        Err(Error::rollback(format!("tables were rebuilt or renamed since the restore: {}", lines.join("; "))).hint(
            "Name the tables as they were and try again. --force takes out every row that still carries the marker; \
             what cannot be put back is lost.",
        ))
    }

    /// Overwritten rows must be as the restore left them.
    fn refuse_edited(&self, target: &mut dyn Target, part: &Part) -> Result<()> {
        let Some((undo, key)) = part.undo() else { return Ok(()) };
        let (engine, table) = (self.live.engine, &part.table);
        if !sql::locking(engine).is_empty() {
            let sql =
                Sql::new(engine).lit("SELECT 1 FROM ").name(undo).lit(" u JOIN ").table(&table.name).lit(" t ON ");
            target.execute(&sql.part(&joined(engine, "t", "u", &key, &key)).lit(sql::locking(engine)))?;
        }
        let there = |also: &Sql| {
            let sql = Sql::new(engine).lit("EXISTS (SELECT 1 FROM ").table(&table.name).lit(" t WHERE ");
            sql.part(&joined(engine, "t", "u", &key, &key)).lit(" AND ").part(also).lit(")")
        };
        let stored = stored_and_markers(table, part.has_columns);
        let equal = Sql::new(engine).list(stored, " AND ", |sql, name| sql.exactly_equal(&name, "t", "u"));
        let mut sql = Sql::new(engine).lit("SELECT count(*) FROM ").name(undo);
        sql = sql.lit(" u WHERE u.terp_fixtures_image = 'after' AND NOT ").part(&there(&equal));
        if part.condition.is_some() {
            sql = sql.lit(" AND ").part(&there(&part.rows(self.about(), "t")));
        }
        let edited = scalar(target, sql)?;
        if edited == 0 {
            return Ok(());
        }
        Err(Error::rollback(format!(
            "{edited} rows of {} that the restore had overwritten were edited or deleted since",
            table.name
        ))
        .hint("--force puts the previous rows back all the same, and loses those edits."))
    }
}

/// Tables that the user named must be tables of the run.
fn refuse_unknown(run: &Run, names: &[String]) -> Result<()> {
    let is_known = |name: &&String| run.detail.tables.iter().any(|detail| detail.table.is_named(name));
    let Some(unknown) = names.iter().find(|name| !is_known(name)) else { return Ok(()) };
    let known: Vec<String> = run.detail.tables.iter().map(|detail| detail.table.to_string()).collect();
    Err(Error::usage(format!("run {} put no rows into a table '{}'", run.id, unknown.escape_debug()))
        .hint(format!("It has rows in: {}.", known.join(", "))))
}

/// The user's condition, held against the one table that it speaks of. Unknown (NULL) does not count as holding.
fn condition(live: &Catalogue, run: &Run, how: &How, text: &str) -> Result<Sql> {
    let [name] = how.tables.as_slice() else {
        return Err(Error::usage("a condition needs exactly one table")
            .hint("For example: --table clients --where \"country = 'US'\"."));
    };
    let detail = run.detail.tables.iter().find(|detail| detail.table.is_named(name));
    let table = detail.and_then(|detail| live.table(&detail.table));
    let table = table.ok_or_else(|| Error::rollback(format!("there is no table {} any more", name.escape_debug())))?;
    // In the statements that it becomes part of, the table goes by another name.
    let nameless = Table { name: TableName::plain("t"), ..table.clone() };
    condition::validate(text, &nameless, live.engine).map_err(|error| {
        let hint =
            "Write one boolean expression over columns of the table, each by its name alone, such as: country = 'US'.";
        Error::usage(format!("--where: {}", error.what())).hint(hint)
    })?;
    Ok(Sql::new(live.engine).lit("(CASE WHEN ").user_condition(text).lit(" THEN 1 ELSE 0 END) = 1"))
}
