//! Fingerprints of one side of the scan, sampled down to a constant size.

use super::hash::Print;

/// What is known of a fingerprint, and joins with what else is learned of it.
pub(super) trait Known: Copy {
    /// Adds what was learned later, or by another worker.
    fn join(&mut self, later: Self);
}

/// What is known of an original's fingerprint.
#[derive(Debug, Clone, Copy)]
pub(super) struct Original {
    pub(super) count: u32,
    pub(super) free: bool,
    /// Whether it is the value itself and not another form of it.
    pub(super) first: bool,
}

impl Known for Original {
    fn join(&mut self, later: Self) {
        // An identifier in one row stays one, whatever other rows say.
        self.free &= later.free;
        self.first |= later.first;
        self.count = self.count.saturating_add(later.count);
    }
}

/// In how many cells an output's fingerprint was seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen(pub(super) u32);

impl Known for Seen {
    fn join(&mut self, later: Self) {
        self.0 = self.0.saturating_add(later.0);
    }
}

/// A fingerprint in a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met<T> {
    pub(super) value: u64,
    pub(super) column: u16,
    /// The form's length, if it is nothing but digits.
    pub(super) digits: u8,
    pub(super) known: T,
}

impl<T> Met<T> {
    fn order(&self) -> (u64, u16) {
        (self.value, self.column)
    }
}

/// Fingerprints below a threshold, at most about `capacity` of them and half as many that wait to be sorted in. A hash map
/// would take each one to another place of memory; appending and sorting stay within the cache.
pub(super) struct Side<T> {
    /// Rising, each fingerprint once per column.
    sorted: Vec<Met<T>>,
    waiting: Vec<Met<T>>,
    /// Memory to merge into.
    spare: Vec<Met<T>>,
    threshold: u64,
    capacity: usize,
    /// How often something lay below the threshold.
    pub(super) met: u64,
}

impl<T: Known> Side<T> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            sorted: Vec::new(),
            waiting: Vec::new(),
            spare: Vec::new(),
            threshold: u64::MAX,
            capacity: capacity.max(1),
            met: 0,
        }
    }

    /// Takes a fingerprint, if it lies below the threshold.
    #[inline]
    pub(super) fn add(&mut self, Print { value, digits }: Print, column: u16, known: T) {
        if value <= self.threshold {
            self.met += 1;
            self.waiting.push(Met { value, column, digits, known });
            if self.waiting.len() * 2 >= self.capacity {
                self.settle();
            }
        }
    }

    /// Joins what another worker met.
    pub(super) fn join(&mut self, other: Self) {
        self.threshold = self.threshold.min(other.threshold);
        for met in other.sorted.into_iter().chain(other.waiting).filter(|met| met.value <= self.threshold) {
            self.waiting.push(met);
        }
        self.settle();
    }

    /// How many fingerprints are held.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.sorted.len() + self.waiting.len()
    }

    /// Everything that was met, rising; and the threshold.
    pub(super) fn finish(mut self) -> (Vec<Met<T>>, u64) {
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
            let Some(met) = (if from_old { old.next() } else { new.next() }) else { break };
            match merged.last_mut() {
                Some(last) if last.order() == met.order() => last.known.join(met.known),
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

    fn side(values: &[u64], capacity: usize) -> Side<Seen> {
        let mut side = Side::new(capacity);
        for &value in values {
            side.add(Print { value, digits: 0 }, 1, Seen(1));
        }
        side
    }

    fn counts(side: Side<Seen>) -> Vec<(u64, u32)> {
        side.finish().0.iter().map(|met| (met.value, met.known.0)).collect()
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
        assert!(sorted.iter().all(|met| met.known.0 == 2));
    }
}
