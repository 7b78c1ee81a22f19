//! A large load into an empty database: rows gather in a staging place, through several connections at once, and one commit
//! makes them the target's when all of them are verified.
//!
//! Each stretch of chunks goes in with a line that says so, in one transaction. A killed run leaves the target as it was, and
//! the place; the next restore of the same snapshot goes on where it stopped. The restore itself stays what it was: it swaps
//! the tables in where it would have made and filled them, and writes the same ledger.

mod place;
mod queue;
mod verify;

use super::chunks::{Chunks, Opened};
use super::ledger::{Counter, Made, TableDetail};
use super::marking::Marking;
use super::packs::PackReader;
use super::plan;
use super::repository::Snapshot;
use super::restore::{Options, is_exact};
use super::{Context, millis, retry};
use crate::check::Rules;
use crate::codec::rows;
use crate::engine::sql::{self, Sql};
use crate::engine::{Enforce, LoadTable, Target, network};
use crate::error::{Error, Kind, Result, Transient};
use crate::event::Event;
use crate::model::digest::ContentDigest;
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::schema::{Catalogue, Table, TableName};
pub(super) use place::clear;
use place::{Head, Part, Stretch};
use queue::Workers;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// When a load goes through a staging place, and in which pieces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    /// From this many rows on it pays.
    pub least_rows: u64,
    /// A transaction takes neighbouring chunks of about so many bytes, and never less than one.
    pub stretch: u64,
}

impl Default for Streams {
    fn default() -> Self {
        Self { least_rows: 10_000, stretch: 32 << 20 }
    }
}

/// A load that is about to begin.
pub(super) struct Gathering<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) packs: &'a PackReader<'a>,
    pub(super) options: &'a Options,
}

/// Rows that wait in a staging place, all of them and verified, and what was found on the way.
pub(super) struct Gathered {
    /// The place.
    pub(super) key: String,
    /// When the rows say that they were restored.
    pub(super) at: String,
    /// Settings and their previous values.
    pub(super) settings: Vec<(String, String)>,
    /// What was made beside tables; none where the engine leaves that to the end.
    pub(super) objects: Option<Vec<Made>>,
    /// Counters before the first row.
    pub(super) counters: Vec<Counter>,
    /// What went in.
    pub(super) tables: Vec<TableDetail>,
    /// ... and how.
    pub(super) how: BTreeMap<TableName, String>,
}

/// Removes the place of a load that is part of the target now. What stays of it is litter, which the next run removes.
pub(super) fn clean_up(context: &Context<'_>, target: &mut dyn Target, gathered: Option<&Gathered>) {
    if let Some(gathered) = gathered
        && let Err(error) = target.remove_place(&gathered.key)
    {
        context.warn(format!("the staging place could not be removed: {error}"), None);
    }
}

/// A table on its way.
struct Load<'a> {
    /// Its number in the manifest.
    index: usize,
    entry: &'a TableEntry,
    live: &'a Table,
    tally: Mutex<Tally>,
}

/// How far a table is.
struct Tally {
    start: Instant,
    bytes: u64,
    digest: ContentDigest,
    how: &'static str,
}

