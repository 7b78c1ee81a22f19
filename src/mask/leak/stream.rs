//! A text as the scan reads it: its letters and digits in a row, without case and without anything between them. The
//! fingerprint of any stretch of the row costs two multiplications, however long the stretch is; a text that was written with
//! other separators, or with none, has the same fingerprints.

use super::hash::{Key, Print};

/// A power of two. More letters and digits than this are read in several pieces.
const SIZE: usize = 1 << 11;
/// The most letters and digits in one row.
pub(super) const LONGEST: usize = SIZE - 1;

/// Bits of a class; the eight lowest are the letter or digit in its folded form, 0 for all else.
const WORD: u32 = 1 << 8;
const DIGIT: u32 = 1 << 9;
/// An `@`.
pub(super) const AT: u32 = 1 << 10;
/// What escapes begin with: `%`, `&` and `\`.
pub(super) const ESCAPE: u32 = 1 << 11;
/// A comma.
pub(super) const COMMA: u32 = 1 << 12;
/// A byte behind ASCII.
pub(super) const WIDE: u32 = 1 << 13;
/// A capital letter.
pub(super) const UPPER: u32 = 1 << 14;

#[expect(clippy::cast_possible_truncation, reason = "an index below 256 is a byte")]
const CLASSES: [u32; 256] = {
    let mut classes = [0; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        classes[at] = match byte {
            b'0'..=b'9' => byte as u32 | WORD | DIGIT,
            b'a'..=b'z' => byte as u32 | WORD,
            b'A'..=b'Z' => byte.to_ascii_lowercase() as u32 | WORD | UPPER,
            0x80.. => byte as u32 | WORD | WIDE,
            b'@' => AT,
            b'%' | b'&' | b'\\' => ESCAPE,
            b',' => COMMA,
            _ => 0,
        };
        at += 1;
    }
    classes
};

/// A run of letters and digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atom {
    /// Where it stands in the text.
    pub(super) start: usize,
    /// The end there.
    pub(super) end: usize,
    /// Where it stands in the row.
    pub(super) from: usize,
    /// The end there.
    pub(super) to: usize,
}

/// A text as a whole.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total {
    sum: u64,
    /// Letters and digits.
    pub(super) length: usize,
    /// Digits.
    pub(super) digits: usize,
    /// All classes met.
    pub(super) flags: u32,
}

impl Total {
    /// The fingerprint of the whole.
    pub(super) fn print(&self, key: &Key) -> Print {
        let digits = if self.digits == self.length { small(self.length) } else { 0 };
        Print { value: key.finish(self.sum, self.length), digits }
    }
}

/// One text, read.
pub(super) struct Stream {
    /// Powers of the key's base and of its inverse.
    up: Box<[u64; SIZE]>,
    down: Box<[u64; SIZE]>,
    /// Of each place of the row: the sum over what stands before it, and the number of digits there.
    sums: Box<[u64; SIZE]>,
    digits: Box<[u32; SIZE]>,
    /// A bit per byte of the text: whether it is a letter or digit.
    words: Vec<u64>,
    /// Whether it is a capital letter.
    uppers: Vec<u64>,
    /// Letters and digits in the row.
    pub(super) length: usize,
    /// All classes met.
    pub(super) flags: u32,
    /// Bytes that were read.
    pub(super) read: usize,
}

impl Stream {
    pub(super) fn new(key: &Key) -> Self {
        let (base, inverse) = key.base();
        let (mut up, mut down) = (Box::new([1; SIZE]), Box::new([1; SIZE]));
        for at in 1..SIZE {
            up[at] = base.wrapping_mul(up[at - 1]);
            down[at] = inverse.wrapping_mul(down[at - 1]);
        }
        Self {
            up,
            down,
            sums: Box::new([0; SIZE]),
            digits: Box::new([0; SIZE]),
            words: Vec::new(),
            uppers: Vec::new(),
            length: 0,
            flags: 0,
            read: 0,
        }
    }

