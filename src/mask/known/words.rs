//! The words of a text, as numbers that do not depend on case, accents, width or punctuation: what known values are found
//! by. Originals themselves are never stored.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A word of a text.
#[derive(Debug, Clone, Copy)]
pub(in crate::mask) struct Word {
    /// Where it begins.
    pub(in crate::mask) start: usize,
    /// Where it ends.
    pub(in crate::mask) end: usize,
    /// Its number.
    pub(super) hash: u64,
}

/// The words of a text, in order. Letters and digits make words; a character of a script without spaces is a word of
/// its own.
#[derive(Debug, Clone, Copy)]
pub(in crate::mask) struct Words<'a> {
    text: &'a str,
    at: usize,
}

/// What a byte is in lower case; 0 for what no word has; 255 for a part of a longer character.
const LOWER: [u8; 256] = {
    let mut lower = [0; 256];
    let mut byte = 0_u8;
    loop {
        if byte >= 0x80 {
            lower[byte as usize] = u8::MAX;
        } else if byte.is_ascii_alphanumeric() {
            lower[byte as usize] = byte.to_ascii_lowercase();
        }
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    lower
};

const SEED: u64 = 0xCBF2_9CE4_8422_2325;
/// The bit that tells lower-case letters from upper-case ones, and that digits have, in each of eight bytes.
const LOWER_BIT: u64 = 0x2020_2020_2020_2020;

/// The number of a word of lower-case bytes, eight at a time.
#[derive(Default)]
struct Sum {
    state: u64,
    block: u64,
    length: u32,
}

impl Sum {
    fn add(&mut self, byte: u8) {
        self.block |= u64::from(byte) << (self.length % 8 * 8);
        self.length += 1;
        if self.length.is_multiple_of(8) {
            self.state = mix(self.state ^ self.block, SEED);
            self.block = 0;
        }
    }

    fn end(&self) -> u64 {
        mix(self.state ^ self.block, SEED ^ u64::from(self.length))
    }

    /// As if each byte of an ASCII word had been added in lower case.
    fn of(text: &[u8], start: usize, end: usize) -> u64 {
        let mut state = 0;
        let mut at = start;
        let length = u64::try_from(end - start).unwrap_or(0) & u64::from(u32::MAX);
        loop {
            let left = end - at;
            let block = match text.get(at..at + 8).and_then(|eight| <[u8; 8]>::try_from(eight).ok()) {
                Some(eight) => u64::from_le_bytes(eight),
                None => text[at..end].iter().rev().fold(0, |block, byte| (block << 8) | u64::from(*byte)),
            };
            if left < 8 {
                let mask = (1_u64 << (left * 8)) - 1;
                return mix(state ^ ((block | LOWER_BIT) & mask), SEED ^ length);
            }
            state = mix(state ^ (block | LOWER_BIT), SEED);
            at += 8;
        }
    }
}

/// Mixes two numbers well: the halves of their product.
pub(super) fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x9E37_79B9_7F4A_7C15) * u128::from(other ^ 0xD6E8_FEB8_6659_FD93);
    let (low, high) = (product & u128::from(u64::MAX), product >> 64);
    u64::try_from(low ^ high).unwrap_or(0)
}

/// The number of bytes that are compared as they are.
pub(super) fn exactly(bytes: &[u8]) -> u64 {
    let mut sum = Sum::default();
    for byte in bytes {
        sum.add(*byte);
    }
    sum.end()
}

/// Whether a character is a mark on the letter before it, and not a choice of its glyph.
fn is_accent(c: char) -> bool {
    is_combining_mark(c) && !matches!(u32::from(c), 0xFE00..=0xFE0F | 0xE_0100..=0xE_01EF)
}

/// Whether characters of the script stand without spaces between words.
pub(in crate::mask) fn is_unspaced(c: char) -> bool {
    matches!(u32::from(c), 0x3040..=0x30FF | 0x3400..=0x9FFF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0x2_0000..=0x3_FFFF)
}

