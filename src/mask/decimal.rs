//! Numbers as the servers spell them, exactly: units of the last decimal place. What masks of numbers share.

use super::prelude::*;
use std::io::Write as _;

/// More digits than every whole number of 64 bits and most amounts of money have.
const MOST_DIGITS: usize = 27;

/// A number: `units` of ten to the minus `places`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) units: i128,
    pub(super) places: usize,
}

impl Decimal {
    /// Reads a cell of any kind that is a number.
    pub(super) fn read(cell: Cell<'_>) -> std::result::Result<Self, Misfit> {
        match cell.kind {
            CellKind::Text | CellKind::Integer | CellKind::Real => Self::parse(cell.bytes),
            CellKind::Null | CellKind::Blob => Err(Misfit("the cell is no number")),
        }
    }

    /// Reads a number such as `-12.50` or `1e+20`.
    pub(super) fn parse(text: &[u8]) -> std::result::Result<Self, Misfit> {
        const WRONG: Misfit = Misfit("the cell is no plain number such as 12.50");
        let negative = text.first() == Some(&b'-');
        let rest = text.strip_prefix(if negative { b"-" } else { b"+" }).unwrap_or(text);
        let (mantissa, exponent) = match rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => {
                (&rest[..at], std::str::from_utf8(&rest[at + 1..]).ok().and_then(|text| text.parse::<i32>().ok()))
            }
            None => (rest, Some(0)),
        };
        let point = mantissa.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = point.map_or((mantissa, &b""[..]), |at| (&mantissa[..at], &mantissa[at + 1..]));
        let digits = || whole.iter().chain(fraction);
        if whole.is_empty() || point.is_some() == fraction.is_empty() || !digits().all(u8::is_ascii_digit) {
            return Err(WRONG);
        }
        let exponent = exponent.ok_or(WRONG)?;
        let long = Misfit("the number has more digits than the mask can reckon with");
        let significant = digits().skip_while(|digit| **digit == b'0').count();
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX) - i64::from(exponent);
        let zeros = usize::try_from((-places).max(0)).unwrap_or(usize::MAX);
        let places = usize::try_from(places.max(0)).unwrap_or(usize::MAX);
        if significant.saturating_add(zeros) > MOST_DIGITS || places > MOST_DIGITS {
            return Err(long);
        }
        let units = digits().fold(0_i128, |sum, digit| sum * 10 + i128::from(digit - b'0')) * ten(zeros);
        Ok(Self { units: if negative { -units } else { units }, places })
    }

    /// `whole` in units of this number's last place; the nearest bound where that is too much.
    pub(super) fn units_of(self, whole: i128) -> i128 {
        whole.saturating_mul(ten(self.places))
    }

    /// Appends the number in digits.
    fn append(self, out: &mut Vec<u8>) {
        let scale = ten(self.places).unsigned_abs();
        let (sign, size) = (if self.units < 0 { "-" } else { "" }, self.units.unsigned_abs());
        let (whole, fraction, places) = (size / scale, size % scale, self.places);
        // Writing to a Vec cannot fail.
        if places == 0 {
            write!(out, "{sign}{whole}").unwrap_or_default();
        } else {
            write!(out, "{sign}{whole}.{fraction:0places$}").unwrap_or_default();
        }
    }

    /// The number in its shortest spelling, which keys draws: 12.50 and 12.5 are the same value, and so are 123 and "123".
    pub(super) fn shortest(self) -> Vec<u8> {
        let mut out = Vec::new();
        self.trimmed().append(&mut out);
        out
    }

    fn trimmed(mut self) -> Self {
        while self.places > 0 && self.units % 10 == 0 {
            self.units /= 10;
            self.places -= 1;
        }
        self
    }
}

/// Ten to the `places`, of which there are few.
pub(super) fn ten(places: usize) -> i128 {
    10_i128.pow(u32::try_from(places.min(MOST_DIGITS)).unwrap_or(0))
}

