//! Numbers in decimal text: spelling, range and exactness.

/// A number in decimal text, in parts that need no arithmetic.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    pub(super) negative: bool,
    /// Significant digits without zeros at either end; empty for zero.
    pub(super) digits: Vec<u8>,
    /// Where the point is: the value is `0.digits * 10^exponent`.
    pub(super) exponent: i64,
}

impl Decimal {
    /// Reads `-12.50`, `1e+20`, `.5`; None for anything else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, rest) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] | rest => (false, rest),
        };
        let (mantissa, power) = match rest.iter().position(|byte| matches!(byte, b'e' | b'E')) {
            Some(at) => {
                let power = std::str::from_utf8(&rest[at + 1..]).ok()?;
                let is_number = power.trim_start_matches(['+', '-']).bytes().all(|b| b.is_ascii_digit());
                (&rest[..at], power.parse::<i64>().ok().filter(|_| is_number)?)
            }
            None => (rest, 0),
        };
        let point = mantissa.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (&mantissa[..at], &mantissa[at + 1..]),
            None => (mantissa, &[][..]),
        };
        let all_digits = whole.iter().chain(fraction).all(u8::is_ascii_digit);
        if !all_digits || whole.len() + fraction.len() == 0 {
            return None;
        }
        let mut digits: Vec<u8> = whole.iter().chain(fraction).copied().collect();
        let leading = digits.iter().take_while(|digit| **digit == b'0').count();
        digits.drain(..leading);
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let places = i64::try_from(whole.len()).ok()? - i64::try_from(leading).ok()?;
        let exponent = if digits.is_empty() { 0 } else { places.checked_add(power)? };
        Some(Self { negative: negative && !digits.is_empty(), digits, exponent })
    }

    fn len(&self) -> i64 {
        i64::try_from(self.digits.len()).unwrap_or(i64::MAX)
    }

    /// Digits behind the point.
    pub(super) fn scale(&self) -> i64 {
        (self.len() - self.exponent).max(0)
    }

    /// Digits in front of the point.
    pub(super) fn whole_digits(&self) -> i64 {
        self.exponent.max(0)
    }

    /// The integer it is, if it is one that fits.
    pub(super) fn integer(&self) -> Option<i128> {
        if self.scale() > 0 || self.exponent > 30 {
            return None;
        }
        let zeros = usize::try_from(self.exponent - self.len()).ok()?;
        let text: Vec<u8> = self.digits.iter().copied().chain(std::iter::repeat_n(b'0', zeros)).collect();
        let number = if text.is_empty() { 0 } else { std::str::from_utf8(&text).ok()?.parse::<i128>().ok()? };
        Some(if self.negative { -number } else { number })
    }

    /// Writes it without an exponent, as `numeric` and `decimal` want it.
    pub(super) fn write_plain(&self, out: &mut Vec<u8>) {
        if self.negative {
            out.push(b'-');
        }
        let point = usize::try_from(self.exponent).unwrap_or(0);
        if point == 0 {
            out.push(b'0');
        }
        for at in 0..point {
            out.push(self.digits.get(at).copied().unwrap_or(b'0'));
        }
        if self.scale() > 0 {
            out.push(b'.');
            out.extend(std::iter::repeat_n(b'0', usize::try_from(-self.exponent).unwrap_or(0)));
            out.extend(&self.digits[point.min(self.digits.len())..]);
        }
    }
}

/// The double nearest to a number, and whether it says the same in its shortest text.
pub(super) fn double(text: &[u8]) -> Option<(f64, bool)> {
    let exact = Decimal::parse(text)?;
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let shortest = Decimal::parse(format!("{number:e}").as_bytes());
    Some((number, shortest == Some(exact)))
}

/// Whether a number survives as a float of 32 bits.
pub(super) fn fits_single(text: &[u8]) -> bool {
    let Some(exact) = Decimal::parse(text) else { return false };
    let single = std::str::from_utf8(text).ok().and_then(|text| text.parse::<f32>().ok());
    single.is_some_and(|single| Decimal::parse(format!("{single:e}").as_bytes()) == Some(exact))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_their_digits() {
        let plain = |text: &str| {
            let mut out = Vec::new();
            Decimal::parse(text.as_bytes()).map(|number| {
                number.write_plain(&mut out);
                String::from_utf8(out).unwrap()
            })
        };
        for (text, expected) in [
            ("12.50", Some("12.5")),
            ("-0.00", Some("0")),
            ("1e+20", Some("100000000000000000000")),
            ("1.5e-7", Some("0.00000015")),
            (".5", Some("0.5")),
            ("00042", Some("42")),
            ("1e", None),
            ("1e--5", None),
            ("", None),
            (".", None),
            ("NaN", None),
            ("0x10", None),
        ] {
            assert_eq!(plain(text).as_deref(), expected, "{text}");
        }
        assert_eq!(Decimal::parse(b"-12e2").unwrap().integer(), Some(-1200));
        assert_eq!(Decimal::parse(b"1.5").unwrap().integer(), None);
        let number = Decimal::parse(b"123.4500").unwrap();
        assert_eq!((number.whole_digits(), number.scale()), (3, 2));
    }

    #[test]
    fn doubles_are_exact_or_not() {
        assert_eq!(double(b"0.1"), Some((0.1, true)));
        assert_eq!(double(b"12345678901234567").map(|(_, exact)| exact), Some(false));
        assert_eq!(double(b"1e999").map(|(_, exact)| exact), Some(false));
        assert!(fits_single(b"0.1") && !fits_single(b"0.123456789012"));
    }
}
