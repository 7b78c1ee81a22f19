//! The schema that rows are made for: its references, those that only names tell of too, and what was asked of single tables.

use super::{Options, asked};
use crate::classify::Guesses;
use crate::detect::{self, KnownReference, Proposal};
use crate::error::{Error, Result};
use crate::generate::make::Planned;
use crate::generate::profile::{Bound, Profile};
use crate::model::schema::{Catalogue, Table, TableKind, TableName};
use crate::model::subset::{self, Reference};
use crate::policy::{Mode, names};
use std::collections::{BTreeMap, BTreeSet};

/// So sure must a name be, of 100, that it is taken for a reference without a look at any value.
const SURE: u32 = 80;

/// Every reference that must hold: the database's, the profile's, and those that names tell of; and the last ones in words.
pub(super) fn references(
    catalogue: &Catalogue,
    profile: &Profile,
    options: &Options,
) -> Result<(Vec<Reference>, Vec<String>)> {
    let mut references = subset::declared(catalogue);
    references.retain(|reference| catalogue.table(&reference.parent).is_some());
    let of_profile = profile.bind(catalogue, &references, asked(options))?.references().to_vec();
    references.extend(of_profile);
    if !options.infer {
        return Ok((references, Vec::new()));
    }
    let known = |reference: &Reference| {
        let types = reference.of_type.iter().map(|of| of.column.clone());
        KnownReference {
            table: reference.child.to_string(),
            columns: reference.columns.iter().cloned().chain(types).collect(),
        }
    };
    let known: Vec<KnownReference> = references.iter().filter(|it| it.undeclared).map(known).collect();
    let inferred: Vec<Reference> = detect::by_name(catalogue, &known, SURE).into_iter().map(reference).collect();
    let told = inferred.iter().map(ToString::to_string).collect();
    references.extend(inferred);
    Ok((references, told))
}

fn reference(proposal: Proposal) -> Reference {
    Reference {
        name: format!("{}.{}", proposal.table.name, proposal.columns.join(",")),
        child: proposal.table,
        columns: proposal.columns,
        parent: proposal.parent,
        parent_columns: proposal.parent_columns,
        of_type: None,
        undeclared: true,
    }
}

/// The numbers of rows that were asked for by table.
///
/// # Errors
/// Kind `Drift` for a table that the schema does not have.
pub(super) fn asked_rows(catalogue: &Catalogue, rows: &BTreeMap<String, u64>) -> Result<BTreeMap<TableName, u64>> {
    let find = |(name, rows): (&String, &u64)| {
        let mut found = catalogue.tables.iter().filter(|table| table.name.is_named(name));
        match (found.next(), found.next()) {
            (Some(table), None) => Ok((table.name.clone(), *rows)),
            (None, _) => {
                let close = names::closest(name, catalogue.tables.iter().map(|table| table.name.name.as_str()));
                let meant = close.map(|close| format!("Did you mean {}? ", close.escape_debug())).unwrap_or_default();
                Err(Error::drift(format!("the schema has no table {}", name.escape_debug()))
                    .hint(format!("{meant}Write --rows TABLE=N with the name as the database spells it.")))
            }
            _ => Err(Error::usage(format!("several tables are called {}", name.escape_debug()))
                .hint("Put the schema before it: --rows sales.orders=500.")),
        }
    };
    rows.iter().map(find).collect()
}

/// What becomes of a table: rows of virtual ones cannot travel, and those that were left out are there without rows.
pub(super) fn mode(table: &Table, left_out: &BTreeSet<TableName>) -> Mode {
    match table.kind {
        TableKind::Virtual | TableKind::Shadow => Mode::Exclude,
        TableKind::Ordinary if left_out.contains(&table.name) => Mode::Structure,
        TableKind::Ordinary => Mode::Capture,
    }
}

/// Ordinary tables with their rows and the reason.
pub(super) fn told(catalogue: &Catalogue, planned: Vec<Planned>) -> Vec<(TableName, u64, String)> {
    let tables = catalogue.tables.iter().zip(planned);
    tables.map(|(table, Planned { rows, why })| (table.name.clone(), rows, why)).collect()
}

/// What each column gets, in words.
pub(super) fn columns(
    catalogue: &Catalogue,
    references: &[Reference],
    bound: &Bound,
) -> Vec<(TableName, Vec<(String, String)>)> {
    let guesses = Guesses::of(&catalogue.tables);
    let of = |(at, table): (usize, &Table)| {
        let own: Vec<&Reference> = references.iter().filter(|reference| reference.child == table.name).collect();
        let what = |column: usize| {
            let name = &table.columns[column].name;
            let reference = own.iter().find(|reference| reference.columns.contains(name));
            let guess = guesses.at(at, column).filter(|guess| guess.kind != "none");
            match (reference, bound.shown(&table.name, name), guess) {
                (Some(reference), ..) => format!("a key of {}", reference.parent),
                (_, Some(shown), _) => format!("{shown} (by the profile)"),
                _ if table.primary_key.contains(&column) => "a key".to_owned(),
                (.., Some(guess)) => guess.kind.replace('_', " "),
                _ => format!("{} by its type", table.columns[column].family),
            }
        };
        let told = |column: usize| (table.columns[column].name.clone(), what(column));
        (table.name.clone(), table.stored_columns().into_iter().map(told).collect())
    };
    catalogue.tables.iter().enumerate().map(of).collect()
}
