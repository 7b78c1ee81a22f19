//! What stands between two runs of letters and digits decides whether they may be parts of one value.

use super::stream::Atom;

/// A value inside of a text has at most this many loose gaps: four words.
pub(super) const MOST_LOOSE: usize = 3;
/// And at most this many parts.
pub(super) const MOST_PARTS: usize = 12;

/// What stands between two neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// One character that values have inside: `ann.lee@corp`, `maria_garcia`.
    Tight,
    /// Groups of digits of one number: `(415) 867-5309`.
    Number,
    /// Words: a space, a comma.
    Loose,
    /// Different values.
    Wide,
}

impl Gap {
    pub(super) fn between(text: &[u8], left: &Atom, right: &Atom) -> Self {
        let gap = &text[left.end..right.start];
        let digits = text[left.end - 1].is_ascii_digit() && text[right.start].is_ascii_digit();
        match gap {
            _ if digits && gap.len() <= 2 && gap.iter().all(|byte| b" ()-./+_".contains(byte)) => Self::Number,
            _ if gap.len() > 3 => Self::Wide,
            [b' ' | b'\t' | b'\n' | b'\r' | b',' | b';' | b'"' | b'|'] => Self::Loose,
            [] | [_] => Self::Tight,
            _ => Self::Loose,
        }
    }

    pub(super) fn is_loose(self) -> bool {
        matches!(self, Self::Loose | Self::Wide)
    }
}

/// Whether `fewest` digits stand in a row with nothing but what groups of one number have between them.
pub(super) fn has_number(text: &[u8], fewest: usize) -> bool {
    let mut digits = 0;
    text.iter().any(|byte| {
        match byte {
            b'0'..=b'9' => digits += 1,
            b' ' | b'(' | b')' | b'-' | b'.' | b'/' | b'+' | b'_' => {}
            _ => digits = 0,
        }
        digits >= fewest
    })
}

/// Whether a leaf, a line or a field of a text ends in the gap.
pub(super) fn ends_leaf(gap: &[u8]) -> bool {
    gap.iter().any(|byte| b"\"<>\n\r\t|;{}[]=".contains(byte))
}

/// Whether a text is a day or a moment as databases spell it; its digits are no number of anybody.
pub(super) fn is_moment(text: &[u8]) -> bool {
    let [b'1' | b'2', b'0' | b'9', _, _, b'-' | b'/', month @ ..] = text else {
        return false;
    };
    let [tens @ b'0'..=b'1', ones, b'-' | b'/', day @ b'0'..=b'3', _, rest @ ..] = month else {
        return false;
    };
    let plausible = (*tens == b'0' || *ones <= b'2') && day.is_ascii_digit();
    plausible
        && matches!(rest.first(), None | Some(b' ' | b'T'))
        && rest.len() <= 25
        && rest.iter().all(|byte| byte.is_ascii_digit() || b" T:.+-Z".contains(byte))
}

/// Whether a text has the shape of a UUID.
pub(super) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Phone numbers that the mask makes and that are nobody's.
pub(super) fn is_fictional(text: &[u8]) -> bool {
    let digits = || text.iter().filter(|byte| byte.is_ascii_digit());
    let skip = match digits().count() {
        7 => 0,
        10 => 3,
        11 => 4,
        _ => return false,
    };
    digits().skip(skip).take(5).eq(b"55501")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_digits_are_told_from_scattered_ones() {
        assert!(has_number(b"ssn 219-09-9999 x", 7) && has_number(b"(415) 867", 6));
        assert!(
            !has_number(b"3601 Spruce Way, NY 51288", 7) && !has_number(b"a2b3c4d5e6f7g2", 7) && !has_number(b"", 1)
        );
    }

    #[test]
    fn moments_and_uuids_are_told_from_numbers() {
        for moment in ["2024-02-29", "2024-02-29 13:45:00", "1999-12-31T23:59:59.123456+02:00", "2024/01/01"] {
            assert!(is_moment(moment.as_bytes()), "{moment}");
        }
        for number in ["2190-99-99", "2024-13-01", "219-09-9999", "20240229", "2024-02-29 ssn 219099999", "3024-02-29"]
        {
            assert!(!is_moment(number.as_bytes()), "{number}");
        }
        assert!(is_uuid(b"550e8400-e29b-41d4-a716-446655440000") && !is_uuid(b"550e8400-e29b-41d4-a716-44665544000g"));
    }
}