/// What a column takes of numbers, and how it spells them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    room: usize,
    /// Binary fractions have no zeros behind their last digit.
    trim: bool,
    range: (Option<i128>, Option<i128>),
}

impl Numbers {
    pub(super) fn of(site: &Site) -> Self {
        Self { room: site.room(), trim: site.family == Family::Real, range: site.range }
    }

    /// The least and the greatest units that the column takes in place of `number`, a cell of `kind`.
    pub(super) fn bounds(self, number: Decimal, kind: CellKind) -> (i128, i128) {
        // Digits that fit behind the sign and before the decimal point.
        let point = usize::from(number.places > 0) + number.places;
        let room = |sign: usize| match self.room.checked_sub(point + sign) {
            Some(0) | None => 0,
            Some(digits) if digits < MOST_DIGITS => ten(digits + number.places.min(MOST_DIGITS - digits)) - 1,
            Some(_) => i128::MAX,
        };
        let (mut least, mut most) = (-room(1), room(0));
        if kind == CellKind::Integer {
            (least, most) = (least.max(i64::MIN.into()), most.min(i64::MAX.into()));
        }
        let (low, high) = self.range;
        least = low.map_or(least, |bound| least.max(number.units_of(bound)));
        most = high.map_or(most, |bound| most.min(number.units_of(bound)));
        (least, most)
    }

    /// Appends `number` as a cell of `kind`.
    pub(super) fn write(self, number: Decimal, kind: CellKind, out: &mut Vec<u8>) -> Written {
        let start = out.len();
        if kind == CellKind::Real {
            let text = number.shortest();
            let real: f64 = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
            write!(out, "{real:?}").unwrap_or_default();
        } else if self.trim {
            number.trimmed().append(out);
        } else {
            number.append(out);
        }
        if out.len() - start > self.room {
            return Err(Misfit("the masked number would be longer than the column"));
        }
        Ok(kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn spelled(text: &str, family: Family, kind: CellKind) -> Option<String> {
        let mut out = Vec::new();
        let number = Decimal::parse(text.as_bytes()).ok()?;
        Numbers::of(&Site { family, ..Site::for_tests("n") }).write(number, kind, &mut out).ok()?;
        Some(String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_are_read_and_written() {
        let text = |text| spelled(text, Family::Numeric, CellKind::Text);
        for same in ["0", "-12.50", "0.001", "12345678901234567890.1234", "-0.5"] {
            assert_eq!(text(same).as_deref(), Some(same));
        }
        assert_eq!(text("1.5e+20").as_deref(), Some("150000000000000000000"));
        assert_eq!(text("-2e-05").as_deref(), Some("-0.00002"));
        assert_eq!(spelled("12.50", Family::Real, CellKind::Text).as_deref(), Some("12.5"));
        assert_eq!(spelled("12.00", Family::Any, CellKind::Real).as_deref(), Some("12.0"));
        for wrong in ["", "-", "1.", ".5", "1,5", "12a", "NaN", "1e", "1e+99", "--1", "1.2.3"] {
            assert!(text(wrong).is_none(), "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn bounds_fit_the_room(units in -10_i64.pow(12)..10_i64.pow(12), places in 0_usize..5, room in 1_u32..20) {
            let number = Decimal { units: units.into(), places };
            let numbers = Numbers::of(&Site { max_chars: Some(room), ..Site::for_tests("n") });
            let (least, most) = numbers.bounds(number, CellKind::Text);
            for (bound, beyond) in [(most, 1), (least, -1)] {
                let write = |units| numbers.write(Decimal { units, places }, CellKind::Text, &mut Vec::new()).is_ok();
                if bound != 0 && bound != i128::MAX && bound != -i128::MAX {
                    prop_assert!(write(bound) && !write(bound + beyond), "{bound} in {room}");
                }
            }
        }
    }
}
