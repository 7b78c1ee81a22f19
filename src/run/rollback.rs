//! `rollback`: takes out exactly what a restore put in, children first, and puts back what it replaced.

use super::audit::{self, chain};
use super::ledger::{self, Made, Run, TableDetail};
use super::marking::{Marking, key_names, stored_and_markers};
use super::parallel;
use super::references::dangling;
use super::restore::run_rendered;
use super::state::{self, joined};
use super::{Context, counters, millis, triggers};
use crate::engine::sql::{self, Sql};
use crate::engine::{Enforce, Target, scalar};
use crate::error::{Error, Kind, Result};
use crate::event::Event;
use crate::model::audit::{Actor, Anchor, Deed};
use crate::model::schema::{Catalogue, EngineKind, ForeignKey, SchemaObject, Table, TableName};
use std::time::{Duration, Instant};

/// How to roll back.
#[derive(Debug, Clone)]
pub struct Options {
    /// A run's id, a snapshot's name or id; the only run when absent.
    pub wanted: Option<String>,
    /// Also when rows of the application hang on fixture rows, or overwritten rows were edited since.
    pub force: bool,
    /// Do everything, then undo it.
    pub dry_run: bool,
    /// How long to wait for the target's lock.
    pub lock_timeout: Duration,
    /// Who rolls back, for the target's audit chain.
    pub actor: Actor,
    /// Leave the target's audit chain there when the last run goes.
    pub keep_audit: bool,
}

/// What a rollback did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run.
    pub run: String,
    /// Per table: rows deleted, rows put back.
    pub tables: Vec<(TableName, u64, u64)>,
    /// Tables of the run's making that were dropped.
    pub dropped: Vec<TableName>,
    /// What an audit trail says of it, with where the target's own chain stood.
    pub deed: Deed,
    /// How long it took.
    pub millis: u64,
}

/// Why a run is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// A rollback that refuses to destroy anything of the application's.
    Exact,
    /// A rollback that lets the declared foreign key actions happen.
    Force,
    /// A restore replaces the run and verifies every foreign key afterwards.
    Replace,
}

/// The runs that are in a target, oldest first.
///
/// # Errors
/// Kind `Unreachable` when the target cannot be read.
pub fn runs(target: &mut dyn Target) -> Result<Vec<Run>> {
    let live = target.catalogue()?;
    ledger::runs(target, &live)
}

/// Rolls one run back.
///
/// # Errors
/// Kind `Rollback` when something of the application's would be lost; nothing was changed then.
pub fn rollback(context: &Context<'_>, target: &mut dyn Target, options: &Options) -> Result<Outcome> {
    let start = Instant::now();
    context.stage("taking the lock of the target");
    target.lock("rollback", options.lock_timeout)?;
    if !options.dry_run {
        parallel::clear(context, target, None)?;
    }
    let run = choose(runs(target)?, options.wanted.as_deref())?;
    let manner = if options.force { Manner::Force } else { Manner::Exact };
    target.begin(if options.force { Enforce::ForeignKeys } else { Enforce::Nothing })?;
    let undone = silently(context, target, &run, manner).and_then(|undone| {
        let deed = write_down(target, &run, &undone.0, options)?;
        Ok((undone, deed))
    });
    match undone {
        Ok(((tables, dropped), deed)) => {
            target.end(!options.dry_run).map_err(as_refusal)?;
            Ok(Outcome { run: run.id, tables, dropped, deed, millis: millis(start) })
        }
        Err(error) => match target.end(false) {
            Ok(()) => Err(as_refusal(error)),
            Err(second) => Err(error.caused_by(second)),
        },
    }
}

/// Undoes a run with the triggers of its tables away.
fn silently(context: &Context<'_>, target: &mut dyn Target, run: &Run, manner: Manner) -> Result<Undone> {
    let live = target.catalogue()?;
    let tables: Vec<&TableName> = run.detail.tables.iter().map(|table| &table.table).collect();
    let triggers = triggers::of(target, &live, &tables);
    triggers::suspend(context, target, &triggers)?;
    let (done, dropped) = undo(context, target, run, manner)?;
    triggers::revive(target, &triggers, |table| dropped.contains(table))?;
    Ok((done, dropped))
}

