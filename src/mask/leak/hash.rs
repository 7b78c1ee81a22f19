//! Keyed 64-bit fingerprints of forms. They live as long as one run and its random key, so any even spread will do, and a
//! cryptographic one would cost a fifth of a capture.

use crate::secret::Secret32;

/// A form as the scan keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Print {
    /// The fingerprint.
    pub(super) value: u64,
    /// Its length, if it is nothing but digits and has at most 38 of them.
    pub(super) digits: u8,
}

/// The run's key.
pub(super) struct Key([u64; 4]);

impl Key {
    pub(super) fn new(key: &Secret32) -> Self {
        let bytes = blake3::derive_key("terp-fixtures v1 leak scan", key.expose());
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Self(words)
    }

    /// The base of the sums over letters, and its inverse: an odd number has one.
    pub(super) fn base(&self) -> (u64, u64) {
        let base = self.0[0] | 1;
        // Newton's iteration; each step doubles the bits that are right.
        let inverse =
            (0..6).fold(base, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(base.wrapping_mul(inverse))));
        (base, inverse)
    }

    /// The fingerprint of a sum over `length` letters.
    #[inline]
    pub(super) fn finish(&self, sum: u64, length: usize) -> u64 {
        fold(sum ^ self.0[1], self.0[2] ^ (length as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// A mark of a cell as it is, before any folding; odd, and different for each `kind` of looking.
    pub(super) fn mark(&self, cell: &[u8], kind: u64) -> u64 {
        let mut hash = self.0[2] ^ kind;
        let mut rest = cell;
        while let Some((block, behind)) = rest.split_first_chunk::<16>()
            && !behind.is_empty()
        {
            let (left, right) = block.split_at(8);
            hash = fold(word(left) ^ self.0[1], word(right) ^ hash);
            rest = behind;
        }
        let (left, right) = match rest.len() {
            8.. => (word(&rest[..8]), word(&rest[rest.len() - 8..])),
            4.. => (word(&rest[..4]), word(&rest[rest.len() - 4..])),
            _ => (word(rest), 0),
        };
        fold(fold(left ^ self.0[1], right ^ hash) ^ self.0[0], self.0[3] ^ cell.len() as u64) | 1
    }
}

/// Up to eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    if let Ok(bytes) = <[u8; 8]>::try_from(bytes) {
        u64::from_le_bytes(bytes)
    } else if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        u64::from(u32::from_le_bytes(bytes))
    } else {
        bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte))
    }
}

/// The halves of the product, one upon the other: every bit of either factor reaches every bit of the result.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    (product as u64) ^ ((product >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::super::stream::Stream;
    use super::*;
    use std::collections::HashSet;

    fn key() -> Key {
        Key::new(&Secret32::new([3; 32]))
    }

    fn printer(key: &Key) -> impl FnMut(&[u8]) -> u64 {
        let mut stream = Stream::new(key);
        move |form: &[u8]| {
            stream.read(form);
            stream.print(key, 0, stream.length).value
        }
    }

    #[test]
    fn forms_have_prints_and_marks_of_their_own() {
        let key = key();
        let mut print = printer(&key);
        let (mut prints, mut marks) = (HashSet::new(), HashSet::new());
        let mut count = 0;
        for length in 0..40 {
            for filling in [b'0', b'1', b'a', b'd', b'z'] {
                let mut form = vec![filling; length];
                for at in 0..=length {
                    // Once as it is, and once with each single byte changed.
                    if let Some(byte) = at.checked_sub(1).and_then(|at| form.get_mut(at)) {
                        *byte ^= 2;
                    }
                    count += usize::from(length > 0);
                    prints.insert(print(&form));
                    marks.insert(key.mark(&form, 0));
                    if let Some(byte) = at.checked_sub(1).and_then(|at| form.get_mut(at)) {
                        *byte ^= 2;
                    }
                }
            }
        }
        assert_eq!((prints.len(), marks.len()), (count + 1, count + 1));
        assert_ne!(print(b"x"), printer(&Key::new(&Secret32::new([4; 32])))(b"x"));
    }

    #[test]
    fn prints_are_spread_evenly() {
        let key = key();
        let mut print = printer(&key);
        for make in [|at: u32| format!("{at:07}"), |at: u32| format!("user{at}@mail.test")] {
            let mut slots = [0_u32; 256];
            (0..256_000).for_each(|at| slots[usize::from(print(make(at).as_bytes()).to_be_bytes()[0])] += 1);
            assert!(slots.iter().all(|count| (800..1200).contains(count)), "{slots:?}");
        }
    }
}
