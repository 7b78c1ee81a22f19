//! One table's way into a store: rows are read or made up, workers mask, scan, encode and compress, one thread cuts, one packs.

use super::Context;
use super::closure::Closure;
use super::millis;
use super::pipeline::{ordered_map, settle};
use super::readers::Readers;
use super::scans::Scans;
use super::selection::{Selection, Told};
use super::unique::Uniques;
use super::writer::Writer;
use crate::codec::chunker::{Chunk, Chunker, DEFAULT_TARGET};
use crate::codec::{pack, rows};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::mask::{self, Known};
use crate::model::batch::Batch;
use crate::model::manifest::{ChunkRef, TableEntry, UniqueResult};
use crate::model::proof::{Encoded, Invented, Masked};
use crate::model::schema::{Catalogue, Table};
use crate::policy::{Mode, TablePlan};
use std::time::Instant;

/// What the rows of all tables have to prove together.
pub(super) struct Proofs<'a> {
    /// The leak scans.
    pub(super) scans: Scans,
    /// The closure proof.
    pub(super) closure: Closure<'a>,
    /// The unique keys that were checked.
    pub(super) unique: UniqueResult,
    /// Per reference, rows whose parent the source does not have.
    pub(super) dangling: Vec<u64>,
}

/// Rows on their way in.
pub(super) enum Given {
    /// From a database: the masks of their columns decide.
    Read(Batch),
    /// From nowhere: there is nothing to mask.
    Invented(Invented),
}

/// Takes rows as they come.
pub(super) type Take<'a> = dyn FnMut(Given) -> Result<()> + 'a;

/// Where the rows of a table come from.
pub(super) trait Supply {
    /// About how many there are.
    fn expected(&mut self) -> Result<u64>;

    /// Hands them on in their order, and returns their number.
    fn supply(&mut self, told: &mut Told<'_>, take: &mut Take<'_>) -> Result<u64>;
}

/// The rows that a capture takes of one table.
pub(super) struct Reading<'a, 'r> {
    readers: &'a mut Readers<'r>,
    selection: &'a Selection<'a>,
    live: &'a Table,
    at: usize,
    plan: &'a TablePlan,
    expected: u64,
}

impl<'a, 'r> Reading<'a, 'r> {
    /// Of the plan's table `at`.
    pub(super) fn new(
        readers: &'a mut Readers<'r>,
        selection: &'a Selection<'a>,
        live: &'a Table,
        (at, plan): (usize, &'a TablePlan),
    ) -> Self {
        Self { readers, selection, live, at, plan, expected: 0 }
    }
}

impl Supply for Reading<'_, '_> {
    fn expected(&mut self) -> Result<u64> {
        self.expected = self.selection.count(self.readers, self.at, &self.live.name)?;
        Ok(self.expected)
    }

    fn supply(&mut self, told: &mut Told<'_>, take: &mut Take<'_>) -> Result<u64> {
        let asked = (self.live, &self.plan.extras[..], self.expected);
        self.selection.read(self.readers, self.at, asked, told, &mut |batch| take(Given::Read(batch)))
    }
}

/// What masks make of the rows of a table that were read.
#[derive(Clone, Copy)]
pub(super) struct Masking<'a> {
    /// The masks.
    pub(super) plan: &'a TablePlan,
    /// Cells behind the stored columns.
    pub(super) extras: usize,
    /// The number that the leak scan gives to the first column.
    pub(super) first_column: u16,
    /// What text masks have learned.
    pub(super) known: &'a Known,
}

/// A table, what becomes of it, and what is watched meanwhile.
struct Work<'a> {
    live: &'a Table,
    /// None where no row of the table is from a database.
    masking: Option<Masking<'a>>,
    scans: &'a Scans,
    closure: &'a Closure<'a>,
    uniques: Uniques,
    layout: rows::Layout,
}

impl Work<'_> {
    /// Masks rows where there is something to mask, and watches them.
    fn pass(&self, first: u64, given: Given) -> Result<Encoded> {
        let masked = match (given, self.masking) {
            (Given::Invented(rows), _) => mask::invented::pass(rows),
            (Given::Read(batch), Some(masking)) => self.mask(first, batch, masking)?,
            (Given::Read(_), None) => return Err(Error::internal("rows of a database came without masks")),
        };
        self.uniques.observe(masked.rows());
        self.closure.observe(&self.live.name, masked.rows());
        Ok(rows::encode(masked, &self.layout))
    }

    /// Masks rows, and watches originals and outputs.
    fn mask(&self, first: u64, batch: Batch, masking: Masking<'_>) -> Result<Masked> {
        let Masking { plan, extras, first_column, known } = masking;
        let columns = &plan.columns;
        let mut scan = self.scans.take();
        scan.observe_originals(first_column, columns, &batch);
        let masked = mask::apply(mask::Rows { table: &self.live.name, columns, extras, first, known }, batch)?;
        scan.observe_masked(first_column, columns, masked.rows());
        if plan.mode == Mode::Reference {
            scan.observe_references(columns, masked.rows());
        }
        self.scans.put_back(scan);
        Ok(masked)
    }
}

