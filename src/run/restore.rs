//! `restore`: store -> open -> decode -> check -> load -> mark, in one transaction.
//!
//! Declarative: afterwards the target holds exactly the snapshot's rows beside its own. A second restore of the same
//! snapshot changes nothing; another snapshot replaces the previous run.

mod pristine;
mod skipping;

use super::audit::{self, chain};
use super::chunks::{Chunks, Misfits, Opened};
use super::declaration;
use super::drift::{self, Map};
use super::foreign::Foreign;
use super::guard::{self, Verdict};
use super::ledger::{self, Detail, Run, TableDetail};
use super::load::{self, Conflicts, Destination, Loader, OnConflict, Parts};
use super::marking::{Marker, Marking};
use super::packs::PackReader;
use super::parallel::{self, Gathered, Gathering, Streams};
use super::plan::{self, Plan};
use super::quarantine::{self, OnError, Quarantined, Told};
use super::repository::{Repository, Snapshot};
use super::retry::{self, Sent};
use super::surroundings::Surroundings;
use super::{Context, counters, lock, millis, now, references, rollback, state, triggers};
use crate::check::Rules;
use crate::codec::rows;
use crate::engine::sql::{self, Sql};
use crate::engine::{Enforce, Target};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::audit::{Actor, Deed};
use crate::model::drift::{Aspect, Difference};
use crate::model::manifest::TableEntry;
use crate::model::mark;
use crate::model::schema::{Catalogue, Family, SchemaObject, Table, TableName};
use crate::translate::Rows;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(super) use pristine::{fill, load_table, refuse_losses};

/// How to restore.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct Options {
    /// Create tables that are missing. An empty database never needs it.
    pub create: bool,
    /// What to do about rows in the way.
    pub on_conflict: OnConflict,
    /// What to do about rows that break a rule of the target.
    pub on_error: OnError,
    /// Where to write which rows were left out because they do, as CSV; also when everything is undone.
    pub quarantine: Option<PathBuf>,
    /// Keep earlier runs instead of replacing them.
    pub keep_others: bool,
    /// Only these tables; all when empty.
    pub tables: Vec<String>,
    /// Take the application's triggers away for the time of the restore, where the engine cannot keep them silent.
    pub suspend_triggers: bool,
    /// Do everything, then undo it.
    pub dry_run: bool,
    /// How long to wait for the target's lock.
    pub lock_timeout: Duration,
    /// What is known of the target beside what it says itself, for the guards.
    pub surroundings: Surroundings,
    /// Restore into another engine also what that one can hold only in part.
    pub allow_lossy: bool,
    /// How the rows are told from others.
    pub marker: Marker,
    /// How rows go into tables of another shape.
    pub map: Map,
    /// When a load into an empty database goes through several connections and a staging place; never without it.
    pub streams: Option<Streams>,
}

/// What a restore did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The run's id: the value of the marker column.
    pub run: String,
    /// Whether the target held the snapshot already, so that nothing was changed.
    pub unchanged: bool,
    /// Earlier runs that this one replaced.
    pub replaced: Vec<String>,
    /// Tables of the snapshot that were left out, because only reference tables go into production.
    pub left_out: Vec<TableName>,
    /// Tables created.
    pub created: Vec<TableName>,
    /// What was done per table.
    pub tables: Vec<TableDetail>,
    /// How each table's rows went in: `COPY`, `merged through a staging table, COPY`.
    pub how: BTreeMap<TableName, String>,
    /// How the target's schema differs from the snapshot's in ways that do not matter.
    pub differences: Vec<Difference>,
    /// Rows that were left out because they break a rule of the target: the first [`quarantine::SHOWN`] of them, in the order
    /// of tables and ordinals.
    pub quarantine: Vec<Quarantined>,
    /// Foreign keys verified afterwards.
    pub foreign_keys: u64,
    /// What the target's own audit chain says of it, and where that stands now.
    pub deed: Deed,
    /// How long it took.
    pub millis: u64,
}

impl Outcome {
    /// Rows put in or replaced.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.inserted + table.overwritten).sum()
    }

    /// Rows left out because they break a rule of the target.
    #[must_use]
    pub fn quarantined(&self) -> u64 {
        self.tables.iter().map(|table| table.quarantined).sum()
    }
}

