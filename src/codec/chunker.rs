//! Cuts the rows of a table into chunks at places that depend on nearby rows only, so that an unchanged stretch of rows
//! gives the same chunks in every capture.
//!
//! After a row of `n` bytes, once the chunk holds `target / 4` bytes, it ends with probability `n / (target - min)`,
//! decided by the row's keyed hash. The expected size is `target` whatever the length of rows, so no divisor has to be
//! guessed per table. A chunk also ends before a row that would bring it above `4 * target`.

use crate::error::{Error, Result};
use crate::model::proof::Encoded;

/// The target size of a chunk in bytes.
pub const DEFAULT_TARGET: u32 = 65_536;

/// The smallest and largest target that can be asked for.
pub const TARGET_RANGE: std::ops::RangeInclusive<u32> = 16_384..=1_048_576;

/// Whole rows of one table. Its bytes are the raw bytes that the chunk's id is computed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The rows.
    pub encoded: Encoded,
    /// How many they are.
    pub rows: u64,
}

/// Collects rows until a chunk is complete.
#[derive(Debug)]
pub struct Chunker {
    min: usize,
    max: usize,
    /// A row of `n` bytes cuts when its hash is below `n * per_byte`.
    per_byte: u64,
    bytes: Vec<u8>,
    row_ends: Vec<u32>,
}

impl Chunker {
    /// A chunker with the target size in bytes, brought into [`TARGET_RANGE`].
    #[must_use]
    pub fn new(target: u32) -> Self {
        let target = target.clamp(*TARGET_RANGE.start(), *TARGET_RANGE.end());
        let min = target / 4;
        Self {
            min: min as usize,
            max: target as usize * 4,
            per_byte: u64::MAX / u64::from(target - min),
            bytes: Vec::with_capacity(target as usize * 2),
            row_ends: Vec::new(),
        }
    }

    /// Adds rows and emits the chunks they complete, in order.
    ///
    /// # Errors
    /// What `emit` fails with; kind `Internal` when the rows carry no cut hashes.
    pub fn push(&mut self, rows: &Encoded, emit: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        if rows.cut_hashes().len() != rows.row_ends().len() {
            return Err(Error::internal("rows to be cut into chunks carry no cut hashes"));
        }
        // Rows of `rows` up to `taken` are in `self.bytes`; those up to `seen` belong to the chunk.
        let (mut taken, mut seen) = (0, 0);
        for (&end, &hash) in rows.row_ends().iter().zip(rows.cut_hashes()) {
            let end = end as usize;
            let row = end - seen;
            let held = self.bytes.len() + (seen - taken);
            if held > 0 && held + row > self.max {
                self.bytes.extend_from_slice(&rows.bytes()[taken..seen]);
                taken = seen;
                self.emit(emit)?;
            }
            let held = self.bytes.len() + (end - taken);
            self.row_ends.push(u32::try_from(held).unwrap_or(u32::MAX));
            seen = end;
            if held >= self.min && hash < self.per_byte.saturating_mul(row as u64) {
                self.bytes.extend_from_slice(&rows.bytes()[taken..seen]);
                taken = seen;
                self.emit(emit)?;
            }
        }
        self.bytes.extend_from_slice(&rows.bytes()[taken..seen]);
        Ok(())
    }

    /// Emits the last chunk, if rows are left.
    ///
    /// # Errors
    /// What `emit` fails with.
    pub fn finish(mut self, emit: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        if self.row_ends.is_empty() { Ok(()) } else { self.emit(emit) }
    }

