//! Outputs that were met before and leave no trace: every fingerprint lies above the threshold, which only sinks. Meeting
//! them again can change nothing, and in most columns that are kept most cells are such repetitions.

/// The last such outputs, by a keyed mark of 63 bits. Two values with one mark would be taken for each other; with a billion
/// cells that happens in one of nine billion captures.
pub(super) struct Quiet(Vec<u64>);

/// A power of two; 32 KiB per worker.
const SLOTS: usize = 1 << 12;

impl Quiet {
    pub(super) fn new() -> Self {
        // The mark of an empty slot is that of no value: marks are odd.
        Self(vec![0; SLOTS])
    }

    #[inline]
    pub(super) fn knows(&self, mark: u64) -> bool {
        self.0[slot(mark)] == mark
    }

    pub(super) fn learn(&mut self, mark: u64) {
        self.0[slot(mark)] = mark;
    }
}

fn slot(mark: u64) -> usize {
    (mark >> 50) as usize % SLOTS
}
