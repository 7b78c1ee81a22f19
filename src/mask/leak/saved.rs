//! What a scan has seen as plain data, for the journal of a capture that may be interrupted: what comes back is worth as much
//! as if the rows were read again.

use super::{LeakScan, originals};
use crate::error::Result;
use crate::model::journal::{Counts, Piece, Side};

/// Fingerprints in one piece: 2 MiB.
const PIECE: usize = 1 << 17;

impl LeakScan {
    /// Hands out every fingerprint in pieces.
    ///
    /// # Errors
    /// What `each` fails with.
    pub fn save(&mut self, each: &mut dyn FnMut(Piece) -> Result<()>) -> Result<()> {
        let sides = [
            (Side::Originals, &mut self.originals),
            (Side::Outputs, &mut self.outputs),
            (Side::References, &mut self.references),
        ];
        for (name, side) in sides {
            let (mut met, threshold) = side.saved();
            loop {
                let piece: Vec<_> = met.by_ref().take(PIECE).collect();
                let last = piece.len() < PIECE;
                each(Piece::Met(name, threshold, piece))?;
                if last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// The sums.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            observed: self.observed,
            cells: self.cells,
            skipped: self.skipped.to_vec(),
            spans: self.spans.iter().map(|(place, span)| (*place, *span)).collect(),
            unchanged: self.unchanged.iter().map(|(column, count)| (*column, *count)).collect(),
            kept: self.kept.iter().copied().collect(),
        }
    }

    /// Takes back a piece that [`save`](Self::save) handed out of a scan with the same key. Pieces of other things are none of
    /// its business.
    pub fn absorb(&mut self, piece: &Piece) {
        let Piece::Met(side, threshold, met) = piece else {
            return;
        };
        let side = match side {
            Side::Originals => &mut self.originals,
            Side::Outputs => &mut self.outputs,
            Side::References => &mut self.references,
        };
        side.absorb(*threshold, met);
    }

    /// Adds sums.
    pub fn add(&mut self, counts: &Counts) {
        self.observed += counts.observed;
        self.cells += counts.cells;
        for (sum, count) in self.skipped.iter_mut().zip(&counts.skipped) {
            *sum += count;
        }
        for &(place, (least, most)) in &counts.spans {
            originals::widen(&mut self.spans, place, least);
            originals::widen(&mut self.spans, place, most);
        }
        for (column, count) in &counts.unchanged {
            *self.unchanged.entry(*column).or_default() += count;
        }
        self.kept.extend(&counts.kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::definition::Scan;
    use crate::mask::leak::Output;
    use crate::secret::Secret32;

    fn scan() -> LeakScan {
        LeakScan::new(&Secret32::new([9; 32]), 1000)
    }

    fn originals(scan: &mut LeakScan, names: std::ops::Range<u32>) {
        names.for_each(|at| scan.observe_original(0, format!("person{at}@corp.test").as_bytes(), Scan::Identifier));
    }

    fn outputs(scan: &mut LeakScan, names: std::ops::Range<u32>) {
        names.for_each(|at| scan.observe_output(1, format!("person{at}@corp.test").as_bytes(), Output::Kept));
    }

    fn carried(mut from: LeakScan, to: &mut LeakScan) {
        from.save(&mut |piece| {
            to.absorb(&piece);
            Ok(())
        })
        .unwrap();
        to.add(&from.counts());
    }

    #[test]
    fn what_was_saved_finds_what_the_rows_would_find() {
        for (count, others) in [(300, 5), (5, 300), (4000, 4000)] {
            let mut whole = scan();
            originals(&mut whole, 0..count);
            outputs(&mut whole, 3..3 + others);
            let (mut first, mut second) = (scan(), scan());
            originals(&mut first, 0..count);
            outputs(&mut second, 3..3 + others);
            carried(first, &mut second);
            let (whole, second) = (whole.finish(), second.finish());
            assert!(!second.hits.is_empty());
            assert_eq!(whole, second, "{count} originals, {others} outputs");
        }
    }
}
