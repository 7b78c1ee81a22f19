//! The structural part of the leak scan, repeated on a snapshot alone: cells that their mask cannot have written, and live
//! addresses and numbers (those that could be somebody's) in text. Needs no original, and names only places.

use crate::mask::invented::MADE;
use crate::mask::recognise::{Kind, Wanted, recognise};
use crate::mask::{self, Definition, Params};
use crate::model::batch::{Batch, CellKind};
use crate::model::manifest::TableEntry;
use std::collections::BTreeMap;

/// What was found in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// `table.column`.
    pub place: String,
    /// `email`, `card`, ...; `not of its mask` where the mask cannot have written the cell.
    pub what: &'static str,
    /// How many.
    pub count: u64,
    /// Whether the policy keeps the column, so that somebody decided that it may be so.
    pub kept: bool,
}

/// What is looked for in text that a mask wrote.
const MASKED: [Kind; 5] = [Kind::Email, Kind::Phone, Kind::Card, Kind::Ssn, Kind::Iban];
/// What is looked for in kept text, where numbers are mostly other numbers.
const KEPT: [Kind; 4] = [Kind::Email, Kind::Card, Kind::Ssn, Kind::Iban];

/// One column of a snapshot, as far as the look goes.
struct Look {
    /// The mask, and what it was told, where its cells can be told from others.
    mask: Option<(&'static Definition, Params)>,
    kept: bool,
}

/// Looks at the rows of one table.
pub(super) struct Looker<'a> {
    entry: &'a TableEntry,
    columns: Vec<Look>,
    found: BTreeMap<(usize, &'static str), u64>,
    /// Cells looked at.
    pub(super) cells: u64,
}

impl<'a> Looker<'a> {
    /// Begins with a table.
    pub(super) fn new(entry: &'a TableEntry) -> Self {
        let look = |column: &String| {
            let name = entry.masks.get(column).map_or("keep", String::as_str);
            let definition = mask::find(name);
            let conditional = entry.conditional.contains(column);
            // What was made up is nobody's, so it may not look as if it were.
            let kept = name != MADE && (conditional || definition.is_none_or(|definition| definition.keeps_original));
            let telling = definition.filter(|definition| !conditional && definition.could_write.is_some());
            let nothing = BTreeMap::new();
            let given = entry.params.get(column).unwrap_or(&nothing);
            let mask = telling.and_then(|definition| Some((definition, Params::of_plain(definition, given).ok()?)));
            Look { mask, kept }
        };
        Self { entry, columns: entry.columns.iter().map(look).collect(), found: BTreeMap::new(), cells: 0 }
    }

    /// Looks at some rows.
    pub(super) fn look(&mut self, rows: &Batch) {
        for row in 0..rows.rows() {
            for at in 0..self.columns.len() {
                let cell = rows.cell(row, at);
                if cell.kind != CellKind::Text || cell.bytes.is_empty() {
                    continue;
                }
                self.cells += 1;
                self.cell(at, &String::from_utf8_lossy(cell.bytes));
            }
        }
    }

    fn cell(&mut self, at: usize, text: &str) {
        let look = &self.columns[at];
        if let Some((definition, params)) = &look.mask {
            if definition.could_write.is_some_and(|could| !could(params, text)) {
                *self.found.entry((at, "not of its mask")).or_default() += 1;
            }
            return;
        }
        let wanted = if look.kept { Wanted::of(&KEPT) } else { Wanted::of(&MASKED) };
        for hit in recognise(text, wanted) {
            if !hit.kind.is_reserved(&text[hit.range.clone()]) {
                *self.found.entry((at, hit.kind.name())).or_default() += 1;
            }
        }
    }

    /// What was found, by column.
    pub(super) fn findings(self) -> Vec<Finding> {
        let finding = |((at, what), count): ((usize, &'static str), u64)| Finding {
            place: format!("{}.{}", self.entry.table, self.entry.columns[at].escape_debug()),
            what,
            count,
            kept: self.columns[at].kept,
        };
        self.found.into_iter().map(finding).collect()
    }
}
