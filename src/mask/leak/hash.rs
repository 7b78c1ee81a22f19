//! Keyed 64-bit fingerprints of forms. They live as long as one run and its random key, so any even spread will do, and a
//! cryptographic one would cost a fifth of a capture.

use crate::secret::Secret32;

/// The most digits whose number fits 64 bits.
const MOST_DIGITS: usize = 19;

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

    /// The fingerprint of any form.
    pub(super) fn print(&self, form: &[u8]) -> Print {
        if !form.iter().all(u8::is_ascii_digit) {
            return Print { value: self.text(form), digits: 0 };
        }
        if form.len() > MOST_DIGITS {
            let digits = if form.len() <= 38 { u8::try_from(form.len()).unwrap_or(0) } else { 0 };
            return Print { value: self.text(form), digits };
        }
        let number = form.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0'));
        self.number(number, form.len())
    }

    /// As [`print`](Self::print) of the decimal digits of `number`, `length` of them with zeros in front.
    pub(super) fn number(&self, number: u64, length: usize) -> Print {
        let value = fold(fold(number ^ self.0[0], length as u64 ^ self.0[1]) ^ self.0[2], self.0[3]);
        Print { value, digits: u8::try_from(length).unwrap_or(0) }
    }

    /// A mark of a cell as it is, before any canonical form; odd, and different for each `kind` of looking.
    pub(super) fn mark(&self, cell: &[u8], kind: u64) -> u64 {
        fold(self.text(cell) ^ self.0[2], self.0[3] ^ kind) | 1
    }

    fn text(&self, form: &[u8]) -> u64 {
        let mut hash = self.0[2];
        let mut rest = form;
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
        fold(fold(left ^ self.0[1], right ^ hash) ^ self.0[0], self.0[3] ^ form.len() as u64)
    }
}

/// Up to eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    match <[u8; 8]>::try_from(bytes) {
        Ok(bytes) => u64::from_le_bytes(bytes),
        Err(_) => bytes.iter().rev().fold(0, |word, byte| (word << 8) | u64::from(*byte)),
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
    use super::*;
    use std::collections::HashSet;

    fn key() -> Key {
        Key::new(&Secret32::new([3; 32]))
    }

    #[test]
    fn forms_have_prints_of_their_own() {
        let key = key();
        let mut seen = HashSet::new();
        let mut count = 0;
        for length in 0..40 {
            for filling in [b'0', b'1', b'a', b'b', 0, 0xFF] {
                let mut form = vec![filling; length];
                for at in 0..=length {
                    // Once as it is, and once with each single byte changed.
                    if let Some(byte) = at.checked_sub(1).and_then(|at| form.get_mut(at)) {
                        *byte ^= 0x0C;
                    }
                    count += usize::from(length > 0);
                    seen.insert(key.print(&form).value);
                    if let Some(byte) = at.checked_sub(1).and_then(|at| form.get_mut(at)) {
                        *byte ^= 0x0C;
                    }
                }
            }
        }
        assert_eq!(seen.len(), count + 1);
    }

    #[test]
    fn prints_are_spread_evenly() {
        let key = key();
        for make in [|at: u32| format!("{at:07}"), |at: u32| format!("user{at}@mail.test")] {
            let mut slots = [0_u32; 256];
            (0..256_000).for_each(|at| slots[usize::from(key.print(make(at).as_bytes()).value.to_be_bytes()[0])] += 1);
            assert!(slots.iter().all(|count| (800..1200).contains(count)), "{slots:?}");
        }
    }

    #[test]
    fn numbers_agree_with_their_digits() {
        let key = key();
        assert_eq!(key.print(b"0004155550100"), key.number(4_155_550_100, 13));
        assert_ne!(key.print(b"4155550100").value, key.number(4_155_550_100, 11).value);
        assert_eq!(key.print(b"4155550100").digits, 10);
        assert_eq!((key.print(&[b'9'; 38]).digits, key.print(&[b'9'; 39]).digits, key.print(b"a1").digits), (38, 0, 0));
        assert_ne!(key.print(b"x"), Key::new(&Secret32::new([4; 32])).print(b"x"));
    }
}
