//! `why`: the way that brought a row into a subset, from the row back to a root. Made of the snapshot alone; rows are named by
//! their number in it, never by a value.

mod rows;
#[cfg(test)]
mod tests;

use super::Context;
use super::repository::{Repository, Snapshot};
use crate::error::{Error, Result};
use crate::model::manifest::{Manifest, Why};
use crate::model::schema::{Table, TableName};
use crate::policy::names;
use rows::Rows;

/// Steps that are told at either end of a long way.
pub const TOLD: usize = 20;

/// Which row is meant.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its table, as the snapshot or the user spells it.
    pub table: String,
    /// Its primary key as it stands in the snapshot, a value for each column.
    pub key: Vec<String>,
    /// Its number in the snapshot instead, from 1.
    pub row: Option<u64>,
}

/// A row by its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The table.
    pub table: TableName,
    /// The number of the row in the snapshot, from 1.
    pub row: u64,
}

/// Why a row is there. Where it came along a reference, the row at the other end is that of the next step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// As a child of the next row, along this reference.
    Child(String),
    /// As the parent of the next row, along this reference.
    Parent(String),
    /// A root chose it.
    Root {
        /// The root's number in the snapshot, from 1.
        number: usize,
        /// Its condition in the policy's words.
        condition: Option<String>,
    },
    /// Its table is taken whole.
    Whole,
    /// The snapshot is no subset: every row was taken.
    Everything,
}

/// A step of the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The row.
    pub place: Place,
    /// Why it is there.
    pub because: Because,
}

/// The way from a row to where it began.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The first steps, or all.
    pub first: Vec<Step>,
    /// Steps between that are not told.
    pub left_out: u64,
    /// The last steps of a long way, and the row where it begins again.
    pub last: Vec<Step>,
}

/// A row of the way: table by index into the manifest's, row from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct At {
    table: usize,
    row: usize,
}

/// Finds the row and its way.
///
/// # Errors
/// Kind `Usage` when there is no such table or row; `Store` when the snapshot cannot be read or its origins lead nowhere.
pub fn why(context: &Context<'_>, repository: &Repository, snapshot: &Snapshot, wanted: &Wanted) -> Result<Outcome> {
    let manifest = &snapshot.manifest;
    let (table, schema) = find_table(manifest, &wanted.table)?;
    let mut rows = Rows::new(context, repository, manifest)?;
    let row = find_row(&mut rows, manifest, table, schema, wanted)?;
    let way = way(&mut rows, At { table, row }).map_err(|error| error.within(snapshot.label()))?;
    let step = |&(at, why): &(At, Option<Why>)| step(manifest, at, why);
    if way.len() <= 2 * TOLD {
        return Ok(Outcome { first: way.iter().map(step).collect(), left_out: 0, last: Vec::new() });
    }
    Ok(Outcome {
        first: way[..TOLD].iter().map(step).collect(),
        left_out: (way.len() - 2 * TOLD) as u64,
        last: way[way.len() - TOLD..].iter().map(step).collect(),
    })
}

/// Every row of the way with what brought it; none where every row was taken.
fn way(rows: &mut Rows<'_>, start: At) -> Result<Vec<(At, Option<Why>)>> {
    let mut way = Vec::new();
    let mut at = start;
    loop {
        let Some((why, step)) = rows.origin(at)? else {
            way.push((at, None));
            return Ok(way);
        };
        way.push((at, Some(why)));
        at = match why {
            Why::Whole | Why::Root(_) => return Ok(way),
            Why::Child(reference) => rows.other_end(at, usize::from(reference), true, step)?,
            Why::Parent(reference) => rows.other_end(at, usize::from(reference), false, step)?,
        };
    }
}