    /// Reads a text, or as much of it as fits.
    pub(super) fn read(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(LONGEST)];
        self.words.clear();
        self.uppers.clear();
        let (mut at, mut sum, mut digits, mut flags) = (0_usize, 0_u64, 0_u32, 0);
        for block in text.chunks(64) {
            let (mut words, mut uppers) = (0_u64, 0_u64);
            for (bit, byte) in block.iter().enumerate() {
                // No branch: what is no letter adds nothing and takes no place.
                let class = CLASSES[usize::from(*byte)];
                let word = (class >> 8) & 1;
                sum = sum.wrapping_add(u64::from(class & 0xFF).wrapping_mul(self.up[at % SIZE]));
                digits += (class >> 9) & 1;
                at += word as usize;
                self.sums[at % SIZE] = sum;
                self.digits[at % SIZE] = digits;
                words |= u64::from(word) << bit;
                uppers |= u64::from((class >> 14) & 1) << bit;
                flags |= class;
            }
            self.words.push(words);
            self.uppers.push(uppers);
        }
        self.length = at;
        self.flags = flags;
        self.read = text.len();
    }

    /// Reads a text of which only the whole is of interest: a third of the work.
    pub(super) fn total(&mut self, text: &[u8]) -> Total {
        let text = &text[..text.len().min(LONGEST)];
        let (mut at, mut sum, mut digits, mut flags) = (0_usize, 0_u64, 0_u32, 0);
        for byte in text {
            let class = CLASSES[usize::from(*byte)];
            sum = sum.wrapping_add(u64::from(class & 0xFF).wrapping_mul(self.up[at % SIZE]));
            digits += (class >> 9) & 1;
            at += ((class >> 8) & 1) as usize;
            flags |= class;
        }
        Total { sum, length: at, digits: digits as usize, flags }
    }

    /// The digits of a stretch of the row.
    pub(super) fn digits(&self, from: usize, to: usize) -> usize {
        (self.digits[to % SIZE] - self.digits[from % SIZE]) as usize
    }

    /// The fingerprint of a stretch of the row.
    #[inline]
    pub(super) fn print(&self, key: &Key, from: usize, to: usize) -> Print {
        self.finish(key, self.sum(from, to), from, to)
    }

    /// The fingerprint of the row with its end, from `at` on, put in front.
    pub(super) fn turned(&self, key: &Key, at: usize) -> Print {
        let (front, back) = (self.sum(at, self.length), self.sum(0, at));
        let sum = front.wrapping_add(back.wrapping_mul(self.up[(self.length - at) % SIZE]));
        self.finish(key, sum, 0, self.length)
    }

    /// The fingerprint of the digits of the row alone.
    pub(super) fn digits_alone(&self, key: &Key, skip: usize) -> Print {
        let (mut sum, mut count) = (0_u64, 0);
        for at in 1..=self.length {
            if self.digits(at - 1, at) == 1 {
                if count >= skip {
                    let digit = self.sum(at - 1, at);
                    sum = sum.wrapping_add(digit.wrapping_mul(self.up[(count - skip) % SIZE]));
                }
                count += 1;
            }
        }
        let length = count.saturating_sub(skip);
        Print { value: key.finish(sum, length), digits: small(length) }
    }

    fn sum(&self, from: usize, to: usize) -> u64 {
        self.sums[to % SIZE].wrapping_sub(self.sums[from % SIZE]).wrapping_mul(self.down[from % SIZE])
    }

    #[inline]
    fn finish(&self, key: &Key, sum: u64, from: usize, to: usize) -> Print {
        let digits = if self.digits(from, to) == to - from { small(to - from) } else { 0 };
        Print { value: key.finish(sum, to - from), digits }
    }

    /// Whether somewhere eight letters and digits stand in a row; may say so where they do not.
    pub(super) fn has_long_run(&self) -> bool {
        self.words.len() > 1
            || self.words.iter().any(|words| {
                let two = words & (words >> 1);
                let four = two & (two >> 2);
                four & (four >> 4) != 0
            })
    }

    /// Lists the runs of letters and digits; what is written `LikeThis` is two.
    pub(super) fn atoms(&self, atoms: &mut Vec<Atom>) {
        atoms.clear();
        let (mut carry, mut open, mut row) = (0, None, 0);
        for (block, words) in self.words.iter().enumerate() {
            let mut edges = words ^ ((words << 1) | carry);
            carry = words >> 63;
            while edges != 0 {
                let edge = block * 64 + edges.trailing_zeros() as usize;
                edges &= edges - 1;
                if let Some(start) = open.take() {
                    self.split(start, edge, row, atoms);
                    row += edge - start;
                } else {
                    open = Some(edge);
                }
            }
        }
        // The last block is filled up with zeros, unless it is full.
        if let Some(start) = open {
            self.split(start, self.read, row, atoms);
        }
    }

    /// Lists one run, split before capital letters in it. Random tokens, which have digits as well, are left in one piece.
    fn split(&self, mut start: usize, end: usize, mut from: usize, atoms: &mut Vec<Atom>) {
        let to = from + end - start;
        if self.flags & UPPER != 0 && self.digits(from, to) == 0 {
            let upper = |at: usize| (self.uppers[at / 64] >> (at % 64)) & 1 == 1;
            for at in start + 1..end {
                if upper(at) && !upper(at - 1) {
                    atoms.push(Atom { start, end: at, from, to: from + at - start });
                    (start, from) = (at, from + at - start);
                }
            }
        }
        atoms.push(Atom { start, end, from, to });
    }
}

