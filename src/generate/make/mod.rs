//! Rows that satisfy every constraint by construction: how many, with which keys, of which parents, in which way each CHECK is
//! satisfied. Whatever could not be brought about is refused with the names of table and constraint.

mod columns;
mod counts;
mod keys;
mod late;
mod lookup;
mod parents;
mod partitions;
mod proof;
mod refer;
mod relate;
mod rows;
mod shape;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use counts::Planned;

pub use super::profile::Size;

use super::check::{Check, Truth};
use super::draw::Seed;
use super::profile::Bound;
use super::value::Value;
use super::world::{Made, World};
use crate::classify::Guesses;
use crate::error::Result;
use crate::event::Cancel;
use crate::model::schema::{Catalogue, Table, TableName};
use crate::model::subset::Reference;
use columns::Columns;
use rows::Maker;
use shape::Shape;
use std::collections::{BTreeMap, BTreeSet};

/// What to make.
pub struct Request<'a> {
    /// For which schema.
    pub catalogue: &'a Catalogue,
    /// Every reference that must hold.
    pub references: &'a [Reference],
    /// What the profile says of this schema.
    pub bound: &'a Bound,
    /// How much.
    pub size: Size,
    /// Rows of single tables.
    pub rows: BTreeMap<TableName, u64>,
    /// Where all randomness comes from.
    pub seed: u64,
    /// Tables that get no rows.
    pub leave_out: BTreeSet<TableName>,
    /// Keys of rows that are there already, of tables that are left out.
    pub outside: BTreeMap<TableName, Outside>,
}

/// Keys of rows that are there already.
#[derive(Clone, Default)]
pub struct Outside {
    /// The columns.
    pub columns: Vec<String>,
    /// Their values, by row.
    pub keys: Vec<Vec<Value>>,
}

impl Outside {
    fn value(&self, row: usize, column: &str) -> Option<&Value> {
        let at = self.columns.iter().position(|own| own == column)?;
        self.keys.get(row)?.get(at)
    }

    fn has(&self, columns: &[String], values: &[&Value]) -> bool {
        (0..self.keys.len())
            .any(|row| columns.iter().zip(values).all(|(column, value)| self.value(row, column) == Some(value)))
    }
}

/// Asks the database whether CHECKs hold for rows, one answer for each row and check: see [`super::check`].
pub type Ask<'q> = dyn FnMut(&Table, &[&Check], &[Vec<Option<Value>>]) -> Result<Vec<Vec<Truth>>> + 'q;

/// A row's cells.
fn row(world: &World<'_>, table: usize, row: usize) -> Vec<Option<Value>> {
    world.tables[table].columns.iter().map(|column| column.get(row).cloned()).collect()
}

/// What would be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// The rows of each table, by index into the catalogue's.
    pub tables: Vec<Planned>,
    /// What else there is to say.
    pub notes: Vec<String>,
}

/// What was made.
pub struct Done<'a> {
    /// The rows.
    pub world: World<'a>,
    /// Tables that got fewer rows than planned and why, columns that stay NULL.
    pub notes: Vec<String>,
}

/// What every part of a run knows.
struct Run<'a> {
    catalogue: &'a Catalogue,
    references: &'a [Reference],
    bound: &'a Bound,
    guesses: Guesses,
    size: Size,
    rows: &'a BTreeMap<TableName, u64>,
    seed: Seed,
    outside: &'a BTreeMap<TableName, Outside>,
}

impl Run<'_> {
    /// How many rows of a table are there already.
    fn outside_rows(&self, table: &TableName) -> u64 {
        self.outside.get(table).map_or(0, |outside| outside.keys.len() as u64)
    }
}

struct Prepared<'a> {
    run: Run<'a>,
    shape: Shape<'a>,
    columns: Vec<Option<Columns>>,
    planned: Vec<Planned>,
}

fn prepare<'a>(request: &'a Request<'a>) -> Result<Prepared<'a>> {
    let run = Run {
        catalogue: request.catalogue,
        references: request.references,
        bound: request.bound,
        guesses: Guesses::of(&request.catalogue.tables),
        size: request.size,
        rows: &request.rows,
        seed: Seed::new(request.seed),
        outside: &request.outside,
    };
    let shape = Shape::of(request.catalogue, request.references, &request.leave_out);
    let mut columns = Vec::with_capacity(shape.tables.len());
    for (at, plan) in shape.tables.iter().enumerate() {
        let is_wanted = plan.filled && request.rows.get(&plan.table.name) != Some(&0);
        columns.push(if is_wanted { Some(Columns::of(&run, &shape, at)?) } else { None });
    }
    let planned = counts::counts(&run, &shape, &columns);
    Ok(Prepared { run, shape, columns, planned })
}

/// How many rows each table would get, and why.
///
/// # Errors
/// Kind `Policy` where the schema has a column or a CHECK that nothing is known to satisfy.
pub fn plan(request: &Request<'_>) -> Result<Forecast> {
    let prepared = prepare(request)?;
    let notes = prepared.columns.into_iter().flatten().flat_map(|columns| columns.notes);
    Ok(Forecast { tables: prepared.planned, notes: notes.collect() })
}

/// Makes all rows; `ask` is asked about CHECKs that cannot be worked out here.
///
/// # Errors
/// Kind `Policy` with table and constraint where something cannot be satisfied, and when cancelled.
pub fn make<'a>(request: &'a Request<'a>, mut ask: Option<&mut Ask<'_>>, cancel: &Cancel) -> Result<Done<'a>> {
    let prepared = prepare(request)?;
    let (run, shape) = (&prepared.run, &prepared.shape);
    let empty = |table: &Table| Made { columns: vec![Vec::new(); table.columns.len()], ..Made::default() };
    let mut world = World {
        catalogue: request.catalogue,
        references: request.references,
        tables: request.catalogue.tables.iter().map(empty).collect(),
        parents: vec![Vec::new(); request.references.len()],
    };
    let mut notes: Vec<String> = Vec::new();
    for &at in &shape.order {
        let Some(columns) = &prepared.columns[at] else { continue };
        notes.extend(columns.notes.iter().cloned());
        let short = Maker::new(run, shape, at, columns, &prepared.planned).make(&mut world, &mut ask, cancel)?;
        if let Some(why) = short {
            let (name, rows) = (&shape.tables[at].table.name, world.tables[at].rows);
            notes.push(format!("table {name} has {rows} rows of {}: {why}", prepared.planned[at].rows));
        }
    }
    for &at in &shape.order {
        if let Some(columns) = &prepared.columns[at] {
            cancel.check()?;
            late::fill(run, shape, columns, at, &mut world)?;
        }
    }
    request.bound.settle(&mut world, &run.seed)?;
    proof::proof(run, shape, &prepared.columns, &world, ask)?;
    Ok(Done { world, notes })
}