impl Gathering<'_> {
    /// Gathers the snapshot's rows. None where that does not pay or cannot be: then they go in with the one transaction.
    pub(super) fn gather(&self, target: &mut dyn Target, live: &Catalogue) -> Result<Option<Gathered>> {
        let Some(streams) = self.options.streams.filter(|streams| self.pays(*streams, live)) else { return Ok(None) };
        let key = place::key(self.snapshot);
        let first = match self.open(target, live, &key)? {
            Ok(first) => first,
            Err(why) => {
                self.context.note(format!("the rows go in with one transaction: {why}"));
                return Ok(None);
            }
        };
        match self.fill(target, first, &key, streams) {
            Ok(gathered) => Ok(Some(gathered)),
            Err(error) if goes_on_later(&error) => {
                self.context.note("what was loaded stays aside; the same restore goes on from there");
                Err(error)
            }
            // The same rows would be refused again.
            Err(error) => match target.remove_place(&key) {
                Ok(()) => Err(error),
                Err(second) => Err(error.caused_by(second)),
            },
        }
    }

    fn pays(&self, streams: Streams, live: &Catalogue) -> bool {
        let Ok(wanted) = plan::wanted(self.manifest(), &self.options.tables) else { return false };
        let rows: u64 = wanted.iter().map(|entry| entry.rows).sum();
        let least_rows = streams.least_rows.saturating_mul(sql::reluctance(self.manifest().schema.engine));
        let is_empty = live.tables.is_empty() && live.post.is_empty();
        is_empty && !self.options.dry_run && rows > 0 && rows >= least_rows
    }

    fn manifest(&self) -> &Manifest {
        &self.snapshot.manifest
    }

    fn fill(&self, target: &mut dyn Target, first: place::Opened, key: &str, streams: Streams) -> Result<Gathered> {
        let place::Opened { stream, head, shapes, parts } = first;
        let writers = sql::writers(target.engine(), self.context.jobs);
        let mut workers = Workers::new(target, key, stream, writers)?;
        let loads = self.loads(&shapes, &parts)?;
        let stretch = streams.stretch.saturating_mul(sql::patience(target.engine()));
        let stretches = place::missing(&loads, &parts, stretch, workers.count());
        let is_resumed = !parts.is_empty();
        if is_resumed {
            let chunks: usize = loads.iter().map(|load| load.entry.chunks.len()).sum();
            let missing: usize = stretches.iter().map(|stretch| stretch.chunks).sum();
            self.context
                .note(format!("going on after an interruption: {} of {chunks} chunks are in", chunks - missing));
        }
        self.context.stage(match workers.count() {
            1 => "loading aside".to_owned(),
            count => format!("loading aside through {count} connections"),
        });
        // The workers of a single writer decode for it; several writers decode beside their own load.
        let decoders = if workers.count() == 1 { self.context.jobs } else { 1 };
        workers
            .each(stretches, &|stream, stretch, stop| self.load(stream, &loads, stretch, (&head, decoders), stop))?;
        self.context.stage("building keys and verifying what was loaded");
        let [tables, foreign_keys] = &head.rounds;
        let missing = |round: usize, index: usize| !parts.iter().any(|part| part.is_round(round, index));
        let due = (0..tables.len()).filter(|index| missing(0, *index)).collect();
        workers.each(due, &|stream, index, _| build(stream, &tables[index], Part::Round { round: 0, index }))?;
        let mut due: Vec<usize> = (0..foreign_keys.len()).filter(|index| missing(1, *index)).collect();
        let is_proved = sql::proves(self.manifest().schema.engine, foreign_keys);
        if !is_proved {
            // While a key is added, whoever counts its references would wait for it, or it for them.
            let alone = vec![std::mem::take(&mut due)];
            workers.each(alone, &|stream, due, _| self.foreign_keys(stream, due, foreign_keys))?;
        }
        let jobs = self.checks(&loads, &shapes, (due, is_proved));
        let found = verify::Found::default();
        workers.each(jobs, &|stream, job, _| self.check(stream, job, foreign_keys, is_resumed, &found))?;
        verify::foreign_keys(&found, &self.manifest().results.closure.dangling)?;
        let count = workers.count();
        drop(workers);
        Ok(gathered(key, head, loads, count))
    }

    /// The tables that get rows, with what is in already.
    fn loads<'s>(&'s self, shapes: &'s Catalogue, parts: &[Part]) -> Result<Vec<Load<'s>>> {
        let mut loads = Vec::new();
        for entry in plan::wanted(self.manifest(), &self.options.tables)?.into_iter().filter(|entry| entry.rows > 0) {
            let index = self.manifest().tables.iter().position(|other| other.table == entry.table);
            let (Some(index), Some(live)) = (index, shapes.table(&entry.table)) else {
                return Err(Error::internal(format!("table {} is not in its staging place", entry.table)));
            };
            let mut tally = Tally { start: Instant::now(), bytes: 0, digest: ContentDigest::default(), how: "" };
            for part in parts {
                if let Part::Chunks { entry: at, first, chunks, digest } = part
                    && *at == index
                {
                    tally.bytes += entry.chunks.iter().skip(*first).take(*chunks).map(|chunk| chunk.raw).sum::<u64>();
                    tally.digest.join(digest);
                }
            }
            self.context.report.event(&Event::TableStarted { table: entry.table.clone(), rows: Some(entry.rows) });
            loads.push(Load { index, entry, live, tally: Mutex::new(tally) });
        }
        Ok(loads)
    }

    /// Loads one stretch, with the line that says so, in one transaction.
    fn load(
        &self,
        stream: &mut dyn Target,
        loads: &[Load<'_>],
        stretch: Stretch,
        (head, decoders): (&Head, usize),
        stop: &queue::Stop,
    ) -> Result<()> {
        let Some(load) = loads.iter().find(|load| load.index == stretch.entry) else { return Ok(()) };
        let within = |error: Error| error.within(format!("table {}", load.entry.table));
        let run = self.snapshot.label();
        let constants = if head.is_marked { Marking::Columns.constants(&run, &head.at) } else { Vec::new() };
        let into = LoadTable { table: stream.aside(&load.entry.table), columns: load.entry.columns.clone(), constants };
        let mut tries = 0;
        loop {
            stream.begin(Enforce::Nothing)?;
            let done = self.put(stream, load, &stretch, (&into, decoders), stop);
            let ended = stream.end(done.is_ok());
            match (done, ended) {
                (Ok(()), Ok(())) => break,
                // Two connections that wait for each other: the one that gave way tries again.
                (Err(error), Ok(())) if tries < retry::TRIES && error.transient() == Some(Transient::Conflict) => {
                    std::thread::park_timeout(network::pause(tries));
                    tries += 1;
                }
                (Ok(()), Err(error)) | (Err(error), Ok(())) => return Err(within(error)),
                (Err(error), Err(second)) => return Err(within(error.caused_by(second))),
            }
        }
        let mut tally = load.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.how = stream.loaded_by();
        if tally.digest.rows() == load.entry.rows {
            self.context.report.event(&Event::TableDone {
                table: load.entry.table.clone(),
                rows: load.entry.rows,
                bytes: tally.bytes,
                millis: millis(tally.start),
                how: tally.how.to_owned(),
            });
        }
        Ok(())
    }

    fn put(
        &self,
        stream: &mut dyn Target,
        load: &Load<'_>,
        stretch: &Stretch,
        (into, decoders): (&LoadTable, usize),
        stop: &queue::Stop,
    ) -> Result<()> {
        let schema = self.manifest().schema.table(&load.entry.table);
        let schema =
            schema.ok_or_else(|| Error::store(format!("the manifest has no schema of table {}", load.entry.table)))?;
        let chunks = Chunks {
            packs: self.packs,
            manifest: self.manifest(),
            entry: load.entry,
            layout: rows::Layout::new(self.manifest().schema.engine, schema),
            rules: Rules::new(stream.engine(), load.live, &load.entry.columns)?,
            conversion: None,
            misfits: None,
        };
        let mut digest = ContentDigest::default();
        let mut bytes = 0;
        let mut see = |opened: &Opened| {
            stop.check()?;
            self.context.cancel.check()?;
            digest.join(&opened.digest);
            bytes += opened.encoded.bytes().len() as u64;
            let tally = load.tally.lock().unwrap_or_else(PoisonError::into_inner);
            let (table, rows) = (load.entry.table.clone(), tally.digest.rows() + digest.rows());
            let bytes = tally.bytes + bytes;
            drop(tally);
            self.context.report.event(&Event::TableProgress { table, rows, bytes });
            Ok(())
        };
        let which = &load.entry.chunks[stretch.first..stretch.first + stretch.chunks];
        let mut inserted = 0;
        chunks
            .each(decoders, (which, stretch.first_row), &mut see, &mut |parts| {
                inserted = stream.load_all(into, &mut parts.map(|part| part.map(|(rows, _)| rows)))?;
                Ok(())
            })
            .map_err(|error| error.within(format!("chunks {} to {}", stretch.first, stretch.last())))?;
        if inserted != digest.rows() || inserted != stretch.rows {
            return Err(Error::rejected(format!("{inserted} of {} rows went in", stretch.rows))
                .hint("A rule or a trigger of the table drops rows. Nothing was changed."));
        }
        let (entry, first, chunks) = (stretch.entry, stretch.first, stretch.chunks);
        place::write(stream, &Part::Chunks { entry, first, chunks, digest })?;
        // The commit may still fail; then the whole restore does.
        let mut tally = load.tally.lock().unwrap_or_else(PoisonError::into_inner);
        tally.digest.join(&digest);
        tally.bytes += bytes;
        Ok(())
    }
}