/// Restores `snapshot` into `target`, with one try.
///
/// # Errors
/// Kind `Guard`, `Locked`, `Drift`, `Rejected` or `Store`; nothing was changed then. Kind `Unreachable` when the connection is lost.
pub fn restore(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    target: &mut dyn Target,
    options: &Options,
) -> Result<Outcome> {
    attempt(context, repository, snapshot, target, options, &mut None)
}

/// One try of several, for [`retry::run`].
///
/// # Errors
/// As [`restore`].
pub fn attempt(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    target: &mut dyn Target,
    options: &Options,
    sent: &mut Option<Sent<Outcome>>,
) -> Result<Outcome> {
    let start = Instant::now();
    lock::wait(context, target, options.lock_timeout)?;
    let passed = guard(snapshot, target, options)?;
    if !passed.left_out.is_empty() {
        let names: Vec<String> = passed.left_out.iter().map(ToString::to_string).collect();
        context.note(format!("left out, because only reference tables go into production: {}", names.join(", ")));
    }
    let narrowed = passed.tables.as_ref().map(|tables| Options { tables: tables.clone(), ..options.clone() });
    let options = (narrowed.as_ref().unwrap_or(options), &passed);
    let done = guarded(context, repository, snapshot, target, options, (start, sent))?;
    Ok(Outcome { left_out: passed.left_out, ..done })
}

/// Restores what the guards have let through.
fn guarded(
    context: &Context<'_>,
    repository: &Repository,
    snapshot: &Snapshot,
    target: &mut dyn Target,
    (options, passed): (&Options, &guard::Passed),
    (start, sent): (Instant, &mut Option<Sent<Outcome>>),
) -> Result<Outcome> {
    let packs = PackReader::new(repository, snapshot.manifest.epoch)?;
    lock::take(context, target, &format!("restore of {}", snapshot.label()), options.lock_timeout)?;
    declaration::is_still(target, passed.declaration.as_ref())?;
    let live = target.catalogue()?;
    let runs = ledger::runs(target, &live)?;
    if let Some(outcome) = retry::settled(sent, &runs)? {
        return Ok(Outcome { millis: millis(start), ..outcome });
    }
    let foreign = Foreign::of(snapshot, options, &live, &runs)?;
    let (snapshot, options) = foreign.as_ref().map_or((snapshot, options), |it| (&it.snapshot, &it.options));
    let map = foreign.as_ref().and_then(Foreign::map_digest);
    if let Some(outcome) = unchanged(context, target, snapshot, (&runs, map.as_ref()), options, start)? {
        if !options.dry_run {
            parallel::clear(context, target, None)?;
        }
        return Ok(outcome);
    }
    if let Some(foreign) = &foreign {
        foreign.refuse_losses(context, &live, &runs)?;
    }
    let differences = drifted(context, &packs, (snapshot, foreign.as_ref()), (&live, &runs), options)?;

    refuse_keyless(snapshot, &live, options)?;
    refuse_remarking(target, &live, &runs, options)?;
    plan::prepare(target, &snapshot.manifest, &live)?;
    let gathering = Gathering { context, snapshot, packs: &packs, options };
    // Rows that may be left out go in one by one where needed, which a staging place has no room for.
    let aside = foreign.is_none() && options.on_error == OnError::Abort;
    let gathered = if aside { gathering.gather(target, &live)? } else { None };
    if !options.dry_run {
        parallel::clear(context, target, gathered.as_ref().map(|gathered| gathered.key.as_str()))?;
    }
    target.begin(Enforce::Nothing)?;
    let actor = repository.actor();
    let gathered = gathered.as_ref();
    let run = Restoring { context, snapshot, packs: &packs, options, foreign: foreign.as_ref(), actor, gathered };
    match run.inside(target, &live, &runs, start) {
        Ok((mut outcome, run, told)) => {
            outcome.differences = differences;
            let stay = runs.iter().filter(|run| !outcome.replaced.contains(&run.id)).cloned();
            let after: Vec<Run> = stay.chain([run]).collect();
            let outcome = retry::end(target, !options.dry_run, (&runs, &after), outcome, sent)?;
            parallel::clean_up(context, target, gathered);
            Ok(Outcome { quarantine: told.publish(context), ..outcome })
        }
        Err(error) => match target.end(false) {
            Ok(()) => Err(error),
            Err(second) => Err(error.caused_by(second)),
        },
    }
}

