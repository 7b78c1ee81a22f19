//! Fingerprints of one side of the scan, sampled down to a constant size.

use super::hash::Print;
use crate::model::journal;

/// Marks of a fingerprint; what several rows say of it is joined bit by bit.
pub(super) mod mark {
    /// An original of a column of identifiers, not only of free text: one identifier in one row stays one, whatever other
    /// rows say.
    pub(in super::super) const IDENTIFIER: u8 = 1;
    /// The value itself and not another form of it.
    pub(in super::super) const FIRST: u8 = 2;
}

/// A fingerprint in a column. Sixteen bytes, of which a scan holds a million.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    pub(super) value: u64,
    /// In how many cells.
    pub(super) count: u32,
    pub(super) column: u16,
    /// The form's length, if it is nothing but digits.
    pub(super) digits: u8,
    pub(super) marks: u8,
}

impl Met {
    fn order(&self) -> (u64, u16) {
        (self.value, self.column)
    }

    fn join(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.marks |= other.marks;
    }
}

/// Fingerprints below a threshold, at most about `capacity` of them and half as many that wait to be sorted in. A hash map
/// would take each one to another place of memory; appending and sorting stay within the cache.
pub(super) struct Side {
    /// Rising, each fingerprint once per column.
    sorted: Vec<Met>,
    waiting: Vec<Met>,
    /// Memory to merge into.
    spare: Vec<Met>,
    /// Where in `waiting` a fingerprint was last put, by its lowest bits: most repetitions end here.
    recent: Vec<u32>,
    threshold: u64,
    capacity: usize,
    /// How often something lay below the threshold.
    pub(super) taken: u64,
}

/// A power of two.
const RECENT: usize = 1 << 12;

impl Side {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            sorted: Vec::new(),
            waiting: Vec::new(),
            spare: Vec::new(),
            recent: Vec::new(),
            threshold: u64::MAX,
            capacity: capacity.max(1),
            taken: 0,
        }
    }

    /// Whether a fingerprint lies below the threshold.
    #[inline]
    pub(super) fn takes(&self, print: Print) -> bool {
        print.value <= self.threshold
    }

    /// Takes a fingerprint, if it lies below the threshold; whether it does.
    #[inline]
    pub(super) fn add(&mut self, print: Print, column: u16, marks: u8) -> bool {
        let takes = self.takes(print);
        if takes {
            self.taken += 1;
            self.put(Met { value: print.value, count: 1, column, digits: print.digits, marks });
        }
        takes
    }

    fn put(&mut self, met: Met) {
        if self.recent.is_empty() {
            self.recent = vec![0; RECENT];
        }
        #[expect(clippy::cast_possible_truncation, reason = "the lowest bits are what is wanted")]
        let recent = &mut self.recent[met.value as usize % RECENT];
        match self.waiting.get_mut(*recent as usize) {
            Some(earlier) if earlier.order() == met.order() => earlier.join(&met),
            _ => {
                *recent = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
                self.waiting.push(met);
                if self.waiting.len() * 2 >= self.capacity {
                    self.settle();
                }
            }
        }
    }

    /// Joins what another worker met.
    pub(super) fn join(&mut self, other: Self) {
        if other.threshold < self.threshold {
            self.threshold = other.threshold;
            let kept = self.sorted.partition_point(|met| met.value <= self.threshold);
            self.sorted.truncate(kept);
            self.waiting.retain(|met| met.value <= self.threshold);
        }
        for met in other.sorted.into_iter().chain(other.waiting).filter(|met| met.value <= self.threshold) {
            self.waiting.push(met);
        }
        // Many small ones are sorted in together.
        if self.waiting.len() * 2 >= self.capacity {
            self.settle();
        }
    }

    /// Everything that was met, as a journal keeps it; and the threshold.
    pub(super) fn saved(&mut self) -> (impl Iterator<Item = journal::Met>, u64) {
        self.settle();
        let met = self.sorted.iter().map(|met| (met.value, met.count, met.column, met.digits, met.marks));
        (met, self.threshold)
    }

    /// Takes back what a journal kept.
    pub(super) fn absorb(&mut self, threshold: u64, met: &[journal::Met]) {
        let mut other = Self::new(self.capacity);
        other.threshold = threshold;
        other.waiting = met
            .iter()
            .map(|&(value, count, column, digits, marks)| Met { value, count, column, digits, marks })
            .collect();
        self.join(other);
    }

    /// How many fingerprints are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.waiting.len()
    }

    /// Everything that was met, rising; and the threshold.
    pub(super) fn finish(mut self) -> (Vec<Met>, u64) {
        self.settle();
        (self.sorted, self.threshold)
    }

    /// The share of all fingerprints that lies below `threshold`.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 53 bits")]
    pub(super) fn share(threshold: u64) -> f64 {
        threshold as f64 / u64::MAX as f64
    }

    /// Sorts in what waits, and halves the threshold while there are too many.
    fn settle(&mut self) {
        self.waiting.sort_unstable_by_key(Met::order);
        let mut merged = std::mem::take(&mut self.spare);
        merged.clear();
        let mut old = self.sorted.iter().copied().peekable();
        let mut new = self.waiting.drain(..).peekable();
        loop {
            let from_old = match (old.peek(), new.peek()) {
                (Some(left), Some(right)) => left.order() <= right.order(),
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => break,
            };
            let Some(met) = (if from_old { old.next() } else { new.next() }) else {
                break;
            };
            match merged.last_mut() {
                Some(last) if last.order() == met.order() => last.join(&met),
                _ => merged.push(met),
            }
        }
        drop(new);
        self.spare = std::mem::replace(&mut self.sorted, merged);
        while self.sorted.len() > self.capacity && self.threshold > 1 {
            self.threshold /= 2;
            let kept = self.sorted.partition_point(|met| met.value <= self.threshold);
            self.sorted.truncate(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(values: &[u64], capacity: usize) -> Side {
        let mut side = Side::new(capacity);
        for &value in values {
            side.add(Print { value, digits: 0 }, 1, 0);
        }
        side
    }

    fn counts(side: Side) -> Vec<(u64, u32)> {
        side.finish().0.iter().map(|met| (met.value, met.count)).collect()
    }

    #[test]
    fn counts_do_not_depend_on_order_or_workers() {
        let values: Vec<u64> = (0..5000_u64).map(|at| (at * at) % 977).collect();
        let whole = counts(side(&values, 2000));
        assert_eq!(whole.iter().map(|(_, count)| *count).sum::<u32>(), 5000);
        assert!(whole.windows(2).all(|pair| pair[0].0 < pair[1].0));
        let mut joined = side(&values[..1234], 2000);
        joined.join(side(&values[1234..], 2000));
        assert_eq!(counts(joined), whole);
    }

    #[test]
    fn what_stays_is_exact_however_much_came() {
        let values: Vec<u64> = (1..=40_000_u64).map(|at| at.wrapping_mul(0x9E37_79B9_7F4A_7C15)).collect();
        let twice: Vec<u64> = values.iter().chain(&values).copied().collect();
        let (sorted, threshold) = side(&twice, 1000).finish();
        assert!((300..=1000).contains(&sorted.len()), "{}", sorted.len());
        assert_eq!(sorted.len(), values.iter().filter(|value| **value <= threshold).count());
        assert!(sorted.iter().all(|met| met.count == 2));
    }

    #[test]
    fn repetitions_take_no_place() {
        let values: Vec<u64> = (0..100_000_u64).map(|at| at % 7).collect();
        assert_eq!(side(&values, 1000).len(), 7);
        assert_eq!(size_of::<Met>(), 16);
    }
}