/// What a load has gathered, once it is verified.
fn gathered(key: &str, head: Head, loads: Vec<Load<'_>>, connections: usize) -> Gathered {
    let (mut tables, mut how) = (Vec::new(), BTreeMap::new());
    for load in loads {
        let tally = load.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        let way = match (tally.how, connections) {
            ("", _) => "loaded before an interruption".to_owned(),
            (way, 1) => way.to_owned(),
            (way, count) => format!("{way} through {count} connections"),
        };
        how.insert(load.entry.table.clone(), way);
        tables.push(TableDetail {
            table: load.entry.table.clone(),
            columns: load.entry.columns.clone(),
            inserted: load.entry.rows,
            overwritten: 0,
            identical: 0,
            skipped: 0,
            quarantined: 0,
            digest: tally.digest.to_hex(),
            undo: None,
            marking: Marking::Columns,
        });
    }
    let Head { at, settings, objects, counters, .. } = head;
    Gathered { key: key.to_owned(), at, settings, objects, counters, tables, how }
}

/// Whether an error says nothing about the rows, so that what is in may stay.
fn goes_on_later(error: &Error) -> bool {
    error.transient().is_some()
        || matches!(error.kind(), Kind::Interrupted | Kind::Unreachable | Kind::Locked | Kind::Store)
}

/// Runs what was put off for one table, with the line that says so.
fn build(stream: &mut dyn Target, statements: &[String], part: Part) -> Result<()> {
    let engine = stream.engine();
    // Where adding a foreign key does not prove it, its references are counted afterwards.
    stream.begin(if sql::proves(engine, &[]) { Enforce::ForeignKeys } else { Enforce::Nothing })?;
    let built = statements
        .iter()
        .try_for_each(|statement| stream.execute(&Sql::rendered(engine, statement)).map(drop))
        .and_then(|()| place::write(stream, &part));
    let ended = stream.end(built.is_ok());
    match (built, ended) {
        (built, Ok(())) => built,
        (Ok(()), Err(error)) => Err(error),
        (Err(error), Err(second)) => Err(error.caused_by(second)),
    }
}
