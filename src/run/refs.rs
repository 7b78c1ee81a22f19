//! `refs`: searches for references that a database does not declare, and writes them as lines of a policy.

use super::{Context, millis};
use crate::detect::{self, Found, KnownReference, Overlap, Polymorphic, Proposal};
use crate::engine::Source;
use crate::error::Result;
use crate::model::schema::{Catalogue, TableName};
use crate::policy::names::{key, quoted};
use std::time::Instant;

/// What was found.
#[derive(Debug)]
pub struct Outcome {
    /// References that are likely enough.
    pub references: Vec<Proposal>,
    /// Polymorphic references that are likely enough.
    pub polymorphic: Vec<Polymorphic>,
    /// References that their names make likely and their values do not.
    pub contradicted: Vec<Proposal>,
    /// How many more there are below the asked confidence.
    pub weaker: usize,
    /// Tables that were searched.
    pub tables: usize,
    /// All of it as lines for a policy.
    pub lines: String,
    /// How long it took.
    pub millis: u64,
}

/// Searches a database. What is less sure than `min_confidence`, of 100, is only counted.
///
/// # Errors
/// Kind `Unreachable` when the database cannot be read; `Interrupted`.
pub fn refs(
    context: &Context<'_>,
    source: &mut dyn Source,
    known: &[KnownReference],
    min_confidence: u32,
) -> Result<Outcome> {
    let start = Instant::now();
    context.stage("reading the catalogue");
    let catalogue = source.catalogue()?;
    context.stage("comparing names, types and some values");
    let Found { references, polymorphic, tables } = detect::references(source, &catalogue, known, &context.cancel)?;
    let (references, unlikely): (Vec<_>, Vec<_>) = references.into_iter().partition(|p| p.confidence >= min_confidence);
    let (polymorphic, others): (Vec<_>, Vec<_>) = polymorphic.into_iter().partition(|p| p.confidence >= min_confidence);
    let is_missed = |proposal: &Proposal| proposal.overlap.is_some_and(|overlap| overlap.found < overlap.sampled);
    let (contradicted, weak): (Vec<_>, Vec<_>) =
        unlikely.into_iter().partition(|proposal| proposal.by_name >= min_confidence && is_missed(proposal));
    let weaker = weak.iter().filter(|proposal| proposal.confidence > 0).count() + others.len();
    let lines = lines(&catalogue, &references, &polymorphic);
    Ok(Outcome { references, polymorphic, contradicted, weaker, tables, lines, millis: millis(start) })
}

/// A table as a policy names it: with its schema only where several tables have the name.
fn named(catalogue: &Catalogue, table: &TableName) -> String {
    let folded = table.name.to_lowercase();
    let alike = catalogue.tables.iter().filter(|other| other.name.name.to_lowercase() == folded).count();
    if alike > 1 { table.to_string() } else { table.name.clone() }
}

/// The lines to paste.
fn lines(catalogue: &Catalogue, references: &[Proposal], polymorphic: &[Polymorphic]) -> String {
    let blocks = references.iter().map(|proposal| reference(catalogue, proposal));
    blocks.chain(polymorphic.iter().map(|proposal| mapped(catalogue, proposal))).collect::<Vec<_>>().join("\n")
}

/// One column as a text, several as a list.
fn columns(names: &[String]) -> String {
    match names {
        [only] => quoted(only),
        _ => format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")),
    }
}

fn reference(catalogue: &Catalogue, proposal: &Proposal) -> String {
    let mut text = format!(
        "[[subset.references]]\ntable = {}\ncolumns = {}\nparent = {}\n",
        quoted(&named(catalogue, &proposal.table)),
        columns(&proposal.columns),
        quoted(&named(catalogue, &proposal.parent))
    );
    if !proposal.is_primary {
        text.push_str(&format!("parent_columns = {}\n", columns(&proposal.parent_columns)));
    }
    text
}

/// Without any label that names a table the lines are only a comment: somebody has to fill the map first.
fn mapped(catalogue: &Catalogue, proposal: &Polymorphic) -> String {
    let (sure, unsure): (Vec<_>, Vec<_>) = proposal.map.iter().partition(|kind| !is_doubtful(kind.overlap));
    let pair = |kind: &&detect::Kind| format!("{} = {}", key(&kind.label), quoted(&named(catalogue, &kind.parent)));
    let mut notes: Vec<String> = unsure
        .iter()
        .filter_map(|kind| Some(format!("{}? In that table: {}", pair(kind), found(kind.overlap?))))
        .collect();
    if !proposal.open.is_empty() {
        let open: Vec<String> = proposal.open.iter().map(|label| key(label)).collect();
        notes.push(format!("which tables are these? {}", open.join(", ")));
    }
    match proposal.further {
        0 => {}
        1 => notes.push("1 further value names no table; add it to the map if it means one".to_owned()),
        more => notes.push(format!("{more} further values name no table; add those to the map that mean one")),
    }
    let mark = if sure.is_empty() { "# " } else { "" };
    let map = match sure[..] {
        [] => "{ ... }".to_owned(),
        _ => format!("{{ {} }}", sure.iter().map(pair).collect::<Vec<_>>().join(", ")),
    };
    let mut text = format!(
        "{mark}[[subset.references]]\n{mark}table = {}\n{mark}type_column = {}\n{mark}id_column = {}\n{mark}map = {map}\n",
        quoted(&named(catalogue, &proposal.table)),
        quoted(&proposal.type_column),
        quoted(&proposal.id_column)
    );
    for note in notes {
        text.push_str(&format!("# {note}\n"));
    }
    text
}

/// Whether too many of the values are not where they should be.
#[must_use]
pub fn is_doubtful(overlap: Option<Overlap>) -> bool {
    overlap.is_some_and(|overlap| overlap.found * 10 < overlap.sampled * 9)
}

/// `198 of 200 sampled values`.
#[must_use]
pub fn found(overlap: Overlap) -> String {
    let values = if overlap.sampled == 1 { "value" } else { "values" };
    format!("{} of {} sampled {values}", overlap.found, overlap.sampled)
}