/// One table through the pipeline. `entry` says what the manifest says of it beside its rows.
pub(super) fn capture_table(
    context: &Context<'_>,
    supply: &mut dyn Supply,
    (catalogue, live): (&Catalogue, &Table),
    masking: Option<Masking<'_>>,
    mut entry: TableEntry,
    writer: &mut Writer<'_>,
    Proofs { scans, closure, unique, dangling }: &mut Proofs<'_>,
) -> Result<TableEntry> {
    let start = Instant::now();
    let expected = supply.expected()?;
    context.report.event(&Event::TableStarted { table: live.name.clone(), rows: Some(expected) });
    let layout = rows::Layout::new(catalogue.engine, live).with_cut_key(pack::cut_key(writer.packer.id_key()));
    let masks = masking.map(|masking| &masking.plan.columns[..]);
    let work =
        Work { live, masking, scans, closure, uniques: Uniques::new(catalogue, live, masks, scans.key()), layout };
    let pass = |(first_row, given): (u64, Given)| work.pass(first_row, given);
    let Writer { known: held, packer } = writer;
    let compress = |chunk: Chunk| held.compress(&chunk);

    let packing = &mut *packer;
    let mut told = Told { origins: Vec::new(), cuts: Vec::new(), known: held, dangling };
    let ((rows_read, (digest, bytes)), chunks) = std::thread::scope(|scope| {
        let (feed, encoded) = ordered_map(scope, context.jobs, pass);
        let (chunk_feed, cuts) = ordered_map(scope, context.jobs, compress);
        let cutter = scope.spawn(move || -> Result<(blake3::Hash, u64)> {
            let mut stream = blake3::Hasher::new();
            let mut bytes = 0;
            let mut chunker = Chunker::new(DEFAULT_TARGET);
            for rows in encoded {
                let rows = rows?;
                stream.update(rows.bytes());
                bytes += rows.bytes().len() as u64;
                chunker.push(&rows, &mut |chunk| chunk_feed.send(chunk))?;
            }
            chunker.finish(&mut |chunk| chunk_feed.send(chunk))?;
            Ok((stream.finalize(), bytes))
        });
        let packer = scope.spawn(move || cuts.map(|cut| packing.add(cut?)).collect::<Result<Vec<ChunkRef>>>());
        let mut row = 0;
        let mut bytes = 0;
        let read = supply.supply(&mut told, &mut |given| {
            let batch = match &given {
                Given::Read(batch) => batch,
                Given::Invented(rows) => rows.rows(),
            };
            let first_row = row;
            row += batch.rows() as u64;
            bytes += batch.len_bytes() as u64;
            context.report.event(&Event::TableProgress { table: live.name.clone(), rows: row, bytes });
            feed.send((first_row, given))
        });
        drop(feed);
        let cut = join(cutter.join());
        let packed = join(packer.join());
        // The last stage that failed says why the stages before it were closed.
        settle(settle(read, cut), packed)
    })
    // Masks name their table themselves.
    .map_err(|error| {
        if error.what().starts_with("table ") { error } else { error.within(format!("table {}", live.name)) }
    })?;
    work.uniques.prove(live, unique)?;
    entry.rows = rows_read;
    entry.bytes = bytes;
    entry.digest = digest.to_hex().to_string();
    entry.chunks = chunks;
    entry.origins = told.finish()?.into_iter().map(|cut| packer.add(cut)).collect::<Result<_>>()?;
    context.report.event(&Event::TableDone {
        table: live.name.clone(),
        rows: rows_read,
        bytes,
        millis: millis(start),
        how: if masking.is_some() { "read" } else { "made" }.to_owned(),
    });
    Ok(entry)
}

/// A worker that panicked is a defect, reported as one instead of taking the process down.
fn join<T>(joined: std::thread::Result<Result<T>>) -> Result<T> {
    joined.unwrap_or_else(|_| Err(Error::internal("a worker thread stopped unexpectedly")))
}