/// Appends the rollback to the target's audit chain, which leaves with the last run.
fn write_down(target: &mut dyn Target, run: &Run, done: &[(TableName, u64, u64)], options: &Options) -> Result<Deed> {
    let mut deed = audit::rolled_back(run, done, options.force);
    let live = target.catalogue()?;
    let closed = ledger::runs(target, &live)?.is_empty() && !options.keep_audit;
    // Restores of earlier versions began no chain, and one that would go at once is not begun.
    if !closed || chain::is_there(&live) {
        let anchor = chain::append(target, options.actor.clone(), deed.clone())?;
        deed.target = Some(Anchor { closed, ..anchor });
    }
    if closed && chain::is_there(&live) {
        chain::drop_with_last_run(target)?;
    }
    Ok(deed)
}

/// A constraint that stops a rollback makes it a refused rollback.
fn as_refusal(error: Error) -> Error {
    if error.kind() != Kind::Rejected {
        return error;
    }
    Error::rollback("the target refuses the rollback").caused_by(error)
}

fn choose(runs: Vec<Run>, wanted: Option<&str>) -> Result<Run> {
    let labels: Vec<String> = runs.iter().map(|run| run.id.clone()).collect();
    let fits = |run: &Run| match wanted {
        None => true,
        Some(wanted) => {
            run.id == wanted
                || run.id.split('@').next() == Some(wanted)
                || (wanted.len() >= 6 && run.snapshot.starts_with(wanted))
        }
    };
    let mut fitting: Vec<Run> = runs.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.is_empty()) {
        (Some(run), true) => Ok(run),
        (Some(_), false) => Err(Error::usage("several runs are in the target; say which one to roll back")
            .hint(format!("Name one of: {}.", labels.join(", ")))),
        (None, _) if labels.is_empty() => {
            Err(Error::rollback("no run is in the target; there is nothing to roll back")
                .hint("'terp-fixtures runs --target URL' lists what is there."))
        }
        (None, _) => Err(Error::rollback(format!("no such run is in the target; it holds {}", labels.join(", ")))),
    }
}

/// Rows deleted and put back per table, and the tables dropped.
type Undone = (Vec<(TableName, u64, u64)>, Vec<TableName>);

/// Undoes a run inside the caller's transaction.
pub(super) fn undo(context: &Context<'_>, target: &mut dyn Target, run: &Run, manner: Manner) -> Result<Undone> {
    let live = target.catalogue()?;
    let others: Vec<Run> = ledger::runs(target, &live)?.into_iter().filter(|other| other.id != run.id).collect();
    let there =
        |table: &&TableDetail| live.table(&table.table).is_some() && run.holds(&live, &table.table, "t").is_some();
    let touched: Vec<&TableDetail> = run.detail.tables.iter().filter(there).collect();
    refuse_later_runs(run, &others)?;
    if manner != Manner::Force {
        context.stage("looking for rows of the application that would be lost");
        refuse_rebuilt(target, &live, run, &touched)?;
        refuse_edited(target, &live, &touched)?;
    }
    let before = dangling(target, &live, &[])?;
    if manner == Manner::Exact {
        refuse_dependents(target, &live, run, &touched)?;
    }

    let mut done = Vec::new();
    for at in live.parents_first().into_iter().rev() {
        let table = &live.tables[at];
        let Some(belongs) = run.holds(&live, &table.name, "t") else { continue };
        let detail = touched.iter().find(|detail| detail.table == table.name);
        let has_columns = live.own.marked.contains(&table.name);
        let put_back = match detail {
            Some(detail) => put_back(target, table, detail, has_columns)?,
            None => 0,
        };
        let expected = state::count_where(target, &table.name, &belongs)?;
        if expected + put_back == 0 && detail.is_none() {
            continue;
        }
        let marking = detail.map_or(&Marking::Columns, |detail| &detail.marking);
        marking
            .delete(target, &table.name, (&run.id, has_columns), None)
            .map_err(|error| error.within(format!("table {}", table.name)))?;
        context.report.event(&Event::TableDone {
            table: table.name.clone(),
            rows: expected,
            bytes: 0,
            millis: 0,
            how: "rolled back".to_owned(),
        });
        done.push((table.name.clone(), expected, put_back));
    }
    restore_counters(target, &live, run)?;
    drop_undo_tables(target, &touched)?;
    ledger::forget(target, &live, run, others.is_empty())?;
    let dropped = drop_created(context, target, run, &others)?;
    let has_columns = |other: &Run| other.detail.tables.iter().any(|table| table.marking == Marking::Columns);
    if !others.iter().any(has_columns) {
        drop_markers(target, &live, &dropped)?;
    }
    if manner == Manner::Exact {
        let live = target.catalogue()?;
        for (name, count) in dangling(target, &live, &[])? {
            if count > before.get(&name).copied().unwrap_or(0) {
                return Err(Error::rollback(format!("the foreign key {} would be broken", name.escape_debug()))
                    .hint("Rows of the application reference what the rollback takes out or puts back."));
            }
        }
    }
    Ok((done, dropped))
}

