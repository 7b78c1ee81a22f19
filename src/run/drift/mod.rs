//! Drift: the target's live schema against the snapshot's, before anything is written. Pure, but for the one question that
//! only the rows can answer.

mod compare;
mod map;
mod mapped;
mod nulls;
mod rename;
mod show;
#[cfg(test)]
mod tests;
mod types;

pub use map::{Cast, Map, Named, TableMap, Value};
pub(super) use mapped::{Mapped, Mapping};
pub(super) use nulls::settle;
pub use show::lines;

use super::foreign::Foreign;
use crate::error::Result;
use crate::model::drift::{Aspect, Difference, Verdict};
use crate::model::manifest::{Manifest, TableEntry};
use crate::model::schema::{Catalogue, Column, Table};
use crate::translate::neutral::NamedTypes;
use compare::{ByType, Pair};
use types::Types;

/// The differences between what the snapshot has of each of `entries`, as it is on the target, and what the target has.
/// Tables that are missing are left out when they are to be made.
pub(super) fn differences(
    manifest: &Manifest,
    entries: &[&TableEntry],
    live: &Catalogue,
    foreign: Option<&Foreign<'_>>,
    makes_missing: bool,
) -> Vec<Difference> {
    let bridge = foreign.filter(|foreign| foreign.is_translated()).map(|foreign| (foreign, foreign.bridge(live)));
    let types = Types {
        engine: manifest.schema.engine,
        captured: NamedTypes::of(&manifest.schema),
        live: NamedTypes::of(live),
    };
    let fits = |table: &Table, column: &Column| {
        bridge.as_ref().is_none_or(|(foreign, bridge)| foreign.fits(bridge, &table.name, column))
    };
    let by = if bridge.is_some() { ByType::Foreign(&fits) } else { ByType::Same(&types) };
    let free: Vec<&Table> = live.tables.iter().filter(|table| manifest.schema.table(&table.name).is_none()).collect();
    let mut found = Vec::new();
    for entry in entries {
        let Some(captured) = manifest.schema.table(&entry.table) else { continue };
        match live.table(&entry.table) {
            Some(live) => found.extend(Pair { captured, entry, live }.differences(&by)),
            None if makes_missing => {}
            None => found.push(missing(captured, &free)),
        }
    }
    found.sort_by(|a, b| (&a.table, a.aspect).cmp(&(&b.table, b.aspect)));
    found
}

fn missing(captured: &Table, free: &[&Table]) -> Difference {
    let mut it = Difference {
        table: captured.name.clone(),
        columns: Vec::new(),
        aspect: Aspect::MissingTable,
        snapshot: format!("{} columns", captured.columns.len()),
        target: String::new(),
        verdict: Verdict::Refused("--create makes it".to_owned()),
        renamed: None,
    };
    if let Some(name) = rename::table(captured, free) {
        rename::tell(&mut it, &name.to_string());
    }
    it
}

/// Leaves to the rows what is about some of them: those that do not fit are quarantined one by one.
pub(super) fn leave_to_rows(differences: &mut [Difference]) {
    let is_about_rows = |it: &&mut Difference| {
        matches!(it.aspect, Aspect::Nullability | Aspect::Labels) && !matches!(it.verdict, Verdict::Tolerated(_))
    };
    for it in differences.iter_mut().filter(is_about_rows) {
        it.verdict = Verdict::Tolerated("rows that do not fit are quarantined".to_owned());
    }
}

/// Refuses what cannot be tolerated, all of it at once.
pub(super) fn refuse(differences: &[Difference], foreign: Option<&Foreign<'_>>) -> Result<()> {
    if !differences.iter().any(Difference::is_refused) {
        return Ok(());
    }
    Err(show::error(differences, foreign))
}
