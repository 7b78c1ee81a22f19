//! `capture`: source -> mask -> encode -> chunk -> pack -> seal -> store, and the signed manifest at the end.
//!
//! Nothing is visible before the manifest: whatever stops a capture leaves at most packs that no manifest names.

use super::capture_table::{Masking, Proofs, Reading, capture_table};
use super::closure::{self, Closure};
use super::forecast::{self, Brought, Estimate};
use super::journal::{Journal, Log, Resume, Resumed, Taken};
use super::learn;
use super::publish::{self, Content, Held, Kind, Label, Published, Round, publish};
use super::readers::Readers;
use super::repository::{Repository, Snapshot};
use super::scans::{self, Scans, refuse_leaks};
use super::selection::{self, Selection};
use super::state;
use super::writer::Writer;
use super::{Context, millis};
use crate::engine::Source;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::mask::Known;
use crate::model::manifest::{LeakResult, PolicyProof, Results, TableEntry, UniqueResult};
use crate::model::schema::{Catalogue, Table, TableName, Traces};
use crate::policy::{Mode, Plan, TablePlan};
use crate::subset::{Graph, Size, Walk};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// What to capture, and what to write about it.
#[derive(Debug)]
pub struct Options {
    /// The snapshot's name.
    pub name: String,
    /// `dev`, `staging` or `production`.
    pub environment: String,
    /// What decided the masking.
    pub policy: PolicyProof,
    /// Only say what would be captured.
    pub dry_run: bool,
    /// How much to take.
    pub amount: Amount,
    /// When the snapshot expires, RFC 3339.
    pub expires: Option<String>,
    /// The tags that it begins with.
    pub tags: BTreeSet<String>,
}

/// How much to take.
#[derive(Debug, Clone, Copy, Default)]
pub struct Amount {
    /// About how many rows; none: what the policy's roots say.
    pub size: Option<Size>,
    /// Refuse to take more rows than this.
    pub max_rows: Option<u64>,
    /// Refuse to take more bytes of cells than this.
    pub max_bytes: Option<u64>,
}

/// What a capture did.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The published snapshot; none after a dry run.
    pub snapshot: Option<Snapshot>,
    /// Tables and rows.
    pub tables: Vec<(TableName, u64)>,
    /// Columns that a mask changed.
    pub masked_columns: usize,
    /// Bytes of COPY text.
    pub raw_bytes: u64,
    /// Bytes uploaded, packs and manifest.
    pub uploaded_bytes: u64,
    /// Packs uploaded.
    pub uploaded_packs: usize,
    /// Chunks in the snapshot, and how many of them the store already had.
    pub chunks: (u64, u64),
    /// The leak scan's result.
    pub leaks: LeakResult,
    /// Foreign keys proved closed.
    pub foreign_keys: u64,
    /// What each reference brought, where a subset was taken: those that brought most first.
    pub brought: Vec<Brought>,
    /// What a capture would take, after a dry run.
    pub estimate: Option<Estimate>,
    /// What was taken from the journal of an interrupted capture.
    pub resumed: Resumed,
    /// How long it took.
    pub millis: u64,
}

impl Outcome {
    /// After a dry run.
    fn dry(plan: &Plan, tables: Vec<(TableName, u64)>, estimate: Estimate, brought: Vec<Brought>, millis: u64) -> Self {
        Self {
            snapshot: None,
            tables,
            masked_columns: plan.masked_columns(),
            raw_bytes: 0,
            uploaded_bytes: 0,
            uploaded_packs: 0,
            chunks: (0, 0),
            leaks: LeakResult::default(),
            foreign_keys: plan.subset.references.iter().filter(|reference| !reference.undeclared).count() as u64,
            brought,
            estimate: Some(estimate),
            resumed: Resumed::default(),
            millis,
        }
    }
}

/// Captures `source` into `repository` as `plan` says. The catalogue is the one the plan was made from.
///
/// # Errors
/// Kind `Policy` when a cell does not fit its mask, a reference would dangle or an original survived; kind `Store` or
/// `Unreachable` when either side fails. Nothing is published then.
pub fn capture(
    context: &Context<'_>,
    source: &mut dyn Source,
    catalogue: &Catalogue,
    plan: &Plan,
    repository: &Repository,
    options: &Options,
) -> Result<Outcome> {
    resumable(context, source, catalogue, plan, repository, options, &Resume::default())
}

