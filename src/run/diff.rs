//! `diff`: what differs between two snapshots of a store: rows, schema, masking. No value of a cell is ever told.
//!
//! | part | what it compares |
//! |---|---|
//! | this file | tables by their digests and chunks: what both share is not even opened |
//! | `rows` | the rest, row by row |
//! | `schema` | tables, columns, keys, references, indexes and other objects |
//! | `masking` | policy, keys, environment, and the mask of every column |

mod masking;
mod rows;
mod schema;

use super::Context;
use super::packs::PackReader;
use super::repository::{Repository, Snapshot};
use crate::error::{Error, Result};
use crate::model::manifest::{ChunkRef, TableEntry};
use crate::model::schema::{Table, TableName};
use rows::Side;
use std::collections::{BTreeSet, HashMap};

/// How to compare.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these tables; all when empty.
    pub tables: Vec<String>,
    /// Compare chunks only.
    pub chunks_only: bool,
    /// Number up to so many rows of each kind in each table.
    pub listed: usize,
    /// Hold the prints of so many rows at a time; none: a million, about 48 MB.
    pub held: Option<u64>,
}

/// What differs.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Every table of either snapshot, by name.
    pub tables: Vec<TableDiff>,
    /// The schema, a line for each difference.
    pub schema: Vec<Difference>,
    /// How rows were masked, a line for each difference.
    pub masking: Vec<Difference>,
    /// Why rows were not compared one by one, where they were not.
    pub chunks_only: Option<&'static str>,
}

impl Outcome {
    /// Whether rows, schema and masking are the same.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.schema.is_empty() && self.masking.is_empty() && self.tables.iter().all(|table| table.found == Found::Same)
    }
}

/// How something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// Only the snapshot before has it.
    Removed,
    /// Only the snapshot after has it.
    Added,
    /// Both have it, in different ways.
    Changed,
}

/// One difference in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// How.
    pub sort: Sort,
    /// What: names, types and digests.
    pub what: String,
}

/// How a table's rows differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDiff {
    /// The table.
    pub table: TableName,
    /// Its rows before and after; none where it is not there.
    pub rows: (Option<u64>, Option<u64>),
    /// Chunks that both have; those that only the one before has; those that only the one after has.
    pub chunks: [usize; 3],
    /// What was found.
    pub found: Found,
}

/// What was found out about a table's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// They are the same.
    Same,
    /// They differ, and were compared one by one.
    Rows(RowDiff),
    /// They differ, and were not looked into: at most so many were removed or changed, and at most so many added or changed.
    Chunks(u64, u64),
}

/// Rows that differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowDiff {
    /// Rows whose key only the snapshot after has.
    pub added: u64,
    /// Rows whose key only the snapshot before has.
    pub removed: u64,
    /// Rows of the same key with other cells. Zero where there is no key to match by.
    pub changed: u64,
    /// Whether rows were matched by primary key, not as a whole.
    pub by_key: bool,
    /// Numbers of some of them, from 1: removed ones in the snapshot before, the others in the one after.
    pub numbers: [Vec<u64>; 3],
}

/// Compares two snapshots.
///
/// # Errors
/// Kind `Usage` when a table is in neither; kind `Store` when packs cannot be read.
pub fn diff(
    context: &Context<'_>,
    repository: &Repository,
    (before, after): (&Snapshot, &Snapshot),
    options: &Options,
) -> Result<Outcome> {
    let mut outcome = Outcome {
        schema: schema::differences(&before.manifest.schema, &after.manifest.schema, &options.tables),
        masking: masking::differences(&before.manifest, &after.manifest, &options.tables),
        ..Outcome::default()
    };
    let names: BTreeSet<&TableName> =
        [before, after].iter().flat_map(|side| &side.manifest.tables).map(|entry| &entry.table).collect();
    if let Some(unknown) = options.tables.iter().find(|text| !names.iter().any(|name| name.is_named(text))) {
        return Err(Error::usage(format!("neither snapshot has a table '{}'", unknown.escape_debug())));
    }
    outcome.chunks_only = why_chunks_only(repository, before, after, options)?;
    let packs = match outcome.chunks_only {
        Some(_) => None,
        None => {
            let reader = |side: &Snapshot| PackReader::new(repository, side.manifest.epoch);
            Some((reader(before)?, reader(after)?))
        }
    };
    let key = super::random::<32>()?;
    for name in names
        .into_iter()
        .filter(|name| options.tables.is_empty() || options.tables.iter().any(|text| name.is_named(text)))
    {
        context.cancel.check()?;
        let sides = (Half::of(before, name), Half::of(after, name));
        let (chunks, found) = match (&sides.0, &sides.1) {
            (Some(a), Some(b)) => {
                let packs = packs.as_ref().map(|(a, b)| (a, b));
                compare(context, (a, b), packs, (&key, options))
                    .map_err(|error| error.within(format!("table {name}")))?
            }
            (a, b) => {
                let chunks = [0, a.as_ref().map_or(0, Half::chunks), b.as_ref().map_or(0, Half::chunks)];
                (chunks, alone(a.as_ref().map_or(0, Half::rows), b.as_ref().map_or(0, Half::rows)))
            }
        };
        let rows = (sides.0.as_ref().map(Half::rows), sides.1.as_ref().map(Half::rows));
        outcome.tables.push(TableDiff { table: name.clone(), rows, chunks, found });
    }
    Ok(outcome)
}

fn why_chunks_only(
    repository: &Repository,
    before: &Snapshot,
    after: &Snapshot,
    options: &Options,
) -> Result<Option<&'static str>> {
    if options.chunks_only {
        return Ok(Some("chunks were compared, as asked for"));
    }
    for side in [before, after] {
        if !repository.keys_of(side.manifest.epoch)?.can_read_rows() {
            return Ok(Some("this identity may not read rows, so chunks were compared"));
        }
    }
    Ok(None)
}

