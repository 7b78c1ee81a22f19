//! The search: candidates by name and type, then some rows of each table that has any.

use super::naming::{Candidate, Naming, candidates};
use super::sample::{self, Overlap, Sample};
use super::schema::{Known, Schema, gain};
use super::{Found, KnownReference, Proposal, composite, indexes, polymorphic};
use crate::engine::Source;
use crate::error::Result;
use crate::event::Cancel;
use crate::model::schema::Catalogue;
use std::collections::BTreeSet;

/// Below this, a name is not worth a look at values.
const WORTH_A_LOOK: u32 = 25;
/// The most candidates of a column whose values are looked for.
const CANDIDATES: usize = 4;
/// From here on a name is a reason by itself.
pub(super) const LIKELY: u32 = 50;

/// Searches the catalogue, and some rows of the tables that have candidates, for references that are neither declared nor
/// `known`. Reads at most two thousand rows of a table.
///
/// # Errors
/// Kind `Unreachable` when rows cannot be read; `Interrupted`.
pub fn references(
    source: &mut dyn Source,
    catalogue: &Catalogue,
    known: &[KnownReference],
    cancel: &Cancel,
) -> Result<Found> {
    let schema = Schema::new(catalogue, known);
    let mut found = Found { tables: schema.tables.len(), ..Found::default() };
    for (at, table) in schema.tables.iter().enumerate() {
        cancel.check()?;
        let singles: Vec<Vec<Candidate>> = (0..table.columns.len())
            .map(|column| {
                let mut candidates = candidates(&schema, at, column);
                candidates.retain(|candidate| candidate.percent >= WORTH_A_LOOK);
                candidates.truncate(CANDIDATES);
                candidates
            })
            .collect();
        let pairs = polymorphic::pairs(&schema, at, &singles);
        let composites = composite::candidates(&schema, at, &singles);
        let mut wanted: BTreeSet<usize> = (0..singles.len()).filter(|&column| !singles[column].is_empty()).collect();
        wanted.extend(pairs.iter().flat_map(|pair| [pair.type_column, pair.id_column]));
        wanted.extend(composites.iter().flat_map(|candidate| candidate.columns.iter().copied()));
        let sample = sample::read(source, table.table, &wanted)?;
        let mut is_polymorphic = vec![false; singles.len()];
        for pair in &pairs {
            if let Some(proposal) = polymorphic::decide(source, &schema, at, pair, &sample, &singles[pair.id_column])? {
                is_polymorphic[pair.id_column] |= proposal.confidence >= LIKELY;
                found.polymorphic.push(proposal);
            }
        }
        for (column, candidates) in singles.iter().enumerate().filter(|(column, _)| !is_polymorphic[*column]) {
            found.references.extend(single(source, &schema, (at, column), candidates, &sample)?);
        }
        for candidate in &composites {
            found.references.push(composite::decide(source, &schema, at, candidate, &sample)?);
        }
    }
    Ok(found)
}

/// The references that names and types alone make as likely as `least`, of 100, where no other table fits as well. Looks at no row.
#[must_use]
pub fn by_name(catalogue: &Catalogue, known: &[KnownReference], least: u32) -> Vec<Proposal> {
    let schema = Schema::new(catalogue, known);
    let mut found = Vec::new();
    for (at, table) in schema.tables.iter().enumerate() {
        let singles: Vec<Vec<Candidate>> =
            (0..table.columns.len()).map(|column| candidates(&schema, at, column)).collect();
        // What such an id refers to, another column says.
        let ids: BTreeSet<usize> =
            polymorphic::pairs(&schema, at, &singles).iter().map(|pair| pair.id_column).collect();
        for (column, candidates) in singles.iter().enumerate().filter(|(column, _)| !ids.contains(column)) {
            let [best, rest @ ..] = &candidates[..] else { continue };
            let by_number = gain(table.column(column)).1 < LIKELY;
            let is_vague = matches!(best.naming, Naming::Namesake | Naming::Person) && by_number;
            let has_rival = rest.iter().any(|other| other.percent >= best.percent && other.parent != best.parent);
            if best.percent >= least && !is_vague && !has_rival && !table.column(column).generated {
                found.push(proposal(&schema, at, &[column], best, &[best.column], best.percent, None));
            }
        }
    }
    found
}

