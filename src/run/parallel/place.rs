//! What lies in a staging place: the tables under way, what the load is, and which rows are in.

use super::super::repository::Snapshot;
use super::super::{Context, counters, now, plan};
use super::{Gathering, Load};
use crate::engine::sql::{self, Sql};
use crate::engine::staging::Rounds;
use crate::engine::{Enforce, Query, Target};
use crate::error::{Error, Kind, Result};
use crate::model::digest::ContentDigest;
use crate::model::mark;
use crate::model::schema::{Catalogue, EngineKind, Table, TableName};
use crate::run::ledger::{Counter, Made};
use crate::run::marking::Marker;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The version of [`Head`] and [`Part`]. A place of another one is made anew.
const FORMAT: u32 = 2;

/// What the load is: the last line that is written when a place is made. Without it the place is not ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    format: u32,
    /// The snapshot's full id.
    snapshot: String,
    /// The tables that were made.
    created: Vec<TableName>,
    /// When the rows say that they were restored.
    pub(super) at: String,
    pub(super) settings: Vec<(String, String)>,
    pub(super) objects: Option<Vec<Made>>,
    pub(super) counters: Vec<Counter>,
    /// How its rows are marked.
    #[serde(default)]
    pub(super) marker: Marker,
    /// Whether its tables have marker columns; else they get them when they are swapped in.
    pub(super) is_marked: bool,
    /// What was put off until the rows are in.
    pub(super) rounds: [Rounds; 2],
}

/// What is done, written in the transaction that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Part {
    /// Chunks of a table are in: those from `first` on.
    Chunks { entry: usize, first: usize, chunks: usize, digest: ContentDigest },
    /// What was put off is built.
    Round { round: usize, index: usize },
}

impl Part {
    pub(super) fn is_round(&self, wanted: usize, at: usize) -> bool {
        matches!(self, Self::Round { round, index } if (*round, *index) == (wanted, at))
    }

    /// The key of its line: nothing can be done twice.
    fn name(&self) -> String {
        match self {
            Self::Chunks { entry, first, .. } => format!("chunks {entry} {first}"),
            Self::Round { round, index } => format!("round {round} {index}"),
        }
    }
}

/// Neighbouring chunks of one table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stretch {
    pub(super) entry: usize,
    pub(super) first: usize,
    pub(super) chunks: usize,
    pub(super) first_row: u64,
    pub(super) rows: u64,
}

impl Stretch {
    pub(super) fn last(&self) -> usize {
        self.first + self.chunks - 1
    }
}

/// A place that is ready for rows.
pub(super) struct Opened {
    pub(super) stream: Box<dyn Target>,
    pub(super) head: Head,
    /// What is in the place, under its final names.
    pub(super) shapes: Catalogue,
    pub(super) parts: Vec<Part>,
}

/// The name of the line of the head.
const HEAD: &str = "head";

/// What tells the place of a snapshot from others.
pub(super) fn key(snapshot: &Snapshot) -> String {
    snapshot.id.chars().take(12).collect()
}

/// Removes every place that is not `kept`: what an interrupted load of another snapshot, or of another kind, has left.
///
/// # Errors
/// Kind `Guard` when one holds things that are not this program's.
pub(in crate::run) fn clear(context: &Context<'_>, target: &mut dyn Target, kept: Option<&str>) -> Result<()> {
    for place in target.places()?.into_iter().filter(|place| Some(place.key.as_str()) != kept) {
        // Where it cannot be looked into, its name alone says whose it is.
        if let Ok(mut stream) = target.stream(&place.key)? {
            let shapes = stream.catalogue()?;
            let head = read(&mut *stream, &shapes)?.and_then(|(head, _)| head);
            refuse_foreign(&place.name, &shapes, head.as_ref())?;
        }
        target.remove_place(&place.key)?;
        context.note(format!("what an interrupted restore had left was removed: {}", place.name));
    }
    Ok(())
}

/// Refuses what this program has not put there. A place whose head is missing is one that was being made.
fn refuse_foreign(name: &str, shapes: &Catalogue, head: Option<&Head>) -> Result<()> {
    let is_ours =
        shapes.own.tables.iter().any(|table| [mark::PROGRESS_TABLE, mark::RUNS_TABLE].contains(&table.as_str()));
    let is_strange = |table: &Table| head.map_or(!is_ours, |head| !head.created.contains(&table.name));
    if !shapes.tables.iter().any(is_strange) {
        return Ok(());
    }
    Err(Error::guard(format!("{name} holds tables that are not this program's"))
        .hint("It looks like the staging place of a restore. Move the tables elsewhere or drop it; then run again."))
}

type Lines = Option<(Option<Head>, Vec<Part>)>;

