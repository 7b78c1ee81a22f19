//! A digest of rows that does not depend on their order, for "is this still what we put there?".
//!
//! Each row is hashed with BLAKE3 (kind, length and bytes of every cell); the digests are added modulo 2^256. The sum finds
//! accidents and edits. It is not a proof against somebody who picks rows to collide: stored rows are proved by the keyed
//! chunk ids and the signed stream digest.

use super::batch::Batch;
use serde::{Deserialize, Serialize};

/// The order-independent digest of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ContentDigest {
    sum: [u64; 4],
    rows: u64,
}

impl ContentDigest {
    /// Adds every row of a batch.
    pub fn add(&mut self, batch: &Batch) {
        // One call per row: a call per cell took longer than the hashing.
        let mut line = Vec::new();
        for row in 0..batch.rows() {
            line.clear();
            for column in 0..batch.columns() {
                let cell = batch.cell(row, column);
                line.push(cell.kind as u8);
                line.extend_from_slice(&(cell.bytes.len() as u64).to_le_bytes());
                line.extend_from_slice(cell.bytes);
            }
            self.add_row(blake3::hash(&line).as_bytes());
        }
    }

    /// Adds rows that were digested elsewhere.
    pub fn join(&mut self, other: &Self) {
        self.add_sum(other.sum);
        self.rows += other.rows;
    }

    fn add_row(&mut self, digest: &[u8; 32]) {
        let mut limbs = [0; 4];
        for (limb, bytes) in limbs.iter_mut().zip(digest.as_chunks::<8>().0) {
            *limb = u64::from_le_bytes(*bytes);
        }
        self.add_sum(limbs);
        self.rows += 1;
    }

    fn add_sum(&mut self, other: [u64; 4]) {
        let mut carry = false;
        for (limb, other) in self.sum.iter_mut().zip(other) {
            let (with_limb, first) = limb.overflowing_add(other);
            let (with_carry, second) = with_limb.overflowing_add(u64::from(carry));
            *limb = with_carry;
            carry = first || second;
        }
    }

    /// The number of rows added.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// 64 hex digits that stand for the rows and their number.
    #[must_use]
    pub fn to_hex(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for limb in self.sum {
            hasher.update(&limb.to_le_bytes());
        }
        hasher.update(&self.rows.to_le_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::batch::Cell;

    fn of(rows: &[[&str; 2]]) -> String {
        let mut batch = Batch::new(2);
        for cell in rows.iter().flatten() {
            batch.push(Cell::text(cell));
        }
        let mut digest = ContentDigest::default();
        digest.add(&batch);
        digest.to_hex()
    }

    #[test]
    fn order_does_not_matter_and_content_does() {
        assert_eq!(of(&[["a", "b"], ["c", "d"]]), of(&[["c", "d"], ["a", "b"]]));
        assert_ne!(of(&[["a", "b"]]), of(&[["ab", ""]]));
        assert_ne!(of(&[["a", "b"]]), of(&[["a", "b"], ["a", "b"]]));
        assert_ne!(of(&[]), of(&[["", ""]]));
    }

    #[test]
    fn the_digest_is_frozen() {
        // Ledgers in targets hold it.
        assert_eq!(of(&[["a", "b"], ["c", ""]]), "3d5aae210d596bd79fa27d5949e18f9ce90571349b4a5aa9948bf20cd78ee178");
    }

    #[test]
    fn parts_join_to_the_whole() {
        let digest = |cells: &[&str]| {
            let mut batch = Batch::new(1);
            for cell in cells {
                batch.push(Cell::text(cell));
            }
            let mut digest = ContentDigest::default();
            digest.add(&batch);
            digest
        };
        let words: Vec<String> = (0..50).map(|word| word.to_string()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        for cut in [0, 1, 49, 50] {
            let mut joined = digest(&words[..cut]);
            joined.join(&digest(&words[cut..]));
            assert_eq!(joined, digest(&words));
        }
    }
}