/// How the target differs, before anything is written; refused where that matters. Tables that leave with the runs that
/// this one replaces are not looked at: they come back as the snapshot has them.
fn drifted(
    context: &Context<'_>,
    packs: &PackReader<'_>,
    (snapshot, foreign): (&Snapshot, Option<&Foreign<'_>>),
    (live, runs): (&Catalogue, &[Run]),
    options: &Options,
) -> Result<Vec<Difference>> {
    let leaving: Vec<&TableName> = leaving(snapshot, options, runs).flat_map(|run| &run.detail.created).collect();
    let mut staying = live.clone();
    staying.tables.retain(|table| !leaving.contains(&&table.name));
    let create = options.create || !leaving.is_empty();
    let mut differences =
        Plan::new(&snapshot.manifest, &staying, create, &options.tables, foreign, options.on_error)?.differences;
    drift::settle(context, packs, (snapshot, foreign), &mut differences)?;
    drift::refuse(&differences, foreign)?;
    if let Some(foreign) = foreign {
        foreign.check(live)?;
    }
    Ok(differences)
}

/// The earlier runs that a restore replaces, oldest first.
fn leaving<'r>(
    snapshot: &Snapshot,
    options: &Options,
    runs: &'r [Run],
) -> impl DoubleEndedIterator<Item = &'r Run> + use<'r> {
    let (snapshot, keep) = (snapshot.id.clone(), options.keep_others);
    runs.iter().filter(move |run| run.snapshot == snapshot || !keep)
}

/// What must never be restored, or never restored here. It only reads, and comes before the lock, which may leave a note.
fn guard(snapshot: &Snapshot, target: &mut dyn Target, options: &Options) -> Result<guard::Passed> {
    let passed = match guard::restore(target, snapshot, options)? {
        Verdict::Passed(passed) => passed,
        Verdict::Ask(question) => return Err(question.unanswered()),
    };
    guard::refuse_expired(snapshot)?;
    if snapshot.manifest.backup.is_none() {
        guard::refuse_weaker(snapshot, &options.surroundings, &passed.environment)?;
    }
    Ok(passed)
}

/// Whether the target holds exactly this snapshot already: the run is there, alone, and its rows are as they were put in.
fn unchanged(
    context: &Context<'_>,
    target: &mut dyn Target,
    snapshot: &Snapshot,
    (runs, map): (&[Run], Option<&String>),
    options: &Options,
    start: Instant,
) -> Result<Option<Outcome>> {
    let Some(run) = runs.iter().find(|run| run.snapshot == snapshot.id && run.detail.map.as_ref() == map) else {
        return Ok(None);
    };
    if run.detail.partial {
        context.note(format!("run {} was rolled back in part; it is put in as a whole again", run.id));
        return Ok(None);
    }
    let wanted = plan::wanted(&snapshot.manifest, &options.tables)?;
    let same_tables = wanted.iter().filter(|entry| entry.rows > 0).map(|entry| &entry.table).collect::<Vec<_>>()
        == run.detail.tables.iter().map(|table| &table.table).collect::<Vec<_>>();
    let same_marks = run.detail.tables.iter().all(|table| table.marking.marker() == options.marker);
    if !same_tables || !same_marks || (runs.len() > 1 && !options.keep_others) {
        return Ok(None);
    }
    let lacking: u64 = run.detail.tables.iter().map(|table| table.quarantined).sum();
    if lacking > 0 && options.on_error == OnError::Abort {
        context.note(format!("run {} lacks {lacking} rows that were quarantined; it is restored as a whole", run.id));
        return Ok(None);
    }
    context.stage("comparing with what is already there");
    let live = target.catalogue()?;
    for table in &run.detail.tables {
        let there = live.table(&table.table).filter(|live| {
            live.columns.len() >= table.columns.len()
                && table.columns.iter().all(|name| live.column_index(name).is_some())
        });
        let digest = match (there, run.holds(&live, &table.table, "t")) {
            (Some(live), Some(belongs)) => {
                Some(state::marked_digest(target, live, &table.columns, Some(&belongs))?.to_hex())
            }
            _ => None,
        };
        if digest.as_ref() != Some(&table.digest) {
            context
                .note(format!("the rows of run {} in {} were changed since; they are replaced", run.id, table.table));
            return Ok(None);
        }
    }
    let is_there = live.own.tables.iter().any(|own| own == mark::QUARANTINE_TABLE);
    let told = quarantine::tell(target, &run.id, is_there, options.quarantine.as_deref())?;
    Ok(Some(Outcome {
        run: run.id.clone(),
        quarantine: told.publish(context),
        unchanged: true,
        replaced: Vec::new(),
        left_out: Vec::new(),
        created: Vec::new(),
        tables: run.detail.tables.clone(),
        how: BTreeMap::new(),
        differences: Vec::new(),
        foreign_keys: 0,
        deed: audit::restored(snapshot, &run.id, &[], &[]),
        millis: millis(start),
    }))
}

