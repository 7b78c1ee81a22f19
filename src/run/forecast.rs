//! What a capture would take, before it takes it: rows, bytes, time, and the reference that brings most of them.

use super::capture::Amount;
use super::readers::Readers;
use super::selection::{self, Selection};
use super::{Context, millis, state};
use crate::engine::Query;
use crate::error::{Error, Result};
use crate::model::schema::{Catalogue, TableName};
use crate::policy::Plan;
use crate::subset::Walk;
use std::time::Instant;

/// Rows of each table that are read to tell the length of the others.
const SAMPLE: u64 = 500;
/// Masking, packing and storing a row takes about as long again as reading it.
const WORK: u64 = 2;

/// What one reference brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The reference, in words.
    pub reference: String,
    /// The referencing table.
    pub child: TableName,
    /// Its columns.
    pub columns: Vec<String>,
    /// Rows of the child, for a parent that was there.
    pub children: u64,
    /// Parent rows whose children were asked for.
    pub of: u64,
    /// Rows of the parent, for a child that was there.
    pub parents: u64,
}

/// What a capture would take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Bytes of cells, by table, in the order of the rows' list.
    pub bytes: Vec<u64>,
    /// How long a capture would take, in milliseconds.
    pub millis: u64,
}

/// What each reference brought, the most first.
pub(super) fn brought(walk: &Walk<'_>, plan: &Plan) -> Vec<Brought> {
    let one = |(at, reference): (usize, &crate::model::subset::Reference)| {
        let (children, parents, of) = walk.of_reference(at);
        Brought {
            reference: reference.to_string(),
            child: reference.child.clone(),
            columns: reference.columns.clone(),
            children,
            of,
            parents,
        }
    };
    let mut found: Vec<Brought> = plan.subset.references.iter().enumerate().map(one).collect();
    found.retain(|brought| brought.children + brought.parents > 0);
    found.sort_by_key(|brought| std::cmp::Reverse(brought.children + brought.parents));
    found
}

/// Rows by table, their bytes as far as a sample tells, and the time that a capture would take.
pub(super) fn forecast(
    context: &Context<'_>,
    readers: &mut Readers<'_>,
    catalogue: &Catalogue,
    plan: &Plan,
    selection: &Selection<'_>,
    start: Instant,
) -> Result<(Vec<(TableName, u64)>, Estimate)> {
    context.stage("reading a few rows of every table");
    let (mut tables, mut estimate, mut micros) = (Vec::new(), Estimate { bytes: Vec::new(), millis: 0 }, 0);
    for (at, table) in plan.tables.iter().enumerate().filter(|(_, table)| table.mode.has_rows()) {
        context.cancel.check()?;
        let rows = selection.count(readers, at, &table.table)?;
        let mut seen = (0_u64, 0_u64);
        let begun = Instant::now();
        if rows > 0
            && let Some(live) = catalogue.table(&table.table)
        {
            let engine = readers.first().engine();
            let queries: Vec<Query> = match &selection.walk {
                Some(walk) => selection::queries(engine, walk, at, (live, &table.extras), None).take(1).collect(),
                None => {
                    let mut query = state::asked_rows(engine, live, &table.extras, None);
                    query.sql = query.sql.lit(" LIMIT ").integer(i64::try_from(SAMPLE).unwrap_or(i64::MAX));
                    vec![query]
                }
            };
            readers.read_all(&mut queries.into_iter(), &mut |batch| {
                seen = (seen.0 + batch.rows() as u64, seen.1 + batch.len_bytes() as u64);
                Ok(())
            })?;
        }
        let took = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
        tables.push((table.table.clone(), rows));
        estimate.bytes.push(scaled(seen.1, rows, seen.0));
        micros += scaled(took * WORK, rows, seen.0);
    }
    estimate.millis = millis(start) + micros / 1_000;
    Ok((tables, estimate))
}

/// What `of` rows have, for `rows` rows.
fn scaled(sample: u64, rows: u64, of: u64) -> u64 {
    u64::try_from(u128::from(sample) * u128::from(rows) / u128::from(of.max(1))).unwrap_or(u64::MAX)
}

/// Refuses what a dry run has found to be more than asked for.
pub(super) fn refuse(tables: &[(TableName, u64)], estimate: &Estimate, amount: Amount) -> Result<()> {
    let rows: u64 = tables.iter().map(|(_, rows)| rows).sum();
    let bytes: u64 = estimate.bytes.iter().sum();
    match amount {
        Amount { max_rows: Some(most), .. } if rows > most => Err(selection::too_many(rows, most)),
        Amount { max_bytes: Some(most), .. } if bytes > most => Err(too_large(bytes, most)),
        _ => Ok(()),
    }
}

/// Counts all rows, and reads them once to count their bytes where there is a limit on those, before anything is stored.
pub(super) fn refuse_too_much(
    context: &Context<'_>,
    readers: &mut Readers<'_>,
    catalogue: &Catalogue,
    plan: &Plan,
    selection: &Selection<'_>,
    amount: Amount,
) -> Result<()> {
    let taken = || plan.tables.iter().enumerate().filter(|(_, table)| table.mode.has_rows());
    if let Some(most) = amount.max_rows {
        let mut rows = 0;
        for (at, table) in taken() {
            rows += selection.count(readers, at, &table.table)?;
            if rows > most {
                return Err(selection::too_many(rows, most));
            }
        }
    }
    let Some(most) = amount.max_bytes else { return Ok(()) };
    context.stage("measuring the rows");
    let mut bytes = 0;
    for (at, table) in taken() {
        let Some(live) = catalogue.table(&table.table) else { continue };
        let every: Vec<usize> = (0..live.stored_columns().len()).collect();
        selection.read_part(readers, at, (live, &[]), &every, &mut |batch| {
            bytes += batch.len_bytes() as u64;
            if bytes > most { Err(too_large(bytes, most)) } else { Ok(()) }
        })?;
    }
    Ok(())
}

fn too_large(bytes: u64, most: u64) -> Error {
    Error::policy(format!("the capture would take more than {most} bytes of cells ({bytes} so far)")).hint(
        "Nothing was stored. 'capture --dry-run' says how many bytes each table has; choose fewer roots, or limit a reference in [[subset.edges]].",
    )
}
