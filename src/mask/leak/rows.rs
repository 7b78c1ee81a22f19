//! Whole batches: what a capture shows the scan before and after masking.

use super::LeakScan;
use super::outputs::Output;
use crate::mask::ColumnMask;
use crate::mask::definition::{Scan, Uniqueness};
use crate::model::batch::{Batch, CellKind};

/// The number of the column `at` behind `first`.
fn number(first: u16, at: usize) -> u16 {
    first.saturating_add(u16::try_from(at).unwrap_or(u16::MAX))
}

impl LeakScan {
    /// Remembers the originals of a batch that is about to be masked. Its columns are numbered from `first`.
    pub fn observe_originals(&mut self, first: u16, columns: &[ColumnMask], batch: &Batch) {
        self.before.resize_with(columns.len(), Vec::new);
        for (at, column) in columns.iter().enumerate() {
            self.before[at].clear();
            let number = number(first, at);
            if column.definition.keeps_original && column.when.is_none() {
                continue;
            }
            if column.keeps_some() {
                self.kept.insert(number);
            }
            let compared = needs_before(column);
            for row in 0..batch.rows() {
                let decided = column.in_row(batch, row);
                let mut seen = 0;
                if let Some(decided) = decided {
                    let cell = batch.cell(row, at).bytes;
                    self.observe_original(number, cell, decided.scan);
                    seen = 2;
                    if compared && decided.scan == Scan::Identifier {
                        seen = self.last;
                    }
                }
                if compared {
                    self.before[at].push(seen);
                }
            }
        }
    }

    /// Looks at the same batch after it was masked.
    pub fn observe_masked(&mut self, first: u16, columns: &[ColumnMask], masked: &Batch) {
        for (at, column) in columns.iter().enumerate() {
            let number = number(first, at);
            let before = self.before.get_mut(at).map(std::mem::take).unwrap_or_default();
            let usual = if column.when.is_some() { Output::Mixed } else { Output::of(column.definition) };
            for row in 0..masked.rows() {
                let cell = masked.cell(row, at);
                let earlier = before.get(row).copied();
                let output = if earlier == Some(0) { Output::Kept } else { usual };
                match cell.kind {
                    CellKind::Real => {}
                    CellKind::Blob if matches!(output, Output::Kept | Output::Mixed) => {
                        self.observe_blob(number, cell.bytes);
                    }
                    _ => {
                        let print = self.observe(number, cell.bytes, output);
                        if print != 0 && earlier == Some(print) {
                            *self.unchanged.entry(number).or_default() += 1;
                        }
                    }
                }
            }
            if let Some(place) = self.before.get_mut(at) {
                *place = before;
            }
        }
    }

    /// Remembers the cells of a batch of a reference table that are kept.
    pub fn observe_references(&mut self, columns: &[ColumnMask], masked: &Batch) {
        for (at, _) in columns.iter().enumerate().filter(|(_, column)| column.definition.keeps_original) {
            (0..masked.rows()).for_each(|row| self.observe_reference(masked.cell(row, at).bytes));
        }
    }
}

/// Whether rows have to be compared with themselves: permutations write what other rows held, and conditions keep some rows.
fn needs_before(column: &ColumnMask) -> bool {
    column.when.is_some() || column.definition.unique == Uniqueness::Exact
}
