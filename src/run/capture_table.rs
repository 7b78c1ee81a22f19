//! One table's way through a capture: readers read, workers mask, scan, encode and compress, one thread cuts, one packs.

use super::Context;
use super::capture::empty_entry;
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
use crate::model::proof::Encoded;
use crate::model::schema::Table;
use crate::policy::{Mode, TablePlan};
use std::collections::BTreeMap;
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

/// A table, what becomes of it, and what is watched meanwhile.
struct Work<'a> {
    live: &'a Table,
    plan: &'a TablePlan,
    /// Cells behind the stored columns.
    extras: usize,
    /// The number that the leak scan gives to the first column.
    first_column: u16,
    known: &'a Known,
    scans: &'a Scans,
    closure: &'a Closure<'a>,
    uniques: Uniques,
    layout: rows::Layout,
}

impl Work<'_> {
    /// Masks rows, and watches originals and outputs.
    fn mask(&self, first: u64, batch: Batch) -> Result<Encoded> {
        let columns = &self.plan.columns;
        let mut scan = self.scans.take();
        scan.observe_originals(self.first_column, columns, &batch);
        let rows = mask::Rows { table: &self.live.name, columns, extras: self.extras, first, known: self.known };
        let masked = mask::apply(rows, batch)?;
        scan.observe_masked(self.first_column, columns, masked.rows());
        if self.plan.mode == Mode::Reference {
            scan.observe_references(columns, masked.rows());
        }
        self.scans.put_back(scan);
        self.uniques.observe(masked.rows());
        self.closure.observe(&self.live.name, masked.rows());
        Ok(rows::encode(masked, &self.layout))
    }
}

/// One table through the pipeline: readers read, workers mask, encode and compress, one thread cuts, one packs.
pub(super) fn capture_table(
    context: &Context<'_>,
    (readers, selection): (&mut Readers<'_>, &mut Selection<'_>),
    (live, settings): (&Table, &BTreeMap<String, String>),
    (at, plan, first_column): (usize, &TablePlan, u16),
    known: &Known,
    writer: &mut Writer<'_>,
    Proofs { scans, closure, unique, dangling }: &mut Proofs<'_>,
) -> Result<TableEntry> {
    let start = Instant::now();
    let expected = selection.count(readers, at, &live.name)?;
    let engine = readers.first().engine();
    context.report.event(&Event::TableStarted { table: live.name.clone(), rows: Some(expected) });
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
    let layout = rows::Layout::new(engine, live).with_cut_key(pack::cut_key(writer.packer.id_key()));
    let work = Work {
        live,
        plan,
        extras: plan.extras.len() + selection.asks(at),
        first_column,
        known,
        scans,
        closure,
        uniques: Uniques::new(engine, live, settings, &plan.columns, scans.key()),
        layout,
    };
    let mask_batch = |(first_row, batch): (u64, Batch)| work.mask(first_row, batch);
    let Writer { known: held, packer } = writer;
    let compress = |chunk: Chunk| held.compress(&chunk);

    let packing = &mut *packer;
    let mut told = Told { origins: Vec::new(), cuts: Vec::new(), known: held, dangling };
    let ((rows_read, (digest, bytes)), chunks) = std::thread::scope(|scope| {
        let (feed, encoded) = ordered_map(scope, context.jobs, mask_batch);
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
        let read = selection.read(readers, at, (live, &plan.extras, expected), &mut told, &mut |batch| {
            let (first_row, rows) = (row, batch.rows() as u64);
            row += rows;
            bytes += batch.len_bytes() as u64;
            context.report.event(&Event::TableProgress { table: live.name.clone(), rows: row, bytes });
            feed.send((first_row, batch))
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
    selection.forget(at);
    context.report.event(&Event::TableDone {
        table: live.name.clone(),
        rows: rows_read,
        bytes,
        millis: millis(start),
        how: "read".to_owned(),
    });
    Ok(entry)
}

/// A worker that panicked is a defect, reported as one instead of taking the process down.
fn join<T>(joined: std::thread::Result<Result<T>>) -> Result<T> {
    joined.unwrap_or_else(|_| Err(Error::internal("a worker thread stopped unexpectedly")))
}