/// A table that only one side has.
fn alone(before: u64, after: u64) -> Found {
    Found::Rows(RowDiff { added: after, removed: before, ..RowDiff::default() })
}

/// A table in one of the snapshots.
struct Half<'a> {
    snapshot: &'a Snapshot,
    entry: &'a TableEntry,
    schema: Option<&'a Table>,
}

impl<'a> Half<'a> {
    fn of(snapshot: &'a Snapshot, name: &TableName) -> Option<Self> {
        let entry = snapshot.manifest.tables.iter().find(|entry| &entry.table == name)?;
        Some(Self { snapshot, entry, schema: snapshot.manifest.schema.table(name) })
    }

    fn rows(&self) -> u64 {
        self.entry.rows
    }

    fn chunks(&self) -> usize {
        self.entry.chunks.len()
    }

    /// Names of the primary key's columns, if all of them are stored.
    fn key(&self) -> Vec<&'a str> {
        let Some(schema) = self.schema else { return Vec::new() };
        let names: Vec<&str> = schema.primary_key.iter().map(|&at| schema.columns[at].name.as_str()).collect();
        if names.iter().all(|name| self.position(name).is_some()) { names } else { Vec::new() }
    }

    fn position(&self, column: &str) -> Option<usize> {
        self.entry.columns.iter().position(|name| name == column)
    }

    /// What is to be read of it.
    fn side(&self, packs: &'a PackReader<'a>, chunks: Numbered<'a>, (columns, key): (&[&str], &[&str])) -> Side<'a> {
        let rows = chunks.iter().map(|(_, chunk)| chunk.rows).sum();
        let (columns, key) = (self.positions(columns), self.positions(key));
        Side { packs, manifest: &self.snapshot.manifest, chunks, columns, key, rows }
    }

    /// Positions of columns in a row.
    fn positions(&self, columns: &[&str]) -> Vec<usize> {
        columns.iter().filter_map(|column| self.position(column)).collect()
    }
}

type Compared = ([usize; 3], Found);

fn compare<'a>(
    context: &Context<'_>,
    (a, b): (&Half<'a>, &Half<'a>),
    packs: Option<(&'a PackReader<'a>, &'a PackReader<'a>)>,
    (key, options): (&[u8; 32], &Options),
) -> Result<Compared> {
    let same_columns = a.entry.columns == b.entry.columns;
    let same_keys = (&a.snapshot.manifest.repo, a.snapshot.manifest.epoch)
        == (&b.snapshot.manifest.repo, b.snapshot.manifest.epoch);
    // Chunks of two epochs have names of two kinds, but the digest of all rows tells whether anything differs.
    let (shared, left, right) = if same_columns && same_keys {
        apart(&a.entry.chunks, &b.entry.chunks)
    } else {
        (0, numbered(&a.entry.chunks), numbered(&b.entry.chunks))
    };
    if same_columns && a.entry.digest == b.entry.digest {
        return Ok(([a.chunks(), 0, 0], Found::Same));
    }
    let chunks = [shared, left.len(), right.len()];
    let Some((packs_a, packs_b)) = packs else {
        let rows = |chunks: &[(u64, &ChunkRef)]| chunks.iter().map(|(_, chunk)| chunk.rows).sum();
        return Ok((chunks, Found::Chunks(rows(&left), rows(&right))));
    };
    let common: Vec<&str> =
        a.entry.columns.iter().map(String::as_str).filter(|name| b.position(name).is_some()).collect();
    if common.is_empty() {
        return Ok((chunks, alone(a.rows(), b.rows())));
    }
    let names = if a.key() == b.key() { a.key() } else { Vec::new() };
    context.stage(format!("comparing the rows of {}", a.entry.table));
    let one = a.side(packs_a, left, (&common, &names));
    let other = b.side(packs_b, right, (&common, &names));
    let found = rows::compare(context, &one, &other, key, options)?;
    let is_same = same_columns && found.added + found.removed + found.changed == 0;
    // The same rows in another order are the same rows.
    Ok((chunks, if is_same { Found::Same } else { Found::Rows(found) }))
}

/// Chunks with the number of rows before each.
type Numbered<'a> = Vec<(u64, &'a ChunkRef)>;

fn numbered(chunks: &[ChunkRef]) -> Numbered<'_> {
    let mut first = 0;
    let with_first = |chunk: &'_ ChunkRef| {
        let at = first;
        first += chunk.rows;
        at
    };
    let firsts: Vec<u64> = chunks.iter().map(with_first).collect();
    firsts.into_iter().zip(chunks).collect()
}

/// How many chunks both have, and those that only one has. A chunk that one has twice meets two of the other.
fn apart<'a>(a: &'a [ChunkRef], b: &'a [ChunkRef]) -> (usize, Numbered<'a>, Numbered<'a>) {
    let mut there: HashMap<&str, usize> = HashMap::new();
    for chunk in b {
        *there.entry(&chunk.id).or_default() += 1;
    }
    let mut met: HashMap<&str, usize> = HashMap::new();
    let (mut left, mut right, mut shared) = (numbered(a), numbered(b), 0);
    left.retain(|(_, chunk)| match there.get_mut(chunk.id.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            *met.entry(&chunk.id).or_default() += 1;
            shared += 1;
            false
        }
        _ => true,
    });
    right.retain(|(_, chunk)| match met.get_mut(chunk.id.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    });
    (shared, left, right)
}

#[cfg(test)]
mod tests;
