//! Values that were met before and leave no trace: passed over, or with every fingerprint above the threshold, which only
//! sinks. Meeting them again can change nothing but counts, and in most columns most cells are such repetitions.

/// What becomes of an original; outputs are only ever observed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It counts as looked for.
    Observed,
    /// It is passed over, by the index of the reason.
    Skipped(u8),
}

/// The last such values, by a keyed mark of 63 bits. Two values with one mark would be taken for each other; with a billion
/// cells that happens in one of nine billion captures.
pub(super) struct Quiet(Vec<(u64, Fate)>);

/// A power of two; 256 KiB per worker.
const SLOTS: usize = 1 << 14;

impl Default for Quiet {
    fn default() -> Self {
        // The mark of an empty slot is that of no value: marks are odd.
        Self(vec![(0, Fate::Observed); SLOTS])
    }
}

impl Quiet {
    #[inline]
    pub(super) fn fate(&self, mark: u64) -> Option<Fate> {
        let (known, fate) = self.0[slot(mark)];
        (known == mark).then_some(fate)
    }

    pub(super) fn learn(&mut self, mark: u64, fate: Fate) {
        self.0[slot(mark)] = (mark, fate);
    }
}

fn slot(mark: u64) -> usize {
    (mark >> 50) as usize % SLOTS
}