impl<'a> Words<'a> {
    pub(in crate::mask) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The words from a place on.
    pub(in crate::mask) fn from(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// Goes on at a place in the text.
    pub(in crate::mask) fn go(&mut self, at: usize) {
        self.at = at;
    }

    /// A word with a character that is not ASCII, or none if that character belongs to no word.
    fn spelled(&mut self, start: usize) -> Option<Word> {
        let mut sum = Sum::default();
        let mut end = start;
        for (at, c) in self.text[start..].char_indices() {
            let at = start + at;
            if c.is_ascii() {
                let lower = LOWER[usize::from(u8::try_from(c).unwrap_or(0))];
                if lower == 0 {
                    break;
                }
                sum.add(lower);
            } else {
                let unspaced = is_unspaced(c);
                if unspaced && end > start || !unspaced && !c.is_alphanumeric() && !is_accent(c) {
                    break;
                }
                let mut buffer = [0; 4];
                for plain in c.to_lowercase().nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
                    plain.encode_utf8(&mut buffer).bytes().for_each(|byte| sum.add(byte));
                }
                if unspaced {
                    end = at + c.len_utf8();
                    break;
                }
            }
            end = at + c.len_utf8();
        }
        self.at = end;
        (end > start).then(|| Word { start, end, hash: sum.end() })
    }
}

#[expect(clippy::copy_iterator, reason = "to look ahead is to go on with a copy")]
impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let bytes = self.text.as_bytes();
        'words: loop {
            while LOWER[usize::from(*bytes.get(self.at)?)] == 0 {
                self.at += 1;
            }
            let start = self.at;
            while let Some(byte) = bytes.get(self.at) {
                let lower = LOWER[usize::from(*byte)];
                if lower == u8::MAX {
                    if let Some(word) = self.spelled(start) {
                        return Some(word);
                    }
                    // A dash, a quotation mark, a space: no ASCII stood before it, or there would be a word.
                    self.at = start + self.text[start..].chars().next().map_or(1, char::len_utf8);
                    continue 'words;
                }
                if lower == 0 {
                    break;
                }
                self.at += 1;
            }
            return Some(Word { start, end: self.at, hash: Sum::of(bytes, start, self.at) });
        }
    }
}

/// Several words in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) u64);

impl Key {
    /// No word yet.
    pub(super) const NONE: Self = Self(SEED);

    /// One word more.
    pub(super) fn then(self, word: &Word) -> Self {
        Self(mix(self.0, word.hash))
    }

    /// Digits, whatever stands between them.
    pub(super) fn digits(digits: impl Iterator<Item = u8>) -> Self {
        let mut sum = Sum::default();
        digits.for_each(|digit| sum.add(digit));
        Self(mix(sum.end(), 0x6469_6769_7473))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<u64> {
        Words::new(text).map(|word| word.hash).collect()
    }

    #[test]
    fn words_do_not_depend_on_spelling() {
        for (one, other) in [
            ("Maria Garcia", "MARIA_garcía"),
            ("José", "JOSE\u{301}"),
            ("O'Brien-Lee", "o’brien lee"),
            ("Ｍａｒｉａ", "maria"),
            ("张伟", "张 伟"),
            ("Łukasz—Żółć", "łukasz żółć"),
            ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
            ("ABCDEFGH12345678", "ａbcdefgh12345678"),
            ("Éabcdefghijklmnop", "eABCDEFGHIJKLMNOP"),
        ] {
            assert_eq!(keys(one), keys(other), "{one} {other}");
        }
        assert_eq!(
            Words::new("“Ann” – lee’s, 张伟x!").map(|w| w.end - w.start).collect::<Vec<_>>(),
            [3, 3, 1, 3, 3, 1]
        );
        assert_ne!(keys("ab c"), keys("a bc"));
    }
}