fn step(manifest: &Manifest, at: At, why: Option<Why>) -> Step {
    let reference = |at: u16| {
        let closed = manifest.results.closure.references.get(usize::from(at));
        closed.map_or_else(String::new, |closed| closed.reference.to_string())
    };
    let because = match why {
        None if manifest.subset.is_none() => Because::Everything,
        None | Some(Why::Whole) => Because::Whole,
        Some(Why::Child(at)) => Because::Child(reference(at)),
        Some(Why::Parent(at)) => Because::Parent(reference(at)),
        Some(Why::Root(at)) => {
            let root = manifest.subset.as_ref().and_then(|subset| subset.roots.get(usize::from(at)));
            Because::Root { number: usize::from(at) + 1, condition: root.and_then(|root| root.condition.clone()) }
        }
    };
    Step { place: Place { table: manifest.tables[at.table].table.clone(), row: at.row as u64 + 1 }, because }
}

fn find_table<'a>(manifest: &'a Manifest, wanted: &str) -> Result<(usize, &'a Table)> {
    let folded = wanted.to_lowercase();
    let tables = &manifest.tables;
    let named = |exact: bool| {
        let is_it = |name: &TableName| {
            if exact {
                return name.is_named(wanted);
            }
            name.name.to_lowercase() == folded || name.to_string().to_lowercase() == folded
        };
        let found: Vec<usize> = (0..tables.len()).filter(|&at| is_it(&tables[at].table)).collect();
        found
    };
    let exact = named(true);
    let found = if exact.is_empty() { named(false) } else { exact };
    match found.as_slice() {
        [at] => {
            let schema = manifest.schema.table(&tables[*at].table);
            Ok((*at, schema.ok_or_else(|| Error::store("the manifest has no schema of the table"))?))
        }
        [] => {
            let known = tables.iter().map(|entry| entry.table.name.as_str());
            let hint = names::did_you_mean(wanted, known)
                .unwrap_or_else(|| "'terp-fixtures show SNAPSHOT' lists its tables.".to_owned());
            Err(Error::usage(format!("the snapshot has no table {}", wanted.escape_debug())).hint(hint))
        }
        _ => Err(Error::usage(format!("several tables of the snapshot are called {}", wanted.escape_debug()))
            .hint("Write the schema too: schema.table.")),
    }
}

/// The number of the row that is meant, from 0. What the user typed is not repeated: it may be somebody's.
fn find_row(rows: &mut Rows<'_>, manifest: &Manifest, table: usize, schema: &Table, wanted: &Wanted) -> Result<usize> {
    let entry = &manifest.tables[table];
    if let Some(row) = wanted.row {
        let found = row.checked_sub(1).filter(|row| *row < entry.rows).and_then(|row| usize::try_from(row).ok());
        let what = || Error::usage(format!("table {} has {} rows in the snapshot", entry.table, entry.rows));
        return found.ok_or_else(|| what().hint("Rows are counted from 1."));
    }
    let names: Vec<&str> = schema.primary_key.iter().map(|&at| schema.columns[at].name.as_str()).collect();
    let cells: Option<Vec<usize>> =
        names.iter().map(|name| entry.columns.iter().position(|column| column == name)).collect();
    let Some(cells) = cells.filter(|cells| !cells.is_empty()) else {
        return Err(Error::usage(format!("table {} has no primary key in its rows", entry.table))
            .hint("Name the row by its number in the snapshot: --row N."));
    };
    if cells.len() != wanted.key.len() {
        let what = format!("the primary key of {} has {} columns, not {}", entry.table, cells.len(), wanted.key.len());
        let columns: Vec<String> = names.iter().map(|name| name.escape_debug().to_string()).collect();
        return Err(Error::usage(what).hint(format!("Give one value for each, in this order: {}.", columns.join(", "))));
    }
    rows.find(table, &cells, &wanted.key)?.ok_or_else(|| {
        Error::usage(format!("the snapshot has no row with that key in {}", entry.table)).hint(
            "The key is meant as it stands in the snapshot, after masking. --row N names a row by its number there.",
        )
    })
}
