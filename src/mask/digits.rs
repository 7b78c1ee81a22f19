//! `digits`: a number of as many digits, for account numbers, codes of digits, and keys of digits.

use super::numerals::{self, Digits};
use super::permute::Permuter;
use super::prelude::*;

pub(super) static DEFINITION: Definition = Definition {
    name: "digits",
    about: "Replaces all digits of a number together by others (FF1); its length, its punctuation and whether it begins with 0 stay, and no two numbers become the same.",
    params: &[Param {
        name: "keep_separators",
        about: "Whether space and punctuation stay; a unique column needs them.",
        kind: ParamKind::Bool,
        default: "true",
    }],
    accepts: &[Family::Text, Family::Integer, Family::Numeric],
    unique: Uniqueness::Exact,
    domain: "number.digits",
    build,
    examples: &[
        Example::plain("4000-1234-88"),
        Example { params: || vec![("keep_separators", Value::Bool(false))], cell: "4000-1234-88" },
    ],
    teaches: |_| Teaches::Whole,
    sample: |number| format!("{:04}-{:06}", 1000 + number / 1_000_000 % 9000, number % 1_000_000),
    ..Definition::BASE
};

struct Masker {
    permuter: Permuter,
    range: (Option<i128>, Option<i128>),
    keep_separators: bool,
}

fn build(site: &Site, params: &Params) -> Result<Box<dyn Mask>> {
    let keep_separators = params.flag("keep_separators").unwrap_or(true);
    if site.unique && !keep_separators {
        return Err(Error::policy("mask digits without separators cannot keep values of a unique column apart")
            .hint("Leave keep_separators out: 12-3 and 1-23 would become the same."));
    }
    Ok(Box::new(Masker { permuter: Permuter::new(&site.key), range: site.range, keep_separators }))
}

impl Mask for Masker {
    fn mask(&self, cell: Cell<'_>, _: &Row<'_>, out: &mut Vec<u8>) -> Written {
        let value = super::text_or_integer(cell)?;
        numerals::only_plain_letters(value)?;
        if value.iter().any(u8::is_ascii_alphabetic) {
            return Err(Misfit("it has letters, which would stay; use alnum"));
        }
        let start = out.len();
        match Digits::read(value) {
            Some(mut digits) => {
                number(&self.permuter, self.range, value, digits.values_mut())?;
                numerals::put(value, digits.values(), out);
            }
            None if value.iter().any(u8::is_ascii_digit) => {
                out.extend_from_slice(value);
                let first = out[start..].iter().position(|byte| (b'1'..=b'9').contains(byte) || *byte == b'0');
                // The first digit stays what it is: 0 or not.
                self.long(&mut out[start..], first.unwrap_or(0))?;
            }
            None => return Err(Misfit("it has no digit")),
        }
        if !self.keep_separators {
            let mut at = 0;
            out.retain(|byte| {
                at += 1;
                at <= start || byte.is_ascii_digit()
            });
        }
        Ok(cell.kind)
    }
}

impl Masker {
    /// More digits than any integer holds: the first one goes on its own, so that a leading 0 stays one and none appears.
    fn long(&self, text: &mut [u8], first: usize) -> std::result::Result<(), Misfit> {
        let (head, tail) = text.split_at_mut(first + 1);
        numerals::replace(&self.permuter, tail)?;
        if let Some(digit) = head.last_mut().filter(|digit| **digit != b'0') {
            let image = self.permuter.image(u128::from(*digit - b'1'), 9).unwrap_or(0);
            *digit = b'1' + u8::try_from(image).unwrap_or(0);
        }
        Ok(())
    }
}

/// Whether `text` is a whole number without anything else in it, and a negative one.
pub(super) fn whole(text: &[u8]) -> Option<bool> {
    let negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(negative)..];
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(negative)
}

/// Permutes `digits`, which are those of `text`: within the range of the column if the text is a whole number.
pub(super) fn number(
    permuter: &Permuter,
    range: (Option<i128>, Option<i128>),
    text: &[u8],
    digits: &mut [u8],
) -> std::result::Result<(), Misfit> {
    match whole(text) {
        // No number becomes a negative zero.
        Some(negative) => within(permuter, range, negative, u128::from(negative), digits),
        None => numerals::permute(permuter, digits),
    }
}

