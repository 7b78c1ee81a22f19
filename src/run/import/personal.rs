//! Hand-made rows may hold what somebody copied from life. What looks like a real person's email address, phone number, card,
//! identity or account number is told by column and line, never by value.

use super::files::File;
use crate::classify::Guesses;
use crate::generate::value::Value;
use crate::mask::recognise::{Kind, Wanted, recognise};
use crate::model::schema::Catalogue;
use std::collections::BTreeMap;

/// In columns that are about a person.
const PERSONAL: [Kind; 5] = [Kind::Email, Kind::Phone, Kind::Card, Kind::Ssn, Kind::Iban];
/// Elsewhere, where numbers are mostly other numbers.
const ELSEWHERE: [Kind; 4] = [Kind::Email, Kind::Card, Kind::Ssn, Kind::Iban];

/// What was found in one column: `clients.csv:3: 2 values of email look like a real email`.
pub(super) fn look(catalogue: &Catalogue, files: &[File]) -> Vec<String> {
    let guesses = Guesses::of(&catalogue.tables);
    let mut found = Vec::new();
    for file in files {
        let mut counts: BTreeMap<(usize, &'static str), (usize, u64)> = BTreeMap::new();
        let columns = &catalogue.tables[file.table].columns;
        let is_personal = |at| guesses.at(file.table, at).is_some_and(|guess| guess.tier.wants_mask());
        let wanted: Vec<Wanted> = (0..columns.len())
            .map(|at| Wanted::of(if is_personal(at) { &PERSONAL[..] } else { &ELSEWHERE[..] }))
            .collect();
        for (row, cells) in file.rows.iter().enumerate() {
            for (at, cell) in cells.iter().enumerate() {
                let Value::Text(text) = cell else { continue };
                for hit in recognise(text, wanted[at]) {
                    if !hit.kind.is_reserved(&text[hit.range.clone()]) {
                        counts.entry((at, hit.kind.name())).or_insert((row, 0)).1 += 1;
                    }
                }
            }
        }
        found.extend(counts.into_iter().map(|((at, what), (row, count))| {
            let column = columns[at].name.escape_debug();
            format!("{}: {count} in column {column} look like a real {what}", file.place(row))
        }));
    }
    found
}