/// As [`capture`], and keeps a journal, so that an interrupted one can be continued. The snapshot is the same either way.
///
/// # Errors
/// As [`capture`]. What was uploaded and finished until then is in the journal.
pub fn resumable(
    context: &Context<'_>,
    source: &mut dyn Source,
    catalogue: &Catalogue,
    plan: &Plan,
    repository: &Repository,
    options: &Options,
    resume: &Resume<'_>,
) -> Result<Outcome> {
    let start = Instant::now();
    refuse_names(catalogue, &modes(plan))?;
    refuse_rows_without_cells(source, catalogue, plan)?;
    announce(context, plan);
    let mut first = None;
    publish::in_rounds(context, |held| {
        let journal = if first.is_none() { *resume } else { Resume::default() };
        let kept = (held, &mut first, start);
        round(context, source, (catalogue, plan), repository, (options, &journal), kept)
    })
}

/// The way from the first row to the manifest. What the store holds is looked up the first time; only then is a journal kept.
fn round<'r>(
    context: &'r Context<'r>,
    source: &mut dyn Source,
    (catalogue, plan): (&Catalogue, &Plan),
    repository: &'r Repository,
    (options, resume): (&Options, &Resume<'_>),
    (held, first, start): (&mut Held<'r>, &mut Option<Arc<Log>>, Instant),
) -> Result<Round<Outcome>> {
    let graph = Graph::new(
        catalogue,
        &plan.subset,
        &selection::gives_rows(catalogue, plan),
        options.amount.size.map(Size::children),
    )?;
    let journal = Journal::open(context, resume, repository, source, (catalogue, plan, options))?;
    let mut readers = Readers::new(source, context.jobs);
    let expected = journal.dangling();
    let (walk, dangling) = choose(context, &mut readers, &graph, (catalogue, plan, options), expected)?;
    let brought = walk.as_ref().map(|walk| forecast::brought(walk, plan)).unwrap_or_default();
    let subset = walk.as_ref().map(|walk| selection::proof(walk, plan, options));
    let mut selection = Selection { walk };
    if options.dry_run {
        let (tables, estimate) = forecast::forecast(context, &mut readers, catalogue, plan, &selection, start)?;
        forecast::refuse(&tables, &estimate, options.amount)?;
        return Ok(Round::Done(Outcome::dry(plan, tables, estimate, brought, millis(start))));
    }
    forecast::refuse_too_much(context, &mut readers, catalogue, plan, &selection, options.amount)?;

    let (snapshots, writer) = publish::look_up(context, repository, held)?;
    let known = learn::learn(context, &mut readers, catalogue, plan, &selection)?;
    let schema = captured_schema(catalogue, &modes(plan));
    let closure = Closure::new(&plan.subset.references, &schema);
    let (scans, closure, journal) = journal.keyed(Scans::new(&plan.tables, context.jobs)?, closure, &dangling);
    context.stage("sending made-up originals through every mask");
    let canaries = scans::send_canaries(plan, scans.key())?;
    let mut proofs = Proofs { scans, closure, unique: UniqueResult::default(), dangling };
    let (log, mut taken) = journal.begin(context, writer, &mut proofs)?;
    let log = Arc::new(log);
    writer.packer.log = Some((context, Arc::clone(&log)));
    let reading = (&mut readers, &mut selection);
    let entries = capture_tables(context, reading, (catalogue, plan), &known, writer, &mut proofs, (&log, &mut taken))?;
    let Proofs { scans, closure, unique, dangling } = proofs;
    let closure = closure.prove(&dangling)?;
    if subset.is_some() {
        selection::warn_of_dangling(context, plan, &dangling);
    }
    scans.look_at_texts(&options.name, &options.policy.file, &schema);
    let leaks = refuse_leaks(plan, scans.finish(), canaries)?;
    writer.packer.finish()?;

    context.stage("writing the manifest");
    let content = Content {
        source: readers.first().identity()?,
        schema,
        results: Results { closure, leaks: leaks.clone(), unique },
        tables: entries,
        subset,
        kind: Kind::Captured,
    };
    let label = Label {
        name: options.name.clone(),
        environment: options.environment.clone(),
        policy: PolicyProof { masks: mask_versions(plan), ..options.policy.clone() },
        expires: options.expires.clone(),
        tags: options.tags.clone(),
    };
    let manifest = publish::manifest(repository, snapshots.last(), &label, content, writer.packer.packs())?;
    let (snapshot, manifest_bytes) = match publish(context, repository, &manifest)? {
        Published::Done(snapshot, bytes) => (*snapshot, bytes),
        Published::Lost(packs) => {
            first.get_or_insert(log);
            return Ok(Round::Lost(packs));
        }
    };
    for log in first.take().iter().chain([&log]) {
        log.finish(context);
    }
    Ok(Round::Done(Outcome {
        tables: manifest.tables.iter().map(|entry| (entry.table.clone(), entry.rows)).collect(),
        masked_columns: plan.masked_columns(),
        raw_bytes: manifest.tables.iter().map(|entry| entry.bytes).sum(),
        uploaded_bytes: writer.packer.uploaded_bytes + manifest_bytes,
        uploaded_packs: writer.packer.uploaded_packs,
        chunks: (writer.packer.chunks, writer.packer.known_chunks),
        leaks,
        foreign_keys: manifest.results.closure.foreign_keys,
        brought,
        estimate: None,
        resumed: taken.resumed,
        snapshot: Some(snapshot),
        millis: millis(start),
    }))
}

/// Every table in turn: from the journal where that has it, else through the pipeline.
fn capture_tables(
    context: &Context<'_>,
    (readers, selection): (&mut Readers<'_>, &mut Selection<'_>),
    (catalogue, plan): (&Catalogue, &Plan),
    known: &Known,
    writer: &mut Writer<'_>,
    proofs: &mut Proofs<'_>,
    (log, taken): (&Log, &mut Taken),
) -> Result<Vec<TableEntry>> {
    let mut entries = Vec::new();
    for (at, table) in plan.tables.iter().enumerate() {
        let Some(live) = catalogue.table(&table.table) else { continue };
        match table.mode {
            Mode::Exclude => {}
            Mode::Structure => entries.push(empty_entry(live)),
            Mode::Capture | Mode::Reference => {
                if let Some(entry) = taken.next(context, &live.name)? {
                    selection.forget(at);
                    entries.push(entry);
                    continue;
                }
                let before = (proofs.unique.clone(), proofs.dangling.clone());
                let masking = Masking {
                    plan: table,
                    extras: table.extras.len() + selection.asks(at),
                    first_column: first_column(plan, at),
                    known,
                };
                let mut reading = Reading::new(readers, selection, live, (at, table));
                let said = entry_of(live, table);
                let entry =
                    capture_table(context, &mut reading, (catalogue, live), Some(masking), said, writer, proofs)?;
                selection.forget(at);
                log.table(context, &mut writer.packer, proofs, &entry, &before)?;
                entries.push(entry);
            }
        }
    }
    Ok(entries)
}

/// Walks to the rows of a subset; or none where all rows are taken, with the rows that dangle in the source by reference:
/// those that the journal `expected`, or as the source says.
fn choose<'g>(
    context: &Context<'_>,
    readers: &mut Readers<'_>,
    graph: &'g Graph<'g>,
    (catalogue, plan, options): (&Catalogue, &'g Plan, &Options),
    expected: Option<Vec<u64>>,
) -> Result<(Option<Walk<'g>>, Vec<u64>)> {
    if let Some(expected) = expected.filter(|_| !selection::is_subset(plan, options)) {
        selection::warn_of_dangling(context, plan, &expected);
        return Ok((None, expected));
    }
    if !selection::is_subset(plan, options) {
        context.stage("checking that every reference stays closed");
        return Ok((None, closure::expected(context, readers.first(), catalogue, plan)?));
    }
    closure::refuse_lost(readers.first(), catalogue, plan)?;
    let walk = selection::walk(context, readers, graph, catalogue, plan, options)?;
    Ok((Some(walk), vec![0; plan.subset.references.len()]))
}

/// Names with control characters forge log lines and break quoting elsewhere, so no snapshot may have one.
pub(super) fn refuse_names(catalogue: &Catalogue, modes: &[(&TableName, Mode)]) -> Result<()> {
    let travels = |name: &TableName| modes.iter().any(|(table, mode)| *table == name && *mode != Mode::Exclude);
    let bad = |name: &str| name.chars().any(char::is_control);
    for table in catalogue.tables.iter().filter(|table| travels(&table.name)) {
        let name = &table.name;
        let column = table.columns.iter().find(|column| bad(&column.name));
        if let Some(column) = column {
            let column = column.name.escape_debug();
            return Err(Error::policy(format!("table {name}, column {column}: the name has a control character"))
                .hint("Rename the column, or set mode = \"exclude\" for the table."));
        }
        if bad(&name.name) || name.schema.as_deref().is_some_and(bad) {
            return Err(Error::policy(format!("table {name}: the name has a control character"))
                .hint("Rename the table, or set mode = \"exclude\" for it."));
        }
    }
    Ok(())
}

/// Rows of a table without a stored column have no bytes, so no chunk can hold them.
fn refuse_rows_without_cells(source: &mut dyn Source, catalogue: &Catalogue, plan: &Plan) -> Result<()> {
    for table in plan.tables.iter().filter(|table| matches!(table.mode, Mode::Capture | Mode::Reference)) {
        let bare = catalogue.table(&table.table).is_some_and(|live| live.stored_columns().is_empty());
        if bare && state::count(source, &table.table)? > 0 {
            return Err(Error::policy(format!("table {} has rows but no column that could be captured", table.table))
                .hint("Set mode = \"structure\" for it, or \"exclude\"."));
        }
    }
    Ok(())
}

/// Tells which columns are masked by what (and never a value).
fn announce(context: &Context<'_>, plan: &Plan) {
    for warning in &plan.warnings {
        context.warn(warning.clone(), None);
    }
    for table in &plan.tables {
        for column in table.columns.iter().filter(|column| column.name != "keep") {
            context.report.event(&Event::ColumnMasked {
                table: table.table.clone(),
                column: column.column.clone(),
                mask: column.name.to_owned(),
            });
        }
    }
}

/// The number that the leak scan gives to the first column of the plan's table `at`.
fn first_column(plan: &Plan, at: usize) -> u16 {
    let before: usize = plan.tables[..at].iter().map(|table| table.columns.len()).sum();
    u16::try_from(before).unwrap_or(u16::MAX)
}

/// The version of every mask in use.
fn mask_versions(plan: &Plan) -> BTreeMap<String, u32> {
    let columns = plan.tables.iter().flat_map(|table| &table.columns);
    let used = columns.flat_map(|column| [Some(column), column.otherwise.as_deref()]).flatten();
    used.map(|column| (column.name.to_owned(), column.definition.version)).collect()
}

/// A table entry without rows.
pub(super) fn empty_entry(table: &Table) -> TableEntry {
    TableEntry {
        table: table.name.clone(),
        mode: Mode::Structure.word().to_owned(),
        columns: table.stored_columns().into_iter().map(|at| table.columns[at].name.clone()).collect(),
        masks: BTreeMap::new(),
        params: BTreeMap::new(),
        conditional: Vec::new(),
        rows: 0,
        bytes: 0,
        digest: blake3::hash(b"").to_hex().to_string(),
        chunks: Vec::new(),
        origins: Vec::new(),
    }
}

/// What is taken of each table.
fn modes(plan: &Plan) -> Vec<(&TableName, Mode)> {
    plan.tables.iter().map(|table| (&table.table, table.mode)).collect()
}

/// What the manifest says of a table beside its rows.
fn entry_of(live: &Table, plan: &TablePlan) -> TableEntry {
    let mut entry = empty_entry(live);
    entry.mode = plan.mode.word().to_owned();
    entry.masks = plan.columns.iter().map(|column| (column.column.clone(), column.name.to_owned())).collect();
    for column in &plan.columns {
        let params = column.params.plain(column.definition);
        if !params.is_empty() {
            entry.params.insert(column.column.clone(), params);
        }
        if column.when.is_some() {
            entry.conditional.push(column.column.clone());
        }
    }
    entry
}

/// The catalogue without the tables that are left out, what hangs on them, and traces of earlier restores.
pub(super) fn captured_schema(catalogue: &Catalogue, modes: &[(&TableName, Mode)]) -> Catalogue {
    let excluded = |name: &TableName| modes.contains(&(name, Mode::Exclude));
    let mut schema = Catalogue { own: Traces::default(), ..catalogue.clone() };
    schema.tables.retain(|table| !excluded(&table.name));
    schema.post.retain(|object| !object.table.as_ref().is_some_and(excluded));
    schema
}
