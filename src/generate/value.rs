//! Cells while they are made: typed, so that conditions and sums can be worked out, and exact where the servers are exact.

use std::cmp::Ordering;
use std::fmt;

/// A cell. Its column decides how it is spelled.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// Whole and decimal numbers.
    Number(Number),
    /// Binary floating point.
    Real(f64),
    /// Text, labels, JSON, UUIDs and whatever only one engine has, as that engine spells it.
    Text(String),
    /// Raw bytes.
    Bytes(Vec<u8>),
    /// True or false.
    Boolean(bool),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01, UTC.
    Timestamp(i64),
}

/// Tells the type only.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Number(_) => "Number",
            Self::Real(_) => "Real",
            Self::Text(_) => "Text",
            Self::Bytes(_) => "Bytes",
            Self::Boolean(_) => "Boolean",
            Self::Date(_) => "Date",
            Self::Time(_) => "Time",
            Self::Timestamp(_) => "Timestamp",
        })
    }
}

impl Value {
    /// A whole number.
    pub fn whole(number: impl Into<i128>) -> Self {
        Self::Number(Number::whole(number.into()))
    }

    /// A text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it is SQL NULL.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The number, if it is one.
    #[must_use]
    pub fn number(&self) -> Option<Number> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }
}

/// A decimal number: `units` of ten to the minus `places`.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    /// The digits, with the sign.
    pub units: i128,
    /// Digits behind the point, at most [`Number::MOST_PLACES`].
    pub places: u8,
}

impl Number {
    /// More places than any amount has.
    pub const MOST_PLACES: u8 = 18;

    /// A whole number.
    #[must_use]
    pub const fn whole(number: i128) -> Self {
        Self { units: number, places: 0 }
    }

    /// `units` of ten to the minus `places`.
    #[must_use]
    pub const fn new(units: i128, places: u8) -> Self {
        Self { units, places }
    }

    /// Reads a plain number such as `-12.50`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_plain = !(whole.is_empty() && fraction.is_empty())
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        let places = u8::try_from(fraction.len()).ok().filter(|places| is_plain && *places <= Self::MOST_PLACES)?;
        let units: i128 = format!("{whole}{fraction}").parse().ok()?;
        Some(Self { units: if text.starts_with('-') { -units } else { units }, places })
    }

    /// The same number with so many places, halves away from zero. None where it has no room.
    #[must_use]
    pub fn rounded(self, places: u8) -> Option<Self> {
        match places.checked_sub(self.places) {
            Some(more) => Some(Self { units: self.units.checked_mul(10_i128.checked_pow(more.into())?)?, places }),
            None => {
                let by = 10_i128.checked_pow((self.places - places).into())?;
                let (whole, rest) = (self.units / by, self.units % by);
                let up = i128::from(rest.abs() * 2 >= by) * self.units.signum();
                Some(Self { units: whole + up, places })
            }
        }
    }

    /// Both with the places of the finer one.
    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let places = self.places.max(other.places);
        Some((self.rounded(places)?.units, other.rounded(places)?.units, places))
    }

    /// The sum. None where it has no room.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let (a, b, places) = self.aligned(other)?;
        Some(Self { units: a.checked_add(b)?, places })
    }

    /// The difference. None where it has no room.
    #[must_use]
    pub fn minus(self, other: Self) -> Option<Self> {
        self.plus(Self { units: other.units.checked_neg()?, ..other })
    }

    /// The product. None where it has no room.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let places = self.places.checked_add(other.places)?;
        let product = Self { units: self.units.checked_mul(other.units)?, places };
        product.rounded(places.min(Self::MOST_PLACES))
    }

    /// The quotient with so many places. None by zero, or where it has no room.
    #[must_use]
    pub fn over(self, other: Self, places: u8) -> Option<Self> {
        let up = self.rounded(places.checked_add(other.places)?.checked_add(1)?)?;
        let units = up.units.checked_div(other.units)?;
        Self { units, places: up.places - other.places }.rounded(places)
    }

    /// The closest binary fraction.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "that is what it is for")]
    pub fn real(self) -> f64 {
        self.units as f64 / 10_f64.powi(self.places.into())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        match self.aligned(*other) {
            Some((a, b, _)) => a.cmp(&b),
            // One of them is so large that places do not matter.
            None => self.real().total_cmp(&other.real()),
        }
    }
}

/// As every server reads it: `-12.50`.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places = usize::from(self.places);
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.units < 0 { "-" } else { "" };
        write!(f, "{sign}{whole}{}{fraction}", if places > 0 { "." } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact() {
        let number = |text: &str| Number::parse(text).unwrap();
        assert_eq!(number("-12.50").to_string(), "-12.50");
        assert_eq!(number(".5").to_string(), "0.5");
        assert_eq!(number("-0.05").to_string(), "-0.05");
        assert_eq!(number("1.5"), number("1.50"));
        assert!(number("1.49") < number("1.5") && number("-2") < number("0.1"));
        assert_eq!(number("0.1").plus(number("0.2")), Some(number("0.3")));
        assert_eq!(number("12.25").times(number("3")), Some(number("36.75")));
        assert_eq!(number("1").over(number("3"), 4).unwrap().to_string(), "0.3333");
        assert_eq!(number("2").over(number("3"), 2).unwrap().to_string(), "0.67");
        assert_eq!(number("2.345").rounded(2).unwrap().to_string(), "2.35");
        assert_eq!(number("-2.345").rounded(2).unwrap().to_string(), "-2.35");
        assert_eq!(number("1").over(Number::whole(0), 2), None);
        for wrong in ["", "-", ".", "1e5", "1.2.3", "NaN", " 1"] {
            assert!(Number::parse(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_value_shows_its_type_only() {
        assert_eq!(format!("{:?} {:?}", Value::text("x"), Value::whole(5)), "Text Number");
    }
}
