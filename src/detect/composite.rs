//! References of several columns: a table that has every column of another table's key.

use super::Proposal;
use super::names::same;
use super::naming::{Candidate, Naming};
use super::references::{LIKELY, proposal, weigh};
use super::sample::Sample;
use super::schema::{Known, Schema, comparable};
use super::vocabulary::is_id;
use crate::engine::Source;
use crate::error::Result;
use crate::model::schema::Table;

/// A key of several columns, and the columns of a table that have its names.
pub(super) struct Composite {
    pub(super) columns: Vec<usize>,
    key: Vec<usize>,
    candidate: Candidate,
}

/// The keys whose columns a table has. `singles` are the candidates of each column on its own.
pub(super) fn candidates(schema: &Schema<'_>, at: usize, singles: &[Vec<Candidate>]) -> Vec<Composite> {
    let table = &schema.tables[at];
    let mut found = Vec::new();
    for (parent, other) in schema.tables.iter().enumerate().filter(|(parent, _)| *parent != at) {
        for (key, is_primary) in keys(other.table) {
            let Some(columns) = matching(table, other, key) else { continue };
            if declares(table.table, &columns) {
                continue;
            }
            // Where every column has a reference of its own, the two tables may just share their parents.
            let has_own = |&column: &usize| {
                let leads_away = |candidate: &Candidate| candidate.percent >= LIKELY && candidate.parent != parent;
                table.taken[column] || singles[column].iter().any(leads_away)
            };
            let names_parent = table.words.len() > other.words.len() && table.words.starts_with(&other.words);
            let is_twin =
                keys(table.table).any(|(own, _)| own.len() == columns.len() && columns.iter().all(|c| own.contains(c)));
            let shares_only = columns.iter().all(has_own) || (is_twin && !names_parent);
            let percent = match (is_primary, shares_only) {
                (true, false) => 75,
                (true, true) | (false, false) => 45,
                (false, true) => 30,
            } + u32::from(names_parent) * 5;
            let candidate = Candidate { parent, column: key[0], naming: Naming::Columns, percent };
            found.push(Composite { columns, key: key.to_vec(), candidate });
        }
    }
    found
}

/// The keys of several columns, the primary one first.
fn keys(table: &Table) -> impl Iterator<Item = (&[usize], bool)> {
    let uniques = table.uniques.iter().filter(|unique| !unique.partial).map(|unique| (&unique.columns[..], false));
    std::iter::once((&table.primary_key[..], true)).chain(uniques).filter(|(columns, _)| columns.len() > 1)
}

/// The columns of `table` that are called like those of the key, or like their table where the key says only "id".
fn matching(table: &Known<'_>, other: &Known<'_>, key: &[usize]) -> Option<Vec<usize>> {
    let mut columns = Vec::new();
    for &wanted in key {
        let name = &other.columns[wanted];
        let full: Vec<String> = other.words.iter().chain(name).cloned().collect();
        let says_id = name.iter().all(is_id);
        let fits = |&at: &usize| {
            let own = &table.columns[at];
            let named = if says_id { same(own, &full) } else { same(own, name) || same(own, &full) };
            named && comparable(table.column(at), other.column(wanted)) && !table.column(at).generated
        };
        columns.push((0..table.columns.len()).filter(|at| !columns.contains(at)).find(fits)?);
    }
    Some(columns)
}

/// Whether a declared reference holds these columns.
fn declares(table: &Table, columns: &[usize]) -> bool {
    table.foreign_keys.iter().any(|key| columns.iter().all(|&at| key.columns.contains(&table.columns[at].name)))
}

/// The proposal once values were looked at.
pub(super) fn decide(
    source: &mut dyn Source,
    schema: &Schema<'_>,
    at: usize,
    composite: &Composite,
    sample: &Sample,
) -> Result<Proposal> {
    let Composite { columns, key, candidate } = composite;
    let overlap = sample.overlap(source, columns, schema.tables[candidate.parent].table, key, None)?;
    let confidence = weigh(candidate.percent, overlap, (4, 80));
    Ok(proposal(schema, at, columns, candidate, key, confidence, overlap))
}
