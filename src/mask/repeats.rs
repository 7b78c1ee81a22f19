//! Finds the cells of a column that repeat an earlier one of the same batch: names, towns and words of a list mostly do.
//! Masks are functions, so a repeated cell needs no second keyed hash.

use crate::model::batch::{Batch, Cell};

/// A power of two; more than the rows of most batches share.
const SLOTS: usize = 1 << 12;
/// After so many cells, a column with hardly a repetition is given up.
const TRIAL: usize = 512;

/// The cells of one column by a hash; empty until the first cell.
#[derive(Default)]
pub(super) struct Repeats {
    /// The row behind the one that was last in a slot; 0 where there was none.
    slots: Vec<u32>,
    asked: usize,
    found: usize,
}

impl Repeats {
    /// An earlier row that holds the same cell and the same subject as `row`.
    pub(super) fn earlier(
        &mut self,
        batch: &Batch,
        row: usize,
        column: usize,
        subject: Option<usize>,
    ) -> Option<usize> {
        if self.asked >= TRIAL && self.found * 8 < self.asked {
            return None;
        }
        if self.slots.is_empty() {
            self.slots = vec![0; SLOTS];
        }
        self.asked += 1;
        let cell = batch.cell(row, column);
        let subject_of = |row| subject.map(|at| batch.cell(row, at));
        let slot = &mut self.slots[slot(cell, subject_of(row))];
        let earlier = std::mem::replace(slot, u32::try_from(row + 1).unwrap_or(0)).checked_sub(1)? as usize;
        let same = batch.cell(earlier, column) == cell && subject_of(earlier) == subject_of(row);
        self.found += usize::from(same);
        same.then_some(earlier)
    }
}

fn slot(cell: Cell<'_>, subject: Option<Cell<'_>>) -> usize {
    let mut hash = cell.bytes.len() as u64;
    for part in cell.bytes.chunks(8).chain(subject.iter().flat_map(|subject| subject.bytes.chunks(8))) {
        let part = match <[u8; 8]>::try_from(part) {
            Ok(part) => u64::from_le_bytes(part),
            Err(_) => part.iter().fold(0, |bits, byte| (bits << 8) | u64::from(*byte)),
        };
        hash = (hash.rotate_left(23) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    (hash >> 52) as usize % SLOTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::CellKind;

    #[test]
    fn only_the_same_cell_of_the_same_subject_repeats() {
        let mut batch = Batch::new(2);
        let number = |bytes| Cell { kind: CellKind::Integer, bytes };
        for row in [
            [Cell::text("1"), Cell::text("ann")],
            [Cell::text("1"), Cell::text("ann")],
            [Cell::text("2"), Cell::text("ann")],
            [Cell::text("1"), Cell::text("7")],
            [Cell::text("1"), number(b"7")],
        ] {
            for cell in row {
                batch.push(cell);
            }
        }
        let found = |subject| {
            let mut repeats = Repeats::default();
            (0..5).map(|row| repeats.earlier(&batch, row, 1, subject)).collect::<Vec<_>>()
        };
        assert_eq!(found(None), [None, Some(0), Some(1), None, None]);
        assert_eq!(found(Some(0)), [None, Some(0), None, None, None]);
    }

    #[test]
    fn a_column_without_repetitions_is_given_up() {
        let mut batch = Batch::new(1);
        (0..2 * TRIAL).for_each(|row| batch.push(Cell::text(&(row % (TRIAL + 1)).to_string())));
        let mut repeats = Repeats::default();
        assert!((0..2 * TRIAL).all(|row| repeats.earlier(&batch, row, 0, None).is_none()));
        assert_eq!(repeats.asked, TRIAL);
    }
}
