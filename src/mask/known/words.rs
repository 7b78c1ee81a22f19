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

fn add(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
}

/// Mixes two numbers well: the halves of their product.
pub(super) fn mix(one: u64, other: u64) -> u64 {
    let product = u128::from(one ^ 0x9E37_79B9_7F4A_7C15) * u128::from(other ^ 0xD6E8_FEB8_6659_FD93);
    let (low, high) = (product & u128::from(u64::MAX), product >> 64);
    u64::try_from(low ^ high).unwrap_or(0)
}

/// The number of bytes that are compared as they are.
pub(super) fn exactly(bytes: &[u8]) -> u64 {
    mix(bytes.iter().fold(SEED, |hash, byte| add(hash, *byte)), bytes.len() as u64)
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
        let mut hash = SEED;
        let mut end = start;
        for (at, c) in self.text[start..].char_indices() {
            let at = start + at;
            if c.is_ascii() {
                let lower = LOWER[usize::from(u8::try_from(c).unwrap_or(0))];
                if lower == 0 {
                    break;
                }
                hash = add(hash, lower);
            } else {
                let unspaced = is_unspaced(c);
                if unspaced && end > start || !unspaced && !c.is_alphanumeric() && !is_combining_mark(c) {
                    break;
                }
                let mut buffer = [0; 4];
                for plain in c.to_lowercase().nfkd().flat_map(char::to_lowercase).filter(|c| !is_combining_mark(*c)) {
                    hash = plain.encode_utf8(&mut buffer).bytes().fold(hash, add);
                }
                if unspaced {
                    end = at + c.len_utf8();
                    break;
                }
            }
            end = at + c.len_utf8();
        }
        self.at = end;
        (end > start).then(|| Word { start, end, hash: mix(hash, SEED) })
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        let bytes = self.text.as_bytes();
        'words: loop {
            while LOWER[usize::from(*bytes.get(self.at)?)] == 0 {
                self.at += 1;
            }
            let start = self.at;
            let mut hash = SEED;
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
                hash = add(hash, lower);
                self.at += 1;
            }
            return Some(Word { start, end: self.at, hash: mix(hash, SEED) });
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
        Self(mix(digits.fold(SEED, add), 0x6469_6769_7473))
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