/// A ledger needs keys: said before anything is loaded.
fn refuse_keyless(snapshot: &Snapshot, live: &Catalogue, options: &Options) -> Result<()> {
    let wanted = plan::wanted(&snapshot.manifest, &options.tables)?.into_iter().filter(|entry| entry.rows > 0);
    let keyless = wanted.filter(|entry| {
        let table = live.table(&entry.table).or_else(|| snapshot.manifest.schema.table(&entry.table));
        table.is_some_and(|table| Marking::of(options.marker, table, &entry.columns, "").is_err())
    });
    let names: Vec<String> = keyless.map(|entry| entry.table.to_string()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Error::usage(format!("a ledger lists rows by their keys, and these tables have none: {}", names.join(", ")))
        .hint("Restore with --marker columns, or leave them out by naming the others with --table."))
}

/// Where a change of shape waits for our own rows, columns cannot take the place of a ledger in one transaction.
fn refuse_remarking(target: &dyn Target, live: &Catalogue, runs: &[Run], options: &Options) -> Result<()> {
    let is_listed =
        |table: &TableDetail| table.marking.marker() == Marker::Ledger && !live.own.marked.contains(&table.table);
    let run = runs.iter().find(|run| run.detail.tables.iter().any(is_listed));
    match run.filter(|_| options.marker == Marker::Columns && sql::commits_shape(target.engine())) {
        None => Ok(()),
        Some(run) => {
            Err(Error::usage(format!("a ledger lists the rows of run {}, which this one would replace", run.id))
                .hint("Roll it back first (terp-fixtures rollback), or restore with --marker ledger too."))
        }
    }
}

/// One restore, inside its transaction.
struct Restoring<'a> {
    context: &'a Context<'a>,
    snapshot: &'a Snapshot,
    packs: &'a PackReader<'a>,
    options: &'a Options,
    /// Where the snapshot comes from, when it is of another engine.
    foreign: Option<&'a Foreign<'a>>,
    /// Who restores.
    actor: &'a Actor,
    /// Rows that wait in a staging place.
    gathered: Option<&'a Gathered>,
}