    fn emit(&mut self, emit: &mut dyn FnMut(Chunk) -> Result<()>) -> Result<()> {
        let room = self.bytes.capacity().min(self.max);
        let bytes = std::mem::replace(&mut self.bytes, Vec::with_capacity(room));
        let row_ends = std::mem::take(&mut self.row_ends);
        let rows = row_ends.len() as u64;
        emit(Chunk { encoded: Encoded::vouch(bytes, row_ends, Vec::new()), rows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use siphasher::sip::SipHasher24;
    use std::collections::HashSet;

    /// Rows from (key, length): the key text, a tab, filling, a newline.
    fn rows(shape: &[(u64, usize)]) -> Vec<(Vec<u8>, u64)> {
        let hasher = SipHasher24::new_with_key(&[9; 16]);
        shape
            .iter()
            .map(|&(key, length)| {
                let key = key.to_string();
                let mut line = format!("{key}\t").into_bytes();
                line.resize(line.len() + length, b'x');
                line.push(b'\n');
                (line, hasher.hash(key.as_bytes()))
            })
            .collect()
    }

    fn encoded(rows: &[(Vec<u8>, u64)]) -> Encoded {
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for (line, _) in rows {
            bytes.extend_from_slice(line);
            ends.push(u32::try_from(bytes.len()).unwrap());
        }
        Encoded::vouch(bytes, ends, rows.iter().map(|&(_, hash)| hash).collect())
    }

    fn cut(rows: &[(Vec<u8>, u64)], batch: usize, target: u32) -> Vec<Chunk> {
        let mut chunks = Vec::new();
        let mut emit = |chunk| {
            chunks.push(chunk);
            Ok(())
        };
        let mut chunker = Chunker::new(target);
        for rows in rows.chunks(batch.max(1)) {
            chunker.push(&encoded(rows), &mut emit).unwrap();
        }
        chunker.finish(&mut emit).unwrap();
        chunks
    }

    fn shape() -> impl Strategy<Value = Vec<(u64, usize)>> {
        let length = prop_oneof![8 => 0_usize..400, 1 => 0_usize..90_000];
        proptest::collection::vec((any::<u64>(), length), 0..400)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn chunks_are_the_input_whatever_the_batches(shape in shape(), batch in 1_usize..400) {
            let rows = rows(&shape);
            let whole = encoded(&rows);
            let chunks = cut(&rows, batch, 16_384);
            let bytes: Vec<u8> = chunks.iter().flat_map(|chunk| chunk.encoded.bytes().to_vec()).collect();
            prop_assert_eq!(bytes.as_slice(), whole.bytes());
            prop_assert_eq!(chunks.iter().map(|chunk| chunk.rows).sum::<u64>(), rows.len() as u64);
            for chunk in &chunks {
                let bytes = chunk.encoded.bytes();
                let newlines = (1_u32..).zip(bytes).filter(|(_, byte)| **byte == b'\n').map(|(end, _)| end);
                prop_assert_eq!(newlines.collect::<Vec<_>>(), chunk.encoded.row_ends());
                prop_assert!(bytes.len() <= 4 * 16_384 || chunk.rows == 1);
            }
            for pair in chunks.windows(2) {
                let next_row = pair[1].encoded.row_ends()[0] as usize;
                let length = pair[0].encoded.bytes().len();
                prop_assert!(length >= 4096 || length + next_row > 4 * 16_384);
            }
            prop_assert_eq!(&chunks, &cut(&rows, rows.len(), 16_384));
            prop_assert_eq!(&chunks, &cut(&rows, 1, 16_384));
        }

        #[test]
        fn a_row_changed_in_place_changes_one_chunk(seed in any::<u32>(), at in 0_usize..3000) {
            let shape: Vec<(u64, usize)> = (0..3000).map(|row| (u64::from(seed) + row, 150)).collect();
            let before = rows(&shape);
            let mut after = before.clone();
            let place = after[at].0.len() - 2;
            after[at].0[place] = b'y';
            let after = cut(&after, 100, 16_384);
            let before: HashSet<Vec<u8>> = cut(&before, 100, 16_384).iter().map(|chunk| chunk.encoded.bytes().to_vec()).collect();
            prop_assert_eq!(after.iter().filter(|chunk| !before.contains(chunk.encoded.bytes())).count(), 1);
        }
    }

    /// The minimum size makes a cut depend on where the chunk began, so a change that moves one cut can move the next
    /// few; how many is a matter of chance, and this pins it down over 600 fixed changes.
    #[test]
    fn inserted_deleted_and_resized_rows_change_few_chunks() {
        let shape: Vec<(u64, usize)> = (0..6000_usize).map(|row| (row as u64, 100 + (row * 37) % 150)).collect();
        let before: HashSet<Vec<u8>> =
            cut(&rows(&shape), 500, 16_384).iter().map(|chunk| chunk.encoded.bytes().to_vec()).collect();
        let mut changed = Vec::new();
        for change in 0..600_usize {
            let at = change * 10;
            let mut shape = shape.clone();
            match change % 3 {
                0 => shape.insert(at, (1_000_000 + at as u64, 180)),
                1 => drop(shape.remove(at)),
                _ => shape[at].1 += 61,
            }
            let after = cut(&rows(&shape), 500, 16_384);
            changed.push(after.iter().filter(|chunk| !before.contains(chunk.encoded.bytes())).count());
        }
        changed.sort_unstable();
        assert_eq!((changed[300], changed[570] <= 3, changed[599] <= 8), (1, true, true), "{:?}", &changed[560..]);
    }

    /// What a second capture finds in the store, on 200,000 rows of 190 bytes. `benches/compare/dedup` has the same on servers.
    #[test]
    fn captures_share_their_chunks_where_few_rows_changed() {
        const ROWS: usize = 200_000;
        let before: Vec<(u64, usize)> = (0..ROWS as u64).map(|row| (row, 182)).collect();
        let chunks = |rows: &[(Vec<u8>, u64)]| -> Vec<blake3::Hash> {
            cut(rows, 5000, DEFAULT_TARGET).iter().map(|chunk| blake3::hash(chunk.encoded.bytes())).collect()
        };
        let before = rows(&before);
        let known: HashSet<blake3::Hash> = chunks(&before).into_iter().collect();
        let shared = |changed: &mut dyn Iterator<Item = usize>| {
            let mut after = before.clone();
            for row in changed {
                let last = after[row].0.len() - 2;
                after[row].0[last] = b'y';
            }
            let after = chunks(&after);
            after.iter().filter(|chunk| known.contains(chunk)).count() * 1000 / after.len()
        };
        // One row in a thousand, anywhere: hashes of their numbers choose them.
        let hasher = SipHasher24::new_with_key(&[1; 16]);
        let scattered = shared(&mut (0..ROWS).filter(|row| hasher.hash(&row.to_le_bytes()).is_multiple_of(1000)));
        let at_the_end = shared(&mut (ROWS - ROWS / 100..ROWS));
        let everywhere = shared(&mut (0..ROWS));
        assert!((550..800).contains(&scattered), "{scattered} per mille");
        assert!((970..995).contains(&at_the_end), "{at_the_end} per mille");
        assert_eq!(everywhere, 0);
    }

    #[test]
    fn chunks_meet_the_target_for_short_and_long_rows() {
        for length in [0_usize, 40, 300, 3000, 12_000] {
            let count = 12_000_000 / (length + 8);
            let shape: Vec<(u64, usize)> = (0..count as u64).map(|row| (row, length)).collect();
            let rows = rows(&shape);
            let total: usize = rows.iter().map(|(line, _)| line.len()).sum();
            let mean = total / cut(&rows, 5000, 65_536).len();
            assert!((52_000..80_000).contains(&mean), "rows of {length} bytes: {mean}");
        }
    }

    #[test]
    fn rows_without_hashes_are_refused() {
        let rows = Encoded::vouch(b"a\n".to_vec(), vec![2], Vec::new());
        let error = Chunker::new(DEFAULT_TARGET).push(&rows, &mut |_| Ok(())).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Internal);
    }
}