/// Permutes the digits of a whole number among those of as many digits that the column takes, not below `least`.
pub(super) fn within(
    permuter: &Permuter,
    range: (Option<i128>, Option<i128>),
    negative: bool,
    least: u128,
    digits: &mut [u8],
) -> std::result::Result<(), Misfit> {
    const OUTSIDE: Misfit = Misfit("it is outside of the numbers that the column takes");
    let (lowest, highest) = if negative { (range.1.map(|most| -most), range.0.map(|least| -least)) } else { range };
    let (first, count) = numerals::same_length(digits);
    let end = match highest {
        Some(most) => (first + count).min(u128::try_from(most).map_err(|_| OUTSIDE)?.saturating_add(1)),
        None => first + count,
    };
    let first = first.max(least).max(lowest.and_then(|least| u128::try_from(least).ok()).unwrap_or(0));
    let value = numerals::number(digits);
    if value < first || value >= end {
        return Err(OUTSIDE);
    }
    let image = permuter.image(value - first, end - first);
    numerals::spell(first + image.ok_or(Misfit("the column takes no other number of that many digits"))?, digits);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn mask(site: &Site, cell: Cell<'_>) -> std::result::Result<String, Misfit> {
        let mut out = Vec::new();
        let kind = build(site, &Params::default()).unwrap().mask(cell, &Row::NONE, &mut out)?;
        assert_eq!(kind, cell.kind);
        Ok(String::from_utf8(out).unwrap())
    }

    fn integer(text: &str) -> Cell<'_> {
        Cell { kind: CellKind::Integer, bytes: text.as_bytes() }
    }

    #[test]
    fn numbers_and_texts_agree_and_keep_their_length() {
        let site = Site::for_tests("digits");
        for text in ["7", "0", "42", "1000", "-5", "-120", "4158675309", "123456789012345678"] {
            let masked = mask(&site, integer(text)).unwrap();
            assert_eq!(masked, mask(&site, Cell::text(text)).unwrap());
            assert!(masked.len() == text.len() && masked != text, "{text} became {masked}");
            assert_eq!(masked.parse::<i64>().unwrap().to_string(), masked, "{text} became {masked}");
        }
    }

    #[test]
    fn separators_stay_and_do_not_matter() {
        let site = Site::for_tests("digits");
        let plain = mask(&site, Cell::text("0012345678")).unwrap();
        let spelled = mask(&site, Cell::text("00-1234 (56.78)")).unwrap();
        assert_eq!(spelled.replace(|c: char| !c.is_ascii_digit(), ""), plain);
        assert!(plain.starts_with('0') && spelled.chars().nth(2) == Some('-') && spelled.ends_with(')'));
        let params = Params::new(&DEFINITION, [("keep_separators".to_owned(), Value::Bool(false))]).unwrap();
        let mut out = b"be-fore".to_vec();
        build(&site, &params).unwrap().mask(Cell::text("00-1234 (56.78)"), &Row::NONE, &mut out).unwrap();
        assert_eq!(out, [b"be-fore", plain.as_bytes()].concat());
        assert!(build(&Site { unique: true, ..site }, &params).is_err());
    }

    #[test]
    fn a_columns_range_is_permuted_exactly() {
        let site = Site { range: (Some(-32_768), Some(32_767)), ..Site::for_tests("digits") };
        let mask_of = build(&site, &Params::default()).unwrap();
        let mut seen = HashSet::new();
        for number in -32_768..=32_767 {
            let text = number.to_string();
            let mut out = Vec::new();
            mask_of.mask(integer(&text), &Row::NONE, &mut out).unwrap();
            let masked: i32 = std::str::from_utf8(&out).unwrap().parse().unwrap();
            assert!((-32_768..=32_767).contains(&masked) && masked != number);
            assert!(out.len() == text.len() && seen.insert(masked), "{number} became {masked}");
        }
        assert!(mask(&site, Cell::text("99999")).is_err());
    }

    #[test]
    fn more_digits_than_integers_hold_are_masked_too() {
        let site = Site::for_tests("digits");
        for text in ["1".repeat(39), "0".repeat(60), format!("9-{}", "5".repeat(200))] {
            let masked = mask(&site, Cell::text(&text)).unwrap();
            assert!(masked.len() == text.len() && masked != text);
            assert_eq!(masked.starts_with('0'), text.starts_with('0'));
        }
    }

    #[test]
    fn letters_are_refused_and_so_is_nothing() {
        for wrong in ["A-12", "n/a", "--", "١٢٣", "12é"] {
            assert!(mask(&Site::for_tests("digits"), Cell::text(wrong)).is_err(), "{wrong}");
        }
    }
}