/// The lines of a place; none where it has no table for them, no head where that cannot be read.
fn read(stream: &mut dyn Target, shapes: &Catalogue) -> Result<Lines> {
    if !shapes.own.tables.iter().any(|table| table == mark::PROGRESS_TABLE) {
        return Ok(None);
    }
    let sql = Sql::new(stream.engine()).lit("SELECT part, detail FROM ").name(mark::PROGRESS_TABLE);
    let (mut head, mut parts, mut is_damaged) = (None, Vec::new(), false);
    stream.read(&Query { sql, columns: 2 }, &mut |batch| {
        for row in 0..batch.rows() {
            let text = |column| String::from_utf8_lossy(batch.cell(row, column).bytes).into_owned();
            if text(0) == HEAD {
                head = serde_json::from_str(&text(1)).ok();
            } else {
                match serde_json::from_str(&text(1)) {
                    Ok(part) => parts.push(part),
                    Err(_) => is_damaged = true,
                }
            }
        }
        Ok(())
    })?;
    Ok(Some((head.filter(|head: &Head| head.format == FORMAT && !is_damaged), parts)))
}

/// Writes a line down.
pub(super) fn write(stream: &mut dyn Target, part: &Part) -> Result<()> {
    let detail = serde_json::to_string(part);
    let detail = detail.map_err(|error| Error::internal("a step cannot be written down").caused_by(error))?;
    line(stream, &part.name(), &detail)
}

fn line(stream: &mut dyn Target, name: &str, detail: &str) -> Result<()> {
    let sql = Sql::new(stream.engine()).lit("INSERT INTO ").name(mark::PROGRESS_TABLE).lit(" (part, detail) VALUES (");
    stream.execute(&sql.list([name, detail], ", ", Sql::string).lit(")")).map(drop)
}

