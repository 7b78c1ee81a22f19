//! Hexadecimal digits in a text, with the case in which they are written: UUIDs and hardware addresses.

/// As many hexadecimal digits as a UUID has.
const MOST: usize = 32;

/// The hexadecimal digits of a text that has nothing else but separators.
#[derive(Clone, Copy)]
pub(super) struct Hexes {
    /// The number that they spell.
    pub(super) number: u128,
    /// How many there are.
    pub(super) count: usize,
    /// Whether a letter among them is upper-case.
    pub(super) upper: bool,
    /// Whether one is lower-case.
    pub(super) lower: bool,
}

impl Hexes {
    /// Reads `text`; nothing if it has another character, or more than 32 digits.
    pub(super) fn read(text: &[u8], separators: &[u8]) -> Option<Self> {
        let mut hexes = Self { number: 0, count: 0, upper: false, lower: false };
        for byte in text {
            let digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                byte if separators.contains(byte) => continue,
                _ => return None,
            };
            hexes.upper |= byte.is_ascii_uppercase();
            hexes.lower |= byte.is_ascii_lowercase();
            hexes.number = (hexes.number << 4) | u128::from(digit);
            hexes.count += 1;
        }
        (hexes.count <= MOST).then_some(hexes)
    }

    /// Appends `text` with its digits replaced by those of `number`, in the case of the original.
    pub(super) fn put(&self, text: &[u8], separators: &[u8], number: u128, out: &mut Vec<u8>) {
        let digits = if self.upper && !self.lower { b"0123456789ABCDEF" } else { b"0123456789abcdef" };
        let mut left = self.count * 4;
        out.extend(text.iter().map(|byte| {
            if separators.contains(byte) {
                return *byte;
            }
            left = left.saturating_sub(4);
            digits[usize::try_from((number >> left) & 15).unwrap_or(0)]
        }));
    }
}