fn small(length: usize) -> u8 {
    // Nobody's number is longer; and such lengths never meet by chance.
    if length <= 38 { u8::try_from(length).unwrap_or(0) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret32;

    #[test]
    fn stretches_have_the_prints_of_the_same_text_alone() {
        let key = Key::new(&Secret32::new([3; 32]));
        let (mut whole, mut alone) = (Stream::new(&key), Stream::new(&key));
        let mut atoms = Vec::new();
        let text = format!("{} Ann.Lee@corp.test, 219-09-9999; {}", "x".repeat(61), "y9".repeat(70));
        whole.read(text.as_bytes());
        whole.atoms(&mut atoms);
        assert_eq!(atoms.len(), 9);
        for from in 0..atoms.len() {
            for to in from..atoms.len() {
                alone.read(text[atoms[from].start..atoms[to].end].to_uppercase().as_bytes());
                assert_eq!(alone.length, atoms[to].to - atoms[from].from);
                assert_eq!(whole.print(&key, atoms[from].from, atoms[to].to), alone.print(&key, 0, alone.length));
            }
        }
        whole.read(b"AnnLEEx aB1 ABC");
        whole.atoms(&mut atoms);
        let places: Vec<_> = atoms.iter().map(|atom| (atom.start, atom.end, atom.from, atom.to)).collect();
        assert_eq!(places, [(0, 3, 0, 3), (3, 7, 3, 7), (8, 11, 7, 10), (12, 15, 10, 13)]);
        whole.read(b"Lee, Ann");
        alone.read(b"ann lee");
        assert_eq!(alone.total(b" Ann LEE!").print(&key), alone.print(&key, 0, 6));
        assert_eq!(whole.turned(&key, 3), alone.print(&key, 0, 6));
        whole.read(b"A-1 415 867 5309 x");
        alone.read(b"4158675309");
        assert_eq!(whole.digits_alone(&key, 1), alone.print(&key, 0, 10));
        assert_eq!(alone.print(&key, 0, 10).digits, 10);
    }

    #[test]
    fn a_full_last_block_ends_its_run() {
        let key = Key::new(&Secret32::new([3; 32]));
        let mut stream = Stream::new(&key);
        let mut atoms = Vec::new();
        for length in [1, 63, 64, 65, 128, LONGEST, LONGEST + 9] {
            stream.read("a".repeat(length).as_bytes());
            stream.atoms(&mut atoms);
            assert_eq!(atoms.len(), 1);
            assert_eq!((atoms[0].start, atoms[0].end), (0, length.min(LONGEST)));
        }
    }
}