impl Restoring<'_> {
    fn inside(
        &self,
        target: &mut dyn Target,
        live: &Catalogue,
        runs: &[Run],
        start: Instant,
    ) -> Result<(Outcome, Run, Told)> {
        let manifest = &self.snapshot.manifest;
        let leaving: Vec<&Run> = self.leaving(runs).collect();
        let silent = self.silence(target, live, runs)?;
        let before = references::dangling(target, live, &leaving)?;
        let replaced = self.replace(target, runs)?;
        let live = if replaced.is_empty() { live.clone() } else { target.catalogue()? };
        let plan =
            Plan::new(manifest, &live, self.options.create, &self.options.tables, self.foreign, self.options.on_error)?;
        let seq = runs.last().map_or(1, |run| run.seq + 1);
        let id = self.snapshot.label();
        let mut detail = Detail { environment: manifest.environment.clone(), ..Detail::default() };
        detail.created = plan.created();
        detail.map = self.foreign.and_then(Foreign::map_digest);
        let live = self.shape(target, &plan, &mut detail)?;

        let counters = match self.gathered {
            Some(gathered) => gathered.counters.clone(),
            None => counters::before_replaced(counters::before(target, &live, &plan)?, &leaving),
        };
        let at = self.gathered.map_or_else(now, |gathered| gathered.at.clone());
        let mut how = BTreeMap::new();
        match self.gathered {
            Some(gathered) => {
                detail.tables = gathered.tables.clone();
                how = gathered.how.clone();
                self.list_gathered(target, &live, seq, &mut detail)?;
            }
            None => self.load(target, &live, &plan, (&id, &at, seq), &mut detail, &mut how)?,
        }
        plan.mark_created(target, self.options.marker, [&id, &at])?;

        self.context.stage("creating indexes, views and triggers");
        let is_missing = |object: &SchemaObject| match self.gathered {
            Some(_) => !live.post.iter().any(|there| there.is_same(object)),
            None => self.options.on_error == OnError::Abort || !plan.is_early(object),
        };
        let (views, made) = plan.create_post(self.context, target, &is_missing)?;
        detail.views = views;
        detail.objects.extend(made);
        triggers::revive(target, &silent, |table| detail.created.contains(table))?;
        // Foreign keys that came with them are verified too.
        let live = target.catalogue()?;
        detail.tables.sort_by(|a, b| a.table.cmp(&b.table));
        let mut run = Run { id, seq, snapshot: self.snapshot.id.clone(), restored: at, detail };
        let foreign_keys = match self.gathered {
            // They were verified in the staging place, whose rows nobody else can have touched since.
            Some(_) => references::count(&live),
            None => {
                self.context.stage("verifying every foreign key");
                let known = self.foreign.map(|foreign| foreign.dangling(&live));
                let known = known.as_ref().unwrap_or(&manifest.results.closure.dangling);
                references::verify(target, &live, &run, &before, known)?
            }
        };
        for known in &counters {
            if let Some(sql) = sql::advance_counter(target.engine(), &known.table) {
                target.execute(&sql)?;
            }
        }
        run.detail.counters = counters::after(target, &live, counters)?;
        let mut deed = audit::restored(self.snapshot, &run.id, &replaced, &run.detail.tables);
        if self.is_remembered() {
            ledger::record(target, &run)?;
            deed.target = Some(chain::append(target, self.actor.clone(), deed.clone())?);
        }
        let skips = self.options.on_error == OnError::Skip;
        let told = quarantine::tell(target, &run.id, skips, self.options.quarantine.as_deref())?;
        let outcome = Outcome {
            quarantine: Vec::new(),
            run: run.id.clone(),
            unchanged: false,
            replaced,
            left_out: Vec::new(),
            created: run.detail.created.clone(),
            tables: run.detail.tables.clone(),
            how,
            differences: Vec::new(),
            foreign_keys,
            deed,
            millis: millis(start),
        };
        Ok((outcome, run, told))
    }

    /// Whether the target keeps a ledger and an audit chain of what was done to it.
    fn is_remembered(&self) -> bool {
        self.options.marker != Marker::Nothing
    }

    /// Makes what is missing, or swaps it in, and gives every table that gets rows its markers. Returns what there is then.
    fn shape(&self, target: &mut dyn Target, plan: &Plan<'_>, detail: &mut Detail) -> Result<Catalogue> {
        match self.gathered {
            Some(gathered) => {
                self.context.stage("swapping the tables in");
                target.swap_in(&gathered.key, &detail.created)?;
                detail.settings.clone_from(&gathered.settings);
                detail.objects = match &gathered.objects {
                    Some(objects) => objects.clone(),
                    None => plan.create_pre(target)?,
                };
            }
            None => {
                detail.settings = plan.apply_settings(target)?;
                detail.objects = plan.create_pre(target)?;
                plan.create_tables(target)?;
            }
        }
        if self.is_remembered() {
            ledger::create(target)?;
        }
        if self.options.on_error == OnError::Skip {
            quarantine::create(target)?;
        }
        let mut live = plan.whole(target)?;
        plan.add_markers(target, &live, self.options.marker)?;
        if self.options.marker == Marker::Columns {
            live.own.marked.extend(plan.entries.iter().map(|entry| entry.table.clone()));
        }
        Ok(live)
    }

    /// Lists the rows of tables that were swapped in, where a ledger has to.
    fn list_gathered(&self, target: &mut dyn Target, live: &Catalogue, seq: i64, detail: &mut Detail) -> Result<()> {
        for (index, table) in detail.tables.iter_mut().enumerate() {
            let Some(there) = live.table(&table.table) else { continue };
            table.marking = Marking::of(self.options.marker, there, &table.columns, &format!("{seq}_{index}"))?;
            table.marking.create(target, there)?;
            table.marking.list_all(target, there, table.inserted)?;
        }
        Ok(())
    }

    /// Loads every table, one after the other, and refuses conflicts, all of them at once.
    fn load(
        &self,
        target: &mut dyn Target,
        live: &Catalogue,
        plan: &Plan<'_>,
        (run, at, seq): (&str, &str, i64),
        detail: &mut Detail,
        how: &mut BTreeMap<TableName, String>,
    ) -> Result<()> {
        if self.options.on_error == OnError::Skip {
            return self.load_what_fits(target, live, plan, (run, at, seq), detail, how);
        }
        let mut conflicts = Vec::new();
        let bridge = self.foreign.map(|foreign| (foreign, foreign.bridge(live)));
        for (index, entry) in plan.entries.iter().enumerate() {
            let Some(table) = live.table(&entry.table) else { continue };
            let retyped = |it: &Difference| it.aspect == Aspect::Type && it.table == entry.table;
            let rows =
                bridge.as_ref().map(|(foreign, bridge)| foreign.rows(bridge, entry, table)).transpose()?.flatten();
            let is_exact = rows.is_none() && is_exact(entry, table) && !plan.differences.iter().any(retyped);
            let to = self.destination(live, (table, entry), (run, at), &format!("{seq}_{index}"), &detail.created)?;
            let is_marked_later = plan.marks_later(target.engine(), self.options.marker, &entry.table);
            let to = Destination { is_marked_later, is_exact, ..to };
            let (done, conflict, way) = self.load_table(target, entry, to, rows.as_ref())?;
            detail.tables.push(done);
            how.insert(entry.table.clone(), way);
            if conflict != Conflicts::default() {
                conflicts.push((entry.table.clone(), conflict));
            }
        }
        load::refuse(&conflicts, self.options.on_conflict)
    }

    /// Where a table's rows go. `suffix` tells what is made for them from the same of other tables and runs.
    fn destination<'b>(
        &self,
        live: &Catalogue,
        (table, entry): (&'b Table, &'b TableEntry),
        (run, at): (&'b str, &'b str),
        suffix: &str,
        created: &[TableName],
    ) -> Result<Destination<'b>> {
        Ok(Destination {
            live: table,
            columns: &entry.columns,
            run,
            at,
            undo: format!("{}_{suffix}", mark::UNDO_TABLE),
            marking: Marking::of(self.options.marker, table, &entry.columns, suffix)?,
            has_columns: live.own.marked.contains(&entry.table),
            is_new: created.contains(&entry.table),
            is_marked_later: false,
            on_conflict: self.options.on_conflict,
            is_exact: false,
        })
    }

    /// Takes away the triggers of every table whose rows will change.
    fn silence(&self, target: &mut dyn Target, live: &Catalogue, runs: &[Run]) -> Result<Vec<SchemaObject>> {
        let wanted = plan::wanted(&self.snapshot.manifest, &self.options.tables)?;
        let mut tables: Vec<&TableName> = wanted.iter().map(|entry| &entry.table).collect();
        tables.extend(self.leaving(runs).flat_map(|run| &run.detail.tables).map(|table| &table.table));
        let triggers = triggers::of(target, live, &tables);
        if !self.options.suspend_triggers {
            triggers::refuse(&triggers, |table| runs.iter().any(|run| run.detail.created.contains(table)))?;
        }
        triggers::suspend(self.context, target, &triggers)?;
        Ok(triggers)
    }

    /// The earlier runs that this one replaces, oldest first.
    fn leaving<'r>(&self, runs: &'r [Run]) -> impl DoubleEndedIterator<Item = &'r Run> + use<'r> {
        leaving(self.snapshot, self.options, runs)
    }

    /// Takes earlier runs out, newest first. Rows of the application that reference them are checked once the new rows
    /// are in: the new snapshot may bring the same keys.
    fn replace(&self, target: &mut dyn Target, runs: &[Run]) -> Result<Vec<String>> {
        let mut replaced = Vec::new();
        for run in self.leaving(runs).rev() {
            self.context.stage(format!("taking out the previous run {}", run.id));
            rollback::replace(self.context, target, run)?;
            replaced.push(run.id.clone());
        }
        Ok(replaced)
    }

    /// Streams a table's chunks: workers fetch, open, decode and check; this thread loads in order.
    fn load_table(
        &self,
        target: &mut dyn Target,
        entry: &TableEntry,
        to: Destination<'_>,
        conversion: Option<&Rows>,
    ) -> Result<(TableDetail, Conflicts, String)> {
        let start = Instant::now();
        let report = self.context.report;
        report.event(&Event::TableStarted { table: entry.table.clone(), rows: Some(entry.rows) });
        let rules = Rules::new(target.engine(), to.live, &entry.columns)?;
        let mut loader = Loader::start(target, to)?;
        let bytes = self
            .stream(entry, rules, (conversion, None), &mut |rows| loader.load(target, rows))
            .map_err(|error| error.within(format!("table {}", entry.table)))?;
        let (detail, conflicts, how) = loader.finish(target)?;
        if let Some(changed) = conversion.map(Rows::changed).filter(|changed| *changed > 0) {
            self.context.warn(format!("table {}: {changed} values were changed to fit", entry.table), None);
        }
        report.event(&Event::TableDone {
            table: entry.table.clone(),
            rows: detail.inserted + detail.overwritten,
            bytes,
            millis: millis(start),
            how: how.clone(),
        });
        Ok((detail, conflicts, how))
    }

    /// Hands on every chunk of a table, verified, decoded and checked, and verifies the whole stream at the end. Gives its
    /// length in bytes.
    fn stream(
        &self,
        entry: &TableEntry,
        rules: Rules,
        (conversion, misfits): (Option<&Rows>, Option<&Misfits>),
        into: &mut dyn FnMut(&mut Parts<'_>) -> Result<()>,
    ) -> Result<u64> {
        let manifest = &self.snapshot.manifest;
        let layout = match (self.foreign, manifest.schema.table(&entry.table)) {
            (Some(foreign), _) => foreign.layout(entry)?,
            (None, Some(schema)) => rows::Layout::new(manifest.schema.engine, schema),
            (None, None) => {
                return Err(Error::store(format!("the manifest has no schema of table {}", entry.table)));
            }
        };
        let chunks = Chunks { packs: self.packs, manifest, entry, layout, rules, conversion, misfits };
        let mut stream = blake3::Hasher::new();
        let mut bytes = 0;
        let mut see = |opened: &Opened| {
            stream.update(opened.encoded.bytes());
            bytes += opened.encoded.bytes().len() as u64;
            let rows = opened.first_row + opened.rows;
            self.context.report.event(&Event::TableProgress { table: entry.table.clone(), rows, bytes });
            Ok(())
        };
        chunks.each(self.context.jobs, (&entry.chunks, 0), &mut see, into)?;
        if stream.finalize().to_hex().as_str() != entry.digest {
            return Err(Error::store("the rows are not the ones that the manifest describes")
                .hint("Run 'terp-fixtures verify --read-data'; it names the damaged objects."));
        }
        Ok(bytes)
    }
}

/// Whether the server keeps the cells of an entry letter by letter. What was kept is as a server wrote it, where all of its
/// versions write alike; a mask may spell all but texts and whole numbers in its own way.
pub(super) fn is_exact(entry: &TableEntry, live: &Table) -> bool {
    entry.masks.iter().all(|(name, mask)| {
        let family = live.column_index(name).map(|at| live.columns[at].family);
        match family {
            Some(Family::Text | Family::Integer) => true,
            Some(Family::Real | Family::Json | Family::Any) | None => false,
            Some(_) => mask == "keep",
        }
    })
}

/// Runs statements that an engine rendered.
pub(super) fn run_rendered(target: &mut dyn Target, statement: &str, what: &str) -> Result<()> {
    let sql = Sql::rendered(target.engine(), statement);
    target.execute(&sql).map(drop).map_err(|error| error.within(format!("creating {what}")))
}
