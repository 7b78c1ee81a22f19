//! The exact check that masked rows keep what UNIQUE promises: every key with a masked column, compared as the column's
//! collation compares. Keys are kept as 64-bit keyed prints; beyond a limit only a fixed share of all prints, which is said.

use crate::error::{Error, Result};
use crate::mask::canonical::{self, Form};
use crate::mask::{ColumnMask, Fold};
use crate::model::batch::Batch;
use crate::model::manifest::UniqueResult;
use crate::model::schema::{Catalogue, Table};
use crate::secret::Secret32;
use std::sync::{Mutex, PoisonError};

/// Prints held per table, 32 MiB.
const MOST: usize = 4 << 20;

/// A unique key of a table that masks write into.
struct Key {
    name: String,
    /// Cells of a row, and how each is compared.
    cells: Vec<(usize, Form)>,
    held: Mutex<Held>,
}

/// The prints of a key that were seen.
struct Held {
    prints: Vec<u64>,
    /// Prints above it are not held.
    threshold: u64,
    rows: u64,
    capacity: usize,
}

/// The unique keys of one table.
pub(super) struct Uniques {
    keys: Vec<Key>,
    secret: [u8; 32],
    is_masked: bool,
}

impl Uniques {
    /// The keys of `table` that masks write into; all of them where there are no masks, because every cell is new. Keys over part
    /// of the rows or over expressions cannot be told here.
    pub(super) fn new(catalogue: &Catalogue, table: &Table, masks: Option<&[ColumnMask]>, secret: &Secret32) -> Self {
        let (engine, settings) = (catalogue.engine, &catalogue.settings);
        let stored = table.stored_columns();
        let primary = (!table.primary_key.is_empty()).then(|| ("the primary key".to_owned(), &table.primary_key));
        let others = table.uniques.iter().filter(|unique| !unique.partial && !unique.columns.is_empty());
        let others =
            others.map(|unique| (format!("unique constraint {}", unique.name.escape_debug()), &unique.columns));
        let key = |(name, of): (String, &Vec<usize>)| {
            let cells: Option<Vec<usize>> = of.iter().map(|at| stored.iter().position(|stored| stored == at)).collect();
            let cells = cells?;
            let is_new = |column: &ColumnMask| column.when.is_some() || !column.definition.keeps_original;
            let is_written = |&cell: &usize| masks.is_none_or(|masks| masks.get(cell).is_some_and(is_new));
            if !cells.iter().any(is_written) {
                return None;
            }
            let form = |cell: usize| match Fold::of(&table.columns[stored[cell]], engine, settings) {
                Fold::Exact => Form::Exact,
                Fold::Case => Form::Case,
                Fold::Accent => Form::Accent,
            };
            let cells = cells.into_iter().map(|cell| (cell, form(cell))).collect();
            Some((name, cells))
        };
        let found: Vec<(String, Vec<(usize, Form)>)> = primary.into_iter().chain(others).filter_map(key).collect();
        let capacity = MOST / found.len().max(1);
        let keys = found.into_iter().map(|(name, cells)| {
            let held = Held { prints: Vec::new(), threshold: u64::MAX, rows: 0, capacity };
            Key { name, cells, held: Mutex::new(held) }
        });
        let secret = blake3::derive_key("terp-fixtures v1 unique check", secret.expose());
        Self { keys: keys.collect(), secret, is_masked: masks.is_some() }
    }

    /// Looks at masked rows.
    pub(super) fn observe(&self, rows: &Batch) {
        let mut buffer = Vec::new();
        for key in &self.keys {
            let mut prints = Vec::with_capacity(rows.rows());
            for row in 0..rows.rows() {
                buffer.clear();
                // NULL differs from everything, itself included.
                if key.cells.iter().any(|(cell, _)| rows.cell(row, *cell).is_null()) {
                    continue;
                }
                for (cell, form) in &key.cells {
                    let start = buffer.len();
                    canonical::append(*form, rows.cell(row, *cell).bytes, &mut buffer);
                    let length = (buffer.len() - start) as u64;
                    buffer.extend_from_slice(&length.to_le_bytes());
                }
                let digest = blake3::keyed_hash(&self.secret, &buffer);
                prints.push(digest.as_bytes().first_chunk::<8>().map_or(0, |word| u64::from_le_bytes(*word)));
            }
            key.held.lock().unwrap_or_else(PoisonError::into_inner).add(&prints);
        }
    }

    /// Refuses keys that occur twice; else adds to the result.
    pub(super) fn prove(self, table: &Table, result: &mut UniqueResult) -> Result<()> {
        let (rows, hint) = if self.is_masked {
            (
                "masked rows",
                "Use a mask that keeps values apart under the column's collation (docs/masks.md, 'unique columns'), or a domain of its own.",
            )
        } else {
            ("rows", "Values are compared as the column's collation compares them: case and accents may not count.")
        };
        for key in self.keys {
            let mut held = key.held.into_inner().unwrap_or_else(PoisonError::into_inner);
            held.prints.sort_unstable();
            let twice = held.prints.windows(2).filter(|pair| pair[0] == pair[1]).count();
            if twice > 0 {
                let columns: Vec<String> = key
                    .cells
                    .iter()
                    .map(|(cell, _)| table.columns[table.stored_columns()[*cell]].name.escape_debug().to_string())
                    .collect();
                let what = format!(
                    "table {}: {twice} {rows} repeat another one's value of {}, which {} wants unique",
                    table.name,
                    columns.join(", "),
                    key.name
                );
                return Err(Error::policy(what).hint(hint));
            }
            result.constraints += 1;
            result.rows += held.prints.len() as u64;
            result.sampled += held.rows - held.prints.len() as u64;
        }
        Ok(())
    }
}

impl Held {
    fn add(&mut self, prints: &[u64]) {
        self.rows += prints.len() as u64;
        // Doubling would take as much again as is held.
        if self.prints.len() + prints.len() > self.prints.capacity() {
            self.prints.reserve_exact(prints.len().max(self.prints.len() / 4));
        }
        self.prints.extend(prints.iter().filter(|print| **print <= self.threshold));
        while self.prints.len() > self.capacity && self.threshold > 1 {
            self.threshold /= 2;
            let threshold = self.threshold;
            self.prints.retain(|print| *print <= threshold);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_are_held_up_to_the_limit_and_doubles_are_kept_together() {
        let mut held = Held { prints: Vec::new(), threshold: u64::MAX, rows: 0, capacity: 1000 };
        let spread = |at: u64| at.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for round in 0..2 {
            (0..50).for_each(|part| held.add(&(0..100).map(|at| spread(part * 100 + at + round)).collect::<Vec<_>>()));
        }
        assert!(held.prints.len() <= 1000 && held.rows == 10_000);
        held.prints.sort_unstable();
        let twice = held.prints.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(twice * 2 >= held.prints.len() - 2, "whatever is held of one round is held of the other too");
    }
}