/// The stretches that are not in yet, of as many tables in turn as there are connections: those that load one table may
/// wait for each other, and those of many tables would open every pack again and again.
pub(super) fn missing(loads: &[Load<'_>], parts: &[Part], bytes: u64, lanes: usize) -> Vec<Stretch> {
    let mut waiting: VecDeque<_> = loads.iter().map(|load| of_table(load, parts, bytes)).collect();
    let mut open: Vec<VecDeque<Stretch>> = Vec::new();
    let mut stretches = Vec::new();
    loop {
        open.retain(|table| !table.is_empty());
        while open.len() < lanes
            && let Some(next) = waiting.pop_front()
        {
            open.extend(Some(next).filter(|table| !table.is_empty()));
        }
        if open.is_empty() {
            return stretches;
        }
        stretches.extend(open.iter_mut().filter_map(VecDeque::pop_front));
    }
}

fn of_table(load: &Load<'_>, parts: &[Part], bytes: u64) -> VecDeque<Stretch> {
    let is_in = |at: usize| {
        parts.iter().any(|part| {
            matches!(part, Part::Chunks { entry, first, chunks, .. } if *entry == load.index && (*first..first + chunks).contains(&at))
        })
    };
    let mut stretches = VecDeque::new();
    let (mut open, mut raw, mut first_row): (Option<Stretch>, u64, u64) = (None, 0, 0);
    for (at, chunk) in load.entry.chunks.iter().enumerate() {
        if is_in(at) || open.is_some() && raw + chunk.raw > bytes {
            stretches.extend(open.take());
            raw = 0;
        }
        if !is_in(at) {
            let stretch = open.get_or_insert(Stretch { entry: load.index, first: at, chunks: 0, first_row, rows: 0 });
            stretch.chunks += 1;
            stretch.rows += chunk.rows;
            raw += chunk.raw;
        }
        first_row += chunk.rows;
    }
    stretches.extend(open);
    stretches
}

impl Gathering<'_> {
    /// Opens the place of this snapshot, made anew where it is not one that this load can go on with. The reason, where
    /// there can be none.
    pub(super) fn open(
        &self,
        target: &mut dyn Target,
        live: &Catalogue,
        key: &str,
    ) -> Result<std::result::Result<Opened, String>> {
        if let Some(why) = self.unfit(live) {
            return Ok(Err(why));
        }
        let place = target.places()?.into_iter().find(|place| place.key == key);
        let mut stream = match target.stream(key)? {
            Ok(stream) => stream,
            Err(why) => return Ok(Err(why.to_owned())),
        };
        if let Some(place) = place {
            let shapes = stream.catalogue()?;
            let lines = read(&mut *stream, &shapes)?;
            let head = lines.as_ref().and_then(|(head, _)| head.clone());
            refuse_foreign(&place.name, &shapes, head.as_ref())?;
            if let (Some(head), Some((_, parts))) = (head, lines)
                && self.fits(&head, live)?
            {
                return Ok(Ok(Opened { stream, head, shapes, parts }));
            }
            drop(stream);
            target.remove_place(key)?;
            stream = match target.stream(key)? {
                Ok(stream) => stream,
                Err(why) => return Ok(Err(why.to_owned())),
            };
        }
        match self.make(&mut *stream, live) {
            Ok((head, shapes)) => Ok(Ok(Opened { stream, head, shapes, parts: Vec::new() })),
            Err(error) => {
                drop(stream);
                target.remove_place(key)?;
                if error.kind() == Kind::Rejected { Ok(Err(error.to_string())) } else { Err(error) }
            }
        }
    }

    /// What of the snapshot cannot be made aside.
    fn unfit(&self, live: &Catalogue) -> Option<String> {
        let is_there = |name: &str| live.pre.iter().any(|object| object.kind == "extension" && object.name == name);
        let pre = &self.manifest().schema.pre;
        let extension = pre.iter().find(|object| object.kind == "extension" && !is_there(&object.name));
        if let Some(extension) = extension {
            return Some(format!(
                "the extension {} cannot be made aside; make it first",
                extension.name.escape_debug()
            ));
        }
        let makes_now = sql::makes_objects_aside(self.manifest().schema.engine);
        let sequence = pre.iter().find(|object| object.kind == "sequence" && !makes_now)?;
        Some(format!("tables may need the sequence {}", sequence.name.escape_debug()))
    }

    /// Whether a place was made for the same load.
    fn fits(&self, head: &Head, live: &Catalogue) -> Result<bool> {
        let plan = plan::Plan::new(
            self.manifest(),
            live,
            self.options.create,
            &self.options.tables,
            None,
            self.options.on_error,
        )?;
        let is_same = head.snapshot == self.snapshot.id && head.marker == self.options.marker;
        Ok(is_same && head.created == plan.created())
    }

    /// Makes the tables, empty, as the restore itself would, and puts them aside.
    fn make(&self, stream: &mut dyn Target, live: &Catalogue) -> Result<(Head, Catalogue)> {
        self.context.stage("making the tables aside");
        plan::prepare(stream, self.manifest(), live)?;
        stream.begin(Enforce::Nothing)?;
        let made = self.make_inside(stream, live);
        let ended = stream.end(made.is_ok());
        match (made, ended) {
            (made, Ok(())) => made,
            (Ok(_), Err(error)) => Err(error),
            (Err(error), Err(second)) => Err(error.caused_by(second)),
        }
    }

    fn make_inside(&self, stream: &mut dyn Target, live: &Catalogue) -> Result<(Head, Catalogue)> {
        let engine = stream.engine();
        let text = if matches!(engine, EngineKind::Mysql | EngineKind::Mariadb) { " LONGTEXT" } else { " TEXT" };
        // It comes first: what lies in a place without it was not put there by us.
        let sql = Sql::new(engine).lit("CREATE TABLE ").name(mark::PROGRESS_TABLE);
        let sql = sql.lit(" (part VARCHAR(64) NOT NULL PRIMARY KEY, detail").lit(text).lit(" NOT NULL)");
        stream.execute(&sql.lit(sql::own_table_options(engine)))?;
        let plan = plan::Plan::new(
            self.manifest(),
            live,
            self.options.create,
            &self.options.tables,
            None,
            self.options.on_error,
        )?;
        let settings = plan.apply_settings(stream)?;
        let objects = if sql::makes_objects_aside(engine) { Some(plan.create_pre(stream)?) } else { None };
        let many = self.options.streams.map_or(u64::MAX, |streams| 2 * streams.least_rows);
        let later = plan.create_tables_but(stream, many)?;
        let shapes = stream.catalogue()?;
        plan.add_markers(stream, &shapes, self.options.marker)?;
        let early = |kind: &str| sql::makes_aside(engine, kind);
        plan.create_post(self.context, stream, &|object| early(&object.kind))?;
        let counters = counters::before(stream, &shapes, &plan)?;
        let mut rounds = stream.set_aside()?;
        rounds.iter_mut().zip(later).for_each(|(round, later)| round.extend(later));
        let created = plan.created();
        let (snapshot, at, marker) = (self.snapshot.id.clone(), now(), self.options.marker);
        let is_marked =
            marker == Marker::Columns && !created.iter().any(|table| plan.marks_later(engine, marker, table));
        let head =
            Head { format: FORMAT, snapshot, created, at, settings, objects, counters, marker, is_marked, rounds };
        let detail = serde_json::to_string(&head)
            .map_err(|error| Error::internal("the head of a staging place cannot be written").caused_by(error))?;
        line(stream, HEAD, &detail)?;
        Ok((head, shapes))
    }
}