/// The candidate that fits best once values were looked at.
fn single(
    source: &mut dyn Source,
    schema: &Schema<'_>,
    (at, column): (usize, usize),
    candidates: &[Candidate],
    sample: &Sample,
) -> Result<Option<Proposal>> {
    let table = &schema.tables[at];
    let mut weighed: Vec<(u32, &Candidate, Option<Overlap>)> = Vec::new();
    for candidate in candidates {
        let parent = &schema.tables[candidate.parent];
        let overlap = sample.overlap(source, &[column], parent.table, &[candidate.column], None)?;
        let gain = gain(table.column(column));
        let mut percent = weigh(candidate.percent, overlap, gain);
        if matches!(candidate.naming, Naming::Namesake | Naming::Person) && gain.1 < LIKELY {
            // Neither the name nor a number says which table it is.
            percent = percent.min(LIKELY - 1);
        }
        weighed.push((percent, candidate, overlap));
    }
    // The first of equals: candidates come best first.
    let best = weighed.iter().rev().max_by_key(|(percent, ..)| *percent);
    let Some((confidence, best, overlap)) = best else { return Ok(None) };
    let rivals = weighed.iter().filter(|(percent, other, _)| *percent == *confidence && other.parent != best.parent);
    Ok(Some(Proposal {
        rivals: rivals.map(|(_, other, _)| schema.tables[other.parent].table.name.clone()).collect(),
        ..proposal(schema, at, &[column], best, &[best.column], *confidence, *overlap)
    }))
}

/// A proposal without rivals.
pub(super) fn proposal(
    schema: &Schema<'_>,
    at: usize,
    columns: &[usize],
    candidate: &Candidate,
    key: &[usize],
    confidence: u32,
    overlap: Option<Overlap>,
) -> Proposal {
    let (table, parent) = (&schema.tables[at], &schema.tables[candidate.parent]);
    let names = |of: &Known<'_>, columns: &[usize]| columns.iter().map(|&at| of.column(at).name.clone()).collect();
    Proposal {
        table: table.table.name.clone(),
        columns: names(table, columns),
        parent: parent.table.name.clone(),
        parent_columns: names(parent, key),
        is_primary: parent.table.primary_key == key,
        confidence,
        by_name: candidate.percent,
        naming: candidate.naming,
        types: columns.iter().map(|&at| table.column(at).declared.clone()).collect(),
        overlap,
        is_indexed: columns.first().is_some_and(|&first| indexes::covers(schema.catalogue, table.table, first)),
        rivals: Vec::new(),
    }
}

/// The confidence of names and types with that of values. A value that is missing says more than many that are there:
/// each value found adds `gain.0` hundredths, up to `gain.1`.
pub(super) fn weigh(percent: u32, overlap: Option<Overlap>, gain: (u32, u32)) -> u32 {
    let Some(Overlap { sampled, found }) = overlap.filter(|overlap| overlap.sampled > 0) else { return percent };
    let (sampled, found) = (u32::try_from(sampled).unwrap_or(u32::MAX), u32::try_from(found).unwrap_or(u32::MAX));
    if found >= sampled {
        let gain = sampled.saturating_mul(gain.0).min(gain.1);
        // Values do not make up for a name that says nothing.
        return percent + percent.min(100 - percent.min(100)) * gain / 100;
    }
    let share = found * 1000 / sampled;
    match share {
        980.. => percent,
        900.. => percent * 8 / 10,
        _ => percent * share / 1000 * share / 1000 * share / 1000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_veto_and_support() {
        let all = |sampled| Some(Overlap { sampled, found: sampled });
        assert_eq!(weigh(90, None, (1, 30)), 90);
        assert_eq!(weigh(90, all(200), (1, 30)), 93);
        assert_eq!(weigh(45, all(200), (15, 90)), 85);
        assert_eq!(weigh(5, all(200), (15, 90)), 9);
        assert_eq!(weigh(90, Some(Overlap { sampled: 200, found: 198 }), (1, 30)), 90);
        assert!(weigh(90, Some(Overlap { sampled: 100, found: 80 }), (1, 30)) < LIKELY);
        assert_eq!(weigh(90, Some(Overlap { sampled: 100, found: 0 }), (1, 30)), 0);
    }
}
