//! What a column takes, held against every cell that a mask writes into it: length, characters, labels, CHECK. A mask that
//! would write something else stops the capture; the restore would only fail later.

use super::Misfit;
use super::canonical;
use super::site::Charset;
use regex::bytes::Regex;

/// What a column takes.
#[derive(Debug, Default)]
pub struct Fit {
    /// The longest value in characters.
    pub max_chars: Option<u32>,
    /// The longest value in bytes.
    pub max_bytes: Option<u32>,
    /// The characters.
    pub charset: Charset,
    /// The only values; none where any will do.
    pub labels: Option<Vec<String>>,
    /// Other conditions on single values.
    pub checks: Vec<Check>,
}

/// A condition of a CHECK that speaks of one column.
#[derive(Debug, Clone)]
pub enum Check {
    /// The number of characters lies between these, both included.
    Length(u64, u64),
    /// The number lies between these; the flags say whether the bounds themselves are allowed.
    Range {
        /// The lower bound.
        least: Option<(f64, bool)>,
        /// The upper bound.
        most: Option<(f64, bool)>,
    },
    /// The text matches, or must not match.
    Matches(Regex, bool),
    /// The text is none of these.
    NoneOf(Vec<String>),
}

impl Fit {
    /// Whether `cell` may be written into the column.
    ///
    /// # Errors
    /// Why it may not.
    #[inline]
    pub fn test(&self, cell: &[u8]) -> Result<(), Misfit> {
        if self.max_chars.is_some_and(|most| cell.len() > most as usize && canonical::chars(cell) > most as usize) {
            return Err(Misfit("the masked value would be longer than the column"));
        }
        if self.max_bytes.is_some_and(|most| cell.len() > most as usize) {
            return Err(Misfit("the masked value would have more bytes than the column takes"));
        }
        if self.charset != Charset::Unicode && !cell.is_ascii() {
            let holds = std::str::from_utf8(cell).is_ok_and(|text| self.charset.holds(text));
            if !holds {
                return Err(Misfit("the masked value has characters that the column's character set lacks"));
            }
        }
        if let Some(labels) = &self.labels
            && !labels.iter().any(|label| label.as_bytes() == cell)
        {
            return Err(Misfit(
                "the masked value is none of the values that the column takes (ENUM or CHECK); use enum_pick",
            ));
        }
        if self.checks.iter().all(|check| check.holds(cell)) {
            Ok(())
        } else {
            Err(Misfit("the masked value would break a CHECK of the table; use a mask that satisfies it, or keep"))
        }
    }
}

impl Check {
    fn holds(&self, cell: &[u8]) -> bool {
        match self {
            Self::Length(least, most) => (*least..=*most).contains(&(canonical::chars(cell) as u64)),
            Self::Range { least, most } => {
                let Some(number) = std::str::from_utf8(cell).ok().and_then(|text| text.trim().parse::<f64>().ok())
                else {
                    return true; // Not a number: the comparison is of another kind, which the engine will make.
                };
                least.is_none_or(|(bound, closed)| number > bound || (closed && number >= bound))
                    && most.is_none_or(|(bound, closed)| number < bound || (closed && number <= bound))
            }
            Self::Matches(regex, wanted) => regex.is_match(cell) == *wanted,
            Self::NoneOf(texts) => !texts.iter().any(|text| text.as_bytes() == cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused() {
        let fit = Fit { max_chars: Some(3), charset: Charset::Latin1, ..Fit::default() };
        assert!(fit.test("äöü".as_bytes()).is_ok() && fit.test(b"abcd").is_err() && fit.test("ł".as_bytes()).is_err());
        assert!(Fit { max_bytes: Some(3), ..Fit::default() }.test("äö".as_bytes()).is_err());
        let fit = Fit { labels: Some(vec!["a".into(), "b".into()]), ..Fit::default() };
        assert!(fit.test(b"a").is_ok() && fit.test(b"c").is_err());
    }

    #[test]
    fn checks_are_held_against_the_value() {
        let fit = |check| Fit { checks: vec![check], ..Fit::default() };
        let range = fit(Check::Range { least: Some((0.0, false)), most: Some((10.0, true)) });
        assert!(
            range.test(b"0").is_err()
                && range.test(b"0.5").is_ok()
                && range.test(b"10").is_ok()
                && range.test(b"11").is_err()
        );
        let regex = fit(Check::Matches(Regex::new("^[A-Z]{3}$").unwrap(), true));
        assert!(regex.test(b"ABC").is_ok() && regex.test(b"abc").is_err());
        assert!(fit(Check::Length(2, 3)).test("ü".as_bytes()).is_err());
        assert!(fit(Check::NoneOf(vec!["x".into()])).test(b"x").is_err());
    }
}