/// An older run cannot go while a newer one has overwritten rows in the same tables.
fn refuse_later_runs(run: &Run, others: &[Run]) -> Result<()> {
    let touches = |other: &&Run| {
        other.seq > run.seq
            && other
                .detail
                .tables
                .iter()
                .any(|table| table.undo.is_some() && run.detail.tables.iter().any(|mine| mine.table == table.table))
    };
    match others.iter().rev().find(touches) {
        None => Ok(()),
        Some(later) => {
            Err(Error::rollback(format!("run {} came later and replaced rows in the same tables", later.id))
                .hint(format!("Roll it back first: terp-fixtures rollback '{}'.", later.id)))
        }
    }
}

/// Every table of the run must still be there with its markers, and no other table may hold rows of it: a table that was
/// rebuilt or renamed has lost the link between its rows and the ledger.
fn refuse_rebuilt(target: &mut dyn Target, live: &Catalogue, run: &Run, touched: &[&TableDetail]) -> Result<()> {
    let gone = run.detail.tables.iter().filter(|table| !touched.iter().any(|there| there.table == table.table));
    let mut lines: Vec<String> = gone
        .map(|table| match table.marking {
            Marking::Columns => format!("table {} or its marker columns are gone", table.table),
            Marking::Ledger { .. } => format!("table {} or the list of its rows is gone", table.table),
        })
        .collect();
    for table in live.own.marked.iter().filter(|table| !touched.iter().any(|there| &there.table == *table)) {
        let belongs = Marking::Columns.belongs(target.engine(), "t", &run.id, true);
        if state::count_where(target, table, &belongs)? > 0 {
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
fn refuse_edited(target: &mut dyn Target, live: &Catalogue, touched: &[&TableDetail]) -> Result<()> {
    for detail in touched {
        let (Some(undo), Some(table)) = (&detail.undo, live.table(&detail.table)) else { continue };
        let engine = target.engine();
        let Some(key) = key_names(table, &detail.columns) else { continue };
        if !sql::locking(engine).is_empty() {
            let sql =
                Sql::new(engine).lit("SELECT 1 FROM ").name(undo).lit(" u JOIN ").table(&table.name).lit(" t ON ");
            target.execute(&sql.part(&joined(engine, "t", "u", &key, &key)).lit(sql::locking(engine)))?;
        }
        let stored = stored_and_markers(table, live.own.marked.contains(&table.name));
        let equal = Sql::new(engine).list(stored, " AND ", |sql, name| sql.exactly_equal(&name, "t", "u"));
        let sql = Sql::new(engine)
            .lit("SELECT count(*) FROM ")
            .name(undo)
            .lit(" u WHERE u.terp_fixtures_image = 'after' AND NOT EXISTS (SELECT 1 FROM ")
            .table(&table.name)
            .lit(" t WHERE ")
            .part(&joined(engine, "t", "u", &key, &key))
            .lit(" AND ")
            .part(&equal)
            .lit(")");
        let edited = scalar(target, sql)?;
        if edited > 0 {
            return Err(Error::rollback(format!(
                "{edited} rows of {} that the restore had overwritten were edited or deleted since",
                table.name
            ))
            .hint("--force puts the previous rows back all the same, and loses those edits."));
        }
    }
    Ok(())
}

/// Rows of the application must not reference rows that go.
fn refuse_dependents(target: &mut dyn Target, live: &Catalogue, run: &Run, touched: &[&TableDetail]) -> Result<()> {
    let mut lines = Vec::new();
    for child in &live.tables {
        for key in &child.foreign_keys {
            let Some(parent) = touched.iter().find(|detail| detail.table == key.parent) else { continue };
            let Some(parent_table) = live.table(&key.parent) else { continue };
            let count = dependents(target, live, run, (&child.name, key), (parent_table, parent))?;
            if count > 0 {
                lines.push(format!("{count} rows of {} reference fixture rows of {}", child.name, key.parent));
            }
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    Err(Error::rollback(format!("rows of the application hang on fixture rows: {}", lines.join("; "))).hint(
        "Delete or re-point those rows first. --force lets the foreign keys' own actions (CASCADE, SET NULL) happen.",
    ))
}

fn dependents(
    target: &mut dyn Target,
    live: &Catalogue,
    run: &Run,
    (child, key): (&TableName, &ForeignKey),
    (parent, detail): (&Table, &TableDetail),
) -> Result<i64> {
    let engine = target.engine();
    let mut sql = Sql::new(engine).lit("SELECT count(*) FROM ").table(child).lit(" c WHERE ");
    if let Some(belongs) = run.holds(live, child, "c") {
        sql = sql.lit("NOT ").part(&belongs).lit(" AND ");
    }
    sql = sql.lit("EXISTS (SELECT 1 FROM ").table(&parent.name).lit(" p WHERE ");
    sql = sql.part(&joined(engine, "p", "c", &key.parent_columns, &key.columns));
    sql = run.holds(live, &parent.name, "p").iter().fold(sql, |sql, belongs| sql.lit(" AND ").part(belongs));
    if let (Some(undo), Some(names)) = (&detail.undo, key_names(parent, &detail.columns)) {
        // Rows that were replaced come back under their key; only those that were put in go.
        sql = sql.lit(" AND NOT EXISTS (SELECT 1 FROM ").name(undo).lit(" u WHERE ");
        sql = sql.part(&joined(engine, "p", "u", &names, &names)).lit(")");
    }
    scalar(target, sql.lit(")"))
}

/// Puts the previous images back, also of rows that were deleted since.
fn put_back(target: &mut dyn Target, table: &Table, detail: &TableDetail, has_columns: bool) -> Result<u64> {
    let (Some(undo), Some(key)) = (&detail.undo, key_names(table, &detail.columns)) else { return Ok(0) };
    let engine = target.engine();
    let stored = stored_and_markers(table, has_columns);
    let names = |sql: Sql, names: &[String]| sql.list(names, ", ", |sql, name| sql.name(name));
    let undo = &TableName::plain(undo);
    let settable = stored.iter().filter(|name| sql::sets_keys(engine) || !key.contains(name));
    let set: Vec<(String, Sql)> = settable.map(|name| (name.clone(), Sql::new(engine).column("s", name))).collect();
    let on = Sql::new(engine).lit("s.terp_fixtures_image = 'before' AND ").part(&joined(engine, "t", "s", &key, &key));
    let sql = sql::update_from(engine, &table.name, (undo, &on), None, &set);
    let updated = target.execute(&sql).map_err(|error| error.within(format!("table {}", table.name)))?;
    let sql = Sql::new(engine).lit("INSERT INTO ").table(&table.name).lit(" (");
    let sql = names(sql, &stored).lit(")").lit(sql::overriding(engine)).lit(" SELECT ");
    let sql = sql.list(&stored, ", ", |sql, name| sql.column("u", name));
    let sql =
        sql.lit(" FROM ").table(undo).lit(" u WHERE u.terp_fixtures_image = 'before' AND NOT EXISTS (SELECT 1 FROM ");
    let sql = sql.table(&table.name).lit(" t WHERE ").part(&joined(engine, "t", "u", &key, &key)).lit(")");
    let inserted = target.execute(&sql).map_err(|error| error.within(format!("table {}", table.name)))?;
    detail.marking.unlist(target, undo)?;
    Ok(updated + inserted)
}

/// A counter goes back only when nobody has used it since.
fn restore_counters(target: &mut dyn Target, live: &Catalogue, run: &Run) -> Result<()> {
    for known in run.detail.counters.iter().filter(|known| live.table(&known.table).is_some()) {
        if known.before != known.after
            && counters::value(target, &known.table)? == known.after
            && let Some(sql) = sql::set_counter(target.engine(), &known.table, known.before)
        {
            target.execute(&sql)?;
        }
    }
    Ok(())
}

fn drop_undo_tables(target: &mut dyn Target, touched: &[&TableDetail]) -> Result<()> {
    for detail in touched {
        if let Some(undo) = &detail.undo {
            target.execute(&Sql::new(target.engine()).lit("DROP TABLE ").name(undo))?;
        }
        detail.marking.drop_list(target)?;
    }
    Ok(())
}

/// Drops the marker columns of every table that is still there.
///
/// SQLite parses every view and trigger before it drops a column, and refuses when one names something that does not exist,
/// though it lives with such a view or trigger otherwise. Then they step aside and come back in their order.
fn drop_markers(target: &mut dyn Target, live: &Catalogue, dropped: &[TableName]) -> Result<()> {
    let tables = live.own.marked.iter().filter(|table| !dropped.contains(table));
    let engine = target.engine();
    let drops: Vec<(&TableName, Sql)> =
        tables.flat_map(|table| sql::drop_markers(engine, table).into_iter().map(move |sql| (table, sql))).collect();
    let Some((table, first)) = drops.first() else { return Ok(()) };
    match target.execute(first) {
        Ok(_) => return run_on(target, &drops[1..]),
        Err(error) if engine != EngineKind::Sqlite => return Err(error.within(format!("table {table}"))),
        Err(_) => {} // Tried again below, and told if it fails again.
    }
    let aside: Vec<SchemaObject> =
        target.catalogue()?.post.into_iter().filter(|object| object.kind != "index").collect();
    for object in aside.iter().rev() {
        let what = if object.kind == "view" { "DROP VIEW IF EXISTS " } else { "DROP TRIGGER IF EXISTS " };
        target.execute(&Sql::new(engine).lit(what).name(&object.name))?;
    }
    run_on(target, &drops)?;
    for object in &aside {
        run_rendered(target, &object.create, &format!("{} {}", object.kind, object.name.escape_debug()))?;
    }
    Ok(())
}

/// Runs statements, each on its table.
fn run_on(target: &mut dyn Target, statements: &[(&TableName, Sql)]) -> Result<()> {
    for (table, sql) in statements {
        target.execute(sql).map_err(|error| error.within(format!("table {table}")))?;
    }
    Ok(())
}

/// Drops what the run created, unless somebody else has put rows there or another run still needs it.
fn drop_created(context: &Context<'_>, target: &mut dyn Target, run: &Run, others: &[Run]) -> Result<Vec<TableName>> {
    let engine = target.engine();
    let live = target.catalogue()?;
    let mut drop = Vec::new();
    for table in run.detail.created.iter().filter(|table| live.table(table).is_some()) {
        let needed = others.iter().any(|other| other.detail.tables.iter().any(|detail| &detail.table == table));
        if needed || state::count(target, table)? > 0 {
            context.note(format!("table {table} was created by the restore but holds other rows now; it stays"));
        } else {
            drop.push(table.clone());
        }
    }
    let all = drop.len() == run.detail.created.len();
    for view in run.detail.views.iter().filter(|_| all) {
        target.execute(&Sql::new(engine).lit("DROP VIEW IF EXISTS ").name(view))?;
    }
    let children_first: Vec<&TableName> = drop.iter().rev().collect();
    let (late, early): (Vec<_>, Vec<_>) = run.detail.objects.iter().partition(|object| object.late);
    drop_objects(target, late.into_iter().filter(|_| all))?;
    for sql in sql::drop_tables(engine, &children_first) {
        target.execute(&sql)?;
    }
    drop_objects(target, early.into_iter().filter(|_| all))?;
    for (name, value) in run.detail.settings.iter().filter(|_| all) {
        if let Some(sql) = sql::set_setting(engine, name, value) {
            target.execute(&sql)?;
        }
    }
    Ok(drop)
}

/// Drops objects that the run made beside its tables, the last one first.
fn drop_objects<'a>(target: &mut dyn Target, made: impl DoubleEndedIterator<Item = &'a Made>) -> Result<()> {
    for object in made.rev() {
        if let Some(sql) = sql::drop_object(target.engine(), &object.kind, &object.name) {
            target.execute(&sql).map_err(|error| error.within(format!("{} {}", object.kind, object.name)))?;
        }
    }
    Ok(())
}
